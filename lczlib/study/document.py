"""A study as a report, and as files to take away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lczlib.analysis import SCORES, class_areas
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.export import write_json, zip_folder
from lczlib.jobs.heat_dates import season_table
from lczlib.reading import quiet
from lczlib.study.field_results import field_tables
from lczlib.study.get_inputs import NAMES
from lczlib.study.showing import as_shown
from lczlib.study.sources import read_of
from lczlib.study.state import INPUTS, Study
from lczlib.study.steps import named_maps
from lczlib.study.taken import write_results
from lczlib.study.water_results import water_tables, write_water_maps
from lczlib.temporary import TemporaryFolder

if TYPE_CHECKING:
    from lczlib.jobs.report import ReportResult


def has_water(study: Study) -> bool:
    """Whether a study holds surface water to take away."""
    study = as_shown(study)
    return study.water is not None and study.water_summary is not None


def settings_of(study: Study) -> dict[str, Any]:
    """The inputs of a study as plain values; own files by their names only.

    What imagery could be asked for is none of them: of what was fetched its own record tells. Nor is what was drawn,
    until it is made a reference.
    """
    values = {}
    for name in (n for n in INPUTS if n not in (*NAMES.values(), "drawn")):
        value = getattr(study, name)
        if name.endswith("_files"):
            value = [Path(v).name for v in value]
        elif name == "result_folder":
            value = Path(value).name
        values[name] = list(value) if isinstance(value, tuple) else value
    return values


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
    for choice, heat in study.heats.items():
        name = f"heat_island_{'canopy_rasters' if choice == 'air' else heat.kind}"
        found[name] = heat.result.classes.reset_index()
        if heat.seasons:
            found[f"{name}_seasons"] = season_table(heat.seasons)
    if study.field is not None:
        found |= field_tables(study.field)
    if has_water(study):
        found |= water_tables(study.water_summary)
    return found


def report_of(study: Study, folder: Path, *, title: str = "", author: str = "") -> ReportResult:
    """The report of a study, of its results, which are written as the commands write them.

    Parameters
    ----------
    study : Study
        As it is shown.
    folder : Path
        Gets the results, in ``results``.
    title, author : str
        Of the report; the title names the place where it is empty.

    Raises
    ------
    InputError
        If there is nothing to report yet.
    """
    from lczlib.jobs.report import ReportRequest, run
    from lczlib.jobs.report_results import RESULTS

    study = as_shown(study)
    if study.scene is None or not (named_maps(study) or has_water(study)):
        msg = "There is nothing to report yet: make or load a map first."
        raise InputError(msg)
    with quiet():  # of its own results this project knows all
        results = write_results(study, folder / RESULTS)
        request = ReportRequest(
            results=tuple(results), author=author.strip(),
            title=title.strip() or f"Local Climate Zones of {study.scene.place.name}",
        )  # fmt: skip
        return replace(run(request), simulated=study.scene.simulated)


def write_report(study: Study, path: str | Path, *, title: str = "", author: str = "") -> Path:
    """Write the report of a study as one HTML file; see `report_of`."""
    with TemporaryFolder() as base:
        page = report_of(study, base, title=title, author=author).page()
        return page.report.write(path)


def write_bundle(
    study: Study, path: str | Path, address: str = "", *, title: str = "", author: str = ""
) -> Path:
    """Everything of a study as one zip: the report, its figures and tables, the results, and how to make them again.

    ``settings.json`` holds the study's settings, and the address that opens it in the dashboard.
    """
    study = as_shown(study)
    with TemporaryFolder() as base:
        result = report_of(study, base, title=title, author=author)
        with quiet():
            result.write(base)
        write_json(
            base / "settings.json",
            {
                "settings": settings_of(study),
                "address": address,
                "read": [r.to_dict() for r in read_of(study)],
            },
        )
        return zip_folder(base, path)


def write_figures(study: Study, path: str | Path, ending: str = ".png") -> Path:
    """The figures of a study's report as one zip of PNG, SVG or PDF."""
    with TemporaryFolder() as base:
        page = report_of(study, base).page()
        page.drawings.write(base / "figures", (ending,))
        return zip_folder(base / "figures", path)


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
