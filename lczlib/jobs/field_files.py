"""A field as files: rasters or NetCDF, tables, figures, JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import lczlib
from lczlib.export.files import write_result, write_table
from lczlib.export.geotiff import write_raster
from lczlib.export.time_fields import Layer, time_fields
from lczlib.jobs import field_words
from lczlib.jobs.record import hashes
from lczlib.texts import text

if TYPE_CHECKING:
    from lczlib.analysis.field.model import Field
    from lczlib.jobs.field import FieldResult

LAYERS = {
    "temperature": Layer("air temperature", "degC", 0.01, "air_temperature"),
    "standard_error": Layer("standard error of the air temperature", "K", 0.001),
}
"""Variables of the NetCDF file, with the step in which they are kept."""


def write_field(folder: Path, result: FieldResult, *, figures: bool) -> None:
    """Write all files of a field, ``field.json`` last."""
    write_table(folder / "stations.csv", result.fitted.table().join(
        result.network.zones[["source", "homogeneity", "flagged"]].rename_axis("station")))  # fmt: skip
    write_table(folder / "zones.csv", result.areas)
    write_table(folder / "cross_validation.csv", result.validation.scores, index=False)
    write_table(folder / "cross_validation_stations.csv", result.validation.stations, index=False)
    if result.request.hourly:
        write_hours(folder / "field.nc", result.fitted, mask=not result.request.fill)
    else:
        for name, layer in (("field", result.temperature), ("standard_error", result.error)):
            tags = {k: str(layer.attrs[k]) for k in ("units", "long_name")}
            write_raster(folder / f"{name}.tif", layer, descriptions=[layer.attrs["long_name"]],
                         unit=layer.attrs["units"], tags=tags | {"of": field_words.what(result.fitted)})  # fmt: skip
    if figures:
        _figures(folder, result)
    write_result(folder / "cross_validation.json", validation_document(result))
    write_result(folder / "field.json", document(result))


def write_hours(path: Path, found: Field, *, mask: bool = True) -> Path:
    """Write each hour of a field as NetCDF, a block of the map at a time."""
    blocks = found.rows(mask=mask)
    with time_fields(
        path, found.ground.box, found.sample.air.index, LAYERS, rows=found.block,
        title="Air temperature from stations by Local Climate Zones",
        source=f"lczlib {lczlib.__version__}: kriging with zones as random effects",
        references="docs/field.md",
    ) as file:  # fmt: skip
        for rows, values, errors in blocks:
            file.put("temperature", rows, values)
            file.put("standard_error", rows, errors)
    return path


def validation_document(result: FieldResult) -> dict[str, Any]:
    """What ``cross_validation.json`` holds: ``methods``, each left-out station predicted, and all designs."""
    table = result.validation.scores

    def rows(design: str) -> list[dict[str, Any]]:
        own = table[table["design"] == design].drop(columns="design")
        found = own.rename(columns={"method": "name"}).to_dict("records")
        return [
            {k: v for k, v in r.items() if k not in ("rmse_low", "rmse_high")}
            | {"rmse_ci": [r["rmse_low"], r["rmse_high"]]}
            for r in found
        ]

    ratio, low, high = result.validation.ratio
    return {
        "methods": rows("station"),
        "designs": {design: rows(design) for design in table["design"].unique()},
        "rmse_ratio_to_ordinary_kriging": ratio,
        "rmse_ratio_ci": [low, high],
        "confidence": 0.95,
        "left_out": result.validation.left_out,
    }


def document(result: FieldResult) -> dict[str, Any]:
    """What ``field.json`` holds: what was assumed, fitted and left out."""
    found = result.fitted
    content: dict[str, Any] = {
        "what": field_words.what(found),
        "hourly": result.request.hourly,
        "headline": result.headline(),
        "notes": result.notes(),
        "cautions": result.cautions(),
        "covariances": [
            {"hour": None if hour < 0 else hour, **asdict(c), "practical_range": c.range}
            for hour, c in found.covariances.items()
        ],
        "drifts": list(found.ground.drifts),
        "lapse_rate": found.ground.lapse_rate,
        "stations": [str(s) for s in found.sample.names],
        "stations_dropped": result.dropped,
        "quality_control": {"levels": list(result.request.qc), "peers": result.request.peers},
        "zones": result.areas.reset_index().to_dict("records"),
        "masked_zones": [] if result.request.fill else [
            int(n) for n, r in result.areas.iterrows() if not r["n_stations"]
        ],
        "inputs": hashes(result.request),
        "lczlib": lczlib.__version__,
    }  # fmt: skip
    if found.composite is not None:
        zones, drifts = found.effects()
        content |= {
            "zone_effects": zones.reset_index().to_dict("records"),
            "drift_effects": drifts.reset_index().to_dict("records"),
            "day_to_day_correlation": found.composite.persistence,
        }
    return content


def map_figure(result: FieldResult) -> Any:
    """The field of a composite beside its standard error."""
    from lczlib.figures.field import field_map

    places = result.fitted.sample.places
    means = result.fitted.table()["temperature"].to_numpy()
    title = "Air temperature from stations and zones"
    return field_map(result.temperature, result.error, places.x, places.y, means, title)


def validation_figure(result: FieldResult) -> Any:
    """Each station predicted without itself."""
    from lczlib.figures.field import validation_dots

    rows = result.validation.stations
    own = rows[(rows["design"] == "station") & np.isfinite(rows["measured"])]
    return validation_dots(own, text("Each station predicted without itself"))


def _figures(folder: Path, result: FieldResult) -> None:
    from lczlib.figures.save import save_figure

    if result.temperature is not None:
        save_figure(map_figure(result), folder / "field.png")
    save_figure(validation_figure(result), folder / "cross_validation.png")
