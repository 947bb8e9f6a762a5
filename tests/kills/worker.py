"""A warm process that runs `lcz` commands in forks of itself, and kills them at a given moment.

One line of JSON in, one out. In: ``words``, ``folder`` (that it runs in, and the only one whose files
count), ``at`` (killed just before the so-manieth file operation) or ``after`` (killed after so many
seconds), and ``limit`` (bytes that a file may have). Out: ``code`` (-9 where it was killed),
``operations`` (file operations of a run that came to its end), ``seconds``, and what it printed.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def warm() -> None:
    """Import what commands import, so that forks need not."""
    import lightning  # noqa: F401
    import sklearn.ensemble  # noqa: F401
    import torch

    import lczlib.cli
    import lczlib.experiment.runner
    import lczlib.experiment.speed
    import lczlib.jobs.assess
    import lczlib.jobs.surface_heat
    import lczlib.jobs.water_result
    import lczlib.mapping.city
    import lczlib.mapping.water_files
    import lczlib.models.loading
    import lczlib.training.labelled
    import lczlib.training.run  # noqa: F401

    torch.set_num_threads(1)  # a fork has none of its parent's threads


def attempt(asked: dict[str, Any]) -> dict[str, Any]:
    """Run a command in a fork, to its end or to its death."""
    folder = Path(asked["folder"])
    log = folder.with_name(f"{folder.name}.log")
    count = folder.with_name(f"{folder.name}.count")
    count.unlink(missing_ok=True)
    log.write_text("")
    begun = time.monotonic()
    child = os.fork()
    if not child:
        _run(asked, folder, log, count)
    status = _ended(child, begun + asked["after"] if asked.get("after") is not None else None)
    code = os.waitstatus_to_exitcode(status)
    return {
        "code": code, "seconds": time.monotonic() - begun,
        "operations": int(count.read_text()) if code == 0 else None,
        "printed": log.read_text(errors="replace"),
    }  # fmt: skip


def _ended(child: int, deadline: float | None) -> int:
    while deadline is not None and time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.002)
    if deadline is not None:
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _run(asked: dict[str, Any], folder: Path, log: Path, count: Path) -> None:
    """The fork: never returns."""
    code = 70
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.chdir(folder)
        os.environ |= {
            "LCZLIB_CACHE": str(folder / "cache"),
            "TMPDIR": str(folder / "tmp"),
            "COLUMNS": "200",
        }
        # Python would look for it by writing a file there, which a kill leaves
        tempfile.tempdir = os.environ["TMPDIR"]
        if asked.get("limit"):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (asked["limit"], asked["limit"]))
        if asked.get("user"):
            os.setuid(asked["user"])
        done = [0]
        _watch(folder, done, asked.get("at"))
        sys.argv = ["lcz", *asked["words"]]
        code = _main()
        if not asked.get("user"):
            at_end, done[0] = done[0], -(10**9)  # what this writes counts no more
            count.write_text(str(at_end))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _main() -> int:
    from lczlib.cli import main

    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    except BaseException:  # a traceback, as the interpreter would end
        import traceback

        traceback.print_exc()
        return 99
    return 0


def _watch(folder: Path, done: list[int], at: int | None) -> None:
    """Count the operations on files below a folder, and end the process just before the one asked for."""
    inside = str(folder)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in OPERATIONS or (event == "open" and not (arguments[2] or 0) & _WRITING):
            return
        name = (
            os.fspath(arguments[0]) if isinstance(arguments[0], (str, bytes, os.PathLike)) else ""
        )
        name = os.fsdecode(name)
        if name.startswith("/") and not name.startswith(inside):
            return
        done[0] += 1
        if done[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main() -> None:
    warm()
    print(json.dumps("ready"), flush=True)  # noqa: T201
    for line in sys.stdin:
        print(json.dumps(attempt(json.loads(line))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
