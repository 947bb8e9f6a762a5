"""Names of Sentinel-2 bands as any provider gives them: read, or listed with what to do."""

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_sentinel2 import dn, land
from synthetic_sentinel2 import read_told as read
from synthetic_sentinel2 import write_raster as write

from lczlib.errors import InputError
from lczlib.scenes import open_sentinel2
from lczlib.scenes.bands import ALL_BANDS, BANDS

SIZE = 96


@pytest.fixture(scope="module")
def city():
    """Reflectance of ten bands."""
    return land(SIZE, seed=3)


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
    with pytest.raises(
        InputError, match=r"lacks the Sentinel-2 band\(s\).*--bands.*lcz train --sensor"
    ) as refused:
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


def test_a_file_of_variables_says_how_to_make_bands_of_them(tmp_path, city):
    with h5py.File(tmp_path / "cube.h5", "w") as file:
        for band, values in zip(BANDS, dn(city), strict=True):
            file[band] = values
    with pytest.raises(InputError, match=r"holds 10 variables \(B02, .*gdalbuildvrt -separate"):
        open_sentinel2(tmp_path / "cube.h5")
