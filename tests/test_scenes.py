import shutil

import numpy as np
import pytest
import rasterio

from lczlib.errors import GridError, InputError
from lczlib.scenes import (
    open_raster_scene,
    open_sentinel1,
    open_sentinel2,
    open_so2sat,
    so2sat_features,
)
from lczlib.scenes.atmosphere import (
    rayleigh_optical_depth,
    sun_elevation,
    to_top_of_atmosphere,
    what_was_put_back,
)
from lczlib.scenes.bands import ALL_BANDS, BANDS
from lczlib.scenes.sentinel1 import FEATURES

CITY = "00001_99999_Testville"


@pytest.fixture
def berlin_dn(shared):
    """The real Berlin scene: ten bands of DN."""
    with rasterio.open(shared / "mirror/berlin_s2_20241024.tif") as src:
        return src.read().astype(np.uint16)


def test_berlin_opens_as_reflectance(shared):
    scene = open_sentinel2(shared / "mirror/berlin_s2_20241024.tif")
    assert tuple(scene) == BANDS
    assert scene.B02.dtype == np.float32
    assert dict(scene.sizes) == {"y": 348, "x": 348}
    assert 0.03 < float(np.median(scene.B02)) < 0.05
    assert scene.rio.crs.to_epsg() == 32633
    assert scene.B08.chunks is not None


def test_thirteen_unnamed_bands_are_in_order_of_wavelength(shared):
    path = shared / "data/s1s2_pairs/ROIs1970_fall_139_p839_s2_cloudfree.tif"
    scene = open_sentinel2(path)
    with rasterio.open(path) as src:
        np.testing.assert_allclose(scene.B8A, src.read(9) / 1e4, rtol=1e-6)
        np.testing.assert_allclose(scene.B12, src.read(13) / 1e4, rtol=1e-6)


@pytest.mark.parametrize(
    ("names", "stored"),
    [
        (
            (
                "blue",
                "green",
                "red",
                "rededge1",
                "rededge2",
                "rededge3",
                "nir",
                "nir08",
                "swir16",
                "swir22",
            ),
            BANDS,
        ),
        (tuple(f"S2_B{b[1:].lstrip('0')}_median" for b in reversed(BANDS)), tuple(reversed(BANDS))),
    ],
)
def test_named_bands_are_taken_by_name(berlin_dn, write_tif, names, stored):
    values = np.stack([berlin_dn[BANDS.index(b)] for b in stored])
    scene = open_sentinel2(write_tif(values, descriptions=names))
    for i, band in enumerate(BANDS):
        np.testing.assert_allclose(scene[band], berlin_dn[i] / 1e4, rtol=1e-6)


def test_twelve_bands_are_those_of_l2a(berlin_dn, write_tif):
    order = [b for b in ALL_BANDS if b != "B10"]
    values = np.stack([berlin_dn[BANDS.index(b) if b in BANDS else 0] for b in order])
    np.testing.assert_allclose(open_sentinel2(write_tif(values)).B11, berlin_dn[8] / 1e4, rtol=1e-6)


def test_ten_unnamed_bands_in_another_order_are_refused_by_their_values(berlin_dn, write_tif):
    lcznet = [*BANDS[:7], "B11", "B12", "B8A"]
    values = berlin_dn[[BANDS.index(b) for b in lcznet]]
    with pytest.raises(InputError, match="B8A last"):
        open_sentinel2(write_tif(values))
    scene = open_sentinel2(write_tif(values), bands=lcznet)
    np.testing.assert_allclose(scene.B8A, berlin_dn[7] / 1e4, rtol=1e-6)


