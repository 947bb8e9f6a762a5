"""Training the runs of a table: each once, here, in several processes or on a Dask cluster."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import torch

import lczlib
from lczlib.errors import InputError
from lczlib.experiment.data import DataSet
from lczlib.experiment.plan import Cell, Run
from lczlib.experiment.speed import n_parameters
from lczlib.export import staged, write_json
from lczlib.export.files import alone_in
from lczlib.extras import need
from lczlib.models import save_safetensors
from lczlib.temporary import remove_abandoned
from lczlib.training.evaluation import predict_patches, scaling_of
from lczlib.training.run import WEIGHTS_FILE
from lczlib.training.trainer import fit_network

RUNS = "runs"
RESULT, PREDICTIONS = "run.json", "predictions.npz"

Progress = Callable[[int, int, str], None]
"""Called with the runs done, the runs in all, and what was just done."""


def run_path(folder: str | Path, key: str) -> Path:
    """Folder of one run."""
    return Path(folder) / RUNS / key


def finished(folder: str | Path, key: str) -> dict[str, Any] | None:
    """The result of a run, if it is there and it succeeded."""
    try:
        found = json.loads((run_path(folder, key) / RESULT).read_text())
    except (OSError, ValueError):
        return None
    return found if found.get("status") == "finished" else None


def unique_runs(cells: Sequence[Cell]) -> list[Run]:
    """The runs of cells to be trained, each once, seed by seed, so that early results hold every cell."""
    out: list[Run] = []
    for runs in zip_longest(*(c.runs for c in cells)):
        for run in runs:
            if run is not None and not run.method and run not in out:
                out.append(run)
    return out


def run_all(
    data: DataSet,
    runs: Sequence[Run],
    folder: str | Path,
    *,
    workers: int = 1,
    cluster: str = "",
    progress: Progress | None = None,
) -> dict[str, dict[str, Any]]:
    """Train every run that is not finished, and return the results of all by their keys.

    A run that fails is recorded with its message and tried again by the next call; the others go
    on. Stopped at any time, the next call goes on with the runs that are left, and with the last
    epoch of those that were under way.

    Parameters
    ----------
    data : DataSet
        What to train on.
    runs : sequence of Run
        In the order of training.
    folder : path
        Results go to ``runs/<key>/``.
    workers : int
        Processes on this machine; the cores are shared out among them.
    cluster : str
        Address of a Dask scheduler (``tcp://host:8786``) instead. Its workers must see `folder` and
        the data under the same paths.
    progress : callable, optional
        See `Progress`.

    Raises
    ------
    InputError
        If `workers` is below 1, another process runs in the folder, or the cluster cannot be
        reached.
    """
    if workers < 1:
        msg = f"{workers} workers can do nothing: use 1 or more."
        raise InputError(msg)
    folder, fingerprint = Path(folder).resolve(), data.fingerprint()
    with alone_in(folder, f"{RUNS}/lock"):
        return _run_all(data, runs, folder, fingerprint, workers, cluster, progress)


def _run_all(
    data: DataSet,
    runs: Sequence[Run],
    folder: Path,
    fingerprint: str,
    workers: int,
    cluster: str,
    progress: Progress | None,
) -> dict[str, dict[str, Any]]:
    keys = {run.key(fingerprint): run for run in runs}
    results = {k: r for k in keys if (r := finished(folder, k))}
    for done in results:  # one that was killed as its last file was there
        remove_abandoned(run_path(folder, done))
    left = [k for k in keys if k not in results]
    if progress:
        progress(len(results), len(keys), f"{len(results)} runs are there already")
    jobs = {k: (data, keys[k], str(run_path(folder, k))) for k in left}
    if cluster:
        outcomes = _on_cluster(jobs, cluster)
    elif workers == 1 or len(jobs) < 2:
        outcomes = ((k, run_one(*job)) for k, job in jobs.items())
    else:
        outcomes = _in_processes(jobs, min(workers, len(jobs)))
    for key, result in outcomes:
        if not (run_path(folder, key) / RESULT).is_file():  # its process did not live to write it
            write_json(run_path(folder, key) / RESULT, result)
        results[key] = result
        if progress:
            progress(len(results), len(keys), described(keys[key], result))
    return {k: results[k] for k in keys}


def described(run: Run, result: dict[str, Any]) -> str:
    """One line on a run."""
    what = f"{run.options.architecture} {run.inputs} gamma {run.options.gamma:g}"
    what += f" {run.patch} px" if run.patch else ""
    what += f" {run.city} alone" if run.city else ""
    what += f" seed {run.options.seed}"
    if result["status"] == "failed":
        return f"{what} failed: {result['message']}"
    return f"{what}: OA {result['oa']:.3f} in {result['seconds']:.0f} s"


def run_one(data: DataSet, run: Run, folder: str | Path) -> dict[str, Any]:
    """Train and test one run, and write its result; an error becomes a failed result.

    Files: ``predictions.npz`` (``lcz``, ``predicted``, ``unit`` of each test patch) and, last,
    ``run.json``.
    """
    folder, begun = Path(folder), time.perf_counter()
    facts = {
        "inputs": run.inputs, "options": asdict(run.options), "lczlib": lczlib.__version__,
    }  # fmt: skip
    (folder / RESULT).unlink(missing_ok=True)
    try:
        outcome = _trained(data, run, folder)
    except Exception as err:  # whatever fails is recorded, and the other runs go on
        message = str(err) or type(err).__name__
        failure = {"status": "failed", "error": type(err).__name__, "message": message}
        result = {**facts, **failure}
    else:
        shutil.rmtree(folder / "training", ignore_errors=True)
        result = {**facts, "status": "finished", **outcome}
    result["seconds"] = round(time.perf_counter() - begun, 1)
    write_json(folder / RESULT, result)
    return result


def _trained(data: DataSet, run: Run, folder: Path) -> dict[str, Any]:
    subsets = data.select(run.inputs, city=run.city, patch=run.patch)
    trained = fit_network(
        subsets.train, subsets.validation, run.options, folder / "training", resume=True
    )
    if run.kept:
        save_safetensors(folder / WEIGHTS_FILE, trained.network, trained.weights)
    test = subsets.test
    probabilities = predict_patches(
        trained.network, test, scaling_of(trained.weights), device=run.options.device
    )
    facts: dict[str, Any] = {
        "channels": list(subsets.train.kind.bands),
        "parameters": n_parameters(trained.network),
        "best_epoch": trained.best_epoch,
        "history": trained.history.to_dict("records"),
        "notes": list(trained.notes),
    }
    write_predictions(folder, probabilities, test.labels, test.units)
    facts["oa"] = float((probabilities.argmax(1) + 1 == test.labels).mean())
    facts["n"] = {s: len(getattr(subsets, s)) for s in ("train", "validation", "test")}
    facts["threads"] = torch.get_num_threads()
    return facts


def write_predictions(folder: Path, p: np.ndarray, lcz: np.ndarray, unit: np.ndarray) -> None:
    """Write the most probable class of test patches with their reference and the unit that they belong to.

    Parameters
    ----------
    folder : Path
        Of the run.
    p : array (n, 17)
        Probabilities.
    lcz, unit : array (n,)
        Reference class 1..17; number of the polygon or place.
    """
    predicted = (p.argmax(1) + 1).astype(np.uint8)
    with staged(folder / PREDICTIONS) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, lcz=lcz, predicted=predicted, unit=unit)


def _in_processes(
    jobs: dict[str, tuple[DataSet, Run, str]], workers: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run jobs in processes. Where one dies, those under way are tried once more, each alone."""
    waiting, threads = list(jobs), max(1, (os.cpu_count() or 1) // workers)
    while waiting:
        running: dict[Future, str] = {}
        try:
            with _pool(workers, threads) as pool:
                while waiting or running:
                    while waiting and len(running) < workers:
                        key = waiting.pop(0)
                        running[pool.submit(run_one, *jobs[key])] = key
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        result = future.result()
                        yield running.pop(future), result
        except BrokenProcessPool:
            for key in running.values():
                yield key, _alone(jobs[key], threads)


def _pool(workers: int, threads: int) -> ProcessPoolExecutor:
    """Processes with so many threads each, on which the last digits of a result depend."""
    context = multiprocessing.get_context("spawn")  # a forked process inherits torch's threads
    return ProcessPoolExecutor(workers, context, torch.set_num_threads, (threads,))


def _alone(job: tuple[DataSet, Run, str], threads: int) -> dict[str, Any]:
    try:
        with _pool(1, threads) as pool:
            return pool.submit(run_one, *job).result()
    except BrokenProcessPool:
        return _died(job[1])


def _on_cluster(
    jobs: dict[str, tuple[DataSet, Run, str]], address: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run jobs on the workers of a Dask scheduler."""
    need("A Dask cluster needs", "distributed", extra="cluster")
    from distributed import Client, as_completed

    try:
        client = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError) as err:
        msg = f"No Dask scheduler answers at {address!r} ({err}): start one with `dask scheduler`."
        raise InputError(msg) from err
    with client:
        futures = {
            client.submit(run_one, *job, key=f"lczlib-{key}", pure=False): key
            for key, job in jobs.items()
        }
        for future in as_completed(futures, loop=client.loop):
            key = futures[future]
            error = future.exception()
            yield key, future.result() if error is None else _died(jobs[key][1], str(error))


def _died(run: Run, why: str = "") -> dict[str, Any]:
    message = why or "The process died while training, most likely for want of memory."
    return {
        "status": "failed", "error": "died", "message": message, "inputs": run.inputs,
        "options": asdict(run.options), "lczlib": lczlib.__version__, "seconds": float("nan"),
    }  # fmt: skip
