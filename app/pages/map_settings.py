"""How a visitor's own map and reference are read, where it was not found out or found out wrongly."""

from __future__ import annotations

from typing import Any

import panel as pn

from lczlib.study import Study
from lczlib.study.wording import OWN_MAP_CARDS

_WIDE = {"sizing_mode": "stretch_width"}
_FILES = {"own_map": "map", "reference": "reference"}
"""Step that reads a file: the first part of its settings' names."""


def map_cards(study: Study) -> pn.Column:
    """A card for each own map, shown while there is one."""
    return pn.Column(*[_card(study, step, which) for step, which in _FILES.items()], **_WIDE)


def _card(study: Study, step: str, which: str) -> pn.Card:
    schemes = {"by its codes and legend": ""} | {n: n for n in study.param.map_scheme.objects if n}
    card = pn.Card(
        pn.widgets.TextInput.from_param(study.param[f"{which}_band"], name="Band", **_WIDE),
        pn.widgets.Select.from_param(
            study.param[f"{which}_scheme"], name="Numbering", options=schemes, **_WIDE
        ),
        pn.widgets.TextInput.from_param(study.param[f"{which}_nodata"], name="No data", **_WIDE),
        pn.widgets.TextInput.from_param(
            study.param[f"{which}_legend"], name="Legend", placeholder="1=2,2=3,3=B,4=D,5=G", **_WIDE
        ),
        pn.widgets.TextInput.from_param(
            study.param[f"{which}_column"], name="Column (of polygons)", **_WIDE
        ),
        pn.widgets.TextInput.from_param(
            study.param[f"{which}_layer"], name="Layer (of polygons)", **_WIDE
        ),
        title=OWN_MAP_CARDS[step], collapsed=True, margin=(4, 5), **_WIDE,
    )  # fmt: skip

    def show(*_: Any) -> None:
        card.visible = bool(getattr(study, f"{which}_files"))

    study.param.watch(show, f"{which}_files")
    show()
    return card
