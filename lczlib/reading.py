"""What was read of a file, said before the result: on the screen, in the JSON, in the dashboard.

Each door (maps, references, stations, scenes, thermal rasters) tells a `Reading` once it knows what it
took, lost, masked and assumed. Whoever runs a job listens with `readings`; where nobody does, as in a
notebook, the cautions come as Python warnings, and the rest is silent.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lczlib.terms import worded


class InputWarning(UserWarning):
    """Something in an input that may make the figures wrong; they are computed all the same."""


@dataclass(frozen=True)
class Reading:
    """What a door took from one file.

    Attributes
    ----------
    what : str
        What the file is for: ``LCZ map``, ``station file``.
    source : str
        The file, as it was named.
    said : tuple of str
        What was read, lost, masked and assumed, a clause each, in the order people ask for it:
        ``288 hours in steps of 1 h``, ``unit degC, not stated, by its values``.
    cautions : tuple of str
        Whole sentences: what may make the figures wrong, and what to do.
    facts : mapping
        The same as plain values for JSON: counts, unit, band, numbering.
    """

    what: str
    source: str
    said: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # arrays have no one answer to "equal?", which tells a file that is read twice
        object.__setattr__(self, "facts", _plain(self.facts))

    def __str__(self) -> str:
        name = Path(self.source).name or self.source
        said = "; ".join(self.said) or "read"
        return worded(f"{self.what[:1].upper()}{self.what[1:]} {name}: {said}.")

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON; the file by its name."""
        return {
            "what": self.what,
            "file": Path(self.source).name,
            "said": [worded(t) for t in self.said],
            "cautions": [worded(t) for t in self.cautions],
            **{k: worded(v) if isinstance(v, str) else v for k, v in self.facts.items()},
        }

    def changed(self, change: Callable[[str], str]) -> Reading:
        """The same in other words: with the names that options have where it is told."""
        facts = {k: change(v) if isinstance(v, str) else v for k, v in self.facts.items()}
        said, cautions = tuple(map(change, self.said)), tuple(map(change, self.cautions))
        return replace(self, said=said, cautions=cautions, facts=facts)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Reading:
        """What `to_dict` gave, from a manifest."""
        own = ("what", "file", "said", "cautions")
        return cls(
            str(values["what"]),
            str(values["file"]),
            tuple(values["said"]),
            tuple(values["cautions"]),
            {k: v for k, v in values.items() if k not in own},
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


@dataclass
class Notes:
    """What a door finds out step by step, until it tells it as one `Reading`."""

    said: list[str] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def tell(self, what: str, source: object) -> None:
        """Tell all of it."""
        tell(Reading(what, str(source), tuple(self.said), tuple(self.cautions), dict(self.facts)))


Listener = Callable[[Reading], None]


class _Kept(list[Reading]):
    """What is collected beside those who listen, and does not count as listening."""


_heard: ContextVar[tuple[list[Reading], ...]] = ContextVar("heard", default=())
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("listeners", default=())
_words: ContextVar[tuple[Callable[[str], str], ...]] = ContextVar("words", default=())


@contextmanager
def readings(say: Listener | None = None) -> Iterator[list[Reading]]:
    """Collect what is read in the block, in this thread; `say` is called at once for each.

    A file that is read twice in the same way is told once. Blocks nest: all hear.
    """
    heard: list[Reading] = []
    token = _heard.set((*_heard.get(), heard))
    said = _listeners.set((*_listeners.get(), *((say,) if say else ())))
    try:
        yield heard
    finally:
        _listeners.reset(said)
        _heard.reset(token)


def tell(reading: Reading) -> None:
    """Say what was read, to all who listen; without listeners, the cautions as `InputWarning`."""
    for change in reversed(_words.get()):
        reading = reading.changed(change)
    collections = _heard.get()
    new = [heard for heard in collections if reading not in heard]
    if collections and not new:
        return
    if all(isinstance(heard, _Kept) for heard in collections):
        for text in reading.cautions:
            warnings.warn(worded(text), InputWarning, stacklevel=3)
    for heard in new:
        heard.append(reading)
    if new and new[0] is collections[0]:
        for say in _listeners.get():
            say(reading)


@contextmanager
def collected() -> Iterator[list[Reading]]:
    """Collect what is read in the block, as `readings`, without being the one who listens.

    A job keeps so what it read with its result, and where nobody else listens the cautions are still
    Python warnings. A file that an earlier job read is heard again.
    """
    heard = _Kept()
    token = _heard.set((*_heard.get(), heard))
    try:
        yield heard
    finally:
        _heard.reset(token)


@contextmanager
def told_before(read: Iterable[Reading]) -> Iterator[None]:
    """A block that writes a result for which all of this was read, and has been said already."""
    with _apart([*read]):
        yield


@contextmanager
def _apart(heard: list[Reading]) -> Iterator[None]:
    """A block that only this list hears, and in which nobody is told."""
    token = _heard.set((heard,))
    said = _listeners.set(())
    try:
        yield
    finally:
        _listeners.reset(said)
        _heard.reset(token)


@contextmanager
def in_words(change: Callable[[str], str]) -> Iterator[None]:
    """All that is told in the block is told in other words (see `Reading.changed`)."""
    token = _words.set((*_words.get(), change))
    try:
        yield
    finally:
        _words.reset(token)


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing is told in the block: a job that opens the files it has just written says nothing."""
    with _apart([]):
        yield


def heard_so_far() -> list[dict[str, Any]]:
    """What the outermost block has heard up to now, as plain values for a result's JSON."""
    collections = _heard.get()
    return [r.to_dict() for r in collections[0]] if collections else []


def counted(n: int, one: str, several: str = "") -> str:
    """``1 row``, ``2,500 rows``: a number with its noun."""
    return f"{n:,} {one if n == 1 else several or one + 's'}"


def share(part: float, whole: float) -> str:
    """A part as per cent with one digit, honest at the ends: ``< 0.1 %`` is not 0."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %"
