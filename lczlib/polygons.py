"""Reference polygons: training and test areas that experts drew and labelled with an LCZ.

Read from any vector file that GDAL knows (GeoPackage, GeoJSON, Shapefile, and the KML / KMZ of
WUDAPT and the LCZ Generator), and laid onto a grid cell by cell.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio.features
import shapely
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from lczlib.class_names import class_of_text
from lczlib.classes import NODATA, Scheme, to_standard
from lczlib.errors import ClassSchemeError, GridError, InputError
from lczlib.grid import describe
from lczlib.longitudes import box_of, middle_of
from lczlib.unreadable import unreadable

CLASS_COLUMNS = (
    "lcz", "lcz_class", "lczclass", "lcz_code", "lcz_type", "class", "class_id", "classid", "value",
    "label", "code", "gridcode", "zone", "type", "name", "folder", "description",
)  # fmt: skip
"""Names under which the class is looked for, in this order, upper and lower case alike. ``folder``
is the KML folder that a placemark lies in: the WUDAPT template has one folder for each class."""

_VECTOR_SUFFIXES = (".gpkg", ".geojson", ".json", ".kml", ".shp", ".fgb", ".gml", ".parquet")
_ZIPPED = (".kmz", ".zip")


def is_polygon_file(path: str | Path) -> bool:
    """Whether a file name is that of a vector file and not of a raster."""
    return Path(path).suffix.lower() in _VECTOR_SUFFIXES + _ZIPPED


def open_polygons(
    path: str | Path,
    column: str | None = None,
    *,
    scheme: Scheme | None = None,
    layer: str | None = None,
    what: str = "polygon file",
) -> gpd.GeoDataFrame:
    """Open LCZ polygons of a vector file.

    Parameters
    ----------
    path : path
        GeoPackage, GeoJSON, Shapefile (also zipped), KML or KMZ. All folders of a KML are read.
    column : str, optional
        The column that holds the class. When not given, the one of `CLASS_COLUMNS` whose values
        can all be read as classes: numbers (1-17 or 101-107), codes (``A``, ``LCZ 6``) or names
        (``open low-rise``).
    scheme : Scheme, optional
        Numbering of numeric classes; detected when not given, with 0 as unlabelled.
    layer : str, optional
        Layer to read, where a file other than KML holds several.
    what : str
        What messages call the file.

    Returns
    -------
    GeoDataFrame
        ``polygon`` (int, number of the feature in the file, from 1), ``lcz`` (uint8, 1..17) and
        ``geometry`` (polygons, valid, two-dimensional) in the file's CRS. ``attrs`` tell the
        ``source``, the ``class_column`` and how many features were left out or mended:
        ``unlabelled`` (class 0 or empty), ``not_polygons`` (points, lines, no geometry) and
        ``repaired`` (self-crossing outlines).

    Raises
    ------
    InputError
        If the file cannot be read, holds no labelled polygon, or no column holds the class, or
        two do and differ.
    ClassSchemeError
        If the named column holds something that is no LCZ.
    GridError
        If the file has no coordinate reference system.
    """
    features = _read(Path(path), layer, what)
    column, codes = _classes(features, column, scheme, path)
    areal = _is_areal(features.geometry)
    labelled = codes != NODATA
    keep = areal & labelled
    if not keep.any():
        msg = (
            f"{path} holds no labelled polygon: of {len(features)} features {int((~areal).sum())} "
            f"are no polygons and {int((areal & ~labelled).sum())} have no class in column {column!r}."
        )
        raise InputError(msg)
    geometry, repaired = _mend(features.geometry[keep])
    out = gpd.GeoDataFrame(
        {"polygon": np.flatnonzero(keep) + 1, "lcz": codes[keep]},
        geometry=geometry.to_numpy(),
        crs=features.crs,
    )
    out.attrs = {
        "source": str(path),
        "class_column": column,
        "unlabelled": int((areal & ~labelled).sum()),
        "not_polygons": int((~areal).sum()),
        "repaired": repaired,
    }
    return out


def _read(path: Path, layer: str | None, what: str) -> gpd.GeoDataFrame:
    """All features of a file, KML folders as column ``folder``, with a CRS."""
    if not path.is_file():
        raise InputError(unreadable(path, what, "polygons"))
    try:
        source = _inside_zip(path) if path.suffix.lower() in _ZIPPED else str(path)
        is_kml = source.lower().endswith(".kml")
        if path.suffix.lower() == ".parquet":
            features = gpd.read_parquet(path)
        else:
            layers = [str(name) for name, _ in pyogrio.list_layers(source)]
            wanted = _choose_layers(layers, layer, is_kml, path)
            parts = [gpd.read_file(source, layer=n).assign(folder=n) for n in wanted]
            parts = [p for p in parts if len(p)]
            if not parts:
                msg = f"The {what} {path} holds no feature: draw polygons in it, or give another file."
                raise InputError(msg)
            features = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
            if not is_kml:
                features = features.drop(columns="folder")
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        OSError,
        ValueError,
    ) as err:
        raise InputError(unreadable(path, what, "polygons")) from err
    if not isinstance(features, gpd.GeoDataFrame):
        msg = f"{path} is a table without geometry: give the polygons themselves."
        raise InputError(msg)
    if features.crs is None:
        msg = (
            f"The polygons of {path} have no coordinate reference system: add the Shapefile's .prj "
            "file, or write them again with one (`gdf.set_crs('EPSG:4326')`)."
        )
        raise GridError(msg)
    return features


def _inside_zip(path: Path) -> str:
    """GDAL's name of the one vector file inside a KMZ or zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [n for n in archive.namelist() if n.lower().endswith(_VECTOR_SUFFIXES)]
    except zipfile.BadZipFile as err:
        msg = f"The polygon file {path} is no zip archive: it is damaged or has the wrong suffix."
        raise InputError(msg) from err
    members = [n for n in members if "__MACOSX" not in n]
    if path.suffix.lower() == ".kmz":  # the main document of a KMZ is doc.kml, or the first one
        members = sorted(members, key=lambda n: n.lower() != "doc.kml")[:1]
    if len(members) != 1:
        what = ", ".join(members) or "none"
        msg = (
            f"{path} must hold one vector file ({what} found): unpack it and give the file itself."
        )
        raise InputError(msg)
    return f"/vsizip/{{{path}}}/{members[0]}"


