"""The demo city: everything a study needs, simulated from one seed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

from lczlib.errors import InputError
from lczlib.grid import lcz_grid, on_grid
from lczlib.maps import lcz_map
from lczlib.scenes.simulation import optical, radar, thermal
from lczlib.scenes.simulation.fabric import Fabric, build
from lczlib.scenes.simulation.fields import PIXEL
from lczlib.scenes.simulation.layout import CELL_PIXELS, draw_layout
from lczlib.scenes.simulation.materials import BANDS, SEASONS
from lczlib.scenes.simulation.references import draw_polygons

CRS = "EPSG:32631"
CORNER = (500_000.0, 5_780_000.0)
"""Upper left of a simulated scene: in the open North Sea, where no real city can be meant."""

ORBITS = tuple(radar.LOOK_AZIMUTH)
LATITUDE, LONGITUDE = 52.1, 3.1
SMALLEST_KM, LARGEST_KM = 2.0, 40.0
"""Below there is no room for a city; at 40 km it takes some 13 GB of memory."""
_SIMULATED = {"source": "simulated", "simulated": True}


@dataclass(frozen=True, repr=False, eq=False)
class DemoCity:
    """A simulated city. Everything it holds says so: ``attrs["simulated"]`` is True.

    Attributes
    ----------
    name : str
        Always holds the word "Simulated".
    seed : int
        What it was made from; the same seed and size give the same city.
    lcz : DataArray (y, x)
        True Local Climate Zones, 100 m, uint8 1..17.
    sentinel2 : dict of Dataset
        Per season (spring, summer, autumn, winter): B02 ... B12, top-of-atmosphere reflectance
        0-1, 10 m, float32, NaN under clouds.
    sentinel1 : dict of Dataset
        Per orbit (ascending, descending): ``VH_re VH_im VV_re VV_im``, single-look complex
        amplitude, linear; and the Lee-filtered covariance ``C11`` = <|VH|^2>,
        ``C12_re``, ``C12_im`` = <VH VV*>, ``C22`` = <|VV|^2>, linear.
    lst : Dataset
        Land surface temperature, variables day and night, 100 m, degC.
    elevation : DataArray (y, x)
        Metres, 100 m.
    water : DataArray (y, x)
        True share of each 10 m pixel under water, 0-1.
    stations : GeoDataFrame
        Thirty stations: station, lcz (true), elevation, geometry.
    air_temperature : DataFrame
        Hourly: time (UTC), station, air_temperature (degC).
    polygons : GeoDataFrame
        Reference polygons: id, lcz, name, geometry.
    lst_difference : Dataset
        Truth: surface temperature of each zone minus that of D, by day and night, K.
    air_difference : DataArray (lcz, hour)
        Truth: mean air temperature of each zone minus that of D by hour of day (UTC), K.
    """

    name: str
    seed: int
    lcz: xr.DataArray
    sentinel2: dict[str, xr.Dataset]
    sentinel1: dict[str, xr.Dataset]
    lst: xr.Dataset
    elevation: xr.DataArray
    water: xr.DataArray
    stations: gpd.GeoDataFrame
    air_temperature: pd.DataFrame
    polygons: gpd.GeoDataFrame
    lst_difference: xr.Dataset
    air_difference: xr.DataArray

    def __repr__(self) -> str:
        rows, cols = self.lcz.shape
        return f"<DemoCity {self.name!r}: {cols} x {rows} cells of 100 m, {len(self.polygons)} polygons>"


def simulate_city(
    size_km: float = 12.0, seed: int = 1, corner: tuple[float, float] = CORNER
) -> DemoCity:
    """Simulate a city: imagery, temperatures, references and the truth.

    Parameters
    ----------
    size_km : float
        Edge of the square scene in kilometres, 2 to 40; rounded to whole 100 m cells. From 8 km on
        each zone has patches enough for the interval of its heat island.
    seed : int
        0 or more. Another seed is another city.
    corner : tuple of float
        Easting and northing of its upper left corner in metres. Cities that are trained and tested on
        together lie apart, as real ones do: what overlaps is taken for one place.

    Raises
    ------
    InputError
        If size or seed are out of range.
    """
    if not SMALLEST_KM <= size_km <= LARGEST_KM:
        msg = f"A simulated city of {size_km} km cannot be made: choose {SMALLEST_KM:g} to {LARGEST_KM:g} km."
        raise InputError(msg)
    if seed < 0:
        msg = f"The seed {seed} is negative: choose 0 or more."
        raise InputError(msg)
    n = round(size_km * 1000 / PIXEL / CELL_PIXELS) * CELL_PIXELS
    rng = dict(
        zip(
            ("layout", "fabric", *SEASONS, *ORBITS, "lst", "stations", "polygons"),
            np.random.default_rng(seed).spawn(11),
            strict=True,
        )
    )
    box = GeoBox.from_bbox(
        (corner[0], corner[1] - n * PIXEL, corner[0] + n * PIXEL, corner[1]), CRS, resolution=PIXEL
    )
    grid = lcz_grid(box)
    plan = draw_layout(rng["layout"], n)
    fabric = build(rng["fabric"], plan)
    lcz = plan.lcz
    rows, cols = grid.shape
    cells = fabric.elevation.reshape(rows, CELL_PIXELS, cols, CELL_PIXELS).mean((1, 3))
    with ThreadPoolExecutor(2) as pool:  # each scene has its own random numbers, so order is free
        optical_scenes = [pool.submit(_sentinel2, rng[s], fabric, s, box) for s in SEASONS]
        radar_scenes = [pool.submit(_sentinel1, rng[o], fabric, o, box) for o in ORBITS]
    stations = thermal.place_stations(rng["stations"], lcz, cells, grid)
    offset = LONGITUDE / 15
    return DemoCity(
        name=f"Simulated {size_km:g} km, seed {seed}",
        seed=seed,
        lcz=lcz_map(on_grid(lcz, grid), **_SIMULATED),
        sentinel2={s: f.result() for s, f in zip(SEASONS, optical_scenes, strict=True)},
        sentinel1={o: f.result() for o, f in zip(ORBITS, radar_scenes, strict=True)},
        lst=thermal.surface_temperature(rng["lst"], lcz, cells, grid),
        elevation=on_grid(
            cells,
            grid,
            name="elevation",
            attrs={"units": "m", "long_name": "elevation", **_SIMULATED},
        ),
        water=on_grid(
            1 - fabric.land,
            box,
            name="water",
            attrs={"units": "1", "long_name": "share under water", **_SIMULATED},
        ),
        stations=stations,
        air_temperature=thermal.air_temperature(rng["stations"], stations, offset),
        polygons=draw_polygons(rng["polygons"], plan, box),
        lst_difference=thermal.true_surface_difference(),
        air_difference=thermal.true_air_difference(offset),
    )


def _sentinel2(rng: np.random.Generator, fabric: Fabric, season: str, box: GeoBox) -> xr.Dataset:
    values, facts = optical.observe(rng, fabric, season, LATITUDE)
    bands = {
        band: on_grid(values[i], box, attrs={"units": "1", "long_name": f"{band} reflectance"})
        for i, band in enumerate(BANDS)
    }
    attrs = {
        "sensor": "Sentinel-2", "level": "L1C, top of atmosphere", "season": season, "units": "1",
        **facts, **_SIMULATED,
    }  # fmt: skip
    return xr.Dataset(bands, attrs=attrs)


def _sentinel1(rng: np.random.Generator, fabric: Fabric, orbit: str, box: GeoBox) -> xr.Dataset:
    vh, vv, covariance = radar.observe(rng, fabric, orbit)
    names = ("C11", "C12_re", "C12_im", "C22")
    layers = {"VH_re": vh.real, "VH_im": vh.imag, "VV_re": vv.real, "VV_im": vv.imag}
    layers |= dict(zip(names, covariance, strict=True))
    bands = {
        name: on_grid(
            np.ascontiguousarray(values, np.float32),
            box,
            attrs={
                "units": "1",
                "long_name": "Lee-filtered covariance" if name in names else "amplitude",
            },
        )
        for name, values in layers.items()
    }
    attrs = {
        "sensor": "Sentinel-1", "level": "single-look complex, linear", "orbit": orbit,
        "date": radar.DATE, "units": "1", **_SIMULATED,
    }  # fmt: skip
    return xr.Dataset(bands, attrs=attrs)
