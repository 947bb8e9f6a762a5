"""Surface water from Sentinel-1: the map, its area by month, how often a place is water."""

# ruff: noqa: E501 - markup and sentences stay whole

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
from bokeh.palettes import Viridis256
from display import MERCATOR, projected, rgba_picture
from parts import MAP_NAMES, help_text, html, number, table
from session import Session

from lczlib.figures.composites import radar_composite
from lczlib.grid import geobox_of

_BLUES = ("rgba(0,0,0,0)", "#00a2e8")


class WaterPage:
    """The sixth page."""

    title = "Water"
    needs = ("scene", "reference", "own_map", "maps", "water", "water_summary")

    def __init__(self, session: Session) -> None:
        self._session, self._study = session, session.study
        study = self._study
        wide = {"sizing_mode": "stretch_width"}
        self._run = pn.widgets.Button(name="Map water", button_type="primary", **wide)
        self._stop = pn.widgets.Button(name="Cancel", button_type="danger", visible=False, **wide)
        self._bar = pn.indicators.Progress(value=-1, max=100, visible=False, **wide)
        self._layer = pn.widgets.RadioButtonGroup(
            options=["water", "probability", "occurrence"],
            name="Layer",
            button_style="outline",
            **wide,
        )
        self._told = html("")
        self._map = session.map_view(
            title="Surface water above Sentinel-1 (VV, VH, VV − VH)", height=560
        )
        self._table = html("")
        self._area = pn.pane.Matplotlib(
            None, tight=False, dpi=110, visible=False, format="svg", **wide
        )
        self._run.on_click(lambda _: session.runner.run("water"))
        self._stop.on_click(lambda _: session.runner.cancel("water"))
        session.runner.param.watch(self._progress, "progress")
        study.param.watch(self._progress, "conditions")
        study.param.watch(self._made, ["water", "scene"])
        study.param.watch(self._summed, "water_summary")
        self._layer.param.watch(self._summed, "value")
        self.sidebar = pn.Column(
            pn.widgets.Select.from_param(
                study.param.water_orbit, name="Orbit of the scene", description=None,
                options={"descending": "des", "ascending": "as", "both (as_des)": "as_des"}, **wide,
            ),
            self._run, self._stop, self._bar,
            pn.widgets.FloatSlider.from_param(study.param.water_threshold, name="Water from a probability of", step=0.05, **wide),
            self._layer,
            html('<div class="lcz-note">Own scenes: upload Sentinel-1 in dB on the City page. Several, with a date in each name '
                 "(<code>S1_2021-07.tif</code>), give the area by month and the occurrence.</div>"),
            help_text("Where this network holds", _HELP), **wide,
        )  # fmt: skip
        self.content = pn.Column(
            self._told, pn.pane.Bokeh(self._map.figure, **wide), self._area, self._table, **wide
        )
        self._made()
        self._progress()

    def _progress(self, *_: Any) -> None:
        running = self._study.conditions.get("water") == "running"
        state = self._session.runner.progress.get("water")
        self._run.disabled = running or self._study.scene is None
        self._stop.visible = self._bar.visible = running
        if running and state and state[2]:
            self._bar.value = int(100 * state[1] / state[2])

    def _made(self, *_: Any) -> None:
        water = self._study.water
        if water is None:
            self._told.object = '<div class="lcz-banner info">No water map yet. Choose the orbit of the radar scene, then press <b>Map water</b>.</div>'
            self._table.object = ""
            self._area.visible = False
            self._session.tick(self._clear)
            return

        def image() -> Any:
            radar = (
                water.radar.assign_coords(band=["VV", "VH"])
                if water.radar.sizes["band"] == 2
                else water.radar[:2].assign_coords(band=["VV", "VH"])
            )
            return rgba_picture(radar_composite(radar.to_dataset("band")))

        def show(made: Any) -> None:
            self._map.show_image(made)
            self._map.fit(tuple(geobox_of(water.radar).extent.to_crs(MERCATOR).boundingbox))

        self._session.background(image, show)
        self._summed()

    def _clear(self) -> None:
        self._map.show_image(None)
        self._map.show_classes(None)

    def _summed(self, *_: Any) -> None:
        water, summary = self._study.water, self._study.water_summary
        if water is None or summary is None:
            return
        probability = water.probability
        last = probability.isel(time=-1) if "time" in probability.dims else probability
        layer = self._layer.value
        if layer == "occurrence" and summary.occurrence is None:
            self._told.object = '<div class="lcz-banner info">Occurrence needs scenes of several dates: upload them on the City page.</div>'
            return
        data, title, palette = {
            "water": (
                summary.water.where(summary.water != 255).astype(np.float32),
                "water",
                _BLUES,
            ),
            "probability": (last, "probability of water", Viridis256),
            "occurrence": (summary.occurrence, "share of months with water", Viridis256[::-1]),
        }[layer]
        self._session.background(
            lambda: projected(data, 1.0),
            lambda shown: self._map.show_values(shown, title, 0, 1, palette),
        )
        area = summary.area
        times = np.atleast_1d(area["time"].values) if "time" in area.dims else [None]
        rows = []
        for i, time in enumerate(times):
            a = area.isel(time=i) if time is not None else area
            rows.append((str(time)[:7] if time is not None else "this scene", f"{number(float(a['area']), 2)} km²",
                         f"{number(float(a['low']), 2)} to {number(float(a['high']), 2)} km²", f"{100 * float(a['valid_share']):.0f} %", f"{int(a['n_valid']):,}"))  # fmt: skip
        checks = [
            (
                MAP_NAMES.get(n, n),
                number(c["agreement"], 3),
                number(np.nan if c["jaccard"] is None else c["jaccard"], 3),
                f"{c['n']:,}",
            )
            for n, c in summary.against_lcz.items()
        ]
        self._told.object = ""
        self._table.object = (
            "<h3>Water area</h3>"
            + table(("month", "area", "95 % interval", "seen", "pixels (n)"), rows)
            + (
                "<h3>LCZ G against this water map</h3>"
                + table(("map", "agreement", "overlap (Jaccard)", "cells (n)"), checks)
                if checks
                else ""
            )
        )
        if "time" in area.dims:
            from lczlib.figures.water import monthly_area_figure

            self._area.param.update(object=monthly_area_figure(area), visible=True)


_HELP = """<p>GMNet (Luo et al. 2023) was trained on lakes and rivers of Tibet. Where water is calm and the radar looks at
land around it, it does well; in the simulated city, whose radar is a simple model, and in harbours it misses water.
Compare with the image before you quote an area. The interval of an area comes from the probabilities.</p>"""
