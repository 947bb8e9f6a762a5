"""The notebooks run from first to last cell and draw what they say."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
DOWNLOADED = ("02-surface-water", "03-berlin")
"""Whose networks or scenes come from the catalogue."""
STATIONS = "data/berlin/uco_air_temperature_2019-2020.parquet"
PATHS = sorted(FOLDER.rglob("*.ipynb"))


def cells(path: Path):
    return nbformat.read(path, as_version=4).cells


def executed(path: Path, folder: Path) -> list[dict]:
    """The outputs of a notebook, run in an empty folder."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
    outputs = [o for c in notebook.cells for o in c.get("outputs", ())]
    assert not any(o.get("name") == "stderr" and "Error" in o.get("text", "") for o in outputs)
    return outputs


def pictures(outputs: list[dict]) -> int:
    data = [o.get("data", {}) for o in outputs]
    return sum("image/png" in d or "base64," in d.get("text/html", "") for d in data)


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_notebook_runs(path, tmp_path, request):
    if path.stem in DOWNLOADED:
        request.getfixturevalue("mirror")  # skips where the reference data is not
    outputs = executed(path, tmp_path)
    assert pictures(outputs) >= (3 if path.parent.name == "teaching" else 4)


@pytest.mark.slow
def test_berlins_stations_are_taken_where_their_file_is_at_hand(shared, tmp_path, monkeypatch):
    monkeypatch.setenv("LCZ_STATIONS", str(shared / STATIONS))
    outputs = executed(FOLDER / "05-heat-stations.ipynb", tmp_path)
    said = "".join(o.get("text", "") for o in outputs)
    assert "Berlin, 23 stations" in said
    assert "SIMULATED" not in said
    assert pictures(outputs) >= 4


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_a_notebook_is_committed_without_output_and_says_what_is_simulated(path):
    found = cells(path)
    assert not any(c.get("outputs") or c.get("execution_count") for c in found)
    code = "".join(c.source for c in found if c.cell_type == "code")
    text = "".join(c.source for c in found if c.cell_type == "markdown")
    assert "simulate_city" not in code or "**simulated**" in text
    assert "._" not in code
    assert "import _" not in code


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_what_a_notebook_links_to_is_there(path):
    for cell in cells(path):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", cell.source):
            assert (path.parent / target).exists(), target


def test_the_page_of_the_notebooks_names_each_of_them():
    page = (FOLDER.parent / "docs/notebooks.md").read_text()
    assert {p.stem for p in FOLDER.glob("*.ipynb")} == {
        line.split("`")[1] for line in page.splitlines() if line.startswith("| `0")
    }
    sheet = (FOLDER.parent / "docs/teaching.md").read_text()
    for path in (FOLDER / "teaching").glob("*.ipynb"):
        assert f"`{path.name}`" in sheet
