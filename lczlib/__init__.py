"""Local Climate Zone maps from Sentinel-1 and Sentinel-2, their accuracy, and their heat islands.

``classes``     the 17 zones: numbers, codes, names, colours, numberings
``reading``     what was read of a file, said before the result
``limits``      how large an input may be, judged from its header
``grid``        grids of rasters, the 100 m LCZ grid
``longitudes``  means, boxes and views that cross 180 degrees
``rasters``     raster files, as stored: masks, bands, scales, sub-datasets
``tables``      tables: encodings, separators, numbers; ``clocks``: their times
``maps``        LCZ maps and class probabilities: opening them, labels, certainty; ``numbering``,
                ``legends`` and ``legend_files`` know what codes mean, ``map_doubts`` what speaks
                against it, ``made_by`` which network made a map
``polygons``    reference polygons and points; ``references``: these or a raster; ``vector_maps``: LCZ
                maps drawn as polygons
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
