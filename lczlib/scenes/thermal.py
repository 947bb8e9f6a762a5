"""Surface temperature from thermal products: one schema, degrees Celsius, NaN where unusable.

What is known of a product is one row of :mod:`lczlib.scenes.thermal_products`; its cloud and
quality layers are taken from beside the file where they carry the product's own names, or given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr

from lczlib.errors import InputError
from lczlib.grid import check_same_grid, geobox_of
from lczlib.rasters import open_raster
from lczlib.scenes.thermal_products import (
    CLOUD_BITS,
    PRODUCTS,
    ThermalConstants,
    modis_quality,
    mtl_value,
    read_text,
)
from lczlib.scenes.thermal_units import KELVIN, PLAUSIBLE, check_unit, unit_of

_MTL = (r"_(ST_)?B(10|11|6)\.\w+$", "_MTL.txt")
"""What the name of a Landsat band becomes in that of its metadata file."""


@dataclass(frozen=True)
class Thermal:
    """A thermal raster in degrees Celsius and what became of its pixels.

    Attributes
    ----------
    temperature : DataArray (y, x)
        float32, degC, NaN where missing, cloudy or implausible; attrs ``quantity``, ``units``,
        ``source``, ``kind``.
    uncertainty : DataArray (y, x) or None
        One standard deviation in K, where the product has it.
    counts : dict
        Pixels: ``total``, ``no_data``, ``cloud_or_poor``, ``implausible``, ``fringe``, ``valid``.
    time : numpy.datetime64 or None
        Acquisition, UTC.
    overpass : {"day", "night"} or None
        As the product's name tells it (MODIS layers).
    files : tuple of Path
        All that was read: the raster, and the layers and metadata given or found beside it.
    """

    temperature: xr.DataArray
    uncertainty: xr.DataArray | None = None
    counts: dict[str, int] = field(default_factory=dict)
    time: np.datetime64 | None = None
    overpass: str | None = None
    files: tuple[Path, ...] = ()


def open_temperature(
    path: str | Path,
    *,
    kind: str | None = None,
    unit: str | None = None,
    band: int | str | None = None,
    quality: str | Path | None = None,
    uncertainty: str | Path | None = None,
    constants: ThermalConstants | None = None,
    mtl: str | Path | None = None,
    time: str | np.datetime64 | None = None,
    plausible: tuple[float, float] = PLAUSIBLE,
    fringe: int = 2,
) -> Thermal:
    """Open a thermal raster of a known product, or any raster whose unit is stated.

    Parameters
    ----------
    path : path
        GeoTIFF. MODIS as GeoTIFF export (AppEEARS, HEG, ``gdal_translate``), not HDF4.
    kind : str, optional
        A key of :data:`lczlib.scenes.thermal_products.PRODUCTS`; recognised by the product's own
        file name when not given.
    unit : str, optional
        Unit of the stored values (``K`` or ``degC``, in any usual spelling), where the raster is of
        no known product and does not state it.
    band : int or str, optional
        Band number (from 1) or name, where the file has several.
    quality, uncertainty : path, optional
        Quality and uncertainty layers; found beside the file by their product names when not given.
    constants, mtl
        Constants of a Landsat Level-1 band, or the ``MTL`` file that holds them.
    time : str or datetime64, optional
        Acquisition in UTC; read from MTL or file name where they tell it.
    plausible : (float, float)
        Temperatures in degC outside this range are masked and counted.
    fringe : int
        Width in pixels of the rim along no data where resampling mixed fill values into
        temperatures: rim pixels further from the scene's median than 6 robust standard deviations
        are masked and counted. 0 keeps the rim.

    Raises
    ------
    InputError
        If the unit cannot be known or contradicts the values, a layer is missing, or nothing is
        left (all cloud).
    """
    path = Path(path)
    if path.suffix.lower() in (".hdf", ".hdf4"):
        msg = (
            f"{path} is HDF4, which the installed raster library cannot read: export the layer to "
            "GeoTIFF, with AppEEARS or `gdal_translate HDF4_EOS:...:LST_Day_1km lst.tif`."
        )
        raise InputError(msg)
    if kind is not None and kind not in PRODUCTS:
        msg = f"{kind!r} is no known thermal product: use one of {', '.join(PRODUCTS)}, or state the unit."
        raise InputError(msg)
    data = open_raster(path, "thermal raster")
    layer = _band(data, band, path)
    geobox_of(layer, f"thermal raster {path}")
    kind = kind or (None if unit else _kind_of(path))
    product = PRODUCTS.get(kind or "")
    quality = quality or (product and _beside(path, product.quality))
    uncertainty = uncertainty or (product and _beside(path, product.uncertainty))
    mtl = mtl or _beside(path, _MTL)
    stored = layer.values
    missing = ~np.isfinite(stored) if stored.dtype.kind == "f" else np.zeros(stored.shape, bool)
    fills = {layer.rio.nodata, product.fill if product else None} - {None}
    for value in fills:
        missing |= stored == value
    kelvin, quantity = _to_kelvin(stored, layer, path, kind, unit, constants, mtl)
    celsius = np.where(missing, np.float32(np.nan), kelvin - np.float32(KELVIN)).astype(np.float32)
    counts = {"total": int(celsius.size), "no_data": int(missing.sum())}
    sd, poor = _quality_layers(layer, kind, quality, uncertainty)
    poor = np.zeros(celsius.shape, bool) if poor is None else poor & ~missing
    celsius[poor] = np.nan
    counts["cloud_or_poor"] = int(poor.sum())
    if not np.isfinite(celsius).any():
        msg = f"{path} has no usable pixel: {counts['no_data']} are no data and {counts['cloud_or_poor']} cloudy."
        raise InputError(msg)
    check_unit(celsius, stored[np.isfinite(celsius)], unit, kind, path)
    counts |= _mask_implausible(celsius, missing, plausible, fringe)
    counts["valid"] = int(np.isfinite(celsius).sum())
    if counts["implausible"] >= max(counts["valid"], 1):
        msg = (
            f"{path}: {counts['implausible']} pixels lie outside {plausible[0]:g} to {plausible[1]:g} "
            f"degC and {counts['valid']} within: check its unit, its constants, or --plausible."
        )
        raise InputError(msg)
    attrs = {
        "units": "degC",
        "quantity": quantity,
        "kind": kind or "stated unit",
        "source": str(path),
    }
    temperature = xr.DataArray(
        celsius, coords=layer.coords, dims=layer.dims, name="temperature", attrs=attrs
    )
    if sd is not None:
        sd = sd.where(np.isfinite(temperature))
    when = acquisition(time) if time is not None else _time_of(path, mtl)
    files = tuple(Path(f) for f in (path, quality, uncertainty, mtl) if f)
    return Thermal(temperature, sd, counts, when, _overpass_of(path), files)


def acquisition(time: str | np.datetime64) -> np.datetime64:
    """The time of an acquisition, to the second.

    Raises
    ------
    InputError
        If it is no date and time.
    """
    try:
        when = np.datetime64(str(time).rstrip("Z"), "s")
    except ValueError as err:
        msg = f"{str(time)!r} is no acquisition time: write it in UTC as 2023-07-01T10:00."
        raise InputError(msg) from err
    if np.isnat(when):
        msg = "The acquisition time is missing: write it in UTC as 2023-07-01T10:00."
        raise InputError(msg)
    return when


def _mask_implausible(
    celsius: np.ndarray, missing: np.ndarray, plausible: tuple[float, float], fringe: int
) -> dict[str, int]:
    """Mask values off the plausible range, then outliers in the rim along no data (in place)."""
    from scipy import ndimage

    low, high = plausible
    with np.errstate(invalid="ignore"):
        off = (celsius <= low) | (celsius > high)
    celsius[off] = np.nan
    rim = np.zeros(celsius.shape, bool)
    if fringe and missing.any() and np.isfinite(celsius).any():
        rim = ndimage.binary_dilation(missing, np.ones((3, 3)), iterations=fringe) & ~missing
        middle = np.nanmedian(celsius)
        spread = 1.4826 * np.nanmedian(np.abs(celsius - middle))
        with np.errstate(invalid="ignore"):
            rim &= np.abs(celsius - middle) > 6 * max(spread, 0.5)
        celsius[rim] = np.nan
    return {"implausible": int(off.sum()), "fringe": int(rim.sum())}


def _to_kelvin(
    stored: np.ndarray,
    layer: xr.DataArray,
    path: Path,
    kind: str | None,
    unit: str | None,
    constants: ThermalConstants | None,
    mtl: str | Path | None,
) -> tuple[np.ndarray, str]:
    """Stored values to kelvin (float32), and what quantity they are."""
    if kind == "landsat-l1":
        if constants is None and mtl is None:
            msg = (
                f"{path} holds Landsat Level-1 digital numbers: give the scene's MTL file, or the "
                "four constants (radiance mult and add, K1, K2)."
            )
            raise InputError(msg)
        number = re.search(r"_B(1[01])\.", path.name)
        constants = constants or ThermalConstants.from_mtl(mtl, number[1] if number else "10")
        return constants.brightness(stored), PRODUCTS[kind].quantity
    if kind is not None:
        product = PRODUCTS[kind]
        scaled = stored.astype(np.float32) * np.float32(product.scale)
        return scaled + np.float32(product.offset), product.quantity
    scale = float(layer.attrs.get("scale_factor", 1.0))
    offset = float(layer.attrs.get("add_offset", 0.0))
    values = stored.astype(np.float32) * np.float32(scale) + np.float32(offset)
    if unit_of(layer, unit, path) == "degC":
        values = values + np.float32(KELVIN)
    return values, str(layer.attrs.get("quantity", "surface temperature"))


def _quality_layers(
    layer: xr.DataArray,
    kind: str | None,
    quality: str | Path | None,
    uncertainty: str | Path | None,
) -> tuple[xr.DataArray | None, np.ndarray | None]:
    """Uncertainty in K (or None), and which pixels are cloudy or poor (or None)."""
    product = PRODUCTS.get(kind or "")
    sd = poor = None
    if quality:
        if product is None:
            msg = f"A quality layer ({quality}) can only be decoded for a known product: state --kind."
            raise InputError(msg)
        flags_layer = _same_grid_layer(quality, layer, "quality layer")
        flags = np.nan_to_num(flags_layer.values, nan=0).astype(np.int64)
        if kind and kind.startswith("landsat"):
            poor = (flags & CLOUD_BITS) > 0
        elif kind == "ecostress":
            poor = flags == 1
        else:
            poor, error = modis_quality(flags, kind or "modis")
            sd = layer.copy(data=error).rename("uncertainty").assign_attrs(units="K")
    if uncertainty:
        error_layer = _same_grid_layer(uncertainty, layer, "uncertainty layer")
        values = error_layer.values.astype(np.float32)
        values[values < 0] = np.nan
        if kind == "landsat-l2":
            values *= np.float32(0.01)
        sd = layer.copy(data=values).rename("uncertainty").assign_attrs(units="K")
    return sd, poor


def _same_grid_layer(path: str | Path, layer: xr.DataArray, what: str) -> xr.DataArray:
    other = open_raster(path, what).isel(band=0, drop=True)
    check_same_grid(layer, other, ("the thermal raster", f"the {what} {path}"))
    return other


def _beside(path: Path, rule: tuple[str, str] | None) -> Path | None:
    if rule is None:
        return None
    name, n = re.subn(rule[0], rule[1], path.name, flags=re.IGNORECASE)
    return path.with_name(name) if n and path.with_name(name).exists() else None


def _kind_of(path: Path) -> str | None:
    for kind, product in PRODUCTS.items():
        if re.search(product.name, path.name, flags=re.IGNORECASE):
            return kind
    return None


def _band(data: xr.DataArray, band: int | str | None, path: Path) -> xr.DataArray:
    names = data.attrs.get("long_name", ())
    names = [names] if isinstance(names, str) else list(names)
    text = str(band) if band is not None else None
    if text is None:
        if data.sizes["band"] > 1:
            listed = f" ({', '.join(map(str, names))})" if names else ""
            msg = f"{path} has {data.sizes['band']} bands{listed}: say which is thermal (--band)."
            raise InputError(msg)
        index = 0
    elif text in names:
        index = names.index(text)
    elif text.isdigit() and 1 <= int(text) <= data.sizes["band"]:
        index = int(text) - 1
    else:
        msg = f"{path} has no band {text!r}: it has {', '.join(map(str, names)) or data.sizes['band']}."
        raise InputError(msg)
    return data.isel(band=index, drop=True)


def _overpass_of(path: Path) -> str | None:
    """Day or night of a MODIS layer, by its name: ``LST_Day``, ``MOD21A1N``."""
    named = re.search(r"LST_(D)ay|LST_(N)ight|D21A1(D)|D21A1(N)", path.name, flags=re.IGNORECASE)
    return None if named is None else {"D": "day", "N": "night"}[named[named.lastindex].upper()]


def _time_of(path: Path, mtl: str | Path | None) -> np.datetime64 | None:
    """Acquisition in UTC, as far as MTL or file name tell date *and* time."""
    if mtl is not None:
        text = read_text(mtl)
        date, clock = mtl_value(text, "DATE_ACQUIRED"), mtl_value(text, "SCENE_CENTER_TIME")
        if date and clock:
            return np.datetime64(f"{date}T{clock[:8]}", "s")
    stamp = re.search(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})", path.name)
    return np.datetime64("{}-{}-{}T{}:{}:{}".format(*stamp.groups()), "s") if stamp else None
