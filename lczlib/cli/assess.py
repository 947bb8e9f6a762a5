"""``lcz assess``: the accuracy of a map."""

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
    advising,
    map_names,
    map_options,
    open_map,
)
from lczlib.cli.options import Cell, Scheme, Seed

if TYPE_CHECKING:
    from lczlib.analysis import Assessment, Calibration


def assess(
    lcz_map: Annotated[str, typer.Argument(metavar="MAP", help="LCZ map: a raster, or polygons.")],
    reference: Annotated[
        str,
        typer.Option(
            help="Reference: a raster, or polygons or points (GPKG, GeoJSON, KML/KMZ, Shapefile; points "
            "also CSV with lon and lat, or x, y and epsg)."
        ),
    ],
    folder: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path(
        "lcz-assessment"
    ),
    polygons: Annotated[
        Path | None, typer.Option(help="Polygons that a raster reference was made from.")
    ] = None,
    probabilities: Annotated[
        Path | None, typer.Option(help="Class probabilities of the map: adds their calibration.")
    ] = None,
    resample: Annotated[
        Literal["nearest", "mode"] | None,
        typer.Option(help="Bring the map to the grid of a raster reference this way."),
    ] = None,
    column: Annotated[str | None, typer.Option(help="Polygon column that holds the class.")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer of the polygon file.")] = None,
    scheme: Schemes = None,
    cell: Cell = None,
    map_column: MapColumns = None,
    map_layer: MapLayers = None,
    reference_scheme: Annotated[
        Scheme | None, typer.Option(help="Numbering of the reference.")
    ] = None,
    band: Bands = None,
    nodata: Nodata = None,
    legend: Legends = None,
    stratified_sample: Annotated[
        bool,
        typer.Option(
            "--stratified-sample",
            help="The reference is a random sample stratified by map class: add area-weighted "
            "accuracy and areas (Olofsson et al. 2014).",
        ),
    ] = False,
    block: Annotated[
        int | None,
        typer.Option(min=1, help="Edge of a bootstrap block in cells, without polygons."),
    ] = None,
    replicates: Annotated[int, typer.Option(min=100, help="Bootstrap replicates.")] = 1000,
    seed: Seed = 0,
    figures: Annotated[bool, typer.Option(help="Draw figures (PNG and SVG).")] = True,
) -> None:
    """Assess a map against a reference: scores with 95% intervals and sample sizes.

    Writes assessment.json, classes.csv, confusion_matrix.csv, figures and manifest.json.

    Options of the map are for the reference where they name its file: --legend areas=1=2,2=B.

    Example:
        lcz assess city_lcz.tif --reference areas.kmz --out accuracy
    """
    options = dict(locals())
    import geopandas as gpd

    import lczlib
    import lczlib.analysis.calibration
    from lczlib import analysis
    from lczlib.cli.results import CHUNKS, recorded, steps
    from lczlib.export import write_result
    from lczlib.grid import geobox_of
    from lczlib.made_by import network_of
    from lczlib.maps import open_probabilities
    from lczlib.polygons import open_polygons
    from lczlib.references import open_reference

    files = ("lcz_map", "reference", "polygons", "probabilities")
    name, judge = map_names([lcz_map, reference])
    of_reference = {"scheme": reference_scheme, "column": column, "layer": layer}
    reading = map_options(
        [lcz_map, reference], options, alone=[name], given_to={judge: of_reference}
    )
    judged = ("lcz_map", "reference")
    with steps(4) as step, recorded("assess", folder, options, files, maps=judged):
        step("Reading the map and the reference")
        with advising(judge):
            truth = open_reference(reference, chunks=CHUNKS, options=reading[judge])
        grid = None if isinstance(truth, gpd.GeoDataFrame) else geobox_of(truth, "reference")
        mapped = open_map(lcz_map, reading[name], name=name, cell=cell, grid=grid, chunks=CHUNKS)
        units = (
            open_polygons(polygons, column, layer=layer, zero_unlabelled=True) if polygons else None
        )
        proba = open_probabilities(probabilities, chunks={"y": 256}) if probabilities else None
        step("Counting and drawing samples for the intervals")
        result = analysis.assess(
            mapped, truth, units=units, resampling=resample, block=block, replicates=replicates,
            seed=seed, stratified_sample=stratified_sample,
        )  # fmt: skip
        network = network_of(lcz_map)
        content = {
            "map": lcz_map, "network": network, "reference": reference, **result.to_dict(),
            "resampling": resample, "lczlib": lczlib.__version__,
        }  # fmt: skip
        if isinstance(truth, gpd.GeoDataFrame):
            content["reference_polygons"] = truth.attrs
        calibrated = None
        if proba is not None:
            step("Checking the probabilities")
            calibrated = analysis.calibration.calibration(
                proba, truth, block=block, replicates=replicates, seed=seed
            )
            content["calibration"] = calibrated.to_dict()
        step("Writing the results")
        write_result(folder / "assessment.json", content)
        _write_tables(folder, result)
        if figures:
            _write_figures(folder, result, calibrated, Path(lcz_map).stem)
    if network:
        console.out.print(f"Map {Path(lcz_map).name} by the network {network}.", soft_wrap=True)
    print_assessment(result)
    if calibrated is not None:
        low, high = calibrated.ece_ci
        console.out.print(f"Expected calibration error {calibrated.ece:.3f} ({low:.3f}-{high:.3f})")
    console.out.print(f"Wrote {folder / 'assessment.json'}", soft_wrap=True)


def _write_tables(folder: Path, result: Assessment) -> None:
    from lczlib.analysis.confusion import confusion_table
    from lczlib.export import staged

    for name, table in (
        ("classes.csv", result.classes),
        ("confusion_matrix.csv", confusion_table(result.counts)),
    ):
        with staged(folder / name) as path:
            table.to_csv(path)


def _write_figures(
    folder: Path, result: Assessment, calibrated: Calibration | None, name: str
) -> None:
    from lczlib import figures
    from lczlib.cli.results import write_figures

    drawn = {
        "confusion_matrix": lambda: figures.confusion_figure(result.counts),
        "confusion_matrix_counts": lambda: figures.confusion_figure(result.counts, "counts"),
        "class_accuracy": lambda: figures.class_accuracy_figure({name: result}),
    }
    if calibrated is not None:
        drawn["reliability"] = lambda: figures.reliability_figure(calibrated)
        drawn["certainty"] = lambda: figures.certainty_figure(calibrated)
    write_figures(folder, drawn)


def print_assessment(result: Assessment, what: str = "cells") -> None:
    """Print scores with intervals and sample sizes; `what` was counted."""
    from rich import box
    from rich.table import Table

    from lczlib.analysis.bootstrap import FEW_UNITS
    from lczlib.classes import CLASSES
    from lczlib.cli.results import with_interval
    from lczlib.reading import counted

    method = result.method
    console.out.print(
        f"n = {result.n:,} {what} in {method['n_units']} {method['unit']}s; 95% intervals: "
        f"{method['method']}, {method['replicates']} replicates, seed {method['seed']}"
    )
    if 1 < method["n_units"] < FEW_UNITS:
        console.out.print(
            f"[yellow]Only {method['n_units']} {method['unit']}s: little is known of how such areas "
            "differ, and the intervals are wide for it; add reference areas.[/]",
            soft_wrap=True,
        )
    scores = {
        name: with_interval(v, *result.intervals[f"{name}_ci"]) for name, v in result.scores.items()
    }
    labels = {
        "oa": "OA", "aa": "AA", "kappa": "kappa", "oau": "OAu", "oabu": "OAbu", "oaw": "OAw",
        "mean_f1": "F1",
    }  # fmt: skip
    for name, text in scores.items():
        console.out.print(f"{labels[name]:>6}  {text}")
    table = Table("LCZ", "PA (95%)", "UA (95%)", box=box.SIMPLE)
    for name in ("reference", "mapped", f"{method['unit']}s"):
        table.add_column(name, justify="right", no_wrap=True)
    for number, row in result.classes.iterrows():
        if row["n_reference"] or row["n_predicted"]:
            accuracies = [
                with_interval(row[s], row[f"{s}_ci_low"], row[f"{s}_ci_high"]) for s in ("pa", "ua")
            ]
            counts = [f"{int(row[n]):,}" for n in ("n_reference", "n_predicted", "n_units")]
            table.add_row(CLASSES[number - 1].code, *accuracies, *counts)
    console.out.print(table)
    apart = {k: v for k, v in result.left_out.items() if v and k != "polygons_without_cell"}
    left_out = ", ".join(f"{k.replace('_', ' ')} {v:,}" for k, v in apart.items())
    if left_out:
        console.out.print(f"Left out (cells or polygons): {left_out}")
    if len(result.crossings):
        contested = result.left_out.get("contested_cells", 0)
        lost = f"{counted(contested, 'cell')} of different classes left out"
        console.out.print(
            f"[yellow]{counted(len(result.crossings), 'pair')} of reference polygons cross[/]; "
            + (f"{lost}." if contested else "no cell is of different classes.")
        )
    if result.area is not None:
        oa, se = result.area.overall
        console.out.print(
            f"Area-weighted OA {oa:.3f}, standard error {se:.3f}, n = {result.area.n:,}"
        )
