"""The one door for scenes: what a user names, opened as the scenes of one place.

`open_scenes` asks the sources of a table whose input it is. Another source is one `register` away, in
every command and in the dashboard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import rasterio
import xarray as xr

from lczlib.errors import InputError
from lczlib.grid import to_utm
from lczlib.scene_options import SceneOptions
from lczlib.scenes.atmosphere import to_top_of_atmosphere
from lczlib.scenes.city import City
from lczlib.scenes.crop import crop
from lczlib.scenes.doubtful import DOUBTS, open_doubtful
from lczlib.scenes.image_days import as_given
from lczlib.scenes.landsat import LEVEL as TOA
from lczlib.scenes.landsat import NUMBERS, to_reflectance
from lczlib.scenes.raster import open_raster_scene
from lczlib.scenes.safe import find_product
from lczlib.scenes.sentinel1 import NAMED_BANDS, open_sentinel1_rasters
from lczlib.scenes.sentinel2 import open_sentinel2
from lczlib.scenes.so2sat import open_so2sat
from lczlib.scenes.so2sat_archives import archives_in, open_archives
from lczlib.settings import described
from lczlib.terms import option

SENSORS = ("s1", "s2")
"""What is opened where nothing else is asked for: Sentinel-1 and Sentinel-2."""

_DEFAULTS = SceneOptions()
_VALUES = frozenset({"bands", "scale", "offset", "nodata"})
_ANY = frozenset({"level", "date", "box"})


@dataclass(frozen=True)
class SceneSource:
    """A kind of input that holds scenes.

    Attributes
    ----------
    name : str
        Unlike that of any other.
    title : str
        In messages and help texts, with its article: ``a So2Sat folder``.
    recognises : callable
        Whether a path is one.
    open : callable
        (path, options, sensors) -> `City`, lazily and whole. Of the sensors (``s1``, ``s2``, or the name
        of another) those that it does not hold are passed over.
    options : frozenset of str
        Fields of `SceneOptions` that it takes.
    alone : bool
        Whether it is a whole place, and makes none together with other inputs.
    hint : str
        What help texts add to its title.
    together : callable, optional
        As `open`, of several paths that are one place.
    """

    name: str
    title: str
    recognises: Callable[[Path], bool]
    open: Callable[[Path, SceneOptions, Sequence[str]], City]
    options: frozenset[str]
    alone: bool = False
    hint: str = ""
    together: Callable[[Sequence[Path], SceneOptions, Sequence[str]], City] | None = None


_SOURCES: dict[str, SceneSource] = {}


def register(source: SceneSource) -> SceneSource:
    """Add a source; it is asked before those that are there.

    Raises
    ------
    InputError
        If its name is taken, or it names options that there are not.
    """
    unknown = source.options - described(SceneOptions).keys()
    if source.name in _SOURCES or unknown:
        wrong = f"takes {', '.join(sorted(unknown))}" if unknown else "is there already"
        msg = f"The scene source {source.name!r} {wrong}: give it another name or other options."
        raise InputError(msg)
    _SOURCES[source.name] = source
    return source


def scene_sources() -> tuple[SceneSource, ...]:
    """All sources, in the order in which they are asked."""
    return tuple(reversed(_SOURCES.values()))


def source_of(path: str | Path) -> SceneSource:
    """The source that a path is one of.

    Raises
    ------
    InputError
        If there is nothing, or it is none.
    """
    path = Path(path)
    if not path.exists():
        msg = f"The input {path} does not exist."
        raise InputError(msg)
    for source in scene_sources():
        if source.recognises(path):
            return source
    msg = f"{path} holds no scenes that can be opened: give {titles()}."
    raise InputError(msg)


def titles() -> str:
    """What can be given, in words, for messages and help texts."""
    named = [s.title + (f" ({s.hint})" if s.hint else "") for s in scene_sources()]
    return ", ".join(named[:-1]) + f" or {named[-1]}"


def open_scenes(
    inputs: Sequence[str | Path] = (),
    options: SceneOptions = _DEFAULTS,
    *,
    seasons: Mapping[str, str | Path] | None = None,
    sentinel1: Sequence[str | Path] = (),
    sensors: Sequence[str] = SENSORS,
    doubtful: bool = False,
) -> City:
    """Open what a user names as the scenes of one place, lazily.

    Parameters
    ----------
    inputs : sequence of path
        One place as a whole (a So2Sat folder), or an image or several dates.
    options : SceneOptions
        How they are read.
    seasons : mapping of str to path, optional
        The images by their names, in place of `inputs`.
    sentinel1 : sequence of path
        Sentinel-1 rasters beside them, or alone; see `open_sentinel1_rasters`.
    sensors : sequence of str
        ``s1``, ``s2``, or the name of another sensor, whose raster names its bands.
    doubtful : bool
        Open Sentinel-2 rasters whose bands or units are unknown too, with the reason beside
        (`lczlib.scenes.doubtful`), for those who judge them.

    Returns
    -------
    City
        Whole, with the box that is asked for beside: see `City.cut`.

    Raises
    ------
    InputError, GridError
        If something is missing, not to be opened, or options do not go with it.
    """
    seasons = dict(seasons or {})
    if inputs and seasons:
        msg = f"Give rasters either as INPUT or by {option('season')} NAME=FILE, not both."
        raise InputError(msg)
    paths = [*inputs, *seasons.values()]
    if not paths and not sentinel1:
        msg = f"There is no scene: give {titles()}."
        raise InputError(msg)
    for path in sentinel1:
        if not Path(path).exists():
            msg = f"The input {path} does not exist."
            raise InputError(msg)
    found = [source_of(p) for p in paths]
    for path, source in zip(paths, found, strict=True):
        _check_options(source, path, options)
        joined = len({s.name for s in found}) == 1 and source.together is not None
        if source.alone and (len(paths) > 1 or seasons) and not (joined and not seasons):
            what = (
                "is a folder: name the file in it, or" if Path(path).is_dir() else "stands alone:"
            )
            msg = f"{path} {what} give {source.title} without other rasters."
            raise InputError(msg)
        if source.alone and sentinel1:
            msg = (
                f"{source.title[:1].upper()}{source.title[1:]}, {path}, has its own Sentinel-1: give "
                f"{option('sentinel1')} beside Sentinel-2 rasters, or alone."
            )
            raise InputError(msg)
    if not paths:
        _check_options(_SOURCES["sentinel1"], sentinel1[0], options)
    if len(paths) > 1 and found[0].alone and found[0].together:
        city = found[0].together([Path(p) for p in paths], options, sensors)
    else:
        opened = [s.open(Path(p), options, sensors) for p, s in zip(paths, found, strict=True)]
        city = _joined(opened, seasons, paths)
    if sentinel1 and "s1" in sensors:
        if options.resample:
            msg = (
                f"{option('resample')} does not go with {option('sentinel1')}: both sensors must share a "
                "grid already."
            )
            raise InputError(msg)
        city = replace(city, sentinel1=open_sentinel1_rasters(sentinel1))
    if not doubtful:
        _refuse_doubts(city)
    return _as_asked(city, options)


def _check_options(source: SceneSource, path: str | Path, options: SceneOptions) -> None:
    for name, given in options.given_options().items():
        if name not in source.options:
            takers = " or ".join(s.title for s in scene_sources() if name in s.options)
            msg = f"{option(given.name)} goes with {takers}, and {path} is none."
            raise InputError(msg, parameter=name)


def _joined(
    opened: Sequence[City], seasons: Mapping[str, object], paths: Sequence[str | Path]
) -> City:
    """Several inputs as one place; the names of a user's own count before theirs."""
    if len(opened) == 1 and not seasons:
        return opened[0]
    named: dict[str, xr.Dataset] = {}
    for label, city in zip(seasons or [Path(p).stem for p in paths], opened, strict=True):
        for inner, scene in city.seasons.items():
            key = str(label) if len(city.seasons) == 1 else f"{label}-{inner}"
            if key in named:
                msg = (
                    f"Two rasters have the same file name: rename one, or name them with {option('season')} "
                    "NAME=FILE."
                )
                raise InputError(msg)
            named[key] = scene
    radar = next((c.sentinel1 for c in opened if c.sentinel1 is not None), None)
    notes = tuple(n for c in opened for n in c.notes)
    return City("", named, radar, notes=notes)


