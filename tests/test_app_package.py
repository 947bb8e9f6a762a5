"""The dashboard's folder is a package: of one name, loaded once, wherever it lies."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("panel")

APP = Path(__file__).resolve().parents[1] / "app"
VISITS = """
import sys
import panel as pn
from panel.io.application import build_single_handler_application

for dev in (False, True):
    pn.config.autoreload = dev
    served = build_single_handler_application(sys.argv[1])
    for _ in range(2):
        served.create_document()
        assert not served.handlers[0].failed, served.handlers[0].error_detail
        print(sys.modules["app"].__file__, id(sys.modules["app.session.session"]))
"""


def test_each_visitor_gets_the_package_that_was_loaded_once(tmp_path: Path) -> None:
    """As `panel serve` runs it, also with `--dev`: from another folder, by the path of the app."""
    own = shutil.copytree(APP, tmp_path / "anywhere")
    done = subprocess.run(
        [sys.executable, "-c", VISITS, own], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr  # with --dev an error is shown, no more
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert len(set(lines)) == 1
    assert lines[0].startswith(str(own))
