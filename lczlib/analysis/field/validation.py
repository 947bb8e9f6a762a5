"""How well a field predicts what it has not seen: stations, zones and days left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import special

from lczlib.analysis.field.covariance import Covariance
from lczlib.analysis.field.kriging import Kriging
from lczlib.analysis.field.likelihood import patterns
from lczlib.analysis.field.model import Field, covariances_of
from lczlib.analysis.field.record import Composite, composite
from lczlib.analysis.field.sample import Sample, enough, groups
from lczlib.errors import InputError
from lczlib.texts import N_

CONFIDENCE = 0.95
DESIGNS = {
    "station": N_("leave one station out"),
    "class": N_("leave one class out"),
    "days": N_("other days, leave one station out"),
}
_FOLDS = 10
"""Parts that stations are dealt into: the covariance by which a station is predicted has not seen its part."""
_DAY_FOLDS = 5
_HOURLY = 10
"""Most days of which each hour of the day is predicted, where each hour has its field: evenly spread."""
_HOURS_OF_REFIT = 6
_REPLICATES = 1000


@dataclass(frozen=True)
class Method:
    """A way to predict: with zones or not, with drifts or not, with distance or not."""

    name: str
    zones: bool = False
    drifts: bool = False
    spatial: bool = True


LCZ, ORDINARY, MEAN = "lcz_kriging", "ordinary_kriging", "mean"
_METHODS = (
    Method(LCZ, zones=True, drifts=True),
    Method("drift_kriging", drifts=True),
    Method(ORDINARY),
    Method(MEAN, spatial=False),
)


@dataclass(frozen=True)
class Validation:
    """Scores and what they are of.

    Attributes
    ----------
    scores : DataFrame
        Columns ``design`` (`DESIGNS`), ``method``, ``rmse``, ``rmse_low``, ``rmse_high`` (95 %, stations
        drawn), ``bias`` (predicted minus measured, K), ``coverage`` (share of values in the 95 %
        interval), ``n`` (values), ``n_stations``.
    stations : DataFrame
        Columns ``design``, ``method``, ``station``, ``lcz``, ``n``, ``measured`` (degC), ``predicted``,
        ``rmse``, ``standard_error``, ``coverage``.
    ratio : tuple of float
        RMSE of the field by that of ordinary kriging, one station left out, with its 95 % interval.
    left_out : dict of str to str
        Designs that could not be had, with the reason.
    """

    scores: pd.DataFrame
    stations: pd.DataFrame
    ratio: tuple[float, float, float]
    left_out: dict[str, str] = field(default_factory=dict)

    def score(self, design: str, method: str) -> pd.Series:
        """A row of the scores."""
        rows = self.scores
        return rows[(rows["design"] == design) & (rows["method"] == method)].iloc[0]


def cross_validate(
    found: Field,
    *,
    designs: Sequence[str] = tuple(DESIGNS),
    seed: int = 0,
    step: Callable[[], object] = lambda: None,
) -> Validation:
    """Predict what a field's stations measured without them.

    The class of a station that is left out is the one at its own place. Its covariance comes from a fit
    that has not seen the part of the stations (a tenth; of hours a fifth) that it is in, or its class; the
    prediction itself is from all other stations (of other classes). ``days``: five parts of days one after
    another; from the other parts come, of a composite, the pattern and, of hours, the covariance. A composite of other
    days is compared by its deviation from the stations that are not left out. Of hours at most ten days
    are predicted at each hour of the day.

    Parameters
    ----------
    found : Field
        What is judged.
    designs : sequence of str
        Of `DESIGNS`.
    seed : int
        Of the draws of stations for intervals of scores, and of their parts.
    step : callable
        Called before each part of it.
    """
    rng = np.random.default_rng(seed)
    if found.composite is None:
        found = replace(found, sample=found.sample.only(found.sample.thinned(_HOURLY)))
    sample, left_out = found.sample, {}
    parts = _FOLDS if found.composite else _FOLDS // 2
    methods = [m for m in _METHODS if m.name != "drift_kriging" or found.ground.drifts]
    folds = rng.permutation(np.arange(len(sample.places)) % min(parts, len(sample.places)))
    each = np.arange(len(sample.places))
    ways = {
        "station": lambda m: _without(found, m, each, folds),
        "class": lambda m: _without(found, m, sample.places.zone, sample.places.zone),
        "days": lambda m: _other_days(found, m, folds // 2),
    }
    tables = []
    for design in designs:
        try:
            parts = []
            for method in methods:
                step()
                parts.append(ways[design](method).assign(design=design, method=method.name))
        except InputError as error:
            left_out[design] = str(error.message)
            continue
        both = pd.concat(parts, ignore_index=True)
        ways_of = both.groupby(["row", "at"])["method"].transform("nunique")
        both = both[ways_of == len(methods)]  # all methods are judged by the same values
        if both.empty:
            left_out[design] = "the other stations are too few to tell the model"
            continue
        tables.append(both)
    values = pd.concat(tables, ignore_index=True)
    values["within"] = np.abs(values["off"]) <= values["reach"]
    values["square"] = values["off"] ** 2
    return Validation(
        _scores(values, rng), _by_station(values, sample), _ratio(values, rng), left_out
    )


def _without(found: Field, method: Method, together: np.ndarray, folds: np.ndarray) -> pd.DataFrame:
    """Values predicted from the stations of other groups, with covariances that have not seen the fold."""
    sample, means = found.sample, found.composite
    if not method.spatial:
        return _means(sample, means, together)
    rows = []
    for fold in np.unique(folds):
        own = folds == fold
        if (~own).sum() < enough(sample.places) - 1:
            continue
        fitted = _fitted(found, sample, means, method, ~own)
        rows += [*_left_out(sample, means, method, fitted, together, own)]
    return _table(rows)


def _fitted(
    found: Field, sample: Sample, means: Composite | None, method: Method, keep: np.ndarray
) -> dict[int, Covariance]:
    """Covariances from some of the stations; begun afresh, for the field's own have seen the others."""
    return covariances_of(
        sample, means, found.options, stations=keep, zones=method.zones, drifts=method.drifts,
        hours=_HOURS_OF_REFIT,
    )  # fmt: skip


