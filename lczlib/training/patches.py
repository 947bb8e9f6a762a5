"""Patch data sets: labelled windows of scenes, cut when they are read.

A patch set keeps the scenes and where its patches lie, never a list of patches: 4,000 patches of
64 pixels would take three times the memory of the 10 m scene that they overlap in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from lczlib.errors import GridError, InputError
from lczlib.grid import CELL_SIZE, check_projected, crs_name, describe, geobox_of, lcz_grid
from lczlib.mapping.predict import MIN_VALID
from lczlib.mapping.prepare import Prepared, prepare
from lczlib.models import Weights
from lczlib.polygon_cells import polygon_cells
from lczlib.terms import option
from lczlib.training.request import PatchScenes

FISHNET = PatchScenes.spacing
"""Spacing of the training patches in metres (Zhou et al. 2022, section 2.3,
doi 10.1080/10095020.2022.2030654): the edge of a 48 pixel patch, so that patches do not overlap."""

_AT_ONCE = 256  # patches in memory while all are looked through


@dataclass(frozen=True)
class PatchKind:
    """What the patches of a set have in common.

    Attributes
    ----------
    sensor : str
        As in `lczlib.models.Weights`.
    bands : tuple of str
        Band of each channel.
    patch_size : int
        Edge in pixels.
    pixel_size : float
        Metres.
    level : str
        Processing level of the images.
    simulated : bool
        Whether the scenes are simulated.
    source : str
        Where they come from, in words.
    normalised : bool
        Whether their values are a network's input already: those of each scene by that scene's own mean and
        spread, as `lczlib.mapping.prepare` works them out for mapping.
    """

    sensor: str
    bands: tuple[str, ...]
    patch_size: int
    pixel_size: float = 10.0
    level: str = ""
    simulated: bool = False
    source: str = ""
    normalised: bool = False

    @property
    def width(self) -> float:
        """Edge of a patch in metres."""
        return self.patch_size * self.pixel_size


class Patches(ABC):
    """Labelled patches.

    Parameters
    ----------
    kind : PatchKind
        What they have in common.
    table : DataFrame
        One line a patch: ``lcz`` (1..17), ``location`` (patches of one place and several dates
        share it), where known ``polygon`` (unique over all scenes), ``scene``, ``crs``, ``x``, ``y``
        of the centre and ``left``, ``top`` of the patch; of scenes also ``city``, ``name`` (scene, row
        and column of the fishnet) and ``inside`` (share of the patch that lies in the scene; the rest
        is mirrored).
    """

    def __init__(self, kind: PatchKind, table: pd.DataFrame) -> None:
        self.kind = kind
        self.table = table

    def __len__(self) -> int:
        return len(self.table)

    @property
    def labels(self) -> np.ndarray:
        """Class of each patch, uint8 1..17."""
        return self.table["lcz"].to_numpy(np.uint8)

    @property
    def units(self) -> np.ndarray:
        """What the cells of a patch share their fate with, int64: its polygon, where known, else its place."""
        return self.table["polygon" if "polygon" in self.table else "location"].to_numpy(np.int64)

    @abstractmethod
    def read(self, index: np.ndarray) -> np.ndarray:
        """The patches of positions in the table, (n, C, P, P) float32, values as in the scene, NaN missing.

        Where the kind is `normalised` they are the network's input.
        """

    @abstractmethod
    def subset(self, index: np.ndarray) -> Patches:
        """The patches at `index`, sharing the memory of this set."""

    def statistics(self, most: int = 4096) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each band over the valid pixels, (C,) float64 each.

        Of sets with more than `most` patches, as many are read, evenly spaced.

        Raises
        ------
        InputError
            If a band has one value everywhere.
        """
        used = np.unique(np.linspace(0, len(self) - 1, min(len(self), most)).round().astype(int))
        # Sums of squares about a first mean: about zero they cancel for bands of large values.
        shift = np.nan_to_num(self.read(used[:_AT_ONCE])).mean((0, 2, 3))
        count, total, squares = np.zeros((3, len(self.kind.bands)))
        for start in range(0, len(used), _AT_ONCE):
            values = self.read(used[start : start + _AT_ONCE]) - shift[:, None, None]
            count += np.isfinite(values).sum((0, 2, 3))
            total += np.nansum(values, axis=(0, 2, 3), dtype=np.float64)
            squares += np.nansum(values.astype(np.float64) ** 2, axis=(0, 2, 3))
        mean = total / np.maximum(count, 1)
        std = np.sqrt(np.maximum(squares / np.maximum(count, 1) - mean**2, 0))
        flat = [b for b, s in zip(self.kind.bands, std, strict=True) if not s > 0]
        if flat:
            msg = (
                f"Band(s) {', '.join(flat)} have the same value in every training patch: leave "
                "them out, or check the scene."
            )
            raise InputError(msg)
        return mean + shift, std

    def to_points(self) -> gpd.GeoDataFrame:
        """The table as points in longitude and latitude, to be drawn or written.

        Raises
        ------
        InputError
            If the patches have no place (So2Sat LCZ42).
        """
        if "x" not in self.table:
            msg = f"The patches of {self.kind.source} have no coordinates."
            raise InputError(msg)
        parts = []
        for crs, rows in self.table.groupby("crs", sort=False):
            points = gpd.points_from_xy(rows["x"], rows["y"], crs=crs)
            parts.append(gpd.GeoDataFrame(rows, geometry=points).to_crs("EPSG:4326"))
        return pd.concat(parts).sort_index()


