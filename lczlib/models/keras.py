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
            for layer in (_text(n) for n in root.attrs["layer_names"]):
                names = [_text(n) for n in root[layer].attrs["weight_names"]]
                arrays = {n.rsplit("/", 1)[-1].split(":")[0]: root[layer][n][()] for n in names}
                if arrays:
                    layers[layer] = arrays
    except (OSError, KeyError, RuntimeError) as err:
        msg = f"{path} is no readable Keras weights file ({err}): fetch it again."
        raise WeightsError(msg) from err
    return layers


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


def load_keras(model: nn.Module, path: str | Path) -> nn.Module:
    """Load a Keras HDF5 file into a module that names its layers with ``keras_layers()``.

    Layers are matched by the number in their names, not by position: the files list a block's
    shortcut before its last convolution, and two of equal shape would be swapped silently. Where
    a file's numbers start higher (a session that built several networks), they are shifted.

    Raises
    ------
    WeightsError
        If a layer is missing, left over, or of another shape.
    """
    stored = _from_one(read_layers(path))
    wanted = model.keras_layers()
    if set(stored) != set(wanted):
        missing, extra = sorted(set(wanted) - set(stored)), sorted(set(stored) - set(wanted))
        msg = (
            f"{path} is not of this network ({type(model).__name__}): "
            f"layers missing {missing[:4]}, left over {extra[:4]}."
        )
        raise WeightsError(msg)
    with torch.no_grad():
        for name, layer in wanted.items():
            for target, array in _tensors(layer, stored[name]).items():
                parameter = getattr(layer, target)
                if parameter.shape != array.shape:
                    msg = (
                        f"{path}: layer {name} has shape {tuple(array.shape)} where the network has "
                        f"{tuple(parameter.shape)}: it was made for other bands or classes."
                    )
                    raise WeightsError(msg)
                parameter.copy_(array)
    return model


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
