"""Sentinel-2 scenes: any raster or product of a city as reflectance (0-1), one variable per band.

DN become reflectance by 1/10,000 (Sentinel-2 Products Specification Document, section on
quantification value). What is taken for granted is told (`lczlib.reading`): which bands, by what; scale
and offset, by what; how many pixels are missing, and why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from lczlib.errors import InputError
from lczlib.grid import geobox_of
from lczlib.rasters import band_names, missing_values, open_raster, variables_of
from lczlib.reading import Reading, counted, share, tell
from lczlib.scenes.band_order import check_order
from lczlib.scenes.bands import BANDS, find_bands
from lczlib.scenes.baseline import BASELINE_OFFSET, ProductName, named_product
from lczlib.scenes.classification import UNCLEAR, classification_of, hides_land
from lczlib.scenes.fills import Fills, find_constants, part_constants
from lczlib.scenes.image_days import find_day
from lczlib.scenes.look import look_at
from lczlib.scenes.optical import scene_of
from lczlib.scenes.safe import find_product, open_product
from lczlib.scenes.scaling import QUANTIFICATION, Scaling, find_scaling
from lczlib.terms import option

COMPOSITE_TAG = "LCZLIB_COMPOSITE"
"""What composites of ``lcz get`` say of how they were made, beside their level and median date."""

_CLOUD_LAYERS = (
    "scl", "qa60", "cldprb", "clm", "clp", "cloud", "cloud_mask", "cloudmask", "cloud mask", "fmask",
    "msk_cldprb", "scene_classification",
)  # fmt: skip


def open_sentinel2(
    path: str | Path,
    *,
    bands: Sequence[str] | None = None,
    scale: float | None = None,
    offset: float | None = None,
    nodata: float | None = None,
    keep_clouds: bool = False,
    chunk: int = 512,
) -> xr.Dataset:
    """Open a Sentinel-2 raster or product as reflectance, lazily.

    Parameters
    ----------
    path : path
        Raster with 10, 12 or 13 Sentinel-2 bands, or more with names; or a product as ESA delivers
        it (see `lczlib.scenes.open_product`).
    bands : sequence of str, optional
        Band names in file order, where the file does not name them; ``-`` for a band that is not
        used. Without names, files of 10, 12 and 13 bands are taken in order of wavelength, if their
        values agree with that.
    scale : float, optional
        Reflectance per stored unit; by default the file's own scale of each band, 1e-4 for DN
        (integers, or floats in the thousands) and 1 for values that already are reflectance.
    offset : float, optional
        DN offset to add before scaling: -1000 for products of baseline 04.00 and later whose
        offset is still in, 0 for none. By default what metadata or the product's name say.
    nodata : float, optional
        Stored value of missing pixels, beside the file's own. A pixel is missing where all its bands
        hold such a value or 0 (the products' no-data value), where the file masks it, and in blocks
        of one value in all bands.
    keep_clouds : bool
        Of a surface product, or a raster with a band ``SCL``: keep what the scene classification calls
        cloud, shadow or snow.
    chunk : int
        Edge of the dask chunks, in pixels.

    Returns
    -------
    Dataset
        ``B02 .. B12`` (y, x) float32, dask-backed, NaN where missing; attrs ``sensor``, ``level``,
        ``units``, ``date``, ``source``, ``offset_removed``.

    Raises
    ------
    InputError, GridError
        If bands or units are uncertain, there is no CRS, or the file cannot be read.
    """
    if find_product(path):
        if bands or scale is not None or offset is not None or nodata is not None:
            msg = (
                f"{path} is a product, whose metadata name its bands, scale, offset and no-data value: "
                f"leave out {option('bands')}, {option('scale')}, {option('offset')} and {option('nodata')}."
            )
            raise InputError(msg)
        return open_product(path, keep_clouds=keep_clouds)
    return _raster_scene(
        path, bands=bands, scale=scale, offset=offset, nodata=nodata, keep_clouds=keep_clouds, chunk=chunk
    )  # fmt: skip


def _raster_scene(
    path: str | Path,
    *,
    bands: Sequence[str] | None,
    scale: float | None,
    offset: float | None,
    nodata: float | None,
    keep_clouds: bool,
    chunk: int,
) -> xr.Dataset:
    """A raster as reflectance, with what is taken for granted told."""
    _refuse_variables(path)
    raw = open_raster(path, "Sentinel-2 raster", chunks={"band": -1, "y": chunk, "x": chunk})
    geobox_of(raw, f"Sentinel-2 raster {path}")
    look = look_at(raw)
    product = named_product(path, look.tags)
    classes = classification_of(band_names(raw), look.sample)
    names = ["" if i == classes else n for i, n in enumerate(band_names(raw))]
    found = find_bands(path, names, bands)
    index = list(found.index)
    stored, edges = look.sample[index], [e[index] for e in look.edges]
    declared = missing_values(raw, nodata)
    constants, coarse = find_constants(stored, look.step, edges, declared)
    fills = Fills(declared, constants)
    masks = fills.masks(stored)
    unclear = {} if classes is None else _unclear(look.sample[classes], masks)
    codes = () if classes is None or keep_clouds else tuple(UNCLEAR)
    if codes:
        masks |= unclear
    valid = ~np.any(list(masks.values()), axis=0)
    flat = stored[:, valid & np.isfinite(stored).all(0)].astype(np.float64)
    _check_content(path, flat, masks, offset)
    if found.known_by == "order":
        check_order(path, flat, raw.sizes["band"])
    scaling, told = find_scaling(
        path, raw, index, flat, scale=scale, offset=offset, tags=look.tags, product=product
    )
    reflectance = raw.data.map_blocks(
        _to_reflectance, index, scaling, fills, classes or 0, codes, dtype=np.float32,
        chunks=((len(BANDS),), *raw.data.chunks[1:]),
    )  # fmt: skip
    level, level_by = _level(look.tags, path, product)
    taken = find_day(path, look.tags, product.date if product else "")
    out = scene_of(reflectance, raw.isel(band=0, drop=True))
    out.attrs |= {
        "level": level,
        **taken.attrs,
        "source": str(path),
        "files": [str(path)],
        "offset_removed": bool((scaling.term < 0).any()),
        **{k: told.facts[k] for k in ("scale", "offset") if isinstance(told.facts["scale"], float)},
        "simulated": look.tags.get("lczlib_simulated", "no") == "yes",
    }
    if COMPOSITE_TAG.lower() in look.tags:  # made here, of products whose level is known
        out.attrs["level_certain"] = True
    if look.masked:  # what the mask hides holds the file's no-data value by now
        masks = {("masked or no data" if k == "no data" else k): m for k, m in masks.items()}
    part_said, part_cautions = part_constants(stored, valid, look.step, scaling)
    cautions = (
        *told.cautions, *taken.cautions, *(f"{path}: {c}" for c in part_cautions),
        *_doubts(path, names if classes is None else [], coarse=coarse),
    )  # fmt: skip
    said = (
        found.said, *told.said, f"level {level}, {level_by}" if level else "level not stated",
        taken.said,
        *_pixels_said(masks, look.step), *_kept_said(unclear if keep_clouds else {}), *part_said,
    )  # fmt: skip
    facts = {
        "bands_by": found.known_by, **told.facts, "level": level, "date": out.attrs["date"],
        "pixels": _pixels(masks, look.step),
    }  # fmt: skip
    tell(Reading("Sentinel-2 raster", str(path), said, cautions, facts))
    return out


def _refuse_variables(path: str | Path) -> None:
    inside = variables_of(path)
    if len(inside) > 1:
        msg = (
            f"{path} holds {len(inside)} variables ({', '.join(list(inside)[:13])}), and no bands: make one "
            f"raster of them (`gdalbuildvrt -separate s2.vrt {next(iter(inside.values()))} ...`) and give "
            f"that, with their names in that order ({option('bands')})."
        )
        raise InputError(msg)


def _doubts(path: str | Path, names: Sequence[str], *, coarse: bool) -> list[str]:
    """What to warn of: cloud layers among `names`, which are not used, and pixels that are coarser."""
    cautions = []
    layers = [n for n in names if n.strip().lower() in _CLOUD_LAYERS]
    if layers:
        cautions.append(
            f"The band {layers[0]} of {path} is not used: clouds that it marks are not removed; set those "
            "pixels to no data in all bands first."
        )
    if coarse:
        cautions.append(
            f"{path} repeats the same values over blocks of pixels: it seems to be resampled from a "
            "coarser image, and networks read textures of 10 m."
        )
    return cautions


def _to_reflectance(
    block: np.ndarray,
    index: list[int],
    scaling: Scaling,
    fills: Fills,
    classes: int,
    codes: tuple[int, ...],
) -> np.ndarray:
    """Reflectance (10, y, x) float32 of a block of stored values (band, y, x); NaN where missing.

    Missing are also the pixels that the band at `classes` puts into one of the classes `codes`.
    """
    out = fills.reflectance(block[index], scaling)
    if codes:
        out[:, hides_land(block[classes], codes)] = np.nan
    return out


def _unclear(classes: np.ndarray, masks: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Pixels below which no land is seen, by cause, without those that are missing anyway."""
    gone = np.any(list(masks.values()), axis=0)
    found = {f"{name} (SCL)": (classes == i) & ~gone for i, name in UNCLEAR.items()}
    return {cause: m for cause, m in found.items() if m.any()}


def _kept_said(unclear: Mapping[str, np.ndarray]) -> list[str]:
    return [f"{share(m.sum(), m.size)} kept: {cause}" for cause, m in unclear.items()]


def _check_content(
    path: str | Path, flat: np.ndarray, masks: dict[str, np.ndarray], offset: float | None
) -> None:
    if flat.shape[1] == 0:
        causes = ", ".join(f"{c} ({share(m.sum(), m.size)})" for c, m in masks.items() if m.any())
        msg = (
            f"{path} has no valid pixel: every one is 0, NaN, masked or a fill ({causes or 'NaN'})."
        )
        if any("SCL" in cause for cause in masks):
            msg += f" To keep what its scene classification calls cloud or snow: {option('keep_clouds')}."
        raise InputError(msg)
    middle, lowest = float(np.median(flat)), float(np.percentile(flat, 1))
    if middle >= min(0.0, -(offset or 0.0)):
        return
    msg = f"{path} has mostly negative values (median {middle:.3g}), and reflectance is not negative: "
    once = -BASELINE_OFFSET * (
        QUANTIFICATION if lowest >= BASELINE_OFFSET * QUANTIFICATION * 1.2 else 1
    )
    # of dB the lowest hundredth lies between -20 and -50
    if once < 1 or 1.2 * BASELINE_OFFSET <= lowest < -100:
        msg += (
            f"the offset of {BASELINE_OFFSET:g} of processing baseline 04.00 seems to have been removed twice; "
            f"use {option('offset')} {once:g}."
        )
    else:
        msg += "is this Sentinel-1 in dB?"
    raise InputError(msg)


def _level(tags: dict[str, str], path: str | Path, product: ProductName | None) -> tuple[str, str]:
    """``L1C`` (top of atmosphere) or ``L2A`` (surface), and what says so; empty where nothing does."""
    stated = " ".join([tags.get("processing_level", ""), tags.get("product_type", "")])
    for text, by in ((stated, "by its metadata"), (Path(path).name, "by its name")):
        found = re.search(
            r"(?<![A-Za-z0-9])(?:level-?|s2msi|msi)?_?(l?1c|l?2a)(?![A-Za-z0-9])", text, re.I
        )
        if found:
            return f"L{found.group(1).upper().lstrip('L')}", by
    return (product.level, "by the product's name") if product else ("", "")


def _pixels_said(masks: dict[str, np.ndarray], step: int) -> list[str]:
    """Valid and missing pixels as clauses."""
    size = next(iter(masks.values())).size
    gone = {cause: int(m.sum()) for cause, m in masks.items() if m.any()}
    of = counted(size, "pixel") + (f" (one in {step} x {step} looked at)" if step > 1 else "")
    said = [f"{share(size - sum(gone.values()), size)} of {of} valid"]
    return said + [f"{share(n, size)} missing: {cause}" for cause, n in gone.items()]


def _pixels(masks: dict[str, np.ndarray], step: int) -> dict[str, Any]:
    """Valid and missing pixels as counts."""
    size = next(iter(masks.values())).size
    gone = {cause: int(m.sum()) for cause, m in masks.items()}
    return {"looked_at": size, "every": step, "valid": size - sum(gone.values()), "missing": gone}
