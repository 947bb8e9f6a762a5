"""Weights of any content: refused in one sentence, or loaded as a network that computes."""

import dataclasses
import json
import math
import struct
import zipfile

import h5py
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from lczlib.errors import WeightsError
from lczlib.models import Weights, build, import_weights, load_model

OPTIONS = {"width": 2, "depth": 1}
BANDS = ("B02", "B03", "B04")
GOOD = Weights(
    "small", "sen2lcz", "s2", BANDS, patch_size=8, normalisation="fixed", mean=(0.1, 0.2, 0.3),
    std=(0.1, 0.1, 0.2), level="L1C", options=OPTIONS,
)  # fmt: skip
STATE = build("sen2lcz", 3, **OPTIONS).state_dict()
SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def write(path, state=STATE, **changed):
    described = {**GOOD.to_dict(), **changed}
    save_file(
        {k: v.clone().contiguous() for k, v in state.items()}, path,
        metadata={"lczlib": json.dumps(described)},
    )  # fmt: skip
    return path


def computes(model):
    """Whether a loaded network gives a finite probability a class."""
    w = model.weights
    patches = torch.rand(2, w.in_channels, w.patch_size, w.patch_size)
    with torch.no_grad():
        found = model(patches).softmax(1)
    return found.shape == (2, len(w.classes)) and bool(torch.isfinite(found).all())


def one_line(err):
    assert "\n" not in str(err)
    return str(err)


def refused_or_computes(path):
    try:
        model = load_model(path)
    except WeightsError as err:
        return one_line(err)
    assert computes(model)
    return ""


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 5), st.sampled_from([10**9, 10**400, 0.0, -1.0, 1e300]),
    st.floats(), st.text(max_size=5), st.lists(st.one_of(st.floats(), st.integers(), st.text(max_size=3)), max_size=4),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)  # fmt: skip


@given(st.sampled_from([f.name for f in dataclasses.fields(Weights)]), ODD)
@SETTINGS
def test_a_description_with_an_odd_value(tmp_path, name, value):
    refused_or_computes(write(tmp_path / "w.safetensors", **{name: value}))


@given(st.sampled_from(["width", "depth", "dropout", "layers", "fusion"]), ODD)
@SETTINGS
def test_options_that_make_no_network_or_a_huge_one(tmp_path, name, value):
    refused_or_computes(write(tmp_path / "w.safetensors", options={**OPTIONS, name: value}))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"scale": 0.0}, "scale 0.0"),
        ({"scale": math.nan}, "scale nan"),
        ({"std": [0.1, 0.0, 0.2]}, "standard deviation of 0"),
        ({"std": [0.1, -0.1, 0.2]}, "standard deviation of -0.1"),
        ({"mean": [0.1, 0.2]}, "2 numbers for 3 bands"),
        ({"mean": [], "std": []}, "fixed needs mean and std"),
        ({"mean": [0.1, math.inf, 0.1]}, "mean holds"),
        ({"normalisation": "minmax"}, "'minmax' is none of"),
        ({"bands": []}, "no bands"),
        ({"bands": ["B02", "B02", "B03"]}, "named twice"),
        ({"bands": "B02"}, "no list of names"),
        ({"classes": [0, *range(2, 18)]}, "from 1 to 17"),
        ({"classes": list(range(1, 11))}, "made for other bands, classes"),
        ({"patch_size": 10**6}, "patch_size"),
        ({"architecture": "alexnet"}, "no network 'alexnet'"),
        ({"sensor": "../s2"}, "sensor"),
        ({"options": {"width": 10**7}}, "option width"),
    ],
)
def test_what_is_wrong_with_a_description_is_said(tmp_path, changed, words):
    assert words in refused_or_computes(write(tmp_path / "w.safetensors", **changed))


def test_the_small_network_is_good(tmp_path):
    assert refused_or_computes(write(tmp_path / "w.safetensors")) == ""


@given(
    st.sampled_from(sorted(STATE)),
    st.sampled_from(["nan", "inf", "-inf", "negative", "integer", "half", "double", "shorter", "gone", "more"]),
    st.floats(0, 1),
)  # fmt: skip
@SETTINGS
def test_parameters_that_are_no_numbers_or_do_not_fit(tmp_path, name, change, where):
    state = {k: v.clone() for k, v in STATE.items()}
    old = state[name]
    at = min(int(where * old.numel()), old.numel() - 1)
    if change in ("nan", "inf", "-inf", "negative") and old.is_floating_point():
        old.view(-1)[at] = -1e-3 if change == "negative" else float(change)
    elif change in ("integer", "half", "double"):
        state[name] = old.to(
            {"integer": torch.int32, "half": torch.float16}.get(change, torch.float64)
        )
    elif change == "shorter" and old.ndim:
        state[name] = old[:-1]
    elif change == "gone":
        del state[name]
    elif change == "more":
        state[f"{name}_too"] = old.clone()
    said = refused_or_computes(write(tmp_path / "w.safetensors", state))
    if old.is_floating_point() and change in ("nan", "inf", "-inf"):
        assert "NaN or infinite" in said
    if change == "negative" and name.endswith("running_var"):
        assert "none is below 0" in said
    if change in ("gone", "more") and not name.endswith("num_batches_tracked"):
        assert name in said


