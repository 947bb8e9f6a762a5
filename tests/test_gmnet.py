"""GMNet: parity with the published network, and what the faster forms must not change."""

import numpy as np
import pytest
import torch

from lczlib.errors import WeightsError
from lczlib.models.gmnet import GMNet
from lczlib.models.loading import load_original

ORBITS = ("as", "des", "as_des")


def published(shared, orbit):
    golden = np.load(shared / "goldens" / f"gmnet_{orbit}.npz")
    inputs = [torch.from_numpy(golden[k]) for k in ("high", "mid", "low")]
    model = GMNet(inputs[0].shape[1])
    load_original(model, shared / "mirror" / f"gmnet_{orbit}.pth")
    return model.eval(), inputs, torch.from_numpy(golden["prob"])


@pytest.mark.parametrize("orbit", ORBITS)
@torch.inference_mode()
def test_forward_is_the_published_one(shared, orbit):
    model, inputs, prob = published(shared, orbit)
    torch.testing.assert_close(model(*inputs).sigmoid(), prob, atol=1e-4, rtol=0)
    torch.testing.assert_close(model.fused()(*inputs).sigmoid(), prob, atol=1e-4, rtol=0)


@pytest.mark.parametrize("margin", [1, 2, 7, 30, 61])
@torch.inference_mode()
def test_margin_leaves_out_pixels_and_changes_none(margin):
    torch.manual_seed(3)
    model = GMNet(2).eval()
    inputs = [torch.rand(2, 2, 256, 256) for _ in range(3)]
    whole = model(*inputs)
    assert whole.shape == (2, 1, 256, 256)
    torch.testing.assert_close(
        model(*inputs, margin=margin), whole[..., margin:-margin, margin:-margin], atol=1e-6, rtol=0
    )
    uneven = model(*inputs, margin=(margin, 168, 0, 30))
    torch.testing.assert_close(uneven, whole[..., margin:-168, :-30], atol=1e-6, rtol=0)


@torch.inference_mode()
def test_the_three_scales_are_told_apart(shared):
    model, (high, mid, low), prob = published(shared, "as")
    for order in ((mid, high, low), (low, mid, high), (high, low, mid)):
        assert (model(*order).sigmoid() - prob).abs().max() > 0.01


def test_small_patches_are_refused():
    with pytest.raises(ValueError, match="at least 256 px"):
        GMNet(2)(*[torch.zeros(1, 2, 128, 128)] * 3)


def test_weights_of_other_bands_are_refused(shared):
    with pytest.raises(WeightsError, match="does not hold weights of GMNet"):
        load_original(GMNet(2), shared / "mirror" / "gmnet_as_des.pth")


def test_a_missing_layer_is_not_overlooked(shared, tmp_path):
    state = torch.load(shared / "mirror" / "gmnet_as.pth", map_location="cpu", weights_only=True)
    del state["encoder.3.dwconv_bn_relu_2.0.weight"]
    torch.save(state, tmp_path / "cut.pth")
    with pytest.raises(WeightsError, match="does not hold weights of GMNet"):
        load_original(GMNet(2), tmp_path / "cut.pth")


def test_training_reaches_every_parameter():
    model = GMNet(2)
    logits = model(*[torch.rand(2, 2, 256, 256) for _ in range(3)])
    logits.square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
