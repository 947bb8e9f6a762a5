"""The whole assessment of a map against a reference, each score with its interval and sample size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from lczlib.analysis.area import AreaEstimate, class_areas, stratified_estimate
from lczlib.analysis.bootstrap import (
    LEVELS,
    bootstrap_sums,
    check_replicates,
    collapsed,
    degrees_of_freedom,
    score_intervals,
)
from lczlib.analysis.confusion import (
    aligned,
    as_confusion,
    block_confusion,
    count_units,
    polygon_confusion,
)
from lczlib.analysis.independence import training_areas
from lczlib.analysis.options import REPLICATES
from lczlib.analysis.placement import placement
from lczlib.analysis.scores import CLASS_SCORES, SCORES
from lczlib.analysis.words import assessed, assessment_html
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.grid import Resampling, geobox_of
from lczlib.polygon_cells import are_points, polygon_cells
from lczlib.polygons import crossing_polygons
from lczlib.reading import tell

BLOCK = 20
"""Edge of a bootstrap block in cells: 2 km at 100 m, more than most reference polygons measure."""
MAX_BLOCKS_ACROSS = 64
"""Larger maps get larger blocks, so that the counts of all blocks stay small in memory."""


@dataclass(frozen=True)
class Assessment:
    """Accuracy of a map.

    Attributes
    ----------
    counts : DataArray (reference, predicted)
        Confusion matrix in cells.
    scores : dict of str to float
        ``oa``, ``aa``, ``kappa``, ``oau``, ``oabu``, ``oaw``, ``mean_f1``; NaN where undefined.
    intervals : dict of str to (low, high)
        ``oa_ci`` (95%), ``oa_ci90`` (5-95%), ...; NaN where none can be had.
    classes : DataFrame
        Index ``lcz`` 1..17: ``pa``, ``ua``, ``f1``, their ``_ci_low``, ``_ci_high``,
        ``_ci90_low``, ``_ci90_high``, ``n_reference``, ``n_predicted`` (cells) and ``n_units``
        (polygons or blocks that hold the class in the reference).
    method : dict
        How the intervals were made: ``method``, ``unit``, ``n_units``, ``degrees_of_freedom``,
        ``replicates``, ``seed``.
    left_out : dict of str to int
        Cells and polygons that were not counted, by reason.
    area : AreaEstimate, optional
        Where the reference is a stratified sample.
    """

    counts: xr.DataArray
    scores: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    classes: pd.DataFrame
    method: dict[str, Any]
    left_out: dict[str, int]
    area: AreaEstimate | None = None
    crossings: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {assessed(self)}>"

    def _repr_html_(self) -> str:
        return assessment_html(self)

    @property
    def n(self) -> int:
        """Number of cells with both a reference and a predicted class."""
        return int(self.counts.sum())

    def to_dict(self) -> dict[str, Any]:
        """The assessment as plain values, as `assessment.json` holds it; undefined is NaN."""
        out: dict[str, Any] = {"n": self.n}
        for name, value in self.scores.items():
            out[name] = value
            out |= {f"{name}_{level}": list(self.intervals[f"{name}_{level}"]) for level in LEVELS}
        out["classes"] = [self._class_dict(c.number) for c in CLASSES]
        out["confusion_matrix"] = self.counts.values.tolist()  # rows = reference, LCZ 1..17
        out["intervals"] = self.method
        out["left_out"] = self.left_out
        out["crossing_polygons"] = self.crossings.to_dict("records")
        if self.area is not None:
            out["area_weighted"] = {
                "method": "Olofsson et al. 2014, strata = mapped classes",
                "n": self.area.n, "oa": self.area.overall[0], "oa_se": self.area.overall[1],
                "classes": self.area.classes.reset_index().to_dict("records"),
            }  # fmt: skip
        return out

    def _class_dict(self, number: int) -> dict[str, Any]:
        row = self.classes.loc[number]
        out: dict[str, Any] = {"lcz": number, "code": CLASSES[number - 1].code}
        for name in CLASS_SCORES:
            out[name] = row[name]
            out |= {
                f"{name}_{level}": [row[f"{name}_{level}_low"], row[f"{name}_{level}_high"]]
                for level in LEVELS
            }
        return out | {n: int(row[n]) for n in ("n_reference", "n_predicted", "n_units")}


def assess(
    lcz: xr.DataArray,
    reference: xr.DataArray | gpd.GeoDataFrame,
    *,
    units: gpd.GeoDataFrame | None = None,
    resampling: Resampling | None = None,
    block: int | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
    stratified_sample: bool = False,
) -> Assessment:
    """Assess an LCZ map against a reference.

    With polygons the intervals come from a bootstrap over polygons, stratified by class; with a
    raster alone, from a bootstrap over square blocks of cells. Points are taken together by such
    blocks too, since those that were set in groups are alike; the samples of a random design
    (`stratified_sample`) are drawn one by one.

    Parameters
    ----------
    lcz : DataArray (y, x)
        The map, codes 0..17; may be dask-backed.
    reference : DataArray (y, x) or GeoDataFrame
        Reference raster of codes 0..17, or polygons or points as of
        `lczlib.references.open_reference`, which are laid onto the map's own grid.
    units : GeoDataFrame, optional
        The polygons that a reference raster was made from: its intervals are then a bootstrap over
        polygons too.
    resampling : {"nearest", "mode"}, optional
        Brings the map to the grid of a reference raster where they differ.
    block : int, optional
        Edge of a bootstrap block in cells; 20, more on maps beyond 1280 cells across, if not given.
    replicates, seed : int
        Bootstrap replicates and the seed of their random numbers.
    stratified_sample : bool
        Whether the reference is a random sample stratified by map class: adds area-weighted
        accuracy and error-adjusted areas (`lczlib.analysis.area.stratified_estimate`).

    Raises
    ------
    GridError
        If the grids differ and no resampling was asked for, or there is no overlap.
    InputError
        If no labelled cell is mapped, the reference holds a single class, or labelled cells lie in
        none of the `units`.
    ClassSchemeError
        If a code is not 0..17.
    """
    check_replicates(replicates)
    for what, given in (("map", lcz), ("reference", reference)):
        if isinstance(given, (str, Path)):
            msg = f"The {what} {given} is a file, not open: give it to lczlib.assess, which opens files."
            raise InputError(msg)
    crossings = pd.DataFrame()
    if isinstance(reference, gpd.GeoDataFrame):
        points = are_points(reference)
        # the samples of a design are drawn one by one; other points may stand in groups
        block = block or (1 if stratified_sample else default_block(lcz.shape))
        per_unit = polygon_confusion(reference, lcz, block)
        unit = str(per_unit.dims[0])
        tell(placement(reference, per_unit))
        known = training_areas(lcz.attrs.get("source"), reference)
        if known is not None:
            tell(known)
        if not points:
            crossings = crossing_polygons(reference)
    else:
        reference, on_reference = aligned(reference, lcz, resampling)
        if units is not None:
            per_unit, unit = _confusion_by_polygon(reference, on_reference, units), "polygon"
        else:
            block = block or default_block(reference.shape)
            per_unit, unit = block_confusion(reference, on_reference, block), "block"
    area = None
    if stratified_sample:
        counts = per_unit.sum(per_unit.dims[:1])
        area = stratified_estimate(counts, class_areas(lcz)["area_km2"].to_numpy())
    result = assess_units(per_unit, replicates=replicates, seed=seed)
    method = result.method | ({"block_cells": block} if unit == "block" else {})
    if unit == "block" and isinstance(reference, gpd.GeoDataFrame):
        edge = f"blocks of points, {block} x {block} cells"
        method["method"] = method["method"].replace("blocks", edge)
    return replace(result, method=method, area=area, crossings=crossings)


def assess_units(
    per_unit: xr.DataArray, *, replicates: int = REPLICATES, seed: int = 0
) -> Assessment:
    """Assess confusion matrices of independent units: polygons, blocks, or the cities of a data set.

    Parameters
    ----------
    per_unit : DataArray (unit, reference, predicted)
        Counts of each unit, as of `lczlib.analysis.confusion.polygon_confusion`; the first
        dimension names the unit. A coordinate ``lcz`` along it makes the bootstrap stratified by
        class. A single unit has scores but no intervals.
    replicates, seed : int
        Bootstrap replicates and the seed of their random numbers.

    Raises
    ------
    InputError
        If no cell has both labels, or the reference holds a single class.
    """
    unit = str(per_unit.dims[0])
    counts = per_unit.sum(unit).assign_attrs(per_unit.attrs)
    _check_reference(counts)
    stratified = "lcz" in per_unit.coords
    strata = per_unit["lcz"].values if stratified else np.zeros(len(per_unit), int)
    intervals, classes = _uncertain(counts, per_unit, strata, replicates, seed)
    how = f"bootstrap over {unit}s" + (", stratified by class" if stratified else "")
    method = {
        "method": how if len(per_unit) > 1 else f"none, a single {unit}",
        "degrees_of_freedom": degrees_of_freedom(strata),
        "unit": unit, "n_units": len(per_unit), "replicates": replicates, "seed": seed,
        "levels": LEVELS,
    }  # fmt: skip
    scores = {name: float(score(counts)) for name, score in SCORES.items()}
    return Assessment(counts, scores, intervals, classes, method, dict(counts.attrs))


def default_block(shape: Iterable[int]) -> int:
    """Edge of a bootstrap block for a raster of that shape, in cells."""
    return max(BLOCK, -(-max(shape) // MAX_BLOCKS_ACROSS))


def _confusion_by_polygon(
    reference: xr.DataArray, predicted: xr.DataArray, units: gpd.GeoDataFrame
) -> xr.DataArray:
    """The confusion matrix of a reference raster, taken apart by the polygons it was made from."""
    cells = polygon_cells(units, geobox_of(reference, "reference"))
    rows, cols = xr.DataArray(cells["row"], dims="cell"), xr.DataArray(cells["col"], dims="cell")
    truth, mapped = (a.isel(y=rows, x=cols).values for a in (reference, predicted))
    whole = block_confusion(reference, predicted, max(reference.shape))
    n_labelled = int(whole.sum()) + whole.attrs["no_prediction"]
    outside = n_labelled - int((truth > 0).sum())
    if outside:
        msg = (
            f"{outside} of {n_labelled} labelled cells of the reference raster lie in none of the "
            "polygons: give the polygons that it was made from, or leave them out for a block bootstrap."
        )
        raise InputError(msg)
    number, index = np.unique(cells["polygon"], return_inverse=True)
    counts = as_confusion(count_units(truth, mapped, index, len(number))).rename(unit="polygon")
    counts = counts.assign_coords(
        polygon=number, lcz=("polygon", cells.groupby("polygon")["lcz"].first().to_numpy())
    )
    return counts[counts.any(("reference", "predicted")).values].assign_attrs(whole.attrs)


def _check_reference(counts: xr.DataArray) -> None:
    if not int(counts.sum()):
        msg = (
            f"No labelled cell of the reference is mapped ({counts.attrs.get('no_prediction', 0)} "
            "labelled cells are no data in the map): the reference is empty or lies elsewhere."
        )
        raise InputError(msg)
    present = counts.sum("predicted")
    if int((present > 0).sum()) == 1:
        code = CLASSES[int(present.values.argmax())].code
        msg = (
            f"The reference holds a single class (LCZ {code}, {int(present.sum())} cells): accuracy "
            "needs two or more, since every map of that class alone would be perfect; add "
            "reference areas of other classes."
        )
        raise InputError(msg)


def _uncertain(
    counts: xr.DataArray,
    per_unit: xr.DataArray,
    strata: np.ndarray,
    replicates: int,
    seed: int,
) -> tuple[dict[str, tuple[float, float]], pd.DataFrame]:
    """Intervals of the map's scores, and the table of the classes with theirs."""
    holds = per_unit.sum("predicted").values > 0  # (units, 17)
    mapped = per_unit.sum("reference").values > 0
    n_units = holds.sum(0)
    degrees = degrees_of_freedom(strata)
    told = {"pa": n_units, "ua": mapped.sum(0), "f1": (holds | mapped).sum(0)}
    enough = len(per_unit) > 1
    sums = np.full((1, *counts.shape), np.nan)
    if enough:
        draw = partial(bootstrap_sums, per_unit.values, strata, replicates=replicates, seed=seed)
        sums = draw()
    drawn = dict.fromkeys(CLASS_SCORES, sums)
    if enough and (collapsed(strata) != strata).any():
        # the polygons of a class alone make its PA, so that those of others need not be drawn with them
        drawn["pa"] = draw(collapse=False)
    overall = {}
    for name, score in SCORES.items():
        lowest = -1.0 if name == "kappa" else 0.0
        found = score_intervals(score(counts), score(sums), degrees, lowest=lowest)
        for level, bounds in found.items():
            overall[f"{name}_{level}"] = tuple(bounds.tolist())
    columns: dict[str, np.ndarray] = {}
    for name, score in CLASS_SCORES.items():
        columns[name] = score(counts)
        own = np.minimum(told[name] - 1, degrees)
        for level, bounds in score_intervals(columns[name], score(drawn[name]), own).items():
            # one polygon says nothing about how polygons differ
            low, high = np.where(n_units > 1, bounds, np.nan)
            columns[f"{name}_{level}_low"], columns[f"{name}_{level}_high"] = low, high
    columns |= {
        "n_reference": counts.sum("predicted").values, "n_predicted": counts.sum("reference").values,
        "n_units": n_units,
    }  # fmt: skip
    index = pd.Index([c.number for c in CLASSES], name="lcz")
    return overall, pd.DataFrame(columns, index=index)
