"""The networks that LCZ maps are compared with: their blocks, sizes, and the way to a map."""

import numpy as np
import pandas as pd
import pytest
import rasterio
import torch
from sklearn.ensemble import RandomForestClassifier
from test_training_run import stripes, subsets_of
from typer.testing import CliRunner

from lczlib.cli import app
from lczlib.errors import Cancelled, InputError, LczError, WeightsError
from lczlib.mapping import MapRequest, make_engine, map_city
from lczlib.mapping.engines import TorchEngine
from lczlib.maps import open_probabilities
from lczlib.models import (
    ARCHITECTURES,
    Weights,
    build,
    import_weights,
    load_model,
    read_safetensors,
    save_safetensors,
)  # fmt: skip
from lczlib.models.blocks import NonLocal, SqueezeExcite
from lczlib.models.rsnnet import ResSE
from lczlib.models.weights import SENTINEL2_BANDS
from lczlib.polygons import open_polygons
from lczlib.scenes import open_sentinel2
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.training.forest import Forest, cell_means
from lczlib.training.inputs import SceneFiles, patches_of
from lczlib.training.patches import patches_at
from lczlib.training.run import Subsets, run_training
from lczlib.training.splits import split
from lczlib.training.trainer import Options, fit_network

# --- blocks, against numpy


def test_squeeze_and_excitation_is_that_of_its_equations():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 32, 5, 4))
    block = SqueezeExcite(32, 4).double()
    l1, b1, l2, b2 = (p.detach().numpy() for p in block.parameters())
    assert l1.shape == (8, 32)
    z = x.sum((2, 3)) / 20
    hidden = np.maximum(z @ l1.T + b1, 0)
    s = 1 / (1 + np.exp(-(hidden @ l2.T + b2)))
    expected = x * s[:, :, None, None]
    np.testing.assert_allclose(block(torch.from_numpy(x)).detach(), expected, atol=1e-12)


