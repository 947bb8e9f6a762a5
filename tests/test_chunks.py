"""Windows of a lazy scene: the right values, and no chunk decoded twice."""

from __future__ import annotations

from collections import Counter

import dask.array as da
import numpy as np
import pytest
import rasterio
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from lczlib.mapping.chunks import Chunks, gdal_cache
from lczlib.mapping.predict import _in_order, tiles_of

STEP, MARGIN = 10, 11


def lazy(values: np.ndarray, chunks: tuple, counted: Counter) -> xr.Dataset:
    """Bands whose chunks are counted as they are computed."""

    def load(block: np.ndarray, name: str, block_info: dict) -> np.ndarray:
        counted[name, *block_info[0]["chunk-location"]] += 1
        return block

    bands = {
        f"b{i}": (
            ("y", "x"),
            da.from_array(v, chunks=chunks).map_blocks(load, f"b{i}", dtype=v.dtype),
        )
        for i, v in enumerate(values)
    }
    counted.clear()  # dask tries a block while it draws up the graph
    return xr.Dataset(bands)


def windows(shape: tuple[int, int], width: int | None) -> list[tuple[slice, slice]]:
    """Pixels of the tiles of a scene with their margins, in the order they are read in."""
    cells = shape[0] // STEP, shape[1] // STEP
    return [
        tuple(
            slice(max(0, a * STEP - MARGIN), min(n, b * STEP + MARGIN))
            for a, b, n in zip((t.top, t.left), (t.bottom, t.right), shape, strict=True)
        )
        for t in _in_order(tiles_of(cells), width, STEP)
    ]


def test_each_chunk_of_a_scene_is_computed_once():
    values = np.random.default_rng(0).random((2, 2_560, 2_560), np.float32)
    counted: Counter = Counter()
    chunks = Chunks(lazy(values, (512, 512), counted))
    for rows, columns in windows(values.shape[1:], chunks.width):
        np.testing.assert_array_equal(chunks.read(rows, columns), values[:, rows, columns])
    assert len(counted) == 2 * 25
    assert set(counted.values()) == {1}


def test_a_wide_scene_is_read_in_columns_and_keeps_no_more_than_it_may():
    values = np.zeros((1, 2_560, 7_680), np.float32)
    counted: Counter = Counter()
    a_chunk = 512 * 512 * 4
    chunks = Chunks(lazy(values, (512, 512), counted), kept=18 * a_chunk)
    assert chunks.width == 6 * 512
    held = []
    for rows, columns in windows(values.shape[1:], chunks.width):
        chunks.read(rows, columns)
        held.append(sum(v.nbytes for v in chunks._kept.values()))
    assert max(held) <= 18 * a_chunk
    # two columns of tiles end here, and the margins beside them are read by both
    assert sum(counted.values()) == 75 + 2 * 2 * 5
    assert len(counted) == 75


@given(
    y=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    x=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    corners=st.tuples(*[st.floats(0, 1)] * 4),
    kept=st.sampled_from([1, 40_000, 2**28]),
)
def test_any_window_of_any_chunks_has_the_scenes_values(y, x, corners, kept):
    values = np.arange(3 * sum(y) * sum(x), dtype=np.float32).reshape(3, sum(y), sum(x))
    chunks = Chunks(lazy(values, (tuple(y), tuple(x)), Counter()), kept)
    for _ in range(2):  # computed, then from what is kept
        window = []
        for n, (a, b) in zip(values.shape[1:], (corners[:2], corners[2:]), strict=True):
            low, high = sorted((int(a * n), int(b * n)))
            low = min(low, n - 1)
            window.append(slice(low, max(high, low + 1)))
        np.testing.assert_array_equal(chunks.read(*window), values[:, *window])


@pytest.mark.parametrize("how", ["in memory", "in different chunks"])
def test_other_scenes_are_read_window_by_window(how):
    values = np.arange(200.0).reshape(2, 10, 10)
    bands = [values[0], values[1]]
    if how == "in different chunks":
        bands = [da.from_array(v, chunks=n) for v, n in zip(bands, (3, 5), strict=True)]
    chunks = Chunks(xr.Dataset({f"b{i}": (("y", "x"), b) for i, b in enumerate(bands)}))
    assert chunks.width is None
    found = chunks.read(slice(2, 7), slice(1, 9))
    np.testing.assert_array_equal(found, values[:, 2:7, 1:9])
    found[:] = 0  # the caller scales it in place
    np.testing.assert_array_equal(chunks.read(slice(2, 7), slice(1, 9)), values[:, 2:7, 1:9])


def test_every_tile_comes_once_in_whatever_order():
    tiles = tiles_of((300, 700))
    assert _in_order(tiles, None, 10) == tiles
    ordered = _in_order(tiles, 1_400, 10)
    assert ordered != tiles
    assert sorted(t.index for t in ordered) == [t.index for t in tiles]


def test_gdal_keeps_a_row_of_wide_blocks_and_little_else(tmp_path):
    def kept(*files, **profile):
        for file in files:
            with rasterio.open(
                tmp_path / file, "w", width=2048, height=1536, count=3, dtype="uint16",
                driver="GTiff", **profile,
            ) as out:  # fmt: skip
                out.write(np.zeros((3, 1536, 2048), np.uint16))
        return gdal_cache([str(tmp_path / f) for f in files]).options["GDAL_CACHEMAX"]

    tiled = kept("tiled.tif", tiled=True, blockxsize=256, blockysize=512)
    row = 512 * 2048 * 3 * 2 / 2**20
    assert tiled == 64
    assert tiled + row < kept("striped.tif", blockysize=4) < tiled + row + 2
    assert kept("wide.tif", tiled=True, blockxsize=1024, blockysize=1024) > tiled + 2 * row
    assert kept("a.tif", "b.tif", blockysize=4) > tiled + 2 * row
    (tmp_path / "metadata.xml").write_text("<a/>")
    assert gdal_cache([str(tmp_path / "metadata.xml")]).options["GDAL_CACHEMAX"] == 64