def _left_out(
    sample: Sample,
    means: Composite | None,
    method: Method,
    covariances: dict[int, Covariance],
    together: np.ndarray,
    wanted: np.ndarray,
) -> Iterator[pd.DataFrame]:
    """Residuals of the wanted stations, each predicted from those of other groups."""
    places = sample.places if method.drifts else sample.places.without_drift()
    for hour, rows, values, error in groups(sample, means):
        for own, known in patterns(values):
            if known.size < enough(sample.places) or hour not in covariances:
                continue
            system = Kriging(places.pick(known), covariances[hour], error[known])
            part = values[np.ix_(own, known)]
            which = np.unique(together[known][wanted[known]])
            off, variance = system.left_out(part, together[known], which)
            free = known.size - places.drift.shape[1] - 1
            kept = wanted[known]
            yield _rows(sample, rows[own], known[kept], off[:, kept], np.sqrt(variance[kept]), free,
                        part[:, kept])  # fmt: skip


def _rows(
    sample: Sample,
    rows: np.ndarray,
    stations: np.ndarray,
    off: np.ndarray,
    error: np.ndarray,
    free: np.ndarray | int,
    values: np.ndarray,
) -> pd.DataFrame:
    """A row a value of those that are known: what it is off, and how far an interval reaches."""
    t, s = np.indices(off.shape)
    error = np.broadcast_to(error, off.shape)
    reach = special.stdtrit(np.maximum(free, 1), 0.5 + CONFIDENCE / 2) * error
    table = pd.DataFrame({
        "row": rows[t.ravel()], "at": stations[s.ravel()], "off": -off.ravel(),
        "error": error.ravel(), "reach": reach.ravel(),
        "measured": (values + sample.lapse[stations]).ravel(),
    })  # fmt: skip
    return table.dropna(subset=["off"])


