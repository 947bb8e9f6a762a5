"""A heat island in a sentence, with its uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lczlib.classes import CLASSES
from lczlib.export.targets.names import zone_name
from lczlib.texts import text, texts

if TYPE_CHECKING:
    from lczlib.analysis.heat.surface import SurfaceHeatIsland


def level_of(result: Any) -> str:
    """Confidence of a result's intervals, ``95%``."""
    return f"{100 * result.options.confidence:g}%"


def grounds(result: SurfaceHeatIsland) -> str:
    """What the intervals of a heat island of pixels rest on."""
    return text(
        "The intervals allow for neighbours being alike: up to {range} m apart here, so that the image counts as {n} "
        "independent pieces. The pixels of a zone are pooled in squares of {size} m and more."
    ).format(
        range=f"{result.correlation_range:,.0f}", n=f"{result.n_pieces:.0f}", size=f"{result.square_size:,.0f}"
    )  # fmt: skip


def cautions(result: Any) -> list[str]:
    """What else the reader of a heat island must know: no intervals, or a doubt in the reference."""
    told = (getattr(result, "few_blocks", ""), result.reference.note, result.bias)
    return [one for one in told if one]


def sentence(result: Any, kind: str, counted: str, *, map_error: bool = False) -> str:
    """The largest difference of the built zones that is beyond its interval, or that there is none.

    Parameters
    ----------
    result : SurfaceHeatIsland or CanopyHeatIsland
        What was found.
    kind : {"surface", "canopy"}
        Of what.
    counted : str
        Column of the sample size, ``n_pixels`` or ``n_stations``.
    map_error : bool
        Whether the intervals hold the map's own error.
    """
    table = result.classes
    table = table[table["note"] != "reference"].dropna(subset=["difference"])
    against = named_reference(result)
    surface = kind == "surface"
    if not result.reference.classes:
        return str(result.reference.note)
    judged = table.dropna(subset=["ci_low"])
    sure = judged[(judged["ci_low"] > 0) | (judged["ci_high"] < 0)]
    built = sure[(sure.index <= 10) & (sure["ci_low"] > 0)]
    if table.empty:
        said = text("No class has enough data to compare its air temperature with {reference}.")
        if surface:
            said = text(
                "No class has enough data to compare its surface temperature with {reference}."
            )
        return said.format(reference=against)
    also = text(", the map's own error included") if map_error else ""
    level = level_of(result)
    if judged.empty:
        few = getattr(result, "few_blocks", "") or text(
            "No difference has an interval: the table says why."
        )
        said = text("Whether any air differs from {reference} cannot be told.")
        if surface:
            said = text("Whether any surface differs from {reference} cannot be told.")
        return f"{said.format(reference=against)} {few}"
    if built.empty:
        said = text(
            "No built zone is warmer than {reference} beyond its {level} interval{also}: on this evidence no air heat "
            "island can be told."
        )
        if surface:
            said = text(
                "No built zone is warmer than {reference} beyond its {level} interval{also}: on this evidence no "
                "surface heat island can be told."
            )
        return said.format(reference=against, level=level, also=also) + _rest(result, 0, counted)
    top = built["difference"].idxmax()
    row = built.loc[top]
    n = int(row[counted])
    count = texts("{n} pixel", "{n} pixels", n)
    if counted == "n_stations":
        count = texts("{n} station", "{n} stations", n)
    said = text(
        "The air of LCZ {code} ({zone}) is {difference} K against {reference} ({level} interval {low} to {high} K"
        "{also}, {count}), the largest difference of the built zones;"
    )
    if surface:
        said = text(
            "The surface of LCZ {code} ({zone}) is {difference} K against {reference} ({level} interval {low} to "
            "{high} K{also}, {count}), the largest difference of the built zones;"
        )
    said = said.format(
        code=CLASSES[top - 1].code, zone=zone_name(CLASSES[top - 1]), difference=f"{row['difference']:+.1f}",
        reference=against, level=level, low=f"{row['ci_low']:+.1f}", high=f"{row['ci_high']:+.1f}", also=also,
        count=count,
    )  # fmt: skip
    warmer = texts(
        "{n} built zone is warmer beyond the interval.", "{n} built zones are warmer beyond the interval.", len(built)
    )  # fmt: skip
    return f"{said} {warmer}{_rest(result, len(judged) - len(sure), counted)}"


def named_reference(result: Any) -> str:
    """What zones are compared with; its name in the language of the reader."""
    said = result.reference.label
    for n in result.reference.classes:
        said = said.replace(CLASSES[n - 1].name, zone_name(CLASSES[n - 1]))
    return said


def _rest(result: Any, unsure: int, counted: str) -> str:
    """What the sentence leaves open: zones whose interval holds zero, and zones not compared."""
    more = ""
    if unsure:
        more = " " + texts(
            "For {n} other class the interval holds zero.", "For {n} other classes the interval holds zero.", unsure
        )  # fmt: skip
    classes = result.classes
    built = classes[(classes.index <= 10) & (classes[counted] > 0)]
    missing = built["difference"].isna()
    for short, what in (
        (
            built[~missing & built["ci_low"].isna()],
            text("LCZ {zones} have a difference without an interval: the table says why."),
        ),
        (built[missing], text("LCZ {zones} could not be compared: the table says why.")),
    ):
        if len(short):
            more += " " + what.format(zones=", ".join(CLASSES[i - 1].code for i in short.index))
    return f"{more} {result.bias}" if result.bias else more
