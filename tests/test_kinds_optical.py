"""Sentinel-2 rasters as their writers leave them: fills, masks, scales, offsets and names of all kinds."""

import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from scipy.ndimage import label
from synthetic_sentinel2 import NAME, land

from lczlib.errors import InputError
from lczlib.reading import readings
from lczlib.scenes import open_raster_scene, open_sentinel2, open_so2sat
from lczlib.scenes.bands import ALL_BANDS, BANDS

SIZE = 96
_ROOT = tempfile.TemporaryDirectory()  # gone when the tests end
FEW = settings(max_examples=20, deadline=None)


@pytest.fixture(scope="module")
def city():
    """Reflectance of ten bands; clear of black, as the ground is."""
    return land(SIZE, seed=3)


def write(values, name="scene.tif", *, descriptions=BANDS, nodata=None, tags=None, scales=None,
          offsets=None, folder=None):  # fmt: skip
    path = Path(folder or tempfile.mkdtemp(dir=_ROOT.name)) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path, "w", driver="GTiff", count=len(values), height=values.shape[1],
        width=values.shape[2], dtype=values.dtype, crs="EPSG:32633", nodata=nodata,
        transform=rasterio.transform.from_origin(384000, 5824000, 10, 10),
    ) as dst:  # fmt: skip
        dst.write(values)
        if descriptions:
            dst.descriptions = descriptions
        if scales:
            dst.scales = scales
        if offsets:
            dst.offsets = offsets
        dst.update_tags(**(tags or {}))
    return path


def read(path, **options):
    with readings() as heard:
        scene = open_sentinel2(path, **options).to_array("band").values
    return scene, heard[-1]


def dn(reflectance, dtype=np.uint16):
    return np.round(reflectance * 1e4).astype(dtype)


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


NAMES = {
    "products": ALL_BANDS,
    "no zero": tuple(b.replace("B0", "B") for b in ALL_BANDS),
    "with pixel size": tuple(f"T33UUU_20240712T101031_{b}_20m" for b in ALL_BANDS),
    "small": tuple(b.lower() for b in ALL_BANDS),
    "GDAL": tuple(f"{b.replace('B0', 'B')}, central wavelength 1 nm" for b in ALL_BANDS),
    "EO 1.0": (
        "coastal", "blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08", "nir09",
        "cirrus", "swir16", "swir22",
    ),
    "EO 1.1": (
        "coastal", "blue", "green", "red", "rededge071", "rededge075", "rededge078", "nir", "nir08",
        "nir09", "cirrus", "swir16", "swir22",
    ),
    "wavelengths": (
        "coastal", "blue", "green", "red", "rededge705", "rededge740", "rededge783", "nir842", "nir865",
        "nir945", "cirrus", "swir1610", "swir2190",
    ),
    "Africa": (
        "coastal_aerosol", "blue", "green", "red", "red_edge_1", "red_edge_2", "red_edge_3", "nir_1",
        "nir_2", "water_vapour", "swir_1", "swir_2", "swir_3",
    ),
    "Australia": (
        "nbart_coastal_aerosol", "nbart_blue", "nbart_green", "nbart_red", "nbart_red_edge_1",
        "nbart_red_edge_2", "nbart_red_edge_3", "nbart_nir_1", "nbart_nir_2", "nbart_x", "nbart_swir_1",
        "nbart_swir_2", "nbart_swir_3",
    ),
    "words": (
        "Coastal aerosol", "Blue", "Green", "Red", "Red Edge 1", "Red Edge 2", "Red Edge 3", "NIR",
        "NIR narrow", "Water vapour", "SWIR - Cirrus", "SWIR 1", "SWIR 2",
    ),
    "Earth Engine": (
        "Aerosols", "Blue", "Green", "Red", "Red Edge 1", "Red Edge 2", "Red Edge 3", "NIR", "Red Edge 4",
        "Water vapor", "Cirrus", "SWIR 1", "SWIR 2",
    ),
    "HLS": (
        "Coastal_Aerosol", "Blue", "Green", "Red", "Red_Edge1", "Red_Edge2", "Red_Edge3", "NIR_Broad",
        "NIR_Narrow", "Water_Vapor", "Cirrus", "SWIR1", "SWIR2",
    ),
    "FORCE": (
        "ULTRABLUE", "BLUE", "GREEN", "RED", "REDEDGE1", "REDEDGE2", "REDEDGE3", "BROADNIR", "NIR", "WVP",
        "CIRRUS", "SWIR1", "SWIR2",
    ),
    "FORCE, short": (
        "x", "BLU", "GRN", "RED", "RE1", "RE2", "RE3", "BNR", "NIR", "y", "z", "SW1", "SW2",
    ),
    "numbers that only count": tuple(
        f"B{i} ({w})"
        for i, w in enumerate(
            ("Blue", "Green", "Red", "Red Edge 1", "Red Edge 2", "Red Edge 3", "NIR", "Narrow NIR",
             "SWIR 1", "SWIR 2"), 1,
        )
    ),
    "ACOLITE": (
        "rhos_443", "rhos_492", "rhos_560", "rhos_665", "rhos_704", "rhos_740", "rhos_783", "rhos_833",
        "rhos_865", "rhos_945", "rhos_1373", "rhos_1614", "rhos_2202",
    ),
}  # fmt: skip


