"""LCZ maps of polygons: on a grid by majority, exactly, and compared by area."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from lczlib.analysis.area import class_areas
from lczlib.analysis.by_area import compare_by_area
from lczlib.cell_coverage import class_cells, coverage
from lczlib.errors import InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map
from lczlib.polygons import open_polygons
from lczlib.reading import readings
from lczlib.vector_maps import on_cells, open_any_map

GEOCLIMATE = [1, 2, 3, 5, 6, 8, 9, 101, 102, 104, 105, 107]


def rsu(n=60, size=2000.0, seed=0, crs="EPSG:32630", origin=(500_000.0, 5_300_000.0)):
    """A map in the layout of GeoClimate's rsu_lcz: cells of Voronoi without a gap."""
    rng = np.random.default_rng(seed)
    frame = shapely.box(*origin, origin[0] + size, origin[1] + size)
    points = shapely.multipoints(rng.uniform(0, size, (n, 2)) + origin)
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=frame))
    cells = shapely.intersection(cells, frame)
    table = {
        "ID_RSU": np.arange(1, n + 1), "LCZ_PRIMARY": rng.choice(GEOCLIMATE, n),
        "LCZ_SECONDARY": rng.choice(GEOCLIMATE, n), "MIN_DISTANCE": rng.random(n),
        "LCZ_UNIQUENESS_VALUE": rng.random(n), "LCZ_EQUALITY_VALUE": rng.random(n),
    }  # fmt: skip
    return gpd.GeoDataFrame(table, geometry=cells, crs=crs)


def standard(codes):
    return np.where(codes > 100, codes - 90, codes)


def truth_km2(table):
    areas = table.area.groupby(standard(table["LCZ_PRIMARY"])).sum() / 1e6
    return np.array([areas.get(n, 0.0) for n in range(1, 18)])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), corners=st.integers(3, 9), hole=st.booleans())
def test_coverage_is_that_of_cut_polygons(seed, corners, hole):
    xy = np.random.default_rng(seed).uniform(-3, 9, (corners, 2))
    xy = np.round(xy) if seed % 3 == 0 else xy
    shape = shapely.make_valid(shapely.Polygon(xy), method="structure", keep_collapsed=False)
    shape = shape - shapely.Point(3, 3).buffer(1.7) if hole else shape
    if shapely.area(shape) == 0:
        return
    cut = [
        [shapely.area(shape & shapely.box(c, r, c + 1, r + 1)) for c in range(7)] for r in range(5)
    ]
    np.testing.assert_allclose(coverage(np.array([shape]), (5, 7)), cut, atol=1e-11)


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".fgb", ".shp", ".parquet"])
def test_each_format_is_a_map_on_a_stated_grid(tmp_path, suffix):
    table, path = rsu(), tmp_path / f"rsu_lcz{suffix}"
    table = table.to_crs("EPSG:4326") if suffix == ".geojson" else table
    table.to_parquet(path) if suffix == ".parquet" else table.to_file(path)
    with readings() as heard:
        lcz = open_any_map(path)
    assert lcz.dtype == np.uint8
    assert lcz.odc.geobox.crs.to_epsg() == 32630
    assert lcz.shape == (20, 20)
    facts = heard[0].to_dict()
    assert facts["class_column"].startswith("LCZ_PRIMAR")
    assert facts["cells"] == 400
    assert 0 < facts["mixed_cells"] < 400
    assert "EPSG:32630, 20 x 20 cells of 100" in " ".join(facts["said"])
    assert facts["area_km2"] == pytest.approx(4.0, rel=1e-5)


def test_areas_are_kept_within_the_borders(tmp_path):
    table, path = rsu(30), tmp_path / "rsu_lcz.gpkg"
    table.to_file(path)
    for cell in (100, 50, 20):
        lcz = open_any_map(path, cell=cell)
        found = class_areas(lcz)["area_km2"].to_numpy()
        # half a cell along the borders of each class
        border = table.dissolve(standard(table["LCZ_PRIMARY"])).length
        slack = np.array([border.get(n, 0.0) for n in range(1, 18)]) * cell / 2 / 1e6
        assert (np.abs(found - truth_km2(table)) <= slack + 1e-9).all()


