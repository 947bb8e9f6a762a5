"""What is peculiar to graphics cards, as far as it shows without one: flags, errors, turns, batches."""

from __future__ import annotations

import multiprocessing
import threading
import time
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from odc.geo.geobox import GeoBox  # noqa: E402 - after the check that it is installed
from synthetic_water import BOX, backscatter, lake  # noqa: E402

from lczlib import accelerators  # noqa: E402
from lczlib.accelerators import choose_device, exact_float32, out_of_memory, turn  # noqa: E402
from lczlib.errors import DeviceError  # noqa: E402
from lczlib.mapping import engines  # noqa: E402
from lczlib.mapping.engines import CLOSE_CALL, PatchLayout, make_engine  # noqa: E402
from lczlib.mapping.water import water_tiles  # noqa: E402
from lczlib.models import Weights, build  # noqa: E402
from lczlib.models.gmnet import GMNet  # noqa: E402
from lczlib.models.weights import save_safetensors  # noqa: E402
from lczlib.reading import readings  # noqa: E402
from lczlib.training.evaluation import predict_patches  # noqa: E402

BANDS = ("B02", "B03", "B04")
EXACT = True, False, "ieee", "ieee"
NO_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    torch.AcceleratorError("CUDA error: out of memory"),
    RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
]


def flags() -> tuple:
    cudnn = torch.backends.cudnn
    return (
        cudnn.enabled,
        cudnn.allow_tf32,
        cudnn.conv.fp32_precision,
        torch.backends.cuda.matmul.fp32_precision,
    )


@pytest.fixture
def weights(tmp_path):
    """A small network, untrained."""
    torch.manual_seed(3)
    path = tmp_path / "small.safetensors"
    save_safetensors(path, build("resnet20", len(BANDS)), Weights("small", "resnet20", "s2", BANDS))
    return str(path)


@pytest.fixture
def tile():
    values = np.random.default_rng(1).random((72, 72, len(BANDS)), np.float32)
    rows, columns = (i.ravel() for i in np.indices((5, 5)))
    return values, rows, columns, PatchLayout(10, 32)


def test_float32_is_float32_and_cudnn_stays_on():
    before = flags()
    with exact_float32():
        assert flags() == EXACT
        with exact_float32():
            assert flags() == EXACT
        assert flags() == EXACT
    assert flags() == before


def test_flags_stay_until_the_last_thread_that_needs_them_ends():
    before, seen, inside, leave = flags(), [], threading.Event(), threading.Event()

    def first() -> None:
        with exact_float32():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(10)
    with exact_float32():
        leave.set()
        thread.join()
        seen.append(flags())
    assert seen == [EXACT]
    assert flags() == before


@pytest.fixture(scope="module")
def water():
    """A scene of lakes, three tiles by two, and GMNet untrained."""
    torch.manual_seed(1)
    box = GeoBox((330, 520), BOX.affine, BOX.crs)
    return backscatter(lake(900, box), 1, box), GMNet(2).eval()


def mapped(scene, model, batch=None):
    out = np.full(scene.shape[1:], np.nan, np.float32)
    for top, left, values in water_tiles(scene, "as", model, batch=batch):
        out[top : top + values.shape[0], left : left + values.shape[1]] = values
    return out


def test_engines_and_water_compute_under_these_flags(weights, tile, water):
    seen = []
    engine = make_engine(weights, engine="torch")
    handles = [
        m.register_forward_pre_hook(lambda *_: seen.append(flags()))
        for m in (engine._model, water[1])
    ]
    engine.probabilities(*tile)
    assert len(seen) == 1
    mapped(*water)
    for handle in handles:
        handle.remove()
    assert len(seen) > 1
    assert set(seen) == {EXACT}


def test_tiles_of_water_go_together_whatever_their_margins(water):
    scene, model = water
    sizes = []
    handle = model.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    together = mapped(scene, model, batch=16)
    handle.remove()
    assert sizes == [3, 3]
    np.testing.assert_allclose(together, mapped(scene, model, batch=1), atol=1e-5)


@pytest.mark.parametrize("error", NO_MEMORY, ids=lambda e: str(e)[:30])
def test_memory_that_runs_out_is_known_by_all_its_names(error):
    assert out_of_memory(error)


def test_other_errors_are_not_taken_for_it():
    assert not out_of_memory(RuntimeError("CUDNN_STATUS_NOT_SUPPORTED"))
    assert not out_of_memory(ValueError("out of memory"))


def short_of_memory(module, most, error, monkeypatch):
    """Let a module's device hold batches up to a size."""
    whole = module.forward

    def forward(x, *rest, **more):
        if len(x) > most:
            raise error
        return whole(x, *rest, **more)

    monkeypatch.setattr(module, "forward", forward)


@pytest.mark.parametrize("error", NO_MEMORY, ids=lambda e: str(e)[:30])
def test_batches_halve_until_they_fit(weights, tile, error, monkeypatch):
    engine = make_engine(weights, engine="torch", batch_size=16)
    whole = engine.probabilities(*tile)
    short_of_memory(engine._model, 5, error, monkeypatch)
    np.testing.assert_allclose(engine.probabilities(*tile), whole, atol=1e-6)
    assert engine.batch_size == 4


