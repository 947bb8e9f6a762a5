"""What a user waits for in a day, and where the time goes.

    python benchmarks/waiting.py [--km 15] [--before CHECKOUT] [--write FILE]

A simulated city is mapped, assessed, its heat island worked out, its water mapped and all of it reported, by the
commands that a user types; then a browser opens the dashboard on a cold server and has its report made. Each step is
timed as it is; a second run of it is looked at every 5 ms, and the table names the places that its main thread stood at
(modules of this project, or imports).

``--before`` names a checkout of another version: each step is then done by both, in turns on the same inputs, in the
same environment. Water is mapped on a synthetic lake. Weights are downloaded on first use (LCZLIB_MIRROR names a folder
that has them).
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import FrameType

import numpy as np

HERE = Path(__file__).resolve().parents[1]
NAME, SEASON = "00000_00000_Simulated", "summer"
EVERY = 0.005
"""Seconds between two looks at what a command does."""
SHOWN = 3
"""Places named for each step."""


def steps(city: Path, water: Path, out: Path) -> dict[str, list[object]]:
    """The words of each step, in the order of the day."""
    beside = city / "Reference" / NAME
    classes = out / "map/s2_lcz.tif"
    return {
        "the command says its version": ["--version"],
        "map, one season of Sentinel-2": [
            "map", city, "--city", NAME, "--only-seasons", SEASON, "--out", out / "map",
        ],
        "assess against a reference": [
            "assess", classes, "--reference", beside / "lcz.tif", "--out", out / "assessed",
        ],
        "compare with a reference map": ["compare", classes, beside / "lcz.tif", "--out", out / "compared"],
        "heat island of the surface": [
            "uhi", classes, "--lst", beside / "lst.tif", "--band", "day", "--out", out / "surface",
        ],
        "heat island of the canopy": [
            "uhi", classes, "--stations", beside / "air_temperature.csv", "--sites", beside / "stations.gpkg",
            "--time-zone", "UTC", "--out", out / "canopy",
        ],
        "water of one radar scene": ["water", water, "--orbit", "as", "--out", out / "water"],
        "report of all": [
            "report", *(out / n for n in ("map", "assessed", "compared", "surface", "canopy")), "--out", out / "report",
        ],
    }  # fmt: skip


def place(frame: FrameType | None) -> str:
    """Where a thread stands: at an import, else in the innermost module of this project, else in another's."""
    ours = inner = ""
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if frame.f_code.co_name == "_find_and_load":
            return "imports"
        if name.startswith("lczlib."):
            ours = ours or name
        inner = inner or name
        frame = frame.f_back
    return ours or inner.split(".")[0]


def looked_at(words: list[str]) -> None:
    """Run a command in this process; print the seconds that its main thread stood at each place."""
    stood: Counter[str] = Counter()
    main, done = threading.get_ident(), threading.Event()

    def look() -> None:
        before = time.perf_counter()
        while not done.wait(EVERY):
            now = time.perf_counter()
            stood[place(sys._current_frames().get(main))] += now - before
            before = now

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    from lczlib.cli import main as run

    sys.argv = ["lcz", *words]
    try:
        run()
    except SystemExit as ended:
        if ended.code:
            raise
    finally:
        done.set()
        watcher.join()
    print(json.dumps(stood))


def called(
    checkout: Path, words: list[object], *, look: bool = False
) -> tuple[float, Counter[str]]:
    """Seconds of a command by the code of a checkout; with ``look`` also where it stood."""
    program = [str(Path(__file__).resolve()), "--looked-at"] if look else ["-m", "lczlib"]
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *program, *map(str, words)], capture_output=True, text=True, check=False,
        cwd=checkout, env={**os.environ, "PYTHONPATH": str(checkout)},
    )  # fmt: skip
    spent = time.perf_counter() - begun
    if done.returncode:
        sys.exit(f"lcz {words[0]} failed: {done.stderr[-2000:]}")
    return spent, Counter(json.loads(done.stdout.strip().splitlines()[-1])) if look else Counter()


def places(stood: Counter[str]) -> str:
    """The places where most of a step's time went, with their share."""
    whole = sum(stood.values())
    return ", ".join(f"{n} {100 * t / whole:.0f} %" for n, t in stood.most_common(SHOWN))


