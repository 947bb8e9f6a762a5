"""Mutations of vector files: geometry, classes, coordinate systems, structure."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

Random = np.random.Generator
Table = gpd.GeoDataFrame
_DRIVERS = {
    ".gpkg": "GPKG",
    ".geojson": "GeoJSON",
    ".kml": "KML",
    ".fgb": "FlatGeobuf",
    ".shp": "ESRI Shapefile",
}


def shapes(table: Table, rng: Random) -> Table:
    made = [
        None, shapely.Point(0, 0), shapely.Point(np.nan, 1), shapely.LineString([(0, 0), (1, 1)]),
        shapely.Polygon(), shapely.Polygon([(0, 0), (1, 1), (0, 1), (1, 0)]), shapely.Point(1e308, -1e308),
        shapely.box(-1e9, -1e9, 1e9, 1e9), shapely.box(-180, -90, 180, 90), shapely.box(179, 0, 181, 1),
        shapely.GeometryCollection([shapely.Point(0, 0), shapely.box(0, 0, 1, 1)]),
        shapely.Point(3.0, 52.0).buffer(0.01, 5000), shapely.box(3.0, 52.0, 3.0, 52.1),
        shapely.MultiPolygon([shapely.box(3, 52, 3.01, 52.01), shapely.box(3, 52, 3.01, 52.01)]),
        shapely.force_3d(shapely.box(3, 52, 3.01, 52.01), np.nan),
    ]  # fmt: skip
    kept = list(table.geometry)
    for i in rng.choice(len(kept), int(rng.choice([1, len(kept) // 2, len(kept)])), replace=False):
        kept[i] = made[rng.integers(len(made))]
    return table.set_geometry(gpd.GeoSeries(kept, crs=table.crs))


def moved(table: Table, rng: Random) -> Table:
    offset = rng.choice([1e3, 1e6, -1e7, 360, 0.0])
    factor = rng.choice([1, 1e-9, 1e6, -1])
    return table.set_geometry(table.geometry.affine_transform([factor, 0, 0, 1, offset, 0]))


def classes(table: Table, rng: Random) -> Table:
    name = next(c for c in table.columns if c != "geometry")
    values = [
        None, "", "LCZ 1", "LCZ 99", "LCZ A/B", "compact high-rise", "0", "17", "18", "-1", "1e400", "nan",
        "١٢", "é" * 300, "[red]", "LCZ 1.5", "true", "101", "A" * 10_000,
    ]  # fmt: skip
    count = int(rng.choice([1, len(table)]))
    column = table[name].astype(object).to_numpy(copy=True)
    column[rng.choice(len(table), count, replace=False)] = rng.choice(np.array(values, object))
    return table.assign(**{name: [None if v is None else str(v) for v in column]})


def numbers(table: Table, rng: Random) -> Table:
    name = next(c for c in table.columns if c != "geometry")
    kinds = (
        [0.5] * 3,
        [1e300, -1e300, np.nan],
        [2**62, -(2**62), 0],
        [0, 16, 5],
        [101, 107, 103],
        [1, 1, 1],
    )
    return table.assign(**{name: np.resize(kinds[rng.integers(len(kinds))], len(table))})


def columns(table: Table, rng: Random) -> Table:
    name = next(c for c in table.columns if c != "geometry")
    how = rng.integers(4)
    if how == 0:
        return table[["geometry"]]
    if how == 1:
        return table.rename(
            columns={name: str(rng.choice(["x", "LCZ", "é", "lcz class", "a" * 9]))}
        )
    extra = {f"{n}lcz": table[name] for n in ("a_", "b_", "my")}
    return table.assign(**(extra if how == 2 else {f"c{i}": i for i in range(200)}))


def crs(table: Table, rng: Random) -> Table:
    codes = [None, 4326, 3857, 4978, 2154, 2263, 32633, 3413]
    code = codes[rng.integers(len(codes))]
    return (
        table.set_crs(code, allow_override=True)
        if code
        else Table(table.set_crs(None, allow_override=True))
    )


def rows(table: Table, rng: Random) -> Table:
    how = rng.integers(3)
    if how == 0:
        return table.iloc[:0]
    if how == 1:
        return table.iloc[:1]
    return pd.concat([table] * 200, ignore_index=True)


CHANGES: tuple[Callable[[Table, Random], Table], ...] = (
    shapes, moved, classes, numbers, columns, crs, rows,
)  # fmt: skip


def mutate(source: Path, target: Path, rng: Random) -> str:
    """Write a vector file with one or two changes; which."""
    table, made = read(source), []
    for change in rng.choice(np.array(CHANGES, object), rng.integers(1, 3), replace=False):
        table = change(table, rng)
        made.append(change.__name__)
    write(table, target)
    return " ".join(made)


def read(source: Path) -> Table:
    """Any of the vector files, zipped ones too."""
    if source.suffix == ".parquet":
        return gpd.read_parquet(source)
    if source.suffix == ".kmz":
        return gpd.read_file(f"/vsizip/{source}/doc.kml")[["Name", "geometry"]]
    return gpd.read_file(source)


def write(table: Table, target: Path) -> None:
    """In the form that the name ends in."""
    if target.suffix == ".parquet":
        table.to_parquet(target)
        return
    if target.suffix in (".kmz", ".zip"):
        ending = ".kml" if target.suffix == ".kmz" else ".shp"
        inner = target.with_name("inside") / f"doc{ending}"
        inner.parent.mkdir()
        write(table, inner)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in sorted(inner.parent.iterdir()):
                archive.write(part, part.name)
        return
    table.to_file(target, driver=_DRIVERS[target.suffix])


def mutate_json(source: Path, target: Path, rng: Random) -> str:
    """Change one to five places of a JSON document."""
    tree = json.loads(source.read_text())
    for _ in range(rng.integers(1, 6)):
        _change(tree, rng)
    target.write_text(json.dumps(tree))
    return "JSON"


def _change(tree: Any, rng: Random) -> None:
    odd = [
        None,
        "",
        0,
        -1,
        1e308,
        [],
        {},
        "x" * 1000,
        True,
        [[[[]]]],
        "\u0000",
        2**70,
        [None],
        "../../etc",
    ]
    place = tree
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = keys[rng.integers(len(keys))]
        if isinstance(place[key], (dict, list)) and place[key] and rng.random() < 0.8:
            place = place[key]
            continue
        if isinstance(place, dict) and rng.random() < 0.2:
            del place[key]
        else:
            place[key] = odd[rng.integers(len(odd))]
        return
