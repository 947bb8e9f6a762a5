"""Reference polygons as an expert would draw them over the imagery."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.features import shapes
from rasterio.windows import Window
from rasterio.windows import transform as window_transform
from scipy.ndimage import find_objects
from shapely.geometry import MultiPolygon, Polygon, shape

from lczlib.classes import CLASSES
from lczlib.scenes.simulation.layout import Layout

MOST_PER_ZONE = 12
MARGIN = 20.0
"""Distance in metres that a polygon keeps from the border of its zone."""


def draw_polygons(rng: np.random.Generator, plan: Layout, grid: GeoBox) -> gpd.GeoDataFrame:
    """Polygons of every zone, columns id, lcz (1..17), name and geometry.

    Up to twelve a zone, each within one district: an area of 150 to 400 m around a point that an
    expert can tell, drawn with few vertices and inside the visible border. Most of the city is left
    undrawn.
    """
    box = {i: where for i, where in enumerate(find_objects(plan.district + 1)) if where}
    rows = []
    for c in CLASSES:
        inside = plan.zone == c.number
        held = np.bincount(plan.district[inside], minlength=len(plan.district_lcz))
        candidates = np.flatnonzero(held > 350)  # 3.5 ha of it at least
        drawn = 0
        for d in rng.permutation(candidates):
            polygon = _polygon(rng, plan, grid.affine, box[d], int(d), c.number)
            if polygon is None:
                continue
            rows.append((c.number, c.label, polygon))
            drawn += 1
            if drawn == MOST_PER_ZONE:
                break
    lcz, name, geometry = zip(*rows, strict=True)
    return gpd.GeoDataFrame(
        {"id": np.arange(1, len(rows) + 1), "lcz": np.array(lcz, np.uint8), "name": name},
        geometry=list(geometry),
        crs=str(grid.crs),
    )


def _polygon(
    rng: np.random.Generator,
    plan: Layout,
    affine: Affine,
    where: tuple[slice, slice],
    district: int,
    lcz: int,
) -> Polygon | None:
    """A polygon within one zone of one district; None where there is no room for one."""
    mask = (plan.district[where] == district) & (plan.zone[where] == lcz)
    transform = window_transform(Window.from_slices(*where), affine)
    found = shapes(mask.astype(np.uint8), mask=mask, transform=transform)
    part = _largest([shape(geometry) for geometry, _ in found])
    part = _largest([part.buffer(-MARGIN)]) if part else None
    if part is None:
        return None
    near = part.representative_point().buffer(rng.uniform(150, 400), quad_segs=2)
    part = _largest([part.intersection(near).simplify(20)])
    return part if part is not None and part.area > 2e4 else None


def _largest(geometries: list) -> Polygon | None:
    """The largest polygon of some geometries."""
    parts = []
    for g in geometries:
        parts += list(g.geoms) if isinstance(g, MultiPolygon) else [g]
    parts = [p for p in parts if isinstance(p, Polygon) and not p.is_empty]
    return max(parts, key=lambda p: p.area, default=None)
