"""The doors of tables: stations and where they stand, weather, maxima, classes set by hand, Landsat's metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lczlib.analysis.heat.air_units import unit_in_name
from lczlib.analysis.heat.heat_waves import read_maxima
from lczlib.analysis.heat.sites import by_role, places_of
from lczlib.analysis.heat.station_zones import read_classes
from lczlib.analysis.heat.stations import match_columns
from lczlib.analysis.heat.weather import read_weather
from lczlib.clocks import describe, to_utc, with_times
from lczlib.errors import InputError, LczError
from lczlib.jobs.canopy_heat import CanopyHeatRequest
from lczlib.jobs.station_choices import column_roles, stations_of
from lczlib.reading import Reading, quiet, readings
from lczlib.scenes.thermal_products import mtl_value, read_text
from lczlib.study.heat_inputs import NAMES, HeatInputs
from lczlib.study.looking.kinds import Settings
from lczlib.study.looking.seen import Door, Fact, Opened, fact, last_of
from lczlib.study.looking.tabular import is_mtl, says_where
from lczlib.study.settings import told
from lczlib.tables import read_notes, read_table
from lczlib.texts import N_, text, texts

Files = tuple[Path, ...]
_READ = (
    "unit", "time_zone", "time_format", "columns", "ambiguous", "skip_outside", "station_scheme",
)  # fmt: skip
_LOST = re.compile(r"missing|left out|not read|dropped|lost|repeated|masked|unreadable|averaged")
NO_SITES = N_(
    "The places of its stations are in another file: drop that too. Until then nothing can be computed of it."
)


def _stations(paths: Files, settings: Settings, beside: Files) -> Opened:
    """Temperatures with the places of their stations, which may be in a file beside; or these alone."""
    air = next((p for p in paths if not says_where(p)), None)
    if air is None:
        return _sites(paths[0])
    others = [p for p in (*paths, *beside) if p != air and _tells_sites(p)]
    chosen = told(settings, CanopyHeatRequest, NAMES["canopy"], HeatInputs)
    own = {k: v for k, v in chosen.items() if k in _READ}
    refused: list[LczError] = []
    for sites in (None, *others):
        request = CanopyHeatRequest(stations=str(air), sites=sites and str(sites), **own)
        try:
            with readings() as heard:
                found, where = stations_of(request, None)
        except LczError as error:
            refused.append(error)
            continue
        read = last_of(heard, "station file")
        facts = (
            *_of_records(read),
            Fact(text("Time zone"), found.clock),
            *_unit(read),
            fact(text("Places"), sites and text("of {name}").format(name=sites.name)),
        )
        lost = tuple(
            text("station {name}: {why}").format(name=name, why=why)
            for name, why in list(found.left_out.items())[:8]
        )
        more = len(found.left_out) - len(lost)
        lost += (text("and {n} stations more").format(n=f"{more:,}"),) if more > 0 else ()
        return Opened(facts, (*_rows_lost(read), *lost), None, where)
    if len(refused) == 1 and not _has_places(air):
        return _without_places(air, own)
    raise refused[-1 if len(refused) > 1 and not _has_places(air) else 0]


def _without_places(path: Path, own: Mapping[str, Any]) -> Opened:
    """What a table tells of its times, where the places of its stations are in another file."""
    table = read_table(path, "station file")
    notes = read_notes(table)
    columns = column_roles(own.get("columns", ()))
    table, columns, zone = with_times(table, columns, path, notes)
    names = match_columns(table, columns, path)
    listed = text("columns {names}").format(names=", ".join(map(str, table.columns[:8])))
    rows = fact(text("Rows"), f"{len(table):,}", listed)
    unit = unit_in_name(str(names.get("temperature", "")))
    facts = [rows, fact(text("Unit"), unit, text("in the column's name"))]
    if {"time", "station", "temperature"} <= names.keys():
        long = by_role(table, names)[["time", "station", "temperature"]]
        times, clock = to_utc(
            long, own.get("time_zone"), own.get("ambiguous") or "raise", path,
            time_format=own.get("time_format"), named_zone=zone, notes=notes,
        )  # fmt: skip
        describe(long.assign(time=times).dropna(subset=["time"]), notes)
        read = Reading("station file", str(path), tuple(notes.said), (), notes.facts)
        facts += [*_of_records(read)[1:], Fact(text("Time zone"), clock)]
    return Opened(tuple(facts), remark=text(NO_SITES))


def _tells_sites(path: Path) -> bool:
    try:
        with quiet():
            return says_where(path) and _has_places(path)
    except (LczError, ValueError, OSError):
        return False


def _has_places(path: Path) -> bool:
    table = read_table(path)
    columns = {str(c).casefold() for c in table.columns}
    roles = match_columns(table, {}, path)
    return {"latitude", "longitude"} <= roles.keys() or "geometry" in columns


def _sites(path: Path) -> Opened:
    """Where stations stand: a file that goes with one of temperatures."""
    table = read_table(path, "sites file")
    notes, names = read_notes(table), match_columns(table, {}, path)
    plain = table.rename(columns={column: role for role, column in names.items()})
    places = places_of(plain, path, names, notes, None)
    heights = int(places["elevation"].notna().sum()) if "elevation" in places else 0
    facts = (
        Fact(text("Stations"), f"{len(places):,}"),
        fact(text("With heights"), f"{heights:,}" if heights else ""),
    )
    return Opened(
        facts, (), None, places,
        remark=text("It says where stations stand, and is used with the air temperatures of another file."),
        asked=False,
    )  # fmt: skip


def _of_records(read: Reading) -> tuple[Fact, ...]:
    """Rows, stations, and from when to when."""
    told = read.facts
    span = ""
    if "first" in told:
        span = text("{first} to {last}").format(first=told["first"], last=told["last"])
    step = told.get("step_s")
    every = text("every {n} min").format(n=f"{step / 60:g}") if step else ""
    return (
        fact(text("Rows"), f"{told['rows']:,}" if told.get("rows") else ""),
        fact(text("Stations"), f"{told['stations']:,}" if told.get("stations") else ""),
        fact(text("Times"), span, every),
        fact(text("Format of times"), told.get("time_format")),
    )


def _unit(read: Reading) -> tuple[Fact, ...]:
    found = next((t for t in read.said if re.search(r"\bunits?\b", t)), "")
    unit = read.facts.get("unit")
    units = unit if isinstance(unit, str) else ", ".join(map(str, unit)) if unit else ""
    assumed = "by its values" in found or "by the values" in found or "not stated" in found
    how = found.partition(", ")[2] if units else ""
    return (fact(text("Unit"), units or found, how, assumed=assumed),)


def _rows_lost(read: Reading) -> tuple[str, ...]:
    """The clauses that tell of rows and values that do not count."""
    return tuple(t for t in read.said if _LOST.search(t) and not t.startswith("no "))


def _weather(paths: Files, settings: Settings, _: Files) -> Opened:
    chosen = told(settings, CanopyHeatRequest, NAMES["canopy"], HeatInputs)
    own = {k: chosen[k] for k in ("time_zone", "time_format", "ambiguous") if k in chosen}
    with readings() as heard:
        read_weather(paths[0], **own)
    read = last_of(heard, "weather table")
    return Opened(_of_records(read), _rows_lost(read))


def _maxima(paths: Files, _settings: Settings, _: Files) -> Opened:
    days = read_maxima(paths[0])
    first, last = (f"{days.index[i]:%Y-%m-%d}" for i in (0, -1))
    span = text("{first} to {last}").format(first=first, last=last)
    low, high = f"{days.min():.1f}", f"{days.max():.1f}"
    facts = (
        Fact(text("Days"), f"{len(days):,}", span),
        Fact(text("Unit"), "degC", text("as such tables have to be"), assumed=True),
        Fact(text("Values"), text("{low} to {high} degC").format(low=low, high=high)),
    )
    return Opened(facts)


def _classes(paths: Files, settings: Settings, _: Files) -> Opened:
    scheme = settings.heat_station_scheme or None
    found = read_classes(paths[0], scheme)
    n = len(read_table(paths[0])) - len(found)
    lost = (texts("{n} row without a class", "{n} rows without a class", n),) if n > 0 else ()
    return Opened((Fact(text("Stations"), f"{len(found):,}", text("with a class")),), lost)


def _mtl(paths: Files, _settings: Settings, _: Files) -> Opened:
    if not is_mtl(paths[0]):
        msg = f"{paths[0].name} is no Landsat metadata: give the text file _MTL.txt of the scene."
        raise InputError(msg)
    content = read_text(paths[0])
    keys = {
        text("Scene"): "LANDSAT_PRODUCT_ID", text("Date"): "DATE_ACQUIRED", text("Time"): "SCENE_CENTER_TIME",
    }  # fmt: skip
    return Opened(tuple(fact(name, mtl_value(content, key)) for name, key in keys.items()))


DOORS_OF_TABLES: Mapping[str, Door] = {
    "stations": _stations, "weather": _weather, "maxima": _maxima, "station_classes": _classes, "mtl": _mtl,
}  # fmt: skip
