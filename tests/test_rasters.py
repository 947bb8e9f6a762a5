"""Raster files as they are: masks, bands that differ, sub-datasets, headers nobody can mean."""

import numpy as np
import pytest
import rasterio
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from rasterio.enums import ColorInterp

import lczlib
from lczlib.errors import GridError, InputError
from lczlib.grid import on_grid
from lczlib.limits import check_size, memory_limit
from lczlib.mapping.prepare import prepare
from lczlib.mapping.water_scene import water_scene
from lczlib.models import Weights
from lczlib.rasters import check_transform, choose_band, layer_of, open_raster

LAZY = pytest.mark.parametrize("chunks", [None, {"band": -1, "y": 7, "x": 5}])
SHAPE = (12, 17)


def masked_file(write_tif, values, keep, how, **profile):
    """A file that says by an internal mask, an alpha band or a .msk which pixels are there."""
    if how == "alpha":
        values = np.concatenate([values, np.where(keep, 255, 0)[None].astype(values.dtype)])
        path = write_tif(values, **profile)
        with rasterio.open(path, "r+") as dst:
            dst.colorinterp = [*[ColorInterp.undefined] * (len(values) - 1), ColorInterp.alpha]
        return path
    path = write_tif(values, **profile)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=how == "internal"),
        rasterio.open(path, "r+") as dst,
    ):
        dst.write_mask(keep)
    return path


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    dtype=st.sampled_from(["uint8", "int16", "uint16", "int32", "float32", "float64"]),
    how=st.sampled_from(["internal", "beside", "alpha"]),
    bands=st.integers(1, 3),
    lazy=st.booleans(),
    seed=st.integers(0, 5),
)
def test_masked_pixels_hold_the_no_data_value_and_no_other_does(
    write_tif, dtype, how, bands, lazy, seed
):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 200, (bands, *SHAPE)).astype(dtype)
    keep = rng.random(SHAPE) > 0.4
    path = masked_file(write_tif, values, keep, how, name=f"{dtype}{how}{bands}.tif")
    data = open_raster(path, chunks={"band": -1, "y": 7, "x": 5} if lazy else None)
    assert data.shape == values.shape
    assert (data.chunks is not None) == lazy
    nodata, found = data.rio.nodata, data.values
    gone = np.isnan(found) if np.isnan(nodata) else found == nodata
    assert np.array_equal(gone, np.broadcast_to(~keep, gone.shape))
    assert np.array_equal(found[:, keep], values[:, keep])


def test_a_band_that_a_writer_calls_alpha_is_data_where_it_holds_data(write_tif):
    values = np.random.default_rng(0).integers(0, 200, (4, *SHAPE)).astype(np.uint8)
    path = write_tif(values)
    with rasterio.open(path) as src:
        assert src.colorinterp[3] == ColorInterp.alpha  # GDAL's own guess for four bands of bytes
    data = open_raster(path)
    assert np.array_equal(data.values, values)


@LAZY
def test_a_declared_no_data_value_serves_for_the_mask_too(write_tif, chunks):
    values = np.full((1, *SHAPE), 3, np.uint8)
    values[0, 0] = 255
    keep = np.ones(SHAPE, bool)
    keep[:, 0] = False
    data = open_raster(masked_file(write_tif, values, keep, "internal", nodata=255), chunks=chunks)
    assert data.dtype == np.uint8
    assert data.rio.nodata == 255
    assert int((data == 255).sum()) == 17 + 11


def test_each_band_keeps_its_own_scale_offset_unit_and_name(write_tif):
    path = write_tif(np.ones((3, *SHAPE), np.int16), descriptions=("qa", "lst", ""))
    with rasterio.open(path, "r+") as dst:
        dst.scales, dst.offsets = (1.0, 0.1, 2.0), (0.0, 5.0, 0.0)
        dst.units = ("", "degC", "")
    data = open_raster(path)
    one, two = layer_of(data, 0), layer_of(data, 1)
    assert (one.attrs["scale_factor"], one.attrs["add_offset"]) == (1.0, 0.0)
    assert (two.attrs["scale_factor"], two.attrs["add_offset"]) == (0.1, 5.0)
    assert two.attrs["units"] == "degC"
    assert "units" not in one.attrs
    assert [choose_band(data, b, path) for b in ("lst", "LST", 2, "2")] == [1, 1, 1, 1]
    for wrong in ("sst", 4, 0, None):
        with pytest.raises(InputError, match=r"qa, lst, unnamed"):
            choose_band(data, wrong, path)


