"""The settings of a study's accuracy and comparison: those of the jobs, under the study's names."""

from __future__ import annotations

from dataclasses import fields

import param

from lczlib.analysis.options import AssessOptions
from lczlib.jobs.assess import AssessRequest
from lczlib.jobs.compare import CompareRequest
from lczlib.study.settings import add_parameters

RESAMPLE = "nearest"
"""Maps of a study are brought to one grid unless that is refused: its pages are there to look."""

CHOICES = {f.name: f"accuracy_{f.name}" for f in fields(AssessOptions)}
ACCURACY = CHOICES | {"resample": "accuracy_resample"}
"""Of the accuracy: setting of the job to that of the study; `CHOICES` are those of its computation."""
COMPARISON = {"resample": "compare_resample"}


class AccuracyInputs(param.Parameterized):
    """What the accuracy and the comparison of a study are computed with."""


_RESAMPLED = {"resample": {"default": RESAMPLE}}
add_parameters(
    AccuracyInputs, AssessRequest, ACCURACY, replicates={"bounds": (100, 10000)}, **_RESAMPLED
)
add_parameters(AccuracyInputs, CompareRequest, COMPARISON, **_RESAMPLED)
