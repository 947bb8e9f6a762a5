"""The mean and spread of a scene's bands, for networks that normalise each scene by its own.

They are of a stated area: So2Sat's rectangle of the city, as its authors cut their mosaics, or all of
the scene that was opened. A box, a tile and a rerun use the same ones, so that a part of a map is the
same map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from lczlib.catalog.cities import so2sat_rectangle
from lczlib.errors import CatalogError, GridError, InputError
from lczlib.grid import geobox_of
from lczlib.reading import share
from lczlib.scenes.crop import window_of

WHOLE = "the whole scene"
_MOST = 0.9
"""Share of a city's rectangle below which a scene is a part of it, with statistics of its own."""


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of each band, and of where.

    Attributes
    ----------
    area : str
        In words.
    bounds : tuple of float
        Left, bottom, right, top in the scene's CRS.
    bands : tuple of str
    mean, std : tuple of float
        One a band.
    cautions : tuple of str
        What a user should know of the area.
    """

    area: str
    bounds: tuple[float, ...]
    bands: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    cautions: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Statistics:
        """What a manifest holds."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def scene_statistics(bands: xr.Dataset, what: str) -> Statistics:
    """Statistics of a scene's bands: of its city's So2Sat rectangle, else of all of it.

    Parameters
    ----------
    bands : Dataset
        What the network reads, not cut to a part; with the attribute ``city`` where it is of a
        So2Sat folder.
    what : str
        The scene in words.

    Raises
    ------
    InputError
        If a band has one value everywhere.
    """
    area, window, cautions = _area(bands, what)
    part = bands.isel(window)
    mean, std = _moments(part)
    box = geobox_of(part, what).boundingbox
    return Statistics(
        area, tuple(float(v) for v in box), tuple(map(str, bands.data_vars)),
        tuple(mean.tolist()), tuple(std.tolist()), cautions,
    )  # fmt: skip


def _area(bands: xr.Dataset, what: str) -> tuple[str, dict[str, slice], tuple[str, ...]]:
    """The area in words, its pixels, and what to say of it."""
    city = str(bands.attrs.get("city", ""))
    try:
        rectangle = so2sat_rectangle(city)
    except CatalogError as err:
        told = (
            f"The {what} is normalised by all of it, since the list of So2Sat's rectangles is not at "
            f"hand: {err}"
        )
        return WHOLE, {}, (told,)
    if rectangle is None:
        return WHOLE, {}, ()
    try:
        window = window_of(bands, rectangle)
    except GridError:
        told = (
            f"The {what} lies outside the So2Sat rectangle of {city}, and is normalised by all of it: "
            "check the name of the city."
        )
        return WHOLE, {}, (told,)
    area, covered = f"the So2Sat rectangle of {city}", _covered(bands, rectangle, window)
    if covered >= _MOST:
        return area, window, ()
    told = (
        f"The {what} covers {share(covered, 1)} of {area} only, by which it is normalised: its "
        "labels may differ from those of the whole; map the whole with --box."
    )
    return f"{area}, as far as it goes", window, (told,)


def _covered(bands: xr.Dataset, rectangle: tuple[float, ...], window: Mapping[str, slice]) -> float:
    """The share of a rectangle that a scene covers."""
    whole = window_of(bands, rectangle, clip=False)
    shares = (
        (window[a].stop - window[a].start) / (whole[a].stop - whole[a].start) for a in ("y", "x")
    )
    return float(np.prod([*shares]))


def _moments(bands: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the valid values of each band."""
    # A coherence of exactly zero is a dropout, not a measurement (So2Sat leaves it out as well).
    floor = np.array([1e-10 if "COH" in b else -np.inf for b in bands.data_vars], np.float32)
    stack = da.stack([da.asarray(b.data) for b in bands.data_vars.values()]).rechunk({0: -1})
    blocks = stack.map_blocks(
        _sums,
        floor,
        dtype=np.float64,
        chunks=((3 * len(floor),), *[(1,) * n for n in stack.numblocks[1:]]),
    )
    n, total, squares = blocks.sum((1, 2)).compute().reshape(3, -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / n
        std = np.sqrt(np.maximum(squares / n - mean**2, 0))
    flat = [str(b) for b, s in zip(bands.data_vars, std, strict=True) if not s > 1e-9]
    if flat:
        msg = f"Band(s) {', '.join(flat)} have the same value everywhere: there is nothing to map."
        raise InputError(msg)
    return mean, std


def _sums(block: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Number, sum and sum of squares of the used values of each band of a block (band, y, x)."""
    used = np.isfinite(block) & (block > floor[:, None, None])
    values = np.where(used, block, 0).astype(np.float64)
    parts = used.sum((1, 2)), values.sum((1, 2)), (values**2).sum((1, 2))
    return np.concatenate(parts)[:, None, None]
