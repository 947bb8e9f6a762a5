"""A batch of simulated cities whose workers are killed: nothing is lost, all is as single commands write it."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pystac
import pytest
from batch_cities import write_cities

pytest.importorskip("distributed")

from lczlib.cli.terms import face
from lczlib.jobs.batch import BatchRequest, BatchResult, run
from lczlib.maps import open_lcz_map
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.terms import speaking

N = 12
STEPS = ("map", "assess", "uhi", "export")
SCHEMES = {"City_04": "0-16", "City_05": "101-107"}
"""Numberings that maps are written in, where it is not the usual."""
SET = {
    "weights": "demo_s2",
    "map.device": "cpu",
    "map.date": "2021-07-01",
    "uhi.interior": "0",
    "uhi.band": "day",
    "uhi.min-pixels": "5",
    "uhi.min-patches": "1",
}


def workers() -> list[psutil.Process]:
    """The processes of this one that do steps."""
    return [
        p for p in psutil.Process().children(recursive=True)
        if p.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(p.cmdline())
    ]  # fmt: skip


class Killer:
    """Ends the worker that has done most whenever a step of another city begins, so often."""

    def __init__(self, at: tuple[int, ...]) -> None:
        self.at, self.seen, self.killed, self.cities = at, 0, [], set()

    def __call__(self, city: str, step: str, outcomes) -> None:
        self.seen += 1
        if self.seen in self.at:
            time.sleep(0.5)  # amid a step
            victim = max(workers(), key=lambda p: sum(p.cpu_times()[:2]))
            victim.send_signal(signal.SIGKILL)
            self.killed.append(victim.pid)
            self.cities.add(city)


@pytest.fixture(scope="module")
def cities(tmp_path_factory) -> Path:
    """The table of the cities, beside them."""
    place = tmp_path_factory.mktemp("cities")
    write_so2sat(simulate_city(4, 1), place / "scene")
    table = write_cities(place / "scene", place / "in", N, to="geotiff")
    rows = [r | {"out-scheme": SCHEMES.get(Path(r["folder"]).stem, "")} for r in read(table)]
    return write(table, rows)


def read(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return [*csv.DictReader(file)]


def write(table: Path, rows: list[dict[str, str]]) -> Path:
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return table


@pytest.fixture(scope="module")
def killed(cities) -> tuple[BatchResult, Killer, Path]:
    """A batch of which three workers are killed."""
    killer, out = Killer((6, 17, 29)), cities.parent.parent / "batch"
    alike = tuple(f"{name}={value}" for name, value in SET.items())
    request = BatchRequest(table=cities, steps=STEPS, constants=alike, workers=2)
    with speaking(face):
        result = run(request, out, watch=killer)
        result.write(out)
    return result, killer, out


def files(folder: Path) -> dict[str, object]:
    """What lies in a folder, by name: bytes, and of manifests what does not tell the time."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(part.startswith(".") for part in Path(name).parts):
            content: object = path.read_bytes()
            if path.name == "manifest.json":
                told = json.loads(path.read_text())
                content = {k: v for k, v in told.items() if k not in ("created", "seconds")}
                # listed in the order of the paths as typed: a batch's are relative, a test's absolute
                content["inputs"] = sorted(told["inputs"], key=lambda f: f["path"])
            found[name] = content
    return found


@pytest.mark.slow
def test_nothing_is_lost_where_workers_are_killed(killed):
    result, killer, out = killed
    assert len(killer.killed) == 3
    assert [(c.name, c.status) for c in result.cities] == [
        (f"City_{i:02}", "done") for i in range(N)
    ]
    rows = list(csv.DictReader((out / "cities.csv").open()))
    assert [r["city"] for r in rows] == [c.name for c in result.cities]
    for row in rows:
        named = row["files"].split(";")
        assert f"{row['city']}/map/s2_lcz.tif" in named
        assert f"{row['city']}/uhi-lst/heat_island.json" in named
        assert all((out / name).is_file() for name in named)
    assert not workers()


