"""Which network made a map: from its own tags, or from the manifest beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

WEIGHTS_TAG = "LCZLIB_WEIGHTS"
"""GeoTIFF metadata item of a map or of probabilities: the names of the networks they were made with."""
DATE_TAG = "LCZLIB_DATE"
"""GeoTIFF metadata item of the same: the days of the images they were made from, where those say it."""

VIEWS_TAG = "LCZLIB_VIEWS"
"""GeoTIFF metadata item of probabilities that are the mean of several views of each patch: which."""
CALIBRATED_TAG = "LCZLIB_CALIBRATED"
"""GeoTIFF metadata item of probabilities that were calibrated: how."""

_JOIN = " + "


def joined(networks: Iterable[str]) -> str:
    """Names of networks as one text, each once."""
    parts = (name for text in networks for name in text.split(_JOIN) if name)
    return _JOIN.join(dict.fromkeys(parts))


def network_of(path: str | Path) -> str:
    """The networks that a map or its probabilities were made with; empty where nothing says so.

    Parameters
    ----------
    path : path
        A raster.

    Returns
    -------
    str
        ``sen2lcz_net``, or of fused maps ``so2sat_s1_resnet20 + so2sat_s2_resnet20``.
    """
    return tag_of(path, WEIGHTS_TAG) or _by_manifest(Path(path))


def tag_of(path: str | Path, tag: str) -> str:
    """A GeoTIFF metadata item of a raster; empty where it has none, or cannot be read."""
    import rasterio

    try:
        with rasterio.open(path) as src:
            return src.tags().get(tag, "")
    except (rasterio.errors.RasterioError, OSError):
        return ""


def views_of(path: str | Path) -> str:
    """Which views of each patch were averaged in a file of probabilities."""
    return tag_of(path, VIEWS_TAG) or "none"


def networks_of(paths: Mapping[str, str | Path]) -> dict[str, str]:
    """`network_of` of each map by its name, of those that say it."""
    found = {name: network_of(path) for name, path in paths.items()}
    return {name: network for name, network in found.items() if network}


def told(networks: Mapping[str, str]) -> str:
    """``Networks: s1 so2sat_s1_resnet20; s2 sen2lcz_net; fused of both`` for a line under a table."""
    single = [n for n in networks.values() if _JOIN not in n]
    parts = []
    for name, network in networks.items():
        fused = _JOIN in network and set(network.split(_JOIN)) <= set(single)
        named = network if name == network else f"{name} {network}"
        parts.append(f"{name} of these" if fused else named.strip())
    return f"Network{'s' if len(parts) > 1 else ''}: {'; '.join(parts)}." if parts else ""


def _by_manifest(path: Path) -> str:
    """Of maps from before they were tagged: the weights of the manifest that lists the file."""
    try:
        content = json.loads((path.parent / "manifest.json").read_text())
        if path.name not in content["outputs"] or content.get("command", "map") != "map":
            return ""
        kind = path.name.split("_")[0]
        weights = [w for w in content["weights"] if kind in (w["sensor"], "fused")]
        return joined(w["name"] for w in weights)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
