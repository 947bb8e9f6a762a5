"""Means, boxes and maps across 180 degrees."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from lczlib import longitudes
from lczlib.grid import geobox_of, on_grid, to_utm
from lczlib.mercator import WORLD, beside, mercator_box, to_mercator_grid

places = st.floats(-180, 180, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(places, st.lists(st.floats(-20, 20), min_size=1, max_size=8), st.booleans())
def test_the_mean_turns_with_its_places(middle, offsets, to_360):
    x = longitudes.wrapped(np.array(offsets) + middle)
    x = x % 360 if to_360 else x
    expected = middle + np.mean(offsets)
    found = longitudes.mean_longitude(x)
    assert abs((found - expected + 180) % 360 - 180) < 1e-6
    west, south, east, north = longitudes.box_of(x, offsets)
    assert (east - west) % 360 == pytest.approx(np.ptp(offsets), abs=1e-6)
    assert (south, north) == (min(offsets), max(offsets))


def _grid(longitude: float, latitude: float, crs: str) -> GeoBox:
    """10 km around a place."""
    if crs == "EPSG:4326":
        return GeoBox.from_bbox(
            (longitude - 0.05, latitude - 0.05, longitude + 0.05, latitude + 0.05),
            crs=crs, shape=(40, 40),
        )  # fmt: skip
    to = Transformer.from_crs(4326, crs, always_xy=True)
    x, y = to.transform(longitude, latitude)
    return GeoBox.from_bbox((x - 5e3, y - 5e3, x + 5e3, y + 5e3), crs=crs, resolution=250)


@pytest.mark.parametrize("latitude", [-16.8, 64.7])
@pytest.mark.parametrize(
    ("longitude", "crs"),
    [(180.0, "utm"), (179.99, "utm"), (-179.99, "utm"), (180, "EPSG:4326"), (-180, "EPSG:4326")],
)
def test_a_city_across_180_degrees_is_one_piece(longitude, latitude, crs):
    crs = longitudes.utm_of(longitude, latitude) if crs == "utm" else crs
    box = _grid(longitude, latitude, crs)
    data = on_grid(np.ones(box.shape, np.float32), box)
    assert longitudes.crosses(box)
    x, y = longitudes.centre_of(box)
    assert abs((x - longitude + 180) % 360 - 180) < 0.01
    assert y == pytest.approx(latitude, abs=0.01)
    shown = mercator_box(box)
    left, bottom, right, top = shown.boundingbox
    assert left < WORLD / 2 < right
    assert max(right - left, top - bottom) < 40_000
    drawn = to_mercator_grid(data, shown, "nearest")
    assert float(np.isfinite(drawn).mean()) > 0.8
    assert geobox_of(drawn).boundingbox == shown.boundingbox
    warped = to_utm(data.to_dataset(name="a"), 250.0)
    assert geobox_of(warped).crs.epsg in (32601, 32660, 32701, 32760)
    assert float(warped["a"].notnull().mean()) > 0.7


def test_other_cities_and_the_world_are_as_before():
    berlin = _grid(13.4, 52.5, "EPSG:32633")
    world = GeoBox.from_bbox((-180, -80, 180, 80), crs="EPSG:4326", shape=(16, 36))
    assert not longitudes.crosses(berlin)
    assert not longitudes.crosses(world)
    assert mercator_box(berlin) == berlin.to_crs("EPSG:3857")
    assert beside(WORLD / 2 + 5, -WORLD / 2) == pytest.approx(-WORLD / 2 + 5)
    assert longitudes.share_ground(berlin, _grid(13.42, 52.5, "EPSG:4326"))
    assert not longitudes.share_ground(berlin, _grid(180.0, 52.5, "EPSG:32601"))
    assert longitudes.share_ground(_grid(180.0, 10, "EPSG:32601"), _grid(-179.99, 10, "EPSG:4326"))


def test_stations_are_found_on_a_map_across_180_degrees():
    import geopandas as gpd

    from lczlib.analysis.heat.quality import quality_control
    from lczlib.analysis.heat.station_zones import station_classes, with_elevation
    from lczlib.maps import lcz_map

    for middle, crs in ((180.0, "EPSG:4326"), (-180.0, "EPSG:4326"), (180.0, "EPSG:32701")):
        box = _grid(middle, -16.8, crs)
        codes = np.full(box.shape, 2, np.uint8)
        codes[:, codes.shape[1] // 2 :] = 14
        sites = gpd.GeoDataFrame(
            {"lcz": 0, "elevation": np.nan}, index=["west", "east"],
            geometry=gpd.points_from_xy([179.97, -179.97], [-16.8, -16.8], crs=4326),
        )  # fmt: skip
        assert station_classes(sites, lcz_map(on_grid(codes, box)))["lcz"].tolist() == [2, 14]
        heights = with_elevation(sites, on_grid(codes.astype(np.float32), box))
        assert heights["elevation"].tolist() == [2.0, 14.0]
    # six stations around 180 degrees are neighbours, one of them far too warm
    x = longitudes.wrapped(180 + 0.004 * np.arange(-3, 4))
    sites = gpd.GeoDataFrame(
        {"elevation": 1.0}, index=list("abcdefg"),
        geometry=gpd.points_from_xy(x, np.full(7, -16.8), crs=4326),
    )  # fmt: skip
    times = pd.date_range("2021-01-01", periods=48, freq="h", tz="UTC")
    air = pd.DataFrame(
        25 + np.random.default_rng(0).normal(0, 0.1, (48, 7)), times, list("abcdefg")
    )
    air["a"] += 10
    report = quality_control(air, sites, ("buddies",)).report
    assert report.loc["a", "buddies"] == 48
