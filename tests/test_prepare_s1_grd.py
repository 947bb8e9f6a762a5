"""`lcz prepare-s1` of detected products (GRD): backscatter, border noise, slices, looks; or a sentence why not."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from synthetic_grd import INTERVAL, NAME, Slice, write_grd

from lczlib.errors import Cancelled, InputError
from lczlib.jobs import prepare_s1 as job
from lczlib.jobs.prepare_s1 import PrepareS1Request
from lczlib.sentinel1.deburst import Window
from lczlib.sentinel1.detected import Detected
from lczlib.sentinel1.geocode import grid_of, to_degrees
from lczlib.sentinel1.product import Product
from lczlib.sentinel1.simulated import TIME, Layout, View, write_eof, write_safe

VIEW = View(12.5, 41.9)
WHOLE = Slice(VIEW)
ROI = (12.487, 41.893, 12.513, 41.907)
GRID = grid_of(ROI)
HEIGHT = 40.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pass")


@pytest.fixture(scope="module")
def options(folder):
    """All but the products; a country at one height above the ellipsoid."""
    dem = folder / "dem.tif"
    with rasterio.open(
        dem, "w", driver="GTiff", width=50, height=50, count=1, dtype="float32", crs="EPSG:4326",
        transform=rasterio.transform.from_origin(12.4, 42.0, 4e-3, 4e-3),
    ) as target:  # fmt: skip
        target.write(np.full((50, 50), HEIGHT, np.float32), 1)
    orbit = str(write_eof(folder, Layout(VIEW)))
    return {"roi": ROI, "orbit": orbit, "dem": dem, "dem_height": "ellipsoid"}


def coded(polarisation, time, distance):
    """Digital numbers that tell their line and sample."""
    lines = np.rint((time - WHOLE.start) / INTERVAL).astype(int)
    return 200 + 7 * (lines % 31) + np.arange(distance.shape[1]) % 29 + 0 * distance


def made(options, out, **more):
    result = job.run(PrepareS1Request(**options, **more), scratch=out)
    result.write(out)
    result.close()
    return result


def pixels(path):
    with rasterio.open(path) as source:
        return source.read(), source.tags()


def looked_up(part=WHOLE):
    """Line and sample of each pixel of the map, by bisection in time and by a search in the ranges."""
    rows, columns = np.indices(GRID.shape)
    longitude, latitude = to_degrees(GRID, columns + 0.5, rows + 0.5)
    time, distance = VIEW.seen(longitude, latitude, np.full(GRID.shape, HEIGHT))
    line = (time - part.start) / INTERVAL
    records = part.records()
    nearest = records[np.abs(time[..., None] - records).argmin(-1)]
    ground = np.arange(-50, part.samples + 50) * 10.0
    sample = np.empty(GRID.shape)
    for record in np.unique(nearest):
        own = nearest == record
        ranges = np.polynomial.polynomial.polyval(ground, part.slant(record))
        sample[own] = np.interp(distance[own], ranges, ground / 10)
    return line, sample


def expected(product, polarisation, line, sample, dn):
    """Sigma nought in dB from the annotation alone: (DN^2 - range x azimuth noise) / A^2."""
    last, middle = WHOLE.lines - 1, WHOLE.samples // 2
    block = (sample >= middle).astype(int)
    noise = (1000 + sample) * (block + 1 + 0.5 * line / last)
    return 10 * np.log10((dn**2 - noise) / (300 + 0.1 * sample) ** 2)


def test_places_and_backscatter_are_those_of_independent_values(options, folder, tmp_path):
    """Of all pixels; those whose place is within 0.01 of a pixel's edge may take its neighbour."""
    product = write_grd(folder, WHOLE, coded)
    made({**options, "inputs": (product,)}, tmp_path, recipe="water")
    (vv, vh), tags = pixels(tmp_path / "water_20230904.tif")
    line, sample = looked_up()
    i, j = np.rint(line).astype(int), np.rint(sample).astype(int)
    sure = (np.abs(line - np.floor(line) - 0.5) > 0.01) & (
        np.abs(sample - np.floor(sample) - 0.5) > 0.01
    )
    assert sure.mean() > 0.9
    assert np.isfinite(vv).all()
    # two records are used, and on both sides of the seam of the noise's blocks
    assert (
        len(
            np.unique(
                np.abs(TIME + (line - 200)[..., None] * INTERVAL - WHOLE.records()).argmin(-1)
            )
        )
        > 1
    )
    assert j.min() < WHOLE.samples // 2 < j.max()
    dn = 200 + 7 * (i % 31) + j % 29
    want = expected(product, "VV", i, j, dn.astype(float))
    error = 10 ** ((vv.astype(float) - want) / 10) - 1
    assert np.abs(error[sure]).max() < 1e-6
    assert np.array_equal(vv, vh)
    assert tags["radiometry"] == "sigma nought, dB"
    assert (tags["product_kind"], tags["averaged"], tags["looks"]) == ("GRD", "no", "4.4")
    assert (tags["speckle_filter"], tags["border_noise"]) == ("none", "none")
    assert (tags["thermal_noise"], tags["terrain_flattening"]) == ("subtracted", "no")


