"""Counting pairs of classes, from label vectors, rasters, dask rasters and polygons."""

import re
import warnings

import dask.array as da
import geopandas as gpd
import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from odc.geo.geobox import GeoBox
from shapely.geometry import box as rectangle
from sklearn.metrics import confusion_matrix

from lczlib.analysis.confusion import block_confusion, confusion, polygon_confusion
from lczlib.errors import ClassSchemeError, GridError, InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map, open_lcz_map

RNG = np.random.default_rng(1)


def raster(values, x=0.0, y=0.0, size=100.0, crs="EPSG:32633"):
    rows, cols = values.shape
    box = GeoBox((rows, cols), Affine(size, 0, x, 0, -size, y + rows * size), crs)
    return lcz_map(on_grid(values, box))


def random_codes(shape, low=0):
    return RNG.integers(low, 18, shape).astype(np.uint8)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_counts_equal_those_of_scikit_learn(data):
    n = data.draw(st.integers(1, 60))
    codes = arrays(np.uint8, n, elements=st.integers(1, data.draw(st.integers(1, 17))))
    reference, predicted = data.draw(codes), data.draw(codes)
    weights = data.draw(st.none() | arrays(np.float64, n, elements=st.floats(0.01, 100)))
    ours = confusion(reference, predicted, weights=weights)
    theirs = confusion_matrix(reference, predicted, labels=np.arange(1, 18), sample_weight=weights)
    np.testing.assert_allclose(ours.values, theirs, rtol=1e-12)


def test_rows_are_reference_and_dims_are_named():
    counts = confusion(np.array([6, 6, 2]), np.array([2, 2, 2]))
    assert counts.dims == ("reference", "predicted")
    assert int(counts.sel(reference=6, predicted=2)) == 2
    assert counts.dtype == np.int64


def test_no_data_is_left_out_and_counted_by_side():
    counts = confusion(np.array([1, 0, 1, 0, 0]), np.array([1, 1, 0, 0, 0]))
    assert int(counts.sum()) == 1
    assert counts.attrs == {"no_prediction": 1, "no_reference": 1, "neither": 2}


@pytest.mark.parametrize("bad", [18, 255, -1, 1.5, 273])
def test_codes_out_of_range_are_refused_and_shown(bad):
    with pytest.raises(ClassSchemeError, match=str(bad).rstrip("0") if bad != 18 else "18"):
        confusion(np.array([1, bad]), np.array([1, 1]))


def test_true_and_false_are_no_classes():
    with pytest.raises(ClassSchemeError, match="bool"):
        confusion(np.array([True, False]), np.array([1, 1]))


def test_vectors_of_different_length_are_refused():
    with pytest.raises(InputError, match="2 reference labels stand against 3"):
        confusion(np.array([1, 2]), np.array([1, 2, 3]))


def test_weights_are_for_label_vectors():
    a = raster(random_codes((4, 4)))
    with pytest.raises(InputError, match="label vectors"):
        confusion(a, a, weights=np.ones((4, 4)))


def test_more_labels_than_one_turn_holds_are_all_counted():
    reference, predicted = random_codes(700_001, 1), random_codes(700_001, 1)
    assert int(confusion(reference, predicted).sum()) == 700_001


def test_dask_rasters_count_as_numpy_ones_whatever_their_chunks():
    a, b = raster(random_codes((90, 70))), raster(random_codes((90, 70)))
    expected = confusion(a, b)
    lazy = confusion(a.chunk(y=40, x=30), b.chunk(y=17, x=70))
    np.testing.assert_array_equal(lazy, expected)
    assert lazy.attrs == expected.attrs
    np.testing.assert_array_equal(confusion(a, b.chunk(y=33)), expected)


def test_a_large_lazy_raster_is_never_held_whole():
    """Chunks are made when counted; 20 chunks of 250,000 cells, at most a few alive at once."""
    alive, most = set(), []

    def make(block_info=None):
        number = tuple(block_info[None]["chunk-location"])
        alive.add(number)
        most.append(len(alive))
        out = np.full((500, 500), 6, np.uint8)
        import weakref

        weakref.finalize(out, alive.discard, number)
        return out

    lazy = da.map_blocks(make, chunks=((500,) * 10, (500,) * 2), dtype=np.uint8)
    template = raster(np.zeros((5000, 1000), np.uint8))
    reference = template.copy(data=lazy)
    predicted = template.copy(data=da.full((5000, 1000), 6, np.uint8, chunks=500))
    assert int(confusion(reference, predicted).sum()) == 5_000_000
    assert max(most) < 10


