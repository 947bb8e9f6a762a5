"""Air temperature everywhere on an LCZ map, from stations."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from lczlib.analysis.field.options import MODEL, ModelOptions, PeriodOptions
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.extras import need
from lczlib.jobs.map_files import OneMap, open_map
from lczlib.jobs.request import Source, Steps, is_path
from lczlib.jobs.result import Result, job
from lczlib.jobs.station_choices import StationChoices
from lczlib.settings import options_of, setting

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from lczlib.analysis.field.ground import Ground
    from lczlib.analysis.field.model import Field
    from lczlib.analysis.field.validation import Validation
    from lczlib.jobs.station_choices import Network

_CELL_BYTES = 40
"""Memory that a cell takes: its class, height, temperature and error, and copies while these are drawn."""


@dataclass(frozen=True, kw_only=True)
class GroundChoices(StationChoices, OneMap, PeriodOptions, ModelOptions):
    """The stations, the map and the model of a field."""

    elevation: Source = setting(
        None, "Elevation raster in metres: the temperature changes with height (at a rate that is fitted, or "
        "stated), and stations that state no height take theirs from it.", title="Elevation",
        file=True, group=MODEL,
    )  # fmt: skip
    coast: Source = setting(
        None, "Coastline, or areas of sea or lakes, as a vector file: the temperature changes with the distance "
        "to it, linearly.", title="Coast", file=True, group=MODEL,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FieldRequest(GroundChoices):
    """A field of air temperature."""

    command: ClassVar = "field"

    hourly: bool = setting(
        False, "A field for each hour that counts (NetCDF); without, one of their mean (GeoTIFF).",
        title="Each hour",
    )  # fmt: skip
    fill: bool = setting(
        False, "Give zones without a station the mean of all zones, with the variance of zones in their "
        "standard error; without, they are masked.", title="Fill zones without a station",
    )  # fmt: skip
    seed: int = setting(
        0, "Of the draws of the cross-validation: the same seed, the same intervals.", title="Seed", low=0
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, repr=False)
class FieldResult(Result):
    """A field of air temperature, its error, and how well it predicts.

    Attributes
    ----------
    request : FieldRequest
    fitted : Field
    validation : Validation
    network : Network
        The stations as they were read.
    temperature, error : DataArray (y, x) or None
        degC and K, of a composite.
    areas : DataFrame
        Index ``lcz``: ``code``, ``area_km2``, ``share`` of the map's classes, ``n_stations``.
    """

    request: FieldRequest
    fitted: Field = field(repr=False)
    validation: Validation = field(repr=False)
    network: Network = field(repr=False)
    temperature: xr.DataArray | None = field(repr=False)
    error: xr.DataArray | None = field(repr=False)
    areas: pd.DataFrame = field(repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """The scores of the cross-validation."""
        return self.validation.scores

    def headline(self) -> str:
        """How well it predicts, in a sentence, beside what knows no zones."""
        from lczlib.jobs.field_words import headline

        return headline(self)

    def notes(self) -> list[str]:
        """What the field rests on, a sentence each."""
        from lczlib.jobs.field_words import notes

        return notes(self)

    def cautions(self) -> list[str]:
        """What its reader must know: zones masked, zones that do not help, what could not be judged."""
        from lczlib.jobs.field_words import cautions

        return cautions(self)

    @property
    def dropped(self) -> dict[str, str]:
        """Stations that are not in it, each with the reason."""
        return {**self.network.dropped, **self.fitted.sample.dropped}

    def _write(self, folder: Path, figures: bool) -> None:
        from lczlib.jobs.field_files import write_field

        check_kind(folder, self.request.hourly)
        write_field(folder, self, figures=figures)


def check_kind(folder: str | Path, hourly: bool) -> None:
    """Refuse a folder that holds a field of the other kind: its raster would stay beside the new tables.

    Raises
    ------
    InputError
        If its ``field.json`` is of hours and the new one of their mean, or the other way round.
    """
    try:
        there = json.loads((Path(folder) / "field.json").read_text())["hourly"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if there != hourly:
        kinds = ("the mean of hours", "each hour")
        msg = (
            f"{folder} holds the field of {kinds[there]}: choose another folder for that of "
            f"{kinds[hourly]}."
        )
        raise InputError(msg)


@job
def run(request: FieldRequest, step: Steps) -> FieldResult:
    """A field of air temperature on a map, with its error and its cross-validation."""
    from lczlib.analysis.field.model import fit_field
    from lczlib.analysis.field.validation import cross_validate

    steps = 4 if request.hourly else 5
    network, ground = read_ground(request, lambda what, i: step(what, i, steps))
    step("Fitting the covariance", 2, steps)
    found = fit_field(
        network.checked.air, network.sites, network.zones["lcz"], ground,
        period=options_of(request, PeriodOptions), options=options_of(request, ModelOptions),
        hourly=request.hourly,
    )  # fmt: skip
    step("Cross-validation", 3, steps)
    validation = cross_validate(
        found, seed=request.seed, step=lambda: step("Cross-validation", 3, steps)
    )
    temperature = error = None
    if not request.hourly:
        step("Predicting", 4, steps)
        temperature, error = found.temperature(mask=not request.fill)
    return FieldResult(
        request=request, fitted=found, validation=validation, network=network,
        temperature=temperature, error=error, areas=areas_of(found),
    )  # fmt: skip


def read_ground(
    request: GroundChoices, step: Callable[[str, int], object]
) -> tuple[Network, Ground]:
    """The stations and the ground of a field, read."""
    from lczlib.analysis.field.ground import Ground
    from lczlib.jobs.station_choices import read_network
    from lczlib.scenes.elevation import open_elevation
    from lczlib.vector_files import read_features

    need("Fields need", "gstools", "h5netcdf", extra="field")
    step("Reading map and stations", 0)
    lcz = open_map(request.map_path, request, cell_bytes=_CELL_BYTES)
    heights = request.elevation
    if is_path(heights):
        heights = open_elevation(heights)
    coast = None if request.coast is None else read_features(request.coast, what="coast").table
    ground = Ground.of(lcz, heights, request.lapse_rate, water=request.water, coast=coast)
    told = replace(request, elevation=heights)
    return read_network(told, lcz, lambda: step("Quality control", 1)), ground


def areas_of(found: Field) -> pd.DataFrame:
    """Area of each class of the map, and the stations in it."""
    import numpy as np
    import pandas as pd

    box = found.ground.box
    counts = np.bincount(np.asarray(found.ground.lcz.data).ravel(), minlength=18)
    km2 = counts * abs(box.affine.a * box.affine.e) / 1e6
    of_stations = np.bincount(found.sample.places.zone, minlength=18)
    there = [c.number for c in CLASSES if counts[c.number] or of_stations[c.number]]
    return pd.DataFrame({
        "code": [CLASSES[n - 1].code for n in there], "area_km2": km2[there],
        "share": km2[there] / max(km2[1:].sum(), 1e-12), "n_stations": of_stations[there],
    }, index=pd.Index(there, name="lcz"))  # fmt: skip
