"""How often the 95 % interval of a surface heat difference holds the truth, and how wide it is.

Synthetic scenes of 8, 12 and 30 km (100 m pixels): a fixed layout of six classes with known temperatures,
and noise that is hard in one way each. Prints a table of cells, and judges them:

    python benchmarks/heat_coverage.py [--trials 1000] [--workers 2] [--out benchmarks/results/heat_coverage.md]

With ``--methods``, the methods that were to choose from, on fewer trials. With ``--moved RASTER MAP``, an
illustration: the residuals of a real scene moved over its map, where every true difference is 0.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from scipy import fft, ndimage, stats

import lczlib
from lczlib.analysis.heat import SurfaceOptions
from lczlib.analysis.heat.bootstrap import (
    block_sample,
    block_weights,
    combined_blocks,
    percentile_interval,
)
from lczlib.analysis.heat.differences import Differences
from lczlib.analysis.heat.parts import parts_of
from lczlib.analysis.heat.patches import interior, patch_numbers
from lczlib.analysis.heat.pixels import Pixels
from lczlib.analysis.heat.reference import Reference
from lczlib.analysis.heat.spatial import (
    Candidates,
    candidates,
    influences,
    spatial_error,
)
from lczlib.analysis.significance import holm
from lczlib.grid import on_grid

CELL = 100.0
SIZES = (8, 12, 30)
LEVEL = 0.95
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
    Hard("correlation length 300 m", (300.0,)),
    Hard("correlation length 500 m"),
    Hard("correlation length 1,500 m", (1500.0,)),
    Hard("gradient of 4 K in any direction", kind="gradient"),
    Hard("anisotropy, 1,000 and 300 m", (1000.0, 300.0)),
    Hard("outliers, 2 % of 20 K", kind="outliers"),
    Hard("cold cloud edges, to -15 K", kind="clouds"),
    Hard("heavy tails, t with 3 df", kind="tails"),
    Hard("spread by class, 0.4 to 2", kind="spreads"),
    Hard("relief of 80 m sd, elevation given", kind="relief"),
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
    """The layout of a size, its interior pixels, and the grids of covariances for squares of three sizes."""

    def __init__(self, km: int) -> None:
        self.size, self.reach = round(km * 1000 / CELL), km * 1000.0
        self.codes = layout(self.size)
        self.keep = interior(self.codes, OPTIONS.interior)
        rng = np.random.default_rng(6)
        hills = ndimage.gaussian_filter(rng.standard_normal(self.codes.shape), 15)
        self.elevation = (80 * hills / hills.std()).astype(np.float32)
        self.pixels = Pixels.gather(self.elevation, self.codes, self.keep, None, CELL, 0)
        self.patches, self.n_patches = patch_numbers(self.codes)
        usual = self._grid(None)
        self.grids = [usual, *(self._grid(usual.parts.side * by) for by in (0.5, 2))]
        counts = {c: (self.pixels.codes == c).sum() for c in TRUTH if c != LOW_PLANTS}
        self.classes = [c for c, n in counts.items() if n >= OPTIONS.min_pixels]
        self.spread = np.ones(18)
        self.spread[list(SPREADS)] = list(SPREADS.values())
        self.level = np.zeros(18)
        self.level[list(TRUTH)] = list(TRUTH.values())

    def _grid(self, side: float | None) -> Candidates:
        args = self.keep, self.pixels.codes, self.pixels.patches, CELL, side
        return candidates(parts_of(*args), self.reach, CELL)

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
        height = self.elevation[self.keep] if hard.kind == "relief" else None
        return replace(self.pixels, values=celsius[self.keep], elevation=height)

    def intervals(self, pixels: Pixels, grid: Candidates) -> np.ndarray:
        """Difference and interval of each class, as `surface_heat_island` has them: (classes, 3)."""
        error = spatial_error(
            grid, influences(pixels.values, pixels.codes, "median"), pixels.covariates
        )
        found = Differences(pixels, error, Reference((LOW_PLANTS,), "LCZ D"), OPTIONS)
        rows = [found.of(c, int((pixels.codes == c).sum())) for c in self.classes]
        return np.array([[r["difference"], r["ci_low"], r["ci_high"]] for r in rows])


@cache
def scene_of(km: int) -> Scene:
    """A scene, made once."""
    return Scene(km)


@dataclass(frozen=True)
class Cell:
    """What came of the trials of a size and a field.

    Attributes
    ----------
    found : array (trials, classes, 3)
        Difference and interval.
    moved : array (trials, squares, classes, 3)
        The same with squares of half and of double the side.
    truth : array (classes,)
        K.
    """

    km: int
    hard: Hard
    found: np.ndarray
    moved: np.ndarray
    truth: np.ndarray

    @property
    def held(self) -> np.ndarray:
        """Whether each interval holds the truth: (trials, classes); NaN where there is none."""
        low, high = self.found[..., 1], self.found[..., 2]
        return np.where(np.isfinite(low), (low <= self.truth) & (self.truth <= high), np.nan)

    @property
    def coverage(self) -> tuple[float, float, float]:
        """Share that hold the truth and its 95 % interval.

        Classes of one trial share their reference: the binomial interval is of as many independent
        ones as the spread between trials says (Korn & Graubard 1998, Survey Methodology 24, 193-201).
        """
        p, n = self._sample()
        tail = (1 - LEVEL) / 2
        low, high = stats.beta.ppf([tail, 1 - tail], [p * n, p * n + 1], [n - p * n + 1, n - p * n])
        return p, float(np.nan_to_num(low)), float(np.nan_to_num(high, nan=1.0))

    def _sample(self) -> tuple[float, float]:
        held = self.held
        n, mean = np.isfinite(held).sum(1), np.nanmean(held)
        left = np.nansum(held - mean, axis=1)
        variance = (left**2).sum() / n.sum() ** 2
        return float(mean), float(min(n.sum(), mean * (1 - mean) / max(variance, 1e-12)))

    @property
    def p(self) -> float:
        """Probability of as many that hold the truth, if only 90 % did."""
        p, n = self._sample()
        return float(stats.beta.cdf(0.9, p * n, n - p * n + 1))

    @property
    def refused(self) -> float:
        """Share without an interval."""
        return float(np.isnan(self.found[..., 1]).mean())

    @property
    def width(self) -> float:
        """Mean width against that of one who knows the covariance, and so the estimate's true spread."""
        error = np.sqrt(((self.found[..., 0] - self.truth) ** 2).mean(0))
        known = 2 * stats.norm.ppf((1 + LEVEL) / 2) * error
        return float(np.nanmean(np.nanmean(self.found[..., 2] - self.found[..., 1], 0) / known))

    @property
    def moves(self) -> tuple[float, float]:
        """How far bounds move with the squares, in widths: mean and 95th percentile."""
        usual = self.found[: len(self.moved), None]
        by = np.abs(self.moved[..., 1:] - usual[..., 1:]) / (usual[..., 2:] - usual[..., 1:2])
        by = by[np.isfinite(by)]
        return float(by.mean()), float(np.quantile(by, 0.95))


