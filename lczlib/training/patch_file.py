"""Labelled patches of scenes as one HDF5 file, in the layout of So2Sat LCZ42 with places beside.

``sen1`` (N, P, P, 9) and ``sen2`` (N, P, P, 10) are the channels of Sen12LCZ (Zhou et al. 2022, Table 2,
doi 10.1080/10095020.2022.2030654), ``label`` (N, 17) one-hot classes; another sensor's patches go by its
name. Each names its ``bands``. Beside them lies one value a patch: ``name``, ``city``, ``scene``,
``polygon``, ``location``, ``subset`` (train, validation, test or left out), ``x`` and ``y`` of the centre and ``left``
and ``top`` of the patch in ``crs``, ``longitude`` and ``latitude``, and ``inside``, the share of the patch
that lies in its scene.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from lczlib.classes import N_CLASSES
from lczlib.errors import InputError
from lczlib.export import staged
from lczlib.models.weights import SENTINEL2_BANDS
from lczlib.reading import counted
from lczlib.scenes.combinations import check_channels, sensor_of
from lczlib.scenes.polarimetry import SENTINEL1_CHANNELS
from lczlib.training.inputs import BANDS
from lczlib.training.patches import Patches, PatchKind
from lczlib.training.run import Subsets
from lczlib.training.so2sat import So2SatPatches, labels_of
from lczlib.training.splits import LEFT_OUT, SUBSETS

_MARK = "lczlib_patches"
"""The attribute by which a file is known, with the number of its layout."""
_TEXTS = ("name", "city", "scene", "crs", "subset")
_NUMBERS = ("polygon", "location", "x", "y", "left", "top", "longitude", "latitude", "inside")
_KIND = ("pixel_size", "level", "simulated", "source")
_AT_ONCE = 64  # patches in memory while they are written
_GROUPS = {"sen1": {*SENTINEL1_CHANNELS, *BANDS["s1"]}, "sen2": {*SENTINEL2_BANDS}}


def write_patch_file(path: str | Path, subsets: Subsets, **facts: Any) -> Path:
    """Write the patches of a split, those left out too.

    Parameters
    ----------
    path : path
        Of the file; it appears when it is complete.
    subsets : Subsets
        With `whole`, the patches of scenes, and their `split`.
    **facts
        Further attributes of the file.
    """
    whole, split = subsets.whole, subsets.split
    kind, table = whole.kind, whole.table
    points = whole.to_points().geometry
    columns = table.assign(
        subset=split.subset_names(len(whole)), longitude=points.x, latitude=points.y
    )
    with staged(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update({
            _MARK: 1, "split": split.method, "split_seed": split.seed,
            **{name: getattr(kind, name) for name in _KIND}, **facts,
        })  # fmt: skip
        arrays = _arrays(file, whole)
        for start in range(0, len(whole), _AT_ONCE):
            rows = np.arange(start, min(start + _AT_ONCE, len(whole)))
            values = whole.read(rows).transpose(0, 2, 3, 1)
            for array, channels in arrays:
                array[rows[0] : rows[-1] + 1] = values[..., channels]
        file["label"] = np.eye(N_CLASSES, dtype=np.uint8)[whole.labels - 1]
        for name in _TEXTS:
            file.create_dataset(name, data=columns[name].astype(str), dtype=h5py.string_dtype())
        for name in _NUMBERS:
            file[name] = columns[name].to_numpy()
    return Path(path)


def _arrays(file: h5py.File, whole: Patches) -> list[tuple[h5py.Dataset, list[int]]]:
    """The data sets of the channels, and which channels go into each."""
    bands, size = whole.kind.bands, whole.kind.patch_size
    of = {b: next((g for g, own in _GROUPS.items() if b in own), whole.kind.sensor) for b in bands}
    found = []
    for group in dict.fromkeys(of.values()):
        channels = [i for i, b in enumerate(bands) if of[b] == group]
        array = file.create_dataset(
            group, (len(whole), size, size, len(channels)), np.float32,
            chunks=(1, size, size, len(channels)),
        )  # fmt: skip
        array.attrs["bands"] = [bands[i] for i in channels]
        found.append((array, channels))
    return found


def is_patch_file(path: str | Path) -> bool:
    """Whether a file was written by `write_patch_file`, and not by So2Sat LCZ42."""
    try:
        with h5py.File(path, "r") as file:
            return _MARK in file.attrs
    except OSError:
        return False


class PatchFile(So2SatPatches):
    """The patches of a file of ``lcz patches``; each batch is read from the file when it is asked for.

    Parameters
    ----------
    path : path
        The file.
    bands : sequence of str
        Channels to read; all when neither they nor a sensor are given.
    sensor : str
        ``s2`` or ``s1``: its channels; ``both`` or none: all.

    Raises
    ------
    InputError
        If the file is damaged, or lacks channels that are asked for.
    """

    def __init__(self, path: str | Path, bands: tuple[str, ...] = (), sensor: str = "") -> None:
        self.path, self._file, self._computed = Path(path), None, True
        try:
            with h5py.File(path, "r") as file:
                self._read_facts(file, bands, sensor)
        except (KeyError, OSError, RuntimeError) as err:
            msg = f"The file of patches {path} is truncated or damaged ({err}): write it again."
            raise InputError(msg) from err

    def _read_facts(self, file: h5py.File, bands: tuple[str, ...], sensor: str) -> None:
        self.facts = dict(file.attrs)
        self._arrays = {
            name: tuple(str(b) for b in item.attrs["bands"])
            for name, item in file.items() if "bands" in item.attrs
        }  # fmt: skip
        chosen = bands or self._arrays.get({"s1": "sen1", "s2": "sen2"}.get(sensor, ""))
        if not chosen and sensor not in ("", "both", *self._arrays):
            held = ", ".join(self._arrays)
            msg = f"{self.path} holds no patches of {sensor}: it holds {held}."
            raise InputError(msg)
        chosen = tuple(chosen or self._stored)
        check_channels(chosen, self._stored, str(self.path))
        first = next(iter(self._arrays))
        table = pd.DataFrame({"lcz": labels_of(file["label"][()], self.path)})
        for name in _TEXTS:
            table[name] = file[name].asstr()[()]
        for name in _NUMBERS:
            table[name] = file[name][()]
        self._rows = np.arange(len(table))
        every = {b for own in _GROUPS.values() for b in own}
        kind = PatchKind(
            sensor_of(chosen) if set(chosen) <= every else first, chosen, file[first].shape[1],
            *(file.attrs[name].item() if hasattr(file.attrs[name], "item") else file.attrs[name]
              for name in _KIND),
        )  # fmt: skip
        Patches.__init__(self, kind, table)

    def _combined(self, stored: np.ndarray) -> np.ndarray:
        at = {b: i for i, b in enumerate(self._stored)}
        return stored[:, [at[b] for b in self.kind.bands]]

    def subsets(self) -> Subsets:
        """The subsets that the file names.

        Raises
        ------
        InputError
            If one of them is empty.
        """
        named = self.table["subset"].to_numpy()
        parts = [np.flatnonzero(named == s) for s in SUBSETS]
        for name, part in zip(SUBSETS, parts, strict=True):
            if not len(part):
                msg = f"{self.path} holds no {name} patch among its {counted(len(self), 'patch', 'patches')}."
                raise InputError(msg)
        return Subsets(
            *map(self.subset, parts), method=str(self.facts["split"]),
            left_out=int((named == LEFT_OUT).sum()),
        )  # fmt: skip