def test_a_constant_field_is_recovered_across_the_seam_of_the_noise(options, tmp_path):
    """The noise lies on it as the processor adds it: twice as much in the far block."""

    def noisy(polarisation, time, distance):
        sample = np.arange(WHOLE.samples)
        line = np.arange(WHOLE.lines)[:, None]
        block = (sample >= WHOLE.samples // 2).astype(int)
        noise = (1000 + sample) * (block + 1 + 0.5 * line / (WHOLE.lines - 1))
        return np.sqrt(0.25 * (300 + 0.1 * sample) ** 2 + noise) * np.ones(distance.shape)

    product = write_grd(tmp_path, WHOLE, noisy)
    made({**options, "inputs": (product,)}, tmp_path / "out", recipe="water")
    (vv, _), _ = pixels(tmp_path / "out/water_20230904.tif")
    sigma = 10 ** (vv.astype(float) / 10)
    # digital numbers are whole: half of one is 0.3 % here, and no step is left at the seam
    assert np.abs(sigma / 0.25 - 1).max() < 2.1 * 0.5 / 150
    _, sample = looked_up()
    far = np.rint(sample) >= WHOLE.samples // 2
    assert sigma[far].mean() == pytest.approx(sigma[~far].mean(), rel=1e-4)


@pytest.mark.parametrize(("ipf", "border"), [("002.36", True), ("002.70", True), ("003.61", False)])
def test_border_noise_goes_by_the_processor_and_calm_water_stays(ipf, border, options, tmp_path):
    """80 samples and 60 lines of nothing at the edges, a twentieth of it brighter than that."""
    rng = np.random.default_rng(4)

    def values(polarisation, time, distance):
        out = np.sqrt(rng.gamma(4.4, 120.0**2 / 4.4, distance.shape))
        out[150:200, 200:300] = np.sqrt(rng.gamma(4.4, 55.0**2 / 4.4, (50, 100)))  # calm water
        nothing = rng.integers(1, 25, distance.shape)
        nothing[rng.random(distance.shape) < 0.05] = 60
        where = np.zeros(distance.shape, bool)
        where[:60], where[:, :80] = True, True
        return np.where(where, nothing, out)

    noise = 1000.0 / (75088.7 * 474**2) if ipf == "002.36" else 1000.0
    product = write_grd(tmp_path, WHOLE, values, ipf=ipf, noise=noise)
    image = Detected(Product(product), ("VH", "VV"))
    _, valid = image.read(image.whole, "VH")
    edge = np.zeros(valid.shape, bool)
    edge[:60], edge[:, :80] = True, True
    if not border:
        assert valid.all()
        return
    assert (~valid)[edge].mean() > 0.999
    assert valid[~edge].mean() > 0.995
    assert valid[150:200, 200:300].mean() > 0.995
    # how it is read changes nothing
    _, there = image.read(Window(-3, 60, 130, 150), "VH")
    assert np.array_equal(there[3:], valid[:130, 60:150])
    assert not there[:3].any()
    result = made({**options, "inputs": (product,)}, tmp_path / "out", recipe="water")
    _, tags = pixels(tmp_path / "out/water_20230904.tif")
    assert tags["border_noise"] == f"removed (IPF {ipf[2:]})"
    assert result.planned.said()["border noise"] == tags["border_noise"]


def test_slices_of_a_pass_become_one_image(options, tmp_path):
    """Two halves, each by itself, give every pixel that the whole gives."""
    parts = [Slice(VIEW, 187, 420, -200), Slice(VIEW, 213, 420, -13)]
    names = [NAME, NAME.replace("BBBB", "CCCC")]
    whole = write_grd(tmp_path, WHOLE, coded, name=NAME.replace("BBBB", "DDDD"), noise=0)
    slices = [
        write_grd(tmp_path, p, coded, name=n, noise=0) for p, n in zip(parts, names, strict=True)
    ]
    made({**options, "inputs": (whole,)}, tmp_path / "whole", recipe="water")
    result = made({**options, "inputs": tuple(slices[::-1])}, tmp_path / "both", recipe="water")
    assert result.valid_share == 1
    one, two = (pixels(tmp_path / n / "water_20230904.tif")[0] for n in ("whole", "both"))
    # what is next to the seam may round to a line that the other slice begins with
    assert (one == two).mean() > 0.999
    with pytest.warns(UserWarning, match=r"hold [0-9.]+% of the region"):
        half = made({**options, "inputs": (slices[0],)}, tmp_path / "half", recipe="water")
    assert 0.3 < half.valid_share < 0.7


def test_two_looks_make_pixels_of_20_m(options, folder, tmp_path):
    def values(polarisation, time, distance):
        line, sample = np.indices(distance.shape)
        return np.where((line + sample) % 2, 300, 100)

    product = write_grd(tmp_path, WHOLE, values, noise=0)
    made(
        {**options, "inputs": (product,)},
        tmp_path / "out",
        recipe="bigearthnet",
        looks=2,
        speckle="none",
    )
    with rasterio.open(tmp_path / "out/bigearthnet_20230904.tif") as source:
        assert source.res == (20, 20)
        vv, tags = source.read(1), source.tags()
    assert (tags["averaged"], tags["looks"]) == ("2 x 2 pixels", "17.6")
    mean = 10 * np.log10((300**2 + 100**2) / 2 / 300**2)
    assert np.abs(vv - mean).max() < 1.2  # A grows to 342 across the image, and noise by 1 a sample


def test_the_filter_is_bigearthnets(options, tmp_path):
    rng = np.random.default_rng(3)

    def values(polarisation, time, distance):
        return np.sqrt(rng.gamma(4.4, 150.0**2 / 4.4, distance.shape))

    product = write_grd(tmp_path, WHOLE, values, noise=0)
    spread = {}
    for recipe in ("water", "bigearthnet"):
        made({**options, "inputs": (product,)}, tmp_path / recipe, recipe=recipe)
        spread[recipe] = np.std(pixels(tmp_path / recipe / f"{recipe}_20230904.tif")[0][0])
    assert spread["bigearthnet"] < 0.6 * spread["water"]


def test_a_stopped_run_is_taken_up_to_the_same_bytes(options, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "TILE", 64)
    product = write_grd(tmp_path, WHOLE, coded)
    given = {**options, "inputs": (product,), "recipe": "bigearthnet"}
    made(given, tmp_path / "whole", jobs=2)

    def stop(text, done=0, total=0):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, Cancelled)):
        job.run(PrepareS1Request(**given), scratch=tmp_path / "part", progress=stop)
    kept = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "part" / job.WORK).glob("*.npz")}
    assert kept
    result = job.run(PrepareS1Request(**given), scratch=tmp_path / "part", resume=True)
    now = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "part" / job.WORK).glob("*.npz")}
    assert kept.items() <= now.items()
    result.write(tmp_path / "part")
    result.close()
    files = [tmp_path / n / "bigearthnet_20230904.tif" for n in ("whole", "part")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_command_says_beforehand_and_writes_graph_and_manifest(options, tmp_path, run_lcz):
    product = write_grd(tmp_path, WHOLE, coded, ipf="002.70")
    given = (
        "prepare-s1", product, f"--roi={','.join(map(str, ROI))}", "--orbit", options["orbit"], "--dem",
        options["dem"], "--dem-height", "ellipsoid", "--recipe", "bigearthnet",
    )  # fmt: skip
    code, said, errors = run_lcz(*given, "--looks", 2, "--dry-run")
    assert code == 0, errors
    assert "border noise: removed (IPF 2.70)" in said
    assert "pixels of 20 m" in said
    assert "bursts" not in said
    graph = tmp_path / "graph.xml"
    code, *_ = run_lcz(*given, "--looks", 2, "--write-snap-graph", graph)
    assert code == 0
    assert [n.findtext("operator") for n in ElementTree.parse(graph).getroot().findall("node")] == [
        "Read", "Apply-Orbit-File", "Remove-GRD-Border-Noise", "ThermalNoiseRemoval", "Calibration", "Multilook",
        "Speckle-Filter", "Terrain-Correction", "LinearToFromdB", "Write",
    ]  # fmt: skip
    code, said, errors = run_lcz(*given, "--out", tmp_path / "out")
    assert code == 0, errors
    told = json.loads((tmp_path / "out/manifest.json").read_text())["sentinel1"]
    assert (told["processor"], told["product_kind"]) == ("2.70", "GRD")


def test_an_early_product_without_noise_is_said(options, tmp_path):
    product = write_grd(tmp_path, WHOLE, coded, ipf="002.36", noise=0)
    given = {**options, "inputs": (product,)}
    with pytest.warns(UserWarning, match=r"the annotated thermal noise is 0"):
        made(given, tmp_path / "out", recipe="water")
    assert pixels(tmp_path / "out/water_20230904.tif")[1]["thermal_noise"] == "annotated as 0"


@pytest.mark.parametrize("recipe", ["so2sat", "rsnnet"])
def test_what_needs_the_phase_refuses_them(recipe, options, folder, tmp_path):
    product = write_grd(tmp_path, WHOLE, coded)
    with pytest.raises(
        InputError, match=r"detected \(GRD\) and holds no phase.*give an IW SLC product"
    ):
        job.plan(PrepareS1Request(**options, inputs=(product,), recipe=recipe))


def test_what_is_no_slice_of_10_m_or_one_kind_is_refused(options, tmp_path):
    coarse = write_grd(tmp_path / "a", WHOLE, coded, spacing=40.0)
    with pytest.raises(InputError, match=r"pixels of 40 m; this recipe takes those of 10 m"):
        job.plan(PrepareS1Request(**options, inputs=(coarse,), recipe="water"))
    good = write_grd(tmp_path / "b", WHOLE, coded)
    slc = write_safe(
        tmp_path / "c",
        Layout(VIEW, bursts=1, samples=200, shared=40),
        lambda *a: np.ones((240, 200)),
    )
    with pytest.raises(InputError, match=r"is GRD and .* SLC|is SLC and .* GRD"):
        job.plan(PrepareS1Request(**options, inputs=(good, slc), recipe="water"))
    with pytest.raises(InputError, match=r"--looks 2 averages the pixels of detected products"):
        job.plan(PrepareS1Request(**options, inputs=(slc,), recipe="bigearthnet", looks=2))
    for file in (good / "annotation").glob("*.xml"):
        file.write_text(file.read_text().replace("grsrCoefficients", "other"))
    with pytest.raises(InputError, match=r"says nothing of how its ground range"):
        job.plan(PrepareS1Request(**options, inputs=(good,), recipe="water"))


@pytest.mark.parametrize(("recipe", "looks"), [("water", 2), ("so2sat", 2), ("bigearthnet", 3)])
def test_looks_that_no_network_reads_are_refused(recipe, looks, options):
    with pytest.raises(InputError, match=rf"--looks {looks} is not of the recipe {recipe}"):
        PrepareS1Request(**options, inputs=("x",), recipe=recipe, looks=looks)


def test_products_as_cloud_optimized_geotiff_are_read_too(options, tmp_path):
    """As the Copernicus Data Space names them: every file ends in ``-cog``."""
    plain = write_grd(tmp_path, WHOLE, coded)
    cog = write_grd(tmp_path, WHOLE, coded, name=NAME.replace(".SAFE", "_COG.SAFE"))
    for file in [*cog.glob("**/*.xml"), *cog.glob("**/*.tiff")]:
        file.rename(file.with_stem(f"{file.stem}-cog"))
    found = []
    for product in (plain, cog):
        out = tmp_path / product.stem
        made({**options, "inputs": (product,)}, out, recipe="water")
        found.append(pixels(out / "water_20230904.tif")[0])
    assert np.array_equal(*found)
