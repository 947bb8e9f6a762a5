"""What speaks for each kind of file with shapes: classes in a column, the geometry, how the shapes lie."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from lczlib.class_columns import is_of_geoclimate
from lczlib.errors import ClassSchemeError, LczError
from lczlib.polygons import labelled_shapes
from lczlib.study.looking.hints import CERTAIN, FAINT, LIKELY, POSSIBLE, STRONG, Hint
from lczlib.study.looking.names import hint_of
from lczlib.study.looking.tabular import roles_of
from lczlib.texts import text
from lczlib.vector_files import read_features

_COVERED = 0.5  # of their box; areas that cover more of it, and are many, are a map
_MANY = 200
_FEW = 12  # polygons; a city's districts are more, and an area of interest is one or some


def hints_of_shapes(path: str | Path) -> list[Hint]:
    """What speaks for each kind of a file with shapes.

    Raises
    ------
    InputError, GridError
        If it cannot be read, or has no coordinate reference system.
    """
    table = read_features(path, None, "file").table
    shapes = table.geometry.to_numpy()
    dimensions = shapely.get_dimensions(shapes[~shapely.is_missing(shapes)])
    if not len(dimensions):
        return []
    hints, named = [], hint_of(path, "vector")
    roles = roles_of(table.drop(columns=table.geometry.name), path)
    if "temperature" in roles and "time" in roles:
        hints.append(Hint("stations", CERTAIN, text("it has columns of times and temperatures")))
    hints += _by_class(Path(path), table)
    if (dimensions == 0).all() and "station" in roles:
        why = text("it holds points, and stations in the column {column}")
        why = why.format(column=repr(roles["station"]))
        hints.append(Hint("stations", STRONG + 7, why))
    if not hints:
        hints += _unlabelled(dimensions, set(roles), len(table))
    called = text("the file is called {name}").format(name=Path(path).name)
    if named in {"coast", "polygons", "area", "stations"}:
        fits = (dimensions == 0).all() == (named == "stations")
        weight = LIKELY + 8 if fits else FAINT
        hints.append(Hint(named, weight, called))
    return hints


def _by_class(path: Path, table: gpd.GeoDataFrame) -> list[Hint]:
    """Where a column tells classes: areas that experts marked, or a map drawn as polygons."""
    try:
        with suppress(UserWarning):
            labelled, _ = labelled_shapes(path, points=True)
    except ClassSchemeError as error:
        why = text("it has a column that may hold classes ({error})").format(error=error)
        return [Hint("reference", LIKELY, why)]
    except LczError:
        return []
    column = labelled.attrs["class_column"]
    quoted = repr(column)
    why = text("its column {column} holds LCZ classes").format(column=quoted)
    if len(labelled) < max(1, 0.3 * len(table)):  # numbers that happen to be some
        return [Hint("reference", POSSIBLE, why, assumed=True)]
    points = bool((shapely.get_dimensions(labelled.geometry.to_numpy()) == 0).all())
    if points:
        at_points = text("its column {column} holds LCZ classes, at points").format(column=quoted)
        return [Hint("reference", STRONG + 5, at_points)]
    if is_of_geoclimate(table.columns):
        so = text("its column {column} holds LCZ classes, as GeoClimate writes them")
        return [
            Hint("map", CERTAIN, so.format(column=quoted)),
            Hint("reference", STRONG, why),
        ]
    plausible = "lcz" in column.casefold() or column.casefold() in ("class", "folder", "name")
    weight = STRONG if plausible else LIKELY
    if len(labelled) >= _MANY and _covered(labelled) > _COVERED:
        so = text("its column {column} holds LCZ classes, and they cover the place")
        return [
            Hint("map", weight + 5, so.format(column=quoted)),
            Hint("reference", weight, why),
        ]
    return [Hint("reference", weight + 5, why), Hint("map", weight - 10, why)]


def _covered(shapes: gpd.GeoDataFrame) -> float:
    """How much of the box around some areas they cover."""
    west, south, east, north = shapes.total_bounds
    box = (east - west) * (north - south)
    return float(shapely.area(shapes.geometry.to_numpy()).sum() / box) if box > 0 else 0.0


def _unlabelled(dimensions: np.ndarray, roles: set[str], n: int) -> list[Hint]:
    """Without classes: lines are a coast, points are stations, polygons an area or what is summed over."""
    if (dimensions == 1).any():
        return [
            Hint("coast", STRONG, text("it holds lines"), assumed=True),
            Hint("area", FAINT, ""),
        ]
    if (dimensions == 0).all():
        weight = STRONG if roles & {"station", "elevation"} else POSSIBLE
        why = text("it holds points, as the places of stations")
        return [Hint("stations", weight, why, assumed=True)]
    shapes = (
        text("it holds {n} polygon without classes")
        if n == 1
        else text("it holds {n} polygons without classes")
    ).format(n=n)
    few = n <= _FEW
    return [
        Hint("area", LIKELY if few else POSSIBLE, shapes, assumed=True),
        Hint("polygons", POSSIBLE if few else LIKELY, shapes, assumed=True),
        Hint("coast", FAINT, shapes, assumed=True),
    ]
