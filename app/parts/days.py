"""The days on which a place was seen, a bar each: how much of it, under how much cloud."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from bokeh.models import ColumnDataSource, DatetimeTickFormatter, HoverTool, LinearColorMapper
from bokeh.palettes import interp_palette
from bokeh.plotting import figure

from lczlib.acquire.choose import clear_shares
from lczlib.acquire.search import Day
from lczlib.acquire.seasons import Period
from lczlib.texts import text, texts

from .markup import per_cent
from .words import in_short

_LIGHT, _DARK = ("#0b5394", "#7fa8cc", "#c9ced6"), ("#4aa3f0", "#5f84a8", "#5b626b")
"""From clear to cloudy: what is clear stands out on either ground."""
_USED, _FAILED = "#ea580c", "#dc2626"
_DAY = dt.timedelta(days=1)


def key_of_days(dark: bool) -> str:
    """What bars, colours and marks mean."""
    ends = _DARK if dark else _LIGHT
    return (
        '<div class="lcz-note">'
        + text(
            "A bar is a day; its height is the share of the box that was seen, its colour the cloud over it: 0 % "
            "{colours} 100 %. {used} is used, {failed} could not be read."
        ).format(
            colours='<span style="display:inline-block;width:90px;height:11px;border-radius:3px;vertical-align:-1px;'
            f'background:linear-gradient(90deg,{",".join(ends)})"></span>',
            used=f'<span style="color:{_USED}">▾</span>', failed=f'<span style="color:{_FAILED}">×</span>',
        )
        + "</div>"
    )  # fmt: skip


def season_line(period: Period, days: Sequence[Day], used: Sequence[Day]) -> str:
    """What a season has, and what its composite is going to show."""
    name = "" if period.name.startswith(f"{period.start:%Y}") else f"{escape(text(period.name))} · "
    when = text("{low} to {high}").format(low=in_short(period.start), high=in_short(period.end))
    one, three = clear_shares(used)
    amount = sum(d.megabytes for d in used)
    return text(
        "<b>{season}</b>: {used} of {days} used, {megabytes}. <b>{one}</b> of the box will be clear on one of them or "
        "more, <b>{three}</b> on three."
    ).format(
        season=f"{name}{when}", used=len(used), days=texts("{n} day", "{n} days", len(days)),
        megabytes=_megabytes(amount), one=per_cent(one), three=per_cent(three),
    )  # fmt: skip


def strip(
    period: Period, days: Sequence[Day], used: Sequence[Day], left: Mapping[str, str], dark: bool
) -> Any:
    """The figure of a season."""
    ink = "#d5dae0" if dark else "#333333"
    start, end = (dt.datetime.combine(d, dt.time()) for d in (period.start, period.end))
    fig = figure(
        height=92, sizing_mode="stretch_width", x_axis_type="datetime", x_range=(start - _DAY, end + _DAY),
        y_range=(0, 1.28), tools="", toolbar_location=None, min_width=240,
        min_border_right=16, name=f"days of {period.name}",
    )  # fmt: skip
    chosen = {d.date for d in used}
    rows = [_row(d, d.date in chosen, left.get(d.date.isoformat(), "")) for d in days]
    columns = {k: [r[k] for r in rows] for k in _row_keys()}
    source = ColumnDataSource(columns)
    mapper = LinearColorMapper(
        palette=interp_palette(_DARK if dark else _LIGHT, 64), low=0, high=1, nan_color="#00000000"
    )
    bars = fig.vbar(
        "x", top="covered", width=0.8 * _DAY.total_seconds() * 1000, source=source, line_color="#6b7280",
        line_width=0.5, fill_color={"field": "cloud", "transform": mapper},
    )  # fmt: skip
    fig.scatter("x", "mark", source=source, marker="inverted_triangle", size=8, color=_USED)
    crosses = fig.scatter("x", "failed", source=source, marker="x", size=8, color=_FAILED, line_width=2)  # fmt: skip
    told = [("", "@date"), (text("cloud"), "@cloud{0 %}"), (text("seen"), "@covered{0 %}"),
            (text("clear"), "@clear{0 %}"), ("", "@megabytes"), ("", "@what")]  # fmt: skip
    fig.add_tools(HoverTool(renderers=[bars], tooltips=told, mode="vline"))
    fig.add_tools(HoverTool(renderers=[crosses], tooltips=[("", "@date"), ("", "@what")]))
    fig.xaxis.formatter = DatetimeTickFormatter(days="%-d %b", months="%b", years="%Y")
    fig.yaxis.ticker, fig.yaxis.major_label_overrides = [0, 1], {0: "0 %", 1: "100 %"}
    for axis in fig.axis:
        axis.update(
            major_label_text_color=ink, major_label_text_font_size="8pt", axis_line_color=None,
            major_tick_line_color=None, minor_tick_line_color=None,
        )  # fmt: skip
    fig.update(background_fill_color=None, border_fill_color=None, outline_line_color=None)
    fig.grid.visible = False
    return fig


def _row_keys() -> tuple[str, ...]:
    return ("x", "covered", "cloud", "clear", "mark", "failed", "date", "megabytes", "what")


def _row(day: Day, used: bool, why: str) -> dict[str, Any]:
    nan = float("nan")
    read = not day.failed
    return {
        "x": dt.datetime.combine(day.date, dt.time()), "covered": day.covered_share if read else nan,
        "cloud": day.cloud_share if read else nan, "clear": day.clear_share if read else nan,
        "mark": 1.14 if used else nan, "failed": nan if read else 0.12, "date": in_short(day.date),
        "megabytes": _megabytes(day.megabytes) if read else "", "what": text("used") if used else text(why),
    }  # fmt: skip


def _megabytes(amount: float) -> str:
    return f"{amount:,.0f} MB" if amount >= 10 else f"{amount:.1f} MB"