def _table(parts: list[pd.DataFrame]) -> pd.DataFrame:
    columns = ["row", "at", "off", "error", "reach", "measured"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _means(sample: Sample, means: Composite | None, together: np.ndarray) -> pd.DataFrame:
    """Each value by the mean of the stations of other groups."""
    parts = []
    for _, rows, values, _ in groups(sample, means):
        rows = rows[np.isfinite(values).sum(axis=1) >= enough(sample.places)]
        values = values[np.isfinite(values).sum(axis=1) >= enough(sample.places)]
        for group in np.unique(together):
            out = np.flatnonzero(together == group)
            others = pd.DataFrame(values[:, together != group])
            n = others.notna().sum(axis=1).to_numpy()
            kept = np.flatnonzero(n >= 2)
            if not kept.size:
                continue
            mean, spread = others.mean(axis=1).to_numpy(), others.std(axis=1, ddof=1).to_numpy()
            error = (spread * np.sqrt(1 + 1 / np.maximum(n, 1)))[kept, None] + np.zeros(out.size)
            off = values[np.ix_(kept, out)] - mean[kept, None]
            parts.append(_rows(sample, rows[kept], out, off, error, (n[kept] - 1)[:, None],
                               values[np.ix_(kept, out)]))  # fmt: skip
    return _table(parts)


def _other_days(found: Field, method: Method, folds: np.ndarray) -> pd.DataFrame:
    """Values of days that neither the covariance nor, of a composite, the pattern has seen."""
    sample, days = found.sample, found.sample.days
    n_days = int(days.max()) + 1
    if n_days < 2:
        msg = "the record has one day"
        raise InputError(msg)
    parts = []
    block = days * min(_DAY_FOLDS, n_days) // n_days
    for i in np.unique(block):
        seen, unseen = sample.only(block != i), sample.only(block == i)
        if found.composite is None:
            parts += [*_other_hours(found, method, seen, unseen, np.flatnonzero(block == i))]
        else:
            parts.append(_other_means(found, method, seen, unseen, folds).assign(row=i))
    return _table(parts)


def _other_hours(
    found: Field, method: Method, seen: Sample, unseen: Sample, rows: np.ndarray
) -> Iterator[pd.DataFrame]:
    each = np.arange(len(seen.places))
    if not method.spatial:
        table = _means(unseen, None, each)
        yield table.assign(row=rows[table["row"].to_numpy(int)])
        return
    fitted = _fitted(found, seen, None, method, np.ones(each.size, bool))
    for table in _left_out(unseen, None, method, fitted, each, np.ones(each.size, bool)):
        yield table.assign(row=rows[table["row"].to_numpy(int)])


def _other_means(
    found: Field, method: Method, seen: Sample, unseen: Sample, folds: np.ndarray
) -> pd.DataFrame:
    """Means over days that were not seen, by the pattern of those that were and the others' level."""
    there = seen.air.notna().any().to_numpy() & unseen.air.notna().any().to_numpy()
    if there.sum() < enough(found.sample.places):
        return _table([])
    short, later = (_of_stations(s, there) for s in (seen, unseen))
    before, after = composite(short.air), composite(later.air)
    each = np.arange(int(there.sum()))
    part = replace(found, sample=short, composite=before)
    table = _without(part, method, each, folds[there])
    change = (after.values - before.values).to_numpy()
    at = table["at"].to_numpy(int)
    others = (change.sum() - change) / (change.size - 1)
    # predicted: the pattern of the days seen, moved by what the others warmed
    moved = table["off"].to_numpy() - change[at] + others[at]
    measured = after.values.to_numpy()[at] + short.lapse[at]
    return table.assign(off=moved, measured=measured, at=np.flatnonzero(there)[at])


def _of_stations(sample: Sample, keep: np.ndarray) -> Sample:
    return replace(
        sample, names=sample.names[keep], places=sample.places.pick(keep), lapse=sample.lapse[keep],
        air=sample.air.loc[:, keep],
    )  # fmt: skip


def _scores(values: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for (design, method), part in values.groupby(["design", "method"], sort=False):
        low, high = np.quantile(_drawn(part, rng), [0.025, 0.975])
        rows.append({
            "design": design, "method": method, "rmse": float(np.sqrt(part["square"].mean())),
            "rmse_low": float(low), "rmse_high": float(high), "bias": float(part["off"].mean()),
            "coverage": float(part["within"].mean()), "n": len(part),
            "n_stations": int(part["at"].nunique()),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _drawn(part: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """RMSE of draws of stations with replacement."""
    sums = part.groupby("at")["square"].agg(["sum", "count"]).to_numpy(float)
    picks = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), _REPLICATES)
    return np.sqrt((picks @ sums[:, 0]) / (picks @ sums[:, 1]))


def _ratio(values: pd.DataFrame, rng: np.random.Generator) -> tuple[float, float, float]:
    """RMSE of the field by that of ordinary kriging over the same values, stations drawn together."""
    own = values[values["design"] == "station"]
    sums = [own[own["method"] == m].groupby("at")["square"].sum() for m in (LCZ, ORDINARY)]
    both = pd.concat(sums, axis=1).dropna().to_numpy(float)
    if not len(both) or not (both[:, 1] > 0).any():
        return (float("nan"),) * 3
    picks = rng.multinomial(len(both), np.full(len(both), 1 / len(both)), _REPLICATES)
    drawn = np.sqrt((picks @ both[:, 0]) / (picks @ both[:, 1]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(np.sqrt(both[:, 0].sum() / both[:, 1].sum())), float(low), float(high)


def _by_station(values: pd.DataFrame, sample: Sample) -> pd.DataFrame:
    values = values.assign(predicted=values["measured"] + values["off"])
    grouped = values.groupby(["design", "method", "at"], sort=False)
    table = grouped.agg(
        n=("off", "size"), measured=("measured", "mean"), predicted=("predicted", "mean"),
        rmse=("square", "mean"), standard_error=("error", "mean"), coverage=("within", "mean"),
    ).reset_index()  # fmt: skip
    table["rmse"] = np.sqrt(table["rmse"])
    at = table.pop("at").to_numpy(int)
    table.insert(2, "station", sample.names[at].astype(str))
    table.insert(3, "lcz", sample.places.zone[at])
    return table
