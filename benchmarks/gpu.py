"""Everything about mapping on a graphics card, in one run.

    python benchmarks/gpu.py [--device cuda] [--scene S2.tif] [--write FOLDER] [--quick]

Each part runs in a process of its own and prints one line of JSON; a part that fails says so, and the
others go on. Without a card `--device cpu --quick` runs the same parts on the processor, small: that tries
the program, and says nothing about cards. Ratios are to be read within one run.

- card: its name, memory, driver, and how fast memory is copied
- numbers: each network in TF32, float16, bfloat16 against float32 on the processor
- speed: patches a second by batch size and number type, with peak memory
- water: GMNet with cuDNN and without
- city: `map_city` end to end, float32 and mixed, cold and warm, beside its bare forward passes
- memory: whether a run in a twentieth of the card's memory gives the same map
- together: two runs at once beside one after the other
- training: steps a second by batch size
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

NETWORKS = ("so2sat_s1_resnet20", "so2sat_s2_resnet20", "sen2lcz_net")
PARTS = ("card", "numbers", "speed", "water", "city", "memory", "together", "training")


def seconds_of(job: Any, device: str, times: int = 5) -> float:
    """Median seconds of a job after two turns that warm up."""
    spent = []
    for turn in range(times + 2):
        _wait(device)
        begun = time.perf_counter()
        job()
        _wait(device)
        if turn > 1:
            spent.append(time.perf_counter() - begun)
    return float(np.median(spent))


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def card(options: argparse.Namespace) -> dict[str, Any]:
    """What it is, and GB a second to it from plain and from pinned memory, and back."""
    from lczlib.accelerators import device_name

    found: dict[str, Any] = {"device": device_name(options.device), "torch": torch.__version__}
    size = 2**26 if options.quick else 2**28
    plain = torch.zeros(size // 4)
    ways = {"plain": plain}
    if options.device.startswith("cuda"):
        about = torch.cuda.get_device_properties(options.device)
        found |= {
            "gigabytes": round(about.total_memory / 1e9, 1), "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(), "capability": f"{about.major}.{about.minor}",
        }  # fmt: skip
        ways["pinned"] = plain.pin_memory()
    for name, source in ways.items():
        spent = seconds_of(lambda s=source: s.to(options.device, copy=True), options.device)
        found[f"gb_a_second_{name}"] = round(size / spent / 1e9, 2)
    there = plain.to(options.device)
    spent = seconds_of(lambda: there.to("cpu", copy=True), options.device)
    return found | {"gb_a_second_back": round(size / spent / 1e9, 2)}


def patches_of(name: str, scene: str, n: int) -> torch.Tensor:
    """Patches as the network reads them: of the scene where it can be read, else noise like its training."""
    from lczlib.models import describe

    weights = describe(name)
    rng = np.random.default_rng(0)
    size = weights.patch_size
    if scene and weights.sensor == "s2":
        from lczlib.mapping import prepare
        from lczlib.scenes import open_sentinel2

        ready = prepare(open_sentinel2(scene), weights, accept_values=True)
        values = np.stack([ready.bands[b].values for b in ready.bands.data_vars])
        values = values * ready.gain[:, None, None] + ready.shift[:, None, None]
        values = np.where(np.isfinite(values), values, ready.fill[:, None, None])
        tops, lefts = (rng.integers(0, s - size, n) for s in values.shape[1:])
        cut = [values[:, y : y + size, x : x + size] for y, x in zip(tops, lefts, strict=True)]
        return torch.from_numpy(np.stack(cut).astype(np.float32))
    mean = np.asarray(weights.mean or [0.0] * weights.in_channels)[:, None, None] * weights.scale
    std = np.asarray(weights.std or [1.0] * weights.in_channels)[:, None, None] * weights.scale
    noise = rng.normal(size=(n, weights.in_channels, size, size))
    return torch.from_numpy((mean + std * noise).astype(np.float32))


def numbers(options: argparse.Namespace) -> dict[str, Any]:
    """Largest move of a probability, and labels that change, against float32 on the processor."""
    from lczlib.accelerators import exact_float32
    from lczlib.models import load_model

    n = 200 if options.quick else 2_000
    found: dict[str, Any] = {"patches": n}
    for name in NETWORKS[-2:] if options.quick else NETWORKS:
        x = patches_of(name, options.scene, n)
        with torch.inference_mode():
            exact = load_model(name, "cpu")(x).softmax(1)
            model = load_model(name, options.device)
            kind = options.device.split(":")[0]
            ways = {
                "float32": (exact_float32(), None),
                "float32 as PyTorch has it": (nullcontext(), None),
                "bfloat16": (nullcontext(), torch.bfloat16),
                **({} if kind == "cpu" else {"float16": (nullcontext(), torch.float16)}),
            }
            for way, (flags, number) in ways.items():
                low = torch.autocast(kind, dtype=number) if number else nullcontext()
                with flags, low:
                    got = torch.cat([model(b).float().softmax(1) for b in x.to(kind).split(256)])
                got = got.cpu()
                best = exact.topk(2, dim=1).values
                changed = got.argmax(1) != exact.argmax(1)
                found[f"{name}, {way}"] = {
                    "largest_move": round(float((got - exact).abs().max()), 4),
                    "labels_changed": int(changed.sum()),
                    "widest_call_changed": round(
                        float((best[:, 0] - best[:, 1])[changed].max()) if changed.any() else 0.0, 4
                    ),
                }
    return found


def speed(options: argparse.Namespace) -> dict[str, Any]:
    """Patches a second of the forward pass alone."""
    from lczlib.mapping.engines import TorchEngine

    found: dict[str, Any] = {}
    cuda = options.device.startswith("cuda")
    for name in NETWORKS[:2]:
        for low in (False, True):
            engine = TorchEngine(name, options.device, low_precision=low, batch_size=None)
            for size in (64,) if options.quick else (512, 1_024, 2_048, 4_096, 8_192):
                x = patches_of(name, "", size).to(options.device)
                if cuda:
                    torch.cuda.reset_peak_memory_stats()
                spent = seconds_of(lambda e=engine, x=x: e.forward(x), options.device)
                found[f"{name}, {engine.number}, {size}"] = {
                    "patches_a_second": round(size / spent),
                    **({"gigabytes": torch.cuda.max_memory_allocated() / 1e9} if cuda else {}),
                }
    return found


def water(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds a tile of GMNet, with cuDNN (as `lcz water` has it) and without."""
    from lczlib.accelerators import exact_float32
    from lczlib.mapping.water_model import load_water_model

    model = load_water_model("as", options.device)
    tiles = 1 if options.quick else 16
    x = torch.rand(tiles, 2, 256, 256, device=options.device)
    found = {}
    for way, flags in (
        ("with_cudnn", exact_float32),
        ("without", lambda: torch.backends.cudnn.flags(enabled=False)),
    ):

        def job(flags: Any = flags) -> None:
            with torch.inference_mode(), flags():
                model(x, x, x, margin=30)

        found[way] = round(seconds_of(job, options.device, 3) / tiles, 4)
    return found


