"""What stored numbers are in degrees Celsius: by what is stated, and whether the values agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from lczlib.errors import InputError
from lczlib.reading import counted
from lczlib.scenes.layer import Layer
from lczlib.scenes.thermal_products import PRODUCTS

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
_LANDSAT = (0.00341802, 149.0)


def known_unit(text: str) -> Unit | None:
    """``K``, ``degC`` or ``degF`` of any usual spelling, None of anything else."""
    return _UNITS.get(text.strip().lower())


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

    Raises
    ------
    InputError
        If nothing states the unit, or the values contradict it: named is what would fit.
    """
    quantiles = np.quantile(values[:: max(1, values.size // 1_000_000)], [0.05, 0.5, 0.95])
    stated = list(_stated(layer, values.dtype, unit, kind, named, path))
    fitting = [one for one in stated if one.fits(quantiles, plausible)]
    # 21 degC x 0.02 is a temperature too: what is left of the field's spread tells
    for one in fitting:
        plain = (one.scale, one.offset) == (1.0, 0.0)
        if plain or one is fitting[-1] or not 0 < one.spread(quantiles) < _FLATTEST:
            return one if one.unit != "degC" else _warm(one, quantiles, path)
    raise InputError(_contradiction(layer, values, stated[0], quantiles, path, plausible))


def _warm(one: Conversion, quantiles: np.ndarray, path: Path) -> Conversion:
    """With a caution where degrees Celsius look like Fahrenheit."""
    middle = float(one.celsius(quantiles)[1])
    if middle <= _HOTTEST or one.caution:
        return one
    text = (
        f"{path.name} has a median of {middle:.1f} degC ({one.how}), which hardly any city shows: if its values "
        "are degrees Fahrenheit, state --unit degF."
    )
    return replace(one, caution=text)


def _stated(
    layer: Layer, dtype: np.dtype, unit: str | None, kind: str | None, named: str | None, path: Path
) -> Iterator[Conversion]:
    """What the numbers may mean, the likeliest first; the values decide (`Conversion.fits`)."""
    wanted = known_unit(unit) if unit else None
    product = PRODUCTS.get(kind or named or "")
    by_product = None
    if product is not None:
        how = f"{kind or named} {'as stated' if kind else 'by its name'}"
        by_product = Conversion(product.scale, product.offset, "K", how)
        if kind or not wanted:
            yield by_product
    told, how = _unit_of(layer, unit, product is not None, path)
    if layer.scaled:
        yield Conversion(layer.scale, layer.offset, told, f"scale of the file, unit {how}")
    elif wanted or product is None:
        yield Conversion(1.0, 0.0, told, how)
    if by_product is not None and wanted == "K" and not kind:
        yield by_product
    if dtype.kind != "f" or not (layer.scaled or by_product is not None):
        return
    scale = "the scale in its tags" if layer.scaled else f"the scale of {kind or named}"
    for guess in dict.fromkeys((told,) if wanted else (told, "K", "degC")):
        yield Conversion(
            1.0, 0.0, guess, f"by its values: {scale} is applied already",
            f"{path.name} holds temperatures in {guess} by its values, as {scale} would make none of them: it "
            f"is not applied again (--unit {guess} says so too).",
        )  # fmt: skip


def _unit_of(layer: Layer, unit: str | None, product: bool, path: Path) -> tuple[Unit, str]:
    """The unit after scaling, and how it is known; an `InputError` where nothing tells."""
    stated = unit or layer.unit
    known = known_unit(stated)
    if known:
        return known, "as stated" if unit else "as the file says"
    if product and not unit:
        return "K", "of the product"
    if not unit and np.allclose((layer.scale, layer.offset), _LANDSAT, rtol=1e-4):
        return "K", "by its scale, that of Landsat surface temperature"
    told = f"the unit {stated!r}, which is no temperature" if stated else "no unit"
    msg = (
        f"{path} states {told}: say whether its values are kelvin or degrees Celsius "
        "(--unit K or --unit degC), or which product it is (--kind)."
    )
    raise InputError(msg)


def _contradiction(
    layer: Layer,
    values: np.ndarray,
    first: Conversion,
    quantiles: np.ndarray,
    path: Path,
    plausible: tuple[float, float],
) -> str:
    """Values that are no temperatures as read: what would make them some."""

    def fits(scale: float, offset: float, unit: Unit) -> bool:
        return Conversion(scale, offset, unit, "").fits(quantiles, plausible)

    scales = dict.fromkeys([(first.scale, first.offset), (1.0, 0.0)])
    units: list[Unit] = []
    stated = known_unit(layer.unit)
    # as the file states it before others; degrees Fahrenheit, which look like Celsius, last
    for group in ((stated,) if stated else (), ("K", "degC"), ("degF",)):
        units = units or list(dict.fromkeys(u for s in scales for u in group if fits(*s, u)))
    integers = values.dtype.kind in "iu"
    tenths = integers and not layer.scaled and known_unit(layer.unit) != "K"
    tenths = tenths and fits(0.1, 0.0, "degC")
    read = (
        f"{path} read as {first.unit} ({first.how}) has a median of "
        f"{first.celsius(quantiles)[1]:.1f} degC"
    )
    scale_it = "tenths of degC: write the scale into it (`gdal_edit.py -a_scale 0.1 FILE`)"
    asked = " or ".join(f"--unit {u}" for u in units)
    if tenths and units:
        return f"{read}: its whole numbers look like {' or '.join(units)} ({asked}), or like {scale_it}."
    if tenths:
        return f"{read}: its whole numbers look like {scale_it}."
    if units:
        return f"{read}: its values look like {' or '.join(units)}; state {asked}."
    products = [
        f"--kind {name}"
        for name, p in PRODUCTS.items()
        if p.scale != 1.0 and fits(p.scale, p.offset, "K")
    ]
    celsius = first.celsius(values)
    low, high = plausible
    outside = int(((celsius <= low) | (celsius > high)).sum())
    fit = f"; its numbers would fit {' or '.join(products)}" if products else ""
    return (
        f"{path}: {counted(outside, 'pixel lies', 'pixels lie')} outside {low:g} to {high:g} degC and "
        f"{values.size - outside:,} within, read as {first.unit} ({first.how}): check its unit, its scale, its "
        f"constants, or --plausible{fit}."
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
