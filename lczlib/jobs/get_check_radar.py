"""Whether the services of Sentinel-1 answer as they are taken to: passes for water, inputs of ``lcz prepare-s1``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from lczlib.acquire import providers
from lczlib.acquire.providers import RADAR_PROVIDERS, Provider, RadarProvider, radar_provider_of
from lczlib.errors import LczError
from lczlib.jobs.get_request import GetRequest

if TYPE_CHECKING:
    from lczlib.acquire.passes import Pass, SlcProduct
    from lczlib.acquire.seasons import Period
    from lczlib.longitudes import Box

Tried = tuple[str, str, bool, str]
"""Service, what was tried of it, whether it went well, what was found."""
_ZIP = b"PK\x03\x04"


def radar_checked(
    request: GetRequest, box: Box, period: Period, cancelled: Callable[[], bool]
) -> Iterator[Tried]:
    """Search products, look for keys, and read a little: of a product, an orbit file, a tile of heights."""
    from lczlib.acquire.elevation import height_at
    from lczlib.acquire.passes import find_products, passes_over

    wanted = set(request.what)
    named = "radar_provider" in request.given()
    services = (
        [radar_provider_of(request.radar_provider)] if named else list(RADAR_PROVIDERS.values())
    )
    products: list[SlcProduct] = []
    for service in services if wanted & {"s1-slc", "orbit"} else ():
        try:
            found = find_products(service, box, period)
        except LczError as error:
            yield service.title, "search IW SLC", False, error.message
            continue
        said = f"{len(found)} products{f', the last {found[-1].name}' if found else ''}"
        yield service.title, "search IW SLC", bool(found), said
        products = products or found
        if found and "s1-slc" in wanted:
            yield _product(service, found[-1])
    if "orbit" in wanted and (seen := passes_over(products, box)):
        yield _tried(providers.ORBITS, "read an orbit file", lambda: _orbit(seen[0]))
    if "dem" in wanted:
        west, south, _, _ = box
        yield _tried(
            providers.ELEVATION, "read Copernicus GLO-30",
            lambda: f"{height_at(west, south, cancelled):.1f} m above EGM2008 at {west:g}, {south:g}",
        )  # fmt: skip


def rtc_checked(
    provider: Provider, request: GetRequest, box: Box, period: Period, cancelled: Callable[[], bool]
) -> Iterator[Tried]:
    """Search terrain-corrected passes, and read a little of the last one."""
    import time

    from lczlib.acquire.access import Access
    from lczlib.acquire.grids import grid_on, zone_of
    from lczlib.acquire.rtc import find_passes, open_rtc
    from lczlib.acquire.rtc_folder import BANDS
    from lczlib.acquire.rtc_pixels import FILL, decibels

    name = request.rtc_collection or provider.rtc
    try:
        catalogue, licence = open_rtc(provider, request.rtc_collection)
        passes, _ = find_passes(catalogue, box, period, request.direction)
    except LczError as error:
        yield provider.title, f"search {name}", False, error.message
        return
    tracks = {(p.direction, p.relative_orbit) for p in passes}
    said = f"{len(passes)} passes of {len(tracks)} tracks, the last {passes[-1].name}; licence {licence}"
    yield provider.title, f"search {name}", True, said
    begun, scene = time.monotonic(), passes[-1].scenes[0]
    try:
        with Access(provider, cancelled) as access:
            grid = grid_on(box, zone_of(box, [scene.epsg]), access.lattice(scene, BANDS[0])[:2])
            power = np.stack([access.read(scene, b, grid, fill=FILL) for b in BANDS])
    except LczError as error:
        yield provider.title, f"read {name}", False, error.message
        return
    seconds = time.monotonic() - begun
    yield provider.title, f"read {name}", True, f"two files of {scene.id} in {seconds:.1f} s"
    values, counts = decibels(power)
    middles = [float(v) for v in np.nanmedian(values, axis=(1, 2))] if counts["valid"] else []
    good = counts["negative"] <= counts["valid"] and bool(middles)
    said = (
        f"in the middle {', '.join(f'{b} {m:.1f} dB' for b, m in zip(BANDS, middles, strict=False)) or 'nothing'}; "
        f"{counts['fill']} pixels of the fill, {counts['zero']} of 0, {counts['negative']} negative"
    )
    yield provider.title, f"powers of {name}", good, said


def _tried(service: str, what: str, do: Callable[[], str]) -> Tried:
    try:
        return service, what, True, do()
    except LczError as error:
        return service, what, False, error.message


def _product(service: RadarProvider, product: SlcProduct) -> Tried:
    from lczlib.acquire.download import Downloads

    what = "read a product"
    if why := service.lacking():
        return service.title, what, False, why
    try:
        with Downloads(service) as downloads:
            found = downloads.begins(product.address)
    except LczError as error:
        return service.title, what, False, error.message
    good = found == _ZIP
    said = "an archive" if good else f"no archive: it begins with {found!r}; are the keys right?"
    return service.title, what, good, said


def _orbit(seen: Pass) -> str:
    from lczlib.acquire.download import Downloads
    from lczlib.acquire.orbit_files import find_orbit

    key = find_orbit(seen)
    with Downloads() as downloads:
        begins = downloads.begins(f"{providers.ORBITS}/{key}")
    return f"{key.rpartition('/')[2]}, which begins with {begins.decode('ascii', 'replace')}"
