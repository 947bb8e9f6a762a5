"""Networks as ONNX and torch.export files: the same numbers, and a description that travels."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from test_training_run import stripes, subsets_of
from typer.testing import CliRunner

from lczlib import extras
from lczlib.cli import app
from lczlib.errors import InputError, WeightsError
from lczlib.models import ARCHITECTURES, Weights, build, load_model, save_safetensors
from lczlib.models import export as export_module
from lczlib.models.export import export_network
from lczlib.training.run import run_training
from lczlib.training.trainer import Options

QUICK = ("sen2lcz", "yoo_cnn", "random_forest")
NETWORKS = [
    pytest.param(name, format_, marks=() if name in QUICK else pytest.mark.slow)
    for name, a in ARCHITECTURES.items() if a.task == "lcz" for format_ in ("onnx", "pt2")
]  # fmt: skip


def weights_file(folder, name):
    """A network with random weights, batch norm included, or a forest grown on synthetic stripes."""
    if name == "random_forest":
        options = Options(name, {"n_trees": 10}, device="cpu")
        return run_training(subsets_of(stripes(60)), options, folder / "run").path
    torch.manual_seed(1)
    network = build(name, 2)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(layer.running_mean, std=0.1)
            torch.nn.init.uniform_(layer.running_var, 0.5, 1.5)
    size = max(16, ARCHITECTURES[name].min_patch_size)
    described = Weights(
        "net", name, "s2", ("B03", "B08"), patch_size=size, normalisation="fixed", mean=(0.1, 0.3),
        std=(0.02, 0.1), licence="CC0-1.0", simulated=True,
    )  # fmt: skip
    return save_safetensors(folder / "net.safetensors", network, described)


def computed(path, x):
    """What other programs compute from a file."""
    if path.suffix == ".onnx":
        onnx.checker.check_model(str(path), full_check=True)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return session.run(["logits"], {"patches": x.numpy()})[0]
    return torch.export.load(path).module()(x).detach().numpy()


def metadata(path):
    if path.suffix == ".onnx":
        return {p.key: p.value for p in onnx.load(path).metadata_props}
    files = {f"{k}.txt": "" for k in ("lczlib", "bands", "classes", "scaling", "mean", "simulated")}
    torch.export.load(path, extra_files=files)
    return {k.removesuffix(".txt"): v for k, v in files.items()}


@pytest.mark.parametrize(("name", "format_"), NETWORKS)
def test_an_exported_network_gives_the_same_logits_for_any_batch(name, format_, tmp_path):
    source = weights_file(tmp_path, name)
    made = export_network(source, tmp_path / f"net.{format_}")
    assert made.difference <= 1e-5
    assert made.n == 32
    network = load_model(source)
    size = network.weights.patch_size
    for n in (1, 5):
        x = torch.randn(n, 2, size, size)
        with torch.no_grad():
            expected = network(x).numpy()
        np.testing.assert_allclose(computed(made.path, x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("format_", ["onnx", "pt2"])
def test_bands_scaling_and_classes_travel_with_the_network(format_, tmp_path):
    source = weights_file(tmp_path, "yoo_cnn")
    found = metadata(export_network(source, tmp_path / f"net.{format_}").path)
    assert found["bands"] == "B03, B08"
    assert found["classes"] == "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, A, B, C, D, E, F, G"
    assert found["scaling"].startswith("(value - mean) / std")
    assert found["mean"] == "0.1, 0.3"
    assert "simulated" in found["simulated"]
    described = load_model(source).weights
    assert Weights.from_dict(json.loads(found["lczlib"])) == described


def test_a_file_that_computes_something_else_is_not_kept(tmp_path, monkeypatch):
    source = weights_file(tmp_path, "yoo_cnn")
    write = export_module._write_onnx

    def wrong(network, *arguments):
        other = build("yoo_cnn", 2).eval()
        other.load_state_dict({k: v * 1.01 for k, v in network.state_dict().items()})
        write(other, *arguments)

    monkeypatch.setattr(export_module, "_write_onnx", wrong)
    with pytest.raises(
        WeightsError, match=r"differ by up to .* more than 1e-05: it was not written"
    ):
        export_network(source, tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()
    made = export_network(source, tmp_path / "net.onnx", tolerance=1.0)
    assert made.difference > 1e-5


def test_the_command_exports_published_weights_and_says_how_close_they_are(mirror, tmp_path):
    path = tmp_path / "sen2lcz.onnx"
    result = CliRunner().invoke(app, ["weights", "export", "sen2lcz_net", "--out", str(path)])
    assert result.exit_code == 0, result.output
    assert "differ from PyTorch's by" in result.output
    assert "n = 32" in result.output
    x = torch.rand(3, 10, 32, 32)
    with torch.no_grad():
        expected = load_model("sen2lcz_net")(x).softmax(1).numpy()
    found = torch.from_numpy(computed(path, x)).softmax(1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_water_network_and_unknown_formats_are_refused(mirror, tmp_path):
    with pytest.raises(InputError, match="maps water and reads three windows"):
        export_network("gmnet_as", tmp_path / "water.onnx")
    with pytest.raises(InputError, match="'tflite' is no export format: use onnx or pt2"):
        export_network("demo_s2", tmp_path / "net.tflite")


def test_missing_packages_are_named(tmp_path, monkeypatch):
    there = extras.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda p: None if p == "onnxscript" else there(p))
    with pytest.raises(InputError, match=r"needs onnxscript: pip install 'lczlib\[export\]'"):
        export_network("demo_s2", tmp_path / "net.onnx")
