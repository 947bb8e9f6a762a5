"""``lcz water`` with an own checkpoint, and on a folder of dated scenes as one series."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import rasterio
import torch
from affine import Affine
from odc.geo.geobox import GeoBox
from synthetic_water import backscatter, lake

from lczlib.errors import InputError, WeightsError
from lczlib.export import sha256_of, write_raster
from lczlib.jobs.water import WaterRequest, run
from lczlib.mapping.water import load_water_model
from lczlib.models.gmnet import GMNet

BOX = GeoBox((70, 80), Affine(10, 0, 500_000, 0, -10, 3_500_000), "EPSG:32650")


def scene(path, seed, radius=20.0, box=BOX, radiometry=""):
    values = backscatter(lake(radius, box, seed), seed, box).astype(np.float32)
    tags = {"radiometry": f"{radiometry} nought, dB"} if radiometry else {}
    return write_raster(path, values, descriptions=("VV", "VH"), tags=tags)


@pytest.fixture
def year(tmp_path):
    """Three months of a lake that grows, in the folders and names that exports have."""
    folder = tmp_path / "radar"
    for i, name in enumerate(("202002/mosaic", "202001/mosaic", "S1_2020-03-02", "S1_2020-03-20")):
        path = folder / f"{name}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene(path, i, radius=(16, 12, 24, 24)[i])
    (folder / ".hidden").mkdir()
    shutil.copy(folder / "S1_2020-03-02.tif", folder / ".hidden/S1_2020-04-01.tif")
    return folder


def test_a_folder_is_its_scenes_by_date_without_results_and_hidden_files(year):
    for name in (
        "S1_2020-03-02_water",
        "S1_2020-03-02_water_proba",
        "water_occurrence",
        "incidence_angle",
    ):
        shutil.copy(year / "S1_2020-03-02.tif", year / f"{name}.tif")
    request = WaterRequest(inputs=year, orbit="as", every="month")
    assert request.names() == ["202001_mosaic", "202002_mosaic", "S1_2020-03-02", "S1_2020-03-20"]
    assert [str(d)[:7] for d in request.days()] == ["2020-01", "2020-02", "2020-03", "2020-03"]


def test_what_makes_no_series_is_refused_before_anything_is_mapped(tmp_path, year):
    with pytest.raises(InputError, match="makes no series by month"):
        WaterRequest(inputs=year / "S1_2020-03-02.tif", orbit="as", every="month")
    shutil.copy(year / "S1_2020-03-02.tif", year / "lake.tif")
    with pytest.raises(InputError, match="lake has no date in its name"):
        WaterRequest(inputs=year, orbit="as", every="month")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty is a folder: name the file in it\."):
        run(WaterRequest(inputs=tmp_path / "empty", orbit="as"))
    with pytest.raises(InputError, match="'week' is not one of month"):
        WaterRequest(inputs=year, orbit="as", every="week")


@pytest.mark.slow
def test_the_maps_and_the_course_of_a_year_come_of_one_command(year, tmp_path, mirror, run_lcz):
    out = tmp_path / "out"
    code, _, err = run_lcz(
        "water", year, "--orbit", "as", "--every", "month", "--figures", "--device", "cpu", "--out", out
    )  # fmt: skip
    assert code == 0, err
    months = json.loads((out / "water.json").read_text())["series"]["months"]
    assert [(m["month"], m["n_scenes"]) for m in months] == [
        ("2020-01", 1), ("2020-02", 1), ("2020-03", 2),
    ]  # fmt: skip
    areas = [m["area_km2"] for m in months]
    assert areas == sorted(areas)
    for month, radius in zip(months, (12, 16, 24), strict=True):  # shores are wavy
        assert month["area_km2"] == pytest.approx(np.pi * (radius / 100) ** 2, rel=0.35), month
    for name in ("water_monthly_maps", "water_monthly_area", "water_occurrence"):
        assert (out / f"{name}.png").stat().st_size > 10_000
    code, _, err = run_lcz("rerun", out, "--out", tmp_path / "again")
    assert code == 0, err
    one, other = (p / "202001_mosaic_water_proba.tif" for p in (out, tmp_path / "again"))
    with rasterio.open(one) as a, rasterio.open(other) as b:
        np.testing.assert_array_equal(a.read(), b.read())


@pytest.mark.slow
def test_scenes_on_other_grids_make_no_series(year, mirror):
    shifted = GeoBox((70, 80), Affine(10, 0, 500_300, 0, -10, 3_500_000), "EPSG:32650")
    scene(year / "S1_2020-05-01.tif", 3, box=shifted)
    with pytest.raises(InputError, match="different grids"):
        run(WaterRequest(inputs=year, orbit="as", every="month", device="cpu"))


def test_sigma_and_gamma_nought_make_no_series_and_nothing_is_mapped_for_one(year, mirror):
    scene(year / "S1_2020-03-02.tif", 2, radiometry="sigma")
    scene(year / "S1_2020-03-20.tif", 3, radiometry="gamma")
    steps = []
    with pytest.raises(
        InputError,
        match=r"S1_2020-03-20 holds gamma nought and S1_2020-03-02 sigma nought by their tags.*no area by month",
    ):
        run(
            WaterRequest(inputs=year, orbit="as", every="month", device="cpu"),
            progress=lambda what, *_: steps.append(what),
        )
    assert steps == ["Reading scenes"]


@pytest.mark.slow
def test_a_series_says_which_scenes_do_not_state_their_radiometry(year, mirror):
    for seed, day in enumerate(("02", "20")):
        scene(year / f"S1_2020-03-{day}.tif", seed, radiometry="sigma")
    found = run(WaterRequest(inputs=year, orbit="as", every="month", device="cpu"))
    said = "\n".join(found.cautions())
    assert "The tags of 2 scenes of 4 do not say whether sigma or gamma nought" in said
    assert "(202001_mosaic), those of the others say sigma nought" in said


@pytest.mark.parametrize("orbit", ["as", "des", "as_des"])
@torch.inference_mode()
def test_a_checkpoint_by_its_file_is_the_published_network(orbit, shared, mirror):
    """Parity with the goldens of the original program, and the file's own name and hash."""
    golden = np.load(shared / "goldens" / f"gmnet_{orbit}.npz")
    path = mirror / f"gmnet_{orbit}.pth"
    model = load_water_model(orbit, "cpu", path)
    inputs = [torch.from_numpy(golden[k]) for k in ("high", "mid", "low")]
    found = model(*inputs).sigmoid().numpy()
    np.testing.assert_allclose(found, golden["prob"], atol=1e-4)
    assert (model.weights.name, model.weights.sha256) == (path.name, sha256_of(path))


