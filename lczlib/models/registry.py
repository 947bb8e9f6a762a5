"""The architectures, by name. One file each; imported only when built."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from lczlib.classes import N_CLASSES
from lczlib.errors import InputError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Architecture:
    """A network's blueprint.

    Attributes
    ----------
    name : str
        Name in the registry.
    title : str
        For people.
    factory : str
        ``module:class``; called with ``(in_channels, n_classes, **options)``.
    patch_size : int
        Edge of the input patch in pixels that the network was designed for.
    min_patch_size : int
        The smallest patch that its pooling allows.
    reference : str
        The paper.
    task : str
        ``lcz`` (class logits (N, n_classes)) or ``water`` (see the architecture's file).
    """

    name: str
    title: str
    factory: str
    patch_size: int
    min_patch_size: int
    reference: str
    task: str = "lcz"


ARCHITECTURES: dict[str, Architecture] = {
    a.name: a
    for a in (
        Architecture(
            "resnet20",
            "So2Sat ResNet20",
            "lczlib.models.resnet20:ResNet20",
            patch_size=32,
            min_patch_size=4,
            reference="Zhu et al. 2022, doi 10.1016/j.rse.2021.112794",
        ),
        Architecture(
            "sen2lcz",
            "Sen2LCZ-Net",
            "lczlib.models.sen2lcz:Sen2LCZNet",
            patch_size=32,
            min_patch_size=8,
            reference="Qiu et al. 2020, doi 10.1109/JSTARS.2020.2995711",
        ),
        Architecture(
            "gmnet",
            "GMNet",
            "lczlib.models.gmnet:GMNet",
            patch_size=256,
            min_patch_size=256,
            reference="Luo et al. 2023, doi 10.1080/17538947.2023.2198266",
            task="water",
        ),
    )
}


def architecture(name: str) -> Architecture:
    """The architecture of a name.

    Raises
    ------
    InputError
        If there is none; the message lists those there are.
    """
    if name not in ARCHITECTURES:
        msg = f"{name!r} is no network of the registry: use one of {', '.join(ARCHITECTURES)}."
        raise InputError(msg)
    return ARCHITECTURES[name]


def build(name: str, in_channels: int, n_classes: int = N_CLASSES, **options: float) -> nn.Module:
    """A network with fresh weights.

    Parameters
    ----------
    name : str
        Architecture, a key of `ARCHITECTURES`.
    in_channels, n_classes : int
        Bands of the input and classes of the output.
    **options
        The architecture's own (widths, dropout).

    Returns
    -------
    torch.nn.Module
        Input (N, in_channels, H, W) float32, output class logits (N, n_classes).
    """
    module, factory = architecture(name).factory.split(":")
    return getattr(import_module(module), factory)(in_channels, n_classes, **options)
