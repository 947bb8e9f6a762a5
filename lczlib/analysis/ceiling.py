"""How good a map can be seen to be: two references of one place, and the map between them.

People who label the same city agree on about four fifths of it (Bechtel et al. 2017, doi
10.3390/urbansci1020015). A map scored against one of them cannot be seen to be better than the other is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from lczlib.analysis.assessment import default_block
from lczlib.analysis.bootstrap import bootstrap_sums, degrees_of_freedom, interval
from lczlib.analysis.confusion import aligned, block_of_cells, count_units
from lczlib.analysis.options import REPLICATES
from lczlib.analysis.scores import SCORES
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.grid import Resampling, geobox_of, on_grid
from lczlib.polygon_cells import are_points, polygon_cells

Reference: TypeAlias = xr.DataArray | gpd.GeoDataFrame

CASES = {
    1: "all three agree", 2: "the references agree, the map differs", 3: "the map with the first reference",
    4: "the map with the second reference", 5: "all three differ",
}  # fmt: skip
"""What the layer of disagreement holds; 0: not labelled by all three."""

QUANTITIES = {
    "references": "the two references agree",
    "references_kappa": "kappa of the two references",
    "map_first": "the map against the first",
    "map_second": "the map against the second",
    "map_mean": "the map against them, mean of both",
    "difference": "the map's mean less the references' agreement",
    "relative": "the map's mean as a share of the references' agreement",
    "map_where_agreed": "the map where the references agree",
    "with_first": "where they differ: the map with the first",
    "with_second": "where they differ: the map with the second",
    "with_neither": "where they differ: the map with neither",
    "all_differ": "all three differ",
}
"""What is told, in words; shares of cells but for kappa."""


@dataclass(frozen=True)
class Ceiling:
    """A map between two references.

    Attributes
    ----------
    scores : DataFrame
        Index as of `QUANTITIES`: ``value``, ``ci_low``, ``ci_high`` (95 %; NaN where none can be had) and
        ``n``, the cells it is a share of. Overall accuracies, of the cells that all three label.
    disagreements : DataFrame
        ``first``, ``second``, ``map`` (class codes) and ``cells``: where they are not all alike, most
        frequent first.
    layer : DataArray (y, x) uint8
        `CASES`, for a map of the places.
    n, n_units : int
        Cells that all three label, and polygons or blocks that they lie in.
    unit : {"polygon", "block"}
        What is drawn for the intervals.
    left_out : dict of str to int
        Cells of the first reference that the second, or the map, does not label.
    alike : dict of str to bool
        Whether the map is as the ``first``, or the ``second``, reference in each of the cells.
    """

    scores: pd.DataFrame
    disagreements: pd.DataFrame
    layer: xr.DataArray
    n: int
    n_units: int
    unit: str
    left_out: dict[str, int]
    alike: dict[str, bool]

    def to_dict(self) -> dict[str, object]:
        """As plain values, for JSON."""
        return {
            "n": self.n, "n_units": self.n_units, "unit": self.unit, "left_out": self.left_out,
            "scores": {
                name: {"what": QUANTITIES[name], "value": row["value"], "ci": [row["ci_low"], row["ci_high"]],
                       "n": int(row["n"])}
                for name, row in self.scores.iterrows()
            },
            "disagreements": self.disagreements.to_dict("records"),
        }  # fmt: skip


def ceiling(
    lcz: xr.DataArray,
    first: Reference,
    second: Reference,
    *,
    resampling: Resampling | None = None,
    block: int | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Ceiling:
    """Judge a map by two references, and the references by each other.

    All on the cells that the three label, each cell once. Polygons of the first reference (else square
    blocks) are drawn for the intervals, the same in all quantities, so that differences and ratios are
    paired.

    Parameters
    ----------
    lcz : DataArray (y, x)
        The map, codes 0..17.
    first, second : DataArray (y, x) or GeoDataFrame
        As of `lczlib.references.open_reference`, by different people or in different ways. The grid is that
        of the first where it is a raster, else the map's.
    resampling : {"nearest", "mode"}, optional
        Brings the map, and a second raster, to that grid where theirs differ.
    block : int, optional
        Edge of a bootstrap block in cells; as of `lczlib.analysis.assess` if not given.
    replicates, seed : int
        Of the bootstrap.

    Raises
    ------
    GridError
        If grids differ and no resampling was asked for, or a reference lies off the map.
    InputError
        If no cell is labelled by all three.
    """
    raster = isinstance(first, xr.DataArray)
    target = first if raster else lcz
    mapped = aligned(first, lcz, resampling)[1] if raster else lcz
    box = geobox_of(target, "reference" if raster else "map")
    one, unit_of, strata_of = _labelled(first, target, block)
    two = _codes(second, target, resampling)
    three = np.asarray(mapped.values)
    n_first = int((one > 0).sum())
    among = (one > 0) & (two > 0) & (three > 0)
    left_out = {
        "not_in_second": int(((one > 0) & (two == 0)).sum()),
        "not_mapped": int(((one > 0) & (two > 0) & (three == 0)).sum()),
    }
    if not among.any():
        msg = (
            f"No cell is labelled by both references and the map (the first labels {n_first:,}, of which the "
            f"second lacks {left_out['not_in_second']:,}): they lie in different places."
        )
        raise InputError(msg)
    a, b, m, unit = (v[among] for v in (one, two, three, unit_of))
    numbers, index = np.unique(unit, return_inverse=True)
    agreed = np.where(a == b, a, 0)
    tables = np.stack(
        [
            count_units(x, y, index, len(numbers))[:, 1:, 1:]
            for x, y in ((a, b), (a, m), (b, m), (agreed, m))
        ],
        axis=1,
    )
    strata = None if strata_of is None else np.array([strata_of[u] for u in numbers])
    scores = _scores(tables, strata, replicates, seed)
    codes = np.array([""] + [c.code for c in CLASSES])
    layer = np.zeros(box.shape, np.uint8)
    layer[among] = np.select([(a == b) & (b == m), a == b, a == m, b == m], [1, 2, 3, 4], 5)
    triples = pd.DataFrame({"first": codes[a], "second": codes[b], "map": codes[m]})
    triples = triples[layer[among] > 1].value_counts().rename("cells").reset_index()
    drawn = on_grid(layer, box, name="disagreement")
    drawn.attrs = {
        "flag_values": np.array(list(CASES), np.uint8), "long_name": "two references and a map",
        "flag_meanings": " ".join(t.replace(" ", "_").replace(",", "") for t in CASES.values()),
    }  # fmt: skip
    kind = "polygon" if strata_of is not None else "block"
    alike = {"first": bool((a == m).all()), "second": bool((b == m).all())}
    return Ceiling(scores, triples, drawn, int(among.sum()), len(numbers), kind, left_out, alike)


def _labelled(
    reference: Reference, like: xr.DataArray, block: int | None
) -> tuple[np.ndarray, np.ndarray, dict[int, int] | None]:
    """Codes on a grid, the unit of each cell, and of polygons their classes."""
    size = block or default_block(like.shape)
    row, col = np.indices(like.shape)
    blocks = (row // size) * (like.shape[1] // size + 1) + col // size
    if isinstance(reference, xr.DataArray):
        return np.asarray(reference.values), blocks, None
    cells = polygon_cells(reference, geobox_of(like, "map"))
    codes, unit = np.zeros(like.shape, np.uint8), np.zeros(like.shape, np.int64)
    at = cells["row"], cells["col"]
    codes[at] = cells["lcz"]
    if are_points(reference):
        unit[at] = block_of_cells(cells, like.shape[1], size)
        return codes, unit, None
    unit[at] = cells["polygon"]
    return codes, unit, dict(zip(cells["polygon"], cells["lcz"], strict=True))


def _codes(reference: Reference, like: xr.DataArray, resampling: Resampling | None) -> np.ndarray:
    if isinstance(reference, xr.DataArray):
        names = ("the first reference or the map", "the second reference")
        return np.asarray(aligned(like, reference, resampling, names)[1].values)
    cells = polygon_cells(reference, geobox_of(like, "map"))
    codes = np.zeros(like.shape, np.uint8)
    codes[cells["row"], cells["col"]] = cells["lcz"]
    return codes


def _scores(
    tables: np.ndarray, strata: np.ndarray | None, replicates: int, seed: int
) -> pd.DataFrame:
    """Each of `QUANTITIES` of counts (units, 4, 17, 17), with its interval."""
    total = tables.sum(0)
    values, sizes = _quantities(total), _sizes(total)
    enough = len(tables) > 1
    degrees = 0
    if enough:
        drawn = _quantities(bootstrap_sums(tables, strata, replicates=replicates, seed=seed))
        degrees = len(tables) - 1 if strata is None else degrees_of_freedom(strata)
    rows = {}
    for name, value in values.items():
        low = high = np.nan
        if enough and degrees > 0 and np.isfinite(value):
            spread = drawn[name][np.isfinite(drawn[name])]
            lowest = None if name in ("difference", "relative", "references_kappa") else 0.0
            low, high = interval(value, spread, degrees, lowest=lowest)
        rows[name] = {
            "value": float(value), "ci_low": float(low), "ci_high": float(high), "n": int(sizes[name]),
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("quantity")


def _quantities(tables: np.ndarray) -> dict[str, np.ndarray]:
    """Of counts (..., 4, 17, 17)."""
    between, with_first, with_second, where_agreed = (tables[..., i, :, :] for i in range(4))

    def right(table: np.ndarray) -> np.ndarray:
        return np.trace(table, axis1=-2, axis2=-1)

    with np.errstate(invalid="ignore", divide="ignore"):
        n = between.sum((-2, -1))
        same = right(between)
        references, first, second = (right(t) / n for t in (between, with_first, with_second))
        mean = (first + second) / 2
        apart = n - same
        sides = [right(t) - right(where_agreed) for t in (with_first, with_second)]
        return {
            "references": references,
            "references_kappa": SCORES["kappa"](between),
            "map_first": first,
            "map_second": second,
            "map_mean": mean,
            "difference": mean - references,
            "relative": mean / references,
            "map_where_agreed": right(where_agreed) / same,
            "with_first": sides[0] / apart,
            "with_second": sides[1] / apart,
            "with_neither": (apart - sum(sides)) / apart,
            "all_differ": (apart - sum(sides)) / n,
        }


def _sizes(total: np.ndarray) -> dict[str, int]:
    n, same = int(total[0].sum()), int(np.trace(total[0]))
    return {
        name: same if name == "map_where_agreed" else n - same if name.startswith("with_") else n
        for name in QUANTITIES
    }
