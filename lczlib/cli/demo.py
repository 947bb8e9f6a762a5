"""``lcz demo``: the whole flow on a city at hand."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from lczlib.cli.console import area_table, counting, err, out
from lczlib.cli.options import between
from lczlib.kinds import lcz_file
from lczlib.map_request import MapRequest
from lczlib.out_scheme import OutScheme
from lczlib.settings import described

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lczlib.analysis import Assessment

_BERLIN, _NETWORKS = "berlin_s2_20241024", ("sen2lcz_net", "so2sat_s2_resnet20")
_SCENE = "scene"
_SCORES = {
    "oa": "overall accuracy OA",
    "kappa": "kappa",
    "aa": "average accuracy AA",
    "oaw": "weighted accuracy OAw",
    "oabu": "built / natural OAbu",
}


def demo(
    folder: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path(
        "lcz-demo"
    ),
    real: Annotated[
        bool, typer.Option("--real", help="Berlin from Sentinel-2, downloaded, by two networks.")
    ] = False,
    size: Annotated[
        float, typer.Option(help="Edge of the simulated city in km.", callback=between(2, 40))
    ] = 12.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated city.")] = 1,
    out_scheme: Annotated[
        OutScheme,
        typer.Option(
            "--out-scheme", "--scheme", help=described(MapRequest)["out_scheme"].setting.doc
        ),
    ] = MapRequest.out_scheme,
) -> None:
    """Run the whole flow: on a simulated city with nothing downloaded, or on Berlin.

    Example:
        lcz demo --out lcz-demo

        lcz demo --real --out berlin
    """
    if real:
        _berlin(folder, out_scheme)
    else:
        _simulated(folder, size, seed, out_scheme)


def _simulated(folder: Path, size: float, seed: int, out_scheme: OutScheme) -> None:
    from lczlib.analysis import assess
    from lczlib.export import write_json
    from lczlib.made_by import network_of, networks_of, told
    from lczlib.mapping import map_city
    from lczlib.reading import quiet
    from lczlib.scenes.simulation import simulate_city, write_so2sat

    started = time.time()
    with err.status("Simulating a city: streets, buildings, plants, and what satellites see"):
        city = simulate_city(size, seed)
        write_so2sat(city, folder / _SCENE)
    # So2Sat's own fusion: every season has a vote beside Sentinel-1
    request = MapRequest(inputs=(str(folder / _SCENE),), fusion="so2sat", out_scheme=out_scheme)
    with quiet(), counting("cells", transient=True) as report:  # its own scenes, just written
        result = map_city(request, folder, progress=report)
    assessments = {}
    with err.status("Assessing the maps against the truth"):
        for kind, lcz in result.kinds.items():
            assessments[kind] = assess(lcz, city.lcz)
            made_by = network_of(folder / lcz_file(kind))
            content = {"simulated": True, "network": made_by, **assessments[kind].to_dict()}
            write_json(folder / kind / "assessment.json", content)
    out.print(
        _accuracy_table(assessments, f"A simulated city of {size:g} x {size:g} km, seed {seed}")
    )
    networks = networks_of({k: folder / lcz_file(k) for k in result.kinds})
    unit = assessments["fused"].method
    out.print(
        f"{told(networks)} n: cells. PA, UA: producer's and user's accuracy. Intervals: bootstrap over "
        f"{unit['n_units']} {unit['unit']}s. The city is simulated, and so are the "
        "networks' training cities: these figures say nothing about a real one.\n"
        f"{time.time() - started:.0f} s in all. In {folder}: [bold]*_lcz.tif[/] (open them in "
        "QGIS), *_proba.tif, <kind>/assessment.json, manifest.json; the input and the truth in "
        f"{folder / _SCENE}.\n"
        f"Next: [bold]lcz app --show --allow {folder}[/], whose Map page opens the folder "
        "(“Load an existing result”); [bold]lcz demo --real[/] for Berlin; "
        "[bold]lcz map FILE --out DIR[/] for a city of yours.",
        soft_wrap=True,
    )


def _accuracy_table(assessments: Mapping[str, Assessment], title: str) -> Table:
    """Scores with intervals, then producer's and user's accuracy of each class."""
    from rich import box

    from lczlib.classes import CLASSES

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("against the truth", no_wrap=True)
    table.add_column("n", justify="right")
    for kind in assessments:
        name = {"s1": "S1", "s2": "S2"}.get(kind, kind)
        table.add_column(name, justify="right", no_wrap=True)
    for name, label in _SCORES.items():
        n = min(a.n for a in assessments.values())
        table.add_row(label, f"{n:,}", *(f"{a.scores[name]:.3f}" for a in assessments.values()))
        ranges = (a.intervals[f"{name}_ci"] for a in assessments.values())
        table.add_row("  [dim]95 % interval", "", *(f"[dim]{lo:.3f}-{hi:.3f}" for lo, hi in ranges))
    table.add_section()
    table.add_row("[dim]of each LCZ", "", *("[dim]PA / UA" for _ in assessments))
    for c in CLASSES:
        rows = [a.classes.loc[c.number] for a in assessments.values()]
        n = int(rows[-1]["n_reference"])
        if n:
            shown = (f"{_share(r['pa'])} / {_share(r['ua'])}" for r in rows)
            table.add_row(f"[on {c.color}]  [/] {c.code:>2} {c.name}", f"{n:,}", *shown)
    return table


def _share(value: float) -> str:
    return "-" if value != value else f"{value:.2f}"


def _berlin(folder: Path, out_scheme: OutScheme) -> None:
    from lczlib import catalog
    from lczlib.mapping import map_city

    entry = catalog.entry(_BERLIN, "scenes")
    scene = catalog.fetch(_BERLIN, progress=True)
    maps = {}
    for network in _NETWORKS:
        request = MapRequest(
            inputs=(str(scene),),
            weights=(network,),
            level=entry.properties["lczlib:level"],
            date=entry.properties["datetime"][:10],
            out_scheme=out_scheme,
        )
        with counting("cells", transient=True) as report:
            result = map_city(request, folder / network, progress=report)
        maps[network] = result.kinds["s2"]
    out.print(area_table(maps, entry.title))
    first, second = (m.values for m in maps.values())
    both = (first > 0) & (second > 0)
    share = 100 * (first == second)[both].mean()
    out.print(
        f"The two networks agree on {share:.1f} % of {both.sum():,} cells. There is no reference "
        "for this scene, so this is no accuracy.\n"
        f"Maps, probabilities and manifests: {folder}. Open *_lcz.tif in QGIS, or map your own "
        "city: lcz map FILE --out DIR",
        soft_wrap=True,
    )
