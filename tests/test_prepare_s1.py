"""`lcz prepare-s1`: from products as delivered to a folder that `lcz map` takes, or a sentence why not."""

import json
import os
import shutil
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio

from lczlib import extras
from lczlib.errors import Cancelled, InputError
from lczlib.export.files import sha256_of
from lczlib.jobs import prepare_s1 as job
from lczlib.jobs.prepare_s1 import PrepareS1Request
from lczlib.scenes import open_scenes
from lczlib.scenes.polarimetry import SENTINEL1_CHANNELS
from lczlib.sentinel1.recipes import RECIPES
from lczlib.sentinel1.simulated import Layout, View, speckle, write_eof, write_safe

VIEW = View(12.5, 41.9)
LAYOUT = Layout(VIEW, bursts=3, samples=600)
ROI = (12.487, 41.893, 12.513, 41.907)
TEXT = ",".join(map(str, ROI))
AMPLITUDES, COVARIANCE = "mosaic_unfilt_dat/202309/mosaic.tif", "mosaic_dat/202309/mosaic.tif"


def scattered(swath, burst, polarisation, time, distance):
    """Speckle whose VV is four times its VH, a quarter of it in common."""
    shape = len(time), len(distance)
    own = speckle(time, shape, f"{swath}{polarisation}")
    both = speckle(time, shape, swath)
    power = 0.05 if polarisation == "VH" else 0.2
    return 300 * np.sqrt(power) * (0.5 * both + np.sqrt(0.75) * own)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pass")


@pytest.fixture(scope="module")
def product(folder):
    return write_safe(folder, LAYOUT, scattered)


@pytest.fixture(scope="module")
def eof(folder):
    return write_eof(folder, LAYOUT)


@pytest.fixture(scope="module")
def dem(folder):
    path = folder / "dem.tif"
    values = np.fromfunction(lambda i, j: 40 + i / 10 + j / 20, (500, 500), dtype=np.float32)
    with rasterio.open(
        path, "w", driver="GTiff", width=500, height=500, count=1, dtype="float32", crs="EPSG:4326",
        transform=rasterio.transform.from_origin(12.4, 42.0, 4e-4, 4e-4),
    ) as target:  # fmt: skip
        target.write(values.astype(np.float32), 1)
    return path


@pytest.fixture(scope="module")
def options(product, eof, dem):
    return {
        "inputs": (product,),
        "roi": ROI,
        "orbit": str(eof),
        "dem": dem,
        "dem_height": "ellipsoid",
    }


@pytest.fixture(scope="module")
def small_tiles():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "TILE", 64)
        yield


def made(options, out, **more):
    result = job.run(PrepareS1Request(**options, **more), scratch=out)
    result.write(out)
    result.close()
    return result


@pytest.fixture(scope="module")
def result(options, tmp_path_factory, small_tiles):
    out = tmp_path_factory.mktemp("result")
    return made(options, out), out


def pixels(path):
    with rasterio.open(path) as source:
        return source.read()


def test_the_command_writes_what_lcz_map_reads(product, eof, dem, tmp_path, run_lcz):
    out = tmp_path / "city"
    code, said, errors = run_lcz(
        "prepare-s1", product, "--recipe", "so2sat", f"--roi={TEXT}", "--orbit", eof, "--dem", dem, "--dem-height",
        "ellipsoid", "--jobs", 2, "--out", out,
    )  # fmt: skip
    assert code == 0, errors
    assert "100.0% of them with data" in said
    city = open_scenes([out], sensors=("s1",))
    assert (city.name, city.sentinel1_time) == ("city", "202309")
    scene = city.sentinel1
    power = scene["VV_re"] ** 2 + scene["VV_im"] ** 2
    assert float(power.mean()) == pytest.approx(0.2, rel=0.05)
    assert float(scene["C11"].mean()) == pytest.approx(0.05, rel=0.15)
    with rasterio.open(out / AMPLITUDES) as source:
        assert source.descriptions == ("i_VH", "q_VH", "i_VV", "q_VV")
        assert (source.nodata, source.dtypes[0], source.res) == (0, "float32", (10, 10))
        tags = source.tags()
    with rasterio.open(out / COVARIANCE) as source:
        assert source.descriptions == ("C11", "C12_real", "C12_imag", "C22")
        assert source.crs.to_string() == "EPSG:32633"
        assert (source.transform.c % 10, source.transform.f % 10) == (0, 0)
    for name, value in RECIPES["so2sat"].tags().items():
        assert tags[name] == value
    assert tags["speckle_filter"] == "refined-lee"
    assert (tags["orbit"], tags["orbit_file"], tags["dem_height"]) == (
        "precise",
        eof.name,
        "ellipsoid",
    )
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["command"] == "prepare-s1"
    assert manifest["sentinel1"]["looks"] == "1"
    assert manifest["sentinel1"]["bursts"].keys() <= {"IW1", "IW2", "IW3"}
    assert {COVARIANCE, AMPLITUDES, "incidence_angle.tif", "layover_shadow.tif"} <= set(
        manifest["outputs"]
    )
    assert any(i["path"].endswith(eof.name) for i in manifest["inputs"])
    assert not (out / ".prepare-s1").exists()
    angle = pixels(out / "incidence_angle.tif")
    assert 37 < np.nanmin(angle) < np.nanmax(angle) < 39


