"""The register of further measures of a heat island: what is computed beside the zones.

A measure that is registered can be chosen on the command line and in the dashboard::

    register(FurtherMeasure("spread", "Spread of the scene", "5th to 95th percentile, K", spread))

where ``spread`` takes a `MeasuredScene` and returns a `Found`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lczlib.texts import N_

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from lczlib.analysis.heat.surface import SurfaceHeatIsland


@dataclass(frozen=True)
class MeasuredScene:
    """What a measure reads.

    Attributes
    ----------
    temperature : DataArray (y, x)
        degC, NaN where missing.
    lcz : DataArray (y, x)
        Codes 0..17 on the same grid.
    result : SurfaceHeatIsland
        The zones' heat island, with the options it was made with.
    """

    temperature: xr.DataArray
    lcz: xr.DataArray
    result: SurfaceHeatIsland


@dataclass(frozen=True)
class Found:
    """What a measure found.

    Attributes
    ----------
    facts : mapping
        Plain values, for the result's JSON.
    tables : mapping of str to DataFrame
        By file name without ending.
    layers : mapping of str to DataArray
        Rasters, likewise.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    layers: Mapping[str, xr.DataArray] = field(default_factory=dict)


@dataclass(frozen=True)
class FurtherMeasure:
    """A measure with its name.

    Attributes
    ----------
    name, title : str
        For options and for people.
    doc : str
        What it is, in a sentence.
    compute : callable
        Of a `MeasuredScene`, a `Found`.
    of_air : bool
        Whether it has a meaning for air temperature too.
    """

    name: str
    title: str
    doc: str
    compute: Callable[[MeasuredScene], Found]
    of_air: bool = True


MEASURES: dict[str, FurtherMeasure] = {}
"""By name."""


def register(measure: FurtherMeasure) -> FurtherMeasure:
    """Make a measure known to every face of the project."""
    MEASURES[measure.name] = measure
    return measure


def measured(scene: MeasuredScene, names: Iterable[str] | None = None) -> Found:
    """The chosen measures of a scene, or all, as one."""
    facts: dict[str, Any] = {}
    tables: dict[str, pd.DataFrame] = {}
    layers: dict[str, xr.DataArray] = {}
    for name in MEASURES if names is None else names:
        measure = MEASURES[name]
        if scene.result.kind != "surface" and not measure.of_air:
            continue
        found = measure.compute(scene)
        facts |= found.facts
        tables |= found.tables
        layers |= found.layers
    return Found(facts, tables, layers)


def _difference(name: str) -> Callable[[MeasuredScene], Found]:
    def compute(scene: MeasuredScene) -> Found:
        from lczlib.analysis.heat import measures
        from lczlib.errors import InputError

        told = scene.result.options
        try:
            value = getattr(measures, name)(
                scene.temperature, scene.lcz, scene.result.block_size, seed=told.seed,
                replicates=told.replicates, confidence=told.confidence,
            ).as_dict()  # fmt: skip
            if scene.result.few_blocks:
                value["difference_ci"] = None
        except InputError as err:  # a scene without built or natural land has no such measure
            value = {"difference": None, "note": err.message}
        return Found({name: value})

    return compute


def _profile(scene: MeasuredScene) -> Found:
    import numpy as np

    from lczlib.analysis.heat import measures

    told = scene.result.options
    table = measures.distance_profile(
        scene.temperature, scene.lcz, scene.result.block_size, seed=told.seed
    )
    if scene.result.few_blocks:
        table[["ci_low", "ci_high"]] = np.nan
    return Found(tables={"profile": table})


def _hot_spots(scene: MeasuredScene) -> Found:
    import numpy as np

    from lczlib.analysis.heat.spots import getis_ord

    spots = getis_ord(scene.temperature)
    n = np.isfinite(scene.temperature).sum()
    facts = {
        "hot_share": float((spots["spot"] == 1).sum() / n),
        "cold_share": float((spots["spot"] == -1).sum() / n),
        "definition": N_("Getis-Ord Gi* within 500 m, false discovery rate 0.05"),
    }
    layers = {"getis_ord": spots["z"].copy(deep=False), "hot_spots": spots["spot"]}
    return Found({"hot_spots": facts}, layers=layers)


def _utfvi(scene: MeasuredScene) -> Found:
    from lczlib.analysis.heat import measures

    levels = measures.utfvi(scene.temperature)
    seen = levels["level"].to_numpy()
    shares = {
        name: float((seen == i).sum() / (seen != 255).sum())
        for i, name in enumerate(measures.UTFVI_NAMES)
    }
    return Found({"utfvi_shares": shares}, layers={"utfvi": levels["utfvi"]})


for _measure in (
    FurtherMeasure(
        "urban_rural", N_("Urban minus rural"), "Median of LCZ 1-10 minus median of LCZ A-F, K.",
        _difference("urban_rural"),
    ),
    FurtherMeasure(
        "low_percentile", N_("Urban mean minus low percentile"),
        "Mean of LCZ 1-10 minus a low percentile of the land around, K.", _difference("low_percentile"),
    ),
    FurtherMeasure(
        "profile", N_("Distance profile"), "Temperature by distance from the built-up area.", _profile
    ),
    FurtherMeasure(
        "hot_spots", N_("Hot and cold spots"), "Getis-Ord Gi* within 500 m.", _hot_spots
    ),
    FurtherMeasure(
        "utfvi", N_("Thermal field variance index"), "UTFVI and its six levels.", _utfvi, of_air=False
    ),
):  # fmt: skip
    register(_measure)
