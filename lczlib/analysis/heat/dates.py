"""Many dates: what each class differs by through a season, from year to year, and in heat waves.

The difference of a class is no one number: it changes from date to date, with the weather and the state of
the land, and it is read off the same patches on each of them. So dates are a random effect of each class, and
the error of place is common to all of them::

    d(class, date) = difference + trend * year + e(place) + e(place, date) + e(class, date)

What the dates have in common does not average out with their number, and tables of one difference a
date cannot tell it. The covariance of the residuals can (`lczlib.analysis.heat.spatial`), which a mixed model
of a general package does not know; its normal intervals are also too short of a handful of dates.

Seasons are never put together, nor day and night, nor surfaces and air: they are different quantities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from scipy import special

from lczlib.analysis.heat.reference import Reference
from lczlib.analysis.heat.series import one_date
from lczlib.analysis.heat.surface import SurfaceHeatIsland
from lczlib.classes import CLASSES

FEWEST_SPELLS = 3
"""Spells below which the mean of the dates has no interval; likewise with and without heat wave."""
FEWEST_YEARS = 5
"""Years with a date below which there is no trend."""
SPELL = np.timedelta64(7, "D")
"""Dates within so many days are one spell of weather: they are averaged, and count as one."""
SEASONS = ("DJF", "MAM", "JJA", "SON")


@dataclass(frozen=True)
class When:
    """When the dates were.

    Attributes
    ----------
    days : array (dates,) datetime64[D]
        Local day of each; of a night that of its evening.
    hot : array (dates,)
        1 on days of a heat wave, 0 on others, NaN where that is not known.
    """

    days: np.ndarray
    hot: np.ndarray

    @property
    def seasons(self) -> np.ndarray:
        """``DJF``, ``MAM``, ``JJA`` or ``SON`` of each."""
        return np.array(SEASONS)[(self.days.astype("datetime64[M]").astype(int) + 1) % 12 // 3]

    @property
    def years(self) -> np.ndarray:
        """Year of each; December belongs to the winter of the year after."""
        return (self.days.astype("datetime64[M]") + 1).astype("datetime64[Y]").astype(int) + 1970

    def part(self, which: np.ndarray) -> When:
        """Some of them."""
        return When(self.days[which], self.hot[which])

    @property
    def spells(self) -> np.ndarray:
        """Number of the spell of each, by time: it ends after 7 days, or where a heat wave does."""
        out = np.zeros(self.days.size, int)
        number, first, before = -1, None, None
        for i in np.argsort(self.days, kind="stable"):
            state = None if np.isnan(self.hot[i]) else bool(self.hot[i])
            if first is None or self.days[i] - first >= SPELL or state != before:
                number, first, before = number + 1, self.days[i], state
            out[i] = number
        return out


@dataclass(frozen=True)
class Season:
    """The dates of one season.

    Attributes
    ----------
    name : str
        ``DJF``, ``MAM``, ``JJA`` or ``SON``.
    dates : tuple of int
        Which of the dates are of it, and have differences.
    reference : Reference
        What all of them are compared with.
    n_spells : int
        Of weather: dates within 7 days count as one.
    years : tuple of int
        In which they lie.
    classes : DataFrame
        Index ``lcz``: ``n_dates``, ``n_spells``, ``difference`` (mean of the spells, K), ``ci_low``,
        ``ci_high``, ``sd_of_dates`` (of the difference from spell to spell, less the error of place), ``trend``,
        ``trend_low``, ``trend_high`` (K in ten years), ``n_years``, ``heat_wave``, ``heat_wave_low``,
        ``heat_wave_high`` (what the difference is larger by on days of a heat wave, K),
        ``n_heat_wave`` (spells of them), ``note``.
    by_date : DataFrame
        Columns ``day``, ``lcz``, ``difference``, ``heat_wave``: each date's own.
    """

    name: str
    dates: tuple[int, ...]
    reference: Reference
    n_spells: int
    years: tuple[int, ...]
    classes: pd.DataFrame
    by_date: pd.DataFrame

    @property
    def key(self) -> str:
        """For names of files: ``JJA``, and ``JJA_LCZ_C`` of dates against a stand-in."""
        code = CLASSES[self.reference.classes[0] - 1].code
        return f"{self.name}_LCZ_{code}" if self.reference.stand_in else self.name


def seasons_of(
    stack: xr.DataArray,
    lcz: xr.DataArray,
    islands: Sequence[SurfaceHeatIsland | None],
    when: When,
    compute: Callable[[xr.DataArray, Reference], SurfaceHeatIsland],
) -> tuple[Season, ...]:
    """Differences of the classes through each season that has at least two dates.

    Dates whose LCZ D clouds hide, so that another class stands in for it, differ by another quantity: they are a
    season of their own, beside that of the dates against LCZ D.

    **Difference.** The mean of the spells' differences. Its interval joins two by their squares, as
    independent ones are joined (Zou & Donner 2008, doi 10.1002/sim.3095): that of the place, from the mean
    residuals of the dates, and Student's of the spread from spell to spell, less what the error of place that
    changes with the date adds to it, which the first holds.

    **Trend.** Least squares through the means of the years, which count the same however many dates they
    have, with Student's interval. What the dates have in common cancels.

    **Heat waves.** Spells of heat waves minus the others of the season, with Welch's interval.

    Parameters
    ----------
    stack : DataArray (time, y, x)
        degC; of one overpass and one quantity.
    lcz : DataArray (y, x)
        Codes 0..17, same grid.
    islands : sequence
        Heat island of each date; None where it has none.
    when : When
        Of each date.
    compute : callable
        The heat island of a temperature (y, x) against a reference, made like those of the dates.

    Returns
    -------
    tuple of Season
        In the order of the year, stand-ins last; none where no season has two dates with one reference.
    """
    known = {
        i: island.reference
        for i, island in enumerate(islands)
        if island is not None and island.reference.classes
    }
    kinds = sorted(
        {r.classes: r.stand_in for r in known.values()}.items(), key=lambda kind: kind[1]
    )
    found = []
    for name in SEASONS:
        for classes, _ in kinds:
            which = [
                i
                for i in np.flatnonzero(when.seasons == name)
                if i in known and known[i].classes == classes
            ]
            if len(which) < 2:
                continue
            own = [islands[i] for i in which]
            common = compute(_common(stack.isel(time=which), lcz, own), known[which[0]])
            found.append(
                _season(name, tuple(map(int, which)), own, common, when.part(np.array(which)))
            )
    return tuple(found)


def _common(
    stack: xr.DataArray, lcz: xr.DataArray, islands: Sequence[SurfaceHeatIsland]
) -> xr.DataArray:
    """What dates have in common (y, x): mean class temperatures, and the mean of each pixel's residuals.

    A pixel that clouds hide on a cold date is no warmer for that.
    """
    codes = np.asarray(lcz.data)
    statistic = islands[0].options.statistic
    levels = np.full((len(islands), 18), np.nan)
    for row, island in zip(levels, islands, strict=True):
        row[island.classes.index] = island.classes[statistic]
    total, n = np.zeros(codes.shape), np.zeros(codes.shape, np.int32)
    for i, row in enumerate(levels):
        left = np.asarray(stack[i].data) - row[codes]
        there = np.isfinite(left)
        total[there] += left[there]
        n += there
    some = np.isfinite(levels).any(axis=0)
    middle = np.full(18, np.nan)
    middle[some] = np.nanmean(levels[:, some], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / n + middle[codes]
    return one_date(stack, 0).copy(data=mean.astype(np.float32))


def _season(
    name: str, dates: tuple[int, ...], islands: Sequence[SurfaceHeatIsland], common: SurfaceHeatIsland,
    when: When,
) -> Season:  # fmt: skip
    """The classes of a season."""
    parts = {"difference": [], "ci_low": [], "ci_high": [], "n_pixels": []}
    for key, rows in parts.items():
        rows += [island.classes[key] for island in islands]
    tables = {key: pd.DataFrame(rows, index=range(len(islands))) for key, rows in parts.items()}
    options = common.options
    enough = tables["n_pixels"] >= options.min_pixels
    rows = {}
    for number, row in common.classes.iterrows():
        own = pd.DataFrame({key: table[number] for key, table in tables.items()}, dtype=float)
        if enough[number].sum() > 1:
            own.loc[~enough[number], "difference"] = np.nan
        rows[number] = _of_class(own, row, when, options.confidence)
    table = pd.DataFrame.from_dict(rows, "index").rename_axis("lcz")
    by_date = tables["difference"].assign(day=when.days, heat_wave=when.hot)
    by_date = by_date.melt(["day", "heat_wave"], var_name="lcz", value_name="difference")
    by_date = by_date.dropna(subset=["difference"]).astype({"lcz": int})
    return Season(
        name, dates, common.reference, int(when.spells.max()) + 1, tuple(sorted(set(map(int, when.years)))), table,
        by_date[["day", "lcz", "difference", "heat_wave"]].sort_values(["lcz", "day"]),
    )  # fmt: skip


def _of_class(
    own: pd.DataFrame, common: pd.Series, when: When, confidence: float
) -> dict[str, object]:
    """The row of a class.

    Parameters
    ----------
    own : DataFrame
        Its ``difference``, ``ci_low``, ``ci_high`` and ``n_pixels`` on each date, NaN where there are none.
    common : Series
        The class's row of what the dates have in common.
    when : When
        Of each date.
    confidence : float
        Of the intervals.
    """
    there = own["difference"].notna().to_numpy()
    own, when = own[there], when.part(there)
    values = own["difference"].to_numpy()
    row: dict[str, object] = dict.fromkeys(
        ("difference", "ci_low", "ci_high", "sd_of_dates", "trend", "trend_low", "trend_high", "heat_wave",
         "heat_wave_low", "heat_wave_high"), np.nan,
    )  # fmt: skip
    row |= {"n_dates": values.size, "n_spells": 0, "n_years": 0, "n_heat_wave": 0}
    row["note"] = common["note"]
    if common["note"] == "reference":
        return row | {"difference": 0.0, "ci_low": 0.0, "ci_high": 0.0}
    if not values.size:
        return row | {"note": common["note"] or "no difference on any date"}
    spells = _means(values, when.spells)
    row |= {"difference": float(spells.mean()), "n_spells": spells.size}
    row |= _mean_interval(own, spells, common, confidence)
    years = np.unique(when.years)
    row["n_years"] = years.size
    if years.size >= FEWEST_YEARS:
        by_year = [
            _means(values[y], when.part(y).spells).mean() for y in when.years == years[:, None]
        ]
        bounds = _slope(years.astype(float), np.array(by_year), confidence)
        row |= dict(zip(("trend", "trend_low", "trend_high"), bounds, strict=True))
    hot, cool = (_means(values[w], when.part(w).spells) for w in (when.hot == 1, when.hot == 0))
    row["n_heat_wave"] = hot.size
    if min(hot.size, cool.size) >= FEWEST_SPELLS:
        bounds = _welch(hot, cool, confidence)
        row |= dict(zip(("heat_wave", "heat_wave_low", "heat_wave_high"), bounds, strict=True))
    return row


def _means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Mean of the values in each group."""
    which = np.unique(groups, return_inverse=True)[1]
    return np.bincount(which, values) / np.bincount(which) if values.size else values


