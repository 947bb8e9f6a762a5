"""Weights of the reference cases: read, or refused in one sentence."""

import pytest

pytestmark = pytest.mark.usefixtures("shared")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("sf_meta_bands.safetensors", "it names no bands"),
        ("sf_nanweights.safetensors", "are NaN or infinite"),
    ],
)
@pytest.mark.slow
def test_damaged_weights_are_refused_wherever_they_are_used(
    shared, run_lcz, demo, tmp_path, file, words
):
    weights = shared / "cases/hostile" / file
    scene = demo[0] / "scene"
    for command in (
        ("map", scene, "--weights", weights, "--out", tmp_path / "map"),
        ("weights", "export", weights, "--out", tmp_path / "x.onnx"),
    ):
        code, out, err = run_lcz(*command)
        assert code == 1, out
        assert words in err
        assert file in err
        assert err.count("lcz:") == 1
    assert not list(tmp_path.glob("map/*.tif"))


def test_a_small_file_that_declares_much_is_refused_unread(shared, run_lcz, monkeypatch):
    monkeypatch.setenv("LCZLIB_MEMORY", "4")
    file = shared / "cases/hostile/w_bigvirtual.h5"
    for arch in ("resnet20", "lcznet"):
        code, _, err = run_lcz("weights", "import", file, "--arch", arch, "--name", "big")
        assert code == 1
        assert "declares 160.0 GB of numbers" in err
    monkeypatch.setenv("LCZLIB_MEMORY", "1000")  # where it would fit, its shapes tell
    code, _, err = run_lcz("weights", "import", file, "--arch", "resnet20", "--name", "big")
    assert code == 1
    assert "is not of this network" in err
