"""The days on which a place was seen: with cloud and covered share over the box, and nothing downloaded.

The cloud figure of an item is that of a tile of 110 km. What counts is the sky over the box: the scene
classification of each scene is read there, which is a few hundred kilobytes.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import requests
from odc.geo.geobox import GeoBox

from lczlib.acquire.access import Access, AssetFailed
from lczlib.acquire.faults import USER_AGENT, patience
from lczlib.acquire.grids import coarse, grid_on, inside, zone_of
from lczlib.acquire.layouts import SCL
from lczlib.acquire.masks import OUTSIDE, clear_pixels, shares
from lczlib.acquire.providers import COLLECTIONS, Provider
from lczlib.acquire.scene import Scene, newest_versions, with_classification
from lczlib.acquire.seasons import Period
from lczlib.errors import InputError, ServiceError
from lczlib.longitudes import Box
from lczlib.terms import option

if TYPE_CHECKING:
    from pystac_client import Client

_LOOKED_AT = 2_000  # pixels along a side of the classification that shares are counted on
_BYTES_A_PIXEL = 4 * 2 + (6 * 2 + 1) / 4  # ten bands and the classification, of 10 m and 20 m
_COMPRESSED = 0.65  # of that, what Sentinel-2 takes compressed without loss
_PAGE = 200
_NAMED = 8  # collections of a service that a message names
_SAMPLE = 50_000  # pixels of the box of which it is kept whether they are clear


@dataclass(frozen=True)
class Day:
    """The scenes of a place on one day, as one image.

    Attributes
    ----------
    date : date
        Local by the sun.
    scenes : tuple of Scene
    cloud_share, covered_share, clear_share : float
        See `lczlib.acquire.masks.shares`; NaN where the classification could not be read.
    megabytes : float
        Of the files' parts over the box, about.
    failed : str
        Why its classification could not be read; empty where it could.
    clear : bytes
        Which pixels of a sample of the box are clear, a bit each: of all days the same pixels.
    """

    date: dt.date
    scenes: tuple[Scene, ...]
    cloud_share: float = float("nan")
    covered_share: float = float("nan")
    clear_share: float = float("nan")
    megabytes: float = float("nan")
    failed: str = ""
    clear: bytes = field(default=b"", repr=False)

    def row(self) -> dict[str, Any]:
        """Of a table of days."""
        return {
            "date": self.date.isoformat(), "cloud_share": self.cloud_share,
            "covered_share": self.covered_share, "clear_share": self.clear_share,
            "items": " ".join(s.id for s in self.scenes), "megabytes": self.megabytes,
            "note": self.failed,
        }  # fmt: skip


@dataclass(frozen=True)
class Catalogue:
    """A provider's collection of Sentinel-2 surface reflectance, opened.

    Attributes
    ----------
    provider : Provider
    collection : str
    top : str
        Collection of top-of-atmosphere reflectance, whose bands are taken instead; empty for none.
    """

    provider: Provider
    collection: str
    _client: Client
    top: str = ""

    @property
    def read_from(self) -> str:
        """The collection that bands are of."""
        return self.top or self.collection

    @classmethod
    def open(cls, provider: Provider, collection: str = "", level: str = "L2A") -> Catalogue:
        """Reach the service, and choose its collection.

        Parameters
        ----------
        provider : Provider
            Whose API is asked.
        collection : str
            By default the first of the provider's that it has.
        level : str
            ``L1C`` for the bands of its top-of-atmosphere reflectance.

        Raises
        ------
        ServiceError
            If it cannot be reached or is no STAC API.
        InputError
            If it has no such collection.
        """
        client, there = reached(provider)
        wanted = (collection,) if collection else (*provider.collections, *COLLECTIONS)
        found = next((c for c in wanted if c in there), None)
        if found is None:
            names = " or ".join(dict.fromkeys(wanted))
            raise no_collection(
                provider, names, there, "Sentinel-2 surface reflectance", "sentinel-2"
            )
        if level == "L1C" and provider.top not in there:
            msg = (
                f"{provider.title} has no collection {provider.top}, which L1C would be of: leave out "
                f"{option('level', level)}."
            )
            raise InputError(msg, parameter="level")
        return cls(provider, found, client, provider.top if level == "L1C" else "")

    def scenes(
        self, box: Box, period: Period | None, most: int | None = None, of: str = ""
    ) -> list[Scene]:
        """The scenes over a box within a period, or at any time, of its collection or another."""
        west, south, east, north = box
        # two boxes of a place across 180 degrees: not all services take one whose west is the larger
        boxes = (
            [box] if west < east else [(west, south, 180.0, north), (-180.0, south, east, north)]
        )
        days = f"{period.start}T00:00:00Z/{period.end}T23:59:59Z" if period else None
        found: dict[str, Scene] = {}
        with _answering(self.provider):
            for part in boxes:
                search = self._client.search(
                    collections=[of or self.collection], bbox=part, datetime=days, max_items=most,
                    limit=min(_PAGE, most or _PAGE), method="GET",
                )  # fmt: skip
                found |= {str(i["id"]): Scene(i) for i in search.items_as_dicts()}
        return list(found.values())


def no_collection(
    provider: Provider,
    wanted: str,
    there: Iterable[str],
    what: str,
    like: str,
    others: Iterable[str] = (),
) -> InputError:
    """That a service has no collection of something, with what it has, those named alike first.

    Parameters
    ----------
    provider : Provider
        The service.
    wanted : str
        What was looked for.
    there : iterable of str
        What it has.
    what, like : str
        What the collection is to be of, and what names of such collections hold.
    others : iterable of str
        Names of services that have one.
    """
    some = ", ".join(sorted(there, key=lambda c: like not in c)[:_NAMED]) or "none"
    choose = f", or choose {option('provider', ' or '.join(others))}" if others else ""
    msg = (
        f"{provider.title} has no collection {wanted}; it has {some}: name one of {what} "
        f"({option('collection')}){choose}."
    )
    return InputError(msg, parameter="collection")


def reached(provider: Provider) -> tuple[Client, dict[str, str]]:
    """A service's API, and the licence of each of its collections by name.

    Raises
    ------
    ServiceError
        If it cannot be reached or is no STAC API.
    """
    import warnings

    from pystac_client import Client
    from pystac_client.stac_api_io import StacApiIO

    reader = StacApiIO(headers={"User-Agent": USER_AGENT}, timeout=(10, 60), max_retries=patience())
    with _answering(provider), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = Client.open(provider.address, stac_io=reader)
        return client, {c.id: c.license for c in client.get_collections()}


@contextmanager
def _answering(provider: Provider) -> Iterator[None]:
    """A block that asks a service; what goes wrong is said with who is at fault."""
    from pystac_client.exceptions import APIError

    try:
        yield
    except APIError as error:
        # it has a status only where an answer was the error, and not the lack of one
        status = getattr(error, "status_code", None)
        if status:
            what = f"answers with an error (HTTP {status})"
            who = "it is at fault, or the address is not that of a STAC API"
        elif "too many" in str(error):
            what, who = "is busy or fails at every try", "it is at fault; try later"
        else:
            what, who = "cannot be reached", "is there a network, and is the address right?"
        msg = (
            f"{provider.title} ({provider.address}) {what}: {who}{'' if who.endswith('?') else '.'}"
        )
        raise ServiceError(msg) from error
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        msg = (
            f"{provider.title} ({provider.address}) does not answer as a STAC API does "
            f"({type(error).__name__}): is the address right?"
        )
        raise ServiceError(msg) from error
    except Exception as error:
        if not type(error).__module__.startswith(("pystac", "pystac_client")):
            raise
        msg = f"{provider.title} ({provider.address}) is no STAC API that can be read: {error}."
        raise ServiceError(msg) from error


def find_days(catalogue: Catalogue, box: Box, period: Period) -> list[Day]:
    """The days on which there are scenes over a box, without their shares.

    Raises
    ------
    InputError
        If there are none; it says which filter removed them all.
    ServiceError
        If the service fails.
    """
    found = _of_days(catalogue, box, period)
    if not found:
        raise InputError(why_none(catalogue, box, period))
    usable = [s for s in found if s.assets is not None]
    if not usable:
        keys = ", ".join(sorted(found[0].item.get("assets", {}))[:12])
        msg = (
            f"The scenes of {catalogue.collection} do not have the ten bands and the scene classification "
            f"under names that are known (B02, blue or B02_10m); {found[0].id} has {keys}."
        )
        raise InputError(msg, parameter="collection")
    if catalogue.top:
        usable = with_classification(_of_days(catalogue, box, period, catalogue.top), usable)
        if not usable:
            msg = (
                f"{catalogue.provider.title} has no scene of {catalogue.top} over the box in {period} of the "
                f"same pass as one of {catalogue.collection}, whose classification it needs."
            )
            raise InputError(msg, parameter="level")
    by_day: dict[dt.date, list[Scene]] = defaultdict(list)
    for scene in newest_versions(usable):
        by_day[scene.local_day(box)].append(scene)
    return [Day(day, tuple(scenes)) for day, scenes in sorted(by_day.items())]


def _of_days(catalogue: Catalogue, box: Box, period: Period, of: str = "") -> list[Scene]:
    """The scenes of the days of a period, which are those of the place, while services go by UTC."""
    day = dt.timedelta(days=1)
    wide = replace(period, start=period.start - day, end=period.end + day)
    found = catalogue.scenes(box, wide, of=of)
    return [s for s in found if period.start <= s.local_day(box) <= period.end]


def why_none(catalogue: Catalogue, box: Box, period: Period) -> str:
    """Which filter has removed all scenes of a collection, as a sentence."""
    where = f"{catalogue.provider.title} ({catalogue.collection})"
    ever = catalogue.scenes(box, None, most=_PAGE)
    if not ever:
        return (
            f"{where} has no scene over the box {','.join(f'{v:g}' for v in box)} on any day: is the box on "
            f"land, and the service the right one ({option('provider')})?"
        )
    days = sorted(s.local_day(box) for s in ever)
    return (
        f"{where} has scenes over the box, but none in the period {period}: the period removes them all; "
        f"there are some on {days[0]}" + (f" and {days[-1]}" if days[-1] != days[0] else "") + "."
    )


def megabytes_of(pixels: float) -> float:
    """What a day's files hold of so many pixels of 10 m, about."""
    return pixels * _BYTES_A_PIXEL * _COMPRESSED / 1e6


