"""The architectures, by name. One file each; imported only when built."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal

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
    learning : {"gradient", "trees"}
        How it is trained: by gradient descent, or grown as a forest.
    bands : tuple of str
        What its published weights read, in order; empty: So2Sat's bands.
    scale : float
        What its published weights read, as a factor on reflectance.
    keras_graph : bool
        Whether a saved Keras model is imported with the layers that it lists: the network here is a
        stand-in for one whose layers are not known.
    """

    name: str
    title: str
    factory: str
    patch_size: int
    min_patch_size: int
    reference: str
    task: str = "lcz"
    learning: Literal["gradient", "trees"] = "gradient"
    bands: tuple[str, ...] = ()
    scale: float = 1.0
    keras_graph: bool = False


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
            "rsnnet",
            "RSNNet",
            "lczlib.models.rsnnet:RSNNet",
            patch_size=48,
            min_patch_size=8,
            reference="Zhou et al. 2022, doi 10.1080/10095020.2022.2030654",
        ),
        Architecture(
            "lcznet",
            "LCZNet",
            "lczlib.models.lcznet:lcznet",
            patch_size=48,
            min_patch_size=8,
            reference="Liu & Shi 2020, doi 10.1016/j.isprsjprs.2020.04.008",
            bands=("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12", "B8A"),
            scale=2.0,  # DN / 5000
            keras_graph=True,
        ),
        Architecture(
            "resnet50",
            "ResNet-50",
            "lczlib.models.resnet50:ResNet50",
            patch_size=48,
            min_patch_size=32,
            reference="He et al. 2016, doi 10.1109/CVPR.2016.90",
        ),
        Architecture(
            "densenet121",
            "DenseNet-121",
            "lczlib.models.densenet121:DenseNet121",
            patch_size=48,
            min_patch_size=32,
            reference="Huang et al. 2017, doi 10.1109/CVPR.2017.243",
        ),
        Architecture(
            "mscnn",
            "MSCNN",
            "lczlib.models.mscnn:MSCNN",
            patch_size=48,
            min_patch_size=8,
            reference="Kim et al. 2020, arXiv 2011.01436",
        ),
        Architecture(
            "yoo_cnn",
            "CNN of Yoo et al.",
            "lczlib.models.yoo_cnn:YooCNN",
            patch_size=30,
            min_patch_size=4,
            reference="Yoo et al. 2019, doi 10.1016/j.isprsjprs.2019.09.009",
        ),
        Architecture(
            "random_forest",
            "Random forest",
            "lczlib.models.forest:RandomForest",
            patch_size=10,
            min_patch_size=1,
            reference="Bechtel et al. 2015, doi 10.3390/ijgi4010199",
            learning="trees",
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


def register(blueprint: Architecture) -> Architecture:
    """Make an architecture known: to `lcz train --arch`, experiments, and imported weights.

    Raises
    ------
    InputError
        If its name is taken.
    """
    if blueprint.name in ARCHITECTURES:
        msg = f"The network {blueprint.name!r} is in the registry already: give it another name."
        raise InputError(msg)
    ARCHITECTURES[blueprint.name] = blueprint
    return blueprint


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


def build(name: str, in_channels: int, n_classes: int = N_CLASSES, **options: Any) -> nn.Module:
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

    Raises
    ------
    InputError
        If there is no such architecture or option, or an option's value makes no network.
    """
    blueprint = architecture(name)
    module, attribute = blueprint.factory.split(":")
    factory = getattr(import_module(module), attribute)
    known = list(signature(factory).parameters)[2:]
    unknown = [o for o in options if o not in known]
    if unknown:
        have = f"it has {', '.join(known)}" if known else "it has none"
        msg = f"{blueprint.title} has no option {', '.join(map(repr, unknown))}: {have}."
        raise InputError(msg)
    if in_channels < 1 or n_classes < 1:
        msg = (
            f"A network needs a band and a class, not {in_channels} bands and {n_classes} classes."
        )
        raise InputError(msg)
    try:
        return factory(in_channels, n_classes, **options)
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError) as err:
        shown = ", ".join(f"{k}={v!r}" for k, v in options.items())
        msg = f"{blueprint.title} cannot be built with {shown or 'its defaults'} ({err})."
        raise InputError(msg) from err
