"""The notebooks run from first to last cell and draw what they say."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NEED_WEIGHTS = ("02-surface-water",)


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda p: p.stem)
def test_notebook_runs(path, tmp_path, request):
    if path.stem in NEED_WEIGHTS:
        request.getfixturevalue("mirror")  # skips where the reference data is not
    notebook = nbformat.read(path, as_version=4)
    assert not any(c.get("outputs") for c in notebook.cells), "commit notebooks without output"
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [o for c in notebook.cells for o in c.get("outputs", ())]
    data = [o.get("data", {}) for o in outputs]
    pictures = [d for d in data if "image/png" in d or "base64," in d.get("text/html", "")]
    assert len(pictures) >= 4
    assert not any(o.get("name") == "stderr" and "Error" in o.get("text", "") for o in outputs)