def test_two_bands_of_one_name_are_told_apart_by_number(write_tif):
    path = write_tif(np.ones((2, *SHAPE), np.int16), descriptions=("VV", "VV"))
    data = open_raster(path)
    with pytest.raises(InputError, match="2 bands named 'VV': say which by its number"):
        choose_band(data, "VV", path)
    assert choose_band(data, 2, path) == 1


def test_a_file_of_several_variables_names_them(tmp_path):
    path = tmp_path / "geo_em.nc"
    fields = {n: (("y", "x"), np.full((3, 4), v)) for n, v in (("LU_INDEX", 31.0), ("HGT_M", 9.0))}
    xr.Dataset(fields, coords={"y": [3.0, 2.0, 1.0], "x": [1.0, 2.0, 3.0, 4.0]}).to_netcdf(
        path, engine="scipy"
    )
    with pytest.raises(InputError, match=r"2 variables \(.*\): say which with --band"):
        open_raster(path, option="--band")
    with pytest.raises(InputError, match="none is named 'LCZ'"):
        open_raster(path, band="LCZ")
    assert float(open_raster(path, band="HGT_M").max()) == 9.0


@settings(max_examples=60, deadline=None)
@given(
    position=st.integers(0, 5),
    bad=st.sampled_from([np.nan, np.inf, -np.inf, 1e300, -1e300, 1e15]),
)
def test_transforms_that_are_no_place_are_refused(position, bad):
    affine = [10.0, 0.0, 384040.0, 0.0, -10.0, 5820320.0]
    check_transform(tuple(affine), SHAPE, "raster")
    affine[position] = bad
    with pytest.raises(GridError, match="geotransform of the raster"):
        check_transform(tuple(affine), SHAPE, "raster")


def test_cells_without_area_are_refused():
    with pytest.raises(GridError, match="no area"):
        check_transform((0.0, 0.0, 384040.0, 0.0, -10.0, 5820320.0), SHAPE, "raster")


def test_complex_numbers_are_refused(write_tif):
    with pytest.raises(InputError, match="complex numbers"):
        open_raster(write_tif(np.ones((1, *SHAPE), np.complex64)))


def test_complex_numbers_of_open_arrays_are_refused_too(write_tif):
    codes = np.kron(np.arange(1, 18), np.ones((20, 2))).astype(np.uint8)
    lcz = lczlib.open_map(write_tif(codes, pixel=100.0))
    values = lcz.astype(np.complex64).assign_attrs(units="degC")
    with pytest.raises(InputError, match="open array holds complex numbers"):
        lczlib.surface_heat(lcz, values)
    with pytest.raises(InputError, match="probabilities holds complex numbers"):
        lczlib.assess(lcz, lcz, probabilities=xr.concat([values] * 17, "lcz"))
    radar = on_grid(
        np.ones((400, 400), np.complex64),
        GeoBox.from_bbox((0, 0, 4000, 4000), "EPSG:32633", resolution=10),
    )
    with pytest.raises(InputError, match="scene holds complex numbers"):
        water_scene(xr.concat([radar] * 2, "band").assign_coords(band=["VH", "VV"]), "as")
    with pytest.raises(InputError, match=r"scene.* holds complex numbers"):
        prepare(xr.Dataset({"B02": radar}), Weights("a net", "", "s2", ("B02",)))


@LAZY
def test_a_few_kilobytes_that_declare_a_continent_are_refused_at_once(tmp_path, chunks):
    path = tmp_path / "huge.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=400_000, width=400_000, dtype="uint8",
        crs="EPSG:32633", transform=rasterio.transform.from_origin(0, 0, 10, 10), tiled=True,
        blockxsize=16384, blockysize=16384, sparse_ok=True, bigtiff="yes",
    ):  # fmt: skip
        pass
    with pytest.raises(InputError, match=r"declares 400,000 x 400,000 pixels"):
        open_raster(path, chunks=chunks)


def test_the_limit_is_said_in_gigabytes(monkeypatch):
    monkeypatch.setenv("LCZLIB_MEMORY", "0.001")
    assert memory_limit() == 1e6
    with pytest.raises(InputError, match=r"0\.0 GB that a job may take"):
        check_size(2e6, "a.tif", "raster", "1,000 pixels")
    for wrong in ("much", "0", "-1", "nan", "inf"):
        monkeypatch.setenv("LCZLIB_MEMORY", wrong)
        with pytest.raises(InputError, match="is no size"):
            memory_limit()
