"""Sun and clock: local solar time and solar elevation, to a minute and a third of a degree."""

from __future__ import annotations

import numpy as np
import pandas as pd


def local_solar_time(times: pd.DatetimeIndex, longitude: float) -> np.ndarray:
    """Hours of apparent solar time, 0 to 24 (noon: the sun is highest).

    Parameters
    ----------
    times : DatetimeIndex
        UTC; naive times are taken as UTC.
    longitude : float
        Degrees east.

    Examples
    --------
    >>> import pandas as pd
    >>> local_solar_time(pd.DatetimeIndex(["2020-10-25 11:00"]), 13.4).round(1)
    array([12.2])
    """
    hours = _utc_hours(times)
    return (hours + longitude / 15 + _equation_of_time(times) / 60) % 24


def solar_elevation(times: pd.DatetimeIndex, latitude: float, longitude: float) -> np.ndarray:
    """Elevation of the sun above the horizon in degrees (Spencer 1971), without refraction."""
    angle = _year_angle(times)
    declination = (
        0.006918 - 0.399912 * np.cos(angle) + 0.070257 * np.sin(angle)
        - 0.006758 * np.cos(2 * angle) + 0.000907 * np.sin(2 * angle)
        - 0.002697 * np.cos(3 * angle) + 0.00148 * np.sin(3 * angle)
    )  # fmt: skip
    hour = np.deg2rad((local_solar_time(times, longitude) - 12) * 15)
    phi = np.deg2rad(latitude)
    sine = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour)
    return np.rad2deg(np.arcsin(sine.clip(-1, 1)))


def _utc_hours(times: pd.DatetimeIndex) -> np.ndarray:
    utc = times.tz_convert("UTC") if times.tz is not None else times
    return (utc.hour + utc.minute / 60 + utc.second / 3600).to_numpy(dtype=float)


def _year_angle(times: pd.DatetimeIndex) -> np.ndarray:
    utc = times.tz_convert("UTC") if times.tz is not None else times
    return (
        2
        * np.pi
        * (utc.day_of_year.to_numpy(dtype=float) - 1 + (_utc_hours(times) - 12) / 24)
        / 365.25
    )


def _equation_of_time(times: pd.DatetimeIndex) -> np.ndarray:
    """Apparent minus mean solar time in minutes (Spencer 1971)."""
    angle = _year_angle(times)
    return 229.18 * (
        0.000075 + 0.001868 * np.cos(angle) - 0.032077 * np.sin(angle)
        - 0.014615 * np.cos(2 * angle) - 0.040849 * np.sin(2 * angle)
    )  # fmt: skip
