"""Calibration of probabilities: known faults are put right on held-out polygons, and applied where they belong."""

import json

import geopandas as gpd
import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import box as rectangle

from lczlib.analysis.independence import training_areas
from lczlib.analysis.probability_scores import calibration_error, paired_scores
from lczlib.analysis.recalibration import (
    Cells,
    fit,
    fit_dirichlet,
    fit_pool,
    fit_temperature,
    fold_of,
    held_out,
    log_losses,
    pool,
)
from lczlib.calibrators import Calibration, Calibrator, open_calibration, softmax
from lczlib.errors import InputError
from lczlib.export import write_probabilities
from lczlib.grid import on_grid
from lczlib.jobs.calibrate import CalibrateRequest, run
from lczlib.made_by import CALIBRATED_TAG, WEIGHTS_TAG, tag_of
from lczlib.mapping.fusion import fuse_files
from lczlib.maps import open_probabilities, probabilities
from lczlib.polygons import open_polygons

SIDE, PER_CLASS, EDGE = 17 * 5, 6, 4
"""Synthetic place: 6 polygons of 4 x 4 cells for each of 17 classes, in rows."""
BOX = GeoBox((PER_CLASS * 5, SIDE), Affine(100, 0, 5e5, 0, -100, 5e6), "EPSG:32633")


def places() -> gpd.GeoDataFrame:
    """The polygons."""
    shapes, lcz = [], []
    for c in range(17):
        for i in range(PER_CLASS):
            left, top = 5e5 + c * 500, 5e6 - i * 500
            shapes.append(rectangle(left, top - 100 * EDGE, left + 100 * EDGE, top))
            lcz.append(c + 1)
    return gpd.GeoDataFrame({"lcz": lcz}, geometry=shapes, crs="EPSG:32633")


