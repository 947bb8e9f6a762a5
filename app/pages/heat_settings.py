"""The settings of the heat island, where they stand on its page."""

from __future__ import annotations

from typing import Any

import panel as pn

from lczlib.analysis.heat.air_units import AIR_UNITS, SCALED
from lczlib.analysis.heat.further import MEASURES
from lczlib.classes import CLASSES
from lczlib.study import Study
from lczlib.texts import N_, text

from ..parts.fields import WIDE, card, field, hint
from ..parts.words import zone_label

COMMON = ("heat_reference", "heat_fallback", "heat_statistic", "heat_place_elevation")
SURFACE = {
    "": ("heat_time",),
    N_("Pixels that count"): (
        "heat_interior", "heat_interior_distance", "heat_min_pixels", "heat_min_patches",
        "heat_elevation_band", "heat_water_distance", "heat_plausible", "heat_resample",
    ),
    N_("Own rasters"): (
        "heat_product", "heat_unit", "heat_band", "heat_acquired", "heat_radiance_mult",
        "heat_radiance_add", "heat_k1", "heat_k2",
    ),
    N_("Several dates"): ("heat_persistence", "heat_wave", "heat_wave_days"),
    N_("The map's own error"): ("heat_map_error", "heat_sampled_maps", "heat_error_range"),
    N_("Further measures"): ("heat_measures",),
}  # fmt: skip
CANOPY = {
    "": ("heat_radius", "heat_station_zone"),
    N_("Quality and height"): ("heat_quality", "heat_peers", "heat_lapse_rate"),
    N_("Calm and clear hours, heat waves"): (
        "heat_calm_wind", "heat_clear_cloud", "heat_wave", "heat_wave_days",
    ),
    N_("Own stations"): (
        "heat_time_zone", "heat_time_format", "heat_ambiguous", "heat_columns", "heat_skip_outside",
        "heat_air_unit", "heat_station_scheme",
    ),
}  # fmt: skip
INTERVALS = (
    "heat_confidence", "heat_replicates", "heat_seed", "heat_block_size", "heat_day_block",
)  # fmt: skip
_STEPS = {
    "heat_interior_distance": 50, "heat_elevation_band": 10, "heat_water_distance": 50,
    "heat_persistence": 0.5, "heat_error_range": 100, "heat_radius": 50, "heat_lapse_rate": 0.0005,
    "heat_calm_wind": 0.5, "heat_clear_cloud": 0.5, "heat_confidence": 0.01, "heat_replicates": 100,
    "heat_block_size": 100,
}  # fmt: skip
_UNITS = {N_("as the file says"): "", "K": "K", "°C": "degC", "°F": "degF"}
_OPTIONS = {
    "heat_time": {N_("day"): "day", N_("night"): "night"},
    "heat_statistic": {N_("usual"): "", N_("median"): "median", N_("mean"): "mean"},
    "heat_station_zone": {
        N_("commonest of the circle"): "majority", N_("at the point"): "point", N_("most probable"): "probabilities",
    },
    "heat_peers": {N_("of a similar zone"): "alike", N_("all"): "all"},
}  # fmt: skip
_NOTES = {
    "Several dates": N_(
        "A table of daily maxima, uploaded on the City page, tells dates in heat waves from others."
    ),
    "Calm and clear hours, heat waves": N_(
        "Hourly wind and cloud: upload them on the City page. Then choose the calm and clear nights above the table."
    ),
}  # fmt: skip


def common(study: Study) -> pn.Column:
    """What all heat islands are computed with."""
    return pn.Column(*_fields(study, COMMON), **WIDE)


def surface(study: Study) -> pn.Column:
    """What the heat islands of rasters, of the surface and of the air, are computed with."""
    return _cards(study, SURFACE)


def canopy(study: Study) -> pn.Column:
    """What the heat island of stations alone is computed with."""
    return _cards(study, CANOPY)


def intervals(study: Study) -> pn.Card:
    """How the intervals are drawn."""
    return card(text("Intervals"), _fields(study, INTERVALS))


def _cards(study: Study, cards: dict[str, tuple[str, ...]]) -> pn.Column:
    parts: list[Any] = []
    for title, names in cards.items():
        own = _fields(study, names)
        note = [hint(text(_NOTES[title]))] if title in _NOTES else []
        parts += [card(text(title), [*note, *own])] if title else own
    return pn.Column(*parts, **WIDE)


def _fields(study: Study, names: tuple[str, ...]) -> list[Any]:
    measures = {"heat_measures": {m.title: m.name for m in MEASURES.values()}}
    zones = {"heat_reference": {zone_label(c): c.code for c in CLASSES}}
    of_air = {N_("by the values"): ""} | {u.replace("deg", "°"): u for u in AIR_UNITS + SCALED}
    units = {"heat_unit": _UNITS, "heat_air_unit": of_air}
    options = _OPTIONS | zones | measures | units
    return [
        part for n in names for part in field(study, n, step=_STEPS.get(n), options=options.get(n))
    ]
