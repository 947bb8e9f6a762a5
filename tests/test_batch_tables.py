"""The tables of all cities: classes by their maps' numbering, results of this run alone, kinds of heat apart."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from shutil import copyfile, copytree
from typing import get_args

import numpy as np
import pystac
import pytest
import rasterio
from export_maps import BOX

from lczlib.errors import InputError
from lczlib.export import write_lcz_map, write_raster
from lczlib.figures import cities as drawn
from lczlib.grid import on_grid
from lczlib.jobs.batch import BatchRequest, BatchResult, City, city_of
from lczlib.jobs.batch_city import Outcome, Task, run_step
from lczlib.jobs.batch_steps import STEPS, Case, Row
from lczlib.jobs.batch_table import read_rows
from lczlib.maps import lcz_map
from lczlib.out_scheme import OutScheme

SCHEMES = get_args(OutScheme)
STEPS_OF = ("map", "assess", "compare", "uhi", "export")


def stored(path: Path) -> np.ndarray:
    with rasterio.open(path) as src:
        return src.read(1)


@pytest.fixture(scope="module")
def lcz():
    """All classes on 20 x 30 cells, a corner of them without one."""
    codes = np.kron(np.random.default_rng(3).integers(1, 18, (5, 6)), np.ones((4, 5), int))
    codes[0, :17] = np.arange(1, 18)
    codes[15:, 25:] = 0
    return lcz_map(on_grid(codes.astype(np.uint8), BOX, ("y", "x")))


@pytest.fixture(scope="module")
def made(lcz, tmp_path_factory) -> BatchResult:
    """One map as three cities, each in another numbering, and all that a batch makes of it."""
    place = tmp_path_factory.mktemp("numbered")
    wrong = np.where((np.arange(30) < 4) & (lcz > 0), 17, lcz).astype(np.uint8)
    write_lcz_map(place / "other.tif", lcz.copy(data=wrong), scheme="0-16")
    warm = 290 + lcz.values.astype(float) + np.random.default_rng(1).normal(0, 0.2, lcz.shape)
    lst = on_grid(warm.astype(np.float32), BOX, ("y", "x"))
    write_raster(place / "lst.tif", lst, nodata=np.nan, tags={"units": "K"})
    table = place / "cities.csv"
    head = "folder,city,out-scheme,assess.reference,map_b,lst,min-patches,interior,to"
    lines = [f"b.tif,{s},{s},other.tif,other.tif,lst.tif,1,0,geotiff" for s in SCHEMES]
    table.write_text("\n".join((head, *lines)))
    cities, out = [], place / "out"
    for row in read_rows(table, STEPS_OF):
        base = out / row.name
        (run,) = STEPS["map"].runs(Case(row, base, STEPS_OF))
        write_lcz_map(base / "map/s2_lcz.tif", lcz, scheme=run.request.out_scheme)
        told = {"command": "map", "parameters": {"date": "2021-07-01"}, "inputs": []}
        (base / "map/manifest.json").write_text(json.dumps(told))
        outcomes = (Outcome("map", "done"),)
        for step in STEPS_OF[1:]:
            outcomes = run_step(Task("b", row, base, step, STEPS_OF), outcomes)
        cities.append(city_of(row.name, outcomes))
    request = BatchRequest(table=table, steps=STEPS_OF)
    return BatchResult(request=request, folder=out, cities=tuple(cities))


@pytest.fixture
def numbered(made, tmp_path) -> BatchResult:
    """The three cities in a folder that the test may change."""
    return replace(made, folder=copytree(made.folder, tmp_path / "out"), notes=[])


def measures(folder: Path) -> dict[str, list[dict[str, str]]]:
    """The rows of a table of all cities, by city."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader((folder / "measures.csv").open()):
        found.setdefault(row.pop("city"), []).append(row | {"file": row["file"].partition("/")[2]})
    return found


def test_what_is_told_of_cities_does_not_depend_on_their_numbering(numbered, lcz, monkeypatch):
    out, seen = numbered.folder, {}
    assert [(c.name, c.status, c.made) for c in numbered.cities] == [
        (s, "done", STEPS_OF) for s in SCHEMES
    ]
    draw = drawn.cities_figure

    def drawing(maps, title):
        seen.update(maps)
        return draw(maps, title)

    monkeypatch.setattr(drawn, "cities_figure", drawing)
    numbered.write(out, figures=True)
    files = [out / s / "map/s2_lcz.tif" for s in SCHEMES]
    assert len({stored(f).tobytes() for f in files}) == 3

    rows = measures(out)
    assert rows["1-17"] == rows["101-107"] == rows["0-16"]
    area = {int(r["lcz"]): r for r in rows["0-16"] if r["measure"] == "area"}
    cells = np.bincount(lcz.values.ravel(), minlength=18)
    assert {n: int(r["n"]) for n, r in area.items()} == {n: cells[n] for n in range(1, 18)}
    for row in rows["1-17"]:  # a level belongs to an interval
        assert bool(row["confidence"]) == bool(row["low"]) == bool(row["high"])
    for codes in seen.values():
        np.testing.assert_array_equal(codes, lcz)

    (model,) = json.loads((out / "heat_cities.json").read_text())["models"]
    one = {r["lcz"]: r["value"] for r in rows["1-17"] if r["measure"] == "surface heat island"}
    assert model["n_cities"] == 3
    for row in model["classes"]:  # of three alike cities it is what each says
        assert row["difference"] == pytest.approx(float(one[str(row["lcz"])]), rel=1e-5)

    for item in pystac.Catalog.from_file(str(out / "catalog.json")).get_items():
        asset = item.get_assets()["lcz"]
        raster = stored(Path(asset.get_absolute_href()))
        named = {c["name"]: c["value"] for c in asset.extra_fields["classification:classes"]}
        for code, number in (("1", 1), ("10", 10), ("A", 11), ("G", 17)):
            assert (raster == named[f"LCZ_{code}"]).sum() == cells[number]
    exported = [stored(out / s / "export/lcz.tif") for s in SCHEMES]
    for file, codes in zip(files, exported, strict=True):
        np.testing.assert_array_equal(stored(file), codes)


