"""The report of a city: one HTML file that opens offline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lczlib.export.files import written_files

if TYPE_CHECKING:
    from lczlib.jobs.city import CityResult


def write_report(result: CityResult, path: Path, results: Sequence[Path], *, figures: bool) -> Path:
    """Write the report of a city's results, as ``lcz report`` makes it of their folders.

    Parameters
    ----------
    result : CityResult
        The city; its files are in its folder.
    path : Path
        Of the report.
    results : sequence of Path
        The folders of imagery, map and comparison.
    figures : bool
        Whether to draw.
    """
    from lczlib.jobs.report import ReportRequest, run
    from lczlib.reading import quiet

    there = [*results]
    if result.comparison is not None:
        there.append(result.scenes / result.published["files"][0])
    title = f"Local Climate Zones of {result.place.label}"
    with quiet(), written_files():  # figures are in the report, no files of the result
        page = run(ReportRequest(results=tuple(there), title=title)).page(
            figures=figures, cautions=[c for reading in result.read for c in reading.cautions]
        )
        return page.report.write(path)