def _refuse_doubts(city: City) -> None:
    for scene in city.seasons.values():
        for _, why in scene.attrs.get(DOUBTS, ()):
            raise InputError(why)


def _as_asked(city: City, options: SceneOptions) -> City:
    """The level and day that the user states, and the grid that is asked for."""
    seasons = {name: _stated(scene, options) for name, scene in city.seasons.items()}
    box = tuple(options.box)
    if options.resample:  # only what is asked for is warped
        seasons = {n: to_utm(crop(s, box) if box else s) for n, s in seasons.items()}
        box = ()
    return replace(city, seasons=seasons, box=box)


def _stated(scene: xr.Dataset, options: SceneOptions) -> xr.Dataset:
    if scene.attrs.get("numbers") == NUMBERS:
        if options.level == "L2A":  # surface reflectance, whatever its numbers look like
            return scene.assign_attrs(numbers="")
        return as_given(scene, options.date)
    if scene.attrs.get("sensor") != "s2":
        return scene
    level = options.level or scene.attrs.get("level", "")
    if scene.attrs.get("product") and level != scene.attrs["level"]:
        msg = (
            f"{scene.attrs['source']} is a product of level {scene.attrs['level']}: "
            f"leave out {option('level')} {level}."
        )
        raise InputError(msg)
    # a file's name or tags are checked only, but for those of a composite that was made here
    certain = bool(options.level or scene.attrs.get("product") or scene.attrs.get("level_certain"))
    return as_given(scene.assign_attrs(level=level, level_certain=certain), options.date)


