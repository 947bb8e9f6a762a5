"""All ways in all cities: each result is kept as soon as it is there, and what is finished is not done again."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lczlib
from lczlib.analysis.assessment import assess
from lczlib.bench.cities import BenchCity
from lczlib.bench.names import LEARNT, NETWORKS, Way
from lczlib.bench.rows import NOT_POSSIBLE, SCORED, assessed, cautions_of, counted_row, scores_of
from lczlib.bench.site import Fetch, Site, open_site
from lczlib.bench.ways import How, Mapped, Step, Task, made_with, mapped, tasks_of
from lczlib.errors import Cancelled, LczError
from lczlib.export import write_json, write_lcz_map
from lczlib.reading import quiet
from lczlib.temporary import remove_abandoned
from lczlib.terms import worded

ROW, MAP, FOLDS = "row.json", "lcz.tif", "folds.json"
_VERSION = 1
"""Of what a row holds; rows of another are made anew."""


@dataclass(frozen=True)
class Board:
    """What is scored, and how.

    Attributes
    ----------
    cities : sequence of BenchCity
    ways : sequence of str
    how : How
    replicates : int
        Of the bootstrap over polygons.
    fetch : callable
        See `lczlib.bench.site.Fetch`.
    """

    cities: Sequence[BenchCity]
    ways: Sequence[Way]
    how: How
    replicates: int
    fetch: Fetch


def score_all(
    board: Board, folder: Path, step: Step, note: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """A row for each way in each city.

    Parameters
    ----------
    board : Board
        What is scored.
    folder : Path
        ``<city>/folds.json`` and ``<city>/<way>/row.json`` go there, with the map that was scored.
    step : callable
        Told what is done; raises where the job is to stop.
    note : callable
        Told of each row, and whether it was there.

    Raises
    ------
    Cancelled
        If `step` says so; finished rows stay.
    """
    rows = []
    for city in board.cities:
        with quiet():  # what was read is said of each row once, in its cautions
            rows += _city(board, city, folder / city.name, step, note)
    return rows


def _city(
    board: Board, city: BenchCity, folder: Path, step: Step, note: Callable[[str], None]
) -> list[dict[str, Any]]:
    step(f"{city.title}: polygons", 0, 0)
    tasks = [t for w in board.ways for t in tasks_of(w, tuple(city.published), board.how)]
    try:
        site = open_site(city, board.fetch)
    except Cancelled:
        raise
    except LczError as error:
        rows = [_impossible(city, t, error.message) for t in tasks]
        note(f"{city.title}: {error.message}")
        return rows
    site.folds.write(folder / FOLDS)
    rows = []
    for task in tasks:
        row = _task(board, site, task, folder / task.folder, step, note)
        rows.append(row)
    return rows


def _task(
    board: Board, site: Site, task: Task, folder: Path, step: Step, note: Callable[[str], None]
) -> dict[str, Any]:
    what = f"{site.city.title}, {task.way} {task.network}".rstrip()
    key = _key(board, site, task)
    found = finished(folder, key)
    if found is not None:
        remove_abandoned(folder)
        note(f"{what}: is there already")
        return found
    begun = time.perf_counter()
    try:
        made = mapped(task, site, board.how, folder, step)
        row = _scored(board, site, task, made, folder)
    except Cancelled:
        raise
    except LczError as error:
        note(f"{what}: not possible")
        return _impossible(site.city, task, error.message) | {"folds": site.folds.hash}
    row |= {"seconds": round(time.perf_counter() - begun, 1), "key": key}
    write_json(folder / ROW, row)
    note(f"{what}: OA {row['oa']:.3f} in {row['seconds']:.0f} s")
    return json.loads((folder / ROW).read_text())


def finished(folder: Path, key: str) -> dict[str, Any] | None:
    """The row of a task, if it is there and was made of the same."""
    try:
        found = json.loads((folder / ROW).read_text())
    except (OSError, ValueError):
        return None
    there = isinstance(found, dict) and found.get("key") == key
    return found if there and (folder / str(found.get("map"))).is_file() else None


def _key(board: Board, site: Site, task: Task) -> str:
    """A hash of all that a row depends on."""
    told = {
        "version": _VERSION, "lczlib": lczlib.__version__, "folds": site.folds.hash, "files": site.hashes,
        "scene": site.options(), "patch": site.city.patch, "replicates": board.replicates,
        "made with": made_with(task, board.how), "so2sat": site.city.so2sat,
        "published": dict(site.city.published), "simulated": site.city.simulated,
    }  # fmt: skip
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _scored(board: Board, site: Site, task: Task, made: Mapped, folder: Path) -> dict[str, Any]:
    polygons = counted_row(made.lcz, site.polygons, site.ids["id"])
    # refuses what `lcz assess` refuses, such as a reference of one class
    left_out = assess(made.lcz, site.polygons, replicates=board.replicates).left_out
    found = assessed(polygons, board.replicates, 0)
    file = made.file or MAP
    if not made.file:
        write_lcz_map(folder / MAP, made.lcz)
    cautions = cautions_of(found, site.folds.alone, learnt=task.way in LEARNT)
    if task.way in NETWORKS:
        cautions += _seen(site.city)
    if site.city.simulated:
        cautions.append("The city is simulated: its scores say nothing of a real one.")
    return {
        "city": site.city.name, "way": task.way, "network": task.network, "status": SCORED,
        **scores_of(found), "polygons_of_folds": len(site.folds.table), "no_prediction": left_out["no_prediction"],
        "folds": site.folds.hash, "replicates": board.replicates,
        "cautions": [*cautions, *made.cautions], "notes": list(made.notes),
        "lczlib": lczlib.__version__, "made_with": made_with(task, board.how), "inputs": site.hashes, "map": file,
        "polygons": polygons,
    }  # fmt: skip


def _seen(city: BenchCity) -> list[str]:
    """Whether the published networks were trained on the city."""
    return {
        "training": [
            f"{city.title} is one of the 42 cities of So2Sat LCZ42 that the published networks were trained on: the "
            "score flatters them."
        ],
        "test": [f"{city.title} is one of the ten cities that So2Sat LCZ42 tests on: networks were chosen by it."],
        "unconfirmed": [
            f"Whether {city.title} is one of the 42 cities that the published networks were trained on could not be "
            "confirmed: if so, the score flatters them."
        ],
    }.get(city.so2sat, [])  # fmt: skip


def _impossible(city: BenchCity, task: Task, why: str) -> dict[str, Any]:
    return {
        "city": city.name, "way": task.way, "network": task.network, "status": NOT_POSSIBLE,
        "reason": worded(why), "lczlib": lczlib.__version__,
    }  # fmt: skip
