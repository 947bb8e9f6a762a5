"""The heat island of each zone: of the surface, or of the air between the buildings."""

# ruff: noqa: E501 - markup and sentences stay whole

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel as pn
from display import projected
from imagery import scene_bounds
from parts import MAP_NAMES, help_text, html, interval, number, table
from session import Session

from lczlib.classes import CLASSES
from lczlib.figures.heat import class_boxes, diurnal_cycle, ranked_bars
from lczlib.study.steps import named_maps

_DIVERGING = (
    "#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7", "#fddbc7", "#f4a582", "#d6604d", "#b2182b",
)  # fmt: skip


class HeatPage:
    """The fifth page."""

    title = "Heat island"
    needs = ("scene", "reference", "own_map", "maps", "heat")

    def __init__(self, session: Session) -> None:
        self._session, self._study = session, session.study
        study = self._study
        wide = {"sizing_mode": "stretch_width"}
        self._answer = html("")
        self._told = html("")
        self._boxes = pn.pane.HoloViews(None, backend="bokeh", linked_axes=False, **wide)
        self._bars = pn.pane.HoloViews(None, backend="bokeh", linked_axes=False, **wide)
        self._table = html("")
        self._map = session.map_view(title="Temperature minus the reference (K)", height=520)
        # shown and hidden by the box around it: a Bokeh pane that is hidden itself fails
        self._map_pane = pn.Column(pn.pane.Bokeh(self._map.figure, **wide), **wide)
        self._zones = pn.widgets.Select(name="Zones of", **wide)
        self._zones.param.watch(self._chosen, "value")
        self._offering = False
        self._body = pn.Column(
            self._answer,
            self._boxes,
            self._map_pane,
            self._bars,
            self._table,
            visible=False,
            **wide,
        )
        number_of = pn.widgets.IntInput.from_param
        self._surface = pn.Column(
            pn.widgets.RadioButtonGroup.from_param(study.param.heat_time, name="Overpass", button_style="outline", **wide),
            number_of(study.param.heat_interior, name="Border pixels left out", **wide),
            _hint("Pixels eroded from each patch: mixed pixels at borders blur the zones. 0 uses all."),
            number_of(study.param.heat_min_pixels, name="Fewest pixels of a class", **wide),
            number_of(study.param.heat_min_patches, name="Fewest patches of a class", **wide),
            pn.widgets.FloatInput.from_param(study.param.heat_elevation_band, name="Elevation band (m)", step=10, **wide),
            _hint("The reference is taken from about the same height, since air cools upwards."),
            pn.widgets.FloatInput.from_param(study.param.heat_water_distance, name="Distance to water (m)", step=50, **wide),
            _hint("Reference pixels nearer than this to LCZ G are left out; 0 keeps all."),
            **wide,
        )  # fmt: skip
        self._canopy = pn.Column(
            pn.widgets.FloatInput.from_param(
                study.param.heat_radius, name="Radius around a station (m)", step=50, **wide
            ),
            _hint("The commonest zone of the map within this circle is the station's."),
            **wide,
        )
        self._study.param.watch(self._kind, "heat_kind")
        self._study.param.watch(
            self._made, ["heat", "scene", "maps", "reference", "own_map", "messages"]
        )
        self.sidebar = pn.Column(
            pn.widgets.RadioButtonGroup.from_param(study.param.heat_kind, name="Heat island", button_style="outline",
                                                   options={"surface": "surface", "canopy (air)": "canopy"}, **wide),
            self._zones,
            pn.widgets.RadioButtonGroup.from_param(study.param.heat_statistic, name="Statistic", button_style="outline", **wide),
            self._surface, self._canopy,
            pn.widgets.IntInput.from_param(study.param.heat_replicates, name="Bootstrap replicates", step=100, **wide),
            help_text("Surface and canopy are two things", _TWO), help_text("How sure is it?", _SURE), **wide,
        )  # fmt: skip
        self.content = pn.Column(self._told, self._body, **wide)
        self._kind()
        self._made()

    def _chosen(self, event: Any) -> None:
        if event.new and not self._offering:
            self._study.heat_map = event.new

    def _kind(self, *_: Any) -> None:
        surface = self._study.heat_kind == "surface"
        self._surface.visible, self._canopy.visible = surface, not surface

    def _made(self, *_: Any) -> None:
        study = self._study
        maps = named_maps({n: getattr(study, n) for n in ("maps", "reference", "own_map")})
        options = {MAP_NAMES[k]: k for k in MAP_NAMES if k in maps}
        if study.heat_map not in maps:
            options[f"{MAP_NAMES.get(study.heat_map, study.heat_map)} (not made yet)"] = (
                study.heat_map
            )
        self._offering = True
        self._zones.param.update(options=options, value=study.heat_map)
        self._offering = False
        heat = study.heat
        self._body.visible = heat is not None
        if heat is None:
            what = "" if study.messages.get("heat") else "Working …"
            self._told.object = f'<div class="lcz-banner info">{what}</div>' if what else ""
            return
        self._told.object = f"<div class='lcz-note'>{escape(study.scene.place.name if study.scene else '')} · {escape(heat.method)} · zones: {MAP_NAMES.get(study.heat_map, '')}</div>"
        self._answer.object = (
            f'<div class="lcz-answer" role="status">{escape(heat.sentence())}</div>'
        )
        result = heat.result
        self._table.object = _table_of(heat)
        if heat.kind == "surface":
            self._boxes.object = class_boxes(
                result.classes,
                result.reference_temperature,
                "Pixels of each zone against the reference",
            )
            self._bars.object = ranked_bars(
                result.classes, "Difference of each zone, warmest first"
            )
            self._map_pane.visible = True
            shown = projected(result.difference)
            reach = float(np.nanpercentile(np.abs(result.difference.values), 99))
            scene = study.scene

            def draw() -> None:
                self._map.show_values(shown, "K against the reference", -reach, reach, _DIVERGING)
                if scene is not None:
                    self._map.fit(scene_bounds(scene))

            self._session.tick(draw)
        else:
            self._boxes.object = ranked_bars(
                result.classes, "Air temperature difference of each zone"
            )
            self._bars.object = diurnal_cycle(
                result.diurnal, "Through the day (bands: 95 % intervals)"
            )
            self._map_pane.visible = False


