"""The STAC API that public services run, stac-fastapi-pgstac on PostgreSQL, on loopback.

It needs PostgreSQL with PostGIS (``apt install postgresql-15-postgis-3``) and the packages of
``make stac-server``, which stand in an environment of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_PROGRAMS = ("pypgstac", "uvicorn")


def programs() -> Path | None:
    """The folder of the server's programs; None where they are not installed."""
    places = [os.environ.get("LCZLIB_STAC_SERVER", ""), str(ROOT / ".venv-stac" / "bin")]
    for place in filter(None, places):
        if all((Path(place) / p).is_file() for p in _PROGRAMS):
            return Path(place)
    return None


def postgres() -> Path | None:
    """The folder of PostgreSQL's programs; None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def running(items: list[dict[str, Any]]) -> Iterator[str]:
    """A block in which the API holds these items; yields its address."""
    with tempfile.TemporaryDirectory(prefix="lcz-pgstac-") as folder:
        yield from _running(Path(folder), items)


def _running(folder: Path, items: list[dict[str, Any]]) -> Iterator[str]:
    server, database = programs(), postgres()
    port, data = _free_port(), folder / "data"
    env = {
        **os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "postgres", "PGPASSWORD": "x",
        "PGDATABASE": "postgres",
    }  # fmt: skip

    def as_owner(*words: str) -> None:
        """PostgreSQL refuses to be run by root."""
        if os.getuid() == 0:
            words = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *words)
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, cwd="/")

    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    as_owner(str(database / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"
    control = str(database / "pg_ctl"), "-D", str(data)
    as_owner(*control, "-o", options, "-l", str(folder / "log"), "-w", "start")
    api = None
    try:
        psql = [str(database / "psql"), "-qc", "create extension postgis"]
        subprocess.run(psql, check=True, env=env, stdout=subprocess.DEVNULL)
        _load(server, folder, items, env)
        api_port = _free_port()
        words = [
            str(server / "uvicorn"), "stac_fastapi.pgstac.app:create_app", "--factory", "--host", "127.0.0.1",
            "--port", str(api_port), "--log-level", "warning",
        ]  # fmt: skip
        api = subprocess.Popen(words, env=env)
        address = f"http://127.0.0.1:{api_port}"
        _wait_for(f"{address}/conformance", api)
        yield address
    finally:
        if api is not None:
            api.terminate()
            api.wait()
        as_owner(*control, "-m", "immediate", "stop")


def _load(server: Path, folder: Path, items: list[dict[str, Any]], env: dict[str, str]) -> None:
    extent = {
        "spatial": {"bbox": [[-180, -90, 180, 90]]},
        "temporal": {"interval": [["2013-01-01T00:00:00Z", None]]},
    }
    collections = [
        {
            "type": "Collection", "stac_version": "1.0.0", "id": name, "description": name, "license": "other",
            "extent": extent, "links": [],
        }
        for name in sorted({i["collection"] for i in items})
    ]  # fmt: skip
    pypgstac = str(server / "pypgstac")
    subprocess.run([pypgstac, "migrate"], check=True, env=env, stdout=subprocess.DEVNULL)
    for kind, rows in (("collections", collections), ("items", items)):
        file = folder / f"{kind}.ndjson"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        words = [pypgstac, "load", kind, str(file), "--method", "upsert"]
        subprocess.run(words, check=True, env=env, stdout=subprocess.DEVNULL)


def _wait_for(address: str, process: subprocess.Popen) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    msg = f"The STAC API does not answer at {address}."
    raise RuntimeError(msg)
