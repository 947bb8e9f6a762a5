"""Reference polygons: every file format in use, class columns, crossings, cells."""

import zipfile

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize
from shapely.geometry import LineString, Point, box

from lczlib.class_names import class_of_text
from lczlib.errors import ClassSchemeError, GridError, InputError
from lczlib.maps import open_lcz_map
from lczlib.polygon_cells import polygon_cells
from lczlib.polygons import crossing_polygons, open_polygons
from lczlib.reading import collected
from lczlib.vector_files import is_polygon_file

KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>Training areas</name>{body}</Document></kml>
"""
PLACEMARK = """<Placemark><name>{name}</name><description>{note}</description><Polygon><outerBoundaryIs><LinearRing>
<coordinates>{x},22,0 {x2},22,0 {x2},22.02,0 {x},22.02,0 {x},22,0</coordinates>
</LinearRing></outerBoundaryIs></Polygon></Placemark>"""


def placemark(x, name="", note=""):
    return PLACEMARK.format(x=x, x2=x + 0.02, name=name, note=note)


def squares(*codes, **columns):
    """Synthetic 500 m squares in a row, 1 km apart, one a code."""
    shapes = [box(1000 * i, 0, 1000 * i + 500, 500) for i in range(len(codes))]
    return gpd.GeoDataFrame({"lcz": codes, **columns}, geometry=shapes, crs="EPSG:32649")


def grid(rows=20, cols=40, size=100.0, crs="EPSG:32649"):
    return GeoBox.from_bbox((0, 0, cols * size, rows * size), crs, resolution=size)


def test_hong_kong_polygons_give_the_published_reference_raster(shared):
    polygons = open_polygons(shared / "data/hong_kong/lcz_training_polygons.shp")
    assert len(polygons) == 173
    assert polygons.attrs["unlabelled"] == 6
    assert polygons.attrs["class_column"] == "VALUE"
    raster = open_lcz_map(shared / "data/hong_kong/hong_kong_lcz_GT.tif")
    cells = polygon_cells(polygons, raster.odc.geobox)
    burnt = np.zeros(raster.shape, np.uint8)
    burnt[cells["row"], cells["col"]] = cells["lcz"]
    np.testing.assert_array_equal(burnt, raster.values)
    assert len(cells) == 8846
    assert len(crossing_polygons(polygons)) == 0


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".fgb", ".parquet"])
def test_each_format_gives_the_same_polygons(tmp_path, suffix):
    path = tmp_path / f"areas{suffix}"
    source = squares(1, 6, 0, 17)
    if suffix == ".geojson":
        source = source.to_crs("EPSG:4326")
    # FlatGeobuf's spatial index would order the features by place
    options = {"SPATIAL_INDEX": "NO"} if suffix == ".fgb" else {}
    source.to_parquet(path) if suffix == ".parquet" else source.to_file(path, **options)
    out = open_polygons(path)
    assert out["lcz"].tolist() == [1, 6, 17]
    assert out["lcz"].dtype == np.uint8
    assert out["polygon"].tolist() == [1, 2, 4]
    assert out.attrs["unlabelled"] == 1
    assert is_polygon_file(path)


def test_a_zipped_shapefile_opens(tmp_path):
    squares(1, 6, 17).to_file(tmp_path / "areas.shp")
    with zipfile.ZipFile(tmp_path / "areas.zip", "w") as archive:
        for part in tmp_path.glob("areas.*"):
            if part.suffix != ".zip":
                archive.write(part, part.name)
    assert open_polygons(tmp_path / "areas.zip")["lcz"].tolist() == [1, 6, 17]


def test_kml_classes_are_taken_from_folders_when_placemarks_only_have_numbers(tmp_path):
    folders = "".join(
        f"<Folder><name>{name}</name>{placemark(114 + i, 'Untitled Polygon')}"
        f"{placemark(114.1 + i, 'Polygon 2')}</Folder>"
        for i, name in enumerate(["LCZ 2 - Compact Mid-Rise", "LCZ 10", "LCZ G"])
    )
    path = tmp_path / "areas.kml"
    path.write_text(KML.format(body=folders))
    out = open_polygons(path)
    assert out["lcz"].tolist() == [2, 2, 10, 10, 17, 17]
    assert out.attrs["class_column"] == "folder"
    assert not shapely.has_z(out.geometry).any()
    assert out.crs.to_epsg() == 4326


def test_placemarks_numbered_inside_class_folders_are_ambiguous_until_told(tmp_path):
    folders = "".join(
        f"<Folder><name>LCZ {c}</name>{placemark(114 + i, '1')}{placemark(114.1 + i, '2')}</Folder>"
        for i, c in enumerate(["6", "A"])
    )
    path = tmp_path / "areas.kml"
    path.write_text(KML.format(body=folders))
    with pytest.raises(InputError, match=r"'Name' and 'folder'.*--column"):
        open_polygons(path)
    assert open_polygons(path, "folder")["lcz"].tolist() == [6, 6, 11, 11]


def test_kml_folders_inside_a_folder_keep_their_classes(tmp_path):
    inner = "".join(
        f"<Folder><name>{name}</name>{placemark(114 + i)}</Folder>" for i, name in enumerate("3A")
    )
    path = tmp_path / "areas.kml"
    path.write_text(KML.format(body=f"<Folder><name>Areas</name>{inner}</Folder>"))
    assert open_polygons(path)["lcz"].tolist() == [3, 11]


@pytest.mark.parametrize("document", ["doc.kml", "city/training.kml"])
def test_kmz_classes_are_taken_from_placemarks(tmp_path, document):
    body = placemark(114, "LCZ 3") + placemark(115, "LCZ D") + placemark(116, "101")
    path = tmp_path / "areas of a city.kmz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(document, KML.format(body=body))
        archive.writestr("files/icon.png", b"not a picture")
    assert open_polygons(path)["lcz"].tolist() == [3, 14, 11]


@pytest.mark.parametrize(
    ("text", "number"),
    [("LCZ 6 (2)", 6), ("A Dense Trees", 11), ("LCZ_G", 17), ("103", 13), ("open lowrise", 6),
     ("LCZ 1 - Compact High-Rise", 1), ("LCZ 101", 11), ("Bush, scrub", 13), ("lcz10", 10),
     ("Low plants (LCZ D)", 14), ("unlabelled", 0)],
)  # fmt: skip
def test_names_in_use_are_understood(text, number):
    assert class_of_text(text) == number


@pytest.mark.parametrize("text", ["polygon 3", "park A", "LCZ 18", "LCZ 2000", "Grassland"])
def test_names_that_tell_no_class_are_refused(text):
    with pytest.raises(ClassSchemeError, match="no Local Climate Zone"):
        class_of_text(text)


def test_an_identifier_column_is_never_taken_for_the_class(tmp_path):
    source = squares(1, 2, 3).rename(columns={"lcz": "id"})
    source.to_file(tmp_path / "areas.gpkg")
    with pytest.raises(InputError, match="--column"):
        open_polygons(tmp_path / "areas.gpkg")
    assert open_polygons(tmp_path / "areas.gpkg", "id")["lcz"].tolist() == [1, 2, 3]


def test_the_named_column_wins_and_a_wrong_value_is_shown(tmp_path):
    squares(1, 2, zone=["A", "somewhere"]).to_file(tmp_path / "areas.gpkg")
    with pytest.raises(ClassSchemeError, match="somewhere"):
        open_polygons(tmp_path / "areas.gpkg", "zone")
    with pytest.raises(InputError, match="no column 'other'"):
        open_polygons(tmp_path / "areas.gpkg", "other")


def test_numbering_from_0_is_read_only_when_asked_for(tmp_path):
    squares(0, 4, 16).to_file(tmp_path / "areas.gpkg")
    assert open_polygons(tmp_path / "areas.gpkg", scheme="0-16")["lcz"].tolist() == [1, 5, 17]


def test_other_geometries_are_counted_and_broken_outlines_mended(tmp_path):
    bow_tie = shapely.Polygon([(0, 0), (1000, 1000), (1000, 0), (0, 1000)])
    shapes = [box(0, 0, 1, 1), Point(0, 0), LineString([(0, 0), (1, 1)]), None, bow_tie]
    source = gpd.GeoDataFrame({"lcz": [1, 2, 3, 4, 5]}, geometry=shapes, crs="EPSG:32649")
    source.to_file(tmp_path / "areas.gpkg")
    out = open_polygons(tmp_path / "areas.gpkg")
    assert out["lcz"].tolist() == [1, 5]
    assert (out.attrs["not_polygons"], out.attrs["repaired"]) == (3, 1)
    assert out.geometry.iloc[1].area == pytest.approx(500_000)


def test_files_that_cannot_serve_are_refused_in_one_sentence(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        open_polygons(tmp_path / "none.gpkg")
    (tmp_path / "text.gpkg").write_text("no database")
    with pytest.raises(InputError, match="cannot be read"):
        open_polygons(tmp_path / "text.gpkg")
    (tmp_path / "text.kmz").write_text("no archive")
    with pytest.raises(InputError, match="no zip archive"):
        open_polygons(tmp_path / "text.kmz")
    squares(1, 2).set_crs(None, allow_override=True).to_file(tmp_path / "bare.shp")
    with pytest.raises(GridError, match="no coordinate reference system"):
        open_polygons(tmp_path / "bare.shp")
    squares(0, 0).to_file(tmp_path / "empty.gpkg")
    with pytest.raises(InputError, match="is empty"):
        open_polygons(tmp_path / "empty.gpkg")
    squares(1, 2).to_file(tmp_path / "two.gpkg", layer="a")
    squares(3, 4).to_file(tmp_path / "two.gpkg", layer="b")
    with pytest.raises(InputError, match="several layers"):
        open_polygons(tmp_path / "two.gpkg")
    assert open_polygons(tmp_path / "two.gpkg", layer="b")["lcz"].tolist() == [3, 4]


def overlapping(*codes):
    """Synthetic 400 m squares, each shifted by 200 m from the one before."""
    shapes = [box(200 * i, 0, 200 * i + 400, 400) for i in range(len(codes))]
    table = {"lcz": np.array(codes, np.uint8), "polygon": np.arange(1, len(codes) + 1)}
    return gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:32649")


def test_a_cell_in_two_polygons_of_one_class_counts_once():
    cells = polygon_cells(overlapping(6, 6), grid())
    assert len(cells) == 24
    assert cells.attrs["shared_cells"] == 8
    assert cells.attrs["contested_cells"] == 0
    assert (cells["polygon"] == 1).sum() == 16


def test_a_cell_in_polygons_of_different_classes_is_left_out_and_reported():
    polygons = overlapping(6, 8, 6)
    cells = polygon_cells(polygons, grid())
    assert cells.attrs["contested_cells"] == 16
    assert cells.groupby("polygon").size().to_dict() == {1: 8, 3: 8}
    pairs = crossing_polygons(polygons)
    assert pairs[["polygon_a", "polygon_b", "lcz_a", "lcz_b"]].to_numpy().tolist() == [
        [1, 2, 6, 8],
        [2, 3, 8, 6],
    ]
    np.testing.assert_allclose(pairs["area"], 80_000, rtol=0.02)


def test_polygons_are_brought_to_the_crs_of_the_grid():
    polygons = overlapping(6).to_crs("EPSG:4326")
    assert len(polygon_cells(polygons, grid())) == 16


def test_polygons_off_the_grid_or_below_cell_size_are_counted():
    shapes = [box(0, 0, 400, 400), box(10, 10, 20, 20), box(9e5, 0, 9.1e5, 100)]
    polygons = gpd.GeoDataFrame(
        {"lcz": [1, 2, 3], "polygon": [1, 2, 3]}, geometry=shapes, crs="EPSG:32649"
    )
    assert polygon_cells(polygons, grid()).attrs["polygons_without_cell"] == 2
    with pytest.raises(GridError, match="outside the map"):
        polygon_cells(polygons.iloc[1:], grid())


@pytest.mark.parametrize("north_up", [True, False])
def test_a_polygon_has_the_cells_that_gdal_gives_it_also_where_outlines_run_through_centres(
    north_up,
):
    rng, step, shape = np.random.default_rng(5), 64.0, (20, 24)
    affine = Affine(step, 0, 384, 0, -step if north_up else step, 5820)
    n_polygons = 0
    for _ in range(400):
        angles = np.sort(rng.random(7)) * 2 * np.pi
        reach = rng.uniform(0.3, 14, 7)
        corners = np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None]
        corners += rng.random(2) * shape[::-1]
        if rng.random() < 0.7:
            corners = np.round(corners * 2) / 2  # on the corners and centres of cells
        middle = np.round(corners.mean(0))
        drawn = shapely.Polygon(corners)
        if not drawn.is_valid:
            continue
        drawn = drawn.difference(box(*(middle - 1.5), *(middle + 1.5)))
        drawn = shapely.transform(
            drawn, lambda xy: np.stack([384 + step * xy[:, 0], 5820 + affine.e * xy[:, 1]], 1)
        )
        table = {"lcz": np.array([6], np.uint8), "polygon": [1]}
        polygons = gpd.GeoDataFrame(table, geometry=[drawn], crs="EPSG:32649")
        expected = rasterize([(drawn, 1)], out_shape=shape, transform=affine, dtype=np.uint8)
        if not expected.any():
            continue
        cells = polygon_cells(polygons, GeoBox(shape, affine, "EPSG:32649"))
        found = np.zeros(shape, np.uint8)
        found[cells["row"], cells["col"]] = 1
        np.testing.assert_array_equal(found, expected)
        n_polygons += 1
    assert n_polygons > 250


def test_of_heaps_of_polygons_the_first_crossings_are_listed_and_that_there_are_more_is_told():
    polygons = overlapping(*[6, 8] * 30)
    polygons["geometry"] = polygons.geometry[0]  # all on one another
    with collected() as heard:
        assert len(crossing_polygons(polygons)) == 60 * 59 // 2
    assert heard == []
    with collected() as heard:
        pairs = crossing_polygons(polygons, most=100)
    assert "More than 100 pairs of areas" in heard[0].cautions[0]
    assert len(pairs) == 100
    assert pairs.attrs["more"]
    whole = crossing_polygons(polygons)
    assert pairs.equals(whole.iloc[:100])
