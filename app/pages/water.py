"""Surface water from Sentinel-1: the map, its area by month, how often a place is water."""

# ruff: noqa: E501 - markup and sentences stay whole

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel as pn
import xarray as xr
from bokeh.palettes import Viridis256

from lczlib.analysis.water_area import dark_not_mapped
from lczlib.errors import LczError
from lczlib.figures.composites import radar_composite
from lczlib.figures.water import DARK, WATER
from lczlib.grid import geobox_of
from lczlib.kinds import map_title
from lczlib.mercator import mercator_box
from lczlib.study.showing import shown
from lczlib.study.state import Ticket
from lczlib.study.water import WaterSummary, water_scenes
from lczlib.study.water_inputs import WATER_INPUTS
from lczlib.study.wording import in_page
from lczlib.texts import N_, text

from ..maps.display import projected, rgba_picture
from ..parts.fields import bound, card, field
from ..parts.layout import tall
from ..parts.markup import help_text, html, interval, note, number, table
from ..parts.progress import StepProgress
from ..session import Session

_KEY = ((WATER, N_("water")), (DARK, N_("as dark as water, not mapped")))

OF_FILES = ("water_units", "water_dn_scale", "water_dates")
_ORBITS = {N_("ascending"): "as", N_("descending"): "des", N_("both (as_des)"): "as_des"}
_OPTIONS = {
    "water_units": {"dB": "db", N_("linear intensity"): "linear", N_("amplitude"): "amplitude"}
}
_EDGES = {N_("mirror image"): "mirror", N_("zero, as published"): "zero"}
_LAYERS = {
    "water": (N_("water"), N_("water"), (DARK, WATER)),
    "probability": (N_("probability"), N_("probability of water"), Viridis256),
    "occurrence": (N_("occurrence"), N_("share of months with water"), Viridis256[::-1]),
}
"""What the map can show: its button, its title, its colours."""
_FIRST = N_(
    "No water map yet, only the radar image. Choose the orbit of the scene, then press <b>Map water</b>."
)


