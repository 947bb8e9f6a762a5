"""Maps are named after what their network reads, and say which network that was."""

import dataclasses
import json

import numpy as np
import pytest
import rasterio

from lczlib.errors import InputError, WeightsError
from lczlib.kinds import by_title
from lczlib.made_by import joined, network_of, told
from lczlib.mapping import MapRequest, map_city
from lczlib.models import Weights, build, save_safetensors
from lczlib.study.material import open_maps

BANDS = ("B2", "B3", "B4", "B5", "B10")


@pytest.fixture
def network(tmp_path):
    """Write a small untrained network of 100 m pixels for a sensor."""

    def write(sensor="landsat", name="mylandsat"):
        options = {"width": 2, "depth": 1}
        weights = Weights(
            name, "sen2lcz", sensor, BANDS, patch_size=8, pixel_size=100.0, options=options
        )
        path = tmp_path / f"{name}.safetensors"
        save_safetensors(path, build("sen2lcz", len(BANDS), **options), weights)
        return str(path)

    return write


@pytest.fixture
def image(write_tif):
    """Write an image of five bands at 100 m; a share of its pixels is missing."""

    def write(name="image.tif", missing=0.0):
        rng = np.random.default_rng(0)
        values = rng.uniform(7000, 30000, (5, 60, 60)).astype(np.float32)
        values[:, rng.random((60, 60)) < missing] = np.nan
        return str(write_tif(values, name, pixel=100.0, descriptions=BANDS))

    return write


def test_a_network_of_another_sensor_makes_maps_of_its_name(network, image, tmp_path, run_lcz):
    out = tmp_path / "out"
    code, printed, err = run_lcz("map", image(), "--weights", network(), "--out", out)
    assert code == 0, err
    names = {p.name for p in out.iterdir() if p.suffix == ".tif"}
    assert names == {
        "landsat_proba.tif", "landsat_lcz.tif", "landsat_certainty.tif", "valid_fraction.tif",
    }  # fmt: skip
    assert json.loads((out / "manifest.json").read_text())["kinds"] == ["landsat"]
    assert "Network: landsat mylandsat." in printed
    maps = open_maps(out)
    assert list(maps.kinds) == list(maps.certainties) == ["landsat"]
    assert by_title([*maps.kinds, "own"]) == {"Uploaded map": "own", "Landsat": "landsat"}
    seasons = MapRequest(
        seasons={"dry": image("d.tif"), "wet": image("w.tif")}, weights=(network(),)
    )
    found = map_city(seasons, tmp_path / "seasons")
    assert list(found.kinds) == ["landsat"]
    assert (tmp_path / "seasons/landsat_wet_lcz.tif").is_file()
    with pytest.raises(InputError, match="rasters of landsat and spot"):
        map_city(
            MapRequest((image(),), weights=(network(), network("spot", "other"))), tmp_path / "x"
        )


def test_every_table_and_document_says_which_network_made_the_map(
    network, image, tmp_path, run_lcz, write_tif
):
    out = tmp_path / "out"
    run_lcz("map", image(), "--weights", network(), "--out", out)
    lcz = out / "landsat_lcz.tif"
    with rasterio.open(lcz) as src:
        assert src.tags()["LCZLIB_WEIGHTS"] == "mylandsat"
        codes = src.read(1)
    other = write_tif(
        np.random.default_rng(1).integers(1, 18, codes.shape, np.uint8), "theirs.tif", pixel=100.0
    )
    _, printed, err = run_lcz(
        "assess",
        lcz,
        "--reference",
        other,
        "--reference-scheme",
        "1-17",
        "--no-figures",
        "--out",
        tmp_path / "a",
    )
    assert "by the network mylandsat" in printed, err
    assert json.loads((tmp_path / "a/assessment.json").read_text())["network"] == "mylandsat"
    _, printed, err = run_lcz(
        "compare", lcz, other, "--scheme", "1-17", "--no-figures", "--out", tmp_path / "c"
    )
    assert "Network: landsat_lcz mylandsat." in printed, err
    document = json.loads((tmp_path / "c/comparison.json").read_text())
    assert document["networks"] == {"landsat_lcz": "mylandsat"}


