"""From the simulated city's backscatter, seen in radar geometry as a product, to its map."""

import numpy as np
import pytest
import rasterio
from scipy.interpolate import LinearNDInterpolator

from lczlib import assess, map_city
from lczlib.export import write_raster
from lczlib.grid import geobox_of, on_grid
from lczlib.scenes.simulation import radar, simulate_city, write_so2sat
from lczlib.sentinel1.geocode import LIGHT, to_degrees
from lczlib.sentinel1.simulated import (
    INTERVAL,
    RATE,
    TIME,
    Layout,
    View,
    late,
    speckle,
    write_eof,
    write_safe,
)

pytestmark = pytest.mark.slow
KM, EVERY = 6.0, 4
AMPLITUDES, COVARIANCE = "mosaic_unfilt_dat/202309/mosaic.tif", "mosaic_dat/202309/mosaic.tif"


@pytest.fixture(scope="module")
def city():
    """The city, and what its radar images are drawn from."""
    seen = {}
    plain = radar.backscatter

    def watched(rng, fabric, orbit):
        power = plain(rng, fabric, orbit)
        seen[orbit] = (fabric, power)
        return power

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(radar, "backscatter", watched)
        made = simulate_city(KM, 5)
    return made, *seen["ascending"]


@pytest.fixture(scope="module")
def ready(city, tmp_path_factory):
    """The simulator's own channels, as a So2Sat folder."""
    return write_so2sat(city[0], tmp_path_factory.mktemp("ready"))


@pytest.fixture(scope="module")
def prepared(city, ready, tmp_path_factory):
    """The same city by way of a product."""
    made, fabric, power = city
    grid = geobox_of(made.sentinel1["ascending"], "city")
    n = grid.shape[0]
    folder = tmp_path_factory.mktemp("product")
    middle = to_degrees(grid, np.array([n / 2]), np.array([n / 2]))
    view = View(float(middle[0][0]), float(middle[1][0]), radar.INCIDENCE)
    layout = Layout(view, bursts=4, samples=900)
    elevation = np.asarray(fabric.elevation, np.float32)
    dem = write_raster(folder / "dem.tif", on_grid(np.pad(elevation, 20, "edge"), grid.pad(20)))

    at = np.arange(-8, n + 9, EVERY)
    column, row = (v.ravel() for v in np.meshgrid(at, at))
    inside = np.clip(row, 0, n - 1), np.clip(column, 0, n - 1)
    time, distance = view.seen(*to_degrees(grid, column + 0.5, row + 0.5), elevation[inside])
    time = time + late(layout, distance)
    place = LinearNDInterpolator(
        np.stack([(time - TIME) / INTERVAL, 2 * distance / LIGHT * RATE], 1),
        np.stack([row, column], 1),
    )

    def values(swath, burst, polarisation, times, distances):
        line, sample = (times - TIME) / INTERVAL, 2 * distances / LIGHT * RATE
        where = place(*np.meshgrid(line, sample, indexing="ij"))
        known = np.isfinite(where).all(-1)
        i, j = (
            np.rint(np.where(known[..., None], where, 0))
            .astype(int)
            .clip(0, n - 1)
            .transpose(2, 0, 1)
        )
        first = speckle(times, known.shape, f"{swath} first")
        amplitude = np.sqrt(power.vv[i, j] + radar.NOISE_FLOOR) * first
        if polarisation == "VH":
            rho, second = power.correlation[i, j], speckle(times, known.shape, f"{swath} second")
            mixed = np.conj(rho) * first + np.sqrt(1 - np.abs(rho) ** 2) * second
            amplitude = np.sqrt(power.vh[i, j] + radar.NOISE_FLOOR) * mixed
        return np.where(known, 300 * amplitude, 0)

    product = write_safe(folder, layout, values)
    return product, write_eof(folder, layout), dem, ready


@pytest.fixture(scope="module")
def made(prepared, tmp_path_factory):
    from lczlib.jobs.prepare_s1 import PrepareS1Request, run

    product, eof, dem, ready = prepared
    (like,) = ready.glob("Sentinel-1/*/mosaic_dat/*/mosaic.tif")
    out = tmp_path_factory.mktemp("city")
    request = PrepareS1Request(
        inputs=(product,), orbit=str(eof), dem=dem, dem_height="ellipsoid", like=like, jobs=2
    )
    result = run(request, scratch=out)
    result.write(out)
    result.close()
    for name in (AMPLITUDES, COVARIANCE):  # of a simulated city, which real networks refuse
        with rasterio.open(out / name, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as target:
            target.update_tags(LCZLIB_SIMULATED="yes")
    return out


def test_powers_come_back_where_they_were(city, made):
    _, _, power = city
    with rasterio.open(made / COVARIANCE) as source:
        c11, _, _, c22 = source.read()
    for found, expected in ((c11, power.vh), (c22, power.vv)):
        known = found > 0
        assert known.mean() > 0.99
        truth = expected + radar.NOISE_FLOOR
        blocks = [
            a[: a.shape[0] // 20 * 20, : a.shape[1] // 20 * 20]
            .reshape(a.shape[0] // 20, 20, -1, 20)
            .mean((1, 3))
            for a in (found, truth)
        ]
        ratio = blocks[0] / blocks[1]
        assert 0.8 < np.median(ratio) < 1.0  # the source's filter takes the darker side
        assert np.corrcoef(np.log(blocks[0]).ravel(), np.log(blocks[1]).ravel())[0, 1] > 0.95


def test_the_map_is_as_accurate_as_that_of_the_ready_channels(city, ready, made, tmp_path):
    scores = {}
    (reference,) = ready.glob("Reference/*/lcz.tif")
    (channels,) = ready.glob("Sentinel-1/*")
    for name, folder in (("ready", channels), ("made", made)):
        map_city(folder, tmp_path / name)
        scores[name] = assess(tmp_path / name / "s1_lcz.tif", reference).document()
    low, high = scores["ready"]["oa_ci"]
    assert low <= scores["made"]["oa"] <= high, scores
    assert scores["made"]["oa"] > 0.3
