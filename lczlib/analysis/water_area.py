"""Area of surface water, with an interval from the network's doubt and from the radar image."""

from __future__ import annotations

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy import ndimage as ndi

from lczlib.errors import InputError
from lczlib.grid import crs_of, geobox_of

LABEL_SMOOTHING = 0.1
"""GMNet was trained towards 0.1 on land and 0.9 on water (binary cross-entropy with smoothing 0.1);
its output stays within about these two."""

DEPENDENCE_CELLS = 32
"""Edge in cells of the blocks whose errors are taken as one: cells of a block share GMNet's features
at 1/32 resolution, so their errors come together."""

OPEN_WATER_DB = {"VV": -16.0, "VH": -22.0}
"""Calm open water lies below these. Chosen here: the lakes of the Beijing test scene have medians of
-19.6 and -24.8 dB, and its land 5% percentiles of -11.7 and -19.8."""

RESOLUTION = 22.0
"""Metres: the resolution of Interferometric Wide swath GRD products (20 x 22 m, Sentinel-1 Product
Definition), within which no shoreline can be placed."""

_BAND_BYTES = 2**27  # of a stack, held in memory at a time
_BAND_CELLS = 2**23  # of one layer: some ten arrays of its size are made on the way
_SUMS = ("area", "expected", "variance", "inner", "outer", "dark", "valid", "n_valid")


def cell_areas(box: GeoBox) -> np.ndarray:
    """True area in km2 of the cells of each row, ``(rows,)``.

    Geographic grids: areas on the ellipsoid. Projected grids: the cell divided by the projection's
    areal scale at the middle of each row (in Web Mercator at 40 degrees the two differ by 1.7; within
    a scene in UTM the scale changes by less than 0.1%).

    Raises
    ------
    InputError
        If the grid's CRS cannot be related to the Earth.
    """
    from pyproj import Geod, Proj, Transformer

    crs, affine = crs_of(box).proj, box.affine
    rows, cols = box.shape
    geod = crs.get_geod() or Geod(ellps="WGS84")
    if crs_of(box).geographic:
        edges = np.deg2rad(affine.f + affine.e * np.arange(rows + 1))
        return np.abs(np.diff(_zone_area(np.sin(edges), geod))) * np.deg2rad(abs(affine.a)) / 1e6
    x = np.full(rows, affine.c + affine.a * cols / 2)
    y = affine.f + affine.e * (np.arange(rows) + 0.5)
    lon, lat = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True).transform(x, y)
    scale = np.asarray(Proj(crs).get_factors(lon, lat).areal_scale)
    if not np.isfinite(scale).all():
        msg = f"The areas of cells in {box.crs} cannot be found: warp the rasters to UTM."
        raise InputError(msg)
    metre = crs.axis_info[0].unit_conversion_factor
    return abs(affine.a * affine.e) * metre**2 / scale / 1e6


def _zone_area(sine: np.ndarray, geod: object) -> np.ndarray:
    """Area in m2 per radian of longitude from the equator to a latitude, on the ellipsoid.

    Snyder 1987 (USGS Professional Paper 1395), eq. 3-12 times half the squared major axis.
    """
    e2 = geod.es  # type: ignore[attr-defined]
    e = np.sqrt(e2)
    if e == 0:
        return geod.a**2 * sine  # type: ignore[attr-defined]
    q = (1 - e2) * (sine / (1 - e2 * sine**2) + np.arctanh(e * sine) / e)
    return geod.a**2 * q / 2  # type: ignore[attr-defined]


