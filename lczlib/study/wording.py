"""What the pages of the dashboard call the settings that messages of the library name."""

from __future__ import annotations

import re

from lczlib.study.drawn_inputs import CHECK, NEXT, DrawnInputs
from lczlib.study.export_inputs import NAMES as EXPORTS
from lczlib.study.export_inputs import ExportInputs
from lczlib.study.field_inputs import NAMES as OF_FIELD
from lczlib.study.field_inputs import FieldInputs
from lczlib.terms import Face, command_line, worded
from lczlib.texts import N_, text

_IN_PAGE = {
    "level": N_("Level"), "date": N_("Day of the image"), "scale": N_("Scale"), "offset": N_("Offset"),
    "bands": N_("Values of your Sentinel-2: Bands"), "nodata": N_("No data"), "band": N_("Own rasters: Band"),
    "unit": N_("Unit (of own rasters or stations)"), "kind": N_("Own rasters: Product"),
    "time": N_("Own rasters: Acquired (UTC)"),
    "air": N_("canopy (raster)"), "lst": N_("surface"), "fallback": N_("Stand-in (LCZ C)"),
    "quality": N_("the quality layer on the City page"), "elevation": N_("the elevation on the City page"),
    "accept_values": N_("Map them though they look wrong"), "keep_clouds": N_("Keep clouds (of a band SCL)"),
    "plausible": N_("Pixels that count: Plausible temperatures"), "resample": N_("Pixels that count: Resampling"),
    "interior": N_("Pixels that count: Border pixels left out"), "reference": N_("Compare with"),
    "time_zone": N_("Own stations: Time zone"), "columns": N_("Own stations: Columns"),
    "ambiguous": N_("Own stations: Hour shown twice"), "time_format": N_("Own stations: Format of times"),
    "skip_outside": N_("Own stations: Leave stations outside the map out"),
    "station_scheme": N_("Own stations: Numbering of stations' classes"),
    "station_classes": N_("Classes of stations set by hand"), "sites": N_("Air temperatures, and their sites"),
    "provider": N_("Service"), "seasons": N_("Period"), "start": N_("From"), "end": N_("To"), "year": N_("Year"),
    "max_cloud": N_("Cloud at most"), "days": N_("Days a season"), "box": N_("the box on the map"),
    "units": N_("Own scenes: Values"), "dn_scale": N_("Own scenes: Stored values divided by"),
}  # fmt: skip

OF_MAPS = {
    "band": N_("Band"), "scheme": N_("Numbering"), "nodata": N_("No data"), "legend": N_("Legend"),
    "column": N_("Column"),
    "layer": N_("Layer"),
}  # fmt: skip
"""What the pages call the settings of a map (`lczlib.jobs.map_files.KINDS`)."""
_OF_WATER = {
    "dates": N_("Own scenes: Dates"), "orbit": N_("Orbit of the scene"),
    "descending": N_("the descending passes on the City page"),
}  # fmt: skip
OF_EXPORTS_CARD = N_("Maps for other software")
"""Title of the card with what maps are written with for other software."""
OF_FIELD_CARD = N_("Air temperature everywhere")
"""Title of the section with the field of air temperature."""
OF_DRAWN_CARD = N_("Draw reference polygons")
"""Title of the card with what is drawn on the map."""
_OF_DRAWN = {"maps": CHECK, "suspects": CHECK, "next_places": NEXT}
"""Which of its settings each step reads."""
OWN_MAP_CARDS = {
    "own_map": N_("How your LCZ map is read"), "reference": N_("How your reference is read"),
}  # fmt: skip
"""Titles of the cards with the settings of own maps, by the step that reads them."""


_UNIT = re.compile(r"(?<![A-Za-z_])deg([CF])\b")  # and no column's name


def _within(*titles: str) -> str:
    """Titles of a page, a card and a field, from the outside in."""
    return ": ".join(titles)


def face_of(step: str = "") -> Face:
    """How the pages write settings that a step's messages name, the City page's for maps.

    Parameters
    ----------
    step : str
        The step of the study: what ``band`` is there.
    """
    names = _IN_PAGE | {k: v for k, v in OF_MAPS.items() if k not in _IN_PAGE}
    if step in ("maps", "suspects"):
        names = names | {"resample": N_("Values of your Sentinel-2: Resampling")}
    if step == "maps":
        names = names | {
            "device": N_("Computed on"), "start_from": N_("Adapt the network to them"),
        }  # fmt: skip
    if step in _OF_DRAWN:
        names = names | {
            k: _within(text(OF_DRAWN_CARD), text(DrawnInputs.param[v].label))
            for k, v in _OF_DRAWN[step].items()
        }
    if step in OWN_MAP_CARDS:
        names = names | {
            k: _within(text("City"), text(OWN_MAP_CARDS[step]), text(v)) for k, v in OF_MAPS.items()
        }
        names["reference"] = N_("Reference on the City page")
    if step == "water":
        names = names | _OF_WATER
    if step == "exports":
        of_exports = {
            k: _within(text(OF_EXPORTS_CARD), text(ExportInputs.param[v].label))
            for k, v in EXPORTS.items()
        }
        names = names | of_exports | {
            "polygons": N_("the polygons to sum over on the City page"),
            "geo_em": N_("the domain of WRF on the City page"),
        }  # fmt: skip
    if step == "field":
        of_field = {
            k: _within(text(OF_FIELD_CARD), text(FieldInputs.param[v].label))
            for k, v in OF_FIELD.items()
        }
        names = names | of_field | {"coast": N_("the coast on the City page")}

    def write(name: str, value: str) -> str:
        return (
            f"“{text(names[name])}” {value}".rstrip()
            if name in names
            else command_line(name, value)
        )

    return write


def in_page(message: str, step: str = "") -> str:
    """A message of a step, with settings (`lczlib.terms.option`) and units as the pages call them."""
    return _UNIT.sub(r"°\1", worded(message, face_of(step)))


_STEPS = {
    "map": "own_map", "reference": "reference", "scene": "maps", "water": "water", "water_descending": "water",
}  # fmt: skip
"""The step of a study whose words name the settings of a kind of file."""


def in_review(message: str, kind: str = "") -> str:
    """The same where a file is looked at before it is used: its settings stand right there.

    Parameters
    ----------
    message : str
        With settings as of `lczlib.terms.option`.
    kind : str
        Of the file, as of `lczlib.study.looking.KINDS`.
    """
    return re.sub(
        r"“[^”:]*: (?:[^”:]*: )?([^”:]*)”", r"“\1”", in_page(message, _STEPS.get(kind, ""))
    )
