"""What the library says of files, and why it refuses some, in the language of who reads the pages.

The library speaks English, on the command line and in files. What it says most often is listed here as it says it,
with fields for what differs, and is known again by that: a test holds each line against the code that says it. What
is not listed stays English.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from lczlib.reading import Reading
from lczlib.scenes.thermal_quality import NO_LAYER
from lczlib.texts import ENGLISH, N_, language, text

WHAT = (
    N_("LCZ map"), N_("Sentinel-1 raster"), N_("Sentinel-2 raster"), N_("air temperature raster"),
    N_("classes of stations"), N_("elevation raster"), N_("polygon file"), N_("probability raster"), N_("raster"),
    N_("reference on the map"), N_("sites file"), N_("station file"), N_("thermal raster"), N_("published map"),
    N_("weather table"), N_("daily maxima"), N_("table of station classes"),
)  # fmt: skip
"""What a file is for."""

CLAUSES = (
    # imagery
    N_("10 bands by their names ({first} .. {last})"), N_("bands as given ({bands})"),
    N_("{n} bands taken in order of wavelength ({first} .. {last})"), N_("bands {names}"),
    N_("scale {scale}, by its values"), N_("scale {scale}, by the file"), N_("scale {scale}, as given"),
    N_("no offset stated"), N_("offset {offset} removed, {how}"), N_("offset {offset}, {how}"),
    N_("level not stated"), N_("level {level}, {how}"), N_("date not stated"), N_("date {date}"),
    N_("linear intensity, as So2Sat's"), N_("values as stored"), N_("no no-data value stated"),
    N_("{share} % of {n} pixels (one in {a} x {b} looked at) valid"), N_("{share} % of {n} pixels valid"),
    N_("{share} % missing: {cause}"),
    N_("{share} % of {n} pixels looked at are valid in all bands"),
    N_("medians {low} to {high} times those that {network} was trained on"),
    N_("median {vh} dB in VH, {vv} dB in VV"), N_("too few to compare with the training data"),
    N_("{valid} of {n} pixels valid ({share} %)"),
    # maps and references
    N_("{n} polygons of {all} features"), N_("{n} points of {all} features"),
    N_("class in column {column} (numbers {scheme})"),
    N_("left out: {what}"),
    N_("as its file states"), N_("as stated"), N_("numbering {scheme} as its file states"),
    N_("numbering {scheme} as stated"), N_("{what} agree"),
    N_("{known} of {n} cells with a class (LCZ {codes})"),
    N_("{known} of {n} cells with a class"), N_("{n} no data ({why})"), N_("{n} of code 0, no data"),
    N_("{known} of {n} cells with probabilities of {classes} classes"),
    N_("{n} polygons of {all} on the map, {cells} cells"), N_("{n} points of {all} on the map, {cells} cells"),
    N_("{n} polygons outside the map"), N_("{n} points outside the map"),
    N_("{n} polygons too small to hold the centre of a cell"),
    N_("{n} cells that polygons of different classes claim"),
    N_("{n} cells of several polygons, counted once"), N_("{n} cells without data in the map"),
    # temperatures
    N_("surface temperature"), N_("air temperature"), N_("land surface temperature"), N_("brightness temperature"),
    N_("band {band} ({i} of {n})"), N_("unit {unit}, as the file says"), N_("unit {unit}, as stated"),
    N_("unit {unit}, not stated, by its values, place and season"), N_("unit {unit}, not stated, by its values"),
    N_("time not stated"), N_("{valid} of {n} pixels valid"), N_("{n} no data"),
    N_("no quality layer: clouds not removed"), N_("{n} cloudy or poor by {layer}"), N_("{n} implausible"),
    N_("{n} in a resampling fringe"), N_("{low} to {high} degC, median {median}"),
    N_("same grid"), N_("overpass: {name}"),
    N_("metres"), N_("metres, not stated"), N_("feet, brought to metres"), N_("{low} to {high} m"),
    # stations
    N_("{n} rows, comma-separated"), N_("{n} rows, semicolon-separated"), N_("{n} rows, tab-separated"),
    N_("{n} rows"), N_("{n} temperatures, {lost} missing"), N_("{n} temperatures"),
    N_("{n} sites at points in {crs}"), N_("times written year first, offset in the file"),
    N_("{n} stations, {times} times from {start} to {end} UTC, in steps of {step}"), N_("no value masked"),
    N_("{n} of {all} masked ({share}) as fills or implausible: {which}"),
    N_("classes of the stations file: {n}"), N_("classes of the map: {n}"),
    N_("class at the point and of most of the circle the same for {n} of {all} stations"),
)  # fmt: skip
"""What was read, lost and assumed, a clause each: of those that fit the first is taken, so the fuller stand first."""

_PLAIN = {
    "same grid": N_("temperatures and zones have the same cells"), "overpass: day": N_("the image is of the day"),
    "overpass: night": N_("the image is of the night"),
    NO_LAYER: N_("clouds were not removed, since the image does not mark them"),
}  # fmt: skip
"""What is done and assumed of a heat island, in plain words."""

WITHIN = (
    N_("as given"), N_("by its dark pixels"), N_("by its values"), N_("by the file"), N_("category names"),
    N_("colour table"), N_("metadata"), N_("no data"),
)  # fmt: skip
"""What stands in fields of those."""

SENTENCES = (
    N_(
        "There is no imagery of {place} here that can be mapped: upload Sentinel-2 or Sentinel-1 with its eight "
        "channels, or choose a place that has some."
    ),
    N_("Of the chosen sensors ({chosen}) {place} has none: it has {there}."),
    N_("There is no map {map} to compare: choose {maps}, or make it on the Map page."),
    N_("There is no map {map} whose zones could be compared: choose {maps}, or make it on the Map page."),
    N_("Both maps are {map}: choose two different ones."),
    N_("There is no reference for this place: upload polygons, points or an LCZ raster on the City page."),
)  # fmt: skip
"""Why a step cannot be made."""


def in_reader_language(message: str) -> str:
    """A whole sentence of the library, translated where it is listed and the reader has another language."""
    return _translated(message, SENTENCES)


def clause_in_words(clause: str) -> str:
    """Something that was read, lost or assumed, likewise: a clause, or several with semicolons between."""
    return "; ".join(_translated(part, CLAUSES) for part in clause.split("; "))


def method_in_words(method: str) -> str:
    """How temperatures and zones of a heat island came together, for readers who do not know satellite images."""
    clauses = method.split("; ")
    return "; ".join(text(_PLAIN[c]) if c in _PLAIN else clause_in_words(text(c)) for c in clauses)


def reading_in_words(reading: Reading) -> str:
    """``str(reading)``, in the reader's language: clause by clause."""
    if language() == ENGLISH:
        return str(reading)
    what = text(reading.what) if reading.what in WHAT else reading.what
    name = Path(reading.source).name or reading.source
    said = "; ".join(map(clause_in_words, reading.said)) or text("read")
    return f"{what[:1].upper()}{what[1:]} {name}: {said}."


def _translated(said: str, listed: tuple[str, ...]) -> str:
    if language() == ENGLISH:
        return said
    for english, pattern in _patterns(listed):
        if found := pattern.fullmatch(said):
            fields = {k: _within(v) for k, v in found.groupdict().items()}
            return text(english).format(**fields)
    return said


def _within(value: str) -> str:
    parts = value.split(" and ")
    return text(" and ").join(map(text, parts)) if set(parts) <= {*WITHIN} else value


@cache
def _patterns(listed: tuple[str, ...]) -> list[tuple[str, re.Pattern[str]]]:
    return [(english, pattern_of(english)) for english in listed]


def pattern_of(english: str) -> re.Pattern[str]:
    """What a listed text looks like once its fields are filled; ``n`` and ``all`` are numbers."""
    escaped = re.sub(r"\\([{}])", r"\1", re.escape(english))
    numbers = re.sub(r"\{(n|all)\}", r"(?P<\1>[\\d,]+)", escaped)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>.+?)", numbers), re.DOTALL)
