"""Vector files as they are: layers, archives, coordinate reference system, places that can be.

Read from any file that GDAL knows (GeoPackage, GeoJSON, FlatGeobuf, Shapefile, KML and KMZ) and from
GeoParquet. What is in the columns is the business of `lczlib.class_columns`.
"""

from __future__ import annotations

import warnings
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from lczlib.errors import GridError, InputError
from lczlib.limits import check_size, rows_allowed
from lczlib.point_tables import is_point_table, points_of_table
from lczlib.reading import counted
from lczlib.terms import option
from lczlib.unreadable import unreadable

_VECTOR_SUFFIXES = (".gpkg", ".geojson", ".json", ".kml", ".shp", ".fgb", ".gml", ".parquet")
_ZIPPED = (".kmz", ".zip")
_PARTS = (".shx", ".dbf", ".prj", ".cpg")  # of a Shapefile, read along with it
_TEXTS = (".geojson", ".json", ".kml", ".kmz", ".gml")

_TEXT_GROWTH, _BINARY_GROWTH = 8, 3
"""Bytes in memory for each byte of a file: shapes, columns, and the copy in the map's projection."""
_FEATURE, _COLUMN = 300, 50
"""Bytes in memory that a feature takes at least, and each of its columns."""

_FARTHEST_X, _FARTHEST_Y = 540.0, 90.001  # degrees: the globe, 0-360 and one turn beyond
_FARTHEST = 1e8  # metres: no projection of the Earth reaches beyond 100,000 km


@dataclass(frozen=True)
class Features:
    """All features of a file, and what is to be said of how they were read.

    Attributes
    ----------
    table : GeoDataFrame
        In the file's CRS; shapes that cannot be read or lie nowhere are None.
    impossible : array of bool
        Features whose coordinates are no place: not finite, or beyond the globe.
    said : tuple of str
        Clauses for `lczlib.reading.Reading`.
    facts : dict
    """

    table: gpd.GeoDataFrame
    impossible: np.ndarray
    said: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def is_polygon_file(path: str | Path) -> bool:
    """Whether a file name is that of a vector file and not of a raster."""
    return Path(path).suffix.lower() in _VECTOR_SUFFIXES + _ZIPPED


def called(source: Any) -> str:
    """What messages call a file, or a table or array that is open already."""
    if isinstance(source, (str, Path)):
        return str(source)
    return str(getattr(source, "attrs", {}).get("source", "(open)"))


def read_features(
    source: str | Path | gpd.GeoDataFrame,
    layer: str | None = None,
    what: str = "polygon file",
    *,
    tables: bool = False,
) -> Features:
    """Read all features of a vector file, or of a table that is open already.

    Parameters
    ----------
    source : path or GeoDataFrame
        See the module. All folders of a KML are read, as column ``folder``.
    layer : str, optional
        Layer to read, where a file other than KML holds several with features.
    what : str
        What messages call the file.
    tables : bool
        Whether a table with columns of coordinates will do (see `lczlib.point_tables`).

    Raises
    ------
    InputError
        If the file cannot be read, is too large, holds no feature, or several layers.
    GridError
        If it has no coordinate reference system, or one that its coordinates contradict.
    """
    path = called(source)
    if isinstance(source, gpd.GeoDataFrame):
        table, chosen, said = source.reset_index(drop=True), "", ()
    else:
        table, chosen, said = _read(Path(source), layer, what, tables)
    if not isinstance(table, gpd.GeoDataFrame):
        msg = f"{path} is a table without geometry: give the polygons themselves."
        raise InputError(msg)
    if not len(table):
        shapes = "polygons or points" if tables else "polygons"
        msg = f"The {what} {path} holds no feature: draw {shapes} in it, or give another file."
        raise InputError(msg)
    if table.crs is None:
        msg = (
            f"The polygons of {path} have no coordinate reference system: add the Shapefile's .prj "
            "file, or write them again with one (`gdf.set_crs('EPSG:4326')`)."
        )
        raise GridError(msg)
    table, impossible = _places(table, path, what)
    facts = {"features": len(table), "crs": crs_name_of(table)}
    return Features(table, impossible, said, facts | ({"layer": chosen} if chosen else {}))


def _read(
    path: Path, layer: str | None, what: str, tables: bool
) -> tuple[gpd.GeoDataFrame, str, tuple[str, ...]]:
    """The features of a file, the layer that was chosen, and what is to be said of that."""
    if not path.is_file():
        raise InputError(unreadable(path, what, "polygons"))
    try:
        # what the libraries mutter of single shapes is counted here instead
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            if tables and is_point_table(path):
                table, said = points_of_table(path, what)
                return table, "", said
            if path.suffix.lower() == ".parquet":
                return _read_parquet(path, what), "", ()
            return _read_gdal(path, layer, what)
    except (InputError, GridError):
        raise
    except (RuntimeError, OSError, ValueError, shapely.errors.ShapelyError) as err:
        raise InputError(unreadable(path, what, "polygons")) from err


