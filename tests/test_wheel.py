"""What others install: the wheel holds all that runs, and the core alone maps, on any system."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
WITHOUT_EXTRAS = """
import importlib.machinery, sys

class Without(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split('.')[0] in {names!r} else super().find_spec(name, path, target)

sys.meta_path = [Without if f is importlib.machinery.PathFinder else f for f in sys.meta_path]
"""
WITHOUT_POSIX = """
import os, signal
import psutil  # its own way on this system

for module, names in ((os, ("sysconf", "nice", "posix_fallocate", "getuid", "statvfs")), (signal, ("SIGKILL",))):
    for name in names:
        delattr(module, name)
"""
"""What Windows does not have, and this project might call; it cannot be tried there."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files, as pip lays them down."""
    pytest.importorskip("hatchling")
    out = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(out / "site")
    return out / "site"


def python(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )


def brought_by(requirements: list[str]) -> set[str]:
    """The distributions that some requirements bring, with all that these need."""
    found: set[str] = set()
    wanted = [Requirement(r) for r in requirements]
    while wanted:
        one = wanted.pop()
        name = canonicalize_name(one.name)
        if name in found and not one.extras:
            continue
        found.add(name)
        for text in importlib.metadata.requires(name) or ():
            needed = Requirement(text)
            marks = [{"extra": e} for e in ("", *one.extras)]
            if needed.marker is None or any(needed.marker.evaluate(m) for m in marks):
                wanted.append(needed)
    return found


def modules_of_extras() -> set[str]:
    """What the extras bring to import, less what the core brings by itself."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    extras = [
        requirement
        for name, wanted in project["optional-dependencies"].items()
        if name not in ("dev", "docs")
        for requirement in wanted
    ]
    only = {canonicalize_name(Requirement(r).name) for r in extras}
    only -= brought_by(project["dependencies"])
    provided = importlib.metadata.packages_distributions()
    found = {m for m, names in provided.items() if {canonicalize_name(n) for n in names} & only}
    assert {"panel", "sklearn", "onnx", "pystac_client", "numba"} <= found
    return found


def test_every_file_that_the_code_needs_is_in_the_wheel(installed: Path) -> None:
    """Whatever lies beside the modules in the repository, as git has it, lies beside them there."""
    kept = subprocess.run(
        ["git", "ls-files", "lczlib", "app", "data_catalog"], cwd=ROOT, capture_output=True, text=True
    )  # fmt: skip
    if kept.returncode:
        pytest.skip("needs the files' list of git")
    for name in kept.stdout.splitlines():
        inside = name if name.startswith("lczlib/") else f"lczlib/{name}"
        assert (installed / inside).is_file(), name


@pytest.mark.slow
def test_the_core_alone_maps_and_says_which_extra_lacks(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        WITHOUT_EXTRAS.format(names=modules_of_extras()) + WITHOUT_POSIX
    )
    where = Path(f"{tmp_path / 'site'}{os.pathsep}{installed}")
    at = python(where, tmp_path, "-c", "import lczlib; print(lczlib.__file__)")
    assert at.stdout.strip() == str(installed / "lczlib" / "__init__.py"), at.stderr
    made = python(where, tmp_path, "-m", "lczlib", "demo", "--size", "2", "--out", "demo")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "demo" / "fused_lcz.tif").is_file()
    for command in (
        ["app"],
        ["get", "Berlin", "--out", "x"],
        ["train", "x", "--polygons", "y", "--out", "z"],
    ):
        lacking = python(where, tmp_path, "-m", "lczlib", *command)
        assert lacking.returncode in (1, 2)
        assert "Traceback" not in lacking.stderr
        assert "pip install" in lacking.stderr, (command, lacking.stderr)


def test_the_dashboard_that_is_served_is_the_wheels(installed: Path, tmp_path: Path) -> None:
    code = "from lczlib.cli.app import app_folder; print(app_folder())"
    found = python(installed, tmp_path, "-c", code)
    assert found.stdout.strip() == str(installed / "lczlib" / "app"), found.stderr
