"""What meteostat 2 asks over the network, on this machine: its list of stations, its hours, NOAA's ISD Lite."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

JUNE = pd.date_range("2023-06-01", "2023-06-10 23:00", freq="1h")
STATIONS = {
    "D0427": ("Berlin Mitte", "XX", 52.5100, 13.3100, 37, {"wmo": "10381", "usaf": "103810", "wban": "99999"}),
    "10384": ("Berlin Tempelhof", "XX", 52.5060, 13.3250, 48, {"wmo": "10384", "icao": "EDDI", "usaf": "103840"}),
    "10385": ("Without height", "XX", 52.5150, 13.3300, None, {"usaf": "103850"}),
    "10379": ("Outside", "XX", 52.3800, 13.0600, 81, {"wmo": "10379", "usaf": "103790"}),
}  # fmt: skip
"""Name, country, latitude, longitude, metres, numbers; the last lies 22 km from the others."""


def air(mean: float, seed: int, times: pd.DatetimeIndex = JUNE) -> np.ndarray:
    """Made-up hours, degC: warmest at 15 h, in tenths."""
    draw = np.random.default_rng(seed)
    wave = 5 * np.cos((times.hour.to_numpy() - 15) / 24 * 2 * np.pi)
    return np.round(mean + wave + draw.normal(0, 0.4, times.size), 1)


def write_stations(path: Path, stations: Mapping[str, tuple] = STATIONS) -> None:
    """Meteostat's database of stations, with the tables that it asks."""
    with sqlite3.connect(path) as db:
        db.executescript(
            "CREATE TABLE stations (id TEXT, country TEXT, region TEXT, latitude REAL, longitude REAL,"
            " elevation INTEGER, timezone TEXT);"
            "CREATE TABLE names (station TEXT, language TEXT, name TEXT);"
            "CREATE TABLE identifiers (station TEXT, key TEXT, value TEXT);"
            "CREATE TABLE inventory (station TEXT, provider TEXT, parameter TEXT, start TEXT, end TEXT,"
            " completeness REAL);"
        )  # fmt: skip
        for key, (name, country, lat, lon, height, numbers) in stations.items():
            db.execute(
                "INSERT INTO stations VALUES (?, ?, NULL, ?, ?, ?, 'Europe/Berlin')",
                (key, country, lat, lon, height),
            )
            db.execute("INSERT INTO names VALUES (?, 'en', ?)", (key, name))
            db.executemany(
                "INSERT INTO identifiers VALUES (?, ?, ?)",
                [(key, k, v) for k, v in numbers.items()],
            )
    db.close()


def write_isd(
    folder: Path, usaf: str, times: pd.DatetimeIndex, temperature: Sequence[float]
) -> None:
    """A year of ISD Lite: fixed columns, tenths of a degree, -9999 where missing."""
    lines = []
    for when, value in zip(times, temperature, strict=True):
        tenths = -9999 if np.isnan(value) else round(value * 10)
        others = "".join(f"{-9999:6d}" for _ in range(7))
        lines.append(f"{when:%Y %m %d %H}{tenths:6d}{others}")
    path = folder / str(times[0].year) / f"{usaf}-99999-{times[0].year}.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))


def write_hourly(
    folder: Path, station: str, times: pd.DatetimeIndex, temperature: Sequence[float], sources: Sequence[str]
) -> None:  # fmt: skip
    """A year of meteostat's own series, each value with its source."""
    table = pd.DataFrame({
        "year": times.year, "month": times.month, "day": times.day, "hour": times.hour, "temp": temperature,
        "temp_source": sources, "rhum": 50, "rhum_source": sources,
    })  # fmt: skip
    path = folder / str(times[0].year) / f"{station}.csv.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, compression="gzip")
