import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from lczlib.errors import GridError
from lczlib.grid import (
    check_projected,
    check_same_grid,
    geobox_of,
    lcz_grid,
    on_grid,
    to_grid,
    to_utm,
)


def box(shape=(383, 437), origin=(691203.37, 5335017.63), crs="EPSG:32632", pixel=10.0):
    return GeoBox(shape, Affine(pixel, 0, origin[0], 0, -pixel, origin[1]), crs)


def test_the_lcz_grid_covers_the_scene_from_its_upper_left_corner():
    cells = lcz_grid(box())
    assert cells.shape == (39, 44)
    assert tuple(cells.affine)[:6] == pytest.approx((100, 0, 691203.37, 0, -100, 5335017.63))


def test_a_fractional_origin_adds_no_column():
    # The scripts' float arange gives 165 columns here.
    assert lcz_grid(box((1640, 1640), (516020.205764, 5335017.63))).shape == (164, 164)


def test_geographic_coordinates_are_refused_with_what_to_do():
    with pytest.raises(GridError, match=r"EPSG:4326 in degrees: warp it .*gdalwarp"):
        check_projected(box((10, 10), (13.0, 52.0), "EPSG:4326", 0.001), "scene")


def test_a_missing_crs_is_refused_with_what_to_do():
    bare = on_grid(np.zeros((5, 5)), box((5, 5))).drop_vars("spatial_ref")
    bare = bare.drop_attrs()
    with pytest.raises(GridError, match="gdal_edit"):
        geobox_of(bare)


def test_coordinates_that_contradict_the_crs_are_refused():
    with pytest.raises(GridError, match="is in degrees, but its coordinates look like metres"):
        geobox_of(on_grid(np.zeros((5, 5)), box((5, 5), crs="EPSG:4326")))
    degrees = on_grid(np.zeros((5, 5)), box((5, 5), (13.0, 52.0), "EPSG:32633", 0.001))
    with pytest.raises(GridError, match="is in metre, but its coordinates look like degrees"):
        geobox_of(degrees, "map")
    across = box((5, 5), (358.0, 52.0), "EPSG:4326", 0.5)  # 0 to 360 degrees is in use
    assert geobox_of(on_grid(np.zeros((5, 5)), across)) == across


def test_differing_grids_are_refused_and_shown():
    a, b = (
        on_grid(np.zeros((5, 5)), box((5, 5))),
        on_grid(np.zeros((5, 5)), box((5, 5), (691303, 5335017))),
    )
    with pytest.raises(GridError, match=r"S1 is EPSG:32632.*S2 is EPSG:32632"):
        check_same_grid(a, b, ("S1", "S2"))


def test_a_hundredth_of_a_cell_is_the_same_grid():
    check_same_grid(box((5, 5)), box((5, 5), (691203.42, 5335017.63)))


def test_class_codes_are_never_averaged():
    codes = on_grid(np.ones((5, 5), np.uint8), box((5, 5)))
    with pytest.raises(GridError, match="nearest or mode"):
        to_grid(codes, box((5, 5)), "average")


def test_rasters_apart_are_refused():
    codes = on_grid(np.ones((5, 5), np.uint8), box((5, 5)))
    with pytest.raises(GridError, match="do not overlap"):
        to_grid(codes, box((5, 5), (800000.0, 5335017.63)), "nearest")


def test_a_scene_in_degrees_is_warped_to_ten_metres_utm():
    geographic = on_grid(
        np.random.default_rng(0).random((200, 300)).astype(np.float32),
        box((200, 300), (13.3, 52.52), "EPSG:4326", 9e-5),
    ).to_dataset(name="B02")
    warped = to_utm(geographic)
    found = geobox_of(warped)
    assert found.crs.to_epsg() == 32633
    assert found.affine.a == pytest.approx(10)
    assert float(warped.B02.mean()) == pytest.approx(float(geographic.B02.mean()), abs=0.02)
