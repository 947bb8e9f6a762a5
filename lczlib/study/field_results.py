"""A study's field of air temperature as tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lczlib.jobs.field import FieldResult
from lczlib.texts import N_, text

ZONE_HEADS = (
    N_("zone"), N_("stations"), "km²", N_("effect K"), N_("standard error K"), N_("of the field K"), N_("on the map"),
)  # fmt: skip


def zone_rows(result: FieldResult) -> list[tuple[str, ...]]:
    """Each zone of a field: stations, area, effect with its standard error, mean standard error of its pixels.

    In the order of `ZONE_HEADS`; the last column says where a zone is masked.
    """
    from lczlib.classes import CLASSES
    from lczlib.export.targets.names import zone_name

    effects, rows = result.fitted.effects()[0], []
    codes = np.asarray(result.fitted.ground.lcz.data)
    for lcz, zone in result.areas.iterrows():
        on = result.error.to_numpy()[codes == lcz]
        on = on[np.isfinite(on)]
        alone = not zone["n_stations"]
        effect, error = ("–", "–") if alone else (
            f"{effects.loc[lcz, 'effect']:+.2f}", f"{effects.loc[lcz, 'standard_error']:.2f}"
        )  # fmt: skip
        shown = "" if not alone else text("mean of all zones") if on.size else text("masked")
        rows.append((
            f"{zone['code']} {zone_name(CLASSES[lcz - 1])}", f"{int(zone['n_stations'])}", f"{zone['area_km2']:,.1f}",
            effect, error, f"{on.mean():.2f}" if on.size else "–", shown,
        ))  # fmt: skip
    return rows


def field_tables(result: FieldResult) -> dict[str, pd.DataFrame]:
    """Scores of the cross-validation, and each station's, by file name."""
    return {
        "field_cross_validation": result.to_dataframe(),
        "field_stations": result.fitted.table().reset_index(names="station"),
    }
