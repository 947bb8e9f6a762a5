"""Reference areas and points: what experts drew or sampled, and labelled with an LCZ.

Read from any vector file that `lczlib.vector_files` knows; `lczlib.polygon_cells` lays them onto a
grid.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lczlib.class_columns import (
    REGION,
    SEVERAL,
    UNLABELLED,
    UNREADABLE,
    ClassColumn,
    class_column,
)
from lczlib.classes import CLASSES, NODATA, Scheme
from lczlib.errors import InputError
from lczlib.longitudes import box_of, middle_of
from lczlib.reading import Reading, counted, tell
from lczlib.terms import option
from lczlib.vector_files import Features, called, crs_name_of, read_features

__all__ = [
    "crossing_polygons",
    "equal_area",
    "is_labelled",
    "labelled_shapes",
    "open_polygons",
]

_FLAT = 1e-9
"""An outline that fills less of the square around it has no area."""
MOST_CROSSINGS = 10_000
"""Pairs of polygons on one another that are listed."""
_AT_ONCE, _PAIRS_AT_ONCE = 64, 4096


def open_polygons(
    source: str | Path | gpd.GeoDataFrame,
    column: str | None = None,
    *,
    scheme: Scheme | None = None,
    layer: str | None = None,
    what: str = "polygon file",
    points: bool = False,
    zero_unlabelled: bool = False,
) -> gpd.GeoDataFrame:
    """Open LCZ polygons, or reference points, of a vector file or a table that is open already.

    Parameters
    ----------
    source : path or GeoDataFrame
        GeoPackage, GeoJSON, FlatGeobuf, Shapefile (also zipped), GeoParquet, KML or KMZ. All folders
        of a KML are read.
    column : str, optional
        The column that holds the class. When not given, the one of `CLASS_COLUMNS`, or another with
        ``lcz`` in its name, whose values can be read as classes: numbers (1-17 or 101-107), codes
        (``A``, ``LCZ 6``) or names (``open low-rise``).
    scheme : Scheme, optional
        Numbering of numeric classes; detected when not given.
    layer : str, optional
        Layer to read, where a file other than KML holds several.
    what : str
        What messages call the file.
    points : bool
        Whether a file that holds labelled points and no polygon will do: samples for an assessment, also
        in a table with columns of coordinates (see `lczlib.point_tables`).
    zero_unlabelled : bool
        Whether a number 0 is no class, with a caution, where it might be the first of 0-16; refused
        otherwise.

    Returns
    -------
    GeoDataFrame
        ``polygon`` (int, number of the feature in the file, from 1), ``lcz`` (uint8, 1..17) and
        ``geometry`` (polygons, valid, two-dimensional; or points) in the file's CRS. ``attrs`` tell
        the ``source``, the ``class_column`` and how many features were left out or mended:
        ``unlabelled`` (class 0 or empty), ``several_classes`` (names two), ``regions`` (the frame
        around the areas), ``unreadable`` (names no class), ``not_polygons`` (points, lines, no
        geometry), ``impossible`` (coordinates that are no place), ``without_area``,
        ``duplicates`` (of another polygon, class and all) and ``repaired`` (self-crossing outlines).

    Raises
    ------
    InputError
        If the file cannot be read, holds no labelled polygon, or no column holds the class, or
        two do and differ.
    ClassSchemeError
        If the named column holds something that is no LCZ, or the numbering is ambiguous.
    GridError
        If the file has no coordinate reference system, or one that its coordinates contradict.
    """
    shapes, reading = labelled_shapes(
        source, column, scheme=scheme, layer=layer, what=what, points=points,
        zero_unlabelled=zero_unlabelled,
    )  # fmt: skip
    tell(reading)
    return shapes


def is_labelled(source: object) -> bool:
    """Whether something is what `open_polygons` returns, whose classes are known."""
    return isinstance(source, gpd.GeoDataFrame) and "class_column" in source.attrs


def labelled_shapes(
    source: str | Path | gpd.GeoDataFrame,
    column: str | None = None,
    *,
    scheme: Scheme | None = None,
    layer: str | None = None,
    what: str = "polygon file",
    points: bool = False,
    zero_unlabelled: bool = False,
) -> tuple[gpd.GeoDataFrame, Reading]:
    """As `open_polygons`; what was read is returned, and not told yet."""
    features, path = read_features(source, layer, what, tables=points), called(source)
    if is_labelled(source):
        column, scheme = "lcz", "1-17"
    table = features.table
    classes = class_column(
        table.drop(columns=table.geometry.name),
        column,
        scheme,
        path,
        zero_unlabelled=zero_unlabelled,
    )
    labelled = classes.codes != NODATA
    dimensions = _dimensions(table.geometry)
    areal = dimensions == 2
    sampled = points and not (areal & labelled).any()
    wanted = dimensions == (0 if sampled else 2)
    keep = wanted & labelled
    attrs = {
        "source": path,
        "class_column": classes.name,
        "unlabelled": int((wanted & (classes.why == UNLABELLED)).sum()),
        "several_classes": int((wanted & (classes.why == SEVERAL)).sum()),
        "regions": int((wanted & (classes.why == REGION)).sum()),
        "unreadable": int((wanted & (classes.why == UNREADABLE)).sum()),
        "not_polygons": int((~wanted & ~features.impossible).sum()),
        "impossible": int(features.impossible.sum()),
        "without_area": 0,
        "duplicates": 0,
        "repaired": 0,
    }
    if not keep.any():
        raise InputError(_none_left(attrs, dimensions, labelled, path, what, points))
    geometry = table.geometry[keep].force_2d()
    if not sampled:
        geometry, attrs["repaired"] = _mend(geometry)
        shapes = geometry.to_numpy()
        # rounding leaves a hair between points on one line
        reach = np.ptp(shapely.bounds(shapes).reshape(-1, 2, 2), axis=1).max(1)
        flat = ~(shapely.area(shapes) > _FLAT * reach**2)
        attrs["without_area"] = int(flat.sum())
        if flat.all():
            msg = (
                f"{path} holds no polygon with an area: the outlines of {counted(len(flat), 'feature')}"
                " fall into a line or a point; draw them anew."
            )
            raise InputError(msg)
        again = ~flat & _repeated(shapes, classes.codes[keep])
        attrs["duplicates"] = int(again.sum())
        geometry = geometry[~flat & ~again]
        keep[np.flatnonzero(keep)[flat | again]] = False
    out = gpd.GeoDataFrame(
        {"polygon": np.flatnonzero(keep) + 1, "lcz": classes.codes[keep]},
        geometry=geometry.to_numpy(),
        crs=table.crs,
    )
    out.attrs = attrs
    reading = _reading(out, features, classes, dimensions, "point" if sampled else "polygon", what)
    return out, reading


def _repeated(shapes: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Polygons that have outline and class of one before them, wherever their outlines begin."""
    outlines = shapely.to_wkb(shapely.normalize(shapes))
    return pd.DataFrame({"outline": outlines, "lcz": codes}).duplicated().to_numpy()


