"""Programs that tests start beside themselves: where they lie, and how long they run."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / ".venv-stac" / "bin"
"""Where ``make stac-server`` puts the STAC APIs."""


def free_port() -> int:
    """One that nothing listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def running(
    words: Sequence[str], log: Path, ready: str, env: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A block in which a program runs, from when it answers at an address."""
    with log.open("wb") as said:
        process = subprocess.Popen(words, env=env, stdout=said, stderr=said)
    try:
        _wait_for(ready, process, log)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    msg = f"Nothing answers at {address}:\n{log.read_text()}"
    raise RuntimeError(msg)


def collections_of(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The collections that items are of."""
    extent = {
        "spatial": {"bbox": [[-180, -90, 180, 90]]},
        "temporal": {"interval": [["2013-01-01T00:00:00Z", None]]},
    }
    return [
        {
            "type": "Collection", "stac_version": "1.0.0", "id": name, "description": name, "license": "other",
            "extent": extent, "links": [],
        }
        for name in sorted({i["collection"] for i in items})
    ]  # fmt: skip
