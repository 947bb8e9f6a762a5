"""One self-contained HTML file of a study: it opens offline and asks for nothing."""

from __future__ import annotations

import base64
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import lczlib
from lczlib.export.files import staged
from lczlib.export.templates import render

_PACKAGES = (
    "numpy",
    "xarray",
    "rasterio",
    "geopandas",
    "torch",
    "openvino",
    "holoviews",
    "matplotlib",
)


@dataclass
class Report:
    """A report, section by section. All text is escaped.

    Attributes
    ----------
    title, subtitle : str
    simulated : bool
        Says above everything that nothing in it is real.
    """

    title: str
    subtitle: str = ""
    simulated: bool = False
    _parts: list[dict[str, Any]] = field(default_factory=list)

    def section(self, title: str) -> None:
        """Begin a section."""
        self._parts.append({"kind": "section", "title": title})

    def text(self, text: str, kind: str = "") -> None:
        """A paragraph; `kind` is ``answer``, ``warning``, ``small`` or none."""
        self._parts.append({"kind": "text", "style": kind, "text": text})

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        caption: str = "",
        colors: Sequence[str] = (),
    ) -> None:
        """A table; with colors, one before each row, it is a legend too."""
        self._parts.append({
            "kind": "table", "columns": columns, "rows": rows, "caption": caption, "colors": colors,
        })  # fmt: skip

    def figure(self, path: str | Path, caption: str) -> None:
        """A figure of a PNG or SVG file, put into the report itself."""
        self._parts.append({"kind": "figure", "source": _inside(path), "caption": caption})

    def images(self, images: Sequence[tuple[str | Path, str]]) -> None:
        """PNGs of one extent with their captions, side by side where there is room; pixels stay sharp."""
        told = [{"source": _inside(path), "caption": caption} for path, caption in images]
        self._parts.append({"kind": "images", "images": told})

    def settings(self, values: dict[str, Any]) -> None:
        """Settings by name."""
        rows = [(k, "" if v is None else v) for k, v in values.items()]
        self.table(("setting", "value"), rows)

    def versions(self) -> None:
        """What it was made with."""
        rows = [("lczlib", lczlib.__version__), ("Python", platform.python_version())]
        for package in _PACKAGES:
            try:
                rows.append((package, version(package)))
            except PackageNotFoundError:
                continue
        self.table(("software", "version"), rows)

    def html(self) -> str:
        """The whole file."""
        return render(
            "export/report.html", title=self.title, subtitle=self.subtitle, simulated=self.simulated,
            parts=self._parts, made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            version=lczlib.__version__,
        )  # fmt: skip

    def write(self, path: str | Path) -> Path:
        """Write the file."""
        with staged(path) as temporary:
            temporary.write_text(self.html(), encoding="utf-8")
        return Path(path)


def _inside(path: str | Path) -> str:
    """An image as the address that holds it."""
    path = Path(path)
    kind = {".png": "image/png", ".svg": "image/svg+xml"}[path.suffix]
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
