"""A look at shapes and tables before they are used: what each is taken for, what was found and lost."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from looks import assumed, facts
from shapely.geometry import LineString, Point, box

from lczlib.study.looking import KINDS, Settings, look, read_as
from lczlib.terms import settings_in


def frame(shapes: list, **columns: list) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=4326)


SQUARES = [box(13 + i / 50, 52, 13.015 + i / 50, 52.015) for i in range(5)]


def test_polygons_with_classes_are_a_reference(tmp_path: Path) -> None:
    table = frame(SQUARES, lcz=[2, 6, "D", None, "A"])
    table["lcz"] = table["lcz"].astype(str).replace("None", "")
    table.to_file(tmp_path / "thing.geojson")
    found = look(tmp_path / "thing.geojson")
    assert [g.kind.name for g in found.guesses if g.why][:2] == ["reference", "map"]
    assert facts(found)["Shapes"] == "4 polygons"
    assert facts(found)["Column"] == "lcz"
    assert facts(found)["Classes"].startswith("4, in km²: 2 1.7")
    assert found.seen.lost == ("1 shape without a class",)


def test_polygons_of_geoclimate_are_a_map(tmp_path: Path) -> None:
    table = frame(SQUARES, LCZ_PRIMARY=[2, 6, 104, 101, 3], LCZ_UNIQUENESS_VALUE=[0.5] * 5)
    table.to_crs(32633).to_file(tmp_path / "rsu_lcz.gpkg")
    found = look(tmp_path / "rsu_lcz.gpkg")
    assert (found.best.kind.name, found.best.assumed) == ("map", False)


def test_polygons_without_classes_are_an_area_and_many_are_districts(tmp_path: Path) -> None:
    frame(SQUARES[:1]).to_file(tmp_path / "x.geojson")
    assert look(tmp_path / "x.geojson").best.kind.name == "area"
    many = [box(13 + i / 90, 52, 13.01 + i / 90, 52.01) for i in range(40)]
    frame(many, population=[1000 + 17 * i for i in range(40)]).to_file(tmp_path / "y.geojson")
    found = look(tmp_path / "y.geojson")
    assert found.best.kind.name == "polygons"
    assert "area" in [g.kind.name for g in found.guesses if g.why]


def test_a_kml_without_classes_is_an_area(tmp_path: Path) -> None:
    ring = "13,52 13.1,52 13.1,52.1 13,52"
    text = (
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><Polygon><outerBoundaryIs><LinearRing>'
        f"<coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Document></kml>"
    )
    path = tmp_path / "city.kmz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("doc.kml", text)
    found = look(path)
    assert [g.kind.name for g in found.guesses if g.why] == []  # a study takes what is in it
    (tmp_path / "city.kml").write_text(text)
    assert look(tmp_path / "city.kml").best.kind.name == "area"


def test_lines_are_a_coast_and_points_are_stations(tmp_path: Path) -> None:
    frame([LineString([(13, 52), (13.2, 52.1)])]).to_file(tmp_path / "x.geojson")
    assert look(tmp_path / "x.geojson").best.kind.name == "coast"
    points = [Point(13 + i / 50, 52) for i in range(4)]
    frame(points, station=list("abcd"), elevation=[1, 2, 3, 4], lcz=[2, 6, 14, 3]).to_file(
        tmp_path / "y.gpkg"
    )
    found = look(tmp_path / "y.gpkg")
    assert [g.kind.name for g in found.guesses if g.why][:2] == ["stations", "reference"]
    assert facts(found)["Stations"] == "4"
    assert "another file" in found.seen.remark


HOURS = pd.date_range("2021-07-01", periods=72, freq="h", tz="UTC")


def air(places: bool = True) -> pd.DataFrame:
    """Three stations, in summer at 52 degrees north."""
    rows = []
    for i, station in enumerate("abc"):
        values = 20 + i + 5 * np.sin((HOURS.hour - 9) / 24 * 2 * np.pi)
        part = pd.DataFrame({"time": HOURS, "station": station, "temperature": values.round(1)})
        rows.append(part.assign(lat=52.5 + i / 100, lon=13.4) if places else part)
    return pd.concat(rows, ignore_index=True)


def test_a_table_of_stations_tells_times_zone_unit_and_what_is_lost(tmp_path: Path) -> None:
    table = air()
    table.loc[5:9, "temperature"] = np.nan
    table.to_csv(tmp_path / "x.csv", index=False)
    found = look(tmp_path / "x.csv")
    assert (found.best.kind.name, found.best.assumed) == ("stations", False)
    told = facts(found)
    assert (told["Rows"], told["Stations"]) == ("216", "3")
    assert told["Times"] == "2021-07-01T00:00Z to 2021-07-03T23:00Z"
    assert told["Time zone"] == "offset in the file"
    assert told["Unit"] == "degC"
    assert "Unit" in assumed(found)
    assert any("5 missing" in text for text in found.seen.lost)
    assert len(found.seen.shown) == 3


def test_times_without_a_zone_are_asked_for(tmp_path: Path) -> None:
    table = air()
    table["time"] = table["time"].dt.tz_localize(None).dt.strftime("%d.%m.%Y %H:%M")
    table.to_csv(tmp_path / "x.csv", index=False, sep=";", decimal=",")
    found = look(tmp_path / "x.csv")
    assert found.best.kind.name == "stations"
    assert settings_in(found.seen.refused) == ("time_zone",)
    settings = Settings(heat_time_zone="Europe/Berlin")
    seen = read_as(KINDS["stations"], [tmp_path / "x.csv"], settings=settings)
    told = {f.name: f.value for f in seen.facts}
    assert "Europe/Berlin" in told["Time zone"]
    assert told["Times"].startswith("2021-06-30T22:00Z")


def test_temperatures_and_their_places_apart_are_read_together(tmp_path: Path) -> None:
    air(places=False).to_csv(tmp_path / "air.csv", index=False)
    sites = pd.DataFrame({"station": list("abc"), "lat": [52.5, 52.51, 52.52], "lon": [13.4] * 3})
    sites.to_csv(tmp_path / "sites.csv", index=False)
    alone = look(tmp_path / "air.csv")
    assert "in another file" in alone.seen.remark
    assert not alone.seen.refused
    assert facts(alone)["Stations"] == "3"
    where = look(tmp_path / "sites.csv")
    assert where.best.kind.name == "stations"
    assert not where.seen.asked
    both = look(tmp_path / "air.csv", beside=[tmp_path / "air.csv", tmp_path / "sites.csv"])
    assert facts(both)["Places"] == "of sites.csv"
    assert not both.seen.remark


def test_a_column_for_each_station_is_a_table_of_stations(tmp_path: Path) -> None:
    wide = air(places=False).pivot(index="time", columns="station", values="temperature")
    wide.reset_index().to_csv(tmp_path / "wide.csv", index=False)
    assert look(tmp_path / "wide.csv").best.kind.name == "stations"


def test_other_tables_are_told_by_their_columns(tmp_path: Path) -> None:
    pd.DataFrame({"time": HOURS, "wind": 2.0, "cloud": 3}).to_csv(tmp_path / "w.csv", index=False)
    days = pd.date_range("2020-01-01", periods=400).strftime("%Y-%m-%d")
    maxima = pd.DataFrame({"date": days, "maximum": 20 + 5 * np.sin(np.arange(400))})
    maxima.to_parquet(tmp_path / "m.parquet")
    pd.DataFrame({"station": list("abc"), "lcz": [2, 6, "D"]}).to_csv(
        tmp_path / "c.csv", index=False
    )
    points = pd.DataFrame({"lon": [13.1, 13.2], "lat": [52.1, 52.2], "lcz": [2, 6]})
    points.to_csv(tmp_path / "p.csv", index=False)
    kinds = {"w.csv": "weather", "m.parquet": "maxima", "c.csv": "station_classes", "p.csv": "reference"}  # fmt: skip
    for name, kind in kinds.items():
        found = look(tmp_path / name)
        assert found.best.kind.name == kind, name
        assert not found.seen.refused, name


def test_landsats_metadata_are_told_by_their_first_line(tmp_path: Path) -> None:
    (tmp_path / "x_MTL.txt").write_text(
        'GROUP = LANDSAT_METADATA_FILE\n  LANDSAT_PRODUCT_ID = "LC08_L1TP_X"\n  DATE_ACQUIRED = 2021-07-15\nEND\n'
    )
    found = look(tmp_path / "x_MTL.txt")
    assert found.best.kind.name == "mtl"
    assert facts(found)["Date"] == "2021-07-15"


def test_a_domain_of_wrf_is_told_by_what_wrote_it(tmp_path: Path) -> None:
    (tmp_path / "d01.nc").write_bytes(b"CDF\x01" + b"\0" * 40 + b"OUTPUT FROM GEOGRID V4")
    found = look(tmp_path / "d01.nc")
    assert (found.best.kind.name, found.best.assumed) == ("geo_em", False)
