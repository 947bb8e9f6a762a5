"""What ``lcz get`` makes of surface temperature: rasters of dates for ``lcz uhi``, and their medians."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.jobs.get_part import Part
from lczlib.reading import counted, share

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.acquire.lst import LstPass
    from lczlib.acquire.lst_products import Thermometer
    from lczlib.acquire.pass_work import PassPlan, PassWork
    from lczlib.acquire.places import Place

SECTION = "surface_temperature"
_COLUMNS = (
    "date", "time", "solar_time", "overpass", "product", "satellite", "season", "covered_share", "cloud_share",
    "snow_share", "valid_share", "megabytes", "band", "items",
)  # fmt: skip
_WHOLE = 0.99  # of the box


@dataclass(frozen=True)
class LstSeries:
    """The passes of a product.

    Attributes
    ----------
    product : Thermometer
    provider, address : str
        Where they are from.
    passes : tuple of LstPass
        By time.
    counts : dict of str to Counter
        Of each pass by its name, what the pixels of the box are, as of `lczlib.acquire.lst_pixels.write_pass`;
        empty where nothing was to be fetched.
    left_out : dict of str to list of str
        Why something was not taken: what.
    empty : tuple of str
        Why periods have none.
    plan : PassPlan or None
    work : PassWork or None
        Where the rasters are until then; None where nothing was to be fetched.
    """

    product: Thermometer
    provider: str
    address: str
    passes: tuple[LstPass, ...]
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    plan: PassPlan[LstPass] | None = None
    work: PassWork[LstPass] | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class LstResult(Part):
    """Surface temperature of a place, by dates.

    Attributes
    ----------
    series : tuple of LstSeries
        One a product.
    """

    series: tuple[LstSeries, ...] = field(default=(), repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """A row a date: day and solar time at the place, day or night, shares of the box, band, items."""
        import pandas as pd

        rows = [self._row(s, p, band) for s in self.series for p, band in _numbered(s.passes)]
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    def _row(self, series: LstSeries, one: LstPass, band: int) -> dict[str, Any]:
        from lczlib.acquire.lst_pixels import cloud_share

        clock, overpass = seen_at(one, self.place)
        row = {
            "date": one.date.isoformat(), "time": f"{one.time:%Y-%m-%dT%H:%M:%SZ}", "solar_time": clock,
            "overpass": overpass, "product": one.product, "satellite": one.satellite, "season": one.season,
            "covered_share": one.covered, "megabytes": one.megabytes, "band": band,
            "items": " ".join(s.id for s in one.scenes),
        }  # fmt: skip
        if found := series.counts.get(one.name):
            n = found["pixels"]
            row |= {
                "covered_share": 1 - found["fill"] / n, "cloud_share": cloud_share(found, series.product),
                "snow_share": found.get("snow", 0) / n, "valid_share": found["valid"] / n,
            }  # fmt: skip
        return row

    def headline(self) -> str:
        """How many dates there are, when by the sun, in a sentence."""
        told = []
        for one in self.series:
            ways = Counter(seen_at(p, self.place)[1] for p in one.passes)
            each = " and ".join(f"{n} by {way}" for way, n in sorted(ways.items()))
            size = sum(p.megabytes for p in one.passes)
            end = f", about {size:,.0f} MB to read" if one.work is None else ""
            told.append(
                f"{counted(len(one.passes), 'date')} of {one.product.title}, {each}, at {self.hours(one)} solar "
                f"time{end}"
            )
        return f"Surface temperature of {self.place.label}: {'; '.join(told)}."

    def hours(self, series: LstSeries) -> str:
        """The local solar time of passes: ``10:04`` or ``10:04 to 10:31``."""
        clocks = sorted({seen_at(p, self.place)[0] for p in series.passes})
        return " to ".join(dict.fromkeys((clocks[0], clocks[-1])))

    def limits(self) -> list[str]:
        """What users of each product should know."""
        said = []
        for one in self.series:
            said += one.product.limits
            if one.product.name == "landsat":
                said.append(
                    f"All dates are of one overpass time, {self.hours(one)} local solar time: they tell nothing of "
                    "the evening and the night, when the air's heat island is largest, and a surface heat island "
                    "is none of the air."
                )
        return said

    def own_cautions(self) -> list[str]:
        """What is missing or was removed."""
        from lczlib.acquire.lst import some

        said = [text for s in self.series for text in s.empty]
        for one in self.series:
            said += [
                f"Left out, {counted(len(what), 'item')} ({some(what)}): {why}."
                for why, what in one.left_out.items()
            ]
            whole = sum(one.counts.values(), Counter())
            if gone := whole.get("no_temperature", 0):
                said.append(
                    f"{counted(gone, 'pixel')} ({share(gone, whole['pixels'])} over all dates) are clear and hold no "
                    "surface temperature: the product has gaps where ASTER's emissivity has, on all dates alike."
                )
            part = [n for n, c in one.counts.items() if c["fill"] > (1 - _WHOLE) * c["pixels"]]
            if part:
                said.append(
                    f"{counted(len(part), 'date')} of {len(one.counts)} of {one.product.title} show less than "
                    f"{_WHOLE:.0%} of the box."
                )
        return said if self.series and self.series[0].work is None else said + self.limits()

    def files(self) -> Iterator[tuple[str, str]]:
        """Each raster of dates that there will be: the season, and the file's name."""
        for one in self.series:
            for season, stem, _ in _groups(one):
                yield season, f"{stem}.tif"

    def put(self, folder: Path) -> None:
        """Write the rasters, the table of dates, and the section of ``item.json``."""
        from lczlib.acquire.sections import remove_others, write_section
        from lczlib.export.files import write_table

        table = "lst_dates.csv"
        write_table(folder / table, self.to_dataframe(), index=False)
        if not self.series or self.series[0].work is None:
            return
        groups, files = [], [table]
        for one in self.series:
            for season, stem, passes in _groups(one):
                told = self._put(folder, one, stem, passes)
                groups.append({"season": season, **told})
                files += told["files"]
        remove_others(folder, self.place, SECTION, files)
        write_section(folder, self.place, SECTION, self._told(groups, files))

    def _put(
        self, folder: Path, series: LstSeries, stem: str, passes: Sequence[LstPass]
    ) -> dict[str, Any]:
        from lczlib.acquire.lst_folder import write_dates, write_median

        assert series.work is not None
        limits = {"LIMITS": " ".join(self.limits())}
        tags = [self._tags(series, p) for p in passes]
        files = write_dates(folder, stem, passes, series.work, limits, tags)
        counts = {}
        for overpass in ("day", "night"):
            of = [p for p, t in zip(passes, tags, strict=True) if t["OVERPASS"] == overpass]
            if of:
                more, counts[overpass] = write_median(
                    folder, stem, overpass, of, series.work, limits
                )
                files += more
        return {"product": series.product.title, "files": files, "dates_of_a_pixel": counts}

    def _tags(self, series: LstSeries, one: LstPass) -> dict[str, str]:
        clock, overpass = seen_at(one, self.place)
        counts = series.counts[one.name]
        return {
            "TIME": f"{one.time:%Y-%m-%dT%H:%M:%SZ}", "SOLAR_TIME": clock, "OVERPASS": overpass,
            "SATELLITE": one.satellite, "SCENES": " ".join(s.id for s in one.scenes),
            "CLOUDY_PIXELS": str(counts["cloudy_in_grid"]), "VALID_PIXELS": str(counts["valid_in_grid"]),
        }  # fmt: skip

    def _told(self, groups: Sequence[Mapping[str, Any]], files: Sequence[str]) -> dict[str, Any]:
        """What ``item.json`` says."""
        times = sorted(p.time for s in self.series for p in s.passes)
        licences = list(dict.fromkeys(s.plan.licence for s in self.series if s.plan))
        return {
            "title": f"Surface temperature of {self.place.label}", "files": list(files),
            "start_datetime": f"{times[0]:%Y-%m-%dT%H:%M:%SZ}", "end_datetime": f"{times[-1]:%Y-%m-%dT%H:%M:%SZ}",
            "license": licences[0] if len(licences) == 1 else "other",
            "attribution": " ".join(f"{_credit(s)}." for s in self.series),
            "terms": " ".join(s.product.terms for s in self.series), "box": list(self.place.box),
            "units": "K", "limits": self.limits(), "rasters": list(groups),
            "products": [self._product_told(s) for s in self.series],
        }  # fmt: skip

    def _product_told(self, series: LstSeries) -> dict[str, Any]:
        rows = {
            p.name: {k: v for k, v in self._row(series, p, band).items() if k not in ("items", "product", "megabytes")}
            for p, band in _numbered(series.passes)
        }  # fmt: skip
        return {
            "product": series.product.title, "provider": series.provider, "provider_address": series.address,
            "source_collection": series.plan.collection if series.plan else "",
            "solar_time": self.hours(series), "clouds_removed_by": series.product.clouds,
            "left_out": [{"why": why, "what": list(what)} for why, what in series.left_out.items()],
            "dates": [
                {
                    **rows[p.name], "pixels": dict(series.counts[p.name]),
                    "scenes": [{"id": s.id, "collection": s.collection, "href": s.link} for s in p.scenes],
                }
                for p in series.passes
            ],
        }  # fmt: skip

    def done(self) -> None:
        """Remove the rasters that were kept for a run that is taken up."""
        for one in self.series:
            if one.work is not None:
                one.work.remove()


