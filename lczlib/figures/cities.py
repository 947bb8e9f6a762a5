"""The maps of many cities, or of one city by several ways, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lczlib.classes import CLASSES, N_CLASSES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

PER_PAGE = 48
"""Cities of a figure at most."""
_COLUMNS, _EDGE = 8, 1.7
_LETTERS = 12
"""Of a title, to the inch."""


def cities_figure(
    maps: Mapping[str, np.ndarray | xr.DataArray],
    title: str = "",
    *,
    edge: float = _EDGE,
    columns: int | None = None,
) -> Figure:
    """LCZ maps with one legend, each in a square of its own: sizes cannot be compared.

    Parameters
    ----------
    maps : mapping of str to array (y, x)
        Codes 0..17, thinned as they are to be drawn, by the cities' names; at most `PER_PAGE`.
    title : str
        Above all.
    edge : float
        Of a map, in inches.
    columns : int, optional
        Maps beside each other; eight at most where it is not given.
    """
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    columns = columns or min(_COLUMNS, max(3, int(np.ceil(np.sqrt(len(maps))))))
    rows, letters = -(-len(maps) // columns), int(_LETTERS * edge)
    fig = Figure(figsize=(edge * columns + 1.9, (edge + 0.2) * rows + 0.5), layout="constrained")
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    colors, held = ListedColormap([c.color for c in CLASSES]), set()
    norm = BoundaryNorm(np.arange(0.5, N_CLASSES + 1), N_CLASSES)
    for ax in axes:
        ax.set_axis_off()
    for ax, (name, codes) in zip(axes, maps.items(), strict=False):
        codes = np.asarray(codes)
        ax.imshow(np.ma.masked_equal(codes, 0), cmap=colors, norm=norm, interpolation="nearest")
        ax.set_title(name if len(name) <= letters else f"{name[: letters - 1]}…", fontsize=8)
        held |= {int(v) for v in np.unique(codes) if v}
    patches = [
        Patch(facecolor=CLASSES[i - 1].color, edgecolor="#777", lw=0.5, label=CLASSES[i - 1].label)
        for i in sorted(held)
    ]
    if patches:
        fig.legend(handles=patches, loc="outside right upper", frameon=False, fontsize=8)
    if title:
        fig.suptitle(title, fontsize=10)
    return fig
