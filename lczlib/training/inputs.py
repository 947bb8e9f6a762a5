"""From files to patch sets: what ``lcz train`` and ``lcz evaluate`` are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import xarray as xr

from lczlib.errors import Cancelled, InputError
from lczlib.grid import geobox_of
from lczlib.mapping.prepare import Prepared, prepare
from lczlib.models.weights import SENTINEL1_FEATURES, SENTINEL2_BANDS, Weights
from lczlib.scene_options import SceneOptions
from lczlib.scenes import City, open_scenes, sentinel1_channels
from lczlib.scenes.combinations import check_channels, name_of
from lczlib.scenes.landsat import alike
from lczlib.scenes.raster import without_fringe
from lczlib.scenes.sources import at_level
from lczlib.terms import option
from lczlib.training.joining import join_patches
from lczlib.training.patches import (
    FISHNET,
    ScenePatches,
    patches_at,
    scene_patches,
)

BANDS = {
    "s1": SENTINEL1_FEATURES,
    "s2": SENTINEL2_BANDS,
    "both": (*SENTINEL1_FEATURES, *SENTINEL2_BANDS),
}
"""What a network reads of a sensor unless told otherwise."""

_DEFAULTS = SceneOptions()
_DESIGN_PIXEL = 10.0  # metres; the pixels that the registry's patch sizes are of


@dataclass(frozen=True)
class SceneFiles:
    """Scenes as a user names them.

    Attributes
    ----------
    inputs : tuple of str
        What `lczlib.scenes.open_scenes` opens: a So2Sat folder, or rasters, of one city at several
        dates, or of several.
    sensor : str
        ``s2``; ``s1`` or ``both``; any other name (``landsat``) is a raster that names its bands.
    bands : tuple of str
        Bands to read; by default those of `BANDS`, or all bands of a raster. The channels of a
        combination (`lczlib.scenes.COMBINATIONS`) are computed.
    fringe : int
        Pixels beside no data to leave out.
    options : SceneOptions
        How the scenes are read.
    sentinel1 : tuple of str
        Sentinel-1 rasters beside those of Sentinel-2, or alone.
    level : str, optional
        Processing level that a trained network reads; empty: as they are; None: what a new network had best
        read, which is reflectance of Landsat's numbers (`lczlib.scenes.landsat`) and else as they are.
    normaliser : Weights, optional
        A trained network that normalises each scene by its own statistics: its patches are cut normalised.
    """

    inputs: tuple[str, ...]
    sensor: str = "s2"
    bands: tuple[str, ...] = ()
    fringe: int = 0
    options: SceneOptions = _DEFAULTS
    sentinel1: tuple[str, ...] = ()
    level: str | None = ""
    normaliser: Weights | None = None

    def read_by(self, weights: Weights) -> SceneFiles:
        """The same scenes as a trained network reads them."""
        return replace(
            self, sensor=weights.sensor, bands=weights.bands, level=weights.level,
            normaliser=weights if weights.normalisation == "scene" else None,
        )  # fmt: skip

    def open(self) -> dict[str, xr.Dataset]:
        """The scenes by name, each with all the bands of its sensor; ``attrs["city"]`` names the place.

        Raises
        ------
        InputError, GridError
            If files are missing, do not fit the sensor, or have no CRS.
        """
        city = self._city().cut()
        if name_of(self.bands):
            radar = () if city.sentinel1 is None else sentinel1_channels(city.sentinel1).data_vars
            optical = BANDS["s2"] if city.seasons else ()
            check_channels(self.bands, (*radar, *optical), f"{self._named()} {city.name}".strip())
        scenes = self._wanted(city)
        if self.bands and self.sensor not in BANDS:
            scenes = {n: self._chosen(n, s) for n, s in scenes.items()}
        if self.fringe:
            scenes = {n: without_fringe(s, self.fringe) for n, s in scenes.items()}
        return {n: s.assign_attrs(city=city.name or n) for n, s in scenes.items()}

    def _city(self) -> City:
        sensors = {"both": ("s1", "s2")}.get(self.sensor, (self.sensor,))
        return open_scenes(
            self.inputs, self.options, sentinel1=self.sentinel1, sensors=sensors, doubtful=True
        )

    def as_mapped(self, cancelled: Callable[[], bool] | None = None) -> dict[str, Prepared]:
        """Each whole scene as mapping prepares it for the `normaliser`; none without one.

        The statistics are of the whole scene, or of its city's So2Sat rectangle: neither a box nor a fringe
        changes them. What looks unlike the network's training data is told.

        Parameters
        ----------
        cancelled : callable, optional
            Asked before each scene is read.

        Raises
        ------
        InputError, GridError, WeightsError
            See `lczlib.mapping.prepare.prepare`.
        Cancelled
            If `cancelled` answers yes.
        """
        if self.normaliser is None:
            return {}
        city = self._city()
        found = {}
        for name, scene in self._wanted(city).items():
            stop_if(cancelled)
            found[name] = prepare(scene, self.normaliser, box=city.box)
        return found

    def _chosen(self, name: str, scene: xr.Dataset) -> xr.Dataset:
        missing = [b for b in self.bands if b not in scene]
        if missing:
            have = ", ".join(str(b) for b in scene.data_vars)
            msg = f"{name} has no band {', '.join(missing)}: it has {have} ({option('bands')})."
            raise InputError(msg)
        return scene[list(self.bands)]

    def _wanted(self, city: City) -> dict[str, xr.Dataset]:
        """The scenes of the sensor, by the city's name and their own."""
        if self.sensor in ("s1", "both") and city.sentinel1 is None:
            msg = (
                f"Sensor {self.sensor} needs Sentinel-1, which {self._named()} does not hold: give a "
                f"So2Sat folder that does, or rasters of it ({option('sentinel1')})."
            )
            raise InputError(msg)
        if self.sensor == "s1":
            return {f"{city.name} s1".strip(): city.sentinel1}
        seasons = city.both_sensors() if self.sensor == "both" else city.seasons
        if self.level is None:
            seasons = alike(dict(seasons))
        elif self.sensor != "both":
            seasons = {season: at_level(scene, self.level) for season, scene in seasons.items()}
        return {f"{city.name} {season}".strip(): scene for season, scene in seasons.items()}

    def _named(self) -> str:
        return next(iter((*self.inputs, *self.sentinel1)), "")

    def bands_of(self, scene: xr.Dataset) -> tuple[str, ...]:
        """The bands that a network shall read of a scene."""
        return self.bands or BANDS.get(self.sensor) or tuple(str(b) for b in scene.data_vars)


