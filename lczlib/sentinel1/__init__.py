"""Sentinel-1 from the product as delivered to what the networks read, without other programs.

``product``     what a SAFE product says of itself, and windows of its measurements; ``product_files``
``orbit``       where the satellite was: orbit files, or the annotated vectors
``radiometry``  calibration, and thermal noise
``deburst``     bursts and sub-swaths laid together as one image in radar geometry
``detected``    a detected product (GRD) as an image, and its ground range; ``border``: its border noise
``speckle``     the filters of Lee, on covariance and on intensity
``terrain``     elevation model and geoid
``geocode``     a map's pixels looked up in the image; ``kernels``: its loops, compiled
``recipes``     what is made for each network, as one table
``tiles``       Sentinel-2 tiles, and ``listed``: Sentinel-1 products, as lists have them; ``pickles``, ``track``,
                ``choices``
``select``      which of the products go with a tile; ``patches``: a raster cut into the patches of one
``chain``       a recipe's steps, tile by tile; ``snap_graph``: the nearest graph for ESA's SNAP
``simulated``   products with known pixels, for tests and demonstrations; ``simulated_city``: of a whole city
"""
