"""Surface water: parity of the whole pipeline, no data, units, bands, grids, real scenes, files."""

import json

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy.ndimage import zoom
from synthetic_water import BOX, backscatter, lake
from typer.testing import CliRunner

from lczlib.analysis.water_area import dark_as_water, dark_not_mapped, water_area
from lczlib.errors import DeviceError, GridError, InputError
from lczlib.export import sha256_of, write_raster
from lczlib.grid import geobox_of, on_grid
from lczlib.mapping import water as water_module
from lczlib.mapping.water import load_water_model, water_map, water_of, window_index
from lczlib.mapping.water_files import (
    date_in_name,
    open_water_probability,
    open_water_series,
    write_water_map,
    write_water_probability,
)
from lczlib.mapping.water_scene import open_water_scene, water_scene
from lczlib.models import load_model


@pytest.fixture(scope="module")
def weights(shared, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCZLIB_MIRROR", str(shared / "mirror"))
        patch.setenv("LCZLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def ascending(weights):
    return load_water_model("as", "cpu")


def golden(shared, orbit):
    data = np.load(shared / "goldens" / f"gmnet_{orbit}.npz")
    box = GeoBox(data["x"].shape[:2], Affine(10, 0, 5e5, 0, -10, 4e6), "EPSG:32650")
    return data, on_grid(np.moveaxis(data["x"], -1, 0).copy(), box, dims=("band", "y", "x"))


@pytest.fixture(scope="module")
def scene():
    return backscatter(lake(90), seed=1)


@pytest.mark.parametrize("orbit", ["as", "des", "as_des"])
def test_pipeline_is_the_published_one_where_valid(shared, weights, orbit):
    data, scene = golden(shared, orbit)
    found = water_map(scene, orbit, edges="zero")
    valid = ~(np.isnan(data["x"]) | (data["x"] == 0)).any(-1)
    assert 0.9 < valid.mean() < 1
    np.testing.assert_array_equal(found.probability.notnull(), valid)
    assert np.abs(found.probability.values - data["pro_map"])[valid].max() < 1e-3
    assert (found.water.values == data["wat_map"])[valid].mean() >= 0.999
    assert (found.water.values[~valid] == 255).all()


@pytest.mark.parametrize("size", [256, 512, 2048])
def test_window_index_is_scipys_nearest_zoom(size):
    np.testing.assert_array_equal(window_index(size), zoom(np.arange(size), 256 / size, order=0))


def test_files_hold_the_map(ascending, scene, tmp_path, monkeypatch):
    # a strip of two tiles, so that a scene of three crosses the seam between strips
    whole = water_map(scene, "as", model=ascending)
    monkeypatch.setattr(water_module, "_BLOCK_TILES", 2)
    proba = write_water_probability(water_scene(scene, "as"), "as", tmp_path, "x", model=ascending)
    read = open_water_probability(proba)
    mapped = write_water_map(read, tmp_path, "x")
    assert (proba.name, mapped.name) == ("x_water_proba.tif", "x_water.tif")
    assert np.abs(read - whole.probability).max() <= 0.51e-4
    with rasterio.open(mapped) as src:
        np.testing.assert_array_equal(src.read(1), water_of(read))  # the two files agree
        close = np.abs(whole.probability - 0.5) < 0.51e-4
        np.testing.assert_array_equal((src.read(1) == whole.water) | close, True)
        assert src.nodata == 255
        assert geobox_of(read) == BOX
    assert sorted(p.name for p in tmp_path.iterdir()) == [mapped.name, proba.name]


def test_missing_pixels_are_no_data_and_empty_tiles_are_skipped(ascending, scene):
    holed = scene.copy(deep=True)
    holed[:, :, :210] = np.nan
    holed[0, 300, 300] = 0
    found = water_map(holed, "as", model=ascending)
    missing = found.water.values == 255
    assert missing[:, :210].all()
    assert missing[300, 300]
    assert missing.sum() == 210 * BOX.shape[0] + 1
    np.testing.assert_array_equal(np.isnan(found.probability), missing)


def test_linear_and_scaled_scenes_give_the_same_map(ascending, scene):
    reference = water_map(scene, "as", model=ascending).probability
    linear = water_map(10 ** (scene / 10), "as", units="linear", model=ascending)
    scaled = water_map(np.rint(scene * 100).astype(np.int16), "as", dn_scale=100, model=ascending)
    assert np.abs(linear.probability - reference).max() < 1e-4
    assert np.abs(scaled.probability - reference).max() < 5e-3


def test_bands_are_found_by_name(scene):
    vv, vh = scene.values
    wanted = water_scene(scene, "as").values
    for names, bands in (
        (["VH_p50", "VV_p50"], [vh, vv]),
        (["angle", "Sigma0_VH_db", "Sigma0_VV_db"], [np.full_like(vv, 39.0), vh, vv]),
        (["VV_asc", "VH_asc", "VV_des", "VH_des"], [vv, vh, vv - 1, vh - 1]),
    ):
        data = on_grid(np.stack(bands), BOX, dims=("band", "y", "x"), coords={"band": names})
        np.testing.assert_array_equal(water_scene(data, "as"), wanted)
    dataset = xr.Dataset({n: scene.sel(band=n, drop=True) for n in ("VH", "VV")})
    np.testing.assert_array_equal(water_scene(dataset, "as"), wanted)


def change(scene, **kwargs):
    return scene.assign_coords(**kwargs) if kwargs else scene.drop_vars("band")


@pytest.mark.parametrize(
    ("make", "options", "error", "message"),
    [
        (lambda s: s, {"orbit": "up"}, InputError, "'up' is no orbit: use as"),
        (lambda s: 10 ** (s / 10), {}, InputError, "linear, not dB"),
        (lambda s: s, {"units": "linear"}, InputError, "in dB, not linear"),
        (lambda s: s, {"units": "watts"}, InputError, "no unit of backscatter"),
        (lambda s: s * 100, {}, InputError, "--dn-scale 100"),
        (lambda s: s, {"dn_scale": 0.0}, InputError, "DN scale of 0"),
        (lambda s: s, {"dn_scale": 100.0}, InputError, "brighter than any land"),
        (lambda s: s[:1], {}, InputError, "but no VH: the water networks take VV and VH together"),
        (lambda s: change(s[:1]), {}, InputError, r"1 band\(s\) without VV / VH names"),
        (lambda s: s * np.nan, {}, InputError, "no pixel that is valid"),
        (lambda s: s * 0, {}, InputError, "no pixel that is valid"),
        (lambda s: change(s, band=["VH", "VV"]), {}, InputError, "the bands are swapped"),
        (lambda s: change(s, band=["HH", "HV"]), {}, InputError, "VV and VH only"),
        (lambda s: change(s, band=["VV_des", "VH_des"]), {}, InputError, "no band is VV_as"),
        (lambda s: s, {"orbit": "as_des"}, InputError, "do not tell the ascending pass"),
        (lambda s: s, {"threshold": 50}, InputError, "threshold of 50"),
        (lambda s: s, {"edges": "wrap"}, InputError, "'wrap' is no way to treat edges"),
    ],
)
def test_scenes_that_cannot_be_mapped_are_refused(scene, make, options, error, message):
    with pytest.raises(error, match=message):
        water_map(make(scene), **{"orbit": "as", **options})


def test_coarse_and_unreferenced_grids_are_refused(scene):
    coarse = GeoBox(BOX.shape, Affine(100, 0, 5e5, 0, -100, 4e6), "EPSG:32650")
    bands = {"dims": ("band", "y", "x"), "coords": {"band": ["VV", "VH"]}}
    with pytest.raises(GridError, match="cells of 100 x 100 m"):
        water_scene(on_grid(scene.values, coarse, **bands), "as")
    plain = {"band": ["VV", "VH"], "x": BOX.coords["x"].values, "y": BOX.coords["y"].values}
    with pytest.raises(GridError, match="no coordinate reference system"):
        water_scene(xr.DataArray(scene.values, plain, scene.dims), "as")


def test_an_absent_gpu_is_named():
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(DeviceError, match="cuda"):
        load_water_model("as", "cuda")


def test_both_passes_come_from_one_file_or_two(tmp_path, scene):
    names = ["VV", "VH"]
    other = scene - 0.5
    up = write_raster(tmp_path / "up.tif", scene, descriptions=names)
    down = write_raster(tmp_path / "down.tif", other, descriptions=names)
    both = xr.concat([scene, other], "band")
    stack = write_raster(tmp_path / "both.tif", both, descriptions=names * 2)
    two = open_water_scene(up, "as_des", descending=down)
    np.testing.assert_array_equal(two, open_water_scene(stack, "as_des"))
    assert list(two.band.values) == ["VV_as", "VH_as", "VV_des", "VH_des"]
    with pytest.raises(InputError, match="use as_des"):
        open_water_scene(up, "as", descending=down)

    shifted = write_raster(tmp_path / "off.tif", other[:, :-3], descriptions=names)
    with pytest.raises(GridError, match="The grids differ"):
        open_water_scene(up, "as_des", descending=shifted)
    with pytest.raises(GridError, match="The grids differ"):
        open_water_series([_proba(tmp_path, scene[0]), _proba(tmp_path, scene[0, 2:])], [1, 2])


def _proba(folder, like):
    path = folder / f"{like.shape[0]}.tif"
    return write_raster(path, (like * 0).astype(np.float32))


def test_beijing_gives_its_lake(shared, ascending):
    """Fuhai, 26 ha of water round an island, in an area of 35 km2 with small ponds otherwise."""
    file = shared / "data" / "beijing_s1" / "THU_2020_sentinel_1_50pt.tif"
    found = water_map(file, "as", model=ascending).water.values
    dark = (open_water_scene(file, "as")[0] < -14).values[215:310, 55:150]
    mapped = found[215:310, 55:150] == 1
    jaccard = (dark & mapped).sum() / (dark | mapped).sum()
    print(f"Fuhai: {mapped.sum()} px mapped, {dark.sum()} px dark, Jaccard {jaccard:.2f}")  # noqa: T201 - the figure is wanted
    assert jaccard > 0.6
    assert found[262, 100] == 0  # the island
    assert (found[400:] == 1).mean() < 0.001  # the city
    missing = np.isnan(open_water_scene(file, "as").values).any(0)
    np.testing.assert_array_equal(found == 255, missing)


def test_canals_against_the_optical_water_index(shared, ascending):
    """Agreement, IoU and recall of water with NDWI; README quotes them."""
    folder = shared / "data" / "s1s2_pairs"
    with rasterio.open(folder / "ROIs1970_fall_139_p839_s2_cloudfree.tif") as src:
        green, nir = src.read([3, 8]).astype(float)
    ndwi = (green - nir) / (green + nir) > 0
    file = folder / "ROIs1970_fall_139_p839_s1.tif"
    maps = {}
    for edges in ("zero", "mirror"):
        p = water_map(file, "as", edges=edges, model=ascending).probability
        known = np.isfinite(p.values)
        maps |= {f"{edges}, {t}": (p > t).values for t in (0.12, 0.5)}
    dark = dark_as_water(open_water_scene(file, "as"))
    maps["mapped or dark"] = dark_not_mapped(p, dark).values | maps["mirror, 0.5"]
    found = {name: _against(water, ndwi, known) for name, water in maps.items()}
    print(f"n = {known.sum():,}, of them {ndwi[known].mean():.3f} water by NDWI")  # noqa: T201 - the figures are wanted
    for name, scores in found.items():
        print(name, {k: tuple(v.round(3)) for k, v in scores.items()})  # noqa: T201
    area = water_area(p, dark=dark)
    optical = float((ndwi & known).sum()) * float(area["valid"] / area["n_valid"])
    print(f"NDWI {optical:.3f} km2, {float(area['low']):.3f}-{float(area['high']):.3f}")  # noqa: T201
    assert float(area["low"]) <= optical <= float(area["high"])
    assert found["mirror, 0.5"]["agreement"][0] == pytest.approx((~ndwi)[known].mean(), abs=5e-4)
    quoted = {
        "mirror, 0.5": (0.895, 0.00, 0.00),
        "mirror, 0.12": (0.94, 0.48, 0.50),
        "mapped or dark": (0.95, 0.49, 0.50),
    }
    for name, figures in quoted.items():
        values = [found[name][k][0] for k in ("agreement", "iou", "recall")]
        np.testing.assert_allclose(values, figures, atol=0.0051)


def _against(
    water: np.ndarray, truth: np.ndarray, known: np.ndarray, block: int = 32
) -> dict[str, np.ndarray]:
    """Agreement, IoU and recall of water, each with its 95 % interval by resampling blocks."""
    layers = (water & truth, water & ~truth, ~water & truth, ~water & ~truth)
    cut = [np.add.reduceat(layer & known, np.arange(0, layer.shape[0], block), axis=0, dtype=int)
           for layer in layers]  # fmt: skip
    by_block = np.stack(
        [np.add.reduceat(c, np.arange(0, c.shape[1], block), axis=1).ravel() for c in cut]
    )
    n = by_block.shape[1]
    drawn = np.random.default_rng(1).multinomial(n, np.full(n, 1 / n), 2000)
    times = np.vstack([np.ones((1, n), int), drawn])  # the first row is the scene itself
    both, more, less, neither = by_block @ times.T
    scores = {
        "agreement": (both + neither) / (both + more + less + neither),
        "iou": both / (both + more + less),
        "recall": both / (both + less),
    }
    return {k: np.array([v[0], *np.percentile(v[1:], [2.5, 97.5])]) for k, v in scores.items()}


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("S1A_IW_GRDH_1SDV_20200105T221234.tif", "2020-01-05"),
        ("lake_2020-03.tif", "2020-03-01"),
        ("2021_12_31.tif", "2021-12-31"),
        ("THU_2020_sentinel_1_50pt.tif", None),
        ("id20200105123.tif", None),
        ("s1_20210231.tif", None),
    ],
)
def test_dates_are_read_from_names(name, date):
    found = date_in_name(name)
    assert (found and found.isoformat()) == date