@pytest.mark.slow
def test_cities_are_the_same_as_single_commands_make_them(killed, cities, run_lcz):
    """Those at which workers were killed, and one of each numbering; the next test hashes the others' files."""
    _, killer, out = killed
    given = cities.parent
    for name in sorted({"City_00", *SCHEMES, *killer.cities}):
        one = out.with_name("single") / name  # as deep as the batch's: files are named alike
        scheme = ("--out-scheme", SCHEMES.get(name, "1-17"))
        plain = ("--no-figures", "--out")
        lcz = one / "map/s2_lcz.tif"
        for words in (
            ("map", given / f"{name}.tif", "--weights", "demo_s2", "--device", "cpu", "--date", "2021-07-01", *scheme,
             "--out", one / "map"),
            ("assess", lcz, "--reference", given / f"{name}_lcz.tif", *plain, one / "assess"),
            ("uhi", lcz, "--lst", given / f"{name}_lst.tif", "--interior", 0, "--band", "day",
             "--min-pixels", 5, "--min-patches", 1, *plain, one / "uhi-lst"),
            ("export", lcz, "--to", "geotiff", *(scheme if name in SCHEMES else ()), "--out", one / "export"),
        ):  # fmt: skip
            code, _, err = run_lcz(*words)
            assert code == 0, err
        batch, single = files(out / name), files(one)
        batch.pop("item.json", None)
        assert batch.keys() == single.keys()
        for file, content in single.items():
            assert batch[file] == content, f"{name}/{file}"


@pytest.mark.slow
def test_the_tables_of_all_cities_say_what_each_says(killed):
    result, _, out = killed
    rows = list(csv.DictReader((out / "measures.csv").open()))
    assert {r["city"] for r in rows} == {c.name for c in result.cities}
    told = json.loads((out / "City_03/assess/assessment.json").read_text())
    (oa,) = [r for r in rows if r["city"] == "City_03" and r["measure"] == "overall accuracy"]
    assert float(oa["value"]) == pytest.approx(told["oa"], rel=1e-5)
    # a city of 144 cells may be too small for an interval: then there is none, and no number
    assert [oa["low"], oa["high"]] == ["" if v is None else f"{v:.6g}" for v in told["oa_ci"]]
    assert int(oa["n"]) == told["n"]
    for city in ("City_03", "City_04"):  # whose maps are in two numberings
        of = [r for r in rows if r["city"] == city]
        areas = {int(r["lcz"]): int(r["n"]) for r in of if r["measure"] == "area"}
        codes = np.bincount(
            open_lcz_map(out / city / "map/s2_lcz.tif").values.ravel(), minlength=18
        )
        assert areas == {k: codes[k] for k in range(1, 18)}
        (whole,) = (r for r in of if r["measure"] == "mapped area")
        assert int(whole["n"]) == sum(areas.values())
    heat = json.loads((out / "heat_cities.json").read_text())
    (model,) = heat["models"]
    assert (model["kind"], model["by"], model["overpass"]) == ("surface", "pixels", "day")
    differences = [r for r in rows if r["measure"] == "surface heat island" and r["lcz"] != "14"]
    assert model["n_differences"] == len(differences)
    assert model["n_cities"] == len({r["city"] for r in differences})
    assert (out / "maps_01.png").stat().st_size > 10_000


@pytest.fixture
def cluster(tmp_path) -> Iterator[str]:
    """A scheduler and a worker as people start them; the scheduler's address."""
    file = tmp_path / "scheduler.json"
    at = ("--no-dashboard", "--scheduler-file", file)
    begun = [
        subprocess.Popen([sys.executable, "-m", "dask", *map(str, words)], stderr=subprocess.DEVNULL)
        for words in (
            ("scheduler", "--host", "127.0.0.1", "--port", 0, *at),
            ("worker", "--nthreads", 1, "--resources", "network=1 memory=4", "--local-directory", tmp_path, *at),
        )
    ]  # fmt: skip
    until = time.monotonic() + 120
    while not file.is_file() and time.monotonic() < until:
        time.sleep(0.1)
    yield json.loads(file.read_text())["address"]
    for process in begun[::-1]:
        process.terminate()
        process.wait(60)


