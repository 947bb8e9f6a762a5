"""A data set of labelled patches of one's own cities, as Zhou et al. (2022) built Sen12LCZ."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.jobs.request import Request, Steps
from lczlib.jobs.result import Result, job
from lczlib.reading import counted
from lczlib.settings import setting
from lczlib.training.request import File, LabelledCities

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.training.run import Subsets

FEWEST_POLYGONS = 6
"""Of a class in a city: Zhou et al. (2022, section 2.2.3) have more than five."""
NARROWEST = 200.0
"""Metres that a polygon must be wide (same section), so that a single building is none."""
_FILE = "patches.h5"
_LISTED = 10
_HDF5 = (".h5", ".hdf5")
_LOST = {
    "polygons_outside": ("polygon lies outside the scenes", "polygons lie outside the scenes"),
    "polygons_too_small": ("polygon holds no centre of the fishnet", "polygons hold no centre of the fishnet"),
    "contested_cells": ("patch lies in polygons of two classes", "patches lie in polygons of two classes"),
    "invalid": ("patch has no data at its centre", "patches have no data at their centre"),
}  # fmt: skip


def _check_file(name: str) -> None:
    if name and Path(name).suffix.lower() not in _HDF5:
        msg = f"{name!r} is no name of an HDF5 file: end it with .h5."
        raise InputError(msg)


@dataclass(frozen=True, kw_only=True)
class PatchesRequest(Request, LabelledCities):
    """Labelled patches to be cut from scenes, parted, and written as one file."""

    command: ClassVar = "patches"

    inputs: tuple[File, ...] = setting(
        ..., "Scenes, of several dates or cities: {scenes}.", file=True, argument=True,
        metavar="INPUT...",
    )  # fmt: skip
    write: str = setting(
        "",
        "HDF5 file to write.",
        metavar="FILE.h5",
        check=_check_file,
        usual=f"{_FILE} in the folder",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.is_hdf5:
            msg = f"{self.hdf5()} holds patches already: give the scenes that patches are cut from."
            raise InputError(msg, parameter="inputs")


@dataclass(frozen=True, kw_only=True, repr=False)
class PatchesResult(Result):
    """Labelled patches.

    Attributes
    ----------
    request : PatchesRequest
    subsets : Subsets
        The patches, parted; `Subsets.whole` has all of them.
    doubts : tuple of str
        Sentences on classes of few polygons, and on narrow polygons.
    """

    draws = False

    request: PatchesRequest
    subsets: Subsets = field(repr=False)
    doubts: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Name of the HDF5 file."""
        return Path(self.request.write or _FILE).name

    def to_dataframe(self) -> pd.DataFrame:
        """Patches by class and city, and over all (Zhou et al. 2022, Table 3)."""
        import pandas as pd

        table = self._table
        counts = pd.crosstab(table["lcz"], table["city"])
        counts = counts.reindex([c.number for c in CLASSES], fill_value=0)
        counts.index = pd.Index([c.code for c in CLASSES], name="LCZ")
        counts.columns.name = None
        counts["sum"] = counts.sum(axis=1)
        counts.loc["total"] = counts.sum()
        return counts

    @property
    def _table(self) -> pd.DataFrame:
        return self.subsets.whole.table

    def headline(self) -> str:
        """How many patches of which cities, in a sentence."""
        table, kind = self._table, self.subsets.whole.kind
        sizes = {n: len(getattr(self.subsets, n)) for n in ("train", "validation", "test")}
        parts = ", ".join(f"{n:,} {name}" for name, n in sizes.items())
        return (
            f"{counted(len(table), 'patch', 'patches')} of {kind.patch_size} x {kind.patch_size} pixels and "
            f"{len(kind.bands)} channels from {counted(table['city'].nunique(), 'city', 'cities')}: {parts}, "
            f"{self.subsets.left_out:,} left out to keep them apart; split by {self.subsets.method}."
        )

    def notes(self) -> list[str]:
        """What became of polygons and cells that gave no patch, and of patches at the scenes' edges."""
        table = self._table
        said = []
        for name, (one, several) in _LOST.items():
            n = int(table.attrs.get(name, 0))
            if n:
                said.append(f"{n:,} {one if n == 1 else several}: left out.")
        n = int((table["inside"] < 1).sum())
        if n:
            reach = "reaches" if n == 1 else "reach"
            said.append(
                f"{counted(n, 'patch', 'patches')} {reach} over the edge of the scene, and is filled up with "
                "its mirror image there: see `inside` in the file."
            )
        return said

    def cautions(self) -> list[str]:
        """What makes accuracies on these patches doubtful."""
        said = list(self.doubts)
        if self.subsets.method == "random":
            said.append(
                "Split at random: neighbours are on both sides, so every accuracy on the test patches flatters."
            )
        return said

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.export.files import write_table
        from lczlib.training.patch_file import write_patch_file

        write_patch_file(folder / self.file, self.subsets)
        write_table(folder / f"{Path(self.file).stem}_counts.csv", self.to_dataframe())


