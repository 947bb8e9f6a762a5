"""What `lcz prepare-s1` made, and its files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lczlib.jobs.result import Result

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from lczlib.jobs.prepare_s1 import PrepareS1Request
    from lczlib.jobs.prepare_s1_plan import Plan
    from lczlib.jobs.scratch import Scratch


@dataclass(frozen=True, kw_only=True, repr=False)
class PrepareS1Result(Result):
    """The images of a pass, in tiles until they are written.

    Attributes
    ----------
    planned : Plan
    speckle : str
        The filter.
    work : Path
        Where the tiles lie.
    tile : int
        Their edge in pixels.
    valid : int
        Pixels that hold data.
    """

    draws: ClassVar[bool] = False
    request: PrepareS1Request
    planned: Plan
    speckle: str
    work: Path
    tile: int
    valid: int
    scratch: Scratch | None = field(default=None, repr=False)

    def files(self) -> dict[str, str]:
        """The files that it writes, by the recipe's name of each image."""
        return {i.folder: i.file(self.planned.date) for i in self.planned.recipe.images}

    def image(self, folder: str) -> xr.DataArray:
        """An image of the recipe, ``(band, y, x)`` or ``(y, x)``, lazily."""
        import dask.array as da
        import xarray as xr
        from dask.delayed import delayed
        from odc.geo.xr import xr_coords

        from lczlib.export.files import stored_array

        rows, columns = self.planned.grid.shape
        bands = {i.folder: (len(i.bands),) for i in self.planned.recipe.images}.get(folder, ())
        kind = np.uint8 if folder == "hidden" else np.float32
        blocks = [
            [
                da.from_delayed(
                    delayed(stored_array)(self.work / f"{row}_{column}.npz", folder),
                    (*bands, min(self.tile, rows - row), min(self.tile, columns - column)), kind,
                )
                for column in range(0, columns, self.tile)
            ]
            for row in range(0, rows, self.tile)
        ]  # fmt: skip
        data = da.block(blocks)
        dims = ("band", "y", "x") if bands else ("y", "x")
        out = xr.DataArray(data, dims=dims, coords=xr_coords(self.planned.grid))
        return out.odc.assign_crs(self.planned.grid.crs)

    def to_dataframe(self) -> pd.DataFrame:
        """The images: file, bands, pixels that hold data."""
        import pandas as pd

        rows = [
            {"file": self.files()[i.folder], "bands": ", ".join(i.bands), "valid": self.valid_share}
            for i in self.planned.recipe.images
        ]
        return pd.DataFrame(rows).set_index("file")

    @property
    def valid_share(self) -> float:
        """Share of the region's pixels that hold data."""
        return self.valid / int(np.prod(self.planned.grid.shape))

    def headline(self) -> str:
        """The result in a sentence."""
        names = ", ".join(p.name for p in self.planned.products)
        rows, columns = self.planned.grid.shape
        return (
            f"{names}: {columns} x {rows} pixels for {self.planned.recipe.title}, {self.valid_share:.1%} of them "
            f"with data, speckle filter {self.speckle}."
        )

    def facts(self) -> Mapping[str, Any]:
        """What the manifest says beside the request."""
        said = self.planned.said()
        return {
            "sentinel1": {**self._tags, "bursts": self.planned.bursts(), "valid_share": self.valid_share},
            "orbit_fit": said["orbit"],
        }  # fmt: skip

    def also_read(self) -> list[Path]:
        """The products' own files, and the orbit file."""
        from lczlib.jobs.prepare_s1_plan import orbit_files

        return [f for p in self.planned.products for f in p.files()] + orbit_files(self.planned)

    @cached_property
    def _tags(self) -> dict[str, str]:
        from lczlib.jobs.prepare_s1_plan import version_of

        planned = self.planned
        one = planned.products[0].any_swath
        silent = {"thermal_noise": "annotated as 0"} if planned.without_noise() else {}
        if any(p.simulated for p in planned.products):  # which networks of real scenes do not know
            silent["LCZLIB_SIMULATED"] = "yes"
        return {
            **planned.recipe.tags(), **silent, "speckle_filter": self.speckle, "speckle_window": "7",
            "products": " ".join(p.name for p in planned.products), "orbit": planned.orbit.source,
            "orbit_file": planned.orbit.file.name if planned.orbit.file else "",
            "dem": Path(str(self.request.dem)).name, "dem_height": planned.heights,
            "processor": " ".join(sorted({version_of(p) for p in planned.products})),
            "border_noise": planned.border_noise(), "date": planned.date, "pass": one.direction,
            "relative_orbit": str(planned.products[0].relative_orbit or ""),
        }  # fmt: skip

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - it has none
        from lczlib.export.geotiff import write_raster

        tags = self._tags
        for image in self.planned.recipe.images:
            write_raster(
                folder / self.files()[image.folder], self.image(image.folder), nodata=image.nodata,
                descriptions=image.bands, tags=tags, overview_resampling="nearest",
            )  # fmt: skip
        write_raster(
            folder / "incidence_angle.tif", self.image("incidence"), descriptions=["incidence angle"],
            tags={**tags, "units": "degree"},
        )  # fmt: skip
        write_raster(
            folder / "layover_shadow.tif", self.image("hidden"), nodata=255, overview_resampling="mode",
            descriptions=["0 neither, 1 layover, 2 shadow, 3 both"], tags=tags,
        )  # fmt: skip

    def close(self) -> None:
        """Remove the tiles, which the written files hold."""
        shutil.rmtree(self.work, ignore_errors=True)
        if self.scratch is not None:
            self.scratch.remove()
