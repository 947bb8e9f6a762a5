"""How files are asked for over the network, and why one could not be read.

GDAL's own messages seldom tell the cause: a small request for the same file does. It is not there,
refused, to be asked for later, or cut off; and it is known then whether trying again is of use.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter, Retry

PAUSE = 0.5  # seconds before the second try; twice as long before each further one
TIMEOUT = (10.0, 60.0)
LONGEST_WAIT = 120.0  # seconds that a service may ask for
USER_AGENT = "lczlib"  # Zenodo refuses the one that old versions of GDAL have

_GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES", "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "60", "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "CPL_VSIL_CURL_CACHE_SIZE": str(128 << 20), "GDAL_CACHEMAX": 64, "GDAL_HTTP_USERAGENT": USER_AGENT,
}  # fmt: skip
"""How GDAL reads; failures come back at once, and are retried here, where the cause is known."""

_STATUS = re.compile(r"HTTP (?:response|error) code(?: on [^:]*)?: ?(\d{3})\b")
"""As GDAL writes it; any other number of its messages may be of an address."""
_REFUSED = ("AccessDenied", "Access Denied", "InvalidAccessKeyId", "SignatureDoesNotMatch")


@dataclass(frozen=True)
class Cause:
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
    missing : bool
        Whether there is no such file.
    """

    what: str
    final: bool = False
    wait: float | None = None
    sign: bool = False
    whole: bool = False
    missing: bool = False


class _Retry(Retry):
    """Waits as long as a service asks, but no longer than `LONGEST_WAIT`: nothing can stop it meanwhile."""

    def get_retry_after(self, response: Any) -> float | None:
        """As urllib3 asks, which would wait for hours."""
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, LONGEST_WAIT)


def patience() -> Retry:
    """How often a request is repeated, and when: where the answer says Retry-After, so long after it."""
    return _Retry(total=4, backoff_factor=PAUSE, status_forcelist=(429, 500, 502, 503, 504))


def session(headers: dict[str, str] | None = None) -> requests.Session:
    """A session for requests, which waits and retries where a service is busy."""
    found = requests.Session()
    for scheme in ("http://", "https://"):
        found.mount(scheme, HTTPAdapter(max_retries=patience()))
    found.headers.update({"User-Agent": USER_AGENT, **(headers or {})})
    return found


def gdal(address: str, *, again: bool) -> dict[str, str | int]:
    """GDAL's options for reading a file; it remembers what failed, unless it is told to forget."""
    path = f"/vsicurl/{address}" if "://" in address else address
    return {**_GDAL, **({"CPL_VSIL_CURL_NON_CACHED": path} if again else {})}


def is_busy(error: Exception) -> bool:
    """Whether a service is to be left alone for a moment, before it is asked why."""
    status = _STATUS.search(str(error))
    return status is not None and status[1] in ("429", "503")


def is_refused(error: Exception) -> bool:
    """Whether a service wants to know who asks."""
    return isinstance(error, requests.HTTPError) and error.response.status_code in (401, 403)


def cause_of(address: str, error: Exception, http: requests.Session | None = None) -> Cause:
    """Why a file could not be read, found out by asking for its first byte.

    Parameters
    ----------
    address : str
        An address, a file, or what GDAL calls one in a bucket (``/vsis3/...``).
    error : Exception
        What came of reading it.
    http : requests.Session, optional
        One that does not retry by itself.
    """
    if address.startswith("/vsis3/"):
        return _in_words(str(error).replace(address, ""))  # its dates hold any number
    if "://" not in address:
        return Cause(f"cannot be read ({error})", final=True)
    try:
        with (http or requests).get(
            address, headers={"Range": "bytes=0-0", "User-Agent": USER_AGENT}, stream=True, timeout=TIMEOUT
        ) as answer:  # fmt: skip
            status, headers = answer.status_code, answer.headers
    except (
        requests.TooManyRedirects,
        requests.exceptions.InvalidSchema,
        requests.exceptions.InvalidURL,
    ):
        return Cause("is redirected to what is no web address, or in a circle", final=True)
    except requests.RequestException as failed:
        return unreached(failed)
    if (found := of_status(status, headers)) is not None:
        return found
    if "not recognized as being" in str(error):
        return Cause("is no GeoTIFF or JPEG 2000, or is cut off")
    return Cause("is cut off or damaged: it cannot be read to its end")


def unreached(error: requests.RequestException) -> Cause:
    """No answer at all."""
    return Cause(f"its files cannot be reached ({short(error)})", whole=True)


def of_status(status: int, headers: Mapping[str, str]) -> Cause | None:
    """What a status says of a file; None where it is given."""
    if status in (404, 410):
        return Cause(f"is not there (HTTP {status})", final=True, missing=True)
    if status in (401, 403):
        return Cause(f"is refused (HTTP {status}), also signed again", sign=True)
    if status in (429, 503):
        return Cause(
            f"it is busy (HTTP {status})", wait=_seconds(headers.get("Retry-After", "")), whole=True
        )
    if status >= 400:
        return Cause(f"cannot be read (HTTP {status})")
    return None


def _in_words(text: str) -> Cause:
    """Of files that are not read by HTTP alone, what GDAL says."""
    status = _STATUS.search(text)
    if any(t in text for t in _REFUSED) or (status and status[1] in ("401", "403")):
        return Cause("is refused: are the S3 keys right?", final=True)
    if status and (found := of_status(int(status[1]), {})) is not None:
        return found
    if "NoSuchKey" in text or "does not exist" in text:
        return Cause("is not there", final=True, missing=True)
    if "connect" in text.casefold() or "resolve" in text.casefold():
        return Cause(f"its files cannot be reached ({text[:80]})", whole=True)
    return Cause(f"cannot be read ({text[:80]})")


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


def short(error: Exception) -> str:
    """The gist of an error of requests, without its nested objects."""
    if isinstance(error, requests.HTTPError):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__
