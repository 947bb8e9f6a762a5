"""Figures of training runs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from lczlib.figures.style import SERIES, backends, sized, styled


def learning_curve(history: pd.DataFrame, best_epoch: int | None = None) -> Any:
    """Loss and overall accuracy of training and validation by epoch.

    Training values are means over an epoch, with augmentation and dropout, while the network still
    learns; they may therefore lie on the wrong side of those of validation.

    Parameters
    ----------
    history : DataFrame
        ``epoch`` (from 0), ``train_loss``, ``val_loss``, ``train_oa``, ``val_oa``.
    best_epoch : int, optional
        The epoch whose weights were kept; a dotted line marks it.

    Returns
    -------
    hv.Layout
        Two panels.
    """
    import holoviews as hv

    backends()
    panels = [
        _panel(history, "loss", "Focal loss", best_epoch, legend="top_right"),
        _panel(history, "oa", "Overall accuracy", best_epoch, legend="bottom_right"),
    ]
    layout = hv.Layout(panels).cols(2)
    return styled(
        layout, {"shared_axes": False}, {"sublabel_format": "", "hspace": 0.3, "tight": True}, {}
    )


def _panel(
    history: pd.DataFrame, score: str, label: str, best_epoch: int | None, *, legend: str
) -> Any:
    import holoviews as hv

    epochs = history["epoch"] + 1
    panel = hv.Overlay([])
    if best_epoch is not None:
        mark = hv.VLine(best_epoch + 1)
        panel *= styled(
            mark, {}, {"color": "#888888", "linestyle": ":", "linewidth": 1.2},
            {"color": "#888888", "line_dash": "dotted", "line_width": 1.2},
        )  # fmt: skip
    for key, name, color in (("train", "training", SERIES[0]), ("val", "validation", SERIES[1])):
        curve = hv.Curve((epochs, history[f"{key}_{score}"]), "epoch", score, label=name)
        panel *= styled(curve, {"color": color}, {"linewidth": 1.6}, {"line_width": 1.6})
    title = label if best_epoch is None else f"{label} (kept: epoch {best_epoch + 1})"
    return sized(
        panel, 4.6, 3.2, legend_position=legend, title=title, xlabel="epoch", ylabel=label.lower()
    )
