"""Patches of scenes and of So2Sat LCZ42 files."""

import geopandas as gpd
import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from odc.geo.geobox import GeoBox
from shapely.geometry import box as rectangle
from synthetic_so2sat import write_hdf5

from lczlib.errors import ClassSchemeError, GridError, InputError
from lczlib.grid import on_grid
from lczlib.mapping import make_engine, predict, prepare
from lczlib.models import Weights, build, save_safetensors
from lczlib.polygons import open_polygons
from lczlib.scenes.raster import without_fringe
from lczlib.training.batches import turn_and_flip
from lczlib.training.evaluation import predict_patches, scaling_of
from lczlib.training.forest import cell_means
from lczlib.training.inputs import SceneFiles, patches_of
from lczlib.training.joining import join_patches
from lczlib.training.patches import patches_at, scene_patches
from lczlib.training.so2sat import SEN1_BANDS, So2SatPatches

LEFT, TOP = 500_000.0, 5_800_000.0


def make_scene(pixels=200, bands=("a", "b"), pixel=10.0, seed=0, **attrs):
    """Synthetic scene of random values; the first band counts the pixels."""
    box = GeoBox.from_bbox(
        (LEFT, TOP - pixels * pixel, LEFT + pixels * pixel, TOP), "EPSG:32633", resolution=pixel
    )
    rng = np.random.default_rng(seed)
    values = rng.uniform(1, 2, (len(bands), pixels, pixels)).astype(np.float32)
    values[0] = np.arange(pixels * pixels).reshape(pixels, pixels)
    layers = {b: on_grid(v, box) for b, v in zip(bands, values, strict=True)}
    return xr.Dataset(layers, attrs={"sensor": "toy", "simulated": True, **attrs})


def polygons(*boxes, crs="EPSG:32633"):
    """Rectangles (lcz, left, top, right, bottom) in metres from the scene's upper-left corner."""
    shapes = [rectangle(LEFT + x0, TOP - y1, LEFT + x1, TOP - y0) for _, x0, y0, x1, y1 in boxes]
    table = {
        "polygon": np.arange(1, len(boxes) + 1),
        "lcz": np.array([b[0] for b in boxes], np.uint8),
    }
    return gpd.GeoDataFrame(table, geometry=shapes, crs=crs)


def cut(scene, areas, **options):
    return scene_patches(scene, areas, sensor="toy", bands=tuple(scene.data_vars), **options)


def test_a_fishnet_cell_belongs_to_the_polygon_that_holds_its_centre():
    # fishnet of 480 m: centres at 240 and 720 m; the first polygon holds (240, 240) and
    # (720, 240), the second touches cells but holds no centre but (720, 720)
    areas = polygons((3, 200, 200, 800, 300), (6, 500, 500, 760, 900))
    found = cut(make_scene(), areas, patch_size=48)
    where = {(x - LEFT, TOP - y): c for x, y, c in found.table[["x", "y", "lcz"]].to_numpy()}
    assert where == {(240, 240): 3, (720, 240): 3, (720, 720): 6}
    # at 480 m and 48 pixels the patch is the fishnet cell itself
    corner = found.read(np.array([0]))[0, 0]
    assert corner[0, 0] == 0
    assert corner[47, 47] == 47 * 200 + 47


@pytest.mark.parametrize("size", [32, 48, 64])
def test_patches_of_any_size_are_centred_on_the_fishnet_cell(size):
    scene = make_scene()
    found = cut(scene, polygons((3, 1100, 1100, 1300, 1300)), patch_size=size)
    patch = found.read(np.array([0]))[0, 0]
    row, col = divmod(int(patch[0, 0]), 200)
    assert (row + size / 2, col + size / 2) == (120, 120)  # 1200 m: the centre of the third cell


