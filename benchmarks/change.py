"""Coverage of the area of change: simulated pairs of years with known change and errors that go together.

    python benchmarks/change.py [--trials 1000] [--side 60] [--rates 0 0.01 0.03 0.1] [--keep FILE]

A city of ten classes on a square of `--side` cells of 100 m, in two years, with two images of the second.
Each image sees every cell through noise in six features; half of the noise's variance belongs to the place
and comes back in every image, half to the image; most of both goes together over some 300 m. Class
probabilities are those of Bayes' rule for the noise of a single cell, so that they are calibrated, but the
errors are neither independent in space nor in time. What changes are patches of about half a kilometre:
mostly natural land that is built on, and built land that is densified.

Printed for each rate of change: how many of the 95 % and 90 % intervals hold the true rate, with a binomial
interval (Clopper & Pearson) of that share; the mean width; the bias; and the error of naive differencing of
the most probable classes. Then the same without the second image (the rate of false change is not known),
and with probabilities that are surer than they should be: these are not calibrated, and the claim is then not made.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage, stats

from lczlib.analysis.change.area import ChangeArea, change_area
from lczlib.analysis.change.pairs import Image
from lczlib.analysis.change.transitions import GROUPS, group_of_pairs
from lczlib.analysis.scores import SIMILARITY

CLASSES = np.array([2, 3, 5, 6, 8, 9, 11, 12, 14, 17])
KINDS = (0.6, 0.3, 0.08, 0.02)
"""Of `GROUPS`: how what changes changes."""
FEATURES = 6
REPEATED = 0.5
"""Share of the noise's variance that belongs to the place."""
SMOOTH = 0.7
"""Share of the noise's variance that goes together in space."""
RANGE = 1.5
BLOCK = 10
KINDS_OF_IMAGES = ("two of the second year", "one image a year", "overconfident")


def class_means(distance: float) -> np.ndarray:
    """Places of the classes in feature space, (10, 6): alike classes lie near each other."""
    d2 = (1 - SIMILARITY[np.ix_(CLASSES - 1, CLASSES - 1)]) ** 2
    centre = np.eye(len(d2)) - 1 / len(d2)
    values, vectors = np.linalg.eigh(-centre @ d2 @ centre / 2)
    use = np.argsort(values)[::-1][:FEATURES]
    return distance * vectors[:, use] * np.sqrt(np.maximum(values[use], 0))


