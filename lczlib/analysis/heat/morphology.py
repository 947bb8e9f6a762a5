"""Area and morphology of each class: the published ranges of Stewart & Oke (2012)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from lczlib.analysis.area import class_areas as cells_of
from lczlib.classes import CLASSES, N_CLASSES
from lczlib.errors import InputError
from lczlib.export.targets.urban_canopy import ANTHROPOGENIC_HEAT, canopy_table

PARAMETERS: dict[str, tuple[str, str]] = {
    "sky_view_factor": ("1", "visible sky over the hemisphere, at ground level"),
    "aspect_ratio": (
        "1",
        "mean height over width of street canyons (1-7), building (8-10) or tree (A-G) spacing",
    ),
    "building_fraction": ("%", "plan area under buildings"),
    "impervious_fraction": ("%", "plan area paved or rock"),
    "pervious_fraction": ("%", "plan area of soil, vegetation, water"),
    "height": ("m", "geometric mean of building heights (1-10), tree or plant heights (A-F)"),
    "roughness_class": ("1", "terrain roughness class of Davenport et al. (2000)"),
    "surface_admittance": ("J m-2 s-1/2 K-1", "ability to take in or release heat"),
    "albedo": ("1", "share of sunlight reflected"),
    "anthropogenic_heat": ("W m-2", "mean annual heat from fuel and people"),
}
"""Unit and meaning of each parameter."""

_INF = float("inf")
_NAN = float("nan")
_RANGES: dict[str, list[tuple[float, float]]] = {
    "sky_view_factor": [
        (0.2, 0.4), (0.3, 0.6), (0.2, 0.6), (0.5, 0.7), (0.5, 0.8), (0.6, 0.9), (0.2, 0.5), (0.7, 1),
        (0.8, 1), (0.6, 0.9), (0, 0.4), (0.5, 0.8), (0.7, 0.9), (0.9, 1), (0.9, 1), (0.9, 1), (0.9, 1),
    ],
    "aspect_ratio": [
        (2, _INF), (0.75, 2), (0.75, 1.5), (0.75, 1.25), (0.3, 0.75), (0.3, 0.75), (1, 2), (0.1, 0.3),
        (0.1, 0.25), (0.2, 0.5), (1, _INF), (0.25, 0.75), (0.25, 1), (0, 0.1), (0, 0.1), (0, 0.1), (0, 0.1),
    ],
    "building_fraction": [
        (40, 60), (40, 70), (40, 70), (20, 40), (20, 40), (20, 40), (60, 90), (30, 50), (10, 20), (20, 30),
        (0, 10), (0, 10), (0, 10), (0, 10), (0, 10), (0, 10), (0, 10),
    ],
    "impervious_fraction": [
        (40, 60), (30, 50), (20, 50), (30, 40), (30, 50), (20, 50), (0, 20), (40, 50), (0, 20), (20, 40),
        (0, 10), (0, 10), (0, 10), (0, 10), (90, 100), (0, 10), (0, 10),
    ],
    "pervious_fraction": [
        (0, 10), (0, 20), (0, 30), (30, 40), (20, 40), (30, 60), (0, 30), (0, 20), (60, 80), (40, 50),
        (90, 100), (90, 100), (90, 100), (90, 100), (0, 10), (90, 100), (90, 100),
    ],
    "height": [
        (25, _INF), (10, 25), (3, 10), (25, _INF), (10, 25), (3, 10), (2, 4), (3, 10), (3, 10), (5, 15),
        (3, 30), (3, 15), (0, 2), (0, 1), (0, 0.25), (0, 0.25), (_NAN, _NAN),
    ],
    "roughness_class": [
        (8, 8), (6, 7), (6, 6), (7, 8), (5, 6), (5, 6), (4, 5), (5, 5), (5, 6), (5, 6),
        (8, 8), (5, 6), (4, 5), (3, 4), (1, 2), (1, 2), (1, 1),
    ],
    "surface_admittance": [
        (1500, 1800), (1500, 2200), (1200, 1800), (1400, 1800), (1400, 2000), (1200, 1800), (800, 1500),
        (1200, 1800), (1000, 1800), (1000, 2500), (_NAN, _NAN), (1000, 1800), (700, 1500), (1200, 1600),
        (1200, 2500), (600, 1400), (1500, 1500),
    ],
    "albedo": [
        (0.10, 0.20), (0.10, 0.20), (0.10, 0.20), (0.12, 0.25), (0.12, 0.25), (0.12, 0.25), (0.15, 0.35),
        (0.15, 0.25), (0.12, 0.25), (0.12, 0.20), (0.10, 0.20), (0.15, 0.25), (0.15, 0.30), (0.15, 0.25),
        (0.15, 0.30), (0.20, 0.35), (0.02, 0.10),
    ],
    "anthropogenic_heat": [
        (50, 300), (0, 75), (0, 75), (0, 50), (0, 25), (0, 25), (0, 35), (0, 50), (0, 10), (300, _INF),
        (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0),
    ],
}  # fmt: skip


def morphology_table() -> pd.DataFrame:
    """The ranges of tables 3 and 4 of Stewart & Oke (2012), doi 10.1175/BAMS-D-11-00019.1.

    Every limit (10 parameters of 17 classes) was compared with an independent transcription of the
    two tables, ``docs/references/tables/stewart_oke_2012_properties.md`` of the repository
    ancazugo/lczkit, and agrees; sky view factor, the three surface fractions, height and
    anthropogenic heat also with table 1 of doi 10.1371/journal.pone.0214474, roughness class and
    albedo also with the R package LCZ4r. Where the tables give one limit alone ("< 10", "> 0.9"), the
    other is the parameter's own (0, 1 or 100 %), or infinity where it has none.

    Returns
    -------
    DataFrame
        Index ``lcz`` 1..17; ``code``, ``name``, and ``<parameter>_min``, ``<parameter>_max`` for each
        of :data:`PARAMETERS`. NaN: not given; infinity: no upper limit is given.
    """
    columns = {"code": [c.code for c in CLASSES], "name": [c.name for c in CLASSES]}
    for name, ranges in _RANGES.items():
        columns[f"{name}_min"], columns[f"{name}_max"] = np.array(ranges, dtype=float).T
    return pd.DataFrame(columns, index=pd.Index([c.number for c in CLASSES], name="lcz"))


_MIDDLE = "middle of the range of Stewart & Oke 2012"
_W2W = "w2w, doi 10.21105/joss.04432"
_WRF = "WRF, URBPARM_LCZ.TBL"


def central_values() -> pd.DataFrame:
    """One value of each parameter and class, for models, and where it is from.

    Built classes have the values that WRF is run with (`lczlib.export.targets.urban_canopy`): height, height
    over width, and the three surface fractions of w2w, anthropogenic heat of WRF's table. All others are the
    middle of the published range, where both its limits are given.

    Returns
    -------
    DataFrame
        Index ``lcz`` 1..17; ``<parameter>`` in the units of :data:`PARAMETERS`, and ``<parameter>_source``; NaN
        and an empty source where no value can be told. The 5 m of LCZ 7 are above its published 2-4 m.
    """
    columns: dict[str, np.ndarray] = {}
    for name, ranges in _RANGES.items():
        limits = np.array(ranges, float)
        known = np.isfinite(limits).all(1)
        columns[name] = np.where(known, np.where(known[:, None], limits, 0).mean(1), _NAN)
        columns[f"{name}_source"] = np.where(known, _MIDDLE, "").astype(object)
    built = canopy_table().loc[1:10]
    fraction, plan = built["FRC_URB2D"].to_numpy(), built["BLDFR_URB2D"].to_numpy()
    of_models = {
        "height": (built["MH_URB2D"].to_numpy(), _W2W),
        "aspect_ratio": (built["H2W"].to_numpy(), _W2W),
        "building_fraction": (100 * plan, _W2W),
        "impervious_fraction": (100 * (fraction - plan), _W2W),
        "pervious_fraction": (100 * (1 - fraction), _W2W),
        "anthropogenic_heat": (np.array(ANTHROPOGENIC_HEAT), _WRF),
    }
    for name, (values, source) in of_models.items():
        columns[name][:10] = values.round(6)
        columns[f"{name}_source"][:10] = source
    return pd.DataFrame(columns, index=pd.Index([c.number for c in CLASSES], name="lcz"))


def check_parameter(parameter: str) -> None:
    """Refuse what is none of :data:`PARAMETERS` with an `InputError`."""
    if parameter not in PARAMETERS:
        msg = f"{parameter!r} is no morphology parameter: use one of {', '.join(PARAMETERS)}."
        raise InputError(msg)


def morphology_raster(lcz: xr.DataArray, parameter: str) -> xr.DataArray:
    """Lower limit, upper limit and middle of a parameter's range, and its central value, for each pixel.

    Parameters
    ----------
    lcz : DataArray (y, x)
        Codes 0..17; may be dask-backed, and so is the result then.
    parameter : str
        One of :data:`PARAMETERS`.

    Returns
    -------
    DataArray (bound, y, x), float32
        ``bound`` is min, max, middle, central (see `central_values`); NaN for no data and where no limit
        is published (the middle too).
    """
    check_parameter(parameter)
    limits = np.full((4, N_CLASSES + 1), np.nan, np.float32)
    limits[:2, 1:] = np.array(_RANGES[parameter]).T
    limits[np.isinf(limits)] = np.nan
    limits[2] = limits[:2].mean(axis=0)
    limits[3, 1:] = central_values()[parameter]
    layers = [
        xr.apply_ufunc(band.__getitem__, lcz, dask="parallelized", output_dtypes=[np.float32])
        for band in limits
    ]
    names = ["min", "max", "middle", "central"]
    out = xr.concat(layers, "bound").assign_coords(bound=names).rename(parameter)
    unit, meaning = PARAMETERS[parameter]
    out.attrs = {"units": unit, "long_name": meaning}
    return out


def class_areas(lcz: xr.DataArray) -> pd.DataFrame:
    """Area of each class present: index ``lcz``; ``code``, ``name``, ``n_pixels``, ``area_km2``, ``share``.

    Raises
    ------
    InputError
        If no cell of it has a class.
    """
    found = cells_of(lcz)
    counts = found["n_cells"].to_numpy()
    if not counts.any():
        msg = f"No cell of the LCZ map ({lcz.size:,} cells) has a class: it is empty; give another."
        raise InputError(msg)
    table = morphology_table()[["code", "name"]]
    table["n_pixels"] = counts
    table["area_km2"] = found["area_km2"].to_numpy()
    table["share"] = found["share"].to_numpy()
    return table[table["n_pixels"] > 0]
