"""A city's step, done where a worker runs: alone in the city's folder, again after faults of the network."""

from __future__ import annotations

import json
import os
import random
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import lczlib
from lczlib.errors import InputError, LczError, ServiceError
from lczlib.jobs.batch_steps import KEPT, STEPS, Case, How, LeftOut, Row, Run
from lczlib.reading import Reading, readings
from lczlib.terms import Face, python, speaking, worded

Status = Literal["done", "kept", "left out", "failed", "not run"]
MADE: tuple[Status, ...] = ("done", "kept")
_LOCK = "lock"
_PATIENCE = 3600.0  # seconds that another run of the same step, thought dead, may still take
LONGEST = 600.0
"""Seconds between two tries, at most."""
pause = time.sleep


@dataclass(frozen=True)
class Outcome:
    """What became of a step.

    Attributes
    ----------
    step : str
    status : str
        ``done``; ``kept``, from an earlier run; ``left out``, the city has nothing for it; ``failed``;
        ``not run``, since a step before it failed.
    message : str
        Why it is none of the first two, and else what may be wrong with it.
    files : tuple of str
        What it wrote, as seen from the city's folder.
    seconds : float
    tries : int
        How often it was done, by faults of the network.
    """

    step: str
    status: Status
    message: str = ""
    files: tuple[str, ...] = ()
    seconds: float = 0.0
    tries: int = 1


@dataclass(frozen=True)
class Task:
    """A city's step as it is sent to a worker.

    Attributes
    ----------
    batch : str
        Tells this run of the batch from others.
    row : Row
    base : Path
        The city's folder.
    step : str
    steps : tuple of str
        All of the batch.
    resume, figures : bool
    memory : str
        That a job may take, in gigabytes, as `lczlib.limits.MEMORY`; empty: as the worker has it.
    retries : int
        After faults of the network.
    wait : float
        Seconds before the first of them; each other waits twice as long.
    face : callable
        How messages name settings.
    """

    batch: str
    row: Row
    base: Path
    step: str
    steps: tuple[str, ...]
    resume: bool = False
    figures: bool = False
    memory: str = ""
    retries: int = 3
    wait: float = 10.0
    face: Face = field(default=python, repr=False)


def run_step(task: Task, before: tuple[Outcome, ...] = ()) -> tuple[Outcome, ...]:
    """Do a city's step after those before it; what goes wrong is its outcome, and nobody else's.

    Returns
    -------
    tuple of Outcome
        Those before, and its own.
    """
    import dask

    failed = {o.step for o in before if o.status in ("failed", "not run")}
    blocked = [s for s in STEPS[task.step].after if s in failed]
    if blocked:
        return (*before, Outcome(task.step, "not run", f"{blocked[0]} failed"))
    begun = time.monotonic()
    try:
        # Within a task Dask would hand a step's own arrays to the cluster, and the worker would wait for
        # itself: alone, for ever.
        with _alone(task), dask.config.set(scheduler="threads"):
            outcome = _again_or_new(task)
    except LeftOut as why:
        outcome = Outcome(task.step, "left out", worded(str(why), task.face))
    except LczError as error:
        outcome = Outcome(task.step, "failed", worded(error.message, task.face))
    except Exception as error:
        _write_trace(task)
        said = f"{type(error).__name__}: {str(error)[:300]} (see {KEPT}/{task.step}.txt)"
        outcome = Outcome(task.step, "failed", said)
    if outcome.status != "kept":
        outcome = replace(outcome, seconds=round(time.monotonic() - begun, 2))
    with suppress(OSError, InputError):  # a full disk is the outcome already
        _keep(task, outcome)
    return (*before, outcome)


@contextmanager
def _alone(task: Task) -> Iterator[None]:
    """Hold the city: a worker that was given up may still be at it."""
    from filelock import FileLock, Timeout

    from lczlib.export.files import writing

    folder = task.base / KEPT
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    held = FileLock(folder / _LOCK, timeout=_PATIENCE, thread_local=False)
    try:
        held.acquire()
    except Timeout as error:
        msg = f"Another run is writing into {task.base}: wait for it, or choose another folder."
        raise InputError(msg) from error
    try:
        yield
    finally:
        held.release()