def smooth(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> np.ndarray:
    """Smooth noise of variance 1, (..., y, x)."""
    field = ndimage.gaussian_filter(
        rng.standard_normal(shape, dtype=np.float32),
        (0,) * (len(shape) - 2) + (sigma, sigma),
        mode="wrap",
    )
    return field * (2 * sigma * np.sqrt(np.pi))


def noise(rng: np.random.Generator, side: int) -> np.ndarray:
    shape = (FEATURES, side, side)
    return np.sqrt(SMOOTH) * smooth(rng, shape, RANGE) + np.sqrt(1 - SMOOTH) * rng.standard_normal(
        shape, dtype=np.float32
    )


def distances(points: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Squared distances less what is the same for all classes."""
    return (means**2).sum(1) - 2 * points @ means.T


@dataclass(frozen=True)
class Truth:
    """Indices into `CLASSES` before and after, (y, x)."""

    before: np.ndarray
    after: np.ndarray

    @property
    def rate(self) -> float:
        """Share that changed."""
        return float((self.before != self.after).mean())

    def groups(self) -> np.ndarray:
        """Share of each kind of change."""
        kinds = group_of_pairs()[CLASSES[self.before] - 1, CLASSES[self.after] - 1]
        return np.array([(kinds == g).mean() for g in range(len(GROUPS))])


def city(rng: np.random.Generator, side: int, rate: float) -> Truth:
    """A city whose built classes are in the middle, and what changed of it."""
    y, x = (np.indices((side, side)) - side / 2) / side
    inside = 0.35 - np.hypot(x, y)
    built = CLASSES <= 10
    push = np.where(built, 4.0, -4.0)[:, None, None] * inside
    before = (smooth(rng, (len(CLASSES), side, side), 4.0) + push).argmax(0)
    after = before.copy()
    n = round(rate * side * side)
    patches = smooth(rng, (side, side), 2.5)
    targets = smooth(rng, (len(CLASSES), side, side), 4.0)
    kinds = group_of_pairs()[np.ix_(CLASSES - 1, CLASSES - 1)]
    for g, share in enumerate(KINDS):
        can = (kinds == g).any(1)[before] & (before == after)
        want = min(round(share * n), int(can.sum()))
        if g == len(KINDS) - 1:
            want = min(n - int((before != after).sum()), int(can.sum()))
        if want <= 0:
            continue
        cells = np.argsort(np.where(can, patches, -np.inf), axis=None)[-want:]
        new = np.where((kinds == g)[before].transpose(2, 0, 1), targets, -np.inf).argmax(0)
        after.flat[cells] = new.flat[cells]
    return Truth(before, after)


def images(
    rng: np.random.Generator, truth: Truth, distance: float, sharp: float = 1.0
) -> list[Image]:
    """One of the first year, two of the second: class probabilities of all cells.

    `sharp` above 1 makes them surer than they should be.
    """
    side = len(truth.before)
    means = class_means(distance)
    place = noise(rng, side)
    other = noise(rng, side)  # where the surface is a new one, so is what is peculiar to it
    there = np.where(truth.before != truth.after, other, place)
    found = []
    for day, lcz, own in (
        (date(2018, 7, 1), truth.before, place), (date(2024, 5, 1), truth.after, there),
        (date(2024, 8, 1), truth.after, there),
    ):  # fmt: skip
        seen = (
            means[lcz].transpose(2, 0, 1)
            + np.sqrt(REPEATED) * own
            + np.sqrt(1 - REPEATED) * noise(rng, side)
        )
        flat = seen.reshape(FEATURES, -1).T
        shares = np.bincount(lcz.ravel(), minlength=len(CLASSES)) / lcz.size
        log = np.log(np.maximum(shares, 1e-9)) - distances(flat, means) / 2
        log *= sharp
        p = np.exp(log - log.max(1, keepdims=True))
        whole = np.zeros((len(p), 17), np.float32)
        whole[:, CLASSES - 1] = np.round(p / p.sum(1, keepdims=True), 4)  # as files store them
        found.append(Image(day, whole, np.full(len(p), 1 / len(p))))
    return found


def blocks(side: int, edge: int = BLOCK) -> np.ndarray:
    rows, cols = np.indices((side, side)) // edge
    return (rows * (side // edge + 1) + cols).ravel()


def trial(seed: int, rate: float, side: int, distance: float, kind: str) -> dict[str, float]:
    """One city, estimated: what is true, what is found."""
    rng = np.random.default_rng(seed)
    truth = city(rng, side, rate)
    first, *second = images(rng, truth, distance, 1.5 if kind == "overconfident" else 1.0)
    second = second[:1] if kind == "one image a year" else second
    found = change_area([first], second, blocks(side))
    right = (first.proba.argmax(1) + 1 == CLASSES[truth.before].ravel()).mean()
    return {"kind": kind, "nominal": rate, "seed": seed, "oa": right, **measured(truth, found)}


def measured(truth: Truth, found: ChangeArea) -> dict[str, float]:
    row = {"rate": truth.rate, "found": found.rate, "naive": found.naive}
    for name, (low, high) in found.intervals.items():
        row |= {f"{name}_in": low <= truth.rate <= high, f"{name}_width": high - low}
    low, high = found.group_interval(0.95)
    for g, share in enumerate(truth.groups()):
        row[f"group{g}_in"] = low[g] <= share <= high[g]
    return row


def exact(hits: int, n: int) -> tuple[float, float]:
    """Clopper & Pearson's 95 % interval of a share."""
    found = stats.binomtest(int(hits), n).proportion_ci(0.95)
    return found.low, found.high


def summary(rows: pd.DataFrame) -> str:
    lines = [
        "| images | true change | trials | accuracy | 95 % interval holds it (binomial) | 90 % interval holds it "
        "(binomial) | width of 95 % | bias | RMSE | naive: bias | naive: RMSE |",
        "|" + " --- |" * 11,
    ]
    for (kind, rate), part in rows.groupby(["kind", "nominal"]):
        n = len(part)
        cover = []
        for name in ("ci", "ci90"):
            hits = part[f"{name}_in"].sum()
            low, high = exact(hits, n)
            cover.append(f"{hits / n:.3f} ({low:.3f} to {high:.3f})")
        off, naive = part["found"] - part["rate"], part["naive"] - part["rate"]
        lines.append(
            f"| {kind} | {rate:.0%} | {n} | {part['oa'].mean():.2f} | {cover[0]} | {cover[1]} | "
            f"{part['ci_width'].mean():.2%} | {off.mean():+.2%} | {np.sqrt((off**2).mean()):.2%} | "
            f"{naive.mean():+.1%} | {np.sqrt((naive**2).mean()):.1%} |"
        )  # fmt: skip
    return "\n".join(lines)


def by_group(rows: pd.DataFrame) -> str:
    lines = ["| true change | " + " | ".join(GROUPS) + " |", "|" + " --- |" * (len(GROUPS) + 1)]
    for rate, part in rows[rows["kind"] == "two of the second year"].groupby("nominal"):
        cells = []
        for g in range(len(GROUPS)):
            hits = part[f"group{g}_in"].sum()
            low, high = exact(hits, len(part))
            cells.append(f"{hits / len(part):.3f} ({low:.3f} to {high:.3f})")
        lines.append(f"| {rate:.0%} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def trials(told: argparse.Namespace) -> pd.DataFrame:
    """All trials; those that a file holds already are not made again."""
    done = pd.read_csv(told.keep) if told.keep and told.keep.is_file() else pd.DataFrame()
    had = {*zip(done["kind"], done["nominal"], done["seed"], strict=True)} if len(done) else set()
    for seed in range(told.first, max(told.trials, told.others)):
        rows = [
            trial(seed, rate, told.side, told.distance, kind)
            for kind, n in zip(
                KINDS_OF_IMAGES, (told.trials, told.others, told.others), strict=True
            )
            for rate in told.rates
            if seed < n and (kind, rate, seed) not in had
        ]
        if rows:
            new = pd.DataFrame(rows)
            done = pd.concat([done, new], ignore_index=True)
            if told.keep:
                new.to_csv(told.keep, mode="a", index=False, header=not told.keep.is_file())
    return done.sort_values(["nominal", "seed"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--others", type=int, default=200, help="trials of the two other kinds")
    parser.add_argument("--first", type=int, default=0, help="seed of the first trial")
    parser.add_argument("--side", type=int, default=60)
    parser.add_argument(
        "--distance", type=float, default=9.0, help="of the classes: how well they are told apart"
    )
    parser.add_argument("--rates", type=float, nargs="+", default=[0.0, 0.01, 0.03, 0.1])
    parser.add_argument("--keep", type=Path, help="CSV of the trials, taken up again")
    told = parser.parse_args()
    begun = time.time()
    table = trials(told)
    print(summary(table), by_group(table), f"{time.time() - begun:.0f} s", sep="\n\n")


if __name__ == "__main__":
    main()
