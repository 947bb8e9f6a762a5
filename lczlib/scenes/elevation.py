"""Elevation rasters: metres, NaN where there is no height. The one door for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from lczlib.errors import InputError
from lczlib.reading import Reading, share, tell
from lczlib.scenes.layer import open_layer

LOWEST, HIGHEST = -500.0, 9000.0
"""Heights of land in m: the shore of the Dead Sea lies at -430, Everest at 8,849."""

_CELL_BYTES = 20
"""Memory that a pixel takes: masks, metres, and the copy on another grid."""

_METRES = (
    "",
    "m",
    "metre",
    "metres",
    "meter",
    "meters",
    "metre above sea level",
    "m a.s.l.",
    "masl",
)
_FEET = ("ft", "foot", "feet", "us survey foot", "us-ft", "ftus")
_FOOT = 0.3048
_BANDS = frozenset(
    {"elevation", "dem", "dsm", "dtm", "height", "hgt_m", "hgt", "altitude", "z", "data"}
)


def is_elevation_name(name: str) -> bool:
    """Whether a band is called as those of heights are; ``data`` says nothing."""
    return name.strip().casefold() in _BANDS - {"data"}


def open_elevation(path: str | Path) -> xr.DataArray:
    """Open an elevation raster.

    Parameters
    ----------
    path : path
        GeoTIFF or NetCDF, in metres, or in feet where the file says so. Of several bands the one of a
        usual name counts, else the first.

    Returns
    -------
    DataArray (y, x)
        float32, m; NaN where the file has no data or a height that no land has.

    Raises
    ------
    InputError
        If it is in another unit, or most of its heights are none.
    """
    layer = open_layer(path, "elevation raster", usual=_BANDS, first=True, cell_bytes=_CELL_BYTES)
    stored = layer.stored.values
    missing = layer.missing()
    unit = layer.unit.casefold()
    if unit not in _METRES + _FEET and not missing.all():
        msg = f"The elevation raster {path} is in {layer.unit!r}: give one in metres."
        raise InputError(msg)
    feet = unit in _FEET
    with np.errstate(over="ignore", invalid="ignore"):
        metres = stored.astype(np.float32) * np.float32(layer.scale) + np.float32(layer.offset)
        metres *= np.float32(_FOOT if feet else 1.0)
        off = ~missing & ~((metres >= LOWEST) & (metres <= HIGHEST))
    known = int((~missing).sum())
    wrong = int(off.sum())
    if wrong > known / 2:
        low, high = np.nanmin(metres[~missing]), np.nanmax(metres[~missing])
        msg = (
            f"The elevation raster {path} holds heights from {low:g} to {high:g} m, {share(wrong, known)} of "
            f"them outside {LOWEST:g} to {HIGHEST:g} m: give one in metres, with its no-data value declared "
            "(`gdal_edit.py -a_nodata VALUE FILE`)."
        )
        raise InputError(msg)
    cautions = []
    if wrong:
        values, counts = np.unique(stored[off], return_counts=True)
        most = values[counts.argmax()]
        cautions.append(
            f"{Path(path).name}: {wrong:,} pixels hold heights that no land has, such as {most:g}: taken for no "
            "data that the file does not declare."
        )
    metres[missing | off] = np.nan
    left = metres[np.isfinite(metres)]
    said = [layer.called] if layer.called else []
    said.append("feet, brought to metres" if feet else "metres" if unit else "metres, not stated")
    said += [f"{left.size:,} of {stored.size:,} pixels valid", f"{int(missing.sum()):,} no data"]
    said.append(f"{wrong:,} implausible")
    if left.size:
        said.append(f"{left.min():.0f} to {left.max():.0f} m")
    facts = {
        "unit": "m", "unit_stated": layer.unit or None, "lowest": LOWEST, "highest": HIGHEST,
        "pixels": {
            "total": stored.size, "no_data": int(missing.sum()), "implausible": wrong, "valid": left.size,
        },
    }  # fmt: skip
    tell(Reading("elevation raster", str(path), tuple(said), tuple(cautions), facts))
    out = layer.stored.copy(data=metres).rename("elevation")
    out.attrs, out.encoding = {"units": "m", "source": str(path)}, {}
    return out
