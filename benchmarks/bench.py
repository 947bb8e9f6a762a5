"""The scoreboard of the cities whose polygons are here, and of a simulated one in which all ways are possible.

    python benchmarks/bench.py [--data ../shared/data] [--epochs 8] [--work DIR] [--write benchmarks/results]

Runs `lcz bench` on the catalog's list, the small CNN among the ways, and on a simulated city with the networks for
such cities. Writes bench.md and bench.json, the result file of the real cities. With --work a second run goes on.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from lczlib.bench.names import WAYS
from lczlib.export import staged
from lczlib.jobs.bench import SCORES, BenchRequest, BenchResult, run
from lczlib.reading import quiet
from lczlib.scenes.simulation import simulate_city, write_so2sat

NAME = "00000_00000_Simulated"
DATA = Path(__file__).resolve().parents[2] / "shared/data"


def simulated(folder: Path, size: float, seed: int) -> Path:
    """A simulated city, and the list that names it."""
    if not (folder / "city").is_dir():
        write_so2sat(simulate_city(size, seed), folder / "city", NAME)
    city = {
        "name": "simulated", "title": f"Simulated city of {size:g} km, seed {seed}", "so2sat": "none",
        "simulated": True,
        "polygons": {"file": f"city/Reference/{NAME}/polygons.gpkg", "licence": "MIT", "citation": "lczlib"},
        "scene": {"inputs": ["city"]},
    }  # fmt: skip
    path = folder / "cities.json"
    path.write_text(json.dumps({"cities": [city]}))
    return path


def scored(request: BenchRequest, out: Path) -> BenchResult:
    """A board, written."""
    with quiet():
        result = run(request, out, note=lambda text: print(text, flush=True))
        result.write(out)
    return result


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    begun, scratch = time.perf_counter(), tempfile.TemporaryDirectory()
    work = options.work or Path(scratch.name)
    work.mkdir(parents=True, exist_ok=True)
    real = scored(
        BenchRequest(ways=WAYS, data=str(options.data), epochs=options.epochs), work / "real"
    )
    listed = simulated(work, 4, 5)
    toy = scored(
        BenchRequest(
            cities=str(listed), ways=("s1", "s2", "fused", "adapted", "forest"), weights=("demo_s1", "demo_s2")
        ),
        work / "simulated",
    )  # fmt: skip
    command = f"python benchmarks/bench.py --epochs {options.epochs} --write benchmarks/results"
    text = "\n".join([
        "# Scoreboard of cities: `lcz bench`", "",
        f"Made by `{command}` in {time.perf_counter() - begun:.0f} s of a busy core, which calls `lcz bench --data "
        f"../shared/data --ways {','.join(WAYS)} --epochs {options.epochs}` on the catalog's list. How it is scored: "
        "docs/bench.md.", "",
        f"The small CNN is trained for {options.epochs} epochs at most, which is short. There is no network: cities "
        "whose polygons were not here, and the global map, are listed with the reason.", "",
        real.markdown(),
        "## A simulated city, in which all ways are possible", "",
        "By the networks for simulated cities, which were trained on cities of other seeds. It shows that the ways "
        "work, and says nothing of a real city.", "", toy.markdown(),
    ])  # fmt: skip
    print(text)
    if options.write:
        with staged(options.write / "bench.md") as path:
            path.write_text(text)
        with staged(options.write / "bench.json") as path:
            path.write_text((work / "real" / SCORES).read_text())


if __name__ == "__main__":
    main()
