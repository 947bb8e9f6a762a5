"""Raster files: opened as stored, with what each band says of itself, masks as no data.

All doors for rasters (maps, scenes, thermal, references) open their files here, so that internal
masks, alpha bands, scales by band, sub-datasets and impossible headers are dealt with once.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rioxarray
import xarray as xr
from affine import Affine
from dask.utils import SerializableLock
from rasterio.enums import Interleaving, MaskFlags

from lczlib.archives import archive_of, file_of
from lczlib.errors import GridError, InputError
from lczlib.limits import check_size
from lczlib.raster_axes import on_its_grid, placed
from lczlib.raster_masks import alpha_of, with_mask
from lczlib.unreadable import Wanted, unreadable

BANDWISE = {"band": 1, "y": -1, "x": -1}
"""Chunks for a door that reads one band of a file, or none: nothing is read at the opening, and no
more than that band later."""

_COPIES = 3
"""Of values that are in memory at once: as stored, as float32, and what is made of them."""

_STEPS = 16
"""Of what a coordinate's digits can tell apart, that a cell is wide at least."""
_FARTHEST = 1e9
"""Largest coordinate of any CRS in use: the Earth's circumference is 1.3e8 feet."""


def open_raster(
    path: str | Path,
    what: str = "raster",
    *,
    wanted: Wanted = "raster",
    chunks: object = None,
    band: int | str | None = None,
    option: str = "",
    cell_bytes: float = 0,
) -> xr.DataArray:
    """Open a raster file as ``DataArray (band, y, x)``, values as stored.

    Parameters
    ----------
    path : path
        The file. A raster inside a zip archive is named by a path through it
        (``maps.zip/tiff/lcz.tif``) or by GDAL (``zip://archive.zip!map.tif``).
    what, wanted : str
        What messages call it, and what kind of file they ask for.
    chunks : optional
        As xarray understands them.
    band : int or str, optional
        The variable to open, of a file that holds several as sub-datasets (NetCDF, HDF5).
    option : str
        The option of commands that names the band of this file, such as ``--band``; empty: none does.
    cell_bytes : float
        Memory that a pixel takes in what is made of it, beside what is kept of the file.

    Returns
    -------
    DataArray (band, y, x)
        ``attrs``: ``scales``, ``offsets``, ``units_of_bands`` and ``names``, a tuple each with an entry
        a band (see `layer_of`). An alpha band is left out. Pixels that the file masks (internal mask,
        alpha, ``.msk``) hold its no-data value; where it has none, one is chosen, in a wider type
        where the file's own has none to spare. Rows that go north are turned, and told. ``encoding``:
        ``source``, GDAL's name of the file; and ``mask`` where it masks pixels: ``mask``, or the number
        of its alpha band.

    Raises
    ------
    InputError, GridError
        If the file is missing, truncated, too large, complex or no raster, if it holds several
        sub-datasets and none was named, or if its geotransform is no place on Earth, or missing.
    """
    name = _gdal_name(path)
    if name is None:
        raise InputError(unreadable(path, what, wanted))
    try:
        name = _sub_dataset(name, band, path, what, option)
        with rasterio.open(name) as src:
            _check_header(src, path, what, chunks, cell_bytes)
            alpha = alpha_of(src)
            bands = _bands_of(src, alpha)
            flags = src.mask_flag_enums[0]
            masked = MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags
            netcdf = any(t.startswith("NETCDF_DIM_") for t in src.tags())
        with warnings.catch_warnings():
            # that scales differ by band: what each band says is kept below
            warnings.filterwarnings(
                "ignore", message="(Scales|Offsets) differ", category=UserWarning
            )
            # With the lock that all files share, a file whose last array goes while another is read
            # is not closed, and keeps its blocks in memory; no two files are read at once with it.
            opened = partial(
                rioxarray.open_rasterio, name, mask_and_scale=False, lock=SerializableLock(),
                decode_times=False,  # would need another package for a NetCDF with times
            )  # fmt: skip
            if netcdf and isinstance(chunks, Mapping):  # whose bands are along an axis of its own
                axis = opened(chunks=None).dims[0]
                chunks = {axis if k == "band" else k: n for k, n in chunks.items()}
            data = opened(chunks=chunks)
        with rasterio.open(name) as src:  # a truncated file opens, and fails at its last block
            last = src.block_window(
                1, *(-(-n // b) - 1 for n, b in zip(src.shape, src.block_shapes[0], strict=True))
            )
            src.read(src.count, window=last)
    except (rasterio.errors.RasterioError, OSError, IndexError, UnicodeDecodeError) as err:
        raise InputError(unreadable(path, what, wanted)) from err
    if not isinstance(data, xr.DataArray):
        msg = f"The {what} {path} holds several sub-datasets of different grids: name one of them."
        raise InputError(msg)
    if data.dims[0] != "band":  # the times of a NetCDF
        data = data.rename({data.dims[0]: "band"}).drop_vars("band", errors="ignore")
    data = data.isel(band=bands["index"])
    data.attrs |= {k: tuple(v) for k, v in bands.items() if k != "index"}
    data = on_its_grid(data, name, path, what)
    data = with_mask(data, name, alpha) if masked or alpha is not None else data
    return placed(data, name, path, what)


def _check_header(
    src: rasterio.DatasetReader, path: str | Path, what: str, chunks: object, cell_bytes: float
) -> None:
    """Refuse from its header what no reading can make sense of."""
    if not src.count:
        msg = f"The {what} {path} holds no band."
        raise InputError(msg)
    for dtype in src.dtypes:
        check_real(dtype, f"{what} {path}")
    pixels = src.width * src.height
    odd = [v for v in (*src.scales, *src.offsets) if not abs(v) <= np.finfo(np.float32).max]
    if odd:
        msg = (
            f"The {what} {path} states a scale or offset of {odd[0]:g}: write the right one into it "
            "(`gdal_edit.py -scale 1 -offset 0 FILE`)."
        )
        raise InputError(msg)
    stored = max(np.dtype(t).itemsize for t in src.dtypes)
    worked = _COPIES * max(4, stored)  # on as float32 at least
    # read whole, all stays; by windows, a byte a pixel of each band that is read together
    together = chunks.get("band", -1) if isinstance(chunks, Mapping) else -1
    bands = min(together, src.count) if together > 0 else src.count
    kept = bands * worked if chunks is None else bands
    block = max(rows * columns for rows, columns in src.block_shapes)
    if src.interleaving == Interleaving.pixel:
        block *= src.count
    check_size(
        max(pixels * (kept + cell_bytes), block * stored, _window(src, chunks) * worked), path, what,
        f"{src.width:,} x {src.height:,} pixels in {src.count} band(s)",
    )  # fmt: skip
    check_transform(tuple(src.transform)[:6], src.shape, f"{what} {path}")


def _window(src: rasterio.DatasetReader, chunks: object) -> int:
    """Values that a file is read by at once, where chunks say so."""
    if not (isinstance(chunks, Mapping) and chunks):
        return 0
    out = 1
    for axis, n in (("band", src.count), ("y", src.height), ("x", src.width)):
        part = chunks.get(axis, -1)
        out *= min(part, n) if part > 0 else n
    return out


def check_real(dtype: object, what: str) -> None:
    """Refuse complex numbers, of which nothing here makes sense and which NumPy cuts to their real part.

    Raises
    ------
    InputError
        If the numbers are complex.
    """
    if str(dtype).startswith("complex"):
        msg = f"The {what} holds complex numbers ({dtype}): give real ones, such as its intensity."
        raise InputError(msg)


def check_transform(affine: tuple[float, ...], shape: tuple[int, int], what: str) -> None:
    """Refuse a geotransform that is no place on Earth.

    Parameters
    ----------
    affine : tuple of float
        ``(a, b, c, d, e, f)``: x = a col + b row + c; y = d col + e row + f.
    shape : (int, int)
        Rows and columns.
    what : str
        The raster, in messages.

    Raises
    ------
    GridError
        If a number is NaN or infinite, cells have no area, or corners lie beyond the Earth.
    """
    a, b, c, d, e, f = affine
    rows, cols = shape
    corners = [
        value
        for row in (0, rows)
        for col in (0, cols)
        for value in (a * col + b * row + c, d * col + e * row + f)
    ]
    if not np.isfinite([*affine, *corners]).all():
        wrong = "holds numbers that are NaN or infinite"
    elif max(map(abs, corners)) > _FARTHEST:
        wrong = f"reaches to {max(corners, key=abs):.3g}, which is no place on Earth"
    elif Affine(*affine).is_degenerate or min(np.hypot(a, d), np.hypot(b, e)) < _STEPS * np.spacing(
        max(map(abs, corners))
    ):
        wrong = "gives its cells no area"
    else:
        return
    msg = (
        f"The geotransform of the {what} {wrong}: write it again with its right corner and cell size "
        "(`gdal_edit.py -a_ullr LEFT TOP RIGHT BOTTOM FILE`)."
    )
    raise GridError(msg)


def variables_of(path: str | Path) -> dict[str, str]:
    """GDAL's name of each variable of a file that holds several (NetCDF, HDF5); nothing of others."""
    name = _gdal_name(path)
    try:
        return _variables(name) if name else {}
    except rasterio.errors.RasterioError:  # what it is, opening it will say
        return {}


def _variables(name: str) -> dict[str, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(name) as src:
            inside = [] if src.count else src.subdatasets
    return {s.rsplit(":", 1)[-1].lstrip("/"): s for s in inside}


def _sub_dataset(
    name: str, band: int | str | None, path: str | Path, what: str, option: str
) -> str:
    """GDAL's name of the variable to open; the file's own where it holds bands itself."""
    named = _variables(name)
    if not named:
        return name
    inside = list(named.values())
    if len(inside) == 1:
        return inside[0]
    if isinstance(band, str) and band in named:
        return named[band]
    asked = f", and none is named {band!r}" if isinstance(band, str) else ""
    say = (
        f"say which with {option} {next(iter(named))}, or write that one" if option else "write one"
    )
    msg = (
        f"The {what} {path} holds {len(named)} variables ({', '.join(named)}){asked}: {say} as GeoTIFF "
        f"(`gdal_translate {inside[0]} out.tif`)."
    )
    raise InputError(msg)


def _bands_of(src: rasterio.DatasetReader, alpha: int | None) -> dict[str, list[Any]]:
    """What each band says of itself, without the alpha band: ``index`` and the attributes."""
    index = [i for i in range(src.count) if i != alpha]
    return {
        "index": index,
        "names": [src.descriptions[i] or "" for i in index],
        "scales": [float(src.scales[i]) or 1.0 for i in index],  # a scale of 0 says nothing
        "offsets": [float(src.offsets[i]) for i in index],
        "units_of_bands": [src.units[i] or "" for i in index],
    }


def missing_values(data: xr.DataArray, nodata: float | None = None) -> tuple[float, ...]:
    """Stored values that mean missing: the file's own and the one given; NaN always does."""
    found = {v for v in (data.rio.nodata, nodata) if v is not None and not np.isnan(v)}
    return tuple(sorted(found))


def band_names(data: xr.DataArray) -> list[str]:
    """The names of a raster's bands, empty where it gives none."""
    return [str(n) for n in data.attrs.get("names", [""] * data.sizes["band"])]


def choose_band(
    data: xr.DataArray, band: int | str | None, path: str | Path, option: str = ""
) -> int:
    """Position (from 0) of the band that was asked for: by name, or by its number from 1.

    `option` is as of `open_raster`.

    Raises
    ------
    InputError
        If there is no such band, or several and none was asked for.
    """
    names, count = band_names(data), data.sizes["band"]
    listed = f" ({', '.join(n or 'unnamed' for n in names)})" if any(names) else ""
    if band is None:
        if count == 1:
            return 0
        say = "write the right one to a file of its own (`gdal_translate -b NUMBER IN OUT`)"
        say = f"say which with {option} NAME or NUMBER" if option else say
        msg = f"{path} has {count} bands{listed}: {say}."
        raise InputError(msg)
    text = str(band)
    if text in names:
        if names.count(text) > 1:
            msg = f"{path} has {names.count(text)} bands named {text!r}: say which by its number."
            raise InputError(msg)
        return names.index(text)
    folded = [n.casefold() for n in names]
    if folded.count(text.casefold()) == 1:
        return folded.index(text.casefold())
    if text.isdecimal() and 1 <= int(text) <= count:
        return int(text) - 1
    msg = f"{path} has no band {text!r}: it has {count}{listed}."
    raise InputError(msg)


def layer_of(data: xr.DataArray, index: int) -> xr.DataArray:
    """One band ``(y, x)``, as stored, with its own ``scale_factor``, ``add_offset`` and ``units``.

    rioxarray drops scale and offset where bands differ; here each band keeps what it says.
    """
    layer = data.isel(band=index, drop=True)
    kept = ("names", "scales", "offsets", "units_of_bands", "long_name", "units")
    attrs = {k: v for k, v in data.attrs.items() if k not in kept}
    attrs["scale_factor"] = data.attrs.get("scales", [1.0] * (index + 1))[index]
    attrs["add_offset"] = data.attrs.get("offsets", [0.0] * (index + 1))[index]
    for name, key in (("long_name", "names"), ("units", "units_of_bands")):
        value = data.attrs.get(key, [""] * (index + 1))[index]
        if value:
            attrs[name] = value
    layer.attrs = attrs
    return layer


def physical(data: xr.DataArray, *, signed: bool = False) -> xr.DataArray:
    """Stored values of `open_raster`, or of one `layer_of` it, as what they measure.

    Parameters
    ----------
    data : DataArray ([band,] y, x)
        As stored.
    signed : bool
        Whether 0 is a value like others, such as that of the parts of complex numbers: where it is
        declared as no data it stays 0.

    Returns
    -------
    DataArray
        float32: stored x scale + offset of each band, NaN where the file declares no data;
        ``attrs["scaling"]``: what was applied as a clause, empty where there was nothing.
    """
    pairs = (("scales", "scale_factor", 1.0), ("offsets", "add_offset", 0.0))
    if "band" in data.dims:
        both = [data.attrs.get(many, [unset] * data.sizes["band"]) for many, _, unset in pairs]
        scale, offset = (xr.DataArray(np.array(v, np.float32), dims="band") for v in both)
    else:
        scale, offset = (xr.DataArray(np.float32(data.attrs.get(k, v))) for _, k, v in pairs)
    out = data.astype(np.float32)
    for fill in missing_values(data):
        # with an offset, a stored 0 is no 0
        there = data != fill if fill or not signed else (data != fill) | (offset == 0)
        out = out.where(there)
    distinct = sorted({*zip(scale.values.flat, offset.values.flat, strict=True)})
    said = " and ".join(f"scale {s:g} and offset {o:g}" for s, o in distinct)
    same = distinct == [(1.0, 0.0)]
    if not same:
        out = (out * scale + offset).transpose(*data.dims)
    kept = {k: v for k, v in data.attrs.items() if k not in {n for pair in pairs for n in pair[:2]}}
    return out.assign_attrs(kept | {"scaling": "" if same else f"{said} applied, by the file"})


def _gdal_name(path: str | Path) -> str | None:
    """What GDAL calls a file, also one inside an archive; None where there is no such file."""
    if str(path).startswith(("zip://", "/vsi")):  # GDAL's own names
        return str(path)
    path = Path(path)
    if path.exists():
        return str(path)
    archive = archive_of(path)
    inside = path.relative_to(archive).as_posix() if archive else ""
    if zipfile.is_zipfile(archive or "") and inside in zipfile.ZipFile(archive).namelist():
        return f"/vsizip/{archive}/{inside}"
    return str(file_of(path) or "") or None
