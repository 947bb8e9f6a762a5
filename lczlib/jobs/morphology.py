"""Area of each class of a map, and the published ranges of its form and fabric."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from lczlib.jobs.map_files import CHUNKS, OneMap, open_map
from lczlib.jobs.request import Steps
from lczlib.jobs.result import Result, job
from lczlib.settings import setting

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def _check_parameters(names: Iterable[str]) -> None:
    from lczlib.analysis.heat.morphology import check_parameter

    for name in names:
        check_parameter(name)


@dataclass(frozen=True, kw_only=True)
class MorphologyRequest(OneMap):
    """Areas of a map's classes, and what form and fabric they have."""

    command: ClassVar = "morphology"

    parameter: tuple[str, ...] = setting(
        (),
        "Such as height.",
        title="Properties",
        check=_check_parameters,
        usual="all",
        repeat=True,
    )

    def parameters(self) -> tuple[str, ...]:
        """The properties that are asked for, by name."""
        from lczlib.analysis.heat.morphology import PARAMETERS

        return tuple(dict.fromkeys(self.parameter)) or tuple(PARAMETERS)


@dataclass(frozen=True, kw_only=True, repr=False)
class MorphologyResult(Result):
    """Areas of a map's classes, with what is published of each.

    Attributes
    ----------
    request : MorphologyRequest
    lcz : DataArray (y, x)
        The map.
    areas : DataFrame
        As of `lczlib.analysis.heat.morphology.class_areas`.
    """

    draws = False

    request: MorphologyRequest
    lcz: xr.DataArray = field(repr=False)
    areas: pd.DataFrame = field(repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """Area, ranges and central values of each class that the map holds, with their source."""
        from lczlib.analysis.heat.morphology import central_values, morphology_table

        central = central_values()
        central.columns = [n if n.endswith("_source") else f"{n}_central" for n in central.columns]
        return self.areas.join(morphology_table().drop(columns=["code", "name"])).join(central)

    def headline(self) -> str:
        """How many classes there are, and on what area, in a sentence."""
        return f"{len(self.areas)} classes on {self.areas['area_km2'].sum():,.2f} km²."

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.analysis.heat.morphology import PARAMETERS, morphology_raster
        from lczlib.export import write_raster
        from lczlib.export.files import write_table

        write_table(folder / "morphology.csv", self.to_dataframe())
        for name in self.request.parameters():
            layer = morphology_raster(self.lcz, name)
            unit, meaning = PARAMETERS[name]
            tags = {"units": unit, "long_name": meaning}
            tags["source"] = "Stewart & Oke 2012, tables 3 and 4; central: see morphology.csv"
            write_raster(
                folder / f"{name}.tif", layer, tags=tags, overview_resampling="nearest",
                descriptions=[f"{name} {b}" for b in layer["bound"].values],
            )  # fmt: skip


@job
def run(request: MorphologyRequest, step: Steps) -> MorphologyResult:
    """Areas of a map's classes; what is published of them is looked up when it is asked for."""
    from lczlib.analysis.heat.morphology import class_areas

    step("Reading the map", 0, 2)
    lcz = open_map(request.map_path, request, chunks=CHUNKS)
    step("Areas", 1, 2)
    return MorphologyResult(request=request, lcz=lcz, areas=class_areas(lcz))
