"""Cloud and quality layers of thermal rasters: found beside the file or in it, and decoded."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from lczlib.errors import InputError
from lczlib.grid import check_same_grid, geobox_of, same_grid
from lczlib.rasters import BANDWISE, band_names, layer_of, missing_values, open_raster
from lczlib.scenes.layer import Layer
from lczlib.scenes.thermal_products import CLOUD_BITS, PRODUCTS, modis_quality
from lczlib.terms import option

NO_LAYER = "no quality layer: clouds not removed"

_FLAGS = {
    "qa_pixel": "landsat-l2", "pixel_qa": "landsat-l2", "qc_day": "modis", "qc_night": "modis",
    "cloud": "ecostress",
}  # fmt: skip
"""Names of quality layers in small letters, and the product whose flags they hold."""
_CLOUD_BANDS = (
    "cloud",
    "clouds",
    "cloud_mask",
    "cloudmask",
    "cloud mask",
    "mask_cloud",
    "is_cloud",
)
"""Names in small letters of bands that are 1 below clouds and 0 elsewhere, where they hold nothing else."""
_UNKNOWN_BANDS = (
    *_CLOUD_BANDS, "qa", "qc", "quality", "quality_flag", "qa60", "scl", "fmask", "clear", "clear_mask",
    "cloud_prob", "cloud_probability", "mask",
)  # fmt: skip
_RASTERS = (".tif", ".tiff", ".vrt", ".img")


@dataclass(frozen=True)
class Quality:
    """What a quality layer says of each pixel.

    Attributes
    ----------
    poor : array (y, x) of bool, or None
        Cloudy or not produced; None where there is no layer.
    uncertainty : DataArray (y, x), or None
        One standard deviation in K.
    source : str
        The layer in words: a file's name, or a band of the same file; empty where there is none.
    files : tuple of Path
        What was read beside the raster.
    unused : str
        The band of the same file that looks like one, and is not used since its flags are not known.
    removed : int
        Pixels that were taken for no data before, as the file says.
    """

    poor: np.ndarray | None = None
    uncertainty: xr.DataArray | None = None
    source: str = ""
    files: tuple[Path, ...] = ()
    unused: str = ""
    removed: int = 0


def quality_of(
    layer: Layer,
    path: Path,
    product: str | None,
    quality: str | Path | None = None,
    uncertainty: str | Path | None = None,
) -> Quality:
    """Find and decode the quality layer of a thermal raster.

    Parameters
    ----------
    layer, path
        The raster.
    product : str or None
        Key of its product, as far as it is known.
    quality, uncertainty : path, optional
        The layers; when not given they are looked for beside the file under the product's names, with
        whatever stands before and after, and then among its own bands.

    Raises
    ------
    InputError, GridError
        If a layer is on another grid, or what its flags mean is not known.
    """
    rules = PRODUCTS.get(product or "")
    quality = quality or _beside(path, rules.quality if rules else None, layer)
    uncertainty = uncertainty or _beside(path, rules.uncertainty if rules else None, layer)
    poor = error = None
    source = ""
    if quality:
        flags, codes = _layer_of_file(Path(quality), layer, product)
        poor, error = _decode(flags, codes)
        source = Path(quality).name
    elif (at := _own_band(layer)) is not None:
        name = band_names(layer.data)[at]
        poor, error = _decode(layer.data.isel(band=at).values, _FLAGS[name.casefold()])
        source = f"band {name} of the same file"
    elif (cloud := _cloud_band(layer)) is not None:
        name, poor = cloud
        source = f"band {name} of the same file, 1 taken for cloud"
    names = [n.casefold() for n in band_names(layer.data)]
    stored = None
    if layer.clouds and not source:
        return _removed_before(layer, path)
    if uncertainty:
        data = open_raster(uncertainty, "uncertainty layer", chunks=BANDWISE).isel(
            band=0, drop=True
        )
        stored = _on_grid(data, layer, f"the uncertainty layer {uncertainty}")
    elif product == "landsat-l2" and names.count("st_qa") == 1:
        stored = layer.data.isel(band=names.index("st_qa")).values
    if stored is not None:
        error = stored.astype(np.float32)
        error[error < 0] = np.nan
        if product == "landsat-l2":
            error *= np.float32(0.01)
    sd = None
    if error is not None:
        sd = layer.stored.copy(data=error).rename("uncertainty").assign_attrs(units="K")
    unused = next((n for n in band_names(layer.data) if n.strip().casefold() in _UNKNOWN_BANDS), "")
    files = tuple(Path(f) for f in (quality, uncertainty) if f)
    return Quality(poor, sd, source, files, "" if source else unused)


def _removed_before(layer: Layer, path: Path) -> Quality:
    """Of a file whose clouds are gone already, with its uncertainty by bands in a file beside it."""
    beside = path.with_name(f"{path.stem}_uncertainty{path.suffix}")
    sd = None
    if beside.is_file():
        bands = open_raster(beside, "uncertainty layer", chunks=BANDWISE)
        if bands.sizes["band"] == layer.data.sizes["band"]:
            band = layer_of(bands, layer.index)
            error = _on_grid(band, layer, f"the uncertainty layer {beside}").astype(np.float32)
            for fill in missing_values(band):
                error[error == np.float32(fill)] = np.nan
            error *= np.float32(band.attrs["scale_factor"])
            sd = layer.stored.copy(data=error).rename("uncertainty").assign_attrs(units="K")
    files = () if sd is None else (beside,)
    poor = np.zeros(layer.stored.shape, bool)
    return Quality(poor, sd, layer.clouds, files, removed=layer.cloudy)


def is_quality_name(stem: str, names: Iterable[str]) -> bool:
    """Whether a file or its bands are called as the quality layers of thermal products are.

    Parameters
    ----------
    stem : str
        The file's name without its ending.
    names : iterable of str
        Of its bands; those of a raster that holds temperatures too do not count.
    """
    called = [n for n in names if n]
    return bool(_flag_in((stem,)) or (len(called) == 1 and _flag_in(called)))


def _flag_in(texts: Iterable[str]) -> str:
    """The first name of a quality layer in some texts; empty where there is none."""
    found = (
        name
        for text in texts
        for name in _FLAGS
        if re.search(rf"(?<![a-z0-9]){name}(?![a-z0-9])", text.casefold())
    )
    return next(found, "")


def _layer_of_file(path: Path, layer: Layer, product: str | None) -> tuple[np.ndarray, str]:
    """The flags of a file, and whose flags they are."""
    data = open_raster(path, "quality layer", chunks=BANDWISE)
    names = [n.casefold() for n in band_names(data)]
    index = next((i for i, n in enumerate(names) if n in _FLAGS), 0)
    codes = product or _FLAGS.get(_flag_in((names[index], path.stem)))
    if codes is None:
        msg = f"A quality layer ({path}) can only be decoded for a known product: state {option('kind')}."
        raise InputError(msg)
    return _on_grid(data.isel(band=index, drop=True), layer, f"the quality layer {path}"), codes


def _own_band(layer: Layer) -> int | None:
    """Position of the band of the same file that holds the quality of the thermal one."""
    other = "qc_day" if "night" in layer.name.casefold() else "qc_night"
    names = [n.casefold() for n in band_names(layer.data)]
    found = [i for i, n in enumerate(names) if n in _FLAGS and n not in ("cloud", other)]
    return found[0] if len(found) == 1 else None


def _cloud_band(layer: Layer) -> tuple[str, np.ndarray] | None:
    """Name and pixels of a band of the same file that says nothing but cloud or no cloud."""
    names = band_names(layer.data)
    found = [i for i, n in enumerate(names) if n.strip().casefold() in _CLOUD_BANDS]
    if len(found) != 1 or found[0] == layer.index:
        return None
    values = layer.data.isel(band=found[0]).values
    known = np.isfinite(values)
    for fill in missing_values(layer.data) if layer.data.dtype.kind == "f" else ():
        known &= values != fill
    return (names[found[0]], values == 1) if np.isin(values[known], (0, 1)).all() else None


def _decode(flags: np.ndarray, codes: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Which pixels are cloudy or poor, and their error in K where the flags tell it."""
    flags = np.nan_to_num(flags, nan=0).astype(np.int64)
    if codes.startswith("landsat"):
        return (flags & CLOUD_BITS) > 0, None
    if codes == "ecostress":
        return flags == 1, None
    return modis_quality(flags, codes)


