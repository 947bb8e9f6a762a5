"""Maps and references that were once refused without need, read wrongly, or told with bad advice."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
from rasterio.transform import Affine
from scipy.io import netcdf_file
from shapely.geometry import box

from lczlib.class_names import SeveralClassesError, class_of_text
from lczlib.errors import ClassSchemeError, GridError, InputError
from lczlib.grid import check_same_grid
from lczlib.maps import open_lcz_map
from lczlib.polygons import open_polygons
from lczlib.rasters import open_raster
from lczlib.reading import readings
from lczlib.references import open_reference

CODES = np.kron(
    np.array([[1, 2, 3, 5], [6, 8, 11, 12], [14, 17, 2, 6], [14, 1, 11, 17]]), np.ones((6, 6))
).astype(np.uint8)
LEFT, TOP = 400_000.0, 5_800_000.0


def points(n=60):
    """Places in UTM zone 33 with the class that `CODES` has there."""
    rng = np.random.default_rng(1)
    x, y = LEFT + rng.uniform(0, 2400, n), TOP - rng.uniform(0, 2400, n)
    lcz = CODES[((TOP - y) // 100).astype(int), ((x - LEFT) // 100).astype(int)]
    return pd.DataFrame({"x": x, "y": y, "lcz": lcz})


def squares(classes):
    """A square of 300 m for each class, in a row."""
    shapes = [
        box(LEFT + 400 * i, TOP - 300, LEFT + 400 * i + 300, TOP) for i in range(len(classes))
    ]
    return gpd.GeoDataFrame({"lcz": classes}, geometry=shapes, crs="EPSG:32633")


@pytest.fixture
def write_map(write_tif):
    def write(values, name, **more):
        return write_tif(values, name, pixel=100.0, origin=(LEFT, TOP), **more)

    return write


@pytest.mark.parametrize("name", ["b", "b.tif", "two/b", "two/b.tif"])
def test_an_option_is_for_the_map_of_a_name_a_file_or_a_folder(run_lcz, write_map, tmp_path, name):
    one, two = write_map(CODES, "one/a.tif"), write_map(CODES - 1, "two/b.tif")
    arguments = ("compare", one, two, "--no-figures", "--out", tmp_path / "out")
    code, out, err = run_lcz(*arguments, "--scheme", f"{name}=0-16")
    assert code == 0, err
    assert "agreement 1.0000" in out


def test_maps_that_are_called_alike_are_told_apart(run_lcz, write_map, tmp_path):
    one, two = write_map(CODES, "one/m.tif"), write_map(CODES - 1, "two/m.tif")
    arguments = ("compare", one, two, "--no-figures", "--out", tmp_path / "out", "--scheme")
    code, _, err = run_lcz(*arguments, "m.tif=0-16")
    assert code == 2
    assert "2 maps are called m.tif; name one as one/m, two/m" in err
    for name in ("two/m", str(two)):
        assert run_lcz(*arguments, f"{name}=0-16")[0] == 0


def test_a_numbering_that_only_one_of_two_maps_has_is_advised_for_that_one(
    run_lcz, write_map, tmp_path
):
    one, two = write_map(CODES, "a.tif"), write_map(CODES - 1, "b.tif")
    arguments = ("compare", one, two, "--no-figures", "--out", tmp_path / "out", "--scheme", "0-16")
    code, _, err = run_lcz(*arguments)
    assert code == 1
    assert "(--scheme a=1-17)" in err
    assert "--nodata" not in err
    assert run_lcz(*arguments, "--scheme", "a=1-17")[0] == 0


def write_table(path, table, **more):
    table.to_csv(path, index=False, **more)
    return path


def test_points_of_a_table_are_a_reference(tmp_path):
    table = points()
    places = gpd.GeoSeries.from_xy(table.x, table.y, crs=32633)
    degrees = places.to_crs(4326)
    in_degrees = pd.DataFrame({"Longitude": degrees.x, "Latitude": degrees.y, "class": table.lcz})
    named = table.rename(columns={"x": "x_32633", "y": "y_32633"})
    wkt = table.assign(wkt=places.to_wkt(), srid=32633)[["wkt", "srid", "lcz"]]
    files = [
        write_table(tmp_path / "degrees.csv", in_degrees),
        write_table(tmp_path / "column.csv", table.assign(epsg="EPSG:32633")),
        write_table(tmp_path / "name.txt", named, sep=";", decimal=","),
        write_table(tmp_path / "wkt.tsv", wkt, sep="\t"),
        write_table(tmp_path / "beside.csv", table),
        write_table(tmp_path / "taken.csv", in_degrees.set_axis(["X", "Y", "lcz"], axis="columns")),
    ]
    (tmp_path / "beside.prj").write_text(pyproj.CRS(32633).to_wkt())
    for file in files:
        with readings() as heard:
            found = open_reference(file)
        assert found["lcz"].tolist() == table.lcz.tolist()
        assert found.to_crs(32633).distance(places).max() < 0.01, file.name
        assert not heard[0].cautions
    assert "taken for degrees" in str(heard[0])


def test_points_in_even_rows_are_no_grid(tmp_path):
    y, x = np.mgrid[TOP - 50 : TOP - 1050 : -100, LEFT + 50 : LEFT + 1050 : 100]
    table = pd.DataFrame({"x": x.ravel(), "y": y.ravel(), "lcz": 5, "epsg": 32633})
    assert len(open_reference(write_table(tmp_path / "even.csv", table))) == 100


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t, "add a column epsg with its code"),
        (lambda t: t.assign(epsg=[32633, 32632] * 30), "several reference systems"),
        (lambda t: t.assign(epsg=99999), "a reference system that is none"),
        (lambda t: t.drop(columns="x"), "without columns of coordinates"),
        (lambda t: t.assign(x="here", epsg=32633), "no number in column 'x'"),
        (lambda t: t.rename(columns={"lcz": "height"}).assign(epsg=32633), "holds LCZ classes"),
    ],
)
def test_tables_that_place_no_points_say_what_is_lacking(tmp_path, change, says):
    path = write_table(tmp_path / "points.csv", change(points()))
    with pytest.raises(InputError, match=says):
        open_reference(path)


def test_rows_without_a_place_are_counted(tmp_path):
    table = points().assign(epsg=32633)
    table.loc[:2, "x"] = np.nan
    with readings() as heard:
        found = open_reference(write_table(tmp_path / "gaps.csv", table))
    assert len(found) == 57
    assert "3 without a shape" in str(heard[0])


def test_names_of_two_classes_alone_are_refused_with_the_names(tmp_path):
    path = tmp_path / "areas.geojson"
    table = squares([6, 9]).to_crs(4326).assign(lcz=["LCZ 6-9", "LCZ 1 or 4"])
    table.to_file(path)
    with pytest.raises(
        InputError, match=r"'LCZ 6-9' names more than one.*give each feature"
    ) as told:
        open_polygons(path)
    assert "--column" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Lightweight", 7), ("light-weight", 7), ("Open high-rise buildings", 4), ("Sparsely built-up", 9),
        ("Sparse built area", 9), ("Large low rise", 8), ("large low", 8), ("compact high", 1), ("Open Mid", 5),
        ("LCZ 5: open mid", 5), ("Heavy industrial", 10), ("scattered tree", 12), ("low plant", 14),
        ("bare soils", 16), ("Water body", 17), ("Paved surfaces", 15), ("Dense tree cover", 11),
        ("open high rise building (LCZ4)", 4), ("compact low rises", 3),
    ],
)  # fmt: skip
def test_shortened_names_of_one_class_are_read(text, number):
    assert class_of_text(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "Compact",
        "Open",
        "High-rise",
        "low rise",
        "Trees",
        "Built-up",
        "Bare",
        "6 buildings",
        "A house",
    ],
)
def test_names_that_fit_several_classes_are_none(text):
    with pytest.raises(ClassSchemeError, match="no Local Climate Zone"):
        class_of_text(text)


def test_two_shortened_names_are_two_classes():
    with pytest.raises(SeveralClassesError):
        class_of_text("4 open low")


def geo_em(path, projection, cut=0):
    """A file of WRF's geogrid, its place in attributes: the codes from south to north, and degrees."""
    ny, nx, cell = 20, 30, 1000.0
    told = {"MAP_PROJ": projection, "TRUELAT1": 50.0, "TRUELAT2": 55.0, "STAND_LON": 13.0, "CEN_LON": 13.4,
            "CEN_LAT": 52.5, "MOAD_CEN_LAT": 51.0, "DX": cell, "DY": cell,
            "WEST-EAST_GRID_DIMENSION": nx + 1, "SOUTH-NORTH_GRID_DIMENSION": ny + 1}  # fmt: skip
    crs = pyproj.CRS(
        {1: "+proj=lcc +lat_1=50 +lat_2=55 +lat_0=40 +lon_0=13 +R=6370000",
         2: "+proj=stere +lat_0=90 +lat_ts=50 +lon_0=13 +R=6370000",
         3: "+proj=merc +lat_ts=50 +lon_0=13 +R=6370000"}[projection]
    )  # fmt: skip
    place = pyproj.Proj(crs)
    middle = place(13.4, 52.5)
    x = middle[0] + (np.arange(nx) - (nx - 1) / 2) * cell
    y = middle[1] + (np.arange(ny) - (ny - 1) / 2) * cell
    longitude, latitude = place(*np.meshgrid(x, y), inverse=True)
    codes = np.kron(np.arange(24).reshape(4, 6) % 9 + 31, np.ones((5, 5)))
    with netcdf_file(path, "w") as file:
        for name, n in (("Time", None), ("south_north", ny), ("west_east", nx - cut)):
            file.createDimension(name, n)
        for name, value in told.items():
            setattr(file, name, np.float32(value) if isinstance(value, float) else np.int32(value))
        layers = {"LU_INDEX": codes, "XLAT_M": latitude, "XLONG_M": longitude}
        for name, values in layers.items():
            layer = file.createVariable(name, "f4", ("Time", "south_north", "west_east"))
            layer[0] = values[:, : nx - cut]
    return codes, longitude, latitude


