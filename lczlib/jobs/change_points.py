"""Points of a change map to be labelled at both dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np

    from lczlib.jobs.change_inputs import Stack


def points_to_label(stack: Stack, classes: np.ndarray, n: int, seed: int) -> gpd.GeoDataFrame:
    """Cells drawn at random within each class of the change map, to be labelled at both dates.

    Half of the points are shared out equally, half by area, at least two to a class (Olofsson et al. 2014,
    section 3.2.2: more than their share to small classes).
    """
    import geopandas as gpd
    import numpy as np

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