def crs_name_of(table: gpd.GeoDataFrame) -> str:
    """``EPSG:4326`` where the CRS of a table has such a code, else its name."""
    epsg = table.crs.to_epsg()
    return f"EPSG:{epsg}" if epsg else table.crs.name


def _read_parquet(path: Path, what: str) -> gpd.GeoDataFrame:
    import pyarrow.parquet

    declared = pyarrow.parquet.read_metadata(path)
    if b"geo" not in (declared.metadata or {}):
        msg = f"{path} is a table without geometry: give the polygons themselves."
        raise InputError(msg)
    stored = sum(declared.row_group(i).total_byte_size for i in range(declared.num_row_groups))
    needed = max(stored * _BINARY_GROWTH, declared.num_rows * _FEATURE)
    check_size(needed, path, what, counted(declared.num_rows, "row"))
    return gpd.read_parquet(path)


def _read_gdal(
    path: Path, layer: str | None, what: str
) -> tuple[gpd.GeoDataFrame, str, tuple[str, ...]]:
    source, said = str(path), ()
    if path.suffix.lower() in _ZIPPED:
        source, said = _inside_zip(path, what)
    else:
        growth = _TEXT_GROWTH if path.suffix.lower() in _TEXTS else _BINARY_GROWTH
        size = path.stat().st_size
        check_size(size * growth, path, what, f"{size / 1e6:,.0f} MB of shapes")
    is_kml = source.lower().endswith(".kml")
    layers = [(str(name), geometry) for name, geometry in pyogrio.list_layers(source)]
    if not layers:  # of a damaged file
        raise InputError(unreadable(path, what, "polygons"))
    wanted = _choose_layers(layers, source, layer, is_kml, path)
    parts = [_read_layer(source, name, path, what) for name in wanted]
    filled = [p for p in parts if len(p)] or parts[:1]
    table = pd.concat(filled, ignore_index=True) if len(filled) > 1 else filled[0]
    if is_kml:
        named = ", ".join(n for n, p in zip(wanted, parts, strict=True) if len(p))
        return table, "", (*said, f"folders {named}" if len(filled) > 1 else f"folder {named}")
    table = table.drop(columns="folder")
    if len(layers) == 1:
        return table, "", said
    unread = [n for n, _ in layers if n not in wanted]
    return table, wanted[0], (*said, f"layer {wanted[0]} ({', '.join(unread)} not read)")


def _read_layer(source: str, name: str, path: Path, what: str) -> gpd.GeoDataFrame:
    """A layer with its name as column ``folder``, if it holds no more than the memory does."""
    info = pyogrio.read_info(source, layer=name, force_feature_count=False)
    row, n = _FEATURE + _COLUMN * len(info["fields"]), info["features"]
    check_size(max(n, 0) * row, path, what, counted(max(n, 0), "feature"))
    # where the header does not say (-1) no more are read than may be; what is no geometry at all, such
    # as a ring of two points, becomes None
    most = rows_allowed(row) if n < 0 else None
    table = gpd.read_file(source, layer=name, on_invalid="ignore", rows=most)
    check_size(len(table) * row, path, what, f"{len(table):,} features or more")
    return table.assign(folder=name)


def _inside_zip(path: Path, what: str) -> tuple[str, tuple[str, ...]]:
    """GDAL's name of the one vector file inside a KMZ or zip, and what to say of the others."""
    try:
        with zipfile.ZipFile(path) as archive:
            every = [m for m in archive.infolist() if "__MACOSX" not in m.filename]
    except zipfile.BadZipFile as err:
        msg = f"The polygon file {path} is no zip archive: it is damaged or has the wrong suffix."
        raise InputError(msg) from err
    members = [m for m in every if m.filename.lower().endswith(_VECTOR_SUFFIXES)]
    said: tuple[str, ...] = ()
    if path.suffix.lower() == ".kmz":  # the main document of a KMZ is doc.kml, or the first one
        first, *rest = sorted(members, key=lambda m: m.filename.lower() != "doc.kml") or [None]
        members = [first] if first else []
        if rest:
            said = (f"{first.filename} of {counted(len(rest) + 1, 'document')} in the archive",)
    if len(members) != 1:
        found = ", ".join(m.filename for m in members[:5]) or "none"
        msg = (
            f"{path} must hold one vector file ({found} found): unpack it and give the file itself."
        )
        raise InputError(msg)
    name = members[0].filename
    stem = name[: -len(Path(name).suffix)]
    own = [m for m in every if m.filename == name or m.filename.lower() in
           {(stem + p).lower() for p in _PARTS}]  # fmt: skip
    size = sum(m.file_size for m in own)
    growth = _TEXT_GROWTH if name.lower().endswith(_TEXTS) else _BINARY_GROWTH
    packed = path.stat().st_size
    content = f"{size / 1e6:,.0f} MB of shapes in {packed / 1e6:,.2f} MB"
    check_size(size * growth, path, what, content)
    return f"/vsizip/{{{path}}}/{name}", said


