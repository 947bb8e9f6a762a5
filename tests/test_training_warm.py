"""Training that starts from trained weights."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from test_training_run import SMALL, state_of, stripes, subsets_of

from lczlib.errors import InputError, WeightsError
from lczlib.models import Weights, build, save_safetensors
from lczlib.training.evaluation import predict_patches, scaling_of
from lczlib.training.options import TUNING_RATE, Options, Schedule
from lczlib.training.patches import ScenePatches
from lczlib.training.run import run_training
from lczlib.training.trainer import fit_network
from lczlib.training.warm import freeze

BANDS = ("a", "b")
DESCRIBED = Weights(
    "before", "resnet20", "toy", BANDS, patch_size=16, mean=(0.1, 0.2), std=(0.5, 0.6), scale=2.0,
    normalisation="fixed", simulated=True, licence="CC BY 4.0", citation="Somebody 2020", title="Before",
)  # fmt: skip


@pytest.fixture
def before(tmp_path):
    """Weights of a network for the patches of stripes; another of its descriptions by its fields."""

    def write(name: str = "resnet20", **changed: object) -> str:
        described = dataclasses.replace(DESCRIBED, architecture=name, **changed)
        torch.manual_seed(5)
        path = tmp_path / f"{described.name}.safetensors"
        save_safetensors(path, build(name, len(described.bands), len(described.classes)), described)
        return str(path)

    return write


def options(start: str, **more: object) -> Options:
    return Options(
        **{**vars(SMALL), "epochs": 2, "learning_rate": None, "start_from": start, **more}
    )


def fitted(start: str, folder, **more: object):
    subsets = subsets_of(stripes(48))
    return fit_network(subsets.train, subsets.validation, options(start, **more), folder), subsets


@pytest.mark.parametrize("name", ["resnet20", "sen2lcz", "rsnnet"])
@pytest.mark.parametrize("tune", ["head", "stage", "all"])
def test_only_what_is_tuned_moves_batch_statistics_included(before, tmp_path, name, tune):
    path = before(name)
    if (name, tune) == ("rsnnet", "stage"):
        with pytest.raises(InputError, match="does not tell where its last stage begins"):
            fitted(path, tmp_path / "run", tune=tune)
        return
    trained, _ = fitted(path, tmp_path / "run", tune=tune)
    old, new = state_of(path), trained.network.state_dict()
    moved = {k.rpartition(".")[0] for k in old if not torch.equal(old[k], new[k])}
    heads = {"resnet20": {"head"}, "sen2lcz": {f"heads.{i}" for i in range(4)}}.get(name, moved)
    assert moved >= heads
    if tune == "head":
        assert moved == heads
    network = build(name, 2)
    freeze(network, tune)
    free = {n.rpartition(".")[0] for n, p in network.named_parameters() if p.requires_grad}
    assert moved == free
    counted = [
        k for k in old if k.endswith("num_batches_tracked") and not torch.equal(old[k], new[k])
    ]
    # those that are tuned learn the statistics of the new patches
    assert bool(counted) == (tune != "head")


def test_it_starts_where_the_weights_were(before, tmp_path):
    """With a rate that moves nothing, the probabilities are those of the weights, missing pixels included."""
    path = before()
    patches = stripes(40)
    patches.images[0][:, 3:5] = np.nan
    subsets = subsets_of(patches)
    trained = fit_network(
        subsets.train,
        subsets.validation,
        options(path, learning_rate=1e-12, tune="head"),
        tmp_path / "run",
    )
    from lczlib.models import load_model

    old = predict_patches(load_model(path), patches, scaling_of(DESCRIBED), device="cpu")
    new = predict_patches(trained.network, patches, scaling_of(trained.weights), device="cpu")
    np.testing.assert_allclose(new, old, atol=1e-6)


def test_what_comes_out_says_where_it_comes_from(before, tmp_path):
    subsets = subsets_of(stripes(48))
    result = run_training(subsets, options(before(), tune="head"), tmp_path / "run", name="after")
    weights = result.weights
    for kept in (
        "architecture",
        "bands",
        "patch_size",
        "mean",
        "std",
        "scale",
        "normalisation",
        "licence",
        "citation",
    ):
        assert getattr(weights, kept) == getattr(DESCRIBED, kept), kept
    assert weights.name == "after"
    assert weights.source.startswith("before trained on with")
    assert weights.accuracy["n"] == len(subsets.test)
    assert result.report["options"]["architecture"] == "resnet20"
    assert result.report["options"]["learning_rate"] == TUNING_RATE


def test_rates_are_small_unless_stated():
    assert Options().learning_rate == Schedule().learning_rate == 0.002
    assert Options(start_from="sen2lcz_net").learning_rate == TUNING_RATE
    assert Options(start_from="sen2lcz_net", learning_rate=0.01).learning_rate == 0.01


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"bands": ("b", "a")}, "reads b, a of toy, and these patches hold a, b"),
        ({"sensor": "s2"}, "of s2, and these patches hold"),
        ({"pixel_size": 30.0}, "pixels of 30 m, and these patches have 10 m"),
        ({"classes": (2, 6, 14)}, "knows 3 of the 17 classes"),
    ],
)
def test_weights_that_do_not_fit_are_refused(before, tmp_path, changed, words):
    with pytest.raises(InputError, match=words):
        fitted(before(**changed), tmp_path / "run")


def test_patches_without_their_scene_are_refused_where_scenes_are_normalised(before, tmp_path):
    path = before(normalisation="scene")
    with pytest.raises(
        WeightsError, match="which a file of patches does not have: give the scenes"
    ):
        fitted(path, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_normalised_patches_reach_the_network_as_they_are(before, tmp_path):
    path = before(normalisation="scene")
    patches = stripes(40)
    patches.images[0][:, 3:5] = np.nan
    kind = dataclasses.replace(patches.kind, normalised=True)
    subsets = subsets_of(ScenePatches(kind, patches.table, patches.images))
    how = options(path, learning_rate=1e-12, tune="head")
    trained = fit_network(subsets.train, subsets.validation, how, tmp_path / "run")
    assert trained.weights.normalisation == "scene"
    from lczlib.models import load_model

    zeros = np.nan_to_num(patches.read(np.arange(40)))  # the mean, where pixels are missing
    with torch.inference_mode():
        old = load_model(path)(torch.from_numpy(zeros)).softmax(1).numpy()
    new = predict_patches(trained.network, patches, scaling_of(trained.weights, kind), device="cpu")
    np.testing.assert_allclose(new, old, atol=1e-6)


def test_weights_that_are_not_there_or_map_no_zones_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="no weights 'nothing'"):
        fitted("nothing", tmp_path / "run")
    with pytest.raises(InputError, match="maps water, not LCZ"):
        fitted("gmnet_as", tmp_path / "run")


def test_a_run_is_not_resumed_from_other_weights(before, tmp_path):
    path = before()
    fitted(path, tmp_path / "run")
    save_safetensors(path, build("resnet20", 2), DESCRIBED)  # other numbers in the same file
    subsets = subsets_of(stripes(48))
    with pytest.raises(InputError, match="other settings"):
        fit_network(subsets.train, subsets.validation, options(path), tmp_path / "run", resume=True)


def test_a_trained_network_needs_fewer_patches(before, tmp_path):
    """Stripes learnt on many patches, then on a few of another contrast: better than on the few alone."""
    many = subsets_of(stripes(240, seed=1))
    first = run_training(
        many, Options(**{**vars(SMALL), "epochs": 12, "learning_rate": 0.01}), tmp_path / "many"
    )
    few = subsets_of(_paler(stripes(36, seed=2)))
    test = _paler(stripes(150, seed=3))

    def accuracy(trained) -> float:
        found = predict_patches(trained.network, test, scaling_of(trained.weights), device="cpu")
        return float((found.argmax(1) + 1 == test.labels).mean())

    cold, warm = (
        accuracy(fit_network(few.train, few.validation, how, tmp_path / name))
        for name, how in (
            ("cold", dataclasses.replace(SMALL, epochs=3)),
            ("warm", options(str(first.path), epochs=3, learning_rate=0.002)),
        )
    )
    assert warm > cold + 0.1


def _paler(patches: ScenePatches) -> ScenePatches:
    return ScenePatches(
        patches.kind, patches.table, [0.2 + 0.7 * image for image in patches.images]
    )


@pytest.mark.parametrize("name", ["resnet20", "sen2lcz"])
def test_a_linear_head_learns_on_frozen_features(before, tmp_path, name):
    path = before(name)
    trained, subsets = fitted(path, tmp_path / "run", tune="linear")
    old, new = state_of(path), trained.network.state_dict()
    moved = {k.rpartition(".")[0] for k in old if not torch.equal(old[k], new[k])}
    assert moved == ({"head"} if name == "resnet20" else {f"heads.{i}" for i in range(4)})
    assert len(trained.history) == 0
    assert "penalty of" in trained.notes[0]
    from lczlib.models import load_model

    def loss(network: torch.nn.Module) -> float:
        test = subsets.test
        p = predict_patches(network, test, scaling_of(trained.weights), device="cpu")
        return -float(np.log(p[np.arange(len(test)), test.labels.astype(int) - 1] + 1e-9).mean())

    assert loss(trained.network) < loss(load_model(path)) - 0.5
    # a class without patches keeps its weights
    absent = np.setdiff1d(np.arange(1, 18), subsets.train.labels)[0] - 1
    head = "head" if name == "resnet20" else "heads.0"
    assert torch.equal(old[f"{head}.weight"][absent], new[f"{head}.weight"][absent])


def test_a_linear_head_is_the_penalised_fit_that_it_says(before):
    """Beside scikit-learn's logistic regression, which is drawn towards nothing: a start of zeros."""
    from sklearn.linear_model import LogisticRegression

    from lczlib.training.linear import _fitted

    rng = np.random.default_rng(0)
    lcz = np.repeat([1, 4, 9], 60)
    x = rng.normal(size=(180, 5)) * [1, 2, 3, 4, 5] + lcz[:, None] * 0.3
    found = _fitted(x, lcz, np.ones(17), np.zeros((17, 6)), 0.05)
    z = (x - x.mean(0)) / x.std(0)
    # its penalty is half the squared norm against C times the summed loss
    theirs = LogisticRegression(C=1 / (2 * 0.05 * 180), tol=1e-8, max_iter=5000).fit(z, lcz)
    logits = x @ found[[1, 4, 9], :-1].T + found[[1, 4, 9], -1]
    p = np.exp(logits - logits.max(1, keepdims=True))
    np.testing.assert_allclose(p / p.sum(1, keepdims=True), theirs.predict_proba(z), atol=2e-3)
    assert not found[0].any()


def test_a_linear_head_needs_a_network_to_sit_on():
    with pytest.raises(InputError, match="A linear head sits on a trained network: give --from"):
        Options(tune="linear")
