"""An LCZ map for Google Earth: a KMZ with the map as an overlay, and its legend (OGC KML 2.2, 12-007r2)."""

from __future__ import annotations

import io
import warnings
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import xarray as xr
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from lczlib.classes import CLASSES
from lczlib.export.files import staged
from lczlib.export.targets.names import label_of
from lczlib.export.templates import render
from lczlib.grid import geobox_of, to_grid

_NO_GLYPHS = ("zh",)
"""Languages whose characters are in no font that every machine has: their legend's picture is English."""


def in_degrees(lcz: xr.DataArray) -> xr.DataArray:
    """A map on the grid of latitude and longitude that KML's overlays have, by nearest cell."""
    if geobox_of(lcz, "LCZ map").crs.epsg == 4326:
        return lcz
    target = lcz.odc.output_geobox("EPSG:4326")
    return to_grid(lcz, target, "nearest")


def write_kmz(path: str | Path, lcz: xr.DataArray, *, name: str, language: str = "en") -> Path:
    """Write ``doc.kml``, the map as ``lcz.png`` and, where matplotlib is there, ``legend.png`` as one KMZ.

    Parameters
    ----------
    path : path
        Target; appears only when complete.
    lcz : DataArray (y, x)
        Codes 0..17, in any CRS; what has no class is transparent.
    name : str
        What the overlay is called.
    language : str
        Of the legend.
    """
    degrees = in_degrees(lcz)
    bounds = geobox_of(degrees).boundingbox
    there = np.unique(degrees.values)
    zones = [c for c in CLASSES if c.number in there]
    legend = _legend_png([label_of(c, _picture_language(language)) for c in zones],
                         [c.color for c in zones])  # fmt: skip
    text = render(
        "export/targets/overlay.kml.xml", name=name, north=bounds.top, south=bounds.bottom,
        east=bounds.right, west=bounds.left, legend=legend is not None,
        entries=[(c.color, label_of(c, language)) for c in zones],
    )  # fmt: skip
    with (
        staged(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        archive.writestr("doc.kml", text)  # the first of the archive is the one that is opened
        archive.writestr("lcz.png", _png(degrees.values))
        if legend is not None:
            archive.writestr("legend.png", legend)
    return Path(path)


def _picture_language(language: str) -> str:
    return "en" if language in _NO_GLYPHS else language


def _png(codes: np.ndarray) -> bytes:
    """Codes as a picture in the colours of the classes, transparent where there is none."""
    colors = np.zeros((18, 4), np.uint8)
    for c in CLASSES:
        colors[c.number] = (*c.rgb, 255)
    bands = colors[codes].transpose(2, 0, 1)
    with MemoryFile() as memory, warnings.catch_warnings():
        # a picture has no place of its own: the overlay has it
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(
            driver="PNG", count=4, height=codes.shape[0], width=codes.shape[1], dtype="uint8"
        ) as dst:
            dst.write(bands)
        return memory.read()


def _legend_png(labels: list[str], colors: list[str]) -> bytes | None:
    """The legend as a picture; None where matplotlib is not installed."""
    if not find_spec("matplotlib"):
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    figure = Figure(figsize=(3.6, 0.24 * len(labels) + 0.3), dpi=110)
    FigureCanvasAgg(figure)
    handles = [Patch(facecolor=c, edgecolor="#444444", linewidth=0.4) for c in colors]
    figure.legend(handles, labels, loc="center left", fontsize=8, frameon=False, borderaxespad=0.2)
    content = io.BytesIO()
    figure.savefig(content, format="png", facecolor="white", bbox_inches="tight", pad_inches=0.06)
    return content.getvalue()
