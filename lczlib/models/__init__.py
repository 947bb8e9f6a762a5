"""Networks and their trained weights.

``registry``   the architectures, by name
``weights``    what a set of trained weights is (bands, scaling, patch size, source, licence)
``loading``    from a name or a file to an evaluated network
``export``     to ONNX and ``torch.export`` files
"""

from lczlib.models.loading import (
    describe,
    embedded_weights,
    import_weights,
    load_model,
    resolve,
)
from lczlib.models.registry import ARCHITECTURES, Architecture, architecture, build
from lczlib.models.weights import Weights, published_weights, read_safetensors, save_safetensors

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "Weights",
    "architecture",
    "build",
    "describe",
    "embedded_weights",
    "import_weights",
    "load_model",
    "published_weights",
    "read_safetensors",
    "resolve",
    "save_safetensors",
]
