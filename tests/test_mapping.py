import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from lczlib.errors import Cancelled, DeviceError, GridError, InputError, WeightsError
from lczlib.grid import geobox_of, on_grid
from lczlib.mapping import make_engine, predict, prepare
from lczlib.mapping.predict import MIN_VALID, tiles_of
from lczlib.mapping.store import Store
from lczlib.maps import labels
from lczlib.models import Weights, build, published_weights, save_safetensors
from lczlib.scenes import open_raster_scene, open_sentinel2, open_so2sat
from lczlib.scenes.bands import BANDS

SEASONS = ("spring", "summer", "autumn", "winter")


@pytest.fixture(scope="module")
def golden(shared):
    return np.load(shared / "goldens/so2sat_city/intermediate.npz")


@pytest.fixture(scope="module")
def city(shared):
    return open_so2sat(shared / "goldens/so2sat_city/data")


@pytest.fixture(scope="module")
def engine_of(shared, weights_cache):
    """Engines by the name of their weights, made once: compiling one takes seconds."""
    made = {}

    def engine(name):
        if name not in made:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("LCZLIB_MIRROR", str(shared / "mirror"))
                patch.setenv("LCZLIB_CACHE", str(weights_cache))
                made[name] = make_engine(name)
        return made[name]

    return engine


@pytest.fixture
def berlin(shared) -> xr.Dataset:
    return open_sentinel2(shared / "mirror/berlin_s2_20241024.tif").compute()


def touches_missing(scene: xr.Dataset) -> np.ndarray:
    """Cells whose corner-anchored patch holds a missing pixel, in the original's cell order."""
    valid = scene.to_array().notnull().all("variable").values
    padded = np.pad(valid, 16, "symmetric")
    rows, cols = 39, 44
    return np.array(
        [not padded[10 * r : 10 * r + 32, 10 * c : 10 * c + 32].all() for r in range(rows) for c in range(cols)]
    )  # fmt: skip


def through_float16(scene: xr.Dataset) -> xr.Dataset:
    """Reflectance as the original scripts round it: DN to float16, the quotient again."""
    out = scene.compute().copy()
    for band in BANDS:
        dn = np.round(out[band].values * 1e4).astype(np.float32)
        rounded = (dn.astype(np.float16) / np.float16(1e4)).astype(np.float16).astype(np.float32)
        out[band] = out[band].copy(data=np.where(np.isnan(dn), np.nan, rounded))
    return out


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_sentinel2_probabilities_agree_with_the_original(mirror, city, golden, engine):
    runner = make_engine("so2sat_s2_resnet20", engine=engine, device="cpu")
    # one season by PyTorch, whose float32 forward pass is the slow one on a CPU
    for i, season in enumerate(SEASONS if engine == "openvino" else SEASONS[:1]):
        scene, clean = city.seasons[season], ~touches_missing(city.seasons[season])
        for given, tolerance in ((through_float16(scene), 1e-4), (scene, 0.03)):
            found = predict(prepare(given, runner.weights), runner, anchor="corner")
            ours = found.probability.values.reshape(17, -1).T
            difference = np.abs(ours - golden["s2_prob"][i])[clean]
            assert difference.max() < tolerance, season
        assert clean.sum() > 1600


def test_sentinel1_probabilities_agree_with_the_original(engine_of, city, golden):
    runner = engine_of("so2sat_s1_resnet20")
    clean = ~golden["s1_cell_touches_nodata"]
    # like with like: the original's normalised features, which wrap around at the image edge
    features = golden["s1_features"].copy()
    features[:, ~golden["s1_mask"]] = np.nan
    box = geobox_of(city.sentinel1)
    given = xr.Dataset(
        {b: on_grid(f, box) for b, f in zip(runner.weights.bands, features, strict=True)}
    )
    given.attrs = {"sensor": "s1"}
    normalised = dataclasses.replace(runner.weights, normalisation="none")
    found = predict(prepare(given, normalised), runner, anchor="corner")
    ours = found.probability.values.reshape(17, -1).T
    assert np.abs(ours - golden["s1_prob"])[clean].max() < 1e-4
    # from the files, without the wrap-around: the labels
    found = predict(prepare(city.sentinel1, runner.weights), runner, anchor="corner")
    ours = labels(found.probability).values.ravel()
    assert (ours == golden["s1_prob"].argmax(1) + 1)[clean].mean() >= 0.995


