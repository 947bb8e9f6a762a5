"""``lcz patches``: a data set of labelled patches, from scenes and polygons to a file and back."""

import json

import geopandas as gpd
import h5py
import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely.geometry import box

from lczlib.errors import InputError
from lczlib.experiment.data import PatchFileData
from lczlib.jobs.patches import PatchesRequest, few_polygons, run
from lczlib.models.weights import SENTINEL2_BANDS
from lczlib.scenes import COMBINATIONS
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.training.patch_file import PatchFile

LEFT, TOP, PIXELS, PATCH = 384_040.0, 5_820_320.0, 470, 48
CLASSES = (2, 6, 14)


@pytest.fixture
def tile(write_tif, tmp_path):
    """A simulated Sentinel-2 tile of 470 pixels, and ten polygons: one for each row of the fishnet.

    The tenth row's centres lie in the tile, and their patches reach 10 pixels over its lower edge; so
    do those of the tenth column over its right edge. The last polygon is 100 m wide.
    """
    rng = np.random.default_rng(4)
    values = rng.integers(300, 4000, (10, PIXELS, PIXELS), np.uint16)
    scene = write_tif(values, "july.tif", descriptions=SENTINEL2_BANDS, nodata=0)
    rows = [(200, 280) if i == 9 else (10, 470) for i in range(10)]
    shapes = [
        box(LEFT, TOP - 480 * i - low, LEFT + 4700, TOP - 480 * i - high)
        for i, (high, low) in enumerate(rows)
    ]
    lcz = [CLASSES[i % 3] for i in range(10)]
    polygons = tmp_path / "areas.gpkg"
    gpd.GeoDataFrame({"lcz": lcz}, geometry=shapes, crs="EPSG:32633").to_file(polygons)
    return scene, polygons, values


def test_positions_names_classes_and_pixels_are_those_of_the_tile(tile, tmp_path):
    scene, polygons, values = tile
    result = run(PatchesRequest(inputs=scene, polygons=polygons))
    result.write(tmp_path / "out")
    padded = np.pad(values, ((0, 0), (0, 10), (0, 10)), mode="symmetric")
    with h5py.File(tmp_path / "out/patches.h5") as file:
        assert file["sen2"].shape == (100, PATCH, PATCH, 10)
        assert tuple(file["sen2"].attrs["bands"]) == SENTINEL2_BANDS
        assert file["label"].shape == (100, 17)
        for i in range(100):
            row, col = divmod(i, 10)
            assert file["name"].asstr()[i] == f"july_{row}_{col}"
            assert file["label"][i].argmax() + 1 == CLASSES[row % 3]
            assert file["polygon"][i] == row + 1
            assert (file["x"][i], file["y"][i]) == (LEFT + 480 * col + 240, TOP - 480 * row - 240)
            assert (file["left"][i], file["top"][i]) == (LEFT + 480 * col, TOP - 480 * row)
            expected = padded[:, 48 * row : 48 * row + 48, 48 * col : 48 * col + 48] / 1e4
            np.testing.assert_allclose(file["sen2"][i].transpose(2, 0, 1), expected, rtol=1e-6)
            share = (38 if row == 9 else 48) * (38 if col == 9 else 48) / 48**2
            assert file["inside"][i] == pytest.approx(share)
        subset = file["subset"].asstr()[()]
        assert set(file["crs"].asstr()[()]) == {"EPSG:32633"}
    assert any("19 patches reach over the edge" in text for text in result.notes())
    assert {len(set(subset[10 * i : 10 * i + 10])) for i in range(10)} == {1}  # by polygon


def test_the_file_gives_back_the_patches_and_their_subsets(tile, tmp_path):
    scene, polygons, _ = tile
    result = run(PatchesRequest(inputs=scene, polygons=polygons, split="random"))
    result.write(tmp_path)
    found = PatchFile(tmp_path / "patches.h5").subsets()
    assert found.method == "random"
    for name in ("train", "validation", "test"):
        ours, theirs = getattr(result.subsets, name), getattr(found, name)
        assert ours.kind.bands == theirs.kind.bands
        assert ours.table["name"].tolist() == theirs.table["name"].tolist()
        index = np.arange(len(ours))[::-3]
        np.testing.assert_array_equal(ours.read(index), theirs.read(index))
    assert (len(found.train), len(found.validation), len(found.test)) == (64, 16, 20)
    assert found.overlap.n_touched == 0  # places are known, and these patches only touch
    two = PatchFile(tmp_path / "patches.h5", ("B12", "B02"))
    whole = result.subsets.whole.read(np.array([5]))
    np.testing.assert_array_equal(two.read(np.array([5])), whole[:, [9, 0]])


def test_classes_of_few_polygons_and_narrow_polygons_are_named(tile):
    scene, polygons, _ = tile
    said = run(PatchesRequest(inputs=scene, polygons=polygons)).cautions()
    assert said[0].startswith("july: 5 polygons or fewer gave patches of LCZ 2 (4), 6 (3), D (3);")
    assert said[1].startswith("areas.gpkg: 1 of 10 polygons (number 10) is nowhere 200 m wide")
    enough = pd.DataFrame({"city": "A", "lcz": 2, "polygon": range(6)})
    assert few_polygons(enough) == []


