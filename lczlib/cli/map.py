"""``lcz map`` and ``lcz fuse``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lczlib.cli.console import area_table, counting, err, out
from lczlib.cli.options import pairs
from lczlib.cli.requests import command
from lczlib.errors import InputError
from lczlib.map_request import MapRequest, Method, check_weighted
from lczlib.out_scheme import OutScheme
from lczlib.settings import described

_SEASON = r"\w[\w. -]*"
"""Any name that a file may have: wet, 2023-monsoon."""


@command(MapRequest, in_words=False)
def map_(
    context: typer.Context,
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="INPUT...",
            help="Scenes: {scenes}.",
            show_default=False,
        ),
    ] = None,
    folder: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path(
        "lcz-out"
    ),
    season: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FILE", help="A season's raster; repeat.")
    ] = None,
    sentinel1: Annotated[
        list[Path] | None,
        typer.Option(
            help="Sentinel-1 raster with So2Sat's eight channels, or two with four each; repeat."
        ),
    ] = None,
    request: MapRequest = MapRequest(),
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
    from lczlib.export.manifest import read_manifest, understood
    from lczlib.mapping import map_city, request_of

    if from_manifest is not None:
        _refuse_others(context)
        content = read_manifest(from_manifest)
        with understood(from_manifest):
            recorded = request_of(*content, look_in or ())
        request = replace(recorded, device=request.device, engine=request.engine)
    else:
        if look_in:
            raise typer.BadParameter("--inputs goes with --from-manifest; give INPUT itself.")
        if bool(inputs) == bool(season) and not (sentinel1 and not inputs):
            raise typer.BadParameter("give INPUT, or --season NAME=FILE, one of the two.")
        request = replace(
            request, inputs=tuple(str(p) for p in inputs or ()),
            seasons=pairs(season or (), "NAME=FILE, such as spring=april.tif", _SEASON),
            sentinel1=tuple(str(p) for p in sentinel1 or ()),
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
    free = {"folder", "device", "engine", "resume", "from_manifest", "look_in", "memory"}
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name)
        if parameter.name not in free and source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(
                f"--from-manifest brings its own {parameter.opts[0]}: leave it out."
            )


def fuse(
    probabilities: Annotated[
        list[Path],
        typer.Argument(
            metavar="PROBA...",
            help="*_proba.tif files of one grid; or the folder or archives of a city of So2Sat, with those of "
            "its programs.",
        ),
    ],
    folder: Annotated[Path, typer.Option("--out", help="Folder for the results.")],
    method: Annotated[
        Method,
        typer.Option(
            help="mean: average. so2sat: likewise, given S1 and each season. product: independent "
            "evidence. entropy: weighted by certainty. vote: majority, ties by the average. learned: weighted as "
            "--calibration says."
        ),
    ] = MapRequest.fusion,
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="calibration.json of `lcz calibrate`: each map is calibrated first.",
        ),
    ] = None,
    resample: Annotated[
        bool, typer.Option("--resample", help="Bring maps to the first one's grid.")
    ] = False,
    city: Annotated[str, typer.Option(help="City of a folder or archive that holds several.")] = "",
    out_scheme: Annotated[
        OutScheme,
        typer.Option(
            "--out-scheme", "--scheme", help=described(MapRequest)["out_scheme"].setting.doc
        ),
    ] = MapRequest.out_scheme,
) -> None:
    """Fuse class probabilities of several sensors or dates into one map.

    Example:
        lcz fuse s1_proba.tif s2_proba.tif --method entropy --out fused
    """
    from lczlib.mapping.fusion import fuse_files

    try:
        check_weighted(method, calibration, "method")
    except InputError as error:
        raise typer.BadParameter(str(error), param_hint="'--method'") from error
    fused = fuse_files(
        probabilities,
        folder,
        method,
        resample=resample,
        city=city,
        calibration=calibration,
        out_scheme=out_scheme,
    )
    out.print(area_table({"fused": fused}, f"Fused by {method}, in {folder}"))
