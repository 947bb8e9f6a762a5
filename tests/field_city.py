"""A simulated city with stations whose temperatures are known to the last part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy import ndimage

from lczlib.export.geotiff import write_lcz_map, write_raster
from lczlib.grid import on_grid

CRS = "EPSG:32633"


@dataclass(frozen=True)
class City:
    """Map, heights, stations, their temperatures, and the effects (K, by LCZ number) behind them."""

    lcz: xr.DataArray
    elevation: xr.DataArray
    air: pd.DataFrame
    sites: gpd.GeoDataFrame
    zones: pd.Series
    effects: np.ndarray
    box: GeoBox

    def box_in_degrees(self) -> GeoBox:
        height, width = self.box.shape
        return GeoBox.from_bbox((13.0, 52.0, 13.1, 52.1), crs="EPSG:4326", shape=(height, width))

    def write(self, folder: Path) -> Path:
        """``map.tif``, ``dem.tif`` and ``air.csv`` in a folder."""
        write_lcz_map(folder / "map.tif", self.lcz)
        write_raster(folder / "dem.tif", self.elevation, tags={"units": "m"})
        long = self.air.rename_axis("time").reset_index()
        long = long.melt("time", var_name="station", value_name="temperature").dropna()
        long["latitude"] = long["station"].map(self.sites.geometry.y)
        long["longitude"] = long["station"].map(self.sites.geometry.x)
        long["time"] = long["time"].dt.strftime("%Y-%m-%d %H:%M")
        long.to_csv(folder / "air.csv", index=False)
        return folder


def simulated(
    n: int, seed: int, *, days: int = 5, size: int = 100, lapse: float = 0.0, zones: float = 1.2
) -> City:
    """A city of seven zones, `size` pixels of 100 m a side.

    A station's temperature is weather + pattern x (1 at noon, 2 at midnight) + noise; the pattern is the
    effect of its zone (standard deviation `zones`), a smooth field (0.5 K over some 2 km), what is its own
    (0.3 K), and its height times `lapse`.
    """
    rng = np.random.default_rng(seed)
    smooth = [ndimage.gaussian_filter(rng.normal(size=(size, size)), 6) for _ in range(9)]
    zone = np.stack(smooth[:7]).argmax(axis=0) + 1
    zone[zone == 7] = 14
    box = GeoBox.from_bbox(
        (4e5, 58e5, 4e5 + size * 100, 58e5 + size * 100), crs=CRS, resolution=100
    )
    effects = rng.normal(0, zones, 18)
    near = 0.5 * smooth[7] / smooth[7].std()
    height = 60 + 40 * smooth[8] / smooth[8].std()
    row, column = rng.integers(0, size, (2, n))
    x, y = box.affine * (column + 0.5, row + 0.5)
    points = gpd.GeoSeries(gpd.points_from_xy(x, y), crs=CRS).to_crs(4326)
    names = [f"s{i}" for i in range(n)]
    sites = gpd.GeoDataFrame(
        {"elevation": height[row, column], "lcz": 0}, geometry=points.values, index=names, crs=4326
    )
    times = pd.date_range("2021-07-01", periods=days * 24, freq="h", tz="UTC")
    clock = times.hour.to_numpy() / 24 * 2 * np.pi
    weather = 18 - 6 * np.cos(clock - 0.8) + np.repeat(rng.normal(0, 3, days), 24)
    pattern = effects[zone[row, column]] + near[row, column] + rng.normal(0, 0.3, n)
    air = weather[:, None] + (1.5 + 0.5 * np.cos(clock))[:, None] * pattern / 1.5
    air = air - lapse * height[row, column] + rng.normal(0, 0.2, (len(times), n))
    air = pd.DataFrame(air, times, names).mask(rng.random((len(times), n)) < 0.01)
    lcz = on_grid(zone.astype(np.uint8), box)
    dem = on_grid(height.astype(np.float32), box, attrs={"units": "m"})
    return City(lcz, dem, air, sites, pd.Series(zone[row, column], names), effects, box)