def test_a_batch_in_any_order_is_what_the_scene_holds():
    scene = make_scene()
    found = cut(scene, polygons((3, 0, 0, 2000, 1000), (4, 0, 1000, 2000, 2000)), spacing=100.0)
    index = np.random.default_rng(1).permutation(len(found))[:20]
    batch = found.read(index)
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    for patch, (x, y) in zip(batch, found.table.loc[index, ["x", "y"]].to_numpy(), strict=True):
        row, col = int((TOP - y) / 10), int((x - LEFT) / 10)
        if 16 <= row <= 184 and 16 <= col <= 184:
            expected = scene["b"].values[row - 16 : row + 16, col - 16 : col + 16]
            np.testing.assert_array_equal(patch[1], expected)


def test_patches_are_cut_as_mapping_cuts_them(tmp_path):
    """Mirrored edges, missing pixels, centring and scaling: a cell's patch is the one it is mapped by."""
    scene = make_scene(pixels=83, bands=("a", "b", "c"))
    scene["a"] = (scene["a"] / 1000).astype(np.float32)
    scene["b"] = scene["b"].where(scene["c"] > 1.05)
    weights = Weights(
        "toy", "sen2lcz", "toy", ("a", "b", "c"), patch_size=16, normalisation="fixed",
        mean=(3.0, 1.4, 1.6), std=(2.0, 0.3, 0.2), options={"width": 4, "depth": 1}, simulated=True,
    )  # fmt: skip
    network = build("sen2lcz", 3, width=4, depth=1).eval()
    path = save_safetensors(tmp_path / "toy.safetensors", network, weights)
    mapped = predict(prepare(scene, weights), make_engine(str(path), device="cpu", engine="torch"))
    proba = mapped["probability"]
    rows, cols = np.nonzero(np.isfinite(proba.values[0]))
    inside = (rows < 8) & (cols < 8)  # the centres of the last cells lie beyond the scene
    rows, cols = rows[inside], cols[inside]
    centres = pd.DataFrame({"lcz": 3, "x": proba.x.values[cols], "y": proba.y.values[rows]})
    patches = patches_at(scene, centres, sensor="toy", bands=("a", "b", "c"), patch_size=16)
    found = predict_patches(network, patches, scaling_of(weights))
    np.testing.assert_allclose(found, proba.values[:, rows, cols].T, atol=2e-5)


def test_patches_without_data_at_their_centre_are_left_out_and_counted():
    scene = make_scene()
    scene["b"] = scene["b"].where(scene["b"].x > LEFT + 1000)
    found = cut(scene, polygons((3, 0, 0, 2000, 1000), (4, 0, 1000, 2000, 2000)), spacing=100.0)
    assert (found.table["x"] > LEFT + 1000).all()
    assert found.table.attrs["invalid"] == 200 == 400 - len(found)
    assert np.isnan(found.read(np.arange(len(found)))).any()  # patches still reach into the gap


