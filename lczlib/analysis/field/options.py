"""The choices of a field, each with its default and what it means; no data library is loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lczlib.errors import InputError
from lczlib.settings import setting, settle

Shape = Literal["exponential", "spherical", "matern"]
"""Models of GSTools: exponential, spherical, and Matern with smoothness 1.5."""
FEWEST_STATIONS = 5
"""Below this neither the covariance nor a cross-validation says anything."""
MODEL = "Model of the field"


def hours_of(text: str) -> str | tuple[int, ...]:
    """``all``, ``day``, ``night``, or local solar hours.

    Raises
    ------
    InputError
        If it is none.

    Examples
    --------
    >>> hours_of("22, 23,0")
    (22, 23, 0)
    """
    text = text.strip()
    if text in ("all", "day", "night"):
        return text
    parts = [p.strip() for p in text.split(",")]
    if all(re.fullmatch(r"\d{1,2}", p) and int(p) < 24 for p in parts):
        return tuple(dict.fromkeys(int(p) for p in parts))
    msg = f"{text!r} are no hours: all, day, night, or hours of the local solar day from 0 to 23, such as 22,23,0,1."
    raise InputError(msg)


def _check_day(text: str) -> None:
    import datetime as dt

    try:
        dt.date.fromisoformat(text)
    except ValueError as err:
        msg = f"{text!r} is no day: write it as 2020-06-30."
        raise InputError(msg) from err


@dataclass(frozen=True, kw_only=True)
class PeriodOptions:
    """Which hours of the record count."""

    hours: str = setting(
        "all", "Hours that count: all, day, night (sun below the horizon), or hours of the local solar day "
        "by commas, such as 22,23,0,1.", title="Hours", check=hours_of, metavar="all|day|night|0,1,...",
    )  # fmt: skip
    start: str | None = setting(
        None, "First day (UTC) that counts, such as 2020-06-01.", title="First day", check=_check_day,
        usual="of the record", metavar="DATE",
    )  # fmt: skip
    end: str | None = setting(
        None, "Last day (UTC) that counts.", title="Last day", check=_check_day, usual="of the record",
        metavar="DATE",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """The model of a field; see `lczlib.analysis.field`."""

    covariance: Shape = setting(
        "exponential", "How the residuals of two stations go together with distance (models of GSTools; matern: "
        "with smoothness 1.5).", title="Correlation with distance", group=MODEL,
    )  # fmt: skip
    lapse_rate: float | None = setting(
        None, "K per m by which air cools upwards; with an elevation raster alone it is fitted to the "
        "stations, with its error. 0.0065 is the standard atmosphere.", title="Lapse rate (K per m)",
        low=-1, high=1, usual="fitted, with elevations", group=MODEL,
    )  # fmt: skip
    water: bool = setting(
        False, "Let the temperature change with the distance to the map's water (LCZ G), linearly.",
        title="Distance to water", group=MODEL,
    )  # fmt: skip

    def __post_init__(self) -> None:
        settle(self)
