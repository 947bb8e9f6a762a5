"""``.lcz`` of an xarray map: drawn, measured, judged and renumbered where it stands.

It is there once a function of `lczlib` itself was used (`lczlib.open_map`), or this module imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from lczlib.classes import Scheme
    from lczlib.jobs.assess import AssessResult


class LczMap:
    """What can be done with an LCZ map ``(y, x)`` of codes 1..17, 0 = no data.

    Parameters
    ----------
    codes : DataArray
        The map.

    Examples
    --------
    >>> import lczlib
    >>> lcz = lczlib.open_map("city_lcz.tif")  # doctest: +SKIP
    >>> lcz.lcz.areas()  # doctest: +SKIP
    """

    def __init__(self, codes: xr.DataArray) -> None:
        self._codes = codes

    @property
    def _map(self) -> xr.DataArray:
        from lczlib.maps import as_lcz_map

        return as_lcz_map(self._codes)

    def plot(self, title: str = "") -> Figure:
        """The map in the colours of its classes, with a legend; see `lczlib.figures.lcz.lcz_figure`."""
        from lczlib.figures.lcz import lcz_figure

        return lcz_figure(self._map, title)

    def areas(self) -> pd.DataFrame:
        """Cells and area of each class, by number: ``code``, ``name``, ``n_cells``, ``area_km2``, ``share``."""
        from lczlib.analysis.area import class_areas
        from lczlib.classes import CLASSES

        found = class_areas(self._map)
        found.insert(0, "code", [c.code for c in CLASSES])
        found.insert(1, "name", [c.name for c in CLASSES])
        return found

    def assess(self, reference: Any, **settings: Any) -> AssessResult:
        """The accuracy of the map; see `lczlib.assess`."""
        from lczlib.jobs.assess import AssessRequest, run

        return run(AssessRequest(lcz_map=self._map, reference=reference, **settings))

    def to_scheme(self, scheme: Scheme) -> xr.DataArray:
        """The map in another numbering.

        Parameters
        ----------
        scheme : {"1-17", "101-107", "0-16"}
            As of `lczlib.classes.in_scheme`.

        Returns
        -------
        DataArray (y, x), uint8
            With that numbering's ``flag_values`` and ``_FillValue``. It is no LCZ map of this library
            any more, which counts 1-17 everywhere: write it; the file states its numbering.
        """
        from lczlib.classes import CLASSES, NUMBERING, in_scheme

        codes = self._map
        _, nodata = in_scheme(np.zeros(1, np.uint8), scheme)
        out = xr.apply_ufunc(
            lambda block: in_scheme(block, scheme)[0], codes, dask="parallelized",
            output_dtypes=[np.uint8], keep_attrs=True,
        )  # fmt: skip
        flags, _ = in_scheme(np.array([c.number for c in CLASSES], np.uint8), scheme)
        told = {"flag_values": flags, "_FillValue": np.uint8(nodata), NUMBERING: scheme}
        return out.assign_attrs(told)


def _of(array: xr.DataArray) -> LczMap | xr.DataArray:
    """The map, or of class probabilities their coordinate of that name, as it was before."""
    return array.coords["lcz"] if "lcz" in array.coords else LczMap(array)


xr.register_dataarray_accessor("lcz")(_of)
