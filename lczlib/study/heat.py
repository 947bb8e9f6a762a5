"""The heat island of a study's zones: of the surface, or of the air between the buildings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import xarray as xr

from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.grid import geobox_of, same_grid, to_grid
from lczlib.study.material import Maps, Material


@dataclass(frozen=True)
class Heat:
    """A heat island and what it was made from, in words.

    Attributes
    ----------
    kind : str
        ``surface`` or ``canopy``.
    result : SurfaceHeatIsland or CanopyHeatIsland
        The first for pixels, the second for stations.
    method : str
        How rasters came to one grid and how many dates, or how stations were read and checked.
    stations : GeoDataFrame or None
        Sites of the canopy heat island.
    persistence : DataArray (y, x) or None
        With several dates: the share of them on which a pixel is hot.
    map_error : bool
        Whether the intervals hold the map's own error.
    """

    kind: str
    result: Any
    method: str
    stations: gpd.GeoDataFrame | None = None
    persistence: xr.DataArray | None = None
    map_error: bool = False

    @property
    def pixels(self) -> bool:
        """Whether it is read from the pixels of rasters, not from stations."""
        return self.stations is None

    @property
    def counted(self) -> tuple[str, str]:
        """The columns of what was counted: pixels and patches, or stations and hours."""
        return ("n_pixels", "n_patches") if self.pixels else ("n_stations", "n_hours")

    @property
    def level(self) -> str:
        """Confidence of the intervals, ``95%``."""
        return f"{100 * self.result.options.confidence:g}%"

    def sentence(self) -> str:
        """The result in a sentence, with its uncertainty."""
        table = self.result.classes
        table = table[table["note"] != "reference"].dropna(subset=["difference"])
        against = self.result.reference.label
        what = "surface" if self.kind == "surface" else "air"
        if not self.result.reference.classes:
            return str(self.result.reference.note)
        sure = table[(table["ci_low"] > 0) | (table["ci_high"] < 0)]
        built = sure[(sure.index <= 10) & (sure["ci_low"] > 0)]
        if table.empty:
            return f"No class has enough data to compare its {what} temperature with {against}."
        also = ", the map's own error included" if self.map_error else ""
        if built.empty:
            return (
                f"No built zone is warmer than {against} beyond its {self.level} interval{also}: on "
                f"this evidence no {what} heat island can be told."
            )
        top = built["difference"].idxmax()
        row = built.loc[top]
        unit = self.counted[0]
        count = f"{int(row[unit]):,} {unit[2:]}"
        unsure = len(table) - len(sure)
        more = (
            f" For {unsure} other class{'es' if unsure != 1 else ''} the interval holds zero."
            if unsure
            else ""
        )
        classes = self.result.classes
        short = classes[(classes.index <= 10) & classes["difference"].isna() & (classes[unit] > 0)]
        if len(short):
            names = ", ".join(CLASSES[i - 1].code for i in short.index)
            more += f" LCZ {names} could not be compared: the table says why."
        if self.result.bias:
            more += f" {self.result.bias}"
        return (
            f"The {what} of LCZ {CLASSES[top - 1].code} ({CLASSES[top - 1].name}) is "
            f"{row['difference']:+.1f} K against {against} ({self.level} interval "
            f"{row['ci_low']:+.1f} to {row['ci_high']:+.1f} K{also}, {count}), the largest "
            f"difference of the built zones; {len(built)} built "
            f"zone{'s are' if len(built) != 1 else ' is'} warmer beyond the interval.{more}"
        )


def heat_island(
    material: Material, lcz: xr.DataArray, maps: Maps | None, v: Mapping[str, Any]
) -> Heat:
    """The surface or canopy heat island of a map's zones.

    Parameters
    ----------
    material : Material
        The place.
    lcz : DataArray (y, x)
        The map.
    maps : Maps or None
        Results with probabilities, for the map's own error.
    v : mapping
        The settings of `lczlib.study.heat_inputs.HeatInputs`.

    Raises
    ------
    InputError, GridError
        If data are missing or do not fit together.
    """
    if v["heat_kind"] == "canopy":
        return _canopy(material, lcz, v)
    return _of_pixels(material, lcz, maps, v)


def _of_pixels(
    material: Material, lcz: xr.DataArray, maps: Maps | None, v: Mapping[str, Any]
) -> Heat:
    from lczlib.analysis.heat import SurfaceOptions, series

    compute = _compute(v)
    scenes = _scenes(material, v)
    temperature, lcz, method = series.stack(scenes, lcz, v["heat_resample"] or None)
    groups = series.split_by_overpass(series.overpasses(scenes))
    chosen = v["heat_time"] if v["heat_time"] in groups else next(iter(groups))
    part = temperature.isel(time=groups[chosen])
    several = len(groups[chosen]) > 1
    whole = series.composite(part)
    box = geobox_of(lcz)
    layers: dict[str, xr.DataArray] = {}
    if (elevation := _elevation(material, v)) is not None:
        same = same_grid(geobox_of(elevation), box)
        layers["elevation"] = elevation if same else to_grid(elevation, box, "average")
    if v["heat_map_error"]:
        proba = maps.probabilities.get(v["heat_map"]) if maps is not None else None
        if proba is None:
            msg = (
                "The map's own error needs its class probabilities, which this map does not have: "
                "choose a map made here, or leave that out."
            )
            raise InputError(msg)
        same = same_grid(geobox_of(proba), box)
        layers["probabilities"] = proba if same else to_grid(proba, box, "nearest")
    options = SurfaceOptions(
        statistic="median" if v["heat_statistic"] == "usual" else v["heat_statistic"],
        interior=v["heat_interior"], min_pixels=v["heat_min_pixels"],
        min_patches=v["heat_min_patches"], reference=v["heat_reference"],
        fallback=v["heat_fallback"], elevation_band=v["heat_elevation_band"],
        water_distance=v["heat_water_distance"], block_size=v["heat_block_size"] or None,
        replicates=v["heat_replicates"], confidence=v["heat_confidence"], seed=v["heat_seed"],
    )  # fmt: skip
    result = compute(whole, lcz, options, **layers)
    known = bool(result.reference.classes)
    hot = _persistence(part, lcz, options, layers, v) if several and known else None
    dates = f"; median of {len(groups[chosen])} dates" if several else ""
    told = chosen if v["thermal_files"] or result.kind == "canopy" else v["heat_time"]
    others = sum(len(g) for n, g in groups.items() if n != chosen)
    left = f"; {others} of another overpass left out" if others else ""
    when = "overpass" if result.kind == "surface" else "time"
    clouds = f"; {whole.attrs['clouds']}" if "clouds" in whole.attrs else ""
    return Heat(
        result.kind, result, f"{method}; {when}: {told}{dates}{left}{clouds}", persistence=hot,
        map_error=v["heat_map_error"],
    )  # fmt: skip


def _compute(v: Mapping[str, Any]) -> Any:
    from lczlib.analysis.heat import surface_heat_island
    from lczlib.analysis.heat.air import air_heat_island

    return air_heat_island if v["heat_kind"] == "air" else surface_heat_island


def _persistence(
    part: xr.DataArray,
    lcz: xr.DataArray,
    options: Any,
    layers: Mapping[str, xr.DataArray],
    v: Mapping[str, Any],
) -> xr.DataArray:
    """The share of the dates on which a pixel is hot, each date against its own reference."""
    from dataclasses import replace

    from lczlib.analysis.heat import measures, series

    quick = replace(options, replicates=100)  # only the differences of pixels are used
    elevation = {k: x for k, x in layers.items() if k == "elevation"}
    dates = [
        _compute(v)(series.one_date(part, i), lcz, quick, **elevation).difference
        for i in range(part.sizes["time"])
    ]
    found = measures.persistence(
        xr.concat(dates, "time"), v["heat_persistence"], min_dates=min(3, len(dates))
    )
    return found["share"]


def _scenes(material: Material, v: Mapping[str, Any]) -> list[Any]:
    from lczlib.scenes.thermal import open_air_temperature, open_temperature
    from lczlib.scenes.thermal_products import ThermalConstants
    from lczlib.scenes.thermal_units import PLAUSIBLE, PLAUSIBLE_AIR

    air = v["heat_kind"] == "air"
    files = v["air_files"] if air else v["thermal_files"]
    if air and not files:
        msg = (
            f"There is no raster of air temperature of {material.place.name}: upload one on the City "
            "page."
        )
        raise InputError(msg)
    if not files:
        path = material.beside("lst.tif")
        if path is None:
            msg = (
                f"There is no thermal raster of {material.place.name}: upload one on the City page."
            )
            raise InputError(msg)
        return [
            open_temperature(path, unit="degC", band=v["heat_time"], plausible=v["heat_plausible"])
        ]
    times = [t.strip() for t in v["heat_acquired"].split(",") if t.strip()]
    if times and len(times) != len(files):
        msg = f"{len(times)} acquisition times for {len(files)} thermal rasters: give one for each."
        raise InputError(msg)
    if air:
        return [
            open_air_temperature(
                path, unit=v["heat_unit"] or None, band=v["heat_band"].strip() or None,
                time=times[i] if times else None,
                plausible=PLAUSIBLE_AIR if v["heat_plausible"] == PLAUSIBLE else v["heat_plausible"],
            )
            for i, path in enumerate(files)
        ]  # fmt: skip
    if v["quality_files"] and len(files) > 1:
        msg = "One quality layer cannot belong to several thermal rasters: use one raster with it."
        raise InputError(msg)
    constants = _numbers(v["heat_constants"])
    return [
        open_temperature(
            path, kind=v["heat_product"] or None, unit=v["heat_unit"] or None,
            band=v["heat_band"].strip() or None, time=times[i] if times else None,
            quality=v["quality_files"][0] if v["quality_files"] else None,
            constants=ThermalConstants(*constants) if constants else None,
            plausible=v["heat_plausible"],
        )
        for i, path in enumerate(files)
    ]  # fmt: skip


def _numbers(text: str) -> tuple[float, ...]:
    if not text.strip():
        return ()
    try:
        found = tuple(float(t) for t in text.split(","))
    except ValueError:
        found = ()
    if len(found) != 4:
        msg = (
            f"The Landsat constants are four numbers (radiance multiplier, offset, K1, K2), not "
            f"{text[:60]!r}."
        )
        raise InputError(msg)
    return found


def _elevation(material: Material, v: Mapping[str, Any]) -> xr.DataArray | None:
    from lczlib.scenes.elevation import open_elevation

    own = v["elevation_files"]
    path = own[0] if own else material.beside("elevation.tif")
    if path is None:
        return None
    return open_elevation(path)


def _canopy(material: Material, lcz: xr.DataArray, v: Mapping[str, Any]) -> Heat:
    from lczlib.analysis.heat.canopy import CanopyOptions, canopy_heat_island
    from lczlib.analysis.heat.quality import in_words, quality_control
    from lczlib.analysis.heat.station_zones import (
        read_classes,
        station_classes,
        told_sources,
        with_elevation,
    )
    from lczlib.analysis.heat.weather import read_weather

    found = _stations(material, lcz, v)
    sites = found.sites
    if (elevation := _elevation(material, v)) is not None and "elevation" in sites:
        sites = with_elevation(sites, elevation)
    numbering = v["heat_class_scheme"] or None
    own = v["station_class_files"]
    by_hand = read_classes(own[0], numbering) if own else None
    zones = station_classes(
        sites, lcz, by_hand=by_hand, radius=v["heat_radius"], skip_outside=v["heat_skip_outside"]
    )
    known, sites = zones["lcz"], sites.loc[zones.index]
    weather = None
    if v["weather_files"]:
        weather = read_weather(
            v["weather_files"][0], time_zone=v["heat_time_zone"].strip() or None,
            ambiguous=v["heat_ambiguous"], time_format=v["heat_time_format"].strip() or None,
        )  # fmt: skip
    checked = quality_control(found.air[zones.index], sites, v["heat_quality"])
    options = CanopyOptions(
        statistic="mean" if v["heat_statistic"] == "usual" else v["heat_statistic"],
        reference=v["heat_reference"], fallback=v["heat_fallback"],
        heat_wave_threshold=v["heat_wave"], calm_wind=v["heat_calm_wind"],
        clear_cloud=v["heat_clear_cloud"], lapse_rate=v["heat_lapse_rate"],
        replicates=min(500, v["heat_replicates"]), confidence=v["heat_confidence"],
        seed=v["heat_seed"],
    )  # fmt: skip
    air = checked.air
    result = canopy_heat_island(air, sites.loc[air.columns], known, options, weather=weather)
    removed = int((checked.report["n_given"] - checked.report["n_kept"]).sum())
    levels = ", ".join(v["heat_quality"]) or "none"
    method = (
        f"{found.clock}; {told_sources(zones)}; quality control ({levels}) removed {removed:,} of "
        f"{int(checked.report['n_given'].sum()):,} hourly values"
    )
    dropped = {**found.left_out, **zones.attrs["left_out"], **checked.dropped()}
    method += f"; stations dropped: {in_words(dropped)}" if dropped else ""
    return Heat("canopy", result, method, sites.join(zones.add_prefix("map_")))


def _stations(material: Material, lcz: xr.DataArray, v: Mapping[str, Any]) -> Any:
    from lczlib.analysis.heat.stations import read_stations

    files = v["station_files"]
    if not files:
        air, sites = material.beside("air_temperature.csv"), material.beside("stations.gpkg")
        if air is None or sites is None:
            msg = (
                f"There are no air temperatures of {material.place.name}: upload stations on the "
                "City page."
            )
            raise InputError(msg)
        return read_stations(air, sites=sites)
    pairs = [item.split("=", 1) for item in v["heat_columns"].split(",") if item.strip()]
    if any(len(p) != 2 for p in pairs):
        msg = f"Columns are told as time=NAME,station=NAME, not as {v['heat_columns'][:60]!r}."
        raise InputError(msg)
    return read_stations(
        files[0], sites=files[1] if len(files) > 1 else None,
        columns={k.strip(): n.strip() for k, n in pairs},
        time_zone=v["heat_time_zone"].strip() or None, ambiguous=v["heat_ambiguous"],
        unit=v["heat_air_unit"] or None, time_format=v["heat_time_format"].strip() or None,
        skip_outside=v["heat_skip_outside"], lcz=lcz, scheme=v["heat_class_scheme"] or None,
    )  # fmt: skip
