"""How often the 95 % intervals of many dates hold the truth: means of a season, trends, heat waves.

Synthetic scenes of `heat_fields.py`. Every date has a field of its own beside one that all dates share, and each
class differs otherwise on every date::

    python benchmarks/heat_dates.py [--trials 200] [--out benchmarks/results/heat_dates.md]

Beside it stands what one would write down without the field that dates share: Student's interval of
one difference a date.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import xarray as xr
from heat_fields import CELL, LOW_PLANTS, OPTIONS, TRUTH, Field, Hard, Scene
from scipy import ndimage, stats

from lczlib.analysis.heat import SurfaceHeatIsland, surface_heat_island
from lczlib.analysis.heat.dates import When, seasons_of
from lczlib.grid import on_grid

KM = 12
PLAIN = Hard("correlation length 500 m")


@dataclass(frozen=True)
class Dates:
    """A kind of many dates.

    Attributes
    ----------
    n : int
        Dates, in as many summers as there are, five in each.
    shared, own : float
        Standard deviation of the field that dates share, and of each date's own, K.
    by_class : float
        Of what a class differs by on a date, K.
    trend, heat : float
        K in ten years, and on days of heat waves.
    clouds : float
        Share of a date up to which clouds hide it.
    """

    n: int
    shared: float
    own: float
    by_class: float
    trend: float = 0.0
    heat: float = 0.0
    clouds: float = 0.0

    @property
    def words(self) -> str:
        """For the table."""
        text = f"{self.n} dates; field shared {self.shared:g}, own {self.own:g}; by class {self.by_class:g}"
        return text + (f"; up to {self.clouds:.0%} of a date under clouds" if self.clouds else "")


CELLS = (
    Dates(4, 1.0, 1.0, 0.0),
    Dates(4, 1.0, 1.0, 1.0),
    Dates(4, 0.2, 1.5, 0.0),
    Dates(12, 1.0, 1.0, 0.5),
    Dates(12, 0.2, 1.5, 0.5),
    Dates(6, 1.0, 1.0, 0.5, clouds=0.8),
    Dates(30, 1.0, 1.0, 1.0, trend=1.0, heat=0.8),
    Dates(30, 0.5, 1.5, 0.0, trend=-0.5, heat=0.5),
)


def trial(
    scene: Scene, field: Field, kind: Dates, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The season's table, and each date's differences."""
    day = np.datetime64("1995-06-05") + (np.arange(kind.n) % 5 * 14).astype("timedelta64[D]")
    years = np.arange(kind.n) // 5
    day = day + (years * 365.25).astype(int).astype("timedelta64[D]")
    hot = (rng.random(kind.n) < 0.4).astype(float)
    shared = kind.shared * field.draw(rng)
    stack, islands = [], []
    for year, in_heat in zip(years, hot, strict=True):
        level = scene.level + kind.by_class * rng.standard_normal(18)
        for number in (2, 6):
            level[number] += kind.trend * year / 10 + kind.heat * in_heat
        level[LOW_PLANTS] = 0.0
        noise = shared + kind.own * field.draw(rng) + 0.3 * rng.standard_normal(shared.shape)
        celsius = (25 + 4 * rng.standard_normal() + level[scene.codes] + noise).astype(np.float32)
        if kind.clouds:
            thick = ndimage.gaussian_filter(rng.standard_normal(celsius.shape), 10, mode="wrap")
            celsius[thick > np.quantile(thick, 1 - kind.clouds * rng.random())] = np.nan
        stack.append(celsius)
        islands.append(_island(scene, celsius))
    lcz = on_grid(scene.codes, scene.box)
    cube = xr.concat([on_grid(celsius, scene.box) for celsius in stack], "time")
    season = seasons_of(cube, lcz, islands, When(day, hot), lambda t: _island(scene, t.to_numpy()))[
        0
    ]
    each = pd.DataFrame({c: [i.classes["difference"][c] for i in islands] for c in scene.classes})
    return season.classes, each


def _island(scene: Scene, celsius: np.ndarray) -> SimpleNamespace | SurfaceHeatIsland:
    """What `seasons_of` reads of a heat island; without clouds with the scene's covariances at hand."""
    if np.isnan(celsius).any():
        return surface_heat_island(
            on_grid(celsius, scene.box), on_grid(scene.codes, scene.box), OPTIONS
        )
    pixels = scene.gathered(celsius, PLAIN)
    rows = scene.intervals(pixels, scene.grids)
    table = pd.DataFrame(rows, scene.classes, ["difference", "ci_low", "ci_high"]).assign(note="")
    table.loc[LOW_PLANTS] = 0.0, 0.0, 0.0, "reference"
    of = [pixels.values[pixels.codes == c] for c in table.index]
    table["median"] = [float(np.median(v)) for v in of]
    table["n_pixels"] = [v.size for v in of]
    return SimpleNamespace(
        classes=table, options=OPTIONS, reference=SimpleNamespace(classes=(LOW_PLANTS,))
    )


def run_cell(
    scene: Scene, kind: Dates, trials: int, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Share of intervals that hold the truth and their mean width, of each thing told."""
    field, rng = Field(scene.size, PLAIN.lengths), np.random.default_rng(seed)
    held: dict[str, list[tuple[bool, float]]] = {}

    def judge(name: str, truth: float, low: float, high: float) -> None:
        if np.isfinite(low):
            held.setdefault(name, []).append((bool(low <= truth <= high), high - low))

    for _ in range(trials):
        table, each = trial(scene, field, kind, rng)
        for number in scene.classes:
            row, changes = table.loc[number], number in (2, 6)
            if not changes or not (kind.trend or kind.heat):
                judge("mean", TRUTH[number], row["ci_low"], row["ci_high"])
                reach = stats.t.ppf(0.975, kind.n - 1) * each[number].std(ddof=1) / np.sqrt(kind.n)
                middle = each[number].mean()
                judge("dates alone", TRUTH[number], middle - reach, middle + reach)
            judge("trend", kind.trend * changes, row["trend_low"], row["trend_high"])
            judge("heat waves", kind.heat * changes, row["heat_wave_low"], row["heat_wave_high"])
    return {
        name: (float(np.mean([h for h, _ in of])), float(np.mean([w for _, w in of])))
        for name, of in held.items()
    }


HEADS = ("dates, K", "mean", "dates alone", "trend", "heat waves")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--out", type=Path, help="file for the table, besides printing it")
    told = parser.parse_args()
    scene = Scene(KM)
    lines = [
        f"{told.trials} trials a row, five classes each, {KM} km in cells of {CELL:g} m: share of 95 % intervals that "
        "hold the truth (mean width in K). With clouds a fifth of the trials.",
        "", f"| {' | '.join(HEADS)} |", f"|{' --- |' * len(HEADS)}",
    ]  # fmt: skip
    for kind in CELLS:
        found = run_cell(scene, kind, told.trials // (5 if kind.clouds else 1))
        cells = [f"{found[h][0]:.1%} ({found[h][1]:.2f})" if h in found else "–" for h in HEADS[1:]]
        lines.append(f"| {kind.words} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    if told.out:
        told.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
