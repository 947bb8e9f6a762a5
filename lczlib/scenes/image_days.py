"""The day that an image was taken, as its metadata, a file beside it and its name tell it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from lczlib.reading import Reading, tell
from lczlib.scenes.thermal_products import mtl_value, read_text
from lczlib.terms import option

_TAGS = (
    "date", "date_acquired", "acquisition_date", "datetime", "sensing_time", "datatake_1_datatake_sensing_start",
    "product_start_time",
)  # fmt: skip
"""Metadata of a raster that name the day of the image, keys in lower case: of Landsat's MTL, STAC, and
what GDAL writes of Sentinel-2. ``TIFFTAG_DATETIME`` is none: most programs write the day on which the file was made."""
_DAY = re.compile(
    r"(?<!\d)((?:19|20)\d\d)(?:([-/:.])(0?[1-9]|1[0-2])\2(0?[1-9]|[12]\d|3[01])|(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]))(?!\d)"
)
SUN = "sun_stated"
"""Attribute of a scene: the sun's elevation, degrees, where its metadata states it."""
_SAME = dt.timedelta(days=1)
"""Days this far apart are one image's: one in UTC, one in local time."""


@dataclass(frozen=True)
class ImageDay:
    """When an image was taken.

    Attributes
    ----------
    day : str
        YYYY-MM-DD; empty where nothing tells it, or two tell different days.
    by : str
        What tells it, as words.
    cautions : tuple of str
        What was not taken, and why.
    sun_elevation : float, optional
        Degrees, at the image's centre, where the metadata states it.
    """

    day: str
    by: str = ""
    cautions: tuple[str, ...] = ()
    sun_elevation: float | None = None

    @property
    def attrs(self) -> dict[str, str | float]:
        """Of a scene of that day."""
        return {"date": self.day} | (
            {} if self.sun_elevation is None else {SUN: self.sun_elevation}
        )

    @property
    def said(self) -> str:
        """As a part of what was read."""
        return f"date {self.day}, {self.by}" if self.day else "date not stated"


def find_day(path: str | Path, tags: Mapping[str, str], named: str = "") -> ImageDay:
    """The day of an image by its metadata, Landsat's ``MTL`` beside it, and its name.

    Parameters
    ----------
    path : path
        The raster.
    tags : mapping of str to str
        Its metadata, keys in lower case.
    named : str
        The day in the name of its product, YYYY-MM-DD; empty where there is none.
    """
    stated: list[tuple[str, str]] = []  # day, and what says so
    cautions = []
    for key in _TAGS:
        if text := str(tags.get(key, "")).strip():
            days = _days_in(text)
            if len(days) == 1:
                stated.append((days[0], f"by its metadata ({key})"))
            else:
                what = "names several days" if days else "is no day"
                cautions.append(f"{path}: the metadata {key}={text[:40]} {what}, and is not taken.")
    sun = _sun(tags.get("sun_elevation"))
    beside = _metadata_beside(path)
    if beside is not None:
        text = read_text(beside)
        days = _days_in(mtl_value(text, "DATE_ACQUIRED") or "")
        stated += [(d, f"by {beside.name} beside it") for d in days[:1]]
        sun = sun if sun is not None else _sun(mtl_value(text, "SUN_ELEVATION"))
    if named:
        stated.append((named, "by its name"))
    if not stated:
        return ImageDay("", "", tuple(cautions))
    first, by = stated[0]
    for other, how in stated[1:]:
        if abs(dt.date.fromisoformat(other) - dt.date.fromisoformat(first)) > _SAME:
            say = f"say it ({option('date')} YYYY-MM-DD)"
            both = f"{path}: {first} {by}, but {other} {how}: neither day is taken; {say}."
            return ImageDay("", "", (*cautions, both))
    return ImageDay(first, by, tuple(cautions), sun)


def as_given(scene: xr.Dataset, day: str) -> xr.Dataset:
    """A scene of the day that its user gives, which counts; that it was another by the file is told.

    Parameters
    ----------
    scene : Dataset
        With ``attrs["date"]``.
    day : str
        YYYY-MM-DD; empty where none is given: the scene is as it was.
    """
    own = str(scene.attrs.get("date") or "")
    if not day or own == day:
        return scene
    out = scene.assign_attrs(date=day)
    out.attrs.pop(SUN, None)
    if own and abs(dt.date.fromisoformat(own) - dt.date.fromisoformat(day)) > _SAME:
        source = str(scene.attrs.get("source", "scene"))
        caution = f"{source}: the day is {day} as given; the file says {own}."
        tell(Reading("raster", source, (f"date {day}, as given",), (caution,), {"date": day}))
    return out


def _days_in(text: str) -> list[str]:
    """The days that a text names, each once, as ``2017-6-1``, ``2017/06/01``, ``2017:06:01`` or ``20170601``."""
    found = []
    for year, _, month, day, close_month, close_day in _DAY.findall(text):
        try:
            found.append(str(dt.date(int(year), int(month or close_month), int(day or close_day))))
        except ValueError:  # the 31st of a short month
            continue
    return list(dict.fromkeys(found))


def _sun(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if 0 < value <= 90 else None


def _metadata_beside(path: str | Path) -> Path | None:
    """Landsat's metadata file in the folder of a raster whose name starts as it does."""
    if "://" in str(path) or not Path(path).is_file():
        return None
    path = Path(path)
    for name in sorted(path.parent.glob("L[COTEM]*_MTL.txt")):
        if path.name.startswith(name.name.removesuffix("_MTL.txt")):
            return name
    return None