def test_the_counts_are_those_of_the_classes_and_cities(tile, tmp_path, run_lcz):
    scene, polygons, _ = tile
    code, out, _ = run_lcz("patches", scene, "--polygons", polygons, "--write", tmp_path / "a/p.h5")
    assert code == 0, out
    counts = pd.read_csv(tmp_path / "a/p_counts.csv", index_col="LCZ")
    assert counts["july"].loc[["2", "6", "D", "G", "total"]].tolist() == [40, 30, 30, 0, 100]
    manifest = json.loads((tmp_path / "a/manifest.json").read_text())
    assert set(manifest["outputs"]) == {"p.h5", "p_counts.csv"}
    code, out, err = run_lcz("rerun", tmp_path / "a", "--out", tmp_path / "b")
    assert code == 0, err
    with h5py.File(tmp_path / "a/p.h5") as one, h5py.File(tmp_path / "b/p.h5") as other:
        np.testing.assert_array_equal(one["sen2"][()], other["sen2"][()])
        assert one["subset"].asstr()[()].tolist() == other["subset"].asstr()[()].tolist()


def test_without_a_file_patches_are_only_counted(tile, tmp_path, run_lcz, monkeypatch):
    scene, polygons, _ = tile
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code, out, _ = run_lcz("patches", scene, "--polygons", polygons)
    assert code == 0
    assert "100 patches of 48 x 48 pixels and 10 channels" in " ".join(out.split())
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("more", "status", "message"),
    [
        (
            ("--write", "patches.tif"),
            2,
            "'patches.tif' is no name of an HDF5 file: end it with .h5",
        ),
        (("--patch", "48", "--spacing", "3"), 1, "A fishnet of 3 m is too fine for pixels of 10 m"),
        (("--sensor", "both"), 1, "does not have the Sentinel-1 covariance"),
    ],
)
def test_bad_input_is_one_sentence(tile, run_lcz, more, status, message):
    scene, polygons, _ = tile
    code, _, err = run_lcz("patches", scene, "--polygons", polygons, *more)
    assert code == status
    assert message in err


def test_a_file_of_patches_is_no_scene_and_a_cut_one_is_refused(tile, tmp_path, run_lcz):
    scene, polygons, _ = tile
    run(PatchesRequest(inputs=scene, polygons=polygons)).write(tmp_path)
    path = tmp_path / "patches.h5"
    with pytest.raises(InputError, match="holds patches already"):
        PatchesRequest(inputs=path)
    code, _, err = run_lcz("train", path, "--sensor", "s1", "--out", tmp_path / "run")
    assert code == 1
    assert "holds no patches of s1: it holds sen2" in err
    with h5py.File(path, "r+") as file:
        del file["subset"]
    with pytest.raises(InputError, match="truncated or damaged"):
        PatchFile(path)
    code, _, err = run_lcz("train", path, "--out", tmp_path / "run")
    assert code == 1
    assert "truncated or damaged" in err


@pytest.mark.slow
def test_what_is_written_of_two_cities_trains_and_experiments(tmp_path, run_lcz):
    """The nineteen channels of Sen12LCZ from So2Sat folders, and the commands that take them."""
    for seed, name in ((5, "00001_a_Simulated"), (6, "00002_b_Simulated")):
        write_so2sat(simulate_city(4, seed=seed), tmp_path / "cities", name)
    path = tmp_path / "patches.h5"
    code, out, err = run_lcz(
        "patches", tmp_path / "cities", "--city", "00001_a_Simulated", "--city",
        "00002_b_Simulated", "--season", "summer", "--patch", "16", "--spacing", "160", "--write", path,
    )  # fmt: skip
    assert code == 0, err
    with h5py.File(path) as file:
        channels = (*file["sen1"].attrs["bands"], *file["sen2"].attrs["bands"])
        assert channels == COMBINATIONS["D6"]
        assert file.attrs["simulated"]
        assert set(file["city"].asstr()[()]) == {"00001_a_Simulated", "00002_b_Simulated"}
        x, y, crs = file["x"][3], file["y"][3], file["crs"].asstr()[3]
        place, pixels = file["city"].asstr()[3], file["sen2"][3]
    scene = next((tmp_path / "cities/Sentinel-2" / place / "summer").glob("*.tif"))
    with rasterio.open(scene) as source:  # its second band is B02
        assert source.crs.to_string() == crs
        row, col = source.index(x, y)
        window = rasterio.windows.Window(col - 8, row - 8, 16, 16)
        np.testing.assert_allclose(pixels[..., 0], source.read(2, window=window) / 1e4, rtol=1e-5)
    data = PatchFileData(str(path))
    assert data.combinations == tuple(COMBINATIONS)
    tiny = ("--arch", "sen2lcz", "--epochs", "1", "--device", "cpu", "--no-figures")
    code, out, err = run_lcz(
        "train", path, "--inputs", "D5", "--option", "width=4", "--option", "depth=1", *tiny, "--out",
        tmp_path / "net",
    )  # fmt: skip
    assert code == 0, err
    assert "split by polygon" in out
    report = json.loads((tmp_path / "net/training.json").read_text())
    assert report["test"]["n"] == len(data.subsets().test)
    weights = tmp_path / "net/model.safetensors"
    code, out, err = run_lcz("evaluate", weights, path, "--out", tmp_path / "e", "--no-figures")
    assert code == 0, err
    again = json.loads((tmp_path / "e/evaluation.json").read_text())
    assert again["oa"] == pytest.approx(report["test"]["oa"])
    code, out, err = run_lcz(
        "map", tmp_path / "cities", "--city", "00002_b_Simulated", "--weights", weights, "--out",
        tmp_path / "map",
    )  # fmt: skip
    assert code == 0, err  # trained on a file, it maps scenes
