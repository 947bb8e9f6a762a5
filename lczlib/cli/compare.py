"""``lcz compare``: maps against each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lczlib.cli import console
from lczlib.cli.maps import (
    Bands,
    Legends,
    MapColumns,
    MapLayers,
    Nodata,
    Schemes,
    map_options,
    open_maps,
)
from lczlib.cli.options import Cell

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    import xarray as xr

    from lczlib.analysis.comparison import Comparison
    from lczlib.maps import MapOptions


def compare(
    map_a: Annotated[
        str, typer.Argument(metavar="MAP_A", help="First LCZ map: a raster, or polygons.")
    ],
    map_b: Annotated[str, typer.Argument(metavar="MAP_B", help="Second LCZ map.")],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[MAP]...", help="Further maps, for a consensus.")
    ] = None,
    folder: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path(
        "lcz-comparison"
    ),
    resample: Annotated[
        Literal["nearest", "mode"] | None,
        typer.Option(help="Bring the others to the first map's grid this way."),
    ] = None,
    band: Bands = None,
    scheme: Schemes = None,
    nodata: Nodata = None,
    legend: Legends = None,
    by: Annotated[
        Literal["cells", "area"],
        typer.Option(help="Count cells, or weigh maps of polygons by the areas they share."),
    ] = "cells",
    cell: Cell = None,
    map_column: MapColumns = None,
    map_layer: MapLayers = None,
    figures: Annotated[bool, typer.Option(help="Draw figures (PNG and SVG).")] = True,
) -> None:
    """Compare LCZ maps: agreement, cross table, areas, and where they differ and how.

    Writes comparison.json (of the first two maps, and one line a pair), classes.csv,
    cross_table.csv, changes.csv, differences.tif (100 x first class + second class; 1 = same),
    figures, manifest.json, and for three maps or more consensus.tif and consensus_votes.tif.

    Maps of polygons are laid on the grid of the first raster among the maps, or on one of 100 m;
    with --by area the scores are of the areas themselves.

    An option of the maps is for all of them; NAME=VALUE, repeated, for the one of that file name
    (of maps that are called alike: FOLDER/NAME=VALUE, or the whole path).

    Example:
        lcz compare s1_lcz.tif s2_lcz.tif fused_lcz.tif --out comparison

        lcz compare mine.tif theirs.tif --scheme theirs=0-16 --legend mine=1=2,2=3,3=B,4=D,5=G
    """
    options = dict(locals())
    import lczlib
    from lczlib import analysis
    from lczlib.analysis.by_area import all_by_area
    from lczlib.cli.results import CHUNKS, recorded, steps
    from lczlib.export import write_raster, write_result
    from lczlib.made_by import networks_of, told

    paths = [map_a, map_b, *(more or [])]
    reading = map_options(paths, options)
    files = ("map_a", "map_b", "more")
    with steps(4) as step, recorded("compare", folder, options, files, maps=files):
        step("Reading the maps")
        maps = open_maps(paths, reading, cell=cell, chunks=CHUNKS)
        maps = _on_first_grid(maps, resample)
        step("Counting")
        whole = _as_drawn(maps, paths, reading) if by == "area" else None
        comparisons = analysis.compare_all(maps) if whole is None else all_by_area(whole)
        first, content = comparisons[0], {"maps": dict(zip(maps, paths, strict=True))}
        content |= first.to_dict() | {"pairs": [c.summary() for c in comparisons]}
        networks = networks_of(dict(zip(maps, paths, strict=True)))
        content |= {"networks": networks, "resampling": resample, "lczlib": lczlib.__version__}
        step("Writing maps")
        a, b, *_ = maps.values()
        write_raster(
            folder / "differences.tif", analysis.class_pairs(a, b), nodata=0,
            descriptions=["100 x first + second; 1 same"], overview_resampling="mode",
        )  # fmt: skip
        if len(maps) > 2:
            content["consensus"] = _write_consensus(folder, maps)
        step("Writing tables and figures")
        write_result(folder / "comparison.json", content)
        _write_tables(folder, first)
        if figures:
            _write_figures(folder, comparisons)
    for c in comparisons:
        console.out.print(
            f"{c.names[0]} - {c.names[1]}: agreement {c.agreement:.4f}, weighted "
            f"{c.agreement_weighted:.4f}, built/natural {c.agreement_built:.4f}, kappa "
            f"{c.kappa:.4f}, n = {c.n:,}" + (f" polygons, {c.size}" if c.polygons else ""),
            soft_wrap=True,
        )  # fmt: skip
    if networks:
        console.out.print(told(networks), soft_wrap=True)
    console.out.print(f"Wrote {folder / 'comparison.json'}", soft_wrap=True)


def _as_drawn(
    maps: dict[str, xr.DataArray],
    paths: list[str],
    reading: Mapping[str, MapOptions],
) -> dict[str, xr.DataArray | gpd.GeoDataFrame]:
    """Maps of polygons as polygons, rasters as they are."""
    from lczlib.polygons import labelled_shapes
    from lczlib.vector_maps import is_vector_map

    # what was read of them has been said when they were laid on the grid
    drawn: dict[str, xr.DataArray | gpd.GeoDataFrame] = dict(maps)
    for name, path in zip(maps, paths, strict=True):
        if is_vector_map(path):
            how = reading[name]
            drawn[name], _ = labelled_shapes(
                path, how.column, scheme=how.scheme, layer=how.layer, what="LCZ map"
            )
    return drawn


def _on_first_grid(
    maps: dict[str, xr.DataArray], resample: Literal["nearest", "mode"] | None
) -> dict[str, xr.DataArray]:
    """All maps on the first one's grid, resampled once and not again for every pair."""
    from lczlib.analysis.confusion import aligned

    (name, base), *others = maps.items()
    return {name: base} | {n: aligned(base, m, resample, (name, n))[1] for n, m in others}


