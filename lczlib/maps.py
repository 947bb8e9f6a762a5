"""LCZ maps and class probabilities: opening them, and what follows from probabilities.

An LCZ map is a ``DataArray (y, x)`` uint8, 1..17, 0 = no data. Probabilities are a ``DataArray
(lcz, y, x)`` float32 that sums to 1 where valid and is NaN where not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from lczlib.classes import CLASSES, N_CLASSES, NODATA, NUMBERING
from lczlib.errors import ClassSchemeError, InputError
from lczlib.grid import geobox_of
from lczlib.legend_files import find_legends
from lczlib.legends import parse_legend
from lczlib.map_codes import StoredCodes, map_reading, translated
from lczlib.map_doubts import check_description, check_name, doubts, named_land_cover
from lczlib.numbering import MapScheme, meaning_of
from lczlib.rasters import (
    BANDWISE,
    band_names,
    check_real,
    choose_band,
    layer_of,
    missing_values,
    open_raster,
    physical,
)
from lczlib.reading import Reading, counted, tell
from lczlib.terms import option
from lczlib.unreadable import Wanted

FLAG_ATTRS = {
    "long_name": "Local Climate Zone",
    "flag_values": np.array([c.number for c in CLASSES], np.uint8),
    "flag_meanings": " ".join(
        f"LCZ_{c.code}_{c.name.replace(' ', '_').replace('-', '_')}" for c in CLASSES
    ),
    "_FillValue": np.uint8(NODATA),
}
"""CF attributes of an LCZ map (CF conventions 1.11, section 3.5)."""

_WINDOW = {"y": 2048, "x": 2048}
_SUM_TOLERANCE = 2e-3
"""How far probabilities of a cell may be from adding up to 1: twice what rounding to 1e-4 can make."""


@dataclass(frozen=True)
class MapOptions:
    """How a map is to be read, where its file does not say; each may be left out.

    Attributes
    ----------
    band : int or str
        Number (from 1) or name.
    scheme : MapScheme
        Numbering of the codes.
    nodata : tuple of float
        Values that are no data, beside those that the file declares.
    legend : mapping of int to int
        Class 1..17 of each code, 0 for no data (see `lczlib.legends.parse_legend`); in place of a
        numbering.
    column, layer : str
        Of a map of polygons: where the class stands.
    """

    band: int | str | None = None
    scheme: MapScheme | None = None
    nodata: tuple[float, ...] = ()
    legend: Mapping[int, int] | None = None
    column: str | None = None
    layer: str | None = None


def open_lcz_map(
    path: str | Path,
    *,
    scheme: MapScheme | None = None,
    band: int | str | None = None,
    nodata: float | Sequence[float] | None = None,
    legend: Mapping[int, int] | str | None = None,
    options: MapOptions | None = None,
    chunks: object = None,
    what: str = "LCZ map",
    wanted: Wanted = "raster",
    cell_bytes: float = 0,
) -> xr.DataArray:
    """Open an LCZ map of any numbering or legend as uint8 1..17, 0 = no data, and tell what was read.

    Parameters
    ----------
    path : path
        A raster of class codes: one band, or the LCZ Generator's three (lcz, lczFilter,
        classProbability), of which the filtered one is taken.
    scheme : MapScheme, optional
        Numbering of the codes; detected where it is certain.
    band : int or str, optional
        Band number (from 1) or name; of NetCDF and HDF5, the variable.
    nodata : float or several, optional
        No-data values that the file does not declare.
    legend : mapping of int to int, or str, optional
        Class of each code, ``{1: 2, 2: 12}`` or ``"1=2,2=B"``, in place of a numbering.
    options : MapOptions, optional
        The four in one, where they are not given singly.
    chunks : optional
        Chunks as xarray understands them. The map is then dask-backed, and read once here, chunk
        by chunk, to learn its codes.
    what, wanted : str
        What messages call it, and what kind of file they ask for.
    cell_bytes : float
        Memory that a cell takes in what is made of it, beside the map itself.

    Returns
    -------
    DataArray (y, x), uint8, with CF ``flag_values`` and ``flag_meanings``; ``attrs["source"]``: the
    file, and ``attrs["certainty_band"]``, where it has one (see `open_map_certainty`)

    Raises
    ------
    InputError, ClassSchemeError, GridError
        If the file cannot be read, its numbering is ambiguous, names or colours say that its codes mean
        something else, or it has no CRS.
    """
    given = options or MapOptions()
    band = band if band is not None else given.band
    scheme = scheme or given.scheme
    legend = parse_legend(legend) if isinstance(legend, str) else legend or given.legend
    # by windows also into memory
    windows = {"band": 1, **(chunks if isinstance(chunks, Mapping) else _WINDOW)}
    data = open_raster(
        path, what, wanted=wanted, chunks=windows, band=band, option=f"{option('band')}",
        cell_bytes=cell_bytes,
    )  # fmt: skip
    source = str(data.encoding.get("source", path))
    # of several variables the band named the one that was opened
    inside = None if isinstance(band, str) and source.endswith((f":{band}", f"/{band}")) else band
    index, note = map_band(data, inside, path)
    layer = layer_of(data, index)
    geobox_of(layer, f"{what} {path}")
    product = "" if scheme or legend else named_land_cover(path) or named_land_cover(source)
    try:
        if not (scheme or legend):
            check_description(layer, data.attrs)
        stored = StoredCodes.of(layer, given.nodata if nodata is None else np.atleast_1d(nodata))
        meaning = meaning_of(stored.codes, scheme, legend, find_legends(source, path, index + 1))
        table = stored.table(meaning.classes)
        codes = xr.DataArray(translated(layer.data, stored.values, table), layer.coords, layer.dims)
        codes = codes.load() if chunks is None else codes
        cells = np.bincount(table, stored.counts, minlength=N_CLASSES + 1).astype(int)
        doubted: tuple[str, ...] = ()
        if not meaning.certain:
            check_name(product)
            doubted = doubts(codes, np.flatnonzero(cells[1:]) + 1)
    except ClassSchemeError as err:
        msg = f"{path}: {err}"
        if product and product.casefold() not in str(err).casefold():
            msg += f" Its name tells of {product!r}: land cover or climate, and no LCZ map?"
        raise ClassSchemeError(msg) from err
    sure = _certainty_band(data)
    tell(map_reading(path, what, note, stored, meaning, cells, doubted, sure))
    return lcz_map(codes, source=str(path), **({"certainty_band": sure} if sure else {}))


def map_band(data: xr.DataArray, band: int | str | None, path: str | Path) -> tuple[int, str]:
    """Position (from 0) of the band that holds the classes, and a note on it where there are several.

    Of several bands that nobody chose from, the filtered map of the LCZ Generator is taken
    (``lczFilter``, which w2w and others use), else the one named ``lcz``.

    Raises
    ------
    InputError
        If there is no such band.
    """
    names = band_names(data)
    if len(names) == 1 and band is None:
        return 0, ""
    plain = [_plain(n) for n in names]
    if band is None:
        known = next((n for n in ("lczfilter", "lcz") if plain.count(n) == 1), None)
        if known is None:
            named = f" ({', '.join(n or 'unnamed' for n in names)})" if any(names) else ""
            msg = (
                f"{path} has {len(names)} bands{named}, and none is named lcz: an image or probabilities "
                f"are no LCZ map; of a map with several bands say which holds the classes ({option('band', 'NAME')} or "
                "NUMBER)."
            )
            raise InputError(msg)
        index = plain.index(known)
    else:
        index = choose_band(data, band, path)
    note = f"band {index + 1} of {len(names)}" + (f", {names[index]}" if names[index] else "")
    raw = plain.index("lcz") if plain.count("lcz") == 1 else index
    if band is None and raw != index:
        note += f" ({option('band', names[raw])} for the unfiltered map)"
    return index, note


def open_map_certainty(path: str | Path) -> xr.DataArray | None:
    """The certainty 0..1 that a map's own file gives; None where it has none.

    That is ``classProbability`` of the LCZ Generator, in per cent: the share of its forests that agree.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    data = open_raster(path, "LCZ map", chunks=BANDWISE)
    name = _certainty_band(data)
    if not name:
        return None
    index = band_names(data).index(name)
    layer = layer_of(data, index).load()
    values = layer.astype(np.float32).where(~layer.isin(missing_values(layer)))
    most = float(values.max())
    out = (values / (100 if most > 1 else 1)).rename("certainty")
    out.attrs = {"long_name": "class probability of the LCZ Generator", "units": "1"}
    return out.where(out > 0)  # 0 stands where there is no class


