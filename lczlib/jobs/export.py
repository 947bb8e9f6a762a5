"""An LCZ map written for other software, after what will fail there is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from lczlib.errors import InputError
from lczlib.export.targets.findings import Finding
from lczlib.export.targets.names import Language
from lczlib.jobs.map_files import OneMap
from lczlib.jobs.request import Source, Steps, is_path
from lczlib.jobs.result import Result, job
from lczlib.reading import counted
from lczlib.settings import setting
from lczlib.terms import option

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.jobs.export_material import Material

Target = Literal[
    "geotiff", "qgis", "gpkg", "netcdf", "kmz", "districts", "stac", "umep", "suews"
]  # fmt: skip
TARGETS: tuple[str, ...] = get_args(Target)
COUNTED_101 = ("umep", "suews")
"""Targets whose programs count only 1-10 and 101-107, and that are always written so."""
_NEEDS = {"districts": "polygons", "stac": "date"}
"""Settings without which a target cannot be written."""


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


@dataclass(frozen=True, kw_only=True)
class ExportRequest(OneMap):
    """A map for other software."""

    command: ClassVar = "export"

    to: Target = setting(
        ..., "What the map is written for: geotiff (any numbering), qgis (with QML and SLD), gpkg (polygons), netcdf "
        "(CF), kmz (Google Earth), districts (areas by polygon, CSV), stac (an item), umep and suews (101-107, land "
        "cover, morphology).", title="For",
    )  # fmt: skip
    check: bool = setting(
        False, "Only say what will fail there; nothing is written.", title="Only check"
    )
    out_scheme: Literal["1-17", "101-107", "0-16"] | None = setting(
        None, "Numbering that is written.", title="Numbering (written)",
        usual="1-17; 101-107 for umep and suews, which count no other",
    )  # fmt: skip
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

    def __post_init__(self) -> None:
        super().__post_init__()
        needed = _NEEDS.get(self.to)
        if needed and not getattr(self, needed):
            what = {"polygons": "the districts' polygons", "date": "the day that the map is of"}
            msg = f"To write {self.to}, give {what[needed]} ({option(needed)})."
            raise InputError(msg, parameter=needed)
        if self.to in COUNTED_101 and self.out_scheme not in (None, "101-107"):
            msg = f"{self.to} counts only 1-10 and 101-107, never {self.out_scheme}: leave it out."
            raise InputError(msg, parameter="out_scheme")

    @property
    def written_scheme(self) -> Literal["1-17", "101-107", "0-16"]:
        """The numbering of what is written."""
        return self.out_scheme or ("101-107" if self.to in COUNTED_101 else "1-17")


@dataclass(frozen=True, kw_only=True, repr=False)
class ExportResult(Result):
    """A map ready to be written for other software.

    Attributes
    ----------
    request : ExportRequest
    material : Material
        What is written: the map, its certainty, the polygons.
    findings : tuple of Finding
        What the target says of it; where one ``fails``, nothing can be written.
    """

    draws = False

    request: ExportRequest
    material: Material = field(repr=False)
    findings: tuple[Finding, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether the target would not work with this map."""
        return any(f.level == "fails" for f in self.findings)

    def to_dataframe(self) -> pd.DataFrame:
        """The areas by polygon, where it is about these; else what the target says of the map."""
        import pandas as pd

        if self.material.zones is not None:
            return self.material.zones
        return pd.DataFrame([(f.level, f.text) for f in self.findings], columns=["level", "text"])

    def headline(self) -> str:
        """Whether it can be written, and what to mind, in a sentence."""
        n = sum(f.level == "caution" for f in self.findings)
        known = int((self.material.lcz > 0).sum())
        able = "cannot be written" if self.fails else "can be written"
        return f"{counted(known, 'cell')} with a class {able} for {self.request.to}, {counted(n, 'caution')}."

    def facts(self) -> Mapping[str, Any]:
        """What the target says, for the manifest."""
        return {"findings": [{"level": f.level, "text": f.text} for f in self.findings]}

    def also_read(self) -> list[Path]:
        """The probabilities that were found beside the map."""
        found = self.material.certainty_file
        return [found] if found is not None and found not in self.request.files() else []

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.jobs.export_targets import write

        write(self.material, folder)


@job
def run(request: ExportRequest, step: Steps) -> ExportResult:
    """What a target says of a map, and the map ready to be written for it.

    Raises
    ------
    InputError
        If the target would not work with this map; not where it is only to be checked.
    """
    from lczlib.jobs.export_material import material_of
    from lczlib.jobs.export_targets import check

    step("Reading the map", 0, 2)
    material = material_of(request)
    step("Checking", 1, 2)
    result = ExportResult(request=request, material=material, findings=tuple(check(material)))
    if result.fails and not request.check:
        raise InputError(" ".join(f.text for f in result.findings if f.level == "fails"))
    return result


def name_of_map(request: ExportRequest) -> str:
    """What the map is called: its file's stem."""
    (name,) = request.map_names()
    return Path(name).name if is_path(request.map_path) else "lcz"
