"""Surface water of a study, as the files and the report that are taken away."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from synthetic_water import backscatter, lake

from lczlib.errors import InputError
from lczlib.export import write_raster
from lczlib.study import Study
from lczlib.study.document import (
    tables_of,
    write_bundle,
    write_figures,
    write_report,
    write_water_zip,
)

BOX = GeoBox((160, 170), Affine(10, 0, 500_000, 0, -10, 3_500_000), "EPSG:32650")
DATES = {"2021-04-03": 30, "2021-04-15": 30, "2021-07-08": 55}
"""Radius in pixels of the synthetic lake."""


@pytest.fixture(scope="module")
def study(shared: Path, weights_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Own Sentinel-1 scenes of three dates, and no LCZ map."""
    folder = tmp_path_factory.mktemp("water")
    paths = []
    for i, (day, radius) in enumerate(DATES.items()):
        scene = backscatter(lake(radius, BOX), seed=i, box=BOX)
        paths.append(write_raster(folder / f"S1_{day}.tif", scene, descriptions=["VV", "VH"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCZLIB_MIRROR", str(shared / "mirror"))
        patch.setenv("LCZLIB_CACHE", str(weights_cache))
        made = Study(folder / "s", folder / "c")
        made.param.update(city="own", water_files=tuple(map(str, paths)))
        for step in ("scene", "water", "water_summary"):
            made.compute(step)
    return made


def test_tables_hold_each_month_with_its_interval_and_sample(study: Study) -> None:
    table = tables_of(study)["water_area"]
    assert list(table["month"]) == ["2021-04", "2021-07"]
    assert (table["n_pixels"] > 0).all()
    for row, radius in zip(table.itertuples(), (30, 55), strict=True):
        truth = lake(radius, BOX).sum() * 1e-4
        assert row.ci_low_km2 < truth < row.ci_high_km2
        assert row.ci_low_km2 < row.area_km2 < row.ci_high_km2


def test_maps_of_each_date_are_georeferenced(study: Study, tmp_path: Path) -> None:
    with zipfile.ZipFile(write_water_zip(study, tmp_path / "water.zip")) as archive:
        archive.extractall(tmp_path)
    names = {p.name for p in tmp_path.glob("*.tif")}
    layers = {f"{day}_{i}_water{kind}.tif" for i, day in
              zip(("01", "02", "03"), DATES, strict=True) for kind in ("", "_proba")}  # fmt: skip
    assert names == layers | {"water_occurrence.tif"}
    with rasterio.open(tmp_path / "2021-07-08_03_water.tif") as src:
        assert src.transform == BOX.affine
        assert src.crs.to_epsg() == 32650
        assert (src.read(1) == 1).sum() == (study.water.probability[-1] > 0.5).sum() > 5000
    with rasterio.open(tmp_path / "water_occurrence.tif") as src:
        assert set(src.read(1).ravel()) == {0, 0.5, 1}


def test_report_and_bundle_need_no_lcz_map(study: Study, tmp_path: Path) -> None:
    page = write_report(study, tmp_path / "report.html").read_text()
    assert "<h2>Surface water</h2>" in page
    assert "Luo" in page
    assert "2021-07" in page
    assert "Legend, and area of each class" not in page
    with zipfile.ZipFile(write_bundle(study, tmp_path / "all.zip")) as archive:
        names = set(archive.namelist())
        with archive.open("tables/water_area.csv") as file:
            assert len(pd.read_csv(file)) == 2
    assert {
        "report.html", "rerun.sh", "results/water/water_occurrence.tif", "figures/water_by_month.svg",
    } <= names  # fmt: skip


def test_figures_are_the_last_scene_the_months_and_the_occurrence(
    study: Study, tmp_path: Path
) -> None:
    with zipfile.ZipFile(write_figures(study, tmp_path / "figures.zip")) as archive:
        sizes = {i.filename: i.file_size for i in archive.infolist()}
    assert set(sizes) == {"water.png", "water_by_month.png", "water_occurrence.png"}
    assert min(sizes.values()) > 5000


def test_nothing_is_no_report(tmp_path: Path) -> None:
    study = Study(tmp_path / "s", tmp_path / "c")
    study.city = "own"
    study.compute("scene")
    with pytest.raises(InputError, match="nothing to report yet"):
        write_report(study, tmp_path / "report.html")
