"""The simulated demo city: its physics, its truth, and the folder it is written to."""

import numpy as np
import pandas as pd
import pytest
from rasterio.features import rasterize
from scipy import stats
from scipy.ndimage import binary_dilation, binary_erosion

from lczlib.analysis.heat.options import SurfaceOptions
from lczlib.analysis.heat.patches import interior, patch_numbers
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.grid import check_same_grid, geobox_of, lcz_grid
from lczlib.scenes.simulation import radar, simulate_city, thermal
from lczlib.scenes.simulation.fabric import build
from lczlib.scenes.simulation.fields import cast_shadow, comb_cover, lattice_hash, smooth_field
from lczlib.scenes.simulation.layout import draw_layout
from lczlib.scenes.simulation.materials import BANDS, NAMES, SEASONS
from lczlib.scenes.simulation.morphology import RANGES
from lczlib.scenes.simulation.optical import atmosphere, sun_position

NUMBER = {c.code: c.number for c in CLASSES}


@pytest.fixture(scope="module")
def city():
    return simulate_city(5, seed=3)


@pytest.fixture(scope="module")
def plan():
    return draw_layout(np.random.default_rng(5), 1200)


@pytest.fixture(scope="module")
def fabric(plan):
    return build(np.random.default_rng(6), plan)


def arrays_of(city):
    yield city.lcz.values
    yield city.elevation.values
    for scene in (*city.sentinel2.values(), *city.sentinel1.values(), city.lst):
        for layer in scene.values():
            yield layer.values


# --- the city as a whole


def test_the_same_seed_gives_the_same_city_and_another_seed_another():
    one, same, other = simulate_city(2, 4), simulate_city(2, 4), simulate_city(2, 5)
    for a, b in zip(arrays_of(one), arrays_of(same), strict=True):
        np.testing.assert_array_equal(a, b)
    pd.testing.assert_frame_equal(one.air_temperature, same.air_temperature)
    assert one.polygons.equals(same.polygons)
    assert not np.array_equal(one.lcz, other.lcz)
    assert not np.array_equal(one.sentinel1["ascending"].VV_re, other.sentinel1["ascending"].VV_re)


@pytest.mark.parametrize("size_km", [2, 2.3, 5])
def test_scenes_of_any_size_share_one_grid(size_km):
    city = simulate_city(size_km, seed=2)
    pixels = round(size_km * 100)
    for scene in (*city.sentinel2.values(), *city.sentinel1.values()):
        assert scene.sizes == {"y": pixels, "x": pixels}
        check_same_grid(lcz_grid(geobox_of(scene)), city.lcz)
    for layer in (city.lst, city.elevation):
        check_same_grid(layer, city.lcz)
    assert city.polygons.crs == city.stations.crs == geobox_of(city.lcz).crs
    assert len(city.stations) == thermal.N_STATIONS


def test_everything_says_that_it_is_simulated(city):
    held = [city.lcz, city.elevation, city.lst, city.air_temperature]
    held += [*city.sentinel2.values(), *city.sentinel1.values()]
    assert all(h.attrs["simulated"] and h.attrs["source"] == "simulated" for h in held)
    assert "Simulated" in city.name
    assert "Simulated" in repr(city)


@pytest.mark.parametrize(
    ("size", "seed", "message"), [(1, 1, "2 to 40"), (99, 1, "99"), (5, -1, "-1")]
)
def test_an_impossible_size_or_seed_is_refused(size, seed, message):
    with pytest.raises(InputError, match=message):
        simulate_city(size, seed)


# --- plan and fabric


@pytest.mark.parametrize("seed", range(4))
def test_all_zones_occur_at_the_default_size(seed):
    lcz = draw_layout(np.random.default_rng(seed), 1200).lcz
    counts = np.bincount(lcz.ravel(), minlength=18)
    assert counts[0] == 0
    assert (counts[1:] >= 40).all()
    assert counts.max() < 0.5 * lcz.size


@pytest.mark.parametrize("size_km", [8, 12])
@pytest.mark.parametrize("seed", range(4))
def test_every_zone_lies_in_several_places_with_an_inside(size_km, seed):
    lcz = draw_layout(np.random.default_rng(seed), size_km * 100).lcz
    numbers, _ = patch_numbers(lcz)
    inside = interior(lcz, SurfaceOptions.interior)
    for c in CLASSES:
        held = numbers[inside & (lcz == c.number)]
        assert len(np.unique(held)) >= SurfaceOptions.min_patches, c.code
        assert len(held) >= SurfaceOptions.min_pixels, c.code


