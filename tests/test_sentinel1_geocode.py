"""What the radar saw lands where it stands, with the right heights, and nowhere else."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import CRS

from lczlib.errors import InputError
from lczlib.sentinel1.chain import Chain
from lczlib.sentinel1.deburst import Deburst
from lczlib.sentinel1.geocode import LIGHT, Geocoder, grid_of, outline, to_degrees
from lczlib.sentinel1.orbit import annotated
from lczlib.sentinel1.product import Product
from lczlib.sentinel1.recipes import RECIPES
from lczlib.sentinel1.simulated import INTERVAL, RATE, Layout, View, late, write_safe
from lczlib.sentinel1.terrain import (
    GEOIDS,
    Layer,
    height_of,
    open_dem,
    open_geoid,
    read_geoid,
    undulation,
)

VIEW = View(12.5, 41.9)
LAYOUT = Layout(VIEW, bursts=4, samples=700)
BOX = (12.475, 41.885, 12.525, 41.915)
GRID = grid_of(BOX)
GEOID = 48.48
"""m, of EGM96 there."""


def height(longitude, latitude):
    """A steep country above the geoid: 0 to 700 m within 5 km."""
    return 350 + 350 * np.sin((longitude - 12.5) * 250) * np.cos((latitude - 41.9) * 300)


def targets():
    """Columns and rows of the map's pixels that hold a target, and their places."""
    rows, columns = np.meshgrid(
        np.arange(30, GRID.shape[0] - 30, 37), np.arange(30, GRID.shape[1] - 30, 41)
    )
    rows, columns = rows.ravel(), columns.ravel()
    longitude, latitude = to_degrees(GRID, columns + 0.5, rows + 0.5)
    return rows, columns, longitude, latitude


@pytest.fixture(scope="module")
def dem(tmp_path_factory):
    """The country as a raster of about 10 m, heights above the geoid."""
    path = tmp_path_factory.mktemp("dem") / "dem.tif"
    step = 1e-4
    west, north, n = 12.42, 41.96, 1600
    longitude = west + (np.arange(n) + 0.5) * step
    latitude = north - (np.arange(n) + 0.5) * step
    values = height(longitude[None, :], latitude[:, None]).astype(np.float32)
    with rasterio.open(
        path, "w", driver="GTiff", width=n, height=n, count=1, dtype="float32", crs="EPSG:4326",
        transform=rasterio.transform.from_origin(west, north, step, step),
    ) as target:  # fmt: skip
        target.write(values, 1)
    return path


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """Points alone, each at its time and range by bisection; what hides or overlays them is not drawn."""
    rows, _, longitude, latitude = targets()
    time, distance = VIEW.seen(longitude, latitude, height(longitude, latitude) + GEOID)
    time = time + late(LAYOUT, distance)

    def values(swath, burst, polarisation, times, distances):
        out = np.full((len(times), len(distances)), 3.0 + 0j)
        line = np.rint((time - times[0]) / INTERVAL).astype(int)
        sample = np.rint((distance - distances[0]) * 2 / LIGHT * RATE).astype(int)
        own = (line >= 0) & (line < len(times)) & (sample >= 0) & (sample < len(distances))
        out[line[own], sample[own]] = 3000
        return out

    assert len(rows) > 60
    return Product(write_safe(tmp_path_factory.mktemp("safe"), LAYOUT, values))


def constant_geoid(value):
    values = np.full((721, 1442), value, np.float32)
    return Layer(values, CRS.from_epsg(4326), -180.0, 90.0, 0.25, -0.25)


def found(product, dem, geoid):
    """Share of the targets whose own pixel is bright in the map."""
    image = Deburst([product], ("VH", "VV"))
    orbit = annotated(list(product.swaths.values()))
    geocoder = Geocoder(GRID, image, orbit, open_dem(dem, *outline(GRID)), geoid)
    tile = Chain(RECIPES["so2sat"], geocoder).tile(0, 0, *GRID.shape)
    rows, columns, *_ = targets()
    bright = np.hypot(*tile.images["mosaic_unfilt_dat"][2:])[rows, columns] > 1
    return bright.mean(), tile


