"""How often the 95 % interval of a surface heat difference holds the truth, and how wide it is.

Synthetic scenes of 8, 12 and 30 km (100 m pixels, `heat_fields.py`). Prints a table of cells, and judges them:

    python benchmarks/heat_coverage.py [--trials 1000] [--workers 2] [--out benchmarks/results/heat_coverage.md]

With ``--methods``, the methods that were to choose from, on fewer trials. With ``--moved RASTER MAP``, an
illustration: the residuals of a real Landsat 8 Level-1 scene moved over its map, where every true difference is 0.
"""

from __future__ import annotations

import argparse
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from heat_fields import (
    CELL,
    FIELDS,
    LEVEL,
    LOW_PLANTS,
    TRUTH,
    Field,
    Hard,
    Scene,
    binomial,
    independent,
)
from scipy import stats

import lczlib
from lczlib.analysis.heat import surface_heat_island
from lczlib.analysis.heat.bootstrap import (
    block_sample,
    block_weights,
    combined_blocks,
    percentile_interval,
)
from lczlib.analysis.heat.pixels import Pixels
from lczlib.analysis.significance import holm
from lczlib.grid import geobox_of, on_grid

SIZES = (8, 12, 30)


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
    moved : array (trials, classes, 3)
        The same with squares of twice the side.
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
        """Share that hold the truth, and its 95 % interval by `independent`."""
        p, n = independent(self.held)
        return p, *binomial(p, n)

    @property
    def p(self) -> float:
        """Probability of as many that hold the truth, if only 90 % did."""
        p, n = independent(self.held)
        return float(stats.beta.cdf(0.9, p * n, n - p * n + 1))

    @property
    def refused(self) -> float:
        """Share without an interval."""
        return float(np.isnan(self.found[..., 1]).mean())

    @property
    def width(self) -> float:
        """Mean width against that of one who knows the covariance, and so the estimate's true spread."""
        error = np.sqrt(((self.found[..., 0] - self.truth) ** 2).mean(0))
        ratio = (self.found[..., 2] - self.found[..., 1]) / (
            2 * stats.norm.ppf((1 + LEVEL) / 2) * error
        )
        return float(np.mean([np.nanmean(of) for of in ratio.T if np.isfinite(of).any()]))

    @property
    def worst(self) -> float:
        """Share that hold the truth of the class with the lowest."""
        return float(min(np.nanmean(of) for of in self.held.T if np.isfinite(of).any()))

    @property
    def moves(self) -> tuple[float, float]:
        """How far bounds move with the squares, in widths: mean and 95th percentile."""
        usual = self.found[: len(self.moved)]
        by = np.abs(self.moved[..., 1:] - usual[..., 1:]) / (usual[..., 2:] - usual[..., 1:2])
        by = by[np.isfinite(by)]
        return float(by.mean()), float(np.quantile(by, 0.95))


