"""The page of the heat island, the command and the file that it writes say the same."""

from __future__ import annotations

import json
import re
import sys
from html import unescape
from pathlib import Path

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
import rasterio
from event_loops import run_apart

pn = pytest.importorskip("panel")

from bokeh.document import Document  # noqa: E402 - after the check that it is installed
from panel.io.state import set_curdoc  # noqa: E402

from app.pages.heat import HeatPage  # noqa: E402
from app.session import Session  # noqa: E402
from app.session.session import ALLOW  # noqa: E402
from lczlib.classes import CLASSES  # noqa: E402
from lczlib.cli import console, main  # noqa: E402
from lczlib.scenes.simulation import simulate_city, write_so2sat  # noqa: E402
from lczlib.study.document import tables_of, write_report  # noqa: E402

NAME = "00000_00000_Simulated"


@pytest.fixture(params=[False, True], ids=["as it is", "one warm air mass"])
def scene(request, tmp_path) -> tuple[Path, bool]:
    """The simulated city; and with temperatures that go together all over it: too few for intervals."""
    write_so2sat(simulate_city(5, 2), tmp_path / "city", NAME)
    lst = tmp_path / "city" / "Reference" / NAME / "lst.tif"
    if request.param:
        with rasterio.open(lst) as src:
            bands, profile, names = src.read(), src.profile, src.descriptions
        y, x = np.indices(bands.shape[1:]) / max(bands.shape[1:])
        bands[:] = 20 + 9 * np.sin(4 * y + 1) * np.cos(3 * x)
        with rasterio.open(lst, "w", **{**profile, "driver": "GTiff"}) as dst:
            dst.write(bands)
            dst.descriptions = names
            dst.update_tags(units="degC")
    return lst.parent, request.param


def page_of(folder: Path, monkeypatch, **more: object) -> HeatPage:
    """The page, its heat island computed."""
    monkeypatch.setenv(ALLOW, str(folder.parents[1]))

    async def made() -> HeatPage:
        doc = Document()
        with set_curdoc(doc):
            session = Session(doc)
            told = {"city": f"folder:{NAME}", "heat_map": "reference", "heat_time": "day"}
            session.study.param.update(told | more)
            session.study.compute("heat")
            return HeatPage(session)

    return run_apart(made())


