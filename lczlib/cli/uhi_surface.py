"""The surface half of ``lcz uhi``: open, align, compute, write, print."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from rich.progress import Progress, SpinnerColumn
from rich.table import Table

from lczlib.analysis.heat import measures, series
from lczlib.analysis.heat.surface import SurfaceHeatIsland, SurfaceOptions, surface_heat_island
from lczlib.classes import CLASSES
from lczlib.cli import console
from lczlib.cli.maps import UHI_NAMES, one_map, open_map
from lczlib.cli.results import recorded
from lczlib.cli.uhi import FILES
from lczlib.errors import InputError
from lczlib.export import sha256_of
from lczlib.export.heat import class_rows, surface_document, write_surface
from lczlib.grid import geobox_of, same_grid, to_grid
from lczlib.maps import open_probabilities
from lczlib.rasters import open_raster
from lczlib.scenes.thermal import Thermal, open_temperature
from lczlib.scenes.thermal_products import ThermalConstants


def run_surface(o: dict[str, Any]) -> None:
    """Do what ``lcz uhi MAP --lst FILE`` asks."""
    bar = Progress(
        SpinnerColumn(),
        *Progress.get_default_columns(),
        transient=True,
        console=console.err,
    )
    with bar, recorded("uhi", Path(o["out"]), o, FILES) as inputs:
        task = bar.add_task("Reading thermal rasters", total=len(o["lst"]) + 3)
        scenes = []
        for scene in _scenes(o):
            scenes.append(scene)
            inputs.extend(scene.files)
            bar.advance(task)
        lcz = open_map(o["map_path"], one_map(o["map_path"], o, UHI_NAMES), kinds=UHI_NAMES)
        temperature, lcz, method = series.stack(scenes, lcz, o["resample"])
        facts = series.overpasses(scenes)
        groups = series.split_by_overpass(facts)
        box = geobox_of(lcz)
        options = _options(o, abs(box.affine.a))
        layers = _layers(o, lcz)
        bar.update(task, advance=1, description="Resampling blocks")
        results, documents = {}, {}
        order = sorted(groups, key=("day", "night", "time not stated").index)
        for group in order:
            part = temperature.isel(time=groups[group])
            whole = (
                part[0].drop_vars(["time", "scene"])
                if len(groups[group]) == 1
                else series.median_composite(part)
            )
            result = surface_heat_island(whole, lcz, options, **layers)
            more = {
                "quantity": temperature.attrs.get("quantity"),
                "overpass": group,
                "resampling": method,
                "pixels": _summed([scenes[i].counts for i in groups[group]]),
                "scenes": [facts[i] | {"file": o["lst"][i].name} for i in groups[group]],
                "inputs": _inputs(o, groups[group]),
            }
            if scenes[groups[group][0]].uncertainty is not None and len(groups[group]) == 1:
                more["retrieval_uncertainty_k"] = float(
                    scenes[groups[group][0]].uncertainty.median()
                )
            tables, rasters = _measures(whole, lcz, result, more, o["seed"])
            if len(groups[group]) > 1:
                _each_date(part, lcz, result, options, more, rasters, o["persistence"], layers)
            results[group] = (result, more, tables, rasters)
            documents[group] = surface_document(result, **more)
        bar.update(task, advance=1, description="Writing")
        for i, group in enumerate(order):
            result, _, tables, rasters = results[group]
            if len(order) > 1 and i == 0:
                documents[group]["other_overpasses"] = [documents[g] for g in order[1:]]
            write_surface(
                o["out"], result, documents[group], tables=tables, rasters=rasters,
                suffix="" if i == 0 else f"_{group}", figures=o["figures"],
            )  # fmt: skip
    for group in order:
        _print(results[group][0], results[group][1])
    console.out.print(f"Results: {Path(o['out']) / 'heat_island.json'}")


def _scenes(o: dict[str, Any]) -> list[Thermal]:
    given = [o[k] for k in ("radiance_mult", "radiance_add", "k1", "k2")]
    constants = None
    if all(v is not None for v in given):
        constants = ThermalConstants(*given)
    times = o["time"] or []
    return [
        open_temperature(
            path, kind=o["kind"], unit=o["unit"], band=o["band"], quality=o["quality"],
            constants=constants, mtl=o["mtl"], time=times[i] if times else None,
            plausible=o["plausible"],
        )
        for i, path in enumerate(o["lst"])
    ]  # fmt: skip


def _options(o: dict[str, Any], cell: float) -> SurfaceOptions:
    far = o["interior_distance"]
    return SurfaceOptions(
        statistic=o["statistic"] or "median",
        interior=o["interior"] if far is None else math.ceil(far / cell - 1e-6),
        min_pixels=o["min_pixels"],
        min_patches=o["min_patches"],
        reference=o["reference"],
        fallback=o["fallback"],
        elevation_band=o["elevation_band"],
        water_distance=o["water_distance"],
        block_size=o["block_size"],
        replicates=o["replicates"] or 1000,
        confidence=o["confidence"],
        seed=o["seed"],
    )


def _layers(o: dict[str, Any], lcz: xr.DataArray) -> dict[str, xr.DataArray]:
    """Elevation and probabilities on the common grid, where given."""
    out = {}
    box = geobox_of(lcz)
    if o["elevation"] is not None:
        dem = (
            open_raster(o["elevation"], "elevation raster")
            .isel(band=0, drop=True)
            .astype(np.float32)
        )
        if dem.rio.nodata is not None:
            dem = dem.where(dem != dem.rio.nodata)
        out["elevation"] = dem if same_grid(geobox_of(dem), box) else to_grid(dem, box, "average")
    if o["probabilities"] is not None:
        proba = open_probabilities(o["probabilities"])
        out["probabilities"] = (
            proba if same_grid(geobox_of(proba), box) else to_grid(proba, box, "nearest")
        )
    return out


def _measures(
    temperature: xr.DataArray,
    lcz: xr.DataArray,
    result: SurfaceHeatIsland,
    more: dict[str, Any],
    seed: int,
) -> tuple[dict[str, pd.DataFrame], dict[str, xr.DataArray]]:
    """The other measures: into the document, tables and rasters."""
    found: dict[str, Any] = {}
    for name, measure in (
        ("urban_rural", measures.urban_rural),
        ("low_percentile", measures.low_percentile),
    ):
        try:
            found[name] = measure(temperature, lcz, result.block_size, seed=seed).as_dict()
        except InputError as err:  # a scene without built or natural land has no such measure
            found[name] = {"difference": None, "note": str(err)}
    profile = measures.distance_profile(temperature, lcz, result.block_size, seed=seed)
    spots = measures.getis_ord(temperature)
    levels = measures.utfvi(temperature)
    seen = levels["level"].to_numpy()
    found["hot_spots"] = {
        "hot_share": float((spots["spot"] == 1).sum() / np.isfinite(temperature).sum()),
        "cold_share": float((spots["spot"] == -1).sum() / np.isfinite(temperature).sum()),
        "definition": "Getis-Ord Gi* within 500 m, false discovery rate 0.05",
    }
    found["utfvi_shares"] = {
        name: float((seen == i).sum() / (seen != 255).sum())
        for i, name in enumerate(measures.UTFVI_NAMES)
    }
    more["measures"] = found
    hot = spots["z"].copy()
    return {"profile": profile}, {
        "getis_ord": hot,
        "hot_spots": spots["spot"],
        "utfvi": levels["utfvi"],
    }


def _each_date(
    part: xr.DataArray,
    lcz: xr.DataArray,
    result: SurfaceHeatIsland,
    options: SurfaceOptions,
    more: dict[str, Any],
    rasters: dict[str, xr.DataArray],
    threshold: float,
    layers: dict[str, xr.DataArray],
) -> None:
    """Results of each date beside the composite, and how often a pixel is hot (in place)."""
    dates, differences = [], []
    for i in range(part.sizes["time"]):
        one = surface_heat_island(part[i].drop_vars(["time", "scene"]), lcz, options, **layers)
        dates.append({
            "file": Path(str(part["scene"].to_numpy()[i])).name,
            "reference": one.reference.label,
            "reference_temperature": one.reference_temperature,
            "classes": class_rows(one.classes),
        })  # fmt: skip
        differences.append(one.difference)
    more["dates"] = dates
    hot = measures.persistence(
        xr.concat(differences, "time"), threshold, min_dates=min(3, len(dates))
    )
    rasters["persistence"] = hot["share"].assign_attrs(
        long_name=f"share of dates more than {threshold:g} K above {result.reference.label}",
        units="1",
    )


def _summed(counts: list[dict[str, int]]) -> dict[str, int]:
    return {key: sum(c[key] for c in counts) for key in counts[0]}


def _inputs(o: dict[str, Any], which: list[int]) -> dict[str, Any]:
    files = [o["map_path"], *(o["lst"][i] for i in which), o["elevation"], o["probabilities"]]
    return {
        path.name: sha256_of(path) if path.is_file() else None for path in files if path is not None
    }


def _print(result: SurfaceHeatIsland, more: dict[str, Any]) -> None:
    pixels, o = more["pixels"], result.options
    console.out.print(
        f"[bold]Surface heat island (SUHI)[/], {more['quantity']}, overpass: {more['overpass']}"
    )
    console.out.print(
        f"Reference {result.reference.label}: {result.reference_temperature:.2f} degC ({o.statistic}). "
        f"{more['resampling'][0].upper()}{more['resampling'][1:]}."
    )
    console.out.print(
        f"Pixels: {pixels['valid']:,} valid; {pixels['no_data']:,} no data, {pixels['cloud_or_poor']:,} cloudy or "
        f"poor, {pixels['implausible']:,} implausible, {pixels['fringe']:,} in a resampling fringe."
    )
    console.out.print(
        f"Interior: {o.interior} pixel(s) eroded; at least {o.min_pixels} pixels in {o.min_patches} patches; "
        f"residuals correlate over {result.correlation_range:,.0f} m, bootstrap blocks of "
        f"{result.block_size:,.0f} m, {o.replicates} replicates, seed {o.seed}."
    )
    if result.few_blocks:
        console.out.print(f"[yellow]{result.few_blocks}[/]", soft_wrap=True)
    notes = (result.classes["note"] != "").sum() > 1
    heads = [
        "LCZ",
        "pixels",
        "patches",
        "n eff.",
        "median",
        "difference",
        f"{o.confidence:.0%} interval",
    ]
    table = Table(*heads, *(["note"] if notes else []))
    for number, row in result.classes.iterrows():
        alone = result.reference.classes == (int(number),)  # compared with itself
        known = np.isfinite(row["ci_low"])
        cells = [
            CLASSES[int(number) - 1].code, f"{row['n_pixels']:,}", f"{row['n_patches']:,}",
            f"{row['n_effective']:.0f}" if np.isfinite(row["n_effective"]) else "-", f"{row['median']:.2f}",
            "reference" if alone else f"{row['difference']:+.2f}" if np.isfinite(row["difference"]) else "-",
            f"{row['ci_low']:+.2f} to {row['ci_high']:+.2f}" if known and not alone else "-",
        ]  # fmt: skip
        table.add_row(*cells, *([row["note"]] if notes else []))
    console.out.print(table)
