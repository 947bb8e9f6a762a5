"""A widget for a setting of the study: its label, bounds, choices and meaning are the setting's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import panel as pn
import param

from lczlib.study import Study
from lczlib.texts import N_, text

from .markup import html
from .words import choices

WIDE = {"sizing_mode": "stretch_width"}
_USUAL = N_("as usual")


def hint(text: str) -> pn.pane.HTML:
    """What a widget without a tooltip means, below it."""
    return html(f'<div class="lcz-note">{text}</div>', margin=(-2, 10, 6, 10))


def bound(kind: Any, parameter: param.Parameter, **options: Any) -> Any:
    """A widget of a parameter, label and tooltip in the visitor's language.

    Parameters
    ----------
    kind : type
        Of the widget.
    parameter : param.Parameter
        What it shows and changes.
    **options
        Of the widget, in place of what follows from the parameter.
    """
    said = {"name": text(parameter.label), "description": parameter.doc and text(parameter.doc)}
    said = {k: v for k, v in said.items() if k == "name" or (v and k in kind.param)}
    return kind.from_param(parameter, **(said | options))


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
        return [bound(pn.widgets.Checkbox, one, **WIDE), hint(text(one.doc))]
    if isinstance(one, param.Range):
        return [bound(pn.widgets.RangeSlider, one, step=step or 1, **WIDE), hint(text(one.doc))]
    if isinstance(one, param.ListSelector):
        return [bound(pn.widgets.MultiChoice, one, options=_named(one, options), **WIDE)]
    if isinstance(one, param.Selector):
        return [bound(pn.widgets.Select, one, options=_named(one, options), **WIDE)]
    if isinstance(one, param.Integer):
        return [bound(pn.widgets.IntInput, one, step=int(step or 1), **WIDE)]
    if isinstance(one, param.Number):
        return [bound(pn.widgets.FloatInput, one, step=step or 1, **WIDE)]
    return [bound(pn.widgets.TextInput, one, **WIDE)]


def _named(parameter: param.Parameter, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """The choices of a setting by what they are called; else by what its meaning calls them, as everywhere."""
    if options:
        return choices(options)
    return {str(v) or text(_USUAL): v for v in parameter.objects}


def looks(view: Any) -> list[Any]:
    """How a map is seen: opacity of what lies above the image, colours of the zones, and the image.

    Parameters
    ----------
    view : param.Parameterized
        With ``opacity``, ``palette`` and ``image``.
    """
    of = view.param
    return [
        bound(pn.widgets.FloatSlider, of.opacity, name=text("Opacity"), step=0.05, **WIDE),
        bound(
            pn.widgets.Select, of.palette, name=text("Colours"), options=choices(of.palette.objects), **WIDE
        ),
        bound(
            pn.widgets.Select, of.image, name=text("Image below"), options=choices(of.image.objects), **WIDE
        ),
    ]  # fmt: skip


RESAMPLED = {
    N_("nearest cell"): "nearest", N_("commonest class"): "mode", N_("refuse another grid"): "",
}  # fmt: skip
"""How maps of classes come to one grid."""


def card(title: str, parts: Sequence[Any]) -> pn.Card:
    """Settings under a heading that opens."""
    return pn.Card(*parts, title=title, collapsed=True, margin=(4, 5), **WIDE)
