"""The random forest as a network: its trees as arrays, walked for a whole batch at once.

The way of WUDAPT level 0 (Bechtel et al. 2015, doi 10.3390/ijgi4010199) with the interface of the
networks: patches in, log-probabilities out, parameters in a safetensors file. Nothing of the library
that grew the trees is needed to use them. `lczlib.training.forest` grows them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

FLOOR = 1e-30
"""The smallest probability that is told apart from none: its logarithm is finite in float32."""

_SUM_TOLERANCE = 1e-3


class RandomForest(nn.Module):
    """Decision trees that read the mean of each band over the LCZ cell at a patch's centre.

    The nodes of all trees are numbered together: first those that split, then the leaves. A node
    sends a patch to ``branches[node, 1]`` if the patch's value of ``feature[node]`` is above
    ``threshold[node]``, else to ``branches[node, 0]``.

    Parameters
    ----------
    in_channels : int
        Bands.
    n_classes : int
        Classes.
    n_trees, n_splits, n_leaves : int
        Trees, and the splitting nodes and leaves of all of them.
    depth : int
        Splits on the longest way from a root to a leaf.
    cell : int
        Edge of an LCZ cell in pixels: 10 for 100 m at 10 m.
    """

    branches: Tensor
    feature: Tensor
    threshold: Tensor
    roots: Tensor
    share: Tensor

    def __init__(
        self,
        in_channels: int,
        n_classes: int = 17,
        n_trees: int = 1,
        n_splits: int = 1,
        n_leaves: int = 2,
        depth: int = 1,
        cell: int = 10,
    ) -> None:
        super().__init__()
        self.in_channels, self.depth, self.cell = in_channels, depth, cell
        self.register_buffer("branches", torch.ones(n_splits, 2, dtype=torch.int32))
        self.register_buffer("feature", torch.zeros(n_splits, dtype=torch.int32))
        self.register_buffer("threshold", torch.zeros(n_splits))
        self.register_buffer("roots", torch.zeros(n_trees, dtype=torch.int32))
        self.register_buffer("share", torch.full((n_leaves, n_classes), 1 / n_classes))

    def features(self, x: Tensor) -> Tensor:
        """Mean of each band over the central cell, (N, C), of (N, C, H, W) input."""
        rows, columns = (_centre(size, self.cell) for size in x.shape[2:])
        x = x[:, :, rows, columns]
        # in float64 the order of a sum, which engines differ in, does not reach the thresholds
        exact = x.double() if x.device.type != "mps" else x
        return exact.mean(dim=(2, 3)).float()

    def forward(self, x: Tensor) -> Tensor:
        """Log of the trees' mean probabilities (N, n_classes): their softmax is that mean."""
        values = self.features(x)
        n_splits = self.feature.shape[0]
        at = self.roots.long().expand(x.shape[0], -1)  # (N, trees): the node each patch has come to
        for _ in range(self.depth):
            node = at.clamp(max=n_splits - 1)
            above = values.gather(1, self.feature[node].long()) > self.threshold[node]
            low, high = self.branches[node].long().unbind(-1)
            at = torch.where(at < n_splits, torch.where(above, high, low), at)
        return self.share[at - n_splits].mean(dim=1).clamp_min(FLOOR).log()

    def flaw(self) -> str:
        """What is wrong with the trees, in words; empty where each way ends in shares of classes."""
        n_splits, n_leaves = self.feature.shape[0], self.share.shape[0]
        for name, highest in (("branches", n_splits + n_leaves), ("roots", n_splits + n_leaves),
                              ("feature", self.in_channels)):  # fmt: skip
            values = getattr(self, name)
            if bool(((values < 0) | (values >= highest)).any()):
                return f"{name} of the forest point beyond its {highest} nodes or bands"
        sums = self.share.sum(1)
        if bool((self.share < 0).any()) or bool(((sums - 1).abs() > _SUM_TOLERANCE).any()):
            return "shares of classes in the leaves do not add up to 1"
        at = self.roots.long().unique()
        for _ in range(self.depth):
            at = at[at < n_splits]
            if not len(at):
                return ""
            at = self.branches[at].long().unique()
        return f"trees do not end after {self.depth} splits" if bool((at < n_splits).any()) else ""


def _centre(size: int, cell: int) -> slice:
    cell = min(cell, size)
    return slice((size - cell) // 2, (size - cell) // 2 + cell)
