"""The experiments of Zhou et al. (2022), and Liu and Shi (2020), on any data set.

``request``      what is compared, on what: all that an experiment is told
``prepare``      data set and settings from that
``data``         a data set: scenes with polygons, So2Sat folders, So2Sat LCZ42 files
``plan``         which runs a table is made of
``runner``       trains what is not yet trained, here or on a cluster
``results``      from runs to table cells: means over seeds, intervals, paired differences
``method``       what can be done with trained networks: views, means, calibration
``methods``      the table of these: what each gains and costs
``cities``       what is learnt in one city tested in each, and their maps
``speed``        parameters and patches a second of each network
``published``    the figures of the paper, to be shown beside
``report``       tables and figures as files
"""
