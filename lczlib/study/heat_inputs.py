"""The settings of a study's heat island: those of the jobs, under the study's names."""

from __future__ import annotations

import param

from lczlib.classes import CLASSES
from lczlib.jobs.air_heat import AirHeatRequest
from lczlib.jobs.canopy_heat import CanopyHeatRequest
from lczlib.jobs.surface_heat import SurfaceHeatRequest
from lczlib.kinds import Kind
from lczlib.scenes.thermal_units import PLAUSIBLE, SCALED_UNITS
from lczlib.settings import described
from lczlib.study.settings import add_parameters

_CALLED = {
    "kind": "heat_product", "qc": "heat_quality", "heat_wave_threshold": "heat_wave",
    "heat_wave_days": "heat_wave_days",  "time": "heat_acquired",
    "lst": "thermal_files", "air": "air_files", "quality": "quality_files", "mtl": "mtl_files",
    "elevation": "elevation_files", "stations": "station_files", "weather": "weather_files",
    "station_classes": "station_class_files", "daily_maxima": "maxima_files",
}  # fmt: skip
"""Names of a study's settings where they are not ``heat_`` and that of the job."""
_NOT_HERE = {
    "map_path", "city", "probabilities", "sites",  # the study has these itself
    "scheme", "legend", "cell", "map_column", "map_layer", "map_band", "map_nodata",  # its map is open
}  # fmt: skip


def _names(request: type, **own: str) -> dict[str, str]:
    """Each setting of a request, and what a study calls it."""
    return {
        name: own.get(name, _CALLED.get(name, f"heat_{name}"))
        for name in described(request)
        if name not in _NOT_HERE
    }


NAMES: dict[str, dict[str, str]] = {
    "surface": _names(SurfaceHeatRequest),
    "air": _names(AirHeatRequest),
    # one page for both: what stations are measured in does not hold for rasters
    "canopy": _names(CanopyHeatRequest, unit="heat_air_unit"),
}
"""Of each kind of heat island: setting of the job to that of the study."""
REQUESTS = {"surface": SurfaceHeatRequest, "air": AirHeatRequest, "canopy": CanopyHeatRequest}


class HeatInputs(param.Parameterized):
    """What the heat island of a study is computed with, beside the settings of the jobs."""

    heat_kind = param.Selector(default="surface", objects=["surface", "canopy", "air"])
    heat_map = param.String(str(Kind.FUSED), doc="The map whose zones are compared.")
    heat_time = param.Selector(
        default="day", objects=["day", "night"], label="Overpass",
        doc="Overpass that is shown. Day and night are never mixed.",
    )  # fmt: skip
    heat_map_error = param.Boolean(
        False,
        label="Carry the map's own error",
        doc="Carry the map's own error: classes are drawn anew from their probabilities, and the "
        "interval holds the pull of cells that the map has wrong. Needs a map made here.",
    )
    heat_place_elevation = param.Boolean(
        False,
        label="Use the elevation of this place",
        doc="Use the elevation raster that lies beside the scenes of this place, as an own one would be "
        "used: to compare at one height, and for stations that state none.",
    )


for _kind, _request in REQUESTS.items():
    add_parameters(
        HeatInputs, _request, NAMES[_kind],
        unit={"objects": ["", "K", "degC", "degF", *(() if _kind == "canopy" else SCALED_UNITS)]},
        reference={"objects": [c.code for c in CLASSES]},
        statistic={"default": "", "objects": ["", "median", "mean"]},
        replicates={"default": None, "bounds": (100, 10000)},
        plausible={"default": PLAUSIBLE, "bounds": (-100, 120)},
        interior={"bounds": (0, 20)}, confidence={"bounds": (0.5, 0.995), "inclusive_bounds": (True, True)},
        lapse_rate={"bounds": (-0.02, 0.02)},
    )  # fmt: skip

HEAT_INPUTS = tuple(n for n in HeatInputs.param if n != "name")
