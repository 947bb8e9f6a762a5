"""An LCZ map as a figure with its legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from lczlib.classes import CLASSES, N_CLASSES
from lczlib.grid import crs_of, geobox_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LARGEST = 1200


def lcz_figure(lcz: xr.DataArray, title: str = "", colors: Sequence[str] | None = None) -> Figure:
    """A map of the zones, in kilometres of its own grid, with a legend of those it holds.

    Parameters
    ----------
    lcz : DataArray (y, x)
        Codes 1..17, 0 = no data; thinned to 1,200 cells a side for drawing.
    title : str
        Above the map.
    colors : sequence of str, optional
        Of the 17 classes; the field's own by default.
    """
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    colors = list(colors or (c.color for c in CLASSES))
    step = max(1, -(-max(lcz.shape) // _LARGEST))
    codes = lcz.values[::step, ::step]
    box = geobox_of(lcz)
    scale = 1 if crs_of(box).geographic else 1000
    left, bottom, right, top = (v / scale for v in box.boundingbox)
    fig = Figure(figsize=(8.2, 5.6), layout="constrained")
    ax = fig.subplots()
    ax.imshow(
        np.ma.masked_equal(codes, 0), cmap=ListedColormap(colors), interpolation="nearest",
        norm=BoundaryNorm(np.arange(0.5, N_CLASSES + 1), N_CLASSES), extent=(left, right, bottom, top),
    )  # fmt: skip
    held = np.unique(codes[codes > 0])
    patches = [
        Patch(facecolor=colors[i - 1], edgecolor="#777", lw=0.5, label=CLASSES[i - 1].label)
        for i in held
    ]
    if patches:
        ax.legend(
            handles=patches, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9
        )
    unit = "°" if scale == 1 else "km"
    ax.set(title=title, xlabel=f"easting ({unit})", ylabel=f"northing ({unit})")
    ax.ticklabel_format(useOffset=False, style="plain")
    ax.tick_params(labelsize=8)
    return fig
