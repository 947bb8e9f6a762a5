"""Published LCZ maps where a job takes a map: by their name in the catalog, in a So2Sat folder or its archives."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from lczlib.archives import SUFFIXES, index_of, is_archive
from lczlib.errors import InputError
from lczlib.jobs.request import Source, is_path
from lczlib.reading import Reading, tell

_NAME = re.compile(r"\w+")
_IN_FOLDERS = {
    "**/LCZ_Fusion/*/s1_s2_fusion.tif": "1-17",
    "**/LCZ_ResNet20/*_lab.tif*": "1-17",
    "**/LCZ*/*/LCZLabel.tif": "1-17",
    "*.tif*": "",
}
"""Where the programs of So2Sat write the maps of a city, and how they number it: fused, of Sentinel-2, of
Sentinel-1; or a folder with that file alone. The first that is there counts."""


def map_file(source: Source, city: str = "") -> tuple[Source, str]:
    """The file of a map: of a name of the catalog (fetched once), of a folder, of archives; else the source.

    Parameters
    ----------
    source : path or open map
        As a job is given it.
    city : str
        Of a folder or archives that hold several.

    Returns
    -------
    source : path or open map
        That in an archive as ``lagos.zip/MAP/lcz.tif``; the folder or archive itself, where it holds no map or
        several (see `check_found`).
    scheme : str
        Its numbering, where that is known: So2Sat's programs write 1 to 17.

    Raises
    ------
    CatalogError
        If a map of the catalog cannot be fetched, or is only linked to.
    """
    if not is_path(source):
        return source, ""
    path, name = Path(source), str(source)
    if path.is_dir() or is_archive(path):
        if path.is_dir() and (found := _in_folder(path, city)) != (path, ""):
            return found
        with suppress(InputError):
            return _in_archives(path, city) or (source, "")
    if path.exists() or not _NAME.fullmatch(name):
        return source, ""
    from lczlib import catalog

    linked = {n for n, link in catalog.links().items() if link.collection == "lcz_maps"}
    named = {n for n, e in catalog.entries().items() if e.collection == "lcz_maps"} | linked
    if name not in named:
        return source, ""
    entry = catalog.entry(name)
    years = sorted({str(entry.properties[k])[:4] for k in ("start_datetime", "end_datetime")})
    said = (
        f"{entry.title}, imagery of {'-'.join(years)}", f"licence {entry.licence}", "no ground truth",
    )  # fmt: skip
    tell(Reading("published map", name, said))
    file = catalog.fetch(name) / str(entry.properties["lczlib:member"])
    return file, str(entry.properties["lczlib:scheme"])


def check_found(source: Source, city: str = "") -> None:
    """Refuse archives in which `map_file` found no map that could be meant.

    Raises
    ------
    InputError
        If they hold none, several, or those of several cities, or cannot be read.
    """
    if is_path(source) and Path(source).exists():
        _in_archives(Path(source), city)


def _in_folder(folder: Path, city: str) -> tuple[Path, str]:
    """The map in a folder; the folder itself where it holds none, or several: who reads it says so."""
    for pattern, scheme in _IN_FOLDERS.items():
        found = sorted(f for f in folder.glob(pattern) if f.is_file() and f.suffix != ".xml")
        if city:
            found = [f for f in found if city in f.resolve().parts]
        if len(found) == 1:
            return found[0], scheme
        if found:
            break
    return folder, ""


def _in_archives(path: Path, city: str) -> tuple[Path, str] | None:
    """The map in an archive, or a folder of some; None where there are none, or they hold polygons instead."""
    from lczlib.scenes.so2sat_archives import archives_in
    from lczlib.scenes.so2sat_pieces import is_raster
    from lczlib.scenes.so2sat_results import nothing_in, published_map
    from lczlib.vector_files import is_polygon_file

    archives = archives_in(path)
    if not archives:
        return None
    found = published_map(archives, city)
    if found is not None:
        return found.member.path, "1-17" if found.is_map_of_programs else ""
    names = [m.name for a in archives for m in index_of(a).members]
    polygons = [n for n in names if is_polygon_file(n) and not n.lower().endswith(SUFFIXES)]
    if len(polygons) == 1 or (polygons and not any(map(is_raster, names))):
        return None
    raise InputError(nothing_in(archives))
