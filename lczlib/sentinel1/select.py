"""Which Sentinel-1 products go with a Sentinel-2 tile: one pass of each relative orbit, nearest in time.

The rule of BigEarthNet-S1, with all slices of a pass that it takes so that their union covers the tile.
Areas are those of a projection that keeps them, about the tile.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyproj import Geod, Transformer

from lczlib.sentinel1.listed import ListedProduct, tracks_of
from lczlib.sentinel1.tiles import Tile

if TYPE_CHECKING:
    import shapely

_LEAST = 1e-3  # of the tile that a slice, or a pass, must add; outlines are stated to a few hundred metres
_AS_MUCH = 0.01  # of the tile, by which a nearer pass may cover less than the one that covers most
_NEAR = 2e6  # m; farther products cannot show the tile
_GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True)
class TilePass:
    """A pass over a tile.

    Attributes
    ----------
    track : int
        Relative orbit.
    products : tuple of ListedProduct
        Its slices, no more than it takes, in the order of time.
    covered : float
        Share of the tile that they show.
    days : float
        From the tile's acquisition to the pass; negative before it.
    """

    track: int
    products: tuple[ListedProduct, ...]
    covered: float
    days: float


@dataclass(frozen=True)
class Against:
    """What was selected for a tile beside what is published for it.

    Attributes
    ----------
    published : tuple of str
        Names of its products.
    same : int
        Products that are in both.
    repeated_as_slices, repeated_as_passes : tuple of int
        Relative orbits that are published several times: by slices of one pass, and by other passes.
    covered : float
        Share of the tile that the published products show; NaN where no place of one is known.
    beyond : int
        Published products that are not within the days that were looked at.
    """

    published: tuple[str, ...]
    same: int
    repeated_as_slices: tuple[int, ...]
    repeated_as_passes: tuple[int, ...]
    covered: float
    beyond: int


@dataclass(frozen=True)
class Selection:
    """What was selected for a tile.

    Attributes
    ----------
    tile : Tile
    passes : tuple of TilePass
        At most one of a relative orbit, the nearest in time first.
    covered : float
        Share of the tile that all of them show.
    against : Against or None
        The published list's, where there is one.
    """

    tile: Tile
    passes: tuple[TilePass, ...]
    covered: float
    against: Against | None = None

    @property
    def products(self) -> list[ListedProduct]:
        """All that are to be fetched."""
        return [p for one in self.passes for p in one.products]


class Plane:
    """A plane about a tile on which areas are true: longitudes across 180 degrees hang together.

    Parameters
    ----------
    tile : Tile
        In its middle.
    """

    def __init__(self, tile: Tile) -> None:
        self._middle = _first(tile.footprint)
        longitude, latitude = self._middle
        plane = f"+proj=laea +lon_0={longitude!r} +lat_0={latitude!r} +datum=WGS84"
        self._to = Transformer.from_crs("EPSG:4326", plane, always_xy=True)
        self.tile = self.of(tile.footprint)

    def of(self, ground: shapely.Geometry) -> shapely.Geometry:
        """A shape in degrees on the plane."""
        import shapely

        def moved(xy: np.ndarray) -> np.ndarray:
            return np.column_stack(self._to.transform(xy[:, 0], xy[:, 1]))

        flat = shapely.transform(ground, moved)
        return shapely.make_valid(flat, method="structure", keep_collapsed=False)

    def near(self, ground: shapely.Geometry) -> bool:
        """Whether a shape can reach the tile."""
        _, _, distance = _GEOD.inv(*self._middle, *_first(ground))
        return bool(distance < _NEAR)

    def covered(self, shapes: Iterable[shapely.Geometry]) -> float:
        """Share of the tile that shapes on the plane cover together."""
        import shapely

        shown = shapely.union_all([*shapes]).intersection(self.tile).area
        return min(1.0, float(shown / self.tile.area))


def _first(shape: shapely.Geometry) -> tuple[float, float]:
    import shapely

    longitude, latitude = shapely.get_coordinates(shape)[0]
    return float(longitude), float(latitude)


def fewest(
    ground: Mapping[str, shapely.Geometry], place: shapely.Geometry, whole: float = 1.0
) -> list[str]:
    """One by one the shapes that add the most of what is missing of a place, until it is covered.

    Parameters
    ----------
    ground : mapping of str to Geometry
        Shapes by name, on one plane.
    place : Geometry
        On the same.
    whole : float
        Share of the place with which it counts as covered.

    Returns
    -------
    list of str
        Names; those that would add less than a thousandth of the place are left out.
    """
    left, used = place, []
    while left.area > (1 - whole) * place.area:
        added = {n: g.intersection(left).area for n, g in ground.items() if n not in used}
        best = max(added, key=lambda n: (added[n], n), default=None)
        if best is None or added[best] <= _LEAST * place.area:
            break
        used.append(best)
        left = left.difference(ground[best])
    return used


def select(
    tile: Tile, products: Sequence[ListedProduct], *, days: float, needed: bool = False
) -> Selection:
    """Choose for a tile.

    Parameters
    ----------
    tile : Tile
        For which products are looked for.
    products : sequence of ListedProduct
        What there is.
    days : float
        How far from the tile's acquisition a pass may be.
    needed : bool
        Leave out passes, the farthest in time first to go, that add nothing to what nearer ones cover.
    """
    plane, span = Plane(tile), dt.timedelta(days=days)
    slices: dict[tuple[str, str], dict[str, ListedProduct]] = defaultdict(dict)
    for one in products:
        if abs(one.start - tile.time) <= span and plane.near(one.ground):
            slices[one.of_pass][one.name] = one
    by_track: dict[int, list[TilePass]] = defaultdict(list)
    shapes: dict[str, shapely.Geometry] = {}
    for several in slices.values():
        ground = {n: plane.of(p.ground) for n, p in several.items()}
        used = sorted((several[n] for n in fewest(ground, plane.tile)), key=lambda p: p.start)
        if used:
            shapes |= ground
            middle = used[0].start + (used[-1].end - used[0].start) / 2
            found = TilePass(
                used[0].track, tuple(used), plane.covered(ground[p.name] for p in used),
                (middle - tile.time) / dt.timedelta(days=1),
            )  # fmt: skip
            by_track[found.track].append(found)
    passes = sorted((_nearest(p) for p in by_track.values()), key=_distance)
    if needed:
        passes = _needed(passes, shapes, plane)
    kept = [shapes[p.name] for one in passes for p in one.products]
    return Selection(tile, tuple(passes), plane.covered(kept))


def _distance(one: TilePass) -> tuple[float, str]:
    return abs(one.days), one.products[0].name


def _nearest(passes: Sequence[TilePass]) -> TilePass:
    """The nearest in time of those that show as much of the tile as any does."""
    most = max(p.covered for p in passes)
    return min((p for p in passes if p.covered >= most - _AS_MUCH), key=_distance)


def _needed(
    passes: Sequence[TilePass], shapes: Mapping[str, shapely.Geometry], plane: Plane
) -> list[TilePass]:
    kept: list[TilePass] = []
    for one in passes:
        before = [shapes[p.name] for k in kept for p in k.products]
        if plane.covered([*before, *(shapes[p.name] for p in one.products)]) > (
            plane.covered(before) + _LEAST
        ):
            kept.append(one)
    return kept


def compared(
    selection: Selection,
    published: Sequence[str],
    products: Mapping[str, ListedProduct],
    days: float,
) -> Against:
    """What was selected for a tile beside what is published for it.

    Parameters
    ----------
    selection : Selection
        Of the tile.
    published : sequence of str
        Names of the products that are published for it.
    products : mapping of str to ListedProduct
        Those whose place is known, by name.
    days : float
        That were looked at.
    """
    passes: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for track, of_pass in tracks_of(dict.fromkeys(published)):
        if track is not None:
            passes[track].append(of_pass)
    several = {t: set(p) for t, p in passes.items() if len(p) > 1}
    known = [products[n] for n in published if n in products]
    plane = Plane(selection.tile)
    time, span = selection.tile.time, dt.timedelta(days=days)
    return Against(
        tuple(published), len({p.name for p in selection.products} & {*published}),
        tuple(sorted(t for t, p in several.items() if len(p) == 1)),
        tuple(sorted(t for t, p in several.items() if len(p) > 1)),
        plane.covered(plane.of(p.ground) for p in known) if known else float("nan"),
        sum(abs(p.start - time) > span for p in known),
    )  # fmt: skip