def browsed(checkout: Path, cache: Path) -> Iterator[tuple[str, float]]:
    """Steps in a browser on a server that has just been started, and has the demo city."""
    sys.path.insert(0, str(HERE / "tests/browser"))
    from conftest import CHROMIUM, FLAGS, Server
    from dashboard import paint
    from playwright.sync_api import sync_playwright

    begun = time.perf_counter()
    served = ("-m", "panel", "serve", str(checkout / "app"), "--num-threads", "4")
    server = Server(
        cache, command=served, PYTHONPATH=str(checkout), PYTHONSAFEPATH="1",
        OMP_NUM_THREADS=str(os.cpu_count()),
    ).wait()  # fmt: skip
    listens = time.perf_counter() - begun
    try:
        with sync_playwright() as p:
            browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page, city = paint(browser, f"{server.url}?page=city")
            yield "dashboard, from the server's start: page stands", listens + page
            yield "dashboard, from the server's start: city is drawn", listens + city
            visitor = browser.new_page(viewport={"width": 1440, "height": 900})
            begun = time.perf_counter()
            visitor.goto(f"{server.url}?page=share&made=maps")
            mapped = visitor.get_by_role("button", name="Manifest (inputs, weights, settings)")
            mapped.wait_for(timeout=600_000)
            with visitor.expect_download(timeout=600_000):
                visitor.get_by_role("button", name="Report (HTML)").click()
            yield (
                "dashboard, from a link: the report of the demo city, mapped anew",
                time.perf_counter() - begun,
            )
            browser.close()
    finally:
        server.stop()


def prepared(work: Path, km: float) -> tuple[Path, Path]:
    """The inputs: a city in So2Sat's layout, and a radar scene of a lake as large as it."""
    sys.path.insert(0, str(HERE / "tests"))
    from affine import Affine
    from odc.geo.geobox import GeoBox
    from synthetic_water import backscatter, lake

    from lczlib.export import write_raster
    from lczlib.scenes.simulation import simulate_city, write_so2sat

    write_so2sat(simulate_city(km, seed=7), work / "scene", NAME)
    size = round(100 * km)
    box = GeoBox((size, size), Affine(10, 0, 500_000, 0, -10, 5_780_000), "EPSG:32631")
    radar = backscatter(lake(size / 5, box), seed=1, box=box)
    scene = write_raster(work / "S1_2021-07.tif", radar, descriptions=["VV", "VH"])
    return work / "scene", scene


def table(rows: dict[str, list[float]], where: dict[str, str], versions: list[str]) -> str:
    """The day as a table: seconds by version, and where the last one's time went."""
    more = ["ratio"] if len(versions) > 1 else []
    heads = ["step", *(f"{v}, s" for v in versions), *more, "where its main thread stood"]
    lines = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    totals = np.zeros(len(versions))
    for name, spent in rows.items():
        totals += spent
        ratio = [f"{spent[0] / spent[-1]:.2f}"] if more else []
        cells = [name, *(f"{s:.1f}" for s in spent), *ratio, where.get(name, "")]
        lines.append("| " + " | ".join(cells) + " |")
    ratio = [f"{totals[0] / totals[-1]:.2f}"] if more else []
    lines.append("| " + " | ".join(["all", *(f"{t:.1f}" for t in totals), *ratio, ""]) + " |")
    return "\n".join(lines)


def measured(given: argparse.Namespace) -> str:
    """Do the day by each version, in turns, and tell it as a table."""
    from lczlib.machine import machine

    checkouts = {"before": given.before, "now": HERE} if given.before else {"now": HERE}
    rows: dict[str, list[float]] = {}
    where: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        scene, radar = prepared(work, given.km)
        days = {v: steps(scene, radar, work / v) for v in checkouts}
        again = steps(scene, radar, work / "looked-at")
        fetching = steps(scene, radar, work / "fetched")["water of one radar scene"]
        called(HERE, fetching)  # the network is fetched, so that no timed run does
        for name in again:
            rows[name] = [called(c, days[v][name])[0] for v, c in checkouts.items()]
            where[name] = places(called(HERE, again[name], look=True)[1])
            print(f"{name:<50}", *(f"{s:7.1f} s" for s in rows[name]), where[name], flush=True)
        for checkout in checkouts.values():
            cache = work / f"cache-{checkout.name}"
            cache.mkdir()
            list(islice(browsed(checkout, cache), 2))  # simulates the demo city
            for name, spent in browsed(checkout, cache):
                rows.setdefault(name, []).append(spent)
                print(f"{name:<50} {spent:7.1f} s", flush=True)
    return (
        "# What a user waits for in a day\n\n"
        f"Made by `benchmarks/waiting.py` on {datetime.datetime.now(datetime.UTC):%Y-%m-%d}: {machine()}. Simulated "
        f"city of {given.km:g} x {given.km:g} km, {round(100 * given.km):,} x {round(100 * given.km):,} pixels; each "
        f"step timed once, from the start of its process.\n\n{table(rows, where, list(checkouts))}\n"
    )


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--looked-at"]:
        looked_at(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--km", type=float, default=15)
    parser.add_argument("--before", type=Path, help="A checkout of another version.")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    text = measured(given)
    print(text)
    if given.write:
        given.write.write_text(text)


if __name__ == "__main__":
    main()
