"""Radar fills, dark strips and units of all sorts, drawn; what is calm water stays."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, zoom

from lczlib.errors import InputError
from lczlib.reading import readings
from lczlib.scenes.radar_missing import Missing, find_missing
from lczlib.scenes.radar_units import check_units, to_db
from lczlib.terms import worded

ROWS, COLUMNS = 150, 170
FILLS = (-9999.0, -32768.0, -999.0, 9999.0, 255.0, -100.0, -50.0, -300.0, 1e20, 3.4e38, -30.0, 2.55)
UNITS = ("db", "linear", "amplitude")
quick = settings(max_examples=25, deadline=None)


def scene(seed: int, looks: float = 4.4) -> np.ndarray:
    """VV and VH in dB (2, y, x): land with texture, a quarter calm water near the noise floor."""
    rng = np.random.default_rng(seed)
    texture = gaussian_filter(rng.normal(size=(ROWS, COLUMNS)), 5)
    texture *= 1.5 / texture.std()
    water = texture < -1.0
    bands = []
    for land, calm in ((-10.0, -22.0), (-17.0, -28.5)):
        mean = np.where(water, calm, land + texture)
        bands.append(mean + 10 * np.log10(rng.gamma(looks, 1 / looks, mean.shape)))
    return np.stack(bands).astype(np.float32)


def holes(kind: str, share: float, seed: int) -> np.ndarray:
    """Pixels of a strip of columns, a slanted border, separate blocks or a scene mostly empty."""
    y, x = np.mgrid[:ROWS, :COLUMNS]
    if kind == "strip":
        return x >= COLUMNS * (1 - share)
    if kind == "wedge":
        return x + 0.37 * y >= COLUMNS * (1 - share) + 0.37 * ROWS / 2
    if kind == "most":
        return y < 0.8 * ROWS
    rng = np.random.default_rng(seed)
    out = np.zeros((ROWS, COLUMNS), bool)
    for _ in range(8):
        top, left = rng.integers(0, ROWS - 12), rng.integers(0, COLUMNS - 12)
        out[top : top + 6 + rng.integers(6), left : left + 6 + rng.integers(6)] = True
    return out


def in_units(db: np.ndarray, units: str) -> np.ndarray:
    power = {"db": None, "linear": 10.0, "amplitude": 20.0}[units]
    return db if power is None else (10 ** (db / power)).astype(np.float32)


def found(values: np.ndarray, units: str = "db", chunks: int = 0) -> tuple[Missing, np.ndarray]:
    """The rule of a scene, and the pixels that it takes as missing in some band."""
    data = xr.DataArray(values, dims=("band", "y", "x"))
    if chunks:
        data = data.chunk({"band": 1, "y": chunks, "x": chunks + 7})
    rule = find_missing(data, [units] * len(values))
    return rule, np.isnan(rule.without(data).values).any(0)


@quick
@given(
    st.sampled_from(FILLS), st.sampled_from(("strip", "wedge", "blocks", "most")),
    st.sampled_from(((0,), (1,), (0, 1))), st.sampled_from(UNITS), st.floats(0.05, 0.6),
    st.integers(0, 99), st.sampled_from((0, 64)),
)  # fmt: skip
def test_fills_are_missing_and_nothing_else(fill, kind, bands, units, share, seed, chunks):
    values = in_units(scene(seed), units)
    hole = holes(kind, share, seed)
    values[np.ix_(bands, *map(np.arange, hole.shape))] = np.where(
        hole, np.float32(fill), values[list(bands)]
    )
    rule, missing = found(values, units, chunks)
    np.testing.assert_array_equal(missing, hole)
    assert rule.valid == (~hole).sum()
    assert check_units(rule.sample, units, "scene") == ()


@quick
@given(
    st.sampled_from((1e-10, 1e-5, 1e-30, 1.0)), st.sampled_from(("strip", "wedge", "blocks")),
    st.integers(0, 99),
)  # fmt: skip
def test_the_db_of_an_epsilon_or_of_one_is_missing(epsilon, kind, seed):
    values, hole = scene(seed), holes(kind, 0.25, seed)
    values[:, hole] = np.float32(10 * np.log10(epsilon))
    np.testing.assert_array_equal(found(values)[1], hole)


@quick
@given(
    st.sampled_from((-32768, -9999, 255, 0, 32767)),
    st.sampled_from((0.01, 0.1)),
    st.integers(0, 99),
)
def test_fills_of_scaled_integers_are_missing(stored, step, seed):
    values, hole = np.rint(scene(seed) / step), holes("strip", 0.2, seed)
    values[values == 0] = 1
    values[:, hole] = stored
    missing = found((values * step).astype(np.float32))[1]
    assert missing[hole].all()
    assert missing[~hole].mean() < 0.001


@quick
@given(
    st.floats(1, 20), st.sampled_from((0.0, 0.01, 0.1, 0.5, 1.0, 2.0)), st.floats(-26, -22),
    st.sampled_from((1, 2, 4)), st.integers(0, 99),
)  # fmt: skip
def test_water_quantised_clipped_or_repeated_pixels_stay(looks, step, lowest, repeat, seed):
    values = scene(seed, looks)
    if step:
        values = np.round(values / step) * step
        values[values == 0] = -step
    values = np.maximum(values, [[[lowest]], [[lowest - 6]]])
    values = np.kron(values[:, ::repeat, ::repeat], np.ones((1, repeat, repeat)))
    rule, missing = found(values.astype(np.float32))
    assert not missing.any(), rule.said(("VV", "VH"))


@quick
@given(
    st.sampled_from((-9999.0, -32768.0, 9999.0, -100.0)),
    st.sampled_from((1, 3)),
    st.integers(0, 99),
)
def test_pixels_mixed_with_a_fill_by_resampling_are_missing(fill, order, seed):
    values, hole = scene(seed), holes("strip", 0.3, seed)
    values[:, hole] = fill
    fine = np.stack([zoom(b, 1.07, order=order) for b in values])
    rule, missing = found(fine)
    first = np.flatnonzero(zoom(hole[0].astype(float), 1.07, order=0)).min()
    assert missing[:, first:].all()
    assert not missing[:, : first - 8].any()  # a spline swings for some pixels
    left = fine[:, ~missing]
    clean = np.stack([zoom(b, 1.07, order=order) for b in scene(seed)])[:, ~missing]
    assert np.abs(left - clean).max() < 20
    assert rule.counts[5] > 0


@quick
@given(
    st.floats(-43, -40.5), st.floats(0.02, 0.45), st.integers(9, 60), st.sampled_from((0, 64)),
    st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_a_dark_strip_unlike_speckle_is_masked_and_named(level, spread, width, chunks, wedge, seed):
    values = scene(seed)
    y, x = np.mgrid[:ROWS, :COLUMNS]
    strip = x < width + (0.2 * y if wedge else 0)
    noise = np.random.default_rng(seed).normal(level, spread, (2, ROWS, COLUMNS))
    values = np.where(strip, noise, values).astype(np.float32)
    rule, missing = found(values, chunks=chunks)
    assert (missing == strip).mean() > 0.998
    assert "dark border strip" in "; ".join(rule.said(("VV", "VH")))


@quick
@given(
    st.floats(-41, -24), st.sampled_from((1.0, 4.4, 10.0)), st.integers(9, 60), st.integers(0, 99)
)
def test_a_dark_strip_of_speckle_is_calm_water(level, looks, width, seed):
    rng = np.random.default_rng(seed)
    values = scene(seed, looks)
    strip = level + 10 * np.log10(rng.gamma(looks, 1 / looks, (2, ROWS, width)))
    values[:, :, :width] = strip
    rule, missing = found(values)
    assert rule.counts[4] == rule.counts[2] == 0
    below = (values < -45).any(0)
    np.testing.assert_array_equal(missing, below)


@pytest.mark.parametrize("units", UNITS)
def test_a_dark_pool_inside_is_no_border(units):
    values = scene(1)
    values[:, 60:90, 60:90] = np.random.default_rng(1).normal(-42, 0.2, (2, 30, 30))
    assert not found(in_units(values, units), units)[1].any()


@quick
@given(st.sampled_from(UNITS), st.sampled_from(UNITS), st.floats(1, 3), st.integers(0, 99))
def test_units_that_values_do_not_fit_are_refused_with_the_one_that_fits(true, stated, shift, seed):
    values = in_units(scene(seed) + np.float32(shift), true)
    hole = holes("strip", 0.25, seed)
    values[:, hole] = -9999
    rule, missing = found(values, stated)
    assert missing[hole].all()
    if true == stated:
        assert check_units(rule.sample, stated, "scene") == ()
        return
    advice = "leave out --units" if true == "db" else f"--units {true}"
    with pytest.raises(InputError, match=advice):
        check_units(rule.sample, stated, "scene")


@quick
@given(st.floats(-4, 3), st.integers(0, 99))
def test_amplitudes_taken_for_intensities_never_pass_without_a_word(shift, seed):
    sample = found(in_units(scene(seed) + np.float32(shift), "amplitude"), "linear")[0].sample
    try:
        (caution,) = check_units(sample, "linear", "scene")
    except InputError as refused:
        caution = str(refused)
    assert "--units amplitude" in worded(caution)


@quick
@given(st.sampled_from((1, 10, 350, 1e4)), st.sampled_from(UNITS), st.integers(0, 99))
def test_digital_numbers_are_no_backscatter(gain, stated, seed):
    numbers = np.rint(10 ** (scene(seed) / 20) * 400 * gain) + 1
    sample = found(numbers.astype(np.float32), stated)[0].sample
    with pytest.raises(InputError, match=r"calibrated|dn_scale|no pixel"):
        check_units(sample, stated, "scene")


@quick
@given(st.sampled_from((1, 10, 100, 1000)), st.sampled_from((1, 10, 100, 1000)), st.integers(0, 99))
def test_db_stored_with_a_scale_are_refused_with_that_scale(factor, stated, seed):
    if factor == stated:
        return
    pixels = scene(seed).reshape(2, -1) * factor / stated
    with pytest.raises(InputError, match=rf"--dn-scale {factor}\)"):
        check_units(pixels, "db", "scene", dn_scale=stated)


def test_a_scale_of_the_file_is_said_to_be_applied(write_tif):
    from lczlib.mapping.water_scene import open_water_scene

    path = write_tif(np.rint(scene(3) * 100).astype(np.int16), descriptions=("VV", "VH"))
    with rasterio.open(path, "r+") as dst:
        dst.scales = (0.01, 0.01)
    with readings() as heard:
        open_water_scene(path, "as")
    assert "scale 0.01 and offset 0 applied, by the file; dB after that scale" in str(heard[0])
    assert "as given" not in str(heard[0])


def test_amplitudes_converted_like_intensities_are_cautioned():
    sample = found(scene(3) / 2)[0].sample
    (caution,) = check_units(sample, "db", "scene")
    assert "--dn-scale 0.5" in worded(caution)
    assert np.allclose(to_db(in_units(scene(3), "amplitude"), "amplitude"), scene(3), atol=1e-4)


def test_single_values_below_the_range_are_cautioned():
    values = scene(4)
    water = values[1] < -27
    values[1][water & (np.random.default_rng(4).random(water.shape) < 0.5)] = -52.5
    rule, missing = found(values)
    assert missing.sum() == (values[1] == -52.5).sum()
    assert "removal of thermal noise" in rule.cautions("scene")[0]


def test_a_file_is_read_lazily_and_what_is_missing_is_told(write_tif):
    from lczlib.mapping.water_scene import open_water_scene

    values = scene(5)
    values[:, :, :40] = -9999
    values[0, :20] = 0
    path = write_tif(np.rint(values * 100).clip(-9999).astype(np.int16), descriptions=("VH", "VV"))
    with pytest.raises(InputError, match="swapped"):
        open_water_scene(path, "as", dn_scale=100)
    path = write_tif(np.rint(values * 100).clip(-9999).astype(np.int16), descriptions=("VV", "VH"))
    with readings() as heard:
        opened = open_water_scene(path, "as", dn_scale=100)
    assert opened.chunks is not None
    assert np.isnan(opened.values).any(0).sum() == ROWS * 40 + 20 * (COLUMNS - 40)
    (told,) = heard
    assert told.facts["missing"]["constant"] + told.facts["missing"]["no_data"] == ROWS * 40 + 2600
    assert "-9999 in VV and VH" in str(told)
    assert "VH from VH" in str(told)


@pytest.mark.parametrize("names", [("B02", "B02"), ("VV", "VV")])
def test_two_bands_of_one_name_are_one_sentence(write_tif, run_lcz, tmp_path, names):
    path = write_tif(scene(6), descriptions=names)
    code, _, said = run_lcz("water", path, "--orbit", "as", "--out", tmp_path / "out")
    assert code == 1
    assert "Traceback" not in said
    assert names[0] in said
