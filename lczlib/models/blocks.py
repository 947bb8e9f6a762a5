"""Building blocks that several networks share."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SqueezeExcite(nn.Module):
    """Squeeze-and-excitation: each channel times a weight that all channels' means decide on.

    ``y = x sigmoid(L2 relu(L1 mean(x)))`` (Hu et al. 2020, doi 10.1109/TPAMI.2019.2913372; equations
    1-3 of Zhou et al. 2022, doi 10.1080/10095020.2022.2030654).

    Parameters
    ----------
    channels : int
        Of the input and output.
    reduction : int
        `channels` by the width between the two dense layers; 16 is Hu's choice. At least 4 channels
        are kept between them, so that narrow networks do not squeeze through one.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        between = max(channels // reduction, min(4, channels))
        self.squeeze = nn.Linear(channels, between)
        self.excite = nn.Linear(between, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        weight = self.excite(self.squeeze(x.mean(dim=(2, 3))).relu()).sigmoid()
        return x * weight[:, :, None, None]


class NonLocal(nn.Module):
    """Non-local block: every place adds what all places have, weighted by how alike they are.

    ``z = x + norm(W y)`` with ``y_i = sum_j softmax_j(theta(x_i) . phi(x_j)) g(x_j)``, the embedded
    Gaussian of Wang et al. (2018, doi 10.1109/CVPR.2018.00813) at half the channels. The 1x1
    convolutions have no bias: one of ``phi`` would cancel in the softmax. The scale of the batch norm
    starts at one; Wang's zero is for blocks put into trained networks.

    Parameters
    ----------
    channels : int
        Of the input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(channels // 2, 1)
        self.theta = nn.Conv2d(channels, inner, 1, bias=False)
        self.phi = nn.Conv2d(channels, inner, 1, bias=False)
        self.g = nn.Conv2d(channels, inner, 1, bias=False)
        self.out = nn.Conv2d(inner, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        theta, phi, g = (f(x).flatten(2) for f in (self.theta, self.phi, self.g))
        likeness = (theta.transpose(1, 2) @ phi).softmax(dim=2)  # (N, place i, place j)
        y = (g @ likeness.transpose(1, 2)).unflatten(2, x.shape[2:])
        return x + self.norm(self.out(y))


def conv_norm_relu(
    n_in: int, n_out: int, kernel: int = 3, stride: int = 1, eps: float = 1e-5
) -> nn.Sequential:
    """Convolution that keeps the size (but for `stride`), batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(n_out, eps=eps),
        nn.ReLU(inplace=True),
    )


def pooled(x: Tensor) -> Tensor:
    """Mean over the places, (N, C, H, W) to (N, C)."""
    return torch.mean(x, dim=(2, 3))
