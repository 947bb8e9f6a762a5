"""Land cover and morphology of LCZ maps as SUEWS and UMEP take them.

The seven covers, heights and frontal areas of each class are the defaults of the LCZ converter of UMEP
(Lindberg et al. 2018, doi 10.1016/j.envsoft.2017.09.020; table of its dialog, ``LCZ_Converter``), and areas are
summed by its rule: each class counts by its share of the cells that have one. The wall area index is that of
street canyons, 2 (1 - plan area of buildings) height / width (Lindberg et al. 2015, doi
10.1016/j.uclim.2015.04.001, equation 7).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from lczlib.classes import CLASSES, N_CLASSES
from lczlib.export.files import staged, write_table

COVERS = ("Paved", "Buildings", "EvergreenTrees", "DecidiousTrees", "Grass", "Baresoil", "Water")
"""The seven covers as UMEP writes them, its spelling included."""
FRACTIONS = ("Fr_Paved", "Fr_Bldgs", "Fr_EveTr", "Fr_DecTr", "Fr_Grass", "Fr_Bsoil", "Fr_Water")
"""The same in the columns of SUEWS's site table."""
MORPHOLOGY = ("pai", "fai", "zH", "zHmax", "zHstd", "zd", "z0", "wai")
NOT_GIVEN = -9999
"""What UMEP writes for roughness length and displacement height, which SUEWS works out."""

_UNITS = 2**40
"""Fractions are whole multiples of 1 / 2^40, which floating point numbers hold and add without rounding."""

_PARAMETERS: dict[str, tuple[float, ...]] = {
    "Paved": (0.45, 0.40, 0.35, 0.35, 0.40, 0.30, 0.05, 0.45, 0.15, 0.30,
              0.02, 0.02, 0.02, 0.02, 0.90, 0.02, 0.0),
    "Buildings": (0.50, 0.50, 0.50, 0.30, 0.30, 0.30, 0.80, 0.40, 0.15, 0.25,
                  0.02, 0.02, 0.02, 0.02, 0.05, 0.02, 0.0),
    "EvergreenTrees": (0.0,) * N_CLASSES,
    "DecidiousTrees": (0.0, 0.04, 0.05, 0.10, 0.10, 0.15, 0.05, 0.05, 0.25, 0.05,
                       0.96, 0.46, 0.32, 0.05, 0.0, 0.0, 0.0),
    "Grass": (0.05, 0.06, 0.10, 0.25, 0.20, 0.25, 0.10, 0.10, 0.45, 0.40,
              0.0, 0.50, 0.64, 0.91, 0.05, 0.0, 0.0),
    "Baresoil": (*(0.0,) * 15, 0.96, 0.0),
    "Water": (*(0.0,) * 16, 1.0),
    "building_height": (35, 15, 5, 40, 15, 5, 3, 7, 5, 8.5, 5, 5, 5, 5, 5, 5, 0),
    "vegetation_height": (1, 1, 1, 1, 1, 1, 0.3, 0.8, 2, 0.6, 17, 9, 1.5, 0.5, 0, 0.1, 0),
    "building_frontal_area": (0.3, 0.2, 0.16, 0.26, 0.16, 0.2, 0.13, 0.16, 0.14, 0.26,
                              0.14, 0.14, 0.14, 0.14, 0.14, 0.14, 0),
    "vegetation_frontal_area": (0.14, 0.14, 0.14, 0.14, 0.14, 0.14, 0.14, 0.14, 0.16, 0.14,
                                0.25, 0.20, 0.14, 0.12, 0.05, 0.05, 0),
    "building_height_std": (40, 4, 2.3, 25, 4, 2.3, 0.7, 2.3, 2.3, 3.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 0),
    "vegetation_height_std": (0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 4, 0.7,
                              9, 4, 0.7, 0.3, 0.05, 0.05, 0),
    "building_height_max": (200, 25, 10, 150, 25, 10, 4, 10, 10, 15, 10, 10, 10, 10, 10, 10, 0),
    "vegetation_height_max": (2, 2, 2, 2, 2, 2, 2, 2, 15, 2, 30, 15, 2, 1, 0.25, 0.25, 0.01),
    "height_to_width": (2.5, 1.25, 1.25, 1, 0.5, 0.5, 1.5, 0.2, 0.15, 0.35,
                        0.02, 0.02, 0.02, 0.02, 0.03, 0.02, 0),
}  # fmt: skip


def class_parameters() -> pd.DataFrame:
    """The parameters of each class: index ``lcz``; ``code``, the seven covers (0-1), heights (m), indices (1)."""
    columns = {"code": [c.code for c in CLASSES]} | {
        name: np.array(values, float) for name, values in _PARAMETERS.items()
    }
    return pd.DataFrame(columns, index=pd.Index([c.number for c in CLASSES], name="lcz"))


def exact_shares(values: np.ndarray) -> np.ndarray:
    """Shares of a whole whose sum is 1 exactly, in whatever order a program adds them.

    Parameters
    ----------
    values : array (n, k)
        Not negative, each row with a sum above 0.

    Returns
    -------
    array (n, k)
        Multiples of 1 / 2^40, off by less than 1e-12; what rounding leaves goes to a row's largest.
    """
    shares = values / values.sum(1, keepdims=True)
    whole = np.floor(shares * _UNITS).astype(np.int64)
    rows = np.arange(len(whole))
    whole[rows, shares.argmax(1)] += _UNITS - whole.sum(1)
    return whole / _UNITS


