"""The classes of maps with their areas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np
import xarray as xr

from lczlib.analysis import class_areas
from lczlib.classes import CLASSES
from lczlib.errors import LczError
from lczlib.kinds import Kind, map_title
from lczlib.study.published import said_of
from lczlib.texts import text

from .classhelp import describe
from .words import zone_label, zone_name

_LEGEND_ROW = (
    '<div class="row{off}" role="listitem"><button class="swatch" data-lcz="{number}" aria-pressed="{alone}" '
    'aria-label="{alone_said}" title="{show_said}" style="background:{color}"></button>'
    '<details><summary title="{looks_said}"><span class="what"><b>{code}</b> {name}</span>'
    '<span class="area">{area}</span></summary>{details}</details></div>'
)
ISOLATE = "isolate"
"""Name of the hidden field that a click on a legend's colour fills."""
ISOLATE_JS = f"""document.addEventListener('click', (event) => {{
  const swatch = event.composedPath().find(e => e.dataset && e.dataset.lcz)
  if (!swatch) return
  const alone = swatch.getAttribute('aria-pressed') === 'true'
  for (const doc of Bokeh.documents) {{
    const field = [...doc._all_models.values()].find(m => m.title === '{ISOLATE}')
    if (field) field.value = alone ? '0' : swatch.dataset.lcz
  }}
}})"""


def published_note(maps: Mapping[str, xr.DataArray], shown: Iterable[str | None]) -> str:
    """What the published map is, where it is among those shown."""
    if Kind.GLOBAL not in maps or Kind.GLOBAL not in shown:
        return ""
    return f'<div class="lcz-note">{escape(said_of(maps[Kind.GLOBAL]))}</div>'


def legend(
    maps: Mapping[str, xr.DataArray], colors: Sequence[str], where: str = "", isolated: int = 0
) -> str:
    """The classes of some maps with name and areas; each opens and says what it looks like.

    Of one map with the share of each class, of several with the area in each of them; `where` says of which
    ``{maps}`` that is.
    A click on a colour shows its class alone, and once more all of them: `isolated` is the one shown.
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
        label = zone_label(c)
        area = " | ".join(f"{v:,.2f}" for v in own) + " km²"
        if not several:
            area += f" · {100 * own[0] / total:.0f} %"
        rows.append(
            _LEGEND_ROW.format(
                color=colors[c.number - 1], number=c.number, alone=str(c.number == isolated).lower(),
                off="" if isolated in (0, c.number) else " off", code=c.code, name=zone_name(c), area=area,
                details=describe(c.number), alone_said=text("{zone} alone").format(zone=label),
                show_said=text("Show {zone} alone, or all again").format(zone=label),
                looks_said=text("{zone}: what it looks like").format(zone=label),
            )
        )  # fmt: skip
    of = " | ".join(escape(name) for name in maps)
    said = (where or text("Areas in {maps}")).format(maps=of)
    head = f'<div class="lcz-note">{said}</div>' if several else ""
    return (
        f'{head}<div class="lcz-legend" role="list" aria-label="{text("Classes and areas")}">'
        f"{''.join(rows)}</div>"
    )


def shared_legend(maps: Mapping[str, xr.DataArray], colors: Sequence[str], isolated: int) -> str:
    """Of maps by kind, with their areas where all have a class: only that can be compared."""
    from lczlib.analysis import where_all_map

    where = text("Areas in {maps}, where each of them has a class")
    try:
        maps = where_all_map(maps)
    except LczError:  # of two places
        where = text("Areas in {maps}, which share no ground")
    named = {map_title(n): lcz for n, lcz in maps.items()}
    return legend(named, colors, where, isolated)