def at_level(scene: xr.Dataset, wanted: str) -> xr.Dataset:
    """The scene at the processing level that a network was trained on.

    What is surface reflectance for certain gets an approximate atmosphere back for networks of
    top-of-atmosphere reflectance; see `lczlib.scenes.atmosphere`. Numbers of Landsat become reflectances for
    networks that were trained on such; see `lczlib.scenes.landsat`.

    Raises
    ------
    InputError
        If the day of the image is not known, which that needs.
    """
    if wanted == TOA and scene.attrs.get("numbers") == NUMBERS:
        return to_reflectance(scene)
    if scene.attrs.get("level") == "L2A" and scene.attrs.get("level_certain") and wanted == "L1C":
        return to_top_of_atmosphere(scene)
    return scene


def _open_folder(path: Path, options: SceneOptions, sensors: Sequence[str]) -> City:
    return open_so2sat(path, options.city or None, **_of_so2sat(options, sensors))


def _open_archive(path: Path, options: SceneOptions, sensors: Sequence[str]) -> City:
    return _open_archives([path], options, sensors)


def _open_archives(paths: Sequence[Path], options: SceneOptions, sensors: Sequence[str]) -> City:
    archives = tuple(dict.fromkeys(a for p in paths for a in archives_in(p)))
    return open_archives(archives, options.city, **_of_so2sat(options, sensors))


def _of_so2sat(options: SceneOptions, sensors: Sequence[str]) -> dict[str, Any]:
    other = [s for s in sensors if s not in SENSORS]
    if other:
        msg = f"A So2Sat folder holds s1 and s2, not {other[0]!r}: use s1, s2 or both."
        raise InputError(msg)
    return {
        "sensors": sensors, "sentinel1_time": options.sentinel1_time or None,
        "seasons": (options.only_seasons or None) if "s2" in sensors else None,
        **options.stored(), "keep_clouds": options.keep_clouds,
    }  # fmt: skip


def _open_product(path: Path, options: SceneOptions, sensors: Sequence[str]) -> City:
    scene = {path.stem: open_sentinel2(path, keep_clouds=options.keep_clouds)}
    return City("", scene if _optical(sensors) == "s2" else {}, None, labelled=False)


def _open_raster(path: Path, options: SceneOptions, sensors: Sequence[str]) -> City:
    sensor = _optical(sensors)
    if not sensor:
        return City("", {}, None, labelled=False)
    if sensor == "s2":
        scene = open_doubtful(path, options)
    else:
        scene = open_raster_scene(path, sensor=sensor, **options.stored())
    return City("", {path.stem: scene}, None, labelled=False)


def _open_channels(path: Path, options: SceneOptions, sensors: Sequence[str]) -> City:  # noqa: ARG001
    radar = open_sentinel1_rasters([path]) if "s1" in sensors else None
    return City("", {}, radar, labelled=False)


def _optical(sensors: Sequence[str]) -> str:
    """The sensor beside Sentinel-1; empty where there is none."""
    return next((s for s in sensors if s != "s1"), "")


def _holds_channels(path: Path) -> bool:
    """Whether a raster names its bands as So2Sat's Sentinel-1 channels or features."""
    if not path.is_file():
        return False
    try:
        with rasterio.open(path) as src:
            return set(src.descriptions) in NAMED_BANDS
    except rasterio.errors.RasterioError:
        return False


register(
    SceneSource(
        "raster", "a raster", lambda path: path.is_file(), _open_raster,
        _VALUES | _ANY | {"resample", "keep_clouds"}, hint="or one a season",
    )
)  # fmt: skip
register(
    SceneSource(
        "sentinel1", "a raster of So2Sat's Sentinel-1 channels", _holds_channels, _open_channels,
        _ANY,
    )
)  # fmt: skip
register(
    SceneSource(
        "product", "a Sentinel-2 product", lambda path: bool(find_product(path)), _open_product,
        _ANY | {"keep_clouds", "resample"}, hint="S2*_MSIL1C_*.SAFE, MSIL2A; folder or zip",
    )
)  # fmt: skip
_SO2SAT = _VALUES | _ANY | {"city", "only_seasons", "sentinel1_time", "keep_clouds"}
register(
    SceneSource(
        "archive", "an archive of one", lambda path: bool(archives_in(path)), _open_archive, _SO2SAT,
        alone=True, hint="zip, tar, tar.gz; also several, or a folder of them", together=_open_archives,
    )
)  # fmt: skip
register(
    SceneSource(
        "so2sat", "a So2Sat folder",
        lambda path: path.is_dir() and not find_product(path) and not archives_in(path), _open_folder,
        _SO2SAT, alone=True, hint="with Sentinel-1/ and Sentinel-2/",
    )
)  # fmt: skip
