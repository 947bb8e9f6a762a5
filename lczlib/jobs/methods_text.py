"""Sentences on what a result was made with, each fact with the place where it stands.

Only what a manifest and the result's own documents hold is told; what they lack is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lczlib.export.files import sha256_of
from lczlib.export.manifest import read_manifest, understood
from lczlib.reading import Reading, counted, tell

_DOCUMENTS = {
    "assess": "assessment.json", "compare": "comparison.json", "uhi": "heat_island.json", "sites": "sensor_sites.json",
    "field": "field.json",
}  # fmt: skip


@dataclass(frozen=True)
class Fact:
    """A number or name in a text, and where it stands.

    Attributes
    ----------
    number : int
        As the text has it, in brackets.
    value : str
        As the text has it.
    file : str
        Where it was read, by its path.
    key : str
        Place in the file: ``weights/0/sha256``.
    sha256 : str
        Of the file.
    """

    number: int
    value: str
    file: str
    key: str
    sha256: str


class Teller:
    """Collects facts while a text is written, and what it cites."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.entries: dict[str, str] = {}

    def fact(self, value: str, file: Path, key: str, sha256: str) -> str:
        """A value with the number of its source in brackets; the same source has the same number."""
        for known in self.facts:
            if (known.file, known.key, known.value) == (str(file), key, value):
                return f"{value} [{known.number}]"
        found = Fact(len(self.facts) + 1, value, str(file), key, sha256)
        self.facts.append(found)
        return f"{value} [{found.number}]"

    def cite(self, key: str) -> str:
        """A citation by its key, whose entry goes to the references."""
        from lczlib.export.bibliography import entry

        self.entries[key] = entry(key)
        return f"[@{key}]"


@dataclass(frozen=True)
class Recorded:
    """A result as its manifest tells it.

    Attributes
    ----------
    path : Path
        The manifest.
    content : dict
        What it holds.
    folder : Path
        Of the result.
    """

    path: Path
    content: Mapping[str, Any]
    folder: Path

    @classmethod
    def of(cls, source: str | Path) -> Recorded:
        """Read a result's manifest, and tell which of its files are no longer those that were written.

        Raises
        ------
        InputError
            If there is none.
        """
        path = Path(source)
        content, folder = read_manifest(path)
        path = path / "manifest.json" if path.is_dir() else path
        with understood(path):
            outputs = dict(content.get("outputs") or {})
            there = {name: folder / name for name in outputs}
            changed = [n for n, p in there.items() if p.is_file() and sha256_of(p) != outputs[n]]
            gone = [n for n, p in there.items() if not p.is_file()]
        command = str(content.get("command", "map"))
        said = [
            f"lcz {command} of {str(content.get('created', ''))[:10]}",
            counted(len(outputs), "file"),
        ]
        said += [f"{len(gone)} of them gone"] if gone else []
        cautions = []
        if changed:
            cautions.append(
                f"{', '.join(changed[:4])} of {folder} changed since the manifest was written: what they hold is not "
                "told; run it again."
            )
        tell(Reading("manifest", str(path), tuple(said), tuple(cautions)))
        return cls(path, content, folder)

    @property
    def command(self) -> str:
        """Which command wrote it."""
        return str(self.content.get("command", "map"))

    def document(self, name: str) -> tuple[Path, Mapping[str, Any]] | None:
        """One of its JSON documents, if it is there as it was written."""
        path = self.folder / name
        wanted = (self.content.get("outputs") or {}).get(name)
        if not path.is_file() or wanted is None or sha256_of(path) != wanted:
            return None
        return path, json.loads(path.read_text())


class _Source:
    """Facts of one file."""

    def __init__(self, path: Path, content: Mapping[str, Any], teller: Teller) -> None:
        self.path, self.content, self._teller = path, content, teller
        self._sha256 = sha256_of(path)

    def get(self, key: str) -> Any:
        return value_at(self.content, key)

    def __call__(self, key: str, form: str = "{}") -> str:
        """The value at a key as the text has it, with the number of its source."""
        value = self.get(key)
        if value is None:
            msg = f"{self.path} holds no {key}"
            raise KeyError(msg)
        return self._teller.fact(form.format(value), self.path, key, self._sha256)

    def has(self, *keys: str) -> bool:
        return all(self.get(k) not in (None, [], {}, "") for k in keys)


