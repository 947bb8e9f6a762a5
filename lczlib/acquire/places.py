"""Places by name, box or file: what a user calls a city, as the box that its data is fetched for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lczlib.catalog.gazetteer import ascii_letters
from lczlib.longitudes import Box, middle_of, utm_of


@dataclass(frozen=True)
class Place:
    """A place and the box around it.

    Attributes
    ----------
    name, country : str
        As people write them; the country is empty where it is not known.
    population : int or None
        Inhabitants, where a list states them.
    box : tuple of float
        West, south, east, north in degrees; west is larger than east across 180 degrees.
    code : str or None
        Code of the UN, which So2Sat names its folders with.
    source : str
        Where the box is from.
    region : str
        State or province, where it tells places of one name apart.
    key : str
        ``city:<UN code>`` or ``place:<GeoNames id>``; empty for a box or a file.
    """

    name: str
    country: str
    population: int | None
    box: Box
    code: str | None
    source: str
    region: str = ""
    key: str = ""

    @property
    def folder_name(self) -> str:
        """``22007_22007_Lagos``, the form of So2Sat's folders; zeros stand for no code."""
        name = re.sub(r"[^A-Za-z0-9]", "", ascii_letters(self.name)) or "Place"
        code = self.code or "00000"
        return f"{code}_{code}_{name}"

    @property
    def utm(self) -> str:
        """The UTM zone of the middle, such as ``EPSG:32631``."""
        return utm_of(*middle_of(self.box))

    @property
    def label(self) -> str:
        """``Springfield, Missouri, United States``."""
        return ", ".join(t for t in (self.name, self.region, self.country) if t)
