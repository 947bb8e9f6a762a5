"""The dated probabilities that change is looked for in: their dates, one grid, the cells that all of them know."""

from __future__ import annotations

import itertools
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
from lczlib.reading import counted
from lczlib.terms import option

if TYPE_CHECKING:
    import xarray as xr
    from odc.geo.geobox import GeoBox

    from lczlib.analysis.change.pairs import Image

_MOST = 2
"""Images of one year: a third would tell little more of false change than two do."""
_FEWEST_CELLS = 100
"""With fewer the interval reaches over nearly the whole place, and most classes have no cell."""
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
    return _told(source)[0]


def names_of(sources: Sequence[Source]) -> list[str]:
    """What images are called, each otherwise: files of one name with their folder, and numbered if need be."""
    names = [name_of(s, f"image {i}") for i, s in enumerate(sources, start=1)]
    folders = [Path(s).resolve().parent.name if is_path(s) else "" for s in sources]
    longer = [
        f"{f}/{n}" if f and names.count(n) > 1 else n for f, n in zip(folders, names, strict=True)
    ]
    return [f"{n} (image {i})" if longer.count(n) > 1 else n for i, n in enumerate(longer, start=1)]


def said_of_dates(sources: Sequence[Source], dates: dict[str, str], given: Sequence[str]) -> str:
    """Which date each image has, and what told it, in a sentence."""
    by = ["as given" if given else _told(s)[1] for s in sources]
    told = zip(dates.items(), by, strict=True)
    return f"Dates: {'; '.join(f'{name} {day} ({how})' for (name, day), how in told)}."


def _told(source: Source) -> tuple[str, str]:
    """The date of probabilities, and what tells it."""
    if not is_path(source):
        return _one(
            _dates_in(str(source.attrs.get("date", ""))), "open object"
        ), "by its attributes"
    path = Path(source)
    for how, dates in (
        ("by its tag", _dates_in(_tag(path))),
        ("by its manifest", _by_manifest(path)),
    ):
        if dates:
            return _one(dates, path.name), how
    for how, text in (("by its name", path.stem), ("by its folder", path.resolve().parent.name)):
        if dates := _dates_in(text):
            return dates[0], how
    return "", ""


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
        Of each image by its name as of `names_of`, in the order given.
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
    names = names_of(sources)
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

    names = names_of(sources)
    layers = [open_probabilities(s) if is_path(s) else probabilities(s) for s in sources]
    box = geobox_of(layers[0], names[0])
    for name, layer in zip(names[1:], layers[1:], strict=True):
        check_same_grid(box, geobox_of(layer, name), (names[0], name), resampled=False)
    known = np.logical_and.reduce([np.isfinite(p.values).all(0) for p in layers])
    if not known.any():
        msg = (
            f"{' and '.join(names)} have no cell in common that holds probabilities in all of them: give images of "
            "one place."
        )
        raise InputError(msg, parameter="probabilities")
    if known.sum() < _FEWEST_CELLS:
        msg = (
            f"{' and '.join(names)} have {counted(int(known.sum()), 'cell')} in common: too few to tell change from "
            f"error, of which {_FEWEST_CELLS} at least are needed; take in more of the place."
        )
        raise InputError(msg, parameter="probabilities")
    _check_they_show_change([p.values[:, known] for p in layers], names)
    km2 = np.repeat(row_cell_areas(box), box.shape[1]).reshape(box.shape)[known] / 1e6
    weight = km2 / km2.sum()
    images: dict[int, list[Image]] = {}
    for layer, day in sorted(zip(layers, dates, strict=True), key=lambda pair: pair[1]):
        parts = [int(p) for p in day.split("-")]
        cells = np.ascontiguousarray(layer.transpose("lcz", "y", "x").values[:, known].T)
        images.setdefault(year_of(day), []).append(
            Image(date(*parts, *(1,) * (3 - len(parts))), cells, weight)
        )
    if not np.logical_or.reduce([i.shares > 0 for of in images.values() for i in of]).sum() > 1:
        msg = f"{' and '.join(names)} know one class alone, where nothing can change: take in more of the place."
        raise InputError(msg, parameter="probabilities")
    by_year = {year: tuple(found) for year, found in sorted(images.items())}
    return Stack(by_year, dict(zip(names, dates, strict=True)), box, known, km2)


def _check_they_show_change(values: Sequence[np.ndarray], names: Sequence[str]) -> None:
    """Refuse one image given twice, and classes in the guise of probabilities."""
    from lczlib.calibrators import check_uncertain

    for image, name in zip(values, names, strict=True):
        check_uncertain([image], name)
    for i, j in itertools.combinations(range(len(values)), 2):
        if np.array_equal(values[i], values[j]):
            msg = (
                f"{names[i]} and {names[j]} hold the same probabilities: one image shows no change and no error; give "
                "the image of each date."
            )
            raise InputError(msg, parameter="probabilities")
