"""A study as a report, and as files to take away."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lczlib.analysis import SCORES, class_areas
from lczlib.analysis.words import SCORE_NAMES
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.export import staged, write_json, write_lcz_map, zip_folder
from lczlib.export.report import Report
from lczlib.jobs.heat_dates import (
    season_heads,
    season_notes,
    season_rows,
    season_table,
    season_title,
)
from lczlib.jobs.heat_words import cautions, grounds
from lczlib.kinds import TITLES, Kind, lcz_file
from lczlib.study.field_results import describe_field, field_figures, field_tables
from lczlib.study.get_inputs import NAMES
from lczlib.study.places import FETCHED
from lczlib.study.showing import as_shown
from lczlib.study.sources import read_of, report_sources
from lczlib.study.state import INPUTS, Study
from lczlib.study.steps import named_maps
from lczlib.study.water_results import (
    describe_water,
    water_figures,
    water_tables,
    write_water_maps,
)
from lczlib.study.wording import in_page
from lczlib.temporary import TemporaryFolder

_METHODS = (
    "Local Climate Zones after Stewart and Oke (2012, doi 10.1175/BAMS-D-11-00019.1) at 100 m. Each cell's class is "
    "the most probable of the 17 that a network gives the 32 x 32 pixels around it; a cell with less than half of its "
    "pixels valid has no class.",
    "Accuracy: scores are ratios of the counts of the confusion matrix; intervals (95 %) are of a bootstrap that draws "
    "whole polygons or blocks. OAw weighs confusions by the similarity of classes (Bechtel et al. 2017).",
    "Heat island: difference of the zones' temperatures to LCZ D; intervals rest on the spatial covariance of the "
    "residuals, or resample stations and blocks of days.",
)


def has_water(study: Study) -> bool:
    """Whether a study holds surface water to take away."""
    study = as_shown(study)
    return study.water is not None and study.water_summary is not None


def settings_of(study: Study) -> dict[str, Any]:
    """The inputs of a study as plain values; own files by their names only.

    What imagery could be asked for is none of them: of what was fetched its own record tells.
    """
    values = {}
    for name in (n for n in INPUTS if n not in NAMES.values()):
        value = getattr(study, name)
        if name.endswith("_files"):
            value = [Path(v).name for v in value]
        elif name == "result_folder":
            value = Path(value).name
        values[name] = list(value) if isinstance(value, tuple) else value
    return values


def figures_of(study: Study, folder: Path, ending: str = ".png") -> dict[str, Path]:
    """Write the figures of what a study holds; caption to path."""
    study = as_shown(study)
    from lczlib.figures import (
        class_accuracy_figure,
        confusion_figure,
        cross_table_figure,
        reliability_figure,
        save_figure,
    )
    from lczlib.figures.heat import class_boxes, diurnal_cycle, ranked_bars
    from lczlib.figures.heat_dates import dates_figure
    from lczlib.figures.lcz import lcz_figure

    found: dict[str, Path] = {}

    def save(figure: Any, name: str, caption: str) -> None:
        found[caption] = save_figure(figure, folder / f"{name}{ending}")

    for name, lcz in named_maps(study).items():
        path = folder / f"map_{name}{ending}"
        with staged(path) as temporary:
            lcz_figure(lcz, TITLES[name]).savefig(temporary, dpi=150)
        found[f"LCZ map: {TITLES[name]}"] = path
    if study.comparison is not None:
        first, second = (TITLES[n] for n in study.comparison.names)
        save(
            cross_table_figure(study.comparison, names=(first, second)),
            "cross_table",
            f"Cross table: {first} (rows), {second} (columns)",
        )
    if study.accuracy is not None:
        named = {TITLES[n]: a for n, a in study.accuracy.assessments.items()}
        save(
            class_accuracy_figure(named),
            "class_accuracy",
            "Producer's and user's accuracy with 95 % intervals",
        )
        for name, a in study.accuracy.assessments.items():
            save(
                confusion_figure(a.counts),
                f"confusion_{name}",
                f"Confusion matrix of {TITLES[name]}, % of the reference",
            )
        for name, c in study.accuracy.calibrations.items():
            save(
                reliability_figure(c),
                f"reliability_{name}",
                f"Reliability of {TITLES[name]}",
            )
    if study.heat is not None:
        result = study.heat.result
        known = bool(result.reference.classes)
        if known:
            save(
                ranked_bars(result.classes),
                "heat_island",
                f"{study.heat.kind.capitalize()} heat island by zone, {study.heat.level} intervals",
            )
        for season in study.heat.seasons:
            title = season_title(season)
            save(
                dates_figure(season, title),
                f"heat_dates_{season.key}",
                f"{study.heat.kind.capitalize()} heat island by date, {title}",
            )
        if study.heat.pixels:
            save(
                class_boxes(result.classes, result.reference_temperature),
                "heat_boxes",
                "Pixels of each zone against the reference" if known else "Pixels of each zone",
            )
        elif known:
            save(
                diurnal_cycle(result.diurnal),
                "diurnal_cycle",
                "Air temperature difference through the day",
            )
    if study.field is not None:
        found |= field_figures(study.field, folder, ending)
    if has_water(study):
        found |= water_figures(study.water_summary, folder, ending)
    return found


def tables_of(study: Study) -> dict[str, pd.DataFrame]:
    """The tables of what a study holds, by file name."""
    study = as_shown(study)
    found: dict[str, pd.DataFrame] = {}
    maps = named_maps(study)
    if maps:
        areas = pd.DataFrame({n: class_areas(m)["area_km2"] for n, m in maps.items()})
        areas.insert(0, "code", [c.code for c in CLASSES])
        areas.insert(1, "name", [c.name for c in CLASSES])
        found["areas_km2"] = areas.rename_axis("lcz").reset_index()
    if study.comparison is not None:
        found["comparison"] = study.comparison.classes.reset_index()
    if study.accuracy is not None:
        rows = []
        for name, a in study.accuracy.assessments.items():
            rows += [{"map": name, "score": s, "value": a.scores[s], "ci_low": a.intervals[f"{s}_ci"][0],
                      "ci_high": a.intervals[f"{s}_ci"][1], "n": a.n} for s in SCORES]  # fmt: skip
            found[f"accuracy_{name}"] = a.classes.reset_index()
        found["accuracy"] = pd.DataFrame(rows)
    if study.heat is not None:
        found[f"heat_island_{study.heat.kind}"] = study.heat.result.classes.reset_index()
        if study.heat.seasons:
            found[f"heat_island_{study.heat.kind}_seasons"] = season_table(study.heat.seasons)
    if study.field is not None:
        found |= field_tables(study.field)
    if has_water(study):
        found |= water_tables(study.water_summary)
    return found


def write_report(study: Study, path: str | Path, address: str = "") -> Path:
    """Write the report of a study as one HTML file.

    Raises
    ------
    InputError
        If there is nothing to report yet.
    """
    study = as_shown(study)
    if study.scene is None or not (named_maps(study) or has_water(study)):
        msg = "There is nothing to report yet: make or load a map first."
        raise InputError(msg)
    scene = study.scene
    report = Report(f"Local Climate Zones of {scene.place.name}", scene.place.kind, scene.simulated)
    with TemporaryFolder() as folder:
        figures = figures_of(study, folder)
        _describe(report, study, figures)
    report.section("Methods")
    for text in _METHODS:
        report.text(text)
    report_sources(report, study)
    report.section("Settings")
    report.settings(
        {
            k: json.dumps(v) if isinstance(v, (list, tuple)) else v
            for k, v in settings_of(study).items()
        }
    )
    if address:
        report.text(f"The same study in the dashboard: {address}", "small")
    report.section("Software")
    report.versions()
    return report.write(path)


def _describe(report: Report, study: Study, figures: Mapping[str, Path]) -> None:
    def put(*starts: str) -> None:
        for caption, path in figures.items():
            if caption.startswith(starts):
                report.figure(path, caption)

    if study.heat is not None:
        report.text(in_page(study.heat.sentence()), "answer")
    if study.others:
        others = ", ".join(study.others)
        report.text(f"Made with other settings than those below: {others}.", "warning")
    if named_maps(study):
        report.section("Maps")
        if study.maps is not None:
            for text in study.maps.warnings:
                report.text(in_page(text), "warning")
        put("LCZ map")
        areas = tables_of(study)["areas_km2"]
        columns = [c for c in areas if c not in ("lcz", "code", "name")]
        rows = [
            (f"{r['code']} {r['name']}", *(f"{r[c]:.2f}" for c in columns))
            for _, r in areas.iterrows()
            if r[columns].sum() > 0
        ]
        report.table(("class", *(TITLES[c] for c in columns)), rows, "Area by class, km²")
    if study.comparison is not None:
        report.section("Comparison")
        c = study.comparison
        report.text(
            f"{TITLES[c.names[0]]} and {TITLES[c.names[1]]} give the same class to "
            f"{100 * c.agreement:.1f} % of {c.n:,} cells (kappa {c.kappa:.3f}). Agreement is no accuracy."
        )
        put("Cross table")
    if study.accuracy is not None:
        report.section("Accuracy")
        found = study.accuracy.assessments
        report.text(
            f"Against {study.accuracy.source} ({study.accuracy.kind}); intervals of 95 % over "
            f"{next(iter(found.values())).method['unit']}s."
        )
        rows = [
            (
                SCORE_NAMES[s],
                *(
                    f"{a.scores[s]:.3f} ({_interval(a.intervals[f'{s}_ci'])})"
                    for a in found.values()
                ),
            )
            for s in SCORES
        ]
        rows.append(("cells (n)", *(f"{a.n:,}" for a in found.values())))
        report.table(("score", *(TITLES[n] for n in found)), rows)
        put("Producer", "Confusion", "Reliability")
    if study.heat is not None:
        report.section("Heat island")
        table = study.heat.result.classes.reset_index()
        count = study.heat.counted[0]
        rows = []
        for _, r in table.iterrows():
            zone = CLASSES[int(r["lcz"]) - 1]
            difference = "–" if np.isnan(r["difference"]) else f"{r['difference']:+.2f}"
            rows.append(
                (
                    f"{zone.code} {zone.name}", f"{int(r[count]):,}", f"{r['mean']:.1f}", difference,
                    _interval((r["ci_low"], r["ci_high"])), r["note"],
                )
            )  # fmt: skip
        heads = (
            "zone", count[2:], "mean °C", "difference K", f"{study.heat.level} interval", "note",
        )  # fmt: skip
        report.table(heads, rows)
        if study.heat.pixels:
            report.text(grounds(study.heat.result))
        for text in filter(None, (*cautions(study.heat.result), study.heat.doubt)):
            report.text(in_page(text), "warning")
        for season in study.heat.seasons:
            report.text(f"{season_title(season)}. {' '.join(map(in_page, season_notes(season)))}")
            report.table(season_heads(season, study.heat.level), season_rows(season))
        put(f"{study.heat.kind.capitalize()} heat", "Pixels of", "Air temperature")
    if study.field is not None:
        describe_field(report, study.field, figures)
    if has_water(study):
        describe_water(report, study.water_summary, figures)


def _interval(bounds: tuple[float, float]) -> str:
    low, high = bounds
    return "–" if not (np.isfinite(low) and np.isfinite(high)) else f"{low:.3g} to {high:.3g}"


def write_bundle(study: Study, path: str | Path, address: str = "") -> Path:
    """Everything of a study as one zip: GeoTIFF, CSV, PNG and SVG figures, report, manifest."""
    study = as_shown(study)
    with TemporaryFolder() as base:
        if study.maps is not None:
            for file in sorted(study.maps.folder.glob("*")):
                if file.is_file():
                    shutil.copy(file, base / file.name)
        for name in (Kind.REFERENCE, Kind.OWN, Kind.GLOBAL):
            if name in (maps := named_maps(study)):
                write_lcz_map(base / lcz_file(name), maps[name])
        place = study.scene.place
        if place.key.startswith(f"{FETCHED}:") and place.folder is not None:
            shutil.copy(place.folder / "item.json", base / "item.json")
        for name, table in tables_of(study).items():
            table.to_csv(base / f"{name}.csv", index=False)
        if study.field is not None:
            study.field.write(base / "field", figures=False)
        if has_water(study):
            write_water_maps(study.water_summary, base / "water")
        figures_of(study, base / "figures", ".png")
        figures_of(study, base / "figures", ".svg")
        write_json(
            base / "settings.json",
            {
                "settings": settings_of(study),
                "address": address,
                "read": [r.to_dict() for r in read_of(study)],
            },
        )
        write_report(study, base / "report.html", address)
        return zip_folder(base, path)


def write_water_zip(study: Study, path: str | Path) -> Path:
    """The GeoTIFFs of a study's surface water as one zip."""
    study = as_shown(study)
    with TemporaryFolder() as folder:
        write_water_maps(study.water_summary, folder)
        return zip_folder(folder, path)


def write_field_zip(study: Study, path: str | Path) -> Path:
    """The files of a study's field of air temperature, as the command writes them, as one zip."""
    study = as_shown(study)
    with TemporaryFolder() as folder:
        study.field.write(folder, figures=False)
        return zip_folder(folder, path)
