"""Rasters of surface temperature in a place's folder: a band a date, and the median of the dates beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from lczlib.acquire.lst_products import Thermometer
from lczlib.export.geotiff import write_raster
from lczlib.rasters import open_raster

if TYPE_CHECKING:
    from lczlib.acquire.lst import LstPass
    from lczlib.acquire.pass_work import PassWork

WORK = ".get-lst"
"""Folder in the result's that keeps passes until the result is written."""
_STRIPS = {"band": -1, "y": 256, "x": -1}


def stem_of(product: Thermometer, season: str, alone: bool) -> str:
    """How the files of a product and a period begin: ``lst``; of several periods ``lst_summer``."""
    return product.stem if alone else f"{product.stem}_{season}"


def names_of(stem: str, overpasses: Sequence[str]) -> list[str]:
    """The files of a product and a period: dates, uncertainty; of each overpass median and count."""
    night = [f"_{o}" if o == "night" else "" for o in overpasses]
    parts = ["", "_uncertainty", *(f"{n}_{what}" for n in night for what in ("median", "count"))]
    return [f"{stem}{part}.tif" for part in parts]


def dates_of(passes: Sequence[LstPass], work: PassWork[LstPass], suffix: str = "") -> xr.DataArray:
    """Passes (band, y, x) as stored, read when they are needed; `suffix` names the layer."""
    layers = [
        open_raster(work.raster(f"{p.name}{suffix}"), "date", chunks={"band": 1, "y": 256, "x": -1})
        for p in passes
    ]
    whole = xr.concat([d.drop_vars("band", errors="ignore") for d in layers], "band")
    return whole.assign_coords(band=np.arange(1, len(layers) + 1))


def write_dates(
    folder: Path,
    stem: str,
    passes: Sequence[LstPass],
    work: PassWork[LstPass],
    tags: Mapping[str, str],
    band_tags: Sequence[Mapping[str, str]],
) -> list[str]:
    """Write the dates of a product and a period, and their uncertainty: a band each, with its time.

    Returns
    -------
    list of str
        The files' names.
    """
    product = passes[0].thermometer
    names = [f"{p.time:%Y-%m-%dT%H:%MZ} {p.satellite}" for p in passes]
    about = {
        "quantity": "land surface temperature", "product": product.title, "CLOUDS_REMOVED": product.clouds,
        **tags,
    }  # fmt: skip
    write_raster(
        folder / f"{stem}.tif", dates_of(passes, work), nodata=product.nodata, descriptions=names, tags=about,
        scale=product.scale, offset=product.offset, unit="K", band_tags=band_tags,
    )  # fmt: skip
    write_raster(
        folder / f"{stem}_uncertainty.tif", dates_of(passes, work, "_uncertainty"), nodata=product.error_nodata,
        descriptions=names, tags={**about, "quantity": "uncertainty of land surface temperature"},
        scale=product.error_scale, unit="K", band_tags=band_tags,
    )  # fmt: skip
    return [f"{stem}.tif", f"{stem}_uncertainty.tif"]


def write_median(
    folder: Path,
    stem: str,
    overpass: str,
    passes: Sequence[LstPass],
    work: PassWork[LstPass],
    tags: Mapping[str, str],
) -> tuple[list[str], dict[str, Any]]:
    """Write the median of the dates of an overpass, and on how many dates a pixel is valid.

    Returns
    -------
    list of str
        The files' names.
    dict
        Fewest, median and most dates of a pixel, and the share of pixels without one.
    """
    import dask.array as da

    product = passes[0].thermometer
    dates = dates_of(passes, work).chunk(_STRIPS)
    grid = dates.isel(band=0, drop=True)
    middle = da.map_blocks(_median, dates.data, product, drop_axis=0, dtype=product.dtype)
    count = da.map_blocks(_count, dates.data, product, drop_axis=0, dtype="uint16")
    begin = f"{stem}{'_night' if overpass == 'night' else ''}"
    about = {
        "quantity": "land surface temperature", "product": product.title,
        "CLOUDS_REMOVED": f"{product.clouds}, on each of its dates",
        "dates": " ".join(f"{p.time:%Y-%m-%dT%H:%MZ}" for p in passes), **tags,
    }  # fmt: skip
    write_raster(
        folder / f"{begin}_median.tif", grid.copy(data=middle), nodata=product.nodata, descriptions=[overpass],
        tags=about, scale=product.scale, offset=product.offset, unit="K",
    )  # fmt: skip
    counts = grid.copy(data=count.compute())
    told = {"description": f"dates ({overpass}) on which the pixel has a surface temperature"}
    write_raster(
        folder / f"{begin}_count.tif", counts.rio.write_nodata(None), descriptions=["dates"], tags=told
    )  # fmt: skip
    n = counts.values
    share = float((n == 0).mean())
    facts = {
        "min": int(n.min()),
        "median": float(np.median(n)),
        "max": int(n.max()),
        "share_without": share,
    }
    return [f"{begin}_median.tif", f"{begin}_count.tif"], facts


def _missing(dates: np.ndarray, product: Thermometer) -> np.ndarray:
    return np.isnan(dates) if np.isnan(product.nodata) else dates == product.nodata


def _count(dates: np.ndarray, product: Thermometer) -> np.ndarray:
    return (~_missing(dates, product)).sum(axis=0).astype(np.uint16)


def _median(dates: np.ndarray, product: Thermometer) -> np.ndarray:
    """Median of the stored values of each pixel: of an even number the mean of the middle two."""
    gone = _missing(dates, product)
    n = dates.shape[0] - gone.sum(axis=0)
    ordered = np.sort(np.where(gone, np.inf, dates), axis=0)  # what is missing comes last
    pick = [np.maximum(at, 0)[None] for at in ((n - 1) // 2, n // 2)]
    low, high = (np.take_along_axis(ordered, at.clip(0, len(dates) - 1), axis=0)[0] for at in pick)
    known = n > 0
    middle = (np.where(known, low, 0) + np.where(known, high, 0)) / 2
    whole = middle if product.dtype.startswith("float") else np.rint(middle)
    return np.where(known, whole, product.nodata).astype(product.dtype)