@pytest.mark.parametrize("projection", [1, 2, 3])
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_files_of_wrf_are_placed_by_their_attributes(tmp_path, projection):
    path = tmp_path / f"geo_em_{projection}.nc"
    codes, longitude, latitude = geo_em(path, projection)
    lcz = open_lcz_map(path, band="LU_INDEX", scheme="wrf")
    np.testing.assert_array_equal(lcz, codes[::-1] - 30)
    to_degrees = pyproj.Transformer.from_crs(lcz.rio.crs, "EPSG:4326", always_xy=True)
    x, y = to_degrees.transform(*np.meshgrid(lcz.x, lcz.y))
    np.testing.assert_allclose(x, longitude[::-1], atol=1e-5)
    np.testing.assert_allclose(y, latitude[::-1], atol=1e-5)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_file_of_wrf_that_was_cut_is_refused_with_what_places_it(tmp_path):
    path = tmp_path / "cut.nc"
    geo_em(path, 1, cut=10)
    with pytest.raises(GridError, match="gdal_translate -a_srs") as told:
        open_lcz_map(path, band="LU_INDEX", scheme="wrf")
    assert "gdal_edit" not in str(told.value)


UNSURE = np.where(CODES == 17, 16, CODES)


@pytest.mark.parametrize(
    "name", ["U2018_CLC2018.tif", "ESA_WorldCover_2021.tif", "esri_lulc.tif", "koppen.tif", "NLCD_2019.tif",
             "dynamic-world.tif", "GLC_FCS30.tif"],
)  # fmt: skip
def test_a_file_name_of_land_cover_is_told_where_codes_are_unsure(write_map, name):
    with pytest.raises(ClassSchemeError, match=r"ambiguous.*land cover or climate"):
        open_lcz_map(write_map(UNSURE, name))


