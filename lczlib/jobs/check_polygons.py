"""Reference polygons held against an image of their place, to find those drawn as something else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lczlib.jobs.request import Request, Steps
from lczlib.jobs.result import Result, job
from lczlib.settings import setting
from lczlib.terms import option
from lczlib.texts import text, texts
from lczlib.training.request import File, PatchScenes

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

_SPACING = 100.0
_PATCH_METRES = 320.0
_LISTED = 10
_TOO_MANY = 0.5
"""Share of polygons beyond which the fault is more likely the image's than theirs."""


@dataclass(frozen=True, kw_only=True)
class CheckPolygonsRequest(Request, PatchScenes):
    """Polygons to be judged by an image, and by one another."""

    command: ClassVar = "check-polygons"

    inputs: tuple[File, ...] = setting(
        ..., "Scenes of the place, of one or several dates: {scenes}.", file=True, argument=True,
        metavar="INPUT...",
    )  # fmt: skip
    polygons: File = setting(
        ..., "Labelled polygons (GPKG, GeoJSON, KML/KMZ, Shapefile).", file=True
    )
    sensor: str = setting("s2", "s2, s1 or both; else any name, such as landsat.")
    spacing: float = setting(
        _SPACING, "Spacing in metres of the places in a polygon that are looked at.",
        title="A place every (m)", low=0, open_ends=True,
    )  # fmt: skip
    folds: int = setting(5, "Parts that polygons are judged in, each by the others.", low=2)
    repeats: int = setting(3, "Times that the parts are drawn anew.", low=1)
    seed: int = setting(0, "Of parts and forests.", low=0)


@dataclass(frozen=True, kw_only=True, repr=False)
class CheckPolygonsResult(Result):
    """Polygons, most suspicious first.

    Attributes
    ----------
    request : CheckPolygonsRequest
    table : DataFrame
        As of `lczlib.training.suspects.suspicious_polygons`.
    areas : GeoDataFrame
        The polygons themselves, with these columns, in longitude and latitude.
    lost : dict of str to int
        Polygons that hold no place that was looked at, and patches without data or of two classes.
    """

    draws = False

    request: CheckPolygonsRequest
    table: pd.DataFrame = field(repr=False)
    areas: gpd.GeoDataFrame = field(repr=False)
    lost: dict[str, int] = field(default_factory=dict, repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """The polygons, most suspicious first."""
        return self.table

    @property
    def doubtful(self) -> pd.DataFrame:
        """Those of which another class is more probable than the one they were drawn as."""
        return self.table[self.table["margin"] > 0]

    def headline(self) -> str:
        """How many look like something else, in a sentence."""
        judged = int(self.table["margin"].notna().sum())
        said = text("{n} of {polygons} look more like another class than their own").format(
            n=len(self.doubtful), polygons=texts("{n} polygon", "{n} polygons", judged)
        )
        alone = len(self.table) - judged
        if alone:
            said = text("{said}; {n} could not be judged").format(said=said, n=alone)
        return f"{said}."

    def notes(self) -> list[str]:
        """The most suspicious in words, and what could not be judged."""
        said = [
            f"Polygon {row.polygon}, drawn as LCZ {row.code}: {row.probability:.0%} probable as that, "
            f"{row.preferred_probability:.0%} as LCZ {row.preferred_code} "
            f"({texts('{n} place', '{n} places', row.n_patches)})."
            for row in self.doubtful.head(_LISTED).itertuples()
        ]
        return said + self.unjudged()

    def unjudged(self) -> list[str]:
        """Which polygons could not be judged, and why."""
        said = []
        alone = self.table.loc[self.table["margin"].isna(), "code"]
        if len(alone):
            told = text(
                "LCZ {codes}: a single polygon each, which there is nothing to judge by: draw others."
            )
            said.append(told.format(codes=", ".join(alone)))
        if n := self.lost.get("polygons_without_cell"):
            said.append(
                texts(
                    "{n} polygon holds no place that was looked at: lower {spacing}.",
                    "{n} polygons hold no place that was looked at: lower {spacing}.",
                    n, spacing=option("spacing"),
                )
            )  # fmt: skip
        return said

    def cautions(self) -> list[str]:
        """Where the ranking is worth little: the image does not tell the classes apart."""
        judged = int(self.table["margin"].notna().sum())
        if judged and len(self.doubtful) > _TOO_MANY * judged:
            said = text(
                "{n} of {judged} polygons look like another class: the image hardly tells these classes apart, and the "
                "ranking is worth little. Is it of this place, clear, and with all its bands?"
            )
            return [said.format(n=len(self.doubtful), judged=judged)]
        return []

    def document(self) -> dict[str, Any]:
        """What ``polygons.json`` says."""
        return {
            "n_polygons": len(self.table), "n_doubtful": len(self.doubtful), "lost": self.lost,
            "method": {
                "classifier": "random forest, 200 trees, of mean and standard deviation of each band in the "
                "100 m cell and in 320 m", "folds": self.request.folds, "repeats": self.request.repeats,
                "seed": self.request.seed,
            },
        }  # fmt: skip

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.export.files import write_features, write_result, write_table

        write_table(folder / "polygons.csv", self.table, index=False)
        write_features(folder / "polygons.gpkg", self.areas, layer="polygons")
        write_result(folder / "polygons.json", self.document())


@job
def run(request: CheckPolygonsRequest, step: Steps) -> CheckPolygonsResult:
    """Judge each polygon by a classifier of the others.

    Raises
    ------
    InputError, GridError
        If there are no scenes, polygons or patches, or too few polygons to judge by.
    """
    from lczlib.polygons import open_polygons
    from lczlib.training.inputs import PatchSize, patches_of
    from lczlib.training.labelled import scene_files
    from lczlib.training.suspects import suspicious_polygons

    step("Cutting patches", 0, 2)
    areas = open_polygons(request.polygons, request.column, zero_unlabelled=True)
    files = scene_files(request, request.sensor, ())
    size = PatchSize(metres=_PATCH_METRES, least=1)
    patches = patches_of(
        files, areas, patch_size=size, spacing=request.spacing, cancelled=step.cancelled
    )
    table = suspicious_polygons(
        patches, folds=request.folds, repeats=request.repeats, seed=request.seed,
        progress=lambda done, total: step("Growing forests", done, total), cancelled=step.cancelled,
    )  # fmt: skip
    lost = {k: int(v) for k, v in patches.table.attrs.items() if v}
    shown = areas[["polygon", "geometry"]].merge(table, on="polygon")
    shown = shown.sort_values("rank", na_position="last").to_crs("EPSG:4326")
    return CheckPolygonsResult(request=request, table=table, areas=shown, lost=lost)
