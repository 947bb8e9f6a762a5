"""What a study works on: the scenes, maps and references of one place, opened lazily."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import rasterio.warp
import rasterio.windows
import xarray as xr
from rasterio.enums import MaskFlags
from rasterio.windows import Window

from lczlib import catalog
from lczlib.errors import GridError, InputError
from lczlib.grid import check_same_grid, geobox_of
from lczlib.longitudes import unwrapped
from lczlib.maps import MapOptions, certainty, open_lcz_map, open_probabilities
from lczlib.reading import Reading, quiet, readings, tell
from lczlib.scenes import open_so2sat
from lczlib.scenes.so2sat import City, city_rasters
from lczlib.study.optical import open_optical
from lczlib.study.places import DEMO, OWN, Place, demo_folder
from lczlib.study.radar import NO_LCZ, maps_to_lcz, open_radar

_KINDS = ("s1", "s2", "both", "fused")  # of results whose manifest does not list them
CELL_PIXELS = 10
"""An own area is cut to whole LCZ cells of ten pixels, so that its maps lie on the city's grid."""


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
    own : bool
        Whether Sentinel-2 is a visitor's, who alone knows its level and units.
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
    own: bool = False

    @property
    def simulated(self) -> bool:
        """Whether the scenes are simulated."""
        return any(s.attrs.get("simulated") for s in self._scenes)

    @property
    def sensors(self) -> tuple[str, ...]:
        """Sensors that can be mapped."""
        return (("s1",) if maps_to_lcz(self.radar) else ()) + (("s2",) if self.seasons else ())

    @property
    def key(self) -> tuple[str, ...]:
        """Tells this place with these scenes from others."""
        return (self.place.key, *self.inputs, *(self.radar.attrs["files"] if self.radar else ()))

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
        paths = {k: self.folder / f"{k}_proba.tif" for k in self.kinds}
        with quiet():
            return {k: open_probabilities(p).load() for k, p in paths.items() if p.is_file()}

    @cached_property
    def certainties(self) -> dict[str, xr.DataArray]:
        """Certainty of each kind, 0..1."""
        return {k: certainty(p) for k, p in self.probabilities.items()}

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


OWN_VALUES = ("s2_scale", "s2_offset", "s2_nodata", "s2_bands")
"""Settings that say what the values of a visitor's Sentinel-2 mean."""


def own_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of `OWN_VALUES` as `lczlib.scenes.open_sentinel2` takes them."""
    bands = tuple(b.strip() for b in values["s2_bands"].split(",") if b.strip())
    numbers = {n: values[f"s2_{n}"] for n in ("scale", "offset", "nodata")}
    return {**numbers, "bands": bands or None}


def open_material(
    place: Place,
    work: Path,
    *,
    area: tuple[float, float, float, float] | None = None,
    files: Sequence[str] = (),
    radar_files: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> Material:
    """Open what there is of a place.

    Parameters
    ----------
    place : Place
        What to open.
    work : path
        Where a cut-out of the scenes may be written.
    area : tuple, optional
        West, south, east, north in degrees to cut the scenes to.
    files : sequence of str
        Own Sentinel-2 raster(s), instead of the place's scenes.
    radar_files : sequence of str
        Own Sentinel-1 raster(s) (see `lczlib.study.radar.open_radar`): beside own Sentinel-2 or a
        Sentinel-2 scene of the catalog, else alone.
    options : mapping, optional
        What the visitor says of own Sentinel-2: see `own_values`.

    Raises
    ------
    InputError, GridError, CatalogError
        If scenes cannot be opened, or lie outside the area.
    """
    radar = [Path(f) for f in radar_files]
    if area and radar:
        radar = _cut_files(radar, work / "area-radar", area)
    if files or (radar and not place.key.startswith("scene:")):
        paths = [Path(f) for f in files]
        paths = _cut_files(paths, work / "area", area) if area and paths else paths
        return _of_rasters(place, paths, radar, shared=False, own=bool(files), options=options)
    if place.key == OWN or not place.has_scenes:
        return Material(place)
    if place.key.startswith("scene:"):
        name = place.key.removeprefix("scene:")
        entry = catalog.entry(name, "scenes")
        paths = [catalog.fetch(name)]
        paths = _cut_files(paths, work / "area", area) if area else paths
        facts = {
            "level": entry.properties["lczlib:level"],
            "date": entry.properties["datetime"][:10],
        }
        return _of_rasters(place, paths, radar, shared=area is None and not radar, **facts)
    demo = place.key == DEMO
    folder, city = demo_folder() if demo else (place.folder, place.city)
    reference = folder / "Reference" / city
    if area:
        folder = _cut_folder(folder, city, work / "area", area)
    opened, heard = (
        _open_demo(folder, city) if demo and not area else (open_so2sat(folder, city), ())
    )
    for reading in heard:
        tell(reading)
    return Material(
        place, (str(folder),), city=city, seasons=opened.seasons, radar=opened.sentinel1,
        reference=reference if reference.is_dir() else None, notes=opened.notes,
        shared=area is None,
    )  # fmt: skip


@lru_cache(1)  # what every visitor opens first, and nobody changes
def _open_demo(folder: Path, city: str) -> tuple[City, tuple[Reading, ...]]:
    with readings() as heard:
        opened = open_so2sat(folder, city)
    return opened, tuple(heard)


def open_references(
    material: Material, files: Sequence[str] = (), options: MapOptions | None = None
) -> References:
    """The references of a place, or own ones (polygons, points, or a raster read with `options`)."""
    from lczlib.polygons import open_polygons
    from lczlib.references import open_reference

    if files:
        opened, name = open_reference(files[0], options=options), Path(files[0]).name
        if isinstance(opened, gpd.GeoDataFrame):
            return References(opened, None, name)
        return References(None, opened, name)
    polygons, raster = material.beside("polygons.gpkg"), material.beside("lcz.tif")
    if not (polygons or raster):
        return References()
    what = "simulated truth" if material.simulated else "references beside the scenes"
    return References(
        open_polygons(polygons) if polygons else None,
        open_lcz_map(raster, scheme="1-17") if raster else None,
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
        listed = [k for k in manifest.get("kinds", _KINDS) if re.fullmatch(r"[\w-]+", k)]
    except (OSError, ValueError, AttributeError, TypeError):
        manifest, listed = None, []
    with quiet():  # of its own results this project knows all
        kinds = {
            k: open_lcz_map(folder / f"{k}_lcz.tif", scheme="1-17").load()
            for k in listed
            if (folder / f"{k}_lcz.tif").is_file()
        }
    if not kinds:
        msg = f"{folder.name} holds no finished result of `lcz map` (*_lcz.tif and manifest.json)."
        raise InputError(msg)
    return Maps(folder, kinds, manifest)


def _of_rasters(
    place: Place,
    paths: Sequence[Path],
    radar: Sequence[Path],
    *,
    options: Mapping[str, Any] | None = None,
    **facts: Any,
) -> Material:
    seasons = {p.stem: open_optical(p, options) for p in paths}
    scenes, backscatter, notes = dict(seasons), None, ()
    if radar:
        backscatter = open_radar([str(p) for p in radar])
        if maps_to_lcz(backscatter):
            scenes["Sentinel-1"] = backscatter  # only what is fused must share a grid
        else:
            notes = (NO_LCZ,)
    if scenes:
        first = next(iter(scenes))
        for name, scene in scenes.items():
            check_same_grid(geobox_of(scenes[first], first), geobox_of(scene, name), (first, name))
    radar_inputs = tuple(str(p) for p in radar) if "Sentinel-1" in scenes else ()
    return Material(
        place, tuple(str(p) for p in paths), radar_inputs, seasons=seasons, radar=backscatter,
        notes=notes, **facts,
    )  # fmt: skip


def _cut_folder(folder: Path, city: str, target: Path, area: tuple[float, ...]) -> Path:
    """A copy of a city's scenes, cut to an area."""
    shutil.rmtree(target, ignore_errors=True)
    for path in city_rasters(folder, city):
        _cut(path, target / path.relative_to(folder), area)
    return target


