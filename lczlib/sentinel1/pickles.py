"""Nested dictionaries in NumPy's ``.npy`` files, which hold them as pickles: read without running them.

A pickle is a program, and Python's own reader runs it. Here its instructions are taken one by one, and
nothing that it names is ever called: dictionaries, lists, texts, numbers and datetimes are built, NumPy's
wrapping of them is undone, and all else is refused. Memory is bounded by the size of the file.
"""

from __future__ import annotations

import datetime as dt
import pickletools
import tokenize
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from lczlib.errors import InputError
from lczlib.limits import check_size

_BYTES_A_BYTE = 200
"""Memory that a byte of a file can come to: an empty dictionary is written in one."""
_AGAIN = 2  # times the file's size: packed bytes that may be unpacked, else one array again and again fills memory
_MARK = object()
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = {
    "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE",
    "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
}  # fmt: skip


class _RefusedError(Exception):
    """What a file holds that is not read, in words."""


class _Wrapped:
    """NumPy's array or type until it is told what it holds."""

    __slots__ = ("kind", "value")

    def __init__(self, kind: str, value: Any = None) -> None:
        self.kind, self.value = kind, value


def read_dictionary(path: str | Path, what: str) -> dict[Any, Any]:
    """The dictionary that a ``.npy`` file holds.

    Parameters
    ----------
    path : path
        The file.
    what : str
        What it is for, in messages.

    Returns
    -------
    dict
        Of dictionaries, lists, str, bytes, numbers, truth values, None and datetimes; NumPy's numbers
        are Python's, its arrays of one axis are lists.

    Raises
    ------
    InputError
        If it is no such file, damaged, too large, or holds anything else.
    """
    path = Path(path)
    try:
        check_size(
            path.stat().st_size * _BYTES_A_BYTE, path, what, f"{path.stat().st_size:,} bytes"
        )
        content = BytesIO(path.read_bytes())
    except OSError as error:
        msg = f"The {what} {path} cannot be read ({error.strerror}): check its name and folder."
        raise InputError(msg) from error
    try:
        _header(content)
        found = _opened(_Machine(path.stat().st_size).run(content))
    except _RefusedError as error:
        msg = (
            f"The {what} {path} {error}: it is not read, since only dictionaries, lists, texts, numbers and "
            "datetimes are. Write it as JSON, or fetch it again."
        )
        raise InputError(msg) from error
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, AttributeError) as error:
        msg = f"The {what} {path} is damaged or cut off: fetch it again."
        raise InputError(msg) from error
    if not isinstance(found, dict):
        msg = f"The {what} {path} holds no dictionary: give the file as BigEarthNet publishes it."
        raise InputError(msg)
    return found


def _header(content: BytesIO) -> None:
    """Step over what NumPy writes before the pickle."""
    form = np.lib.format
    read: Callable[..., Any] = (
        form.read_array_header_1_0
        if form.read_magic(content) == (1, 0)
        else form.read_array_header_2_0
    )
    try:
        shape, _, kind = read(content)
    except (SyntaxError, tokenize.TokenError) as error:  # the header is a text of Python
        raise ValueError(str(error)) from error
    if shape != () or kind != np.dtype(object):
        told = " x ".join(map(str, shape)) or "one"
        msg = f"holds an array ({told} of {kind})"
        raise _RefusedError(msg)


