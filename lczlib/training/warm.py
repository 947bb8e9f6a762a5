"""Training that starts from trained weights: which they are, and what of them is trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from lczlib.classes import N_CLASSES
from lczlib.errors import InputError
from lczlib.models import Weights, architecture, build, describe, load_model
from lczlib.terms import option
from lczlib.training.evaluation import scaling_of

if TYPE_CHECKING:
    from lczlib.training.options import Options
    from lczlib.training.patches import Patches, PatchKind

_SAME_PIXEL = 0.01  # relative; as for mapping


@dataclass(frozen=True)
class Start:
    """What a run begins with: a trained network, or a fresh one.

    Attributes
    ----------
    weights : Weights or None
        The description of the trained one.
    mean, std, fill : array (C,)
        The network reads (x - mean) / std, and fill where a pixel is missing.
    """

    weights: Weights | None
    mean: np.ndarray
    std: np.ndarray
    fill: np.ndarray

    def network(self, options: Options) -> nn.Module:
        """The network on the CPU; of a trained one, what is not tuned is frozen."""
        if self.weights is None:
            return build(options.architecture, len(self.mean), **options.options)
        network = load_model(options.start_from, "cpu")
        freeze(network, options.tune)
        # loaded networks are in evaluation mode, and the trainer leaves it so
        return network.train()

    def describe(self, name: str, kind: PatchKind, options: Options) -> Weights:
        """The description of what was trained, its accuracy still empty."""
        if self.weights is not None:
            source = f"{self.weights.name} trained on with {kind.source or 'own patches'}"
            return replace(
                self.weights, name=name, title=f"{self.weights.title}, trained on", accuracy={}, sha256="",
                source=source, simulated=self.weights.simulated or kind.simulated,
            )  # fmt: skip
        title = architecture(options.architecture).title
        return Weights(
            name=name, title=f"{title} trained on {kind.source}" if kind.source else title,
            architecture=options.architecture, sensor=kind.sensor, bands=kind.bands,
            patch_size=kind.patch_size, pixel_size=kind.pixel_size, normalisation="fixed",
            mean=tuple(float(v) for v in self.mean), std=tuple(float(v) for v in self.std),
            level=kind.level, options=dict(options.options), simulated=kind.simulated,
            source=kind.source,
        )  # fmt: skip


def described_start(options: Options) -> Weights | None:
    """The weights that a run starts from, as far as they can be started from; None without any.

    Raises
    ------
    WeightsError
        If there are no such weights.
    InputError
        If they are for no LCZ map, of fewer classes, or a forest.
    """
    if not options.start_from:
        return None
    weights = describe(options.start_from)
    name = weights.name
    if weights.task != "lcz":
        msg = (
            f"{name} maps {weights.task}, not LCZ: start from weights that do (`lcz weights list`)."
        )
        raise InputError(msg, parameter="start_from")
    if architecture(weights.architecture).learning != "gradient":
        msg = f"{name} is a random forest, which cannot be trained on: train it anew."
        raise InputError(msg, parameter="start_from")
    if weights.classes != tuple(range(1, N_CLASSES + 1)):
        msg = f"{name} knows {len(weights.classes)} of the {N_CLASSES} classes: start from weights that know all."
        raise InputError(msg, parameter="start_from")
    return weights


def settled(options: Options) -> Options:
    """The same with the network of the weights that it starts from."""
    weights = described_start(options)
    if weights is None:
        return options
    return replace(options, architecture=weights.architecture, options=dict(weights.options))


def start_of(options: Options, train: Patches) -> Start:
    """What a run begins with, checked against its patches.

    Raises
    ------
    WeightsError, InputError
        See `described_start`; if the patches are of other bands, pixels or another sensor than the weights
        were made for; or if they lack the statistics of their scenes, by which the weights normalise.
    """
    weights = described_start(options)
    if weights is None:
        mean, std = train.statistics()
        return Start(None, mean, std, np.zeros(len(mean)))
    gain, shift, fill = scaling_of(weights, train.kind)
    check_kind(weights, train.kind)
    return Start(weights, -shift / gain, 1 / gain, fill)


def check_kind(weights: Weights, kind: PatchKind) -> None:
    """Refuse patches that a trained network does not read.

    A network knows its zones by texture at one pixel size: at another one it starts from nothing.

    Raises
    ------
    InputError
        If bands, their order, the sensor or the pixels differ.
    """
    if kind.bands != weights.bands or kind.sensor != weights.sensor:
        msg = (
            f"{weights.name} reads {', '.join(weights.bands)} of {weights.sensor}, and these patches hold "
            f"{', '.join(kind.bands)} of {kind.sensor}: start from weights of the same bands, or leave out "
            f"{option('start_from')}."
        )
        raise InputError(msg, parameter="start_from")
    if abs(kind.pixel_size / weights.pixel_size - 1) > _SAME_PIXEL:
        msg = (
            f"{weights.name} was trained on pixels of {weights.pixel_size:g} m, and these patches have "
            f"{kind.pixel_size:g} m: resample the scene first ({option('resample')} utm), or leave out "
            f"{option('start_from')}."
        )
        raise InputError(msg, parameter="start_from")


def freeze(network: nn.Module, tune: str) -> None:
    """Let only some of a network's parameters be trained.

    Parameters
    ----------
    network : nn.Module
        Of the registry.
    tune : {"linear", "head", "stage", "all"}
        Its last layer; its last stage too; or all.

    Raises
    ------
    InputError
        If the network does not say where its last stage begins.
    """
    network.requires_grad_(tune == "all")
    if tune == "all":
        return
    for part in _tuned_parts(network, tune):
        part.requires_grad_(True)


def _tuned_parts(network: nn.Module, tune: str) -> list[nn.Module]:
    if tune == "stage":
        own = getattr(network, "last_stage", None)
        if own is None:
            msg = (
                f"{type(network).__name__} does not tell where its last stage begins: use "
                f"{option('tune')} head or all."
            )
            raise InputError(msg, parameter="tune")
        return [*own(), *heads_of(network)]
    return heads_of(network)


def heads_of(network: nn.Module) -> list[nn.Module]:
    """The layers that give class logits."""
    return [
        m for m in network.modules() if isinstance(m, nn.Linear) and m.out_features == N_CLASSES
    ]


def hold_frozen(network: nn.Module) -> None:
    """Keep what is frozen as it is in training: batch statistics do not move, nothing is dropped out.

    Call it after each ``train()``.
    """
    if all(p.requires_grad for p in network.parameters()):
        return
    for module in network.modules():
        own = [*module.parameters(recurse=False)]
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not any(
            p.requires_grad for p in own
        ):
            module.eval()
