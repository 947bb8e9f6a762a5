"""Names, boxes and files as places: accents, ambiguity, the antimeridian, the poles."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pytest

from lczlib.acquire.boxes import outline, overlap, read_box
from lczlib.acquire.places import (
    Place,
    find_place,
    place_of,
    place_of_key,
    search_places,
    the_place,
)
from lczlib.catalog.gazetteer import SO2SAT, ascii_letters, gazetteer, plain, square_around
from lczlib.errors import InputError
from lczlib.reading import readings


@pytest.mark.parametrize(
    ("texts", "name", "country", "code"),
    [
        (["Mnchen", "München", "Munich", "MUENCHEN", " münchen "], "Munich", "Germany", "204371"),
        (["Zrich", "Zürich", "zurich"], "Zürich", "Switzerland", "22606"),
        (["Krakw", "Kraków", "Cracow"], "Kraków", "Poland", "22132"),
        (["So Paulo", "São Paulo", "sao paulo"], "São Paulo", "Brazil", "20287"),
        (["d", "Łódź", "Lodz"], "Łódź", "Poland", "22145"),
        (["Lagos", "22007", "00017_22007_Lagos"], "Lagos", "Nigeria", "22007"),
        (["Xi'an", "Xi’an", "xian"], "Xi’an", "China", None),
        (["New York", "New York-Newark"], "New York City", "United States", "23083"),
        (["東京", "Tokyo"], "Tokyo", "Japan", "21671"),
        (["Lagos, Portugal", "lagos, PT", "Lagos, prt"], "Lagos", "Portugal", None),
        (["Springfield, MO", "Springfield, Missouri, US"], "Springfield", "United States", "23151"),
        (["Washington, D.C."], "Washington", "United States", "23174"),
        (["Birmingham, UK"], "Birmingham", "United Kingdom", None),
    ],
)  # fmt: skip
def test_a_name_in_any_writing_is_one_place(mirror, texts, name, country, code):
    for text in texts:
        found = find_place(text)
        assert [found[0].name, found[0].country] == [name, country], text
        assert code is None or found[0].code == code
        assert len({p.key for p in found}) == len(found)


def test_a_village_is_found_by_its_whole_name_and_is_no_part_of_another(mirror):
    (redon,) = find_place("Redon")
    assert (redon.name, redon.country, redon.code) == ("Redon", "France", None)
    (volta,) = find_place("Volta Redonda")
    assert (volta.country, volta.code) == ("Brazil", "20308")
    assert find_place("edon") == []


def test_a_city_of_both_lists_is_there_once_with_the_best_of_both(mirror):
    table = gazetteer()
    ours = table[table["source"] == SO2SAT]
    assert len(ours) == 1692
    assert table["key"].is_unique
    with_twin = ours[ours["geonames"] > 0]
    assert with_twin["geonames"].is_unique
    assert (
        len(with_twin) > 1600
    )  # the others are those that GeoNames does not have in the rectangle
    assert (with_twin["population"] > 0).all()
    zurich = the_place("Zürich")
    assert zurich.population > 300_000
    west, south, east, north = zurich.box
    assert west < 8.54 < east
    assert south < 47.37 < north
    assert place_of_key("place:2332459") == the_place("Lagos")  # its number of GeoNames


def test_ambiguous_names_are_listed_with_country_and_people(mirror):
    for text, told in [
        ("Springfield", "Missouri, United States (170,188 people)"),
        ("Valencia", "Spain (824,340 people)"),
    ]:
        with pytest.raises(InputError, match="places are called") as caught:
            the_place(text)
        assert told in str(caught.value)
        assert "--box" in str(caught.value)
    with pytest.raises(InputError, match=r"Say which .*'Springfield, Missouri'"):
        the_place("Springfield")
    assert the_place("Springfield, Missouri").code == "23151"
    with pytest.raises(InputError, match=r"Say which by its code \('20474'\)"):
        the_place("Changsha, China")  # the country does not part them
    assert the_place("20474").name == "Changsha"


def test_the_far_larger_city_is_meant_and_the_others_are_told(mirror):
    heard = []
    with readings(heard.append):
        assert the_place("Lagos").country == "Nigeria"
    assert "Lagos, Portugal (33,494 people)" in str(heard[0])
    heard.clear()
    with readings(heard.append):
        the_place("Munich")
    assert heard == []


def test_a_city_is_found_by_a_name_of_another_language_beside_a_smaller_namesake(mirror):
    assert find_place("Seville")[0].country == "Spain"
    assert find_place("Vienna")[0].country == "Austria"


def test_a_wrong_name_says_what_was_meant(mirror):
    with pytest.raises(InputError, match=r"'Lagso'.*did you mean .*Lagos"):
        the_place("Lagso")
    with pytest.raises(InputError, match="No place is called ''"):
        the_place("")


def test_search_puts_whole_names_first_then_countries_then_begins(mirror):
    assert search_places("nigeria")[0].name == "Lagos"
    names = [p.name for p in search_places("berlin")]
    assert names[0] == "Berlin"
    found = search_places("red")
    assert all(any(w.startswith("red") for w in plain(p.name).split()) for p in found[:5])
    assert {p.country for p in search_places("san, mexico")} == {"Mexico"}
    assert len(search_places("")) == len(gazetteer()) > 34_000
    assert search_places("xxxx") == []


def test_without_so2sats_list_geonames_serves_and_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("LCZLIB_MIRROR", "http://127.0.0.1:9")
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path))
    heard = []
    with readings(heard.append):
        (found,) = find_place("Zürich")
    assert found.code is None
    assert found.folder_name == "00000_00000_Zurich"
    assert "GeoNames alone" in heard[0].cautions[0]
    heard.clear()
    with readings(heard.append):
        assert find_place("Zürich", fetch=False) == [found]
    assert heard == []


def test_folders_are_named_as_so2sats(mirror):
    assert the_place("Lagos").folder_name == "22007_22007_Lagos"
    assert the_place("São Paulo").folder_name == "20287_20287_SaoPaulo"
    box = (13.0, 52.0, 13.5, 52.5)
    assert Place("Łódź-Süd / 3", "", None, box, None, "box").folder_name == "00000_00000_LodzSud3"
    assert Place("東京", "", None, box, None, "box").folder_name == "00000_00000_Place"
    assert Place("x", "", None, box, None, "box").utm == "EPSG:32633"


def test_a_box_keeps_the_name_and_code_of_the_place_it_lies_on(mirror):
    lagos = place_of("Lagos", "3.3,6.4,3.5,6.6")
    assert (lagos.folder_name, lagos.box, lagos.source) == (
        "22007_22007_Lagos", (3.3, 6.4, 3.5, 6.6), "box"
    )  # fmt: skip
    portugal = place_of("Lagos", (-8.75, 37.05, -8.6, 37.2))
    assert (portugal.country, portugal.code) == ("Portugal", None)
    elsewhere = place_of("Lagos", (13.2, 52.4, 13.6, 52.6))
    assert (elsewhere.name, elsewhere.country, elsewhere.code) == ("Lagos", "", None)
    assert place_of("13.2,52.4,13.6,52.6").folder_name == "00000_00000_N525E134"


def test_a_box_across_180_degrees_is_one_box():
    fiji = place_of("177.3,-18.2,-179.9,-17.5")
    assert fiji.utm == "EPSG:32760"
    assert fiji.size_km[0] == pytest.approx(297, abs=2)
    assert outline(fiji.box).geom_type == "MultiPolygon"
    assert outline(fiji.box).area == pytest.approx(2.8 * 0.7)
    assert overlap(fiji.box, (-180, -18, -179.95, -17))
    assert overlap((-180, -18, -179.95, -17), fiji.box)
    assert not overlap(fiji.box, (-179.8, -18, -179, -17))
    west, _, east, _ = square_around(179.99, -16.5, 100_000)
    assert west > 179
    assert east < -179


@pytest.mark.parametrize(
    ("box", "why"),
    [
        ("10,80,11,84.5", "84° north.*no UTM grid"),
        ("10,-85,11,-79", "80° south"),
        ("13.6,52.4,13.2,52.6", "swap them.*through 180°"),
        ("0,0,20,20", "2,190.2 x 2,224.0 km"),
        ("13.2,52.4,13.2001,52.6", "0.0 x 22.2 km"),
        ("13.2,52.6,13.6,52.4", "is no box"),
        ("-190,0,-185,1", "is no box"),
        ("a,b,c,d", "is no box"),
        ("1,2,3", "is no box"),
        ("nan,1,2,3", "is no box"),
    ],
)  # fmt: skip
def test_a_box_without_data_is_refused_with_the_reason(box, why):
    with pytest.raises(InputError, match=why):
        read_box(box)


def test_a_wide_box_across_180_degrees_is_not_taken_for_a_swapped_one():
    with pytest.raises(InputError, match=r"2,215.*give one of"):
        read_box("170,-60,-170,70")


def geojson(path: Path, *rings: list[list[float]]) -> Path:
    shapes = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [r]}}
        for r in rings
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": shapes}))
    return path


def ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def test_the_box_around_the_shapes_of_a_file(tmp_path):
    file = geojson(
        tmp_path / "Old town.geojson", ring(13.2, 52.4, 13.3, 52.5), ring(13.4, 52.5, 13.5, 52.6)
    )
    place = place_of(str(file))
    assert place.box == pytest.approx((13.2, 52.4, 13.5, 52.6))
    assert (place.name, place.folder_name) == ("Old town", "00000_00000_Oldtown")
    table = gpd.read_file(file)
    table.to_crs(32633).to_file(tmp_path / "utm.gpkg")
    assert place_of(str(tmp_path / "utm.gpkg")).box == pytest.approx(place.box, abs=0.01)
    table.to_file(tmp_path / "town.kml", driver="KML")
    assert place_of(str(tmp_path / "town.kml")).box == pytest.approx(place.box)


def test_shapes_on_both_sides_of_180_degrees_are_one_place(tmp_path):
    halves = (ring(179.5, -17, 180, -16.5), ring(-180, -17, -179.8, -16.5))
    place = place_of(str(geojson(tmp_path / "Taveuni.geojson", *halves)))
    assert place.box == pytest.approx((179.5, -17, -179.8, -16.5))


def test_files_that_name_no_place_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.kml"):
        place_of(str(tmp_path / "nowhere.kml"))
    with pytest.raises(InputError, match="give one of"):
        place_of(str(geojson(tmp_path / "world.geojson", ring(-170, -60, 170, 70))))
    with pytest.raises(InputError, match=r"empty\.geojson"):
        place_of(str(geojson(tmp_path / "empty.geojson")))


def test_letters_without_marks():
    assert (
        ascii_letters("Đà Nẵng, Łódź, Ağrı, Ørsta, Straße") == "Da Nang, Lodz, Agri, Orsta, Strasse"
    )
    assert plain("  Saint-Étienne ") == "saint etienne"


def test_the_command_lists_and_writes_what_was_found(mirror, run_lcz, tmp_path):
    code, text, _ = run_lcz("cities", "redon", "--out", tmp_path / "redon.geojson")
    assert code == 0
    assert text.index("Redon, France") < text.index("Volta Redonda")
    written = gpd.read_file(tmp_path / "redon.geojson")
    assert written.loc[0, ["name", "country"]].tolist() == ["Redon", "France"]
    assert written.set_index("name").loc["Volta Redonda", "un_code"] == 20308
    code, _, error = run_lcz("cities", "xxxx")
    assert code == 1
    assert "'xxxx'" in error
    code, text, _ = run_lcz("cities")
    assert code == 0
    assert "60 of 34," in text


def test_outlines_of_the_world_are_here_without_a_network():
    import shapely

    from lczlib.catalog.outlines import outlines

    coasts, borders = outlines()
    land = shapely.union_all([shapely.make_valid(shapely.Polygon(c)) for c in coasts])
    inside = [land.contains(shapely.Point(p)) for p in ((13.4, 52.5), (-58.4, -34.8), (134, -25))]
    assert inside == [True, True, True]
    assert not land.contains(shapely.Point(-30, 30))  # the Atlantic
    assert len(borders) > 150
    rhine = shapely.Point(7.8, 48.6)  # France and Germany
    assert min(rhine.distance(shapely.LineString(b)) for b in borders) < 0.5
