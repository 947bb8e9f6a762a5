"""What imagery of a place a study asks for: the settings of ``lcz get``."""

from __future__ import annotations

import param

from lczlib.acquire.providers import PROVIDERS
from lczlib.jobs.get_request import GetRequest
from lczlib.study.settings import add_parameters

_WHEN = ("provider", "level", "seasons", "year", "start", "end", "dilation")
_HOW = ("composite", "max_cloud", "days", "haze", "offsets")
WHEN = {n: f"get_{n}" for n in _WHEN}
"""What a search depends on, beside the place: setting of the request to that of the study."""
NAMES = WHEN | {n: f"get_{n}" for n in _HOW}
"""What the imagery depends on."""


class GetInputs(param.Parameterized):
    """From which service, when, and how composites are made; the box is the study's area."""


add_parameters(GetInputs, GetRequest, NAMES, provider={"objects": list(PROVIDERS)})
