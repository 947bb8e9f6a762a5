"""What is trained on and what is tested: the settings of ``lcz train`` and ``lcz evaluate``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lczlib.analysis.options import FEWEST_REPLICATES, REPLICATES
from lczlib.devices import device
from lczlib.errors import InputError
from lczlib.scene_options import SceneOptions
from lczlib.settings import setting
from lczlib.terms import option
from lczlib.training.options import Options

File = str | Path

_HDF5 = (".h5", ".hdf5")
_BUFFERS = {"auto": None, "none": -1.0}


def _check_classes(codes: Iterable[str]) -> None:
    from lczlib.classes import lcz_class

    for code in codes:
        lcz_class(code)


def _check_buffer(text: str) -> None:
    if text not in _BUFFERS and not re.fullmatch(r"\d+(\.\d+)?", text):
        msg = f"{text!r} is not auto, none or metres such as 500."
        raise InputError(msg)


@dataclass(frozen=True, kw_only=True)
class PatchScenes(SceneOptions):
    """Scenes that patches are cut from, or files of So2Sat LCZ42, which hold patches.

    Raises
    ------
    InputError
        If a value is none that its setting allows, or does not go with the others.
    """

    inputs: tuple[File, ...] = setting(
        ..., "Scenes, of several dates or cities: {scenes}; or an HDF5 file of patches, of So2Sat LCZ42 or "
        "`lcz patches`.", file=True,
        argument=True, metavar="INPUT...",
    )  # fmt: skip
    column: str | None = setting(None, "Polygon column that holds the class.")
    sentinel1: tuple[File, ...] = setting(
        (), "Sentinel-1 raster with So2Sat's eight channels, or two with four each; repeat.", file=True
    )  # fmt: skip
    fringe: int = setting(0, "Leave out this many pixels beside missing ones.", low=0)
    spacing: float = setting(
        480.0, "Spacing of the fishnet of patches in metres.", low=0, open_ends=True
    )

    @property
    def is_hdf5(self) -> bool:
        """Whether files of patches are given rather than scenes."""
        return any(Path(p).suffix.lower() in _HDF5 for p in self.inputs)

    def hdf5(self) -> File:
        """The file of patches.

        Raises
        ------
        InputError
            If there are several inputs.
        """
        if len(self.inputs) > 1:
            msg = f"Give one HDF5 file, not {len(self.inputs)} inputs."
            raise InputError(msg)
        return self.inputs[0]


@dataclass(frozen=True, kw_only=True)
class CutScenes(PatchScenes):
    """Labelled patches of scenes, parted into those for training, validation and test."""

    read: tuple[str, ...] = setting((), "Bands to read: B1,B2,... (by default all)", flag="--bands")
    without: tuple[str, ...] = setting((), "Classes to leave out: 7,9,B", check=_check_classes)
    patch: int | None = setting(None, "Edge of a patch in pixels, instead of metres.", low=1)
    split: Literal["polygon", "block", "random"] = setting(
        "polygon", "polygon and block test on places not trained on; random flatters."
    )
    block: float = setting(2000.0, "Edge of a block in metres.", low=0, open_ends=True)
    buffer: str = setting(
        "auto", "Leave out training patches nearer than this to those tested on. auto: none that shares "
        "a pixel with them, except for a random split.", metavar="auto|none|METRES", check=_check_buffer,
    )  # fmt: skip

    @property
    def apart(self) -> float | None:
        """The buffer as `lczlib.training.separation.separated` takes it."""
        return _BUFFERS[self.buffer] if self.buffer in _BUFFERS else float(self.buffer)


@dataclass(frozen=True, kw_only=True)
class LabelledCities(CutScenes):
    """Patches of one or several cities, each with its own polygons."""

    polygons: File | None = setting(
        None, "Labelled polygons; by default Reference/CITY/polygons.gpkg of the folder.", file=True
    )
    cities: tuple[str, ...] = setting(
        (), "City of the So2Sat folder; repeat for several.", flag="--city", repeat=True
    )
    only_seasons: tuple[str, ...] = setting(
        (), "Season of the So2Sat folder; repeat. Default: all.", flag="--season", repeat=True
    )
    sensor: str = setting("", "both, s2 or s1 of a So2Sat folder; else s2, or any name.")
    patch_metres: float = setting(480.0, "Edge of a patch in metres.", low=0, open_ends=True)
    split_seed: int = setting(0, "Of the split, which is one for all runs.", low=0)


@dataclass(frozen=True, kw_only=True)
class PartedScenes(CutScenes):
    """Labelled patches of scenes, or of files of So2Sat LCZ42, parted in three."""

    validation: File | None = setting(None, "Validation file of So2Sat LCZ42.", file=True)
    test: File | None = setting(None, "Test file of So2Sat LCZ42.", file=True)

    def published(self) -> Sequence[File]:
        """Validation and test file of So2Sat LCZ42, both or none.

        Raises
        ------
        InputError
            If there is one only.
        """
        found = [file for file in (self.validation, self.test) if file]
        if len(found) == 1:
            msg = (
                f"Give both {option('validation')} and {option('test')}, or neither: then the file is "
                "split at random."
            )
            raise InputError(msg)
        return found


@dataclass(frozen=True, kw_only=True)
class TrainRequest(Options, PartedScenes):
    """A network to be trained on a city's own polygons, or on So2Sat LCZ42."""

    polygons: File | None = setting(
        None, "Training polygons (GPKG, GeoJSON, KML/KMZ, Shapefile).", file=True
    )
    sensor: str = setting("s2", "s2; s1 or both; else any name, such as landsat.")
    combination: str = setting(
        "",
        "Channels of both sensors by name, instead of a sensor.",
        flag="--inputs",
        metavar="D1..D7",
    )
    patch_metres: float | None = setting(
        None, "Edge of a patch in metres; by default the ground that the network was designed for: "
        "320 m of Sen2LCZ-Net, but no fewer pixels than it takes.", low=0, open_ends=True,
    )  # fmt: skip
    forest: bool = setting(False, "Test a random forest on the same patches too.")
    licence: str = setting("", "Of the weights.")
    citation: str = setting("", "Of the weights.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.is_hdf5:
            return
        if self.combination and self.read:
            msg = f"{option('combination')} names the bands already: give it or {option('read')}."
            raise InputError(msg, parameter="combination")
        if self.polygons is None:
            msg = f"Give {option('polygons')}: the training areas and their classes."
            raise InputError(msg, parameter="polygons")


@dataclass(frozen=True, kw_only=True)
class EvaluateRequest(PatchScenes):
    """The accuracy of weights on labelled patches."""

    weights: str = setting(..., "NAME or FILE of weights.", argument=True)
    polygons: File | None = setting(
        None, "Reference polygons: all their patches are used.", file=True
    )
    patches: File | None = setting(
        None, "patches.gpkg of a training run: its subset is used.", file=True
    )
    subset: Literal["test", "validation", "train", "all"] | None = setting(
        None, "Of the patches of a training run; test when not given."
    )
    replicates: int = setting(REPLICATES, "Bootstrap replicates.", low=FEWEST_REPLICATES)
    seed: int = setting(0, "Of all random draws.", low=0)
    device: str = device()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.subset and self.patches is None:
            msg = f"{option('subset')} is one of {option('patches')}: give them, or leave it out."
            raise InputError(msg, parameter="subset")
        if not self.is_hdf5 and (self.polygons is None) == (self.patches is None):
            msg = f"Give either {option('polygons')} or {option('patches')}."
            raise InputError(msg, parameter="polygons")
