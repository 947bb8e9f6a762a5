"""Small parts that pages share: legends, banners, tables. Text is escaped here, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
import panel as pn

from lczlib.texts import text, unbroken


class Markup(pn.pane.HTML):
    """Markup as a page has it: what it says is kept as it is given, and shown with its signs at their numbers."""

    def _transform_object(self, obj: Any) -> dict[str, Any]:
        return super()._transform_object(unbroken(obj or ""))


def html(text: str, *classes: str, **options: Any) -> Markup:
    """A pane of markup that we wrote; foreign text in it must have been escaped."""
    return Markup(text, css_classes=[*classes], sizing_mode="stretch_width", **options)


def put(pane: pn.pane.HTML, markup: str) -> None:
    """Show markup in a pane that takes no room while it has nothing to say."""
    pane.param.update(object=markup, visible=bool(markup))


def note(text: str) -> pn.pane.HTML:
    """A remark in small type; markup is ours."""
    return html(f'<div class="lcz-note">{text}</div>')


def key(title: str) -> pn.pane.HTML:
    """A small heading above widgets that belong together."""
    return html(f'<p class="lcz-key">{title}</p>')


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "", *classes: str,
    words: Sequence[int] = (),
) -> str:  # fmt: skip
    """A plain table; cells are escaped. All columns but the first and those of `words` are of numbers.

    Among its classes ``lcz-narrow`` fits it beside a map, and ``lcz-words`` sets all its cells from the left.
    """
    at = [' class="words"' if i in words else "" for i in range(len(columns))]
    head = "".join(
        f'<th scope="col"{left}>{escape(str(c))}</th>' for c, left in zip(columns, at, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{left}>{escape(str(v))}</td>" for v, left in zip(row, at, strict=True)) + "</tr>"
        for row in rows
    )  # fmt: skip
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    name = escape(caption or text("Table by {column}").format(column=columns[0]), quote=True)
    names = " ".join(("lcz-table", *classes))
    return (  # what scrolls sideways has to be reached by keyboard
        f'<div class="lcz-scroll" tabindex="0" role="group" aria-label="{name}">'
        f'<table class="{names}">{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def number(value: float, digits: int = 2, sign: bool = False) -> str:
    """A number, or a dash where undefined."""
    if value is None or not np.isfinite(value):
        return "–"
    return f"{value:{'+' if sign else ''}.{digits}f}"


def per_cent(share: float) -> str:
    """A share; only all is 100 %, and only none is 0 %."""
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    near = share < 0.1 or share > 0.9
    return f"{100 * min(max(share, 0.001), 0.999):.{int(near)}f} %"


def interval(low: float, high: float, digits: int = 2, sign: bool = False) -> str:
    """An interval, or a dash."""
    if low is None or not np.isfinite(low) or not np.isfinite(high):
        return "–"
    ends = {"low": number(low, digits, sign), "high": number(high, digits, sign)}
    return text("{low} to {high}").format(**ends)


def duration(seconds: float) -> str:
    """Seconds, or minutes from one and a half."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def folded(title: str, text: str) -> str:
    """Markup that opens on demand; empty where there is none."""
    if not text:
        return ""
    return f'<details class="lcz-fold"><summary>{title}</summary>{text}</details>'


def help_text(title: str, text: str) -> pn.pane.HTML:
    """Help that opens on demand; markup is ours."""
    return html(f'<details class="lcz-help"><summary>{title}</summary>{text}</details>')