@pytest.mark.parametrize("size_km", [2, 2.4, 3, 5])
@pytest.mark.parametrize("seed", range(3))
def test_a_small_city_has_every_zone_too(size_km, seed):
    lcz = draw_layout(np.random.default_rng(seed), round(size_km * 100)).lcz
    assert set(np.unique(lcz)) == set(range(1, 18))


def test_truth_is_the_zone_that_covers_most_of_a_cell(plan):
    row, col = 37, 61
    cell = plan.zone[row * 10 : row * 10 + 10, col * 10 : col * 10 + 10]
    assert plan.lcz[row, col] == np.bincount(cell.ravel()).argmax()


def test_buildings_keep_to_the_ranges_of_stewart_and_oke(plan, fabric):
    for code, ((low, high), (short, tall)) in RANGES.items():
        inside = plan.zone == NUMBER[code]
        share = 100 * fabric.roof[inside].mean()
        # zones include the main roads, parks' edges and lots left empty: allow a tenth of the range
        assert low - 10 <= share <= high + 10, code
        heights = fabric.height[inside & (fabric.roof > 0.5)]
        assert short * 0.7 <= np.median(heights) <= tall * 1.2, code


def test_shares_of_covers_sum_to_one(fabric):
    np.testing.assert_allclose(fabric.cover.sum(0), 1, atol=1e-5)
    assert fabric.cover.min() >= 0


def test_narrow_bars_keep_their_area():
    at = np.arange(0, 20_000, 10, dtype=np.float32)
    for period, width in ((73.0, 21.0), (9.0, 4.0), (50.0, 50.0)):
        cover = comb_cover(at, np.float32(period), np.float32(width))
        assert cover.mean() == pytest.approx(width / period, abs=0.01)


def test_lattice_numbers_are_uniform_and_belong_to_their_cell():
    i, j = np.meshgrid(np.arange(-200, 200), np.arange(-200, 200))
    numbers = lattice_hash(1, i, j)
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(numbers[:, :-1].ravel(), numbers[:, 1:].ravel())[0, 1]) < 0.02
    assert lattice_hash(1, np.array([-200]), np.array([-200]))[0] == numbers[0, 0]
    assert not np.array_equal(numbers, lattice_hash(2, i, j))


@pytest.mark.parametrize("length", [30, 400])
def test_noise_fields_fall_to_1_over_e_at_their_length(length):
    rng = np.random.default_rng(0)
    lag = length // 10
    products = []
    for _ in range(12):
        field = smooth_field(rng, 500, length)
        products.append((field[:, :-lag] * field[:, lag:]).mean() / (field**2).mean())
    assert np.mean(products) == pytest.approx(np.exp(-1), abs=0.1)


# --- light


def test_the_sun_stands_where_the_almanac_says():
    azimuth, elevation = sun_position("2021-06-21", 52.0)
    # 1.3 h before noon at the solstice: sin h = sin 52 sin 23.44 + cos 52 cos 23.44 cos 19.5
    assert elevation == pytest.approx(57.8, abs=0.3)
    assert azimuth == pytest.approx(144.9, abs=1.0)
    assert sun_position("2021-12-21", 52.0)[1] == pytest.approx(12.2, abs=0.5)


def test_a_tower_casts_a_shadow_of_its_height_over_the_tangent():
    height, cover = np.zeros((60, 60), np.float32), np.zeros((60, 60), np.float32)
    height[30, 30], cover[30, 30] = 80, 1
    shadow = cast_shadow(height, cover, azimuth=180, elevation=45)  # sun in the south
    column = shadow[:30, 30]
    assert 10 * column.sum() == pytest.approx(80, abs=6)
    assert shadow[31:, 30].max() == 0
    assert shadow[:, 32:].max() == 0


def test_haze_is_bluest_and_thickens_as_the_sun_sinks():
    high, low = atmosphere(55, 0.08), atmosphere(20, 0.08)
    assert (np.diff(high.path[:8]) < 0).all()
    assert 0.03 < high.path[0] < 0.1  # B02 over a dark surface, clear sky
    assert (low.path > high.path).all()
    assert (low.direct < high.direct).all()


