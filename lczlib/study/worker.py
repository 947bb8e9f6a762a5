"""A step computed in a process of its own, which may take so much memory and no more.

What a visitor sends may need any amount of it, whatever its header says: the process is watched, and
ended where it takes too much, where it is no longer wanted and does not stop, or with the server.
Processes are copies of one that has everything imported, made in some hundredths of a second.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

import cloudpickle
import psutil

from lczlib.errors import Cancelled, InputError, LczError
from lczlib.limits import GIGABYTE, memory_limit
from lczlib.plugins import load_plugins
from lczlib.temporary import TemporaryFolder
from lczlib.terms import option
from lczlib.unreadable import pass_over_quotes, read_to_the_end

if TYPE_CHECKING:
    from lczlib.study.state import Progress, Ticket

_LOG = logging.getLogger(__name__)
_COMPUTING = (
    "days", "acquired", "published", "maps", "water", "heat", "field", "accuracy", "comparison",
    "suspects", "next_places",
)  # fmt: skip
_IMPORTED = (
    "lczlib.study.worker", "lczlib.study", "lczlib.study.ahead", "lczlib.analysis", "lczlib.analysis.calibration",
    "lczlib.jobs.canopy_heat", "lczlib.jobs.get", "lczlib.jobs.water", "lczlib.mapping.city", "lczlib.models",
    "lczlib.references", "lczlib.vector_maps", "lczlib.acquire.search", "geomad", "pystac_client",
    "scipy.ndimage", "scipy.stats", "torch",
)  # fmt: skip
_LONGEST_FOLDER = (
    40  # of the 104 letters that an address of a socket may have on macOS; 108 on Linux
)
_OFTEN = 0.05  # seconds between two looks at a process
_PATIENCE = 10.0  # seconds that a step has to stop by itself
_NICE = 15  # a waiting answer gets some thirty times a mapping run's share of a processor


def needs_process(ticket: Ticket) -> bool:
    """Whether a step is computed apart: those that compute, and all that open a visitor's own files."""
    own = any(n.endswith("_files") and getattr(ticket.given, n) for n in ticket.step.inputs)
    return own or ticket.step.name in _COMPUTING


def start_ahead() -> None:
    """Import what steps need before the first one is computed, in the process that all are copies of."""
    threading.Thread(target=lambda: _start(_nothing, ()).join(), daemon=True).start()