def test_networks_are_read_from_tags_or_from_the_manifest_of_older_maps(write_tif, tmp_path):
    codes = np.full((5, 5), 2, np.uint8)
    tagged = write_tif(codes, "a.tif", tags={"LCZLIB_WEIGHTS": "one + two"})
    assert network_of(tagged) == "one + two"
    for name in ("s1_lcz.tif", "fused_lcz.tif", "stray.tif"):
        write_tif(codes, name)
    weights = [{"name": "radar", "sensor": "s1"}, {"name": "image", "sensor": "s2"}]
    content = {"weights": weights, "outputs": {"s1_lcz.tif": "", "fused_lcz.tif": ""}}
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    assert network_of(tmp_path / "s1_lcz.tif") == "radar"
    assert network_of(tmp_path / "stray.tif") == ""
    assert network_of(tmp_path / "nothing.tif") == ""
    (tmp_path / "manifest.json").write_text("[]")
    assert network_of(tmp_path / "s1_lcz.tif") == ""
    assert joined(["a", "b + a", ""]) == "a + b"
    assert told({"s1": "a", "s2": "b", "fused": "a + b"}) == "Networks: s1 a; s2 b; fused of these."


def test_a_map_in_which_no_cell_gets_a_class_is_refused(network, image, tmp_path, run_lcz):
    code, _, err = run_lcz(
        "map", image(missing=1.0), "--weights", network(), "--out", tmp_path / "o"
    )
    assert code == 1
    assert "no pixel that is valid" in err
    values = np.full((5, 600, 600), np.nan, np.float32)  # at 10 m: valid, but never half of a cell
    rng = np.random.default_rng(0)
    values[:, ::2, ::3] = rng.uniform(7000, 30000, (5, 300, 200))
    from rasterio.transform import from_origin

    path = tmp_path / "sparse.tif"
    with rasterio.open(path, "w", driver="GTiff", count=5, height=600, width=600, dtype="float32",
                       crs="EPSG:32633", transform=from_origin(384040, 5820320, 10, 10)) as dst:  # fmt: skip
        dst.write(values)
        dst.descriptions = BANDS
    fine = tmp_path / "fine.safetensors"
    weights = Weights(
        "fine", "sen2lcz", "landsat", BANDS, patch_size=8, options={"width": 2, "depth": 1}
    )
    save_safetensors(fine, build("sen2lcz", 5, width=2, depth=1), weights)
    code, _, err = run_lcz("map", path, "--weights", fine, "--out", tmp_path / "o")
    assert code == 1
    assert "No cell has half of its pixels valid" in err
    assert not list(tmp_path.glob("o/*.tif"))


def test_a_network_whose_numbers_run_over_is_no_map_without_data(network, image, tmp_path):
    import torch

    path = network()
    options = {"width": 2, "depth": 1}
    model = build("sen2lcz", len(BANDS), **options)
    with torch.no_grad():  # finite for small values, and beyond float32 for these
        next(p for p in model.parameters() if p.ndim == 4).fill_(1e30)
        [p for p in model.parameters() if p.ndim == 4][1].fill_(1e6)
    weights = dataclasses.replace(
        Weights(
            "huge", "sen2lcz", "landsat", BANDS, patch_size=8, pixel_size=100.0, options=options
        )
    )
    save_safetensors(path, model, weights)
    with pytest.raises(WeightsError, match=r"no finite probabilities|gives no probability"):
        map_city(MapRequest((image(),), weights=(path,)), tmp_path / "out")
    assert not list(tmp_path.glob("out/*.tif"))


def test_evaluating_a_network_of_another_sensor_opens_its_files_twice(
    network, image, tmp_path, run_lcz
):
    import geopandas as gpd
    from shapely import box

    squares = [box(x, 5815000, x + 900, 5819000) for x in (385000, 387000)]
    areas = gpd.GeoDataFrame({"lcz": [2, 11]}, geometry=squares, crs="EPSG:32633")
    areas.to_file(tmp_path / "areas.gpkg")
    code, printed, err = run_lcz(
        "evaluate", network(), image(), "--polygons", tmp_path / "areas.gpkg", "--no-figures",
        "--device", "cpu", "--replicates", "100", "--out", tmp_path / "found",
    )  # fmt: skip
    assert code == 0, err
    assert printed.count("Raster image.tif:") == 1