def test_amplitudes_are_pixels_of_the_image_and_their_covariance_follows(result):
    _, out = result
    amplitudes = pixels(out / AMPLITUDES)
    repeated = (np.diff(amplitudes[3], axis=0) == 0).mean()
    assert 0.1 < repeated < 0.5  # lines are 14 m apart, and nothing lies between two of them
    assert set(np.unique(np.rint(amplitudes * 300) - amplitudes * 300 > 1e-2)) == {False}


def test_without_the_filter_the_covariance_is_that_of_the_amplitudes(
    options, tmp_path, small_tiles
):
    made(options, tmp_path, speckle="none")
    a, b, c, d = pixels(tmp_path / AMPLITUDES)
    c11, real, imaginary, c22 = pixels(tmp_path / COVARIANCE)
    product = (a + 1j * b) * (c - 1j * d)
    for found, expected in (
        (c11, a**2 + b**2), (real, product.real), (imaginary, product.imag), (c22, c**2 + d**2)
    ):  # fmt: skip
        assert np.abs(found - expected).max() < 1e-6


def test_tiles_of_any_size_and_jobs_at_once_make_the_same_bytes(
    result, options, tmp_path, monkeypatch
):
    _, out = result
    monkeypatch.setattr(job, "TILE", 2048)
    made(options, tmp_path, jobs=2)
    for name in (AMPLITUDES, COVARIANCE, "incidence_angle.tif", "layover_shadow.tif"):
        assert np.array_equal(pixels(out / name), pixels(tmp_path / name), equal_nan=True), name


def test_a_stopped_run_is_taken_up_to_the_same_bytes(result, options, tmp_path, small_tiles):
    _, out = result
    request = PrepareS1Request(**options)
    calls = []

    def stop():
        calls.append(1)
        return len(calls) > 6

    with pytest.raises(Cancelled):
        job.run(request, cancelled=stop, scratch=tmp_path)
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / ".prepare-s1").glob("*.npz")}
    assert len(kept) >= 3
    again = job.run(request, scratch=tmp_path, resume=True)
    assert all(p.stat().st_mtime_ns == t for p, t in kept.items())
    again.write(tmp_path)
    again.close()
    for name in (AMPLITUDES, COVARIANCE):
        assert sha256_of(tmp_path / name) == sha256_of(out / name)


def test_tiles_of_another_request_are_not_taken_up(options, tmp_path, small_tiles):
    job.run(PrepareS1Request(**options), scratch=tmp_path)
    (note,) = (tmp_path / ".prepare-s1").glob("job.json")
    before = {p.name: p.stat().st_mtime_ns for p in note.parent.glob("*.npz")}
    job.run(PrepareS1Request(**options, speckle="none"), scratch=tmp_path, resume=True)
    assert all((note.parent / n).stat().st_mtime_ns > t for n, t in before.items())


def test_a_folder_without_a_result_keeps_no_tiles(options, tmp_path, small_tiles):
    empty = write_safe(
        tmp_path / "safe", LAYOUT, lambda s, b, p, t, d: np.zeros((len(t), len(d)), complex)
    )
    with pytest.raises(InputError, match=r"no valid pixel"):
        job.run(PrepareS1Request(**{**options, "inputs": (empty,)}), scratch=tmp_path / "out")
    assert not (tmp_path / "out" / ".prepare-s1").exists()


