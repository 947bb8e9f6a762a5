"""Where to put air temperature sensors, given a map."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lczlib.analysis.heat.options import SiteOptions
from lczlib.classes import CLASSES
from lczlib.jobs.map_files import OneMap, open_map
from lczlib.jobs.request import Steps
from lczlib.jobs.result import Result, job
from lczlib.reading import counted
from lczlib.settings import options_of, setting
from lczlib.terms import option

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


_CELL_BYTES = 60
"""Memory that a cell takes: distances to borders, their trials, and the numbers of patches."""


@dataclass(frozen=True, kw_only=True)
class SitesRequest(OneMap, SiteOptions):
    """Sites for the sensors of a network on a map."""

    command: ClassVar = "sites"

    sensors: int = setting(..., "How many sensors there are.", title="Sensors", low=1, short="-n")


@dataclass(frozen=True, kw_only=True, repr=False)
class SitesResult(Result):
    """Proposed sites.

    Attributes
    ----------
    request : SitesRequest
    sites : GeoDataFrame
        As of `lczlib.analysis.heat.network.sensor_sites`.
    """

    draws = False

    request: SitesRequest
    sites: gpd.GeoDataFrame = field(repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """The sites, with their places as points."""
        return self.sites

    def headline(self) -> str:
        """How many sensors found a place, in a sentence."""
        found, request = self.document(), self.request
        text = (
            f"{found['n_sensors']} of {counted(request.sensors, 'sensor')} in "
            f"{counted(len(found['zones']), 'zone')}"
        )
        if found["n_sensors"] > 1:
            text += f", the closest two {found['closest_two_m']:,.0f} m apart"
        return f"{text}."

    def document(self) -> dict[str, Any]:
        """What ``sensor_sites.json`` says."""
        told = self.sites.attrs
        return {
            "n_wanted": self.request.sensors,
            "n_sensors": len(self.sites),
            "border_distance_m": self.request.border_distance,
            "spacing_m": self.request.spacing,
            "closest_two_m": float(self.sites["nearest_site"].min()),
            "zones": [
                {"lcz": zone, "code": CLASSES[zone - 1].code, "n_sensors": n}
                for zone, n in sorted(told["allocation"].items())
            ],
            "zones_without_room": _codes(told["no_room"]),
            "zones_too_near_others": _codes(told["crowded"]),
            "zones_without_sensor": _codes(told["left_out"]),
        }

    def notes(self) -> list[str]:
        """Why zones have no sensor though there are enough of them, and what helps."""
        found, request, said = self.document(), self.request, []
        if names := ", ".join(found["zones_without_room"]):
            said.append(
                f"No place {request.border_distance:g} m inside LCZ {names}: lower {option('border_distance')}."
            )
        if names := ", ".join(found["zones_too_near_others"]):
            said.append(
                f"No place in LCZ {names} {request.spacing:g} m from the other sensors: lower "
                f"{option('spacing')}."
            )
        return said

    def cautions(self) -> list[str]:
        """What was asked for and could not be."""
        found, request, said = self.document(), self.request, []
        if names := ", ".join(found["zones_without_sensor"]):
            leave = "leaves" if request.sensors == 1 else "leave"
            said.append(
                f"{counted(request.sensors, 'sensor')} {leave} LCZ {names} without one: LCZ D, which heat "
                "islands are measured against, came first, then the largest zones."
            )
        if found["n_sensors"] < request.sensors:
            said.append(
                f"there is room for {found['n_sensors']} of {request.sensors} sensors "
                f"{request.border_distance:g} m inside their zones and {request.spacing:g} m apart."
            )
        return said

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.export.files import write_features, write_result

        write_features(folder / "sensor_sites.gpkg", self.sites, layer="sensor_sites")
        write_result(folder / "sensor_sites.json", self.document())


def _codes(zones: Iterable[int]) -> list[str]:
    return [CLASSES[zone - 1].code for zone in zones]


@job
def run(request: SitesRequest, step: Steps) -> SitesResult:
    """Propose sites: every zone, by area, off the borders, spread out."""
    from lczlib.analysis.heat.network import sensor_sites

    step("Reading the map", 0, 2)
    lcz = open_map(request.map_path, request, cell_bytes=_CELL_BYTES)
    step("Looking for sites", 1, 2)
    options = asdict(options_of(request, SiteOptions))
    return SitesResult(request=request, sites=sensor_sites(lcz, request.sensors, **options))
