"""The card with the drop zone."""

from __future__ import annotations

from collections import deque
from html import escape
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import panel as pn

from lczlib.errors import LczError
from lczlib.study.wording import in_page

from ..parts.markup import html
from .checks import LARGEST_MB, accept, safe_name
from .inputs import elsewhere, joined, take
from .kinds import KINDS

if TYPE_CHECKING:
    from ..session import Session


_TOLD = 12
"""So many messages about files are shown, the newest on top."""
_OFF = (
    '<div class="lcz-banner info" role="status">Uploads are off, because this server was started '
    "without signed sessions, which keep visitors' files apart. Start it with <code>lcz app</code>; or "
    "set BOKEH_SECRET_KEY to what <code>bokeh secret</code> prints, and add <code>--session-ids signed"
    "</code> to <code>panel serve app</code>.</div>"
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


def upload_panel(session: Session) -> pn.Card:
    """The card with the drop zone; where the server keeps no visitors apart, with the reason."""
    inside = _drop_zone(session) if session.may_upload else [html(_OFF)]
    return pn.Card(*inside, title="Upload own files", collapsed=True, sizing_mode="stretch_width")


def _drop_zone(session: Session) -> list[Any]:
    kind = pn.widgets.Select(name="What it is", options=list(KINDS), sizing_mode="stretch_width")
    drop = Drop(
        name="Files",
        multiple=True,
        max_file_size=f"{1000 * LARGEST_MB:.0f}KB",  # FilePond reads whole numbers only
        sizing_mode="stretch_width",
        height=90,
    )
    told, lines = html(""), deque[str](maxlen=_TOLD)
    latest: dict[str, list[Path]] = {}
    sent: dict[Path, str] = {}  # what the visitor calls each file
    joining = Lock()

    def tell(new: list[str], files: list[Path]) -> None:
        # files dropped together come one after another: what was said of the others stays
        names = [escape(sent.get(f, f.name)) for f in files]
        for line in [t for t in lines if any(name in t for name in names)]:
            lines.remove(line)
        lines.extendleft(reversed(new))
        told.object = "".join(lines)

    def dropped(event: Any) -> None:
        files = dict(event.new or {})
        if not files:
            return
        event.new.clear()  # else the next files, of another kind, would bring these with them
        chosen = KINDS[kind.value]

        def work() -> tuple[list[Path], list[str], str]:
            paths, failed, remark = [], [], ""
            for name, content in files.items():
                raw = content.encode() if isinstance(content, str) else bytes(content)
                try:
                    paths.append(accept(name, raw, chosen.endings, session.folder))
                    sent[paths[-1]] = safe_name(name)
                except LczError as error:
                    failed.append(error.message)
            if paths and chosen.target in ("map_files", "reference_files"):
                remark = elsewhere(paths[0], session.study.scene)
            if paths and chosen.check:
                with joining:
                    before, latest[chosen.label] = latest.get(chosen.label, []), paths
                    try:
                        paths, remark = joined(chosen.check, before, paths)
                        latest[chosen.label] = paths
                    except LczError as error:
                        failed.append(_without_folders(error.message, paths))
                        paths = []
            return paths, failed, remark

        def done(result: tuple[list[Path], list[str], str]) -> None:
            paths, failed, remark = result
            try:
                if paths:
                    take(session, chosen, paths)
            except LczError as error:
                failed.append(error.message)
            asks.value = asks.value or bool(paths)
            said = [_banner("info", f"Taken: {sent.get(p, p.name)}") for p in paths]
            said += [_banner("stale", remark)] if remark else []
            tell(said + [_banner("failed", f, "alert") for f in failed], paths)

        session.background(work, done)

    def forget(_: Any) -> None:
        session.study.param.update({n: () for n in session.study.param if n.endswith("_files")})
        lines.clear()
        latest.clear()
        asks.value = False
        tell([_banner("info", "Your uploads are out of use.")], [])

    def explain(*_: Any) -> None:
        hint.object = f'<div class="lcz-note">{escape(KINDS[kind.value].hint)}</div>'

    hint = html("")
    explain()
    kind.param.watch(explain, "value")
    asks = pn.widgets.Checkbox(name="Uploads are in use", visible=False)
    asks.jscallback(value=_ASK_JS)
    drop.param.watch(dropped, "value")
    without = pn.widgets.Button(name="Go on without my uploads", sizing_mode="stretch_width")
    without.on_click(forget)
    return [kind, hint, drop, told, without, asks]


def _banner(kind: str, text: str, role: str = "status") -> str:
    return f'<div class="lcz-banner {kind}" role="{role}">{escape(in_page(text))}</div>'


def _without_folders(text: str, paths: list[Path]) -> str:
    """A message about files by their names: where the server keeps them is nobody's business."""
    for path in paths:
        text = text.replace(str(path), path.name)
    return text
