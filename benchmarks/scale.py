"""Many small cities on a cluster whose workers are killed at random.

    python benchmarks/scale.py [--cities 300] [--workers 2] [--kills 30] [--size 120] [--write]

A simulated city is cut into small ones, each with its reference and its temperatures. `lcz batch` maps,
assesses and compares their temperatures on a Dask scheduler and workers in processes of their own, of which
random ones are killed. Then the same once more in another folder, and nothing is killed: every file must have
the same SHA-256. The memory (resident set) of the scheduler and of the client is read as cities finish: that
it does not grow with them is the point.

--write puts the figures into benchmarks/results/scale.json and scale.md.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import rasterio

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from batch_cities import crop

from lczlib.jobs.batch import BatchRequest, run
from lczlib.machine import machine

RESULTS = Path(__file__).parent / "results"
STEPS = ("map", "assess", "uhi")
CONSTANTS = ("weights=demo_s2", "map.device=cpu", "uhi.interior=0", "uhi.band=day")
_LOSSES = 20  # workers that Dask lets a task lose: random kills say nothing of the task


def write_cities(folder: Path, n: int, size: int) -> Path:
    """Cut a simulated city into small ones of `size` pixels of 10 m; the table."""
    from lczlib.scenes.simulation import simulate_city, write_so2sat

    whole = folder / "whole"
    write_so2sat(simulate_city(6, 1), whole)
    scene = next(whole.glob("Sentinel-2/*/summer/*.tif"))
    reference = next(whole.glob("Reference/*"))
    with rasterio.open(scene) as src:
        across = (src.width - size) // 10 + 1
    places = random.Random(0).sample(range(across**2), n)
    rows = []
    for i, place in enumerate(places):
        row, column = divmod(place, across)
        name = f"city_{i:04}"
        crop(scene, folder / f"{name}.tif", 10 * row, 10 * column, size)
        for layer in ("lcz", "lst"):
            crop(
                reference / f"{layer}.tif", folder / f"{name}_{layer}.tif", row, column, size // 10
            )
        rows.append(
            {
                "folder": f"{name}.tif",
                "assess.reference": f"{name}_lcz.tif",
                "lst": f"{name}_lst.tif",
            }
        )
    table = folder / "cities.csv"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return table


@contextmanager
def cluster(workers: int, folder: Path):
    """A scheduler and workers as processes of their own: its address, and the two programs."""
    log = (folder / "cluster.log").open("w")
    environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(_LOSSES)}
    python = [sys.executable, "-m"]
    where = folder / "scheduler.json"
    run_it = {"env": environment, "stdout": log, "stderr": subprocess.STDOUT}
    scheduler = subprocess.Popen(
        [*python, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
         "--scheduler-file", str(where)], **run_it,
    )  # fmt: skip
    while not where.is_file():
        time.sleep(0.2)
    address = json.loads(where.read_text())["address"]
    nannies = subprocess.Popen(
        [*python, "distributed.cli.dask_worker", address, "--nworkers", str(workers), "--nthreads", "1",
         "--no-dashboard", "--memory-limit", "0", "--resources", "network=1 memory=4"], **run_it,
    )  # fmt: skip
    try:
        yield address, scheduler, nannies
    finally:
        for program in (nannies, scheduler):
            program.send_signal(signal.SIGINT)
            try:
                program.wait(30)
            except subprocess.TimeoutExpired:
                program.kill()
        log.close()


class Watcher:
    """Kills random workers in the course of a run, and reads the memory as cities finish."""

    def __init__(self, n: int, kills: int, scheduler: int, nannies: int, seed: int = 1) -> None:
        rng = random.Random(seed)
        self.rng, self.when = rng, sorted(rng.sample(range(1, n), min(kills, n - 1)))
        self.scheduler, self.nannies = psutil.Process(scheduler), psutil.Process(nannies)
        self.client, self.finished, self.killed = psutil.Process(), 0, 0
        self.memory: list[tuple[int, float, float]] = []

    def __call__(self, _city: str, step: str, _outcomes) -> None:
        """See `lczlib.jobs.batch_cluster.Watch`."""
        if step:
            return
        self.finished += 1
        sizes = (p.memory_info().rss / 1e6 for p in (self.scheduler, self.client))
        self.memory.append((self.finished, *sizes))
        while self.when and self.when[0] <= self.finished:
            self.when.pop(0)
            workers = [
                p
                for p in self.nannies.children(recursive=True)
                if "spawn_main" in " ".join(p.cmdline())
            ]
            if workers:
                self.rng.choice(workers).kill()
                self.killed += 1


def digests(out: Path) -> dict[str, str]:
    """The SHA-256 of every file of every result, by its name."""
    found = {}
    for path in sorted(out.glob("city_*/*/manifest.json")):
        for name, digest in json.loads(path.read_text())["outputs"].items():
            found[f"{path.parent.relative_to(out)}/{name}"] = digest
    return found


def measure(table: Path, out: Path, workers: int, kills: int, n: int) -> dict:
    """One batch."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with cluster(workers, table.parent) as (address, scheduler, nannies):
        watcher = Watcher(n, kills, scheduler.pid, nannies.pid)
        request = BatchRequest(table=table, steps=STEPS, dask=address, constants=CONSTANTS)
        begun = time.perf_counter()
        result = run(request, out, watch=watcher)
        seconds = time.perf_counter() - begun
    (table.parent / "scheduler.json").unlink(missing_ok=True)
    at = [max(1, round(n * share)) for share in (0.2, 0.4, 0.6, 0.8, 1)]
    later = np.array([m for m in watcher.memory if m[0] >= at[0]])
    slope = [float(np.polyfit(later[:, 0], later[:, i], 1)[0] * 1000) for i in (1, 2)]
    return {
        "cities": len(result.cities), "failed": [c.name for c in result.failed], "killed": watcher.killed,
        "seconds": round(seconds, 1),
        "memory": [watcher.memory[i - 1] for i in at],
        "mb_per_1000_cities": {"scheduler": slope[0], "client": slope[1]},
    }  # fmt: skip


