"""Sentinel-2 scenes: any raster of a city as reflectance (0-1), one variable per band.

DN become reflectance by 1/10,000 (Sentinel-2 Products Specification Document, section on
quantification value). Since processing baseline 04.00 (25 January 2022) DNs carry an offset of
-1000 (``RADIO_ADD_OFFSET`` / ``BOA_ADD_OFFSET``), which is removed once: when the file's metadata
says that it is still there, or the caller does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr

from lczlib.errors import InputError
from lczlib.grid import geobox_of
from lczlib.rasters import missing_values, open_raster

ALL_BANDS = (
    "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12",
)  # fmt: skip
"""All bands, in the order of wavelength that products and most exports use."""

BANDS = tuple(b for b in ALL_BANDS if b not in ("B01", "B09", "B10"))
"""The ten bands of 10 m and 20 m: those that LCZ networks read."""

QUANTIFICATION = 1e-4
BASELINE_OFFSET = -1000.0
"""What baseline 04.00 adds to DNs; reflectance = (DN - 1000) / 10000."""

_COMMON_NAMES = {
    "coastal": "B01", "blue": "B02", "green": "B03", "red": "B04", "rededge1": "B05",
    "rededge2": "B06", "rededge3": "B07", "nir": "B08", "nir08": "B8A", "nir09": "B09",
    "cirrus": "B10", "swir16": "B11", "swir22": "B12",
}  # fmt: skip
"""STAC common band names (EO extension)."""

_KNOWN_ORDERS = {
    10: BANDS,
    12: tuple(b for b in ALL_BANDS if b != "B10"),
    13: ALL_BANDS,
}

OTHER_ORDERS = {
    "B8A last": ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12", "B8A"),
    "10 m bands first": ("B02", "B03", "B04", "B08", "B05", "B06", "B07", "B8A", "B11", "B12"),
    "red first": ("B04", "B03", "B02", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"),
    "red, green, blue, near infrared first": (
        "B04", "B03", "B02", "B08", "B05", "B06", "B07", "B8A", "B11", "B12",
    ),
}  # fmt: skip
"""Orders of the ten bands met in published data, beside that of wavelength."""

# Neighbours in the spectrum that look alike over any land scene; a right order makes them so.
_ALIKE = (
    ("B03", "B04"),
    ("B04", "B05"),
    ("B06", "B07"),
    ("B07", "B8A"),
    ("B08", "B8A"),
    ("B11", "B12"),
)
_SAMPLE = 256  # edge of the decimated image that such decisions are made on
_ENOUGH, _CLEARLY, _CERTAIN = 50, 0.02, 0.005  # pixels; differences of mean correlation


def open_sentinel2(
    path: str | Path,
    *,
    bands: Sequence[str] | None = None,
    scale: float | None = None,
    offset: float | None = None,
    nodata: float | None = None,
    chunk: int = 512,
) -> xr.Dataset:
    """Open a Sentinel-2 raster as reflectance, lazily.

    Parameters
    ----------
    path : path
        Raster with 10, 12 or 13 Sentinel-2 bands, or more with names.
    bands : sequence of str, optional
        Band names in file order, where the file does not name them. Without names, files of 10, 12
        and 13 bands are taken in order of wavelength, if their values agree with that.
    scale : float, optional
        Reflectance per stored unit; by default the file's own scale, 1e-4 for DN (integers, or
        floats in the thousands) and 1 for values that already are reflectance.
    offset : float, optional
        DN offset to add before scaling: -1000 for products of baseline 04.00 and later whose
        offset is still in, 0 for none. By default what the metadata says.
    nodata : float, optional
        Stored value of missing pixels, beside the file's own; pixels of 0 in all bands are missing
        too (0 is the products' no-data value).
    chunk : int
        Edge of the dask chunks, in pixels.

    Returns
    -------
    Dataset
        ``B02 .. B12`` (y, x) float32, dask-backed, NaN where missing; attrs ``sensor``, ``level``,
        ``units``, ``date``, ``source``, ``offset_removed``.

    Raises
    ------
    InputError, GridError
        If bands or units are uncertain, there is no CRS, or the file cannot be read.
    """
    raw = open_raster(path, "Sentinel-2 raster", chunks={"band": -1, "y": chunk, "x": chunk})
    geobox_of(raw, f"Sentinel-2 raster {path}")
    with rasterio.open(path) as src:
        tags = {k.lower(): v for k, v in {**src.tags(1), **src.tags()}.items()}
        descriptions = src.descriptions
        file_scale, file_offset = src.scales[0], src.offsets[0]
        step = max(1, -(-max(src.shape) // _SAMPLE))
        shape = (src.count, -(-src.height // step), -(-src.width // step))
        sample = src.read(out_shape=shape, resampling=rasterio.enums.Resampling.nearest)
    names = _band_names(path, descriptions, bands, raw.sizes["band"])
    missing = [b for b in BANDS if b not in names]
    if missing:
        msg = f"{path} lacks the Sentinel-2 band(s) {', '.join(missing)}."
        raise InputError(msg)
    index = [names.index(b) for b in BANDS]
    fills = missing_values(raw, nodata)
    sample = _without_missing(sample[index].astype(np.float64), fills)
    _check_content(path, sample)
    if bands is None and not any(_canonical(d) for d in descriptions):
        _check_order(path, sample)
        if len(names) == len(BANDS):
            _check_ten(path, sample)
    if scale is None:
        scale = file_scale if file_scale != 1.0 else _guess_scale(path, sample)
    term = _term(path, scale, offset, file_offset, tags)
    reflectance = raw.data.map_blocks(
        _to_reflectance, index, scale, term, fills, dtype=np.float32,
        chunks=((len(BANDS),), *raw.data.chunks[1:]),
    )  # fmt: skip
    template = raw.isel(band=0, drop=True)
    out = xr.Dataset({name: template.copy(data=reflectance[i]) for i, name in enumerate(BANDS)})
    for band in out.data_vars.values():
        band.attrs = {"units": "1", "long_name": "reflectance"}
        band.encoding = {}
    out.attrs = {
        "sensor": "s2",
        "units": "reflectance",
        "level": _level(tags, path),
        "date": tags.get("date", tags.get("datatake_1_datatake_sensing_start", ""))[:10],
        "source": str(path),
        "files": [str(path)],
        "offset_removed": term < 0,
        "simulated": tags.get("lczlib_simulated", "no") == "yes",
    }
    return out


def _term(
    path: str | Path, scale: float, asked: float | None, file_offset: float, tags: dict[str, str]
) -> float:
    """What to add to scaled values: the caller's offset, the file's own, or that of the metadata."""
    is_dn = scale < 0.01
    if asked is not None:
        if asked and not is_dn:
            msg = (
                f"An offset of {asked:g} is one of DN, but {path} holds reflectance (one unit is "
                f"worth {scale:g}): leave it out, or set the scale as well (--scale 0.0001)."
            )
            raise InputError(msg)
        return asked * scale
    if file_offset:
        return file_offset
    # reflectance has been made from DN by somebody who read the same metadata
    return _offset_of(tags) * scale if is_dn else 0.0


def _to_reflectance(
    block: np.ndarray, index: list[int], factor: float, term: float, fills: tuple[float, ...]
) -> np.ndarray:
    """Reflectance (10, y, x) float32 of a block of stored values (band, y, x); NaN where missing."""
    stored = block[index]
    out = stored.astype(np.float32)
    out *= np.float32(factor)
    if term:
        out += np.float32(term)
    for fill in fills:
        out[stored == fill] = np.nan
    out[:, ~stored.any(0)] = np.nan
    return out


def _canonical(name: str | None) -> str | None:
    """``B02`` of "B2", "B02", "S2_B2_median", "blue", "nir08"; None of anything else."""
    if not name:
        return None
    text = name.strip().lower()
    if text in _COMMON_NAMES:
        return _COMMON_NAMES[text]
    found = re.search(r"(?<![a-z0-9])b0?(8a|1[0-2]|[1-9])(?![0-9a-z])", text.replace("_", " "))
    if not found:
        return None
    number = found.group(1).upper()
    return "B8A" if number == "8A" else f"B{int(number):02d}"


def _band_names(
    path: str | Path, descriptions: Sequence[str | None], asked: Sequence[str] | None, count: int
) -> list[str | None]:
    if asked is not None:
        names = [_canonical(b) for b in asked]
        if len(names) != count or None in names:
            what = f"{len(names)} names for {count} bands" if None not in names else "unknown names"
            msg = f"The band names {', '.join(asked)} do not fit {path}: {what}; use B02 .. B12, one a band."
            raise InputError(msg)
        return names
    names = [_canonical(d) for d in descriptions]
    if any(names):
        return names
    if count not in _KNOWN_ORDERS:
        msg = (
            f"{path} has {count} unnamed band{'s' * (count > 1)}, and Sentinel-2 rasters have 10, 12 or "
            "13: give the image, or say which bands these are (--bands B02,B03,...)."
        )
        raise InputError(msg)
    return list(_KNOWN_ORDERS[count])


def _without_missing(sample: np.ndarray, fills: tuple[float, ...]) -> np.ndarray:
    """A (band, n) sample of the valid pixels."""
    flat = sample.reshape(len(sample), -1)
    valid = np.isfinite(flat).all(0) & (flat != 0).any(0)
    for fill in fills:
        valid &= (flat != fill).all(0)
    return flat[:, valid]


def _check_content(path: str | Path, sample: np.ndarray) -> None:
    if sample.shape[1] == 0:
        msg = f"{path} has no valid pixel: every one is 0, NaN or the no-data value."
        raise InputError(msg)
    if np.median(sample) < 0:
        msg = (
            f"{path} has mostly negative values (median {np.median(sample):.3g}): reflectance is not "
            "negative; is this Sentinel-1 in dB?"
        )
        raise InputError(msg)


def order_fits(sample: np.ndarray, assumed: Sequence[str] = BANDS) -> dict[str, float]:
    """How much better each other known order of the ten bands fits the values than the assumed one.

    The fit is the mean correlation of bands that are neighbours in the spectrum.

    Parameters
    ----------
    sample : array (10, n)
        Values of pixels.
    assumed : sequence of str
        Band name of each row.

    Returns
    -------
    dict
        Name of the order to difference of the fits; positive where it fits better.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.nan_to_num(np.corrcoef(sample))

    def fit(order: Sequence[str]) -> float:
        pairs = [correlation[order.index(a), order.index(b)] for a, b in _ALIKE]
        return float(np.mean(pairs))

    return {name: fit(order) - fit(tuple(assumed)) for name, order in OTHER_ORDERS.items()}


def likely_order(sample: np.ndarray, assumed: Sequence[str] = BANDS) -> str | None:
    """The known band order that fits the values clearly better than the assumed one, if any."""
    if sample.shape[1] < _ENOUGH or set(assumed) != set(BANDS):
        return None
    gains = order_fits(sample, assumed)
    name = max(gains, key=gains.get)
    return name if gains[name] > _CLEARLY else None


def _check_order(path: str | Path, sample: np.ndarray) -> None:
    """Refuse unnamed bands whose values do not speak for the order that is assumed.

    Of ten bands, several orders are in use, so that of wavelength must fit best of all; files of 12
    and 13 bands are in order of wavelength unless their values clearly say otherwise.
    """
    name = likely_order(sample)
    if name is not None:
        order = ",".join(OTHER_ORDERS[name])
        msg = (
            f"{path} does not name its bands, and their values fit the order '{name}' better than "
            f"that of wavelength: say the order with bands= (--bands {order}, if that is it)."
        )
        raise InputError(msg)


def _check_ten(path: str | Path, sample: np.ndarray) -> None:
    if sample.shape[1] < _ENOUGH or max(order_fits(sample).values()) > -_CERTAIN:
        msg = (
            f"{path} has ten unnamed bands, and their values do not tell their order for certain: "
            f"say it with bands= (--bands {','.join(BANDS)}, if that is it)."
        )
        raise InputError(msg)


def _guess_scale(path: str | Path, sample: np.ndarray) -> float:
    """1e-4 for DN, 1 for reflectance; refuse what is neither."""
    high = float(np.percentile(sample, 98))
    if high > 150:
        return QUANTIFICATION
    if high <= 3:
        return 1.0
    msg = (
        f"{path} has values up to about {high:.3g}, which is neither reflectance (0-1) nor DN "
        "(0-10,000): say what one unit is worth with scale= (--scale 0.01 for per cent)."
    )
    raise InputError(msg)


def _offset_of(tags: dict[str, str]) -> float:
    """The DN offset that is still in the data, by the file's metadata; 0 where nothing is said."""
    if any("offset_applied" in k and v.lower() in ("true", "1", "yes") for k, v in tags.items()):
        return 0.0
    for key, value in tags.items():
        if re.search(r"(boa|radio)_add_offset", key):
            return float(value)
    baseline = tags.get("processing_baseline", tags.get("s2:processing_baseline", ""))
    if re.fullmatch(r"\d\d\.\d\d", baseline) and float(baseline) >= 4.0:
        return BASELINE_OFFSET
    return 0.0


def _level(tags: dict[str, str], path: str | Path) -> str:
    """``L1C`` (top of atmosphere) or ``L2A`` (surface), where the metadata or file name says so."""
    text = " ".join(
        [tags.get("processing_level", ""), tags.get("product_type", ""), Path(path).name]
    )
    found = re.search(
        r"(?<![A-Za-z0-9])(?:level-?|s2msi|msi)?_?(l?1c|l?2a)(?![A-Za-z0-9])", text, re.I
    )
    return f"L{found.group(1).upper().lstrip('L')}" if found else ""