def shown_by(page: HeatPage) -> dict[str, dict[str, str]]:
    """Cells of the page's table by column, by the code of the zone."""
    heads, *rows = (
        [unescape(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", page._table.object)
    )
    return {row[0].split()[0]: dict(zip(heads, row, strict=True)) for row in rows}


def printed_in(text: str) -> dict[str, list[str]]:
    """Cells of the command's table by the code of the zone."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    return {row[0]: row[1:] for row in rows if row}


def notes_in(text: str) -> dict[str, str]:
    """The notes under the command's table by the code of the zone."""
    lines = re.findall(r"^LCZ ([A-G\d, ]+): (.+)\.$", text, flags=re.MULTILINE)
    return {code: note for codes, note in lines for code in codes.split(", ")}


def test_the_page_says_of_a_heat_island_what_the_command_says(scene, tmp_path, monkeypatch, capsys):
    folder, is_few = scene
    page = page_of(folder, monkeypatch)
    monkeypatch.setattr(console.out, "width", 200)
    told = (
        folder / "lcz.tif",
        "--lst",
        folder / "lst.tif",
        "--band",
        "day",
        "--out",
        tmp_path / "out",
    )
    monkeypatch.setattr(sys, "argv", ["lcz", "uhi", *map(str, told), "--no-figures"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    output = capsys.readouterr().out
    shown, printed, notes = shown_by(page), printed_in(output), notes_in(output)
    written = json.loads((tmp_path / "out" / "heat_island.json").read_text())
    assert set(shown) == set(printed) == {row["code"] for row in written["classes"]}
    for row in written["classes"]:
        own = shown[row["code"]]
        pixels, patches, effective, _, difference, within = printed[row["code"]]
        assert (own["pixels"], own["patches"], own["n eff."]) == (pixels, patches, effective)
        assert own["note"] == row["note"]
        if row["note"] == "reference":
            assert difference == "reference"
            continue
        assert notes.get(row["code"], "") == row["note"]
        assert own["difference K"] == difference == f"{row['difference']:+.2f}"
        low, high = row["difference_ci"] or (None, None)
        expected = "-" if low is None else f"{low:+.2f} to {high:+.2f}"
        assert own["95% interval"].replace("–", "-") == within == expected
    few = written["few_blocks"]
    assert bool(few) == is_few
    assert is_few == all(not any(row["difference_ci"] or ()) for row in written["classes"])
    said = unescape(f"{page._answer.object} {page._grounds.object}")
    plain = " ".join(output.split())
    grounds = re.search(r"The intervals allow for .*? m and more\.", plain)[0]
    assert f"counts as {written['independent_pieces']:.0f} independent pieces" in grounds
    for text in (grounds, few, written["reference_note"]):
        assert text in said
        assert text in plain


def test_the_figure_of_the_day_names_its_zones_in_their_colours(tmp_path, monkeypatch):
    write_so2sat(simulate_city(5, 2), tmp_path / "city", NAME)
    folder = tmp_path / "city" / "Reference" / NAME
    page = page_of(folder, monkeypatch, heat_kind="canopy", heat_replicates=100)
    zones = sorted(page._session.study.heat.result.diurnal["lcz"].unique())
    assert len(zones) > 6
    legend = hv.render(page._bars.object, backend="bokeh").legend[0]
    assert [item.label.value for item in legend.items] == [CLASSES[z - 1].label for z in zones]
    lines = [item.renderers[0].glyph.line_color for item in legend.items]
    assert lines == [CLASSES[z - 1].color for z in zones]
    assert legend.ncols == 2


@pytest.mark.slow
def test_the_page_and_the_command_tell_the_same_of_seasons(tmp_path, monkeypatch, capsys):
    write_so2sat(simulate_city(5, 2), tmp_path / "city", NAME)
    folder, rng = tmp_path / "city" / "Reference" / NAME, np.random.default_rng(0)
    with rasterio.open(folder / "lst.tif") as src:
        day, profile = src.read(1), {**src.profile, "driver": "GTiff", "count": 1}
    files, times = [], [f"2021-0{month}-10T10:00" for month in (6, 7, 8, 9)]
    for time in times:
        files.append(str(tmp_path / f"lst_{time[5:7]}.tif"))
        with rasterio.open(files[-1], "w", **profile) as dst:
            dst.write(day + rng.normal(0, 0.3, day.shape).astype(np.float32), 1)
            dst.update_tags(units="degC")
    page = page_of(folder, monkeypatch, thermal_files=tuple(files), heat_acquired=",".join(times))
    monkeypatch.setattr(console.out, "width", 200)
    told = [
        w for pair in zip(files, times, strict=True) for w in ("--lst", pair[0], "--time", pair[1])
    ]
    told += ["--no-figures", "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["lcz", "uhi", str(folder / "lcz.tif"), *told])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    output = capsys.readouterr().out
    title = "June to August: 3 dates of 1 year, 3 spells of weather"
    shown = unescape(page._seasons.object)
    assert title in shown
    assert title in output
    assert page._dates.object is not None
    study = page._session.study
    report = write_report(study, tmp_path / "report.html").read_text()
    assert f"Surface heat island by date, {title}" in report
    assert tables_of(study)["heat_island_surface_seasons"]["season"].tolist() == ["JJA"] * len(
        study.heat.seasons[0].classes
    )
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", shown)]
    after = printed_in(output[output.index(title) :])
    assert {row[0]: row[1:] for row in rows if row} == after
    for text in ("3 of June to August, 1 of September to November", "No trend: that takes 5 years"):
        assert text in unescape(page._grounds.object) + shown
        assert text in " ".join(output.split())


def test_an_interval_is_seen_upon_a_bar_of_any_colour_in_both_themes():
    """A dark line with a light one on each side: one of them differs from the bar, and from the page."""
    from bokeh.models import GlyphRenderer, Segment

    from lczlib.figures.heat import ranked_bars

    table = pd.DataFrame(
        {"difference": [1.0, 2.0], "n_pixels": [9, 9], "ci_low": [0.5, 1], "ci_high": [2.0, 3], "note": ["", ""]},
        index=pd.Index([8, 15], name="lcz"),
    )  # fmt: skip
    drawn = hv.renderer("bokeh").get_plot(ranked_bars(table)).state
    glyphs = [r.glyph for r in drawn.renderers if isinstance(r, GlyphRenderer)]
    casing, core = ((g.line_color, g.line_width) for g in glyphs if isinstance(g, Segment))
    assert casing[1] > core[1] + 2  # the light one lies below, and is wider
    light, dark = (sum(bytes.fromhex(color[1:])) / 765 for color, _ in (casing, core))
    assert light > 0.9
    assert dark < 0.2


def test_the_pages_figures_are_drawn_without_webgl():
    """By it the boxes of a page with several figures are lost."""
    from app.parts.layout import fluid
    from lczlib.figures.heat import ranked_bars

    table = pd.DataFrame(
        {"difference": [1.0], "n_pixels": [9], "ci_low": [0.5], "ci_high": [2.0], "note": [""]},
        index=pd.Index([2], name="lcz"),
    )
    drawn = hv.renderer("bokeh").get_plot(fluid(ranked_bars(table))).state
    assert drawn.output_backend == "canvas"
