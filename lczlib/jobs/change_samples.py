"""A sample of a change map: points to label, and the areas that labelled ones tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lczlib.errors import InputError
from lczlib.jobs.request import name_of

if TYPE_CHECKING:
    import geopandas as gpd

    from lczlib.analysis.change.sample import SampleArea
    from lczlib.jobs.change import ChangeRequest
    from lczlib.jobs.change_inputs import Stack


_SHARED = (
    "that share a cell with others (one counts of those that agree, and none of those that do not)"
)


def sampled(
    request: ChangeRequest, stack: Stack, before: np.ndarray, after: np.ndarray
) -> tuple[SampleArea, dict[str, int]]:
    """Areas by the samples of a request on a map of classes before and after (n,), and what was left out.

    Raises
    ------
    InputError, ClassSchemeError, GridError
        If they cannot be read, are no points, or too few.
    """
    from lczlib.analysis.change.sample import STRATA, sample_area, strata

    classes = strata(before, after)
    areas = np.bincount(classes, stack.km2, len(STRATA) + 1)[1:]
    rows, cols, labels, left = _labelled_points(request, stack)
    of_cell = np.zeros(stack.known.shape, np.uint8)
    of_cell[stack.known] = classes
    stratum = of_cell[rows, cols]
    inside = stratum > 0
    left["without map"] += int((~inside).sum())
    return sample_area(stratum[inside], *labels[:, inside], areas), left


def _labelled_points(
    request: ChangeRequest, stack: Stack
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, int]]:
    """Row, column and both classes (2, n) of samples on the map; what was left out by why."""
    from lczlib.polygon_cells import are_points, polygon_cells
    from lczlib.references import open_reference

    columns = (request.before_column, request.after_column)
    both = []
    for column in columns:
        shapes = open_reference(request.samples, column)
        if not hasattr(shapes, "geometry") or not are_points(shapes):
            msg = (
                f"{name_of(request.samples, 'The samples')} holds no points: a sample is points with a class before "
                "and after."
            )
            raise InputError(msg, parameter="samples")
        both.append(shapes)
    known = [s[s["polygon"].isin(o["polygon"])] for s, o in (both, both[::-1])]
    if known[0].empty:
        msg = (
            f"No point of {name_of(request.samples, 'the samples')} has a class in both {columns[0]} and {columns[1]}: "
            "label both."
        )
        raise InputError(msg, parameter="samples")
    cells = [polygon_cells(s, stack.box) for s in known]
    before, after = (c.set_index(["row", "col"])["lcz"] for c in cells)
    table = before.to_frame("before").join(after.rename("after"), how="inner")
    rows, cols = (np.asarray(table.index.get_level_values(n)) for n in ("row", "col"))
    outside = cells[0].attrs["polygons_without_cell"]
    left = {
        "without both classes": sum(map(len, both)) - 2 * len(known[0]),
        "without map": outside, _SHARED: len(known[0]) - outside - len(table),
    }  # fmt: skip
    return rows, cols, table.to_numpy().T.astype(int), left


def points_to_label(stack: Stack, classes: np.ndarray, n: int, seed: int) -> gpd.GeoDataFrame:
    """Cells drawn at random within each class of the change map, to be labelled at both dates.

    Half of the points are shared out equally, half by area, at least two to a class (Olofsson et al. 2014,
    section 3.2.2: more than their share to small classes).
    """
    import geopandas as gpd

    rng = np.random.default_rng(seed)
    counts = np.bincount(classes, minlength=7)
    there = np.flatnonzero(counts[1:]) + 1
    weight = 0.5 / len(there) + 0.5 * counts[there] / counts[there].sum()
    wanted = np.zeros(len(there))
    for _ in there:  # what a small class cannot give, the others do
        room = wanted < counts[there]
        wanted += np.where(room, (n - wanted.sum()) * weight / max(weight[room].sum(), 1e-12), 0)
        wanted = np.minimum(wanted, counts[there])
    parts = [
        rng.choice(np.flatnonzero(classes == h), min(max(2, round(k)), counts[h]), replace=False)
        for h, k in zip(there, wanted, strict=True)
    ]
    cells = rng.permutation(np.concatenate(parts))
    rows, cols = (a[cells] for a in np.nonzero(stack.known))
    x, y = _centres(stack, rows, cols)
    # the class of the map is left out: who labels a point should not know it
    table = {"point": np.arange(1, len(cells) + 1), "before": "", "after": ""}
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs=str(stack.box.crs))


def _centres(stack: Stack, rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a = stack.box.affine
    x, y = cols + 0.5, rows + 0.5
    return a.a * x + a.b * y + a.c, a.d * x + a.e * y + a.f
