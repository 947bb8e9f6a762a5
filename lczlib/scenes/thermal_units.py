"""What stored numbers are in degrees Celsius: by what is stated, and whether the values agree."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from lczlib.errors import InputError
from lczlib.reading import counted
from lczlib.scenes.layer import Layer
from lczlib.scenes.thermal_products import PRODUCTS
from lczlib.terms import option, settings_in

Unit = Literal["K", "degC", "degF"]
KELVIN = 273.15
PLAUSIBLE = (-60.0, 85.0)
"""Surface temperatures in degC that occur on Earth's land (Zhao et al. 2021, doi
10.1175/BAMS-D-20-0325.1: up to 80.8 degC by satellite), with a margin."""
PLAUSIBLE_AIR = (-90.0, 60.0)
"""Air temperatures in degC that occur on Earth, with a margin: -89.2 (Vostok) to 56.7 (Death Valley),
World Meteorological Organization, Archive of Weather and Climate Extremes."""

_UNITS = {
    "k": "K", "kelvin": "K", "kelvins": "K", "degree_kelvin": "K", "degrees_kelvin": "K", "degk": "K",
    "deg_k": "K", "kelvin (k)": "K",
    "c": "degC", "°c": "degC", "degc": "degC", "deg_c": "degC", "celsius": "degC", "deg c": "degC",
    "degree_celsius": "degC", "degrees_celsius": "degC", "degree celsius": "degC",
    "degrees celsius": "degC", "degreec": "degC", "degreesc": "degC", "degree_c": "degC",
    "degrees_c": "degC", "℃": "degC", "ºc": "degC",
    "f": "degF", "°f": "degF", "degf": "degF", "deg_f": "degF", "fahrenheit": "degF",
    "degree_fahrenheit": "degF", "degrees_fahrenheit": "degF", "degree fahrenheit": "degF",
    "degrees fahrenheit": "degF", "deg f": "degF", "ºf": "degF", "℉": "degF",
}  # fmt: skip
_WIDEST = 60.0
"""K between the 5th and the 95th percentile of a city's pixels; what spreads more is in another unit."""
_FLATTEST = 0.2
"""K between the 5th and the 95th percentile: a field flatter than this was scaled twice, if it may have."""
_HOTTEST = 55.0
"""degC: medians above it are of deserts at noon, or in another unit."""
_COLDEST = -30.0
_USUAL = 8.0
"""K between the 5th and the 95th percentile of a city's surfaces, about."""
_NARROW = 1.0
"""K between them that a scale must leave to be proposed."""
_MOST_OPTIONS, _AS_LIKELY = 3, 1.0
_LANDSAT = (0.00341802, 149.0)


SCALED_UNITS = ("0.1K", "0.01K", "0.1degC", "0.01degC")
"""Units of whole numbers that carry no scale, as the option and files have them."""


def known_unit(text: str) -> Unit | None:
    """``K``, ``degC`` or ``degF`` of any usual spelling, None of anything else."""
    return _UNITS.get(text.strip().lower())


def scaled_unit(text: str) -> tuple[float, Unit] | None:
    """What one stored unit is worth, and in which unit; None where it is no temperature.

    A number before the unit, as UDUNITS has it, counts; and one behind it by which values were
    multiplied.

    Examples
    --------
    >>> [scaled_unit(t) for t in ("K", "0.1 K", "0.01degC", "degC*100", "mm")]
    [(1.0, 'K'), (0.1, 'K'), (0.01, 'degC'), (0.01, 'degC'), None]
    """
    if known := known_unit(text):
        return 1.0, known
    number = r"(\d+(?:\.\d*)?(?:e[-+]?\d+)?|\.\d+)"
    before = re.fullmatch(rf"{number}\s*[*x×·]?\s*(\D.*)", text.strip(), re.IGNORECASE)
    behind = re.fullmatch(rf"(.*?)\s*[*x×·]\s*{number}", text.strip(), re.IGNORECASE)
    if before and (unit := known_unit(before[2])) and float(before[1]):
        return float(before[1]), unit
    if behind and (unit := known_unit(behind[1])) and float(behind[2]):
        return 1 / float(behind[2]), unit
    return None


