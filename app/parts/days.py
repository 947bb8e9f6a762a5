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
from lczlib.reading import counted

from .markup import per_cent

_LIGHT, _DARK = ("#0b5394", "#7fa8cc", "#c9ced6"), ("#4aa3f0", "#5f84a8", "#5b626b")
"""From clear to cloudy: what is clear stands out on either ground."""
_USED, _FAILED = "#ea580c", "#dc2626"
_DAY = dt.timedelta(days=1)


def key(dark: bool) -> str:
    """What bars, colours and marks mean."""
    ends = _DARK if dark else _LIGHT
    return (
        f'<div class="lcz-note">A bar is a day; its height is the share of the box that was seen, its colour the '
        f'cloud over it: 0 % <span style="display:inline-block;width:90px;height:11px;border-radius:3px;'
        f'vertical-align:-1px;background:linear-gradient(90deg,{",".join(ends)})"></span> 100 %. '
        f'<span style="color:{_USED}">▾</span> is used, <span style="color:{_FAILED}">×</span> could not be '
        "read.</div>"
    )


def season_line(period: Period, days: Sequence[Day], used: Sequence[Day]) -> str:
    """What a season has, and what its composite is going to show."""
    name = "" if period.name.startswith(f"{period.start:%Y}") else f"{escape(period.name)} · "
    when = f"{period.start:%-d %b %Y} to {period.end:%-d %b %Y}"
    one, three = clear_shares(used)
    amount = sum(d.megabytes for d in used)
    return (
        f"<b>{name}{when}</b>: {len(used)} of {counted(len(days), 'day')} used, {_megabytes(amount)}. "
        f"<b>{per_cent(one)}</b> of the box will be clear on one of them or more, <b>{per_cent(three)}</b> on three."
    )


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
    told = [("", "@date"), ("cloud", "@cloud{0 %}"), ("seen", "@covered{0 %}"), ("clear", "@clear{0 %}"),
            ("", "@megabytes"), ("", "@what")]  # fmt: skip
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
        "mark": 1.14 if used else nan, "failed": nan if read else 0.12, "date": f"{day.date:%-d %b %Y}",
        "megabytes": _megabytes(day.megabytes) if read else "", "what": "used" if used else why,
    }  # fmt: skip


def _megabytes(amount: float) -> str:
    return f"{amount:,.0f} MB" if amount >= 10 else f"{amount:.1f} MB"
