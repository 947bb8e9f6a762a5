"""What holds the project together: imports one way, packages in step, a light start."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# Which parts of the library each part may import; a part may import itself.
MAY_IMPORT = {
    "errors": set(),
    "kinds": set(),
    "options": set(),
    "scene_options": {"options"},
    "map_request": {"options", "scene_options"},
    "classes": {"errors"},
    "class_names": {"classes", "errors"},
    "longitudes": set(),
    "grid": {"errors", "longitudes"},
    "mercator": {"grid", "longitudes"},
    "reading": set(),
    "limits": {"errors"},
    "unreadable": set(),
    "raster_masks": set(),
    "rasters": {"errors", "limits", "raster_masks", "unreadable"},
    "legend_files": set(),
    "legends": {"class_names", "classes", "errors", "legend_files"},
    "numbering": {"classes", "errors", "legend_files", "legends"},
    "map_codes": {"classes", "errors", "legends", "numbering", "rasters", "reading"},
    "map_doubts": {"classes", "errors", "reading"},
    "maps": {
        "classes", "errors", "grid", "legend_files", "legends", "map_codes", "map_doubts", "numbering",
        "rasters", "reading", "unreadable",
    },
    "tables": {"errors", "limits", "reading", "unreadable"},
    "clocks": {"errors", "reading", "tables"},
    "class_columns": {"class_names", "classes", "errors"},
    "vector_files": {"errors", "limits", "reading", "unreadable"},
    "polygon_cells": {"errors", "grid", "vector_files"},
    "polygons": {
        "class_columns", "class_names", "classes", "errors", "grid", "limits", "longitudes", "maps",
        "polygon_cells", "reading", "unreadable", "vector_files",
    },
    "cell_coverage": set(),
    "vector_maps": {
        "cell_coverage", "classes", "errors", "grid", "limits", "maps", "polygons", "reading", "unreadable",
        "vector_files",
    },
    "references": {
        "classes", "errors", "grid", "maps", "polygons", "reading", "unreadable", "vector_files",
        "vector_maps",
    },
    "export": {"classes", "errors", "grid", "maps", "rasters", "reading"},
    "catalog": {"errors", "export", "longitudes"},
    "scenes": {
        "classes", "errors", "grid", "limits", "longitudes", "maps", "export", "options", "polygons",
        "rasters", "reading", "scene_options", "unreadable",
    },
    "analysis": {
        "cell_coverage", "class_names", "classes", "clocks", "errors", "export", "grid", "limits",
        "longitudes", "maps", "polygon_cells", "polygons", "rasters", "reading", "scenes", "tables",
        "unreadable",
    },
    "models": {"catalog", "classes", "errors", "export", "limits"},
    "made_by": set(),
    "mapping": {
        "catalog", "classes", "errors", "export", "grid", "kinds", "limits", "machine", "made_by",
        "map_request", "maps", "models", "options", "rasters", "reading", "scene_options", "scenes",
    },
    "training": {
        "analysis", "classes", "errors", "export", "grid", "mapping", "maps", "models",
        "polygon_cells", "polygons", "rasters", "reading", "scene_options", "scenes",
    },
    "experiment": {
        "analysis", "classes", "errors", "export", "figures", "machine", "mapping", "models", "polygons",
        "scenes", "training",
    },
    "figures": {"analysis", "classes", "errors", "export", "grid", "mapping", "maps", "mercator"},
}  # fmt: skip


DOCUMENTS = ("heat.py", "report.py")
"""Files of ``export`` that put whole results into documents; the others know files only."""


def normal(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-")


def library_imports(path: Path) -> set[str]:
    """Parts of lczlib that a file imports, at run time."""
    found = set()
    tree = ast.parse(path.read_text())
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module]
            if node.module == "lczlib":
                names = [f"lczlib.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        found |= {n.split(".")[1] for n in names if n.startswith("lczlib.")}
    return found


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_point_one_way(part):
    place = ROOT / "lczlib" / part
    files = place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]
    for file in files:
        if part == "export" and file.name in DOCUMENTS:
            continue
        stray = library_imports(file) - MAY_IMPORT[part] - {part, "__version__"}
        assert not stray, f"{file.relative_to(ROOT)} imports {stray}"


def test_the_library_never_imports_panel():
    for file in (ROOT / "lczlib").rglob("*.py"):
        text = file.read_text()
        assert not re.search(r"^\s*(import panel|from panel)", text, re.M), file


def test_importing_the_library_is_light():
    heavy = ("torch", "holoviews", "lightning", "matplotlib", "panel", "sklearn")
    code = f"import lczlib, sys; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_starts_without_torch():
    code = "import lczlib.cli, sys; print('torch' in sys.modules, 'xarray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"


def stated() -> set[str]:
    extras = PROJECT["optional-dependencies"]
    return {normal(r) for group in (PROJECT["dependencies"], *extras.values()) for r in group}


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {normal(name): version for name, version in pairs}


def test_every_package_is_pinned():
    assert stated() <= set(pinned())
    assert pinned()["torch"] == "2.13.0"


def test_the_conda_environment_names_the_same_packages():
    other_names = {"torch": "pytorch-cpu", "dask": "dask-core", "matplotlib": "matplotlib-base"}
    text = (ROOT / "environment.yml").read_text()
    named = {normal(n) for n in re.findall(r"^\s+- ([A-Za-z0-9_.-]+)", text, re.M)}
    expected = {other_names.get(n, n) for n in stated()}
    channels_and_base = {"conda-forge", "python", "pip"}
    assert named - channels_and_base == expected


def test_no_file_is_longer_than_one_person_can_hold_in_mind():
    long = {
        str(f.relative_to(ROOT)): n
        for folder in ("lczlib", "app", "benchmarks", "tests")
        for f in (ROOT / folder).rglob("*.py")
        if (n := len(f.read_text().splitlines())) > 400
    }
    assert not long