def test_ten_unnamed_bands_that_tell_nothing_are_asked_for(write_tif):
    noise = np.random.default_rng(0).integers(500, 3000, (10, 40, 40)).astype(np.uint16)
    with pytest.raises(InputError, match=r"not tell their order for certain.*--bands"):
        open_sentinel2(write_tif(noise))


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_dn_and_reflectance_give_the_same_scene(berlin_dn, write_tif, dtype):
    values = berlin_dn if dtype == np.uint16 else (berlin_dn / 1e4).astype(np.float32)
    np.testing.assert_allclose(
        open_sentinel2(write_tif(values)).to_array(), berlin_dn / 1e4, rtol=1e-5
    )


@pytest.mark.parametrize(
    "said",
    [
        {"offset": -1000},
        {"tags": {"PROCESSING_BASELINE": "05.10"}},
        {"tags": {"BOA_ADD_OFFSET": "-1000", "PROCESSING_BASELINE": "04.00"}},
        {"scales": (1e-4, -0.1)},
        {"scales": (1e-4, 0.0), "offset": -1000},
        {"scales": (1e-4, 0.0), "tags": {"RADIO_ADD_OFFSET": "-1000"}},
    ],
)
def test_the_baseline_offset_is_removed_exactly_once(berlin_dn, write_tif, said):
    tags, scales = said.get("tags"), said.get("scales")
    path = write_tif(berlin_dn + 1000, descriptions=BANDS, tags=tags)
    if scales:
        with rasterio.open(path, "r+") as dst:
            dst.scales, dst.offsets = (scales[0],) * 10, (scales[1],) * 10
    scene = open_sentinel2(path, offset=said.get("offset"))
    np.testing.assert_allclose(scene.to_array(), berlin_dn / 1e4, atol=1e-6)
    assert scene.attrs["offset_removed"]


@pytest.mark.parametrize(
    "tags",
    [
        {"PROCESSING_BASELINE": "03.01"},
        {"PROCESSING_BASELINE": "05.10", "boa_offset_applied": "true"},
        {},
    ],
)
def test_an_offset_that_is_not_there_is_not_removed(berlin_dn, write_tif, tags):
    scene = open_sentinel2(write_tif(berlin_dn, tags=tags))
    np.testing.assert_allclose(scene.to_array(), berlin_dn / 1e4, atol=1e-6)
    assert not scene.attrs["offset_removed"]


def test_reflectance_whose_metadata_tells_of_an_offset_is_left_alone(berlin_dn, write_tif):
    path = write_tif((berlin_dn / 1e4).astype(np.float32), tags={"PROCESSING_BASELINE": "05.10"})
    np.testing.assert_allclose(open_sentinel2(path).to_array(), berlin_dn / 1e4, rtol=1e-5)
    with pytest.raises(InputError, match="one of DN"):
        open_sentinel2(path, offset=-1000)


def test_a_stated_no_data_value_counts_beside_the_files_own(berlin_dn, write_tif):
    berlin_dn[:, 3, 3], berlin_dn[:, 5, 5] = 7, 9
    scene = open_sentinel2(write_tif(berlin_dn, nodata=7), nodata=9)
    assert np.isnan(scene.B04[3, 3])
    assert np.isnan(scene.B04[5, 5])


def test_missing_pixels_are_nan(berlin_dn, write_tif):
    berlin_dn[:, :5] = 0
    berlin_dn[:, 10, 10] = 65535
    berlin_dn[9, 20, 20] = 0  # one dark band alone is a measurement
    scene = open_sentinel2(write_tif(berlin_dn, nodata=65535)).compute()
    assert np.isnan(scene.to_array()[:, :5]).all()
    assert np.isnan(scene.B04[10, 10])
    assert scene.B12[20, 20] == 0
    assert scene.to_array().isnull().sum() == 10 * (5 * 348 + 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda dn: dn[:7], r"7 unnamed bands.*10, 12 or 13"),
        (lambda dn: dn * 0, "no valid pixel"),
        (lambda dn: np.full(dn.shape, np.nan, np.float32), "no valid pixel"),
        (lambda dn: (dn / 100).astype(np.float32), r"neither reflectance.*--scale"),
        (lambda dn: -(dn / 100).astype(np.float32), "dB"),
    ],
)
def test_what_cannot_be_sentinel2_is_refused(berlin_dn, write_tif, change, message):
    with pytest.raises(InputError, match=message):
        open_sentinel2(write_tif(change(berlin_dn)))


