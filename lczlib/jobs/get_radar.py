"""What ``lcz prepare-s1`` needs of a place: Sentinel-1 products, their orbit files, heights."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lczlib.acquire.providers import radar_provider_of
from lczlib.errors import CatalogError, InputError, ServiceError
from lczlib.jobs.get_request import RADAR, GetRequest
from lczlib.jobs.request import Cancel, Progress, Steps
from lczlib.jobs.result import Result, job
from lczlib.reading import counted
from lczlib.terms import option

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.acquire.passes import Pass
    from lczlib.acquire.places import Place
    from lczlib.acquire.seasons import Period

WORK = ".get-radar"
"""Folder in the result's that keeps files, whole or in part, until the result is written."""
_COLUMNS = (
    "season", "date", "product", "direction", "relative_orbit", "covered_share", "megabytes", "address",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, repr=False)
class RadarResult(Result):
    """What was found and fetched for ``lcz prepare-s1``; `write` puts it in its place.

    Attributes
    ----------
    request : GetRequest
    place : Place
    passes : dict
        The pass of each season, by its name.
    empty : tuple of str
        Why seasons have none.
    files : dict
        Where each file is to lie in the result's folder, and where it comes from.
    work : Path or None
        Where they are until then; None where nothing was to be fetched.
    lacking : str
        Why the products were not fetched; empty where they were, or none were asked for.
    notes : tuple of str
        What else is missing or doubtful.
    """

    draws = False

    request: GetRequest
    place: Place
    passes: dict[str, Pass] = field(default_factory=dict, repr=False)
    empty: tuple[str, ...] = ()
    files: dict[Path, str] = field(default_factory=dict, repr=False)
    work: Path | None = field(default=None, repr=False)
    lacking: str = ""
    notes: tuple[str, ...] = ()

    def to_dataframe(self) -> pd.DataFrame:
        """A row a product: season, pass, size, address."""
        import pandas as pd

        rows = [{"season": n, **r} for n, p in self.passes.items() for r in p.rows()]
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    def headline(self) -> str:
        """What there is, in a sentence."""
        found = []
        if self.passes:
            n = sum(len(p.products) for p in self.passes.values())
            total = sum(p.megabytes for p in self.passes.values())
            found.append(
                f"{counted(n, 'Sentinel-1 product')} of {counted(len(self.passes), 'pass', 'passes')}, "
                f"{total:,.0f} MB{', not fetched' if self.lacking or self.work is None else ''}"
            )
        orbits = sum(p.suffix == ".EOF" for p in self.files)
        if orbits:
            found.append(counted(orbits, "orbit file"))
        if any(p.suffix == ".tif" for p in self.files):
            found.append("Copernicus GLO-30")
        return f"{self.place.label}: {', '.join(found) or 'nothing'}."

    def cautions(self) -> list[str]:
        """What is missing or doubtful."""
        said = [*self.empty, *self.notes]
        for name, one in self.passes.items():
            if one.covered < 1:
                said.append(
                    f"{name}: the pass of {one.date} shows {one.covered:.0%} of the box, and no other shows more."
                )
        return [*said, self.lacking] if self.lacking else said

    def preparations(self, folder: Path) -> list[tuple[list[Path], dict[str, object]]]:
        """What ``lcz prepare-s1`` is told to make a network's input of it, one a pass; none where something lacks.

        Returns
        -------
        list of (products, settings)
        """
        here = folder / radar_folder(self.place)
        heights = here / "dem" / ELEVATION_FILE
        if (
            self.lacking
            or self.work is None
            or not (heights.is_file() and (here / "orbit").is_dir())
        ):
            return []
        scenes = sorted(folder.glob(f"Sentinel-2/{self.place.folder_name}/*/[0-9]*_*.tif"))
        # both sensors on one grid
        where = (
            {"like": scenes[0]} if scenes else {"roi": ",".join(f"{v:.9g}" for v in self.place.box)}
        )
        settings = {**where, "orbit": here / "orbit", "dem": heights}
        made: list[tuple[list[Path], dict[str, object]]] = []
        for name, one in self.passes.items():
            files = [here / "slc" / f"{p.name}.zip" for p in one.products]
            if not all(f.is_file() for f in files):
                continue
            # a folder takes one pass: what lies beside its images is of that one
            below = folder / name if made else folder
            target = below / "Sentinel-1" / self.place.folder_name
            made.append((files, {**settings, "out": target}))
        return made

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        self.put(folder)

    def put(self, folder: Path) -> None:
        """Move the files to their place, and write the list of products and where all is from."""
        from lczlib.acquire.providers import ELEVATION_CREDIT, ELEVATION_TERMS, TERMS
        from lczlib.export.files import placed, write_json, write_table

        here = folder / radar_folder(self.place)
        if self.passes:
            write_table(here / "products.csv", self.to_dataframe(), index=False)
        if self.work is None:
            return
        for path in self.files:
            placed(folder / path, self.work / path)
        years = sorted({str(p.date.year) for p in self.passes.values()})
        write_json(
            here / "sources.json",
            {
                "place": self.place.label, "box": list(self.place.box),
                "attribution": [
                    *([f"Contains modified Copernicus Sentinel data {'-'.join(years)}"] if years else ()),
                    *([ELEVATION_CREDIT] if any(p.suffix == ".tif" for p in self.files) else ()),
                ],
                "terms": [TERMS, ELEVATION_TERMS],
                "files": {p.relative_to(radar_folder(self.place)).as_posix(): a for p, a in self.files.items()},
            },
        )  # fmt: skip
        shutil.rmtree(self.work, ignore_errors=True)


