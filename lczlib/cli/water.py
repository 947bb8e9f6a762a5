"""``lcz water``: surface water from Sentinel-1."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lczlib.cli import console
from lczlib.cli.options import Device, a_date, above_zero, between
from lczlib.cli.results import recorded
from lczlib.errors import InputError

_MUCH_DARK = 0.25  # of the mapped area, unmapped: worth a look


def water(
    inputs: Annotated[
        list[Path], typer.Argument(help="Sentinel-1 rasters with VV and VH.", show_default=False)
    ],
    orbit: Annotated[
        Literal["as", "des", "as_des"],
        typer.Option(help="Pass: as (ascending), des (descending), as_des (both)."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    descending: Annotated[
        list[Path] | None,
        typer.Option(
            "--des",
            help="With as_des: the descending file of each input; else inputs have 4 bands.",
        ),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(help="Water above this probability.", callback=between(0, 1, ends=False)),
    ] = 0.5,
    edges: Annotated[
        Literal["zero", "mirror"],
        typer.Option(
            help="Around the scene the network sees its mirror image, or zero: as published, but "
            "it looks like water and can draw false water along the edges."
        ),
    ] = "mirror",
    dn_scale: Annotated[
        float,
        typer.Option(help="Stored values are divided by it, 100 for 0.01 dB.", callback=above_zero),
    ] = 1.0,
    units: Annotated[
        Literal["db", "linear", "amplitude"],
        typer.Option(help="Of the values: db, linear (intensity), or amplitude (its square root)."),
    ] = "db",
    dates: Annotated[
        list[str] | None,
        typer.Option(
            "--date",
            help="Date of each input, YYYY-MM-DD; else read from its name.",
            callback=a_date,
        ),
    ] = None,
    figures: Annotated[bool, typer.Option("--figures", help="Also draw PNG figures.")] = False,
    device: Device = "auto",
) -> None:
    """Map surface water from Sentinel-1 with GMNet.

    Writes for each input <name>_water_proba.tif (probability) and <name>_water.tif (1 water, 0 not,
    255 no data), water.json with areas and their intervals, and manifest.json. Dated inputs on one
    grid also give the area of each month, occurrence, permanent and seasonal water, and a trend.

    Missing is what the file marks, 0, undeclared fills (blocks of one value), values below -45 dB, and
    dark strips along the border that are no speckle; how many pixels of each is said.

    The interval holds what the network doubts, the shore within one resolution cell (22 m), and
    areas as dark as open water that the network passes over, as it does with narrow rivers.

    Example:
        lcz water S1_2020-01.tif S1_2020-02.tif --orbit as --out water
    """
    options = dict(locals())
    facts: dict[str, Any] = {}
    with recorded("water", out, options, ("inputs", "descending"), facts):
        pairs = _pairs(inputs, descending, orbit)
        record = _mapped(out, pairs, dates, options, facts)
    _print(record)
    console.out.print(f"Maps, areas and intervals: {out}", soft_wrap=True)


def _mapped(
    out: Path,
    pairs: list[tuple[Path, Path | None]],
    dates: list[str] | None,
    chosen: dict[str, Any],
    facts: dict[str, Any],
) -> dict[str, Any]:
    """Write the maps and ``water.json``; what is in the latter."""
    from rich.progress import Progress

    from lczlib.analysis.water_area import dark_as_water, water_area
    from lczlib.export import write_result
    from lczlib.grid import geobox_of, same_grid
    from lczlib.mapping.engines import device_name
    from lczlib.mapping.water import load_water_model
    from lczlib.mapping.water_files import open_water_probability, write_water
    from lczlib.mapping.water_scene import open_water_scene

    orbit, threshold, edges = (chosen[k] for k in ("orbit", "threshold", "edges"))
    figures = chosen["figures"]
    when = _dates([p for p, _ in pairs], dates)
    options = {k: chosen[k] for k in ("dn_scale", "units")}
    scenes = [open_water_scene(a, orbit, descending=d, **options) for a, d in pairs]
    model = load_water_model(orbit, chosen["device"])
    facts["weights"] = {"name": model.weights.name, "sha256": model.weights.sha256}
    facts["device"] = device_name(str(next(model.parameters()).device))
    results: list[dict[str, Any]] = []
    with Progress(console=console.err) as bars:
        for (path, _), scene, day in zip(pairs, scenes, when, strict=True):
            bar = bars.add_task(path.name)

            def show(done: int, total: int, bar: Any = bar) -> None:
                bars.update(bar, completed=done, total=total)

            proba, mapped = write_water(
                scene, orbit, out, path.stem, model=model, threshold=threshold, edges=edges,
                tags={"orbit": orbit, "edges": edges, "source": path.name}, progress=show,
            )  # fmt: skip
            mapped_proba = open_water_probability(proba, chunks={"y": 512, "x": -1})
            area = water_area(mapped_proba, dark=dark_as_water(scene), threshold=threshold)
            results.append(
                {
                    "input": path.name,
                    "date": None if day is None else day.isoformat(),
                    "probability": proba.name,
                    "water": mapped.name,
                    **_area_record(area),
                }
            )
            dark = float(area["dark"])
            if dark > _MUCH_DARK * float(area["area"]):
                console.err.print(
                    f"{path.name}: {dark:.3g} km2 is as dark as open water but not mapped as water, "
                    "and the interval reaches over it: compare the map with the image (--figures).",
                    markup=False,
                )
    options |= {"orbit": orbit, "threshold": threshold, "edges": edges}
    record: dict[str, Any] = {**options, "scenes": results}
    first = geobox_of(scenes[0])
    one_grid = all(same_grid(first, geobox_of(s)) for s in scenes)
    if len(pairs) > 1 and all(when) and not one_grid:
        record["series_note"] = (
            "The dated inputs lie on different grids, so there is no area by month."
        )
        console.err.print(record["series_note"])
    elif len(pairs) > 1 and all(when):
        darkness = [dark_as_water(scene) for scene in scenes]
        record["series"] = _series(
            out, results, darkness, [d for d in when if d], threshold, figures
        )
    if figures:
        from lczlib.figures.water import save, water_figure
        from lczlib.mapping.water_files import open_water_probability as opened

        for scene, result in zip(scenes, results, strict=True):
            name = Path(result["input"]).stem
            save(
                water_figure(scene, opened(out / result["probability"]), threshold),
                out / f"{name}_water.png",
            )
    write_result(out / "water.json", record)
    return record


def _pairs(
    inputs: list[Path], descending: list[Path] | None, orbit: str
) -> list[tuple[Path, Path | None]]:
    stems = [p.stem for p in inputs]
    double = sorted({s for s in stems if stems.count(s) > 1})
    if double:
        msg = f"Two inputs are named {double[0]}, and so would be their results: rename one."
        raise InputError(msg)
    if not descending:
        return [(p, None) for p in inputs]
    if orbit != "as_des" or len(descending) != len(inputs):
        raise typer.BadParameter(
            f"--des takes one descending file for each input and --orbit as_des: got "
            f"{len(descending)} for {len(inputs)} inputs of orbit {orbit}."
        )
    return list(zip(inputs, descending, strict=True))


def _dates(inputs: list[Path], given: list[str] | None) -> list[date | None]:
    from lczlib.mapping.water_files import date_in_name

    if not given:
        return [date_in_name(p) for p in inputs]
    if len(given) != len(inputs):
        raise typer.BadParameter(
            f"{len(given)} --date for {len(inputs)} inputs: give one each, in order."
        )
    return [date.fromisoformat(d) for d in given]


def _area_record(area: Any) -> dict[str, Any]:
    return {
        "area_km2": float(area["area"]),
        "area_km2_ci": [float(area["low"]), float(area["high"])],
        "expected_km2": float(area["expected"]),
        "valid_km2": float(area["valid"]),
        "valid_share": float(area["valid_share"]),
        "dark_not_water_km2": float(area["dark"]),
        "n": int(area["n_valid"]),
    }


def _series(
    out: Path,
    results: list[dict[str, Any]],
    darkness: list[Any],
    when: list[date],
    threshold: float,
    figures: bool,
) -> dict[str, Any]:
    """Write occurrence and regime of the series; what goes into the result file."""
    from dataclasses import asdict

    from lczlib.analysis import water_dynamics as dynamics
    from lczlib.analysis.water_area import water_area
    from lczlib.export import write_raster
    from lczlib.mapping.water_files import as_series, open_water_series

    months = dynamics.monthly(open_water_series([out / r["probability"] for r in results], when))
    dark = dynamics.monthly(as_series(darkness, when))
    areas = water_area(months, dark=dark, threshold=threshold)
    occurrence = dynamics.water_occurrence(months, threshold=threshold)
    regime = dynamics.water_regime(occurrence)
    write_raster(
        out / "water_occurrence.tif", occurrence["occurrence"], descriptions=["water occurrence"]
    )
    write_raster(
        out / "water_regime.tif", regime, nodata=dynamics.REGIME_NODATA,
        descriptions=["water regime"], overview_resampling="mode",
        colormap=dynamics.REGIME_COLORS,
        tags={"flag_values": "0, 1, 2", "flag_meanings": regime.attrs["flag_meanings"]},
    )  # fmt: skip
    record: dict[str, Any] = {
        "months": [
            {
                "month": str(areas.time.values[i].astype("datetime64[M]")),
                "n_scenes": int(months["n_scenes"][i]),
                **_area_record(areas.isel(time=i)),
            }
            for i in range(areas.sizes["time"])
        ],
        "regime_km2": dynamics.regime_areas(regime),
        "trend": None,
    }
    try:
        record["trend"] = {**asdict(dynamics.area_trend(areas)), "unit": "km2 per year"}
    except InputError as err:
        record["trend_note"] = str(err)
    if figures:
        from lczlib.figures.water import monthly_area_figure, occurrence_figure, save

        save(monthly_area_figure(areas), out / "water_monthly_area.png")
        save(occurrence_figure(occurrence["occurrence"]), out / "water_occurrence.png")
    return record


def _print(record: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Table

    series = record.get("series")
    table = Table("month" if series else "scene", "water, km2 (95%)", box=box.SIMPLE)
    for name in ("dark, not mapped", "seen", "cells"):
        table.add_column(name, justify="right", no_wrap=True)
    rows = (
        [(m["month"], m) for m in series["months"]]
        if series
        else [(s["input"], s) for s in record["scenes"]]
    )
    for name, row in rows:
        low, high = row["area_km2_ci"]
        table.add_row(
            name, f"{row['area_km2']:.3g} ({low:.3g}-{high:.3g})",
            f"{row['dark_not_water_km2']:.3g}", f"{row['valid_share']:.1%}", f"{row['n']:,}",
        )  # fmt: skip
    console.out.print(table)
