"""Change as a figure: where, how probable, and what became what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from lczlib.analysis.change.sample import STRATA
from lczlib.classes import CLASSES
from lczlib.grid import geobox_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#e2f0d9", "#d9d9d9", "#d7191c", "#fdae61", "#abd9e9", "#1a9641")
"""Of the classes of a change map."""
_LARGEST = 1200
_LISTED = 12


def change_figure(
    change: xr.DataArray, strata: xr.DataArray, transitions: pd.DataFrame, title: str = ""
) -> Figure:
    """Probability of change and the change map side by side, and the largest changes with their intervals.

    Parameters
    ----------
    change : DataArray (y, x)
        Probability of change, NaN where no data.
    strata : DataArray (y, x)
        `lczlib.analysis.change.sample.STRATA` from 1, 0 = no data.
    transitions : DataFrame
        ``lcz_before``, ``lcz_after``, ``km2``, ``km2_ci_low``, ``km2_ci_high``, ``mapped_km2``.
    title : str
        Above all.
    """
    import textwrap

    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    step = max(1, -(-max(change.shape) // _LARGEST))
    box = geobox_of(change)
    scale = 1 if box.crs.geographic else 1000
    left, bottom, right, top = (v / scale for v in box.boundingbox)
    extent = (left, right, bottom, top)
    fig = Figure(figsize=(12.5, 8.2), layout="constrained")
    first, second, third = (fig.add_subplot(s) for s in _places(fig))
    drawn = first.imshow(
        change.values[::step, ::step],
        cmap="magma_r",
        vmin=0,
        vmax=1,
        extent=extent,
        interpolation="nearest",
    )
    fig.colorbar(drawn, ax=first, shrink=0.8, label="probability of change")
    codes = strata.values[::step, ::step]
    second.imshow(
        np.ma.masked_equal(codes, 0), cmap=ListedColormap(COLORS), interpolation="nearest", extent=extent,
        norm=BoundaryNorm(np.arange(0.5, len(COLORS) + 1), len(COLORS)),
    )  # fmt: skip
    patches = [
        Patch(facecolor=c, edgecolor="#777", lw=0.5, label=name)
        for c, name in zip(COLORS, STRATA, strict=True)
    ]
    second.legend(
        handles=patches, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8
    )
    unit = "°" if scale == 1 else "km"
    for ax, name in ((first, "Probability of change"), (second, "Change map")):
        ax.set(title=name, xlabel=f"easting ({unit})", ylabel=f"northing ({unit})")
        ax.ticklabel_format(useOffset=False, style="plain")
        ax.tick_params(labelsize=8)
    _largest(third, transitions)
    fig.suptitle("\n".join(textwrap.wrap(title, 120)), fontsize=11)
    return fig


def _places(fig: Figure) -> list:
    grid = fig.add_gridspec(2, 2, height_ratios=[1.5, 1])
    return [grid[0, 0], grid[0, 1], grid[1, :]]


def _largest(ax: Axes, transitions: pd.DataFrame) -> None:
    """The largest changes as bars in the colour of the new class, with 95 % intervals."""
    rows = transitions.head(_LISTED)
    if rows.empty:
        ax.text(0.5, 0.5, "no change of class", ha="center", va="center", transform=ax.transAxes)
        ax.set_axis_off()
        return
    at = np.arange(len(rows))
    km2 = rows["km2"].to_numpy()
    ax.bar(
        at, km2, color=[CLASSES[n - 1].color for n in rows["lcz_after"]], edgecolor="black", lw=0.5
    )
    reach = np.abs(np.stack([km2 - rows["km2_ci_low"], rows["km2_ci_high"] - km2]))
    ax.errorbar(at, km2, reach, fmt="none", ecolor="black", capsize=3, lw=1)
    ax.plot(at, rows["mapped_km2"], "D", mfc="white", mec="black", ms=5, label="on the change map")
    ax.set_xticks(
        at,
        [
            f"{CLASSES[r.lcz_before - 1].code} → {CLASSES[r.lcz_after - 1].code}"
            for r in rows.itertuples()
        ],
    )
    told = ", 95 % intervals" if np.isfinite(reach).any() else ""
    ax.set(
        ylabel="area (km²)",
        title=f"Largest {len(rows)} of {len(transitions)} changes of class{told}",
    )
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False, fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
