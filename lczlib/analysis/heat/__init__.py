"""Heat islands by LCZ against LCZ D: of the surface (SUHI) and of the canopy layer.

Two different things, never mixed: the surface heat island is read from thermal images, the canopy
heat island from air temperature stations between the buildings.

=================  ==================================================================
surface            `surface_heat_island`: classes against LCZ D, with intervals
spatial, parts     the covariance of the residuals behind them
bootstrap          the spatial block bootstrap of the measures
measures           urban minus rural, percentile, profile, persistence, Gi*, UTFVI
alignment, series  thermal raster and map on one grid; several dates, day and night
dates, heat_waves  many dates: a season's mean, trends, days of heat waves
canopy             `canopy_heat_island`: stations against those in LCZ D
stations           reading stations and their clock; `station_zones`: their classes
quality            quality control after CrowdQC+
network            where to put sensors
morphology         area of each class and the published ranges of its form
=================  ==================================================================
"""

from lczlib import lazy

__getattr__, __dir__ = lazy.contents(
    __name__,
    {
        "Aligned": "alignment",
        "CanopyOptions": "options",
        "SurfaceHeatIsland": "surface",
        "SurfaceOptions": "options",
        "align": "alignment",
        "surface_heat_island": "surface",
    },
)
