"""The dashboard's look: its page, the themes of its figures, and the style sheets in `look/`.

Each colour has one owner, `look/tokens.css`: widgets and markup name it there, figures read it from there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param
from bokeh.themes import Theme as FigureTheme
from panel.template.base import BasicTemplate
from panel.theme.base import DarkTheme, DefaultTheme, Design

from lczlib.texts import in_language, languages, text

_LOOK = Path(__file__).parent / "look"
FONT = "system-ui, sans-serif"


@cache
def _read(name: str) -> str:
    return (_LOOK / name).read_text("utf-8")


@cache
def colors(dark: bool) -> Mapping[str, str]:
    """The named colours of a theme, such as ``ink`` and ``paper``."""
    light, _, rest = _read("tokens.css").partition("}")
    named = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", light))
    if dark:
        named |= dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", rest.partition("}")[0]))
    return named


def _figures(dark: bool) -> FigureTheme:
    """Figures in the page's own colours and type, without frames."""
    c = colors(dark)
    text = {"text_color": c["ink"], "text_font": FONT}
    return FigureTheme(json={"attrs": {
        "Plot": {"background_fill_color": None, "border_fill_color": None, "outline_line_color": None},
        "Title": {**text, "text_font_size": "10pt", "text_font_style": "bold"},
        "Axis": {
            "axis_label_text_color": c["soft"], "axis_label_text_font": FONT, "axis_label_text_font_style": "normal",
            "axis_label_text_font_size": "9pt", "major_label_text_color": c["ink"], "major_label_text_font": FONT,
            "axis_line_color": c["edge"], "major_tick_line_color": c["edge"], "minor_tick_line_color": None,
        },
        "Grid": {"grid_line_color": c["line"]},
        "Legend": {
            "label_text_color": c["ink"], "label_text_font": FONT, "background_fill_color": c["paper"],
            "background_fill_alpha": 0.0, "border_line_alpha": 0.0,
        },
        "TeeHead": {"line_color": c["soft"]},  # of the ends of an interval
        "Toolbar": {"logo": None},
        "BaseColorBar": {
            "title_text_color": c["ink"], "title_text_font": FONT, "major_label_text_color": c["ink"],
            "major_label_text_font": FONT,
        },
    }})  # fmt: skip


class Light(DefaultTheme):
    """Dark on light."""

    base_css = param.Filename(default=None, allow_None=True)
    bokeh_theme = param.ClassSelector(class_=FigureTheme, default=_figures(False))


class Dark(DarkTheme):
    """Light on dark."""

    base_css = param.Filename(default=None, allow_None=True)
    bokeh_theme = param.ClassSelector(class_=FigureTheme, default=_figures(True))


class Plain(Design):
    """Widgets as they come: what they look like stands in one style sheet that all of them share."""

    _themes: ClassVar = {"default": Light, "dark": Dark}


class Page(BasicTemplate):
    """The page: a bar of steps, and settings beside a map as high as the window.

    Parameters
    ----------
    areas : dict of Viewable
        What stands in each part of the page: ``pages``, ``notices``, ``action``, ``settings``, ``place``,
        ``stage``, ``beside``, ``rest``.
    beside : bool
        Whether the page that opens first has anything beside its map.
    dark : bool
    language : str
        Code of the one that the page is in.
    """

    design = param.ClassSelector(class_=Design, default=Plain, is_instance=False, instantiate=False)
    _template = _LOOK / "page.html"

    def __init__(
        self, areas: Mapping[str, pn.viewable.Viewable], beside: bool, dark: bool, language: str,
        **params: Any,
    ) -> None:  # fmt: skip
        super().__init__(busy_indicator=None, **params)
        for name, area in areas.items():
            self._render_items[name] = (area, [])
        theme = "dark" if dark else "light"

        def said(english: str) -> str:  # the page is written when the session is there
            with in_language(language):
                return text(english)

        start = _read("start.js").replace("WIDGETS", json.dumps(_read("widgets.css")))
        self._render_variables.update(
            html_attrs=f'data-theme="{theme}"', dark=dark,
            language=language, languages=languages(), text=said, beside="yes" if beside else "no",
            tokens=_read("tokens.css"), page=_read("page.css"), start=start, shell=_read("shell.js"),
        )  # fmt: skip
