"""A field in sentences: how well it predicts, what it rests on, what it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lczlib.analysis.field.ground import UNITS
from lczlib.analysis.field.validation import DESIGNS, LCZ, MEAN, ORDINARY
from lczlib.analysis.heat.quality import in_words
from lczlib.reading import counted, share
from lczlib.terms import option
from lczlib.texts import N_, text, texts

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.analysis.field.covariance import Covariance
    from lczlib.analysis.field.model import Field
    from lczlib.jobs.field import FieldResult

METHODS = {
    LCZ: N_("kriging with zones"), "drift_kriging": N_("kriging without zones"), ORDINARY: N_("ordinary kriging"),
    MEAN: N_("mean of the stations"),
}  # fmt: skip

VALIDATION_HEADS = (
    N_("left out"), N_("predicted by"), N_("RMSE (95%)"), N_("bias"), N_("in 95% interval"), "n", N_("stations"),
)  # fmt: skip
"""Columns of `validation_rows`; K, bias is predicted minus measured, n are values."""


def validation_rows(result: FieldResult) -> list[tuple[str, ...]]:
    """The scores of a cross-validation as they are shown, by design and method."""
    return [
        (
            text(row["design"]), text(METHODS[row["method"]]),
            f"{row['rmse']:.2f} ({_range(row['rmse_low'], row['rmse_high'])})", f"{row['bias']:+.2f}",
            f"{row['coverage']:.0%}", f"{row['n']:,}", str(row["n_stations"]),
        )
        for _, row in result.validation.scores.iterrows()
    ]  # fmt: skip


def headline(result: FieldResult) -> str:
    """How well a field predicts stations it has not seen, beside what knows no zones."""
    own, other, flat = (result.validation.score("station", m) for m in (LCZ, ORDINARY, MEAN))
    ratio, low, high = result.validation.ratio
    found = {
        "own": f"{own['rmse']:.2f}", "interval": _range(own["rmse_low"], own["rmse_high"]),
        "stations": texts("{n} station", "{n} stations", int(own["n_stations"])),
        "other": f"{other['rmse']:.2f}", "flat": f"{flat['rmse']:.2f}",
    }  # fmt: skip
    said = text(
        "A station left out is predicted to {own} K (RMSE; 95% {interval}; {stations}), by ordinary kriging to {other} "
        "K, by the mean of the stations to {flat} K"
    ).format(**found)
    if not np.isfinite(ratio):
        return f"{said}."
    told = text("{ratio} times the error of ordinary kriging, 95% {interval}").format(
        ratio=f"{ratio:.2f}", interval=_range(low, high)
    )
    if high < 1:
        verdict = text("{said}: zones help ({figures}).")
    elif low > 1:
        verdict = text("{said}: zones make it worse ({figures}).")
    else:
        verdict = text("{said}: whether zones help cannot be told ({figures}).")
    return verdict.format(said=said, figures=told)


def _range(low: float, high: float) -> str:
    return text("{low} to {high}").format(low=f"{low:.2f}", high=f"{high:.2f}")


def what(found: Field) -> str:
    """What a field is of, in words."""
    first, last = found.sample.air.index[[0, -1]]
    said = text("each of {n} hours from {start} to {end} UTC")
    if found.composite:
        said = text("mean of {n} hours from {start} to {end} UTC")
    return said.format(
        n=f"{len(found.sample.air):,}",
        start=f"{first:%Y-%m-%d %H:%M}",
        end=f"{last:%Y-%m-%d %H:%M}",
    )


def of_covariance(c: Covariance) -> str:
    """A covariance in words, as standard deviations."""
    return (
        f"zones {np.sqrt(c.zones):.2f} K, neighbourhood {np.sqrt(c.sill):.2f} K ({c.shape}, practical range "
        f"{c.range / 1000:.1f} km), station alone {np.sqrt(c.nugget):.2f} K"
    )


def unsupported(areas: pd.DataFrame) -> str:
    """Zones without a station with their area; empty where there are none."""
    lone = areas[(areas["n_stations"] == 0) & (areas["area_km2"] > 0)]
    if lone.empty:
        return ""
    each = ", ".join(f"{r['code']} ({r['area_km2']:,.1f} km²)" for _, r in lone.iterrows())
    part = share(float(lone["area_km2"].sum()), float(areas["area_km2"].sum()))
    return (
        f"{counted(len(lone), 'zone')} of the map without a station, {part} of its area: LCZ {each}"
    )


def notes(result: FieldResult) -> list[str]:
    """What a field rests on, a sentence each."""
    found, said = result.fitted, []
    given = result.network.checked.report
    removed, total = int((given["n_given"] - given["n_kept"]).sum()), int(given["n_given"].sum())
    said.append(f"Air temperature, {what(found)}; times: {result.network.clock}.")
    said.append(
        f"Quality control ({', '.join(result.request.qc) or 'none'}) removed {removed:,} of {total:,} hourly values; "
        f"stations left out: {in_words(result.dropped) or 'none'}."
    )
    covariances = found.covariances
    if found.composite is not None:
        said.append(f"Standard deviations: {of_covariance(covariances[-1])}.")
        for name, row in found.effects()[1].iterrows():
            said.append(
                f"{name.capitalize()}: {row['effect']:+.2f} {UNITS[name]} (standard error "
                f"{row['standard_error']:.2f})."
            )
        gaps = np.sqrt(found.composite.error.to_numpy())
        if gaps.max() > 0.005:
            said.append(
                f"Gaps in the records: standard errors of the stations' means up to {gaps.max():.2f} K (daily "
                f"deviations correlate {found.composite.persistence:.2f} with the next day's)."
            )
    else:
        for hour in sorted({min(covariances), max(covariances)}):
            said.append(
                f"Standard deviations from {hour} to {hour + 3} h local solar time: {of_covariance(covariances[hour])}."
            )
    if found.ground.lapse_rate is not None:
        said.append(f"Lapse rate {found.ground.lapse_rate:g} K per m, as stated.")
    return said


def cautions(result: FieldResult) -> list[str]:
    """What the reader of a field must know."""
    said, found, areas = [], result.fitted, result.areas
    if lone := unsupported(areas):
        done = (
            "they have the mean of all zones, with the variance of zones in their standard error"
            if result.request.fill
            else f"they are masked ({option('fill')} gives them the mean of all zones)"
        )
        said.append(f"{lone}; {done}.")
    single = areas[(areas["n_stations"] == 1) & (areas["area_km2"] > 0)]
    if len(single):
        part = share(float(single["area_km2"].sum()), float(areas["area_km2"].sum()))
        said.append(
            f"LCZ {', '.join(single['code'])} ({part} of the map): one station each, and so the effect is drawn far "
            "towards the mean of all zones."
        )
    mixed = int(result.network.zones.loc[found.sample.names, "flagged"].sum())
    if mixed:
        said.append(
            f"{counted(mixed, 'station')} of {len(found.sample.places)} in mixed surroundings (under 80 % one class)."
        )
    if beyond := _beyond(found):
        said.append(beyond)
    for design, why in result.validation.left_out.items():
        said.append(f"No cross-validation ({DESIGNS[design]}): {why}.")
    own = result.validation.score("station", LCZ)
    if own["coverage"] < 0.85:
        said.append(
            f"Only {own['coverage']:.0%} of what stations left out measured lies in the 95 % interval "
            f"(n = {int(own['n']):,}): the standard errors are too small here."
        )
    return said


def _beyond(found: Field) -> str:
    """How much of the map lies higher or lower than all stations."""
    if found.ground.elevation is None:
        return ""
    heights = np.asarray(found.ground.elevation.data)[np.asarray(found.ground.lcz.data) > 0]
    known = heights[np.isfinite(heights)]
    said = []
    if known.size < heights.size:
        said.append(
            f"{share(heights.size - known.size, heights.size)} of the map has no height, and is masked."
        )
    if "elevation" in found.ground.drifts and known.size:
        own = found.sample.places.drift[:, 1 + found.ground.drifts.index("elevation")] * 100
        out = int(((known < own.min()) | (known > own.max())).sum())
        if out:
            said.append(
                f"{share(out, known.size)} of the map lies outside the heights of the stations ({own.min():.0f} to "
                f"{own.max():.0f} m): the change with height is drawn out there."
            )
    return " ".join(said)
