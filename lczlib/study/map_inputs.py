"""The settings of how a study's own maps are read, each with what it means (the page's tooltips)."""

from __future__ import annotations

from collections.abc import Mapping
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


def _column() -> param.String:
    return param.String("", doc="Of polygons: the column that holds the class.")


def _layer() -> param.String:
    return param.String("", doc="Of polygons: the layer to read, of a file that holds several.")


class MapInputs(param.Parameterized):
    """How a study reads its own LCZ map and its own reference: the options of every command."""

    map_band, map_scheme, map_nodata, map_legend = _band(), _scheme(), _nodata(), _legend()
    reference_band, reference_scheme = _band(), _scheme()
    reference_nodata, reference_legend = _nodata(), _legend()
    map_column, map_layer = _column(), _layer()
    reference_column, reference_layer = _column(), _layer()


_SETTINGS = ("band", "scheme", "nodata", "legend", "column", "layer")


def map_settings(which: str) -> tuple[str, ...]:
    """Names of the settings of one of `OWN_MAPS`."""
    return tuple(f"{which}_{kind}" for kind in _SETTINGS)


def chosen_options(values: Mapping[str, Any], which: str) -> MapOptions:
    """The options that a study's settings stand for.

    Raises
    ------
    InputError
        If a no-data value is no number, or the legend is none.
    """
    band, scheme, nodata, legend, column, layer = (values[n].strip() for n in map_settings(which))
    try:
        missing = tuple(float(t) for t in nodata.split(",") if t.strip())
    except ValueError as err:
        msg = f"{nodata!r} is no no-data value: write a number, such as 255, or several by commas."
        raise InputError(msg) from err
    return MapOptions(
        band or None, scheme or None, missing, parse_legend(legend) if legend else None,
        column or None, layer or None,
    )  # fmt: skip


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