def test_point_targets_lie_in_their_own_cell_over_steep_terrain(product, dem):
    share, tile = found(product, dem, constant_geoid(GEOID))
    assert share > 0.95  # a height off by a centimetre may round to the next sample
    assert tile.valid == tile.hidden.size
    assert tile.incidence.mean() == pytest.approx(38, abs=0.5)


@pytest.mark.parametrize("wrong", [0.0, GEOID + 15])
def test_with_the_wrong_geoid_they_do_not(product, dem, wrong):
    share, _ = found(product, dem, None if wrong == 0 else constant_geoid(wrong))
    assert share < 0.2


def test_how_the_map_is_cut_changes_no_place(product, dem):
    image = Deburst([product], ("VH", "VV"))
    orbit = annotated(list(product.swaths.values()))
    geocoder = Geocoder(GRID, image, orbit, open_dem(dem, *outline(GRID)), constant_geoid(GEOID))
    whole, part = geocoder.locate(0, 0, *GRID.shape), geocoder.locate(48, 96, 70, 50)
    for name in ("line", "sample", "height", "incidence"):
        assert np.array_equal(getattr(whole, name)[48:118, 96:146], getattr(part, name))
    longitude, latitude = to_degrees(GRID, np.array([100.5, 250.5]), np.array([60.5, 200.5]))
    time, distance = VIEW.seen(longitude, latitude, height(longitude, latitude) + GEOID)
    line = (time + late(LAYOUT, distance) - image.time) / INTERVAL
    sample = (2 * distance / LIGHT - image.slant_range_time) * RATE
    assert np.abs(whole.line[[60, 200], [100, 250]] - line).max() < 0.02
    assert np.abs(whole.sample[[60, 200], [100, 250]] - sample).max() < 0.3  # of a dem of 10 m


def test_a_cliff_lays_over_what_is_before_it_and_hides_what_is_behind(product):
    """A wall of 300 m along the flight: at 38 degrees 384 m of layover on its near side, 234 m of shadow."""
    n = 400
    values = np.zeros((n, n), np.float32)
    values[:, 200:203] = 300  # the radar looks to the east from an ascending pass
    west, north, step = 12.46, 41.93, 2e-4
    dem = Layer(values, CRS.from_epsg(4326), west, north, step, -step)
    image = Deburst([product], ("VH", "VV"))
    geocoder = Geocoder(GRID, image, annotated(list(product.swaths.values())), dem, None)
    hidden = geocoder.hidden(0, 0, *GRID.shape)
    rows, columns = np.indices(GRID.shape)
    longitude, _ = to_degrees(GRID, columns + 0.5, rows + 0.5)
    east = (longitude - (west + 201 * step)) * 111_320 * np.cos(np.radians(41.9))
    slanted = 1 / np.cos(np.radians(10))  # the sight is 10 degrees off the east
    layover, shadow = hidden & 1 > 0, hidden & 2 > 0
    assert layover[(east < -60) & (east > -300)].mean() > 0.98
    assert not layover[east < -460 * slanted].any()
    assert shadow[(east > 60) & (east < 180)].mean() > 0.98
    assert not shadow[east > 300 * slanted].any()
    assert not shadow[east < -60].any()


@pytest.fixture
def egm96(tmp_path, monkeypatch):
    """The catalog's, from the file that Debian's proj-data installs."""
    path = Path("/usr/share/proj/egm96_15.gtx")
    if not path.is_file():
        pytest.skip("needs egm96_15.gtx of Debian's proj-data")
    shutil.copy(path, tmp_path / "egm96_15.gtx")
    monkeypatch.setenv("LCZLIB_MIRROR", str(tmp_path))
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    return open_geoid("geoid-egm96")


def test_the_geoid_is_that_of_its_file(egm96):
    found = undulation(egm96, np.array([12.5, 372.5, 80.0]), np.array([41.9, 41.9, 6.0]))
    assert found[0] == pytest.approx(48.48, abs=0.005)
    assert found[1] == found[0]
    assert found[2] == pytest.approx(-100.4, abs=0.1)
    seam = undulation(egm96, np.array([179.999, -179.999, 180.0]), np.zeros(3))
    assert np.ptp(seam) < 0.01
    assert undulation(None, np.array([12.5]), np.array([41.9])) == 0


