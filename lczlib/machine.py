"""What a result was computed on, in words."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


def processor() -> str:
    """Name of the processor, as its maker calls it where the system tells that."""
    if _CPUINFO.is_file():
        for line in _CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def machine() -> str:
    """Processor and number of cores."""
    return f"{processor()}, {os.cpu_count()} cores"


def threads() -> int:
    """Threads that one job may take: so many as ``OMP_NUM_THREADS`` says, else as the machine has cores."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdecimal() and int(said) > 0 else os.cpu_count() or 1
