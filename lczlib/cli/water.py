"""``lcz water``: surface water from Sentinel-1."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lczlib.cli.options import Device, a_date, above_zero, between
from lczlib.errors import InputError


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
            help="Around the scene the network sees zero (as published) or its mirror image, which "
            "is better for scenes under 2048 px."
        ),
    ] = "zero",
    dn_scale: Annotated[
        float,
        typer.Option(help="Stored values are divided by it, 100 for 0.01 dB.", callback=above_zero),
    ] = 1.0,
    units: Annotated[
        Literal["db", "linear"], typer.Option(help="Of the values: db, or linear intensity.")
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
    255 no data), and water.json with areas and their intervals. Dated inputs on one grid also give
    the area of each month, occurrence, permanent and seasonal water, and a trend.

    Example:
        lcz water S1_2020-01.tif S1_2020-02.tif --orbit as --out water
    """
    from rich.console import Console
    from rich.progress import Progress

    import lczlib
    from lczlib.analysis.water_check import dark_not_water
    from lczlib.analysis.water_dynamics import water_area
    from lczlib.export import sha256_of, write_json
    from lczlib.mapping.water import HIGH, load_water_model
    from lczlib.mapping.water_files import open_water_probability, write_water
    from lczlib.mapping.water_scene import open_water_scene

    pairs = _pairs(inputs, descending, orbit)
    when = _dates(inputs, dates)
    options = {"dn_scale": dn_scale, "units": units}
    scenes = [open_water_scene(a, orbit, descending=d, **options) for a, d in pairs]
    model = load_water_model(orbit, device)
    console = Console(stderr=True)
    if edges == "zero" and any(min(s.shape[1:]) < HIGH for s in scenes):
        console.print(
            f"Scenes under {HIGH} px: the network's wider views are mostly padding, which hides real "
            "water and draws false water along the edges; --edges mirror avoids both.",
            highlight=False,
        )
    results: list[dict[str, Any]] = []
    with Progress(console=console) as bars:
        for (path, other), scene, day in zip(pairs, scenes, when, strict=True):
            bar = bars.add_task(path.name)

            def show(done: int, total: int, bar: Any = bar) -> None:
                bars.update(bar, completed=done, total=total)

            proba, mapped = write_water(
                scene, orbit, out, path.stem, model=model, threshold=threshold, edges=edges,
                tags={"orbit": orbit, "edges": edges, "source": path.name}, progress=show,
            )  # fmt: skip
            mapped_proba = open_water_probability(proba, chunks={"y": 512, "x": -1})
            area = water_area(mapped_proba, threshold=threshold)
            dark = dark_not_water(scene, mapped_proba, threshold=threshold)
            results.append(
                {
                    "input": path.name,
                    "sha256": [sha256_of(p) for p in (path, other) if p is not None],
                    "date": None if day is None else day.isoformat(),
                    "probability": proba.name,
                    "water": mapped.name,
                    **_area_record(area),
                    "dark_not_water_km2": dark,
                }
            )
            if dark > float(area["high"]) - float(area["area"]):
                console.print(
                    f"{path.name}: {dark:.3g} km2 is as dark as open water but not mapped as water, "
                    "more than the interval allows for: compare the map with the image (--figures).",
                    highlight=False,
                )
    record: dict[str, Any] = {
        "orbit": orbit,
        "weights": {"name": model.weights.name, "sha256": model.weights.sha256},
        "threshold": threshold,
        "edges": edges,
        **options,
        "device": str(next(model.parameters()).device),
        "lczlib": lczlib.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "scenes": results,
    }
    if len(inputs) > 1 and all(when):
        record["series"] = _series(out, results, [d for d in when if d], threshold, figures)
    if figures:
        from lczlib.figures.water import save, water_figure
        from lczlib.mapping.water_files import open_water_probability as opened

        for scene, result in zip(scenes, results, strict=True):
            name = Path(result["input"]).stem
            save(
                water_figure(scene, opened(out / result["probability"]), threshold),
                out / f"{name}_water.png",
            )
    write_json(out / "water.json", record)
    _print(record)


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
        "n": int(area["n_valid"]),
    }


def _series(
    out: Path, results: list[dict[str, Any]], when: list[date], threshold: float, figures: bool
) -> dict[str, Any]:
    """Write occurrence and regime of the series; what goes into the result file."""
    from dataclasses import asdict

    from lczlib.analysis import water_dynamics as dynamics
    from lczlib.export import write_raster
    from lczlib.mapping.water_files import open_water_series

    months = dynamics.monthly(open_water_series([out / r["probability"] for r in results], when))
    areas = dynamics.water_area(months, threshold=threshold)
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
    from rich.console import Console
    from rich.table import Table

    series = record.get("series")
    table = Table("month" if series else "scene", "water km2", "95% interval", "seen")
    rows = (
        [(m["month"], m) for m in series["months"]]
        if series
        else [(s["input"], s) for s in record["scenes"]]
    )
    for name, row in rows:
        low, high = row["area_km2_ci"]
        table.add_row(
            name, f"{row['area_km2']:.4g}", f"{low:.4g} - {high:.4g}", f"{row['valid_share']:.1%}"
        )
    Console().print(table)
