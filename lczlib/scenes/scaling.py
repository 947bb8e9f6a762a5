"""From stored values of optical bands to reflectance: scale and offset, and how they are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from lczlib.errors import InputError
from lczlib.scenes.baseline import Offset, ProductName, stated_offset

QUANTIFICATION = 1e-4
_DN = 0.01  # a smaller scale is one of digital numbers
_OF_DN = 10  # a larger offset cannot be one of reflectance
_LARGEST_TERM = 1.0  # reflectance that no offset comes to
_DARKER_THAN_BLACK = (
    -0.03
)  # reflectance of a band's darkest hundredth if an offset is removed twice


@dataclass(frozen=True)
class Scaling:
    """Reflectance = stored x scale + term, a number for each of the ten bands."""

    scale: np.ndarray
    term: np.ndarray

    def apply(self, stored: np.ndarray) -> np.ndarray:
        """Reflectance (10, ...) float32 of stored values."""
        shape = (-1, *[1] * (stored.ndim - 1))
        out = stored.astype(np.float32)
        out *= self.scale.astype(np.float32).reshape(shape)
        if self.term.any():
            out += self.term.astype(np.float32).reshape(shape)
        return out

    def darkest(self, values: np.ndarray) -> float:
        """First percentile of the darkest band of stored values (10, n), as reflectance."""
        return float((np.percentile(values, 1, axis=1) * self.scale + self.term).min())


@dataclass(frozen=True)
class ScalingTold:
    """How scale and offset were known: clauses, cautions and plain values for a `Reading`."""

    said: tuple[str, ...]
    cautions: tuple[str, ...]
    facts: dict[str, Any]


def find_scaling(
    path: str | Path,
    raw: xr.DataArray,
    index: list[int],
    values: np.ndarray,
    *,
    scale: float | None,
    offset: float | None,
    tags: Mapping[str, str],
    product: ProductName | None,
) -> tuple[Scaling, ScalingTold]:
    """Scale and offset of each of the ten bands.

    Parameters
    ----------
    path : path
        The file, for messages and the product's name.
    raw : DataArray
        From `lczlib.rasters.open_raster`: what each band says of itself.
    index : list of int
        Position of each of the ten bands.
    values : array (10, n)
        Stored values of valid pixels.
    scale, offset : float, optional
        What the caller says: reflectance per unit, and DN to add.
    tags : mapping
        The file's metadata, keys in lower case.
    product : ProductName, optional
        What the product's name says.

    Raises
    ------
    InputError
        If the unit is neither reflectance nor DN, or an offset of DN is given for reflectance.
    """
    own = np.array([raw.attrs["scales"][i] for i in index])
    shift = np.array([raw.attrs["offsets"][i] for i in index])
    if scale is None and raw.dtype.kind == "f" and _kept_tags(own, shift, values):
        by = "by its values (the file's own is not applied to what is reflectance already)"
        factor, shift = np.ones(len(own)), np.zeros(len(own))
    else:
        factor, by = _scale(path, own, values, scale, raw.dtype)
    is_dn = factor.max() < _DN
    stated = _own_term(own, shift, factor)
    cautions: list[str] = []
    if offset is not None:
        if abs(offset * factor).max() > _LARGEST_TERM:
            msg = (
                f"An offset of {offset:g} is one of DN, but {path} holds reflectance (one unit is "
                f"worth {factor[0]:g}): leave it out, give it in that unit (-0.1 for -1000), or set the "
                "scale as well (--scale 0.0001)."
            )
            raise InputError(msg)
        found, offset_by = Scaling(factor, offset * factor), "as given"
    elif stated.any():
        found, offset_by = Scaling(factor, stated), "by the file"
    else:
        # reflectance has been made from DN by somebody who read the same metadata
        signal = stated_offset(path, tags, product) if is_dn else Offset(0.0)
        found, offset_by, cautions = _by_signal(path, factor, values, signal)
    if found.term.any() and found.darkest(values) < _DARKER_THAN_BLACK:
        cautions.append(
            f"{path} has dark pixels below zero after its offset, {offset_by}: it seems to have been "
            "removed twice; set none (--offset 0)."
        )
    same = len(set(factor)) == 1
    dn = found.term[0] / factor[0]
    if not found.term.any():
        told = f"no offset, {offset_by}" if offset_by else "no offset stated"
    else:
        told = f"offset {dn:g} removed, {offset_by}" if is_dn else f"offset {dn:g}, {offset_by}"
    facts = {
        "scale": float(factor[0]) if same else factor.tolist(), "scale_by": by, "offset": float(dn),
        "offset_by": offset_by,
    }  # fmt: skip
    scale_said = f"scale {factor[0]:g}, {by}" if same else f"a scale for each band, {by}"
    return found, ScalingTold((scale_said, told), tuple(cautions), facts)


def _kept_tags(own: np.ndarray, shift: np.ndarray, values: np.ndarray) -> bool:
    """Whether values are reflectance already although the file's tags are those of digital numbers.

    Tools that apply a scale often leave its tag; no digital numbers of a scene stay below 3.
    """
    tagged = (own < _DN) | (np.abs(shift) > _OF_DN)
    return bool(tagged.any() and np.percentile(values[tagged], 98) <= 3)


def _own_term(own: np.ndarray, shift: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """The file's offset of each band as reflectance; none where it belongs to another scale.

    By GDAL's rule value = stored x scale + offset; but an offset of -1000 is one of stored values.
    """
    of_stored = np.where((own == 1) | (np.abs(shift) > _OF_DN), shift * factor, shift)
    return np.where((own == 1) | np.isclose(own, factor), of_stored, 0.0)


def _by_signal(
    path: str | Path, factor: np.ndarray, values: np.ndarray, signal: Offset
) -> tuple[Scaling, str, list[str]]:
    """The offset that metadata or name speak of, unless dark pixels show that it is gone."""
    found = Scaling(factor, signal.value * factor)
    if signal.value and found.darkest(values) < _DARKER_THAN_BLACK:
        caution = (
            f"{path} should carry an offset of {signal.value:g} {signal.by}, but its dark pixels lie "
            "below that: it is taken as removed already (harmonised). If it is not, set it (--offset "
            f"{signal.value:g})."
        )
        return Scaling(factor, np.zeros(len(factor))), "by its dark pixels", [caution]
    if signal.conflict:
        caution = f"{path}: {signal.conflict}. The first is taken; set it (--offset)."
        return found, signal.by, [caution]
    return found, signal.by, []


def _scale(
    path: str | Path, own: np.ndarray, values: np.ndarray, asked: float | None, dtype: np.dtype
) -> tuple[np.ndarray, str]:
    """Reflectance per stored unit of each band, and by what."""
    if asked is not None:
        return np.full(len(own), asked), "as given"
    stated = own != 1
    if stated.all():
        return own, "by the file"
    out = own.copy()
    out[~stated] = _by_values(path, values[~stated], dtype)
    return (
        out,
        "by the file and, where it says none, by its values" if stated.any() else "by its values",
    )


def likely_unit(dtype: np.dtype | str) -> float:
    """Reflectance of one unit where values are neither DN nor reflectance: a byte's, or per cent."""
    return 1 / 255 if np.dtype(dtype) == np.uint8 else 0.01


def _by_values(path: str | Path, values: np.ndarray, dtype: np.dtype) -> float:
    """1e-4 for DN, 1 for reflectance; refuse what is neither."""
    high = float(np.percentile(values, 98))
    if high > 150:
        return QUANTIFICATION
    if high <= 3:
        return 1.0
    units = {0.01: "for per cent", 1 / 255: "for 0 to 1 stored as 0 to 255"}
    first = likely_unit(dtype)
    told = ", ".join(f"{u:.6g} {units[u]}" for u in sorted(units, key=lambda u: u != first))
    msg = (
        f"{path} has values up to about {high:.3g}, which is neither reflectance (0-1) nor DN "
        f"(0-10,000): say what one unit is worth with scale= (--scale {told})."
    )
    raise InputError(msg)
