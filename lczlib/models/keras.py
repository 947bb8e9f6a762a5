"""Reading Keras HDF5 weights into PyTorch modules, layer by numbered layer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor, nn

from lczlib.errors import LczError, WeightsError
from lczlib.models.parameters import check_declared


def read_layers(path: str | Path, *, contents: bool = True) -> dict[str, dict[str, Tensor]]:
    """The arrays of each layer of a Keras weights file: layer name to array name to array, float32.

    Parameters
    ----------
    path : path
        The file.
    contents : bool
        Without, the arrays have shapes only (PyTorch's ``meta``), and nothing of them is read.

    Raises
    ------
    WeightsError
        If the file is no Keras HDF5 file, is damaged, declares more than may be read, or its arrays
        lie elsewhere or are no numbers.
    """
    try:
        with h5py.File(path, "r") as file:
            # a whole saved model, or its weights alone
            root = _inside(file, "model_weights") if "model_weights" in file else file
            stored = {
                layer: {
                    _short(n): _inside(group, n) for n in map(as_text, group.attrs["weight_names"])
                }
                for layer in map(as_text, root.attrs["layer_names"])
                for group in [_inside(root, layer)]
            }
            stored = {layer: arrays for layer, arrays in stored.items() if arrays}
            every = [d for arrays in stored.values() for d in arrays.values()]
            for dataset in every:
                _check_dataset(dataset)
            check_declared(4 * sum(d.size for d in every), path)
            read = _values if contents else _outline
            return {la: {n: read(d) for n, d in arrays.items()} for la, arrays in stored.items()}
    except LczError:
        raise
    except Exception as err:  # h5py refuses a damaged or foreign file in many ways
        msg = f"{path} is no readable Keras weights file ({_line(err)}): fetch it again."
        raise WeightsError(msg) from err


def _inside(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    """A member of a group, if all on the way to it lies in this file itself."""
    for part in name.strip("/").split("/"):
        link = group.get(part, getlink=True)
        if not isinstance(link, h5py.HardLink):
            msg = f"{name} is a link, and may lead to another file"
            raise ValueError(msg)
        group = group[part]
    return group


def _check_dataset(dataset: Any) -> None:
    if not isinstance(dataset, h5py.Dataset):
        msg = f"{dataset.name} is no array"
        raise ValueError(msg)
    if dataset.is_virtual or dataset.external:
        msg = f"the numbers of {dataset.name} lie in another file"
        raise ValueError(msg)
    if dataset.dtype.kind != "f":
        msg = f"{dataset.name} holds {dataset.dtype}, no floating-point numbers"
        raise ValueError(msg)


def _values(dataset: h5py.Dataset) -> Tensor:
    # in any byte order and precision in the file
    return torch.from_numpy(np.asarray(dataset[()], np.float32).reshape(dataset.shape))


def _outline(dataset: h5py.Dataset) -> Tensor:
    return torch.empty(dataset.shape, device="meta")


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1].split(":")[0]


def _line(err: Exception) -> str:
    text = str(err).strip().splitlines()
    return text[0] if text and len(text[0]) > 8 else f"{type(err).__name__} {text[:1]}"


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
    stored = read_layers(
        path, contents=False
    )  # shapes first: a small file may declare large arrays
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
    stored = read_layers(path)
    if set(stored) != set(wanted):
        stored = _from_one(stored)
    with torch.no_grad():
        for name, layer in wanted.items():
            for target, tensor in _tensors(layer, stored[name]).items():
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


def _from_one(layers: dict[str, dict[str, Tensor]]) -> dict[str, dict[str, Tensor]]:
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


def _tensors(layer: nn.Module, arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    """One layer's Keras arrays under PyTorch's names and axis order."""
    names = {"bias": "bias", "gamma": "weight", "beta": "bias"}
    names |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
    out = {names[n]: a for n, a in arrays.items() if n != "kernel"}
    if "kernel" in arrays:
        kernel = arrays["kernel"]
        is_conv = isinstance(layer, nn.Conv2d)
        # Keras: (height, width, in, out) and (in, out)
        out["weight"] = kernel.permute(3, 2, 0, 1) if is_conv else kernel.T
    return out
