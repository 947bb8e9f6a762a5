"""Fusion of class probabilities from several sensors or dates."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import xarray as xr

from lczlib.calibrators import FLOOR, Calibration, kind_of, open_calibration, pool
from lczlib.classes import N_CLASSES
from lczlib.errors import InputError
from lczlib.export import write_lcz_map, write_probabilities, write_raster
from lczlib.export.files import alone_in
from lczlib.export.manifest import (
    MANIFEST,
    command_of,
    new_manifest,
    relative,
    remove_manifest,
    write_manifest,
)
from lczlib.grid import check_same_grid, geobox_of, to_grid
from lczlib.kinds import Kind, certainty_file, lcz_file, proba_file
from lczlib.made_by import (
    CALIBRATED_TAG,
    WEIGHTS_TAG,
    joined,
    network_of,
    networks_of,
    tag_of,
    views_of,
)
from lczlib.map_request import MapRequest, Method, check_weighted
from lczlib.maps import certainty, labels, open_probabilities, probabilities
from lczlib.out_scheme import OutScheme
from lczlib.reading import Reading, tell
from lczlib.scenes.so2sat_results import probability_files, scale_of
from lczlib.terms import option

LEARNED: Method = "learned"
METHODS: tuple[str, ...] = tuple(m for m in get_args(Method) if m != LEARNED)
"""Those that need nothing but the maps."""
_FLOOR = 1e-6  # a class that one map holds impossible is very unlikely, not ruled out


def fuse(
    maps: Mapping[str, xr.DataArray],
    method: Method = MapRequest.fusion,
    *,
    resample: bool = False,
    weights: Mapping[str, float] | None = None,
) -> xr.DataArray:
    """One set of class probabilities from several.

    Parameters
    ----------
    maps : mapping of str to DataArray (lcz, y, x)
        Probabilities by name; dask-backed ones stay lazy.
    method : {"mean", "so2sat", "product", "entropy", "vote", "learned"}
        ``mean``: the average. ``so2sat``: likewise, to be given Sentinel-1 and *each season* of
        Sentinel-2, so that Sentinel-2 counts once a season (the sum of So2Sat's scripts).
        ``product``: normalised product, as for independent evidence. ``entropy``: average weighted
        by certainty (1 - normalised entropy). ``vote``: share of maps in which a class is the most
        probable one; ties are broken by the average. ``learned``: log-linear pool with `weights`, of calibrated
        maps (`lczlib.calibrators`).
    resample : bool
        Bring maps to the first one's grid (bilinear) where they differ.
    weights : mapping of str to float, optional
        Of learned fusion: the weight of each map by its name.

    Returns
    -------
    DataArray (lcz, y, x)
        Where a map has no data the others decide; NaN where none has.

    Raises
    ------
    InputError, GridError
        If the method is unknown, there is no map, or grids differ and `resample` is not set.
    """
    if method not in (*METHODS, LEARNED):
        msg = f"{method!r} is no fusion method: use one of {', '.join((*METHODS, LEARNED))}."
        raise InputError(msg)
    if not maps:
        msg = "There is no map to fuse."
        raise InputError(msg)
    if method == LEARNED and (not weights or set(weights) != set(maps)):
        msg = "Learned fusion needs the weight of each map (`lcz calibrate` learns them)."
        raise InputError(msg)
    stack = xr.concat(list(_on_one_grid(maps, resample)), "map")
    if method == LEARNED:
        stack = stack.assign_coords(map=[*maps])
        logits = pool(np.log(stack.clip(FLOOR, 1)), weights)
        combined = np.exp(logits - logits.max("lcz")).transpose("lcz", "y", "x")
    else:
        combined = _COMBINE[method](stack).transpose("lcz", "y", "x")
    total = combined.sum("lcz", skipna=False)
    return probabilities(combined / total, fusion=method, fused=", ".join(maps))


def _on_one_grid(maps: Mapping[str, xr.DataArray], resample: bool) -> list[xr.DataArray]:
    first = next(iter(maps))
    box = geobox_of(maps[first], first)
    out = []
    for name, proba in maps.items():
        if resample:
            proba = proba if geobox_of(proba, name) == box else to_grid(proba, box, "bilinear")
        else:
            check_same_grid(box, geobox_of(proba, name), (first, name))
        # a hair of difference in coordinates would otherwise be aligned away
        out.append(proba.assign_coords(x=maps[first].x, y=maps[first].y))
    return out


def _mean(stack: xr.DataArray) -> xr.DataArray:
    return stack.mean("map", skipna=True)


def _product(stack: xr.DataArray) -> xr.DataArray:
    logs = np.log(stack.clip(_FLOOR, 1))
    total = logs.sum("map", skipna=True, min_count=1)
    return np.exp(total - total.max("lcz"))


def _entropy(stack: xr.DataArray) -> xr.DataArray:
    # two maps without any certainty have equal, not zero, weight
    weight = certainty(stack).clip(_FLOOR, 1)
    valid = stack.notnull()
    return (stack * weight).sum("map", skipna=True, min_count=1) / weight.where(valid).sum("map")


def _vote(stack: xr.DataArray) -> xr.DataArray:
    valid = stack.notnull().all("lcz")
    winners = stack.fillna(-1).argmax("lcz")
    classes = xr.DataArray(np.arange(N_CLASSES), dims="lcz")
    votes = ((winners == classes) & valid).sum("map").astype(np.float32)
    # less than one vote: it settles ties and nothing else
    return votes.where(valid.any("map")) + 0.5 * _mean(stack)


_COMBINE = {"mean": _mean, "so2sat": _mean, "product": _product, "entropy": _entropy, "vote": _vote}


def _calibrated(path: str, proba: xr.DataArray, found: Calibration) -> xr.DataArray:
    if how := tag_of(path, CALIBRATED_TAG):
        msg = (
            f"{path} is calibrated already ({how}): leave {option('calibration')} out, or give the probabilities as "
            "the network made them."
        )
        raise InputError(msg, parameter="calibration")
    return found.of(kind_of(path), network_of(path), views_of(path))(proba)


def how_calibrated(found: Calibration, kinds: Iterable[str]) -> str:
    """How some kinds of map were calibrated, for the files that they went into."""
    return ", ".join(dict.fromkeys(found.maps[kind].method for kind in kinds))


def described_calibration(
    found: Calibration, weights: Mapping[str, float] | None
) -> dict[str, object]:
    """What a manifest says of a calibration that was applied, and its cautions, which are told."""
    if found.cautions:
        said = f"{', '.join(f'{k} by {c.method}' for k, c in found.maps.items())}"
        tell(Reading("calibration", found.source, (said,), found.cautions))
    return {
        "maps": {kind: c.to_dict() for kind, c in found.maps.items()},
        "cautions": list(found.cautions),
        "polygons": found.polygons,
        "fusion": {kind_of(name): weight for name, weight in (weights or {}).items()},
    }


def fuse_files(
    paths: Sequence[str | Path],
    out: str | Path,
    method: Method = MapRequest.fusion,
    *,
    resample: bool = False,
    city: str = "",
    calibration: str | Path | None = None,
    out_scheme: OutScheme = MapRequest.out_scheme,
) -> xr.DataArray:
    """Fuse probability files; write ``fused_proba.tif``, ``fused_lcz.tif``, certainty and manifest.

    Parameters
    ----------
    paths : sequence of path
        Two or more ``*_proba.tif`` of one grid; or a So2Sat folder, or its archives, with the probabilities
        of Sentinel-1 and each season that its programs write.
    out : path
        Folder for the results; not one that holds a result of `lcz map`, whose manifest would be
        lost.
    method, resample
        See `fuse`.
    city : str
        Of a folder or archives that hold several.
    calibration : path, optional
        ``calibration.json`` of `lcz calibrate`: each map is calibrated by it, known by its file's name, and learned
        fusion takes its weights.
    out_scheme : {"1-17", "101-107", "0-16"}
        Numbering of ``fused_lcz.tif``, which states it.

    Returns
    -------
    DataArray (y, x)
        The LCZ map, 1..17.

    Raises
    ------
    InputError, GridError
        If the inputs or the folder cannot be used.
    """
    check_weighted(method, calibration, "method")
    out = Path(out)
    names = dict.fromkeys(str(p) for p in probability_files(paths, city))
    if len(names) < 2:
        msg = "One map alone cannot be fused: give two or more different *_proba.tif files."
        raise InputError(msg)
    started = time.time()
    if command_of(out / MANIFEST) == "map":
        msg = f"{out} holds a result of `lcz map`, whose manifest would be lost: choose another folder."
        raise InputError(msg)
    if any(Path(p).resolve().parent == out.resolve() for p in names):
        msg = f"The inputs lie in {out} themselves and could be overwritten: choose another folder."
        raise InputError(msg)
    found = None if calibration is None else open_calibration(calibration)
    chunks = {"band": -1, "y": 256, "x": -1}
    maps = {p: open_probabilities(p, chunks=chunks, scale=scale_of(p)) for p in names}
    weights = None
    if found is not None:
        maps = {p: _calibrated(p, proba, found) for p, proba in maps.items()}
        if method == LEARNED:
            of_kind = found.weights_of([kind_of(p) for p in names])
            weights = {p: of_kind[kind_of(p)] for p in names}
    fused = fuse(maps, method, resample=resample, weights=weights)
    lcz = labels(fused).compute()
    if not (lcz > 0).any():
        msg = "The maps have no cell with data: there is nothing to fuse."
        raise InputError(msg)
    tags = {WEIGHTS_TAG: joined(networks_of({p: p for p in names}).values())}
    more: dict[str, object] = {}
    if found is not None:
        tags[CALIBRATED_TAG] = how_calibrated(found, (kind_of(p) for p in names))
        more["calibration"] = described_calibration(found, weights)
    sure = certainty(fused)
    with alone_in(out, ".write.lock"):
        remove_manifest(out, "fuse")
        written = [
            write_probabilities(out / proba_file(Kind.FUSED), fused, tags=tags),
            write_lcz_map(out / lcz_file(Kind.FUSED), lcz, tags=tags, scheme=out_scheme),
            write_raster(
                out / certainty_file(Kind.FUSED), sure, descriptions=["certainty"], tags=tags
            ),
        ]
        parameters = {
            "probabilities": [relative(p, out) for p in names], "resample": resample, "method": method,
            "calibration": None if found is None else relative(found.source, out), "out_scheme": out_scheme,
        }  # fmt: skip
        content = new_manifest(
            out, "fuse", parameters=parameters,
            inputs=[*names, *([found.source] if found else [])], outputs=written,
            seconds=time.time() - started, path_parameters=["probabilities", "calibration"], method=method,
            **more,
        )  # fmt: skip
        write_manifest(out, content)
    return lcz
