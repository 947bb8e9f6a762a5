"""What file names say of the kind of a file, in the words of people and of providers."""

from __future__ import annotations

import re
from pathlib import Path

_RASTERS = {
    "elevation": r"dem|dsm|dtm|srtm|copdem|cop_dem|aster_?gdem|elev\w*|altitude|hoehe\w*|mnt",
    "reference": r"ref\w*|truth|ground_?truth|gt|validation|test_?areas?|training|labels?",
    "thermal": r"lst|thermal|surface_?temp\w*",
    "air": r"t2m|tair|air_?temp\w*|airt",
    "map": r"lcz\w*",
}
_SHAPES = {
    "coast": r"coast\w*|shore\w*|sea|ocean|lakes?|water_?bod\w*|kueste\w*",
    "polygons": r"districts?|quarters?|wards?|suews\w*|grid|cells|tracts?|boroughs?|neighbou?rhoods?|blocks",
    "area": r"aoi|roi|bbox|box|area|area_of_interest|study_?area|extent|boundary|outline|city_?limits?",
    "stations": r"stations?|sites?|sensors?",
}


def hint_of(path: str | Path, form: str) -> str:
    """The kind that a file's name speaks for; empty where it speaks for none."""
    words = re.sub(r"[^a-z0-9_]+", "_", Path(path).stem.casefold())
    table = _RASTERS if form == "raster" else _SHAPES
    for kind, pattern in table.items():
        if re.search(rf"(?<![a-z0-9])({pattern})(?![a-z0-9])", words.replace("_", " ")) or re.search(
            rf"(?<![a-z0-9])({pattern})(?![a-z0-9])", words
        ):  # fmt: skip
            return kind
    return ""
