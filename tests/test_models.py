from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from lczlib.catalog import entries
from lczlib.errors import InputError, WeightsError
from lczlib.export.files import sha256_of
from lczlib.models import (
    ARCHITECTURES,
    Weights,
    build,
    describe,
    import_weights,
    load_model,
    published_weights,
    read_safetensors,
    resolve,
    save_safetensors,
)
from lczlib.models.keras import load_keras
from lczlib.models.resnet20 import ResNet20

LCZ_NETWORKS = [a for a in ARCHITECTURES.values() if a.task == "lcz"]
TRAINED_BY_GRADIENT = [a for a in LCZ_NETWORKS if a.learning == "gradient"]
PUBLISHED = [n for n, e in entries().items() if e.collection == "weights"]


@pytest.mark.parametrize(
    ("name", "golden"),
    [
        ("so2sat_s1_resnet20", "resnet20_s1"),
        ("so2sat_s2_resnet20", "resnet20_s2"),
        ("sen2lcz_net", "sen2lcz"),
    ],
)
def test_published_networks_reproduce_their_originals(mirror, shared, name, golden):
    reference = np.load(shared / "goldens" / f"{golden}.npz")
    model = load_model(name)
    x = torch.from_numpy(reference["x"]).permute(0, 3, 1, 2)
    with torch.no_grad():
        np.testing.assert_allclose(model(x).softmax(1), reference["p"], atol=1e-5)
        if golden == "sen2lcz":
            heads = model.heads_logits(x).softmax(2)[:, [3, 0, 1, 2]]
            np.testing.assert_allclose(heads, reference["p_heads"], atol=1e-5)
        else:
            np.testing.assert_allclose(model.features(x), reference["pooled"], atol=1e-5)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_table_entry_builds_its_network_with_the_parameters_it_states(mirror, name):
    weights, model = published_weights(name), load_model(name)
    counted = sum(p.numel() for p in model.parameters())
    assert counted == entries()[name].properties["mlm:total_parameters"]
    assert not model.training
    assert weights.architecture in ARCHITECTURES
    assert len(weights.mean) in (0, weights.in_channels)


@pytest.mark.parametrize("arch", LCZ_NETWORKS, ids=lambda a: a.name)
@pytest.mark.parametrize(("channels", "n_classes"), [(1, 17), (3, 2), (10, 5), (19, 17)])
def test_networks_take_any_channels_patch_size_and_classes(arch, channels, n_classes):
    model = build(arch.name, channels, n_classes).eval()
    with torch.no_grad():
        for height, width in (
            (arch.patch_size, arch.patch_size), (arch.min_patch_size, arch.min_patch_size), (48, 65)
        ):  # fmt: skip
            found = model(torch.rand(2, channels, height, width))
            assert found.shape == (2, n_classes)
            assert torch.isfinite(found).all()


@pytest.mark.parametrize("arch", TRAINED_BY_GRADIENT, ids=lambda a: a.name)
def test_every_parameter_gets_a_gradient(arch):
    """With statistics of their own: batch norm over the batch takes the gradient of a bias away."""
    torch.manual_seed(0)
    model = build(arch.name, 4).eval()
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(layer.running_mean, std=0.1)
            torch.nn.init.uniform_(layer.running_var, 0.5, 1.5)
    loss = model(torch.rand(3, 4, arch.patch_size, arch.patch_size)).log_softmax(1)[:, 0].sum()
    loss.backward()
    for name, p in model.named_parameters():
        assert p.grad is not None, name
        assert torch.isfinite(p.grad).all(), name
        assert p.grad.abs().max() > 0, name


def keras_file(path, model, first=1):
    """A Keras weights file as Keras writes it, for a network that names its layers."""
    with h5py.File(path, "w") as file:
        names = []
        for name, layer in model.keras_layers().items():
            kind, number = name.rsplit("_", 1)
            name = f"{kind}_{int(number) + first - 1}"
            names.append(name)
            group, stored = file.create_group(name), []
            if isinstance(layer, torch.nn.BatchNorm2d):
                arrays = {
                    "gamma": layer.weight, "beta": layer.bias,
                    "moving_mean": layer.running_mean, "moving_variance": layer.running_var,
                }  # fmt: skip
            else:
                w = layer.weight
                kernel = w.permute(2, 3, 1, 0) if w.ndim == 4 else w.T
                arrays = {"kernel": kernel, "bias": layer.bias}
            for key, tensor in arrays.items():
                if tensor is None:
                    continue
                group[f"{name}/{key}:0"] = tensor.detach().numpy()
                stored.append(f"{name}/{key}:0".encode())
            group.attrs["weight_names"] = stored
        file.attrs["layer_names"] = [n.encode() for n in reversed(names)]  # order must not matter


