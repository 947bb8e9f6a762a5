"""Temperatures of the simulated city: the surface by day and night, the air at stations.

The class differences below are the truth that an analysis should recover; everything else
(elevation, weather, correlated noise, the siting of stations) stands in its way.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy.ndimage import uniform_filter
from scipy.signal import lfilter

from lczlib.classes import CLASSES, N_CLASSES
from lczlib.grid import CELL_SIZE, on_grid
from lczlib.scenes.simulation.fields import smooth_field

# Surface temperature by day and by night, and air temperature by night and by day, against low
# plants (D), K. Signs and order of Geletic et al. (2016, doi 10.3390/rs8100788) and Bechtel et al.
# (2019, doi 10.1016/j.uclim.2019.01.005) for surfaces, of Stewart, Oke & Krayenhoff (2014,
# doi 10.1002/joc.3746) and Fenner et al. (2017, doi 10.1127/metz/2017/0861) for the air.
_TABLE = """
1   2.6  3.0   3.4  0.5
2   3.6  3.2   3.6  0.6
3   4.1  2.6   3.0  0.7
4   1.4  2.0   2.4  0.2
5   2.0  2.0   2.3  0.3
6   1.2  1.2   1.6  0.2
7   4.8  1.6   2.0  0.9
8   4.6  1.5   2.1  0.6
9   0.2  0.5   0.8  0.0
10  4.9  1.8   2.2  0.7
A  -4.2  0.8   0.4 -0.9
B  -1.8  0.5   0.5 -0.4
C  -0.6  0.3   0.3 -0.1
D   0.0  0.0   0.0  0.0
E   5.2  2.2   1.8  0.8
F   2.8 -0.3   0.2  0.4
G  -7.0  3.6   1.8 -1.2
"""
_ROWS = {line.split()[0]: line.split()[1:] for line in _TABLE.split("\n") if line}
_TRUTH = np.array([_ROWS[c.code] for c in CLASSES], np.float64)

LAPSE_RATE = 6.5e-3
"""Cooling with height, K per metre (standard atmosphere)."""

LST_TIMES = {"day": "2021-07-23T10:40", "night": "2021-07-23T21:50"}
SUMMER = ("2021-06-01", "2021-08-31 23:00")
N_STATIONS = 30


def true_surface_difference() -> xr.Dataset:
    """Surface temperature of each zone minus that of low plants (D), variables day and night, K."""
    lcz = {"lcz": np.arange(1, N_CLASSES + 1, dtype=np.uint8)}
    return xr.Dataset(
        {n: ("lcz", _TRUTH[:, i], {"units": "K"}) for i, n in enumerate(("day", "night"))}, lcz
    )


def true_air_difference(utc_offset: float) -> xr.DataArray:
    """Mean summer air temperature of each zone minus that of D, ``(lcz, hour)``, K, hour in UTC.

    Canopy heat islands are strongest from sunset to sunrise; `utc_offset` is mean solar time minus
    UTC, hours.
    """
    hour = np.arange(24)
    night = _night_share(hour + utc_offset)
    values = _TRUTH[:, 2:3] * night + _TRUTH[:, 3:4] * (1 - night)
    return xr.DataArray(
        values,
        {"lcz": np.arange(1, N_CLASSES + 1, dtype=np.uint8), "hour": hour},
        ("lcz", "hour"),
        attrs={"units": "K", "time_zone": "UTC"},
    )


def _night_share(solar_hour: np.ndarray) -> np.ndarray:
    """1 at night, 0 by day, with the quick rise at sunset and slow fall after sunrise."""
    since_sunset = (np.asarray(solar_hour) - 19.5) % 24
    return np.clip(since_sunset / 2.5, 0, 1) * np.clip((13.0 - since_sunset) / 3.0, 0, 1)


def surface_temperature(
    rng: np.random.Generator, lcz: np.ndarray, elevation: np.ndarray, grid: GeoBox
) -> xr.Dataset:
    """Land surface temperature of the 100 m cells in degC, variables day and night.

    Class signal, lapse rate, noise correlated over 600 m (weather, soil moisture) and the noise of
    the sensor. By day two in a hundred cells are lost to a cloud.
    """
    n = lcz.shape[0]
    cool = LAPSE_RATE * (elevation - elevation.mean())
    layers = {}
    for i, (name, base) in enumerate((("day", 31.0), ("night", 15.5))):
        noise = 0.7 * smooth_field(rng, n, 600, CELL_SIZE) + 0.4 * rng.standard_normal((n, n))
        value = base + _TRUTH[lcz.astype(int) - 1, i] - cool + noise
        if name == "day":
            cloud = smooth_field(rng, n, 900, CELL_SIZE)
            value[cloud > np.quantile(cloud, 0.98)] = np.nan
        layers[name] = on_grid(
            value.astype(np.float32),
            grid,
            attrs={
                "units": "degC",
                "long_name": f"land surface temperature, {name}",
                "time": LST_TIMES[name],
                "time_zone": "UTC",
                "source": "simulated",
            },
        )
    return xr.Dataset(layers, attrs={"source": "simulated", "simulated": True})


def place_stations(
    rng: np.random.Generator, lcz: np.ndarray, elevation: np.ndarray, grid: GeoBox
) -> gpd.GeoDataFrame:
    """Sites of thirty stations: at least one in each zone but water, more in the common ones.

    Columns station, lcz, elevation (m) and geometry, in the CRS of the grid.
    """
    inner = np.ones_like(lcz, float)
    for c in np.unique(lcz):
        same = lcz == c
        inner[same] = uniform_filter(same.astype(float), 3, mode="nearest")[same]
    zones = [c for c in np.unique(lcz) if c != N_CLASSES]
    share = np.array([np.sqrt((lcz == c).sum()) for c in zones])
    extra = max(N_STATIONS - len(zones), 0)
    counts = 1 + np.floor(extra * share / share.sum()).astype(int)
    for i in np.argsort(-share)[: N_STATIONS - counts.sum()]:
        counts[i] += 1
    rows = []
    for zone, count in zip(zones, counts, strict=True):
        cells = np.argwhere(lcz == zone)
        order = np.argsort(-inner[tuple(cells.T)] + 0.3 * rng.random(len(cells)))
        for row, col in cells[order[:count]]:
            rows.append((zone, elevation[row, col], row, col))
    zone, height, row, col = (np.array(a) for a in zip(*rows, strict=True))
    a = grid.affine
    x = a.c + a.a * (col + rng.uniform(0.3, 0.7, len(col)))
    y = a.f + a.e * (row + rng.uniform(0.3, 0.7, len(row)))
    return gpd.GeoDataFrame(
        {
            "station": [f"S{i:02d}" for i in range(1, len(zone) + 1)],
            "lcz": zone.astype(np.uint8),
            "elevation": height.round(1),
        },
        geometry=gpd.points_from_xy(x, y),
        crs=str(grid.crs),
    )


def air_temperature(
    rng: np.random.Generator, stations: gpd.GeoDataFrame, utc_offset: float
) -> pd.DataFrame:
    """Hourly air temperature of a summer: columns time (UTC), station, air_temperature (degC).

    Regional weather (fronts over days, a daily cycle that is wider on clear days) is common to all
    stations; the class difference grows and shrinks with how calm and clear a day is, one on
    average; each station has the lapse rate, a siting error of 0.15 K and noise of its own. One
    reading in a hundred is missing.
    """
    time = pd.date_range(*SUMMER, freq="h", tz="UTC")
    hours, days = len(time), len(time) // 24
    calm = rng.uniform(0.3, 1.7, days)
    calm = (calm / calm.mean()).repeat(24)
    fronts = _autocorrelated(rng, (hours,), memory=60.0) * 2.6
    solar = (time.hour.to_numpy() + utc_offset) % 24
    cycle = 4.8 * calm * np.cos(2 * np.pi * (solar - 15) / 24)
    season = 1.8 * np.sin(np.pi * np.arange(hours) / hours)
    regional = 17.5 + season + fronts + cycle

    zone = stations["lcz"].to_numpy().astype(int)
    truth = true_air_difference(utc_offset).to_numpy()[zone - 1]
    signal = truth[:, time.hour.to_numpy()] * calm
    height = stations["elevation"].to_numpy()
    site = 0.15 * rng.standard_normal(len(zone)) - LAPSE_RATE * (height - 40.0)
    noise = 0.25 * _autocorrelated(rng, (len(zone), hours), memory=4.0)
    values = (regional + signal + site[:, None] + noise).round(2)
    values[rng.random(values.shape) < 0.01] = np.nan
    frame = pd.DataFrame(
        {
            "time": np.tile(time, len(zone)),
            "station": stations["station"].to_numpy().repeat(hours),
            "air_temperature": values.ravel(),
        }
    )
    frame["time"] = pd.to_datetime(frame["time"], utc=True)
    frame.attrs = {"units": "degC", "time_zone": "UTC", "source": "simulated", "simulated": True}
    return frame


def _autocorrelated(rng: np.random.Generator, shape: tuple[int, ...], memory: float) -> np.ndarray:
    """First-order autoregressive noise of variance 1 along the last axis."""
    a = np.exp(-1 / memory)
    white = rng.standard_normal(shape) * np.sqrt(1 - a**2)
    white[..., 0] /= np.sqrt(1 - a**2)
    return lfilter([1], [1, -a], white, axis=-1)