def test_a_cell_takes_what_covers_most_of_it_and_half_is_enough():
    grid = GeoBox.from_bbox((0, 0, 300, 100), "EPSG:32630", resolution=100)
    shapes = gpd.GeoDataFrame(
        {"lcz": [2, 6, 6, 9, 14]},
        geometry=[shapely.box(0, 0, 40, 100), shapely.box(40, 0, 70, 100), shapely.box(70, 0, 100, 100),
                  shapely.box(100, 0, 149, 100), shapely.box(200, 0, 250, 100)],
        crs="EPSG:32630",
    )  # fmt: skip
    lcz, facts = on_cells(shapes, grid)
    assert lcz.values.tolist() == [[6, 0, 14]]
    assert facts["mixed_cells"] == 1
    assert facts["area_km2"] == pytest.approx(0.0199)


def test_polygons_are_compared_with_a_raster_by_area_exactly(tmp_path):
    table, path = rsu(40, seed=3), tmp_path / "rsu.gpkg"
    table.to_file(path)
    shapes = open_polygons(path)
    grid = GeoBox.from_bbox((500_000, 5_300_000, 502_100, 5_302_000), "EPSG:32630", resolution=70)
    codes = np.random.default_rng(1).integers(0, 18, grid.shape).astype(np.uint8)
    raster = lcz_map(on_grid(codes, grid))
    found = compare_by_area(shapes, raster)
    expected = np.zeros((17, 17))
    a = grid.affine
    for (r, c), code in np.ndenumerate(codes):
        cell = shapely.box(a.c + a.a * c, a.f + a.e * (r + 1), a.c + a.a * (c + 1), a.f + a.e * r)
        for lcz, area in zip(
            shapes["lcz"], shapely.area(shapes.geometry.to_numpy() & cell), strict=True
        ):
            if code:
                expected[lcz - 1, code - 1] += area / 1e6
    np.testing.assert_allclose(found.counts.values, expected, atol=1e-6)
    assert found.n == 40
    assert found.agreement == pytest.approx(np.trace(expected) / expected.sum(), abs=1e-9)
    turned = compare_by_area(raster, shapes)
    np.testing.assert_allclose(turned.counts.values, expected.T, atol=1e-6)
    assert turned.counts.attrs["no_prediction"] == pytest.approx(found.counts.attrs["no_reference"])


def test_two_maps_of_polygons_are_compared_by_area(tmp_path):
    first, second = rsu(30, seed=4), rsu(50, seed=5)
    for name, table in (("a", first), ("b", second)):
        table.to_file(tmp_path / f"{name}.gpkg")
    a, b = (open_polygons(tmp_path / f"{n}.gpkg") for n in "ab")
    found = compare_by_area(a, b)
    expected = np.zeros((17, 17))
    for lcz, shape in zip(a["lcz"], a.geometry, strict=True):
        for other, area in zip(b["lcz"], b.geometry.intersection(shape).area, strict=True):
            expected[lcz - 1, other - 1] += area / 1e6
    total = found.counts.values.sum()
    np.testing.assert_allclose(found.counts.values / total, expected / expected.sum(), atol=1e-6)
    assert total == pytest.approx(4.0, rel=2e-3)  # UTM's own scale
    with pytest.raises(InputError, match="both rasters"):
        compare_by_area(open_any_map(tmp_path / "a.gpkg"), open_any_map(tmp_path / "b.gpkg"))


