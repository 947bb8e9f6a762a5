"""How often the 95% interval of a surface heat island holds the true class difference.

Synthetic scenes: one fixed layout of six classes (24 x 24 km, 100 m pixels) with known temperatures,
noise with an exponential correlogram and a nugget. Prints the table of the documentation of
``lczlib.analysis.heat.surface_heat_island``:

    python benchmarks/heat_coverage.py [--trials 300]

With ``--small``, scenes of 6 and 12 km, with and without the widening for short blocks.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from odc.geo.geobox import GeoBox
from scipy import fft, ndimage, stats

from lczlib.analysis.heat import SurfaceOptions, surface_heat_island
from lczlib.analysis.heat.bootstrap import (
    block_sample,
    block_weights,
    combined_blocks,
    percentile_interval,
)
from lczlib.analysis.heat.patches import interior, patch_numbers
from lczlib.grid import on_grid

SIZE, CELL = 240, 100.0
TRUTH = {2: 3.0, 3: 2.0, 6: 1.0, 11: -2.0, 14: 0.0, 16: 0.5}
"""LCZ number: degC above LCZ D (14)."""
Covered = list[tuple[bool, float]]
"""For each class but D: whether its interval holds the truth, and the interval's width in K."""
BOX = GeoBox.from_bbox((0, 0, SIZE * CELL, SIZE * CELL), "EPSG:32633", resolution=CELL)


def layout(seed: int = 5) -> np.ndarray:
    """Class codes (y, x): the highest of six smooth random fields, patches of some 500 m to 2 km."""
    rng = np.random.default_rng(seed)
    fields = [ndimage.gaussian_filter(rng.standard_normal((SIZE, SIZE)), 8) for _ in TRUTH]
    return np.array(list(TRUTH), np.uint8)[np.argmax(fields, axis=0)]


@dataclass
class Noise:
    """Stationary Gaussian fields with an exponential correlogram, by circulant embedding."""

    length: float
    sd: float = 1.5
    nugget: float = 0.3

    def __post_init__(self) -> None:
        n = 2 * SIZE
        lag = np.minimum(np.arange(n), n - np.arange(n)) * CELL
        correlogram = np.exp(-np.hypot(lag[:, None], lag[None, :]) / self.length)
        self._root = np.sqrt(fft.fft2(correlogram).real.clip(0))

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """One field (SIZE, SIZE), K."""
        white = rng.standard_normal(self._root.shape) + 1j * rng.standard_normal(self._root.shape)
        field = fft.fft2(self._root * white).real[:SIZE, :SIZE] / np.sqrt(self._root.size)
        return self.sd * field + self.nugget * rng.standard_normal((SIZE, SIZE))


def trial_fields(length: float, trials: int, seed: int = 0) -> tuple[np.ndarray, list[np.ndarray]]:
    """The layout and temperatures (degC) of so many trials."""
    codes = layout()
    level = np.zeros(18)
    level[list(TRUTH)] = list(TRUTH.values())
    rng = np.random.default_rng(seed)
    noise = Noise(length)
    return codes, [(25 + level[codes] + noise.draw(rng)).astype(np.float32) for _ in range(trials)]


def covered_by_blocks(codes: np.ndarray, celsius: np.ndarray, seed: int) -> Covered:
    """Intervals of `surface_heat_island`."""
    options = SurfaceOptions(replicates=400, seed=seed)
    result = surface_heat_island(on_grid(celsius, BOX), on_grid(codes, BOX), options)
    rows = result.classes.drop(index=14)
    return [
        (bool(r.ci_low <= TRUTH[int(c)] <= r.ci_high), r.ci_high - r.ci_low)
        for c, r in rows.iterrows()
    ]