def _none_left(
    attrs: dict[str, object], dimensions: np.ndarray, labelled: np.ndarray,
    path: str | Path, what: str, points: bool,
) -> str:  # fmt: skip
    n_points = int(((dimensions == 0) & labelled).sum())
    if n_points and not points:
        return (
            f"The {what} {path} holds {counted(n_points, 'labelled point')} and no labelled polygon: "
            f"here areas are needed; points can be the {option('reference')} of an assessment."
        )
    lost = {
        "are no polygons": attrs["not_polygons"], "have no class": attrs["unlabelled"],
        "name two classes": attrs["several_classes"], "name none": attrs["unreadable"],
        "are a frame": attrs["regions"], "lie nowhere on Earth": attrs["impossible"],
    }  # fmt: skip
    said = ", ".join(f"{n} {why}" for why, n in lost.items() if n)
    noun = "polygon"
    if points:
        noun = (
            "polygon or point"
            if (dimensions == 2).any() or not (dimensions == 0).any()
            else "point"
        )
    return (
        f"{path} holds no labelled {noun}: of {counted(len(labelled), 'feature')} {said} "
        f"(column {attrs['class_column']!r})."
    )


def _reading(
    shapes: gpd.GeoDataFrame, features: Features, classes: ClassColumn, dimensions: np.ndarray,
    noun: str, what: str,
) -> Reading:  # fmt: skip
    a = shapes.attrs
    present = sorted(shapes["lcz"].unique())
    others = int((dimensions >= 0).sum() - (dimensions == (0 if noun == "point" else 2)).sum())
    lost = {
        "without a class": a["unlabelled"],
        f"naming two classes ({classes.quoted(SEVERAL)})": a["several_classes"],
        f"naming no class ({classes.quoted(UNREADABLE)})": a["unreadable"],
        f"the frame of the areas ({classes.quoted(REGION)})": a["regions"],
        "of another shape ("
        + ("lines, polygons)" if noun == "point" else "points, lines)"): others,
        "without a shape that can be read": int(a["not_polygons"]) - others,
        "with coordinates that are no place": a["impossible"],
        "without area": a["without_area"],
        "that repeat another, class and all": a["duplicates"],
    }
    said = [
        f"{counted(len(shapes), noun)} of {counted(len(features.table), 'feature')}",
        f"class in column {classes.name!r} ({classes.numbering})",
        "LCZ " + ", ".join(CLASSES[n - 1].code for n in present),
        crs_name_of(shapes),
        *features.said,
    ]
    left = [f"{n} {why}" for why, n in lost.items() if n]
    said += [f"left out: {', '.join(left)}"] if left else []
    if a["repaired"]:
        said.append(f"{counted(int(a['repaired']), 'self-crossing outline')} mended")
    name = Path(str(a["source"])).name
    cautions = []
    if classes.unsure:
        cautions.append(
            f"{counted(int(a['unlabelled']), noun)} of {name} have class 0 or none, taken for unlabelled, and "
            "none has 17: if the classes are numbered 0-16, number them 1-17."
        )
    if a["several_classes"]:
        cautions.append(
            f"{counted(int(a['several_classes']), noun)} of {name} left out: two classes in one name "
            f"({classes.quoted(SEVERAL)}); give each one class."
        )
    if a["unreadable"]:
        cautions.append(
            f"{counted(int(a['unreadable']), noun)} of {name} left out, whose name tells no class "
            f"({classes.quoted(UNREADABLE)})."
        )
    if a["impossible"]:
        cautions.append(
            f"{counted(int(a['impossible']), 'feature')} of {name} left out: their coordinates are "
            "not finite or lie nowhere on Earth."
        )
    facts = {**features.facts, "kind": f"{noun}s", **{k: v for k, v in a.items() if k != "source"}}
    facts["classes"] = [int(n) for n in present]
    return Reading(what, str(a["source"]), tuple(said), tuple(cautions), facts)