def test_a_cell_with_less_than_half_of_its_pixels_is_no_data(engine_of, berlin):
    berlin = berlin.isel(y=slice(0, 100), x=slice(0, 100))
    hole = np.zeros((100, 100), bool)
    hole[20:30, 20:26] = True  # 40 % of cell (2, 2) left
    hole[40:50, 40:44] = True  # 60 % of cell (4, 4) left
    scene = berlin.where(xr.DataArray(~hole, dims=("y", "x")))
    scene["B11"] = scene.B11.where(berlin.y != berlin.y[75])  # one missing band is enough
    runner = engine_of("so2sat_s2_resnet20")
    found = predict(prepare(scene, runner.weights), runner)
    assert float(found.valid_fraction[2, 2]) == pytest.approx(0.4)
    assert float(found.valid_fraction[4, 4]) == pytest.approx(0.6)
    assert float(found.valid_fraction[7, 0]) == pytest.approx(0.9)
    np.testing.assert_array_equal(labels(found.probability) == 0, found.valid_fraction < MIN_VALID)
    assert (labels(found.probability) == 0).sum() == 1


def test_missing_pixels_count_as_the_training_mean(engine_of, berlin):
    runner = engine_of("so2sat_s2_resnet20")
    part = berlin.isel(y=slice(0, 60), x=slice(0, 60))
    hole = part.where((part.x > part.x[3]) | (part.y > part.y[3]))
    filled = hole.copy()
    for band, mean in zip(runner.weights.bands, runner.weights.mean, strict=True):
        filled[band] = hole[band].fillna(mean).astype(np.float32)
    a, b = (predict(prepare(s, runner.weights), runner).probability for s in (hole, filled))
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_patch_is_centred_on_its_cell(tmp_path):
    """A network that reads one pixel tells where the patch's middle is."""
    import torch

    model = build("resnet20", 1)
    weights = Weights("probe", "resnet20", "s2", ("B02",), mean=(0.5,))
    save_safetensors(tmp_path / "probe.safetensors", model, weights)

    class Probe:
        description = "probe"

        def probabilities(self, tile, rows, cols, layout):
            patches = torch.from_numpy(tile).unfold(0, 32, layout.step).unfold(1, 32, layout.step)
            places = torch.from_numpy(rows), torch.from_numpy(cols)
            middle = patches[:, :, 0][places][:, 15:17, 15:17].mean((1, 2)).numpy()
            out = np.zeros((len(rows), 17), np.float32)
            out[:, 0], out[:, 1] = middle, 1 - middle
            return out

    probe = Probe()
    probe.weights = weights
    values = np.random.default_rng(0).random((60, 80)).astype(np.float32)
    box = geobox_of(on_grid(values, _box((60, 80))))
    scene = xr.Dataset({"B02": on_grid(values, box)}, attrs={"sensor": "s2"})
    prepared = prepare(scene, weights)
    for anchor, middle in (("center", 5), ("corner", 0)):
        found = predict(prepared, probe, anchor=anchor).probability
        for r, c in ((2, 3), (4, 6)):
            y, x = 10 * r + middle, 10 * c + middle
            expected = values[y - 1 : y + 1, x - 1 : x + 1].mean()
            assert float(found[0, r, c]) == pytest.approx(expected, abs=1e-6)


def _box(shape):
    from affine import Affine
    from odc.geo.geobox import GeoBox

    return GeoBox(shape, Affine(10, 0, 384040, 0, -10, 5820320), "EPSG:32633")


@pytest.mark.parametrize("size", [7, 100])
def test_the_result_does_not_depend_on_the_tiles(engine_of, berlin, monkeypatch, size):
    runner = engine_of("sen2lcz_net")
    scene = berlin.isel(y=slice(0, 203), x=slice(0, 151))
    prepared = prepare(scene, runner.weights)
    whole = predict(prepared, runner)
    from lczlib.mapping import predict as function

    monkeypatch.setitem(function.__globals__, "tiles_of", lambda shape: tiles_of(shape, size))
    np.testing.assert_allclose(predict(prepared, runner).probability, whole.probability, atol=2e-6)


