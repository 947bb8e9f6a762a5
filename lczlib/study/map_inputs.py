"""The settings of how a study's own maps are read, each with what it means (the page's tooltips)."""

from __future__ import annotations

from typing import Any

import param
import xarray as xr

from lczlib.jobs.map_files import KINDS, OneMap, read_value
from lczlib.maps import MapOptions, open_map_certainty
from lczlib.numbering import MAP_SCHEMES
from lczlib.settings import described
from lczlib.study.given import Given

OWN_MAPS = ("map", "reference")
"""Files that a user gives as maps: the first part of their settings' names."""


def map_settings(which: str) -> tuple[str, ...]:
    """Names of the settings of one of `OWN_MAPS`."""
    return tuple(f"{which}_{kind}" for kind in KINDS)


class MapInputs(param.Parameterized):
    """How a study reads its own LCZ map and its own reference: the settings of every job."""


for _name, _kind in (
    (n, k) for which in OWN_MAPS for n, k in zip(map_settings(which), KINDS, strict=True)
):
    _told = described(OneMap)[OneMap.called.get(_kind, _kind)].setting
    _made = (
        param.Selector(default="", objects=["", *MAP_SCHEMES], doc=_told.doc)
        if _kind == "scheme"
        else param.String("", doc=_told.doc)
    )
    MapInputs.param.add_parameter(_name, _made)


def chosen_options(given: Given, which: str) -> MapOptions:
    """The options that a study's settings stand for.

    Raises
    ------
    LczError
        If a no-data value is no number, or the legend is none.
    """
    texts = {
        kind: getattr(given, name).strip()
        for kind, name in zip(KINDS, map_settings(which), strict=True)
    }
    return MapOptions(**{kind: read_value(kind, text) for kind, text in texts.items() if text})


class OwnCertainty:
    """The certainty that the file of an uploaded map gives, kept while that map is shown.

    It is shown again with each change of the view, and belongs to one visitor's map.
    """

    def __init__(self) -> None:
        self._kept: tuple[Any, xr.DataArray | None] = (None, None)

    def __call__(self, own: xr.DataArray | None) -> xr.DataArray | None:
        """Of a map; None where it has none."""
        if self._kept[0] is not own:
            there = own is not None and own.attrs.get("certainty_band")
            self._kept = own, open_map_certainty(own.attrs["source"]) if there else None
        return self._kept[1]
