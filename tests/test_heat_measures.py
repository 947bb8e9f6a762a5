"""Other measures, sensor siting and class morphology, on synthetic layouts with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy import ndimage, stats

from lczlib.analysis.heat import measures, series, spots
from lczlib.analysis.heat.morphology import (
    PARAMETERS,
    class_areas,
    morphology_raster,
    morphology_table,
)
from lczlib.analysis.heat.network import allocate, sensor_sites
from lczlib.errors import GridError, InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map, open_lcz_map
from lczlib.scenes.thermal import Thermal

BOX = GeoBox.from_bbox((380_000, 5_800_000, 390_000, 5_810_000), "EPSG:32633", resolution=100)


@pytest.fixture(scope="module")
def city():
    """Synthetic: a round built area (LCZ 2) in low plants, a lake, 3 K warmer inside, falling to 0 at 2 km."""
    y, x = np.mgrid[:100, :100]
    radius = np.hypot(y - 50, x - 50) * 100
    codes = np.where(radius <= 2500, 2, 14).astype(np.uint8)
    codes[:, 90:] = 17
    celsius = 20 + np.clip(3 - np.maximum(radius - 2500, 0) / 2000 * 3, 0, 3)
    celsius += 0.1 * np.random.default_rng(0).standard_normal(codes.shape)
    return on_grid(celsius.astype(np.float32), BOX), lcz_map(on_grid(codes, BOX))


def test_urban_minus_rural_leaves_water_out(city):
    temperature, lcz = city
    found = measures.urban_rural(temperature, lcz, 1000.0, statistic="mean")
    rural = temperature.data[lcz.data == 14].mean()
    assert found.difference == pytest.approx(
        temperature.data[lcz.data == 2].mean() - rural, abs=1e-3
    )
    assert found.ci[0] < found.difference < found.ci[1]
    assert found.n_urban + found.n_background == int((lcz.data != 17).sum())
    with pytest.raises(InputError, match="needs both"):
        measures.urban_rural(temperature, lcz.where(lcz != 2, 14).astype(np.uint8), 1000.0)


def test_low_percentile_background(city):
    temperature, lcz = city
    found = measures.low_percentile(temperature, lcz, 1000.0, percentile=5)
    land = temperature.data[lcz.data != 17]
    expected = temperature.data[lcz.data == 2].mean() - np.percentile(land, 5)
    assert found.difference == pytest.approx(expected, abs=1e-3)
    assert found.ci[0] < found.difference < found.ci[1]


def test_profile_falls_from_the_urban_edge(city):
    profile = measures.distance_profile(*city, 1000.0, step=500, reach=4000).set_index("distance")
    assert profile.loc[-750, "mean"] == pytest.approx(23.0, abs=0.1)
    assert profile.loc[1250, "mean"] == pytest.approx(23 - 3 * 1250 / 2000, abs=0.25)
    assert profile.loc[3250, "mean"] == pytest.approx(20.0, abs=0.1)
    assert (profile["ci_low"] < profile["mean"]).all()


def test_persistence_counts_hot_dates_and_needs_enough_of_them():
    values = np.full((4, 2, 2), 2.0, np.float32)
    values[1:, 0, 1] = 0.0
    values[2:, 1, 0] = np.nan
    found = measures.persistence(xr.DataArray(values, dims=("time", "y", "x")), 1.0, min_dates=3)
    assert found["share"].data[0].tolist() == [1.0, 0.25]
    assert np.isnan(found["share"].data[1, 0])
    assert found["n_dates"].data[1, 0] == 2
    assert found["share_low"].data[0, 0] == pytest.approx(4 / (4 + 1.96**2), abs=1e-3)


def test_gi_star_matches_its_formula_pixel_by_pixel():
    rng = np.random.default_rng(0)
    values = rng.normal(20, 1, (15, 15)).astype(np.float32)
    values[3, 4] = np.nan
    small = GeoBox.from_bbox((0, 0, 1500, 1500), "EPSG:32633", resolution=100)
    found = spots.getis_ord(on_grid(values, small), radius=200.0)["z"].data
    known = values[np.isfinite(values)].astype(float)
    n, mean, sd = known.size, known.mean(), known.std()
    for row, col in ((0, 0), (7, 7), (4, 4), (14, 2)):
        y, x = np.mgrid[:15, :15]
        near = (np.hypot(y - row, x - col) <= 2) & np.isfinite(values)
        w = near.sum()
        expected = (values[near].sum() - mean * w) / (sd * np.sqrt((n * w - w**2) / (n - 1)))
        assert found[row, col] == pytest.approx(expected, abs=1e-3)
    assert np.isnan(found[3, 4])


def test_hot_spots_are_found_in_the_city_and_not_in_noise(city):
    found = spots.getis_ord(city[0])["spot"].data
    assert found[50, 50] == 1
    assert found[5, 5] == -1
    noise = on_grid(np.random.default_rng(1).standard_normal((100, 100)).astype(np.float32), BOX)
    assert (spots.getis_ord(noise)["spot"].data != 0).mean() < 0.05


def test_utfvi_and_its_levels():
    values = on_grid(np.array([[300.0, 300], [306, np.nan]], np.float32) - 273.15,
                     GeoBox.from_bbox((0, 0, 200, 200), "EPSG:32633", resolution=100))  # fmt: skip
    found = measures.utfvi(values)
    assert float(found["utfvi"][1, 0]) == pytest.approx((306 - 302) / 306, abs=1e-5)
    assert found["level"].data.tolist() == [[0, 0], [3, 255]]


def _scene(city, time=None, overpass=None, shift=0.0):
    return Thermal(city[0] + np.float32(shift), time=time, overpass=overpass)


def test_day_and_night_stay_apart_by_the_sun(city):
    scenes = [
        _scene(city, np.datetime64("2023-07-01T10:00:00")),
        _scene(city, np.datetime64("2023-07-01T21:30:00")),
        _scene(city, np.datetime64("2023-07-17T10:00:00")),
    ]
    facts = series.overpasses(scenes)
    assert series.split_by_overpass(facts) == {"day": [0, 2], "night": [1]}
    assert facts[0]["solar_hour"] == pytest.approx(10 + 13.3 / 15 - 0.07, abs=0.1)
    with pytest.raises(InputError, match="1 of 2 scenes tell no acquisition time"):
        series.split_by_overpass(series.overpasses([scenes[0], _scene(city)]))


def test_composites_are_the_median_of_the_dates(city):
    scenes = [_scene(city, shift=s) for s in (0.0, 1.0, 5.0)]
    scenes[2].temperature.data[:10] = np.nan
    stacked, lcz, method = series.stack(scenes, city[1])
    assert method == "same grid"
    assert lcz.shape == stacked.shape[1:]
    composite = series.median_composite(stacked)
    np.testing.assert_allclose(composite[50], city[0][50] + 1, atol=1e-5)
    # seen on the two cool dates alone, and brought to the level of the middle one
    np.testing.assert_allclose(composite[5], city[0][5] + 1, atol=1e-5)
    assert np.isnan(series.median_composite(stacked, min_dates=3)[5]).all()


def test_sensors_cover_every_zone_by_area_off_the_borders(shared):
    lcz = open_lcz_map(shared / "data/lcz_maps/shanghai_lcz.tif")
    sites = sensor_sites(lcz, 40, border_distance=200)
    codes = lcz.data
    assert len(sites) == 40
    to_pixel = ~lcz.odc.geobox.affine
    for _, site in sites.iterrows():
        col, row = (int(v) for v in to_pixel * (site.geometry.x, site.geometry.y))
        assert codes[row, col] == site["lcz"]
        window = codes[row - 1 : row + 2, col - 1 : col + 2]
        assert (window == site["lcz"]).all()
    present = set(np.unique(codes)) - {0, 17}
    assert set(sites["lcz"]) | set(sites.attrs["no_room"]) == present
    counts = sites["lcz"].value_counts()
    assert counts.idxmax() == max(present, key=lambda z: (codes == z).sum())
    assert sites["nearest_site"].min() > 2000


def test_border_distance_is_measured_to_the_next_zone_and_the_edge():
    codes = np.full((40, 40), 6, np.uint8)
    codes[:, 20:] = 14
    small = GeoBox.from_bbox((0, 0, 4000, 4000), "EPSG:32633", resolution=100)
    sites = sensor_sites(lcz_map(on_grid(codes, small)), 6, border_distance=400)
    x, y = sites.geometry.x, sites.geometry.y
    assert ((x - 2000).abs() >= 400).all()
    for along in (x, y):
        assert along.between(400, 3600).all()
    outside = ndimage.distance_transform_edt(np.pad(codes == 6, 1)) * 100 - 50
    first = sites[sites["lcz"] == 6].iloc[0]
    row, col = int((4000 - first.geometry.y) // 100), int(first.geometry.x // 100)
    assert first["border_distance"] == pytest.approx(outside[row + 1, col + 1], abs=0.1)


def test_sensors_stand_apart_and_what_a_zone_cannot_take_goes_to_others():
    """Two zones side by side, one of them a narrow strip that holds a sensor or two."""
    codes = np.full((60, 60), 6, np.uint8)
    codes[:, :6] = 2
    box = GeoBox.from_bbox((0, 0, 6000, 6000), "EPSG:32633", resolution=100)
    lcz = lcz_map(on_grid(codes, box))
    near = sensor_sites(lcz, 40, border_distance=200, spacing=0)
    apart = sensor_sites(lcz, 40, border_distance=200, spacing=900)
    assert near["nearest_site"].min() < 900 <= apart["nearest_site"].min()
    assert len(near) == 40
    assert apart.attrs["allocation"] == apart["lcz"].value_counts().to_dict()
    crowded = sensor_sites(lcz, 40, border_distance=200, spacing=2500)
    assert crowded["nearest_site"].min() >= 2500
    assert len(crowded) < 10
    assert sensor_sites(lcz, 40, border_distance=200)["nearest_site"].min() >= 500  # by default


def test_a_zone_too_near_the_sensors_of_another_is_named():
    codes = np.full((30, 30), 6, np.uint8)
    codes[12:18, 12:18] = 2
    box = GeoBox.from_bbox((0, 0, 3000, 3000), "EPSG:32633", resolution=100)
    sites = sensor_sites(lcz_map(on_grid(codes, box)), 2, border_distance=100, spacing=5000)
    assert sites.attrs["crowded"] == [6]
    assert sites.attrs["allocation"] == {2: 1}
    assert np.isnan(sites["nearest_site"]).all()


def test_few_sensors_go_to_the_reference_and_the_largest_zones(shared):
    lcz = open_lcz_map(shared / "data/lcz_maps/shanghai_lcz.tif")
    areas = np.bincount(lcz.data.ravel(), minlength=18)
    roomy = set(sensor_sites(lcz, 40, border_distance=100)["lcz"])
    few = sensor_sites(lcz, 3, border_distance=100)
    others = sorted(roomy - {14}, key=lambda z: -areas[z])
    assert set(few["lcz"]) == {14, *others[:2]}
    assert few.attrs["left_out"] == sorted(others[2:])


def test_an_empty_map_has_no_sites_and_no_areas():
    box = GeoBox.from_bbox((0, 0, 3000, 3000), "EPSG:32633", resolution=100)
    empty = lcz_map(on_grid(np.zeros((30, 30), np.uint8), box))
    with pytest.raises(InputError, match="holds no class"):
        sensor_sites(empty, 3)
    with pytest.raises(InputError, match=r"No cell of the LCZ map \(900 cells\) has a class"):
        class_areas(empty)


def test_wrong_network_requests_are_refused(city):
    _, lcz = city
    with pytest.raises(InputError, match="at least one sensor"):
        sensor_sites(lcz, 0)
    with pytest.raises(InputError, match="0 m or more"):
        sensor_sites(lcz, 5, spacing=-1)
    with pytest.raises(InputError, match="No zone has a place"):
        sensor_sites(lcz, 10, border_distance=90_000)
    degrees = GeoBox.from_bbox((13, 52, 13.1, 52.1), "EPSG:4326", resolution=0.01)
    with pytest.raises(GridError, match="projected"):
        sensor_sites(lcz_map(on_grid(np.full(degrees.shape, 2, np.uint8), degrees)), 5)


def test_allocation_gives_each_zone_one_and_the_rest_by_area():
    assert allocate({2: 1.0, 6: 98.0, 14: 1.0}, {2: 50, 6: 50, 14: 50}, 10) == {2: 1, 6: 8, 14: 1}
    assert allocate({2: 50.0, 6: 50.0}, {2: 1, 6: 50}, 10) == {2: 1, 6: 9}
    assert (
        sum(allocate(dict.fromkeys(range(1, 8), 1.0), dict.fromkeys(range(1, 8), 9), 7).values())
        == 7
    )


def test_published_ranges_are_ordered_and_fractions_can_add_up():
    table = morphology_table()
    assert table.loc[2, "code"] == "2"
    assert table.loc[14, "sky_view_factor_min"] == 0.9
    assert table.loc[8, "building_fraction_max"] == 50
    for name in PARAMETERS:
        low, high = table[f"{name}_min"], table[f"{name}_max"]
        assert (low.isna() == high.isna()).all()
        assert (low.dropna() <= high.dropna()).all()
    parts = ("building_fraction", "impervious_fraction", "pervious_fraction")
    assert (sum(table[f"{p}_min"] for p in parts) <= 100).all()
    assert (sum(table[f"{p}_max"] for p in parts) >= 100).all()


PUBLISHED = {
    "2": (0.3, 0.6, 0.75, 2, 40, 70, 30, 50, 0, 20, 10, 25, 6, 7, 1500, 2200, 0.10, 0.20, 0, 75),
    "5": (0.5, 0.8, 0.3, 0.75, 20, 40, 30, 50, 20, 40, 10, 25, 5, 6, 1400, 2000, 0.12, 0.25, 0, 25),
    "7": (0.2, 0.5, 1, 2, 60, 90, 0, 20, 0, 30, 2, 4, 4, 5, 800, 1500, 0.15, 0.35, 0, 35),
    "C": (0.7, 0.9, 0.25, 1, 0, 10, 0, 10, 90, 100, 0, 2, 4, 5, 700, 1500, 0.15, 0.30, 0, 0),
    "F": (0.9, 1, 0, 0.1, 0, 10, 0, 10, 90, 100, 0, 0.25, 1, 2, 600, 1400, 0.20, 0.35, 0, 0),
}  # fmt: skip
"""Rows of tables 3 and 4 of Stewart & Oke (2012) as ancazugo/lczkit has them, lower and upper limit of
each parameter; what the tables leave open ("< 20", "> 0.9") at the parameter's own end."""


