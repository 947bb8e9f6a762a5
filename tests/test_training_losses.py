"""Focal loss and class weights."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lczlib.errors import InputError
from lczlib.training.losses import focal_loss, inverse_frequency


def random_case(dtype=torch.float32, n=64):
    generator = torch.Generator().manual_seed(1)
    logits = 3 * torch.randn(n, 17, generator=generator, dtype=dtype)
    return logits, torch.randint(17, (n,), generator=generator)


def test_the_loss_of_two_samples_worked_out_by_hand():
    # probabilities of the true class 0.8 and 0.1, weights 0.5 and 1, gamma 2:
    # 0.5 x 0.04 x 0.22314 = 0.0044629 and 1 x 0.81 x 2.302585 = 1.8650939; their mean is 0.9347784
    logits = torch.log(torch.tensor([[0.8, 0.1, 0.1], [0.6, 0.1, 0.3]])) + 5.0
    loss = focal_loss(logits, torch.tensor([0, 1]), 2.0, torch.tensor([0.5, 1.0, 1.0]))
    by_hand = (0.5 * 0.2**2 * -math.log(0.8) + 1.0 * 0.9**2 * -math.log(0.1)) / 2
    assert float(loss) == pytest.approx(by_hand, rel=1e-5) == pytest.approx(0.9347784, rel=1e-5)


def test_gamma_zero_without_weights_is_cross_entropy():
    logits, target = random_case()
    assert torch.allclose(focal_loss(logits, target, 0.0), F.cross_entropy(logits, target))
    ones = torch.ones(17)
    assert torch.allclose(focal_loss(logits, target, 0.0, ones), F.cross_entropy(logits, target))


def test_a_larger_gamma_takes_weight_from_well_classified_samples():
    easy, hard = torch.tensor([[4.0, 0.0]]), torch.tensor([[0.0, 4.0]])
    target = torch.tensor([0])
    shares = [
        float(focal_loss(easy, target, g) / focal_loss(hard, target, g)) for g in (0.0, 1.0, 2.0)
    ]
    assert shares[0] > 10 * shares[1] > 100 * shares[2]


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_gradients_agree_with_finite_differences(gamma):
    logits, target = random_case(torch.float64, n=5)
    alpha = torch.rand(17, dtype=torch.float64)
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: focal_loss(x, target, gamma, alpha), logits)


def test_a_certain_and_right_sample_has_a_finite_gradient():
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    focal_loss(logits, torch.tensor([0]), 0.5).backward()
    assert torch.isfinite(logits.grad).all()


def test_half_precision_logits_lose_nothing():
    logits, target = random_case()
    assert focal_loss(logits.half(), target).dtype == torch.float32
    assert torch.allclose(focal_loss(logits.half(), target), focal_loss(logits, target), rtol=1e-2)


def test_a_negative_gamma_is_refused():
    with pytest.raises(InputError, match="gamma of 0 or more, not -1"):
        focal_loss(*random_case(), gamma=-1.0)


def test_class_weights_are_inverse_to_frequency_and_within_one():
    labels = np.repeat([1, 6, 17], [10, 40, 5])
    weights = inverse_frequency(labels)
    assert weights[[0, 5, 16]].tolist() == pytest.approx([0.5, 0.125, 1.0])
    assert weights.sum() == pytest.approx(1.625)  # absent classes weigh nothing
    # every class then has the same weight in all
    assert np.ptp([float(weights[c - 1]) * (labels == c).sum() for c in (1, 6, 17)]) < 1e-5