def _table_of(heat: Any) -> str:
    count = "n_pixels" if heat.kind == "surface" else "n_stations"
    rows = []
    for lcz, r in heat.result.classes.iterrows():
        name = f"{CLASSES[lcz - 1].code} {CLASSES[lcz - 1].name}"
        extra = f"{int(r['n_patches']):,}" if heat.kind == "surface" else f"{int(r['n_hours']):,}"
        rows.append((name, f"{int(r[count]):,}", extra, number(r["mean"], 1), number(r["median"], 1),
                     number(r["difference"], 2, True), interval(r["ci_low"], r["ci_high"], 2, True), r["note"]))  # fmt: skip
    second = "patches" if heat.kind == "surface" else "hours"
    return table(
        (
            "zone",
            count[2:],
            second,
            "mean °C",
            "median °C",
            "difference K",
            "95 % interval",
            "note",
        ),
        rows,
    )


def _hint(text: str) -> pn.pane.HTML:
    return html(f'<div class="lcz-note">{text}</div>', margin=(-8, 10, 6, 10))


_TWO = """<p>The <b>surface</b> heat island is read from thermal images: roofs, streets, crowns as seen from above. The
<b>canopy</b> heat island is in the air between the buildings, from stations. By day they differ widely; numbers of one
must not be quoted as the other.</p>"""
_SURE = """<p>Neighbouring pixels share their weather and their noise, so intervals resample blocks of the scene (or
stations and days), not pixels. Where an interval holds 0, this evidence does not tell the zone from the reference.</p>"""
