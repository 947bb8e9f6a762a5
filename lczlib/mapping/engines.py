"""Inference engines: PyTorch on any device, OpenVINO on CPUs where it is installed.

The forward pass is a small replaceable part: an engine takes a tile of a scene and the places of
its patches, and gives their class probabilities. Patches are cut on the device, a batch at a time.
"""

from __future__ import annotations

import sys
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import cycle
from typing import Any, Protocol

import numpy as np

from lczlib.accelerators import (
    choose_device,
    device_name,
    exact_float32,
    halved,
    turn,
)
from lczlib.errors import DeviceError
from lczlib.map_request import EngineName, Precision
from lczlib.models import Weights, architecture, describe, load_model
from lczlib.reading import Reading, tell
from lczlib.terms import option

CLOSE_CALL = {"bfloat16": 0.3, "float16": 0.06}
"""Cells whose two best classes are nearer than this are recomputed in float32 by ``mixed``.

bfloat16: about a tenth of the cells (half with Sen2LCZ-Net). Nearly all labels that it turns over are
among them, but its error reaches 0.35 in single cells: in one of seven scenes 4 of 1,716 labels go unseen
(``benchmarks/originals.py``). float16 keeps eight times as many steps: twice the largest move seen in
arithmetic rounded to it, 0.027; some hundredth of the cells."""

_BATCH = {"openvino": 16, "cpu": 32, "mps": 256, "cuda": 2048}
"""Batch sizes: on a CPU small enough that a layer's activations stay in its cache (measured: 32
patches are 2-3 times faster than 256 in float32; 16 where each core has a batch of its own), on a GPU
large enough to fill it."""


@dataclass(frozen=True)
class PatchLayout:
    """Where patches lie in a tile: patch (r, c) starts at pixel (r * step, c * step)."""

    step: int
    size: int


class Engine(Protocol):
    """Class probabilities of patches of a tile.

    Attributes
    ----------
    description : str
        Library, its version, device and number type, for people and manifests.
    number : {"float32", "float16", "bfloat16"}
        What it computes in.
    """

    description: str
    number: str

    def probabilities(
        self, tile: np.ndarray, rows: np.ndarray, cols: np.ndarray, layout: PatchLayout
    ) -> np.ndarray:
        """Probabilities (n, classes) float32 of the patches at (rows, cols) of a (H, W, C) tile."""
        ...


def make_engine(
    weights: str,
    *,
    device: str = "auto",
    engine: EngineName = "auto",
    precision: Precision = "float32",
    batch_size: int | None = None,
) -> Engine:
    """An engine with a network's trained weights.

    Parameters
    ----------
    weights : str
        Name or file, see `lczlib.models.resolve`.
    device : str
        ``auto`` (cuda, mps or cpu, the first there is), or a torch device.
    engine : {"auto", "torch", "openvino"}
        ``auto`` takes OpenVINO on a CPU where it is installed, but for a random forest: same float32
        results within 2e-5.
    precision : {"float32", "mixed"}
        ``mixed`` computes in bfloat16 (CPU) or float16 (GPU) and repeats close calls in float32:
        nearly all labels stay (1,712 of 1,716 in the worst of seven scenes), and probabilities of
        single cells move by up to 0.35. A random forest always computes in float32.
    batch_size : int, optional
        Patches a batch.

    Raises
    ------
    DeviceError
        If the device or engine is not there.
    """
    if engine not in ("auto", "torch", "openvino"):
        msg = f"{engine!r} is no engine: use auto, torch or openvino."
        raise DeviceError(msg)
    if precision not in ("float32", "mixed"):
        msg = f"{precision!r} is no precision: use float32 or mixed."
        raise DeviceError(msg)
    device = choose_device(device)
    forest = architecture(describe(weights).architecture).learning == "trees"
    if engine == "auto":  # a forest is gathers alone, which OpenVINO does not speed up
        faster = device == "cpu" and not forest
        there = faster and find_spec("openvino")
        engine = "openvino" if there else "torch"
        if faster and not there:
            _tell_slower()
    if engine == "openvino" and device != "cpu":
        msg = f"OpenVINO runs on the CPU here, not on {device}: use {option('engine')} torch."
        raise DeviceError(msg)
    if engine == "openvino" and not find_spec("openvino"):
        msg = f"OpenVINO is not installed: `pip install openvino`, or use {option('engine')} torch."
        raise DeviceError(msg)
    make = OpenVinoEngine if engine == "openvino" else TorchEngine
    exact = make(weights, device, low_precision=False, batch_size=batch_size)
    if (
        precision == "float32" or forest
    ):  # rounding would put values on the wrong side of thresholds
        return exact
    return MixedEngine(make(weights, device, low_precision=True, batch_size=batch_size), exact)


