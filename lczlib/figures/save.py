"""Figures as files, drawn by matplotlib: no browser is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lczlib.errors import InputError
from lczlib.export import staged


def save_figure(figure: Any, path: str | Path, *, dpi: int = 150) -> Path:
    """Write a figure as PNG or SVG.

    Parameters
    ----------
    figure : HoloViews object
        As the functions of `lczlib.figures` return it.
    path : path
        Ends in ``.png`` or ``.svg``.
    dpi : int
        Dots per inch of a PNG.

    Raises
    ------
    InputError
        If the name ends otherwise.
    """
    import holoviews as hv

    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("png", "svg"):
        msg = f"A figure cannot be written as {path.name!r}: give a name that ends in .png or .svg."
        raise InputError(msg)
    with staged(path) as temporary:
        hv.save(figure, temporary, fmt=kind, dpi=dpi, backend="matplotlib")
    return path


def save_figures(figures: Mapping[str, Callable[[], Any]], folder: str | Path) -> None:
    """Write figures by name, each made when it is its turn, as PNG and SVG."""
    for name, make in figures.items():
        figure = make()
        for suffix in ("png", "svg"):
            save_figure(figure, Path(folder) / f"{name}.{suffix}")
