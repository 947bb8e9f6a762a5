"""Where passes of terrain-corrected Sentinel-1 (RTC) lie in a place's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lczlib.acquire.places import Place
    from lczlib.acquire.rtc import RtcPass

BANDS = ("VV", "VH")


def rtc_folder(place: Place) -> Path:
    """Of the passes, below the folder of the place."""
    from lczlib.scenes.so2sat import RADAR_PASSES

    return Path(RADAR_PASSES) / place.folder_name


def pass_file(place: Place, one: RtcPass) -> Path:
    """The raster of a pass: ``Sentinel-1-rtc/<city>/<direction>/rtc_<day>_<satellite>_<track>.tif``."""
    return rtc_folder(place) / one.direction / f"{one.name}.tif"
