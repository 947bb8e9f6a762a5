"""Running a study's steps, most in processes that threads wait for, and bringing their results back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from threading import RLock
from typing import Any

import panel as pn
import param

from lczlib.errors import Cancelled, LczError
from lczlib.study import STEPS, Study, Ticket
from lczlib.study.state import INPUTS, message_of
from lczlib.study.worker import needs_process, run_apart, start_ahead

from ..parts.progress import STARTING, WAITING
from .line import Job, Line

# Shared by all sessions: quick steps never queue behind a mapping run.
_QUICK = Line(pn.config.nthreads or 4, "step")
_HEAVY = Line(max(1, (os.cpu_count() or 2) // 2), "run")
# What waits for the network waits for nobody's mapping run, and keeps none waiting.
_LOOKING = Line(2, "look")
_FETCHING = {"days": _LOOKING, "published": _LOOKING, "acquired": Line(2, "get")}
_REPORTS_A_SECOND = 4
start_ahead()


def _run(job: Job, report: Callable[[str, int, int], None] | None) -> Any:
    """Compute a step, in a process of its own where a visitor's files or much work are behind it."""
    ticket = job.ticket
    how = run_apart if needs_process(ticket) and not ticket.is_ready() else Ticket.run
    return how(ticket, report, job.stop.is_set)


class Runner(param.Parameterized):
    """Starts steps, reports their progress, drops what is no longer wanted.

    Parameters
    ----------
    study : Study
    tick : callable
        Runs a function on the session's event loop.
    """

    progress = param.Dict({}, constant=True, doc="step: (label, done, total, seconds left or None)")

    def __init__(self, study: Study, tick: Callable[[Callable[[], None]], None]) -> None:
        super().__init__()
        self.study = study
        self._tick = tick
        self._jobs: dict[str, Job] = {}
        self._lines: dict[Job, Line] = {}
        self._wanted: tuple[str, ...] = ()
        self._awaited: set[str] = set()
        self._lock = RLock()
        study.param.watch(self._inputs_changed, [*INPUTS])

    def want(self, names: Iterable[str]) -> None:
        """Keep these steps computed, with all they need, from now on."""
        self._wanted = tuple(names)
        self.refresh()

    def await_first(self, names: Iterable[str]) -> None:
        """Compute nothing that may read these steps before they have ended, well or not, or the city changes.

        An address asks for a map and for what follows from it: that would fail, or be of another map,
        as long as the map is not there.
        """
        self._awaited = {*names}

    def give_up(self, name: str) -> None:
        """A step that was awaited does not come."""
        self._awaited.discard(name)

    def refresh(self) -> None:
        """Start every wanted step that can and should be computed."""
        needed = _closure(self._wanted)
        with self._lock:
            for name, step in STEPS.items():
                if (
                    name in needed
                    and not self._awaited & {*step.optional}
                    and self.study.wanting(name)
                    and (not step.by_hand or self._free(name))
                ):
                    self._start(name)

    def run(self, name: str) -> None:
        """Start a step that waits to be asked for."""
        with self._lock:
            if self.study.condition(name) != "running":
                self.study._failed_for.pop(name, None)
                self._start(name)

    def cancel(self, name: str) -> None:
        """Ask a step to stop; one that waits for others ends at once."""
        job = self._jobs.get(name)
        if job is None:
            return
        job.stop.set()
        if self._leave(job):
            self._ended(job, None, Cancelled())

    def _leave(self, job: Job) -> bool:
        """Whether a job waited still, and now does no more."""
        line = self._lines.get(job)
        return line is not None and line.leave(job)

    def close(self) -> None:
        """Stop everything: the session is over."""
        self._wanted = ()
        for job in list(self._jobs.values()):
            job.stop.set()
            self._leave(job)

    def _free(self, name: str) -> bool:
        """Whether a step's result lies ready, so that showing it costs nothing."""
        return STEPS[name].ready is not None and self.study.ticket(name).is_ready()

    def _start(self, name: str) -> None:
        try:
            job = Job(self.study.start(name))
        except LczError as error:
            self._tell(name, error)
            return
        if name in self._jobs:
            self._drop(self._jobs[name])
        self._jobs[name] = job
        heavy = STEPS[name].by_hand and not self._free(name)
        self._lines[job] = _FETCHING.get(name, _HEAVY) if heavy else _QUICK
        if heavy:
            job.moved = lambda ahead: self._tick(lambda: self._waits(job, ahead))
        self._lines[job].submit(self._work, job)

    def _drop(self, job: Job) -> None:
        """End a job whose result would be of no use."""
        job.stop.set()
        if self._leave(job):
            self._tick(lambda: self._ended(job, None, Cancelled()))

    def _waits(self, job: Job, ahead: int) -> None:
        if not job.begun:
            told = f"{WAITING}{ahead}" if ahead else STARTING
            self._show(job.ticket.step.name, (told, 0, 0, None), job)

    def _tell(self, name: str, error: BaseException) -> None:
        self.study._tell(name, message_of(error))

    def _work(self, job: Job) -> None:
        """In a worker thread."""
        last = 0.0
        name = job.ticket.step.name
        job.begun = time.monotonic()

        def report(label: str, done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if done < total and now - last < 1 / _REPORTS_A_SECOND:
                return
            last = now
            left = (now - job.begun) / done * (total - done) if done else None
            self._tick(lambda: self._show(name, (label, done, total, left), job))

        try:
            if job.stop.is_set():
                self._tick(lambda: self._ended(job, None, Cancelled()))
                return
            if job.ticket.step.by_hand:
                self._tick(lambda: self._show(name, (STARTING, 0, 0, None), job))
            value = _run(job, report if job.ticket.step.by_hand else None)
        except BaseException as error:
            self._tick(lambda error=error: self._ended(job, None, error))
        else:
            self._tick(lambda: self._ended(job, value, None))

    def _ended(self, job: Job, value: Any, error: BaseException | None) -> None:
        """On the event loop: publish, and start what follows from it."""
        name = job.ticket.step.name
        self._lines.pop(job, None)
        with self._lock:
            mine = self._jobs.get(name) is job
            if mine:
                del self._jobs[name]
                self._show(name, None)
                self._awaited.discard(name)
            if error is not None:
                self.study.fail(job.ticket, error)
            else:
                self.study.finish(job.ticket, value)
        self.refresh()

    def _show(self, name: str, state: tuple[Any, ...] | None, job: Job | None = None) -> None:
        if job is not None and self._jobs.get(name) is not job:
            return
        rest = {k: v for k, v in self.progress.items() if k != name}
        with param.edit_constant(self):
            self.progress = rest if state is None else {**rest, name: state}

    def _inputs_changed(self, *events: param.parameterized.Event) -> None:
        if any(e.name == "city" for e in events):
            self._awaited.clear()
        with self._lock:
            for name, job in list(self._jobs.items()):
                if job.ticket.key != self.study.key(STEPS[name]):
                    del self._jobs[name]
                    self._show(name, None)
                    self._drop(job)
        self.refresh()


def _closure(names: Iterable[str]) -> set[str]:
    """Steps and all that they read."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [*STEPS[name].after, *STEPS[name].optional]
    return found
