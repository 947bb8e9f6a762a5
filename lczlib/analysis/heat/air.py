"""Canopy layer heat island from rasters of air temperature: models and interpolated fields."""

from __future__ import annotations

import xarray as xr

from lczlib.analysis.heat.intervals import KeptGrids
from lczlib.analysis.heat.options import SurfaceOptions
from lczlib.analysis.heat.reference import Reference
from lczlib.analysis.heat.surface import SurfaceHeatIsland, of_pixels


def air_heat_island(
    temperature: xr.DataArray,
    lcz: xr.DataArray,
    options: SurfaceOptions | None = None,
    *,
    elevation: xr.DataArray | None = None,
    probabilities: xr.DataArray | None = None,
    kept: KeptGrids | None = None,
    reference: Reference | None = None,
) -> SurfaceHeatIsland:
    """Air temperature of each LCZ against LCZ D, from a raster of air temperature.

    The statistics are those of `lczlib.analysis.heat.surface_heat_island`; the quantity is another:
    air at about 2 m between the buildings, as models (ERA5-Land, UrbClim, WRF) or interpolation give
    it. A model that knows no zones shows none.

    Parameters
    ----------
    temperature : DataArray (y, x)
        degC, NaN where missing, on a grid in metres.
    lcz, options, elevation, probabilities, kept, reference
        As for the surface.

    Returns
    -------
    SurfaceHeatIsland
        Of ``kind`` canopy.

    Raises
    ------
    GridError, InputError
        As for the surface.
    """
    return of_pixels(
        temperature,
        lcz,
        options,
        "canopy",
        elevation=elevation,
        probabilities=probabilities,
        kept=kept,
        reference=reference,
    )
