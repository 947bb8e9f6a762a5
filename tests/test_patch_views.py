"""Views of each patch averaged, and several networks of one sensor."""

import json

import numpy as np
import pytest
import torch

from lczlib.errors import InputError
from lczlib.made_by import VIEWS_TAG, WEIGHTS_TAG, tag_of
from lczlib.mapping import MapRequest, map_city
from lczlib.mapping.engines import PatchLayout
from lczlib.mapping.views import VIEWS, ViewsEngine, views_for, with_views
from lczlib.maps import open_probabilities
from lczlib.models import Weights, build, save_safetensors

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
LAYOUT = PatchLayout(step=3, size=5)


class Seeing:
    """An engine that keeps the patches it was shown, and answers with one pixel of each."""

    def __init__(self, sensor: str = "s2") -> None:
        self.weights = Weights("seeing", "", sensor, ("a", "b"), patch_size=5)
        self.number, self.description = "float32", "eyes"
        self.seen: list[np.ndarray] = []

    def probabilities(self, tile, rows, cols, layout):
        size, step = layout.size, layout.step
        self.seen.append(np.stack([
            tile[r * step : r * step + size, c * step : c * step + size]
            for r, c in zip(rows, cols, strict=True)
        ]))  # fmt: skip
        return self.seen[-1][:, 0, 1, :]


