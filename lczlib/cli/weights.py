"""``lcz weights list``, ``fetch``, ``import`` and ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from lczlib.cli.console import out
from lczlib.cli.memory import limited
from lczlib.cli.options import above_zero, an_architecture
from lczlib.errors import InputError
from lczlib.jobs.texts import listed

app = typer.Typer(
    no_args_is_help=True, help="Trained weights: list, fetch, import your own, export."
)


@app.command("list")
def list_() -> None:
    """List the published weights: network, input, licence, and whether they are here already.

    Example:
        lcz weights list
    """
    from lczlib import catalog
    from lczlib.models import architecture, published_weights

    table = Table()
    for column in ("name", "network", "reads", "pixels", "licence", "size", "here"):
        right = column in ("pixels", "size")
        table.add_column(column, justify="right" if right else "left", no_wrap=column == "name")
    for name, entry in sorted(catalog.entries().items()):
        if entry.collection != "weights":
            continue
        w = published_weights(name)
        reads = f"{len(w.bands)} {'bands' if w.sensor == 's2' else 'features'} of {w.sensor[:2].upper()}"
        table.add_row(
            name,
            architecture(w.architecture).title,
            reads,
            str(w.patch_size),
            "not stated" if w.licence == "other" else w.licence,
            f"{entry.size / 1e6:.1f} MB",
            "yes" if catalog.is_cached(name) else "no",
        )
    out.print(table)
    out.print(f"Cache: {catalog.cache_folder()}", soft_wrap=True)


@app.command()
def fetch(names: Annotated[list[str], typer.Argument(metavar="NAME...")]) -> None:
    """Fetch published weights into the cache, checked against their SHA-256.

    Example:
        lcz weights fetch sen2lcz_net
    """
    from lczlib import catalog

    for name in names:
        entry = catalog.entry(name, "weights")
        path = catalog.fetch(name, progress=True)
        out.print(f"{name}: {path}\n  cite: {entry.citation}", soft_wrap=True)


@app.command("import")
@limited
def import_(
    file: Annotated[Path, typer.Argument(help="Keras HDF5, PyTorch state dict or safetensors.")],
    arch: Annotated[
        str,
        typer.Option(
            help="Network: see the error for the names there are.", callback=an_architecture
        ),
    ],
    name: Annotated[str, typer.Option(help="Name to use it by; the file's by default.")] = "",
    sensor: Annotated[Literal["s1", "s2"], typer.Option(help="What it reads.")] = "s2",
    bands: Annotated[
        str, typer.Option(help="Input bands in order; by default LCZNet's own or So2Sat's.")
    ] = "",
    patch_size: Annotated[
        int | None, typer.Option(min=1, help="Edge of the input patch, pixels.")
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(
            help="Factor on reflectance (2, DN / 5000, for LCZNet; else 1).", callback=above_zero
        ),
    ] = None,
    normalisation: Annotated[
        Literal["none", "scene"], typer.Option(help="none, or scene: z-scores over each scene.")
    ] = "none",
    level: Annotated[
        Literal["L1C", "L2A"] | None, typer.Option(help="Level of the training images.")
    ] = None,
    licence: Annotated[str, typer.Option(help="SPDX identifier.")] = "",
) -> None:
    """Import weights trained elsewhere, so that `lcz map --weights NAME` can use them.

    Example:
        lcz weights import my_sen2lcz.h5 --arch sen2lcz --name mine
    """
    from lczlib.export import sha256_of
    from lczlib.models import Weights, architecture, import_weights, load_model
    from lczlib.models.weights import SENTINEL1_FEATURES, SENTINEL2_BANDS

    found = architecture(arch)
    if not file.is_file():
        msg = f"The weights file {file} does not exist."
        raise InputError(msg)
    default = SENTINEL1_FEATURES if sensor == "s1" else found.bands or SENTINEL2_BANDS
    if scale is None:
        scale = found.scale if sensor == "s2" else 1.0
    weights = Weights(
        name=name or file.stem,
        title=f"{found.title}, imported from {file.name}",
        architecture=arch,
        sensor=sensor,
        bands=listed(bands) or default,
        patch_size=patch_size or found.patch_size,
        scale=scale,
        normalisation=normalisation,
        level=level or "",
        licence=licence,
        source=file.name,
        sha256=sha256_of(file),
    )
    path = import_weights(file, weights)
    size = load_model(path).weights.patch_size
    out.print(
        f"Imported as {weights.name} ({len(weights.bands)} bands x {scale:g}, patches of {size} "
        f"pixels): {path}",
        soft_wrap=True,
    )


@app.command()
@limited
def export(
    weights: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Trained weights.")],
    file: Annotated[Path, typer.Option("--out", help="The file to write.")],
    format_: Annotated[
        Literal["onnx", "pt2"] | None,
        typer.Option("--format", help="pt2 is of torch.export; by the file's ending else."),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            help="Largest difference of a class probability to PyTorch.", callback=above_zero
        ),
    ] = 1e-5,
) -> None:
    """Export a trained network as ONNX or torch.export, checked against PyTorch.

    The batch size is free. Bands, scaling and classes travel in the file's metadata.

    Example:
        lcz weights export mycity/model.safetensors --out mycity.onnx
    """
    from lczlib.models.export import export_network

    made = export_network(weights, file, format=format_, tolerance=tolerance)
    out.print(
        f"Wrote {made.path} ({made.format}, {made.path.stat().st_size / 1e6:.1f} MB). Class "
        f"probabilities differ from PyTorch's by {made.difference:.1g} at most (n = {made.n} random "
        "patches).",
        soft_wrap=True,
    )
