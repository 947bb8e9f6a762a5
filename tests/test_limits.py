"""What a job may take is judged from headers, by what is made of the input; large maps go through."""

import contextlib
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
import pytest
import rasterio

from lczlib.errors import InputError
from lczlib.limits import allowed, memory_limit
from lczlib.rasters import open_raster
from lczlib.tables.files import read_table
from lczlib.terms import python, worded


@pytest.fixture
def declaring(tmp_path):
    """A sparse GeoTIFF of some kilobytes that declares so many pixels."""

    def write(name, edge=100_000, count=1, dtype="uint8", **profile):
        path = tmp_path / name
        with rasterio.open(
            path, "w", **{
                "driver": "GTiff", "width": edge, "height": edge, "count": count, "dtype": dtype,
                "crs": "EPSG:32633", "nodata": 0, "sparse_ok": True, "bigtiff": "YES",
                "transform": rasterio.transform.from_origin(3e5, 5.9e6, 10, 10), "tiled": True,
                "blockxsize": 4096, "blockysize": 4096, "compress": "deflate",
            } | profile,
        ) as dst:  # fmt: skip
            if count == 2:
                dst.descriptions = ("VV", "VH")
        assert path.stat().st_size < 20_000
        return path

    return write


@pytest.mark.parametrize(
    "line",
    [
        ("assess", "MAP", "--reference", "MAP"), ("compare", "MAP", "MAP", "--name", "a", "--name", "b"),
        ("sites", "MAP", "--sensors", 5), ("morphology", "MAP"), ("uhi", "MAP", "--lst", "SMALL"),
        ("uhi", "SMALL", "--lst", "MAP"), ("uhi", "SMALL", "--air", "MAP"), ("water", "RADAR", "--orbit", "as"),
        ("uhi", "SMALL", "--lst", "SMALL", "--elevation", "MAP"),
        ("map", "SCENE", "--weights", "demo_s2"), ("map", "STRIP", "--weights", "demo_s2"),
    ],
    ids=lambda line: " ".join(map(str, line[:4])),
)  # fmt: skip
def test_a_few_kilobytes_are_refused_from_their_header_by_every_command(
    declaring, run_lcz, write_tif, tmp_path, line
):
    rng = np.random.default_rng(0)
    named = {
        "MAP": declaring("map.tif"), "RADAR": declaring("radar.tif", 100_000, 2, "float32"),
        "SCENE": declaring("scene.tif", 100_000, 10, "uint16"),
        "STRIP": declaring("strip.tif", 20_000, 10, "uint16", tiled=False, blockysize=20_000),
        "SMALL": write_tif(rng.normal(25, 3, (40, 40)).astype(np.float32), "small.tif", pixel=100),
    }  # fmt: skip
    if line[:2] == ("uhi", "SMALL"):
        codes = np.tile(np.repeat(np.arange(1, 18, dtype=np.uint8), 8)[:80], (80, 1))
        named["SMALL"] = write_tif(codes, "map_small.tif", pixel=100)
        named["LST"] = write_tif(rng.normal(25, 3, (80, 80)).astype(np.float32), "t.tif", pixel=100)
        line = tuple("LST" if w == "SMALL" and i == 3 else w for i, w in enumerate(line))
    words = [named.get(w, w) for w in line]
    words += ["--unit", "degC"] if "--lst" in line or "--air" in line else []
    code, _, said = run_lcz(*words, "--memory", 2, "--out", tmp_path / "out")
    assert code == 1, said
    assert "pixels in" in said
    assert "GB in memory, more than the 2.0 GB that a job may take" in said
    assert "--memory GIGABYTES" in said


def test_the_option_holds_for_its_command_alone(run_lcz, write_tif, tmp_path, monkeypatch):
    monkeypatch.delenv("LCZLIB_MEMORY", raising=False)
    codes = np.tile(np.arange(1, 18, dtype=np.uint8).repeat(10), (170, 1))
    path = write_tif(codes, pixel=100)
    usual = memory_limit()
    words = ("morphology", path, "--parameter", "height", "--out", tmp_path / "out")
    assert run_lcz(*words, "--memory", "0.0001")[0] == 1
    assert memory_limit() == usual
    assert run_lcz(*words)[0] == 0


def test_a_block_of_python_is_allowed_more_or_less(monkeypatch):
    monkeypatch.setenv("LCZLIB_MEMORY", "3")
    with allowed(0.5):
        assert memory_limit() == 0.5e9
        with allowed():
            assert memory_limit() == 0.5e9
    assert memory_limit() == 3e9
    with pytest.raises(InputError, match="is no size"), allowed(-1):
        pass
    assert memory_limit() == 3e9


def test_python_is_told_of_the_block(declaring):
    with pytest.raises(InputError) as error, allowed(2):
        open_raster(declaring("map.tif"), chunks={"y": 512, "x": 512})
    assert "(lczlib.limits.allowed(GIGABYTES))" in worded(error.value.message, python)


def test_a_raster_in_one_huge_block_is_judged_by_it(declaring):
    path = declaring("strip.tif", 30_000, tiled=False, blockysize=30_000)
    tiles = declaring("tiles.tif", 30_000)
    with allowed(1.0), pytest.raises(InputError, match="declares 30,000 x 30,000"):
        open_raster(path, chunks={"band": -1, "y": -1, "x": -1})
    with allowed(1.0):
        assert open_raster(tiles, chunks={"y": 512, "x": 512}).shape == (1, 30_000, 30_000)


def test_a_text_is_judged_by_its_cells(tmp_path):
    path = tmp_path / "commas.csv"
    path.write_text("a,b,c\n" + "1,2,3\n" * 20_000)
    with allowed(0.005), pytest.raises(InputError, match="MB of text in 60,003 cells"):
        read_table(path)
    with allowed(0.05):
        pd.testing.assert_index_equal(
            read_table(path).columns, pd.Index(["a", "b", "c"], dtype=object)
        )


@pytest.mark.slow
@pytest.mark.parametrize("command", ["assess", "compare"])
def test_a_map_much_larger_than_its_memory_goes_through_by_windows(tmp_path, command):
    edge = 14_000
    path = tmp_path / "large.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=edge, height=edge, count=1, dtype="uint8", crs="EPSG:32633",
        transform=rasterio.transform.from_origin(3e5, 5.9e6, 10, 10), tiled=True, compress="deflate",
    ) as dst:  # fmt: skip
        zones = np.kron(np.random.default_rng(0).integers(1, 18, (20, 70)), np.ones((50, 200)))
        for top in range(0, edge, 1000):
            part = np.roll(zones, top // 10, axis=1).astype(np.uint8)
            dst.write(part, 1, window=rasterio.windows.Window(0, top, edge, 1000))
    words = {
        "assess": ("assess", path, "--reference", path),
        "compare": ("compare", path, path, "--name", "a", "--name", "b"),
    }[command]
    line = [sys.executable, "-m", "lczlib", *map(str, words), "--no-figures", "--memory", "0.4"]
    process = subprocess.Popen([*line, "--out", str(tmp_path / "out")], stdout=subprocess.DEVNULL)
    # float32 copies of both maps would be 1.6 GB, and the sorting of their codes as much again
    assert _largest(process) < 1.2e9
    assert process.returncode == 0


def _largest(process: subprocess.Popen) -> int:
    """Resident memory at most; what the system notes of a child counts that of its parent too."""
    seen, largest = psutil.Process(process.pid), 0
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            largest = max(largest, seen.memory_info().rss)
        time.sleep(0.02)
    return largest
