"""Reference polygons that a visitor draws on the map: listed, saved as a GeoPackage, and judged by."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import panel as pn

from lczlib.classes import CLASSES
from lczlib.errors import LczError
from lczlib.study.adapting import lacking
from lczlib.study.drawn import DrawnPolygon, drawn_table, write_drawn
from lczlib.study.wording import OF_DRAWN_CARD
from lczlib.texts import N_, text, texts

from ..maps.display import to_degrees
from ..maps.mapview import MapView
from ..parts.markup import html, note, put, table
from ..parts.words import zone_label
from ..session import Session
from ..uploads.inputs import take
from ..uploads.kinds import KINDS
from .map_drawn import drawn_findings

FILE = "reference.gpkg"
_ACTIVE_JS = "tool.active = cb_obj.active"
_HOW = N_(
    "Choose a class and press <b>Draw</b>. Press and hold on the map for the first corner, click each next one, press "
    "and hold for the last. Esc drops the one being drawn."
)
_ONE = N_("Maps are judged by polygons of two classes or more: draw some of another class.")
_TRAIN = N_(
    "<b>Adapt the network to them</b> fits the last layer of Sentinel-2's network to your polygons, tests it on some "
    "that it did not see, and maps anew; the map of the network as it was stands beside. To train all its layers, save "
    "the polygons and run <code>lcz train SCENES --polygons reference.gpkg --out FOLDER</code>."
)


class DrawCard:
    """The card, beside a map.

    Parameters
    ----------
    session : Session
    view : MapView
        That is drawn on.
    """

    def __init__(self, session: Session, view: MapView) -> None:
        self._session, self._view = session, view
        self._known: dict[tuple[float, float], tuple[int, str]] = {}  # by the first corner
        self._number = 0
        wide = {"sizing_mode": "stretch_width"}
        self.lcz = pn.widgets.Select(
            name=text("Class of the next polygon"),
            options={zone_label(c): c.number for c in CLASSES},
            **wide,
        )
        self.name = pn.widgets.TextInput(
            name=text("Its name (may be empty)"), max_length=80, **wide
        )
        self._draw = pn.widgets.Toggle(
            name=text("Draw"), button_type="primary", button_style="outline", **wide
        )
        self._draw.jscallback(args={"tool": view.pencil}, value=_ACTIVE_JS)
        self._draw.param.watch(lambda e: setattr(session.place, "paused", e.new), "value")
        self._undo = pn.widgets.Button(name=text("Remove the last"), disabled=True, **wide)
        self._undo.on_click(self._remove)
        self.use = pn.widgets.Button(name=text("Judge maps by them"), disabled=True, **wide)
        self.use.on_click(self._take)
        self.adapt = pn.widgets.Button(
            name=text("Adapt the network to them"), disabled=True, **wide
        )
        self.adapt.on_click(self._adapt)
        self.without = pn.widgets.Button(name=text("Without my polygons"), visible=False, **wide)
        self.without.on_click(self._as_it_was)
        session.study.param.watch(self._adapting, "adapt_files")
        self._lack = html("", visible=False)
        self._save = pn.widgets.FileDownload(
            callback=self._file,
            filename=FILE,
            label=text("Save as GeoPackage"),
            disabled=True,
            **wide,
        )
        self._list, self.told = html("", visible=False), html("", visible=False)
        view.rings.on_change("data", lambda attr, old, new: self._changed())  # noqa: ARG005
        self.content = pn.Card(
            note(text(_HOW)), self.lcz, self.name, self._draw, self._list, self._undo, self.use, self.adapt, self._lack,
            self.without, self._save, self.told,
            note(text(_TRAIN)), *drawn_findings(session, view),
            title=text(OF_DRAWN_CARD), collapsed=True, margin=(4, 5), **wide,
        )  # fmt: skip

    def polygons(self) -> list[DrawnPolygon]:
        """What is drawn, in the order drawn."""
        rings = self._view.rings.data
        found = []
        for xs, ys in zip(rings["xs"], rings["ys"], strict=True):
            lcz, name = self._known.get((xs[0], ys[0]), (self.lcz.value, self.name.value))
            degrees = (to_degrees(x, y) for x, y in zip(xs, ys, strict=True))
            corners = tuple((round(float(x), 7), round(float(y), 7)) for x, y in degrees)
            found.append(DrawnPolygon(lcz, name, corners))
        return found

    def _changed(self) -> None:
        rings = self._view.rings.data
        firsts = [(xs[0], ys[0]) for xs, ys in zip(rings["xs"], rings["ys"], strict=True)]
        now = self.lcz.value, self.name.value.strip()
        self._known = {first: self._known.get(first, now) for first in firsts}
        drawn = self.polygons()
        whole = [p for p in drawn if p.complete]
        numbers = {id(p): i for i, p in enumerate(whole, 1)}
        called = [
            ", ".join(filter(None, (p.name, "" if p.complete else text("being drawn"))))
            for p in drawn
        ]
        rows = [
            (numbers.get(id(p), ""), zone_label(CLASSES[p.lcz - 1]), *([name] if any(called) else []))
            for p, name in zip(drawn, called, strict=True)
        ]  # fmt: skip
        heads = ("", text("class"), *([text("name")] if any(called) else []))
        self._session.study.drawn = tuple(whole)
        title = text("Your polygons")
        put(self._list, table(heads, rows, title, "lcz-narrow", "lcz-words") if rows else "")
        self._undo.disabled = not rows
        put(self.told, "")
        ready, several = bool(whole), False
        if ready:
            try:
                several = drawn_table(drawn)["lcz"].nunique() > 1
            except LczError as error:
                self._say("failed", error.message)
                ready = False
            else:
                if not several:  # every map of that class alone would be perfect
                    self._say("info", text(_ONE))
        self._save.disabled, self.use.disabled = not ready, not several
        lack = lacking(p.lcz for p in whole) if several else ""
        self.adapt.disabled = bool(lack) or not several
        put(self._lack, f"<div class='lcz-note'>{escape(lack)}</div>" if lack else "")

    def _remove(self, _: Any) -> None:
        rings = self._view.rings
        rings.data = {"xs": list(rings.data["xs"])[:-1], "ys": list(rings.data["ys"])[:-1]}

    def _file(self) -> BytesIO:
        """The GeoPackage; the button works only where it can be made."""
        path = write_drawn(self.polygons(), self._session.folder / FILE)
        return BytesIO(path.read_bytes())

    def _take(self, _: Any) -> None:
        def done(path: Path, n: int) -> None:
            kind = next(k for k in KINDS.values() if k.target == "reference_files")
            take(self._session, kind.of, [path])
            self._session.study.reference_kind = "polygons"
            said = texts(
                "The reference is now your {n} polygon: see the Accuracy page.",
                "The reference is now your {n} polygons: see the Accuracy page.", n,
            )  # fmt: skip
            self._say("info", said)

        self._write("drawn", done)

    def _adapt(self, _: Any) -> None:
        def done(path: Path, _: int) -> None:
            study = self._session.study
            study.param.update(
                adapt_files=(str(path),), adapt_spacing=study.drawn_spacing, result_folder=""
            )
            self._session.runner.run("maps")
            put(self.told, "")  # how far it is stands below Run

        self._write("adapt", done)

    def _as_it_was(self, _: Any) -> None:
        study = self._session.study
        usual = study.param["adapt_spacing"].default
        study.param.update(adapt_files=(), adapt_spacing=usual)

    def _adapting(self, *_: Any) -> None:
        self.without.visible = bool(self._session.study.adapt_files)
        if not self.without.visible:
            put(self.told, "")

    def _write(self, name: str, then: Callable[[Path, int], None]) -> None:
        """Write what is drawn, in the background, and go on with the file and how many polygons it holds."""
        drawn = self.polygons()
        self._number += 1  # a file of another name: results belong to what a file is called
        path = self._session.folder / f"{name}-{self._number}.gpkg"

        def work() -> str:
            try:
                write_drawn(drawn, path)
            except LczError as error:
                return error.message
            return ""

        def done(failed: str) -> None:
            if failed:
                self._say("failed", failed)
            else:
                then(path, len(drawn_table(drawn)))

        self._session.background(work, done)

    def _say(self, kind: str, text: str) -> None:
        role = "alert" if kind == "failed" else "status"
        put(self.told, f'<div class="lcz-banner {kind}" role="{role}">{escape(text)}</div>')
