"""The folder of a place: So2Sat's layout, and an item that says where each pixel is from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import mapping

from lczlib.acquire.boxes import outline
from lczlib.acquire.grids import inside
from lczlib.acquire.places import Place
from lczlib.acquire.providers import LICENCE, TERMS, Provider
from lczlib.acquire.work import Plan, PlannedSeason, Work
from lczlib.errors import InputError
from lczlib.export.files import write_json, writing
from lczlib.export.geotiff import write_raster
from lczlib.grid import on_grid
from lczlib.scenes.bands import BANDS
from lczlib.scenes.sentinel2 import COMPOSITE_TAG

if TYPE_CHECKING:
    import xarray as xr

OFTEN_MASKED = 0.9
"""Share of the days with data on which a pixel is masked, from which on it is flagged ..."""
_AROUND, _CLEAR_AROUND = 1000.0, 0.5
"""... where within so many metres pixels are clear on at least this share of them."""
_FEWEST_DAYS = 4
_MAPS, _RADAR = "published_maps", "radar_passes"
"""What ``item.json`` tells beside the composites', each fetched by a run of its own or with them."""


def item_of(folder: Path) -> dict[str, Any]:
    """The item that a folder has; empty without one."""
    try:
        item = json.loads((folder / "item.json").read_text())
    except (OSError, ValueError):
        return {}
    return item if isinstance(item, dict) and isinstance(item.get("properties"), dict) else {}


def grid_of_scenes(folder: Path, place: Place) -> GeoBox | None:
    """The grid of the composites that a folder has of a place; None without any."""
    item = item_of(folder)
    said = item.get("properties", {})
    if item.get("id") != place.folder_name or "seasons" not in said:
        return None
    return GeoBox(tuple(said["proj:shape"]), Affine(*said["proj:transform"]), said["proj:code"])


def check_folder(folder: Path, place: Place, seasons: Collection[str]) -> None:
    """Refuse a folder in which scenes of another place or of other seasons would be left beside new ones.

    A map is made of all seasons in a folder, and its item tells of one place and one run.

    Raises
    ------
    InputError
        If there are such scenes.
    """
    before = item_of(folder)
    there = before.get("properties", {}).get("seasons", {})
    if not there:
        return
    if before["id"] != place.folder_name:
        msg = f"{folder} holds scenes of {before['id']}, not of {place.label}: give each place a folder of its own."
        raise InputError(msg)
    others = [s for s in there if s not in seasons]
    if others:
        msg = (
            f"{folder} holds {', '.join(others)} of {place.label} from another run, which would stay beside "
            f"{', '.join(seasons)} and be mapped with it: choose another folder, or remove that one."
        )
        raise InputError(msg)


def check_passes(folder: Path, place: Place, files: Collection[str]) -> None:
    """Refuse a folder in which passes of another place or run would be left beside new ones.

    Parameters
    ----------
    folder : Path
        Of the result.
    place : Place
        Of the new passes.
    files : collection of str
        The new ones', relative to the folder.

    Raises
    ------
    InputError
        If there are such passes.
    """
    before = item_of(folder)
    there = before.get("properties", {}).get(_RADAR, {}).get("passes", [])
    if before and before["id"] != place.folder_name:
        msg = f"{folder} holds data of {before['id']}, not of {place.label}: give each place a folder of its own."
        raise InputError(msg)
    others = [p["file"] for p in there if p["file"] not in files]
    if others or (there and before["properties"][_RADAR]["box"] != list(place.box)):
        msg = (
            f"{folder} holds {len(there)} passes of Sentinel-1 of {place.label} from another run, which would stay "
            "beside the new ones: choose another folder, or remove them."
        )
        raise InputError(msg)


def remove_seasons(folder: Path, place: Place, seasons: Iterable[str]) -> None:
    """Remove what an earlier run left of seasons that have no composite now."""
    for season in seasons:
        old = folder / season_folder(place, season)
        if old.is_dir():
            with writing(old):
                shutil.rmtree(old)


