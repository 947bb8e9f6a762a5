"""Sentinel-1 products as delivered, made into what a network reads."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from lczlib.errors import InputError
from lczlib.extras import need
from lczlib.jobs.request import Cancel, Progress, Request, Source, Steps
from lczlib.jobs.result import job
from lczlib.sentinel1.recipes import RECIPES, HeightOf, RecipeName
from lczlib.settings import setting
from lczlib.terms import option

if TYPE_CHECKING:
    from lczlib.jobs.prepare_s1_plan import Plan
    from lczlib.jobs.prepare_s1_result import PrepareS1Result
    from lczlib.sentinel1.chain import Chain

TILE = 512
"""Edge of the tiles that the map is made of, in pixels; a multiple of 16."""
WORK = ".prepare-s1"
"""Folder in the result's that keeps finished tiles until it is whole."""


@dataclass(frozen=True, kw_only=True)
class PrepareS1Request(Request):
    """Sentinel-1 products of one pass, SLC or GRD, made into what a network reads, on a 10 m grid."""

    command: ClassVar = "prepare-s1"

    inputs: tuple[Source, ...] = setting(
        ..., "Sentinel-1 IW products of one pass with VV and VH: SAFE folders or zip archives. SLC; of bigearthnet "
        "and water also GRD, of which their sources were made.",
        title="Sentinel-1 products", file=True, argument=True, metavar="PRODUCT...",
    )  # fmt: skip
    orbit: str = setting(
        ..., "Orbit file (EOF), a folder of them, or annotation: the product's own, off by up to metres.",
        title="Orbit", metavar="FILE|DIR|annotation",
    )  # fmt: skip
    dem: Source = setting(
        ..., "Elevation model of the region, in metres: GeoTIFF, VRT.", title="Elevation model", file=True,
        metavar="FILE",
    )  # fmt: skip
    recipe: RecipeName = setting(
        "so2sat", "Whose network reads it: that decides radiometry, filter and channels.", title="Recipe"
    )  # fmt: skip
    roi: tuple[float, ...] = setting(
        (), "The region, west, south, east, north in degrees.", title="Region", metavar="W,S,E,N"
    )
    like: Source | None = setting(
        None, "A raster whose grid is taken instead, such as Sentinel-2 of the same city.", title="Grid of",
        file=True, metavar="FILE",
    )  # fmt: skip
    dem_height: HeightOf | None = setting(
        None, "What its heights count from: geoid-egm96 (SRTM), geoid-egm2008 (Copernicus DEM) or ellipsoid.",
        title="Heights count from", usual="as the file says",
    )  # fmt: skip
    speckle: Literal["refined-lee", "lee1999", "none"] | None = setting(
        None, "Filter, where it is not the recipe's; lee1999 is of the covariance alone.", title="Speckle filter",
        usual="the recipe's",
    )  # fmt: skip
    looks: int = setting(
        1, "Pixels of a detected product (GRD) that are averaged along each side before the filter: 2 makes "
        "bigearthnet of 20 m, as its scripts do.", title="Looks", low=1,
    )  # fmt: skip
    jobs: int = setting(
        1, "Tiles that are made at once, each on a processor core.", title="At once", low=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.roi) == bool(self.like):
            msg = f"Give the region by {option('roi')}, or a raster by {option('like')}, one of the two."
            raise InputError(msg, parameter="roi")
        if self.roi and len(self.roi) != 4:
            msg = f"The region has {len(self.roi)} numbers: give west,south,east,north in degrees."
            raise InputError(msg, parameter="roi")
        most = RECIPES[self.recipe].most_looks
        if self.looks > most:
            msg = (
                f"{option('looks', self.looks)} is not of the recipe {self.recipe}, whose network reads {most * 10} m "
                f"at the most: give {most if most == 1 else f'1 to {most}'}."
            )
            raise InputError(msg, parameter="looks")
        if RECIPES[self.recipe].powers and self.speckle == "lee1999":
            msg = (
                f"{option('speckle', 'lee1999')} filters the covariance, and {self.recipe} is made of powers: leave it "
                f"out, or choose {option('speckle', 'none')}."
            )
            raise InputError(msg, parameter="speckle")


def plan(request: PrepareS1Request) -> Plan:
    """What would be made of what: bursts, orbit, elevation model, size; nothing is read of the images.

    Raises
    ------
    InputError
        If it cannot be made.
    """
    need("Preparing Sentinel-1 products needs", "numba", extra="sar")
    from lczlib.jobs.prepare_s1_plan import plan_of

    return plan_of(request)


