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

    from lczlib.jobs.batch import BatchResult

CITIES, MEASURES, HEAT = "cities.csv", "measures.csv", "heat_cities.json"
_COLUMNS = (
    "city", "measure", "lcz", "class", "value", "low", "high", "n", "counted", "unit", "reference", "file",
)  # fmt: skip
_LARGEST = 160
"""Pixels along a small map's longer side."""
_SCORES = {"oa": "overall accuracy", "aa": "average accuracy", "kappa": "kappa"}
_CLASS_SCORES = {"pa": "producer's accuracy", "ua": "user's accuracy", "f1": "F1"}


def cities_table(result: BatchResult) -> pd.DataFrame:
    """A row a city: ``city``, ``status``, ``message``, ``files``."""
    import pandas as pd

    rows = [
        (c.name, c.status, c.message, ";".join(files_of(result, c.name))) for c in result.cities
    ]
    return pd.DataFrame(rows, columns=["city", "status", "message", "files"])


def files_of(result: BatchResult, name: str) -> list[str]:
    """The files of a city's steps, as seen from the batch's folder."""
    found = []
    for step in result.request.steps:
        try:
            content = json.loads((result.folder / name / KEPT / f"{step}.json").read_text())
            found += [f"{name}/{file}" for file in content["outcome"]["files"]]
        except (OSError, ValueError, KeyError):
            continue
    return found


def write_summary(result: BatchResult, folder: Path, *, figures: bool) -> None:
    """Write ``cities.csv``, ``measures.csv``, ``heat_cities.json``, ``catalog.json`` and ``maps_01.png``."""
    from lczlib.export.files import staged, write_table

    write_table(folder / CITIES, result.to_dataframe(), index=False)
    with staged(folder / MEASURES) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS, restval="")
        writer.writeheader()
        for city in result.cities:
            for row in measures_of(folder / city.name, city.name):
                writer.writerow({k: _short(v) for k, v in row.items()})
    if "uhi" in result.request.steps:
        write_heat(result, folder)
    _write_catalog(result, folder)
    if figures:
        _draw(result, folder)


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else value


