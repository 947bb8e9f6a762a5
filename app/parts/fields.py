"""A widget for a setting of the study: its label, bounds, choices and meaning are the setting's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import panel as pn
import param

from lczlib.study import Study

from .markup import html

WIDE = {"sizing_mode": "stretch_width"}


def hint(text: str) -> pn.pane.HTML:
    """What a widget without a tooltip means, below it."""
    return html(f'<div class="lcz-note">{text}</div>', margin=(-2, 10, 6, 10))


def field(
    study: Study, name: str, *, step: float | None = None, options: Mapping[str, Any] | None = None
) -> list[Any]:
    """The widget of a setting, and below it what it means where the widget has no tooltip.

    Parameters
    ----------
    study : Study
        Whose setting it is.
    name : str
        Of the setting.
    step : float, optional
        Of a number.
    options : mapping, optional
        Of a choice: label to value.
    """
    one = study.param[name]
    if isinstance(one, param.Boolean):
        return [pn.widgets.Checkbox.from_param(one, **WIDE), hint(one.doc)]
    if isinstance(one, param.Range):
        return [pn.widgets.RangeSlider.from_param(one, step=step or 1, **WIDE), hint(one.doc)]
    if isinstance(one, param.ListSelector):
        return [
            pn.widgets.MultiChoice.from_param(one, options=options or list(one.objects), **WIDE)
        ]
    if isinstance(one, param.Selector):
        named = options or {str(v) or "as usual": v for v in one.objects}
        return [pn.widgets.Select.from_param(one, options=dict(named), **WIDE)]
    if isinstance(one, param.Integer):
        return [pn.widgets.IntInput.from_param(one, step=int(step or 1), **WIDE)]
    if isinstance(one, param.Number):
        return [pn.widgets.FloatInput.from_param(one, step=step or 1, **WIDE)]
    return [pn.widgets.TextInput.from_param(one, **WIDE)]


RESAMPLED = {"nearest cell": "nearest", "commonest class": "mode", "refuse another grid": ""}
"""How maps of classes come to one grid."""


def card(title: str, parts: Sequence[Any]) -> pn.Card:
    """Settings under a heading that opens."""
    return pn.Card(*parts, title=title, collapsed=True, margin=(4, 5), **WIDE)