def season_folder(place: Place, season: str) -> Path:
    """Of a season, below the folder of the place."""
    return Path("Sentinel-2") / place.folder_name / season


def season_file(place: Place, season: str) -> Path:
    """The raster of a season: ``Sentinel-2/<city>/<season>/<code>_<season>.tif``."""
    return season_folder(place, season) / f"{place.code or '00000'}_{season}.tif"


def write_season(
    folder: Path, place: Place, plan: Plan, season: PlannedSeason, work: Work, method: str
) -> dict[str, Any]:
    """Write the rasters of a season whose tiles are finished.

    Returns
    -------
    dict
        What ``item.json`` says of them.
    """
    tiles = plan.tiles()
    used: dict[str, int] = {d.date: 0 for d in season.days}
    clipped = 0
    for i in range(len(tiles)):
        dates, counts = (work.layer(season.name, i, n) for n in ("dates", "used"))
        for date, n in zip(dates.tolist(), counts.tolist(), strict=True):
            used[date] += n
        clipped += int(work.layer(season.name, i, "clipped"))
    clear, seen = (_whole(plan, season.name, tiles, n, work) for n in ("clear", "seen"))
    often = often_masked(clear.values, seen.values)
    middle = median_date(used)
    tags = {
        COMPOSITE_TAG: method, "PROCESSING_LEVEL": plan.level, "DATE": middle, "BOA_OFFSET_APPLIED": "true",
        "PERIOD": f"{season.start}/{season.end}",
    }  # fmt: skip
    target = folder / season_file(place, season.name)
    values = _whole(plan, season.name, tiles, "values", work)
    write_raster(target, values, nodata=0, descriptions=BANDS, tags=tags)
    told = {"description": "days on which the pixel was clear"}
    write_raster(target.with_name("clear_count.tif"), clear, descriptions=["clear days"], tags=told)
    told = {"description": "1: masked on nearly every day although its surroundings were clear"}
    flags = clear.copy(data=often.astype(np.uint8))
    write_raster(
        target.with_name("often_masked.tif"), flags, descriptions=["often masked"], tags=told
    )
    within = inside(place.box, plan.grid)
    return _season_told(
        season, clear.values[within], used, clipped, int((often & within).sum()), middle
    )


def _whole(
    plan: Plan, season: str, tiles: list[tuple[slice, slice]], name: str, work: Work
) -> xr.DataArray:
    """A layer of all tiles, read when it is needed."""
    import dask
    import dask.array as da

    lead = (len(BANDS),) if name == "values" else ()
    dtype = np.uint16 if name == "values" else np.uint8
    rows: dict[int, dict[int, Any]] = {}
    for i, (y, x) in enumerate(tiles):
        shape = (*lead, y.stop - y.start, x.stop - x.start)
        part = dask.delayed(work.layer)(season, i, name)
        rows.setdefault(y.start, {})[x.start] = da.from_delayed(part, shape, dtype)
    strips = [da.concatenate([r[x] for x in sorted(r)], axis=-1) for _, r in sorted(rows.items())]
    whole = da.concatenate(strips, axis=-2)
    return on_grid(whole, plan.grid, dims=("band", "y", "x") if lead else ("y", "x"))


def often_masked(clear: np.ndarray, seen: np.ndarray, pixel: float = 10.0) -> np.ndarray:
    """Pixels that are masked on nearly every day while their surroundings are clear: bright roofs.

    Cloud tests take bright roofs for clouds; what is left of such a pixel is of few days, or nothing.

    Parameters
    ----------
    clear, seen : array (y, x)
        Days on which a pixel was clear, and had data.
    pixel : float
        Edge in metres.
    """
    from scipy import ndimage

    share = np.where(seen > 0, clear / np.maximum(seen, 1), 0).astype(np.float32)
    width = 2 * round(_AROUND / pixel) + 1
    around = ndimage.uniform_filter(share, width, mode="nearest")
    rarely = share <= 1 - OFTEN_MASKED + 1e-6
    return rarely & (seen >= _FEWEST_DAYS) & (around >= _CLEAR_AROUND)


