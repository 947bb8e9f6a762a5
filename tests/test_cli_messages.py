"""Files that a command cannot use end it with one clear sentence, status 1, and nothing left behind.

All files are synthetic and small.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely.geometry import box

from lczlib.cli import main  # noqa: F401 - imported once, before the folder changes

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
LIBRARY_WORDS = ("Traceback", "recognized", "driver", "Errno", "codec", "Parquet input", "parsing")


def write(path: Path, values: np.ndarray, *, crs="EPSG:32633", pixel=100.0, names=(), **profile):
    values = values if values.ndim == 3 else values[None]
    where = rasterio.transform.from_origin(
        *profile.pop("origin", (384000.0, 5820000.0)), pixel, pixel
    )
    with rasterio.open(
        path, "w", driver="GTiff", count=len(values), height=values.shape[1],
        width=values.shape[2], dtype=values.dtype, crs=crs, transform=where, **profile,
    ) as dst:  # fmt: skip
        dst.write(values)
        for i, name in enumerate(names, 1):
            dst.set_band_description(i, name)
        dst.update_tags(units="degC")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Good files, and every kind of file that is given in their place."""
    home = tmp_path_factory.mktemp("with space and 'quotes'")
    rng = np.random.default_rng(0)
    codes = np.kron(
        rng.choice(np.array([2, 6, 14, 11], np.uint8), (6, 6)), np.ones((10, 10), np.uint8)
    )
    write(home / "map.tif", codes, nodata=0)
    write(home / 'a map\'s "name".tif', codes, nodata=0)
    write(home / "none.tif", np.zeros_like(codes), nodata=0)
    write(home / "one.tif", codes[:1, :1], nodata=0)
    write(home / "bare.tif", codes, crs=None, nodata=0)
    write(home / "degrees.tif", codes, crs="EPSG:4326", pixel=0.001, origin=(13.0, 52.0), nodata=0)
    write(home / "mislabelled.tif", codes, crs="EPSG:4326", nodata=0)
    write(home / "tiny.tif", codes, pixel=0.001, origin=(13.0, 52.0), nodata=0)
    celsius = (20 + rng.normal(0, 1, codes.shape)).astype(np.float32)
    write(home / "lst.tif", celsius)
    write(home / "zero.tif", np.zeros(codes.shape, np.uint16))
    write(home / "half.tif", np.where(np.arange(60) < 40, 0, celsius + 273.15).astype(np.float32))
    write(home / "same.tif", np.full(codes.shape, 20, np.float32))
    write(home / "nan.tif", np.full(codes.shape, np.nan, np.float32))
    write(
        home / "proba.tif", rng.dirichlet(np.ones(17), codes.shape).transpose(2, 0, 1).astype("f4")
    )
    reflectance = rng.integers(500, 4000, (10, 64, 64)).astype(np.uint16)
    write(home / "s2.tif", reflectance, pixel=10.0, names=BANDS)
    write(home / "s2one.tif", reflectance[:, :1, :1], pixel=10.0, names=BANDS)
    write(home / "s2none.tif", np.zeros_like(reflectance), pixel=10.0, names=BANDS)
    table = pd.DataFrame({
        "time": pd.date_range("2021-06-01", periods=48, freq="h").repeat(3),
        "station": list("abc") * 48, "airT": rng.normal(18, 1, 144), "lat": 52.5, "lon": 13.3,
    })  # fmt: skip
    table.to_csv(home / "air.csv", index=False)
    areas = gpd.GeoDataFrame(
        {"lcz": [2, 6]},
        geometry=[box(384000 + i, 5815000, 385000 + i, 5819000) for i in (0, 2000)],
        crs=32633,
    )
    areas.to_file(home / "areas.gpkg")
    areas.drop(columns="lcz").to_file(home / "nameless.gpkg")
    # what is not what it should be
    (home / "notes.txt").write_text("some notes, nothing else\nhello\n")
    (home / "empty.txt").write_bytes(b"")
    (home / "folder").mkdir()
    (home / "binary.gpkg").write_bytes(bytes(range(256)) * 8)
    (home / "broken.geojson").write_text("{")
    whole = (home / "map.tif").read_bytes()
    (home / "cut.tif").write_bytes(whole[:600])  # within the header
    (home / "torn.tif").write_bytes(whole[: len(whole) // 2])
    (home / "raster.gpkg").write_bytes((home / "map.tif").read_bytes())
    return home


RASTERS = [
    "assess map.tif --reference map.tif --probabilities {}",
    "uhi map.tif --lst {} --unit degC",
    "uhi map.tif --lst lst.tif --elevation {}",
    "uhi map.tif --lst lst.tif --probabilities {}",
    "fuse {} proba.tif --out out",
    "water {} --orbit as --out out",
    "map --season spring={}",
]
MAPS = [
    "assess {} --reference map.tif",
    "compare map.tif {}",
    "uhi {} --lst lst.tif",
    "sites {} --sensors 5",
    "morphology {}",
]
POLYGONS = [
    "assess map.tif --reference map.tif --polygons {}",
    "train s2.tif --polygons {} --out out",
]
TABLES = [
    "uhi map.tif --stations {}",
    "uhi map.tif --stations air.csv --time-zone UTC --sites {}",
    "uhi --stations air.csv --time-zone UTC --station-classes {}",
    "uhi map.tif --stations air.csv --time-zone UTC --weather {} --station-classes classes.csv",
]


def refused(run_lcz, monkeypatch, folder: Path, line: str) -> str:
    """Run a line in the folder; its sentence, after checking what all refusals have in common."""
    monkeypatch.chdir(folder)
    before = {p.relative_to(folder) for p in folder.rglob("*")}
    code, _, err = run_lcz(*shlex.split(line))
    assert code == 1, err
    sentence = err.split("lcz: ", 1)[1]
    assert not any(word in sentence for word in LIBRARY_WORDS), sentence
    assert {p.relative_to(folder) for p in folder.rglob("*")} == before
    return sentence


@pytest.mark.parametrize("line", RASTERS)
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("missing.tif", "does not exist"),
        ("folder", "is a folder: name the file in it"),
        ("empty.txt", "is an empty file"),
        ("notes.txt", "is a text file that cannot be read as a raster: give a GeoTIFF"),
        ("areas.gpkg", "holds polygons, not a raster: give a GeoTIFF"),
        ("air.csv", "is a text file"),
        ("cut.tif", "truncated or damaged"),
        ("torn.tif", "truncated or damaged"),
    ],
)
def test_what_is_no_raster_is_named(run_lcz, monkeypatch, folder, line, given, says):
    if line.startswith("map ") and given in ("missing.tif", "folder"):
        says = "does not exist" if given == "missing.tif" else "is a folder"
    sentence = refused(run_lcz, monkeypatch, folder, line.format(given))
    assert says in sentence
    assert given in sentence


