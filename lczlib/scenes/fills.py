"""Missing pixels of optical scenes: declared, 0, or a constant that nobody declared.

Dark water may be 0 in a band or two, where an offset was taken off and what was negative cut away; so
a pixel is missing where all its bands hold a fill, or where the value is no reflectance at all. A block
of pixels that hold exactly one value in all bands is missing too, or saturated: ten bands of land, water
or snow never agree to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import label

from lczlib.reading import share
from lczlib.scenes.bands import BANDS
from lczlib.scenes.scaling import Scaling

_LOWEST, _HIGHEST = -0.3, 1.6
"""Reflectance below the first is a fill; a declared fill between -0.05 and the second is a measurement
where other bands have values. Offsets leave 0 at -0.1."""
_DARK = -0.05
SATURATED = 65535
"""What products write where a detector was saturated (Special_Values of their metadata)."""
_BLOCK, _RUN = 16, 16  # connected pixels of one value that real bands do not have
_UNLIKE_BLOCK, _UNLIKE_SHARE = 400, 0.005  # the same, of one value a band
_MOST = 4  # constants of that kind; more are coarse pixels cut into fine ones
_PART_SHARE, _PART_PIXELS = 0.005, 64  # of a block in some bands
_FLOOR = 0.003  # reflectance that is cut off at zero


@dataclass(frozen=True)
class Fills:
    """What stands for missing pixels in a file.

    Attributes
    ----------
    declared : tuple of float
        The file's no-data values, and those of the caller.
    constants : tuple of tuple of float
        Value of each of the ten bands in blocks that nobody declared.
    """

    declared: tuple[float, ...] = ()
    constants: tuple[tuple[float, ...], ...] = ()

    def masks(self, stored: np.ndarray) -> dict[str, np.ndarray]:
        """Pixels (y, x) that are missing, by cause, of stored values (10, y, x); each pixel once."""
        filled = stored == 0
        if stored.dtype.kind == "f":
            filled |= ~np.isfinite(stored)
        for fill in self.declared:
            filled |= stored == fill
        gone = filled.all(0)
        out = {"no data": gone}
        for values in self.constants:
            shape = (-1, *[1] * (stored.ndim - 1))
            hit = (stored == np.asarray(values).reshape(shape)).all(0) & ~gone
            out[constant_text(values)] = hit
            gone = gone | hit
        return out

    def reflectance(self, stored: np.ndarray, scaling: Scaling) -> np.ndarray:
        """Reflectance (10, y, x) float32 of stored values, NaN where missing."""
        out = scaling.apply(stored)
        for fill in self.declared:
            held = stored == fill
            out[held & ((out < _DARK) | (out > _HIGHEST))] = np.nan
        zero = (stored == 0) & (out < _DARK)  # 0 stays no data where an offset is still in
        out[zero | (out < _LOWEST) | np.isinf(out)] = np.nan
        if scaling.scale.max() < 0.01 and stored.dtype.itemsize > 1:
            out[stored == SATURATED] = np.nan
        for mask in self.masks(stored).values():
            out[:, mask] = np.nan
        return out


def constant_text(values: Sequence[float]) -> str:
    """A constant in words, as the name of a cause."""
    if len(set(values)) == 1:
        return f"{values[0]:g} in all bands"
    return f"constant values ({', '.join(f'{v:g}' for v in values[:3])}, ...)"


def find_constants(
    sample: np.ndarray, step: int, edges: Sequence[np.ndarray], declared: Sequence[float]
) -> tuple[tuple[tuple[float, ...], ...], bool]:
    """Constants that fill blocks of a file.

    Parameters
    ----------
    sample : array (10, h, w)
        Every `step`-th pixel of the file.
    step : int
        Its step.
    edges : sequence of array (10, n)
        The file's outermost rows and columns, where fills of narrow width lie.
    declared : sequence of float
        Fills that are known.

    Returns
    -------
    tuple
        The constants, and whether there are so many blocks that pixels seem to be cut from coarser
        ones (then only constants that are the same in all bands are told).
    """
    one = max(4, -(-_BLOCK // step**2))
    found = _same_in_all(sample, one)
    for strip in edges:
        found |= _same_in_all(strip[:, None], _RUN)
    known = {0.0, *declared}
    constants = [(v,) * len(BANDS) for v in sorted(found - known)]
    unlike = _same_in_each(sample, step, known | found)
    coarse = len(unlike) > _MOST
    return (*constants, *([] if coarse else unlike)), coarse


def _same_in_all(values: np.ndarray, least: int) -> set[float]:
    """Values (10, h, w) that all bands share in a connected block."""
    equal = (values == values[0]).all(0)
    shared, counts = np.unique(values[0][equal], return_counts=True)
    return {
        float(v)
        for v, n in zip(shared, counts, strict=True)
        if n >= least and _largest_block(equal & (values[0] == v)) >= least
    }


def _same_in_each(values: np.ndarray, step: int, known: set[float]) -> list[tuple[float, ...]]:
    """Sets of ten values that large connected blocks repeat to the last digit."""
    least = max(_UNLIKE_BLOCK // step**2, int(_UNLIKE_SHARE * values[0].size), _BLOCK)
    bits = np.ascontiguousarray(values, np.float64).view(np.uint64)
    factors = np.random.default_rng(0).integers(1, 2**63, len(values), np.uint64) * np.uint64(2) + 1
    keys = (bits * factors[:, None, None]).sum(0, dtype=np.uint64)
    unique, counts = np.unique(keys, return_counts=True)
    found = []
    for key in unique[counts >= least]:
        block = keys == key
        row, col = np.argwhere(block)[0]
        constant = tuple(float(v) for v in values[:, row, col])
        if known.issuperset(constant) or not np.isfinite(constant).all():
            continue
        if _largest_block(block) >= least:
            found.append(constant)
    return found


def _largest_block(mask: np.ndarray) -> int:
    """Pixels of the largest 4-connected part of a mask."""
    parts, _ = label(mask)
    return int(np.bincount(parts.ravel())[1:].max(initial=0))


def part_constants(
    stored: np.ndarray, valid: np.ndarray, step: int, scaling: Scaling
) -> tuple[list[str], list[str]]:
    """Blocks of one value in some of the bands: clauses on clipped dark pixels, and cautions.

    Parameters
    ----------
    stored : array (10, h, w)
        Every `step`-th pixel.
    valid : array (h, w) of bool
        Pixels that are not missing.
    step : int
        Its step.
    scaling : Scaling
        To reflectance.
    """
    least = max(_PART_SHARE * valid.sum(), _PART_PIXELS / step**2, _BLOCK)
    blocks: dict[float, dict[str, float]] = {}
    for i, band in enumerate(BANDS):
        values, counts = np.unique(stored[i][valid], return_counts=True)
        if not len(values) or counts.max() < least:
            continue
        value = values[counts.argmax()]
        held = valid & (stored[i] == value)
        if len(values) > 1 and _largest_block(held) >= least:
            blocks.setdefault(float(value), {})[band] = float(held.sum() / valid.sum())
    said, cautions = [], []
    for value, shares in blocks.items():
        where, part = ", ".join(shares), share(max(shares.values()), 1)
        i = BANDS.index(next(iter(shares)))
        meant = value * scaling.scale[i] + scaling.term[i]
        if abs(meant) <= _FLOOR and len(shares) <= len(BANDS) // 2:
            said.append(
                f"{value:g} in {where} over {part} of the pixels taken as dark, not missing"
            )
        else:
            cautions.append(
                f"Band(s) {where} hold the one value {value:g} over {part} of the pixels while other "
                "bands vary: if these pixels are missing or saturated, set them to no data in all bands "
                "first."
            )
    return said, cautions