@cache
def _tell_slower() -> None:
    """Say once a process that the processor could be faster."""
    said = "PyTorch computes; OpenVINO is several times as fast here (`pip install openvino`)"
    tell(Reading("engine", "cpu", (said,)))


class TorchEngine:
    """PyTorch on any device: the tile goes to the device once, patches are views of it there."""

    def __init__(
        self, weights: str, device: str, *, low_precision: bool, batch_size: int | None
    ) -> None:
        import torch

        self._torch = torch
        self.device = device
        kind = device.split(":")[0]
        self.batch_size = batch_size or _BATCH[kind]
        self._low = low_precision
        self._dtype = torch.bfloat16 if kind == "cpu" else torch.float16
        model = load_model(weights, device)
        self.weights: Weights = model.weights
        self._model = model.to(memory_format=torch.channels_last).requires_grad_(False)
        self.number = str(self._dtype).removeprefix("torch.") if low_precision else "float32"
        self.description = f"torch {torch.__version__} on {device_name(device)}, {self.number}"
        self._placed: tuple[np.ndarray, Any] | None = None

    def probabilities(
        self, tile: np.ndarray, rows: np.ndarray, cols: np.ndarray, layout: PatchLayout
    ) -> np.ndarray:
        """See `Engine`. Where the device runs out of memory, the batch is halved."""
        torch = self._torch
        with turn(self.device):
            there = self.place(tile)
            patches = there.unfold(0, layout.size, layout.step).unfold(1, layout.size, layout.step)
            places = [torch.from_numpy(np.asarray(i)).to(self.device) for i in (rows, cols)]
            out: list[Any] = []
            start = 0
            while start < len(rows):
                chosen = [p[start : start + self.batch_size] for p in places]
                try:
                    out.append(self._softmax(patches[chosen[0], chosen[1]]))
                except RuntimeError as err:
                    self.batch_size = halved(err, self.batch_size, self.device, "a single patch")
                    continue
                start += len(chosen[0])
            # one copy back a tile: each waits for all that the device was given before
            return torch.cat(out).cpu().numpy()

    def place(self, tile: np.ndarray) -> Any:
        """The tile on the device; the last one is kept there for a second pass over it."""
        torch = self._torch
        if self._placed is not None and self._placed[0] is tile:
            return self._placed[1]
        self._placed = None  # its memory is the next one's
        there = torch.from_numpy(np.ascontiguousarray(tile))
        cuda = self.device.startswith("cuda")
        try:
            if cuda:  # from pinned memory it is copied beside the computing
                there = there.pin_memory()
            there = there.to(self.device, non_blocking=cuda)
        except RuntimeError as err:
            halved(err, 1, self.device, "a tile of the scene")  # there is no half of it: refused
        self._placed = tile, there
        return there

    def shares_with(self, other: TorchEngine) -> None:
        """Look for tiles where another engine of the same device has them."""
        self.place = other.place

    def forward(self, batch: Any) -> np.ndarray:
        """Probabilities of a ready batch: a (N, C, H, W) tensor on the device."""
        return self._softmax(batch).cpu().numpy()

    def _softmax(self, batch: Any) -> Any:
        torch = self._torch
        batch = batch.contiguous(memory_format=torch.channels_last)
        kind = self.device.split(":")[0]
        with (
            torch.no_grad(),
            exact_float32(),
            torch.autocast(kind, dtype=self._dtype, enabled=self._low),
        ):
            logits = self._model(batch)
        return logits.float().softmax(dim=1)


