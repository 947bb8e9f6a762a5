"""Fields of many times as one NetCDF file after the CF conventions, written a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from odc.geo.geobox import GeoBox

from lczlib.export.files import staged

_FILL = -32768
_TIMES = 24
"""Times in a chunk."""
_EPOCH = pd.Timestamp("1970-01-01", tz="UTC")


@dataclass(frozen=True)
class Layer:
    """A variable of such a file: what it is called, its unit and the step in which it is kept."""

    long_name: str
    units: str
    step: float
    standard_name: str = ""


@contextmanager
def time_fields(
    path: str | Path,
    box: GeoBox,
    times: pd.DatetimeIndex,
    layers: Mapping[str, Layer],
    *,
    rows: int,
    **attributes: str,
) -> Iterator[TimeFields]:
    """A file of layers (time, y, x) that appears when the block ends and everything is written.

    Values are kept as 16-bit whole numbers of `Layer.step`, compressed, so that readers which know CF
    get them back to half a step.

    Parameters
    ----------
    path : path
        Of the file.
    box : GeoBox
        The grid.
    times : DatetimeIndex
        UTC.
    layers : mapping of str to Layer
        Variables by name.
    rows : int
        Rows of the grid in a chunk: as many as are written at once.
    **attributes
        Of the file.
    """
    import h5netcdf

    with staged(path) as temporary, h5netcdf.File(temporary, "w") as file:
        height, width = box.shape
        file.dimensions = {"time": len(times), "y": height, "x": width}
        file.attrs.update({"Conventions": "CF-1.11", **attributes})
        utc = times.tz_convert("UTC") if times.tz is not None else times.tz_localize("UTC")
        hours = np.asarray((utc - _EPOCH) / pd.Timedelta("1h"), float)
        _coordinate(file, "time", hours, units="hours since 1970-01-01 00:00:00 +00:00",
                    calendar="standard", standard_name="time")  # fmt: skip
        a = box.affine
        _coordinate(file, "x", a.c + a.a * (np.arange(width) + 0.5), units="m",
                    standard_name="projection_x_coordinate")  # fmt: skip
        _coordinate(file, "y", a.f + a.e * (np.arange(height) + 0.5), units="m",
                    standard_name="projection_y_coordinate")  # fmt: skip
        crs = file.create_variable("spatial_ref", (), np.int32, data=np.int32(0))
        crs.attrs.update(
            {**box.crs.proj.to_cf(), "crs_wkt": box.crs.to_wkt(),
             "GeoTransform": " ".join(f"{v:.12g}" for v in a.to_gdal())}
        )  # fmt: skip
        for name, layer in layers.items():
            made = file.create_variable(
                name, ("time", "y", "x"), np.int16, fillvalue=np.int16(_FILL), compression="gzip",
                compression_opts=1, shuffle=True, chunks=(min(_TIMES, len(times)), min(rows, height), width),
            )  # fmt: skip
            made.attrs.update({
                "units": layer.units, "long_name": layer.long_name, "grid_mapping": "spatial_ref",
                "scale_factor": layer.step, "add_offset": 0.0,
                **({"standard_name": layer.standard_name} if layer.standard_name else {}),
            })  # fmt: skip
        yield TimeFields(file, dict(layers))


def _coordinate(file: Any, name: str, values: np.ndarray, **attributes: str) -> None:
    made = file.create_variable(name, (name,), np.float64, data=values)
    made.attrs.update(attributes)


@dataclass(frozen=True)
class TimeFields:
    """An open file of `time_fields`."""

    file: Any
    layers: dict[str, Layer]

    def put(self, name: str, rows: slice, values: np.ndarray) -> None:
        """Values (time, rows, x) of a layer at some rows of the grid, all times."""
        step, variable = self.layers[name].step, self.file[name]
        kept = np.rint(values / np.float32(step))
        missing = ~np.isfinite(kept) | (np.abs(kept) > -_FILL - 1)
        variable[:, rows] = np.where(missing, np.float32(_FILL), kept).astype(np.int16)
