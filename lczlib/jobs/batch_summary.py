"""What a batch writes of all its cities: their table, measures, maps, catalogue and heat."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.errors import InputError, LczError
from lczlib.jobs.batch_steps import KEPT, map_of
from lczlib.reading import counted, quiet
from lczlib.terms import option

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd
    import xarray as xr

    from lczlib.jobs.batch import BatchResult, City

CITIES, MEASURES, HEAT = "cities.csv", "measures.csv", "heat_cities.json"
_COLUMNS = (
    "city", "measure", "lcz", "class", "value", "unit", "low", "high", "confidence", "n", "counted",
    "n_independent", "statistic", "reference", "overpass", "file",
)  # fmt: skip
_ALIKE = ("kind", "by", "quantity", "overpass", "reference", "statistic", "confidence")
"""What heat islands of one model share."""
_LARGEST = 160
"""Pixels along a small map's longer side."""
_SCORES = {"oa": "overall accuracy", "aa": "average accuracy", "kappa": "kappa"}
_CLASS_SCORES = {"pa": "producer's accuracy", "ua": "user's accuracy", "f1": "F1"}


def cities_table(result: BatchResult) -> pd.DataFrame:
    """A row a city: ``city``, ``status``, ``message``, ``files``."""
    import pandas as pd

    rows = [
        (c.name, c.status, c.message, ";".join(files_of(result.folder, c))) for c in result.cities
    ]
    return pd.DataFrame(rows, columns=["city", "status", "message", "files"])


def measures_table(result: BatchResult) -> pd.DataFrame:
    """A row a number, with the columns of ``measures.csv``; as numbers, missing ones NaN."""
    import pandas as pd

    rows = [row for city in result.cities for row in measures_of(result, city)]
    return pd.DataFrame(rows, columns=[*_COLUMNS])


def files_of(folder: Path, city: City) -> list[str]:
    """The files of a city's steps that are made, as seen from the batch's folder."""
    found = []
    for step in city.made:
        try:
            content = json.loads((folder / city.name / KEPT / f"{step}.json").read_text())
            found += [f"{city.name}/{file}" for file in content["outcome"]["files"]]
        except (OSError, ValueError, KeyError):
            continue
    return found


def _documents(folder: Path, city: City, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A city's results of a name, each with its file."""
    for file in sorted(files_of(folder, city)):
        if file.endswith(f"/{name}"):
            yield file, json.loads((folder / file).read_text())


def _heat_islands(folder: Path, city: City) -> Iterator[tuple[str, dict[str, Any]]]:
    """A city's heat islands, of day and night each."""
    for file, told in _documents(folder, city, "heat_island.json"):
        for one in (told, *told.get("other_overpasses", ())):
            yield file, one


def map_file_of(result: BatchResult, city: City) -> Path | None:
    """A city's map; of a step that failed none, though an earlier run may have left one."""
    if "map" in result.request.steps and "map" not in city.made:
        return None
    try:
        return map_of(result.folder / city.name / "map")
    except InputError:
        return None


def write_summary(result: BatchResult, folder: Path, *, figures: bool) -> None:
    """Write ``cities.csv``, ``measures.csv``, ``heat_cities.json``, ``catalog.json`` and ``maps_01.png``."""
    from lczlib.export.files import staged, write_table

    write_table(folder / CITIES, result.to_dataframe(), index=False)
    with staged(folder / MEASURES) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS, restval="")
        writer.writeheader()
        for city in result.cities:
            for row in measures_of(result, city):
                bare = () if row.get("low") is not None else ("confidence",)
                writer.writerow({k: _short(v) for k, v in row.items() if k not in bare})
    if "uhi" in result.request.steps:
        write_heat(result, folder)
    _write_catalog(result, folder)
    if figures:
        _draw(result, folder)


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else value


def measures_of(result: BatchResult, city: City) -> Iterator[dict[str, Any]]:
    """A city's areas, accuracy, agreement and heat, as its steps wrote them: a row a number.

    ``low`` and ``high`` are its interval where there is one, ``n`` how many of ``counted`` it is of, and
    ``n_independent`` how many pieces of these vary on their own: blocks, polygons.
    """
    raster = map_file_of(result, city)
    lcz = None if raster is None else open_city(result, raster)
    if raster is not None and lcz is not None:
        yield from _areas(city.name, lcz, raster.relative_to(result.folder).as_posix())
    for file, told in _documents(result.folder, city, "assessment.json"):
        yield from _accuracy(city.name, told, file)
    for file, told in _documents(result.folder, city, "comparison.json"):
        yield {
            "city": city.name, "measure": "agreement", "value": told["agreement"], "unit": "1", "n": told["n"],
            "counted": "cells", "file": file,
        }  # fmt: skip
    for file, told in _heat_islands(result.folder, city):
        yield from _heat(city.name, told, file)


