"""The scoreboard of cities: scores that are those of an assessment, results of others checked."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import rasterio
from bench_town import CRS, LEFT, TOP, opened, request_of, scored, write_list
from rasterio.features import rasterize
from rasterio.warp import calculate_default_transform, reproject

from lczlib.analysis.differences import accuracy_difference
from lczlib.bench.cities import board_cities
from lczlib.bench.rows import differences
from lczlib.errors import Cancelled, InputError, ServiceError
from lczlib.jobs.bench import run
from lczlib.maps import open_lcz_map
from lczlib.reading import quiet
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.training.forest import Forest


@pytest.fixture
def truth(tmp_path, town_polygons):
    """A map of the town in degrees that is right, as a global map is given."""
    at = {"src_transform": (10, 0, LEFT, 0, -10, TOP), "src_crs": CRS}
    shapes = zip(town_polygons.geometry, town_polygons["lcz"], strict=True)
    lcz = rasterize(shapes, (400, 400), dtype="uint8", transform=at["src_transform"])
    place, width, height = calculate_default_transform(
        CRS, "EPSG:4326", 400, 400, LEFT, TOP - 4000, LEFT + 4000, TOP
    )
    degrees = np.zeros((height, width), np.uint8)
    reproject(lcz, degrees, **at, dst_transform=place, dst_crs="EPSG:4326")
    profile = {
        "driver": "GTiff",
        "count": 1,
        "dtype": "uint8",
        "crs": "EPSG:4326",
        "transform": place,
    }
    with rasterio.open(tmp_path / "global.tif", "w", width=width, height=height, **profile) as file:
        file.write(degrees, 1)
    return tmp_path / "global.tif"


def test_the_scores_are_those_of_an_assessment_of_the_same_cells(bench_town, tmp_path, run_lcz):
    out = tmp_path / "board"
    (row,) = scored(bench_town, out).rows
    lcz = out / "town" / "forest-random_forest" / "lcz.tif"
    code, _, _ = run_lcz(
        "assess", lcz, "--reference", tmp_path / "areas.gpkg", "--replicates", 200, "--out", tmp_path / "assessed"
    )  # fmt: skip
    assert code == 0
    told = json.loads((tmp_path / "assessed/assessment.json").read_text())
    for name in ("oa", "oau", "oabu", "oaw", "mean_f1", "kappa", "aa"):
        assert row[name] == pytest.approx(told[name]), name
        assert row[f"{name}_ci"] == pytest.approx(told[f"{name}_ci"]), name
    assert row["n"] == told["n"] > 100
    assert row["n_polygons"] == row["polygons_of_folds"] == 16
    assert 0.6 < row["oa"] < 1  # water, which one polygon shows, cannot be learnt from the others
    assert any("LCZ G: one polygon each" in c for c in row["cautions"])
    assert any("simulated" in c for c in row["cautions"])
    table = pd.read_csv(out / "scores.csv")
    assert table.loc[0, "oa_ci_low"] == pytest.approx(row["oa_ci"][0], rel=1e-5)
    assert table.loc[0, "folds"] == row["folds"]


def test_no_polygon_is_judged_by_what_was_trained_on_it_or_on_its_pixels(
    bench_town, tmp_path, monkeypatch
):
    write_list(tmp_path, patch=3)  # of 300 m: they reach over the edges of polygons
    seen = []
    fit, predict = Forest.fit, Forest.predict

    def told(self, train, *rest):
        seen.append(train.table)
        return fit(self, train, *rest)

    def judge(self, patches):
        known = seen[-1]
        assert not set(patches.table["polygon"]) & set(known["polygon"])
        apart = np.abs(
            patches.table[["left", "top"]].to_numpy()[:, None] - known[["left", "top"]].to_numpy()
        )
        assert apart.max(2).min() >= 300 - 1e-6
        return predict(self, patches)

    monkeypatch.setattr(Forest, "fit", told)
    monkeypatch.setattr(Forest, "predict", judge)
    (row,) = scored(bench_town, tmp_path / "board").rows
    assert row["status"] == "scored"
    assert len(seen) == 5


def test_what_is_finished_is_not_done_again_and_what_it_was_made_of_is_looked_at(
    bench_town, tmp_path, monkeypatch
):
    grown = []
    fit = Forest.fit
    monkeypatch.setattr(Forest, "fit", lambda self, *a, **k: grown.append(1) or fit(self, *a, **k))
    out = tmp_path / "board"
    first = scored(bench_town, out).rows
    assert len(grown) == 5
    assert scored(bench_town, out).rows == first
    assert len(grown) == 5
    scored(bench_town, out, seed=1)
    assert len(grown) == 10
    (tmp_path / "scene.tif").write_bytes(
        (tmp_path / "scene.tif").read_bytes() + b" "
    )  # another file
    scored(bench_town, out, seed=1)
    assert len(grown) == 15
    (out / "town" / "forest-random_forest" / "lcz.tif").unlink()
    scored(bench_town, out, seed=1)
    assert len(grown) == 20


def test_a_stopped_run_leaves_nothing_half_written_and_the_next_goes_on(
    bench_town, tmp_path, monkeypatch
):
    out, told = tmp_path / "board", []

    def stop():
        return bool(told) and "fold 3" in told[-1]

    with pytest.raises(Cancelled):
        run(
            request_of(bench_town), out, progress=lambda what, *_: told.append(what), cancelled=stop
        )
    left = {p.name for p in out.rglob("*") if p.is_file()}
    assert left == {"folds.json"}
    (row,) = scored(bench_town, out).rows
    assert row["status"] == "scored"


def test_ways_that_are_not_possible_are_listed_with_the_reason(bench_town, tmp_path):
    out = tmp_path / "board"
    result = scored(
        bench_town, out, "s1", "s2", "fused", "adapted", "published", "global", weights=("demo_s1", "demo_s2"),
        global_map=str(tmp_path / "none.tif"),
    )  # fmt: skip
    reasons = {r["way"]: r["reason"] for r in result.rows}
    assert {r["status"] for r in result.rows} == {"not possible"}
    for way in ("s1", "s2", "fused", "adapted"):
        assert (
            "read Sentinel-1 and Sentinel-2 at 10 m, and the scene here is of landsat"
            in reasons[way]
        )
    assert "names no published map" in reasons["published"]
    assert "none.tif" in reasons["global"]
    text = (out / "scores.md").read_text()
    assert all(r in text for r in reasons.values())
    assert "6 not possible" in result.headline()
    write_list(
        tmp_path,
        polygons={
            "file": "gone.kml",
            "addresses": ["https://example.org/gone.kml"],
            "note": "Ask.",
        },
    )
    (row,) = scored(bench_town, out).rows
    assert "are not here (gone.kml" in row["reason"]
    assert "get them from https://example.org/gone.kml (no licence stated)" in row["reason"]


def test_imagery_that_cannot_be_fetched_is_a_reason_and_maps_need_none(
    bench_town, tmp_path, truth, monkeypatch
):
    asked = []

    def nothing(request, *_, **__):
        asked.append(request)
        msg = "The service cannot be reached."
        raise ServiceError(msg)

    monkeypatch.setattr("lczlib.jobs.get.run", nothing)
    write_list(
        tmp_path, scene={"place": "13,52,13.2,52.2", "start": "2023-05-01", "end": "2023-06-30"}
    )
    rows = scored(bench_town, tmp_path / "board", "forest", "global", global_map=str(truth)).rows
    assert (asked[0].start, asked[0].end, asked[0].what) == ("2023-05-01", "2023-06-30", ("s2",))
    assert rows[0]["reason"] == "The service cannot be reached."
    assert rows[1]["oa"] > 0.9
    assert "there is no scene" in rows[1]["notes"][0]


def test_polygons_that_state_no_coordinate_reference_system_take_that_of_the_list(
    bench_town, tmp_path, town_polygons
):
    before = scored(bench_town, tmp_path / "board").rows[0]
    town_polygons.to_file(tmp_path / "areas.shp")
    (tmp_path / "areas.prj").unlink()
    write_list(tmp_path, polygons={"file": "areas.shp"})
    (row,) = scored(bench_town, tmp_path / "other").rows
    assert "no coordinate reference system" in row["reason"]
    write_list(tmp_path, polygons={"file": "areas.shp", "crs": CRS})
    (row,) = scored(bench_town, tmp_path / "other").rows
    assert row["folds"] == before["folds"]
    assert row["oa"] == before["oa"]


def test_networks_that_no_way_uses_are_refused(bench_town, tmp_path, mirror):
    with pytest.raises(InputError, match="gmnet_as maps water"):
        scored(bench_town, tmp_path / "board", weights=("gmnet_as",))


def test_a_published_map_is_scored_on_the_cells_of_the_other_ways(bench_town, tmp_path, truth):
    forest, published = scored(
        bench_town, tmp_path / "board", "forest", "global", global_map=str(truth)
    ).rows
    assert published["oa"] > 0.97  # it is the truth, but for cells at the edges
    assert published["n"] == forest["n"]


def test_networks_and_what_is_trained_are_scored_on_the_same_cells_of_a_city_with_both_sensors(
    tmp_path,
):
    """A simulated city of 3 km, with the networks for such cities: the figures say nothing of a real one."""
    name = "00000_00000_Simulated"
    with quiet():
        write_so2sat(simulate_city(3, 3), tmp_path / "city", name)
    told = {"inputs": ["city"], "options": {"only_seasons": ["summer"]}}
    areas = {"file": f"city/Reference/{name}/polygons.gpkg"}
    bench_town = write_list(tmp_path, scene=told, polygons=areas, patch=0)
    ways = ("s1", "s2", "fused", "adapted", "forest", "cnn")
    result = scored(bench_town, tmp_path / "board", *ways, weights=("demo_s1", "demo_s2"), epochs=1)
    rows = {r["way"]: r for r in result.rows}
    assert {w: r["status"] for w, r in rows.items()} == dict.fromkeys(ways, "scored"), (
        result.reasons()
    )
    assert rows["fused"]["network"] == "demo_s1 + demo_s2"
    assert len({r["n"] for r in rows.values()}) == 1
    assert rows["s2"]["oa"] > 0.8  # by networks of many simulated cities
    assert rows["adapted"]["oa"] > 0.6
    assert rows["forest"]["oa"] > 0.3
    assert not list((tmp_path / "board").rglob(".unfinished"))


def tampered(path, change):
    told = json.loads(path.read_text())
    change(told["rows"][0])
    other = path.parent / "theirs.json"
    other.write_text(json.dumps(told))
    return other


def better(row):
    row["oa"] += 0.01


def other_counts(row):
    row["polygons"][0][2] = {str(row["polygons"][0][1]): 9}


def other_class(row):
    row["polygons"][0][1] = 9


def other_folds(row):
    row["folds"] = "0" * 16


def twice(row):
    row["polygons"].append(row["polygons"][0])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (better, "its own counts give"), (other_counts, "its own counts give"), (other_class, "none of the folds"),
        (other_folds, "is of other folds"), (twice, "counts a polygon twice"),
        (lambda row: row.pop("kappa"), "not as a result file has it"),
        (lambda row: row.update(city="atlantis"), "no folds of 'atlantis'"),
    ],
)  # fmt: skip
def test_a_result_file_that_was_changed_is_refused_in_a_sentence(
    bench_town, tmp_path, run_lcz, change, says
):
    out = tmp_path / "board"
    row = scored(bench_town, out).rows[0]
    if change is other_counts:  # a polygon with an error, which is corrected
        wrong = next(p for p in row["polygons"] if set(p[2]) != {str(p[1])})
        at = row["polygons"].index(wrong)
        change = lambda r: r["polygons"][at].__setitem__(2, {str(wrong[1]): sum(wrong[2].values())})  # noqa: E731
    theirs = tampered(out / "scores.json", change)
    code, _, err = run_lcz("bench", "--cities", bench_town, "--check", theirs, "--out", out)
    assert code != 0
    assert "theirs.json" in err
    assert says in err
    assert "Traceback" not in err


def test_results_of_others_stand_in_one_table_beside_the_own(bench_town, tmp_path, run_lcz):
    out = tmp_path / "board"
    own = scored(bench_town, out)
    told = json.loads((out / "scores.json").read_text())
    told["by"] = "Somebody"
    told["rows"][0] |= {"way": "other", "network": "their network", "oa_ci": [0.999, 1.0]}
    theirs = tmp_path / "theirs.json"
    theirs.write_text(json.dumps(told))
    code, said, _ = run_lcz(
        "bench", "--cities", bench_town, "--check", theirs, "--out", out, "--no-figures", "--replicates", 200
    )  # fmt: skip
    assert code == 0
    table = pd.read_csv(out / "checked.csv")
    assert table["from"].tolist() == ["here", "Somebody"]
    assert table["oa"].tolist() == pytest.approx([own.rows[0]["oa"]] * 2)
    # intervals are worked out anew, whatever the file says
    assert table["oa_ci_low"].nunique() == 1
    assert "Somebody" in said
    assert "| Somebody | town | other | their network |" in (out / "checked.md").read_text()
    assert json.loads((out / "scores.json").read_text())["rows"][0]["way"] == "forest"


def test_the_figure_and_the_table_show_every_score(bench_town, tmp_path, run_lcz):
    out = tmp_path / "board"
    code, said, _ = run_lcz(
        "bench",
        "town",
        "--cities",
        bench_town,
        "--ways",
        "forest,s2",
        "--replicates",
        200,
        "--out",
        out,
    )
    assert code == 0
    assert {
        "scores.csv",
        "scores.json",
        "scores.md",
        "scores.png",
        "scores.svg",
        "manifest.json",
    } <= {p.name for p in out.iterdir()}
    assert "not possible" in said
    assert "16 polygons" in (out / "scores.svg").read_text()


def test_a_city_that_is_not_on_the_board_and_a_list_that_is_none_are_refused(bench_town, tmp_path):
    with pytest.raises(InputError, match="it has town"):
        board_cities(["atlantis"], bench_town)
    (tmp_path / "bad.json").write_text('{"cities": [{"name": "x", "colour": "red"}]}')
    with pytest.raises(InputError, match="is no list of cities"):
        board_cities([], tmp_path / "bad.json")


def test_how_far_the_best_way_is_ahead_is_what_the_paired_comparison_of_maps_says(
    bench_town, tmp_path, truth
):
    out = tmp_path / "board"
    result = scored(bench_town, out, "forest", "global", global_map=str(truth))
    (line,) = result.differences().to_dict("records")
    first, second = (
        open_lcz_map(next(out.glob(f"town/{line[which].split(',')[0]}-*/lcz.tif")))
        for which in ("best", "way")
    )
    apart = accuracy_difference(
        first, second, opened(tmp_path / "areas.gpkg"), replicates=result.request.replicates
    )
    oa = apart.scores.loc["oa"]
    assert line["difference"] == pytest.approx(oa["difference"])
    assert (line["ci_low"], line["ci_high"]) == pytest.approx((oa["ci_low"], oa["ci_high"]))
    assert (line["n"], line["n_polygons"]) == (apart.n, apart.n_units)
    assert line["best_oa"] >= line["oa"]
    text = (out / "scores.md").read_text()
    assert f"| town | {line['best']} | {line['way']} | {line['difference']:+.3f} (" in text
    assert (out / "scores_differences.csv").is_file()


def test_ways_scored_on_other_cells_are_not_compared(bench_town, tmp_path):
    (row,) = scored(bench_town, tmp_path / "board").rows
    fewer = {**row, "way": "cnn", "polygons": row["polygons"][1:], "oa": 0.0}
    assert differences([row, fewer], 100).empty
    same = {**row, "way": "cnn"}
    (line,) = differences([row, same], 100).to_dict("records")
    assert (line["difference"], line["ci_low"], line["ci_high"]) == (0, 0, 0)


@pytest.mark.parametrize(("times", "says"), [(0, "lists no city"), (2, "twice")])
def test_a_list_without_a_city_or_with_one_twice_is_refused(bench_town, tmp_path, times, says):
    listed = json.loads(bench_town.read_text())["cities"][:1]
    (tmp_path / "cities.json").write_text(json.dumps({"cities": listed * times}))
    with pytest.raises(InputError, match=says):
        board_cities(file=tmp_path / "cities.json")