def cells(temperature: float = 1.0, seed: int = 0, confused: bool = False) -> Cells:
    """Cells of classes drawn from probabilities that are then sharpened: `temperature` puts them right."""
    rng = np.random.default_rng(seed)
    n = 3000
    honest = softmax(1.5 * rng.normal(size=(n, 17)))
    lcz = (honest.cumsum(1) < rng.random((n, 1))).sum(1) + 1
    lcz = np.minimum(lcz, 17)
    if confused:  # the network writes the probabilities of 2 and 5 into each other's columns
        honest = honest[:, [0, 4, 2, 3, 1, *range(5, 17)]]
    return Cells(softmax(np.log(honest) * temperature), lcz, np.arange(n) // 10)


def test_temperature_puts_right_what_is_too_sure():
    found = fit_temperature(cells(2.0))
    assert found.temperature == pytest.approx(2.0, rel=0.06)
    some = cells(2.0)
    losses = [
        log_losses(Calibrator.of_temperature(t).on_rows(some.p), some.lcz).mean()
        for t in (0.9 * found.temperature, found.temperature, 1.1 * found.temperature)
    ]
    assert losses[1] < min(losses[0], losses[2])
    np.testing.assert_array_equal(found.on_rows(some.p).argmax(1), some.p.argmax(1))


def test_dirichlet_undoes_a_confusion_that_temperature_cannot():
    some = cells(1.0, confused=True)
    after = {
        m: log_losses(held_out(some, lambda c, m=m: fit(c, m, folds=3), folds=3), some.lcz).mean()
        for m in ("temperature", "dirichlet")
    }
    honest = log_losses(cells(1.0).p, some.lcz).mean()
    assert after["dirichlet"] < after["temperature"] - 0.1
    assert after["dirichlet"] < honest + 0.1


def test_dirichlet_comes_back_to_temperature_where_there_is_nothing_else_to_learn():
    few = cells(2.0).take(np.arange(400))
    loss = log_losses(
        held_out(few, lambda c: fit(c, "dirichlet", folds=3), folds=3), few.lcz
    ).mean()
    plain = log_losses(held_out(few, fit_temperature, folds=3), few.lcz).mean()
    assert loss < plain + 0.05


def test_a_class_without_polygons_is_not_ruled_out():
    some = cells(2.0)
    without = some.take(some.lcz != 8)
    found = fit_dirichlet(without, 0.1)
    assert found.intercept[7] == 0
    own = found.weights[7] - found.weights[7].mean()
    expected = np.eye(17)[7] / fit_temperature(without).temperature
    np.testing.assert_allclose(own, expected - expected.mean(), atol=1e-9)
    sure = np.full((1, 17), 0.01)
    sure[0, 7] = 0.84
    assert found.on_rows(sure).argmax() == 7


def test_cells_of_a_polygon_never_stand_on_both_sides():
    some = cells()
    fold = fold_of(some.group, some.lcz, 5, 0)
    assert all(len(set(fold[some.group == g])) == 1 for g in np.unique(some.group))
    assert np.bincount(fold).min() > 0.9 * np.bincount(fold).max()
    with pytest.raises(InputError, match="3 polygons cannot be parted into 5 folds"):
        fold_of(np.array([1, 2, 3]), np.array([1, 1, 2]), 5, 0)


def test_pool_listens_to_the_map_that_knows():
    some = cells(1.0)
    noise = softmax(np.random.default_rng(1).normal(size=some.p.shape))
    weights = fit_pool([some.p, noise], some.lcz, some.group)
    assert weights[0] == pytest.approx(1.0, abs=0.08)
    assert weights[1] == pytest.approx(0.0, abs=0.05)
    np.testing.assert_allclose(pool([some.p, some.p], [0.5, 0.5]), some.p, atol=2e-3)


def test_debiased_error_of_honest_probabilities_is_nothing_and_of_others_its_size():
    some = cells(1.0)
    assert calibration_error(some.p, some.lcz, some.group) < 0.05
    sharp = cells(2.0)
    gap = calibration_error(sharp.p, sharp.lcz, sharp.group)
    top = sharp.p.max(1)
    right = sharp.p.argmax(1) + 1 == sharp.lcz
    assert gap > 0.1
    assert (
        gap >= abs(top.mean() - right.mean()) - 0.01
    )  # a root mean square is no less than the mean


def test_debiasing_knows_that_cells_of_a_polygon_are_alike():
    """Whole polygons right or wrong together with the stated frequency: any gap is chance."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(20):
        unit = np.repeat(np.arange(150), 40)
        p = np.full((6000, 17), 0.4 / 16)
        right = (rng.random(150) < 0.6)[unit]
        p[:, 0] = 0.6
        found.append(calibration_error(p, np.where(right, 1, 2), unit) ** 2)
    # the 10 polygons of a bin alone make a mean squared gap of 0.024; taken from cells, 0.023 of it would stay
    assert np.mean(found) < 0.010


def test_a_paired_interval_is_of_the_difference():
    sharp = cells(2.0)
    table = paired_scores(
        sharp.p, fit_temperature(sharp).on_rows(sharp.p), sharp.lcz, sharp.group, replicates=300
    )
    row = table.loc["log_loss"]
    assert row["difference"] == pytest.approx(row["after"] - row["before"])
    assert row["ci_low"] < row["difference"] < row["ci_high"] < 0
    assert table.loc["oa", "difference"] == 0
    assert table.loc["calibration_error", "after"] < table.loc["calibration_error", "before"]
    same = paired_scores(sharp.p, sharp.p, sharp.lcz, sharp.group, replicates=100)
    assert (same[["difference", "ci_low", "ci_high"]] == 0).all(axis=None)


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """Two maps of one place that are too sure, and its polygons."""
    folder = tmp_path_factory.mktemp("maps")
    places().to_file(folder / "areas.gpkg")
    truth = np.ones(BOX.shape, int)
    for c in range(17):
        truth[:, c * 5 : c * 5 + 5] = c + 1
    for kind, skill, seed in (("s1", 1.0, 1), ("s2", 1.5, 2)):
        rng = np.random.default_rng(seed)
        logits = rng.normal(size=(*BOX.shape, 17)) + skill * (truth[..., None] == np.arange(1, 18))
        # of normal noise the honest ones are softmax(skill x logits): these are twice as sure
        p = softmax(2 * skill * logits).transpose(2, 0, 1)
        proba = probabilities(on_grid(p.astype(np.float32), BOX, ("lcz", "y", "x")))
        write_probabilities(folder / f"{kind}_proba.tif", proba, tags={WEIGHTS_TAG: f"net_{kind}"})
    return folder


@pytest.fixture(scope="module")
def calibrated(maps):
    """Their calibration, written."""
    request = CalibrateRequest(
        probabilities=(maps / "s1_proba.tif", maps / "s2_proba.tif"), reference=maps / "areas.gpkg",
        method="temperature", replicates=200,
    )  # fmt: skip
    result = run(request)
    return result, result.write(maps / "calibration")


def test_calibrate_lowers_the_losses_of_maps_that_are_too_sure(calibrated):
    result, folder = calibrated
    assert (result.n, result.n_units) == (17 * PER_CLASS * EDGE**2, 17 * PER_CLASS)
    for table in result.scores.values():
        assert (table.loc[["log_loss", "brier"], "ci_high"] < 0).all()
    assert result.fusion["mean"].loc["log_loss", "ci_high"] < 0
    weights = result.calibration.fusion
    # independent evidence: both count in full, as the product of the two does
    assert weights == pytest.approx({"s1": 1.0, "s2": 1.0}, abs=0.3)
    temperatures = [result.calibration.maps[k].temperature for k in ("s1", "s2")]
    assert temperatures == pytest.approx([2.0, 2.0], abs=0.4)
    assert "Trained by you: net_s1, net_s2." in result.cautions()[-1]
    assert "-" in result.headline()
    written = json.loads((folder / "calibration.json").read_text())
    assert written["held_out"]["n_units"] == 17 * PER_CLASS
    assert json.loads((folder / "manifest.json").read_text())["command"] == "calibrate"
    again = open_calibration(folder)
    np.testing.assert_allclose(
        again.maps["s1"].weights, result.calibration.maps["s1"].weights, rtol=1e-6
    )
    assert again.fusion == pytest.approx(weights)


def test_fuse_applies_it_and_says_so(maps, calibrated, tmp_path):
    files = [maps / "s1_proba.tif", maps / "s2_proba.tif"]
    fuse_files(files, tmp_path, "learned", calibration=calibrated[1])
    found = open_calibration(calibrated[1])
    opened = [open_probabilities(f).values for f in files]
    rows = [p.reshape(17, -1).T for p in opened]
    expected = pool(
        [found.maps[k].on_rows(p) for k, p in zip(("s1", "s2"), rows, strict=True)],
        [found.fusion["s1"], found.fusion["s2"]],
    )
    made = open_probabilities(tmp_path / "fused_proba.tif").values.reshape(17, -1).T
    np.testing.assert_allclose(made, expected, atol=2e-4)
    assert tag_of(tmp_path / "fused_proba.tif", CALIBRATED_TAG) == "temperature"
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["calibration"]["maps"]["s1"]["networks"] == "net_s1"
    assert set(manifest["calibration"]["fusion"]) == {"s1", "s2"}
    assert any(i["path"].endswith("calibration.json") for i in manifest["inputs"])


def test_polygons_that_calibrated_a_map_do_not_judge_it_unnoticed(maps, calibrated, tmp_path):
    files = [maps / "s1_proba.tif", maps / "s2_proba.tif"]
    fuse_files(files, tmp_path / "honest", "learned", calibration=calibrated[1])
    fuse_files(files, tmp_path / "plain", "mean")
    same, others = open_polygons(maps / "areas.gpkg"), places()
    others.to_file(tmp_path / "others.gpkg", layer="another")
    said = training_areas(tmp_path / "honest/fused_lcz.tif", same)
    assert "calibrated by them" in said.cautions[0]
    assert training_areas(tmp_path / "plain/fused_lcz.tif", same) is None
    others = open_polygons(tmp_path / "others.gpkg")
    assert training_areas(tmp_path / "honest/fused_lcz.tif", others) is None


def test_where_one_map_has_no_data_the_other_stays_as_it_was_calibrated(maps, calibrated, tmp_path):
    half = open_probabilities(maps / "s1_proba.tif")
    half = half.where(half.y < float(half.y[4]))
    write_probabilities(tmp_path / "s1_proba.tif", half, tags={WEIGHTS_TAG: "net_s1"})
    files = [tmp_path / "s1_proba.tif", maps / "s2_proba.tif"]
    fuse_files(files, tmp_path / "out", "learned", calibration=calibrated[1])
    made = open_probabilities(tmp_path / "out/fused_proba.tif").values[:, :4]
    alone = open_calibration(calibrated[1]).maps["s2"](open_probabilities(files[1])).values[:, :4]
    np.testing.assert_allclose(made, alone, atol=2e-4)


def test_what_it_was_not_fitted_to_is_refused(maps, calibrated, tmp_path):
    files = [maps / "s1_proba.tif", maps / "s2_proba.tif"]
    with pytest.raises(InputError, match=r"Learned fusion needs the weights.*--calibration"):
        fuse_files(files, tmp_path / "a", "learned")
    other = tmp_path / "s1_proba.tif"
    write_probabilities(other, open_probabilities(files[0]), tags={WEIGHTS_TAG: "another"})
    with pytest.raises(
        InputError, match=r"fitted to s1 probabilities of net_s1.*these are of another"
    ):
        fuse_files([other, files[1]], tmp_path / "b", calibration=calibrated[1])
    third = tmp_path / "landsat_proba.tif"
    write_probabilities(third, open_probabilities(files[0]))
    with pytest.raises(InputError, match="calibrates s1, s2, not landsat"):
        fuse_files([third, files[1]], tmp_path / "c", calibration=calibrated[1])
    fuse_files(files, tmp_path / "d", calibration=calibrated[1])
    with pytest.raises(InputError, match="calibrated already"):
        run(CalibrateRequest(
            probabilities=(tmp_path / "d/fused_proba.tif",), reference=maps / "areas.gpkg"
        ))  # fmt: skip
    with pytest.raises(InputError, match="with views none, and these have views flips"):
        open_calibration(calibrated[1]).of("s1", "net_s1", "flips")
    with pytest.raises(InputError, match=r"fusion of s1, s2 needs their weights, and .* has none"):
        Calibration({}, source="x.json").weights_of(["s1", "s2"])


def test_maps_without_data_under_the_polygons_are_named(maps, tmp_path):
    full = open_probabilities(maps / "s2_proba.tif")
    empty, left, right = (full.copy(data=full.values.copy()) for _ in range(3))
    empty[:] = left[..., :43] = right[..., 43:] = np.nan
    for name, proba in (("s1", empty), ("east", left), ("west", right)):
        write_probabilities(tmp_path / f"{name}_proba.tif", proba)
    for names, said in (
        (("s1",), "where the probabilities of s1 hold no data"),
        (("east", "west"), "where all maps together hold no data"),
    ):
        files = tuple(tmp_path / f"{n}_proba.tif" for n in names)
        with pytest.raises(InputError, match=said):
            run(CalibrateRequest(probabilities=files, reference=maps / "areas.gpkg"))


def test_classes_in_the_guise_of_probabilities_are_refused_and_a_sure_corner_is_not(maps, tmp_path):
    proba = open_probabilities(maps / "s2_proba.tif")
    sure = proba.copy(data=np.eye(17, dtype=np.float32)[proba.values.argmax(0)].transpose(2, 0, 1))
    file = tmp_path / "s2_proba.tif"
    write_probabilities(file, sure)
    asked = CalibrateRequest(
        probabilities=(file,), reference=maps / "areas.gpkg", method="temperature", replicates=100
    )
    with pytest.raises(InputError, match="map s2 is certain of every cell, as a map of classes"):
        run(asked)
    # polygons where a network is sure of all do not make its map one of classes
    inside = np.zeros(BOX.shape, bool)
    for row in range(PER_CLASS):
        for col in range(17):
            inside[row * 5 : row * 5 + EDGE, col * 5 : col * 5 + EDGE] = True
    write_probabilities(file, sure.where(inside[None], proba))
    assert run(asked).n > 1000


def test_too_few_polygons_are_refused(maps, tmp_path):
    places().iloc[:9].to_file(tmp_path / "few.gpkg")
    request = CalibrateRequest(
        probabilities=(maps / "s2_proba.tif",), reference=tmp_path / "few.gpkg"
    )
    with pytest.raises(InputError, match="9 polygons with probabilities are too few"):
        run(request)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"format": 1}', '{"format": 1, "maps": {}, "fusion": {}, "cautions": []}',
                '{"format": 1, "maps": {"s1": {"method": "temperature", "temperature": -1}}, "fusion": {}, '
                '"cautions": []}']
)  # fmt: skip
def test_a_file_that_is_no_calibration_is_refused(tmp_path, content):
    path = tmp_path / "calibration.json"
    path.write_text(content)
    with pytest.raises(InputError, match="calibration"):
        open_calibration(path)


def test_a_calibration_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(InputError, match=r"nothing.json does not exist: check its name and folder"):
        open_calibration(tmp_path / "nothing.json")


def test_maps_of_other_grids_are_refused_without_an_option_that_is_none(maps, tmp_path):
    moved = open_probabilities(maps / "s1_proba.tif")
    moved = moved.assign_coords(x=moved.x + 50.0)
    moved = moved.rio.write_transform(moved.rio.transform(recalc=True))
    write_probabilities(tmp_path / "s1_proba.tif", moved)
    files = (tmp_path / "s1_proba.tif", maps / "s2_proba.tif")
    with pytest.raises(InputError, match="grids differ") as refused:
        run(CalibrateRequest(probabilities=files, reference=maps / "areas.gpkg"))
    assert "resampl" not in str(refused.value)  # `lcz calibrate` does not resample


def test_blocks_hold_neighbouring_polygons_together(maps):
    request = CalibrateRequest(
        probabilities=(maps / "s2_proba.tif",), reference=maps / "areas.gpkg", block=1000,
        method="temperature", replicates=100,
    )  # fmt: skip
    result = run(request)
    assert result.unit == "block"
    assert 20 < result.n_units < 17 * PER_CLASS / 2


def test_the_command_writes_what_the_job_finds(maps, calibrated, tmp_path, run_lcz):
    code, out, err = run_lcz(
        "calibrate", maps / "s1_proba.tif", maps / "s2_proba.tif", "--reference", maps / "areas.gpkg",
        "--method", "temperature", "--replicates", 200, "--out", tmp_path / "made",
    )  # fmt: skip
    assert code == 0, err
    assert " ".join(calibrated[0].headline().split()) in " ".join(out.split())
    same = [
        json.loads((f / "calibration.json").read_text()) for f in (tmp_path / "made", calibrated[1])
    ]
    assert same[0]["maps"] == same[1]["maps"]
    code, out, err = run_lcz(
        "fuse", maps / "s1_proba.tif", maps / "s2_proba.tif", "--method", "learned",
        "--calibration", tmp_path / "made/calibration.json", "--out", tmp_path / "fused",
    )  # fmt: skip
    assert code == 0, err
    assert "Trained by you: net_s1, net_s2." in err
    for words in (("map", "x.tif", "--fusion"), ("fuse", "x_proba.tif", "y_proba.tif", "--method")):
        code, _, err = run_lcz(*words, "learned", "--out", tmp_path / "no")
        assert code == 2
        assert "give --calibration" in err
        assert words[-1] in err
