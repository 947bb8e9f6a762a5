"""The field of air temperature of a study: the job's request from its settings."""

from __future__ import annotations

import xarray as xr

from lczlib.jobs import field as job
from lczlib.jobs.field import FieldRequest, FieldResult
from lczlib.jobs.request import Cancel, Progress
from lczlib.study.field_inputs import NAMES, SHARED, FieldInputs
from lczlib.study.given import Given
from lczlib.study.heat import elevation, station_files
from lczlib.study.heat_inputs import HeatInputs
from lczlib.study.settings import told


def field_request(given: Given, lcz: xr.DataArray) -> FieldRequest:
    """The request that a study's settings stand for.

    Stations, and what is told of them, are those of the canopy heat island.

    Parameters
    ----------
    given : Given
        The scene, the maps (their probabilities, for the most probable zones of stations), and the settings of
        `lczlib.study.field_inputs.FIELD_INPUTS`.
    lcz : DataArray (y, x)
        The map.

    Raises
    ------
    InputError
        If there are no stations, or a setting makes no sense.
    """
    own = told(given, FieldRequest, NAMES, FieldInputs)
    settings = told(given, FieldRequest, SHARED, HeatInputs) | own
    coast = given.coast_files[0] if given.coast_files else None
    return FieldRequest(
        map_path=lcz, elevation=elevation(given), coast=coast, **(settings | station_files(given))
    )


def air_field(
    given: Given,
    lcz: xr.DataArray,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
) -> FieldResult:
    """Air temperature everywhere on a map, with its error and its cross-validation; see `field_request`.

    Raises
    ------
    InputError, GridError
        If data are missing, or make no field.
    """
    return job.run(field_request(given, lcz), progress=progress, cancelled=cancelled)
