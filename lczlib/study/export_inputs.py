"""The settings of a study's maps for other software: those of the job, under the study's names."""

from __future__ import annotations

import param

from lczlib.jobs.export import ExportRequest
from lczlib.jobs.map_files import OneMap
from lczlib.settings import described
from lczlib.study.settings import add_parameters

_NOT_HERE = {
    "to", "check", "probabilities",  # all targets are written, with the maps' own probabilities
    *described(OneMap),  # its maps are open
}  # fmt: skip
_FILES = {"polygons": "polygon_files", "geo_em": "geo_em_files"}
NAMES = {
    name: _FILES.get(name, f"export_{name}")
    for name in described(ExportRequest)
    if name not in _NOT_HERE
}
"""Setting of the job to that of the study."""
WORDS = tuple(called for called in NAMES.values() if called not in _FILES.values())
"""Those that are no files."""


class ExportInputs(param.Parameterized):
    """What the maps of a study are written with for other software."""


add_parameters(ExportInputs, ExportRequest, NAMES)