class _Machine:
    """Takes a pickle's instructions; each adds to a stack what it stands for."""

    def __init__(self, size: int) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.left = _AGAIN * size

    def run(self, content: BytesIO) -> Any:
        for code, argument, _ in pickletools.genops(content):
            name = code.name
            if name in ("PROTO", "FRAME"):
                continue
            if name == "STOP":
                return self.stack.pop()
            if name in _VALUES:
                self.stack.append(argument)
            elif name in _CONSTANTS:
                self.stack.append(_CONSTANTS[name])
            elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT"):
                self.memo[len(self.memo) if argument is None else argument] = self.stack[-1]
            elif name in ("BINGET", "LONG_BINGET"):
                self.stack.append(self.memo[argument])
            else:
                self._build(name, argument)
        msg = "it does not end"
        raise ValueError(msg)

    def _build(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name == "MARK":
            stack.append(_MARK)
        elif name in ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE"):
            stack.append({"EMPTY_DICT": {}, "EMPTY_LIST": [], "EMPTY_TUPLE": ()}[name])
        elif name == "TUPLE":
            stack.append(tuple(self._marked()))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            count = int(name[-1])
            if len(stack) < count:
                raise IndexError
            stack[-count:] = [tuple(stack[-count:])]
        elif name in ("SETITEM", "SETITEMS", "APPEND", "APPENDS"):
            self._fill(name)
        elif name == "GLOBAL":
            stack.append(_named(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            called, module = stack.pop(), stack.pop()
            stack.append(_named(module, called))
        elif name == "REDUCE":
            arguments, of = stack.pop(), stack.pop()
            stack.append(self._made(of, arguments))
        elif name == "BUILD":
            state, of = stack.pop(), stack[-1]
            self._told(of, state)
        else:
            msg = f"holds what no dictionary needs (pickle's {name})"
            raise _RefusedError(msg)

    def _marked(self) -> list[Any]:
        """What lies above the last mark, which goes with it."""
        found = []
        while (item := self.stack.pop()) is not _MARK:
            found.append(item)
        return found[::-1]

    def _fill(self, name: str) -> None:
        one = {"SETITEM": 2, "APPEND": 1}.get(name)
        items = [self.stack.pop() for _ in range(one)][::-1] if one else self._marked()
        into = self.stack[-1]
        if isinstance(into, list) and name.startswith("APPEND"):
            into += map(_opened, items)
        elif isinstance(into, dict) and name.startswith("SETITEM"):
            # a key is counted, and one of many tuples in each other would take the stack to do so
            for key, value in zip(items[::2], items[1::2], strict=True):
                key = _opened(key)
                if not isinstance(key, (str, bytes, int, float, dt.datetime)):
                    msg = f"has a key that is a {type(key).__name__}"
                    raise _RefusedError(msg)
                into[key] = _opened(value)
        else:
            raise TypeError

    def _made(self, of: Any, arguments: tuple[Any, ...]) -> Any:
        """What a call would make, where it is one of the few that are known."""
        if not isinstance(of, _Wrapped) or of.kind != "name" or not isinstance(arguments, tuple):
            raise TypeError
        if of.value == "dictionary":
            return {}
        if of.value == "bytes":
            text, coding = arguments
            if coding != "latin1":
                msg = f"holds bytes coded as {coding!r}"
                raise _RefusedError(msg)
            self._spend(len(text))
            return text.encode("latin1")
        if of.value == "datetime":
            (packed,) = arguments
            if not isinstance(packed, bytes) or len(packed) != 10:
                msg = "holds a datetime with a zone"
                raise _RefusedError(msg)
            return dt.datetime(packed)  # ten bytes are all that it takes
        if of.value == "type":
            return _Wrapped("type", arguments[0])
        if of.value == "array":
            return _Wrapped("array")
        if of.value == "number":
            kind, packed = arguments
            (value,) = self._numbers(kind, packed)
            return value
        raise TypeError

    def _told(self, of: Any, state: Any) -> None:
        """What NumPy says of a type or an array after it has made it."""
        if not isinstance(of, _Wrapped) or of.kind not in ("type", "array"):
            raise TypeError
        if of.kind == "type":
            if state[1] in ("<", ">") and not str(of.value).startswith(("<", ">", "|")):
                of.value = f"{state[1]}{of.value}"
            return
        _, shape, kind, _, items = state
        if kind.value in ("O", "O8", "|O"):
            if not isinstance(items, list):
                raise TypeError
            found = [_opened(i) for i in items]
        else:
            found = self._numbers(kind, items)
        if len(shape) > 1 or len(found) != int(np.prod(shape)):
            msg = f"holds an array of {len(shape)} axes"
            raise _RefusedError(msg)
        of.value = found if shape else found[0]

    def _numbers(self, kind: Any, packed: Any) -> list[Any]:
        """Numbers or bytes as NumPy packs them."""
        if not isinstance(kind, _Wrapped) or kind.kind != "type" or not isinstance(packed, bytes):
            raise TypeError
        known = np.dtype(kind.value) if isinstance(kind.value, str) else None
        if known is None or known.kind not in "biufS" or known.itemsize > max(8, len(packed)):
            msg = f"holds numbers of NumPy's type {kind.value!r}"
            raise _RefusedError(msg)
        self._spend(len(packed))
        return list(np.frombuffer(packed, known).tolist())

    def _spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            msg = "unpacks the same bytes again and again"
            raise _RefusedError(msg)


_NAMES = {
    ("collections", "defaultdict"): "dictionary",
    **{
        (module, called): "what a dictionary makes of keys that it lacks"
        for module in ("builtins", "__builtin__")
        for called in ("dict", "list")
    },
    ("datetime", "datetime"): "datetime",
    ("_codecs", "encode"): "bytes",
    ("numpy", "ndarray"): "type of array",
    ("numpy", "dtype"): "type",
    **{
        (f"numpy.{core}.multiarray", called): kind
        for core in ("core", "_core")
        for called, kind in (("_reconstruct", "array"), ("scalar", "number"))
    },
}


def _named(module: Any, called: Any) -> _Wrapped:
    kind = _NAMES.get((module, called))
    if kind is None:
        msg = f"names {module}.{called}, which a pickle would call"
        raise _RefusedError(msg)
    return _Wrapped("name", kind)


def _opened(value: Any) -> Any:
    """A value out of NumPy's wrapping."""
    if not isinstance(value, _Wrapped):
        return value
    if value.kind != "array":
        msg = f"holds a {value.kind} where a value is wanted"
        raise _RefusedError(msg)
    return value.value
