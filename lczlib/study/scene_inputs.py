"""What a visitor says of own Sentinel-2: the options of ``lcz map`` as settings of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import param

from lczlib.map_request import MapRequest
from lczlib.options import options_of
from lczlib.scene_options import SceneOptions

_PREFIX = "s2_"


def _setting(name: str) -> param.Parameter:
    """The option of a mapping request as a setting, with its own default, choices and text."""
    option = options_of(MapRequest)[name]
    doc = f"Own Sentinel-2: {option.doc}"
    if option.choices:
        return param.Selector(default=option.default, objects=list(option.choices), doc=doc)
    if option.kind == "names":
        return param.String(",".join(option.default), doc=doc)
    if option.kind == "positive":
        return param.Number(
            option.default, bounds=(0, None), inclusive_bounds=(False, True), doc=doc
        )
    if option.kind in ("finite", "number"):
        return param.Number(option.default, doc=doc)
    if option.type is bool:
        return param.Boolean(option.default, doc=doc)
    return param.String(option.default, doc=doc)


class SceneInputs(param.Parameterized):
    """What the values of own Sentinel-2 mean, and how it is brought to what a network reads."""

    s2_level, s2_date = _setting("level"), _setting("date")
    s2_scale, s2_offset, s2_nodata = _setting("scale"), _setting("offset"), _setting("nodata")
    s2_bands = _setting("bands")
    s2_resample = _setting("resample")
    s2_accept_values = _setting("accept_values")


OWN_VALUES = ("s2_scale", "s2_offset", "s2_nodata", "s2_bands")
"""Settings that say what the values of a visitor's Sentinel-2 mean, which opening it needs."""
OWN_MAPPING = ("s2_level", "s2_date", "s2_resample", "s2_accept_values")
"""Settings that only its map depends on."""


def own_options(values: Mapping[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Some settings as fields of a `MapRequest`."""
    found: dict[str, Any] = {}
    for setting in settings:
        name, value = setting.removeprefix(_PREFIX), values[setting]
        if options_of(MapRequest)[name].kind == "names":
            value = tuple(b.strip() for b in value.split(",") if b.strip())
        found[name] = value
    return found


def own_scene_options(values: Mapping[str, Any]) -> SceneOptions:
    """How a visitor's Sentinel-2 is opened."""
    return SceneOptions(**own_options(values, OWN_VALUES))
