"""One place: what each map and the reference say there, how warm it is, and what the networks saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
import xarray as xr
from pyproj import Transformer

from lczlib.figures.composites import optical_composite, radar_composite
from lczlib.grid import geobox_of
from lczlib.longitudes import x_on
from lczlib.polygon_cells import are_points
from lczlib.study.material import Material, References
from lczlib.study.showing import as_shown
from lczlib.study.steps import named_maps
from lczlib.study.water import backscatter

if TYPE_CHECKING:
    from types import SimpleNamespace

    from lczlib.study.heat import Heat
    from lczlib.study.state import Study

_NEAR = 50.0
"""Metres within which a reference point tells of a place: half a cell of 100 m."""
PATCH = 32
"""Edge of the patches of So2Sat's networks, in pixels."""


@dataclass(frozen=True)
class PixelWarmth:
    """How warm a pixel is, and the zone that it lies in.

    Attributes
    ----------
    temperature : float
        degC.
    difference : float
        Minus the reference, K.
    against : str
        The reference, such as ``LCZ D``.
    air : bool
        Whether it is the air's temperature, of a raster, and not the surface's.
    dates : int
        Of how many dates it is the median.
    zone : int
        LCZ number of the map whose zones are compared; 0 where it has none there.
    zone_difference, zone_interval, n
        Of the whole zone: mean minus the reference and its interval, K (NaN where there is none), and pixels.
    level : str
        Confidence of the interval, ``95%``.
    """

    temperature: float
    difference: float
    against: str
    air: bool
    dates: int
    zone: int
    zone_difference: float
    zone_interval: tuple[float, float]
    n: int
    level: str


@dataclass(frozen=True)
class PlaceFacts:
    """What is known of a place.

    Attributes
    ----------
    longitude, latitude : float
    classes : dict of str to int
        LCZ number in each map; 0 no data.
    probabilities : dict of str to array (17,)
        Of the maps that have them there.
    patches : dict of str to array (32, 32) uint32
        Packed RGBA, first row at the bottom.
    reference : tuple of int
        LCZ numbers of the reference polygons that hold it, or of reference points within 50 m.
    warmth : PixelWarmth or None
        Of the heat island, where it is read from rasters and has a value there.
    """

    longitude: float
    latitude: float
    classes: dict[str, int]
    probabilities: dict[str, np.ndarray]
    patches: dict[str, np.ndarray]
    reference: tuple[int, ...] = ()
    warmth: PixelWarmth | None = None


def at_place(
    study: Study | SimpleNamespace, place: tuple[float, float], season: str = ""
) -> PlaceFacts:
    """All that a study shows of a place.

    Parameters
    ----------
    study : Study, or what `lczlib.study.showing.as_shown` gives of it
        What was made with other settings than those chosen now is left out, as it is on the pages.
    place : tuple of float
        Longitude and latitude.
    season : str
        Of the image patch; summer, else the first, where there is none of it.
    """
    study = as_shown(study)
    classes, probabilities = {}, {}
    for name, lcz in named_maps(study).items():
        row, col, inside = _cell(lcz, place)
        classes[name] = int(lcz.values[row, col]) if inside else 0
    for name, proba in (study.maps.probabilities if study.maps else {}).items():
        row, col, inside = _cell(proba, place)
        values = proba.values[:, row, col] if inside else np.full(17, np.nan)
        if np.isfinite(values).all():
            probabilities[name] = values
    patches = {} if study.scene is None else _patches(study.scene, place, season)
    return PlaceFacts(
        *place, classes, probabilities, patches, _labels(study.reference, place), _warmth(study.heat, place)
    )  # fmt: skip


