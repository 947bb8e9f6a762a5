"""The dashboard under many visitors for a while: errors, memory, a fair queue, and peace afterwards.

Usage: python benchmarks/soak.py [--visitors 30] [--minutes 20] [--write FILE]

Visitors come in turn and at once to the demo city. Each does one thing after another, drawn with a
seed: looks at the map, compares, reads the heat island, uploads a map or a thermal raster, maps a
part and waits, maps and closes the tab amid it. They speak the page's protocol without
drawing (`tests/browser/visitors.py`). Printed are errors in the server's log, the waits of each kind
of visit (first half beside second), resident memory of the server and its workers over time, how long
runs waited in the queue, and the processor time in the minute after all have gone.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))

from conftest import Server
from visitors import Visitor, has_certainty, has_classes, has_image, says

from lczlib.machine import machine

QUICK = ("--unused-session-lifetime", "8000", "--check-unused-sessions", "1000")
MADE = "cells, made in"  # what the page says once there is a map
REST = 60  # seconds of peace that are looked at in the end
PATIENCE = 300  # seconds: as many visitors at once as here wait for one another


class Soak:
    """What is done and what is noted of it.

    Parameters
    ----------
    server : Server
    city : path
        Of the demo city's files.
    seconds : float
        How long visitors come.
    """

    def __init__(self, server: Server, city: Path, seconds: float) -> None:
        self.server, self._city = server, city
        self.begun = time.monotonic()
        self._until = self.begun + seconds
        self.took: dict[str, list[tuple[float, float]]] = {}
        self.failed: list[str] = []

    async def visit(self, number: int, gap: float) -> None:
        """One visitor after another, until time is up."""
        drawn = random.Random(number)
        await asyncio.sleep(gap * number)
        kinds: dict[str, Callable[[random.Random], Awaitable[None]]] = {
            "map": self._look, "compare": self._compare, "heat": self._heat,
            "upload": self._upload, "run": self._run, "run, closed": self._leave,
        }  # fmt: skip
        weights = (4, 3, 3, 2, 1, 1)
        while time.monotonic() < self._until:
            (kind,) = drawn.choices([*kinds], weights)
            begun = time.monotonic()
            try:
                await kinds[kind](drawn)
                self.took.setdefault(kind, []).append(
                    (begun - self.begun, time.monotonic() - begun)
                )
            except Exception as error:
                self.failed.append(f"{kind}: {type(error).__name__}: {error}"[:200])
            await asyncio.sleep(drawn.uniform(0.5, 3))

    @asynccontextmanager
    async def _open(self, query: str) -> AsyncIterator[Visitor]:
        visitor = Visitor(f"{self.server.url}?{query}")
        try:
            yield await visitor.open()
        finally:
            await visitor.close()

    async def _look(self, _: random.Random) -> None:
        async with self._open("page=map") as visitor:
            await visitor.wait(says(MADE), seconds=PATIENCE)
            for layer, shown in (("certainty", has_certainty), ("classes", has_classes)):
                await asyncio.sleep(1)  # a visitor looks before choosing another
                since = len(visitor.events)
                await visitor.set("Layer", layer)
                await visitor.wait(shown, since, PATIENCE)

    async def _compare(self, _: random.Random) -> None:
        async with self._open("page=compare") as visitor:
            await visitor.wait(has_classes, seconds=PATIENCE)

    async def _heat(self, _: random.Random) -> None:
        async with self._open("page=heat&heat_replicates=200") as visitor:
            await visitor.wait(says("against LCZ D"), seconds=PATIENCE)

    async def _upload(self, drawn: random.Random) -> None:
        async with self._open("page=city") as visitor:
            await visitor.wait(has_image, seconds=PATIENCE)
            name, kind = drawn.choice(
                [("lcz.tif", "Another LCZ map"), ("lst.tif", "Surface temperature")]
            )
            await visitor.upload(kind, next((self._city / "Reference").glob(f"*/{name}")))
            await visitor.wait(says(f"Taken: {name}"), seconds=PATIENCE)

    async def _run(self, drawn: random.Random) -> None:
        async with self._open(f"page=map&{_area(drawn)}") as visitor:
            await visitor.wait(has_image, seconds=PATIENCE)
            await visitor.press("Run")
            await visitor.wait(says(MADE), seconds=1200)

    async def _leave(self, drawn: random.Random) -> None:
        async with self._open(f"page=map&{_area(drawn)}") as visitor:
            await visitor.wait(has_image, seconds=PATIENCE)
            await visitor.press("Run")
            await asyncio.sleep(drawn.uniform(0.2, 6))


def _area(drawn: random.Random) -> str:
    """A box of some 3 by 3 km of its own, so that there is no result to load."""
    west, south = 3.0 + drawn.random() * 0.06, 52.1 + drawn.random() * 0.04
    return f"area=[{west:.4f},{south:.4f},{west + 0.045:.4f},{south + 0.027:.4f}]"


def processes(server: Server) -> list[psutil.Process]:
    """The server and what it has started."""
    main = psutil.Process(server.process.pid)
    return [main, *main.children(recursive=True)]


def memory(server: Server) -> tuple[float, float]:
    """Resident MB of the server, and of its workers together."""
    found = []
    for process in processes(server):
        try:
            found.append(process.memory_info().rss / 1e6)
        except psutil.NoSuchProcess:
            continue
    return found[0], sum(found[1:])


def worked(server: Server) -> float:
    """Processor seconds so far of all of them."""
    total = 0.0
    for process in processes(server):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


async def soak(server: Server, city: Path, visitors: int, minutes: float) -> tuple[Soak, list[str]]:
    """Let them come; what was noted, and rows of memory over time."""
    noted = Soak(server, city, 60 * minutes)
    crowd = asyncio.gather(*(noted.visit(i, 2.0) for i in range(visitors)))
    rows = []
    while not crowd.done():
        await asyncio.wait([crowd], timeout=max(30.0, 60 * minutes / 10))
        at, (main, workers) = (time.monotonic() - noted.begun) / 60, memory(server)
        rows.append(f"| {at:.1f} min | {main:.0f} MB | {workers:.0f} MB |")
        print(rows[-1], f"{sum(map(len, noted.took.values()))} visits", flush=True)
    await crowd
    return noted, rows


def halves(values: list[tuple[float, float]], seconds: float) -> str:
    """Medians and largest of what began in the first and in the second half."""
    out = []
    for part in (
        [v for at, v in values if at < seconds / 2], [v for at, v in values if at >= seconds / 2],
    ):  # fmt: skip
        out.append(f"{statistics.median(part):.1f} ({max(part):.1f})" if part else "-")
    return " | ".join(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--cache", type=Path, help="cache folder that may hold the city")
    parser.add_argument("--write", type=Path, help="Markdown file to keep the figures in")
    options = parser.parse_args()
    cache, folders = options.cache or Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp())
    server = Server(cache, "--warm", *QUICK, TMPDIR=str(folders)).wait()
    try:
        first = asyncio.run(_made(server))
        before = memory(server)
        city = next(cache.glob("demo-*"))
        noted, rows = asyncio.run(soak(server, city, options.visitors, options.minutes))
        time.sleep(15)
        spent = worked(server)
        time.sleep(REST)
        idle, after = (worked(server) - spent) / REST, memory(server)
        left = list(folders.glob("lczlib-session-*"))
        errors = server.errors()
    finally:
        server.stop()
    visits = sum(map(len, noted.took.values()))
    lines = [
        "# Many visitors of the dashboard", "",
        f"Made by `benchmarks/soak.py` on {datetime.date.today()}: {machine()}. Load average at the end: "
        f"{os.getloadavg()[0]:.1f}. {options.visitors} visitors at once for {options.minutes:g} minutes; the "
        f"demo city was mapped once before, in {first:.0f} s.", "",
        f"- visits: {visits}; failed: {len(noted.failed)}; errors in the server's log: {len(errors)}",
        f"- memory of the server, workers: {before[0]:.0f}, {before[1]:.0f} MB before; "
        f"{after[0]:.0f}, {after[1]:.0f} MB after all had gone",
        f"- processor in the minute after: {100 * idle:.1f} % of one core; folders of sessions left: {len(left)}", "",
        "| visit | n | first half: median (largest), s | second half |", "| --- | --- | --- | --- |",
        *(f"| {k} | {len(v)} | {halves(v, 60 * options.minutes)} |" for k, v in sorted(noted.took.items())),
        "", "| time | server | workers |", "| --- | --- | --- |", *rows, "",
    ]  # fmt: skip
    print("\n".join([*lines, *noted.failed, *errors]))
    if options.write:
        options.write.write_text("\n".join(lines))


async def _made(server: Server) -> float:
    """Have the demo city mapped, so that there is something to look at."""
    begun = time.monotonic()
    visitor = await Visitor(f"{server.url}?page=map&made=maps").open()
    await visitor.wait(says(MADE), seconds=600)
    await visitor.close()
    return time.monotonic() - begun


if __name__ == "__main__":
    main()
