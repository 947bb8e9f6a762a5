"""Other measures of the surface heat island in use, with the interval or test each one needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import ndimage, special

from lczlib.analysis.heat import bootstrap
from lczlib.analysis.heat.bootstrap import Blocks, block_sample, block_weights
from lczlib.analysis.heat.options import Statistic
from lczlib.analysis.heat.order import quantile_of
from lczlib.analysis.heat.pixels import WATER
from lczlib.analysis.heat.runs import bands
from lczlib.errors import InputError
from lczlib.grid import check_projected, check_same_grid

URBAN = tuple(range(1, 11))
"""LCZ 1-10, the built types."""
RURAL = tuple(range(11, 17))
"""LCZ A-F, the land cover types without water."""
UTFVI_LIMITS = (0.0, 0.005, 0.010, 0.015, 0.020)
UTFVI_NAMES = ("none", "weak", "middle", "strong", "stronger", "strongest")
"""Heat island phenomenon by UTFVI (Liu & Zhang 2011, doi 10.3390/rs3071535, table 3)."""


@dataclass(frozen=True)
class Measure:
    """A difference in K with its interval and sample sizes."""

    difference: float
    ci: tuple[float, float]
    n_urban: int
    n_background: int
    definition: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON; an interval that cannot be had is null."""
        ci = list(self.ci) if np.isfinite(self.ci[0]) else None
        return {
            "difference": self.difference, "difference_ci": ci, "n_urban": self.n_urban,
            "n_background": self.n_background, "definition": self.definition,
        }  # fmt: skip


