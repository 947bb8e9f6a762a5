"""Published LCZ maps where a job takes a map: by their name in the catalog, in a So2Sat folder or its archives."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
        That in an archive as ``lagos.zip/MAP/lcz.tif``.
    scheme : str
        Its numbering, where that is known: So2Sat's programs write 1 to 17.

    Raises
    ------
    InputError
        If a folder or an archive holds no map, or several.
    CatalogError
        If a map of the catalog cannot be fetched, or is only linked to.
    """
    if not is_path(source):
        return source, ""
    path, name = Path(source), str(source)
    if path.is_dir():
        return _in_folder(path, city)
    if is_archive(path):
        return _in_archives((path,), city) or (source, "")
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


def _in_folder(folder: Path, city: str) -> tuple[Path, str]:
    for pattern, scheme in _IN_FOLDERS.items():
        found = sorted(f for f in folder.glob(pattern) if f.is_file() and f.suffix != ".xml")
        if city and len(found) > 1:
            found = [f for f in found if city in f.relative_to(folder).parts]
        if len(found) == 1:
            return found[0], scheme
        if found:
            names = ", ".join(str(f.relative_to(folder)) for f in found[:4])
            more = ", ..." if len(found) > 4 else ""
            msg = f"The folder {folder} holds {len(found)} LCZ maps ({names}{more}): name the one that is meant."
            raise InputError(msg)
    from lczlib.scenes.so2sat_archives import archives_in

    archives = archives_in(folder)
    if archives and (packed := _in_archives(archives, city)):
        return packed
    msg = (
        f"The folder {folder} holds no LCZ map: neither s1_s2_fusion.tif, *_lab.tiff nor LCZLabel.tif of "
        "So2Sat's programs, nor a raster of its own. Give the file."
    )
    raise InputError(msg)


def _in_archives(archives: Sequence[Path], city: str) -> tuple[Path, str] | None:
    """The map in archives of a city, and its numbering; None where they hold polygons and no raster map."""
    from lczlib.scenes.so2sat_pieces import is_raster
    from lczlib.scenes.so2sat_results import nothing_in, published_map
    from lczlib.vector_files import is_polygon_file

    found = published_map(archives, city)
    if found is not None:
        return found.member.path, "1-17" if found.is_map_of_programs else ""
    names = [m.name for a in archives for m in index_of(a).members]
    polygons = [n for n in names if is_polygon_file(n) and not n.lower().endswith(SUFFIXES)]
    if len(polygons) == 1 or (polygons and not any(map(is_raster, names))):
        return None
    raise InputError(nothing_in(archives))
