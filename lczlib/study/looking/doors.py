"""The door of each kind of file, with a study's settings as its job has them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import geopandas as gpd
import numpy as np
import xarray as xr

from lczlib.errors import InputError, LczError
from lczlib.grid import check_extent, geobox_of
from lczlib.jobs.air_heat import AirHeatRequest
from lczlib.jobs.air_heat import open_first as open_air
from lczlib.jobs.surface_heat import SurfaceHeatRequest
from lczlib.jobs.surface_heat import open_first as open_surface
from lczlib.jobs.water import WaterRequest
from lczlib.rasters import BANDWISE, open_raster
from lczlib.reading import quiet, readings, share
from lczlib.references import open_reference
from lczlib.scenes.elevation import open_elevation
from lczlib.study.heat_inputs import NAMES as HEAT_NAMES
from lczlib.study.heat_inputs import HeatInputs
from lczlib.study.looking.facts import (
    class_facts,
    lost_features,
    lost_pixels,
    map_lost,
    of_grid,
    of_polygons,
    of_scene,
    of_temperature,
)
from lczlib.study.looking.kinds import Settings
from lczlib.study.looking.seen import Door, Fact, Opened, fact, last_of
from lczlib.study.looking.tables import DOORS_OF_TABLES
from lczlib.study.map_inputs import chosen_options
from lczlib.study.material import CELL_BYTES
from lczlib.study.optical import open_optical
from lczlib.study.radar import NO_LCZ, maps_to_lcz, open_radar
from lczlib.study.scene_inputs import day_named, own_scene_options
from lczlib.study.settings import told
from lczlib.study.water_inputs import NAMES as WATER_NAMES
from lczlib.study.water_inputs import WaterInputs
from lczlib.texts import text, texts
from lczlib.vector_files import crs_name_of, read_features
from lczlib.vector_maps import open_any_map

Files = tuple[Path, ...]


def _scene(paths: Files, settings: Settings, _: Files) -> Opened:
    with readings() as heard:
        city = open_optical(paths, own_scene_options(settings))
    scene = next(iter(city.seasons.values()))
    grid = geobox_of(scene)
    check_extent(grid.shape, f"scene {paths[0].name}")
    read = last_of(heard, "Sentinel-2 raster", "Sentinel-2 product")
    named = day_named([str(p) for p in paths])
    facts, lost = of_scene(
        read, str(settings.s2_level), str(scene.attrs.get("date", "")), str(settings.s2_date), named
    )
    return Opened((*facts, *of_grid(grid)), lost, grid)


def _radar(paths: Files, _settings: Settings, _: Files) -> Opened:
    with readings() as heard:
        radar = open_radar([str(p) for p in paths])
    grid = geobox_of(radar)
    whole = maps_to_lcz(radar)
    if whole:
        check_extent(grid.shape, f"scene {paths[0].name}")
    read = last_of(heard, "Sentinel-1 raster", "Sentinel-1 scene")
    facts = (
        Fact(text("Bands"), ", ".join(map(str, radar.data_vars))),
        fact(text("Unit"), radar.attrs.get("units"), text("by the values"), assumed=not whole),
        *of_grid(grid),
    )
    return Opened(facts, lost_pixels(read), grid, remark="" if whole else NO_LCZ)


def _water(paths: Files, settings: Settings, _: Files) -> Opened:
    names = {k: v for k, v in WATER_NAMES.items() if not v.endswith("_files")}
    chosen = told(settings, WaterRequest, names, WaterInputs)
    request = WaterRequest(inputs=(str(paths[0]),), **(chosen | {"orbit": settings.water_orbit}))
    with readings() as heard:
        (scene,) = request.scenes()
    grid, (day,) = geobox_of(scene), request.days()
    read = last_of(heard, "Sentinel-1 scene")
    facts = (
        Fact(text("Bands"), ", ".join(str(b) for b in scene.band.values)),
        fact(
            text("Unit"), read.facts.get("units"), text("as set below, and plausible"), assumed=True
        ),
        fact(text("Date"), day, text("by the file's name"), assumed=True),
        fact(text("Radiometry"), scene.attrs.get("radiometry"), text("by its tags")),
        *of_grid(grid),
    )
    return Opened(facts, lost_pixels(read), grid)


def _map(paths: Files, settings: Settings, _: Files) -> Opened:
    return _classes(paths, settings, "map")


def _reference(paths: Files, settings: Settings, _: Files) -> Opened:
    return _classes(paths, settings, "reference")


def _classes(paths: Files, settings: Settings, which: str) -> Opened:
    options = chosen_options(settings, which)
    with readings() as heard:
        if which == "map":
            opened = open_any_map(paths[0], options=options, cell_bytes=CELL_BYTES)
        else:
            opened = open_reference(paths[0], options=options, cell_bytes=CELL_BYTES)
    if isinstance(opened, gpd.GeoDataFrame):
        return Opened(of_polygons(opened), lost_features(opened.attrs), None, opened)
    opened = opened.load()
    grid = geobox_of(opened)
    read = last_of(heard, "LCZ map", "reference", "map of polygons")
    return Opened((*class_facts(opened, read), *of_grid(grid)), map_lost(read), grid, opened)


def _thermal(paths: Files, settings: Settings, _: Files) -> Opened:
    chosen = told(settings, SurfaceHeatRequest, HEAT_NAMES["surface"], HeatInputs)
    own = {k: chosen[k] for k in ("kind", "unit", "band", "plausible") if k in chosen}
    request = SurfaceHeatRequest(
        map_path=paths[0], lst=(str(paths[0]),), **own | _time_of(settings)
    )
    with readings() as heard:
        opened, dates = open_surface(request)
    return _temperature(opened.temperature, last_of(heard, "thermal raster"), dates)


def _air(paths: Files, settings: Settings, _: Files) -> Opened:
    chosen = told(settings, AirHeatRequest, HEAT_NAMES["air"], HeatInputs)
    own = {k: chosen[k] for k in ("unit", "band", "plausible") if k in chosen}
    request = AirHeatRequest(map_path=paths[0], air=(str(paths[0]),), **own | _time_of(settings))
    with readings() as heard:
        opened = open_air(request)
    return _temperature(opened.temperature, last_of(heard, "air temperature raster"), 1)


def _time_of(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The first time that is set: those of several rasters stand in their order."""
    times = tuple(t.strip() for t in str(settings.heat_acquired).split(",") if t.strip())
    return {"time": times[:1]} if times else {}