def test_the_non_local_block_is_that_of_its_equations():
    """Written out place by place, as Wang et al. (2018) write it."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 6, 3, 4))
    block = NonLocal(6).double().eval()
    torch.nn.init.normal_(block.norm.running_mean)
    torch.nn.init.uniform_(block.norm.running_var, 0.5, 2)
    torch.nn.init.normal_(block.norm.weight)
    torch.nn.init.normal_(block.norm.bias)
    theta, phi, g, w = (
        layer.weight.detach().numpy()[:, :, 0, 0]
        for layer in (block.theta, block.phi, block.g, block.out)
    )
    assert theta.shape == (3, 6)
    mean, var, gamma, beta = (
        t.detach().numpy()
        for t in (block.norm.running_mean, block.norm.running_var, block.norm.weight, block.norm.bias)
    )  # fmt: skip
    expected = np.empty_like(x)
    for n in range(2):
        places = [(r, c) for r in range(3) for c in range(4)]
        for i in places:
            a = theta @ x[n, :, i[0], i[1]]
            f = np.array([np.exp(a @ (phi @ x[n, :, r, c])) for r, c in places])
            y = sum(
                weight * (g @ x[n, :, r, c])
                for weight, (r, c) in zip(f / f.sum(), places, strict=True)
            )
            z = (w @ y - mean) / np.sqrt(var + 1e-5) * gamma + beta
            expected[n, :, i[0], i[1]] = x[n, :, i[0], i[1]] + z
    np.testing.assert_allclose(block(torch.from_numpy(x)).detach(), expected, atol=1e-10)


def test_the_groups_of_a_resnext_block_do_not_see_each_other():
    block = ResSE(8, 8, 8, 1, groups=4, reduction=4)
    x = torch.rand(1, 8, 5, 5, requires_grad=True)
    block.transform[0](x)[0, 0].sum().backward()  # the first channel is of the first group of two
    assert x.grad[0, :2].abs().sum() > 0
    assert x.grad[0, 2:].abs().sum() == 0


# --- sizes, worked out by hand


def _squeeze(c, ratio=16):
    return c * (c // ratio) + c // ratio + (c // ratio) * c + c


def _rsnnet(bands, classes):
    total, n = bands * 64 * 9 + 2 * 64, 64
    for stage, mid in enumerate((64, 128, 256)):
        out = 2 * mid
        for block in range(3):
            total += n * mid + 2 * mid  # 1x1 and its batch norm
            total += mid * (mid // 16) * 9 + 2 * mid  # each channel sees one of 16 groups
            total += mid * out + 2 * out + _squeeze(out)
            total += (n * out + 2 * out) if block == 0 else 0
            n = out
        total += (4 * out * (out // 2) + 2 * out) if stage < 2 else 0
    return total + 512 * classes + classes


def _lcznet(bands, classes):
    total, n = bands * 32 * (9 + 25) + 2 * 64, 64
    for level, width in enumerate((64, 96, 192, 288)):
        total += (n * width * 9 + 2 * width) if level else 0
        total += 2 * (width * width * 9 + 2 * width) + _squeeze(width)
        n = width
    return total + 288 * classes + classes


def _mscnn(bands, classes):
    total = bands * (16 * 25 + 32 * 9 + 16) + 2 * 64
    for n, width in ((64, 64), (64, 128), (128, 256)):
        total += n * width * 9 + 2 * width + width * width * 9 + 2 * width
    return total + 256 * classes + classes


def _yoo(bands, classes):
    return bands * 32 * 9 + 32 + 3 * (32 * 32 * 9 + 32) + 32 * classes + classes


@pytest.mark.parametrize(
    ("name", "bands", "classes", "expected"),
    [
        ("resnet50", 3, 1000, 25_557_032),  # as published for ImageNet
        ("densenet121", 3, 1000, 7_978_856),
        ("resnet50", 19, 17, 25_557_032 + 16 * 64 * 49 - 983 * 2049),
        ("densenet121", 19, 17, 7_978_856 + 16 * 64 * 49 - 983 * 1025),
        ("lcznet", 10, 17, 3_151_961),
        *((n, b, c, f(b, c)) for b, c in ((10, 17), (19, 5)) for n, f in
          (("rsnnet", _rsnnet), ("lcznet", _lcznet), ("mscnn", _mscnn), ("yoo_cnn", _yoo))),
    ],
)  # fmt: skip
def test_a_network_has_the_parameters_worked_out_for_it(name, bands, classes, expected):
    assert sum(p.numel() for p in build(name, bands, classes).parameters()) == expected


# --- the random forest


def test_grown_trees_as_a_network_give_the_probabilities_of_scikit_learn():
    train, other = stripes(300), stripes(200, seed=9)
    forest = Forest(25, seed=3).fit(train)
    network, options = forest.as_network()
    reference = RandomForestClassifier(25, random_state=3).fit(cell_means(train), train.labels)
    expected = reference.predict_proba(cell_means(other))
    x = torch.from_numpy(other.read(np.arange(len(other))))
    found = network(x).softmax(1).numpy()
    np.testing.assert_allclose(found[:, reference.classes_ - 1], expected, atol=1e-6)
    np.testing.assert_allclose(found, forest.predict(other), atol=1e-6)
    assert found[:, 0].max() < 1e-20  # LCZ 1 was not among the classes
    assert options["n_leaves"] == sum(t.tree_.n_leaves for t in reference.estimators_)


def test_values_at_a_threshold_go_the_way_of_scikit_learn():
    """float32 values against float64 thresholds that lie between two of them."""
    patches = stripes(200)
    forest = Forest(5).fit(patches)
    network, _ = forest.as_network()
    tree = forest._forest.estimators_[0].tree_
    splits = tree.children_left >= 0
    near = tree.threshold[splits].astype(np.float32)
    values = np.concatenate([near, np.nextafter(near, np.float32(9)), np.nextafter(near, -near)])
    for band in range(2):
        x = np.zeros((len(values), 2), np.float32)
        x[:, band] = values
        expected = forest._forest.predict_proba(x)
        found = network(torch.from_numpy(x)[:, :, None, None]).softmax(1).numpy()
        columns = forest._forest.classes_ - 1
        np.testing.assert_allclose(found[:, columns], expected, atol=1e-6)


def test_a_forest_can_be_stopped_and_reports_its_trees():
    steps = []
    forest = Forest(25)
    with pytest.raises(Cancelled, match="20 of 25 trees"):
        forest.fit(
            stripes(60), progress=lambda *done: steps.append(done), cancelled=lambda: len(steps) == 2
        )  # fmt: skip
    assert steps == [(10, 25), (20, 25)]


def test_a_forest_is_never_computed_in_half_precision(tmp_path):
    options = Options("random_forest", {"n_trees": 5}, device="cpu")
    path = run_training(subsets_of(stripes(60)), options, tmp_path / "run").path
    engine = make_engine(str(path), precision="mixed")
    assert type(engine) is TorchEngine
    assert "float32" in engine.description


# --- from lcz train to a map


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A simulated summer scene, its polygons, and a corner of it of 30 cells."""
    folder = tmp_path_factory.mktemp("town")
    write_so2sat(simulate_city(3, seed=5), folder)
    (scene,) = folder.glob("Sentinel-2/*/summer/*.tif")
    (areas,) = folder.glob("Reference/*/polygons.gpkg")
    corner = folder / "corner.tif"
    with rasterio.open(scene) as src:
        window = rasterio.windows.Window(20, 40, 60, 50)
        profile = {
            **src.profile,
            "width": 60,
            "height": 50,
            "transform": src.window_transform(window),
        }
        profile.update(tiled=False, blockxsize=None, blockysize=None)
        with rasterio.open(
            corner, "w", **{k: v for k, v in profile.items() if v is not None}
        ) as dst:
            dst.write(src.read(window=window))
            dst.descriptions = src.descriptions
            dst.update_tags(**src.tags())
    return scene, areas, corner


