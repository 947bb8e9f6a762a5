"""``lcz sites`` and ``lcz morphology``: from an LCZ map to sensor sites and to class properties."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lczlib.cli import console
from lczlib.cli.maps import (
    Bands,
    Legends,
    MapColumns,
    MapLayers,
    Nodata,
    Schemes,
    open_only_map,
)
from lczlib.cli.options import Cell, Seed, each, not_negative


def _check_parameter(name: str) -> None:
    from lczlib.analysis.heat.morphology import check_parameter

    check_parameter(name)


def sites(
    map_path: Annotated[
        Path, typer.Argument(metavar="MAP", help="LCZ map: a raster in metres, or polygons.")
    ],
    sensors: Annotated[
        int, typer.Option("--sensors", "-n", min=1, help="How many sensors there are.")
    ],
    border_distance: Annotated[
        float,
        typer.Option(
            help="Nearest that a sensor stands to another zone, m.", callback=not_negative
        ),
    ] = 250.0,
    spacing: Annotated[
        float,
        typer.Option(
            help="Nearest that two sensors stand to each other, m.", callback=not_negative
        ),
    ] = 500.0,
    with_water: Annotated[bool, typer.Option(help="Place sensors in LCZ G too.")] = False,
    band: Bands = None,
    scheme: Schemes = None,
    nodata: Nodata = None,
    legend: Legends = None,
    cell: Cell = None,
    map_column: MapColumns = None,
    map_layer: MapLayers = None,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="Folder for sensor_sites.gpkg.")] = Path("lcz-sites"),
) -> None:
    """Propose sites for air temperature sensors: every zone, by area, off the borders, spread out.

    Two sensors stand at least --spacing apart (500 m: twice the radius that a sensor feels). Where
    the map has no room for all of them, fewer are proposed, and it is said.

    Writes sensor_sites.gpkg, sensor_sites.json and manifest.json.

    Example:
        lcz sites berlin_lcz.tif --sensors 30 --out network
    """
    options = dict(locals())
    from rich.table import Table

    from lczlib.analysis.heat.network import sensor_sites
    from lczlib.classes import CLASSES
    from lczlib.cli.results import recorded
    from lczlib.export import staged, write_result

    with (
        console.err.status("Looking for sites"),
        recorded("sites", out, options, ("map_path",), maps=("map_path",)),
    ):
        lcz = open_only_map(options)
        found = sensor_sites(
            lcz, sensors, border_distance=border_distance, spacing=spacing,
            with_water=with_water, seed=seed,
        )  # fmt: skip
        with staged(out / "sensor_sites.gpkg") as temporary:
            found.to_file(temporary, driver="GPKG", layer="sensor_sites")
        summary = {
            "n_wanted": sensors,
            "n_sensors": len(found),
            "border_distance_m": border_distance,
            "spacing_m": spacing,
            "closest_two_m": float(found["nearest_site"].min()),
            "zones": [
                {"lcz": z, "code": CLASSES[z - 1].code, "n_sensors": n}
                for z, n in sorted(found.attrs["allocation"].items())
            ],
            "zones_without_room": [CLASSES[z - 1].code for z in found.attrs["no_room"]],
            "zones_too_near_others": [CLASSES[z - 1].code for z in found.attrs["crowded"]],
            "zones_without_sensor": [CLASSES[z - 1].code for z in found.attrs["left_out"]],
        }
        write_result(out / "sensor_sites.json", summary)
    table = Table("LCZ", "sensors")
    for zone in summary["zones"]:
        table.add_row(CLASSES[zone["lcz"] - 1].label, str(zone["n_sensors"]))
    console.out.print(table)
    if summary["zones_without_room"]:
        names = ", ".join(summary["zones_without_room"])
        console.out.print(
            f"No place {border_distance:g} m inside LCZ {names}: lower --border-distance."
        )
    if summary["zones_too_near_others"]:
        names = ", ".join(summary["zones_too_near_others"])
        console.out.print(
            f"No place in LCZ {names} {spacing:g} m from the other sensors: lower --spacing."
        )
    if summary["zones_without_sensor"]:
        names = ", ".join(summary["zones_without_sensor"])
        console.warn(
            f"{sensors} sensors leave LCZ {names} without one: LCZ D, which heat islands are measured "
            "against, came first, then the largest zones."
        )
    if len(found) < sensors:
        console.warn(
            f"there is room for {len(found)} of {sensors} sensors {border_distance:g} m inside their "
            f"zones and {spacing:g} m apart."
        )
    if len(found) > 1:
        console.out.print(
            f"The closest two are {summary['closest_two_m']:,.0f} m apart (at least {spacing:g})."
        )
    console.out.print(f"Results: {out / 'sensor_sites.gpkg'}")


def morphology(
    map_path: Annotated[
        Path, typer.Argument(metavar="MAP", help="LCZ map: a raster, or polygons.")
    ],
    parameter: Annotated[
        list[str] | None,
        typer.Option(help="Such as height; all when not given.", callback=each(_check_parameter)),
    ] = None,
    band: Bands = None,
    scheme: Schemes = None,
    nodata: Nodata = None,
    legend: Legends = None,
    cell: Cell = None,
    map_column: MapColumns = None,
    map_layer: MapLayers = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("lcz-morphology"),
) -> None:
    """Area of each class and the published ranges of its form and fabric, as table and rasters.

    Example:
        lcz morphology berlin_lcz.tif --parameter sky_view_factor --parameter height
    """
    options = dict(locals())
    from rich.progress import track

    from lczlib.analysis.heat.morphology import (
        PARAMETERS,
        class_areas,
        morphology_raster,
        morphology_table,
    )
    from lczlib.cli.results import recorded
    from lczlib.export import write_raster
    from lczlib.export.files import write_table

    with recorded("morphology", out, options, ("map_path",), maps=("map_path",)):
        lcz = open_only_map(options)
        areas = class_areas(lcz)
        layers = {name: morphology_raster(lcz, name) for name in parameter or PARAMETERS}
        ranges = morphology_table().drop(columns=["code", "name"])
        write_table(out / "morphology.csv", areas.join(ranges))
        for name, layer in track(layers.items(), "Writing", transient=True, console=console.err):
            unit, meaning = PARAMETERS[name]
            tags = {"units": unit, "long_name": meaning}
            tags["source"] = "Stewart & Oke 2012, tables 3 and 4"
            write_raster(
                out / f"{name}.tif", layer, tags=tags, overview_resampling="nearest",
                descriptions=[f"{name} {b}" for b in layer["bound"].values],
            )  # fmt: skip
    for number, row in areas.iterrows():
        console.out.print(
            f"LCZ {row['code']:>2} ({number:>2}) {row['area_km2']:10.2f} km2 {row['share']:6.1%}"
        )
    console.out.print(f"Results: {out / 'morphology.csv'}")