def run_cell(km: int, hard: Hard, trials: int, seed: int = 0) -> Cell:
    """The trials of a size and a field."""
    scene, rng = scene_of(km), np.random.default_rng(seed)
    field = Field(scene.size, hard.lengths)
    found, moved = [], []
    for i in range(trials):
        pixels = scene.gathered(scene.celsius(hard, field, rng), hard)
        usual, *others = scene.grids
        found.append(scene.intervals(pixels, usual))
        if i < trials // 4:
            moved.append([scene.intervals(pixels, grid) for grid in others])
    truth = np.array([TRUTH[c] for c in scene.classes])
    return Cell(km, hard, np.array(found), np.array(moved), truth)


HEADS = (
    "scene", "noise", "hold the truth", "binomial 95 %", "worst class", "p (<= 90 %), Holm", "width / known",
    "refused", "bounds move: mean, 95th",
)  # fmt: skip


def table(cells: list[Cell], trials: int) -> str:
    """The cells as a table, judged together."""
    lines = [
        f"{trials:,} trials a cell, {LEVEL:.0%} intervals of the difference of medians. Width: against 2 x 1.96 "
        "x the estimate's own spread over the trials. Bounds: squares of half and double the side, in widths.",
        "", f"| {' | '.join(HEADS)} |", f"|{' --- |' * len(HEADS)}",
    ]  # fmt: skip
    for cell, p in zip(cells, holm(np.array([c.p for c in cells])), strict=True):
        share, low, high = cell.coverage
        row = (
            f"{cell.km} km", cell.hard.words, f"{share:.1%}", f"{low:.1%} to {high:.1%}",
            f"{np.nanmean(cell.held, 0).min():.1%}", f"{p:.2g}", f"{cell.width:.2f}", f"{cell.refused:.1%}",
            "{:.1%}, {:.1%}".format(*cell.moves),
        )  # fmt: skip
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def by_pixels(scene: Scene, pixels: Pixels) -> np.ndarray:
    """Pixels taken as independent: normal intervals of the medians, (classes, 3)."""
    out = []
    for c in scene.classes:
        a, b = (pixels.values[pixels.codes == k] for k in (c, LOW_PLANTS))
        half = 1.96 * 1.2533 * np.sqrt(a.var() / a.size + b.var() / b.size)
        d = float(np.median(a) - np.median(b))
        out.append((d, d - half, d + half))
    return np.array(out)


