"""What holds the project together: imports one way, packages in step, a light start."""

import ast
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import lczlib

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# Which parts of the library each part may import; a part may import itself, and any names settings
# in its messages by `terms`, and gives words to a page by `texts`.
MAY_IMPORT = {
    "terms": set(),
    "texts": set(),
    "errors": set(),
    "extras": {"errors"},
    "lazy": set(),
    "settings": {"errors"},
    "devices": {"errors", "settings"},
    "out_scheme": {"settings"},
    "accelerators": {"errors", "machine", "reading"},
    "kinds": set(),
    "scene_options": {"errors", "settings"},
    "map_request": {"devices", "errors", "out_scheme", "scene_options", "settings"},
    "classes": {"errors"},
    "class_names": {"classes", "errors"},
    "longitudes": set(),
    "grid": {"errors", "longitudes"},
    "mercator": {"grid", "longitudes"},
    "reading": set(),
    "limits": {"errors"},
    "unreadable": {"errors"},
    "raster_axes": {"errors", "reading", "wrf_grids"},
    "raster_masks": set(),
    "rasters": {"archives", "errors", "limits", "raster_axes", "raster_masks", "unreadable"},
    "wrf_grids": set(),
    "temporary": set(),
    "archives": {"errors", "limits", "temporary"},
    "legend_files": {"classes", "temporary"},
    "legends": {"class_names", "classes", "errors", "legend_files"},
    "numbering": {"classes", "errors", "legend_files", "legends"},
    "map_codes": {"classes", "errors", "legends", "numbering", "rasters", "reading"},
    "map_doubts": {"classes", "errors", "reading"},
    "maps": {
        "classes", "errors", "grid", "legend_files", "legends", "map_codes", "map_doubts", "numbering",
        "rasters", "reading", "unreadable",
    },
    "calibrators": {"classes", "errors", "maps"},
    "tables": {"errors", "limits", "reading", "unreadable"},
    "clocks": {"errors", "reading", "tables"},
    "class_columns": {"class_names", "classes", "errors"},
    "point_tables": {"errors", "tables"},
    "vector_files": {"errors", "limits", "point_tables", "reading", "unreadable"},
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
        "classes", "errors", "grid", "maps", "point_tables", "polygons", "reading", "unreadable",
        "vector_files", "vector_maps",
    },
    "export": {
        "classes", "errors", "grid", "longitudes", "maps", "rasters", "reading", "temporary", "wrf_grids",
    },
    "catalog": {"errors", "export", "longitudes", "reading", "temporary"},
    "scenes": {
        "archives", "classes", "errors", "grid", "limits", "longitudes", "maps", "export", "polygons",
        "rasters", "reading", "scene_options", "settings", "unreadable",
    },
    "sentinel1": {
        "catalog", "errors", "export", "grid", "limits", "longitudes", "rasters", "reading", "scenes",
    },
    "acquire": {
        "catalog", "classes", "errors", "export", "extras", "grid", "longitudes", "maps",
        "out_scheme", "rasters", "reading", "scenes", "sentinel1", "vector_files",
    },
    "analysis": {
        "calibrators", "cell_coverage", "class_names", "classes", "clocks", "errors", "export", "grid", "limits",
        "lazy", "longitudes", "maps", "polygon_cells", "polygons", "rasters", "reading", "scenes",
        "settings", "tables", "unreadable",
    },
    "models": {"catalog", "classes", "errors", "export", "extras", "limits", "temporary"},
    "made_by": set(),
    "mapping": {
        "accelerators", "calibrators", "catalog", "classes", "errors", "export", "grid", "kinds", "limits", "machine",
        "made_by", "map_request", "maps", "models", "out_scheme", "rasters", "reading", "scene_options", "scenes",
        "settings",
        "temporary",
    },
    "training": {
        "accelerators",
        "analysis", "classes", "devices", "errors", "export", "grid", "limits", "map_request", "mapping",
        "maps", "models", "polygon_cells", "polygons", "rasters", "reading", "scene_options", "scenes",
        "settings", "temporary",
    },
    "experiment": {
        "accelerators", "analysis", "classes", "errors", "export", "extras", "figures", "machine",
        "map_request", "mapping", "models", "out_scheme", "polygons", "scene_options", "scenes",
        "settings", "temporary", "training",
    },
    "bench": {
        "acquire", "analysis", "catalog", "classes", "errors", "export", "grid", "kinds", "map_request", "mapping",
        "maps", "models", "polygons", "reading", "scene_options", "temporary", "training",
    },
    "jobs": {
        "accelerators", "acquire", "analysis", "archives", "bench", "calibrators", "catalog",
        "classes", "clocks", "devices", "errors", "experiment", "export", "extras", "figures",
        "grid", "kinds", "legend_files", "legends", "limits", "longitudes", "made_by",
        "map_request", "mapping", "maps", "models", "numbering", "out_scheme", "plugins",
        "polygon_cells", "polygons", "rasters", "reading", "references", "scenes", "sentinel1",
        "settings", "tables", "temporary", "training", "unreadable", "vector_files", "vector_maps",
    },
    "figures": {"analysis", "classes", "errors", "export", "grid", "mapping", "maps", "mercator"},
    "machine": set(),
    "plugins": set(),
    "study": {
        "accelerators", "extras", "training",
        "acquire", "analysis", "catalog", "class_columns", "classes", "clocks", "errors", "export", "figures", "grid",
        "jobs", "kinds", "longitudes", "map_request", "mapping", "maps", "models", "numbering", "plugins",
        "polygon_cells", "polygons", "rasters", "reading", "references", "scene_options", "scenes",
        "limits", "settings", "tables", "temporary", "unreadable", "vector_files", "vector_maps",
    },
    "cli": {
        "acquire", "analysis", "bench", "catalog", "classes", "errors", "extras", "experiment", "export", "figures",
        "jobs", "kinds", "limits", "made_by", "map_request", "mapping", "models", "out_scheme", "plugins", "reading",
        "scenes", "settings", "training", "unreadable",
    },
    "accessor": {"analysis", "classes", "figures", "jobs", "maps"},
    "api": {
        "accessor", "errors", "jobs", "map_request", "mapping", "plugins", "scene_options", "scenes",
        "settings",
    },
    "making": {"jobs", "plugins", "training"},
}  # fmt: skip