@job
def run(request: PatchesRequest, step: Steps) -> PatchesResult:
    """Cut the patches and part them.

    Raises
    ------
    InputError, GridError
        If there are no scenes, polygons, or patches, or a class cannot be parted.
    """
    from lczlib.experiment.data import SceneData
    from lczlib.experiment.prepare import cities_of

    step("Cutting patches", 0, 2)
    cities = cities_of(request, request.cities or (request.city,))
    data = SceneData(
        cities, (), request.column, request.without, request.patch,
        request.patch_metres, request.spacing, request.split, request.split_seed, request.block,
        request.apart,
    )  # fmt: skip
    subsets = data.subsets()
    step("Looking at the polygons", 1, 2)
    doubts = few_polygons(subsets.whole.table)
    for path, name in {c.polygons: c.files.options.city for c in cities}.items():
        doubts += narrow_polygons(path, request, name or Path(path).name)
    return PatchesResult(request=request, subsets=subsets, doubts=tuple(doubts))


def few_polygons(table: pd.DataFrame) -> list[str]:
    """A sentence for each city with classes of five polygons or fewer, by the polygons that gave patches.

    Parameters
    ----------
    table : DataFrame
        ``city``, ``lcz`` and ``polygon`` of each patch.
    """
    found = []
    for city, own in table.groupby("city", sort=False):
        n = own.groupby("lcz")["polygon"].nunique()
        few = ", ".join(f"{CLASSES[c - 1].code} ({k})" for c, k in n[n < FEWEST_POLYGONS].items())
        if few:
            found.append(
                f"{city}: {FEWEST_POLYGONS - 1} polygons or fewer gave patches of LCZ {few}; what is "
                "learnt of them, and their accuracy, hangs on single places. Draw more."
            )
    return found


def narrow_polygons(path: str | Path, request: PatchesRequest, name: str) -> list[str]:
    """A sentence on the polygons in which no circle of 200 m finds room, if there are any.

    Parameters
    ----------
    path : path
        File of the polygons.
    request : PatchesRequest
        How it is read.
    name : str
        What it is called.
    """
    from lczlib.polygon_cells import are_points
    from lczlib.polygons import open_polygons

    areas = open_polygons(path, request.column, zero_unlabelled=True)
    if are_points(areas):
        return []
    local = areas.to_crs(areas.estimate_utm_crs())
    narrow = local.geometry.buffer(-NARROWEST / 2).is_empty.to_numpy()
    if not narrow.any():
        return []
    numbers = areas["polygon"].to_numpy()[np.flatnonzero(narrow)]
    named = ", ".join(map(str, numbers[:_LISTED])) + (", ..." if len(numbers) > _LISTED else "")
    return [
        f"{name}: {len(numbers):,} of {counted(len(areas), 'polygon')} (number {named}) "
        f"{'is' if len(numbers) == 1 else 'are'} nowhere {NARROWEST:g} m wide, so that single buildings "
        f"decide: draw wider ones."
    ]
