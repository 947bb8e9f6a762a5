"""LCZ maps in another numbering, wherever one is written: each file states its own and is read back rightly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import rasterio.features
import torch
import xarray as xr
from export_maps import BOX
from typer.main import get_command

from lczlib.cli import app
from lczlib.errors import ClassSchemeError
from lczlib.export import write_lcz_map, write_probabilities, write_raster
from lczlib.grid import on_grid
from lczlib.jobs.documentation import REQUESTS
from lczlib.jobs.export import ExportRequest, run
from lczlib.map_request import MapRequest
from lczlib.maps import labels, lcz_map, open_lcz_map, probabilities
from lczlib.models import Weights, build, save_safetensors
from lczlib.out_scheme import USUAL, OutScheme
from lczlib.reading import collected
from lczlib.settings import described
from lczlib.study import Study
from lczlib.study.material import open_maps

SCHEMES = get_args(OutScheme)
WRITING = {"lcz get", "lcz city", "lcz map", "lcz compare", "lcz export", "lcz experiment"}
"""Commands that write maps and whose options are a request's; `lcz fuse` and `lcz demo` have them of `lcz map`."""
BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
OF = {
    "1-17": {n: n for n in range(1, 18)},
    "101-107": {n: n if n < 11 else n + 90 for n in range(1, 18)},
    "0-16": {n: n - 1 for n in range(1, 18)},
}


def stored(path: Path) -> np.ndarray:
    with rasterio.open(path) as src:
        return src.read(1)


def is_in(path: Path, scheme: str, lcz: xr.DataArray) -> bool:
    """Whether a file holds a map in that numbering, every cell of it."""
    table = OF[scheme] | {0: 255 if scheme == "0-16" else 0}
    return bool((stored(path) == np.vectorize(table.get)(np.asarray(lcz))).all())


