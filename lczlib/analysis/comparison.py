"""Comparison of LCZ maps with each other: how far they agree, where they differ, and how."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from lczlib.analysis.area import class_areas
from lczlib.analysis.confusion import aligned, confusion
from lczlib.analysis.scores import (
    kappa,
    overall_accuracy,
    overall_accuracy_built,
    overall_accuracy_weighted,
)
from lczlib.analysis.words import compared, comparison_html
from lczlib.classes import CLASSES, N_CLASSES
from lczlib.errors import InputError
from lczlib.grid import Resampling
from lczlib.maps import lcz_map
from lczlib.texts import texts

SAME = 1
"""Value of `class_pairs` where two maps agree."""


@dataclass(frozen=True)
class Comparison:
    """Two maps against each other, over the cells that both map.

    Attributes
    ----------
    names : tuple of str
        Names of the two maps.
    counts : DataArray (first, second)
        Cross table in cells; ``attrs`` tell the cells that only one or no map has.
    classes : DataFrame
        Index ``lcz``: ``n_first``, ``n_second``, ``n_both`` (cells), ``agreement_first`` (share of
        the first map's cells that the second has too), ``agreement_second``, ``overlap`` (cells of
        both over cells of either), ``area_first_km2``, ``area_second_km2``, ``difference_km2``
        (second minus first).
    polygons : int
        Of a comparison by area (`lczlib.analysis.by_area`), how many polygons were compared; its
        counts are square kilometres. 0 where cells were counted.
    """

    names: tuple[str, str]
    counts: xr.DataArray
    classes: pd.DataFrame
    polygons: int = 0

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {compared(self)}>"

    def _repr_html_(self) -> str:
        return comparison_html(self)

    @property
    def n(self) -> int:
        """Number of cells that both maps have; by area, of polygons."""
        return self.polygons or int(self.counts.sum())

    @property
    def size(self) -> str:
        """How much was compared, in words."""
        if self.polygons:
            return f"{float(self.counts.sum()):,.2f} km²"
        return texts("{n} cell", "{n} cells", self.n)

    @property
    def agreement(self) -> float:
        """Share of those cells with one and the same class."""
        return float(overall_accuracy(self.counts))

    @property
    def agreement_weighted(self) -> float:
        """Agreement in which similar classes count in part (as OAw)."""
        return float(overall_accuracy_weighted(self.counts))

    @property
    def agreement_built(self) -> float:
        """Agreement on built (1-10) against natural (A-G), as OAbu."""
        return float(overall_accuracy_built(self.counts))

    @property
    def kappa(self) -> float:
        """Cohen's kappa of the two maps."""
        return float(kappa(self.counts))

    def changes(self) -> pd.DataFrame:
        """Pairs of different classes, most cells first: ``lcz_first``, ``lcz_second``, ``n``, ``share``.

        By area, ``n`` is square kilometres.
        """
        first, second = np.nonzero(self.counts.values * ~np.eye(N_CLASSES, dtype=bool))
        n = self.counts.values[first, second]
        table = pd.DataFrame(
            {
                "lcz_first": first + 1,
                "lcz_second": second + 1,
                "n": n,
                "share": n / self.counts.values.sum(),
            }
        )
        return table.sort_values("n", ascending=False, ignore_index=True, kind="stable")

    def summary(self) -> dict[str, Any]:
        """Agreement and number of cells, as one line of a table of several comparisons."""
        return {
            "first": self.names[0], "second": self.names[1], "n": self.n,
            "agreement": self.agreement, "agreement_weighted": self.agreement_weighted,
            "agreement_built": self.agreement_built, "kappa": self.kappa,
            **({"by": "area", "area_km2": float(self.counts.sum())} if self.polygons else {}),
        }  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain values, as `comparison.json` holds it."""
        lost = self.counts.attrs
        return {
            **self.summary(),
            "cross_table": self.counts.values.tolist(),  # rows = first map, LCZ 1..17
            "classes": self.classes.reset_index().to_dict("records"),
            "changes": self.changes().to_dict("records"),
            "left_out": {
                "only_first": lost["no_prediction"], "only_second": lost["no_reference"],
                "neither": lost["neither"],
            },
        }  # fmt: skip


def compare(
    first: xr.DataArray,
    second: xr.DataArray,
    *,
    names: tuple[str, str] = ("first", "second"),
    resampling: Resampling | None = None,
) -> Comparison:
    """Compare two LCZ maps.

    Parameters
    ----------
    first, second : DataArray (y, x)
        Codes 0..17; may be dask-backed.
    names : tuple of str
        What the maps are called in results.
    resampling : {"nearest", "mode"}, optional
        Brings the second map to the first one's grid where they differ.

    Raises
    ------
    GridError
        If the grids differ and no resampling was asked for, or do not overlap.
    InputError
        If no cell is mapped in both.
    """
    first, second = aligned(first, second, resampling, names)
    counts = confusion(first, second).rename(reference="first", predicted="second")
    if not int(counts.sum()):
        raise InputError(_nothing_in_common(counts, names))
    areas = [
        class_areas(a.where(b > 0, 0))["area_km2"] for a, b in ((first, second), (second, first))
    ]
    return Comparison(names, counts, class_table(counts, *areas))


def _nothing_in_common(counts: xr.DataArray, names: tuple[str, str]) -> str:
    left = counts.attrs
    empty = [
        n for n, k in zip(names, ("no_prediction", "no_reference"), strict=True) if not left[k]
    ]
    if empty:
        return f"No cell is mapped in {' nor in '.join(empty)} on the grid of {names[0]}."
    return f"{names[0]} and {names[1]} have no mapped cell in common."


def class_table(counts: xr.DataArray, first: pd.Series, second: pd.Series) -> pd.DataFrame:
    """The table of `Comparison.classes` of a cross table and the areas of both maps in km2."""
    rows, columns = counts.sum("second").values, counts.sum("first").values
    both = np.diagonal(counts.values)

    def share(of: np.ndarray) -> np.ndarray:
        return np.divide(both, of, out=np.full(N_CLASSES, np.nan), where=of > 0)

    return pd.DataFrame(
        {
            "n_first": rows, "n_second": columns, "n_both": both,
            "agreement_first": share(rows), "agreement_second": share(columns),
            "overlap": share(rows + columns - both), "area_first_km2": first,
            "area_second_km2": second, "difference_km2": second - first,
        },
        index=pd.Index([c.number for c in CLASSES], name="lcz"),
    )  # fmt: skip


def compare_all(
    maps: Mapping[str, xr.DataArray], *, resampling: Resampling | None = None
) -> list[Comparison]:
    """Compare each pair of several maps, such as S1, S2, their fusion and a reference product.

    Other arguments and errors as of `compare`.
    """
    if len(maps) < 2:
        msg = f"A comparison needs two maps or more, not {len(maps)}."
        raise InputError(msg)
    return [
        compare(maps[a], maps[b], names=(a, b), resampling=resampling)
        for a, b in itertools.combinations(maps, 2)
    ]


def agreement_matrix(comparisons: list[Comparison], score: str = "agreement") -> pd.DataFrame:
    """A square table of one score of all pairs, by name; 1 on the diagonal.

    Parameters
    ----------
    comparisons : list of Comparison
        As of `compare_all`.
    score : str
        ``agreement``, ``agreement_weighted``, ``agreement_built`` or ``kappa``.
    """
    names = list(dict.fromkeys(itertools.chain.from_iterable(c.names for c in comparisons)))
    table = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    for c in comparisons:
        first, second = c.names
        table.loc[first, second] = table.loc[second, first] = getattr(c, score)
    return table


def class_pairs(
    first: xr.DataArray, second: xr.DataArray, *, resampling: Resampling | None = None
) -> xr.DataArray:
    """Where two maps differ, and how.

    Returns
    -------
    DataArray (y, x), uint16
        100 x first + second where they differ (614: class 6 in the first, 14 = D in the second),
        1 where they agree, 0 where one of them has no data.
    """
    first, second = aligned(first, second, resampling, ("the first map", "the second map"))
    both = (first > 0) & (second > 0)
    pair = first.astype(np.uint16) * np.uint16(100) + second
    out = xr.where(first == second, np.uint16(SAME), pair).where(both, np.uint16(0))
    out.attrs = {"long_name": "100 x first class + second class; 1 same class, 0 no data"}
    return out.astype(np.uint16).rename("class_pair").assign_coords(first.coords)


def where_all_map(maps: Mapping[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """Some maps, each on its own grid, only where all of them have a class: what they share.

    Maps of other grids are looked up at the nearest cell.

    Raises
    ------
    GridError
        If two of them share no ground.
    """
    out = {}
    for name, lcz in maps.items():
        for other in maps.values():
            if other is not lcz:
                lcz = lcz.where(class_pairs(lcz, other, resampling="nearest") > 0, 0)
        out[name] = lcz.astype(np.uint8).assign_coords(maps[name].coords)
    return out


def consensus(
    maps: Mapping[str, xr.DataArray], *, resampling: Resampling | None = None
) -> xr.Dataset:
    """The class that most of several maps give each cell.

    Parameters
    ----------
    maps : mapping of str to DataArray (y, x)
        Two maps or more; may be dask-backed. Others are brought to the first one's grid.
    resampling : {"nearest", "mode"}, optional
        As in `compare`.

    Returns
    -------
    Dataset (y, x)
        ``lcz``: the most frequent class, the lower number at a tie, 0 where no map has data.
        ``votes``: maps that give it. ``maps``: maps that have data. All uint8.
    """
    if not 2 <= len(maps) <= 255:
        msg = f"A consensus needs 2 to 255 maps, not {len(maps)}."
        raise InputError(msg)
    (name, base), *others = maps.items()
    layers = [base] + [aligned(base, m, resampling, (name, n))[1] for n, m in others]
    if any(m.chunks is not None for m in layers):
        chunks = next(m.chunksizes for m in layers if m.chunks is not None)
        layers = [m.chunk(chunks) for m in layers]
    lcz, votes, count = xr.apply_ufunc(
        _vote, *layers, output_core_dims=[[], [], []], dask="parallelized",
        output_dtypes=[np.uint8] * 3, join="override",
    )  # fmt: skip
    out = xr.Dataset({"lcz": lcz_map(lcz), "votes": votes, "maps": count})
    return out.assign_coords(base.coords)


def _vote(*layers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    stack = np.stack(layers)
    best = np.zeros(stack.shape[1:], np.uint8)
    out = np.zeros_like(best)
    for number in range(1, N_CLASSES + 1):
        votes = (stack == number).sum(0, dtype=np.uint8)
        wins = votes > best
        best[wins], out[wins] = votes[wins], number
    return out, best, (stack > 0).sum(0, dtype=np.uint8)
