"""What radar rasters say of their backscatter, and what the networks do about it."""

import numpy as np
import pytest

from lczlib.errors import InputError
from lczlib.mapping.water_scene import open_water_scene
from lczlib.reading import readings
from lczlib.scenes.radiometry import check_sigma, floor_of, radiometry_of
from lczlib.scenes.sentinel1 import open_sentinel1, open_sentinel1_rasters


def scene(seed=1, size=200):
    """VV and VH in dB over land."""
    speckle = np.random.default_rng(seed).gamma(4.4, 1 / 4.4, (2, size, size))
    return (np.array([-11.0, -18.0])[:, None, None] + 10 * np.log10(speckle)).astype(np.float32)


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ({"radiometry": "sigma nought, dB"}, "sigma nought"),
        ({"radiometry": "gamma nought", "note": "sigma0 beside it"}, "gamma nought"),
        ({"PROCESSING": "RTC to Gamma0"}, "gamma nought"),
        ({"a": "beta_0"}, "beta nought"),
        ({"a": "sigma0", "b": "gamma0"}, ""),
        ({"loss": "focal gamma 2", "stigma0": "stigma0"}, ""),
        ({}, ""),
    ],
)
def test_tags_say_which_it_is_or_nothing(tags, says, write_tif):
    assert radiometry_of(write_tif(scene(), tags=tags)) == says


def test_names_of_bands_say_it_too(write_tif):
    assert (
        radiometry_of(write_tif(scene(), descriptions=("VV_gamma0", "VH_gamma0"))) == "gamma nought"
    )


def test_water_is_mapped_of_gamma_nought_with_a_caution(write_tif):
    path = write_tif(scene(), descriptions=("VV", "VH"), tags={"radiometry": "gamma nought"})
    with pytest.warns(
        UserWarning, match=r"gamma nought\. On which one GMNet was trained is stated nowhere"
    ):
        open_water_scene(path, "as")


@pytest.mark.parametrize(
    ("tags", "says"),
    [({"radiometry": "sigma nought, dB"}, "sigma nought by its tags"), ({}, "its tags do not say")],
)
@pytest.mark.filterwarnings("error::UserWarning")
def test_of_sigma_nought_or_none_stated_it_is_said_without_one(tags, says, write_tif):
    path = write_tif(scene(), descriptions=("VV", "VH"), tags=tags)
    with readings() as heard:
        open_water_scene(path, "as")
    assert says in str(heard[0])


def test_two_passes_of_two_radiometries_are_not_one_scene(write_tif):
    up, down = (
        write_tif(
            scene(), f"{name}.tif", descriptions=("VV", "VH"), tags={"radiometry": f"{kind} nought"}
        )
        for name, kind in (("up", "sigma"), ("down", "gamma"))
    )
    with (
        pytest.warns(UserWarning, match="gamma nought"),
        pytest.raises(InputError, match="one holds gamma nought and the other sigma nought"),
    ):
        open_water_scene(up, "as_des", descending=down)


def test_so2sats_network_refuses_what_is_not_sigma_nought(write_tif):
    four = np.abs(np.random.default_rng(1).normal(size=(4, 64, 64))).astype(np.float32)
    good, bad = (
        write_tif(four, "good.tif"),
        write_tif(four, "bad.tif", tags={"radiometry": "gamma nought"}),
    )
    check_sigma(good, "the network")
    for opened in (lambda: open_sentinel1(good, bad), lambda: open_sentinel1_rasters([bad, good])):
        with pytest.raises(
            InputError, match=r"bad\.tif holds gamma nought by its tags, and So2Sat's network"
        ):
            opened()


def test_calm_water_raised_to_a_stated_floor_is_not_missing(write_tif):
    """A lake below the noise, of which a third of VH was raised to -40 dB: one value in many blocks."""
    values = scene(2, 300)
    rng = np.random.default_rng(5)
    lake = (np.s_[100:250], np.s_[100:250])
    noise, power = 10**-2.4, 10**-2.75
    left = (power + noise) * rng.gamma(4.4, 1 / 4.4, (150, 150)) - noise
    values[1][lake] = 10 * np.log10(np.maximum(left, 1e-4))
    assert (values[1][lake] == -40).mean() > 0.25
    plain = write_tif(values, "plain.tif", descriptions=("VV", "VH"))
    stated = {"radiometry": "sigma nought, dB", "floor": "0.0001"}
    told = write_tif(values, "told.tif", descriptions=("VV", "VH"), tags=stated)
    assert (floor_of(plain), floor_of(told)) == (None, pytest.approx(-40))
    with readings() as heard:
        opened = open_water_scene(told, "as")
    assert np.isfinite(opened.values).all()
    assert "cut off at -40 in VH, which is kept" in str(heard[0])
    assert not np.isfinite(open_water_scene(plain, "as").values).all()  # nothing says so there


@pytest.mark.parametrize("floor", ["none", "", "0", "x"])
def test_no_floor_is_taken_from_what_is_none(floor, write_tif):
    path = write_tif(scene(), tags={"radiometry": "sigma nought, dB", "floor": floor})
    assert floor_of(path) is None
