"""Focal loss for classes of unequal frequency and difficulty."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lczlib.classes import N_CLASSES
from lczlib.errors import InputError


def focal_loss(
    logits: Tensor, target: Tensor, gamma: float = 2.0, alpha: Tensor | None = None
) -> Tensor:
    """Multi-class focal loss, mean over the batch.

    FL = -alpha_t (1 - p_t)^gamma ln p_t with p_t the probability of the true class (Zhou et al.
    2022, equation 6, doi 10.1080/10095020.2022.2030654, after Lin et al. 2017,
    doi 10.1109/TPAMI.2018.2858826). Gamma 0 without alpha is cross-entropy.

    Parameters
    ----------
    logits : Tensor (N, classes)
        Any constant may be added to a row.
    target : Tensor (N,), int64
        Index of the true class.
    gamma : float
        How much well-classified samples are discounted; 2 in the paper.
    alpha : Tensor (classes,), optional
        Weight of each class.

    Raises
    ------
    InputError
        If gamma is negative.

    Examples
    --------
    >>> p = torch.tensor([[0.5, 0.25, 0.25]])
    >>> round(float(focal_loss(p.log(), torch.tensor([0]), gamma=2.0)), 4)  # 0.25 x ln 2
    0.1733
    """
    if gamma < 0:
        msg = f"The focal loss needs a gamma of 0 or more, not {gamma:g}."
        raise InputError(msg)
    log_p = F.log_softmax(logits.double() if logits.dtype == torch.float64 else logits.float(), 1)
    log_p = log_p.gather(1, target[:, None]).squeeze(1)
    loss = -log_p
    if gamma > 0:
        # expm1 keeps 1 - p exact near 1; the floor keeps the slope finite where gamma < 1
        loss = loss * (-torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny) ** gamma
    if alpha is not None:
        loss = loss * alpha.to(loss)[target]
    return loss.mean()


def inverse_frequency(labels: np.ndarray, n_classes: int = N_CLASSES) -> Tensor:
    """Class weights by inverse frequency: 1 for the rarest class, n_rarest / n for the others.

    This keeps alpha within 0-1 as equation 6 asks for; absent classes have weight 0, since no
    sample can have them.

    Parameters
    ----------
    labels : array of int
        Classes 1..n_classes of the training samples.
    n_classes : int
        Number of outputs.

    Examples
    --------
    >>> import numpy as np
    >>> inverse_frequency(np.array([2, 2, 2, 2, 3]), 4)
    tensor([0.0000, 0.2500, 1.0000, 0.0000])
    """
    counts = np.bincount(np.asarray(labels, np.int64) - 1, minlength=n_classes)
    present = counts > 0
    weights = np.zeros(n_classes, np.float32)
    weights[present] = counts[present].min() / counts[present]
    return torch.from_numpy(weights)
