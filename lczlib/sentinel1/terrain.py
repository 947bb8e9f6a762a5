"""Heights above the ellipsoid: an elevation model, and the geoid that most of them count from.

Without the geoid a city at 50 m of undulation lies 74 m beside its place, and no check of the radar
image shows it. So the geoid is a file with a hash, interpolated here, and its absence is an error: the
projection library takes 0 m where its own grid is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from pyproj import CRS
from rasterio.windows import Window

from lczlib.errors import CatalogError, InputError
from lczlib.limits import check_size
from lczlib.longitudes import unwrapped
from lczlib.reading import Reading, share, tell
from lczlib.scenes.elevation import HIGHEST, LOWEST
from lczlib.sentinel1.recipes import HeightOf
from lczlib.terms import option

GEOIDS = {"geoid-egm96": "egm96_15", "geoid-egm2008": "egm2008_25"}
"""Catalog entry of each geoid."""
_STATED = {"EGM96": "geoid-egm96", "EGM2008": "geoid-egm2008", "ELLIPSOID": "ellipsoid"}
_LARGEST = 110.0  # m; undulations lie between -107 and +86
MARGIN = 6000.0
"""Metres around the region that are read too: mountains there may hide and overlay it."""
_BYTES = 17  # memory that a pixel takes: as stored, its mask, and metres
_DEGREE = 111_320.0  # m


@dataclass(frozen=True, eq=False)
class Layer:
    """Values on a regular grid in a CRS of its own.

    Attributes
    ----------
    values : array (rows, columns) float32
    crs : CRS
    left, top, width, height : float
        Place of the first pixel's centre, and the steps, in the CRS; `height` is negative.
    """

    values: np.ndarray
    crs: CRS
    left: float
    top: float
    width: float
    height: float

    def place(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Columns and rows, counted from the first pixel's centre, of places in the CRS."""
        if self.crs.is_geographic:
            x = unwrapped(x, self.left + self.width * self.values.shape[1] / 2)
        return (x - self.left) / self.width, (y - self.top) / self.height


def open_geoid(height: HeightOf) -> Layer | None:
    """The undulation of the geoid that heights count from, in m; None of those above the ellipsoid.

    Raises
    ------
    InputError
        If it cannot be had: heights above it are of no use then.
    """
    if height == "ellipsoid":
        return None
    from lczlib.catalog import fetch

    try:
        return read_geoid(fetch(GEOIDS[height]))
    except CatalogError as error:
        msg = (
            f"The geoid that the elevation model's heights count from ({height}) is missing, and without it the "
            f"image would lie up to 130 m beside its place: {error} Or give heights above the ellipsoid "
            f"({option('dem_height', 'ellipsoid')})."
        )
        raise InputError(msg, parameter="dem_height") from error


def read_geoid(path: str | Path) -> Layer:
    """A geoid's undulation of the whole globe.

    Raises
    ------
    InputError
        If it is no such file.
    """
    try:
        with rasterio.open(path) as source:
            values = source.read(1).astype(np.float32)
            at = source.transform
    except rasterio.errors.RasterioError as error:
        msg = f"{path} is no geoid that can be read ({error}): fetch it again."
        raise InputError(msg, parameter="dem_height") from error
    if abs(at.a * values.shape[1] - 360) > 2 * at.a or not np.abs(values).max() < _LARGEST:
        msg = f"{path} is no geoid of the whole globe in metres: fetch it again."
        raise InputError(msg, parameter="dem_height")
    # as far again to the east as one cell needs, wherever the file begins
    values = np.concatenate([values, values[:, :2]], axis=1)
    return Layer(values, CRS.from_epsg(4326), at.c + at.a / 2, at.f + at.e / 2, at.a, at.e)


