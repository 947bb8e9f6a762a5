"""Results of earlier runs: which there are, and the place that each is of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib import catalog
from lczlib.grid import geobox_of
from lczlib.longitudes import centre_of
from lczlib.study.material import Material, open_maps, open_material
from lczlib.study.places import DEMO, Place, Places, demo_path, name_of_city
from lczlib.study.store import manifest_of, scenes_of

if TYPE_CHECKING:
    from lczlib.study.steps import Context


def existing_results(context: Context) -> dict[str, str]:
    """Finished results by a name for people.

    Those that were made in this session, those of public scenes, and those in allowed folders.
    """
    found: dict[str, str] = {}
    manifests = [*(context.work / "results").glob("*/manifest.json")]
    manifests += [p for p in context.store.glob("*/manifest.json") if _is_public(p.parent, context)]
    for folder in context.places.folders:
        manifests += [*folder.glob("manifest.json"), *folder.glob("*/manifest.json")]
    for path in sorted(manifests, key=lambda p: -p.stat().st_mtime)[:50]:
        try:
            content = json.loads(path.read_text())
            names = ", ".join(w["name"] for w in content["weights"])
            asked = content["parameters"]
            read = [i["path"] for i in content["inputs"] if i["path"] != asked.get("calibration")]
            what = asked.get("city") or Path(read[0]).stem
            found[f"{what} · {names} · {asked['fusion']} · {content['created'][:16]}"] = str(
                path.parent
            )
        except (OSError, ValueError, KeyError, IndexError):
            continue  # a manifest of something else
    return found


def _is_public(folder: Path, context: Context) -> bool:
    """Whether a stored result was made from scenes that are offered to everybody here."""
    asked = manifest_of(folder).get("parameters", {})
    files, city = _inputs(folder, asked), str(asked.get("city") or "")
    return not asked.get("sentinel1") and _known(files, city, context.places) is not None


def _inputs(folder: Path, asked: dict[str, Any]) -> list[Path]:
    """The Sentinel-2 scenes that the manifest of a result names."""
    return [(folder / f).resolve() for f in scenes_of(asked)]


def open_result_place(folder: str | Path, places: Places) -> Material:
    """The place that a result is of: its imagery where that is offered here, else its map alone.

    Parameters
    ----------
    folder : path
        Of a result of ``lcz map``.
    places : Places
        What may be opened: of other inputs nothing is.

    Raises
    ------
    InputError
        If the folder holds no finished result.
    """
    folder = Path(folder)
    maps = open_maps(folder)
    asked = maps.manifest.get("parameters", {})
    files, city = _inputs(folder, asked), str(asked.get("city") or "")
    known = _known(files, city, places)
    if known is not None:
        return open_material(known, area=tuple(asked.get("box") or ()) or None)
    listed = [*files, *asked.get("sentinel1", ())]
    name = name_of_city(city) or (Path(listed[0]).stem if listed else folder.name)
    where = centre_of(geobox_of(next(iter(maps.kinds.values()))))
    place = Place(f"result:{folder}", name, "existing result", *map(float, where), folder, city)
    return Material(place, shared=False, simulated_result=bool(maps.manifest.get("simulated")))


def _known(files: list[Path], city: str, places: Places) -> Place | None:
    """The place whose scenes a result was made from."""
    for place in places.known():
        of_city = (place.folder, place.city)
        if place.key == DEMO:
            of_city = demo_path()
        if of_city[0] is not None and files == [of_city[0].resolve()]:
            if city in ("", of_city[1]):
                return place
        elif place.key.startswith("scene:") and files == [_cached(place.key)]:
            return place
    return None


def _cached(key: str) -> Any:
    """Where the file of a scene of the catalog lies, whether it is there or not."""
    entry = catalog.entry(key.removeprefix("scene:"), "scenes")
    return (catalog.cache_folder() / entry.filename).resolve()
