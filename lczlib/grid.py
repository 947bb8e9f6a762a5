"""Grids: the 100 m LCZ grid of a scene, and checks that rasters share one.

Grids are ``odc.geo.geobox.GeoBox`` objects (CRS, affine, shape), north up.
"""

from __future__ import annotations

import itertools
from typing import Literal, TypeVar

import numpy as np
import pyproj
import xarray as xr
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords, xr_reproject

from lczlib.errors import GridError
from lczlib.longitudes import centre_of, crosses, utm_of
from lczlib.terms import option

CELL_SIZE = 100.0
"""Edge of an LCZ cell in metres (So2Sat GUL, WUDAPT: 100 m)."""

_LARGEST_X, _LARGEST_Y = 540.0, 100.0  # degrees: the globe and a margin, for 0-360 and edges
_SMALLEST_CELL = 0.05  # metres; cells of degrees taken for metres are smaller

_NOT_EDITED = ("netcdf:", "hdf4", "hdf5")
"""What GDAL's names of variables begin with, which it cannot edit in place."""

RasterT = TypeVar("RasterT", xr.DataArray, xr.Dataset)
Resampling = Literal["nearest", "mode", "average", "bilinear", "cubic", "min", "max", "med"]


def geobox_of(data: xr.DataArray | xr.Dataset, what: str = "raster") -> GeoBox:
    """The grid of a raster.

    Raises
    ------
    GridError
        If it has no CRS, one that its coordinates contradict, or coordinates that are no regular
        grid.
    """
    box = data.odc.geobox
    if box is None or not isinstance(box, GeoBox):
        msg = f"The {what} has no regular grid: its x and y coordinates are not evenly spaced."
        raise GridError(msg)
    if box.crs is None:
        source = str(data.encoding.get("source", ""))
        how = "`gdal_edit.py -a_srs EPSG:32633 FILE`"
        if source.casefold().startswith(_NOT_EDITED) or source.casefold().endswith(".nc"):
            how = (
                f"`gdal_translate -a_srs EPSG:32633 -a_ullr LEFT TOP RIGHT BOTTOM {source} out.tif`"
            )
        msg = (
            f"The {what} has no coordinate reference system: set it, for example with {how} or "
            "`data.rio.write_crs('EPSG:32633')`."
        )
        raise GridError(msg)
    if not (box.crs.geographic or box.crs.projected):
        msg = (
            f"The {what} is in {crs_name(box)[:60]}, which is no map projection and no latitude and "
            "longitude: warp it to its UTM zone first (`gdalwarp -t_srs EPSG:CODE IN OUT`)."
        )
        raise GridError(msg)
    _check_plausible(box, what)
    return box


def _check_plausible(box: GeoBox, what: str) -> None:
    """Refuse coordinates that cannot be in the unit of their CRS: the wrong one was assigned."""
    bounds = box.boundingbox
    far_x, far_y = (
        max(abs(bounds.left), abs(bounds.right)),
        max(abs(bounds.bottom), abs(bounds.top)),
    )
    on_globe = far_x <= _LARGEST_X and far_y <= _LARGEST_Y
    if box.crs.geographic and not on_globe:
        unit, other = "degrees", "metres"
    elif not box.crs.geographic and on_globe and abs(box.affine.a) < _SMALLEST_CELL:
        unit, other = _unit(box), "degrees"
    else:
        return
    code = "EPSG:4326" if other == "degrees" else "EPSG:CODE"
    msg = (
        f"The {what} says that it is in {unit}, but its coordinates look like {other} "
        f"({describe(box)}): the wrong coordinate reference system was assigned; set the right one "
        f"with `gdal_edit.py -a_srs {code} FILE`."
    )
    raise GridError(msg)


def check_extent(shape: tuple[int, int], what: str) -> None:
    """Refuse a raster that is one pixel wide or high, of which no map can be made.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    what : str
        What the message calls it.

    Raises
    ------
    GridError
        If it is.
    """
    rows, columns = shape
    if min(rows, columns) < 2:
        size = f"{columns} x {rows} {'pixel' if rows == columns == 1 else 'pixels'}"
        msg = f"The {what} is {size}: one pixel makes no map."
        raise GridError(msg)


