"""The canopy heat island of stations: air temperatures between the buildings, by zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lczlib.analysis.heat.options import LEVELS, CanopyOptions, Way
from lczlib.errors import InputError
from lczlib.jobs.heat_choices import CANOPY, ZoneReading
from lczlib.jobs.request import Source, Steps, is_path
from lczlib.jobs.result import Result, job
from lczlib.settings import options_of, setting

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import xarray as xr

    from lczlib.analysis.heat.canopy import CanopyHeatIsland
    from lczlib.analysis.heat.quality import Quality
    from lczlib.analysis.heat.stations import Stations


def _check_columns(texts: Iterable[str]) -> None:
    from lczlib.analysis.heat.stations import check_roles

    check_roles(column_roles(texts))


def column_roles(texts: Iterable[str]) -> dict[str, str]:
    """``ROLE=NAME`` texts, several by commas, as a mapping.

    Raises
    ------
    InputError
        If one is not of that form, or a role comes twice.
    """
    found: dict[str, str] = {}
    for text in (part.strip() for several in texts for part in several.split(",") if part.strip()):
        role, equals, name = (part.strip() for part in text.partition("="))
        if not equals or not name or not role.isidentifier():
            msg = f"{text!r} is not ROLE=NAME, such as temperature=airT."
            raise InputError(msg)
        if role in found:
            msg = f"{role} is given twice."
            raise InputError(msg)
        found[role] = name
    return found


def _check_unit(text: str) -> None:
    from lczlib.analysis.heat.air_units import check_air_unit

    check_air_unit(text)


def _check_time_zone(text: str) -> None:
    from lczlib.clocks import check_time_zone

    check_time_zone(text)


def _check_time_format(text: str) -> None:
    from lczlib.clocks import check_time_format

    check_time_format(text)


@dataclass(frozen=True, kw_only=True)
class CanopyHeatRequest(ZoneReading, CanopyOptions):
    """The canopy heat island of a map's zones, from stations."""

    command: ClassVar = "uhi"
    kinds: ClassVar = ("canopy", "stations")

    map_path: Source = setting(
        None, "LCZ map; stations with hand-set classes need none.", title="Zones of", file=True,
        argument=True, metavar="MAP",
    )  # fmt: skip
    stations: Source = setting(
        ..., "Station data: CSV, Parquet or GeoPackage.", title="Air temperatures", file=True,
        group=CANOPY,
    )  # fmt: skip
    sites: Source = setting(
        None, "Coordinates of the stations, where they are in a file of their own.", title="Sites",
        file=True, group=CANOPY,
    )  # fmt: skip
    unit: str | None = setting(
        None, "K, degC or degF, where a file does not say; of stations also '0.1 K', '0.1 degC', '0.01 K' and "
        "'0.01 degC', of whole numbers.", title="Unit of the air temperatures", check=_check_unit,
        usual="by the column's name and the values",
    )  # fmt: skip
    columns: tuple[str, ...] = setting(
        (), "time=NAME,station=NAME,latitude=NAME,... of the stations' or the sites' file; time=DATE+CLOCK "
        "joins two.", title="Columns", check=_check_columns, metavar="ROLE=NAME,...", group=CANOPY,
        repeat=True,
    )  # fmt: skip
    time_zone: str | None = setting(
        None, "Of times that carry none: UTC, Europe/Berlin, Etc/GMT-1.", title="Time zone",
        check=_check_time_zone, group=CANOPY,
    )  # fmt: skip
    time_format: str | None = setting(
        None, "dayfirst, monthfirst, unix, excel or '%d.%m.%Y %H:%M', where two readings fit.",
        title="Format of times", check=_check_time_format, usual="found from the column", group=CANOPY,
    )  # fmt: skip
    ambiguous: Literal["raise", "infer", "earlier", "later", "drop"] = setting(
        "raise", "Hour shown twice in autumn: refuse, infer from the order of rows, take it for the earlier "
        "or later one, or drop it.", title="Hour shown twice", group=CANOPY,
    )  # fmt: skip
    station_classes: Source = setting(
        None, "Table of station,lcz set by hand.", title="Classes of stations set by hand", file=True,
        group=CANOPY,
    )  # fmt: skip
    station_scheme: Literal["1-17", "101-107", "0-16"] | None = setting(
        None, "Numbering of the classes that tables of stations state; asked for where 0 is among them.",
        title="Numbering of stations' classes", usual="1-17", group=CANOPY,
    )  # fmt: skip
    skip_outside: bool = setting(
        False, "Leave stations outside the map, or without coordinates, out, and name them.",
        title="Leave stations outside the map out", group=CANOPY,
    )  # fmt: skip
    radius: float = setting(
        250.0, "The commonest zone of the map within this circle (m) is the station's.",
        title="Radius around a station (m)", low=0, open_ends=True, group=CANOPY,
    )  # fmt: skip
    station_zone: Way = setting(
        "majority", "Which of the map's classes is a station's: the commonest within the circle, that of the "
        "pixel it stands on (point), or the most probable within the circle. station_classes.csv has all "
        "three side by side.", title="Zone of a station", group=CANOPY,
    )  # fmt: skip
    probabilities: Source = setting(
        None, "Class probabilities of the map: the most probable zone around each station.",
        title="Class probabilities", file=True, group=CANOPY,
    )  # fmt: skip
    qc: tuple[str, ...] = setting(
        ("duplicates", "correlation"),
        "Quality control after CrowdQC+: same place, outlying values, months with many of them, months "
        "unlike the network, values unlike the neighbours. The levels of outliers are for dense private "
        "networks: in a small one they take the hottest street for an error.",
        title="Quality control", choices=LEVELS, metavar="all|none|LEVEL,...", group=CANOPY,
    )  # fmt: skip
    peers: Literal["alike", "all"] = setting(
        "alike", "Quality control judges a station by those of its own or a similar zone, where there are five "
        "or more (of the neighbours: only then), or by all.", title="Stations are judged by those that are",
        group=CANOPY,
    )  # fmt: skip
    elevation: Source = setting(
        None, "Elevation raster in metres: heights of stations that state none.", title="Elevation",
        file=True, group=CANOPY,
    )  # fmt: skip
    weather: Source = setting(
        None, "time,wind (m/s),cloud (oktas): calm and clear nights.", title="Wind and cloud",
        file=True, group=CANOPY,
    )  # fmt: skip

    def __post_init__(self) -> None:
        if isinstance(self.qc, str):
            object.__setattr__(self, "qc", quality_levels(self.qc))
        super().__post_init__()


