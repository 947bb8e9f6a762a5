"""Surface water from Sentinel-1: probability, map, areas with intervals, and their course by month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lczlib.devices import device
from lczlib.errors import InputError, LczError
from lczlib.jobs.request import Cancel, Progress, Request, Source, Steps, is_path, name_of
from lczlib.jobs.result import job
from lczlib.settings import setting
from lczlib.terms import option

if TYPE_CHECKING:
    import xarray as xr

    from lczlib.jobs.scratch import Scratch
    from lczlib.jobs.water_result import WaterResult, WaterScene
    from lczlib.models.gmnet import GMNet


File = str | Path

_RASTERS = (".tif", ".tiff")
_RESULTS = ("_water_proba", "_water", "_dark")  # what `WaterResult` writes beside
_LAYERS = ("water_occurrence", "water_regime", "incidence_angle", "layover_shadow")


def files_of(source: Source, orbit: str = "") -> list[Source]:
    """The rasters of a folder and of those in it, by date and name; else the source itself.

    Of what ``lcz get`` fetched they are the passes of Sentinel-1 of the orbit; the others lie in a folder
    called ``ascending`` or ``descending``.
    """
    from lczlib.mapping.water_files import date_in_name
    from lczlib.scenes.so2sat import RADAR_PASSES

    if not is_path(source) or not Path(source).is_dir():
        return [source]
    folder = Path(source)
    folder = folder / RADAR_PASSES if (folder / RADAR_PASSES).is_dir() else folder
    found = [
        f for f in folder.rglob("*")
        if f.suffix.lower() in _RASTERS and f.is_file() and not f.stem.endswith(_RESULTS)
        and f.stem not in _LAYERS
        and not any(part.startswith((".", "@", "__")) for part in f.relative_to(folder).parts)
    ]  # fmt: skip
    if not found:
        return [source]  # who reads it says what a folder is
    found = _of_orbit(found, orbit, folder)
    dated = {f: date_in_name(f"{f.parent.name}_{f.name}") or date.max for f in found}
    return sorted(found, key=lambda f: (dated[f], str(f)))


def _of_orbit(files: list[Path], orbit: str, folder: Path) -> list[Path]:
    """The files that lie in no folder of the other direction."""
    other = {"as": "descending", "des": "ascending"}.get(orbit, "")
    kept = [f for f in files if f.parent.name != other]
    if not kept:
        right = {"as": "des", "des": "as"}[orbit]
        msg = f"All scenes in {folder} are {other}: give {option('orbit', right)}."
        raise InputError(msg, parameter="orbit")
    return kept


def _check_dates(texts: Iterable[str]) -> None:
    for text in texts:
        try:
            date.fromisoformat(text)
        except ValueError as error:
            msg = f"{text!r} is no date: write YYYY-MM-DD, as in 2024-10-24."
            raise InputError(msg) from error


@dataclass(frozen=True, kw_only=True)
class WaterRequest(Request):
    """Surface water of Sentinel-1 scenes; dated ones on one grid also give its course by month."""

    command: ClassVar = "water"

    inputs: tuple[Source, ...] = setting(
        ..., "Sentinel-1 rasters with VV and VH, or a folder of them, dated by their names.",
        title="Sentinel-1 scenes", file=True, argument=True, metavar="INPUTS",
    )  # fmt: skip
    orbit: Literal["as", "des", "as_des"] = setting(
        ..., "Pass: as (ascending), des (descending), as_des (both).", title="Orbit of the scene"
    )
    descending: tuple[Source, ...] = setting(
        (), "With as_des: the descending file of each input; else inputs have 4 bands.",
        title="Descending passes", file=True, flag="--des",
    )  # fmt: skip
    threshold: float = setting(
        0.5, "Water above this probability.", title="Water from a probability of", low=0, high=1,
        open_ends=True,
    )  # fmt: skip
    edges: Literal["mirror", "zero"] = setting(
        "mirror", "Around the scene the network sees its mirror image, or zero: as published, but it looks "
        "like water and can draw false water along the edges.", title="Around the scene",
    )  # fmt: skip
    dn_scale: float = setting(
        1.0, "Stored values are divided by it, 100 for 0.01 dB.",
        title="Own scenes: Stored values divided by", low=0, open_ends=True,
    )  # fmt: skip
    units: Literal["db", "linear", "amplitude"] = setting(
        "db", "Of the values: db, linear (intensity), or amplitude (its square root).",
        title="Own scenes: Values",
    )  # fmt: skip
    dates: tuple[str, ...] = setting(
        (), "Date of each input, YYYY-MM-DD.", title="Own scenes: Dates", flag="--date",
        check=_check_dates, usual="read from the names", repeat=True,
    )  # fmt: skip
    weights: File | None = setting(
        None, "Own checkpoint of GMNet for this orbit, a PyTorch state dict (.pth).",
        title="Own weights", file=True, short="-m", usual="the published one",
    )  # fmt: skip
    every: Literal["", "month"] = setting(
        "", "month: the inputs must make a series by month, dated and on one grid; else they do where they "
        "can.", title="Series",
    )  # fmt: skip
    device: str = device()

    def __post_init__(self) -> None:
        super().__post_init__()
        found = [file for source in self.inputs for file in files_of(source, self.orbit)]
        object.__setattr__(self, "inputs", tuple(found))
        n = len(self.inputs)
        double = [name for name, times in Counter(self.names()).items() if times > 1]
        if double:
            msg = f"Two inputs are named {double[0]}, and so would be their results: rename one."
            raise InputError(msg, parameter="inputs")
        if self.descending and (self.orbit != "as_des" or len(self.descending) != n):
            msg = (
                f"{option('descending')} takes one descending file for each input and {option('orbit')} as_des: got "
                f"{len(self.descending)} for {n} inputs of orbit {self.orbit}."
            )
            raise InputError(msg, parameter="descending")
        if self.descending and not all(map(is_path, (*self.inputs, *self.descending))):
            msg = (
                "An open scene of both passes has four bands itself: leave the descending one out."
            )
            raise InputError(msg, parameter="descending")
        if self.dates and len(self.dates) != n:
            msg = f"{len(self.dates)} {option('dates')} for {n} inputs: give one each, in order."
            raise InputError(msg, parameter="dates")
        if self.every:
            self._check_series()

    def _check_series(self) -> None:
        days = self.days()
        if len(days) < 2:
            msg = f"{len(days)} scene makes no series by month: give two or more, or a folder of them."
            raise InputError(msg, parameter="inputs")
        undated = [name for name, day in zip(self.names(), days, strict=True) if day is None]
        if undated:
            msg = (
                f"{undated[0]} has no date in its name, so that its month is not known: give a date for each "
                f"input ({option('dates')})."
            )
            raise InputError(msg, parameter="dates")

    def names(self) -> list[str]:
        """What the inputs are called, and their results after them."""
        named = [Path(name_of(source, "scene")).stem for source in self.inputs]
        files = {source for source in self.inputs if is_path(source)}
        twice = {name for name, times in Counter(Path(f).stem for f in files).items() if times > 1}
        named = [  # of 202001/mosaic.tif, 202002/mosaic.tif
            f"{Path(source).parent.name}_{name}".lstrip("_")
            if is_path(source) and name in twice
            else name
            for name, source in zip(named, self.inputs, strict=True)
        ]
        return [
            name if is_path(source) or named.count(name) == 1 else f"{name}_{i}"
            for i, (name, source) in enumerate(zip(named, self.inputs, strict=True), start=1)
        ]

    def days(self) -> list[date | None]:
        """The dates of the inputs: as given, else by their names; None where neither tells."""
        from lczlib.mapping.water_files import date_in_name

        if self.dates:
            return [date.fromisoformat(text) for text in self.dates]
        return [date_in_name(name) for name in self._told()]

    def _told(self) -> list[str]:
        """What the inputs' names say: of those of one name in several folders, the folders' too."""
        return [
            name if is_path(source) else name_of(source, "")
            for name, source in zip(self.names(), self.inputs, strict=True)
        ]

    def scenes(self) -> list[xr.DataArray]:
        """The scenes as the network takes them, ``(band, y, x)`` in dB; files are read when needed.

        Raises
        ------
        InputError, GridError
            If one of them cannot be mapped.
        """
        return [self._opened(*pair) for pair in zip(self.inputs, self._descending(), strict=True)]

    def _descending(self) -> Sequence[Source]:
        return self.descending or (None,) * len(self.inputs)

    def _opened(self, source: Source, descending: Source) -> xr.DataArray:
        from lczlib.mapping.water_scene import open_water_scene, water_scene

        values: dict[str, Any] = {"dn_scale": self.dn_scale, "units": self.units}
        try:
            if is_path(source):
                return open_water_scene(source, self.orbit, descending=descending, **values)
            return water_scene(source, self.orbit, source=name_of(source, "in memory"), **values)
        except LczError as error:
            error.parameter = error.parameter or "inputs"
            raise


def run(
    request: WaterRequest,
    *,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
    scratch: str | Path | None = None,
) -> WaterResult:
    """Map surface water and measure it, in memory that does not grow with the scenes.

    Parameters
    ----------
    request : WaterRequest
        What of, and how.
    progress, cancelled : callable, optional
        As of all jobs.
    scratch : path, optional
        Folder in which the layers are kept, hidden, until nothing refers to the result any more: the
        one that it will be written to, or any with room. By default that of temporary files.
    """
    return job(partial(_run, scratch=scratch))(request, progress=progress, cancelled=cancelled)


def _run(request: WaterRequest, step: Steps, *, scratch: str | Path | None) -> WaterResult:
    from lczlib.accelerators import device_name
    from lczlib.jobs.scratch import Scratch
    from lczlib.jobs.water_result import WaterResult, series_of, why_no_series
    from lczlib.mapping.water import load_water_model, tile_count

    step("Reading scenes")
    opened = request.scenes()
    why = why_no_series(request.names(), request.days(), opened) if request.every else ""
    if why:
        msg = f"{why} Or leave {option('every')} out: each is then mapped alone."
        raise InputError(msg, parameter="every")
    model = load_water_model(request.orbit, request.device, request.weights)
    tiles = [tile_count(scene.sizes["y"]) * tile_count(scene.sizes["x"]) for scene in opened]
    folder = Scratch(scratch)
    scenes = []
    try:
        for i, scene in enumerate(opened):

            def report(done: int, _: int, at: int = i) -> None:
                step(request.names()[at], sum(tiles[:at]) + done, sum(tiles))

            scenes.append(_mapped(request, i, scene, model, folder, report))
        step("Areas", sum(tiles), sum(tiles))
        series, why_none = series_of(scenes, request.threshold)
        weights = {"name": model.weights.name, "sha256": model.weights.sha256}
        found = WaterResult(
            request=request, scenes=tuple(scenes), series=series, why_no_series=why_none,
            weights=weights, device=device_name(str(next(model.parameters()).device)), scratch=folder,
        )  # fmt: skip
        found.document()  # computed here, and not when it is first looked at
    except BaseException:
        folder.remove()
        raise
    return found


def _mapped(
    request: WaterRequest,
    i: int,
    scene: xr.DataArray,
    model: GMNet,
    folder: Scratch,
    report: Callable[[int, int], None],
) -> WaterScene:
    from lczlib.analysis.water_area import dark_as_water
    from lczlib.jobs.water_result import WaterScene
    from lczlib.mapping import water_files as files

    name, file = request.names()[i], name_of(request.inputs[i], request.names()[i])
    tags = {"orbit": request.orbit, "edges": request.edges, "source": file}
    stored = files.write_water_probability(
        scene, request.orbit, folder.path, name, model=model, edges=request.edges, tags=tags,
        progress=report,
    )  # fmt: skip
    dark = files.write_darkness(dark_as_water(scene), folder.path / f"{name}_dark.tif")
    return WaterScene(
        name=name, file=file, date=request.days()[i], backscatter=scene,
        probability=folder.keeping(files.open_water_probability(stored, chunks=files.LAZY)),
        dark=folder.keeping(files.open_darkness(dark, chunks=files.LAZY)),
        stored=stored, threshold=request.threshold, tags=tags,
    )  # fmt: skip