def median_date(used: Mapping[str, int]) -> str:
    """The day by which half of the clear pixels were taken; empty where there are none."""
    days = sorted(used)
    counts = np.cumsum([used[d] for d in days])
    if not days or not counts[-1]:
        return ""
    return days[int(np.searchsorted(counts, counts[-1] / 2))]


def _season_told(
    season: PlannedSeason,
    clear: np.ndarray,
    used: Mapping[str, int],
    clipped: int,
    often: int,
    middle: str,
) -> dict[str, Any]:
    """What the item says of a season; `clear` holds the clear days of the pixels in the box."""
    return {
        "start": season.start, "end": season.end, "median_date": middle,
        "clear_count": {
            "min": int(clear.min()), "median": float(np.median(clear)), "max": int(clear.max()),
            "share_of_pixels_without": float((clear == 0).mean()),
            "share_of_pixels_with_3_or_more": float((clear >= 3).mean()),
        },
        "values_raised_to_1": clipped, "pixels_often_masked": often,
        "days": [
            {
                "date": d.date, "cloud_share": d.cloud_share, "covered_share": d.covered_share,
                "clear_pixels": used[d.date],
                "scenes": [
                    {
                        "id": s.scene.id, "collection": s.scene.collection, "href": s.scene.link,
                        "baseline": s.scene.baseline, "offset": s.offset, "offset_why": s.why,
                    }
                    for s in d.scenes
                ],
            }
            for d in season.days
        ],
        "days_not_used": [{"date": d, "why": w} for d, w in sorted(season.left_out.items())],
    }  # fmt: skip


def write_item(
    folder: Path,
    place: Place,
    plan: Plan,
    provider: Provider,
    method: str,
    seasons: Mapping[str, Any],
    maps: Sequence[Mapping[str, Any]] = (),
    radar: Mapping[str, Any] | None = None,
) -> Path:
    """Write ``item.json``, a STAC item of the folder: sources, offsets, clear counts, licence.

    It holds nothing of the run itself, so that the same scenes give the same file.
    """
    before = _told_before(folder, place)
    maps = maps or before.get(_MAPS, ())  # fetched by a run of their own
    radar = radar or before.get(_RADAR)
    years = sorted({s[k][:4] for s in seasons.values() for k in ("start", "end")})
    properties = {
        "title": f"Sentinel-2 composites of {place.label}", "datetime": None,
        "start_datetime": f"{min(s['start'] for s in seasons.values())}T00:00:00Z",
        "end_datetime": f"{max(s['end'] for s in seasons.values())}T23:59:59Z",
        "license": LICENCE, "attribution": f"Contains modified Copernicus Sentinel data {'-'.join(years)}",
        "terms": TERMS, "provider": provider.title, "provider_address": provider.address,
        "source_collection": plan.collection, "processing:level": plan.level, "composite": method,
        "place_source": place.source, "proj:code": f"EPSG:{plan.grid.crs.to_epsg()}",
        "proj:shape": list(plan.grid.shape), "proj:transform": list(plan.grid.affine)[:6],
        "seasons": dict(seasons),
    }  # fmt: skip
    assets = {
        f"{name}{suffix}": _asset(path, f"{title}, {name}", role)
        for name in seasons
        for suffix, path, title, role in _assets(place, name)
    }
    return _write(folder, place, properties, assets, maps, radar)


