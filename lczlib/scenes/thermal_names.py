"""Air or surface: what a raster of temperatures says that it measures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from lczlib.errors import InputError
from lczlib.scenes.layer import Layer
from lczlib.scenes.thermal_products import product_of
from lczlib.terms import option

AIR = "air temperature"
AIR_BANDS = frozenset({
    "t2m", "2t", "t2", "tas", "tasmax", "tasmin", "tair", "airt", "air_temperature", "airtemp", "air_temp",
    "tmean", "tmax", "tmin", "2m_temperature", "temperature_2m", "temp_2m", "t_2m",
})  # fmt: skip
"""Names of air temperature in small letters: ERA5 and ERA5-Land, CMIP and CORDEX, WRF, UrbClim, PRISM."""
SURFACE_BANDS = frozenset({
    "lst", "lwir11", "lwir", "st_b10", "st_b6", "lst_day_1km", "lst_night_1km", "surface_temperature",
    "land_surface_temperature", "skt", "skin_temperature", "tsk", "bt",
})  # fmt: skip
"""Names of surface temperature in small letters: Landsat, MODIS, skin temperature of models."""

_AIR_WORDS = re.compile(
    r"air[ _]temp|2[ _]?(m|metre|meter)s?[ _]temp|temp(erature)?[ _]?(at|_)?[ _]?2[ _]?m(etres?)?\b|near[- ]surface",
    re.IGNORECASE,
)
_SURFACE_WORDS = re.compile(
    r"\blst\b|land[ _]surface|skin[ _]temp|surface[ _]temp|brightness[ _]temp|lwir|\bst_b\d",
    re.IGNORECASE,
)
_AIR_FILES = re.compile(
    r"(?<![a-z0-9])(t2m|air_?temp(erature)?|2m_temperature)(?![a-z0-9])", re.IGNORECASE
)


def measured(layer: Layer, path: str | Path) -> Literal["air", "surface"] | None:
    """What the names and titles of a raster say that it is; None where they say nothing."""
    if product_of(path, layer.name):
        return "surface"
    return measured_by(layer.words, path)


def measured_by(words: Iterable[str], path: str | Path) -> Literal["air", "surface"] | None:
    """The same by some names and titles and the file's name, before a band is chosen."""
    for text in words:
        name = text.strip().casefold()
        if name in AIR_BANDS or _AIR_WORDS.search(text):
            return "air"
        if name in SURFACE_BANDS or _SURFACE_WORDS.search(text):
            return "surface"
    return "air" if _AIR_FILES.search(Path(path).stem) else None


def check_measured(layer: Layer, path: str | Path, wanted: Literal["air", "surface"]) -> None:
    """Refuse air temperature taken for that of surfaces, and the reverse: they are different things.

    Raises
    ------
    InputError
        If the raster says that it is the other.
    """
    if measured(layer, path) in (None, wanted):
        return
    word = next((w for w in layer.words if w), Path(path).name)
    if wanted == "surface":
        msg = (
            f"{path} holds air temperature ({word}), not that of surfaces: give it with {option('air')}, for the "
            "canopy heat island."
        )
    else:
        msg = (
            f"{path} holds surface temperature ({word}), not that of the air: give it with {option('lst')}, for "
            "the surface heat island."
        )
    raise InputError(msg)
