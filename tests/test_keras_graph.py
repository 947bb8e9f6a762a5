"""Keras models that bring their own layers.

The published LCZNet file is not at hand: files here are written by the tests in the layout of Keras
2, from random weights of our own networks, or from the published So2Sat weights (that file holds
weights alone; its list of layers is added here).
"""

import json
import shutil

import h5py
import numpy as np
import pytest
import torch
from test_models import keras_file
from typer.testing import CliRunner

from lczlib.cli import app
from lczlib.errors import WeightsError
from lczlib.models import Weights, build, import_weights, load_model
from lczlib.models.keras_graph import KerasGraph, read_graph
from lczlib.models.lcznet import LCZNet
from lczlib.models.resnet20 import ResNet20

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12", "B8A")


class KerasModel:
    """The list of layers of a functional model, as Keras 2 writes it."""

    def __init__(self, size, bands):
        shape = [None, size, size, bands]
        self.layers = []
        self.input = self.add("InputLayer", [], name="input_1", batch_input_shape=shape)

    def add(self, kind, inputs, name="", **settings):
        name = name or f"{kind.lower()}_{len(self.layers)}"
        nodes = [[[i, 0, 0, {}] for i in inputs]] if inputs else []
        config = {"name": name, "trainable": True, **settings}
        self.layers.append(
            {"class_name": kind, "name": name, "config": config, "inbound_nodes": nodes}
        )
        return name

    def conv(self, x, name, kernel, stride=1):
        return self.add(
            "Conv2D", [x], name, kernel_size=[kernel] * 2, strides=[stride] * 2, padding="same",
            data_format="channels_last", dilation_rate=[1, 1], activation="linear",
        )  # fmt: skip

    def norm(self, x, name, relu=True):
        x = self.add("BatchNormalization", [x], name, epsilon=1e-3, axis=3)
        return self.add("Activation", [x], activation="relu") if relu else x

    def write(self, path):
        config = {"name": "model_1", "layers": self.layers[::-1]}  # order must not matter
        with h5py.File(path, "a") as file:
            text = json.dumps({"class_name": "Model", "config": config})
            file.attrs["model_config"] = text.encode()


def resnet20_model(size=32, bands=10):
    """The published ResNet20's layers, by their numbers in the file."""
    m = KerasModel(size, bands)
    x = m.norm(m.conv(m.input, "conv2d_1", 3), "batch_normalization_1")
    conv, norm = 2, 2
    for block in range(6):
        stage, first = divmod(block, 2)
        stride = 2 if stage and not first else 1
        y = x
        if block:
            y, norm = m.norm(y, f"batch_normalization_{norm}"), norm + 1
        y = m.conv(y, f"conv2d_{conv}", 1, stride)
        y = m.conv(m.norm(y, f"batch_normalization_{norm}"), f"conv2d_{conv + 1}", 3)
        y = m.conv(m.norm(y, f"batch_normalization_{norm + 1}"), f"conv2d_{conv + 2}", 1)
        conv, norm = conv + 3, norm + 2
        if not first:
            x, conv = m.conv(x, f"conv2d_{conv}", 1, stride), conv + 1
        x = m.add("Add", [x, y])
    x = m.norm(x, f"batch_normalization_{norm}")
    x = m.add("AveragePooling2D", [x], pool_size=[8, 8], strides=[8, 8], padding="valid")
    x = m.add("Flatten", [x])
    m.add("Dense", [x], "dense_1", activation="softmax")
    return m


def test_a_listed_network_with_published_weights_reproduces_its_original(mirror, shared, tmp_path):
    path = tmp_path / "whole.h5"
    shutil.copyfile(mirror / "so2sat_s2_resnet20.h5", path)
    resnet20_model().write(path)
    described = Weights("whole", "lcznet", "s2", tuple("abcdefghij"), patch_size=32)
    model = load_model(import_weights(path, described))
    assert isinstance(model, KerasGraph)
    reference = np.load(shared / "goldens/resnet20_s2.npz")
    x = torch.from_numpy(reference["x"]).permute(0, 3, 1, 2)
    with torch.no_grad():
        np.testing.assert_allclose(model(x).softmax(1), reference["p"], atol=1e-5)


