"""The STAC API that public services run, stac-fastapi-pgstac on PostgreSQL, on loopback.

PostgreSQL with PostGIS is Debian's (``apt install postgresql-15 postgresql-15-postgis-3``); the API's
packages stand in an environment of their own (``make stac-server``), as their pins are not the project's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from stac.programs import FOLDER, answers, as_user, collections_of, free_port, running

_TEMPLATE = "pgstac"


def missing() -> str:
    """What it needs that is not there."""
    if _postgres() is None:
        return "needs PostgreSQL with PostGIS: apt install postgresql-15 postgresql-15-postgis-3"
    if not all((FOLDER / p).is_file() for p in ("pypgstac", "uvicorn")):
        return "needs stac-fastapi-pgstac: make stac-server"
    return ""


def _postgres() -> Path | None:
    """The folder of the newest PostgreSQL's programs that has PostGIS."""
    found = [
        folder
        for folder in Path("/usr/lib/postgresql").glob("*/bin")
        if Path("/usr/share/postgresql", folder.parent.name, "extension/postgis.control").is_file()
        and (folder / "initdb").is_file()
    ]
    return max(found, key=lambda f: int(f.parent.name), default=None)


class Database:
    """A running PostgreSQL, with the tables of pgstac in a database that others are copied from."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.env = {
            **os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "postgres", "PGPASSWORD": "x",
            "STAC_FASTAPI_TITLE": "loopback", "STAC_FASTAPI_DESCRIPTION": "for tests",
            "STAC_FASTAPI_LANDING_ID": "loopback", "STAC_FASTAPI_VERSION": "1",
        }  # fmt: skip
        self._numbers = count()

    def run(self, *words: str | Path, on: str) -> None:
        """Run a program on one of its databases."""
        env = {**self.env, "PGDATABASE": on}
        subprocess.run(list(map(str, words)), check=True, env=env, stdout=subprocess.DEVNULL)

    def sql(self, text: str, on: str = "postgres") -> None:
        """Run a statement."""
        self.run(_postgres() / "psql", "-qc", text, on=on)

    @contextmanager
    def holding(self, items: list[dict[str, Any]], folder: Path) -> Iterator[str]:
        """A block in which an API holds these items, and no others; yields its address."""
        name = f"service{next(self._numbers)}"
        self.sql(f"create database {name} template {_TEMPLATE}")
        for kind, rows in (("collections", collections_of(items)), ("items", items)):
            file = folder / f"{kind}.ndjson"
            file.write_text("".join(json.dumps(row) + "\n" for row in rows))
            self.run(FOLDER / "pypgstac", "load", kind, file, "--method", "upsert", on=name)
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        words = [
            str(FOLDER / "uvicorn"), "stac_fastapi.pgstac.app:create_app", "--factory", "--host", "127.0.0.1",
            "--port", str(port), "--log-level", "warning",
        ]  # fmt: skip
        env = {**self.env, "PGDATABASE": name}
        with running(words, folder / "api.log", lambda: answers(f"{address}/conformance"), env):
            yield address


@contextmanager
def database() -> Iterator[Database]:
    """A block in which PostgreSQL runs, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="lcz-pgstac-") as text:
        folder, port, programs = Path(text), free_port(), _postgres()
        data, user = folder / "data", "postgres" if os.getuid() == 0 else ""  # it refuses root
        initdb = [
            str(programs / "initdb"),
            "-D",
            str(data),
            "-A",
            "trust",
            "-U",
            "postgres",
            "--no-sync",
        ]
        if user:
            shutil.chown(folder, user)
            initdb = ["setpriv", *as_user(user), *initdb]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd="/")
        words = [
            str(programs / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder), "-c",
            "listen_addresses=127.0.0.1", "-c", "fsync=off",
        ]  # fmt: skip
        ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        log = folder / "log"
        with running(words, log, lambda: subprocess.run(ready).returncode == 0, user=user):
            found = Database(folder, port)
            found.sql(f"create database {_TEMPLATE}")
            found.sql("create extension postgis", on=_TEMPLATE)
            found.run(FOLDER / "pypgstac", "migrate", on=_TEMPLATE)
            yield found
