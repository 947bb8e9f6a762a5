"""What makes class probabilities honest: a calibration and learned weights of fusion, and their file.

Both work on logarithms of probabilities. A calibration is ``softmax(W log p + b)``: with ``W = I / T`` and
``b = 0`` temperature scaling (Guo et al. 2017, On calibration of modern neural networks, ICML), else Dirichlet
calibration (Kull et al. 2019, Beyond temperature scaling, NeurIPS). Learned fusion is the log-linear pool
``softmax(sum of w log p)`` over maps (Genest & Zidek 1986, doi 10.1214/ss/1177013825).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from lczlib.classes import N_CLASSES
from lczlib.errors import InputError
from lczlib.maps import probabilities

FLOOR = 1e-4
"""The lowest probability that counts, the step in which files hold them: below it a logarithm says nothing."""

FILE = "calibration.json"

_FORMAT = 1


_CERTAIN = 0.9995
"""Probabilities are stored in steps of 0.0001, and 17 of them rounded."""


def check_uncertain(proba: Iterable[np.ndarray], name: str) -> None:
    """Refuse classes in the guise of probabilities, which say nothing of their errors.

    Parameters
    ----------
    proba : iterable of array (17, ...)
        Parts of one map, NaN where it has no data; looked at until a cell is not certain.
    name : str
        What it is called, at the start of a sentence.

    Raises
    ------
    InputError
        If one class has all of every cell.
    """
    parts = (part.max(0) for part in proba)
    if any((highest <= _CERTAIN).any() for highest in parts):
        return
    msg = (
        f"{name} is certain of every cell, as a map of classes is, so that nothing of its errors can be told by it: "
        "give class probabilities, as `lcz map` writes them (*_proba.tif)."
    )
    raise InputError(msg, parameter="probabilities")


def log_of(p: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities, none below that of `FLOOR`; NaN stays."""
    return np.log(np.clip(p, FLOOR, 1))


def softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    """Probabilities of logits along an axis."""
    e = np.exp(logits - logits.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@dataclass(frozen=True)
class Calibrator:
    """The calibration of one network's probabilities.

    Attributes
    ----------
    method : str
        ``temperature`` or ``dirichlet``.
    weights : array (17, 17)
        Of the logarithms of all classes (columns) in the logit of each class (rows).
    intercept : array (17,)
        Of each class.
    networks : str
        Whose probabilities it was fitted to, as their file says; empty where that does not.
    views : str
        How the views of each patch were averaged in them (`lczlib.map_request.Views`).
    """

    method: str
    weights: np.ndarray
    intercept: np.ndarray
    networks: str = ""
    views: str = "none"

    @classmethod
    def of_temperature(cls, temperature: float, **what: str) -> Calibrator:
        """Temperature scaling: above 1 probabilities become less sure, below 1 surer."""
        return cls("temperature", np.eye(N_CLASSES) / temperature, np.zeros(N_CLASSES), **what)

    @property
    def temperature(self) -> float:
        """By which the logarithms are divided, of temperature scaling."""
        return float(N_CLASSES / np.trace(self.weights))

    def on_rows(self, p: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (n, 17) of probabilities (n, 17)."""
        return softmax(log_of(p) @ self.weights.T + self.intercept)

    def __call__(self, proba: xr.DataArray) -> xr.DataArray:
        """Calibrated probabilities of a map (lcz, y, x), NaN where it has no data; lazy ones stay lazy."""
        found = xr.apply_ufunc(
            self.on_rows, proba, input_core_dims=[["lcz"]], output_core_dims=[["lcz"]],
            dask="parallelized", output_dtypes=[np.float64], dask_gufunc_kwargs={"allow_rechunk": True},
        )  # fmt: skip
        return probabilities(
            found.transpose("lcz", "y", "x"), **{**proba.attrs, "calibrated": self.method}
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a file."""
        own = {"method": self.method, "networks": self.networks, "views": self.views}
        if self.method == "temperature":
            return {**own, "temperature": self.temperature}
        return {**own, "weights": self.weights.tolist(), "intercept": self.intercept.tolist()}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Calibrator:
        """One of a file.

        Raises
        ------
        ValueError, KeyError, TypeError
            If it is none.
        """
        what = {
            "networks": str(found.get("networks", "")),
            "views": str(found.get("views", "none")),
        }
        if found["method"] == "temperature":
            temperature = float(found["temperature"])
            if not (np.isfinite(temperature) and temperature > 0):
                msg = f"a temperature of {temperature:g}"
                raise ValueError(msg)
            return cls.of_temperature(temperature, **what)
        weights, intercept = (np.asarray(found[k], np.float64) for k in ("weights", "intercept"))
        shapes = (N_CLASSES, N_CLASSES), (N_CLASSES,)
        if (weights.shape, intercept.shape) != shapes or not (
            np.isfinite(weights).all() and np.isfinite(intercept).all()
        ):
            msg = "weights that are no 17 x 17 numbers"
            raise ValueError(msg)
        return cls(str(found["method"]), weights, intercept, **what)


@dataclass(frozen=True)
class Calibration:
    """A calibration file: one calibration a map, and the weights of their fusion.

    Attributes
    ----------
    maps : dict of str to Calibrator
        By kind of map: ``s1``, ``s2``.
    fusion : dict of str to float
        Weight of each kind in the log-linear pool of the calibrated maps; empty where none was learned.
    cautions : tuple of str
        What was found wanting on held-out polygons, in words.
    source : str
        The file.
    polygons : str
        SHA-256 of the polygons that it was fitted to, which cannot judge a map made with it; empty where they came
        from no file.
    """

    maps: Mapping[str, Calibrator]
    fusion: Mapping[str, float] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()
    source: str = ""
    polygons: str = ""

    def of(self, kind: str, networks: str = "", views: str = "none") -> Calibrator:
        """The calibration of a kind of map, checked against what made the map.

        Raises
        ------
        InputError
            If there is none, or it is of other networks, or of views averaged otherwise.
        """
        if kind not in self.maps:
            msg = (
                f"{self.source} calibrates {', '.join(self.maps)}, not {kind}: run `lcz calibrate` on all the maps "
                "that are used."
            )
            raise InputError(msg, parameter="calibration")
        found = self.maps[kind]
        if networks and found.networks and networks != found.networks:
            msg = (
                f"{self.source} was fitted to {kind} probabilities of {found.networks}, and these are of {networks}: "
                "each network errs in its own way; run `lcz calibrate` on these."
            )
            raise InputError(msg, parameter="calibration")
        if views != found.views:
            msg = (
                f"{self.source} was fitted to {kind} probabilities with views {found.views}, and these have views "
                f"{views}: averaging views makes them less sure; run `lcz calibrate` on these."
            )
            raise InputError(msg, parameter="calibration")
        return found

    def weights_of(self, kinds: list[str]) -> dict[str, float]:
        """The learned weight of each of some kinds of map.

        Raises
        ------
        InputError
            If they are not the ones that weights were learned for.
        """
        if set(kinds) != set(self.fusion):
            have = f"those of {', '.join(self.fusion)}" if self.fusion else "none"
            msg = (
                f"Learned fusion of {', '.join(kinds)} needs their weights, and {self.source} has {have}: run "
                "`lcz calibrate` on these maps together."
            )
            raise InputError(msg, parameter="calibration")
        return {kind: self.fusion[kind] for kind in kinds}

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the file."""
        return {
            "format": _FORMAT, "maps": {k: c.to_dict() for k, c in self.maps.items()},
            "fusion": dict(self.fusion), "cautions": list(self.cautions),
            "polygons": self.polygons,
        }  # fmt: skip


def open_calibration(path: str | Path) -> Calibration:
    """A calibration file, of `lcz calibrate`.

    Parameters
    ----------
    path : path
        ``calibration.json``, or the folder that holds it.

    Raises
    ------
    InputError
        If it cannot be read as one.
    """
    path = Path(path)
    path = path / FILE if path.is_dir() else path
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        msg = f"The calibration {path} does not exist: check its name and folder."
        raise InputError(msg, parameter="calibration") from err
    except (OSError, ValueError) as err:
        msg = f"{path} cannot be read as a calibration: give the {FILE} of `lcz calibrate`."
        raise InputError(msg, parameter="calibration") from err
    try:
        maps = {str(k): Calibrator.from_dict(v) for k, v in found["maps"].items()}
        fusion = {str(k): float(v) for k, v in found["fusion"].items()}
        cautions = tuple(map(str, found["cautions"]))
        polygons = str(found.get("polygons", ""))
        usable = (
            found["format"] == _FORMAT and maps and all(0 <= w < np.inf for w in fusion.values())
        )
    except (AttributeError, KeyError, TypeError, ValueError) as err:
        usable, why = False, f" ({type(err).__name__}: {err})"
    else:
        why = ""
    if not usable:
        msg = f"{path} is no calibration of this version{why}: make it anew with `lcz calibrate`."
        raise InputError(msg, parameter="calibration")
    return Calibration(maps, fusion, cautions, str(path), polygons)


def pool(logs: xr.DataArray, weights: Mapping[str, float]) -> xr.DataArray:
    """Logits of the log-linear pool of logarithms (map, lcz, y, x), with a weight of each map by its name.

    Where a map has no data, the weights of those that have are brought to a sum of 1 (equal ones where theirs are
    0): of one map alone its own calibrated probabilities remain.
    """
    own = xr.DataArray([float(weights[str(n)]) for n in logs["map"].values], dims="map")
    valid = logs.notnull().all("lcz")
    there, n = (own * valid).sum("map"), valid.sum("map")
    summed = (logs * own).sum("map", skipna=True) / there.where(there > 0)
    some = summed.fillna(logs.mean("map", skipna=True)).where(n > 0)
    return xr.where(n == len(own), (logs * own).sum("map", skipna=False), some)


def kind_of(path: str | Path) -> str:
    """The kind of map that a file of probabilities is called: ``s2`` of ``s2_proba.tif``."""
    return Path(path).name.removesuffix("_proba.tif").removesuffix(".tif")