class WaterPage:
    """The sixth page."""

    title = N_("Water")
    has_beside = True
    needs = ("scene", "reference", "own_map", "published", "maps", "water", "water_summary")

    def __init__(self, session: Session) -> None:
        self._session, self._study = session, session.study
        study = self._study
        wide = {"sizing_mode": "stretch_width"}
        self._run = pn.widgets.Button(name=text("Map water"), button_type="primary", **wide)
        self._going = StepProgress(study, session.runner, ("water",))
        self._layer = pn.widgets.RadioButtonGroup(
            options={text(said): name for name, (said, _, _) in _LAYERS.items()},
            name=text("Layer"),
            button_style="outline",
            visible=False,
            **wide,
        )
        self._key = html(_key(), visible=False)
        self._month = pn.widgets.Select(
            name=text("Month on the map"), options=[], visible=False, **wide
        )
        self._told = html("")
        self._map = session.map_view(title=text("Surface water above Sentinel-1"), height=560)
        self._pictured: xr.DataArray | None = None
        self._summary: WaterSummary | None = None  # what is on the page
        self._box: tuple[float, ...] = ()
        self._nothing_to_map = False
        self._table = html("")
        self._area = pn.pane.Matplotlib(
            None, tight=False, dpi=110, visible=False, format="svg", max_width=760, **wide
        )
        self._run.on_click(lambda _: session.runner.run("water"))
        study.param.watch(self._progress, "conditions")
        study.param.watch(self._made, ["water", "scene", *WATER_INPUTS])
        study.param.watch(self._summed, ["water_summary", "conditions"])
        self._layer.param.watch(self._draw, "value")
        self._month.param.watch(self._draw, "value")
        self.sidebar = pn.Column(
            *field(study, "water_orbit", options=_ORBITS),
            *(part for n in OF_FILES for part in field(study, n, options=_OPTIONS.get(n))),
            card(text("How it is mapped"), field(study, "water_edges", options=_EDGES)),
            bound(pn.widgets.FloatSlider, study.param.water_threshold, step=0.05, **wide),
            note(text(
                "Own scenes: upload Sentinel-1 on the City page. Several, with a date in each name "
                "(<code>S1_2021-07.tif</code>) and one grid, give the area by month and the occurrence."
            )),
            help_text(text("Where this network holds"), text(_HELP)), **wide,
        )  # fmt: skip
        self._pane = pn.Column(tall(self._map.figure), visible=False, margin=0, **wide)
        going = self._going
        self.action = pn.Column(
            pn.Row(self._run, going.stop, **wide), going.bar, going.told, margin=0, **wide
        )
        self.stage = pn.Column(self._pane, margin=0, **wide)
        self.beside = pn.Column(self._told, self._layer, self._month, self._key, margin=0, **wide)
        self.content = pn.Column(self._table, self._area, **wide)
        self._made()
        self._progress()

    def _progress(self, *_: Any) -> None:
        running = self._study.conditions.get("water") == "running"
        self._run.disabled = running or self._study.scene is None or self._nothing_to_map

    def _made(self, *_: Any) -> None:
        self._nothing_to_map = False
        if self._study.water is not None:
            self._summed()
            return
        self._table.object = ""
        self._area.visible = self._month.visible = self._key.visible = self._layer.visible = False
        self._pictured = self._summary = None
        self._session.tick(self._clear_layer)
        if self._study.scene is None:
            self._told.object = ""
            return
        ticket = self._study.ticket("water")
        self._session.latest(
            "water image", lambda: _before(ticket), lambda found: self._show_before(*found)
        )

    def _show_before(self, scene: xr.DataArray | None, made: Any, why: str) -> None:
        """The radar image that would be mapped, or why there is none."""
        if self._study.water is not None:
            return
        self._told.object = f'<div class="lcz-banner info">{why or text(_FIRST)}</div>'
        self._nothing_to_map = scene is None
        self._progress()
        if scene is None:
            self._pane.visible = False
        else:
            self._pictured = scene
            self._imaged(scene, made)

    def _summed(self, *_: Any) -> None:
        """Areas by month, the check against LCZ G, and the months to choose from."""
        summary = shown(self._study, "water_summary")
        if summary is self._summary:
            return
        self._summary = summary
        if summary is None:  # of another threshold, or another map, until the new ones are there
            self._table.object = ""
            self._area.visible = self._key.visible = self._layer.visible = False
            self._session.tick(self._clear_layer)
            return
        months = summary.months
        if months != self._month.options:
            self._month.param.update(options=months, value=months[-1] if months else None)
        self._month.visible, self._layer.visible = bool(months), True
        self._table.object = _areas_table(summary) + _checks_table(summary)
        if months:
            from lczlib.figures.water import monthly_area_figure

            self._area.object = monthly_area_figure(summary.area)
        self._area.visible = bool(months)
        self._draw()

    def _draw(self, *_: Any) -> None:
        """The layer and month chosen, on the map, and the radar image of that month."""
        summary = self._summary
        if summary is None:
            return
        scene = summary.scene_of(self._month.value or "")
        if scene is not self._pictured:
            self._pictured = scene
            self._session.latest(
                "water image", lambda: _image(scene), lambda made: self._imaged(scene, made)
            )
        layer = self._layer.value
        if layer == "occurrence" and summary.occurrence is None:
            said = text("Occurrence needs scenes of several dates: upload them on the City page.")
            self._told.object = f'<div class="lcz-banner info">{said}</div>'
            self._session.tick(self._clear_layer)
            return
        self._told.object = ""
        self._key.visible = layer == "water"
        (_, title, palette), month = _LAYERS[layer], self._month.value

        def show(made: Any) -> None:
            if self._summary is summary:  # else the city was changed meanwhile
                self._map.show_values(made, text(title), 0, 1, palette, bar=layer != "water")

        self._session.latest(
            "water layer", lambda: projected(_layer(summary, layer, month), 1.0), show
        )

    def _imaged(self, scene: xr.DataArray, made: Any) -> None:
        self._map.show_image(made)
        self._pane.visible = True
        box = tuple(mercator_box(geobox_of(scene)).boundingbox)
        if box != self._box:  # another month of the same place keeps the view
            self._box = box
            self._map.fit(box)

    def _clear_layer(self) -> None:
        self._map.show_values(None, "")