def test_load_model_gives_logits(weights):
    import torch

    model = load_model("gmnet_as_des")
    assert not model.training
    assert model.weights.task == "water"
    with torch.inference_mode():
        logits = model(*[torch.rand(1, 4, 256, 256) for _ in range(3)])
    assert logits.shape == (1, 1, 256, 256)
    assert logits.min() < 0


def test_command_maps_files_and_their_series(weights, tmp_path):
    from lczlib.cli import app

    paths = [
        write_raster(
            tmp_path / f"s1_2020-{month:02}.tif",
            backscatter(lake(radius), seed=month)[:, 60:340, 80:370],
            descriptions=["VV", "VH"],
        )
        for month, radius in ((1, 60), (2, 70), (4, 80), (5, 90))
    ]
    out = tmp_path / "out"
    arguments = ["water", *map(str, paths), "--orbit", "as", "--out", str(out)]
    result = CliRunner().invoke(app, [*arguments, "--figures"])
    assert result.exit_code == 0, result.output
    record = json.loads((out / "water.json").read_text())
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["weights"]["sha256"].startswith("115f1e65")
    assert manifest["parameters"]["edges"] == "mirror"
    assert [i["sha256"] for i in manifest["inputs"]] == [sha256_of(p) for p in paths]
    for name, digest in manifest["outputs"].items():
        assert sha256_of(out / name) == digest
    assert [s["date"] for s in record["scenes"]] == [f"2020-0{m}-01" for m in (1, 2, 4, 5)]
    assert all(s["dark_not_water_km2"] < 0.05 for s in record["scenes"])
    months = record["series"]["months"]
    assert [m["month"] for m in months] == ["2020-01", "2020-02", "2020-04", "2020-05"]
    assert sorted(m["area_km2"] for m in months) == [m["area_km2"] for m in months]
    assert record["series"]["trend"]["slope"] > 0
    for name in ("occurrence", "regime", "monthly_area"):
        kind = ".png" if name == "monthly_area" else ".tif"
        assert (out / f"water_{name}{kind}").is_file()
    with rasterio.open(out / "s1_2020-01_water.tif") as src:
        assert set(np.unique(src.read(1))) == {0, 1}

    again = CliRunner().invoke(app, [*arguments, "--date", "2020-01-01"])
    assert again.exit_code == 2
    assert "1 --date for 4 inputs" in again.output


def test_dated_scenes_of_two_places_are_mapped_without_a_series(weights, tmp_path, scene):
    from lczlib.cli import app

    for name, part in (("a_2020-01", scene[:, :90, :90]), ("b_2020-02", scene[:, 200:290, :90])):
        write_raster(tmp_path / f"{name}.tif", part, descriptions=["VV", "VH"])
    out = tmp_path / "out"
    inputs = [str(p) for p in sorted(tmp_path.glob("*.tif"))]
    arguments = ["water", *inputs, "--orbit", "as", "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    record = json.loads((out / "water.json").read_text())
    assert "different grids" in record["series_note"]
    assert len(record["scenes"]) == 2
    assert "series" not in record

    before = '{"command": "compare", "parameters": {}}'
    (out / "manifest.json").write_text(before)
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert (out / "manifest.json").read_text() == before
    assert json.loads((out / "water-manifest.json").read_text())["command"] == "water"
