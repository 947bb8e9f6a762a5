"""What the pages of the dashboard call the options that messages of the library name."""

from __future__ import annotations

import re

_IN_PAGE = {
    "level": "Level", "date": "Day of the image", "scale": "Scale", "offset": "Offset",
    "bands": "Values of your Sentinel-2: Bands", "nodata": "No data", "band": "Own rasters: Band",
    "unit": "Unit (of own rasters or stations)", "kind": "Own rasters: Product", "time": "Own rasters: Acquired (UTC)",
    "air": "canopy (raster)", "lst": "surface", "fallback": "Stand-in (LCZ C)",
    "quality": "the quality layer on the City page", "elevation": "the elevation on the City page",
    "accept-values": "Map them though they look wrong", "keep-clouds": "Keep clouds (of a band SCL)",
    "plausible": "Pixels that count: Plausible temperatures", "resample": "Pixels that count: Resampling",
    "interior": "Pixels that count: Border pixels left out", "reference": "Compare with",
    "time-zone": "Own stations: Time zone", "columns": "Own stations: Columns",
    "ambiguous": "Own stations: Hour shown twice", "time-format": "Own stations: Format of times",
    "skip-outside": "Own stations: Leave stations outside the map out",
    "station-scheme": "Own stations: Numbering of stations' classes",
    "station-classes": "Classes of stations set by hand", "sites": "Air temperatures, and their sites",
    "units": "Own scenes: Values", "dn-scale": "Own scenes: Stored values divided by",
}  # fmt: skip

_OF_MAPS = {
    "band": "Band", "scheme": "Numbering", "nodata": "No data", "legend": "Legend", "column": "Column",
    "layer": "Layer",
}  # fmt: skip
_OF_WATER = {
    "date": "Own scenes: Dates", "orbit": "Orbit of the scene",
    "des": "the descending passes on the City page",
}  # fmt: skip
OWN_MAP_CARDS = {
    "own_map": "How your LCZ map is read", "reference": "How your reference is read",
}  # fmt: skip
"""Titles of the cards with the settings of own maps, by the step that reads them."""


def in_page(message: str, step: str = "") -> str:
    """A message of the library with the names that settings have on the pages, City page's for maps.

    Parameters
    ----------
    message : str
        That names options of commands: ``--legend``.
    step : str
        The step of the study that it is from: what ``--band`` is there.
    """
    names = _IN_PAGE | {k: v for k, v in _OF_MAPS.items() if k not in _IN_PAGE}
    if step == "maps":
        names = names | {"resample": "Values of your Sentinel-2: Resampling"}
    if step in OWN_MAP_CARDS:
        names = names | {k: f"City: {OWN_MAP_CARDS[step]}: {v}" for k, v in _OF_MAPS.items()}
        names["reference"] = "Reference on the City page"
    if step == "water":
        names = names | _OF_WATER
    return re.sub(
        r"--([a-z]+(?:-[a-z]+)*)", lambda m: f"“{names[m[1]]}”" if m[1] in names else m[0], message
    )