def test_own_weights_are_used_and_named(year, tmp_path, mirror):
    torch.manual_seed(1)
    state = torch.load(mirror / "gmnet_as.pth", map_location="cpu", weights_only=True)
    state["outp_layer.0.bias"] += 50.0  # everything is water
    torch.save(state, tmp_path / "flood.pth")
    file = year / "S1_2020-03-02.tif"
    request = WaterRequest(inputs=file, orbit="as", weights=tmp_path / "flood.pth", device="cpu")
    found = run(request)
    assert float(found.probability.min()) > 0.9
    assert found.weights["name"] == "flood.pth"
    found.write(tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["weights"]["sha256"] == sha256_of(tmp_path / "flood.pth")
    assert {"../flood.pth"} <= {i["path"] for i in manifest["inputs"]}


def test_weights_of_another_orbit_or_network_are_refused(mirror, tmp_path):
    with pytest.raises(WeightsError, match="--orbit as takes a GMNet of 2 bands"):
        load_water_model("as", "cpu", mirror / "gmnet_as_des.pth")
    with pytest.raises(WeightsError, match=r"nothing\.pth does not exist"):
        load_water_model("as", "cpu", tmp_path / "nothing.pth")
    torch.save(dict(list(GMNet(2).state_dict().items())[:5]), tmp_path / "part.pth")
    with pytest.raises(WeightsError, match="does not hold weights of GMNet"):
        load_water_model("as", "cpu", tmp_path / "part.pth")
