"""`lcz clip-s1`: the patches of a tile, pixel by pixel, with their names and places."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
import synthetic_bigearthnet as made
from typer.testing import CliRunner

from lczlib.cli import app
from lczlib.errors import Cancelled, GridError, InputError
from lczlib.jobs.clip_s1 import ClipS1Request, run
from lczlib.sentinel1.patches import patches_of
from lczlib.sentinel1.tiles import TileGrid

PRODUCT = "S1A_IW_GRDH_1SDV_20170613T165043_20170613T165108_017021_01C5A5_1F2E"
SIDE = 120


def encoded(rows: slice, columns: slice) -> np.ndarray:
    """VV and VH of a tile whose every pixel says where it is, as dB would be."""
    y, x = np.mgrid[rows, columns].astype(np.float64)
    return np.stack([-5 - y / 1000 - x / 1e7, -15 - x / 1000 - y / 1e7]).astype(np.float32)


def simulated(
    path: Path, *, rows: slice, columns: slice, hole: tuple[slice, slice] | None = None, shift: float = 0.0,
    tags: dict[str, str] | None = None, pixel: float = 10.0, names: tuple[str, ...] = ("VV", "VH"),
) -> Path:  # fmt: skip
    """A part of a simulated tile, as a prepared raster; `hole` of the tile's pixels holds no data."""
    values = encoded(rows, columns)
    if hole is not None:
        down, right = (h.start - s.start for h, s in zip(hole, (rows, columns), strict=True))
        tall, wide = (h.stop - h.start for h in hole)
        values[:, down : down + tall, right : right + wide] = np.nan
    if names[0] == "VH":
        values = values[::-1]
    left, top = made.LEFT + columns.start * pixel + shift, made.TOP - rows.start * pixel
    with rasterio.open(
        path, "w", driver="GTiff", count=len(names), height=values.shape[1], width=values.shape[2], dtype="float32",
        crs=f"EPSG:{made.EPSG}", transform=rasterio.Affine(pixel, 0, left, 0, -pixel, top), nodata=float("nan"),
        tiled=True, compress="deflate",
    ) as target:  # fmt: skip
        target.write(values[: len(names)])
        for i, name in enumerate(names, start=1):
            target.set_band_description(i, name)
        target.update_tags(
            **({"products": PRODUCT, "recipe": "bigearthnet"} if tags is None else tags)
        )
    return path


@pytest.fixture
def tile(tmp_path: Path) -> Path:
    return made.write_safe(tmp_path)


def pixels(folder: Path, name: str) -> np.ndarray:
    """VV and VH of a written patch."""
    found = []
    for band in ("VV", "VH"):
        with rasterio.open(folder / "patches" / name / f"{name}_{band}.tif") as source:
            found.append(source.read(1))
    return np.stack(found)


def test_patches_lie_side_by_side_from_the_upper_left_corner():
    rows = patches_of(TileGrid(32633, 300000, 5400000), 10, "drop")
    assert (len(rows), len(rows[0])) == (91, 91)
    one = rows[45][87]
    assert (one.i, one.j, one.left, one.top) == (87, 45, 300000 + 87 * 1200, 5400000 - 45 * 1200)
    assert (one.rows, one.columns) == (120, 120)
    rows = patches_of(TileGrid(32633, 300000, 5400000), 10, "part")
    assert (len(rows), len(rows[0])) == (92, 92)
    assert (rows[91][91].rows, rows[91][91].columns, rows[0][91].rows) == (60, 60, 120)
    assert patches_of(TileGrid(32633, 0, 0), 20, "drop")[90][90].rows == 60


