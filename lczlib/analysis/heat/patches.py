"""Patches of a class and the pixels inside them, away from other classes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import ndimage

from lczlib.analysis.heat.runs import Runs, numbers_in
from lczlib.analysis.significance import holm


def interior(lcz: np.ndarray, pixels: int) -> np.ndarray:
    """Pixels whose neighbourhood of `pixels` in every direction is all of their own class.

    The thermal signal of a border pixel belongs to both sides. Pixels nearer than that to the edge
    of the map, or to no data, are not interior: what lies beyond is unknown.

    Parameters
    ----------
    lcz : array (y, x) of uint8
        0..17, 0 = no data.
    pixels : int
        1 is an erosion by a 3 x 3 square; 0 keeps every classified pixel.
    """
    if pixels == 0:
        return lcz > 0
    size = 2 * pixels + 1
    low = ndimage.minimum_filter(lcz, size, mode="constant", cval=0)
    high = ndimage.maximum_filter(lcz, size, mode="constant", cval=255)
    return (low == high) & (lcz > 0)


def patch_numbers(lcz: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the connected areas of one class (8 neighbours): (y, x) int32 from 1, and how many."""
    inside = lcz > 0
    out = np.zeros(lcz.shape, np.int32)
    if not inside.any():
        return out, 0
    runs = Runs.of(inside, lcz[inside], lcz[inside])
    numbers, count = runs.connected()
    out[inside] = np.repeat(numbers, runs.length)
    return out, count


def patches_of(lcz: np.ndarray, keep: np.ndarray) -> tuple[np.ndarray, int]:
    """The patch of some pixels, as `patch_numbers` counts them over all: (n,) int32, and how many there are.

    Parameters
    ----------
    lcz : array (y, x) of uint8
        0..17, 0 = no data.
    keep : array (y, x) of bool
        The n pixels, all with a class.
    """
    inside = lcz > 0
    whole = Runs.of(inside, lcz[inside], lcz[inside])
    numbers, count = whole.connected()
    own = lcz[keep]
    kept = Runs.of(keep, own, own)
    within = np.searchsorted(whole.key, kept.key, side="right") - 1
    return np.repeat(numbers[within], kept.length), count


def patch_medians(values: np.ndarray, patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median of the values (n,) of each patch number (n,): numbers and medians, by number.

    Values are taken as float32. Patch and value go into one 64-bit key (the bits of a float32, with
    the sign turned, sort as integers do), because sorting integers is several times faster than
    sorting by two keys.
    """
    if not values.size:
        return np.empty(0, patches.dtype), np.empty(0)
    sign = np.uint32(1 << 31)
    bits = values.astype(np.float32).view(np.uint32)
    bits = np.where(bits & sign, ~bits, bits | sign)
    keys = np.sort((patches.astype(np.uint64) << np.uint64(32)) | bits)
    numbers = (keys >> np.uint64(32)).astype(patches.dtype)
    bits = keys.astype(np.uint32)
    ordered = np.where(bits & sign, bits ^ sign, ~bits).view(np.float32).astype(np.float64)
    starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
    sizes = np.diff(np.r_[starts, numbers.size])
    middle = (ordered[starts + (sizes - 1) // 2] + ordered[starts + sizes // 2]) / 2
    return numbers[starts], middle


def patch_tests(
    values: np.ndarray, codes: np.ndarray, patches: np.ndarray
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Kruskal-Wallis over all classes and Mann-Whitney tests of each two, on patch medians.

    Parameters
    ----------
    values, codes, patches : array (n,)
        Temperature, LCZ number and patch number of each pixel. Classes with fewer than three
        patches are left out.

    Returns
    -------
    pairs : DataFrame
        ``lcz_a``, ``lcz_b``, ``n_a``, ``n_b``, ``difference`` (of the medians of patch medians),
        ``p``, ``p_holm`` (corrected for the number of pairs).
    kruskal : dict
        ``h``, ``p``, ``n_patches``.
    """
    from scipy.stats import kruskal, mannwhitneyu

    by_class = {}
    for number in numbers_in(codes):
        mask = codes == number  # a class at a time: sorting takes several times its memory
        by_class[int(number)] = patch_medians(values[mask], patches[mask])[1]
    usable = {c: m for c, m in by_class.items() if m.size >= 3}
    columns = ["lcz_a", "lcz_b", "n_a", "n_b", "difference", "p", "p_holm"]
    if len(usable) < 2:
        return pd.DataFrame(columns=columns), {"h": np.nan, "p": np.nan, "n_patches": 0}
    alike = len(np.unique(np.concatenate([*usable.values()]))) == 1  # nothing to rank
    h, p = (np.nan, np.nan) if alike else kruskal(*usable.values())
    n = sum(m.size for m in usable.values())
    rows = [
        (a, b, usable[a].size, usable[b].size, np.median(usable[a]) - np.median(usable[b]),
         mannwhitneyu(usable[a], usable[b]).pvalue)
        for a, b in combinations(usable, 2)
    ]  # fmt: skip
    pairs = pd.DataFrame(rows, columns=columns[:-1])
    pairs["p_holm"] = holm(pairs["p"].to_numpy())
    return pairs, {"h": float(h), "p": float(p), "n_patches": n}