def check_projected(box: GeoBox, what: str = "raster", *, remedy: str = "") -> GeoBox:
    """Return the grid if it is projected in metres.

    Raises
    ------
    GridError
        If it is not; `remedy` adds what else the caller offers beside warping the file.
    """
    if box.crs is None or box.crs.geographic or "metre" not in {u.lower() for u in box.crs.units}:
        unit = "no CRS" if box.crs is None else f"{crs_name(box)} in {_unit(box)}"
        place = (np.nan, np.nan) if box.crs is None else centre_of(box)
        zone = utm_of(*place) if np.isfinite(place).all() else "EPSG:CODE"
        msg = (
            f"The {what} must be in a projected coordinate reference system in metres, not {unit}: "
            f"warp it to its UTM zone first (`gdalwarp -t_srs {zone} IN OUT`){remedy}."
        )
        raise GridError(msg)
    return box


def _unit(box: GeoBox) -> str:
    return "degrees" if box.crs.geographic else str(box.crs.units[0])


def crs_of(box: GeoBox) -> CRS:
    """The CRS of a grid.

    Raises
    ------
    GridError
        If it has none; grids of `geobox_of` have one.
    """
    if box.crs is None:
        msg = "The grid has no CRS: set it with ds.rio.write_crs(...)."
        raise GridError(msg)
    return box.crs


def crs_name(box: GeoBox) -> str:
    """``EPSG:32633`` where the CRS has such a code, else its WKT."""
    epsg = crs_of(box).to_epsg()
    return f"EPSG:{epsg}" if epsg else str(box.crs)


def describe(box: GeoBox) -> str:
    """A grid in words, for messages: CRS, size, cell and upper-left corner."""
    a = box.affine
    digits = 8 if box.crs.geographic else 10
    corner = f"({a.c:.{digits}g}, {a.f:.{digits}g})"
    return f"{crs_name(box)}, {box.shape[1]} x {box.shape[0]} cells of {a.a:.6g}, corner {corner}"


def same_grid(a: GeoBox, b: GeoBox) -> bool:
    """Whether two grids agree in CRS, shape and, to a hundredth of a cell, position."""
    if a.crs != b.crs or a.shape != b.shape:
        return False
    cell = abs(a.affine.a)
    offset = np.subtract(tuple(a.affine)[:6], tuple(b.affine)[:6])
    step = np.abs(offset[[0, 1, 3, 4]]).max() * max(a.shape)
    return bool(np.abs(offset[[2, 5]]).max() < 0.01 * cell and step < 0.01 * cell)


def check_same_grid(
    a: xr.DataArray | xr.Dataset | GeoBox,
    b: xr.DataArray | xr.Dataset | GeoBox,
    names: tuple[str, str] = ("first", "second"),
    *,
    resampled: bool = True,
) -> GeoBox:
    """The common grid of two rasters.

    Parameters
    ----------
    a : DataArray, Dataset or GeoBox
        The one.
    b : DataArray, Dataset or GeoBox
        The other.
    names : tuple of str
        What the message calls them.
    resampled : bool
        Whether who asks resamples when told to, so that the message may name that way out.

    Raises
    ------
    GridError
        If they differ; the message shows both grids.
    """
    box_a = a if isinstance(a, GeoBox) else geobox_of(a, names[0])
    box_b = b if isinstance(b, GeoBox) else geobox_of(b, names[1])
    if not same_grid(box_a, box_b):
        up = [b.affine.e > 0 for b in (box_a, box_b)]
        turn = (
            f" The rows of {names[up.index(True)]} go from south to north: turn them "
            "(`data.sortby('y', ascending=False)`)."
            if up[0] != up[1]
            else ""
        )
        way = f", or ask for resampling ({option('resample')} nearest)" if resampled else ""
        msg = (
            f"The grids differ: {names[0]} is {describe(box_a)}; {names[1]} is {describe(box_b)}. "
            f"Bring one to the other's grid{way}.{turn}"
        )
        raise GridError(msg)
    return box_a


def lcz_grid(box: GeoBox, cell: float = CELL_SIZE) -> GeoBox:
    """The LCZ grid of a scene: cells of `cell` metres from its upper-left corner.

    The last row and column may reach past the scene; as many cells as it takes to cover it
    (ceil(width / cell)). A hair under a whole cell of float error adds no cell, unlike the
    float ``arange`` of the So2Sat scripts.
    """
    check_projected(box, "scene")
    rows, cols = (
        int(np.ceil(n * abs(step) / cell - 1e-6))
        for n, step in zip(box.shape, (box.affine.e, box.affine.a), strict=True)
    )
    affine = box.affine @ box.affine.scale(cell / box.affine.a, cell / abs(box.affine.e))
    return GeoBox((rows, cols), affine, box.crs)