def _mean_interval(
    own: pd.DataFrame, spells: np.ndarray, common: pd.Series, confidence: float
) -> dict[str, object]:
    """Interval of the mean over spells, and the spread of the difference itself from spell to spell.

    A date's error of place is what all share and what is its own; their mean over `n` dates holds a part
    in `n` of the latter, which the spread from spell to spell holds too, and which counts once. Dates count by
    their pixels here, as they do in the mean residuals.
    """
    n = spells.size
    if not np.isfinite(common["ci_low"]):
        return {"note": common["note"]}
    if n < FEWEST_SPELLS:
        return {"note": f"no interval: fewer than {FEWEST_SPELLS} dates a week apart"}
    normal = special.ndtri((1 + confidence) / 2)
    place = (common["ci_high"] - common["ci_low"]) / 2
    known = own.dropna()
    half = (known["ci_high"] - known["ci_low"]) / 2
    changing = 0.0
    if len(known) > 1:
        alone = np.average(half**2, weights=known["n_pixels"])
        changing = max(alone - place**2, 0) / normal**2 / (len(own) - 1)
    spread = max(spells.var(ddof=1) / n - changing, 0)
    reach = np.hypot(place, special.stdtrit(n - 1, (1 + confidence) / 2) * np.sqrt(spread))
    middle = spells.mean() + (common["ci_high"] + common["ci_low"]) / 2 - common["difference"]
    return {"ci_low": middle - reach, "ci_high": middle + reach, "sd_of_dates": np.sqrt(spread * n)}


def _slope(x: np.ndarray, y: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Slope in ten units of x, and its interval."""
    from scipy.stats import linregress

    fit = linregress(x, y)
    reach = special.stdtrit(x.size - 2, (1 + confidence) / 2) * fit.stderr
    return 10 * fit.slope, 10 * (fit.slope - reach), 10 * (fit.slope + reach)


def _welch(a: np.ndarray, b: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Mean of `a` minus that of `b`, and its interval."""
    from scipy.stats import ttest_ind

    found = ttest_ind(a, b, equal_var=False)
    low, high = found.confidence_interval(confidence)
    return float(a.mean() - b.mean()), float(low), float(high)
