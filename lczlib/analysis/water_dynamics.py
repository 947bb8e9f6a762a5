"""Surface water through time: monthly probability, occurrence, permanence, trend.

Input is the probability of water of dated scenes, ``(time, y, x)`` float32, NaN where no data, as
`lczlib.mapping.water` makes it; in memory or dask-backed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import special

from lczlib.analysis.water_area import cell_areas
from lczlib.errors import InputError
from lczlib.grid import geobox_of

MIN_VALID_SHARE = 0.9
"""A month seen on less of the area than this is left out of the trend."""

NEVER, SEASONAL, PERMANENT, REGIME_NODATA = 0, 1, 2, 255
REGIME_COLORS = {
    NEVER: (230, 226, 216),
    SEASONAL: (111, 183, 219),
    PERMANENT: (22, 64, 138),
    REGIME_NODATA: (255, 255, 255),
}


@dataclass(frozen=True)
class Trend:
    """Trend of the monthly water area.

    Attributes
    ----------
    slope, slope_low, slope_high : float
        km2 per year and its 95% interval.
    p_value : float
        Two-sided, of the Mann-Kendall test.
    n_months : int
        Months it is drawn from.
    seasonal : bool
        Whether the seasonal cycle was taken out, which needs some month in two years. Where it was
        not, the slope mixes trend and season.
    """

    slope: float
    slope_low: float
    slope_high: float
    p_value: float
    n_months: int
    seasonal: bool


def monthly(probability: xr.DataArray) -> xr.DataArray:
    """Mean probability of each calendar month that has a scene, ``(time, y, x)``.

    The time coordinate becomes the first day of the month; ``n_scenes`` counts its scenes. A cell
    takes the scenes in which it is valid.

    Raises
    ------
    InputError
        If there is no time, or a date is missing.
    """
    if "time" not in probability.dims or "time" not in probability.coords:
        msg = "A water series needs a dimension 'time' with a date for each scene."
        raise InputError(msg)
    if probability.time.isnull().any():
        msg = "A scene of the water series has no date."
        raise InputError(msg)
    months = probability.time.values.astype("datetime64[M]")
    distinct, counts = np.unique(months, return_counts=True)
    means = []
    for month in distinct:
        scenes = probability.isel(time=np.flatnonzero(months == month))
        means.append(scenes.isel(time=0) if len(scenes) == 1 else scenes.mean("time"))
    out = xr.concat([m.drop_vars("time", errors="ignore") for m in means], "time")
    out = out.assign_coords(time=distinct.astype("datetime64[ns]"), n_scenes=("time", counts))
    return out.assign_attrs(probability.attrs)


def water_occurrence(probability: xr.DataArray, *, threshold: float = 0.5) -> xr.Dataset:
    """How often each cell is water.

    Parameters
    ----------
    probability : DataArray (time, y, x)
        One layer a month, see `monthly`.
    threshold : float
        Water where the probability is above it.

    Returns
    -------
    Dataset (y, x), lazy where the input is
        ``occurrence`` float32, the share of valid months with water (Pekel et al. 2016,
        doi 10.1038/nature20584), NaN where no month is valid; ``n_months`` uint16, valid months.
    """
    valid = probability.notnull()
    n_months = valid.sum("time")
    wet = (probability > threshold).sum("time")
    occurrence = (wet / n_months.where(n_months > 0)).astype(np.float32)
    occurrence.attrs = {"long_name": "share of valid months with water", "units": "1"}
    return xr.Dataset({"occurrence": occurrence, "n_months": n_months.astype(np.uint16)})


def water_regime(
    occurrence: xr.Dataset, *, permanent_from: float = 1.0, min_months: int = 2
) -> xr.DataArray:
    """Permanent and seasonal water.

    Parameters
    ----------
    occurrence : Dataset
        From `water_occurrence`.
    permanent_from : float
        Permanent is water in at least this share of its valid months; 1 is Pekel et al.'s (2016)
        definition, a little less forgives single misread months.
    min_months : int
        A cell with fewer valid months is no data: one month tells no season.

    Returns
    -------
    DataArray (y, x) uint8
        0 never water, 1 seasonal, 2 permanent, 255 no data.

    Raises
    ------
    InputError
        If `permanent_from` is no share.
    """
    if not 0 < permanent_from <= 1:
        msg = f"Permanent water from a share of {permanent_from:g} makes no sense: give 0 to 1."
        raise InputError(msg)
    share = occurrence["occurrence"]
    known = share.notnull() & (occurrence["n_months"] >= min_months)
    code = (share > 0).astype(np.uint8) + (share >= permanent_from).astype(np.uint8)
    out = code.where(known, REGIME_NODATA).astype(np.uint8).rename("water_regime")
    out.attrs = {
        "long_name": "surface water regime",
        "flag_values": np.array([NEVER, SEASONAL, PERMANENT], np.uint8),
        "flag_meanings": "never_water seasonal_water permanent_water",
        "_FillValue": np.uint8(REGIME_NODATA),
    }
    return out


def regime_areas(regime: xr.DataArray) -> dict[str, float]:
    """Area in km2 of permanent and seasonal water, and of the cells judged."""
    areas = cell_areas(geobox_of(regime, "water regime"))
    out = {"permanent": 0.0, "seasonal": 0.0, "judged": 0.0}
    for top in range(0, regime.shape[0], 512):
        part, area = regime[top : top + 512].values, areas[top : top + 512, None]
        out["permanent"] += float(((part == PERMANENT) * area).sum())
        out["seasonal"] += float(((part == SEASONAL) * area).sum())
        out["judged"] += float(((part != REGIME_NODATA) * area).sum())
    return out


def area_trend(area: xr.Dataset, *, min_valid_share: float = MIN_VALID_SHARE) -> Trend:
    """Trend of the monthly area, robust to outliers and to the seasonal cycle.

    Sen's slope with its interval (Sen 1968, doi 10.1080/01621459.1968.10480934) and the Mann-Kendall
    test; where some calendar month was seen in two years, both compare only months of the same name
    (seasonal Kendall, Hirsch et al. 1982, doi 10.1029/WR018i001p00107).

    Parameters
    ----------
    area : Dataset (time)
        From `water_area` of `monthly` probabilities.
    min_valid_share : float
        Months seen on less of the grid are left out.

    Raises
    ------
    InputError
        If fewer than four months are left.
    """
    used = area.isel(time=np.flatnonzero(area["valid_share"].values >= min_valid_share))
    n = used.sizes["time"]
    if n < 4:
        msg = (
            f"A trend needs at least 4 months seen on {min_valid_share:.0%} of the area, and there "
            f"are {n} of {area.sizes['time']}: add scenes."
        )
        raise InputError(msg)
    time, values = used["time"].values, used["area"].values.astype(float)
    years = (time - time[0]) / np.timedelta64(1, "D") / 365.25
    month = time.astype("datetime64[M]").astype(int) % 12
    seasonal = len(np.unique(month)) < n
    group = month if seasonal else np.zeros(n, int)
    i, j = np.triu_indices(n, 1)
    same = group[i] == group[j]
    rise, run = (values[j] - values[i])[same], (years[j] - years[i])[same]
    slopes = np.sort(rise / run)
    variance = sum(_kendall_variance(values[group == g]) for g in np.unique(group))
    score = np.sign(rise).sum()
    z = (score - np.sign(score)) / np.sqrt(variance) if variance > 0 else 0.0
    reach = 1.96 * np.sqrt(variance)
    last = len(slopes) - 1
    low, high = ((len(slopes) - reach) / 2, (len(slopes) + reach) / 2)
    return Trend(
        slope=float(np.median(slopes)),
        slope_low=float(slopes[int(np.clip(np.floor(low) - 1, 0, last))]),
        slope_high=float(slopes[int(np.clip(np.ceil(high), 0, last))]),
        p_value=float(2 * special.ndtr(-abs(z))),
        n_months=n,
        seasonal=bool(seasonal),
    )


def _kendall_variance(values: np.ndarray) -> float:
    """Variance of Kendall's score of n values, less what ties take from it."""
    ties = np.unique(values, return_counts=True)[1]
    return float(
        sum(sign * (c * (c - 1) * (2 * c + 5)).sum() for sign, c in ((1, np.array([len(values)])), (-1, ties)))
    ) / 18  # fmt: skip
