"""Local Climate Zone maps from Sentinel-1 and Sentinel-2, their accuracy, and their heat islands.

``classes``     the 17 zones: numbers, codes, names, colours, numberings
``grid``        grids of rasters, the 100 m LCZ grid
``rasters``     raster files, as stored: masks, bands, scales, sub-datasets
``reading``     what was read of a file, said before the result
``maps``        LCZ maps and class probabilities: opening them, labels, certainty
``catalog``     what can be downloaded, with hash, licence and citation
``scenes``      Sentinel-1 and Sentinel-2 scenes as one canonical data set; the demo city
``models``      networks and their trained weights
``mapping``     scene to class probabilities, fusion of sensors
``training``    patch data sets, training
``experiment``  inputs, networks and losses compared on one data set
``analysis``    accuracy, comparison, heat islands
``export``      GeoTIFF, tables, manifests
"""

__version__ = "0.1.0"
