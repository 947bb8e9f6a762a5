"""One self-contained HTML file of a study: it opens offline and asks for nothing."""

from __future__ import annotations

import base64
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import lczlib
from lczlib.export.files import staged

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
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_CSS = """
:root { color-scheme: light dark; }
body { font: 15px/1.55 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { line-height: 1.2; margin-bottom: .2rem; } h2 { margin-top: 2.2rem; border-bottom: 1px solid #8885; }
figure { margin: 1rem 0; } figure img { max-width: 100%; height: auto; background: #fff; border-radius: 4px; }
figcaption, .small { font-size: .87rem; opacity: .8; }
.answer { font-size: 1.1rem; border-left: 4px solid #d97706; padding: .2rem .9rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .87rem; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } caption { text-align: left; padding: .3rem 0; }
.warning { background: #fde68a; color: #3b2a00; padding: .5rem .9rem; border-radius: 6px; }
@media print { body { max-width: none; } }
"""


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
    _parts: list[str] = field(default_factory=list)

    def section(self, title: str) -> None:
        """Begin a section."""
        self._parts.append(f"<h2>{escape(title)}</h2>")

    def text(self, text: str, kind: str = "") -> None:
        """A paragraph; `kind` is ``answer``, ``warning``, ``small`` or none."""
        self._parts.append(f'<p class="{escape(kind)}">{escape(text)}</p>')

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[Any]], caption: str = ""
    ) -> None:
        """A table."""
        head = "".join(f'<th scope="col">{escape(str(c))}</th>' for c in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(str(v))}</td>" for v in row) + "</tr>" for row in rows
        )
        title = f"<caption>{escape(caption)}</caption>" if caption else ""
        self._parts.append(
            f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        )

    def figure(self, path: str | Path, caption: str) -> None:
        """A figure of a PNG or SVG file, put into the report itself."""
        path = Path(path)
        kind = {".png": "image/png", ".svg": "image/svg+xml"}[path.suffix]
        data = base64.b64encode(path.read_bytes()).decode()
        self._parts.append(
            f'<figure><img alt="{escape(caption, quote=True)}" src="data:{kind};base64,{data}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )

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
        made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        warning = (
            '<p class="warning">Simulated: the imagery, temperatures and references of this report are computed, '
            "and describe no real place.</p>"
            if self.simulated
            else ""
        )
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self.title)}</title><style>{_CSS}</style></head><body><main>"
            f"<h1>{escape(self.title)}</h1><p class='small'>{escape(self.subtitle)} · made {made} by lczlib "
            f"{escape(lczlib.__version__)}</p>{warning}{''.join(self._parts)}</main></body></html>\n"
        )

    def write(self, path: str | Path) -> Path:
        """Write the file."""
        with staged(path) as temporary:
            temporary.write_text(self.html(), encoding="utf-8")
        return Path(path)
