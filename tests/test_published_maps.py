"""Published maps by their name, and in the folders of So2Sat's programs, wherever a map is taken."""

import json

import numpy as np
import pytest
import rasterio

from lczlib.errors import CatalogError, InputError
from lczlib.jobs.compare import CompareRequest, run
from lczlib.jobs.published_maps import map_file


@pytest.fixture
def city(write_tif, tmp_path):
    """A city as So2Sat's programs leave it: fused map, one of each sensor, scenes beside."""
    name = "00017_22007_Lagos"
    fused = np.full((12, 10), 3, np.uint16)
    fused[:, 5:] = 14
    kept = {"crs": "EPSG:32631", "pixel": 100.0}
    write_tif(fused, f"gul/Sentinel-1/{name}/LCZ_Fusion/201706/s1_s2_fusion.tif", **kept)
    write_tif(fused + 1, f"gul/Sentinel-1/{name}/LCZClaMap/201706/LCZLabel.tif", **kept)
    write_tif(fused + 2, f"gul/Sentinel-2/{name}/LCZ_ResNet20/{name}_lab.tiff", **kept)
    write_tif(fused, f"gul/Sentinel-1/{name}/mosaic_dat/201706/mosaic.tif", **kept)
    own = fused.astype(np.uint8)
    own[0] = 17
    return tmp_path / "gul", write_tif(own, "own_lcz.tif", **kept)


def test_an_own_map_is_held_against_the_published_one_of_its_folder(city, tmp_path, run_lcz):
    folder, own = city
    code, _, err = run_lcz("compare", own, folder, "--out", tmp_path / "c", "--no-figures")
    assert code == 0, err
    found = json.loads((tmp_path / "c/comparison.json").read_text())
    assert found["n"] == 120
    assert found["agreement"] == pytest.approx(110 / 120)
    code, _, err = run_lcz("rerun", tmp_path / "c", "--out", tmp_path / "again")
    assert code == 0, err


def test_the_fused_map_comes_before_those_of_one_sensor(city):
    folder, _ = city
    name = "00017_22007_Lagos"
    assert map_file(folder)[0].name == "s1_s2_fusion.tif"
    assert map_file(folder / "Sentinel-2" / name)[0].name == f"{name}_lab.tiff"
    (folder / "Sentinel-1" / name / "LCZ_Fusion/201706/s1_s2_fusion.tif").unlink()
    (folder / "Sentinel-2" / name / "LCZ_ResNet20" / f"{name}_lab.tiff").unlink()
    assert map_file(folder / "Sentinel-1" / name)[0].name == "LCZLabel.tif"


def test_folders_of_several_maps_and_of_none_are_refused(city, write_tif, tmp_path):
    folder, own = city
    write_tif(np.ones((3, 3), np.uint16), "gul/MAP/B/LCZ_Fusion/201801/s1_s2_fusion.tif")
    with pytest.raises(InputError, match=r"is a folder: name the file in it \(MAP/B/"):
        run(CompareRequest(map_a=own, map_b=folder))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty is a folder: name the file in it\.$"):
        run(CompareRequest(map_a=own, map_b=tmp_path / "empty"))


def test_the_map_of_the_pearl_river_delta_goes_by_its_name_and_years(mirror, tmp_path, run_lcz):
    with rasterio.open(f"/vsizip/{map_file('prd_lcz_2020')[0]}") as source:
        assert source.shape == (4458, 5789)
        window = rasterio.windows.Window(3200, 2500, 60, 50)
        values, transform = source.read(1, window=window), source.window_transform(window)
    profile = {"driver": "GTiff", "height": 50, "width": 60, "count": 1, "dtype": "uint8"}
    path = tmp_path / "own.tif"
    with rasterio.open(path, "w", crs="EPSG:4326", transform=transform, **profile) as out:
        out.write(values.astype(np.uint8), 1)
    out = tmp_path / "c"
    code, printed, err = run_lcz(
        "compare", path, "prd_lcz_2020", "--resample", "nearest", "--out", out, "--no-figures"
    )
    assert code == 0, err
    assert "imagery of 2018-2019; licence MIT" in " ".join((printed + err).split())
    found = json.loads((out / "comparison.json").read_text())
    assert found["agreement"] == 1
    assert found["n"] == int((values > 0).sum())


def test_a_map_that_is_only_linked_to_says_where_it_is(city):
    _, own = city
    with pytest.raises(CatalogError, match="only linked to"):
        run(CompareRequest(map_a=own, map_b="so2sat_gul"))
