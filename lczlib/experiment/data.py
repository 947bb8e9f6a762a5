"""A data set to experiment on: all the channels it can give, parted once for all runs."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from lczlib.classes import lcz_class
from lczlib.errors import InputError
from lczlib.experiment.request import ExperimentRequest
from lczlib.models.weights import SENTINEL2_BANDS
from lczlib.polygons import open_polygons
from lczlib.scenes.combinations import COMBINATIONS, check_channels, combination, sensor_of
from lczlib.training.inputs import PatchSize, SceneFiles, patches_of
from lczlib.training.joining import join_patches
from lczlib.training.patch_file import PatchFile
from lczlib.training.patches import FISHNET, Patches
from lczlib.training.run import Subsets
from lczlib.training.separation import placed
from lczlib.training.so2sat import So2SatPatches
from lczlib.training.splits import BLOCK, FRACTIONS, SUBSETS, Split, split

_ALL = {"s1": "D1", "s2": "D2", "both": "D6"}
"""The combination with all the channels of a sensor."""
_LEAST = 8
"""Fewest pixels of a patch that most networks take."""
_SAMPLE = 64  # patches whose values go into a data set's fingerprint


class BandPatches(Patches):
    """Some of the bands of another patch set.

    Parameters
    ----------
    whole : Patches
        The other set.
    bands : sequence of str
        Of its bands, in the order wanted.
    """

    def __init__(self, whole: Patches, bands: tuple[str, ...]) -> None:
        at = {b: i for i, b in enumerate(whole.kind.bands)}
        self._whole, self._channels = whole, [at[b] for b in bands]
        sensor = sensor_of(bands) if at.keys() >= {*SENTINEL2_BANDS} else whole.kind.sensor
        super().__init__(replace(whole.kind, bands=tuple(bands), sensor=sensor), whole.table)

    def read(self, index: np.ndarray) -> np.ndarray:
        """See `Patches.read`."""
        return np.ascontiguousarray(self._whole.read(index)[:, self._channels])

    def subset(self, index: np.ndarray) -> BandPatches:
        """See `Patches.subset`."""
        return BandPatches(self._whole.subset(index), self.kind.bands)


class MiddlePatches(Patches):
    """The middle of the patches of another set.

    Parameters
    ----------
    whole : Patches
        The other set.
    size : int
        Edge in pixels.
    """

    def __init__(self, whole: Patches, size: int) -> None:
        self._whole, self._from = whole, (whole.kind.patch_size - size) // 2
        table = whole.table
        if placed(whole):
            shift = self._from * whole.kind.pixel_size
            table = table.assign(left=table["left"] + shift, top=table["top"] - shift)
        super().__init__(replace(whole.kind, patch_size=size), table)

    def read(self, index: np.ndarray) -> np.ndarray:
        """See `Patches.read`."""
        middle = slice(self._from, self._from + self.kind.patch_size)
        return np.ascontiguousarray(self._whole.read(index)[:, :, middle, middle])

    def subset(self, index: np.ndarray) -> MiddlePatches:
        """See `Patches.subset`."""
        return MiddlePatches(self._whole.subset(index), self.kind.patch_size)


class DataSet(ABC):
    """Labelled patches with all their channels, parted into training, validation and test.

    Data sets are small, hashable descriptions that can be sent to another process, which opens the
    files for itself.
    """

    @abstractmethod
    def _open(self) -> Subsets: ...

    @property
    @abstractmethod
    def description(self) -> str:
        """The data set in words."""

    def subsets(self) -> Subsets:
        """The patches with all their channels; opened once a process."""
        return _opened(self)

    @property
    def combinations(self) -> tuple[str, ...]:
        """Names of the input combinations that the data set can give."""
        bands = set(self.subsets().train.kind.bands)
        return tuple(n for n, own in COMBINATIONS.items() if set(own) <= bands)

    @property
    def places(self) -> tuple[str, ...]:
        """Names of the cities of the test patches, where they are known."""
        table = self.subsets().test.table
        return tuple(table["city"].unique()) if "city" in table else ()

    def select(self, inputs: str, *, city: str = "", patch: int = 0) -> Subsets:
        """The patches with the channels of a combination; of all channels where it is empty.

        Parameters
        ----------
        inputs : str
            The combination.
        city : str
            The only city to train on; the test patches stay those of all.
        patch : int
            Edge in pixels of the middle of the patches; 0: whole patches.

        Raises
        ------
        InputError
            If the data set does not have them.
        """
        whole = self._of_city(city) if city else self.subsets()
        if patch:
            parts = (MiddlePatches(getattr(whole, s), patch) for s in SUBSETS)
            whole = Subsets(*parts, method=whole.method)
        if not inputs:
            return whole
        bands = combination(inputs)
        check_channels(bands, whole.train.kind.bands, self.description)
        parts = (BandPatches(getattr(whole, s), bands) for s in SUBSETS)
        return Subsets(*parts, method=whole.method)

    def _of_city(self, city: str) -> Subsets:
        whole = self.subsets()
        own = (
            part.subset(np.flatnonzero(part.table["city"] == city))
            for part in (whole.train, whole.validation)
        )
        return Subsets(*own, whole.test, method=whole.method)

    def fingerprint(self) -> str:
        """A hash of what the data set holds: labels, polygons, and the values of some patches."""
        whole, digest = self.subsets(), hashlib.sha256()
        for name in SUBSETS:
            part = getattr(whole, name)
            digest.update(repr((name, len(part), part.kind.bands, part.kind.patch_size)).encode())
            columns = [c for c in ("lcz", "polygon") if c in part.table]
            digest.update(pd.util.hash_pandas_object(part.table[columns], index=False).values)
            some = np.unique(np.linspace(0, len(part) - 1, min(len(part), _SAMPLE)).astype(int))
            digest.update(part.read(some).tobytes())
        return digest.hexdigest()[:16]


@lru_cache(maxsize=2)
def _opened(data: DataSet) -> Subsets:
    return data._open()


@dataclass(frozen=True)
class City:
    """Scenes of one place and the polygons that label them.

    Attributes
    ----------
    files : SceneFiles
        Its sensor says what is read; with ``both``, all nineteen channels.
    polygons : str
        File of labelled polygons.
    """

    files: SceneFiles
    polygons: str


@dataclass(frozen=True)
class SceneData(DataSet):
    """Scenes with polygons, cut on the fishnet.

    Attributes
    ----------
    cities : tuple of City
        To train on, and to test on where there are no others for that.
    test_cities : tuple of City
        Held out as a whole, where given.
    column : str or None
        Polygon column of the class.
    without : tuple of str
        Classes to leave out.
    patch_size : int, optional
        Pixels.
    patch_metres : float
        Edge of a patch where its pixels are not given, but no fewer than the networks take.
    spacing : float
        Of the fishnet, metres.
    method : {"polygon", "block", "random"}
        How patches are parted; see `lczlib.training.splits.split`.
    split_seed : int
        Of that: one split for all runs, so that their test patches are the same.
    block : float
        Metres.
    buffer : float, optional
        Between the subsets; see `lczlib.training.separation.separated`.
    each_city : bool
        Whether each city is parted by itself, so that all of its classes are in all subsets.
    """

    cities: tuple[City, ...]
    test_cities: tuple[City, ...] = ()
    column: str | None = None
    without: tuple[str, ...] = ()
    patch_size: int | None = None
    patch_metres: float = ExperimentRequest.patch_metres
    spacing: float = FISHNET
    method: Literal["polygon", "block", "random"] = ExperimentRequest.split
    split_seed: int = ExperimentRequest.split_seed
    block: float = BLOCK
    buffer: float | None = None
    each_city: bool = False

    @property
    def description(self) -> str:
        """See `DataSet`."""
        names = [
            f"{', '.join(Path(p).name for p in c.files.inputs)} {c.files.options.city}".strip()
            for c in (*self.cities, *self.test_cities)
        ]
        return ", ".join(names)

    def _open(self) -> Subsets:
        whole = self._patches(self.cities)
        if not self.test_cities:
            return Subsets.of(whole, self._parted(whole), self.buffer)
        test = self._patches(self.test_cities)
        train, validation, _ = FRACTIONS
        shares = (train / (train + validation), validation / (train + validation), 0.0)
        chosen = split(
            whole.table, self.method, fractions=shares, block=self.block, seed=self.split_seed
        )
        kept = Subsets.of(whole, chosen, self.buffer)
        method = f"city, validation by {self.method}"
        return replace(kept, test=test, method=method, whole=None)

    def _parted(self, whole: Patches) -> Split:
        how = {"block": self.block, "seed": self.split_seed}
        if not self.each_city:
            return split(whole.table, self.method, **how)
        parts: dict[str, list[np.ndarray]] = {s: [] for s in SUBSETS}
        for name, own in whole.table.groupby("city", sort=False):
            try:
                chosen = split(own.reset_index(drop=True), self.method, **how)
            except InputError as error:
                msg = f"{name}, parted by itself: {error.message}"
                raise InputError(msg) from error
            for s in SUBSETS:
                parts[s].append(own.index.to_numpy()[getattr(chosen, s)])
        return Split(*map(np.concatenate, parts.values()), method=self.method, seed=self.split_seed)

    def _patches(self, cities: tuple[City, ...]) -> Patches:
        left_out = [lcz_class(c).number for c in self.without]
        size = PatchSize(self.patch_metres / 10, _LEAST, self.patch_size)
        parts = []
        for city in cities:
            areas = open_polygons(city.polygons, self.column, zero_unlabelled=True)
            areas = areas[~areas["lcz"].isin(left_out)]
            if areas.empty:
                msg = f"Without {', '.join(self.without)} there is no polygon left in {city.polygons}."
                raise InputError(msg)
            files = city.files
            if files.sensor in _ALL and not files.bands:
                files = replace(files, bands=COMBINATIONS[_ALL[files.sensor]])
            parts.append(patches_of(files, areas, patch_size=size, spacing=self.spacing))
        return join_patches(parts)


@dataclass(frozen=True)
class So2SatData(DataSet):
    """So2Sat LCZ42 files.

    Attributes
    ----------
    train, validation, test : str
        HDF5 files; without the last two, the first is split at random, which flatters.
    split_seed : int
        Of that split.
    """

    train: str
    validation: str = ""
    test: str = ""
    split_seed: int = ExperimentRequest.split_seed

    @property
    def description(self) -> str:
        """See `DataSet`."""
        return f"So2Sat LCZ42 {Path(self.train).name}"

    def _open(self) -> Subsets:
        whole = So2SatPatches(self.train, inputs="D6")
        if self.validation and self.test:
            others = (So2SatPatches(p, inputs="D6") for p in (self.validation, self.test))
            return Subsets(whole, *others, method="as published")
        chosen = split(whole.table, "random", seed=self.split_seed)
        return Subsets(*(whole.subset(getattr(chosen, s)) for s in SUBSETS), method="random")


@dataclass(frozen=True)
class PatchFileData(DataSet):
    """A file of ``lcz patches``, with its own subsets.

    Attributes
    ----------
    path : str
    """

    path: str

    @property
    def description(self) -> str:
        """See `DataSet`."""
        return Path(self.path).name

    def _open(self) -> Subsets:
        return PatchFile(self.path).subsets()
