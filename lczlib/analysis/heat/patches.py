"""Patches of a class and the pixels inside them, away from other classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from lczlib.analysis.heat.runs import Runs, bands
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
    inside = lcz > 0
    if pixels == 0:
        return inside
    down, right = lcz.shape
    if min(down, right) <= 2 * pixels:
        return np.zeros(lcz.shape, bool)
    for edge in (slice(None, pixels), slice(-pixels, None)):
        inside[edge] = inside[:, edge] = False
    middle = slice(pixels, right - pixels)
    for rows in bands(lcz.shape):
        rows = slice(max(rows.start, pixels), min(rows.stop, down - pixels))
        if rows.start >= rows.stop:
            continue
        around = lcz[rows.start - pixels : rows.stop + pixels]
        across = np.ones((around.shape[0], right - 2 * pixels), bool)
        for by in range(
            2 * pixels + 1
        ):  # each row on its own, and then the rows beside one another
            if by != pixels:
                across &= around[:, by : by + across.shape[1]] == around[:, middle]
        own = around[pixels : around.shape[0] - pixels, middle]
        for by in range(2 * pixels + 1):
            beside = slice(by, by + own.shape[0])
            inside[rows, middle] &= across[beside]
            if by != pixels:
                inside[rows, middle] &= around[beside, middle] == own
    return inside


def patch_numbers(lcz: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the connected areas of one class (8 neighbours): (y, x) int32 from 1, and how many."""
    inside = lcz > 0
    out = np.zeros(lcz.shape, np.int32)
    if not inside.any():
        return out, 0
    runs = Runs.of(lcz)
    numbers, count = runs.connected()
    out[inside] = np.repeat(numbers, runs.length)
    return out, count


def runs_in_patches(lcz: np.ndarray, keep: np.ndarray) -> Runs:
    """The runs of some pixels, class by class, with the patch of each as `patch_numbers` counts them over all.

    Parameters
    ----------
    lcz : array (y, x) of uint8
        0..17, 0 = no data.
    keep : array (y, x) of bool
        The pixels in use, all with a class.
    """
    whole, kept = Runs.of(lcz), Runs.of(lcz, keep)
    within = np.searchsorted(whole.key, kept.key, side="right") - 1
    return replace(kept, patches=whole.connected()[0][within]).by_class()


def patch_medians(values: np.ndarray, patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median of the values (n,) of each patch number (n,): numbers and medians, by number.

    Values are taken as float32. Patch and value go into one 64-bit key (the bits of a float32, with
    the sign turned, sort as integers do), because sorting integers is several times faster than
    sorting by two keys.
    """
    if not values.size:
        return np.empty(0, patches.dtype), np.empty(0)
    first = patches.min()
    sizes = np.bincount(patches - first)
    numbers = np.flatnonzero(sizes)
    sizes = sizes[numbers]
    sign = np.uint32(1 << 31)
    keys = patches.astype(np.uint64)
    keys <<= np.uint64(32)
    bits = values.astype(np.float32).view(np.uint32)
    bits ^= (bits.view(np.int32) >> 31).view(np.uint32) | sign
    keys |= bits
    keys.sort()
    starts = np.cumsum(sizes) - sizes
    at = np.array([starts + (sizes - 1) // 2, starts + sizes // 2])
    bits = keys[at].astype(np.uint32)
    middle = np.where(bits & sign, bits ^ sign, ~bits).view(np.float32).astype(np.float64)
    return (numbers + first).astype(patches.dtype), middle.mean(axis=0)


def patch_tests(
    medians: Mapping[int, np.ndarray],
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Kruskal-Wallis over all classes and Mann-Whitney tests of each two, on patch medians.

    Parameters
    ----------
    medians : mapping of int to array (patches,)
        The medians of the patches of each LCZ number, rising. Classes with fewer than three patches are left out.

    Returns
    -------
    pairs : DataFrame
        ``lcz_a``, ``lcz_b``, ``n_a``, ``n_b``, ``difference`` (of the medians of patch medians),
        ``p``, ``p_holm`` (corrected for the number of pairs).
    kruskal : dict
        ``h``, ``p``, ``n_patches``.
    """
    from scipy.stats import kruskal, mannwhitneyu

    usable = {c: m for c, m in medians.items() if m.size >= 3}
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
