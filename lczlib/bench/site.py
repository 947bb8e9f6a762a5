"""A city of the board, opened: its polygons with their folds, its scenes, and the cells that are scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lczlib import catalog
from lczlib.bench.cities import BenchCity, PolygonSource
from lczlib.bench.folds import Folds, make_folds, read_folds
from lczlib.errors import Cancelled, InputError, LczError
from lczlib.export.files import sha256_of
from lczlib.export.manifest import files_of
from lczlib.grid import geobox_of, lcz_grid, on_grid
from lczlib.maps import lcz_map
from lczlib.models import architecture
from lczlib.polygons import open_polygons
from lczlib.scene_options import SceneOptions
from lczlib.terms import option
from lczlib.training.inputs import PatchSize, SceneFiles, patches_of

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr
    from odc.geo.geobox import GeoBox

    from lczlib.training.patches import ScenePatches

CELL = 100.0
"""Metres: the cells of a map, each scored once."""
NETWORK = "sen2lcz"
"""Whose patches classifiers trained on the city read."""

Fetch = Callable[[BenchCity], Path]
"""Gets the imagery of a place; returns the folder that it lies in."""


@dataclass(frozen=True)
class Site:
    """A city whose polygons are here.

    Attributes
    ----------
    city : BenchCity
    polygons : GeoDataFrame
        As of `lczlib.polygons.open_polygons`.
    folds : Folds
    ids : DataFrame
        ``id`` and ``fold`` of each polygon by its number.
    scene : SceneFiles or None
        Its imagery, where it is here.
    missing : str
        Why it is not.
    """

    city: BenchCity
    polygons: gpd.GeoDataFrame
    folds: Folds
    ids: pd.DataFrame
    scene: SceneFiles | None
    missing: str = ""
    _patches: dict[SceneFiles, ScenePatches] = field(default_factory=dict, repr=False)

    @property
    def files(self) -> SceneFiles:
        """The imagery.

        Raises
        ------
        InputError
            If it is not here.
        """
        if self.scene is None:
            raise InputError(self.missing)
        return self.scene

    def patches(self, files: SceneFiles, size: PatchSize | int) -> ScenePatches:
        """A patch for each scored cell, cut once."""
        if files not in self._patches:
            self._patches.clear()  # they hold images: one set at a time
            self._patches[files] = patches_of(files, self.polygons, patch_size=size, spacing=CELL)
        return self._patches[files]

    def own_patches(self) -> ScenePatches:
        """The patches that classifiers trained on the city read."""
        blueprint = architecture(NETWORK)
        size = PatchSize(blueprint.patch_size, blueprint.min_patch_size, self.city.patch or None)
        return self.patches(self.files, size)

    @cached_property
    def grid(self) -> GeoBox:
        """The grid of cells of the scene."""
        scene = next(iter(self.files.open().values()))
        return lcz_grid(geobox_of(scene, self.city.name), cell=CELL)

    @cached_property
    def cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of the scored cells: labelled, and with data in the scene."""
        return self.places(self.own_patches().table)

    def places(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of the cells at the centres of patches."""
        col, row = ~self.grid.affine * (table["x"].to_numpy(), table["y"].to_numpy())
        return np.floor(row).astype(int), np.floor(col).astype(int)

    def drawn(self, table: pd.DataFrame, codes: np.ndarray) -> xr.DataArray:
        """The classes of patches as a map of the cells at their centres, 0 elsewhere."""
        values = np.zeros(self.grid.shape, np.uint8)
        values[self.places(table)] = codes
        return lcz_map(on_grid(values, self.grid))

    @cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of the files of polygons and scenes, by their names below the data."""
        found = [self.city.data / self.city.polygons.file]
        if self.scene is not None:
            for path in (*self.scene.inputs, *self.scene.sentinel1):
                where = Path(path)
                found += sorted(where.rglob("*.tif")) if where.is_dir() else [where]
        city = self.scene.options.city if self.scene is not None else ""
        files = sorted({f for path in found for f in files_of(path)})
        return {
            f.name if f.parent == self.city.data else f"{f.parent.name}/{f.name}": sha256_of(f)
            for f in files
            if not city or f.suffix != ".tif" or city in f.parts
        }

    def options(self) -> dict[str, Any]:
        """How its scenes are read, as plain values."""
        if self.scene is None:
            return {}
        given = {n: getattr(self.scene.options, n) for n in self.scene.options.given_options()}
        return {
            "sensor": self.scene.sensor,
            "bands": self.scene.bands,
            "fringe": self.scene.fringe,
            **given,
        }


def open_site(city: BenchCity, fetch: Fetch) -> Site:
    """Open the polygons of a city, their folds, and its scenes as far as they are here.

    Parameters
    ----------
    city : BenchCity
        Of the list.
    fetch : callable
        See `Fetch`.

    Raises
    ------
    InputError
        If the polygons are not here, or are not those that the folds are of.
    """
    polygons = open_areas(city)
    folds = kept_folds(city) if city.folds else make_folds(city.name, polygons)
    ids = folds.of(polygons)
    scene, missing = None, ""
    try:
        scene = _scene(city, fetch)
    except Cancelled:
        raise
    except LczError as error:
        missing = error.message
    return Site(city, polygons, folds, ids, scene, missing)


def kept_folds(city: BenchCity) -> Folds:
    """The folds that the list of cities names.

    Raises
    ------
    InputError
        If the file is none, or of another city.
    """
    folds = read_folds(city.base / city.folds)
    if folds.city != city.name:
        msg = f"{Path(city.folds).name} holds the folds of {folds.city}, not of {city.name}."
        raise InputError(msg)
    return folds


def open_areas(city: BenchCity) -> gpd.GeoDataFrame:
    """The polygons of a city.

    Raises
    ------
    InputError
        If they are not here: the message says where they are to be had.
    """
    told = city.polygons
    path = city.data / told.file
    if not path.is_file():
        raise InputError(_not_here(city, told))
    source: Any = path
    if told.crs:
        source = _with_crs(path, told.crs)
    found = open_polygons(source, told.column, layer=told.layer, zero_unlabelled=True)
    found.attrs["source"] = told.file
    return found


def _with_crs(path: Path, crs: str) -> Any:
    """The features of a file that may state no coordinate reference system."""
    import geopandas as gpd

    try:
        found = gpd.read_file(path)
        return found if found.crs is not None else found.set_crs(crs)
    except (OSError, RuntimeError, ValueError) as err:
        msg = f"{path.name} cannot be read as polygons ({str(err)[:90]}): get it anew."
        raise InputError(msg) from err


def _not_here(city: BenchCity, told: PolygonSource) -> str:
    where = f": get them from {' or '.join(told.addresses)}" if told.addresses else ""
    terms = f" (licence {told.licence})" if told.licence != "other" else " (no licence stated)"
    said = f"The polygons of {city.title} are not here ({told.file} in the folder of {option('data')}){where}{terms}."
    return f"{said} {told.note}".strip()


def _scene(city: BenchCity, fetch: Fetch) -> SceneFiles:
    told = city.scene
    options = SceneOptions(
        **{n: tuple(v) if isinstance(v, list) else v for n, v in told.options.items()}
    )
    if told.catalog:
        inputs: tuple[str, ...] = (str(catalog.fetch(told.catalog)),)
    elif told.inputs:
        inputs = tuple(str(city.data / p) for p in told.inputs)
    elif told.place:
        inputs = (str(fetch(city)),)
    else:
        msg = f"The board names no imagery of {city.title}."
        raise InputError(msg)
    sentinel1 = tuple(str(city.data / p) for p in told.sentinel1)
    for path in (*inputs, *sentinel1):
        if not Path(path).exists():
            msg = f"The scene of {city.title} is not here ({Path(path).name} in the folder of {option('data')})."
            raise InputError(f"{msg} {told.note}".strip())
    return SceneFiles(inputs, told.sensor, told.bands, told.fringe, options, sentinel1)
