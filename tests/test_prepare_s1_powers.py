"""Recipes of powers, for networks that read dB."""

from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from test_prepare_s1 import LAYOUT, ROI, TEXT, made, pixels, scattered

from lczlib.errors import InputError
from lczlib.jobs import prepare_s1 as job
from lczlib.jobs.prepare_s1 import PrepareS1Request
from lczlib.sentinel1.product import Product
from lczlib.sentinel1.radiometry import Noise
from lczlib.sentinel1.recipes import RECIPES
from lczlib.sentinel1.simulated import speckle, write_eof, write_safe


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pass")
    dem = folder / "dem.tif"
    with rasterio.open(
        dem, "w", driver="GTiff", width=50, height=50, count=1, dtype="float32", crs="EPSG:4326",
        transform=rasterio.transform.from_origin(12.4, 42.0, 4e-3, 4e-3),
    ) as target:  # fmt: skip
        target.write(np.full((50, 50), 40, np.float32), 1)
    product = write_safe(folder, LAYOUT, scattered)
    orbit = str(write_eof(folder, LAYOUT))
    return {"inputs": (product,), "roi": ROI, "orbit": orbit, "dem": dem, "dem_height": "ellipsoid"}


@pytest.mark.parametrize("recipe", ["bigearthnet", "water"])
def test_powers_without_noise_are_written_in_decibels(recipe, options, tmp_path):
    """Of 0.2 and 0.05; the noise of these products is 0.01 to 0.14."""
    made({**options, "recipe": recipe}, tmp_path)
    with rasterio.open(tmp_path / f"{recipe}_20230904.tif") as source:
        assert source.descriptions == ("VV", "VH")
        assert np.isnan(source.nodata)
        tags, (vv, vh) = source.tags(), source.read()
    assert tags["radiometry"] == "sigma nought, dB"
    assert (tags["thermal_noise"], tags["averaged"]) == ("subtracted", "4 x 1 samples")
    assert tags["speckle_filter"] == {"bigearthnet": "refined-lee", "water": "none"}[recipe]
    assert np.isfinite(vv).all()
    floor = 10 * np.log10(RECIPES[recipe].floor)
    if recipe == "water":  # below the noise, which is no missing pixel
        assert vh.min() == pytest.approx(floor, abs=1e-4)
    low, high = {"bigearthnet": (0.1, 2.0), "water": (2.0, 5.0)}[recipe]
    assert low < np.std(vv[vv > floor + 10]) < high


@pytest.mark.slow
def test_water_is_mapped_of_it(options, tmp_path, mirror, run_lcz):
    made({**options, "recipe": "water"}, tmp_path / "s1")
    code, said, errors = run_lcz(
        "water", tmp_path / "s1/water_20230904.tif", "--orbit", "as", "--out", tmp_path / "water"
    )
    assert code == 0, errors
    assert "bands by name: VV from VV, VH from VH; dB as given" in errors + said
    assert "(100.0 %)" in errors + said  # what lies below the noise is no missing pixel


def test_powers_come_back_without_their_noise(options, tmp_path):
    """Speckle of a known power on top of the noise that is annotated: the power is what is left."""
    plain = Product(options["inputs"][0])
    noise = {(s, p): Noise(plain, s, p) for s in plain.names for p in ("VH", "VV")}

    def noisy(swath, burst, polarisation, time, distance):
        lines = burst * len(time) + np.arange(len(time))
        of_noise = noise[swath, polarisation].power(lines, np.arange(len(distance)))
        power = 300**2 * (0.2 if polarisation == "VH" else 0.8) + of_noise
        return np.sqrt(power) * speckle(time, power.shape, f"{swath}{polarisation}")

    one = write_safe(tmp_path / "safe", LAYOUT, noisy)
    made({**options, "inputs": (one,), "recipe": "water"}, tmp_path / "out")
    vv, vh = 10 ** (pixels(tmp_path / "out/water_20230904.tif") / 10)
    assert vv.mean() == pytest.approx(0.8, rel=0.02)
    assert vh.mean() == pytest.approx(0.2, rel=0.02)
    assert 3.3 < vv.mean() ** 2 / vv.var() < 4.2  # noise that was taken away leaves its spread


@pytest.mark.parametrize("recipe", ["bigearthnet", "water"])
def test_tiles_of_powers_of_any_size_make_the_same_bytes(recipe, options, tmp_path, monkeypatch):
    found = set()
    for size in (64, 96):
        monkeypatch.setattr(job, "TILE", size)
        made({**options, "recipe": recipe}, tmp_path / str(size))
        found.add(pixels(tmp_path / str(size) / f"{recipe}_20230904.tif").tobytes())
    assert len(found) == 1


def test_a_filter_of_covariance_is_refused_of_powers(options):
    with pytest.raises(InputError, match=r"--speckle lee1999 filters the covariance, and water"):
        PrepareS1Request(**options, recipe="water", speckle="lee1999")


def test_the_graph_of_powers_holds_their_steps_in_order(options, tmp_path, run_lcz):
    graph = tmp_path / "graph.xml"
    code, *_ = run_lcz(
        "prepare-s1", *options["inputs"], f"--roi={TEXT}", "--orbit", options["orbit"], "--dem", options["dem"],
        "--dem-height", "ellipsoid", "--recipe", "bigearthnet", "--write-snap-graph", graph,
    )  # fmt: skip
    assert code == 0
    assert [n.findtext("operator") for n in ElementTree.parse(graph).getroot().findall("node")] == [
        "Read", "Apply-Orbit-File", "ThermalNoiseRemoval", "Calibration", "TOPSAR-Deburst", "Multilook",
        "Speckle-Filter", "Terrain-Correction", "LinearToFromdB", "Write",
    ]  # fmt: skip
