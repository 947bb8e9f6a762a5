"""GMNet: surface water from Sentinel-1 at three scales, with gates between them.

Luo et al. (2023, doi 10.1080/17538947.2023.2198266); weights doi 10.5281/zenodo.7768932. A U-shaped
network sees each place three times: the patch itself (``low``, 256 px), and windows of 512 px
(``mid``) and 2048 px (``high``) around it, thinned to 256 samples. One encoder serves all scales. A
second, smaller network looks at the patch, and at the patch with its mid window, and opens or shuts
the wider scales pixel by pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

WIDTHS = ((32, 16), (64, 16), (128, 32), (128, 32), (256, 64))
"""Channels inside and at the end of each encoder block."""

STRIDES = (2, 2, 2, 4, 4)
"""Pooling of each encoder block: features at 1/2, 1/4, 1/8, 1/32 and 1/128."""

DECODER_WIDTHS = (64, 64, 64, 32, 32)
"""Channels at the end of each decoder block, deepest first."""

MIN_SIZE = 256
"""The deepest features of a smaller patch would have no centre to crop."""

_PUBLISHED_NAMES = {
    "conv_bn_relu_in.0": "expand.conv",
    "conv_bn_relu_in.1": "expand.norm",
    "dwconv_bn_relu_1.0": "depthwise.0.conv",
    "dwconv_bn_relu_1.1": "depthwise.0.norm",
    "dwconv_bn_relu_2.0": "depthwise.1.conv",
    "dwconv_bn_relu_2.1": "depthwise.1.norm",
    "conv_bn_relu_out.0": "project.conv",
    "conv_bn_relu_out.1": "project.norm",
    "up_last.": "decoder.4.",
    "encoder_gate.": "gate_encoder.",
    "decoder_gate.": "gate_decoder.",
    "outp_layer.0": "head",
}


class ConvNormReLU(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, n_in: int, n_out: int, kernel: int, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2, groups=groups)
        self.norm: nn.Module = nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        """(N, n_in, H, W) to (N, n_out, H, W)."""
        return F.relu(self.norm(self.conv(x)), inplace=not torch.is_grad_enabled())


def _depthwise(channels: int, factor: int) -> nn.Sequential:
    """One depthwise convolution for a factor of 2, two for 4."""
    layers = (ConvNormReLU(channels, channels, 3, channels) for _ in range(factor // 2))
    return nn.Sequential(*layers)


class Down(nn.Module):
    """Average pooling, then 3x3, depthwise 3x3 and 1x1 convolution."""

    def __init__(self, n_in: int, n_mid: int, n_out: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.expand = ConvNormReLU(n_in, n_mid, 3)
        self.depthwise = _depthwise(n_mid, factor)
        self.project = ConvNormReLU(n_mid, n_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, n_in, H, W) to (N, n_out, H / factor, W / factor)."""
        return self.project(self.depthwise(self.expand(F.avg_pool2d(x, self.factor))))


