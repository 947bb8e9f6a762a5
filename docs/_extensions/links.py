"""Links of the built site that lead nowhere on it are warnings, which ``make docs`` takes for errors."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


def dead_links(folder: Path) -> list[str]:
    """Links to files and anchors that are not in a built site, as ``page: link``."""
    pages: dict[Path, _Page] = {}
    for path in sorted(folder.resolve().rglob("*.html")):
        if "_static" in path.parts:  # templates of the theme, and no pages
            continue
        pages[path] = _Page()
        pages[path].feed(path.read_text(encoding="utf-8"))
    found = []
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            there = target in pages and anchor in pages[target].anchors
            if not target.is_file() or (anchor and target in pages and not there):
                found.append(f"{path.relative_to(folder.resolve())}: {link}")
    return found


def _checked(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        from sphinx.util import logging

        for link in dead_links(Path(app.outdir)):
            logging.getLogger(__name__).warning("dead link on %s", link)
            app.statuscode = 1  # warnings after the pages are written change it no more


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", _checked)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