def _labels(reference: References | None, place: tuple[float, float]) -> tuple[int, ...]:
    """Classes of the reference polygons at a place, or of the points by it."""
    shapes = None if reference is None else reference.polygons
    if shapes is None or not len(shapes):
        return ()
    points = are_points(shapes)
    # around the place in metres, as far as needed, in whatever projection the shapes come
    local = f"+proj=aeqd +lon_0={place[0]} +lat_0={place[1]} +datum=WGS84"
    here = shapely.Point(0, 0).buffer(_NEAR) if points else shapely.Point(0, 0)
    turn = Transformer.from_crs(local, shapes.crs, always_xy=True).transform
    here = shapely.transform(here, turn, interleaved=False)
    found = shapes.iloc[shapes.sindex.query(here, predicate="intersects")]
    return tuple(sorted({int(n) for n in found["lcz"]}))


def _warmth(heat: Heat | None, place: tuple[float, float]) -> PixelWarmth | None:
    """The pixel of a heat island at a place; None of stations, under clouds and without a reference."""
    if heat is None or not heat.pixels or not heat.result.reference.classes:
        return None
    result: Any = heat.result
    row, col, inside = _cell(result.difference, place)
    difference = float(result.difference.values[row, col]) if inside else np.nan
    if not np.isfinite(difference):
        return None
    one: Any = heat.overpass
    return PixelWarmth(
        result.reference_temperature + difference, difference, result.reference.short,
        heat.kind == "canopy", one.stack.sizes["time"], *_zone(result, one.lcz, place), heat.level,
    )  # fmt: skip


def _zone(
    result: Any, lcz: xr.DataArray, place: tuple[float, float]
) -> tuple[int, float, tuple[float, float], int]:
    """The zone at a place, and its mean difference, interval and pixels."""
    row, col, inside = _cell(lcz, place)
    zone = int(lcz.values[row, col]) if inside else 0
    if zone not in result.classes.index:
        return 0, np.nan, (np.nan, np.nan), 0
    r = result.classes.loc[zone]
    interval = float(r["ci_low"]), float(r["ci_high"])
    return zone, float(r["difference"]), interval, int(r["n_pixels"])


def _patches(scene: Material, place: tuple[float, float], season: str) -> dict[str, np.ndarray]:
    out = {}
    seasons = scene.seasons
    if seasons:
        chosen = next(s for s in (season, "summer", *seasons) if s in seasons)
        if (part := _window(seasons[chosen], place)) is not None:
            out[
                f"Sentinel-2 {chosen if chosen in ('spring', 'summer', 'autumn', 'winter') else ''}".strip()
            ] = _packed(optical_composite(part))
    if scene.radar is not None and (part := _window(scene.radar, place)) is not None:
        out["Sentinel-1"] = _packed(radar_composite(backscatter(part)))
    return out


def _window(scene: xr.Dataset, place: tuple[float, float]) -> xr.Dataset | None:
    """The patch around the LCZ cell that holds a place."""
    row, col, inside = _cell(scene, place)
    if not inside:
        return None
    box = geobox_of(scene)
    step = max(1, round(100 / abs(box.affine.a)))
    top, left = (
        row // step * step + step // 2 - PATCH // 2,
        col // step * step + step // 2 - PATCH // 2,
    )
    top = min(max(0, top), max(0, box.shape[0] - PATCH))
    left = min(max(0, left), max(0, box.shape[1] - PATCH))
    return scene.isel(y=slice(top, top + PATCH), x=slice(left, left + PATCH))


def _cell(data: xr.DataArray | xr.Dataset, place: tuple[float, float]) -> tuple[int, int, bool]:
    box = geobox_of(data)
    x, y = Transformer.from_crs("EPSG:4326", box.crs.proj, always_xy=True).transform(*place)
    x = float(x_on(box, x))
    if not (np.isfinite(x) and np.isfinite(y)):
        return 0, 0, False
    col, row = (int(np.floor(v)) for v in ~box.affine * (x, y))
    return row, col, 0 <= row < box.shape[0] and 0 <= col < box.shape[1]


def _packed(rgb: xr.DataArray) -> np.ndarray:
    packed = np.zeros(rgb.shape[:2], np.uint32)
    for i in range(3):
        packed |= rgb.values[..., i].astype(np.uint32) << np.uint32(8 * i)
    return np.ascontiguousarray((packed | np.uint32(0xFF000000))[::-1])
