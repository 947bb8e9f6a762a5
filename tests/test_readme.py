"""README and documentation keep their word: their commands exist, and the flow runs on the demo's files."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from lczlib.cli import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [README, *(p.read_text() for p in sorted((ROOT / "docs").rglob("*.md")))]
_JOINED = re.compile(r"\s*\\\n\s*")  # a command that goes on in the next line
COMMANDS = list(
    dict.fromkeys(
        line.split("#")[0].strip()
        for page in PAGES
        for line in re.findall(r"^(?:    )?(lcz (?!=).+)$", _JOINED.sub(" ", page), re.M)
    )
)
OTHERS = {"dask_jobqueue", "dask_kubernetes"}
"""Packages of the pages on clusters, which are no part of this project's environment."""
PYTHON = [b for page in PAGES for b in re.findall(r"```python\n(.*?)```", page, re.S)]


def test_the_two_commands_are_targets_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^    make (\w+)", README, re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_readme_and_documentation_exists_with_its_options(line):
    words = shlex.split(line)[1:]
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    assert not hasattr(command, "commands"), f"no such command: {line}"
    known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
    stray = {w for w in words if w.startswith("--")} - known
    assert not stray


@pytest.mark.parametrize("block", PYTHON)
def test_every_python_block_compiles_and_imports_what_is_there(block):
    compile(block, "a page", "exec")
    for line in block.splitlines():
        if line.startswith(("import ", "from ")) and re.split(r"[ .]", line)[1] not in OTHERS:
            exec(line, {})


def test_every_linked_file_is_there():
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / path).exists(), path


def lcz(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "lczlib", *map(str, arguments)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_flow_runs_from_the_map_to_the_heat_island(demo, tmp_path):
    folder, _ = demo
    (reference,) = (folder / "scene/Reference").iterdir()
    fused = folder / "fused_lcz.tif"

    lcz("assess", fused, "--reference", reference / "polygons.gpkg", "--out", tmp_path / "accuracy")
    assessment = json.loads((tmp_path / "accuracy/assessment.json").read_text())
    assert assessment["intervals"]["unit"] == "polygon"
    assert {"lcz", "pa", "ua", "f1", "n_reference", "n_predicted"} <= set(assessment["classes"][0])
    assert list((tmp_path / "accuracy").glob("*.png"))

    lcz(
        "compare",
        folder / "s1_lcz.tif",
        folder / "s2_lcz.tif",
        fused,
        "--out",
        tmp_path / "compare",
    )
    comparison = json.loads((tmp_path / "compare/comparison.json").read_text())
    assert {"agreement", "n", "cross_table"} <= set(comparison)

    lcz("uhi", fused, "--lst", reference / "lst.tif", "--band", "day", "--out", tmp_path / "suhi")
    surface = json.loads((tmp_path / "suhi/heat_island.json").read_text())
    trees = next(c for c in surface["classes"] if c["lcz"] == 11)
    assert surface["kind"] == "surface"
    assert trees["difference_ci"][0] < trees["difference"] < trees["difference_ci"][1] < 0

    lcz("uhi", fused, "--stations", reference / "air_temperature.csv", "--sites",
        reference / "stations.gpkg", "--out", tmp_path / "canopy")  # fmt: skip
    canopy = json.loads((tmp_path / "canopy/heat_island.json").read_text())
    assert canopy["kind"] == "canopy"
    assert sum(c["n_stations"] for c in canopy["classes"]) > 10

    lcz("sites", fused, "--sensors", 12, "--out", tmp_path / "sites")
    assert list((tmp_path / "sites").glob("*.gpkg"))


def test_no_section_is_still_to_be_written():
    assert not re.findall(r"^[A-Z_]+_SECTION$", README, re.M)
