"""The whole mapping job: a city's scenes in; probabilities, LCZ maps and a manifest out."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import xarray as xr

import lczlib
from lczlib.accelerators import choose_device
from lczlib.errors import InputError, WeightsError
from lczlib.export import sha256_of
from lczlib.export.files import alone_in, write_json
from lczlib.export.manifest import MANIFEST, command_of, new_manifest, write_manifest
from lczlib.kinds import Kind, lcz_file
from lczlib.map_request import MapRequest
from lczlib.mapping.chunks import gdal_cache
from lczlib.mapping.engines import Engine, make_engine
from lczlib.mapping.layers import honest_layers, write_layers
from lczlib.mapping.predict import MIN_VALID, predict, tiles_of
from lczlib.mapping.prepare import Prepared, prepare
from lczlib.mapping.request import parameters_of
from lczlib.mapping.second import second_opinion
from lczlib.mapping.sources import Source, open_sources
from lczlib.mapping.store import Store
from lczlib.mapping.views import with_views
from lczlib.models import Weights, describe
from lczlib.reading import Reading, counted, heard_so_far, quiet, tell
from lczlib.scene_options import SceneOptions
from lczlib.scenes.atmosphere import what_was_put_back
from lczlib.settings import described
from lczlib.terms import option

UNFINISHED = ".unfinished"
"""Folder in a result's for what a run has done so far, and its lock."""
_REPLACED = "replaced.json"

Progress = Callable[[str, int, int], None]
"""Called with the scene's name, and the cells done and in all over all scenes."""


@dataclass(frozen=True)
class MapResult:
    """What `map_city` wrote.

    Attributes
    ----------
    out : Path
        The folder.
    kinds : dict of str to DataArray
        LCZ map of ``s1``, ``s2``, ``both`` (a network that reads both sensors), ``fused`` and ``second`` (by the
        network that Sentinel-2's is compared with), or of the
        sensor of another network (``landsat``), as far as made (opened from the files).
    warnings : tuple of str
        What a user should know of the input.
    manifest : dict
        Content of ``manifest.json``.
    """

    out: Path
    kinds: dict[str, xr.DataArray]
    warnings: tuple[str, ...]
    manifest: dict[str, Any]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} in {self.out}: {', '.join(self.kinds)}>"


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
    ``fused_proba.tif``, ``second_proba.tif`` of a network that is only compared, of networks of other sensors
    ``<sensor>_proba.tif``; the same with
    ``_lcz.tif`` for the most probable class and ``_certainty.tif``; ``valid_fraction.tif`` with a band
    a scene; ``manifest.json`` last.

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
    choose_device(request.device)  # before anything is opened or written
    described = {name: describe(name) for name in request.weights}
    sources, notes = open_sources(request, described)
    chosen = {s.weights_name: describe(s.weights_name) for s in sources}
    _check_used(described, chosen)
    honest = honest_layers(request, sources, chosen)
    notes = (*notes, *what_was_put_back(s.scene for s in sources))
    _tell(notes, request)
    prepared = {}
    for s in sources:
        # the second network reads the scenes that the first has told of
        told_before = quiet() if s.kind == Kind.SECOND else nullcontext()
        with told_before, gdal_cache(s.scene.attrs["files"]):
            prepared[s.key] = prepare(
                s.scene, chosen[s.weights_name], name=s.name, accept_values=request.accept_values,
                box=s.box, statistics=request.statistics.get(s.key),
            )  # fmt: skip
    shown = [
        s for s in sources if s.kind != Kind.SECOND
    ]  # the second network reads the same scenes
    warnings = [*notes, *_grouped([(s.name, prepared[s.key].warnings) for s in shown])]
    warnings += honest.cautions
    work, told = out / UNFINISHED, _Told(progress, cancelled)
    with _working_in(work, resume):
        files = sorted({f for s in sources for f in s.scene.attrs["files"]} | set(honest.files))
        hashes = {f: sha256_of(f) for f in files}
        maps, engines = _predicted(work, request, sources, prepared, chosen, hashes, told)
        empty = _empty({s.key: maps[s.key] for s in shown})
        if empty:
            warnings += empty
            tell(
                Reading(
                    "scenes", str(out), (counted(len(maps), "scene") + " mapped",), tuple(empty)
                )
            )
        layers, kinds = write_layers(work / "layers", sources, maps, request, honest)
        with quiet():
            opened = {kind: open_lcz_map(work / "layers" / lcz_file(kind)) for kind in kinds}
        opinion = second_opinion(sources, opened, chosen, named=bool(request.second))
        if opinion:
            warnings.append(str(opinion))
            tell(Reading("networks", str(out), ("two compared",), (str(opinion),)))
        manifest = new_manifest(
            out, "map", parameters=parameters_of(request, out), inputs=hashes,
            outputs=layers, seconds=time.time() - started,
            weights=[chosen[n].to_dict() for n in dict.fromkeys(s.weights_name for s in shown)],
            engines={name: e.description for name, e in engines.items()},
            cells=sum(prepared[s.key].shape[0] * prepared[s.key].shape[1] for s in shown),
            warnings=warnings, kinds=kinds,
            statistics={n: asdict(p.statistics) for n, p in prepared.items() if p.statistics},
            simulated=any(bool(s.scene.attrs.get("simulated")) for s in sources), **honest.facts(),
            **({"second": opinion.facts()} if opinion else {}),
        )  # fmt: skip
        # they are moved from the working folder into the result's
        manifest["outputs"] = {Path(name).name: h for name, h in manifest["outputs"].items()}
        _publish(layers, manifest, out)
    with quiet():
        opened = {kind: open_lcz_map(out / lcz_file(kind)) for kind in kinds}
    return MapResult(out, opened, tuple(warnings), manifest)


