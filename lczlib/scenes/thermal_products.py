"""Thermal products as they are stored: scale, fill, quality bits, sensor constants."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lczlib.errors import InputError

CLOUD_BITS = 0b11111
"""QA_PIXEL bits 0-4: fill, dilated cloud, cirrus, cloud, cloud shadow (USGS LSDS-1619)."""


@dataclass(frozen=True)
class Product:
    """How a product stores temperature.

    Attributes
    ----------
    quantity : str
        ``land surface temperature`` or ``brightness temperature``.
    scale, offset : float
        Kelvin = stored value x scale + offset.
    fill : float or None
        Stored value for no data.
    name : str
        Regular expression that its file names match, or its bands' names alone.
    quality, uncertainty : tuple of (str, str)
        What to replace in the file name, and by what, to find that layer.
    source : str
        Where these figures are from.
    """

    quantity: str
    scale: float
    offset: float
    fill: float | None
    name: str
    source: str
    quality: tuple[str, str] | None = None
    uncertainty: tuple[str, str] | None = None


_END = r"(?![0-9a-z])"  # of a layer's name within a file's: _clip, -1 or (2) may follow
PRODUCTS: dict[str, Product] = {
    "landsat-l2": Product(
        "land surface temperature", 0.00341802, 149.0, 0,
        rf"(_L2S[PR]_.*|^L[A-Z]{{0,2}}\d\d.*[_.])ST_B(10|6){_END}|^st_b(10|6)$",
        "USGS Landsat Collection 2 Level-2 science product guide (LSDS-1619)",
        (rf"ST_B(10|6){_END}", "QA_PIXEL"), (rf"ST_B(10|6){_END}", "ST_QA"),
    ),
    "landsat-l1": Product(
        "brightness temperature", 1.0, 0.0, 0, rf"_(L1TP|L1GT|L1GS)_.*_B1[01]{_END}",
        "USGS Landsat 8-9 data users handbook (LSDS-1574), section 5: radiance, then Planck's law",
        (rf"_B1[01]{_END}", "_QA_PIXEL"),
    ),
    "modis": Product(
        "land surface temperature", 0.02, 0.0, 0,
        r"M[OY]D11.*LST_(Day|Night)|^lst_(day|night)_(1km|6km|cmg)$",
        "MOD11/MYD11 Collection 6.1 user guide (Wan 2019)",
        (r"LST_(Day|Night)_(1km|6km|CMG)", r"QC_\1"),
    ),
    "mxd21": Product(
        "land surface temperature", 0.02, 0.0, 0, r"M[OY]D21.*LST(_Day|_Night)?_1KM",
        "MOD21/MYD21 Collection 6.1 user guide (Hulley 2021)",
        (r"LST(_Day|_Night)?_1KM", r"QC\1"),
    ),
    "ecostress": Product(
        "land surface temperature", 1.0, 0.0, None, rf"ECO(v\d+)?_L2T_LSTE.*_LST{_END}(?!_err)",
        "ECOSTRESS ECO_L2T_LSTE v002 product page, doi 10.5067/ECOSTRESS/ECO_L2T_LSTE.002",
        (rf"_LST{_END}", "_cloud"), (rf"_LST{_END}", "_LST_err"),
    ),
}  # fmt: skip
"""The products that are known by name: of the file, or of the band."""


def product_of(path: str | Path, band: str = "") -> str | None:
    """The product whose names the file, or the band, carries; None of others."""
    for kind, product in PRODUCTS.items():
        for name in (Path(path).name, band):
            if re.search(product.name, name, flags=re.IGNORECASE):
                return kind
    return None


@dataclass(frozen=True)
class ThermalConstants:
    """Constants of a Landsat Level-1 thermal band, from the scene's ``MTL`` file.

    radiance = radiance_mult x DN + radiance_add (W m-2 sr-1 um-1); brightness temperature =
    k2 / ln(k1 / radiance + 1), in kelvin.
    """

    radiance_mult: float
    radiance_add: float
    k1: float
    k2: float

    @classmethod
    def from_mtl(cls, path: str | Path, band: str = "10") -> ThermalConstants:
        """Read them from ``*_MTL.txt`` or ``*_MTL.json``.

        Raises
        ------
        InputError
            If the file lacks one of the four.
        """
        text = read_text(path)
        keys = (
            f"RADIANCE_MULT_BAND_{band}", f"RADIANCE_ADD_BAND_{band}",
            f"K1_CONSTANT_BAND_{band}", f"K2_CONSTANT_BAND_{band}",
        )  # fmt: skip
        found = {key: mtl_value(text, key) for key in keys}
        missing = [key for key, value in found.items() if value is None]
        if missing:
            msg = f"{path} lacks {', '.join(missing)}: give the MTL file of the scene and its band."
            raise InputError(msg)
        return cls(*(float(value) for value in found.values()))

    def brightness(self, dn: np.ndarray) -> np.ndarray:
        """Digital numbers to brightness temperature in kelvin, float32."""
        radiance = self.radiance_mult * dn.astype(np.float64) + self.radiance_add
        with np.errstate(invalid="ignore", divide="ignore"):
            return (self.k2 / np.log(self.k1 / radiance + 1)).astype(np.float32)


def modis_quality(flags: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Decode the QC layer of MOD11/MYD11 (``modis``) or MOD21/MYD21 (``mxd21``).

    Bits 0-1 tell whether a temperature was produced (10 cloud, 11 other reason), bits 6-7 its
    error. The error scale of MxD21 runs the other way: 00 is the best of MxD11 (at most 1 K) and
    the worst of MxD21 (above 2 K).

    Returns
    -------
    poor : array of bool
        No temperature was produced.
    error : array of float32
        Upper end of the error class in K; its open class (MxD11 above 3, MxD21 above 2) is given
        as 4 and 3.
    """
    by_code = {"modis": [1.0, 2.0, 3.0, 4.0], "mxd21": [3.0, 2.0, 1.5, 1.0]}[kind]
    mandatory, level = flags & 0b11, (flags >> 6) & 0b11
    if kind == "modis":  # mandatory 00 is "good quality, no further examination": at most 1 K
        level = np.where(mandatory == 0, 0, level)
    return mandatory >= 2, np.array(by_code, np.float32)[level]


def read_text(path: str | Path) -> str:
    """The text of a metadata file, or an `InputError` that names it."""
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as err:
        msg = f"The metadata file {path} cannot be read ({err})."
        raise InputError(msg) from err


def mtl_value(text: str, key: str) -> str | None:
    """A value of a Landsat metadata file, ``KEY = value`` or JSON, at any depth."""
    if text.lstrip().startswith("{"):
        pending: list[object] = [json.loads(text)]
        while pending:
            node = pending.pop()
            if isinstance(node, Mapping):
                if key in node:
                    return str(node[key])
                pending.extend(node.values())
        return None
    found = re.search(rf"^\s*{key}\s*=\s*\"?([^\"\n]+?)\"?\s*$", text, flags=re.MULTILINE)
    return found[1] if found else None
