"""`lcz assess` and `lcz compare` on real maps: files, contract, errors in one sentence."""

import csv
import json
import sys

import numpy as np
import pytest
import rasterio

from lczlib.cli import main
from lczlib.export import write_probabilities
from lczlib.maps import open_lcz_map, probabilities


@pytest.fixture
def lcz(monkeypatch, capsys):
    """Run the command line; give exit status, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["lcz", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="session")
def prd(shared):
    return f"zip://{shared}/mirror/prd_lcz_2020.zip!tiff/prd_lcz_v0817c.tif"


def test_assess_prints_and_writes_the_published_agreement(lcz, shared, prd, tmp_path):
    hong_kong = shared / "data/hong_kong"
    code, printed, _ = lcz(
        "assess", prd, "--reference", hong_kong / "hong_kong_lcz_GT.tif",
        "--polygons", hong_kong / "lcz_training_polygons.shp", "--resample", "nearest",
        "--out", tmp_path / "new" / "folder", "--replicates", "300",
    )  # fmt: skip
    assert code == 0
    assert "n = 8,846 cells in 173 polygons" in printed
    assert "OA  0.674 (0." in printed
    out = tmp_path / "new" / "folder"
    content = json.loads((out / "assessment.json").read_text())
    assert content["n"] == 8846
    assert content["oa"] == pytest.approx(0.6743, abs=5e-5)
    assert (
        content["intervals"] | {"unit": "polygon", "seed": 0, "replicates": 300}
        == content["intervals"]
    )
    water = content["classes"][16]
    assert water["lcz"] == 17
    assert water["pa_ci"][0] <= water["pa"] <= water["pa_ci"][1]
    assert content["classes"][6]["pa"] is None  # LCZ 7 is not in the reference
    assert content["classes"][6]["pa_ci"] == [None, None]
    table = list(csv.DictReader((out / "classes.csv").open()))
    assert float(table[0]["pa"]) == pytest.approx(content["classes"][0]["pa"])
    matrix = list(csv.reader((out / "confusion_matrix.csv").open()))
    assert matrix[0][1:] == [*map(str, range(1, 11)), *"ABCDEFG"]
    assert [int(v) for v in matrix[1][1:]] == content["confusion_matrix"][0]
    for name in ("confusion_matrix", "confusion_matrix_counts", "class_accuracy"):
        for suffix in (".png", ".svg"):
            assert (out / f"{name}{suffix}").stat().st_size > 5000


def test_assess_takes_polygons_as_reference(lcz, shared, prd, tmp_path):
    reference = shared / "data/hong_kong/lcz_training_polygons.shp"
    code, printed, _ = lcz(
        "assess", prd, "--reference", reference, "--out", tmp_path, "--no-figures",
        "--replicates", "200",
    )  # fmt: skip
    assert code == 0
    assert "n = 9,543 cells in 173 polygons" in printed
    content = json.loads((tmp_path / "assessment.json").read_text())
    assert content["reference_polygons"]["unlabelled"] == 6
    assert {p.suffix for p in tmp_path.iterdir()} == {".json", ".csv"}


def test_assess_checks_probabilities(lcz, shared, tmp_path):
    """Synthetic probabilities around the Hong Kong reference: 0.7 stated, 0.9 right."""
    path = shared / "data/hong_kong/hong_kong_lcz_GT.tif"
    reference = open_lcz_map(path)
    rng = np.random.default_rng(0)
    top = np.where(
        rng.random(reference.shape) < 0.9, reference, rng.integers(1, 18, reference.shape)
    )
    p = np.where(np.arange(1, 18)[:, None, None] == top, 0.7, 0.3 / 16)
    p /= p.sum(0)
    proba = probabilities(reference.expand_dims(lcz=17).copy(data=p).astype(np.float32))
    write_probabilities(tmp_path / "proba.tif", proba)
    code, printed, _ = lcz(
        "assess", path, "--reference", shared / "data/hong_kong/lcz_training_polygons.shp",
        "--probabilities", tmp_path / "proba.tif", "--out", tmp_path, "--replicates", "200",
    )  # fmt: skip
    assert code == 0
    assert "Expected calibration error 0.2" in printed
    content = json.loads((tmp_path / "assessment.json").read_text())
    assert content["calibration"]["ece"] == pytest.approx(0.2, abs=0.03)
    assert content["oa"] == 1
    assert (tmp_path / "reliability.png").exists()
    assert (tmp_path / "certainty.svg").exists()


def test_compare_writes_tables_maps_and_figures(lcz, shared, tmp_path):
    source = shared / "data/lcz_maps/sydney_lcz_generator_3band.tif"
    paths = []
    with rasterio.open(source) as src:
        profile = src.profile | {"count": 1, "dtype": "uint8", "nodata": 0}
        for name, codes in (
            ("raw", src.read(1)),
            ("filtered", src.read(2)),
            ("shifted", np.roll(src.read(1), 2)),
        ):
            paths.append(tmp_path / f"{name}.tif")
            with rasterio.open(paths[-1], "w", **profile) as dst:
                dst.write(codes.astype(np.uint8), 1)
    out = tmp_path / "out"
    code, printed, _ = lcz("compare", *paths, "--out", out)
    assert code == 0
    assert "raw - filtered: agreement 0.8912" in printed
    content = json.loads((out / "comparison.json").read_text())
    assert content["agreement"] == pytest.approx(np.trace(content["cross_table"]) / content["n"])
    assert [(p["first"], p["second"]) for p in content["pairs"]] == [
        ("raw", "filtered"), ("raw", "shifted"), ("filtered", "shifted")
    ]  # fmt: skip
    assert 0 < content["consensus"]["unanimous"] < 0.8912
    with rasterio.open(out / "differences.tif") as src:
        pairs = src.read(1)
        assert src.nodata == 0
    changed = pairs[pairs > 1]
    assert changed.size == content["n"] - np.trace(content["cross_table"])
    top = content["changes"][0]
    assert (changed == 100 * top["lcz_first"] + top["lcz_second"]).sum() == top["n"]
    assert (open_lcz_map(out / "consensus.tif").values > 0).sum() >= content["consensus"]["n"]
    for name in (
        "cross_table.png",
        "areas.svg",
        "agreement.png",
        "changes.png",
        "classes.csv",
        "changes.csv",
        "consensus_votes.tif",
    ):
        assert (out / name).stat().st_size > 0


@pytest.mark.parametrize("command", ["assess", "compare"])
def test_other_grids_are_refused_in_one_sentence(lcz, shared, prd, tmp_path, command):
    second = shared / "data/hong_kong/hong_kong_lcz_GT.tif"
    arguments = ["--reference", second] if command == "assess" else [second]
    code, _, err = lcz(command, prd, *arguments, "--out", tmp_path / "out")
    assert code == 1
    assert "grids differ" in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_read_is_refused(lcz, shared, prd, tmp_path):
    code, _, err = lcz("assess", tmp_path / "none.tif", "--reference", tmp_path / "none.gpkg")
    assert (code, "does not exist" in err) == (1, True)
    code, _, err = lcz("assess", prd, "--reference", shared / "mirror/so2sat_gul_cities.kml")
    assert (code, "--column" in err) == (1, True)
    assert lcz("assess", prd)[0] == 2
    assert lcz("compare", prd)[0] == 2


@pytest.mark.parametrize("command", ["assess", "compare"])
def test_help_shows_an_example(lcz, command):
    code, printed, _ = lcz(command, "--help")
    assert code == 0
    assert f"lcz {command} " in printed
