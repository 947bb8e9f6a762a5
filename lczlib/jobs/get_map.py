"""Published LCZ maps of a place: the global one, and submissions to the LCZ Generator."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lczlib.errors import InputError, ServiceError
from lczlib.jobs.get_part import Part, all_done, further_cautions, put_all
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.request import Steps
from lczlib.jobs.result import Result

if TYPE_CHECKING:
    import pandas as pd
    from odc.geo.geobox import GeoBox

    from lczlib.acquire.global_map import PublishedMap
    from lczlib.acquire.places import Place
    from lczlib.jobs.get_radar import RadarResult
    from lczlib.jobs.get_rtc_result import RtcResult
    from lczlib.out_scheme import OutScheme


@dataclass(frozen=True, kw_only=True, repr=False)
class PublishedResult(Result):
    """Published LCZ maps of a place, by the names of their files.

    Attributes
    ----------
    request : GetRequest
    place : Place
    published : dict of str to PublishedMap
    radar : RadarResult or None
        What ``lcz prepare-s1`` needs, where that is asked for too.
    rtc : RtcResult or None
        Passes of Sentinel-1, likewise.
    further : tuple of Part
        Surface temperature, hours of stations, likewise.
    """

    draws = False

    request: GetRequest
    place: Place
    published: dict[str, PublishedMap] = field(repr=False)
    radar: RadarResult | None = field(default=None, repr=False)
    rtc: RtcResult | None = field(default=None, repr=False)
    further: tuple[Part, ...] = field(default=(), repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """Area of each class in km2, a column a map."""
        import pandas as pd

        from lczlib.analysis import class_areas

        return pd.DataFrame({n: class_areas(m.utm)["area_km2"] for n, m in self.published.items()})

    def headline(self) -> str:
        """Which maps there are, of when, and under which licence."""
        told = []
        for found in self.published.values():
            of = f", year {found.facts['year']}" if found.facts["year"] else ""
            told.append(f"{found.facts['title']}{of}, licence {found.facts['licence']}")
        return f"{self.place.label}: {'; '.join(told)}. Published maps are no ground truth."

    def cautions(self) -> list[str]:
        """Addresses that failed."""
        said = [
            f"{text}; another address gave the map."
            for m in self.published.values()
            for text in m.failed
        ]
        said += [t for r in (self.radar, self.rtc) if r for t in r.cautions()]
        return said + further_cautions(self.further)

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.acquire.folder import write_radar_item

        if self.radar:
            self.radar.put(folder)
        if self.rtc:
            self.rtc.put(folder)
            write_radar_item(folder, self.place, self.rtc.told())
        add_maps(folder, self.place, self.published, self.request.out_scheme)
        put_all(self.further, folder)

    def write(self, folder: str | Path, *, figures: bool = True) -> Path:
        """As all results; then what was kept of passes is not kept any more."""
        written = super().write(folder, figures=figures)
        if self.rtc:
            self.rtc.done()
        all_done(self.further)
        return written


def published(
    request: GetRequest, place: Place, step: Steps, grid: GeoBox | None = None
) -> dict[str, PublishedMap]:
    """The published maps that are asked for, by the names of their files.

    On the LCZ cells of a grid of scenes, where one is given.

    Raises
    ------
    InputError, ServiceError
        If one cannot be had.
    """
    from lczlib.acquire.global_map import GLOBAL_FILE, open_generator_map, open_global_map

    found = {}
    if "lcz" in request.what:
        step("Reading the published global map")
        found[GLOBAL_FILE] = open_global_map(
            place, request.global_map, grid=grid, cancelled=step.cancelled
        )
    for number in request.submission:
        step(f"Reading submission {number}")
        one = open_generator_map(number, place, grid=grid, cancelled=step.cancelled)
        found[f"lcz_generator_{one.facts['number'][:8]}"] = one
    return found


def check_given(request: GetRequest, place: Place, step: Steps) -> None:
    """Refuse maps that the user names and that cannot be had, before hours of work on scenes.

    Raises
    ------
    InputError, ServiceError
        As `published`.
    """
    from lczlib.acquire.global_map import number_of, open_global_map

    for text in request.submission:
        number_of(text)
    if "lcz" in request.what and request.global_map:
        step("Reading the published global map")
        open_global_map(place, request.global_map, cancelled=step.cancelled)


def beside_scenes(
    request: GetRequest, place: Place, grid: GeoBox | None, step: Steps
) -> tuple[dict[str, PublishedMap], tuple[str, ...]]:
    """The published maps beside scenes that are fetched already; why they are missing, if they are.

    Hours of work on scenes are not lost for a map that can be fetched later.
    """
    try:
        return published(request, place, step, grid), ()
    except (InputError, ServiceError) as error:
        return {}, (f"{error.message} The imagery is complete without it.",)


def add_maps(folder: Path, place: Place, maps: dict[str, PublishedMap], scheme: OutScheme) -> None:
    """Put published maps into a folder, and into its item beside what that tells of scenes."""
    from lczlib.acquire.folder import write_map_item
    from lczlib.acquire.global_map import write_maps

    write_map_item(folder, place, write_maps(maps, place, folder, scheme))
