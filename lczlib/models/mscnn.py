"""MSCNN, the multi-scale network of Kim et al. (2020, arXiv 2011.01436).

What the paper's layers are is not known to us. Its authors' next network (Kim et al. 2021, doi
10.1016/j.isprsjprs.2021.09.015) starts with parallel convolutions of 5x5 (16 filters), 3x3 (32) and
1x1 (16), concatenated to 64 channels; that is the stem here. Chosen for the rest, which makes this
network a stand-in for the published one:

- batch norm and ReLU after the concatenation, and three blocks of two 3x3 convolutions at 64, 128 and
  256 channels, each ending in 2x2 max pooling: the plain body of that time, so that it is the
  multi-scale stem which tells the network apart;
- global average pooling and one dense layer, so that it takes any patch size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lczlib.models.blocks import conv_norm_relu, pooled

STEM = ((5, 16), (3, 32), (1, 16))
"""Kernel and filters of the parallel convolutions."""

BLOCKS = 3


class MSCNN(nn.Module):
    """Multi-scale convolutional network.

    Parameters
    ----------
    in_channels : int
        Bands.
    n_classes : int
        Classes.
    width : int
        Channels of the first block, doubled by each that follows.
    """

    def __init__(self, in_channels: int, n_classes: int = 17, width: int = 64) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            nn.Conv2d(in_channels, filters, kernel, padding=kernel // 2, bias=False)
            for kernel, filters in STEM
        )
        n = sum(filters for _, filters in STEM)
        self.norm = nn.BatchNorm2d(n)
        layers: list[nn.Module] = []
        for block in range(BLOCKS):
            n_out = width * 2**block
            layers += [conv_norm_relu(n, n_out), conv_norm_relu(n_out, n_out), nn.MaxPool2d(2)]
            n = n_out
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(n, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class logits (N, n_classes) of (N, C, H, W) input."""
        x = F.relu(self.norm(torch.cat([conv(x) for conv in self.scales], 1)))
        return self.head(pooled(self.body(x)))