@dataclass
class _Scene:
    """Temperatures and classes (y, x), and the bootstrap blocks of the pixels that have both."""

    values: np.ndarray
    codes: np.ndarray
    blocks: Blocks
    weights: np.ndarray
    cell: float

    @classmethod
    def of(
        cls,
        temperature: xr.DataArray,
        lcz: xr.DataArray,
        block_size: float,
        replicates: int,
        seed: int,
    ) -> _Scene:
        box = check_projected(
            check_same_grid(temperature, lcz, ("thermal raster", "LCZ map")), "LCZ map"
        )
        values, codes = np.asarray(temperature.data), np.asarray(lcz.data)
        cell = abs(box.affine.a)
        blocks = Blocks.of(np.isfinite(values) & (codes > 0), cell, block_size)
        weights = block_weights(blocks.n, replicates, np.random.default_rng(seed))
        return cls(values, codes, blocks, weights, cell)

    def pixels(self, classes: tuple[int, ...]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Temperatures (n,) of the pixels of some classes, and their blocks, some rows at a time."""
        wanted = np.isin(np.arange(256), classes)
        for rows in bands(self.codes.shape):
            values = self.values[rows]
            mask = wanted[self.codes[rows]] & np.isfinite(values)
            yield values[mask], self.blocks.of_rows(rows, values.shape[1])[mask]

    def resample(
        self, classes: tuple[int, ...], statistic: Statistic, quantile: float = 0.5
    ) -> tuple[int, float, np.ndarray, float]:
        """Pixels of some classes, their level, its replicates, and how many blocks it rests on."""
        values = np.concatenate([v for v, _ in self.pixels(classes)])
        if not values.size:
            return 0, np.nan, np.empty(0), 0
        level = values.mean(dtype=float) if statistic == "mean" else quantile_of(values, quantile)
        low, high = (quantile_of(values, q) for q in (0.002, 0.998))
        n = values.size
        del values
        sample = block_sample(self.pixels(classes), low, high, self.blocks.n)
        drawn = sample.resample(self.weights, statistic, quantile)
        return n, float(level), drawn, sample.effective_blocks

    def built_minus(
        self,
        background: tuple[int, ...],
        statistics: tuple[Statistic, Statistic],
        quantile: float,
        confidence: float,
        words: str,
    ) -> Measure:
        """Level of the built types minus that of a background, by a statistic each.

        A median of the background may be another `quantile`.
        """
        first, second = statistics
        built, level, a, m_a = self.resample(URBAN, first)
        other, below, b, m_b = self.resample(background, second, quantile)
        if not built or not other:
            msg = (
                f"There are {built} built and {other} other pixels with a temperature: "
                "this measure needs both."
            )
            raise InputError(msg)
        difference = level - below
        m = bootstrap.combined_blocks(a, m_a, b, m_b)
        ci = bootstrap.percentile_interval(a - b, difference, confidence, m)
        return Measure(difference, ci, built, other, words)


def urban_rural(
    temperature: xr.DataArray,
    lcz: xr.DataArray,
    block_size: float,
    *,
    statistic: Statistic = "median",
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Measure:
    """Built types (LCZ 1-10) minus land cover types without water (LCZ A-F).

    Formula 12 of Zhou et al. (2022), the urban minus rural difference; its weakness is that both
    groups mix zones as they happen to be there.

    Parameters
    ----------
    temperature, lcz : DataArray (y, x)
        degC and codes 0..17 on one grid in metres.
    block_size : float
        Side of a bootstrap block in m, as :func:`surface_heat_island` found it.
    statistic, replicates, confidence, seed
        As there.
    """
    scene = _Scene.of(temperature, lcz, block_size, replicates, seed)
    words = f"{statistic} of LCZ 1-10 minus {statistic} of LCZ A-F (water left out)"
    return scene.built_minus(RURAL, (statistic, statistic), 0.5, confidence, words)


def low_percentile(
    temperature: xr.DataArray,
    lcz: xr.DataArray,
    block_size: float,
    *,
    percentile: float = 5.0,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Measure:
    """Mean of the built types minus a low percentile of all land, the scene's cool background.

    Needs no rural class, but follows the scene's frame: the more mountain in it, the larger.

    Parameters
    ----------
    temperature, lcz, block_size, replicates, confidence, seed
        As for :func:`urban_rural`.
    percentile : float
        Of the temperatures of all classes but water.
    """
    scene = _Scene.of(temperature, lcz, block_size, replicates, seed)
    words = f"mean of LCZ 1-10 minus percentile {percentile:g} of all land"
    land = URBAN + RURAL
    return scene.built_minus(land, ("mean", "median"), percentile / 100, confidence, words)


def distance_profile(
    temperature: xr.DataArray,
    lcz: xr.DataArray,
    block_size: float,
    *,
    step: float = 500.0,
    reach: float = 10_000.0,
    replicates: int = 500,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Mean temperature by distance from the edge of the built area (negative: inside), water left out.

    Parameters
    ----------
    temperature, lcz, block_size, replicates, confidence, seed
        As for :func:`urban_rural`.
    step, reach : float
        Width of a ring and furthest distance, m. Built areas and gaps in them smaller than 3 x 3
        pixels make no edge.

    Returns
    -------
    DataFrame
        ``distance`` (middle of the ring, m), ``mean`` (degC), ``ci_low``, ``ci_high``, ``n_pixels``.
    """
    scene = _Scene.of(temperature, lcz, block_size, replicates, seed)
    built = np.isin(np.asarray(lcz.data), URBAN)
    built = ndimage.binary_opening(ndimage.binary_closing(built, np.ones((3, 3))), np.ones((3, 3)))
    columns = ["distance", "mean", "ci_low", "ci_high", "n_pixels"]
    if not built.any() or built.all():
        return pd.DataFrame(columns=columns)
    edges = np.arange(-reach, reach, step)
    n, total = (np.zeros((edges.size, scene.blocks.n)) for _ in range(2))
    for sign, side in ((1, ~built), (-1, built)):
        for rows, distance in _to_edge(side, scene.cell):
            values = scene.values[rows]
            ring = np.floor((sign * distance + reach) / step)
            codes = scene.codes[rows]
            mask = side[rows] & np.isfinite(values) & (codes > 0) & (codes != WATER)
            mask &= (ring >= 0) & (ring < edges.size)
            at = ring[mask].astype(np.int64) * scene.blocks.n
            at += scene.blocks.of_rows(rows, values.shape[1])[mask]
            n += np.bincount(at, minlength=n.size).reshape(n.shape)
            total += np.bincount(at, values[mask], minlength=n.size).reshape(n.shape)
    rows = []
    for low, count, summed in zip(edges, n, total, strict=True):
        if count.sum() < 30:
            continue
        mean = float(summed.sum() / count.sum())
        with np.errstate(invalid="ignore"):
            replicated = (scene.weights @ summed) / (scene.weights @ count)
        m = float(count.sum() ** 2 / (count**2).sum())
        ci = bootstrap.percentile_interval(replicated, mean, confidence, m)
        rows.append((low + step / 2, mean, *ci, int(count.sum())))
    return pd.DataFrame(rows, columns=columns)


def _to_edge(side: np.ndarray, cell: float) -> Iterator[tuple[slice, np.ndarray]]:
    """How far the pixels of a side are from the other one, m: rows, and (rows, x), some rows at a time."""
    # the places of the nearest pixels take a fifth of the room of the distances to them
    nearest = ndimage.distance_transform_edt(side, return_distances=False, return_indices=True)
    for rows in bands(side.shape):
        y, x = nearest[:, rows].astype(float)
        y -= np.arange(rows.start, rows.stop)[:, None]
        x -= np.arange(side.shape[1])
        yield rows, np.sqrt(y**2 + x**2) * cell


def persistence(
    differences: xr.DataArray, threshold: float = 1.0, min_dates: int = 3
) -> xr.Dataset:
    """Share of the dates on which a pixel is more than `threshold` K above the reference.

    Parameters
    ----------
    differences : DataArray (time, y, x)
        K against the reference of the same date, NaN where missing.
    threshold : float
        K.
    min_dates : int
        Pixels with fewer dates are NaN.

    Returns
    -------
    Dataset (y, x)
        ``share`` (0..1), ``n_dates``, and the Wilson 95% interval ``share_low``, ``share_high``.
    """
    n = differences.notnull().sum("time")
    hot = (differences > threshold).sum("time")
    share = (hot / n).where(n >= min_dates)
    z2 = special.ndtri(0.975) ** 2
    centre = (hot + z2 / 2) / (n + z2)
    half = np.sqrt(z2) / (n + z2) * np.sqrt(hot * (n - hot) / n.where(n > 0) + z2 / 4)
    low, high = (v.where(n >= min_dates) for v in (centre - half, centre + half))
    out = {"share": share, "share_low": low, "share_high": high}
    return xr.Dataset({k: v.astype(np.float32) for k, v in out.items()} | {"n_dates": n})


def utfvi(temperature: xr.DataArray) -> xr.Dataset:
    """Urban thermal field variance index, (T - mean T) / T in kelvin, and its six levels.

    Zhang (2006); limits 0, 0.005, 0.010, 0.015, 0.020 after Liu & Zhang 2011, doi
    10.3390/rs3071535. The mean is that of the scene, so values of two scenes do not compare.

    Returns
    -------
    Dataset (y, x)
        ``utfvi`` and ``level`` (0 none .. 5 strongest, 255 no data).
    """
    celsius = np.asarray(temperature.data)
    known = np.isfinite(celsius)
    mean = float(celsius.mean(dtype=float, where=known)) + 273.15
    index = np.empty(celsius.shape, np.float32)
    level = np.empty(celsius.shape, np.uint8)
    for rows in bands(celsius.shape):
        index[rows] = 1 - mean / (celsius[rows] + 273.15)
        level[rows] = np.where(known[rows], np.digitize(index[rows], UTFVI_LIMITS), 255)
    out = xr.Dataset({"utfvi": temperature.copy(data=index)})
    out["level"] = temperature.copy(data=level)
    out["utfvi"].attrs = {"units": "1"}
    out["level"].attrs = {
        "flag_values": np.arange(6, dtype=np.uint8),
        "flag_meanings": " ".join(UTFVI_NAMES),
    }
    return out