def test_a_missing_crs_is_refused(berlin_dn, write_tif):
    with pytest.raises(GridError, match="no coordinate reference system"):
        open_sentinel2(write_tif(berlin_dn, crs=None))


def test_a_truncated_file_is_refused(shared, tmp_path):
    whole = (shared / "mirror/berlin_s2_20241024.tif").read_bytes()
    path = tmp_path / "cut.tif"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="truncated"):
        open_sentinel2(path)


def test_sentinel1_features_agree_with_the_original_away_from_the_edge(shared):
    golden = np.load(shared / "goldens/so2sat_city/intermediate.npz")
    features = so2sat_features(open_so2sat(shared / "goldens/so2sat_city/data").sentinel1)
    inner = golden["s1_mask"][1:-1, 1:-1]
    for i, name in enumerate(FEATURES):
        ours = (features[name].values - golden["s1_mean"][i]) / golden["s1_std"][i]
        difference = np.abs(ours - golden["s1_features"][i])[1:-1, 1:-1][inner]
        assert difference.max() < 1e-4, name
    np.testing.assert_array_equal(features.VV_dB.notnull(), golden["s1_mask"])


def test_features_do_not_depend_on_chunks(shared):
    root = shared / "goldens/so2sat_city/data/Sentinel-1" / CITY
    files = (root / "mosaic_unfilt_dat/202106/mosaic.tif", root / "mosaic_dat/202106/mosaic.tif")
    whole, chunked = (so2sat_features(open_sentinel1(*files, chunk=n)) for n in (1024, 100))
    assert len(chunked.COH.chunks[0]) == 4
    for name in FEATURES:
        np.testing.assert_array_equal(whole[name], chunked[name])


def test_coherence_at_the_edge_does_not_see_the_other_side(shared):
    scene = open_so2sat(shared / "goldens/so2sat_city/data").sentinel1.compute()
    other = scene.copy(deep=True)
    other["VH_re"][-1] *= 3
    a, b = (so2sat_features(s).COH.values for s in (scene, other))
    np.testing.assert_array_equal(a[0], b[0])
    assert not np.array_equal(a[-1], b[-1])


def test_decibels_where_linear_is_expected_are_refused(shared, tmp_path):
    root = shared / "goldens/so2sat_city/data/Sentinel-1" / CITY
    with rasterio.open(root / "mosaic_dat/202106/mosaic.tif") as src:
        profile, values = src.profile, src.read()
    with rasterio.open(tmp_path / "db.tif", "w", **profile) as dst:
        dst.write(10 * np.log10(np.maximum(np.abs(values), 1e-3)))
    with pytest.raises(InputError, match="look like dB"):
        open_sentinel1(root / "mosaic_unfilt_dat/202106/mosaic.tif", tmp_path / "db.tif")


@pytest.fixture
def city(shared, tmp_path):
    """A copy of the reference So2Sat city that a test may damage."""
    return shutil.copytree(shared / "goldens/so2sat_city/data", tmp_path / "data")


def test_a_city_folder_opens_with_all_seasons_in_order(city):
    found = open_so2sat(city)
    assert found.name == CITY
    assert list(found.seasons) == ["spring", "summer", "autumn", "winter"]
    assert found.sentinel1_time == "202106"
    assert found.notes == ()


def test_a_missing_season_is_said_and_refused_when_asked_for(city):
    shutil.rmtree(city / "Sentinel-2" / CITY / "winter")
    found = open_so2sat(city)
    assert list(found.seasons) == ["spring", "summer", "autumn"]
    assert "winter" in found.notes[0]
    with pytest.raises(InputError, match="winter scene is missing"):
        open_so2sat(city, seasons=["summer", "winter"])


