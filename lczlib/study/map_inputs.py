"""The settings of how a study's own maps are read, each with what it means (the page's tooltips)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import param
import xarray as xr

from lczlib.errors import InputError
from lczlib.legends import parse_legend
from lczlib.maps import MapOptions, open_map_certainty
from lczlib.numbering import MAP_SCHEMES

OWN_MAPS = ("map", "reference")
"""Files that a user gives as maps: the first part of their settings' names."""


def _band() -> param.String:
    return param.String(
        "", doc="Band of the classes, by number or name; empty: the LCZ Generator's lczFilter, or the "
        "only one.",
    )  # fmt: skip


def _scheme() -> param.Selector:
    return param.Selector(
        default="", objects=["", *MAP_SCHEMES],
        doc="Numbering of the codes, where they do not tell it: 1-17; 1-10 and 101-107; 0-16; or WRF's "
        "31-41 and 51-61.",
    )  # fmt: skip


def _nodata() -> param.String:
    return param.String(
        "", doc="Values that are no data and that the file does not declare: 255 or 0,255."
    )


def _legend() -> param.String:
    return param.String(
        "",
        doc="What each code means, in place of a numbering: 1=2,2=3,3=B,4=D,5=G; 9=0 is no data.",
    )


class MapInputs(param.Parameterized):
    """How a study reads its own LCZ map and its own reference: the options of every command."""

    map_band, map_scheme, map_nodata, map_legend = _band(), _scheme(), _nodata(), _legend()
    reference_band, reference_scheme = _band(), _scheme()
    reference_nodata, reference_legend = _nodata(), _legend()


def map_settings(which: str) -> tuple[str, ...]:
    """Names of the settings of one of `OWN_MAPS`."""
    return tuple(f"{which}_{kind}" for kind in ("band", "scheme", "nodata", "legend"))


def chosen_options(values: Mapping[str, Any], which: str) -> MapOptions:
    """The options that a study's settings stand for.

    Raises
    ------
    InputError
        If a no-data value is no number, or the legend is none.
    """
    band, scheme, nodata, legend = (values[n].strip() for n in map_settings(which))
    try:
        missing = tuple(float(t) for t in nodata.split(",") if t.strip())
    except ValueError as err:
        msg = f"{nodata!r} is no no-data value: write a number, such as 255, or several by commas."
        raise InputError(msg) from err
    return MapOptions(
        band or None, scheme or None, missing, parse_legend(legend) if legend else None
    )


def own_certainty(own: xr.DataArray | None) -> xr.DataArray | None:
    """The certainty that the file of an uploaded map gives; None where it has none."""
    if own is None or not own.attrs.get("certainty_band"):
        return None
    return _certainty(own.attrs["source"])


@lru_cache(2)  # shown again with each change of the view
def _certainty(path: str) -> xr.DataArray | None:
    return open_map_certainty(path)
