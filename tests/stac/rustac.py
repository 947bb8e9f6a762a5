"""The STAC API of rustac, on loopback: one program that holds its items in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stac.programs import FOLDER, answers, collections_of, free_port, running


def missing() -> str:
    """What it needs that is not there."""
    return "" if (FOLDER / "rustac").is_file() else "needs rustac: make stac-server"


@contextmanager
def holding(items: list[dict[str, Any]], folder: Path) -> Iterator[str]:
    """A block in which the API holds these items; yields its address."""
    files = []
    for row in (*collections_of(items), {"type": "FeatureCollection", "features": items}):
        files.append(folder / f"{row.get('id', 'items')}.json")
        files[-1].write_text(json.dumps(row))
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    words = [str(FOLDER / "rustac"), "serve", "--addr", f"127.0.0.1:{port}", *map(str, files)]
    with running(words, folder / "rustac.log", lambda: answers(f"{address}/conformance")):
        yield address