@dataclass(frozen=True)
class _Told:
    """Who is told of the progress, and who may stop it."""

    progress: Progress | None
    cancelled: Callable[[], bool] | None


_WHICH = ("city", "only_seasons", "sentinel1_time")
"""Options that say which files are read: those are hashed, and stay what they are without them."""


def _predicted(
    work: Path,
    request: MapRequest,
    sources: Sequence[Source],
    prepared: Mapping[str, Prepared],
    chosen: Mapping[str, Weights],
    hashes: Mapping[str, str],
    told: _Told,
) -> tuple[dict[str, xr.Dataset], dict[str, Engine]]:
    """Probabilities of each scene by each of its networks, and what computed them, by the weights' names."""
    engines: dict[str, Engine] = {}
    maps: dict[str, xr.Dataset] = {}
    total, before = sum(p.shape[0] * p.shape[1] for p in prepared.values()), 0
    read = {n: getattr(request, n) for n in described(SceneOptions) if n not in _WHICH}
    for source in sources:
        name, ready = source.weights_name, prepared[source.key]
        if name not in engines:
            engine = make_engine(
                name, device=request.device, engine=request.engine,
                precision=request.precision, batch_size=request.batch_size,
            )  # fmt: skip
            engines[name] = with_views(engine, request.tta)
        job = {
            "lczlib": lczlib.__version__, "weights": chosen[name].sha256,
            "files": {f: hashes[f] for f in source.scene.attrs["files"]},
            # as described: a run taken up on another device, or by another engine, would mix their numbers
            "engine": engines[name].description, "anchor": request.anchor, "scene": read,
            "statistics": asdict(ready.statistics) if ready.statistics else None,
        }  # fmt: skip
        store = Store.on_disk(work / source.key, job, ready.shape, len(tiles_of(ready.shape)))

        def report(done: int, _: int, at: int = before, label: str = source.name) -> None:
            if told.progress:
                told.progress(label, at + done, total)

        with gdal_cache(source.scene.attrs["files"]):
            maps[source.key] = predict(
                ready, engines[name], anchor=request.anchor, store=store, progress=report,
                cancelled=told.cancelled,
            )  # fmt: skip
        before += ready.shape[0] * ready.shape[1]
    return maps, engines


def _tell(notes: Sequence[str], request: MapRequest) -> None:
    """Tell notes on the input that its doors have not told."""
    told = {text for read in heard_so_far() for text in read["cautions"]}
    rest = tuple(n for n in notes if n not in told)
    if rest:
        first = next(iter((*request.inputs, *request.seasons.values(), *request.sentinel1)))
        tell(Reading("input", first, (counted(len(rest), "note"),), rest))


def _empty(maps: dict[str, xr.Dataset]) -> list[str]:
    """Scenes without a cell that gets a class, a sentence each.

    Raises
    ------
    InputError
        If that is all of them: a map without a class is none.
    """
    best = {name: float(m["valid_fraction"].max()) for name, m in maps.items()}
    empty = [name for name, highest in best.items() if highest < MIN_VALID]
    if len(empty) == len(best):
        msg = (
            f"No cell has half of its pixels valid (at most {max(best.values()):.0%} in "
            f"{', '.join(empty)}): there is nothing to map; check the no-data value ({option('nodata')}), or give a "
            "clearer image."
        )
        raise InputError(msg)
    return [
        f"The scene {name} gives no cell a class: none has half of its pixels valid."
        for name in empty
    ]


def _grouped(warnings: Sequence[tuple[str, tuple[str, ...]]]) -> list[str]:
    """Each warning once, with the names of all the scenes it was raised for."""
    found: dict[str, dict[str, None]] = {}
    for name, texts in warnings:
        for text in texts:
            found.setdefault(text.replace(f"scene {name}", "scene {}"), {})[name] = None
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
        try:
            yield
        except BaseException:
            _remove_if_bare(work)
            raise
        shutil.rmtree(work)


def _remove_if_bare(work: Path) -> None:
    """Remove the working folder, and the result's, where a failed run left nothing to resume."""
    if any(p.is_dir() or p.name == _REPLACED for p in work.iterdir()):
        return
    shutil.rmtree(work)
    with suppress(OSError):  # it holds something else
        work.parent.rmdir()


def _publish(layers: Sequence[Path], manifest: dict[str, Any], out: Path) -> None:
    """Move complete layers to their final place, and those of an earlier run away.

    The manifest comes last and goes first: a folder with a manifest is complete, and layers of two
    runs never stay beside each other as if they belonged together. What is to go is noted before, for
    the next run, should this one be killed in between.
    """
    before, note = out / MANIFEST, out / UNFINISHED / _REPLACED
    new = {p.name for p in layers}
    listed = _listed(note)
    if command_of(before) == "map":  # the manifest of another command stays, and what it lists
        listed |= _listed(before)
    write_json(note, {"outputs": dict.fromkeys(sorted(listed | new))})
    if command_of(before) == "map":
        before.unlink()
    for name in sorted(listed - new):
        (out / name).unlink(missing_ok=True)
        (out / f"{name}.aux.xml").unlink(missing_ok=True)
    for path in layers:
        for part in (path, Path(f"{path}.aux.xml")):
            if part.exists():
                part.replace(out / part.name)
    write_manifest(out, manifest)


def _listed(path: Path) -> set[str]:
    """The files beside it that a manifest, or the note of a killed run, lists; none where it is not there."""
    try:
        return {n for n in json.loads(path.read_text())["outputs"] if Path(n).name == n}
    except (OSError, ValueError, LookupError, TypeError):
        return set()
