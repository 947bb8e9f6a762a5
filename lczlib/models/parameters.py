"""A network's parameters from a file: of the right shape and kind, and numbers one can compute with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lczlib.errors import LczError, WeightsError
from lczlib.limits import memory_limit
from lczlib.models.registry import architecture, build
from lczlib.models.weights import Weights
from lczlib.terms import option

_LARGEST_OPTION = 1000
"""An architecture's whole numbers (depth, widths) beyond this must be those of the file's own arrays."""
_TRIAL = 2
_TELLS_NOTHING = 1e-7  # difference of probabilities


def build_for(weights: Weights, state: Mapping[str, Tensor] | None = None) -> nn.Module:
    """A fresh network of the shape that weights describe.

    Parameters
    ----------
    weights : Weights
        The description.
    state : mapping of str to Tensor, optional
        The parameters that it will get. They are compared in shape before anything is allocated: a few
        words of a description can ask for more memory than there is.

    Raises
    ------
    InputError
        If there is no such network, or its options make none.
    WeightsError
        If their patches are too small for it, or the parameters do not fit.
    """
    blueprint = architecture(weights.architecture)
    if weights.patch_size < blueprint.min_patch_size:
        msg = (
            f"{weights.name} is described with patches of {weights.patch_size} pixels, and "
            f"{blueprint.title} needs {blueprint.min_patch_size} or more ({option('patch_size')})."
        )
        raise WeightsError(msg)
    n_classes = len(weights.classes) if weights.task == "lcz" else 1

    def make() -> nn.Module:
        return build(weights.architecture, weights.in_channels, n_classes, **weights.options)

    if state is not None:
        _check_options(weights, state)
        with torch.device("meta"):
            _load(make(), state)
    return make()


def _check_options(weights: Weights, state: Mapping[str, Tensor]) -> None:
    """No option may be larger than what the parameters themselves have: layers, or an axis."""
    most = max(_LARGEST_OPTION, len(state), *(n for t in state.values() for n in t.shape), 0)
    large = [
        n for n, v in weights.options.items() if isinstance(v, (int, float)) and not abs(v) <= most
    ]
    if large:
        msg = (
            f"its option {large[0]} is {weights.options[large[0]]:.4g}, and the parameters are not"
        )
        raise ValueError(msg)


def fill(model: nn.Module, state: Any, where: str | Path) -> nn.Module:
    """Give a network its parameters, and check that it computes.

    Raises
    ------
    WeightsError
        If they are no parameters, of another network, not finite, or a variance is negative.
    """
    title = type(model).__name__
    try:
        _load(model, state)
    except Exception as err:  # torch refuses what does not fit in many ways
        msg = f"{where} does not hold weights of {title} ({reason_of(err)})."
        raise WeightsError(msg) from err
    return check_filled(model, where)


def check_filled(model: nn.Module, where: str | Path) -> nn.Module:
    """The network, if its parameters are numbers that one can compute with.

    Raises
    ------
    WeightsError
        If a parameter is not finite, a variance negative, or a tree leads nowhere.
    """
    for name, tensor in model.state_dict().items():
        bad = int((~torch.isfinite(tensor)).sum()) if tensor.is_floating_point() else 0
        if bad:
            msg = (
                f"The weights in {where} are damaged: {bad:,} of {tensor.numel():,} numbers of {name} "
                "are NaN or infinite; fetch, train or import them again."
            )
            raise WeightsError(msg)
        if name.endswith("running_var") and bool((tensor < 0).any()):
            msg = (
                f"The weights in {where} are damaged: the variance {name} has "
                f"{float(tensor.min()):.3g}, and none is below 0; fetch, train or import them again."
            )
            raise WeightsError(msg)
    flaw = model.flaw() if hasattr(model, "flaw") else ""
    if flaw:
        msg = f"The weights in {where} are damaged: {flaw}; train or import them again."
        raise WeightsError(msg)
    return model


def try_out(model: nn.Module, weights: Weights, where: str | Path) -> None:
    """Run a network that gives LCZ on two patches, of 0 and of 1.

    Raises
    ------
    WeightsError
        If it cannot be run on what the description says, or gives no finite number a class.
    """
    if weights.task != "lcz":
        return
    shape = (weights.in_channels, weights.patch_size, weights.patch_size)
    patches = torch.stack([torch.full(shape, float(i)) for i in range(_TRIAL)])
    training = model.training
    try:
        with torch.no_grad():
            found = model.eval()(patches).softmax(1)
    except LczError:
        raise
    except Exception as err:  # layers that do not follow from each other fail in many ways
        msg = (
            f"The network in {where} cannot be run on {weights.in_channels} bands and patches of "
            f"{weights.patch_size} pixels ({reason_of(err)})."
        )
        raise WeightsError(msg) from err
    finally:
        model.train(training)
    if found.shape != (_TRIAL, len(weights.classes)) or not bool(torch.isfinite(found).all()):
        msg = (
            f"The network in {where} gives no probability for each of {len(weights.classes)} classes: "
            "its weights are damaged, or of another network."
        )
        raise WeightsError(msg)

    grown = hasattr(model, "flaw")  # a forest of leaves alike is poor, and not empty
    if not grown and float(found.max() - found.min()) < _TELLS_NOTHING and found.shape[1] > 1:
        msg = (
            f"The network in {where} gives every class the same probability, whatever it is shown: its "
            "weights are empty; fetch, train or import them again."
        )
        raise WeightsError(msg)


def _load(model: nn.Module, state: Any) -> None:
    own = model.state_dict()
    if not isinstance(state, Mapping) or not all(isinstance(t, Tensor) for t in state.values()):
        msg = "it is no table of parameters"
        raise TypeError(msg)
    for name, tensor in state.items():
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex():
            msg = f"{name} is not an array of plain numbers"
            raise TypeError(msg)
        if name in own and own[name].is_floating_point() != tensor.is_floating_point():
            kinds = (str(t.dtype).removeprefix("torch.") for t in (tensor, own[name]))
            msg = "{} is {} instead of {}".format(name, *kinds)
            raise TypeError(msg)
    meta = any(t.is_meta for t in own.values())
    if meta:  # shapes alone
        state = {k: torch.empty(t.shape, dtype=t.dtype, device="meta") for k, t in state.items()}
    elif any(t.is_meta for t in state.values()):
        msg = "its parameters have no content"
        raise TypeError(msg)
    model.load_state_dict(state, assign=meta)


def check_declared(size: int, path: str | Path) -> None:
    """Refuse a file that declares more bytes than one input may take, before they are read.

    Raises
    ------
    WeightsError
        If it does: an array that was never written takes no room in a file.
    """
    limit = memory_limit()
    if size > limit:
        msg = (
            f"The weights file {path} declares {size / 1e9:,.1f} GB of numbers, more than the "
            f"{limit / 1e9:,.1f} GB that a job may take: it is damaged, or no network's (the limit: "
            f"{option('memory', 'GIGABYTES')})."
        )
        raise WeightsError(msg)


def reason_of(err: Exception) -> str:
    """Why a file or its parameters cannot be loaded, from what torch says, in a line."""
    text = str(err).strip()
    shapes = re.findall(r"mismatch for (\S+):.*?Size\((.*?)\).*?Size\((.*?)\)", text)
    if shapes:
        name, given, wanted = shapes[-1]  # the last layer's tells of another number of classes
        more = f", and {len(shapes) - 1} more do not fit" if len(shapes) > 1 else ""
        return f"{name} is {given}, not {wanted}: made for other bands, classes or options{more}"
    keys = re.findall(r"(Missing|Unexpected) key\(s\) in state_dict: (.*)", text)
    if keys:
        parts = []
        for kind, listed in keys:
            names = re.findall(r'"(.*?)"', listed)
            parts.append(f"{len(names)} {kind.lower()} parameters, such as {names[0]}")
        return "; ".join(parts)
    first = text.splitlines()[0] if text else ""
    return first if len(first) > 8 else f"it is no such file: {type(err).__name__}"
