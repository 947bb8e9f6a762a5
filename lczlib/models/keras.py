"""Reading Keras HDF5 weights into PyTorch modules, layer by numbered layer."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor, nn

from lczlib.errors import WeightsError


def read_layers(path: str | Path) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of each layer of a Keras weights file: layer name to array name to array.

    Raises
    ------
    WeightsError
        If the file is no Keras HDF5 file, or is damaged.
    """
    layers: dict[str, dict[str, np.ndarray]] = {}
    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)  # a whole saved model, or its weights alone
            for layer in (as_text(n) for n in root.attrs["layer_names"]):
                names = [as_text(n) for n in root[layer].attrs["weight_names"]]
                arrays = {n.rsplit("/", 1)[-1].split(":")[0]: root[layer][n][()] for n in names}
                if arrays:
                    layers[layer] = arrays
    except (OSError, KeyError, RuntimeError) as err:
        msg = f"{path} is no readable Keras weights file ({err}): fetch it again."
        raise WeightsError(msg) from err
    return layers


def as_text(name: bytes | str) -> str:
    """An HDF5 attribute's text; h5py gives bytes for some files."""
    return name.decode() if isinstance(name, bytes) else name


def load_keras(model: nn.Module, path: str | Path) -> nn.Module:
    """Load a Keras HDF5 file into a module that names its layers with ``keras_layers()``.

    Layers are matched by the number in their names, not by position: the files list a block's
    shortcut before its last convolution, and two of equal shape would be swapped silently. Where
    a file's numbers start higher (a session that built several networks), they are shifted.

    Raises
    ------
    WeightsError
        If layers are missing, left over, or of another shape; the message lists them.
    """
    stored = read_layers(path)
    wanted = model.keras_layers()
    if set(stored) != set(wanted):
        stored = _from_one(stored)
    missing, extra = sorted(set(wanted) - set(stored)), sorted(set(stored) - set(wanted))
    found = {
        name: (layer, _tensors(layer, stored[name]))
        for name, layer in wanted.items()
        if name in stored
    }
    unfit = [
        f"{name} {target} {_shape(tensors.get(target))} instead of {_shape(own.get(target))}"
        for name, (layer, tensors) in found.items()
        for own in [_own(layer)]
        for target in dict.fromkeys((*own, *tensors))
        if _shape(tensors.get(target)) != _shape(own.get(target))
        and not (isinstance(layer, nn.BatchNorm2d) and target in own and target not in tensors)
    ]
    if missing or extra:
        msg = (
            f"{path} is not of this network ({type(model).__name__}): layers missing "
            f"{_some(missing)}, left over {_some(extra)}, of another shape {_some(unfit)}."
        )
        raise WeightsError(msg)
    if unfit:
        msg = (
            f"{path} was made for other bands, classes or widths than this network "
            f"({type(model).__name__}) has: {_some(unfit)}."
        )
        raise WeightsError(msg)
    with torch.no_grad():
        for layer, tensors in found.values():
            for target, tensor in tensors.items():
                getattr(layer, target).copy_(tensor)
    return model


def _own(layer: nn.Module) -> dict[str, Tensor]:
    """A layer's parameters and statistics."""
    state = layer.state_dict()
    state.pop("num_batches_tracked", None)
    return state


def _shape(tensor: Tensor | None) -> str:
    return "none" if tensor is None else " x ".join(map(str, tensor.shape))


def _some(items: list[str], most: int = 6) -> str:
    """The first of a list, and how many more there are."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return (", ".join(items[:most]) + more) or "none"


def _from_one(layers: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, np.ndarray]]:
    """Rename layers so that the numbers of each kind start at 1 (Keras counts on in a session)."""
    numbers: dict[str, list[int]] = {}
    for name in layers:
        kind, number = re.fullmatch(r"(.*?)(?:_(\d+))?", name).groups()
        numbers.setdefault(kind, []).append(int(number or 0))
    out = {}
    for name, arrays in layers.items():
        kind, number = re.fullmatch(r"(.*?)(?:_(\d+))?", name).groups()
        out[f"{kind}_{int(number or 0) - min(numbers[kind]) + 1}"] = arrays
    return out


def _tensors(layer: nn.Module, arrays: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """One layer's Keras arrays under PyTorch's names and axis order."""
    names = {"bias": "bias", "gamma": "weight", "beta": "bias"}
    names |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
    out = {names[n]: torch.from_numpy(a) for n, a in arrays.items() if n != "kernel"}
    if "kernel" in arrays:
        kernel = torch.from_numpy(arrays["kernel"])
        is_conv = isinstance(layer, nn.Conv2d)
        # Keras: (height, width, in, out) and (in, out)
        out["weight"] = kernel.permute(3, 2, 0, 1) if is_conv else kernel.T
    return out