def test_reflectance_is_within_the_range_of_real_scenes(city):
    for season in SEASONS:
        scene = city.sentinel2[season]
        assert tuple(scene.data_vars) == BANDS
        values = scene.to_array().values
        assert values.dtype == np.float32
        assert np.nanmin(values) > 0
        assert np.nanmax(values) < 1.0
        # So2Sat means are 0.12, 0.11, 0.10 in the visible and 0.19 in B8A, over many cities
        assert 0.08 < float(scene.B02.mean()) < 0.17
        assert 0.14 < float(scene.B8A.mean()) < 0.32


def test_a_missing_pixel_is_missing_in_all_bands_and_some_seasons_have_them(city):
    lost = {}
    for season, scene in city.sentinel2.items():
        missing = np.isnan(scene.to_array().values)
        assert (missing.any(0) == missing.all(0)).all()
        lost[season] = missing[0].mean()
    assert lost["summer"] == 0
    assert 0.01 < lost["spring"] < 0.05
    assert 0.02 < lost["autumn"] < 0.07


def test_woods_are_greener_in_summer_than_in_winter_and_water_never(city):
    big = city.lcz.values.repeat(10, 0).repeat(10, 1)

    def ndvi(season, zone):
        red, nir = (city.sentinel2[season][b].values[big == NUMBER[zone]] for b in ("B04", "B08"))
        return np.nanmean((nir - red) / (nir + red))

    assert ndvi("summer", "A") > ndvi("winter", "A") + 0.15
    assert ndvi("summer", "A") > 0.5
    assert max(ndvi(s, "G") for s in SEASONS) < 0.1


# --- radar


def test_speckle_is_circular_gaussian_with_the_asked_covariance():
    shape = (400, 400)
    level = {"vv": np.full(shape, 0.1, np.float32), "vh": np.full(shape, 0.03, np.float32)}
    rho = 0.4 * np.exp(0.7j)
    vh, vv = radar.speckle(
        np.random.default_rng(1),
        radar.Power(**level, correlation=np.full(shape, rho, np.complex64)),
    )
    intensity = np.abs(vv.astype(complex)) ** 2
    assert intensity.mean() == pytest.approx(0.1 + radar.NOISE_FLOOR, rel=0.01)
    assert intensity.mean() ** 2 / intensity.var() == pytest.approx(1, abs=0.03)
    sample = intensity.ravel()[::40] / intensity.mean()
    assert stats.kstest(sample, "expon").pvalue > 1e-3
    coherence = (vh * vv.conj()).mean() / np.sqrt((np.abs(vh) ** 2).mean() * intensity.mean())
    assert coherence == pytest.approx(np.conj(rho), abs=0.01)


def test_open_water_has_one_look_and_the_lee_filter_gives_it_many(fabric):
    water = binary_erosion(fabric.land < 0.01, iterations=5)
    water &= ~binary_dilation(fabric.height > 0, iterations=13)  # no tower leans over it
    assert water.sum() > 5000
    _, vv, covariance = radar.observe(np.random.default_rng(3), fabric, "ascending")
    single, filtered = np.abs(vv[water]) ** 2, covariance[3][water]

    def looks(values):
        return values.mean() ** 2 / values.var()

    assert looks(single) == pytest.approx(1, abs=0.1)
    assert looks(filtered) > 15
    assert filtered.mean() == pytest.approx(single.mean(), rel=0.03)


def test_filtered_covariance_is_positive(city):
    for scene in city.sentinel1.values():
        cross = scene.C12_re**2 + scene.C12_im**2
        assert float(scene.C11.min()) > 0
        assert float(scene.C22.min()) > 0
        assert float((cross / (scene.C11 * scene.C22)).max()) <= 1 + 1e-3


def test_backscatter_orders_as_structure_does(fabric, plan):
    power = radar.backscatter(np.random.default_rng(0), fabric, "ascending")

    def level(zone, values):
        return 10 * np.log10(values[plan.zone == NUMBER[zone]].mean())

    assert level("1", power.vv) > level("6", power.vv) + 2 > level("G", power.vv) + 6
    assert level("A", power.vh) > level("D", power.vh) + 2  # volume scattering depolarises
    assert abs(level("F", power.vv) - level("D", power.vv)) < 3  # soil and grass look much alike