def _choose_layers(
    layers: list[tuple[str, str | None]], source: str, layer: str | None, is_kml: bool, path: Path
) -> list[str]:
    names = [name for name, _ in layers]
    if layer is not None:
        if layer not in names:
            msg = f"{path} has no layer {layer!r}: it holds {', '.join(names)}."
            raise InputError(msg)
        return [layer]
    if is_kml or len(names) < 2:
        return names
    # QGIS keeps its styles in a table beside the shapes
    spatial = [name for name, geometry in layers if geometry is not None] or names
    if len(spatial) > 1:
        info = {n: pyogrio.read_info(source, layer=n, force_feature_count=True) for n in spatial}
        spatial = [n for n in spatial if info[n]["features"]] or spatial[:1]
    if len(spatial) > 1:
        msg = (
            f"{path} holds several layers ({', '.join(spatial)}): say which with {option('layer')}."
        )
        raise InputError(msg)
    return spatial


def _places(table: gpd.GeoDataFrame, path: str, what: str) -> tuple[gpd.GeoDataFrame, np.ndarray]:
    """The table with None for shapes that lie nowhere, and which those are.

    Raises
    ------
    GridError
        If most coordinates cannot be of the CRS.
    """
    shapes = table.geometry.to_numpy().copy()
    bounds = shapely.bounds(shapes)  # NaN where there is no geometry
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    finite = np.isfinite(bounds).all(1) & _all_finite(shapes)
    geographic = table.crs.is_geographic
    limit = np.array([_FARTHEST_X, _FARTHEST_Y] * 2 if geographic else [_FARTHEST] * 4)
    with np.errstate(invalid="ignore"):
        possible = finite & (np.abs(bounds) <= limit).all(1)
    impossible = there & ~possible
    if there.any() and (impossible.sum() > possible.sum() or not possible.any()):
        raise GridError(_no_place(bounds[there & finite], table, path, what))
    if not geographic and possible.any():
        low, high = bounds[possible, :2].min(0), bounds[possible, 2:].max(0)
        size = np.ptp(bounds[possible].reshape(-1, 2, 2), axis=1).max()
        on_globe = (np.abs([low, high]) <= (360, 90)).all()
        if on_globe and size < 1 and _metres(table):
            x, y = bounds[possible][0, :2]
            msg = (
                f"The {what} {path} says that it is in metres ({crs_name_of(table)}), but its "
                f"coordinates look like degrees ({x:.6g}, {y:.6g}): the wrong coordinate reference "
                "system was assigned; write it again with the right one "
                "(`ogr2ogr -a_srs EPSG:4326 OUT IN`)."
            )
            raise GridError(msg)
    shapes[impossible] = None
    if geographic:
        shapes = _unwrapped(shapes, bounds, possible)
    out = table.set_geometry(gpd.GeoSeries(shapes, index=table.index, crs=table.crs))
    return out, impossible


def _metres(table: gpd.GeoDataFrame) -> bool:
    axes = table.crs.axis_info
    return bool(axes) and "metre" in axes[0].unit_name.lower()


def _all_finite(shapes: np.ndarray) -> np.ndarray:
    """Whether all coordinates of each shape are finite; bounds pass over a single NaN."""
    coords, index = shapely.get_coordinates(shapes, return_index=True)
    out = np.ones(len(shapes), bool)
    out[index[~np.isfinite(coords).all(1)]] = False
    return out


def _no_place(bounds: np.ndarray, table: gpd.GeoDataFrame, path: Path, what: str) -> str:
    crs = crs_name_of(table)
    if not len(bounds):
        return (
            f"The {what} {path} holds no place: its coordinates are not finite numbers; write it "
            "again from its source."
        )
    x, y = bounds[0, :2]
    if not table.crs.is_geographic or np.abs(bounds).max() > _FARTHEST:
        return (
            f"The {what} {path} ({crs}) has coordinates that lie nowhere on Earth ({x:.6g}, {y:.6g}): "
            "it is damaged, or has the wrong coordinate reference system."
        )
    return (
        f"The {what} {path} says that it is in degrees ({crs}), but its coordinates look like metres "
        f"({x:,.0f}, {y:,.0f}): the wrong coordinate reference system was assigned; write it again "
        "with the right one (`ogr2ogr -a_srs EPSG:326xx OUT IN`; GeoJSON is always in degrees: "
        "export it in EPSG:4326)."
    )


def _unwrapped(shapes: np.ndarray, bounds: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """Shapes whose outlines step from 180 to -180 degrees, in one piece: 179.9 to 180.1."""
    across = np.flatnonzero(possible & (bounds[:, 2] - bounds[:, 0] > 180))
    if across.size:
        # parts that lie on either side, as GeoJSON (RFC 7946) has them, are whole by themselves
        parts, index = shapely.get_parts(shapes[across], return_index=True)
        wide = np.ptp(shapely.bounds(parts)[:, [0, 2]], axis=1) > 180
        for i in np.unique(index[wide]):
            shapes[across[i]] = shapely.transform(
                shapes[across[i]],
                lambda xy: np.c_[np.where(xy[:, 0] < 0, xy[:, 0] + 360, xy[:, 0]), xy[:, 1]],
            )
    return shapes
