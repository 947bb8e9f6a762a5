"""The page of a report: a short summary first, then maps, accuracy, heat, air, water, and how all was made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lczlib.analysis.words import SCORE_NAMES
from lczlib.classes import CLASSES
from lczlib.export.report import Panel, Report
from lczlib.figures import paper, paper_maps
from lczlib.jobs import report_dates, report_imagery
from lczlib.jobs import report_summary as words
from lczlib.jobs.report_places import elsewhere
from lczlib.jobs.report_results import Results, Warmth, areas_of
from lczlib.terms import worded

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

_LARGEST = 700  # cells a side, of layers that are drawn
_SHORT = {"oa": "OA", "aa": "AA", "kappa": "Kappa", "oau": "OAu", "oabu": "OAbu", "oaw": "OAw"}


@dataclass
class Drawings:
    """The drawings of a page, by the names of their files.

    Attributes
    ----------
    wanted : bool
        Whether anything is to be drawn.
    made : dict of str to callable
        What draws a figure, for files.
    """

    wanted: bool
    made: dict[str, Callable[[], Figure]] = field(default_factory=dict)

    def panel(
        self, name: str, told: str, draw: Callable[..., Figure], *given: Any, **more: Any
    ) -> Panel:
        """A panel of a figure, kept under its name."""
        self.made[name] = lambda: draw(*given, **more)
        return Panel(paper.svg_of(draw(*given, **more), name), told)

    def write(self, folder: Path, endings: Sequence[str] = (".png", ".svg", ".pdf")) -> None:
        """Write each as PNG (300 dpi), SVG and PDF, laid out once for all."""
        for name, draw in self.made.items():
            figure = draw()
            for ending in endings:
                paper.save(figure, folder / f"{name}{ending}")
                figure.set_layout_engine("none")


@dataclass
class Page:
    """A report that is being written.

    Attributes
    ----------
    report : Report
    results : Results
    drawings : Drawings
    tables : dict of str to DataFrame
        What stands in its tables, as numbers, by file name.
    """

    report: Report
    results: Results
    drawings: Drawings
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def figure(self, panels: list[Panel], caption: str) -> None:
        """A figure, where figures are wanted."""
        if self.drawings.wanted and panels:
            self.report.figure(panels, caption)

    def layer(self, path: Path) -> xr.DataArray:
        """A layer of a result, missing as NaN, thinned to what is drawn."""
        import rioxarray

        with rioxarray.open_rasterio(path, masked=True) as raster:
            step = max(1, -(-max(raster.shape[-2:]) // _LARGEST))
            return raster.isel(
                band=0, drop=True, y=slice(None, None, step), x=slice(None, None, step)
            ).load()


def fill(page: Page, cautions: Sequence[str] = ()) -> None:
    """Write all that the results hold, behind the summary and what should be known first."""
    report, results = page.report, page.results
    report.facts(words.summary(results))
    for text in dict.fromkeys(
        [*elsewhere(results), *map(worded, cautions), *words.cautions(results)]
    ):
        report.text(text, "warning")
    if results.maps:
        _maps(page)
    report_imagery.fill(page)
    if results.judged:
        _accuracy(page)
    for one, content in results.compared():
        _compared(page, one, content)
    for kind in ("surface", "canopy"):  # never in one table or figure
        of_kind = [w for w in results.warmth if w.kind == kind]
        if of_kind:
            report.section(f"{kind.capitalize()} heat island by zone")
        for one in of_kind:
            _heat(page, one)
    from lczlib.jobs import report_air_water

    report_air_water.fill(page)


def _maps(page: Page) -> None:
    maps, report = page.results.maps, page.report
    areas = areas_of(maps)
    report.section("Maps")
    if page.drawings.wanted:
        panels = [
            page.drawings.panel(
                f"map_{_file(title)}", f"LCZ map {title}: the most frequent class is {_largest(areas[title])}",
                paper_maps.map_panel, lcz, title,
            )
            for title, lcz in maps.items()
        ]  # fmt: skip
        page.drawings.made["maps"] = lambda: paper_maps.maps_sheet(
            maps, {t: areas[t] for t in maps}
        )  # with the legend, for a paper
        one = len(maps) == 1
        page.figure(
            panels, f"Local Climate Zone map{'' if one else 's'}: {words.listed(maps)}. {words.extent(maps)} North is "
            "up; cells without a class are left empty. Colours and areas: Table 1.",
        )  # fmt: skip
    held = areas[areas.sum(axis=1) > 0]
    rows = [
        (_row(n), *(_km2(v) for v in row)) for n, row in zip(held.index, held.to_numpy(), strict=True)
    ]  # fmt: skip
    rows.append(("All classes", *(_km2(areas[t].sum()) for t in areas)))
    rows.append(("Cells (n)", *(f"{int((m.values > 0).sum()):,}" for m in maps.values())))
    rows.append(("Cells without a class", *(f"{int((m.values == 0).sum()):,}" for m in maps.values())))  # fmt: skip
    colors = [*(CLASSES[n - 1].color for n in held.index), "", "", ""]
    report.table(
        ("LCZ", *areas), rows, "Legend, and area of each class in km². Areas are counted from the maps as they are, "
        "not corrected for the maps' errors.", colors,
    )  # fmt: skip
    table = areas.rename_axis("lcz").reset_index()
    table.insert(1, "code", [c.code for c in CLASSES])
    table.insert(2, "name", [c.name for c in CLASSES])
    page.tables["areas_km2"] = table


def _compared(page: Page, one: Any, content: Mapping[str, Any]) -> None:
    report, titles = page.report, page.results.titles(one, content)
    report.begin("Agreement of maps")
    for pair in content.get("pairs") or []:
        first, second = (titles.get(str(pair[k]), str(pair[k])) for k in ("first", "second"))
        over = f"{pair['area_km2']:,.1f} km²" if "area_km2" in pair else f"{pair['n']:,} cells"
        report.text(
            f"{first} and {second} give the same class to {100 * pair['agreement']:.1f} % of {over} (kappa "
            f"{pair['kappa']:.3f}). Agreement is no accuracy: both may be wrong."
        )
    table = np.asarray(content.get("cross_table") or [[0]], float)
    if table.shape != (len(CLASSES), len(CLASSES)) or not page.drawings.wanted:
        return
    first, second = (titles.get(str(content[k]), str(content[k])) for k in ("first", "second"))
    panel = page.drawings.panel(
        f"cross_table_{_file(f'{first} {second}')}", f"Cross table of {first} and {second}", paper.matrix_panel, table,
        "% of the row", first, second,
    )  # fmt: skip
    page.figure(
        [panel], f"Classes of {first} (rows) and what {second} has in the same cells (columns), % of the row; "
        f"n = {content['n']:,} cells.",
    )  # fmt: skip


def _accuracy(page: Page) -> None:
    report, judged = page.report, page.results.judged
    report.section("Accuracy")
    report.text(words.best_map(page.results), "answer")
    held = [s for s in _SHORT if any(np.isfinite(j.score(s)[0]) for j in judged)]
    if page.drawings.wanted:
        _draw_accuracy(page, held)
    rows = [(SCORE_NAMES[s], *(words.with_interval(j.score(s)) for j in judged)) for s in held]
    rows.append(("Cells (n)", *(f"{j.n:,}" for j in judged)))
    rows.append(("Resampled for the intervals", *(j.units for j in judged)))
    rows.append(("Reference", *(j.reference for j in judged)))
    report.table(
        ("Score", *(j.title for j in judged)), rows, "Accuracy of the maps with 95 % intervals, against the reference "
        "named.",
    )  # fmt: skip
    import pandas as pd

    page.tables["accuracy"] = pd.DataFrame([
        {"map": j.title, "reference": j.reference, "score": s, **dict(zip(("value", "ci_low", "ci_high"), j.score(s),
         strict=True)), "n": j.n, "units": j.units} for j in judged for s in held
    ])  # fmt: skip
    page.tables["accuracy_by_class"] = pd.concat(
        [j.classes.rename_axis("lcz").reset_index().assign(map=j.title) for j in judged], ignore_index=True
    )  # fmt: skip


def _draw_accuracy(page: Page, held: list[str]) -> None:
    judged, drawings = page.results.judged, page.drawings
    there = [
        n
        for n in range(1, 18)
        if any(j.classes.loc[n, "n_reference"] for j in judged if n in j.classes.index)
    ]
    of_scores = {j.title: tuple(zip(*(j.score(s) for s in held), strict=True)) for j in judged}
    panels = [
        drawings.panel(
            "accuracy", "Scores of the maps with 95 % intervals; the table below has the numbers", paper.interval_panel,
            [_SHORT[s] for s in held], of_scores, "Scores", "value", limits=(0, 1), bars=True,
        )
    ]  # fmt: skip
    best = max(judged, key=lambda j: np.nan_to_num(j.score("oa")[0]))
    panels.append(drawings.panel(
        "confusion", f"Confusion matrix of {best.title}", paper.matrix_panel,
        np.asarray(best.content["confusion_matrix"]), f"{best.title}, % of the reference", "reference", best.title,
    ))  # fmt: skip
    names = [_row(n) for n in there]
    for score, title in (("pa", "Producer's accuracy"), ("ua", "User's accuracy")):
        of_class = {
            j.title: tuple(j.classes.reindex(there)[f"{score}{end}"] for end in ("", "_low", "_high")) for j in judged
        }  # fmt: skip
        counts = {
            tuple(j.classes.reindex(there)["n_reference" if score == "pa" else "n_predicted"]) for j in judged
        }  # fmt: skip
        same = next(iter(counts)) if len(counts) == 1 else ()  # of several maps each has its own
        notes = [f"{int(v):,}" if np.isfinite(v) else "" for v in same]
        panels.append(drawings.panel(
            f"accuracy_{score}", f"{title} of each class with 95 % intervals", paper.interval_panel, names, of_class,
            title, "share of cells", notes=notes, limits=(-0.02, 1.02),
        ))  # fmt: skip
    for j in judged:
        if j is not best:
            drawings.made[f"confusion_{_file(j.title)}"] = lambda j=j: paper.matrix_panel(
                np.asarray(j.content["confusion_matrix"]), f"{j.title}, % of the reference", "reference", j.title
            )  # fmt: skip
    page.figure(
        panels, "Accuracy of the maps, with 95 % intervals (lines): overall scores; the confusion matrix of "
        f"{best.title} (n = {best.n:,} cells), % of each reference class; producer's and user's accuracy of each "
        "class, at the right its number of cells where that is the same for all maps.",
    )  # fmt: skip


def _heat(page: Page, one: Warmth) -> None:
    report, table = page.report, one.classes
    report.text(worded(one.sentence()), "answer")
    key = _file(one.title)
    known = table[np.isfinite(table["difference"])].sort_values("difference", ascending=False)
    unit = one.counted.removeprefix("n_")
    if page.drawings.wanted and len(known):
        panels = [page.drawings.panel(
            key, f"{one.title}: difference of each zone; the table below has the numbers", paper.interval_panel,
            [_row(n) for n in known.index],
            {"difference": (known["difference"], known["ci_low"], known["ci_high"])}, one.title,
            f"difference to {one.content.get('reference')} (K)", colors=[CLASSES[n - 1].color for n in known.index],
            notes=[f"{int(n):,}" for n in known[one.counted]], zero=True,
        )]  # fmt: skip
        panels += _cycle(page, one, key)
        page.figure(
            panels, f"{one.title}: difference of the zones' temperatures to {one.content.get('reference')}, warmest "
            f"first, with {one.level} intervals (lines); at the right the number of {unit}.",
        )  # fmt: skip
    rows = [
        (
            _row(n), f"{int(r[one.counted]):,}", words.number(r["mean"], ".1f"),
            words.number(r["difference"], "+.2f"), _interval(r),
        )
        for n, r in table.iterrows()
    ]  # fmt: skip
    report.table(
        ("LCZ", unit.capitalize(), "Mean °C", "Difference K", f"{one.level} interval K"), rows,
        f"{one.title}: zones against {one.content.get('reference') or 'no reference'}.",
        [CLASSES[n - 1].color for n in table.index],
    )  # fmt: skip
    for note, rows_of in table[table["note"] != ""].groupby("note", sort=False):
        codes = ", ".join(CLASSES[int(n) - 1].code for n in rows_of.index)
        report.text(f"LCZ {codes}: {worded(str(note))}.", "small")
    page.tables[key] = table.reset_index()[
        ["lcz", one.counted, "mean", "difference", "ci_low", "ci_high", "note"]
    ]
    for text in one.cautions():
        report.text(worded(text), "warning")
    report_dates.fill(page, one, key)


def _cycle(page: Page, one: Warmth, key: str) -> list[Panel]:
    """The day of stations, where it was written."""
    import pandas as pd

    path = one.folder / "diurnal.csv"
    if not one.by_stations or not path.is_file():
        return []
    day = pd.read_csv(path)
    return [page.drawings.panel(
        f"{key}_day", "Difference of each zone through the day", paper.cycle_panel, day, "Through the day",
        f"difference to {one.content.get('reference')} (K)",
    )]  # fmt: skip


def _interval(row: pd.Series) -> str:
    """Of a zone's difference; the reference differs from itself by nothing."""
    same = row["note"] == "reference"
    return "–" if same else words.interval(row["ci_low"], row["ci_high"], "+.2f")


def _row(number: int) -> str:
    """A class beside a row: ``2 compact mid-rise``."""
    return CLASSES[number - 1].label.removeprefix("LCZ ")


def _largest(areas: pd.Series) -> str:
    return CLASSES[int(areas.idxmax()) - 1].label if areas.max() > 0 else "none"


def _km2(value: float) -> str:
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _file(title: str) -> str:
    """A title as the name of a file."""
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
