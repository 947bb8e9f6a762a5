"""The 1,692 cities of So2Sat GUL: names and rectangles."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from lczlib.catalog.download import fetch
from lczlib.longitudes import box_of

if TYPE_CHECKING:
    import geopandas as gpd


@cache
def so2sat_cities() -> gpd.GeoDataFrame:
    """All cities of So2Sat GUL, fetched on first use.

    Returns
    -------
    GeoDataFrame
        ``name`` ("Lagos"), ``country`` ("Nigeria"), ``un_code`` (city code of the UN, the middle
        part of So2Sat's folder names: ``00017_22007_Lagos``), ``geometry`` (buffered rectangle), EPSG:4326.

    Raises
    ------
    CatalogError
        If the list cannot be fetched.
    """
    import geopandas as gpd

    raw = gpd.read_file(fetch("so2sat_gul_cities"))
    return gpd.GeoDataFrame(
        {
            "name": raw["UrbanAgglom"].str.strip(),
            "country": raw["CountryOrAr"].str.strip(),
            "un_code": raw["CityCode"].astype(int),
        },
        geometry=raw.geometry,
        crs=raw.crs,
    )


def so2sat_rectangle(folder: str) -> tuple[float, float, float, float] | None:
    """West, south, east, north of the city that a So2Sat folder name names; None of another name.

    Parameters
    ----------
    folder : str
        ``00017_22007_Lagos``; a code of zeros stands for none.

    Raises
    ------
    CatalogError
        If the list of cities cannot be fetched.
    """
    code = re.match(r"\d+_(\d+)_", folder)
    if not code or not int(code[1]):
        return None
    cities = so2sat_cities()
    found = cities[cities["un_code"] == int(code[1])]
    if found.empty:
        return None
    import shapely

    return box_of(*shapely.get_coordinates(found.geometry.iloc[0]).T)