def report(found: dict) -> str:
    killed, quiet = found["with kills"], found["without"]
    lines = [
        "# Many cities, workers killed at random", "",
        f"`python benchmarks/scale.py --cities {found['cities']} --workers {found['workers']} --kills "
        f"{found['kills']} --size {found['size']}`, {found['machine']}. Steps: {', '.join(STEPS)}. Other programs ran "
        "beside it: the seconds say little, the memory and the bytes do not depend on them.", "",
        "| | with kills | without |", "| --- | --- | --- |",
        f"| cities done | {killed['cities'] - len(killed['failed'])} of {found['cities']} | "
        f"{quiet['cities'] - len(quiet['failed'])} of {found['cities']} |",
        f"| workers killed | {killed['killed']} | {quiet['killed']} |",
        f"| seconds | {killed['seconds']:,.0f} | {quiet['seconds']:,.0f} |",
        f"| files, of which differ | {found['files']:,}, {found['differ']:,} | |", "",
        "Memory (resident, MB) as cities finish, with kills:", "",
        "| cities | scheduler | client |", "| --- | --- | --- |",
        *(f"| {n:,} | {s:.0f} | {c:.0f} |" for n, s, c in killed["memory"]), "",
        "Growth after the first fifth, by least squares: scheduler "
        f"{killed['mb_per_1000_cities']['scheduler']:.1f}, client {killed['mb_per_1000_cities']['client']:.1f} MB per "
        "1,000 cities.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cities", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--size", type=int, default=120, help="Edge of a city in pixels of 10 m.")
    parser.add_argument(
        "--write", action="store_true", help="Write the figures to benchmarks/results."
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = write_cities(Path(folder), asked.cities, asked.size)
        found = {
            "cities": asked.cities, "workers": asked.workers, "kills": asked.kills, "size": asked.size,
            "machine": machine(),
        }  # fmt: skip
        for name, kills in (("with kills", asked.kills), ("without", 0)):
            out = Path(folder) / "out" / name.split()[-1]
            found[name] = measure(table, out, asked.workers, kills, asked.cities)
            found[name]["digests"] = digests(out)
        a, b = (found[k].pop("digests") for k in ("with kills", "without"))
        found["files"] = len(b)
        found["differ"] = sum(a.get(k) != b.get(k) for k in a.keys() | b.keys())
        sys.stdout.write(report(found))
        if asked.write:
            (RESULTS / "scale.json").write_text(json.dumps(found, indent=1) + "\n")
            (RESULTS / "scale.md").write_text(report(found))
        if found["differ"] or found["with kills"]["failed"]:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
