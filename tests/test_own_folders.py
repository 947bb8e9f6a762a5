"""A user's own folders: a static STAC catalog that the command line and the dashboard list."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from pathlib import Path

import numpy as np
import pystac
import pystac.validation
import pytest

from lczlib.acquire.own import add_folder, forget_folder, own_cities
from lczlib.errors import InputError
from lczlib.study.places import Places

LAGOS, REDON = "22007_22007_Lagos", "00000_00000_Redon"


@pytest.fixture
def folder(write_tif):
    """Builds a folder in So2Sat's layout, of constant pixels: only where they lie counts."""

    def build(
        name: str, city: str, *seasons: str, origin=(540_000.0, 720_000.0), crs="EPSG:32631"
    ) -> Path:
        for season in seasons:
            file = f"{name}/Sentinel-2/{city}/{season}/{city[:5]}_{season}.tif"
            path = write_tif(
                np.full((10, 40, 50), 900, np.uint16), file, origin=origin, crs=crs, nodata=0
            )
            shutil.copy(path, path.with_name("clear_count.tif"))
        return path.parents[3]

    return build


def test_a_folder_is_listed_with_its_place_seasons_and_rasters(folder, an_own_catalog):
    lagos = folder("lagos", LAGOS, "wet", "dry")
    added = add_folder(lagos)
    assert own_cities() == added
    (city,) = added
    assert (city.city, city.name, city.folder) == (LAGOS, "Lagos", lagos.resolve())
    assert (city.seasons, city.radar, city.licence, city.there) == (
        ("dry", "wet"),
        False,
        "other",
        True,
    )
    west, south, east, north = city.box
    assert (west, north) == (pytest.approx(3.3617, abs=1e-3), pytest.approx(6.5132, abs=1e-3))
    assert (east - west) * 111.2 == pytest.approx(0.5, abs=0.01)
    assert (north - south) * 111.2 == pytest.approx(0.4, abs=0.01)
    item = json.loads(next(an_own_catalog.glob("*/*.json")).read_text())
    assert sorted(item["assets"]) == [
        f"Sentinel-2/{LAGOS}/{s}/{n}"
        for s in ("dry", "wet")
        for n in (f"22007_{s}.tif", "clear_count.tif")
    ]
    assert all(Path(a["href"].removeprefix("file://")).is_file() for a in item["assets"].values())


def test_the_catalog_is_valid_stac_which_other_programs_read(folder, an_own_catalog):
    add_folder(folder("lagos", LAGOS, "summer"))
    add_folder(folder("redon", REDON, "winter", origin=(640_000.0, 5_280_000.0), crs="EPSG:32630"))
    fiji = folder(
        "fiji", "00000_00000_Taveuni", "dry", origin=(819_900.0, 8_130_000.0), crs="EPSG:32760"
    )
    add_folder(fiji)
    catalog = pystac.Catalog.from_file(str(an_own_catalog / "catalog.json"))
    pystac.validation.validate_dict(catalog.to_dict())
    items = list(catalog.get_items())
    assert {i.properties["lczlib:city"] for i in items} == {LAGOS, REDON, "00000_00000_Taveuni"}
    for item in items:
        pystac.validation.validate_dict(item.to_dict())


def test_what_lcz_get_says_of_the_folder_is_taken_over(folder):
    lagos = folder("lagos", LAGOS, "summer")
    said = {
        "id": LAGOS, "properties": {
            "license": "CC-BY-4.0", "start_datetime": "2023-06-01T00:00:00Z",
            "end_datetime": "2023-08-31T23:59:59Z", "attribution": "Contains modified data",
        },
    }  # fmt: skip
    (lagos / "item.json").write_text(json.dumps(said))
    (city,) = add_folder(lagos)
    assert city.licence == "CC-BY-4.0"
    said["id"] = "another city"
    (lagos / "item.json").write_text(json.dumps(said))
    assert add_folder(lagos)[0].licence == "other"
    assert len(own_cities()) == 1  # in place of what there was


def test_a_folder_on_a_disk_that_is_away_stays_listed_and_is_not_offered(folder):
    lagos = folder("lagos", LAGOS, "summer")
    add_folder(lagos)
    away = lagos.rename(lagos.with_name("away"))
    assert [c.there for c in own_cities()] == [False]
    assert not Places(own=True).folders
    away.rename(lagos)
    assert Places(own=True).folders == (lagos.resolve(),)