def test_land_cover_by_its_name_is_no_lcz_map_though_its_codes_fit(write_map):
    with pytest.raises(ClassSchemeError, match=r"its name tells of 'MCD12'.*--scheme 1-17"):
        open_lcz_map(write_map(CODES, "MCD12Q1_2020.tif"))
    open_lcz_map(write_map(CODES, "MCD12Q1_2020.tif"), scheme="1-17")
    for good in ("berlin.tif", "lcz_from_modis.tif", "lagos_lcz_landuse.tif", "uclc.tif"):
        open_lcz_map(write_map(CODES, good))


@pytest.mark.parametrize("of_band", [False, True])
def test_land_cover_by_a_tag_is_no_lcz_map(write_map, of_band):
    path = write_map(CODES, "map.tif")
    with rasterio.open(path, "r+") as dst:
        dst.update_tags(*((1,) if of_band else ()), long_name="LC_Type1")
    with pytest.raises(ClassSchemeError, match="described as 'LC_Type1'"):
        open_lcz_map(path)


def test_colours_are_judged_where_the_numbering_is_unsure(write_map):
    green_towns = {c: (0, 90 + 10 * (c % 7), 20) for c in range(1, 9)}
    others = {11: (230, 0, 0), 12: (255, 90, 90), 14: (160, 160, 160), 16: (90, 90, 90)}
    path = write_map(UNSURE, "map.tif")
    with rasterio.open(path, "r+") as dst:
        dst.write_colormap(1, {c: (*v, 255) for c, v in (green_towns | others).items()})
    with pytest.raises(ClassSchemeError, match="colour table is none of Local Climate Zones"):
        open_lcz_map(path)


