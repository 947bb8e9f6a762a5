"""Where the next reference polygons of a city help most, by the class probabilities of its map.

Active learning for training areas: what to label next is chosen by uncertainty, by how much of the image is like
it, and unlike what is labelled already (Tuia et al. 2011, doi 10.1109/JSTSP.2011.2139193). One sum holds the three.
With u the uncertainty of a cell, 1 - (p1 - p2) of its two most probable classes ("breaking ties": Luo et al. 2005,
JMLR 6:589-613), and k the likeness of two places, the Bhattacharyya coefficient of their class probabilities, a set
S of places covers

    f(S) = sum over cells j of area_j * u_j * max over s in S and all drawn polygons of k(s, j)

the facility location of Wei, Iyer & Bilmes (2015, PMLR 37:1954-1963), weighted by uncertainty. Places are taken one
by one, each the one that adds most to f, which but for the distances between them comes within 1 - 1/e of the best
set (Nemhauser et al. 1978, doi 10.1007/BF01588971). The farthest-first choice of Sener & Savarese (2018, arXiv
1708.00489) has the same aim without the area: it takes outliers. What it is worth against chance:
``benchmarks/results/next_polygons.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox
from rasterio import features
from scipy import ndimage

from lczlib.analysis.options import PLACE_SIZE, PLACE_SPACING
from lczlib.calibrators import check_uncertain
from lczlib.classes import CLASSES, N_CLASSES
from lczlib.errors import GridError, InputError
from lczlib.grid import check_projected, describe, geobox_of
from lczlib.polygon_cells import are_points
from lczlib.reading import counted
from lczlib.terms import option

_PER_CLASS, _CELLS = 400, 4000
"""Places tried of each class, and cells that stand for the map."""
CELL_BYTES = 2.5 * 4 * N_CLASSES
"""Memory that a cell takes: its probabilities, and their means."""


@dataclass(frozen=True)
class _Ground:
    """What places are chosen from, all arrays (y, x), or (17, y, x)."""

    p: np.ndarray
    codes: np.ndarray
    drawn: np.ndarray
    allowed: np.ndarray
    room: np.ndarray
    half: int


def next_polygons(
    proba: xr.DataArray,
    polygons: gpd.GeoDataFrame | None = None,
    *,
    n: int = 10,
    size: float = PLACE_SIZE,
    spacing: float = PLACE_SPACING,
    within: gpd.GeoDataFrame | None = None,
    seed: int = 0,
) -> gpd.GeoDataFrame:
    """Propose places where new polygons help most, the most helpful first.

    Probabilities are averaged over squares of `size`. A place is the middle of such a square, all of whose cells are
    most probably of one class; its outline is the connected cells of that class around it. A class that the map
    shows and no polygon has comes before all others.

    Parameters
    ----------
    proba : DataArray (lcz, y, x)
        Class probabilities on a grid in metres, NaN where no data; calibrated ones are better.
    polygons : GeoDataFrame, optional
        Drawn already, as of `lczlib.polygons.open_polygons`.
    n : int
        Places.
    size : float
        m; the least width of a place.
    spacing : float
        m; places lie so far apart in one of the two directions of the grid, and half as far from drawn polygons.
    within : GeoDataFrame, optional
        Where places may lie, outlines and all.
    seed : int
        Of the sample of places and cells of a large map.

    Returns
    -------
    GeoDataFrame
        CRS of the map: ``rank`` from 1, ``mapped`` and ``mapped_code`` (the class that the map says),
        ``probability``, ``runner_up``, ``runner_up_code``, ``runner_up_probability``, ``margin`` (between the
        two), ``n_drawn`` (polygons of the mapped class), ``area_km2``, ``stands_for_km2`` (of the map, what is
        more like it than like any other place or drawn polygon), ``gain`` (km2 of uncertain area, what it adds
        to f), ``longitude`` and ``latitude`` (of its middle), ``reason``, and the outline.
        ``attrs["missing"]`` lists the classes that neither a polygon nor the map shows, ``attrs["no_room"]``
        those that no polygon has and that have no place on the map.

    Raises
    ------
    InputError, GridError
        If the map holds no data or is not in metres, the polygons lie elsewhere, or no place is left.
    """
    _check_wishes(n, size, spacing)
    box = check_projected(geobox_of(proba, "probability raster"), "probability raster")
    ground = _ground(proba, box, polygons, size, spacing, within)
    per_class = np.zeros(N_CLASSES + 1, int)
    if polygons is not None:
        per_class += np.bincount(polygons["lcz"].astype(int), minlength=N_CLASSES + 1)
    shown = np.bincount(ground.codes[ground.codes > 0], minlength=N_CLASSES + 1) > 0
    roomy = np.bincount(ground.codes[ground.room], minlength=N_CLASSES + 1) > 0
    lacking = (per_class == 0) & (polygons is not None)
    lacking[0] = False
    rng = np.random.default_rng(seed)
    rows, cols = _sample(ground, rng)
    there = np.flatnonzero(ground.codes.ravel())
    some = np.sort(rng.permutation(there)[:_CELLS])
    cells = ground.p.reshape(N_CLASSES, -1)[:, some].T
    known = _of_polygons(ground, polygons, box)
    like = _likeness(ground.p[:, rows, cols].T, cells)
    like_known = _likeness(known, cells)
    cell_km2 = abs(box.affine.determinant) / 1e6 * len(there) / len(some)
    uncertain = cell_km2 * (1 - _two_best(cells)[:, 3])
    first = lacking[ground.codes[rows, cols]]
    chosen, gains = _greedy(
        like, like_known, uncertain, np.stack([rows, cols], 1), n,
        max(spacing / abs(box.affine.a), 2 * ground.half + 1), ground.codes[rows, cols], first,
    )  # fmt: skip
    all_like = np.concatenate([like_known, like[chosen]])
    owner = all_like.argmax(0) - len(like_known)
    stands = np.bincount(owner[owner >= 0], minlength=len(chosen)) * cell_km2
    out = _table(
        ground, box, rows[chosen], cols[chosen], per_class, stands, gains, polygons is not None
    )
    out.attrs = {
        "missing": np.flatnonzero(lacking & ~shown).tolist(),
        "no_room": np.flatnonzero(lacking & shown & ~roomy).tolist(),
    }
    return out


def _check_wishes(n: int, size: float, spacing: float) -> None:
    if n < 1:
        msg = f"There is nothing to propose: ask for at least one place, not {n}."
        raise InputError(msg, parameter="n")
    if not 0 < size <= spacing < np.inf:
        msg = (
            f"Places {size:g} m wide cannot lie {spacing:g} m apart: {option('size')} is more than 0 and at most "
            f"{option('spacing')}."
        )
        raise InputError(msg, parameter="spacing")


def _ground(
    proba: xr.DataArray, box: GeoBox, polygons: gpd.GeoDataFrame | None, size: float, spacing: float,
    within: gpd.GeoDataFrame | None,
) -> _Ground:  # fmt: skip
    p = np.array(proba.transpose("lcz", "y", "x").values, np.float32)
    valid = np.isfinite(p).all(0)
    if not valid.any():
        msg = "The probabilities hold no data: there is nothing to propose; give another map."
        raise InputError(msg)
    check_uncertain([p], "The map")
    cell = abs(box.affine.a)
    width = max(1, round(size / cell))
    width += 1 - width % 2  # a square has a middle
    weight = ndimage.uniform_filter(valid.astype(np.float32), width, mode="constant")
    p[:, ~valid] = 0
    for band in p:
        mean = ndimage.uniform_filter(band, width, mode="constant")
        band[:] = np.where(valid, np.clip(mean, 0, None) / np.where(valid, weight, 1), 0)
    codes = np.where(valid, p.argmax(0) + 1, 0).astype(np.uint8)
    low = ndimage.minimum_filter(codes, width, mode="constant")
    room = (low > 0) & (low == ndimage.maximum_filter(codes, width, mode="constant"))
    if not room.any():
        msg = (
            f"The map shows no square of {width * cell:g} m that is of one class: lower {option('size')}, or take a "
            "larger map."
        )
        raise InputError(msg)
    half = max(int((spacing / cell - 1) // 2), width // 2)
    allowed = np.ones_like(valid)
    if within is not None:
        allowed = _touched(within, box, "areas to draw in", all_touched=False)
        room &= ndimage.minimum_filter(allowed, width, mode="constant")
    drawn = np.zeros_like(valid)
    if polygons is not None:
        if are_points(polygons):
            msg = "Points were given, and what is to be drawn beside them are polygons: give these."
            raise InputError(msg, parameter="polygons")
        drawn = _touched(polygons, box, "drawn polygons")
        away = ndimage.distance_transform_cdt(~drawn, "chessboard")
        room &= away > half
    if not room.any():
        where = "the given areas and " if within is not None else ""
        msg = (
            f"No place is left: {where}what lies {spacing / 2:g} m from the drawn polygons holds no square of "
            f"{width * cell:g} m of one class; lower {option('spacing')} or {option('size')}."
        )
        raise InputError(msg)
    return _Ground(p, codes, drawn, allowed, room, half)


def _touched(
    areas: gpd.GeoDataFrame, box: GeoBox, what: str, *, all_touched: bool = True
) -> np.ndarray:
    """Cells that areas touch, or whose middles they hold."""
    shapes = [s for s in areas.to_crs(box.crs).geometry if s is not None and not s.is_empty]
    found = features.geometry_mask(
        shapes, box.shape, box.affine, all_touched=all_touched, invert=True
    ) if shapes else np.zeros(box.shape, bool)  # fmt: skip
    if not found.any():
        msg = f"The {what} lie outside the map ({describe(box)}): give those of the same place."
        raise GridError(msg)
    return found


def _sample(ground: _Ground, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the places tried: of each class as many at most."""
    at = np.flatnonzero(ground.room)
    codes = ground.codes.ravel()[at]
    parts = [rng.permutation(at[codes == c])[:_PER_CLASS] for c in np.unique(codes)]
    rows, cols = np.unravel_index(np.sort(np.concatenate(parts)), ground.codes.shape)
    return rows, cols