def test_tiles_of_water_are_fewer_until_they_fit(water, monkeypatch):
    scene, model = water
    expected = mapped(scene, model)
    short_of_memory(model, 2, NO_MEMORY[1], monkeypatch)
    np.testing.assert_allclose(mapped(scene, model, batch=3), expected, atol=1e-5)


def test_a_device_too_small_for_one_patch_is_said_to_be_so(weights, tile, water, monkeypatch):
    engine = make_engine(weights, engine="torch")
    short_of_memory(engine._model, 0, NO_MEMORY[1], monkeypatch)
    with pytest.raises(DeviceError, match="no memory left for a single patch"):
        engine.probabilities(*tile)
    short_of_memory(water[1], 0, NO_MEMORY[1], monkeypatch)
    with pytest.raises(DeviceError, match="no memory left for a tile"):
        mapped(*water)


def test_other_errors_come_through(weights, tile, monkeypatch):
    engine = make_engine(weights, engine="torch")
    short_of_memory(engine._model, 0, RuntimeError("device-side assert"), monkeypatch)
    with pytest.raises(RuntimeError, match="device-side assert"):
        engine.probabilities(*tile)


def test_patches_are_tested_on_the_device_that_was_asked_for(monkeypatch):
    class Patches:
        def __len__(self):
            return 40

        def read(self, index):
            return np.random.default_rng(0).random((40, 3, 8, 8), np.float32)[index]

    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 17)).eval()
    scaling = np.ones(3), np.zeros(3), np.zeros(3)
    expected = predict_patches(network, Patches(), scaling)
    moves = []
    monkeypatch.setattr(network, "to", lambda device: moves.append(str(device)))
    short_of_memory(network, 16, NO_MEMORY[3], monkeypatch)
    np.testing.assert_allclose(
        predict_patches(network, Patches(), scaling, device="cpu"), expected, atol=1e-6
    )
    assert moves == ["cpu", "cpu"]  # there, and back to where it was
    with pytest.raises(DeviceError, match="tpu"):
        predict_patches(network, Patches(), scaling, device="tpu")


def test_a_tile_goes_to_the_device_once_also_for_close_calls(weights, tile):
    engine = make_engine(weights, engine="torch", precision="mixed")
    engine._close = 1.1  # all of them
    engine.probabilities(*tile)
    assert engine.exact.place(tile[0]) is engine.fast.place(tile[0])
    other = tile[0].copy()
    assert engine.exact.place(other) is not None
    assert engine.fast._placed[0] is other


def test_close_calls_hang_on_the_numbers_that_are_computed_in(weights):
    engine = make_engine(weights, engine="torch", precision="mixed")
    assert engine.number == "bfloat16"
    assert engine._close == CLOSE_CALL["bfloat16"] > CLOSE_CALL["float16"]


@pytest.fixture
def card(tmp_path, monkeypatch):
    """A machine with the driver of a card loaded."""
    driver = tmp_path / "version"
    driver.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module")
    monkeypatch.setattr(accelerators, "_DRIVER", driver)
    accelerators.idle_card.cache_clear()
    yield
    accelerators.idle_card.cache_clear()


def test_a_card_that_this_build_cannot_use_is_told(card, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    heard = []
    with readings(heard.append):
        assert choose_device("auto") == "cpu"
    (told,) = heard
    assert "built for processors alone: install the CUDA build" in told.cautions[0]
    with pytest.raises(DeviceError, match=r"no device 'cuda' here.*install the CUDA build"):
        choose_device("cuda")
    heard.clear()
    with readings(heard.append):
        choose_device("cpu")  # who asks for the processor knows
    assert heard == []


def test_a_card_that_its_driver_keeps_from_use_is_told(card, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    assert "its driver is too old or none is free" in accelerators.idle_card()


def test_without_a_card_nothing_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(accelerators, "_DRIVER", tmp_path / "none")
    monkeypatch.setattr(accelerators.shutil, "which", lambda _: None)
    accelerators.idle_card.cache_clear()
    assert accelerators.idle_card() == ""
    accelerators.idle_card.cache_clear()


def test_a_processor_that_could_be_faster_is_told_once(weights, monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda _: None)
    engines._tell_slower.cache_clear()
    heard = []
    with readings(heard.append):
        make_engine(weights, device="cpu")
        make_engine(weights, device="cpu")
        make_engine(weights, device="cpu", engine="torch")
    (told,) = heard
    assert "pip install openvino" in str(told)
    assert not told.cautions


def _hold(device: str, times: multiprocessing.Queue) -> None:
    for _ in range(3):
        with turn(device):
            begun = time.time()
            time.sleep(0.05)
            times.put((begun, time.time()))


def test_processes_take_turns_on_a_device(tmp_path, monkeypatch):
    monkeypatch.setattr(accelerators.tempfile, "gettempdir", lambda: str(tmp_path))
    context = multiprocessing.get_context("fork")
    times = context.Queue()
    processes = [context.Process(target=_hold, args=(d, times)) for d in ("cuda", "cuda:0")]
    for p in processes:
        p.start()
    spans = sorted(times.get(timeout=30) for _ in range(6))
    for p in processes:
        p.join()
    assert all(end <= begun for (_, end), (begun, _) in pairwise(spans))
    with turn("cpu"), turn("cpu"):
        pass
