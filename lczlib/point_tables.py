"""Labelled points in plain tables: CSV or Parquet with columns of coordinates, as samples are kept."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import rasterio
import shapely

from lczlib.errors import GridError, InputError
from lczlib.tables import examples, numbers, read_notes, read_table, refuse_repeated
from lczlib.tables.files import TEXTS

_DEGREES = (
    ("lon", "lat"), ("long", "lat"), ("lng", "lat"), ("longitude", "latitude"),
    ("decimallongitude", "decimallatitude"), ("londd", "latdd"), ("lonwgs", "latwgs"),
)  # fmt: skip
_PLANE = (
    ("x", "y"), ("easting", "northing"), ("east", "north"), ("utme", "utmn"), ("utmx", "utmy"),
    ("xutm", "yutm"), ("xcoord", "ycoord"), ("coordx", "coordy"), ("pointx", "pointy"),
    ("xepsg", "yepsg"),
)  # fmt: skip
"""Names of columns of coordinates, letters only: ``x_32633`` is an x."""
_CRS_COLUMNS = ("epsg", "crs", "srid", "srs", "epsgcode")
_WKT_COLUMNS = ("wkt", "wktgeom", "geom", "thegeom", "geometry", "shape")


def is_point_table(path: str | Path) -> bool:
    """Whether a file is a text table by its ending, and no grid in a text."""
    if Path(path).suffix.lower() not in TEXTS or not Path(path).is_file():
        return False
    unread = contextlib.suppress(rasterio.errors.RasterioError, UnicodeDecodeError)
    with unread, rasterio.open(path) as src:
        return src.driver == "XYZ"  # regular rows of x, y, z
    return True


def points_of_table(path: Path, what: str) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """The points of a table, and what is to be said of how it was read.

    Coordinates are columns ``lon`` and ``lat`` (degrees), ``x`` and ``y`` or the like with their EPSG code
    in a column ``epsg``, in their own names (``x_32633``) or as a ``.prj`` beside, or texts as WKT.

    Raises
    ------
    InputError
        If there are no such columns, or no coordinate can be read.
    GridError
        If the reference system of coordinates that are no degrees is not stated, or several are.
    """
    table = read_table(path, what)
    said = read_notes(table).said
    plain: dict[str, str] = {}
    for name in table.columns:
        plain.setdefault(re.sub(r"[^a-z]", "", name.casefold()), name)
    pair = next(
        ((plain[a], plain[b]) for a, b in (*_DEGREES, *_PLANE) if a in plain and b in plain), None
    )
    wkt = next((plain[n] for n in _WKT_COLUMNS if n in plain), None)
    if pair is None and wkt is None:
        listed = ", ".join(map(str, table.columns[:8])) + (
            ", ..." if len(table.columns) > 8 else ""
        )
        msg = (
            f"The {what} {path} is a text file without columns of coordinates ({listed[:120]}): give a GeoTIFF, "
            "or polygons as GeoPackage, GeoJSON, KML, KMZ or Shapefile, or points as a table with columns "
            "lon and lat (or x, y and epsg) and lcz."
        )
        raise InputError(msg)
    used = list(pair or (wkt,))
    refuse_repeated(table, used, path)
    stated, crs_column = _stated(table, plain, used, path)
    if pair is None:
        shapes, crs = _from_wkt(table[wkt], stated, path, what)
        how = f"shapes in column {wkt!r}"
    else:
        x, y = (_coordinates(table[name], path, what) for name in pair)
        known = np.isfinite(x) & np.isfinite(y)
        shapes = np.full(len(table), None, object)
        shapes[known] = shapely.points(x[known], y[known])
        degrees = re.sub(r"[^a-z]", "", pair[0].casefold()) in {a for a, _ in _DEGREES}
        on_globe = (np.abs(x[known]) <= 360).all() and (np.abs(y[known]) <= 90).all()
        crs = stated or ("EPSG:4326" if degrees or on_globe else None)
        how = f"places in columns {pair[0]!r} and {pair[1]!r}"
        if not stated and not degrees:
            how += ", taken for degrees, for no reference system is stated"
        if crs is None:
            msg = (
                f"{path}: the coordinates in {pair[0]!r} and {pair[1]!r} are no degrees ({x[known][0]:.10g}, "
                f"{y[known][0]:.10g}), and their reference system is not stated: add a column epsg with its "
                "code (such as 32633 for UTM zone 33 N), or write lon and lat."
            )
            raise GridError(msg)
    rest = table.drop(columns=[*used, *([crs_column] if crs_column else [])])
    return gpd.GeoDataFrame(pd.DataFrame(rest), geometry=shapes, crs=crs), (*said, how)


def _coordinates(values: pd.Series, path: Path, what: str) -> np.ndarray:
    read = numbers(values, comma="decimal")
    out = read.values.to_numpy(float)
    if not np.isfinite(out).any():
        shown = f" ({examples(read.unread)})" if len(read.unread) else ""
        msg = (
            f"The {what} {path} has no number in column {values.name!r}{shown}: write coordinates as decimal "
            "numbers, such as 52.5083."
        )
        raise InputError(msg)
    return out


def _stated(
    table: pd.DataFrame, plain: dict[str, str], used: list[str], path: Path
) -> tuple[pyproj.CRS | None, str | None]:
    """The reference system that a table states, and the column that does."""
    column = next((plain[n] for n in _CRS_COLUMNS if n in plain and plain[n] not in used), None)
    named = re.search(r"(?<!\d)\d{4,6}(?!\d)", used[0])
    prj = path.with_suffix(".prj")
    texts = []
    if column is not None:
        texts = [re.sub(r"\.0+$", "", str(v)) for v in table[column].dropna().unique()]
    elif named:
        texts = [named[0]]
    elif prj.is_file():
        texts = [prj.read_text(errors="replace")]
    if len(texts) > 1:
        msg = (
            f"{path} states several reference systems in column {column!r} ({examples(texts)}): bring its "
            "points to one."
        )
        raise GridError(msg)
    if not texts or not texts[0].strip():
        return None, column
    text = re.sub(r"^\s*(?:epsg)?[\s:]*(\d{4,6})\s*$", r"EPSG:\1", texts[0], flags=re.IGNORECASE)
    try:
        return pyproj.CRS.from_user_input(text), column
    except pyproj.exceptions.CRSError as err:
        msg = f"{path} states a reference system that is none ({text[:40]!r}): write its EPSG code."
        raise GridError(msg) from err


def _from_wkt(
    values: pd.Series, stated: pyproj.CRS | None, path: Path, what: str
) -> tuple[np.ndarray, pyproj.CRS | str]:
    """Shapes that are written as texts, as QGIS and PostGIS export them, and their reference system."""
    parts = values.astype("string").str.extract(r"^(?:SRID=(\d+);)?(.*)$", flags=re.IGNORECASE)
    shapes = shapely.from_wkt(parts[1].fillna("").to_numpy(object), on_invalid="ignore")
    if shapely.is_missing(shapes).all():
        msg = f"The {what} {path} has no shape in column {values.name!r} ({examples(values)}): write WKT."
        raise InputError(msg)
    codes = parts[0].dropna().unique()
    if stated is None and len(codes) == 1:
        stated = pyproj.CRS.from_epsg(int(codes[0]))
    if stated is None and not (np.abs(shapely.total_bounds(shapes)) <= (360, 90, 360, 90)).all():
        msg = (
            f"{path}: the shapes in {values.name!r} are not in degrees, and their reference system is not "
            "stated: add a column epsg with its code (such as 32633 for UTM zone 33 N)."
        )
        raise GridError(msg)
    return shapes, stated or "EPSG:4326"
