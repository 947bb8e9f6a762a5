"""The experiments of Zhou et al. (2022) and of Liu and Shi (2020), reduced, on simulated cities.

Table 4 (input combinations), Table 5 (networks) and Table 6 (focal gamma), three seeds each, on
simulated cities: six to train on, two others to test on. Section 4.1 (one city, another, all) on
three cities parted by polygon, and the context sizes of Liu and Shi on the same. Networks are those of
the registry, some of them narrower, and train for six epochs, so that the whole fits into an hour or two
of two cores. Stopped at any time, a second call goes on.

    python benchmarks/experiment.py --work /tmp/experiment --workers 2
    python benchmarks/experiment.py --work /tmp/experiment --table cities --table patch-size

Writes experiment/<table>/ (runs.csv, table.csv, table.md, figures, experiment.json).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

from lczlib.experiment.cities import cross_frame, cross_markdown, on_each_city
from lczlib.experiment.data import City, SceneData
from lczlib.experiment.plan import TABLES, Settings, plan
from lczlib.experiment.report import table_figures, write_report
from lczlib.experiment.results import gather
from lczlib.experiment.runner import run_all, unique_runs
from lczlib.experiment.speed import speeds
from lczlib.export.files import write_table
from lczlib.figures import save_figure
from lczlib.scene_options import SceneOptions
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.scenes.simulation.city import CORNER
from lczlib.training.inputs import SceneFiles
from lczlib.training.trainer import Options

NEW_TABLES = ("cities", "patch-size")
N_CITIES, PATCH_OF_CITIES = 3, 16
TRAIN_SEEDS, TEST_SEEDS = range(4101, 4107), (5101, 5102)
CITY_KM, SPACING, PATCH = 8.0, 240.0, 32
APART = 20_000.0  # metres from one city to the next
SETTINGS = Settings(
    network="rsnnet",
    inputs="D6",
    seeds=(0, 1, 2),
    options=Options(epochs=6, batch_size=16, halve_every=3, patience=6, device="cpu"),
    network_options={
        "rsnnet": {"width": 32, "cardinality": 8},
        "lcznet": {"widths": (32, 64, 128, 256)},
        "mscnn": {"width": 32},
    },
)
SMALL = {"lcznet": {"widths": (8, 16, 32, 64)}}
SETTINGS_OF = {
    "patch-size": replace(SETTINGS, network="lcznet", inputs="D2", network_options=SMALL),
}
"""Where a table differs: Liu and Shi read Sentinel-2 alone."""

REDUCED = (
    "Reduced for two x86 cores without a GPU: six epochs instead of training until nothing improves, "
    "patches of 32 instead of 48 pixels, RSNNet, LCZNet and MSCNN narrower than published. Test "
    "polygons lie in two cities that no run has seen, where the paper split patches at random."
)
REDUCED_NEW = (
    "Reduced for two x86 cores without a GPU: six epochs instead of training until nothing improves, "
    "RSNNet and LCZNet narrower than published, three cities of 8 km to train on. The table of cities has patches "
    "of 16 instead of 48 pixels, so that polygons of a small city can be parted without a shared pixel; that of "
    "patch sizes is tested in two other cities."
)
READING = {
    "inputs": (
        "What the ranking means: which channels tell simulated zones apart for a small RSNNet trained "
        "for a short time. The simulator's radar knows walls, layover, volume and speckle, but its "
        "polarimetry is simple, so a gain or loss by alpha, entropy and covariance here is no forecast "
        "for real Sentinel-1; that Sentinel-1 alone is far behind Sentinel-2 agrees with the paper. "
        "Differences whose interval holds 0 are no ranking at all."
    ),
    "networks": (
        "What the ranking means: how fast networks learn from little data, not how good they become. "
        "Deep networks (ResNet-50, DenseNet-121) and those with dropout and many heads (Sen2LCZ-Net) "
        "are made for longer training on more patches, and stand lower here than they would then. Use "
        "it to choose a network for a small set of polygons on a small machine, and rerun it on your "
        "own data before you choose one for anything else."
    ),
    "gamma": (
        "What the ranking means: whether the loss's focus matters for RSNNet on these patches, whose "
        "classes are nearly balanced; the paper's data are not, and its alpha and gamma are there for "
        "that. A gamma that is best here only by the chance of three seeds is not to be copied: look at "
        "the intervals of the differences first."
    ),
    "cities": (
        "What the table means: simulated cities differ by their seed alone, not in climate, material or style, "
        "as Beijing, Tianjin and Wuhan do. So it shows that the comparison works, and what more patches, and at the "
        "same epochs more steps, are worth to a small network; it is no forecast of how a network of one real city "
        "does in another. A city's test polygons are few, and the intervals wide: lines that overlap are no ranking."
    ),
    "patch-size": (
        "What the table means: whether the ground around a place helps to tell its zone, on simulated "
        "streets whose blocks have the size that the simulator gives them. All sizes see the same places, so that "
        "only the context differs; a real city's best size (480 m in the paper, on its own cities, where 10 "
        "pixels are 7.5 % worse) follows from its own blocks and from its polygons, and is not to be read here."
    ),
}
"""A paragraph under each table."""


def simulated_data(folder: Path, table: str) -> SceneData:
    """The cities of a table as a So2Sat folder, written where they are not there yet."""
    names = {
        seed: f"0000{i}_{seed}_Simulated" for i, seed in enumerate((*TRAIN_SEEDS, *TEST_SEEDS))
    }
    east, north = CORNER
    for i, (seed, name) in enumerate(names.items()):
        if not (folder / "Reference" / name / "truth.json").is_file():
            city = simulate_city(CITY_KM, seed, (east, north + i * APART))
            write_so2sat(city, folder, name)

    def city(seed: int) -> City:
        name = names[seed]
        files = SceneFiles(
            (str(folder),), "both", options=SceneOptions(city=name, only_seasons=("summer",))
        )
        return City(files, str(folder / "Reference" / name / "polygons.gpkg"))

    data = SceneData(
        tuple(city(s) for s in TRAIN_SEEDS), tuple(city(s) for s in TEST_SEEDS),
        patch_size=PATCH, spacing=SPACING,
    )  # fmt: skip
    if table not in NEW_TABLES:
        return data
    some = replace(data, cities=data.cities[:N_CITIES])
    if table == "cities":
        return replace(some, test_cities=(), each_city=True, patch_size=PATCH_OF_CITIES)
    # tested in other cities, so training and validation need not be apart: they hardly could be at 640 m
    return replace(some, patch_size=max(SETTINGS.patch_sizes), buffer=-1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results/experiment")
    parser.add_argument("--work", type=Path, required=True, help="for cities and runs; kept")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--table", choices=TABLES, action="append", help="repeat; by default all")
    args = parser.parse_args()
    begun = time.perf_counter()
    for table in args.table or TABLES:
        data = simulated_data(args.work / "cities", table)
        settings = SETTINGS_OF.get(table, SETTINGS)
        own = plan(table, data, settings)
        results = run_all(
            data, unique_runs(own), args.work, workers=args.workers,
            progress=lambda done, total, what: print(
                f"[{time.perf_counter() - begun:5.0f} s] {done}/{total} {what}", flush=True
            ),
        )  # fmt: skip
        result = gather(own, results, args.work, data.fingerprint(), by_polygon=True)
        folder = args.out / table
        speed = speeds(folder, own, data) if table == "networks" else ()
        reduced = REDUCED_NEW if table in NEW_TABLES else REDUCED
        reading = f"{READING[table]} {reduced}"
        if table == "cities":
            by_city = on_each_city(own, results, args.work, data, by_polygon=True)
            cross = cross_frame(result, by_city)
            write_table(folder / "cities.csv", cross, index=False)
            reading = f"{cross_markdown(cross)}\n\n{reading}"
        frame = write_report(
            folder, table, result, data, settings, with_published=table not in NEW_TABLES, speed=speed,
            reading=reading,
        )  # fmt: skip
        for name, make in table_figures(table, frame, result, data).items():
            for suffix in ("png", "svg"):
                save_figure(make(), folder / f"{name}.{suffix}", dpi=100)
        print((folder / "table.md").read_text())


if __name__ == "__main__":
    main()