def _before(ticket: Ticket) -> tuple[xr.DataArray | None, Any, str]:
    """The scene that would be mapped (the last of several), its picture; or why there is none."""
    try:
        scene = water_scenes(ticket.given)[-1]
        return scene, _image(scene), ""
    except LczError as error:
        return None, None, escape(in_page(error.message, "water"))


def _layer(summary: WaterSummary, layer: str, month: str | None) -> xr.DataArray:
    """What the map shows, of a month where there are several; read here, into memory."""
    if layer == "occurrence":
        share = summary.occurrence.compute()
        return share.where(share > 0)
    shown, dark, months = summary.probability, summary.dark, summary.months
    if months:
        at = months.index(month) if month in months else -1
        shown, dark = shown.isel(time=at), dark.isel(time=at)
    shown = shown.compute()
    if layer == "probability":
        return shown
    threshold = summary.result.request.threshold
    data = dark_not_mapped(shown, dark.compute(), threshold).astype(np.float32) / 4
    return data.where(data > 0).where(~(shown > threshold), 1.0)


def _image(scene: xr.DataArray) -> Any:
    """VV, VH and VV − VH of a scene as a picture."""
    radar = scene[:2].assign_coords(band=["VV", "VH"])
    return rgba_picture(radar_composite(radar.to_dataset("band")))


def _key() -> str:
    """What the colours of the layer of water mean."""
    swatch = '<span style="display:inline-block;width:13px;height:13px;border-radius:3px;background:{}"></span> {} &emsp;'
    said = "".join(swatch.format(color, text(label)) for color, label in _KEY)
    return f'<div class="lcz-note">{said}</div>'


def _areas_table(summary: WaterSummary) -> str:
    rows = []
    for i, name in enumerate(summary.months or [text("this scene")]):
        a = summary.area.isel(time=i) if summary.months else summary.area
        rows.append((name, f"{number(float(a['area']), 2)} km²",
                     interval(float(a["low"]), float(a["high"]), 2) + " km²", f"{number(float(a['dark']), 2)} km²",
                     f"{100 * float(a['valid_share']):.0f} %", f"{int(a['n_valid']):,}"))  # fmt: skip
    cautions = "".join(
        f'<div class="lcz-banner stale" role="status">{escape(text)}</div>'
        for text in summary.result.cautions()
    )
    heads = (
        text("month"), text("mapped"), text("interval"), text("dark, not mapped"), text("seen"), text("pixels (n)"),
    )  # fmt: skip
    return f"{cautions}<h3>{text('Water area')}</h3>" + table(heads, rows)


def _checks_table(summary: WaterSummary) -> str:
    if not summary.against_lcz:
        return ""
    rows = [
        (
            map_title(name),
            number(found["agreement"], 3),
            number(np.nan if found["jaccard"] is None else found["jaccard"], 3),
            f"{found['n']:,}",
        )
        for name, found in summary.against_lcz.items()
    ]
    title = text("LCZ G against the water map")
    if summary.months:
        title = text("LCZ G against the water map of {month}").format(month=summary.months[-1])
    heads = (text("map"), text("agreement"), text("overlap (Jaccard)"), text("cells (n)"))
    return f"<h3>{title}</h3>" + table(heads, rows)


_HELP = N_("""<p>GMNet (Luo et al. 2023) was trained on the lakes and rivers of Tibet. It maps lakes well; narrow rivers, canals
and harbours it can take for land, and be sure of it. So compare with the image before you quote an area.</p>
<p>The <b>interval</b> holds three things: what the network doubts (95 %), every shore moved by the radar's resolution
(22 m), and cells <b>as dark as open water</b> in VV and VH that are not mapped. Asphalt, wet snow and radar shadow are as
dark, so its upper end can be far too high; water that is neither mapped nor dark is not in it.</p>""")