def _choose_layers(layers: list[str], layer: str | None, is_kml: bool, path: Path) -> list[str]:
    if layer is not None:
        if layer not in layers:
            msg = f"{path} has no layer {layer!r}: it holds {', '.join(layers)}."
            raise InputError(msg)
        return [layer]
    if len(layers) > 1 and not is_kml:
        msg = f"{path} holds several layers ({', '.join(layers)}): say which with layer= (--layer)."
        raise InputError(msg)
    return layers


def _classes(
    features: gpd.GeoDataFrame, column: str | None, scheme: Scheme | None, path: str | Path
) -> tuple[str, np.ndarray]:
    """The class column of a table and its values as 0..17."""
    columns = [str(c) for c in features.columns if c != features.geometry.name]
    by_lower = {c.lower(): c for c in reversed(columns)}
    if column is not None:
        if column not in columns:
            msg = f"{path} has no column {column!r}: it has {', '.join(columns)}."
            raise InputError(msg)
        try:
            return column, _codes(features[column], scheme)
        except ClassSchemeError as err:
            msg = f"{path}, column {column!r}: {err}"
            raise ClassSchemeError(msg) from err
    refused, found = [], {}
    for name in (by_lower[c] for c in CLASS_COLUMNS if c in by_lower):
        try:
            codes = _codes(features[name], scheme)
        except ClassSchemeError as err:
            refused.append(f"{name!r} does not ({str(err).split(':')[0]})")
            continue
        if not codes.any():
            refused.append(f"{name!r} is empty")
        elif "lcz" in name.lower():
            return name, codes
        else:
            found[name] = codes
    if found:
        first, *others = found
        unlike = [name for name in others if not np.array_equal(found[name], found[first])]
        if unlike:  # such as placemarks that are numbered inside folders named after classes
            msg = (
                f"Columns {first!r} and {unlike[0]!r} of {path} both read as LCZ classes and differ: "
                "say which one holds the class with column= (--column)."
            )
            raise InputError(msg)
        return first, found[first]
    if not columns:
        msg = f"{path} has shapes but no columns: give each its LCZ class in a column named lcz."
        raise InputError(msg)
    why = f"; {'; '.join(refused)}" if refused else ""
    msg = (
        f"No column of {path} holds LCZ classes{why}: name the column with column= (--column), "
        f"one of {', '.join(columns)}."
    )
    raise InputError(msg)


