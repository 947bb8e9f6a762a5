"""A batch's table, its steps as they are tried, and what they ask of workers; test_batch_cities.py runs it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from lczlib.analysis.heat.cities import heat_of_cities
from lczlib.errors import InputError, ServiceError
from lczlib.jobs import batch_city, batch_steps
from lczlib.jobs.batch import BatchRequest, city_of
from lczlib.jobs.batch_city import Outcome, Task, is_network_fault, run_step
from lczlib.jobs.batch_cluster import demanded
from lczlib.jobs.batch_steps import STEPS, Case, Row
from lczlib.jobs.batch_table import read_rows
from lczlib.jobs.texts import value_of
from lczlib.settings import described


@pytest.fixture
def table(tmp_path):
    def write(text: str, name: str = "cities.csv") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_a_column_is_an_option_of_each_step_that_has_it(table):
    rows = read_rows(table("city,provider,year\nBerlin,earth-search,2023\n"), ("get", "map"))
    assert rows[0].values == {"get": {"provider": "earth-search", "year": 2023}}
    text = "folder,resample,map_b,reference\nb.tif,mode,other.tif,areas.gpkg\n"
    (row,) = read_rows(table(text), ("assess", "compare"))
    assert row.values["assess"]["resample"] == row.values["compare"]["resample"] == "mode"


def test_a_prefix_says_of_which_step_a_column_is(table):
    head = "folder,assess.resample,compare.resample,resample,map_b,reference"
    (row,) = read_rows(table(f"{head}\nb.tif,mode,,nearest,o.tif,a.tif\n"), ("assess", "compare"))
    assert row.values["assess"]["resample"] == "mode"
    assert row.values["compare"]["resample"] == "nearest"


def test_a_column_of_a_step_that_another_run_does_is_left_to_it(table):
    (row,) = read_rows(table("city,assess.reference,year\nBerlin,a.gpkg,2023\n"), ("get",))
    (run,) = STEPS["get"].runs(Case(row, Path("Berlin"), ("get",), planned=True))
    assert (run.request.year, run.request.what) == (2023, ("s2",))


def test_columns_are_named_as_the_options_with_or_without_dashes(table):
    text = "city;--max-cloud;what\nLagos;30;s2,lcz\n"
    (row,) = read_rows(table(text), ("get",))
    assert row.values["get"] == {"max_cloud": 30.0, "what": ("s2", "lcz")}
    text = "folder,name,map_b\nb.tif,mine;theirs,o.tif\n"  # the option --name of the setting names
    (row,) = read_rows(table(text), ("map", "compare"))
    assert row.values["compare"]["names"] == ("mine", "theirs")


def test_codes_stay_texts_and_places_may_be_files(table, tmp_path):
    (tmp_path / "area.geojson").write_text("{}")
    rows = read_rows(table("city\n00017\narea.geojson\nSão Paulo\n"), ("get",))
    assert [r.place for r in rows] == ["00017", str(tmp_path / "area.geojson"), "São Paulo"]
    assert [r.name for r in rows] == ["00017", "area", "São_Paulo"]


def test_paths_count_from_the_tables_folder(table, tmp_path):
    (row,) = read_rows(table("folder,reference\nscenes/b.tif,areas.gpkg\n"), ("map", "assess"))
    assert row.folder == str(tmp_path / "scenes/b.tif")
    assert row.values["assess"]["reference"] == tmp_path / "areas.gpkg"


def test_a_city_in_a_folder_of_several_is_named(table):
    rows = read_rows(table("folder,city\nall,00001_a_X\nall,00002_b_Y\n"), ("map",))
    assert [r.values["map"]["city"] for r in rows] == ["00001_a_X", "00002_b_Y"]
    assert [r.name for r in rows] == ["00001_a_X", "00002_b_Y"]


@pytest.mark.parametrize(
    ("text", "steps", "said"),
    [
        ("city,max_clouds\nBerlin,3\n", ("get",), "did you mean max-cloud"),
        ("city,reference\nBerlin,a.gpkg\n", ("get", "map"), "or name it assess.reference to keep it"),
        ("city,asess.reference\nBerlin,a.gpkg\n", ("get", "map"), "the name of no step: these are get, prepare-s1"),
        ("city,assess.referenz\nBerlin,a.gpkg\n", ("get", "map"), "no option of assess: did you mean reference"),
        ("city,max-cloud\nBerlin,many\n", ("get",), "row 2 of cities.csv: --max-cloud of get: 'many' is no number"),
        ("city,max-cloud\nBerlin,120\n", ("get",), "120 is not between 0 and 100"),
        ("city\nBerlin\nberlin\n", ("get",), "is berlin once more"),
        ("city,year\n,2023\n", ("get",), "neither a city nor a folder"),
        ("town\nBerlin\n", ("get",), "neither a column city nor folder"),
        ("city,year,year\nBerlin,1,2\n", ("get",), "column 'year' twice"),
        ("city\nBerlin,2023\n", ("get",), "2 cells under 1 columns"),
        ("city\n", ("get",), "has no rows"),
        ("folder\nb.tif\n", ("map", "assess"), "anything for assess: it has no --reference"),
        ("folder,map.fusion\nb.tif,sum\n", ("map",), "'sum' is not one of mean"),
        ("folder,reference,resample\nb.tif,a.tif,utm\n", ("map", "assess"),
         "name it map.resample to keep it from assess"),
        ("city\nBerlin\n", ("get", "map", "export"), "no software to export to"),
    ],
)  # fmt: skip
def test_a_table_that_is_wrong_is_refused_before_anything_is_done(table, text, steps, said):
    with pytest.raises(InputError) as caught:
        read_rows(table(text), steps)
    assert said in str(caught.value)
    assert caught.value.parameter in ("table", "steps")


def test_an_option_for_all_cities_is_a_column_that_a_row_may_overrule(table):
    path = table("city,year\nBerlin,\nParis,2021\n")
    rows = read_rows(path, ("get",), ("year=2023",))
    assert [r.values["get"]["year"] for r in rows] == [2023, 2021]
    with pytest.raises(InputError, match="year2023"):
        read_rows(path, ("get",), ("year2023",))
    with pytest.raises(InputError, match="did you mean year"):
        read_rows(path, ("get",), ("yaer=2023",))


def test_what_is_fetched_is_what_the_later_steps_need(table):
    (row,) = read_rows(table("city\nBerlin\n"), ("get", "map", "compare", "uhi"))
    steps = ("get", "map", "compare", "uhi")
    (run,) = STEPS["get"].runs(Case(row, Path("Berlin"), steps, planned=True))
    assert run.request.what == ("s2", "lcz", "lst")
    (row,) = read_rows(table("city,what\nBerlin,s2\n"), ("get", "map"))
    (run,) = STEPS["get"].runs(Case(row, Path("Berlin"), ("get", "map"), planned=True))
    assert run.request.what == ("s2",)


def test_surface_and_canopy_are_written_into_folders_of_their_own(table):
    text = "folder,lst,stations,time_zone\nb.tif,t.tif,air.csv,UTC\n"
    (row,) = read_rows(table(text), ("map", "uhi"))
    runs = STEPS["uhi"].runs(Case(row, Path("b"), ("map", "uhi"), planned=True))
    assert {r.folder.name: r.request.kinds[0] for r in runs} == {
        "uhi-lst": "surface", "uhi-stations": "canopy",
    }  # fmt: skip
    with pytest.raises(InputError, match="another kind of heat island than lst"):
        read_rows(table("folder,lst,weather\nb.tif,t.tif,w.csv\n"), ("map", "uhi"))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("certainty", "yes", True), ("certainty", "0", False), ("names", "a; b", ("a", "b")),
        ("resample", "mode", "mode"), ("map_b", "https://x/lcz.tif", "https://x/lcz.tif"),
        ("more", "a.tif;/b.tif", (Path("/t/a.tif"), Path("/b.tif"))),
    ],
)  # fmt: skip
def test_a_cell_says_what_the_option_would(name, text, value):
    from lczlib.jobs.compare import CompareRequest

    assert value_of(described(CompareRequest)[name], text, Path("/t")) == value


def task(base: Path, step: str = "get", **more) -> Task:
    steps = more.pop("steps", (step,))
    row = Row("Berlin", "Berlin", "", {})
    return Task("b1", row, base / "Berlin", step, steps, wait=10, **more)


@pytest.fixture
def paused(monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(batch_city, "pause", waits.append)
    return waits


def failing(monkeypatch, *errors: Exception):
    """A step whose tries fail, one after the other; the number of tries."""
    left, tries = list(errors), []

    def do(request, folder, how):
        tries.append(request)
        if left:
            raise left.pop(0)
        return ["Mind the gap."]

    monkeypatch.setattr(batch_steps, "_fetch", do)
    return tries


def test_faults_of_the_network_are_tried_again_ever_later(monkeypatch, tmp_path, paused):
    fault = ServiceError("The service is away.")
    tries = failing(monkeypatch, fault, ConnectionResetError("reset"), fault)
    (outcome,) = run_step(task(tmp_path))
    assert (outcome.status, outcome.tries, len(tries)) == ("done", 4, 4)
    assert outcome.message == "Mind the gap."
    assert [round(w / 10) for w in np.round(np.array(paused) / [1, 2, 4], 0)] == [1, 1, 1]
    assert paused == sorted(paused)


def test_a_fault_that_stays_is_told_and_no_more_tried(monkeypatch, tmp_path, paused):
    tries = failing(monkeypatch, *[ServiceError("The service is away.")] * 9)
    (outcome,) = run_step(task(tmp_path, retries=2))
    assert (outcome.status, outcome.message) == ("failed", "The service is away.")
    assert len(tries) == 3


def test_what_is_wrong_with_the_input_is_not_tried_again(monkeypatch, tmp_path, paused):
    tries = failing(monkeypatch, InputError("There is no such place."))
    (outcome,) = run_step(task(tmp_path))
    assert (outcome.status, outcome.message) == ("failed", "There is no such place.")
    assert len(tries) == 1
    assert not paused


def test_a_fault_of_the_program_fails_its_city_with_its_trace(monkeypatch, tmp_path, paused):
    failing(monkeypatch, ZeroDivisionError("by nothing"))
    (outcome,) = run_step(task(tmp_path))
    assert outcome.status == "failed"
    assert "ZeroDivisionError: by nothing" in outcome.message
    assert "ZeroDivisionError" in (tmp_path / "Berlin/.batch/get.txt").read_text()
    assert not paused


def test_only_the_network_is_the_networks_fault():
    import requests

    assert is_network_fault(requests.ConnectionError())
    wrapped = InputError("x")
    wrapped.__cause__ = TimeoutError()
    assert is_network_fault(wrapped)
    for error in (
        FileNotFoundError(),
        PermissionError(),
        InputError("x"),
        requests.exceptions.InvalidURL(),
    ):
        assert not is_network_fault(error)


def test_a_step_after_one_that_failed_is_not_run_and_says_so(tmp_path):
    before = (Outcome("get", "failed", "away"),)
    outcomes = run_step(task(tmp_path, "map", steps=("get", "map", "assess")), before)
    outcomes = run_step(task(tmp_path, "assess", steps=("get", "map", "assess")), outcomes)
    assert [(o.status, o.message) for o in outcomes[1:]] == [
        ("not run", "get failed"), ("not run", "map failed"),
    ]  # fmt: skip
    city = city_of("Berlin", outcomes)
    assert city.status == "failed"
    assert city.message == "get: away map: not run, get failed. assess: not run, map failed."


def test_a_step_that_a_lost_worker_had_finished_is_not_done_again(monkeypatch, tmp_path, paused):
    tries = failing(monkeypatch)
    first = run_step(task(tmp_path))
    assert run_step(task(tmp_path))[0].status == first[0].status == "done"
    assert len(tries) == 1
    run_step(replace(task(tmp_path), batch="another"))  # without --resume all is done anew
    assert len(tries) == 2


def test_steps_ask_for_what_the_workers_declare(tmp_path):
    on_card = task(tmp_path, "map", memory="4")
    assert demanded(on_card, {"GPU": 1, "memory": 16, "network": 1}) == {"GPU": 1, "memory": 4}
    assert demanded(on_card, {"memory": 2}) == {"memory": 2}
    assert demanded(on_card, {}) == {}
    assert demanded(task(tmp_path), {"GPU": 1, "memory": 16, "network": 1}) == {"network": 1}
    cpu = replace(on_card, row=replace(on_card.row, values={"map": {"device": "cpu"}}))
    assert "GPU" not in demanded(cpu, {"GPU": 1, "memory": 16})


def test_a_request_puts_the_steps_in_order_and_refuses_what_contradicts():
    assert BatchRequest(table="t.csv", steps=("map", "get")).steps == ("get", "map")
    with pytest.raises(InputError, match="cluster"):
        BatchRequest(table="t.csv", dask="tcp://x:1", workers=2)
    with pytest.raises(InputError, match="Nothing is asked for"):
        BatchRequest(table="t.csv", steps=())


def simulated(n_cities: int, seed: int, *, city_sd: float = 1.5, rest: float = 0.5):
    """Differences of four classes in cities that differ, and the truth."""
    rng = np.random.default_rng(seed)
    truth = {1: 3.0, 2: 4.0, 6: 1.5, 17: -3.0}
    rows = [
        (f"c{i}", lcz, mean + shared + rng.normal(0, rest), 100)
        for i, shared in enumerate(rng.normal(0, city_sd, n_cities))
        for lcz, mean in truth.items()
    ]
    return pd.DataFrame(rows, columns=["city", "lcz", "difference", "n"]), truth


def test_the_model_of_cities_finds_what_they_were_made_with():
    table, truth = simulated(300, 1)
    found = heat_of_cities(table)
    assert found.city_sd == pytest.approx(1.5, abs=0.2)
    assert found.residual_sd == pytest.approx(0.5, abs=0.05)
    for lcz, mean in truth.items():
        # balanced: the estimate is the mean over cities, and its error that of independent cities
        of_class = table.loc[table["lcz"] == lcz, "difference"]
        row = found.classes.loc[lcz]
        assert row["difference"] == pytest.approx(of_class.mean(), abs=1e-6)
        half = (row["ci_high"] - row["ci_low"]) / 2
        assert half == pytest.approx(1.968 * np.hypot(1.5, 0.5) / 300**0.5, rel=0.15)
        assert abs(row["difference"] - mean) < 2.5 * half
        assert (row["n_cities"], row["n"]) == (300, 30_000)


def test_intervals_of_the_model_hold_the_truth_as_often_as_they_say():
    inside = n = 0
    for seed in range(60):
        table, truth = simulated(8, seed)
        rows = heat_of_cities(table).classes
        inside += sum(
            rows.loc[k, "ci_low"] <= v <= rows.loc[k, "ci_high"] for k, v in truth.items()
        )
        n += len(truth)
    assert 0.88 <= inside / n <= 1


def deviance(table: pd.DataFrame, city_sd: float, residual_sd: float) -> float:
    """Of the restricted likelihood, written out with the whole covariance."""
    classes = np.unique(table["lcz"])
    x = (table["lcz"].to_numpy()[:, None] == classes).astype(float)
    city = table["city"].to_numpy()
    v = residual_sd**2 * np.eye(len(table)) + city_sd**2 * (city[:, None] == city)
    y, inverse = table["difference"].to_numpy(), np.linalg.inv(v)
    inner = x.T @ inverse @ x
    rest = y - x @ np.linalg.solve(inner, x.T @ inverse @ y)
    return rest @ inverse @ rest + np.linalg.slogdet(v)[1] + np.linalg.slogdet(inner)[1]


@pytest.mark.parametrize(("seed", "city_sd"), [(0, 0.0), (1, 0.2), (2, 1.0), (3, 5.0), (4, 40.0)])
def test_the_model_of_cities_is_the_likeliest_where_classes_lack(seed, city_sd):
    table, _ = simulated(9, seed, city_sd=city_sd)
    table = table.sample(frac=0.7, random_state=seed)
    found = heat_of_cities(table)
    best = deviance(table, found.city_sd, found.residual_sd)
    for a in (-0.02, 0.02):
        assert best <= deviance(table, max(0, found.city_sd + a), found.residual_sd) + 1e-8
        assert best <= deviance(table, found.city_sd, found.residual_sd + a) + 1e-8
    x = pd.get_dummies(table["lcz"]).to_numpy(float)
    city = table["city"].to_numpy()
    v = found.residual_sd**2 * np.eye(len(x)) + found.city_sd**2 * (city[:, None] == city)
    error = np.sqrt(np.diag(np.linalg.inv(x.T @ np.linalg.solve(v, x))))
    rows = found.classes
    quantile = t.ppf(0.975, rows["n_cities"] - 1)
    assert ((rows["ci_high"] - rows["ci_low"]) / 2).to_numpy() == pytest.approx(
        quantile * error, rel=1e-6
    )


def test_of_a_balanced_table_the_model_is_the_analysis_of_variance():
    table, _ = simulated(30, 5)
    wide = table.pivot(index="city", columns="lcz", values="difference").to_numpy()
    of_city = wide.mean(axis=1)
    rest = wide - of_city[:, None] - wide.mean(axis=0) + wide.mean()
    within = (rest**2).sum() / (29 * 3)
    found = heat_of_cities(table)
    assert found.residual_sd == pytest.approx(within**0.5, rel=1e-5)
    assert found.city_sd == pytest.approx((of_city.var(ddof=1) - within / 4) ** 0.5, rel=1e-5)


def test_a_city_that_lacks_a_class_lends_it_what_it_tells_of_itself():
    """Hot cities that have all classes do not make the class that only they have hotter."""
    table, _ = simulated(40, 3, rest=0.2)
    hot = table.groupby("city")["difference"].mean().nlargest(12).index
    part = table[(table["lcz"] != 2) | table["city"].isin(hot)]
    naive = part.loc[part["lcz"] == 2, "difference"].mean()
    found = heat_of_cities(part).classes.loc[2, "difference"]
    full = table.loc[table["lcz"] == 2, "difference"].mean()
    assert abs(found - full) < 0.4 * abs(naive - full)


def test_a_model_says_what_it_cannot_tell():
    table, _ = simulated(5, 2)
    table.loc[len(table)] = ["c0", 9, 1.0, 50]
    rows = {r["lcz"]: r for r in heat_of_cities(table).to_dict()["classes"]}
    assert rows[9]["difference_ci"] is None
    assert rows[9]["n_cities"] == 1
    with pytest.raises(InputError, match="3 at least"):
        heat_of_cities(table[table["city"].isin(["c0", "c1"])])
    alone = table[table["lcz"] == 1]
    found = heat_of_cities(alone)
    assert np.isnan(found.city_sd)
    assert found.method.startswith("mean over cities")
    assert json.loads(json.dumps(found.to_dict()["classes"]))[0]["n_cities"] == 5
    each = pd.DataFrame({"city": list("aabbcc"), "lcz": range(1, 7), "difference": 1.0, "n": 9})
    assert heat_of_cities(each).classes["ci_low"].isna().all()
    same = pd.DataFrame({"city": list("aabbcc"), "lcz": [1, 2] * 3, "difference": 1.0, "n": 9})
    assert heat_of_cities(same).classes["difference"].tolist() == [1.0, 1.0]


def test_the_costs_that_are_published_are_those_of_the_constants():
    import importlib.util

    root = Path(__file__).resolve().parents[1]
    spec = importlib.util.spec_from_file_location("scale_costs", root / "benchmarks/scale_costs.py")
    costs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(costs)
    assert (root / "docs/scale.md").read_text() == costs.text()
    told = costs.constants()
    half = {**told, "days": {**told["days"], "value": told["days"]["value"] / 2}}
    before, after = costs.costs(told), costs.costs(half)
    assert after["all"]["tb"] == pytest.approx(before["all"]["tb"] / 2)
