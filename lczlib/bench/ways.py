"""From a city's scenes to a map of its labelled cells: each way by itself.

Published networks and maps have not seen the board's polygons, and map all cells. What is trained on the city
maps each polygon by what was trained on those of other folds, whose patches share no pixel with its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lczlib import catalog
from lczlib.acquire.global_map import GLOBAL_MAP, open_global_map
from lczlib.acquire.places import Place
from lczlib.bench.names import LEARNT, NETWORKS, Way
from lczlib.bench.site import Site
from lczlib.classes import N_CLASSES
from lczlib.errors import InputError, LczError
from lczlib.grid import to_grid
from lczlib.kinds import lcz_file
from lczlib.map_request import MapRequest
from lczlib.mapping import map_city
from lczlib.maps import lcz_map, open_lcz_map
from lczlib.models import describe
from lczlib.temporary import TemporaryFolder
from lczlib.training.evaluation import predict_patches, scaling_of
from lczlib.training.forest import Forest
from lczlib.training.options import Options
from lczlib.training.run import Subsets
from lczlib.training.splits import Split
from lczlib.training.trainer import fit_network

if TYPE_CHECKING:
    import xarray as xr

    from lczlib.training.patches import Patches

SMALL_CNN = {"width": 16, "depth": 1}
FOREST, CNN = "random forest", "small CNN"
_FEWEST = 3  # folds: one tested, one that stops the training, the rest to train on
_SENTINEL = ("s1", "s2", "both")

Step = Callable[[str, int, int], None]
"""Told what is done; raises where the job is to stop."""
Predict = Callable[[Subsets, int], np.ndarray]
"""Class probabilities (n, 17) of the test patches of a fold."""


@dataclass(frozen=True)
class Task:
    """A way in a city.

    Attributes
    ----------
    way : str
        Of `lczlib.bench.names.WAYS`.
    network : str
        What maps: the name of weights, of two of them with `` + ``, of a map of the catalog, or of a classifier.
    """

    way: Way
    network: str

    @property
    def folder(self) -> str:
        """The name of its folder."""
        plain = "".join(c if c.isalnum() else "_" for c in self.network)
        return f"{self.way}-{plain}" if plain else self.way


@dataclass(frozen=True)
class How:
    """What the ways are told.

    Attributes
    ----------
    weights : tuple of str
        Published networks.
    epochs : int
        Of the small CNN.
    seed : int
        Of all that is trained.
    global_map : str
        A file of the global map, in place of its addresses.
    device : str
    """

    weights: tuple[str, ...]
    epochs: int
    seed: int
    global_map: str = ""
    device: str = "auto"


@dataclass(frozen=True)
class Mapped:
    """What a way made.

    Attributes
    ----------
    lcz : DataArray (y, x)
        Codes 0..17.
    file : str
        Where it is written already, below the task's folder.
    notes, cautions : tuple of str
        How it came about, and what may mislead.
    """

    lcz: xr.DataArray
    file: str = ""
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()


def check_weights(names: Sequence[str]) -> None:
    """Refuse networks that no way uses.

    Raises
    ------
    InputError
        If one maps no LCZ, or reads something other than Sentinel-1 or Sentinel-2 alone.
    WeightsError
        If there is none of that name.
    """
    for name in names:
        found = describe(name)
        if found.task != "lcz" or found.sensor not in ("s1", "s2"):
            msg = (
                f"{name} maps {found.task} from {found.sensor}: the board takes networks that map LCZ from Sentinel-1 "
                "or Sentinel-2 alone."
            )
            raise InputError(msg, parameter="weights")


def tasks_of(way: Way, site_published: Sequence[str], how: How) -> list[Task]:
    """The tasks of a way: one for each network or map; one without a network where there is none."""
    by_sensor: dict[str, list[str]] = {"s1": [], "s2": []}
    for name in how.weights:
        by_sensor.setdefault(describe(name).sensor, []).append(name)
    s1, s2 = by_sensor["s1"], by_sensor["s2"]
    names = {
        "s1": s1, "s2": s2, "fused": [f"{s1[0]} + {n}" for n in s2] if s1 else [], "adapted": s2,
        "forest": [FOREST], "cnn": [CNN], "published": list(site_published), "global": [GLOBAL_MAP],
    }[way]  # fmt: skip
    return [Task(way, n) for n in names or [""]]


def made_with(task: Task, how: How) -> dict[str, Any]:
    """All that the result of a task depends on beside the city's files."""
    told: dict[str, Any] = {"way": task.way, "network": task.network}
    if task.way in NETWORKS:
        told["weights"] = {n: describe(n).sha256 for n in task.network.split(" + ") if n}
    if task.way in LEARNT:
        told["seed"] = how.seed
    if task.way == "cnn":
        told |= {"epochs": how.epochs, **SMALL_CNN}
    if task.way == "published" and task.network:
        told["sha256"] = catalog.entry(task.network).sha256
    if task.way == "global":
        from lczlib.export import sha256_of

        file = Path(how.global_map)
        told["map"] = sha256_of(file) if how.global_map and file.is_file() else how.global_map
    return told


