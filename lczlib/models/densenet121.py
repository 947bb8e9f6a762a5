"""DenseNet-121 (Huang et al. 2017, doi 10.1109/CVPR.2017.243).

Written out here for the reason given in `lczlib.models.resnet50`; the parameters carry torchvision's
names. The published stem and transitions divide a patch by 32.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lczlib.models.blocks import pooled

GROWTH = 32
"""Channels that each layer adds."""

BLOCKS = (6, 12, 24, 16)
"""Layers of each dense block."""


class DenseLayer(nn.Module):
    """Batch norm, ReLU and convolution, 1x1 to four times the growth and then 3x3."""

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(n_in)
        self.conv1 = nn.Conv2d(n_in, 4 * GROWTH, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * GROWTH)
        self.conv2 = nn.Conv2d(4 * GROWTH, GROWTH, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, n_in, H, W) to (N, n_in + 32, H, W)."""
        y = self.conv1(F.relu(self.norm1(x)))
        y = self.conv2(F.relu(self.norm2(y)))
        return torch.cat([x, y], 1)


class Transition(nn.Module):
    """Batch norm, ReLU, 1x1 convolution to half the channels, 2x2 average pooling."""

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(n_in)
        self.conv = nn.Conv2d(n_in, n_in // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, n_in, H, W) to (N, n_in / 2, H / 2, W / 2)."""
        return F.avg_pool2d(self.conv(F.relu(self.norm(x))), 2)


class DenseNet121(nn.Module):
    """DenseNet-121.

    Parameters
    ----------
    in_channels : int
        Bands.
    n_classes : int
        Classes.
    """

    def __init__(self, in_channels: int, n_classes: int = 17) -> None:
        super().__init__()
        n = 2 * GROWTH
        self.features = nn.Sequential()
        self.features.add_module("conv0", nn.Conv2d(in_channels, n, 7, 2, padding=3, bias=False))
        self.features.add_module("norm0", nn.BatchNorm2d(n))
        self.features.add_module("relu0", nn.ReLU(inplace=True))
        self.features.add_module("pool0", nn.MaxPool2d(3, 2, padding=1))
        for number, layers in enumerate(BLOCKS, 1):
            block = nn.Sequential()
            for i in range(1, layers + 1):
                block.add_module(f"denselayer{i}", DenseLayer(n))
                n += GROWTH
            self.features.add_module(f"denseblock{number}", block)
            if number < len(BLOCKS):
                self.features.add_module(f"transition{number}", Transition(n))
                n //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(n))
        self.classifier = nn.Linear(n, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Class logits (N, n_classes) of (N, C, H, W) input."""
        return self.classifier(pooled(F.relu(self.features(x))))
