"""The rasters of ``lcz uhi``, of the surface or of the air: open, align, compute, write, print."""

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
from lczlib.analysis.heat.air import air_heat_island
from lczlib.analysis.heat.surface import SurfaceHeatIsland, SurfaceOptions, surface_heat_island
from lczlib.classes import CLASSES
from lczlib.cli import console
from lczlib.cli.maps import UHI_NAMES, one_map, open_map
from lczlib.cli.results import recorded
from lczlib.cli.uhi import FILES
from lczlib.errors import InputError
from lczlib.export import sha256_of
from lczlib.export.heat import check_kind, class_rows, surface_document, write_surface
from lczlib.grid import geobox_of, same_grid, to_grid
from lczlib.made_by import network_of
from lczlib.maps import open_probabilities
from lczlib.scenes.elevation import open_elevation
from lczlib.scenes.thermal import Thermal, open_air_temperature, open_temperature
from lczlib.scenes.thermal_products import ThermalConstants
from lczlib.scenes.thermal_units import PLAUSIBLE, PLAUSIBLE_AIR


def run_surface(o: dict[str, Any]) -> None:
    """Do what ``lcz uhi MAP --lst FILE`` or ``--air FILE`` asks."""
    rasters = o["lst"] or o["air"]
    compute = surface_heat_island if o["lst"] else air_heat_island
    check_kind(o["out"], "surface" if o["lst"] else "canopy", "pixels")
    bar = Progress(
        SpinnerColumn(),
        *Progress.get_default_columns(),
        transient=True,
        console=console.err,
    )
    with bar, recorded("uhi", Path(o["out"]), o, FILES, maps=("map_path",)) as inputs:
        task = bar.add_task("Reading temperatures", total=len(rasters) + 3)
        scenes = []
        for scene in _scenes(o):
            scenes.append(scene)
            inputs.extend(scene.files)
            bar.advance(task)
        lcz = open_map(
            o["map_path"], one_map(o["map_path"], o, UHI_NAMES), kinds=UHI_NAMES, cell=o["cell"]
        )
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
            whole = series.composite(part)
            result = compute(whole, lcz, options, **layers)
            more = {
                "quantity": temperature.attrs.get("quantity"),
                "map_network": network_of(o["map_path"]),
                "overpass": group,
                "resampling": method,
                "pixels": _summed([scenes[i].counts for i in groups[group]]),
                **({"clouds": whole.attrs["clouds"]} if "clouds" in whole.attrs else {}),
                "scenes": [facts[i] | {"file": rasters[i].name} for i in groups[group]],
                "inputs": _inputs(o, [rasters[i] for i in groups[group]]),
            }
            if scenes[groups[group][0]].uncertainty is not None and len(groups[group]) == 1:
                more["retrieval_uncertainty_k"] = float(
                    scenes[groups[group][0]].uncertainty.median()
                )
            tables, layers_out = _measures(whole, lcz, result, more, o["seed"])
            if len(groups[group]) > 1:
                _each_date(part, lcz, result, more, layers_out, o["persistence"], layers)
            results[group] = (result, more, tables, layers_out)
            documents[group] = surface_document(result, **more)
        bar.update(task, advance=1, description="Writing")
        for i, group in enumerate(order):
            result, _, tables, layers_out = results[group]
            if len(order) > 1 and i == 0:
                documents[group]["other_overpasses"] = [documents[g] for g in order[1:]]
            write_surface(
                o["out"], result, documents[group], tables=tables, rasters=layers_out,
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
    if o["air"]:
        return [
            open_air_temperature(
                path, unit=o["unit"], band=o["band"], time=times[i] if times else None,
                plausible=o["plausible"] or PLAUSIBLE_AIR,
            )
            for i, path in enumerate(o["air"])
        ]  # fmt: skip
    return [
        open_temperature(
            path, kind=o["kind"], unit=o["unit"], band=o["band"], quality=o["quality"],
            constants=constants, mtl=o["mtl"], time=times[i] if times else None,
            plausible=o["plausible"] or PLAUSIBLE,
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
        dem = open_elevation(o["elevation"])
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
    found["hot_spots"] = {
        "hot_share": float((spots["spot"] == 1).sum() / np.isfinite(temperature).sum()),
        "cold_share": float((spots["spot"] == -1).sum() / np.isfinite(temperature).sum()),
        "definition": "Getis-Ord Gi* within 500 m, false discovery rate 0.05",
    }
    layers = {"getis_ord": spots["z"].copy(), "hot_spots": spots["spot"]}
    if result.kind == "surface":  # an index of surface temperatures
        levels = measures.utfvi(temperature)
        seen = levels["level"].to_numpy()
        found["utfvi_shares"] = {
            name: float((seen == i).sum() / (seen != 255).sum())
            for i, name in enumerate(measures.UTFVI_NAMES)
        }
        layers["utfvi"] = levels["utfvi"]
    more["measures"] = found
    return {"profile": profile}, layers


def _each_date(
    part: xr.DataArray,
    lcz: xr.DataArray,
    result: SurfaceHeatIsland,
    more: dict[str, Any],
    rasters: dict[str, xr.DataArray],
    threshold: float,
    layers: dict[str, xr.DataArray],
) -> None:
    """Results of each date beside the composite, and how often a pixel is hot (in place)."""
    dates, differences = [], []
    for i in range(part.sizes["time"]):
        compute = surface_heat_island if result.kind == "surface" else air_heat_island
        one = compute(series.one_date(part, i), lcz, result.options, **layers)
        dates.append({
            "file": Path(str(part["scene"].to_numpy()[i])).name,
            "reference": one.reference.label,
            "reference_temperature": one.reference_temperature,
            "classes": class_rows(one.classes),
        })  # fmt: skip
        differences.append(one.difference)
    more["dates"] = dates
    if not result.reference.classes:
        return
    hot = measures.persistence(
        xr.concat(differences, "time"), threshold, min_dates=min(3, len(dates))
    )
    rasters["persistence"] = hot["share"].assign_attrs(
        long_name=f"share of dates more than {threshold:g} K above {result.reference.label}",
        units="1",
    )


def _summed(counts: list[dict[str, int | None]]) -> dict[str, int | None]:
    """Pixels of several scenes; clouds are None where no scene has a quality layer."""
    known = {key: [c[key] for c in counts if c[key] is not None] for key in counts[0]}
    return {key: sum(found) if found else None for key, found in known.items()}


def _inputs(o: dict[str, Any], rasters: list[Path]) -> dict[str, Any]:
    files = [o["map_path"], *rasters, o["elevation"], o["probabilities"]]
    return {
        path.name: sha256_of(path) if path.is_file() else None for path in files if path is not None
    }


def _print(result: SurfaceHeatIsland, more: dict[str, Any]) -> None:
    pixels, o = more["pixels"], result.options
    name = "Surface heat island (SUHI)" if result.kind == "surface" else "Canopy layer heat island"
    console.out.print(f"[bold]{name}[/], {more['quantity']}, overpass: {more['overpass']}")
    level = f": {result.reference_temperature:.2f} degC ({o.statistic})"
    console.out.print(
        f"Reference {result.reference.label}{level if result.reference.classes else ''}. "
        f"{more['resampling'][0].upper()}{more['resampling'][1:]}."
    )
    if more["map_network"]:
        console.out.print(f"Zones mapped by the network {more['map_network']}.", soft_wrap=True)
    clouds = [] if result.kind != "surface" else [more["clouds"]]
    told = [f"{pixels['valid']:,} valid", f"{pixels['no_data']:,} no data"]
    told += [f"{pixels['repeated']:,} of repeated values", *clouds]
    told += [
        f"{pixels['implausible']:,} implausible",
        f"{pixels['fringe']:,} in a resampling fringe",
    ]
    console.out.print(f"Pixels: {'; '.join(told)}.")
    console.out.print(
        f"Interior: {o.interior} pixel(s) eroded; at least {o.min_pixels} pixels in {o.min_patches} patches; "
        f"residuals correlate over {result.correlation_range:,.0f} m, bootstrap blocks of "
        f"{result.block_size:,.0f} m, {o.replicates} replicates, seed {o.seed}."
    )
    for text in (result.few_blocks, result.reference.note, result.bias):
        if text:
            console.out.print(f"[yellow]{text}[/]", soft_wrap=True)
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