def open_city(result: BatchResult, raster: Path) -> xr.DataArray | None:
    """A map as classes 1..17, whatever numbering its file states; one that cannot be read is told."""
    from lczlib.maps import open_lcz_map

    try:
        with quiet():
            return open_lcz_map(raster)
    except LczError as error:
        said = f"The tables and figures are without {raster}, which cannot be read: {error.message}"
        if said not in result.notes:
            result.notes.append(said)
        return None


def _areas(name: str, lcz: xr.DataArray, file: str) -> Iterator[dict[str, Any]]:
    from lczlib.analysis import class_areas
    from lczlib.classes import CLASSES

    areas = class_areas(lcz)
    for number, row in areas.iterrows():
        yield {
            "city": name, "measure": "area", "lcz": number, "class": CLASSES[int(number) - 1].label,
            "value": float(row["area_km2"]), "n": int(row["n_cells"]), "counted": "cells", "unit": "km2", "file": file,
        }  # fmt: skip
    yield {
        "city": name, "measure": "mapped area", "value": float(areas["area_km2"].sum()),
        "n": int(areas["n_cells"].sum()), "counted": "cells", "unit": "km2", "file": file,
    }  # fmt: skip


def _accuracy(name: str, told: dict[str, Any], file: str) -> Iterator[dict[str, Any]]:
    from lczlib.classes import CLASSES

    of = told["intervals"]
    common = {
        "city": name,
        "counted": "cells",
        "unit": "1",
        "confidence": of["levels"]["ci"],
        "file": file,
    }
    for key, title in _SCORES.items():
        low, high = told.get(f"{key}_ci") or (None, None)
        yield {
            **common, "measure": title, "value": told[key], "low": low, "high": high, "n": told["n"],
            "n_independent": of.get("n_units"),
        }  # fmt: skip
    for row in told["classes"]:
        for key, title in _CLASS_SCORES.items():
            if row[key] is None:
                continue
            low, high = row.get(f"{key}_ci") or (None, None)
            n = row["n_predicted" if key == "ua" else "n_reference"]
            yield {
                **common, "measure": title, "lcz": row["lcz"], "class": CLASSES[row["lcz"] - 1].label,
                "value": row[key], "low": low, "high": high, "n": n, "n_independent": row["n_units"],
            }  # fmt: skip


def _heat(name: str, told: dict[str, Any], file: str) -> Iterator[dict[str, Any]]:
    from lczlib.classes import CLASSES

    for row in told["classes"]:
        if row["difference"] is None:
            continue
        low, high = row["difference_ci"] or (None, None)
        if low == high:  # the reference itself, which is 0 by definition and no estimate
            low = high = None
        yield {
            "city": name, "measure": f"{told['kind']} heat island", "lcz": row["lcz"],
            "class": CLASSES[row["lcz"] - 1].label, "value": row["difference"], "low": low, "high": high,
            "confidence": told["confidence"], "n": row.get("n_pixels", row.get("n_stations")), "counted": told["by"],
            "n_independent": row.get("n_pieces"), "unit": "K", "statistic": told["statistic"],
            "reference": told["reference"], "overpass": told.get("overpass"), "file": file,
        }  # fmt: skip


def write_heat(result: BatchResult, folder: Path) -> None:
    """Write ``heat_cities.json``: a model for each kind of heat island, reference and statistic.

    Surface and canopy, pixels and stations, medians and means, differences to one class and to another
    are never of one model.
    """
    from lczlib.analysis.heat.cities import heat_of_cities
    from lczlib.export.files import write_json

    models, why = [], []
    alone = [
        file.rpartition("/")[0]
        for c in result.cities
        for file, told in _heat_islands(folder, c)
        if not told["reference_classes"]
    ]
    if alone:
        said = (
            f"No reference, so temperatures and no differences: {', '.join(dict.fromkeys(alone))}."
        )
        why.append({"why_not": said})
        result.notes.append(said)
    for (key, told), table in _by_kind(result, folder):
        try:
            found = heat_of_cities(table, told["confidence"])
        except InputError as error:
            why.append({**told, "result": key, "why_not": error.message})
            result.notes.append(
                f"No model of the {told['kind']} heat islands against {told['reference']} ({key}): {error.message}"
            )
            continue
        models.append({**told, "result": key, **found.to_dict()})
    write_json(folder / HEAT, {"models": models, "without": why})