def test_statistics_are_those_of_all_valid_pixels():
    scene = make_scene()
    scene["b"] = scene["b"].where(scene["b"] > 1.2)
    scene["a"] = scene["a"] + 1e6  # large values with a small spread
    found = cut(scene, polygons((3, 0, 0, 2000, 2000), (4, 9000, 9000, 9001, 9001)))
    values = found.read(np.arange(len(found))).astype(np.float64)
    mean, std = found.statistics()
    np.testing.assert_allclose(mean, np.nanmean(values, (0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(std, np.nanstd(values, (0, 2, 3)), rtol=1e-4)


def test_a_constant_band_is_refused():
    scene = make_scene()
    scene["b"] = scene["b"] * 0 + 1
    with pytest.raises(InputError, match=r"Band\(s\) b have the same value"):
        cut(scene, polygons((3, 0, 0, 2000, 2000))).statistics()


def test_dates_of_one_place_share_polygons_and_locations_but_cities_do_not():
    areas = polygons((3, 0, 0, 2000, 1000), (4, 0, 1000, 2000, 2000))
    spring, summer = (cut(make_scene(seed=s), areas, name=str(s)) for s in (1, 2))
    dates = join_patches([spring, summer], same_place=True).table
    assert dates["location"].nunique() == len(spring)
    assert dates["polygon"].nunique() == 2
    joined = join_patches([spring, summer])
    assert (
        joined.table["location"].nunique() == joined.table["polygon"].nunique() * 8 == len(joined)
    )
    index = np.array([0, len(spring), len(joined) - 1, 1])  # of both images in one batch
    expected = [
        spring.read([0]),
        summer.read([0]),
        summer.read([len(summer) - 1]),
        spring.read([1]),
    ]
    np.testing.assert_array_equal(joined.read(index), np.concatenate(expected))


def test_polygons_outside_the_scene_are_named_with_both_places():
    with pytest.raises(GridError, match=r"outside the map \(EPSG:32633"):
        cut(make_scene(), polygons((3, 90_000, 0, 92_000, 2000)))


def test_a_scene_without_crs_is_refused():
    whole = make_scene()
    plain = {b: (("y", "x"), v.values) for b, v in whole.data_vars.items()}
    scene = xr.Dataset(plain, coords={"y": whole.y.values, "x": whole.x.values})
    with pytest.raises(GridError, match="no coordinate reference system"):
        cut(scene, polygons((3, 0, 0, 2000, 2000)))


def test_polygons_without_crs_are_refused(tmp_path):
    path = tmp_path / "areas.shp"
    polygons((3, 0, 0, 2000, 2000)).to_file(path)
    path.with_suffix(".prj").unlink()
    with pytest.raises(
        GridError, match=r"no coordinate reference system: add the Shapefile's \.prj"
    ):
        open_polygons(path)


def test_unknown_and_missing_class_names_are_refused(tmp_path):
    areas = polygons((3, 0, 0, 900, 900), (4, 0, 900, 900, 1800))
    areas.assign(lcz=["open low-rise", "downtown"]).to_file(tmp_path / "unknown.gpkg")
    with pytest.raises(InputError, match=r"'lcz' does not .*'downtown' is no Local Climate Zone"):
        open_polygons(tmp_path / "unknown.gpkg")
    areas.drop(columns="lcz").assign(colour="red").to_file(tmp_path / "missing.gpkg")
    with pytest.raises(InputError, match=r"No column .* holds LCZ classes"):
        open_polygons(tmp_path / "missing.gpkg")
    areas.assign(lcz=[3, 18]).to_file(tmp_path / "stray.gpkg")
    with pytest.raises(InputError, match="18"):
        open_polygons(tmp_path / "stray.gpkg")


def test_a_fishnet_finer_than_the_pixels_is_refused():
    with pytest.raises(InputError, match="too fine for pixels of 10 m"):
        cut(make_scene(), polygons((3, 0, 0, 2000, 2000)), spacing=5.0)


def test_the_eight_positions_keep_every_pixel_and_all_occur():
    x = torch.arange(2 * 5 * 5.0).reshape(1, 2, 5, 5).repeat(200, 1, 1, 1)
    turned = turn_and_flip(x, torch.Generator().manual_seed(0))
    assert torch.equal(turned.flatten(2).sort(2).values, x.flatten(2).sort(2).values)
    assert torch.equal(turned[:, 1] - turned[:, 0], torch.full((200, 5, 5), 25.0))  # bands together
    assert len({tuple(t.flatten().tolist()) for t in turned}) == 8
    assert torch.equal(turned, turn_and_flip(x, torch.Generator().manual_seed(0)))


def test_forest_features_are_means_over_the_central_cell():
    scene = make_scene()
    found = cut(scene, polygons((3, 960, 960, 1440, 1440)), patch_size=32)
    own = scene["b"].values[115:125, 115:125]
    assert cell_means(found)[0, 1] == pytest.approx(own.mean(), rel=1e-6)


def test_the_fringe_beside_missing_pixels_goes_but_not_the_edge_of_the_raster():
    scene = make_scene(pixels=20)
    scene["b"] = scene["b"].where(scene["b"].x > LEFT + 100)
    kept = without_fringe(scene, 2)["a"].notnull().values
    assert not kept[:, :12].any()
    assert kept[:, 12:].all()


def test_hong_kong_patches_hold_no_resampling_fringe(shared):
    folder = shared / "data/hong_kong"
    bands = tuple(f"B{i}" for i in range(1, 8))
    scene = str(folder / "LC81220442014288LGN00_B1-7_B10_B11_100m.tif")
    areas = open_polygons(folder / "lcz_training_polygons.shp")
    lowest = {}
    for fringe in (0, 2):
        files = SceneFiles((scene,), sensor="landsat", bands=bands, fringe=fringe)
        patches = patches_of(files, areas, patch_size=8, spacing=100.0)
        lowest[fringe] = np.nanmin(patches.read(np.arange(len(patches))))
    assert len(patches) > 8700
    assert patches.table["lcz"].nunique() == 13
    assert lowest[0] < 3000 < lowest[2]  # Level-1 numbers start near 5,000 for a dark surface


# --- So2Sat LCZ42


def test_so2sat_batches_are_read_from_the_file_in_the_order_asked_for(tmp_path):
    path = write_hdf5(tmp_path / "training.h5")
    patches = So2SatPatches(path, "s2")
    index = np.array([41, 3, 4, 3, 59, 0])
    with h5py.File(path) as file:
        expected = np.stack([file["sen2"][i] for i in index]).transpose(0, 3, 1, 2)
        labels = file["label"][:].argmax(1) + 1
    np.testing.assert_array_equal(patches.read(index), expected.astype(np.float32))
    np.testing.assert_array_equal(patches.labels, labels)
    part = patches.subset(np.array([10, 41, 3]))
    np.testing.assert_array_equal(part.read(np.array([1, 2])), patches.read(np.array([41, 3])))
    assert part.labels.tolist() == labels[[10, 41, 3]].tolist()


def test_so2sat_sensors_have_their_bands_in_the_files_order(tmp_path):
    path = write_hdf5(tmp_path / "training.h5")
    both = So2SatPatches(path, "both")
    assert both.kind.bands[:8] == SEN1_BANDS
    assert both.kind.bands[8:] == So2SatPatches(path, "s2").kind.bands
    assert both.read(np.arange(3)).shape == (3, 18, 32, 32)
    np.testing.assert_array_equal(both.read([5])[:, :8], So2SatPatches(path, "s1").read([5]))


def test_a_truncated_so2sat_file_is_refused(tmp_path):
    path = write_hdf5(tmp_path / "training.h5")
    path.write_bytes(path.read_bytes()[:-100_000])
    with pytest.raises(InputError, match="truncated or damaged"):
        So2SatPatches(path)


def test_a_foreign_hdf5_file_is_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["label"] = np.eye(17)
    with pytest.raises(InputError, match="no data set 'sen2'"):
        So2SatPatches(tmp_path / "other.h5")
    with h5py.File(tmp_path / "small.h5", "w") as file:
        file["label"], file["sen2"] = np.eye(17), np.zeros((17, 16, 16, 10))
    with pytest.raises(InputError, match=r"sen2 has shape \(17, 16, 16, 10\)"):
        So2SatPatches(tmp_path / "small.h5")


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (np.eye(18)[:5, :18], r"label holds float64 of shape \(5, 18\).*17 classes"),
        (np.eye(17)[:5] * 2, "not one class of 1-17"),
        (np.vstack([np.eye(17)[:4], np.zeros(17)]), "label 4 names 0 classes"),
    ],
)
def test_so2sat_labels_outside_1_to_17_are_refused(tmp_path, label, message):
    with h5py.File(tmp_path / "training.h5", "w") as file:
        file["label"], file["sen2"] = label, np.zeros((5, 32, 32, 10))
    with pytest.raises(ClassSchemeError, match=message):
        So2SatPatches(tmp_path / "training.h5")