def test_pixels_places_and_names_are_exact(tmp_path, tile):
    rows, columns = slice(5 * SIDE, 7 * SIDE), slice(3 * SIDE, 5 * SIDE)
    raster = simulated(tmp_path / "s1.tif", rows=rows, columns=columns)
    result = run(ClipS1Request(raster=raster, tile=tile), tmp_path / "out")
    written = [r for r in result.rows if r["written"]]
    assert {(r["i"], r["j"]) for r in written} == {(3, 5), (4, 5), (3, 6), (4, 6)}
    assert len(result.rows) == 91 * 91
    for row in written:
        i, j = row["i"], row["j"]
        name = f"{made.NAME}_S1_{i}_{j}"
        assert row["name"] == name
        part = slice(j * SIDE, (j + 1) * SIDE), slice(i * SIDE, (i + 1) * SIDE)
        assert np.array_equal(pixels(tmp_path / "out", name), encoded(*part))
        file = tmp_path / "out/patches" / name / f"{name}_VV.tif"
        with rasterio.open(file) as source:
            assert source.crs.to_epsg() == made.EPSG
            assert source.transform[:6] == (
                10,
                0,
                made.LEFT + i * 1200,
                0,
                -10,
                made.TOP - j * 1200,
            )
            assert (source.shape, source.dtypes, source.descriptions) == (
                (120, 120),
                ("float32",),
                ("VV",),
            )
        told = json.loads(file.with_name(f"{name}_metadata.json").read_text())
        left, top = made.LEFT + i * 1200, made.TOP - j * 1200
        assert told["coordinates"] == {
            "ulx": left,
            "uly": top,
            "lrx": left + 1200,
            "lry": top - 1200,
        }
        assert told["missing_pixels"] == {"VV": 0, "VH": 0}
        assert told["scene_source"] == PRODUCT
        assert told["acquisition_time"] == "2017-06-13T16:50:43"
        assert told["corresponding_s2_patch"] == f"{made.NAME}_{i}_{j}"
        assert told["raster"]["recipe"] == "bigearthnet"


def test_names_as_published(tmp_path, tile):
    raster = simulated(tmp_path / "s1.tif", rows=slice(0, SIDE), columns=slice(0, SIDE))
    result = run(ClipS1Request(raster=raster, tile=tile, names="bigearthnet"), tmp_path / "out")
    (name,) = [r["name"] for r in result.rows if r["written"]]
    assert name == "S1A_IW_GRDH_1SDV_20170613T165043_33UUP_0_0"


def test_names_as_published_need_the_product(tmp_path, tile):
    raster = simulated(tmp_path / "s1.tif", rows=slice(0, SIDE), columns=slice(0, SIDE), tags={})
    with pytest.raises(InputError, match=r"which the raster does not state: give it \(--product"):
        run(ClipS1Request(raster=raster, tile=tile, names="bigearthnet"), tmp_path / "out")
    request = ClipS1Request(
        raster=raster, tile=tile, names="bigearthnet", product=f"{PRODUCT}.SAFE"
    )
    result = run(request, tmp_path / "out")
    assert result.rows[0]["name"] == "S1A_IW_GRDH_1SDV_20170613T165043_33UUP_0_0"


def test_the_patch_at_the_edge_of_the_tile_is_narrower(tmp_path, tile):
    """The tile ends after 10,980 pixels, in the middle of the 92nd patch; the raster goes on."""
    rows, columns = slice(90 * SIDE, 92 * SIDE), slice(90 * SIDE, 92 * SIDE)
    raster = simulated(tmp_path / "s1.tif", rows=rows, columns=columns)
    dropped = run(ClipS1Request(raster=raster, tile=tile), tmp_path / "dropped")
    assert [(r["i"], r["j"]) for r in dropped.rows if r["written"]] == [(90, 90)]
    result = run(ClipS1Request(raster=raster, tile=tile, edge="part"), tmp_path / "out")
    written = {(r["i"], r["j"]): r for r in result.rows if r["written"]}
    assert set(written) == {(90, 90), (91, 90), (90, 91), (91, 91)}
    name = written[91, 90]["name"]
    found = pixels(tmp_path / "out", name)
    assert found.shape == (2, 120, 60)
    assert np.array_equal(found, encoded(slice(90 * SIDE, 91 * SIDE), slice(91 * SIDE, 10980)))
    told = json.loads((tmp_path / "out/patches" / name / f"{name}_metadata.json").read_text())
    assert told["coordinates"]["lrx"] == made.LEFT + 109800
    assert pixels(tmp_path / "out", written[91, 91]["name"]).shape == (2, 60, 60)


