"""``lcz map`` and ``lcz fuse``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from lczlib.cli.console import area_table, counting, err, out
from lczlib.cli.options import Device, a_box, a_date, above_zero, finite, listed, pairs

Fusion = Literal["mean", "so2sat", "product", "entropy", "vote"]


def map_(
    context: typer.Context,
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="INPUT...",
            help="A So2Sat folder (with Sentinel-1/ and Sentinel-2/), a raster, or one a season; also "
            "products as ESA delivers them (S2*_MSIL1C_*.SAFE, MSIL2A; folder or zip).",
            show_default=False,
        ),
    ] = None,
    folder: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path(
        "lcz-out"
    ),
    weights: Annotated[
        str,
        typer.Option(
            help="NAME or FILE, one a sensor, separated by a comma. See `lcz weights list`."
        ),
    ] = "",
    city: Annotated[str, typer.Option(help="City of the So2Sat folder.")] = "",
    season: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FILE", help="A season's raster; repeat.")
    ] = None,
    sentinel1: Annotated[
        list[Path] | None,
        typer.Option(
            help="Sentinel-1 raster with So2Sat's eight channels, or two with four each; repeat."
        ),
    ] = None,
    fusion: Annotated[Fusion, typer.Option(help="See `lcz fuse --help`.")] = "mean",
    device: Device = "auto",
    engine: Annotated[
        Literal["auto", "torch", "openvino"], typer.Option(help="What computes.")
    ] = "auto",
    precision: Annotated[
        Literal["float32", "mixed"],
        typer.Option(help="mixed is faster; nearly all labels stay, probabilities move."),
    ] = "float32",
    batch_size: Annotated[int | None, typer.Option(min=1, help="Patches a batch.")] = None,
    anchor: Annotated[
        Literal["center", "corner"],
        typer.Option(help="center of a cell, or corner as in So2Sat's own maps."),
    ] = "center",
    bands: Annotated[str, typer.Option(help="Band names in file order: B02,B03,...")] = "",
    scale: Annotated[
        float | None, typer.Option(help="Reflectance per stored unit.", callback=above_zero)
    ] = None,
    offset: Annotated[
        float | None,
        typer.Option(help="DN offset to add: -1000 for baseline 04.00 and later.", callback=finite),
    ] = None,
    nodata: Annotated[float | None, typer.Option(help="Stored value of missing pixels.")] = None,
    level: Annotated[
        Literal["L1C", "L2A"] | None,
        typer.Option(help="L2A: surface reflectance; an approximate atmosphere is put back."),
    ] = None,
    date: Annotated[
        str,
        typer.Option(help="Day of the image, YYYY-MM-DD, for --level L2A.", callback=a_date),
    ] = "",
    sentinel1_time: Annotated[
        str, typer.Option("--s1-time", help="Month YYYYMM of the Sentinel-1 mosaic.")
    ] = "",
    resample: Annotated[
        Literal["utm"] | None, typer.Option(help="utm: warp a raster to 10 m UTM first.")
    ] = None,
    accept_values: Annotated[
        bool,
        typer.Option("--accept-values", help="Map values that cannot be what the network reads."),
    ] = False,
    box: Annotated[
        str,
        typer.Option(metavar="W,S,E,N", help="Map this part only; degrees.", callback=a_box),
    ] = "",
    keep_clouds: Annotated[
        bool,
        typer.Option(
            "--keep-clouds",
            help="Keep what the SCL of a surface product, or a band SCL, calls cloud, shadow or snow.",
        ),
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Take up an interrupted run.")] = False,
    from_manifest: Annotated[
        Path | None, typer.Option(help="Rerun the manifest.json of an earlier result.")
    ] = None,
    look_in: Annotated[
        list[Path] | None,
        typer.Option(
            "--inputs", help="Folder that holds its inputs, where they were moved; repeat."
        ),
    ] = None,
) -> None:
    """Map a city: class probabilities and LCZ maps from Sentinel-1, Sentinel-2 and both.

    Example:
        lcz map berlin.tif --weights sen2lcz_net --out berlin-lcz

        lcz map /data/so2sat --city 00017_22007_Lagos --out lagos-lcz
    """
    from lczlib.export.manifest import read_manifest
    from lczlib.mapping import MapRequest, map_city, request_of
    from lczlib.scenes.crop import box_of

    if from_manifest is not None:
        _refuse_others(context)
        request = request_of(*read_manifest(from_manifest), look_in or ())
        request = replace(request, device=device, engine=engine)
    else:
        if look_in:
            raise typer.BadParameter("--inputs goes with --from-manifest; give INPUT itself.")
        if bool(inputs) == bool(season) and not (sentinel1 and not inputs):
            raise typer.BadParameter("give INPUT, or --season NAME=FILE, one of the two.")
        request = MapRequest(
            inputs=tuple(str(p) for p in inputs or ()), city=city,
            seasons=pairs(season or (), "NAME=FILE, such as spring=april.tif"),
            sentinel1=tuple(str(p) for p in sentinel1 or ()), weights=listed(weights), fusion=fusion,
            anchor=anchor, device=device, engine=engine, precision=precision,
            batch_size=batch_size, bands=listed(bands), scale=scale, offset=offset, nodata=nodata,
            level=level or "", date=date, sentinel1_time=sentinel1_time, resample=resample or "",
            accept_values=accept_values, box=box_of(box), keep_clouds=keep_clouds,
        )  # fmt: skip
    try:
        with counting("cells", transient=True) as report:
            result = map_city(request, folder, resume=resume, progress=report)
    except KeyboardInterrupt:
        err.print("Stopped. The finished tiles are kept: run again with --resume.")
        raise typer.Exit(130) from None
    out.print(area_table(result.kinds, f"Local Climate Zones in {folder}"))
    engines = ", ".join(dict.fromkeys(result.manifest["engines"].values()))
    out.print(
        f"{result.manifest['cells']:,} cells in {result.manifest['seconds']:.0f} s ({engines}). "
        f"{len(result.manifest['outputs'])} files and manifest.json in {folder}.",
        soft_wrap=True,
    )


def _refuse_others(context: typer.Context) -> None:
    """A manifest says all that a result depends on; other options would silently not count."""
    free = {"folder", "device", "engine", "resume", "from_manifest", "look_in"}
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name)
        if parameter.name not in free and source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(
                f"--from-manifest brings its own {parameter.opts[0]}: leave it out."
            )


def fuse(
    probabilities: Annotated[
        list[Path], typer.Argument(metavar="PROBA...", help="*_proba.tif files of one grid.")
    ],
    folder: Annotated[Path, typer.Option("--out", help="Folder for the results.")],
    method: Annotated[
        Fusion,
        typer.Option(
            help="mean: average. so2sat: likewise, given S1 and each season. product: independent "
            "evidence. entropy: weighted by certainty. vote: majority, ties by the average."
        ),
    ] = "mean",
    resample: Annotated[
        bool, typer.Option("--resample", help="Bring maps to the first one's grid.")
    ] = False,
) -> None:
    """Fuse class probabilities of several sensors or dates into one map.

    Example:
        lcz fuse s1_proba.tif s2_proba.tif --method entropy --out fused
    """
    from lczlib.mapping.fusion import fuse_files

    fused = fuse_files(probabilities, folder, method, resample=resample)
    out.print(area_table({"fused": fused}, f"Fused by {method}, in {folder}"))
