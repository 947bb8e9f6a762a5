"""The maps without a manifest that a report is given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lczlib.errors import InputError
from lczlib.jobs.map_files import advising

if TYPE_CHECKING:
    import xarray as xr

    from lczlib.jobs.report import ReportRequest


def is_map(path: Path) -> bool:
    """Whether a source is a map without a manifest."""
    return path.suffix.lower() in (".tif", ".tiff") and not path.is_dir()


def opened_maps(request: ReportRequest) -> dict[Path, xr.DataArray]:
    """The maps without a manifest of a report, read as their files or the request say.

    Raises
    ------
    InputError, ClassSchemeError, GridError
        If one is no LCZ map, or has no cell with a class.
    """
    from lczlib.maps import open_lcz_map

    found = {}
    for (name, options), (_, source) in zip(
        request.reading().items(), request.read_maps(), strict=True
    ):
        path = Path(source)
        with advising(name, request.called):
            found[path] = open_lcz_map(path, options=options).load()
        if not (found[path] > 0).any():
            msg = f"The LCZ map {path} has no cell with a class: leave it out, or give the map that was meant."
            raise InputError(msg, parameter="results")
    return found
