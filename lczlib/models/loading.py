"""From the name of weights, or their file, to an evaluated network."""

from __future__ import annotations

import dataclasses
import re
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib import catalog
from lczlib.errors import CatalogError, LczError, WeightsError
from lczlib.export.files import sha256_of
from lczlib.models.description import check_description
from lczlib.models.registry import architecture
from lczlib.models.weights import (
    Weights,
    published_weights,
    read_description,
    read_safetensors,
    save_safetensors,
)
from lczlib.temporary import remove_abandoned
from lczlib.terms import option

if TYPE_CHECKING:
    from torch import nn

_KERAS = (".h5", ".hdf5")
_EMBEDDED = Path(__file__).parent / "demo"


def describe(name: str | Path) -> Weights:
    """The description of weights, without fetching them.

    Parameters
    ----------
    name : str or path
        A catalog name, the name of embedded or imported weights, or a ``.safetensors`` file.

    Raises
    ------
    WeightsError
        If there are no such weights, or their file cannot be read.
    """
    path = _local_file(name)
    if path is not None:
        return dataclasses.replace(read_description(path), sha256=sha256_of(path))
    try:
        return published_weights(str(name))
    except CatalogError as err:
        names = ", ".join(sorted(_published_names()))
        msg = (
            f"There are no weights {str(name)!r}: use {names}, or the path of a .safetensors file."
        )
        raise WeightsError(msg) from err


def resolve(name: str | Path) -> tuple[Weights, Path]:
    """The description and local safetensors file of weights.

    Parameters
    ----------
    name : str or path
        A catalog name (fetched and converted on first use), the name of embedded or imported
        weights, or a ``.safetensors`` file.

    Raises
    ------
    CatalogError, WeightsError
        If there are no such weights, or they cannot be fetched or read.
    """
    weights, path = describe(name), _local_file(name)
    if path is not None:
        return weights, path
    converted = _converted_folder() / f"{weights.name}-{weights.sha256[:12]}.safetensors"
    remove_abandoned(converted.parent)
    if not _readable(converted):
        from lczlib.models.parameters import build_for

        model = load_original(build_for(weights), catalog.fetch(weights.name))
        save_safetensors(converted, model, weights)
    return weights, converted


def _local_file(name: str | Path) -> Path | None:
    """The file of weights that are no published ones."""
    if str(name) in embedded_weights():
        return embedded_weights()[str(name)]
    if str(name) in _published_names():
        return None
    path = Path(name)
    if path.suffix == ".safetensors" or path.is_file():
        return path
    imported = _converted_folder() / f"{name}.safetensors"
    return imported if imported.is_file() else None


def _readable(path: Path) -> bool:
    """Whether a converted file is there and whole; a damaged one is removed, to be made again."""
    try:
        read_safetensors(path)
    except WeightsError:
        path.unlink(missing_ok=True)
        return False
    return True


def embedded_weights() -> dict[str, Path]:
    """The demo networks that ship with the library, by name; trained on simulated cities only."""
    return {p.stem: p for p in sorted(_EMBEDDED.glob("*.safetensors"))}


def _published_names() -> set[str]:
    return {n for n, e in catalog.entries().items() if e.collection == "weights"}


def _converted_folder() -> Path:
    return catalog.cache_folder() / "converted"


def load_original(model: nn.Module, path: Path) -> nn.Module:
    """Load a file as its authors published it: Keras HDF5, a PyTorch state dict or safetensors.

    No code in the file is run: PyTorch files are read with ``weights_only=True``.

    Raises
    ------
    WeightsError
        If the file is damaged or of another network.
    """
    from lczlib.models.parameters import check_filled, fill

    if path.suffix in _KERAS and not hasattr(model, "keras_layers"):
        msg = f"Keras weights cannot be read into {type(model).__name__}: use a PyTorch file."
        raise WeightsError(msg)
    try:
        if path.suffix in _KERAS:
            from lczlib.models.keras import load_keras

            return check_filled(load_keras(model, path), path)
        state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    except LczError:
        raise
    except Exception as err:  # a damaged or foreign file is refused in many ways
        msg = (
            f"{path} does not hold weights of {type(model).__name__}: it is damaged, or no Keras "
            "HDF5, PyTorch state dict or safetensors file."
        )
        raise WeightsError(msg) from err
    return fill(model, state, path)


