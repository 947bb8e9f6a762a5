"""The accuracy of all ways in a list of cities, on fixed folds: a scoreboard that others can add to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lczlib.analysis.options import FEWEST_REPLICATES, REPLICATES
from lczlib.bench.names import Way
from lczlib.devices import device
from lczlib.errors import InputError
from lczlib.jobs.request import Cancel, Progress, Request, Steps
from lczlib.jobs.result import Result, job
from lczlib.settings import setting
from lczlib.terms import option

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.bench.cities import BenchCity
    from lczlib.bench.folds import Folds

SCORES, TABLE, FIGURE = "scores.json", "scores.csv", "scores"
_USUAL: tuple[Way, ...] = ("s1", "s2", "fused", "adapted", "forest", "published", "global")
_WEIGHTS = ("so2sat_s1_resnet20", "so2sat_s2_resnet20", "sen2lcz_net")


@dataclass(frozen=True, kw_only=True)
class BenchRequest(Request):
    """Which cities, and which ways to map them."""

    command: ClassVar = "bench"

    names: tuple[str, ...] = setting(
        (), "Cities of the board; by default all.", argument=True, repeat=True, metavar="CITY..."
    )
    cities: str | Path | None = setting(
        None, "List of cities (JSON) in place of the catalog's; docs/bench.md says how it is written.", file=True,
    )  # fmt: skip
    data: str | Path | None = setting(
        None, "Folder of polygons and scenes, which the list names files below.", file=True,
        usual="the folder of the list",
    )  # fmt: skip
    ways: tuple[Way, ...] = setting(
        _USUAL, "s1, s2, fused: published networks. adapted: a linear head on them, forest and cnn: trained on the "
        "polygons of other folds. published: maps among the downloads. global: the global map.",
    )  # fmt: skip
    weights: tuple[str, ...] = setting(
        _WEIGHTS, "Published networks: NAME or FILE, separated by commas."
    )
    global_map: str = setting(
        "", "A file of the global map, or another address of it.", metavar="FILE|URL"
    )
    epochs: int = setting(20, "Of the small CNN, at most.", low=1)
    folds_only: bool = setting(
        False, "Write the folds of each city, to be kept with the list, and score nothing."
    )
    check: tuple[str | Path, ...] = setting(
        (), "Result file of others (scores.json): checked, and put into one table with your own; nothing is "
        "computed; repeat.", file=True,
    )  # fmt: skip
    replicates: int = setting(REPLICATES, "Bootstrap replicates.", low=FEWEST_REPLICATES)
    seed: int = setting(0, "Of all that is trained.", low=0)
    device: str = device()


@dataclass(frozen=True, kw_only=True, repr=False)
class BenchResult(Result):
    """A scoreboard.

    Attributes
    ----------
    request : BenchRequest
    rows : tuple of dict
        One a city and way: scores with intervals and the counts that they follow from, or why it is not possible.
    told : dict of str to dict
        What is said of each city.
    folds : dict of str to Folds
        Those that were only to be made.
    submitted : tuple of dict
        The rows of result files of others.
    """

    request: BenchRequest
    rows: tuple[dict[str, Any], ...] = field(repr=False)
    told: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    folds: dict[str, Folds] = field(default_factory=dict, repr=False)
    submitted: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    def all_rows(self) -> list[dict[str, Any]]:
        """Own rows and, city by city beside them, those of others."""
        own = [{"from": "here", **r} if self.submitted else r for r in self.rows]
        rows = [*own, *self.submitted]
        places = list(dict.fromkeys(r["city"] for r in rows))
        return sorted(rows, key=lambda r: places.index(r["city"]))

    def to_dataframe(self) -> pd.DataFrame:
        """A line a city and way: what ``scores.csv`` holds."""
        from lczlib.bench.rows import frame

        return frame(self.all_rows())

    def differences(self) -> pd.DataFrame:
        """How far the best way of each city is ahead of the others: what ``scores_differences.csv`` holds."""
        from lczlib.bench.rows import differences

        return differences(self.all_rows(), self.request.replicates, self.request.seed)

    def headline(self) -> str:
        """How many ways were scored where, in a sentence."""
        from lczlib.bench.rows import SCORED

        if self.folds:
            made = [
                f"{f.hash} of {n} ({f.n_folds} folds, {len(f.table)} polygons)"
                for n, f in self.folds.items()
            ]
            return f"Folds: {'; '.join(made)}."
        rows = self.all_rows()
        scored = [r for r in rows if r["status"] == SCORED]
        places = len({r["city"] for r in scored})
        text = f"{len(scored)} results in {places} {'city' if places == 1 else 'cities'}"
        rest = len(rows) - len(scored)
        return f"{text}; {rest} not possible, with the reason beside." if rest else f"{text}."

    def failure(self) -> str:
        """In a sentence that no way could be scored in any city; empty where one was, or none was to be."""
        from lczlib.bench.rows import SCORED

        if self.folds or any(r["status"] == SCORED for r in self.all_rows()):
            return ""
        return "Nothing could be scored: put right what is named as not possible, and run the same command again."

    def reasons(self) -> list[str]:
        """Why ways are not possible: ``hong_kong, s1, s2: ...``, each reason of a city once."""
        from lczlib.bench.rows import NOT_POSSIBLE

        found: dict[tuple[str, str], dict[str, None]] = {}
        for row in self.all_rows():
            if row["status"] == NOT_POSSIBLE:
                found.setdefault((row["city"], row["reason"]), {})[row["way"]] = None
        return [f"{city}, {', '.join(ways)}: {why}" for (city, why), ways in found.items()]

    def cautions(self) -> list[str]:
        """What may mislead of the scores, each once."""
        return self._said("cautions")

    def notes(self) -> list[str]:
        """How the scores came about, each once."""
        return self._said("notes")

    def _said(self, what: str) -> list[str]:
        return [
            *dict.fromkeys(f"{r['city']}: {c}" for r in self.all_rows() for c in r.get(what, ()))
        ]

    def document(self) -> dict[str, Any]:
        """What ``scores.json`` says."""
        from lczlib.bench.submitted import result_file
        from lczlib.export.manifest import package_versions

        return {**result_file(self.rows, self.told), "packages": package_versions()}

    def markdown(self) -> str:
        """The table in Markdown."""
        from lczlib.bench.rows import NOT_POSSIBLE, SHOWN

        first = ["from"] if self.submitted else []
        head = [*first, "city", "way", "network", *SHOWN.values(), "cells", "polygons", "folds"]
        lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
        for row in self.all_rows():
            if row["status"] == NOT_POSSIBLE:
                continue
            start = [str(row[c]) for c in (*first, "city", "way", "network")]
            rest = [shown(row, name) for name in SHOWN]
            of = row["polygons_of_folds"]
            rest += [f"{row['n']:,}", f"{row['n_polygons']} of {of}", str(row["folds"])[:8]]
            lines.append("| " + " | ".join([*start, *rest]) + " |")
        parts = ["\n".join(lines), "Scores with 95 % intervals of a bootstrap over polygons."]
        ahead = self.differences()
        if len(ahead):
            parts.append(ahead_markdown(ahead))
        if reasons := self.reasons():
            parts.append("Not possible:\n\n" + "\n".join(f"- {r}" for r in reasons))
        if notes := [*self.cautions(), *self.notes()]:
            parts.append("To know:\n\n" + "\n".join(f"- {n}" for n in notes))
        return "\n\n".join(parts) + "\n"

    def _write(self, folder: Path, figures: bool) -> None:
        from lczlib.export.files import staged, write_result, write_table

        for name, folds in self.folds.items():
            folds.write(folder / f"{name}.json")
        if self.folds:
            return
        stem = "checked" if self.request.check else "scores"
        if not self.request.check:
            write_result(folder / SCORES, self.document())
        write_table(folder / f"{stem}.csv", self.to_dataframe(), index=False)
        write_table(folder / f"{stem}_differences.csv", self.differences(), index=False)
        with staged(folder / f"{stem}.md") as path:
            path.write_text(self.markdown())
        if figures:
            self._draw(folder / stem)

    def _draw(self, stem: Path) -> None:
        from lczlib.bench.rows import SCORED
        from lczlib.figures import paper

        rows = [r for r in self.all_rows() if r["status"] == SCORED]
        if not rows:
            return
        labels = [
            ", ".join(str(r[c]) for c in ("from", "city", "way", "network") if r.get(c)) for r in rows
        ]  # fmt: skip
        low, high = zip(*map(_bounds, rows), strict=True)
        series = {"overall accuracy": ([r["oa"] for r in rows], low, high)}
        notes = [f"{r['n_polygons']} polygons" for r in rows]
        figure = paper.interval_panel(
            labels, series, "Accuracy by city and way", "overall accuracy, 95 % interval over polygons",
            notes=notes, limits=(0, 1),
        )  # fmt: skip
        figure.set_figwidth(paper.WIDTH * 2)
        for kind in ("png", "svg"):
            paper.save(figure, stem.with_suffix(f".{kind}"))


def ahead_markdown(ahead: pd.DataFrame) -> str:
    """How far the best ways are ahead, as a table."""
    lines = ["| city | best | against | OA, best minus it | polygons |", "| --- " * 5 + "|"]
    for _, r in ahead.iterrows():
        apart = f"{r['difference']:+.3f} ({r['ci_low']:+.3f} to {r['ci_high']:+.3f})"
        lines.append(f"| {r['city']} | {r['best']} | {r['way']} | {apart} | {r['n_polygons']} |")
    told = (
        "Differences are paired by polygon, with 95 % intervals; the best was found by the same scores, so that where "
        "several are close it is ahead by luck as well."
    )
    return "\n".join([*lines, "", told])


def shown(row: dict[str, Any], name: str) -> str:
    """A score with its interval, as tables show it."""
    from lczlib.analysis.words import with_interval

    low, high = _bounds(row, name)
    value = row.get(name)
    return with_interval(float("nan") if value is None else value, low, high)


def _bounds(row: dict[str, Any], name: str = "oa") -> tuple[float, float]:
    """The interval of a score; not a number where there is none."""
    low, high = row.get(f"{name}_ci") or (None, None)
    return (float("nan") if low is None else low), (float("nan") if high is None else high)


def run(
    request: BenchRequest,
    folder: str | Path,
    *,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
    note: Any = lambda _: None,
) -> BenchResult:
    """Score all ways in all cities; `BenchResult.write` adds table, figure and result file.

    Parameters
    ----------
    request : BenchRequest
        Which cities and ways.
    folder : path
        Of the result: each row goes there as soon as it is finished, and is taken from there by the next run.
    progress, cancelled : callable, optional
        As of all jobs.
    note : callable, optional
        Told of each row.

    Raises
    ------
    InputError
        If a city is unknown, or a result file cannot stand on the board.
    Cancelled
        If the job is to stop; finished rows stay.
    """
    do = partial(_run, folder=Path(folder), note=note)
    return job(do)(request, progress=progress, cancelled=cancelled)


def _run(request: BenchRequest, step: Steps, *, folder: Path, note: Any) -> BenchResult:
    from lczlib.bench.board import Board, score_all
    from lczlib.bench.cities import board_cities
    from lczlib.bench.folds import make_folds
    from lczlib.bench.site import open_areas
    from lczlib.bench.ways import How, check_weights
    from lczlib.export.files import alone_in

    cities = board_cities(request.names, request.cities, request.data)
    if request.check:
        return _compared(request, cities, folder)
    if request.folds_only:
        made = {}
        for city in cities:
            step(f"{city.title}: folds")
            made[city.name] = make_folds(city.name, open_areas(city))
        return BenchResult(request=request, rows=(), folds=made)
    check_weights(request.weights)
    how = How(request.weights, request.epochs, request.seed, request.global_map, request.device)
    fetch = partial(_fetched, folder=folder, step=step)
    board = Board(cities, request.ways, how, request.replicates, fetch)
    with alone_in(folder, ".bench.lock"):
        rows = score_all(board, folder, step, note)
    return BenchResult(request=request, rows=tuple(rows), told={c.name: _told(c) for c in cities})


def _told(city: BenchCity) -> dict[str, Any]:
    return {
        "title": city.title, "so2sat": city.so2sat, "simulated": city.simulated, "polygons": city.polygons.file,
        "addresses": list(city.polygons.addresses), "licence": city.polygons.licence,
        "citation": city.polygons.citation, "note": city.polygons.note,
    }  # fmt: skip


def _compared(request: BenchRequest, cities: Sequence[BenchCity], folder: Path) -> BenchResult:
    """Result files of others beside the own."""
    from lczlib.bench.board import FOLDS
    from lczlib.bench.folds import read_folds
    from lczlib.bench.site import kept_folds
    from lczlib.bench.submitted import checked_file

    folds = {c.name: kept_folds(c) for c in cities if c.folds}
    for path in sorted(folder.glob(f"*/{FOLDS}")):
        own = read_folds(path)
        folds.setdefault(own.city, own)
    rows = [
        {k: v for k, v in row.items() if k != "from"}
        for row in (
            checked_file(folder / SCORES, folds, request.replicates)
            if (folder / SCORES).is_file()
            else ()
        )
    ]
    submitted = [r for f in request.check for r in checked_file(f, folds, request.replicates)]
    return BenchResult(request=request, rows=tuple(rows), submitted=tuple(submitted))


def _fetched(city: BenchCity, *, folder: Path, step: Steps) -> Path:
    """The imagery of a place by ``lcz get``, from an earlier run where it is finished."""
    from lczlib.jobs import get
    from lczlib.jobs.get_request import GetRequest

    told, scenes = city.scene, folder / city.name / "scenes"
    if not (told.start and told.end):
        msg = f"The board names a place of {city.title} and no period: give start and end ({option('cities')})."
        raise InputError(msg)
    asked = GetRequest(place=told.place, start=told.start, end=told.end, what=("s2",))
    if not get.is_finished(asked, scenes):
        get.make(asked, scenes, resume=True, progress=step.progress, cancelled=step.cancelled)
    return scenes
