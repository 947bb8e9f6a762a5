"""The dated probabilities that change is looked for in: their dates, one grid, the cells that all of them know."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lczlib.errors import InputError
from lczlib.jobs.request import Source, is_path, name_of
from lczlib.made_by import DATE_TAG
from lczlib.terms import option

if TYPE_CHECKING:
    import xarray as xr
    from odc.geo.geobox import GeoBox

    from lczlib.analysis.change.pairs import Image

_MOST = 2
"""Images of one year: a third would tell little more of false change than two do."""
_TAGS = (DATE_TAG, "date", "DATE_ACQUIRED")
_DAY = re.compile(
    r"(?<!\d)((?:19|20)\d\d)(?:([-_]?)(0[1-9]|1[0-2])(?:\2(0[1-9]|[12]\d|3[01]))?)?(?!\d)"
)


def read_date(text: str) -> str:
    """``2024``, ``2024-08`` or ``2024-08-01`` as it is.

    Raises
    ------
    InputError
        If it is none of these.
    """
    try:
        parts = [int(p) for p in text.split("-")]
        if not (
            re.fullmatch(r"\d{4}(-\d\d){0,2}", text) and date(*parts, *(1,) * (3 - len(parts)))
        ):
            raise ValueError
    except ValueError as error:
        msg = f"{text!r} is no date: write YYYY-MM-DD, YYYY-MM or YYYY, as in 2024-08-01."
        raise InputError(msg) from error
    return text


def year_of(text: str) -> int:
    """The year of a date as `read_date` has it."""
    return int(text[:4])


def date_of(source: Source) -> str:
    """The date of probabilities: by the file's tags, the manifest beside it, its name or its folder's.

    Returns
    -------
    str
        As `read_date` has it; empty where nothing tells it.

    Raises
    ------
    InputError
        If it was made from images of several years.
    """
    if not is_path(source):
        return _one(_dates_in(str(source.attrs.get("date", ""))), "open object")
    path = Path(source)
    tagged = _dates_in(_tag(path))
    return _one(tagged or _by_manifest(path), path.name) or next(
        (d for text in (path.stem, path.resolve().parent.name) for d in _dates_in(text)), ""
    )


def _dates_in(text: str) -> list[str]:
    found = []
    for year, _, month, day in _DAY.findall(text):
        try:
            found.append(read_date("-".join(p for p in (year, month, day) if p)))
        except InputError:  # the 31st of a short month: digits that are no date
            continue
    return sorted(found)


def _one(dates: Sequence[str], name: str) -> str:
    if len({year_of(d) for d in dates}) > 1:
        msg = (
            f"{name} was made from images of several years ({', '.join(sorted({d[:4] for d in dates}))}), and shows "
            "none of them: map each year by itself."
        )
        raise InputError(msg)
    return dates[0] if dates else ""


def _tag(path: Path) -> str:
    import rasterio

    try:
        with rasterio.open(path) as src:
            tags = src.tags()
    except (rasterio.errors.RasterioError, OSError):
        return ""  # who reads it says why
    return next((tags[t] for t in _TAGS if tags.get(t)), "")


def _by_manifest(path: Path) -> list[str]:
    """The dates of the scenes that the manifest of ``lcz map`` says it read, where it lists the file."""
    try:
        content = json.loads((path.parent / "manifest.json").read_text())
        if path.name not in content["outputs"] or content.get("command", "map") != "map":
            return []
        return sorted({str(r["date"])[:10] for r in content["read"] if r.get("date")})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


@dataclass(frozen=True)
class Stack:
    """Images of several years at the cells that all of them know.

    Attributes
    ----------
    images : dict of int to tuple of Image
        By year, in order; one or two each.
    dates : dict of str to str
        Of each file by its name, in the order given.
    box : GeoBox
    known : (y, x) bool
        The cells.
    km2 : (n,)
        Their areas.
    """

    images: dict[int, tuple[Image, ...]]
    dates: dict[str, str]
    box: GeoBox
    known: np.ndarray
    km2: np.ndarray

    @property
    def years(self) -> list[int]:
        """In order."""
        return [*self.images]

    def layer(self, values: np.ndarray, fill: float) -> xr.DataArray:
        """Values of the cells (n,) as a raster (y, x), `fill` elsewhere."""
        from lczlib.grid import on_grid

        whole = np.full(self.known.shape, fill, values.dtype)
        whole[self.known] = values
        return on_grid(whole, self.box)


def dated(sources: Sequence[Source], given: Sequence[str]) -> list[str]:
    """The date of each source: as given, else as `date_of` finds it.

    Raises
    ------
    InputError
        If one has no date, two have the same, all are of one year, or more than two of one.
    """
    names = [name_of(s, f"image {i}") for i, s in enumerate(sources, start=1)]
    dates = [*given] or [date_of(s) for s in sources]
    for name, day in zip(names, dates, strict=True):
        if not day:
            msg = (
                f"{name} has no date in its tags, its manifest or its name: give the dates of all images in their "
                f"order ({option('dates')} 2018-07-01,2024-08-01)."
            )
            raise InputError(msg, parameter="dates")
    for i, day in enumerate(dates):
        if day in dates[:i]:
            j = dates.index(day)
            msg = (
                f"{names[j]} and {names[i]} are both of {day}: change needs images of different dates; if they are "
                f"not of one date, say of which ({option('dates')})."
            )
            raise InputError(msg, parameter="dates")
    years = [year_of(d) for d in dates]
    if len({*years}) < 2:
        msg = (
            f"All images are of {years[0]}: change is looked for between years; give an image of another year as "
            "well."
        )
        raise InputError(msg, parameter="probabilities")
    many = next((y for y in years if years.count(y) > _MOST), None)
    if many is not None:
        msg = f"{years.count(many)} images are of {many}: give two of a year at most."
        raise InputError(msg, parameter="probabilities")
    return dates


def open_stack(sources: Sequence[Source], dates: Sequence[str]) -> Stack:
    """Open dated probabilities as images of years.

    Raises
    ------
    InputError, GridError
        If one holds no probabilities, their grids differ, or they have no cell in common.
    """
    from lczlib.analysis.change.pairs import Image
    from lczlib.grid import check_same_grid, geobox_of, row_cell_areas
    from lczlib.maps import open_probabilities, probabilities

    names = [name_of(s, f"image {i}") for i, s in enumerate(sources, start=1)]
    layers = [open_probabilities(s) if is_path(s) else probabilities(s) for s in sources]
    box = geobox_of(layers[0], names[0])
    for name, layer in zip(names[1:], layers[1:], strict=True):
        check_same_grid(box, geobox_of(layer, name), (names[0], name))
    known = np.logical_and.reduce([np.isfinite(p.values).all(0) for p in layers])
    if not known.any():
        msg = (
            f"{' and '.join(names)} have no cell in common that holds probabilities in all of them: give images of "
            "one place."
        )
        raise InputError(msg, parameter="probabilities")
    km2 = np.repeat(row_cell_areas(box), box.shape[1]).reshape(box.shape)[known] / 1e6
    weight = km2 / km2.sum()
    images: dict[int, list[Image]] = {}
    for layer, day in sorted(zip(layers, dates, strict=True), key=lambda pair: pair[1]):
        parts = [int(p) for p in day.split("-")]
        cells = np.ascontiguousarray(layer.transpose("lcz", "y", "x").values[:, known].T)
        images.setdefault(year_of(day), []).append(
            Image(date(*parts, *(1,) * (3 - len(parts))), cells, weight)
        )
    by_year = {year: tuple(found) for year, found in sorted(images.items())}
    return Stack(by_year, dict(zip(names, dates, strict=True)), box, known, km2)
