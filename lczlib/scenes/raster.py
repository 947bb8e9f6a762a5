"""Scenes of other sensors: any raster whose bands have names, for networks trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.ndimage import binary_erosion

from lczlib.errors import InputError
from lczlib.grid import geobox_of
from lczlib.rasters import band_names, layer_of, missing_values, open_raster
from lczlib.reading import Reading, counted, share, tell
from lczlib.scenes.image_days import ImageDay, find_day
from lczlib.scenes.landsat import day_in_name, numbers_of
from lczlib.scenes.look import Look, look_at


def open_raster_scene(
    path: str | Path,
    *,
    sensor: str = "",
    bands: Sequence[str] | None = None,
    scale: float | None = None,
    offset: float | None = None,
    nodata: float | None = None,
    chunk: int = 512,
) -> xr.Dataset:
    """Open a raster as a scene with one variable a band, values as stored unless scaled, lazily.

    Parameters
    ----------
    path : path
        Raster, for example a Landsat composite.
    sensor : str
        What the scene's ``sensor`` attribute shall say.
    bands : sequence of str, optional
        Names in file order; by default the file's own, or ``band_1`` and on.
    scale, offset : float, optional
        Value = (stored + offset) x scale; by default each band's own scale and offset.
    nodata : float, optional
        Stored value of missing pixels, beside the file's own; it counts in each band, and pixels that
        the file masks are missing in all.
    chunk : int
        Edge of the dask chunks, in pixels.

    Returns
    -------
    Dataset
        Bands (y, x) float32, dask-backed, NaN where missing.

    Raises
    ------
    InputError, GridError
        If the file cannot be read, the names do not fit, or there is no CRS.
    """
    raw = open_raster(path, chunks={"band": -1, "y": chunk, "x": chunk})
    geobox_of(raw, f"raster {path}")
    look = look_at(raw)
    simulated = look.tags.get("lczlib_simulated", "no") == "yes"
    own = [n or f"band_{i}" for i, n in enumerate(band_names(raw), 1)]
    names = list(bands or own)
    if len(names) != raw.sizes["band"] or len(set(names)) != len(names):
        msg = f"{path} has {raw.sizes['band']} bands; {len(set(names))} different names were given."
        raise InputError(msg)
    factors = np.array(raw.attrs["scales"]) if scale is None else np.full(len(names), scale)
    terms = (offset or 0.0) * factors
    if scale is None and offset is None:
        terms = np.array(raw.attrs["offsets"])
    fills = missing_values(raw, nodata)
    layers = {}
    for i, name in enumerate(names):
        stored = layer_of(raw, i)
        values = stored.astype(np.float32) * np.float32(factors[i]) + np.float32(terms[i])
        for fill in fills:
            values = values.where(stored != fill)
        layers[name] = values
    out = xr.Dataset(layers)
    plain = bool((factors == 1).all() and not terms.any() and scale is None and offset is None)
    numbers = numbers_of(path, sensor, names, look.sample, fills) if plain else ""
    taken = find_day(path, look.tags, day_in_name(path))
    out.attrs = {
        "sensor": sensor, "units": "as stored", "level": "", **taken.attrs, "numbers": numbers,
        "source": str(path), "files": [str(path)], "simulated": simulated,
    }  # fmt: skip
    by = "as given" if bands else "by their names"
    _tell(path, names, factors, terms, fills, look, by=by, taken=taken)
    return out


def _tell(
    path: str | Path,
    names: Sequence[str],
    factors: np.ndarray,
    terms: np.ndarray,
    fills: Sequence[float],
    look: Look,
    *,
    by: str,
    taken: ImageDay,
) -> None:
    scaled = [
        f"{name} x {f:g} {t:+g}"
        for name, f, t in zip(names, factors, terms, strict=True)
        if (f, t) != (1, 0)
    ]
    alike = len(set(zip(factors, terms, strict=True))) == 1
    held = np.isin(look.sample, fills)
    if look.sample.dtype.kind == "f":
        held |= np.isnan(look.sample)
    size, valid, missing = held[0].size, int((~held).all(0).sum()), int(held.all(0).sum())
    of = counted(size, "pixel")
    of += f" (one in {look.step} x {look.step} looked at)" if look.step > 1 else ""
    stated = (
        f"no data: {', '.join(f'{v:g}' for v in fills)}" if fills else "no no-data value stated"
    )
    said = (
        f"{counted(len(names), 'band')} {by} ({', '.join(names[:13])})",
        (f"scale {factors[0]:g}, offset {terms[0]:g}" if alike else f"scaled: {', '.join(scaled)}")
        if scaled
        else "values as stored",
        *([taken.said] if taken.day else []),
        stated,
        f"{share(valid, size)} of {of} valid in all bands, {share(missing, size)} without data in any",
    )
    facts = {
        "bands": list(names), "scale": factors, "offset": terms, "no_data": list(fills),
        "pixels": {"looked_at": size, "every": look.step, "valid": valid, "missing": missing},
    }  # fmt: skip
    tell(Reading("raster", str(path), said, taken.cautions, facts))


def without_fringe(scene: xr.Dataset, pixels: int = 2) -> xr.Dataset:
    """A scene without the pixels beside missing ones, which resampling has mixed with no data.

    Parameters
    ----------
    scene : Dataset
        Bands (y, x), NaN missing; a pixel that is missing in one band is taken as missing in all.
    pixels : int
        Width of the fringe. The edge of the raster itself is no fringe.
    """
    valid = scene.to_array("band").notnull().all("band").compute()
    kept = valid
    if pixels > 0:
        kept = valid.copy(
            data=binary_erosion(valid.values, np.ones((3, 3)), iterations=pixels, border_value=1)
        )
    return scene.where(kept)
