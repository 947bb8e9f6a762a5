"""Which Sentinel-1 products there are of a place, and which pass of a period is taken.

As So2Sat GUL chose: one product that holds the whole place; else several of one pass, which become one
image. Passes are never mixed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import requests

from lczlib.acquire import faults
from lczlib.acquire.boxes import outline
from lczlib.acquire.providers import RadarProvider
from lczlib.acquire.seasons import Period
from lczlib.errors import InputError, ServiceError
from lczlib.longitudes import Box, middle_of, unwrapped
from lczlib.sentinel1.product import relative_orbit
from lczlib.sentinel1.select import fewest
from lczlib.terms import option

if TYPE_CHECKING:
    import shapely

_NAME = re.compile(
    r"(S1[A-D])_IW_SLC__1SDV_(\d{8}T\d{6})_(\d{8}T\d{6})_(\d{6})_([0-9A-F]{6})_[0-9A-F]{4}"
)
_WHOLE = 0.999  # of the box; outlines are stated to a few hundred metres
_PAGE = 200


@dataclass(frozen=True)
class SlcProduct:
    """An IW SLC product of VV and VH at a service.

    Attributes
    ----------
    name : str
        ``S1A_IW_SLC__1SDV_...``, without ``.SAFE``.
    address : str
        Of its archive.
    size : int
        Bytes, as the service states them; 0 where it does not.
    md5 : str
        Of the archive; empty where it is not known.
    direction : str
        ``ascending`` or ``descending``.
    ground : Polygon
        What it shows, about; degrees.
    """

    name: str
    address: str
    size: int
    md5: str
    direction: str
    ground: shapely.Geometry = field(repr=False, hash=False, compare=False)

    def _part(self, i: int) -> str:
        found = _NAME.fullmatch(self.name)
        return found[i] if found else ""

    @property
    def mission(self) -> str:
        """``S1A`` ..."""
        return self._part(1)

    @property
    def start(self) -> dt.datetime:
        """When it begins (UTC)."""
        return dt.datetime.strptime(f"{self._part(2)}Z", "%Y%m%dT%H%M%S%z")

    @property
    def end(self) -> dt.datetime:
        """When it ends (UTC)."""
        return dt.datetime.strptime(f"{self._part(3)}Z", "%Y%m%dT%H%M%S%z")

    @property
    def of_pass(self) -> tuple[str, str]:
        """Mission and number of the data take: the same of all slices of a pass."""
        return self.mission, self._part(5)

    @property
    def relative_orbit(self) -> int | None:
        """The track, 1 to 175; None where it is not known."""
        return relative_orbit(self.mission, int(self._part(4)))


@dataclass(frozen=True)
class Pass:
    """The products of a pass that show a place.

    Attributes
    ----------
    products : tuple of SlcProduct
        In the order of time; no more than it takes.
    covered : float
        Share of the box that they show.
    """

    products: tuple[SlcProduct, ...]
    covered: float

    @property
    def date(self) -> dt.date:
        """Its day (UTC)."""
        return self.products[0].start.date()

    @property
    def megabytes(self) -> float:
        """Of its archives."""
        return sum(p.size for p in self.products) / 1e6

    def rows(self) -> Iterator[dict[str, Any]]:
        """Of a table of products."""
        for one in self.products:
            yield {
                "date": self.date.isoformat(), "product": one.name, "direction": one.direction,
                "relative_orbit": one.relative_orbit, "covered_share": self.covered,
                "megabytes": one.size / 1e6 if one.size else float("nan"), "address": one.address,
            }  # fmt: skip


def find_products(provider: RadarProvider, box: Box, period: Period) -> list[SlcProduct]:
    """The IW SLC products of VV and VH over a box in a period.

    Raises
    ------
    ServiceError
        If the service cannot be asked.
    """
    ask: Callable[..., Iterator[SlcProduct]] = {"asf": _asf, "odata": _odata}[provider.speaks]
    shapes = outline(box)
    found: dict[str, SlcProduct] = {}
    with faults.session() as http:
        for shape in getattr(shapes, "geoms", [shapes]):
            try:
                found |= {p.name: p for p in ask(provider, http, shape.wkt, period)}
            except (requests.RequestException, ValueError, KeyError, TypeError) as error:
                what = (
                    f"cannot be asked ({faults.short(error)})"
                    if isinstance(error, requests.RequestException)
                    else f"does not answer as it is known to ({type(error).__name__})"
                )
                msg = (
                    f"{provider.title} ({provider.search}) {what}: it is at fault, or the network; try later, or "
                    f"another service ({option('radar_provider')})."
                )
                raise ServiceError(msg) from error
    return sorted(found.values(), key=lambda p: p.name[17:])


def _asf(
    provider: RadarProvider, http: requests.Session, wkt: str, period: Period
) -> Iterator[SlcProduct]:
    import shapely.geometry

    asked = {
        "output": "geojson", "platform": "SENTINEL-1", "processingLevel": "SLC", "beamMode": "IW",
        "polarization": "VV+VH", "intersectsWith": wkt, "start": f"{period.start}T00:00:00Z",
        "end": f"{period.end}T23:59:59Z", "maxResults": "2000",
    }  # fmt: skip
    for feature in _json(http, provider.search, asked)["features"]:
        told = feature["properties"]
        if _NAME.fullmatch(told["sceneName"]):
            yield SlcProduct(
                told["sceneName"], told["url"], int(told.get("bytes") or 0), told.get("md5sum") or "",
                str(told["flightDirection"]).lower(), shapely.geometry.shape(feature["geometry"]),
            )  # fmt: skip


def _odata(
    provider: RadarProvider, http: requests.Session, wkt: str, period: Period
) -> Iterator[SlcProduct]:
    import shapely.geometry

    asked: dict[str, str] | None = {
        "$filter": f"Collection/Name eq 'SENTINEL-1' and contains(Name,'_IW_SLC__1SDV_') "
        f"and OData.CSC.Intersects(area=geography'SRID=4326;{wkt}') "
        f"and ContentDate/Start ge {period.start}T00:00:00.000Z and ContentDate/Start le {period.end}T23:59:59.999Z",
        "$expand": "Attributes", "$orderby": "ContentDate/Start asc", "$top": str(_PAGE),
    }  # fmt: skip
    address = provider.search
    while address:
        page = _json(http, address, asked)
        for told in page["value"]:
            name = str(told["Name"]).removesuffix(".SAFE")
            if not _NAME.fullmatch(name):
                continue
            about = {a["Name"]: a["Value"] for a in told.get("Attributes", ())}
            yield SlcProduct(
                name, f"{_downloads(provider)}({told['Id']})/$value", int(told.get("ContentLength") or 0), "",
                str(about.get("orbitDirection", "")).lower(), shapely.geometry.shape(told["GeoFootprint"]),
            )  # fmt: skip
        address, asked = page.get("@odata.nextLink", ""), None  # the link holds the question


def _downloads(provider: RadarProvider) -> str:
    return provider.search.replace("//catalogue.", "//download.")


def _json(http: requests.Session, address: str, asked: dict[str, str] | None) -> dict[str, Any]:
    answer = http.get(address, params=asked, timeout=faults.TIMEOUT)
    answer.raise_for_status()
    return dict(answer.json())


def passes_over(products: Iterable[SlcProduct], box: Box) -> list[Pass]:
    """The passes over a box, each with no more products than it takes, in the order of time."""
    by_pass: dict[tuple[str, str], list[SlcProduct]] = defaultdict(list)
    for product in products:
        by_pass[product.of_pass].append(product)
    found = [p for p in (_least(several, box) for several in by_pass.values()) if p.products]
    return sorted(found, key=lambda p: p.products[0].start)


def _least(products: Sequence[SlcProduct], box: Box) -> Pass:
    """One by one those that add the most of what is missing of the box."""
    import shapely

    middle, _ = middle_of(box)
    whole = near(outline(box), middle)
    ground = {p.name: near(p.ground, middle) for p in products}
    used = fewest(ground, whole, _WHOLE)
    left = whole.difference(shapely.union_all([ground[n] for n in used]))
    covered = 1.0 if left.area <= (1 - _WHOLE) * whole.area else 1 - left.area / whole.area
    kept = [p for p in products if p.name in used]
    return Pass(tuple(sorted(kept, key=lambda p: p.start)), covered)


def near(shape: shapely.Geometry, middle: float) -> shapely.Geometry:
    """A shape whose longitudes are all within 180 degrees of one, so that those across 180 hang together."""
    import shapely

    def moved(xy: np.ndarray) -> np.ndarray:
        return np.column_stack([unwrapped(xy[:, 0], middle), xy[:, 1]])

    return shapely.union_all(shapely.make_valid(shapely.transform(shape, moved)))


def chosen(passes: Sequence[Pass], period: Period, direction: str = "any") -> Pass:
    """The pass that is taken of a period: that shows the most, of the fewest products, near its middle.

    Raises
    ------
    InputError
        If there is none.
    """
    fitting = [p for p in passes if direction in ("any", p.products[0].direction)]
    if not fitting:
        others = (
            f": all {len(passes)} go the other way ({option('direction', 'any')})" if passes else ""
        )
        which = "" if direction == "any" else f" {direction}"
        msg = (
            f"There is no{which} Sentinel-1 pass with an IW SLC product of VV and VH over the box in {period}"
            f"{others or '; take another period'}."
        )
        raise InputError(msg, parameter="direction" if passes else "start")
    middle = period.start + (period.end - period.start) / 2

    def order(one: Pass) -> tuple[float, int, int, dt.date]:
        return -round(one.covered, 3), len(one.products), abs((one.date - middle).days), one.date

    return min(fitting, key=order)
