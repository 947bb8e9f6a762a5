"""A prepared Sentinel-1 raster, cut into the patches of a Sentinel-2 tile."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lczlib.errors import InputError
from lczlib.jobs.request import Cancel, Progress, Request, Source, Steps, name_of
from lczlib.jobs.result import Result, job
from lczlib.reading import counted
from lczlib.sentinel1.choices import EdgeOf, NamesOf
from lczlib.settings import setting
from lczlib.temporary import TemporaryFolder
from lczlib.terms import option

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.sentinel1.tiles import Tile

PATCHES = "patches"
"""Folder in the result's that holds them."""


@dataclass(frozen=True, kw_only=True)
class ClipS1Request(Request):
    """The patches of a Sentinel-2 tile, of a prepared Sentinel-1 raster."""

    command: ClassVar = "clip-s1"

    raster: Source = setting(
        ..., "Prepared Sentinel-1 with bands VV and VH on the tile's grid, such as bigearthnet_20170613.tif.",
        title="Sentinel-1 raster", file=True, argument=True, metavar="RASTER",
    )  # fmt: skip
    tile: Source = setting(
        ..., "The Sentinel-2 tile: SAFE product (folder or zip), JSON of a STAC item, or BigEarthNetTileInfo_v2.npy.",
        title="Sentinel-2 tile", file=True, metavar="FILE",
    )  # fmt: skip
    only: str = setting(
        "", "Which tile, where the file has several: its name, its place in MGRS (33UUP) or UUID.",
        title="Which tile", metavar="TILE",
    )  # fmt: skip
    names: NamesOf = setting(
        "sentinel2", "sentinel2: <Sentinel-2 product>_S1_i_j. bigearthnet: as published, "
        "<mission>_<mode>_<product>_<time>_<tile>_i_j.",
        title="Names of patches",
    )  # fmt: skip
    product: str = setting(
        "", "Sentinel-1 product that the raster is made of, where it does not say so itself.",
        title="Sentinel-1 product",
        usual="as the raster says",
    )  # fmt: skip
    edge: EdgeOf = setting(
        "drop", "The narrower patches at the right and lower edge of the tile: left out, or written as they are.",
        title="Edge of the tile",
    )  # fmt: skip
    min_valid: float = setting(
        0.0, "Share of a patch's pixels that must hold data; without any it is never written.",
        title="Least share with data", low=0, high=1,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, repr=False)
