"""What is fetched of surface temperature: products, each a row with its layers, its coding, and its limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

VALID = 0
"""Among the kinds of pixels; the others are the positions in `Thermometer.lost`, from 1."""


@dataclass(frozen=True)
class Thermometer:
    """A product.

    Attributes
    ----------
    name, title : str
        What users write, and what people call it.
    stem : str
        Of its files.
    layers : mapping of str to float
        Temperature, quality, uncertainty: what they are called here, and what stands where a file does not
        reach.
    nodata, scale, offset : float
        Kelvin = stored x scale + offset.
    dtype : str
        Of stored temperatures, in the result as in the product.
    error_nodata, error_scale, error_dtype
        The same of uncertainties.
    lost : tuple of str
        What became of pixels that are not valid, in words.
    sort : callable
        (temperature, quality) as stored to which of these each pixel is, or `VALID`.
    cloudy : tuple of str
        Those of `lost` that are cloud or its shadow.
    clouds : str
        How clouds were removed, in words.
    limits : tuple of str
        What its users should know; printed with every result. Gaps and emissivity of Landsat: USGS, Landsat
        Collection 2 Surface Temperature Data Gaps Due to Missing ASTER GED; Malakar et al. 2018, doi
        10.1109/TGRS.2018.2824828.
    attribution, terms : str
        Whom it is owed to; where that is said.
    """

    name: str
    title: str
    stem: str
    layers: Mapping[str, float]
    nodata: float
    scale: float
    offset: float
    dtype: str
    error_nodata: float
    error_scale: float
    error_dtype: str
    lost: tuple[str, ...]
    sort: Callable[[np.ndarray, np.ndarray], np.ndarray]
    cloudy: tuple[str, ...]
    clouds: str
    limits: tuple[str, ...]
    attribution: str
    terms: str

    @property
    def temperature(self) -> str:
        """The layer of temperatures."""
        return next(iter(self.layers))

    def code(self, lost: str) -> int:
        """The number of a kind of pixel."""
        return self.lost.index(lost) + 1


_LOST = ("fill", "cloud", "cirrus", "shadow", "dilated", "snow", "no_temperature")
_BITS = {"cloud": 3, "cirrus": 2, "shadow": 4, "dilated": 1, "snow": 5}
"""Of QA_PIXEL (USGS LSDS-1619), as they are counted where several are set; bit 0 is fill."""
_LEAST, _MOST = 293, 61_440
"""Stored surface temperatures that the product has (LSDS-1619): 150 to 359 K."""


def _landsat(temperature: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """Kinds of Landsat's pixels."""
    off = (temperature < _LEAST) | (temperature > _MOST)
    kinds = np.where(off, np.uint8(_LOST.index("no_temperature") + 1), np.uint8(VALID))
    for name, bit in reversed(_BITS.items()):
        kinds[(quality >> bit) & 1 == 1] = _LOST.index(name) + 1
    kinds[quality & 1 == 1] = _LOST.index("fill") + 1
    return kinds


def _ecostress(temperature: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """Kinds of ECOSTRESS's pixels."""
    kinds = np.where(np.isfinite(temperature) & (temperature > 0), np.uint8(VALID), np.uint8(1))
    kinds[(quality != 0) & (kinds == VALID)] = 2
    return kinds


LANDSAT = Thermometer(
    "landsat", "Landsat Collection 2 Level-2", "lst", {"ST": 0, "QA_PIXEL": 1, "ST_QA": -9999},
    0, 0.00341802, 149.0, "uint16", -9999, 0.01, "int16", _LOST, _landsat, ("cloud", "cirrus", "shadow", "dilated"),
    "QA_PIXEL (cloud, its rim and shadow, cirrus, snow), when it was fetched",
    (
        "Landsat's emissivity is ASTER's mean of 2000 to 2008 around a pixel: metal roofs emit less, and are read too "
        "cold, so that LCZ 8 and 10, which have most of them, are warmer than it says.",
    ),
    "Landsat-{n} image courtesy of the U.S. Geological Survey",
    "https://www.usgs.gov/core-science-systems/hdds/data-policy",
)  # fmt: skip
ECOSTRESS = Thermometer(
    "ecostress", "ECOSTRESS ECO_L2T_LSTE", "lst_ecostress", {"LST": np.nan, "cloud": 255, "LST_err": np.nan},
    np.nan, 1.0, 0.0, "float32", np.nan, 1.0, "float32", ("fill", "cloud"), _ecostress, ("cloud",),
    "the layer cloud of ECO_L2T_LSTE, when it was fetched",
    (
        "ECOSTRESS passes at another hour each time: its dates differ by the hour as much as by the day, and their "
        "median is of no hour. Its positions are off by a pixel or more where a pass could not be matched.",
    ),
    "ECOSTRESS data courtesy of NASA's Land Processes Distributed Active Archive Center (LP DAAC)",
    "https://lpdaac.usgs.gov/data/data-citation-and-policies/",
)  # fmt: skip
THERMOMETERS = {t.name: t for t in (LANDSAT, ECOSTRESS)}
"""A new product is a row."""
