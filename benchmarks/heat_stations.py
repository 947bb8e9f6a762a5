"""The part of `heat.py` on stations: `lcz uhi --stations` on two years of a network, beside pandas and SciPy."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

HOURS, REPLICATES = 16_798, 500
ZONES = {2: 2, 4: 1, 5: 1, 6: 5, 11: 1, 12: 2, 14: 11}
"""Stations of each class."""
ABOVE = {2: 2.0, 4: 1.0, 5: 0.8, 6: 0.5, 11: -0.5, 12: -0.2, 14: 0.0}
"""K by night above LCZ D; by day a third of it."""
_SEASONS = np.array(
    ["DJF", "DJF", "MAM", "MAM", "MAM", "JJA", "JJA", "JJA", "SON", "SON", "SON", "DJF"]
)


def write_network(folder: Path) -> tuple[Path, Path]:
    """A synthetic network of 23 stations: its hours, 386,354 rows, and the classes of its stations."""
    rng = np.random.default_rng(0)
    zones = pd.Series(
        {f"s{i:02d}": z for i, z in enumerate(np.repeat([*ZONES], [*ZONES.values()]))}
    )
    times = pd.date_range("2019-01-01", periods=HOURS, freq="h")
    hour, day = times.hour.to_numpy(), np.arange(HOURS) / 24
    weather = np.repeat(3 * rng.standard_normal(HOURS // 24 + 1), 24)[:HOURS]
    base = (
        10
        - 10 * np.cos(2 * np.pi * day / 365.25)
        + 4 * np.sin(2 * np.pi * (hour - 9) / 24)
        + weather
    )
    by_night = np.where((hour < 6) | (hour > 19), 1.0, 1 / 3)
    parts = []
    for i, (name, zone) in enumerate(zones.items()):
        air = base + ABOVE[zone] * by_night + rng.normal(0, 0.2) + rng.normal(0, 0.4, HOURS)
        parts.append(pd.DataFrame({
            "time": times, "station": name, "temperature": air.round(4),
            "latitude": 52.4 + 0.01 * (i % 5), "longitude": 13.2 + 0.02 * (i // 5),
        }))  # fmt: skip
    rows = pd.concat(parts).sort_values(["time", "station"])
    rows.to_csv(folder / "air.csv", index=False)
    zones.rename("lcz").rename_axis("station").to_csv(folder / "classes.csv")
    return folder / "air.csv", folder / "classes.csv"


def lcz_uhi(air: Path, classes: Path, *more: str) -> None:
    """The command, from its start to its end."""
    told = ["--stations", str(air), "--station-classes", str(classes), "--time-zone", "UTC"]
    command = [sys.executable, "-m", "lczlib", "uhi", *told, *more]
    subprocess.run(command, check=True, capture_output=True)


def pandas_and_scipy(air: Path, classes: Path) -> pd.DataFrame:
    """What one would write: hourly differences of class means, days drawn anew by `scipy.stats.bootstrap`.

    For each class all hours, day, night, the seasons and each hour of the day: the mean and its interval. No
    quality control, no solar time, no stations drawn, no files.
    """
    from scipy import stats

    rows, zones = pd.read_csv(air, parse_dates=["time"]), pd.read_csv(classes, index_col=0)["lcz"]
    wide = rows.pivot(index="time", columns="station", values="temperature")
    by_class = wide.T.groupby(zones).mean().T
    apart = by_class.drop(columns=14).sub(by_class[14], axis=0)
    hour, date = apart.index.hour, apart.index.normalize()
    night, season = (hour < 6) | (hour > 19), _SEASONS[apart.index.month - 1]
    masks = {"all": np.ones(len(apart), bool), "day": ~night, "night": night}
    masks |= {name: season == name for name in ("DJF", "MAM", "JJA", "SON")}
    masks |= {h: hour == h for h in range(24)}
    found = []
    for zone in apart:
        for name, mask in masks.items():
            days = apart.loc[mask, zone].groupby(date[mask]).mean().to_numpy()
            drawn = stats.bootstrap(
                (days,), np.mean, n_resamples=REPLICATES, method="percentile", rng=np.random.default_rng(0)
            )  # fmt: skip
            found.append((zone, name, days.mean(), *drawn.confidence_interval))
    return pd.DataFrame(found, columns=["lcz", "hours", "difference", "low", "high"])


def compare(folder: Path) -> list[tuple[str, float, float, str]]:
    """Each way, its seconds on the clock and of the processor, and the night's difference of LCZ 2 that it finds."""
    files, out = write_network(folder), folder / "out"
    rows = []
    for label, more in (("with figures", ()), ("without figures", ("--no-figures",))):
        clock, busy = _since(resource.RUSAGE_CHILDREN)
        lcz_uhi(*files, "--out", str(out), *more)
        seconds = _since(resource.RUSAGE_CHILDREN, clock, busy)
        parts = pd.read_csv(out / "subsets.csv").set_index(["subset", "lcz"])
        told = _told(*parts.loc[("night", 2), _COLUMNS])
        rows.append((f"lcz uhi --stations, {label}", *seconds, told))
    clock, busy = _since(resource.RUSAGE_SELF)
    table = pandas_and_scipy(*files).set_index(["hours", "lcz"])
    seconds = _since(resource.RUSAGE_SELF, clock, busy)
    told = _told(*table.loc[("night", 2)])
    return [*rows, ("pandas and scipy.stats.bootstrap", *seconds, told)]


def _since(who: int, clock: float = 0.0, busy: float = 0.0) -> tuple[float, float]:
    """Seconds on the clock, and of the processor by this process or its children."""
    used = resource.getrusage(who)
    return time.perf_counter() - clock, used.ru_utime + used.ru_stime - busy


_COLUMNS = ["difference", "ci_low", "ci_high"]


def _told(difference: float, low: float, high: float) -> str:
    return f"{difference:+.2f} ({low:+.2f} to {high:+.2f})"
