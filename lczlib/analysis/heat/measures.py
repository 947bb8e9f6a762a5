"""Other measures of the surface heat island in use, with the interval or test each one needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import ndimage, special

from lczlib.analysis.heat import bootstrap
from lczlib.analysis.heat.bootstrap import block_sample, block_weights
from lczlib.analysis.heat.options import Statistic
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
    """Classified pixels with a temperature and the bootstrap block of each."""

    values: np.ndarray
    codes: np.ndarray
    blocks: np.ndarray
    weights: np.ndarray
    keep: np.ndarray
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
        keep = np.isfinite(values) & (codes > 0)
        blocks, n = bootstrap.block_numbers(keep, cell, block_size)
        weights = block_weights(n, replicates, np.random.default_rng(seed))
        return cls(values[keep], codes[keep], blocks, weights, keep, cell)

    def resample(
        self, mask: np.ndarray, statistic: Statistic, quantile: float = 0.5
    ) -> tuple[np.ndarray, float]:
        sample = block_sample(self.values[mask], self.blocks[mask], self.weights.shape[1])
        return sample.resample(self.weights, statistic, quantile), sample.effective_blocks

    def level(self, mask: np.ndarray, statistic: Statistic, quantile: float = 0.5) -> float:
        values = self.values[mask]
        return float(values.mean() if statistic == "mean" else np.quantile(values, quantile))

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
        built, other = np.isin(self.codes, URBAN), np.isin(self.codes, background)
        if not built.any() or not other.any():
            msg = (
                f"There are {built.sum()} built and {other.sum()} other pixels with a temperature: "
                "this measure needs both."
            )
            raise InputError(msg)
        first, second = statistics
        difference = self.level(built, first) - self.level(other, second, quantile)
        a, m_a = self.resample(built, first)
        b, m_b = self.resample(other, second, quantile)
        m = bootstrap.combined_blocks(a, m_a, b, m_b)
        ci = bootstrap.percentile_interval(a - b, difference, confidence, m)
        return Measure(difference, ci, int(built.sum()), int(other.sum()), words)


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
    outside = ndimage.distance_transform_edt(~built) - ndimage.distance_transform_edt(built)
    distance = (outside * scene.cell)[scene.keep]
    land = scene.codes != 17
    rows = []
    for low in np.arange(-reach, reach, step):
        ring = land & (distance >= low) & (distance < low + step)
        if ring.sum() < 30:
            continue
        mean = float(scene.values[ring].mean())
        replicated, m = scene.resample(ring, "mean")
        ci = bootstrap.percentile_interval(replicated, mean, confidence, m)
        rows.append((low + step / 2, mean, *ci, int(ring.sum())))
    return pd.DataFrame(rows, columns=columns)


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


NO_SPOT = -128
"""No-data value of `getis_ord`'s spots."""


def getis_ord(temperature: xr.DataArray, radius: float = 500.0, q: float = 0.05) -> xr.Dataset:
    """Hot and cold spots: Getis and Ord's Gi* of the temperature within a radius.

    Binary weights, the pixel itself included (Getis & Ord 1992; Ord & Getis 1995, doi
    10.1111/j.1538-4632.1995.tb00912.x). With one test a pixel, spots are those of a false discovery
    rate of at most `q` (Benjamini & Yekutieli 2001, valid under any dependence).

    Parameters
    ----------
    temperature : DataArray (y, x)
        NaN where missing, on a grid in metres.
    radius : float
        m.
    q : float
        False discovery rate.

    Returns
    -------
    Dataset (y, x)
        ``z`` (Gi* as a standard normal deviate) and ``spot`` (1 hot, -1 cold, 0 neither, `NO_SPOT`
        where there is no temperature).
    """
    values = np.asarray(temperature.data, np.float64)
    cell = abs(float(temperature.odc.geobox.affine.a))
    known = np.isfinite(values)
    reach = int(radius / cell)
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = (np.hypot(dy, dx) * cell <= radius).astype(float)
    n, mean, sd = known.sum(), values[known].mean(), values[known].std()
    from scipy.signal import oaconvolve
    from scipy.stats import false_discovery_control

    total = oaconvolve(np.where(known, values - mean, 0), disc, mode="same")
    count = np.rint(oaconvolve(known.astype(float), disc, mode="same"))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = total / (sd * np.sqrt((n * count - count**2) / (n - 1)))
    z = np.where(known, z, np.nan)
    spot = np.full(z.shape, NO_SPOT, np.int8)
    usable = np.isfinite(z)
    p = 2 * special.ndtr(-np.abs(z[usable]))
    found = false_discovery_control(p, method="by") <= q
    spot[usable] = np.where(found, np.sign(z[usable]), 0)
    out = xr.Dataset({"z": temperature.copy(data=z.astype(np.float32))})
    out["spot"] = temperature.copy(data=spot)
    out["z"].attrs = {"units": "1", "long_name": f"Getis-Ord Gi* within {radius:g} m"}
    out["spot"].attrs = {
        "flag_values": np.array([-1, 0, 1], np.int8),
        "flag_meanings": "cold none hot",
    }
    return out


def utfvi(temperature: xr.DataArray) -> xr.Dataset:
    """Urban thermal field variance index, (T - mean T) / T in kelvin, and its six levels.

    Zhang (2006); limits 0, 0.005, 0.010, 0.015, 0.020 after Liu & Zhang 2011, doi
    10.3390/rs3071535. The mean is that of the scene, so values of two scenes do not compare.

    Returns
    -------
    Dataset (y, x)
        ``utfvi`` and ``level`` (0 none .. 5 strongest, 255 no data).
    """
    kelvin = temperature + 273.15
    index = ((kelvin - kelvin.mean()) / kelvin).astype(np.float32)
    level = np.digitize(index.data, UTFVI_LIMITS).astype(np.uint8)
    level[~np.isfinite(index.data)] = 255
    out = xr.Dataset({"utfvi": index, "level": temperature.copy(data=level)})
    out["utfvi"].attrs = {"units": "1"}
    out["level"].attrs = {
        "flag_values": np.arange(6, dtype=np.uint8),
        "flag_meanings": " ".join(UTFVI_NAMES),
    }
    return out