class ScenePatches(Patches):
    """Patches of scenes in memory; made by `scene_patches` and `join_patches`.

    Parameters
    ----------
    kind, table
        See `Patches`. The table also has ``image`` (index into `images`), ``row`` and ``col`` (of
        the patch's first pixel in that image).
    images : sequence of array (C, H, W)
        Float32, NaN missing, wide enough that every patch lies inside.
    """

    def __init__(self, kind: PatchKind, table: pd.DataFrame, images: Sequence[np.ndarray]) -> None:
        super().__init__(kind, table)
        self.images = tuple(images)
        size = (kind.patch_size, kind.patch_size)
        self._windows = [
            np.lib.stride_tricks.sliding_window_view(image, size, axis=(1, 2)).transpose(
                1, 2, 0, 3, 4
            )
            for image in self.images
        ]
        self._at = table[["image", "row", "col"]].to_numpy(np.int64)

    def read(self, index: np.ndarray) -> np.ndarray:
        """See `Patches.read`."""
        image, row, col = self._at[np.asarray(index)].T
        if len(self._windows) == 1:
            return np.ascontiguousarray(self._windows[0][row, col])
        size = self.kind.patch_size
        out = np.empty((len(image), len(self.kind.bands), size, size), np.float32)
        for i in np.unique(image):
            here = image == i
            out[here] = self._windows[i][row[here], col[here]]
        return out

    def subset(self, index: np.ndarray) -> ScenePatches:
        """See `Patches.subset`."""
        table = self.table.iloc[np.asarray(index)].reset_index(drop=True)
        table.attrs = self.table.attrs
        return ScenePatches(self.kind, table, self.images)


def scene_patches(
    scene: xr.Dataset,
    polygons: gpd.GeoDataFrame,
    *,
    sensor: str,
    bands: Sequence[str],
    patch_size: int = 32,
    spacing: float = FISHNET,
    name: str = "",
    normalised: Prepared | None = None,
) -> ScenePatches:
    """Cut a scene into labelled patches by the fishnet rule of Zhou et al. (2022, section 2.3).

    A fishnet is laid over the scene from its upper-left corner; a cell belongs to the polygon that
    its centre falls in, and that centre is the centre of its patch. Patches reach past polygons and
    over the scene's edge, where pixels are mirrored as in mapping. A patch is left out if less than
    half of the 100 m cell at its centre is valid, as that cell would be in a map.

    Parameters
    ----------
    scene : Dataset
        Canonical scene, projected.
    polygons : GeoDataFrame
        From `lczlib.polygons.open_polygons`; any CRS.
    sensor, bands
        What the network shall read; see `lczlib.models.Weights`. Sentinel-1 features are computed.
    patch_size : int
        Edge in pixels; 32, 48 and 64 are in use.
    spacing : float
        Of the fishnet, in metres. Below the patch's edge patches overlap.
    name : str
        Name of the scene, which tells scenes apart in the table.
    normalised : Prepared, optional
        The whole scene as a network reads it that normalises each scene by its own statistics: its patches are
        scaled as mapping scales it.

    Returns
    -------
    ScenePatches
        ``table.attrs``: the counts of `lczlib.polygon_cells.polygon_cells` and ``invalid``, the patches
        left out for missing pixels.

    Raises
    ------
    InputError, GridError, WeightsError
        If the polygons lie outside the scene, all patches are missing, or the scene lacks bands, a
        CRS or metres.
    """
    box = check_projected(geobox_of(scene, f"scene {name}".strip()), f"scene {name}".strip())
    pixel = abs(float(box.affine.a))
    if spacing < pixel:
        msg = (
            f"A fishnet of {spacing:g} m is too fine for pixels of {pixel:g} m: use a {option('spacing')} of "
            "one pixel or more."
        )
        raise InputError(msg)
    cells = polygon_cells(polygons, lcz_grid(box, cell=spacing))
    centre = (cells[["row", "col"]].to_numpy() + 0.5) * (spacing / pixel)
    inside = (centre < box.shape).all(1)  # the last fishnet row and column may reach past the scene
    if not inside.any():
        msg = (
            f"No fishnet centre ({spacing:g} m apart) lies in a polygon and in the scene: the "
            f"polygons lie at the scene's edge or are too small; use a smaller {option('spacing')}."
        )
        raise InputError(msg)
    x, y = box.affine @ (centre[inside, 1], centre[inside, 0])
    labels = [
        f"{name} {r} {c}".strip().replace(" ", "_")
        for r, c in zip(cells["row"], cells["col"], strict=True)
    ]
    centres = cells.assign(name=labels).loc[inside, ["lcz", "polygon", "name"]].assign(x=x, y=y)
    centres.attrs = cells.attrs
    return patches_at(
        scene, centres, sensor=sensor, bands=bands, patch_size=patch_size, name=name, normalised=normalised
    )  # fmt: skip