def test_a_map_whose_scenes_told_their_days_is_in_the_catalog(numbered, tmp_path):
    """The days are known without a --date: the map's file says them."""
    from lczlib.jobs.batch_summary import _days

    raster = tmp_path / "map/s2_lcz.tif"
    raster.parent.mkdir()
    copyfile(numbered.folder / "1-17/map/s2_lcz.tif", raster)
    with rasterio.open(raster, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        file.update_tags(LCZLIB_DATE="2021-07-23 2021-02-09")
    assert [str(d) for d in _days(tmp_path, raster)] == ["2021-02-09", "2021-07-23"]


def test_how_maps_are_read_is_never_said_of_the_citys_own(tmp_path):
    """It states its numbering: told another, its classes would be others without a word."""
    table = tmp_path / "cities.csv"

    def rows(text: str, *steps: str) -> list[Row]:
        table.write_text(text)
        return read_rows(table, steps)

    (row,) = rows('folder,map_b,compare.scheme,legend\nb.tif,o.tif,0-16,"1=2,2=3"\n', "map", "compare")  # fmt: skip
    (run,) = STEPS["compare"].runs(Case(row, tmp_path, ("map", "compare"), planned=True))
    own, other = run.request.reading().values()
    assert (own.scheme, own.legend, other.scheme) == (None, None, "0-16")
    assert other.legend == {1: 2, 2: 3}
    (row,) = rows("folder,scheme,to\nb.tif,0-16,geotiff\n", "map", "export")  # as lcz map has it
    assert row.values == {"map": {"out_scheme": "0-16"}, "export": {"to": "geotiff"}}
    with pytest.raises(InputError, match=r"several things.*map.out-scheme, compare.scheme"):
        rows("folder,map_b,scheme\nb.tif,o.tif,0-16\n", "map", "compare")
    with pytest.raises(InputError, match=r"assess\.scheme', which is what the batch itself tells"):
        rows("folder,reference,assess.scheme\nb.tif,a.tif,0-16\n", "map", "assess")


def test_what_an_earlier_run_left_of_a_step_that_failed_counts_nowhere(numbered):
    out = numbered.folder
    first, second, third = numbered.cities
    lost = City(second.name, "failed", "map: out of memory", ())
    half = City(third.name, "failed", "assess: no", ("map", "uhi"))
    BatchResult(request=numbered.request, folder=out, cities=(first, lost, half)).write(out)
    rows = measures(out)
    assert second.name not in rows
    assert {r["measure"] for r in rows[third.name]} == {"area", "mapped area", "surface heat island"}  # fmt: skip
    ids = [i.id for i in pystac.Catalog.from_file(str(out / "catalog.json")).get_items()]
    assert ids == [first.name, third.name]
    files = {r["city"]: r["files"] for r in csv.DictReader((out / "cities.csv").open())}
    assert files[second.name] == ""
    assert "assess" not in files[third.name]
    (without,) = json.loads((out / "heat_cities.json").read_text())["without"]
    assert "3 at least" in without["why_not"]


def test_a_map_that_cannot_be_read_is_told(numbered):
    (numbered.folder / "0-16/map/s2_lcz.tif").write_bytes(b"")
    numbered.write(numbered.folder, figures=True)
    assert sum("0-16/map/s2_lcz.tif, which cannot be read" in n for n in numbered.notes) == 1


def test_day_and_night_are_of_one_table_but_of_no_one_model(numbered):
    out = numbered.folder
    for name, overpass in zip(SCHEMES, ("day", "night", "day"), strict=True):
        path = out / name / "uhi-lst/heat_island.json"
        told = json.loads(path.read_text()) | {"overpass": overpass}
        if name == "1-17":
            told["other_overpasses"] = [told | {"overpass": "night"}]
        path.write_text(json.dumps(told))
    numbered.write(out)
    rows = [r for r in measures(out)["1-17"] if r["measure"] == "surface heat island"]
    assert {r["overpass"] for r in rows} == {"day", "night"}
    heat = json.loads((out / "heat_cities.json").read_text())
    assert not heat["models"]
    assert [(w["overpass"], "there are 2" in w["why_not"]) for w in heat["without"]] == [
        ("day", True), ("night", True),
    ]  # fmt: skip


def test_fetched_temperatures_are_the_dates_and_nothing_beside_them(tmp_path):
    """Of several periods and products too: `lst_summer_uncertainty.tif` is no temperature."""
    (tmp_path / "map").mkdir()
    (tmp_path / "map/s2_lcz.tif").touch()
    (tmp_path / "get").mkdir()
    stems = ("lst", "lst_summer", "lst_ecostress_winter")
    for stem in stems:
        for what in ("", "_uncertainty", "_median", "_count", "_night_median", "_night_count"):
            (tmp_path / f"get/{stem}{what}.tif").touch()
    row = Row("Berlin", "Berlin", "", {})
    runs = STEPS["uhi"].runs(Case(row, tmp_path, ("get", "map", "uhi")))
    assert {run.folder.name for run in runs} == {f"uhi-{stem}" for stem in stems}
