"""LCZ maps written for other software, and what will fail there.

``findings``   what a target says before anything is written
``names``      the classes' names in six languages
``styles``     QML of QGIS and SLD: of a raster, and of polygons
``patches``    a map as polygons; ``geopackage``: as a file with its style
``netcdf``     CF conventions; ``kmz``: Google Earth; ``stac``: a catalog's item
``landcover``  land cover and morphology as SUEWS and UMEP take them
``wrf``        urban form in a domain of WRF; ``urban_canopy``: its values of each class
"""
