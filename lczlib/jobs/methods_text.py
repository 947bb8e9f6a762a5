"""Sentences on what a result was made with, each fact with the place where it stands.

Only what a manifest and the result's own documents hold is told; what they lack is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lczlib.export.manifest import understood
from lczlib.jobs.methods_facts import Recorded, SourceFacts, Teller
from lczlib.reading import counted

_DOCUMENTS = {
    "assess": "assessment.json", "compare": "comparison.json", "uhi": "heat_island.json", "sites": "sensor_sites.json",
    "field": "field.json", "water": "water.json",
}  # fmt: skip


class Finding(str):
    """A sentence on what was found, or on a file: no method."""

    __slots__ = ()


def sentences(result: Recorded, teller: Teller) -> list[str]:
    """What a result was made with, and as `Finding` what it found.

    Raises
    ------
    InputError
        If its manifest is of another form than results have.
    """
    manifest = SourceFacts(result.path, result.content, teller)
    document = None
    if (name := _DOCUMENTS.get(result.command)) and (found := result.document(name)):
        document = SourceFacts(*found, teller)
    tells = _TELLS.get(result.command, _any)
    with understood(result.path):
        return [*tells(manifest, document, teller), *_inputs(manifest)]


Tells = Callable[[SourceFacts, "SourceFacts | None", Teller], Iterator[str]]


def _inputs(manifest: SourceFacts) -> Iterator[str]:
    n = len(manifest.get("inputs") or [])
    if n:
        first = manifest("inputs/0/sha256", "{:.12}")
        more = f" (the SHA-256 of the first begins with {first}; the others stand beside it)"
        yield Finding(f"The manifest holds the SHA-256 of {counted(n, 'input file')}{more}.")
    if manifest.has("created", "lczlib"):
        yield Finding(
            f"Computed on {manifest('created', '{:.10}')} with version {manifest('lczlib')}."
        )


def _map(manifest: SourceFacts, _: SourceFacts | None, teller: Teller) -> Iterator[str]:
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
        kind = ""
        if manifest.has(f"{at}/architecture"):
            cite = _network_cited(weights["architecture"], teller)
            kind = f"{manifest(f'{at}/architecture')}{cite}, "
        sha = manifest(f"{at}/sha256", "{:.12}") if manifest.has(f"{at}/sha256") else "not recorded"
        of = f" of {manifest(f'{at}/sensor')}" if manifest.has(f"{at}/sensor") else ""
        yield (
            f"The network {manifest(f'{at}/name')} ({kind}weights {sha}){cited} gave each cell{of} the "
            f"probabilities of the 17 classes{size}{_bands(manifest, at)}."
        )
    if manifest.get("second"):
        yield (
            f"For comparison {manifest('second/network')} (weights "
            f"{manifest('second/weights/sha256', '{:.12}')}) mapped Sentinel-2 as well: the two give "
            f"{manifest('second/agreement', '{:.0%}')} of {manifest('second/cells', '{:,}')} cells the same class."
        )
    dates = [
        manifest(f"read/{i}/date")
        for i, read in enumerate(manifest.get("read") or [])
        if read.get("date")
    ]
    if dates:
        yield f"The scenes are of {', '.join(dates)}."
    for i, text in enumerate(manifest.get("warnings") or []):
        if "atmosphere" in str(text):  # that air was put into surface reflectance, or was not
            yield manifest(f"warnings/{i}")
    engines = {n: manifest(f"engines/{n}") for n in manifest.get("engines") or {} if "/" not in n}
    if engines:
        yield f"Computed by {' and '.join(dict.fromkeys(engines.values()))}."
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


def _bands(manifest: SourceFacts, at: str) -> str:
    """Of which bands a network reads, and at which level it learnt them."""
    bands = manifest.get(f"{at}/bands") or []
    told = ""
    if bands:
        first, last = (manifest(f"{at}/bands/{i}") for i in (0, len(bands) - 1))
        told = f" in {counted(len(bands), 'band')}, {first} to {last}"
    level = f" (trained on level {manifest(f'{at}/level')})" if manifest.has(f"{at}/level") else ""
    return told + level


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


def _assess(manifest: SourceFacts, document: SourceFacts | None, teller: Teller) -> Iterator[str]:
    if document is None:
        yield "The map was assessed; the document of its scores is not there as it was written."
        return
    read = [str(r.get("what")) for r in manifest.get("read") or []]
    at = read.index("reference") if "reference" in read else -1
    of = f" {manifest(f'read/{at}/file')}" if at >= 0 else ""
    yield f"Accuracy was assessed on {document('n', '{:,}')} cells of the reference{of}."
    for score, name in _SCORES.items():
        if not document.has(score):
            continue
        cited = f" {teller.cite('bechtel2017')}" if score == "oaw" else ""
        interval = ""
        if document.has(f"{score}_ci"):
            low, high = (document(f"{score}_ci/{i}", "{:.3f}") for i in (0, 1))
            interval = f" (95 % interval {low} to {high})"
        yield Finding(f"The {name}{cited} is {document(score, '{:.3f}')}{interval}.")
    if document.has("intervals/method"):
        yield (
            f"Intervals are of a {document('intervals/method')}, of {document('intervals/n_units')} units in "
            f"{document('intervals/replicates', '{:,}')} draws with seed {document('intervals/seed')}."
        )


def _compare(_: SourceFacts, document: SourceFacts | None, teller: Teller) -> Iterator[str]:  # noqa: ARG001
    if document is None:
        yield "Maps were compared; the document of it is not there as it was written."
        return
    for i, _pair in enumerate(document.get("pairs") or []):
        at = f"pairs/{i}"
        yield Finding(
            f"The maps {document(f'{at}/first')} and {document(f'{at}/second')} have the same class on "
            f"{document(f'{at}/agreement', '{:.1%}')} of {document(f'{at}/n', '{:,}')} cells, kappa "
            f"{document(f'{at}/kappa', '{:.3f}')}."
        )


def _uhi(_: SourceFacts, document: SourceFacts | None, teller: Teller) -> Iterator[str]:
    if document is None:
        yield "A heat island was computed; the document of it is not there as it was written."
        return
    if not document.has("reference"):
        yield f"Temperatures of the zones ({document('kind')}) were compared with no reference."
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
        yield Finding(
            f"LCZ {document(f'{at}/lcz')}: {document(f'{at}/difference', '{:+.2f}')} K{interval}{sample}."
        )


def _field(_: SourceFacts, document: SourceFacts | None, teller: Teller) -> Iterator[str]:
    if document is None:
        yield "A field of air temperature was made; the document of it is not there as it was written."
        return
    yield (
        f"Air temperature ({document('what')}) was laid on the map by kriging in which zones are random effects, with "
        f"the {document('covariances/0/shape')} model of GSTools {teller.cite('mueller2022')}, fitted by restricted "
        f"maximum likelihood; zones without a station have none."
    )
    if document.has("headline"):
        yield Finding(document("headline"))


def _water(manifest: SourceFacts, document: SourceFacts | None, teller: Teller) -> Iterator[str]:
    weights = (
        f" (weights {manifest('weights/sha256', '{:.12}')})"
        if manifest.has("weights/sha256")
        else ""
    )
    yield (
        f"Surface water was mapped by GMNet{_network_cited('gmnet', teller)}{weights} from VV and VH of Sentinel-1 in "
        "dB; the interval of an area holds the network's doubt, the shore within the radar's resolution, and at its "
        "upper end what is as dark as open water but not mapped."
    )  # fmt: skip
    if document is not None and document.has("threshold"):
        yield f"Water is where its probability is above {document('threshold')}."


def _export(manifest: SourceFacts, _: SourceFacts | None, teller: Teller) -> Iterator[str]:
    target = str(manifest.get("parameters/to"))
    cited = {"wrf": "demuzere2022", "umep": "lindberg2018", "suews": "lindberg2018"}.get(target)
    after = f", after {teller.cite(cited)}" if cited else ""
    yield f"The map was written for {manifest('parameters/to')}{after}."
    for i, found in enumerate(manifest.get("findings") or []):
        if found.get("level") == "caution":
            yield manifest(f"findings/{i}/text")


def _any(manifest: SourceFacts, _: SourceFacts | None, teller: Teller) -> Iterator[str]:  # noqa: ARG001
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
    "field": _field, "water": _water,
}  # fmt: skip