def tile() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Synthetic: every pixel of another value; some places."""
    values = np.random.default_rng(0).random((3 * 6 + 5, 3 * 4 + 5 + 1, 2), np.float32)
    return values, np.array([0, 2, 6, 3]), np.array([4, 0, 1, 3])


@pytest.mark.parametrize("views", ["flips", "all"])
def test_every_view_is_the_same_patch_turned(views):
    values, rows, cols = tile()
    engine = Seeing()
    found = ViewsEngine(engine, views).probabilities(values, rows, cols, LAYOUT)
    direct = Seeing()
    direct.probabilities(values, rows, cols, LAYOUT)
    plain = direct.seen[0]
    turned = [plain, plain[:, ::-1], plain[:, :, ::-1], plain[:, ::-1, ::-1]]
    if views == "all":
        turned += [t.transpose(0, 2, 1, 3) for t in turned]
    assert len(engine.seen) == len(turned) == len(VIEWS[views])
    for shown in engine.seen:
        assert any(np.array_equal(shown, t) for t in turned)
    assert len({s.tobytes() for s in engine.seen}) == len(turned)
    np.testing.assert_allclose(found, np.mean([t[:, 0, 1] for t in turned], 0), rtol=1e-6)


@pytest.mark.parametrize("sensor", ["s1", "both"])
def test_radar_is_never_shown_with_its_range_direction_turned(sensor):
    values, rows, cols = tile()
    values[..., 0] = np.arange(values.shape[1])[None]  # range: along a row
    engine = Seeing(sensor)
    with_views(engine, "all").probabilities(values, rows, cols, LAYOUT)
    assert len(engine.seen) == 4
    assert all((s[:, :1, :, 0] == s[..., 0]).all() for s in engine.seen)
    assert views_for(engine.weights, "all") == "flips"


def test_one_view_is_the_engine_itself():
    engine = Seeing()
    assert with_views(engine, "none") is engine


@pytest.fixture
def networks(tmp_path):
    """Two small networks of Sentinel-2 with random weights."""
    paths = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        described = Weights(
            f"net{seed}", "sen2lcz", "s2", BANDS, patch_size=16, normalisation="fixed", mean=(0.15,) * 10,
            std=(0.1,) * 10, options={"width": 4, "depth": 1},
        )  # fmt: skip
        path = tmp_path / f"net{seed}.safetensors"
        save_safetensors(path, build("sen2lcz", 10, width=4, depth=1), described)
        paths.append(str(path))
    return paths


@pytest.fixture
def scene(write_tif):
    values = np.random.default_rng(5).uniform(0.05, 0.3, (10, 120, 90)).astype(np.float32)
    return str(write_tif(values, descriptions=BANDS))


def mapped(scene, networks, out, **more) -> np.ndarray:
    told = {"device": "cpu", "engine": "torch", "accept_values": True, **more}
    request = MapRequest((scene,), weights=tuple(networks), **told)
    map_city(request, out)
    return open_probabilities(out / "s2_proba.tif").values


def test_networks_of_one_sensor_are_averaged(scene, networks, tmp_path):
    each = [mapped(scene, [n], tmp_path / str(i)) for i, n in enumerate(networks)]
    both = mapped(scene, networks, tmp_path / "both")
    assert np.abs(each[0] - each[1]).max() > 0.01
    np.testing.assert_allclose(both, np.mean(each, 0), atol=2e-4)
    assert tag_of(tmp_path / "both/s2_proba.tif", WEIGHTS_TAG) == "net1 + net2"
    manifest = json.loads((tmp_path / "both/manifest.json").read_text())
    assert [w["name"] for w in manifest["weights"]] == ["net1", "net2"]
    assert sorted(p.name for p in (tmp_path / "both").glob("*_proba.tif")) == ["s2_proba.tif"]
    assert not (tmp_path / "both/.unfinished").exists()


def test_a_map_of_views_says_so_and_a_manifest_makes_it_again(scene, networks, tmp_path, run_lcz):
    plain = mapped(scene, networks[:1], tmp_path / "plain")
    seen = mapped(scene, networks[:1], tmp_path / "views", tta="all")
    assert np.abs(plain - seen).max() > 5e-4
    assert tag_of(tmp_path / "views/s2_proba.tif", VIEWS_TAG) == "all"
    assert not tag_of(tmp_path / "plain/s2_proba.tif", VIEWS_TAG)
    manifest = json.loads((tmp_path / "views/manifest.json").read_text())
    assert manifest["parameters"]["tta"] == "all"
    assert "mean of 8 views" in next(iter(manifest["engines"].values()))
    code, _, err = run_lcz(
        "map", "--from-manifest", tmp_path / "views/manifest.json", "--engine", "torch", "--device", "cpu",
        "--out", tmp_path / "again",
    )  # fmt: skip
    assert code == 0, err
    np.testing.assert_array_equal(open_probabilities(tmp_path / "again/s2_proba.tif").values, seen)


def test_a_map_is_calibrated_and_says_so(scene, networks, tmp_path, run_lcz):
    plain = mapped(scene, networks, tmp_path / "plain")
    content = {
        "format": 1, "fusion": {}, "cautions": ["Told once."],
        "maps": {"s2": {
            "method": "temperature", "temperature": 2.0, "networks": "net1 + net2", "views": "none",
        }},
    }  # fmt: skip
    file = tmp_path / "calibration.json"
    file.write_text(json.dumps(content))
    code, _, err = run_lcz(
        "map", scene, "--weights", ",".join(networks), "--calibration", file, "--device", "cpu",
        "--engine", "torch", "--accept-values", "--out", tmp_path / "honest",
    )  # fmt: skip
    assert code == 0, err
    assert "Told once." in err
    found = open_probabilities(tmp_path / "honest/s2_proba.tif").values
    root = np.sqrt(plain)
    np.testing.assert_allclose(found, root / root.sum(0), atol=2e-3)
    manifest = json.loads((tmp_path / "honest/manifest.json").read_text())
    assert manifest["calibration"]["maps"]["s2"]["temperature"] == 2
    assert "Told once." in manifest["warnings"]
    assert any(i["path"].endswith("calibration.json") for i in manifest["inputs"])
    with pytest.raises(
        InputError, match=r"fitted to s2 probabilities of net1 [+] net2, and these are of net1"
    ):
        mapped(scene, networks[:1], tmp_path / "no", calibration=str(file))
    with pytest.raises(InputError, match="views none, and these have views flips"):
        mapped(scene, networks, tmp_path / "no", calibration=str(file), tta="flips")
    assert not (tmp_path / "no").exists()
