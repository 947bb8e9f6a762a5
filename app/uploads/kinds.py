"""What files are uploaded for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lczlib.reading import quiet
from lczlib.study.radar import NO_LCZ, maps_to_lcz, open_radar

from .checks import NETCDF, RASTERS, TABLES, VECTORS


@dataclass(frozen=True)
class Kind:
    """What a file is uploaded for."""

    label: str
    hint: str
    endings: tuple[str, ...]
    target: str  # input of the study
    several: bool = False
    at_once: bool = False  # whether its files make one input, which replaces that before
    check: Callable[[list[Path]], str] | None = None  # of all files: a remark, or an error


def _check_radar(paths: list[Path]) -> str:
    with quiet():  # it is told where it is opened for the study
        radar = open_radar([str(p) for p in paths])
    return "" if maps_to_lcz(radar) else NO_LCZ


KINDS = {
    k.label: k
    for k in (
        Kind(
            "Sentinel-2 (GeoTIFF, one or one a season)",
            "Ten bands B02 to B12 (or all 12 or 13) of a clear day at 10 m in a UTM zone, as reflectance or "
            "DN; top-of-atmosphere (L1C) fits the networks best. Free from the Copernicus Data Space.",
            RASTERS, "scene_files", several=True,
        ),
        Kind(
            "Sentinel-1 (GeoTIFF: So2Sat's channels for LCZ, or VV and VH)",
            "So2Sat's eight channels, or its seven features, give LCZ maps; VV and VH in dB give water and "
            "a picture. On the grid of the Sentinel-2 image.",
            RASTERS, "radar_files", several=True, at_once=True, check=_check_radar,
        ),
        Kind(
            "Reference: polygons, points or LCZ raster",
            "Test areas with a column of classes (as the LCZ Generator takes them), sampled points, or a "
            "raster of classes. Points also as CSV with columns lon, lat and lcz.",
            RASTERS + VECTORS + TABLES[:2], "reference_files",
        ),
        Kind(
            "Another LCZ map (GeoTIFF, or polygons)",
            "Classes 1-17 (or 1-10 and 101-107) in one band, the three bands of the LCZ Generator, of which "
            "the filtered one is taken, or polygons with a column of classes, such as GeoClimate's, laid on "
            "cells of 100 m. How it was read is told on the pages, and can be corrected below.",
            RASTERS + VECTORS, "map_files",
        ),
        Kind(
            "Surface temperature (GeoTIFF)",
            "Landsat, MODIS, ECOSTRESS, or any raster in degC or K; one a date. Bands, units and times: on the "
            "Heat island page.",
            RASTERS, "thermal_files", several=True,
        ),
        Kind(
            "Air temperature raster (GeoTIFF)",
            "Of a model or interpolated, in degC or K; one a date: a canopy heat island by pixels.",
            RASTERS, "air_files", several=True,
        ),
        Kind(
            "Quality layer of a thermal raster (GeoTIFF)",
            "Such as Landsat's QA_PIXEL: cloudy pixels are left out.",
            RASTERS, "quality_files",
        ),
        Kind(
            "Landsat metadata of a Level-1 band (MTL)", "The text file _MTL.txt that comes with the band.",
            (".txt",), "mtl_files",
        ),
        Kind(
            "Elevation (GeoTIFF, m)", "To compare zones with references of a like height.",
            RASTERS, "elevation_files",
        ),
        Kind(
            "Coast (GeoJSON, KML, GeoPackage, zipped Shapefile)",
            "Lines of a coast, or areas of sea or lakes: the field of air temperature on the Heat island page changes "
            "with the distance to it.",
            VECTORS, "coast_files",
        ),
        Kind(
            "Air temperatures, then sites (CSV, Parquet, GeoPackage)",
            "Times, stations and temperatures; then the stations' places, where they are in another "
            "file.",
            TABLES, "station_files", several=True,
        ),
        Kind(
            "Classes of stations set by hand (CSV, Parquet)", "Columns: station and lcz.",
            TABLES[:3], "station_class_files",
        ),
        Kind(
            "Weather: time, wind, cloud (CSV, Parquet)",
            "Hourly wind in m/s and cloud in oktas: tells calm and clear nights.",
            TABLES[:3], "weather_files",
        ),
        Kind(
            "Daily maxima of the air (CSV, Parquet)",
            "Columns: date and maximum in degC, of a place outside the city, best of years: tells thermal images "
            "of heat waves from others.",
            TABLES[:3], "maxima_files",
        ),
        Kind(
            "Sentinel-1 for water (GeoTIFF)",
            "VV and VH at about 10 m, dB or linear; one a date, dated by its name, for the year's course.",
            RASTERS, "water_files", several=True,
        ),
        Kind(
            "Descending pass for water (GeoTIFF)",
            "Of each Sentinel-1 file for water that holds the ascending pass alone, in the same order.",
            RASTERS, "water_descending_files", several=True,
        ),
        Kind(
            "Polygons to sum over: districts, or a grid of SUEWS (GeoJSON, KML, GeoPackage, zipped Shapefile)",
            "For the maps for other software on the Share page: areas of the classes by polygon, and land cover and "
            "morphology of SUEWS.",
            VECTORS, "polygon_files",
        ),
        Kind(
            "Domain of WRF (geo_em, NetCDF)",
            "As geogrid wrote it; on the Share page the map's urban form is put into it.",
            NETCDF, "geo_em_files",
        ),
        Kind(
            "Own area (GeoJSON, KML)", "The box around its polygons is cut out of the scenes.",
            (".geojson", ".json", ".kml", ".gpkg", ".zip"), "area",
        ),
    )
}  # fmt: skip
