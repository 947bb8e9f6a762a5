"""Intervals of surface heat differences: the covariance behind them, and where there are none."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from odc.geo.geobox import GeoBox

import lczlib
from lczlib.analysis.heat import SurfaceOptions, surface_heat_island
from lczlib.analysis.heat.intervals import Cuts, spatial_errors
from lczlib.analysis.heat.parts import MOST_PARTS, parts_of, side_of_squares
from lczlib.analysis.heat.patches import patch_numbers, runs_in_patches
from lczlib.analysis.heat.pixels import Pixels
from lczlib.analysis.heat.spatial import sums_by_part
from lczlib.cli import main
from lczlib.export.geotiff import write_raster
from lczlib.grid import on_grid
from lczlib.maps import lcz_map


def box(cells):
    return GeoBox.from_bbox((0, 0, cells * 100, cells * 100), "EPSG:32633", resolution=100)


def squares(across, cells, classes, seed=2):
    """Classes in squares of so many cells, in random order."""
    drawn = np.random.default_rng(seed).permuted(np.resize(classes, (across, across)))
    return np.kron(drawn, np.ones((cells, cells), int)).astype(np.uint8)


def correlated(n, length, rng):
    """A Gaussian field (n, n) of variance 1 with an exponential correlogram; cells of 100 m."""
    lag = np.minimum(np.arange(2 * n), 2 * n - np.arange(2 * n)) * 100.0
    root = np.sqrt(np.fft.fft2(np.exp(-np.hypot(lag[:, None], lag) / length)).real.clip(0))
    white = rng.standard_normal((2, 2 * n, 2 * n))
    return np.fft.fft2(root * (white[0] + 1j * white[1])).real[:n, :n] / (2 * n)


def parts_in(codes, side, shift=0):
    return parts_of(runs_in_patches(codes, codes > 0), 100.0, side, shift)


def part_of_each(parts, codes):
    """The part of each pixel, row by row."""
    out = np.empty(np.count_nonzero(codes), int)
    out[np.argsort(codes[codes > 0], kind="stable")] = parts.index
    return out


@pytest.mark.parametrize("shift", [0, 3])
def test_parts_hold_every_pixel_of_one_class_in_one_square(shift):
    codes = squares(8, 5, [2, 6, 14])
    codes[3:9, 30:] = 0
    parts = parts_in(codes, 10, shift)
    own, index = codes[codes > 0], part_of_each(parts, codes)
    y, x = ((along + shift) // 10 for along in np.nonzero(codes))
    assert (parts.codes[index] == own).all()
    assert len({*zip(y, x, own, strict=True)}) == parts.n.size == len({*index})
    assert len({*zip(y, x, own, index, strict=True)}) == parts.n.size
    values = np.arange(own.size, dtype=float)
    for number in (2, 6, 14):
        share = parts.share({number: None})
        np.testing.assert_allclose(share.sum(), 1)
        assert not share[parts.codes != number].any()
        some = values % 3 > 0
        mask = some[own == number]
        of_part = np.bincount(index[some & (own == number)], minlength=parts.n.size)
        np.testing.assert_allclose(parts.share({number: mask}), of_part / mask.sum())
        for found, power in zip(parts.totals(number, values[own == number]), (1, 2), strict=True):
            expected = np.bincount(index, np.where(own == number, values, 0) ** power)
            np.testing.assert_allclose(found, expected)


def test_squares_grow_until_the_parts_can_be_held():
    few = squares(60, 2, [14])
    many = squares(60, 2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14])
    side = side_of_squares(many, many > 0)
    assert side_of_squares(few, few > 0) == 120 // 14 < side
    assert 100 < parts_in(many, side).n.size <= MOST_PARTS


@pytest.mark.parametrize("length", [150.0, 600.0, 3000.0])
def test_covariances_of_parts_are_those_of_their_pixels(length):
    codes = squares(8, 5, [2, 6, 14])
    codes[:, 33:36] = 0
    parts = parts_in(codes, 16, 4)
    y, x = (along * 100.0 for along in np.nonzero(codes))
    pixels = np.exp(-np.hypot(y - y[:, None], x - x[:, None]) / length)
    share = np.zeros((parts.n.size, y.size))
    index = part_of_each(parts, codes)
    share[index, np.arange(y.size)] = 1 / parts.n[index]
    expected = share @ pixels @ share.T
    found = parts.covariances(np.array([length]))[0]
    np.testing.assert_allclose(np.diag(found), np.diag(expected), rtol=0.2)
    apart = ~np.eye(parts.n.size, dtype=bool)
    np.testing.assert_allclose(found[apart], expected[apart], atol=0.01)
    np.testing.assert_allclose(found, found.T)


def test_patch_effects_go_together_within_a_patch_and_nowhere_else():
    codes = np.zeros((20, 20), np.uint8)
    codes[:, :8], codes[:10, 10:], codes[12:, 10:] = 6, 2, 2
    parts = parts_in(codes, 10)
    patches, index = patch_numbers(codes)[0][codes > 0], part_of_each(parts, codes)
    share = np.array([np.bincount(patches[index == i], minlength=4) for i in range(parts.n.size)])
    share = share / share.sum(1, keepdims=True)
    np.testing.assert_allclose(parts.patch, share @ share.T)
    assert set(np.unique(parts.patch)) == {0.0, 1.0}


def errors_of(codes, celsius, statistic="median", elevation=None):
    keep = codes > 0
    height = None if elevation is None else on_grid(elevation, box(len(codes)))
    pixels = Pixels.gather(celsius.astype(np.float32), codes, keep, height, 100.0, 0)
    cuts = Cuts.of(pixels.runs, 100.0, side_of_squares(codes, keep))
    sums = sums_by_part(cuts.parts, pixels.residuals(statistic, {}), pixels.covariates)
    return spatial_errors(cuts, sums)


def test_the_range_of_a_field_is_found_and_outliers_do_not_move_it():
    rng = np.random.default_rng(1)
    codes = squares(24, 5, [2, 6, 14])
    plain, dirty = [], []
    for _ in range(5):
        celsius = correlated(120, 500.0, rng)
        plain.append(errors_of(codes, celsius))
        spoilt = celsius + 40 * (rng.random(codes.shape) < 0.02)
        spoilt[:12, :12] = -15  # the edge of a cloud
        dirty.append(errors_of(codes, spoilt))
    for made in (plain, dirty):
        assert 800 < np.median([e.correlation_range for e in made]) < 2000  # 2.3 times 500 m
    before, after = (
        np.mean([e.difference(e.shares_of(2), e.shares_of(14)).half_width(0.95) for e in made])
        for made in (plain, dirty)
    )
    assert after == pytest.approx(before, rel=0.25)


def test_elevation_is_no_long_range():
    rng = np.random.default_rng(3)
    codes = squares(24, 5, [2, 6, 14])
    height = 300 * correlated(120, 4000.0, rng)
    celsius = 0.3 * rng.standard_normal(codes.shape) - 0.0065 * height
    blind = errors_of(codes, celsius)
    told = errors_of(codes, celsius, elevation=height)
    assert told.pieces(told.shares_of()) > 4 * blind.pieces(blind.shares_of())


def test_what_a_gradient_adds_to_a_difference_counts_as_uncertainty():
    rng = np.random.default_rng(4)
    codes = squares(24, 5, [2, 6, 14])
    codes[:, 60:] = np.where(codes[:, 60:] == 2, 6, codes[:, 60:])  # LCZ 2 in the west alone
    noise = 0.3 * rng.standard_normal(codes.shape)
    slope = 4 * np.linspace(0, 1, 120)
    own = codes[codes > 0]
    half = []
    for celsius in (noise, noise + slope):
        found = errors_of(codes, celsius)
        error = found.difference(found.shares_of(2), found.shares_of(14))
        half.append(error.half_width(0.95))
    values = (noise + slope)[codes > 0]
    added = np.median(values[own == 2]) - np.median(values[own == 14])
    assert half[0] < 0.1
    assert abs(added) < half[1] < 3 * abs(added)


@pytest.mark.parametrize("statistic", ["median", "mean"])
def test_half_widths_are_those_of_independent_pixels_where_they_are(statistic):
    rng = np.random.default_rng(5)
    codes = squares(24, 5, [2, 6, 14])
    own = codes[codes > 0]
    found = errors_of(codes, rng.standard_normal(codes.shape), statistic)
    for mask in (None, np.ones((own == 2).sum(), bool)):
        for named, masked in zip(found.shares_of(2), found.shares({2: mask}), strict=True):
            np.testing.assert_allclose(named, masked)
    error = found.difference(found.shares_of(2), found.shares_of(14))
    expected = 1.96 * np.sqrt(1 / (own == 2).sum() + 1 / (own == 14).sum())
    assert expected * 0.9 < error.half_width(0.95) < expected * 2.2
    assert error.half_width(0.99) > error.half_width(0.95)
    within = np.mean(np.abs(error.draw(20_000, np.random.default_rng(0))) <= error.half_width(0.9))
    assert within == pytest.approx(0.9, abs=0.01)


def test_neither_a_sea_of_one_patch_nor_a_wide_spread_passes_for_few_pieces():
    rng = np.random.default_rng(8)
    codes = squares(24, 5, [2, 6, 14])
    codes[:, 50:] = 17
    patches = patch_numbers(codes)[0]
    celsius = (
        0.1 * rng.standard_normal(codes.shape) + rng.standard_normal(patches.max() + 1)[patches]
    )
    narrow, wide = (errors_of(codes, celsius * np.where(codes == 2, s, 1)) for s in (1, 3))
    assert narrow.pieces(narrow.shares_of(17)) < 2
    assert narrow.pieces(narrow.shares_of()) > 8
    ratio = wide.pieces(wide.shares_of(2)) / narrow.pieces(narrow.shares_of(2))
    assert ratio == pytest.approx(1, abs=0.3)


def tiny():
    """A scene of 4 km whose temperatures go together all over it."""
    grid = box(40)
    codes = squares(8, 5, [2, 6, 14])
    warm = 2 * correlated(40, 30_000, np.random.default_rng(6))
    celsius = (20 + warm + 0.01 * np.random.default_rng(0).standard_normal(codes.shape)).astype(
        np.float32
    )
    return on_grid(celsius, grid), lcz_map(on_grid(codes, grid))


def test_a_scene_of_few_independent_pieces_has_differences_and_no_intervals():
    found = surface_heat_island(*tiny())
    assert found.n_pieces < 4
    assert "too few independent pieces" in found.few_blocks
    assert "use a larger scene" in found.few_blocks
    rows = found.classes.drop(index=14)
    assert rows["difference"].notna().all()
    assert rows[["ci_low", "ci_high"]].isna().all(axis=None)
    assert (rows["note"] == "no interval: too few independent pieces").all()


def test_python_and_the_command_say_the_same_where_there_are_no_intervals(
    tmp_path, monkeypatch, capsys
):
    celsius, lcz = tiny()
    celsius.attrs["units"] = "degC"
    heat = lczlib.surface_heat(lcz, celsius)
    few = heat.main.result.few_blocks
    assert few
    assert heat.headline() == f"Whether any surface differs from LCZ D cannot be told. {few}"
    write_raster(tmp_path / "lst.tif", celsius, tags={"units": "degC"})
    write_raster(tmp_path / "lcz.tif", lcz, nodata=0)
    told = ["lcz.tif", "--lst", "lst.tif", "--unit", "degC", "--out", "out"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["lcz", "uhi", *told])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    assert few in " ".join(capsys.readouterr().out.split())
    written = json.loads((tmp_path / "out/heat_island.json").read_text())
    assert written["few_blocks"] == few
    assert written["independent_pieces"] == heat.main.result.n_pieces
    assert [r["difference_ci"] for r in written["classes"] if r["note"] != "reference"] == [
        None
    ] * 2
    assert written["measures"]["urban_rural"]["difference_ci"] is None


def test_the_sentence_names_zones_without_an_interval():
    codes = squares(24, 5, [2, 6, 14])
    codes[:5, :5], codes[50:56, 50:56] = 8, 10
    noise = np.random.default_rng(2).standard_normal(codes.shape)
    lcz = lcz_map(on_grid(codes, box(120)))
    for warmer in (0.0, 3.0):
        celsius = on_grid((20 + warmer * (codes == 2) + noise).astype(np.float32), box(120))
        celsius.attrs["units"] = "degC"
        words = lczlib.surface_heat(lcz, celsius, measures=()).headline()
        assert ("No built zone is warmer" in words) == (warmer == 0)
        assert "LCZ 8, 10 have a difference without an interval: the table says why." in words


def test_a_scene_of_few_pixels_has_no_intervals():
    codes = np.full((5, 5), 14, np.uint8)
    codes[:2] = 2
    celsius = 20 + np.random.default_rng(0).standard_normal(codes.shape).astype(np.float32)
    options = SurfaceOptions(min_patches=1, min_pixels=1, interior=0)
    wide = GeoBox.from_bbox((0, 0, 500, 500), "EPSG:32633", resolution=100)
    codes[codes == 14] = np.where(np.arange(15) < 1, 14, 0)
    found = surface_heat_island(on_grid(celsius, wide), lcz_map(on_grid(codes, wide)), options)
    assert "too few" in found.few_blocks
    assert np.isfinite(found.classes.loc[2, "difference"])
    assert np.isnan(found.classes.loc[2, "ci_low"])


def test_noise_of_single_pixels_makes_many_pieces():
    codes = squares(24, 5, [2, 6, 14])
    celsius = 20 + np.random.default_rng(2).standard_normal(codes.shape).astype(np.float32)
    found = surface_heat_island(on_grid(celsius, box(120)), lcz_map(on_grid(codes, box(120))))
    assert found.few_blocks == ""
    assert found.n_pieces > 200
    assert found.correlation_range < 500


@pytest.mark.slow
def test_small_scenes_hold_the_truth_or_say_that_they_cannot_tell():
    """Synthetic scenes of 6 km, noise of 800 m, no difference between three classes of 500 m squares."""
    rng = np.random.default_rng(2)
    lcz = lcz_map(on_grid(squares(12, 5, [6, 14, 2]), box(60)))
    held = told = n = 0
    for _ in range(30):
        celsius = on_grid((20 + correlated(60, 800.0, rng)).astype(np.float32), box(60))
        rows = surface_heat_island(celsius, lcz).classes.drop(index=14)
        told += int(rows["ci_low"].notna().sum())
        held += int(((rows["ci_low"] <= 0) & (rows["ci_high"] >= 0)).sum())
        n += len(rows)
    assert held / told >= 0.9
    assert told / n > 0.5