def upside_down(path, values):
    """A raster whose first row is the southernmost."""
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=len(values), width=values.shape[1], dtype=values.dtype,
        crs="EPSG:32633", transform=Affine(100, 0, LEFT, 0, 100, TOP - 100 * len(values)),
    ) as dst:  # fmt: skip
        dst.write(values[::-1], 1)
    return path


@pytest.mark.parametrize("chunks", [None, {"y": 10, "x": 10}])
def test_a_raster_that_is_upside_down_is_turned_and_told(write_map, tmp_path, chunks):
    right = open_raster(write_map(CODES, "right.tif"))
    with readings() as heard:
        turned = open_raster(upside_down(tmp_path / "turned.tif", CODES), chunks=chunks)
    assert "turned north up" in str(heard[0])
    np.testing.assert_array_equal(turned, right)
    check_same_grid(right, turned)
    assert turned.rio.transform() == right.rio.transform()
    with pytest.raises(GridError, match="rows of second go from south to north"):
        check_same_grid(right, right.isel(y=slice(None, None, -1)))


def test_a_map_that_is_upside_down_is_compared(run_lcz, write_map, tmp_path):
    maps = write_map(CODES, "right.tif"), upside_down(tmp_path / "turned.tif", CODES)
    code, out, err = run_lcz("compare", *maps, "--no-figures", "--out", tmp_path / "out")
    assert code == 0, err
    assert "agreement 1.0000" in out


