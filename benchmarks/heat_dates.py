"""How often the 95 % intervals of many dates hold the truth: means of a season, trends, heat waves.

Synthetic scenes of `heat_fields.py`. Every date has a field of its own beside one that all dates share, and each
class differs otherwise on every date::

    python benchmarks/heat_dates.py [--trials 100] [--out benchmarks/results/heat_dates.md]

Beside it stands what one would write down without the field that dates share: Student's interval of
one difference a date. Trends and heat waves are told by the dates' differences alone, so that their trials need no
interval a date, and there are more of them.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import xarray as xr
from heat_fields import (
    CELL,
    LEVEL,
    LOW_PLANTS,
    OPTIONS,
    TRUTH,
    Field,
    Hard,
    Scene,
    binomial,
    independent,
)
from scipy import ndimage, stats

from lczlib.analysis.heat import SurfaceHeatIsland, surface_heat_island
from lczlib.analysis.heat.dates import When, seasons_of
from lczlib.analysis.heat.pixels import Pixels
from lczlib.analysis.heat.reference import Reference
from lczlib.grid import on_grid

KM = 12
PLAIN = Hard("correlation length 500 m")
_COLUMNS = ["difference", "ci_low", "ci_high"]


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
    times : float
        Trials, as a multiple of those asked for.
    """

    n: int
    shared: float
    own: float
    by_class: float
    trend: float = 0.0
    heat: float = 0.0
    clouds: float = 0.0
    times: float = 1.0

    @property
    def changes(self) -> bool:
        """Whether it is trends and heat waves that are judged, not the mean."""
        return bool(self.trend or self.heat)

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
    Dates(30, 1.0, 1.0, 1.0, times=0.5),
    Dates(6, 1.0, 1.0, 0.5, clouds=0.8, times=0.2),
    Dates(30, 1.0, 1.0, 1.0, trend=1.0, heat=0.8, times=4),
    Dates(30, 0.5, 1.5, 0.0, trend=-0.5, heat=0.5, times=4),
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
    island = partial(_differences if kind.changes else _island, scene)
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
        islands.append(island(celsius))
    lcz = on_grid(scene.codes, scene.box)
    cube = xr.concat([on_grid(celsius, scene.box) for celsius in stack], "time")
    (season,) = seasons_of(cube, lcz, islands, When(day, hot), lambda t, _: island(t.to_numpy()))
    each = pd.DataFrame({c: [i.classes["difference"][c] for i in islands] for c in scene.classes})
    return season.classes, each


def _island(scene: Scene, celsius: np.ndarray) -> SimpleNamespace | SurfaceHeatIsland:
    """What `seasons_of` reads of a heat island; without clouds with the scene's covariances at hand."""
    if np.isnan(celsius).any():
        return surface_heat_island(
            on_grid(celsius, scene.box), on_grid(scene.codes, scene.box), OPTIONS
        )
    pixels = scene.gathered(celsius, PLAIN)
    return _told(pixels, pd.DataFrame(scene.intervals(pixels, scene.cuts), scene.classes, _COLUMNS))


def _differences(scene: Scene, celsius: np.ndarray) -> SimpleNamespace:
    """The same without intervals."""
    pixels = scene.gathered(celsius, PLAIN)
    level = np.median(pixels.values(LOW_PLANTS))
    rows = [np.median(pixels.values(c)) - level for c in scene.classes]
    return _told(pixels, pd.DataFrame({"difference": rows}, scene.classes, columns=_COLUMNS))


def _told(pixels: Pixels, table: pd.DataFrame) -> SimpleNamespace:
    """What `seasons_of` reads of a heat island."""
    table = table.astype(float).assign(note="")
    table.loc[LOW_PLANTS] = 0.0, 0.0, 0.0, "reference"
    of = [pixels.values(c) for c in table.index]
    table["median"] = [float(np.median(v)) for v in of]
    table["n_pixels"] = [v.size for v in of]
    return SimpleNamespace(
        classes=table, options=OPTIONS, reference=Reference((LOW_PLANTS,), "LCZ D")
    )


@dataclass(frozen=True)
class Judged:
    """The intervals of something told in a cell: arrays (trials, classes), NaN where there is none."""

    held: np.ndarray
    width: np.ndarray

    def row(self, kind: Dates, name: str) -> str:
        """For the table."""
        share, n = independent(self.held)
        low, high = binomial(share, n)
        cells = (
            kind.words, name, f"{len(self.held)}", f"{np.isnan(self.held).mean():.1%}", f"{share:.1%}",
            f"{low:.1%} to {high:.1%}", f"{np.nanmean(self.width):.2f}",
        )  # fmt: skip
        return f"| {' | '.join(cells)} |"


def run_cell(scene: Scene, kind: Dates, trials: int, seed: int = 0) -> dict[str, Judged]:
    """The intervals of each thing told."""
    field, rng = Field(scene.size, PLAIN.lengths), np.random.default_rng(seed)
    changing = np.isin(scene.classes, (2, 6))
    truth = np.array([TRUTH[c] for c in scene.classes])
    asked = {
        "trend": ("trend_low", "trend_high", kind.trend * changing),
        "heat waves": ("heat_wave_low", "heat_wave_high", kind.heat * changing),
    } if kind.changes else {"mean": ("ci_low", "ci_high", truth)}  # fmt: skip
    bounds: dict[str, list[np.ndarray]] = {}
    for _ in range(trials):
        table, each = trial(scene, field, kind, rng)
        for name, (low, high, true) in asked.items():
            found = table.loc[scene.classes, [low, high]].to_numpy(float)
            bounds.setdefault(name, []).append(found - true[:, None])
        if not kind.changes:
            reach = stats.t.ppf((1 + LEVEL) / 2, kind.n - 1) * each.std(ddof=1) / np.sqrt(kind.n)
            off = each.mean().to_numpy() - truth
            bounds.setdefault("mean, dates alone", []).append(
                np.column_stack([off - reach, off + reach])
            )
    return {name: _judged(np.array(of)) for name, of in bounds.items()}


def _judged(bounds: np.ndarray) -> Judged:
    """Bounds minus the truth (trials, classes, 2)."""
    low, high = bounds[..., 0], bounds[..., 1]
    return Judged(np.where(np.isfinite(low), (low <= 0) & (high >= 0), np.nan), high - low)


HEADS = (
    "dates, K", "interval of", "trials", "without one", "hold the truth", "binomial 95 %", "mean width K",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--out", type=Path, help="file for the table, besides printing it")
    told = parser.parse_args()
    scene = Scene(KM)
    lines = [
        "# Do 95 % intervals of many dates hold the truth?", "",
        f"`python benchmarks/heat_dates.py --trials {told.trials}`. Five classes against LCZ D in {KM} km of cells "
        f"of {CELL:g} m, {PLAIN.words}.", "",
        f"| {' | '.join(HEADS)} |", f"|{' --- |' * len(HEADS)}",
    ]  # fmt: skip
    for kind in CELLS:
        for name, judged in run_cell(scene, kind, max(2, round(kind.times * told.trials))).items():
            lines.append(judged.row(kind, name))
            print(lines[-1], flush=True)
    if told.out:
        told.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
