"""Which backscatter a radar raster holds, as far as its tags say it: sigma, beta or gamma nought.

Sigma nought counts power by area on the ellipsoid, gamma nought by area as the radar sees it: on flat
land about 1 dB more. Of terrain-corrected products (RTC) gamma nought also counts the slope, so that
slopes towards the radar are no brighter; sigma nought of detected products (GRD) keeps them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

import rasterio

from lczlib.errors import InputError

SIGMA, GAMMA, BETA = "sigma nought", "gamma nought", "beta nought"
_TAG = "radiometry"
_WORDS = re.compile(r"(?<![a-z])(sigma|gamma|beta)[ _-]?(?:0|nought|naught|zero)", re.IGNORECASE)


def radiometry_of(path: str | Path) -> str:
    """What a raster's tags and names of bands say: `SIGMA`, `GAMMA`, `BETA`; empty where they do not.

    A tag ``radiometry`` counts before all else; where others name several, none is believed.
    """
    with rasterio.open(path) as source:
        tags = {**source.tags(1), **source.tags()}
        names = [d or "" for d in source.descriptions]
    return stated(tags, names)


def stated(tags: Mapping[str, str], names: list[str] | None = None) -> str:
    """As of `radiometry_of`, of tags and names of bands.

    Examples
    --------
    >>> stated({"radiometry": "sigma nought, dB"}), stated({}, ["VV_gamma0"]), stated({"a": "b"})
    ('sigma nought', 'gamma nought', '')
    """
    own = next((v for k, v in tags.items() if k.lower() == _TAG), "")
    for texts in ([own], [*tags.values(), *(names or [])]):
        found = {m[1].lower() for text in texts for m in _WORDS.finditer(text)}
        if len(found) == 1:
            return f"{found.pop()} nought"
    return ""


def direction_of(path: str | Path) -> str:
    """Which way the satellite flew, as the tags of passes say it: ``ascending``, ``descending``; else empty."""
    with rasterio.open(path) as source:
        said = source.tags().get("pass", "").lower()
    return next(
        (way for way in ("ascending", "descending") if way in said.replace(",", " ").split()), ""
    )


def floor_of(path: str | Path) -> float | None:
    """The value in dB to which lower ones were raised, by the tags that `lcz prepare-s1` writes; None of others."""
    with rasterio.open(path) as source:
        tags = source.tags()
    try:
        floor = float(tags.get("floor", "")) if tags.get(_TAG, "").endswith("dB") else 0.0
    except ValueError:
        return None
    return 10 * math.log10(floor) if floor > 0 else None


def check_sigma(path: str | Path, network: str) -> None:
    """Refuse what says that it is not sigma nought.

    Raises
    ------
    InputError
        Naming what it is.
    """
    found = radiometry_of(path)
    if found not in ("", SIGMA):
        msg = (
            f"{Path(path).name} holds {found} by its tags, and {network} was trained on sigma nought, which differs "
            "on every slope: give that."
        )
        raise InputError(msg)