def test_a_moved_result_names_all_that_is_missing(run_lcz, write_map, tmp_path):
    paths = [write_map(CODES, f"old/{name}.tif") for name in "ab"]
    made = tmp_path / "old" / "result"
    assert run_lcz("compare", *paths, "--no-figures", "--out", made)[0] == 0
    moved = tmp_path / "far" / "away" / "result"
    moved.parent.mkdir(parents=True)
    made.rename(moved)
    code, _, err = run_lcz("rerun", moved, "--out", tmp_path / "again")
    assert code == 1
    assert "2 of 2 inputs of the manifest are missing (a.tif, b.tif)" in err
    assert "--inputs FOLDER" in err
    done = run_lcz("rerun", moved, "--inputs", tmp_path / "old", "--out", tmp_path / "again")
    assert done[0] == 0


def test_degrees_are_refused_with_the_zone_of_the_place(run_lcz, write_tif, tmp_path):
    path = write_tif(CODES, "south.tif", crs="EPSG:4326", pixel=0.001, origin=(28.0, -26.0))
    code, _, err = run_lcz("sites", path, "--sensors", 3, "--out", tmp_path / "out")
    assert code == 1
    assert "gdalwarp -t_srs EPSG:32735" in err


def test_polygons_that_repeat_another_are_dropped_and_counted(run_lcz, write_map, tmp_path):
    table = squares([1, 2, 2, 5])
    again = table.iloc[:2].assign(geometry=lambda t: t.reverse())
    path = tmp_path / "areas.gpkg"
    pd.concat([table, again, table.iloc[3:].assign(lcz=6)]).to_file(path)
    with readings() as heard:
        found = open_polygons(path)
    assert (len(found), found.attrs["duplicates"]) == (5, 2)
    assert "2 that repeat another, class and all" in str(heard[0])
    lcz = write_map(CODES, "map.tif")
    _, out, _ = run_lcz(
        "assess", lcz, "--reference", path, "--no-figures", "--out", tmp_path / "out"
    )
    assert "1 pair of reference polygons cross" in " ".join(out.split())


@pytest.mark.parametrize("suffix", [".gpkg", ".csv"])
def test_a_zero_that_may_be_a_class_is_asked_for_in_references_as_in_maps(
    run_lcz, write_map, tmp_path, suffix
):
    table = squares([0, 1, 2, 4])
    path = tmp_path / f"areas{suffix}"
    if suffix == ".csv":
        middle = table.centroid
        write_table(
            path, pd.DataFrame({"x": middle.x, "y": middle.y, "lcz": table.lcz, "epsg": 32633})
        )
    else:
        table.to_file(path)
    arguments = ("assess", write_map(CODES, "map.tif"), "--reference", path, "--no-figures",
                 "--out", tmp_path / "out")  # fmt: skip
    code, _, err = run_lcz(*arguments)
    assert code == 1
    assert "--reference-scheme 0-16" in err
    assert run_lcz(*arguments, "--reference-scheme", "0-16")[0] == 0
    assert open_reference(path, scheme="0-16")["lcz"].tolist() == [1, 2, 3, 5]
    assert open_reference(path, scheme="1-17")["lcz"].tolist() == [1, 2, 4]


def test_a_zero_is_no_question_where_a_name_or_a_17_tells(tmp_path):
    path = tmp_path / "areas.gpkg"
    squares([0, 1, 17]).to_file(path)
    assert open_polygons(path)["lcz"].tolist() == [1, 17]
    squares([0, 1, 2]).assign(name=["LCZ 1", "LCZ 2", "LCZ 3"]).to_file(path)
    assert open_polygons(path)["lcz"].tolist() == [1, 2, 3]
    squares([0, 1, 2]).rename(columns={"lcz": "LCZ_PRIMARY"}).to_file(path)
    assert open_polygons(path)["lcz"].tolist() == [1, 2]


def test_training_areas_take_a_zero_for_unlabelled_and_say_so(tmp_path):
    path = tmp_path / "areas.gpkg"
    squares([0, 1, 2]).to_file(path)
    with readings() as heard:
        assert open_polygons(path, zero_unlabelled=True)["lcz"].tolist() == [1, 2]
    assert "number them 1-17" in heard[0].cautions[0]