def test_the_dashboard_offers_them_only_to_their_owner(folder):
    one, other = folder("2022", LAGOS, "summer"), folder("2023", LAGOS, "summer")
    add_folder(one)
    add_folder(other)
    assert not any(p.key.startswith("folder:") for p in Places().known())
    places = Places(own=True)
    first, second = (p for p in places.known() if p.key.startswith("folder:"))
    assert (first.name, second.name) == ("Lagos", "Lagos (2023)")
    assert places.place(second.key).folder == other.resolve()
    assert first.latitude == pytest.approx(6.511, abs=0.01)
    assert places.find("lagos")[0].has_scenes


@pytest.mark.parametrize(
    ("options", "offered"),
    [
        ((), True),
        (("--address", "127.0.0.1"), True),
        (("--no-own",), False),
        (("--address", "0.0.0.0"), False),
        (("--prefix", "/lcz"), False),
        (("--origin", "lcz.example.org"), False),
        (("--address", "0.0.0.0", "--own"), True),
    ],
)
def test_a_dashboard_that_others_can_reach_does_not_offer_them_by_itself(
    options, offered, run_lcz, monkeypatch
):
    environment = dict(os.environ)
    monkeypatch.setattr(os, "environ", environment)
    monkeypatch.setattr(os, "execv", lambda *_: None)  # the server, in place of this process
    code, _, error = run_lcz("app", *options)
    assert code == 0, error
    assert environment["LCZLIB_OWN"] == ("1" if offered else "")


def test_what_is_no_such_folder_is_refused_and_changes_nothing(folder, tmp_path, an_own_catalog):
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match="is no So2Sat folder"):
        add_folder(tmp_path / "other")
    (tmp_path / "empty/Sentinel-2" / LAGOS).mkdir(parents=True)
    with pytest.raises(InputError, match="nothing to list"):
        add_folder(tmp_path / "empty")
    assert own_cities() == []
    with pytest.raises(InputError, match="is none of the folders that are listed: none"):
        forget_folder(tmp_path)
    lagos = folder("lagos", LAGOS, "summer")
    add_folder(lagos)
    assert forget_folder(lagos) == 1
    assert own_cities() == []
    assert lagos.is_dir()


def test_damaged_entries_are_passed_over(folder, an_own_catalog):
    add_folder(folder("lagos", LAGOS, "summer"))
    (an_own_catalog / "broken").mkdir()
    (an_own_catalog / "broken/broken.json").write_text("{")
    (an_own_catalog / "other").mkdir()
    (an_own_catalog / "other/other.json").write_text('{"type": "Feature"}')
    (an_own_catalog / "other/list.json").write_text("[1, 2]")
    (an_own_catalog / "other/nothing.json").write_text('{"properties": null}')
    assert [c.city for c in own_cities()] == [LAGOS]
    assert forget_folder(own_cities()[0].folder) == 1
    assert (an_own_catalog / "other/list.json").is_file()


@pytest.mark.slow
def test_runs_that_end_at_the_same_time_are_all_listed(folder):
    folders = [folder(f"run{i}", LAGOS, "summer") for i in range(4)]
    context = multiprocessing.get_context("spawn")
    running = [context.Process(target=add_folder, args=(f,)) for f in folders]
    for process in running:
        process.start()
    for process in running:
        process.join(120)
    assert [p.exitcode for p in running] == [0] * 4
    assert {c.folder for c in own_cities()} == {f.resolve() for f in folders}


def test_the_command_lists_adds_and_forgets(folder, run_lcz, mirror):
    lagos = folder("lagos", LAGOS, "wet")
    code, text, _ = run_lcz("cities", "--add", lagos)
    assert code == 0
    assert LAGOS in text
    code, text, _ = run_lcz("cities", "lagos")
    assert text.index("Your own") < text.index("Lagos, Nigeria")
    code, text, _ = run_lcz("cities", "--forget", lagos)
    assert (code, text.startswith("1 city of")) == (0, True)
    code, text, _ = run_lcz("cities", "lagos")
    assert "Your own" not in text
    code, _, error = run_lcz("cities", "--forget", lagos)
    assert code == 1
    assert "none of the folders" in error