@pytest.mark.parametrize("code", PUBLISHED)
def test_ranges_are_the_published_ones(code):
    row = morphology_table().set_index("code").loc[code]
    found = [row[f"{name}_{side}"] for name in PARAMETERS for side in ("min", "max")]
    assert found == list(PUBLISHED[code])


def test_morphology_rasters_and_areas_follow_the_map(city):
    _, lcz = city
    layer = morphology_raster(lcz, "height")
    assert layer.sel(bound="min").data[50, 50] == 10
    assert layer.sel(bound="middle").data[50, 50] == 17.5
    assert np.isnan(layer.sel(bound="max").data[0, 95])
    areas = class_areas(lcz)
    assert areas["area_km2"].sum() == pytest.approx(100.0)
    assert areas.index.tolist() == [2, 14, 17]
    with pytest.raises(InputError, match="no morphology parameter"):
        morphology_raster(lcz, "beauty")


def test_areas_of_a_map_in_degrees_are_those_on_the_ellipsoid():
    box = GeoBox.from_bbox((13.0, 52.0, 13.1, 52.1), "EPSG:4326", resolution=0.001)
    found = class_areas(on_grid(np.full(box.shape, 14, np.uint8), box))
    assert found.index.tolist() == [14]
    # at 52 degrees a degree is 68.7 km wide and 111.3 km high
    assert found.loc[14, "area_km2"] == pytest.approx(6.87 * 11.13, rel=0.005)
    assert found.loc[14, "share"] == 1


@pytest.mark.parametrize("share", [0.0, 0.02, 1.0])
def test_discoveries_are_those_of_scipy(share, monkeypatch):
    monkeypatch.setattr(spots, "_AT_ONCE", 70)
    rng = np.random.default_rng(3)
    z = np.abs(rng.normal(0, 1, 1000) + 5 * (rng.random(1000) < share)).astype(np.float32)
    expected = (
        stats.false_discovery_control(2 * stats.norm.sf(z.astype(float)), method="by") <= 0.05
    )
    least = spots._least_discovered(z.copy(), 0.05)
    np.testing.assert_array_equal(z >= least, expected)
    assert (share > 0) == expected.any()
