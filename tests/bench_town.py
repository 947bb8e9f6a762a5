"""A simulated town for the scoreboard: three classes told apart by brightness with noise, at 100 m."""

from __future__ import annotations

import json
from functools import partial

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from lczlib.jobs.bench import BenchRequest, run
from lczlib.polygons import open_polygons
from lczlib.reading import quiet

CRS, LEFT, TOP = "EPSG:32633", 384000.0, 5820000.0
CLASSES = (2, 6, 14)


@pytest.fixture
def town_polygons():
    """Fifteen squares of 300 m, five of each class, and a lone one of water; some share an edge."""
    shapes, lcz = [], []
    for i in range(15):
        x, y = LEFT + 300 + 700 * (i % 5), TOP - 600 - 900 * (i // 5)
        shapes.append(box(x, y - 300, x + 300, y))
        lcz.append(CLASSES[i % 3])
    shapes.append(box(LEFT + 600, TOP - 900, LEFT + 800, TOP - 600))
    return gpd.GeoDataFrame({"lcz": [*lcz, 17]}, geometry=shapes, crs=CRS)


@pytest.fixture
def bench_town(tmp_path, town_polygons, write_tif, monkeypatch):
    """A folder with the town's scene, polygons and list of cities; the path of the list."""
    from lczlib.training.forest import Forest  # loads torch, which few tests need

    monkeypatch.setattr("lczlib.bench.ways.Forest", partial(Forest, 20))  # trees: quicker
    rng = np.random.default_rng(0)
    scene = rng.normal(0.3, 0.05, (3, 40, 40)).astype(np.float32)
    for shape, lcz in zip(town_polygons.geometry, town_polygons["lcz"], strict=True):
        west, south, east, north = shape.bounds
        rows = slice(int((TOP - north) / 100), int((TOP - south) / 100))
        cols = slice(int((west - LEFT) / 100), int((east - LEFT) / 100))
        scene[:, rows, cols] += (lcz / 20) * np.array([1, 0.5, -0.5])[:, None, None]
    write_tif(scene, pixel=100.0, origin=(LEFT, TOP), descriptions=("B1", "B2", "B3"), crs=CRS)
    town_polygons.to_file(tmp_path / "areas.gpkg")
    return write_list(tmp_path)


def write_list(folder, **more):
    told = {
        "name": "town", "title": "Simulated town", "so2sat": "none", "simulated": True, "patch": 1,
        "polygons": {"file": "areas.gpkg", "licence": "CC0-1.0"},
        "scene": {"inputs": ["scene.tif"], "sensor": "landsat", "bands": ["B1", "B2", "B3"]}, **more,
    }  # fmt: skip
    path = folder / "cities.json"
    path.write_text(json.dumps({"cities": [told]}))
    return path


def request_of(cities, *ways, **more):
    return BenchRequest(cities=str(cities), ways=ways or ("forest",), replicates=200, **more)


def scored(cities, out, *ways, **more):
    with quiet():
        result = run(request_of(cities, *ways, **more), out)
        result.write(out, figures=False)
    return result


def opened(path):
    with quiet():
        return open_polygons(path)