def _write_consensus(folder: Path, maps: dict[str, xr.DataArray]) -> dict[str, object]:
    from lczlib.analysis import consensus
    from lczlib.export import write_lcz_map, write_raster

    agreed = consensus(maps)
    write_lcz_map(folder / "consensus.tif", agreed["lcz"])
    write_raster(
        folder / "consensus_votes.tif", agreed["votes"], nodata=0, descriptions=["maps that agree"],
        overview_resampling="nearest",
    )  # fmt: skip
    complete = agreed["maps"] == len(maps)
    n = int(complete.sum())
    alike = int((complete & (agreed["votes"] == len(maps))).sum())
    return {"n": n, "n_unanimous": alike, "unanimous": alike / n if n else float("nan")}


def _write_tables(folder: Path, first: Comparison) -> None:
    from lczlib.analysis.confusion import confusion_table
    from lczlib.export import staged

    for name, table, index in (
        ("classes.csv", first.classes, True),
        ("cross_table.csv", confusion_table(first.counts), True),
        ("changes.csv", first.changes(), False),
    ):
        with staged(folder / name) as path:
            table.to_csv(path, index=index)


def _write_figures(folder: Path, comparisons: list[Comparison]) -> None:
    from lczlib import figures
    from lczlib.cli.results import write_figures

    first = comparisons[0]
    areas = {
        name: first.classes[f"area_{side}_km2"]
        for name, side in zip(first.names, ("first", "second"), strict=True)
    }
    drawn = {
        "cross_table": lambda: figures.cross_table_figure(first),
        "areas": lambda: figures.areas_figure(areas),
    }
    if len(first.changes()):
        drawn["changes"] = lambda: figures.changes_figure(first)
    if len(comparisons) > 1:
        drawn["agreement"] = lambda: figures.agreement_figure(comparisons)
    write_figures(folder, drawn)