def dark_as_water(scene: xr.DataArray) -> xr.DataArray:
    """Where a scene is as dark as calm open water, by `OPEN_WATER_DB`.

    Parameters
    ----------
    scene : DataArray (band, y, x)
        dB, bands named VV and VH with or without their pass, as of
        `lczlib.mapping.water_scene.water_scene`; in memory or lazy.

    Returns
    -------
    DataArray (y, x) float32, lazy where the scene is
        1 dark in every band, 0 not, NaN where a band is missing.
    """
    limits = [OPEN_WATER_DB[str(b)[:2]] for b in scene.band.values]
    limit = xr.DataArray(np.array(limits, np.float32), {"band": scene.band}, "band")
    dark = (scene < limit).all("band").astype(np.float32)
    return dark.where(scene.notnull().all("band")).rename("dark_as_water")


def dark_not_mapped(
    probability: xr.DataArray, dark: xr.DataArray, threshold: float = 0.5
) -> xr.DataArray:
    """Cells as dark as open water, but not mapped as water: what to look at.

    Parameters
    ----------
    probability, dark : DataArray (y, x)
        Probability of water, and `dark_as_water` or its mean over the scenes of a month.
    threshold : float
        Water where the probability is above it.

    Returns
    -------
    DataArray (y, x) bool, in memory
    """
    p = probability.values
    found = _dark_patches(dark.values > 0.5, np.isfinite(p)) & ~(p > threshold)
    return probability.copy(data=found).rename("dark_not_mapped")


