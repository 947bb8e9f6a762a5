"""Sentinel-2 products as ESA delivers them: what is read of them, and what is said of damaged ones."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from synthetic_sentinel2 import land, write_product

from lczlib.errors import GridError, InputError
from lczlib.reading import readings
from lczlib.scenes import crop, find_product, open_product, open_sentinel2
from lczlib.scenes.bands import BANDS

FINE = ("B02", "B03", "B04", "B08")


def expected(reflectance, band):
    values = reflectance[BANDS.index(band)]
    return values if band in FINE else values[::2, ::2].repeat(2, 0).repeat(2, 1)


def zipped(root):
    path = root.parent / f"{root.stem}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(root.rglob("*")):
            archive.write(file, file.relative_to(root.parent))
    shutil.rmtree(root)
    return path


@pytest.mark.parametrize("level", ["L1C", "L2A"])
@pytest.mark.parametrize("form", ["folder", "zip", "metadata", "folder around it"])
@pytest.mark.parametrize("offset", [-1000, None])
def test_a_product_is_read_by_its_metadata(tmp_path, level, form, offset):
    reflectance = land(128)
    root = write_product(tmp_path, reflectance, level=level, offset=offset)
    path = {
        "folder": lambda: root, "zip": lambda: zipped(root), "folder around it": lambda: tmp_path,
        "metadata": lambda: root / f"MTD_MSI{level}.xml",
    }[form]()  # fmt: skip
    with readings() as heard:
        scene = open_sentinel2(path)
    assert (scene.attrs["level"], scene.attrs["date"]) == (level, "2024-07-12")
    assert scene.rio.crs.to_epsg() == 32633
    for band in BANDS:
        np.testing.assert_allclose(scene[band], expected(reflectance, band), atol=6e-5)
    assert scene.attrs["offset_removed"] is (offset is not None)
    (told,) = heard
    assert told.facts["offset"] == ([-1000.0] if offset else [0.0])
    assert all(Path(f).is_file() for f in scene.attrs["files"])


def test_a_large_product_is_read_in_blocks_that_fit(tmp_path):
    size = 1100  # more than one block; twenty-metre blocks are half as large
    reflectance = land(size)
    scene = open_product(write_product(tmp_path, reflectance))
    assert scene.B02.chunks == scene.B11.chunks == ((1024, 76), (1024, 76))
    for band in ("B04", "B8A"):
        got = scene[band].isel(y=slice(1000, 1060), x=slice(990, 1100)).values
        np.testing.assert_allclose(got, expected(reflectance, band)[1000:1060, 990:1100], atol=6e-5)


def test_what_hides_the_land_is_missing_and_counted(tmp_path):
    reflectance = land(64)
    classes = np.full((32, 32), 5)
    classes[:4], classes[4:6], classes[6], classes[7, :8], classes[8], classes[9] = (
        9,
        3,
        11,
        0,
        2,
        7,
    )
    reflectance[:, 14:16, :16] = np.nan
    root = write_product(tmp_path, reflectance, classes=classes)
    with readings() as heard:
        scene = open_sentinel2(root).compute()
    gone = np.isin(classes, (0, 3, 9, 11)).repeat(2, 0).repeat(2, 1)
    for band in BANDS:
        np.testing.assert_array_equal(scene[band].isnull(), gone)
    (told,) = heard
    assert told.facts["pixels"]["missing"] == {
        "cloud shadow": 64, "cloud, high probability": 128, "snow or ice": 32,
    }  # fmt: skip
    assert told.facts["pixels"]["valid"] == 1024 - 64 - 128 - 32 - 8
    assert "12.5 % missing: cloud, high probability (SCL)" in told.said
    with readings() as heard:
        kept = open_sentinel2(root, keep_clouds=True).compute()
    assert kept.B02.isnull().sum() == 2 * 16
    assert heard[0].facts["pixels"]["valid"] == 1024 - 8


def test_dark_water_of_a_product_stays_and_single_bands_at_the_edge_of_the_swath_go(tmp_path):
    reflectance = land(64)
    reflectance[8:, :, :8] = -0.0999  # DN 1: the darkest that is valid
    reflectance[:3, 40:48] = np.nan  # the swath of some bands ends earlier
    scene = open_product(write_product(tmp_path, reflectance)).compute()
    assert scene.B12[:, :8].notnull().all()
    assert scene.B03[40:48].isnull().all()
    assert scene.B05[40:48].notnull().all()


def break_metadata(root):
    next(root.glob("MTD*.xml")).write_text("<n1:Level-2A_User_Product")


def cut_metadata(root):
    file = next(root.glob("MTD*.xml"))
    file.write_text(file.read_text().replace("BOA_QUANTIFICATION_VALUE", "X"))


def add_tile(root):
    granule = next((root / "GRANULE").iterdir())
    shutil.copytree(granule, granule.with_name("L2A_T33UVU_A047300_20240712T101031"))


def other_grid(root):
    band = next(root.rglob("*_B11_20m.jp2"))
    shutil.copy(next(root.rglob("*_B02_10m.jp2")), band)
    write_product(root.parent / "other", land(32))
    shutil.copy(next((root.parent / "other").rglob("*_B11_20m.jp2")), band)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: next(root.rglob("*_B11_20m.jp2")).unlink(), r"lacks the image\(s\) of B11"),
        (lambda root: next(root.glob("MTD*.xml")).unlink(), r"lacks its metadata \(MTD_MSIL1C"),
        (lambda root: shutil.rmtree(root / "GRANULE"), "lacks the image"),
        (break_metadata, r"MTD_MSIL2A\.xml of the product .* cannot be read"),
        (cut_metadata, r"MTD_MSIL2A\.xml of the product .* cannot be read"),
        (add_tile, "holds 2 tiles"),
        (other_grid, "does not lie on the grid"),
        (lambda root: next(root.rglob("*_B03_10m.jp2")).write_bytes(b"\0" * 999), "cannot be read"),
    ],
)
def test_an_incomplete_product_is_refused_in_one_sentence(tmp_path, damage, message):
    root = write_product(tmp_path, land(64))
    damage(root)
    with pytest.raises((InputError, GridError), match=message) as refused:
        open_sentinel2(root)
    assert "\n" not in str(refused.value)


def test_two_products_in_one_folder_are_named(tmp_path):
    write_product(tmp_path, land(32))
    write_product(tmp_path, land(32), level="L1C")
    with pytest.raises(InputError, match="holds 2 Sentinel-2 products"):
        find_product(tmp_path)


def test_options_that_a_product_settles_are_refused(tmp_path):
    root = write_product(tmp_path, land(32))
    with pytest.raises(InputError, match="leave out --bands"):
        open_sentinel2(root, offset=-1000)


def test_a_level_that_the_metadata_contradict_is_refused(tmp_path, run_lcz):
    root = write_product(tmp_path, land(64), level="L1C")
    code, _, told = run_lcz("map", root, "--level", "L2A", "--out", tmp_path / "out")
    assert code == 1
    assert "is a product of level L1C: leave out --level L2A" in told


def test_hidden_files_in_a_product_do_not_count(tmp_path):
    root = write_product(tmp_path, land(32))
    image = next(root.rglob("*_B02_10m.jp2"))
    image.with_name(f"._{image.name}").write_bytes(b"resource fork")
    (root / "GRANULE" / "@eaDir").mkdir()
    assert open_sentinel2(root).B02.notnull().all()


def test_a_box_is_cut_on_whole_cells(tmp_path):
    scene = open_product(write_product(tmp_path, land(256)))
    part = crop(scene, (13.315, 52.540, 13.325, 52.548))
    assert dict(part.sizes) == {"y": 100, "x": 80}
    assert (float(part.x[0] - 5) - float(scene.x[0] - 5)) % 100 == 0
    assert (float(part.y[0] + 5) - float(scene.y[0] + 5)) % 100 == 0
    np.testing.assert_array_equal(part.B11, scene.B11.sel(y=part.y, x=part.x))
    with pytest.raises(GridError, match="less than 4 x 4"):
        crop(scene, (10, 50, 10.1, 50.1))
