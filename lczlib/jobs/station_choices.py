"""What jobs on air temperature stations are told of them, and the one way they read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from lczlib.analysis.heat.options import LEVELS, Way
from lczlib.errors import InputError
from lczlib.jobs.heat_choices import CANOPY
from lczlib.jobs.map_files import MapReading
from lczlib.jobs.request import Source, is_path
from lczlib.settings import setting

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import xarray as xr

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
class StationChoices(MapReading):
    """Stations: their files, their clock, their classes, their quality."""

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

    def __post_init__(self) -> None:
        if isinstance(self.qc, str):
            object.__setattr__(self, "qc", quality_levels(self.qc))
        super().__post_init__()


def quality_levels(text: str) -> tuple[str, ...]:
    """The levels of quality control that a text names: ``all``, ``none``, or several by commas."""
    named = tuple(t.strip() for t in text.split(",") if t.strip())
    return {"all": LEVELS, "none": ()}.get(text, named)


@dataclass(frozen=True)
class Network:
    """Stations as a job takes them: read, classed, checked.

    Attributes
    ----------
    sites : GeoDataFrame
        Index station, points in EPSG:4326, ``elevation`` (m).
    zones : DataFrame
        As of `lczlib.analysis.heat.station_zones.station_classes`.
    clock : str
        How the times were read.
    checked : Quality
        The temperatures that quality control left, and what it removed.
    dropped : dict of str to str
        Stations that do not count, each with the reason.
    """

    sites: gpd.GeoDataFrame = field(repr=False)
    zones: pd.DataFrame = field(repr=False)
    clock: str
    checked: Quality = field(repr=False)
    dropped: dict[str, str]


def read_network(
    request: StationChoices, lcz: xr.DataArray | None, read: Callable[[], object] = lambda: None
) -> Network:
    """Read the stations of a request, tell their classes by a map, and check their temperatures.

    Parameters
    ----------
    request : StationChoices
        What is told of them.
    lcz : DataArray (y, x), optional
        LCZ map.
    read : callable
        Called when the stations are read, before quality control: reads what else a job needs.
    """
    from lczlib.analysis.heat.quality import quality_control
    from lczlib.analysis.heat.station_zones import read_classes, station_classes, with_elevation
    from lczlib.maps import open_probabilities
    from lczlib.scenes.elevation import open_elevation

    data, sites = stations_of(request, lcz)
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
    read()
    peers = zones["lcz"] if request.peers == "alike" else None
    checked = quality_control(air, sites, request.qc, peers)
    dropped = {**data.left_out, **zones.attrs["left_out"], **checked.dropped()}
    return Network(sites, zones, data.clock, checked, dropped)


def stations_of(
    request: StationChoices, lcz: xr.DataArray | None
) -> tuple[Stations, gpd.GeoDataFrame]:
    """The stations of a request and where they stand, tested against a map where there is one.

    Raises
    ------
    InputError
        As of `lczlib.analysis.heat.stations.read_stations`.
    """
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
