"""The canopy heat island of stations: air temperatures between the buildings, by zone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lczlib.analysis.heat.options import CanopyOptions
from lczlib.jobs.heat_choices import CANOPY, ZoneReading
from lczlib.jobs.request import Source, Steps
from lczlib.jobs.result import Result, job
from lczlib.jobs.station_choices import StationChoices
from lczlib.settings import options_of, setting

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from lczlib.analysis.heat.canopy_result import CanopyHeatIsland
    from lczlib.analysis.heat.quality import Quality


@dataclass(frozen=True, kw_only=True)
class CanopyHeatRequest(StationChoices, ZoneReading, CanopyOptions):
    """The canopy heat island of a map's zones, from stations."""

    command: ClassVar = "uhi"
    kinds: ClassVar = ("canopy", "stations")

    map_path: Source = setting(
        None, "LCZ map; stations with hand-set classes need none.", title="Zones of", file=True,
        argument=True, metavar="MAP",
    )  # fmt: skip
    weather: Source = setting(
        None, "time,wind (m/s),cloud (oktas): calm and clear nights.", title="Wind and cloud",
        file=True, group=CANOPY,
    )  # fmt: skip


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
        from lczlib.export.files import write_table
        from lczlib.jobs import heat_files

        write_table(folder / "quality.csv", self.checked.report.rename_axis("station"))
        write_table(folder / "station_classes.csv", self.zones.rename_axis("station"))
        heat_files.write_canopy(folder, self.result, self.document(), figures=figures)


@job
def run(request: CanopyHeatRequest, step: Steps) -> CanopyHeat:
    """The canopy heat island of a map's zones, with its intervals."""
    from lczlib.analysis.heat.canopy import canopy_heat_island
    from lczlib.analysis.heat.weather import read_weather
    from lczlib.jobs.map_files import map_network, open_map
    from lczlib.jobs.station_choices import read_network

    step("Reading stations", 0, 3)
    lcz = None if request.map_path is None else open_map(request.map_path, request)
    weather = None

    def read_the_rest() -> None:
        """A file that is none is refused before quality control finds fault with the stations."""
        nonlocal weather
        if request.weather is not None:
            weather = read_weather(
                request.weather, time_zone=request.time_zone, ambiguous=request.ambiguous,
                time_format=request.time_format,
            )  # fmt: skip
        step("Quality control", 1, 3)

    network = read_network(request, lcz, read_the_rest)
    step("Resampling stations and days", 2, 3)
    zones, checked = network.zones, network.checked
    options = options_of(request, CanopyOptions)
    result = canopy_heat_island(checked.air, network.sites, zones["lcz"], options, weather=weather)
    mapped = (zones["source"] == "map").any()
    return CanopyHeat(
        request=request, result=result, stations=network.sites.join(zones.add_prefix("map_")), zones=zones,
        clock=network.clock, checked=checked, dropped=network.dropped,
        network=map_network(request.map_path) if mapped else "",
    )  # fmt: skip
