"""The whole mapping job: a city's scenes in; probabilities, LCZ maps and a manifest out."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import xarray as xr

import lczlib
from lczlib.errors import InputError, WeightsError
from lczlib.export import (
    sha256_of,
    write_json,
    write_lcz_map,
    write_probabilities,
    write_raster,
)
from lczlib.export.files import alone_in
from lczlib.mapping.engines import Engine, Precision, make_engine
from lczlib.mapping.fusion import METHODS, Method, fuse
from lczlib.mapping.predict import Anchor, predict, tiles_of
from lczlib.mapping.prepare import prepare
from lczlib.mapping.sources import Source, open_sources
from lczlib.mapping.store import Store
from lczlib.maps import certainty, labels
from lczlib.models import Weights, resolve

MANIFEST = "manifest.json"
_WORK = ".unfinished"
_KINDS = ("s1", "s2", "both", "fused")
_PACKAGES = ("numpy", "torch", "openvino", "xarray", "rasterio", "dask")

Progress = Callable[[str, int, int], None]
"""Called with the scene's name, and the cells done and in all over all scenes."""


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


@dataclass(frozen=True)
class MapResult:
    """What `map_city` wrote.

    Attributes
    ----------
    out : Path
        The folder.
    kinds : dict of str to DataArray
        LCZ map of ``s1``, ``s2``, ``both`` (a network that reads both sensors) and ``fused``, as far
        as made (opened from the files).
    warnings : tuple of str
        What a user should know of the input.
    manifest : dict
        Content of ``manifest.json``.
    """

    out: Path
    kinds: dict[str, xr.DataArray]
    warnings: tuple[str, ...]
    manifest: dict[str, Any]


