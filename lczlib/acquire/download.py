"""Whole files over the network, with a service's keys, taken up where they were cut off, and checked."""

from __future__ import annotations

import datetime as dt
import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import requests

from lczlib.acquire import faults
from lczlib.acquire.addresses import AddressFailed, wait
from lczlib.acquire.faults import Cause
from lczlib.acquire.providers import RadarProvider
from lczlib.errors import Cancelled, ServiceError
from lczlib.export.files import writing

TRIES = 5
_CHUNK = 1 << 20
_TOKEN_LIFE = dt.timedelta(minutes=8)  # of ten
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


class _Session(requests.Session):
    """Sends the token on to other hosts of the service, and to no one else."""

    def __init__(self, domains: tuple[str, ...]) -> None:
        super().__init__()
        self._domains = domains
        self.headers["User-Agent"] = faults.USER_AGENT

    def should_strip_auth(self, old_url: str, new_url: str) -> bool:
        """As requests asks where an address leads on."""
        own = within(new_url, self._domains) and urlsplit(new_url).scheme == "https"
        return super().should_strip_auth(old_url, new_url) and not own


def within(address: str, domains: Iterable[str]) -> bool:
    """Whether the host of an address is one of some domains, or below it."""
    host = urlsplit(address).hostname or ""
    return any(host == d or host.endswith(f".{d}") for d in domains)


class Downloads:
    """Fetches files.

    Parameters
    ----------
    provider : RadarProvider, optional
        Whose keys are sent; by default none are.
    cancelled : callable, optional
        Whether to stop.
    """

    def __init__(
        self, provider: RadarProvider | None = None, cancelled: Callable[[], bool] | None = None
    ) -> None:
        self.provider = provider
        self._cancelled = cancelled or (lambda: False)
        self._http = _Session(provider.domains if provider else ())
        self._token, self._until = "", _NEVER

    def __enter__(self) -> Downloads:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._http.close()

    def fetch(
        self,
        address: str,
        target: Path,
        *,
        md5: str = "",
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Fetch a file; what there is of it from before is not fetched again.

        Parameters
        ----------
        address : str
            What is asked for.
        target : Path
            Where it comes to lie when it is whole; ``.part`` is added to its name until then.
        md5 : str
            That it must have; without one, archives are read to their end.
        progress : callable, optional
            Called with the bytes that are there, and those there will be (0 if that is not known).

        Raises
        ------
        AddressFailed
            If it cannot be had, or is not what it should be.
        ServiceError
            If the service refuses the keys.
        Cancelled
            If the job is to stop; what there is of it is kept.
        """
        part = target.with_name(f"{target.name}.part")
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        cause, damaged = Cause(""), 0
        for attempt in range(TRIES):
            found = self._once(address, part, cause.sign, progress)
            if found is None:
                why = _damage(part, target.name, md5)
                if not why:
                    part.replace(target)
                    return
                part.unlink(missing_ok=True)
                damaged += 1  # what came whole and wrong twice comes so again, gigabytes each time
                found = Cause(why, final=damaged > 1)
            cause = found
            if cause.final or attempt == TRIES - 1:
                break
            pause = faults.PAUSE * 2**attempt if cause.wait is None else cause.wait
            if pause > faults.LONGEST_WAIT:
                break
            wait(pause, self._cancelled)
        if cause.sign and self.provider is not None:
            keys = " and ".join(self.provider.keys)
            msg = (
                f"{self.provider.title} refuses the keys of {keys} for {address}: are they right, not run out, and "
                "have its terms been agreed to in the account?"
            )
            raise ServiceError(msg)
        msg = f"{address} {cause.what}: what is whole is kept, run again later."
        raise AddressFailed(msg, missing=cause.missing)

    def begins(self, address: str) -> bytes:
        """The first four bytes of a file, to see whether it is given at all.

        Raises
        ------
        AddressFailed, ServiceError
            As of `fetch`.
        """
        headers = {
            **self._keys(address, refused=False),
            "Range": "bytes=0-3",
            "Accept-Encoding": "identity",
        }
        try:
            with self._http.get(
                address, headers=headers, stream=True, timeout=faults.TIMEOUT
            ) as answer:
                cause = faults.of_status(answer.status_code, answer.headers)
                found = b"" if cause else next(answer.iter_content(4), b"")
        except requests.RequestException as error:
            cause, found = faults.unreached(error), b""
        if cause is not None:
            raise AddressFailed(f"{address} {cause.what}", missing=cause.missing)
        return found

    def _once(
        self,
        address: str,
        part: Path,
        refused: bool,
        progress: Callable[[int, int], None] | None,
    ) -> Cause | None:
        """Ask for what is missing; why not all of it came."""
        self._check()
        have = part.stat().st_size if part.is_file() else 0
        headers = {**self._keys(address, refused), "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        try:
            with self._http.get(
                address, headers=headers, stream=True, timeout=faults.TIMEOUT
            ) as answer:
                if (
                    answer.status_code == 416
                ):  # it is whole already, or another one now: that is seen next
                    return None
                cause = faults.of_status(answer.status_code, answer.headers)
                if cause is not None:
                    return cause
                if "text/html" in answer.headers.get("Content-Type", ""):
                    return Cause("is a page to log in, and no file", sign=True)
                resumed = answer.status_code == 206
                have = have if resumed else 0
                total = have + int(answer.headers.get("Content-Length") or 0)
                with writing(part), part.open("ab" if resumed else "wb") as file:
                    for chunk in answer.iter_content(_CHUNK):
                        self._check()
                        file.write(chunk)
                        have += len(chunk)
                        if progress:
                            progress(have, total)
        except requests.exceptions.ChunkedEncodingError:
            return Cause("is cut off")
        except requests.RequestException as error:
            return faults.unreached(error)
        return Cause("is cut off") if total and have < total else None

    def _check(self) -> None:
        if self._cancelled():
            msg = "Stopped by the user."
            raise Cancelled(msg)

    def _keys(self, address: str, refused: bool) -> dict[str, str]:
        if self.provider is None or not (values := self.provider.values()):
            return {}
        # where a product lies is the service's word for it: the keys are for its own hosts
        if not within(
            address, (*self.provider.domains, urlsplit(self.provider.search).hostname or "")
        ):
            return {}
        if not self.provider.token:
            return {"Authorization": f"Bearer {values[0]}"}
        now = dt.datetime.now(dt.UTC)
        if refused or now >= self._until:
            asked = {
                "client_id": "cdse-public", "grant_type": "password", "username": values[0],
                "password": values[1],
            }  # fmt: skip
            try:
                answer = self._http.post(self.provider.token, data=asked, timeout=faults.TIMEOUT)
                answer.raise_for_status()
                self._token = str(answer.json()["access_token"])
            except (requests.RequestException, ValueError, KeyError) as error:
                msg = (
                    f"{self.provider.title} gives no token for {' and '.join(self.provider.keys)} "
                    f"({faults.short(error)}): are they right?"
                )
                raise ServiceError(msg) from error
            self._until = now + _TOKEN_LIFE
        return {"Authorization": f"Bearer {self._token}"}


def _damage(path: Path, name: str, md5: str) -> str:
    """Why a file is not what it should be, as a clause; empty where it is."""
    if not path.is_file():
        return "gives nothing"
    if md5:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
        same = found == md5.lower()
        return "" if same else f"came otherwise than it is stated (MD5 {found}, not {md5})"
    if not name.endswith(".zip"):
        return ""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        return f"came as no whole archive ({error})"
    return f"came with {broken} damaged" if broken else ""
