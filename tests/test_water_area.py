"""The area of water: cells on the ellipsoid, the interval and what it holds, known truth."""

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Geod, Transformer
from synthetic_water import BOX, backscatter, lake

from lczlib.analysis.water_area import cell_areas, dark_as_water, water_area
from lczlib.analysis.water_dynamics import monthly, regime_areas, water_occurrence, water_regime
from lczlib.errors import InputError
from lczlib.grid import on_grid

SMALL = GeoBox((64, 96), Affine(10, 0, 5e5, 0, -10, 3.5e6), "EPSG:32650")
MONTHS = np.arange("2020-01", "2021-01", dtype="datetime64[M]").astype("datetime64[ns]")
CELL = cell_areas(SMALL).mean()


def series(layers, time, box=SMALL):
    return on_grid(
        np.asarray(layers, np.float32), box, dims=("time", "y", "x"), coords={"time": time}
    )


@pytest.mark.parametrize(
    ("crs", "affine"),
    [
        ("EPSG:32650", Affine(10, 0, 5e5, 0, -10, 4.4e6)),
        ("EPSG:4326", Affine(1e-4, 0, 116.2, 0, -1e-4, 40.0)),
        ("EPSG:4326", Affine(1e-4, 0, -70, 0, -1e-4, -53.0)),
        ("EPSG:3857", Affine(10, 0, 1.3e7, 0, -10, 4.9e6)),
        ("EPSG:3035", Affine(10, 0, 4.5e6, 0, -10, 3.2e6)),
        ("EPSG:2263", Affine(33, 0, 9.8e5, 0, -33, 2.1e5)),  # New York, in feet
    ],
)
def test_cell_areas_are_those_on_the_ellipsoid(crs, affine):
    box = GeoBox((40, 30), affine, crs)
    to_lonlat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    corners = [affine * xy for xy in ((0, 0), (30, 0), (30, 40), (0, 40))]
    lon, lat = to_lonlat.transform(*np.transpose(corners))
    expected = abs(Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0]) / 1e6
    assert cell_areas(box).sum() * 30 == pytest.approx(expected, rel=2e-3)


def test_web_mercator_is_not_taken_at_its_word():
    box = GeoBox((4, 4), Affine(10, 0, 1.3e7, 0, -10, 4.9e6), "EPSG:3857")
    assert cell_areas(box).mean() < 0.65e-4


def test_sure_water_is_uncertain_by_its_shore_only():
    """22 m are two whole cells; the rim of the scene is no shore."""
    p = np.full((1, *SMALL.shape), 0.1)
    p[0, :20, :30] = 0.9
    area = water_area(series(p, MONTHS[:1])).isel(time=0)
    outer = 22 * 32 - 1  # a round corner
    for key, cells in (("area", 600), ("expected", 600), ("low", 18 * 28), ("high", outer)):
        assert float(area[key]) == pytest.approx(cells * CELL, rel=1e-3, abs=1e-5)
    assert int(area["n_valid"]) == 64 * 96
    assert np.isnan(area["dark"])


def test_dark_water_that_is_not_mapped_raises_the_upper_limit_only():
    p = np.full(SMALL.shape, 0.1)
    p[:10, :20] = 0.9
    dark = np.zeros(SMALL.shape, bool)
    dark[:10, :20] = dark[40:44, 50:60] = True
    dark[30, 30] = True  # one cell alone is speckle
    values = np.where(dark, [[[-19.0]], [[-25.0]]], [[[-19.0]], [[-15.0]]])  # VH tells them apart
    values[:, 41, 55] = np.nan
    bands = {"dims": ("band", "y", "x"), "coords": {"band": ["VV_as", "VH_as"]}}
    scene = on_grid(values, SMALL, **bands)
    found = dark_as_water(scene)
    assert np.isnan(found[41, 55])
    assert int((found == 1).sum()) == 200 + 40 + 1 - 1
    probability = on_grid(np.where(np.isnan(values[0]), np.nan, p), SMALL)
    without, area = water_area(probability), water_area(probability, dark=found)
    # of the 4 x 10 cells, the corners have 4 dark neighbours of 9, and one cell is no data
    assert float(area["dark"]) == pytest.approx((40 - 4 - 1) * CELL, rel=1e-3)
    assert float(area["low"]) == float(without["low"])
    around = 8 * 14 - 4 * 3 - 1  # the cells within reach of what counts as dark
    assert float(area["high"] - without["high"]) == pytest.approx(around * CELL, rel=0.06)
    with pytest.raises(InputError, match="dark areas are"):
        water_area(probability, dark=found[1:])


def test_wind_on_mapped_water_does_not_lower_the_limit():
    p = on_grid(np.where(np.arange(96) < 30, 0.9, 0.1) * np.ones((64, 1)), SMALL)
    bright = on_grid(np.zeros(SMALL.shape, np.float32), SMALL)
    xr.testing.assert_allclose(
        water_area(p, dark=bright).drop_vars("dark"), water_area(p).drop_vars("dark")
    )


