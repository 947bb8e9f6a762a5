"""What speaks against a raster being an LCZ map, where neither names nor colours tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from lczlib.classes import CLASSES
from lczlib.errors import ClassSchemeError
from lczlib.reading import share

_OF_LCZ = re.compile(r"lcz|local climate|wudapt", re.IGNORECASE)
_NEVER_CLASSES = re.compile(r"probab|certaint|fraction|\bvotes?\b|agree", re.IGNORECASE)
_SOMETHING_ELSE = re.compile(
    r"land[ _]?(?:cover|use)|lulc|corine|\bclc|world ?cover|dynamic ?world|\bnlcd|\bglc|\bigbp|lc_type|"
    r"k(?:o|oe|ö)ppen|building|height|\bcounts?\b|"
    r"population|density|impervious|\bndvi|elevation|\bdem\b|temperature|backscatter",
    re.IGNORECASE,
)
_LAND_COVER_NAMES = re.compile(
    r"land[ _.-]?(?:cover|use)|lulc|corine|(?<![a-z])clc(?![a-z])|world[ _.-]?cover|dynamic[ _.-]?world|"
    r"esri[ _.-]?(?:lulc|lc|land|10m)|k(?:o|oe|ö)ppen|modis|mcd12|lc_type|igbp|(?<![a-z])nlcd(?![a-z])|"
    r"(?<![a-z])glc(?![a-z])|globe?[ _.-]?(?:land|cover)|cci[ _.-]?lc|urban[ _.-]?atlas",
    re.IGNORECASE,
)
"""Products that file names tell."""
_SAMPLE = 1024
"""Edge of the window in the middle that neighbours are compared in."""
_FEWEST_PAIRS = 500


def named_land_cover(path: str | Path) -> str:
    """The land cover or climate product that a file's name tells, empty where it tells none or an LCZ map."""
    name = Path(str(path)).name
    found = None if _OF_LCZ.search(name) else _LAND_COVER_NAMES.search(name)
    return found.group(0) if found else ""


def check_name(product: str) -> None:
    """Refuse a map of which nothing but its numbers speaks for LCZ, and its name for a `product`.

    Raises
    ------
    ClassSchemeError
        If `product` (see `named_land_cover`) is not empty.
    """
    if product:
        msg = (
            f"its name tells of {product!r}, which is land cover or climate, and neither names nor colours of "
            "its codes are those of LCZ: give an LCZ map; if it is one, name its numbering (--scheme 1-17)."
        )
        raise ClassSchemeError(msg)


def check_description(layer: xr.DataArray, of_file: Mapping[str, object] | None = None) -> None:
    """Refuse a band that says itself that it is something else.

    Parameters
    ----------
    layer : DataArray
        The band.
    of_file : mapping, optional
        What its file says: the tags of all bands.

    Raises
    ------
    ClassSchemeError
        If its description, title or unit is that of probabilities, land cover, heights or counts.
    """
    keys = ("long_name", "standard_name", "description", "title", "TIFFTAG_IMAGEDESCRIPTION")
    # rioxarray has the names of several bands as a tuple
    told = {k: v for k, v in (of_file or {}).items() if isinstance(v, str)} | layer.attrs
    texts = [str(told[k]) for k in keys if told.get(k)]
    unit = str(layer.attrs.get("units", ""))
    for text in texts:
        lcz = bool(_OF_LCZ.search(text))
        if _NEVER_CLASSES.search(text) or (not lcz and _SOMETHING_ELSE.search(text)):
            what = f"it is described as {text[:60]!r}"
            break
    else:
        if unit not in (
            "m",
            "metre",
            "meter",
            "metres",
            "meters",
            "K",
            "degC",
            "%",
            "dB",
            "m2",
            "km2",
        ):
            return
        what = f"its unit is {unit!r}"
    msg = (
        f"{what}, which is no map of Local Climate Zones: give the band or file of the classes (--band); if "
        "this is it, name its numbering (--scheme 1-17)."
    )
    raise ClassSchemeError(msg)


def doubts(lcz: xr.DataArray, present: Iterable[int]) -> tuple[str, ...]:
    """What a user should check of a map that has no legend; whole sentences.

    Parameters
    ----------
    lcz : DataArray (y, x)
        Classes 0..17.
    present : iterable of int
        Classes in it, 1..17.

    Raises
    ------
    ClassSchemeError
        If every cell is 1, as in a mask or a share.
    """
    present = sorted(int(n) for n in present)
    if present == [1]:
        msg = (
            "every cell that has a value is 1: it is a mask or a share, and no LCZ map; if it is one, name "
            "its numbering (--scheme 1-17)."
        )
        raise ClassSchemeError(msg)
    out = []
    codes = ", ".join(CLASSES[n - 1].code for n in present)
    if len(present) == 1:
        out.append(f"Every cell is LCZ {codes}: is this a map of classes?")
    elif max(present) <= 10:
        out.append(
            f"The map has no class A-G, and neither names nor colours of its codes: they are read as LCZ "
            f"{codes}. If they mean something else, say it with --legend."
        )
    elif not {11, 14, 17} & set(present) or (not {11, 14} & set(present) and len(present) > 2):
        lacking = "A, D and G" if 17 not in present else "A and D"
        out.append(
            f"The map has none of the classes {lacking}, and neither names nor colours of its codes: they "
            f"are read as LCZ {codes}. If they mean something else, say it with --legend."
        )
    return (*out, *_like_numbers(lcz))


def _like_numbers(lcz: xr.DataArray) -> tuple[str, ...]:
    """Whether neighbours differ as counts or heights do, and not as zones.

    In LCZ maps (Shanghai, Sydney raw and filtered, simulated) 73 to 92 % of neighbours are of one class,
    and 16 to 24 % of the others differ by 1; in a terrain of metres 48 % are equal and 75 % of the others
    differ by 1.
    """
    rows, cols = (slice(max(0, (n - _SAMPLE) // 2), (n + _SAMPLE) // 2) for n in lcz.shape)
    part = lcz[rows, cols].values.astype(np.int16)
    first = np.concatenate([part[:, 1:].ravel(), part[1:].ravel()])
    second = np.concatenate([part[:, :-1].ravel(), part[:-1].ravel()])
    both = (first > 0) & (second > 0)
    first, second = first[both], second[both]
    other = first != second
    n = int(other.sum())
    if n < _FEWEST_PAIRS:
        return ()
    step = float((np.abs(first - second)[other] == 1).mean())
    p = np.bincount(np.concatenate([first[other], second[other]]), minlength=18) / (2 * n)
    chance = 2 * float((p[1:] * p[:-1]).sum()) / (1 - float((p**2).sum()))
    same = 1 - n / len(first)
    if same < 0.35 or (step > 0.5 and step > 2 * chance):
        return (
            f"Neighbouring cells change as counts or heights do, and not as zones: {share(same, 1)} are "
            f"equal, and {share(step, 1)} of the others differ by 1. Is this a map of classes?",
        )
    return ()
