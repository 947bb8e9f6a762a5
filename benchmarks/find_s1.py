"""`lcz find-s1` on the tiles of BigEarthNet, beside the list of products that is published for them.

    python benchmarks/find_s1.py BigEarthNetTileInfo_v2.npy BigEarthNetSen2UUID2Sen1ProdName.npy

Both files are published with BigEarthNet-S1. Prints benchmarks/results/find_s1.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from lczlib.jobs.find_s1 import FindS1Request, FindS1Result, run
from lczlib.reading import share
from lczlib.terms import worded

HEAD = """# Sentinel-1 for the tiles of BigEarthNet

`python benchmarks/find_s1.py BigEarthNetTileInfo_v2.npy BigEarthNetSen2UUID2Sen1ProdName.npy`: what `lcz find-s1`
selects of all products that are published for any tile, beside those that are published for the tile itself. The
published list has names alone: places follow from the nominal orbit, within about 20 km, and so do all shares of
coverage here, of both lists alike.
"""


def summary(selected: FindS1Result, needed: FindS1Result) -> Iterator[str]:
    """The lists as a table, and the differences in sentences."""
    ones = selected.selections
    against = [s.against for s in ones if s.against is not None]
    published = {n for a in against for n in a.published}
    columns = {
        "published": (
            sum(len(a.published) for a in against), len(published),
            [len(a.published) for a in against],
            sum(bool(a.repeated_as_slices or a.repeated_as_passes) for a in against),
            sum(bool(a.repeated_as_passes) for a in against), [a.covered for a in against],
        ),
        "`--orbits all`": _of(selected), "`--orbits needed`": _of(needed),
    }  # fmt: skip
    yield f"| {len(ones)} tiles | {' | '.join(columns)} |"
    yield f"| --- |{' ---: |' * len(columns)}"
    rows = (
        ("products, of all tiles together", lambda c: f"{c[0]:,}"),
        ("products, each once", lambda c: f"{c[1]:,}"),
        ("products a tile, least to most", lambda c: f"{min(c[2])} to {max(c[2])}"),
        ("tiles with several products of a relative orbit", lambda c: str(c[3])),
        ("of them of other passes", lambda c: str(c[4])),
        ("covered, mean", lambda c: share(float(np.mean(c[5])), 1)),
        ("covered, least", lambda c: share(float(np.min(c[5])), 1)),
        ("tiles with less than 99 %", lambda c: str(sum(v < 0.99 for v in c[5]))),
    )
    for name, of in rows:
        yield f"| {name} | {' | '.join(of(c) for c in columns.values())} |"
    yield ""
    yield from (worded(t) for t in selected.comparison())


def _of(result: FindS1Result) -> tuple:
    ones = result.selections
    passes = [{(p.track, p.products[0].of_pass) for p in s.passes} for s in ones]
    again = sum(len({t for t, _ in several}) < len(several) for several in passes)
    slices = sum(any(len(p.products) > 1 for p in s.passes) for s in ones)
    return (
        sum(len(s.products) for s in ones), len(result.names()), [len(s.products) for s in ones],
        slices, again, [s.covered for s in ones],
    )  # fmt: skip


def tiles(result: FindS1Result) -> Iterator[str]:
    """A row a tile."""
    yield (
        "| tile | day | relative orbits (days from the tile) | products | uncovered | published | same "
        "| repeated as slices | with other passes | uncovered |"
    )
    yield "| --- | --- | --- | ---: | ---: | ---: | ---: | --- | --- | ---: |"
    for one in result.selections:
        passes = ", ".join(f"{p.track} ({p.days:+.1f})" for p in one.passes)
        told = one.against
        cells = [
            one.tile.mgrs, f"{one.tile.time:%Y-%m-%d}", passes, str(len(one.products)),
            share(1 - one.covered, 1), str(len(told.published)), str(told.same),
            ", ".join(map(str, told.repeated_as_slices)), ", ".join(map(str, told.repeated_as_passes)),
            share(1 - told.covered, 1),
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tiles")
    parser.add_argument("products")
    args = parser.parse_args()
    given = {"tiles": args.tiles, "products": args.products, "compare": args.products}
    selected = run(FindS1Request(**given))
    needed = run(FindS1Request(**given, orbits="needed"))
    print(HEAD)
    print("\n".join(summary(selected, needed)))
    print("\n## Tile by tile, `--orbits all`\n")
    print("\n".join(tiles(selected)))


if __name__ == "__main__":
    main()
