"""Input combinations D1-D7 of Sentinel-1 and Sentinel-2 (Zhou et al. 2022, Table 4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from lczlib.errors import InputError
from lczlib.scenes.bands import BANDS
from lczlib.scenes.polarimetry import DECOMPOSITION, SENTINEL1_CHANNELS

_COVARIANCE = ("C11", "C12_imag", "C12_real", "C22")
_INTENSITY = ("Intensity_VH", "Intensity_VV")

COMBINATIONS: dict[str, tuple[str, ...]] = {
    "D1": SENTINEL1_CHANNELS,
    "D2": BANDS,
    "D3": (*DECOMPOSITION, *BANDS),
    "D4": (*_COVARIANCE, *BANDS),
    "D5": (*_INTENSITY, *BANDS),
    "D6": (*SENTINEL1_CHANNELS, *BANDS),
    "D7": (*DECOMPOSITION, *_INTENSITY, *BANDS),
}
"""Channels of each combination, Sentinel-1 first (Zhou et al. 2022, Table 4 and section 5.1,
doi 10.1080/10095020.2022.2030654)."""

Sensor = Literal["s1", "s2", "both"]


def combination(name: str) -> tuple[str, ...]:
    """Channels of a combination.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name.upper() not in COMBINATIONS:
        msg = f"{name!r} is no combination of inputs: use one of {', '.join(COMBINATIONS)}."
        raise InputError(msg)
    return COMBINATIONS[name.upper()]


def sensor_of(channels: Iterable[str]) -> Sensor:
    """Sensor that channels of a combination come from."""
    channels = set(channels)
    if channels <= set(BANDS):
        return "s2"
    return "both" if channels & set(BANDS) else "s1"


def name_of(channels: Iterable[str]) -> str:
    """``D1`` .. ``D7``, or an empty text for channels that are no combination."""
    channels = set(channels)
    return next((n for n, own in COMBINATIONS.items() if set(own) == channels), "")


def check_channels(channels: Iterable[str], available: Iterable[str], what: str) -> None:
    """Raise if a scene cannot give the channels of a combination.

    Parameters
    ----------
    channels : iterable of str
        Wanted.
    available : iterable of str
        What the scene can give.
    what : str
        The scene in words.

    Raises
    ------
    InputError
        With the combination, the channels that are missing, and what to do.
    """
    channels, available = tuple(channels), set(available)
    lacking = [c for c in channels if c not in available]
    if not lacking:
        return
    name = name_of(channels) or "The network"
    of_radar = [c for c in lacking if c in SENTINEL1_CHANNELS]
    if of_radar:
        held = (
            "the Sentinel-1 amplitudes"
            if set(of_radar) <= set(_INTENSITY)
            else "the Sentinel-1 covariance (C11, C12, C22)"
        )
        advice = "give a So2Sat folder with Sentinel-1, or use D2 (Sentinel-2 alone)"
    else:
        held, advice = "Sentinel-2", "give its bands, or use D1 (Sentinel-1 alone)"
    msg = f"{name} reads {', '.join(lacking)}, and {what} does not have {held}: {advice}."
    raise InputError(msg)
