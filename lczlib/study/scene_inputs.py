"""What a visitor says of own Sentinel-2: the options of ``lcz map`` as settings of a study."""

from __future__ import annotations

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
    """What the values of own Sentinel-2 mean, and how it is brought to what a network reads."""


add_parameters(SceneInputs, MapRequest, _VALUES | _MAPPING)


def own_request_options(given: Given) -> dict[str, Any]:
    """What a visitor says of own Sentinel-2, as fields of a `MapRequest`."""
    return told(given, MapRequest, _VALUES | _MAPPING, SceneInputs)


def own_scene_options(given: Given) -> SceneOptions:
    """How a visitor's Sentinel-2 is opened."""
    return SceneOptions(**told(given, SceneOptions, _VALUES, SceneInputs))
