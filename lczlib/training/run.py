"""A whole training job: patches in; weights, accuracy, split and logs out."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import lczlib
from lczlib.analysis import Assessment
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.export import write_result
from lczlib.export.files import write_features
from lczlib.models import Weights, save_safetensors
from lczlib.reading import counted
from lczlib.training.evaluation import assess_patches, predict_patches, scaling_of, summary
from lczlib.training.options import Options
from lczlib.training.patches import Patches
from lczlib.training.separation import Overlap, overlap_of, separated
from lczlib.training.splits import SUBSETS, Split
from lczlib.training.trainer import Note, Progress, fit_network, log
from lczlib.training.warm import settled

WEIGHTS_FILE = "model.safetensors"


@dataclass(frozen=True)
class Subsets:
    """Labelled patches for training, validation and test.

    Attributes
    ----------
    train, validation, test : Patches
        Of one kind.
    method : str
        How they were parted: ``polygon``, ``block``, ``random``, or ``as published``.
    split : Split, optional
        Where they were parted here.
    whole : Patches, optional
        All of them, in the order of the split.
    left_out : int
        Patches of no subset, because they come too near to another's.
    """

    train: Patches
    validation: Patches
    test: Patches
    method: str
    split: Split | None = None
    whole: Patches | None = None
    left_out: int = 0

    @classmethod
    def of(
        cls, patches: Patches, split: Split, buffer: float | None = None, *, lose: bool = False
    ) -> Subsets:
        """The subsets of one patch set, their pixels apart: see `separated`."""
        kept = separated(patches, split, buffer, lose=lose)
        train, validation, test = (patches.subset(getattr(kept, name)) for name in SUBSETS)
        left_out = sum(len(getattr(split, n)) - len(getattr(kept, n)) for n in SUBSETS)
        return cls(
            train, validation, test, method=split.method, split=kept, whole=patches, left_out=left_out,
        )  # fmt: skip

    @cached_property
    def overlap(self) -> Overlap | None:
        """How much of the test patches lies in training patches; None where places are not known."""
        return overlap_of(self.test, self.train, self.validation)

    @property
    def separation(self) -> str:
        """In words, whether the test is on pixels not trained on."""
        kind = self.train.kind
        patch = f"Patches of {kind.patch_size} x {kind.patch_size} pixels, {kind.width:,.0f} m wide"
        if self.overlap is None:
            return f"{patch}; how far the subsets lie apart is not known."
        gone = counted(self.left_out, "patch", "patches")
        kept = f"; {gone} left out to keep the subsets apart" if self.left_out else ""
        return f"{patch}; {self.overlap}{kept}."


@dataclass(frozen=True)
class RunResult:
    """What a training job made.

    Attributes
    ----------
    path : Path
        The weights, one safetensors file: for `lczlib.models.load_model` and ``lcz map --weights``.
    weights : Weights
        Their description, accuracy included.
    assessment : Assessment
        Accuracy on the test patches.
    history : DataFrame
        One line an epoch; none for a random forest.
    best_epoch : int
        Whose weights were kept.
    notes : tuple of str
        What the user should know.
    separation : str
        In words, whether the test is on pixels not trained on.
    report : dict
        Content of ``training.json``.
    """

    path: Path
    weights: Weights = field(repr=False)
    assessment: Assessment
    history: pd.DataFrame = field(repr=False)
    best_epoch: int
    notes: tuple[str, ...]
    separation: str
    report: dict[str, Any] = field(repr=False)


def run_training(
    subsets: Subsets,
    options: Options,
    folder: str | Path,
    *,
    name: str = "",
    title: str = "",
    licence: str = "",
    citation: str = "",
    resume: bool = False,
    forest: bool = False,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    note: Note = log.warning,
) -> RunResult:
    """Train, test and write a network.

    Files: ``model.safetensors``, ``training.json``, ``history.csv``, ``patches.gpkg`` (where the
    patches have places: class, polygon and subset of each), ``checkpoints/`` and ``tensorboard/``.

    Parameters
    ----------
    subsets : Subsets
        Patches; the test patches are looked at once, at the end.
    options : Options
        How to train.
    folder : path
        For the results.
    name, title, licence, citation : str
        Of the weights; the name is the folder's by default.
    resume, progress, cancelled, note
        See `lczlib.training.trainer.fit_network`.
    forest : bool
        Whether to test a random forest on 100 m pixels on the same patches too.

    Raises
    ------
    InputError, DeviceError, Cancelled
        See `lczlib.training.trainer.fit_network`.
    """
    folder, options = Path(folder), settled(options)
    begun = time.perf_counter()
    notes = list(_gaps(subsets))
    for text in notes:
        note(text)
    trained = fit_network(
        subsets.train, subsets.validation, options, folder, name=name or folder.resolve().name,
        resume=resume, progress=progress, cancelled=cancelled, note=note,
    )  # fmt: skip
    scaling = scaling_of(trained.weights, subsets.test.kind)
    assessment = assess_patches(
        predict_patches(trained.network, subsets.test, scaling, device=options.device), subsets.test
    )
    weights = dataclasses.replace(
        trained.weights,
        title=title or trained.weights.title,
        licence=licence or trained.weights.licence,
        citation=citation or trained.weights.citation,
        accuracy=summary(assessment, subset="test", split=subsets.method),
    )
    path = save_safetensors(folder / WEIGHTS_FILE, trained.network, weights)
    report: dict[str, Any] = {
        "weights": {**weights.to_dict(), "file": WEIGHTS_FILE},
        "options": asdict(options),
        "split": {
            "method": subsets.method,
            "seed": None if subsets.split is None else subsets.split.seed,
            "patches": {s: _per_class(getattr(subsets, s)) for s in SUBSETS},
            "left_out": subsets.left_out,
            "overlap": None if subsets.overlap is None else subsets.overlap.to_dict(),
        },
        "best_epoch": trained.best_epoch,
        "history": trained.history.to_dict("records"),
        "test": assessment.to_dict(),
        "notes": [*notes, *trained.notes],
        "seconds": round(time.perf_counter() - begun, 1),
        "versions": {
            "lczlib": lczlib.__version__,
            **{p: version(p) for p in ("torch", "lightning", "scikit-learn")},
        },
    }
    if subsets.whole is not None and subsets.split is not None:
        report["left_out"] = dict(subsets.whole.table.attrs)
        _write_patches(folder / "patches.gpkg", subsets.whole, subsets.split)
    if forest:
        report["random_forest"] = _forest(subsets, options.seed).to_dict()
    write_result(folder / "training.json", report)
    return RunResult(
        path, weights, assessment, trained.history, trained.best_epoch,
        (*notes, *trained.notes), subsets.separation, report,
    )  # fmt: skip


def _gaps(subsets: Subsets) -> list[str]:
    """Sentences on classes that a subset lacks."""
    trained = set(np.unique(subsets.train.labels))
    notes = []
    for name in ("validation", "test"):
        labels = set(np.unique(getattr(subsets, name).labels))
        if trained - labels:
            notes.append(f"No {name} patch of LCZ {_codes(trained - labels)}: too few polygons.")
        if labels - trained:
            notes.append(
                f"LCZ {_codes(labels - trained)} has {name} patches but none to train on: all of "
                "them will count as wrong."
            )
    return notes


def _codes(numbers: set[int]) -> str:
    return ", ".join(CLASSES[n - 1].code for n in sorted(numbers))


def _per_class(patches: Patches) -> dict[str, Any]:
    table = patches.table
    by_class = {
        CLASSES[n - 1].code: int(k)
        for n, k in table["lcz"].value_counts(sort=False).sort_index().items()
    }
    out: dict[str, Any] = {"n": len(patches), "by_class": by_class}
    return out | ({"n_polygons": int(table["polygon"].nunique())} if "polygon" in table else {})


def _write_patches(path: Path, patches: Patches, split: Split) -> None:
    points = patches.to_points().assign(subset=split.subset_names(len(patches)))
    columns = ["lcz", "polygon", "location", "scene", "subset", "geometry"]
    write_features(path, points[columns], layer="patches")


def _forest(subsets: Subsets, seed: int) -> Assessment:
    from lczlib.training.forest import Forest

    return assess_patches(Forest(seed=seed).fit(subsets.train).predict(subsets.test), subsets.test)


def read_patch_points(path: str | Path, subset: str = "test") -> pd.DataFrame:
    """The patches of one subset of an earlier run, from its ``patches.gpkg``.

    Parameters
    ----------
    path : path
        The file.
    subset : str
        ``train``, ``validation``, ``test`` or ``all``.

    Raises
    ------
    InputError
        If the file is no such file, or the subset is empty.
    """
    import geopandas as gpd
    import pyogrio

    if subset not in (*SUBSETS, "all"):
        msg = f"{subset!r} is no subset: use {', '.join(SUBSETS)} or all."
        raise InputError(msg)
    try:
        points = gpd.read_file(path)
    except (pyogrio.errors.DataSourceError, OSError) as err:
        msg = f"{path} cannot be read as patches of a training run: give its patches.gpkg."
        raise InputError(msg) from err
    if not {"lcz", "polygon", "scene", "subset"} <= set(points):
        msg = f"{path} is no patches.gpkg of a training run: it lacks the columns lcz, polygon, scene and subset."
        raise InputError(msg)
    chosen = points if subset == "all" else points[points["subset"] == subset]
    if chosen.empty:
        msg = f"{path} has no patch of the subset {subset!r}."
        raise InputError(msg)
    return chosen
