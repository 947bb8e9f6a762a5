"""The convolutional network of Yoo et al. (2019, doi 10.1016/j.isprsjprs.2019.09.009).

Four 3x3 convolutions of 32 filters with ReLU, and a softmax. It was made for patches of 10 x 10 and
30 x 30 pixels of 10 m; the larger were better. Pooling and dense layers are not known to us. Chosen:

- 2x2 max pooling after the second and the fourth convolution;
- global average pooling before one dense layer, in place of dense layers on the flattened features,
  so that it takes any patch size;
- no batch norm: the paper is not known to have one.
"""

from __future__ import annotations

from torch import Tensor, nn

from lczlib.models.blocks import pooled


class YooCNN(nn.Module):
    """Four plain convolutions.

    Parameters
    ----------
    in_channels : int
        Bands.
    n_classes : int
        Classes.
    width : int
        Filters of each convolution; 32 in the paper.
    """

    def __init__(self, in_channels: int, n_classes: int = 17, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(4):
            conv = nn.Conv2d(width if i else in_channels, width, 3, padding=1)
            # without batch norm torch's default would shrink the signal layer by layer
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)
            layers += [conv, nn.ReLU(inplace=True)]
            layers += [nn.MaxPool2d(2)] if i % 2 else []
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class logits (N, n_classes) of (N, C, H, W) input."""
        return self.head(pooled(self.body(x)))
