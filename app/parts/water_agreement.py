"""LCZ G against a radar water map, as a table."""

from __future__ import annotations

from lczlib.classes import lcz_class
from lczlib.kinds import TITLES
from lczlib.study.water import WaterSummary

from .markup import number, table


def water_agreement(summary: WaterSummary | None) -> str:
    """How far each map's water is the radar's; where there is no water map, how to make one."""
    if summary is None:
        return (
            '<div class="lcz-note">LCZ G can be checked against a radar water map: make one on '
            "the <b>Water</b> page.</div>"
        )
    rows = []
    for name, found in summary.against_lcz.items():
        known = found["both"] + found["lcz_only"]
        radar = found["both"] + found["radar_only"]
        rows.append(
            (
                TITLES[name], number(found["agreement"], 3), number(found["jaccard"], 3),
                f"{known:,}", f"{radar:,}", f"{found['both']:,}", f"{found['n']:,}",
            )
        )  # fmt: skip
    g = lcz_class("G")
    if not summary.against_lcz:
        return '<div class="lcz-note">No LCZ map here covers the area of the radar water map.</div>'
    when = f" of {summary.months[-1]}" if summary.months else ""
    return f"<h3>LCZ G against radar water{when}</h3>" + table(
        (
            "map",
            "agreement",
            "overlap (Jaccard)",
            f"{g.label} cells",
            "radar water cells",
            "both",
            "n",
        ),
        rows,
    )
