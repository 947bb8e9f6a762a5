"""What ``lcz get`` can be told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from lczlib.acquire.providers import PROVIDERS, provider_of, radar_provider_of
from lczlib.acquire.seasons import FIRST_DAY, FIRST_HOUR, FIRST_LANDSAT, Period, periods_of
from lczlib.errors import InputError
from lczlib.jobs.request import Request
from lczlib.out_scheme import OutScheme, out_scheme
from lczlib.settings import setting
from lczlib.terms import option

if TYPE_CHECKING:
    from lczlib.acquire.places import Place

What = Literal["s2", "lcz", "s1-rtc", "s1-slc", "orbit", "dem", "lst", "stations"]
RADAR: frozenset[What] = frozenset({"s1-slc", "orbit", "dem"})
"""What ``lcz prepare-s1`` needs."""
IMAGERY: frozenset[What] = frozenset({"s2", "s1-rtc", "lst", "stations"})
"""What takes long, and is taken up again where that was stopped."""
_SENTINEL: frozenset[What] = frozenset({"s2", "s1-rtc", "s1-slc", "orbit"})


@dataclass(frozen=True, kw_only=True)
class GetRequest(Request):
    """Which place, when, and from where; how its composites are made."""

    command: ClassVar = "get"

    place: str = setting(
        "", "City by its name, So2Sat's code or folder; a GeoJSON or KML file; or W,S,E,N in degrees.",
        title="Place", argument=True, metavar="PLACE", usual="needed, but where services are checked",
    )  # fmt: skip
    box: tuple[float, ...] = setting(
        (), "In place of the box that the lists have; degrees.", title="Box", metavar="W,S,E,N"
    )
    what: tuple[What, ...] = setting(
        ("s2",), "s2: composites of Sentinel-2. lcz: the published global LCZ map (Demuzere et al. 2022). "
        "s1-rtc: Sentinel-1 for lcz water, each pass a raster of VV and VH in dB (gamma nought). s1-slc, orbit, dem: "
        "what lcz prepare-s1 needs: Sentinel-1 products of one pass a season, orbit files, Copernicus GLO-30. lst, "
        "stations: what lcz uhi takes: surface temperature by dates, without clouds; observed hourly air "
        "temperature.", title="What", metavar="s2,lcz,...",
    )  # fmt: skip
    start: str = setting(
        "", "First day of the only period, YYYY-MM-DD.", title="From", metavar="DATE"
    )
    end: str = setting("", "Its last day, which counts too.", title="To", metavar="DATE")
    seasons: tuple[str, ...] = setting(
        (), "auto: the four of the place's hemisphere. wet-dry: the half-year of the high sun and the other. "
        "Or your own, one by one.", title="Seasons", repeat=True, usual="auto",
        metavar="auto|wet-dry|NAME=START..END",
    )  # fmt: skip
    year: int | None = setting(
        None, "Of auto and wet-dry; its winter of the north begins in the year before.", title="Year",
        low=FIRST_HOUR.year, high=2100, usual="the last whole one",
    )  # fmt: skip
    provider: str = setting(
        "planetary-computer", f"{', '.join(PROVIDERS)}, or the address of a STAC API.", title="Service",
        check=provider_of, metavar="NAME|URL",
    )  # fmt: skip
    collection: str = setting(
        "", "Of the service, where it is not one that is known.", title="Collection",
        usual="sentinel-2-c1-l2a or sentinel-2-l2a",
    )  # fmt: skip
    level: Literal["L2A", "L1C"] = setting(
        "L2A", "L2A: surface reflectance; networks of L1C get an approximate atmosphere back. L1C: top of "
        "atmosphere, from a service that lets it be read (cdse, with keys).", title="Level",
    )  # fmt: skip
    composite: Literal["geomedian", "median", "best"] = setting(
        "geomedian", "How the clear days of a pixel become one: geomedian, their geometric median over all "
        "bands; median, of each band by itself; best, the day with the least cloud and shadow around it.",
        title="Composite",
    )  # fmt: skip
    max_cloud: float = setting(
        60.0, "Days with more cloud than this are left out; per cent of what a day covers of the box.",
        title="Cloud at most", low=0, high=100, metavar="PERCENT",
    )  # fmt: skip
    days: int = setting(
        12,
        "Days of a season that are used at most: the clearest.",
        title="Days a season",
        low=1,
        high=250,
    )
    dilation: float = setting(
        20.0, "Metres around cloud, shadow and snow that are masked too.", title="Rim around clouds", low=0,
        high=2000,
    )  # fmt: skip
    haze: float = setting(
        200.0, "Days on which a pixel is brighter in blue than on the clearest quarter of its days by more than "
        "this (DN) are not used of it, where three others are; 0: all are.", title="Haze from", low=0,
        high=10_000,
    )  # fmt: skip
    offsets: Literal["pixels", "stated"] = setting(
        "pixels", "Whether the offset of -1000 that a scene states is checked by its dark pixels, or taken "
        "as stated.", title="Offset by",
    )  # fmt: skip

    radar_provider: str = setting(
        "asf", "Of Sentinel-1 products: asf (Alaska Satellite Facility, EARTHDATA_TOKEN) or cdse (Copernicus Data "
        "Space Ecosystem, CDSE_USERNAME and CDSE_PASSWORD).", title="Service of Sentinel-1",
        check=radar_provider_of, metavar="asf|cdse",
    )  # fmt: skip
    direction: Literal["any", "ascending", "descending"] = setting(
        "any", "Which way the satellite of Sentinel-1 flies.", title="Pass"
    )
    thermal: tuple[Literal["landsat", "ecostress"], ...] = setting(
        ("landsat",), "Of lst. landsat: Collection 2 Level-2 of the service. ecostress: tiled passes at all hours, of "
        "NASA LP DAAC (EARTHDATA_TOKEN).", title="Surface temperature of", metavar="landsat,ecostress",
    )  # fmt: skip
    margin: float = setting(
        0.0, "Kilometres around the box in which stations are taken too; a map of the box does not cover these, "
        "and lcz uhi leaves them out only where it is told to.", title="Stations around", low=0, high=200,
    )  # fmt: skip
    global_map: str = setting(
        "", "File or address of the published global LCZ map, or of a part of it.", title="Global LCZ map",
        metavar="FILE|URL", usual="read from where it is published",
    )  # fmt: skip
    submission: tuple[str, ...] = setting(
        (), "Submission to the LCZ Generator to put beside: the 40 digits of its factsheet; repeat.",
        title="LCZ Generator", metavar="ID", repeat=True,
    )  # fmt: skip

    out_scheme: OutScheme = out_scheme(also="--scheme")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.what:
            msg = f"Nothing is asked for: name one or several of {', '.join(get_args(What))}."
            raise InputError(msg, parameter="what")
        object.__setattr__(self, "place", self.place.strip())
        object.__setattr__(self, "seasons", tuple(_apart(self.seasons)))
        if self.box and len(self.box) != 4:
            msg = f"{self.box!r} is no box: give west, south, east, north in degrees."
            raise InputError(msg, parameter="box")
        provider = provider_of(self.provider)
        if self.level == "L1C" and not provider.top:
            msg = (
                f"{provider.title} has no {option('level', 'L1C')} that can be read: choose "
                f"{option('provider', 'cdse')}, or {option('level', 'L2A')}."
            )
            raise InputError(msg, parameter="level")
        if "s1-rtc" in self.what and not provider.rtc:
            others = " or ".join(n for n, p in PROVIDERS.items() if p.rtc)
            msg = (
                f"{provider.title} has no terrain-corrected Sentinel-1 (s1-rtc): choose "
                f"{option('provider', others)}."
            )
            raise InputError(msg, parameter="provider")
        if "lst" in self.what and not self.thermal:
            msg = "Surface temperature of nothing is asked for: name landsat, ecostress, or both."
            raise InputError(msg, parameter="thermal")
        if "lst" in self.what and "landsat" in self.thermal and not provider.lst:
            others = " or ".join(n for n, p in PROVIDERS.items() if p.lst)
            msg = (
                f"{provider.title} has no surface temperature of Landsat (lst): choose "
                f"{option('provider', others)}."
            )
            raise InputError(msg, parameter="provider")
        self.periods(0.0)  # refused before anything is asked of a service

    def periods(self, latitude: float) -> tuple[Period, ...]:
        """The periods that are asked for, of a place at a latitude."""
        return periods_of(
            self.seasons, start=self.start, end=self.end, year=self.year, latitude=latitude, first=self._first,
        )  # fmt: skip

    @property
    def _first(self) -> dt.date:
        """Before which there is nothing of what is asked for."""
        if _SENTINEL & set(self.what) or not {"lst", "stations"} & set(self.what):
            return FIRST_DAY
        return FIRST_LANDSAT if "lst" in self.what else FIRST_HOUR

    def asked(self, place: Place, periods: Iterable[Period]) -> dict[str, Any]:
        """All that the result depends on, by the names of settings, for a run that is taken up again."""
        return {
            "place": place.folder_name, "box": list(place.box), "seasons": [str(p) for p in periods],
            "provider": self.provider, "level": self.level, "collection": self.collection, "composite": self.composite,
            "max_cloud": self.max_cloud, "days": self.days, "dilation": self.dilation, "haze": self.haze,
            "offsets": self.offsets,
        }  # fmt: skip

    @property
    def rtc_collection(self) -> str:
        """Of Sentinel-1, where the service's is not one that is known; else empty."""
        return "" if "s2" in self.what else self.collection

    @property
    def lst_collection(self) -> str:
        """Of Landsat, likewise."""
        return "" if {"s2", "s1-rtc"} & set(self.what) else self.collection

    def asked_lst(self, place: Place, periods: Iterable[Period]) -> dict[str, Any]:
        """All that dates of surface temperature depend on, as of `asked`; which are too cloudy is decided last."""
        return {
            "place": place.folder_name, "box": list(place.box), "seasons": [str(p) for p in periods],
            "provider": self.provider, "collection": self.lst_collection,
        }  # fmt: skip

    def asked_stations(self, place: Place, periods: Iterable[Period]) -> dict[str, Any]:
        """All that hours of stations depend on, as of `asked`."""
        return {
            "place": place.folder_name, "box": list(place.box), "seasons": [str(p) for p in periods],
            "margin": self.margin,
        }  # fmt: skip

    def asked_rtc(self, place: Place, periods: Iterable[Period]) -> dict[str, Any]:
        """All that passes of Sentinel-1 depend on, as of `asked`."""
        return {
            "place": place.folder_name, "box": list(place.box), "seasons": [str(p) for p in periods],
            "provider": self.provider, "collection": self.rtc_collection, "direction": self.direction,
        }  # fmt: skip


def _apart(texts: Iterable[str]) -> Iterable[str]:
    """Several seasons may be written in one text, by commas."""
    for text in texts:
        yield from (t.strip() for t in text.split(",") if t.strip())
