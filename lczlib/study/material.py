"""What a study works on: the scenes, maps and references of one place, opened lazily."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import xarray as xr

from lczlib import catalog
from lczlib.errors import InputError
from lczlib.grid import geobox_of
from lczlib.kinds import MADE, lcz_file, proba_file
from lczlib.maps import MapOptions, certainty, open_lcz_map, open_probabilities
from lczlib.reading import Reading, quiet, readings, tell
from lczlib.scene_options import SceneOptions
from lczlib.scenes import City, crop, open_scenes
from lczlib.study.adapting import Adapted, open_adapted
from lczlib.study.optical import open_optical
from lczlib.study.places import DEMO, OWN, Place, demo_folder
from lczlib.study.radar import NO_LCZ, maps_to_lcz, open_radar
from lczlib.texts import N_

_DEFAULTS = SceneOptions()
_CLEAR_COUNT = "clear_count.tif"  # beside a composite
CELL_BYTES = 60
"""Memory that a cell of an own map takes where it is shown, compared and measured."""


@dataclass(frozen=True)
class Material:
    """The scenes of a place.

    Attributes
    ----------
    place : Place
    inputs : tuple of str
        What `lczlib.mapping.MapRequest` reads: a folder, or rasters. Empty without imagery.
    city : str
        City of the folder.
    seasons : dict of str to Dataset
        Sentinel-2, lazily.
    radar_inputs : tuple of str
        Own Sentinel-1 rasters that can be mapped.
    radar : Dataset or None
        Sentinel-1 as So2Sat prepares it, or VV and VH in dB, lazily.
    reference : Path or None
        Folder of references beside the scenes (polygons, truth, temperatures).
    level, date : str
        Of Sentinel-2 rasters, where the catalog says them.
    notes : tuple of str
        What a user should know of the input.
    shared : bool
        Whether the scenes are the same for every study of this place, so that results are too.
    private : bool
        Whether any of the scenes is a visitor's, so that nobody else may see what is made from them.
    own : bool
        Whether Sentinel-2 is a visitor's, who alone knows its level and units.
    area : tuple of float
        West, south, east, north in degrees that the scenes are cut to; empty for all.
    simulated_result : bool
        Whether a result whose scenes are not here was made from simulated ones.
    """

    place: Place
    inputs: tuple[str, ...] = ()
    radar_inputs: tuple[str, ...] = ()
    city: str = ""
    seasons: dict[str, xr.Dataset] = field(default_factory=dict)
    radar: xr.Dataset | None = None
    reference: Path | None = None
    level: str = ""
    date: str = ""
    notes: tuple[str, ...] = ()
    shared: bool = True
    private: bool = False
    own: bool = False
    area: tuple[float, ...] = ()
    simulated_result: bool = False

    @property
    def simulated(self) -> bool:
        """Whether the scenes are simulated."""
        return self.simulated_result or any(s.attrs.get("simulated") for s in self._scenes)

    @property
    def sensors(self) -> tuple[str, ...]:
        """Sensors that can be mapped."""
        return (("s1",) if maps_to_lcz(self.radar) else ()) + (("s2",) if self.seasons else ())

    @property
    def key(self) -> tuple[str, ...]:
        """Tells this place with these scenes from others."""
        radar = self.radar.attrs["files"] if self.radar else ()
        return (self.place.key, *self.inputs, *radar, *map(str, self.area))

    @property
    def mappable(self) -> bool:
        """Whether there is imagery to map."""
        return bool(self.inputs or self.radar_inputs)

    @property
    def box(self) -> Any:
        """Grid of the scenes; None without imagery."""
        return geobox_of(self._scenes[0], "scene") if self._scenes else None

    @property
    def _scenes(self) -> list[xr.Dataset]:
        return [*self.seasons.values(), *([self.radar] if self.radar is not None else [])]

    def clear_days(self, season: str) -> xr.DataArray | None:
        """On how many days each pixel of a season's composite was clear; None where that is not known."""
        scene = self.seasons.get(season)
        files = [] if scene is None else scene.attrs.get("files", ())
        path = Path(files[0]).with_name(_CLEAR_COUNT) if files else None
        if path is None or not path.is_file():
            return None
        from lczlib.rasters import open_raster

        with quiet():
            count = open_raster(path, "clear days").isel(band=0, drop=True)
            return crop(count, self.area) if self.area else count

    def beside(self, name: str) -> Path | None:
        """A reference file beside the scenes, where there is one."""
        path = self.reference / name if self.reference else None
        return path if path and path.is_file() else None


