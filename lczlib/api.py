"""The functions that `lczlib` itself offers: from files or open objects to xarray, pandas and results.

What they can be told are the settings of the jobs, which are the options of the commands too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import xarray as xr

import lczlib.accessor  # noqa: F401 - maps have `.lcz` from here on
from lczlib.errors import InputError
from lczlib.jobs import air_heat as air_job
from lczlib.jobs import assess as assess_job
from lczlib.jobs import canopy_heat as station_job
from lczlib.jobs import change as change_job
from lczlib.jobs import compare as compare_job
from lczlib.jobs import field as field_job
from lczlib.jobs import map_files
from lczlib.jobs import surface_heat as surface_job
from lczlib.jobs import water as water_job
from lczlib.jobs.request import Progress, Source
from lczlib.jobs.signatures import told_by
from lczlib.map_request import MapRequest
from lczlib.plugins import load_plugins
from lczlib.scene_options import SceneOptions

if TYPE_CHECKING:
    from lczlib.jobs.canopy_heat import CanopyHeat
    from lczlib.jobs.change_result import ChangeResult
    from lczlib.jobs.pixel_heat import PixelHeat
    from lczlib.jobs.water_result import WaterResult
    from lczlib.mapping.city import MapResult

load_plugins()


def _settled(given: Source | Sequence[Source]) -> tuple[Source, ...]:
    """One or several, which the request makes a tuple of."""
    return cast("tuple[Source, ...]", given)


@told_by(SceneOptions)
def open_scene(source: str | Path, name: str = "", **settings: Any) -> xr.Dataset:
    """Open a scene, lazily: one variable a band, missing values NaN.

    Parameters
    ----------
    source : path
        A raster, a product of Sentinel-2, or a So2Sat folder.
    name : str
        Of the scene, where there are several: a season, ``Sentinel-1``.
    **settings
        See below.

    Returns
    -------
    Dataset (y, x)

    Raises
    ------
    InputError, GridError
        If it cannot be opened, or there are several and none is named.
    """
    from lczlib.scenes.sources import open_scenes

    scenes = open_scenes([source], SceneOptions(**settings)).cut().scenes
    if name in scenes:
        return scenes[name]
    if name or len(scenes) != 1:
        msg = f"{source} holds the scenes {', '.join(scenes)}: say which (name={next(iter(scenes))!r})."
        raise InputError(msg, parameter="name")
    return next(iter(scenes.values()))


@told_by(map_files.OneMap)
def open_map(source: Source, **settings: Any) -> xr.DataArray:
    """Open an LCZ map of any numbering or legend; polygons are laid on a grid.

    Parameters
    ----------
    source : path, DataArray or GeoDataFrame
        A raster or polygons.
    **settings
        See below.

    Returns
    -------
    DataArray (y, x), uint8
        Classes 1..17, 0 = no data. ``.lcz`` draws it, measures it, judges it: `lczlib.accessor`.

    Raises
    ------
    InputError, ClassSchemeError, GridError
        If it is no map, or its numbering is ambiguous.
    """
    request = map_files.OneMap(map_path=source, **settings)
    return map_files.open_map(source, request)


@told_by(MapRequest)
def map_city(
    inputs: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    seasons: Mapping[str, str | Path] | None = None,
    sentinel1: Sequence[str | Path] = (),
    resume: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> MapResult:
    """Map a city from its scenes: class probabilities, LCZ maps and a manifest, in a folder.

    Parameters
    ----------
    inputs : path, or several
        A So2Sat folder, a raster, or a raster for each of several dates; none, ``()``, with `seasons`
        or `sentinel1` alone.
    out : path
        Folder for the results.
    seasons : mapping of str to path, optional
        Season to raster, in place of `inputs`.
    sentinel1 : sequence of path
        Sentinel-1 rasters beside those of Sentinel-2, or alone.
    resume : bool
        Take up an interrupted run.
    progress : callable, optional
        Called with what is done, how much of it, and how much there is.
    **settings
        See below.

    Returns
    -------
    MapResult
        Its ``kinds`` are the maps.

    Raises
    ------
    InputError, GridError, WeightsError, DeviceError
        If the scenes and networks make no job.
    """
    from lczlib.mapping import map_city as made

    paths = [inputs] if isinstance(inputs, (str, Path)) else inputs
    if isinstance(paths, (xr.Dataset, xr.DataArray)) or not all(
        isinstance(p, (str, Path)) for p in paths
    ):
        msg = (
            "A city is mapped from files, which its manifest names: give their paths; of an open scene "
            "lczlib.mapping.predict makes probabilities."
        )
        raise InputError(msg, parameter="inputs")
    request = MapRequest(
        tuple(map(str, paths)), seasons={n: str(p) for n, p in (seasons or {}).items()},
        sentinel1=tuple(map(str, sentinel1)), **settings,
    )  # fmt: skip
    return made(request, out, resume=resume, progress=progress)


@told_by(assess_job.AssessRequest)
def assess(
    lcz_map: Source, reference: Source, *, progress: Progress | None = None, **settings: Any
) -> assess_job.AssessResult:
    """The accuracy of a map: scores with their intervals and sample sizes.

    Parameters
    ----------
    lcz_map : path, DataArray or GeoDataFrame
        The map.
    reference : path, DataArray or GeoDataFrame
        A raster, or polygons or points.
    progress : callable, optional
        Called with what is done, how much of it, and how much there is.
    **settings
        See below.

    Returns
    -------
    AssessResult

    Raises
    ------
    InputError, ClassSchemeError, GridError
        If the two cannot be read, or do not fit together.

    Examples
    --------
    >>> import lczlib
    >>> found = lczlib.assess("city_lcz.tif", "areas.kmz")  # doctest: +SKIP
    >>> found.assessment.scores["oa"], found.write("accuracy")  # doctest: +SKIP
    """
    request = assess_job.AssessRequest(lcz_map=lcz_map, reference=reference, **settings)
    return assess_job.run(request, progress=progress)


@told_by(compare_job.CompareRequest)
def compare(
    map_a: Source, map_b: Source, *more: Source, progress: Progress | None = None, **settings: Any
) -> compare_job.CompareResult:
    """Two LCZ maps or more against each other: how far they agree, where they differ, and how.

    Parameters
    ----------
    map_a, map_b, *more : path, DataArray or GeoDataFrame
        The maps.
    progress : callable, optional
        Called with what is done, how much of it, and how much there is.
    **settings
        See below.

    Returns
    -------
    CompareResult

    Raises
    ------
    InputError, ClassSchemeError, GridError
        If they cannot be read, or do not fit together.
    """
    request = compare_job.CompareRequest(map_a=map_a, map_b=map_b, more=more, **settings)
    return compare_job.run(request, progress=progress)


@told_by(change_job.ChangeRequest)
def change(
    *probabilities: Source, progress: Progress | None = None, **settings: Any
) -> ChangeResult:
    """Change between the years of class probabilities that is more than their errors.

    Areas are model-based, conditional on calibrated probabilities; with labelled `samples` design-based.

    Parameters
    ----------
    *probabilities : path or DataArray
        Class probabilities of two years or more on one grid; open ones are ``(lcz, y, x)``, dated by
        ``attrs["date"]``.
    progress : callable, optional
        Called with what is done, how much of it, and how much there is.
    **settings
        See below.

    Returns
    -------
    ChangeResult
        ``change`` (y, x), the probability; ``changed_km2`` and ``interval()``; ``transitions``.

    Raises
    ------
    InputError, GridError, ClassSchemeError
        If they cannot be read, lack dates, or do not fit together.
    """
    request = change_job.ChangeRequest(probabilities=probabilities, **settings)
    return change_job.run(request, progress=progress)


@told_by(surface_job.SurfaceHeatRequest)
def surface_heat(
    lcz_map: Source,
    lst: Source | Sequence[Source],
    *,
    progress: Progress | None = None,
    **settings: Any,
) -> PixelHeat:
    """The surface heat island of a map's zones: their temperatures minus that of LCZ D.

    Parameters
    ----------
    lcz_map : path, DataArray or GeoDataFrame
        The map.
    lst : path or DataArray, or several
        Thermal rasters.
    progress : callable, optional
        Called with what is done, how much of it, and how much there is.
    **settings
        See below.

    Returns
    -------
    PixelHeat

    Raises
    ------
    InputError, ClassSchemeError, GridError
        If they cannot be read, or do not fit together.
    """
    request = surface_job.SurfaceHeatRequest(map_path=lcz_map, lst=_settled(lst), **settings)
    return surface_job.run(request, progress=progress)


@told_by(station_job.CanopyHeatRequest, air_job.AirHeatRequest)
def canopy_heat(
    lcz_map: Source = None,
    stations: Source = None,
    *,
    air: Source | Sequence[Source] = None,
    progress: Progress | None = None,
    **settings: Any,
) -> CanopyHeat | PixelHeat:
    """The canopy heat island of a map's zones, from stations or from rasters of air temperature.

    Parameters
    ----------
    lcz_map : path, DataArray or GeoDataFrame
        The map; stations with hand-set classes need none.
    stations : path
        Table of air temperatures.
    air : path or DataArray, or several
        Rasters of air temperature, in place of stations.
    progress : callable, optional
        Called with what is done, how much of it, and how much there is.
    **settings
        See below.

    Returns
    -------
    CanopyHeat of stations, PixelHeat of rasters

    Raises
    ------
    InputError, ClassSchemeError, GridError
        If they cannot be read, or do not fit together.
    """
    if (stations is None) == (air is None):
        msg = "The canopy heat island is that of stations or that of air rasters: give one of the two."
        raise InputError(msg, parameter="stations")
    if stations is not None:
        request = station_job.CanopyHeatRequest(map_path=lcz_map, stations=stations, **settings)
        return station_job.run(request, progress=progress)
    return air_job.run(
        air_job.AirHeatRequest(map_path=lcz_map, air=_settled(air), **settings), progress=progress
    )


@told_by(field_job.FieldRequest)
def air_field(
    lcz_map: Source, stations: Source, *, progress: Progress | None = None, **settings: Any
) -> field_job.FieldResult:
    """Air temperature everywhere on a map, from stations: kriging with zones, with its error.

    Parameters
    ----------
    lcz_map : path, DataArray or GeoDataFrame
        The map.
    stations : path
        Table of air temperatures.
    progress : callable, optional
        Called with what is done, how much of it, and how much there is.
    **settings
        See below.

    Returns
    -------
    FieldResult
        ``temperature`` and ``error`` (y, x) of a composite; ``validation``, how well it predicts.

    Raises
    ------
    InputError, ClassSchemeError, GridError
        If they cannot be read, or do not make a field.
    """
    request = field_job.FieldRequest(map_path=lcz_map, stations=stations, **settings)
    return field_job.run(request, progress=progress)


@told_by(water_job.WaterRequest)
def water(
    inputs: Source | Sequence[Source],
    orbit: Literal["as", "des", "as_des"],
    *,
    progress: Progress | None = None,
    **settings: Any,
) -> WaterResult:
    """Surface water from Sentinel-1: probability, map, area, and of dated scenes its course.

    Parameters
    ----------
    inputs : path or DataArray, or several
        Scenes with VV and VH.
    orbit : {"as", "des", "as_des"}
        Their pass.
    progress : callable, optional
        Called with what is done, how much of it, and how much there is.
    **settings
        See below.

    Returns
    -------
    WaterResult

    Raises
    ------
    InputError, GridError, WeightsError, DeviceError
        If they cannot be read or mapped.
    """
    request = water_job.WaterRequest(inputs=_settled(inputs), orbit=orbit, **settings)
    return water_job.run(request, progress=progress)
