"""A study's maps for other software: one zip, with what to mind in each."""

from __future__ import annotations

import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import panel as pn
import pytest
import rasterio
import shapely
from bokeh.document import Document
from event_loops import run_apart
from panel.io.state import set_curdoc
from test_export_wrf import write_geo_em, write_town

from app.pages.share import SharePage
from app.session import Session
from app.uploads.checks import accept
from app.uploads.kinds import KINDS
from lczlib.errors import InputError
from lczlib.export import sha256_of
from lczlib.jobs.export import TARGETS, ExportRequest, run
from lczlib.jobs.export_request import taken_by
from lczlib.settings import described
from lczlib.study import Study
from lczlib.study.export_inputs import NAMES, WORDS
from lczlib.study.exports import WRITTEN, request_of, targets, write_exports


@pytest.fixture
def study(all_classes_file, tmp_path) -> Study:
    return with_map(all_classes_file, tmp_path)


def with_map(path, tmp_path) -> Study:
    study = Study(tmp_path / "work", tmp_path / "store")
    study.city = "own"
    study.map_files = (str(path),)
    for step in ("scene", "own_map"):
        study.compute(step)
    return study


def test_all_maps_are_written_for_all_targets_with_what_to_mind(study, tmp_path):
    path = write_exports(study, tmp_path / "exports.zip")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        told = archive.read("read-me.txt").decode()
        archive.extract("own/umep/lcz.tif", tmp_path)
    for target in WRITTEN:
        assert f"own/{target}/manifest.json" in names
        assert f"{target}:" in told
    for name in (
        "qgis/lcz.qml",
        "gpkg/lcz.gpkg",
        "netcdf/lcz.nc",
        "kmz/lcz.kmz",
        "suews/suews_sites.csv",
    ):
        assert f"own/{name}" in names
    assert told.startswith("Uploaded map")
    assert "UMEP leaves out each polygon" in told
    assert "“Maps for other software: Fill” nearest" in told
    assert not set(told) & set("\u2062\u2063\u2064")
    with rasterio.open(tmp_path / "own/umep/lcz.tif") as src:
        assert {101, 107} <= set(np.unique(src.read(1)))


def test_districts_wrf_and_stac_come_with_what_they_need(tmp_path):
    study = with_map(write_town(tmp_path / "town.tif"), tmp_path)
    assert targets(study) == WRITTEN
    towns = gpd.GeoDataFrame({"town": ["a", "b"]}, geometry=[
        shapely.box(13.35, 52.45, 13.4, 52.5), shapely.box(13.4, 52.5, 13.5, 52.55),
    ], crs="EPSG:4326")  # fmt: skip
    towns.to_file(tmp_path / "towns.gpkg")
    geo_em = write_geo_em(tmp_path / "geo_em.d01.nc")
    study.param.update(
        polygon_files=(str(tmp_path / "towns.gpkg"),), geo_em_files=(str(geo_em),), export_date="2023-07-01",
        export_name_column="town", export_wrf_version="4.3",
    )  # fmt: skip
    assert set(targets(study)) == set(TARGETS) - {"geotiff"}
    path = write_exports(study, tmp_path / "exports.zip")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "zip")
    told = (tmp_path / "zip/read-me.txt").read_text()
    assert "Left out: Squares" not in told
    for target, file in (("districts", "districts.csv"), ("wrf", "geo_em.d01.nc")):
        request = request_of(study, target, study.own_map, None)
        given = {"polygons": tmp_path / "towns.gpkg", "name_column": "town"}
        if target == "wrf":
            given = {"geo_em": geo_em, "wrf_version": "4.3"}
        direct = run(ExportRequest(map_path=tmp_path / "town.tif", to=target, **given))
        direct.write(tmp_path / "direct" / target)
        assert request.to == target
        made = tmp_path / "zip/own" / target / file
        assert sha256_of(made) == sha256_of(tmp_path / "direct" / target / file)
    table = pd.read_csv(tmp_path / "zip/own/districts/districts.csv")
    assert table["name"].tolist() == ["a", "b"]
    assert (tmp_path / "zip/own/stac/item.json").is_file()


def test_what_a_target_cannot_be_written_with_is_said(study, tmp_path):
    study.export_date = "yesterday"
    study.export_min_cells = 5
    path = write_exports(study, tmp_path / "exports.zip")
    with zipfile.ZipFile(path) as archive:
        told = archive.read("read-me.txt").decode()
        names = archive.namelist()
    assert "Left out: 'yesterday' is no day" in told
    assert not any(n.startswith("own/stac/") for n in names)
    assert "The minimum mapping unit of 5 cells gives" in told


def test_the_page_has_each_setting_of_the_command():
    others = {"to", "check", "probabilities", "map_path"}
    of_maps = {"band", "scheme", "nodata", "legend", "map_column", "map_layer", "cell", "city"}
    assert set(NAMES) | others | of_maps == set(described(ExportRequest))
    assert set(NAMES.values()) - set(WORDS) == {"polygon_files", "geo_em_files"}
    told = described(ExportRequest)
    for name, called in NAMES.items():
        if called in WORDS:
            assert Study.param[called].label == told[name].setting.title
            assert told[name].setting.doc in Study.param[called].doc
    assert {k.target for k in KINDS.values()} >= {"polygon_files", "geo_em_files"}
    assert "block" in taken_by("suews") - taken_by("umep")


def test_a_domain_is_taken_in_the_classic_form_alone(tmp_path):
    geo_em = write_geo_em(tmp_path / "geo_em.d01.nc")
    (kind,) = (k for k in KINDS.values() if k.target == "geo_em_files")
    taken = accept("geo_em.d01.nc", geo_em.read_bytes(), tmp_path / "session", kind.of.endings)
    assert taken.read_bytes() == geo_em.read_bytes()
    for content, says in (
        (b"\x89HDF\r\n\x1a\n", "classic form"),
        (b"no file", "is no NetCDF file"),
    ):
        with pytest.raises(InputError, match=says):
            accept("geo_em.d01.nc", content, tmp_path / "session", kind.of.endings)


def test_the_share_page_sets_what_the_zip_is_written_with(all_classes_file):
    async def made() -> tuple[Study, list[str]]:
        doc = Document()
        with set_curdoc(doc):
            session = Session(doc)
            study = session.study
            study.param.update(city="own", map_files=(str(all_classes_file),))
            for step in ("scene", "own_map"):
                study.compute(step)
            page = SharePage(session)
            widgets = {w.name: w for w in page.sidebar.select(pn.widgets.Widget)}
            widgets["Minimum mapping unit (cells)"].value = 7
            widgets["Language"].value = "de"
            widgets["Numbering (written)"].value = "101-107"
            return study, list(widgets)

    study, names = run_apart(made())
    assert {Study.param[n].label for n in WORDS} <= set(names)
    assert request_of(study, "gpkg", study.own_map, None).min_cells == 7
    found = request_of(study, "qgis", study.own_map, None)
    assert (found.language, found.out_scheme) == ("de", "101-107")
    assert request_of(study, "suews", study.own_map, None).written_scheme == "101-107"
