"""A scoreboard of cities: fixed folds of open polygons, and the accuracy of each way to map them.

``cities``     the cities of the board, of the catalog or of a user's file
``folds``      which polygons are held out together, and the hash by which two boards are known to be the same
``site``       a city's polygons, folds and scenes, opened
``names``      the ways by name
``ways``       from scenes to a map of the labelled cells, each way by itself
``board``      all ways in all cities; what is finished is not done again
``rows``       the accuracy of a way as it stands in a result file
``submitted``  result files of others, checked
"""
