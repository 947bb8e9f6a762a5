"""Styles of LCZ maps for other software: QML of QGIS, and OGC Styled Layer Descriptor (SLD 1.0.0).

QML is the form that QGIS 3.22 saves, with symbols told twice, as ``Option`` and as ``prop``, so that QGIS 3.10
and later read it. SLD: OGC 02-070, https://www.ogc.org/standard/sld/.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lczlib.classes import CLASSES, Scheme, lookup
from lczlib.export.files import staged
from lczlib.export.targets.names import LANGUAGES, label_of
from lczlib.export.templates import render


@dataclass(frozen=True)
class Entry:
    """One class of a legend: its code, label, colour (``#8c0000``, and as 0-255)."""

    value: int
    label: str
    color: str
    rgb: tuple[int, int, int]


def legend(language: str = "en", scheme: Scheme = "1-17") -> list[Entry]:
    """The 17 classes in the order of their numbers, with their codes in a numbering."""
    codes = {number: code for code, number in lookup(scheme).items() if number}
    return [Entry(codes[c.number], label_of(c, language), c.color, c.rgb) for c in CLASSES]


def raster_qml(language: str = "en", scheme: Scheme = "1-17") -> str:
    """Style of a raster of class codes for QGIS."""
    return render("export/targets/raster_qml.xml", entries=legend(language, scheme))


def raster_sld(language: str = "en", scheme: Scheme = "1-17") -> str:
    """Style of a raster of class codes as SLD."""
    return render("export/targets/raster_sld.xml", entries=legend(language, scheme))


def polygon_qml(language: str = "en") -> str:
    """Style of polygons by their column ``lcz`` (1-17) for QGIS."""
    return render("export/targets/polygon_qml.xml", entries=legend(language))


def polygon_sld(language: str = "en") -> str:
    """Style of polygons by their column ``lcz`` (1-17) as SLD."""
    return render("export/targets/polygon_sld.xml", entries=legend(language))


def write_styles(folder: Path, language: str = "en", scheme: Scheme = "1-17") -> list[Path]:
    """Write ``lcz.qml`` and ``lcz.sld``, and the same in each language as ``lcz_<language>``."""
    written = []
    for name, told in {"lcz": language, **{f"lcz_{code}": code for code in LANGUAGES}}.items():
        for ending, text in (
            ("qml", raster_qml(told, scheme)),
            ("sld", raster_sld(told, scheme)),
        ):
            path = folder / f"{name}.{ending}"
            with staged(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
            written.append(path)
    return written
