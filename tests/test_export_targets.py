"""Maps for other software: each is opened by a reader of its own, and says first what will fail there."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import zipfile
from contextlib import closing
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pyogrio
import pystac
import pytest
import rasterio
import rasterio.features
import shapely
import xarray as xr
from export_maps import BOX, needed_tool
from faces import write_codes
from odc.geo.geobox import GeoBox

from lczlib.analysis.zonal import zonal_areas
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.export import write_lcz_map, write_probabilities
from lczlib.export.targets.names import LANGUAGES, label_of
from lczlib.export.targets.patches import lcz_patches, without_small_patches
from lczlib.export.targets.styles import polygon_qml, polygon_sld, raster_qml, raster_sld
from lczlib.grid import on_grid
from lczlib.jobs.export import TARGETS, ExportRequest, run
from lczlib.maps import certainty, labels, lcz_map, open_lcz_map, probabilities

SLD = {"sld": "http://www.opengis.net/sld", "ogc": "http://www.opengis.net/ogc"}
KML = "{http://www.opengis.net/kml/2.2}"


def test_styles_hold_every_class_in_six_languages():
    assert len(LANGUAGES) == 6
    for language in LANGUAGES:
        wanted = {str(c.number): (c.color, label_of(c, language)) for c in CLASSES}
        entries = ElementTree.fromstring(raster_qml(language)).iter("paletteEntry")
        assert {e.get("value"): (e.get("color"), e.get("label")) for e in entries} == wanted
        sld = ElementTree.fromstring(raster_sld(language).encode())
        entries = sld.iterfind(".//sld:ColorMapEntry", SLD)
        assert {e.get("quantity"): (e.get("color"), e.get("label")) for e in entries} == wanted
        rules = ElementTree.fromstring(polygon_sld(language).encode()).findall(".//sld:Rule", SLD)
        found = {
            r.findtext(".//ogc:Literal", namespaces=SLD): (
                r.findtext(".//sld:CssParameter", namespaces=SLD),
                r.findtext("sld:Title", namespaces=SLD),
            )
            for r in rules
        }
        assert found == wanted
        qml = ElementTree.fromstring(polygon_qml(language))
        colors = [
            s.find(".//Option[@name='color']").get("value").split(",")[:3]
            for s in qml.iter("symbol")
        ]
        for category, c in zip(qml.iter("category"), CLASSES, strict=True):
            assert (category.get("value"), category.get("label")) == (
                str(c.number),
                label_of(c, language),
            )
            assert tuple(map(int, colors[int(category.get("symbol"))])) == c.rgb
    assert len({label_of(c, language) for language in LANGUAGES for c in CLASSES}) == 6 * 17


def test_styles_follow_the_numbering_that_is_written():
    entries = list(ElementTree.fromstring(raster_qml("en", "101-107")).iter("paletteEntry"))
    assert [int(e.get("value")) for e in entries] == [*range(1, 11), *range(101, 108)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scheme", ["1-17", "101-107", "0-16"])
def test_to_each_numbering_and_back_is_the_same_map(
    all_classes, all_classes_file, tmp_path, scheme, language
):
    """Read again by its legend alone, whatever language it is in."""
    request = ExportRequest(
        map_path=all_classes_file, to="qgis", out_scheme=scheme, language=language
    )
    out = run(request).write(tmp_path / "out")
    with rasterio.open(out / "lcz.tif") as src:
        stored, nodata = src.read(1), src.nodata
    assert nodata == (255 if scheme == "0-16" else 0)
    first = {"1-17": 11, "101-107": 101, "0-16": 10}[scheme]
    assert set(stored[all_classes.values == 11]) == {first}
    np.testing.assert_array_equal(open_lcz_map(out / "lcz.tif"), all_classes)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["command"] == "export"
    assert manifest["parameters"]["out_scheme"] == scheme


def test_patches_are_valid_and_drawn_again_give_the_map():
    codes = np.indices((20, 30)).sum(0) % 2 * 5 + 1  # touching at corners only
    codes[3:6, 3:6] = 17
    lcz = lcz_map(on_grid(codes.astype(np.uint8), BOX, ("y", "x")))
    found = lcz_patches(lcz)
    assert found.is_valid.all()
    assert set(found.geom_type) == {"Polygon"}
    shapes = zip(found.geometry, found["lcz"], strict=True)
    again = rasterio.features.rasterize(shapes, BOX.shape, transform=BOX.affine, dtype="uint8")
    np.testing.assert_array_equal(again, codes)
    assert found["n_cells"].sum() == codes.size
    np.testing.assert_allclose(found["area_km2"], found.area / 1e6)
    np.testing.assert_allclose(found["area_km2"], found["n_cells"] * 0.01)


def test_a_minimum_mapping_unit_leaves_no_smaller_patch_and_no_new_cell(all_classes):
    codes = all_classes.values
    kept = without_small_patches(codes, 6)
    np.testing.assert_array_equal(kept == 0, codes == 0)
    sizes = lcz_patches(all_classes.copy(data=kept))["n_cells"]
    assert sizes.min() >= 6 < lcz_patches(all_classes)["n_cells"].size
    lone = np.zeros((5, 5), np.uint8)
    lone[2, 2] = 3  # no neighbour to go to
    np.testing.assert_array_equal(without_small_patches(lone, 4), lone)


@pytest.fixture
def sure_city(tmp_path):
    """A map and its probabilities beside it, as lcz map writes them."""
    values = np.random.default_rng(1).dirichlet(np.ones(17) / 4, BOX.shape).transpose(2, 0, 1)
    values[:, 15:, 25:] = np.nan
    proba = probabilities(on_grid(values, BOX, ("lcz", "y", "x")))
    write_probabilities(tmp_path / "s2_proba.tif", proba)
    return write_lcz_map(tmp_path / "s2_lcz.tif", labels(proba))


def test_a_geopackage_opens_with_its_style_and_certainty(sure_city, tmp_path):
    out = run(ExportRequest(map_path=sure_city, to="gpkg", language="es")).write(tmp_path / "out")
    path = out / "lcz.gpkg"
    assert pyogrio.list_layers(path)[:, 0].tolist() == ["lcz", "layer_styles"]
    found = pyogrio.read_dataframe(path, layer="lcz")
    lcz = open_lcz_map(sure_city)
    assert found.crs == "EPSG:32633"
    assert found["n_cells"].sum() == (lcz > 0).sum()
    shapes = zip(found.geometry, found["lcz"], strict=True)
    again = rasterio.features.rasterize(shapes, BOX.shape, transform=BOX.affine, dtype="uint8")
    assert (again == lcz.values).mean() >= 0.999
    with rasterio.open(tmp_path / "s2_proba.tif") as src:
        stored = src.read().astype(float) * 1e-4
    p = on_grid(np.where(lcz.values > 0, stored, np.nan), BOX, ("lcz", "y", "x"))
    sure = certainty(probabilities(p)).values
    rows = [(r, c) for r in range(20) for c in range(30)]
    biggest = found.loc[found["n_cells"].idxmax()]
    inside = shapely.contains_xy(
        biggest.geometry, *np.array([BOX.affine * (c + 0.5, r + 0.5) for r, c in rows]).T
    )
    assert inside.sum() == biggest["n_certainty"]
    assert biggest["certainty"] == pytest.approx(sure.ravel()[inside].mean(), abs=1e-5)
    with closing(sqlite3.connect(path)) as database:
        table, qml, usual = database.execute(
            "SELECT f_table_name, styleQML, useAsDefault FROM layer_styles"
        ).fetchone()
    assert (table, usual) == ("lcz", 1)
    assert "LCZ G agua" in qml
    manifest = json.loads((out / "manifest.json").read_text())
    assert [i["path"] for i in manifest["inputs"]].count("../s2_proba.tif") == 1


def test_ogrinfo_opens_the_geopackage(all_classes_file, tmp_path):
    if not shutil.which("ogrinfo"):
        pytest.skip("needs ogrinfo (gdal-bin)")
    out = run(ExportRequest(map_path=all_classes_file, to="gpkg")).write(tmp_path / "out")
    done = subprocess.run(
        ["ogrinfo", "-so", str(out / "lcz.gpkg"), "lcz"], capture_output=True, text=True, check=True
    )
    assert "Geometry: Polygon" in done.stdout
    assert "ERROR" not in done.stdout + done.stderr


@pytest.mark.parametrize("scheme", ["1-17", "101-107", "0-16"])
def test_netcdf_keeps_the_rules_of_cf(sure_city, tmp_path, scheme):
    """The rules of CF 1.8 on flags, grid mappings, coordinates and units, one by one."""
    request = ExportRequest(
        map_path=sure_city, to="netcdf", out_scheme=scheme, date="2023-05-01/2023-09-30"
    )
    out = run(request).write(tmp_path / "out")
    with xr.open_dataset(out / "lcz.nc", engine="h5netcdf", mask_and_scale=False) as stored:
        lcz = stored["lcz"]
        flags = lcz.attrs["flag_values"]
        assert flags.dtype == lcz.dtype == lcz.attrs["_FillValue"].dtype  # 3.5, 2.5.1
        assert len(flags) == len(lcz.attrs["flag_meanings"].split()) == 17  # 3.5
        assert len(set(flags.tolist())) == 17
        assert lcz.attrs["_FillValue"] not in flags
        assert stored.attrs["Conventions"] == "CF-1.8"  # 2.6.1
        assert stored.attrs["time_coverage_end"] == "2023-09-30"
        mapping = stored[lcz.attrs["grid_mapping"]].attrs  # 5.6
        assert mapping["grid_mapping_name"] == "transverse_mercator"
        assert mapping["crs_wkt"].startswith(("PROJCRS", "PROJCS"))
        for axis, name in (("X", "projection_x_coordinate"), ("Y", "projection_y_coordinate")):
            told = stored[axis.lower()].attrs
            assert (told["axis"], told["standard_name"], told["units"]) == (axis, name, "m")
            assert "_FillValue" not in told  # 2.5.1: coordinates have none
        told = lcz.attrs.get("coordinates") or lcz.encoding["coordinates"]
        assert set(told.split()) == {"lat", "lon"}  # 5.2
        assert stored["lat"].attrs["units"] == "degrees_north"
        assert stored["certainty"].attrs["units"] == "1"
        assert lcz.attrs["ancillary_variables"] == "certainty"  # 3.4
        values = {int(v): i for i, v in enumerate(flags, start=1)}
        again = np.vectorize(lambda v: values.get(int(v), 0))(lcz.values)
    np.testing.assert_array_equal(again, open_lcz_map(sure_city))
    opened = open_lcz_map(out / "lcz.nc", band="lcz")  # which states its numbering
    np.testing.assert_array_equal(opened, open_lcz_map(sure_city))


def test_a_checker_of_the_cf_conventions_finds_nothing(sure_city, tmp_path):
    checker = needed_tool("cchecker.py")
    degrees = GeoBox.from_bbox((13.0, 52.0, 13.3, 52.2), crs="EPSG:4326", resolution=0.01)
    lcz = lcz_map(on_grid(np.full(degrees.shape, 6, np.uint8), degrees, ("y", "x")))
    for source, scheme in ((sure_city, "1-17"), (sure_city, "0-16"), (lcz, "101-107")):
        out = run(ExportRequest(map_path=source, to="netcdf", out_scheme=scheme)).write(
            tmp_path / "o"
        )
        done = subprocess.run(
            [checker, "--test=cf:1.8", str(out / "lcz.nc")], capture_output=True, text=True
        )
        assert "All tests passed!" in done.stdout, done.stdout[-2000:]


def test_netcdf_in_degrees_has_them_as_axes(tmp_path):
    box = GeoBox.from_bbox((13.0, 52.0, 13.3, 52.2), crs="EPSG:4326", resolution=0.01)
    codes = np.full(box.shape, 6, np.uint8)
    path = write_lcz_map(tmp_path / "degrees.tif", lcz_map(on_grid(codes, box, ("y", "x"))))
    out = run(ExportRequest(map_path=path, to="netcdf")).write(tmp_path / "out")
    with xr.open_dataset(out / "lcz.nc", engine="h5netcdf") as stored:
        assert stored["lcz"].dims == ("lat", "lon")
        assert float(stored["lat"][0]) == pytest.approx(52.195)
        assert stored["crs"].attrs["grid_mapping_name"] == "latitude_longitude"


def test_google_earth_gets_the_map_where_it_lies(all_classes, all_classes_file, tmp_path):
    out = run(ExportRequest(map_path=all_classes_file, to="kmz", language="zh")).write(
        tmp_path / "out"
    )
    with zipfile.ZipFile(out / "lcz.kmz") as archive:
        assert archive.namelist()[0] == "doc.kml"
        root = ElementTree.fromstring(archive.read("doc.kml"))
        pictures = [e.text for e in root.iter(f"{KML}href")]
        assert set(pictures) <= set(archive.namelist())
        (tmp_path / "lcz.png").write_bytes(archive.read("lcz.png"))
    sides = {s: float(root.find(f".//{KML}{s}").text) for s in ("north", "south", "east", "west")}
    assert "LCZ G 水体" in root.find(f".//{KML}description").text
    with rasterio.open(tmp_path / "lcz.png") as src:
        rgba = src.read()
    x, y = BOX.affine * (12.5, 7.5)
    place = gpd.GeoSeries([shapely.Point(x, y)], crs="EPSG:32633").to_crs("EPSG:4326")[0]
    col = int((place.x - sides["west"]) / (sides["east"] - sides["west"]) * rgba.shape[2])
    row = int((sides["north"] - place.y) / (sides["north"] - sides["south"]) * rgba.shape[1])
    assert tuple(rgba[:3, row, col]) == CLASSES[int(all_classes[7, 12]) - 1].rgb
    assert (rgba[3] == 0).any()  # what has no class is clear


def test_areas_by_district_are_exact_and_say_what_has_no_class(
    all_classes, all_classes_file, tmp_path
):
    west, north = BOX.affine.c, BOX.affine.f
    boxes = [
        shapely.box(west + 50, north - 250, west + 350, north - 100),
        shapely.box(west + 2400, north - 2000, west + 3000, north - 1400),
        shapely.box(west - 900, north - 500, west - 400, north - 100),
    ]
    table = gpd.GeoDataFrame({"town": ["a", "b", "c"]}, geometry=boxes, crs="EPSG:32633")
    table.to_crs("EPSG:4326").to_file(tmp_path / "towns.gpkg")
    zones = zonal_areas(all_classes, table)
    codes = all_classes.values
    share = np.zeros(BOX.shape)
    share[1:2, 0:4] = [0.5, 1, 1, 0.5]
    share[2, 0:4] = [0.25, 0.5, 0.5, 0.25]
    for number in range(1, 18):
        assert zones.loc[0, number] == pytest.approx(share[codes == number].sum() * 0.01, abs=1e-12)
    assert zones.loc[0, "area_km2"] == pytest.approx(0.045)
    assert zones.loc[1, "no_data_share"] == pytest.approx(25 / 36)
    assert zones.loc[2, "outside_share"] == 1
    request = ExportRequest(
        map_path=all_classes_file,
        to="districts",
        polygons=tmp_path / "towns.gpkg",
        name_column="town",
    )
    result = run(request)
    said = " ".join(f.text for f in result.findings)
    assert "Off the map: 1 of 3 polygons (c)" in said
    assert "at most 69.4 % (b)" in said
    import pandas as pd

    written = pd.read_csv(result.write(tmp_path / "out") / "districts.csv")
    assert written["name"].tolist() == ["a", "b", "c"]
    classes = [f"lcz_{c.code}_km2" for c in CLASSES]
    np.testing.assert_allclose(written[classes].sum(axis=1), written["mapped_km2"], rtol=1e-4)
    with pytest.raises(InputError, match="has no column 'city': it has town"):
        run(ExportRequest(map_path=all_classes_file, to="districts", polygons=tmp_path / "towns.gpkg",
                          name_column="city"))  # fmt: skip


def test_a_catalog_item_is_valid_and_finds_its_map(all_classes_file, tmp_path):
    request = ExportRequest(map_path=all_classes_file, to="stac", date="2023-06-01/2023-08-31")
    out = run(request).write(tmp_path / "out")
    item = pystac.Item.from_file(str(out / "item.json"))
    content = json.loads((out / "item.json").read_text())
    extensions = content.pop("stac_extensions")  # their schemas are on the network
    pystac.Item.from_dict({**content, "stac_extensions": []}).validate()
    assert any("/classification/v2" in e for e in extensions)
    assert (item.common_metadata.start_datetime.month, item.datetime) == (6, None)
    assert item.properties["proj:code"] == "EPSG:32633"
    classes = item.assets["lcz"].extra_fields["classification:classes"]
    assert [c["value"] for c in classes] == [*range(1, 18), 0]
    assert all(
        c["color_hint"] == z.color[1:].upper() for c, z in zip(classes, CLASSES, strict=False)
    )
    np.testing.assert_array_equal(
        open_lcz_map(item.assets["lcz"].get_absolute_href()), open_lcz_map(all_classes_file)
    )
    outline = shapely.geometry.shape(item.geometry)
    assert outline.bounds == pytest.approx(item.bbox)
    assert outline.area == pytest.approx(0.0442 * 0.0180, rel=0.02)


@pytest.mark.parametrize(
    ("values", "parameter"),
    [
        ({"to": "umep", "out_scheme": "1-17"}, "out_scheme"),
        ({"to": "districts"}, "polygons"),
        ({"to": "stac"}, "date"),
        ({"to": "stac", "date": "2023-09-01/2023-05-01"}, "date"),
        ({"to": "gpkg", "min_cells": 0}, "min_cells"),
        ({"to": "arcview"}, "to"),
        ({"to": "kmz", "out_scheme": "101-107"}, "out_scheme"),
        ({"to": "qgis", "min_cells": 4}, "min_cells"),
        ({"to": "qgis", "language": "la"}, "language"),
    ],
)
def test_what_does_not_go_together_is_refused_before_the_map_is_read(values, parameter):
    with pytest.raises(InputError) as refused:
        ExportRequest(map_path="none.tif", **values)
    assert refused.value.parameter == parameter


def test_the_command_says_what_fails_and_writes_nothing_then(run_lcz, tmp_path):
    path = write_codes(tmp_path / "empty.tif", np.zeros((9, 9), int), "1-17")
    code, _, err = run_lcz("export", path, "--to", "geotiff", "--check")
    assert code == 1
    assert "No cell of the map has a class" in err
    code, _, err = run_lcz("export", path, "--to", "geotiff", "--out", tmp_path / "out")
    assert code == 1
    assert not (tmp_path / "out").exists()
    codes = np.full((9, 9), 14)
    codes[0] = 17
    good = write_codes(tmp_path / "good.tif", codes, "1-17")
    code, out, _ = run_lcz("export", good, "--to", "geotiff", "--check", "--out", tmp_path / "out")
    assert code == 0
    assert "100.0 % of the cells, the natural zones" in out
    assert "--out-scheme 101-107" in out
    assert not (tmp_path / "out").exists()
    code, out, _ = run_lcz(
        "export", good, "--to", "geotiff", "--out-scheme", "101-107", "--out", tmp_path / "out"
    )
    assert code == 0
    with rasterio.open(tmp_path / "out/lcz.tif") as src:
        assert set(np.unique(src.read(1))) == {104, 107}


def test_a_map_across_180_degrees_is_no_single_overlay(tmp_path):
    box = GeoBox.from_bbox((179.9, -17.1, 180.1, -16.9), crs="EPSG:4326", resolution=0.01)
    lcz = lcz_map(on_grid(np.full(box.shape, 6, np.uint8), box, ("y", "x")))
    found = run(ExportRequest(map_path=lcz, to="kmz", check=True))
    assert found.fails
    with pytest.raises(InputError, match="both sides of 180 degrees"):
        run(ExportRequest(map_path=lcz, to="kmz"))


def test_every_target_is_told_of_in_the_command_s_help(run_lcz):
    from lczlib.jobs.export_targets import _CHECKS, _WRITERS

    assert set(_CHECKS) == set(_WRITERS) == set(TARGETS)
    code, out, _ = run_lcz("export", "--help")
    assert code == 0
    assert all(target in out for target in TARGETS)
