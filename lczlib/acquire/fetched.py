"""Scenes whose files a service gives as a whole, with keys: fetched once, and read from this disk."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError

from lczlib.acquire.access import AssetFailed
from lczlib.acquire.addresses import AddressFailed
from lczlib.acquire.download import Downloads
from lczlib.acquire.hrefs import refusal
from lczlib.acquire.pixels import lattice_of, read_part
from lczlib.acquire.providers import RadarProvider
from lczlib.acquire.scene import Scene


class Fetched:
    """Reads parts of files that it fetches first.

    Parameters
    ----------
    service : RadarProvider
        Whose keys are sent.
    folder : Path
        Where files lie until `forget`.
    cancelled : callable, optional
        Whether to stop.
    """

    def __init__(
        self, service: RadarProvider, folder: Path, cancelled: Callable[[], bool] | None = None
    ) -> None:
        self.service = service
        self.folder = folder
        self._downloads = Downloads(service, cancelled)

    def __enter__(self) -> Fetched:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._downloads.__exit__(kind, error, at)

    def submit(
        self, scene: Scene, band: str, box: GeoBox, *, fill: float = 0
    ) -> Future[np.ndarray]:
        """A band of a scene on a grid, by nearest neighbour; it is there when this returns.

        Raises
        ------
        AssetFailed
            If this file cannot be had or read.
        ServiceError
            If the service refuses the keys.
        Cancelled
            If the job is to stop.
        """
        found: Future[np.ndarray] = Future()
        try:
            found.set_result(read_part(str(self._file(scene, band)), box, fill=fill))
        except RasterioError as error:
            msg = f"{band} of {scene.id} is no whole GeoTIFF"
            raise AssetFailed(msg) from error
        return found

    def lattice(self, scene: Scene, band: str) -> tuple[float, float, float]:
        """Upper-left corner of a scene's file of a band, and the edge of its pixels; raises as `submit`."""
        try:
            return lattice_of(str(self._file(scene, band)))
        except RasterioError as error:
            msg = f"{band} of {scene.id} is no whole GeoTIFF"
            raise AssetFailed(msg) from error

    def forget(self, scene: Scene) -> None:
        """Remove the files of a scene."""
        for band in scene.assets or {}:
            self._path(scene, band).unlink(missing_ok=True)

    def _path(self, scene: Scene, band: str) -> Path:
        """Names of items come from others, and may hold anything."""
        return self.folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', scene.id)}_{band}.tif"

    def _file(self, scene: Scene, band: str) -> Path:
        path = self._path(scene, band)
        if not path.is_file():
            href = (scene.assets or {})[band].get("href")
            if why := refusal(href, urlsplit(self.service.search).netloc):
                raise AssetFailed(f"{band} of {scene.id} {why}")
            try:
                self._downloads.fetch(str(href), path)
            except AddressFailed as error:
                raise AssetFailed(f"{band} of {scene.id}: {error.message}") from error
        return path
