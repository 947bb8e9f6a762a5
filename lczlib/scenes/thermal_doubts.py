"""Rasters that are given as temperatures and hold something else: indices, radiances, counts."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from lczlib.errors import InputError
from lczlib.scenes.layer import Layer
from lczlib.scenes.thermal_names import SURFACE_BANDS
from lczlib.scenes.thermal_products import product_of
from lczlib.scenes.thermal_units import Conversion, scaled_unit

_ENOUGH = 400
"""Pixels, of which less may be alike."""
_NARROW = 1.5
"""K between the 5th and the 95th percentile: the surfaces of a city and its land lie further apart, by
night and in winter too."""
_OTHERS = re.compile(
    r"(?<![a-z])(nd[vbw]i|ndbai|e?vi2?|savi|msavi|emissivity|emis|radiance|albedo|reflectance|counts?|dn)(?![a-z])",
    re.IGNORECASE,
)
_THERMAL = re.compile(
    r"(?<![a-z])(lst|bt|temp|temperature|kelvin|celsius|thermal)(?![a-z])", re.IGNORECASE
)


def refuse_index(stored: np.ndarray, read: Conversion, path: Path) -> None:
    """Refuse values between -1 and 1 that are taken for degrees as they are: an index, or emissivity.

    Parameters
    ----------
    stored : array (n,)
        Valid values.
    read : Conversion
        How they are taken.
    path : Path
        For messages.

    Raises
    ------
    InputError
        If many pixels lie there, and all of them.
    """
    if stored.size < _ENOUGH or (read.scale, read.offset) != (1.0, 0.0) or read.unit == "K":
        return
    low, high = float(stored.min()), float(stored.max())
    if low < -1 or high > 1:
        return
    msg = (
        f"{path} holds no temperatures: all its values lie between {low:.3g} and {high:.3g}, as those of a "
        f"vegetation index or an emissivity do; surfaces of a city in {read.unit} do not. Give a raster of "
        "temperatures."
    )
    raise InputError(msg)


def no_temperatures(
    layer: Layer, path: Path, what: str, celsius: np.ndarray, read: Conversion | None
) -> list[str]:
    """Cautions on what speaks against temperatures, though the values could be some.

    Parameters
    ----------
    layer, path
        The raster.
    what : str
        ``surface`` or ``air``, whose fields may be flat.
    celsius : array (y, x)
        As it is taken, NaN where missing.
    read : Conversion, optional
        How stored numbers became these; None where a sensor's constants did.
    """
    cautions = []
    if read is None or product_of(path, layer.name):
        return cautions
    if layer.unit and scaled_unit(layer.unit) is None:
        cautions.append(
            f"{path.name} says that its unit is {layer.unit!r}, which is no temperature; it is taken for "
            f"{read.unit}, {read.how}: check that these are temperatures."
        )
    names = (layer.name, path.stem)
    if layer.name.casefold() not in SURFACE_BANDS and not any(map(_THERMAL.search, names)):
        other = next((m[0] for n in names if (m := _OTHERS.search(n))), "")
        if other:
            cautions.append(
                f"The name of {path.name}{f', band {layer.name},' if layer.name else ''} speaks of {other}, and "
                "of no temperature: check that its values are temperatures."
            )
    values = celsius[np.isfinite(celsius)]
    if what != "surface" or values.size < _ENOUGH:
        return cautions
    low, high = np.percentile(values, (5, 95), overwrite_input=True)
    if high - low < _NARROW:
        cautions.append(
            f"{path.name} has nine tenths of its pixels within {high - low:.2g} K, closer together than the "
            "surfaces of a city are: check that these are temperatures, and not radiances or numbers that "
            "were scaled before."
        )
    if layer.stored.dtype == np.uint8 and (read.scale, read.offset) == (1.0, 0.0):
        cautions.append(
            f"{path.name} holds whole numbers of one byte, as counts of a sensor and images for the screen "
            f"do; they are taken for {read.unit}, {read.how}: check that these are temperatures."
        )
    return cautions
