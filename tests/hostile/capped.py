"""The `lcz` command in forked copies of this process, which has everything imported, under caps.

A fresh interpreter takes seconds to import what the commands need, a forked one none. What a copy
allocates, changes or leaves open goes with it.
"""

from __future__ import annotations

import importlib
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS, RESIDENT = 60.0, 2e9
"""What a command may take of a hostile input, in processor time; more is a fault, and is stopped."""
_WAITING = 5
"""Times as long by the clock, on a machine that has other work."""
MEMORY = "0.5"
"""Gigabytes for ``LCZLIB_MEMORY``: room for the interpreter and its libraries is left below `RESIDENT`."""

_OFTEN = 0.02
_IMPORTED = (
    "geopandas", "h5py", "holoviews", "lightning", "matplotlib.pyplot", "openvino", "pyarrow.parquet",
    "pyogrio", "rasterio", "rioxarray", "scipy.ndimage", "sklearn.ensemble", "torch", "xarray",
    "lczlib.cli", "lczlib.jobs.assess", "lczlib.jobs.canopy_heat", "lczlib.jobs.compare",
    "lczlib.jobs.surface_heat", "lczlib.jobs.water", "lczlib.figures.heat", "lczlib.figures.accuracy",
    "lczlib.mapping.city", "lczlib.models", "lczlib.references", "lczlib.training.labelled",
    "lczlib.training.run", "lczlib.vector_maps",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes
    ----------
    code : int
        Exit status; negative where a signal ended it.
    seconds : float
        Processor time of all its threads.
    resident : float
        Largest resident memory in bytes.
    said : str
        What it printed.
    stopped : str
        Which cap it ran into: ``time``, ``memory``, or none.
    """

    code: int
    seconds: float
    resident: float
    said: str
    stopped: str = ""

    def faults(self) -> list[str]:
        """What is wrong with how it ended; nothing where it ended well."""
        if self.stopped == "time":
            return [f"hangs: over {SECONDS:.0f} s"]
        found = []
        if self.stopped == "memory" or self.resident > RESIDENT:
            found.append(f"over {RESIDENT / 1e9:g} GB resident")
        elif self.code not in (0, 1, 2):
            found.append(f"exit status {self.code}")
        if "Traceback (most recent call last)" in self.said:
            found.append("traceback")
        elif re.search(r"^\S+\.py:\d+: \w*Warning: ", self.said, re.M):
            found.append("Python warning")
        elif self.code == 1 and self.sentences() != 1:
            found.append(f"{self.sentences()} sentences of refusal")
        return found

    def sentences(self) -> int:
        """How many refusals it printed."""
        return len(re.findall(r"^lcz: \S", self.said, re.M))


def warm() -> None:
    """Import what the commands need, once for all copies."""
    for name in _IMPORTED:
        importlib.import_module(name)


def run_capped(
    arguments: Sequence[object],
    folder: Path,
    *,
    seconds: float = SECONDS,
    resident: float = RESIDENT,
) -> Outcome:
    """Run ``lcz`` with arguments in a copy of this process, in a folder."""
    log, looks = folder / "said.txt", 0
    process = os.fork()
    if not process:
        _become_command([str(a) for a in arguments], folder, log)
    stopped = ""
    while True:
        ended, status, used = os.wait4(process, os.WNOHANG)
        if ended:
            break
        looks += 1  # counted, since a machine may be suspended
        if _used(process) > seconds or looks * _OFTEN > _WAITING * seconds:
            stopped = "time"
        elif _resident(process) > resident:
            stopped = "memory"
        if stopped:
            os.killpg(process, signal.SIGKILL)
            _, status, used = os.wait4(process, 0)
            break
        time.sleep(_OFTEN)
    return Outcome(
        os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss * 1024.0,
        log.read_text(errors="replace") if log.is_file() else "", stopped,
    )  # fmt: skip


def _used(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just ended
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(process: int) -> float:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):  # it has just ended
        return 0.0
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def _become_command(arguments: list[str], folder: Path, log: Path) -> None:
    """In the copy: run the command and end, whatever happens."""
    code = 70
    try:
        os.setpgid(0, 0)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(folder)
        from lczlib.cli import main

        sys.argv = ["lcz", *arguments]
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:  # what Python would print of it
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
