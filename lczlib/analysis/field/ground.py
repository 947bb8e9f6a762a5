"""The map under a field: zones, heights and distances of its pixels, and of the stations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy.spatial import cKDTree

from lczlib.analysis.field.covariance import Places
from lczlib.analysis.heat.air_units import some
from lczlib.analysis.heat.misplaced import points_on
from lczlib.errors import InputError
from lczlib.grid import check_projected, geobox_of, to_grid
from lczlib.terms import option

WATER = 17
_BLOCK = 20_000
"""Pixels that are predicted at once: some 50 MB with 150 stations."""
_PER = {"elevation": 100.0, "water": 1000.0, "coast": 1000.0}
"""Metres in the unit of a drift's coefficient: K per 100 m of height, K per km of distance."""
UNITS = {"elevation": "K per 100 m", "water": "K per km", "coast": "K per km"}


@dataclass(frozen=True)
class Ground:
    """A map with what the mean temperature changes with beside its zones.

    Attributes
    ----------
    lcz : DataArray (y, x)
        Codes 0..17 on a grid in metres.
    elevation : DataArray (y, x), optional
        m, on the same grid; NaN where not known.
    lapse_rate : float, optional
        K per m by which heights are taken off before all else; without, it is fitted.
    water : bool
        Whether the mean changes with the distance to LCZ G.
    coast : geometry, optional
        In the map's projection; the mean changes with the distance to it.
    """

    lcz: xr.DataArray
    elevation: xr.DataArray | None = None
    lapse_rate: float | None = None
    water: bool = False
    coast: shapely.Geometry | None = None
    _trees: dict[str, cKDTree] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        lcz: xr.DataArray,
        elevation: xr.DataArray | None = None,
        lapse_rate: float | None = None,
        *,
        water: bool = False,
        coast: gpd.GeoDataFrame | None = None,
    ) -> Ground:
        """The ground of a map; heights are brought to its grid (bilinear, or means of finer pixels).

        Raises
        ------
        GridError
            If the map is not in metres, or the elevation lies elsewhere.
        InputError
            If there is nothing to go by: a lapse rate without heights, no water, an empty coast.
        """
        box = check_projected(geobox_of(lcz, "LCZ map"), "LCZ map")
        if lapse_rate is not None and elevation is None:
            msg = f"A lapse rate needs the heights of the pixels: give {option('elevation')}."
            raise InputError(msg, parameter="lapse_rate")
        if elevation is not None:
            finer = _metres_of(elevation) < abs(box.affine.a)
            elevation = to_grid(elevation, box, "average" if finer else "bilinear")
        if water and not bool((np.asarray(lcz.data) == WATER).any()):
            msg = f"The map has no water (LCZ G) to be distant from: leave {option('water')} out."
            raise InputError(msg, parameter="water")
        shore = None
        if coast is not None:
            shore = shapely.union_all(coast.geometry.dropna().to_crs(box.crs).to_numpy())
            if shore.is_empty:
                msg = f"The coast holds no line or area: leave {option('coast')} out."
                raise InputError(msg, parameter="coast")
        return cls(lcz, elevation, lapse_rate, water, shore)

    @property
    def box(self) -> GeoBox:
        """The grid."""
        return geobox_of(self.lcz, "LCZ map")

    @property
    def drifts(self) -> tuple[str, ...]:
        """What the mean is a linear function of, beside the constant."""
        fitted = self.elevation is not None and self.lapse_rate is None
        named = {"elevation": fitted, "water": self.water, "coast": self.coast is not None}
        return tuple(n for n, used in named.items() if used)

    def stations(self, sites: gpd.GeoDataFrame, zones: pd.Series) -> tuple[Places, np.ndarray]:
        """Stations as places, and the part of their temperatures (n,) that a stated lapse rate takes off.

        Raises
        ------
        InputError
            If heights are needed and one is not known.
        """
        points = points_on(sites, self.box)
        x, y = points.x.to_numpy(), points.y.to_numpy()
        heights = sites["elevation"].to_numpy(float)
        if self.elevation is not None and not np.isfinite(heights).all():
            without = some([str(s) for s in sites.index[~np.isfinite(heights)]])
            msg = (
                f"No height is known of {without}: give an elevation raster that reaches them ({option('elevation')}), "
                "or leave these stations out."
            )
            raise InputError(msg, parameter="elevation")
        zone = zones.loc[sites.index].to_numpy(int)
        return Places(x, y, zone, self._drift(x, y, heights)), self._lapse(heights)

    def rows_of(self, pixels: int) -> int:
        """Rows of a block of so many pixels, or of as many as are predicted at once."""
        return max(1, min(pixels, _BLOCK) // self.lcz.shape[1])

    def blocks(self, step: int | None = None) -> Iterator[tuple[slice, Places, np.ndarray]]:
        """The map by `step` rows: which, their pixels as places, and the part of a stated lapse rate."""
        rows, columns = self.lcz.shape
        step = step or self.rows_of(_BLOCK)
        affine = self.box.affine
        for top in range(0, rows, step):
            part = slice(top, min(top + step, rows))
            row, column = np.mgrid[part, :columns]
            x, y = affine * (column.ravel() + 0.5, row.ravel() + 0.5)
            zone = np.asarray(self.lcz.data[part]).ravel().astype(int)
            heights = np.full(x.size, np.nan)
            if self.elevation is not None:
                heights = np.asarray(self.elevation.data[part], float).ravel()
            yield part, Places(x, y, zone, self._drift(x, y, heights)), self._lapse(heights)

    def _drift(self, x: np.ndarray, y: np.ndarray, heights: np.ndarray) -> np.ndarray:
        columns = [np.ones(x.size)]
        for name in self.drifts:
            metres = heights if name == "elevation" else self._distance(name, x, y)
            columns.append(metres / _PER[name])
        return np.column_stack(columns)

    def _lapse(self, heights: np.ndarray) -> np.ndarray:
        rate = self.lapse_rate
        return np.zeros(heights.size) if rate is None else -rate * heights

    def _distance(self, name: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if name == "coast":
            shapely.prepare(self.coast)
            return shapely.distance(shapely.points(x, y), self.coast)
        if name not in self._trees:
            row, column = np.nonzero(np.asarray(self.lcz.data) == WATER)
            self._trees[name] = cKDTree(
                np.column_stack(self.box.affine * (column + 0.5, row + 0.5))
            )
        return self._trees[name].query(np.column_stack([x, y]))[0]


def _metres_of(raster: xr.DataArray) -> float:
    """Edge of a pixel in metres, on the sphere where it is in degrees."""
    box = geobox_of(raster, "elevation raster")
    return abs(box.affine.a) * (111_320.0 if box.crs.geographic else 1.0)
