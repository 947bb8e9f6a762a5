"""How a visitor's own imagery, map and reference are read, where it was not found out or found out wrongly."""

from __future__ import annotations

from typing import Any

import panel as pn

from lczlib.study import Study
from lczlib.study.wording import OWN_MAP_CARDS
from lczlib.texts import text, text_as

from ..parts.fields import bound

_WIDE = {"sizing_mode": "stretch_width"}
_FILES = {"own_map": "map", "reference": "reference"}
"""Step that reads a file: the first part of its settings' names."""


def map_cards(study: Study) -> pn.Column:
    """A card for each own map, shown while there is one."""
    return pn.Column(*[_card(study, step, which) for step, which in _FILES.items()], **_WIDE)


def own_values(study: Study, day: Any) -> pn.Card:
    """What the values of an own Sentinel-2 image mean.

    Parameters
    ----------
    study : Study
        Whose image it is.
    day : Button
        Offers the day that is in the name of the image.
    """
    of, by_file = study.param, text("as the file says")

    def number(name: str, title: str, step: float) -> Any:
        return bound(
            pn.widgets.FloatInput, of[name], name=title, placeholder=by_file, step=step, **_WIDE
        )

    levels = {by_file: "", "L1C": "L1C", "L2A": "L2A"}
    ways = {text_as("resampling", "none"): "", text("to 10 m in UTM"): "utm"}
    return pn.Card(
        bound(pn.widgets.Select, of.s2_level, name=text("Level"), options=levels, **_WIDE),
        bound(
            pn.widgets.TextInput, of.s2_date, name=text("Day of the image"), placeholder=text("year-month-day"), **_WIDE
        ),
        day,
        number("s2_scale", text("Scale"), 1e-4),
        number("s2_offset", text("Offset"), 100),
        number("s2_nodata", text("No data"), 1),
        bound(
            pn.widgets.TextInput, of.s2_bands, name=text("Bands"), placeholder=text("B02,B03,... in file order"),
            **_WIDE
        ),
        bound(pn.widgets.Select, of.s2_resample, name=text("Resampling"), options=ways, **_WIDE),
        bound(pn.widgets.Checkbox, of.s2_keep_clouds, name=text("Keep clouds (of a band SCL)")),
        bound(pn.widgets.Checkbox, of.s2_accept_values, name=text("Map them though they look wrong")),
        title=text("Values of your Sentinel-2"), visible=False, margin=(4, 5), **_WIDE,
    )  # fmt: skip


def _card(study: Study, step: str, which: str) -> pn.Card:
    schemes = {text("by its codes and legend"): ""} | {
        n: n for n in study.param.map_scheme.objects if n
    }

    def named(kind: str, title: str, **options: Any) -> Any:
        parameter = study.param[f"{which}_{kind}"]
        return bound(pn.widgets.TextInput, parameter, name=title, **options, **_WIDE)

    numbering = study.param[f"{which}_scheme"]
    card = pn.Card(
        named("band", text("Band")),
        bound(pn.widgets.Select, numbering, name=text("Numbering"), options=schemes, **_WIDE),
        named("nodata", text("No data")),
        named("legend", text("Legend"), placeholder="1=2,2=3,3=B,4=D,5=G"),
        named("column", text("Column (of polygons)")),
        named("layer", text("Layer (of polygons)")),
        title=text(OWN_MAP_CARDS[step]), collapsed=True, margin=(4, 5), **_WIDE,
    )  # fmt: skip

    def show(*_: Any) -> None:
        card.visible = bool(getattr(study, f"{which}_files"))

    study.param.watch(show, f"{which}_files")
    show()
    return card
