"""Scene to class probabilities: the only bridge between rasters and tensors.

``prepare``   a scene as a network reads it, checked
``engines``   PyTorch and OpenVINO; ``views``: the mean over flips and turns of each patch
``predict``   probabilities on the LCZ grid, tile by tile
``fusion``    several maps into one
``request``   a request in a manifest, and back
``city``      the whole job: scenes in, files and manifest out; ``layers``: networks averaged, probabilities
              calibrated, sensors fused, files written
``water``     surface water from Sentinel-1 with GMNet; ``water_files`` as files
"""

from lczlib.accelerators import choose_device
from lczlib.map_request import MapRequest
from lczlib.mapping.city import MapResult, map_city
from lczlib.mapping.engines import make_engine
from lczlib.mapping.fusion import METHODS, fuse
from lczlib.mapping.predict import predict
from lczlib.mapping.prepare import Prepared, prepare
from lczlib.mapping.request import request_of
from lczlib.mapping.water import water_map

__all__ = [
    "METHODS",
    "MapRequest",
    "MapResult",
    "Prepared",
    "choose_device",
    "fuse",
    "make_engine",
    "map_city",
    "predict",
    "prepare",
    "request_of",
    "water_map",
]