class OpenVinoEngine:
    """OpenVINO on the CPU. The network is converted in memory from the PyTorch module."""

    def __init__(
        self, weights: str, device: str, *, low_precision: bool, batch_size: int | None
    ) -> None:
        # With this package OpenVINO tells its makers of each conversion, from processes of its own;
        # where importing it fails, it does not.
        sys.modules.setdefault("openvino_telemetry", None)
        import openvino as ov
        import openvino.preprocess
        import torch

        model = load_model(weights, device)
        self.weights: Weights = model.weights
        self.batch_size = batch_size or _BATCH["openvino"]
        network = torch.nn.Sequential(model, torch.nn.Softmax(dim=1))
        shape = (self.batch_size, self.weights.in_channels, *[self.weights.patch_size] * 2)
        example = torch.zeros(2, *shape[1:])
        with torch.no_grad(), warnings.catch_warnings():
            # sizes are fixed below, as the trace takes them to be
            warnings.simplefilter("ignore", torch.jit.TracerWarning)
            # checking the trace would take four times as long as the rest
            traced = torch.jit.trace(network, example, check_trace=False)
        converted = ov.convert_model(traced, example_input=example)
        converted.reshape({0: list(shape)})
        layout = ov.preprocess.PrePostProcessor(converted)
        layout.input().tensor().set_layout(ov.Layout("NHWC"))
        layout.input().model().set_layout(ov.Layout("NCHW"))
        converted = layout.build()
        precision = "bf16" if low_precision else "f32"
        self.number = "bfloat16" if low_precision else "float32"
        # Several batches at once, each by few cores: all cores at one batch wait for the last of them after
        # each layer, for long where other programs run.
        hints = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "THROUGHPUT"}
        compiled = ov.Core().compile_model(converted, "CPU", hints)
        at_once = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        # one more than compute, so that its patches are cut meanwhile
        self._slots = [compiled.create_infer_request() for _ in range(at_once + 1)]
        self.description = (
            f"openvino {ov.__version__.split('-')[0]} on {device_name('cpu')}, {self.number}"
        )

    def probabilities(
        self, tile: np.ndarray, rows: np.ndarray, cols: np.ndarray, layout: PatchLayout
    ) -> np.ndarray:
        """See `Engine`."""
        windows = (layout.size, layout.size)
        views = np.lib.stride_tricks.sliding_window_view(tile, windows, axis=(0, 1))
        patches = views[:: layout.step, :: layout.step].transpose(0, 1, 3, 4, 2)
        starts = range(0, len(rows), self.batch_size)
        chosen = ((rows[i : i + self.batch_size], cols[i : i + self.batch_size]) for i in starts)
        return np.concatenate(list(self.forwards(patches[places] for places in chosen)))

    def forwards(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Probabilities (n, classes) of each batch (n, H, W, C) of at most the compiled size, in their order."""
        running: deque[tuple[Any, int]] = deque()
        for slot, batch in zip(cycle(self._slots), batches, strict=False):
            if len(running) == len(self._slots):
                yield _result(*running.popleft())
            slot.wait()  # for what a caller that stopped has left running
            slot.get_input_tensor().data[: len(batch)] = batch
            slot.start_async()
            running.append((slot, len(batch)))
        while running:
            yield _result(*running.popleft())


def _result(slot: Any, n: int) -> np.ndarray:
    """What a request has computed of the first patches of its batch; the last batch of a tile is not full."""
    slot.wait()
    return slot.get_output_tensor().data[:n].copy()


class MixedEngine:
    """A fast engine of lower precision, and an exact one for the cells that are close calls."""

    def __init__(self, fast: Engine, exact: Engine) -> None:
        self.fast, self.exact = fast, exact
        self.weights = exact.weights
        self.number = fast.number
        self._close = CLOSE_CALL[fast.number]
        self.description = f"{fast.description}; close calls in float32"
        if isinstance(fast, TorchEngine) and isinstance(exact, TorchEngine):
            exact.shares_with(fast)

    def probabilities(
        self, tile: np.ndarray, rows: np.ndarray, cols: np.ndarray, layout: PatchLayout
    ) -> np.ndarray:
        """See `Engine`."""
        out = self.fast.probabilities(tile, rows, cols, layout)
        best = np.partition(out, -2, axis=1)[:, -2:]
        close = np.flatnonzero(best[:, 1] - best[:, 0] < self._close)
        if close.size:
            out[close] = self.exact.probabilities(tile, rows[close], cols[close], layout)
        return out