def value_at(content: Mapping[str, Any], key: str) -> Any:
    """The value at ``weights/0/name``; None where there is none.

    Examples
    --------
    >>> value_at({"a": [{"b": 3}]}, "a/0/b")
    3
    """
    found: Any = content
    for part in key.split("/"):
        if isinstance(found, Mapping):
            found = found.get(part)
        elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


def paragraph(result: Recorded, teller: Teller) -> str:
    """What a result was made with, and what it found, in sentences.

    Raises
    ------
    InputError
        If its manifest is of another form than results have.
    """
    manifest = _Source(result.path, result.content, teller)
    document = None
    if (name := _DOCUMENTS.get(result.command)) and (found := result.document(name)):
        document = _Source(*found, teller)
    tells = _TELLS.get(result.command, _any)
    with understood(result.path):
        sentences = [*tells(manifest, document, teller), *_inputs(manifest)]
    return " ".join(sentences)


Tells = Callable[[_Source, "_Source | None", Teller], Iterator[str]]


def _inputs(manifest: _Source) -> Iterator[str]:
    n = len(manifest.get("inputs") or [])
    if n:
        first = manifest("inputs/0/sha256", "{:.12}")
        more = f" (the SHA-256 of the first begins with {first}; the others stand beside it)"
        yield f"The manifest holds the SHA-256 of {counted(n, 'input file')}{more}."
    if manifest.has("created", "lczlib"):
        yield f"Computed on {manifest('created', '{:.10}')} with version {manifest('lczlib')}."


def _map(manifest: _Source, _: _Source | None, teller: Teller) -> Iterator[str]:
    yield f"Local Climate Zones {teller.cite('stewart2012')} were mapped by deep learning."
    for i, weights in enumerate(manifest.get("weights") or []):
        at = f"weights/{i}"
        cited = ""
        if weights.get("citation"):
            from lczlib.export.bibliography import stated

            key = f"weights_{weights['name']}"
            teller.entries[key] = stated(
                key,
                weights.get("title", weights["name"]),
                weights["citation"],
                weights.get("source", ""),
            )
            cited = f" [@{key}]"
        size = ""
        if manifest.has(f"{at}/patch_size", f"{at}/pixel_size"):
            size = f" from patches of {manifest(f'{at}/patch_size')} pixels of {manifest(f'{at}/pixel_size', '{:g}')} m"
        kind = f"{manifest(f'{at}/architecture')}{_network_cited(weights['architecture'], teller)}"
        yield (
            f"The network {manifest(f'{at}/name')} ({kind}, weights "
            f"{manifest(f'{at}/sha256', '{:.12}')}){cited} gave each cell of {manifest(f'{at}/sensor')} the "
            f"probabilities of the 17 classes{size}."
        )
    dates = [
        manifest(f"read/{i}/date")
        for i, read in enumerate(manifest.get("read") or [])
        if read.get("date")
    ]
    if dates:
        yield f"The scenes are of {', '.join(dates)}."
    sensors = {w.get("sensor") for w in manifest.get("weights") or []}
    if len(sensors) > 1 and manifest.has("parameters/fusion"):
        yield f"The sensors were fused by the method {manifest('parameters/fusion')}."
    if manifest.get("parameters/tta") not in (None, "none"):
        yield f"Probabilities are means over views of each patch ({manifest('parameters/tta')})."
    for kind, how in (manifest.get("calibration/maps") or {}).items():
        paper = teller.cite("guo2017" if how["method"] == "temperature" else "kull2019")
        name = manifest(f"calibration/maps/{kind}/method")
        yield f"The probabilities of {kind} were calibrated on reference polygons by the method {name} {paper}."
    if manifest.get("simulated"):
        yield "The city is simulated: the figures say nothing about a real one."


def _network_cited(architecture: str, teller: Teller) -> str:
    """The citation of a network's paper, where the registry knows the network."""
    from lczlib.export.bibliography import stated
    from lczlib.models.registry import ARCHITECTURES

    known = ARCHITECTURES.get(architecture)
    if known is None or not known.reference:
        return ""
    key = f"network_{architecture}"
    teller.entries[key] = stated(key, known.title, known.reference)
    return f" [@{key}]"


_SCORES = {
    "oa": "overall accuracy",
    "kappa": "kappa",
    "oaw": "weighted accuracy",
    "oabu": "built-up accuracy",
}


