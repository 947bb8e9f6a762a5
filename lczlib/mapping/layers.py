"""The layers of a mapping result: networks averaged, probabilities calibrated, sensors fused, files written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

import lczlib
from lczlib.calibrators import Calibration, open_calibration
from lczlib.errors import InputError
from lczlib.export import write_lcz_map, write_probabilities, write_raster
from lczlib.kinds import Kind, certainty_file, lcz_file, proba_file
from lczlib.made_by import CALIBRATED_TAG, DATE_TAG, VIEWS_TAG, WEIGHTS_TAG, joined
from lczlib.map_request import MapRequest
from lczlib.mapping.fusion import LEARNED, described_calibration, fuse, how_calibrated
from lczlib.mapping.sources import Source
from lczlib.mapping.views import views_for
from lczlib.maps import certainty, labels
from lczlib.models import Weights
from lczlib.terms import option


@dataclass(frozen=True)
class HonestLayers:
    """What is known of a result's layers before they are computed.

    Attributes
    ----------
    networks, views : dict of str to str
        Of each scene's and each kind's probabilities: the networks, and the views that are averaged.
    calibration : Calibration or None
        Checked to be of these networks and views.
    weights : dict of str to float
        Of learned fusion.
    """

    networks: Mapping[str, str]
    views: Mapping[str, str]
    calibration: Calibration | None
    weights: Mapping[str, float]

    @property
    def files(self) -> list[str]:
        """What is read beside scenes."""
        return [self.calibration.source] if self.calibration else []

    @property
    def cautions(self) -> tuple[str, ...]:
        """Of the calibration."""
        return self.calibration.cautions if self.calibration else ()

    def facts(self) -> dict[str, Any]:
        """What the manifest says of the calibration."""
        if self.calibration is None:
            return {}
        return {"calibration": described_calibration(self.calibration, self.weights)}


def honest_layers(
    request: MapRequest, sources: Sequence[Source], chosen: Mapping[str, Weights]
) -> HonestLayers:
    """Which layers there will be, before anything is computed.

    Raises
    ------
    InputError
        If the calibration is of other maps, or does not go with the fusion.
    """
    networks: dict[str, str] = {}
    views: dict[str, str] = {}
    for s in sources:
        for name in {s.name, s.kind}:
            networks[name] = joined((networks.get(name, ""), chosen[s.weights_name].name))
            views[name] = views_for(chosen[s.weights_name], request.tta)
    if request.calibration is None:
        return HonestLayers(networks, views, None, {})
    found = open_calibration(request.calibration)
    kinds = [k for k in dict.fromkeys(s.kind for s in sources) if k != Kind.SECOND]
    for kind in kinds:
        found.of(kind, networks[kind], views[kind])
    image = _image(kinds)
    fused = Kind.S1 in kinds and image is not None
    if (
        fused
        and request.fusion == "so2sat"
        and len({s.name for s in sources if s.kind == image}) > 1
    ):
        msg = (
            "So2Sat's fusion counts each season by itself, and a calibration is of their mean: use "
            f"{option('fusion')} mean or learned, or leave {option('calibration')} out."
        )
        raise InputError(msg, parameter="fusion")
    weights = found.weights_of([Kind.S1, image]) if fused and request.fusion == LEARNED else {}
    return HonestLayers(networks, views, found, weights)


def _image(kinds: Sequence[str]) -> str | None:
    """The kind that Sentinel-1 is fused with."""
    return next((k for k in kinds if k not in (Kind.S1, Kind.BOTH, Kind.SECOND)), None)


def averaged(sources: Sequence[Source], maps: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """What is known of each scene, by its name: the mean of its networks; no data where one has none."""
    found: dict[str, list[xr.Dataset]] = {}
    for s in sources:
        found.setdefault(s.name, []).append(maps[s.key])
    return {
        name: several[0] if len(several) == 1 else xr.Dataset({
            "probability": (sum(m["probability"] for m in several) / len(several)).assign_attrs(
                several[0]["probability"].attrs
            ),
            "valid_fraction": xr.concat([m["valid_fraction"] for m in several], "network").min(
                "network"
            ).assign_attrs(several[0]["valid_fraction"].attrs),
        })
        for name, several in found.items()
    }  # fmt: skip


def write_layers(
    out: Path,
    sources: Sequence[Source],
    maps: Mapping[str, xr.Dataset],
    request: MapRequest,
    honest: HonestLayers,
) -> tuple[list[Path], list[str]]:
    """Write all layers; returns their paths, and the kinds of maps in order.

    Parameters
    ----------
    out : Path
        Folder.
    sources : sequence of Source
        Each scene with each of its networks.
    maps : mapping of str to Dataset
        ``probability`` and ``valid_fraction`` of each, by its key.
    request : MapRequest
        How sensors are fused, and the numbering that maps are written in.
    honest : HonestLayers
        From `honest_layers`.
    """
    scenes = averaged(sources, maps)
    kind_of = {s.name: s.kind for s in sources}
    proba = {name: m["probability"] for name, m in scenes.items()}
    kinds = [*dict.fromkeys(kind_of.values())]
    made, how = dict(honest.networks), dict.fromkeys([*proba, *kinds], "")
    for kind in kinds:
        several = {name: proba[name] for name in scenes if kind_of[name] == kind}
        if kind not in several:
            proba[kind] = fuse(several, "mean")
        if kind == Kind.SECOND:  # it stands beside for comparison: its seasons are not
            proba = {n: p for n, p in proba.items() if n == kind or n not in several}
        if honest.calibration and kind != Kind.SECOND:
            proba[kind] = honest.calibration.maps[kind](proba[kind])
            how[kind] = how_calibrated(honest.calibration, [kind])
    image = _image(kinds)
    if Kind.S1 in proba and image:
        seasons = {name: proba[name] for name in scenes if kind_of[name] == image}
        by_season = request.fusion == "so2sat" and honest.calibration is None
        voters = seasons if by_season else {image: proba[image]}
        proba[Kind.FUSED] = fuse(
            {Kind.S1: proba[Kind.S1], **voters}, request.fusion, weights=honest.weights or None
        )
        made[Kind.FUSED] = joined((made[Kind.S1], made[image]))
        how[Kind.FUSED] = ", ".join(dict.fromkeys(h for h in (how[Kind.S1], how[image]) if h))
        kinds.insert(len(kinds) - (Kind.SECOND in kinds), Kind.FUSED)
    tags = {"LCZLIB_VERSION": lczlib.__version__}
    if any(s.scene.attrs.get("simulated") for s in sources):
        tags["LCZLIB_SIMULATED"] = "yes"
    written = []
    for name, p in proba.items():
        days = {str(s.scene.attrs.get("date") or "") for s in sources if _is_in(s, name)} - {""}
        own = {**tags, WEIGHTS_TAG: made[name]}
        if days:
            own[DATE_TAG] = " ".join(sorted(days))
        if how[name]:
            own[CALIBRATED_TAG] = how[name]
        if honest.views.get(name, "none") != "none":
            own[VIEWS_TAG] = honest.views[name]
        written += [
            write_probabilities(out / proba_file(name), p, tags=own),
            write_lcz_map(out / lcz_file(name), labels(p), tags=own, scheme=request.out_scheme),
        ]
        if name in kinds:
            layer = certainty(p)
            path = out / certainty_file(name)
            written.append(write_raster(path, layer, descriptions=["certainty"], tags=own))
    fractions = {n: m["valid_fraction"] for n, m in scenes.items() if kind_of[n] != Kind.SECOND}
    first = next(iter(fractions.values()))
    stack = xr.concat([f.assign_coords(x=first.x, y=first.y) for f in fractions.values()], "band")
    path = out / "valid_fraction.tif"
    written.append(write_raster(path, stack, descriptions=list(fractions), tags=tags))
    return written, kinds


def _is_in(source: Source, name: str) -> bool:
    """Whether a map of that name was made from a source."""
    if source.kind == Kind.SECOND:
        return name == source.kind
    return name in (source.name, source.kind, Kind.FUSED)
