"""What files are uploaded for, in the words of the page."""

from __future__ import annotations

from dataclasses import dataclass

from lczlib.study.looking import KINDS as FILE_KINDS
from lczlib.study.looking import FileKind
from lczlib.texts import N_


@dataclass(frozen=True)
class Kind:
    """What a file is uploaded for: the study's kind with a name and a hint for people, to be given to `text`."""

    name: str
    label: str
    hint: str

    @property
    def of(self) -> FileKind:
        """The kind as the study knows it."""
        return FILE_KINDS[self.name]

    @property
    def target(self) -> str:
        """Input of the study."""
        return self.of.target


KINDS = {
    k.label: k
    for k in (
        Kind(
            "scene",
            N_("Sentinel-2 (GeoTIFF, one or one a season)"),
            N_(
                "Ten bands B02 to B12 (or all 12 or 13) of a clear day at 10 m in a UTM zone, as reflectance or "
                "DN; top-of-atmosphere (L1C) fits the networks best. Free from the Copernicus Data Space."
            ),
        ),
        Kind(
            "radar",
            N_("Sentinel-1 (GeoTIFF: So2Sat's channels for LCZ, or VV and VH)"),
            N_(
                "So2Sat's eight channels, or its seven features, give LCZ maps; VV and VH in dB give water and "
                "a picture. On the grid of the Sentinel-2 image."
            ),
        ),
        Kind(
            "reference",
            N_("Reference: polygons, points or LCZ raster"),
            N_(
                "Test areas with a column of classes (as the LCZ Generator takes them), sampled points, or a "
                "raster of classes. Points also as CSV with columns lon, lat and lcz."
            ),
        ),
        Kind(
            "map",
            N_("Another LCZ map (GeoTIFF, or polygons)"),
            N_(
                "Classes 1-17 (or 1-10 and 101-107) in one band, the three bands of the LCZ Generator, of which "
                "the filtered one is taken, or polygons with a column of classes, such as GeoClimate's, laid on "
                "cells of 100 m."
            ),
        ),
        Kind(
            "thermal",
            N_("Surface temperature (GeoTIFF)"),
            N_("Landsat, MODIS, ECOSTRESS, or any raster in degC or K; one a date."),
        ),
        Kind(
            "air",
            N_("Air temperature raster (GeoTIFF)"),
            N_(
                "Of a model or interpolated, in degC or K; one a date: a canopy heat island by pixels."
            ),
        ),
        Kind(
            "quality",
            N_("Quality layer of a thermal raster (GeoTIFF)"),
            N_("Such as Landsat's QA_PIXEL: cloudy pixels are left out."),
        ),
        Kind(
            "mtl",
            N_("Landsat metadata of a Level-1 band (MTL)"),
            N_("The text file _MTL.txt that comes with the band."),
        ),
        Kind(
            "elevation",
            N_("Elevation (GeoTIFF, m)"),
            N_("To compare zones with references of a like height."),
        ),
        Kind(
            "coast",
            N_("Coast (GeoJSON, KML, GeoPackage, Shapefile)"),
            N_(
                "Lines of a coast, or areas of sea or lakes: the field of air temperature on the Heat island page "
                "changes with the distance to it."
            ),
        ),
        Kind(
            "stations",
            N_("Air temperatures, or their sites (CSV, Parquet, GeoPackage)"),
            N_(
                "Times, stations and temperatures; and the stations' places, where they are in another file."
            ),
        ),
        Kind(
            "station_classes",
            N_("Classes of stations set by hand (CSV, Parquet)"),
            N_("Columns: station and lcz."),
        ),
        Kind(
            "weather",
            N_("Weather: time, wind, cloud (CSV, Parquet)"),
            N_("Hourly wind in m/s and cloud in oktas: tells calm and clear nights."),
        ),
        Kind(
            "maxima",
            N_("Daily maxima of the air (CSV, Parquet)"),
            N_(
                "Columns: date and maximum in degC, of a place outside the city, best of years: tells thermal images "
                "of heat waves from others."
            ),
        ),
        Kind(
            "water",
            N_("Sentinel-1 for water (GeoTIFF)"),
            N_(
                "VV and VH at about 10 m, dB or linear; one a date, dated by its name, for the year's course."
            ),
        ),
        Kind(
            "water_descending",
            N_("Descending pass for water (GeoTIFF)"),
            N_(
                "Of each Sentinel-1 file for water that holds the ascending pass alone, in the same order."
            ),
        ),
        Kind(
            "polygons",
            N_(
                "Polygons to sum over: districts, or a grid of SUEWS (GeoJSON, KML, GeoPackage, Shapefile)"
            ),
            N_(
                "For the maps for other software on the Share page: areas of the classes by polygon, and land cover "
                "and morphology of SUEWS."
            ),
        ),
        Kind(
            "geo_em",
            N_("Domain of WRF (geo_em, NetCDF)"),
            N_("As geogrid wrote it; on the Share page the map's urban form is put into it."),
        ),
        Kind(
            "area",
            N_("Own area (GeoJSON, KML, GeoPackage, Shapefile)"),
            N_("The box around its polygons is cut out of the scenes."),
        ),
    )
}
BY_NAME = {k.name: k for k in KINDS.values()}
"""The same by the study's names of them."""