def run_apart(
    ticket: Ticket,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Any:
    """As `Ticket.run`, in a process of its own; what was read is in the ticket then.

    Raises
    ------
    InputError
        If it takes more memory than a job may (`lczlib.limits.memory_limit`).
    Cancelled
        If it was stopped.
    Exception
        What the step raises.
    """
    sent = cloudpickle.dumps(ticket)
    for again in (False, True):
        try:
            value, error, read = _once(sent, progress, cancelled)
            break
        except _NotTaken as lost:
            _LOG.warning("a step was not taken by its process: %s", lost)
            if again:
                raise
    ticket.read[:] = read
    if error is not None:
        raise error
    return ticket.received(value)


class _NotTaken(RuntimeError):  # noqa: N818 - what happened to it
    """What a process was sent did not come out as it went in; nothing has been computed."""


def _once(
    sent: bytes, progress: Progress | None, cancelled: Callable[[], bool] | None
) -> tuple[Any, BaseException | None, list[Any]]:
    ours, theirs = multiprocessing.Pipe()
    process = _start(_compute, (theirs,))
    theirs.close()
    try:
        ours.send_bytes(sent)
        return _watched(process, ours, progress, cancelled, sent)
    finally:
        ours.close()
        if process.is_alive():
            process.kill()
        process.join()
        process.close()


def _start(target: Callable[..., None], arguments: tuple[Any, ...]) -> BaseProcess:
    kind = "forkserver" if sys.platform != "win32" else "spawn"
    context = multiprocessing.get_context(kind)
    if kind == "forkserver":
        _place_of_sockets()
        context.set_forkserver_preload([*_IMPORTED])
    process = context.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


@cache
def _place_of_sockets() -> TemporaryFolder:
    """The folder that processes find each other by: addresses of sockets are short, and some TMPDIR long.

    Being ours, it is also removed after a server that was killed.
    """
    long = len(tempfile.gettempdir()) > _LONGEST_FOLDER and os.access("/tmp", os.W_OK)
    folder = TemporaryFolder("/tmp" if long else None)
    # where multiprocessing.util.get_temp_dir looks first; it has no other way to be told
    multiprocessing.current_process()._config["tempdir"] = str(folder.path)  # type: ignore[attr-defined]
    return folder


def _nothing() -> None:
    pass


def _watched(
    process: BaseProcess,
    pipe: Connection,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
    sent: bytes,
) -> tuple[Any, BaseException | None, list[Any]]:
    """Wait for the result: the value, or the error, and what was read."""
    limit, begun = memory_limit(), _resident(process)
    stop_by = 0.0
    while True:
        try:
            if pipe.poll(_OFTEN):
                kind, content = pickle.loads(pipe.recv_bytes())
                if kind == "result":
                    return content
                if kind == "not taken":
                    raise _NotTaken(f"{content}; sent were {_told(sent)}")
                if progress is not None and not stop_by:
                    progress(*content)
        except (EOFError, OSError):
            process.join()
            raise _ended(process) from None
        if _resident(process) - begun > limit:
            raise _too_much(limit)
        if not stop_by and cancelled is not None and cancelled():
            stop_by = time.monotonic() + _PATIENCE
            with contextlib.suppress(OSError):
                pipe.send_bytes(b"stop")
        if stop_by and time.monotonic() > stop_by:
            msg = "Stopped by the user."
            raise Cancelled(msg)


def _resident(process: BaseProcess) -> int:
    try:
        return psutil.Process(process.pid).memory_info().rss
    except psutil.Error:  # it has just ended
        return 0


def _too_much(limit: float) -> InputError:
    return InputError(
        f"This took more than the {limit / GIGABYTE:,.1f} GB of memory that a job may take and was stopped: "
        f"choose a smaller area, or cut the files to the city ({option('memory', 'GIGABYTES')} of `lcz app` "
        "is the limit)."
    )


def _ended(process: BaseProcess) -> Exception:
    # the system's own way when memory runs out; Windows has none
    if hasattr(signal, "SIGKILL") and process.exitcode == -signal.SIGKILL:
        return MemoryError()
    return RuntimeError(f"the process of a step ended with status {process.exitcode}")


def _compute(pipe: Connection) -> None:
    """In the process: compute a ticket and send its result; it then ends, and nothing is tidied up.

    Layers that lie in files are the receiver's from then on.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's, which ends this
    stop, sending = threading.Event(), threading.Lock()

    def send(kind: str, content: Any) -> None:
        with sending:
            pipe.send_bytes(cloudpickle.dumps((kind, content)))

    def listen() -> None:
        try:
            while pipe.recv_bytes():
                stop.set()
        except (EOFError, OSError):  # the server is gone, or wants no result
            os._exit(1)

    pass_over_quotes()
    load_plugins()
    sent = pipe.recv_bytes()
    try:
        ticket = pickle.loads(sent)
    except Exception as unread:
        send("not taken", f"{unread!r} of {_told(sent)}")
        os._exit(1)
    if ticket.step.by_hand and hasattr(os, "nice"):
        os.nice(_NICE)
    threading.Thread(target=listen, daemon=True).start()
    value, error = None, None
    try:
        with read_to_the_end():
            value = ticket.compute(lambda *report: send("progress", report), stop.is_set)
    except BaseException as raised:
        error = raised
    send("result", (value, error and _portable(error), ticket.read))
    os._exit(0)


def _told(sent: bytes) -> str:
    return f"{len(sent):,} bytes (SHA-256 {hashlib.sha256(sent).hexdigest()[:12]})"


def _portable(error: BaseException) -> BaseException:
    """An error that another process can be sent: without what led to it, which is logged here."""
    if not isinstance(error, LczError):
        _LOG.error("a step failed in its process", exc_info=error)
    error.__cause__ = error.__context__ = error.__traceback__ = None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # libraries' own errors need more to be made than they keep
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