def map_city(
    request: MapRequest,
    out: str | Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> MapResult:
    """Map a city and write the results into a folder.

    Files: ``s1_proba.tif``, ``s2_proba.tif`` (mean of the seasons), ``s2_<season>_proba.tif``,
    ``fused_proba.tif``; the same with ``_lcz.tif`` for the most probable class and
    ``_certainty.tif``; ``valid_fraction.tif`` with a band a scene; ``manifest.json`` last.

    Parameters
    ----------
    request : MapRequest
        What to map and how.
    out : path
        Folder for the results.
    resume : bool
        Take up the finished tiles of an interrupted run of the same request.
    progress, cancelled : callable, optional
        See `Progress`; `cancelled` is asked before each tile.

    Raises
    ------
    InputError, GridError, WeightsError, DeviceError, Cancelled
        What is wrong with the request. Until all layers are complete, nothing appears under a final
        name, and an earlier result stays.
    """
    from lczlib.maps import open_lcz_map

    out, started = Path(out), time.time()
    if request.fusion not in METHODS:
        msg = f"{request.fusion!r} is no fusion method: use one of {', '.join(METHODS)}."
        raise InputError(msg)
    described = {name: resolve(name)[0] for name in request.weights}
    sources, notes = open_sources(request, described)
    chosen = {s.weights_name: resolve(s.weights_name)[0] for s in sources}
    _check_used(described, chosen)
    prepared = {s.name: prepare(s.scene, chosen[s.weights_name], name=s.name) for s in sources}
    notes = (
        *notes,
        *dict.fromkeys(
            f"{a[0].upper()}{a[1:]}." for s in sources if (a := s.scene.attrs.get("atmosphere"))
        ),
    )
    warnings = [*notes, *_grouped({name: p.warnings for name, p in prepared.items()})]
    work = out / _WORK
    with _working_in(work, resume):
        files = sorted({f for s in sources for f in s.scene.attrs["files"]})
        hashes = {f: sha256_of(f) for f in files}
        engines: dict[str, Engine] = {}
        maps: dict[str, xr.Dataset] = {}
        sizes = {s.name: _cells(prepared[s.name]) for s in sources}
        total, before = sum(r * c for r, c in sizes.values()), 0
        for source in sources:
            name = source.weights_name
            if name not in engines:
                engines[name] = make_engine(
                    name, device=request.device, engine=request.engine,
                    precision=request.precision, batch_size=request.batch_size,
                )  # fmt: skip
            shape = sizes[source.name]
            job = {
                "lczlib": lczlib.__version__, "weights": chosen[name].sha256,
                "files": {f: hashes[f] for f in source.scene.attrs["files"]},
                "anchor": request.anchor, "precision": request.precision,
                "scaling": [request.scale, request.offset, request.nodata, list(request.bands)],
                "resample": request.resample, "level": [request.level, request.date],
            }  # fmt: skip
            store = Store.on_disk(work / source.name, job, shape, len(tiles_of(shape)))

            def report(done: int, _: int, at: int = before, label: str = source.name) -> None:
                if progress:
                    progress(label, at + done, total)

            maps[source.name] = predict(
                prepared[source.name], engines[name], anchor=request.anchor, store=store,
                progress=report, cancelled=cancelled,
            )  # fmt: skip
            before += shape[0] * shape[1]
        layers = _write_maps(work / "layers", sources, maps, request.fusion)
        manifest = {
            "lczlib": lczlib.__version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "parameters": _relative(request, out),
            "inputs": [{"path": _relpath(f, out), "sha256": h} for f, h in hashes.items()],
            "weights": [w.to_dict() for w in chosen.values()],
            "engines": {name: e.description for name, e in engines.items()},
            "packages": _versions(),
            "seconds": round(time.time() - started, 2),
            "cells": total,
            "warnings": warnings,
            "simulated": any(bool(s.scene.attrs.get("simulated")) for s in sources),
            "outputs": {p.name: sha256_of(p) for p in layers},
        }
        _publish(layers, manifest, out)
    kinds = {
        kind: open_lcz_map(out / f"{kind}_lcz.tif", scheme="1-17")
        for kind in _KINDS
        if f"{kind}_lcz.tif" in manifest["outputs"]
    }
    return MapResult(out, kinds, tuple(warnings), manifest)


def _cells(prepared: object) -> tuple[int, int]:
    height, width = (prepared.bands.sizes[d] for d in ("y", "x"))
    return -(-height // prepared.step), -(-width // prepared.step)


def _grouped(warnings: dict[str, tuple[str, ...]]) -> list[str]:
    """Each warning once, with the names of all the scenes it was raised for."""
    found: dict[str, list[str]] = {}
    for name, texts in warnings.items():
        for text in texts:
            found.setdefault(text.replace(f"scene {name}", "scene {}"), []).append(name)
    return [text.replace("{}", ", ".join(names)) for text, names in found.items()]


def _check_used(described: dict[str, Weights], chosen: dict[str, Weights]) -> None:
    unused = [n for n in described if n not in chosen]
    if unused:
        sensor = described[unused[0]].sensor
        msg = (
            f"{unused[0]} reads sensor {sensor}, and there is no such scene in the input: "
            "leave these weights out or give the scene."
        )
        raise WeightsError(msg)


def _write_maps(
    out: Path, sources: Sequence[Source], maps: dict[str, xr.Dataset], fusion: Method
) -> list[Path]:
    """Write all layers; returns their paths."""
    proba = {name: m["probability"] for name, m in maps.items()}
    seasons = {s.name: proba[s.name] for s in sources if s.kind == "s2"}
    if seasons:
        single = len(seasons) == 1 and "s2" in seasons
        proba["s2"] = seasons["s2"] if single else fuse(seasons, "mean")
    both = {s.name: proba[s.name] for s in sources if s.kind == "both"}
    if both:
        proba["both"] = fuse(both, "mean")
    if "s1" in proba and "s2" in proba:
        voters = seasons if fusion == "so2sat" else {"s2": proba["s2"]}
        proba["fused"] = fuse({"s1": proba["s1"], **voters}, fusion)
    tags = {"LCZLIB_VERSION": lczlib.__version__}
    if any(s.scene.attrs.get("simulated") for s in sources):
        tags["LCZLIB_SIMULATED"] = "yes"
    written = []
    for name, p in proba.items():
        written += [
            write_probabilities(out / f"{name}_proba.tif", p, tags=tags),
            write_lcz_map(out / f"{name}_lcz.tif", labels(p), tags=tags),
        ]
        if name in _KINDS:
            layer = certainty(p)
            path = out / f"{name}_certainty.tif"
            written.append(write_raster(path, layer, descriptions=["certainty"], tags=tags))
    fractions = [m["valid_fraction"] for m in maps.values()]
    stack = xr.concat(
        [f.assign_coords(x=fractions[0].x, y=fractions[0].y) for f in fractions], "band"
    )
    path = out / "valid_fraction.tif"
    written.append(write_raster(path, stack, descriptions=list(maps), tags=tags))
    return written


@contextmanager
def _working_in(work: Path, resume: bool) -> Iterator[None]:
    """Hold the folder of unfinished work alone; it is removed once the work is done.

    Raises
    ------
    InputError
        If another run holds it, or it cannot be made.
    """
    with alone_in(work.parent, f"{work.name}/lock"):
        if not resume:
            for old in work.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
        yield
        shutil.rmtree(work)


def _publish(layers: Sequence[Path], manifest: dict[str, Any], out: Path) -> None:
    """Move complete layers to their final place, and those of an earlier run away.

    The manifest comes last and goes first: a folder with a manifest is complete, and layers of two
    runs never stay beside each other as if they belonged together.
    """
    before = out / MANIFEST
    try:
        listed = set(json.loads(before.read_text()).get("outputs", {}))
    except (OSError, ValueError, AttributeError):
        listed = set()
    before.unlink(missing_ok=True)
    for name in listed - {p.name for p in layers}:
        if Path(name).name == name:
            (out / name).unlink(missing_ok=True)
            (out / f"{name}.aux.xml").unlink(missing_ok=True)
    for path in layers:
        for part in (path, Path(f"{path}.aux.xml")):
            if part.exists():
                part.replace(out / part.name)
    write_json(out / MANIFEST, manifest)


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _relpath(path: str, folder: Path) -> str:
    """A path as seen from the result's folder, so that both can be moved together."""
    return Path(os.path.relpath(Path(path).resolve(), folder.resolve())).as_posix()


def _relative(request: MapRequest, out: Path) -> dict[str, Any]:
    values = asdict(request)
    values["inputs"] = [_relpath(p, out) for p in request.inputs]
    values["seasons"] = {s: _relpath(p, out) for s, p in request.seasons.items()}
    values["sentinel1"] = [_relpath(p, out) for p in request.sentinel1]
    values["weights"] = [_relpath(w, out) if Path(w).is_file() else w for w in request.weights]
    return values


def request_of(manifest: dict[str, Any], folder: str | Path) -> MapRequest:
    """The request that a manifest records, after checking that its inputs are unchanged.

    Parameters
    ----------
    manifest : dict
        Content of a ``manifest.json`` of `map_city`.
    folder : path
        The folder it lies in; its paths are relative to that.

    Raises
    ------
    InputError
        If an input is missing or has changed.
    """
    folder = Path(folder)
    if "parameters" not in manifest or "inputs" not in manifest:
        msg = f"{folder / MANIFEST} is no manifest of `lcz map`: it lacks parameters or inputs."
        raise InputError(msg)
    for given in manifest["inputs"]:
        path = folder / given["path"]
        if not path.is_file():
            msg = f"The manifest's input {path} is missing: put it back to rerun the result."
            raise InputError(msg)
        if sha256_of(path) != given["sha256"]:
            msg = f"The manifest's input {path} has changed since (SHA-256 differs): restore it."
            raise InputError(msg)
    for used in manifest.get("weights", ()):
        name = used.get("name", "")
        for asked in manifest["parameters"].get("weights") or [name]:
            path = folder / asked
            found, _ = resolve(path if path.is_file() else asked)
            if found.name == name and found.sha256 != used.get("sha256"):
                msg = f"The manifest's weights {name} have changed since (SHA-256 differs): restore them."
                raise InputError(msg)
    values = dict(manifest["parameters"])
    values["inputs"] = tuple(str(folder / p) for p in values["inputs"])
    values["seasons"] = {s: str(folder / p) for s, p in values["seasons"].items()}
    values["sentinel1"] = tuple(str(folder / p) for p in values.get("sentinel1", ()))
    values["weights"] = tuple(
        str(folder / w) if (folder / w).is_file() else w for w in values["weights"]
    )
    values["bands"] = tuple(values["bands"])
    try:
        return MapRequest(**values)
    except TypeError as err:
        msg = f"{folder / MANIFEST} was written by another version of lczlib ({err})."
        raise InputError(msg) from err
