"""Training: patch data sets, splits, networks, the random forest they are compared with.

``options``     how a network is trained: choices and their defaults
``request``     what is trained on, or evaluated: all that a run is told
``labelled``    the patches that a request is about
``patches``     labelled patches of scenes, cut when they are read
``joining``     patches of several scenes as one set
``patch_file``  such patches as one HDF5 file, with their places and subsets
``so2sat``      the So2Sat LCZ42 data set
``splits``      training, validation and test: by polygon, by block, at random
``losses``      focal loss
``checks``      what a run must fulfil before it starts
``trainer``     a training run on Lightning
``forest``      random forest on 100 m pixels, the WUDAPT way
``evaluation``  accuracy on held-out patches
``run``         the whole job: patches in, weights and accuracy out
"""
