"""The scenes of one place: what every source of scenes gives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import xarray as xr

from lczlib.errors import InputError
from lczlib.grid import check_same_grid, geobox_of
from lczlib.scenes.crop import crop
from lczlib.scenes.polarimetry import sentinel1_channels
from lczlib.scenes.sentinel1 import COVARIANCE_BANDS, so2sat_features


@dataclass(frozen=True)
class City:
    """The scenes of one place, lazily.

    Attributes
    ----------
    name : str
        Folder name, for example ``00017_22007_Lagos``; empty of rasters.
    seasons : dict
        Sentinel-2 scene (or that of another sensor) of each season or date. Those of a So2Sat folder in
        the order spring, summer, autumn, winter; then those of other names (``wet``, ``2021-07``).
    sentinel1 : Dataset or None
        Sentinel-1 scene.
    sentinel1_time : str
        Its month, ``yyyymm``.
    notes : tuple of str
        What a user should know of the input (a season that is missing).
    labelled : bool
        Whether the names of the seasons say something: not that of a single raster.
    box : tuple of float
        West, south, east, north in degrees of the part that is asked for; empty for all. The scenes
        are whole, see `cut`.
    """

    name: str
    seasons: dict[str, xr.Dataset]
    sentinel1: xr.Dataset | None
    sentinel1_time: str = ""
    notes: tuple[str, ...] = field(default=())
    labelled: bool = True
    box: tuple[float, ...] = ()

    @property
    def scenes(self) -> dict[str, xr.Dataset]:
        """All of them by name."""
        radar = {} if self.sentinel1 is None else {"Sentinel-1": self.sentinel1}
        return {**self.seasons, **radar}

    def cut(self) -> City:
        """The part that is asked for.

        Raises
        ------
        GridError
            If the scenes do not lie there.
        """
        if not self.box:
            return self
        radar = None if self.sentinel1 is None else crop(self.sentinel1, self.box)
        seasons = {name: crop(scene, self.box) for name, scene in self.seasons.items()}
        return replace(self, seasons=seasons, sentinel1=radar, box=())

    def check_one_grid(self) -> None:
        """Refuse scenes that do not share a grid.

        Raises
        ------
        GridError
            With the two that differ.
        """
        scenes = self.scenes
        first = next(iter(scenes), "")
        for name, scene in scenes.items():
            check_same_grid(geobox_of(scenes[first], first), geobox_of(scene, name), (first, name))

    def both_sensors(self) -> dict[str, xr.Dataset]:
        """Each season with what networks of both sensors read of Sentinel-1 beside its bands.

        That is So2Sat's seven features and the nine channels of Zhou et al. (2022); whatever is not
        read is never computed. Of a raster of features the channels are not there.

        Raises
        ------
        InputError
            If one of the sensors is missing.
        """
        if self.sentinel1 is None or not self.seasons:
            there = "Sentinel-2" if self.sentinel1 is None else "Sentinel-1"
            what = self.name or next(iter(self.scenes.values())).attrs.get("source", "The input")
            msg = f"{what} holds {there} only; a network of both sensors needs both."
            raise InputError(msg)
        features = self.sentinel1
        if set(COVARIANCE_BANDS) <= set(features.data_vars):
            channels = sentinel1_channels(features).data_vars
            features = so2sat_features(features).assign(channels)
        files = self.sentinel1.attrs.get("files", [])
        return {
            season: scene.assign(features.data_vars).assign_attrs(
                sensor="both", files=[*scene.attrs.get("files", []), *files]
            )
            for season, scene in self.seasons.items()
        }
