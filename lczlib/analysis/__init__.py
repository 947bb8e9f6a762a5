"""What maps are worth and what they say: accuracy and comparison. Pure functions."""

from lczlib.analysis.area import class_areas, stratified_estimate
from lczlib.analysis.assessment import Assessment, assess, assess_units
from lczlib.analysis.bootstrap import bootstrap_sums, score_intervals
from lczlib.analysis.calibration import Calibration, calibration
from lczlib.analysis.comparison import (
    Comparison,
    agreement_matrix,
    class_pairs,
    compare,
    compare_all,
    consensus,
)
from lczlib.analysis.confusion import block_confusion, confusion, polygon_confusion
from lczlib.analysis.differences import AccuracyDifference, accuracy_difference
from lczlib.analysis.filters import gaussian_filter, majority_filter
from lczlib.analysis.protocol import lcz_generator_protocol
from lczlib.analysis.scores import CLASS_SCORES, SCORES, SIMILARITY

__all__ = [
    "CLASS_SCORES",
    "SCORES",
    "SIMILARITY",
    "AccuracyDifference",
    "Assessment",
    "Calibration",
    "Comparison",
    "accuracy_difference",
    "agreement_matrix",
    "assess",
    "assess_units",
    "block_confusion",
    "bootstrap_sums",
    "calibration",
    "class_areas",
    "class_pairs",
    "compare",
    "compare_all",
    "confusion",
    "consensus",
    "gaussian_filter",
    "lcz_generator_protocol",
    "majority_filter",
    "polygon_confusion",
    "score_intervals",
    "stratified_estimate",
]