@contextmanager
def _as_its_command(task: Task) -> Iterator[list[Reading]]:
    """A block that hears and says what the step's own command would: results are the same bytes."""
    from lczlib.limits import allowed
    from lczlib.unreadable import read_to_the_end

    memory = float(task.memory) if task.memory else None
    with (
        speaking(task.face),
        readings() as heard,
        allowed(memory),
        read_to_the_end(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # there is nobody at a worker to read them
        yield heard


def _again_or_new(task: Task) -> Outcome:
    """A step that is finished already, or its runs, each tried again after faults of the network."""
    done = kept_by(task)
    if done is not None:  # by a worker that was lost before it could say so
        return done
    there = _kept_of(task)
    runs = STEPS[task.step].runs(Case(task.row, task.base, task.steps))
    if task.resume and all(is_finished(run, task.figures) for run in runs):
        files = [f for run in runs for f in outputs_of(run, task.base)]
        told = there.get("outcome", {}).get("message", "")
        return Outcome(task.step, "kept", told, tuple(files))
    said: list[str] = []
    tries = 1
    for run in runs:
        if task.resume and is_finished(run, task.figures):
            continue
        found, n = _tried(task, run)
        said += found
        tries = max(tries, n)
    files = [f for run in runs for f in outputs_of(run, task.base)]
    return Outcome(task.step, "done", " ".join(dict.fromkeys(said)), tuple(files), tries=tries)


def _tried(task: Task, run: Run) -> tuple[list[str], int]:
    """What a run says, and which try it was."""
    for n in range(1, task.retries + 2):
        try:
            with _as_its_command(task) as heard:
                said = [*run.do(run.request, run.folder, How(task.figures))]
                said += [text for reading in heard for text in reading.cautions]
                return [worded(text) for text in said], n
        except Exception as error:
            if n > task.retries or not is_network_fault(error):
                raise
            # not all cities at once, where one service failed them all
            pause(min(task.wait * 2 ** (n - 1), LONGEST) * random.uniform(0.75, 1.25))
    raise AssertionError


def is_network_fault(error: BaseException | None) -> bool:
    """Whether what went wrong may go well later: a service or the network, not what was asked.

    A message of ours on a download counts where the network is its cause; the file system's errors do not.
    """
    import requests

    while error is not None:
        if isinstance(error, ServiceError | ConnectionError | TimeoutError):
            return True
        # of requests only these are the network's: others say that an address or an answer is none
        if isinstance(error, requests.ConnectionError | requests.Timeout):
            return True
        error = error.__cause__
    return False


def kept_by(task: Task) -> Outcome | None:
    """What became of a step that this run of the batch has finished, as its folder says it."""
    there = _kept_of(task)
    if there.get("batch") != task.batch:
        return None
    return Outcome(**{**there["outcome"], "files": tuple(there["outcome"]["files"])})


def _kept_of(task: Task) -> dict[str, Any]:
    try:
        content = json.loads((task.base / KEPT / f"{task.step}.json").read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _keep(task: Task, outcome: Outcome) -> None:
    from lczlib.export.files import write_json

    path = task.base / KEPT / f"{task.step}.json"
    write_json(path, {"batch": task.batch, "outcome": asdict(outcome)})


def _write_trace(task: Task) -> None:
    try:
        (task.base / KEPT / f"{task.step}.txt").write_text(traceback.format_exc())
    except OSError:  # the fault itself, most likely
        return


def manifest_of(run: Run) -> dict[str, Any]:
    """The manifest of a run's result; empty where there is none."""
    from lczlib.export.manifest import MANIFEST, command_of

    command = getattr(run.request, "command", "map")
    for name in (MANIFEST, f"{command}-{MANIFEST}"):
        if command_of(run.folder / name) == command:
            return json.loads((run.folder / name).read_text())
    return {}


def outputs_of(run: Run, base: Path) -> list[str]:
    """The files of a run's result, as seen from the city's folder."""
    return [
        Path(os.path.relpath(run.folder / name, base)).as_posix()
        for name in manifest_of(run).get("outputs", ())
    ]


def is_finished(run: Run, figures: bool) -> bool:
    """Whether a run's result is there: its manifest says the same request, inputs and outputs as they are.

    Files are known by their SHA-256: a result of inputs that changed since is made again.
    """
    from lczlib.export.files import sha256_of
    from lczlib.jobs.record import parameters
    from lczlib.map_request import MapRequest
    from lczlib.mapping.request import parameters_of

    content = manifest_of(run)
    if content.get("lczlib") != lczlib.__version__ or not content.get("outputs"):
        return False
    if isinstance(run.request, MapRequest):
        asked = parameters_of(run.request, run.folder)
    else:
        asked = parameters(run.request, run.folder)
    was = content.get("parameters", {})
    if figures and was.get("figures") is False:
        return False
    now = json.loads(json.dumps(asked, default=str))
    if any(was.get(name) != value for name, value in now.items()):
        return False
    files = {one["path"]: one["sha256"] for one in content.get("inputs", ())} | content["outputs"]
    return all(
        (run.folder / name).is_file() and sha256_of(run.folder / name) == digest
        for name, digest in files.items()
    )
