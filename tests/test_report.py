"""The report: one page of results, equal from dashboard and command line, and made again by its script."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_city import simulated, studied

from lczlib.errors import ClassSchemeError, InputError
from lczlib.export.bibliography import entry, in_words, stated
from lczlib.export.files import sha256_of
from lczlib.export.report import Panel, Report
from lczlib.figures import paper
from lczlib.jobs import report as job
from lczlib.jobs.report_results import Judged, Results
from lczlib.jobs.report_summary import best_map, extent, interval, number
from lczlib.maps import open_lcz_map
from lczlib.study.document import write_bundle, write_report
from lczlib.texts import unbroken

TITLE, AUTHOR = "Zones of a 'made-up' city", "A. Author & B. Author"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return studied(folder, simulated(folder / "in"))


@pytest.fixture(scope="module")
def bundle(study, tmp_path_factory) -> Path:
    """All files of the study, as the Share page gives them."""
    folder = tmp_path_factory.mktemp("taken")
    path = write_bundle(
        study, folder / "all.zip", "http://localhost/?city=x", title=TITLE, author=AUTHOR
    )
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "all")
    return folder / "all"


class Tags(HTMLParser):
    """The tags of a page, with what they are told."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.found if t == tag]


def test_dashboard_and_command_line_make_the_same_page(bundle, tmp_path, run_lcz):
    again = json.loads((bundle / "manifest.json").read_text())["parameters"]["results"]
    sources = [bundle / name for name in again]
    assert all(s.exists() for s in sources)
    code, text, error = run_lcz(
        "report", *sources, "--title", TITLE, "--author", AUTHOR, "--out", tmp_path / "out"
    )
    assert code == 0, error
    page = (tmp_path / "out/report.html").read_text()
    # who computes it takes no part: only that the scenes are simulated is the study's to know
    ours = re.sub(
        r'<p class="warning" role="note">Simulated.*?</p>\n',
        "",
        (bundle / "report.html").read_text(),
    )
    assert page == ours
    for name in ("tables", "figures"):
        own, other = ({p.name for p in (f / name).iterdir()} for f in (bundle, tmp_path / "out"))
        assert own == other
        assert own
    for table in (bundle / "tables").iterdir():
        assert table.read_bytes() == (tmp_path / "out/tables" / table.name).read_bytes()
    assert "1 assessment, 2 heat islands" in text