def _assess(_: _Source, document: _Source | None, teller: Teller) -> Iterator[str]:
    if document is None:
        yield "The map was assessed; the document of its scores is not there as it was written."
        return
    yield f"Accuracy was assessed on {document('n', '{:,}')} cells of the reference."
    for score, name in _SCORES.items():
        if not document.has(score):
            continue
        cited = f" {teller.cite('bechtel2017')}" if score == "oaw" else ""
        interval = ""
        if document.has(f"{score}_ci"):
            low, high = (document(f"{score}_ci/{i}", "{:.3f}") for i in (0, 1))
            interval = f" (95 % interval {low} to {high})"
        yield f"The {name}{cited} is {document(score, '{:.3f}')}{interval}."
    if document.has("intervals/method"):
        yield (
            f"Intervals are of a {document('intervals/method')}, of {document('intervals/n_units')} units in "
            f"{document('intervals/replicates', '{:,}')} draws with seed {document('intervals/seed')}."
        )


def _compare(_: _Source, document: _Source | None, teller: Teller) -> Iterator[str]:  # noqa: ARG001
    if document is None:
        yield "Maps were compared; the document of it is not there as it was written."
        return
    for i, _pair in enumerate(document.get("pairs") or []):
        at = f"pairs/{i}"
        yield (
            f"The maps {document(f'{at}/first')} and {document(f'{at}/second')} have the same class on "
            f"{document(f'{at}/agreement', '{:.1%}')} of {document(f'{at}/n', '{:,}')} cells, kappa "
            f"{document(f'{at}/kappa', '{:.3f}')}."
        )


def _uhi(_: _Source, document: _Source | None, teller: Teller) -> Iterator[str]:
    if document is None:
        yield "A heat island was computed; the document of it is not there as it was written."
        return
    yield (
        f"The heat island of the {document('kind')} is the difference of each zone to {document('reference')} "
        f"{teller.cite('stewart2012')}."
    )
    for i, row in enumerate(document.get("classes") or []):
        at = f"classes/{i}"
        if row.get("difference") is None or row.get("lcz") is None:
            continue
        n = next((k for k in ("n_stations", "n_pixels") if row.get(k)), None)
        sample = f", n = {document(f'{at}/{n}', '{:,}')}" if n else ""
        interval = ""
        if document.has(f"{at}/difference_ci/0", f"{at}/difference_ci/1"):
            low, high = (document(f"{at}/difference_ci/{k}", "{:+.2f}") for k in (0, 1))
            interval = f", interval {low} to {high} K"
        yield f"LCZ {document(f'{at}/lcz')}: {document(f'{at}/difference', '{:+.2f}')} K{interval}{sample}."


def _field(_: _Source, document: _Source | None, teller: Teller) -> Iterator[str]:
    if document is None:
        yield "A field of air temperature was made; the document of it is not there as it was written."
        return
    yield (
        f"Air temperature ({document('what')}) was laid on the map by kriging in which zones are random effects, with "
        f"the {document('covariances/0/shape')} model of GSTools {teller.cite('mueller2022')}, fitted by restricted "
        f"maximum likelihood; zones without a station have none."
    )
    if document.has("headline"):
        yield document("headline")


def _export(manifest: _Source, _: _Source | None, teller: Teller) -> Iterator[str]:
    target = str(manifest.get("parameters/to"))
    cited = {"wrf": "demuzere2022", "umep": "lindberg2018", "suews": "lindberg2018"}.get(target)
    after = f", after {teller.cite(cited)}" if cited else ""
    yield f"The map was written for {manifest('parameters/to')}{after}."
    for i, found in enumerate(manifest.get("findings") or []):
        if found.get("level") == "caution":
            yield manifest(f"findings/{i}/text")


def _any(manifest: _Source, _: _Source | None, teller: Teller) -> Iterator[str]:  # noqa: ARG001
    """Of other commands, what was chosen."""
    yield f"`lcz {manifest.get('command')}` was run."
    chosen = [
        f"{name} {manifest(f'parameters/{name}')}"
        for name, value in (manifest.get("parameters") or {}).items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != ""
    ]
    if chosen:
        yield f"Chosen were: {', '.join(chosen)}."


_TELLS: dict[str, Tells] = {
    "map": _map, "city": _map, "assess": _assess, "compare": _compare, "uhi": _uhi, "export": _export,
    "field": _field,
}  # fmt: skip