class ClipS1Result(Result):
    """Patches that are written, and those that are not.

    Attributes
    ----------
    request : ClipS1Request
    tile : Tile
    rows : list of dict
        A patch each: ``name``, ``i``, ``j``, ``left``, ``top``, ``rows``, ``columns``, ``valid_share``,
        ``written``.
    """

    draws = False

    request: ClipS1Request
    tile: Tile
    rows: list[dict[str, Any]] = field(repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """A row a patch."""
        import pandas as pd

        return pd.DataFrame(self.rows).set_index("name")

    def headline(self) -> str:
        """How many patches there are, and what is missing of them, in a sentence."""
        written = [r for r in self.rows if r["written"]]
        part = [r for r in written if r["valid_share"] < 1]
        missing = sum(round((1 - r["valid_share"]) * r["rows"] * r["columns"]) for r in part)
        text = f"{counted(len(written), 'patch', 'patches')} of {self.tile.name}"
        if part:
            text += f", {len(part)} of them with missing pixels ({missing:,} in all)"
        left = len(self.rows) - len(written)
        return f"{text}; {left} not written for want of data." if left else f"{text}."

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.export.files import write_result, write_table

        written = sum(r["written"] for r in self.rows)
        write_table(folder / "patches.csv", self.to_dataframe())
        write_result(
            folder / "clip_s1.json",
            {
                "tile": self.tile.name, "mgrs": self.tile.mgrs, "patches": written,
                "not_written": len(self.rows) - written, "headline": self.headline(),
            },
        )  # fmt: skip


def run(
    request: ClipS1Request,
    folder: str | Path,
    *,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
    resume: bool = False,
) -> ClipS1Result:
    """Write the patches, a row of them in memory at a time; ``result.write(folder)`` adds their table.

    Parameters
    ----------
    request : ClipS1Request
        Of what, and how.
    folder : path
        Of the result; patches are folders in its ``patches``.
    progress, cancelled : callable, optional
        As of all jobs.
    resume : bool
        Keep the patches that a stopped run of the same request has finished there.

    Raises
    ------
    InputError, GridError
        If the raster does not lie on the tile's grid, or has no VV and VH.
    """
    do = partial(_run, folder=Path(folder), resume=resume)
    return job(do)(request, progress=progress, cancelled=cancelled)


def _run(request: ClipS1Request, step: Steps, *, folder: Path, resume: bool) -> ClipS1Result:
    from lczlib.export.files import writing
    from lczlib.sentinel1 import patches as cutting

    step("Reading the raster")
    tile = _tile_of(request)
    raster = cutting.Prepared(request.raster, tile)
    products = (
        (request.product,) if request.product else tuple(raster.tags.get("products", "").split())
    )
    naming = cutting.Naming(tile, request.names, tuple(p.removesuffix(".SAFE") for p in products))
    rows = cutting.patches_of(raster.grid, raster.pixel, request.edge)
    job_of = _described(request, tile)
    total, found = sum(map(len, rows)), []
    into = folder / PATCHES
    with writing(folder):
        _check_free(into, job_of)
        into.mkdir(parents=True, exist_ok=True)
        with TemporaryFolder(folder, "clip-s1") as work:
            for row in rows:
                step("Patches", len(found), total)
                there = {
                    p: t for p in (row if resume else ()) if (t := cutting.written_before(into, naming.of(p)))
                }  # fmt: skip
                strip = raster.strip(row) if len(there) < len(row) else None
                for patch, values in cutting.cut(strip, row):
                    about = there.get(patch)
                    if about is None:
                        about = cutting.described(patch, values, naming, raster)
                    valid = about["valid_share"]
                    enough = valid > 0 and valid >= request.min_valid
                    if enough and patch not in there:
                        cutting.write_patch(into, work, patch, values, {**about, "cut": job_of})
                    found.append(_row(patch, about["name"], valid, enough))
        if not any(r["written"] for r in found):
            into.rmdir()
            msg = (
                f"No patch of {tile.name} has data in the raster {request.raster}: it shows another place, or "
                f"give a lower {option('min_valid')}."
            )
            raise InputError(msg, parameter="raster")
    return ClipS1Result(request=request, tile=tile, rows=found)


def _described(request: ClipS1Request, tile: Tile) -> dict[str, Any]:
    """What patches of one run have in common, kept with each of them."""
    from lczlib.jobs.record import hashes

    raster = name_of(request.raster, "raster")
    return {
        "raster": raster, "sha256": hashes(request)[raster], "tile": tile.name, "names": request.names,
        "product": request.product, "edge": request.edge, "min_valid": request.min_valid,
    }  # fmt: skip


def _check_free(into: Path, job_of: dict[str, Any]) -> None:
    """Patches of another raster, tile or settings are neither mixed with these nor removed.

    Raises
    ------
    InputError
        If there are some.
    """
    first = next(into.iterdir(), None) if into.is_dir() else None
    if first is None:
        return
    from lczlib.sentinel1.patches import written_before

    if (written_before(into, first.name) or {}).get("cut") != job_of:
        msg = f"{into} holds patches of another raster, tile or settings: choose another folder, or remove them."
        raise InputError(msg)


def _row(patch: Any, name: str, valid: float, written: bool) -> dict[str, Any]:
    return {
        "name": name, "i": patch.i, "j": patch.j, "left": _whole(patch.left), "top": _whole(patch.top),
        "rows": patch.rows, "columns": patch.columns, "valid_share": valid, "written": written,
    }  # fmt: skip


def _whole(metres: float) -> float:
    """A whole number is written as one, with all its digits."""
    return int(metres) if metres == int(metres) else metres


def _tile_of(request: ClipS1Request) -> Tile:
    from lczlib.sentinel1.tiles import read_tiles

    tiles = read_tiles([request.tile], (request.only,) if request.only else ())
    if len(tiles) > 1:
        names = ", ".join(t.name for t in tiles[:3])
        msg = f"{request.tile} has {len(tiles)} tiles ({names} ...): say which ({option('only', tiles[0].name)})."
        raise InputError(msg, parameter="only")
    return tiles[0]
