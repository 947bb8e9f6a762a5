"""What closed pages leave in the server's memory: Panel's own widgets beside panel-material-ui's.

    python benchmarks/closed_sessions.py [--sessions 120] [--write FILE]

The same small page of forty widgets is served twice, each by a server of its own, and opened and closed again and
again by visitors without a screen. The server discards a closed session after two seconds; its resident memory is read
six seconds after. Needs the extra ``benchmark``. The dashboard has a look of its own on Panel's widgets: this is why.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

from lczlib.machine import machine

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))

from visitors import Visitor

PAGE = """import panel as pn
{imports}
pn.extension()
kids = [
    kind(name=f"{{kind.__name__}} {{i}}", **more)
    for kind, more in (
        (w.Select, {{"options": ["a", "b", "c"]}}), (w.FloatSlider, {{"start": 0, "end": 1}}), (w.Checkbox, {{}}),
        (w.Button, {{}}),
    )
    for i in range(10)
]
{shown}.servable()
"""
OURS = {
    "imports": "w = pn.widgets",
    "shown": 'pn.template.BootstrapTemplate(title="page", sidebar=kids, main=[pn.pane.Markdown("# page")])',
}
THEIRS = {
    "imports": "import panel_material_ui as w",
    "shown": 'w.Page(title="page", sidebar=kids, main=[w.Typography("page")])',
}
LEVELS = (5, 20, 40, 80, 120, 200)
AT_ONCE = ("--unused-session-lifetime", "2000", "--check-unused-sessions", "500")


@dataclass
class Found:
    """What a server held after some sessions (MB), seconds to open a page, and bytes of its document."""

    held: dict[int, float]
    opening: float
    document: int


async def measured(page: Path, sessions: int) -> Found:
    """Open and close pages, one after the other."""
    with socket.socket() as s:
        s.bind(("localhost", 0))
        port = s.getsockname()[1]
    command = [sys.executable, "-m", "panel", "serve", str(page), "--port", str(port), *AT_ONCE]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, **quiet)
    url, held, took, size = f"http://localhost:{port}/{page.stem}", {}, [], 0
    try:
        for _ in range(240):
            with suppress(OSError):
                urllib.request.urlopen(url, timeout=60)
                break
            time.sleep(0.5)
        for i in range(1, sessions + 1):
            begun = time.perf_counter()
            visitor = await Visitor(url).open()
            took.append(time.perf_counter() - begun)
            size = len(str(visitor.document))
            await visitor.close()
            if i in LEVELS or i == sessions:
                await asyncio.sleep(6)
                held[i] = psutil.Process(server.pid).memory_info().rss / 1e6
    finally:
        server.terminate()
        server.wait()
    return Found(held, statistics.median(took), size)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=120)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, how in (("panel", OURS), ("panel-material-ui", THEIRS)):
            page = Path(folder) / f"{name.replace('-', '_')}_page.py"
            page.write_text(PAGE.format(**how))
            found[f"{name} {version(name)}"] = asyncio.run(measured(page, given.sessions))
    levels = list(next(iter(found.values())).held)
    heads = [
        "widgets",
        *(f"MB after {n}" for n in levels),
        "MB a session",
        "page opens, s",
        "document, kB",
    ]
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    for name, one in found.items():
        kept = (one.held[levels[-1]] - one.held[levels[0]]) / (levels[-1] - levels[0])
        cells = [name, *(f"{one.held[n]:.0f}" for n in levels), f"{kept:.2f}", f"{one.opening:.2f}",
                 f"{one.document / 1000:.0f}"]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    text = "\n".join([
        "# What closed pages leave in memory", "",
        f"Made by `benchmarks/closed_sessions.py` on {datetime.date.today()}: {machine()}, load "
        f"{os.getloadavg()[0]:.1f}. A page of forty widgets, opened and closed again and again; resident memory of "
        "the server. Times are of a machine that may be busy, memory is not.", "", *lines, "",
    ])  # fmt: skip
    print(text)
    if given.write:
        given.write.write_text(text)


if __name__ == "__main__":
    main()
