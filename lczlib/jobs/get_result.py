"""What ``lcz get`` makes: composites, and the folder of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.acquire.providers import provider_of
from lczlib.jobs.get_part import Part, all_done, further_cautions, put_all
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.result import Result
from lczlib.reading import counted

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.acquire.global_map import PublishedMap
    from lczlib.acquire.places import Place
    from lczlib.acquire.work import Plan, Work
    from lczlib.jobs.get_radar import RadarResult
    from lczlib.jobs.get_rtc_result import RtcResult


@dataclass(frozen=True, kw_only=True, repr=False)
class GetResult(Result):
    """Composites whose tiles are finished; `write` makes the folder of them.

    Attributes
    ----------
    request : GetRequest
    place : Place
    plan : Plan
        The scenes, their offsets, and the grid.
    work : Work
        Where the tiles are.
    published : mapping of str to PublishedMap
        By the name of its file, on the grid of the composites.
    not_published : tuple of str
        Why one of those that were asked for could not be had.
    radar : RadarResult or None
        What ``lcz prepare-s1`` needs, where that is asked for too.
    rtc : RtcResult or None
        Passes of Sentinel-1 on the grid of the composites, where they are asked for too.
    further : tuple of Part
        Surface temperature, hours of stations, likewise.
    """

    draws = False

    request: GetRequest
    place: Place
    plan: Plan = field(repr=False)
    work: Work = field(repr=False)
    told: dict[str, Any] = field(default_factory=dict, repr=False)
    published: Mapping[str, PublishedMap] = field(default_factory=dict, repr=False)
    not_published: tuple[str, ...] = ()
    radar: RadarResult | None = field(default=None, repr=False)
    rtc: RtcResult | None = field(default=None, repr=False)
    further: tuple[Part, ...] = field(default=(), repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """A row a season: its period, how many days, and its median day."""
        import pandas as pd

        rows = []
        for season in self.plan.seasons:
            told = self.told.get(season.name, {})
            rows.append({
                "season": season.name, "start": season.start, "end": season.end, "days": len(season.days),
                "days not used": len(season.left_out), "median date": told.get("median_date", ""),
                "clear days, median": told.get("clear_count", {}).get("median"),
                "without": told.get("clear_count", {}).get("share_of_pixels_without"),
            })  # fmt: skip
        return pd.DataFrame(rows).set_index("season")

    def headline(self) -> str:
        """What there is, in a sentence."""
        rows, cols = self.plan.grid.shape
        return (
            f"{counted(len(self.plan.seasons), 'composite')} of {self.place.label}: {cols:,} x {rows:,} pixels "
            f"of 10 m (EPSG:{self.plan.grid.crs.to_epsg()})."
        )

    def cautions(self) -> list[str]:
        """What is missing or doubtful."""
        said = [*self.plan.empty.values(), *self.not_published]
        said += self.radar.cautions() if self.radar else []
        said += self.rtc.cautions() if self.rtc else []
        said += further_cautions(self.further)
        for season in self.plan.seasons:
            failed = {d: w for d, w in season.left_out.items() if _is_fault(w)}
            if failed:
                date, why = next(iter(sorted(failed.items())))
                said.append(
                    f"{season.name}: {counted(len(failed), 'day')} left out ({date}: {why}); see item.json."
                )
        without = self._each("clear_count", "share_of_pixels_without")
        if without:
            shares = ", ".join(f"{_share(v)} in {n}" for n, v in without.items())
            said.append(f"Pixels that were clear on no day hold no data: {shares}.")
        if often := self._each("pixels_often_masked"):
            counts = ", ".join(f"{counted(n, 'pixel')} in {name}" for name, n in often.items())
            said.append(
                f"Masked on nearly every day in clear surroundings, as bright roofs are: {counts} "
                "(often_masked.tif)."
            )
        return said

    def _each(self, *keys: str) -> dict[str, Any]:
        """A number that is told of each season, where it is not 0."""
        found: dict[str, Any] = {}
        for season in self.plan.seasons:
            value: Any = self.told.get(season.name, {})
            for key in keys:
                value = value.get(key, {})
            if value:
                found[season.name] = value
        return found

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        import rasterio

        from lczlib.acquire.folder import remove_seasons, write_item, write_season
        from lczlib.acquire.global_map import write_maps

        remove_seasons(folder, self.place, self.plan.empty)
        # by default GDAL keeps a twentieth of the machine's memory of what it writes
        with rasterio.Env(GDAL_CACHEMAX=_CACHE_MB):
            for season in self.plan.seasons:
                self.told[season.name] = write_season(
                    folder, self.place, self.plan, season, self.work, self.request.composite
                )
        if self.radar:
            self.radar.put(folder)
        if self.rtc:
            self.rtc.put(folder)
        provider = provider_of(self.request.provider)
        maps = write_maps(self.published, self.place, folder, self.request.out_scheme)
        radar = self.rtc.told() if self.rtc else None
        write_item(
            folder, self.place, self.plan, provider, self.request.composite, self.told, maps, radar
        )
        put_all(self.further, folder)

    def write(self, folder: str | Path, *, figures: bool = True) -> Path:
        """As all results; then the tiles are not kept any more."""
        written = super().write(folder, figures=figures)
        self.work.remove()
        if self.rtc:
            self.rtc.done()
        all_done(self.further)
        return written


_CACHE_MB = 64
_NO_FAULT = ("covers ", "cloud over ", "no clear pixel")


def _share(value: float) -> str:
    """Where there is some, it is not written as none."""
    return f"{value:.1%}" if value >= 0.0005 else "less than 0.1%"


def _is_fault(why: str) -> bool:
    return not why.startswith(_NO_FAULT) and not why.endswith("clearer days are enough")