def covered_by_pixels(codes: np.ndarray, celsius: np.ndarray) -> Covered:
    """Intervals of pixels taken as independent: normal, of the median."""
    kept = interior(codes, 1)
    groups = {c: celsius[kept & (codes == c)] for c in TRUTH}
    out = []
    for c in (c for c in TRUTH if c != 14):
        a, b = groups[c], groups[14]
        error = 1.2533 * np.sqrt(a.var() / a.size + b.var() / b.size)
        half = stats.norm.ppf(0.975) * error
        out.append((bool(abs(np.median(a) - np.median(b) - TRUTH[c]) <= half), 2 * half))
    return out


def covered_by_patches(codes: np.ndarray, celsius: np.ndarray, seed: int) -> Covered:
    """Intervals of whole patches drawn with replacement, class and reference apart."""
    kept = interior(codes, 1)
    patches = patch_numbers(codes)[0]
    rng = np.random.default_rng(seed)
    drawn, medians, blocks = {}, {}, {}
    for c in TRUTH:
        mask = kept & (codes == c)
        numbers = np.unique(patches[mask], return_inverse=True)[1].astype(np.int32)
        sample = block_sample(celsius[mask], numbers, int(numbers.max()) + 1)
        drawn[c] = sample.resample(block_weights(sample.n.size, 400, rng), "median")
        medians[c], blocks[c] = np.median(celsius[mask]), sample.effective_blocks
    out = []
    for c in (c for c in TRUTH if c != 14):
        m = combined_blocks(drawn[c], blocks[c], drawn[14], blocks[14])
        low, high = percentile_interval(drawn[c] - drawn[14], medians[c] - medians[14], 0.95, m)
        out.append((bool(low <= TRUTH[c] <= high), high - low))
    return out


def small_scenes(trials: int) -> None:
    """Print the coverage of scenes that have room for few blocks, before and after widening."""
    print(f"{trials} trials: share of nominal 95% intervals that hold the truth")
    print(f"{'scene':>8} {'correlation length':>20} {'plain':>8} {'widened':>8}")
    for size in (60, 120):
        codes = layout()[:size, :size]
        box = GeoBox.from_bbox((0, 0, size * CELL, size * CELL), "EPSG:32633", resolution=CELL)
        for length in (300.0, 800.0):
            _, fields = trial_fields(length, trials)
            plain, widened = [], []
            for i, field in enumerate(fields):
                options = SurfaceOptions(replicates=400, seed=i, min_patches=1)
                celsius = on_grid(field[:size, :size], box)
                rows = surface_heat_island(celsius, on_grid(codes, box), options).classes
                for c, r in rows.drop(index=14).dropna(subset="ci_low").iterrows():
                    truth = TRUTH[int(c)]
                    widened.append(r.ci_low <= truth <= r.ci_high)
                    low, high = (
                        r.difference + (b - r.difference) / r.widening
                        for b in (r.ci_low, r.ci_high)
                    )
                    plain.append(low <= truth <= high)
            print(
                f"{size * CELL / 1000:5.0f} km {length:18.0f} m {np.mean(plain):8.1%} "
                f"{np.mean(widened):8.1%}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--small", action="store_true", help="small scenes, few blocks")
    arguments = parser.parse_args()
    trials = arguments.trials
    if arguments.small:
        small_scenes(trials)
        return
    print(
        f"{trials} trials, {len(TRUTH) - 1} classes each: share of nominal 95% intervals that hold"
    )
    print("the truth (their mean width in K)")
    print(f"{'correlation length':>20} {'pixels':>16} {'patches':>16} {'blocks':>16}")
    for length in (200.0, 500.0, 800.0):
        codes, fields = trial_fields(length, trials)
        found = (
            [covered_by_pixels(codes, f) for f in fields],
            [covered_by_patches(codes, f, i) for i, f in enumerate(fields)],
            [covered_by_blocks(codes, f, i) for i, f in enumerate(fields)],
        )
        means = [
            np.array([pair for trial in x for pair in trial], float).mean(axis=0) for x in found
        ]
        print(f"{length:18.0f} m", *(f"{a:9.1%} ({w:.2f})" for a, w in means), flush=True)


if __name__ == "__main__":
    main()