def on_grid(
    values: np.ndarray, box: GeoBox, dims: tuple[str, ...] = ("y", "x"), **kwargs: object
) -> xr.DataArray:
    """Wrap an array, whose last two axes are y and x, with the coordinates and CRS of a grid."""
    extra = dict(kwargs.pop("coords", {}) or {})
    coords = {**xr_coords(box, dims=("y", "x")), **extra}
    return xr.DataArray(values, dims=dims, coords=coords, **kwargs)


def to_grid(data: RasterT, box: GeoBox, resampling: Resampling) -> RasterT:
    """Resample to another grid.

    Class codes (integers) take nearest or mode only; anything else would invent classes.

    Raises
    ------
    GridError
        If the two do not overlap, or class codes would be averaged.
    """
    source = geobox_of(data)
    arrays = data.data_vars.values() if isinstance(data, xr.Dataset) else [data]
    if resampling not in ("nearest", "mode") and any(a.dtype.kind in "iub" for a in arrays):
        msg = f"Class codes cannot be resampled with {resampling!r}: use nearest or mode."
        raise GridError(msg)
    if source.extent.to_crs(box.crs).disjoint(box.extent):
        msg = f"The rasters do not overlap: {describe(source)} against {describe(box)}."
        raise GridError(msg)
    out = xr_reproject(data, box, resampling=resampling)
    # in degrees the result's dimensions are latitude and longitude; ours are always y and x
    names = dict(zip(out.odc.spatial_dims, ("y", "x"), strict=True))
    return out.rename({old: new for old, new in names.items() if old != new})


def to_utm(scene: xr.Dataset, pixel_size: float = 10.0) -> xr.Dataset:
    """Warp a scene to its UTM zone (bilinear), for networks that read pixels of a given size.

    Parameters
    ----------
    scene : Dataset
        Bands (y, x) with a CRS.
    pixel_size : float
        Metres.
    """
    source = geobox_of(scene, "scene")
    # across 180 degrees odc takes a zone next to the right ones
    crs = utm_of(*centre_of(source)) if crosses(source) else "utm"
    target = scene.odc.output_geobox(crs, resolution=pixel_size)
    if source.crs is not None and not source.crs.geographic and source.crs == target.crs:
        target = GeoBox.from_bbox(
            source.boundingbox, crs=source.crs, resolution=pixel_size, tight=True
        )
    out = to_grid(scene, target, "bilinear")
    out.attrs = {**scene.attrs, "resampled": f"bilinear to {describe(target)}"}
    return out


_STRETCHED = 0.02
"""UTM stretches areas by 0.08 % in its middle and 0.2 % at a zone's edge, national grids by less than 1 %."""


def _ellipsoid_area(box: GeoBox, geod: pyproj.Geod, col: float, rows: np.ndarray) -> np.ndarray:
    """Area on the ellipsoid (m2) of the cells of some rows at a column of a projected grid."""
    to_degrees = pyproj.Transformer.from_crs(str(box.crs), "EPSG:4326", always_xy=True)
    found = []
    for row in rows:
        corners = [(col, row), (col + 1, row), (col + 1, row + 1), (col, row + 1)]
        x, y = zip(*(box.affine * c for c in corners), strict=True)
        longitude, latitude = to_degrees.transform(x, y)
        found.append(abs(geod.polygon_area_perimeter(longitude, latitude)[0]))
    return np.array(found)


def row_cell_areas(box: GeoBox) -> np.ndarray:
    """Area in square metres of one cell of each row of a grid.

    Cells in degrees are measured on the ellipsoid, and so are projected ones where the projection
    stretches areas by more than `_STRETCHED` (Web Mercator: 2.6 times at 52 degrees); others are as large
    as their edges say.
    """
    a = box.affine
    geod = pyproj.CRS(str(box.crs)).get_geod() or pyproj.Geod(ellps="WGS84")
    if not box.crs.geographic:
        flat = abs(a.a * a.e - a.b * a.d)
        rows = np.arange(box.shape[0])
        middle = box.shape[1] / 2
        first = _ellipsoid_area(box, geod, middle, rows[:1])[0]
        last = _ellipsoid_area(box, geod, middle, rows[-1:])[0]
        if max(abs(v / flat - 1) for v in (first, last)) <= _STRETCHED:
            return np.full(box.shape[0], flat)
        return _ellipsoid_area(box, geod, middle, rows)
    north = a.f + a.e * np.arange(box.shape[0] + 1)
    ring = [0.0, a.a, a.a, 0.0]
    return np.array([
        abs(geod.polygon_area_perimeter(ring, [s, s, n, n])[0])
        for n, s in itertools.pairwise(north)
    ])  # fmt: skip
