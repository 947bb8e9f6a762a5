"""Making the maps, and looking at them."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn

from lczlib.classes import CLASSES
from lczlib.kinds import TITLES, by_title, named_map
from lczlib.mapping import METHODS
from lczlib.study.results import devices, networks
from lczlib.study.scene_inputs import day_named
from lczlib.study.steps import named_maps
from lczlib.study.wording import in_page

from ..maps.display import projected
from ..maps.imagery import base_image, study_bounds
from ..maps.place import PlaceLayer
from ..parts.classhelp import all_classes
from ..parts.layout import tall
from ..parts.legend import legend, published_note
from ..parts.markup import help_text, html, note
from ..parts.messages import no_imagery
from ..parts.progress import StepProgress
from ..session import Session
from .map_draw import DrawCard

_LAYERS = {"classes": "classes", "certainty": "certainty", "probability": "probability of a class",
           "valid fraction": "valid fraction", "none": "none (image only)"}  # fmt: skip
_VIEWS = {"one, as it is": "none", "and its flips (4 times as long)": "flips",
          "and its turns (8 times; radar 4)": "all"}  # fmt: skip


class MapPage:
    """The second page."""

    title = "Map"
    has_beside = True
    needs = ("scene", "reference", "own_map", "published", "maps")

    def __init__(self, session: Session) -> None:
        self._session, self._study, self._view = session, session.study, session.view
        study, view = self._study, self._view
        wide = {"sizing_mode": "stretch_width"}
        self._run = pn.widgets.Button(name="Run", button_type="primary", **wide)
        self._going = StepProgress(study, session.runner, ("maps",))
        self._facts = html("")
        self._legend = html("")
        self._map = session.map_view(title="", height=620)
        self._around = PlaceLayer(self._map, session.dark)
        self._fitted: Any = None
        self._named: Any = (
            None,
            True,
        )  # around which bounds places are named, and whether upon a map
        self._offered: Any = None
        self._offering = False
        self._kind = pn.widgets.RadioButtonGroup(
            options=["fused"], name="Map", button_style="outline", **wide
        )
        self._class = pn.widgets.Select(
            name="Class",
            options={c.label: c.number for c in CLASSES},
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
        self._own = self._own_values(wide)
        device = pn.widgets.Select.from_param(
            study.param.device, name="Computed on", options=devices(), **wide
        )
        self._fusion = pn.widgets.Select.from_param(
            study.param.fusion, name="Fusion of the two", options=list(METHODS), **wide
        )
        views = pn.widgets.Select.from_param(
            study.param.tta, name="Views of each patch", options=_VIEWS, **wide
        )
        load = pn.widgets.Button(name="Load an existing result …", **wide)
        self._existing = pn.Column(visible=False, **wide)
        load.on_click(self._offer_existing)
        self.sidebar = pn.Column(
            html('<p class="lcz-key">Make the maps</p>'),
            pn.widgets.CheckBoxGroup.from_param(study.param.sensors, name="Sensors", inline=True,
                                                options={"Sentinel-1": "s1", "Sentinel-2": "s2"}),
            self._networks, self._own,
            self._fusion, views, device, load, self._existing, DrawCard(session, self._map).content,
            html('<p class="lcz-key">Show</p>'),
            pn.widgets.Select.from_param(
                view.param.layer, name="Layer", options={v: k for k, v in _LAYERS.items()}, **wide
            ),
            self._class,
            pn.widgets.FloatSlider.from_param(view.param.opacity, name="Opacity", step=0.05, **wide),
            pn.widgets.Select.from_param(view.param.palette, name="Colours", **wide),
            pn.widgets.Select.from_param(view.param.image, name="Image below", **wide),
            pn.widgets.Checkbox.from_param(view.param.names, name="Names of places"),
            pn.widgets.Checkbox.from_param(view.param.base, name="Street map below (needs the network)"),
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
            help_text("What the 17 classes look like", all_classes(session.colors)),
            help_text("What the layers show", _HELP), **wide,
        )  # fmt: skip
        self._offer_day()
        self._made()
        self._progress()
        self._opacity()

    def _own_values(self, wide: dict[str, str]) -> pn.Card:
        """What the values of an own Sentinel-2 image mean."""
        study = self._study
        return pn.Card(
            pn.widgets.Select.from_param(
                study.param.s2_level, name="Level", options={"as the file says": "", "L1C": "L1C", "L2A": "L2A"}, **wide
            ),
            pn.widgets.TextInput.from_param(
                study.param.s2_date, name="Day of the image", placeholder="year-month-day", **wide
            ),
            self._day,
            pn.widgets.FloatInput.from_param(
                study.param.s2_scale, name="Scale", placeholder="as the file says", step=1e-4, **wide
            ),
            pn.widgets.FloatInput.from_param(
                study.param.s2_offset, name="Offset", placeholder="as the file says", step=100, **wide
            ),
            pn.widgets.FloatInput.from_param(
                study.param.s2_nodata, name="No data", placeholder="as the file says", step=1, **wide
            ),
            pn.widgets.TextInput.from_param(
                study.param.s2_bands, name="Bands", placeholder="B02,B03,... in file order", **wide
            ),
            pn.widgets.Select.from_param(
                study.param.s2_resample, name="Resampling", options={"none": "", "to 10 m in UTM": "utm"}, **wide
            ),
            pn.widgets.Checkbox.from_param(study.param.s2_keep_clouds, name="Keep clouds (of a band SCL)"),
            pn.widgets.Checkbox.from_param(study.param.s2_accept_values, name="Map them though they look wrong"),
            title="Values of your Sentinel-2", visible=False, margin=(4, 5), **wide,
        )  # fmt: skip

    def _offer_day(self, *_: Any) -> None:
        """The day in the name of an own image, to be taken with one click."""
        day = day_named(self._study.scene_files)
        self._day.param.update(
            name=f"Take {day}, as the file is named", visible=bool(day) and not self._study.s2_date
        )

    def _chosen(self, event: Any) -> None:
        if event.new and not self._offering:
            self._view.kind = event.new
            self._draw()

    def _progress(self, *_: Any) -> None:
        running = self._study.conditions.get("maps") == "running"
        scene = self._study.scene
        self._run.disabled = running or scene is None or not scene.mappable
        self._run.name = "Run again" if self._study.maps is not None else "Run"

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
        self._kind.param.update(options=options or {"no map yet": ""}, value=wanted)
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
        return pn.widgets.Select.from_param(
            parameter,
            name=f"Network for {TITLES[sensor]}",
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
                said = (
                    f'<div class="lcz-banner info">The {escape(named_map(kind))} has no '
                    f"{escape(_LAYERS[layer])}.</div>"
                )
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
            return None, "certainty (1 = sure)"  # of each map, however it is known
        if result is None or kind not in result.kinds:
            return None, ""
        if layer == "probability":
            proba = result.probabilities.get(kind)
            return (
                None if proba is None else proba.sel(lcz=view.lcz, drop=True)
            ), f"probability of {CLASSES[view.lcz - 1].label}"
        fraction = result.valid_fraction
        return (
            None if fraction is None else fraction.min("band")
        ), "valid share of the pixels, worst scene"

    def _draw_image(self, *_: Any) -> None:
        self._session.tick(lambda: self._map.base_map(self._view.base))
        base_image(self._session, self._study.scene, self._map.show_image)

    def _opacity(self, *_: Any) -> None:
        self._session.tick(lambda: self._map.opacity(self._view.opacity))

    def _headline(self) -> str:
        study = self._study
        if study.scene is None:
            return "<div class='lcz-note'>Opening …</div>"
        if study.maps is None:
            missing = (
                no_imagery(study) or "None of the imagery here can be mapped: upload Sentinel-2"
            )
            what = (
                "Choose the sensors and networks, then press <b>Run</b>."
                if study.scene.mappable
                else f"{missing}."
            )
            shown = TITLES[self._kind.value or ""]
            below = f" Shown below: {shown.lower()}." if shown else ""
            return (
                f'<div class="lcz-banner info">No LCZ map of {escape(study.scene.place.name)} was made '
                f"yet. {what}{below}</div>"
            )
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
        names = ", ".join(escape(w["title"] or w["name"]) for w in made["weights"])
        engines = ", ".join(escape(e) for e in dict.fromkeys(made["engines"].values()))
        return (
            f"<div class='lcz-note'>{escape(study.scene.place.name)} · {names} · {cells:,} cells, made in "
            f"{made['seconds']:.0f} s on {engines}</div>{warnings}"
        )

    def _offer_existing(self, _: Any) -> None:
        """Results of earlier runs of this server, and results in the folders that were allowed."""
        from lczlib.study.existing import existing_results

        found = existing_results(self._study.context)
        self._existing.visible = True
        if not found:
            self._existing[:] = [
                note(
                    "There are no earlier results here. Folders with results of <code>lcz map</code> can be "
                    "opened where the server was started with <code>--allow FOLDER</code>."
                )
            ]
            return
        choose = pn.widgets.Select(
            name="Result",
            options={"(none: run instead)": "", **found},
            value=self._study.result_folder,
            sizing_mode="stretch_width",
        )

        def chosen(event: Any) -> None:
            self._study.result_folder = event.new
            if event.new:
                self._session.runner.run("maps")

        choose.param.watch(chosen, "value")
        self._existing[:] = [choose]


_HELP = """<p><b>Classes</b>: the most probable zone of each 100 m cell. <b>Certainty</b>: one minus the entropy of the
17 probabilities over its largest value; 1 is sure, 0 knows nothing. It says how decided the network is, not that it
is right: the Accuracy page compares the two. <b>Probability</b>: of one class alone. <b>Valid fraction</b>: share of a
cell's pixels without cloud or gap; a cell below one half has no class.</p>
<p><b>Fusion</b>: <i>mean</i> gives each sensor one vote; <i>so2sat</i> counts Sentinel-2 once a season; <i>product</i>
takes the sensors for independent evidence; <i>entropy</i> weighs by certainty; <i>vote</i> counts winners.</p>"""
