"""Sentinel-2's network adapted to a visitor's polygons, in a study."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

pytest.importorskip("lightning")

from lczlib.errors import Cancelled, InputError
from lczlib.study import Study
from lczlib.study.adapting import LABEL, Adapted, held_out, lacking, shared_polygons
from lczlib.study.places import demo_folder
from lczlib.study.results import run_map, store_of_maps
from lczlib.study.wording import in_page

BOX_CLASSES = (2, 6, 8, 14, 17)


@pytest.fixture(scope="module")
def polygons(cache, tmp_path_factory) -> Path:
    """The polygons of five classes of the simulated city, one in three with a wrong class.

    So there is something to learn: zones 2 and 6 are called the other way round.
    """
    folder, city = demo_folder()
    table = gpd.read_file(folder / "Reference" / city / "polygons.gpkg")
    table = table[table["lcz"].isin(BOX_CLASSES)]
    table["lcz"] = table["lcz"].map({2: 6, 6: 2}).fillna(table["lcz"]).astype(int)
    path = tmp_path_factory.mktemp("drawn") / "drawn-1.gpkg"
    table[["lcz", "geometry"]].to_file(path)
    return path


def new_study(folder: Path, cache: Path) -> Study:
    study = Study(folder, cache)
    study.sensors = ["s2"]
    return study


@pytest.fixture(scope="module")
def made(cache, polygons, tmp_path_factory) -> tuple[Study, object, list[str]]:
    """A study with adapted maps, the maps before, and what the run said of itself."""
    study = new_study(tmp_path_factory.mktemp("visitor"), cache)
    plain = study.compute("maps")
    study.adapt_files = (str(polygons),)
    said: list[str] = []
    study.compute("maps", lambda label, *_: said.append(label))
    return study, plain, said


def test_the_map_is_of_the_adapted_network_and_the_one_before_stands_beside(made, polygons):
    study, plain, said = made
    maps = study.maps
    np.testing.assert_array_equal(maps.kinds["second"], plain.kinds["s2"])
    # zones that are called otherwise are mapped otherwise
    moved = maps.kinds["s2"].values != plain.kinds["s2"].values
    assert 0.02 < moved.mean() < 0.9
    was_2 = plain.kinds["s2"].values == 2
    assert (maps.kinds["s2"].values[was_2] == 6).mean() > 0.5
    n = maps.adapted.polygons
    assert 30 < n <= len(gpd.read_file(polygons))
    (network,) = maps.manifest["weights"]
    assert (network["name"], network["title"]) == (
        "demo_s2_adapted",
        f"demo_s2 adapted to {n} polygons",
    )
    assert maps.manifest["second"]["network"] == "demo_s2"
    assert said[0] == LABEL.format(name=len(gpd.read_file(polygons)))


def test_how_right_it_is_is_of_polygons_held_out(made):
    adapted = made[0].maps.adapted
    report = json.loads(Path(adapted.weights).with_name("training.json").read_text())
    assert adapted.test["n"] == report["split"]["patches"]["test"]["n"]
    assert adapted.test["n_units"] == report["split"]["patches"]["test"]["n_polygons"] >= 5
    assert report["split"]["overlap"]["n_touched"] == 0
    low, high = adapted.test["oa_ci"]
    assert low <= adapted.test["oa"] <= high
    # the network that it was calls the two classes by their right names, which here are wrong
    assert adapted.before["n"] == adapted.test["n"]
    assert adapted.before["oa"] < adapted.test["oa"]


def test_it_is_the_visitors_alone_and_trained_once(made, cache, polygons, monkeypatch):
    study = made[0]
    for path in (study.maps.folder, Path(study.maps.adapted.weights)):
        assert path.is_relative_to(study.context.work)
    assert not any("adapted" in str(p) for p in cache.rglob("*"))
    assert study.ticket("maps").is_ready()
    weights = Path(study.maps.adapted.weights)
    before = weights.stat().st_mtime_ns
    said: list[str] = []
    again = study.compute("maps", lambda label, *_: said.append(label))
    assert said == []
    assert again.adapted == study.maps.adapted
    assert weights.stat().st_mtime_ns == before
    assert len([p for p in weights.parents[1].iterdir() if p.is_dir()]) == 1
    study.adapt_files = ()
    assert study.ticket("maps").is_ready()
    assert study.compute("maps").adapted is None
    study.adapt_files = (str(polygons),)
    study.compute("maps")


def test_polygons_that_trained_the_map_are_told_where_it_is_judged_by_them(made, polygons):
    study = made[0]
    study.reference_files = (str(polygons),)
    found = study.compute("accuracy")
    assert 0 < found.trained < len(study.reference.polygons)  # some were held out
    assert found.trained == shared_polygons(study.reference.polygons, study.maps.adapted)
    (said,) = (c for r in found.results["s2"].read for c in r.cautions if "flatters" in c)
    assert held_out(study.maps.adapted.test) in said
    assert not any("flatters" in c for r in found.results["second"].read for c in r.cautions)
    elsewhere = study.reference.polygons.copy()
    elsewhere.geometry = elsewhere.to_crs(study.maps.kinds["s2"].odc.crs).translate(1e5)
    assert shared_polygons(elsewhere, study.maps.adapted) == 0
    study.reference_files = ()


def test_stopped_it_leaves_nothing(cache, polygons, tmp_path):
    study = new_study(tmp_path, cache)
    study.compute("scene")
    study.adapt_files = (str(polygons),)
    ticket = study.ticket("maps")
    assert not ticket.is_ready()
    with pytest.raises(Cancelled):
        run_map(ticket.given, store_of_maps(ticket.given, study.context), cancelled=lambda: True)
    assert [p for p in (tmp_path / "adapted").rglob("*") if p.suffix != ".lock"] == []
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ((), "draw some more"),
        ((2, 2, 2, 14), "draw another of LCZ D"),
        ((2, 2, 14, 14), "draw some more"),
        ((2, 2, 2, 14, 14), "draw some more"),
        ((2, 2, 2, 2), "draw some more"),
        ((2, 2, 2, 14, 14, 14, 6, 6), ""),
    ],
)
def test_what_polygons_lack_is_one_sentence(classes, said):
    found = lacking(classes)
    assert said in found
    assert bool(found) == bool(said)


def test_what_was_left_out_is_said_in_peoples_words():
    from app.parts.adapted import left_out
    from lczlib.texts import in_language

    test = {"oa": 0.6, "oa_ci": [0.4, 0.8], "n": 12, "n_units": 3}
    lost = {"polygons_without_cell": 1, "contested_cells": 2, "invalid": 0}
    adapted = Adapted("w", "demo_s2", 6, test, test, lost, untested=(6, 14))
    assert left_out(adapted) == [
        "1 polygon holds no patch and was left out: draw it larger, or lower “A place every (m)”.",
        "2 patches in polygons of two classes were left out.",
        "LCZ 6, D: no polygon was left to test on. Draw more of it.",
    ]
    with in_language("es"):
        said = left_out(adapted)
    assert not {*said} & {*left_out(adapted)}
    assert "«Un lugar cada (m)»" in said[0]


def test_a_refusal_names_the_fields_of_the_page(cache, polygons, tmp_path):
    study = new_study(tmp_path, cache)
    study.param.update(adapt_files=(str(polygons),), adapt_spacing=5.0)
    with pytest.raises(InputError, match="too fine for pixels of 10 m") as refused:
        study.compute("maps")
    said = in_page(refused.value.message, "maps")
    assert "“Draw reference polygons: A place every (m)”" in said
    assert "--" not in said


def test_too_few_polygons_and_another_sensor_are_refused(cache, polygons, tmp_path):
    study = new_study(tmp_path, cache)
    few = tmp_path / "few.gpkg"
    table = gpd.read_file(polygons)
    table.groupby("lcz").head(1).to_file(few)
    study.adapt_files = (str(few),)
    with pytest.raises(InputError, match="draw another of LCZ 2"):
        study.compute("maps")
    study.param.update(adapt_files=(str(polygons),), sensors=["s1"])
    with pytest.raises(InputError, match="choose Sentinel-2"):
        study.compute("maps")
    assert not study.ticket("maps").is_ready()


def test_another_place_is_mapped_without_them(cache, polygons, tmp_path):
    study = new_study(tmp_path, cache)
    study.adapt_files = (str(polygons),)
    study.city = "own"
    assert study.adapt_files == ()