def mapped(task: Task, site: Site, how: How, folder: Path, step: Step) -> Mapped:
    """The map of a task.

    Parameters
    ----------
    task : Task
        The way and its network.
    site : Site
        The city.
    how : How
        What all ways are told.
    folder : Path
        Of the task, for maps of published networks, which can be taken up.
    step : callable
        See `Step`.

    Raises
    ------
    LczError
        If the way is not possible in this city: the message says why.
    """
    if not task.network:
        raise InputError(_NO_NETWORK[task.way])
    if task.way in ("s1", "s2", "fused"):
        return _by_networks(task, site, how, folder, step)
    if task.way == "adapted":
        return _adapted(task, site, how, step)
    if task.way in ("forest", "cnn"):
        predict = _forest(how) if task.way == "forest" else _cnn(how, folder)
        return _held_out(task, site, site.own_patches(), predict, step)
    if task.way == "published":
        return _published(task, site)
    return _global(site, how, step)


_NO_NETWORK = {
    "s1": "No network of Sentinel-1 is among the weights.", "s2": "No network of Sentinel-2 is among the weights.",
    "fused": "Fusion needs a network of Sentinel-1 and one of Sentinel-2.",
    "adapted": "No network of Sentinel-2 is among the weights.",
    "published": "The board names no published map of this city that is among the downloads.",
}  # fmt: skip


def _by_networks(task: Task, site: Site, how: How, folder: Path, step: Step) -> Mapped:
    files = site.files
    _check_sentinel(files.sensor)
    names = tuple(task.network.split(" + "))
    request = MapRequest(
        files.inputs, sentinel1=files.sentinel1, weights=names, device=how.device,
        **{n: getattr(files.options, n) for n in type(files.options).__dataclass_fields__},
    )  # fmt: skip
    out = folder / "map"
    label = f"{site.city.title}: {task.way}"
    result = map_city(
        request, out, resume=True, progress=lambda _, done, total: step(label, done, total)
    )
    return Mapped(result.kinds[task.way], f"map/{lcz_file(task.way)}")


def _check_sentinel(sensor: str) -> None:
    if sensor not in _SENTINEL:
        msg = f"Published networks read Sentinel-1 and Sentinel-2 at 10 m, and the scene here is of {sensor}."
        raise InputError(msg)


def _adapted(task: Task, site: Site, how: How, step: Step) -> Mapped:
    """A linear head on a published network, fitted to the polygons of other folds."""
    files = site.files
    _check_sentinel(files.sensor)
    weights = describe(task.network)
    patches = site.patches(files.read_by(weights), weights.patch_size)

    def predict(subsets: Subsets, fold: int) -> np.ndarray:
        options = Options(
            start_from=task.network, tune="linear", seed=how.seed + fold, device=how.device
        )
        with TemporaryFolder() as scratch:
            trained = fit_network(
                subsets.train, subsets.validation, options, scratch, note=lambda _: None
            )
        scaling = scaling_of(trained.weights, subsets.test.kind)
        return predict_patches(trained.network, subsets.test, scaling, device=how.device)

    return _held_out(task, site, patches, predict, step)


