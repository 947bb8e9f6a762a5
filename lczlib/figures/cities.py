"""The maps of many cities side by side, small."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lczlib.classes import CLASSES, N_CLASSES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PER_PAGE = 48
"""Cities of a figure at most."""
_COLUMNS = 8


def cities_figure(maps: Mapping[str, np.ndarray], title: str = "") -> Figure:
    """LCZ maps with one legend, each in a square of its own: sizes cannot be compared.

    Parameters
    ----------
    maps : mapping of str to array (y, x)
        Codes 0..17, thinned as they are to be drawn, by the cities' names; at most `PER_PAGE`.
    title : str
        Above all.
    """
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    columns = min(_COLUMNS, max(3, int(np.ceil(np.sqrt(len(maps))))))
    rows = -(-len(maps) // columns)
    fig = Figure(figsize=(1.7 * columns + 1.9, 1.9 * rows + 0.5), layout="constrained")
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    colors, held = ListedColormap([c.color for c in CLASSES]), set()
    norm = BoundaryNorm(np.arange(0.5, N_CLASSES + 1), N_CLASSES)
    for ax in axes:
        ax.set_axis_off()
    for ax, (name, codes) in zip(axes, maps.items(), strict=False):
        ax.imshow(np.ma.masked_equal(codes, 0), cmap=colors, norm=norm, interpolation="nearest")
        ax.set_title(name if len(name) <= 20 else f"{name[:19]}…", fontsize=8)
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
