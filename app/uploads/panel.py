"""The card with the drop zone, and what becomes of the files that are dropped."""

from __future__ import annotations

from collections import deque
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import panel as pn

from lczlib.errors import LczError
from lczlib.study.looking import Found, look
from lczlib.study.wording import in_page, in_review
from lczlib.texts import N_, text

from ..maps.mapview import MapView
from ..parts.markup import html, note
from .checks import LARGEST_MB, accept, safe_name
from .entry import Entry, without_folders
from .inputs import take
from .parts import LooseShapefiles, is_part
from .review import Review, listed, names_of, together, wants_another

if TYPE_CHECKING:
    from ..session import Session


_TOLD = 12
"""So many messages about files are shown, the newest on top."""
_OFF = N_(
    "Uploads are off, because this server was started without signed sessions, which keep visitors' files apart. "
    "Start it with <code>lcz app</code>; or set BOKEH_SECRET_KEY to what <code>bokeh secret</code> prints, and add "
    "<code>--session-ids signed</code> to <code>panel serve app</code>."
)
_ANYTHING = N_(
    "Drop anything: imagery, maps, polygons, temperatures, tables; several files at once as well. What was found "
    "is shown beside the map, and counts once you use it."
)
_ASK_JS = "window.onbeforeunload = cb_obj.active ? (event) => event.preventDefault() : null"
"""Uploads end with the session, and a session with its page: the browser asks before it leaves."""


class Drop(pn.widgets.FileDropper):
    """A drop zone that keeps no more of a file than is accepted, whatever the browser sends."""

    def _process_event(self, event: Any) -> None:
        data = event.data
        if event.event_name == "upload_event":
            if data["chunk"] > 1 and data["name"] not in self._file_buffer:
                return  # the rest of a file that was too large
            held = sum(len(part) for parts in self._file_buffer.values() for part in parts)
            if held + len(data["data"]) > LARGEST_MB * 1_000_000:  # of all that are on their way
                self._file_buffer.pop(data["name"], None)
                return
        super()._process_event(event)


