"""Published LCZ maps cut to a place: the global one (Demuzere et al. 2022), and those of the LCZ Generator.

They are maps, made by networks or forests from other people's training areas, and no ground truth: what
an own map differs from, it may be right about. Read by windows from where they are published, on their
own grid in degrees, and put on a UTM grid of 100 m by nearest neighbour.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import requests
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.io import DatasetReader
from rasterio.warp import transform
from rasterio.windows import Window

from lczlib import catalog
from lczlib.acquire import faults
from lczlib.acquire.addresses import AddressFailed, read_address
from lczlib.acquire.hrefs import unsigned
from lczlib.acquire.places import Place
from lczlib.classes import N_CLASSES, NUMBERING
from lczlib.errors import GridError, InputError, ServiceError
from lczlib.export.geotiff import write_lcz_map
from lczlib.grid import lcz_grid, on_grid
from lczlib.longitudes import Box
from lczlib.maps import lcz_map
from lczlib.out_scheme import USUAL, OutScheme
from lczlib.terms import option

GLOBAL_MAP = "lcz_global_2018"
GLOBAL_FILE = "lcz_global"
CELL = 100.0
GENERATOR = "https://lcz-generator.rub.de"
_GENERATOR_CITATION = (
    "Demuzere, M., Kittner, J., Bechtel, B. (2021): LCZ Generator: a web application to create Local Climate "
    "Zone maps. Frontiers in Environmental Science 9, 637455. doi 10.3389/fenvs.2021.637455"
)
_MARGIN = 2  # cells of the own grid around the place, so that the UTM grid is full to its edge
_ALONG = 41  # points along a side of a box, which bends on another grid
_LICENCE = re.compile(r"CC[ -]BY(?:[ -](?:NC|SA|ND))*[ -]?\d\.\d")


@dataclass(frozen=True)
class PublishedMap:
    """A published map cut to a place.

    Attributes
    ----------
    own : DataArray (y, x)
        LCZ map on its own grid, in degrees; beyond 180 where the place crosses it.
    utm : DataArray (y, x)
        The same on cells of 100 m of the place's UTM zone, each the nearest own cell.
    facts : dict
        ``title``, ``source`` (the address), ``year``, ``licence``, ``citation``.
    failed : tuple of str
        What was tried before and failed, a clause each.
    """

    own: xr.DataArray
    utm: xr.DataArray
    facts: dict[str, Any] = field(default_factory=dict)
    failed: tuple[str, ...] = ()


def open_global_map(
    place: Place,
    source: str | Path = "",
    *,
    grid: GeoBox | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> PublishedMap:
    """The published global LCZ map over a place.

    Parameters
    ----------
    place : Place
        Its box is what is cut out.
    source : path or str, optional
        A file or an address that has the map, or a part of it; by default the catalog's, in its order.
    grid : GeoBox, optional
        A projected grid whose LCZ cells are to be filled; by default the place's own.
    cancelled : callable, optional
        Whether to stop; asked between tries.

    Raises
    ------
    ServiceError
        If no address can be read; the message says why of each, and what to do.
    InputError
        If the file given is no such map, or has no class in the place.
    Cancelled
        If the job is to stop.
    """
    link = catalog.links()[GLOBAL_MAP]
    facts = {
        "title": link.title, "year": link.year, "licence": link.licence, "citation": link.citation,
    }  # fmt: skip
    return _published(place, [str(source)] if source else link.addresses, facts, grid, cancelled)


def open_generator_map(
    submission: str,
    place: Place,
    *,
    address: str = "",
    grid: GeoBox | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> PublishedMap:
    """A submission to the LCZ Generator over a place: its filtered map.

    Parameters
    ----------
    submission : str
        The number of 40 digits in the address of its factsheet, or that address.
    place, grid, cancelled
        As of `open_global_map`.
    address : str, optional
        Of an LCZ Generator that is not the public one.

    Raises
    ------
    InputError, ServiceError, Cancelled
        As `open_global_map`; and if the number is none.
    """
    number = number_of(submission)
    base = f"{(address or GENERATOR).rstrip('/')}/factsheets/{number}/{number}"
    facts = {
        "title": f"LCZ Generator submission {number}", "number": number, "year": None,
        "licence": _licence_of(f"{base}_factsheet.html"), "factsheet": f"{base}_factsheet.html",
        "citation": _GENERATOR_CITATION,
    }  # fmt: skip
    return _published(place, [f"{base}.tif"], facts, grid, cancelled)


def number_of(submission: str) -> str:
    """The number of a submission to the LCZ Generator, or in the address of its factsheet; else an `InputError`."""
    number = re.search(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])", submission)
    if number is None:
        msg = (
            f"{submission!r} is no submission of the LCZ Generator: give the 40 digits (0-9, a-f) in the address "
            "of its factsheet."
        )
        raise InputError(msg, parameter="submission")
    return number[0]


def write_global_map(
    place: Place,
    folder: str | Path,
    source: str | Path = "",
    *,
    grid: GeoBox | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Write the global map of a place into its folder, on both grids: see `write_maps`.

    Parameters
    ----------
    place, source, grid, cancelled
        As of `open_global_map`.
    folder : path
        That ``Reference/<city>/lcz_global.tif`` (100 m UTM) and ``lcz_global_own_grid.tif`` go to.

    Raises
    ------
    InputError, ServiceError, Cancelled
        As `open_global_map`.
    """
    found = open_global_map(place, source, grid=grid, cancelled=cancelled)
    (told,) = write_maps({GLOBAL_FILE: found}, place, folder)
    return told


