"""One place: what each map says there, and the image patches that the networks saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from pyproj import Transformer

from lczlib.figures.composites import optical_composite, radar_composite
from lczlib.grid import geobox_of
from lczlib.longitudes import x_on
from lczlib.study.material import Maps, Material
from lczlib.study.water import backscatter

PATCH = 32
"""Edge of the patches of So2Sat's networks, in pixels."""


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
    """

    longitude: float
    latitude: float
    classes: dict[str, int]
    probabilities: dict[str, np.ndarray]
    patches: dict[str, np.ndarray]


def at_place(
    scene: Material,
    maps: Maps | None,
    named: Mapping[str, xr.DataArray],
    place: tuple[float, float],
    season: str = "",
) -> PlaceFacts:
    """What maps and scenes hold at a longitude and latitude."""
    classes, probabilities = {}, {}
    for name, lcz in named.items():
        row, col, inside = _cell(lcz, place)
        classes[name] = int(lcz.values[row, col]) if inside else 0
    for name, proba in (maps.probabilities if maps else {}).items():
        row, col, inside = _cell(proba, place)
        values = proba.values[:, row, col] if inside else np.full(17, np.nan)
        if np.isfinite(values).all():
            probabilities[name] = values
    return PlaceFacts(*place, classes, probabilities, _patches(scene, place, season))


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
