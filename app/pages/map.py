"""Making the maps, and looking at them."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn

from lczlib.classes import CLASSES
from lczlib.kinds import TITLES, by_title, map_title, named_map
from lczlib.mapping import METHODS
from lczlib.study.results import devices, networks
from lczlib.study.scene_inputs import day_named
from lczlib.study.steps import named_maps
from lczlib.study.wording import in_page
from lczlib.texts import ENGLISH, N_, language, text

from ..maps.display import projected
from ..maps.imagery import base_image, study_bounds
from ..maps.place import PlaceLayer
from ..parts.adapted import adapted_note
from ..parts.classhelp import all_classes
from ..parts.fields import bound, looks
from ..parts.layout import tall
from ..parts.legend import legend, published_note
from ..parts.markup import duration, folded, help_text, html, key, note
from ..parts.messages import no_imagery
from ..parts.progress import StepProgress
from ..parts.words import choices, zone_label
from ..session import Session
from .map_draw import DrawCard
from .map_settings import own_values

_NETWORKS = (
    N_("Demo network for simulated Sentinel-1"),
    N_("Demo network for simulated Sentinel-2"),
)
"""Titles of networks that have a translation; others are names."""
_LAYERS = {
    "classes": N_("classes"), "certainty": N_("certainty"), "probability": N_("probability of a class"),
    "valid fraction": N_("valid fraction"), "none": N_("none (image only)"),
}  # fmt: skip
_VIEWS = {
    N_("one, as it is"): "none", N_("and its flips (4 times as long)"): "flips",
    N_("and its turns (8 times; radar 4)"): "all",
}  # fmt: skip


class MapPage:
    """The second page."""

    title = N_("Map")
    has_beside = True
    needs = ("scene", "reference", "own_map", "published", "maps")

    def __init__(self, session: Session) -> None:
        self._session, self._study, self._view = session, session.study, session.view
        study, view = self._study, self._view
        wide = {"sizing_mode": "stretch_width"}
        self._run = pn.widgets.Button(name=text("Run"), button_type="primary", **wide)
        self._going = StepProgress(study, session.runner, ("maps",))
        self._facts = html("")
        self._legend = html("")
        self._map = session.map_view(title="", height=620)
        self._around = PlaceLayer(self._map, session.dark)
        self._fitted: Any = None
        # around which bounds places are named, and whether upon a map
        self._named: Any = (None, True)
        self._offered: Any = None
        self._offering = False
        self._kind = pn.widgets.RadioButtonGroup(
            options={map_title("fused"): "fused"}, name=text("Map"), button_style="outline", **wide
        )
        self._class = pn.widgets.Select(
            name=text("Class"),
            options={zone_label(c): c.number for c in CLASSES},
            value=view.lcz,
            visible=False,
            **wide,
        )
        self._run.on_click(lambda _: session.runner.run("maps"))
        self._kind.param.watch(self._chosen, "value")
        self._class.param.watch(lambda e: setattr(view, "lcz", e.new), "value")
        study.param.watch(self._progress, "conditions")
        study.param.watch(
            self._made, ["maps", "reference", "own_map", "published", "scene", "scene_files"]
        )
        view.param.watch(self._draw, ["kind", "layer", "lcz", "palette", "isolated"])
        view.param.watch(self._draw_image, ["image", "season", "stretch", "base"])
        view.param.watch(self._opacity, "opacity")
        view.param.watch(self._name_places, "names")
        self._networks = pn.Column(**wide)
        self._day = pn.widgets.Button(visible=False, **wide)
        self._day.on_click(lambda _: setattr(study, "s2_date", day_named(study.scene_files)))
        study.param.watch(self._offer_day, ["scene_files", "s2_date"])
        self._own = own_values(study, self._day)
        device = bound(
            pn.widgets.Select,
            study.param.device,
            name=text("Computed on"),
            options=devices(),
            **wide,
        )
        self._fusion = bound(
            pn.widgets.Select,
            study.param.fusion,
            name=text("Fusion of the two"),
            options=list(METHODS),
            **wide,
        )
        views = bound(
            pn.widgets.Select,
            study.param.tta,
            name=text("Views of each patch"),
            options=choices(_VIEWS),
            **wide,
        )
        load = pn.widgets.Button(name=text("Load an existing result …"), **wide)
        self._existing = pn.Column(visible=False, **wide)
        load.on_click(self._offer_existing)
        self.sidebar = pn.Column(
            key(text("Make the maps")),
            bound(pn.widgets.CheckBoxGroup, study.param.sensors, name=text("Sensors"), inline=True,
                  options={"Sentinel-1": "s1", "Sentinel-2": "s2"}),
            self._networks, self._own,
            self._fusion, views, device, load, self._existing, DrawCard(session, self._map).content,
            key(text("Show")),
            bound(
                pn.widgets.Select, view.param.layer, name=text("Layer"),
                options={text(v): k for k, v in _LAYERS.items()}, **wide
            ),
            self._class,
            *looks(view),
            bound(pn.widgets.Checkbox, view.param.names, name=text("Names of places")),
            bound(pn.widgets.Checkbox, view.param.base, name=text("Street map below (needs the network)")),
            **wide,
        )  # fmt: skip
        self.action = pn.Column(
            pn.Row(self._run, self._going.stop, **wide),
            self._going.bar,
            self._going.told,
            margin=0,
            **wide,
        )
        self.stage = pn.Column(self._kind, tall(self._map.figure, above=44), margin=0, **wide)
        self.beside = pn.Column(self._facts, self._legend, margin=0, **wide)
        self.content = pn.Column(
            help_text(text("What the 17 classes look like"), all_classes(session.colors)),
            help_text(text("What the layers show"), text(_HELP)), **wide,
        )  # fmt: skip
        self._offer_day()
        self._made()
        self._progress()
        self._opacity()

    def _offer_day(self, *_: Any) -> None:
        """The day in the name of an own image, to be taken with one click."""
        day = day_named(self._study.scene_files)
        self._day.param.update(
            name=text("Take {day}, as the file is named").format(day=day),
            visible=bool(day) and not self._study.s2_date,
        )

    def _chosen(self, event: Any) -> None:
        if event.new and not self._offering:
            self._view.kind = event.new
            self._draw()

    def _progress(self, *_: Any) -> None:
        running = self._study.conditions.get("maps") == "running"
        scene = self._study.scene
        self._run.disabled = running or scene is None or not scene.mappable
        again = self._study.maps is not None
        self._run.name = text("Run again") if again else text("Run")

    def _made(self, *_: Any) -> None:
        study = self._study
        self._own.visible = bool(study.scene_files)  # also where they cannot be opened as they are
        scene = study.scene
        if scene is not self._offered:
            self._offered = scene
            sensors = () if scene is None else scene.sensors
            self._fusion.visible = len(sensors) > 1
            self._networks[:] = [self._network(s) for s in ("s1", "s2") if s in sensors]
        maps = named_maps(study)
        options = by_title(maps)
        wanted = next((k for k in (self._view.kind, "fused", "s2", "s1", *maps) if k in maps), "")
        self._offering = True  # the choice of the visitor stays, also while its map is not there
        self._kind.param.update(options=options or {text("no map yet"): ""}, value=wanted)
        self._offering = False
        bounds = study_bounds(study)
        if bounds is not None and self._fitted != bounds:
            self._fitted = bounds
            self._session.tick(lambda: self._map.fit(bounds))
        self._name_places()
        self._draw_image()
        self._draw()

    def _name_places(self, *_: Any) -> None:
        """Upon the map; where there is none yet, in its place. Of a simulated city there are none."""
        scene, bounds = self._study.scene, self._fitted
        empty = scene is not None and scene.box is None and not named_maps(self._study)
        wanted = empty or (self._view.names and scene is not None and not scene.simulated)
        now = bounds if wanted else None, not empty
        if now != self._named:
            self._named = now
            self._session.tick(lambda: self._around.show(*now))

    def _network(self, sensor: str) -> pn.widgets.Select:
        options = {title: name for name, title in networks(sensor, self._study.scene).items()}
        parameter = self._study.param[f"{sensor}_weights"]
        return bound(
            pn.widgets.Select,
            parameter,
            name=text("Network for {sensor}").format(sensor=TITLES[sensor]),
            options=options,
            sizing_mode="stretch_width",
        )

    def _draw(self, *_: Any) -> None:
        view, study = self._view, self._study
        maps = named_maps(study)
        kind = self._kind.value if self._kind.value in maps else None
        self._class.visible = view.layer == "probability"
        lcz = maps.get(kind) if kind else None
        result = study.maps
        certainty = result.certainties.get(kind) if result is not None and kind else None
        own = study.own_map if kind == "own" else None
        self._facts.object = self._headline()
        colors, m, layer = self._session.colors, self._map, view.layer
        shown_colors, alone = self._session.map_colors, view.isolated
        data, title = None, ""
        if lcz is not None and layer not in ("classes", "none"):
            data, title = self._values(layer, kind)

        def work() -> tuple[str, Any, Any]:
            known = certainty if own is None else study.own_certainty(own)
            values = known if layer == "certainty" else data
            said = legend({} if lcz is None else {kind: lcz}, colors, isolated=alone)
            said += published_note(maps, [kind])
            if lcz is None or layer == "none":
                return said, None, None
            if layer == "classes":
                sure = projected(known) if known is not None else None
                return said, projected(lcz), sure
            if values is None:
                lacking = text("The {map} has no {layer}.").format(
                    map=named_map(kind), layer=text(_LAYERS[layer])
                )
                said = f'<div class="lcz-banner info">{escape(lacking)}</div>'
            return said, projected(values) if values is not None else None, None

        def draw(made: tuple[str, Any, Any]) -> None:
            self._legend.object, shown, sure = made
            m.colors(shown_colors)
            if lcz is None or layer in ("classes", "none"):
                m.show_classes(shown, sure)
            else:
                m.show_values(shown, title)

        self._session.latest("map layer", work, draw)

    def _values(self, layer: str, kind: str) -> tuple[Any, str]:
        result, view = self._study.maps, self._view
        if layer == "certainty":
            return None, text("certainty (1 = sure)")  # of each map, however it is known
        if result is None or kind not in result.kinds:
            return None, ""
        if layer == "probability":
            proba = result.probabilities.get(kind)
            title = text("probability of {zone}").format(zone=zone_label(CLASSES[view.lcz - 1]))
            return None if proba is None else proba.sel(lcz=view.lcz, drop=True), title
        fraction = result.valid_fraction
        title = text("valid share of the pixels, worst scene")
        return None if fraction is None else fraction.min("band"), title

    def _draw_image(self, *_: Any) -> None:
        self._session.tick(lambda: self._map.base_map(self._view.base))
        base_image(self._session, self._study.scene, self._map.show_image)

    def _opacity(self, *_: Any) -> None:
        self._session.tick(lambda: self._map.opacity(self._view.opacity))

    def _headline(self) -> str:
        study = self._study
        if study.scene is None:
            return f"<div class='lcz-note'>{text('Opening …')}</div>"
        if study.maps is None:
            missing = no_imagery(study) or text(
                "None of the imagery here can be mapped: upload Sentinel-2"
            )
            what = (
                text("Choose the sensors and networks, then press <b>Run</b>.")
                if study.scene.mappable
                else f"{missing}."
            )
            said = text("No LCZ map of {place} was made yet.")
            said = said.format(place=escape(text(study.scene.place.name)))
            shown = self._kind.value or ""
            below = (
                text("Shown below: {map}.").format(map=_small(map_title(shown))) if shown else ""
            )
            return f'<div class="lcz-banner info">{f"{said} {what} {below}".rstrip()}</div>'
        made = study.maps.manifest
        read = study.read.get("maps", ())
        told = {in_page(c, "maps") for r in read for c in r.cautions}  # above the page already
        said = [in_page(w, "maps") for w in study.maps.warnings]
        warnings = "".join(
            f'<div class="lcz-banner stale" role="alert">{escape(w)}</div>'
            for w in said
            if w not in told
        )
        cells = next(iter(study.maps.kinds.values())).size
        names = ", ".join(escape(text(w["title"] or w["name"])) for w in made["weights"])
        engines = ", ".join(escape(e) for e in dict.fromkeys(made["engines"].values()))
        said = text("{place}: {n} cells, made in {time}").format(
            place=escape(text(study.scene.place.name)),
            n=f"{cells:,}",
            time=duration(made["seconds"]),
        )
        how = text("Classes by: {networks}. Computed with: {engines}.")
        how = f"<p>{how.format(networks=names, engines=engines)}</p>"
        how = folded(text("How it was made"), f"<div class='lcz-note'>{how}</div>")
        return f"<div class='lcz-note'>{said}</div>{how}{adapted_note(study.maps)}{warnings}"

    def _offer_existing(self, _: Any) -> None:
        """Results of earlier runs of this server, and results in the folders that were allowed."""
        from lczlib.study.existing import existing_results

        found = existing_results(self._study.context)
        self._existing.visible = True
        if not found:
            self._existing[:] = [
                note(
                    text(
                        "There are no earlier results here. Folders with results of <code>lcz map</code> can be "
                        "opened where the server was started with <code>--allow FOLDER</code>."
                    )
                )
            ]
            return
        choose = pn.widgets.Select(
            name=text("Result"),
            options={text("(none: run instead)"): "", **found},
            value=self._study.result_folder,
            sizing_mode="stretch_width",
        )

        def chosen(event: Any) -> None:
            self._study.result_folder = event.new
            if event.new:
                self._session.runner.run("maps")

        choose.param.watch(chosen, "value")
        self._existing[:] = [choose]


def _small(title: str) -> str:
    """A title within a sentence, which each language has its own rule for."""
    return title.lower() if language() == ENGLISH else title


_HELP = N_(
    """<p><b>Classes</b>: the most probable zone of each 100 m cell. <b>Certainty</b>: one minus the entropy of the
17 probabilities over its largest value; 1 is sure, 0 knows nothing. It says how decided the network is, not that it
is right: the Accuracy page compares the two. <b>Probability</b>: of one class alone. <b>Valid fraction</b>: share of a
cell's pixels without cloud or gap; a cell below one half has no class.</p>
<p><b>Fusion</b>: <i>mean</i> gives each sensor one vote; <i>so2sat</i> counts Sentinel-2 once a season; <i>product</i>
takes the sensors for independent evidence; <i>entropy</i> weighs by certainty; <i>vote</i> counts winners.</p>"""
)
