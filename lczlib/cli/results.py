"""What commands share that are no jobs yet: figures as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def write_figures(out: Path, figures: Mapping[str, Callable[[], Any]]) -> None:
    """Write figures as PNG and SVG, or say what they need where HoloViews is not installed."""
    from lczlib.jobs.record import can_draw

    if can_draw():
        from lczlib.figures import save_figures

        save_figures(figures, out)
