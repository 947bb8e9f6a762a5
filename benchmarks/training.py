"""Training speed beside the bare training step.

The bare step is the same network, loss and optimiser on tensors that are ready, in a plain loop;
everything that `lczlib.training` adds (cutting patches from the scene, scaling, flips and turns,
Lightning, metrics) shows in the ratio. Both run in turns in one process.

    python benchmarks/training.py [--device cuda] [--batch 16]
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time

import numpy as np
import pandas as pd
import torch

from lczlib.models import build
from lczlib.training.losses import focal_loss
from lczlib.training.patches import PatchKind, ScenePatches
from lczlib.training.trainer import Options, fit_network

NETWORKS = {"resnet20": {}, "sen2lcz": {}}
SIZE, BANDS = 32, 10


def scene_patches(n: int, pixels: int = 1200) -> ScenePatches:
    """Patches at random places of a random scene of 12 x 12 km (synthetic: speed needs no city)."""
    rng = np.random.default_rng(0)
    image = rng.random((BANDS, pixels, pixels), np.float32)
    table = pd.DataFrame({
        "lcz": rng.integers(1, 18, n).astype(np.uint8), "polygon": np.arange(n) // 10,
        "location": np.arange(n), "image": 0,
        "row": rng.integers(0, pixels - SIZE, n), "col": rng.integers(0, pixels - SIZE, n),
    })  # fmt: skip
    return ScenePatches(
        PatchKind("toy", tuple(f"b{i}" for i in range(BANDS)), SIZE), table, [image]
    )


def bare(options: Options, steps: int) -> float:
    """Samples a second of forward, loss, backward and optimiser step on one ready batch."""
    torch.manual_seed(0)
    device = options.device
    network = build(options.architecture, BANDS, **options.options).to(device).train()
    optimizer = torch.optim.NAdam(network.parameters(), lr=options.learning_rate)
    x = torch.randn(options.batch_size, BANDS, SIZE, SIZE, device=device)
    target = torch.randint(17, (options.batch_size,), device=device)
    begun = 0.0
    for step in range(steps + 3):
        if step == 3:  # the first steps allocate memory
            _wait(device)
            begun = time.perf_counter()
        loss = focal_loss(network(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    _wait(device)
    return steps * options.batch_size / (time.perf_counter() - begun)


def trained(options: Options, patches: ScenePatches, steps: int) -> float:
    """Samples a second of `fit_network`, from the first step's end to the last training step's."""
    times: list[float] = []

    def progress(done: int, total: int) -> None:
        if done in (3, total):
            _wait(options.device)
            times.append(time.perf_counter())

    options = dataclasses.replace(options, epochs=1)
    with tempfile.TemporaryDirectory() as folder:
        fit_network(patches, patches.subset(np.arange(2)), options, folder, progress=progress)
    return (steps - 3) * options.batch_size / (times[-1] - times[0])


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    patches = scene_patches(args.batch * args.steps)
    print(
        f"{args.device}, batch {args.batch}, {SIZE} x {SIZE} x {BANDS}, medians of {args.rounds} rounds"
    )
    print(f"{'network':<10} {'bare /s':>9} {'trained /s':>10} {'ratio':>6}")
    for name, extra in NETWORKS.items():
        options = Options(name, extra, batch_size=args.batch, device=args.device)
        rounds = [
            (bare(options, args.steps), trained(options, patches, args.steps))
            for _ in range(args.rounds)
        ]
        step, run = np.median(rounds, axis=0)
        print(f"{name:<10} {step:>9.0f} {run:>10.0f} {np.median([r / b for b, r in rounds]):>6.2f}")


if __name__ == "__main__":
    main()
