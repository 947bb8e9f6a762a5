"""Names of Sentinel-2 bands: those of the products, and those that other providers give them.

A name that means two bands in different conventions (``nir_2``, ``swir_2``) is settled by the set it
stands in: who has a third short-wave band counts the cirrus band as the first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lczlib.errors import InputError
from lczlib.terms import option

ALL_BANDS = (
    "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12",
)  # fmt: skip
"""All bands, in the order of wavelength that products and most exports use."""

BANDS = tuple(b for b in ALL_BANDS if b not in ("B01", "B09", "B10"))
"""The ten bands of 10 m and 20 m: those that LCZ networks read."""

UNUSED = "-"
"""What a user writes for a band of the file that is none of these."""

KNOWN_ORDERS = {
    10: BANDS,
    12: tuple(b for b in ALL_BANDS if b != "B10"),
    13: ALL_BANDS,
}
"""Bands of a raster that names none, in order, by their number."""

_CENTRE_NM = dict(
    zip(
        ALL_BANDS,
        (443, 492, 560, 665, 704, 741, 783, 833, 865, 945, 1374, 1614, 2202),
        strict=True,
    )
)
"""Central wavelengths of Sentinel-2A (Sentinel-2 MSI user guide)."""

_WORDS = {
    "coastal": "B01", "coastalaerosol": "B01", "coastalblue": "B01", "ultrablue": "B01",
    "aerosol": "B01", "aerosols": "B01",
    "blue": "B02", "blu": "B02", "green": "B03", "grn": "B03", "red": "B04",
    "rededge1": "B05", "rededge2": "B06", "rededge3": "B07", "rededge4": "B8A",
    "broadnir": "B08", "nirbroad": "B08", "widenir": "B08", "bnr": "B08", "nir1": "B08",
    "nir08": "B8A", "nir8a": "B8A", "nir2": "B8A", "narrownir": "B8A", "nirnarrow": "B8A",
    "nirn": "B8A", "nnir": "B8A",
    "nir09": "B09", "watervapour": "B09", "watervapor": "B09", "wvp": "B09",
    "cirrus": "B10", "swircirrus": "B10",
    "swir16": "B11", "swir22": "B12",
}  # fmt: skip
"""Names with one meaning: STAC's common names (EO extension, versions 1.0 and 1.1), and those of Earth
Engine, HLS, FORCE, Digital Earth Africa and Australia. The others are settled by the set."""

_SPELLINGS = (
    ("near infrared", "nir"), ("nearinfrared", "nir"), ("shortwave infrared", "swir"),
    ("short wave infrared", "swir"), ("shortwaveinfrared", "swir"),
)  # fmt: skip
_SAYS_NOTHING = {
    "s2", "sentinel", "sentinel2", "msi", "sr", "boa", "toa", "nbar", "nbart", "rho", "rhos", "rhot",
    "rrs", "refl", "reflectance", "surface", "band", "vegetation", "central", "wavelength", "nm", "median",
    "mean", "geomedian", "10m", "20m", "60m",
}  # fmt: skip
_CODE = re.compile(r"(?<![a-z0-9])(band|b)[ .:-]?0?(8a|1[0-2]|[1-9])(?![0-9a-z])")
_DATE = re.compile(r"(?:19|20)\d\d|\d{6,}")
_COUNTED = re.compile(r"(?:band|b)?[ ._:-]*0*(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class BandIndex:
    """Where the ten bands lie in a file.

    Attributes
    ----------
    index : tuple of int
        Position (from 0) of each of `BANDS`.
    known_by : str
        ``names``, ``given`` or ``order``.
    said : str
        The same as a clause for people.
    """

    index: tuple[int, ...]
    known_by: str
    said: str


def find_bands(
    path: str | Path, names: Sequence[str], asked: Sequence[str] | None = None
) -> BandIndex:
    """Where the ten bands lie in a file, by what the caller says, its names, or their number.

    Parameters
    ----------
    path : path
        The file, for messages.
    names : sequence of str
        What the file calls its bands, empty where it gives no name.
    asked : sequence of str, optional
        Band of each position, in the words of the products or of `known_bands`; ``-`` for one that
        is not used.

    Raises
    ------
    InputError
        If bands are missing or there several times, or there are neither names nor a known number.
    """
    if asked is not None:
        found = _asked_for(path, asked, len(names))
        return BandIndex(
            _positions(path, found, names), "given", f"bands as given ({option('bands')})"
        )
    found = known_bands(names)
    if any(found):
        used = _positions(path, found, names)
        words = [n for n in (names[i] for i in used) if n]
        told = f"10 bands by their names ({words[0]} .. {words[-1]})"
        others = [n for n, b in zip(names, found, strict=True) if n and b is None]
        if others:
            told += f", not used: {', '.join(others[:4])}{', ...' if len(others) > 4 else ''}"
        return BandIndex(used, "names", told)
    count = len(names)
    if count not in KNOWN_ORDERS:
        named = f" ({_listed(names)})" if any(names) else ""
        what = "unknown" if any(names) else "unnamed"
        msg = (
            f"{path} has {count} {what} band{'s' * (count > 1)}{named}, and Sentinel-2 rasters have 10, "
            f"12 or 13: give the image, or say which bands these are ({option('bands')} B02,B03,...)."
        )
        raise InputError(msg)
    order = KNOWN_ORDERS[count]
    unknown = f"names {_listed(names)} unknown: " if any(names) else ""
    told = f"{unknown}{count} bands taken in order of wavelength ({order[0]} .. {order[-1]})"
    return BandIndex(tuple(order.index(b) for b in BANDS), "order", told)


def known_bands(names: Sequence[str | None]) -> list[str | None]:
    """The band (``B02``) that each name of a file means; None for what is none.

    Examples
    --------
    >>> known_bands(["B2", "S2_B8A_median", "Red Edge 1", "SCL"])
    ['B02', 'B8A', 'B05', None]
    >>> known_bands(["nir_1", "nir_2", "swir_2", "swir_3"])
    ['B08', 'B8A', 'B11', 'B12']
    """
    texts = [" ".join((n or "").lower().replace("_", " ").split()) for n in names]
    if _counted_through(texts):
        return [None] * len(texts)
    codes = [_code(t) for t in texts]
    words = _by_words([_word(t) for t in texts])
    if any(c and w and c != w for c, w in zip(codes, words, strict=True)):
        return words  # "B1 (Blue)": the numbers only count
    return [c or w for c, w in zip(codes, words, strict=True)]


def _counted_through(texts: Sequence[str]) -> bool:
    """``Band 1 .. Band 10``: places in the file, not bands of the satellite."""
    numbers = [_COUNTED.fullmatch(t) for t in texts]
    return len(texts) in (10, 13) and all(
        m is not None and int(m.group(1)) == i for i, m in enumerate(numbers, 1)
    )


def _code(text: str) -> str | None:
    """``B02`` of "b2", "s2 b2 median", "fre b2", "band 2", "b02 20m"."""
    found = _CODE.findall(text)
    plain = [number for word, number in found if word == "b"] or [number for _, number in found]
    if not plain:
        return None
    return "B8A" if plain[0] == "8a" else f"B{int(plain[0]):02d}"


def _word(text: str) -> str:
    """What a name says beside its number and what all bands say: ``rededge1``, ``nir``, ``665``."""
    text = _CODE.sub(" ", text)
    for long, short in _SPELLINGS:
        text = text.replace(long, short)
    tokens = [t for t in re.split(r"[^a-z0-9.]+", text) if t and t not in _SAYS_NOTHING]
    if len(tokens) > 1:
        tokens = [t for t in tokens if not _DATE.fullmatch(t)]
    word = "".join(t.split(".")[0] if t[0].isdigit() else t.replace(".", "") for t in tokens)
    return re.sub(r"^sw(?=\d)", "swir", re.sub(r"^v?re(?=\d)", "rededge", word))


def _by_words(words: Sequence[str]) -> list[str | None]:
    """Bands of names in words, those of several meanings by the others of the set."""
    there = set(words)
    settled = dict(_WORDS)
    settled["nir"] = "B8A" if there & {"broadnir", "nirbroad", "widenir", "bnr"} else "B08"
    if "swir3" in there:
        settled |= {"swir1": "B10", "swir2": "B11", "swir3": "B12"}
    elif {"swir1", "swir2"} <= there:
        settled |= {"swir1": "B11", "swir2": "B12"}
    return [settled.get(w) or _by_wavelength(w) for w in words]


def _by_wavelength(word: str) -> str | None:
    """``B05`` of "rededge071", "rededge705", "665", "swir1610": the band of that wavelength."""
    found = re.fullmatch(r"(|nir|swir|rededge)(\d{2,4})nm", f"{word.removesuffix('nm')}nm")
    if not found:
        return None
    kind, digits = found.groups()
    nm = int(digits)
    if kind == "rededge" and nm < 100:  # hundredths of a micrometre
        nm *= 10
    if not kind and len(digits) < 3:
        return None
    off = sorted((abs(centre - nm), band) for band, centre in _CENTRE_NM.items())
    (first, band), (second, _) = off[:2]
    return band if first <= (20 if nm < 1000 else 50) and second - first >= 5 else None


def _asked_for(path: str | Path, asked: Sequence[str], count: int) -> list[str | None]:
    found = known_bands(asked)
    unknown = [a for a, b in zip(asked, found, strict=True) if b is None and a.strip() != UNUSED]
    if len(found) != count or unknown:
        what = f"{len(found)} names for {count} bands" if not unknown else "unknown names"
        msg = (
            f"The band names {', '.join(asked)} do not fit {path}: {what}; use B02 .. B12, one a band, "
            f"and {UNUSED} for a band that is not used."
        )
        raise InputError(msg)
    return found


def _positions(
    path: str | Path, found: Sequence[str | None], names: Sequence[str]
) -> tuple[int, ...]:
    """Position of each of the ten bands; of one that is there at 10 m and 20 m, the finest."""
    missing = [b for b in BANDS if b not in found]
    if missing:
        named = f" It names its bands {_listed(names)}." if any(names) else ""
        msg = (
            f"{path} lacks the Sentinel-2 band(s) {', '.join(missing)}.{named} If they are there under "
            f"other names, say which each is, in file order ({option('bands')} B02,B03,...; {UNUSED} for one that "
            f"is not used). An image of another sensor is read by no network here but one that `lcz train "
            "--sensor NAME` has made of such images."
        )
        raise InputError(msg)
    positions = []
    for band in BANDS:
        places = [i for i, b in enumerate(found) if b == band]
        pixel = [int(m.group(1)) if (m := re.search(r"(\d\d)m\b", names[i])) else 0 for i in places]
        places = [i for i, p in zip(places, pixel, strict=True) if p == min(pixel)]
        if len(places) > 1:
            several = ", ".join(repr(names[i]) or f"band {i + 1}" for i in places[:4])
            msg = (
                f"{path} holds the Sentinel-2 band {band} {len(places)} times ({several}): say which to "
                f"use, in file order ({option('bands')} B02,B03,...; {UNUSED} for one that is not used)."
            )
            raise InputError(msg)
        positions.append(places[0])
    return tuple(positions)


def _listed(names: Sequence[str]) -> str:
    shown = [repr(n) if n else "(none)" for n in names[:16]]
    return ", ".join(shown) + (", ..." if len(names) > 16 else "")