def _forest(how: How) -> Predict:
    def predict(subsets: Subsets, fold: int) -> np.ndarray:
        both = np.concatenate([subsets.split.train, subsets.split.validation])
        return Forest(seed=how.seed + fold).fit(subsets.whole.subset(both)).predict(subsets.test)

    return predict


def _cnn(how: How, folder: Path) -> Predict:
    def predict(subsets: Subsets, fold: int) -> np.ndarray:
        options = Options(
            "sen2lcz", dict(SMALL_CNN), epochs=how.epochs, patience=5, seed=how.seed + fold, device=how.device
        )  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFolder(folder) as scratch:
            trained = fit_network(
                subsets.train, subsets.validation, options, scratch, note=lambda _: None
            )
        return predict_patches(
            trained.network, subsets.test, scaling_of(trained.weights), device=how.device
        )

    return predict


def _held_out(task: Task, site: Site, patches: Patches, predict: Predict, step: Step) -> Mapped:
    """The classes of all cells, each by what was trained on other folds."""
    n_folds = site.folds.n_folds
    if n_folds < _FEWEST:
        msg = f"{n_folds} folds are too few to train on some, stop by another and test on a third."
        raise InputError(msg)
    table = patches.table
    fold = site.ids["fold"].reindex(table["polygon"]).to_numpy()
    found = np.zeros((len(table), N_CLASSES))
    unknown = 0
    for k in range(n_folds):
        step(f"{site.city.title}: {task.way}, fold {k + 1}", k, n_folds)
        test = fold == k
        if not test.any():
            continue
        later = fold == (k + 1) % n_folds
        parts = Split(*map(np.flatnonzero, (~test & ~later, later, test)), method="polygon", seed=0)
        subsets = Subsets.of(patches, parts, 0.0, lose=True)
        known = np.union1d(subsets.train.labels, subsets.validation.labels)
        unknown += int((~np.isin(subsets.test.labels, known)).sum())
        try:
            found[test] = predict(subsets, k)
        except LczError as error:
            msg = f"Fold {k + 1} of {n_folds}: {error.message}"
            raise type(error)(msg) from error
    place = table["location"].to_numpy()
    sums = np.zeros((place.max() + 1, N_CLASSES))
    np.add.at(sums, place, found)  # several dates of a cell are averaged
    width = f"{patches.kind.width:,.0f} m"
    note = (
        f"A patch is {width} wide; those of a tested polygon share no pixel with those trained on."
    )
    cautions = []
    if unknown:
        cautions.append(
            f"{task.way}: {unknown:,} of {len(table):,} patches are of a class that no training patch of their fold "
            "shows, because its polygons lie near each other."
        )
    lcz = site.drawn(table, sums[place].argmax(1) + 1)
    return Mapped(lcz, notes=(note,), cautions=tuple(cautions))


def _published(task: Task, site: Site) -> Mapped:
    entry = catalog.entry(task.network)
    member = entry.properties["lczlib:member"]
    own = open_lcz_map(
        catalog.fetch(task.network) / member, scheme=entry.properties["lczlib:scheme"]
    )
    return _on_cells(site, to_grid(own, site.grid, "nearest"), site.city.published[task.network])


def _global(site: Site, how: How, step: Step) -> Mapped:
    if site.city.simulated and not how.global_map:
        msg = "No map of the world shows a simulated city."
        raise InputError(msg)
    step(f"{site.city.title}: global map", 0, 0)
    west, south, east, north = map(float, site.polygons.to_crs("EPSG:4326").total_bounds)
    place = Place(site.city.title, "", None, (west, south, east, north), None, "polygons")
    if site.scene is None:
        found = open_global_map(place, how.global_map)
        return Mapped(found.utm, notes=("On the map's own cells: there is no scene.",))
    return _on_cells(site, open_global_map(place, how.global_map, grid=site.grid).utm, "")


def _on_cells(site: Site, lcz: xr.DataArray, caution: str) -> Mapped:
    """A map on the cells that the other ways are scored on."""
    row, col = site.cells
    values = np.zeros(site.grid.shape, np.uint8)
    values[row, col] = lcz.transpose("y", "x").values[row, col]
    kept = lcz_map(lcz.copy(data=values))
    return Mapped(kept, cautions=(caution,) if caution else ())