def write_maps(
    maps: Mapping[str, PublishedMap], place: Place, folder: str | Path, scheme: OutScheme = USUAL
) -> list[dict[str, Any]]:
    """Write published maps on both grids, each labelled with year, licence and citation.

    Parameters
    ----------
    maps : mapping of str to PublishedMap
        By the names of their files.
    place : Place
        That they show.
    folder : path
        That they go to ``Reference/<city>`` of.
    scheme : {"1-17", "101-107", "0-16"}
        Numbering of the files, which state it.

    Returns
    -------
    list of dict
        For ``item.json``, of each ``files`` (names below the folder; that on cells of 100 m first),
        ``title``, ``source``, ``year``, ``licence``, ``citation``, ``cells`` (with a class), ``failed``,
        ``numbering``.
    """
    inside = Path("Reference") / place.folder_name
    told = []
    for name, found in maps.items():
        tags = {k.upper(): str(v) for k, v in found.facts.items() if v}
        tags["NOTE"] = "a published map, no ground truth"
        files = (f"{name}.tif", f"{name}_own_grid.tif")
        for file, data, how in zip(
            files, (found.utm, found.own), ("nearest", "own grid"), strict=True
        ):
            target = Path(folder) / inside / file
            write_lcz_map(target, data, tags={**tags, "RESAMPLING": how}, scheme=scheme)
        told.append({
            "files": [(inside / f).as_posix() for f in files], **found.facts,
            "cells": int((found.utm.values > 0).sum()), "failed": list(found.failed),
            NUMBERING: scheme,
        })  # fmt: skip
    return told


def utm_grid(box: Box, crs: str) -> GeoBox:
    """Whole cells of 100 m over a box in degrees, at multiples of 100 m."""
    x, y = _outline(box, crs)
    left, top = math.floor(x.min() / CELL) * CELL, math.ceil(y.max() / CELL) * CELL
    cols, rows = math.ceil((x.max() - left) / CELL), math.ceil((top - y.min()) / CELL)
    return GeoBox((rows, cols), Affine(CELL, 0, left, 0, -CELL, top), crs)


def _published(
    place: Place,
    sources: Sequence[str],
    facts: dict[str, Any],
    grid: GeoBox | None,
    cancelled: Callable[[], bool] | None,
) -> PublishedMap:
    target = utm_grid(place.box, place.utm) if grid is None else lcz_grid(grid)
    longitude, latitude = _degrees(target)
    failed: list[str] = []
    for source in sources:
        read = partial(_window, longitude=longitude, latitude=latitude, source=unsigned(source))
        try:
            own = read_address(source, read, cancelled or (lambda: False))
            break
        except AddressFailed as error:
            failed.append(error.message)
    else:
        raise _unread(sources, failed)
    if not (own.values > 0).any():
        msg = (
            f"{facts['title']} ({unsigned(source)}) has no class in {place.label}: it ends there, or there is only "
            "sea."
        )
        raise InputError(msg)
    utm = lcz_map(on_grid(_nearest(own, longitude, latitude), target), title=facts["title"])
    own = lcz_map(own, title=facts["title"])
    return PublishedMap(own, utm, {**facts, "source": unsigned(source)}, tuple(failed))


def _unread(sources: Sequence[str], failed: Sequence[str]) -> Exception:
    if len(sources) == 1 and "://" not in sources[0]:
        return InputError(
            f"The LCZ map {failed[0]}: give a GeoTIFF of it, or leave {option('global_map')} out."
        )
    msg = (
        f"The published LCZ map cannot be read: {'; '.join(failed)}. The service is at fault, or the network: "
        f"try later, or download {unsigned(sources[-1])} with a browser and give it by {option('global_map', 'FILE')}."
    )
    return ServiceError(msg)


