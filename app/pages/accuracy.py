"""How right the maps are: confusion matrices, scores with intervals, reliability."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel as pn
from bokeh.events import Tap

from lczlib.analysis.best import Scored, best_in_words
from lczlib.analysis.words import SCORE_NAMES, UNITS
from lczlib.classes import CLASSES
from lczlib.figures import class_accuracy_figure, reliability_figure
from lczlib.kinds import map_title
from lczlib.study.results import places_of_pair
from lczlib.study.showing import shown
from lczlib.study.steps import named_maps
from lczlib.texts import N_, text

from ..maps.display import projected
from ..maps.imagery import base_image, study_bounds
from ..parts.adapted import flattered
from ..parts.fields import RESAMPLED, bound, card, field
from ..parts.layout import figure_pane, fluid, side_by_side
from ..parts.markup import folded, help_text, html, interval, key, note, number, table
from ..parts.matrix import fill_matrix, matrix_figure
from ..parts.messages import nothing_yet
from ..parts.words import choices, units_of, zone_label, zone_short
from ..session import Session


class AccuracyPage:
    """The fourth page."""

    title = N_("Accuracy")
    has_beside = False
    needs = ("scene", "reference", "own_map", "published", "maps", "accuracy")

    def __init__(self, session: Session) -> None:
        self._session, self._study, self._view = session, session.study, session.view
        wide = {"sizing_mode": "stretch_width"}
        self._offering = False
        self._result: Any = None  # what is on the page
        self._judged = pn.widgets.RadioButtonGroup(
            options={map_title("fused"): "fused"}, name=text("Map"), button_style="outline", **wide
        )
        self._judged.param.watch(self._chosen, "value")
        self._told = html("")
        self._scores = html("")
        self._matrix, self._cells = matrix_figure(session.dark)
        self._matrix.on_event(Tap, self._tapped)
        self._map = session.map_view(
            title=text("Places of the picked cell"), height=420, wheel=False
        )
        self._picked = note(
            text("Rows are the reference, columns the map. Click a cell to see its places.")
        )
        self._classes = [figure_pane() for _ in range(3)]
        self._reliability = [figure_pane() for _ in range(2)]
        self._table = html("")
        self._body = pn.Column(
            self._judged,
            side_by_side(
                pn.pane.Bokeh(self._matrix, **wide),
                pn.Column(pn.pane.Bokeh(self._map.figure, **wide), self._picked, **wide),
            ),
            html(f"<h3>{text(_CLASSES)}</h3>"), *self._classes,
            html(f"<h3>{text(_RELIABILITY)}</h3>"), *self._reliability,
            self._scores, self._table, visible=False, **wide,
        )  # fmt: skip
        self._study.param.watch(self._assessed, "accuracy")
        self._study.param.watch(self._assessed, ["scene", "maps", "own_map", "published"])
        self._study.param.watch(self._failed, ["messages", "conditions"])
        self._view.param.watch(self._draw, ["judged", "matrix"])
        self._view.param.watch(self._show_cell, "cell")
        outline = {"button_style": "outline", **wide}
        self.sidebar = pn.Column(
            key(text("Reference")),
            bound(
                pn.widgets.RadioButtonGroup,
                self._study.param.reference_kind,
                name=text("Reference"),
                options=choices((N_("polygons"), N_("raster"))),
                **outline,
            ),
            key(text("Matrix")),
            bound(
                pn.widgets.RadioButtonGroup,
                self._view.param.matrix,
                name=text("Matrix"),
                options=choices((N_("counts"), N_("row %"), N_("column %"))),
                **outline,
            ),
            note(text("Own reference polygons or rasters: upload them on the City page.")),
            *field(self._study, "accuracy_stratified_sample"),
            *field(self._study, "accuracy_resample", options=RESAMPLED),
            card(text("Intervals"), [p for n in _INTERVALS for p in field(self._study, n)]),
            help_text(text("What PA, UA and F1 mean"), text(_PA)),
            help_text(text("When is a difference not significant?"), text(_SIGNIFICANT)),
            **wide,
        )
        self.content = pn.Column(self._told, self._body, **wide)
        self._assessed()

    def _chosen(self, event: Any) -> None:
        if event.new and not self._offering:
            self._view.judged = event.new

    def _failed(self, *_: Any) -> None:
        now = shown(self._study, "accuracy")  # None while it is of other settings
        if now is None or now is not self._result:
            self._assessed()

    def _assessed(self, *_: Any) -> None:
        result = self._result = shown(self._study, "accuracy")
        self._body.visible = result is not None
        study = self._study
        if result is None:
            self._told.object = nothing_yet(
                study, "accuracy", text("it is judged here by the reference")
            )
            return
        first = next(iter(result.assessments.values()))
        said = text(
            "Against {source} ({kind}): {n} cells in {units}. Intervals: 95 %, {method}, {replicates} replicates."
        ).format(
            source=escape(text(result.source)), kind=text(result.kind), n=f"{first.n:,}",
            units=units_of(first.method["n_units"], first.method["unit"]),
            method=escape(text(first.method["method"])), replicates=f"{first.method['replicates']:,}",
        )  # fmt: skip
        refused = text("{map} is not judged: {why}")
        self._told.object = (
            f"{flattered(result, study.maps)}<div class='lcz-answer' role='status'>{escape(_best(result))}</div>"
            f"<div class='lcz-note'>{said}</div>{_overall(result.assessments)}"
        ) + "".join(
            f"<div class='lcz-banner info'>{escape(refused.format(map=map_title(n), why=why))}</div>"
            for n, why in result.refused.items()
        )
        names = list(result.assessments)
        rows = [
            (
                text(label),
                *(
                    f"{number(a.scores[k], 3)} ({interval(*a.intervals[f'{k}_ci'], 3)})"
                    for a in result.assessments.values()
                ),
            )
            for k, label in SCORE_NAMES.items()
            if k != "oa"  # it stands above
        ]
        rows.append((text("Cells (n)"), *(f"{a.n:,}" for a in result.assessments.values())))
        self._scores.object = folded(
            text("All scores, and which map is better"),
            table((text("score (95 % interval)"), *(map_title(n) for n in names)), rows)
            + _differences(result.differences),
        )
        self._offering = True
        value = self._view.judged if self._view.judged in names else names[-1]
        options = {map_title(n): n for n in names}
        # by way of the first: a value that stays the same would leave the wrong button marked
        self._judged.param.update(options=options, value=names[0])
        self._judged.value = value
        self._offering = False
        bounds = study_bounds(study)
        if bounds is not None:
            self._session.tick(lambda: self._map.fit(bounds))
        base_image(self._session, self._study.scene, self._map.show_image)
        self._draw()
        self._session.tick(self._draw_classes)  # after the matrix, which is quicker

    def _draw(self, *_: Any) -> None:
        result, name = self._result, self._judged.value
        if result is None or name not in result.assessments:
            return
        assessment = result.assessments[name]
        calibrated = result.calibrations.get(name)
        rows = [
            (zone_short(CLASSES[i - 1]),
             *(_with_interval(r, k) for k in ("pa", "ua", "f1")),
             f"{int(r['n_reference']):,}", f"{int(r['n_predicted']):,}", f"{int(r['n_units']):,}")
            for i, r in assessment.classes.iterrows() if r["n_reference"] + r["n_predicted"] > 0
        ]  # fmt: skip
        unit = text(UNITS[assessment.method["unit"]])
        heads = (
            text("class"),
            text("PA"),
            text("UA"),
            "F1",
            text("n reference"),
            text("n map"),
            unit,
        )
        title = text("{map}: figures of each class").format(map=map_title(name))
        self._table.object = folded(title, table(heads, rows))
        counts = assessment.counts.values
        share, title = self._view.matrix, map_title(name)
        dark = self._session.dark
        self._session.tick(
            lambda: fill_matrix(self._matrix, self._cells, counts, share, title, dark)
        )
        self._show_cell()
        self._session.tick(lambda: self._draw_reliability(calibrated))

    def _draw_classes(self) -> None:
        result = self._result
        if result is None:
            return
        named = {map_title(n): a for n, a in result.assessments.items()}
        for pane, panel in zip(self._classes, class_accuracy_figure(named), strict=True):
            pane.object = fluid(panel, 330).opts(fontsize={"xticks": "7pt"}, backend="bokeh")

    def _draw_reliability(self, calibrated: Any) -> None:
        for i, pane in enumerate(self._reliability):
            pane.visible = calibrated is not None
            if calibrated is not None:
                pane.object = fluid(list(reliability_figure(calibrated))[i], (380, 190)[i])

    def _tapped(self, event: Any) -> None:
        codes = list(self._matrix.x_range.factors)
        col, row = int(np.floor(event.x)), int(np.floor(event.y))
        rows = list(self._matrix.y_range.factors)
        if 0 <= col < len(codes) and 0 <= row < len(rows):
            number_of = {c.code: c.number for c in CLASSES}
            self._view.cell = (number_of[rows[row]], number_of[codes[col]])

    def _show_cell(self, *_: Any) -> None:
        study, cell, name = self._study, self._view.cell, self._judged.value
        assessed = () if self._result is None else self._result.assessments
        if cell is None or name not in assessed or name not in named_maps(study):
            self._session.tick(lambda: self._map.show_classes(None))
            return
        lcz = named_maps(study)[name]
        found = places_of_pair(lcz, study.reference, self._result.kind, *cell)
        n = int((found > 0).sum())
        truth, mapped = (zone_label(CLASSES[c - 1]) for c in cell)
        said = text(
            "{n} cells that the reference calls <b>{truth}</b> and this map <b>{mapped}</b>."
        )
        said = said.format(n=f"{n:,}", truth=truth, mapped=mapped)
        self._picked.object = f'<div class="lcz-banner info" role="status">{said}</div>'
        layer = projected(found)
        colors = self._session.colors

        def draw() -> None:
            self._map.colors(colors)
            self._map.opacity(1.0)
            self._map.show_classes(layer)

        self._session.tick(draw)


def _best(result: Any) -> str:
    """Which map is the most accurate, as the report says it."""
    scored = {
        map_title(n): Scored(
            a.scores["oa"], *a.intervals["oa_ci"], a.n, units_of(a.method["n_units"], a.method["unit"])
        )
        for n, a in result.assessments.items()
    }  # fmt: skip
    apart = {(map_title(a), map_title(b)): d for (a, b), d in result.differences.items()}
    return best_in_words(scored, apart)


def _overall(assessments: dict[str, Any]) -> str:
    """The one figure that is quoted of each map, the best map first."""
    best = sorted(assessments, key=lambda n: -assessments[n].scores["oa"])
    scores = "".join(
        f"<li>{escape(map_title(n))} <b>{number(assessments[n].scores['oa'], 3)} "
        f"({interval(*assessments[n].intervals['oa_ci'], 3)})</b></li>"
        for n in best
    )
    return f"<ul class='lcz-scores'><li>{text(SCORE_NAMES['oa'])}</li>{scores}</ul>"


def _with_interval(row: Any, score: str) -> str:
    bounds = interval(row[f"{score}_ci_low"], row[f"{score}_ci_high"], 2)
    return f"{number(row[score], 2)} ({bounds})"


def _differences(found: dict[tuple[str, str], Any]) -> str:
    """Each two maps: how far apart, and whether that may be chance."""
    if not found:
        return ""
    rows = []
    for (first, second), d in found.items():
        cells = []
        for score in ("oa", "mean_f1"):
            r = d.scores.loc[score]
            cells.append(
                f"{number(r['difference'], 3, True)} ({interval(r['ci_low'], r['ci_high'], 3, True)})"
            )
        sure = d.scores.loc["oa", "significant"]
        verdict = text("significant") if sure else text("not significant")
        names = f"{map_title(first)} − {map_title(second)}"
        rows.append((names, *cells, verdict, f"{d.n:,}"))
    heads = (
        text("difference (95 % interval)"), text("OA"), text("mean F1"), text("in OA"), text("cells (n)"),
    )  # fmt: skip
    return f"<h3>{text('Which map is better?')}</h3>" + table(heads, rows)


_METHODS = (
    N_("bootstrap over polygons"), N_("bootstrap over polygons, stratified by class"),
    N_("bootstrap over points"), N_("bootstrap over points, stratified by class"),
    N_("bootstrap over blocks"), N_("bootstrap over blocks, stratified by class"),
)  # fmt: skip
"""How intervals are drawn, as assessments say it."""
_INTERVALS = ("accuracy_block", "accuracy_replicates", "accuracy_seed")
_CLASSES = N_("Producer's accuracy, user's accuracy and F1 of each class, with 95 % intervals")
_RELIABILITY = N_("Reliability: are probabilities as right as they are high?")
_PA = N_(
    """<p><b>Producer's accuracy (PA)</b> of a class: of the cells that the reference calls so, the share that the map
finds. <b>User's accuracy (UA)</b>: of the cells that the map calls so, the share that are right. A map that calls
everything one class has a PA of 1 for it and a poor UA. <b>F1</b> is their harmonic mean.</p>
<p>In the matrix, <b>row %</b> has PA on its diagonal and <b>column %</b> UA; counts are shaded by their share
of the row.</p>"""
)
_SIGNIFICANT = N_("""<p>Two maps are judged by the same reference polygons (or blocks), so their difference has
an interval of its own: in every bootstrap draw both are judged by the same polygons, and what makes a
polygon hard for both cancels. Where that interval holds 0, the difference is <b>not significant</b>:
other reference polygons could have turned it round. The two maps' own intervals may overlap although
the difference is significant.</p>
<p>Intervals draw whole polygons (or blocks), since the cells of one polygon are not independent
witnesses. A class in one polygon only has no interval.</p>""")