@pytest.mark.slow
def test_a_batch_is_taken_up_and_only_what_changed_is_made_again(killed, cities, cluster, run_lcz):
    """On another cluster; a broken file, a manifest that is gone, an option of one city, a city that fails."""
    _, _, out = killed
    rows = read(cities)
    rows[3]["out-scheme"] = "101-107"
    table = write(cities.with_name("again.csv"), [*rows, rows[0] | {"folder": "missing.tif"}])
    maps = {p: p.stat().st_mtime_ns for p in out.glob("*/map/s2_lcz.tif")}
    (out / "City_01/map/s2_lcz.tif").write_bytes(b"")
    (out / "City_02/assess/manifest.json").unlink()
    alike = [word for name, value in SET.items() for word in ("--set", f"{name}={value}")]
    words = ("batch", table, "--steps", ",".join(STEPS), *alike, "--dask", cluster, "--resume")
    code, said, err = run_lcz(*words, "--out", out)
    assert (code, "12 of 13 cities done, 1 failed (missing)" in said) == (1, True), err
    assert "missing: map:" in err

    changed = {p.parts[-3] for p, t in maps.items() if p.stat().st_mtime_ns != t}
    assert changed == {"City_01", "City_03"}
    kept = {p.parts[-3]: {s for s in STEPS if status(p.parents[1], s) == "kept"} for p in maps}
    # a map that is made again is the same bytes: what was made of it stays
    assert kept == {
        **{city: {*STEPS} for city in kept}, "City_01": {"assess", "uhi", "export"},
        "City_02": {"map", "uhi", "export"}, "City_03": set(),
    }  # fmt: skip
    found = {r["city"]: r for r in csv.DictReader((out / "cities.csv").open())}
    assert found["missing"]["status"] == "failed"
    assert "missing.tif" in found["missing"]["message"]
    assert found["missing"]["files"] == ""
    catalog = pystac.Catalog.from_file(str(out / "catalog.json"))
    items = list(catalog.get_items())
    assert [i.id for i in items] == [f"City_{i:02}" for i in range(N)]
    assert Path(items[0].get_assets()["lcz"].get_absolute_href()).is_file()


def status(city: Path, step: str) -> str:
    return json.loads((city / f".batch/{step}.json").read_text())["outcome"]["status"]


def test_a_cluster_without_workers_is_waited_for_and_that_is_said(monkeypatch):
    from lczlib.jobs import batch_cluster

    there, said = iter([{}, {}, {"tcp://10.0.0.2:1": 1}]), []
    monkeypatch.setattr(batch_cluster.time, "sleep", said.append)
    client = SimpleNamespace(nthreads=lambda: next(there))
    batch_cluster.wait_for_workers(client, lambda: said.append("waiting"))
    assert said == ["waiting", 1, "waiting", 1]


def test_a_cluster_that_is_not_there_is_refused(tmp_path, run_lcz, monkeypatch):
    from lczlib.jobs import batch_cluster

    monkeypatch.setattr(batch_cluster, "_PATIENCE", 1)
    table = tmp_path / "cities.csv"
    table.write_text("folder\nb.tif\n")
    code, _, err = run_lcz(
        "batch", table, "--steps", "map", "--dask", "tcp://127.0.0.1:9", "--out", tmp_path / "o"
    )
    assert code == 1
    assert "There is no Dask scheduler at tcp://127.0.0.1:9" in err
    no_address = ("--dask", "http://127.0.0.1:9", "--out", tmp_path / "o")
    code, _, err = run_lcz("batch", table, "--steps", "map", *no_address)
    assert code == 1
    assert (
        "'http://127.0.0.1:9' is no address of a Dask scheduler: write it as tcp://HOST:8786" in err
    )