def test_chunked_and_loaded_scenes_give_the_same(engine_of, shared, berlin):
    runner = engine_of("sen2lcz_net")
    lazy = open_sentinel2(shared / "mirror/berlin_s2_20241024.tif", chunk=100)
    a, b = (predict(prepare(s, runner.weights), runner).probability for s in (lazy, berlin))
    np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_engines_agree_and_mixed_precision_keeps_the_labels(mirror, berlin):
    found = {}
    for engine, precision in (
        ("torch", "float32"),
        ("openvino", "float32"),
        ("torch", "mixed"),
        ("openvino", "mixed"),
    ):
        runner = make_engine("so2sat_s2_resnet20", engine=engine, precision=precision)
        prepared = prepare(berlin, runner.weights)
        found[engine, precision] = predict(prepared, runner).probability
    exact = found["torch", "float32"]
    np.testing.assert_allclose(found["openvino", "float32"], exact, atol=2e-5)
    for engine in ("torch", "openvino"):
        same = (labels(found[engine, "mixed"]) == labels(exact)).mean()
        assert float(same) >= 0.998, engine


# Every connection, process and file in the home folder of a program that makes an engine.
_WATCHED = """
import atexit, os, sys
seen = []
def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "os.fork", "subprocess.Popen"):
        seen.append(event)
sys.addaudithook(watch)
from lczlib.mapping import make_engine
seen.clear()  # libraries may ask the system for its name as they are imported
atexit.register(lambda: print(seen))
make_engine(sys.argv[1], engine="openvino", device="cpu")
"""


def test_making_an_engine_reports_to_nobody(tmp_path, monkeypatch):
    weights = Weights("small", "resnet20", "s2", BANDS)
    file = tmp_path / "small.safetensors"
    save_safetensors(file, build("resnet20", len(BANDS)), weights)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("CI", raising=False)  # where libraries that report know that nobody works
    command = [sys.executable, "-c", _WATCHED, str(file)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
    assert list(home.iterdir()) == []


def test_devices_and_engines_that_are_not_there_are_named(mirror):
    with pytest.raises(DeviceError, match="tpu"):
        make_engine("sen2lcz_net", device="tpu")
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="'cuda'"):
            make_engine("sen2lcz_net", device="cuda")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s + 0.1, "offset of -1000"),
        (
            lambda s: s.rename(dict(zip(BANDS, [*BANDS[:7], "B11", "B12", "B8A"], strict=True))),
            "B8A last",
        ),
        (lambda s: s, "surface reflectance"),
    ],
)
def test_the_guard_says_in_words_what_looks_wrong(mirror, berlin, change, words):
    with xr.set_options(keep_attrs=True):
        changed = change(berlin)
    warnings = prepare(changed, published_weights("so2sat_s2_resnet20")).warnings
    assert any(words in w for w in warnings), warnings


def test_the_guard_knows_top_of_atmosphere_given_to_weights_of_the_surface(shared, mirror, berlin):
    surface = dataclasses.replace(published_weights("so2sat_s2_resnet20"), level="L2A")
    path = shared / "data/s1s2_pairs/ROIs1970_fall_139_p839_s2_cloudfree.tif"
    haze = open_sentinel2(path)  # top of atmosphere, and the file does not say so
    words = "top-of-atmosphere reflectance (L1C), but"
    (warning,) = prepare(haze, surface).warnings
    assert f"looks like {words}" in warning
    said = prepare(berlin.assign_attrs(level="L1C"), surface).warnings
    assert any(f"says that it is {words}" in w for w in said)
    assert not any(words in w for w in prepare(berlin, surface).warnings)  # it is of the surface


def test_the_guard_sees_clouds(shared, mirror):
    weights = published_weights("so2sat_s2_resnet20")
    folder = shared / "data/s1s2_pairs"
    clear, cloudy = (
        prepare(open_sentinel2(folder / f"ROIs1970_fall_139_p839_s2_{n}.tif"), weights).warnings
        for n in ("cloudfree", "cloudy")
    )
    assert not any("cloud" in w for w in clear)
    (said,) = (w for w in cloudy if "cloud" in w)
    assert "as bright as cloud or snow in 30% of 36,864 pixels looked at" in said


