"""The choices of an assessment, each with its default and what it means; no data library is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from lczlib.settings import setting

REPLICATES = 1000
"""Bootstrap replicates of an interval, unless others are asked for."""
FEWEST_REPLICATES = 100
"""With fewer, the ends of a 95% interval are a matter of luck."""


@dataclass(frozen=True, kw_only=True)
class AssessOptions:
    """Choices of `lczlib.analysis.assess`."""

    stratified_sample: bool = setting(
        False, "The reference is a random sample stratified by map class: adds area-weighted accuracy and "
        "areas (Olofsson et al. 2014).", title="Stratified sample",
    )  # fmt: skip
    block: int | None = setting(
        None, "Edge of a bootstrap block in cells, where the reference has no polygons.",
        title="Bootstrap block (cells)", low=1, usual="20, more on maps beyond 1280 cells across",
    )  # fmt: skip
    replicates: int = setting(
        REPLICATES, "Bootstrap replicates.", title="Replicates", low=FEWEST_REPLICATES
    )
    seed: int = setting(
        0, "Of all random draws: the same seed, the same intervals.", title="Seed", low=0
    )


PLACE_SIZE = 300.0
"""Side in metres of the square of one class that a place for a polygon holds at least."""
PLACE_SPACING = 1000.0
"""Metres between two such places: an outline reaches half as far, and has 1 km2 at most."""
