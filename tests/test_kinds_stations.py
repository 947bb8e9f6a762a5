"""Networks drawn in any climate, unit, with any fills, anywhere: read as they are, or refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lczlib.analysis.heat.air_climate import usual
from lczlib.analysis.heat.air_values import air_values
from lczlib.analysis.heat.sites import by_role, places_of
from lczlib.analysis.heat.station_zones import station_classes
from lczlib.analysis.heat.stations import read_stations
from lczlib.errors import InputError
from lczlib.longitudes import wrapped
from lczlib.reading import Notes, readings

FILES = Path("air.csv")
CLIMATES = {  # middle and half the daily range in degC, latitude, day of the year
    "Yakutsk in January": (-42.0, 3.0, 62.0, 15),
    "Berlin in January": (1.0, 3.0, 52.5, 15),
    "Berlin in July": (19.0, 6.0, 52.5, 196),
    "Minneapolis in January": (-7.0, 4.0, 45.0, 15),
    "Singapore": (27.5, 3.0, 1.3, 100),
    "Kuwait in July": (43.0, 7.5, 29.4, 196),
    "Melbourne in July": (10.0, 4.0, -37.8, 196),
    "Suva": (26.0, 3.0, -18.1, 40),
}
FILLS = (-999.0, -9999.0, 9999.0, -99.9, 999.9, -127.0, 1e20, -32768.0)


@dataclass
class Found:
    """Air in degC, and what was noted of it."""

    air: pd.DataFrame
    notes: Notes

    def __post_init__(self) -> None:
        self.said, self.cautions = self.notes.said, self.notes.cautions
        self.facts = self.notes.facts


def read_values(raw, sites, unit=None, column="airT") -> Found:
    notes = Notes()
    return Found(air_values(raw, sites, unit, column, FILES, notes), notes)


def network(climate: str, longitude: float, n: int = 5, seed: int = 0, hours: int = 240):
    """Truth: degC with one digit, a column a station, and its sites."""
    middle, swing, latitude, day = CLIMATES[climate]
    rng = np.random.default_rng(seed)
    first = pd.Timestamp("2021-01-01", tz="UTC") + pd.Timedelta(days=day - 1)
    times = pd.date_range(first, periods=hours, freq="h")
    local = (times.hour + longitude / 15) % 24
    weather = np.cumsum(rng.normal(0, 0.3, hours)) * 0.5
    base = middle + swing * np.cos((local - 15) / 24 * 2 * np.pi) + weather
    names = [f"S{i}" for i in range(n)]
    air = {s: base + rng.normal(0, 1) + rng.normal(0, 0.2, hours) for s in names}
    sites = gpd.GeoDataFrame(
        {"elevation": np.nan, "lcz": 0}, index=names,
        geometry=gpd.points_from_xy(
            wrapped(longitude + rng.uniform(-0.05, 0.05, n)),
            latitude + rng.uniform(-0.05, 0.05, n), crs=4326,
        ),
    )  # fmt: skip
    return pd.DataFrame(air, index=times).round(1), sites


def written(air: pd.DataFrame, unit: str) -> pd.DataFrame:
    values = {"degC": air, "K": air + 273.15, "degF": air * 1.8 + 32, "0.1 degC": air * 10}[unit]
    return values.round(0 if unit == "0.1 degC" else 2)


def read_or_asked(raw: pd.DataFrame, sites: gpd.GeoDataFrame):
    """What was read, or the sentence that asks for the unit."""
    try:
        return read_values(raw, sites), ""
    except InputError as err:
        return None, str(err)


climates = st.sampled_from(sorted(CLIMATES))
longitudes = st.sampled_from([13.4, 129.7, 47.9, 179.99, -179.99, 103.8])
units = st.sampled_from(["degC", "K", "degF"])


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(climates, longitudes, units, st.integers(0, 99))
def test_a_network_in_one_unit_is_read_as_it_is_or_asked_about(climate, longitude, unit, seed):
    air, sites = network(climate, longitude, seed=seed)
    raw = written(air, unit)
    found, asked = read_or_asked(raw, sites)
    if found is None:
        assert asked.endswith("state it with --unit degC or --unit degF.")
        assert (climate, longitude) != ("Berlin in January", 13.4)
        assert climate.endswith("January") or longitude not in (13.4, 47.9)
    else:
        assert found.facts["unit"] == unit
        np.testing.assert_allclose(found.air, air, atol=0.01)
        assert found.facts["temperatures_masked"] == 0
        assert not found.cautions
    stated = read_values(raw, sites, unit)
    np.testing.assert_allclose(stated.air, air, atol=0.01)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(climates, longitudes, st.permutations(["degC", "K", "degF"]), st.integers(0, 99))
def test_one_station_in_another_unit_is_found(climate, longitude, two, seed):
    air, sites = network(climate, longitude, seed=seed)
    raw = written(air, two[0])
    raw["S2"] = written(air[["S2"]], two[1])["S2"]
    found, asked = read_or_asked(raw, sites)
    if found is None:
        assert "--unit" in asked
        return
    np.testing.assert_allclose(found.air, air, atol=0.01)
    assert found.facts["units_of_stations"] == {"S2": two[1]}
    assert any(c.startswith("S2 is read as") for c in found.cautions)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    climates, units, st.lists(st.sampled_from(FILLS), min_size=1, max_size=2, unique=True),
    st.floats(0.02, 0.6), st.integers(1, 5), st.integers(0, 99),
)  # fmt: skip
def test_fills_are_masked_and_counted(climate, unit, fills, share, n_stations, seed):
    air, sites = network(climate, 20.0, seed=seed)
    raw = written(air, unit)
    rng = np.random.default_rng(seed)
    holes = np.zeros(raw.shape, bool)
    holes[:, :n_stations] = rng.random((len(raw), n_stations)) < share
    holes[:4, 0] = True
    values = raw.to_numpy(copy=True)
    values[holes] = rng.choice(fills, holes.sum())
    found = read_values(pd.DataFrame(values, raw.index, raw.columns), sites, unit)
    assert (found.air.isna().to_numpy() == holes).all()
    assert found.facts["temperatures_masked"] == holes.sum()
    np.testing.assert_allclose(found.air.to_numpy()[~holes], air.to_numpy()[~holes], atol=0.01)


@pytest.mark.parametrize(
    ("climate", "fill"),
    [("Singapore", 0.0), ("Berlin in July", 0.0), ("Berlin in July", 85.0), ("Suva", 50.0)],
)
def test_a_fill_within_what_occurs_on_earth_is_told_by_its_leaps(climate, fill):
    air, sites = network(climate, 20.0)
    raw = air.copy()
    raw.iloc[5::17, 1] = fill
    found = read_values(raw, sites)
    assert found.facts["fills"] == {f"{fill:g}": len(raw.iloc[5::17])}
    assert found.air.iloc[:, [0, 2, 3, 4]].equals(air.iloc[:, [0, 2, 3, 4]])


def test_frost_and_thaw_are_no_fills_and_a_stuck_sensor_is_told():
    air, sites = network("Berlin in January", 13.4)
    raw = air.copy()
    raw["S0"] = raw["S0"].where(raw["S0"].abs() > 1, 0.0)  # thawing snow holds 0 degC
    assert read_values(raw, sites).facts["temperatures_masked"] == 0
    raw = air.copy()
    raw.iloc[50:130, 3] = 1.3
    found = read_values(raw, sites)
    assert found.facts["stuck_hours"] == {"S3": 79.0}
    assert "stuck sensor: S3 (79 h)" in found.cautions[0]


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["Berlin in July", "Singapore", "Kuwait in July"]), st.integers(0, 99))
def test_tenths_of_degrees_are_told_from_degrees(climate, seed):
    air, sites = network(climate, 20.0, seed=seed)
    found = read_values(written(air, "0.1 degC"), sites, None, "TT_TU")
    assert found.facts["unit"] == "0.1 degC"
    assert not found.cautions
    np.testing.assert_allclose(found.air, air, atol=0.051)


def test_where_both_are_in_use_a_winter_is_asked_about_and_a_name_tells():
    air, sites = network("Minneapolis in January", -93.3)
    with pytest.raises(InputError, match="--unit degC or --unit degF"):
        read_values(air, sites)
    for name, unit in (("temp_F", "degF"), ("ta_degC", "degC"), ("Air temperature (°F)", "degF")):
        found = read_values(written(air, unit), sites, None, name)
        np.testing.assert_allclose(found.air, air, atol=0.01)
        assert "by the name of column" in found.said[0]
    hot, sites = network("Singapore", 103.8)
    found = read_values(written(hot, "K"), sites, None, "temp_C")
    assert "says degC, but its values fit K" in found.cautions[0]


def test_a_unit_that_the_values_contradict_is_refused():
    air, sites = network("Berlin in July", 13.4)
    with pytest.raises(InputError, match="look like kelvin; state --unit K"):
        read_values(written(air, "K"), sites, "degC")
    with pytest.raises(InputError, match="--unit degC or --unit degF"):
        read_values(air, sites, "K")
    with pytest.raises(InputError, match="no air temperatures in degC, K or degF"):
        read_values(air * 0 + 1013.0 + np.arange(240)[:, None] / 100, sites, None, "p")


def test_what_is_usual_holds_cities_that_are_known():
    # monthly means, World Meteorological Organization's normals; none of these is in the table
    for latitude, longitude, day, height, mean in (
        (51.3, 12.4, 15, 140, 1), (51.3, 12.4, 196, 140, 19.5), (59.4, 24.7, 15, 30, -3),
        (35.2, 136.9, 15, 50, 5), (42.9, 74.6, 15, 760, -3), (42.9, 74.6, 196, 760, 25.5),
        (46.8, 130.3, 15, 100, -18), (-25.4, -49.3, 196, 920, 13), (39.9, -86.2, 15, 240, -2),
        (0.3, 32.6, 100, 1190, 22), (26.2, 50.6, 196, 10, 35), (-36.9, -60.3, 196, 130, 7.5),
    ):  # fmt: skip
        middle, deviation = usual(latitude, longitude, day, height)
        assert abs(mean - middle) < 1.5 * deviation, (latitude, longitude, day, middle)


# --- sites ---------------------------------------------------------------------------------------


def _table(**changes: object) -> pd.DataFrame:
    names = ["A", "B", "C", "D"]
    table = pd.DataFrame({
        "station": names, "latitude": [52.1, 52.2, 52.3, 52.4], "longitude": [13.1, 13.2, 13.3, 13.4],
    })  # fmt: skip
    return table.assign(**changes)


def _places(table: pd.DataFrame, notes: Notes | None = None) -> gpd.GeoDataFrame:
    names = {"latitude": "lat", "longitude": "lon"}
    return places_of(table, Path("sites.csv"), names, notes or Notes())


def test_coordinates_that_are_no_degrees_are_refused_with_what_they_are():
    turned = _table(latitude=[113.1, 113.2, 113.3, 113.4], longitude=[22.1, 22.2, 22.3, 22.4])
    with pytest.raises(InputError, match=r"exchanged.*--columns latitude=lon,longitude=lat"):
        _places(turned)
    metres = _table(latitude=5.77e6 + np.arange(4), longitude=3.9e5 + np.arange(4))
    with pytest.raises(InputError, match=r"UTM zone.*GeoPackage"):
        _places(metres)
    mercator = _table(latitude=6.8e6 + np.arange(4), longitude=1.49e6 + np.arange(4))
    with pytest.raises(InputError, match="web mercator"):
        _places(mercator)
    with pytest.raises(InputError, match="is no number: write decimal degrees"):
        _places(_table(latitude=["52°30'30\"N", "52", "52", "52"]))


@settings(max_examples=25, deadline=None)
@given(
    st.floats(-179.99, 180), st.floats(-80, 80), st.sampled_from([".", ",", "NSEW", "360"]),
    st.sampled_from([4326, 32633, 3857]),
)  # fmt: skip
def test_coordinates_in_any_writing_are_the_same_places(longitude, latitude, writing, epsg):
    assume(abs(longitude) > 0.1 or abs(latitude) > 0.1)  # 0 N, 0 E is no place of a station
    y = np.round(latitude + 0.01 * np.arange(4), 6)
    x = np.round(wrapped(longitude + 0.01 * np.arange(4)), 6)
    table = _table(latitude=y, longitude=x)
    if writing == "360":
        table["longitude"] = x % 360
    elif writing == ",":
        table = table.assign(
            **{
                c: table[c].map(lambda v: f"{v:.6f}".replace(".", ","))
                for c in ("latitude", "longitude")
            }
        )
    elif writing == "NSEW":
        table["latitude"] = [f"{abs(v):.6f} {'NS'[int(v < 0)]}" for v in y]
        table["longitude"] = [f"{abs(v):.6f}°{'EW'[int(v < 0)]}" for v in x]
    found = _places(table).geometry
    np.testing.assert_allclose(found.y, y, atol=1e-6)
    np.testing.assert_allclose((found.x - x + 180) % 360 - 180, 0, atol=1e-6)
    if abs(longitude - 15) < 3 or epsg != 32633:
        points = gpd.GeoDataFrame(
            {"station": list("ABCD")}, geometry=gpd.points_from_xy(x, y, crs=4326)
        ).to_crs(epsg)
        moved = _places(by_role(points, {"station": "station"})).geometry
        np.testing.assert_allclose(moved.y, y, atol=1e-6)
        np.testing.assert_allclose((moved.x - x + 180) % 360 - 180, 0, atol=1e-6)


def test_what_a_sites_table_lacks_is_counted_and_named():
    found = _places(_table(
        latitude=[52.1, 0.0, -999.0, 52.4], longitude=[13.1, 0.0, -999.0, 13.4],
        elevation=[30, 31, 32, -9999], lcz=["2", "D", None, "forest?"],
    ), notes := Notes())  # fmt: skip
    assert list(found.index) == ["A", "D"]
    assert found["lcz"].tolist() == [2, 0]
    assert found["elevation"].isna().tolist() == [False, True]
    assert "1 elevation masked as fills" in notes.said
    assert "2 stations of sites.csv without a usable place" in notes.cautions[0]
    assert "D ('forest?')" in notes.cautions[1]
    codes = _places(_table(lcz=[103.0, np.nan, 6.0, 0.0]))["lcz"]
    assert codes.tolist() == [13, 0, 6, 0]
    twice = pd.concat([_table(), _table().assign(latitude=53.0)])
    with pytest.raises(InputError, match=r"'A' of .* has several places.*so have B, C, D"):
        _places(twice)


def test_all_stations_without_a_place_are_named_and_left_out_on_request(tmp_path):
    air, sites = network("Berlin in July", 13.4)
    air.rename_axis("time").reset_index().melt(
        "time", var_name="station", value_name="ta"
    ).to_csv(tmp_path / "air.csv", index=False)  # fmt: skip
    table = pd.DataFrame({
        "code": sites.index[:3], "ilat": sites.geometry.y[:3], "ilon": sites.geometry.x[:3],
    })  # fmt: skip
    table.loc[3] = ["elsewhere", 52.0, 13.0]
    table.to_csv(tmp_path / "sites.csv", index=False)
    options = {"sites": tmp_path / "sites.csv",
               "columns": {"station": "code", "latitude": "ilat", "longitude": "ilon"}}  # fmt: skip
    with pytest.raises(InputError, match=r"2 stations of 5 .*: S3, S4; .* --skip-outside"):
        read_stations(tmp_path / "air.csv", **options)
    with readings() as heard:
        data = read_stations(tmp_path / "air.csv", **options, skip_outside=True)
    assert list(data.air) == ["S0", "S1", "S2"]
    assert data.left_out == {"S3": "no coordinates", "S4": "no coordinates"}
    said = str(next(r for r in heard if r.what == "station file"))
    assert "1 site without data: elsewhere" in said
    assert "2 stations without a place left out: S3, S4" in said
    with pytest.raises(InputError, match=r"Neither .* has a column 'nowhere'"):
        read_stations(
            tmp_path / "air.csv", sites=tmp_path / "sites.csv", columns={"station": "nowhere"}
        )


def test_all_stations_outside_the_map_are_named_and_left_out_on_request():
    from odc.geo.geobox import GeoBox

    from lczlib.grid import on_grid
    from lczlib.maps import lcz_map

    box = GeoBox.from_bbox((13.0, 52.0, 13.5, 52.5), crs="EPSG:4326", shape=(50, 50))
    lcz = lcz_map(on_grid(np.full((50, 50), 6, np.uint8), box))

    def at(x: list[float], y: list[float]) -> gpd.GeoDataFrame:
        names = [f"S{i}" for i in range(len(x))]
        return gpd.GeoDataFrame(
            {"lcz": 0, "elevation": np.nan},
            index=names,
            geometry=gpd.points_from_xy(x, y, crs=4326),
        )

    some_out = at([13.1, 14.1, 13.2, -13.2], [52.1, 52.1, 52.3, 52.2])
    with pytest.raises(
        InputError, match=r"2 stations of 4: 'S1' at .*, 'S3' at 52.2000 N, 13.2000 W"
    ):
        station_classes(some_out, lcz)
    found = station_classes(some_out, lcz, skip_outside=True)
    assert list(found.index) == ["S0", "S2"]
    assert set(found.attrs["left_out"]) == {"S1", "S3"}
    with pytest.raises(InputError, match="fewer than two stations are left"):
        station_classes(at([14.0, 14.1, 13.2], [52.1, 52.1, 52.3]), lcz, skip_outside=True)
    with pytest.raises(InputError, match="inside it with latitude and longitude exchanged"):
        station_classes(at([52.1, 52.2], [13.1, 13.3]), lcz)
