"""Air temperature everywhere: the section of the heat island's page with the field of its stations."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.palettes import Inferno256, Viridis256

from lczlib.grid import geobox_of
from lczlib.jobs.field import FieldResult
from lczlib.jobs.field_files import validation_figure
from lczlib.jobs.field_words import VALIDATION_HEADS, validation_rows, what
from lczlib.mercator import mercator_box
from lczlib.study.field_results import ZONE_HEADS, zone_rows
from lczlib.study.wording import OF_FIELD_CARD, in_page
from lczlib.texts import N_, text

from ..maps.display import projected
from ..parts.fields import card, field, hint
from ..parts.layout import figure_pane, fluid
from ..parts.markup import help_text, html, table
from ..parts.progress import StepProgress
from ..parts.words import choices
from ..session import Session

HOURS = {N_("all hours"): "all", N_("night"): "night", N_("day"): "day"}
MODEL = (
    "field_start", "field_end", "field_fill", "field_covariance", "field_lapse_rate", "field_water",
    "field_seed",
)  # fmt: skip
_OPTIONS = {
    "field_hours": HOURS,
    "field_covariance": {n: n for n in ("exponential", "spherical", "matern")},
}
_STEPS = {"field_lapse_rate": 0.0005}
_LAYERS = (N_("air temperature (°C)"), N_("standard error (K)"))


class FieldSection:
    """The field of air temperature below the canopy heat island: asked for, shown and judged."""

    def __init__(self, session: Session) -> None:
        self._session, self._study = session, session.study
        study, wide = session.study, {"sizing_mode": "stretch_width"}
        self._run = pn.widgets.Button(
            name=text("Estimate the air temperature everywhere"), button_type="primary", max_width=440, **wide
        )  # fmt: skip
        going = StepProgress(study, session.runner, ("field",))
        self._answer, self._scores, self._zones, self._notes = (html("") for _ in range(4))
        self._layer = pn.widgets.RadioButtonGroup(
            options=choices(_LAYERS), name=text("Layer of the field"), button_style="outline",
            **wide,
        )  # fmt: skip
        self._map = session.map_view(title=text(OF_FIELD_CARD), height=520, wheel=False)
        self._stations = ColumnDataSource({n: [] for n in ("x", "y", "value", "name", "zone")})
        self._draw_stations()
        self._dots = figure_pane()
        self._found = pn.Column(
            self._answer, self._layer, pn.pane.Bokeh(self._map.figure, **wide), self._scores, self._dots,
            self._zones, self._notes, visible=False, **wide,
        )  # fmt: skip
        self._run.on_click(lambda _: session.runner.run("field"))
        self._layer.param.watch(self._draw, "value")
        study.param.watch(self._progress, "conditions")
        study.param.watch(self._made, "field")
        study.param.watch(self._seen, "heat_kind")
        self.content = pn.Column(
            html(f"<h2>{text(OF_FIELD_CARD)}</h2>"),
            hint(text(_WHAT)),
            *field(study, "field_hours", options=HOURS),
            card(text("Period and model of the field"), _fields(study)),
            self._run, going.stop, going.bar, going.told, self._found,
            help_text(text("What is behind it"), text(_HELP)), **wide,
        )  # fmt: skip
        self._seen()
        self._made()
        self._progress()

    def _seen(self, *_: Any) -> None:
        self.content.visible = self._study.heat_kind == "canopy"

    def _progress(self, *_: Any) -> None:
        running = self._study.conditions.get("field") == "running"
        self._run.disabled = running or bool(self._study.missing("field"))

    def _made(self, *_: Any) -> None:
        found: FieldResult | None = self._study.field
        self._found.visible = found is not None
        if found is None:
            return
        # the sentence tells what the zones are worth here, before any map is looked at
        self._answer.object = (
            f'<div class="lcz-answer" role="status">{escape(in_page(found.headline(), "field"))}</div>'
            f"<div class='lcz-note'>{escape(what(found.fitted).capitalize())}</div>"
        )
        self._scores.object = table(
            [text(head) for head in VALIDATION_HEADS],
            validation_rows(found),
            text("Cross-validation (K; n: values predicted)"),
        )
        self._dots.object = fluid(validation_figure(found), 420)
        self._zones.object = table(
            [text(head) for head in ZONE_HEADS], zone_rows(found),
            text("Zones (effect: against the mean of all zones; of the field: mean standard error of its pixels)"),
        )  # fmt: skip
        cautions = "".join(
            f'<div class="lcz-banner stale" role="status">{escape(in_page(text, "field"))}</div>'
            for text in found.cautions()
        )
        notes = " ".join(in_page(text, "field") for text in found.notes())
        self._notes.object = f"{cautions}<div class='lcz-note'>{escape(notes)}</div>"
        self._draw()

    def _draw_stations(self) -> None:
        colors = {"field": "value", "transform": self._map.value_mapper}
        dots = self._map.figure.scatter(
            "x", "y", source=self._stations, size=11, fill_color=colors, line_color="white", line_width=2
        )  # fmt: skip
        told = [
            (text("station"), "@name"),
            (text("zone"), "@zone"),
            (text("measured"), "@value{0.00} °C"),
        ]
        self._map.figure.add_tools(HoverTool(renderers=[dots], tooltips=told))

    def _draw(self, *_: Any) -> None:
        """The layer that is chosen; on that of the temperature the stations have its colours."""
        found: FieldResult | None = self._study.field
        if found is None:
            return
        warm = self._layer.value == _LAYERS[0]
        layer = found.temperature if warm else found.error
        means = found.fitted.table()
        points = found.network.sites.loc[means.index].geometry.to_crs(3857)
        known = layer.to_numpy()[np.isfinite(layer.to_numpy())]
        ends = np.quantile(known, [0.005, 0.995]) if known.size else np.array([0.0, 1.0])
        if warm:
            ends = np.r_[ends, means["temperature"]]
        low, high = (float(ends.min()) if warm else 0.0), float(ends.max())
        stations = {
            "x": points.x.to_numpy(), "y": points.y.to_numpy(), "name": [str(n) for n in means.index],
            "zone": list(means["code"]),
            "value": means["temperature"].to_numpy() if warm else np.full(len(means), np.nan),
        }  # fmt: skip

        def show(made: Any) -> None:
            if self._study.field is not found:
                return  # of other settings meanwhile
            title = text(self._layer.value)
            self._map.figure.title.text = f"{text(OF_FIELD_CARD)}: {title}"
            self._map.show_values(made, title, low, high, Inferno256 if warm else Viridis256)
            self._stations.data = stations
            self._map.fit(tuple(mercator_box(geobox_of(layer)).boundingbox))

        self._session.latest("field map", lambda: projected(layer), show)


def _fields(study: Any) -> list[Any]:
    return [
        part for n in MODEL for part in field(study, n, step=_STEPS.get(n), options=_OPTIONS.get(n))
    ]


_WHAT = N_(
    "From the stations of the canopy heat island, with their clock, quality control and zones as set beside: the air "
    "temperature of each pixel of the map with its standard error, and how well stations left out are predicted."
)
_HELP = N_("""<p>Kriging with the <b>zones as random effects</b>: a zone with one station is drawn towards the mean of
zones, one with many hardly; what neighbours share falls with distance. Zones <b>without a station are masked</b>.
With an elevation raster the temperature changes with height, with a coast (both uploaded on the City page) with the
distance to it.</p>
<p>The <b>standard error</b> is that of a station put on the pixel. <b>Read the cross-validation before the map</b>:
stations, zones and days are left out in turn and predicted by the field, by kriging that knows no zones, and by the
mean of the stations. Zones need not help. Fields of each hour: <code>lcz field --hourly</code>.</p>""")
