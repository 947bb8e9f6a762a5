"""Exports by the command and by the library are the same files."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from export_maps import BOX
from faces import by_command

from lczlib.export import sha256_of
from lczlib.jobs.export import ExportRequest, run

SAME = (".tif", ".qml", ".sld", ".csv", ".txt", ".json")
"""Endings of files that hold no time of their writing."""


def contents(folder: Path) -> dict[str, str]:
    kept = (p for p in folder.iterdir() if p.suffix in SAME and p.name != "manifest.json")
    return {p.name: sha256_of(p) for p in kept}


@pytest.mark.parametrize(
    "settings",
    [
        {"to": "geotiff", "out_scheme": "0-16"},
        {"to": "qgis", "language": "pt"},
        {"to": "gpkg", "min_cells": 4},
        {"to": "suews", "block": 400.0, "fill": "nearest"},
        {"to": "districts", "name_column": "town"},
        {"to": "stac", "date": "2023-07-01"},
    ],
    ids=lambda s: s["to"],
)
def test_command_and_library_write_the_same(all_classes_file, tmp_path, settings):
    if settings["to"] == "districts":
        west, south, east, north = BOX.boundingbox
        table = {"town": ["a", "b"]}
        shapes = [
            shapely.box(west + 55, south, west + 900, north),
            shapely.box(east - 333, south, east, north),
        ]
        gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:32633").to_file(tmp_path / "towns.gpkg")
        settings = settings | {"polygons": tmp_path / "towns.gpkg"}
    request = ExportRequest(map_path=all_classes_file, **settings)
    mine = run(request).write(tmp_path / "mine")
    assert by_command(request, tmp_path / "theirs", figures=False) == 0
    assert {p.name for p in mine.iterdir()} == {p.name for p in (tmp_path / "theirs").iterdir()}
    assert contents(mine) == contents(tmp_path / "theirs")
    told = [json.loads((f / "manifest.json").read_text()) for f in (mine, tmp_path / "theirs")]
    for key in ("command", "parameters", "inputs", "read", "findings"):
        assert told[0][key] == told[1][key]
