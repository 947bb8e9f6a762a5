"""Two to four maps beside each other: where they agree, where not, and what each says at a place."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel as pn

from lczlib.classes import CLASSES
from lczlib.figures import cross_table_figure
from lczlib.kinds import by_title, map_title
from lczlib.study.showing import shown
from lczlib.study.steps import named_maps
from lczlib.texts import N_, text, text_as

from ..maps.display import bounds_in_mercator, projected
from ..maps.imagery import base_image, study_bounds
from ..maps.overlay import Overlay
from ..parts.fields import RESAMPLED, bound, field, looks
from ..parts.layout import columns, figure_pane, fluid, side_by_side, tall
from ..parts.legend import published_note, shared_legend
from ..parts.markup import help_text, html, key, note, number, table
from ..parts.messages import no_imagery
from ..parts.water_agreement import water_agreement
from ..parts.which_map import difference_in_words, settle_choices
from ..parts.words import choices, not_made
from ..session import Session

_WAYS = (N_("side by side"), N_("swipe"), N_("flicker"), N_("differences"), N_("how different"))


class ComparePage:
    """The third page."""

    title = N_("Compare")
    has_beside = False
    needs = ("scene", "reference", "own_map", "published", "maps", "comparison", "accuracy")
    quiet = ("accuracy",)  # of use here where there is a reference, and nothing lacks where not

    def __init__(self, session: Session) -> None:
        self._session, self._study, self._view = session, session.study, session.view
        wide = {"sizing_mode": "stretch_width"}
        first = session.map_view(title=text("First"), height=480)
        self._maps = [
            first,
            *(
                session.map_view(title=text(t), height=480, beside=first)
                for t in (N_("Second"), N_("Third"), N_("Fourth"))
            ),
        ]
        self._panes = [tall(m.figure) for m in self._maps]
        self._choices = {
            n: pn.widgets.Select(name=text(said), **wide)
            for n, said in (
                ("first", N_("First map")), ("second", N_("Second map")), ("third", N_("Third map")),
                ("fourth", N_("Fourth map")),
            )
        }  # fmt: skip
        for name, choice in self._choices.items():
            choice.param.watch(lambda e, n=name: self._chosen(n, e.new), "value")
        self._offering = False
        self._fitted: Any = None
        self._overlay = Overlay(first, self._view)
        self._row = side_by_side(self._panes[0])
        self._shown = pn.Column(self._row, **wide)  # a grid is not hidden by itself
        self._figures = html("")
        self._cross = figure_pane()
        self._legend = html("")
        self._water = html("")
        for m in self._maps:
            m.on_view(self._moved)
        self._study.param.watch(
            self._made,
            [
                "maps",
                "reference",
                "own_map",
                "published",
                "scene",
                "first",
                "second",
                "third",
                "fourth",
            ],
        )
        self._results: Any = None  # comparison, accuracy and water that the page holds
        self._study.param.watch(
            self._resulted, ["comparison", "accuracy", "water_summary", "conditions"]
        )
        self._view.param.watch(self._arrange, ["compare"])
        self._view.param.watch(self._draw, ["palette", "opacity", "isolated"])
        self._view.param.watch(self._draw_image, ["image", "stretch", "season"])
        self.sidebar = pn.Column(
            *self._choices.values(),
            key(text("View")),
            bound(pn.widgets.RadioButtonGroup, self._view.param.compare, name=text("View"), options=choices(_WAYS),
                button_style="outline", orientation="vertical",
                **wide
            ),
            *looks(self._view),
            *field(self._study, "compare_resample", options=RESAMPLED), **wide,
        )  # fmt: skip
        self.stage = pn.Column(self._overlay.slider, self._shown, margin=0, **wide)
        self.content = pn.Column(
            self._legend,
            note(
                text(
                    "Click a place on a map: what all maps say there, and the image that the networks saw."
                )
            ),
            self._figures,
            self._water,
            self._cross,
            help_text(text("What the figures mean"), text(_HELP)),
            **wide,
        )
        self._arrange()
        self._made()
        self._resulted()

    def _chosen(self, name: str, value: str | None) -> None:
        if not self._offering and value is not None:
            self._study.param.update({name: value})

    def _made(self, *_: Any) -> None:
        settle_choices(self._study)
        maps = named_maps(self._study)
        self._offering = True
        for name, choice in self._choices.items():
            options = by_title(maps)
            chosen = getattr(self._study, name)
            if name in ("third", "fourth"):
                options = {text_as("map", "none"): "", **options}
            if chosen not in options.values():
                options = {**options, not_made(chosen): chosen}
            choice.param.update(options=options, value=chosen)
        self._offering = False
        bounds = study_bounds(self._study)
        if bounds is not None and self._fitted != bounds:
            self._fitted = bounds
            self._session.tick(self._fit)
        self._draw_image()
        self._arrange()
        if shown(self._study, "comparison") is None:
            self._compared()

    def _middle(self) -> float | None:
        """The x in the middle of the place, by which others are laid out."""
        return None if self._fitted is None else (self._fitted[0] + self._fitted[2]) / 2

    def _fit(self) -> None:
        box = self._view.box
        if box is not None:
            self._maps[0].fit_exactly(bounds_in_mercator(box, self._middle()))
        elif self._fitted is not None:
            self._maps[0].fit(self._fitted)

    def _arrange(self, *_: Any) -> None:
        mode, study = self._view.compare, self._study
        empty = study.scene is not None and study.scene.box is None and not named_maps(study)
        self._shown.visible = not empty
        self._overlay.slider.visible = mode == "swipe" and not empty
        beside = [True, True, bool(study.third), bool(study.fourth)]
        panes = [p for p, there in zip(self._panes, beside, strict=True) if there]
        panes = panes if mode == "side by side" else panes[:1]
        if (
            self._row.objects != panes
        ):  # a hidden figure would keep its neighbours from being laid out
            self._row.param.update(
                objects=panes, styles=columns(2 if len(panes) > 3 else len(panes))
            )
        self._draw()

    def _draw(self, *_: Any) -> None:
        study, mode, maps = self._study, self._view.compare, named_maps(self._study)
        names = [study.first, study.second, study.third, study.fourth]
        colors, shown_colors = self._session.colors, self._session.map_colors
        alone = self._view.isolated
        known = study.maps.certainties if study.maps is not None else {}

        own = study.own_map if "own" in names else None

        def work() -> tuple[str, list[Any], list[Any]]:
            certain = {**known, "own": study.own_certainty(own)}
            said = shared_legend(
                {n: maps[n] for n in dict.fromkeys(names) if n in maps}, colors, alone
            )
            said += published_note(maps, names)
            layers = [projected(maps[n]) if n in maps else None for n in names]
            sure = [projected(c) if (c := certain.get(n)) is not None else None for n in names]
            return said, layers, sure

        def draw(made: tuple[str, list[Any], list[Any]]) -> None:
            self._legend.object, layers, sure = made
            for view, name, lcz, certainty in zip(self._maps, names, layers, sure, strict=True):
                view.colors(shown_colors)
                view.opacity(self._view.opacity)
                view.figure.title.text = map_title(name)
                view.show_classes(lcz, certainty)
            over = layers[0] is not None and layers[1] is not None
            if mode in ("swipe", "flicker") and over:
                self._overlay.show(layers[0], layers[1], [map_title(n) for n in names[:2]], mode)
                return
            self._overlay.hide()
            if mode in ("differences", "how different"):
                self._differences(maps, names, mode)

        self._session.latest("compared maps", work, draw)

    def _differences(self, maps: dict[str, Any], names: list[str], mode: str) -> None:
        from lczlib.analysis import SIMILARITY, class_pairs
        from lczlib.analysis.comparison import SAME

        if names[0] not in maps or names[1] not in maps or names[0] == names[1]:
            return
        first, second = maps[names[0]], maps[names[1]]
        pairs = class_pairs(first, second, resampling="nearest").assign_coords(first.coords)
        said = {"first": map_title(names[0]), "second": map_title(names[1])}
        view = self._maps[0]
        if mode == "differences":
            title = text("Where {second} differs from {first}: its class there")
            view.figure.title.text = title.format(**said)
            view.show_classes(projected((pairs % 100).where(pairs > 1, 0).astype(np.uint8)))
            return
        view.figure.title.text = text("How different {second} is from {first}").format(**said)
        far = np.where(pairs.values == SAME, 0.0, np.nan)
        differs = pairs.values > SAME
        i, j = pairs.values[differs] // 100 - 1, pairs.values[differs] % 100 - 1
        far[differs] = 1 - SIMILARITY[i, j]
        view.show_values(
            projected(pairs.copy(data=far.astype(np.float32))),
            text("1 - similarity of the classes"),
        )

    def _draw_image(self, *_: Any) -> None:
        base_image(self._session, self._study.scene, self._maps[0].show_image)

    def _resulted(self, *_: Any) -> None:
        now = tuple(shown(self._study, n) for n in ("comparison", "accuracy", "water_summary"))
        before, self._results = self._results, now
        if before is None or any(a is not b for a, b in zip(before[:2], now, strict=False)):
            self._compared()
        if before is None or before[2] is not now[2]:
            self._watered()

    def _compared(self) -> None:
        result = shown(self._study, "comparison")
        if result is None:
            few = bool(self._study.missing("comparison"))
            missing = no_imagery(self._study)
            hint = text("{what}: two maps are compared here.").format(what=missing) if missing else text(
                "There are not two maps of this place to compare: make them on the <b>Map</b> page, show the "
                "published one, or upload one on the <b>City</b> page."
            )  # fmt: skip
            working = self._study.conditions.get("comparison") == "running"
            hint = text("Working …") if working else hint if few else ""
            self._figures.object = f'<div class="lcz-banner info">{hint}</div>' if hint else ""
            self._cross.object = None
            return
        first, second = (map_title(n) for n in result.names)
        rows = [
            (text("Agreement (same class)"), number(result.agreement, 3)),
            (
                text("Agreement, similar classes counted in part"),
                number(result.agreement_weighted, 3),
            ),
            (text("Agreement on built against natural"), number(result.agreement_built, 3)),
            (text("Kappa"), number(result.kappa, 3)),
            (text("Cells that both maps have (n)"), f"{result.n:,}"),
        ]
        changes = result.changes().head(5)
        exchanged = text("{n} cells {first} → {second}")
        what = "; ".join(
            exchanged.format(
                n=f"{int(r.n):,}", first=CLASSES[int(r.lcz_first) - 1].code,
                second=CLASSES[int(r.lcz_second) - 1].code,
            )
            for r in changes.itertuples()
        )  # fmt: skip
        title = text("{first} against {second}").format(first=escape(first), second=escape(second))
        most = text("Most frequent differences: {differences}.") if what else text(
            "Most frequent differences: none."
        )  # fmt: skip
        self._figures.object = (
            f"<h3>{title}</h3>"
            + table((text("figure"), text("value")), rows)
            + f"<div class='lcz-note'>{most.format(differences=what)}</div>"
            + self._which_is_better(result.names)
        )
        self._cross.object = fluid(cross_table_figure(result, names=(first, second)), 560)

    def _which_is_better(self, names: tuple[str, str]) -> str:
        """Whether the reference tells the two maps apart, where there is one."""
        accuracy = shown(self._study, "accuracy")
        pair = next((p for p in (names, names[::-1])
                     if accuracy is not None and p in accuracy.differences), None)  # fmt: skip
        if pair is None:
            said = text(
                "Which of two maps is better only a reference can tell: see the <b>Accuracy</b> page."
            )
            return f"<div class='lcz-note'>{said}</div>"
        return f"<div class='lcz-banner info'>{difference_in_words(pair, accuracy.differences[pair])}</div>"

    def _watered(self) -> None:
        self._water.object = water_agreement(shown(self._study, "water_summary"))

    def _moved(self, box: tuple[float, float, float, float]) -> None:
        self._session.remember_view(box)


_HELP = N_("""<p><b>Agreement</b> is the share of cells with one and the same class; it is no accuracy, since
both maps can be wrong in the same way. In the <b>weighted</b> figure, similar classes (open mid-rise
for open low-rise) count in part (Bechtel et al.); <b>how different</b> draws 1 minus that similarity, 0 where the maps
agree. <b>Kappa</b> takes out the agreement
that class sizes alone would give.</p>
<p>The cross table has the first map in rows, the second in columns.</p>""")