def seen_at(one: LstPass, place: Place) -> tuple[str, str]:
    """Local solar time in the middle of a place, ``10:31``, and ``day`` or ``night`` by the sun."""
    import pandas as pd

    from lczlib.analysis.heat.solar import local_solar_time, solar_elevation
    from lczlib.longitudes import middle_of

    x, y = middle_of(place.box)
    when = pd.DatetimeIndex([one.time])
    minutes = round(float(local_solar_time(when, x)[0]) * 60) % (24 * 60)
    high = solar_elevation(when, y, x)[0] > 0
    return f"{minutes // 60:02d}:{minutes % 60:02d}", "day" if high else "night"


def _groups(series: LstSeries) -> Iterator[tuple[str, str, list[LstPass]]]:
    """Of each period with a pass: its name, how its files begin, the passes in the order of bands."""
    from lczlib.acquire.lst_folder import stem_of

    seasons = series.plan.asked["seasons"] if series.plan else []
    for season in dict.fromkeys(p.season for p in series.passes):
        stem = stem_of(series.product, season, alone=len(seasons) == 1)
        yield season, stem, [p for p in series.passes if p.season == season]


def _numbered(passes: Sequence[LstPass]) -> Iterator[tuple[LstPass, int]]:
    """Passes with the number of their band, from 1 in each period."""
    n: Counter[str] = Counter()
    for one in passes:
        n[one.season] += 1
        yield one, n[one.season]


def _credit(series: LstSeries) -> str:
    which = sorted({p.satellite.removeprefix("L") for p in series.passes})
    return series.product.attribution.format(n="/".join(which))