@pytest.mark.slow
def test_every_command_takes_polygons_for_a_map(tmp_path, run_lcz, write_tif):
    table = rsu(80, 6000.0, origin=(500_000.0, 5_300_000.0), seed=6)
    table.to_file(tmp_path / "rsu_lcz.fgb")
    codes = np.repeat(np.repeat(np.arange(1, 17, dtype=np.uint8).reshape(4, 4), 15, 0), 15, 1)
    raster = write_tif(codes, "other.tif", crs="EPSG:32630", pixel=100.0,
                       origin=(500_000, 5_306_000), nodata=0)  # fmt: skip
    heat = write_tif(np.random.default_rng(0).normal(20, 2, (60, 60)).astype(np.float32), "lst.tif",
                     crs="EPSG:32630", pixel=100.0, origin=(500_000, 5_306_000))  # fmt: skip
    areas = gpd.GeoDataFrame({"lcz": [2, 6]}, crs="EPSG:32630", geometry=[
        shapely.box(500_500, 5_300_500, 501_500, 5_301_500),
        shapely.box(503_500, 5_303_500, 504_500, 5_304_500)])  # fmt: skip
    areas.to_file(tmp_path / "areas.gpkg")
    vector = tmp_path / "rsu_lcz.fgb"
    for line in (
        ("assess", vector, "--reference", raster, "--no-figures"),
        ("assess", vector, "--reference", tmp_path / "areas.gpkg", "--no-figures"),
        ("compare", vector, raster, "--no-figures"),
        ("compare", raster, vector, "--by", "area"),
        ("morphology", vector, "--parameter", "height", "--cell", "200"),
        ("sites", vector, "--sensors", "3", "--border-distance", "50"),
        ("uhi", vector, "--lst", heat, "--unit", "degC", "--no-figures", "--replicates", "100",
         "--reference", "2", "--map-column", "LCZ_PRIMARY"),
    ):  # fmt: skip
        code, out, err = run_lcz(*line, "--out", tmp_path / "out")
        assert code == 0, (line, err)
        assert "LCZ map rsu_lcz.fgb: 80 polygons of 80 features" in " ".join(out.split()), out
    by_area = json.loads((tmp_path / "out/comparison.json").read_text())
    assert (by_area["by"], by_area["n"]) == ("area", 80)
    assert by_area["area_km2"] == pytest.approx(36.0, rel=1e-6)
    code, _, err = run_lcz("morphology", raster, "--cell", "50", "--out", tmp_path / "out")
    assert code == 1
    assert "no file of polygons" in err


def test_polygons_on_one_another_and_far_apart_are_told(tmp_path):
    table = rsu(10)
    classes = np.repeat(standard(table["LCZ_PRIMARY"].to_numpy()), 2)
    classes[1::2] = classes[1::2] % 17 + 1  # equal ones of one class would be one polygon
    twice = gpd.GeoDataFrame(
        {"lcz": classes},
        geometry=table.geometry.repeat(2).to_numpy(), crs=table.crs,
    )  # fmt: skip
    twice.to_file(tmp_path / "twice.gpkg")
    with readings() as heard:
        open_any_map(tmp_path / "twice.gpkg")
    assert "lie on one another (50.0 %" in heard[0].cautions[0]
    far = gpd.GeoDataFrame(
        {"lcz": [1, 2]}, crs="EPSG:32630",
        geometry=[shapely.box(0, 0, 1000, 1000), shapely.box(9e7, 9e7, 9e7 + 1000, 9e7 + 1000)],
    )  # fmt: skip
    far.to_file(tmp_path / "far.gpkg")
    with pytest.raises(InputError, match="cells of 100 m"):
        open_any_map(tmp_path / "far.gpkg")


def test_cells_in_degrees_and_shapes_off_the_grid():
    grid = GeoBox.from_bbox((179.9, 0, 180.1, 0.1), "EPSG:4326", resolution=0.01)
    shapes = gpd.GeoDataFrame(
        {"lcz": [3, 4]}, crs="EPSG:4326",
        geometry=[shapely.box(179.95, 0.02, 180.05, 0.06), shapely.box(10, 10, 11, 11)],
    )  # fmt: skip
    cells = class_cells(shapes, grid)
    assert set(cells["lcz"]) == {3}
    assert cells["share"].sum() == pytest.approx(40)