def _dimensions(geometry: gpd.GeoSeries) -> np.ndarray:
    """2 for areas, 1 for lines, 0 for points, -1 where there is no shape."""
    shapes = geometry.to_numpy()
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    return np.where(empty, -1, shapely.get_dimensions(shapes))


def _mend(geometry: gpd.GeoSeries) -> tuple[gpd.GeoSeries, int]:
    """Valid polygons, and how many were not valid."""
    flat = geometry.copy()
    broken = ~flat.is_valid
    if broken.any():
        flat[broken] = flat[broken].make_valid(method="structure", keep_collapsed=False)
    mixed = flat.geom_type == "GeometryCollection"  # a KML MultiGeometry may hold lines as well
    flat[mixed] = [
        shapely.union_all([p for p in shapely.get_parts(c) if shapely.get_dimensions(p) == 2])
        for c in flat[mixed]
    ]
    return flat, int((broken & (shapely.area(flat.to_numpy()) > 0)).sum())


def crossing_polygons(polygons: gpd.GeoDataFrame, most: int = MOST_CROSSINGS) -> pd.DataFrame:
    """Pairs of polygons that overlap in area.

    Parameters
    ----------
    polygons : GeoDataFrame
        As of `open_polygons`.
    most : int
        At most so many pairs, the first ones; that there are more is told. Areas that lie on one
        another in heaps have pairs without number, which nobody reads.

    Returns
    -------
    DataFrame
        ``polygon_a``, ``polygon_b`` (a < b), ``lcz_a``, ``lcz_b`` and ``area``, the common area in
        square metres in an equal-area projection of their neighbourhood. ``attrs["more"]``: whether
        there are more.
    """
    local = polygons.geometry.to_crs(equal_area(polygons)).to_numpy()
    number, lcz = polygons["polygon"].to_numpy(), polygons["lcz"].to_numpy()
    parts, found = [], 0
    for left, right in _touching(polygons):
        area = shapely.area(shapely.intersection(local[left], local[right]))
        crossing = area > 1e-6 * np.minimum(shapely.area(local[left]), shapely.area(local[right]))
        left, right, area = left[crossing], right[crossing], area[crossing]
        parts.append(pd.DataFrame({
            "polygon_a": number[left], "polygon_b": number[right],
            "lcz_a": lcz[left], "lcz_b": lcz[right], "area": area,
        }))  # fmt: skip
        found += len(area)
        if found > most:
            tell(_more_than(most, polygons))
            break
    pairs = pd.concat(parts, ignore_index=True).iloc[:most]
    pairs.attrs["more"] = found > most
    return pairs


def _touching(polygons: gpd.GeoDataFrame) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of polygons that touch, by their places in the table, in order and some at a time."""
    shapes = polygons.geometry.to_numpy()
    for start in range(0, len(shapes), _AT_ONCE):
        left, right = polygons.sindex.query(
            shapes[start : start + _AT_ONCE], predicate="intersects", sort=True
        )
        left = left + start
        ahead = np.flatnonzero(left < right)
        for first in range(0, max(len(ahead), 1), _PAIRS_AT_ONCE):
            some = ahead[first : first + _PAIRS_AT_ONCE]
            yield left[some], right[some]


def _more_than(most: int, polygons: gpd.GeoDataFrame) -> Reading:
    source = str(polygons.attrs.get("source", "polygons"))
    caution = (
        f"More than {counted(most, 'pair')} of areas of {Path(source).name} lie on one another: the "
        "first of them are listed. Were they drawn over and over?"
    )
    return Reading("crossing polygons", source, (f"more than {counted(most, 'pair')}",), (caution,))


def equal_area(polygons: gpd.GeoDataFrame) -> str:
    """An equal-area projection of the place of polygons, in metres, as a PROJ string."""
    points = shapely.get_coordinates(polygons.geometry.to_crs("EPSG:4326").to_numpy())
    longitude, latitude = middle_of(box_of(*points.T))
    return f"+proj=laea +lon_0={longitude} +lat_0={latitude} +datum=WGS84 +units=m"
