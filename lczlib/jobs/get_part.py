"""What ``lcz get`` makes beside imagery: each part puts its own files and its section of ``item.json``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.result import Result

if TYPE_CHECKING:
    from lczlib.acquire.places import Place
    from lczlib.jobs.get_radar import RadarResult


@dataclass(frozen=True, kw_only=True, repr=False)
class Part(Result):
    """A part of what was asked for; `write` puts all of it.

    Attributes
    ----------
    request : GetRequest
    place : Place
    radar : RadarResult or None
        What ``lcz prepare-s1`` needs, where that is asked for too.
    further : tuple of Part
        Other parts, likewise.
    """

    draws = False

    request: GetRequest
    place: Place
    radar: RadarResult | None = field(default=None, repr=False)
    further: tuple[Part, ...] = field(default=(), repr=False)

    @abstractmethod
    def own_cautions(self) -> list[str]:
        """What is missing or doubtful of this part."""

    @abstractmethod
    def put(self, folder: Path) -> None:
        """Put the files of this part, and its section of ``item.json``."""

    @abstractmethod
    def done(self) -> None:
        """Remove what was kept for a run that is taken up."""

    def cautions(self) -> list[str]:
        """What is missing or doubtful."""
        said = self.own_cautions() + further_cautions(self.further)
        return said + (self.radar.cautions() if self.radar else [])

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        if self.radar:
            self.radar.put(folder)
        put_all((self, *self.further), folder)

    def write(self, folder: str | Path, *, figures: bool = True) -> Path:
        """As all results; then what was kept is not kept any more."""
        written = super().write(folder, figures=figures)
        all_done((self, *self.further))
        return written


def further_cautions(parts: Iterable[Part]) -> list[str]:
    """What is missing or doubtful of parts."""
    return [text for part in parts for text in part.own_cautions()]


def put_all(parts: Iterable[Part], folder: Path) -> None:
    """Put the files of parts."""
    for part in parts:
        part.put(folder)


def all_done(parts: Iterable[Part]) -> None:
    """Remove what was kept of parts."""
    for part in parts:
        part.done()
