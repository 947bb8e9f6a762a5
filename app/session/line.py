"""Long steps of all sessions, in the order asked for, a few at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock

from lczlib.study import Ticket


@dataclass(eq=False)
class Job:
    """A step that runs or waits.

    Attributes
    ----------
    ticket : Ticket
    stop : Event
        Set where it is to end.
    begun : float
        When it left the line, by `time.monotonic`; 0 before.
    moved : callable
        Told how many runs are ahead, whenever that changes.
    """

    ticket: Ticket
    stop: Event = field(default_factory=Event)
    begun: float = 0.0
    moved: Callable[[int], None] = lambda _: None
    future: Future[None] | None = None


class Line:
    """A line in which jobs wait for a worker.

    Parameters
    ----------
    workers : int
        Jobs that run at a time.
    name : str
        Of the threads.
    """

    def __init__(self, workers: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._running: list[Job] = []
        self._waiting: list[Job] = []
        self._lock = Lock()

    def submit(self, work: Callable[[Job], None], job: Job) -> None:
        """Have a job done once those before it are."""

        def begin() -> None:
            with self._lock:
                self._waiting.remove(job)
                self._running.append(job)
            self._tell()
            try:
                work(job)
            finally:
                with self._lock:
                    self._running.remove(job)
                self._tell()

        with self._lock:
            self._waiting.append(job)
            job.future = self._pool.submit(begin)
        self._tell()

    def leave(self, job: Job) -> bool:
        """Take a job that waits out of the line; False where it does not."""
        with self._lock:
            if job not in self._waiting or not job.future.cancel():
                return False
            self._waiting.remove(job)
        self._tell()
        return True

    def _tell(self) -> None:
        """How many runs each that waits has ahead: those that run, and those before it."""
        with self._lock:
            told = [(job, len(self._running) + i) for i, job in enumerate(self._waiting)]
        for job, ahead in told:
            job.moved(ahead)
