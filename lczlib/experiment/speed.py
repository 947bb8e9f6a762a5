"""Parameters and inference speed of networks, measured one after the other in one process."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lczlib.accelerators import choose_device, device_name
from lczlib.experiment.data import DataSet
from lczlib.experiment.plan import Cell
from lczlib.machine import machine
from lczlib.models import architecture, build
from lczlib.models.forest import RandomForest
from lczlib.temporary import TemporaryFolder
from lczlib.training.trainer import fit_network

_ROUNDS, _PATCHES, _BATCH = 5, 128, 64


@torch.inference_mode()
def measure(cells: Sequence[Cell], data: DataSet) -> list[dict[str, Any]]:
    """Parameters and patches a second of each cell's network, on the device it was trained on.

    Networks take turns, so that a machine that is busy for a while slows all of them; the median of
    the rounds is kept. Weights do not change a network's speed, so fresh ones are used; a random
    forest is grown, since its size follows from the training patches.

    Parameters
    ----------
    cells : sequence of Cell
        One network each.
    data : DataSet
        For the number of channels and the patch size, and patches to classify.

    Returns
    -------
    list of dict
        ``network``, ``parameters``, ``patches_per_second``, and how they were measured.
    """
    jobs, parameters = [], []
    device = choose_device(cells[0].runs[0].options.device)
    for cell in cells:
        subsets, run = data.select(cell.inputs), cell.runs[0]
        some = subsets.train.subset(np.arange(min(_PATCHES, len(subsets.train))))
        if architecture(cell.network).learning == "trees":
            with TemporaryFolder() as scratch:
                trained = fit_network(subsets.train, subsets.validation, run.options, scratch)
            network = trained.network
        else:
            network = build(cell.network, len(subsets.train.kind.bands), **run.options.options)
        network = network.eval().to(device)
        x = torch.from_numpy(np.nan_to_num(some.read(np.arange(len(some))))).to(device)
        jobs.append((lambda n=network, x=x: _classify(n, x), len(some)))
        parameters.append(n_parameters(network))
    seconds: list[list[float]] = [[] for _ in jobs]
    for turn in range(_ROUNDS + 1):
        for job, own in zip(jobs, seconds, strict=True):
            begun = time.perf_counter()
            job[0]()
            if turn:  # the first turn warms up
                own.append(time.perf_counter() - begun)
    how = {
        **_where(device), "batch_size": _BATCH, "rounds": _ROUNDS,
        "patch_size": data.subsets().train.kind.patch_size,
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }  # fmt: skip
    return [
        {
            "network": cell.network, "label": cell.label, "parameters": n,
            "patches_per_second": round(job[1] / statistics.median(own), 1),
            "slowest": round(job[1] / max(own), 1), "fastest": round(job[1] / min(own), 1), **how,
        }
        for cell, job, own, n in zip(cells, jobs, seconds, parameters, strict=True)
    ]  # fmt: skip


def speeds(folder: str | Path, cells: Sequence[Cell], data: DataSet) -> list[dict[str, Any]]:
    """What `measure` finds, or found on this machine for an earlier table of the same networks.

    Each line also has ``of``: the inputs and the network's options, by which it is known again.
    """
    wanted = {c.label: [c.inputs, c.runs[0].options.options] for c in cells}
    here = _where(choose_device(cells[0].runs[0].options.device)).items()
    with suppress(OSError, ValueError, KeyError):  # not written yet, or not by this version
        earlier = json.loads((Path(folder) / "experiment.json").read_text())["speed"]
        same = {s["label"]: s["of"] for s in earlier} == json.loads(json.dumps(wanted))
        if same and all(here <= s.items() for s in earlier):
            return earlier
    return [{**s, "of": wanted[s["label"]]} for s in measure(cells, data)]


def _where(device: str) -> dict[str, Any]:
    # "cuda" alone does not say which card, and speeds of another one are not to be taken up
    card = {} if device == "cpu" else {"card": device_name(device)}
    return {
        "machine": machine(),
        "device": device,
        **card,
        "threads": torch.get_num_threads(),
    }


def n_parameters(network: torch.nn.Module) -> int:
    """Learnt numbers of a network; of a random forest, the thresholds of its splits and the class
    shares of its leaves.
    """
    if isinstance(network, RandomForest):
        return network.threshold.numel() + network.share.numel()
    return sum(p.numel() for p in network.parameters())


def _classify(network: torch.nn.Module, x: torch.Tensor) -> None:
    for start in range(0, len(x), _BATCH):
        network(x[start : start + _BATCH])
    if x.is_cuda:
        torch.cuda.synchronize()
