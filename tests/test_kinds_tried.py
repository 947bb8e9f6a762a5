"""Inputs that were once read wrongly without a word, each the smallest of its kind."""

import numpy as np
import pandas as pd
import pytest
import rasterio
import torch
import xarray as xr
from odc.geo.geobox import GeoBox
from rasterio.transform import Affine

from lczlib.analysis.heat.stations import read_stations
from lczlib.classes import CLASSES
from lczlib.errors import ClassSchemeError, InputError, WeightsError
from lczlib.grid import row_cell_areas
from lczlib.map_doubts import doubts
from lczlib.maps import open_lcz_map
from lczlib.models import Weights
from lczlib.models.parameters import try_out
from lczlib.reading import readings


def test_colours_of_two_exchanged_classes_are_refused_with_the_legend(write_tif):
    codes = np.repeat(np.arange(1, 18, dtype=np.uint8), 20)[None].repeat(20, 0)
    path = write_tif(codes, pixel=100.0)
    right = {c.number: (*c.rgb, 255) for c in CLASSES}
    with rasterio.open(path, "r+") as dst:
        dst.write_colormap(1, right | {14: right[17], 17: right[14]})
    with pytest.raises(ClassSchemeError, match=r"14=G.*17=D"):
        open_lcz_map(path)


@pytest.mark.parametrize(
    ("crs", "affine", "expected"),
    [
        ("EPSG:32633", Affine(100, 0, 384000, 0, -100, 5820000), 10_000),
        ("EPSG:32633", Affine(90, 43, 384000, 43, -90, 5820000), 9_949),
        ("EPSG:3857", Affine(100, 0, 1492000, 0, -100, 6894000), 3_700),
    ],
)
def test_areas_are_those_of_the_ground(crs, affine, expected):
    areas = row_cell_areas(GeoBox((12, 17), affine, crs))
    assert areas == pytest.approx(np.full(12, expected), rel=0.01)


def test_land_cover_that_has_a_17_is_doubted():
    codes = xr.DataArray(
        np.tile(np.array([1, 2, 12, 13, 16, 17], np.uint8), (30, 5)), dims=("y", "x")
    )
    assert any("none of the classes A and D" in text for text in doubts(codes, np.unique(codes)))


def record(step, minute=0, n=96):
    times = pd.date_range("2021-06-01", periods=n, freq=step) + pd.Timedelta(minutes=minute)
    rows = [
        {"time": t, "station": s, "temperature": 15 + i + 5 * np.sin(t.hour / 24 * 2 * np.pi) + 0.01 * k,
         "latitude": 52.5 + 0.01 * i, "longitude": 13.4}
        for i, s in enumerate("AB") for k, t in enumerate(times)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_observations_just_before_the_hour_are_of_that_hour(tmp_path):
    path = tmp_path / "metar.csv"
    record("1h", minute=53).to_csv(path, index=False)
    air = read_stations(path, time_zone="UTC", unit="degC").air
    assert air.index[0] == pd.Timestamp("2021-06-01T01:00Z")


def test_daily_values_are_no_record_of_hours(tmp_path):
    path = tmp_path / "daily.csv"
    record("1D").to_csv(path, index=False)
    with pytest.raises(InputError, match="a value each 1 days"):
        read_stations(path, time_zone="UTC", unit="degC")


def test_a_cloud_layer_that_is_not_used_is_told(write_tif):
    from lczlib.scenes import open_sentinel2
    from lczlib.scenes.bands import BANDS

    values = np.random.default_rng(0).integers(500, 3000, (11, 40, 40)).astype(np.uint16)
    path = write_tif(values, descriptions=(*BANDS, "SCL"))
    with readings() as heard:
        open_sentinel2(path)
    assert any("The band SCL" in text for r in heard for text in r.cautions)


def test_weights_that_tell_nothing_are_refused():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4 * 4, 17))
    for p in model.parameters():
        torch.nn.init.zeros_(p)
    with pytest.raises(WeightsError, match="the same probability"):
        try_out(
            model, Weights("empty", "sen2lcz", "s2", ("B02",), patch_size=4), "empty.safetensors"
        )
