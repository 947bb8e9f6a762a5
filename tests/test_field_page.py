"""The section of the heat island's page with the field of air temperature: asked for, shown, judged, refused."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from event_loops import run_apart
from field_city import City, simulated

pn = pytest.importorskip("panel")

from bokeh.document import Document  # noqa: E402 - after the check that it is installed
from panel.io.state import set_curdoc  # noqa: E402

from app.pages.heat import HeatPage  # noqa: E402
from app.pages.heat_field import MODEL  # noqa: E402
from app.parts.messages import banner  # noqa: E402
from app.session import Session  # noqa: E402
from lczlib.errors import LczError  # noqa: E402
from lczlib.jobs.field_words import VALIDATION_HEADS, validation_rows  # noqa: E402
from lczlib.study.document import tables_of, write_field_zip, write_report  # noqa: E402
from lczlib.study.field_inputs import FieldInputs  # noqa: E402
from lczlib.study.wording import in_page  # noqa: E402
from lczlib.texts import unbroken  # noqa: E402


@pytest.fixture(scope="module")
def city() -> City:
    return simulated(24, 5, days=3, size=50)


@pytest.fixture(scope="module")
def folder(city: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return city.write(tmp_path_factory.mktemp("city"))


def page_of(folder: Path, *, field: bool = True, **more: Any) -> HeatPage:
    """The page with own files; its field computed, or the reason told, as the button does it."""

    async def made() -> HeatPage:
        doc = Document()
        with set_curdoc(doc):
            session = Session(doc)
            study = session.study
            told = {
                "city": "own", "map_files": (str(folder / "map.tif"),), "heat_map": "own",
                "station_files": (str(folder / "air.csv"),), "heat_kind": "canopy", "heat_time_zone": "UTC",
                "field_hours": "night",
            }  # fmt: skip
            study.param.update(told | more)
            for step in ("scene", "own_map"):
                study.compute(step)
            page = HeatPage(session)
            if field:
                ticket = study.start("field")
                try:
                    value = ticket.run()
                except LczError as error:
                    study.fail(ticket, error)
                else:
                    study.finish(ticket, value)
            return page

    return run_apart(made())


def cells(markup: str) -> list[list[str]]:
    """Rows of a table, its head first."""
    return [
        [unescape(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", markup)
    ]


@pytest.fixture(scope="module")
def page(folder: Path) -> HeatPage:
    return page_of(folder)


def test_the_section_belongs_to_stations_and_waits_to_be_asked(folder):
    page = page_of(folder, field=False)
    section, study = page.field, page._session.study
    assert page.content[-1] is section.content
    assert section.content.visible
    assert not section._run.disabled
    assert not section._found.visible
    assert not study.wanting("field", by_itself=True)
    study.heat_kind = "surface"
    assert not section.content.visible


def test_the_section_judges_the_field_first_and_shows_it(page, city):
    section, found = page.field, page._session.study.field
    said = unescape(section._answer.object)
    assert found.headline() in said
    assert "times the error of ordinary kriging, 95%" in said
    heads, *rows = cells(section._scores.object)
    assert tuple(heads) == VALIDATION_HEADS
    assert [tuple(row) for row in rows] == validation_rows(found)
    assert {row[1] for row in rows} == {
        "kriging with zones",
        "ordinary kriging",
        "mean of the stations",
    }
    assert section._found.visible
    zones = {row[0].split()[0]: row for row in cells(section._zones.object)[1:]}
    masked = found.areas[found.areas["n_stations"] == 0]
    assert len(masked)
    assert {code for code, row in zones.items() if row[-1] == "masked"} == set(masked["code"])
    for lcz, row in masked.iterrows():
        hectares = int((city.lcz.to_numpy() == lcz).sum())
        assert zones[row["code"]][2] == f"{hectares / 100:,.1f}"
    notes = unescape(section._notes.object)
    for text in (*found.cautions(), *found.notes()):
        assert in_page(text, "field") in notes
    assert "--" not in notes
    assert section._dots.object is not None


def test_stations_lie_on_the_map_in_its_colours(page, monkeypatch):
    section, found = page.field, page._session.study.field
    session = page._session
    monkeypatch.setattr(session, "latest", lambda _, work, done: done(work()))
    section._draw()
    shown = section._stations.data
    means = found.fitted.table()
    np.testing.assert_allclose(shown["value"], means["temperature"])
    assert list(shown["zone"]) == list(means["code"])
    mapper = section._map.value_mapper
    assert mapper.low <= means["temperature"].min() < means["temperature"].max() <= mapper.high
    (image,) = section._map.values.data["image"]
    known = found.temperature.to_numpy()
    assert np.nanmin(image) == pytest.approx(np.nanmin(known), abs=0.5)
    for axis, size in (("x", "dw"), ("y", "dh")):  # stations lie on the picture
        low, extent = section._map.values.data[axis][0], section._map.values.data[size][0]
        assert low < np.min(shown[axis]) < np.max(shown[axis]) < low + extent
    section._layer.value = [*section._layer.options.values()][1]
    assert np.isnan(section._stations.data["value"]).all()
    assert section._map.value_mapper.low == 0
    assert section._map._bar.title == "standard error (K)"


def test_a_refusal_is_told_in_the_words_of_the_page(folder):
    page = page_of(folder, field_start="2030-01-01")
    study = page._session.study
    assert study.field is None
    assert not page.field._found.visible
    assert "field" in page.needs
    said = unescape(banner(study, page.needs))
    assert "has no values from 2030-01-01" in said
    assert "“Air temperature everywhere: First day”" in said
    assert "--" not in said
    study.field_start = ""
    assert "2030" not in banner(study, page.needs)


def test_another_setting_marks_the_field_as_of_others(folder):
    page = page_of(folder)
    study = page._session.study
    study.field_hours = "day"
    assert "This field of air temperature was made with other settings" in banner(study, page.needs)
    study.field_hours = "night"
    assert "other settings" not in banner(study, page.needs)


def test_report_tables_and_files_hold_the_field(page, tmp_path):
    study, found = page._session.study, page._session.study.field
    report = unescape(write_report(study, tmp_path / "report.html").read_text())
    assert "<h2>Air temperature everywhere</h2>" in report
    assert unbroken(found.headline()) in report
    for row in found.validation.scores.query("design == 'station'").itertuples():
        assert f">{row.rmse:.2f}</td>" in report
        assert f"{row.rmse_low:.2f} to {row.rmse_high:.2f}" in report
    for text in found.cautions():
        assert unbroken(in_page(text, "field")) in report
    for caption in ("and its standard error", "Each station predicted without itself"):
        assert caption in report
    tables = tables_of(study)
    assert tables["field_cross_validation"].equals(found.to_dataframe())
    from zipfile import ZipFile

    with ZipFile(write_field_zip(study, tmp_path / "field.zip")) as made:
        names = set(made.namelist())
    assert {"field.tif", "standard_error.tif", "cross_validation.json", "manifest.json"} <= names


def test_every_setting_of_the_field_stands_in_its_section():
    assert {"field_hours", *MODEL} == {
        n for n in FieldInputs.param if n != "name" and not n.endswith("_files")
    }
