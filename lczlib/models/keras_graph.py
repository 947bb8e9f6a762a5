"""Keras models that bring their own layers: the graph in a saved model, run in PyTorch.

A file of ``model.save()`` holds the list of its layers beside their weights (attribute
``model_config``). For a published network whose layers are written nowhere else, that list is the
network. Nothing in the file is executed; kinds of layers that are not known here are refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lczlib.errors import WeightsError
from lczlib.models.keras import as_text, read_layers
from lczlib.terms import option

Layer = dict[str, Any]
"""A layer as plain values: ``name``, ``kind``, ``inputs`` (names of layers) and what its kind needs."""

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu": F.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "elu": F.elu,
    "softmax": lambda x: x.softmax(1),
}
_AS_ACTIVATION = {"ReLU": "relu", "Softmax": "softmax"}
_SETTINGS = ("strides", "padding", "pool_size", "rate", "keepdims", "target_shape", "epsilon")


def read_graph(path: str | Path) -> list[Layer] | None:
    """The layers of a saved Keras model, from input to output; None if the file holds weights alone.

    Written by Keras 2 or 3, sequential or functional, with one input and one output.

    Raises
    ------
    WeightsError
        If the file is damaged, or its layers are not known here.
    """
    arrays = read_layers(path, contents=False)
    with h5py.File(path, "r") as file:
        text = file.attrs.get("model_config")
    if text is None:
        return None
    try:
        layers = _in_order(_layers(json.loads(as_text(text)), arrays))
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, RecursionError) as err:
        msg = f"The list of layers in {path} is of no known form ({type(err).__name__}: {err})."
        raise WeightsError(msg) from err
    unknown = {x["kind"] for x in layers if x["kind"] not in _KINDS}
    unknown |= {x["activation"] for x in layers if x["activation"] not in _ACTIVATIONS}
    if unknown:
        msg = f"{path} has layers that are not known here: {', '.join(sorted(map(str, unknown)))}."
        raise WeightsError(msg)
    inputs = [x for x in layers if x["kind"] == "InputLayer"]
    read = {name for x in layers for name in x["inputs"]}
    outputs = [x for x in layers if x["name"] not in read]
    if len(inputs) != 1 or len(outputs) != 1:
        msg = (
            f"{path} has {len(inputs)} inputs and {len(outputs)} outputs: a network for LCZ has one "
            "of each."
        )
        raise WeightsError(msg)
    return layers


def _layers(model: dict[str, Any], arrays: dict[str, dict[str, Tensor]]) -> Iterator[Layer]:
    """The file's layers as plain values, in its order."""
    config = model["config"]
    listed = config if isinstance(config, list) else config["layers"]
    sequential = model["class_name"] == "Sequential"
    before = []
    if sequential and listed[0]["class_name"] != "InputLayer":
        first = listed[0]["config"]
        listed = [{"class_name": "InputLayer", "config": {**first, "name": "input"}}, *listed]
    for entry in listed:
        settings, kind = entry["config"], entry["class_name"]
        name = settings.get("name") or entry["name"]
        inputs = before if sequential else list(_origins(entry["inbound_nodes"]))
        before = [name]
        if settings.get("data_format", "channels_last") != "channels_last":
            msg = f"{name} has its channels first"
            raise ValueError(msg)
        if any(d != 1 for d in settings.get("dilation_rate", ())) or settings.get("groups", 1) != 1:
            msg = f"{name} is dilated or grouped"
            raise ValueError(msg)
        layer = {"name": name, "kind": kind, "inputs": inputs}
        layer["activation"] = _AS_ACTIVATION.get(kind, settings.get("activation", "linear"))
        layer |= {k: settings[k] for k in _SETTINGS if settings.get(k) is not None}
        if kind == "InputLayer":
            shape = settings.get("batch_input_shape") or settings["batch_shape"]
            layer["shape"] = list(shape[1:])
        if kind in _WEIGHTED:
            own = arrays[name]
            layer["shape"] = list(own.get("kernel", next(iter(own.values()))).shape)
            layer["bias"] = "bias" in own
        if kind == "ReLU" and any(
            settings.get(k) for k in ("max_value", "negative_slope", "threshold")
        ):
            msg = f"{name} is more than a ReLU"
            raise ValueError(msg)
        if kind == "Concatenate" and settings.get("axis", -1) not in (-1, 3):
            msg = f"{name} joins along axis {settings['axis']}"
            raise ValueError(msg)
        yield layer


