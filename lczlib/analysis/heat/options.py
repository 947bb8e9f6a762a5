"""The choices of a heat island, each with its default and what it means; no data library is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lczlib.classes import lcz_class
from lczlib.settings import setting, settle

Statistic = Literal["median", "mean"]
Way = Literal["majority", "point", "probabilities"]
"""How the map tells a station's class: the commonest in the circle, that of the pixel it stands on, or the
one with the highest mean probability in the circle."""
LOW_PLANTS = 14
"""LCZ D, the reference of Stewart & Oke (2012): UHI = T(LCZ X) - T(LCZ D)."""
HEAT_WAVES = "Heat waves"
LEVELS = ("duplicates", "outliers", "flagged", "correlation", "buddies")
"""``duplicates``: stations at the same place are dropped. ``outliers``: values with a robust z-score
below the 0.01 or above the 0.95 quantile of the normal distribution. ``flagged``: station-months with
more than 20% of those are dropped. ``correlation``: station-months that correlate less than 0.9 with
the median of those they are judged by. ``buddies``: values off those of the neighbours."""


@dataclass(frozen=True, kw_only=True)
class HeatOptions:
    """What every heat island is told; all of it is written with the result."""

    reference: str | int = setting(
        "D", "Class that the others are compared with. D (low plants) is the usual one; the heat island "
        "of another reference is another quantity.", title="Compare with", check=lcz_class,
    )  # fmt: skip
    fallback: bool = setting(
        False, "Where there is too little of LCZ D, let LCZ C stand in for it, and after that what there "
        "is of LCZ D; the result then says so. Without: temperatures and no differences.",
        title="Stand-in (LCZ C)",
    )  # fmt: skip
    confidence: float = setting(
        0.95, "Of the intervals: 0.95 holds the truth 19 times of 20.",
        title="Confidence", low=0, high=1, open_ends=True,
    )  # fmt: skip
    seed: int = setting(
        0, "Of all random draws: the same seed, the same intervals.", title="Seed", low=0
    )
    heat_wave_days: int = setting(
        3, "Fewest days in a row that make a heat wave.", title="Days of a heat wave", low=1,
        group=HEAT_WAVES,
    )  # fmt: skip
    heat_wave_threshold: float | None = setting(
        None, "Daily maximum in degC that a day of a heat wave exceeds, at the stations of the reference or in "
        "the daily maxima; by default the 95th percentile of all daily maxima of the record.",
        title="Heat wave from a daily maximum of (°C)", group=HEAT_WAVES, usual="95th percentile",
    )  # fmt: skip

    def __post_init__(self) -> None:
        settle(self)


_PIXELS = "Pixels that count"


@dataclass(frozen=True, kw_only=True)
class SurfaceOptions(HeatOptions):
    """Choices of `lczlib.analysis.heat.surface.surface_heat_island`, and of that of air rasters."""

    statistic: Statistic = setting("median", "Of the pixels of a class.", title="Statistic")
    interior: int = setting(
        1, "Pixels eroded from the border of each patch, where mixed pixels blur the zones; 0 uses all.",
        title="Border pixels left out", low=0, group=_PIXELS,
    )  # fmt: skip
    min_pixels: int = setting(
        30, "A class with fewer pixels has its difference told without an interval.",
        title="Fewest pixels of a class", low=1, group=_PIXELS,
    )  # fmt: skip
    min_patches: int = setting(
        3, "A class in fewer patches has its difference told without an interval.",
        title="Fewest patches of a class", low=1, group=_PIXELS,
    )  # fmt: skip
    elevation_band: float = setting(
        100.0, "With elevations: reference patches whose median height is further (m) from that of a "
        "class are left out of its comparison, since air cools upwards.",
        title="Elevation band (m)", low=0, open_ends=True, group=_PIXELS,
    )  # fmt: skip
    water_distance: float = setting(
        0.0, "Reference pixels nearer than this (m) to LCZ G are left out; 0 keeps all.",
        title="Distance to water (m)", low=0, group=_PIXELS,
    )  # fmt: skip
    block_size: float | None = setting(
        None, "Side of a bootstrap block of the further measures in metres; the zones' intervals hang on no "
        "block. By default four times the correlation range of the residuals, but at most a fifth of the "
        "scene's longer side, and no smaller than makes 2,000 blocks.",
        title="Bootstrap block (m)", low=0, open_ends=True, usual="from the data",
    )  # fmt: skip
    replicates: int = setting(
        1000, "Draws of the further measures' bootstrap and of errors on drawn maps: more make the "
        "interval's ends steadier, and take longer.",
        title="Bootstrap replicates", low=100,
    )  # fmt: skip
    sampled_maps: int = setting(
        20, "With class probabilities: maps drawn from them, to carry the map's own error.",
        title="Maps drawn", low=2,
    )  # fmt: skip
    error_range: float = setting(
        500.0, "Distance (m) over which map errors go together in drawn maps.",
        title="Range of map errors (m)", low=0, open_ends=True,
    )  # fmt: skip


_WEATHER = "Calm and clear hours"


@dataclass(frozen=True, kw_only=True)
class CanopyOptions(HeatOptions):
    """Choices of `lczlib.analysis.heat.canopy.canopy_heat_island`."""

    statistic: Statistic = setting(
        "mean", "Over the hours, of the hourly differences.", title="Statistic"
    )
    calm_wind: float = setting(
        2.0, "With weather: hours with at most this wind (m/s) are calm.", title="Calm up to (m/s)",
        low=0, group=_WEATHER,
    )  # fmt: skip
    clear_cloud: float = setting(
        2.0, "With weather: hours with at most this cloud (oktas) are clear.",
        title="Clear up to (oktas)", low=0, high=8, group=_WEATHER,
    )  # fmt: skip
    lapse_rate: float = setting(
        0.0, "K per m by which temperatures are brought to the mean height of the stations; 0 leaves them "
        "as measured, 0.0065 is the standard atmosphere. Needs every station's elevation.",
        title="Lapse rate (K per m)", low=-1, high=1,
    )  # fmt: skip
    day_block: int = setting(
        7, "Days drawn together in the bootstrap: longer than weather persists.",
        title="Days drawn together", low=1,
    )  # fmt: skip
    replicates: int = setting(
        500, "Bootstrap draws: more make the interval's ends steadier, and take longer.",
        title="Bootstrap replicates", low=100,
    )  # fmt: skip


BORDER_DISTANCE = 250.0
"""Nearest that a sensor stands to another zone, m: the radius in which a station's zone is judged."""
SPACING = 500.0
"""Nearest that two sensors stand to each other, m. What a sensor feels lies within some 250 m of it,
the radius in which a station's zone is judged (`station_zones`); nearer than twice that, two sensors
share their ground and are one. Stewart & Oke (2012) ask 400-1,000 m across of a zone for the same
reason, and Oke (2006, WMO/TD-No. 1250) gives a circle of influence of about 500 m."""


@dataclass(frozen=True, kw_only=True)
class SiteOptions:
    """Choices of `lczlib.analysis.heat.network.sensor_sites`."""

    border_distance: float = setting(
        BORDER_DISTANCE, "Nearest that a sensor stands to another zone, m.",
        title="Distance to other zones (m)", low=0,
    )  # fmt: skip
    spacing: float = setting(
        SPACING, "Nearest that two sensors stand to each other, m.", title="Distance of sensors (m)",
        low=0,
    )  # fmt: skip
    with_water: bool = setting(False, "Place sensors in LCZ G too.", title="Sensors in water")
    seed: int = setting(
        0, "Of the sample of places that are tried in large zones: the same seed, the same sites.",
        title="Seed", low=0,
    )  # fmt: skip
