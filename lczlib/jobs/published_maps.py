"""Published LCZ maps where a job takes a map: by their name in the catalog, or in a So2Sat folder."""

from __future__ import annotations

import re
from pathlib import Path

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


def map_file(source: Source) -> tuple[Source, str]:
    """The file of a map: of a name of the catalog (fetched once), of a folder; else the source itself.

    Parameters
    ----------
    source : path or open map
        As a job is given it.

    Returns
    -------
    source : path or open map
        The folder, where it holds no map or several.
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
    if path.is_dir():
        return _in_folder(path)
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


def _in_folder(folder: Path) -> tuple[Path, str]:
    """The map in a folder; the folder itself where it holds none, or several: who reads it says so."""
    for pattern, scheme in _IN_FOLDERS.items():
        found = sorted(f for f in folder.glob(pattern) if f.is_file() and f.suffix != ".xml")
        if len(found) == 1:
            return found[0], scheme
        if found:
            break
    return folder, ""
