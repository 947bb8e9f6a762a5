"""LCZNet (Liu & Shi 2020, doi 10.1016/j.isprsjprs.2020.04.008): residual units with
squeeze-and-excitation.

Its authors found patches of 48 pixels best and published a Keras model for 64; it reads the bands
B2, B3, B4, B5, B6, B7, B8, B11, B12, B8A as DN / 5000. A saved Keras model holds the list of its
layers, and is imported with those (`lczlib.models.keras_graph`). What follows is the network to train
anew, a stand-in: the published layer list is not known to us, only that there are about 3.18 million
parameters (second hand). Chosen here:

- the outline of a later network by the same authors: parallel 3x3 and 5x5 convolutions, a residual
  unit, and three times 2x2 max pooling, a convolution and a residual unit; global average pooling and
  one dense layer;
- squeeze ratio 16 (Hu et al. 2020) at the end of each residual unit;
- 64, 96, 192 and 288 channels: steps of 1.5 and 2 in multiples of 32, with which 10 bands and 17
  classes make 3,151,961 parameters, 1 % fewer than reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lczlib.errors import InputError
from lczlib.models.blocks import SqueezeExcite, conv_norm_relu, pooled
from lczlib.models.keras_graph import KerasGraph, Layer

WIDTHS = (64, 96, 192, 288)
"""Channels of each level."""

BN_EPS = 1e-3  # Keras' default, which the published weights were trained with


class ResidualUnit(nn.Module):
    """Two 3x3 convolutions and squeeze-and-excitation beside the identity."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.first = conv_norm_relu(channels, channels, eps=BN_EPS)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels, eps=BN_EPS)
        self.attend = SqueezeExcite(channels, reduction)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        return F.relu(x + self.attend(self.norm(self.conv(self.first(x)))))


def lcznet(
    in_channels: int,
    n_classes: int = 17,
    widths: Sequence[int] = WIDTHS,
    reduction: int = 16,
    layers: Sequence[Layer] = (),
) -> nn.Module:
    """LCZNet: from the layers of a Keras model where they are given, else `LCZNet`.

    Parameters
    ----------
    in_channels, n_classes, widths, reduction
        See `LCZNet`.
    layers : sequence of Layer
        From `lczlib.models.keras_graph.read_graph`.
    """
    if layers:
        return KerasGraph(in_channels, n_classes, layers)
    return LCZNet(in_channels, n_classes, widths, reduction)


class LCZNet(nn.Module):
    """Residual squeeze-and-excitation network.

    Parameters
    ----------
    in_channels : int
        Bands; 10 in the paper.
    n_classes : int
        Classes.
    widths : sequence of int
        Channels of each level; 2x2 max pooling lies between levels. The first must be even.
    reduction : int
        See `lczlib.models.blocks.SqueezeExcite`.

    Raises
    ------
    InputError
        If the first width is odd.
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int = 17,
        widths: Sequence[int] = WIDTHS,
        reduction: int = 16,
    ) -> None:
        super().__init__()
        first = widths[0]
        if first % 2:
            msg = f"LCZNet's first width is shared by two convolutions: {first} is odd."
            raise InputError(msg)
        self.scales = nn.ModuleList(
            nn.Conv2d(in_channels, first // 2, kernel, padding=kernel // 2, bias=False)
            for kernel in (3, 5)
        )
        self.norm = nn.BatchNorm2d(first, eps=BN_EPS)
        layers: list[nn.Module] = [ResidualUnit(first, reduction)]
        for before, width in pairwise(widths):
            layers += [
                nn.MaxPool2d(2),
                conv_norm_relu(before, width, eps=BN_EPS),
                ResidualUnit(width, reduction),
            ]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1], n_classes)

    def keras_layers(self) -> dict[str, nn.Module]:
        """The layers as Keras numbers them by default, in the order of creation."""
        kinds = {"conv2d": nn.Conv2d, "batch_normalization": nn.BatchNorm2d, "dense": nn.Linear}
        return {
            f"{name}_{i}": layer
            for name, kind in kinds.items()
            for i, layer in enumerate((m for m in self.modules() if isinstance(m, kind)), 1)
        }

    def forward(self, x: Tensor) -> Tensor:
        """Class logits (N, n_classes) of (N, C, H, W) input."""
        x = F.relu(self.norm(torch.cat([conv(x) for conv in self.scales], 1)))
        return self.head(pooled(self.body(x)))