def test_grids_that_differ_are_refused_unless_resampling_is_asked_for():
    values = random_codes((20, 20), 1)
    a = raster(values)
    for b in (raster(values, x=50), raster(values, crs="EPSG:32634"), raster(values, size=200)):
        with pytest.raises(GridError, match="grids differ"):
            confusion(a, b)
    shifted = confusion(a, raster(values, x=30), resampling="nearest")
    assert int(shifted.sum()) == 400  # 30 m of 100 m: the nearest cell is the same one
    assert int(np.trace(shifted)) == 400
    with pytest.raises(GridError, match="do not overlap"):
        confusion(a, raster(values, x=1e5), resampling="nearest")
    with pytest.raises(GridError, match="nearest or mode"):
        confusion(a, raster(values, x=30), resampling="bilinear")


def test_pearl_river_delta_agrees_with_hong_kong_on_the_published_share(shared):
    reference = open_lcz_map(shared / "data/hong_kong/hong_kong_lcz_GT.tif")
    path = f"zip://{shared}/mirror/prd_lcz_2020.zip!tiff/prd_lcz_v0817c.tif"
    counts = confusion(reference, open_lcz_map(path), resampling="nearest")
    assert int(counts.sum()) == 8846
    assert np.trace(counts) / 8846 == pytest.approx(0.6743, abs=5e-5)
    lazy = confusion(
        reference, open_lcz_map(path, chunks={"y": 1500, "x": 1500}), resampling="nearest"
    )
    np.testing.assert_array_equal(lazy, counts)


def areas(*codes):
    shapes = [rectangle(500 * i, 0, 500 * i + 300, 400) for i in range(len(codes))]
    table = {"lcz": np.array(codes, np.uint8), "polygon": np.arange(10, 10 + len(codes))}
    return gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:32633")


@pytest.mark.parametrize("chunks", [None, {"y": 3, "x": 7}])
def test_polygons_are_counted_one_by_one(chunks):
    values = np.full((10, 20), 6, np.uint8)
    values[:, 5:8] = 0
    mapped = raster(values)
    mapped = mapped if chunks is None else mapped.chunk(chunks)
    per_polygon = polygon_confusion(areas(6, 2, 8), mapped)
    assert per_polygon["polygon"].values.tolist() == [10, 12]  # 11 lies on no data
    assert per_polygon["lcz"].values.tolist() == [6, 8]
    assert int(per_polygon.sel(polygon=12, reference=8, predicted=6)) == 12
    assert per_polygon.attrs["no_prediction"] == 12
    counts = confusion(areas(6, 2, 8), mapped)
    np.testing.assert_array_equal(counts, per_polygon.sum("polygon"))


@pytest.mark.parametrize("block", [1, 7, 20, 500])
def test_blocks_add_up_to_the_whole(block):
    a, b = raster(random_codes((50, 33))), raster(random_codes((50, 33)))
    blocks = block_confusion(a, b.chunk(y=11), block)
    whole = confusion(a, b)
    np.testing.assert_array_equal(blocks.sum("block"), whole)
    assert blocks.attrs == whole.attrs
    assert len(blocks) <= -(-50 // block) * -(-33 // block)
    assert blocks.values.sum((1, 2)).min() > 0


def test_a_block_holds_the_cells_of_its_square():
    a = raster(np.repeat(np.repeat([[1, 2], [3, 4]], 5, 0), 5, 1).astype(np.uint8))
    blocks = block_confusion(a, a, 5)
    assert [int(np.flatnonzero(np.diag(b))[0]) + 1 for b in blocks.values] == [1, 2, 3, 4]
    with pytest.raises(InputError, match="at least one cell"):
        block_confusion(a, a, 0)


@pytest.mark.parametrize("stray", [3e38, np.nan, -1.0])
def test_labels_that_no_byte_holds_are_refused_without_a_warning(stray):
    labels = np.array([1, 2, stray], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ClassSchemeError, match=rf"Code {re.escape(f'{stray:g}')} is no LCZ"):
            confusion(np.array([1, 2, 3], np.uint8), labels)