def run_cell(km: int, hard: Hard, trials: int, kept: Path | None = None, seed: int = 0) -> Cell:
    """The trials of a size and a field; from the folder of kept cells where they are there."""
    scene, rng = scene_of(km), np.random.default_rng(seed)
    truth = np.array([TRUTH[c] for c in scene.classes])
    file = kept and kept / f"{km}km_{'-'.join(re.findall('[a-z0-9]+', hard.words))}_{trials}.npz"
    if file and file.exists():
        there = np.load(file)
        return Cell(km, hard, there["found"], there["moved"], truth)
    field = Field(scene.size, hard.lengths)
    found, moved = [], []
    for i in range(trials):
        pixels = scene.gathered(scene.celsius(hard, field, rng), hard)
        found.append(scene.intervals(pixels, scene.cuts))
        if i < max(trials // 10, 1):
            moved.append(scene.intervals(pixels, scene.coarse))
    if file:
        np.savez(file, found=found, moved=moved)
    return Cell(km, hard, np.array(found), np.array(moved), truth)


HEADS = (
    "scene", "noise", "hold the truth", "binomial 95 %", "worst class", "p (<= 90 %), Holm", "width / known",
    "refused", "bounds move: mean, 95th",
)  # fmt: skip


def table(cells: list[Cell], trials: int) -> str:
    """The cells as a table, judged together."""
    lines = [
        f"{trials:,} trials a cell, {LEVEL:.0%} intervals of the difference of medians. Width: against 2 x 1.96 "
        "x the estimate's own spread over the trials. Bounds: with squares of twice the side, in "
        "widths, in a tenth of the trials.",
        "", f"| {' | '.join(HEADS)} |", f"|{' --- |' * len(HEADS)}",
    ]  # fmt: skip
    for cell, p in zip(cells, holm(np.array([c.p for c in cells])), strict=True):
        share, low, high = cell.coverage
        row = (
            f"{cell.km} km", cell.hard.words, f"{share:.1%}", f"{low:.1%} to {high:.1%}",
            f"{cell.worst:.1%}", f"{p:.2g}", f"{cell.width:.2f}", f"{cell.refused:.1%}",
            "{:.1%}, {:.1%}".format(*cell.moves),
        )  # fmt: skip
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def by_pixels(scene: Scene, pixels: Pixels) -> np.ndarray:
    """Pixels taken as independent: normal intervals of the medians, (classes, 3)."""
    out = []
    for c in scene.classes:
        a, b = (pixels.values(k) for k in (c, LOW_PLANTS))
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
    own = scene.codes[scene.keep]
    for side in sides:
        cells = max(1, round(side / CELL))
        for _ in range(origins):
            dy, dx = rng.integers(0, cells, 2) if origins > 1 else (0, 0)
            numbers = (y + dy) // cells * 1000 + (x + dx) // cells
            blocks = np.unique(numbers, return_inverse=True)[1].astype(np.int32)
            n = int(blocks.max()) + 1
            weights = block_weights(n, 400, rng)
            samples = {
                c: block_sample([(v, blocks[own == c])], *np.percentile(v, [0.2, 99.8]), n)
                for c in (*scene.classes, LOW_PLANTS)
                for v in [pixels.values(c)]
            }
            drawn = {c: s.resample(weights, "median") for c, s in samples.items()}
            base, of_base = drawn[LOW_PLANTS], samples[LOW_PLANTS].effective_blocks
            level = np.median(pixels.values(LOW_PLANTS))
            rows = []
            for c in scene.classes:
                d = float(np.median(pixels.values(c)) - level)
                m = combined_blocks(drawn[c], samples[c].effective_blocks, base, of_base)
                rows.append((d, *percentile_interval(drawn[c] - base, d, LEVEL, m)))
            found.append(rows)
    return np.nanmean(np.array(found), axis=0)


def compare_methods(km: int, hard: Hard, trials: int) -> str:
    """Coverage and width of each method in a cell; the blocks know the true range."""
    scene, rng = scene_of(km), np.random.default_rng(1)
    field, wanted = Field(scene.size, hard.lengths), 4 * 2.3 * max(hard.lengths)
    longest = km * 1000 / 5
    side = min(wanted, longest)
    several = tuple(min(wanted, longest) / by for by in (1, 1.5, 2))
    ways = {
        "pixels": lambda p, _: by_pixels(scene, p),
        "blocks": lambda p, i: by_blocks(scene, p, (side,), 1, i),
        "blocks averaged": lambda p, i: by_blocks(scene, p, several, 3, i),
        "covariance": lambda p, _: scene.intervals(p, scene.cuts),
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
    """The residuals of a Landsat 8 Level-1 scene, moved over its map: how many intervals hold 0."""
    constants = {"radiance_mult": 3.342e-4, "radiance_add": 0.1, "k1": 774.8853, "k2": 1321.0789}
    first = lczlib.surface_heat(
        lcz, raster, kind="landsat-l1", band="B10", resample="nearest", plausible=(0, 85), measures=(),
        **constants,
    ).main  # fmt: skip
    codes, celsius = first.lcz.to_numpy(), first.stack[0].to_numpy()
    middle = np.zeros(18)
    for number in np.unique(codes):
        middle[number] = np.nanmedian(celsius[codes == number])
    residuals, rng, held = celsius - middle[codes], np.random.default_rng(0), []
    for _ in range(trials):
        by = tuple(int(rng.integers(n)) for n in residuals.shape)
        moved = on_grid(np.roll(residuals, by, (0, 1)).astype(np.float32), geobox_of(first.lcz))
        rows = surface_heat_island(moved, first.lcz).classes.query("note == ''")
        held += list((rows["ci_low"] <= 0) & (rows["ci_high"] >= 0))
    return (
        f"Illustration, no proof: {np.mean(held):.1%} of {len(held):,} intervals hold 0 where the residuals of "
        f"{Path(raster).name} are moved over its map ({trials} times; the scene is worth "
        f"{first.result.n_pieces:.0f} independent pieces, so that trials repeat each other)."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, help="file for the table, besides printing it")
    parser.add_argument(
        "--keep", type=Path, help="folder for finished cells: a stopped run goes on"
    )
    parser.add_argument("--methods", action="store_true", help="compare methods")
    parser.add_argument("--moved", nargs=2, metavar=("RASTER", "MAP"), help="illustrate on a scene")
    told = parser.parse_args()
    if told.moved:
        print(moved_residuals(*told.moved, told.trials))
        return
    if told.keep:
        told.keep.mkdir(parents=True, exist_ok=True)
    jobs = [(km, hard, told.trials) for hard in FIELDS for km in SIZES]
    with ProcessPoolExecutor(told.workers) as pool:
        if told.methods:
            print("| scene | noise | pixels | blocks | blocks averaged | covariance |", flush=True)
            print("| --- | --- | --- | --- | --- | --- |", flush=True)
            for line in pool.map(compare_methods, *zip(*jobs, strict=True)):
                print(line, flush=True)
            return
        cells = []
        for cell in pool.map(run_cell, *zip(*jobs, strict=True), [told.keep] * len(jobs)):
            cells.append(cell)
            print(f"{cell.km} km, {cell.hard.words}: {cell.coverage[0]:.1%}", file=sys.stderr)
    text = table(cells, told.trials)
    print(text)
    if told.out:
        told.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