def _certainty_band(data: xr.DataArray) -> str:
    """The name of the band that says how certain a map's classes are; empty where there is none."""
    names = (n for n in band_names(data) if _plain(n) in ("classprobability", "lczprobability"))
    return next(names, "")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.casefold())


def lcz_map(codes: xr.DataArray, **attrs: object) -> xr.DataArray:
    """Codes 0..17 on a grid as an LCZ map: uint8, name, CF flag attributes."""
    out = codes.astype(np.uint8).rename("lcz")
    out.attrs = {**FLAG_ATTRS, **attrs}
    return out


def as_lcz_map(
    codes: xr.DataArray, options: MapOptions | None = None, what: str = "LCZ map"
) -> xr.DataArray:
    """An open array (y, x) as an LCZ map; a dimension `band` of one band is left out.

    Parameters
    ----------
    codes : DataArray (y, x)
        Whole numbers 0..17.
    options : MapOptions, optional
        What was said of it; refused, since an array is not read by it.
    what : str
        What messages call it.

    Raises
    ------
    InputError
        If its values are not the whole numbers 0..17, it has more dimensions, or something was said
        of it.
    GridError
        If it has no grid.
    """
    said = [n for n in ("band", "scheme", "nodata", "legend") if options and getattr(options, n)]
    if said:
        msg = (
            f"The {what} is open already, and numbered 1-17: --{said[0]} is for files. Open its file with it "
            "(lczlib.open_map), or name the file that it is for."
        )
        raise InputError(msg)
    numbering = codes.attrs.get(NUMBERING, "1-17")
    if numbering != "1-17":
        msg = f"The {what} is numbered {numbering}, an open one 1-17 (`.lcz.to_scheme('1-17')`)."
        raise InputError(msg)
    if codes.sizes.get("band") == 1:
        codes = codes.squeeze("band", drop=True)
    geobox_of(codes, what)
    if codes.ndim != 2:
        msg = f"An open {what} has two dimensions, y and x, not {', '.join(map(str, codes.dims))}."
        raise InputError(msg)
    if (
        codes.dtype.kind not in "iu"
        or codes.size == 0
        or codes.min() < 0
        or codes.max() > N_CLASSES
    ):
        msg = f"An open {what} holds the whole numbers 0 to {N_CLASSES}: open a file with lczlib.open_map."
        raise InputError(msg)
    return lcz_map(codes, **{k: v for k, v in codes.attrs.items() if k not in FLAG_ATTRS})