def snap_graph(request: PrepareS1Request) -> str:
    """The graph of ESA's SNAP that is nearest to a request, as XML.

    Raises
    ------
    InputError
        As of `plan`.
    """
    from lczlib.sentinel1.snap_graph import graph_of

    planned = plan(request)
    return graph_of(planned.recipe, planned.grid)


def run(
    request: PrepareS1Request,
    *,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
    scratch: str | Path | None = None,
    resume: bool = False,
) -> PrepareS1Result:
    """Make the images, in memory that does not grow with the region.

    Parameters
    ----------
    request : PrepareS1Request
        Of what, and how.
    progress, cancelled : callable, optional
        As of all jobs.
    scratch : path, optional
        Folder in which finished tiles are kept, hidden, until the result is written: the one that it
        will be written to. By default that of temporary files.
    resume : bool
        Take up the tiles that a stopped run of the same request left there.
    """
    do = partial(_run, scratch=scratch, resume=resume)
    return job(do)(request, progress=progress, cancelled=cancelled)


def make(
    request: PrepareS1Request,
    folder: str | Path,
    *,
    progress: Progress | None = None,
    resume: bool = False,
) -> PrepareS1Result:
    """Make the images and write them into a folder, which no other run writes into meanwhile.

    Parameters as of `run`; `folder` also keeps the finished tiles of a run that is stopped.
    """
    from lczlib.export.files import alone_in

    folder = Path(folder)
    with alone_in(folder, ".prepare-s1.lock"):
        result = run(request, progress=progress, scratch=folder, resume=resume)
        if progress:
            progress("Writing", 0, 0)
        result.write(folder)
        result.close()
    return result


def _run(
    request: PrepareS1Request, step: Steps, *, scratch: str | Path | None, resume: bool
) -> PrepareS1Result:
    from lczlib.jobs.prepare_s1_result import PrepareS1Result
    from lczlib.jobs.scratch import Scratch
    from lczlib.sentinel1.chain import Chain

    step("Reading annotations")
    planned = plan(request)
    planned.tell()
    chains = tuple(Chain(planned.recipe, g, request.speckle) for g in planned.geocoders)
    own = None if scratch else Scratch()
    work = own.path if own else Path(scratch) / WORK
    _begin(work, {**planned.described(), "tile": TILE}, resume)
    tiles = list(_tiles(*planned.grid.shape))
    valid = 0
    with ThreadPoolExecutor(request.jobs) as pool:
        made = [pool.submit(_tile, chains, work, *tile) for tile in tiles]
        try:
            for i, one in enumerate(made):
                step("Tiles", i, len(tiles))
                valid += one.result()
        except BaseException:
            for one in made:
                one.cancel()
            raise
    if not valid:
        shutil.rmtree(work, ignore_errors=True)
        msg = "The region holds no valid pixel of the products: all of it is missing or outside."
        raise InputError(msg, parameter="roi")
    return PrepareS1Result(
        request=request,
        planned=planned,
        speckle=chains[0].speckle,
        work=work,
        tile=TILE,
        valid=valid,
        scratch=own,
    )


def _begin(work: Path, described: dict[str, object], resume: bool) -> None:
    """Make the folder of finished tiles; what it holds stays where it is to be taken up, and of this job."""
    from lczlib.export.files import staged, writing

    note, text = work / "job.json", json.dumps(described, sort_keys=True)
    with writing(work):
        if not (resume and note.is_file() and note.read_text() == text):
            shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True, exist_ok=True)
        with staged(note) as temporary:
            temporary.write_text(text)


def _tiles(rows: int, columns: int) -> Iterator[tuple[int, int, int, int]]:
    """Row, column, rows, columns of each tile."""
    for row in range(0, rows, TILE):
        for column in range(0, columns, TILE):
            yield row, column, min(TILE, rows - row), min(TILE, columns - column)


def _tile(
    chains: tuple[Chain, ...], work: Path, row: int, column: int, rows: int, columns: int
) -> int:
    """Make a tile, where it is not there yet; its number of valid pixels."""
    import numpy as np

    from lczlib.export.files import staged
    from lczlib.sentinel1.chain import mosaic

    path = work / f"{row}_{column}.npz"
    if path.is_file():
        with np.load(path) as there:
            return int(there["valid"])
    made = mosaic(chains, row, column, rows, columns)
    with staged(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file, valid=made.valid, incidence=made.incidence, hidden=made.hidden, **made.images
        )
    return made.valid
