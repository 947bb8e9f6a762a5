"""A heat island in a sentence, with its uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lczlib.classes import CLASSES

if TYPE_CHECKING:
    from lczlib.analysis.heat.surface import SurfaceHeatIsland


def level_of(result: Any) -> str:
    """Confidence of a result's intervals, ``95%``."""
    return f"{100 * result.options.confidence:g}%"


def grounds(result: SurfaceHeatIsland) -> str:
    """What the intervals of a heat island of pixels rest on."""
    return (
        f"Residuals correlate over {result.correlation_range:,.0f} m, which makes the scene worth "
        f"{result.n_pieces:.0f} independent pieces; pooled in squares from {result.square_size:,.0f} m on."
    )


def cautions(result: Any) -> list[str]:
    """What else the reader of a heat island must know: no intervals, or a doubt in the reference."""
    told = (getattr(result, "few_blocks", ""), result.reference.note, result.bias)
    return [text for text in told if text]


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
    against = result.reference.label
    what = "surface" if kind == "surface" else "air"
    if not result.reference.classes:
        return str(result.reference.note)
    judged = table.dropna(subset=["ci_low"])
    sure = judged[(judged["ci_low"] > 0) | (judged["ci_high"] < 0)]
    built = sure[(sure.index <= 10) & (sure["ci_low"] > 0)]
    if table.empty:
        return f"No class has enough data to compare its {what} temperature with {against}."
    also = ", the map's own error included" if map_error else ""
    level = level_of(result)
    if judged.empty:
        few = (
            getattr(result, "few_blocks", "")
            or "No difference has an interval: the table says why."
        )
        return f"Whether any {what} differs from {against} cannot be told. {few}"
    if built.empty:
        return (
            f"No built zone is warmer than {against} beyond its {level} interval{also}: on "
            f"this evidence no {what} heat island can be told.{_rest(result, 0, counted)}"
        )
    top = built["difference"].idxmax()
    row = built.loc[top]
    n = int(row[counted])
    count = f"{n:,} {counted[2:] if n != 1 else counted[2:].removesuffix('s')}"
    return (
        f"The {what} of LCZ {CLASSES[top - 1].code} ({CLASSES[top - 1].name}) is "
        f"{row['difference']:+.1f} K against {against} ({level} interval "
        f"{row['ci_low']:+.1f} to {row['ci_high']:+.1f} K{also}, {count}), the largest "
        f"difference of the built zones; {len(built)} built "
        f"zone{'s are' if len(built) != 1 else ' is'} warmer beyond the interval."
        f"{_rest(result, len(judged) - len(sure), counted)}"
    )


def _rest(result: Any, unsure: int, counted: str) -> str:
    """What the sentence leaves open: zones whose interval holds zero, and zones not compared."""
    more = ""
    if unsure:
        more = f" For {unsure} other class{'es' if unsure != 1 else ''} the interval holds zero."
    classes = result.classes
    built = classes[(classes.index <= 10) & (classes[counted] > 0)]
    missing = built["difference"].isna()
    for short, what in (
        (built[~missing & built["ci_low"].isna()], "have a difference without an interval"),
        (built[missing], "could not be compared"),
    ):
        if len(short):
            names = ", ".join(CLASSES[i - 1].code for i in short.index)
            more += f" LCZ {names} {what}: the table says why."
    return f"{more} {result.bias}" if result.bias else more