def open_probabilities(
    path: str | Path, *, chunks: object = None, scale: float | None = None
) -> xr.DataArray:
    """Open class probabilities as ``DataArray (lcz, y, x)`` float32, NaN where no data.

    Cells that are 0 in all classes hold no probabilities and are no data, like the file's own.
    What was read is told. With `chunks` the values stay lazy, and are read once here, chunk by chunk.
    `scale` is that of whole numbers whose file does not say one.

    Raises
    ------
    InputError
        If the file does not hold one band for each of the 17 classes, or values that are no
        probabilities: not between 0 and 1, or not adding up to 1.
    """
    data = open_raster(path, "probability raster", chunks=chunks)
    n = data.sizes["band"]
    if n != N_CLASSES:
        msg = f"{path} has {n} band(s); probabilities have {N_CLASSES}, one a class."
        raise InputError(msg)
    geobox_of(data, f"probability raster {path}")
    unsaid = scale and data.dtype.kind in "iu" and set(data.attrs["scales"]) == {1.0}
    if unsaid:
        data.attrs["scales"] = (scale,) * N_CLASSES
    values = physical(data)
    # each stored whole number is off by up to half its step, and 17 of them add up
    step = max(map(abs, data.attrs["scales"])) if data.dtype.kind in "iu" else 0.0
    tolerance = max(_SUM_TOLERANCE, N_CLASSES * step / 2)
    if values.chunks is None:
        checked = _checked_probabilities(values.values, str(path), tolerance)
    else:
        checked = values.chunk(band=-1).data.map_blocks(
            _checked_probabilities, str(path), tolerance, dtype=np.float32, meta=np.empty((0, 0, 0))
        )
    known, cells = int(np.isfinite(checked).all(0).sum()), int(np.prod(checked.shape[1:]))
    text = f"{known:,} of {counted(cells, 'cell')} with probabilities of {N_CLASSES} classes"
    how = f"scale {scale:g} taken" if unsaid else values.attrs["scaling"] or "values as stored"
    facts = {"cells": cells, "known": known, "scale": data.attrs["scales"][0]}
    tell(Reading("probability raster", str(path), (text, how), (), facts))
    return probabilities(values.copy(data=checked).rename(band="lcz"), source=str(path))


