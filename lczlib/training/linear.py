"""A linear head on frozen features: a trained network adapted to a place in seconds.

The network runs once over the patches; its last layers are then fitted to what enters them, as multinomial logistic
regressions that are drawn towards the layers they replace (an L2 penalty on the change, as strong as the validation
patches ask for). With few polygons the network stays nearly what it was. Classes without patches keep their weights,
and the others together stand to them as before: none is ruled out for want of polygons.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import optimize
from torch import nn

from lczlib.accelerators import choose_device
from lczlib.classes import N_CLASSES
from lczlib.errors import Cancelled
from lczlib.training.evaluation import Scaling, predict_patches
from lczlib.training.losses import inverse_frequency
from lczlib.training.patches import Patches

PENALTIES = (10.0, 1.0, 0.1, 0.01, 0.001)
"""Strengths that are tried, of the squared change of weights of standardised features against the mean loss."""


def fit_heads(
    network: nn.Module,
    heads: list[nn.Linear],
    train: Patches,
    validation: Patches,
    scaling: Scaling,
    *,
    weighted: bool,
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> float:
    """Fit the heads of a network in place; the rest stays as it is.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode.
    heads : list of nn.Linear
        Its layers that give class logits.
    train, validation : Patches
        To fit to, and to choose the penalty by.
    scaling : tuple of array
        See `lczlib.training.evaluation.Scaling`.
    weighted : bool
        Whether classes count by their inverse frequency among the training patches.
    device : str
        What runs the network.
    progress, cancelled : callable, optional
        Called with the fits done and in all, and asked, after each.

    Returns
    -------
    float
        The penalty that was chosen; infinite where the network as it was does best.

    Raises
    ------
    Cancelled
        If `cancelled` answers yes.
    """
    device = choose_device(device)
    inputs = [features_of(network, heads, p, scaling, device) for p in (train, validation)]
    lcz = [p.labels.astype(int) - 1 for p in (train, validation)]
    by_class = np.ones(N_CLASSES)
    if weighted:
        by_class = inverse_frequency(train.labels).numpy().astype(np.float64)
    start = [_parameters(h) for h in heads]
    lowest = _loss(start, inputs[1], lcz[1], by_class)
    best, chosen = start, np.inf
    for done, penalty in enumerate(PENALTIES):
        if cancelled and cancelled():
            msg = f"Stopped by the user with {done} of {len(PENALTIES)} heads fitted."
            raise Cancelled(msg)
        found = [
            _fitted(x, lcz[0], by_class, s, penalty) for x, s in zip(inputs[0], start, strict=True)
        ]
        loss = _loss(found, inputs[1], lcz[1], by_class)
        if loss < lowest:
            lowest, best, chosen = loss, found, penalty
        if progress:
            progress(done + 1, len(PENALTIES))
    with torch.no_grad():
        for head, values in zip(heads, best, strict=True):
            head.weight.copy_(torch.from_numpy(values[:, :-1]))
            head.bias.copy_(torch.from_numpy(values[:, -1]))
    return float(chosen)


def features_of(
    network: nn.Module, heads: list[nn.Linear], patches: Patches, scaling: Scaling, device: str
) -> list[np.ndarray]:
    """What enters each head, (n, features) float64."""
    caught: list[list[np.ndarray]] = [[] for _ in heads]
    hooks = [
        h.register_forward_pre_hook(lambda _, x, at=at: at.append(x[0].detach().cpu().numpy()))
        for h, at in zip(heads, caught, strict=True)
    ]
    try:
        predict_patches(network, patches, scaling, device=device)
    finally:
        for hook in hooks:
            hook.remove()
    return [np.concatenate(parts).astype(np.float64) for parts in caught]


def _parameters(head: nn.Linear) -> np.ndarray:
    """Weights and bias, (17, features + 1)."""
    parts = [head.weight.detach().cpu().numpy(), head.bias.detach().cpu().numpy()[:, None]]
    return np.concatenate(parts, 1).astype(np.float64)


def _fitted(
    x: np.ndarray, lcz: np.ndarray, by_class: np.ndarray, start: np.ndarray, penalty: float
) -> np.ndarray:
    """The parameters of one head, drawn towards those at the start."""
    middle, spread = x.mean(0), x.std(0)
    spread = np.where(spread > 0, spread, 1)
    z = np.column_stack([(x - middle) / spread, np.ones(len(x))])
    known, own = np.unique(lcz, return_inverse=True)
    rows = np.arange(len(lcz))
    weight = by_class[lcz] / by_class[lcz].sum()
    target = np.eye(len(known))[own]
    # among the classes that have patches: against the others every step up would pay, and rule them out
    base = np.column_stack([x, np.ones(len(x))]) @ start[known].T

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        change = flat.reshape(len(known), -1)
        logits = base + z @ change.T
        logits -= logits.max(1, keepdims=True)
        e = np.exp(logits)
        total = e.sum(1, keepdims=True)
        value = -float(weight @ (logits[rows, own] - np.log(total[:, 0])))
        slope = ((e / total - target) * weight[:, None]).T @ z
        free = change.copy()
        free[:, -1] = 0  # the intercept says how common a class is: it is not held back
        return value + penalty * float((free**2).sum()), (slope + 2 * penalty * free).ravel()

    found = optimize.minimize(
        loss, np.zeros(len(known) * z.shape[1]), jac=True, method="L-BFGS-B",
        options={"maxiter": 200, "gtol": 1e-5},
    )  # fmt: skip
    change = found.x.reshape(len(known), -1)
    change[:, -1] -= change[:, -1].mean()  # as a whole they stand to the others as before
    out = start.copy()
    out[known, :-1] += change[:, :-1] / spread
    out[known, -1] += change[:, -1] - (change[:, :-1] / spread) @ middle
    return out


def _loss(
    parameters: list[np.ndarray], inputs: list[np.ndarray], lcz: np.ndarray, by_class: np.ndarray
) -> float:
    """Mean log loss of the heads' mean probabilities."""
    p = np.zeros((len(lcz), N_CLASSES))
    for values, x in zip(parameters, inputs, strict=True):
        logits = x @ values[:, :-1].T + values[:, -1]
        e = np.exp(logits - logits.max(1, keepdims=True))
        p += e / e.sum(1, keepdims=True) / len(inputs)
    weight = by_class[lcz] / max(by_class[lcz].sum(), 1e-12)
    return -float(weight @ np.log(np.maximum(p[np.arange(len(lcz)), lcz], 1e-12)))