def _origins(nodes: Any) -> Iterator[str]:
    """The names of the layers that a layer reads, from Keras 2's lists or Keras 3's dictionaries."""
    if isinstance(nodes, dict):
        if "keras_history" in nodes:
            yield nodes["keras_history"][0]
        else:
            yield from _origins(list(nodes.values()))
    elif isinstance(nodes, list):
        if len(nodes) >= 3 and isinstance(nodes[0], str) and isinstance(nodes[1], int):
            yield nodes[0]
        else:
            for node in nodes:
                yield from _origins(node)


def _in_order(layers: Iterator[Layer]) -> list[Layer]:
    """A layer after those it reads; files list them in any order."""
    pending, done = list(layers), []
    while pending:
        known = {x["name"] for x in done}
        ready = [x for x in pending if known.issuperset(x["inputs"])]
        if not ready:
            msg = f"nothing leads to {pending[0]['name']}"
            raise ValueError(msg)
        done += ready
        pending = [x for x in pending if x not in ready]
    return done


class KerasGraph(nn.Module):
    """A network made of the layers of a Keras model.

    A softmax at the end is left out, so that the output is logits.

    Parameters
    ----------
    in_channels, n_classes : int
        As the layers have them.
    layers : sequence of Layer
        From `read_graph`.

    Raises
    ------
    WeightsError
        If the layers have other bands or classes, or end in no softmax.
    """

    def __init__(self, in_channels: int, n_classes: int, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.layers = list(layers)
        weighted = [x for x in self.layers if x["kind"] in _WEIGHTED]
        self.weighted = nn.ModuleList(_WEIGHTED[x["kind"]](x) for x in weighted)
        self._number = {x["name"]: i for i, x in enumerate(weighted)}
        bands = self.layers[0]["shape"][-1]
        classes = next((x["shape"][-1] for x in reversed(weighted) if x["kind"] != _NORM), 0)
        if (bands, classes) != (in_channels, n_classes):
            msg = (
                f"The Keras model reads {bands} bands and gives {classes} classes; it was described "
                f"with {in_channels} bands ({option('bands')}) and {n_classes} classes."
            )
            raise WeightsError(msg)
        if self.layers[-1]["activation"] not in ("softmax", "linear"):
            msg = f"The Keras model ends in {self.layers[-1]['activation']}, not in a softmax."
            raise WeightsError(msg)

    @property
    def patch_size(self) -> int | None:
        """Edge of the patches in pixels that the model was saved for; None if any."""
        return self.layers[0]["shape"][0]

    def forward(self, x: Tensor) -> Tensor:
        """Class logits (N, n_classes) of (N, C, H, W) input."""
        values = {self.layers[0]["name"]: x}
        for layer in self.layers[1:]:
            number = self._number.get(layer["name"])
            module = None if number is None else self.weighted[number]
            inputs = [values[name] for name in layer["inputs"]]
            y = _KINDS[layer["kind"]](layer, module, inputs, self.training)
            if layer is not self.layers[-1] or layer["activation"] != "softmax":
                y = _ACTIVATIONS[layer["activation"]](y)
            values[layer["name"]] = y
        return y.flatten(1)

    def keras_layers(self) -> dict[str, nn.Module]:
        """The layers that have weights, by their names in the file."""
        return {name: self.weighted[number] for name, number in self._number.items()}


def _conv(layer: Layer) -> nn.Module:
    height, width, n_in, n_out = layer["shape"]
    return nn.Conv2d(n_in, n_out, (height, width), tuple(layer["strides"]), bias=layer["bias"])


def _dense(layer: Layer) -> nn.Module:
    return nn.Linear(*layer["shape"], bias=layer["bias"])


def _norm(layer: Layer) -> nn.Module:
    return nn.BatchNorm2d(layer["shape"][0], eps=layer["epsilon"])


_NORM = "BatchNormalization"
_WEIGHTED: dict[str, Callable[[Layer], nn.Module]] = {
    "Conv2D": _conv, "Dense": _dense, _NORM: _norm,
}  # fmt: skip


def _padded(x: Tensor, layer: Layer, kernel: Sequence[int], value: float = 0.0) -> Tensor:
    """Padded as TensorFlow does for ``same``: one more at the end where it does not come out even."""
    if layer.get("padding", "valid") == "valid":
        return x
    sides: list[int] = []
    for size, k, step in zip(x.shape[:1:-1], kernel[::-1], layer["strides"][::-1], strict=True):
        total = max((-(-size // step) - 1) * step + k - size, 0)
        sides += [total // 2, total - total // 2]
    return F.pad(x, sides, value=value)


def _max_pool(layer: Layer, x: Tensor) -> Tensor:
    kernel = layer["pool_size"]
    return F.max_pool2d(_padded(x, layer, kernel, -torch.inf), kernel, layer["strides"])


def _average_pool(layer: Layer, x: Tensor) -> Tensor:
    kernel = layer["pool_size"]
    total, count = (
        F.avg_pool2d(_padded(y, layer, kernel), kernel, layer["strides"])
        for y in (x, torch.ones_like(x[:1, :1]))
    )
    return total / count  # padding does not count


def _on_channels(module: nn.Module, x: Tensor) -> Tensor:
    """A dense layer reads the last axis of Keras, our channels."""
    return module(x) if x.ndim == 2 else module(x.movedim(1, -1)).movedim(-1, 1)


def _normed(module: nn.Module, x: Tensor) -> Tensor:
    return module(x) if x.ndim == 4 else module(x[:, :, None, None]).flatten(1)


def _merged(combine: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    def apply(_: Layer, __: object, inputs: list[Tensor], ___: bool) -> Tensor:
        rank = max(x.ndim for x in inputs)
        same = [x if x.ndim == rank else x[:, :, None, None] for x in inputs]
        total = same[0]
        for x in same[1:]:
            total = combine(total, x)
        return total

    return apply


def _flat(x: Tensor) -> Tensor:
    """Flattened in the order of Keras, channels last."""
    return x.movedim(1, -1).flatten(1)


def _reshaped(layer: Layer, x: Tensor) -> Tensor:
    target = [n for n in layer["target_shape"] if n != -1]
    flat = _flat(x)
    if len(target) <= 1:
        return flat
    height, width, channels = layer["target_shape"]
    return flat.unflatten(1, (height, width, channels)).movedim(-1, 1)


def _global(reduce: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda layer, _, xs, __: reduce(
        xs[0], dim=(2, 3), keepdim=bool(layer.get("keepdims", False))
    )


_KINDS: dict[str, Callable[[Layer, Any, list[Tensor], bool], Tensor]] = {
    "InputLayer": lambda _, __, xs, ___: xs[0],
    "Conv2D": lambda layer, m, xs, _: m(_padded(xs[0], layer, layer["shape"][:2])),
    "Dense": lambda _, m, xs, __: _on_channels(m, xs[0]),
    _NORM: lambda _, m, xs, __: _normed(m, xs[0]),
    **dict.fromkeys(("Activation", "ReLU", "Softmax"), lambda _, __, xs, ___: xs[0]),
    "MaxPooling2D": lambda layer, _, xs, __: _max_pool(layer, xs[0]),
    "AveragePooling2D": lambda layer, _, xs, __: _average_pool(layer, xs[0]),
    "GlobalAveragePooling2D": _global(torch.mean),
    "GlobalMaxPooling2D": _global(torch.amax),
    "Add": _merged(torch.add),
    "Multiply": _merged(torch.mul),
    "Maximum": _merged(torch.maximum),
    "Concatenate": lambda _, __, xs, ___: torch.cat(xs, 1),
    "Dropout": lambda layer, _, xs, training: F.dropout(xs[0], layer["rate"], training),
    "Flatten": lambda _, __, xs, ___: _flat(xs[0]),
    "Reshape": lambda layer, _, xs, __: _reshaped(layer, xs[0]),
}
