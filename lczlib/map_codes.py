"""The codes of a map as they are stored: read once, translated, and told."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import xarray as xr

from lczlib.classes import CLASSES, NODATA
from lczlib.errors import ClassSchemeError
from lczlib.legends import legend_text
from lczlib.numbering import Codes, Meaning
from lczlib.rasters import missing_values
from lczlib.reading import Reading

_MOST_CODES = 100_000
_AT_ONCE = 1 << 22  # values that are counted at once, as wider numbers


@dataclass(frozen=True)
class StoredCodes:
    """The distinct values of a layer as stored: how many cells hold each, which are no data."""

    values: np.ndarray
    counts: np.ndarray
    missing: np.ndarray
    scale: float
    offset: float
    dtype: np.dtype
    declared: tuple[float, ...]
    masked: bool = False

    @classmethod
    def of(cls, layer: xr.DataArray, nodata: Iterable[float]) -> StoredCodes:
        """Read a layer once, chunk by chunk where it is lazy."""
        if layer.dtype == bool:
            msg = "a mask of true and false holds no LCZ codes; give the class raster itself."
            raise ClassSchemeError(msg)
        values, counts = _distinct(layer.data)
        declared = {float(v) for n in (None, *nodata) for v in missing_values(layer, n)}
        real = values.dtype.kind == "f"
        missing = ~np.isfinite(values) if real else np.zeros(len(values), bool)
        with np.errstate(over="ignore"):
            for v in declared:
                missing |= values == (values.dtype.type(v) if real else v)
        scale, offset = layer.attrs.get("scale_factor", 1.0), layer.attrs.get("add_offset", 0.0)
        stored_as = np.dtype(layer.encoding.get("rasterio_dtype", layer.dtype))
        masked = bool(layer.encoding.get("mask"))
        return cls(
            values, counts, missing, scale, offset, stored_as, tuple(sorted(declared)), masked
        )

    @property
    def physical(self) -> np.ndarray:
        """The values with scale and offset applied."""
        if (self.scale, self.offset) == (1.0, 0.0):
            return self.values
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.round(self.values.astype(np.float64) * self.scale + self.offset, 6)
        return np.nan_to_num(values)  # a fill may be too large for its scale: it stays a number

    @property
    def codes(self) -> Codes:
        """The codes that are not missing."""
        kept, zero = ~self.missing, 0.0 in self.declared and (self.scale, self.offset) == (1.0, 0.0)
        n = int(self.counts[self.missing].sum())
        return Codes(self.physical[kept], self.counts[kept], self.dtype, n, zero)

    def table(self, classes: Mapping[int, int]) -> np.ndarray:
        """The class of each stored value, uint8."""
        codes = self.physical
        return np.array(
            [
                NODATA if gone else classes[int(c)]
                for c, gone in zip(codes, self.missing, strict=True)
            ],
            np.uint8,
        )


def _distinct(values: np.ndarray | da.Array) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values, sorted, and how often each comes, block by block where they are lazy.

    What holds more values than a map ever has codes is not read to its end: it is refused by those.
    """
    if isinstance(values, np.ndarray):
        return _count(values)
    blocks = list(values.to_delayed().ravel())
    many = 2 * (os.cpu_count() or 1)
    found, times = np.empty(0, values.dtype), np.empty(0, np.int64)
    for first in range(0, len(blocks), many):
        parts = dask.compute(*map(dask.delayed(_count), blocks[first : first + many]))
        every = np.concatenate([found, *(v for v, _ in parts)])
        numbers = np.concatenate([times, *(n for _, n in parts)])
        found, where = np.unique(every, return_inverse=True)
        times = np.bincount(where, numbers, len(found)).astype(np.int64)
        if len(found) > _MOST_CODES:
            break
    return found, times