@pytest.mark.parametrize("beside", [True, False], ids=["with names beside", "alone"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_file_is_read_back_without_being_told_its_numbering(
    all_classes, tmp_path, scheme, beside
):
    """Also where its codes fit another one: 1-9 of LCZ 2-10, a map of LCZ 1 that is all 0."""
    some = [all_classes, all_classes.where(all_classes.isin(range(2, 11)), 0)]
    some += [xr.full_like(all_classes, n) for n in (1, 2, 11, 17)]
    for i, codes in enumerate(some):
        lcz = lcz_map(codes.astype(np.uint8))
        path = write_lcz_map(tmp_path / f"{i}.tif", lcz, scheme=scheme)
        if not beside:
            Path(f"{path}.aux.xml").unlink()
        assert is_in(path, scheme, lcz)
        with collected() as read:
            np.testing.assert_array_equal(open_lcz_map(path), lcz)
        assert any(scheme in text and "as its file states" in text for text in read[-1].said)


def test_a_file_that_was_changed_since_is_refused(all_classes, tmp_path):
    path = write_lcz_map(tmp_path / "lcz.tif", all_classes, scheme="0-16")
    changed = tmp_path / "changed.tif"
    with rasterio.open(path) as src, rasterio.open(changed, "w", **src.profile) as dst:
        dst.update_tags(**src.tags())
        dst.write(np.where(src.read() == 3, 17, src.read()))
    with pytest.raises(ClassSchemeError, match=r"state the numbering 0-16, which has no \[17\]"):
        open_lcz_map(changed)


def test_all_commands_that_write_maps_take_one_option_for_it():
    assert {n for n, request in REQUESTS.items() if "out_scheme" in described(request)} == WRITING
    commands = get_command(app).commands
    told = described(MapRequest)["out_scheme"]
    assert told.choices == SCHEMES
    assert told.default == USUAL == "1-17"
    for name in (*WRITING, "lcz fuse", "lcz demo"):
        command = commands[name.removeprefix("lcz ")]
        (one,) = (p for p in command.params if p.name == "out_scheme")
        assert one.opts[0] == "--out-scheme"
        assert one.help.startswith(told.setting.doc)
        reads_maps = any("--scheme" in p.opts for p in command.params if p.name == "scheme")
        assert ("--scheme" in one.opts) != reads_maps
    for name in WRITING - {"lcz export"}:  # which counts by its target
        found = described(REQUESTS[name])["out_scheme"]
        assert (found.default, found.setting.doc) == (USUAL, told.setting.doc)


@pytest.fixture
def scene(tmp_path, write_tif):
    """A scene and an untrained network of its bands."""
    values = np.random.default_rng(0).uniform(0.05, 0.3, (10, 130, 160)).astype(np.float32)
    torch.manual_seed(0)
    described_ = Weights("small", "resnet20", "s2", BANDS, mean=(0.15,) * 10, std=(0.02,) * 10)
    save_safetensors(tmp_path / "small.safetensors", build("resnet20", 10), described_)
    return write_tif(values, descriptions=BANDS), tmp_path / "small.safetensors"


def test_maps_are_made_in_a_numbering_and_taken_up_from_their_folder(scene, run_lcz, tmp_path):
    path, weights = scene
    line = ("map", path, "--weights", weights, "--accept-values", "--device", "cpu")
    assert run_lcz(*line, "--out", tmp_path / "plain")[0] == 0
    code, _, err = run_lcz(*line, "--scheme", "0-16", "--out", tmp_path / "own")
    assert code == 0, err
    plain = open_lcz_map(tmp_path / "plain/s2_lcz.tif")
    assert is_in(tmp_path / "plain/s2_lcz.tif", "1-17", plain)
    assert is_in(tmp_path / "own/s2_lcz.tif", "0-16", plain)
    np.testing.assert_array_equal(open_maps(tmp_path / "own").kinds["s2"], plain)
    assert run_lcz("rerun", tmp_path / "own", "--out", tmp_path / "again")[0] == 0
    assert is_in(tmp_path / "again/s2_lcz.tif", "0-16", plain)


def test_fused_maps_are_in_the_numbering_that_is_asked_for(run_lcz, tmp_path):
    made = {}
    for name, seed in (("a", 1), ("b", 2)):
        values = np.random.default_rng(seed).dirichlet(np.ones(17) / 4, BOX.shape)
        proba = probabilities(on_grid(values.transpose(2, 0, 1), BOX, ("lcz", "y", "x")))
        made[name] = write_probabilities(tmp_path / f"{name}_proba.tif", proba)
        write_lcz_map(tmp_path / f"{name}.tif", labels(proba))
    assert run_lcz("fuse", *made.values(), "--out", tmp_path / "plain")[0] == 0
    out = tmp_path / "out"
    assert run_lcz("fuse", *made.values(), "--out", out, "--out-scheme", "101-107")[0] == 0
    plain = open_lcz_map(tmp_path / "plain/fused_lcz.tif")
    assert is_in(out / "fused_lcz.tif", "101-107", plain)
    np.testing.assert_array_equal(open_lcz_map(out / "fused_lcz.tif"), plain)
    assert run_lcz("rerun", out, "--out", tmp_path / "again")[0] == 0
    assert is_in(tmp_path / "again/fused_lcz.tif", "101-107", plain)
    maps = (tmp_path / "a.tif", tmp_path / "b.tif", out / "fused_lcz.tif")
    line = ("compare", *maps, "--no-figures")
    for scheme in SCHEMES:
        folder = tmp_path / scheme
        assert run_lcz(*line, "--out", folder, "--out-scheme", scheme)[0] == 0
        assert is_in(
            folder / "consensus.tif", scheme, open_lcz_map(tmp_path / "1-17/consensus.tif")
        )


@pytest.fixture
def numbered(all_classes, tmp_path) -> dict[str, Path]:
    """One map in each numbering."""
    return {s: write_lcz_map(tmp_path / s / "city_lcz.tif", all_classes, scheme=s) for s in SCHEMES}


def test_all_that_reads_maps_finds_the_same_in_each_numbering(
    numbered, all_classes, run_lcz, tmp_path
):
    rng = np.random.default_rng(4)
    truth = all_classes.copy(data=np.where(rng.random(BOX.shape) < 0.3, 6, all_classes.values))
    truth = write_lcz_map(tmp_path / "truth.tif", lcz_map(truth.where(all_classes > 0, 0)))
    heat = on_grid(
        (20 + rng.normal(0, 2, BOX.shape) - all_classes.values / 5).astype(np.float32), BOX
    )
    write_raster(tmp_path / "lst.tif", heat)
    lines = {
        "assessment.json": ("assess", "--reference", truth, "--no-figures"),
        "comparison.json": ("compare", truth, "--no-figures"),
        "heat_island.json": ("uhi", "--lst", tmp_path / "lst.tif", "--unit", "degC", "--interior", "0"),
        "districts": ("export", "--to", "geotiff"),
    }  # fmt: skip
    for file, (command, *rest) in lines.items():
        found = {}
        for scheme, path in numbered.items():
            out = tmp_path / f"{command}-{scheme}"
            code, _, err = run_lcz(command, path, *rest, "--out", out)
            assert code == 0, (command, scheme, err)
            if command == "export":
                found[scheme] = stored(out / "lcz.tif").tolist()
                continue
            content = json.loads((out / file).read_text())
            for name in (
                "map",
                "maps",
                "networks",
                "read",
                "inputs",
            ):  # they name file and numbering
                content.pop(name, None)
            found[scheme] = content
        assert found["101-107"] == found["1-17"], command
        assert found["0-16"] == found["1-17"], command


def test_polygons_of_a_map_in_each_numbering_drawn_again_are_the_map(
    numbered, all_classes, tmp_path
):
    for scheme, path in numbered.items():
        out = run(ExportRequest(map_path=path, to="gpkg")).write(tmp_path / f"gpkg {scheme}")
        patches = gpd.read_file(out / "lcz.gpkg", layer="lcz")
        assert patches.is_valid.all()
        shapes = zip(patches.geometry, patches["lcz"], strict=True)
        again = rasterio.features.rasterize(shapes, BOX.shape, transform=BOX.affine, dtype="uint8")
        assert (again == all_classes.values).mean() >= 0.999


def test_the_dashboard_shows_the_same_map_in_each_numbering(numbered, all_classes, tmp_path):
    for scheme, path in numbered.items():
        study = Study(tmp_path / f"work {scheme}", tmp_path / f"store {scheme}")
        study.param.update(city="own", map_files=(str(path),))
        for step in ("scene", "own_map"):
            study.compute(step)
        np.testing.assert_array_equal(study.own_map, all_classes)