@pytest.mark.slow
@pytest.mark.parametrize(
    "arch", [a for a in ARCHITECTURES.values() if a.task == "lcz"], ids=lambda a: a.name
)
def test_every_network_trains_and_maps_a_scene(arch, town, tmp_path):
    scene, areas, corner = town
    size = max(arch.min_patch_size, min(arch.patch_size, 16))
    arguments = [
        "train", str(scene), "--polygons", str(areas), "--spacing", "160", "--split", "random",
        "--without", "1,2,3,7,8,C,E", "--arch", arch.name, "--patch", str(size), "--epochs", "1", "--device", "cpu",
        "--no-figures", "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    path = tmp_path / "run/model.safetensors"
    weights, state = read_safetensors(path)
    assert (weights.architecture, weights.patch_size) == (arch.name, size)
    assert weights.accuracy["n"] > 10
    network = load_model(path)
    assert not network.training
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())
    request = MapRequest((str(corner),), weights=(str(path),), device="cpu", engine="torch")
    lcz = map_city(request, tmp_path / "map").kinds["s2"]
    assert lcz.shape == (5, 6)
    assert lcz.isin(range(1, 18)).all()


def test_a_forest_file_maps_as_the_forest_that_was_grown_predicts(town, tmp_path):
    scene, areas, corner = town
    labelled = patches_of(
        SceneFiles((str(scene),)), open_polygons(areas), patch_size=10, spacing=100
    )
    subsets = Subsets.of(labelled, split(labelled.table, "random"))
    options = Options("random_forest", {"n_trees": 20}, seed=4, device="cpu")
    path = run_training(subsets, options, tmp_path / "run").path
    request = MapRequest((str(corner),), weights=(str(path),), device="cpu")
    map_city(request, tmp_path / "map")
    mapped = open_probabilities(tmp_path / "map/s2_proba.tif")
    x, y = (a.ravel() for a in np.meshgrid(mapped.x, mapped.y))
    cells = patches_at(
        open_sentinel2(corner), pd.DataFrame({"lcz": 1, "x": x, "y": y}), sensor="s2",
        bands=SENTINEL2_BANDS, patch_size=10,
    )  # fmt: skip
    expected = Forest(20, seed=4).fit(subsets.train).predict(cells)
    found = mapped.transpose("y", "x", "lcz").values.reshape(-1, 17)
    assert len(found) == 30
    np.testing.assert_allclose(found, expected, atol=1e-4)  # as the file stores them