def undulation(geoid: Layer | None, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Height of the geoid above the ellipsoid, m, bilinear; 0 where none is needed."""
    if geoid is None:
        return np.zeros(np.shape(longitude))
    column = ((np.asarray(longitude, float) - geoid.left) % 360) / geoid.width
    row = (np.asarray(latitude, float) - geoid.top) / geoid.height
    row = np.clip(row, 0, geoid.values.shape[0] - 1.000001)
    j, i = np.floor(column).astype(int), np.floor(row).astype(int)
    u, v = column - j, row - i
    n = geoid.values
    above = n[i, j] * (1 - u) + n[i, j + 1] * u
    below = n[i + 1, j] * (1 - u) + n[i + 1, j + 1] * u
    return above * (1 - v) + below * v


def height_of(path: str | Path, asked: HeightOf | None) -> HeightOf:
    """What an elevation model's heights count from: as asked, else as the file states.

    Raises
    ------
    InputError
        If neither says it, or they differ.
    """
    try:
        with rasterio.open(path) as source:
            name = CRS.from_user_input(source.crs).name.upper() if source.crs else ""
    except rasterio.errors.RasterioError as error:
        msg = f"The elevation model {path} cannot be read ({error})."
        raise InputError(msg, parameter="dem") from error
    stated = next((v for k, v in _STATED.items() if k in name.replace(" ", "")), None)
    if asked and stated and asked != stated:
        msg = f"{path} says that its heights are {stated}: leave out {option('dem_height', asked)}."
        raise InputError(msg, parameter="dem_height")
    if not (asked or stated):
        msg = (
            f"{path} does not say what its heights count from: give {option('dem_height', 'geoid-egm96')} (SRTM), "
            f"{option('dem_height', 'geoid-egm2008')} (Copernicus DEM) or {option('dem_height', 'ellipsoid')}."
        )
        raise InputError(msg, parameter="dem_height")
    return asked or stated


def open_dem(
    path: str | Path,
    longitude: np.ndarray,
    latitude: np.ndarray,
    heights: HeightOf = "geoid-egm2008",
) -> Layer:
    """The part of an elevation model around some places.

    Parameters
    ----------
    path : path
        GeoTIFF or what else GDAL reads, in m.
    longitude, latitude : array
        The outline of the region, degrees.
    heights : str
        What they count from; see `height_of`.

    Returns
    -------
    Layer
        Heights in m as the file counts them. Where it has none they are 0, as over the sea; their
        share is told.

    Raises
    ------
    InputError
        If it cannot be read, has no CRS, no heights, or does not cover the region; if heights above the
        ellipsoid lack somewhere: the sea is not at 0 there.
    """
    from pyproj import Transformer

    try:
        with rasterio.open(path) as source:
            if source.crs is None:
                msg = f"The elevation model {path} has no coordinate reference system."
                raise InputError(msg, parameter="dem")
            crs = CRS.from_user_input(source.crs)
            crs = crs.sub_crs_list[0] if crs.is_compound else crs.to_2d()
            at = source.transform
            if at.b or at.d:
                msg = f"The elevation model {path} is rotated: warp it first (`gdalwarp IN OUT`)."
                raise InputError(msg, parameter="dem")
            x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(longitude, latitude)
            if crs.is_geographic:
                x = unwrapped(x, at.c + at.a * source.width / 2)
            column, row = (np.asarray(x) - at.c) / at.a, (np.asarray(y) - at.f) / at.e
            beyond = max(
                -column.min(), column.max() - source.width, -row.min(), row.max() - source.height
            )
            if not beyond <= 0.5:
                msg = (
                    f"The elevation model {path} does not cover the region: it lacks {beyond:.0f} of its pixels on "
                    "one side; give a larger one."
                )
                raise InputError(msg, parameter="dem")
            metre = _DEGREE if crs.is_geographic else 1.0
            # a degree of longitude is shorter away from the equator
            along = metre * (np.cos(np.radians(np.abs(y).max())) if crs.is_geographic else 1.0)
            beside = 2 + int(MARGIN / (abs(at.a) * max(along, 0.01 * metre)))
            above = 2 + int(MARGIN / (abs(at.e) * metre))
            left, top = max(0, int(column.min()) - beside), max(0, int(row.min()) - above)
            right = min(source.width, int(column.max()) + beside + 1)
            bottom = min(source.height, int(row.max()) + above + 1)
            rows, columns = bottom - top, right - left
            check_size(
                rows * columns * _BYTES, path, "elevation model",
                f"{columns:,} x {rows:,} pixels around the region",
            )  # fmt: skip
            stored = source.read(
                1, window=Window(left, top, right - left, bottom - top), masked=True
            )
            scale, offset = source.scales[0], source.offsets[0]
    except rasterio.errors.RasterioError as error:
        msg = f"The elevation model {path} cannot be read ({error})."
        raise InputError(msg, parameter="dem") from error
    values = np.ma.filled(stored.astype(np.float32), np.nan) * np.float32(scale) + np.float32(
        offset
    )
    values = _land(values, path, heights)
    return Layer(
        values, crs, at.c + at.a * (left + 0.5), at.f + at.e * (top + 0.5), at.a, at.e
    )  # fmt: skip


def _land(values: np.ndarray, path: str | Path, heights: HeightOf) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        known = (values >= LOWEST) & (values <= HIGHEST)
    if not known.any():
        msg = (
            f"The elevation model {path} has no height in the region: give another one, in metres."
        )
        raise InputError(msg, parameter="dem")
    missing = int((~known).sum())
    cautions = ()
    if missing and heights == "ellipsoid":
        msg = (
            f"The elevation model {path} has no height in {share(missing, values.size)} of the region, and what "
            "counts from the ellipsoid does not say where the sea lies: fill it, or give one above a geoid."
        )
        raise InputError(msg, parameter="dem")
    if missing:
        cautions = (
            f"{Path(path).name}: {share(missing, values.size)} of the region has no height; it is taken for sea, "
            "at height 0. Land there would lie beside its place.",
        )
    low, high = float(values[known].min()), float(values[known].max())
    tell(
        Reading(
            "elevation model", str(path), (f"{low:.0f} to {high:.0f} m in the region",), cautions,
            {"lowest": low, "highest": high, "missing": missing, "pixels": values.size},
        )
    )  # fmt: skip
    return np.where(known, values, np.float32(0))
