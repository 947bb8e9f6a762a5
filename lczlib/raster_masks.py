"""Pixels that a raster file masks, by an alpha band or a mask beside its values."""

from __future__ import annotations

import dask.array as da
import numpy as np
import rasterio
import xarray as xr
from rasterio.enums import ColorInterp
from rasterio.windows import Window

_ALPHA_NAMES = ("", "alpha", "mask")
_SURELY_ALPHA = ("alpha", "alpha band", "alpha_band", "alpha channel")
_SAMPLE = 256  # edge of the decimated image that an alpha band is known by


def alpha_of(src: rasterio.DatasetReader) -> int | None:
    """Position of the alpha band, if there is one.

    Writers call the fourth band of any byte image alpha. It is one only if it is the last, has no other
    name, and holds nothing but "there" and "not there". A band that is named alpha is one without that
    colour, wherever it lies, where it holds 0 and 1, or 0 and the largest number of its type or of a
    byte: alpha is an angle of radar decompositions too.
    """
    last = src.count - 1
    names = [(text or "").strip().lower() for text in src.descriptions]
    if not last:
        return None
    if src.colorinterp[last] == ColorInterp.alpha and names[last] in _ALPHA_NAMES:
        return last if len(_values(src, last)) <= 1 else None
    named = [i for i, n in enumerate(names) if n in _SURELY_ALPHA]
    if len(named) != 1:
        return None
    kind, values = np.dtype(src.dtypes[named[0]]), _values(src, named[0])
    full = {1, 255, np.iinfo(kind).max if kind.kind in "iu" else 1}
    return named[0] if len(values) == 1 and values[0] in full else None


def _values(src: rasterio.DatasetReader, index: int) -> np.ndarray:
    """What a band holds beside 0, in a decimated image."""
    step = max(1, -(-max(src.shape) // _SAMPLE))
    shape = tuple(-(-n // step) for n in src.shape)
    values = np.unique(src.read(index + 1, out_shape=shape))
    return values[values != 0]


class _Mask:
    """The mask of a file as an array that dask can cut: True where a pixel is valid."""

    def __init__(self, name: str, shape: tuple[int, int], alpha: int | None) -> None:
        self.name, self.shape, self.dtype, self.ndim = name, shape, np.dtype(bool), 2
        self.alpha = alpha

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        rows, cols = (s.indices(n)[:2] for s, n in zip(key, self.shape, strict=True))
        window = Window(cols[0], rows[0], cols[1] - cols[0], rows[1] - rows[0])
        with rasterio.open(self.name) as src:
            if self.alpha is not None:
                return src.read(self.alpha + 1, window=window) > 0
            # of no data in single bands the doors have their own rules
            return src.read_masks(1, window=window) > 0


def with_mask(data: xr.DataArray, name: str, alpha: int | None) -> xr.DataArray:
    """Values with the file's no-data value where its mask says that there are none."""
    reader = _Mask(name, data.shape[1:], alpha)
    nodata = data.rio.nodata
    if nodata is None and data.dtype.kind == "f":
        nodata = np.nan
    elif nodata is None:
        wider = {1: np.int16, 2: np.int32}.get(data.dtype.itemsize, np.int64)
        data = data.astype(wider, keep_attrs=True)
        nodata = int(np.iinfo(wider).min)
    whole = data.chunks is None
    valid = reader[:, :] if whole else da.from_array(reader, chunks=data.chunks[1:], lock=True)
    kept = xr.DataArray(valid, dims=("y", "x"))
    out = data.where(kept, data.dtype.type(nodata)).assign_attrs(data.attrs)
    out = out.rio.write_nodata(nodata)
    out.encoding |= {"source": name, "mask": "mask" if alpha is None else alpha + 1}
    return out
