"""Zones, maps and choices by what a visitor calls them, in the visitor's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from babel.dates import format_date

from lczlib.analysis.words import units_of as units_of
from lczlib.classes import LczClass
from lczlib.export.targets.names import zone_label as zone_label
from lczlib.export.targets.names import zone_name as zone_name
from lczlib.kinds import map_title
from lczlib.texts import ENGLISH, N_, language, text, text_as

SEASONS = (N_("spring"), N_("summer"), N_("autumn"), N_("winter"), N_("wet"), N_("dry"))
"""Names that seasons of imagery usually have."""


def zone_short(zone: LczClass) -> str:
    """Code and name without ``LCZ``, for tables."""
    return f"{zone.code} {zone_name(zone)}"


def in_degrees(longitude: float, latitude: float, digits: int = 1) -> str:
    """A place such as ``52.5° N, 13.4° E``."""
    north = text_as("compass", "S") if latitude < 0 else text_as("compass", "N")
    east = text_as("compass", "W") if longitude < 0 else text_as("compass", "E")
    return f"{abs(latitude):.{digits}f}° {north}, {abs(longitude):.{digits}f}° {east}"


def in_short(day: date) -> str:
    """A day such as ``3 Jun 2024``, the month in the visitor's language."""
    if language() == ENGLISH:
        return f"{day:%-d %b %Y}"
    return format_date(day, "d MMM y", locale=language())


def not_made(kind: str) -> str:
    """A map that is chosen and not there."""
    return text("{map} (not made yet)").format(map=map_title(kind))


def choices(named: Mapping[str, Any] | Iterable[str]) -> dict[str, Any]:
    """Labels of a choice in the visitor's language, each with its value."""
    pairs = named if isinstance(named, Mapping) else {str(n): n for n in named}
    return {text(label): value for label, value in pairs.items()}