def test_an_empty_season_folder_is_refused(city):
    next((city / "Sentinel-2" / CITY / "winter").glob("*.tif")).unlink()
    with pytest.raises(InputError, match=r"winter scene is missing.*\*_winter\.tif"):
        open_so2sat(city)


def test_a_missing_lee_mosaic_is_refused(city):
    (city / "Sentinel-1" / CITY / "mosaic_dat/202106/mosaic.tif").unlink()
    with pytest.raises(InputError, match="Lee-filtered mosaic"):
        open_so2sat(city)


def test_sensors_of_different_cities_are_refused(city, shared, write_tif):
    values = np.random.default_rng(0).integers(500, 3000, (13, 400, 400)).astype(np.uint16)
    other = write_tif(values, "spring.tif")
    shutil.copy(other, city / "Sentinel-2" / CITY / "spring" / "99999_spring.tif")
    with pytest.raises(GridError, match="grids differ"):
        open_so2sat(city)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"city": "00002_1_Elsewhere"}, "has no city"),
        ({"sentinel1_time": "199901"}, "has no time"),
        ({"seasons": ["monsoon"]}, "no season"),
    ],
)
def test_what_a_folder_does_not_have_is_named(city, options, message):
    with pytest.raises(InputError, match=message):
        open_so2sat(city, **options)


def test_several_cities_ask_for_one(city):
    (city / "Sentinel-2" / "00002_1_Elsewhere").mkdir()
    with pytest.raises(InputError, match="--city"):
        open_so2sat(city)


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(InputError, match="no So2Sat folder"):
        open_so2sat(tmp_path)


def test_another_sensors_raster_opens_by_band_names(shared):
    path = shared / "data/hong_kong/LC81220442014288LGN00_B1-7_B10_B11_100m.tif"
    names = ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B10", "B11"]
    scene = open_raster_scene(path, sensor="landsat", bands=names, nodata=0)
    assert list(scene) == names
    assert scene.B10.isnull().any()
    with pytest.raises(InputError, match="9 bands"):
        open_raster_scene(path, bands=names[:7])


def test_rayleigh_optical_depth_is_that_of_the_standard_atmosphere():
    # Bodhaine et al. (1999), table 3, at sea level: 0.1424 at 0.50 um, 0.0372 at 0.70 um
    assert rayleigh_optical_depth(0.5) == pytest.approx(0.1424, rel=0.02)
    assert rayleigh_optical_depth(0.7) == pytest.approx(0.0363, rel=0.03)


def test_the_sun_is_higher_in_summer_and_nearer_the_equator():
    import datetime as dt

    assert sun_elevation(dt.date(2024, 6, 21), 52.5) == pytest.approx(56, abs=2)
    assert sun_elevation(dt.date(2024, 12, 21), 52.5) == pytest.approx(10, abs=2)
    assert sun_elevation(dt.date(2024, 3, 20), 0) == pytest.approx(67.5, abs=1)


def test_the_atmosphere_brightens_blue_most_and_shortwave_infrared_not(shared):
    surface = open_sentinel2(shared / "mirror/berlin_s2_20241024.tif").compute()
    above = to_top_of_atmosphere(surface, date="2024-10-24")
    summer = to_top_of_atmosphere(surface, date="2024-06-24")
    (said,) = what_was_put_back(
        [above, surface, summer, above]
    )  # one sentence, however many seasons
    assert "sun at 22, 56 degrees" in said
    gain = {b: float((above[b] - surface[b]).median()) for b in BANDS}
    assert gain["B02"] > gain["B03"] > gain["B04"] > 0.01
    assert abs(gain["B12"]) < 0.005
    # top-of-atmosphere blue over cities is about 0.1 (So2Sat's mean: 0.124)
    assert 0.08 < float(above.B02.median()) < 0.13
    assert above.attrs["level"] == "L1C"
    with pytest.raises(InputError, match="--date"):
        to_top_of_atmosphere(surface)
