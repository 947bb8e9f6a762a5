"""Where to put air temperature sensors, given an LCZ map."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import xarray as xr
from scipy import ndimage

from lczlib.analysis.heat.options import BORDER_DISTANCE, LOW_PLANTS, SPACING
from lczlib.analysis.heat.patches import patch_numbers
from lczlib.classes import CLASSES, N_CLASSES
from lczlib.errors import InputError
from lczlib.grid import check_projected, geobox_of
from lczlib.terms import option

WATER = 17
_CANDIDATES = 20_000


def sensor_sites(
    lcz: xr.DataArray,
    n_sensors: int,
    *,
    border_distance: float = BORDER_DISTANCE,
    spacing: float = SPACING,
    with_water: bool = False,
    seed: int = 0,
) -> gpd.GeoDataFrame:
    """Propose sensor sites: every zone, in proportion to its area, off the borders, spread out.

    The rules of Zhou et al. (2022), section 4.2, after Stewart & Oke (2012). Each zone present gets
    one sensor, the rest go by area (largest remainders). Within a zone, sites are those furthest
    from all sites chosen so far (Gonzalez 1985), zones with the least room first, among places no
    nearer than `border_distance` to another zone, to the edge of the map, or to no data, nor than
    `spacing` to another sensor. What a crowded zone cannot take goes to the others.

    Parameters
    ----------
    lcz : DataArray (y, x)
        Codes 0..17 on a grid in metres.
    n_sensors : int
        With fewer than there are zones with room, LCZ D, which heat islands are measured against,
        comes first, then the largest.
    border_distance : float
        m; the default is the radius in which a station's zone is judged.
    spacing : float
        Nearest that two sensors stand to each other, m; for the default see
        `lczlib.analysis.heat.options.SPACING`.
    with_water : bool
        Whether LCZ G gets sensors too.
    seed : int
        Of the sample of places tried in zones with more than 20,000 of them.

    Returns
    -------
    GeoDataFrame
        CRS of the map; ``site`` (1..n), ``lcz``, ``code``, ``name``, ``border_distance`` (m),
        ``patch_km2``, ``nearest_site`` (m), point geometry. ``attrs["no_room"]`` lists the zones
        without a place far enough from a border, ``attrs["crowded"]`` those without a place far
        enough from the sensors of other zones, ``attrs["left_out"]`` those that `n_sensors` do not
        reach, ``attrs["allocation"]`` sensors by zone.

    Raises
    ------
    InputError
        If a distance is negative, there is no sensor, or no room at all.
    """
    _check_wishes(n_sensors, border_distance, spacing)
    box = check_projected(geobox_of(lcz, "LCZ map"), "LCZ map")
    codes = np.asarray(lcz.data)
    cell = abs(box.affine.a)
    areas = np.bincount(codes.ravel(), minlength=N_CLASSES + 1).astype(float) * cell**2 / 1e6
    present = _zones_of(areas, with_water=with_water)
    depth = border_distances(codes, cell)
    rooms = _rooms(codes, depth, present, border_distance)
    ranked = sorted(rooms, key=lambda z: (z != LOW_PLANTS, -areas[z]))
    zones, left_out = sorted(ranked[:n_sensors]), sorted(ranked[n_sensors:])
    rng = np.random.default_rng(seed)
    tried = {z: _sample(rooms[z], rng) for z in sorted(zones, key=lambda z: len(rooms[z]))}
    capacity = {z: len(rooms[z]) for z in zones}
    while True:
        allocation = allocate({z: areas[z] for z in zones}, capacity, n_sensors)
        placed = _place(tried, depth, allocation, spacing / cell)
        short = [z for z in zones if len(placed[z]) < allocation[z]]
        if not short:
            break
        capacity |= {z: len(placed[z]) for z in short}
    chosen = sorted((z, int(row), int(col)) for z in zones for row, col in placed[z])
    table = _as_table(chosen, codes, depth, cell, box)
    table.attrs = {
        "no_room": [z for z in present if z not in rooms],
        "crowded": [z for z in zones if not placed[z]],
        "left_out": left_out,
        "allocation": {z: n for z, n in allocation.items() if n},
    }
    return table


def _check_wishes(n_sensors: int, border_distance: float, spacing: float) -> None:
    if not border_distance >= 0 or not spacing >= 0:
        msg = (
            f"Distances are 0 m or more, not {border_distance:g} to borders and {spacing:g} apart."
        )
        raise InputError(msg)
    if n_sensors < 1:
        msg = f"There is nothing to place: give at least one sensor, not {n_sensors}."
        raise InputError(msg)


def _zones_of(areas: np.ndarray, *, with_water: bool) -> list[int]:
    """The zones of a map, by the area of each class, that sensors may stand in."""
    zones = [c.number for c in CLASSES if areas[c.number] > 0 and (with_water or c.number != WATER)]
    if not zones:
        what = "no class" if not areas[1:].any() else "no class but water"
        msg = f"The LCZ map holds {what}: there is nowhere to put a sensor; give another map."
        raise InputError(msg)
    return zones


def _rooms(
    codes: np.ndarray, depth: np.ndarray, zones: list[int], border_distance: float
) -> dict[int, np.ndarray]:
    """The places (row, column) of each zone that are far enough inside; without zones that have none."""
    rooms = {z: np.argwhere((codes == z) & (depth >= border_distance)) for z in zones}
    rooms = {z: places for z, places in rooms.items() if len(places)}
    if not rooms:
        deepest = max(depth[codes == c.number].max(initial=0) for c in CLASSES)
        msg = (
            f"No zone has a place {border_distance:g} m from its border: the one furthest inside is "
            f"{deepest:.0f} m from it; lower {option('border_distance')}."
        )
        raise InputError(msg)
    return rooms


def _sample(places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if len(places) <= _CANDIDATES:
        return places
    return places[rng.choice(len(places), _CANDIDATES, replace=False)]


def _place(
    rooms: dict[int, np.ndarray], depth: np.ndarray, wanted: dict[int, int], spacing: float
) -> dict[int, list[np.ndarray]]:
    """Sites by zone, pixels (row, col), zones in the order given; fewer where spacing (px) forbids."""
    placed: dict[int, list[np.ndarray]] = {}
    for zone, places in rooms.items():
        taken = np.array([site for sites in placed.values() for site in sites]).reshape(-1, 2)
        inside = depth[tuple(places.T)]
        placed[zone] = _spread(places, taken, inside, wanted[zone], spacing)
    return placed


def allocate(areas: dict[int, float], room: dict[int, int], total: int) -> dict[int, int]:
    """Sensors by zone: one each, the rest in proportion to area by largest remainder, within room.

    Examples
    --------
    >>> allocate({2: 10.0, 6: 60.0, 14: 30.0}, {2: 99, 6: 99, 14: 99}, 10)
    {2: 1, 6: 6, 14: 3}
    """
    share = {z: total * a / sum(areas.values()) for z, a in areas.items()}
    given = {z: min(max(1, int(share[z])), room[z]) for z in areas}
    while sum(given.values()) > total:  # the minimum of one overdrew: take from the best served
        most = max((z for z in given if given[z] > 1), key=lambda z: given[z] - share[z])
        given[most] -= 1
    while sum(given.values()) < min(total, sum(room.values())):
        least = max((z for z in given if given[z] < room[z]), key=lambda z: share[z] - given[z])
        given[least] += 1
    return given


def border_distances(codes: np.ndarray, cell: float) -> np.ndarray:
    """Distance in m from each pixel's centre to the nearest pixel edge of another zone or the map's edge."""
    padded = np.pad(codes, 1)
    depth = np.zeros(padded.shape, np.float32)
    for number, where in enumerate(ndimage.find_objects(padded, N_CLASSES), start=1):
        if where is None:
            continue
        wider = tuple(slice(s.start - 1, s.stop + 1) for s in where)
        mask = padded[wider] == number
        distance = ndimage.distance_transform_edt(mask, sampling=cell)
        depth[wider][mask] = distance[mask] - cell / 2
    return depth[1:-1, 1:-1]


def _spread(
    places: np.ndarray, taken: np.ndarray, depth: np.ndarray, n: int, spacing: float
) -> list[np.ndarray]:
    """Choose `n` places, each the furthest from those taken; the first of all lies deepest inside.

    Fewer where none is `spacing` pixels from all others.
    """
    distance = np.full(len(places), np.inf)
    for site in taken:
        distance = np.minimum(distance, np.hypot(*(places - site).T))
    chosen = []
    for _ in range(n):
        pick = int(depth.argmax() if np.isinf(distance).all() else distance.argmax())
        if distance[pick] < spacing:
            break
        chosen.append(places[pick])
        distance = np.minimum(distance, np.hypot(*(places - places[pick]).T))
    return chosen


def _as_table(
    chosen: list[tuple[int, int, int]],
    codes: np.ndarray,
    depth: np.ndarray,
    cell: float,
    box: object,
) -> gpd.GeoDataFrame:
    zone, rows, cols = (np.array(v) for v in zip(*chosen, strict=True))
    patches, _ = patch_numbers(codes)
    sizes = np.bincount(patches.ravel())
    x, y = box.affine * (cols + 0.5, rows + 0.5)
    apart = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :])
    np.fill_diagonal(apart, np.inf)
    nearest = apart.min(axis=1) if len(chosen) > 1 else np.full(1, np.nan)
    return gpd.GeoDataFrame(
        {
            "site": np.arange(1, zone.size + 1),
            "lcz": zone,
            "code": [CLASSES[z - 1].code for z in zone],
            "name": [CLASSES[z - 1].name for z in zone],
            "border_distance": depth[rows, cols].astype(float).round(1),
            "patch_km2": sizes[patches[rows, cols]] * cell**2 / 1e6,
            "nearest_site": nearest.round(1),
        },
        geometry=gpd.points_from_xy(x, y),
        crs=box.crs.to_wkt(),
    )
