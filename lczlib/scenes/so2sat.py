"""City folders in the layout of So2Sat GUL (Zhu et al. 2022, doi 10.14459/2021mp1633461).

``Sentinel-2/<city>/<season>/*_<season>.tif`` and
``Sentinel-1/<city>/mosaic_unfilt_dat/<time>/mosaic.tif`` with ``mosaic_dat`` beside it, or
``Sentinel-1/<city>/<time>/`` with a raster of the eight channels or two of four; or the Sentinel-1
folder of a single city, which holds ``mosaic_unfilt_dat``, as ``lcz prepare-s1`` writes it. Capitals do
not count, ``fall`` is autumn, and what systems put into folders (``._x.tif``, ``@eaDir``) is passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from lczlib.errors import InputError
from lczlib.scenes.city import City
from lczlib.scenes.sentinel1 import open_sentinel1, open_sentinel1_rasters, why_not_detected
from lczlib.scenes.sentinel2 import open_sentinel2
from lczlib.terms import option

RADAR_PASSES = "Sentinel-1-rtc"
"""Folder of Sentinel-1 as detected backscatter beside the others, which ``lcz water`` reads."""
SEASONS = ("spring", "summer", "autumn", "winter")
_ALSO = {"fall": "autumn"}
_RASTERS = (".tif", ".tiff")


def find_cities(root: str | Path) -> list[str]:
    """Names of the cities below a folder that holds ``Sentinel-1`` and / or ``Sentinel-2``.

    The Sentinel-1 folder of a single city is called as it is.

    Raises
    ------
    InputError
        If it holds neither.
    """
    root = Path(root)
    if _alone(root):
        return [root.resolve().name]
    folders = [f for f in (_child(root, "Sentinel-1"), _child(root, "Sentinel-2")) if f]
    if not folders:
        if _child(root, RADAR_PASSES):
            msg = f"{root} cannot be mapped to LCZ: {why_not_detected()}"
            raise InputError(msg)
        msg = (
            f"{root} is no So2Sat folder: it holds neither Sentinel-1 nor Sentinel-2; and no Sentinel-2 "
            "product: it holds no GRANULE folder and no MTD_MSI*.xml."
        )
        raise InputError(msg)
    return sorted({c.name for f in folders for c in _folders(f)})


def _alone(root: Path) -> bool:
    """Whether a folder is the Sentinel-1 folder of a single city itself."""
    return bool(root.is_dir() and _child(root, "mosaic_unfilt_dat"))


def holds_sensors(root: Path) -> bool:
    """Whether a folder is in this layout: it holds a sensor's, or is the Sentinel-1 folder of a city."""
    return _alone(root) or any(_child(root, n) for n in ("Sentinel-1", "Sentinel-2"))


def _hidden(path: Path) -> bool:
    """Whether a system put it there: ``._x.tif``, ``@eaDir``, ``__MACOSX``, ``$RECYCLE.BIN``."""
    return path.name.startswith((".", "@", "__", "$", "#", "~")) or path.name == "lost+found"


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_dir() and not _hidden(p))


def _rasters(folder: Path) -> list[Path]:
    return sorted(
        p
        for p in folder.iterdir()
        if p.suffix.lower() in _RASTERS and p.is_file() and not _hidden(p)
    )


def _child(folder: Path, name: str) -> Path | None:
    """The folder of a name, however it is capitalised."""
    exact = folder / name
    if exact.is_dir():
        return exact
    return next((p for p in _folders(folder) if p.name.lower() == name.lower()), None)


def open_so2sat(
    root: str | Path,
    city: str | None = None,
    *,
    seasons: Sequence[str] | None = None,
    sentinel1_time: str | None = None,
    sensors: Sequence[str] = ("s1", "s2"),
    **sentinel2_options: object,
) -> City:
    """Open a city of a So2Sat folder, lazily.

    Parameters
    ----------
    root : path
        The folder that holds ``Sentinel-1/`` and ``Sentinel-2/``.
    city : str, optional
        City folder; needed where there are several.
    seasons : sequence of str, optional
        Seasons that must be there; by default those that are.
    sentinel1_time : str, optional
        Month ``yyyymm`` of the Sentinel-1 mosaic; by default the latest.
    sensors : sequence of str
        ``s1``, ``s2`` or both.
    **sentinel2_options
        For `open_sentinel2` (bands, scale, offset).

    Raises
    ------
    InputError, GridError
        If files are missing, or the two sensors are not on one grid.
    """
    root = Path(root)
    cities = find_cities(root)
    if city is None:
        if len(cities) != 1:
            listed = ", ".join(cities[:5]) + (", ..." if len(cities) > 5 else "")
            msg = f"{root} holds {len(cities)} cities ({listed}): name one with {option('city')}."
            raise InputError(msg)
        city = cities[0]
    elif city not in cities:
        msg = f"{root} has no city {city!r}; it has {', '.join(cities[:5]) or 'none'}."
        raise InputError(msg)
    scenes, notes = {}, []
    optical, radar = (
        folder and _child(folder, city)
        for folder in (_child(root, "Sentinel-2"), _child(root, "Sentinel-1"))
    )
    if _alone(root):
        optical, radar = None, root
    if "s2" in sensors and optical:
        scenes, notes = _open_seasons(optical, seasons, sentinel2_options)
    elif seasons:
        msg = f"{root}/Sentinel-2 has no folder {city}: there is no season {', '.join(seasons)}."
        raise InputError(msg)
    sentinel1, time = None, ""
    if "s1" in sensors and radar:
        sentinel1, time = _open_radar(radar, sentinel1_time)
    found = City(city, scenes, sentinel1, time, tuple(notes))
    if not found.scenes:
        msg = "There is no scene of this city for the sensors asked for."
        raise InputError(msg)
    for scene in found.scenes.values():
        scene.attrs["city"] = city
    found.check_one_grid()
    return found


