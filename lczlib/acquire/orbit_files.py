"""Orbit files of Sentinel-1 from the open bucket: the precise one, or else the restituted one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import requests

from lczlib.acquire import faults, providers
from lczlib.acquire.download import Downloads
from lczlib.acquire.passes import Pass
from lczlib.errors import InputError, ServiceError
from lczlib.sentinel1.orbit import best_name
from lczlib.terms import option

_FOLDERS = ("AUX_POEORB", "AUX_RESORB")
_MANY = 100  # pages of a thousand names


def find_orbit(seen: Pass) -> str:
    """The key in the bucket of the best orbit file of a pass.

    Raises
    ------
    InputError
        If there is none.
    ServiceError
        If the bucket cannot be listed.
    """
    mission = seen.products[0].mission
    begin, end = (
        np.datetime64(t.replace(tzinfo=None))
        for t in (seen.products[0].start, seen.products[-1].end)
    )
    for folder in _FOLDERS:
        keys = {k.rpartition("/")[2]: k for k in _listed(f"{folder}/{mission}_")}
        found = best_name(keys, mission, begin, end)
        if found is not None:
            return keys[found]
    msg = (
        f"{providers.ORBITS} has no orbit file of {mission} on {seen.date}: precise ones come some 20 days after "
        f"the pass; take an older one, or give lcz prepare-s1 {option('orbit', 'annotation')}."
    )
    raise InputError(msg)


def _listed(prefix: str) -> Iterator[str]:
    asked = {"list-type": "2", "prefix": prefix}
    try:
        with faults.session() as http:
            for _ in range(_MANY):
                answer = http.get(providers.ORBITS, params=asked, timeout=faults.TIMEOUT)
                answer.raise_for_status()
                root = ElementTree.fromstring(answer.content)
                space = root.tag.partition("}")[0] + "}" if "}" in root.tag else ""
                yield from (e.text or "" for e in root.iter(f"{space}Key"))
                more = root.findtext(f"{space}NextContinuationToken")
                if not more:
                    return
                asked["continuation-token"] = more
    except (requests.RequestException, ElementTree.ParseError) as error:
        said = faults.short(error) if isinstance(error, requests.RequestException) else "no listing"
        msg = (
            f"The orbit files at {providers.ORBITS} cannot be listed ({said}): the bucket is at fault, or the "
            "network; try later."
        )
        raise ServiceError(msg) from error


def fetch_orbit(key: str, folder: Path, cancelled: Callable[[], bool]) -> Path:
    """Fetch an orbit file into a folder.

    Raises
    ------
    ServiceError
        If it cannot be had.
    """
    target = folder / key.rpartition("/")[2]
    with Downloads(cancelled=cancelled) as downloads:
        downloads.fetch(f"{providers.ORBITS}/{key}", target)
    return target
