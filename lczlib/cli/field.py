"""``lcz field``: air temperature everywhere, from stations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.table import Table

from lczlib.cli import console
from lczlib.cli.requests import Figures, Out, command
from lczlib.jobs import field as field_job


@command(field_job.FieldRequest)
def field(
    request: field_job.FieldRequest, out: Out = Path("lcz-field"), figures: Figures = True
) -> None:
    """Air temperature on an LCZ map's grid from stations, by kriging with zones, with its error.

    Zones have random effects (shrunk where few stations stand in them), the mean may change with height and
    with the distance to water or coast, and what is left goes together over distance. It is always
    cross-validated: stations, zones and days left out, beside ordinary kriging and the mean. Zones without a
    station are masked.

    Writes field.tif and standard_error.tif (with --hourly field.nc), stations.csv, zones.csv,
    cross_validation.csv and .json, field.json, figures and manifest.json.

    Example:
        lcz field berlin_lcz.tif --stations air.csv --time-zone UTC --hours night --out field

        lcz field berlin_lcz.tif --stations air.csv --time-zone UTC --hourly --start 2020-08-01 --end 2020-08-31
    """
    field_job.check_kind(out, request.hourly)
    with console.steps() as progress:
        result = field_job.run(request, progress=progress)
        progress("Writing", 0, 0)
        result.write(out, figures=figures)
    _print(result)
    name = "field.nc" if request.hourly else "field.tif"
    console.out.print(f"Results: {out / name}", soft_wrap=True)


def _print(result: field_job.FieldResult) -> None:
    from lczlib.jobs.field_words import VALIDATION_HEADS, validation_rows

    for text in result.notes():
        console.out.print(text, soft_wrap=True)
    _print_zones(result)
    table = Table(*VALIDATION_HEADS, caption="K; bias: predicted minus measured; n: values")
    for row in validation_rows(result):
        table.add_row(*row)
    console.out.print(table)
    console.out.print(result.headline(), soft_wrap=True)
    for text in result.cautions():
        console.warn(text)


def _print_zones(result: field_job.FieldResult) -> None:
    if result.fitted.composite is None:
        return
    effects = result.fitted.effects()[0]
    table = Table(
        "LCZ", "stations", "effect", "standard error", "km2", "standard error of the field",
        caption="K; effect: against the mean of all zones; of the field: its mean over the zone's pixels",
    )  # fmt: skip
    codes = np.asarray(result.fitted.ground.lcz.data)
    for number, row in effects.iterrows():
        on = result.error.to_numpy()[codes == number]
        on = on[np.isfinite(on)]
        area = result.areas["area_km2"].get(number, 0.0)
        table.add_row(
            row["code"], str(row["n_stations"]), f"{row['effect']:+.2f}", f"{row['standard_error']:.2f}",
            f"{area:,.1f}", f"{on.mean():.2f}" if on.size else "-",
        )  # fmt: skip
    console.out.print(table)
