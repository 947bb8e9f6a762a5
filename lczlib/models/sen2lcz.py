"""Sen2LCZ-Net (Qiu et al. 2020, doi 10.1109/JSTARS.2020.2995711).

Plain 3x3 convolutions with multi-level fusion: a softmax head after each of four depths, averaged.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BN_EPS = 1e-3  # Keras' default, which the published weights were trained with


class ConvBlock(nn.Sequential):
    """`depth` times 3x3 convolution, batch norm and ReLU, at one width."""

    def __init__(self, n_in: int, n_out: int, depth: int) -> None:
        layers: list[nn.Module] = []
        for i in range(depth):
            layers += [
                nn.Conv2d(n_in if i == 0 else n_out, n_out, 3, padding=1),
                nn.BatchNorm2d(n_out, eps=BN_EPS),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


class Sen2LCZNet(nn.Module):
    """Sen2LCZ-Net with multi-level fusion.

    Parameters
    ----------
    in_channels : int
        10 Sentinel-2 bands in the published weights.
    n_classes : int
        Classes.
    width : int
        Filters of the first block; doubled by each pooling. 16 in the published network.
    depth : int
        Convolutions a block; 4 in the published network of depth 17.
    dropout : float
        After the second and third pooling; 0.2 in the published network.
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int = 17,
        width: int = 16,
        depth: int = 4,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width]
        inputs = [in_channels, *widths[1:]]  # max and average pooling together double the channels
        self.blocks = nn.ModuleList(
            ConvBlock(n_in, n_out, depth) for n_in, n_out in zip(inputs, widths, strict=True)
        )
        self.dropout = nn.Dropout(dropout)
        head_inputs = [*(2 * w for w in widths[:3]), widths[3]]
        self.heads = nn.ModuleList(nn.Linear(n, n_classes) for n in head_inputs)

    def heads_logits(self, x: Tensor) -> Tensor:
        """Logits of each head (N, 4, n_classes), from the finest level to the final one."""
        logits = []
        for level, block in enumerate(self.blocks):
            x = block(x)
            if level < 3:
                x = torch.cat([F.max_pool2d(x, 2), F.avg_pool2d(x, 2)], dim=1)
                x = self.dropout(x) if level else x
            logits.append(self.heads[level](x.mean(dim=(2, 3))))
        return torch.stack(logits, dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Log of the heads' mean probabilities (N, n_classes): logits whose softmax is that mean."""
        heads = F.log_softmax(self.heads_logits(x), dim=2)
        return torch.logsumexp(heads, dim=1) - math.log(len(self.heads))

    def last_stage(self) -> tuple[nn.Module, ...]:
        """The layers of the coarsest resolution, before the last one."""
        return (self.blocks[3],)

    def keras_layers(self) -> dict[str, nn.Module]:
        """The layers by the names of the published Keras file, numbered in the order of creation.

        The file has no ``dense_3``: its heads are ``dense_1`` and ``dense_2`` after the first and
        second pooling, ``dense_5`` after the third and ``dense_4`` after the last block.
        """
        layers = [layer for block in self.blocks for layer in block]
        convs = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
        norms = [layer for layer in layers if isinstance(layer, nn.BatchNorm2d)]
        names = ("dense_1", "dense_2", "dense_5", "dense_4")
        return {
            **{f"conv2d_{i}": layer for i, layer in enumerate(convs, 1)},
            **{f"batch_normalization_{i}": layer for i, layer in enumerate(norms, 1)},
            **dict(zip(names, self.heads, strict=True)),
        }