def look_at(
    days: Sequence[Day],
    box: Box,
    access: Access,
    progress: Callable[[int, int], None],
    dilation: float,
) -> list[Day]:
    """The same days with their shares, the clearest first; what cannot be read comes last.

    Parameters
    ----------
    days : sequence of Day
        From `find_days`.
    box : tuple of float
        West, south, east, north in degrees.
    access : Access
        By which their classifications are read.
    progress : callable
        Called with how many days are done, and how many there are.
    dilation : float
        Metres around what is masked that are not clear either.
    """
    epsg = zone_of(box, (s.epsg for d in days for s in d.scenes))
    grid = coarse(grid_on(box, epsg), _LOOKED_AT)
    within = inside(box, grid)
    found = []
    for i, day in enumerate(days):
        progress(i, len(days))
        found.append(_looked_at(day, grid, within, access, dilation))
    progress(len(days), len(days))
    # sorted twice: of two that are equally clear the earlier comes first
    found.sort(key=lambda d: d.date)
    return sorted(found, key=lambda d: -d.clear_share if d.clear_share >= 0 else 1.0)


def _looked_at(day: Day, grid: GeoBox, within: np.ndarray, access: Access, dilation: float) -> Day:
    waiting = [access.submit(s, SCL, grid, fill=OUTSIDE) for s in in_order(day.scenes, grid)]
    try:
        classes = [w.result() for w in waiting]
    except AssetFailed as error:
        return replace(day, failed=str(error))
    whole = laid_over(classes, OUTSIDE)
    told = shares(whole[within])
    pixels = told["covered_share"] * within.sum() * (grid.affine.a / 10) ** 2
    clear = clear_pixels(whole, dilation, grid.affine.a)[within]
    sample = np.packbits(clear[:: max(1, clear.size // _SAMPLE)]).tobytes()
    return replace(day, **told, megabytes=megabytes_of(pixels), clear=sample)


def in_order(scenes: Sequence[Scene], grid: GeoBox) -> list[Scene]:
    """Scenes of the grid's own zone first: the resampled pixels of another never cover theirs."""
    own = grid.crs.to_epsg() if grid.crs is not None else None
    return sorted(scenes, key=lambda s: (s.epsg != own, s.tile, s.time, s.id))


def laid_over(layers: Sequence[np.ndarray], empty: int) -> np.ndarray:
    """Layers of one grid as one: of each pixel the first that holds data.

    Of classifications, no data (0) within a scene gives way to what another scene shows there.
    """
    out = layers[0].copy()
    for layer in layers[1:]:
        better = ((out == empty) & (layer != empty)) | (
            (out == 0) & (layer != 0) & (layer != empty)
        )
        out[better] = layer[better]
    return out
