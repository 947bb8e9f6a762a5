"""The setting that says what a network computes on."""

from __future__ import annotations

import re
from typing import Any

from lczlib.errors import InputError
from lczlib.settings import setting


def check_device(name: str) -> None:
    """Refuse what is no name of a device; whether it is there only PyTorch can tell."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        msg = f"{name!r} is not auto, cpu, mps, cuda or cuda:NUMBER."
        raise InputError(msg)


def device() -> Any:
    """The setting."""
    return setting("auto", "auto, cpu, cuda, cuda:1, mps.", title="Device", check=check_device)