def _codes(values: pd.Series, scheme: Scheme | None) -> np.ndarray:
    numeric = pd.to_numeric(values, errors="coerce")
    if numeric.notna().any() and not (numeric.isna() & _filled(values)).any():
        # nobody draws polygons in 0-16 unasked: 0 is "unlabelled" unless the caller says otherwise
        nodata = None if scheme == "0-16" else 0
        return to_standard(numeric.to_numpy(float), scheme, nodata=nodata)
    filled = _filled(values)
    texts = values.astype("string").where(filled, "0")
    known = {text: class_of_text(text) for text in texts.unique()}
    return texts.map(known).to_numpy(np.uint8)


def _filled(values: pd.Series) -> np.ndarray:
    return (values.notna() & (values.astype("string").str.strip().fillna("") != "")).to_numpy(bool)


def _is_areal(geometry: gpd.GeoSeries) -> np.ndarray:
    empty = (geometry.isna() | geometry.is_empty).to_numpy()
    dimensions = shapely.get_dimensions(geometry.to_numpy())
    return ~empty & (dimensions == 2)


def _mend(geometry: gpd.GeoSeries) -> tuple[gpd.GeoSeries, int]:
    """Two-dimensional, valid polygons, and how many were not valid."""
    flat = geometry.force_2d()
    broken = ~flat.is_valid
    if broken.any():
        flat[broken] = flat[broken].make_valid(method="structure", keep_collapsed=False)
    mixed = flat.geom_type == "GeometryCollection"  # a KML MultiGeometry may hold lines as well
    flat[mixed] = [
        shapely.union_all([p for p in shapely.get_parts(c) if shapely.get_dimensions(p) == 2])
        for c in flat[mixed]
    ]
    return flat, int(broken.sum())


def crossing_polygons(polygons: gpd.GeoDataFrame) -> pd.DataFrame:
    """Pairs of polygons that overlap in area.

    Returns
    -------
    DataFrame
        ``polygon_a``, ``polygon_b`` (a < b), ``lcz_a``, ``lcz_b`` and ``area``, the common area in
        square metres in an equal-area projection of their neighbourhood.
    """
    left, right = polygons.sindex.query(polygons.geometry, predicate="intersects")
    first = left < right
    left, right = left[first], right[first]
    local = polygons.geometry.to_crs(_equal_area(polygons)).to_numpy()
    area = shapely.area(shapely.intersection(local[left], local[right]))
    crossing = area > 1e-6 * np.minimum(shapely.area(local[left]), shapely.area(local[right]))
    left, right, area = left[crossing], right[crossing], area[crossing]
    number, lcz = polygons["polygon"].to_numpy(), polygons["lcz"].to_numpy()
    pairs = pd.DataFrame({
        "polygon_a": number[left], "polygon_b": number[right],
        "lcz_a": lcz[left], "lcz_b": lcz[right], "area": area,
    })  # fmt: skip
    return pairs.sort_values(["polygon_a", "polygon_b"], ignore_index=True)