def _read_safetensors(path: Path) -> Any:
    from safetensors.torch import load_file

    return load_file(path)


def _read_torch(path: Path) -> Any:
    import torch

    from lczlib.models.parameters import check_declared

    if zipfile.is_zipfile(path):  # a small one may unpack to more than there is memory for
        with zipfile.ZipFile(path) as archive:
            size = sum(i.file_size for i in archive.infolist())
        check_declared(size, path)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)  # it reads them
        return torch.load(path, map_location="cpu", weights_only=True)


def load_model(name: str | Path, device: str = "cpu") -> nn.Module:
    """An evaluated network with its trained weights.

    Parameters
    ----------
    name : str or path
        See `resolve`.
    device : str
        Torch device.

    Returns
    -------
    torch.nn.Module
        In evaluation mode. Input (N, C, H, W) float32 scaled as the network expects (see its
        `Weights`), output class logits (N, 17). Its description is the attribute ``weights``.

    Examples
    --------
    >>> model = load_model("so2sat_s2_resnet20")  # doctest: +SKIP
    >>> model(torch.rand(2, 10, 32, 32)).softmax(1).shape  # doctest: +SKIP
    torch.Size([2, 17])
    """
    from lczlib.models.parameters import build_for, check_filled, reason_of, try_out

    weights, path = resolve(name)
    _, state = read_safetensors(path)
    try:
        model = build_for(weights, state)
        model.load_state_dict(state)
    except WeightsError:
        raise
    except Exception as err:  # options that make no network fail in many ways
        title = architecture(weights.architecture).title
        msg = (
            f"{path} does not fit its own description, {title} of {weights.in_channels} bands and "
            f"{len(weights.classes)} classes ({reason_of(err)}): train, fetch or import it again."
        )
        raise WeightsError(msg) from err
    check_filled(model, path)
    try_out(model, weights, path)
    model.weights = weights  # type: ignore[assignment]  # torch types attributes as tensors and layers
    return model.eval().to(device)


def import_weights(path: str | Path, weights: Weights) -> Path:
    """Convert a foreign weights file and keep it in the cache under ``weights.name``.

    Parameters
    ----------
    path : path
        Keras HDF5, PyTorch state dict or bare safetensors.
    weights : Weights
        What the file does not say itself.

    Returns
    -------
    Path
        The safetensors file; ``load_model(weights.name)`` finds it.

    Raises
    ------
    WeightsError
        If the file does not fit the described network, or the name is a published one.
    """
    path = Path(path)
    check_description(weights, path)
    if not re.fullmatch(r"[\w.-]+", weights.name):
        msg = f"{weights.name!r} cannot be a name of weights: use letters, digits, '_', '-', '.'."
        raise WeightsError(msg)
    if weights.name in _published_names() or weights.name in embedded_weights():
        msg = (
            f"{weights.name!r} is the name of published weights: choose another ({option('name')})."
        )
        raise WeightsError(msg)
    if not path.is_file():
        msg = f"The weights file {path} does not exist."
        raise WeightsError(msg)
    if architecture(weights.architecture).keras_graph and path.suffix in _KERAS:
        weights = _with_own_layers(path, weights)
    from lczlib.models.parameters import build_for, try_out

    model = load_original(build_for(weights), path)
    try_out(model, weights, path)
    return save_safetensors(_converted_folder() / f"{weights.name}.safetensors", model, weights)


def _with_own_layers(path: Path, weights: Weights) -> Weights:
    """The description with the layers and patch size that a saved Keras model states, if it does."""
    from lczlib.models.keras_graph import read_graph

    layers = read_graph(path)
    if layers is None:
        return weights
    size = layers[0]["shape"][0]
    default = architecture(weights.architecture).patch_size
    if size is not None and weights.patch_size not in (size, default):
        msg = f"{path} reads patches of {size} pixels, not {weights.patch_size} ({option('patch_size')})."
        raise WeightsError(msg)
    return dataclasses.replace(
        weights, options={"layers": layers}, patch_size=size or weights.patch_size
    )