class Uploads:
    """The upload card and what is under review.

    Parameters
    ----------
    session : Session
    view : MapView
        On which files are shown before they are used.

    Attributes
    ----------
    card : Card
        With the drop zone; where the server keeps no visitors apart, with the reason.
    review : Column
        What was found in each file, and what was said of those that were used or refused.
    """

    def __init__(self, session: Session, view: MapView) -> None:
        self._session = session
        self._told, self._lines = html(""), deque[str](maxlen=_TOLD)
        self._sent: dict[Path, str] = {}  # what the visitor calls each file
        self._loose = LooseShapefiles(session.folder)
        self._review = Review(session, view, self._take)
        self._waiting = html("")
        self._asks = pn.widgets.Checkbox(name="Uploads are in use", visible=False)
        self._asks.jscallback(value=_ASK_JS)
        self.review = pn.Column(
            self._review.content, self._told, margin=0, sizing_mode="stretch_width"
        )
        self.card = pn.Card(
            *(self._drop_zone() if session.may_upload else [_off()]),
            title=text("Upload own files"), collapsed=True, sizing_mode="stretch_width",
        )  # fmt: skip

    def _drop_zone(self) -> list[Any]:
        drop = Drop(
            name=text("Files"),
            multiple=True,
            max_file_size=f"{1000 * LARGEST_MB:.0f}KB",  # FilePond reads whole numbers only
            sizing_mode="stretch_width",
            height=90,
        )
        drop.param.watch(self._dropped, "value")
        without = pn.widgets.Button(
            name=text("Go on without my uploads"), sizing_mode="stretch_width"
        )
        without.on_click(self._forget)
        return [note(text(_ANYTHING)), drop, self._waiting, without, self._asks]

    def _dropped(self, event: Any) -> None:
        files = dict(event.new or {})
        if not files:
            return
        event.new.clear()  # else the next files would bring these with them

        def work() -> tuple[list[Found], list[str]]:
            found, failed = [], []
            for name, content in files.items():
                raw = content.encode() if isinstance(content, str) else bytes(content)
                try:
                    path = self._accepted(name, raw)
                    if path is not None:
                        found.append(look(path))
                except LczError as error:
                    failed.append(error.message)
            return found, failed

        self._session.background(work, self._looked)

    def _accepted(self, name: str, content: bytes) -> Path | None:
        """The file in a folder of its own; of a part of a Shapefile that, once it is whole."""
        folder = self._session.folder
        loose = is_part(name)
        path = self._loose.add(name, content) if loose else accept(name, content, folder)
        if path is not None:
            self._sent[path] = path.name if loose else safe_name(name)
        return path

    def _looked(self, made: tuple[list[Found], list[str]]) -> None:
        found, failed = made
        for one in found:
            self._add(one)
        self._asks.value = self._asks.value or bool(found)
        self._waiting.object = _lacking(self._loose.waiting())
        if failed:
            self._tell([_banner("failed", f, "alert") for f in failed], [])

    def _add(self, found: Found) -> None:
        """Review a file; where it makes an input only with one that waits, both as one."""
        if not wants_another(found):
            self._review.add(found, names_of(found, self._sent))
            return
        pending = self._review.pending()
        self._session.background(
            lambda: together(pending, found),
            lambda both: self._review.add(both, names_of(both, self._sent)),
        )

    def _take(self, entry: Entry) -> str:
        """Use a file; why it cannot be used, or what is asked of it first, where that is so."""
        kind = entry.kind
        if entry.asked:
            why = in_review(without_folders(entry.asked, entry.paths), kind.name)
            said = text("Not used yet: {name}. {why}").format(name=entry.name, why=why)
            self._tell([_banner("stale", said, "alert")], entry.paths)
            return said
        try:
            take(self._session, kind, entry.paths, entry.said())
        except LczError as error:
            message = without_folders(error.message, entry.paths)
            self._tell([_banner("failed", message, "alert")], entry.paths)
            return message
        refused = entry.seen.refused if entry.seen else ""
        names = [self._sent.get(p, p.name) for p in entry.paths]
        said = [_banner("info", text("Taken: {name}").format(name=n)) for n in names]
        if refused:  # what would mend it is asked elsewhere, or another file is
            told = text("{name} is in use, and cannot be read as it is: {why}").format(
                name=entry.name, why=without_folders(refused, entry.paths)
            )
            said = [_banner("failed", told, "alert")]
        remarks = [t for t in (entry.remark, entry.seen.remark if entry.seen else "") if t]
        self._tell([*said, *(_banner("stale", t) for t in remarks)], entry.paths)
        return ""

    def _tell(self, new: list[str], files: list[Path]) -> None:
        # files are used one after another: what was said of the others stays
        names = [escape(self._sent.get(f, f.name)) for f in files]
        for line in [t for t in self._lines if any(name in t for name in names)]:
            self._lines.remove(line)
        self._lines.extendleft(reversed(new))
        self._told.object = f'<div class="lcz-told" tabindex="-1">{"".join(self._lines)}</div>'

    def _forget(self, _: Any) -> None:
        study = self._session.study
        study.param.update({n: () for n in study.param if n.endswith("_files")})
        self._lines.clear()
        self._loose.forget()
        self._review.clear()
        self._waiting.object = ""
        self._asks.value = False
        self._tell([_banner("info", text("Your uploads are out of use."))], [])


def _lacking(waiting: dict[str, tuple[str, ...]]) -> str:
    """What is still to come of Shapefiles whose parts were dropped as they are."""
    said = text("{name} is not whole: drop its {parts} too.")
    return "".join(
        _banner("info", said.format(name=f"{stem}.shp", parts=listed(lacking)))
        for stem, lacking in waiting.items()
    )


def _off() -> pn.pane.HTML:
    """Why no files are taken here."""
    return html(f'<div class="lcz-banner info" role="status">{text(_OFF)}</div>')


def _banner(kind: str, said: str, role: str = "status") -> str:
    return f'<div class="lcz-banner {kind}" role="{role}">{escape(in_page(said))}</div>'