@dataclass(frozen=True)
class Conversion:
    """How stored numbers become degrees Celsius: scale and offset first, then the unit.

    Attributes
    ----------
    scale, offset : float
    unit : str
        What they give.
    how : str
        How that is known, in words.
    caution : str
        A sentence where the values had to decide, else empty.
    """

    scale: float
    offset: float
    unit: Unit
    how: str
    caution: str = ""

    def celsius(self, stored: np.ndarray) -> np.ndarray:
        """Stored numbers in degC, float32."""
        wide = stored.dtype.itemsize > 4 or stored.dtype in (np.int32, np.uint32)
        work = np.float64 if wide else np.float32
        values = stored.astype(work)
        if (self.scale, self.offset) != (1.0, 0.0):
            values = values * work(self.scale) + work(self.offset)
        if self.unit == "degF":
            values = (values - work(32.0)) / work(1.8)
        elif self.unit == "K":
            values = values - work(KELVIN)
        return values.astype(np.float32, copy=False)

    def fits(self, quantiles: np.ndarray, plausible: tuple[float, float]) -> bool:
        """Whether the 5th, 50th and 95th percentile of the stored values are temperatures so."""
        low, middle, high = self.celsius(quantiles)
        return bool(plausible[0] <= middle <= plausible[1] and abs(high - low) <= _WIDEST)

    def spread(self, quantiles: np.ndarray) -> float:
        """K between the lowest and the highest of some stored values."""
        return float(np.ptp(self.celsius(quantiles)))

    def __str__(self) -> str:
        """``stored x 0.1 + 0 = degC, as the file says``."""
        if (self.scale, self.offset) == (1.0, 0.0):
            return f"unit {self.unit}, {self.how}"
        plus = f" {self.offset:+g}".replace("+", "+ ").replace("-", "- ") if self.offset else ""
        return f"stored x {self.scale:g}{plus} = {self.unit}, {self.how}"


