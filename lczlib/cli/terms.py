"""How the command line writes the settings that messages name: as its options."""

from __future__ import annotations

import shlex
from functools import cache

from lczlib.settings import described
from lczlib.terms import command_line


@cache
def _flags() -> dict[str, str]:
    """Options that are not called as their settings."""
    from lczlib.jobs.batch import BatchRequest
    from lczlib.jobs.water import WaterRequest
    from lczlib.map_request import MapRequest
    from lczlib.training.request import TrainRequest

    requests = (BatchRequest, MapRequest, WaterRequest, TrainRequest)
    return {n: s.setting.flag for r in requests for n, s in described(r).items() if s.setting.flag}


def face(name: str, value: str) -> str:
    """``--scheme 0-16``, ``--date 2020-01-01`` of the setting ``dates``, ``--scheme 'my map=0-16'``."""
    if "=" in value:  # of one file, whose name may hold what a shell does not take
        value = shlex.quote(value)
    flag = _flags().get(name)
    return f"{flag} {value}".rstrip() if flag else command_line(name, value)
