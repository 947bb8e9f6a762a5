"""Synthetic scenes for `heat_coverage.py`: a fixed layout of six classes, and noise that is hard in one way each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from odc.geo.geobox import GeoBox
from scipy import fft, ndimage, stats

from lczlib.analysis.heat import SurfaceOptions
from lczlib.analysis.heat.differences import Differences
from lczlib.analysis.heat.intervals import Cuts, spatial_errors
from lczlib.analysis.heat.parts import side_of_squares
from lczlib.analysis.heat.patches import interior, patch_numbers
from lczlib.analysis.heat.pixels import ClassValues, Pixels
from lczlib.analysis.heat.reference import Reference
from lczlib.analysis.heat.spatial import sums_by_part

CELL = 100.0
LEVEL = 0.95
"""Confidence of the intervals."""
TRUTH = {2: 3.0, 3: 2.0, 6: 1.0, 11: -2.0, 14: 0.0, 16: 0.5}
"""LCZ number: K above LCZ D (14)."""
LOW_PLANTS = 14
SPREADS = {2: 2.0, 11: 0.4}
OPTIONS = SurfaceOptions()


@dataclass(frozen=True)
class Hard:
    """A kind of noise.

    Attributes
    ----------
    words : str
        What is hard about it.
    lengths : tuple of float
        Of the exponential correlogram of its field, m; two where they differ by direction.
    kind : str
        What is done to the field.
    """

    words: str
    lengths: tuple[float, ...] = (500.0,)
    kind: str = ""


FIELDS = (
    Hard("correlation length 500 m"),
    Hard("gradient of 4 K in any direction", kind="gradient"),
    Hard("anisotropy, 1,000 and 300 m", (1000.0, 300.0)),
    Hard("outliers, 2 % of 20 K", kind="outliers"),
    Hard("cold cloud edges, to -15 K", kind="clouds"),
    Hard("heavy tails, t with 3 df", kind="tails"),
    Hard("correlation length 1,500 m", (1500.0,)),
    Hard("spread by class, 0.4 to 2", kind="spreads"),
    Hard("relief of 80 m sd, elevation given", kind="relief"),
    Hard("correlation length 300 m", (300.0,)),
    Hard("an effect of each patch, 1 K", kind="patches"),
)


def layout(size: int, seed: int = 5) -> np.ndarray:
    """Class codes (y, x): the highest of six smooth random fields, patches of some 500 m to 2 km."""
    rng = np.random.default_rng(seed)
    fields = [ndimage.gaussian_filter(rng.standard_normal((size, size)), 8) for _ in TRUTH]
    return np.array(list(TRUTH), np.uint8)[np.argmax(fields, axis=0)]


class Field:
    """Stationary Gaussian fields of variance 1, by circulant embedding."""

    def __init__(self, size: int, lengths: tuple[float, ...]) -> None:
        self.size, n = size, fft.next_fast_len(2 * size)
        lag = np.minimum(np.arange(n), n - np.arange(n)) * CELL
        correlogram = np.exp(-np.hypot(lag[:, None] / lengths[-1], lag / lengths[0]))
        self._root = np.sqrt(fft.fft2(correlogram).real.clip(0)) / n

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """One field (size, size)."""
        white = rng.standard_normal((2, *self._root.shape))
        whole = fft.fft2(self._root * (white[0] + 1j * white[1]))
        return whole.real[: self.size, : self.size]


class Scene:
    """The layout of a size, its interior pixels, and the covariances by usual and by coarse squares."""

    def __init__(self, km: int) -> None:
        self.size = round(km * 1000 / CELL)
        self.codes = layout(self.size)
        self.box = GeoBox.from_bbox((0, 0, *[self.size * CELL] * 2), "EPSG:32633", resolution=CELL)
        self.keep = interior(self.codes, OPTIONS.interior)
        rng = np.random.default_rng(6)
        hills = ndimage.gaussian_filter(rng.standard_normal(self.codes.shape), 15)
        self.elevation = (80 * hills / hills.std()).astype(np.float32)
        self.pixels = Pixels.gather(self.elevation, self.codes, self.keep, None, CELL, 0)
        self.patches, self.n_patches = patch_numbers(self.codes)
        side = side_of_squares(self.codes, self.keep)
        self.cuts, self.coarse = (
            Cuts.of(self.pixels.runs, CELL, n * side, keep=True) for n in (1, 2)
        )
        counts = {c: self.pixels.runs.pixels_of(c) for c in TRUTH if c != LOW_PLANTS}
        self.classes = [c for c, n in counts.items() if n >= OPTIONS.min_pixels]
        self.spread = np.ones(18)
        self.spread[list(SPREADS)] = list(SPREADS.values())
        self.level = np.zeros(18)
        self.level[list(TRUTH)] = list(TRUTH.values())

    def celsius(self, hard: Hard, field: Field, rng: np.random.Generator) -> np.ndarray:
        """Temperatures (y, x) of a trial."""
        noise, shape, kind = field.draw(rng), self.codes.shape, hard.kind
        if kind == "tails":
            noise = stats.t.ppf(stats.norm.cdf(noise), 3) / np.sqrt(3)
        noise = 1.5 * noise
        if kind == "gradient":
            turn = rng.uniform(0, 2 * np.pi)
            y, x = np.mgrid[: shape[0], : shape[1]] / max(shape)
            noise = noise + 4 * (np.cos(turn) * x + np.sin(turn) * y)
        elif kind == "outliers":
            noise = noise + 20 * rng.standard_normal(shape) * (rng.random(shape) < 0.02)
        elif kind == "clouds":
            thick = ndimage.gaussian_filter(rng.standard_normal(shape), 6, mode="wrap")
            noise = noise - np.clip(10 * (thick / thick.std() - 1.5), 0, 15)
        elif kind == "spreads":
            noise = noise * self.spread[self.codes]
        elif kind == "relief":
            noise = noise - 0.0065 * self.elevation
        elif kind == "patches":
            noise = noise / 1.5 + rng.standard_normal(self.n_patches + 1)[self.patches]
        noise = noise + 0.3 * rng.standard_normal(shape)
        return (25 + self.level[self.codes] + noise).astype(np.float32)

    def gathered(self, celsius: np.ndarray, hard: Hard) -> Pixels:
        """The pixels of a trial."""
        height = self.elevation if hard.kind == "relief" else None
        return replace(self.pixels, celsius=celsius, elevation=height)

    def intervals(self, pixels: Pixels, cuts: Cuts) -> np.ndarray:
        """Difference and interval of each class, as `surface_heat_island` has them: (classes, 3)."""
        values: dict[int, ClassValues] = {}
        sums = sums_by_part(cuts.parts, pixels.residuals("median", values), pixels.covariates)
        error = spatial_errors(cuts, sums)
        found = Differences(pixels, values, error, Reference((LOW_PLANTS,), "LCZ D"), OPTIONS)
        rows = [found.of(c, values[c].n) for c in self.classes]
        return np.array([[r["difference"], r["ci_low"], r["ci_high"]] for r in rows])


def independent(held: np.ndarray) -> tuple[float, float]:
    """Share of the intervals that hold the truth, and how many independent ones tell that.

    Classes of one trial share their reference: there are as many as the spread between trials says
    (Korn & Graubard 1998, Survey Methodology 24, 193-201).

    Parameters
    ----------
    held : array (trials, classes)
        Whether each holds it; NaN where there is none.
    """
    n, mean = np.isfinite(held).sum(1), np.nanmean(held)
    left = np.nansum(held - mean, axis=1)
    variance = (left**2).sum() / n.sum() ** 2
    if not variance > 0:
        return float(mean), float((n > 0).sum())
    return float(mean), float(min(n.sum(), mean * (1 - mean) / variance))


def binomial(p: float, n: float) -> tuple[float, float]:
    """The 95 % interval of a share of `n` (Clopper & Pearson 1934, Biometrika 26, 404-413)."""
    tail = (1 - LEVEL) / 2
    low, high = stats.beta.ppf([tail, 1 - tail], [p * n, p * n + 1], [n - p * n + 1, n - p * n])
    return float(np.nan_to_num(low)), float(np.nan_to_num(high, nan=1.0))
