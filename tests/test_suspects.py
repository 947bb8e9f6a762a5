"""Reference polygons that look like something else: found, told, and written."""

from __future__ import annotations

import json
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine

from lczlib.errors import Cancelled, InputError
from lczlib.jobs.check_polygons import CheckPolygonsRequest, run
from lczlib.models.weights import SENTINEL2_BANDS
from lczlib.polygons import open_polygons
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.training import suspects
from lczlib.training.patches import PatchKind, ScenePatches
from lczlib.training.suspects import ALONE, features_of

NAME = "00000_00000_Simulated"
suspicious_polygons = partial(suspects.suspicious_polygons, trees=20)


def patches_of(lcz, mean, seed=0):
    """Four patches a polygon, of one brightness with noise."""
    rng = np.random.default_rng(seed)
    polygon = np.repeat(np.arange(len(lcz)), 4)
    images = [rng.normal(mean[p], 0.1, (2, 10, 10)).astype(np.float32) for p in polygon]
    table = pd.DataFrame({
        "lcz": np.asarray(lcz, np.uint8)[polygon], "polygon": 100 + polygon, "location": np.arange(len(polygon)),
        "image": np.arange(len(polygon)), "row": 0, "col": 0,
    })  # fmt: skip
    return ScenePatches(PatchKind("toy", ("a", "b"), 10), table, images)


@pytest.fixture
def toy():
    """Three classes of ten polygons by their brightness; numbers 103 and 117 bear another's label."""
    truth = np.repeat([2, 6, 14], 10)
    lcz = truth.copy()
    lcz[[3, 17]] = 14, 2
    return patches_of(lcz, {i: float(t) for i, t in enumerate(truth)})


def test_wrong_polygons_stand_first_with_the_class_they_look_like(toy):
    found = suspicious_polygons(toy, repeats=2)
    assert set(found["polygon"][:2]) == {103, 117}
    assert (found["margin"][:2] > 0.5).all()
    assert (found["margin"][2:] < 0).all()
    preferred = found.set_index("polygon")["preferred"]
    assert (preferred[103], preferred[117]) == (2, 6)
    assert found["rank"].tolist() == list(range(1, 31))
    assert found["n_patches"].eq(4).all()
    assert found["probability"].between(0, 1).all()


def test_the_second_round_is_misled_less_than_the_first(toy, monkeypatch):
    both = suspicious_polygons(toy, repeats=1).set_index("polygon")
    monkeypatch.setattr(suspects, "_LEAST_WEIGHT", 1.0)  # every polygon counts as if it were right
    first = suspicious_polygons(toy, repeats=1).set_index("polygon")
    right = [p for p in both.index if p not in (103, 117)]
    assert both.loc[right, "probability"].mean() >= first.loc[right, "probability"].mean()


def test_a_polygon_alone_in_its_class_is_not_judged():
    found = suspicious_polygons(
        patches_of([2, 2, 2, 6, 6, 6, 9], dict(enumerate([0, 0, 0, 3, 3, 3, 6])))
    )
    last = found.iloc[-1]
    assert (last["polygon"], last["note"]) == (106, ALONE)
    assert pd.isna(last["rank"])
    assert np.isnan(last["margin"])
    assert (last["preferred"], last["preferred_code"]) == (0, "")


def test_no_polygon_is_judged_by_itself(toy, monkeypatch):
    from sklearn.ensemble import RandomForestClassifier

    seen = []
    fit, predict = RandomForestClassifier.fit, RandomForestClassifier.predict_proba
    monkeypatch.setattr(
        RandomForestClassifier, "fit", lambda s, x, *a: seen.append(x) or fit(s, x, *a)
    )

    def judge(self, x):
        assert not {tuple(r) for r in x} & {tuple(r) for r in seen[-1]}
        return predict(self, x)

    monkeypatch.setattr(RandomForestClassifier, "predict_proba", judge)
    suspicious_polygons(toy, repeats=1)
    assert len(seen) == 10


