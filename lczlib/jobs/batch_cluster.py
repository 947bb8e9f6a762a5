"""Where a batch runs: workers on this machine or a cluster that is there, and its cities' steps as their tasks.

Dask distributes and schedules; here stands what a step needs of a worker, and how many cities are under way.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.errors import InputError, ServiceError
from lczlib.extras import need
from lczlib.jobs.batch_city import Outcome, Task, run_step
from lczlib.jobs.batch_steps import STEPS, Row
from lczlib.limits import GIGABYTE, memory_limit
from lczlib.terms import option

if TYPE_CHECKING:
    from distributed import Client, Future

LOSSES = 5
"""Workers that a step may lose before its city counts as failed; more than Dask's three, since it is the same
city's fault only where the step itself ends them."""
_CARDS = Path("/proc/driver/nvidia/gpus")
_PATIENCE = 60  # seconds for a cluster to answer

Watch = Callable[[str, str, Sequence[Outcome]], None]
"""Called with a city, the step that it is at or nothing once it is finished, and what became of its steps."""


def usual_workers() -> int:
    """One for two cores: what networks compute with is several cores already; at most four."""
    return max(1, min(4, (os.cpu_count() or 1) // 2))


@contextmanager
def client_of(address: str, workers: int) -> Iterator[Client]:
    """A cluster to run on: the one at an address, or one of this machine that ends with the block.

    Each worker of this machine does one step at a time, and declares what steps ask for: ``network`` 1,
    ``memory`` in gigabytes as a job may take (`lczlib.limits`), and ``GPU`` 1 as many as there are cards.

    Raises
    ------
    InputError
        If Dask's distributed is not installed.
    ServiceError
        If there is no cluster at the address.
    """
    need("Many cities need Dask's", "distributed", extra="cluster")
    from distributed import Client

    if not address:
        with _local(workers) as cluster, Client(cluster, set_as_default=False) as client:
            yield client
        return
    _check_address(address)
    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        msg = (
            f"There is no Dask scheduler at {address} ({str(error)[:100]}): start one (dask scheduler), and give its "
            "address as it prints it, tcp://HOST:8786."
        )
        raise ServiceError(msg, parameter="dask") from error
    with client:
        yield client


def _check_address(address: str) -> None:
    """Refuse what is none at once: Dask's client would look for it for minutes."""
    from distributed.comm.addressing import parse_address, parse_host_port
    from distributed.comm.registry import backends

    try:
        scheme, place = parse_address(address)
        known = scheme in backends and (scheme == "inproc" or all(parse_host_port(place)))
    except ValueError:
        known = False
    if not known:
        msg = f"{address!r} is no address of a Dask scheduler: write it as tcp://HOST:8786."
        raise InputError(msg, parameter="dask")


def threads_of(cores: int) -> dict[str, str]:
    """Threads of a worker's linear algebra, as variables of its environment: as single commands would have it."""
    usual = os.environ.get("OMP_NUM_THREADS", str(cores))
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {n: os.environ.get(n, usual) for n in names}


@contextmanager
def _local(workers: int) -> Iterator[Any]:
    import dask
    import psutil
    from distributed import Nanny, Scheduler, SpecCluster

    cards = len(list(_CARDS.iterdir())) if _CARDS.is_dir() else 0
    total = psutil.virtual_memory().total
    cores = max(1, (os.cpu_count() or 1) // workers)
    config = {
        "distributed.scheduler.allowed-failures": LOSSES,
        "distributed.worker.daemon": False,  # else a step could start no process of its own
        "distributed.nanny.pre-spawn-environ": {
            **dask.config.get("distributed.nanny.pre-spawn-environ", {}),
            **threads_of(cores),
        },
        # a step's arrays are its own, and nothing Dask could move to disk: at the limit the worker ends
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": 0.95,
        # on a busy machine a worker may be long silent; one that ends is known by its connection
        "distributed.scheduler.worker-ttl": "1 hour",
        "distributed.comm.timeouts.connect": "5 minutes",
        "distributed.comm.timeouts.tcp": "5 minutes",
    }

    def options(i: int) -> dict[str, Any]:
        cuda = {"CUDA_VISIBLE_DEVICES": str(i) if i < cards else ""} if cards else {}
        offered = {"network": 1, "memory": _whole(memory_limit() / GIGABYTE)}
        return {
            "host": "127.0.0.1", "nthreads": 1, "memory_limit": int(0.9 * total / workers), "dashboard": False,
            "silence_logs": logging.CRITICAL, "env": cuda,
            "resources": offered | ({"GPU": 1} if i < cards else {}),
        }  # fmt: skip

    scheduler = {
        "cls": Scheduler,
        "options": {
            "host": "127.0.0.1",
            "port": 0,
            "dashboard": False,
            "dashboard_address": "127.0.0.1:0",
        },
    }
    spec = {i: {"cls": Nanny, "options": options(i)} for i in range(workers)}
    with dask.config.set(config):
        cluster = SpecCluster(spec, scheduler, name="lcz-batch", silence_logs=logging.CRITICAL)
        try:
            yield cluster
        finally:
            with suppress(
                TimeoutError
            ):  # all is done: workers that are slow to go end with this process
                cluster.close(_PATIENCE)


def demanded(task: Task, offered: dict[str, float]) -> dict[str, float]:
    """What a step asks of its worker, of what the cluster's workers offer.

    Parameters
    ----------
    task : Task
        The step.
    offered : dict of str to float
        The most that one worker declares of each resource; what none declares cannot be asked for.
    """
    step, needs = STEPS[task.step], {}
    if step.network:
        needs["network"] = 1.0
    else:
        gigabytes = float(task.memory) if task.memory else memory_limit() / GIGABYTE
        needs["memory"] = _whole(min(gigabytes, offered.get("memory", 0.0)))
    if step.gpu and task.row.values.get(step.name, {}).get("device", "auto") != "cpu":
        needs["GPU"] = 1.0
    return {name: n for name, n in needs.items() if n and offered.get(name)}


def _whole(gigabytes: float) -> float:
    """In sixty-fourths: what a worker gives and gets back adds up exactly, so no step waits for a rounding error."""
    return math.floor(gigabytes * 64) / 64


def offered_by(client: Client) -> dict[str, float]:
    """The most that one worker of a cluster declares of each resource."""
    found: dict[str, float] = {}
    for worker in client.scheduler_info(n_workers=-1)["workers"].values():
        for name, n in worker.get("resources", {}).items():
            found[name] = max(found.get(name, 0.0), float(n))
    return found


def wait_for_workers(client: Client, waiting: Callable[[], object]) -> None:
    """Wait until the cluster has a worker, calling `waiting` each second: a queue may be full.

    What steps ask for is judged by what workers declare.
    """
    while not client.nthreads():
        waiting()
        time.sleep(1)


@dataclass
class _UnderWay:
    """A city whose steps the cluster has."""

    row: Row
    tasks: list[Task]
    futures: list[Future]


def run_cities(
    client: Client,
    rows: Sequence[Row],
    tasks_of: Callable[[Row], list[Task]],
    watch: Watch | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Row, tuple[Outcome, ...]]]:
    """The cities as they are finished, each with what became of its steps.

    Each step is a task of the cluster with the one before it as its input. The cluster has two cities a
    worker at a time, so that neither it nor this process grows with the table.

    Parameters
    ----------
    client : Client
        Of the cluster.
    rows : sequence of Row
        The cities, in the order in which they are begun.
    tasks_of : callable
        A city's steps in their order.
    watch : callable, optional
        See `Watch`.
    stopped : callable
        Asked whenever a step is finished: whether no more cities are to be begun.
    """
    from distributed import as_completed

    waiting = list(enumerate(rows))[::-1]
    under: dict[Any, tuple[_UnderWay, int]] = {}
    finished = as_completed(loop=client.loop)
    offered = offered_by(client)

    def begin() -> None:
        i, row = waiting.pop()
        city = _UnderWay(row, tasks_of(row), [])
        before: Any = ()
        for n, task in enumerate(city.tasks):
            before = client.submit(
                run_step, task, before, key=(f"{task.step}-{task.batch}", i), priority=-i,
                resources=demanded(task, offered), pure=False,
            )  # fmt: skip
            city.futures.append(before)
            under[before.key] = (city, n)
        finished.update(city.futures)
        if watch:
            watch(row.name, city.tasks[0].step, ())

    def fill() -> None:
        threads = sum(client.nthreads().values())
        while waiting and len(under) and _cities(under) < max(4, 2 * threads) and not stopped():
            begin()

    begin()
    fill()
    for future in finished:
        city, n = under.pop(future.key)
        last = n + 1 == len(city.tasks)
        if not last:
            if watch and future.status == "finished":
                watch(city.row.name, city.tasks[n + 1].step, ())
            continue
        outcomes = _outcomes(city, future)
        for one in city.futures:
            one.release()
        # those of a city that ended in an error may not have been counted yet
        if watch:
            watch(city.row.name, "", outcomes)
        yield city.row, outcomes
        if waiting and not stopped():
            begin()
            fill()


def _cities(under: dict[Any, tuple[_UnderWay, int]]) -> int:
    return len({id(city) for city, _ in under.values()})


def _outcomes(city: _UnderWay, future: Future) -> tuple[Outcome, ...]:
    """What became of a city's steps, also where the cluster gave one up."""
    from lczlib.jobs.batch_city import kept_by

    if future.status == "finished":
        return future.result()
    error = future.exception() if future.status == "error" else None
    found: list[Outcome] = []
    for task in city.tasks:
        there = kept_by(task)
        if there is not None and not (found and found[-1].status in ("failed", "not run")):
            found.append(there)
        elif any(o.status == "failed" for o in found):
            found.append(Outcome(task.step, "not run", f"{found[-1].step} failed"))
        else:
            found.append(Outcome(task.step, "failed", _given_up(error)))
    return tuple(found)


def _given_up(error: BaseException | None) -> str:
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return (
            "Worker after worker ended while it did this, as they do where memory does not suffice: give each more, or "
            f"let a job take less ({option('memory')})"
        )
    return f"The cluster gave it up ({type(error).__name__ if error else 'cancelled'}: {str(error)[:200]})"
