"""Central values of urban form for WRF: one value a class, where Stewart & Oke (2012) publish ranges.

Of w2w (Demuzere et al. 2022, doi 10.21105/joss.04432, its table ``LCZ_UCP_lookup.csv``, MIT), which follow Stewart &
Oke (2012) and Stewart et al. (2014, doi 10.1002/joc.3746); anthropogenic heat: ``AH`` of WRF's own table
``URBPARM_LCZ.TBL`` (WRF 4.3 and later).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from lczlib.classes import N_CLASSES
from lczlib.export.files import staged

COLUMNS = ("FRC_URB2D", "MH_URB2D_MIN", "MH_URB2D", "MH_URB2D_MAX", "BLDFR_URB2D", "H2W")
"""Urban fraction (0-1); building height (m): least, mean, most; building fraction (0-1); height over width (1)."""

_BUILT = (
    (0.95, 25, 50, 75, 0.5, 2.5), (0.9, 10, 17.5, 25, 0.55, 1.25), (0.85, 3, 6.5, 10, 0.55, 1.25),
    (0.65, 25, 50, 75, 0.3, 1), (0.7, 10, 17.5, 25, 0.3, 0.5), (0.6, 3, 6.5, 10, 0.3, 0.5),
    (0.85, 4, 5, 6, 0.75, 1.5), (0.85, 3, 6.5, 10, 0.4, 0.2), (0.3, 3, 6.5, 10, 0.15, 0.15),
    (0.55, 5, 10, 15, 0.25, 0.35),
)  # fmt: skip
_PAVED = (0.95, 0, 0, 0, 0.05, 0)

ANTHROPOGENIC_HEAT = (175.0, 37.5, 37.5, 25.0, 12.5, 12.5, 17.5, 25.0, 5.0, 350.0)
"""Of LCZ 1-10, W m-2."""


def canopy_table() -> pd.DataFrame:
    """The parameters of each class: index ``lcz`` 1..17, columns as of :data:`COLUMNS`; 0 of natural zones."""
    values = np.zeros((N_CLASSES, len(COLUMNS)))
    values[: len(_BUILT)] = _BUILT
    values[14] = _PAVED
    return pd.DataFrame(
        values, index=pd.RangeIndex(1, N_CLASSES + 1, name="lcz"), columns=list(COLUMNS)
    )


def derived(table: pd.DataFrame) -> pd.DataFrame:
    """Street and building widths, and the indices that follow, of the built classes 1..10.

    Returns
    -------
    DataFrame
        Index ``lcz`` 1..10: ``street`` and ``building`` (widths, m), ``LP`` and ``LF`` (plan and frontal area
        index), ``LB`` (surface of buildings over plan area), ``MH`` and ``STDH`` (mean height and its standard
        deviation, m). Street canyons whose width follows from height over width, and buildings from the
        fractions (Zonato et al. 2020, doi 10.1016/j.uclim.2020.100584).
    """
    built = table.loc[1:10]
    street = built["MH_URB2D"] / built["H2W"]
    share = built["BLDFR_URB2D"] / (built["FRC_URB2D"] - built["BLDFR_URB2D"])
    building = share * street
    plan = building / (building + street)
    frontal = 2 * built["MH_URB2D"] / (building + street)
    return pd.DataFrame(
        {
            "street": street, "building": building, "LP": plan, "LF": frontal, "LB": plan + frontal,
            "MH": built["MH_URB2D"], "STDH": (built["MH_URB2D_MAX"] - built["MH_URB2D_MIN"]) / 4,
        }
    )  # fmt: skip


def height_shares(table: pd.DataFrame, edges: np.ndarray) -> np.ndarray:
    """Shares of buildings by height of the classes 1..10, by a normal distribution cut at least and most.

    Parameters
    ----------
    table : DataFrame
        As of `canopy_table`.
    edges : array (n + 1,)
        Of the intervals, m.

    Returns
    -------
    array (10, n)
        Per cent; each class adds up to 100.
    """
    from scipy.stats import truncnorm

    built = table.loc[1:10]
    low, mean, high = (built[f"MH_URB2D{end}"].to_numpy() for end in ("_MIN", "", "_MAX"))
    spread = (high - low) / 4
    law = truncnorm((low - mean) / spread, (high - mean) / spread, loc=mean, scale=spread)
    return 100 * np.diff(law.cdf(edges[:, None]).T, axis=1)


def write_canopy_table(path: Path) -> Path:
    """Write the table in the form that w2w reads (its option ``--lcz-ucp``)."""
    table = canopy_table().rename_axis(None)
    with staged(path) as temporary:
        table.to_csv(temporary, float_format="%g")
    return path
