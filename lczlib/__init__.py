"""Local Climate Zone maps from Sentinel-1 and Sentinel-2, their accuracy, and their heat islands.

From files or open objects, as soon as they are used (``lczlib.api``):

``open_scene``    a scene of Sentinel-1 or Sentinel-2
``open_map``      an LCZ map; ``.lcz`` draws it, measures it, judges it
``map_city``      a city's scenes to class probabilities and LCZ maps
``assess``        the accuracy of a map; ``compare``: maps against each other;
                  ``change``: between years, beyond the maps' errors
``surface_heat``  the heat island of the surface; ``canopy_heat``: of the air, by stations or rasters
``air_field``     air temperature everywhere on a map, from stations
``water``         surface water from Sentinel-1

What comes before a map, and many maps (``making``):

``prepare_s1``      Sentinel-1 products as delivered to what networks read
``check_polygons``  reference polygons that look like another class than their own
``train``           a network of a city's own polygons, tested on polygons that it has not seen
``batch``           the steps of many cities

And the library, from the bottom up:

``classes``     the 17 zones: numbers, codes, names, colours, numberings; ``class_names`` and
                ``class_columns`` read them from texts and tables
``errors``      what is raised when the input is at fault; ``terms``: settings in messages;
                ``texts``: the words of the pages in the language of their reader;
                ``extras``: what must be installed for more than the core
``settings``    what a job can be told: each setting said once; ``devices``: what computes;
                ``accelerators``: what is peculiar to graphics cards
``reading``     what was read of a file, said before the result
``limits``      how large an input may be, judged from its header; ``unreadable``: why it is not read
``grid``        grids of rasters, the 100 m LCZ grid; ``mercator``: that of web maps
``longitudes``  means, boxes and views that cross 180 degrees
``rasters``     raster files, as stored: masks, bands, scales, sub-datasets; ``raster_masks``,
                ``raster_axes``, ``wrf_grids``
``tables``      tables: encodings, separators, numbers; ``clocks``: their times
``maps``        LCZ maps and class probabilities: opening them, labels, certainty; ``numbering``,
                ``legends``, ``legend_files`` and ``map_codes`` know what codes mean, ``map_doubts`` what
                speaks against it, ``made_by`` which network made a map, ``kinds`` what maps are called;
                ``out_scheme``: the numbering they are written in; ``accessor``: ``.lcz``
``calibrators`` what makes probabilities honest, and its file
``polygons``    reference polygons and points; ``vector_files`` and ``point_tables``: as stored;
                ``references``: these or a raster; ``vector_maps``: LCZ maps drawn as polygons;
                ``polygon_cells`` and ``cell_coverage``: on a grid
``catalog``     what can be downloaded, with hash, licence and citation
``scenes``      Sentinel-1 and Sentinel-2 scenes as one canonical data set; the demo city;
                ``scene_options``: how they are read
``sentinel1``   Sentinel-1 as delivered to what networks read of it, without SNAP
``acquire``     imagery by a place's name: services, days, composites, published maps
``models``      networks and their trained weights
``mapping``     scene to class probabilities, fusion of sensors; ``map_request``: what to map and how;
                ``machine``: what it ran on
``training``    patch data sets, training
``experiment``  inputs, networks and losses compared on one data set
``bench``       a scoreboard of cities and ways, on fixed folds of polygons
``analysis``    accuracy, comparison, change, heat islands, water: pure functions
``export``      GeoTIFF, tables, manifests; ``targets``: other software; ``temporary``: folders that go
                with their owner; ``archives``: zip and tar by their index, single files of them unpacked
``figures``     figures of all results
``jobs``        what each command does, once, for command line, dashboard and notebook; ``plugins``: what
                other packages bring
``study``       the state of a dashboard's session
``cli``         the command line
"""

from typing import TYPE_CHECKING

from lczlib import lazy

if TYPE_CHECKING:  # what `lazy` brings, with its types; `as` says that it is offered
    # isort: off
    from lczlib.api import (
        air_field as air_field,
        assess as assess,
        canopy_heat as canopy_heat,
        change as change,
        compare as compare,
        map_city as map_city,
        open_map as open_map,
        open_scene as open_scene,
        surface_heat as surface_heat,
        water as water,
    )
    from lczlib.making import (
        batch as batch,
        check_polygons as check_polygons,
        prepare_s1 as prepare_s1,
        train as train,
    )
    # isort: on

__version__ = "0.1.0"

__getattr__, __dir__ = lazy.contents(
    __name__,
    dict.fromkeys(
        (
            "air_field",
            "assess",
            "canopy_heat",
            "change",
            "compare",
            "map_city",
            "open_map",
            "open_scene",
            "surface_heat",
            "water",
        ),
        "api",
    )
    | dict.fromkeys(("batch", "check_polygons", "prepare_s1", "train"), "making"),
)
