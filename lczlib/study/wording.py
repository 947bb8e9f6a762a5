"""What the pages of the dashboard call the settings that messages of the library name."""

from __future__ import annotations

import re

from lczlib.study.export_inputs import NAMES as EXPORTS
from lczlib.study.export_inputs import ExportInputs
from lczlib.study.field_inputs import NAMES as OF_FIELD
from lczlib.study.field_inputs import FieldInputs
from lczlib.terms import Face, command_line, worded

_IN_PAGE = {
    "level": "Level", "date": "Day of the image", "scale": "Scale", "offset": "Offset",
    "bands": "Values of your Sentinel-2: Bands", "nodata": "No data", "band": "Own rasters: Band",
    "unit": "Unit (of own rasters or stations)", "kind": "Own rasters: Product", "time": "Own rasters: Acquired (UTC)",
    "air": "canopy (raster)", "lst": "surface", "fallback": "Stand-in (LCZ C)",
    "quality": "the quality layer on the City page", "elevation": "the elevation on the City page",
    "accept_values": "Map them though they look wrong", "keep_clouds": "Keep clouds (of a band SCL)",
    "plausible": "Pixels that count: Plausible temperatures", "resample": "Pixels that count: Resampling",
    "interior": "Pixels that count: Border pixels left out", "reference": "Compare with",
    "time_zone": "Own stations: Time zone", "columns": "Own stations: Columns",
    "ambiguous": "Own stations: Hour shown twice", "time_format": "Own stations: Format of times",
    "skip_outside": "Own stations: Leave stations outside the map out",
    "station_scheme": "Own stations: Numbering of stations' classes",
    "station_classes": "Classes of stations set by hand", "sites": "Air temperatures, and their sites",
    "provider": "Service", "seasons": "Period", "start": "From", "end": "To", "year": "Year",
    "max_cloud": "Cloud at most", "days": "Days a season", "box": "the box on the map",
    "units": "Own scenes: Values", "dn_scale": "Own scenes: Stored values divided by",
}  # fmt: skip

OF_MAPS = {
    "band": "Band", "scheme": "Numbering", "nodata": "No data", "legend": "Legend", "column": "Column",
    "layer": "Layer",
}  # fmt: skip
"""What the pages call the settings of a map (`lczlib.jobs.map_files.KINDS`)."""
_OF_WATER = {
    "dates": "Own scenes: Dates", "orbit": "Orbit of the scene",
    "descending": "the descending passes on the City page",
}  # fmt: skip
OF_EXPORTS_CARD = "Maps for other software"
"""Title of the card with what maps are written with for other software."""
OF_FIELD_CARD = "Air temperature everywhere"
"""Title of the section with the field of air temperature."""
OWN_MAP_CARDS = {
    "own_map": "How your LCZ map is read", "reference": "How your reference is read",
}  # fmt: skip
"""Titles of the cards with the settings of own maps, by the step that reads them."""


_UNIT = re.compile(r"(?<![A-Za-z_])deg([CF])\b")  # and no column's name


def face_of(step: str = "") -> Face:
    """How the pages write settings that a step's messages name, the City page's for maps.

    Parameters
    ----------
    step : str
        The step of the study: what ``band`` is there.
    """
    names = _IN_PAGE | {k: v for k, v in OF_MAPS.items() if k not in _IN_PAGE}
    if step == "maps":
        names = names | {"resample": "Values of your Sentinel-2: Resampling"}
    if step in OWN_MAP_CARDS:
        names = names | {k: f"City: {OWN_MAP_CARDS[step]}: {v}" for k, v in OF_MAPS.items()}
        names["reference"] = "Reference on the City page"
    if step == "water":
        names = names | _OF_WATER
    if step == "exports":
        of_exports = {
            k: f"{OF_EXPORTS_CARD}: {ExportInputs.param[v].label}" for k, v in EXPORTS.items()
        }
        names = names | of_exports | {
            "polygons": "the polygons to sum over on the City page", "geo_em": "the domain of WRF on the City page",
        }  # fmt: skip
    if step == "field":
        of_field = {
            k: f"{OF_FIELD_CARD}: {FieldInputs.param[v].label}" for k, v in OF_FIELD.items()
        }
        names = names | of_field | {"coast": "the coast on the City page"}

    def write(name: str, value: str) -> str:
        return f"“{names[name]}” {value}".rstrip() if name in names else command_line(name, value)

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
