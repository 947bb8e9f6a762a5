"""``lcz report``: one page of results, with figures, tables, methods, and how to make all again."""

from __future__ import annotations

from pathlib import Path

from lczlib.cli import console
from lczlib.cli.requests import Figures, Out, command
from lczlib.jobs.report import REPORT, ReportRequest, run


@command(ReportRequest)
def report(request: ReportRequest, out: Out = Path("lcz-report"), figures: Figures = True) -> None:
    """Write results as one page for a paper's supplement, which opens offline and prints on A4.

    Writes report.html, figures (PNG, SVG and PDF), tables (CSV), methods.md, references.bib, sources.csv, rerun.sh,
    which makes all results again, and manifest.json; with --bundle the results too, and all of it as a zip beside
    the folder.

    Example:
        lcz report berlin berlin/assessment berlin/heat --out report --title "LCZ of Berlin" --bundle
    """
    with console.steps() as progress:
        result = run(request, progress=progress)
        progress("Writing", 0, 0)
        result.write(out, figures=figures)
    for text in result.elsewhere():
        console.warn(text)
    console.out.print(f"{result.headline()} Report: {out / REPORT}.", soft_wrap=True)