def _count(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kind = values.dtype
    if kind.kind not in "iu" or kind.itemsize > 2:
        return np.unique(values, return_counts=True)
    low = np.iinfo(kind).min
    counts = np.zeros(1 << 8 * kind.itemsize, np.int64)
    for rows in np.array_split(np.atleast_2d(values), -(-values.size // _AT_ONCE)):
        counts += np.bincount(rows.ravel().astype(np.int32) - low, minlength=len(counts))
    there = np.flatnonzero(counts)
    return (there + low).astype(kind), counts[there]


def translated(values: np.ndarray | da.Array, distinct: np.ndarray, table: np.ndarray) -> Any:
    """Each stored value's class, lazily where the values are: what `distinct` mean holds everywhere."""
    if not isinstance(values, np.ndarray):
        return values.map_blocks(translated, distinct, table, dtype=np.uint8)
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        low = int(distinct[0])
        lut = np.zeros(int(distinct[-1]) - low + 1, np.uint8)
        lut[distinct.astype(np.int64) - low] = table
        return lut[values.astype(np.int32) - low]
    return table[np.searchsorted(distinct, values)]


def map_reading(
    path: str | Path, what: str, note: str, stored: StoredCodes, meaning: Meaning, cells: np.ndarray,
    doubted: tuple[str, ...],
    certainty: str = "",
) -> Reading:  # fmt: skip
    """What is told of a map: band, numbering, legend, cells with and without a class.

    Parameters
    ----------
    path, what : str
        The file, and what it is for.
    note : str
        Which of several bands.
    stored : StoredCodes
        As read.
    meaning : Meaning
        Of the codes.
    cells : array (18,)
        Cells of no data and of each class.
    doubted : tuple of str
        Further cautions.
    certainty : str
        Name of the band that says how certain the classes are.
    """
    total, known = int(cells.sum()), int(cells[1:].sum())
    classes = {c.code: int(cells[c.number]) for c in CLASSES if cells[c.number]}
    codes = stored.codes
    taken = {int(v): int(n) for v, n in zip(codes.values, codes.counts, strict=True)}
    fills = {c: taken[c] for c in meaning.fills}
    no_class = {c: n for c, n in taken.items() if not meaning.classes[c] and c not in fills}
    said = [note] if note else []
    said.append(
        f"legend {legend_text(meaning.classes)} {meaning.known_by}"
        if meaning.numbering == "own legend"
        else f"numbering {meaning.numbering} {meaning.known_by}"
        if meaning.numbering
        else "no codes"
    )
    said += [meaning.legend] if meaning.legend else []
    said += [f"certainty in band {certainty}"] if certainty else []
    if (stored.scale, stored.offset) != (1.0, 0.0):
        said.append(f"scale {stored.scale:g} and offset {stored.offset:g} applied")
    said.append(
        f"{known:,} of {total:,} cells with a class" + (f" ({_ranges(cells)})" if known else "")
    )
    if codes.missing:
        declared = (
            "masked" if stored.masked else ", ".join(f"{v:g}" for v in stored.declared) or "NaN"
        )
        said.append(f"{codes.missing:,} no data ({declared})")
    said += [
        f"{n:,} of code {c:.9g}, taken for no data though not declared" for c, n in fills.items()
    ]
    if 0 in no_class:
        said.append(f"{no_class[0]:,} of code 0, no data")
    rest = {c: n for c, n in no_class.items() if c}
    cautions = [*meaning.cautions, *doubted]
    if rest:
        said.append(f"{sum(rest.values()):,} left out, codes {', '.join(map(str, rest))}")
    if meaning.numbering == "wrf":
        cautions.append(
            "WRF's numbering tells built types and LCZ E only: the other land has no class here, so "
            "nothing can be compared with LCZ D."
        )
    facts = {
        "band": note, "numbering": meaning.numbering, "known_by": meaning.known_by,
        "legend": legend_text(meaning.classes) if meaning.numbering == "own legend" else "",
        "legend_found": meaning.legend, "cells": total, "cells_with_class": known,
        "cells_no_data": codes.missing + no_class.get(0, 0),
        "certainty": certainty, "cells_taken_for_no_data": fills, "cells_left_out": rest, "cells_by_class": classes,
    }  # fmt: skip
    return Reading(what, str(path), tuple(said), tuple(cautions), facts)


def _ranges(cells: np.ndarray) -> str:
    """The classes present: ``LCZ 1-6, 8, A-G``."""
    present = [c for c in CLASSES if cells[c.number]]
    runs = groupby(enumerate(present), key=lambda item: (item[1].number - item[0], item[1].built))
    parts = []
    for _, run in runs:
        codes = [c.code for _, c in run]
        parts.append(codes[0] if len(codes) == 1 else f"{codes[0]}-{codes[-1]}")
    return f"LCZ {', '.join(parts)}"