@dataclass(frozen=True)
class References:
    """Reference classes of a place: polygons or points, a raster, or both.

    Attributes
    ----------
    polygons : GeoDataFrame or None
        Polygons or points, as of `lczlib.references.open_reference`.
    raster : DataArray or None
        LCZ map.
    source : str
        Where they come from, in words.
    """

    polygons: gpd.GeoDataFrame | None = None
    raster: xr.DataArray | None = None
    source: str = ""


@dataclass(frozen=True)
class Maps:
    """A result of `lczlib.mapping.map_city`, opened from its folder.

    Attributes
    ----------
    folder : Path
    kinds : dict of str to DataArray
        LCZ map of s1, s2, both and fused, or of another sensor, as far as there.
    manifest : dict
    """

    folder: Path
    kinds: dict[str, xr.DataArray]
    manifest: dict[str, Any]

    @cached_property
    def probabilities(self) -> dict[str, xr.DataArray]:
        """Class probabilities of each kind."""
        paths = {k: self.folder / proba_file(k) for k in self.kinds}
        with quiet():
            return {k: open_probabilities(p).load() for k, p in paths.items() if p.is_file()}

    @cached_property
    def certainties(self) -> dict[str, xr.DataArray]:
        """Certainty of each kind, 0..1."""
        return {k: certainty(p) for k, p in self.probabilities.items()}

    @cached_property
    def adapted(self) -> Adapted | None:
        """Sentinel-2's network, where it was adapted to a visitor's polygons."""
        networks = self.manifest.get("parameters", {}).get("weights", ())
        found = (open_adapted((self.folder / str(w)).resolve().parent) for w in networks)
        return next((a for a in found if a is not None), None)

    @cached_property
    def valid_fraction(self) -> xr.DataArray | None:
        """Valid share of each cell's pixels, ``(band, y, x)``."""
        path = self.folder / "valid_fraction.tif"
        if not path.is_file():
            return None
        from lczlib.rasters import open_raster

        return open_raster(path, "valid fraction").load()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know of the input."""
        return tuple(self.manifest.get("warnings", ()))


def open_material(
    place: Place,
    *,
    area: tuple[float, float, float, float] | None = None,
    files: Sequence[str] = (),
    radar_files: Sequence[str] = (),
    options: SceneOptions = _DEFAULTS,
) -> Material:
    """Open what there is of a place.

    Parameters
    ----------
    place : Place
        What to open.
    area : tuple, optional
        West, south, east, north in degrees to cut the scenes to.
    files : sequence of str
        Own Sentinel-2 raster(s), instead of the place's scenes.
    radar_files : sequence of str
        Own Sentinel-1 raster(s) (see `lczlib.study.radar.open_radar`): beside own Sentinel-2 or a
        Sentinel-2 scene of the catalog, else alone.
    options : SceneOptions
        What the visitor says of own Sentinel-2.

    Raises
    ------
    InputError, GridError, CatalogError
        If scenes cannot be opened, or lie outside the area.
    """
    found = _opened(place, files, radar_files, options)
    if not area:
        return found
    radar = None if found.radar is None else crop(found.radar, area)
    return replace(
        found, area=tuple(area), radar=radar, shared=False,
        seasons={name: crop(scene, area) for name, scene in found.seasons.items()},
    )  # fmt: skip


def _opened(
    place: Place, files: Sequence[str], radar: Sequence[str], options: SceneOptions
) -> Material:
    """What there is of a place, whole."""
    if files or (radar and not place.key.startswith("scene:")):
        return _of_rasters(
            place, files, radar, shared=False, private=True, own=bool(files), options=options
        )
    if place.key == OWN or not place.has_scenes:
        return Material(place)
    if place.key.startswith("scene:"):
        name = place.key.removeprefix("scene:")
        entry = catalog.entry(name, "scenes")
        facts: dict[str, Any] = {
            "level": entry.properties["lczlib:level"],
            "date": entry.properties["datetime"][:10],
        }
        facts |= {"shared": not radar, "private": bool(radar)}
        return _of_rasters(place, [catalog.fetch(name)], radar, **facts)
    demo = place.key == DEMO
    folder, city = demo_folder() if demo else (place.folder, place.city)
    reference = folder / "Reference" / city
    opened, heard = _open_demo(folder, city) if demo else (_open_folder(folder, city), ())
    for reading in heard:
        tell(reading)
    return Material(
        place, (str(folder),), city=city, seasons=opened.seasons, radar=opened.sentinel1,
        reference=reference if reference.is_dir() else None, notes=opened.notes,
    )  # fmt: skip


@lru_cache(1)  # what every visitor opens first, and nobody changes
def _open_demo(folder: Path, city: str) -> tuple[City, tuple[Reading, ...]]:
    with readings() as heard:
        opened = _open_folder(folder, city)
    return opened, tuple(heard)


def _open_folder(folder: Path, city: str) -> City:
    return open_scenes([folder], SceneOptions(city=city))


def open_references(
    material: Material, files: Sequence[str] = (), options: MapOptions | None = None
) -> References:
    """The references of a place, or own ones (polygons, points, or a raster read with `options`)."""
    from lczlib.polygons import open_polygons
    from lczlib.references import open_reference

    if files:
        opened = open_reference(files[0], options=options, cell_bytes=CELL_BYTES)
        name = Path(files[0]).name
        if isinstance(opened, gpd.GeoDataFrame):
            return References(opened, None, name)
        return References(None, opened, name)
    polygons, raster = material.beside("polygons.gpkg"), material.beside("lcz.tif")
    if not (polygons or raster):
        return References()
    what = N_("simulated truth") if material.simulated else N_("references beside the scenes")
    return References(
        open_polygons(polygons) if polygons else None,
        open_lcz_map(raster) if raster else None,
        what,
    )


def open_maps(folder: str | Path) -> Maps:
    """Open the results in a folder of `lcz map`.

    Raises
    ------
    InputError
        If there are none.
    """
    folder = Path(folder)
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        listed = [k for k in manifest.get("kinds", MADE) if re.fullmatch(r"\w[\w. -]*", k)]
    except (OSError, ValueError, AttributeError, TypeError):
        manifest, listed = None, []
    with quiet():  # of its own results this project knows all
        kinds = {
            k: open_lcz_map(folder / lcz_file(k)).load()
            for k in listed
            if (folder / lcz_file(k)).is_file()
        }
    if not kinds:
        msg = f"{folder.name} holds no finished result of `lcz map` (*_lcz.tif and manifest.json)."
        raise InputError(msg)
    return Maps(folder, kinds, manifest)


def _of_rasters(
    place: Place,
    files: Sequence[str | Path],
    radar: Sequence[str],
    *,
    options: SceneOptions = _DEFAULTS,
    **facts: Any,
) -> Material:
    city = open_optical(files, options) if files else City("", {}, None)
    backscatter, notes = city.sentinel1, ()
    if radar:
        backscatter = open_radar(radar)
        if maps_to_lcz(backscatter):  # only what is fused must share a grid
            city = replace(city, sentinel1=backscatter)
        else:
            notes = (NO_LCZ,)
    city.check_one_grid()
    radar_inputs = tuple(radar) if radar and city.sentinel1 is backscatter else ()
    return Material(
        place, tuple(str(p) for p in files), radar_inputs, seasons=city.seasons, radar=backscatter,
        notes=notes, **facts,
    )  # fmt: skip
