"""How certain a map is: by its probabilities, those beside its file, or its own band."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from lczlib.grid import check_same_grid
from lczlib.jobs.request import Source, is_path
from lczlib.kinds import lcz_file, proba_file
from lczlib.maps import certainty as certainty_of
from lczlib.maps import open_map_certainty, open_probabilities


def found_certainty(
    source: Source, lcz: xr.DataArray, probabilities: Source | None = None
) -> tuple[xr.DataArray | None, Path | None]:
    """The certainty of a map, where it can be had, and the file of probabilities that tells it.

    Parameters
    ----------
    source : path or open map
        The map, as a job was given it.
    lcz : DataArray (y, x)
        The same, opened.
    probabilities : path or DataArray, optional
        Its class probabilities; by default ``x_proba.tif`` beside ``x_lcz.tif``, else the map's own band.

    Returns
    -------
    DataArray (y, x) or None
        0..1, NaN where not known, on the map's grid.
    Path or None

    Raises
    ------
    InputError, GridError
        If the probabilities cannot be read, or lie on another grid.
    """
    path = probabilities
    if path is None and is_path(source):
        name = Path(source).name
        kind = name.removesuffix(lcz_file(""))
        beside = Path(source).with_name(proba_file(kind))
        path = beside if kind != name and beside.is_file() else None
    if path is not None:
        proba = path if isinstance(path, xr.DataArray) else open_probabilities(path)
        check_same_grid(lcz, proba, ("map", "probabilities"))
        sure = certainty_of(proba).compute()
        return sure.assign_coords(x=lcz["x"], y=lcz["y"]), Path(path) if is_path(path) else None
    if lcz.attrs.get("certainty_band") and is_path(source):
        return open_map_certainty(source), None
    return None, None
