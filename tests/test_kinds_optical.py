"""Sentinel-2 rasters as their writers leave them: fills, masks, scales, offsets and names of all kinds."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from scipy.ndimage import label
from synthetic_sentinel2 import NAME, dn, land
from synthetic_sentinel2 import read_told as read
from synthetic_sentinel2 import write_raster as write

from lczlib.reading import readings
from lczlib.scenes import open_raster_scene, open_sentinel2, open_so2sat
from lczlib.scenes.bands import BANDS

SIZE = 96
FEW = settings(max_examples=20, deadline=None)


@pytest.fixture(scope="module")
def city():
    """Reflectance of ten bands; clear of black, as the ground is."""
    return land(SIZE, seed=3)


@st.composite
def gaps(draw, size=SIZE):
    """Part of an image that was not seen: an edge, straight or slanted, or a hole."""
    rows, cols = np.mgrid[:size, :size]
    kind = draw(st.sampled_from(["edge", "slanted edge", "both corners", "hole"]))
    if kind == "edge":
        turned = draw(st.integers(0, 3))
        return np.rot90(rows < draw(st.integers(4, size // 2)), turned)
    if kind == "hole":
        top, left = draw(st.integers(0, size - 20)), draw(st.integers(0, size - 20))
        high, wide = draw(st.integers(6, 20)), draw(st.integers(6, 20))
        return (rows >= top) & (rows < top + high) & (cols >= left) & (cols < left + wide)
    slope, start = draw(st.floats(0.1, 3)), draw(st.integers(12, size // 2))
    gap = cols + slope * rows < start
    return gap | gap[::-1, ::-1] if kind == "both corners" else gap


FILLS = {
    np.uint16: (0, 1, 255, 10000, 65535),
    np.int16: (-9999, -32768, -1, 1, 32767),
    np.int32: (-9999, -2147483648, 65535),
    np.float32: (-9999.0, np.nan, 0.0, 1.0, 65535.0, -3.4028235e38),
}


@FEW
@given(data=st.data(), gap=gaps(), dtype=st.sampled_from(list(FILLS)), declared=st.booleans())
def test_a_fill_is_missing_declared_or_not(city, data, gap, dtype, declared):
    fill = data.draw(st.sampled_from(FILLS[dtype]))
    values = dn(city, dtype)
    values[:, gap] = fill
    scene, told = read(write(values, nodata=fill if declared else None))
    np.testing.assert_array_equal(np.isnan(scene), np.broadcast_to(gap, scene.shape))
    np.testing.assert_allclose(scene[:, ~gap], city[:, ~gap], atol=6e-5)
    pixels = told.facts["pixels"]
    assert pixels["valid"] == (~gap).sum()
    assert sum(pixels["missing"].values()) == gap.sum()
    assert told.cautions == ()


@FEW
@given(gap=gaps(), fill=st.sampled_from([1.0, -1.0, 0.0, 255.0, 6.5535]))
def test_a_fill_of_reflectance_is_missing(city, gap, fill):
    values = city.astype(np.float32)
    values[:, gap] = fill
    scene, _ = read(write(values))
    np.testing.assert_array_equal(np.isnan(scene[0]), gap)


@FEW
@given(gap=gaps(), step=st.integers(1, 50))
def test_a_fill_that_differs_by_band_is_missing_where_it_is_large(city, gap, step):
    values = dn(city)
    values[:, gap] = (1000 + step * np.arange(10))[:, None]
    scene, told = read(write(values))
    large = np.bincount(label(gap)[0].ravel())[1:].max() >= 400
    np.testing.assert_array_equal(np.isnan(scene[0]), gap & large)
    assert told.facts["pixels"]["valid"] == (~(gap & large)).sum()


def test_a_narrow_edge_of_a_large_image_is_found():
    size = 1300  # looked at one pixel in three
    values = dn(np.tile(land(130, seed=1), (1, 10, 10)))
    values[:, :, :2] = 7
    rows, cols = np.mgrid[:size, :size]
    values[:, rows + 20 * cols < 300] = 7  # 15 columns at the top, none at row 300
    scene, told = read(write(values))
    gap = (cols < 2) | (rows + 20 * cols < 300)
    np.testing.assert_array_equal(np.isnan(scene[3]), gap)
    assert told.facts["pixels"]["every"] == 3
    assert any("one in 3 x 3" in s for s in told.said)


@FEW
@given(
    pond=gaps(), floor=st.sampled_from([0, 1]), nodata=st.sampled_from([None, 0, 65535]),
    dark=st.sets(st.sampled_from(["B06", "B07", "B08", "B8A", "B11", "B12"]), min_size=1, max_size=5),
)  # fmt: skip
def test_dark_water_is_not_missing(city, pond, floor, nodata, dark):
    values = dn(city)
    rng = np.random.default_rng(0)
    values[:, pond] = rng.integers(150, 260, (10, int(pond.sum())))
    for band in dark:
        values[BANDS.index(band), pond] = floor
    scene, told = read(write(values, nodata=nodata))
    assert np.isfinite(scene).all()
    np.testing.assert_allclose(scene, values / 1e4, atol=1e-6)
    assert told.cautions == ()


@FEW
@given(level=st.integers(30, 9000), spread=st.integers(1, 4), seed=st.integers(0, 99))
def test_calm_water_and_snow_of_little_variance_are_kept(city, level, spread, seed):
    values = dn(city)
    rng = np.random.default_rng(seed)
    values[:, :40] = level + rng.integers(0, spread + 1, (10, 40, SIZE))
    scene, _ = read(write(values))
    assert np.isnan(scene[0]).mean() < 0.002


def test_a_block_of_one_value_in_some_bands_is_warned_of(city):
    values = dn(city)
    values[:3, :40] = 5000
    scene, told = read(write(values))
    assert np.isfinite(scene).all()
    assert "B02, B03, B04 hold the one value 5000" in told.cautions[0]


@pytest.mark.parametrize("where", ["internal mask", "mask beside", "alpha"])
@FEW
@given(gap=gaps(), nodata=st.sampled_from([None, 0]))
def test_masked_pixels_are_missing_in_every_door(city, where, gap, nodata):
    values = dn(city)
    if where == "alpha":
        alpha = np.where(gap, 0, 65535).astype(np.uint16)[None]
        path = write(np.concatenate([values, alpha]), descriptions=None, nodata=nodata)
        with rasterio.open(path, "r+") as dst:
            dst.descriptions = (*BANDS, None)
            dst.colorinterp = (ColorInterp.gray,) * 10 + (ColorInterp.alpha,)
    else:
        path = write(values)
        inside = "YES" if where == "internal mask" else "NO"
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside), rasterio.open(path, "r+") as dst:
            dst.write_mask(~gap)
    scene, told = read(path)
    other = open_raster_scene(path, sensor="other").to_array("band").values
    for found in (scene, other):
        np.testing.assert_array_equal(np.isnan(found), np.broadcast_to(gap, found.shape))
    assert told.facts["pixels"]["missing"]["masked or no data"] == gap.sum()


def test_missing_pixels_of_any_raster_are_counted(city):
    values = dn(city)
    values[:, :24] = 0
    values[3, 24:48] = 0
    with readings() as heard:
        open_raster_scene(write(values, nodata=0), sensor="landsat")
    assert heard[0].facts["pixels"] | {"every": 1} == {
        "looked_at": SIZE * SIZE, "every": 1, "valid": SIZE * (SIZE - 48), "missing": SIZE * 24,
    }  # fmt: skip
    assert "50.0 % of 9,216 pixels valid in all bands, 25.0 % without data in any" in heard[0].said


@pytest.mark.parametrize("full", [1, 255, 65535])
@pytest.mark.parametrize("place", [0, 10])
def test_a_band_named_alpha_is_a_mask_without_its_colour(city, full, place):
    gap = np.zeros((SIZE, SIZE), bool)
    gap[:, :20] = True
    values = np.insert(dn(city), place, np.where(gap, 0, full), axis=0)
    names = [*BANDS]
    names.insert(place, "alpha")
    scene, told = read(write(values, descriptions=names))
    np.testing.assert_array_equal(np.isnan(scene), np.broadcast_to(gap, scene.shape))
    assert told.facts["pixels"]["missing"]["masked or no data"] == gap.sum()


def test_a_band_named_alpha_that_holds_angles_is_no_mask(city):
    angles = np.random.default_rng(0).integers(0, 90, (1, SIZE, SIZE)).astype(np.uint16)
    scene, _ = read(write(np.concatenate([dn(city), angles]), descriptions=[*BANDS, "alpha"]))
    assert np.isfinite(scene).all()


@FEW
@given(
    seed=st.integers(0, 999), dtype=st.sampled_from([np.uint16, np.int16, np.float32]),
    first=st.booleans(), name=st.sampled_from(["SCL", "scl", "scene_classification"]),
)  # fmt: skip
def test_a_scene_classification_among_the_bands_is_heeded(city, seed, dtype, first, name):
    rng = np.random.default_rng(seed)
    classes = np.kron(rng.integers(0, 12, (8, 8)), np.ones((12, 12), int))
    values = [classes[None], dn(city)] if first else [dn(city), classes[None]]
    names = [name, *BANDS] if first else [*BANDS, name]
    path = write(np.concatenate(values).astype(dtype), descriptions=names, scales=[1e-4] * 11)
    hidden = np.isin(classes, [1, 3, 8, 9, 10, 11])
    scene, told = read(path)
    np.testing.assert_array_equal(np.isnan(scene), np.broadcast_to(hidden, scene.shape))
    np.testing.assert_allclose(scene[:, ~hidden], city[:, ~hidden], atol=6e-5)
    assert told.cautions == ()
    assert told.facts["pixels"]["valid"] == (~hidden).sum()
    scene, told = read(path, keep_clouds=True)
    assert np.isfinite(scene).all()
    assert not hidden.any() or any("kept: " in text for text in told.said)


BASELINE = NAME.format(level="L2A")
OLD = BASELINE.replace("N0510", "N0301")


@pytest.mark.parametrize(
    ("name", "tags", "there"),
    [
        (f"{BASELINE}.tif", {}, True),
        (f"{BASELINE}_10m_bands.tif", {}, True),
        (f"{BASELINE}.SAFE_export/stack.tif", {}, True),
        (f"{BASELINE.lower()}.tif", {}, True),
        (f"{OLD}.tif", {}, False),
        (f"{OLD.replace('N0301', 'N0400')}.tif", {}, True),
        (f"{OLD.replace('N0301', 'N9999')}.tif", {}, True),
        ("a.tif", {"PRODUCT_URI": f"{BASELINE}.SAFE"}, True),
        ("a.tif", {"PROCESSING_BASELINE": "05.10"}, True),
        ("a.tif", {"s2:processing_baseline": "04.00"}, True),
        ("a.tif", {"PROCESSING_BASELINE": "02.14"}, False),
        ("a.tif", {"BOA_ADD_OFFSET_0": "-1000"}, True),
        (f"{BASELINE}.tif", {"earthsearch:boa_offset_applied": "True"}, False),
        (f"{BASELINE}_harmonized.tif", {}, False),
        (f"{BASELINE}.tif", {"collection": "COPERNICUS/S2_SR_HARMONIZED"}, False),
        ("a.tif", {}, False),
    ],
)
def test_the_offset_is_removed_where_it_is_there(tmp_path, city, name, tags, there):
    stored = dn(city) + (1000 if there else 0)
    scene, told = read(write(stored.astype(np.uint16), name, tags=tags, folder=tmp_path))
    np.testing.assert_allclose(scene, city, atol=6e-5)
    assert told.facts["offset"] == (-1000 if there else 0)
    assert told.cautions == ()


@FEW
@given(
    said=st.sampled_from(["name", "tag", "both"]),
    clip=st.sampled_from([0, 1]),
    water=st.floats(0.05, 0.6),
)
def test_an_offset_that_is_removed_already_is_not_removed_again(city, said, clip, water):
    reflectance = city.copy()
    rows = int(water * SIZE)
    reflectance[:, :rows] = np.linspace(0.05, -0.02, 10)[:, None, None] + 0.01 * city[:, :rows]
    stored = np.maximum(np.round(reflectance * 1e4), clip).astype(np.uint16)
    tags = {"PROCESSING_BASELINE": "05.10"} if said != "name" else {}
    name = f"{BASELINE}.tif" if said != "tag" else "a.tif"
    scene, told = read(write(stored, name, tags=tags, nodata=0))
    np.testing.assert_allclose(scene, stored / 1e4, atol=1e-6)
    assert "removed already (harmonised)" in told.cautions[0]


def test_a_name_and_metadata_that_disagree_are_told(city):
    stored = (dn(city) + 1000).astype(np.uint16)
    _, told = read(write(stored, f"{OLD}.tif", tags={"PROCESSING_BASELINE": "05.10"}))
    assert told.facts["offset"] == -1000
    assert (
        "-1000 by its baseline 05.10, but 0 by the baseline N0301 in its name" in told.cautions[0]
    )


def test_day_and_level_come_from_the_products_name(tmp_path, city):
    path = write((dn(city) + 1000).astype(np.uint16), f"{BASELINE}/a.tif", folder=tmp_path)
    scene = open_sentinel2(path)
    assert (scene.attrs["level"], scene.attrs["date"]) == ("L2A", "2024-07-12")


@FEW
@given(
    scale=st.sampled_from([1e-4, 2.5e-5, 2.75e-5]),
    shift=st.sampled_from([0.0, -0.1, -0.2]),
    others=st.lists(st.sampled_from([1.0, 0.1, 10.0]), min_size=1, max_size=3),
    first=st.booleans(),
)
def test_scale_and_offset_are_those_of_each_band(city, scale, shift, others, first):
    stored = np.round((city - shift) / scale).astype(np.uint16)
    quality = np.full((len(others), SIZE, SIZE), 4, np.uint16)
    parts = [quality, stored] if first else [stored, quality]
    names = [f"QA{i}" for i in range(len(others))]
    names = [*names, *BANDS] if first else [*BANDS, *names]
    scales = [*others, *[scale] * 10] if first else [*[scale] * 10, *others]
    offsets = [0.0] * len(others)
    offsets = [*offsets, *[shift] * 10] if first else [*[shift] * 10, *offsets]
    path = write(np.concatenate(parts), descriptions=names, scales=scales, offsets=offsets)
    scene, told = read(path)
    np.testing.assert_allclose(scene, city, atol=6e-5)
    assert told.facts["scale"] == pytest.approx(scale)
    other = open_raster_scene(path, sensor="x")
    np.testing.assert_allclose(other["B11"], city[8], atol=6e-5)
    np.testing.assert_allclose(other["QA0"], 4 * others[0], rtol=1e-5)


@FEW
@given(
    scale=st.sampled_from([1e-4, 2.75e-5]), shift=st.sampled_from([0.0, -0.1]),
    dtype=st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
def test_reflectance_that_kept_its_tags_is_not_scaled_twice(city, scale, shift, dtype):
    path = write(city.astype(dtype), scales=[scale] * 10, offsets=[shift] * 10)
    scene, told = read(path)
    np.testing.assert_allclose(scene, city, atol=1e-6)
    assert "is not applied to what is reflectance already" in " ".join(told.said)


@pytest.mark.parametrize("scale", [1.0, 1e-4])
def test_an_offset_of_dn_in_the_file_is_one_of_dn(city, scale):
    stored = (dn(city) + 1000).astype(np.uint16)
    path = write(stored, scales=[scale] * 10, offsets=[-1000.0] * 10)
    np.testing.assert_allclose(read(path)[0], city, atol=6e-5)
    np.testing.assert_allclose(read(path, scale=1e-4)[0], city, atol=6e-5)
    done = write(city.astype(np.float32), scales=[scale] * 10, offsets=[-1000.0] * 10)
    np.testing.assert_allclose(read(done)[0], city, atol=1e-6)


def test_a_scale_that_is_given_takes_no_offset_of_another_scale(city):
    path = write(city.astype(np.float32), scales=[1e-4] * 10, offsets=[-0.1] * 10)
    np.testing.assert_allclose(read(path, scale=1)[0], city, atol=1e-6)


@FEW
@given(
    seasons=st.sets(
        st.sampled_from(["spring", "Summer", "fall", "AUTUMN", "winter", "2021-07"]), min_size=1
    ).filter(lambda s: not {"fall", "AUTUMN"} <= s),
    ending=st.sampled_from([".tif", ".TIF", ".tiff", ".Tif"]),
    hidden=st.lists(st.sampled_from(["._x.tif", ".DS_Store", "Thumbs.db", "@eaDir/y.tif"]), max_size=4),
    named=st.booleans(),
)  # fmt: skip
def test_city_folders_as_systems_and_people_leave_them(
    tmp_path_factory, city, seasons, ending, hidden, named
):
    root = Path(tempfile.mkdtemp(dir=tmp_path_factory.getbasetemp()))
    place = root / "Sentinel-2" / "00001_1_Town"
    for season in seasons:
        stem = f"1_{season}" if named else "scene"
        write(dn(city), f"{stem}{ending}", folder=place / season)
        (place / season / f"{stem}.tif.aux.xml").write_text("<PAMDataset/>")
        for name in hidden:
            for folder in (place / season, place, root / "Sentinel-2"):
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(b"nothing")
    found = open_so2sat(root)
    assert found.name == "00001_1_Town"
    expected = {"Summer": "summer", "fall": "autumn", "AUTUMN": "autumn"}
    assert set(found.seasons) == {expected.get(s, s) for s in seasons}
    for scene in found.seasons.values():
        np.testing.assert_allclose(scene["B11"], city[8], atol=6e-5)
