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
        hints.append(Hint("stations", CERTAIN, "it has columns of times and temperatures"))
    hints += _by_class(Path(path), table)
    if (dimensions == 0).all() and "station" in roles:
        why = f"it holds points, and stations in the column {roles['station']!r}"
        hints.append(Hint("stations", STRONG + 7, why))
    if not hints:
        hints += _unlabelled(dimensions, set(roles), len(table))
    if named in {"coast", "polygons", "area", "stations"}:
        fits = (dimensions == 0).all() == (named == "stations")
        weight = LIKELY + 8 if fits else FAINT
        hints.append(Hint(named, weight, f"the file is called {Path(path).name}"))
    return hints


def _by_class(path: Path, table: gpd.GeoDataFrame) -> list[Hint]:
    """Where a column tells classes: areas that experts marked, or a map drawn as polygons."""
    try:
        with suppress(UserWarning):
            labelled, _ = labelled_shapes(path, points=True)
    except ClassSchemeError as error:
        return [Hint("reference", LIKELY, f"it has a column that may hold classes ({error})")]
    except LczError:
        return []
    column = labelled.attrs["class_column"]
    why = f"its column {column!r} holds LCZ classes"
    if len(labelled) < max(1, 0.3 * len(table)):  # numbers that happen to be some
        return [Hint("reference", POSSIBLE, why, assumed=True)]
    points = bool((shapely.get_dimensions(labelled.geometry.to_numpy()) == 0).all())
    if points:
        return [Hint("reference", STRONG + 5, f"{why}, at points")]
    if is_of_geoclimate(table.columns):
        return [
            Hint("map", CERTAIN, f"{why}, as GeoClimate writes them"),
            Hint("reference", STRONG, why),
        ]
    plausible = "lcz" in column.casefold() or column.casefold() in ("class", "folder", "name")
    weight = STRONG if plausible else LIKELY
    if len(labelled) >= _MANY and _covered(labelled) > _COVERED:
        return [
            Hint("map", weight + 5, f"{why}, and they cover the place"),
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
        return [Hint("coast", STRONG, "it holds lines", assumed=True), Hint("area", FAINT, "")]
    if (dimensions == 0).all():
        weight = STRONG if roles & {"station", "elevation"} else POSSIBLE
        return [Hint("stations", weight, "it holds points, as the places of stations", assumed=True)]  # fmt: skip
    shapes = f"it holds {n} polygon{'' if n == 1 else 's'} without classes"
    few = n <= _FEW
    return [
        Hint("area", LIKELY if few else POSSIBLE, shapes, assumed=True),
        Hint("polygons", POSSIBLE if few else LIKELY, shapes, assumed=True),
        Hint("coast", FAINT, shapes, assumed=True),
    ]
