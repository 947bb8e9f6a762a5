"""Taking it away: the address, files, the report."""

from __future__ import annotations

import shutil
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path
from threading import Lock
from typing import Any

import panel as pn

from lczlib.errors import LczError
from lczlib.kinds import lcz_file, map_title, proba_file
from lczlib.study.document import (
    has_water,
    tables_of,
    write_bundle,
    write_field_zip,
    write_figures,
    write_report,
    write_water_zip,
)
from lczlib.study.export_inputs import WORDS
from lczlib.study.exports import write_exports
from lczlib.study.showing import shown
from lczlib.study.state import message_of
from lczlib.study.steps import named_maps
from lczlib.study.wording import OF_EXPORTS_CARD
from lczlib.texts import ENGLISH, N_, in_language, text

from ..parts.fields import card, field, hint
from ..parts.layout import columns
from ..parts.markup import html, note, put
from ..parts.messages import WHAT, no_imagery
from ..session import Session

# Why not Panel's FileDownload: what fails in its callback is a traceback in the server's log, not a sentence
# on the page; and of each button it keeps what was last sent, in the browser and on the server.
_SAVE_JS = """
const [name, , content] = cb_obj.value.split('|')
if (!content) return
cb_obj.value = ''
const bytes = Uint8Array.from(atob(content), c => c.charCodeAt(0))
const link = document.createElement('a')
link.href = URL.createObjectURL(new Blob([bytes]))
link.download = name
document.body.appendChild(link)
link.click()
link.remove()
setTimeout(() => URL.revokeObjectURL(link.href), 60000)
"""
_WHAT = N_(
    "<p>The address holds the whole state: city, area, settings, layers and view. Whoever opens it on "
    "this server sees the same. Uploaded files stay in your session and are not part of it.</p>"
    "<p>The report is one page for a paper's supplement: a summary, numbered figures and tables, methods with "
    "references, data with their hashes. It opens offline and prints on A4. All files are the report with its figures, "
    "tables and results, and a script that makes every result again.</p>"
)
_OTHERS = N_(
    "In the zip of all maps for other software. Areas by district come with polygons, WRF with the domain's "
    "geo_em file (both: City page, “Upload own files”), and STAC with a day."
)
_TABLES = {
    "areas_km2": N_("Areas of the classes (km²)"),
    "comparison": N_("Comparison of two maps by class"),
    "accuracy": N_("Accuracy: all scores with intervals"),
    "heat_island_surface": N_("Surface heat island by zone"),
    "heat_island_canopy": N_("Canopy heat island by zone"),
    "heat_island_surface_seasons": N_("Surface heat island by season"),
    "heat_island_canopy_seasons": N_("Canopy heat island by season"),
    "heat_island_canopy_rasters": N_("Canopy heat island of rasters by zone"),
    "heat_island_canopy_rasters_seasons": N_("Canopy heat island of rasters by season"),
    "field_cross_validation": N_("Air temperature everywhere: cross-validation"),
    "field_stations": N_("Air temperature everywhere: stations"),
    "water_area": N_("Surface water: areas (km²)"),
    "water_against_lcz": N_("Surface water: agreement of LCZ G"),
}
_WRAPPING = ".bk-btn { white-space: normal; }"
_DRAWING = Lock()  # matplotlib draws one figure at a time


