"""LCZ G against a radar water map, as a table."""

from __future__ import annotations

from lczlib.classes import lcz_class
from lczlib.kinds import map_title
from lczlib.study.water import WaterSummary
from lczlib.texts import text

from .markup import number, table
from .words import zone_label


def water_agreement(summary: WaterSummary | None) -> str:
    """How far each map's water is the radar's; where there is no water map, how to make one."""
    if summary is None:
        return (
            '<div class="lcz-note">'
            + text(
                "LCZ G can be checked against a radar water map: make one on the <b>Water</b> page."
            )
            + "</div>"
        )
    rows = []
    for name, found in summary.against_lcz.items():
        known = found["both"] + found["lcz_only"]
        radar = found["both"] + found["radar_only"]
        rows.append(
            (
                map_title(name), number(found["agreement"], 3), number(found["jaccard"], 3),
                f"{known:,}", f"{radar:,}", f"{found['both']:,}", f"{found['n']:,}",
            )
        )  # fmt: skip
    g = lcz_class("G")
    if not summary.against_lcz:
        said = text("No LCZ map here covers the area of the radar water map.")
        return f'<div class="lcz-note">{said}</div>'
    title = text("LCZ G against radar water")
    if summary.months:
        title = text("LCZ G against radar water of {month}").format(month=summary.months[-1])
    heads = (
        text("map"), text("agreement"), text("overlap (Jaccard)"),
        text("{zone} cells").format(zone=zone_label(g)), text("radar water cells"), text("both"), "n",
    )  # fmt: skip
    return f"<h3>{title}</h3>" + table(heads, rows)
