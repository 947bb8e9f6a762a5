"""The accuracy of a way in a city as a row of a result file: scores, and the counts that they follow from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lczlib.analysis.assessment import Assessment, assess_units
from lczlib.analysis.bootstrap import FEW_UNITS
from lczlib.analysis.confusion import as_confusion, polygon_confusion
from lczlib.analysis.differences import difference_of_counts
from lczlib.classes import CLASSES, N_CLASSES

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr

SCORED, NOT_POSSIBLE = "scored", "not possible"
SCORES = ("oa", "oau", "oabu", "oaw", "mean_f1", "kappa", "aa")
"""That a row states, each with its 95 % interval: those of ``lcz assess``."""
SHOWN = {"oa": "OA", "oabu": "OAbu", "oaw": "OAw", "mean_f1": "F1", "kappa": "kappa"}
"""That the table shows."""


def counted_row(lcz: xr.DataArray, polygons: gpd.GeoDataFrame, ids: pd.Series) -> list[list[Any]]:
    """What a map makes of the cells of each polygon, in the order of the file.

    Parameters
    ----------
    lcz : DataArray (y, x)
        Codes 0..17.
    polygons : GeoDataFrame
        As of `lczlib.polygons.open_polygons`.
    ids : Series
        The number of each polygon among the folds, by its number in the file.

    Returns
    -------
    list of [id, lcz, {predicted class: cells}]
    """
    counts = polygon_confusion(polygons, lcz)
    found = []
    for number, own, table in zip(
        counts["polygon"].values, counts["lcz"].values, counts.values, strict=True
    ):
        row = table[int(own) - 1]
        predicted = {str(i + 1): int(n) for i, n in enumerate(row) if n}
        found.append([int(ids[number]), int(own), predicted])
    return found


def assessed(polygons: Sequence[Sequence[Any]], replicates: int, seed: int) -> Assessment:
    """The assessment that counts of polygons give: that of ``lcz assess`` on the same cells."""
    counts = _counts(polygons)
    # `as_confusion` takes tables with a line and a column for no class
    table = np.pad(counts, ((0, 0), (1, 0), (1, 0)))
    per_unit = as_confusion(table).rename(unit="polygon")
    per_unit = per_unit.assign_coords(
        polygon=[p[0] for p in polygons], lcz=("polygon", [p[1] for p in polygons])
    )
    return assess_units(per_unit, replicates=replicates, seed=seed)


def _counts(polygons: Sequence[Sequence[Any]]) -> np.ndarray:
    """Cells of each polygon by reference and map, (polygons, 17, 17)."""
    counts = np.zeros((len(polygons), N_CLASSES, N_CLASSES), np.int64)
    for i, (_, lcz, predicted) in enumerate(polygons):
        for code, n in predicted.items():
            counts[i, lcz - 1, int(code) - 1] = n
    return counts


def differences(rows: Sequence[Mapping[str, Any]], replicates: int, seed: int = 0) -> pd.DataFrame:
    """How far the best way of each city is ahead of each other one, paired by polygon.

    Parameters
    ----------
    rows : sequence of mapping
        Of the board.
    replicates, seed : int
        Of the bootstrap, the same polygons for both.

    Returns
    -------
    DataFrame
        A line a way that is not the best of its city and was scored on the same cells: ``city``, ``best`` and
        ``way`` with their networks, ``best_oa``, ``oa``, ``difference`` (of overall accuracy), ``ci_low``, ``ci_high``
        (95 %), ``n`` cells, ``n_polygons``. The best was chosen by the same scores: where several are close it is
        ahead by luck as well.
    """
    columns = [
        "city",
        "best",
        "way",
        "best_oa",
        "oa",
        "difference",
        "ci_low",
        "ci_high",
        "n",
        "n_polygons",
    ]
    found = []
    scored = [r for r in rows if r["status"] == SCORED]
    for city in dict.fromkeys(r["city"] for r in scored):
        own = [r for r in scored if r["city"] == city]
        best = max(own, key=lambda r: r["oa"])
        for row in own:
            same = [p[:2] for p in row["polygons"]] == [p[:2] for p in best["polygons"]]
            if row is best or not same or row["n"] != best["n"]:
                continue
            strata = np.array([p[1] for p in row["polygons"]])
            apart = difference_of_counts(
                _counts(best["polygons"]),
                _counts(row["polygons"]),
                strata,
                replicates=replicates,
                seed=seed,
            )
            oa = apart.scores.loc["oa"]
            found.append([
                city, _called(best), _called(row), oa["first"], oa["second"], oa["difference"], oa["ci_low"],
                oa["ci_high"], apart.n, apart.n_units,
            ])  # fmt: skip
    return pd.DataFrame(found, columns=columns)


def _called(row: Mapping[str, Any]) -> str:
    return ", ".join(str(row[c]) for c in ("from", "way", "network") if row.get(c))


def scores_of(found: Assessment) -> dict[str, Any]:
    """The scores of a row, each with its interval, and what they are of."""
    out: dict[str, Any] = {}
    for name in SCORES:
        out[name] = found.scores[name]
        out[f"{name}_ci"] = list(found.intervals[f"{name}_ci"])
    return out | {"n": found.n, "n_polygons": found.method["n_units"]}


def cautions_of(found: Assessment, alone: Sequence[int], *, learnt: bool) -> list[str]:
    """What to know of the scores of a row.

    Parameters
    ----------
    found : Assessment
        Of the way.
    alone : sequence of int
        Classes that one polygon shows.
    learnt : bool
        Whether the way was trained on the city's other polygons.
    """
    said = []
    n = found.method["n_units"]
    if n < FEW_UNITS:
        said.append(f"{n} polygons: the intervals are as wide as so few make them.")
    if alone and learnt:
        codes = ", ".join(CLASSES[c - 1].code for c in alone)
        said.append(
            f"LCZ {codes}: one polygon each, so that the others cannot teach what it looks like."
        )
    return said


def frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a table: what ``scores.csv`` holds."""
    columns = ["city", "way", "network", "status"]
    table = []
    for row in rows:
        line = {c: row.get(c, "") for c in ("from", *columns) if c in row or c != "from"}
        for name in SCORES:
            low, high = row.get(f"{name}_ci") or (np.nan, np.nan)
            line |= {name: row.get(name, np.nan), f"{name}_ci_low": low, f"{name}_ci_high": high}
        line |= {c: row.get(c) for c in ("n", "n_polygons", "polygons_of_folds", "folds", "lczlib")}
        line["note"] = row.get("reason") or " ".join(
            [*row.get("cautions", ()), *row.get("notes", ())]
        )
        table.append(line)
    made = pd.DataFrame(table)
    whole = [c for c in ("n", "n_polygons", "polygons_of_folds") if c in made]
    return made.astype(dict.fromkeys(whole, "Int64"))
