"""Training runs: resuming, memory, the file that comes out."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from lczlib.errors import Cancelled, DeviceError, InputError, LczError
from lczlib.figures.training import learning_curve
from lczlib.models import load_model, registry
from lczlib.models.sen2lcz import Sen2LCZNet
from lczlib.training.patches import PatchKind, ScenePatches
from lczlib.training.run import Subsets, run_training
from lczlib.training.splits import split
from lczlib.training.trainer import Options, fit_network

SMALL = Options(
    "sen2lcz", {"width": 4, "depth": 1}, epochs=4, batch_size=8, halve_every=2, device="cpu", seed=3
)


def stripes(n=90, seed=0):
    """Synthetic patches of three classes that differ in the direction and pitch of stripes."""
    rng = np.random.default_rng(seed)
    row, col = np.mgrid[:16, :16]
    shapes = {2: row % 2, 6: (row + col) // 4 % 2, 14: np.zeros_like(row)}
    lcz = rng.choice(list(shapes), n)
    images = [rng.normal(shapes[c], 0.4, (2, 16, 16)).astype(np.float32) for c in lcz]
    table = pd.DataFrame({
        "lcz": lcz.astype(np.uint8), "polygon": np.arange(n) // 3 + 100 * lcz, "location": np.arange(n),
        "image": np.arange(n), "row": 0, "col": 0,
    })  # fmt: skip
    kind = PatchKind("toy", ("a", "b"), 16, simulated=True, source="synthetic stripes")
    return ScenePatches(kind, table, images)


def subsets_of(patches):
    chosen = split(patches.table, "random")
    found = Subsets.of(patches, chosen)
    return Subsets(found.train, found.validation, found.test, "random", chosen)


def state_of(path):
    return {k: v.clone() for k, v in load_model(path).state_dict().items()}


def test_a_killed_and_resumed_run_gives_the_weights_of_an_uninterrupted_one(tmp_path):
    """The process is killed outright in the middle of its third epoch."""
    script = tmp_path / "train_and_die.py"
    script.write_text(
        textwrap.dedent("""
        import os, signal, sys
        sys.path[:0] = sys.argv[1:3]
        from test_training_run import SMALL, stripes, subsets_of
        from lczlib.training.run import run_training

        def progress(done, total):
            if done == int(0.6 * total):
                os.kill(os.getpid(), signal.SIGKILL)

        run_training(subsets_of(stripes()), SMALL, sys.argv[3], name="net", progress=progress)
        """)
    )
    root = Path(__file__).parents[1]
    killed = subprocess.run(
        [sys.executable, str(script), str(root), str(root / "tests"), str(tmp_path / "killed")],
        capture_output=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not (tmp_path / "killed/model.safetensors").exists()
    whole = run_training(subsets_of(stripes()), SMALL, tmp_path / "whole", name="net")
    steps = []
    resumed = run_training(
        subsets_of(stripes()), SMALL, tmp_path / "killed", name="net", resume=True,
        progress=lambda done, total: steps.append(done / total),
    )  # fmt: skip
    assert min(steps) > 0.5  # two of four epochs were not repeated
    one, other = state_of(whole.path), state_of(resumed.path)
    assert all(torch.equal(one[k], other[k]) for k in one)
    pd.testing.assert_frame_equal(whole.history, resumed.history)
    assert whole.path.read_bytes() == resumed.path.read_bytes()


def test_the_seed_determines_the_weights_and_the_callers_random_numbers_are_left_alone(tmp_path):
    subsets = subsets_of(stripes(30))
    torch.manual_seed(1)
    expected = torch.rand(3)
    states = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        torch.manual_seed(1)
        options = Options(**{**vars(SMALL), "epochs": 1, "seed": seed})
        states.append(fit_network(subsets.train, subsets.validation, options, tmp_path / name))
        assert torch.equal(torch.rand(3), expected)
    a, b, c = (list(s.network.state_dict().values()) for s in states)
    assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
    assert not all(torch.equal(x, y) for x, y in zip(a, c, strict=True))


def test_a_run_learns_and_its_file_says_what_it_is(tmp_path):
    options = Options(**{**vars(SMALL), "epochs": 12, "halve_every": 5})
    result = run_training(subsets_of(stripes(240)), options, tmp_path / "run", licence="CC0-1.0")
    assert result.assessment.scores["oa"] > 0.8
    model = load_model(result.path)
    weights = model.weights
    assert weights.bands == ("a", "b")
    assert weights.simulated
    assert weights.licence == "CC0-1.0"
    assert weights.patch_size == 16
    assert weights.accuracy["n"] == result.assessment.n == 48
    assert weights.accuracy["oa"] == pytest.approx(result.assessment.scores["oa"], abs=1e-4)
    low, high = weights.accuracy["oa_ci"]
    assert low <= weights.accuracy["oa"] <= high
    assert len(weights.classes) == 17 == model(torch.zeros(1, 2, 16, 16)).shape[1]
    rates = result.history["learning_rate"]
    assert rates.iloc[[0, 4, 5, 10]].tolist() == [0.002, 0.002, 0.001, 0.0005]
    report = json.loads((tmp_path / "run/training.json").read_text())
    assert report["test"]["n"] == 48
    assert report["best_epoch"] == result.history["val_loss"].idxmin()
    assert list((tmp_path / "run/tensorboard").glob("events*"))
    assert len(pd.read_csv(tmp_path / "run/history.csv")) == len(result.history)


def test_training_stops_early_when_validation_does_not_improve(tmp_path):
    subsets = subsets_of(stripes(30))
    options = Options(**{**vars(SMALL), "epochs": 60, "patience": 1, "learning_rate": 0.05})
    trained = fit_network(subsets.train, subsets.validation, options, tmp_path)
    assert len(trained.history) < 60
    assert trained.best_epoch == trained.history["val_loss"].idxmin()


class _Hungry(Sen2LCZNet):
    """A network whose device has no room for training batches above four patches."""

    def forward(self, x):
        if self.training and len(x) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().forward(x)


@pytest.fixture
def hungry(monkeypatch):
    blueprint = registry.Architecture(
        "hungry", "Hungry", f"{__name__}:_Hungry", patch_size=16, min_patch_size=8, reference=""
    )
    monkeypatch.setitem(registry.ARCHITECTURES, "hungry", blueprint)
    return Options(**{**vars(SMALL), "architecture": "hungry", "batch_size": 16, "epochs": 1})


def test_the_batch_halves_when_the_device_runs_out_of_memory_and_says_so(hungry, tmp_path):
    subsets, said = subsets_of(stripes(40)), []
    trained = fit_network(subsets.train, subsets.validation, hungry, tmp_path, note=said.append)
    assert said == [
        "The device ran out of memory with batches of 16: going on with 8.",
        "The device ran out of memory with batches of 8: going on with 4.",
    ]
    assert trained.notes == tuple(said)
    assert len(trained.history) == 1


def test_a_device_too_small_for_one_patch_is_said_to_be_so(hungry, tmp_path, monkeypatch):
    def forward(self, x):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(_Hungry, "forward", forward)
    subsets = subsets_of(stripes(40))
    with pytest.raises(DeviceError, match="too small for one patch of 16 pixels"):
        fit_network(subsets.train, subsets.validation, hungry, tmp_path, note=lambda _: None)


def test_a_cancelled_run_keeps_its_last_epoch(tmp_path):
    subsets, steps = subsets_of(stripes()), []
    with pytest.raises(Cancelled, match="after 1 epochs"):
        fit_network(
            subsets.train, subsets.validation, SMALL, tmp_path,
            progress=lambda done, _: steps.append(done), cancelled=lambda: len(steps) == 10,
        )  # fmt: skip
    assert (tmp_path / "checkpoints/last.ckpt").is_file()


def test_a_run_is_not_resumed_with_other_settings(tmp_path):
    subsets = subsets_of(stripes(30))
    options = Options(**{**vars(SMALL), "epochs": 1})
    fit_network(subsets.train, subsets.validation, options, tmp_path)
    other = Options(**{**vars(options), "gamma": 0.0})
    with pytest.raises(InputError, match=r"cannot be resumed .*gamma was 2.0, is 0.0"):
        fit_network(subsets.train, subsets.validation, other, tmp_path, resume=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "resnet2000"}, "no network of the registry"),
        ({"epochs": 0}, "epochs must be 1 or more"),
        ({"learning_rate": 0.0}, "learning rate must be positive"),
        ({"device": "quantum"}, "no device 'quantum'"),
        ({"architecture": "gmnet"}, "network for water"),
    ],
)
def test_options_that_make_no_sense_are_refused(changes, message, tmp_path):
    subsets = subsets_of(stripes(30))
    with pytest.raises(LczError, match=message):
        fit_network(
            subsets.train, subsets.validation, Options(**{**vars(SMALL), **changes}), tmp_path
        )


def test_patches_too_small_for_the_network_are_refused(tmp_path):
    patches = stripes(30)
    kind = PatchKind("toy", ("a", "b"), 4)
    small = subsets_of(ScenePatches(kind, patches.table, patches.images))
    with pytest.raises(InputError, match="needs patches of 8 pixels or more, not 4"):
        fit_network(small.train, small.validation, SMALL, tmp_path)


def test_the_learning_curve_shows_both_subsets_and_the_kept_epoch():
    history = pd.DataFrame({"epoch": range(5)})
    for column in ("train_loss", "val_loss", "train_oa", "val_oa"):
        history[column] = np.linspace(1, 0.2, 5)
    drawn = learning_curve(history, best_epoch=2)
    curves = [e for panel in drawn for e in panel if type(e).__name__ == "Curve"]
    assert [c.label for c in curves] == ["training", "validation"] * 2
    assert all(np.array_equal(c.dimension_values("epoch"), np.arange(1, 6)) for c in curves)
    assert [e.data for panel in drawn for e in panel if type(e).__name__ == "VLine"] == [3, 3]
