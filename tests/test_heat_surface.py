"""The surface heat island: on Hong Kong, on known synthetic fields, and where input is wrong."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from scipy import ndimage, stats

from lczlib.analysis.heat import SurfaceOptions, align, surface, surface_heat_island
from lczlib.analysis.heat.bootstrap import block_sample, block_weights
from lczlib.analysis.heat.parts import side_of_squares
from lczlib.analysis.heat.patches import interior, patch_medians, patch_numbers
from lczlib.analysis.heat.statistics import class_statistics
from lczlib.errors import GridError, InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map, open_lcz_map
from lczlib.scenes.thermal import open_temperature
from lczlib.scenes.thermal_products import ThermalConstants

BOX = GeoBox.from_bbox((0, 0, 10_000, 10_000), "EPSG:32633", resolution=100)


@pytest.fixture(scope="module")
def hong_kong(shared):
    """Brightness temperature of 15 October 2014 and the Pearl River Delta map on its grid."""
    scene = open_temperature(
        shared / "data/hong_kong/LC81220442014288LGN00_B1-7_B10_B11_100m.tif",
        kind="landsat-l1",
        band="B10",
        constants=ThermalConstants(3.342e-4, 0.1, 774.8853, 1321.0789),
        plausible=(0, 85),
    )
    lcz = open_lcz_map(shared / "mirror/prd_lcz_2020.zip/tiff/prd_lcz_v0817c.tif")
    return scene, align(scene.temperature, lcz, "nearest")


@pytest.fixture(scope="module")
def city():
    """Synthetic: stripes of classes 2, 6, D, A and a strip of water, known temperatures, small noise."""
    rng = np.random.default_rng(0)
    codes = np.zeros((100, 100), np.uint8)
    for i, row in enumerate(range(0, 100, 10)):
        for j, col in enumerate(range(0, 100, 10)):
            codes[row : row + 10, col : col + 10] = (2, 6, 14, 11)[(i + 2 * j + i * j) % 4]
    codes[:, 95:] = 17
    level = np.zeros(18)
    level[[2, 6, 14, 11, 17]] = 24.0, 22.0, 20.0, 17.0, 15.0
    celsius = level[codes] + 0.3 * rng.standard_normal(codes.shape)
    return on_grid(celsius.astype(np.float32), BOX), lcz_map(on_grid(codes, BOX))


def test_one_temperature_everywhere_is_refused():
    grid = GeoBox.from_bbox((0, 0, 3000, 3000), "EPSG:32633", resolution=100)
    lcz = lcz_map(on_grid(np.full((30, 30), 6, np.uint8), grid))
    with pytest.raises(InputError, match=r"have one temperature, 21\.50 degC"):
        surface_heat_island(on_grid(np.full((30, 30), 21.5, np.float32), grid), lcz)


def test_hong_kong_differences_to_low_plants(hong_kong):
    scene, aligned = hong_kong
    result = surface_heat_island(aligned.temperature, aligned.lcz, SurfaceOptions(interior=0))
    assert result.reference.label == "LCZ D"
    assert result.reference_temperature == pytest.approx(23.39, abs=0.01)
    found = result.classes["difference"]
    for number, expected in {2: 1.70, 3: 1.95, 8: 2.71, 11: -2.02, 15: 4.35}.items():
        assert found[number] == pytest.approx(expected, abs=0.02)
    assert (result.classes["ci_low"] <= found).all()
    assert (found <= result.classes["ci_high"]).all()
    assert scene.counts["implausible"] == 569
    assert scene.counts["fringe"] > 0
    assert scene.temperature.attrs["quantity"] == "brightness temperature"


def test_hong_kong_interior_pixels_of_low_plants(hong_kong):
    _, aligned = hong_kong
    result = surface_heat_island(aligned.temperature, aligned.lcz, SurfaceOptions(interior=1))
    assert result.classes.loc[14, "n_pixels"] == 1775
    eroded = ndimage.binary_erosion(aligned.lcz == 14, np.ones((3, 3)))
    assert result.classes.loc[14, "n_pixels"] == (eroded & np.isfinite(aligned.temperature)).sum()


def test_hong_kong_pixels_are_worth_far_fewer_independent_ones(hong_kong):
    _, aligned = hong_kong
    result = surface_heat_island(aligned.temperature, aligned.lcz, SurfaceOptions(interior=0))
    assert (result.classes["n_effective"] < 0.2 * result.classes["n_pixels"]).all()
    assert result.correlation_range > 500


def test_known_differences_are_found(city):
    result = surface_heat_island(*city)
    found = result.classes["difference"]
    for number, expected in {2: 4.0, 6: 2.0, 11: -3.0}.items():
        assert found[number] == pytest.approx(expected, abs=0.05)
        assert (
            result.classes.loc[number, "ci_low"]
            <= found[number]
            <= result.classes.loc[number, "ci_high"]
        )
    assert result.difference.attrs["units"] == "K"
    np.testing.assert_allclose(result.difference + result.reference_temperature, city[0], atol=1e-4)


def test_intervals_hang_on_no_random_draw(city):
    one, other = (surface_heat_island(*city, SurfaceOptions(seed=i)).classes for i in (3, 4))
    assert one["ci_low"].drop(17).notna().all()
    assert one.equals(other)


def test_mean_and_median_are_both_to_be_had(city):
    temperature, lcz = city
    skewed = temperature.copy(data=temperature.data.copy())
    skewed.data[lcz.data == 2] += np.random.default_rng(0).exponential(3, int((lcz == 2).sum()))
    mean = surface_heat_island(skewed, lcz, SurfaceOptions(statistic="mean")).classes
    median = surface_heat_island(skewed, lcz, SurfaceOptions(statistic="median")).classes
    assert mean.loc[2, "difference"] > median.loc[2, "difference"] + 0.5


def test_statistics_match_numpy_in_memory_and_in_dask_chunks(city):
    temperature, lcz = city
    holes = temperature.where(np.random.default_rng(1).random(temperature.shape) > 0.1)
    table = class_statistics(holes, lcz)
    chunked = class_statistics(holes.chunk(y=33, x=40), lcz.chunk(y=33, x=40))
    assert table.equals(chunked)
    for number, row in table.iterrows():
        values = holes.data[(lcz.data == number) & np.isfinite(holes.data)].astype(float)
        assert row["n"] == values.size
        expected = [values.mean(), values.std(ddof=1), *np.percentile(values, [5, 25, 50, 75, 95])]
        np.testing.assert_allclose(row.iloc[1:].to_numpy(float), expected, atol=0.0011)


def test_interior_keeps_off_other_classes_no_data_and_the_edge():
    codes = np.full((12, 12), 6, np.uint8)
    codes[:, 6:] = 14
    codes[0, 2] = 0
    kept = interior(codes, 1)
    assert not kept[:, 5:7].any()
    assert not kept[[0, -1]].any()
    assert not kept[:2, 1:4].any()
    assert kept[5, 2]
    assert interior(codes, 0).sum() == (codes > 0).sum()


def test_patches_touch_at_corners_and_never_across_classes():
    codes = np.array([[6, 0, 14], [0, 6, 14], [2, 2, 6]], np.uint8)
    numbers, count = patch_numbers(codes)
    assert count == 3
    assert numbers[0, 0] == numbers[1, 1] == numbers[2, 2]
    values = np.array([1.0, 5.0, 3.0, -10.0, 20.0, -3.0, -7.5])
    found = patch_medians(values, np.array([1, 1, 1, 2, 2, 3, 3], np.int32))
    assert found[0].tolist() == [1, 2, 3]
    assert found[1].tolist() == [3.0, 5.0, -5.25]


def test_block_resampling_matches_the_statistic_of_the_drawn_pixels():
    rng = np.random.default_rng(0)
    values, blocks = rng.normal(20, 2, 4000), rng.integers(0, 12, 4000).astype(np.int32)
    sample = block_sample([(values, blocks)], *np.percentile(values, [0.2, 99.8]), 12)
    weights = block_weights(12, 20, rng)
    for name, function in (("mean", np.mean), ("median", np.median)):
        drawn = sample.resample(weights, name)
        for row, got in zip(weights, drawn, strict=True):
            pixels = np.concatenate(
                [np.repeat(values[blocks == b], int(n)) for b, n in enumerate(row)]
            )
            assert got == pytest.approx(function(pixels), abs=0.02)


def test_pairs_and_kruskal_wallis_use_patch_medians(city):
    temperature, lcz = city
    result = surface_heat_island(temperature, lcz)
    kept = interior(lcz.data, 1)
    numbers = patch_numbers(lcz.data)[0]
    groups = [
        [
            np.median(temperature.data[kept & (numbers == p)])
            for p in np.unique(numbers[kept & (lcz.data == c)])
        ]
        for c in (2, 6, 11, 14)
    ]
    assert result.kruskal["h"] == pytest.approx(stats.kruskal(*groups).statistic, rel=1e-3)
    assert (result.pairs["p_holm"] >= result.pairs["p"]).all()


def test_small_classes_have_a_difference_without_an_interval(city):
    temperature, lcz = city
    codes = lcz.data.copy()
    codes[40:46, 40:46] = 10
    codes[60:70, 40:60] = 8
    found = surface_heat_island(temperature, lcz.copy(data=codes))
    for number, count, note in (
        (10, 16, "no interval: fewer than 30 pixels"),
        (8, 144, "no interval: fewer than 3 patches"),
    ):
        row = found.classes.loc[number]
        own = temperature.data[ndimage.binary_erosion(codes == number, np.ones((3, 3)))]
        assert row["n_pixels"] == own.size == count
        expected = np.median(own) - found.reference_temperature
        assert row["difference"] == pytest.approx(expected, abs=1e-3)
        assert np.isnan(row["ci_low"])
        assert np.isnan(row["ci_high"])
        assert row["note"] == note
    assert np.isfinite(found.classes.loc[2, "ci_low"])


def told_of(celsius, lcz, **options):
    """The zones of a scene that have an interval, without the reference."""
    found = surface_heat_island(celsius, lcz, SurfaceOptions(**options))
    assert found.few_blocks == ""
    return found.classes.query("note == ''")


def moved(usual, other):
    """How far the bounds of the zones move, in widths of their intervals."""
    ends = ["ci_low", "ci_high"]
    both = usual.index.intersection(other.index)  # a frame cuts some zones away
    by = (other[ends] - usual[ends]).div(usual["ci_high"] - usual["ci_low"], axis=0).loc[both]
    return by.abs().to_numpy().max()


def signs(zones):
    """1 warmer, -1 colder, 0 neither beyond the interval."""
    return ((zones["ci_low"] > 0).astype(int) - (zones["ci_high"] < 0)).to_dict()


@pytest.mark.slow
@pytest.mark.parametrize("interior", [0, 1])
def test_hong_kong_hangs_neither_on_the_squares_nor_on_how_it_was_read(
    hong_kong, shared, monkeypatch, interior
):
    """Squares of twice the side; temperatures as they stand in the file, or none below -60 degC."""
    scene, aligned = hong_kong
    usual = told_of(aligned.temperature, aligned.lcz, interior=interior)
    assert {2, 3, 5, 8, 15, 16} <= {c for c, sign in signs(usual).items() if sign > 0}
    assert {9, 11, 12, 13, 17} == {c for c, sign in signs(usual).items() if sign < 0}
    with rasterio.open(next((shared / "data/hong_kong").glob("LC8*.tif"))) as src:
        numbers = src.read(1 + src.descriptions.index("B10"))
    bright = 1321.0789 / np.log(774.8853 / (numbers * 3.342e-4 + 0.1) + 1) - 273.15
    raw = scene.temperature.copy(data=np.where(numbers, bright, np.nan).astype(np.float32))
    assert int((raw < -60).sum()) == 170
    for celsius in (raw, raw.where(raw > -60)):
        other = told_of(align(celsius, aligned.lcz).temperature, aligned.lcz, interior=interior)
        assert moved(usual, other) < 0.05
        assert signs(other) == signs(usual)
    monkeypatch.setattr(surface, "side_of_squares", lambda *a: 2 * side_of_squares(*a))
    other = told_of(aligned.temperature, aligned.lcz, interior=interior)
    assert 0 < moved(usual, other) < 0.15
    assert signs(other) == signs(usual)


@pytest.mark.slow
def test_hong_kong_hangs_neither_on_the_block_size_nor_on_the_frame(hong_kong):
    _, aligned = hong_kong
    usual = told_of(aligned.temperature, aligned.lcz)
    assert len(usual) > 8
    assert told_of(aligned.temperature, aligned.lcz, block_size=20_000).equals(usual)
    for cut in (4, 9):
        part = {"y": slice(cut, None), "x": slice(cut, None)}
        other = told_of(aligned.temperature.isel(part), aligned.lcz.isel(part))
        assert moved(usual, other) < 0.25
        assert signs(other) == signs(usual)


def test_reference_patches_at_another_height_are_left_out(city):
    temperature, lcz = city
    codes, celsius = lcz.data.copy(), temperature.data.copy()
    height = np.full(codes.shape, 50.0, np.float32)
    height[:50] = 900.0
    codes[:50][codes[:50] != 14] = 0  # only the reference reaches up the mountain
    celsius[:50] -= 5.0
    both = surface_heat_island(temperature.copy(data=celsius), lcz.copy(data=codes))
    level = surface_heat_island(
        temperature.copy(data=celsius), lcz.copy(data=codes), elevation=on_grid(height, BOX)
    )
    assert both.classes.loc[2, "difference"] > 4.5
    assert level.classes.loc[2, "difference"] == pytest.approx(4.0, abs=0.1)


def test_reference_pixels_beside_water_can_be_left_out(city):
    temperature, lcz = city
    celsius = temperature.data.copy()
    shore = ndimage.distance_transform_edt(lcz.data != 17) <= 12
    celsius[shore & (lcz.data == 14)] -= 6.0
    cooled = temperature.copy(data=celsius)
    kept = surface_heat_island(cooled, lcz, SurfaceOptions(statistic="mean"))
    dry = surface_heat_island(cooled, lcz, SurfaceOptions(statistic="mean", water_distance=1300))
    assert kept.classes.loc[2, "difference"] > 4.2
    assert dry.classes.loc[2, "difference"] == pytest.approx(4.0, abs=0.1)


def test_map_error_moves_the_interval_towards_the_other_class(city):
    temperature, lcz = city
    shares = np.zeros((17, 100, 100), np.float32)
    for number in (2, 6, 11, 14, 17):
        shares[number - 1][lcz.data == number] = 1.0
    sure = on_grid(shares, BOX, dims=("lcz", "y", "x"), coords={"lcz": np.arange(1, 18)})
    mixed = shares.copy()
    swap = (lcz.data == 2) | (lcz.data == 6)
    mixed[1][swap] = np.where(lcz.data == 2, 0.7, 0.3)[swap]
    mixed[5][swap] = np.where(lcz.data == 6, 0.7, 0.3)[swap]
    plain = surface_heat_island(temperature, lcz).classes
    certain = surface_heat_island(temperature, lcz, probabilities=sure).classes
    unsure = surface_heat_island(temperature, lcz, probabilities=sure.copy(data=mixed)).classes
    width = {
        k: t.loc[2, "ci_high"] - t.loc[2, "ci_low"]
        for k, t in [("p", plain), ("c", certain), ("u", unsure)]
    }
    assert width["c"] == pytest.approx(width["p"], rel=0.3)
    assert width["u"] > 1.5 * width["p"]
    assert unsure.loc[2, "difference_sampled"] < certain.loc[2, "difference_sampled"]


def test_temperature_is_averaged_and_classes_are_counted(city):
    temperature, lcz = city
    fine = GeoBox.from_bbox((0, 0, 10_000, 10_000), "EPSG:32633", resolution=25)
    sharp = on_grid(np.kron(temperature.data, np.ones((4, 4), np.float32)), fine)
    down = align(sharp, lcz)
    assert "area mean" in down.method
    np.testing.assert_allclose(down.temperature, temperature, atol=1e-3)
    coarse = GeoBox.from_bbox((0, 0, 10_000, 10_000), "EPSG:32633", resolution=1000)
    up = align(on_grid(np.zeros((10, 10), np.float32), coarse), lcz)
    assert "by mode" in up.method
    assert up.lcz.data[0, 0] == np.bincount(lcz.data[:10, :10].ravel()).argmax()


def test_a_map_in_degrees_is_refused_until_resampling_is_asked_for(city):
    temperature, _ = city
    degrees = GeoBox.from_bbox((10.4, 0.0, 10.6, 0.1), "EPSG:4326", resolution=0.001)
    lcz = lcz_map(on_grid(np.full(degrees.shape, 14, np.uint8), degrees))
    with pytest.raises(GridError, match=r"in degrees .*--resample nearest"):
        align(temperature, lcz)
    assert "nearest" in align(temperature, lcz, "nearest").method


def test_rasters_apart_are_refused(city):
    temperature, _ = city
    far = GeoBox.from_bbox((500_000, 0, 501_000, 1000), "EPSG:32633", resolution=100)
    with pytest.raises(GridError, match="do not overlap"):
        align(temperature, lcz_map(on_grid(np.full((10, 10), 14, np.uint8), far)))


def test_grids_that_differ_and_float_codes_are_refused(city):
    temperature, lcz = city
    with pytest.raises(GridError, match="grids differ"):
        surface_heat_island(temperature, lcz[:50])
    with pytest.raises(InputError, match="whole numbers"):
        surface_heat_island(temperature, lcz.astype(np.float32))


@pytest.mark.parametrize(
    "wrong", [{"statistic": "mode"}, {"interior": -1}, {"confidence": 95}, {"replicates": 5}]
)
def test_senseless_options_are_refused(wrong):
    with pytest.raises(InputError):
        SurfaceOptions(**wrong)