@pytest.mark.parametrize("line", MAPS)
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("missing.tif", "does not exist"),
        ("folder", "is a folder: name the file in it"),
        ("empty.txt", "is an empty file"),
        (
            "notes.txt",
            "a text file that cannot be read as a raster or polygons: give a GeoTIFF, or",
        ),
        ("nameless.gpkg", "a column named lcz"),
        ("air.csv", "is a text file"),
        ("cut.tif", "truncated or damaged"),
        ("torn.tif", "truncated or damaged"),
    ],
)
def test_what_is_no_map_is_named(run_lcz, monkeypatch, folder, line, given, says):
    sentence = refused(run_lcz, monkeypatch, folder, line.format(given))
    assert says in sentence
    assert given in sentence


@pytest.mark.parametrize("line", POLYGONS)
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("missing.gpkg", "does not exist"),
        ("folder", "is a folder"),
        ("empty.txt", "is an empty file"),
        (
            "notes.txt",
            "is a text file that cannot be read as polygons: give polygons as GeoPackage",
        ),
        ("map.tif", "holds a raster, not polygons"),
        ("raster.gpkg", "holds a raster, not polygons"),
        ("binary.gpkg", "damaged or of another kind"),
        ("broken.geojson", "cannot be read as polygons"),
        ("nameless.gpkg", "a column named lcz"),
    ],
)
def test_what_is_no_polygons_is_named(run_lcz, monkeypatch, folder, line, given, says):
    assert says in refused(run_lcz, monkeypatch, folder, line.format(given))


