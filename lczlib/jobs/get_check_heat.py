"""Whether the services of temperatures answer as they are taken to: dates of the surface, hours of stations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from lczlib.acquire import providers
from lczlib.acquire.lst_products import ECOSTRESS, LANDSAT, VALID, Thermometer
from lczlib.acquire.providers import Provider
from lczlib.errors import LczError
from lczlib.jobs.get_check_radar import Tried
from lczlib.jobs.get_request import GetRequest

if TYPE_CHECKING:
    from lczlib.acquire.lst import LstScene
    from lczlib.acquire.seasons import Period
    from lczlib.longitudes import Box

_ZERO = 273.15
_COLD, _HOT = -60.0, 85.0  # degC that land surfaces have
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_AROUND = 30.0  # km in which a station is looked for


def lst_checked(
    services: Iterable[Provider],
    request: GetRequest,
    box: Box,
    period: Period,
    cancelled: Callable[[], bool],
) -> Iterator[Tried]:
    """Search dates of surface temperature of each service, and read a little of the clearest one."""
    if "landsat" in request.thermal:
        for provider in services:
            name = request.lst_collection or provider.lst
            scene, tried = _searched(LANDSAT, provider, name, request.lst_collection, box, period)
            yield tried
            if scene is not None:
                yield from _read(provider, name, scene, box, cancelled)
    if "ecostress" in request.thermal:
        own = Provider(
            providers.ECOSTRESS.name, providers.ECOSTRESS.title, providers.ECOSTRESS.search
        )
        scene, tried = _searched(ECOSTRESS, own, "ECO_L2T_LSTE", "", box, period)
        yield tried
        if scene is not None:
            yield _begun(scene)


def _searched(
    product: Thermometer, provider: Provider, name: str, collection: str, box: Box, period: Period
) -> tuple[LstScene | None, Tried]:
    from lczlib.acquire.lst import find_lst, open_lst

    try:
        catalogue, licence = open_lst(product, provider, collection)
        passes, left = find_lst(catalogue, product, box, period)
    except LczError as error:
        return None, (provider.title, f"search {name}", False, error.message)
    last = passes[-1]
    others = "".join(f"; {len(ids)} left out: {why}" for why, ids in left.items())
    said = f"{len(passes)} dates, the last of {last.date} ({last.satellite}); licence {licence}{others}"
    clearest = min(
        (p.scenes[0] for p in passes), key=lambda s: float(s.properties.get("eo:cloud_cover") or 0)
    )
    return clearest, (provider.title, f"search {catalogue.collection}", True, said)


def _read(
    provider: Provider, name: str, scene: LstScene, box: Box, cancelled: Callable[[], bool]
) -> Iterator[Tried]:
    from lczlib.acquire.access import Access
    from lczlib.acquire.grids import grid_of_pixels, zone_of

    begun = time.monotonic()
    try:
        with Access(provider.of_lst, cancelled) as access:
            lattice = access.lattice(scene, LANDSAT.temperature)
            grid = grid_of_pixels(box, zone_of(box, [scene.epsg]), lattice)
            layers = [access.read(scene, b, grid, fill=f) for b, f in LANDSAT.layers.items()]
    except LczError as error:
        yield provider.title, f"read {name}", False, error.message
        return
    seconds = time.monotonic() - begun
    yield provider.title, f"read {name}", True, f"three files of {scene.id} in {seconds:.1f} s"
    valid = LANDSAT.sort(layers[0], layers[1]) == VALID
    celsius = layers[0][valid] * LANDSAT.scale + LANDSAT.offset - _ZERO
    middle = float(np.median(celsius)) if celsius.size else float("nan")
    error = layers[2][valid & (layers[2] >= 0)] * LANDSAT.error_scale
    told = (
        f"{middle:.1f} degC in the middle, uncertain by {np.median(error):.1f} K"
        if error.size
        else "no clear pixel"
    )
    yield (
        provider.title, f"temperatures of {name}", not celsius.size or _COLD < middle < _HOT,
        f"pixels of {lattice[2]:g} m, {valid.mean():.0%} clear: {told}",
    )  # fmt: skip


def _begun(scene: LstScene) -> Tried:
    """Whether a file of ECOSTRESS is given: its first bytes."""
    from lczlib.acquire.download import Downloads

    what = "read ECO_L2T_LSTE"
    if why := providers.ECOSTRESS.lacking():
        return providers.ECOSTRESS.title, what, False, why
    try:
        with Downloads(providers.ECOSTRESS) as downloads:
            found = downloads.begins(str((scene.assets or {})[ECOSTRESS.temperature]["href"]))
    except LczError as error:
        return providers.ECOSTRESS.title, what, False, error.message
    good = found in _TIFF
    said = (
        f"a GeoTIFF of {scene.id}"
        if good
        else f"no GeoTIFF: it begins with {found!r}; are the keys right?"
    )
    return providers.ECOSTRESS.title, what, good, said


def stations_checked(box: Box, period: Period, cancelled: Callable[[], bool]) -> Iterator[Tried]:
    """Look for stations around, and read the hours of one on the first day of the period."""
    from dataclasses import replace
    from pathlib import Path

    from lczlib.acquire.weather_stations import check_installed, hours_of, stations_around
    from lczlib.temporary import TemporaryFolder

    try:
        check_installed()
        found = stations_around(box, _AROUND)
    except LczError as error:
        yield "Meteostat", "list stations", False, error.message
        return
    said = f"{len(found)} stations within {_AROUND:g} km"
    yield "Meteostat", "list stations", bool(found), said
    day = replace(period, end=period.start)
    for one in found[:3]:
        try:
            with TemporaryFolder() as cache:
                hours = hours_of(one, day, Path(cache), cancelled)
        except LczError as error:
            yield "Meteostat", f"read {one.name}", False, error.message
            continue
        n = len(hours.table)
        sources = ", ".join(hours.table["source"].unique()) or "none"
        yield (
            "Meteostat", f"read {one.name}", n > 0,
            f"{n} of {hours.expected} observed hours of {day.start}, by {sources}",
        )  # fmt: skip
        if n:
            return