def _open_seasons(
    folder: Path, asked: Sequence[str] | None, options: dict[str, object]
) -> tuple[dict[str, xr.Dataset], list[str]]:
    there = _season_folders(folder)
    names = [*SEASONS, *(n for n in there if n not in SEASONS)]
    called = {n.casefold(): n for n in names} | _ALSO
    unknown = [s for s in asked or () if s.casefold() not in called]
    if unknown:
        msg = f"{unknown[0]!r} is no season of {folder}: use {', '.join(names)}."
        raise InputError(msg)
    asked = [called[s.casefold()] for s in asked or ()]
    scenes, notes = {}, []
    for season in names:
        if asked and season not in asked:
            continue
        inside = there.get(season)
        file = _season_file(inside, season) if inside else None
        if file:
            scenes[season] = open_sentinel2(file, **options)
        elif asked or inside:
            place = inside or folder / season
            msg = f"The {season} scene is missing: there is no *_{season}.tif in {place}."
            raise InputError(msg)
        else:
            notes.append(f"Season {season} is missing in {folder}: it is left out of the mean.")
    if not scenes:
        msg = f"{folder} holds no season: *_<season>.tif in folders {', '.join(SEASONS)} are expected."
        raise InputError(msg)
    if not set(scenes) & set(SEASONS):
        notes = []  # seasons of another kind: those of the year are not missed
    return scenes, notes


def _season_folders(folder: Path) -> dict[str, Path]:
    """Folder of each season; those of other names count where they hold a raster."""
    out: dict[str, Path] = {}
    for inside in _folders(folder):
        name = inside.name.lower()
        season = _ALSO.get(name, name)
        if season not in SEASONS and not _rasters(inside):
            continue
        season = season if season in SEASONS else inside.name
        if season in out:
            msg = f"{folder} holds {season} twice ({out[season].name}, {inside.name}): remove one."
            raise InputError(msg)
        out[season] = inside
    return out


def _season_file(folder: Path, season: str) -> Path | None:
    """The raster of a season: the one named after it, or the only one."""
    files = _rasters(folder)
    endings = {f"_{season.lower()}", f"_{folder.name.lower()}"}
    named = [f for f in files if f.stem.lower().endswith(tuple(endings))]
    if len(named or files) > 1:
        listed = ", ".join(f.name for f in named or files)
        msg = f"{folder} holds {len(named or files)} scenes ({listed}); one is expected."
        raise InputError(msg)
    return next(iter(named or files), None)


def _open_radar(folder: Path, asked: str | None) -> tuple[xr.Dataset, str]:
    base, filtered = _child(folder, "mosaic_unfilt_dat"), _child(folder, "mosaic_dat")
    times = [p.name for p in _folders(base)] if base else []
    if not base:
        return _open_channels(folder, asked)
    if not times:
        raise InputError(_no_mosaic(folder))
    time = asked or times[-1]
    if time not in times:
        msg = f"{base} has no time {time!r}; it has {', '.join(times)}."
        raise InputError(msg)
    plain, lee = (_mosaic((f or folder / "mosaic_dat") / time) for f in (base, filtered))
    if not lee.is_file():
        msg = f"The Lee-filtered mosaic {lee} is missing: four of the seven features need it."
        raise InputError(msg)
    return open_sentinel1(plain, lee), time


def _no_mosaic(folder: Path) -> str:
    return f"{folder} has no mosaic_unfilt_dat/<yyyymm>/mosaic.tif."


def _open_channels(folder: Path, asked: str | None) -> tuple[xr.Dataset, str]:
    """The channels of a month in one raster or two, however they are named."""
    times = {p.name: _rasters(p) for p in _folders(folder)}
    times = {name: files for name, files in times.items() if name.isdigit() and files}
    if not times:
        raise InputError(_no_mosaic(folder))
    time = asked or max(times)
    if time not in times:
        msg = f"{folder} has no time {time!r}; it has {', '.join(times)}."
        raise InputError(msg)
    return open_sentinel1_rasters(times[time]), time


def _mosaic(folder: Path) -> Path:
    files = _rasters(folder) if folder.is_dir() else []
    return next((f for f in files if f.stem.lower() == "mosaic"), folder / "mosaic.tif")
