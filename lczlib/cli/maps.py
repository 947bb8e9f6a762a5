"""The options of a command's only LCZ map, of commands that are no jobs yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lczlib.errors import LczError
from lczlib.jobs.map_files import OneMap, checked, open_map
from lczlib.settings import described

if TYPE_CHECKING:
    import xarray as xr


def _option(kind: str, name: str = "") -> Any:
    told = described(OneMap)[name or kind]
    return typer.Option(
        told.option, help=told.setting.doc, metavar=told.setting.metavar, show_default=False,
        callback=_checked(kind),
    )  # fmt: skip


def _checked(kind: str) -> Callable[[list[str] | None], list[str] | None]:
    def callback(given: list[str] | None) -> list[str] | None:
        try:
            checked(kind)(given or ())
        except LczError as err:
            raise typer.BadParameter(str(err)) from err
        return given

    return callback


Bands = Annotated[list[str] | None, _option("band")]
Schemes = Annotated[list[str] | None, _option("scheme")]
Nodata = Annotated[list[str] | None, _option("nodata")]
Legends = Annotated[list[str] | None, _option("legend")]
MapColumns = Annotated[list[str] | None, _option("column", "map_column")]
MapLayers = Annotated[list[str] | None, _option("layer", "map_layer")]


def open_only_map(options: Mapping[str, Any]) -> xr.DataArray:
    """Open the map of a command, of whose values by parameter name (`locals()`) this reads its own.

    Raises
    ------
    typer.BadParameter
        If a value is for a map that is none, or comes twice.
    InputError, ClassSchemeError, GridError
        If it is no map.
    """
    given = {n: options[n] for n in described(OneMap) if options.get(n) is not None}
    try:
        request = OneMap(**given)
    except LczError as err:
        raise typer.BadParameter(str(err)) from err
    return open_map(request.map_path, request)
