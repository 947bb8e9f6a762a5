"""Training on from networks that normalise each scene by its own statistics: patches are scaled as mapping scales."""

from __future__ import annotations

import dataclasses
import json

import geopandas as gpd
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from lczlib.cli import app
from lczlib.grid import geobox_of
from lczlib.mapping import MapRequest, make_engine, map_city, predict, prepare
from lczlib.models import Weights, build, describe, save_safetensors
from lczlib.models.weights import SENTINEL1_FEATURES
from lczlib.polygons import open_polygons
from lczlib.scene_options import SceneOptions
from lczlib.scenes import open_so2sat
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.training.evaluation import predict_patches, scaling_of
from lczlib.training.inputs import SceneFiles, patches_of, patches_of_points

NAME = "00000_00000_Simulated"
START = "so2sat_s1_resnet20"
OWN = Weights(
    "own", "resnet20", "s1", SENTINEL1_FEATURES, patch_size=32, normalisation="scene", simulated=True,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A simulated city."""
    return write_so2sat(simulate_city(4, seed=5), tmp_path_factory.mktemp("city"))


@pytest.fixture
def own(tmp_path):
    """A network, fresh, that normalises each scene by its own statistics."""
    torch.manual_seed(1)
    network = build("resnet20", len(OWN.bands)).eval()
    return network, save_safetensors(tmp_path / "own.safetensors", network, OWN)


def polygons(folder) -> gpd.GeoDataFrame:
    return open_polygons(folder / "Reference" / NAME / "polygons.gpkg")


def files(folder, weights: Weights = OWN, **options: object) -> SceneFiles:
    return SceneFiles((str(folder),), options=SceneOptions(city=NAME, **options)).read_by(weights)


def radar(folder):
    return open_so2sat(folder, NAME, sensors=("s1",)).sentinel1


def test_a_patch_that_is_trained_on_is_what_mapping_reads_there(folder, own):
    """Cut out of the whole scene as scaled for mapping, edges mirrored and missing pixels filled."""
    network, path = own
    patches = patches_of(files(folder), polygons(folder), patch_size=32, spacing=100.0)
    assert patches.kind.normalised
    ready = prepare(radar(folder), OWN)
    whole = ready.bands.to_array().values.astype(np.float32)
    whole = whole * ready.gain[:, None, None] + ready.shift[:, None, None]
    np.testing.assert_allclose(np.nanmean(whole[0]), 0, atol=1e-3)
    at = ~geobox_of(ready.bands).affine
    table, cut = patches.table, patches.read(np.arange(len(patches)))
    cols, rows = (
        np.round(v).astype(int) for v in at @ (table["left"].to_numpy(), table["top"].to_numpy())
    )
    inside = np.flatnonzero(table["inside"] == 1)
    assert len(inside) > 100
    for i in inside:
        there = whole[:, rows[i] : rows[i] + 32, cols[i] : cols[i] + 32]
        np.testing.assert_allclose(cut[i], there, atol=1e-5)
    # and all of them, those that reach over the edge too, are classified as the map is
    mapped = predict(ready, make_engine(str(path), device="cpu", engine="torch")).probability
    found = predict_patches(network, patches, scaling_of(OWN, patches.kind), device="cpu")
    cells = [
        mapped.get_index(axis).get_indexer(table[axis], method="nearest") for axis in ("y", "x")
    ]
    assert (table["inside"] < 1).any()
    np.testing.assert_allclose(found, mapped.values[:, cells[0], cells[1]].T, atol=2e-5)


def test_a_box_and_a_fringe_change_no_statistics(folder):
    west, south, east, north = geobox_of(radar(folder)).geographic_extent.boundingbox
    half = (west, south, (west + east) / 2, north)
    whole = patches_of(files(folder), polygons(folder), patch_size=8, spacing=100.0)
    other = dataclasses.replace(files(folder, box=half), fringe=3)
    part = patches_of(other, polygons(folder), patch_size=8, spacing=100.0)
    assert 0 < len(part) < len(whole)
    both = whole.table.reset_index().merge(part.table.reset_index(), on=["x", "y"])
    # the radar's filter looks 3 pixels far, and sees less at the edge of a box
    both = both[both["inside_y"] == 1]
    a, b = whole.read(both["index_x"].to_numpy()), part.read(both["index_y"].to_numpy())
    assert len(both) > 20
    same = np.isclose(a, b, atol=1e-4).all((1, 2, 3))
    assert same.mean() > 0.9
    alone = prepare(files(folder, box=half).open()[f"{NAME} s1"], OWN)
    assert not np.allclose(alone.shift, prepare(radar(folder), OWN).shift, atol=1e-3)


def test_several_scenes_are_each_normalised_by_their_own(folder):
    """The seasons, as a network of Sentinel-2 reads them that normalises so."""
    optical = dataclasses.replace(OWN, sensor="s2", bands=("B02", "B08"), level="")
    found = patches_of(files(folder, optical), polygons(folder), patch_size=8, spacing=100.0)
    scenes = files(folder, optical).open()
    assert len(scenes) > 1
    for name, scene in scenes.items():
        ready = prepare(scene, optical)
        here = np.flatnonzero(found.table["scene"] == name)
        centre = found.read(here)[:, 0, 4, 4]
        x, y = (found.table.loc[here, a].to_numpy() for a in "xy")
        box = geobox_of(scene)
        cols, rows = (np.floor(v).astype(int) for v in ~box.affine @ (x, y))
        values = scene["B02"].values[rows, cols]
        np.testing.assert_allclose(centre, values * ready.gain[0] + ready.shift[0], atol=1e-4)
    points = found.to_points()
    again = patches_of_points(
        files(folder, optical), points, bands=optical.bands, patch_size=optical.patch_size
    )
    assert again.kind.normalised
    assert len(again) == len(found)


def test_the_published_network_of_sentinel1_is_trained_on_and_maps(folder, mirror, tmp_path):
    areas = folder / "Reference" / NAME / "polygons.gpkg"
    arguments = [
        "train", str(folder), "--city", NAME, "--polygons", str(areas), "--from", START, "--tune", "linear",
        "--spacing", "100", "--split", "random", "--device", "cpu", "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    path = tmp_path / "run/model.safetensors"
    tuned, start = describe(str(path)), describe(START)
    assert (tuned.normalisation, tuned.mean, tuned.std) == ("scene", start.mean, start.std)
    assert tuned.simulated
    report = json.loads((tmp_path / "run/training.json").read_text())
    mapped = map_city(
        MapRequest((str(folder),), city=NAME, weights=(str(path),), device="cpu"), tmp_path / "map"
    )
    assert mapped.manifest["statistics"]["s1"]["area"] == "the whole scene"
    lcz = mapped.kinds["s1"]
    points = (
        gpd.read_file(tmp_path / "run/patches.gpkg").query("subset == 'test'").to_crs(lcz.rio.crs)
    )
    there = lcz.sel(
        x=points.geometry.x.to_xarray(), y=points.geometry.y.to_xarray(), method="nearest"
    )
    assert len(points) == report["test"]["n"]
    # the map is as right at the test patches as the run says: it reads them alike
    assert float((there.values == points["lcz"].to_numpy()).mean()) == pytest.approx(
        report["test"]["oa"], abs=0.01
    )
    arguments = [
        "evaluate", str(path), str(folder), "--city", NAME, "--patches", str(tmp_path / "run/patches.gpkg"),
        "--device", "cpu", "--out", str(tmp_path / "evaluated"),
    ]  # fmt: skip
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "evaluated/evaluation.json").read_text())
    assert found["oa"] == pytest.approx(report["test"]["oa"])
