"""Trained networks for other programs: ONNX, and PyTorch's own ``torch.export``.

A file holds the network alone. What it reads and gives is in the file's metadata: under ``lczlib`` the
whole description (`lczlib.models.Weights`) as JSON, beside it bands, classes and scaling in words. In
a ``.pt2`` file they are extra files by the same names with ``.txt``.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from lczlib.classes import CLASSES
from lczlib.errors import InputError, WeightsError
from lczlib.export.files import staged
from lczlib.extras import need
from lczlib.models.loading import load_model
from lczlib.models.weights import Weights
from lczlib.terms import option

Format = Literal["onnx", "pt2"]

TOLERANCE = 1e-5
"""Largest difference of a class probability that is put down to rounding in float32."""

BATCHES = (1, 2, 29)
"""Sizes of the batches of random patches that an export is compared on."""

INPUT, OUTPUT = "patches", "logits"


@dataclass(frozen=True)
class Exported:
    """An exported network.

    Attributes
    ----------
    path : Path
        The file.
    format : str
        ``onnx`` or ``pt2``.
    weights : Weights
        What was exported.
    difference : float
        Largest difference of a class probability to that of the network in PyTorch.
    n : int
        Patches compared, in batches of several sizes.
    """

    path: Path
    format: Format
    weights: Weights
    difference: float
    n: int


def export_network(
    name: str | Path,
    path: str | Path,
    *,
    format: Format | None = None,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> Exported:
    """Write a trained network as ONNX or ``torch.export`` file, and check the file against PyTorch.

    The batch size is free; bands and patch size are those of the weights. Input ``patches`` (N, C, P,
    P) float32, scaled as the network expects; output ``logits`` (N, classes).

    Parameters
    ----------
    name : str or path
        See `lczlib.models.resolve`.
    path : path
        Of the result.
    format : {"onnx", "pt2"}, optional
        By the ending of `path`, if not given.
    tolerance : float
        Largest difference of a class probability on random patches.
    seed : int
        Of those patches.

    Raises
    ------
    InputError
        If the format is unknown, or the network is not one for LCZ.
    DeviceError
        If packages for ONNX are missing.
    WeightsError
        If the written file computes something else than the network; it is not kept then.
    """
    path = Path(path)
    chosen = format or path.suffix.removeprefix(".")
    if chosen not in get_args(Format):
        msg = f"{chosen!r} is no export format: use {' or '.join(get_args(Format))} ({option('format')})."
        raise InputError(msg)
    network = load_model(name)
    weights = network.weights
    if weights.task != "lcz":
        msg = (
            f"{weights.name} maps {weights.task} and reads three windows of a scene at once: only LCZ "
            "networks, which read one patch, are exported."
        )
        raise InputError(msg)
    if chosen == "onnx":
        _need("onnx", "onnxscript", "onnxruntime")
    batches = list(_patches(weights, seed))
    with staged(path) as temporary:
        write, read = (_write_onnx, _read_onnx) if chosen == "onnx" else (_write_pt2, _read_pt2)
        with _quiet():
            write(network, batches[1], temporary, _metadata(weights))
            compute = read(temporary)
            difference = float(np.max([_difference(network, compute, x) for x in batches]))
        if not difference <= tolerance:
            msg = (
                f"The exported {weights.name} gives class probabilities that differ by up to "
                f"{difference:.2g} from PyTorch's, more than {tolerance:g}: it was not written."
            )
            raise WeightsError(msg)
    return Exported(path, chosen, weights, difference, sum(map(len, batches)))


def _need(*packages: str) -> None:
    need("ONNX export needs", *packages, extra="export")


def _patches(weights: Weights, seed: int) -> Iterator[Tensor]:
    """Batches of random patches that spread like the training data, as network input."""
    rng = np.random.default_rng(seed)
    size = weights.patch_size
    for n in BATCHES:
        x = rng.normal(size=(n, weights.in_channels, size, size))
        # patches differ as wholes too: noise alone has the same mean everywhere
        x += rng.normal(size=(n, weights.in_channels, 1, 1))
        if weights.normalisation not in ("fixed", "scene"):
            mean = np.asarray(weights.mean or [0.5] * weights.in_channels)
            std = np.asarray(weights.std or [0.2] * weights.in_channels)
            x = (mean[:, None, None] + x * std[:, None, None]) * weights.scale
        yield torch.from_numpy(x.astype(np.float32))


@torch.no_grad()
def _difference(network: nn.Module, compute: Callable[[Tensor], Tensor], x: Tensor) -> float:
    """Largest difference of a class probability; NaN where either is."""
    return float((network(x).softmax(1) - compute(x).softmax(1)).abs().max())


def _write_pt2(network: nn.Module, x: Tensor, path: Path, metadata: dict[str, str]) -> None:
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(network, (x,), dynamic_shapes=({0: batch},))
    files = {f"{name}.txt": text for name, text in metadata.items()}
    torch.export.save(program, path, extra_files=files)


def _read_pt2(path: Path) -> Callable[[Tensor], Tensor]:
    return torch.export.load(path).module()


def _write_onnx(network: nn.Module, x: Tensor, path: Path, metadata: dict[str, str]) -> None:
    program = torch.onnx.export(
        network, (x,), dynamo=True, verbose=False, dynamic_shapes=({0: "batch"},),
        input_names=[INPUT], output_names=[OUTPUT],
    )  # fmt: skip
    program.model.metadata_props.update(metadata)
    program.save(path)


def _read_onnx(path: Path) -> Callable[[Tensor], Tensor]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda x: torch.from_numpy(session.run([OUTPUT], {INPUT: x.numpy()})[0])


def _metadata(weights: Weights) -> dict[str, str]:
    """A network's description for programs that know nothing of this library."""
    factor = "" if weights.scale == 1 else f" x {weights.scale:g}"
    scaling = {
        "none": f"value{factor}",
        "fixed": f"(value{factor} - mean) / std of the band, below; 0 where missing",
        "scene": f"(value{factor} - mean) / std of the band over the scene; 0 where missing",
        "range": f"(value{factor} - minimum) / (maximum - minimum) of the band",
    }
    out = {
        "lczlib": json.dumps(weights.to_dict()),
        "bands": ", ".join(weights.bands),
        "classes": ", ".join(CLASSES[n - 1].code for n in weights.classes),
        "scaling": scaling[weights.normalisation],
        "input": f"{INPUT}: float32 (batch, {weights.in_channels}, {weights.patch_size}, "
        f"{weights.patch_size}), pixels of {weights.pixel_size:g} m",
        "output": f"{OUTPUT}: float32 (batch, {len(weights.classes)}); softmax gives probabilities",
    }
    if weights.mean:
        out["mean"] = ", ".join(f"{v:.9g}" for v in weights.mean)
        out["std"] = ", ".join(f"{v:.9g}" for v in weights.std)
    if weights.simulated:
        out["simulated"] = "trained on simulated scenes: of no use on real ones"
    return out


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter's notes on itself are of no use to our users."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning)
            warnings.filterwarnings("ignore", category=UserWarning, module="torch")
            yield
    finally:
        logger.setLevel(level)
