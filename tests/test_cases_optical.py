"""Sentinel-2 files of people who do this job: the right value, or the right sentence."""

import numpy as np
import pytest
import rasterio
from synthetic_sentinel2 import write_product

from lczlib.scenes import open_sentinel2
from lczlib.scenes.bands import BANDS

WATER = 17


def cells_of(folder):
    with rasterio.open(folder / "s2_lcz.tif") as src:
        return src.read(1)


@pytest.fixture
def map_of(run_lcz, mirror, tmp_path):
    """LCZ map of an image by the small network, and what was said of it."""

    def run(path, *options):
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}-lcz"
        code, printed, warned = run_lcz(
            "map", path, "--weights", "sen2lcz_net", "--device", "cpu", "--out", out, *options
        )
        assert code == 0, warned
        return cells_of(out), " ".join(printed.split()) + warned

    return run


@pytest.mark.slow
def test_dark_water_that_is_zero_in_the_short_waves_stays_water(map_of, shared):
    base, _ = map_of(shared / "cases/s2-base/s2_L1C.tif")
    clipped, told = map_of(shared / "cases/s2-swir-zero-over-water/s2_L1C.tif")
    assert (base == WATER).sum() == 81
    assert abs((clipped == WATER).sum() - 81) <= 4
    assert ((clipped == WATER) & (base == WATER)).sum() >= 78
    assert (clipped > 0).all()
    assert "0 in B11, B12 over 12.6 % of the pixels taken as dark, not missing" in told


@pytest.mark.slow
@pytest.mark.parametrize("fill", [1, 65535])
def test_an_edge_of_one_value_in_all_bands_is_no_data(map_of, shared, tmp_path, fill):
    with rasterio.open(shared / "cases/s2-base/s2_L1C.tif") as src:
        values, profile, names = src.read(), src.profile, src.descriptions
    rows, cols = np.mgrid[:320, :320]
    gap = cols + rows // 4 < 120
    values[:, gap] = fill
    with rasterio.open(tmp_path / "edge.tif", "w", **profile) as dst:
        dst.write(values)
        dst.descriptions = names
    whole, _ = map_of(shared / "cases/s2-base/s2_L1C.tif")
    found, told = map_of(tmp_path / "edge.tif")
    share = gap.reshape(32, 10, 32, 10).mean((1, 3))
    assert (found[share > 0.5] == 0).all()
    inside = share == 0
    inside[:, 1:] &= inside[:, :-1]
    away = inside & np.roll(inside, 1, 1) & np.roll(inside, 2, 1)
    assert (found[away] == whole[away]).mean() > 0.95
    assert (found == WATER).sum() <= (whole == WATER).sum() + 4
    assert f"% missing: {fill} in all bands" in told


@pytest.mark.parametrize("name", ["i_rededge.tif", "i3_words.tif", "i4_deafrica.tif"])
def test_bands_under_the_names_of_other_providers_are_read(shared, name):
    path = shared / "cases/s2-band-names" / name
    with rasterio.open(path) as src:
        stored = src.read()
    scene = open_sentinel2(path)
    for i, band in enumerate(BANDS):
        np.testing.assert_allclose(scene[band], stored[i] / 1e4, rtol=1e-6)


@pytest.mark.slow
def test_what_a_mask_hides_is_not_mapped(map_of, shared):
    cells, told = map_of(shared / "cases/hostile/map_halfmask.tif")
    assert (cells[:, 7:] == 0).all()
    assert (cells[:, :6] > 0).all()
    assert "50.0 % missing: masked or no data" in told


def test_a_geotransform_of_nan_is_one_sentence(run_lcz, shared, mirror, tmp_path):
    path = shared / "cases/hostile/map_nantransform.tif"
    code, _, told = run_lcz("map", path, "--out", tmp_path / "out")
    assert code == 1
    assert "holds numbers that are NaN or infinite" in told
    assert "Traceback" not in told


@pytest.mark.slow
@pytest.mark.parametrize("form", ["L1C", "L2A"])
def test_a_product_maps_as_the_image_made_of_it(map_of, shared, tmp_path, form):
    path = shared / "cases/s2-base/s2_L1C.tif"
    with rasterio.open(path) as src:
        reflectance = src.read() / 1e4
    classes = np.full((160, 160), 5)
    classes[:50, :50] = 8
    product = write_product(
        tmp_path / "p", reflectance, level=form, classes=classes if form == "L2A" else None
    )
    found, told = map_of(product)
    whole, _ = map_of(path)
    assert "offset -1000 removed, by its metadata" in told
    if form == "L2A":  # an approximate atmosphere is put back: only its gap is compared
        assert "approximate atmosphere" in told
        assert (found[:10, :10] == 0).all()
        assert (found[11:] > 0).all()
    else:
        assert (found == whole).mean() > 0.85  # bands of 20 m lost every second pixel
        part, _ = map_of(product, "--box", "13.295,52.535,13.32,52.55")
        assert part.size < found.size
