"""What a file in an archive of So2Sat GUL is: told by its name, and where that says nothing by its content.

The layout of the published archives is not documented; that of the programs' folders is. So no path is
taken for granted: seasons, months, sensors and cities are found wherever they stand in a name.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
import rasterio

from lczlib.archives import Member
from lczlib.limits import memory_limit
from lczlib.scenes.sentinel1 import FEATURES

Role = Literal[
    "s2", "plain", "lee", "radar", "map", "probabilities", "reference", "unclear", "other"
]
"""Sentinel-2; Sentinel-1 unfiltered, filtered, both or either in one; LCZ map; class probabilities; what a
city is compared with; a raster that its name does not tell; any other file."""

MAP_RANKS = ("s1_s2_fusion", "*_lab", "LCZLabel", "other")
"""Names of the maps that So2Sat's programs write, the one that counts first: fused, of Sentinel-2, of
Sentinel-1; and those of other names."""

_RASTERS = (".tif", ".tiff")
_SEASONS = {
    "spring": "spring",
    "summer": "summer",
    "autumn": "autumn",
    "fall": "autumn",
    "winter": "winter",
}
_CODED = re.compile(r"\d{3,5}_\d{3,6}_[^\W\d_].*")
"""``00017_22007_Lagos``."""
_MONTH = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])")
_LAYOUT = re.compile(
    r"data|.*sentinel[-_ ]?[12].*|s[12]|sen[12]|sar|optical|mosaic(_unfilt)?_dat|\d+|lcz.*|maps?|images?|"
    r"reference|.*so2sat.*|.*gul.*|fall|spring|summer|autumn|winter",
    re.IGNORECASE,
)
"""Folders that are of the layout, and no city's."""
_TOKEN = re.compile(r"[a-z]+\d?|\d+", re.IGNORECASE)
_NO_NAME = re.compile(
    r"s[12]|sen[12]|sentinel[12]?|lcz|label|lab|fusion|resnet\d*|maps?|data|gul|so2sat|spring|summer|autumn|fall|"
    r"winter|mosaic|unfilt|filt|dat|pro|prob|proba|(?:19|20)\d{2}(?:\d{2})?|[12]",
    re.IGNORECASE,
)
"""Parts of a name that are no city's."""
_NO_CODE = 18  # from here on a code is none of the 17 classes
_FILLS = (255, 65535, -9999, -128)


@dataclass(frozen=True)
class Piece:
    """A file in an archive, and what it is.

    Attributes
    ----------
    member : Member
    role : Role
    city : str
        ``00017_22007_Lagos``, as far as names tell; else what the archive is called, or nothing.
    label : str
        Season of Sentinel-2, month of Sentinel-1.
    rank : int
        Of a map, in `MAP_RANKS`.
    """

    member: Member
    role: Role
    city: str
    label: str = ""
    rank: int = len(MAP_RANKS) - 1

    @property
    def is_map_of_programs(self) -> bool:
        """Whether it is a map that So2Sat's programs write, in 1 to 17."""
        return self.role == "map" and self.rank < len(MAP_RANKS) - 1


def is_raster(name: str) -> bool:
    """Whether a file's name is that of a GeoTIFF."""
    return name.lower().endswith(_RASTERS)


def is_hidden(name: str) -> bool:
    """Whether a system put it there: ``__MACOSX/._x.tif``, ``@eaDir``."""
    parts = PurePosixPath(name).parts
    return any(p.startswith((".", "@", "__", "$", "#", "~")) for p in parts)


def piece_of(member: Member) -> Piece:
    """What a member is by its name."""
    path = PurePosixPath(member.name)
    city = _city(path, member.archive)
    folders = [p.lower() for p in path.parent.parts]
    if "reference" in folders:
        return Piece(member, "reference", city)
    if not is_raster(member.name):
        return Piece(member, "other", city)
    stem = path.stem.lower()
    words = _TOKEN.findall(stem)
    if stem == "lczprob" or any(w in ("pro", "prob", "proba", "probability") for w in words):
        return Piece(member, "probabilities", city)
    if stem == "s1_s2_fusion":
        return Piece(member, "map", city, rank=0)
    if words[-1:] == ["lab"]:
        return Piece(member, "map", city, rank=1)
    if stem == "lczlabel":
        return Piece(member, "map", city, rank=2)
    if "lcz" in words or any(f.startswith("lcz") or f in ("map", "maps") for f in folders):
        return Piece(member, "map", city)
    month = next((m[0] for p in reversed(path.parts) if (m := _MONTH.search(p))), "")
    radar: Role | None = _radar(folders, words)
    if radar:
        return Piece(member, radar, city, month)
    season = _season(path, city)
    if season and not (set(words) & {"count", "masked"}):
        return Piece(member, "s2", city, season)
    return Piece(member, "unclear", city, month)


