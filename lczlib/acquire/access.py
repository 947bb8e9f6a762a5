"""Reading parts of a scene's files over the network: signed, retried, and with the cause where it fails.

Nothing that failed is ever taken for zeros.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

import numpy as np
import rasterio
import requests
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.session import Session

from lczlib.acquire import faults
from lczlib.acquire.faults import Cause, cause_of
from lczlib.acquire.hrefs import refusal
from lczlib.acquire.layouts import SCL
from lczlib.acquire.pixels import lattice_of, pixel_metres, read_part
from lczlib.acquire.providers import Provider
from lczlib.acquire.scene import Scene
from lczlib.errors import Cancelled, ServiceError

_T = TypeVar("_T")
TRIES = 5
_TOKEN_LIFE = dt.timedelta(minutes=40)
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


class AssetFailed(ServiceError):  # noqa: N818 - what happened to it
    """One file cannot be read, whatever is tried; the service as a whole answers."""


class _Keys(Session):
    """GDAL's own options for ``s3://`` addresses, which rasterio takes from a session only."""

    def __init__(self, options: dict[str, str]) -> None:
        self._options = options

    @classmethod
    def hascreds(cls, config: dict[str, Any]) -> bool:  # noqa: ARG003
        """As rasterio asks."""
        return True

    @property
    def credentials(self) -> dict[str, str]:
        """The options."""
        return self._options

    def get_credential_options(self) -> dict[str, str]:
        """The options."""
        return self._options


class Access:
    """Reads parts of a provider's files, several at the same time.

    Parameters
    ----------
    provider : Provider
    cancelled : callable, optional
        Whether to stop; asked while it waits for a service.
    """

    def __init__(self, provider: Provider, cancelled: Callable[[], bool] | None = None) -> None:
        self.provider = provider
        self._cancelled = cancelled or (lambda: False)
        self._pool = ThreadPoolExecutor(provider.connections, "lcz-read")
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[str, dt.datetime]] = {}
        self._anew: dict[str, Scene] = {}
        self._stopped = threading.Event()
        key = os.environ.get(provider.key, "") if provider.key else ""
        self._http = faults.session({"Ocp-Apim-Subscription-Key": key} if key else None)
        self._plain = requests.Session()  # tells a failure's cause, and so must not retry itself
        self._plain.headers["User-Agent"] = faults.USER_AGENT

    def __enter__(self) -> Access:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._http.close()
        self._plain.close()

    def submit(self, scene: Scene, band: str, box: GeoBox, *, fill: float = 0,
               overview: bool = False) -> Future[np.ndarray]:  # fmt: skip
        """Read a band of a scene on a grid, beside others; see `read`."""
        return self._pool.submit(self.read, scene, band, box, fill=fill, overview=overview)

    def read(
        self, scene: Scene, band: str, box: GeoBox, *, fill: float = 0, overview: bool = False
    ) -> np.ndarray:
        """A band of a scene on a grid, by nearest neighbour.

        Parameters
        ----------
        scene : Scene
            That has it.
        band : str
            ``B02`` ..., ``SCL``.
        box : GeoBox
            The grid.
        fill : float
            Where the scene does not reach.
        overview : bool
            Read averages where the file has them and the grid is coarse: not for classes.

        Raises
        ------
        AssetFailed
            If this file cannot be read.
        ServiceError
            If the service cannot be reached, or is busy for long.
        Cancelled
            If the job is to stop.
        """
        part = partial(read_part, box=box, fill=fill, overview=overview)
        return self._tried(scene, band, part)

    def lattice(self, scene: Scene, band: str = SCL) -> tuple[float, float, float]:
        """Upper-left corner of a scene's file of a band, and the edge of its pixels; raises as `read` does."""
        return self._tried(scene, band, lattice_of)

    def pixel_metres(self, scene: Scene, band: str) -> float:
        """The longer side of the pixels of a scene's file of a band; raises as `read` does."""
        return self._tried(scene, band, pixel_metres)

    def _tried(self, scene: Scene, band: str, do: Callable[[str], _T]) -> _T:
        cause, address = Cause(""), ""
        for attempt in range(TRIES):
            if self._cancelled() or self._stopped.is_set():
                msg = "Stopped by the user."
                raise Cancelled(msg)
            address = self._address(scene, band, refused=address if cause.sign else "")
            try:
                with rasterio.Env(self._keys(address), **faults.gdal(address, again=attempt > 0)):
                    return do(address)
            except RasterioError as error:
                if faults.is_busy(error):
                    self._pause(2 * faults.PAUSE)
                cause = cause_of(address, error, self._plain)
            if cause.final or attempt == TRIES - 1:
                break
            self._pause(faults.PAUSE * 2**attempt if cause.wait is None else cause.wait)
        if cause.whole:
            msg = f"{self.provider.title} fails: {cause.what}. Finished parts are kept; run again later."
            raise ServiceError(msg)
        raise AssetFailed(f"{band} of {scene.id} {cause.what}")

    def _pause(self, seconds: float) -> None:
        self._stopped.wait(min(seconds, faults.LONGEST_WAIT))

    def _keys(self, address: str) -> Session:
        return _Keys(self.provider.credentials() if address.startswith("/vsis3/") else {})

    def _address(self, scene: Scene, band: str, *, refused: str) -> str:
        """Where a file is read, as GDAL writes it; signed anew where that which is refused was signed."""
        href = self._href(scene, band)
        if refused == href:  # signed by the service itself, and for a time
            self._ask_again(scene, band, refused)
            href = self._href(scene, band)
        if href.startswith("s3://"):
            return f"/vsis3/{href.removeprefix('s3://')}"
        if not self.provider.token:
            return href
        return f"{href}{'&' if '?' in href else '?'}{self._token(scene.collection, refused)}"

    def _href(self, scene: Scene, band: str) -> str:
        known = self._anew.get(scene.id, scene)
        href = (known.assets or scene.assets or {})[band].get("href")
        if why := refusal(href, self.provider.host):
            raise AssetFailed(f"{band} of {scene.id} {why}")
        return str(href)

    def _token(self, collection: str, refused: str) -> str:
        with self._lock:
            token, until = self._tokens.get(collection, ("", _NEVER))
            # another thread may have asked for a new one by now
            if dt.datetime.now(dt.UTC) >= until or (refused and refused.endswith(token)):
                token = str(self._json(self.provider.token.format(collection=collection))["token"])
                self._tokens[collection] = token, dt.datetime.now(dt.UTC) + _TOKEN_LIFE
            return token

    def _ask_again(self, scene: Scene, band: str, refused: str) -> None:
        """Ask the service for an item again, whose addresses are new."""
        collection, name = quote(scene.collection, safe=""), quote(scene.id, safe="")
        link = f"{self.provider.address}/collections/{collection}/items/{name}"
        with self._lock:
            if self._href(scene, band) == refused:
                self._anew[scene.id] = type(scene)(self._json(link))

    def _json(self, address: str) -> dict[str, Any]:
        try:
            answer = self._http.get(address, timeout=faults.TIMEOUT)
            answer.raise_for_status()
            return dict(answer.json())
        except (requests.RequestException, ValueError) as error:
            if faults.is_refused(error) and self.provider.key:
                msg = (
                    f"{self.provider.title} refuses access to these files ({faults.short(error)}): they need an "
                    f"account, or its key in {self.provider.key} is not right."
                )
                raise ServiceError(msg) from error
            msg = (
                f"{self.provider.title} gives no access to its files ({faults.short(error)}): it is at fault, or "
                "the network; try later."
            )
            raise ServiceError(msg) from error
