"""What all requests have in common: they are checked when made, and know their files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from lczlib.errors import Cancelled
from lczlib.settings import Described, described, settle

Source = Any
"""A file by its path, an address, or the open object itself."""
Progress = Callable[[str, int, int], None]
"""Called with what is done now, how much of it is done, and how much there is."""
Cancel = Callable[[], bool]
"""Whether the job is to stop."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a job is told; checked when it is made.

    Raises
    ------
    InputError
        If a value is none that its setting allows.
    """

    command: ClassVar[str]
    """Of the command line, and of the manifest."""
    maps: ClassVar[tuple[str, ...]] = ()
    """Which of its files are LCZ maps."""

    def __post_init__(self) -> None:
        settle(self)

    @classmethod
    def settings(cls) -> dict[str, Described]:
        """What it can be told, by name."""
        return described(cls)

    def given(self) -> dict[str, Any]:
        """The settings that differ from their defaults."""
        found = {n: getattr(self, n) for n in self.settings()}
        return {n: v for n, v in found.items() if v is not self.settings()[n].default}

    def sources(self) -> list[tuple[str, Source]]:
        """Its files, and open objects, each with the name of its setting."""
        found = []
        for name, told in self.settings().items():
            value = getattr(self, name)
            if told.setting.file and value is not None:
                found += [(name, v) for v in (value if told.many else (value,))]
        return found

    def files(self) -> list[str | Path]:
        """Its files."""
        return [v for _, v in self.sources() if is_path(v)]


def is_path(source: Source) -> bool:
    """Whether a source is a file or an address, and not an open object."""
    return isinstance(source, (str, Path))


def name_of(source: Source, otherwise: str) -> str:
    """What a source is called: the file's name; of an open object where it came from, if it says so."""
    if is_path(source):
        return Path(source).name
    return Path(str(getattr(source, "attrs", {}).get("source", otherwise))).name


@dataclass
class Steps:
    """How far a job is; each report is a place where it can be stopped."""

    progress: Progress | None = None
    cancelled: Cancel | None = None

    def __call__(self, what: str, done: int = 0, total: int = 0) -> None:
        """Report.

        Raises
        ------
        Cancelled
            If the job is to stop.
        """
        if self.cancelled and self.cancelled():
            msg = "Stopped by the user."
            raise Cancelled(msg)
        if self.progress:
            self.progress(what, done, total)
