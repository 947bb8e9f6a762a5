"""A report of results: one page for a paper's supplement, its figures and tables, and how to make all again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from lczlib.errors import InputError
from lczlib.jobs.map_files import RasterReading, band, nodata
from lczlib.jobs.request import Source, Steps, is_path
from lczlib.jobs.result import Result, job
from lczlib.reading import counted
from lczlib.settings import setting

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.jobs.methods import MethodsResult
    from lczlib.jobs.report_page import Page
    from lczlib.jobs.report_results import Results

REPORT, RERUN = "report.html", "rerun.sh"
FIGURES, TABLES = "figures", "tables"


@dataclass(frozen=True, kw_only=True)
class ReportRequest(RasterReading):
    """Results that a report is to tell of."""

    command: ClassVar = "report"
    maps: ClassVar = ("results",)

    results: tuple[Source, ...] = setting(
        ..., "Folders of results (lcz get, map, assess, compare, uhi, field, water), in the order in which they are "
        "told; further LCZ maps as GeoTIFF.", title="Results", file=True, argument=True, metavar="RESULT...",
    )  # fmt: skip
    title: str = setting(
        "", "Title of the report.", title="Title", usual="Local Climate Zones of the place"
    )
    author: str = setting("", "Who stands below the title.", title="Authors")
    bundle: bool = setting(
        False,
        "Copy the results beside the report, and pack all of it as a zip beside the folder.",
        title="Bundle",
    )

    band: tuple[str, ...] = band()
    nodata: tuple[str, ...] = nodata()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.results or not all(is_path(r) for r in self.results):
            msg = "A report tells of results that were written: give their folders."
            raise InputError(msg, parameter="results")

    def spoken(self) -> list[tuple[str, str]]:
        """What it was told beside its results, as options of the command."""
        told = {n: v for n, v in self.given().items() if n not in ("results", "bundle")}
        return [
            (n, v)
            for n, value in told.items()
            for v in ([value] if isinstance(value, str) else value)
        ]

    def read_maps(self) -> list[tuple[str, Source]]:
        """The maps without a manifest; results say how their own are read."""
        from lczlib.jobs.report_maps import is_map

        return [(n, v) for n, v in super().read_maps() if is_path(v) and is_map(Path(v))]


@dataclass(frozen=True, kw_only=True, repr=False)
class ReportResult(Result):
    """A report.

    Attributes
    ----------
    request : ReportRequest
    found : Results
        What it tells of.
    methods : MethodsResult or None
        How that was made, in words; none of maps alone.
    simulated : bool
        Whether the imagery is simulated, which the page says above everything.
    """

    request: ReportRequest
    found: Results = field(repr=False)
    methods: MethodsResult | None = field(repr=False)
    simulated: bool = False

    @property
    def title(self) -> str:
        """The one that was asked for, else the place's."""
        from lczlib.jobs.report_summary import place_of

        place = place_of(self.found)
        usual = f"Local Climate Zones of {place}" if place else "Local Climate Zones"
        return self.request.title or usual

    def to_dataframe(self) -> pd.DataFrame:
        """The results it tells of: ``result``, ``command``, ``created``."""
        import pandas as pd

        return pd.DataFrame([
            {"result": str(r.path), "command": r.command, "created": r.content.get("created")}
            for r in self.found.recorded
        ])  # fmt: skip

    def headline(self) -> str:
        """What it is of, in a sentence."""
        found = self.found
        parts = [
            counted(len(found.map_files), "map"), counted(len(found.judged), "assessment"),
            counted(len(found.warmth), "heat island"),
        ]  # fmt: skip
        return f"{self.title}: {', '.join(parts)}."

    def elsewhere(self) -> list[str]:
        """What is said of results of another place than the first map's, a sentence each."""
        from lczlib.jobs.report_places import elsewhere

        return elsewhere(self.found)

    def page(self, *, figures: bool = True, cautions: Sequence[str] = ()) -> Page:
        """The page, with its drawings and tables.

        Parameters
        ----------
        figures : bool
            Whether to draw.
        cautions : sequence of str
            What else should be known first, beside what the results say.
        """
        from lczlib.export.report import Report
        from lczlib.jobs import report_made, report_page

        report = Report(
            self.title, author=self.request.author, simulated=self.simulated,
            made=max((str(r.content.get("created", "")) for r in self.found.recorded), default="")[:10],
        )  # fmt: skip
        page = report_page.Page(report, self.found, report_page.Drawings(figures))
        report_page.fill(page, cautions)
        report_made.fill(page, self.methods, self.request, self.read)
        return page

    def also_read(self) -> list[Path]:
        """The manifests of the results."""
        return [r.path for r in self.found.recorded]

    def write(self, folder: str | Path, *, figures: bool = True) -> Path:
        """Write its files, figures and ``manifest.json``; as a bundle all of it as a zip beside the folder too."""
        from lczlib.export.files import zip_folder

        folder = super().write(folder, figures=figures)
        if self.request.bundle:
            zip_folder(folder, folder.resolve().with_name(f"{folder.resolve().name}.zip"))
        return folder

    def _write(self, folder: Path, figures: bool) -> None:
        from lczlib.export.files import staged, write_table
        from lczlib.jobs import report_bundle

        told = moved(self, report_bundle.copied(self, folder)) if self.request.bundle else self
        page = told.page(figures=figures)
        page.report.write(folder / REPORT)
        for name, table in page.tables.items():
            write_table(folder / TABLES / f"{name}.csv", table, index=False)
        page.drawings.write(folder / FIGURES)
        if told.methods is not None:
            told.methods._write(folder, figures=False)
        with staged(folder / RERUN) as path:
            path.write_text(report_bundle.script(told, folder), encoding="utf-8")
            path.chmod(0o755)


@job
def run(request: ReportRequest, step: Steps) -> ReportResult:
    """Read results for a report.

    Raises
    ------
    InputError
        If one is no result with its manifest, nor an LCZ map.
    """
    from lczlib.jobs.paired import told_apart
    from lczlib.jobs.report_maps import opened_maps
    from lczlib.jobs.report_results import Results

    step("Reading results", 0, 3)
    found = Results.of([Path(r) for r in request.results], opened_maps(request))
    step("Telling maps apart", 1, 3)
    found = told_apart(found)
    step("Telling methods", 2, 3)
    return ReportResult(
        request=request, found=found, methods=methods_of(found), simulated=found.simulated
    )


def methods_of(found: Results) -> MethodsResult | None:
    """How results were made, in words."""
    from lczlib.jobs.methods import MethodsRequest
    from lczlib.jobs.methods import run as methods
    from lczlib.reading import quiet

    if not found.recorded:
        return None
    with quiet():  # what changed since has been told when the results were read
        return methods(MethodsRequest(results=tuple(r.path for r in found.recorded)))


def moved(result: ReportResult, places: Mapping[Path, Path]) -> ReportResult:
    """The same of copies of its results.

    Parameters
    ----------
    result : ReportResult
        Of the originals.
    places : mapping of Path to Path
        Each source of the request to its copy.
    """
    from lczlib.jobs.report_results import Results
    from lczlib.reading import quiet

    sources = tuple(places[Path(r)] for r in result.request.results)
    with quiet():
        was = result.found
        read = {places[path]: lcz for path, lcz in was.files.items()}
        found = replace(Results.of(sources, read), differences=was.differences)
    request = replace(result.request, results=sources)
    return replace(result, request=request, found=found, methods=methods_of(found))
