"""A report's results in sentences: what is most accurate, how warm, of how many samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lczlib.analysis.best import best_in_words
from lczlib.grid import geobox_of
from lczlib.jobs.report_results import Results, by_reference
from lczlib.reading import Reading, counted
from lczlib.terms import worded

if TYPE_CHECKING:
    import xarray as xr

_LONGEST_SUMMARY = 4


def summary(results: Results) -> list[tuple[str, str]]:
    """The short summary that a report begins with: a term and a sentence each."""
    rows = []
    if results.maps:
        place = place_of(results)
        rows.append(("Place", f"{place}{': ' if place else ''}{extent(results.maps)}"))
        n = [int((m.values > 0).sum()) for m in results.maps.values()]
        cells = f"{min(n):,}" if min(n) == max(n) else f"{min(n):,} to {max(n):,}"
        rows.append(("Maps", f"{listed(results.maps)}; {cells} cells with a class."))
    if networks := {
        str(w["name"]): w for r in results.by("map") for w in r.content.get("weights") or ()
    }:
        rows.append(("Networks", f"{listed(networks)}."))
    for second in [r.content["second"] for r in results.by("map") if r.content.get("second")]:
        said = (
            f"{second['network']} for comparison: it gives {second['agreement']:.0%} of {second['cells']:,} cells the "
            "same class as the first network of Sentinel-2."
        )
        rows.append(("Second network", said))
    if results.judged:
        rows.append(("Most accurate", best_map(results)))
    for kind in ("surface", "canopy"):
        of_kind = [w for w in results.warmth if w.kind == kind]
        if of_kind:
            said = [f"{w.title.partition(', ')[2].capitalize()}: {w.sentence()}" if len(of_kind) > 1 and ", " in w.title
                    else w.sentence() for w in of_kind]  # fmt: skip
            rows.append((f"{kind.capitalize()} heat", " ".join(said[:_LONGEST_SUMMARY])))
    rows += [
        ("Air temperature", str(c["headline"])) for _, c in results.fields() if c.get("headline")
    ]
    rows += [("Water", water_in_words(content)) for _, content in results.waters()]
    rows.append(("Samples", samples(results)))
    return [(term, worded(said)) for term, said in rows if said]


def best_map(results: Results) -> str:
    """Which map is the most accurate, by how much, and whether that is sure: of each reference's maps."""
    said = []
    for reference, own in by_reference(results.judged).items():
        scored = {results.judged[i].title: results.judged[i].scored for i in own}
        apart = {
            (results.judged[i].title, results.judged[k].title): d
            for (i, k), d in results.differences.items() if i in own
        }  # fmt: skip
        text = best_in_words(scored, apart)
        if text:
            among = (
                f"Against {reference}: " if len({j.reference for j in results.judged}) > 1 else ""
            )
            said.append(f"{among}{text}")
    return " ".join(said) or "No overall accuracy can be told."


def samples(results: Results) -> str:
    """The sample sizes behind the figures, in a sentence."""
    said = [
        f"{j.title}: {j.n:,} reference cells{f' in {j.units}' if j.units else ''}"
        for j in results.judged
    ]
    if len({(j.n, j.units) for j in results.judged}) == 1 and len(results.judged) > 1:
        one = results.judged[0]
        said = [
            f"accuracy: {one.n:,} reference cells{f' in {one.units}' if one.units else ''} for each map"
        ]
    for w in results.warmth:
        table = w.classes
        used = table[np.isfinite(table["difference"]) | (table["note"] == "reference")]
        n, what = int(used[w.counted].sum()), w.counted.removeprefix("n_")
        said.append(
            f"{w.title[0].lower()}{w.title[1:]}: {n:,} {what} in {counted(len(used), 'zone')}"
        )
    for _, content in results.fields():
        said.append(f"air temperature: {counted(len(content.get('stations') or ()), 'station')}")
    for _, content in results.waters():
        said.append(f"water: {counted(len(content.get('scenes') or ()), 'scene')}")
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def water_in_words(content: Mapping[str, Any]) -> str:
    """The areas of surface water with their intervals."""
    series = content.get("series") or {}
    rows = series.get("months") or content.get("scenes") or []
    said = []
    for row in rows:
        low, high = row.get("area_km2_ci") or (None, None)
        when = row.get("month") or row.get("date") or row.get("input") or "the scene"
        said.append(f"{row['area_km2']:.3g} km² ({low:.3g} to {high:.3g}) in {when}")
    if len(said) > 2:
        said = [said[0], f"{len(said) - 2} between", said[-1]]
    return f"Mapped with 95 % intervals: {', '.join(said)}." if said else ""