# --- refusals


@pytest.mark.parametrize(
    ("name", "size"), [("resnet50", 31), ("densenet121", 16), ("rsnnet", 4), ("lcznet", 7)]
)
def test_patches_too_small_for_a_network_are_refused(name, size, tmp_path):
    least = ARCHITECTURES[name].min_patch_size
    described = Weights("mine", name, "s2", ("B02",), patch_size=size)
    save_safetensors(tmp_path / "w.safetensors", build(name, 1), described)
    with pytest.raises(WeightsError, match=f"patches of {size} pixels, .* needs {least} or more"):
        load_model(tmp_path / "w.safetensors")
    arguments = [
        "weights", "import", str(tmp_path / "w.safetensors"), "--arch", name, "--bands", "B02",
        "--patch-size", str(size), "--name", "small",
    ]  # fmt: skip
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, WeightsError)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sen2lcz", {"depht": 3}, r"Sen2LCZ-Net has no option 'depht': it has width, depth"),
        ("resnet50", {"width": 3}, r"ResNet-50 has no option 'width': it has none"),
        ("rsnnet", {"width": 40}, r"width 40 is no multiple of its cardinality 16"),
        ("rsnnet", {"stages": 2}, r"three stages or more, not 2"),
        ("lcznet", {"widths": [33, 64]}, r"33 is odd"),
        ("yoo_cnn", {"width": -3}, r"cannot be built with width=-3"),
        ("mscnn", {"width": "wide"}, r"cannot be built with width='wide'"),
    ],
)
def test_options_that_make_no_network_are_refused(name, options, message):
    with pytest.raises(InputError, match=message):
        build(name, 3, **options)


@pytest.mark.parametrize("options", [{"depth": 3}, {"n_trees": 0}, {"seed": 3}, {"n_trees": "all"}])
def test_options_that_make_no_forest_are_refused(options, tmp_path):
    subsets = subsets_of(stripes(60))
    with pytest.raises(InputError, match=r"Random forest has no option|whole number of 1 or more"):
        fit_network(subsets.train, subsets.validation, Options("random_forest", options), tmp_path)


def test_weights_of_another_number_of_classes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    torch.save(build("rsnnet", 3, 5).state_dict(), tmp_path / "five.pth")
    described = Weights("five", "rsnnet", "s2", ("B02", "B03", "B04"))
    with pytest.raises(WeightsError, match=r"head\.bias is \[5\], not \[17\]: .*classes"):
        import_weights(tmp_path / "five.pth", described)
    save_safetensors(tmp_path / "five.safetensors", build("rsnnet", 3, 5), described)
    with pytest.raises(WeightsError, match=r"3 bands and 17 classes \(head\.bias is \[5\]"):
        load_model(tmp_path / "five.safetensors")


@pytest.mark.parametrize("name", ["sen2lcz", "random_forest"])
def test_labels_that_are_no_lcz_are_refused(name, tmp_path):
    patches = stripes(60)
    patches.table["lcz"] = patches.table["lcz"].replace(14, 104).astype(np.uint8)
    subsets = subsets_of(patches)
    with pytest.raises(LczError, match=r"Labels 104 of the training patches are no LCZ"):
        fit_network(subsets.train, subsets.validation, Options(name, device="cpu"), tmp_path)
