"""City folders in the layout of So2Sat GUL (Zhu et al. 2022, doi 10.14459/2021mp1633461).

``Sentinel-2/<city>/<season>/*_<season>.tif`` and
``Sentinel-1/<city>/mosaic_unfilt_dat/<time>/mosaic.tif`` with ``mosaic_dat`` beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import xarray as xr

from lczlib.errors import InputError
from lczlib.grid import check_same_grid, geobox_of
from lczlib.scenes.polarimetry import sentinel1_channels
from lczlib.scenes.sentinel1 import open_sentinel1, so2sat_features
from lczlib.scenes.sentinel2 import open_sentinel2

SEASONS = ("spring", "summer", "autumn", "winter")


@dataclass(frozen=True)
class City:
    """The scenes of one city, on one grid.

    Attributes
    ----------
    name : str
        Folder name, for example ``00017_22007_Lagos``.
    seasons : dict
        Sentinel-2 scene of each season, in the order spring, summer, autumn, winter.
    sentinel1 : Dataset or None
        Sentinel-1 scene.
    sentinel1_time : str
        Its month, ``yyyymm``.
    notes : tuple of str
        What a user should know of the folder (a season that is missing).
    """

    name: str
    seasons: dict[str, xr.Dataset]
    sentinel1: xr.Dataset | None
    sentinel1_time: str = ""
    notes: tuple[str, ...] = field(default=())

    def both_sensors(self) -> dict[str, xr.Dataset]:
        """Each season with what networks of both sensors read of Sentinel-1 beside its bands.

        That is So2Sat's seven features and the nine channels of Zhou et al. (2022); whatever is not
        read is never computed.

        Raises
        ------
        InputError
            If one of the sensors is missing.
        """
        if self.sentinel1 is None or not self.seasons:
            there = "Sentinel-2" if self.sentinel1 is None else "Sentinel-1"
            msg = f"{self.name} holds {there} only; a network of both sensors needs both."
            raise InputError(msg)
        features = so2sat_features(self.sentinel1).assign(
            sentinel1_channels(self.sentinel1).data_vars
        )
        files = self.sentinel1.attrs.get("files", [])
        return {
            season: scene.assign(features.data_vars).assign_attrs(
                sensor="both", files=[*scene.attrs.get("files", []), *files]
            )
            for season, scene in self.seasons.items()
        }


def find_cities(root: str | Path) -> list[str]:
    """Names of the cities below a folder that holds ``Sentinel-1`` and / or ``Sentinel-2``.

    Raises
    ------
    InputError
        If it holds neither.
    """
    root = Path(root)
    folders = [root / "Sentinel-1", root / "Sentinel-2"]
    if not any(f.is_dir() for f in folders):
        msg = f"{root} is no So2Sat folder: it holds neither Sentinel-1 nor Sentinel-2."
        raise InputError(msg)
    found = {c.name for f in folders if f.is_dir() for c in f.iterdir() if c.is_dir()}
    return sorted(found)


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
            msg = f"{root} holds {len(cities)} cities ({listed}): name one with city= (--city)."
            raise InputError(msg)
        city = cities[0]
    elif city not in cities:
        msg = f"{root} has no city {city!r}; it has {', '.join(cities[:5]) or 'none'}."
        raise InputError(msg)
    scenes, notes = {}, []
    if "s2" in sensors and (root / "Sentinel-2" / city).is_dir():
        scenes, notes = _open_seasons(root / "Sentinel-2" / city, seasons, sentinel2_options)
    elif seasons:
        msg = f"{root}/Sentinel-2 has no folder {city}: there is no season {', '.join(seasons)}."
        raise InputError(msg)
    sentinel1, time = None, ""
    if "s1" in sensors and (root / "Sentinel-1" / city).is_dir():
        sentinel1, time = _open_radar(root / "Sentinel-1" / city, sentinel1_time)
    _check_one_city({**scenes, **({"Sentinel-1": sentinel1} if sentinel1 is not None else {})})
    return City(city, scenes, sentinel1, time, tuple(notes))


def _open_seasons(
    folder: Path, asked: Sequence[str] | None, options: dict[str, object]
) -> tuple[dict[str, xr.Dataset], list[str]]:
    unknown = [s for s in asked or () if s not in SEASONS]
    if unknown:
        msg = f"{unknown[0]!r} is no season: use {', '.join(SEASONS)}."
        raise InputError(msg)
    scenes, notes = {}, []
    for season in SEASONS:
        if asked and season not in asked:
            continue
        files = sorted((folder / season).glob(f"*_{season}.tif"))
        if len(files) > 1:
            names = ", ".join(f.name for f in files)
            msg = f"{folder / season} holds {len(files)} scenes ({names}); one is expected."
            raise InputError(msg)
        if files:
            scenes[season] = open_sentinel2(files[0], **options)
        elif asked or (folder / season).is_dir():
            msg = f"The {season} scene is missing: there is no *_{season}.tif in {folder / season}."
            raise InputError(msg)
        else:
            notes.append(f"Season {season} is missing in {folder}: it is left out of the mean.")
    if not scenes:
        msg = f"{folder} holds no season: *_<season>.tif in folders {', '.join(SEASONS)} are expected."
        raise InputError(msg)
    return scenes, notes


def _open_radar(folder: Path, asked: str | None) -> tuple[xr.Dataset, str]:
    base = folder / "mosaic_unfilt_dat"
    times = sorted(p.name for p in base.iterdir() if p.is_dir()) if base.is_dir() else []
    if not times:
        msg = f"{folder} has no mosaic_unfilt_dat/<yyyymm>/mosaic.tif."
        raise InputError(msg)
    time = asked or times[-1]
    if time not in times:
        msg = f"{base} has no time {time!r}; it has {', '.join(times)}."
        raise InputError(msg)
    lee = folder / "mosaic_dat" / time / "mosaic.tif"
    if not lee.is_file():
        msg = f"The Lee-filtered mosaic {lee} is missing: four of the seven features need it."
        raise InputError(msg)
    return open_sentinel1(base / time / "mosaic.tif", lee), time


def _check_one_city(scenes: dict[str, xr.Dataset]) -> None:
    if not scenes:
        msg = "There is no scene of this city for the sensors asked for."
        raise InputError(msg)
    first = next(iter(scenes))
    for name, scene in scenes.items():
        check_same_grid(geobox_of(scenes[first], first), geobox_of(scene, name), (first, name))
