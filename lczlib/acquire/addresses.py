"""Reading parts of a raster at one open address, after some tries, with the cause where it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import rasterio
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from lczlib.acquire import faults
from lczlib.acquire.faults import Cause, cause_of
from lczlib.acquire.hrefs import unsigned
from lczlib.acquire.pixels import opened
from lczlib.errors import Cancelled, ServiceError

_T = TypeVar("_T")
_TRIES = 3


class AddressFailed(ServiceError):  # noqa: N818 - what happened to it
    """An address cannot be read, whatever is tried.

    Attributes
    ----------
    missing : bool
        Whether its service says that there is nothing.
    """

    def __init__(self, message: str, *, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


def read_address(
    source: str, do: Callable[[DatasetReader], _T], cancelled: Callable[[], bool]
) -> _T:
    """What is made of an opened raster; it is opened and read again where that may help.

    Parameters
    ----------
    source : str
        A file or an address.
    do : callable
        Reads what is needed of it.
    cancelled : callable
        Whether to stop; asked before each try, and while it waits.

    Raises
    ------
    AddressFailed
        If it cannot be read; the message is a clause that names it.
    Cancelled
        If the job is to stop.
    """
    cause = Cause("")
    for attempt in range(_TRIES):
        if cancelled():
            msg = "Stopped by the user."
            raise Cancelled(msg)
        try:
            with (
                rasterio.Env(**faults.gdal(source, again=attempt > 0)),
                (opened if "://" in source else rasterio.open)(source) as src,
            ):
                return do(src)
        except RasterioError as error:
            if faults.is_busy(error):
                wait(2 * faults.PAUSE, cancelled)
            cause = cause_of(source, error)
        if cause.final or attempt == _TRIES - 1:
            break
        pause = faults.PAUSE * 2**attempt if cause.wait is None else cause.wait
        if pause > faults.LONGEST_WAIT:
            break
        wait(pause, cancelled)
    raise AddressFailed(f"{unsigned(source)} {cause.what}", missing=cause.missing)


def wait(seconds: float, cancelled: Callable[[], bool]) -> None:
    """Wait, but no longer than until the job is to stop."""
    pause = threading.Event()
    while seconds > 0 and not cancelled():
        pause.wait(min(seconds, 0.2))
        seconds -= 0.2
