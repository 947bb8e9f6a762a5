"""What an export is told: the target, and what it is written with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal, get_args

from lczlib.errors import InputError
from lczlib.jobs.map_files import OneMap
from lczlib.jobs.request import Source, is_path
from lczlib.out_scheme import USUAL, OutScheme, out_scheme
from lczlib.settings import described, setting
from lczlib.terms import option

Target = Literal[
    "geotiff", "qgis", "gpkg", "netcdf", "kmz", "districts", "stac", "umep", "suews", "wrf"
]  # fmt: skip
TARGETS: tuple[str, ...] = get_args(Target)
Language = Literal["en", "de", "es", "fr", "pt", "zh"]
COUNTED_101 = ("umep", "suews")
"""Targets whose programs count only 1-10 and 101-107, and that are always written so."""
_NEEDS = {"districts": "polygons", "stac": "date", "wrf": "geo_em"}
"""Settings without which a target cannot be written."""
_STYLED = ("qgis", "gpkg", "kmz", "stac", "umep", "suews")
_OF = {
    "out_scheme": ("geotiff", "qgis", "netcdf", "stac", "umep", "suews"), "language": _STYLED,
    "min_cells": ("gpkg",), "probabilities": ("gpkg", "netcdf"), "polygons": ("districts", "umep", "suews"),
    "name_column": ("districts", "umep", "suews"), "block": ("suews",), "date": ("stac", "netcdf"),
    "geo_em": ("wrf",), "wrf_version": ("wrf",),
}  # fmt: skip
"""The targets that take a setting; for others it would change nothing, and is refused."""


def taken_by(target: str) -> set[str]:
    """The settings of `ExportRequest` that a target can be told."""
    fixed = {"out_scheme"} if target in COUNTED_101 else set()
    return {n for n in described(ExportRequest) if target in _OF.get(n, TARGETS)} - fixed


_FIRST_WITH_LCZ = (4, 3)


def parse_days(text: str) -> tuple[date, date]:
    """``2023-07-01`` or ``2023-05-01/2023-09-30`` as first and last day.

    Raises
    ------
    InputError
        If it is neither, or the first is later than the last.
    """
    try:
        days = [date.fromisoformat(part.strip()) for part in text.split("/")]
    except ValueError:
        days = []
    if len(days) not in (1, 2) or days[0] > days[-1]:
        msg = (
            f"{text!r} is no day: write 2023-07-01, or first and last day as 2023-05-01/2023-09-30."
        )
        raise InputError(msg)
    return days[0], days[-1]


def _check_days(text: str) -> None:
    if text:
        parse_days(text)


def parse_version(text: str) -> tuple[int, ...]:
    """``4.4.2`` as numbers.

    Raises
    ------
    InputError
        If it is no version, or one before WRF knew LCZ.
    """
    try:
        numbers = tuple(int(part) for part in text.split("."))
    except ValueError:
        numbers = ()
    if not numbers or numbers < _FIRST_WITH_LCZ:
        msg = f"{text!r} is no version of WRF that reads LCZ: 4.3 is the first; write it as 4.5 or 4.4.2."
        raise InputError(msg)
    return numbers


def _check_version(text: str) -> None:
    parse_version(text)


@dataclass(frozen=True, kw_only=True)
class ExportRequest(OneMap):
    """A map for other software."""

    command: ClassVar = "export"

    to: Target = setting(
        ..., "What the map is written for: geotiff (any numbering), qgis (with QML and SLD), gpkg (polygons), netcdf "
        "(CF), kmz (Google Earth), districts (areas by polygon, CSV), stac (an item), umep and suews (101-107, land "
        "cover, morphology), wrf (a geo_em file with its urban form).", title="For",
    )  # fmt: skip
    check: bool = setting(
        False, "Only say what will fail there; nothing is written.", title="Only check"
    )
    out_scheme: OutScheme | None = out_scheme(
        usual="1-17; 101-107 for umep and suews, which count no other"
    )
    language: Language = setting("en", "Language of the classes' names.", title="Language")
    min_cells: int = setting(
        1, "Minimum mapping unit of gpkg, in cells: smaller patches go to their largest neighbour.",
        title="Minimum mapping unit (cells)", low=1,
    )  # fmt: skip
    probabilities: Source | None = setting(
        None, "Class probabilities of the map, for the certainty of gpkg and netcdf.", title="Probabilities",
        file=True, metavar="FILE", usual="those beside the map (x_proba.tif of x_lcz.tif), or its own band",
    )  # fmt: skip
    polygons: Source | None = setting(
        None, "Polygons to sum over: districts, or the grid of SUEWS.", title="Polygons", file=True,
        metavar="FILE",
    )  # fmt: skip
    name_column: str | None = setting(
        None, "Column of the polygons that names them.", title="Column of names", metavar="COLUMN",
        usual="numbers from 1",
    )  # fmt: skip
    block: float = setting(
        500.0, "Edge in metres of the squares that suews sums over where no polygons are given.",
        title="Squares (m)", low=0, open_ends=True,
    )  # fmt: skip
    fill: Literal["nearest"] | None = setting(
        None, "Give cells without a class that of the nearest cell that has one.", title="Fill",
        usual="they stay without",
    )  # fmt: skip
    date: str = setting(
        "", "Day that the map is of, or first/last day, for stac and netcdf.", title="Day", check=_check_days,
        metavar="DAY[/DAY]",
    )  # fmt: skip
    geo_em: Source | None = setting(
        None, "The geo_em file of the domain of WRF, as geogrid wrote it.", title="Domain of WRF (geo_em)", file=True,
        metavar="FILE",
    )  # fmt: skip
    wrf_version: str = setting(
        "4.6", "Version of WRF that reads it: LCZ are 31-41 in 4.3 up to 4.4.1, and 51-61 since 4.4.2.",
        title="Version of WRF", check=_check_version,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        needed = _NEEDS.get(self.to)
        if needed and not getattr(self, needed):
            what = {"polygons": "the districts' polygons", "date": "the day that the map is of",
                    "geo_em": "the domain's geo_em file"}  # fmt: skip
            msg = f"To write {self.to}, give {what[needed]} ({option(needed)})."
            raise InputError(msg, parameter=needed)
        for name, value in self.given().items():
            # the default is no wish, also where it is given as another object
            usual = isinstance(value, (str, float, int)) and value == self.settings()[name].default
            if self.to not in _OF.get(name, TARGETS) and not usual:
                msg = f"{self.to} takes no {option(name)}, which is of {', '.join(_OF[name])}: leave it out."
                raise InputError(msg, parameter=name)
        if self.to in COUNTED_101 and self.out_scheme not in (None, "101-107"):
            msg = f"{self.to} counts only 1-10 and 101-107, never {self.out_scheme}: leave it out."
            raise InputError(msg, parameter="out_scheme")

    @property
    def written_scheme(self) -> OutScheme:
        """The numbering of what is written."""
        return self.out_scheme or ("101-107" if self.to in COUNTED_101 else USUAL)


def name_of_map(request: ExportRequest) -> str:
    """What the map is called: its file's stem."""
    (name,) = request.map_names()
    return Path(name).name if is_path(request.map_path) else "lcz"
