"""Fields of air temperature: simulated cities, Berlin's stations, a month of hours on 40 x 40 km.

python benchmarks/field.py [--cities 40] [--berlin FILE] [--write benchmarks/results/field.md]
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy import ndimage

from lczlib.analysis.field.ground import Ground
from lczlib.analysis.field.model import fit_field
from lczlib.analysis.field.options import PeriodOptions
from lczlib.analysis.field.validation import Validation, cross_validate
from lczlib.analysis.heat.stations import read_stations
from lczlib.grid import on_grid
from lczlib.jobs.field_files import write_hours

CRS = "EPSG:32633"
NAMES = {"lcz_kriging": "with zones", "ordinary_kriging": "ordinary kriging", "mean": "mean"}
BERLIN = {
    "airportthf": 14, "airporttxl": 14, "albrecht": 5, "bamberger": 2, "baruth": 14, "berge": 14,
    "brandenburg": 14, "buch": 14, "dahlem": 6, "dahlemerfeld": 14, "dessauer": 5, "jagen91": 11,
    "kaniswall": 14, "koepenick": 6, "lindenberg": 14, "marzahn": 14, "muencheberg": 14, "neuruppin": 14,
    "potsdam": 14, "rothenburg": 6, "spandauer": 5, "tiergarten": 12, "zehdenick": 14,
}  # fmt: skip
"""Classes by hand, from the stations' names and what is generally known of their sites. No map that covers them is
at hand, and nobody checked them on the ground: some may be wrong."""


@dataclass
class City:
    """Map, temperatures, stations and their classes."""

    lcz: xr.DataArray
    air: pd.DataFrame
    sites: gpd.GeoDataFrame
    zones: pd.Series


def simulated(n: int, seed: int, *, size: int = 200, hours: int = 24, zones: float = 1.2) -> City:
    """A city of nine zones in patches of some 2 km, stations at random.

    Effects of zones 1.2 K, a smooth field of 0.6 K over some 4 km, 0.4 K of a station's own (standard
    deviations): what is known of night-time canopy heat islands in flat cities, in round numbers.
    """
    rng = np.random.default_rng(seed)
    parts = [ndimage.gaussian_filter(rng.normal(size=(size, size)), 8) for _ in range(10)]
    codes = np.array([2, 3, 5, 6, 8, 9, 11, 14, 4])
    zone = codes[np.stack(parts[:9]).argmax(axis=0)]
    effects = rng.normal(0, zones, 18)
    near = ndimage.gaussian_filter(rng.normal(size=(size, size)), 15)
    near *= 0.6 / near.std()
    row, column = rng.integers(0, size, (2, n))
    box = GeoBox.from_bbox(
        (4e5, 58e5, 4e5 + size * 100, 58e5 + size * 100), crs=CRS, resolution=100
    )
    x, y = box.affine * (column + 0.5, row + 0.5)
    points = gpd.GeoSeries(gpd.points_from_xy(x, y), crs=CRS).to_crs(4326)
    names = [f"s{i}" for i in range(n)]
    sites = gpd.GeoDataFrame(
        {"elevation": np.nan, "lcz": 0}, geometry=points.values, index=names, crs=4326
    )
    times = pd.date_range("2021-07-01", periods=hours, freq="h", tz="UTC")
    clock = times.hour.to_numpy() / 24 * 2 * np.pi
    pattern = effects[zone[row, column]] + near[row, column] + rng.normal(0, 0.4, n)
    air = 18 - 6 * np.cos(clock - 0.8)[:, None] + (1 + 0.4 * np.cos(clock))[:, None] * pattern
    air = air + rng.normal(0, 0.2, (hours, n))
    air = pd.DataFrame(air, times, names)
    return City(
        on_grid(zone.astype(np.uint8), box), air, sites, pd.Series(zone[row, column], names)
    )


def cities(most: int) -> list[str]:
    """Leave-one-out over simulated cities: RMSE, coverage, and the ratio to ordinary kriging."""
    out = [
        "| stations | RMSE with zones (K) | ordinary kriging | mean | ratio to ordinary kriging (95 %) | to the mean "
        "(95 %) | cities where zones are better | in the 95 % interval (n) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    rng = np.random.default_rng(0)
    for n, share in ((20, 1.0), (60, 1.0), (150, 0.5)):
        rows, within, total = [], 0, 0
        n_cities = max(2, round(share * most))
        for seed in range(n_cities):
            city = simulated(n, 1000 * n + seed)
            found = fit_field(city.air, city.sites, city.zones, Ground.of(city.lcz))
            scores = cross_validate(found, designs=("station",))
            rows.append([scores.score("station", m)["rmse"] for m in NAMES])
            own = scores.score("station", "lcz_kriging")
            within, total = within + round(own["coverage"] * own["n"]), total + int(own["n"])
        squares = np.array(rows) ** 2
        picks = rng.multinomial(n_cities, np.full(n_cities, 1 / n_cities), 2000)
        drawn = np.sqrt(picks @ squares / n_cities)
        mean = np.sqrt(squares.mean(axis=0))
        told = []
        for j in (1, 2):
            low, high = np.quantile(drawn[:, 0] / drawn[:, j], [0.025, 0.975])
            told.append(f"{mean[0] / mean[j]:.2f} ({low:.2f} to {high:.2f})")
        better = int((squares[:, 0] < squares[:, 1]).sum())
        out.append(
            f"| {n} | {mean[0]:.2f} | {mean[1]:.2f} | {mean[2]:.2f} | {told[0]} | {told[1]} | "
            f"{better} of {n_cities} | {within / total:.1%} ({total:,}) |"
        )
        print(out[-1], flush=True)
    return out


def scores_table(found: Validation) -> list[str]:
    out = [
        "| left out | predicted by | RMSE (95 %) | bias | in the 95 % interval | n | stations |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for _, r in found.scores.iterrows():
        out.append(
            f"| {r['design']} | {NAMES.get(r['method'], r['method'])} | {r['rmse']:.2f} ({r['rmse_low']:.2f} to "
            f"{r['rmse_high']:.2f}) | {r['bias']:+.2f} | {r['coverage']:.0%} | {r['n']:,} | {r['n_stations']} |"
        )
    return out


def berlin(path: Path) -> list[str]:
    """The same table of 23 real stations; their classes by hand, the ground a map without water."""
    data = read_stations(path, time_zone="UTC")
    zones = pd.Series(BERLIN)[data.air.columns]
    points = data.sites.to_crs(CRS).geometry
    west, south, east, north = points.total_bounds
    box = GeoBox.from_bbox(
        (west - 1e3, south - 1e3, east + 1e3, north + 1e3), crs=CRS, resolution=500
    )
    ground = Ground.of(on_grid(np.full(box.shape, 14, np.uint8), box))
    out = []
    for hours, name in (("night", "Nights"), ("day", "Days")):
        found = fit_field(
            data.air,
            data.sites,
            zones,
            ground,
            period=PeriodOptions(hours=hours, start="2019-01-01"),
        )
        validation = cross_validate(found)
        c = found.covariances[-1]
        ratio = "{:.2f} ({:.2f} to {:.2f})".format(*validation.ratio)
        out += [
            f"### {name} ({len(found.sample.air):,} hours, mean)", "", *scores_table(validation), "",
            f"Ratio of the RMSE to that of ordinary kriging, one station left out: {ratio}. Standard deviations: "
            f"zones {np.sqrt(c.zones):.2f} K, neighbourhood {np.sqrt(c.sill):.2f} K over {c.range / 1000:.0f} km, "
            f"station alone {np.sqrt(c.nugget):.2f} K.", "",
        ]  # fmt: skip
        print("\n".join(out[-12:]), flush=True)
    return out


def month(gaps: float) -> str:
    """A month of hours on 40 x 40 km at 100 m: seconds, and the most memory that the process took."""
    city = simulated(60, 7, size=400, hours=31 * 24)
    rng = np.random.default_rng(1)
    air = city.air.mask(rng.random(city.air.shape) < gaps)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with tempfile.TemporaryDirectory() as folder:
        begun, cpu = time.perf_counter(), time.process_time()
        found = fit_field(air, city.sites, city.zones, Ground.of(city.lcz), hourly=True)
        path = write_hours(Path(folder) / "field.nc", found)
        took, used = time.perf_counter() - begun, time.process_time() - cpu
        size = path.stat().st_size / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"| {gaps:.0%} | {len(air)} | 400 x 400 | 60 | {took:.0f} | {used:.0f} | {peak:.0f} | "
        f"{before:.0f} | {size:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cities", type=int, default=40)
    parser.add_argument("--berlin", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--month", type=float, help="only the month, with this share of gaps")
    given = parser.parse_args()
    if given.month is not None:
        print(month(given.month))
        return
    import subprocess

    out = [
        "# Fields of air temperature", "", f"`python benchmarks/field.py --cities {given.cities} --berlin FILE`", "",
        "## Simulated cities", "",
        f"{given.cities} cities (half as many with 150 stations) of 20 x 20 km with nine zones: effects of zones "
        "1.2 K, a smooth field of 0.6 K, 0.4 K of a station's own (standard deviations). One station "
        "left out; classes of stations are the map's.", "",
        *cities(given.cities), "",
    ]  # fmt: skip
    if given.berlin:
        out += [
            "## Berlin, 23 stations, 2019-2020", "",
            "Classes by hand, not checked on the ground (table in the program): no map at hand covers the stations, "
            "which lie up to 100 km apart. No heights are stated in the file.", "", *berlin(given.berlin),
        ]  # fmt: skip
    out += [
        "## A month of hours on 40 x 40 km at 100 m", "",
        "Fitted, predicted and written as NetCDF with its standard error, one thread, a process of its own.", "",
        "| gaps in the records | hours | pixels | stations | seconds | of the processor | most memory (MB) | before "
        "(MB) | file (MB) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for gaps in ("0", "0.02"):
        done = subprocess.run(
            [sys.executable, __file__, "--month", gaps], capture_output=True, text=True, check=True
        )
        out.append(done.stdout.strip())
        print(out[-1], flush=True)
    text = "\n".join(out) + "\n"
    if given.write:
        given.write.write_text(text)


if __name__ == "__main__":
    main()
