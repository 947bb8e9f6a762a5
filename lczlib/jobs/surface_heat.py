"""The surface heat island: thermal rasters and a map of the zones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from lczlib.errors import InputError
from lczlib.jobs.heat_choices import SURFACE, PixelHeatRequest
from lczlib.jobs.request import Source, Steps, is_path
from lczlib.jobs.result import job
from lczlib.settings import setting

if TYPE_CHECKING:
    from lczlib.jobs.pixel_heat import PixelHeat
    from lczlib.scenes.thermal import Thermal

_CONSTANTS = ("radiance_mult", "radiance_add", "k1", "k2")


@dataclass(frozen=True, kw_only=True)
class SurfaceHeatRequest(PixelHeatRequest):
    """The surface heat island of a map's zones."""

    kinds: ClassVar = ("surface", "pixels")

    lst: tuple[Source, ...] = setting(
        ..., "Thermal raster; several for several dates, or one whose bands state their times.",
        title="Thermal rasters", file=True, group=SURFACE,
    )  # fmt: skip
    kind: Literal["landsat-l2", "landsat-l1", "modis", "mxd21", "ecostress"] | None = setting(
        None, "Thermal product.", title="Product", usual="by the file's name", group=SURFACE
    )
    quality: Source = setting(
        None, "Quality layer, where it is not beside the file.", title="Quality layer", file=True,
        group=SURFACE,
    )  # fmt: skip
    mtl: Source = setting(
        None, "Landsat metadata (_MTL.txt), where they are not beside the file.",
        title="Landsat metadata (MTL)", file=True, group=SURFACE,
    )  # fmt: skip
    radiance_mult: float | None = setting(
        None, "Landsat Level-1, in place of MTL: radiance multiplier.", title="Radiance multiplier",
        low=0, open_ends=True, group=SURFACE,
    )  # fmt: skip
    radiance_add: float | None = setting(
        None, "Landsat Level-1, in place of MTL: radiance offset.", title="Radiance offset",
        group=SURFACE,
    )  # fmt: skip
    k1: float | None = setting(
        None, "Landsat Level-1, in place of MTL: constant K1.", title="K1", low=0, open_ends=True,
        group=SURFACE,
    )  # fmt: skip
    k2: float | None = setting(
        None, "Landsat Level-1, in place of MTL: constant K2.", title="K2", low=0, open_ends=True,
        group=SURFACE,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_times(self.lst)
        given = [getattr(self, n) is not None for n in _CONSTANTS]
        if any(given) and not all(given):
            msg = "Landsat Level-1 needs all four: radiance multiplier, radiance offset, K1 and K2."
            raise InputError(msg, parameter=_CONSTANTS[given.index(False)])
        self.check_quality(len(self.lst))

    def check_quality(self, n: int) -> None:
        """Refuse one quality layer for several dates.

        Raises
        ------
        InputError
        """
        if self.quality is not None and n > 1:
            msg = (
                "One quality layer cannot belong to several thermal rasters: put each layer beside its "
                "file."
            )
            raise InputError(msg, parameter="quality")


@job
def run(request: SurfaceHeatRequest, step: Steps) -> PixelHeat:
    """The surface heat island of a map's zones, with its intervals."""
    from lczlib.analysis.heat.surface import surface_heat_island
    from lczlib.jobs.pixel_heat import heat_of

    dates = _dates(request)
    bands = [band for _, band in dates]
    return heat_of(
        request, [source for source, _ in dates], lambda s, i: _opened(request, s, bands[i], i),
        surface_heat_island, step,
    )  # fmt: skip


def open_first(request: SurfaceHeatRequest) -> tuple[Thermal, int]:
    """The first date of a request's rasters, opened as `run` opens it, and how many dates there are.

    Raises
    ------
    InputError, GridError
        As of `lczlib.scenes.thermal.open_temperature`.
    """
    dates = _dates(request)
    return _opened(request, *dates[0], 0), len(dates)


def _dates(request: SurfaceHeatRequest) -> list[tuple[Source, int | str | None]]:
    """Each raster with the band that is read of it: of a raster or array of dates all, one by one."""
    from lczlib.jobs.heat_arrays import each_date
    from lczlib.scenes.thermal_dates import dates_in

    found: list[tuple[Source, int | str | None]] = []
    for source in request.lst:
        if not is_path(source):
            found += [(date, None) for date in each_date(source)]
            continue
        bands = () if request.band is not None else dates_in(source)
        found += [(source, band) for band in bands or (request.band,)]
    request.check_quality(len(found))
    return found


def _opened(request: SurfaceHeatRequest, source: Source, band: int | str | None, i: int) -> Thermal:
    from lczlib.jobs.heat_arrays import open_array
    from lczlib.scenes.thermal import open_temperature
    from lczlib.scenes.thermal_products import ThermalConstants
    from lczlib.scenes.thermal_units import PLAUSIBLE

    time = request.time[i] if request.time else None
    if not is_path(source):
        return open_array(source, "land surface temperature", request.unit, time)
    given = [getattr(request, n) for n in _CONSTANTS]
    return open_temperature(
        source, kind=request.kind, unit=request.unit, band=band, quality=request.quality,
        constants=ThermalConstants(*given) if None not in given else None, mtl=request.mtl,
        time=time, plausible=request.plausible or PLAUSIBLE,
    )  # fmt: skip