def _radar(folders: list[str], words: list[str]) -> Role | None:
    if "mosaic_unfilt_dat" in folders or "unfilt" in words or "unfiltered" in words:
        return "plain"
    if "mosaic_dat" in folders or set(words) & {"filt", "filtered", "lee"}:
        return "lee"
    return None


def _season(path: PurePosixPath, city: str) -> str:
    """A season of the year anywhere in the name; below ``Sentinel-2/<city>`` the folder's own name."""
    for part in (path.stem, *reversed(path.parent.parts)):
        if part == city:
            continue
        for word in _TOKEN.findall(part.lower()):
            if word in _SEASONS:
                return _SEASONS[word]
    folders = path.parent.parts
    below = [i for i, f in enumerate(folders) if re.fullmatch(r"sentinel[-_ ]?2", f, re.IGNORECASE)]
    return folders[below[-1] + 2] if below and len(folders) > below[-1] + 2 else ""


def _city(path: PurePosixPath, archive: Path) -> str:
    """The city that names tell: by its code in a folder, a file, the archive; else a folder's, the archive's."""
    folders = path.parent.parts
    own = archive.name.split(".")[0]
    for text in (*folders, path.stem, own):
        if _CODED.fullmatch(text):
            return text if text in folders else _without_words(text)
    named = [f for f in folders if not _LAYOUT.fullmatch(f)]
    return named[0] if named else _without_words(own)


def _without_words(text: str) -> str:
    """``00017_22007_Lagos`` of ``00017_22007_Lagos_S2_spring``; empty where nothing is a city's."""
    parts = re.split(r"([_\-. ]+)", text)
    while parts and (_NO_NAME.fullmatch(parts[-1]) or not parts[-1].strip("_-. ")):
        parts.pop()
    if not _CODED.fullmatch(text):
        while parts and (_NO_NAME.fullmatch(parts[0]) or not parts[0].strip("_-. ")):
            parts.pop(0)
    return "".join(parts)


def looked_into(piece: Piece, file: Path) -> Piece:
    """What a raster is by its bands and values, where its name did not tell.

    Parameters
    ----------
    piece : Piece
        Of role ``unclear``.
    file : Path
        Its raster, unpacked.

    Returns
    -------
    Piece
        ``s2`` with 10 to 13 bands, ``radar`` with the four, seven or eight of Sentinel-1, a ``map`` with one
        of codes up to 17, ``probabilities`` with 17 from 0 to 1; else still ``unclear``.
    """
    name = PurePosixPath(piece.member.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        try:
            with rasterio.open(file, driver="GTiff") as src:
                floats = src.dtypes[0].startswith(("float", "complex"))
                if src.count in (10, 12, 13):
                    return replace(piece, role="s2", label=piece.label or name.stem)
                if (src.count in (4, 8) and floats) or set(src.descriptions) == set(FEATURES):
                    return replace(piece, role="radar")
                if src.count == 17 and floats:
                    return replace(piece, role="probabilities")
                if src.count == 1 and _holds_classes(src):
                    return replace(piece, role="map")
        except (rasterio.errors.RasterioError, OSError, UnicodeDecodeError):
            return piece
    return piece


def _holds_classes(src: rasterio.DatasetReader) -> bool:
    """Whether a raster holds whole numbers of 17 classes at most, by a thinned copy."""
    if src.width * src.height * np.dtype(src.dtypes[0]).itemsize > memory_limit():
        return False
    shape = tuple(min(n, 512) for n in src.shape)
    values = np.unique(src.read(1, out_shape=shape, masked=True).compressed())
    values = values[~np.isin(values, _FILLS)]
    whole = values == np.round(values)
    return bool(
        values.size > 1 and whole.all() and (values >= 0).all() and (values < _NO_CODE).all()
    )