class SharePage:
    """The last page."""

    title = N_("Share")
    has_beside = False
    needs = ("scene", "reference", "own_map", "published", "maps", "comparison", "accuracy", "heat",
             "field", "water", "water_summary")  # fmt: skip

    def __init__(self, session: Session) -> None:
        self._session, self._study = session, session.study
        wide = {"sizing_mode": "stretch_width"}
        self._link = pn.widgets.TextInput(
            name=text("Address of what you see"), disabled=False, **wide
        )
        self._title = pn.widgets.TextInput(
            name=text("Title of the report"),
            placeholder=text("Local Climate Zones of the place"),
            **wide,
        )
        self._author = pn.widgets.TextInput(name=text("Authors"), **wide)
        self._told = html("")
        self._still = html("", visible=False)
        self._failed = html("")
        self._files = pn.Column(**wide, styles={**columns(3), "gap": "0", "align-items": "end"})
        # A button stays when others come beside it: a click on one that the server has just replaced is lost.
        self._buttons: dict[str, pn.widgets.Button] = {}
        self._writers: dict[str, tuple[str, Callable[[Path], Any]]] = {}
        self._number = 0
        self._token = pn.widgets.TextInput(
            visible=False
        )  # its change makes the browser save the content
        self._token.jscallback(value=_SAVE_JS)
        session.study.param.watch(
            self._made,
            [
                "maps",
                "published",
                "accuracy",
                "heat",
                "field",
                "comparison",
                "reference",
                "water_summary",
                "conditions",
            ],
        )
        session.study.param.watch(self._going, "conditions")
        session.view.param.watch(self._made, "page")
        written = [part for name in WORDS for part in field(session.study, name)]
        self.sidebar = pn.Column(
            note(text(_WHAT)),
            card(text(OF_EXPORTS_CARD), [hint(text(_OTHERS)), *written]),
            **wide,
        )
        self.content = pn.Column(
            html(f"<h2>{text('Share')}</h2>"),
            self._link,
            self._told,
            self._still,
            self._failed,
            self._files,
            self._token,
            **wide,
        )
        self._offered: Any = None
        self._made()
        self._going()

    def _going(self, *_: Any) -> None:
        """Say what is still being made, since a file written now is without it."""
        conditions = self._study.conditions
        going = [text(WHAT[n]) for n in self.needs if conditions.get(n) == "running"]
        said = text("Still being made: {what}. What you save now is without it.")
        banner = '<div class="lcz-banner info" role="status">{}</div>'
        put(self._still, banner.format(escape(said.format(what=", ".join(going)))) if going else "")

    def _address(self) -> str:
        location = pn.state.location
        base = (
            ""
            if location is None
            else f"{location.protocol or 'http:'}//{location.hostname or ''}"
            f"{f':{location.port}' if location.port else ''}{location.pathname or ''}"
        )
        query = self._session.address.query()
        return base + (f"?{query}" if query else "")

    def _made(self, *_: Any) -> None:
        self._link.value = self._address()
        maps = named_maps(self._study)
        offered = (
            tuple(maps),
            *(
                shown(self._study, n) is not None
                for n in ("accuracy", "heat", "field", "comparison", "water_summary")
            ),
            tuple(self._study.heats()),
            no_imagery(self._study),
        )
        if offered == self._offered:
            return
        self._offered = offered
        if not maps and not has_water(self._study):
            missing = no_imagery(self._study)
            what = missing or text("No results yet: make a map on the <b>Map</b> page")
            self._told.object = f'<div class="lcz-banner info">{what}.</div>'
            self._files[:] = []
            return
        self._told.object = ""
        parts: list[Any] = [
            _heading(text("Everything")),
            self._title,
            self._author,
            self._file(
                text("Report (HTML)"),
                "lcz-report.html",
                lambda p: write_report(self._study, p, **self._named()),
                True,
            ),
            self._file(
                text("All files (zip: report, figures, tables, results, script)"),
                "lcz-study.zip",
                lambda p: write_bundle(self._study, p, self._link.value, **self._named()),
            ),
            *self._for_others(),
            _heading(text("Maps (GeoTIFF)")),
        ]
        result = self._study.maps
        if result is not None:
            for kind in result.kinds:
                parts.append(
                    self._existing(
                        text("{map}: classes").format(map=map_title(kind)),
                        result.folder / lcz_file(kind),
                    )
                )
                parts.append(
                    self._existing(
                        text("{map}: probabilities").format(map=map_title(kind)),
                        result.folder / proba_file(kind),
                    )
                )
            parts.append(
                self._existing(
                    text("Manifest (inputs, weights, settings)"), result.folder / "manifest.json"
                )
            )
        if self._study.field is not None:
            label = text("Air temperature everywhere (zip: GeoTIFF, CSV, JSON)")
            parts.append(self._file(label, "field.zip", lambda p: write_field_zip(self._study, p)))
        if has_water(self._study):
            parts.append(
                self._file(
                    text("Surface water (zip)"),
                    "water.zip",
                    lambda p: write_water_zip(self._study, p),
                )
            )
        parts.append(_heading(text("Tables (CSV)")))
        for name in tables_of(self._study):
            parts.append(
                self._file(
                    _table_label(name),
                    f"{name}.csv",
                    lambda p, n=name: tables_of(self._study)[n].to_csv(p, index=False),
                )
            )
        parts.append(_heading(text("Figures")))
        for ending in (".png", ".svg", ".pdf"):
            parts.append(
                self._file(
                    text("All figures as {format} (zip)").format(format=ending[1:].upper()),
                    f"figures{ending}.zip",
                    lambda p, e=ending: write_figures(self._study, p, e),
                )
            )
        self._files[:] = parts

    def _named(self) -> dict[str, str]:
        """Title and authors of the report, as they are typed now."""
        return {
            "title": self._title.value_input or self._title.value,
            "author": self._author.value_input or self._author.value,
        }

    def _for_others(self) -> list[Any]:
        """The maps in the forms that other software takes, where there are any."""
        if not named_maps(self._study):
            return []
        label = text("Maps for other software (zip: QGIS, NetCDF, Google Earth, UMEP ...)")
        return [self._file(label, "lcz-exports.zip", lambda p: write_exports(self._study, p))]

    def _file(
        self, label: str, name: str, write: Callable[[Path], Any], primary: bool = False
    ) -> pn.widgets.Button:
        """A file that is made when it is asked for; a label's button is the same one always."""
        self._writers[label] = (name, write)
        if label not in self._buttons:
            self._buttons[label] = self._button(label, primary)
        return self._buttons[label]

    def _button(self, label: str, primary: bool) -> pn.widgets.Button:
        """A button that makes the label's file in a thread."""

        def make(name: str, write: Callable[[Path], Any]) -> tuple[bytes, str]:
            path = self._session.folder / "downloads" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with _DRAWING, in_language(ENGLISH):  # files are, whoever asks for them
                    write(path)
                return path.read_bytes(), ""
            except (LczError, OSError) as error:
                return b"", message_of(error)

        button = pn.widgets.Button(
            name=label, sizing_mode="stretch_width", max_width=440, margin=(5, 10), styles={"align-self": "end"},
            button_type="primary" if primary else "default", stylesheets=[_WRAPPING],
        )  # fmt: skip

        def sent(name: str, made: tuple[bytes, str]) -> None:
            content, failed = made
            button.param.update(loading=False, disabled=False)
            self._failed.object = (
                f'<div class="lcz-banner failed" role="alert">{escape(failed)}</div>'
                if failed
                else ""
            )
            if not failed:
                self._number += 1  # the same file twice is two changes
                self._token.value = f"{name}|{self._number}|{b64encode(content).decode()}"

        def clicked(_: Any) -> None:
            button.param.update(loading=True, disabled=True)
            said = escape(text("Making: {file} …").format(file=label))
            self._failed.object = f'<div class="lcz-note" role="status">{said}</div>'
            name, write = self._writers[label]
            self._session.background(partial(make, name, write), partial(sent, name))

        button.on_click(clicked)
        return button

    def _existing(self, label: str, path: Path) -> pn.widgets.Button:
        return self._file(label, path.name, lambda p: shutil.copy(path, p))


def _heading(title: str) -> pn.pane.HTML:
    """Above the buttons of a kind, which stand beside each other where there is room."""
    return html(f'<p class="lcz-key">{title}</p>', styles={"grid-column": "1 / -1"})


def _table_label(name: str) -> str:
    """What a table is called in words, such as Accuracy of Sentinel-1 by class."""
    if name in _TABLES:
        return text(_TABLES[name])
    return text("Accuracy by class: {map}").format(map=map_title(name.removeprefix("accuracy_")))