def request_of(options: argparse.Namespace, folder: Path, **more: Any) -> Any:
    """A simulated city of So2Sat's layout: four Sentinel-2 seasons and Sentinel-1."""
    from lczlib.mapping import MapRequest
    from lczlib.scenes.simulation import simulate_city, write_so2sat

    if not folder.exists():
        write_so2sat(simulate_city(3 if options.quick else 40, 1), folder, "00000_00000_Simulated")
    return MapRequest(
        (str(folder),), weights=NETWORKS[:2], device=options.device, engine="torch",
        accept_values=True, **more,
    )  # fmt: skip


def mapped(options: argparse.Namespace, folder: Path, name: str, **more: Any) -> dict[str, Any]:
    """Seconds of `map_city`."""
    from lczlib.mapping import map_city

    request = request_of(options, folder / "scene", **more)
    begun = time.perf_counter()
    result = map_city(request, folder / name)
    seconds = time.perf_counter() - begun
    return {
        "seconds": round(seconds, 2), "cells": result.manifest["cells"],
        "labels": {k: np.asarray(v.values) for k, v in result.kinds.items()},
    }  # fmt: skip


def city(options: argparse.Namespace) -> dict[str, Any]:
    """End to end, the first run and the second, beside the forward passes of as many patches alone."""
    from lczlib.mapping.engines import TorchEngine

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as at:
        folder = Path(at)
        request_of(options, folder / "scene")
        exact: dict[str, np.ndarray] = {}
        for precision in ("float32", "mixed"):
            runs = [mapped(options, folder, f"{precision}{i}", precision=precision) for i in (0, 1)]
            found[precision] = {"cold": runs[0]["seconds"], "warm": runs[1]["seconds"]}
            found["cells"], labels = runs[0]["cells"], runs[0]["labels"]
            if precision == "mixed":
                found["labels_changed"] = {k: int((v != exact[k]).sum()) for k, v in labels.items()}
            exact = exact or labels
    bare = 0.0
    for name, scenes in zip(NETWORKS[:2], (1, 4), strict=True):
        engine = TorchEngine(name, options.device, low_precision=False, batch_size=None)
        x = patches_of(name, "", engine.batch_size).to(options.device)
        spent = seconds_of(lambda e=engine, x=x: e.forward(x), options.device)
        bare += spent / engine.batch_size * found["cells"] * scenes / 5
    return found | {
        "bare_seconds": round(bare, 2),
        "busy_float32": round(bare / found["float32"]["warm"], 3),
    }


