"""Maps for reports and papers: zones, several with one legend, and layers of numbers, by matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from lczlib.classes import CLASSES, N_CLASSES
from lczlib.figures.paper import INK, LINE, QUIET, WIDTH, blank, styled
from lczlib.grid import geobox_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LARGEST_MAP = 700


def map_panel(lcz: xr.DataArray, title: str) -> Figure:
    """A map of the zones with a scale bar, north up; no data is left empty.

    Parameters
    ----------
    lcz : DataArray (y, x)
        Codes 1..17, 0 = no data; thinned to 700 cells a side for drawing.
    title : str
        Above it.
    """
    rows, columns = lcz.shape
    with styled():
        fig, ax = blank(0.45 + WIDTH * min(1.5, max(0.5, rows * _stretch(lcz) / columns)))
        _draw_map(ax, lcz, title)
    return fig


def maps_sheet(maps: Mapping[str, xr.DataArray], areas: Mapping[str, pd.Series]) -> Figure:
    """All maps side by side with one legend, in which each class has its areas, for a paper.

    Parameters
    ----------
    maps : mapping of str to DataArray (y, x)
        By their titles.
    areas : mapping of str to Series
        km2 of each class (index 1..17), by the same.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    across = min(3, len(maps))
    down = -(-len(maps) // across)
    some = next(iter(maps.values()))
    tall = WIDTH * 0.66 * min(1.5, max(0.5, some.shape[0] * _stretch(some) / some.shape[1])) + 0.4
    held = [c for c in CLASSES if any(a.get(c.number, 0) > 0 for a in areas.values())]
    with styled():
        fig = Figure(
            figsize=(WIDTH * 0.66 * across + 0.2, tall * down + 0.16 * len(held) + 0.4),
            layout="constrained",
        )
        axes = fig.subplots(down, across, squeeze=False).ravel()
        for ax in axes[len(maps) :]:
            ax.set_axis_off()
        for ax, (title, lcz) in zip(axes, maps.items(), strict=False):
            _draw_map(ax, lcz, title)
        labels = [
            f"{c.label}: " + " / ".join(f"{a.get(c.number, 0):,.1f}" for a in areas.values())
            for c in held
        ]
        handles = [
            Patch(facecolor=c.color, edgecolor=QUIET, lw=0.4, label=text)
            for c, text in zip(held, labels, strict=True)
        ]
        fig.legend(
            handles=handles, loc="outside lower left", ncols=1 if across == 1 else 2, title_fontsize=7.5,
            title=f"Area in km²: {' / '.join(maps)}", alignment="left", handlelength=1.2, fontsize=7,
        )  # fmt: skip
    return fig


def _stretch(layer: xr.DataArray) -> float:
    """How much higher than wide a cell is drawn: degrees of longitude are shorter away from the equator."""
    box = geobox_of(layer)
    shape = abs(box.affine.e / box.affine.a)
    if not box.crs.geographic:
        return shape
    middle = (box.boundingbox.bottom + box.boundingbox.top) / 2
    return shape / max(0.05, np.cos(np.deg2rad(middle)))


def _draw_map(ax: Axes, lcz: xr.DataArray, title: str) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap

    step = max(1, -(-max(lcz.shape) // _LARGEST_MAP))
    ax.imshow(
        np.ma.masked_equal(lcz.values[::step, ::step], 0), cmap=ListedColormap([c.color for c in CLASSES]),
        norm=BoundaryNorm(np.arange(0.5, N_CLASSES + 1), N_CLASSES), interpolation="none",
    )  # fmt: skip
    _frame(ax, lcz, title)


def _frame(ax: Axes, layer: xr.DataArray, title: str) -> None:
    ax.set(title=title, xticks=[], yticks=[], aspect=_stretch(layer))
    for side in ax.spines.values():
        side.set(visible=True, color=LINE)
    box = geobox_of(layer)
    metres = abs(box.affine.a) * layer.shape[-1]
    if box.crs.geographic:
        middle = (box.boundingbox.bottom + box.boundingbox.top) / 2
        metres *= 111_320 * np.cos(np.deg2rad(middle))
    length = 10 ** np.floor(np.log10(metres / 3))
    length *= max(k for k in (1, 2, 5) if k * length <= metres / 3)
    label = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    at = -0.035
    ax.plot([0, length / metres], [at, at], color=INK, lw=2, transform=ax.transAxes, clip_on=False)
    ax.annotate(
        label, (length / metres, at), (4, 0), "axes fraction", "offset points", va="center", fontsize=7.5,
        annotation_clip=False,
    )  # fmt: skip


def layer_panel(
    layer: xr.DataArray, title: str, unit: str, cmap: str, limits: tuple[float, float] | None = None
) -> Figure:
    """A map of numbers with its colour bar below; what is missing is left empty."""
    rows, columns = layer.shape
    step = max(1, -(-max(layer.shape) // _LARGEST_MAP))
    values = np.asarray(layer.values[::step, ::step], float)
    known = values[np.isfinite(values)]
    if limits is None:
        limits = (
            (float(np.quantile(known, 0.005)), float(np.quantile(known, 0.995)))
            if known.size
            else (0.0, 1.0)
        )
    with styled():
        fig, ax = blank(1.1 + WIDTH * min(1.5, max(0.5, rows * _stretch(layer) / columns)))
        fig.set_layout_engine("compressed", w_pad=0.03, h_pad=0.03)  # the map keeps its proportion
        drawn = ax.imshow(
            np.ma.masked_invalid(values),
            cmap=cmap,
            vmin=limits[0],
            vmax=limits[1],
            interpolation="none",
        )
        _frame(ax, layer, title)
        bar = fig.colorbar(
            drawn, ax=ax, orientation="horizontal", label=unit, aspect=32, pad=0.1, shrink=0.98
        )
        bar.outline.set_visible(False)
    return fig