def test_a_wall_is_bright_for_the_orbit_that_faces_it(fabric):
    facing = {o: radar._facade_angle(fabric.angle, a)[0] for o, a in radar.LOOK_AZIMUTH.items()}
    power = {o: radar.backscatter(np.random.default_rng(0), fabric, o).vv for o in facing}
    dense = (fabric.height > 12) & (fabric.roof > 0.2)
    square = dense & (facing["ascending"] < 0.1) & (facing["descending"] > 0.25)
    turned = dense & (facing["descending"] < 0.1) & (facing["ascending"] > 0.25)
    for mask, first, second in (
        (square, "ascending", "descending"),
        (turned, "descending", "ascending"),
    ):
        if mask.sum() > 500:
            assert power[first][mask].mean() > 2 * power[second][mask].mean()
    assert max(square.sum(), turned.sum()) > 500


def test_radar_does_not_see_the_colour_of_a_roof(fabric):
    swapped = fabric.cover.copy()
    tile, bitumen = NAMES.index("roof_tile"), NAMES.index("roof_bitumen")
    swapped[[tile, bitumen]] = swapped[[bitumen, tile]]
    other = type(fabric)(**{**vars(fabric), "cover": swapped})
    one, two = (
        radar.backscatter(np.random.default_rng(0), f, "ascending") for f in (fabric, other)
    )
    np.testing.assert_allclose(one.vv, two.vv, rtol=1e-5)


# --- temperatures and references


def test_plain_means_recover_the_true_surface_differences(plan):
    rows = plan.zone.shape[0] // 10
    height = plan.elevation.reshape(rows, 10, rows, 10).mean((1, 3))
    grid = geobox_of(simulate_city(2, 1).lcz)  # only its CRS and cell size matter here
    grid = type(grid)((rows, rows), grid.affine, grid.crs)
    truth = thermal.true_surface_difference()
    lst = thermal.surface_temperature(np.random.default_rng(9), plan.lcz, height, grid)
    for name in ("day", "night"):
        level = lst[name].values + thermal.LAPSE_RATE * height
        means = np.array([np.nanmean(level[plan.lcz == k]) for k in range(1, 18)])
        error = means - means[NUMBER["D"] - 1] - truth[name].values
        assert np.abs(error).max() < 1.3
        assert np.sqrt((error**2).mean()) < 0.5
        assert float(truth[name].sel(lcz=NUMBER["D"])) == 0


def test_stations_recover_the_true_air_differences(city):
    series = city.air_temperature
    assert str(series["time"].dt.tz) == "UTC"
    wide = series.pivot(index="time", columns="station", values="air_temperature")
    assert wide.shape == (92 * 24, 30)
    assert wide.index[0] == pd.Timestamp("2021-06-01T00:00Z")
    assert 0.002 < wide.isna().to_numpy().mean() < 0.03
    sites = city.stations.set_index("station")
    level = wide + thermal.LAPSE_RATE * sites["elevation"]
    by_hour = level.groupby(level.index.hour).mean()
    rural = by_hour[sites.index[sites["lcz"] == NUMBER["D"]]].mean(axis=1)
    for station, zone in sites["lcz"].items():
        error = (by_hour[station] - rural).to_numpy() - city.air_difference.sel(lcz=zone).values
        assert abs(error.mean()) < 0.7
    night = city.air_difference.sel(hour=0)
    assert float(night.sel(lcz=2)) > 3 > float(city.air_difference.sel(hour=12, lcz=2))


def test_a_station_stands_in_its_zone(city):
    for row in city.stations.itertuples():
        at = city.lcz.sel(x=row.geometry.x, y=row.geometry.y, method="nearest")
        assert int(at) == row.lcz


def test_reference_polygons_agree_with_the_truth_and_leave_most_undrawn(city):
    polygons = city.polygons
    assert polygons.geometry.is_valid.all()
    box = geobox_of(city.lcz)
    burnt = rasterize(
        zip(polygons.geometry, polygons["lcz"], strict=True), box.shape, transform=box.affine
    )
    drawn = burnt > 0
    assert 0.05 < drawn.mean() < 0.5
    assert (burnt == city.lcz.values)[drawn].mean() > 0.93
    assert polygons.groupby("lcz").size().max() <= 12


@pytest.mark.slow
def test_the_default_city_has_several_polygons_of_every_zone():
    counts = simulate_city().polygons.groupby("lcz").size()
    assert set(counts.index) == set(range(1, 18))
    assert counts.min() >= 3
