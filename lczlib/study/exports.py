"""A study's maps for other software, as files to take away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lczlib.errors import LczError
from lczlib.export import zip_folder
from lczlib.jobs.export import ExportRequest, run
from lczlib.jobs.export_request import taken_by
from lczlib.kinds import TITLES, proba_file
from lczlib.reading import quiet
from lczlib.study.export_inputs import NAMES, ExportInputs
from lczlib.study.settings import told
from lczlib.study.showing import as_shown
from lczlib.study.state import Study, message_of
from lczlib.study.steps import named_maps
from lczlib.study.wording import in_page
from lczlib.temporary import TemporaryFolder

WRITTEN = ("qgis", "gpkg", "netcdf", "kmz", "umep", "suews")
"""The targets that need nothing but a map."""
_WITH = {"districts": "polygon_files", "stac": "export_date", "wrf": "geo_em_files"}
"""The others, and the setting of the study without which each is not written."""


def targets(study: Study) -> tuple[str, ...]:
    """The targets that a study's maps are written for, by what was given."""
    return (*WRITTEN, *(name for name, needed in _WITH.items() if getattr(study, needed)))


def request_of(study: Study, target: str, lcz: Any, probabilities: Path | None) -> ExportRequest:
    """What ``lcz export`` is told for a map of a study.

    Raises
    ------
    InputError
        If a setting is none that the target takes.
    """
    given: dict[str, Any] = told(study, ExportRequest, NAMES, ExportInputs)  # type: ignore[arg-type]
    for name, called in NAMES.items():
        if called.endswith("_files") and getattr(study, called):
            given[name] = getattr(study, called)[-1]
    of_target = {n: v for n, v in given.items() if n in taken_by(target)}
    return ExportRequest(map_path=lcz, to=target, probabilities=probabilities, **of_target)


def write_exports(study: Study, path: str | Path) -> Path:
    """Write each map of a study for each of its `targets` as one zip, a folder a map and target.

    ``read-me.txt`` in it says what will fail, be lost or is to be set in each, and why a target is left out.
    """
    asked = study
    study = as_shown(study)
    with TemporaryFolder() as base, quiet():
        lines = []
        for name, lcz in named_maps(study).items():
            lines += [TITLES[name], "=" * len(TITLES[name]), ""]
            for target in targets(asked):
                try:
                    proba = _beside(study, name) if target in ("gpkg", "netcdf") else None
                    result = run(request_of(asked, target, lcz, proba))
                    result.write(base / name / target)
                    said = [f"- {in_page(f.text, 'exports')}" for f in result.findings]
                except LczError as error:
                    said = [f"- Left out: {in_page(message_of(error), 'exports')}"]
                lines += [f"{target}:", *(said or ["- Nothing is known to fail."]), ""]
        (base / "read-me.txt").write_text("\n".join(lines), encoding="utf-8")
        return zip_folder(base, path)


def _beside(study: Study, name: str) -> Path | None:
    """The class probabilities of a map that the study made."""
    if study.maps is None or name not in study.maps.kinds:
        return None
    path = study.maps.folder / proba_file(name)
    return path if path.is_file() else None
