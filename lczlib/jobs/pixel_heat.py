"""What both heat islands of rasters share: from opened temperatures and a map to the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from lczlib.analysis.heat import measures, series
from lczlib.analysis.heat.air import air_heat_island
from lczlib.analysis.heat.dates import Season, seasons_of
from lczlib.analysis.heat.further import Found, MeasuredScene, measured
from lczlib.analysis.heat.intervals import KeptGrids
from lczlib.analysis.heat.options import SurfaceOptions
from lczlib.analysis.heat.reference import Reference
from lczlib.analysis.heat.surface import SurfaceHeatIsland, surface_heat_island
from lczlib.errors import InputError
from lczlib.grid import Resampling, geobox_of, same_grid, to_grid
from lczlib.jobs import heat_dates, heat_files
from lczlib.jobs.heat_choices import PixelHeatRequest
from lczlib.jobs.heat_words import sentence
from lczlib.jobs.map_files import map_network, open_map
from lczlib.jobs.record import hashes
from lczlib.jobs.request import Source, Steps, is_path, name_of
from lczlib.jobs.result import Result
from lczlib.limits import check_size
from lczlib.maps import open_probabilities
from lczlib.scenes.elevation import open_elevation
from lczlib.scenes.thermal import CELL_BYTES, Thermal, UnusableDateError
from lczlib.settings import options_of

if TYPE_CHECKING:
    import pandas as pd

_DATE_BYTES = 50  # of memory that a pixel takes of every further date
NO_TIME = "time not stated"
_ORDER = ("day", "night", NO_TIME)


@dataclass(frozen=True)
class Overpass:
    """The heat island of the day, or of the night: the two are never put into one.

    Attributes
    ----------
    name : str
        ``day``, ``night`` or ``time not stated``.
    result : SurfaceHeatIsland
        Of the only date, or of the median of several.
    stack : DataArray (time, y, x)
        The dates, degC.
    lcz : DataArray (y, x)
        The map on their grid.
    layers : dict of str to DataArray
        Elevation and probabilities on it, where given.
    further : Found
        The further measures.
    scenes : tuple of dict
        File, time and solar hour of each date.
    pixels : dict of str to int
        What became of the pixels, of all dates.
    clouds : str
        How clouds were removed, in words; empty of air temperature.
    uncertainty : float or None
        Median uncertainty of the retrieval in K, of a single date whose product has it.
    hot_from : float
        K above the reference from which on a pixel is hot.
    heat_waves : dict
        How days of heat waves are told: threshold, definition; empty where they are not.
    left_out : tuple of dict
        ``file`` and ``why`` of each date that has no usable pixel, by day or by night.
    """

    name: str
    result: SurfaceHeatIsland
    stack: xr.DataArray = field(repr=False)
    lcz: xr.DataArray = field(repr=False)
    layers: dict[str, xr.DataArray] = field(repr=False)
    further: Found = field(repr=False)
    scenes: tuple[dict[str, Any], ...]
    pixels: dict[str, int | None]
    clouds: str
    uncertainty: float | None
    hot_from: float
    heat_waves: dict[str, Any] = field(default_factory=dict)
    left_out: tuple[dict[str, str], ...] = ()

    def _compute(
        self, temperature: xr.DataArray, against: Reference | None = None, *, kept: KeptGrids
    ) -> SurfaceHeatIsland:
        """The heat island of a temperature on the common grid, made like the result."""
        compute = surface_heat_island if self.result.kind == "surface" else air_heat_island
        return compute(
            temperature, self.lcz, self.result.options, **self.layers, kept=kept, reference=against
        )

    @cached_property
    def dates(self) -> tuple[SurfaceHeatIsland | None, ...]:
        """Each of several dates by itself, against its own reference; none of a single one.

        None in place of a date that has no pixel of a zone, or none of the reference that was asked for.
        """
        if len(self.scenes) < 2:
            return ()
        found: list[SurfaceHeatIsland | None] = []
        kept = KeptGrids()
        for i in range(len(self.scenes)):
            try:
                found.append(self._compute(series.one_date(self.stack, i), kept=kept))
            except InputError:  # under clouds; the median of all dates has passed the same checks
                found.append(None)
        return tuple(found)

    @cached_property
    def seasons(self) -> tuple[Season, ...]:
        """What each class differs by through the dates of a season; none where days are not known."""
        when = heat_dates.when_of(self.scenes)
        if not self.dates or when is None:
            return ()
        compute = partial(self._compute, kept=KeptGrids())
        return seasons_of(self.stack, self.lcz, self.dates, when, compute)

    @cached_property
    def doubt(self) -> str:
        """What is to be said of several dates, else empty: see `lczlib.jobs.heat_dates.doubt`."""
        apart = np.flatnonzero(series.dates_apart(self.stack)).tolist()
        return heat_dates.doubt(
            self.scenes, self.dates, self.result.reference, apart, self.left_out
        )

    @cached_property
    def persistence(self) -> xr.DataArray | None:
        """With several dates: the share of those against one reference on which a pixel is hot."""
        main = self.result.reference.classes
        dates = [d.difference for d in self.dates if d is not None and d.reference.classes == main]
        if len(dates) < 2 or not self.result.reference.classes:
            return None
        hot = measures.persistence(
            xr.concat(dates, "time"), self.hot_from, min_dates=min(3, len(dates)),
        )  # fmt: skip
        words = f"share of dates more than {self.hot_from:g} K above {self.result.reference.label}"
        return hot["share"].assign_attrs(long_name=words, units="1")


@dataclass(frozen=True, kw_only=True, repr=False)
class PixelHeat(Result):
    """The heat island of rasters, of the surface or of the air.

    Attributes
    ----------
    request : PixelHeatRequest
    overpasses : dict of str to Overpass
        The day's first, where there are both.
    grid : str
        How rasters and map came to one grid, in words.
    quantity, network : str
        What was measured; the network that made the map, where the map says so.
    """

    request: PixelHeatRequest
    overpasses: dict[str, Overpass]
    grid: str
    quantity: str | None
    network: str

    pixels = True

    @property
    def main(self) -> Overpass:
        """The first overpass."""
        return next(iter(self.overpasses.values()))

    @property
    def kind(self) -> str:
        """``surface`` or ``canopy``."""
        return self.main.result.kind

    def to_dataframe(self) -> pd.DataFrame:
        """The zones of the first overpass: see `SurfaceHeatIsland.classes`."""
        return self.main.result.classes

    def headline(self) -> str:
        """The result in a sentence, with its uncertainty."""
        return self.sentence()

    def sentence(self, overpass: str = "") -> str:
        """The result of an overpass in a sentence, with its uncertainty."""
        found = self.overpasses.get(overpass, self.main).result
        return sentence(
            found, self.kind, "n_pixels", map_error=self.request.probabilities is not None
        )

    def method(self, overpass: str = "") -> str:
        """How the result of an overpass was made, in words."""
        one = self.overpasses.get(overpass, self.main)
        n = len(one.scenes)
        dates = f"; median of {n} dates" if n > 1 else ""
        if n > 1 and series.date_levels(one.stack).any():
            dates += " brought to one level, since they see other pixels"
        others = sum(len(o.scenes) for o in self.overpasses.values()) - n
        left = f"; {others} of another overpass apart" if others else ""
        when = "overpass" if self.kind == "surface" else "time"
        clouds = f"; {one.clouds}" if one.clouds else ""
        return f"{self.grid}; {when}: {one.name}{dates}{left}{clouds}"

    def document(self, overpass: str) -> dict[str, Any]:
        """What ``heat_island.json`` says of an overpass."""
        one = self.overpasses[overpass]
        more: dict[str, Any] = {
            "quantity": self.quantity, "map_network": self.network, "overpass": one.name,
            "resampling": self.grid, "pixels": one.pixels,
            **({"clouds": one.clouds} if one.clouds else {}),
            "scenes": [s | {"files": [Path(f).name for f in s["files"]]} for s in one.scenes],
            "inputs": self._inputs(one),
            "measures": dict(one.further.facts),
        }  # fmt: skip
        if one.uncertainty is not None:
            more["retrieval_uncertainty_k"] = one.uncertainty
        if one.dates:
            more["dates"] = [
                {
                    "file": scene["file"], "time": scene["time"],
                    "reference": date and date.reference.label,
                    "reference_temperature": date and date.reference_temperature,
                    "classes": heat_files.class_rows(date.classes) if date else [],
                }
                for scene, date in zip(one.scenes, one.dates, strict=True)
            ]  # fmt: skip
            more["seasons"] = [heat_dates.season_document(s) for s in one.seasons]
        if one.dates or one.doubt:
            more["dates_note"] = one.doubt
        if one.left_out:
            more["left_out"] = [*one.left_out]
        if one.heat_waves:
            more["heat_waves"] = one.heat_waves
        return heat_files.surface_document(one.result, **more)

    def _inputs(self, one: Overpass) -> dict[str, str | None]:
        own = {scene["file"] for scene in one.scenes}
        others = {s["file"] for o in self.overpasses.values() for s in o.scenes} - own
        return {n: h for n, h in hashes(self.request).items() if n not in others}

    def also_read(self) -> list[Path]:
        """Quality layers and metadata beside the rasters."""
        return [Path(f) for o in self.overpasses.values() for s in o.scenes for f in s["files"]]

    def _write(self, folder: Path, figures: bool) -> None:
        documents = {name: self.document(name) for name in self.overpasses}
        first, *others = documents
        if others:
            documents[first]["other_overpasses"] = [documents[name] for name in others]
        for name, one in self.overpasses.items():
            hot = {} if one.persistence is None else {"persistence": one.persistence}
            suffix = "" if name == first else f"_{name}"
            heat_files.write_seasons(folder, one.seasons, suffix, figures)
            heat_files.write_surface(
                folder, one.result, documents[name], tables=one.further.tables,
                rasters={**one.further.layers, **hot}, suffix=suffix, figures=figures,
            )  # fmt: skip


def heat_of(
    request: PixelHeatRequest,
    sources: Sequence[Source],
    opened: Callable[[Source, int], Thermal],
    compute: Callable[..., SurfaceHeatIsland],
    step: Steps,
) -> PixelHeat:
    """The heat island of rasters, opened one by one; of several those without a usable pixel are left out.

    Raises
    ------
    InputError
        If one cannot be read, or none has a usable pixel.
    """
    request.check_times(tuple(sources))
    total = len(sources) + 2
    scenes, names = [], []
    left_out: list[dict[str, str]] = []
    for i, source in enumerate(sources):
        step("Reading temperatures", i, total)
        name = name_of(source, f"raster {i + 1}")
        try:
            scenes.append(opened(source, i))
        except UnusableDateError as error:
            if (
                len(left_out) == len(sources) - 1
            ):  # all of them: what is wrong is not the clouds of a date
                raise
            left_out.append({"file": _of_band(name, sources, i), "why": error.message})
            continue
        names.append(name)
        _check_dates(scenes[0].temperature, sources)
    lcz = open_map(request.map_path, request, cell_bytes=CELL_BYTES)
    temperature, lcz, method = series.stack(scenes, lcz, request.resample)
    facts, heat_waves = heat_dates.with_heat_waves(request, series.overpasses(scenes))
    groups = series.split_by_overpass(facts)
    options = _options(request, abs(geobox_of(lcz).affine.a))
    layers = _layers(request, lcz)
    step("Comparing zones", len(sources), total)
    found = {}
    for name in sorted(groups, key=_ORDER.index):
        own = [scenes[i] for i in groups[name]]
        part = temperature.isel(time=groups[name]) if len(groups) > 1 else temperature
        whole = series.composite(part)
        result = compute(whole, lcz, options, **layers)
        told = tuple(facts[i] | {"file": names[i], "files": scenes[i].files} for i in groups[name])
        noise = own[0].uncertainty if len(own) == 1 else None
        found[name] = Overpass(
            name, result, part, lcz, layers,
            measured(MeasuredScene(whole, lcz, result), request.measures), told,
            _summed([s.counts for s in own]), str(whole.attrs.get("clouds", "")),
            None if noise is None else float(noise.median()), request.persistence, heat_waves,
            tuple(left_out),
        )  # fmt: skip
        step("Comparing zones", len(sources) + 1, total)
    return PixelHeat(
        request=request, overpasses=found, grid=method,
        quantity=temperature.attrs.get("quantity"), network=map_network(request.map_path),
    )  # fmt: skip


def _of_band(name: str, sources: Sequence[Source], i: int) -> str:
    """``lst.tif, band 3`` of a raster of dates."""
    same = [j for j, other in enumerate(sources) if other is sources[i]]
    return f"{name}, band {same.index(i) + 1}" if len(same) > 1 else name


def _check_dates(first: xr.DataArray, sources: Sequence[Source]) -> None:
    """Refuse more dates than the memory holds, once the first has told how large they are."""
    rows, columns = first.shape
    check_size(
        first.size * (CELL_BYTES + _DATE_BYTES * (len(sources) - 1)), name_of(sources[0], "raster"),
        "first raster", f"{columns:,} x {rows:,} pixels of {len(sources)} dates",
    )  # fmt: skip


def _options(request: PixelHeatRequest, cell: float) -> SurfaceOptions:
    options, far = options_of(request, SurfaceOptions), request.interior_distance
    return options if far is None else replace(options, interior=math.ceil(far / cell - 1e-6))


def _layers(request: PixelHeatRequest, lcz: xr.DataArray) -> dict[str, xr.DataArray]:
    """Elevation and probabilities on the common grid, where given."""
    box, out = geobox_of(lcz), {}
    ways: tuple[tuple[str, Callable[..., xr.DataArray], Resampling], ...] = (
        ("elevation", open_elevation, "average"),
        ("probabilities", open_probabilities, "nearest"),
    )
    for name, opened, how in ways:
        source = getattr(request, name)
        if source is not None:
            layer = opened(source) if is_path(source) else source
            out[name] = layer if same_grid(geobox_of(layer), box) else to_grid(layer, box, how)
    return out


def _summed(counts: Sequence[Mapping[str, int | None]]) -> dict[str, int | None]:
    """Pixels of several scenes; clouds are None where no scene has a quality layer."""
    known = {key: [c[key] for c in counts if c[key] is not None] for key in counts[0]}
    return {key: sum(v for v in found if v) if found else None for key, found in known.items()}
