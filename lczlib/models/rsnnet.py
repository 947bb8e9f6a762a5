"""RSNNet (Zhou et al. 2022, doi 10.1080/10095020.2022.2030654, sections 3.1-3.3).

ResNeXt blocks with squeeze-and-excitation, three a stage; a non-local block after the first and the
second stage; global average pooling and one dense layer.

The paper leaves open the stem, the number of stages, widths, cardinality and squeeze ratio. Chosen
here, each an option of the network:

- three stages: non-local blocks follow the first and the second, so that there is one after them;
- half the width and half the cardinality of ResNeXt-50 (Xie et al. 2017, doi
  10.1109/CVPR.2017.634): 16 groups of 4 channels in the first stage, doubled in width by each stage.
  The paper's 2,611 training patches of 48 pixels are few for the whole;
- a stem of one 3x3 convolution and 2x2 max pooling: ImageNet's, 7x7 and by 4, would leave 12 x 12
  places of a 48 pixel patch. Without any pooling the non-local block would compare 2,304 places;
- squeeze ratio 16, the choice of Hu et al. (2020).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from lczlib.errors import InputError
from lczlib.models.blocks import NonLocal, SqueezeExcite, conv_norm_relu, pooled

BLOCKS = 3
"""Res_SE blocks a stage (section 3.1)."""


class ResSE(nn.Module):
    """Res_SE block: 1x1, grouped 3x3 and 1x1 convolution, squeeze-and-excitation, shortcut.

    Parameters
    ----------
    n_in, n_mid, n_out : int
        Channels of the input, of the grouped convolution and of the output.
    stride : int
        Of the grouped convolution and the shortcut.
    groups : int
        Cardinality.
    reduction : int
        See `SqueezeExcite`.
    """

    def __init__(
        self, n_in: int, n_mid: int, n_out: int, stride: int, groups: int, reduction: int
    ) -> None:
        super().__init__()
        self.split = conv_norm_relu(n_in, n_mid, 1)
        self.transform = nn.Sequential(
            nn.Conv2d(n_mid, n_mid, 3, stride, padding=1, groups=groups, bias=False),
            nn.BatchNorm2d(n_mid),
            nn.ReLU(inplace=True),
        )
        self.aggregate = nn.Sequential(
            nn.Conv2d(n_mid, n_out, 1, bias=False), nn.BatchNorm2d(n_out)
        )
        self.attend = SqueezeExcite(n_out, reduction)
        same = stride == 1 and n_in == n_out
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, n_in, H, W) to (N, n_out, H / stride, W / stride)."""
        y = self.attend(self.aggregate(self.transform(self.split(x))))
        return F.relu(y + self.shortcut(x))


class RSNNet(nn.Module):
    """Residual squeeze-and-excitation network with non-local blocks.

    Parameters
    ----------
    in_channels : int
        Bands; 19 in the paper's largest data set.
    n_classes : int
        Classes.
    width : int
        Channels of the stem and of the grouped convolutions of the first stage; a stage's output has
        twice as many as its grouped convolutions.
    cardinality : int
        Groups; must divide `width`.
    stages : int
        Three or more; each after the first halves the resolution.
    reduction : int
        See `lczlib.models.blocks.SqueezeExcite`.

    Raises
    ------
    InputError
        If the groups do not divide the width, or there are fewer than three stages.
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int = 17,
        width: int = 64,
        cardinality: int = 16,
        stages: int = 3,
        reduction: int = 16,
    ) -> None:
        super().__init__()
        if width % cardinality:
            msg = f"RSNNet's width {width} is no multiple of its cardinality {cardinality}."
            raise InputError(msg)
        if stages < 3:
            msg = f"RSNNet has three stages or more, not {stages}."
            raise InputError(msg)
        self.stem = nn.Sequential(conv_norm_relu(in_channels, width), nn.MaxPool2d(2))
        n_in, parts = width, []
        for stage in range(stages):
            n_mid = width * 2**stage
            for block in range(BLOCKS):
                stride = 2 if stage and block == 0 else 1
                parts.append(ResSE(n_in, n_mid, 2 * n_mid, stride, cardinality, reduction))
                n_in = 2 * n_mid
            if stage < 2:
                parts.append(NonLocal(n_in))
        self.body = nn.Sequential(*parts)
        self.head = nn.Linear(n_in, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class logits (N, n_classes) of (N, C, H, W) input."""
        return self.head(pooled(self.body(self.stem(x))))
