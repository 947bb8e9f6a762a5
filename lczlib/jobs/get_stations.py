"""Observed hourly air temperature of weather stations in a place, for ``lcz uhi``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.errors import InputError, ServiceError
from lczlib.jobs.get_part import Part
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.request import Cancel, Progress, Steps
from lczlib.jobs.result import job
from lczlib.reading import counted, share
from lczlib.terms import option

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.acquire.places import Place
    from lczlib.acquire.seasons import Period
    from lczlib.acquire.station_work import StationWork
    from lczlib.acquire.weather_stations import Hours, WeatherStation

SECTION = "air_temperature"
TABLE, SITES = "air_temperature.csv", "stations.gpkg"
_COLUMNS = (
    "station", "name", "country", "latitude", "longitude", "elevation", "wmo", "icao", "hours", "missing_hours",
    "modelled_hours", "sources",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, repr=False)
class StationsResult(Part):
    """Hours of the stations of a place.

    Attributes
    ----------
    periods : tuple of Period
    stations : tuple of WeatherStation
        By name.
    hours : dict of str to list of Hours
        Of each station by its id, one a period; empty where nothing was to be fetched.
    left_out : dict of str to str
        Stations without any, each with the reason.
    work : StationWork or None
        Where hours are kept; None where nothing was to be fetched.
    """

    periods: tuple[Period, ...] = ()
    stations: tuple[WeatherStation, ...] = field(default=(), repr=False)
    hours: dict[str, list[Hours]] = field(default_factory=dict, repr=False)
    left_out: dict[str, str] = field(default_factory=dict)
    work: StationWork | None = field(default=None, repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """A row a station: place, elevation, numbers, hours there are, lack, or are of models; sources."""
        import pandas as pd

        rows = []
        for one in self.stations:
            found = self.hours.get(one.id, [])
            row: dict[str, Any] = one.to_dict()
            row["station"] = row.pop("id")
            if found:
                n = sum(len(h.table) for h in found)
                of = sum((Counter(h.table["source"]) for h in found), Counter())
                row |= {
                    "hours": n, "missing_hours": sum(h.expected for h in found) - n,
                    "modelled_hours": sum(sum(h.modelled.values()) for h in found),
                    "sources": " ".join(f"{s}:{k}" for s, k in of.most_common()),
                }  # fmt: skip
            rows.append(row)
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    def table(self) -> pd.DataFrame:
        """A row a value: station, time (UTC), temperature, its source, and where it is of."""
        import pandas as pd

        parts = []
        for one in self.stations:
            for found in self.hours.get(one.id, []):
                values = found.table
                parts.append(
                    pd.DataFrame({
                        "station": one.id, "time": values["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        "temperature_degC": values["temperature"], "source": values["source"],
                        "latitude": one.latitude, "longitude": one.longitude, "elevation": one.elevation,
                    })
                )  # fmt: skip
        # periods of one's own may share days
        return pd.concat(parts, ignore_index=True).drop_duplicates(["station", "time"])

    def headline(self) -> str:
        """How many stations and hours there are, in a sentence."""
        where = self.place.label
        if self.request.margin:
            where += f" and {self.request.margin:g} km around"
        if self.work is None:
            return (
                f"{counted(len(self.stations), 'station')} of {where}; their hours are not fetched."
            )
        rows = self.to_dataframe()
        n, lack = int(rows["hours"].sum()), int(rows["missing_hours"].sum())
        return (
            f"{counted(n, 'observed hour')} of {counted(len(self.stations), 'station')} in {where}; "
            f"{counted(lack, 'hour')} lacking ({share(lack, n + lack)})."
        )

    def own_cautions(self) -> list[str]:
        """What is missing, and what is not taken."""
        said = [
            f"Left out, {counted(len(names), 'station')} ({', '.join(names)}): {why}."
            for why, names in _by_reason(self.left_out).items()
        ]
        of = sum((Counter(h.modelled) for found in self.hours.values() for h in found), Counter())
        if of:
            each = ", ".join(f"{n:,} of {s}" for s, n in of.most_common())
            said.append(
                f"Hours that only sources have which do not observe (models, or not known): {each}. They are left "
                "out: a heat island of these would be the model's."
            )
        lone = [s.name for s in self.stations if s.elevation is None]
        if lone:
            said.append(
                f"Without an elevation: {', '.join(lone)} (lcz uhi takes {option('elevation')})."
            )
        if len(self.stations) == 1:
            said.append(
                f"One station alone is no heat island: take some around, by {option('margin')}."
            )
        return said

    def put(self, folder: Path) -> None:
        """Write values, sites, and the section of ``item.json``."""
        from lczlib.acquire.sections import write_section
        from lczlib.export.files import write_features, write_table

        if self.work is None:
            write_table(folder / "stations.csv", self.to_dataframe(), index=False)
            return
        write_table(folder / TABLE, self.table(), index=False)
        write_features(folder / SITES, self._sites(), layer="stations")
        write_section(folder, self.place, SECTION, self._told())

    def _sites(self) -> Any:
        import geopandas as gpd

        rows = self.to_dataframe()
        places = gpd.points_from_xy(rows["longitude"], rows["latitude"], crs=4326)
        return gpd.GeoDataFrame(rows.drop(columns=["longitude", "latitude"]), geometry=places)

    def _told(self) -> dict[str, Any]:
        """What ``item.json`` says."""
        from lczlib.acquire.weather_stations import OBSERVING, TERMS

        rows = self.to_dataframe()
        used = list(
            dict.fromkeys(s for f in self.hours.values() for h in f for s in h.table["source"].unique())
        )  # fmt: skip
        return {
            "title": f"Observed air temperature of {self.place.label}", "files": [TABLE, SITES],
            "start_datetime": f"{self.periods[0].start}T00:00:00Z",
            "end_datetime": f"{self.periods[-1].end}T23:59:59Z", "license": "other",
            "attribution": f"Meteostat; {', '.join(OBSERVING[s][0] for s in used)}", "terms": TERMS,
            "units": "degC", "box": list(self.place.box), "margin_km": self.request.margin,
            "sources": {s: dict(zip(("title", "license"), OBSERVING[s], strict=True)) for s in used},
            "stations": rows.where(rows.notna(), None).to_dict("records"),
            "left_out": [{"station": s, "why": w} for s, w in self.left_out.items()],
        }  # fmt: skip

    def done(self) -> None:
        """Remove what was kept for a run that is taken up."""
        if self.work is not None:
            self.work.remove()


def _by_reason(left: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, why in left.items():
        found.setdefault(why, []).append(name)
    return found


def find_stations(
    request: GetRequest, *, progress: Progress | None = None, cancelled: Cancel | None = None
) -> StationsResult:
    """The stations of the place; their hours are not fetched.

    Raises
    ------
    InputError
        If there is none, or meteostat is not installed.
    ServiceError
        If the list of stations cannot be had.
    """
    return job(_find)(request, progress=progress, cancelled=cancelled)


def _find(request: GetRequest, step: Steps) -> StationsResult:
    from lczlib.acquire.weather_stations import check_installed
    from lczlib.jobs.get_days import place_asked
    from lczlib.longitudes import middle_of

    check_installed()
    place = place_asked(request, step)
    periods = request.periods(middle_of(place.box)[1])
    return StationsResult(
        request=request, place=place, periods=periods, stations=tuple(_stations(request, place, step))
    )  # fmt: skip


def _stations(request: GetRequest, place: Place, step: Steps) -> list[WeatherStation]:
    from lczlib.acquire.weather_stations import stations_around

    step("Looking for stations")
    found = stations_around(place.box, request.margin)
    if not found:
        msg = (
            f"Meteostat knows no station in {place.label}, nor within {request.margin:g} km around: take a larger "
            f"{option('margin')}."
        )
        raise InputError(msg, parameter="margin")
    return found


def fetch_stations(
    request: GetRequest, place: Place, folder: Path, step: Steps, *, resume: bool = False
) -> StationsResult:
    """Fetch the observed hours of stations, one after the other; those that are finished are kept.

    Parameters
    ----------
    request : GetRequest
        Which period, and how far around.
    place : Place
        Its box.
    folder : Path
        Of the result.
    step : Steps
        Told how far it is.
    resume : bool
        Take up a run that was stopped.

    Raises
    ------
    InputError
        If there is no station, none has observed anything, or meteostat is not installed.
    ServiceError
        If the hours of none can be had; what is fetched is kept.
    Cancelled
        If it is stopped; likewise.
    """
    from lczlib.acquire.sections import check_section
    from lczlib.acquire.station_work import StationWork
    from lczlib.acquire.weather_stations import check_installed
    from lczlib.longitudes import middle_of

    check_installed()
    check_section(folder, place, SECTION, [TABLE, SITES], "air temperature")
    periods = request.periods(middle_of(place.box)[1])
    asked, work = request.asked_stations(place, periods), StationWork(folder)
    stations = work.stations(asked) if resume else None
    if stations is None:
        stations = _stations(request, place, step)
        work.begin(asked, stations)
    hours, left = _fetched(stations, periods, work, step)
    if not hours:
        name, why = next(iter(left.items()))
        msg = f"No station of {place.label} has an observed hour: {name}: {why}."
        raise InputError(msg)
    kept = tuple(s for s in stations if s.id in hours)
    return StationsResult(
        request=request, place=place, periods=periods, stations=kept, hours=hours, left_out=left, work=work
    )  # fmt: skip


def _fetched(
    stations: Sequence[WeatherStation], periods: Iterable[Period], work: StationWork, step: Steps
) -> tuple[dict[str, list[Hours]], dict[str, str]]:
    """The hours of each station, one a period; why stations have none."""
    from lczlib.acquire.weather_stations import hours_of

    hours: dict[str, list[Hours]] = {}
    left: dict[str, str] = {}
    failed: ServiceError | None = None
    stopped = step.cancelled or (lambda: False)
    for number, one in enumerate(stations):
        found = []
        for period in periods:
            step(f"Hours of {one.name}, {period.name}", number, len(stations))
            known = work.get(number, period.name)
            if known is None:
                try:
                    known = hours_of(one, period, work.cache, stopped)
                except ServiceError as error:
                    failed, left[f"{one.name} ({one.id})"] = error, error.message
                    break
                work.put(number, period.name, known)
            found.append(known)
        else:
            if any(len(h.table) for h in found):
                hours[one.id] = found
            else:
                left[f"{one.name} ({one.id})"] = "no observed hour"
    step("Hours of stations", len(stations), len(stations))
    if not hours and failed is not None:
        msg = f"Meteostat's services fail: {failed.message}. What is fetched is kept; run again later."
        raise ServiceError(msg)
    return hours, left
