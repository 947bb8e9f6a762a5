"""What a visitor says of own Sentinel-2: the options of ``lcz map`` as settings of a study."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import param

from lczlib.map_request import MapRequest
from lczlib.scene_options import SceneOptions
from lczlib.study.given import Given
from lczlib.study.settings import add_parameters, told

_VALUES = {n: f"s2_{n}" for n in ("scale", "offset", "nodata", "bands", "keep_clouds")}
_MAPPING = {n: f"s2_{n}" for n in ("level", "date", "resample", "accept_values")}
OWN_VALUES = tuple(_VALUES.values())
"""Settings that say what the values of a visitor's Sentinel-2 mean, which opening it needs."""
OWN_MAPPING = tuple(_MAPPING.values())
"""Settings that only its map depends on."""


class SceneInputs(param.Parameterized):
    """What the values of own Sentinel-2 mean, how it is brought to what a network reads, and to whose places."""

    adapt_files = param.ClassSelector(
        default=(), class_=tuple, doc="Own polygons that Sentinel-2's network is adapted to."
    )


add_parameters(SceneInputs, MapRequest, _VALUES | _MAPPING)


_DAY = re.compile(r"(?<!\d)(20\d\d)([-_.]?)(\d\d)\2(\d\d)(?!\d)")


def day_named(files: Sequence[str]) -> str:
    """The one day that the names of own files state, as year-month-day; empty where none, or several, are.

    A guess to be offered, not taken: a name may hold the day of its making.
    """
    days = set()
    for found in (m for f in files for m in _DAY.finditer(Path(f).name)):
        try:
            days.add(date(int(found[1]), int(found[3]), int(found[4])).isoformat())
        except ValueError:  # digits of something else
            continue
    return days.pop() if len(days) == 1 else ""


def scene_facts(given: Given) -> dict[str, Any]:
    """What is known of how a study's Sentinel-2 is read, as fields of a `MapRequest`: by visitor or catalog."""
    material = given.scene
    if material.own:
        return told(given, MapRequest, _VALUES | _MAPPING, SceneInputs)
    return {"level": material.level, "date": material.date}


def own_scene_options(given: Given) -> SceneOptions:
    """How a visitor's Sentinel-2 is opened."""
    return SceneOptions(**told(given, SceneOptions, _VALUES, SceneInputs))
