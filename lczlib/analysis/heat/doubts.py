"""What in the temperatures of the classes cannot be right, said with the result."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from lczlib.analysis.heat.order import quantile_of
from lczlib.analysis.heat.pixels import WATER
from lczlib.analysis.heat.runs import Runs
from lczlib.classes import CLASSES
from lczlib.reading import Reading, share, tell
from lczlib.scenes.thermal_quality import NO_LAYER
from lczlib.terms import option

WIDEST = {"surface": 25.0, "canopy": 15.0}
"""K between class means: no surface, and no air at 2 m, of one scene shows more."""
_COLD = 6.0
_COLD_SPREADS = 5.0
_COLD_SHARE = 0.01
_FEWEST = 100


def tell_doubts(
    temperature: xr.DataArray, codes: np.ndarray, table: pd.DataFrame, kind: str, min_pixels: int
) -> None:
    """Tell where class means lie too far apart, or where cold pixels look like clouds.

    Parameters
    ----------
    temperature : DataArray (y, x)
        degC; attrs ``source``, ``clouds``.
    codes : array (y, x)
        LCZ of each pixel.
    table : DataFrame
        Index ``lcz``, columns ``n`` and ``mean``.
    kind : {"surface", "canopy"}
        What the temperatures are of.
    min_pixels : int
        Classes with fewer are left out.
    """
    means = table.loc[table["n"] >= min_pixels, "mean"]
    if means.empty:
        return
    cautions = []
    cold, warm = means.idxmin(), means.idxmax()
    if means[warm] - means[cold] > WIDEST[kind]:
        cautions.append(
            f"The means of LCZ {CLASSES[warm - 1].code} and {CLASSES[cold - 1].code} are "
            f"{means[warm] - means[cold]:.0f} K apart, which {'no surface' if kind == 'surface' else 'no air'} of "
            "one scene shows: check the unit and the scale of the temperatures, and clouds."
        )
    clouds = str(temperature.attrs.get("clouds", ""))
    if clouds.endswith(NO_LAYER):  # one date with its clouds is enough to doubt a median
        part = _cold_share(np.asarray(temperature.data), codes)
        if part > _COLD_SHARE:
            lacking = "there was no quality layer"
            if clouds != NO_LAYER:
                lacking = "not all dates have a quality layer"
            cautions.append(
                f"{share(part, 1)} of the land is far colder than its own class, and {lacking}: clouds that "
                f"were not removed look so; give the quality layer ({option('quality')}), or a higher lowest "
                f"temperature ({option('plausible')})."
            )
    said = (
        f"class means {means[cold]:.1f} (LCZ {CLASSES[cold - 1].code}) to {means[warm]:.1f} degC (LCZ "
        f"{CLASSES[warm - 1].code})",
    )
    source = str(temperature.attrs.get("source", "temperature"))
    if cautions:
        tell(Reading("temperatures by class of", source, said, tuple(cautions)))


def _cold_share(celsius: np.ndarray, codes: np.ndarray) -> float:
    """Share of the land pixels that are colder than their class's warmer half explains."""
    n = cold = 0
    runs = Runs.of(codes, np.isfinite(celsius)).by_class()
    for number in runs.numbers:
        values = runs.take(celsius, number)
        if number == WATER or values.size < _FEWEST:
            continue
        middle, high = (quantile_of(values, q) for q in (0.5, 0.9))
        spread = (high - middle) / 1.2816  # of a normal distribution
        n += values.size
        cold += int((values < middle - max(_COLD, _COLD_SPREADS * spread)).sum())
    return cold / n if n else 0.0
