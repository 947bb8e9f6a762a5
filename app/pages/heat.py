"""The heat island of each zone: of the surface, or of the air between the buildings."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import panel as pn
from bokeh.palettes import Inferno256

from lczlib.analysis.heat.further import MEASURES
from lczlib.classes import CLASSES
from lczlib.figures.heat import class_boxes, diurnal_cycle, ranked_bars
from lczlib.figures.heat_dates import dates_figure
from lczlib.jobs.heat_dates import season_heads, season_notes, season_rows, season_title
from lczlib.jobs.heat_words import cautions, grounds
from lczlib.kinds import by_title, map_title
from lczlib.study.library_words import method_in_words
from lczlib.study.showing import shown
from lczlib.study.steps import named_maps
from lczlib.study.wording import in_page
from lczlib.texts import N_, text

from ..maps.display import bounds_of_values, projected
from ..parts.fields import bound
from ..parts.layout import figure_pane, fluid, side_by_side
from ..parts.markup import folded, help_text, html, interval, key, number, table
from ..parts.messages import nothing_yet
from ..parts.which_map import settle_choices
from ..parts.words import choices, not_made, zone_short
from ..session import Session
from . import heat_settings
from .heat_field import FieldSection

_DIVERGING = (
    "#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7", "#fddbc7", "#f4a582", "#d6604d", "#b2182b",
)  # fmt: skip
_BESIDE_MAP = 480
"""Height of the map and of the ranked zones beside it, pixels."""
_HOURS = {
    "all": N_("all hours"), "night": N_("night"), "day": N_("day"), "calm and clear night": N_("calm and clear night"),
    "DJF": N_("December to February"), "MAM": N_("March to May"), "JJA": N_("June to August"),
    "SON": N_("September to November"),
}  # fmt: skip


_COUNTED = (N_("pixels"), N_("patches"), N_("stations"), N_("hours"))
"""What a zone's sample is counted in."""
_SHARES = (
    N_("hot share"), N_("cold share"), N_("none"), N_("weak"), N_("middle"), N_("strong"), N_("stronger"),
    N_("strongest"), N_("UTFVI shares"),
)  # fmt: skip
"""What further measures call their shares."""