def quality_levels(text: str) -> tuple[str, ...]:
    """The levels of quality control that a text names: ``all``, ``none``, or several by commas."""
    named = tuple(t.strip() for t in text.split(",") if t.strip())
    return {"all": LEVELS, "none": ()}.get(text, named)


@dataclass(frozen=True, kw_only=True, repr=False)
class CanopyHeat(Result):
    """The heat island of the air between the buildings, from stations.

    Attributes
    ----------
    request : CanopyHeatRequest
    result : CanopyHeatIsland
    stations : GeoDataFrame
        Sites with the class of each and how it is known (``map_lcz``, ``map_source`` ...).
    zones : DataFrame
        As of `lczlib.analysis.heat.station_zones.station_classes`.
    clock : str
        How the times were read.
    checked : Quality
        What quality control removed.
    dropped : dict of str to str
        Stations that are not in the result, each with the reason.
    network : str
        That made the map, where classes are of a map that says so.
    """

    request: CanopyHeatRequest
    result: CanopyHeatIsland
    stations: gpd.GeoDataFrame = field(repr=False)
    zones: pd.DataFrame = field(repr=False)
    clock: str
    checked: Quality = field(repr=False)
    dropped: dict[str, str]
    network: str

    kind = "canopy"
    pixels = False

    def to_dataframe(self) -> pd.DataFrame:
        """The zones: see `CanopyHeatIsland.classes`."""
        return self.result.classes

    def headline(self) -> str:
        """The result in a sentence, with its uncertainty."""
        return self.sentence()

    def sentence(self) -> str:
        """The result in a sentence, with its uncertainty."""
        from lczlib.jobs.heat_words import sentence

        return sentence(self.result, "canopy", "n_stations")

    def method(self) -> str:
        """How it was made, in words."""
        from lczlib.analysis.heat.quality import in_words
        from lczlib.analysis.heat.station_zones import told_sources, told_ways

        given, kept = self.values
        known = [text for text in (told_sources(self.zones), told_ways(self.zones)) if text]
        text = (
            f"{self.clock}; {'; '.join(known)}; quality control ({self.levels}) removed "
            f"{given - kept:,} of {given:,} hourly values"
        )
        return text + (f"; stations dropped: {in_words(self.dropped)}" if self.dropped else "")

    @property
    def levels(self) -> str:
        """Levels of quality control, and by whom stations are judged."""
        by = "; by stations of a similar zone" if self.request.peers == "alike" else ""
        return f"{', '.join(self.request.qc)}{by}" if self.request.qc else "none"

    @property
    def values(self) -> tuple[int, int]:
        """Hourly values that were given, and that quality control kept."""
        report = self.checked.report
        return int(report["n_given"].sum()), int(report["n_kept"].sum())

    @property
    def mixed(self) -> int:
        """Stations in mixed surroundings."""
        return int(self.zones["flagged"].sum())

    def document(self) -> dict[str, Any]:
        """What ``heat_island.json`` says."""
        from lczlib.jobs.heat_files import canopy_document
        from lczlib.jobs.record import hashes

        return canopy_document(
            self.result,
            clock=self.clock,
            map_network=self.network,
            station_classes=self.zones.rename_axis("station").reset_index().to_dict("records"),
            quality_control={
                "levels": list(self.request.qc),
                "peers": self.request.peers,
                "elevation_corrected": self.checked.elevation_corrected,
                "stations_dropped": sorted(self.dropped),
                "reasons": self.dropped,
                "report": self.checked.report.rename_axis("station")
                .reset_index()
                .to_dict("records"),
            },
            inputs=hashes(self.request),
        )

    def _write(self, folder: Path, figures: bool) -> None:
        from lczlib.jobs import heat_files

        heat_files.write_table(folder / "quality.csv", self.checked.report.rename_axis("station"))
        heat_files.write_table(folder / "station_classes.csv", self.zones.rename_axis("station"))
        heat_files.write_canopy(folder, self.result, self.document(), figures=figures)


