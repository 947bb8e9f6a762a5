"""What the heat islands of rasters are told beyond the choices of their computation."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from lczlib.analysis.heat.options import SurfaceOptions
from lczlib.errors import InputError
from lczlib.jobs.map_files import MapReading, band, nodata
from lczlib.jobs.request import Source
from lczlib.settings import setting

SURFACE = "Surface: thermal images"
CANOPY = "Canopy: air temperature stations"
AIR = "Canopy: air temperature rasters"
RASTERS = "Rasters"


@dataclass(frozen=True, kw_only=True)
class ZoneReading(MapReading):
    """How the map of a heat island is read: a band and values of temperatures are there too."""

    called: ClassVar = {**MapReading.called, "band": "map_band", "nodata": "map_nodata"}
    maps: ClassVar = ("map_path",)

    map_band: tuple[str, ...] = band()
    map_nodata: tuple[str, ...] = nodata()


def _check_raster_unit(text: str) -> None:
    from lczlib.scenes.thermal_units import scaled_unit

    if scaled_unit(text) is None:
        msg = f"{text!r} is no unit of temperature: K, degC or degF; 0.1K where 1 is a tenth of a kelvin."
        raise InputError(msg)


def _check_times(times: Iterable[str]) -> None:
    from lczlib.scenes.thermal_time import acquisition

    for text in times:
        acquisition(text)


def _check_plausible(value: tuple[float, float]) -> None:
    if value[0] >= value[1]:
        msg = f"{value[0]:g} to {value[1]:g} is no range: give low, then high."
        raise InputError(msg)


def _measures() -> Iterable[str]:
    from lczlib.analysis.heat.further import MEASURES

    return MEASURES


@dataclass(frozen=True, kw_only=True)
class PixelHeatRequest(ZoneReading, SurfaceOptions):
    """A heat island of rasters."""

    command: ClassVar = "uhi"

    map_path: Source = setting(
        ..., "LCZ map.", title="Zones of", file=True, argument=True, metavar="MAP"
    )
    unit: str | None = setting(
        None, "K, degC or degF, where a file does not say; 0.1K or 0.01degC, where 1 is as much.",
        title="Unit", check=_check_raster_unit,
        usual="as the file says",
    )  # fmt: skip
    band: str | None = setting(
        None, "Band with the temperature: number or name; of a NetCDF VARIABLE or VARIABLE:STEP.",
        title="Band", usual="the only one, or of a usual name", group=RASTERS,
    )  # fmt: skip
    time: tuple[str, ...] = setting(
        (), "Acquisition in UTC (2023-09-09T10:02), one for each raster.", title="Acquired (UTC)",
        check=_check_times, group=RASTERS, repeat=True,
    )  # fmt: skip
    plausible: tuple[float, float] | None = setting(
        None, "Lowest and highest temperature kept, degC; what is outside is masked: cloud edges, fills.",
        title="Plausible temperatures (°C)", check=_check_plausible, usual="-60 85, of air -90 60",
        group=RASTERS,
    )  # fmt: skip
    resample: Literal["nearest", "mode", "average"] | None = setting(
        None, "How raster and map come to one grid. nearest or mode: classes to the thermal grid; average: "
        "temperature to the map's grid.",
        title="Resampling", usual="the finer to the coarser", group=RASTERS,
    )  # fmt: skip
    interior_distance: float | None = setting(
        None, "Border pixels left out, in metres, such as 200.", title="The same in metres", low=0,
        group=RASTERS,
    )  # fmt: skip
    elevation: Source = setting(
        None, "Elevation raster in metres: compare at one height.", title="Elevation", file=True,
        group=RASTERS,
    )  # fmt: skip
    probabilities: Source = setting(
        None, "Class probabilities of the map: carries its error into the intervals.",
        title="Class probabilities", file=True, group=RASTERS,
    )  # fmt: skip
    persistence: float = setting(
        1.0, "With several dates: a pixel is hot on a date when it is this many K above the reference.",
        title="Hot from (K above the reference)", group=RASTERS,
    )  # fmt: skip
    daily_maxima: Source = setting(
        None, "With several dates: table of date, maximum (air temperature in degC) of a place outside the "
        "city, best of years: tells dates in heat waves from others.",
        title="Daily maxima of the air", file=True, group=RASTERS,
    )  # fmt: skip
    measures: tuple[str, ...] | None = setting(
        None, "Further measures to compute, beside the zones.", title="Further measures",
        choices=_measures, usual="all", group=RASTERS,
    )  # fmt: skip

    def check_times(self, rasters: tuple[Source, ...]) -> None:
        """Refuse another number of acquisition times than of rasters.

        Raises
        ------
        InputError
            If there are times, and not one for each.
        """
        if self.time and len(self.time) != len(rasters):
            msg = (
                f"{len(self.time)} acquisition times for {len(rasters)} rasters: give one for each."
            )
            raise InputError(msg, parameter="time")


def check_kind(folder: str | Path, kind: str, by: str) -> None:
    """Refuse a folder that holds a heat island of another kind: two are never mixed.

    Parameters
    ----------
    folder : path
        Of the result.
    kind : {"surface", "canopy"}
        Of the new one.
    by : {"pixels", "stations"}
        What the new one is made from.

    Raises
    ------
    InputError
        If its ``heat_island.json`` says another kind, or that it was made from the other.
    """
    try:
        there = json.loads((Path(folder) / "heat_island.json").read_text())
        found = (there.get("kind", kind), there.get("by", by))
    except (OSError, ValueError, AttributeError):
        return
    if found != (kind, by):
        msg = (
            f"{folder} holds a {found[0]} heat island by {found[1]}: choose another folder for the {kind} "
            f"one by {by}."
        )
        raise InputError(msg)
