"""Change between dated class probabilities that is more than the maps' own errors. Pure functions.

``transitions``  which changes of class there are, and how plausible each is before the images are seen
``pairs``        what two images say of a cell: changed or not, by a hidden Markov model of two dates
``evidence``     how often such a pair looks changed where nothing changed, and where something did
``noise``        what such figures vary by, in blocks of cells whose errors go together
``area``         the area that changed, with its interval; conditional on calibrated probabilities
``cells``        the probability of change of each cell, its classes before and after, over all dates
``sample``       the classes of a change map; areas from a probability sample (Olofsson et al. 2014)
"""

from lczlib import lazy

__getattr__, __dir__ = lazy.contents(
    __name__,
    {
        "ChangeArea": "area",
        "Image": "pairs",
        "change_area": "area",
        "change_posterior": "cells",
        "sample_area": "sample",
        "strata": "sample",
    },
)
