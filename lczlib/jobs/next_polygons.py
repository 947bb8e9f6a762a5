"""Where to draw the next reference polygons of a city, by its class probabilities."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lczlib.analysis.options import PLACE_SIZE, PLACE_SPACING
from lczlib.classes import CLASSES
from lczlib.jobs.request import Request, Source, Steps, is_path
from lczlib.jobs.result import Result, job
from lczlib.kinds import MADE
from lczlib.settings import setting
from lczlib.terms import option
from lczlib.texts import text, texts

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import xarray as xr

_FILES = ("next_polygons.gpkg", "next_polygons.csv", "next_polygons.kml", "next_polygons.json")


@dataclass(frozen=True, kw_only=True)
class NextPolygonsRequest(Request):
    """Class probabilities of a map, and what is drawn already."""

    command: ClassVar = "next-polygons"

    probabilities: Source = setting(
        ..., "Class probabilities (*_proba.tif), calibrated ones if there are any, or the result folder of `lcz map`: "
        "of several maps the fused one.", title="Class probabilities", file=True, argument=True, metavar="PROBA",
    )  # fmt: skip
    polygons: Source | None = setting(
        None, "Polygons that are drawn already (GPKG, GeoJSON, KML/KMZ, Shapefile).",
        title="Drawn polygons", file=True, usual="none",
    )  # fmt: skip
    column: str | None = setting(None, "Polygon column that holds the class.", title="Column")
    layer: str | None = setting(None, "Layer of the polygon file.", title="Layer")
    n: int = setting(10, "Places.", title="Places", low=1, short="-n")
    size: float = setting(
        PLACE_SIZE,
        "Least width in metres of a place.",
        title="Least width (m)",
        low=0,
        open_ends=True,
    )
    spacing: float = setting(
        PLACE_SPACING, "Metres between places; from drawn polygons half as many.", title="Spacing (m)",
        low=0, open_ends=True,
    )  # fmt: skip
    seed: int = setting(0, "Of the sample of a large map.", title="Seed", low=0)


@dataclass(frozen=True, kw_only=True, repr=False)
class NextPolygonsResult(Result):
    """Places for polygons, the most helpful first.

    Attributes
    ----------
    request : NextPolygonsRequest
    places : GeoDataFrame
        As of `lczlib.analysis.active_learning.next_polygons`.
    source : str
        Name of the probabilities.
    """

    draws = False

    request: NextPolygonsRequest
    places: gpd.GeoDataFrame = field(repr=False)
    source: str = ""

    def to_dataframe(self) -> pd.DataFrame:
        """The places, with their outlines."""
        return self.places

    def headline(self) -> str:
        """What the places stand for, in a sentence."""
        n, zones = len(self.places), self.places["mapped"].nunique()
        said = texts("{n} place to draw in, mapped as {classes}", "{n} places to draw in, mapped as {classes}", n,
                     classes=texts("{n} class", "{n} classes", zones))  # fmt: skip
        if self.request.polygons is None:
            return f"{said}."
        area = f"{self.places['stands_for_km2'].sum():,.1f}"
        more = text("{said}; {area} km² of the map are more like them than like any drawn polygon.")
        return more.format(said=said, area=area)

    def notes(self) -> list[str]:
        """What the user must know of classes without polygons."""
        said = []
        if codes := _codes(self.places.attrs["missing"]):
            told = text(
                "No polygon and no place on the map of LCZ {codes}: if the city has them, draw them; no classifier "
                "learns a class that it was not shown."
            )
            said.append(told.format(codes=codes))
        if codes := _codes(self.places.attrs["no_room"]):
            told = text(
                "LCZ {codes}: no polygon, and no square of {size} m on the map away from others: look for them, or "
                "lower {size_option} or {spacing}."
            )
            size = f"{self.request.size:g}"
            said.append(
                told.format(
                    codes=codes, size=size, size_option=option("size"), spacing=option("spacing")
                )
            )
        return said

    def cautions(self) -> list[str]:
        """What was asked for and could not be."""
        if len(self.places) < self.request.n:
            told = text("There is room for {n} of {places}: lower {spacing} or {size}.")
            places = texts("{n} place", "{n} places", self.request.n)
            return [
                told.format(
                    n=len(self.places),
                    places=places,
                    spacing=option("spacing"),
                    size=option("size"),
                )
            ]
        return []

    def document(self) -> dict[str, Any]:
        """What ``next_polygons.json`` says."""
        columns = [c for c in self.places.columns if c != "geometry"]
        return {
            "probabilities": self.source, "n_wanted": self.request.n, "n_places": len(self.places),
            "size_m": self.request.size, "spacing_m": self.request.spacing,
            "classes_nowhere": [CLASSES[k - 1].code for k in self.places.attrs["missing"]],
            "classes_without_room": [CLASSES[k - 1].code for k in self.places.attrs["no_room"]],
            "places": self.places[columns].to_dict("records"),
        }  # fmt: skip

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        import pandas as pd

        from lczlib.export.files import staged, write_features, write_result, write_table
        from lczlib.export.templates import render

        gpkg, csv, kml, told = (folder / name for name in _FILES)
        table = pd.DataFrame(self.places.drop(columns="geometry"))
        for name in ("longitude", "latitude"):  # six digits of 114.158 are 100 m
            table[name] = table[name].map("{:.6f}".format)
        write_table(csv, table, index=False)
        # what the map says is no label: the user's own goes here, and the file is polygons then
        empty = pd.array([None] * len(self.places), dtype="Int32")
        features = self.places.to_crs("EPSG:4326")
        features.insert(1, "lcz", empty)
        write_features(gpkg, features, layer="next_polygons")
        outlines = [
            (place, [[" ".join(f"{x:.7f},{y:.7f}" for x, y in ring.coords)
                      for ring in (part.exterior, *part.interiors)]
                     for part in getattr(place.geometry, "geoms", [place.geometry])])
            for place in features.itertuples()
        ]  # fmt: skip
        with staged(kml) as temporary:
            temporary.write_text(
                render("export/targets/places.kml.xml", places=outlines), encoding="utf-8"
            )
        write_result(told, self.document())


def _codes(zones: list[int]) -> str:
    return ", ".join(CLASSES[k - 1].code for k in zones)


@job
def run(request: NextPolygonsRequest, step: Steps) -> NextPolygonsResult:
    """Propose places for polygons.

    Raises
    ------
    InputError, GridError
        If there are no probabilities, they do not fit the polygons, or no place is left.
    """
    from lczlib.analysis.active_learning import next_polygons
    from lczlib.polygons import open_polygons

    step("Reading probabilities", 0, 2)
    source = _chosen(request.probabilities)
    proba = _opened(source)
    drawn = None
    if request.polygons is not None:
        drawn = open_polygons(
            request.polygons, request.column, layer=request.layer, zero_unlabelled=True
        )
    step("Looking for places", 1, 2)
    places = next_polygons(
        proba, drawn, n=request.n, size=request.size, spacing=request.spacing, seed=request.seed
    )
    name = Path(source).name if is_path(source) else "probabilities"
    return NextPolygonsResult(request=request, places=places, source=name)


def _chosen(source: Source) -> Source:
    """The probabilities in a result folder; any other source as it is."""
    from lczlib.errors import InputError

    if not is_path(source) or not Path(source).is_dir():
        return source
    found = {p.name.removesuffix("_proba.tif"): p for p in sorted(Path(source).glob("*_proba.tif"))}
    best = [found[kind] for kind in reversed(MADE) if kind in found] or list(found.values())
    if not best:
        msg = f"{source} holds no *_proba.tif: give class probabilities, or the result folder of `lcz map`."
        raise InputError(msg, parameter="probabilities")
    return best[0]


def _opened(source: Source) -> xr.DataArray:
    from lczlib.analysis.active_learning import CELL_BYTES
    from lczlib.limits import check_size
    from lczlib.maps import open_probabilities, probabilities

    if not is_path(source):
        return probabilities(source)
    proba = open_probabilities(source, chunks={"band": -1, "y": 256, "x": -1})
    rows, cols = proba.sizes["y"], proba.sizes["x"]
    check_size(CELL_BYTES * rows * cols, source, "probability raster", f"{cols:,} x {rows:,} cells")
    return proba