@given(st.data())
@SETTINGS
def test_a_file_with_changed_or_missing_bytes(tmp_path, data):
    whole = write(tmp_path / "whole.safetensors").read_bytes()
    length = struct.unpack("<Q", whole[:8])[0]
    path = tmp_path / "w.safetensors"
    if data.draw(st.booleans()):
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    else:
        at = data.draw(st.integers(0, 8 + length - 1))  # in its header and description
        path.write_bytes(whole[:at] + bytes([data.draw(st.integers(0, 255))]) + whole[at + 1 :])
    refused_or_computes(path)


def keras_file(path, kernel=(3, 3, 3, 16), **options):
    with h5py.File(path, "w") as file:
        layer = file.create_group("model_weights/conv2d_1")
        file["model_weights"].attrs["layer_names"] = [b"conv2d_1"]
        layer.attrs["weight_names"] = [b"kernel:0"]
        if not options.get("without"):
            layer.create_dataset("kernel:0", kernel, options.get("dtype", "f4"), chunks=True)
    return path


def refused(path, arch="resnet20"):
    with pytest.raises(WeightsError) as caught:
        import_weights(path, dataclasses.replace(GOOD, name="own", architecture=arch, options={}))
    return one_line(caught.value)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=4))
@SETTINGS
def test_hdf5_that_declares_any_size_is_refused_unread(tmp_path, shape):
    said = refused(keras_file(tmp_path / "w.h5", tuple(shape)))
    assert "declares" in said or "not of this network" in said


def test_hdf5_that_leads_elsewhere_or_holds_no_numbers_is_refused(tmp_path):
    np.zeros(1000, "f4").tofile(tmp_path / "raw.bin")
    other = keras_file(tmp_path / "other.h5")
    said = {}
    for kind in ("external", "soft", "virtual", "raw"):
        path = keras_file(tmp_path / f"{kind}.h5", without=True)
        with h5py.File(path, "a") as file:
            layer = file["model_weights/conv2d_1"]
            if kind == "external":
                layer["kernel:0"] = h5py.ExternalLink(str(other), "model_weights/conv2d_1/kernel:0")
            elif kind == "soft":
                layer["kernel:0"] = h5py.SoftLink("/nowhere")
            elif kind == "virtual":
                layout = h5py.VirtualLayout((2, 2), "f4")
                layout[:] = h5py.VirtualSource(str(other), "x", (2, 2))
                layer.create_virtual_dataset("kernel:0", layout)
            else:
                raw = [(str(tmp_path / "raw.bin"), 0, 4000)]
                layer.create_dataset("kernel:0", (1000,), "f4", external=raw)
        said[kind] = refused(path)
    assert all("is a link" in said[k] for k in ("external", "soft"))
    assert all("lie in another file" in said[k] for k in ("virtual", "raw"))
    assert "no floating-point" in refused(keras_file(tmp_path / "i.h5", dtype="i8"))
    assert refused(keras_file(tmp_path / "gone.h5", without=True))


@given(st.binary(max_size=200), st.sampled_from([".h5", ".pth", ".pt", ".safetensors", ".zip"]))
@SETTINGS
def test_bytes_of_something_else_are_refused(tmp_path, content, suffix):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    refused(path)


def test_an_archive_that_unpacks_to_more_than_memory_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setenv("LCZLIB_MEMORY", "0.001")
    with zipfile.ZipFile(tmp_path / "w.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w/data.pkl", b"")
        archive.writestr("w/data/0", bytes(2_000_000))
    assert "declares 0.0 GB" in refused(tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        (lambda s: s["branches"].fill_(99), "branches of the forest point beyond"),
        (lambda s: s["roots"].fill_(-1), "roots of the forest"),
        (lambda s: s["feature"].fill_(3), "feature of the forest"),
        (lambda s: s["share"].fill_(0.5), "do not add up"),
        (lambda s: s["branches"].fill_(0), "do not end"),
    ],
)
def test_a_forest_that_leads_nowhere_is_refused(tmp_path, flaw, words):
    options = {"n_trees": 1, "n_splits": 2, "n_leaves": 3, "depth": 2}
    state = build("random_forest", 3, **options).state_dict()
    state["branches"][:] = torch.tensor([[1, 2], [3, 4]])
    said = {"architecture": "random_forest", "options": options, "normalisation": "none"}
    assert refused_or_computes(write(tmp_path / "good.safetensors", state, **said)) == ""
    flaw(state)
    assert words in refused_or_computes(write(tmp_path / "w.safetensors", state, **said))


def test_import_refuses_what_cannot_be_computed_with(tmp_path, monkeypatch):
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path))
    network = build("sen2lcz", 3)
    with torch.no_grad():
        network.heads[0].bias[3] = math.nan
    torch.save(network.state_dict(), tmp_path / "nan.pth")
    assert "NaN or infinite" in refused(tmp_path / "nan.pth", "sen2lcz")
    torch.save({"a": torch.zeros(2).to_sparse()}, tmp_path / "sparse.pth")
    assert "plain numbers" in refused(tmp_path / "sparse.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    assert "no table of parameters" in refused(tmp_path / "list.pth")
    assert not (tmp_path / "converted").exists()