class HeatPage:
    """The fifth page."""

    title = N_("Heat island")
    has_beside = False
    needs = ("scene", "reference", "own_map", "published", "maps", "heat", "field")

    def __init__(self, session: Session) -> None:
        self._session, self._study, self._view = session, session.study, session.view
        study = self._study
        wide = {"sizing_mode": "stretch_width"}
        self._answer = html("")
        self._told = html("")
        self._ranked, self._bars = figure_pane(), figure_pane()
        self._table, self._grounds = html(""), html("")
        self._seasons, self._measures = html(""), html("")
        self._dates = figure_pane()
        self._map = session.map_view(
            title=text("Minus the reference (K)"), height=_BESIDE_MAP, wheel=False
        )
        self._layer = pn.widgets.RadioButtonGroup(
            options=choices((N_("difference"), N_("how often hot"))),
            name=text("Layer"),
            button_style="outline",
            visible=False,
            **wide,
        )
        self._layer.param.watch(self._draw_map, "value")
        # shown and hidden by the box around it: a Bokeh pane that is hidden itself fails
        self._map_pane = pn.Column(self._layer, pn.pane.Bokeh(self._map.figure, **wide), **wide)
        self._zones = pn.widgets.Select(
            name=text("Zones of"), description=text(study.param.heat_map.doc), **wide
        )
        self._zones.param.watch(self._chosen, "value")
        self._hours = pn.widgets.Select(
            name=text("Hours"), description=text("Which hours of the record are compared."), **wide
        )
        self._hours.param.watch(self._hours_chosen, "value")
        self._offering = False
        self._drawn: Any = None  # the heat island on the page
        self._body = pn.Column(
            self._answer, self._hours, side_by_side(self._map_pane, self._ranked), self._grounds,
            self._bars, self._dates, self._table, self._seasons, self._measures,
            visible=False, **wide,
        )  # fmt: skip
        self._surface, self._canopy = heat_settings.surface(study), heat_settings.canopy(study)
        study.param.watch(self._kind, "heat_kind")
        study.param.watch(
            self._made, ["heat", "scene", "maps", "reference", "own_map", "published", "messages"]
        )
        study.param.watch(self._wait, "conditions")
        kinds = {
            N_("surface"): "surface", N_("canopy (air)"): "canopy", N_("canopy (raster)"): "air",
        }  # fmt: skip
        self.sidebar = pn.Column(
            key(text("Heat island")),
            bound(pn.widgets.RadioButtonGroup, study.param.heat_kind, name=text("Heat island"), options=choices(kinds),
                button_style="outline",
                **wide
            ),
            self._zones, heat_settings.common(study), self._surface, self._canopy,
            heat_settings.intervals(study),
            help_text(text("Surface and canopy are two things"), text(_TWO)),
            help_text(text("How sure is it?"), text(_SURE)), **wide,
        )  # fmt: skip
        self.field = FieldSection(session)
        self.content = pn.Column(self._told, self._body, self.field.content, **wide)
        self._kind()
        self._made()

    def _chosen(self, event: Any) -> None:
        if event.new and not self._offering:
            self._study.heat_map = event.new

    def _hours_chosen(self, event: Any) -> None:
        if event.new and not self._offering:
            self._view.hours = event.new
            self._made()

    def _kind(self, *_: Any) -> None:
        stations = self._study.heat_kind == "canopy"
        self._surface.visible, self._canopy.visible = not stations, stations

    def _made(self, *_: Any) -> None:
        study = self._study
        settle_choices(study)
        maps = named_maps(study)
        options = by_title(maps)
        if study.heat_map not in maps:
            options[not_made(study.heat_map)] = study.heat_map
        self._offering = True
        self._zones.param.update(options=options, value=study.heat_map)
        self._offering = False
        heat = shown(study, "heat")
        self._drawn = heat
        self._body.visible = heat is not None
        if heat is None:
            self._answer.object = ""  # it would be there for a moment when the next one comes
            self._wait()
            return
        place = text(study.scene.place.name) if study.scene else ""
        how = method_in_words(heat.method)
        told = text("{place}, zones of the map: {map}. {how}.").format(
            place=escape(place),
            map=map_title(study.heat_map),
            how=escape(how[:1].upper() + how[1:]),
        )
        self._told.object = f"<div class='lcz-note'>{told}</div>"
        said = heat.sentence()
        self._answer.object = f'<div class="lcz-answer" role="status">{escape(in_page(said))}</div>'
        more = [grounds(heat.result)] if heat.pixels else []
        more += [text for text in (*cautions(heat.result), heat.doubt) if text and text not in said]
        self._grounds.object = f"<div class='lcz-note'>{escape(in_page(' '.join(more)))}</div>"
        known = bool(heat.result.reference.classes)
        self._hours.visible = not heat.pixels and known
        self._map_pane.visible = heat.pixels and known
        if heat.pixels:
            self._show_pixels(heat)
        else:
            self._show_canopy(heat)

    def _wait(self, *_: Any) -> None:
        heat = shown(self._study, "heat")
        if heat is not self._drawn:  # it is of other settings now, or of these again
            self._made()
        elif heat is None:
            self._told.object = nothing_yet(
                self._study, "heat", text("its zones are compared here")
            )

    def _show_pixels(self, heat: Any) -> None:
        result = heat.result
        self._table.object = folded(text(_ALL), _table_of(heat, result.classes))
        self._measures.object = _measures_of(heat)
        self._seasons.object = folded(text("Seasons, years and heat waves"), _seasons_of(heat))
        most = max(heat.seasons, key=lambda season: len(season.dates), default=None)
        self._dates.object = most and _with_names(
            dates_figure(most, season_title(most)), most.by_date["lcz"].nunique()
        )
        known = bool(result.reference.classes)
        self._ranked.object = (
            fluid(ranked_bars(result.classes, text("Zones, warmest first")), _BESIDE_MAP)
            if known
            else None
        )
        title = text("Pixels against the reference") if known else text("Pixels of the zones")
        self._bars.object = fluid(
            class_boxes(result.classes, result.reference_temperature, title)
        ).opts(fontsize={"xticks": "7pt"}, backend="bokeh")  # numbers of 17 zones on a phone
        self._layer.visible = heat.persistence is not None
        self._draw_map()

    def _draw_map(self, *_: Any) -> None:
        heat = self._drawn
        if heat is None or not heat.pixels or not heat.result.reference.classes:
            return
        often = self._layer.value != "difference" and heat.persistence is not None
        if often:
            values, title, low, high, palette = (
                heat.persistence, text("share of the dates on which it is hot"), 0.0, 1.0, Inferno256,
            )  # fmt: skip
        else:
            values, title, palette = (
                heat.result.difference,
                text("K against the reference"),
                _DIVERGING,
            )
            high = float(np.nanpercentile(np.abs(values.values), 99))
            low = -high
        name = title[0].upper() + title[1:] if often else text("Minus the reference (K)")

        def draw(made: tuple[Any, Any]) -> None:
            self._map.figure.title.text = name
            if heat is not self._drawn:
                return  # of other settings meanwhile
            layer, bounds = made
            self._map.show_values(layer, title, low, high, palette)
            if bounds is not None:
                self._map.fit(bounds)

        def work() -> tuple[Any, Any]:
            layer = projected(values)
            return layer, bounds_of_values(layer)

        self._session.latest("heat map", work, draw)

    def _show_canopy(self, heat: Any) -> None:
        result = heat.result
        there = list(dict.fromkeys(result.subsets["subset"]))
        chosen = self._view.hours if self._view.hours in there else "all"
        self._offering = True
        self._hours.param.update(options={text(_HOURS.get(n, n)): n for n in there}, value=chosen)
        self._offering = False
        classes = _of_hours(result, chosen)
        self._measures.object = self._seasons.object = ""
        self._dates.object = None
        self._table.object = folded(text(_ALL), _table_of(heat, classes))
        if not result.reference.classes:
            self._ranked.object = self._bars.object = None
            return
        title = text("Air minus the reference")
        if chosen != "all":
            title = text("Air minus the reference ({hours})").format(
                hours=text(_HOURS.get(chosen, chosen))
            )
        self._ranked.object = fluid(ranked_bars(classes, title))
        self._bars.object = _with_names(
            diurnal_cycle(
                result.diurnal, text("Through the day ({level} intervals)").format(level=heat.level)
            ),
            result.diurnal["lcz"].nunique(),
        )


