"""What a server lets its visitors fetch: from which services, and how much; set in its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from lczlib.acquire.providers import PROVIDERS, provider_of
from lczlib.errors import InputError

PROVIDERS_VARIABLE = "LCZLIB_PROVIDERS"
"""Environment variable: services by name or address, with spaces between. Where it is not set: those that are
known, but for the ones whose keys are not in the environment."""
GLOBAL_MAP_VARIABLE = "LCZLIB_GLOBAL_MAP"
"""Environment variable: file or address of the published LCZ map, in place of where it is published."""
KM2_VARIABLE, MB_VARIABLE = "LCZLIB_GET_KM2", "LCZLIB_GET_MB"
"""Environment variables: the largest box, and the most that one request may read; 0 fetches nothing."""
LARGEST_KM2, MOST_MB = 2_500.0, 5_000.0


@dataclass(frozen=True)
class Services:
    """The services that may be asked, and the limits of a request.

    Attributes
    ----------
    providers : tuple of str
        As of `lczlib.acquire.providers.provider_of`; no other is ever asked.
    global_map : str
        File or address of the published LCZ map; empty for where it is published.
    largest_km2 : float
        Of a box.
    most_mb : float
        Of a request; 0 where nothing may be fetched.
    """

    providers: tuple[str, ...] = tuple(PROVIDERS)
    global_map: str = ""
    largest_km2: float = LARGEST_KM2
    most_mb: float = MOST_MB

    def __post_init__(self) -> None:
        for name in self.providers:
            provider_of(name)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Services:
        """As the server was told.

        Raises
        ------
        InputError
            If a service is none, or a limit no number.
        """
        told = environment.get
        return cls(
            tuple(told(PROVIDERS_VARIABLE, "").split())
            or tuple(n for n, p in PROVIDERS.items() if p.has_keys),
            told(GLOBAL_MAP_VARIABLE, ""), _number(KM2_VARIABLE, told(KM2_VARIABLE), LARGEST_KM2),
            _number(MB_VARIABLE, told(MB_VARIABLE), MOST_MB),
        )  # fmt: skip

    def titles(self) -> dict[str, str]:
        """The services by what people call them."""
        return {provider_of(n).title: n for n in self.providers}


def _number(name: str, text: str | None, usual: float) -> float:
    if not text:
        return usual
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not found >= 0:
        msg = f"{name}={text!r} is no size: give a number of 0 or more."
        raise InputError(msg)
    return found
