"""The jobs: what each command does, once, for command line, dashboard and notebook.

A job is a `Request`, whose fields say what it can be told, a function `run` that does it, and a
`Result` that can be looked at, taken as a table, and written with its manifest.

``request``       what requests have in common; ``result``: what results have
``map_files``     the maps that a job is given, and how each is read
``record``        the manifest beside what is written; ``scratch``: a folder for what is large
``assess``        the accuracy of a map; ``compare``: maps against each other;
                  ``agreements``: of several places; ``certainty``: how sure a map is
``bench``         a scoreboard of cities and ways, on fixed folds
``calibrate``     class probabilities made honest by polygons
``surface_heat``  heat island of the surface, of thermal rasters; ``air_heat``: of the canopy, of rasters of
                  air temperature; ``canopy_heat``: of stations
``field``         air temperature everywhere, from stations; ``station_choices``: how jobs read stations
``patches``       a data set of labelled patches to train on; ``check_polygons``: polygons that look like
                  something else; ``next_polygons``: where to draw further ones
``train``         a network for one's own city, tested on patches it has not seen
``prepare_s1``    Sentinel-1 products as delivered, made into what the networks read
``find_s1``       which Sentinel-1 products go with Sentinel-2 tiles; ``clip_s1``: patches of such a tile
``water``         surface water from Sentinel-1
``sites``         where to put sensors; ``further_sites``: beside those that there are;
                   ``morphology``: the published properties of the zones
``export``        a map for other software; ``export_request``: what it is told, ``export_material``: what it is
                  made of, ``export_targets`` and ``export_wrf``: what each says of it and how it is written
``methods``       a paper's methods from manifests; ``methods_text``: its sentences,
                  ``methods_facts``: what they are of
``report``        one page of results: ``report_results`` reads them, ``report_page``, ``report_summary``,
                  ``report_air_water`` and ``report_made`` tell them, ``report_places``: whether of one place,
                  ``report_bundle`` makes them again
``batch``         many cities: ``batch_table``, ``batch_steps`` each has, ``batch_city``: a step where it runs,
                  ``batch_cluster``: on which workers, ``batch_summary``: of all of them
``texts``         values of settings as people write them
``documentation`` all settings of all jobs
"""
