"""Figures of surface water: the map beside its radar image, area by month, occurrence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from lczlib.analysis.water_area import dark_as_water, dark_not_mapped
from lczlib.export import staged
from lczlib.grid import geobox_of
from lczlib.mapping.water import water_of
from lczlib.mapping.water_scene import cell_metres
from lczlib.texts import text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, NOT_SEEN = "#1f61b8", "#d9d9d9"
WATER, DARK = "#00b7ff", "#ff9d00"
_MAX_PIXELS = 1200  # a side, of what is drawn
_COLUMNS = 4  # months side by side


def _thin(data: xr.DataArray) -> xr.DataArray:
    """Every n-th pixel, so that a large scene draws quickly."""
    step = max(1, int(np.ceil(max(data.shape[-2:]) / _MAX_PIXELS)))
    return data[..., ::step, ::step]


def _frame(ax: Axes, data: xr.DataArray, title: str, *, bar: bool = True) -> None:
    """Title of a map, drawn in true proportion, and its scale bar."""
    width, height = cell_metres(geobox_of(data))
    ax.set(title=title, xticks=[], yticks=[], aspect=height / width)
    if not bar:
        return
    span = data.shape[-1] * width
    length = 10 ** np.floor(np.log10(span / 3))
    length *= max(k for k in (1, 2, 5) if k * length <= span / 3)
    label = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    ax.plot(
        [0.04, 0.04 + length / span], [-0.035] * 2, "k", lw=3, transform=ax.transAxes, clip_on=False
    )
    ax.annotate(
        label, (0.04 + length / span, -0.035), (5, 0), "axes fraction", "offset points", va="center", fontsize=9,
        annotation_clip=False,
    )  # fmt: skip


def water_figure(scene: xr.DataArray, probability: xr.DataArray, threshold: float = 0.5) -> Figure:
    """Radar image, probability of water, and on the radar image the mapped water and what is as dark.

    Parameters
    ----------
    scene : DataArray (band, y, x)
        dB, VV first.
    probability : DataArray (y, x)
        Probability of water, NaN where no data.
    threshold : float
        Water where the probability is above it.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    vv, proba = _thin(scene[0]), _thin(probability)
    water = _thin(water_of(probability, threshold)).values
    fig = Figure(figsize=(13, 4.8), layout="constrained")
    image, chance, mapped = fig.subplots(1, 3)
    gray = {"cmap": "gray", "interpolation": "nearest"}
    low, high = np.nanpercentile(vv.values, [2, 98])
    for ax in (image, mapped):
        drawn = ax.imshow(vv.values, vmin=low, vmax=high, **gray)
        ax.set_facecolor(NOT_SEEN)
    fig.colorbar(drawn, ax=image, shrink=0.8, label="backscatter VV (dB)")
    drawn = chance.imshow(proba.values, vmin=0, vmax=1, cmap="Blues", interpolation="nearest")
    chance.set_facecolor(NOT_SEEN)
    fig.colorbar(drawn, ax=chance, shrink=0.8, label="probability of water")
    kinds = {WATER: f"water (above {threshold:g})", DARK: "dark, not mapped"}
    dark = dark_not_mapped(proba, dark_as_water(_thin(scene)).compute(), threshold).values
    for color, drawn in zip(kinds, (water == 1, dark), strict=True):
        mapped.imshow(
            np.where(drawn, 1.0, np.nan), cmap=ListedColormap([color]), interpolation="nearest"
        )
    mapped.legend(
        handles=[Patch(color=color, label=label) for color, label in kinds.items()],
        loc="upper right", bbox_to_anchor=(1, -0.01), frameon=False, borderpad=0, handlelength=1,
    )  # fmt: skip
    for ax, title in ((image, "Sentinel-1"), (chance, "GMNet"), (mapped, "Surface water")):
        _frame(ax, vv, title)
    return fig


def monthly_area_figure(areas: xr.Dataset) -> Figure:
    """Water area by month with its interval.

    Parameters
    ----------
    areas : Dataset (time)
        From `lczlib.analysis.water_area.water_area`.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    fig = Figure(figsize=(7, 3.6), layout="constrained")
    ax = fig.subplots()
    time = areas["time"].values
    ax.fill_between(
        time, areas["low"], areas["high"], color=BLUE, alpha=0.2, lw=0, label=text("95% interval")
    )
    ax.plot(time, areas["area"], "o-", color=BLUE, ms=5, label=text("mapped"))
    part = areas["valid_share"].values < 0.9
    if part.any():
        ax.plot(time[part], areas["area"].values[part], "o", mfc="white", mec=BLUE, ms=6,
                label=text("seen on under 90% of the area"))  # fmt: skip
    locator = AutoDateLocator()
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    ax.set(ylabel=text("surface water (km²)"), ylim=(0, None))
    ax.grid(axis="y", color="#e5e5e5")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
    return fig


def monthly_maps_figure(probability: xr.DataArray, threshold: float = 0.5) -> Figure:
    """Surface water of each month, one small map beside the other.

    Parameters
    ----------
    probability : DataArray (time, y, x)
        By month, NaN where no data.
    threshold : float
        Water where the probability is above it.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    months = probability.sizes["time"]
    columns = min(months, _COLUMNS)
    rows = -(-months // columns)
    height, width = probability.shape[-2:]
    tall = min(2.0, max(0.5, height / width))
    fig = Figure(figsize=(2.4 * columns, (2.4 * tall + 0.4) * rows + 0.4), layout="constrained")
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    colors = {"#e6e2d8": "land", BLUE: "water", NOT_SEEN: "no data"}
    for ax in axes[months:]:
        ax.set_axis_off()
    for i, ax in enumerate(axes[:months]):
        one = probability.isel(time=i)
        drawn = _thin(water_of(one, threshold)).compute().astype(float)
        ax.set_facecolor(NOT_SEEN)
        ax.imshow(
            drawn.where(drawn <= 1).values, cmap=ListedColormap(list(colors)[:2]), vmin=0, vmax=1,
            interpolation="nearest",
        )  # fmt: skip
        # one bar is of all
        _frame(ax, drawn, str(one["time"].values)[:7], bar=i == columns * ((months - 1) // columns))
    fig.legend(
        handles=[Patch(color=c, label=label) for c, label in colors.items()], loc="outside lower center",
        ncols=3, frameon=False,
    )  # fmt: skip
    return fig


def occurrence_figure(occurrence: xr.DataArray) -> Figure:
    """Share of months with water, as a map; land that is never water is left blank."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    drawn = _thin(occurrence)
    fig = Figure(figsize=(6.4, 5.2), layout="constrained")
    ax = fig.subplots()
    ax.set_facecolor(NOT_SEEN)
    ax.imshow(np.where(drawn.notnull(), 1.0, np.nan), cmap="gray", vmin=0, vmax=1)
    image = ax.imshow(
        drawn.where(drawn > 0).values * 100,
        vmin=0,
        vmax=100,
        cmap="viridis_r",
        interpolation="nearest",
    )
    fig.colorbar(image, ax=ax, shrink=0.85, label="water occurrence (% of valid months)")
    ax.legend(
        handles=[Patch(fc="white", ec="#999999", label="never water"), Patch(fc=NOT_SEEN, label="no data")],
        loc="upper right", bbox_to_anchor=(1, -0.005), frameon=False, borderpad=0, ncols=2, handlelength=1,
    )  # fmt: skip
    _frame(ax, drawn, "")
    return fig


def save(fig: Figure, path: str | Path) -> Path:
    """Write a figure as PNG."""
    with staged(path) as temporary:
        fig.savefig(temporary, dpi=150)
    return Path(path)
