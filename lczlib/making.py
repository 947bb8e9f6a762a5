"""The functions that `lczlib` offers for what comes before a map, and for many maps: each fills a folder.

What they can be told are the settings of the jobs, which are the options of the commands too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.jobs import batch as batch_job
from lczlib.jobs import check_polygons as polygons_job
from lczlib.jobs import prepare_s1 as radar_job
from lczlib.jobs import train as train_job
from lczlib.jobs.request import Progress
from lczlib.jobs.signatures import told_by
from lczlib.plugins import load_plugins
from lczlib.training.request import TrainRequest

if TYPE_CHECKING:
    from lczlib.jobs.prepare_s1_result import PrepareS1Result
    from lczlib.training.run import RunResult

Paths = str | Path | Sequence[str | Path]

load_plugins()


def _several(inputs: Paths) -> tuple[str | Path, ...]:
    return (inputs,) if isinstance(inputs, (str, Path)) else tuple(inputs)


@told_by(radar_job.PrepareS1Request)
def prepare_s1(
    inputs: Paths,
    out: str | Path,
    *,
    orbit: str | Path,
    dem: str | Path,
    resume: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> PrepareS1Result:
    """Make what the networks read from Sentinel-1 products as delivered, SLC or GRD, on a 10 m grid.

    Parameters
    ----------
    inputs : path, or several
        SAFE folders or zip archives of one pass.
    out : path
        Folder for the results, which `map_city` takes.
    orbit : path
        Orbit file, a folder of them, or ``annotation``: the product's own.
    dem : path
        Elevation model of the region, m.
    resume : bool
        Take up an interrupted run.
    progress : callable, optional
        Called with what is done, how much of it, and how much there is.
    **settings
        See below.

    Returns
    -------
    PrepareS1Result
        ``files()`` are its files below `out`, ``valid_share`` the share of pixels with data.

    Raises
    ------
    InputError, GridError
        If a file cannot be read, or the region does not lie in the products.
    """
    request = radar_job.PrepareS1Request(
        inputs=_several(inputs), orbit=str(orbit), dem=dem, **settings
    )
    return radar_job.make(request, out, progress=progress, resume=resume)


@told_by(polygons_job.CheckPolygonsRequest)
def check_polygons(
    inputs: Paths, polygons: str | Path, *, progress: Progress | None = None, **settings: Any
) -> polygons_job.CheckPolygonsResult:
    """Hold each reference polygon against an image, as a classifier of all the others sees it.

    Parameters
    ----------
    inputs : path, or several
        Scenes of the place.
    polygons : path
        Labelled polygons.
    progress : callable, optional
        Called with what is done, how much of it, and how much there is.
    **settings
        See below.

    Returns
    -------
    CheckPolygonsResult
        ``table``, the most suspicious first; ``doubtful``, those that look more like another class.

    Raises
    ------
    InputError, GridError
        If they cannot be read, or there are too few polygons to judge by.
    """
    request = polygons_job.CheckPolygonsRequest(
        inputs=_several(inputs), polygons=polygons, **settings
    )
    return polygons_job.run(request, progress=progress)


@told_by(TrainRequest)
def train(
    inputs: Paths,
    out: str | Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> RunResult:
    """Train a network on a city's own polygons, and test it on polygons it has not seen.

    Parameters
    ----------
    inputs : path, or several
        Scenes, or an HDF5 file of patches.
    out : path
        Folder for the results; ``model.safetensors`` there is what `map_city` takes as ``weights``.
    resume : bool
        Take up an interrupted run.
    progress : callable, optional
        Called with what is done, how much of it, and how much there is.
    **settings
        See below.

    Returns
    -------
    RunResult
        ``assessment`` on the test patches, ``separation`` of these from the training, ``path`` of the
        weights, ``history`` by epoch, ``notes``.

    Raises
    ------
    InputError, GridError, WeightsError, DeviceError
        If scenes and polygons make no patches, or the choices no network.
    """
    request = TrainRequest(inputs=_several(inputs), **settings)
    return train_job.make(request, out, resume=resume, progress=progress)


@told_by(batch_job.BatchRequest)
def batch(
    table: str | Path,
    out: str | Path,
    *,
    resume: bool = False,
    figures: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> batch_job.BatchResult:
    """Do the steps of many cities, on this machine or on a Dask cluster; one that fails stops no other.

    Parameters
    ----------
    table : path
        CSV, a row a city.
    out : path
        Folder for the results: a folder a city, and the tables of all.
    resume : bool
        Keep the steps that are finished, of the same options and inputs.
    figures : bool
        Whether each city's steps draw figures.
    progress : callable, optional
        Called with what is done, how much of it, and how much there is.
    **settings
        See below.

    Returns
    -------
    BatchResult
        What became of each city; ``measures()``, the numbers of all in one table. ``heat_cities.json`` in `out`
        is the heat islands of all in one model.

    Raises
    ------
    InputError
        If the table is at fault, before anything is done.
    ServiceError
        If there is no cluster at the address.
    """
    request = batch_job.BatchRequest(table=table, **settings)
    return batch_job.make(request, out, resume=resume, figures=figures, progress=progress)
