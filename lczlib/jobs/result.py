"""What all results have in common: a short look, a table, and files with their manifest."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from lczlib.jobs.request import Cancel, Progress, Request, Steps
from lczlib.reading import Reading, collected, told_before
from lczlib.terms import worded
from lczlib.unreadable import read_to_the_end

if TYPE_CHECKING:
    import pandas as pd

RequestT = TypeVar("RequestT", bound=Request)


@dataclass(frozen=True, kw_only=True)
class Result(ABC):
    """What a job found.

    Attributes
    ----------
    request : Request
    read : tuple of Reading
        What was read of its files, lost, masked and assumed.
    seconds : float
        How long it took.
    """

    draws: ClassVar[bool] = True
    """Whether there are figures of such a result."""

    request: Request
    read: tuple[Reading, ...] = field(default=(), repr=False)
    seconds: float = field(default=0.0, repr=False)

    @abstractmethod
    def to_dataframe(self) -> pd.DataFrame:
        """The result as a table."""

    @abstractmethod
    def headline(self) -> str:
        """The result in a sentence."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {worded(self.headline())}>"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # else each data class would make itself one of all its fields
        cls.__repr__ = Result.__repr__  # type: ignore[method-assign]

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p>{escape(worded(self.headline()))}</p>{self.to_dataframe()._repr_html_()}"

    def facts(self) -> Mapping[str, Any]:
        """What else the manifest says: weights, device."""
        return {}

    def also_read(self) -> list[Path]:
        """Files that were read beside those it was told, such as a quality layer."""
        return []

    def write(self, folder: str | Path, *, figures: bool = True) -> Path:
        """Write its files, figures and ``manifest.json``.

        Parameters
        ----------
        folder : path
            Made where it is not there.
        figures : bool
            Whether to draw figures.

        Raises
        ------
        InputError
            If the folder cannot be written, another process writes into it, or it holds another kind of
            result.
        """
        from lczlib.export.files import alone_in
        from lczlib.jobs.record import can_draw, recorded

        folder, drawn = Path(folder), self.draws and figures and can_draw()
        record = recorded(
            self.request, folder, seconds=self.seconds, figures=figures if self.draws else None,
            also_read=self.also_read(), **self.facts(),
        )  # fmt: skip
        with alone_in(folder, ".write.lock"), told_before(self.read), record:
            self._write(folder, drawn)
        return folder

    @abstractmethod
    def _write(self, folder: Path, figures: bool) -> None:
        """Write the result's own files."""


ResultT = TypeVar("ResultT", bound=Result)


def job(do: Callable[[RequestT, Steps], ResultT]) -> Callable[..., ResultT]:
    """A function that does a job, as all are called: with its progress, and with what it read."""

    @wraps(do)
    def run(
        request: RequestT, *, progress: Progress | None = None, cancelled: Cancel | None = None
    ) -> ResultT:
        begun = time.time()
        with collected() as heard, read_to_the_end():
            found = do(request, Steps(progress, cancelled))
        return replace(found, read=tuple(heard), seconds=time.time() - begun)

    return run