ELEVATION_FILE = "copernicus_glo30.tif"


def radar_folder(place: Place) -> Path:
    """Of what ``lcz prepare-s1`` needs, in the folder of ``lcz get``."""
    return Path("Sentinel-1-inputs") / place.folder_name


def find_passes(
    request: GetRequest, *, progress: Progress | None = None, cancelled: Cancel | None = None
) -> RadarResult:
    """The pass of each season with its products; nothing is fetched.

    Raises
    ------
    InputError
        If there is none at all.
    ServiceError
        If the service fails.
    """
    return job(_find)(request, progress=progress, cancelled=cancelled)


def _find(request: GetRequest, step: Steps) -> RadarResult:
    from lczlib.jobs.get_days import place_asked

    place = place_asked(request, step)
    passes, empty = _passes(request, place, _periods(request, place), step)
    return RadarResult(request=request, place=place, passes=passes, empty=empty)


def _periods(request: GetRequest, place: Place) -> tuple[Period, ...]:
    from lczlib.longitudes import middle_of

    return request.periods(middle_of(place.box)[1])


def _passes(
    request: GetRequest, place: Place, periods: Iterable[Period], step: Steps
) -> tuple[dict[str, Pass], tuple[str, ...]]:
    from lczlib.acquire.passes import chosen, find_products, passes_over

    provider = radar_provider_of(request.radar_provider)
    passes, empty = {}, []
    for period in periods:
        step(f"Asking {provider.title} for {period.name}")
        found = passes_over(find_products(provider, place.box, period), place.box)
        try:
            passes[period.name] = chosen(found, period, request.direction)
        except InputError as error:
            empty.append(error.message)
    if not passes:
        raise InputError(empty[0])
    return passes, tuple(empty)


