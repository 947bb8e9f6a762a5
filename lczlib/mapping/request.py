"""What to map and how, and the same from the manifest of an earlier result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lczlib.errors import InputError
from lczlib.export.inputs import find_file, find_inputs
from lczlib.export.manifest import MANIFEST, relative
from lczlib.mapping.engines import Precision
from lczlib.mapping.fusion import Method
from lczlib.mapping.predict import Anchor
from lczlib.mapping.statistics import Statistics
from lczlib.models import describe


@dataclass(frozen=True)
class MapRequest:
    """What to map and how: all that a result depends on.

    Attributes
    ----------
    inputs : tuple of str
        A So2Sat folder, or Sentinel-2 rasters.
    city : str
        City of the So2Sat folder.
    seasons : dict of str to str
        Season to raster, instead of `inputs`.
    sentinel1 : tuple of str
        Sentinel-1 rasters beside those of Sentinel-2, or alone: see
        `lczlib.scenes.open_sentinel1_rasters`.
    weights : tuple of str
        Names or files, at most one a sensor; by default So2Sat's for the sensors there are.
    fusion : Method
        How the two sensors are fused, where both are there.
    anchor, device, engine, precision, batch_size
        See `lczlib.mapping.predict` and `make_engine`.
    bands, scale, offset, nodata
        See `lczlib.scenes.open_sentinel2`.
    level : str
        ``L2A`` says that Sentinel-2 is surface reflectance: for networks trained on L1C it is then
        brought to approximate top-of-atmosphere reflectance (`lczlib.scenes.atmosphere`).
    date : str
        Day of the image, for that.
    sentinel1_time : str
        Month of the Sentinel-1 mosaic.
    resample : str
        ``utm`` warps a single raster to 10 m in its UTM zone first; empty: never.
    accept_values : bool
        Map values that cannot be what the network reads, with a warning instead of a refusal.
    box : tuple of float
        West, south, east, north in degrees: maps that part only (`lczlib.scenes.crop`).
    keep_clouds : bool
        Keep what the scene classification of a surface product calls cloud.
    statistics : dict of str to Statistics
        Of scenes of an earlier result, for networks that normalise by them; by default they are
        worked out anew.
    """

    inputs: tuple[str, ...] = ()
    city: str = ""
    seasons: dict[str, str] = field(default_factory=dict)
    sentinel1: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    fusion: Method = "mean"
    anchor: Anchor = "center"
    device: str = "auto"
    engine: str = "auto"
    precision: Precision = "float32"
    batch_size: int | None = None
    bands: tuple[str, ...] = ()
    scale: float | None = None
    offset: float | None = None
    nodata: float | None = None
    level: str = ""
    date: str = ""
    sentinel1_time: str = ""
    resample: str = ""
    accept_values: bool = False
    box: tuple[float, ...] = ()
    keep_clouds: bool = False
    statistics: dict[str, Statistics] = field(default_factory=dict)


def parameters_of(request: MapRequest, folder: Path) -> dict[str, Any]:
    """The request as plain values for a manifest in `folder`, with paths as seen from there."""
    values = asdict(request)
    del values["statistics"]  # they stand in the manifest, as they were used
    values["inputs"] = [relative(p, folder) for p in request.inputs]
    values["seasons"] = {s: relative(p, folder) for s, p in request.seasons.items()}
    values["sentinel1"] = [relative(p, folder) for p in request.sentinel1]
    values["weights"] = [relative(w, folder) if Path(w).is_file() else w for w in request.weights]
    return values


def request_of(
    manifest: dict[str, Any], folder: str | Path, look_in: Sequence[str | Path] = ()
) -> MapRequest:
    """The request that a manifest records, after checking that its inputs are unchanged.

    Parameters
    ----------
    manifest : dict
        Content of a ``manifest.json`` of `map_city`.
    folder : path
        The folder it lies in; its paths are relative to that.
    look_in : sequence of path
        Folders to look for inputs in that do not lie there any more.

    Raises
    ------
    InputError
        If an input is missing or has changed.
    """
    folder = Path(folder)
    command = manifest.get("command", "map")
    if command != "map" or not {"parameters", "inputs"} <= manifest.keys():
        what = f"it is of `lcz {command}`" if command != "map" else "it lacks parameters or inputs"
        msg = f"{folder / MANIFEST} is no manifest of `lcz map`: {what}."
        raise InputError(msg)
    found = find_inputs(manifest, folder, look_in)
    values = dict(manifest["parameters"])
    for name in ("inputs", "sentinel1"):
        values[name] = tuple(found.path(p) for p in values.get(name, ()))
    values["seasons"] = {s: found.path(p) for s, p in values["seasons"].items()}
    values["weights"] = _weights(manifest, folder, look_in)
    values["bands"] = tuple(values["bands"])
    values["box"] = tuple(values.get("box", ()))
    values["statistics"] = {
        name: Statistics.from_dict(found) for name, found in manifest.get("statistics", {}).items()
    }
    try:
        return MapRequest(**values)
    except TypeError as err:
        msg = f"{folder / MANIFEST} was written by another version of lczlib ({err})."
        raise InputError(msg) from err


def _weights(
    manifest: dict[str, Any], folder: Path, look_in: Sequence[str | Path]
) -> tuple[str, ...]:
    """The weights that were named, by name or file, unchanged."""
    used = {w.get("name", ""): w.get("sha256") for w in manifest.get("weights", ())}
    named = []
    for asked in manifest["parameters"].get("weights") or ():
        is_file = "/" in asked or asked.endswith(".safetensors")
        digests = {d for d in used.values() if d}
        named.append(str(find_file(asked, digests, folder, look_in)) if is_file else asked)
    for name in named or used:
        found = describe(name)
        if found.name in used and found.sha256 != used[found.name]:
            msg = f"The manifest's weights {found.name} have changed since (SHA-256 differs): restore them."
            raise InputError(msg)
    return tuple(named)