def by_blocks(
    scene: Scene, pixels: Pixels, sides: tuple[float, ...], origins: int, seed: int
) -> np.ndarray:
    """Square blocks drawn with replacement, intervals averaged over sides and origins: (classes, 3)."""
    rng, found = np.random.default_rng(seed), []
    y, x = np.nonzero(scene.keep)
    for side in sides:
        cells = max(1, round(side / CELL))
        for _ in range(origins):
            dy, dx = rng.integers(0, cells, 2) if origins > 1 else (0, 0)
            numbers = (y + dy) // cells * 1000 + (x + dx) // cells
            blocks = np.unique(numbers, return_inverse=True)[1].astype(np.int32)
            n = int(blocks.max()) + 1
            weights = block_weights(n, 400, rng)
            samples = {
                c: block_sample(pixels.values[m], blocks[m], n)
                for c in (*scene.classes, LOW_PLANTS)
                for m in [pixels.codes == c]
            }
            drawn = {c: s.resample(weights, "median") for c, s in samples.items()}
            base, of_base = drawn[LOW_PLANTS], samples[LOW_PLANTS].effective_blocks
            level = np.median(pixels.values[pixels.codes == LOW_PLANTS])
            rows = []
            for c in scene.classes:
                d = float(np.median(pixels.values[pixels.codes == c]) - level)
                m = combined_blocks(drawn[c], samples[c].effective_blocks, base, of_base)
                rows.append((d, *percentile_interval(drawn[c] - base, d, LEVEL, m)))
            found.append(rows)
    return np.nanmean(np.array(found), axis=0)


def compare_methods(km: int, hard: Hard, trials: int) -> str:
    """Coverage and width of each method in a cell; the blocks know the true range."""
    scene, rng = scene_of(km), np.random.default_rng(1)
    field, wanted = Field(scene.size, hard.lengths), 4 * 2.3 * max(hard.lengths)
    longest = scene.reach / 5
    side = min(wanted, longest)
    several = tuple(min(wanted, longest) / by for by in (1, 1.5, 2))
    ways = {
        "pixels": lambda p, _: by_pixels(scene, p),
        "blocks": lambda p, i: by_blocks(scene, p, (side,), 1, i),
        "blocks averaged": lambda p, i: by_blocks(scene, p, several, 3, i),
        "covariance": lambda p, _: scene.intervals(p, scene.grids[0]),
    }
    found: dict[str, list[np.ndarray]] = {name: [] for name in ways}
    for i in range(trials):
        pixels = scene.gathered(scene.celsius(hard, field, rng), hard)
        for name, way in ways.items():
            found[name].append(way(pixels, i))
    truth = np.array([TRUTH[c] for c in scene.classes])
    cells = [Cell(km, hard, np.array(f), np.empty(0), truth) for f in found.values()]
    told = (f"{c.coverage[0]:.1%} ({c.width:.2f})" for c in cells)
    return f"| {km} km | {hard.words} | {' | '.join(told)} |"


def moved_residuals(raster: str, lcz: str, trials: int) -> str:
    """The residuals of a real scene, moved over its map at random: how many intervals hold 0."""
    first = lczlib.surface_heat(lcz, raster, resample="nearest", plausible=(0, 85)).main
    codes, celsius = first.lcz.to_numpy(), np.asarray(first.stack[0])
    middle = np.array([np.nanmedian(celsius[codes == c]) if (codes == c).any() else np.nan
                       for c in range(18)])  # fmt: skip
    residuals, rng, held = celsius - middle[codes], np.random.default_rng(0), []
    for _ in range(trials):
        by = tuple(int(rng.integers(n)) for n in residuals.shape)
        there = on_grid(np.roll(residuals, by, (0, 1)).astype(np.float32), first.lcz.odc.geobox)
        there.attrs = {"units": "degC"}
        rows = lczlib.surface_heat(first.lcz, there, measures=()).main.result.classes
        rows = rows[rows["note"] != "reference"].dropna(subset=["ci_low"])
        held += list((rows["ci_low"] <= 0) & (rows["ci_high"] >= 0))
    return (
        f"Illustration, no proof: {np.mean(held):.1%} of {len(held):,} intervals hold 0 where the residuals of "
        f"{Path(raster).name} are moved over its map ({trials} times; it is worth "
        f"{first.result.n_pieces:.0f} independent pieces, so that trials repeat each other)."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, help="file for the table, besides printing it")
    parser.add_argument("--methods", action="store_true", help="compare methods")
    parser.add_argument("--moved", nargs=2, metavar=("RASTER", "MAP"), help="illustrate on a scene")
    told = parser.parse_args()
    if told.moved:
        print(moved_residuals(*told.moved, told.trials))
        return
    jobs = [(km, hard, told.trials) for km in SIZES for hard in FIELDS]
    with ProcessPoolExecutor(told.workers) as pool:
        if told.methods:
            print("| scene | noise | pixels | blocks | blocks averaged | covariance |", flush=True)
            print("| --- | --- | --- | --- | --- | --- |", flush=True)
            for line in pool.map(compare_methods, *zip(*jobs, strict=True)):
                print(line, flush=True)
            return
        cells = []
        for cell in pool.map(run_cell, *zip(*jobs, strict=True)):
            cells.append(cell)
            print(f"{cell.km} km, {cell.hard.words}: {cell.coverage[0]:.1%}", file=sys.stderr)
    text = table(cells, told.trials)
    print(text)
    if told.out:
        told.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
