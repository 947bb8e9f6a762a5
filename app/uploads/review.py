"""What was found in dropped files, to be corrected and then taken: nothing counts before that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import panel as pn

from lczlib.study.looking import Found, look
from lczlib.texts import text

from ..maps.mapview import MapView
from ..parts.fields import WIDE
from ..parts.markup import html
from .entry import Entry
from .preview import Preview

if TYPE_CHECKING:
    from ..session import Session

_FOCUS_JS = """
const main = document.getElementById('main'), menu = document.getElementById('menu')
if (main && menu && matchMedia('(max-width: 760px)').matches && !main.classList.contains('folded')) menu.click()
const find = (root, what) => {
  for (const e of root.querySelectorAll('*')) {
    if (e.matches(what) && e.getClientRects().length) return e
    const found = e.shadowRoot && find(e.shadowRoot, what)
    if (found) return found
  }
}
let tries = 40
const seek = () => {
  const title = find(document, '.lcz-review-title') || (tries < 20 && find(document, '.lcz-told'))
  if (title) {
    title.focus({preventScroll: true})
    title.scrollIntoView({block: matchMedia('(max-width: 760px)').matches ? 'center' : 'nearest'})
  } else if (tries--) window.setTimeout(seek, 50)
}
seek()
"""
"""The settings, which on a phone lie over the map, are shut, and the review has the focus; else what was said."""
_CAME_JS = f"if (!document.activeElement?.closest('#beside')) {{{_FOCUS_JS}}}"
"""The same once files have come, but for who is at work in the review already."""


class Review:
    """The files that were dropped and are not taken yet.

    Parameters
    ----------
    session : Session
    view : MapView
        On which they are shown.
    take : callable
        Called with an entry whose file is used; a message where that fails.
    """

    def __init__(self, session: Session, view: MapView, take: Callable[[Entry], str]) -> None:
        self._session, self._take = session, take
        self._preview = Preview(session, view)
        self._entries: list[Entry] = []
        self._shown: Entry | None = None
        self._fitted: Any = None  # the place that the view was moved to
        self._title = html("")
        self._list = pn.Column(margin=0, **WIDE)
        self._all = pn.widgets.Button(
            name=text("Use all"), button_type="primary", visible=False, sizing_mode="stretch_width"
        )
        self._all.on_click(lambda _: self._use([e for e in self._entries if e.usable]))
        self._came, self._went = (
            pn.widgets.IntInput(name=f"Files that {what}", value=0, visible=False)
            for what in ("came", "went")
        )
        self._came.jscallback(value=_CAME_JS)
        self._went.jscallback(value=_FOCUS_JS)
        self.content = pn.Column(
            self._title, self._all, self._list, self._came, self._went,
            visible=False, css_classes=["lcz-review"], margin=0, **WIDE,
        )  # fmt: skip

    def pending(self) -> list[list[Path]]:
        """The files of each entry."""
        return [e.paths for e in self._entries]

    def files(self) -> list[Path]:
        """All files that wait."""
        return [p for e in self._entries for p in e.paths]

    def add(self, found: Found, name: str) -> None:
        """Show what was found in a file, or in the files of one input that were shown one by one."""
        joined = [e for e in self._entries if set(e.paths) < set(found.paths)]
        for entry in joined[1:]:
            self._entries.remove(entry)
        if joined:
            joined[0].name = name
            joined[0].refill(found)
        else:
            entry = Entry(
                self._session, found, name, self._beside, self._changed, lambda e: self._use([e]), self._leave
            )  # fmt: skip
            entry.show.on_click(lambda _: self._show(entry))
            self._entries.append(entry)
            lies = found.seen is not None and found.seen.outline is not None
            if lies or self._shown is None:
                self._shown, self._fitted = entry, None
        self._look_for_sites()
        self._arrange()
        self._came.value += 1

    def clear(self) -> None:
        """Leave all of them out."""
        self._entries.clear()
        self._arrange()

    def _beside(self) -> list[Path]:
        used = [Path(p) for p in self._session.study.station_files]
        return [*self.files(), *used]

    def _look_for_sites(self) -> None:
        """Temperatures and the places of their stations that come apart are read together."""
        tables = [e for e in self._entries if e.kind is not None and e.kind.name == "stations"]
        if len(tables) > 1 or self._session.study.station_files:
            for entry in tables:
                entry.look_again()

    def _changed(self, entry: Entry) -> None:
        if entry in self._entries:
            self._all.visible = len([e for e in self._entries if e.usable]) > 1
            self._draw(self._shown if self._shown in self._entries else entry)

    def _draw(self, entry: Entry) -> None:
        self._shown = entry
        lies = None if entry.seen is None else entry.seen.box
        # the view stays where the visitor has moved it, until another place is shown
        move, self._fitted = lies != self._fitted, lies
        self._preview.show(entry.drawn, entry.seen, [e.seen for e in self._entries], move=move)

    def _show(self, entry: Entry) -> None:
        self._fitted = None
        self._draw(entry)

    def _use(self, entries: list[Entry]) -> None:
        for entry in entries:
            failed = self._take(entry)
            if not failed:
                self._entries.remove(entry)
        self._arrange()
        self._went.value += 1

    def _leave(self, entry: Entry) -> None:
        self._entries.remove(entry)
        self._arrange()
        self._went.value += 1

    def _arrange(self) -> None:
        n = len(self._entries)
        self._list.objects = [e.content for e in self._entries]
        told = (
            text("A file is ready to be looked at and used. Nothing counts before you use it.")
            if n == 1
            else text(
                "{n} files are ready to be looked at and used. Nothing counts before you use it."
            )
        ).format(n=n)
        self._title.object = (
            f'<h2 class="lcz-review-title" tabindex="-1">{text("Your files")}</h2>'
            f'<p class="lcz-note" role="status">{told}</p>'
            if n
            else ""
        )
        self.content.visible = n > 0
        self._all.visible = len([e for e in self._entries if e.usable]) > 1
        for entry in self._entries:
            entry.show.visible = n > 1
        if not n:
            self._shown = self._fitted = None
            self._preview.clear()
        elif self._shown not in self._entries:
            self._draw(self._entries[-1])


def wants_another(found: Found) -> bool:
    """Whether a file is read as a kind whose files make one input, and makes none alone."""
    best = found.best
    return best is not None and best.kind.at_once and found.seen is not None and bool(found.seen.refused)  # fmt: skip


def together(pending: list[list[Path]], found: Found) -> Found:
    """A file with one that waits, where the two make an input: the halves of a Sentinel-1 scene."""
    for paths in pending:
        both = look([*paths, *found.paths]) if len(paths) == 1 else found
        if both.seen is not None and both.seen.kind.at_once and not both.seen.refused:
            return both
    return found


def names_of(found: Found, sent: dict[Path, str]) -> str:
    """What the visitor calls the files of an entry."""
    return listed([sent.get(p, p.name) for p in found.paths])


def listed(names: Sequence[str]) -> str:
    """Names in a row, as in a sentence."""
    return text(" and ").join(names)