def radar_inputs(
    request: GetRequest, place: Place, folder: Path, step: Steps, most_mb: float = math.inf
) -> RadarResult:
    """Fetch what is asked for of products, orbit files and heights; the largest comes last.

    Parameters
    ----------
    request : GetRequest
        What, when, and from where.
    place : Place
        Its box.
    folder : Path
        Of the result; what it holds already is not fetched again.
    step : Steps
        Told how far it is.
    most_mb : float
        As of `lczlib.jobs.get.run`.

    Raises
    ------
    InputError
        If there is no pass, no elevation model, or it would be too much.
    ServiceError
        If a service fails; what is fetched is kept.
    Cancelled
        If it is stopped; likewise.
    """
    from lczlib.acquire.elevation import write_elevation
    from lczlib.acquire.orbit_files import fetch_orbit, find_orbit

    wanted = RADAR & set(request.what)
    stopped = step.cancelled or (lambda: False)
    passes: dict[str, Pass] = {}
    empty: tuple[str, ...] = ()
    if wanted & {"s1-slc", "orbit"}:
        passes, empty = _passes(request, place, _periods(request, place), step)
    here, work = radar_folder(place), folder / WORK
    files: dict[Path, str] = {}
    notes: list[str] = []
    if "dem" in wanted:
        step("Reading Copernicus GLO-30")
        path = here / "dem" / ELEVATION_FILE
        missing = write_elevation(place.box, work / path, stopped)
        files[path] = "Copernicus GLO-30"
        if missing:
            notes.append(
                f"Copernicus GLO-30 has no {', '.join(missing)}: sea, or land that is not released; it holds no "
                "height there."
            )
        notes += _geoid(step)
    if "orbit" in wanted:
        for name, one in passes.items():
            step(f"Orbit file of {name}")
            try:
                key = find_orbit(one)
            except InputError as error:
                notes.append(error.message)
                continue
            path = here / "orbit" / key.rpartition("/")[2]
            if not ((folder / path).is_file() or (work / path).is_file()):
                fetch_orbit(key, (work / path).parent, stopped)
            files[path] = key
    lacking = ""
    if "s1-slc" in wanted:
        lacking = _keys_lacking(request)
        if not lacking:
            _check_amount(passes, most_mb)
            files |= _products(request, passes, folder, here, step)
    return RadarResult(
        request=request, place=place, passes=passes, empty=empty, files=files, work=work, lacking=lacking,
        notes=tuple(notes),
    )  # fmt: skip


def radar_beside(
    request: GetRequest, place: Place, folder: Path, step: Steps, most_mb: float
) -> tuple[RadarResult | None, tuple[str, ...]]:
    """The same beside scenes that are fetched already, which are not lost where it fails; why it did."""
    if not RADAR & set(request.what):
        return None, ()
    try:
        return radar_inputs(request, place, folder, step, most_mb), ()
    except (InputError, ServiceError) as error:
        return None, (f"For lcz prepare-s1: {error.message}",)


def _geoid(step: Steps) -> list[str]:
    """Have the geoid here that the heights count from; why not."""
    from lczlib.catalog import fetch
    from lczlib.sentinel1.terrain import GEOIDS

    step("Fetching the geoid EGM2008")
    try:
        fetch(GEOIDS["geoid-egm2008"])
    except CatalogError as error:
        return [f"The geoid is missing, which lcz prepare-s1 needs: {error.message}"]
    return []


def _keys_lacking(request: GetRequest) -> str:
    provider = radar_provider_of(request.radar_provider)
    why = provider.lacking()
    return why and f"{why} The products to fetch are listed in products.csv; run again then."


def _check_amount(passes: dict[str, Pass], most_mb: float) -> None:
    amount = sum(p.megabytes for p in passes.values())
    if amount > most_mb:
        msg = (
            f"The products of {counted(len(passes), 'pass', 'passes')} hold {amount:,.0f} MB, more than the "
            f"{most_mb:,.0f} MB that may be fetched at a time: take one season ({option('start')}, {option('end')})."
        )
        raise InputError(msg, parameter="what")


def _products(
    request: GetRequest, passes: dict[str, Pass], folder: Path, here: Path, step: Steps
) -> dict[Path, str]:
    from lczlib.acquire.download import Downloads

    provider = radar_provider_of(request.radar_provider)
    found: dict[Path, str] = {}
    with Downloads(provider, step.cancelled) as downloads:
        for product in (p for one in passes.values() for p in one.products):
            path = here / "slc" / f"{product.name}.zip"
            found[path] = product.address
            if (folder / path).is_file() or (folder / WORK / path).is_file():
                continue
            downloads.fetch(
                product.address, folder / WORK / path, md5=product.md5 if provider.hashed else "",
                progress=partial(_told, step, product.name),
            )  # fmt: skip
    return found


def _told(step: Steps, name: str, have: int, total: int) -> None:
    step(name, have // 1_000_000, total // 1_000_000)
