"""Choosing a city, an area and own files, and looking at the imagery."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel as pn
from bokeh.events import SelectionGeometry, Tap
from bokeh.models import BoxSelectTool, ColumnDataSource, HoverTool
from bokeh.plotting import figure

from lczlib import catalog
from lczlib.errors import LczError
from lczlib.kinds import Kind
from lczlib.study.places import Place, so2sat_list_is_here
from lczlib.texts import N_, text

from ..maps.display import bounds_in_mercator, projected, to_degrees, to_mercator
from ..maps.imagery import base_image, season_of, study_bounds, with_margin
from ..maps.place import BoxEditor, PlaceLayer
from ..parts.fields import bound
from ..parts.layout import tall
from ..parts.legend import legend, published_note
from ..parts.markup import help_text, html, key, note
from ..parts.words import choices, in_degrees
from ..session import Session
from ..uploads.panel import Uploads
from .get_imagery import GetPanel
from .map_settings import map_cards

_MOST_SHOWN = 60
_AUTOMATIC = N_("automatic")
_SMALLEST_DOT = 3000  # so many of the largest cities, where So2Sat's list is not here


class CityPage:
    """The first page."""

    title = N_("City")
    has_beside = True
    needs = ("scene", "reference", "own_map", "published", "days", "acquired")
    quiet = ("days", "acquired", "published")  # said where they are asked for

    def __init__(self, session: Session) -> None:
        self._session, self._study, self._view = session, session.study, session.view
        self._search = pn.widgets.TextInput(
            name=text("Search a city"),
            placeholder=text("name or country"),
            sizing_mode="stretch_width",
        )
        self._none = note(text("No city has this name. Own files can be of any place."))
        self._none.visible = False
        self._list = pn.widgets.Select(name=text("Cities"), size=7, sizing_mode="stretch_width")
        self._fetch = pn.widgets.Button(
            name=text("Fetch the 1,692 So2Sat cities"), sizing_mode="stretch_width",
            visible=not so2sat_list_is_here(), description=text("A list of 1 MB, downloaded once"),
        )  # fmt: skip
        self._facts = html("")
        self._world = pn.pane.Bokeh(self._dots(), sizing_mode="stretch_width")
        self._map = session.map_view(name="city map", height=600)
        self._box = BoxSelectTool(description=text("Draw an own area"))
        self._map.figure.add_tools(self._box)
        self._map.figure.on_event(SelectionGeometry, self._drawn)
        self._around = PlaceLayer(self._map, session.dark)
        self._editor = BoxEditor(self._map, self._later, self._take)
        self._fitted: Any = None
        self._moved = False  # the box, by hand, which leaves the view as it is
        self._layer = ""  # above the image
        self._get = GetPanel(session, self._open)
        self._image, self._stretch = (
            bound(pn.widgets.Select, self._view.param[n], name=text(said), options=choices(self._view.param[n].objects),
                sizing_mode="stretch_width",
            )
            for n, said in (("image", N_("Image")), ("stretch", N_("Contrast")))
        )  # fmt: skip
        self._whole = pn.widgets.Button(
            name=text("Use the whole scene"), sizing_mode="stretch_width"
        )
        self._filling = False
        self._fill("")
        self._search.param.watch(lambda e: self._fill(e.new), "value_input")
        self._list.param.watch(self._chosen, "value")
        self._fetch.on_click(self._fetch_list)
        self._whole.on_click(lambda _: setattr(self._study, "area", None))
        self._study.param.watch(self._scene_changed, ["scene", "own_map"])
        self._study.param.watch(self._tell, ["scene", "area", "conditions"])
        self._study.param.watch(self._draw_classes, ["scene", "published", "own_map"])
        self._view.param.watch(self._draw_classes, ["clear", "isolated", "palette", "opacity"])
        self._legend = html("")
        uploads = Uploads(session, self._map)
        self._view.param.watch(self._draw, ["image", "season", "stretch", "base"])
        self._view.param.watch(self._draw_clear, ["clear", "season"])
        self._clear = bound(
            pn.widgets.Checkbox,
            self._view.param.clear,
            name=text("Days on which each pixel was clear"),
            visible=False,
        )
        self._season = bound(pn.widgets.Select, self._view.param.season, name=text("Season"),
            options=choices({_AUTOMATIC: ""}), visible=False,
            sizing_mode="stretch_width",
        )  # fmt: skip
        self.sidebar = pn.Column(
            self._search, self._none, self._list, self._fetch,
            self._image, self._season, self._clear, self._stretch,
            bound(pn.widgets.Checkbox, self._view.param.base, name=text("Street map below (needs the network)")),
            note(text(
                "An own area: take the <b>box select</b> tool above the map and draw, or upload GeoJSON or KML."
            )),
            self._whole, uploads.card, map_cards(session.study), sizing_mode="stretch_width",
        )  # fmt: skip
        wide = {"sizing_mode": "stretch_width", "margin": 0}
        self.stage = pn.Column(tall(self._map.figure), **wide)
        self.beside = pn.Column(
            uploads.review, self._facts, self._get.content, self._legend, **wide
        )
        self.content = pn.Column(
            self._get.days,
            key(text("All cities")),
            self._world,
            help_text(text("What is a Local Climate Zone?"), text(_WHAT)),
            **wide,
        )
        self._tell()
        self._scene_changed()

    def _fill(self, query: str) -> None:
        found = self._study.context.places.find(query)[:_MOST_SHOWN]
        options: dict[str, str] = {}
        for place in found:  # places of one name, country and size are told apart by where they lie
            told = place.told
            if told in options:
                told += f" · {in_degrees(place.longitude, place.latitude)}"
            options[told] = place.key
        # The list always has a choice, and choosing what is chosen is no event: without the current
        # city on top, the first that is found could not be taken.
        if self._study.city not in options.values():
            options = {self._place_name(): self._study.city, **options}
        self._none.visible = bool(query) and not found
        self._filling = True
        self._list.param.update(options=options, value=self._study.city)
        self._filling = False

    def _place_name(self) -> str:
        try:
            return text(self._study.context.places.place(self._study.city).name)
        except LczError:
            return self._study.city

    def _chosen(self, event: Any) -> None:
        if event.new and not self._filling:
            self._show_place(event.new)

    def _picked(self, key: str) -> None:
        self._show_place(key)
        self._fill(self._search.value_input or "")

    def _open(self, key: str) -> None:
        """A place from beside the map, which may have been fetched just now."""
        self._world.object = self._dots()
        self._picked(key)

    def _show_place(self, key: str) -> None:
        if key != self._study.city:
            self._study.param.update(city=key, area=None, scene_files=(), radar_files=())
            self._view.param.update(box=None, place=None, cell=None)

    def _fetch_list(self, _: Any) -> None:
        self._fetch.param.update(loading=True, disabled=True)

        def work() -> str:
            try:
                catalog.fetch("so2sat_gul_cities")
            except LczError as error:
                return error.message
            return ""

        self._session.background(work, self._fetched)

    def _fetched(self, failed: str) -> None:
        self._fetch.param.update(loading=False, disabled=False, visible=bool(failed))
        if failed and pn.state.notifications:
            pn.state.notifications.error(escape(failed), duration=8000)
        if not failed:
            self._world.object = self._dots()
        self._fill(self._search.value_input or "")

    def _dots(self) -> Any:
        return _world(self._picked, self._study.context.places.known(), self._session.dark)

    def _drawn(self, event: Any) -> None:
        g = event.geometry
        if event.final and g.get("type") == "rect":
            west, south = to_degrees(g["x0"], g["y0"])
            east, north = to_degrees(g["x1"], g["y1"])
            self._take(tuple(round(float(v), 5) for v in (west, south, east, north)))

    def _later(self, call: Any, milliseconds: int) -> None:
        self._session.doc.add_timeout_callback(call, milliseconds)

    def _take(self, area: Any) -> None:
        """A box that was drawn; while imagery is fetched its own stays."""
        if self._get.is_running:
            self._tell()
        else:
            self._moved = True
            self._study.area = area

    def _tell(self, *_: Any) -> None:
        scene, area = self._study.scene, self._study.area
        city = scene is not None and scene.box is None
        whole = text("Use the box of the city") if city else text("Use the whole scene")
        self._whole.param.update(visible=area is not None, name=whole)
        bounds = study_bounds(self._study)
        near = None if bounds is None else (bounds[0] + bounds[2]) / 2
        empty = scene is not None and scene.box is None
        shown = self._get.asked_box() if empty else area
        self._session.tick(lambda: self._editor.show(shown, near))
        if scene is None:
            self._facts.object = (
                f"<h2>{escape(self._place_name())}</h2><p class='lcz-note'>{text('Opening …')}</p>"
            )
            return
        # an area that is not cut yet, or lies outside, is not what is shown
        cut = self._study.conditions.get("scene") == "current"
        self._facts.object = _facts_of(scene, self._study.area if cut else None)

    def _scene_changed(self, *_: Any) -> None:
        scene = self._study.scene
        if scene is None:
            return
        self._season.param.update(
            options=choices({_AUTOMATIC: "", **{n: n for n in scene.seasons}}),
            visible=len(scene.seasons) > 1,
        )
        for choice in (self._image, self._stretch):
            choice.visible = scene.box is not None
        bounds, around = study_bounds(self._study), None
        if scene.box is None:
            asked = self._get.asked_box()
            bounds = around = bounds if asked is None else with_margin(bounds_in_mercator(asked))
        moved, self._moved = self._moved, False
        if bounds != self._fitted and not (moved and scene.box is None):
            self._fitted = bounds
            self._session.tick(lambda: self._map.fit(bounds))
            self._session.tick(lambda: self._around.show(around))
        self._draw()
        self._draw_clear()

    def _draw(self, *_: Any) -> None:
        scene = self._study.scene
        self._session.tick(lambda: self._map.base_map(self._view.base))
        base_image(self._session, scene, self._map.show_image)

    def _draw_clear(self, *_: Any) -> None:
        """The count of clear days above the image, where it is known and wanted."""
        scene, season = self._study.scene, self._view.season
        seasons = () if scene is None else scene.seasons
        self._clear.visible = scene is not None and any(
            scene.clear_days(n) is not None for n in seasons
        )
        wanted = self._clear.visible and self._view.clear

        def work() -> Any:
            count = scene.clear_days(season_of(scene, season)) if wanted else None
            return None if count is None else projected(count.astype("float32"), 1.0)

        def draw(count: Any) -> None:
            if count is not None or self._layer == "clear days":
                most = 3.0 if count is None else max(3.0, float(count.max()))
                self._map.show_values(count, text("clear days"), 0, most)
                self._layer = "clear days" if count is not None else ""

        self._session.latest("clear days", work, draw)

    def _draw_classes(self, *_: Any) -> None:
        """An own map; else the published one, where there is no image that it would hide."""
        scene, own = self._study.scene, self._study.own_map
        kind, lcz = (Kind.OWN, own) if own is not None else (Kind.GLOBAL, self._study.published)
        shown = lcz if scene is not None and (kind == Kind.OWN or scene.box is None) else None
        if self._clear.visible and self._view.clear:
            shown = None  # the days are asked for
        colors, shown_colors = self._session.colors, self._session.map_colors
        alone = self._view.isolated

        def work() -> tuple[str, Any]:
            if shown is None:
                return "", None
            maps = {kind: shown}
            return legend(maps, colors, isolated=alone) + published_note(maps, maps), projected(
                shown
            )

        def draw(made: tuple[str, Any]) -> None:
            self._legend.object, classes = made
            if classes is not None or self._layer == "classes":
                self._map.colors(shown_colors)
                self._map.opacity(self._view.opacity)
                self._map.show_classes(classes)
                self._layer = "classes" if classes is not None else ""

        self._session.latest("classes of the city", work, draw)


def _facts_of(scene: Any, area: Any) -> str:
    what = []
    if scene.simulated:
        what.append(text("Simulated: nothing here is a real place"))
    if scene.seasons:
        what.append(f"Sentinel-2: {', '.join(escape(text(s)) for s in scene.seasons)}")
    if scene.radar is not None:
        what.append("Sentinel-1" if "s1" in scene.sensors else text("Sentinel-1 (VV and VH)"))
    if scene.box is not None:
        rows, cols = scene.box.shape
        size = abs(scene.box.affine.a)
        what.append(f"{cols * size / 1000:.1f} × {rows * size / 1000:.1f} km")
    if area and scene.box is not None:
        what.append(text("Cut to your area"))
    notes = "".join(f"<p>{escape(text(n))}</p>" for n in scene.notes)
    return (
        f"<h2 style='margin:4px 0'>{escape(text(scene.place.name))}</h2>"
        f"<div class='lcz-note'>{'<br>'.join(what)}{notes}</div>"
    )


def _world(picked: Any, known: list[Place], dark: bool) -> Any:
    """All cities as dots, on outlines that need no network."""
    from lczlib.acquire.places import dots as places
    from lczlib.catalog.outlines import outlines

    fig = figure(
        height=330, sizing_mode="stretch_width", x_axis_type="mercator", y_axis_type="mercator",
        x_range=(-20.1e6, 20.1e6), y_range=(-7.5e6, 11.5e6), tools="pan,wheel_zoom,reset",
        active_scroll="wheel_zoom", toolbar_location="right", name="world", min_width=260,
    )  # fmt: skip
    fig.toolbar.logo = None
    fig.grid.visible = False
    fig.axis.visible = False
    fig.update(
        background_fill_color="#24282d" if dark else "#f3f5f7",
        border_fill_color=None,
        outline_line_color=None,
    )
    all_places = places()
    for lines, width in zip(outlines(), (1.0, 0.5), strict=True):
        drawn = [to_mercator(*line.T) for line in lines]
        fig.multi_line(
            [x for x, _ in drawn], [y for _, y in drawn], line_width=width,
            color="#6b7280" if dark else "#aab3bd", level="underlay",
        )  # fmt: skip
    coded = all_places[all_places["code"] != ""]
    listed = coded if len(coded) else all_places.head(_SMALLEST_DOT)
    lx, ly = to_mercator(listed["longitude"].to_numpy(), listed["latitude"].to_numpy())
    names = (listed["name"] + ", " + listed["country"]).to_list()
    source = ColumnDataSource({"x": lx, "y": ly, "name": names, "key": listed["key"].to_list()})
    dots = fig.scatter("x", "y", source=source, size=3.5, color="#0e7490", alpha=0.75)
    known = [p for p in known if np.isfinite(p.longitude)]
    kx, ky = to_mercator(
        np.array([p.longitude for p in known]), np.array([p.latitude for p in known])
    )
    marked = ColumnDataSource(
        {"x": kx, "y": ky, "name": [text(p.name) for p in known], "key": [p.key for p in known]}
    )
    stars = fig.scatter(
        "x", "y", source=marked, size=13, marker="star", color="#ea580c", line_color="white"
    )
    fig.add_tools(HoverTool(renderers=[dots, stars], tooltips=[("", "@name")]))

    def tapped(event: Tap) -> None:
        reach = 0.012 * (fig.x_range.end - fig.x_range.start)
        best, key = reach, None
        for s in (marked, source):
            d = np.hypot(np.asarray(s.data["x"]) - event.x, np.asarray(s.data["y"]) - event.y)
            if len(d) and d.min() < best:
                best, key = d.min(), s.data["key"][int(d.argmin())]
        if key:
            picked(key)

    fig.on_event(Tap, tapped)
    return fig


_WHAT = N_("""<p>Stewart and Oke (2012) divide landscapes into 17 zones by what governs their climate near the ground:
ten built types (1–10), from compact high-rise to heavy industry, and seven land covers (A–G), from dense
trees to water. A zone is uniform over hundreds of metres, which is why maps have cells of 100 m.</p>
<p>Start with the demo city: it is simulated, so that the truth is known everywhere.</p>""")
