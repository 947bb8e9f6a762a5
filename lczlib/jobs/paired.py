"""Assessments by one reference, compared: the same cells decide, so what is hard in them cancels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lczlib.errors import LczError
from lczlib.jobs.assess import AssessRequest, opened
from lczlib.jobs.report_results import Results, by_reference

if TYPE_CHECKING:
    from lczlib.analysis import AccuracyDifference
    from lczlib.jobs.methods_facts import Recorded

_ALIKE = ("reference", "resample", "block", "replicates", "seed")
_NOT_HERE = ("polygons", "stratified_sample")
"""Settings that the paired comparison does not know."""


def told_apart(results: Results) -> Results:
    """The same with the paired difference of each reference's two most accurate maps, where it can be told."""
    judged, apart = results.judged, {}
    for own in by_reference(judged).values():
        ranked = sorted(
            (i for i in own if np.isfinite(judged[i].scored.oa)), key=lambda i: -judged[i].scored.oa
        )
        if len(ranked) > 1:
            first, second = (judged[i].recorded for i in ranked[:2])
            found = paired(first, second) if first and second else None
            if found is not None:
                apart[ranked[0], ranked[1]] = found
    return replace(results, differences=apart)


def paired(first: Recorded, second: Recorded) -> AccuracyDifference | None:
    """The difference in accuracy of two maps whose assessments were written.

    Parameters
    ----------
    first, second : Recorded
        Results of ``lcz assess``.

    Returns
    -------
    AccuracyDifference or None
        None where it cannot be told any more: by other references or settings, inputs that are gone or changed.
    """
    from lczlib.analysis import accuracy_difference
    from lczlib.reading import quiet

    try:
        with quiet():  # all of it was told when the maps were judged
            one, other = request_of(first.content, first), request_of(second.content, second)
            if any(getattr(one, n) != getattr(other, n) for n in _ALIKE):
                return None
            if any(getattr(r, n, None) for r in (one, other) for n in _NOT_HERE):
                return None
            mapped, truth = opened(one)
            beside, _ = opened(other)
            return accuracy_difference(
                mapped, beside, truth, resampling=one.resample, block=one.block, replicates=one.replicates,
                seed=one.seed,
            )  # fmt: skip
    except (LczError, OSError):
        return None


def request_of(content: Mapping[str, Any], recorded: Recorded) -> AssessRequest:
    """What an assessment was asked for, of its inputs as they lie now.

    Raises
    ------
    InputError
        If an input is gone or changed, or the settings are another version's.
    """
    from lczlib.export.inputs import find_inputs
    from lczlib.export.manifest import understood

    with understood(recorded.path):
        found = find_inputs(content, recorded.folder)
        files = content["path_parameters"]
        told = {
            n: v
            for n, v in content["parameters"].items()
            if n in AssessRequest.settings() and v is not None
        }
        values = {
            n: tuple(v) if isinstance(v, list) else found.path(v) if n in files else v for n, v in told.items()
        }  # fmt: skip
        return AssessRequest(**values)
