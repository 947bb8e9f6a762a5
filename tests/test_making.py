"""What comes before a map, in Python: radar made ready, polygons checked, networks trained, many cities."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import rasterio

import lczlib
from lczlib.errors import InputError
from lczlib.jobs.batch_cluster import threads_of
from lczlib.jobs.check_polygons import CheckPolygonsRequest
from lczlib.jobs.check_polygons import run as check
from lczlib.models import load_model
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.sentinel1.simulated_city import write_slc


@pytest.fixture(scope="module")
def city():
    return simulate_city(4, 3)


@pytest.fixture(scope="module")
def scene(city, tmp_path_factory):
    return write_so2sat(city, tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def summer(scene):
    return next(scene.glob("Sentinel-2/*/summer/*.tif"))


@pytest.fixture(scope="module")
def polygons(scene):
    return next(scene.glob("Reference/*/polygons.gpkg"))


def blocks(power: np.ndarray, edge: int = 20) -> np.ndarray:
    """Means over squares."""
    n = power.shape[0] // edge
    return power[: n * edge, : n * edge].reshape(n, edge, n, edge).mean((1, 3))


@pytest.mark.slow
def test_a_simulated_city_comes_back_from_its_product_and_says_that_it_is_simulated(
    city, summer, tmp_path
):
    seen = write_slc(city, tmp_path / "delivered", orbit="descending")
    told = {"orbit": seen.orbit, "dem": seen.dem, "dem_height": "ellipsoid"}
    out = tmp_path / "radar"
    made = lczlib.prepare_s1(seen.product, out, like=summer, **told)
    assert made.valid_share == 1
    with rasterio.open(out / made.files()["mosaic_dat"]) as source:
        c11, _, _, c22 = source.read()
        assert source.tags()["LCZLIB_SIMULATED"] == "yes"
    for found, name in ((c11, "C11"), (c22, "C22")):
        truth = blocks(city.sentinel1["descending"][name].values)
        other = blocks(city.sentinel1["ascending"][name].values)
        alike = [np.corrcoef(np.log(blocks(found)).ravel(), np.log(t).ravel())[0, 1]
                 for t in (truth, other)]  # fmt: skip
        assert alike[0] > max(0.95, alike[1])
        assert 0.7 < np.median(blocks(found) / truth) < 1.0  # the filter takes the darker side
    with pytest.raises(InputError, match="one of the two"):
        lczlib.prepare_s1(seen.product, tmp_path / "no", **told)
    with pytest.raises(InputError, match="sideways"):
        write_slc(city, tmp_path / "no", orbit="sideways")


def test_a_network_is_trained_tested_apart_and_maps(summer, polygons, tmp_path):
    heard = []
    run = lczlib.train(
        summer, tmp_path / "run", polygons=polygons, architecture="random_forest", spacing=100.0,
        patch_metres=160.0, seed=1, progress=lambda *told: heard.append(told),
    )  # fmt: skip
    assert "no test patch shares a pixel" in run.separation
    report = json.loads((tmp_path / "run/training.json").read_text())
    assert run.assessment.scores["oa"] == report["test"]["oa"] > 0.3
    assert load_model(str(run.path)).weights.bands
    with pytest.raises(InputError, match="polygons"):
        lczlib.train(summer, tmp_path / "no")
    with pytest.raises(TypeError, match="epoch"):
        lczlib.train(summer, tmp_path / "no", polygons=polygons, epoch=1)


@pytest.mark.parametrize(
    "way", [("--arch", "random_forest"), ("--epochs", "2", "--option", "width=4", "--option", "depth=1")]
)  # fmt: skip
def test_command_and_function_train_the_same_network(summer, polygons, run_lcz, tmp_path, way):
    told = {"epochs": 2, "options": {"width": 4, "depth": 1}}
    if "random_forest" in way:
        told = {"architecture": "random_forest"}
    alike = {"spacing": 200.0, "patch_metres": 160.0, "device": "cpu", "licence": "CC0-1.0"}
    made = lczlib.train(summer, tmp_path / "a/net", polygons=polygons, **alike, **told)
    code, out, _ = run_lcz(
        "train", summer, "--polygons", polygons, *way, "--spacing", 200, "--patch-metres", 160,
        "--device", "cpu", "--licence", "CC0-1.0", "--no-figures", "--out", tmp_path / "b/net",
    )  # fmt: skip
    assert code == 0
    written = [tmp_path / "a/net", tmp_path / "b/net"]
    weights = [(folder / "model.safetensors").read_bytes() for folder in written]
    assert weights[0] == weights[1]
    reports = [json.loads((f / "training.json").read_text()) for f in written]
    for report in reports:
        assert report.pop("seconds") > 0
    assert reports[0] == reports[1]
    split = reports[0]["split"]
    sizes = [f"{part['n']} {name}" for name, part in split["patches"].items()]
    assert f"{', '.join(sizes)} patches, split by polygon." in out
    assert made.separation in " ".join(out.split())


def test_a_helper_of_the_training_works_in_the_folder_that_is_held(
    summer, polygons, tmp_path, monkeypatch
):
    """Lightning starts one a further device, with the command of the first."""
    told = {
        "polygons": polygons,
        "architecture": "random_forest",
        "spacing": 200.0,
        "patch_metres": 160.0,
    }
    script = (
        "import sys; from lczlib.export.files import alone_in\n"
        "with alone_in(sys.argv[1], '.train.lock'): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "run")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:  # fmt: skip
        first.stdout.readline()
        with pytest.raises(InputError, match="Another run is writing"):
            lczlib.train(summer, tmp_path / "run", **told)
        monkeypatch.setenv("LOCAL_RANK", "1")
        assert lczlib.train(summer, tmp_path / "run", **told).path.is_file()
        first.stdin.close()


def test_polygons_are_held_against_an_image_as_the_job_does(summer, polygons):
    settings = {"spacing": 200.0, "folds": 2, "repeats": 1}
    found = lczlib.check_polygons(summer, polygons, **settings)
    same = check(CheckPolygonsRequest(inputs=(summer,), polygons=polygons, **settings))
    pd.testing.assert_frame_equal(found.table, same.table)
    assert found.headline() in repr(found)


@pytest.mark.slow
def test_many_cities_end_in_one_table_by_function_and_command(scene, summer, run_lcz, tmp_path):
    pytest.importorskip("distributed")
    (lst,) = scene.glob("Reference/*/lst.tif")
    rows = [{"folder": scene, "lst": lst}, {"folder": summer, "lst": tmp_path / "no.tif"}]
    pd.DataFrame(rows).to_csv(tmp_path / "cities.csv", index=False)
    alike = (
        "map.weights=demo_s2",
        "map.only-seasons=summer",
        "map.device=cpu",
        "uhi.band=day",
        "uhi.interior=0",
    )
    found = lczlib.batch(
        tmp_path / "cities.csv", tmp_path / "out", steps=("map", "uhi"), constants=alike
    )
    assert [c.status for c in found.cities] == ["done", "failed"]
    measures = found.measures()
    written = pd.read_csv(tmp_path / "out/measures.csv")
    assert list(measures.columns) == list(written.columns)
    np.testing.assert_allclose(measures["value"], written["value"], rtol=1e-5)
    assert set(measures["measure"]) >= {"area", "surface heat island"}
    told = [word for one in alike for word in ("--set", one)]
    code, out, err = run_lcz(
        "batch", tmp_path / "cities.csv", "--steps", "map,uhi", *told, "--out", tmp_path / "command"
    )  # fmt: skip
    assert code == 1
    assert found.headline() in out
    assert found.failed[0].message.split(";")[0] in err
    manifests = []
    for folder in ("out", "command"):
        manifests.append(json.loads((tmp_path / folder / "manifest.json").read_text()))
        for name in ("created", "seconds"):
            assert manifests[-1].pop(name)
    assert manifests[0] == manifests[1]
    for name in ("cities.csv", "measures.csv", "heat_cities.json"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "command" / name).read_bytes()


@pytest.mark.parametrize(
    ("stated", "given"),
    [
        ({}, {"OMP": "2", "MKL": "2", "OPENBLAS": "2"}),
        ({"OMP": "1"}, {"OMP": "1", "MKL": "1", "OPENBLAS": "1"}),
        ({"OMP": "1", "OPENBLAS": "4"}, {"OMP": "1", "MKL": "1", "OPENBLAS": "4"}),
    ],
)
def test_workers_take_the_threads_that_the_environment_states(stated, given, monkeypatch):
    """OpenBLAS heeds its own variable first, so that the one of the cores would win over OMP_NUM_THREADS."""
    for name in given:
        monkeypatch.delenv(f"{name}_NUM_THREADS", raising=False)
    for name, value in stated.items():
        monkeypatch.setenv(f"{name}_NUM_THREADS", value)
    assert threads_of(2) == {f"{n}_NUM_THREADS": v for n, v in given.items()}