def measures_of(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """A city's areas, accuracy, agreement and heat, as its steps wrote them: a row a number.

    ``low`` and ``high`` are its interval where there is one, ``n`` how many of ``counted`` it is of.
    """
    lcz = open_city(folder)
    if lcz is not None:
        yield from _areas(name, lcz, folder)
    for file in sorted(folder.glob("assess/assessment.json")):
        yield from _accuracy(name, json.loads(file.read_text()), _seen(file, folder))
    for file in sorted(folder.glob("compare/comparison.json")):
        told = json.loads(file.read_text())
        low, high = told.get("agreement_ci") or (None, None)
        yield {
            "city": name, "measure": "agreement", "value": told["agreement"], "low": low, "high": high,
            "n": told["n"], "counted": "cells", "unit": "1", "file": _seen(file, folder),
        }  # fmt: skip
    for file in sorted(folder.glob("uhi-*/heat_island.json")):
        yield from _heat(name, json.loads(file.read_text()), _seen(file, folder))


def _seen(file: Path, folder: Path) -> str:
    return f"{folder.name}/{file.relative_to(folder).as_posix()}"


def open_city(folder: Path) -> xr.DataArray | None:
    """A city's map, in whatever numbering its file states it is written; None where it has none."""
    from lczlib.maps import open_lcz_map

    try:
        with quiet():
            return open_lcz_map(map_of(folder / "map"))
    except LczError:
        return None


def _areas(name: str, lcz: xr.DataArray, folder: Path) -> Iterator[dict[str, Any]]:
    from lczlib.analysis import class_areas
    from lczlib.classes import CLASSES

    file = _seen(map_of(folder / "map"), folder)
    areas = class_areas(lcz)
    for number, row in areas.iterrows():
        yield {
            "city": name, "measure": "area", "lcz": number, "class": CLASSES[int(number) - 1].label,
            "value": float(row["area_km2"]), "n": int(row["n_cells"]), "counted": "cells", "unit": "km2", "file": file,
        }  # fmt: skip
    yield {
        "city": name, "measure": "area", "value": float(areas["area_km2"].sum()), "n": int(areas["n_cells"].sum()),
        "counted": "cells", "unit": "km2", "file": file,
    }  # fmt: skip


def _accuracy(name: str, told: dict[str, Any], file: str) -> Iterator[dict[str, Any]]:
    from lczlib.classes import CLASSES

    common = {"city": name, "counted": "cells", "unit": "1", "file": file}
    for key, title in _SCORES.items():
        low, high = told.get(f"{key}_ci") or (None, None)
        yield {**common, "measure": title, "value": told[key], "low": low, "high": high, "n": told["n"]}  # fmt: skip
    for row in told["classes"]:
        for key, title in _CLASS_SCORES.items():
            if row[key] is None:
                continue
            low, high = row.get(f"{key}_ci") or (None, None)
            n = row["n_predicted" if key == "ua" else "n_reference"]
            label = CLASSES[row["lcz"] - 1].label
            yield {
                **common, "measure": title, "lcz": row["lcz"], "class": label, "value": row[key], "low": low,
                "high": high, "n": n,
            }  # fmt: skip


def _heat(name: str, told: dict[str, Any], file: str) -> Iterator[dict[str, Any]]:
    from lczlib.classes import CLASSES

    for row in told["classes"]:
        if row["difference"] is None:
            continue
        low, high = row["difference_ci"] or (None, None)
        yield {
            "city": name, "measure": f"{told['kind']} heat island", "lcz": row["lcz"],
            "class": CLASSES[row["lcz"] - 1].label, "value": row["difference"], "low": low, "high": high,
            "n": row.get("n_pixels", row.get("n_stations")), "counted": told["by"], "unit": "K",
            "reference": told["reference"], "file": file,
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
        f"{c.name}/{file.parent.name}"
        for c in result.cities
        for file in sorted((folder / c.name).glob("uhi-*/heat_island.json"))
        if not json.loads(file.read_text())["reference_classes"]
    ]
    if alone:
        said = f"No reference, so temperatures and no differences: {', '.join(alone)}."
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
        for file in sorted((folder / city.name).glob("uhi-*/heat_island.json")):
            content = json.loads(file.read_text())
            told = {k: content[k] for k in ("kind", "by", "reference", "statistic", "confidence")}
            against = content["reference_classes"]
            if not against:  # temperatures alone
                continue
            key = (file.parent.name, *told.values(), *against)
            facts[key] = (file.parent.name, told)
            rows.setdefault(key, []).extend(
                (city.name, r["lcz"], r["difference"], r.get("n_pixels", r.get("n_stations")))
                for r in content["classes"]
                if r["difference"] is not None and r["lcz"] not in against
            )
    for key in sorted(rows, key=str):
        yield facts[key], pd.DataFrame(rows[key], columns=["city", "lcz", "difference", "n"])


def _days(folder: Path) -> tuple[date, date] | None:
    """First and last day of a city's scenes, where its imagery or its map's manifest say so."""
    import datetime as dt

    from lczlib.acquire.folder import item_of
    from lczlib.export.manifest import read_manifest

    said = item_of(folder / "get").get("properties", {})
    found = [str(said.get(k) or "")[:10] for k in ("start_datetime", "end_datetime")]
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
        lcz, days = open_city(folder / city.name), _days(folder / city.name)
        if lcz is None:
            continue
        if days is None:
            undated.append(city.name)
            continue
        raster = map_of(folder / city.name / "map")
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

    def thinned(name: str) -> Any:
        codes = open_city(folder / name).values
        step = max(1, -(-max(codes.shape) // _LARGEST))
        return codes[::step, ::step]

    named = [c.name for c in result.cities if open_city(folder / c.name) is not None]
    for page, first in enumerate(range(0, len(named), PER_PAGE), start=1):
        part = named[first : first + PER_PAGE]
        maps = {name: thinned(name) for name in part}
        title = "Local Climate Zones" + (f" ({page})" if len(named) > PER_PAGE else "")
        with staged(folder / f"maps_{page:02}.png") as temporary:
            cities_figure(maps, title).savefig(temporary, dpi=130)