def memory(options: argparse.Namespace) -> dict[str, Any]:
    """The same map where the card has little memory left."""
    if not options.device.startswith("cuda"):
        return {"left_out": "a processor's memory cannot be limited this way"}
    with tempfile.TemporaryDirectory() as at:
        whole = mapped(options, Path(at), "whole")
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(0.02)
        short = mapped(options, Path(at), "short")
    same = {k: int((v != short["labels"][k]).sum()) for k, v in whole["labels"].items()}
    return {"whole": whole["seconds"], "short": short["seconds"], "labels_changed": same}


def together(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of two runs one after the other, and at once."""
    with tempfile.TemporaryDirectory() as at:
        scene = Path(at) / "scene"
        request_of(options, scene)

        def start(name: str) -> subprocess.Popen:
            command = [
                sys.executable, "-m", "lczlib", "map", str(scene), "--device", options.device, "--engine", "torch",
                "--weights", ",".join(NETWORKS[:2]), "--accept-values", "--out", str(Path(at) / name),
            ]  # fmt: skip
            return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def ended(runs: list[subprocess.Popen]) -> None:
            if [r for r in runs if r.wait()]:
                raise RuntimeError("a run failed")

        begun = time.perf_counter()
        for name in "ab":
            ended([start(name)])
        after = time.perf_counter()
        ended([start("c"), start("d")])
        return {
            "one_after_the_other": round(after - begun, 2),
            "at_once": round(time.perf_counter() - after, 2),
        }


def training(options: argparse.Namespace) -> dict[str, Any]:
    """Steps a second of Sen2LCZ-Net with focal loss and augmentation."""
    from lczlib.models import build
    from lczlib.training.module import TrainingModule

    found = {}
    for size in (16,) if options.quick else (16, 256, 1_024):
        torch.manual_seed(0)
        module = TrainingModule(
            build("sen2lcz", 10), np.zeros(10), np.ones(10), alpha=None, gamma=2.0,
            learning_rate=1e-3, halve_every=5, augment=True, seed=0,
        ).to(options.device)  # fmt: skip
        optimiser = module.configure_optimizers()
        x = torch.rand(size, 10, 32, 32).to(options.device)
        target = torch.arange(size, device=options.device) % 17

        def step(
            module: Any = module, x: Any = x, target: Any = target, by: Any = optimiser
        ) -> None:
            from lczlib.training.batches import turn_and_flip
            from lczlib.training.losses import focal_loss

            turned = turn_and_flip(module.scaled(x), torch.Generator().manual_seed(0))
            loss = focal_loss(module.network(turned), target, 2.0, None)
            by.zero_grad()
            loss.backward()
            by.step()

        found[str(size)] = round(1 / seconds_of(step, options.device), 2)
    return {"steps_a_second": found}


def main() -> None:
    """Run the parts, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--scene", default="")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", choices=PARTS)
    options = parser.parse_args()
    from lczlib.accelerators import choose_device

    options.device = choose_device(options.device)
    if options.part:
        print(json.dumps(globals()[options.part](options)))
        return
    results = {}
    for part in PARTS:
        done = subprocess.run(
            [sys.executable, __file__, *sys.argv[1:], "--part", part],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        last = (done.stdout.strip().splitlines() or ["{}"])[-1]
        failed = {"failed": (done.stderr.strip().splitlines() or ["?"])[-1]}
        results[part] = failed if done.returncode else json.loads(last)
        print(json.dumps({part: results[part]}), flush=True)
    if options.write:
        name = results["card"].get("device", options.device).replace(" ", "-")
        (options.write / f"gpu-{name}.json").write_text(json.dumps(results, indent=1) + "\n")
    if any("failed" in r for r in results.values()):
        raise SystemExit("Some parts failed.")


if __name__ == "__main__":
    main()
