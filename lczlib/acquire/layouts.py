"""How services name the files of a scene's bands."""

from __future__ import annotations

from collections.abc import Mapping

from lczlib.scenes.bands import BANDS

SCL = "SCL"
"""The scene classification, as layouts name it beside the ten bands."""
_TWENTY = ("B05", "B06", "B07", "B8A", "B11", "B12", SCL)
_COMMON = (
    "blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08", "swir16", "swir22",
)  # fmt: skip

LAYOUTS: Mapping[str, Mapping[str, str]] = {
    "as ESA names them": {b: b for b in (*BANDS, SCL)},
    "common names": dict(zip((*BANDS, SCL), (*_COMMON, "scl"), strict=True)),
    "with resolution": {b: f"{b}_{'20m' if b in _TWENTY else '10m'}" for b in (*BANDS, SCL)},
}
"""Keys of an item's assets by band: ``B02``, ``blue``, ``B02_10m``."""


def bands_of(keys: Mapping[str, object]) -> dict[str, str] | None:
    """The asset keys of the ten bands alone, as products without a classification have them."""
    for layout in LAYOUTS.values():
        found = {band: layout[band] for band in BANDS}
        if all(key in keys for key in found.values()):
            return found
    return None


def layout_of(keys: Mapping[str, object]) -> Mapping[str, str] | None:
    """The asset keys of the ten bands and the scene classification among an item's; None if they lack."""
    for layout in LAYOUTS.values():
        if all(key in keys for key in layout.values()):
            return layout
    return None
