"""From a request of experiments to the data set and the settings of its tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

from lczlib.errors import InputError
from lczlib.experiment.data import City, DataSet, PatchFileData, SceneData, So2SatData
from lczlib.experiment.plan import Settings
from lczlib.experiment.request import ExperimentRequest
from lczlib.scenes import find_cities
from lczlib.scenes.so2sat_archives import archives_in
from lczlib.scenes.sources import source_of
from lczlib.settings import options_of
from lczlib.terms import option
from lczlib.training.inputs import SceneFiles
from lczlib.training.labelled import scene_files
from lczlib.training.options import Options, Schedule
from lczlib.training.patch_file import is_patch_file
from lczlib.training.request import LabelledCities


def settings_of(request: ExperimentRequest) -> Settings:
    """What is compared, and how networks are trained."""
    inputs = request.combination
    return Settings(
        request.networks, request.network, inputs if inputs in ("all", "auto") else inputs.upper(),
        seeds=tuple(range(request.seeds)), options=Options(**asdict(options_of(request, Schedule))),
        network_options=request.network_options(), patch_sizes=request.patch_sizes,
    )  # fmt: skip


def data_of(request: ExperimentRequest, table: str = "") -> DataSet:
    """The data set of a table; its files are not opened yet.

    Parameters
    ----------
    request : ExperimentRequest
        What is compared.
    table : str
        Cities are each parted by themselves for that of cities, and patches are as large as the largest
        compared for that of patch sizes.

    Raises
    ------
    InputError
        If the inputs are of no kind, or nothing says what they are labelled by.
    """
    if request.is_hdf5 and is_patch_file(request.hdf5()):
        return PatchFileData(str(request.hdf5()))
    if request.is_hdf5:
        files = (request.hdf5(), *request.published())
        return So2SatData(*(str(file) for file in files), split_seed=request.split_seed)
    if table == "cities" and request.test_cities:
        msg = "The table of cities tests on each of them: leave the cities to test on out."
        raise InputError(msg, parameter="test_cities")
    data = SceneData(
        cities_of(request, request.cities or (request.city,)), cities_of(request, request.test_cities),
        request.column, request.without, request.patch, request.patch_metres, request.spacing,
        request.split, request.split_seed, request.block, request.apart, each_city=table == "cities",
    )  # fmt: skip
    return replace(data, patch_size=max(request.patch_sizes)) if table == "patch-size" else data


def cities_of(request: LabelledCities, names: Iterable[str]) -> tuple[City, ...]:
    """The scenes of each city and the polygons that label them.

    Raises
    ------
    InputError
        If nothing says what a city is labelled by.
    """
    folder = source_of(request.inputs[0]).alone
    files = scene_files(request, request.sensor or ("both" if folder else "s2"), request.read)
    found = []
    for name in names:
        own = replace(files, options=replace(files.options, city=name))
        found.append(City(own, str(request.polygons or _polygons_beside(own, folder))))
    return tuple(found)


def _polygons_beside(files: SceneFiles, folder: bool) -> Path:
    """The polygons of a city in its So2Sat folder."""
    root = Path(files.inputs[0])
    if folder and not archives_in(root):
        city = files.options.city or next(iter(find_cities(root)), "")
        beside = root / "Reference" / city / "polygons.gpkg"
        if beside.is_file():
            return beside
    msg = f"Give {option('polygons')}: the labelled areas and their classes."
    raise InputError(msg, parameter="polygons")