def _cut_files(paths: Sequence[Path], target: Path, area: tuple[float, ...]) -> list[Path]:
    shutil.rmtree(target, ignore_errors=True)
    # two files of one name lie in folders of their own
    return [_cut(p, target / str(i) / p.name, area) for i, p in enumerate(paths)]


def _cut(path: Path, target: Path, area: tuple[float, ...]) -> Path:
    """Write the part of a raster within an area, on whole LCZ cells; bands, mask and tags are kept."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path) as src:
        west, south, east, north = rasterio.warp.transform_bounds("EPSG:4326", src.crs, *area)
        if src.crs.is_geographic:  # as the file writes longitudes, which may go on beyond 180
            west = float(unwrapped(west, (src.bounds.left + src.bounds.right) / 2))
            east = west + (east - west) % 360
        bounds = west, south, east, north
        if src.transform.e > 0:  # rows that go north
            bounds = west, north, east, south
        window = rasterio.windows.from_bounds(*bounds, transform=src.transform)
        row, col = (
            max(0, int(v // CELL_PIXELS) * CELL_PIXELS) for v in (window.row_off, window.col_off)
        )
        bottom, right = (
            min(int(-(-v // CELL_PIXELS) * CELL_PIXELS), n)
            for v, n in (
                (window.row_off + window.height, src.height),
                (window.col_off + window.width, src.width),
            )
        )
        if bottom - row < 4 * CELL_PIXELS or right - col < 4 * CELL_PIXELS:
            msg = (
                f"The area {', '.join(f'{v:.3f}' for v in area)} holds less than 4 x 4 LCZ cells of "
                "the scene: draw it larger, or inside the scene."
            )
            raise GridError(msg)
        part = Window(col, row, right - col, bottom - row)
        profile = {
            "driver": "GTiff", "count": src.count, "height": part.height, "width": part.width,
            "dtype": np.result_type(*src.dtypes), "crs": src.crs, "nodata": src.nodata, "tiled": True,
            "transform": src.window_transform(part), "compress": "zstd", "zstd_level": 1,
        }  # fmt: skip
        inside = rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True)
        with inside, rasterio.open(target, "w", **profile) as dst:
            dst.write(src.read(window=part))
            dst.descriptions = src.descriptions
            dst.scales, dst.offsets, dst.units = src.scales, src.offsets, src.units
            dst.colorinterp = src.colorinterp
            dst.update_tags(**{k: v for k, v in src.tags().items() if k != "AREA_OR_POINT"})
            flags = src.mask_flag_enums[0]
            if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
                dst.write_mask(src.read_masks(1, window=part))
    return target
