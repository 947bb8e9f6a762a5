"""Values that are not what a network reads: all that is wrong in one message, and mended in one go."""

import re
import warnings

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from synthetic_sentinel2 import write_raster

from lczlib.errors import InputError
from lczlib.mapping import MapRequest, prepare
from lczlib.mapping.sources import open_sources
from lczlib.models import published_weights
from lczlib.reading import InputWarning, readings
from lczlib.scene_options import SceneOptions
from lczlib.scenes import open_sentinel2
from lczlib.scenes.band_order import OTHER_ORDERS
from lczlib.scenes.bands import ALL_BANDS, BANDS
from lczlib.scenes.doubtful import DOUBTS, open_doubtful
from lczlib.scenes.simulation import simulate_city
from lczlib.terms import worded

NETWORK = "so2sat_s2_resnet20"
DAY = "2021-07-23"


@pytest.fixture(scope="module")
def summer():
    """Top-of-atmosphere reflectance of a simulated city, (10, y, x)."""
    scene = simulate_city(2, 1).sentinel2["summer"]
    return np.stack([scene[b].values for b in BANDS])


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    path = tmp_path_factory.mktemp("guard") / "scene.tif"

    def written(stored, names=(), dtype="uint16"):
        stored = np.clip(np.round(stored), 0, np.iinfo(dtype).max).astype(dtype)
        with rasterio.open(
            path, "w", driver="GTiff", count=len(stored), height=stored.shape[1], width=stored.shape[2],
            dtype=dtype, crs="EPSG:32633", transform=rasterio.transform.from_origin(384040, 5820320, 10, 10),
        ) as dst:  # fmt: skip
            dst.write(stored)
            dst.descriptions = names or (None,) * len(stored)
        return str(path)

    return written


def judged(path, **options):
    """Warnings, or the refusal in a list; and whether it was refused."""
    request = MapRequest((path,), weights=(NETWORK,), **options)
    try:
        with readings():
            sources, _ = open_sources(request, {NETWORK: published_weights(NETWORK)})
            prepared = prepare(
                sources[0].scene, published_weights(NETWORK), name="s2",
                accept_values=request.accept_values,
            )  # fmt: skip
    except InputError as err:
        return [str(err)], True
    return list(prepared.warnings), False


def advice(texts):
    """The options of a message: those of its last line, where it has several."""
    text = worded(" ".join(texts))
    text = text.rpartition(" at once: ")[2] or text
    found = {}
    for name, value in re.findall(r"--(scale|offset|bands|level) (\S+)", text):
        value = value.rstrip(".,;)")
        found[name] = (
            tuple(value.split(","))
            if name == "bands"
            else value
            if name == "level"
            else float(value)
        )
    if "level" in found:
        found["date"] = DAY
    return found