def test_features_leave_out_missing_pixels(toy):
    values = toy.images[0]
    values[0, :5] = np.nan
    row = features_of(toy)[0]
    np.testing.assert_allclose(row[:2], [values[0, 5:].mean(), values[1].mean()], rtol=1e-6)
    np.testing.assert_allclose(row[2:4], [values[0, 5:].std(), values[1].std()], rtol=1e-5)


def test_too_few_polygons_and_no_folds_are_refused_and_it_can_be_stopped(toy):
    with pytest.raises(InputError, match="nothing to judge them by"):
        suspicious_polygons(patches_of([2, 2, 6], {0: 0, 1: 0, 2: 3}))
    with pytest.raises(InputError, match="use two or more folds"):
        suspicious_polygons(toy, folds=1)
    with pytest.raises(Cancelled, match="with 0 of 30 forests"):
        suspicious_polygons(toy, cancelled=lambda: True)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """The simulated city, some of its polygons given to their most unlike neighbour in the list."""
    folder = tmp_path_factory.mktemp("city")
    write_so2sat(simulate_city(4, 3), folder, NAME)
    scene = next(folder.glob(f"Sentinel-2/{NAME}/summer/*.tif"))
    areas = open_polygons(folder / f"Reference/{NAME}/polygons.gpkg", zero_unlabelled=True)
    lcz = areas["lcz"].to_numpy().copy()
    water, urban = np.flatnonzero(lcz == 17), np.flatnonzero(lcz <= 3)
    wrong = [water[0], urban[0]]
    lcz[wrong] = 3, 17
    path = folder / "areas.gpkg"
    gpd.GeoDataFrame({"lcz": lcz}, geometry=areas.geometry.to_numpy(), crs=areas.crs).to_file(path)
    return scene, path, {int(areas["polygon"].iloc[i]) for i in wrong}


@pytest.mark.slow
def test_the_command_and_the_library_find_the_same(city, tmp_path, run_lcz):
    scene, path, wrong = city
    request = CheckPolygonsRequest(inputs=(str(scene),), polygons=str(path), repeats=1)
    result = run(request)
    assert wrong <= set(result.table["polygon"][: round(0.15 * len(result.table))])
    code, said, _ = run_lcz(
        "check-polygons", scene, "--polygons", path, "--repeats", 1, "--out", tmp_path / "out"
    )
    assert code == 0
    assert result.headline() in " ".join(said.split())
    for number in wrong:
        assert f"Polygon {number}, drawn as LCZ" in said
    written = pd.read_csv(tmp_path / "out/polygons.csv", keep_default_na=False)
    assert written["polygon"].tolist() == result.table["polygon"].tolist()
    layer = gpd.read_file(tmp_path / "out/polygons.gpkg")
    assert layer["polygon"].tolist() == result.table["polygon"].tolist()
    assert layer.crs.to_epsg() == 4326
    told = json.loads((tmp_path / "out/polygons.json").read_text())
    assert told["n_doubtful"] == len(result.doubtful)


@pytest.mark.slow
def test_an_image_that_tells_no_class_from_another_is_said_to_be_so(city, tmp_path, run_lcz):
    _, path, _ = city
    areas = gpd.read_file(path)
    west, _, _, north = areas.total_bounds
    noise = np.random.default_rng(0).integers(300, 3000, (10, 420, 420)).astype(np.uint16)
    scene = tmp_path / "noise.tif"
    place = Affine(10, 0, west // 10 * 10, 0, -10, north // 10 * 10 + 10)
    with rasterio.open(
        scene, "w", driver="GTiff", width=420, height=420, count=10, dtype="uint16", crs=areas.crs,
        transform=place,
    ) as file:  # fmt: skip
        file.write(noise)
        file.descriptions = SENTINEL2_BANDS
    code, _, said = run_lcz(
        "check-polygons", scene, "--polygons", path, "--repeats", 1, "--out", tmp_path / "out"
    )
    assert code == 0
    assert "the image hardly tells these classes apart" in said


def test_a_polygon_file_that_is_not_there_is_refused(city, tmp_path, run_lcz):
    code, _, said = run_lcz(
        "check-polygons", city[0], "--polygons", tmp_path / "none.gpkg", "--out", tmp_path / "out"
    )
    assert code == 1
    assert "none.gpkg" in said
