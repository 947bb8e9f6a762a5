"""What all cities of So2Sat GUL cost in time, memory, transfer and money: from measured constants.

    python benchmarks/scale_costs.py > docs/scale.md

The constants, with where each was measured, are in benchmarks/results/scale_constants.json. Those without a
measurement are assumptions, and are named so. Change them and run this again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lczlib.acquire.search import megabytes_of

RESULTS = Path(__file__).parent / "results"


def constants() -> dict[str, dict]:
    return json.loads((RESULTS / "scale_constants.json").read_text())


def costs(told: dict[str, dict], slow: bool = True) -> dict[str, dict[str, float]]:
    """Hours of each part for all cities, by where it runs; `slow` takes the slower of two measured figures."""

    def of(name: str) -> float:
        return told[name]["value"]

    def pace(name: str, least: bool) -> float:
        both = (told[name]["value"], told[name].get("high", told[name]["value"]))
        return min(both) if least else max(both)

    mb = of("seasons") * of("days") * megabytes_of(of("pixels"))
    composite = of("seasons") * of("pixels") / of("composite_pixels")
    mapped = of("seasons") * of("cells") / pace("map_cells", slow)
    n = of("cities")
    found = {}
    for where, workers, price in (
        ("100 CPU workers", 100, 100 * of("worker_price")),
        ("one GPU", of("gpu_workers"), of("gpu_price")),
    ):
        card = where == "one GPU"
        rate = min(workers * of("rate"), of("rate_all"))
        parts = {
            "transfer": n * mb / rate,
            "composites": n * composite / workers,
            "maps": n * (pace("gpu_city", not slow) if card else mapped / workers),
        }
        # a worker reads and composes in turn; the card maps beside them, other workers after them
        beside = max(parts["transfer"] + parts["composites"], parts["maps"])
        seconds = beside if card else sum(parts.values())
        found[where] = {
            **{k: v / 3600 for k, v in parts.items()}, "hours": seconds / 3600, "usd": seconds / 3600 * price,
            "rate": rate, "workers": workers,
        }  # fmt: skip
    found["all"] = {"mb_a_city": mb, "tb": n * mb / 1e6, "composite": composite, "map": mapped}
    return found


def text() -> str:
    told = constants()
    slow, fast = costs(told), costs(told, slow=False)
    all_, where = slow["all"], ("100 CPU workers", "one GPU")
    parts = ("transfer", "composites", "maps")
    worst = {w: max(parts, key=lambda p: slow[w][p]) for w in where}
    out_of_it = all_["tb"] * 1000 * told["gigabyte_price"]["value"]

    minutes = dict.fromkeys(f"{cost['all']['map'] / 60:,.0f}" for cost in (fast, slow))

    def both(name: str, unit: str = "") -> str:
        cells = []
        for w in where:
            a, b = sorted((fast[w][name], slow[w][name]))
            cells.append(
                f"{a:,.1f}{unit}" if round(a, 1) == round(b, 1) else f"{a:,.1f} to {b:,.1f}{unit}"
            )
        return " | ".join(cells)

    rows = [
        f"| {c['what']} | {c['value']:,}{' to {:,}'.format(c['high']) if 'high' in c else ''} {c['unit']} | "
        f"{c['measured'] or '**assumed**'} |"
        for c in told.values()
    ]
    lines = [
        "# What many cities cost", "",
        f"{told['cities']['value']:,} cities of 1,600 km2, {told['seasons']['value']} seasons of at most "
        f"{told['days']['value']} days each: `lcz batch cities.csv --steps get,map --set "
        "map.second=none`. Made by `python benchmarks/scale_costs.py` from the constants below; do not edit.", "",
        "| hours | 100 CPU workers of 2 cores | one GPU, 8 workers beside it |", "| --- | --- | --- |",
        f"| reading from the service | {both('transfer')} |", f"| composites | {both('composites')} |",
        f"| maps | {both('maps')} |", f"| **in all** | {both('hours')} |", f"| USD | {both('usd')} |", "",
        f"A city is {all_['mb_a_city']:,.0f} MB read, {all_['composite'] / 60:,.0f} minutes of composites and "
        f"{' to '.join(minutes)} of maps on one worker. All of them are "
        f"{all_['tb']:,.0f} TB; to take that out of the data centre would cost {out_of_it:,.0f} USD more, so the "
        "workers go to the data.", "",
        f"**The bottleneck** of 100 CPU workers is {_named(worst['100 CPU workers'])}, "
        f"{_share(slow['100 CPU workers'], worst['100 CPU workers'])} of the time; beside one GPU it is "
        f"{_named(worst['one GPU'])}. What helps: fewer days a season (`--days`), fewer seasons, composites that "
        "somebody else has made (a column `folder`).", "",
        f"**Memory.** A worker needs {told['map_mb']['value']:,} MB for maps and "
        f"{told['composite_mb']['value']:,} MB for composites, measured at 225 and 900 km2; both go tile by tile. "
        "`python benchmarks/scale.py` measures scheduler and client against the number of cities.", "",
        "The two ends of a range are the two runs that were measured, or the two ends of what is assumed; no figure "
        "holds the whole of what services and machines vary by.", "",
        "| constant | value | measured |", "| --- | --- | --- |", *rows, "",
    ]  # fmt: skip
    return "\n".join(lines)


def _named(part: str) -> str:
    return {
        "transfer": "reading from the service",
        "composites": "the composites",
        "maps": "the maps",
    }[part]


def _share(of: dict[str, float], part: str) -> str:
    return f"{of[part] / of['hours']:.0%}"


if __name__ == "__main__":
    sys.stdout.write(text())
