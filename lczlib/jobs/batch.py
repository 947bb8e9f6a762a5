"""Many cities, each by the jobs of its steps, on the workers of this machine or of a cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from uuid import uuid4

from lczlib.errors import InputError
from lczlib.jobs.batch_city import MADE
from lczlib.jobs.batch_cluster import Watch, client_of, run_cities, usual_workers, wait_for_workers
from lczlib.jobs.batch_steps import STEPS, Row
from lczlib.jobs.request import Cancel, Progress, Request, Source, Steps
from lczlib.jobs.result import Result, job
from lczlib.reading import counted
from lczlib.settings import setting

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.jobs.batch_city import Outcome, Task

StepName = Literal["get", "prepare-s1", "map", "assess", "compare", "uhi", "export"]


@dataclass(frozen=True, kw_only=True)
class BatchRequest(Request):
    """Which cities, which steps, and where they run."""

    command: ClassVar = "batch"

    table: Source = setting(
        ..., "CSV with a column city (name or code) or folder, and any option of the steps as a column, named "
        "without its dashes; of one step alone as map.weights. Paths count from the table.", title="Table", file=True,
        argument=True, metavar="TABLE",
    )  # fmt: skip
    steps: tuple[StepName, ...] = setting(
        ("get", "map"), "What is done of each city, in this order.", title="Steps", metavar="get,map,..."
    )  # fmt: skip
    constants: tuple[str, ...] = setting(
        (), "An option that is alike for all cities, as a column would name it; repeat.", title="For all cities",
        flag="--set", metavar="NAME=VALUE", repeat=True,
    )  # fmt: skip
    workers: int | None = setting(
        None, "Processes of this machine that do a step each.", title="Workers", low=1,
        usual="one for two cores, four at most",
    )  # fmt: skip
    dask: str = setting(
        "", "Address of a Dask scheduler whose workers do it, and see the same folders: tcp://HOST:8786.",
        title="Cluster", metavar="ADDRESS", usual="this machine",
    )  # fmt: skip
    retries: int = setting(
        3, "How often a step is tried again after a fault of the network; what is wrong with the input is not.",
        title="Tries again", low=0, high=20,
    )  # fmt: skip
    wait: float = setting(
        10.0, "Seconds before the first of these, doubled each time, ten minutes at most.", title="Wait (s)", low=0,
        high=600,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.steps:
            msg = f"Nothing is asked for: name one or several of {', '.join(STEPS)}."
            raise InputError(msg, parameter="steps")
        # in the order of the flow, whatever order they are named in
        object.__setattr__(self, "steps", tuple(s for s in STEPS if s in self.steps))
        if self.dask and self.workers is not None:
            msg = "The workers are those of the cluster: leave their number out."
            raise InputError(msg, parameter="workers")
        if "://" in str(self.table):
            msg = f"The table {self.table} is an address: give a file."
            raise InputError(msg, parameter="table")


@dataclass(frozen=True)
class City:
    """What became of a city.

    Attributes
    ----------
    name : str
        Of its folder.
    status : str
        ``done``; ``failed``, at one of its steps at least.
    message : str
        What failed and why, what was left out, what may be wrong; a sentence a step.
    made : tuple of str
        The steps whose results are there, made now or kept; what earlier runs left of others counts nowhere.
    """

    name: str
    status: str
    message: str
    made: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, repr=False)
class BatchResult(Result):
    """What became of the cities.

    Attributes
    ----------
    request : BatchRequest
    folder : Path
        Whose folders are the cities'.
    cities : tuple of City
        In the table's order; those that were not begun, where it was stopped, are not among them.
    notes : list of str
        What was found when the tables of all cities were written: what is not in them, and why.
    """

    request: BatchRequest
    folder: Path
    cities: tuple[City, ...] = field(repr=False)
    notes: list[str] = field(default_factory=list, repr=False)

    @property
    def failed(self) -> tuple[City, ...]:
        """Those of which a step failed."""
        return tuple(c for c in self.cities if c.status != "done")

    def to_dataframe(self) -> pd.DataFrame:
        """``city``, ``status``, ``message``, ``files``: those of its steps, separated by semicolons."""
        from lczlib.jobs.batch_summary import cities_table

        return cities_table(self)

    def measures(self) -> pd.DataFrame:
        """Areas, accuracy, agreement and heat of all cities, a row a number: what ``measures.csv`` holds."""
        from lczlib.jobs.batch_summary import measures_table

        return measures_table(self)

    def headline(self) -> str:
        """How many are done."""
        n, bad = len(self.cities), len(self.failed)
        names = ", ".join(c.name for c in self.failed[:5])
        rest = f" ({names}{', ...' if bad > 5 else ''})" if bad else ""
        return f"{n - bad:,} of {counted(n, 'city', 'cities')} done, {bad:,} failed{rest}."

    def _write(self, folder: Path, figures: bool) -> None:
        from lczlib.jobs.batch_summary import write_summary

        write_summary(self, folder, figures=figures)


def run(
    request: BatchRequest,
    folder: str | Path,
    *,
    resume: bool = False,
    figures: bool = False,
    watch: Watch | None = None,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
) -> BatchResult:
    """Do the steps of all cities; `BatchResult.write` adds the tables of all.

    Parameters
    ----------
    request : BatchRequest
        Which cities, which steps, where.
    folder : path
        Each city's results go into a folder of its name there, a folder a step, as soon as they are
        finished, and are the same as the step's own command writes.
    resume : bool
        Keep the steps whose results are there, of the same request and inputs by their manifests.
    figures : bool
        Whether each city's steps draw figures.
    watch : callable, optional
        See `lczlib.jobs.batch_cluster.Watch`.
    progress, cancelled : callable, optional
        As of all jobs; cities that are begun are finished first.

    Raises
    ------
    InputError
        If the table is at fault, before anything is done.
    ServiceError
        If there is no cluster at the address.
    """
    do = partial(_run, folder=Path(folder), resume=resume, figures=figures, watch=watch)
    return job(do)(request, progress=progress, cancelled=cancelled)


def make(
    request: BatchRequest,
    folder: str | Path,
    *,
    resume: bool = False,
    figures: bool = False,
    watch: Watch | None = None,
    progress: Progress | None = None,
) -> BatchResult:
    """Do the steps of all cities and write the tables of all; no other batch writes there meanwhile.

    Parameters and errors as of `run`.
    """
    from lczlib.export.files import alone_in

    with alone_in(folder, ".batch.lock"):
        result = run(
            request, folder, resume=resume, figures=figures, watch=watch, progress=progress
        )
        if progress:
            progress("Writing", 0, 0)
        result.write(folder, figures=True)
    return result


def _run(
    request: BatchRequest, step: Steps, *, folder: Path, resume: bool, figures: bool, watch: Watch | None
) -> BatchResult:  # fmt: skip
    from lczlib.jobs.batch_table import read_rows

    rows = read_rows(request.table, request.steps, request.constants)
    step(f"Looking for the cluster at {request.dask}" if request.dask else "Starting workers")
    found: dict[str, City] = {}
    tasks_of = partial(_tasks, request, folder.absolute(), uuid4().hex[:12], resume, figures)
    stopped = step.cancelled or (lambda: False)
    with client_of(request.dask, request.workers or usual_workers()) as client:
        wait_for_workers(client, lambda: step("Waiting for the cluster's workers"))
        step("Cities", 0, len(rows))
        for row, outcomes in run_cities(client, rows, tasks_of, watch, stopped):
            found[row.name] = city_of(row.name, outcomes)
            if step.progress:
                step.progress("Cities", len(found), len(rows))
    cities = tuple(found[r.name] for r in rows if r.name in found)
    return BatchResult(request=request, folder=folder, cities=cities)


def _tasks(
    request: BatchRequest, folder: Path, batch: str, resume: bool, figures: bool, row: Row
) -> list[Task]:
    from lczlib.jobs.batch_city import Task
    from lczlib.limits import MEMORY
    from lczlib.terms import speaker

    told: Mapping[str, Any] = {
        "batch": batch, "row": row, "base": folder / row.name, "steps": request.steps, "resume": resume,
        "figures": figures, "memory": os.environ.get(MEMORY, ""), "retries": request.retries,
        "wait": request.wait, "face": speaker(),
    }  # fmt: skip
    return [Task(step=name, **told) for name in request.steps]


def city_of(name: str, outcomes: Sequence[Outcome]) -> City:
    """A city by what became of its steps."""
    failed = any(o.status in ("failed", "not run") for o in outcomes)
    said = [f"{o.step}: {o.message}" for o in outcomes if o.status == "failed"]
    said += [
        f"{o.step}: {o.status}, {o.message}." for o in outcomes if o.status in ("not run", "left out")
    ]  # fmt: skip
    said += [f"{o.step}: {o.message}" for o in outcomes if o.status in MADE and o.message]
    made = tuple(o.step for o in outcomes if o.status in MADE)
    return City(name, "failed" if failed else "done", " ".join(dict.fromkeys(said)), made)