def test_the_script_makes_all_results_again(bundle, study, tmp_path):
    """Labels, scores and differences are those of the first run."""
    command = tmp_path / "lcz"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lczlib "$@"\n')
    command.chmod(0o755)
    inputs = study.scene.place.folder
    done = subprocess.run(
        ["sh", bundle / "rerun.sh", inputs, tmp_path / "again"], capture_output=True, text=True,
        env={**os.environ, "LCZ": str(command), "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = {p.parent.name for p in (bundle / "results").glob("*/manifest.json")}
    assert names == {"accuracy_own", "compared_own_reference", "heat_surface", "heat_canopy"}
    for name in names:
        for path in (bundle / "results" / name).iterdir():
            new = tmp_path / "again/results" / name / path.name
            if path.suffix == ".csv":
                assert path.read_bytes() == new.read_bytes(), path
            elif path.name == "differences.tif":
                import rasterio

                with rasterio.open(path) as a, rasterio.open(new) as b:
                    np.testing.assert_array_equal(a.read(1), b.read(1))
    for name, file in (("accuracy_own", "assessment"), ("heat_surface", "heat_island")):
        old, new = (
            json.loads((f / "results" / name / f"{file}.json").read_text()) for f in (bundle, tmp_path / "again")
        )  # fmt: skip
        assert old["classes"] == new["classes"]
    numbers = [
        re.findall(r"<td[^>]*>[−+\d.,–() to]+</td>", (f / "report.html").read_text())
        for f in (bundle, tmp_path / "again")
    ]  # fmt: skip
    assert numbers[0] == numbers[1]
    assert len(numbers[0]) > 100


def test_the_page_says_what_the_results_hold(bundle, study):
    page = unescape((bundle / "report.html").read_text())
    found = study.accuracy.assessments["own"]
    low, high = (100 * v for v in found.intervals["oa_ci"])
    assert (
        unbroken(
            f"Uploaded map has the right class in {100 * found.scores['oa']:.1f} % of the {found.n:,} cells"
        )
        in page
    )
    assert unbroken(f"95 % interval {low:.1f} to {high:.1f} %") in page
    for choice, heat in study.heats().items():
        assert unbroken(heat.sentence()) in page, choice
        table = heat.result.classes
        row = table.loc[6]
        assert f"<td>{number(row['difference'], '+.2f')}</td>" in page
        assert f"<td>{interval(row['ci_low'], row['ci_high'], '+.2f')}</td>" in page
    assert "Surface heat island by zone</h2>" in page
    assert "Canopy heat island by zone</h2>" in page
    areas = pd.read_csv(bundle / "tables/areas_km2.csv").set_index("lcz")
    lcz = open_lcz_map(bundle / "results/own_lcz.tif", scheme="1-17")
    assert areas.loc[6, "Uploaded map"] == pytest.approx((lcz.values == 6).sum() / 100)
    assert "Accuracy was assessed on" in page
    assert "in 200 draws with seed 0" in page


def test_the_page_is_one_file_with_numbered_parts_for_every_reader(bundle):
    text = (bundle / "report.html").read_text()
    tags = Tags(text)
    assert len(tags.of("h1")) == len(tags.of("main")) == 1
    assert all(a.get("alt") for a in tags.of("img"))
    assert all(a.get("aria-label") for _, a in tags.found if a.get("role") == "img")
    assert {a.get("scope") for a in tags.of("th")} == {"col", "row"}
    for kind in ("Figure", "Table"):
        numbers = [int(n) for n in re.findall(rf"<b>{kind} (\d+)\.</b>", text)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= 4
    ids = [a["id"] for _, a in tags.found if a.get("id")]
    assert len(ids) == len(set(ids))
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert "<script" not in text
    assert "A. Author &amp; B. Author" in text
    refs = {int(n) for n in re.findall(r'href="#ref-(\d+)"', text)}
    assert refs == set(range(1, len(re.findall(r'<li id="ref-', text)) + 1))


def test_nothing_taken_away_tells_of_the_machine(bundle, study):
    home = "/".join(study.context.work.parent.parts[-2:])  # also of ways that begin at a result
    for path in [
        p for p in bundle.rglob("*") if p.suffix in (".json", ".html", ".md", ".csv", ".sh")
    ]:
        text = path.read_text()
        assert home not in text, path
        assert str(bundle) not in text, path


def test_each_kind_of_heat_stays_until_something_of_its_own_changes(study):
    assert list(study.heats()) == ["surface", "canopy"]
    before = study.heat_interior
    study.heat_interior = 2  # of pixels alone
    assert list(study.heats()) == ["canopy"]
    study.heat_interior = before
    assert list(study.heats()) == ["surface", "canopy"]
    study.heat_map = "reference"
    assert list(study.heats()) == []
    study.heat_map = "own"


def test_without_figures_the_page_has_none(bundle, tmp_path):
    request = job.ReportRequest(results=(bundle / "results/heat_surface",))
    out = job.run(request).write(tmp_path / "out", figures=False)
    assert "<figure" not in (out / "report.html").read_text()
    assert not (out / "figures").exists()


def test_a_bundle_holds_its_results_and_is_packed_beside(bundle, tmp_path):
    request = job.ReportRequest(results=(bundle / "results/heat_canopy",), bundle=True)
    job.run(request).write(tmp_path / "out", figures=False)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        names = set(archive.namelist())
    assert {
        "report.html",
        "rerun.sh",
        "manifest.json",
        "results/heat_canopy/heat_island.json",
    } <= names


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nowhere", "nowhere does not exist: check the path"),
        ("empty", "empty holds no result with its manifest.json: give folders that lcz map"),
        ("text.txt", "text.txt is no manifest of a result: it lacks"),
    ],
)
def test_what_is_no_result_is_refused_with_what_to_give(name, why, tmp_path, run_lcz):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("{}")
    code, _, error = run_lcz("report", tmp_path / name, "--out", tmp_path / "out")
    assert code == 1
    assert why in error
    assert not (tmp_path / "out").exists()


def test_what_changed_since_is_not_reported(bundle, tmp_path):
    import shutil

    folder = shutil.copytree(bundle / "results/accuracy_own", tmp_path / "accuracy_own")
    path = folder / "assessment.json"
    path.write_text(path.read_text().replace('"oa":', '"oa_of_old":'))
    with pytest.warns(UserWarning, match="changed since"):
        found = Results.of([folder])
    assert found.judged == []


def test_a_map_of_another_numbering_is_read_as_it_is(write_tif, tmp_path):
    codes = np.repeat(np.uint8([2, 6, 101, 107]), 25).reshape(10, 10)
    path = write_tif(codes, "city's map.tif", pixel=100)
    job.run(job.ReportRequest(results=(path,), bundle=True)).write(tmp_path / "out")
    table = pd.read_csv(tmp_path / "out/tables/areas_km2.csv", index_col="code")["city's map"]
    assert table[table > 0].to_dict() == {"2": 0.25, "6": 0.25, "A": 0.25, "G": 0.25}


def test_maps_of_other_extents_are_each_told(write_tif):
    codes = np.full((10, 10), 6, np.uint8)
    paths = (
        write_tif(codes, "a.tif", pixel=100),
        write_tif(codes, "b.tif", pixel=100),
        write_tif(codes, "c.tif", pixel=50),
    )
    maps = job.run(job.ReportRequest(results=paths, scheme=("1-17",))).found.maps
    assert extent(maps) == (
        "a and b 1.0 × 1.0 km in cells of 100 m (EPSG:32633); c 0.5 × 0.5 km in cells of 50 m (EPSG:32633)."
    )
    del maps["c"]
    assert extent(maps) == "1.0 × 1.0 km in cells of 100 m (EPSG:32633)."


def test_what_is_said_of_a_map_is_for_it_and_stands_in_the_script(write_tif, tmp_path):
    codes = np.repeat(np.uint8([1, 16]), 50).reshape(10, 10)
    paths = tuple(write_tif(codes, f"{n}.tif", pixel=100) for n in ("a", "b"))
    request = job.ReportRequest(results=paths, scheme=("a=0-16", "b=1-17"))
    found = job.run(request)
    assert [set(np.unique(m)) for m in found.found.maps.values()] == [{2, 17}, {1, 16}]
    found.write(tmp_path / "out")
    assert "--scheme a=0-16 --scheme b=1-17" in (tmp_path / "out/rerun.sh").read_text()
    page = unescape((tmp_path / "out/report.html").read_text())
    assert "lcz report a.tif b.tif --scheme a=0-16 --scheme b=1-17 --out DIR" in page
    assert "LCZ map a.tif: numbering 0-16 as stated" in page
    table = pd.read_csv(tmp_path / "out/tables/inputs.csv")
    assert [*table["file"]] == ["a.tif", "b.tif"]
    assert [*table["sha256"]] == [sha256_of(p) for p in paths]
    with pytest.raises(ClassSchemeError, match=r"ambiguous.*--scheme b=1-17"):
        job.run(job.ReportRequest(results=paths, scheme=("a=0-16",)))


def test_maps_without_a_class_and_what_is_not_there_are_refused(write_tif, tmp_path):
    empty = write_tif(np.zeros((5, 5), np.uint8), "empty.tif", pixel=100)
    with pytest.raises(InputError, match=r"empty.tif has no cell with a class"):
        job.run(job.ReportRequest(results=(empty,)))
    for name in ("gone.tif", "gone"):
        with pytest.raises(InputError, match=r"gone.* does not exist"):
            job.run(job.ReportRequest(results=(tmp_path / name,)))


def judged(
    title: str, oa: float, low: float | None, high: float | None, reference: str = "r.gpkg"
) -> Judged:
    return Judged(title, {"n": 100, "oa": oa, "oa_ci": [low, high], "classes": []}, reference)


def of(*found: Judged) -> Results:
    results = Results(())
    results.__dict__["judged"] = list(found)  # as if read
    return results


def test_maps_judged_by_different_references_are_not_ranked_with_each_other():
    text = best_map(of(judged("A", 0.7, 0.6, 0.8), judged("B", 0.9, 0.85, 0.95, "other.tif")))
    assert "next" not in text
    assert "Against r.gpkg: A has the right class in 70.0 %" in text
    assert "Against other.tif: B has" in text


def test_numbers_are_written_as_papers_do():
    assert number(-0.004, "+.2f") == "+0.00"
    assert number(-0.004, ".2f") == "0.00"
    assert number(-1.5, "+.1f") == "−1.5"
    assert number(np.nan, ".1f") == "–"
    assert interval(-1, 2, "+.1f") == "−1.0 to +2.0"


def test_references_are_read_from_bibtex():
    said = in_words(entry("mueller2022"))
    assert said.startswith(
        "Müller, Sebastian; Schüler, Lennart; Zech, Alraune; Heße, Falk (2022). GSTools v1.3"
    )
    assert said.endswith("doi:10.5194/gmd-15-3161-2022.")
    weights = stated(
        "w", "Weights & more", "Qiu et al. 2020, doi 10.1109/x.y", "https://example.org/w.h5"
    )
    assert in_words(weights) == "Weights & more. Qiu et al. 2020, doi 10.1109/x.y"


def test_figures_are_the_same_bytes_each_time_and_readable_in_the_dark():
    def draw():
        return paper.interval_panel(["a"], {"x": ([1.0], [0.5], [1.5])}, "Title", "K")

    first, second = (paper.svg_of(draw(), "name") for _ in range(2))
    assert first == second
    report = Report("T")
    report.figure([Panel(first, "a drawing")], "Caption.")
    drawn = report.html().split("<figure>")[1]
    assert "var(--ink)" in drawn
    assert not re.search("#24292f", drawn, re.I)


def test_a_report_needs_written_results():
    with pytest.raises(InputError, match="give their folders"):
        job.ReportRequest(results=(object(),))


def test_nothing_to_report_is_refused(tmp_path):
    from lczlib.study import Study

    empty = Study(tmp_path / "s", tmp_path / "c")
    empty.city = "own"
    empty.compute("scene")
    with pytest.raises(InputError, match="nothing to report yet"):
        write_report(empty, tmp_path / "report.html")


def test_results_of_another_place_are_told_apart(bundle, write_tif, tmp_path, run_lcz):
    folders = sorted(str(p.parent) for p in (bundle / "results").glob("*/manifest.json"))
    far = write_tif(
        np.full((5, 5), 17, np.uint8), "far.tif", origin=(300_000, 1_000_000), crs="EPSG:32650"
    )
    code, _, err = run_lcz("report", *folders, "--no-figures", "--out", tmp_path / "one")
    assert code == 0
    assert "elsewhere" not in err
    code, _, err = run_lcz("report", *folders, far, "--no-figures", "--out", tmp_path / "both")
    assert code == 0
    assert "lies elsewhere than" in err
    assert "lies elsewhere than" in (tmp_path / "both" / "report.html").read_text()
