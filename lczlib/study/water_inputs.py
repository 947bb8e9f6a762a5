"""The settings of a study's surface water: those of the job, under the study's names."""

from __future__ import annotations

import param

from lczlib.jobs.water import WaterRequest
from lczlib.settings import described
from lczlib.study.settings import add_parameters

NAMES = {
    name: {"inputs": "water_files", "descending": "water_descending_files"}.get(
        name, f"water_{name}"
    )
    for name in described(WaterRequest)
    # the study has one device for all its networks, maps with the published ones, and makes a series where
    # it can
    if name not in ("device", "weights", "every")
}
"""Setting of the job to that of the study."""


class WaterInputs(param.Parameterized):
    """What the surface water of a study is mapped from and with."""


add_parameters(
    WaterInputs, WaterRequest, NAMES,
    orbit={"default": "as", "objects": ["as", "des", "as_des"]},
    threshold={"bounds": (0.05, 0.95), "inclusive_bounds": (True, True)},
)  # fmt: skip

WATER_INPUTS = tuple(n for n in WaterInputs.param if n not in ("name", "water_threshold"))
"""Those that the network depends on; the threshold comes after it."""
