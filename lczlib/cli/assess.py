"""``lcz assess``: the accuracy of a map."""

from __future__ import annotations

from pathlib import Path

from lczlib.cli import console
from lczlib.cli.assess_tables import print_assessment, print_ceiling
from lczlib.cli.requests import Figures, Out, command
from lczlib.jobs.assess import AssessRequest, run
from lczlib.jobs.request import name_of


@command(AssessRequest)
def assess(
    request: AssessRequest, out: Out = Path("lcz-assessment"), figures: Figures = True
) -> None:
    """Assess a map against a reference: scores with 95% intervals and sample sizes.

    Writes assessment.json, classes.csv, confusion_matrix.csv, figures and manifest.json.

    Options of the map are for the reference where they name its file: --legend areas=1=2,2=B.

    Example:
        lcz assess city_lcz.tif --reference areas.kmz --out accuracy
    """
    with console.steps() as progress:
        result = run(request, progress=progress)
        progress("Writing", 0, 0)
        result.write(out, figures=figures)
    if result.network:
        console.out.print(
            f"Map {name_of(request.lcz_map, 'map')} by the network {result.network}.",
            soft_wrap=True,
        )
    print_assessment(result.assessment)
    if result.calibration is not None:
        low, high = result.calibration.ece_ci
        console.out.print(
            f"Expected calibration error {result.calibration.ece:.3f} ({low:.3f}-{high:.3f})"
        )
    if result.ceiling is not None:
        print_ceiling(result.ceiling)
    console.out.print(f"Wrote {out / 'assessment.json'}", soft_wrap=True)
