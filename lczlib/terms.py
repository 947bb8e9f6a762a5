"""Names of settings in messages, which every face of the project writes in its own terms.

A message says ``option("scheme", "0-16")``. Who shows it writes that as ``--scheme 0-16`` on the command
line, as the title of a field on a page, and as ``scheme='0-16'`` in Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

# invisible, and in no text that people write: shown as it is, a message reads "scheme=0-16"
_OPEN, _THEN, _CLOSE = "\u2063", "\u2064", "\u2062"
_MARK = re.compile(f"{_OPEN}([^{_THEN}]*){_THEN}=?([^{_CLOSE}]*){_CLOSE}")

Face = Callable[[str, str], str]
"""How a setting's name, and the value it is to have or nothing, are written."""


def option(name: str, value: object = "") -> str:
    """A setting as a message names it, to be written by whoever shows the message."""
    return f"{_OPEN}{name}{_THEN}{f'={value}' if value != '' else ''}{_CLOSE}"


_CALLS = {"memory": "lczlib.limits.allowed"}
"""Settings of a whole block of Python, and what makes the block."""


def python(name: str, value: str) -> str:
    """``scheme='0-16'``; without a value ``scheme=``."""
    if name in _CALLS:
        return f"{_CALLS[name]}({value})"
    return f"{name}={value!r}" if value else f"{name}="


def command_line(name: str, value: str) -> str:
    """``--scheme 0-16``."""
    return f"--{name.replace('_', '-')} {value}".rstrip()


_face: ContextVar[Face] = ContextVar("face", default=python)


@contextmanager
def speaking(face: Face) -> Iterator[None]:
    """A block in which messages are shown in the terms of a face."""
    token = _face.set(face)
    try:
        yield
    finally:
        _face.reset(token)


def speaker() -> Face:
    """The face that is speaking, for a process that is to speak likewise."""
    return _face.get()


def worded(text: str, face: Face | None = None) -> str:
    """A message in the terms of a face, or of the one that is speaking."""
    write = face or _face.get()
    return _MARK.sub(lambda mark: write(mark[1], mark[2]), text)


def settings_in(text: str) -> tuple[str, ...]:
    """The settings that a message names, in its order."""
    return tuple(mark[1] for mark in _MARK.finditer(text))


def renamed(text: str, called: Mapping[str, str], whose: str = "") -> str:
    """The same message about settings that a job calls otherwise, or that are of one of its files.

    Parameters
    ----------
    text : str
        With settings as of `option`.
    called : mapping of str to str
        The job's names of settings, for those that it has.
    whose : str
        The file that a value is for: ``0-16`` becomes ``theirs=0-16``.
    """

    def write(name: str, value: str) -> str:
        if name not in called:
            return option(name, value)
        return option(called[name], f"{whose}={value}" if value and whose else value)

    return worded(text, write)
