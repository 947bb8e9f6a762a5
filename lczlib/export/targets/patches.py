"""An LCZ map as polygons: its patches, each with class, area and certainty."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import rasterio.features
import shapely
import xarray as xr
from scipy import ndimage

from lczlib.classes import CLASSES, N_CLASSES
from lczlib.export.targets.names import name_of
from lczlib.grid import geobox_of, row_cell_areas


def without_small_patches(codes: np.ndarray, min_cells: int) -> np.ndarray:
    """Classes in which patches of fewer cells are given to their largest neighbour.

    Parameters
    ----------
    codes : array (y, x), uint8
        Classes 1..17, 0 = no data, which no patch is given to or taken from.
    min_cells : int
        Minimum mapping unit: smallest patch that stays, in cells that share an edge.

    Returns
    -------
    array (y, x), uint8
        A small patch that has no neighbour but no data stays (GDAL's sieve filter,
        https://gdal.org/programs/gdal_sieve.html).
    """
    if min_cells <= 1:
        return codes
    known = codes > 0
    # GDAL keeps a patch whose largest neighbour is small too for a later call
    for _ in range(100):
        sieved = rasterio.features.sieve(codes, min_cells, mask=known, connectivity=4)
        sieved = np.where(known, sieved, 0).astype(np.uint8)
        if np.array_equal(sieved, codes):
            break
        codes = sieved
    return codes


def lcz_patches(
    lcz: xr.DataArray, certainty: xr.DataArray | None = None, *, language: str = "en"
) -> gpd.GeoDataFrame:
    """The patches of a map: cells of one class that share an edge, as one polygon each.

    Parameters
    ----------
    lcz : DataArray (y, x)
        Codes 0..17.
    certainty : DataArray (y, x), optional
        0..1, NaN where not known, on the same grid.
    language : str
        Of the classes' names.

    Returns
    -------
    GeoDataFrame
        In the map's CRS, in the order of classes: ``lcz`` (1-17), ``code``, ``name``, ``n_cells``,
        ``area_km2`` (on the ellipsoid where the projection stretches areas), ``certainty`` (mean by area) and
        ``n_certainty`` (cells that it rests on). All geometries are valid polygons.
    """
    box = geobox_of(lcz, "LCZ map")
    codes = lcz.transpose("y", "x").values
    labels, lcz_of = _numbered(codes)
    found = rasterio.features.shapes(labels, mask=labels > 0, connectivity=4, transform=box.affine)
    pairs = [(int(number), shapely.geometry.shape(shape)) for shape, number in found]
    numbers = np.array([n for n, _ in pairs], np.int64)
    shapes = np.array([s for _, s in pairs], object)
    order = np.argsort(numbers, kind="stable")
    numbers, shapes = numbers[order], mended(shapes[order])
    areas = np.broadcast_to(row_cell_areas(box)[:, None], codes.shape)
    cells, area = _sums(labels, None), _sums(labels, areas)
    zones = [CLASSES[lcz_of[n] - 1] for n in numbers]
    table = {
        "lcz": np.array([z.number for z in zones], np.int32),
        "code": [z.code for z in zones],
        "name": [name_of(z, language) for z in zones],
        "n_cells": cells[numbers].astype(np.int64),
        "area_km2": area[numbers] / 1e6,
    }
    if certainty is not None:
        values = certainty.transpose("y", "x").values
        known = np.isfinite(values)
        weight = _sums(labels, np.where(known, areas, 0))
        total = _sums(labels, np.where(known, np.nan_to_num(values) * areas, 0))
        mean = np.divide(total, weight, out=np.full(len(total), np.nan), where=weight > 0)
        table |= {
            "certainty": mean[numbers],
            "n_certainty": _sums(labels, known)[numbers].astype(np.int64),
        }
    return gpd.GeoDataFrame(table, geometry=shapes, crs=str(box.crs))


def _numbered(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of each cell's patch, from 1, and the class of each number."""
    labels, lcz_of = np.zeros(codes.shape, np.int32), [0]
    for number in range(1, N_CLASSES + 1):
        own = codes == number
        if not own.any():
            continue
        part, n = ndimage.label(own)
        labels[own] = part[own] + len(lcz_of) - 1
        lcz_of += [number] * n
    return labels, np.array(lcz_of)


def _sums(labels: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    given = None if weights is None else np.asarray(weights, float).ravel()
    return np.bincount(labels.ravel(), weights=given)


def mended(shapes: np.ndarray) -> np.ndarray:
    """Outlines that touch or cross themselves, mended: a touch at a corner leaves the area as it is.

    Parameters
    ----------
    shapes : array of polygons
        Is changed.
    """
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    return shapes