def patches_at(
    scene: xr.Dataset,
    centres: pd.DataFrame,
    *,
    sensor: str,
    bands: Sequence[str],
    patch_size: int,
    name: str = "",
    normalised: Prepared | None = None,
) -> ScenePatches:
    """Cut a scene into patches around given centres; see `scene_patches`.

    Parameters
    ----------
    scene, sensor, bands, patch_size, name, normalised
        See `scene_patches`.
    centres : DataFrame
        ``lcz`` and ``x``, ``y`` in the scene's CRS; ``polygon`` where known. Those outside the
        scene are left out.

    Raises
    ------
    InputError, GridError, WeightsError
        See `scene_patches`.
    """
    if patch_size < 1:
        msg = f"A patch must be 1 pixel wide or more, not {patch_size}."
        raise InputError(msg)
    box = geobox_of(scene, f"scene {name}".strip())
    pixel = abs(float(box.affine.a))
    simulated = bool(scene.attrs.get("simulated", False))
    wanted = Weights("the network", "", sensor, tuple(bands), pixel_size=pixel, simulated=simulated)
    prepared = prepare(scene, wanted, cell=max(CELL_SIZE, pixel))
    col, row = ~box.affine @ (centres["x"].to_numpy(float), centres["y"].to_numpy(float))
    at = np.column_stack([row, col])
    inside = ((at >= 0) & (at < box.shape)).all(1)
    if not inside.any():
        msg = f"None of the {len(centres)} patches lies in the scene {name} ({describe(box)})."
        raise GridError(msg)
    # the rounding of mapping: a patch is centred on its cell, half a pixel up-left if it must be
    start = np.floor(at[inside] - patch_size / 2 + 1e-6).astype(int)
    image, origin = _load(prepared.bands, start, patch_size)
    if normalised is not None:
        normalised.scale(image)
    table = centres[inside].reset_index(drop=True)
    left, top = box.affine @ (start[:, 1].astype(float), start[:, 0].astype(float))
    low, high = np.maximum(start, 0), np.minimum(start + patch_size, box.shape)
    table = table.assign(
        inside=np.clip(high - low, 0, None).prod(1) / patch_size**2,
        city=str(scene.attrs.get("city", name)), location=np.arange(len(table)), scene=name,
        crs=crs_name(box), image=0, left=left, top=top,
        row=start[:, 0] - origin[0], col=start[:, 1] - origin[1],
    )  # fmt: skip
    kind = PatchKind(
        sensor, tuple(bands), patch_size, pixel, str(scene.attrs.get("level", "")),
        simulated, str(scene.attrs.get("source", name)), normalised is not None,
    )  # fmt: skip
    patches = ScenePatches(kind, table, [image])
    valid = np.flatnonzero(_valid(patches, prepared.step))
    if not valid.size:
        msg = f"All {len(patches)} patches lie where the scene has no data: are they at its edge?"
        raise InputError(msg)
    table.attrs = {**centres.attrs, "invalid": len(patches) - valid.size}
    return patches.subset(valid)


def _load(bands: xr.Dataset, start: np.ndarray, size: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The part of a scene that patches need, mirrored over its edges, and its first pixel."""
    low, high = start.min(0), start.max(0) + size
    shape = np.array([bands.sizes["y"], bands.sizes["x"]])
    first, last = np.maximum(low, 0), np.minimum(high, shape)
    window = bands.isel(y=slice(first[0], last[0]), x=slice(first[1], last[1])).compute()
    image = np.stack([window[b].transpose("y", "x").values for b in window.data_vars])
    margins = [(0, 0), *zip(first - low, high - last, strict=True)]
    if any(m != (0, 0) for m in margins):
        image = np.pad(image, margins, mode="symmetric")
    return np.ascontiguousarray(image, np.float32), (int(low[0]), int(low[1]))


def _valid(patches: ScenePatches, step: int) -> np.ndarray:
    """Whether enough of the LCZ cell at each patch's centre is valid."""
    size = patches.kind.patch_size
    own = centre_of(size, step)
    shares = [
        np.isfinite(patches.read(part)[:, :, own, own]).all(1).mean((1, 2))
        for part in np.array_split(np.arange(len(patches)), -(-len(patches) // _AT_ONCE))
    ]
    return np.concatenate(shares) >= MIN_VALID


def centre_of(size: int, step: int) -> slice:
    """The rows, or columns, of a patch that are of the LCZ cell at its centre."""
    step = min(step, size)
    return slice((size - step) // 2, (size - step) // 2 + step)
