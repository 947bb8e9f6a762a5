"""ResNet20 of the So2Sat Global Urban LCZ maps, for Sentinel-1 (7 features) or Sentinel-2 (10 bands).

A pre-activation residual network (He et al. 2016, doi 10.1007/978-3-319-46493-0_38) of three stages
with two bottleneck blocks each, as used by Zhu et al. (2022, doi 10.1016/j.rse.2021.112794).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

BN_EPS = 1e-3  # Keras' default, which the published weights were trained with


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution, each after batch norm and ReLU, beside a shortcut.

    Parameters
    ----------
    n_in, n_mid, n_out : int
        Channels.
    stride : int
        Of the first convolution and the shortcut.
    preactivate : bool
        Whether the input passes batch norm and ReLU; not after the stem, which ends in them.
    project : bool
        Whether the shortcut is a 1x1 convolution (where shape changes) or the input itself.
    """

    def __init__(
        self, n_in: int, n_mid: int, n_out: int, stride: int, preactivate: bool, project: bool
    ) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(n_in, eps=BN_EPS) if preactivate else None
        self.conv1 = nn.Conv2d(n_in, n_mid, 1, stride)
        self.bn2 = nn.BatchNorm2d(n_mid, eps=BN_EPS)
        self.conv2 = nn.Conv2d(n_mid, n_mid, 3, padding=1)
        self.bn3 = nn.BatchNorm2d(n_mid, eps=BN_EPS)
        self.conv3 = nn.Conv2d(n_mid, n_out, 1)
        self.shortcut = nn.Conv2d(n_in, n_out, 1, stride) if project else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, n_in, H, W) to (N, n_out, H / stride, W / stride)."""
        y = x if self.bn1 is None else F.relu(self.bn1(x))
        y = self.conv1(y)
        y = self.conv2(F.relu(self.bn2(y)))
        y = self.conv3(F.relu(self.bn3(y)))
        return y + (x if self.shortcut is None else self.shortcut(x))


class ResNet20(nn.Module):
    """So2Sat ResNet20.

    Parameters
    ----------
    in_channels : int
        7 (Sentinel-1 features) or 10 (Sentinel-2 bands) in the published weights.
    n_classes : int
        Classes.
    """

    def __init__(self, in_channels: int, n_classes: int = 17) -> None:
        super().__init__()
        self.stem = nn.Conv2d(in_channels, 16, 3, padding=1)
        self.stem_bn = nn.BatchNorm2d(16, eps=BN_EPS)
        blocks, n_in = [], 16
        for stage, (n_mid, n_out) in enumerate([(16, 64), (64, 128), (128, 256)]):
            for position in range(2):
                first = position == 0
                blocks.append(
                    Bottleneck(
                        n_in,
                        n_mid,
                        n_out,
                        stride=2 if first and stage else 1,
                        preactivate=not (first and stage == 0),
                        project=first,
                    )
                )
                n_in = n_out
        self.blocks = nn.Sequential(*blocks)
        self.head_bn = nn.BatchNorm2d(n_in, eps=BN_EPS)
        self.head = nn.Linear(n_in, n_classes)

    def features(self, x: Tensor) -> Tensor:
        """The (N, 256) features that enter the last layer, from (N, C, H, W) input."""
        x = F.relu(self.stem_bn(self.stem(x)))
        x = F.relu(self.head_bn(self.blocks(x)))
        return x.mean(dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Class logits (N, n_classes) of (N, C, H, W) input."""
        return self.head(self.features(x))

    def last_stage(self) -> tuple[nn.Module, ...]:
        """The layers of the coarsest resolution, before the last one."""
        return self.blocks[4], self.blocks[5], self.head_bn

    def keras_layers(self) -> dict[str, nn.Module]:
        """The layers by the names of the published Keras file, numbered in the order of creation."""
        convs, norms = [self.stem], [self.stem_bn]
        for block in self.blocks:
            norms += [n for n in (block.bn1, block.bn2, block.bn3) if n is not None]
            convs += [block.conv1, block.conv2, block.conv3]
            convs += [block.shortcut] if block.shortcut is not None else []
        norms.append(self.head_bn)
        return {
            **{f"conv2d_{i}": layer for i, layer in enumerate(convs, 1)},
            **{f"batch_normalization_{i}": layer for i, layer in enumerate(norms, 1)},
            "dense_1": self.head,
        }
