"""The So2Sat LCZ42 data set (Zhu et al. 2020, doi 10.1109/MGRS.2020.2964708), read lazily.

One HDF5 file a subset with ``sen1`` (N, 32, 32, 8), ``sen2`` (N, 32, 32, 10) and one-hot ``label``
(N, 17). The files hold neither city nor place, so their own subsets are the only honest split.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import h5py
import numpy as np
import pandas as pd

from lczlib.classes import N_CLASSES
from lczlib.errors import ClassSchemeError, InputError
from lczlib.limits import check_size
from lczlib.models.weights import SENTINEL2_BANDS
from lczlib.scenes.combinations import combination, sensor_of
from lczlib.scenes.polarimetry import SENTINEL1_CHANNELS, patch_channels
from lczlib.scenes.sentinel1 import COMPLEX_BANDS, COVARIANCE_BANDS
from lczlib.training.patches import Patches, PatchKind

SEN1_BANDS = ("VH_re", "VH_im", "VV_re", "VV_im", "C11", "C22", "C12_re", "C12_im")
"""Order of ``sen1``, by the names of our scenes: linear amplitudes and Lee-filtered covariance."""

_CHANNELS = {"s1": {"sen1": SEN1_BANDS}, "s2": {"sen2": SENTINEL2_BANDS}}
_CHANNELS["both"] = {**_CHANNELS["s1"], **_CHANNELS["s2"]}
_SIZE = 32
_COPIES = 3  # of labels in memory: as stored, compared, and summed


class So2SatPatches(Patches):
    """Patches of a So2Sat LCZ42 file; each batch is read from the file when it is asked for.

    Parameters
    ----------
    path : path
        ``training.h5``, ``validation.h5`` or ``testing.h5``.
    sensor : {"s2", "s1", "both"}
        Channels to read; of both sensors, Sentinel-1 comes first.
    inputs : str
        ``D1`` .. ``D7``: the channels of that combination instead (`lczlib.scenes.COMBINATIONS`),
        the decomposition computed in each patch by itself.

    Raises
    ------
    InputError
        If the file is missing, truncated, or has other data sets or shapes.
    ClassSchemeError
        If a label is not one of 17 classes.
    """

    def __init__(
        self, path: str | Path, sensor: Literal["s1", "s2", "both"] = "s2", inputs: str = ""
    ) -> None:
        chosen = combination(inputs) if inputs else ()
        sensor = sensor_of(chosen) if inputs else sensor
        if sensor not in _CHANNELS:
            msg = f"{sensor!r} is no sensor of So2Sat LCZ42: use s1, s2 or both."
            raise InputError(msg)
        self.path = Path(path)
        self._arrays = _CHANNELS[sensor]
        self._file: h5py.File | None = None
        table = pd.DataFrame({"lcz": self._check()})
        table["location"] = self._rows = np.arange(len(table))
        bands = chosen or self._stored
        self._computed = bool(chosen) and sensor != "s2"
        kind = PatchKind(sensor, bands, _SIZE, level="L1C", source=f"So2Sat LCZ42 {self.path.name}")
        super().__init__(kind, table)

    def _check(self) -> np.ndarray:
        """The labels 1..17, after a look at every data set's shape and last patch."""
        if not self.path.is_file():
            msg = f"The So2Sat file {self.path} does not exist."
            raise InputError(msg)
        try:
            with h5py.File(self.path, "r") as file:
                stored = file["label"]
                check_size(
                    _COPIES * stored.size * max(4, stored.dtype.itemsize), self.path, "So2Sat file",
                    f"{stored.shape[0] if stored.ndim else 0:,} labels",
                )  # fmt: skip
                one_hot = stored[()]
                for key, names in self._arrays.items():
                    wanted = (len(one_hot), _SIZE, _SIZE, len(names))
                    if file[key].shape != wanted:
                        msg = f"{self.path}: {key} has shape {file[key].shape}; So2Sat LCZ42 has {wanted}."
                        raise InputError(msg)
                    if file[key].dtype.kind not in "iuf":
                        msg = (
                            f"{self.path}: {key} holds {file[key].dtype}; So2Sat LCZ42 has numbers."
                        )
                        raise InputError(msg)
                    file[key][-1:]
        except KeyError as err:
            msg = f"{self.path} has no data set {str(err).split(chr(39))[1]!r}: it is no So2Sat LCZ42 file."
            raise InputError(msg) from err
        except (OSError, RuntimeError) as err:
            msg = f"The So2Sat file {self.path} is truncated or damaged ({err}): fetch it again."
            raise InputError(msg) from err
        return labels_of(one_hot, self.path)

    def read(self, index: np.ndarray) -> np.ndarray:
        """See `Patches.read`."""
        rows, inverse = np.unique(self._rows[np.asarray(index)], return_inverse=True)
        if self._file is None:
            self._file = h5py.File(self.path, "r")
        # h5py selects scattered rows one by one in any case; runs of neighbours are read at once
        runs = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1) if len(rows) else []
        parts = [
            np.concatenate([self._file[key][run[0] : run[-1] + 1] for run in runs])
            for key in self._arrays
        ]
        values = np.concatenate([p.astype(np.float32) for p in parts], axis=-1)
        values = values.transpose(0, 3, 1, 2)
        if self._computed:
            values = self._combined(values)
        return np.ascontiguousarray(values[inverse])

    def _combined(self, stored: np.ndarray) -> np.ndarray:
        """The channels of a combination, from stored ones (n, C, P, P), Sentinel-1 first."""
        bands = {b: stored[:, i] for i, b in enumerate(self._stored)}
        amplitudes = np.stack([bands[b] for b in COMPLEX_BANDS], axis=1)
        covariance = np.stack([bands[b] for b in COVARIANCE_BANDS], axis=1)
        radar = np.moveaxis(patch_channels(amplitudes, covariance), 1, 0)
        bands |= dict(zip(SENTINEL1_CHANNELS, radar, strict=True))
        return np.stack([bands[b] for b in self.kind.bands], axis=1)

    @property
    def _stored(self) -> tuple[str, ...]:
        return tuple(b for names in self._arrays.values() for b in names)

    def subset(self, index: np.ndarray) -> So2SatPatches:
        """See `Patches.subset`."""
        out = object.__new__(type(self))
        out.path, out._arrays, out._file = self.path, self._arrays, None
        out._computed = self._computed
        out._rows = self._rows[np.asarray(index)]
        Patches.__init__(out, self.kind, self.table.iloc[np.asarray(index)].reset_index(drop=True))
        return out

    def __getstate__(self) -> dict[str, object]:
        # An open HDF5 file cannot go to another process; each opens its own.
        return self.__dict__ | {"_file": None}


def labels_of(one_hot: np.ndarray, path: Path) -> np.ndarray:
    """One-hot rows as classes 1..17 (column 0 is LCZ 1, column 10 LCZ A)."""
    if one_hot.ndim != 2 or one_hot.shape[1] != N_CLASSES or one_hot.dtype.kind not in "biuf":
        msg = (
            f"{path}: label holds {one_hot.dtype} of shape {one_hot.shape}; So2Sat LCZ42 has numbers, one "
            f"column for each of the {N_CLASSES} classes."
        )
        raise ClassSchemeError(msg)
    bad = ((one_hot != 0) & (one_hot != 1)).any(1) | (one_hot.sum(1) != 1)
    if bad.any():
        msg = (
            f"{path}: label {int(bad.argmax())} names {int((one_hot[bad.argmax()] != 0).sum())} classes "
            f"({int(bad.sum())} labels in all are not one class of 1-17)."
        )
        raise ClassSchemeError(msg)
    return (one_hot.argmax(1) + 1).astype(np.uint8)