def write_map_item(folder: Path, place: Place, maps: Sequence[Mapping[str, Any]]) -> Path:
    """Write into ``item.json`` the published LCZ maps of a folder, beside what it tells of scenes."""
    before = _told_before(folder, place)
    if "seasons" in before or _RADAR in before:
        assets = _assets_of_composites(folder)
        return _write(folder, place, before, assets, maps, before.get(_RADAR))
    years = [m["year"] for m in maps if m["year"]] or [2018]
    properties = {
        "title": f"Published LCZ maps of {place.label}", "datetime": None,
        "start_datetime": f"{min(years)}-01-01T00:00:00Z", "end_datetime": f"{max(years)}-12-31T23:59:59Z",
        "license": "other" if len(maps) != 1 else maps[0]["licence"], "place_source": place.source,
    }  # fmt: skip
    return _write(folder, place, properties, {}, maps, None)


def write_radar_item(folder: Path, place: Place, radar: Mapping[str, Any]) -> Path:
    """Write into ``item.json`` the passes of Sentinel-1 of a folder, beside what it tells of all else.

    Parameters
    ----------
    folder, place
        As of `write_item`.
    radar : mapping
        Where they are from, and of each pass its file, time, track, scenes and pixels.
    """
    before = _told_before(folder, place)
    if "seasons" in before:
        assets = _assets_of_composites(folder)
        return _write(folder, place, before, assets, before.get(_MAPS, ()), radar)
    times = sorted(p["datetime"] for p in radar["passes"])
    properties = {
        "title": f"Passes of Sentinel-1 over {place.label}", "datetime": None, "start_datetime": times[0],
        "end_datetime": times[-1], **{k: radar[k] for k in ("license", "attribution", "terms")},
        "place_source": place.source,
    }  # fmt: skip
    return _write(folder, place, properties, {}, before.get(_MAPS, ()), radar)


def _told_before(folder: Path, place: Place) -> dict[str, Any]:
    """The properties of a folder's item, where it is of a place; else none."""
    before = item_of(folder)
    return dict(before["properties"]) if before.get("id") == place.folder_name else {}


def _assets_of_composites(folder: Path) -> dict[str, Any]:
    assets = item_of(folder)["assets"]
    return {n: a for n, a in assets.items() if a["href"].startswith("./Sentinel-2/")}


def _write(
    folder: Path,
    place: Place,
    properties: dict[str, Any],
    assets: dict[str, Any],
    maps: Sequence[Mapping[str, Any]],
    radar: Mapping[str, Any] | None,
) -> Path:
    if maps:
        properties = {**properties, _MAPS: [dict(m) for m in maps]}
    if radar:
        properties = {**properties, _RADAR: dict(radar)}
        for told in radar["passes"]:
            title = f"VV and VH of {told['date']}, {told['sat:orbit_state']}, gamma nought in dB"
            assets[Path(told["file"]).stem] = _asset(Path(told["file"]), title, "data")
    for told in maps:
        for file in told["files"]:
            assets[Path(file).stem] = _asset(Path(file), told["title"], "reference")
    item = {
        "type": "Feature", "stac_version": "1.1.0",
        "stac_extensions": ["https://stac-extensions.github.io/projection/v2.0.0/schema.json"],
        "id": place.folder_name, "bbox": list(place.box), "geometry": mapping(outline(place.box)),
        "properties": properties, "links": [], "assets": assets,
    }  # fmt: skip
    return write_json(folder / "item.json", item)


def _asset(path: Path, title: str, role: str) -> dict[str, Any]:
    return {
        "href": f"./{path.as_posix()}", "title": title, "roles": [role],
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
    }  # fmt: skip


def _assets(place: Place, season: str) -> list[tuple[str, Path, str, str]]:
    inside = season_folder(place, season)
    return [
        ("", season_file(place, season), "DN of ten bands, 10,000 for reflectance 1", "data"),
        ("_clear_count", inside / "clear_count.tif", "Clear days", "metadata"),
        ("_often_masked", inside / "often_masked.tif", "Masked on nearly every day", "metadata"),
    ]