def cautions(results: Results) -> list[str]:
    """What should be known before any of it is quoted: warnings of maps, and of what was read; each once."""
    said: list[str] = []
    for one in results.recorded:
        said += [str(text) for text in one.content.get("warnings") or ()]
        said += [c for r in readings_of(one.content) for c in r.cautions]
    return [worded(text) for text in dict.fromkeys(said)]


def readings_of(content: Mapping[str, Any]) -> list[Reading]:
    """What a manifest says was read."""
    found = []
    for values in content.get("read") or ():
        try:
            found.append(Reading.from_dict(values))
        except (KeyError, TypeError):  # an earlier version's
            continue
    return found


def place_of(results: Results) -> str:
    """The name of the place, where a result tells it."""
    for one in (*results.by("get"), *results.by("map")):
        told = one.content.get("parameters") or {}
        name = str(told.get("city") or told.get("place") or "")
        if name:
            return name.split("_")[-1] if name.count("_") >= 2 else name
    return ""


def extent(maps: Mapping[str, xr.DataArray]) -> str:
    """How large maps are, their cells and their projection, in a sentence: of each where they differ."""
    of_each: dict[str, list[str]] = {}
    for title, lcz in maps.items():
        of_each.setdefault(_extent(lcz), []).append(title)
    if len(of_each) == 1:
        return f"{next(iter(of_each))}."
    return f"{'; '.join(f'{listed(names)} {said}' for said, names in of_each.items())}."


def _extent(lcz: xr.DataArray) -> str:
    box = geobox_of(lcz)
    rows, columns = lcz.shape
    code = box.crs.to_epsg()
    where = f"EPSG:{code}" if code else "a projection of its own"
    cell = abs(box.affine.a)
    if box.crs.geographic:
        return f"{columns:,} × {rows:,} cells of {cell:.3g}° ({where})"
    return f"{columns * cell / 1000:,.1f} × {rows * cell / 1000:,.1f} km in cells of {cell:g} m ({where})"


def with_interval(score: tuple[float, float, float]) -> str:
    """``0.674 (0.606–0.739)``."""
    value, low, high = score
    if not np.isfinite(value):
        return "–"
    return (
        f"{value:.3f}"
        if not np.isfinite([low, high]).all()
        else f"{value:.3f} ({low:.3f}–{high:.3f})"
    )


def number(value: float, form: str) -> str:
    """A number in a form, a dash where there is none; with a true minus."""
    if not np.isfinite(value):
        return "–"
    text = format(value, form)
    zero = text.startswith("-") and not text.strip("-0.")  # no less than nothing
    return (text.replace("-", "+" if form.startswith("+") else "") if zero else text).replace(
        "-", "−"
    )


def interval(low: float, high: float, form: str) -> str:
    """``+1.2 to +3.4``; a dash where there is none."""
    known = np.isfinite(low) and np.isfinite(high)
    return f"{number(low, form)} to {number(high, form)}" if known else "–"


def listed(names: Iterable[str]) -> str:
    """``a, b and c``."""
    *first, last = map(str, names)
    return f"{', '.join(first)} and {last}" if first else last
