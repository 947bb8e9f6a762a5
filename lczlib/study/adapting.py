"""A network of Sentinel-2 adapted to a visitor's polygons, as ``lcz train --tune linear`` does it, and kept.

What is made from a visitor's polygons goes with the visitor. Some of the polygons train, others choose how far the
network may move, and others again test it: what is said of its accuracy is of those last.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

import lczlib
from lczlib.classes import CLASSES
from lczlib.errors import InputError, Inseparable
from lczlib.export import write_json
from lczlib.extras import need
from lczlib.map_request import MapRequest
from lczlib.models import describe
from lczlib.polygons import open_polygons
from lczlib.reading import quiet
from lczlib.scene_options import SceneOptions
from lczlib.study.store import waited_for
from lczlib.texts import N_, text, texts

if TYPE_CHECKING:
    from lczlib.training.run import Subsets

LABEL = N_("Adapting the network to your {name} polygons")
"""What a run says of itself meanwhile."""
_FEWEST, _FEWEST_OF_TWO = 2, 3
_LOST = ("polygons_without_cell", "contested_cells", "invalid")
_FACTS, WEIGHTS = "adapted.json", "model.safetensors"


@dataclass(frozen=True)
class Adapted:
    """A network adapted to polygons, and how right it is on those that it had not seen.

    Attributes
    ----------
    weights : str
        Its file.
    start : str
        The network that it was.
    polygons : int
        How many have patches, those that it was tested on included.
    test, before : dict
        Accuracy on the patches of polygons held out, of the adapted network and of the one that it was:
        ``n``, ``oa``, ``oa_ci``, ``n_units`` as of `lczlib.training.evaluation.summary`.
    lost : dict of str to int
        Polygons and patches that were left out, by the reason: ``polygons_without_cell``, ``contested_cells``,
        ``invalid``.
    untested, untrained : tuple of int
        Classes that no patch was left of to test, or to train, the network on.
    """

    weights: str
    start: str
    polygons: int
    test: Mapping[str, Any]
    before: Mapping[str, Any]
    lost: Mapping[str, int] = field(default_factory=dict)
    untested: tuple[int, ...] = ()
    untrained: tuple[int, ...] = ()


def lacking(classes: Iterable[int]) -> str:
    """What polygons lack for a network to be adapted to them and tested, in one sentence; empty where nothing does.

    Parameters
    ----------
    classes : iterable of int
        The class of each polygon, 1..17.

    Examples
    --------
    >>> lacking([2, 2, 2, 14, 14, 14])
    ''
    """
    n = Counter(int(c) for c in classes)
    asked = text(
        "Some polygons train the network and others test it, so it takes two or more of each class and three or more "
        "of two classes"
    )
    single = sorted(c for c, k in n.items() if k < _FEWEST)
    if single:
        return text("{asked}: draw another of LCZ {code}.").format(
            asked=asked, code=CLASSES[single[0] - 1].code
        )
    if sum(k >= _FEWEST_OF_TWO for k in n.values()) < 2:
        return text("{asked}: draw some more.").format(asked=asked)
    return ""


def adapted_network(
    request: MapRequest,
    start: str,
    polygons: str,
    folder: Path,
    *,
    spacing: float,
    stamp: object = None,
    progress: Callable[[str, int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Adapted:
    """Adapt a network to polygons, or open what was made of the same ones before.

    Parameters
    ----------
    request : MapRequest
        The scenes, as they are mapped.
    start : str
        Name or file of the network.
    polygons : str
        File of polygons.
    folder : path
        Of the visitor: each network gets a folder in it.
    spacing : float
        Metres between patches; drawn polygons are small.
    stamp : object
        Changes when a scene does.
    progress, cancelled : callable, optional
        As of all steps.

    Raises
    ------
    InputError
        If the polygons are too few, or too small and near, to train and to test.
    Cancelled
        If `cancelled` answers yes; nothing is left then.
    """
    target = folder_of_network(request, start, polygons, folder, spacing=spacing, stamp=stamp)
    with waited_for(target, cancelled):
        found = open_adapted(target)
        if found is not None:
            return found
        going = target.with_name(f".{target.name}-going")
        shutil.rmtree(going, ignore_errors=True)
        try:
            _train(request, start, polygons, going, spacing, progress, cancelled)
            going.rename(target)
        finally:
            shutil.rmtree(going, ignore_errors=True)
    made = open_adapted(target)
    assert made is not None  # it was just written
    return made


def folder_of_network(
    request: MapRequest,
    start: str,
    polygons: str,
    folder: Path,
    *,
    spacing: float,
    stamp: object = None,
) -> Path:
    """Where the network lies: its name follows from all that it depends on."""
    drawn = sha256(Path(polygons).read_bytes()).hexdigest()
    scenes = [request.inputs, _scene_options(request), stamp]
    facts = [lczlib.__version__, drawn, start, describe(start).sha256, scenes, spacing]
    return folder / sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:20]


def open_adapted(folder: Path) -> Adapted | None:
    """The network in a folder; None where none was finished."""
    with suppress(OSError, ValueError, TypeError):
        facts = json.loads((folder / _FACTS).read_text())
        return Adapted(str(folder / WEIGHTS), **facts)
    return None


def held_out(test: Mapping[str, Any]) -> str:
    """The accuracy on what was held out, with its interval and how much it rests on.

    Examples
    --------
    >>> held_out({"oa": 0.61, "oa_ci": [0.42, 0.78], "n": 120, "n_units": 5})
    'OA 0.61 (0.42 to 0.78), n = 120 patches in 5 polygons'
    """
    low, high = test["oa_ci"]
    values = {
        "oa": f"{test['oa']:.2f}", "n": f"{test['n']:,}",
        "units": texts("{n} polygon", "{n} polygons", test["n_units"]),
    }  # fmt: skip
    if low is None or high is None:
        return text("OA {oa} (no interval), n = {n} patches in {units}").format(**values)
    ends = {"low": f"{low:.2f}", "high": f"{high:.2f}"}
    return text("OA {oa} ({low} to {high}), n = {n} patches in {units}").format(**values, **ends)


def shared_polygons(reference: gpd.GeoDataFrame, adapted: Adapted) -> int:
    """How many polygons or points of a reference lie on ground that trained the network.

    Parameters
    ----------
    reference : GeoDataFrame
        What maps are judged by.
    adapted : Adapted
        The network.

    Returns
    -------
    int
        Those that share pixels with a patch that was trained on, or that chose how far to go.
    """
    from lczlib.training.run import read_patch_points

    path = Path(adapted.weights).with_name("patches.gpkg")
    points = read_patch_points(path, "all")
    points = points[points["subset"].isin(["train", "validation"])]
    crs = points.estimate_utm_crs()
    half = describe(adapted.weights)
    ground = points.to_crs(crs).buffer(half.patch_size * half.pixel_size / 2, cap_style="square")
    return int(reference.to_crs(crs).intersects(ground.union_all()).sum())


def _scene_options(request: MapRequest) -> dict[str, Any]:
    return {f.name: getattr(request, f.name) for f in fields(SceneOptions)}


def _train(
    request: MapRequest,
    start: str,
    polygons: str,
    folder: Path,
    spacing: float,
    progress: Callable[[str, int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> None:
    """Train, test and write a network, and how right the one was that it started from."""
    need("Adapting a network needs", "lightning", "sklearn", extra="train")
    with quiet():  # how they are read is told below
        drawn = open_polygons(polygons, zero_unlabelled=True)
    if why := lacking(drawn["lcz"]):
        raise InputError(why)
    if progress:
        progress(LABEL.format(name=len(drawn)), 0, 0)
    from lczlib.jobs.train import make
    from lczlib.training.inputs import stop_if
    from lczlib.training.labelled import training_patches
    from lczlib.training.request import TrainRequest

    asked = TrainRequest(
        inputs=request.inputs, polygons=polygons, start_from=start, tune="linear", spacing=spacing,
        device=request.device, **_scene_options(request),
    )  # fmt: skip
    try:
        subsets = training_patches(asked, _pass_over, cancelled)
    except Inseparable as error:  # its settings are none of a page's: there is only drawing
        raise InputError(error.drawn) from error
    stop_if(cancelled)
    n = _polygons(subsets)
    name = describe(start).name
    made = make(
        asked, folder, subsets=subsets, name=f"{name}_adapted", title=f"{name} adapted to {n} polygons",
        cancelled=cancelled, note=_pass_over,
    )  # fmt: skip
    before = _as_it_was(subsets, start, request.device)
    stop_if(cancelled)
    facts = {"start": start, "polygons": n, "test": made.weights.accuracy, "before": before}
    write_json(folder / _FACTS, {**facts, **_left_out(subsets)})


def _pass_over(_: str) -> None:
    """What a training says is in its record; people are told in their words (`_left_out`)."""


def _left_out(subsets: Subsets) -> dict[str, Any]:
    """What could not be used, and classes that a part has nothing of: fields of `Adapted`."""
    assert subsets.whole is not None  # it was cut from scenes
    lost = {k: int(v) for k, v in subsets.whole.table.attrs.items() if k in _LOST and v}
    trained, tested = ({int(n) for n in p.labels} for p in (subsets.train, subsets.test))
    return {
        "lost": lost, "untested": sorted(trained - tested), "untrained": sorted(tested - trained),
    }  # fmt: skip


def _as_it_was(subsets: Subsets, start: str, device: str) -> dict[str, Any]:
    """Accuracy of the network that was started from, on the same patches."""
    from lczlib.models import load_model
    from lczlib.training.evaluation import assess_patches, predict_patches, scaling_of, summary

    network = load_model(start, "cpu")
    scaling = scaling_of(network.weights, subsets.test.kind)
    found = predict_patches(network, subsets.test, scaling, device=device)
    return summary(assess_patches(found, subsets.test), subset="test", split=subsets.method)


def _polygons(subsets: Subsets) -> int:
    """How many polygons have patches in one of the subsets."""
    parts = (subsets.train, subsets.validation, subsets.test)
    return pd.concat([p.table["polygon"] for p in parts]).nunique()
