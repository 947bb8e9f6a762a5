"""Reading parts of a scene's files over the network: signed, retried, and with the cause where it fails.

A read that fails is followed by a small request for the same file, which tells why: what is not there,
refused, asked to wait, or cut. Nothing that failed is ever taken for zeros.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
import rasterio
import requests
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.session import Session
from requests.adapters import HTTPAdapter, Retry

from lczlib.acquire.layouts import SCL
from lczlib.acquire.pixels import corner_of, read_part
from lczlib.acquire.providers import Provider
from lczlib.acquire.scene import Scene
from lczlib.errors import Cancelled, ServiceError

_T = TypeVar("_T")
TRIES = 5
_PAUSE = 0.5  # seconds before the second try; twice as long before each further one
_BUSY = ("429", "503")
_LONGEST_WAIT = 120.0  # seconds that a service may ask for
_TIMEOUT = (10.0, 60.0)
_TOKEN_LIFE = dt.timedelta(minutes=40)
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)
USER_AGENT = "lczlib"

GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES", "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "60", "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "CPL_VSIL_CURL_CACHE_SIZE": str(64 << 20), "GDAL_HTTP_USERAGENT": USER_AGENT,
}  # fmt: skip
"""How GDAL reads; failures come back at once, and are retried here, where the cause is known."""


class AssetFailed(ServiceError):  # noqa: N818 - what happened to it
    """One file cannot be read, whatever is tried; the service as a whole answers."""


@dataclass(frozen=True)
class _Cause:
    """Why a read failed.

    Attributes
    ----------
    what : str
        As a clause.
    final : bool
        Whether it is no use to try again.
    wait : float or None
        Seconds that the service asks to wait.
    sign : bool
        Whether a new signature may help.
    whole : bool
        Whether it is the service or the network that fails, and not this file.
    """

    what: str
    final: bool = False
    wait: float | None = None
    sign: bool = False
    whole: bool = False


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


def patience() -> Retry:
    """How often a request is repeated, and when: where the answer says Retry-After, so long after it."""
    return Retry(total=4, backoff_factor=_PAUSE, status_forcelist=(429, 500, 502, 503, 504))


def session(headers: dict[str, str] | None = None) -> requests.Session:
    """A session for requests, which waits and retries where a service is busy."""
    found = requests.Session()
    for scheme in ("http://", "https://"):
        found.mount(scheme, HTTPAdapter(max_retries=patience()))
    found.headers.update({"User-Agent": USER_AGENT, **(headers or {})})
    return found


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
        self._http = session({"Ocp-Apim-Subscription-Key": key} if key else None)
        self._plain = requests.Session()  # tells a failure's cause, and so must not retry itself
        self._plain.headers["User-Agent"] = USER_AGENT

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

    def submit(self, scene: Scene, band: str, box: GeoBox, *, fill: int = 0,
               overview: bool = False) -> Future[np.ndarray]:  # fmt: skip
        """Read a band of a scene on a grid, beside others; see `read`."""
        return self._pool.submit(self.read, scene, band, box, fill=fill, overview=overview)

    def read(
        self, scene: Scene, band: str, box: GeoBox, *, fill: int = 0, overview: bool = False
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
        fill : int
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

    def corner(self, scene: Scene) -> tuple[float, float]:
        """Upper-left corner of a scene; raises as `read` does."""
        return self._tried(scene, SCL, corner_of)

    def _tried(self, scene: Scene, band: str, do: Callable[[str], _T]) -> _T:
        cause, address = _Cause(""), ""
        for attempt in range(TRIES):
            if self._cancelled() or self._stopped.is_set():
                msg = "Stopped by the user."
                raise Cancelled(msg)
            address = self._address(scene, band, refused=address if cause.sign else "")
            # GDAL remembers what failed, unless it is told to forget
            path = f"/vsicurl/{address}" if "://" in address else address
            forget = {"CPL_VSIL_CURL_NON_CACHED": path} if attempt else {}
            try:
                with rasterio.Env(self._keys(address), **GDAL, **forget):
                    return do(address)
            except RasterioError as error:
                cause = self._cause(address, error)
            if cause.final or attempt == TRIES - 1:
                break
            self._pause(_PAUSE * 2**attempt if cause.wait is None else cause.wait)
        if cause.whole:
            msg = f"{self.provider.title} fails: {cause.what}. Finished parts are kept; run again later."
            raise ServiceError(msg)
        raise AssetFailed(f"{band} of {scene.id} {cause.what}")

    def _pause(self, seconds: float) -> None:
        self._stopped.wait(min(seconds, _LONGEST_WAIT))

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
        return str((known.assets or scene.assets or {})[band]["href"])

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
        link = scene.link or (
            f"{self.provider.address}/collections/{scene.collection}/items/{scene.id}"
        )
        with self._lock:
            if self._href(scene, band) == refused:
                self._anew[scene.id] = Scene(self._json(link))

    def _json(self, address: str) -> dict[str, Any]:
        try:
            answer = self._http.get(address, timeout=_TIMEOUT)
            answer.raise_for_status()
            return dict(answer.json())
        except (requests.RequestException, ValueError) as error:
            msg = (
                f"{self.provider.title} gives no access to its files ({_short(error)}): it is at fault, or "
                "the network; try later."
            )
            raise ServiceError(msg) from error

    def _cause(self, address: str, error: Exception) -> _Cause:
        """Why a read failed, by asking for the file's first byte."""
        if any(code in str(error) for code in _BUSY):
            self._pause(2 * _PAUSE)
        if address.startswith("/vsis3/"):
            return _cause_in_words(str(error))
        if "://" not in address:
            return _Cause(f"cannot be read ({error})", final=True)
        try:
            with self._plain.get(
                address, headers={"Range": "bytes=0-0"}, stream=True, timeout=_TIMEOUT
            ) as answer:
                status, headers = answer.status_code, answer.headers
        except requests.RequestException as failed:
            return _Cause(f"its files cannot be reached ({_short(failed)})", whole=True)
        if status in (404, 410):
            return _Cause(f"is not there (HTTP {status})", final=True)
        if status in (401, 403):
            return _Cause(f"is refused (HTTP {status}), also signed again", sign=True)
        if status in (429, 503):
            wait = _seconds(headers.get("Retry-After", ""))
            return _Cause(f"it is busy (HTTP {status})", wait=wait, whole=True)
        if status >= 400:
            return _Cause(f"cannot be read (HTTP {status})")
        return _Cause("is cut off or damaged: it cannot be read to its end")


def _cause_in_words(text: str) -> _Cause:
    """Of files that are not read by HTTP alone, what GDAL says."""
    if any(t in text for t in ("404", "NoSuchKey", "does not exist")):
        return _Cause("is not there", final=True)
    if any(
        t in text for t in ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch")
    ):
        return _Cause("is refused: are the S3 keys right?", final=True)
    if "connect" in text.casefold() or "resolve" in text.casefold():
        return _Cause(f"its files cannot be reached ({text[:80]})", whole=True)
    return _Cause(f"cannot be read ({text[:80]})")


def _seconds(text: str) -> float | None:
    """Of a Retry-After, which is a number or a date."""
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - dt.datetime.now(dt.UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _short(error: Exception) -> str:
    """The gist of an error of requests, without its nested objects."""
    if isinstance(error, requests.HTTPError):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__
