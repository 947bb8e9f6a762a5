"""``lcz calibrate``: class probabilities made honest by reference polygons."""

from __future__ import annotations

from pathlib import Path

from lczlib.cli import console
from lczlib.cli.requests import Out, command
from lczlib.jobs import calibrate as job


@command(job.CalibrateRequest, in_words=False)
def calibrate(request: job.CalibrateRequest, out: Out = Path("lcz-calibration")) -> None:
    """Make class probabilities honest: that of what is said with 70 % seven in ten are right.

    Fitted to polygons that no network was trained on, and scored on polygons held out: log loss, Brier score and
    calibration error, before and after, with paired 95% intervals. Of several maps the weights of their fusion
    are learned too (--fusion learned of `lcz map`, --method learned of `lcz fuse`).

    Writes calibration.json (for --calibration of `lcz map` and `lcz fuse`), scores.csv and manifest.json.

    Example:
        lcz calibrate s1_proba.tif s2_proba.tif --reference areas.gpkg --out calibrated
    """
    with console.steps() as progress:
        result = job.run(request, progress=progress)
        progress("Writing", 0, 0)
        result.write(out)
    console.out.print(result.headline(), soft_wrap=True)
    for text in result.cautions():
        console.warn(text)
    console.out.print(
        f"Use it: lcz map INPUT --calibration {out / 'calibration.json'} --out DIR", soft_wrap=True
    )
