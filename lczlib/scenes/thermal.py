"""Temperature rasters, of the surface or of the air: degrees Celsius, NaN where unusable.

What is known of a product is one row of :mod:`lczlib.scenes.thermal_products`; its cloud and quality
layers are found beside the file or in it (:mod:`lczlib.scenes.thermal_quality`), or given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr

from lczlib.errors import InputError
from lczlib.grid import geobox_of
from lczlib.reading import Reading, share, tell
from lczlib.scenes.layer import Layer, open_layer
from lczlib.scenes.thermal_doubts import no_temperatures, refuse_index
from lczlib.scenes.thermal_fills import mask_implausible, repeated_values
from lczlib.scenes.thermal_names import AIR, AIR_BANDS, SURFACE_BANDS, check_measured
from lczlib.scenes.thermal_products import (
    PRODUCTS,
    ThermalConstants,
    product_of,
)
from lczlib.scenes.thermal_quality import NO_LAYER, Quality, quality_of
from lczlib.scenes.thermal_time import acquisition, metadata_beside, overpass_of, time_of
from lczlib.scenes.thermal_units import (
    KELVIN,
    PLAUSIBLE,
    PLAUSIBLE_AIR,
    Conversion,
    conversion,
    refuse_fill,
)
from lczlib.terms import option

CELL_BYTES = 60
"""Memory that a pixel takes in a heat island of one date with all measures: 30 where zones are hundreds of pixels
wide, 100 where they are two wide. By default a job may take a quarter of the memory."""

_COARSE = 2000.0
"""m: cells larger than this hold several zones."""


class UnusableDateError(InputError):
    """A raster that has no temperature, or hardly one: of several dates, one under clouds."""


@dataclass(frozen=True)
class Thermal:
    """A raster of temperatures in degrees Celsius and what became of its pixels.

    Attributes
    ----------
    temperature : DataArray (y, x)
        float32, degC, NaN where missing, cloudy or implausible; attrs ``quantity``, ``units``,
        ``source``, ``kind``, ``clouds``.
    uncertainty : DataArray (y, x) or None
        One standard deviation in K, where the product has it.
    counts : dict
        Pixels: ``total``, ``no_data``, ``repeated`` (fills nobody declared), ``cloud_or_poor`` (None
        without a quality layer), ``implausible``, ``fringe``, ``valid``.
    time : numpy.datetime64 or None
        Acquisition, UTC.
    overpass : {"day", "night"} or None
        As the product's name tells it (MODIS layers).
    files : tuple of Path
        All that was read: the raster, and the layers and metadata given or found beside it.
    """

    temperature: xr.DataArray
    uncertainty: xr.DataArray | None = None
    counts: dict[str, int | None] = field(default_factory=dict)
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
    """Open a thermal raster of a known product, or any raster whose unit is known.

    Parameters
    ----------
    path : path
        GeoTIFF or NetCDF. MODIS as GeoTIFF export (AppEEARS, HEG, ``gdal_translate``), not HDF4.
    kind : str, optional
        A key of :data:`lczlib.scenes.thermal_products.PRODUCTS`; recognised by the product's own
        file or band name when not given.
    unit : str, optional
        Unit of the temperatures (``K``, ``degC`` or ``degF``, in any usual spelling), where the raster
        is of no known product and does not state it; with a number before it (``0.1K``, ``0.01 degC``)
        what one stored unit is worth.
    band : int or str, optional
        Band number (from 1) or name, where the file has several; of a NetCDF the variable, with the
        number of the time step behind a colon (``LST:3``).
    quality, uncertainty : path, optional
        Quality and uncertainty layers; found beside the file by their product names, or among its
        bands, when not given.
    constants, mtl
        Constants of a Landsat Level-1 band, or the ``MTL`` file that holds them.
    time : str or datetime64, optional
        Acquisition in UTC; read from MTL, NetCDF or file name where they tell it.
    plausible : (float, float)
        Temperatures in degC outside this range are masked and counted.
    fringe : int
        Width in pixels of the rim along no data where resampling mixed fill values into
        temperatures: rim pixels further from the scene's median than 6 robust standard deviations
        are masked and counted. 0 keeps the rim.

    Raises
    ------
    InputError
        If the unit cannot be known or contradicts the values, the raster says that it is air
        temperature, a layer is missing, or nothing is left (all cloud).

    Notes
    -----
    Scale and offset are the product's, else those of the chosen band, by GDAL or in the text of the
    tags. A float raster that was scaled before and kept its tags is not scaled again: whether values
    are temperatures decides. Values repeated as no continuous field repeats them are masked.
    """
    path = _checked(path)
    if kind is not None and kind not in PRODUCTS:
        msg = f"{kind!r} is no known thermal product: use one of {', '.join(PRODUCTS)}, or state the unit."
        raise InputError(msg)
    layer = open_layer(path, "thermal raster", band, SURFACE_BANDS, cell_bytes=CELL_BYTES)
    check_measured(layer, path, "surface")
    product = kind or product_of(path, layer.name)
    mtl = mtl or metadata_beside(path)
    flags = quality_of(layer, path, product, quality, uncertainty)
    to_celsius: Conversion | ThermalConstants | None = None
    if product == "landsat-l1" and (kind or not unit):
        to_celsius = _constants(path, constants, mtl)
    when = acquisition(time) if time is not None else time_of(path, mtl)
    files = (path, *flags.files, *((Path(mtl),) if mtl else ()))
    return _read(
        layer, path, "surface", kind=kind, product=product, unit=unit, to_celsius=to_celsius, flags=flags,
        plausible=plausible, fringe=fringe, when=when, files=files,
    )  # fmt: skip


def open_air_temperature(
    path: str | Path,
    *,
    unit: str | None = None,
    band: int | str | None = None,
    time: str | np.datetime64 | None = None,
    plausible: tuple[float, float] = PLAUSIBLE_AIR,
    fringe: int = 2,
) -> Thermal:
    """Open a raster of air temperature, of a model or interpolated: ERA5-Land, UrbClim, WRF.

    Parameters
    ----------
    path : path
        GeoTIFF or NetCDF.
    unit, band, time, plausible, fringe
        As for `open_temperature`.

    Raises
    ------
    InputError
        If the unit cannot be known or contradicts the values, the raster says that it is surface
        temperature, or nothing is left.
    """
    path = _checked(path)
    layer = open_layer(path, "air temperature raster", band, AIR_BANDS, cell_bytes=CELL_BYTES)
    check_measured(layer, path, "air")
    when = acquisition(time) if time is not None else time_of(path, None)
    return _read(
        layer, path, "air", kind=None, product=None, unit=unit, to_celsius=None, flags=Quality(),
        plausible=plausible, fringe=fringe, when=when, files=(path,),
    )  # fmt: skip


def _checked(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix.lower() in (".hdf", ".hdf4"):
        msg = (
            f"{path} is HDF4, which the installed raster library cannot read: export the layer to "
            "GeoTIFF, with AppEEARS or `gdal_translate HDF4_EOS:...:LST_Day_1km lst.tif`."
        )
        raise InputError(msg)
    return path


def _read(
    layer: Layer,
    path: Path,
    what: Literal["surface", "air"],
    *,
    kind: str | None,
    product: str | None,
    unit: str | None,
    to_celsius: Conversion | ThermalConstants | None,
    flags: Quality,
    plausible: tuple[float, float],
    fringe: int,
    when: np.datetime64 | None,
    files: tuple[Path, ...],
) -> Thermal:
    """Mask, convert, count and tell."""
    stored = layer.stored.values
    missing = layer.missing(PRODUCTS[product].fill if product else None)
    counts: dict[str, int | None] = {"total": int(stored.size), "no_data": int(missing.sum())}
    refuse_fill(stored[~missing], path)
    fills = repeated_values(stored[~missing])
    counts["repeated"] = sum(n for _, n in fills)
    if counts["repeated"] > (~missing).sum() / 2:
        raise UnusableDateError(_mostly_fill(path, fills, int((~missing).sum())))
    missing |= np.isin(stored, [v for v, _ in fills])
    poor = np.zeros(stored.shape, bool) if flags.poor is None else flags.poor & ~missing
    counts["cloud_or_poor"] = None if flags.poor is None else int(poor.sum()) + flags.removed
    counts["no_data"] -= flags.removed
    usable = ~missing & ~poor
    if not usable.any():
        clouds = "" if flags.poor is None else f" and {int(poor.sum())} cloudy"
        msg = f"{path} has no usable pixel: {int(missing.sum())} are no data{clouds}."
        raise UnusableDateError(msg)
    if to_celsius is None:
        to_celsius = conversion(
            layer,
            stored[usable],
            path,
            unit=unit,
            kind=kind,
            named=product,
            plausible=plausible,
            what=what,
        )
    if what == "surface" and isinstance(to_celsius, Conversion):
        refuse_index(stored[usable], to_celsius, path)
    if isinstance(to_celsius, Conversion):
        celsius = to_celsius.celsius(stored)
    else:
        celsius = to_celsius.brightness(stored) - np.float32(KELVIN)
    celsius[~usable] = np.nan
    counts |= mask_implausible(celsius, missing, plausible, fringe)
    counts["valid"] = int(np.isfinite(celsius).sum())
    if counts["implausible"] >= max(counts["valid"], 1):
        msg = (
            f"{path}: {counts['implausible']} pixels lie outside {plausible[0]:g} to {plausible[1]:g} "
            f"degC and {counts['valid']} within: check its unit, its constants, or {option('plausible')}."
        )
        raise UnusableDateError(msg)
    quantity = AIR if what == "air" else _quantity(layer, product)
    clouds = {"clouds": flags.source or NO_LAYER} if what == "surface" else {}
    attrs = {
        "units": "degC", "quantity": quantity, "kind": product or "stated unit", "source": str(path),
        **clouds,
    }  # fmt: skip
    temperature = layer.stored.copy(data=celsius).rename("temperature")
    temperature = temperature.drop_vars("band", errors="ignore")
    temperature.attrs, temperature.encoding = attrs, {}
    sd = None
    if flags.uncertainty is not None:
        sd = flags.uncertainty.where(np.isfinite(temperature))
    when = when if when is not None else layer.time
    tell(_reading(layer, path, what, temperature, to_celsius, fills, flags, counts, when))
    return Thermal(temperature, sd, counts, when, overpass_of(path, layer.name), files)


def _mostly_fill(path: Path, fills: list[tuple[float, int]], n: int) -> str:
    value, count = fills[0]
    return (
        f"{path} holds no temperatures: {count / n:.0%} of its {n:,} valid pixels are {value:g}, which looks like "
        "a no-data value that the file does not declare; give another raster, or declare it with "
        f"`gdal_edit.py -a_nodata {value:g} FILE`."
    )


def _quantity(layer: Layer, product: str | None) -> str:
    if product:
        return PRODUCTS[product].quantity
    return str(layer.stored.attrs.get("quantity", "surface temperature"))


def _constants(
    path: Path, constants: ThermalConstants | None, mtl: str | Path | None
) -> ThermalConstants:
    if constants is None and mtl is None:
        msg = (
            f"{path} holds Landsat Level-1 digital numbers: give the scene's MTL file ({option('mtl')} FILE), or the "
            f"four constants that stand in it ({option('radiance_mult')}, {option('radiance_add')}, {option('k1')}, "
            f"{option('k2')})."
        )
        raise InputError(msg)
    number = re.search(r"_B(1[01])(?!\d)", path.name)
    return constants or ThermalConstants.from_mtl(mtl, number[1] if number else "10")


def _reading(
    layer: Layer,
    path: Path,
    what: str,
    temperature: xr.DataArray,
    to_celsius: Conversion | ThermalConstants,
    fills: list[tuple[float, int]],
    flags: Quality,
    counts: Mapping[str, int | None],
    when: np.datetime64 | None,
) -> Reading:
    """What was read, lost and assumed."""
    total = counts["total"]
    celsius = temperature.values
    by_rule = isinstance(to_celsius, Conversion)
    said = [temperature.attrs["quantity"]]
    said += [layer.called] if layer.called else []
    said.append(str(to_celsius) if by_rule else "Landsat Level-1 numbers by the band's constants")
    said.append(f"{_minutes(when)} UTC" if when is not None else "time not stated")
    said.append(f"{counts['valid']:,} of {total:,} pixels valid")
    said.append(f"{counts['no_data']:,} no data")
    cautions = [to_celsius.caution] if by_rule and to_celsius.caution else []
    cautions += no_temperatures(layer, path, what, celsius, to_celsius if by_rule else None)
    if flags.unused:
        cautions.append(
            f"The band {flags.unused} of {path.name} is not used, since what its flags mean is not known: "
            "clouds that it marks are not removed; set those pixels to no data first, or give a layer of 0 "
            "and 1, named cloud."
        )
    for value, n in fills:
        shown = f"{value:g}"
        if by_rule and (to_celsius.scale, to_celsius.offset) != (1.0, 0.0):
            shown += f" ({float(to_celsius.celsius(np.array([value]))[0]):.2f} degC)"
        said.append(f"{n:,} with the repeated value {shown}, masked")
        cautions.append(
            f"{path.name}: {share(n, total)} of the pixels hold exactly {shown}, as no continuous field "
            f"does: taken for no data that the file does not declare (`gdal_edit.py -a_nodata {value:g} "
            "FILE` declares it)."
        )
    if what == "surface":
        clouds = f"{counts['cloud_or_poor'] or 0:,} cloudy or poor by {flags.source}"
        said.append(clouds if flags.source else NO_LAYER)
    said.append(f"{counts['implausible']:,} implausible")
    said.append(f"{counts['fringe']:,} in a resampling fringe")
    said.append(
        f"{np.nanmin(celsius):.1f} to {np.nanmax(celsius):.1f} degC, median {np.nanmedian(celsius):.1f}"
    )
    box = geobox_of(temperature)
    cell = abs(box.affine.a) * (111_320 if box.crs.geographic else 1)
    if cell > _COARSE:
        cautions.append(
            f"{path.name} has cells of {cell / 1000:.1f} km, which hold several zones each: their differences "
            "come out too small."
        )
    facts = {
        "quantity": temperature.attrs["quantity"], "band": layer.name or layer.index + 1,
        "time": str(when) + "Z" if when is not None else None,
        "unit": to_celsius.unit if by_rule else None, "unit_by": to_celsius.how if by_rule else None,
        "scale": to_celsius.scale if by_rule else None,
        "offset": to_celsius.offset if by_rule else None,
        "repeated_values": [v for v, _ in fills], "pixels": dict(counts),
    }  # fmt: skip
    if what == "surface":
        facts["clouds"] = temperature.attrs["clouds"]
    if layer.limits:
        facts["limits"] = layer.limits
    name = "thermal raster" if what == "surface" else "air temperature raster"
    return Reading(name, str(path), tuple(said), tuple(cautions), facts)


def _minutes(time: np.datetime64) -> str:
    return str(np.datetime64(time, "m")).replace("T", " ")
