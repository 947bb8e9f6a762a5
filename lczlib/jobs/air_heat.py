"""The canopy heat island of rasters of air temperature, of a model or interpolated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lczlib.jobs.heat_choices import AIR, PixelHeatRequest
from lczlib.jobs.request import Source, Steps, is_path
from lczlib.jobs.result import job
from lczlib.settings import setting

if TYPE_CHECKING:
    from lczlib.jobs.pixel_heat import PixelHeat
    from lczlib.scenes.thermal import Thermal


@dataclass(frozen=True, kw_only=True)
class AirHeatRequest(PixelHeatRequest):
    """The canopy heat island of a map's zones, from rasters."""

    kinds: ClassVar = ("canopy", "pixels")

    air: tuple[Source, ...] = setting(
        ..., "Air temperature raster; several for several dates.", title="Air temperature rasters",
        file=True, group=AIR,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_times(self.air)


@job
def run(request: AirHeatRequest, step: Steps) -> PixelHeat:
    """The canopy heat island of a map's zones, with its intervals."""
    from lczlib.analysis.heat.air import air_heat_island
    from lczlib.jobs.heat_arrays import each_date
    from lczlib.jobs.pixel_heat import heat_of

    rasters = [date for source in request.air for date in each_date(source)]
    return heat_of(request, rasters, lambda s, i: _opened(request, s, i), air_heat_island, step)


def open_first(request: AirHeatRequest) -> Thermal:
    """The first raster of a request, opened as `run` opens it.

    Raises
    ------
    InputError, GridError
        As of `lczlib.scenes.thermal.open_air_temperature`.
    """
    return _opened(request, request.air[0], 0)


def _opened(request: AirHeatRequest, source: Source, i: int) -> Thermal:
    from lczlib.jobs.heat_arrays import open_array
    from lczlib.scenes.thermal import open_air_temperature
    from lczlib.scenes.thermal_names import AIR as QUANTITY
    from lczlib.scenes.thermal_units import PLAUSIBLE_AIR

    time = request.time[i] if request.time else None
    if not is_path(source):
        return open_array(source, QUANTITY, request.unit, time)
    return open_air_temperature(
        source, unit=request.unit, band=request.band, time=time,
        plausible=request.plausible or PLAUSIBLE_AIR,
    )  # fmt: skip