class Up(nn.Module):
    """Nearest-neighbour enlargement, then depthwise 3x3 and 3x3 convolution."""

    def __init__(self, n_in: int, n_out: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.depthwise = _depthwise(n_in, factor)
        self.project = ConvNormReLU(n_in, n_out, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(N, n_in, H, W) to (N, n_out, H * factor, W * factor)."""
        x = F.interpolate(x, scale_factor=self.factor, mode="nearest")
        return self.project(self.depthwise(x))


Margins = tuple[int, int, int, int]
"""Pixels left out at the top, bottom, left and right."""


def _trim(x: Tensor, margins: Margins) -> Tensor:
    """Drop pixels at the sides."""
    top, bottom, left, right = margins
    return x[..., top : x.shape[-2] - bottom, left : x.shape[-1] - right]


def _centre(x: Tensor) -> Tensor:
    """The middle half of a map, enlarged to the map's size.

    A mid window is twice its patch, so this lays its features over the patch's. The published
    network does the same with the high window, which is eight times its patch.
    """
    height, width = x.shape[-2:]
    top, left = (height - height // 2) // 2, (width - width // 2) // 2
    middle = x[..., top : top + height // 2, left : left + width // 2]
    return F.interpolate(middle, size=(height, width), mode="nearest")


def _encoder(in_channels: int) -> nn.ModuleList:
    n_in = (in_channels, *(n_out for _, n_out in WIDTHS[:-1]))
    blocks = zip(n_in, WIDTHS, STRIDES, strict=True)
    return nn.ModuleList(Down(n, n_mid, n_out, factor) for n, (n_mid, n_out), factor in blocks)


def _decoder(copies: int, depth: int) -> nn.ModuleList:
    """Up blocks, deepest first, beside skips from `copies` scales."""
    skips = [n_out for _, n_out in reversed(WIDTHS)]
    above = (0, *DECODER_WIDTHS)
    return nn.ModuleList(
        Up(above[i] + copies * skips[i], DECODER_WIDTHS[i], STRIDES[-1 - i]) for i in range(depth)
    )


class GMNet(nn.Module):
    """Gated multiscale network for surface water.

    Parameters
    ----------
    in_channels : int
        2 (VV, VH) or 4 (ascending VV, VH, descending VV, VH).
    n_classes : int
        Output maps; 1, the logit of water, in the published weights.
    """

    def __init__(self, in_channels: int, n_classes: int = 1) -> None:
        super().__init__()
        levels = len(WIDTHS)
        self.encoder = _encoder(in_channels)
        self.decoder = _decoder(copies=3, depth=levels)
        self.gate_encoder = _encoder(in_channels)
        self.gate_decoder = _decoder(copies=1, depth=levels - 1)
        above = (0, *DECODER_WIDTHS)
        self.gate_layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(above[i] + WIDTHS[-1 - i][1], 1, 1)) for i in range(levels)
        )
        self.head = nn.Conv2d(DECODER_WIDTHS[-1], n_classes, 1)
        self.register_load_state_dict_pre_hook(_rename_published)

    def forward(self, high: Tensor, mid: Tensor, low: Tensor, margin: int | Margins = 0) -> Tensor:
        """Logits of water.

        Parameters
        ----------
        high, mid, low : Tensor (N, C, 256, 256)
            Backscatter in dB scaled to 0-1 (see `lczlib.mapping.water`): the 2048 px and the
            512 px window around the patch, each thinned to 256 px, and the patch itself.
        margin : int or (top, bottom, left, right)
            Pixels to leave out at the sides of the result. The network computes fewer of the costly
            full-resolution features then; what it returns is the same.

        Returns
        -------
        Tensor (N, n_classes, 256 - top - bottom, 256 - left - right)
            ``.sigmoid()`` is the probability of water.
        """
        if low.shape[-1] < MIN_SIZE or low.shape[-2] < MIN_SIZE:
            msg = f"GMNet needs patches of at least {MIN_SIZE} px, not {tuple(low.shape[-2:])}."
            raise ValueError(msg)
        margins = self._margins((margin,) * 4 if isinstance(margin, int) else margin)
        n = len(low)
        scales = [f.split(n) for f in _encode(self.encoder, torch.cat([low, mid, high]))]
        gates_mid, gates_high = self._gates(mid, low, margins)
        x = None
        for i, block in enumerate(self.decoder):
            low_i, mid_i, high_i = scales[i]
            wide = [_centre(mid_i), _centre(high_i)]
            skips = [_trim(f, margins[i]) for f in (low_i, *wide)]
            skips = [skips[0], skips[1] * gates_mid[i], skips[2] * gates_high[i]]
            x = torch.cat(skips if x is None else [x, *skips], 1)
            x = _up(block, x, margins[i], margins[i + 1])
        return self.head(x)

    def _gates(
        self, mid: Tensor, low: Tensor, margins: Sequence[Margins]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The gates of the mid and of the high scale at each level, deepest first, (N, 1, H, W)."""
        n = len(low)
        inputs = []  # mid gates see the patch; high gates the sum of patch and mid window
        for features in _encode(self.gate_encoder, torch.cat([low, mid])):
            patch, window = features.split(n)
            inputs.append(torch.cat([patch, patch + _centre(window)]))
        gates, x = [], inputs[0]
        for i, layer in enumerate(self.gate_layers):
            if i:
                above = _up(self.gate_decoder[i - 1], x, margins[i - 1], margins[i])
                x = torch.cat([above, _trim(inputs[i], margins[i])], 1)
            else:
                x = _trim(x, margins[0])
            gates.append(layer(x).sigmoid())
        return [g[:n] for g in gates], [g[n:] for g in gates]

    @staticmethod
    def _margins(margins: Margins) -> list[Margins]:
        """Pixels that each decoder level's input may leave out, deepest first; last the output."""
        levels = [margins]
        for factor in STRIDES:
            reach = factor // 2 + 1  # pixels that the block's 3x3 convolutions see past its output
            levels.append(tuple(max(0, (m - reach) // factor) for m in levels[-1]))  # type: ignore
        return levels[::-1]

    def fused(self) -> GMNet:
        """A copy for inference whose batch norms are folded into the convolutions.

        Same result to rounding, about a third less time on a CPU.
        """
        copy = GMNet(self.encoder[0].expand.conv.in_channels, self.head.out_channels)
        copy.load_state_dict(self.state_dict())
        copy = copy.eval().to(self.head.weight.device)
        for layer in copy.modules():
            if isinstance(layer, ConvNormReLU):
                layer.conv = fuse_conv_bn_eval(layer.conv, layer.norm)
                layer.norm = nn.Identity()
        return copy.requires_grad_(False).to(memory_format=torch.channels_last)


def _encode(blocks: nn.ModuleList, x: Tensor) -> list[Tensor]:
    """The features of each block, deepest first."""
    features = []
    for block in blocks:
        x = block(x)
        features.append(x)
    return features[::-1]


def _up(block: nn.Module, x: Tensor, before: Margins, after: Margins) -> Tensor:
    """Enlarge features that leave out `before`; trim the result to `after`.

    What is trimmed holds the pixels that zero padding at a cut edge has spoilt.
    """
    left_over = (a - block.factor * b for a, b in zip(after, before, strict=True))
    return _trim(block(x), tuple(left_over))  # type: ignore[arg-type]


def _rename_published(module: nn.Module, state: dict[str, Tensor], *_: object) -> None:
    """Let a published state dict load: its names, and second depthwise layers that it never uses."""
    for key in list(state):
        name = key
        for published, ours in _PUBLISHED_NAMES.items():
            name = name.replace(published, ours)
        if name != key:
            state[name] = state.pop(key)
    known = module.state_dict().keys()
    for key in [k for k in state if ".depthwise.1." in k and k not in known]:
        del state[key]
