"""Comparisons of several places and workflows in one table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lczlib.errors import InputError
from lczlib.jobs.request import Request, Source, Steps, is_path
from lczlib.jobs.result import Result, job
from lczlib.reading import Reading, counted, tell
from lczlib.settings import setting

if TYPE_CHECKING:
    import pandas as pd

_SCORES = ("agreement", "agreement_weighted", "agreement_built", "kappa")
_SHARES = _SCORES[:3]
"""Scores that are shares of cells, so that those of several places add up by their cells."""


@dataclass(frozen=True, kw_only=True)
class AgreementsRequest(Request):
    """Comparisons to be put side by side."""

    command: ClassVar = "agreements"

    results: tuple[Source, ...] = setting(
        ..., "Folders that lcz compare wrote, one for each place, or their comparison.json.", title="Comparisons",
        file=True, argument=True, metavar="COMPARISON...",
    )  # fmt: skip
    names: tuple[str, ...] = setting(
        (), "What a place is called; repeat, one for each.", title="Names", flag="--name", metavar="NAME",
        usual="the folders' names", repeat=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.results or not all(is_path(r) for r in self.results):
            msg = "Agreements are those of comparisons that were written: give their folders."
            raise InputError(msg, parameter="results")
        if self.names and len(set(self.names)) != len(self.results):
            msg = f"{', '.join(self.names)} are not {len(self.results)} different names, one for each place."
            raise InputError(msg, parameter="names")


@dataclass(frozen=True, kw_only=True, repr=False)
class AgreementsResult(Result):
    """Comparisons of several places and workflows.

    Attributes
    ----------
    request : AgreementsRequest
    table : DataFrame
        A line a place and pair of maps: ``place``, ``first``, ``second``, ``by`` (cells or area), ``n``,
        ``agreement``, ``agreement_weighted``, ``agreement_built``, ``kappa``.
    together : DataFrame
        A line a pair: ``places``, ``n``, the shares of all places' cells, and ``<score>_min`` and ``_max``: the
        least and the most that a place has, which is the spread between places.
    """

    draws = False

    request: AgreementsRequest
    table: pd.DataFrame = field(repr=False)
    together: pd.DataFrame = field(repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """The places, a line a pair of maps."""
        return self.table

    def headline(self) -> str:
        """How many comparisons of how many places, in a sentence."""
        places = self.table["place"].nunique()
        return f"{counted(len(self.table), 'comparison')} of {counted(places, 'place')}."

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.export.files import write_result, write_table

        write_table(folder / "agreements.csv", self.table, index=False)
        write_table(folder / "agreements_together.csv", self.together, index=False)
        content = {
            "places": self.table.to_dict("records"), "together": self.together.to_dict("records"),
        }  # fmt: skip
        write_result(folder / "agreements.json", content)


@job
def run(request: AgreementsRequest, step: Steps) -> AgreementsResult:
    """Put comparisons side by side, and together where they are of the same maps.

    Raises
    ------
    InputError
        If a folder holds no comparison, or a place comes twice.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    places = _places(request)
    for done, (place, path) in enumerate(places.items()):
        step("Reading comparisons", done, len(places))
        rows += [{"place": place, **row} for row in _pairs(path)]
    table = pd.DataFrame(rows)
    return AgreementsResult(request=request, table=table, together=_together(table))


def _places(request: AgreementsRequest) -> dict[str, Path]:
    files = [Path(r) for r in request.results]
    files = [f / "comparison.json" if f.is_dir() else f for f in files]
    names = list(request.names) or [f.resolve().parent.name for f in files]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        msg = f"Two places are called {twice[0]}: give each a name of its own."
        raise InputError(msg, parameter="names")
    return dict(zip(names, files, strict=True))


def _pairs(path: Path) -> list[dict[str, Any]]:
    """The comparisons of a file, and what was read of it."""
    try:
        content = json.loads(path.read_text())
        pairs = [_row(pair) for pair in content["pairs"]]
    except OSError as err:
        msg = f"{path} cannot be read ({err.strerror}): give a folder that lcz compare wrote."
        raise InputError(msg) from err
    except (ValueError, KeyError, TypeError) as err:
        msg = f"{path} is no comparison as lcz compare writes it ({type(err).__name__}): run it again."
        raise InputError(msg) from err
    tell(Reading("comparison", str(path), (counted(len(pairs), "pair") + " of maps",)))
    return pairs


def _row(pair: Mapping[str, Any]) -> dict[str, Any]:
    scores = {s: float("nan") if pair[s] is None else float(pair[s]) for s in _SCORES}
    by_area = pair.get("by") == "area"
    n = float(pair["area_km2"]) if by_area else int(pair["n"])
    return {
        "first": str(pair["first"]), "second": str(pair["second"]), "by": "km2" if by_area else "cells",
        "n": n, **scores,
    }  # fmt: skip


def _together(table: pd.DataFrame) -> pd.DataFrame:
    """The pairs over all places: shares weighted by what was compared, and the range of each score."""
    import pandas as pd

    lines = []
    for (first, second, by), part in table.groupby(["first", "second", "by"], sort=False):
        line: dict[str, Any] = {
            "first": first, "second": second, "by": by, "places": len(part), "n": part["n"].sum(),
        }  # fmt: skip
        for score in _SHARES:
            line[score] = float((part[score] * part["n"]).sum() / part["n"].sum())
        for score in _SCORES:
            line |= {f"{score}_min": part[score].min(), f"{score}_max": part[score].max()}
        lines.append(line)
    return pd.DataFrame(lines)
