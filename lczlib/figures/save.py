"""Figures as files, drawn by matplotlib: no browser is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lczlib.errors import InputError
from lczlib.export.files import staged

_KINDS = ("png", "svg")
_DPI = 150


def save_figure(figure: Any, path: str | Path, *, dpi: int = _DPI) -> Path:
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
    path = Path(path)
    _kind(path)
    _write(figure, [path], dpi)
    return path


def save_figures(figures: Mapping[str, Callable[[], Any]], folder: str | Path) -> None:
    """Write figures by name, each made when it is its turn, as PNG and SVG."""
    for name, make in figures.items():
        _write(make(), [Path(folder) / f"{name}.{kind}" for kind in _KINDS], _DPI)


def _kind(path: Path) -> str:
    kind = path.suffix.lower().lstrip(".")
    if kind not in _KINDS:
        msg = f"A figure cannot be written as {path.name!r}: give a name that ends in .png or .svg."
        raise InputError(msg)
    return kind


def _write(figure: Any, paths: Sequence[Path], dpi: int) -> None:
    """Write a figure that is laid out once to each of the paths."""
    import holoviews as hv

    renderer = hv.renderer("matplotlib").instance(dpi=dpi)
    plot = renderer.get_plot(figure)
    # HoloViews keeps the margins of a figure by its id, which one that is gone may have had
    renderer.drawn.pop(id(plot.state), None)
    for path in paths:
        with staged(path) as temporary:
            temporary.write_bytes(renderer.encode(renderer(plot, _kind(path))))
