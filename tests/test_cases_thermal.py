"""Thermal rasters, air temperatures and heights of other tools: the right value, or the right sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

MAP = "cases/th-scales-differ/lcz.tif"
LANDSAT = "LC08_L2SP_193023_20210715_20210722_02_T1_ST_B10.TIF"


@pytest.fixture
def island(run_lcz, shared, tmp_path):
    """Run ``lcz uhi`` on the map of the cases: its document and what was printed."""

    def run(*arguments: object) -> tuple[dict, str]:
        code, out, err = run_lcz(
            "uhi", shared / MAP, *arguments, "--no-figures", "--replicates", 100, "--out", tmp_path / "o"
        )  # fmt: skip
        assert code == 0, err
        document = json.loads((tmp_path / "o/heat_island.json").read_text())
        return document, " ".join((out + err).split())

    return run


def compact(document: dict) -> float:
    """Difference of LCZ 2 to LCZ D, K."""
    return next(r["difference"] for r in document["classes"] if r["lcz"] == 2)


def test_without_a_quality_layer_it_is_said_that_clouds_stay(island, shared):
    found, said = island("--lst", shared / "cases/lst-base" / LANDSAT)
    assert compact(found) == pytest.approx(3.35, abs=0.03)
    assert "no quality layer: clouds not removed" in said
    assert "cloudy or poor" not in said
    assert "warning" not in said
    assert found["clouds"] == "no quality layer: clouds not removed"
    assert found["pixels"]["cloud_or_poor"] is None


def test_a_cold_cloud_is_told(island, shared):
    found, said = island("--lst", shared / "cases/lst-cloud-no-qa" / LANDSAT)
    assert compact(found) == pytest.approx(3.35, abs=0.2)
    assert "no quality layer: clouds not removed" in said
    assert "16.7 % of the pixels hold exactly 34815 (-5.15 degC)" in said


def test_an_undeclared_zero_is_named_and_masked(island, shared):
    path = shared / "cases/lst-zero-fill-celsius/lst_degC.tif"
    found, said = island("--lst", path, "--unit", "degC")
    assert found["reference_temperature"] == pytest.approx(30.83, abs=0.15)
    assert compact(found) == pytest.approx(3.35, abs=0.2)
    assert "12.5 % of the pixels hold exactly 0" in said
    assert found["pixels"]["repeated"] == 1800


@pytest.mark.parametrize(
    ("name", "band", "extra"),
    [
        ("lst.tif", "lst", ""),
        ("lst_qa.tif", "lwir11", "0 cloudy or poor by band qa_pixel of the same file"),
    ],
)
def test_scale_and_offset_are_those_of_the_band(island, shared, name, band, extra):
    for asked in ((), ("--band", band)):  # the band of a usual name is found
        found, said = island("--lst", shared / "cases/th-scales-differ" / name, *asked)
        assert found["reference_temperature"] == pytest.approx(30.8, abs=0.05)
        assert compact(found) == pytest.approx(3.4, abs=0.05)
        assert extra in said


def test_a_unit_that_the_file_contradicts_names_no_wrong_one(run_lcz, shared, tmp_path):
    path = shared / "cases/th-scales-differ/lst.tif"
    code, _, err = run_lcz("uhi", shared / MAP, "--lst", path, "--band", "lst", "--unit", "K")
    assert code == 1
    assert "look like degC; state --unit degC" in err


@pytest.mark.parametrize(
    ("folder", "raster", "layer"),
    [
        ("appeears", "*_LST_*", "LSTE.002_cloud_doy2024296183627_aid0001_31N.tif"),
        ("eco_clip", "*_LST_clip*", "_01_cloud_clip.tif"),
        ("ls_clip", "*_ST_B10_clip*", "_QA_PIXEL_clip.tif"),
    ],
)
def test_quality_layers_under_suffixed_names_are_used(island, shared, folder, raster, layer):
    path = next((shared / "cases/lst-quality-suffix" / folder).glob(raster))
    found, said = island("--lst", path)
    assert found["pixels"]["cloud_or_poor"] > 1500
    assert f"1,589 cloudy or poor by {path.name[:3]}" in said
    assert layer in found["clouds"]
    assert compact(found) == pytest.approx(3.4, abs=0.2)


def test_air_temperature_is_a_canopy_heat_island(island, shared, run_lcz, tmp_path):
    path = tmp_path / "t2m_20210715.tif"
    with rasterio.open(shared / "cases/th-scales-differ/lst.tif") as src:
        profile = src.profile | {"count": 1, "dtype": "float32", "nodata": -9999}
        celsius = np.where(src.read(1) == -32768, -9999, src.read(1) * np.float32(0.1))
    with rasterio.open(path, "w", **profile) as dst:
        dst.write(celsius, 1)
        dst.update_tags(units="degC")
    found, said = island("--air", path)
    assert (found["kind"], found["name"]) == ("canopy", "canopy layer urban heat island")
    assert found["quantity"] == "air temperature"
    assert compact(found) == pytest.approx(3.4, abs=0.05)
    assert "Canopy layer heat island" in said
    assert "urface" not in said.replace("cases", "")
    code, _, err = run_lcz("uhi", shared / MAP, "--lst", path)
    assert code == 1
    assert "holds air temperature" in err
    assert "--air" in err
    code, _, err = run_lcz(
        "uhi", shared / MAP, "--air", shared / "cases/th-scales-differ/lst.tif", "--band", "lst"
    )
    assert code == 1
    assert "holds surface temperature (lst)" in err
    assert "--lst" in err


def test_hong_kong_without_low_plants(shared):
    """LCZ C in place of D, never B: the difference of LCZ 2 by the three, on the real scene."""
    from lczlib.analysis.heat import SurfaceOptions, align, surface_heat_island
    from lczlib.maps import open_lcz_map
    from lczlib.scenes.thermal import open_temperature
    from lczlib.scenes.thermal_products import ThermalConstants

    scene = open_temperature(
        shared / "data/hong_kong/LC81220442014288LGN00_B1-7_B10_B11_100m.tif", kind="landsat-l1", band="B10",
        constants=ThermalConstants(3.342e-4, 0.1, 774.8853, 1321.0789), plausible=(0, 85),
    )  # fmt: skip
    lcz = open_lcz_map(shared / "mirror/prd_lcz_2020.zip/tiff/prd_lcz_v0817c.tif")
    found = align(scene.temperature, lcz, "nearest")
    few = SurfaceOptions(interior=0, replicates=100)
    known = surface_heat_island(found.temperature, found.lcz, few)
    bare = found.lcz.copy(data=np.where(found.lcz.data == 14, 0, found.lcz.data).astype(np.uint8))
    without = surface_heat_island(found.temperature, bare, few)
    assert without.reference.classes == ()
    assert without.classes["difference"].isna().all()
    scrub = surface_heat_island(
        found.temperature, bare, SurfaceOptions(interior=0, replicates=100, fallback=True)
    )
    assert scrub.reference.classes == (13,)
    against = surface_heat_island(
        found.temperature, found.lcz, SurfaceOptions(interior=0, replicates=100, reference="C")
    )
    shift = against.classes.loc[2, "difference"] - known.classes.loc[2, "difference"]
    assert against.reference_bias == pytest.approx(-shift, abs=1e-3)
    assert "LCZ D" in against.bias
    assert known.bias == ""


def test_a_netcdf_of_several_variables_names_them(run_lcz, shared):
    path = shared / "cases/nc-several-variables/geo_em.nc"
    code, _, err = run_lcz("uhi", shared / MAP, "--air", path)
    assert code == 1
    assert "2 variables (LU_INDEX, HGT_M)" in err
    assert "--band" in err
    assert Path(path).name in err