def lcznet_model(widths, size=64):
    """LCZNet as Keras would list it, squeeze-and-excitation by Reshape and Multiply."""
    m = KerasModel(size, 10)
    number = dict.fromkeys(("conv2d", "batch_normalization", "dense"), 0)

    def next_(kind):
        number[kind] += 1
        return f"{kind}_{number[kind]}"

    def unit(x, width):
        y = m.norm(m.conv(x, next_("conv2d"), 3), next_("batch_normalization"))
        y = m.norm(m.conv(y, next_("conv2d"), 3), next_("batch_normalization"), relu=False)
        z = m.add("GlobalAveragePooling2D", [y])
        z = m.add("Dense", [z], next_("dense"), activation="relu")
        z = m.add("Dense", [z], next_("dense"), activation="sigmoid")
        z = m.add("Reshape", [z], target_shape=[1, 1, width])
        return m.add(
            "Activation", [m.add("Add", [x, m.add("Multiply", [y, z])])], activation="relu"
        )

    scales = [m.conv(m.input, next_("conv2d"), kernel) for kernel in (3, 5)]
    x = m.norm(m.add("Concatenate", scales, axis=-1), next_("batch_normalization"))
    x = unit(x, widths[0])
    for width in widths[1:]:
        x = m.add("MaxPooling2D", [x], pool_size=[2, 2], strides=[2, 2], padding="valid")
        x = m.norm(m.conv(x, next_("conv2d"), 3), next_("batch_normalization"))
        x = unit(x, width)
    x = m.add("Dropout", [m.add("GlobalAveragePooling2D", [x])], rate=0.5)
    m.add("Dense", [x], next_("dense"), activation="softmax")
    return m


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Our LCZNet of other widths with random weights, and its file in the layout of Keras."""
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(2)
    widths = (16, 24, 32)
    network = LCZNet(10, 17, widths, 4).eval()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(layer.running_mean, std=0.1)
            torch.nn.init.uniform_(layer.running_var, 0.5, 1.5)
    keras_file(tmp_path / "own.h5", network)
    return network, tmp_path / "own.h5", widths


def test_a_saved_lcznet_is_imported_with_its_own_widths_bands_and_scaling(own, tmp_path):
    network, path, widths = own
    lcznet_model(widths).write(path)
    result = CliRunner().invoke(app, ["weights", "import", str(path), "--arch", "lcznet"])
    assert result.exit_code == 0, result.output
    model = load_model("own")
    assert model.weights.bands == BANDS
    assert model.weights.scale == 2.0  # DN / 5000
    assert model.weights.patch_size == 64
    x = torch.randn(3, 10, 64, 64)
    with torch.no_grad():
        np.testing.assert_allclose(model(x).softmax(1), network(x).softmax(1), atol=1e-6)


def test_weights_alone_are_matched_to_lcznet_by_number_and_shape(tmp_path, monkeypatch):
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    network = build("lcznet", 10)
    keras_file(tmp_path / "weights.h5", network, first=7)
    path = import_weights(tmp_path / "weights.h5", Weights("mine", "lcznet", "s2", BANDS))
    x = torch.randn(2, 10, 48, 48)
    assert torch.equal(load_model(path)(x), network.eval()(x))


def test_weights_alone_of_another_lcznet_are_refused_with_what_does_not_fit(own):
    _, path, _ = own
    with pytest.raises(WeightsError) as caught:
        import_weights(path, Weights("mine", "lcznet", "s2", BANDS))
    message = str(caught.value)
    assert "layers missing batch_normalization_10, batch_normalization_11" in message
    assert "left over none" in message
    assert "conv2d_1 weight 8 x 10 x 3 x 3 instead of 32 x 10 x 3 x 3" in message
    assert "more" in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.add("Lambda", [m.input]), "not known here: Lambda"),
        (lambda m: m.add("Activation", [m.input], activation="swish"), "not known here: swish"),
        (lambda m: m.add("InputLayer", [], batch_input_shape=[None, 9, 9, 2]), "2 inputs and"),
        (lambda m: m.add("Add", ["nowhere"]), "nothing leads to"),
        (lambda m: m.add("ReLU", [m.layers[-1]["name"]], max_value=6.0), "more than a ReLU"),
        (lambda m: m.add("Activation", [m.layers[-1]["name"]], activation="sigmoid"), "in sigmoid"),
        (lambda m: m.layers[0]["config"].update(batch_input_shape=[None, 64, 64, 4]), "reads 4 bands"),
        (lambda m: m.layers[0]["config"].update(batch_input_shape=[None, 50, 50, 10]), "patches of 50"),
        (lambda m: m.layers[0].pop("config"), "no known form"),
    ],
)  # fmt: skip
def test_models_that_cannot_be_run_are_refused(own, change, message):
    _, path, widths = own
    model = lcznet_model(widths)
    change(model)
    model.write(path)
    with pytest.raises(WeightsError, match=message):
        import_weights(path, Weights("mine", "lcznet", "s2", BANDS, patch_size=64))


def test_a_model_of_other_classes_is_refused(tmp_path):
    network = LCZNet(10, 5, (16,), 4)
    keras_file(tmp_path / "five.h5", network)
    lcznet_model((16,)).write(tmp_path / "five.h5")
    with pytest.raises(WeightsError, match=r"gives 5 classes; .* 17 classes"):
        import_weights(tmp_path / "five.h5", Weights("five", "lcznet", "s2", BANDS, patch_size=64))


def test_same_padding_and_flattening_are_those_of_keras(tmp_path):
    """Uneven padding goes to the end, averages leave it out, channels come last when flattened."""
    m = KerasModel(5, 1)
    x = m.add("AveragePooling2D", [m.input], pool_size=[2, 2], strides=[2, 2], padding="same")
    y = m.add("MaxPooling2D", [m.input], pool_size=[2, 2], strides=[2, 2], padding="same")
    x = m.add("Flatten", [m.add("Concatenate", [x, y], axis=-1)])
    m.add("Dense", [x], "dense_1", activation="softmax")
    head = torch.nn.Linear(18, 17)
    keras_file(tmp_path / "w.h5", type("Net", (), {"keras_layers": lambda _: {"dense_1": head}})())
    m.write(tmp_path / "w.h5")
    image = np.arange(25, dtype=np.float32).reshape(5, 5) - 30
    windows = [image[r : r + 2, c : c + 2] for r in (0, 2, 4) for c in (0, 2, 4)]
    flat = np.array([f(w) for w in windows for f in (np.mean, np.max)])
    graph = KerasGraph(1, 17, read_graph(tmp_path / "w.h5"))
    graph.weighted[0].load_state_dict(head.state_dict())
    expected = flat @ head.weight.detach().numpy().T + head.bias.detach().numpy()
    found = graph(torch.from_numpy(image)[None, None]).detach().numpy()[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_file_of_weights_alone_has_no_list_of_layers(mirror):
    assert read_graph(mirror / "so2sat_s2_resnet20.h5") is None
    assert isinstance(build("lcznet", 10), LCZNet)
    assert isinstance(build("resnet20", 10), ResNet20)
