"""A study's maps for other software: one zip, with what to mind in each."""

from __future__ import annotations

import zipfile

import numpy as np
import rasterio

from lczlib.study import Study
from lczlib.study.exports import WRITTEN, write_exports


def test_all_maps_are_written_for_all_targets_with_what_to_mind(all_classes_file, tmp_path):
    study = Study(tmp_path / "work", tmp_path / "store")
    study.city = "own"
    study.map_files = (str(all_classes_file),)
    for step in ("scene", "own_map"):
        study.compute(step)
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
    assert not set(told) & set("\u2062\u2063\u2064")
    with rasterio.open(tmp_path / "own/umep/lcz.tif") as src:
        assert {101, 107} <= set(np.unique(src.read(1)))
