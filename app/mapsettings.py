"""How a visitor's own map and reference are read: what was found, and how to correct it."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
from parts import OWN_MAP_CARDS, html, in_page
from session import Session

_WIDE = {"sizing_mode": "stretch_width"}
_FILES = {"own_map": "map", "reference": "reference"}
"""Step that reads a file: the first part of its settings' names."""


def map_cards(session: Session) -> pn.Column:
    """A card for each own map, shown while there is one."""
    return pn.Column(*[_card(session, step, which) for step, which in _FILES.items()], **_WIDE)


def _card(session: Session, step: str, which: str) -> pn.Card:
    study = session.study
    said = html("")
    schemes = {"by its codes and legend": ""} | {n: n for n in study.param.map_scheme.objects if n}
    card = pn.Card(
        said,
        pn.widgets.TextInput.from_param(study.param[f"{which}_band"], name="Band", **_WIDE),
        pn.widgets.Select.from_param(
            study.param[f"{which}_scheme"], name="Numbering", options=schemes, **_WIDE
        ),
        pn.widgets.TextInput.from_param(study.param[f"{which}_nodata"], name="No data", **_WIDE),
        pn.widgets.TextInput.from_param(
            study.param[f"{which}_legend"], name="Legend", placeholder="1=2,2=3,3=B,4=D,5=G", **_WIDE
        ),
        title=OWN_MAP_CARDS[step], collapsed=False, margin=(4, 5), **_WIDE,
    )  # fmt: skip

    def show(*_: Any) -> None:
        card.visible = bool(getattr(study, f"{which}_files"))
        said.object = _read(getattr(study, step), step)

    study.param.watch(show, [f"{which}_files", step])
    show()
    return card


def _read(found: Any, step: str) -> str:
    """What was read of a map, and what may be wrong with it."""
    raster = getattr(found, "raster", None) if step == "reference" else found
    read = {} if raster is None else raster.attrs.get("read", {})
    if not read:
        return ""
    lines = [f'<div class="lcz-note">{escape(in_page("; ".join(read["said"]), step))}.</div>']
    lines += [
        f'<div class="lcz-banner stale" role="status">{escape(in_page(text, step))}</div>'
        for text in read["cautions"]
    ]
    return "".join(lines)
