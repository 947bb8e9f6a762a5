"""Programs that tests start beside themselves: where they lie, and how long they run."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    words: Sequence[str],
    log: Path,
    ready: Callable[[], bool],
    env: Mapping[str, str] | None = None,
    user: str = "",
) -> Iterator[None]:
    """A block in which a program runs, from when it is ready; it ends too where the tests are killed."""
    tied = ["--pdeathsig", "TERM", *as_user(user)]
    with log.open("wb") as said:
        process = subprocess.Popen(
            [*(("setpriv", *tied) if shutil.which("setpriv") else ()), *words],
            env=env, stdout=said, stderr=said, cwd="/",
        )  # fmt: skip
    try:
        until = time.monotonic() + 120
        while not ready():
            if process.poll() is not None or time.monotonic() > until:
                msg = f"{words[0]} does not run:\n{log.read_text()}"
                raise RuntimeError(msg)
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


def as_user(user: str) -> list[str]:
    """What has ``setpriv`` become a user; nothing where none is named."""
    return [f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []


def answers(address: str) -> bool:
    """Whether a program is there."""
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


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