def _equal_area(polygons: gpd.GeoDataFrame) -> str:
    points = shapely.get_coordinates(polygons.geometry.to_crs("EPSG:4326").to_numpy())
    longitude, latitude = middle_of(box_of(*points.T))
    return f"+proj=laea +lon_0={longitude} +lat_0={latitude} +datum=WGS84 +units=m"


def polygon_cells(polygons: gpd.GeoDataFrame, box: GeoBox) -> pd.DataFrame:
    """The cells of a grid whose centres lie in reference polygons.

    A cell in several polygons of one class counts once, for the polygon that comes first in the
    file; a cell in polygons of different classes is contested and left out.

    Parameters
    ----------
    polygons : GeoDataFrame
        As of `open_polygons`; any CRS.
    box : GeoBox
        The grid.

    Returns
    -------
    DataFrame
        ``row``, ``col``, ``lcz`` (uint8) and ``polygon``, one line a cell, in row order. ``attrs``:
        ``contested_cells``, ``shared_cells`` (counted once instead of several times),
        ``polygons_without_cell`` (off the grid, or too small to hold a cell centre).

    Raises
    ------
    GridError
        If no polygon holds a cell centre of the grid.
    """
    local = polygons.to_crs(box.crs)
    parts = []
    for number, lcz, shape in zip(local["polygon"], local["lcz"], local.geometry, strict=True):
        rows, cols = _cells_inside(shape, box)
        parts.append(pd.DataFrame({"row": rows, "col": cols, "lcz": lcz, "polygon": number}))
    cells = pd.concat(parts, ignore_index=True)
    if cells.empty:
        msg = (
            f"No reference polygon holds the centre of a map cell: the polygons ({crs_name_of(polygons)}) "
            f"lie outside the map ({describe(box)}) or are smaller than its cells."
        )
        raise GridError(msg)
    groups = cells.groupby(["row", "col"], sort=False)
    contested = (groups["lcz"].transform("nunique") > 1).to_numpy()
    repeated = cells.duplicated(["row", "col"]).to_numpy()
    out = cells[~contested & ~repeated].sort_values(["row", "col"], ignore_index=True)
    out.attrs = {
        "contested_cells": int((contested & ~repeated).sum()),
        "shared_cells": int((repeated & ~contested).sum()),
        "polygons_without_cell": int(sum(p.empty for p in parts)),
    }
    return out.astype({"lcz": np.uint8})


def crs_name_of(polygons: gpd.GeoDataFrame) -> str:
    """``EPSG:4326`` where the CRS of polygons has such a code, else its name."""
    epsg = polygons.crs.to_epsg()
    return f"EPSG:{epsg}" if epsg else polygons.crs.name


def _cells_inside(shape: shapely.Geometry, box: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the cells whose centres a shape holds, in its own small window."""
    bounds = np.array(shapely.bounds(shape)).reshape(2, 2)
    corners = [~box.affine * (x, y) for x in bounds[:, 0] for y in bounds[:, 1]]
    (left, top), (right, bottom) = np.min(corners, 0), np.max(corners, 0)
    c0, r0 = max(int(np.floor(left)), 0), max(int(np.floor(top)), 0)
    c1, r1 = min(int(np.ceil(right)), box.shape[1]), min(int(np.ceil(bottom)), box.shape[0])
    if c1 <= c0 or r1 <= r0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    window = Window(c0, r0, c1 - c0, r1 - r0)
    transform = rasterio.windows.transform(window, box.affine)
    mask = rasterio.features.rasterize(
        [(shape, 1)], out_shape=(r1 - r0, c1 - c0), transform=transform, dtype=np.uint8
    )
    rows, cols = np.nonzero(mask)
    return rows + r0, cols + c0
