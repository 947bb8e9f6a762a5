"""Heat islands as files: ``heat_island.json``, tables, rasters and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import lczlib
from lczlib.analysis.heat.canopy import CanopyHeatIsland
from lczlib.analysis.heat.dates import Season
from lczlib.analysis.heat.reference import Reference
from lczlib.analysis.heat.spots import NO_SPOT
from lczlib.analysis.heat.surface import SurfaceHeatIsland
from lczlib.classes import CLASSES
from lczlib.export.files import write_result, write_table
from lczlib.export.geotiff import write_raster
from lczlib.jobs.heat_choices import check_kind
from lczlib.jobs.heat_dates import season_table, season_title

SURFACE = "surface urban heat island (SUHI)"
CANOPY = "canopy layer urban heat island"


def class_rows(classes: pd.DataFrame) -> list[dict[str, Any]]:
    """The classes of a result as rows for JSON: ``difference_ci`` is a pair, or null."""
    rows = []
    for number, row in classes.iterrows():
        entry: dict[str, Any] = {"lcz": int(number), "name": CLASSES[int(number) - 1].name}
        entry["code"] = CLASSES[int(number) - 1].code
        entry |= {k: v for k, v in row.items() if k not in ("ci_low", "ci_high", "code")}
        known = np.isfinite(row["ci_low"])
        entry["difference_ci"] = [row["ci_low"], row["ci_high"]] if known else None
        rows.append(entry)
    return rows


def surface_document(result: SurfaceHeatIsland, **more: Any) -> dict[str, Any]:
    """What ``heat_island.json`` holds of a heat island of pixels, of the surface or of the air."""
    known = bool(result.reference.classes)
    return {
        "kind": result.kind,
        "by": "pixels",
        "name": SURFACE if result.kind == "surface" else CANOPY,
        **_reference(result.reference, result.reference_bias, result.bias),
        "reference_temperature": result.reference_temperature if known else None,
        "statistic": result.options.statistic,
        "confidence": result.options.confidence,
        "classes": class_rows(result.classes),
        "kruskal_wallis": result.kruskal,
        "pairs": result.pairs.to_dict("records"),
        "correlation_range_m": result.correlation_range,
        "block_size_m": result.block_size,
        "square_size_m": result.square_size,
        "independent_pieces": result.n_pieces,
        "few_blocks": result.few_blocks,
        "options": asdict(result.options),
        **more,
        "lczlib": lczlib.__version__,
    }


def _reference(reference: Reference, bias: float | None, sentence: str) -> dict[str, Any]:
    """The reference: null where there is none, with what it differs from LCZ D by where known."""
    return {
        "reference": reference.label if reference.classes else None,
        "reference_classes": list(reference.classes),
        "reference_note": reference.note or sentence,
        "reference_minus_lcz_d": bias,
    }


def canopy_document(result: CanopyHeatIsland, **more: Any) -> dict[str, Any]:
    """What ``heat_island.json`` holds of a canopy heat island."""
    return {
        "kind": "canopy",
        "by": "stations",
        "name": CANOPY,
        **_reference(result.reference, result.reference_bias, result.bias),
        "statistic": result.options.statistic,
        "confidence": result.options.confidence,
        "classes": class_rows(result.classes),
        "stations": result.stations.rename_axis("station").reset_index().to_dict("records"),
        "subsets": result.subsets.to_dict("records"),
        **result.facts,
        "options": asdict(result.options),
        **more,
        "lczlib": lczlib.__version__,
    }


def write_surface(
    folder: str | Path,
    result: SurfaceHeatIsland,
    document: Mapping[str, Any],
    *,
    tables: Mapping[str, pd.DataFrame] | None = None,
    rasters: Mapping[str, xr.DataArray] | None = None,
    suffix: str = "",
    figures: bool = True,
) -> None:
    """Write ``heat_island.json``, ``classes.csv``, ``pairs.csv``, ``difference.tif`` and figures.

    Parameters
    ----------
    folder : path
        Made where it is not there.
    result, document
        The result and what goes into the JSON file (:func:`surface_document`).
    tables, rasters : mapping, optional
        Further tables and layers by file name without ending.
    suffix : str
        Of every file name, for results beside the main one (``_night``).
    figures : bool
        Whether to draw PNG figures.
    """
    folder = Path(folder)
    check_kind(folder, result.kind, "pixels")
    write_table(folder / f"classes{suffix}.csv", result.classes)
    write_table(folder / f"pairs{suffix}.csv", result.pairs, index=False)
    for name, table in (tables or {}).items():
        write_table(folder / f"{name}{suffix}.csv", table, index=False)
    known = {"difference": result.difference} if result.reference.classes else {}
    for name, layer in {**known, **(rasters or {})}.items():
        label = str(layer.attrs.get("long_name", name))
        nodata = {"u": 255, "i": NO_SPOT}.get(layer.dtype.kind)
        tags = {"units": str(layer.attrs.get("units", "")), "long_name": label}
        write_raster(
            folder / f"{name}{suffix}.tif", layer, nodata=nodata, descriptions=[name], tags=tags,
            overview_resampling="average" if layer.dtype.kind == "f" else "nearest",
        )  # fmt: skip
    if figures:
        _surface_figures(folder, result, suffix)
    write_result(folder / f"heat_island{suffix}.json", document)


def write_seasons(
    folder: str | Path, seasons: Sequence[Season], suffix: str = "", figures: bool = True
) -> None:
    """Write ``seasons.csv``, ``dates.csv`` (each date's own differences), and a figure a season."""
    if not seasons:
        return
    folder = Path(folder)
    write_table(folder / f"seasons{suffix}.csv", season_table(seasons), index=False)
    dates = pd.concat(
        [s.by_date.assign(season=s.name, reference=s.reference.short) for s in seasons],
        ignore_index=True,
    )
    write_table(folder / f"dates{suffix}.csv", dates, index=False)
    if figures:
        from lczlib.figures.heat_dates import dates_figure
        from lczlib.figures.save import save_figure

        for season in seasons:
            figure = dates_figure(season, season_title(season))
            save_figure(figure, folder / f"dates_{season.key}{suffix}.png")


def write_canopy(
    folder: str | Path,
    result: CanopyHeatIsland,
    document: Mapping[str, Any],
    *,
    figures: bool = True,
) -> None:
    """Write ``heat_island.json``, CSV tables of every part of the result, and figures."""
    folder = Path(folder)
    check_kind(folder, "canopy", "stations")
    write_table(folder / "classes.csv", result.classes)
    write_table(folder / "stations.csv", result.stations.rename_axis("station"))
    write_table(folder / "hourly.csv", result.hourly)
    for name in ("diurnal", "hour_month", "subsets"):
        write_table(folder / f"{name}.csv", getattr(result, name), index=False)
    if figures:
        _canopy_figures(folder, result)
    write_result(folder / "heat_island.json", document)


def _surface_figures(folder: Path, result: SurfaceHeatIsland, suffix: str) -> None:
    from lczlib.figures import heat
    from lczlib.figures.save import save_figure

    title = f"{result.kind.capitalize()} heat island against {result.reference.short}"
    boxes = heat.class_boxes(result.classes, result.reference_temperature, title)
    save_figure(boxes, folder / f"classes{suffix}.png")
    if not result.reference.classes:
        return
    save_figure(heat.ranked_bars(result.classes, title), folder / f"ranked{suffix}.png")
    save_figure(heat.difference_map(result.difference, title), folder / f"difference{suffix}.png")


def _canopy_figures(folder: Path, result: CanopyHeatIsland) -> None:
    from lczlib.figures import heat
    from lczlib.figures.save import save_figure

    if not result.reference.classes:
        return
    title = f"Canopy heat island against {result.reference.short}"
    save_figure(heat.ranked_bars(result.classes, title), folder / "ranked.png")
    save_figure(heat.diurnal_cycle(result.diurnal, title), folder / "diurnal.png")
    for column, when in (("difference", "all hours"), ("night_difference", "nights")):
        figure = heat.station_spread(result.stations, column, f"{title}, {when}")
        save_figure(figure, folder / f"stations_{when.split()[0]}.png")
    for number in sorted(result.hour_month["lcz"].unique()):
        if result.hour_month.loc[result.hour_month["lcz"] == number, "difference"].abs().max() > 0:
            name = f"hour_month_lcz_{CLASSES[number - 1].code}.png"
            save_figure(heat.diurnal_heatmap(result.hour_month, int(number)), folder / name)