# Which parts of the dashboard each of its parts may import; of the library all but the command.
APP_MAY_IMPORT = {
    "outside": set(),
    "catalogue": set(),
    "panel_patches": set(),
    "server": {"outside"},
    "parts": set(),
    "maps": {"outside", "parts"},
    "session": {"maps", "panel_patches", "parts", "server"},
    "uploads": {"maps", "parts"},
    "pages": {"maps", "parts", "session", "uploads"},
    "warm": {"maps", "pages", "panel_patches"},
    "frame": {"pages", "panel_patches", "parts", "server", "session", "warm"},
    "app_hooks": {"panel_patches", "server"},
    "main": {"frame", "panel_patches", "parts", "session"},
}


def normal(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-")


def run_time_imports(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """What a file imports other than for type hints."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in skipped
    ]


def names_in(
    node: ast.Import | ast.ImportFrom, package: str, inside: tuple[str, ...] = ()
) -> set[str]:
    """Parts of a package that an import names, in a file of the folder `inside` it."""
    if isinstance(node, ast.Import):
        names = [a.name for a in node.names]
    else:
        base = (package, *inside)[: len(inside) + 2 - node.level] if node.level else ()
        module = ".".join((*base, *([node.module] if node.module else ())))
        names = [module] if module != package else [f"{package}.{a.name}" for a in node.names]
    return {n.split(".")[1] for n in names if n.startswith(f"{package}.")}


def library_imports(path: Path) -> set[str]:
    """Parts of lczlib that a file imports, at run time."""
    absolute = [n for n in run_time_imports(path) if not getattr(n, "level", 0)]
    return {name for node in absolute for name in names_in(node, "lczlib")}


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_point_one_way(part):
    place = ROOT / "lczlib" / part
    files = place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]
    for file in files:
        stray = library_imports(file) - MAY_IMPORT[part] - {part, "terms", "texts", "__version__"}
        assert not stray, f"{file.relative_to(ROOT)} imports {stray}"


def test_every_part_is_in_the_order_and_the_order_is_one():
    parts = {f.stem for f in (ROOT / "lczlib").iterdir() if f.suffix == ".py" or f.is_dir()}
    assert parts - set(MAY_IMPORT) <= {"__init__", "__main__", "__pycache__", "terms"}
    TopologicalSorter(MAY_IMPORT).prepare()  # raises where the declared order is a circle


@pytest.mark.parametrize("part", APP_MAY_IMPORT)
def test_imports_of_the_dashboard_point_one_way(part):
    app = ROOT / "app"
    place = app / part
    for file in place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]:
        inside = file.relative_to(app).parts[:-1]
        imports = run_time_imports(file)
        found = set().union(*(names_in(node, "app", inside) for node in imports))
        assert not found - APP_MAY_IMPORT[part] - {part}, (
            f"{file.relative_to(ROOT)} imports {found}"
        )
        assert "cli" not in library_imports(file), f"{file.relative_to(ROOT)} imports lczlib.cli"


def test_the_dashboard_goes_by_any_name():
    """Installed it is `lczlib.app`: only what loads it by its place knows it as `app`."""
    app = ROOT / "app"
    parts = {Path(f.relative_to(app).parts[0]).stem for f in app.rglob("*.py")}
    assert parts == {"__init__", *APP_MAY_IMPORT}
    for file in app.rglob("*.py"):
        if file.name not in ("app_hooks.py", "main.py"):
            assert not re.search(r"^\s*(import|from) app\b", file.read_text(), re.M), file


def module_imports(path: Path) -> set[str]:
    """Modules of lczlib that a file imports at run time, also inside functions."""
    tree = ast.parse(path.read_text())
    blocks = [
        b for b in ast.walk(tree) if isinstance(b, ast.If) and "TYPE_CHECKING" in ast.dump(b.test)
    ]
    skipped = {id(node) for block in blocks for node in ast.walk(block)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
    return found


def test_no_modules_import_each_other_in_a_circle():
    files = {
        ".".join(f.relative_to(ROOT).with_suffix("").parts): f
        for f in (ROOT / "lczlib").rglob("*.py")
    }
    # a package that only names its contents for others is no part of a circle among them
    modules = {m: f for m, f in files.items() if not m.endswith(".__init__")}
    order = TopologicalSorter(
        {m: module_imports(f) & set(modules) - {m} for m, f in modules.items()}
    )
    try:
        order.prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_library_never_imports_panel():
    for file in (ROOT / "lczlib").rglob("*.py"):
        text = file.read_text()
        assert not re.search(r"^\s*(import panel|from panel)", text, re.M), file


def test_importing_the_library_is_light():
    heavy = ("torch", "holoviews", "lightning", "matplotlib", "panel", "sklearn")
    code = f"import lczlib, sys; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_starts_without_what_only_some_commands_need():
    heavy = ("torch", "xarray", "pandas", "dask", "requests", "rasterio", "matplotlib")
    code = f"import lczlib.cli, sys; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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


def test_the_conda_environment_for_cards_differs_by_the_build_of_torch_alone():
    plain, cards = (
        [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
        for name in ("environment.yml", "environment-cuda.yml")
    )
    assert [p for p in zip(plain, cards, strict=True) if p[0] != p[1]] == [
        ("  - pytorch-cpu", "  - pytorch-gpu")
    ]


def test_types_are_checked_of_all_that_the_page_of_python_names():
    checked = {
        path
        for pattern in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["files"]
        for place in ROOT.glob(pattern)
        for path in (place.rglob("*.py") if place.is_dir() else [place])
    }
    page = (ROOT / "docs/python.md").read_text()
    named = re.findall(r"(?:autofunction|autoclass|automodule):: (lczlib[.\w]+)", page)
    for name in (*named, *(f"lczlib.{n}" for n in dir(lczlib))):
        found = pkgutil.resolve_name(name)
        module = found.__name__ if inspect.ismodule(found) else found.__module__
        path = ROOT / module.replace(".", "/")
        assert {path.with_suffix(".py"), path / "__init__.py"} & checked, f"{name} of {module}"


def test_type_checkers_see_all_that_the_library_offers():
    """It is imported when it is first used, which they cannot follow."""
    tree = ast.parse((ROOT / "lczlib/__init__.py").read_text())
    (block,) = (n for n in tree.body if isinstance(n, ast.If))
    assert sorted(a.asname for line in block.body for a in line.names) == dir(lczlib)
    assert (ROOT / "lczlib/py.typed").is_file()


def test_no_file_is_longer_than_one_person_can_hold_in_mind():
    long = {
        str(f.relative_to(ROOT)): n
        for folder in ("lczlib", "app", "benchmarks", "tests")
        for f in (ROOT / folder).rglob("*.py")
        if (n := len(f.read_text().splitlines())) > 400
    }
    assert not long


def test_no_function_is_longer_or_takes_more_than_one_person_can_hold_in_mind():
    found = []
    for file in (f for folder in ("lczlib", "app") for f in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                own = node.args
                lines = node.end_lineno - node.lineno + 1
                parameters = len(own.posonlyargs) + len(own.args) + len(own.kwonlyargs)
                if lines >= 100 or parameters > 15:
                    place = f"{file.relative_to(ROOT)}:{node.lineno}"
                    found.append(f"{place} {node.name}: {lines} lines, {parameters} parameters")
    assert not found


def test_no_two_test_files_share_a_name():
    """Pytest imports them by their names alone, and of two it runs one."""
    names = [p.name for p in (ROOT / "tests").rglob("*.py") if p.name.startswith("test_")]
    assert len(names) == len(set(names)), sorted({n for n in names if names.count(n) > 1})
