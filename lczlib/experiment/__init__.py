"""The experiments of Zhou et al. (2022) on any data set: inputs, networks, focal gamma.

``request``      what is compared, on what: all that an experiment is told
``prepare``      data set and settings from that
``data``         a data set: scenes with polygons, So2Sat folders, So2Sat LCZ42 files
``plan``         which runs a table is made of
``runner``       trains what is not yet trained, here or on a cluster
``results``      from runs to table cells: means over seeds, intervals, paired differences
``speed``        parameters and patches a second of each network
``published``    the figures of the paper, to be shown beside
``report``       tables and figures as files
"""