def _temperature(found: xr.DataArray, read: object, dates: int) -> Opened:
    grid = geobox_of(found)
    facts, lost = of_temperature(read, dates)
    return Opened((*facts, *of_grid(grid)), lost, grid, found.astype(np.float32))


def _quality(paths: Files, _settings: Settings, _: Files) -> Opened:
    data = open_raster(paths[0], "quality layer", chunks=BANDWISE)
    grid = geobox_of(data, f"quality layer {paths[0].name}")
    facts = (fact(text("Bands"), data.sizes["band"]), *of_grid(grid))
    return Opened(
        facts, (), grid,
        remark=text("It is decoded with the temperatures that it belongs to, on the Heat island page."),
    )  # fmt: skip


def _elevation(paths: Files, _settings: Settings, _: Files) -> Opened:
    with readings() as heard:
        heights = open_elevation(paths[0])
    grid, read = geobox_of(heights), last_of(heard, "elevation raster")
    known = heights.values[np.isfinite(heights.values)]
    stated = read.facts.get("unit_stated")
    said = text("{low} to {high} m")
    ends = said.format(low=f"{known.min():.0f}", high=f"{known.max():.0f}") if known.size else ""
    facts = (
        Fact(
            text("Unit"),
            str(stated or "m"),
            text("as the file says") if stated else text("not stated"),
            not stated,
        ),
        fact(text("Heights"), ends),
        *of_grid(grid),
    )
    pixels = read.facts.get("pixels", {})
    total = pixels.get("total", 0)
    empty, odd = pixels.get("no_data", 0), pixels.get("implausible", 0)
    why = {
        texts(
            "{n} pixel ({share}) is no data", "{n} pixels ({share}) are no data",
            empty, share=share(empty, total),
        ): empty,
        texts(
            "{n} pixel ({share}) holds a height that no land has",
            "{n} pixels ({share}) hold heights that no land has", odd, share=share(odd, total),
        ): odd,
    }  # fmt: skip
    lost = tuple(said for said, n in why.items() if n)
    return Opened(facts, lost, grid, heights)


def _shapes(paths: Files, _settings: Settings, _: Files) -> Opened:
    features = read_features(paths[0], None, "file")
    table, out = features.table, int(features.impossible.sum())
    kinds = sorted({str(t) for t in table.geometry.geom_type.dropna().unique()})
    facts = (
        Fact(text("Shapes"), f"{len(table):,}", ", ".join(kinds)),
        fact(text("Columns"), ", ".join(map(str, table.columns.drop(table.geometry.name)[:6]))),
        Fact(text("Reference system"), crs_name_of(table)),
    )
    said = text("{n} shapes have coordinates that are no place")
    lost = (said.format(n=f"{out:,}"),) if out else ()
    kept = table[~(table.geometry.isna() | table.geometry.is_empty)]
    return Opened(facts, lost, None, kept)


def _area(paths: Files, settings: Settings, beside: Files) -> Opened:
    opened = _shapes(paths, settings, beside)
    if opened.shown is None or opened.shown.empty:
        msg = f"{paths[0].name} holds no place: draw a polygon in it, or draw a box on the map."
        raise InputError(msg)
    return opened


def _geo_em(paths: Files, _settings: Settings, _: Files) -> Opened:
    facts, grid = (), None
    with suppress(LczError), quiet():
        data = open_raster(paths[0], "domain of WRF", band="LU_INDEX", chunks=BANDWISE)
        grid = geobox_of(data)
        facts = of_grid(grid)
    return Opened(facts, (), grid)


DOORS: dict[str, Door] = {
    "scene": _scene, "radar": _radar, "water": _water, "water_descending": _water, "map": _map,
    "reference": _reference, "thermal": _thermal, "air": _air, "quality": _quality,
    "elevation": _elevation, "coast": _shapes, "polygons": _shapes, "area": _area, "geo_em": _geo_em,
    **DOORS_OF_TABLES,
}  # fmt: skip
"""By the names of `lczlib.study.looking.kinds.KINDS`."""