def _of_polygons(ground: _Ground, polygons: gpd.GeoDataFrame | None, box: GeoBox) -> np.ndarray:
    """Mean probabilities (polygons on the map, 17) of the drawn polygons."""
    if polygons is None:
        return np.zeros((0, N_CLASSES), np.float32)
    shapes = polygons.to_crs(box.crs).geometry
    number = features.rasterize(
        ((s, i) for i, s in enumerate(shapes, 1)), box.shape, transform=box.affine, all_touched=True,
        dtype="int32",
    )  # fmt: skip
    number = np.where(ground.codes > 0, number, 0).ravel()
    at = np.flatnonzero(number)
    present, index = np.unique(number[at], return_inverse=True)
    sums = np.zeros((len(present), N_CLASSES))
    np.add.at(sums, index, ground.p.reshape(N_CLASSES, -1)[:, at].T)
    return (sums / sums.sum(1, keepdims=True)).astype(np.float32)


def _likeness(places: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Bhattacharyya coefficients (places, cells) of class probabilities (n, 17) each.

    Rounded: what is alike must be so on every processor, and single precision sums differ in their last digits.
    """
    return np.round(np.sqrt(places) @ np.sqrt(cells).T, 5)


def _two_best(p: np.ndarray) -> np.ndarray:
    """Of probabilities (n, 17): best, second best (both from 0), its probability, and the margin."""
    order = np.argsort(-p, axis=1, kind="stable")[:, :2]
    best = np.take_along_axis(p, order, 1)
    return np.column_stack([order, best[:, 1], best[:, 0] - best[:, 1]])


def _greedy(
    like: np.ndarray,
    like_known: np.ndarray,
    uncertain: np.ndarray,
    at: np.ndarray,
    n: int,
    spacing: float,
    codes: np.ndarray,
    first: np.ndarray,
) -> tuple[list[int], list[float]]:
    """Indices of the places that add most, one after another, and what each adds."""
    covered = like_known.max(0) if len(like_known) else np.zeros(like.shape[1], like.dtype)
    free, first = np.ones(len(like), bool), first.copy()
    chosen: list[int] = []
    gains: list[float] = []
    while len(chosen) < n and free.any():
        tried = np.flatnonzero(free & first) if (free & first).any() else np.flatnonzero(free)
        gain = np.round(np.maximum(like[tried] - covered, 0) @ uncertain, 6)
        best = int(tried[gain.argmax()])
        chosen.append(best)
        gains.append(float(gain.max()))
        covered = np.maximum(covered, like[best])
        free &= np.abs(at - at[best]).max(1) >= spacing
        first &= codes != codes[best]
    return chosen, gains


def _table(
    ground: _Ground, box: GeoBox, rows: np.ndarray, cols: np.ndarray, per_class: np.ndarray,
    stands: np.ndarray, gains: list[float], counts: bool,
) -> gpd.GeoDataFrame:  # fmt: skip
    p = ground.p[:, rows, cols].T
    two = _two_best(p)
    best, second = two[:, 0].astype(int) + 1, two[:, 1].astype(int) + 1
    outlines = [_outline(ground, box, *at) for at in zip(rows, cols, strict=True)]
    to_place: Any = box.affine  # takes arrays too, though it says floats
    x, y = to_place * (cols + 0.5, rows + 0.5)
    middle = gpd.GeoSeries.from_xy(x, y, crs=box.crs).to_crs("EPSG:4326")
    table = pd.DataFrame({
        "rank": np.arange(1, len(rows) + 1), "mapped": best.astype(np.uint8),
        "mapped_code": [CLASSES[k - 1].code for k in best], "probability": p[np.arange(len(p)), best - 1],
        "runner_up": second.astype(np.uint8), "runner_up_code": [CLASSES[k - 1].code for k in second],
        "runner_up_probability": two[:, 2], "margin": two[:, 3],
        "n_drawn": per_class[best], "area_km2": shapely.area(outlines) / 1e6,
        "stands_for_km2": stands, "gain": gains, "longitude": middle.x, "latitude": middle.y,
    })  # fmt: skip
    table["reason"] = [_reason(row, counts) for row in table.itertuples()]
    return gpd.GeoDataFrame(table, geometry=outlines, crs=box.crs)


def _outline(ground: _Ground, box: GeoBox, row: int, col: int) -> shapely.Geometry:
    """The connected cells of one class around a place."""
    top, left = max(row - ground.half, 0), max(col - ground.half, 0)
    part = np.s_[top : row + ground.half + 1, left : col + ground.half + 1]
    alike = (ground.codes[part] == ground.codes[row, col]) & ground.allowed[part]
    numbers, _ = ndimage.label(alike & ~ground.drawn[part])
    own = numbers == numbers[row - top, col - left]
    transform = box.affine * box.affine.translation(left, top)
    shapes = features.shapes(own.astype(np.uint8), own, connectivity=4, transform=transform)
    return shapely.union_all([shapely.geometry.shape(s) for s, _ in shapes])


def _reason(row: Any, counts: bool) -> str:
    said = []
    if counts and row.n_drawn == 0:
        said.append(f"no polygon of LCZ {row.mapped_code} is drawn yet")
    said.append(
        f"the map says LCZ {row.mapped_code} with {row.probability:.0%} and LCZ {row.runner_up_code} with "
        f"{row.runner_up_probability:.0%}"
    )
    said.append(f"{row.stands_for_km2:.1f} km² of the map are most like it")
    if counts and row.n_drawn:
        said.append(f"{counted(row.n_drawn, 'polygon')} of LCZ {row.mapped_code} so far")
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."