@settings(max_examples=8, deadline=None)
@pytest.mark.parametrize("convention", list(NAMES))
@given(data=st.data())
def test_bands_are_known_by_the_names_of_any_provider(city, convention, data):
    names = NAMES[convention]
    bands = BANDS if len(names) == 10 else ALL_BANDS
    kept = [b for b in bands if b in BANDS or data.draw(st.booleans())]
    order = data.draw(st.permutations(kept))
    if convention == "numbers that only count":
        order = list(kept)
    if "swir_1" in " ".join(names) and "B10" not in order:
        assert "swir_3" in " ".join(names)  # what tells that the first is the cirrus band
    values = np.stack([dn(city)[BANDS.index(b)] if b in BANDS else dn(city)[0] * 2 for b in order])
    extra = data.draw(st.booleans())
    described = [names[bands.index(b)] for b in order]
    if extra:
        values, described = np.concatenate([values, values[:1] * 0 + 4]), [*described, "SCL"]
    scene, told = read(write(values, descriptions=described))
    np.testing.assert_allclose(scene, city, atol=6e-5)
    assert told.facts["bands_by"] == "names"


@pytest.mark.parametrize(
    "names",
    [
        ("blue", "green", "red", "re_a", "re_b", "re_c", "nir", "nir_x", "ir1", "ir2"),
        tuple(f"SR_B{i}" for i in range(1, 11)),
        ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "swir_mystery"),
    ],
)
def test_names_that_do_not_tell_are_listed_with_what_to_do(city, names):
    with pytest.raises(InputError, match=r"lacks the Sentinel-2 band\(s\).*--bands") as refused:
        open_sentinel2(write(dn(city), descriptions=names))
    assert all(repr(n) in str(refused.value) for n in names)
    scene, _ = read(write(dn(city), descriptions=names), bands=BANDS)
    np.testing.assert_allclose(scene, city, atol=6e-5)


def test_a_band_that_is_there_twice_is_asked_for_but_finer_pixels_win(city):
    twice = np.concatenate([dn(city), dn(city)[:1]])
    names = [*(f"{b}_median" for b in BANDS), "B02_stdDev"]
    with pytest.raises(InputError, match=r"B02 2 times \('B02_median', 'B02_stdDev'\).*--bands"):
        open_sentinel2(write(twice, descriptions=names))
    scene, _ = read(write(twice, descriptions=names), bands=[*BANDS, "-"])
    np.testing.assert_allclose(scene, city, atol=6e-5)
    twice[-1] //= 2
    scene, _ = read(write(twice, descriptions=[*(f"{b}_10m" for b in BANDS), "B02_20m"]))
    np.testing.assert_allclose(scene, city, atol=6e-5)


def test_bands_that_are_only_counted_are_taken_in_order_of_wavelength(city):
    scene, told = read(write(dn(city), descriptions=[f"Band {i}" for i in range(1, 11)]))
    np.testing.assert_allclose(scene, city, atol=6e-5)
    assert told.facts["bands_by"] == "order"


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
def test_city_folders_as_systems_and_people_leave_them(city, seasons, ending, hidden, named):
    root = Path(tempfile.mkdtemp(dir=_ROOT.name))
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


def test_a_file_of_variables_says_how_to_make_bands_of_them(tmp_path, city):
    with h5py.File(tmp_path / "cube.h5", "w") as file:
        for band, values in zip(BANDS, dn(city), strict=True):
            file[band] = values
    with pytest.raises(InputError, match=r"holds 10 variables \(B02, .*gdalbuildvrt -separate"):
        open_sentinel2(tmp_path / "cube.h5")
