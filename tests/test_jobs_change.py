"""Change as a job: the same by command and in Python, with its files, and its refusals in one sentence."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from typer.testing import CliRunner

import lczlib
from lczlib.cli import app
from lczlib.errors import InputError, LczError
from lczlib.export import write_json, write_probabilities
from lczlib.grid import on_grid
from lczlib.jobs.change import ChangeRequest, run
from lczlib.jobs.change_inputs import date_of
from lczlib.maps import open_lcz_map, probabilities

SIDE = 40
BOX = GeoBox.from_bbox(
    (500_000, 5_300_000, 500_000 + 100 * SIDE, 5_300_000 + 100 * SIDE), "EPSG:32630", resolution=100
)
NAMES = ("s2_2018-07-01_proba.tif", "s2_2024-05-01_proba.tif", "s2_2024-08-01_proba.tif")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory):
    """Folder of three images, a corner of them without data, and the truth."""
    folder = Path(__file__).resolve().parents[1] / "benchmarks"
    sys.path.insert(0, str(folder))
    try:
        simulated = importlib.import_module("change")
    finally:
        sys.path.remove(str(folder))
    rng = np.random.default_rng(3)
    truth = simulated.city(rng, SIDE, 0.08)
    out = tmp_path_factory.mktemp("change")
    for image, name in zip(simulated.images(rng, truth, 9.0), NAMES, strict=True):
        p = image.proba.T.reshape(17, SIDE, SIDE).copy()
        p[:, :4, :5] = np.nan
        write_probabilities(out / name, probabilities(on_grid(p, BOX, dims=("lcz", "y", "x"))))
    truth = np.stack([simulated.CLASSES[truth.before], simulated.CLASSES[truth.after]])
    return out, truth


@pytest.fixture(scope="module")
def result(place):
    folder, _ = place
    files = [folder / n for n in NAMES]
    return run(ChangeRequest(probabilities=files[:2], same_year=files[2:], block=8))


def test_the_result_is_what_is_true_and_says_what_it_rests_on(place, result, tmp_path):
    _, truth = place
    km2 = float((truth[0] != truth[1]).mean()) * 0.01 * (SIDE**2 - 20)
    low, high = result.interval()
    assert low <= km2 <= high
    result.write(tmp_path, figures=True)
    told = json.loads((tmp_path / "change.json").read_text())
    assert told["basis"] == "model"
    assert told["n"] == SIDE**2 - 20
    assert "conditional on calibrated probabilities" in told["condition"] + told["headline"]
    assert told["changed_km2_ci"] == [low, high]
    assert told["changed_km2"] == result.changed_km2
    assert told["dates"] == {n: n[3:13] for n in NAMES}
    assert told["years"] == [2018, 2024]
    assert sum(g["km2"] for g in told["groups"]) == pytest.approx(told["changed_km2"])
    assert sum(t["km2"] for t in told["transitions"]) == pytest.approx(
        told["changed_km2"], rel=0.05
    )
    assert all(t["km2_ci"][0] <= t["km2"] <= t["km2_ci"][1] for t in told["transitions"])
    assert told["naive_differencing_km2"] > 2 * km2
    with rasterio.open(tmp_path / "change_proba.tif") as src:
        stored = src.read(1, masked=True)
        assert src.dtypes == ("uint16",)
        assert src.scales == (1e-4,)
        assert stored.mask.sum() == 20
    assert stored.mean() * 1e-4 == pytest.approx(float(result.change.mean()), abs=1e-4)
    before, after = (open_lcz_map(tmp_path / f"{n}_lcz.tif").values for n in ("before", "after"))
    with rasterio.open(tmp_path / "change_lcz.tif") as src:
        pairs = src.read(1)
    assert (
        pairs == np.where(before == after, (before > 0) * 1, 100 * before.astype(int) + after)
    ).all()
    assert ((stored.filled(0) > 5000) == (before != after)).all()
    assert (tmp_path / "change.png").stat().st_size > 10_000
    assert (tmp_path / "manifest.json").is_file()


def test_command_and_library_say_the_same(place, result, tmp_path):
    folder, _ = place
    files = [str(folder / n) for n in NAMES]
    done = CliRunner().invoke(
        app,
        [
            "change",
            *files[:2],
            "--same-year",
            files[2],
            "--block",
            "8",
            "--no-figures",
            "--out",
            str(tmp_path),
        ],
    )
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "change.json").read_text())
    assert told["changed_km2"] == result.changed_km2
    flat = " ".join(done.output.split())
    assert "conditional on calibrated probabilities" in flat
    assert "model-based; n = 1,580" in flat
    found = lczlib.change(*files, block=8)  # two images of 2024, wherever they stand
    assert found.changed_km2 == result.changed_km2
    assert found.interval() == result.interval()
    opened = lczlib.change(
        *(lczlib.maps.open_probabilities(f) for f in files), dates=[n[3:13] for n in NAMES], block=8
    )
    assert opened.changed_km2 == result.changed_km2


def test_without_a_second_image_it_is_said_and_the_interval_is_wide(place, result):
    folder, _ = place
    found = run(ChangeRequest(probabilities=[folder / n for n in NAMES[:2]], block=8))
    assert any("rate of false change is not known" in text for text in found.cautions())
    assert not any("false change" in text for text in result.cautions())
    wide, narrow = (high - low for low, high in (found.interval(), result.interval()))
    assert wide > 2 * narrow


@pytest.mark.parametrize(
    ("block", "told"), [(1000, "in 1 block,"), (39, "4 blocks, of which 1 hold")]
)
def test_too_few_blocks_give_no_interval_and_it_is_said_why(place, tmp_path, block, told):
    """One block has no spread; the cut-off edges beside a large one are no blocks."""
    folder, _ = place
    files = [folder / n for n in NAMES]
    arguments = ["change", *map(str, files), "--block", str(block), "--out", str(tmp_path)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    flat = " ".join(done.output.split())
    assert "km² (no interval) of" in flat
    assert "nan" not in flat
    found = json.loads((tmp_path / "change.json").read_text())
    assert found["changed_km2"] > 0
    assert found["changed_km2_ci"] == found["model"]["changed_km2_ci90"] == [None, None]
    assert all(row["km2_ci"] == [None, None] for row in found["groups"] + found["transitions"])
    (why,) = found["cautions"]
    assert told in why
    assert "must be 3 at least" in why
    assert "take smaller ones (--block)" in why
    three = run(ChangeRequest(probabilities=files, block=20))  # 4 blocks
    assert np.isfinite(three.interval()).all()
    assert "rest on 4 blocks" in three.cautions()[0]


def test_a_sample_drawn_on_the_map_and_labelled_gives_a_design_based_area(place, result, tmp_path):
    folder, truth = place
    files = [folder / n for n in NAMES]
    told = {"probabilities": files, "block": 8}
    run(ChangeRequest(**told, draw=300)).write(tmp_path / "first", figures=False)
    points = gpd.read_file(tmp_path / "first/samples_to_label.gpkg")
    col = ((points.geometry.x - 500_000) // 100).astype(int)
    row = ((5_300_000 + 100 * SIDE - points.geometry.y) // 100).astype(int)
    points["before"], points["after"] = truth[0][row, col], truth[1][row, col]
    points.to_file(tmp_path / "labelled.gpkg")
    found = run(ChangeRequest(**told, samples=tmp_path / "labelled.gpkg"))
    assert found.basis == "design"
    assert 295 <= found.n <= 305
    known = np.ones((SIDE, SIDE), bool)
    known[:4, :5] = False
    km2 = float((truth[0] != truth[1])[known].sum()) * 0.01
    low, high = found.interval()
    assert low <= km2 <= high
    assert found.document()["model"]["changed_km2"] == result.changed_km2
    assert "design-based" in found.headline()
    points.loc[points.index[:5], "after"] = 0
    points.to_file(tmp_path / "some.gpkg")
    some = run(ChangeRequest(**told, samples=tmp_path / "some.gpkg"))
    assert some.n == found.n - 5
    assert some.sample_left_out["without both classes"] == 5
    twice = points.iloc[[*range(5, len(points)), 5, 6, 7]].reset_index(drop=True)
    twice.loc[len(twice) - 1, "after"] = 18 - twice["after"].iloc[2] or 1  # neither counts
    twice.to_file(tmp_path / "twice.gpkg")
    again = run(ChangeRequest(**told, samples=tmp_path / "twice.gpkg"))
    assert again.n == some.n - 1
    assert any("4 points that share a cell with others" in text for text in again.notes())
    points.assign(before="", after="").to_file(tmp_path / "unlabelled.gpkg")
    none = _refused(**told, samples=tmp_path / "unlabelled.gpkg")
    assert f"holds no labelled point: of {len(points)} features" in none
    points.iloc[:0].to_file(tmp_path / "empty.gpkg")
    assert "draw polygons or points" in _refused(**told, samples=tmp_path / "empty.gpkg")


def test_small_patches_are_left_out_of_the_map_alone(place, result):
    folder, _ = place
    found = run(ChangeRequest(probabilities=[folder / n for n in NAMES], block=8, min_cells=6))
    assert found.changed_km2 == result.changed_km2
    changed = [int((r.before != r.after).sum()) for r in (found, result)]
    assert 0 < changed[0] < changed[1]


def test_three_years_have_steps(place, tmp_path):
    folder, _ = place
    files = [folder / n for n in (NAMES[0], NAMES[1], NAMES[2])]
    found = run(ChangeRequest(probabilities=files, dates=["2018", "2021", "2024"], block=8))
    found.write(tmp_path, figures=False)
    told = json.loads((tmp_path / "change.json").read_text())
    assert [s["years"] for s in told["steps"]] == [[2018, 2021], [2021, 2024]]
    with rasterio.open(tmp_path / "change_step_proba.tif") as src:
        assert src.descriptions == ("2018 to 2021", "2021 to 2024")


def test_a_date_is_found_in_tags_manifest_name_and_folder(place, tmp_path):
    folder, _ = place
    for at in ("s2_proba.tif", "2019/s2_proba.tif", "2023-06/s2_proba.tif", "map/s2_proba.tif"):
        (tmp_path / at).parent.mkdir(exist_ok=True)
        shutil.copy(folder / NAMES[0], tmp_path / at)
    assert date_of(folder / NAMES[0]) == "2018-07-01"
    assert date_of(tmp_path / "2019/s2_proba.tif") == "2019"
    assert date_of(tmp_path / "2023-06/s2_proba.tif") == "2023-06"
    manifest = {
        "command": "map",
        "outputs": {"s2_proba.tif": ""},
        "read": [{"date": "2022-05-03"}, {}],
    }
    write_json(tmp_path / "map/manifest.json", manifest)
    assert date_of(tmp_path / "map/s2_proba.tif") == "2022-05-03"
    manifest["read"].append({"date": "2021-05-03"})
    write_json(tmp_path / "map/manifest.json", manifest)
    with pytest.raises(InputError, match="several years"):
        date_of(tmp_path / "map/s2_proba.tif")
    with rasterio.open(tmp_path / "map/s2_proba.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dst:
        dst.update_tags(LCZLIB_DATE="2020-01-02")
    assert date_of(tmp_path / "map/s2_proba.tif") == "2020-01-02"


def _refused(**told: object) -> str:
    with pytest.raises(LczError) as caught:
        run(ChangeRequest(**told))
    return str(caught.value)


def test_images_of_one_name_are_told_apart_by_their_folders(place, tmp_path):
    """As results of ``lcz map`` are named, one folder a year."""
    folder, _ = place
    files = [tmp_path / year / "s2_proba.tif" for year in ("2018", "2024-05", "2024-08")]
    for name, file in zip(NAMES, files, strict=True):
        file.parent.mkdir()
        shutil.copy(folder / name, file)
    found = run(ChangeRequest(probabilities=files[:2], same_year=files[2:], block=8))
    assert found.document()["dates"] == {
        "2018/s2_proba.tif": "2018", "2024-05/s2_proba.tif": "2024-05", "2024-08/s2_proba.tif": "2024-08"
    }  # fmt: skip
    assert "2018/s2_proba.tif 2018 (by its folder)" in found.notes()[0]
    given = ChangeRequest(probabilities=files[:2], dates=["2018", "2024"], block=8)
    assert "2024-05/s2_proba.tif 2024 (as given)" in run(given).notes()[0]


def test_what_cannot_be_compared_is_refused_in_a_sentence(place, tmp_path):
    folder, _ = place
    a, b, c = (folder / n for n in NAMES)
    other = tmp_path / "2019-01-01.tif"
    p = np.full((17, 10, 10), 1 / 17, np.float32)
    far = GeoBox.from_bbox((0, 0, 1000, 1000), "EPSG:32630", resolution=100)
    write_probabilities(other, probabilities(on_grid(p, far, dims=("lcz", "y", "x"))))
    undated = tmp_path / "proba.tif"
    shutil.copy(a, undated)
    empty = tmp_path / "2019-01-02.tif"
    whole = np.full((17, SIDE, SIDE), np.nan, np.float32)
    whole[:, :4, :5] = 1 / 17  # where the others have none
    write_probabilities(empty, probabilities(on_grid(whole, BOX, dims=("lcz", "y", "x"))))
    codes = tmp_path / "2019-02-01_lcz.tif"
    with rasterio.open(
        codes, "w", driver="GTiff", count=1, height=SIDE, width=SIDE, dtype="uint8", crs="EPSG:32630",
        transform=BOX.affine,
    ) as dst:  # fmt: skip
        dst.write(np.full((1, SIDE, SIDE), 6, np.uint8))
    apart = _refused(probabilities=[a, other])
    assert "grids differ" in apart
    assert "resampl" not in apart  # which this job does not offer
    assert "hold the same probabilities" in _refused(probabilities=[a, a], dates=["2018", "2024"])
    rng = np.random.default_rng(1)
    for n in (9, 20):
        box = GeoBox.from_bbox((0, 0, 100 * n, 100 * n), "EPSG:32630", resolution=100)
        for classes in ([5], [5, 7, 13]):
            sure = []
            for year in (2018, 2024):
                sure.append(tmp_path / f"{year}-{n}-{len(classes)}.tif")
                p = np.eye(17, dtype=np.float32)[rng.choice(classes, (n, n))].transpose(2, 0, 1)
                layer = probabilities(on_grid(p.copy(), box, dims=("lcz", "y", "x")))
                write_probabilities(sure[-1], layer)
            told = _refused(probabilities=sure, dates=["2018", "2024"])
            why = "81 cells in common: too few" if n == 9 else "is certain of every cell, as a map"
            assert why in told
    nearly = [0.001 * rng.random((17, 20, 20), np.float32) for _ in range(2)]
    for p in nearly:
        p[5] = 1
    layers = [probabilities(on_grid(p / p.sum(0), box, dims=("lcz", "y", "x"))) for p in nearly]
    assert "one class alone" in _refused(probabilities=layers, dates=["2018", "2024"])
    assert "both of 2018-07-01" in _refused(probabilities=[a, a])
    assert "has no date" in _refused(probabilities=[a, undated])
    assert "All images are of 2024" in _refused(probabilities=[b, c])
    assert "1 image shows no change" in _refused(probabilities=[a])
    assert "1 band(s); probabilities have 17" in _refused(probabilities=[a, codes])
    assert "no cell in common" in _refused(probabilities=[a, empty])
    assert "3 images are of 2024" in _refused(
        probabilities=[a, b, c, a], dates=["2018", "2024-01", "2024-02", "2024-03"]
    )
    assert "is of a year that has a first" in _refused(probabilities=[a, b], same_year=[other])
    assert "is no date" in _refused(probabilities=[a, b], dates=["2018", "May"])
    assert "1 --date for 2 images" in _refused(probabilities=[a, b], dates=["2018"])


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--dates", "2018"], "--date"),
        (["--reversal", "0"], "--reversal"),
        (["--min-cells", "0"], "--min-cells"),
    ],
)
def test_a_wrong_option_is_a_usage_error(run_lcz, words, option):
    code, _, err = run_lcz("change", "a.tif", "b.tif", *words)
    assert code == 2
    assert option in err


def test_maps_of_dated_scenes_are_dated_themselves(demo):
    """The simulated city tells its days, which its probabilities keep."""
    folder, _ = demo
    found = {n: date_of(folder / f"{n}_proba.tif") for n in ("s1", "s2", "fused")}
    assert all(len(d) >= 7 and d[:2] == "20" for d in found.values()), found
