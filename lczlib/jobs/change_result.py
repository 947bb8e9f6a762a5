"""What change is found: areas with intervals, maps, and as files."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lczlib.analysis.bootstrap import LEVELS
from lczlib.analysis.change.area import ASSUMPTION, FEWEST_BLOCKS
from lczlib.analysis.change.sample import STRATA, strata
from lczlib.analysis.change.transitions import GROUPS
from lczlib.classes import CLASSES
from lczlib.jobs.change_inputs import said_of_dates
from lczlib.jobs.request import is_path, name_of
from lczlib.jobs.result import Result
from lczlib.reading import counted
from lczlib.terms import option

if TYPE_CHECKING:
    import xarray as xr

    from lczlib.analysis.change.area import ChangeArea
    from lczlib.analysis.change.sample import SampleArea
    from lczlib.jobs.change import ChangeRequest
    from lczlib.jobs.change_inputs import Stack

_FEW_BLOCKS = 10
_SCALE, _NODATA = 1e-4, 65535
MODEL, DESIGN = "model", "design"
CONDITION = "conditional on calibrated probabilities"
"""What a model-based area holds under, wherever it is told."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ChangeResult(Result):
    """Change between dated class probabilities.

    Attributes
    ----------
    request : ChangeRequest
    stack : Stack
        The images by year.
    area : ChangeArea
        Between the first year and the last.
    steps : tuple of ChangeArea
        From each year to the next.
    change : DataArray (y, x) float32
        Probability that a cell's class is not that of the first year; NaN where no data.
    by_step : tuple of DataArray
        Probability of a change in each step.
    before, after : DataArray (y, x) uint8
        The most probable classes, the same where change is less probable than not; 0 = no data.
    sample : SampleArea or None
        Of a labelled sample.
    sample_left_out : dict of str to int
        Points of it that count in nothing, by why.
    """

    request: ChangeRequest
    stack: Stack = field(repr=False)
    area: ChangeArea = field(repr=False)
    steps: tuple[ChangeArea, ...] = field(repr=False)
    change: xr.DataArray = field(repr=False)
    by_step: tuple[xr.DataArray, ...] = field(repr=False)
    before: xr.DataArray = field(repr=False)
    after: xr.DataArray = field(repr=False)
    sample: SampleArea | None = field(default=None, repr=False)
    sample_left_out: dict[str, int] = field(default_factory=dict, repr=False)

    @property
    def basis(self) -> str:
        """``model`` or ``design``."""
        return MODEL if self.sample is None else DESIGN

    @cached_property
    def mapped_km2(self) -> float:
        """Area that all images know."""
        return float(self.stack.km2.sum())

    @property
    def changed_km2(self) -> float:
        """Area that changed, of its `basis`."""
        return self.area.rate * self.mapped_km2 if self.sample is None else self.sample.km2

    @property
    def n(self) -> int:
        """Cells of a model-based area, points of a design-based one."""
        return self.area.n if self.sample is None else self.sample.n

    def interval(self, name: str = "ci") -> tuple[float, float]:
        """Of `changed_km2`, by the names of `lczlib.analysis.bootstrap.LEVELS`; NaN where the blocks are too few."""
        if self.sample is not None:
            return self.sample.intervals[name]
        low, high = self.area.intervals[name]
        return low * self.mapped_km2, high * self.mapped_km2

    @cached_property
    def strata(self) -> xr.DataArray:
        """Classes of the change map, `lczlib.analysis.change.sample.STRATA` from 1; 0 = no data."""
        return self.before.copy(data=strata(self.before.values, self.after.values))

    def _mapped(self) -> tuple[np.ndarray, np.ndarray]:
        """km2 of the classes before x after (17, 17) on the map, and of its strata (6,)."""
        a, b = (m.values[self.stack.known].astype(int) - 1 for m in (self.before, self.after))
        pairs = np.bincount(a * 17 + b, self.stack.km2, 289).reshape(17, 17)
        codes = self.strata.values[self.stack.known]
        return pairs, np.bincount(codes, self.stack.km2, len(STRATA) + 1)[1:]

    def _estimates(self) -> tuple[np.ndarray, dict[str, tuple[np.ndarray, np.ndarray]]]:
        """km2 of each change of class (17, 17), and their intervals by level."""
        if self.sample is not None:
            km2, error = self.sample.transitions, self.sample.transition_errors
            return km2, {n: self.sample.ends(km2, error, v) for n, v in LEVELS.items()}
        ends = {n: self.area.transition_interval(v) for n, v in LEVELS.items()}
        total = self.mapped_km2
        return self.area.transitions * total, {
            n: (a * total, b * total) for n, (a, b) in ends.items()
        }

    @cached_property
    def transitions(self) -> pd.DataFrame:
        """Changes of class, the largest first: ``lcz_before``, ``lcz_after``, ``code_before``,
        ``code_after``, ``km2``, its ``_ci`` and ``_ci90`` ends, and ``mapped_km2``; those below a hundredth
        of a cell on the average, that the map does not show, are left out.
        """
        km2, ends = self._estimates()
        mapped, _ = self._mapped()
        least = float(self.stack.km2.mean()) / 100
        held = (km2 > least) | (mapped > 0)
        np.fill_diagonal(held, False)
        rows = [
            {
                "lcz_before": i + 1, "lcz_after": j + 1, "code_before": CLASSES[i].code,
                "code_after": CLASSES[j].code, "km2": km2[i, j],
                **{
                    f"km2_{n}_{side}": both[k][i, j]
                    for n, both in ends.items() for k, side in enumerate(("low", "high"))
                }, "mapped_km2": mapped[i, j],
            }
            for i, j in zip(*np.nonzero(held), strict=True)
        ]  # fmt: skip
        columns = (
            [*rows[0]]
            if rows
            else ["lcz_before", "lcz_after", "code_before", "code_after", "km2", "mapped_km2"]
        )
        return pd.DataFrame(rows, columns=columns).sort_values(
            "km2", ascending=False, ignore_index=True
        )

    @cached_property
    def groups(self) -> pd.DataFrame:
        """Kinds of change: index ``change``, ``km2``, its interval ends, and ``mapped_km2``."""
        _, on_map = self._mapped()
        total = self.mapped_km2
        if self.sample is not None:
            km2 = self.sample.groups
            ends = {
                n: self.sample.ends(km2, self.sample.group_errors, v) for n, v in LEVELS.items()
            }
        else:
            km2 = self.area.groups * total
            shares = {n: self.area.group_interval(v) for n, v in LEVELS.items()}
            ends = {n: (low * total, high * total) for n, (low, high) in shares.items()}
        table = {"km2": km2}
        for name, (low, high) in ends.items():
            table |= {f"km2_{name}_low": low, f"km2_{name}_high": high}
        return pd.DataFrame(
            table | {"mapped_km2": on_map[2:]}, index=pd.Index(GROUPS, name="change")
        )

    def to_dataframe(self) -> pd.DataFrame:
        """The changes of class: see `transitions`."""
        return self.transitions

    def headline(self) -> str:
        """The result in a sentence."""
        years = self.stack.years
        what = (
            f"model-based, {CONDITION}; {self.n:,} cells in {counted(self.area.n_blocks, 'block')}"
            if self.sample is None else f"design-based, {self.n:,} points"
        )  # fmt: skip
        ends = ends_of(*self.interval(), ", 95 %")
        return (
            f"{self.changed_km2:,.3g} km² ({ends}) of {self.mapped_km2:,.4g} km² changed "
            f"class between {years[0]} and {years[-1]}; {what}."
        )

    def notes(self) -> list[str]:
        """What the maps alone would say, and how much of that is false."""
        total, a = self.mapped_km2, self.area
        text = f"The most probable classes differ on {a.naive:.1%} ({a.naive * total:,.3g} km²)"
        if np.isfinite(a.naive_false):
            text += (
                f"; those of two images of one year on {a.naive_false:.1%}, where nothing changed"
            )
        dates = said_of_dates(self.request.images(), self.stack.dates, self.request.dates)
        said = [dates, f"{text}."]
        if self.sample is not None:
            low, high = (v * total for v in a.intervals["ci"])
            said.append(
                f"Model-based, {CONDITION}: {a.rate * total:,.3g} km² ({ends_of(low, high)})."
            )
            for why, n in self.sample_left_out.items():
                if n:
                    said.append(f"{counted(n, 'point')} {why} left out.")
        return said

    def cautions(self) -> list[str]:
        """What should be looked at before the areas are quoted."""
        said = []
        if self.sample is None and self.area.false_by == ASSUMPTION:
            said.append(
                "No two images are of one year, so that the rate of false change is not known: the interval reaches "
                "from errors that are independent between the years to errors that are always the same; give a second "
                f"image of one of the years ({option('same_year')})."
            )
        if self.sample is None and not self.area.has_interval:
            said.append(self._without_interval())
        elif self.sample is None and self.area.n_blocks < _FEW_BLOCKS:
            said.append(
                f"The intervals rest on {counted(self.area.n_blocks, 'block')} of cells: take smaller ones "
                f"({option('block')}) if errors do not reach that far."
            )
        networks = self._networks()
        if len(networks) > 1:
            said.append(
                f"The images were mapped by different networks ({'; '.join(sorted(networks))}), whose differences "
                "look like change: map all dates with one."
            )
        return said

    def _without_interval(self) -> str:
        found, usable = counted(self.area.n_blocks, "block"), self.area.n_usable
        few = (
            found
            if usable == self.area.n_blocks
            else f"{found}, of which {usable} hold more than an edge"
        )
        return (
            f"No interval: the cells lie in {few}, and blocks whose errors go together must be {FEWEST_BLOCKS} at "
            f"least for their spread to be known: take smaller ones ({option('block')}) if errors do not reach that "
            f"far, maps of more of the place, or a labelled sample ({option('draw')}, {option('samples')})."
        )

    def _networks(self) -> set[str]:
        from lczlib.made_by import network_of

        files = [s for s in self.request.images() if is_path(s)]
        return {network for s in files if (network := network_of(s))}

    def document(self) -> dict[str, Any]:
        """What ``change.json`` says."""
        import lczlib

        total, a = self.mapped_km2, self.area
        _, on_map = self._mapped()
        content: dict[str, Any] = {
            "changed_km2": self.changed_km2,
            **{f"changed_km2_{n}": list(self.interval(n)) for n in LEVELS},
            "basis": self.basis,
            "condition": CONDITION if self.sample is None else "the points are random within each class of the map",
            "n": self.n, "n_unit": "cells" if self.sample is None else "points", "mapped_km2": total,
            "dates": self.stack.dates, "years": self.stack.years,
            "groups": _records(self.groups.reset_index(), self.groups.columns),
            "transitions": _records(self.transitions, self.transitions.columns),
            "mapped": {name: float(v) for name, v in zip(STRATA, on_map, strict=True)},
            "naive_differencing_km2": a.naive * total,
            "model": self._model(a, self.stack.years[0], self.stack.years[-1]),
            "headline": self.headline(), "notes": self.notes(), "cautions": self.cautions(),
            "lczlib": lczlib.__version__,
        }  # fmt: skip
        if len(self.steps) > 1:
            pairs = zip(self.steps, self.stack.years[:-1], self.stack.years[1:], strict=True)
            content["steps"] = [self._model(s, one, other) for s, one, other in pairs]
        if self.sample is not None:
            content["sample"] = {
                "standard_error_km2": self.sample.error, "left_out": self.sample_left_out,
                "strata": [
                    {"class": c, "n": int(n), "km2": float(v)}
                    for c, n, v in zip(STRATA, self.sample.n_strata, self.sample.strata_km2, strict=True)
                ],
            }  # fmt: skip
        return content

    def _model(self, area: ChangeArea, one: int, other: int) -> dict[str, Any]:
        total = self.mapped_km2
        return {
            "years": [one, other], "changed_km2": area.rate * total,
            **{f"changed_km2_{n}": [v * total for v in ends] for n, ends in area.intervals.items()},
            "condition": CONDITION, "n_cells": area.n, "n_blocks": area.n_blocks, **area.to_dict(),
        }  # fmt: skip

    def _write(self, folder: Path, figures: bool) -> None:
        from lczlib.export.files import write_features, write_result, write_table
        from lczlib.export.geotiff import write_lcz_map, write_raster

        _write_share(
            folder / "change_proba.tif", self.change, ["probability of change"], self._tags()
        )
        if len(self.steps) > 1:
            _write_steps(folder / "change_step_proba.tif", self)
        write_raster(
            folder / "change_lcz.tif", _pairs(self.before, self.after), nodata=0,
            descriptions=["100 x before + after; 1 same"], tags=self._tags(), overview_resampling="mode",
        )  # fmt: skip
        meanings = " ".join(name.replace(",", "").replace(" ", "_") for name in STRATA)
        write_raster(
            folder / "change_strata.tif", self.strata, nodata=0, descriptions=["class of change"],
            tags={**self._tags(), "flag_values": "1, 2, 3, 4, 5, 6", "flag_meanings": meanings},
            colormap=_COLORS, overview_resampling="mode",
        )  # fmt: skip
        write_lcz_map(folder / "before_lcz.tif", self.before, tags=self._tags())
        write_lcz_map(folder / "after_lcz.tif", self.after, tags=self._tags())
        write_table(folder / "transitions.csv", self.transitions, index=False)
        write_table(folder / "groups.csv", self.groups)
        if self.request.draw:
            from lczlib.jobs.change_samples import points_to_label

            codes = self.strata.values[self.stack.known]
            drawn = points_to_label(self.stack, codes, self.request.draw, self.request.seed)
            write_features(folder / "samples_to_label.gpkg", drawn, layer="samples")
        if figures:
            from lczlib.figures.change import change_figure
            from lczlib.figures.water import save

            save(
                change_figure(self.change, self.strata, self.transitions, self.headline()),
                folder / "change.png",
            )
        write_result(folder / "change.json", self.document())

    def _tags(self) -> dict[str, str]:
        names = [name_of(s, "in memory") for s in self.request.images()]
        return {
            "LCZLIB_YEARS": " ".join(map(str, self.stack.years)),
            "LCZLIB_CHANGE_OF": " ".join(names),
        }


