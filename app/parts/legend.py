"""The classes of maps with their areas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np
import xarray as xr

from lczlib.analysis import class_areas
from lczlib.classes import CLASSES
from lczlib.kinds import Kind
from lczlib.study.published import said_of

from .classhelp import describe

_LEGEND_ROW = (
    '<details class="row" role="listitem"><summary title="{label}: what it looks like">'
    '<span class="swatch" style="background:{color}"></span>'
    '<span class="what"><b>{code}</b> {name}</span>'
    '<span class="area">{area}</span></summary>{details}</details>'
)


def published_note(maps: Mapping[str, xr.DataArray], shown: Iterable[str | None]) -> str:
    """What the published map is, where it is among those shown."""
    if Kind.GLOBAL not in maps or Kind.GLOBAL not in shown:
        return ""
    return f'<div class="lcz-note">{escape(said_of(maps[Kind.GLOBAL]))}</div>'


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