@pytest.mark.parametrize("name", ["resnet20", "sen2lcz", "lcznet"])
@pytest.mark.parametrize("first", [1, 23])
def test_keras_layers_are_matched_by_number_in_any_order(tmp_path, name, first):
    original, copy = build(name, 4), build(name, 4)
    for p in original.parameters():
        torch.nn.init.normal_(p)
    keras_file(tmp_path / "w.h5", original, first)
    load_keras(copy, tmp_path / "w.h5")
    for (name, a), b in zip(original.named_parameters(), copy.parameters(), strict=True):
        assert torch.equal(a, b), name


def test_weights_of_other_bands_are_refused(tmp_path):
    keras_file(tmp_path / "w.h5", ResNet20(7))
    with pytest.raises(WeightsError, match="other bands"):
        load_keras(ResNet20(10), tmp_path / "w.h5")


def test_weights_of_another_network_are_refused(mirror):
    with pytest.raises(WeightsError, match=r"not of this network.*missing"):
        load_keras(ResNet20(10), mirror / "sen2lcz_net.h5")


@pytest.mark.parametrize("suffix", [".h5", ".pth", ".safetensors"])
def test_a_corrupt_weights_file_is_one_sentence(tmp_path, monkeypatch, suffix):
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(b"\x89HDF\r\n not really" * 10)
    with pytest.raises(WeightsError, match="broken"):
        import_weights(path, Weights("mine", "resnet20", "s2", tuple("abc")))
    assert not (tmp_path / "cache" / "converted").exists()


def test_a_pickle_with_code_is_not_run(tmp_path, monkeypatch):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "was-run"), "w"))

    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    torch.save({"stem.weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError):
        import_weights(tmp_path / "evil.pth", Weights("mine", "resnet20", "s2", tuple("abc")))
    assert not (tmp_path / "was-run").exists()


def test_imported_weights_are_used_by_name_and_by_file(tmp_path, monkeypatch):
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path))
    model = build("sen2lcz", 3)
    torch.save(model.state_dict(), tmp_path / "mine.pth")
    described = Weights("mine", "sen2lcz", "s2", ("B02", "B03", "B04"), licence="MIT")
    path = import_weights(tmp_path / "mine.pth", described)
    for found in (load_model("mine"), load_model(path)):
        assert torch.equal(found.heads[0].weight, model.heads[0].weight)
        assert found.weights.bands == ("B02", "B03", "B04")


def test_a_description_survives_the_file(tmp_path):
    described = Weights(
        "x", "resnet20", "s2", ("B02",), mean=(0.1,), options={}, accuracy={"oa": 0.5, "n": 10}
    )
    save_safetensors(tmp_path / "x.safetensors", build("resnet20", 1), described)
    path = tmp_path / "x.safetensors"
    assert read_safetensors(path)[0] == described
    assert describe(path) == replace(described, sha256=sha256_of(path))


def test_a_bare_safetensors_file_says_what_to_do(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "bare.safetensors")
    with pytest.raises(WeightsError, match="lcz weights import"):
        load_model(tmp_path / "bare.safetensors")


def test_unknown_names_list_what_there_is():
    with pytest.raises(WeightsError, match="so2sat_s2_resnet20"):
        resolve("resnet50-best")
    with pytest.raises(InputError, match="sen2lcz"):
        build("alexnet", 3)


def test_published_names_cannot_be_taken(tmp_path):
    with pytest.raises(WeightsError, match="published"):
        import_weights(tmp_path / "x.pth", Weights("sen2lcz_net", "sen2lcz", "s2", ("B02",)))


def test_a_damaged_conversion_is_made_again(mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path))
    _, converted = resolve("sen2lcz_net")
    converted.write_text("damaged")
    assert load_model("sen2lcz_net").weights.name == "sen2lcz_net"


def test_a_description_of_something_else_is_refused(tmp_path):
    from safetensors.torch import save_file

    for i, described in enumerate(("[]", "{}", "not json")):
        path = tmp_path / f"{i}.safetensors"
        save_file({"a": torch.zeros(1)}, path, metadata={"lczlib": described})
        with pytest.raises(WeightsError, match="description"):
            load_model(path)


def test_names_that_lead_out_of_the_cache_are_refused(tmp_path):
    (tmp_path / "x.pth").write_bytes(b"")
    with pytest.raises(WeightsError, match="cannot be a name"):
        import_weights(tmp_path / "x.pth", Weights("../x", "sen2lcz", "s2", ("B02",)))