def conversion(
    layer: Layer,
    values: np.ndarray,
    path: Path,
    *,
    unit: str | None,
    kind: str | None,
    named: str | None,
    plausible: tuple[float, float],
    what: Literal["surface", "air"] = "surface",
) -> Conversion:
    """Scale, offset and unit of a layer: what is stated, where the values agree with it.

    Parameters
    ----------
    layer : Layer
        As the file describes it.
    values : array (n,)
        Its stored values, without missing ones.
    path : Path
        For messages.
    unit, kind : str, optional
        As stated by the user.
    named : str, optional
        Product by the file's or the band's name.
    plausible : (float, float)
        Of the median, degC.
    what : {"surface", "air"}
        Products are of surfaces only.

    Raises
    ------
    InputError
        If nothing states the unit, or the values contradict it: named is what would fit.
    """
    quantiles = np.quantile(values[:: max(1, values.size // 1_000_000)], [0.05, 0.5, 0.95])
    fits = _fitting(layer, quantiles, plausible, what)
    stated = list(_stated(layer, values.dtype, unit, kind, named, path, fits, what))
    fitting = [one for one in stated if one.fits(quantiles, plausible)]
    # 21 degC x 0.02 is a temperature too: what is left of the field's spread tells
    for one in fitting:
        plain = (one.scale, one.offset) == (1.0, 0.0)
        if plain or one is fitting[-1] or not 0 < one.spread(quantiles) < _FLATTEST:
            return one if one.unit != "degC" else _warm(one, quantiles, path)
    raise InputError(_contradiction(values, stated[0], quantiles, path, plausible, fits))


def _warm(one: Conversion, quantiles: np.ndarray, path: Path) -> Conversion:
    """With a caution where degrees Celsius look like Fahrenheit."""
    middle = float(one.celsius(quantiles)[1])
    if middle <= _HOTTEST or one.caution:
        return one
    scale = "" if one.scale == 1 or "as stated" not in one.how else f"{one.scale:g}"
    text = (
        f"{path.name} has a median of {middle:.1f} degC ({one.how}), which hardly any city shows: if its values "
        f"are degrees Fahrenheit, state {option('unit')} {scale}degF."
    )
    return replace(one, caution=text)


def _stated(
    layer: Layer,
    dtype: np.dtype,
    unit: str | None,
    kind: str | None,
    named: str | None,
    path: Path,
    fits: list[str],
    what: str,
) -> Iterator[Conversion]:
    """What the numbers may mean, the likeliest first; the values decide (`Conversion.fits`)."""
    wanted = scaled_unit(unit) if unit else None
    product = PRODUCTS.get(kind or named or "")
    by_product = None
    if product is not None:
        how = f"{kind or named} {'as stated' if kind else 'by its name'}"
        by_product = Conversion(product.scale, product.offset, "K", how)
        if kind or not wanted:
            yield by_product
    size, told, how = _unit_of(layer, unit, product is not None, path, fits, what)
    if wanted and size != 1:  # who states what a stored number is worth means the number as stored
        yield Conversion(size, 0.0, told, how)
        return
    if size != 1:
        scaled = (layer.scale * size, layer.offset * size)
        yield Conversion(*scaled, told, f"{layer.unit} {how}")
    if layer.scaled:
        yield Conversion(layer.scale, layer.offset, told, f"scale of the file, unit {how}")
    elif (wanted or product is None) and size == 1:
        yield Conversion(1.0, 0.0, told, how)
    if by_product is not None and wanted == (1.0, "K") and not kind:
        yield by_product
    if dtype.kind != "f" or not (layer.scaled or by_product is not None):
        return
    scale = "the scale in its tags" if layer.scaled else f"the scale of {kind or named}"
    for guess in dict.fromkeys((told,) if wanted else (told, "K", "degC")):
        yield Conversion(
            1.0, 0.0, guess, f"by its values: {scale} is applied already",
            f"{path.name} holds temperatures in {guess} by its values, as {scale} would make none of them: it "
            f"is not applied again ({option('unit')} {guess} says so too).",
        )  # fmt: skip


def _unit_of(
    layer: Layer, unit: str | None, product: bool, path: Path, fits: list[str], what: str
) -> tuple[float, Unit, str]:
    """What a scaled value is worth in which unit, and how it is known; an `InputError` where nothing tells."""
    stated = unit or layer.unit
    known = scaled_unit(stated) if stated else None
    if known:
        return *known, "as stated" if unit else "as the file says"
    if product and not unit:
        return 1.0, "K", "of the product"
    if not unit and np.allclose((layer.scale, layer.offset), _LANDSAT, rtol=1e-4):
        return 1.0, "K", "by its scale, that of Landsat surface temperature"
    told = f"the unit {stated!r}, which is no temperature" if stated else "no unit"
    kinds = f", or which product it is ({option('kind')})" if what == "surface" else ""
    looks = f" By their size its values may be {_either(fits)}." if fits else ""
    if what == "surface" and layer.name in ("B10", "B11"):
        # digital numbers of Level-1 fit the scale of Level-2 as well, as temperatures of a hard winter
        looks += f" A band {layer.name} of a Level-1 product holds digital numbers: {option('kind', 'landsat-l1')}."
    msg = (
        f"{path} states {told}: say whether its values are kelvin, degrees Celsius or degrees Fahrenheit "
        f"({option('unit')} K, {option('unit')} degC or {option('unit')} degF){kinds}.{looks}"
    )
    raise InputError(msg)


def _fitting(
    layer: Layer, quantiles: np.ndarray, plausible: tuple[float, float], what: str
) -> list[str]:
    """Options under which stored values are temperatures of a place, the likeliest first."""
    found: list[tuple[float, str]] = []

    def judge(scale: float, offset: float, unit: Unit, option: str, unlikely: float) -> None:
        one = Conversion(scale, offset, unit, "")
        middle, spread = float(one.celsius(quantiles)[1]), one.spread(quantiles)
        if one.fits(quantiles, plausible) and (spread >= _NARROW or scale == 1):
            # a field as wide as cities are, of usual temperatures
            odd = (
                abs(math.log(max(spread, 0.01) / _USUAL))
                + (middle > _HOTTEST)
                + (middle < _COLDEST)
            )
            found.append((odd + unlikely, option))

    pair = (layer.scale, layer.offset)
    own = known_unit(layer.unit)
    for unit in ("K", "degC", "degF"):
        judge(*pair, unit, f"{option('unit')} {unit}", -0.5 if unit == own else 0.0)
    if not any(o for _, o in found) and layer.scaled:
        for unit in ("K", "degC", "degF"):
            judge(1.0, 0.0, unit, f"{option('unit')} {unit}", 0.0)
    if not found:
        for scale in (0.1, 0.01, 0.001):
            for unit in ("K", "degC", "degF"):
                rare = 0.5 if scale == 0.001 else 0.0
                judge(scale, 0.0, unit, f"{option('unit')} {scale:g}{unit}", rare)
        if what == "surface":
            for name, p in PRODUCTS.items():
                if p.scale != 1.0:
                    judge(p.scale, p.offset, "K", f"{option('kind')} {name}", 0.5)
    # degrees Fahrenheit, which look like Celsius, only where nothing else fits
    usual = [f for f in found if not f[1].endswith("degF")] or found
    best = min(usual, default=(0.0, ""))[0]
    return [option for odd, option in sorted(usual) if odd < best + _AS_LIKELY][:_MOST_OPTIONS]


def _either(options: list[str]) -> str:
    return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"


def _contradiction(
    values: np.ndarray,
    first: Conversion,
    quantiles: np.ndarray,
    path: Path,
    plausible: tuple[float, float],
    fits: list[str],
) -> str:
    """Values that are no temperatures as read: what would make them some."""
    if fits:
        units = [o.split()[1] for o in fits if "unit" in settings_in(o)]
        if len(units) == len(fits):
            return (
                f"{path} read as {first.unit} ({first.how}) has a median of "
                f"{first.celsius(quantiles)[1]:.1f} degC: its values look like {' or '.join(units)}; state "
                f"{_either(fits)}."
            )
    celsius = first.celsius(values)
    low, high = plausible
    outside = int(((celsius <= low) | (celsius > high)).sum())
    fit = f"; its numbers would fit {_either(fits)}" if fits else ""
    return (
        f"{path}: {counted(outside, 'pixel lies', 'pixels lie')} outside {low:g} to {high:g} degC and "
        f"{values.size - outside:,} within, read as {first.unit} ({first.how}): check its unit, its scale, its "
        f"constants, or {option('plausible')}{fit}."
    )


def refuse_fill(stored: np.ndarray, path: Path) -> None:
    """Refuse valid pixels that all hold one stored value, 0 or below: a fill nobody declared."""
    if not stored.size or stored.min() != stored.max() or stored.flat[0] > 0:
        return
    value = stored.flat[0]
    msg = (
        f"{path} holds no temperatures: every one of its {stored.size:,} valid pixels is {value:g}, which "
        "looks like a no-data value that the file does not declare; give another raster, or declare it "
        f"with `gdal_edit.py -a_nodata {value:g} FILE`."
    )
    raise InputError(msg)