def test_without_the_geoid_nothing_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LCZLIB_MIRROR", str(tmp_path))
    with pytest.raises(InputError, match=r"geoid.*is missing.*beside its place"):
        open_geoid("geoid-egm96")
    assert open_geoid("ellipsoid") is None


@pytest.mark.parametrize("name", GEOIDS)
def test_a_geoid_of_another_hash_is_refused(name, tmp_path, monkeypatch):
    (tmp_path / f"{GEOIDS[name]}.gtx").write_bytes(b"another file")
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LCZLIB_MIRROR", str(tmp_path))
    with pytest.raises(
        InputError, match=rf"{name}\) is missing.*SHA-256 differs.*--dem-height ellipsoid"
    ):
        open_geoid(name)
    assert not list((tmp_path / "cache").glob("*.gtx"))


def test_what_is_no_geoid_is_refused(write_tif, tmp_path):
    path = write_tif(np.ones((20, 20), np.float32))
    with pytest.raises(InputError, match=r"no geoid of the whole globe"):
        read_geoid(path)
    (tmp_path / "x.gtx").write_text("no raster")
    with pytest.raises(InputError, match=r"no geoid that can be read"):
        read_geoid(tmp_path / "x.gtx")


def test_what_heights_count_from_is_asked_or_stated(shared, write_tif):
    rome = shared / "data/sentinel1/sarsen_rome/Rome-30m-DEM.tif"
    assert height_of(rome, None) == "geoid-egm96"
    with pytest.raises(InputError, match=r"says that its heights are geoid-egm96"):
        height_of(rome, "ellipsoid")
    plain = write_tif(np.ones((20, 20), np.float32))
    assert height_of(plain, "ellipsoid") == "ellipsoid"
    with pytest.raises(
        InputError, match=r"does not say what its heights count from: give --dem-height"
    ):
        height_of(plain, None)


def test_an_elevation_model_that_is_too_small_or_empty_is_refused(dem, write_tif, tmp_path):
    far = grid_of((12.30, 41.885, 12.45, 41.915))
    with pytest.raises(
        InputError, match=r"does not cover the region: it lacks 1[0-9]{3} of its pixels"
    ):
        open_dem(dem, *outline(far))
    with rasterio.open(dem) as source:
        profile, values = source.profile, source.read()
    profile |= {"nodata": -9999.0}
    for name, hole in (("holes", np.s_[:, 700:800, 700:800]), ("empty", np.s_[:])):
        holed = values.copy()
        holed[hole] = -9999
        with rasterio.open(tmp_path / f"{name}.tif", "w", **profile) as target:
            target.write(holed)
    with pytest.warns(UserWarning, match=r"has no height; it is taken for sea"):
        layer = open_dem(tmp_path / "holes.tif", *outline(GRID))
    assert (layer.values == 0).sum() >= 10_000
    with pytest.raises(
        InputError, match=r"what counts from the ellipsoid does not say where the sea"
    ):
        open_dem(tmp_path / "holes.tif", *outline(GRID), "ellipsoid")
    with pytest.raises(InputError, match=r"has no height in the region"):
        open_dem(tmp_path / "empty.tif", *outline(GRID))
    with pytest.raises(InputError, match=r"cannot be read"):
        open_dem(tmp_path / "nothing.tif", *outline(GRID))
    bare = write_tif(np.ones((20, 20), np.float32), crs=None)
    with pytest.raises(InputError, match=r"no coordinate reference system"):
        open_dem(bare, *outline(GRID))


def test_a_region_across_180_degrees_has_one_grid():
    grid = grid_of((179.95, -17.0, -179.95, -16.9))
    assert str(grid.crs) in ("EPSG:32701", "EPSG:32760")
    assert grid.shape[1] == pytest.approx(1084, abs=3)  # 10.65 km, and 0.9 degrees of turn
    assert grid.affine.c % 10 == 0
    assert grid.affine.f % 10 == 0