def test_doubt_widens_the_interval_and_missing_cells_leave_it():
    p = np.full((3, *SMALL.shape), 0.1)
    p[:, :20, :30] = 0.9
    p[1, 20:24, :30] = 0.45  # below the threshold, but maybe water
    p[2, 32:] = np.nan
    area = water_area(series(p, MONTHS[:3]))
    assert float(area["area"][1]) == pytest.approx(float(area["area"][0]))
    assert float(area["expected"][1]) > float(area["area"][1])
    assert float(area["high"][1]) > float(area["low"][1]) + 1e-3
    assert float(area["valid_share"][2]) == pytest.approx(0.5, abs=1e-3)
    assert float(area["area"][2]) == pytest.approx(float(area["area"][0]))


def test_variance_takes_a_block_as_one():
    """Half-sure cells: the errors of one block add up, those of six blocks add in squares."""
    p = np.full((1, *SMALL.shape), 0.5)
    area = water_area(series(p, MONTHS[:1])).isel(time=0)
    spread = 1.96 * np.sqrt(6) * 32 * 32 * CELL * 0.5
    assert float(area["high"]) == pytest.approx(float(area["expected"]) + spread, rel=1e-3)


def test_rows_read_in_bands_give_the_same_sums(monkeypatch):
    p = np.random.default_rng(1).uniform(0, 1, (2, *SMALL.shape))
    p[0, 40:50, 3:9] = np.nan
    dark = series(np.random.default_rng(2).uniform(0, 1, p.shape) > 0.4, MONTHS[:2])
    whole = water_area(series(p, MONTHS[:2]), dark=dark)
    monkeypatch.setattr("lczlib.analysis.water_area._BAND_BYTES", 1)
    parts = water_area(series(p, MONTHS[:2]).chunk(y=20), dark=dark.chunk(y=11))
    xr.testing.assert_allclose(parts, whole)


def test_a_month_without_valid_cells_has_no_area():
    p = np.full((2, *SMALL.shape), 0.1)
    p[1] = np.nan
    area = water_area(series(p, MONTHS[:2]))
    assert np.isnan(area["area"][1])
    assert float(area["valid_share"][1]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("orbit", ["as", "des"])
def test_a_lake_cycle_is_within_the_stated_intervals(mirror, orbit):
    """Synthetic radar of a lake whose area is known, through the network, month by month."""
    from lczlib.mapping.water import load_water_model, water_map

    model = load_water_model(orbit, "cpu")
    radii = 70 + 35 * np.sin(2 * np.pi * (np.arange(12) - 3) / 12)
    lakes = [lake(r) for r in radii]
    scenes = [backscatter(w, seed=i) for i, w in enumerate(lakes)]
    maps = [water_map(scene, orbit, model=model) for scene in scenes]
    p = monthly(series([m.probability.values for m in maps], MONTHS, BOX))
    dark = monthly(series([dark_as_water(s).values for s in scenes], MONTHS, BOX))
    areas = water_area(p, dark=dark)
    cell = cell_areas(BOX)[:, None]
    truth = np.array([(w * cell).sum() for w in lakes])
    for t, a, low, high in zip(
        truth, areas["area"].values, areas["low"], areas["high"], strict=True
    ):
        print(f"{orbit}: true {t:.3f}, mapped {a:.3f}, interval {low:.3f}-{high:.3f} km2")  # noqa: T201 - the figure is wanted
    assert ((areas["low"] <= truth) & (truth <= areas["high"])).all()
    assert np.abs(areas["area"] / truth - 1).max() < 0.1
    width = (areas["high"] - areas["low"]) / areas["area"]
    assert float(width.median()) < 0.35  # an interval that says something
    assert float(width.max()) < 1.2  # the smallest lake is nearly all shore

    found = regime_areas(water_regime(water_occurrence(p)))
    assert found["permanent"] == pytest.approx(truth.min(), rel=0.12)
    assert found["permanent"] + found["seasonal"] == pytest.approx(truth.max(), rel=0.05)


@pytest.mark.parametrize(("orbit", "name"), [("as", "ascending"), ("des", "descending")])
def test_the_water_of_the_simulated_city_is_within_the_stated_interval(mirror, orbit, name):
    """GMNet passes over much of a narrow river; the interval reaches to where the radar is dark."""
    from lczlib.mapping.water import water_map
    from lczlib.mapping.water_scene import water_scene
    from lczlib.scenes.simulation import simulate_city

    city = simulate_city(6.0, seed=1)
    radar = city.sentinel1[name]
    scene = water_scene(xr.Dataset({"VV": radar["C22"], "VH": radar["C11"]}), orbit, units="linear")
    probability = water_map(scene, orbit).probability
    area = water_area(probability, dark=dark_as_water(scene))
    truth = float((city.water * cell_areas(BOX).mean()).sum())
    low, high = float(area["low"]), float(area["high"])
    print(f"{orbit}: true {truth:.3f}, mapped {float(area['area']):.3f}, {low:.3f}-{high:.3f} km2")  # noqa: T201 - the figure is wanted
    assert low <= truth <= high < 1.3 * truth
    assert float(water_area(probability)["high"]) < truth  # darkness is what holds it
    false = ((probability > 0.5) & (city.water == 0)).sum() / (city.water > 0).sum()
    assert float(false) < 0.01
