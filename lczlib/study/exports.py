"""A study's maps for other software, as files to take away."""

from __future__ import annotations

from pathlib import Path

from lczlib.errors import LczError
from lczlib.export import zip_folder
from lczlib.jobs.export import ExportRequest, run
from lczlib.kinds import TITLES, proba_file
from lczlib.reading import quiet
from lczlib.study.showing import as_shown
from lczlib.study.state import Study, message_of
from lczlib.study.steps import named_maps
from lczlib.temporary import TemporaryFolder
from lczlib.terms import worded

WRITTEN = ("qgis", "gpkg", "netcdf", "kmz", "umep", "suews")
"""The targets that need nothing but a map."""


def write_exports(study: Study, path: str | Path) -> Path:
    """Write each map of a study for each of :data:`WRITTEN` as one zip, a folder a map and target.

    ``read-me.txt`` in it says what will fail, be lost or is to be set in each, and why a target is left out.
    """
    study = as_shown(study)
    with TemporaryFolder() as base, quiet():
        lines = []
        for name, lcz in named_maps(study).items():
            lines += [TITLES[name], "=" * len(TITLES[name]), ""]
            for target in WRITTEN:
                try:
                    proba = _beside(study, name) if target in ("gpkg", "netcdf") else None
                    result = run(ExportRequest(map_path=lcz, to=target, probabilities=proba))
                    result.write(base / name / target)
                    said = [f"- {worded(f.text)}" for f in result.findings]
                except LczError as error:
                    said = [f"- Left out: {worded(message_of(error))}"]
                lines += [f"{target}:", *(said or ["- Nothing is known to fail."]), ""]
        (base / "read-me.txt").write_text("\n".join(lines), encoding="utf-8")
        return zip_folder(base, path)


def _beside(study: Study, name: str) -> Path | None:
    """The class probabilities of a map that the study made."""
    if study.maps is None or name not in study.maps.kinds:
        return None
    path = study.maps.folder / proba_file(name)
    return path if path.is_file() else None
