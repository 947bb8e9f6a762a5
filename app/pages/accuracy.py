"""How right the maps are: confusion matrices, scores with intervals, reliability."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel as pn
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, FactorRange, HoverTool, LinearColorMapper
from bokeh.palettes import Blues256
from bokeh.plotting import figure

from lczlib.analysis.best import Scored, best_in_words
from lczlib.analysis.words import SCORE_NAMES
from lczlib.classes import CLASSES
from lczlib.figures import class_accuracy_figure, reliability_figure
from lczlib.kinds import TITLES
from lczlib.reading import counted
from lczlib.study.results import places_of_pair
from lczlib.study.showing import shown
from lczlib.study.steps import named_maps

from ..maps.display import projected
from ..maps.imagery import base_image, study_bounds
from ..parts.fields import RESAMPLED, card, field
from ..parts.layout import figure_pane, fluid, side_by_side
from ..parts.markup import folded, help_text, html, interval, note, number, table
from ..parts.messages import nothing_yet
from ..session import Session


class AccuracyPage:
    """The fourth page."""

    title = "Accuracy"
    has_beside = False
    needs = ("scene", "reference", "own_map", "published", "maps", "accuracy")

    def __init__(self, session: Session) -> None:
        self._session, self._study, self._view = session, session.study, session.view
        wide = {"sizing_mode": "stretch_width"}
        self._offering = False
        self._result: Any = None  # what is on the page
        self._judged = pn.widgets.RadioButtonGroup(
            options=["fused"], name="Map", button_style="outline", **wide
        )
        self._judged.param.watch(self._chosen, "value")
        self._told = html("")
        self._scores = html("")
        self._matrix, self._cells = _matrix_figure(session.dark)
        self._matrix.on_event(Tap, self._tapped)
        self._map = session.map_view(title="Places of the picked cell", height=420, wheel=False)
        self._picked = note(
            "Rows are the reference, columns the map. Click a cell to see its places."
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
            html(_CLASSES), *self._classes, html(_RELIABILITY), *self._reliability,
            self._scores, self._table, visible=False, **wide,
        )  # fmt: skip
        self._study.param.watch(self._assessed, "accuracy")
        self._study.param.watch(self._assessed, ["scene", "maps", "own_map", "published"])
        self._study.param.watch(self._failed, ["messages", "conditions"])
        self._view.param.watch(self._draw, ["judged", "matrix"])
        self._view.param.watch(self._show_cell, "cell")
        outline = {"button_style": "outline", **wide}
        self.sidebar = pn.Column(
            html('<p class="lcz-key">Reference</p>'),
            pn.widgets.RadioButtonGroup.from_param(
                self._study.param.reference_kind, name="Reference", **outline
            ),
            html('<p class="lcz-key">Matrix</p>'),
            pn.widgets.RadioButtonGroup.from_param(
                self._view.param.matrix, name="Matrix", **outline
            ),
            note("Own reference polygons or rasters: upload them on the City page."),
            *field(self._study, "accuracy_stratified_sample"),
            *field(self._study, "accuracy_resample", options=RESAMPLED),
            card("Intervals", [p for n in _INTERVALS for p in field(self._study, n)]),
            help_text("What PA, UA and F1 mean", _PA),
            help_text("When is a difference not significant?", _SIGNIFICANT),
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
            self._told.object = nothing_yet(study, "accuracy", "it is judged here by the reference")
            return
        first = next(iter(result.assessments.values()))
        units = f"{first.method['n_units']} {first.method['unit']}s"
        self._told.object = (
            f"<div class='lcz-answer' role='status'>{escape(_best(result))}</div>"
            f"<div class='lcz-note'>Against {escape(result.source)} ({result.kind}): {first.n:,} cells in "
            f"{units}. Intervals: 95 %, {escape(first.method['method'])}, "
            f"{first.method['replicates']:,} replicates.</div>{_overall(result.assessments)}"
        ) + "".join(
            f"<div class='lcz-banner info'>{escape(TITLES[n])} is not judged: {escape(why)}</div>"
            for n, why in result.refused.items()
        )
        names = list(result.assessments)
        rows = [
            (
                label,
                *(
                    f"{number(a.scores[k], 3)} ({interval(*a.intervals[f'{k}_ci'], 3)})"
                    for a in result.assessments.values()
                ),
            )
            for k, label in SCORE_NAMES.items()
            if k != "oa"  # it stands above
        ]
        rows.append(("Cells (n)", *(f"{a.n:,}" for a in result.assessments.values())))
        self._scores.object = folded(
            "All scores, and which map is better",
            table(("score (95 % interval)", *(TITLES[n] for n in names)), rows)
            + _differences(result.differences),
        )
        self._offering = True
        value = self._view.judged if self._view.judged in names else names[-1]
        options = {TITLES[n]: n for n in names}
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
            (f"{CLASSES[i - 1].code} {CLASSES[i - 1].name}",
             *(_with_interval(r, k) for k in ("pa", "ua", "f1")),
             f"{int(r['n_reference']):,}", f"{int(r['n_predicted']):,}", f"{int(r['n_units']):,}")
            for i, r in assessment.classes.iterrows() if r["n_reference"] + r["n_predicted"] > 0
        ]  # fmt: skip
        unit = assessment.method["unit"] + "s"
        heads = ("class", "PA", "UA", "F1", "n reference", "n map", unit)
        self._table.object = folded(f"{TITLES[name]}: figures of each class", table(heads, rows))
        counts = assessment.counts.values
        share, title = self._view.matrix, TITLES[name]
        dark = self._session.dark
        self._session.tick(
            lambda: _fill_matrix(self._matrix, self._cells, counts, share, title, dark)
        )
        self._show_cell()
        self._session.tick(lambda: self._draw_reliability(calibrated))

    def _draw_classes(self) -> None:
        result = self._result
        if result is None:
            return
        named = {TITLES[n]: a for n, a in result.assessments.items()}
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
        truth, mapped = (CLASSES[c - 1].label for c in cell)
        self._picked.object = (
            f'<div class="lcz-banner info" role="status">{n:,} cells that the reference calls '
            f"<b>{truth}</b> and this map <b>{mapped}</b>.</div>"
        )
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
        TITLES[n]: Scored(
            a.scores["oa"], *a.intervals["oa_ci"], a.n, counted(a.method["n_units"], a.method["unit"])
        )
        for n, a in result.assessments.items()
    }  # fmt: skip
    apart = {(TITLES[a], TITLES[b]): d for (a, b), d in result.differences.items()}
    return best_in_words(scored, apart)


def _overall(assessments: dict[str, Any]) -> str:
    """The one figure that is quoted of each map, the best map first."""
    best = sorted(assessments, key=lambda n: -assessments[n].scores["oa"])
    scores = "".join(
        f"<li>{escape(TITLES[n])} <b>{number(assessments[n].scores['oa'], 3)} "
        f"({interval(*assessments[n].intervals['oa_ci'], 3)})</b></li>"
        for n in best
    )
    return f"<ul class='lcz-scores'><li>{SCORE_NAMES['oa']}</li>{scores}</ul>"


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
        verdict = "significant" if d.scores.loc["oa", "significant"] else "not significant"
        names = f"{TITLES[first]} − {TITLES[second]}"
        rows.append((names, *cells, verdict, f"{d.n:,}"))
    heads = ("difference (95 % interval)", "OA", "mean F1", "in OA", "cells (n)")
    return "<h3>Which map is better?</h3>" + table(heads, rows)


def _matrix_figure(dark: bool) -> tuple[Any, ColumnDataSource]:
    ink = "#d5dae0" if dark else "#333333"
    fig = figure(
        x_range=FactorRange("1"), y_range=FactorRange("1"), height=470, sizing_mode="stretch_width", tools="",
        toolbar_location=None, x_axis_location="above", title=" ", name="confusion matrix", min_width=300,
        x_axis_label="map", y_axis_label="reference",
    )  # fmt: skip
    source = ColumnDataSource({"x": [], "y": [], "share": [], "text": [], "ink": [], "what": []})
    palette = list(Blues256) if dark else list(reversed(Blues256))  # nothing is as the page is
    mapper = LinearColorMapper(palette=palette, low=0, high=1)
    cells = fig.rect(
        "x",
        "y",
        0.98,
        0.98,
        source=source,
        fill_color={"field": "share", "transform": mapper},
        line_color=None,
    )
    fig.text(
        "x",
        "y",
        text="text",
        text_color="ink",
        source=source,
        text_align="center",
        text_baseline="middle",
        text_font_size="8pt",
    )
    fig.add_tools(HoverTool(renderers=[cells], tooltips=[("", "@what")]))
    for axis in fig.axis:
        axis.update(
            major_label_text_color=ink, axis_label_text_color=ink, axis_line_color=None,
            major_tick_line_color=None, axis_label_text_font_style="normal",
            major_label_text_font_style="bold",
        )  # fmt: skip
    fig.grid.visible = False
    fig.update(background_fill_color=None, border_fill_color=None, outline_line_color=None)
    fig.title.text_color = ink
    return fig, source


def _fill_matrix(
    fig: Any, source: ColumnDataSource, counts: np.ndarray, share: str, title: str, dark: bool
) -> None:
    held = np.flatnonzero(counts.sum(0) + counts.sum(1))
    part = counts[np.ix_(held, held)].astype(float)
    rows, columns = part.sum(1, keepdims=True), part.sum(0, keepdims=True)
    by = {"counts": rows, "row %": rows, "column %": columns}[share]
    ratio = np.divide(part, by, out=np.zeros_like(part), where=by > 0)
    codes = [CLASSES[i].code for i in held]
    xs, ys, shares, texts, inks, what = [], [], [], [], [], []
    for r, true in enumerate(codes):
        for c, mapped in enumerate(codes):
            n = int(part[r, c])
            xs.append(mapped)
            ys.append(true)
            shares.append(ratio[r, c])
            percent = 100 * ratio[r, c]
            texts.append(
                ""
                if not n
                else f"{n:,}"
                if share == "counts"
                else f"{percent:.0f}"
                if percent >= 0.5
                else "<1"
            )
            inks.append("white" if (ratio[r, c] > 0.55) != dark else "#10202f")
            of = "column" if share == "column %" else "row"
            what.append(f"reference {true}, map {mapped}: {n:,} cells, {percent:.0f} % of the {of}")
    fig.x_range.factors = codes
    fig.y_range.factors = codes[::-1]
    unit = {
        "counts": "cells",
        "row %": "% of the reference",
        "column %": "% of the map",
    }[share]
    fig.title.text = f"{title}: {unit}"
    source.data = {"x": xs, "y": ys, "share": shares, "text": texts, "ink": inks, "what": what}


_INTERVALS = ("accuracy_block", "accuracy_replicates", "accuracy_seed")
_CLASSES = "<h3>Producer's accuracy, user's accuracy and F1 of each class, with 95 % intervals</h3>"
_RELIABILITY = "<h3>Reliability: are probabilities as right as they are high?</h3>"
_PA = """<p><b>Producer's accuracy (PA)</b> of a class: of the cells that the reference calls so, the share that the map
finds. <b>User's accuracy (UA)</b>: of the cells that the map calls so, the share that are right. A map that calls
everything one class has a PA of 1 for it and a poor UA. <b>F1</b> is their harmonic mean.</p>
<p>In the matrix, <b>row %</b> has PA on its diagonal and <b>column %</b> UA; counts are shaded by their share
of the row.</p>"""
_SIGNIFICANT = """<p>Two maps are judged by the same reference polygons (or blocks), so their difference has
an interval of its own: in every bootstrap draw both are judged by the same polygons, and what makes a
polygon hard for both cancels. Where that interval holds 0, the difference is <b>not significant</b>:
other reference polygons could have turned it round. The two maps' own intervals may overlap although
the difference is significant.</p>
<p>Intervals draw whole polygons (or blocks), since the cells of one polygon are not independent
witnesses. A class in one polygon only has no interval.</p>"""
