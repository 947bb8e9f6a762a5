"""Assessments and comparisons in words, and as tables for a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from lczlib.classes import CLASSES
from lczlib.reading import counted
from lczlib.texts import N_, texts

if TYPE_CHECKING:
    from lczlib.analysis.assessment import Assessment
    from lczlib.analysis.ceiling import Ceiling
    from lczlib.analysis.comparison import Comparison

SCORE_NAMES = {
    "oa": N_("Overall accuracy (OA)"), "aa": N_("Average accuracy (AA)"), "kappa": N_("Kappa"),
    "oau": N_("OA of the built zones (OAu)"), "oabu": N_("Built against natural (OAbu)"),
    "oaw": N_("OA weighted by similarity (OAw)"), "mean_f1": N_("Mean F1 of the classes"),
}  # fmt: skip
"""What the scores of an assessment are called."""

UNITS = {"polygon": N_("polygons"), "point": N_("points"), "block": N_("blocks")}
"""What intervals are drawn over, several of each."""

_NUMBER = "text-align:right"


def units_of(n: int, unit: str) -> str:
    """How many polygons, points or blocks a figure rests on."""
    known = {
        "polygon": lambda: texts("{n} polygon", "{n} polygons", n),
        "point": lambda: texts("{n} point", "{n} points", n),
        "block": lambda: texts("{n} block", "{n} blocks", n),
    }
    return known[unit]() if unit in known else counted(n, unit)


def with_interval(value: float, low: float, high: float) -> str:
    """``0.674 (0.606-0.739)``; a dash where there is no value, no bracket where no interval."""
    if value != value:
        return "-"
    return f"{value:.3f}" if low != low else f"{value:.3f} ({low:.3f}-{high:.3f})"


def assessed(found: Assessment) -> str:
    """``OA 0.674 (0.606-0.739), kappa 0.61 ...``: an assessment in a sentence, with its interval."""
    scores = [
        f"{label} {with_interval(found.scores[name], *found.intervals[f'{name}_ci'])}"
        for name, label in (("oa", "overall accuracy"), ("kappa", "kappa"))
    ]
    n, unit = found.method["n_units"], found.method["unit"]
    units = f"{n:,} {unit}{'' if n == 1 else 's'}"
    return f"{', '.join(scores)}; n = {found.n:,} in {units}, 95% intervals"


def against_ceiling(found: Ceiling) -> str:
    """Whether a map is as near to two references as they are to each other, in a sentence."""
    rows = found.scores.to_dict("index")
    if rows["references"]["value"] == 1:
        return (
            f"The two references are alike in all of the {found.n:,} cells that both and the map label: one may "
            "be made from the other, and then nothing is learnt from them."
        )
    for name in ("first", "second"):
        if found.alike[name]:
            return (
                f"The {name} reference and the map are alike in all of the {found.n:,} cells: one may be made from the "
                "other, or be the same file, and then nothing is learnt of the map; give a reference by other people."
            )
    said = {
        n: with_interval(*(rows[n][k] for k in ("value", "ci_low", "ci_high")))
        for n in ("references", "map_mean")
    }
    low, high = (rows["difference"][k] for k in ("ci_low", "ci_high"))
    verdict = (
        "too few places to tell how the map stands to that" if low != low
        else "the map is farther from them than they are from each other" if high < 0
        else "the map is nearer to them than they are to each other" if low > 0
        else "no difference from the map's that chance could not make"
    )  # fmt: skip
    return (
        f"The two references agree on {said['references']} of {found.n:,} cells in {found.n_units:,} "
        f"{found.unit}s, the map with them on {said['map_mean']} on average: {verdict}."
    )


def compared(found: Comparison) -> str:
    """``s1 - s2: agreement 0.891, ...``: a comparison in a sentence."""
    over = f"{found.polygons:,} polygons, {found.size}" if found.polygons else found.size
    return (
        f"{' - '.join(found.names)}: agreement {found.agreement:.3f}, of similar classes in part "
        f"{found.agreement_weighted:.3f}, of built and natural {found.agreement_built:.3f}, kappa "
        f"{found.kappa:.3f}; n = {over}"
    )


def assessment_html(found: Assessment) -> str:
    """An assessment for a notebook: the sentence, the scores, and those of each class."""
    scores = [
        (label, with_interval(found.scores[name], *found.intervals[f"{name}_ci"]))
        for name, label in SCORE_NAMES.items()
    ]
    rows = [
        (
            _swatch(int(number)),
            *(
                with_interval(row[s], row[f"{s}_ci_low"], row[f"{s}_ci_high"])
                for s in ("pa", "ua", "f1")
            ),
            *(f"{int(row[n]):,}" for n in ("n_reference", "n_predicted", "n_units")),
        )
        for number, row in found.classes.iterrows()
        if row["n_reference"] or row["n_predicted"]
    ]
    heads = ("LCZ", "PA", "UA", "F1", "n reference", "n map")
    return (
        f"<p>{escape(_sentence(assessed(found)))}</p>"
        + _table(("score", "value (95% interval)"), scores)
        + _table((*heads, f"{found.method['unit']}s"), rows)
    )


def comparison_html(found: Comparison) -> str:
    """A comparison for a notebook: the sentence, the classes, and the most frequent exchanges."""
    first, second = (escape(name) for name in found.names)
    unit = "km²" if found.polygons else "cells"
    rows = [
        (
            _swatch(int(number)), f"{row['area_first_km2']:,.2f}", f"{row['area_second_km2']:,.2f}",
            f"{row['difference_km2']:+,.2f}", f"{row['overlap']:.3f}",
        )
        for number, row in found.classes.iterrows()
        if row["n_first"] or row["n_second"]
    ]  # fmt: skip
    changes = [
        (_swatch(int(r.lcz_first)), _swatch(int(r.lcz_second)), f"{r.n:,.6g}", f"{r.share:.1%}")
        for r in found.changes().head(10).itertuples()
    ]
    heads = ("LCZ", f"{first} (km²)", f"{second} (km²)", "difference (km²)", "overlap")
    return (
        f"<p>{escape(_sentence(compared(found)))}</p>"
        + _table(heads, rows)
        + (_table((first, second, unit, "share"), changes) if changes else "")
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _swatch(number: int) -> str:
    one = CLASSES[number - 1]
    return (
        f'<span style="display:inline-block;width:1em;height:1em;background:{one.color};'
        f'vertical-align:middle"></span> {one.code} {one.name}'
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; all columns but the first are of numbers."""
    top = "".join(f"<th>{h}</th>" for h in heads)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="{_NUMBER if i else "text-align:left"}">{c}</td>' for i, c in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
