"""What a set of trained weights is: network, bands, scaling, patch size, classes, source, licence.

Published weights are described in ``data_catalog/``; weights trained or imported here carry the
same description inside their safetensors file.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib import catalog
from lczlib.classes import CLASSES
from lczlib.errors import WeightsError
from lczlib.export.files import staged
from lczlib.models.description import Normalisation, check_description

if TYPE_CHECKING:
    from torch import Tensor, nn

SENTINEL2_BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
"""The ten 10 m and 20 m bands, in the order of So2Sat."""

SENTINEL1_FEATURES = (
    "VH_dB", "VV_dB", "COH", "VH_LEE_dB", "VV_LEE_dB", "COH_LEE", "PHA_LEE",
)  # fmt: skip
"""The seven features of So2Sat's Sentinel-1 network, in its order (lczlib.scenes.sentinel1)."""

_METADATA_KEY = "lczlib"


@dataclass(frozen=True)
class Weights:
    """The description of a set of trained weights.

    Attributes
    ----------
    name, title : str
        Name in the registry or of the file, and for people.
    architecture : str
        Key of `lczlib.models.ARCHITECTURES`.
    sensor : str
        ``s1`` (features from linear amplitudes), ``s2`` (reflectance), ``s1_db`` (backscatter in
        dB), ``landsat`` or ``both``: what scene the bands come from.
    bands : tuple of str
        Input bands, in order.
    patch_size : int
        Edge of the input patch in pixels.
    pixel_size : float
        Metres.
    scale : float
        Factor on the scene's values before anything else (LCZNet reads DN / 5000: 2 x reflectance).
    normalisation : str
        ``none``; ``scene``: (x - mean) / std over each scene's valid pixels; ``fixed``:
        (x - mean) / std of the training data; ``range``: (x - minimum) / (maximum - minimum).
    mean, std : tuple of float
        Of each band in the training data (empty where unknown): for ``fixed``, for missing
        pixels, and to judge whether a scene looks like what the network was trained on.
    level : str
        Processing level of the training images (``L1C``: top of atmosphere).
    classes : tuple of int
        LCZ number of each output.
    options : dict
        The architecture's own parameters.
    task : str
        ``lcz`` or ``water``.
    simulated : bool
        Trained on simulated scenes: refused on real ones.
    licence, citation, source : str
        Of the weights.
    accuracy : dict
        As published or measured, with its sample size.
    sha256 : str
        Of the file they are read from.
    """

    name: str
    architecture: str
    sensor: str
    bands: tuple[str, ...]
    title: str = ""
    patch_size: int = 32
    pixel_size: float = 10.0
    scale: float = 1.0
    normalisation: Normalisation = "none"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    level: str = ""
    classes: tuple[int, ...] = tuple(c.number for c in CLASSES)
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    task: str = "lcz"
    simulated: bool = False
    licence: str = ""
    citation: str = ""
    source: str = ""
    accuracy: dict[str, Any] = field(default_factory=dict, hash=False)
    sha256: str = ""

    @property
    def in_channels(self) -> int:
        """Number of input bands."""
        return len(self.bands)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for a file's metadata or a manifest."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Weights:
        """From `to_dict`'s values; lists become tuples."""
        found: dict[str, Any] = {}
        for name in cls.__dataclass_fields__:
            if name in values:
                value = values[name]
                found[name] = tuple(value) if isinstance(value, list) else value
        return cls(**found)


def published_weights(name: str) -> Weights:
    """The description of published weights, from the data catalog.

    Raises
    ------
    CatalogError
        If no weights go by that name.
    """
    entry = catalog.entry(name, "weights")
    p = entry.properties
    model_input, model_output = p["mlm:input"][0], p["mlm:output"][0]
    statistics = [band.get("statistics", {}) for band in entry.bands]
    known = all("mean" in s for s in statistics)
    return Weights(
        name=entry.name,
        title=entry.title,
        architecture=p["mlm:architecture"],
        sensor=p["lczlib:sensor"],
        bands=tuple(model_input["bands"]),
        patch_size=model_input["input"]["shape"][-1],
        normalisation=p["lczlib:normalisation"],
        mean=tuple(s["mean"] for s in statistics) if known else (),
        std=tuple(s["stddev"] for s in statistics) if known else (),
        level=p["lczlib:level"],
        classes=tuple(c["value"] for c in model_output["classification:classes"]),
        task=p["lczlib:task"],
        licence=entry.licence,
        citation=entry.citation,
        source=entry.url,
        accuracy=p.get("lczlib:accuracy", {}),
        sha256=entry.sha256,
    )


def save_safetensors(path: str | Path, model: nn.Module, weights: Weights) -> Path:
    """Write a network's parameters and their description as one safetensors file."""
    from safetensors.torch import save

    state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    content = save(state, metadata={_METADATA_KEY: json.dumps(weights.to_dict())})
    with staged(path) as temporary:  # its own writer's errors are no OSError
        temporary.write_bytes(content)
    return Path(path)


def read_safetensors(path: str | Path) -> tuple[Weights, dict[str, Tensor]]:
    """The description and parameters of a safetensors file written by `save_safetensors`.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or has no description.
    """
    return _read(path, parameters=True)


def read_description(path: str | Path) -> Weights:
    """The description alone, as `read_safetensors` gives it, without PyTorch."""
    return _read(path, parameters=False)[0]


def _read(path: str | Path, *, parameters: bool) -> tuple[Weights, dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        msg = f"The weights file {path} does not exist."
        raise WeightsError(msg)
    try:
        with safe_open(path, framework="pt" if parameters else "numpy") as file:
            described = (file.metadata() or {}).get(_METADATA_KEY)
            names = file.keys() if parameters else ()
            state = {k: file.get_tensor(k) for k in names}
    except (SafetensorError, OSError) as err:
        msg = f"The weights file {path} is damaged ({err}): fetch or train it again."
        if path.suffix != ".safetensors":
            msg = (
                f"{path} is no safetensors file: import weights of another kind first with "
                "`lcz weights import FILE --arch ARCH`."
            )
        raise WeightsError(msg) from err
    if described is None:
        msg = (
            f"{path} does not say what network and bands it is for: "
            "import it first with `lcz weights import FILE --arch ARCH`."
        )
        raise WeightsError(msg)
    try:
        weights = Weights.from_dict(json.loads(described))
    except (ValueError, TypeError, AttributeError, RecursionError) as err:
        msg = f"The description in {path} is not one of this library ({err}): import the file anew."
        raise WeightsError(msg) from err
    return check_description(weights, path), state
