"""One self-contained HTML page of a study: it opens offline, asks for nothing, and prints on A4."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lczlib
from lczlib.export.files import staged
from lczlib.export.templates import render

_INK, _QUIET = re.compile(r"#24292f", re.I), re.compile(r"#6e7781", re.I)
_LINE = re.compile(r"#d0d7de", re.I)
_IDS = re.compile(r'<g id="[^"]*"')
_HEAD = re.compile(r"^.*?<svg[^>]*?viewBox=\"([^\"]*)\"[^>]*>", re.S)
_FACE = "face"  # of the page's typeface, as the inks are of its colours
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.S)
_FONT = re.compile(r"font: ([^;\"']*?px) [^;\"]*?sans-serif")


@dataclass(frozen=True)
class Panel:
    """One drawing of a figure.

    Attributes
    ----------
    svg : str
        As matplotlib writes it; or the address of a picture (``data:``).
    told : str
        What it shows, for those who do not see it.
    """

    svg: str
    told: str


@dataclass
class Report:
    """A page, part by part; figures and tables are numbered in their order. All text is escaped.

    Attributes
    ----------
    title, subtitle, author : str
    simulated : bool
        Says above everything that nothing in it is real.
    made : str
        When, as the page says it; now by default.
    """

    title: str
    subtitle: str = ""
    author: str = ""
    simulated: bool = False
    made: str = ""
    _parts: list[dict[str, Any]] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=lambda: {"Figure": 0, "Table": 0})

    def section(self, title: str) -> None:
        """Begin a section."""
        self._parts.append({"kind": "section", "title": title})

    def begin(self, title: str) -> None:
        """Begin a section, unless the page is in it already."""
        open_now = [p["title"] for p in self._parts if p["kind"] == "section"]
        if not open_now or open_now[-1] != title:
            self.section(title)

    def text(self, text: str, kind: str = "") -> None:
        """A paragraph; `kind` is ``answer``, ``warning``, ``small`` or none."""
        self._parts.append({"kind": "text", "style": kind, "text": text})

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Terms, each with what is said of it."""
        self._parts.append({"kind": "facts", "rows": rows})

    def code(self, text: str) -> None:
        """Text as it is, such as a command."""
        self._parts.append({"kind": "code", "text": text})

    def cited(self, pieces: Sequence[str | int]) -> None:
        """A paragraph of texts, with numbers of `references` between them."""
        told = [
            {"number": p, "text": ""} if isinstance(p, int) else {"number": 0, "text": p}
            for p in pieces
        ]
        self._parts.append({"kind": "cited", "pieces": told})

    def references(self, texts: Sequence[str]) -> None:
        """The numbered list that `cited` refers to."""
        self._parts.append({"kind": "references", "texts": texts})

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        caption: str = "",
        colors: Sequence[str] = (),
        *,
        words: Sequence[int] = (),
    ) -> None:
        """A table with its number and caption.

        Parameters
        ----------
        columns : sequence of str
            Heads.
        rows : sequence of sequence
            The first of each row is its head.
        caption : str
            Below its number.
        colors : sequence of str
            One before each row's head, so that the table is a legend too.
        words : sequence of int
            Columns of words, which stand at the left; the others are of numbers.
        """
        self._parts.append({
            "kind": "table", "columns": columns, "rows": rows, "caption": caption, "colors": colors,
            "label": self._next("Table"), "words": {0, *words},
        })  # fmt: skip

    def figure(self, panels: Sequence[Panel], caption: str) -> str:
        """A figure of panels, side by side where there is room; what it is called, ``Figure 1``."""
        label = self._next("Figure")
        told = [
            {
                "svg": "" if p.svg.startswith("data:") else _inline(p.svg),
                "source": p.svg if p.svg.startswith("data:") else "", "told": p.told,
            }
            for p in panels
        ]  # fmt: skip
        self._parts.append({
            "kind": "figure", "panels": told, "caption": caption, "label": label,
        })  # fmt: skip
        return label

    @contextmanager
    def folded(self, title: str) -> Iterator[None]:
        """What is added in the block is folded away under a title."""
        outer, self._parts = self._parts, []
        try:
            yield
        finally:
            outer.append({"kind": "fold", "title": title, "parts": self._parts})
            self._parts = outer

    def html(self) -> str:
        """The whole file."""
        return render(
            "export/report.html", title=self.title, subtitle=self.subtitle, simulated=self.simulated,
            author=self.author, parts=self._parts, version=lczlib.__version__,
            made=self.made or datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        )  # fmt: skip

    def write(self, path: str | Path) -> Path:
        """Write the file."""
        with staged(path) as temporary:
            temporary.write_text(self.html(), encoding="utf-8")
        return Path(path)

    def _next(self, kind: str) -> str:
        self._counts[kind] += 1
        return f"{kind} {self._counts[kind]}"


def picture(path: str | Path) -> str:
    """A PNG as the address that holds it."""
    content = base64.b64encode(Path(path).read_bytes()).decode()
    return f"data:image/png;base64,{content}"


def _inline(svg: str) -> str:
    """A drawing for the page: in the page's typeface and inks, so that it is read in the dark too.

    Names of its groups go, since several drawings on a page would have them twice.
    """
    box = _HEAD.match(svg)
    if box is None:
        msg = "A drawing without a viewBox has no size: it is none of matplotlib's."
        raise ValueError(msg)
    text = _HEAD.sub("", _METADATA.sub("", svg), count=1)
    text = _IDS.sub("<g", text).rsplit("</svg>", 1)[0]
    for ink, name in ((_INK, "ink"), (_QUIET, "quiet"), (_LINE, "line")):
        text = ink.sub(f"var(--{name})", text)
    text = _FONT.sub(rf"font: \1 var(--{_FACE})", text)
    return f'<svg viewBox="{box[1]}" aria-hidden="true" focusable="false">{text}</svg>'