@given(
    unit=st.sampled_from([1e-4, 1e-3]),
    offset=st.booleans(),
    surface=st.booleans(),
    order=st.sampled_from([BANDS, *OTHER_ORDERS.values()]),
    named=st.booleans(),
)
@settings(
    max_examples=24, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_wrong_is_said_at_once_and_is_mended_by_what_is_said(
    summer, write, unit, offset, surface, order, named
):
    assume(not (named and order == OTHER_ORDERS["red first"]))  # blue and red alone do not show
    reflectance = summer.copy()
    if surface:  # without the blue light of the air, whose effect falls with the wavelength
        haze = np.linspace(0.07, 0, len(BANDS))[:, None, None]
        reflectance = np.maximum(reflectance - haze, 0.005)
    stored = (reflectance + (0.1 if offset else 0)) / unit
    stored = stored[[BANDS.index(b) for b in order]]
    names = BANDS if named else ()  # of another order: misnamed
    path = write(stored, names)
    texts, refused = judged(path)
    text = worded(" ".join(texts))
    if "do not tell their order for certain" in text:
        assert refused
        assert not named
        return
    wrong_order = order != BANDS
    assert refused == (unit == 1e-3 or (wrong_order and not named)), text
    assert ("--scale 0.001" in text) == (unit == 1e-3)
    assert ("offset of -1000" in text) == offset
    assert ("--level L2A" in text) == surface
    assert (f"--bands {','.join(order)}" in text) == wrong_order
    if texts:
        mended, refused = judged(path, **advice(texts))
        assert not refused
        assert mended == []


@given(dtype=st.sampled_from(["uint8", "uint16"]), dark=st.integers(1, 20), named=st.booleans())
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_an_image_for_the_screen_is_refused(summer, write, dtype, dark, named):
    low, high = np.percentile(summer, (2, 98), axis=(1, 2), keepdims=True)
    stretched = np.clip((summer - low) / (high - low), 0, 1) * (255 - dark)
    texts, refused = judged(write(stretched + 1, BANDS if named else (), dtype))
    assert refused
    assert "image made for the screen" in texts[0]


@pytest.mark.parametrize("surface", [False, True])
@pytest.mark.parametrize(
    ("dtype", "unit", "floor"),
    [("int16", 1e-4, None), ("float32", 1.0, None), ("uint16", 1e-4, 0), ("uint16", 1e-4, 1)],
)
def test_an_offset_removed_twice_is_put_back_by_what_is_said(
    summer, tmp_path, surface, dtype, unit, floor
):
    haze = np.linspace(0.07, 0, len(BANDS))[:, None, None] if surface else 0.0
    right = np.maximum(summer - haze, 0.005)
    stored = (right - 0.1) / unit
    stored = np.round(stored) if unit < 1 else stored
    stored = (stored if floor is None else np.maximum(stored, floor)).astype(dtype)
    path = str(write_raster(stored, folder=tmp_path))
    texts, refused = judged(path)
    assert not refused
    assert "seems to have been removed twice" in texts[0]
    assert not any("L2A" in text for text in texts) or surface
    offset = advice(texts)["offset"]
    assert offset == pytest.approx(0.1 / unit)
    whole = np.ones(right.shape, bool) if floor is None else stored > floor
    with readings():
        mended = open_sentinel2(path, offset=offset).to_array("band").values
    np.testing.assert_allclose(mended[whole], right[whole], atol=1e-4)
    texts, _ = judged(path, offset=offset)
    assert not any("offset" in text for text in texts)


def test_an_offset_of_the_file_removed_twice_is_taken_off(summer, tmp_path):
    path = str(
        write_raster(
            np.round(summer * 1e4).astype(np.int16), offsets=[-1000.0] * 10, folder=tmp_path
        )
    )
    texts, _ = judged(path)
    assert not any("L2A" in text for text in texts)
    with readings() as heard:
        open_sentinel2(path)
    assert "set none (--offset 0)" in worded(heard[0].cautions[0])


def test_numbers_that_fell_below_zero_without_a_sign_are_refused(summer, write):
    stored = (np.round(summer * 1e4) - 1000).astype(np.int64) % 65536
    texts, refused = judged(write(stored, BANDS))
    assert refused
    assert "values just below 65536" in texts[0]


@pytest.mark.parametrize("stretched", [65535.0, 32767.0])
@pytest.mark.parametrize("surface", [False, True])
def test_reflectance_stretched_over_16_bits_is_refused_with_its_scale(
    summer, write, stretched, surface
):
    haze = np.linspace(0.07, 0, len(BANDS))[:, None, None] if surface else 0.0
    path = write(np.maximum(summer - haze, 0.005) * stretched, BANDS)
    texts, refused = judged(path)
    if not refused:  # little is green enough to be certain
        assert surface
        assert stretched == 32767
        return
    assert advice(texts)["scale"] == pytest.approx(1 / stretched, rel=1e-5)
    texts, refused = judged(path, **advice(texts))
    assert not refused
    assert texts == []


def test_reflectance_in_bytes_is_refused_with_its_scale(summer, write):
    texts, refused = judged(write(summer * 255, BANDS, "uint8"))
    assert refused
    assert "--scale 0.00392157 for 0 to 1 stored as 0 to 255" in texts[0]


@pytest.mark.parametrize(("factor", "option"), [(100, {}), (1e4, {"scale": 1.0}), (1e5, {})])
def test_other_units_are_refused_with_their_scale(summer, write, factor, option):
    path = write(summer * factor, BANDS)
    texts, refused = judged(path, **option)
    assert refused
    asked = advice(texts)["scale"]
    assert asked == pytest.approx(1 / factor)
    assert judged(path, scale=asked) == ([], False)


def test_who_insists_gets_a_warning_in_place_of_the_refusal(summer, write):
    path = write(summer * 1000, BANDS)
    (text,), refused = judged(path)
    assert refused
    assert "--accept-values" in text
    texts, refused = judged(path, accept_values=True)
    assert not refused
    assert "reflectance x 1000" in texts[0]
    unnamed = write(summer[[BANDS.index(b) for b in OTHER_ORDERS["B8A last"]]] * 1e4)
    (text,), refused = judged(
        unnamed, accept_values=True
    )  # in which order is no matter of insisting
    assert refused
    assert "--accept-values" not in text


def test_what_is_tried_of_a_doubtful_image_is_told_to_nobody(summer, write):
    path = write(summer[[BANDS.index(b) for b in OTHER_ORDERS["B8A last"]]] * 1e4)
    with readings() as heard:
        assert DOUBTS in open_doubtful(path, SceneOptions()).attrs
    assert not heard


def test_thirteen_unnamed_bands_are_judged_as_well(summer, write):
    every = [summer[BANDS.index(b)] if b in BANDS else summer[0] for b in ALL_BANDS]
    texts, refused = judged(write((np.stack(every) + 0.1) * 1000))
    assert refused
    assert advice(texts)["offset"] == -100


@given(share=st.floats(0.3, 1.0), level=st.sampled_from(["L1C", "L2A"]))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_city_by_the_sea_is_not_taken_for_another_scale(summer, write, share, level):
    sea = {"L1C": (0.1, 0.07, 0.05, 0.04, 0.03, 0.03, 0.02, 0.02, 0.01, 0.01),
           "L2A": (0.03, 0.03, 0.02, 0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005)}[level]  # fmt: skip
    scene = summer.copy()
    columns = int(share * scene.shape[2])
    noise = np.random.default_rng(0).normal(0, 0.002, scene[:, :, :columns].shape)
    scene[:, :, :columns] = np.asarray(sea)[:, None, None] + noise
    texts, refused = judged(write(scene * 1e4, BANDS))
    assert not refused
    assert all("scale" not in t or "water nearly everywhere" in t for t in texts)


def test_without_a_listener_python_callers_are_warned(summer, write):
    path = write((summer + 0.1) * 1e4, BANDS)
    weights = published_weights(NETWORK)
    sources, _ = open_sources(MapRequest((path,), weights=(NETWORK,)), {NETWORK: weights})
    with pytest.warns(InputWarning, match="offset of -1000"):
        prepare(sources[0].scene, weights)
    with readings() as heard, warnings.catch_warnings():
        warnings.simplefilter("error")
        prepare(sources[0].scene, weights, name="s2")
    (reading,) = [r for r in heard if r.what == "scene s2"]
    assert "times those that so2sat_s2_resnet20 was trained on" in str(reading)
    assert "offset of -1000" in reading.cautions[0]