@pytest.fixture
def landsat(shared):
    """Hong Kong from Landsat, and weights that know its values."""
    path = shared / "data/hong_kong/LC81220442014288LGN00_B1-7_B10_B11_100m.tif"
    scene = open_raster_scene(path, sensor="landsat", nodata=0).compute()
    values = {b: v.values[np.isfinite(v.values)] for b, v in scene.items()}
    weights = Weights(
        "own", "sen2lcz", "landsat", tuple(map(str, scene)), pixel_size=100.0, normalisation="fixed",
        mean=tuple(float(v.mean()) for v in values.values()),
        std=tuple(float(v.std()) for v in values.values()),
    )  # fmt: skip
    return scene, weights


def test_the_guard_judges_other_sensors_by_what_the_weights_know(landsat):
    scene, weights = landsat
    assert prepare(scene, weights).warnings == ()
    with xr.set_options(keep_attrs=True):
        with pytest.raises(InputError, match="have another unit"):
            prepare(scene * 1e-4 - 0.1, weights)
        warm = scene.assign(B10=scene["B10"] + 6 * weights.std[weights.bands.index("B10")])
        (warning,) = prepare(warm, weights).warnings
        assert "Band(s) B10 of the scene" in warning
        assert "training data of own" in warning
        empty = scene.assign(B5=scene["B5"] * 0 + 7)
        with pytest.raises(InputError, match=r"Band\(s\) B5 .* one value everywhere"):
            prepare(empty, weights)


def test_the_guard_is_quiet_on_a_scene_like_the_training_data(shared):
    path = shared / "data/s1s2_pairs/ROIs1970_fall_139_p839_s2_cloudfree.tif"
    assert prepare(open_sentinel2(path), published_weights("so2sat_s2_resnet20")).warnings == ()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: s * 1e-4, InputError, "not reflectance"),
        (lambda s: s / 10, InputError, "reflectance x 1000"),
        (lambda s: s * 0 + 0.3, InputError, "one value everywhere"),
        (lambda s: s.where(False), InputError, "no pixel that is valid"),
        (lambda s: s.drop_vars("B8A"), InputError, "B8A"),
        (lambda s: s.isel(x=slice(None, None, 2), y=slice(None, None, 2)), InputError, "20 m"),
        (lambda s: s.assign_attrs(sensor="s1"), WeightsError, "reads Sentinel-2"),
    ],
)
def test_what_cannot_be_right_is_refused(berlin, change, error, message):
    weights = published_weights("so2sat_s2_resnet20")
    with xr.set_options(keep_attrs=True):
        changed = change(berlin)
    with pytest.raises(error, match=message):
        prepare(changed, weights)


def test_a_scene_of_one_pixel_is_refused(berlin):
    weights = published_weights("so2sat_s2_resnet20")
    with pytest.raises(GridError, match="one pixel"):
        prepare(berlin.isel(y=[0], x=[0]), weights)


def test_weights_of_simulated_cities_are_refused_on_a_real_scene(berlin):
    weights = Weights("demo_s2", "resnet20", "s2", BANDS, simulated=True)
    with pytest.raises(WeightsError, match="simulated cities only"):
        prepare(berlin, weights)


def test_cancelling_keeps_what_is_done(engine_of, berlin, tmp_path, monkeypatch):
    runner = engine_of("sen2lcz_net")
    prepared = prepare(berlin, runner.weights)
    from lczlib.mapping import predict as function

    monkeypatch.setitem(function.__globals__, "tiles_of", lambda shape: tiles_of(shape, 10))
    tiles = len(tiles_of((35, 35), 10))
    job = {"test": 1}
    store = Store.on_disk(tmp_path / "work", job, (35, 35), tiles)
    asked = []

    def third_time():
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(Cancelled, match="300 of 1225 cells"):
        predict(prepared, runner, store=store, cancelled=third_time)
    again = Store.on_disk(tmp_path / "work", job, (35, 35), tiles)
    assert again.done.sum() == 3
    progress = []
    found = predict(prepared, runner, store=again, progress=lambda *n: progress.append(n))
    assert progress[0] == (300, 1225)
    assert progress[-1] == (1225, 1225)
    np.testing.assert_array_equal(found.probability, predict(prepared, runner).probability)


def test_another_job_does_not_take_up_the_work_of_this_one(tmp_path):
    store = Store.on_disk(tmp_path, {"anchor": "center"}, (20, 20), 4)
    store.done[:] = True
    store.done.flush()
    assert Store.on_disk(tmp_path, {"anchor": "center"}, (20, 20), 4).done.all()
    assert not Store.on_disk(tmp_path, {"anchor": "corner"}, (20, 20), 4).done.any()