def _dark_patches(dark: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Valid cells most of whose 3 x 3 neighbours are dark: single dark cells are speckle."""
    return (ndi.uniform_filter((dark & valid).astype(np.float32), 3) > 0.5) & valid


def water_area(
    probability: xr.DataArray,
    *,
    dark: xr.DataArray | None = None,
    threshold: float = 0.5,
    smoothing: float = LABEL_SMOOTHING,
) -> xr.Dataset:
    """Water area of each scene or month, with its interval.

    Parameters
    ----------
    probability : DataArray (time, y, x) or (y, x)
        Probability of water, NaN where no data.
    dark : DataArray, same shape, optional
        `dark_as_water` of the scenes, or its mean over the scenes of a month.
    threshold : float
        Water where the probability is above it.
    smoothing : float
        Label smoothing of the network's training, which is taken out of the probabilities: its
        0.1-0.9 becomes 0-1.

    Returns
    -------
    Dataset
        ``area`` km2 mapped as water; ``expected`` km2, the sum of the probabilities; ``low`` and
        ``high``, the interval; ``dark`` km2 as dark as open water but not mapped (NaN without
        `dark`): water that the network misses, or asphalt, wet snow, radar shadow; ``valid`` km2
        seen and ``valid_share`` of the grid; ``n_valid`` cells. All over valid cells only; NaN where
        there is none.

    Raises
    ------
    InputError
        If `dark` has another shape.

    Notes
    -----
    The interval is the smallest that holds three ranges. (1) What the network doubts: the errors of
    a block of `DEPENDENCE_CELLS` cells are taken as one, those of different blocks as independent,
    so the variance is the sum over blocks of (sum of a sqrt(q (1 - q)))^2, where q is the
    probability and a the area of a cell; 1.96 standard deviations past both the mapped and the
    expected area. (2) What the radar cannot place: every shoreline moved by `RESOLUTION`, inwards
    and outwards. (3) What the network may miss: it learned on the lakes of the Tibetan Plateau and
    can be sure that a narrow river or a canal is land. So cells as dark as water, most of their 3 x 3
    neighbours being dark too, count as water in the outward limit of (2). Darkness speaks one way
    only: wind makes water bright, so bright cells mapped as water stay. Water that is neither mapped
    nor dark is not in the interval, such as reeds, ice, and rough or very narrow water.
    """
    single = "time" not in probability.dims
    layers = [probability] if dark is None else [probability, dark]
    if any(layer.shape != probability.shape for layer in layers):
        msg = f"The dark areas are {dark.shape} and the probabilities {probability.shape}."  # type: ignore[union-attr]
        raise InputError(msg)
    stacks = [
        (layer.expand_dims("time") if single else layer).transpose("time", "y", "x")
        for layer in layers
    ]
    box = geobox_of(stacks[0], "water series")
    areas = cell_areas(box)
    reach = RESOLUTION / (1000 * float(np.sqrt(areas.mean()))) + 0.5  # from the middle of a cell
    n, (height, width) = stacks[0].sizes["time"], box.shape
    cells = min(_BAND_BYTES // (4 * n), _BAND_CELLS)
    rows = max(1, cells // (width * DEPENDENCE_CELLS)) * DEPENDENCE_CELLS
    beside = int(reach) + 1  # rows that the limits of a row depend on
    totals = {key: np.zeros(n) for key in _SUMS}
    for top in range(0, height, rows):
        first, last = max(0, top - beside), min(height, top + rows + beside)
        own = slice(top - first, min(top + rows, height) - first)
        parts = [stack[:, first:last].values for stack in stacks]
        for t in range(n):
            is_dark = parts[1][t] > 0.5 if dark is not None else np.zeros(parts[0][t].shape, bool)
            sums = _sums(
                parts[0][t], is_dark, own, areas[top : top + rows], threshold, smoothing, reach
            )
            for key, value in zip(_SUMS, sums, strict=True):
                totals[key][t] += value
    return _areas(totals, stacks[0], areas.sum() * width, dark is not None, single, threshold)


def _areas(
    totals: dict[str, np.ndarray],
    stack: xr.DataArray,
    whole: float,
    darkness: bool,
    single: bool,
    threshold: float,
) -> xr.Dataset:
    """What `water_area` returns, from its sums."""
    area, expected, valid = totals["area"], totals["expected"], totals["valid"]
    spread = 1.96 * np.sqrt(totals["variance"])
    low = np.minimum(np.minimum(area, expected) - spread, totals["inner"])
    high = np.maximum(np.maximum(area, expected) + spread, totals["outer"])
    values = {
        "area": area,
        "expected": expected,
        "low": np.maximum(low, 0),
        "high": np.minimum(high, valid),
        "dark": totals["dark"] if darkness else np.full_like(area, np.nan),
        "valid": valid,
    }
    out = xr.Dataset(
        {k: ("time", np.where(valid > 0, v, np.nan), {"units": "km2"}) for k, v in values.items()},
        coords={"time": stack.time} if not single else None,
    )
    out["valid_share"] = "time", valid / whole
    out["n_valid"] = "time", totals["n_valid"].astype(np.int64)
    out.attrs = {"threshold": threshold, "confidence": 0.95}
    return out.isel(time=0) if single else out


def _sums(
    scene: np.ndarray,
    dark: np.ndarray,
    own: slice,
    areas: np.ndarray,
    threshold: float,
    smoothing: float,
    reach: float,
) -> tuple[float, ...]:
    """The sums `_SUMS` over the rows `own` of some rows ``(y, x)`` of a scene."""
    valid = np.isfinite(scene)
    p = np.where(valid, scene, 0)
    mapped = p > threshold
    dark = _dark_patches(dark, valid)
    away = np.arange(-int(reach), int(reach) + 1)
    disc = np.hypot(*np.meshgrid(away, away)) <= reach
    inner = mapped & ndi.binary_erosion(mapped | ~valid, disc, border_value=1)
    outer = ndi.binary_dilation(mapped | dark, disc) & valid
    q = np.clip((p[own] - smoothing) / (1 - 2 * smoothing), 0, 1)
    area = areas[:, None]
    spread = area * np.sqrt(q * (1 - q))
    block = DEPENDENCE_CELLS
    ys, xs = (np.arange(0, size, block) for size in q.shape)
    by_block = np.add.reduceat(np.add.reduceat(spread, ys, axis=0), xs, axis=1)
    return (
        (mapped[own] * area).sum(),
        (q * area).sum(),
        (by_block**2).sum(),
        (inner[own] * area).sum(),
        (outer[own] * area).sum(),
        ((dark & ~mapped)[own] * area).sum(),
        (valid[own] * area).sum(),
        valid[own].sum(),
    )