def _on_grid(values: xr.DataArray, layer: Layer, what: str) -> np.ndarray:
    check_same_grid(layer.stored, values, ("the thermal raster", what))
    return values.values


def _beside(path: Path, rule: tuple[str, str] | None, layer: Layer) -> Path | None:
    """The layer that a name leads to, else one of the same scene and grid under another suffix."""
    found = rule and re.search(rule[0], path.name, flags=re.IGNORECASE)
    if not found or not path.parent.is_dir():
        return None
    head, tail = path.name[: found.start()] + found.expand(rule[1]), path.name[found.end() :]
    there = {p.name.casefold(): p for p in sorted(path.parent.iterdir()) if p.is_file()}
    exact = there.get((head + tail).casefold())
    if exact is not None:
        return exact
    # _clip on one of the two only, .tif beside .TIF; dates behind the layer's name must agree
    dates, box = re.findall(r"\d{3,}", tail), geobox_of(layer.stored)
    for name, other in there.items():
        rest = name.removeprefix(head.casefold())
        if rest == name or rest[:1].isalnum() or other.suffix.lower() not in _RASTERS:
            continue
        dated = re.findall(r"\d{3,}", rest) == dates
        if dated and same_grid(
            geobox_of(open_raster(other, "quality layer", chunks=BANDWISE)), box
        ):
            return other
    return None
