"""ResNet-50 (He et al. 2016, doi 10.1109/CVPR.2016.90).

Written out here since torchvision, and timm which needs it, come as CUDA builds from the package
registry and do not load beside a torch without CUDA. The parameters carry torchvision's names, so
that its state dicts fit. As there, a stage's stride is in the 3x3 convolution (the paper has it in
the 1x1 before).

The published stem and strides divide a patch by 32: of 48 pixels 2 x 2 places remain for the last
stage.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from lczlib.models.blocks import pooled

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
"""Inner channels and blocks of each stage; a block's output has four times as many."""


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution beside a shortcut.

    Parameters
    ----------
    n_in, n_mid : int
        Channels of the input and inside; the output has ``4 n_mid``.
    stride : int
        Of the 3x3 convolution and the shortcut.
    """

    def __init__(self, n_in: int, n_mid: int, stride: int) -> None:
        super().__init__()
        n_out = 4 * n_mid
        self.conv1 = nn.Conv2d(n_in, n_mid, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_mid)
        self.conv2 = nn.Conv2d(n_mid, n_mid, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_mid)
        self.conv3 = nn.Conv2d(n_mid, n_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(n_out)
        self.downsample = None
        if stride > 1 or n_in != n_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, n_in, H, W) to (N, 4 n_mid, H / stride, W / stride)."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet50(nn.Module):
    """ResNet-50.

    Parameters
    ----------
    in_channels : int
        Bands.
    n_classes : int
        Classes.
    """

    def __init__(self, in_channels: int, n_classes: int = 17) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        n_in = 64
        for number, (n_mid, blocks) in enumerate(STAGES, 1):
            layers = []
            for block in range(blocks):
                layers.append(Bottleneck(n_in, n_mid, 2 if number > 1 and block == 0 else 1))
                n_in = 4 * n_mid
            self.add_module(f"layer{number}", nn.Sequential(*layers))
        self.fc = nn.Linear(n_in, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al. 2015, doi 10.1109/ICCV.2015.123
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Class logits (N, n_classes) of (N, C, H, W) input."""
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        for number in range(1, len(STAGES) + 1):
            x = getattr(self, f"layer{number}")(x)
        return self.fc(pooled(x))
