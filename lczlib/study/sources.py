"""What a study was made from, for its report: what was read, networks, licences, citations."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lczlib import catalog
from lczlib.reading import Reading
from lczlib.study.acquisition import imagery_in_words
from lczlib.study.places import FETCHED
from lczlib.study.published import said_of
from lczlib.study.wording import in_page

if TYPE_CHECKING:
    from lczlib.export.report import Report
    from lczlib.study.state import Study


def read_of(study: Study) -> list[Reading]:
    """What the steps of a study read, each file once, with the names that settings have on the pages."""
    heard: list[Reading] = []
    told: list[Reading] = []
    for step, found in study.read.items():
        for reading in found:
            if reading not in heard:
                heard.append(reading)
                told.append(reading.changed(partial(in_page, step=step)))
    return told


def report_sources(report: Report, study: Study) -> None:
    """The sections of a report on what was read, and on data, networks and citations."""
    heard = read_of(study)
    if heard:
        report.section("What was read")
        for reading in heard:
            report.text(str(reading))
            for text in reading.cautions:
                report.text(text, "warning")
    report.section("Data, networks, citations")
    if study.maps is not None:
        manifest = study.maps.manifest
        rows = [
            (w["name"], w["licence"], w["citation"], w["sha256"][:12]) for w in manifest["weights"]
        ]
        report.table(("network", "licence", "citation", "SHA-256"), rows)
        report.table(
            ("input", "SHA-256"),
            [(Path(i["path"]).name, i["sha256"][:12]) for i in manifest["inputs"]],
        )
    if study.published is not None:
        report.text(said_of(study.published))
    place = study.scene.place
    key = place.key
    if key.startswith(f"{FETCHED}:") and place.folder is not None:
        for text in imagery_in_words(place.folder):
            report.text(text)
    if key.startswith("scene:"):
        entry = catalog.entry(key.removeprefix("scene:"), "scenes")
        report.text(f"Scene: {entry.title}. {entry.citation} Licence: {entry.licence}.")