def _by_kind(
    result: BatchResult, folder: Path
) -> Iterator[tuple[tuple[str, dict[str, Any]], pd.DataFrame]]:
    import pandas as pd

    rows: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    facts: dict[tuple[Any, ...], tuple[str, dict[str, Any]]] = {}
    for city in result.cities:
        for file, content in _heat_islands(folder, city):
            told = {k: content.get(k) for k in _ALIKE}
            against = content["reference_classes"]
            if not against:  # temperatures alone
                continue
            name = file.split("/")[-2]
            key = (name, *told.values(), *against)
            facts[key] = (name, told)
            rows.setdefault(key, []).extend(
                (city.name, r["lcz"], r["difference"], r.get("n_pixels", r.get("n_stations")))
                for r in content["classes"]
                if r["difference"] is not None and r["lcz"] not in against
            )
    for key in sorted(rows, key=str):
        yield facts[key], pd.DataFrame(rows[key], columns=["city", "lcz", "difference", "n"])


def _days(folder: Path, raster: Path) -> tuple[date, date] | None:
    """First and last day of a city's scenes, where its imagery, its map or that one's manifest say so."""
    import datetime as dt

    from lczlib.acquire.folder import item_of
    from lczlib.export.manifest import read_manifest
    from lczlib.made_by import DATE_TAG, tag_of

    said = item_of(folder / "get").get("properties", {})
    found = [str(said.get(k) or "")[:10] for k in ("start_datetime", "end_datetime")]
    if not all(found) and (dated := sorted(tag_of(raster, DATE_TAG).split())):
        found = [dated[0], dated[-1]]
    if not all(found):
        try:
            content, _ = read_manifest(folder / "map")
        except InputError:
            return None
        found = [str(content["parameters"].get("date") or "")] * 2
    try:
        return dt.date.fromisoformat(found[0]), dt.date.fromisoformat(found[1])
    except ValueError:
        return None


def _write_catalog(result: BatchResult, folder: Path) -> None:
    """Write ``catalog.json``, and beside each map's folder its ``item.json``."""
    import pystac
    import rasterio

    from lczlib.classes import NUMBERING
    from lczlib.export.targets.stac import write_item
    from lczlib.jobs.map_files import map_network
    from lczlib.out_scheme import USUAL

    title = f"Local Climate Zones of {counted(len(result.cities), 'city', 'cities')}"
    catalog = pystac.Catalog("lcz", title)
    catalog.set_self_href(str(folder.absolute() / "catalog.json"))
    undated = []
    for city in result.cities:
        raster = map_file_of(result, city)
        lcz = None if raster is None else open_city(result, raster)
        if raster is None or lcz is None:
            continue
        days = _days(folder / city.name, raster)
        if days is None:
            undated.append(city.name)
            continue
        with rasterio.open(raster) as src:
            scheme = src.tags().get(NUMBERING, USUAL)
        network = map_network(raster)
        path = write_item(
            folder.absolute() / city.name / "item.json", lcz, raster, name=city.name, days=days, scheme=scheme,
            href=f"./map/{raster.name}", facts={"lcz:networks": network.split(" + ")} if network else {},
        )  # fmt: skip
        item = pystac.Item.from_file(str(path))
        catalog.add_item(item)
        item.set_self_href(str(path))  # beside its map's folder, not where pystac would lay it out
    if undated:
        several = ", ".join(undated[:5]) + (", ..." if len(undated) > 5 else "")
        result.notes.append(
            f"catalog.json is without {counted(len(undated), 'city', 'cities')}, {several}: an item needs a day, and "
            f"their scenes state none; give it ({option('date')} of map)."
        )
    catalog.save(pystac.CatalogType.SELF_CONTAINED, stac_io=_staging())


def _staging() -> Any:
    """How pystac writes: under a temporary name first."""
    from pystac.stac_io import DefaultStacIO

    from lczlib.export.files import staged

    class Staged(DefaultStacIO):
        def write_text_to_href(self, href: str, txt: str) -> None:
            with staged(href) as temporary:
                temporary.write_text(txt)

    return Staged()


def _draw(result: BatchResult, folder: Path) -> None:
    """Draw the maps, as many pages as it takes."""
    from lczlib.export.files import staged
    from lczlib.figures.cities import PER_PAGE, cities_figure

    def thinned(raster: Path) -> Any:
        lcz = open_city(result, raster)
        if lcz is None:
            return None
        step = max(1, -(-max(lcz.shape) // _LARGEST))
        return lcz.values[::step, ::step]

    rasters = {c.name: raster for c in result.cities if (raster := map_file_of(result, c))}
    named = list(rasters)
    for page, first in enumerate(range(0, len(named), PER_PAGE), start=1):
        part = named[first : first + PER_PAGE]
        maps = {n: codes for n in part if (codes := thinned(rasters[n])) is not None}
        title = "Local Climate Zones" + (f" ({page})" if len(named) > PER_PAGE else "")
        with staged(folder / f"maps_{page:02}.png") as temporary:
            cities_figure(maps, title).savefig(temporary, dpi=130)
