"""The settings of a study's field of air temperature: those of the job, under the study's names."""

from __future__ import annotations

import param

from lczlib.jobs.field import FieldRequest
from lczlib.jobs.map_files import OneMap
from lczlib.jobs.station_choices import StationChoices
from lczlib.settings import described
from lczlib.study.heat_inputs import NAMES as OF_HEAT
from lczlib.study.settings import add_parameters

SHARED = {n: called for n, called in OF_HEAT["canopy"].items() if n in described(StationChoices)}
"""Stations are read for a field as they are for the canopy heat island: by the same settings of a study."""
_NOT_HERE = {
    "hourly",  # a page shows the field of a mean; hours by themselves are a file of the command's
    *described(StationChoices), *described(OneMap),  # said for the heat island; its map is open
}  # fmt: skip
NAMES = {
    name: {"coast": "coast_files"}.get(name, f"field_{name}")
    for name in described(FieldRequest)
    if name not in _NOT_HERE
}
"""Setting of the job to that of the study, of those that a field alone has."""


class FieldInputs(param.Parameterized):
    """What the field of a study is computed with, beside what stations are read with."""


add_parameters(
    FieldInputs, FieldRequest, NAMES,
    hours={"objects": ["all", "night", "day"]},
    lapse_rate={"bounds": (-0.02, 0.02)},
)  # fmt: skip
FieldInputs.param.field_hours.doc = (
    "Hours of the record whose mean is mapped. Night: sun below the horizon."
)

FIELD_INPUTS = (
    *(n for n in FieldInputs.param if n != "name"), *SHARED.values(), "heat_map", "heat_place_elevation",
)  # fmt: skip