@job
def run(request: CanopyHeatRequest, step: Steps) -> CanopyHeat:
    """The canopy heat island of a map's zones, with its intervals."""
    from lczlib.analysis.heat.canopy import canopy_heat_island
    from lczlib.analysis.heat.quality import quality_control
    from lczlib.analysis.heat.station_zones import read_classes, station_classes, with_elevation
    from lczlib.analysis.heat.weather import read_weather
    from lczlib.jobs.map_files import map_network, open_map
    from lczlib.maps import open_probabilities
    from lczlib.scenes.elevation import open_elevation

    step("Reading stations", 0, 3)
    lcz = None if request.map_path is None else open_map(request.map_path, request)
    data, sites = _stations(request, lcz)
    if request.elevation is not None:
        dem = open_elevation(request.elevation) if is_path(request.elevation) else request.elevation
        sites = with_elevation(sites, dem)
    by_hand = None
    if request.station_classes is not None:
        by_hand = read_classes(request.station_classes, request.station_scheme)
    shares = request.probabilities
    zones = station_classes(
        sites, lcz, by_hand=by_hand, radius=request.radius, skip_outside=request.skip_outside,
        probabilities=open_probabilities(shares) if is_path(shares) else shares,
        way=request.station_zone,
    )  # fmt: skip
    air, sites = data.air[zones.index], sites.loc[zones.index]
    weather = None
    if request.weather is not None:
        weather = read_weather(
            request.weather, time_zone=request.time_zone, ambiguous=request.ambiguous,
            time_format=request.time_format,
        )  # fmt: skip
    step("Quality control", 1, 3)
    peers = zones["lcz"] if request.peers == "alike" else None
    checked = quality_control(air, sites, request.qc, peers)
    step("Resampling stations and days", 2, 3)
    options = options_of(request, CanopyOptions)
    result = canopy_heat_island(checked.air, sites, zones["lcz"], options, weather=weather)
    mapped = (zones["source"] == "map").any()
    return CanopyHeat(
        request=request, result=result, stations=sites.join(zones.add_prefix("map_")), zones=zones,
        clock=data.clock, checked=checked,
        dropped={**data.left_out, **zones.attrs["left_out"], **checked.dropped()},
        network=map_network(request.map_path) if mapped else "",
    )  # fmt: skip


def _stations(
    request: CanopyHeatRequest, lcz: xr.DataArray | None
) -> tuple[Stations, gpd.GeoDataFrame]:
    from lczlib.analysis.heat.stations import read_stations

    if not is_path(request.stations):
        return request.stations, request.stations.sites
    data = read_stations(
        request.stations, sites=request.sites, columns=column_roles(request.columns),
        time_zone=request.time_zone, ambiguous=request.ambiguous, unit=request.unit,
        time_format=request.time_format, skip_outside=request.skip_outside,
        lcz=lcz, scheme=request.station_scheme,
    )  # fmt: skip
    return data, data.sites