def _checked_probabilities(p: np.ndarray, path: str, tolerance: float) -> np.ndarray:
    """Probabilities (17, y, x) of cells where they are some, NaN elsewhere."""
    total = p.sum(0)  # NaN where a class is missing
    p = np.where((total == 0) & ~p.any(0), np.float32(np.nan), p)
    known = np.isfinite(total) & ~np.isnan(p[0])
    if not known.any():
        return p
    low, high = float(p[:, known].min()), float(p[:, known].max())
    if low < -tolerance or high > 1 + tolerance:
        msg = (
            f"{path} holds values from {low:.4g} to {high:.4g}, and probabilities lie between 0 and 1: "
            "give a *_proba.tif, or write the file's scale into it (`gdal_edit.py -scale 0.01` for per cent)."
        )
        raise InputError(msg)
    off = known & (np.abs(total - 1) > tolerance)
    if off.any():
        worst = float(total[off][np.abs(total[off] - 1).argmax()])
        msg = (
            f"{path} holds no probabilities: its classes add up to {worst:.4g} instead of 1 in "
            f"{off.sum() / known.sum():.0%} of the cells; give a *_proba.tif, or divide each cell by its sum."
        )
        raise InputError(msg)
    return p


def probabilities(values: xr.DataArray, **attrs: object) -> xr.DataArray:
    """A ``(lcz, y, x)`` array as class probabilities: float32, ``lcz`` coordinate 1..17."""
    if values.sizes.get("lcz") != N_CLASSES:
        msg = f"Class probabilities need {N_CLASSES} classes on dimension 'lcz', not {dict(values.sizes)}."
        raise InputError(msg)
    check_real(values.dtype, "array of class probabilities")
    out = values.astype(np.float32).rename("probability")
    out = out.assign_coords(lcz=np.arange(1, N_CLASSES + 1, dtype=np.uint8))
    out.attrs = {"long_name": "LCZ class probability", "units": "1", **attrs}
    return out


def labels(proba: xr.DataArray) -> xr.DataArray:
    """The most probable class of each cell; the lower number wins a tie, 0 where no data."""
    best = xr.apply_ufunc(
        lambda p: np.where(
            np.isnan(p).any(-1), 0, np.nan_to_num(p, nan=-1.0).argmax(-1) + 1
        ).astype(np.uint8),
        proba,
        input_core_dims=[["lcz"]],
        dask="parallelized",
        output_dtypes=[np.uint8],
        dask_gufunc_kwargs={"allow_rechunk": True},
    )
    return lcz_map(best)


def certainty(proba: xr.DataArray) -> xr.DataArray:
    """Certainty of each cell, 0..1: one minus the entropy of its probabilities over ln 17.

    Shannon's entropy, normalised by that of 17 equally probable classes; 1 is sure, 0 knows
    nothing; NaN where no data.
    """
    p = proba.clip(1e-12, 1)
    entropy = -(p * np.log(p)).sum("lcz", skipna=False)
    out = (1 - entropy / np.log(N_CLASSES)).astype(np.float32).rename("certainty")
    out.attrs = {"long_name": "1 - normalised entropy of the class probabilities", "units": "1"}
    return out