def _with_names(figure: Any, zones: int) -> Any:
    """A figure as wide as the page, with the names of its zones below in two columns, as on a phone there are."""
    return fluid(figure, 340 + 20 * -(-zones // 2)).opts(legend_cols=2, backend="bokeh")


def _of_hours(result: Any, chosen: str) -> pd.DataFrame:
    """The table of the zones with the differences of some of the hours."""
    part = result.subsets[result.subsets["subset"] == chosen].set_index("lcz")
    columns = ["difference", "ci_low", "ci_high", "n_hours"]
    return result.classes.assign(**{c: part[c].reindex(result.classes.index) for c in columns})


def _table_of(heat: Any, classes: pd.DataFrame) -> str:
    count, second = heat.counted
    rows = [
        (
            zone_short(CLASSES[lcz - 1]), f"{int(r[count]):,}",
            f"{int(r[second]):,}", number(r["mean"], 1), number(r["median"], 1),
            *([number(r["n_effective"], 0)] if heat.pixels else []),
            number(r["difference"], 2, True), interval(r["ci_low"], r["ci_high"], 2, True), text(r["note"]),
        )
        for lcz, r in classes.iterrows()
    ]  # fmt: skip
    heads = (
        text("zone"), text(count[2:]), text(second[2:]), text("mean °C"), text("median °C"),
        *([text("n eff.")] if heat.pixels else []), text("difference K"),
        text("{level} interval").format(level=heat.level), text("note"),
    )  # fmt: skip
    return table(heads, rows, words=(len(heads) - 1,))


def _seasons_of(heat: Any) -> str:
    """What each zone differs by through the dates of a season, from year to year, and in heat waves."""
    parts = []
    for season in heat.seasons:
        parts.append(
            table(season_heads(season, heat.level), season_rows(season), season_title(season))
        )
        notes = " ".join(in_page(note) for note in season_notes(season))
        parts.append(f"<div class='lcz-note'>{escape(notes)}</div>")
    return "".join(parts)


def _measures_of(heat: Any) -> str:
    """The further measures, each with its interval and sample sizes or in its shares."""
    rows = []
    for name, found in heat.measures.items():
        known = next((m for m in MEASURES.values() if name.startswith(m.name)), None)
        title = known.title if known else name.replace("_", " ").capitalize()
        rows.append((text(title), *_measure_in_words(found)))
    return (
        folded(
            text("Further measures"),
            table((text("measure"), text("value"), text("what it is")), rows, words=(2,)),
        )
        if rows
        else ""
    )


def _measure_in_words(found: Any) -> tuple[str, str]:
    if not isinstance(found, Mapping):
        return number(found), ""
    definition = text(str(found.get("definition", found.get("note", ""))))
    if "difference" in found:
        if found["difference"] is None:
            return "–", definition
        counts = text("n = {urban} and {background} pixels").format(
            urban=f"{found['n_urban']:,}", background=f"{found['n_background']:,}"
        )
        within = interval(*(found["difference_ci"] or (None, None)), 2, True)
        return f"{number(found['difference'], 2, True)} K ({within})", f"{definition}; {counts}"
    shares = [
        f"{text(k.replace('_', ' '))} {100 * v:.0f} %"
        for k, v in found.items()
        if k != "definition"
    ]
    return ", ".join(shares), definition


_ALL = N_("All figures of the zones")
_TWO = N_("""<p>The <b>surface</b> heat island is read from thermal images: roofs, streets, crowns as seen
from above. The <b>canopy</b> heat island is in the air between the buildings, from stations. By day
they differ widely; numbers of one must not be quoted as the other.</p>""")
_SURE = N_("""<p>Neighbouring pixels share their weather and their noise, so intervals of
rasters rest on how far that reaches, and those of stations resample stations and days. Where an
interval holds 0, this evidence does not tell the zone from the reference. Mean and median
temperatures of the canopy table are of all hours.</p>
<p>A map has cells in the wrong zone, which pulls the zones' temperatures together. <b>Carry the map's
own error</b> draws the zones anew from their probabilities and widens the intervals by that.</p>""")