def test_rsnnet_has_its_nine_channels(options, tmp_path, small_tiles):
    made({**options, "recipe": "rsnnet"}, tmp_path)
    path = tmp_path / "channels/202309/mosaic.tif"
    with rasterio.open(path) as source:
        assert source.descriptions == SENTINEL1_CHANNELS
        assert source.tags()["decomposition_window"] == "5"
        bands = dict(zip(source.descriptions, source.read(), strict=True))
    assert bands["Intensity_VV"].mean() == pytest.approx(0.2, rel=0.05)
    assert 0 < np.nanmin(bands["Alpha"]) < np.nanmax(bands["Alpha"]) < 90
    assert np.nanmean(bands["Entropy"]) == pytest.approx(
        0.7, abs=0.1
    )  # of powers 4 to 1, little in common


def test_slices_become_one_image_and_passes_are_not_mixed(product, options, tmp_path, small_tiles):
    class Later(Layout):
        def start(self, swath, burst):
            return super().start(swath, burst + 2)

    later = Later(VIEW, LAYOUT.bursts, LAYOUT.samples)
    second = write_safe(tmp_path, later, scattered, name="S1A_IW_SLC__LATER.SAFE")
    whole = {**options, "roi": (12.487, 41.893, 12.513, 41.96)}
    result = made({**whole, "inputs": (second, product)}, tmp_path / "both")
    assert result.valid_share == 1
    single = made(whole, tmp_path / "one")
    assert 0.3 < single.valid_share < 0.9
    (reading,) = [r for r in single.read if r.what == "Sentinel-1 pass"]
    assert any("the rest is no data" in c for c in reading.cautions)
    other = write_safe(tmp_path, later, scattered, name="S1A_IW_SLC__OTHER.SAFE", datatake=400001)
    with pytest.raises(InputError, match=r"different passes"):
        job.run(
            PrepareS1Request(**{**whole, "inputs": (product, other)}), scratch=tmp_path / "mixed"
        )


def test_an_archive_is_read_as_its_folder_is(product, options, result, tmp_path, small_tiles):
    archive = shutil.make_archive(str(tmp_path / "product"), "zip", product.parent, product.name)
    made({**options, "inputs": (archive,)}, tmp_path / "out")
    assert np.array_equal(pixels(tmp_path / "out" / AMPLITUDES), pixels(result[1] / AMPLITUDES))


def test_the_grid_of_another_raster_is_taken(options, tmp_path, write_tif, small_tiles):
    like = write_tif(np.ones((70, 90), np.float32), "s2.tif", origin=(292_505.0, 4_641_705.0))
    made({**options, "roi": (), "like": like}, tmp_path / "out")
    with rasterio.open(tmp_path / "out" / COVARIANCE) as found, rasterio.open(like) as asked:
        assert (found.transform, found.shape, found.crs) == (
            asked.transform,
            asked.shape,
            asked.crs,
        )
    coarse = write_tif(
        np.ones((7, 9), np.float32), "s3.tif", origin=(292_505.0, 4_641_705.0), pixel=100.0
    )
    with pytest.raises(InputError, match=r"pixels of 100 m: --like takes a raster of 10 m"):
        job.plan(PrepareS1Request(**{**options, "roi": (), "like": coarse}))


def test_a_dry_run_says_what_and_writes_nothing(product, eof, dem, tmp_path, run_lcz):
    code, said, errors = run_lcz(
        "prepare-s1", product, f"--roi={TEXT}", "--orbit", eof.parent, "--dem", dem, "--dem-height", "ellipsoid",
        "--out", tmp_path / "out", "--dry-run",
    )  # fmt: skip
    assert code == 0, errors
    for text in (
        "ascending",
        "IW2",
        f"precise {eof.name}",
        "covers the region",
        "pixels of 10 m",
        "MB",
        "100.0%",
    ):
        assert text in said
    assert not (tmp_path / "out").exists()


