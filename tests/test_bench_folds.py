"""Folds of polygons: the same from every file, told by their hash, refused where the polygons are others."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from bench_town import CRS, LEFT, TOP, opened, write_list
from shapely.affinity import translate
from shapely.geometry import box

from lczlib.acquire.places import place_of
from lczlib.bench.cities import board_cities
from lczlib.bench.folds import make_folds, read_folds
from lczlib.bench.site import kept_folds
from lczlib.bench.submitted import checked_file
from lczlib.errors import InputError
from lczlib.polygons import open_polygons
from lczlib.reading import quiet


@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.geojson", "a.fgb"])
def test_the_folds_are_the_same_from_every_file_format_and_order(town_polygons, tmp_path, name):
    town_polygons.to_file(tmp_path / "first.gpkg")
    folds = make_folds("town", opened(tmp_path / "first.gpkg"))
    other = town_polygons.sample(frac=1, random_state=1)
    other = other if name == "a.shp" else other.to_crs("EPSG:4326")
    other.to_file(tmp_path / name)
    again = opened(tmp_path / name)
    assert make_folds("town", again).hash == folds.hash
    found = folds.of(again)
    by_place = dict(zip(folds.table["id"], folds.table["fold"], strict=True))
    assert [by_place[i] for i in found["id"]] == found["fold"].tolist()
    lcz = dict(zip(folds.table["id"], folds.table["lcz"], strict=True))
    assert [lcz[i] for i in found["id"]] == again["lcz"].tolist()


def test_the_hash_tells_a_moved_polygon_another_class_and_another_fold(town_polygons):
    with quiet():
        folds = make_folds("town", open_polygons(town_polygons))
    table = folds.table
    seen = {folds.hash}
    for column, value in (
        ("fold", (table["fold"][3] + 1) % 5),
        ("lcz", 9),
        ("west", table["west"][3] + 1e-4),
    ):
        changed = table.copy()
        changed.loc[3, column] = value
        seen.add(type(folds)(folds.city, changed).hash)
    seen.add(type(folds)("village", table).hash)
    assert len(seen) == 5


@pytest.mark.parametrize("change", ["moved", "redrawn", "class", "added", "left out"])
def test_polygons_that_are_not_those_of_the_folds_are_refused(town_polygons, change):
    with quiet():
        folds = make_folds("town", open_polygons(town_polygons))
        other = town_polygons.copy()
        if change == "moved":
            other.loc[4, "geometry"] = translate(other.geometry[4], 30)
        elif change == "redrawn":  # of the same box and area
            west, south, east, north = other.geometry[4].bounds
            whole = other.geometry[4]
            other.loc[4, "geometry"] = whole.difference(box(east - 50, south, east, south + 50))
            with quiet():
                folds = make_folds("town", open_polygons(other))
            other.loc[4, "geometry"] = whole.difference(box(west, north - 50, west + 50, north))
        elif change == "class":
            other.loc[4, "lcz"] = 9
        elif change == "added":
            extra = gpd.GeoDataFrame(
                {"lcz": [9]}, geometry=[box(LEFT, TOP - 200, LEFT + 200, TOP)], crs=CRS
            )
            other = pd.concat([other, extra], ignore_index=True)
        else:
            other = other.drop(index=4)
        other = open_polygons(other)
    with pytest.raises(InputError, match="give the file that the board names"):
        folds.of(other)


def test_folds_are_written_read_and_refused_where_they_were_changed(town_polygons, tmp_path):
    with quiet():
        folds = make_folds("town", open_polygons(town_polygons))
    path = folds.write(tmp_path / "folds.json")
    assert read_folds(path).hash == folds.hash
    told = json.loads(path.read_text())
    told["polygons"][0][2] = (told["polygons"][0][2] + 1) % 5
    path.write_text(json.dumps(told))
    with pytest.raises(InputError, match="were changed after they were written"):
        read_folds(path)


def test_each_class_is_dealt_over_the_folds_and_few_polygons_are_a_fold_each(town_polygons):
    with quiet():
        folds = make_folds("town", open_polygons(town_polygons))
        few = make_folds("town", open_polygons(town_polygons.iloc[:4]))
    per_class = folds.table[folds.table["lcz"] != 17].groupby("lcz")["fold"].nunique()
    assert (per_class == 5).all()
    assert folds.alone == (17,)
    assert few.n_folds == len(few.table) == 4


def test_the_catalog_says_of_each_city_where_and_under_what_terms():
    cities = board_cities()
    assert len({c.name for c in cities}) == len(cities) >= 3
    for city in cities:
        assert city.polygons.licence
        assert len(city.polygons.citation) > 30
        assert all(a.startswith("https://") for a in city.polygons.addresses)
        # without folds nobody has read the polygons, and the list says so
        assert city.folds or "Unconfirmed" in city.polygons.note
        if city.folds:
            assert read_folds(city.base / city.folds).city == city.name


def test_the_folds_of_hong_kong_are_made_again_from_the_polygons(shared):
    (city,) = board_cities(["hong_kong"], data=shared / "data")
    with quiet():
        polygons = open_polygons(
            city.data / city.polygons.file, city.polygons.column, zero_unlabelled=True
        )
    kept = read_folds(city.base / city.folds)
    assert make_folds("hong_kong", polygons).hash == kept.hash
    assert len(kept.of(polygons)) == len(kept.table)


def test_the_committed_result_stands_on_the_board():
    """Its folds are those of the catalog, and its scores those of its counts."""
    path = Path(__file__).resolve().parents[1] / "benchmarks/results/bench.json"
    folds = {c.name: kept_folds(c) for c in board_cities() if c.folds}
    rows = checked_file(path, folds, 200)
    assert {r["way"] for r in rows if r["status"] == "scored"} >= {"forest", "cnn", "published"}
    table = (path.parent / "bench.md").read_text()
    for row in rows:
        assert row["status"] != "scored" or f"| {row['oa']:.3f} (" in table
        assert row["status"] == "scored" or row["reason"] in table


def test_a_board_on_which_nothing_could_be_scored_ends_as_a_failure(bench_town, tmp_path, run_lcz):
    write_list(tmp_path, polygons={"file": "gone.kml", "addresses": [], "note": "Ask."})
    out = tmp_path / "board"
    code, said, err = run_lcz("bench", "--cities", bench_town, "--ways", "forest", "--out", out)
    assert code == 1
    assert "Nothing could be scored: put right what is named as not possible" in " ".join(
        err.split()
    )
    assert "are not here (gone.kml" in " ".join(said.split())
    assert "not possible" in (out / "scores.csv").read_text()
    assert (out / "scores.json").is_file()


def test_each_city_of_the_list_is_one_place_and_says_where_its_polygons_are_and_whose():
    cities = board_cities()
    assert len(cities) >= 20
    for city in cities:
        assert city.polygons.citation
        assert city.polygons.note
        assert city.polygons.licence
        assert city.polygons.addresses or city.folds, city.name
        if city.scene.place and not city.scene.place.isdecimal():  # codes are of a list to download
            with quiet():
                assert place_of(city.scene.place).population > 40_000