@pytest.mark.parametrize("line", TABLES)
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("missing.csv", "does not exist"),
        ("folder", "is a folder"),
        ("empty.txt", "is an empty file"),
        ("map.tif", "holds a raster, not a table: give CSV, Parquet or GeoPackage"),
    ],
)
def test_what_is_no_table_is_named(run_lcz, monkeypatch, folder, line, given, says):
    (folder / "classes.csv").write_text("station,lcz\na,D\nb,2\nc,2\n")
    assert says in refused(run_lcz, monkeypatch, folder, line.format(given))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("assess map.tif --reference notes.txt", "The reference notes.txt is a text file"),
        ("assess map.tif --reference notes.txt", "give a GeoTIFF, or polygons as GeoPackage"),
        ("assess map.tif --reference folder", "The reference folder is a folder"),
        ("assess map.tif --reference missing.gpkg", "The reference missing.gpkg does not exist"),
        ("uhi map.tif --stations notes.txt", "holds no station data: none of its columns"),
        ("uhi map.tif --lst zero.tif --unit K", "every one of its 3,600 valid pixels is 0"),
        ("uhi map.tif --lst half.tif --unit K", "67% of its 3,600 valid pixels are 0"),
        ("uhi map.tif --lst same.tif --unit degC", "have one temperature, 20.00 degC"),
        ("uhi map.tif --lst nan.tif --unit K", "has no usable pixel"),
        ("uhi map.tif --lst lst.tif --elevation nan.tif", "no height where the map has a class"),
        ("uhi bare.tif --lst lst.tif", "no coordinate reference system"),
        ("uhi mislabelled.tif --lst lst.tif", "says that it is in degrees, but its coordinates"),
        ("sites tiny.tif --sensors 5", "says that it is in metre, but its coordinates"),
        ("sites degrees.tif --sensors 5", "gdalwarp -t_srs EPSG:326"),
        ("sites none.tif --sensors 5", "holds no class"),
        ("sites one.tif --sensors 5", "the one furthest inside is 50 m from it"),
        ("morphology none.tif", "No cell of the LCZ map (3,600 cells) has a class"),
        ("morphology nan.tif", "it is empty"),
        ("assess none.tif --reference map.tif", "No labelled cell of the reference is mapped"),
        ("compare map.tif none.tif", "No cell is mapped in none on the grid of map"),
        ("map s2one.tif", "one pixel makes no map"),
        ("map s2none.tif", "has no valid pixel"),
        ("map bare.tif --bands B02", "no coordinate reference system"),
        ("map s2.tif --s1-time 202001", "goes with a So2Sat folder"),
        ("map s2.tif --weights notes.txt", "lcz weights import FILE"),
        ("map --from-manifest notes.txt", "cannot be read as a manifest"),
        ("rerun folder --out out", "give a result's manifest.json"),
    ],
)
def test_odd_content_is_named(run_lcz, monkeypatch, folder, line, says):
    assert says in refused(run_lcz, monkeypatch, folder, line)


@pytest.mark.parametrize(
    "line",
    [
        'assess "a map\'s \\"name\\".tif" --reference areas.gpkg --no-figures',
        "assess map.tif --reference raster.gpkg --no-figures",  # a GeoTIFF by another name
        "morphology one.tif --parameter height",
    ],
)
def test_odd_names_and_sizes_are_taken_where_they_can_be(
    run_lcz, monkeypatch, folder, tmp_path, line
):
    monkeypatch.chdir(folder)
    code, _, err = run_lcz(*shlex.split(line), "--out", tmp_path / "out")
    assert code == 0, err


def test_a_device_that_is_not_there_leaves_no_folder(run_lcz, monkeypatch, folder):
    import torch

    if torch.cuda.is_available():
        pytest.skip("needs a machine without a GPU")
    assert "There is no device 'cuda'" in refused(
        run_lcz, monkeypatch, folder, "map s2.tif --device cuda --out out"
    )


def test_stations_that_quality_control_removes_are_told_of(run_lcz, monkeypatch, folder):
    """Three stations at one place are duplicates of each other."""
    (folder / "classes.csv").write_text("station,lcz\na,D\nb,2\nc,2\n")
    line = "uhi --stations air.csv --time-zone UTC --station-classes classes.csv"
    sentence = refused(run_lcz, monkeypatch, folder, line)
    assert "Quality control (duplicates, correlation) removed all but 0 of 3 stations" in sentence