def test_missing_pixels_are_counted_and_said(tmp_path, tile):
    hole = slice(10, 20), slice(SIDE - 5, SIDE + 5)
    raster = simulated(
        tmp_path / "s1.tif", rows=slice(0, SIDE), columns=slice(0, 2 * SIDE + 30), hole=hole
    )
    result = run(ClipS1Request(raster=raster, tile=tile), tmp_path / "out")
    written = {r["i"]: r for r in result.rows if r["written"]}
    assert [written[i]["valid_share"] for i in (0, 1, 2)] == pytest.approx(
        [1 - 50 / 14400, 1 - 50 / 14400, 30 / 120]
    )
    assert "3 patches of" in result.headline()
    assert "3 of them with missing pixels (10,900 in all)" in result.headline()
    assert f"; {91 * 91 - 3} not written for want of data" in result.headline()
    name = written[0]["name"]
    told = json.loads((tmp_path / "out/patches" / name / f"{name}_metadata.json").read_text())
    assert told["missing_pixels"] == {"VV": 50, "VH": 50}
    assert np.isnan(pixels(tmp_path / "out", name)[:, 10:20, -5:]).all()
    few = run(ClipS1Request(raster=raster, tile=tile, min_valid=0.9), tmp_path / "few")
    assert [r["i"] for r in few.rows if r["written"]] == [0, 1]


def test_patches_of_20_m_have_60_pixels(tmp_path, tile):
    raster = simulated(tmp_path / "s1.tif", rows=slice(60, 120), columns=slice(0, 60), pixel=20.0)
    result = run(ClipS1Request(raster=raster, tile=tile), tmp_path / "out")
    (row,) = [r for r in result.rows if r["written"]]
    assert (row["i"], row["j"]) == (0, 1)
    found = pixels(tmp_path / "out", row["name"])
    assert np.array_equal(found, encoded(slice(60, 120), slice(0, 60)))


def test_bands_go_by_their_names(tmp_path, tile):
    raster = simulated(
        tmp_path / "s1.tif", rows=slice(0, SIDE), columns=slice(0, SIDE), names=("VH", "VV")
    )
    result = run(ClipS1Request(raster=raster, tile=tile), tmp_path / "out")
    found = pixels(tmp_path / "out", result.rows[0]["name"])
    assert np.array_equal(found, encoded(slice(0, SIDE), slice(0, SIDE)))


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"shift": 4.0}, GridError, "lies 0.40 pixels off the tile's grid: prepare it on the tile's grid"),
        ({"pixel": 7.0}, GridError, "has pixels of 7 x 7 m, of which no whole number makes a patch"),
        ({"names": ("VV",)}, InputError, "has bands VV, not VV and VH"),
        ({"columns": slice(20000, 20000 + SIDE)}, InputError, "No patch of S2A_.* has data in the raster"),
    ],
)  # fmt: skip
def test_a_raster_that_is_not_the_tiles_is_refused(tmp_path, tile, change, kind, says):
    given = {"rows": slice(0, SIDE), "columns": slice(0, SIDE)} | change
    raster = simulated(tmp_path / "s1.tif", **given)
    with pytest.raises(kind, match=says):
        run(ClipS1Request(raster=raster, tile=tile), tmp_path / "out")


def test_a_raster_of_another_zone_is_refused(tmp_path, tile):
    raster = simulated(tmp_path / "s1.tif", rows=slice(0, SIDE), columns=slice(0, SIDE))
    with rasterio.open(raster, "r+") as target:
        target.crs = "EPSG:32632"
    with pytest.raises(GridError, match="has EPSG:32632, and the tile EPSG:32633"):
        run(ClipS1Request(raster=raster, tile=tile), tmp_path / "out")


