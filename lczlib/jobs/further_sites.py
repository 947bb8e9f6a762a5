"""Where further stations would tell most, beside those of a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lczlib.analysis.field.options import ModelOptions, PeriodOptions
from lczlib.analysis.heat.options import SiteOptions
from lczlib.jobs.field import GroundChoices, areas_of, read_ground
from lczlib.jobs.request import Steps
from lczlib.jobs.result import Result, job
from lczlib.reading import counted
from lczlib.settings import options_of, setting
from lczlib.terms import option

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from lczlib.analysis.field.model import Field


@dataclass(frozen=True, kw_only=True)
class FurtherSitesRequest(GroundChoices, SiteOptions):
    """Sites for further sensors of a network, where they shrink the error of its field most."""

    command: ClassVar = "sites"

    sensors: int = setting(..., "How many sensors there are.", title="Sensors", low=1, short="-n")


@dataclass(frozen=True, kw_only=True, repr=False)
class FurtherSitesResult(Result):
    """Proposed sites.

    Attributes
    ----------
    request : FurtherSitesRequest
    sites : GeoDataFrame
        As of `lczlib.analysis.field.further.further_sites`.
    fitted : Field
        Of the stations that there are.
    areas : DataFrame
        As of `lczlib.jobs.field.FieldResult`.
    """

    draws = False

    request: FurtherSitesRequest
    sites: gpd.GeoDataFrame = field(repr=False)
    fitted: Field = field(repr=False)
    areas: pd.DataFrame = field(repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """The sites, with their places as points."""
        return self.sites

    def headline(self) -> str:
        """By how much the sites shrink the error, in a sentence."""
        before, after = self.sites.attrs["mean_error_before"], self.sites["mean_error"].iloc[-1]
        return (
            f"{counted(len(self.sites), 'further sensor')} beside {counted(len(self.fitted.sample.places), 'station')} "
            f"shrink the mean standard error of the field from {before:.3f} to {after:.3f} K "
            f"({100 * (after / before - 1):+.1f} %)."
        )

    def document(self) -> dict[str, Any]:
        """What ``sensor_sites.json`` says."""
        from lczlib.jobs.field_words import of_covariance, what

        rows = self.sites.drop(columns="geometry").to_dict("records")
        return {
            "n_wanted": self.request.sensors,
            "n_sensors": len(self.sites),
            "n_stations": len(self.fitted.sample.places),
            "mean_error_before": self.sites.attrs["mean_error_before"],
            "mean_error_after": float(self.sites["mean_error"].iloc[-1]),
            "border_distance_m": self.request.border_distance,
            "spacing_m": self.request.spacing,
            "pixels_tried": self.sites.attrs["tried"],
            "field": what(self.fitted),
            "covariance": of_covariance(self.fitted.covariances[-1]),
            "sites": rows,
        }

    def notes(self) -> list[str]:
        """What the proposal rests on."""
        from lczlib.jobs.field_words import of_covariance, unsupported, what

        said = [
            f"Field: {what(self.fitted)}. Standard deviations: {of_covariance(self.fitted.covariances[-1])}.",
            f"Tried {self.sites.attrs['tried']:,} of {self.sites.attrs['map_pixels']:,} pixels of the map; the "
            "covariance is taken as known.",
        ]
        if lone := unsupported(self.areas):
            said.append(f"{lone}; they count with the variance that zones have.")
        return said

    def cautions(self) -> list[str]:
        """What was asked for and could not be."""
        found, wanted = len(self.sites), self.request.sensors
        if found == wanted:
            return []
        return [
            f"there is room for {found} of {counted(wanted, 'sensor')} {self.request.border_distance:g} m inside "
            f"their zones and {self.request.spacing:g} m apart: lower {option('spacing')}."
        ]

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.export.files import write_features, write_result

        write_features(folder / "sensor_sites.gpkg", self.sites, layer="sensor_sites")
        write_result(folder / "sensor_sites.json", self.document())


@job
def run(request: FurtherSitesRequest, step: Steps) -> FurtherSitesResult:
    """Propose sites for further sensors, each where it shrinks the field's error most."""
    from lczlib.analysis.field.further import further_sites
    from lczlib.analysis.field.model import fit_field

    network, ground = read_ground(request, lambda what, i: step(what, i, 4))
    step("Fitting the covariance", 2, 4)
    fitted = fit_field(
        network.checked.air, network.sites, network.zones["lcz"], ground,
        period=options_of(request, PeriodOptions), options=options_of(request, ModelOptions),
    )  # fmt: skip
    step("Looking for sites", 3, 4)
    sites = further_sites(fitted, request.sensors, options_of(request, SiteOptions))
    return FurtherSitesResult(request=request, sites=sites, fitted=fitted, areas=areas_of(fitted))