def _degrees(grid: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of the middle of each cell, without a jump at 180 degrees."""
    rows, cols = grid.shape
    col, row = np.meshgrid(np.arange(cols) + 0.5, np.arange(rows) + 0.5)
    x, y = grid.affine * (col.ravel(), row.ravel())
    longitude, latitude = (np.array(v) for v in transform(str(grid.crs), "EPSG:4326", x, y))
    first = longitude[0]
    longitude += 360 * np.round((first - longitude) / 360)
    return longitude.reshape(rows, cols), latitude.reshape(rows, cols)


def _window(
    src: DatasetReader, longitude: np.ndarray, latitude: np.ndarray, source: str
) -> xr.DataArray:
    """The part of a map in degrees around some places, on its own grid.

    Across 180 degrees the grid goes on; the columns beyond are those of the map's other end, each the one
    that its middle lies in.
    """
    a = src.transform
    if src.crs is None or not src.crs.is_geographic or a.b or a.d or a.a <= 0 or a.e >= 0:
        msg = f"{source} is not the published map: its grid is not in degrees, north up."
        raise GridError(msg)
    first_col, last_col = (
        math.floor((longitude.min() - a.c) / a.a) - _MARGIN, math.floor((longitude.max() - a.c) / a.a) + _MARGIN
    )  # fmt: skip
    first_row, last_row = (
        math.floor((latitude.max() - a.f) / a.e) - _MARGIN, math.floor((latitude.min() - a.f) / a.e) + _MARGIN
    )  # fmt: skip
    shape = (last_row - first_row + 1, last_col - first_col + 1)
    codes = np.zeros(shape, np.uint8)
    # whole turns of the globe in cells, which is no whole number of them
    at = np.arange(first_col, last_col + 1)
    at = np.floor((at + 0.5) % (360 / a.a)).astype(int)
    rows = slice(max(first_row, 0), min(last_row + 1, src.height))
    inside = np.flatnonzero(at < src.width)
    if rows.start < rows.stop and inside.size:
        band = _band(src)
        for run in np.split(inside, np.flatnonzero(np.diff(at[inside]) != 1) + 1):
            window = Window(at[run[0]], rows.start, run.size, rows.stop - rows.start)
            values = src.read(band, window=window)
            part = codes[rows.start - first_row : rows.stop - first_row, run[0] : run[-1] + 1]
            part[:] = _classes(values, src.nodatavals[band - 1], source)
    grid = GeoBox(shape, a @ Affine.translation(first_col, first_row), "EPSG:4326")
    return on_grid(codes, grid)


def _band(src: DatasetReader) -> int:
    """The filtered map among the LCZ Generator's three bands; of a single one, that."""
    if src.count == 1:
        return 1
    names = [str(d).casefold() for d in src.descriptions]
    return names.index("lczfilter") + 1 if "lczfilter" in names else min(2, src.count)


def _classes(values: np.ndarray, nodata: float | None, source: str) -> np.ndarray:
    """Stored codes as classes, 0 for none."""
    missing = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    if nodata is not None:
        missing |= values == nodata
    codes = np.where(missing, 0, values)
    strange = np.setdiff1d(codes, np.arange(N_CLASSES + 1))
    if strange.size:
        msg = (
            f"{source} is not the published map: it holds {', '.join(f'{v:g}' for v in strange[:5])}, and LCZ "
            "are 1 to 17."
        )
        raise InputError(msg)
    return codes.astype(np.uint8)


def _nearest(own: xr.DataArray, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """The own cell that each place lies in, which is that of the nearest middle."""
    col, row = ~own.odc.geobox.affine * (longitude.ravel(), latitude.ravel())
    rows, cols = (np.floor(v).astype(int).reshape(longitude.shape) for v in (row, col))
    return own.values[rows, cols]


def _outline(box: Box, crs: str) -> tuple[np.ndarray, np.ndarray]:
    west, south, east, north = box
    across = np.linspace(west, east + (360 if west > east else 0), _ALONG)
    up = np.linspace(south, north, _ALONG)
    ends = np.full(_ALONG, across[0]), np.full(_ALONG, across[-1])
    lon = np.concatenate([across, across, *ends])
    lat = np.concatenate([np.full(_ALONG, south), np.full(_ALONG, north), up, up])
    x, y = transform("EPSG:4326", crs, (lon + 180) % 360 - 180, lat)
    return np.array(x), np.array(y)


def _licence_of(factsheet: str) -> str:
    """The licence that a submission's factsheet states: they differ by its date."""
    try:
        with faults.session() as http:
            answer = http.get(factsheet, timeout=faults.TIMEOUT)
            answer.raise_for_status()
    except requests.RequestException as error:
        return f"not known: {factsheet} could not be read ({faults.short(error)})"
    found = _LICENCE.search(" ".join(re.sub(r"<[^>]+>", " ", answer.text).split()))
    return found[0] if found else f"not stated in {factsheet}"
