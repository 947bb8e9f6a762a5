"""What speaks for each kind of file: names, bands and a sample of values, before any of it is read whole.

Nothing is decided here: the doors that read the files decide. What is found only says which door is tried
first, so that a raster of classes is not read as heights, which would do as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from lczlib.rasters import BANDWISE, band_names, missing_values, open_raster, physical
from lczlib.scenes.bands import KNOWN_ORDERS, known_bands
from lczlib.scenes.elevation import is_elevation_name
from lczlib.scenes.look import look_at
from lczlib.scenes.sentinel1 import FEATURES
from lczlib.scenes.thermal_names import measured_by
from lczlib.scenes.thermal_products import product_of
from lczlib.scenes.thermal_quality import is_quality_name
from lczlib.scenes.thermal_units import known_unit, scaled_unit
from lczlib.study.looking.names import hint_of
from lczlib.texts import text

CERTAIN, STRONG, LIKELY, POSSIBLE, FAINT = 90, 75, 60, 45, 20
"""How much speaks for a kind; above `POSSIBLE` what speaks is in the file and not only its values."""
_MOST_CLASSES = 60  # distinct codes of a sample, of maps with numberings of all kinds
_SPARSE = 0.2  # of the cells; less labelled than that are areas that somebody marked
_REFLECTANCE, _DN = 2.0, 30_000.0


@dataclass(frozen=True)
class Hint:
    """What speaks for a kind.

    Attributes
    ----------
    kind : str
        One of `lczlib.study.looking.kinds`.
    weight : int
        How much: the larger the more.
    why : str
        A clause: ``its bands are called VV and VH``.
    assumed : bool
        Whether the values alone speak for it, and nothing that the file says.
    """

    kind: str
    weight: int
    why: str
    assumed: bool = False


@dataclass(frozen=True)
class RasterLook:
    """What is known of a raster from its header and a decimated image."""

    path: Path
    data: xr.DataArray
    names: tuple[str, ...]
    values: np.ndarray
    empty: float
    tags: dict[str, str]

    @property
    def count(self) -> int:
        """Bands."""
        return self.data.sizes["band"]

    @property
    def units(self) -> tuple[str, ...]:
        """What the bands say that they are in."""
        told = [str(u) for u in self.data.attrs.get("units_of_bands", ()) if u]
        return (*told, *(v for k, v in self.tags.items() if k in ("units", "unit")))


def look_at_raster(path: str | Path) -> RasterLook:
    """A decimated image of a raster, and what it says of itself.

    Raises
    ------
    InputError, GridError
        If it cannot be opened, or declares more than a job's memory holds.
    """
    data = open_raster(path, "raster", chunks=BANDWISE)
    look = look_at(data)
    sample = data.isel(y=slice(0, look.sample.shape[1]), x=slice(0, look.sample.shape[2])).copy(
        data=look.sample, deep=False
    )
    stored, missing = look.sample, np.zeros(look.sample.shape, bool)
    for fill in missing_values(data):
        missing |= stored == stored.dtype.type(fill)
    values = physical(sample).values.astype(np.float64)
    values[missing | ~np.isfinite(values)] = np.nan
    held = np.isfinite(values).any(0)
    names = tuple(band_names(data))
    return RasterLook(
        Path(path), data, names, values, float(1 - held.mean()) if held.size else 1.0, look.tags
    )


def hints_of_raster(found: RasterLook) -> list[Hint]:
    """What speaks for each kind of raster."""
    hints = [*_optical(found), *_radar(found), *_probabilities(found)]
    hints += [*_classes(found), *_temperatures(found), *_others(found)]
    named = hint_of(found.path, "raster")
    if named:
        hints.append(
            Hint(named, LIKELY, text("the file is called {name}").format(name=found.path.name))
        )
    return hints


def _optical(found: RasterLook) -> list[Hint]:
    bands = [b for b in known_bands(found.names) if b]
    if len(bands) >= 8:
        why = text("{n} of its bands have names of Sentinel-2's, from {first} to {last}")
        why = why.format(n=len(bands), first=bands[0], last=bands[-1])
        return [Hint("scene", CERTAIN, why)]
    if found.count not in KNOWN_ORDERS or any(n.upper() in FEATURES for n in found.names):
        return []
    known = found.values[np.isfinite(found.values)]
    if not known.size or np.quantile(known, 0.01) < -1e-3:
        return []
    most = float(np.quantile(known, 0.99))
    if most > _DN:
        return []
    if most <= _REFLECTANCE:
        why = text("it has {n} bands as Sentinel-2 has, with values like reflectance")
    else:
        why = text(
            "it has {n} bands as Sentinel-2 has, with values like whole numbers of reflectance"
        )
    return [Hint("scene", LIKELY + 5, why.format(n=found.count), assumed=True)]


def _radar(found: RasterLook) -> list[Hint]:
    names = [n.casefold() for n in found.names]
    polarised = [n for n in names if re.search(r"(?<![a-z])(vv|vh)(?![a-z])", n)]
    if found.count == len(FEATURES) and {n.upper() for n in found.names} == {
        f.upper() for f in FEATURES
    }:
        return [Hint("radar", CERTAIN, text("its bands have the names of So2Sat's seven features"))]
    complex_parts = [n for n in names if re.search(r"(re|im|real|imag)$", n)]
    if found.count in (2, 4) and len(polarised) == found.count and not complex_parts:
        why = text("its bands are called {names}").format(names=", ".join(found.names))
        return [Hint("water", CERTAIN, why), Hint("radar", STRONG, why)]
    if not np.issubdtype(found.data.dtype, np.floating):
        return []
    if found.count == 8:
        why = text("it has eight bands of real numbers, as So2Sat's channels of Sentinel-1")
        return [Hint("radar", STRONG, why, assumed=True)]
    if found.count == 4:
        why = text(
            "it has four bands of real numbers, as one half of So2Sat's channels of Sentinel-1"
        )
        return [Hint("radar", LIKELY, why, assumed=True)]
    known = found.values[np.isfinite(found.values)]
    if found.count == 2 and known.size and -45 < np.median(known) < 0:
        why = text("it has two bands, with values like backscatter in dB")
        return [
            Hint("water", LIKELY, why, assumed=True),
            Hint("radar", POSSIBLE, why, assumed=True),
        ]
    return []


def _probabilities(found: RasterLook) -> list[Hint]:
    if found.count != 17:
        return []
    sums = found.values.sum(0)
    known = sums[np.isfinite(sums) & (sums > 0)]
    if known.size and np.ptp(known) < 0.02 * np.median(known) + 0.01:
        why = text("it has 17 bands that add up to one in each cell")
        return [Hint("probabilities", CERTAIN, why)]
    return []


def _classes(found: RasterLook) -> list[Hint]:
    generator = {"lcz", "lczfilter"} & {n.casefold() for n in found.names}
    if len(generator) == 2:
        why = text("its bands are called as the LCZ Generator calls them")
        return [Hint("map", CERTAIN, why)]
    band = next((i for i, n in enumerate(found.names) if "lcz" in n.casefold()), 0)
    values = found.values[band]
    known = values[np.isfinite(values)]
    if not known.size or found.count > 3 or (known != np.round(known)).any():
        return []
    codes = np.unique(known)
    if len(codes) > _MOST_CLASSES:
        return []
    words = " ".join((*found.names, *found.tags, *found.tags.values()))
    named = re.search(r"lcz|local.?climate", words, re.IGNORECASE)
    labelled = codes[codes > 0]
    if not len(labelled):
        return []
    share = float((values > 0).mean())
    n, ends = len(labelled), {"low": f"{labelled[0]:g}", "high": f"{labelled[-1]:g}"}
    if found.count == 1 and share < _SPARSE:
        why = text(
            "its values are {n} whole numbers, from {low} to {high}, in {share} of the cells"
        )
        why = why.format(n=n, share=f"{share:.1%}", **ends)
        return [Hint("reference", STRONG, why, assumed=True), Hint("map", LIKELY, why, assumed=True)]  # fmt: skip
    why = text("its values are {n} whole numbers, from {low} to {high}").format(n=n, **ends)
    weight = STRONG if named or labelled[-1] <= 17 or labelled[0] > 17 else LIKELY
    weight = weight if found.count == 1 or named else POSSIBLE
    return [
        Hint("map", weight, why, assumed=not named),
        Hint("reference", weight - 10, why, assumed=True),
    ]


def _temperatures(found: RasterLook) -> list[Hint]:
    if is_quality_name(found.path.stem, found.names):
        why = text("its name is that of a quality layer of temperatures")
        return [Hint("quality", CERTAIN + 5, why)]
    product = next((p for n in found.names or ("",) if (p := product_of(found.path, n))), None)
    if product:
        why = text("its name is that of the product {product}").format(product=product)
        return [Hint("thermal", CERTAIN, why)]
    words = (*found.names, *(v for k, v in found.tags.items() if k in _WORDS))
    said = measured_by(words, found.path)
    if said:
        if said == "air":
            return [Hint("air", STRONG + 5, text("it says that it is air temperature"))]
        return [Hint("thermal", STRONG + 5, text("it says that it is surface temperature"))]
    unit = next((u for u in found.units if known_unit(u) or scaled_unit(u)), "")
    if unit:
        why = text(
            "its unit is {unit}, and nothing in it says whether of the surface or of the air"
        )
        why = why.format(unit=unit)
        return [
            Hint("thermal", STRONG, why, assumed=True),
            Hint("air", LIKELY, why, assumed=True),
        ]
    known = found.values[0][np.isfinite(found.values[0])]
    if found.count > 1 or not known.size:
        return []
    low, middle, high = np.quantile(known, (0.05, 0.5, 0.95))
    if not 0.2 < high - low < 60 and not np.issubdtype(found.data.dtype, np.integer):
        return []
    for what, factor, zero in _LIKE:
        celsius = np.array([low, middle, high]) * factor - zero
        if celsius[0] > -40 and celsius[2] < 75 and 0.3 < celsius[2] - celsius[0] < 60:
            why = text("its values are like temperatures in {unit}, and nothing in it says of what")
            why = why.format(unit=what)
            weight = LIKELY if factor == 1 else POSSIBLE
            if len(np.unique(known)) < _MOST_CLASSES and (known == np.round(known)).all():
                weight = FAINT
            return [
                Hint("thermal", weight, why, assumed=True),
                Hint("air", weight - 10, why, assumed=True),
            ]
    return []


_WORDS = ("long_name", "standard_name", "title", "description", "quantity", "variable")
_LIKE = (
    ("K", 1.0, 273.15), ("degC", 1.0, 0.0), ("0.1 K", 0.1, 273.15), ("0.01 K", 0.01, 273.15),
    ("0.02 K", 0.02, 273.15), ("0.1 degC", 0.1, 0.0), ("0.01 degC", 0.01, 0.0),
)  # fmt: skip


def _others(found: RasterLook) -> list[Hint]:
    if found.count == 1 and any(is_elevation_name(n) for n in found.names if n):
        why = text("its band is called {name}").format(name=found.names[0])
        return [Hint("elevation", STRONG, why)]
    return []


def hints_of_netcdf(path: str | Path) -> list[Hint]:
    """What speaks for a domain of WRF."""
    with Path(path).open("rb") as opened:
        head = opened.read(65_536)
    if b"GEOGRID" in head or b"LU_INDEX" in head:
        return [Hint("geo_em", CERTAIN, text("it says that geogrid of WRF wrote it"))]
    return []


def ranked(hints: list[Hint], order: tuple[Any, ...]) -> list[Hint]:
    """The best hint of each kind, the best first; of equals in the order in which kinds are offered."""
    best: dict[str, Hint] = {}
    for hint in hints:
        if hint.kind not in best or hint.weight > best[hint.kind].weight:
            best[hint.kind] = hint
    return sorted(
        best.values(),
        key=lambda h: (-h.weight, order.index(h.kind) if h.kind in order else len(order)),
    )
