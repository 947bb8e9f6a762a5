"""Sentinel-2 rasters whose door refuses them: what else is wrong is looked for before that is said.

A raster of unnamed bands or of unknown units is refused as it is opened, one thing at a time. Here it
is opened as if that were mended, so that one message has all that is to be mended. It is not mapped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import rasterio
import xarray as xr
from rasterio.errors import RasterioError

from lczlib.errors import InputError
from lczlib.reading import quiet
from lczlib.scene_options import SceneOptions
from lczlib.scenes.bands import KNOWN_ORDERS
from lczlib.scenes.scaling import likely_unit
from lczlib.scenes.sentinel2 import open_sentinel2
from lczlib.terms import option

DOUBTS = "doubts"
"""Attribute of such a scene: for each reason why its door refused it the options that would mend it (as
far as can be told), and the reason."""


def open_doubtful(path: str | Path, options: SceneOptions) -> xr.Dataset:
    """Open a Sentinel-2 raster; one that is refused for its bands or units, with the reason beside.

    Parameters
    ----------
    path : path
        The raster.
    options : SceneOptions
        How it is to be read.

    Returns
    -------
    Dataset
        With the attribute `DOUBTS` where it was opened as if something were mended: `prepare` refuses
        it, with all else that looks wrong.

    Raises
    ------
    InputError, GridError
        Where it cannot be opened so either.
    """
    try:
        return _opened(path, options)
    except InputError as err:
        refusal = err
    doubts: dict[str, str] = {}  # the option that would mend it: what the door said
    said = refusal.message
    for mended in _mended(path, options):
        try:
            with quiet():  # nobody asked for what is tried here
                scene = _opened(path, replace(options, **mended))
        except InputError as err:
            if len(mended) == 1 and err.message != said:  # one thing is mended, and another is not
                doubts, said = {_option(mended): said}, err.message
            continue
        left = {k: v for k, v in mended.items() if _option({k: v}) not in doubts}
        return scene.assign_attrs({DOUBTS: tuple((doubts | {_option(left): said}).items())})
    raise refusal


def _opened(path: str | Path, options: SceneOptions) -> xr.Dataset:
    return open_sentinel2(path, **options.stored(), keep_clouds=options.keep_clouds)


def _mended(path: str | Path, options: SceneOptions) -> Iterator[dict[str, Any]]:
    """Options that may take away a reason to refuse, alone and together."""
    unnamed, dtype = _stored(path)
    bands = KNOWN_ORDERS.get(unnamed) if not options.bands else None
    order = {"bands": bands} if bands else {}
    scale = {"scale": likely_unit(dtype)} if options.scale is None else {}
    for mended in (order, scale, order | scale):
        if mended:
            yield mended


def _option(mended: Mapping[str, Any]) -> str:
    """The settings that say so."""
    words = ((n, ",".join(v) if n == "bands" else f"{v:.6g}") for n, v in mended.items())
    return " ".join(option(name, value) for name, value in words)


def _stored(path: str | Path) -> tuple[int, str]:
    """Number of bands of a raster that names none of them, 0 of another; and its type."""
    try:
        with rasterio.open(path) as src:
            return 0 if any(src.descriptions) else src.count, src.dtypes[0]
    except (RasterioError, IndexError):
        return 0, "float32"