def land_cover(areas: pd.DataFrame) -> pd.DataFrame:
    """The seven covers of places, of the areas of their classes.

    Parameters
    ----------
    areas : DataFrame
        Columns 1..17: area of each class; a row a place.

    Returns
    -------
    DataFrame
        Columns of :data:`COVERS`, of places that have a class; each row adds up to 1 exactly.
    """
    weights = _weights(areas)
    parameters = class_parameters()
    found = exact_shares(weights.to_numpy() @ parameters[list(COVERS)].to_numpy())
    return pd.DataFrame(found, index=weights.index, columns=list(COVERS))


def morphology(areas: pd.DataFrame, of: str) -> pd.DataFrame:
    """Heights, and plan, frontal and wall area indices of places, of the areas of their classes.

    Parameters
    ----------
    areas : DataFrame
        As of `land_cover`.
    of : {"building", "vegetation"}
        What the heights and areas are of.

    Returns
    -------
    DataFrame
        Columns of :data:`MORPHOLOGY`: indices without unit, heights in m; ``zd`` and ``z0`` are not given. Heights
        are means over the classes' areas, as UMEP takes them, and not over buildings.
    """
    weights, covers = _weights(areas), land_cover(areas)
    p = class_parameters()

    def mean(column: str) -> np.ndarray:
        return weights.to_numpy() @ p[column].to_numpy()

    plan = ["Buildings"] if of == "building" else ["Grass", "DecidiousTrees", "EvergreenTrees"]
    walls = np.zeros(len(weights))
    if of == "building":
        built = p["Buildings"].to_numpy()
        index = np.where(built > 0, 2 * (1 - built) * p["height_to_width"].to_numpy(), 0)
        walls = weights.to_numpy() @ index
    columns = (
        covers[plan].sum(axis=1), mean(f"{of}_frontal_area"), mean(f"{of}_height"), mean(f"{of}_height_max"),
        mean(f"{of}_height_std"), NOT_GIVEN, NOT_GIVEN, walls,
    )  # fmt: skip
    return pd.DataFrame(dict(zip(MORPHOLOGY, columns, strict=True)), index=weights.index)


def _weights(areas: pd.DataFrame) -> pd.DataFrame:
    """Shares of the classes of places that have any."""
    found = areas[list(range(1, N_CLASSES + 1))]
    found = found[found.sum(axis=1) > 0]
    return found.div(found.sum(axis=1), axis=0)


def site_table(areas: pd.DataFrame) -> pd.DataFrame:
    """Columns of SUEWS's site table that an LCZ map tells.

    Parameters
    ----------
    areas : DataFrame
        As of `land_cover`, with ``area_km2`` of each place.

    Returns
    -------
    DataFrame
        ``SurfaceArea`` (ha), the fractions of :data:`FRACTIONS`, ``H_Bldgs``, ``H_EveTr``, ``H_DecTr`` (m),
        ``FAI_Bldgs``, ``FAI_EveTr``, ``FAI_DecTr`` (1) and ``AreaWall`` (m2).
    """
    covers = land_cover(areas)
    built, green = (morphology(areas, of) for of in ("building", "vegetation"))
    km2 = areas.loc[covers.index, "area_km2"]
    out = pd.DataFrame({"SurfaceArea": km2 * 100}, index=covers.index)
    for name, cover in zip(FRACTIONS, COVERS, strict=True):
        out[name] = covers[cover]
    heights = {"Bldgs": built, "EveTr": green, "DecTr": green}
    for what, table in heights.items():
        out[f"H_{what}"] = table["zH"]
    for what, table in heights.items():
        out[f"FAI_{what}"] = table["fai"]
    out["AreaWall"] = built["wai"] * km2 * 1e6
    return out


def write_suews(folder: Path, areas: pd.DataFrame, ids: pd.Series) -> None:
    """Write the tables of places for SUEWS, in UMEP's form and in SUEWS's own names.

    Parameters
    ----------
    folder : Path
        Of ``lcz_LCFG_isotropic.txt``, ``lcz_build_MPGrid_isotropic.txt``, ``lcz_veg_MPGrid_isotropic.txt``,
        ``suews_sites.csv`` and ``lcz_parameters.csv``.
    areas : DataFrame
        As of `site_table`.
    ids : Series
        Whole number of each place, by the index of `areas`.
    """
    covers = land_cover(areas)
    _write_columns(folder / "lcz_LCFG_isotropic.txt", covers, ids)
    for name, of in (("build", "building"), ("veg", "vegetation")):
        _write_columns(folder / f"lcz_{name}_MPGrid_isotropic.txt", morphology(areas, of), ids)
    sites = site_table(areas)
    sites.insert(0, "Grid", ids.loc[sites.index])
    with staged(folder / "suews_sites.csv") as path:
        sites.to_csv(path, index=False, float_format=_in_full)
    write_table(folder / "lcz_parameters.csv", class_parameters())


def _in_full(value: float) -> str:
    return repr(float(value))


def _write_columns(path: Path, table: pd.DataFrame, ids: pd.Series) -> None:
    """A table with blanks between columns, every number in full."""
    lines = [" ".join(("ID", *table.columns))]
    for number, row in zip(ids.loc[table.index], table.itertuples(index=False), strict=True):
        lines.append(" ".join((str(int(number)), *(_in_full(v) for v in row))))
    with staged(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n")
