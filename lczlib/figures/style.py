"""What all figures share: backends, sizes, colours."""

from __future__ import annotations

from typing import Any

import numpy as np

from lczlib.classes import CLASSES

CODES = tuple(c.code for c in CLASSES)
COLORS = {c.code: c.color for c in CLASSES}
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Colours of several maps in one figure, told apart by colour-blind readers (Okabe & Ito 2008)."""


def backends() -> list[str]:
    """The plotting backends that HoloViews has loaded, with matplotlib, by which figures are saved."""
    import holoviews as hv

    if "matplotlib" not in hv.Store.loaded_backends():
        hv.renderer("matplotlib")
    return hv.Store.loaded_backends()


def styled(
    element: Any, common: dict[str, Any], matplotlib: dict[str, Any], bokeh: dict[str, Any]
) -> Any:
    """Apply options to an element in each loaded backend.

    Parameters
    ----------
    element : HoloViews object
        Gets the options.
    common : dict
        Options that both backends understand.
    matplotlib : dict
        Options of matplotlib alone.
    bokeh : dict
        Options of bokeh alone.
    """
    own = {"matplotlib": matplotlib, "bokeh": bokeh}
    for backend in backends():
        if backend in own:
            element = element.opts(**common, **own[backend], backend=backend)
    return element


def sized(element: Any, width: float, height: float, **common: Any) -> Any:
    """Give an element or overlay its size, in inches of 80 pixels."""
    return styled(
        element,
        common,
        {"fig_inches": (width, height), "aspect": width / height},
        {"width": round(80 * width), "height": round(80 * height)},
    )


def numbered_grid(
    values: np.ndarray, text: np.ndarray, top: float, label: str, font_size: float
) -> Any:
    """A square of coloured cells with a number in each; cell (i, j) lies at y = i, x = j.

    Parameters
    ----------
    values : array (n, n)
        What colours the cells, 0..`top`; NaN stays white.
    text : array (n, n) of str
        What is printed, in white on dark cells.
    top : float
        Value of the darkest colour.
    label : str
        Name of the values.
    font_size : float
        In points.
    """
    import holoviews as hv

    edges = np.arange(len(values) + 1) - 0.5
    mesh = hv.QuadMesh(
        (edges, edges, values), ["column", "row"], hv.Dimension("value", label=label)
    )
    overlay = styled(
        mesh, {"cmap": "Blues", "clim": (0, top)}, {}, {"tools": ["hover"], "line_color": "white"}
    )
    for color, wanted in (("black", values <= 0.6 * top), ("white", values > 0.6 * top)):
        row, column = np.nonzero(wanted & (text != ""))
        labels = hv.Labels((column, row, text[row, column]), ["column", "row"], "printed")
        overlay *= styled(
            labels, {},
            {"color": color, "size": font_size},
            {"text_color": color, "text_font_size": f"{font_size}pt"},
        )  # fmt: skip
    limits = (edges[0], edges[-1])
    return styled(overlay, {"invert_yaxis": True, "xlim": limits, "ylim": limits}, {}, {})


def stacked(panels: list[Any], width: float) -> Any:
    """Panels below each other, `width` inches wide, each with axes of its own."""
    import holoviews as hv

    return styled(
        hv.Layout(panels).cols(1),
        {"shared_axes": False},
        {"fig_inches": (width, None), "aspect_weight": 1, "vspace": 0.4, "sublabel_format": ""},
        {},
    )