def test_the_graph_for_snap_holds_the_recipe(product, eof, dem, tmp_path, run_lcz):
    graph = tmp_path / "graph.xml"
    code, *_ = run_lcz(
        "prepare-s1", product, f"--roi={TEXT}", "--orbit", eof, "--dem", dem, "--dem-height", "ellipsoid",
        "--write-snap-graph", graph,
    )  # fmt: skip
    assert code == 0
    root = ElementTree.parse(graph).getroot()
    operators = [n.findtext("operator") for n in root.findall("node")]
    assert operators.count("Terrain-Correction") == 2
    assert operators.count("Polarimetric-Speckle-Filter") == 1
    known = {n.get("id") for n in root.findall("node")}
    assert {s.get("refid") for s in root.iter("sourceProduct")} <= known
    assert {n.text for n in root.iter("imgResamplingMethod")} == {"NEAREST_NEIGHBOUR"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "GRD"}, "is detected (GRD) and holds no phase"),
        ({"polarisations": ("VV",)}, "holds VV alone; the network reads VV and VH"),
        ({"polarisations": ("HH", "HV")}, "holds HH and HV; the network reads VV and VH"),
        ({"mode": "EW"}, "is of mode EW"),
        ({"mode": "SM"}, "is of mode SM"),
        ({"mode": "WV"}, "is of mode WV"),
    ],
)
def test_products_that_the_networks_do_not_read_are_refused(
    change, says, options, tmp_path, run_lcz, dem, eof
):
    layout = Layout(VIEW, bursts=1, samples=200, shared=40)
    path = write_safe(tmp_path, layout, scattered, **change)
    code, _, errors = run_lcz(
        "prepare-s1", path, f"--roi={TEXT}", "--orbit", eof, "--dem", dem, "--dem-height", "ellipsoid", "--out",
        tmp_path / "out",
    )  # fmt: skip
    assert code == 1
    assert says in errors
    assert "S1*_IW_SLC__1SDV_*" in errors
    assert not (tmp_path / "out").exists()


def test_what_lies_elsewhere_or_is_missing_is_refused(product, options, tmp_path):
    far = {**options, "roi": (12.45, 41.83, 12.47, 41.84)}
    with pytest.raises(InputError, match=r"lies outside S1A_IW_SLC.*reaches from"):
        job.plan(PrepareS1Request(**far))
    copy = tmp_path / product.name
    shutil.copytree(product, copy)
    for file in copy.glob("**/*iw1*"):
        file.unlink()
    west = {**options, "inputs": (copy,), "roi": (12.475, 41.893, 12.50, 41.907)}
    with pytest.raises(InputError, match=r"lacks IW1, and the region needs more than IW2, IW3"):
        job.plan(PrepareS1Request(**west))
    only = PrepareS1Request(**{**west, "roi": (12.497, 41.897, 12.503, 41.903)})
    assert set(job.plan(only).bursts()) == {
        "IW2"
    }  # swaths that the region does not need are not missed
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"is no Sentinel-1 product"):
        job.plan(PrepareS1Request(**{**options, "inputs": (empty,)}))
    with pytest.raises(InputError, match=r"does not exist"):
        job.plan(PrepareS1Request(**{**options, "inputs": (tmp_path / "nothing.SAFE",)}))


def test_a_region_is_given_in_one_way(options):
    with pytest.raises(InputError, match=r"Give the region by --roi, or a raster by --like"):
        PrepareS1Request(**{**options, "roi": ()})
    with pytest.raises(InputError, match=r"is no box"):
        job.plan(PrepareS1Request(**{**options, "roi": (12.5, 41.9, 12.5, 41.8)}))


def test_the_annotated_orbit_is_taken_with_a_caution(options, tmp_path, small_tiles):
    result = job.run(PrepareS1Request(**{**options, "orbit": "annotation"}), scratch=tmp_path)
    (reading,) = [r for r in result.read if r.what == "Sentinel-1 pass"]
    assert any("product's own" in c for c in reading.cautions)
    assert (result.planned.orbit.source, result.planned.orbit.file) == ("annotation", None)


def test_without_numba_it_is_asked_for(options, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs numba: pip install 'lczlib\[sar\]'"):
        job.plan(PrepareS1Request(**options))


def test_damage_amid_a_measurement_is_told(product, options, tmp_path, small_tiles):
    copy = tmp_path / product.name
    shutil.copytree(product, copy)
    for file in (copy / "measurement").glob("*iw2-slc-vv*"):
        with file.open("r+b") as stream:
            stream.truncate(os.path.getsize(file) // 3)
    with pytest.raises(InputError, match=r"cannot be read"):
        job.run(PrepareS1Request(**{**options, "inputs": (copy,)}), scratch=tmp_path / "out")
