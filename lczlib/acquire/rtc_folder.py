"""Where passes of terrain-corrected Sentinel-1 (RTC) lie in a place's folder, and what their files say."""

from __future__ import annotations

from collections.abc import Mapping
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


def pass_tags(one: RtcPass, counts: Mapping[str, int], service: str) -> dict[str, str]:
    """What the raster of a pass says of itself.

    Parameters
    ----------
    one : RtcPass
        The pass.
    counts : mapping
        As of `lczlib.acquire.rtc_pixels.write_pass`.
    service : str
        Where it is from.
    """
    from lczlib.acquire.rtc_pixels import FLOOR

    track = one.relative_orbit or "unknown"
    times = [s.time for s in one.scenes]
    return {
        "radiometry": "gamma nought, dB", "units": "dB", "terrain_flattening": "yes",
        "orbit_direction": one.direction, "relative_orbit": str(track),
        "pass": f"{one.date}, {one.direction}, relative orbit {track}",
        "time": "/".join(f"{t:%Y-%m-%dT%H:%M:%SZ}" for t in dict.fromkeys((times[0], times[-1]))),
        "floor": f"{FLOOR:g}", "covered_share": f"{counts['valid'] / counts['pixels']:.4f}", "service": service,
        "scenes": " ".join(s.id for s in one.scenes),
    }  # fmt: skip
