"""What surface water is found: scene by scene, by month, and as files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from lczlib.analysis import water_dynamics as dynamics
from lczlib.analysis.water_area import water_area
from lczlib.errors import InputError
from lczlib.export.files import staged, write_result
from lczlib.export.geotiff import write_raster
from lczlib.grid import geobox_of, same_grid
from lczlib.jobs.result import Result
from lczlib.mapping.water import water_of
from lczlib.mapping.water_files import as_series, write_water_map
from lczlib.reading import counted

if TYPE_CHECKING:
    from lczlib.jobs.scratch import Scratch
    from lczlib.jobs.water import WaterRequest

_MUCH_DARK = 0.25  # of the mapped area, unmapped: worth a look
_OTHER_GRIDS = (
    "The dated inputs lie on different grids, so there is no area by month: bring them to one grid."
)


@dataclass(frozen=True, kw_only=True)
class WaterScene:
    """Surface water of one scene.

    Attributes
    ----------
    name, file : str
        What its results are called, and the file it was.
    date : date or None
    backscatter : DataArray (band, y, x)
        dB, as the network took it.
    probability, dark : DataArray (y, x), lazy
        Probability of water, and where the scene is as dark as open water
        (`lczlib.analysis.water_area.dark_as_water`).
    stored : Path
        The file of the probability, until the result goes.
    threshold : float
    tags : mapping
        GeoTIFF metadata items.
    """

    name: str
    file: str
    date: date | None
    backscatter: xr.DataArray = field(repr=False)
    probability: xr.DataArray = field(repr=False)
    dark: xr.DataArray = field(repr=False)
    stored: Path = field(repr=False)
    threshold: float
    tags: Mapping[str, str] = field(repr=False)

    @cached_property
    def area(self) -> xr.Dataset:
        """Its area with the interval: see `lczlib.analysis.water_area.water_area`."""
        return water_area(self.probability, dark=self.dark, threshold=self.threshold)

    @property
    def water(self) -> xr.DataArray:
        """1 water, 0 not, 255 no data; lazy."""
        return water_of(self.probability, self.threshold)

    def document(self) -> dict[str, Any]:
        """What ``water.json`` says of it."""
        return {
            "input": self.file, "date": None if self.date is None else self.date.isoformat(),
            "probability": f"{self.name}_water_proba.tif", "water": f"{self.name}_water.tif",
            **_facts(self.area),
        }  # fmt: skip

    def write(self, folder: Path, name: str = "") -> list[Path]:
        """Write ``<name>_water_proba.tif`` and ``<name>_water.tif``; `name` is its own when not given."""
        name = name or self.name
        proba = folder / f"{name}_water_proba.tif"
        with staged(proba) as temporary:
            shutil.copyfile(self.stored, temporary)
        return [
            proba,
            write_water_map(self.probability, folder, name, self.threshold, self.tags),
        ]


@dataclass(frozen=True, kw_only=True)
class WaterSeries:
    """Surface water of dated scenes of one grid, by month.

    Attributes
    ----------
    probability, dark : DataArray (time, y, x), lazy
        Means over the scenes of each month.
    threshold : float
    """

    probability: xr.DataArray = field(repr=False)
    dark: xr.DataArray = field(repr=False)
    threshold: float

    @property
    def months(self) -> list[str]:
        """Like 2021-07."""
        return [str(t)[:7] for t in self.probability["time"].values]

    @cached_property
    def area(self) -> xr.Dataset:
        """Area of each month with its interval."""
        return water_area(self.probability, dark=self.dark, threshold=self.threshold)

    @cached_property
    def occurrence(self) -> xr.Dataset:
        """How often a cell is water: see `lczlib.analysis.water_dynamics.water_occurrence`; lazy."""
        return dynamics.water_occurrence(self.probability, threshold=self.threshold)

    @cached_property
    def regime(self) -> xr.DataArray:
        """Permanent and seasonal water: see `lczlib.analysis.water_dynamics.water_regime`; lazy."""
        return dynamics.water_regime(self.occurrence)

    @cached_property
    def regime_km2(self) -> dict[str, float]:
        """Area of permanent and seasonal water, and of the cells judged."""
        return dynamics.regime_areas(self.regime)

    @cached_property
    def trend(self) -> dynamics.Trend | str:
        """Trend of the area, or why there is none."""
        try:
            return dynamics.area_trend(self.area)
        except InputError as error:
            return error.message

    def document(self) -> dict[str, Any]:
        """What ``water.json`` says of it."""
        n_scenes = self.probability["n_scenes"].values
        found: dict[str, Any] = {
            "months": [
                {"month": month, "n_scenes": int(n_scenes[i]), **_facts(self.area.isel(time=i))}
                for i, month in enumerate(self.months)
            ],
            "regime_km2": self.regime_km2,
        }
        if isinstance(self.trend, str):
            return {**found, "trend": None, "trend_note": self.trend}
        return {**found, "trend": {**asdict(self.trend), "unit": "km2 per year"}}

    def write_occurrence(self, folder: Path) -> Path:
        """Write ``water_occurrence.tif``."""
        return write_raster(
            folder / "water_occurrence.tif", self.occurrence["occurrence"],
            descriptions=["water occurrence"],
        )  # fmt: skip

    def write_regime(self, folder: Path) -> Path:
        """Write ``water_regime.tif``."""
        return write_raster(
            folder / "water_regime.tif", self.regime, nodata=dynamics.REGIME_NODATA,
            descriptions=["water regime"], overview_resampling="mode",
            colormap=dynamics.REGIME_COLORS,
            tags={"flag_values": "0, 1, 2", "flag_meanings": self.regime.attrs["flag_meanings"]},
        )  # fmt: skip


def why_no_series(
    names: Sequence[str], days: Sequence[date | None], scenes: Sequence[xr.DataArray]
) -> str:
    """Why dated scenes make no course by month; empty where they do, or are not several dated ones."""
    if len(scenes) < 2 or None in days:
        return ""
    first = geobox_of(scenes[0])
    if not all(same_grid(first, geobox_of(s)) for s in scenes):
        return _OTHER_GRIDS
    held = _radiometries(names, scenes)
    known = sorted(filter(None, held))
    if len(known) < 2:
        return ""
    one, other = known[:2]
    return (
        f"{held[one][0]} holds {one} and {held[other][0]} {other} by their tags, which differ by about 1 dB, and more "
        "on slopes, so there is no area by month: give scenes of one of them."
    )


def _radiometries(names: Sequence[str], scenes: Sequence[xr.DataArray]) -> dict[str, list[str]]:
    """The names of the scenes of each radiometry; under an empty one, of those whose tags do not say."""
    held: dict[str, list[str]] = {}
    for name, scene in zip(names, scenes, strict=True):
        held.setdefault(scene.attrs.get("radiometry", ""), []).append(name)
    return held


def series_of(scenes: Sequence[WaterScene], threshold: float) -> tuple[WaterSeries | None, str]:
    """The months of several dated scenes of one grid; else none, and why not where that is told."""
    names, backscatter = [s.name for s in scenes], [s.backscatter for s in scenes]
    days = [s.date for s in scenes if s.date is not None]
    if len(scenes) < 2 or len(days) < len(scenes):
        return None, ""
    why = why_no_series(names, days, backscatter)
    if why:
        return None, why
    layers = ([s.probability for s in scenes], [s.dark for s in scenes])
    probability, dark = (dynamics.monthly(as_series(each, days)) for each in layers)
    return WaterSeries(probability=probability, dark=dark, threshold=threshold), ""


@dataclass(frozen=True, kw_only=True, repr=False)
class WaterResult(Result):
    """Surface water of Sentinel-1 scenes.

    Attributes
    ----------
    request : WaterRequest
    scenes : tuple of WaterScene
        In the order of the inputs.
    series : WaterSeries or None
        By month, of several dated scenes of one grid.
    why_no_series : str
        Of dated scenes that make none; else empty.
    weights : dict of str to str
        Name and SHA-256 of the network's.
    device : str
        What it computed on.
    scratch : Scratch
        Where the layers lie.
    """

    request: WaterRequest
    scenes: tuple[WaterScene, ...]
    series: WaterSeries | None
    why_no_series: str
    weights: dict[str, str]
    device: str
    scratch: Scratch

    def close(self) -> None:
        """Remove the layers at once, and not when nothing refers to them any more: none can be read then."""
        self.scratch.remove()

    def at(self, threshold: float) -> WaterResult:
        """The same with another threshold; the network need not run again for it."""
        if threshold == self.request.threshold:
            return self
        request = replace(self.request, threshold=threshold)
        scenes = tuple(replace(s, threshold=threshold) for s in self.scenes)
        series = self.series and replace(self.series, threshold=threshold)
        return replace(self, request=request, scenes=scenes, series=series)

    @property
    def probability(self) -> xr.DataArray:
        """Of the only scene (y, x), or of all of a series (time, y, x) by date; lazy.

        Raises
        ------
        InputError
            If several scenes make no series: each of `scenes` has its own.
        """
        if len(self.scenes) == 1:
            return self.scenes[0].probability
        if self.series is None:
            msg = "These scenes make no series: take the probability of each of them."
            raise InputError(msg)
        days = [s.date for s in self.scenes if s.date is not None]
        return as_series([s.probability for s in self.scenes], days)

    def areas(self) -> list[tuple[str, xr.Dataset]]:
        """Each month, or without a series each scene, with its area."""
        if self.series is None:
            return [(s.file, s.area) for s in self.scenes]
        area = self.series.area
        return [(month, area.isel(time=i)) for i, month in enumerate(self.series.months)]

    def to_dataframe(self) -> pd.DataFrame:
        """Areas in km2 with their intervals, by month, or without a series by scene."""
        first = "scene" if self.series is None else "month"
        rows = [
            {
                first: name, "area_km2": float(a["area"]), "ci_low_km2": float(a["low"]),
                "ci_high_km2": float(a["high"]), "dark_not_mapped_km2": float(a["dark"]),
                "valid_share": float(a["valid_share"]), "n_pixels": int(a["n_valid"]),
            }
            for name, a in self.areas()
        ]  # fmt: skip
        return pd.DataFrame(rows).set_index(first)

    def headline(self) -> str:
        """The result in a sentence, with its uncertainty."""
        found = [
            f"{float(a['area']):.3g} km² ({float(a['low']):.3g} to {float(a['high']):.3g}) in {name}"
            for name, a in self.areas()
        ]
        if len(found) > 2:
            found = [found[0], f"{len(found) - 2} between", found[-1]]
        text = f"Surface water, with 95% intervals: {', '.join(found)}"
        trend = self.series and self.series.trend
        if isinstance(trend, dynamics.Trend):
            text += (
                f"; trend {trend.slope:+.3g} km² a year ({trend.slope_low:+.3g} to "
                f"{trend.slope_high:+.3g})"
            )
        return f"{text}."

    def cautions(self) -> list[str]:
        """What should be looked at before the areas are quoted."""
        much = [
            s for s in self.scenes if float(s.area["dark"]) > _MUCH_DARK * float(s.area["area"])
        ]
        said = []
        if much:
            most = max(much, key=lambda s: float(s.area["dark"]))
            others = f" Likewise in {len(much) - 1} of the other scenes." if len(much) > 1 else ""
            said.append(
                f"{most.file}: {float(most.area['dark']):.3g} km² is as dark as open water but not mapped as "
                f"water, and the interval reaches over it: compare the map with the image.{others}"
            )
        held = _radiometries([s.name for s in self.scenes], [s.backscatter for s in self.scenes])
        if self.series and len(held) > 1:  # of two that are stated there is no series
            known = next(filter(None, held))
            said.append(
                f"The tags of {counted(len(held['']), 'scene')} of {len(self.scenes)} do not say whether sigma or "
                f"gamma nought is in them ({held[''][0]}), those of the others say {known}: if they differ, so do "
                "their areas."
            )
        return said + ([self.why_no_series] if self.why_no_series else [])

    def document(self) -> dict[str, Any]:
        """What ``water.json`` says."""
        told = ("dn_scale", "units", "orbit", "threshold", "edges")
        found = {name: getattr(self.request, name) for name in told}
        found["scenes"] = [scene.document() for scene in self.scenes]
        if self.why_no_series:
            found["series_note"] = self.why_no_series
        if self.series is not None:
            found["series"] = self.series.document()
        return found

    def facts(self) -> dict[str, Any]:
        """Weights and device, for the manifest."""
        return {"weights": self.weights, "device": self.device}

    def _write(self, folder: Path, figures: bool) -> None:
        for scene in self.scenes:
            scene.write(folder)
        if self.series is not None:
            self.series.write_occurrence(folder)
            self.series.write_regime(folder)
        if figures:
            self._draw(folder)
        write_result(folder / "water.json", self.document())

    def _draw(self, folder: Path) -> None:
        from lczlib.figures import water as draw

        for s in self.scenes:
            figure = draw.water_figure(s.backscatter, s.probability, s.threshold)
            draw.save(figure, folder / f"{s.name}_water.png")
        if self.series is not None:
            months = draw.monthly_area_figure(self.series.area)
            draw.save(months, folder / "water_monthly_area.png")
            maps = draw.monthly_maps_figure(self.series.probability, self.request.threshold)
            draw.save(maps, folder / "water_monthly_maps.png")
            occurrence = draw.occurrence_figure(self.series.occurrence["occurrence"])
            draw.save(occurrence, folder / "water_occurrence.png")


def _facts(area: xr.Dataset) -> dict[str, Any]:
    """An area as the files of results say it."""
    return {
        "area_km2": float(area["area"]),
        "area_km2_ci": [float(area["low"]), float(area["high"])],
        "expected_km2": float(area["expected"]),
        "valid_km2": float(area["valid"]),
        "valid_share": float(area["valid_share"]),
        "dark_not_water_km2": float(area["dark"]),
        "n": int(area["n_valid"]),
    }
