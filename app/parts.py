"""Small parts that pages share: legends, banners, tables. Text is escaped here, once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import holoviews as hv
import numpy as np
import panel as pn
import xarray as xr
from classhelp import describe
from style import RAW_CSS

from lczlib.analysis import class_areas
from lczlib.classes import CLASSES
from lczlib.kinds import TITLES as MAP_NAMES
from lczlib.reading import counted
from lczlib.study import Study
from lczlib.study.wording import in_page

WHAT = {
    "scene": "scene", "reference": "reference", "own_map": "uploaded map", "maps": "LCZ map",
    "comparison": "comparison", "accuracy": "accuracy", "heat": "heat island", "water": "water map",
    "water_summary": "water areas",
}  # fmt: skip
_LEGEND_ROW = (
    '<details class="row" role="listitem"><summary title="{label}: what it looks like">'
    '<span class="swatch" style="background:{color}"></span>'
    '<span class="what"><b>{code}</b> {name}</span>'
    '<span class="area">{area}</span></summary>{details}</details>'
)


def html(text: str, *classes: str, **options: Any) -> pn.pane.HTML:
    """A pane of markup that we wrote; foreign text in it must have been escaped."""
    return pn.pane.HTML(
        text, css_classes=[*classes], sizing_mode="stretch_width", stylesheets=[RAW_CSS], **options
    )


def legend(maps: Mapping[str, xr.DataArray], colors: Sequence[str]) -> str:
    """The classes of some maps with name and areas; each opens and says what it looks like.

    Of one map with the share of each class, of several with the area in each of them.
    """
    if not maps:
        return ""
    areas = np.array([class_areas(lcz)["area_km2"].to_numpy() for lcz in maps.values()])
    total = max(float(areas[0].sum()), 1e-9)
    several = len(maps) > 1
    rows = []
    for c in CLASSES:
        own = areas[:, c.number - 1]
        if not own.any():
            continue
        area = " | ".join(f"{v:,.2f}" for v in own) + " km²"
        if not several:
            area += f" · {100 * own[0] / total:.0f} %"
        rows.append(
            _LEGEND_ROW.format(
                color=colors[c.number - 1], code=c.code, name=c.name, label=c.label, area=area,
                details=describe(c.number),
            )
        )  # fmt: skip
    of = " | ".join(escape(name) for name in maps)
    head = f'<div class="lcz-note">Areas in {of}</div>' if several else ""
    return (
        f'{head}<div class="lcz-legend" role="list" aria-label="Classes and areas">'
        f"{''.join(rows)}</div>"
    )


def banner(study: Study, names: Iterable[str]) -> str:
    """What is stale or has failed among some steps; empty where nothing is."""
    out = []
    for name in names:
        message = study.messages.get(name, "")
        # own files by their names: where the server keeps them is nobody's business
        message = re.sub(rf"{re.escape(str(study.context.work.parent))}/uploads/\d+/", "", message)
        if message:
            said = escape(in_page(message, name))
            out.append(f'<div class="lcz-banner failed" role="alert">{said}</div>')
        elif study.conditions.get(name) == "stale":
            out.append(
                f'<div class="lcz-banner stale" role="status">This {WHAT[name]} was made with other settings '
                "than those shown. "
                + (
                    "Run again to update it."
                    if name in ("maps", "water", "accuracy", "comparison", "heat", "water_summary")
                    else ""
                )
                + "</div>"
            )
    return "".join(dict.fromkeys(out))


def what_was_read(study: Study, names: Iterable[str]) -> str:
    """What some steps read of files, and what may be wrong with it; empty where nothing was read."""
    read = [(n, r) for n in names for r in study.read.get(n, ())]
    heard = list(dict.fromkeys(in_page(str(r), n) for n, r in read))
    if not heard:
        return ""
    cautions = dict.fromkeys(in_page(c, n) for n, r in read for c in r.cautions)
    warned = "".join(
        f'<div class="lcz-banner stale" role="status">{escape(text)}</div>' for text in cautions
    )
    lines = "".join(f"<li>{escape(text)}</li>" for text in heard)
    files = counted(len({r.source for _, r in read}), "file")  # one may be read for several ends
    return (
        f'{warned}<details class="lcz-help lcz-read"><summary>What was read ({files})</summary>'
        f"<ul>{lines}</ul></details>"
    )


def at_hand(study: Study, chosen: str, maps: Iterable[str], but: str = "") -> str:
    """The map that is meant by a choice: another one where there is no imagery to make it of."""
    if chosen in maps or study.scene is None or study.scene.mappable:
        return chosen
    return next((name for name in maps if name != but), chosen)


def note(text: str) -> pn.pane.HTML:
    """A remark in small type; markup is ours."""
    return html(f'<div class="lcz-note">{text}</div>')


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "") -> str:
    """A plain table; cells are escaped."""
    head = "".join(f'<th scope="col">{escape(str(c))}</th>' for c in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(v))}</td>" for v in row) + "</tr>" for row in rows
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="lcz-scroll"><table class="lcz-table">{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def number(value: float, digits: int = 2, sign: bool = False) -> str:
    """A number, or a dash where undefined."""
    if value is None or not np.isfinite(value):
        return "–"
    return f"{value:{'+' if sign else ''}.{digits}f}"


def interval(low: float, high: float, digits: int = 2, sign: bool = False) -> str:
    """An interval, or a dash."""
    if low is None or not np.isfinite(low) or not np.isfinite(high):
        return "–"
    return f"{number(low, digits, sign)} to {number(high, digits, sign)}"


def help_text(title: str, text: str) -> pn.pane.HTML:
    """Help that opens on demand; markup is ours."""
    return html(f'<details class="lcz-help"><summary>{title}</summary>{text}</details>')


def figure_pane() -> pn.pane.HoloViews:
    """A place for a figure that is as wide as the page."""
    return pn.pane.HoloViews(
        None, backend="bokeh", linked_axes=False, sizing_mode="stretch_width", min_width=260
    )


def fluid(figure: Any, height: int = 360) -> Any:
    """A figure of `lczlib.figures` as wide as the page, its legend below, clear of the heading."""
    # the width is the pane's: HoloViews takes even a width of None for a fixed one
    size = {"frame_width": None, "frame_height": None, "height": height, "min_width": 260,
            "toolbar": "above", "backend": "bokeh", "clone": True,
            "active_tools": []}  # fmt: skip  # a wheel turned over a chart scrolls the page
    small = {"label_text_font_size": "8pt", "glyph_width": 12, "spacing": 2, "padding": 3,
             "margin": 0, "border_line_alpha": 0}  # fmt: skip
    shown = {"legend_position": "bottom", "legend_opts": small}
    legend = shown if isinstance(figure, hv.Overlay) else {}
    return figure.opts(**size, **legend)


def side_by_side(*parts: Any) -> pn.Column:
    """Parts in a row, below each other where the page is narrow."""
    # a grid of the browser's own: bokeh does not lay figures out reliably in a flex box
    return pn.Column(*parts, sizing_mode="stretch_width", styles=columns(len(parts)))


def columns(n: int) -> dict[str, str]:
    """The style of a row of n parts."""
    least = 420 if n < 3 else 300
    wide = f"repeat(auto-fit, minmax(min({least}px, 100%), 1fr))" if n > 1 else "minmax(0, 1fr)"
    return {"display": "grid", "gap": "10px", "align-items": "start", "grid-template-columns": wide}


def difference_in_words(names: tuple[str, str], found: Any, score: str = "oa") -> str:
    """Which of two maps the reference finds better, or that it cannot tell."""
    row = found.scores.loc[score]
    first, second = (MAP_NAMES.get(n, n) for n in names)
    figures = (
        f"{row['first']:.3f} and {row['second']:.3f}; difference {row['difference']:+.3f}, 95 % interval "
        f"{interval(row['ci_low'], row['ci_high'], 3, True)}, n = {found.n:,} cells in {found.n_units} "
        f"{found.unit}s"
    )
    if not row["significant"]:
        return (
            f"The overall accuracies of {first} and {second} are not significantly different: the "
            f"interval of their difference holds 0 ({figures})."
        )
    better = first if row["difference"] > 0 else second
    return f"By this reference {better} is significantly better in overall accuracy ({figures})."
