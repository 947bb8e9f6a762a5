"""Own Sentinel-2 rasters: opened, or refused with all that is to be mended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lczlib.mapping.guard import check_distribution
from lczlib.mapping.sources import default_weights
from lczlib.models import published_weights
from lczlib.scene_options import SceneOptions
from lczlib.scenes import City, open_scenes
from lczlib.scenes.doubtful import DOUBTS


def open_optical(files: Sequence[str | Path], options: SceneOptions) -> City:
    """Open what a visitor gives as scenes.

    Raises
    ------
    InputError, GridError
        If they cannot be opened. Where bands or units are unknown, the message has all that is to be
        said of the values, as seen by the default network, so that it is mended at once.
    """
    city = open_scenes(files, options, doubtful=True)
    for name, scene in city.seasons.items():
        if DOUBTS in scene.attrs:
            weights = published_weights(default_weights(scene, in_folder=bool(city.name))["s2"])
            check_distribution(scene[list(weights.bands)], weights, f"scene {name}")
    return city
