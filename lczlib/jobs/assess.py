"""The accuracy of a map: against reference polygons, points or a raster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lczlib.analysis.options import AssessOptions
from lczlib.errors import InputError
from lczlib.jobs.map_files import CHUNKS, MapReading, advising, band, map_network, nodata, open_map
from lczlib.jobs.published_maps import check_found
from lczlib.jobs.request import Source, Steps, is_path, name_of
from lczlib.jobs.result import Result, job
from lczlib.settings import options_of, setting
from lczlib.terms import option

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import xarray as xr

    from lczlib.analysis.assessment import Assessment
    from lczlib.analysis.calibration import Calibration
    from lczlib.analysis.ceiling import Ceiling
    from lczlib.maps import MapOptions


@dataclass(frozen=True, kw_only=True)
class AssessRequest(MapReading, AssessOptions):
    """The accuracy of a map against a reference."""

    command: ClassVar = "assess"
    maps: ClassVar = ("lcz_map", "reference", "second_reference")
    apart: ClassVar = {
        "reference": {"scheme": "reference_scheme", "column": "column", "layer": "layer"},
        "second_reference": {
            "scheme": "second_scheme",
            "column": "second_column",
            "layer": "second_layer",
        },
    }

    lcz_map: Source = setting(
        ..., "LCZ map: a raster, or polygons.", title="Map", file=True, argument=True, metavar="MAP"
    )
    reference: Source = setting(
        ..., "Reference: a raster, or polygons or points (GPKG, GeoJSON, KML/KMZ, Shapefile; points also "
        "CSV with lon and lat, or x, y and epsg).", title="Reference", file=True,
    )  # fmt: skip
    polygons: Source = setting(
        None, "Polygons that a raster reference was made from.", title="Polygons", file=True
    )
    probabilities: Source = setting(
        None, "Class probabilities of the map: adds their calibration.", title="Class probabilities",
        file=True,
    )  # fmt: skip
    resample: Literal["nearest", "mode"] | None = setting(
        None, "Bring the map to the grid of a raster reference this way.", title="Resampling",
        usual="other grids are refused",
    )  # fmt: skip
    column: str | None = setting(
        None, "Polygon column that holds the class.", title="Column (of polygons)"
    )
    layer: str | None = setting(None, "Layer of the polygon file.", title="Layer (of polygons)")
    reference_scheme: Literal["1-17", "101-107", "0-16"] | None = setting(
        None, "Numbering of the reference.", title="Numbering of the reference"
    )
    second_reference: Source = setting(
        None, "Another reference of the place, by other people or in another way: adds how far the two agree, and the "
        "map's accuracy beside that.", title="Second reference", file=True,
    )  # fmt: skip
    second_column: str | None = setting(
        None, "Polygon column of the second reference that holds the class.",
        title="Column (of the second reference)",
    )  # fmt: skip
    second_layer: str | None = setting(
        None, "Layer of the second reference's file.", title="Layer (of the second reference)"
    )
    second_scheme: Literal["1-17", "101-107", "0-16"] | None = setting(
        None, "Numbering of the second reference.", title="Numbering of the second reference"
    )
    band: tuple[str, ...] = band()
    nodata: tuple[str, ...] = nodata()

    def _before_reading(self) -> None:
        for name in self.apart["second_reference"].values():
            if self.second_reference is None and getattr(self, name) is not None:
                msg = f"There is no second reference that {option(name)} is for: give {option('second_reference')}."
                raise InputError(msg, parameter=name)
        super()._before_reading()


@dataclass(frozen=True, kw_only=True)
class AssessResult(Result):
    """The accuracy of a map.

    Attributes
    ----------
    request : AssessRequest
    assessment : Assessment
        Scores with their intervals, and the confusion matrix.
    calibration : Calibration or None
        Of the class probabilities, where they were given.
    network : str
        That made the map, where the map says so.
    areas : mapping or None
        Of a reference of polygons or points, what became of its features.
    ceiling : Ceiling or None
        With a second reference: how far the two agree, and the map beside that.
    """

    request: AssessRequest
    assessment: Assessment
    calibration: Calibration | None
    network: str
    areas: Mapping[str, Any] | None = field(repr=False)
    ceiling: Ceiling | None = field(default=None, repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """The classes: see `Assessment.classes`."""
        return self.assessment.classes

    def headline(self) -> str:
        """The overall scores with their intervals, in a sentence."""
        from lczlib.analysis.words import assessed

        text = assessed(self.assessment)
        return f"{text[0].upper()}{text[1:]}."

    def _repr_html_(self) -> str:
        return self.assessment._repr_html_()

    def document(self) -> dict[str, Any]:
        """What ``assessment.json`` says."""
        import lczlib

        request = self.request
        found = {
            "map": _told(request.lcz_map), "network": self.network,
            "reference": _told(request.reference), **self.assessment.to_dict(),
            "resampling": request.resample, "lczlib": lczlib.__version__,
        }  # fmt: skip
        if self.areas is not None:
            found["reference_polygons"] = self.areas
        if self.calibration is not None:
            found["calibration"] = self.calibration.to_dict()
        if self.ceiling is not None:
            found["second_reference"] = {
                "file": _told(request.second_reference),
                **self.ceiling.to_dict(),
            }
        return found

    def _write(self, folder: Path, figures: bool) -> None:
        from lczlib.analysis.confusion import confusion_table
        from lczlib.export.files import staged, write_result
        from lczlib.jobs.record import seen_from

        content = self.document()
        for name in ("map", "reference"):
            content[name] = seen_from(folder, content[name])
        if "source" in (told := content.get("reference_polygons") or {}):
            content["reference_polygons"] = {**told, "source": Path(str(told["source"])).name}
        write_result(folder / "assessment.json", content)
        tables = {
            "classes.csv": self.assessment.classes,
            "confusion_matrix.csv": confusion_table(self.assessment.counts),
        }
        for name, table in tables.items():
            with staged(folder / name) as path:
                table.to_csv(path)
        if self.ceiling is not None:
            self._write_ceiling(folder, self.ceiling)
        if figures:
            self._draw(folder)

    def _write_ceiling(self, folder: Path, found: Ceiling) -> None:
        from lczlib.export.files import staged
        from lczlib.export.geotiff import write_raster

        for name, table in (
            ("references.csv", found.scores.reset_index()),
            ("disagreements.csv", found.disagreements),
        ):
            with staged(folder / name) as path:
                table.to_csv(path, index=False)
        write_raster(
            folder / "disagreement.tif", found.layer, nodata=0, overview_resampling="nearest",
            colormap={1: (220, 220, 220), 2: (230, 97, 1), 3: (94, 60, 153), 4: (178, 171, 210), 5: (0, 0, 0)},
            descriptions=["1 all agree, 2 references agree, 3 with first, 4 with second, 5 all differ"],
        )  # fmt: skip

    def _draw(self, folder: Path) -> None:
        from lczlib import figures

        found, calibrated = self.assessment, self.calibration
        name = Path(name_of(self.request.lcz_map, "map")).stem
        drawn = {
            "confusion_matrix": lambda: figures.confusion_figure(found.counts),
            "confusion_matrix_counts": lambda: figures.confusion_figure(found.counts, "counts"),
            "class_accuracy": lambda: figures.class_accuracy_figure({name: found}),
        }
        if calibrated is not None:
            drawn["reliability"] = lambda: figures.reliability_figure(calibrated)
            drawn["certainty"] = lambda: figures.certainty_figure(calibrated)
        figures.save_figures(drawn, folder)


def _told(source: Source) -> str | None:
    """A source in the JSON: as it was given; of an open object where it came from, if it says so."""
    return str(source) if is_path(source) else getattr(source, "attrs", {}).get("source")


@job
def run(request: AssessRequest, step: Steps) -> AssessResult:
    """The accuracy of a map, each score with its interval and sample size."""
    import geopandas as gpd

    from lczlib.analysis import assess
    from lczlib.analysis.calibration import calibration
    from lczlib.analysis.ceiling import ceiling
    from lczlib.maps import open_probabilities, probabilities
    from lczlib.polygons import open_polygons

    total = 4 + (request.probabilities is not None) + (request.second_reference is not None)
    step("Reading the map and the reference", 0, total)
    mapped, truth = opened(request)
    drawn = isinstance(truth, gpd.GeoDataFrame)
    units, proba = request.polygons, request.probabilities
    if is_path(units):
        units = open_polygons(units, request.column, layer=request.layer, zero_unlabelled=True)
    if is_path(proba):
        proba = open_probabilities(proba, chunks={"y": 256})
    elif proba is not None:
        proba = probabilities(proba)
    step("Counting and drawing samples for the intervals", 1, total)
    result = assess(
        mapped, truth, units=units, resampling=request.resample,
        **asdict(options_of(request, AssessOptions)),
    )  # fmt: skip
    calibrated = None
    if proba is not None:
        step("Checking the probabilities", 2, total)
        calibrated = calibration(
            proba, truth, block=request.block, replicates=request.replicates, seed=request.seed
        )
    between = None
    if request.second_reference is not None:
        step("Comparing the references", total - 2, total)
        how = list(request.reading().items())[2]
        other = _reference("second_reference", request, *how)
        between = ceiling(
            mapped, truth, other, resampling=request.resample, block=request.block,
            replicates=request.replicates, seed=request.seed,
        )  # fmt: skip
    return AssessResult(
        request=request, assessment=result, calibration=calibrated, ceiling=between,
        network=map_network(request.lcz_map), areas=dict(truth.attrs) if drawn else None,
    )  # fmt: skip


def opened(request: AssessRequest) -> tuple[xr.DataArray, xr.DataArray | gpd.GeoDataFrame]:
    """The map and the reference of an assessment.

    Raises
    ------
    InputError
        If one cannot be read as what it is to be.
    """
    import geopandas as gpd

    from lczlib.grid import geobox_of

    (name, how), (truth_name, truth_how), *_ = request.reading().items()
    truth = _reference("reference", request, truth_name, truth_how)
    mapped = open_map(
        request.lcz_map, request, how, name=name, chunks=CHUNKS,
        grid=None if isinstance(truth, gpd.GeoDataFrame) else geobox_of(truth, "reference"),
    )  # fmt: skip
    return mapped, truth


def _reference(
    setting_of_it: str, request: AssessRequest, name: str, how: MapOptions
) -> xr.DataArray | gpd.GeoDataFrame:
    import geopandas as gpd
    import xarray as xr

    from lczlib.references import open_reference

    source = getattr(request, setting_of_it)
    if not (is_path(source) or isinstance(source, (xr.DataArray, gpd.GeoDataFrame))):
        msg = (
            "A reference is a file, an open DataArray or a GeoDataFrame of polygons or points, not "
            f"{type(source).__name__}."
        )
        raise InputError(msg)
    check_found(source, request.city)
    # its column and numbering have settings of their own; band, no data and legend are of a map by its name
    with advising(name), advising(called=request.apart[setting_of_it]):
        return open_reference(source, chunks=CHUNKS, options=how)
