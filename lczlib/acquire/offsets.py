"""The offset of -1000 that Sentinel-2 carries since baseline 04.00: in the pixels of a scene, or not.

Items say so by a flag, by the offset of their bands, or by their baseline alone, and some say what is
not so (Element84/earth-search issues 66 and 71). Their pixels are therefore looked at: no reflectance is
far below zero, and no place is free of dark pixels in all bands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lczlib.acquire.scene import Scene
from lczlib.scenes.baseline import BASELINE_OFFSET, offset_of

LOOKED_AT = ("B02", "B04", "B12")
"""Bands whose dark pixels are looked at: shadow is dark in blue, plants in red, water in the infrared."""
_FEWEST = 200
"""Clear pixels that it takes to judge a scene."""
_BELOW_BLACK = -300.0  # DN of the darkest hundredth that no true reflectance has
_DARK = 1000.0  # the darkest pixels of a place with all bands above this are dark by no account
_APART = 700.0  # DN that the scenes of one place differ by only through an offset


@dataclass(frozen=True)
class FoundOffset:
    """What is to be added to a scene's stored values, and why.

    Attributes
    ----------
    value : float
        -1000 or 0.
    why : str
        As a clause.
    doubt : str
        Why the scene cannot be used, as a clause; empty where it can.
    """

    value: float
    why: str
    doubt: str = ""


def stated(scene: Scene) -> FoundOffset | None:
    """What the item says; None where it says nothing."""
    if scene.properties.get("earthsearch:boa_offset_applied") is True:
        return FoundOffset(0.0, "removed already, by its flag earthsearch:boa_offset_applied")
    by_bands = {_of_asset(a) for n, a in (scene.assets or {}).items() if n in LOOKED_AT}
    if len(by_bands) == 1 and (found := by_bands.pop()) is not None:
        return FoundOffset(found, f"by the offset of its bands ({found:g} DN)")
    if scene.baseline is not None:
        return FoundOffset(offset_of(scene.baseline), f"by its baseline {scene.baseline:05.2f}")
    return None


def _of_asset(asset: Mapping[str, object]) -> float | None:
    """The offset in DN that an asset's metadata state: of the raster extension, old or new."""
    bands = asset.get("raster:bands") or asset.get("bands") or [{}]
    for told in (bands[0], asset):
        offset = told.get("offset", told.get("raster:offset"))
        scale = told.get("scale", told.get("raster:scale"))
        if isinstance(offset, (int, float)) and isinstance(scale, (int, float)) and scale:
            return float(round(offset / scale))
    return None


def settled(scene: Scene, dark: Mapping[str, np.ndarray]) -> FoundOffset:
    """The offset by what the item says and by its pixels.

    Parameters
    ----------
    scene : Scene
        What it says of itself.
    dark : mapping
        Stored values of the clear pixels of each band of `LOOKED_AT`.
    """
    said = stated(scene)
    n = min((v.size for v in dark.values()), default=0)
    if n < _FEWEST:
        if said is None:
            return FoundOffset(
                0.0, "", "it states neither baseline nor offset, and has few clear pixels"
            )
        return FoundOffset(said.value, f"{said.why}; too few clear pixels to check it")
    darkest = min(float(np.percentile(v, 1)) for v in dark.values())
    least = min(float(np.percentile(v, 0.1)) for v in dark.values())
    if said is None:
        return _by_pixels(darkest, least)
    if said.value and darkest + BASELINE_OFFSET < _BELOW_BLACK:
        return FoundOffset(
            0.0,
            f"removed already, by its dark pixels (DN {darkest:.0f}), although it says -1000 {said.why}",
        )
    if not said.value and (scene.baseline or 0) >= 4 and least > _DARK:
        doubt = (
            f"it says that no offset is left ({said.why}), but no pixel of it is dark (the darkest hold "
            f"DN {least:.0f}), as if the offset were still in"
        )
        return FoundOffset(0.0, said.why, doubt)
    return FoundOffset(said.value, f"{said.why}; its dark pixels agree (DN {darkest:.0f})")


def _by_pixels(darkest: float, least: float) -> FoundOffset:
    if least > _DARK:
        return FoundOffset(
            BASELINE_OFFSET, f"by its dark pixels (DN {darkest:.0f}); nothing states it"
        )
    if darkest + BASELINE_OFFSET < _BELOW_BLACK:
        return FoundOffset(0.0, f"none, by its dark pixels (DN {darkest:.0f}); nothing states it")
    doubt = (
        f"it states neither baseline nor offset, and its dark pixels (DN {darkest:.0f}) do not tell"
    )
    return FoundOffset(0.0, "", doubt)


def disagreeing(levels: Sequence[Mapping[str, float]]) -> list[int]:
    """Scenes that lie an offset away from the others of their place in every band.

    Parameters
    ----------
    levels : sequence of mapping
        Of each scene, the median reflectance (DN without offset) of each band of `LOOKED_AT`.

    Returns
    -------
    list of int
        Their positions; empty of less than four scenes, which do not tell who is right.
    """
    if len(levels) < 4:
        return []
    values = np.array([[level[b] for b in LOOKED_AT] for level in levels])
    apart = values - np.median(values, axis=0)
    alike = np.abs(apart - apart.mean(axis=1, keepdims=True)).max(axis=1) < 0.3 * _APART
    return [int(i) for i in np.flatnonzero((np.abs(apart) > _APART).all(axis=1) & alike)]
