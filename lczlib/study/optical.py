"""Own Sentinel-2 rasters: opened, or refused with all that is to be mended."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from lczlib.mapping.doubtful import DOUBTS, open_doubtful
from lczlib.mapping.guard import check_distribution
from lczlib.mapping.sources import default_weights
from lczlib.models import published_weights


def open_optical(path: Path, options: Mapping[str, Any] | None = None) -> xr.Dataset:
    """Open a Sentinel-2 raster.

    Parameters
    ----------
    path : path
        The raster.
    options : mapping, optional
        Of `lczlib.scenes.open_sentinel2`.

    Raises
    ------
    InputError, GridError
        If it cannot be opened. Where its bands or units are unknown, the message has all that is to be
        said of its values, as seen by the default network, so that it is mended at once.
    """
    scene = open_doubtful(path, options or {})
    if DOUBTS in scene.attrs:
        weights = published_weights(default_weights(scene)["s2"])
        check_distribution(scene[list(weights.bands)], weights, f"scene {path.stem}")
    return scene
