"""A pass of terrain-corrected Sentinel-1 (RTC) as one raster: its slices laid together, in dB.

Linear gamma nought becomes dB here and nowhere else. A pixel is missing where either band holds the fill,
0 (services fill fringes and cut-off scenes with it, without declaring it) or less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from lczlib.acquire.ahead import TILE, Reader, read_tiles
from lczlib.acquire.grids import inside, tiles_of
from lczlib.acquire.rtc import RtcPass
from lczlib.acquire.rtc_folder import BANDS
from lczlib.acquire.search import in_order
from lczlib.errors import InputError
from lczlib.longitudes import Box
from lczlib.sentinel1.recipes import RECIPES

FILL = -32768
"""Of the services' files; also where a file does not reach."""
FLOOR = RECIPES["water"].floor
"""Linear, to which lower powers are raised: below the noise is not no data."""
_DECIBELS = 0.5  # share of negative values from which on a file holds no powers


def decibels(power: np.ndarray) -> tuple[np.ndarray, Counter[str]]:
    """Backscatter in dB of linear powers, and how many pixels became what.

    Parameters
    ----------
    power : array (2, y, x)
        VV and VH as stored.

    Returns
    -------
    array (2, y, x) float32
        dB, NaN in both bands where either is missing.
    Counter
        Pixels: ``valid``; ``fill`` (the fill or NaN in either band), ``zero`` (else 0), ``negative`` (else
        below 0); and ``raised``, those of the valid ones below `FLOOR`.

    Examples
    --------
    >>> values, counts = decibels(np.float32([[[0.1, 0.0, -32768.0]], [[0.01, 0.01, -32768.0]]]))
    >>> values.round(3).tolist(), counts["valid"], counts["zero"], counts["fill"]
    ([[[-10.0, nan, nan]], [[-20.0, nan, nan]]], 1, 1, 1)
    """
    fill = (~np.isfinite(power) | (power == FILL)).any(0)
    negative = ~fill & (power < 0).any(0)
    zero = ~fill & ~negative & (power == 0).any(0)
    valid = ~(fill | negative | zero)
    raised = valid & (power < FLOOR).any(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = 10 * np.log10(np.maximum(power, np.float32(FLOOR)))
    counts = {"valid": valid, "fill": fill, "zero": zero, "negative": negative, "raised": raised}
    return (
        np.where(valid, values, np.float32(np.nan)).astype(np.float32),
        Counter({k: int(v.sum()) for k, v in counts.items()}),
    )


def laid_together(slices: Sequence[np.ndarray]) -> np.ndarray:
    """The slices of a pass ``(2, y, x)`` as one: of each pixel the first with powers in both bands.

    Where none has them the last one's values stay, fills last, so that what is missing can be told.
    """
    out = slices[0].copy()
    for other in slices[1:]:
        better = _worth(other) > _worth(out)
        out[:, better] = other[:, better]
    return out


def _worth(power: np.ndarray) -> np.ndarray:
    """2 of powers in both bands, 1 of other values, 0 of fills."""
    known = (np.isfinite(power) & (power != FILL)).all(0)
    return known.astype(np.uint8) + (known & (power > 0).all(0))


def write_pass(
    one: RtcPass,
    grid: GeoBox,
    corner: tuple[float, float],
    box: Box,
    reader: Reader,
    path: Path,
    progress: Callable[[int, int], None],
) -> Counter[str]:
    """Write a pass as a plain GeoTIFF of VV and VH in dB, tile by tile.

    Parameters
    ----------
    one : RtcPass
        Its scenes.
    grid : GeoBox
        Of the place.
    corner : tuple of float
        Upper-left corner of a scene, where its blocks begin.
    box : tuple of float
        West, south, east, north in degrees: counts are of the pixels in it.
    reader : Reader
        By which its files are read.
    path : Path
        Target, in a folder that is there.
    progress : callable
        Called with how many tiles are done, and how many there are; it may raise to stop.

    Returns
    -------
    Counter
        As of `decibels`, and ``pixels``, all in the box.

    Raises
    ------
    AssetFailed
        If one of its files cannot be read.
    ServiceError
        If the service fails.
    InputError
        If no pixel of the box is valid, or its values are no powers.
    """
    tiles = tiles_of(grid, TILE, corner)
    profile = {
        "driver": "GTiff", "count": len(BANDS), "height": grid.shape[0], "width": grid.shape[1],
        "dtype": "float32", "crs": grid.crs.to_wkt(), "transform": grid.affine, "nodata": np.nan, "tiled": True,
        "blockxsize": 256, "blockysize": 256, "bigtiff": "if_safer",
    }  # fmt: skip
    counts: Counter[str] = Counter()
    with rasterio.open(path, "w", **profile) as target:
        for done, (tile, slices) in enumerate(
            read_tiles(in_order(one.scenes, grid), dict.fromkeys(BANDS, FILL), grid, tiles, reader)
        ):
            progress(done, len(tiles))
            power = laid_together([np.stack(bands) for bands in slices])
            values, _ = decibels(power)
            within = inside(box, grid[tile])
            _, found = decibels(power[:, within][:, None])
            counts.update(found)
            counts["pixels"] += int(within.sum())
            rows, cols = tile
            window = Window(cols.start, rows.start, values.shape[2], values.shape[1])
            target.write(values, window=window)
    progress(len(tiles), len(tiles))
    there = counts["valid"] + counts["negative"]
    if counts["negative"] > _DECIBELS * there:
        msg = "its values are negative, as dB are, and not the linear powers that they are stated to be"
        raise InputError(msg)
    if not counts["valid"]:
        msg = "it holds no pixel of the box: all are no data or 0"
        raise InputError(msg)
    return counts


def pass_tags(
    one: RtcPass, counts: Mapping[str, int], metres: float, service: str
) -> dict[str, str]:
    """What the raster of a pass says of itself.

    Parameters
    ----------
    one : RtcPass
        The pass.
    counts : mapping
        As of `write_pass`.
    metres : float
        Side of its scenes' own pixels.
    service : str
        Where it is from.
    """
    track = one.relative_orbit or "unknown"
    times = [s.time for s in one.scenes]
    return {
        "radiometry": "gamma nought, dB", "units": "dB", "terrain_flattening": "yes",
        "orbit_direction": one.direction, "relative_orbit": str(track),
        "pass": f"{one.date}, {one.direction}, relative orbit {track}",
        "time": "/".join(f"{t:%Y-%m-%dT%H:%M:%SZ}" for t in dict.fromkeys((times[0], times[-1]))),
        "floor": f"{FLOOR:g}", "covered_share": f"{counts['valid'] / counts['pixels']:.4f}", "service": service,
        "source_pixel_metres": f"{metres:g}",
        "scenes": " ".join(s.id for s in one.scenes),
    }  # fmt: skip