@dataclass(frozen=True)
class PatchSize:
    """How large the patches of a scene are: in pixels, in metres, or as wide as published.

    Attributes
    ----------
    designed : float
        Pixels of 10 m that the network was designed for: where nothing else is said, a patch shows
        as much ground, whatever the scene's pixels.
    least : int
        Fewest pixels that the network takes; patches grow to that.
    pixels : int, optional
        Edge in pixels, whatever their size.
    metres : float, optional
        Edge in metres.
    """

    designed: float = 32
    least: int = 1
    pixels: int | None = None
    metres: float | None = None

    def of(self, pixel_size: float) -> int:
        """Edge in pixels of `pixel_size` metres.

        Raises
        ------
        InputError
            If metres and pixels are both given, or the metres are fewer than the network's least.
        """
        if self.pixels is not None and self.metres is not None:
            msg = (
                f"Give the edge of a patch in pixels ({option('patch')}) or metres "
                f"({option('patch_metres')}), not both."
            )
            raise InputError(msg)
        if self.pixels is not None:
            return self.pixels
        wanted = self.metres if self.metres is not None else self.designed * _DESIGN_PIXEL
        size = max(1, round(wanted / pixel_size))
        if self.metres is not None and size < self.least:
            msg = (
                f"A patch of {self.metres:g} m has {size} of the scene's pixels ({pixel_size:g} m), and "
                f"the network takes {self.least} or more: use {option('patch_metres')} {self.least * pixel_size:g}."
            )
            raise InputError(msg)
        return max(size, self.least)


def stop_if(cancelled: Callable[[], bool] | None) -> None:
    """Stop where that is asked for.

    Raises
    ------
    Cancelled
        If `cancelled` answers yes.
    """
    if cancelled and cancelled():
        msg = "Stopped by the user."
        raise Cancelled(msg)


def patches_of(
    files: SceneFiles,
    polygons: gpd.GeoDataFrame,
    *,
    patch_size: int | PatchSize = PatchSize(),
    spacing: float = FISHNET,
    cancelled: Callable[[], bool] | None = None,
) -> ScenePatches:
    """Patches of all scenes of a request, on the fishnet; see `scene_patches`.

    The patches of one polygon stay together over all scenes. Before each scene is read, `cancelled` is asked.
    """
    parts = []
    whole = files.as_mapped(cancelled)
    for name, scene in files.open().items():
        stop_if(cancelled)
        pixel = abs(float(geobox_of(scene, name).affine.a))
        size = patch_size.of(pixel) if isinstance(patch_size, PatchSize) else patch_size
        parts.append(
            scene_patches(
                scene, polygons, sensor=files.sensor, bands=files.bands_of(scene),
                patch_size=size, spacing=spacing, name=name, normalised=whole.get(name),
            )
        )  # fmt: skip
    return _named(join_patches(parts, same_place=True), files)


def patches_of_points(
    files: SceneFiles, points: gpd.GeoDataFrame, *, bands: Sequence[str], patch_size: int
) -> ScenePatches:
    """Patches of all scenes at the points of an earlier run (``patches.gpkg``)."""
    parts = []
    whole = files.as_mapped()
    for name, scene in files.open().items():
        own = points[points["scene"] == name] if name in set(points["scene"]) else points
        local = own.to_crs(str(geobox_of(scene, name).crs))
        centres = pd.DataFrame({
            "lcz": local["lcz"], "polygon": local["polygon"],
            "x": local.geometry.x, "y": local.geometry.y,
        }).drop_duplicates(["x", "y"])  # fmt: skip
        parts.append(
            patches_at(
                scene, centres, sensor=files.sensor, bands=bands, patch_size=patch_size, name=name,
                normalised=whole.get(name),
            )
        )  # fmt: skip
    return _named(join_patches(parts, same_place=True), files)


def _named(patches: ScenePatches, files: SceneFiles) -> ScenePatches:
    names = [Path(p).name for p in files.inputs]
    source = f"{', '.join(names)} {files.options.city}".strip()
    return ScenePatches(replace(patches.kind, source=source), patches.table, patches.images)