def test_one_of_several_tiles_must_be_named(tmp_path):
    raster = simulated(tmp_path / "s1.tif", rows=slice(0, SIDE), columns=slice(0, SIDE))
    tiles = made.write_tile_info(tmp_path / "tiles.npy", ["u-1", "u-2"])
    with pytest.raises(InputError, match=r"has 2 tiles \(.*say which \(--only"):
        run(ClipS1Request(raster=raster, tile=tiles), tmp_path / "out")
    result = run(ClipS1Request(raster=raster, tile=tiles, only="u-2"), tmp_path / "out")
    assert result.tile.uuid == "u-2"


def test_a_stopped_run_is_taken_up_and_another_one_is_not_mixed_in(tmp_path, tile):
    rows = slice(0, 3 * SIDE)
    raster = simulated(tmp_path / "s1.tif", rows=rows, columns=slice(0, 2 * SIDE))
    out, request = tmp_path / "out", ClipS1Request(raster=raster, tile=tile)

    def two_rows() -> bool:
        return len(list((out / "patches").glob("*"))) >= 4 if out.is_dir() else False

    with pytest.raises(Cancelled):
        run(request, out, cancelled=two_rows)
    before = {p: p.stat().st_mtime_ns for p in sorted(out.glob("patches/*/*.tif"))}
    assert len(before) == 2 * 4
    with pytest.raises(InputError, match="holds patches of another raster, tile or settings"):
        run(ClipS1Request(raster=raster, tile=tile, names="bigearthnet"), out, resume=True)
    resumed = run(request, out, resume=True)
    resumed.write(out)
    whole = run(request, tmp_path / "whole")
    assert resumed.rows == whole.rows
    assert sorted(p.name for p in out.iterdir()) == [
        "clip_s1.json",
        "manifest.json",
        "patches",
        "patches.csv",
    ]
    for file in (tmp_path / "whole/patches").glob("*/*"):
        assert (out / "patches" / file.parent.name / file.name).read_bytes() == file.read_bytes()


def test_whole_rows_are_not_written_again(tmp_path, tile):
    """A row of a tile is whole if all its patches are there."""
    raster = simulated(tmp_path / "s1.tif", rows=slice(0, 2 * SIDE), columns=slice(0, 10980))
    out, request = tmp_path / "out", ClipS1Request(raster=raster, tile=tile)
    with pytest.raises(Cancelled):
        run(request, out, cancelled=lambda: len(list(out.glob("patches/*"))) >= 91)
    before = {p: p.stat().st_ino for p in out.glob("patches/*")}
    run(request, out, resume=True)
    assert {p: p.stat().st_ino for p in before} == before
    assert len(list(out.glob("patches/*"))) == 182


def test_the_command(tmp_path, tile):
    raster = simulated(tmp_path / "s1.tif", rows=slice(0, SIDE), columns=slice(0, 2 * SIDE))
    out = tmp_path / "out"
    command = [
        "clip-s1",
        str(raster),
        "--tile",
        str(tile),
        "--names",
        "bigearthnet",
        "--out",
        str(out),
    ]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    assert "2 patches of S2A_MSIL1C_20170613T101031" in " ".join(done.output.split())
    table = pd.read_csv(out / "patches.csv", index_col="name")
    assert table["written"].sum() == 2
    told = json.loads((out / "manifest.json").read_text())
    assert told["command"] == "clip-s1"
    assert sorted(p.name for p in out.iterdir()) == [
        "clip_s1.json",
        "manifest.json",
        "patches",
        "patches.csv",
    ]
    words = ["rerun", str(out), "--out", str(tmp_path / "rerun")]
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    assert (tmp_path / "rerun/patches.csv").read_bytes() == (out / "patches.csv").read_bytes()
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 0  # the same once more
    again = CliRunner().invoke(app, [*command, "--edge", "part"])
    assert again.exit_code == 1
    assert "holds patches of another raster, tile or settings" in str(again.exception)
