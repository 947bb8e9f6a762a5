"""What maps are worth and what they say: accuracy and comparison. Pure functions."""

from lczlib import lazy

__getattr__, __dir__ = lazy.contents(
    __name__,
    {
        "AccuracyDifference": "differences",
        "Assessment": "assessment",
        "CLASS_SCORES": "scores",
        "Calibration": "calibration",
        "Comparison": "comparison",
        "SCORES": "scores",
        "SIMILARITY": "scores",
        "accuracy_difference": "differences",
        "agreement_matrix": "comparison",
        "assess": "assessment",
        "assess_units": "assessment",
        "block_confusion": "confusion",
        "bootstrap_sums": "bootstrap",
        "class_areas": "area",
        "class_pairs": "comparison",
        "compare": "comparison",
        "compare_all": "comparison",
        "consensus": "comparison",
        "gaussian_filter": "filters",
        "lcz_generator_protocol": "protocol",
        "majority_filter": "filters",
        "next_polygons": "active_learning",
        "polygon_confusion": "confusion",
        "score_intervals": "bootstrap",
        "stratified_estimate": "area",
        "where_all_map": "comparison",
    },
)
