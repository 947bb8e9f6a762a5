"""Cloud-Optimized GeoTIFF of maps, probabilities and other layers.

Arrays may be dask-backed: they are computed and written a band of rows at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import rasterio
import rasterio.shutil
import xarray as xr
from rasterio.windows import Window

from lczlib.classes import CLASSES, NUMBERING, Scheme, in_scheme
from lczlib.errors import InputError
from lczlib.export.files import staged
from lczlib.grid import geobox_of
from lczlib.machine import threads
from lczlib.maps import FLAG_ATTRS

PROBABILITY_SCALE = 1e-4
PROBABILITY_NODATA = 65535
_ROWS = 512


@contextmanager
def gdal_writing(path: Path) -> Iterator[None]:
    """Turn what GDAL says of a file that it cannot write into an `InputError` that names it."""
    try:
        yield
    except Exception as err:
        # GDAL's own errors (rasterio._err.CPLE_*) have no public base class
        if not type(err).__module__.startswith("rasterio"):
            raise
        msg = f"{path} could not be written ({err}): is the disk full or the folder read-only?"
        raise InputError(msg) from err


def write_raster(
    path: str | Path,
    data: xr.DataArray,
    *,
    nodata: float | None = None,
    descriptions: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    colormap: Mapping[int, tuple[int, int, int]] | None = None,
    scale: float = 1.0,
    offset: float = 0.0,
    unit: str = "",
    band_tags: Sequence[Mapping[str, str]] = (),
    overview_resampling: str = "average",
) -> Path:
    """Write ``(y, x)`` or ``(band, y, x)`` data as a Cloud-Optimized GeoTIFF.

    Parameters
    ----------
    path : path
        Target; appears only when complete.
    data : DataArray
        Last two dims y, x; dask-backed data is computed a band of rows at a time.
    nodata : float, optional
        No-data value; NaN for float data when not given.
    descriptions : sequence of str
        Name of each band.
    tags : mapping, optional
        GeoTIFF metadata items.
    colormap : mapping, optional
        Colour of each code, for one-band uint8 data.
    scale, offset : float
        Written as the bands' own: physical value = stored value x scale + offset.
    unit : str
        Of the physical values.
    band_tags : sequence of mapping
        Metadata items of each band.
    overview_resampling : str
        How overviews are made; ``mode`` for class codes.

    Raises
    ------
    InputError
        If the disk is full or the folder cannot be written.
    """
    path = Path(path)
    box = geobox_of(data, path.name)
    bands = data if data.ndim == 3 else data.expand_dims("band")
    if nodata is None and data.dtype.kind == "f":
        nodata = float("nan")
    count, height, width = bands.shape
    profile = {
        "driver": "GTiff", "count": count, "height": height, "width": width,
        "dtype": data.dtype.name, "crs": box.crs.to_wkt(), "transform": box.affine,
        "nodata": nodata, "tiled": True, "blockxsize": 256, "blockysize": 256,
        "compress": "zstd", "zstd_level": 1, "bigtiff": "if_safer",
        "num_threads": threads(),
    }  # fmt: skip
    predictor = {"u": "2", "i": "2", "f": "3"}[data.dtype.kind]
    with gdal_writing(path), staged(path) as final:
        flat = final.with_name("flat.tif")  # the COG driver only copies finished files
        with rasterio.open(flat, "w", **profile) as dst:
            for top in range(0, height, _ROWS):
                rows = bands[:, top : top + _ROWS].compute().values
                dst.write(rows, window=Window(0, top, width, rows.shape[1]))
            for i, description in enumerate(descriptions, start=1):
                dst.set_band_description(i, description)
            for i, items in enumerate(band_tags, start=1):
                dst.update_tags(i, **items)
            if scale != 1.0:
                dst.scales = (scale,) * count
            if offset:
                dst.offsets = (offset,) * count
            if unit:
                dst.units = (unit,) * count
            if colormap:
                dst.write_colormap(1, dict(colormap))
            dst.update_tags(**(tags or {}))
        rasterio.shutil.copy(
            flat, final, driver="COG", compress="DEFLATE", predictor=predictor,
            overview_resampling=overview_resampling.upper(), blocksize=256, num_threads=str(threads()),
        )  # fmt: skip
    return path


def write_lcz_map(
    path: str | Path,
    lcz: xr.DataArray,
    *,
    tags: Mapping[str, str] | None = None,
    scheme: Scheme = "1-17",
) -> Path:
    """Write an LCZ map (uint8) with colour table and category names.

    The colour table and CF ``flag_values`` / ``flag_meanings`` are in the GeoTIFF; category names
    go to GDAL's ``.aux.xml`` beside it, from where QGIS takes the legend's text.

    Parameters
    ----------
    path : path
        Target; appears only when complete.
    lcz : DataArray (y, x)
        Codes 0..17, 0 = no data.
    tags : mapping, optional
        GeoTIFF metadata items.
    scheme : Scheme
        Numbering of the file: ``1-17``, ``101-107`` (both with 0 = no data) or ``0-16`` (255 = no data); the
        file states it, so that it is read back without being told.
    """
    flags, nodata = in_scheme(np.array([c.number for c in CLASSES], np.uint8), scheme)
    coded = lcz
    if scheme != "1-17":
        coded = xr.apply_ufunc(
            lambda block: in_scheme(block, scheme)[0], lcz, dask="parallelized",
            output_dtypes=[np.uint8],
        )  # fmt: skip
    told = {
        "flag_values": ", ".join(map(str, flags)),
        "flag_meanings": str(FLAG_ATTRS["flag_meanings"]),
        NUMBERING: scheme,
    }
    colors = {int(v): c.rgb for v, c in zip(flags, CLASSES, strict=True)}
    write_raster(
        path,
        coded,
        nodata=nodata,
        descriptions=["LCZ"],
        colormap={nodata: (255, 255, 255)} | colors,
        tags={**told, **(tags or {})},
        overview_resampling="mode",
    )
    labels = {int(v): c.label for v, c in zip(flags, CLASSES, strict=True)}
    names = [labels.get(v, "" if v else "no data") for v in range(int(flags[-1]) + 1)]
    categories = "\n".join(f"      <Category>{escape(n)}</Category>" for n in names)
    sidecar = (
        '<PAMDataset>\n  <PAMRasterBand band="1">\n    <CategoryNames>\n'
        f"{categories}\n    </CategoryNames>\n  </PAMRasterBand>\n</PAMDataset>\n"
    )
    with staged(f"{path}.aux.xml") as temporary:
        temporary.write_text(sidecar)
    return Path(path)


def write_probabilities(
    path: str | Path, proba: xr.DataArray, *, tags: Mapping[str, str] | None = None
) -> Path:
    """Write class probabilities as uint16 with scale 1e-4 and no-data value 65535.

    Readers that apply the file's scale get 0-1 back, exact to 0.00005.
    """
    scaled = np.rint(proba / PROBABILITY_SCALE)
    stored = scaled.where(proba.notnull(), PROBABILITY_NODATA).astype(np.uint16)
    return write_raster(
        path,
        stored.transpose("lcz", "y", "x"),
        nodata=PROBABILITY_NODATA,
        descriptions=[c.label for c in CLASSES],
        scale=PROBABILITY_SCALE,
        tags=tags,
    )