def ends_of(low: float, high: float, level: str = "") -> str:
    """``0.2 to 0.5, 95 %``, the ends of an interval; ``no interval`` where there is none (NaN)."""
    return "no interval" if np.isnan(low) else f"{low:,.3g} to {high:,.3g}{level}"


_COLORS = {
    0: (255, 255, 255), 1: (226, 240, 217), 2: (217, 217, 217), 3: (215, 25, 28), 4: (253, 174, 97),
    5: (171, 217, 233), 6: (26, 150, 65),
}  # fmt: skip
"""Of the classes of a change map."""


def _pairs(before: xr.DataArray, after: xr.DataArray) -> xr.DataArray:
    from lczlib.analysis import class_pairs

    return class_pairs(before, after)


def _write_share(path: Path, layer: xr.DataArray, names: list[str], tags: dict[str, str]) -> None:
    """Write shares (y, x) or (band, y, x) as lczlib's probabilities are: uint16, scale 1e-4."""
    from lczlib.export.geotiff import write_raster

    stored = (layer / _SCALE).round().where(layer.notnull(), _NODATA).astype(np.uint16)
    write_raster(path, stored, nodata=_NODATA, descriptions=names, scale=_SCALE, tags=tags)


def _write_steps(path: Path, result: ChangeResult) -> None:
    import xarray as xr

    years = result.stack.years
    names = [f"{a} to {b}" for a, b in itertools.pairwise(years)]
    _write_share(path, xr.concat([*result.by_step], "band"), names, result._tags())


def _records(table: pd.DataFrame, columns: pd.Index) -> list[dict[str, Any]]:
    """Lines of a table with intervals as pairs, as result files have them."""
    found = table.to_dict("records")
    for row in found:
        for name in LEVELS:
            if f"km2_{name}_low" in columns:
                row[f"km2_{name}"] = [row.pop(f"km2_{name}_low"), row.pop(f"km2_{name}_high")]
    return found
