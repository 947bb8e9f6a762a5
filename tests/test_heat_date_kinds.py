"""Dates that do not count as others do: against a stand-in, under clouds, of another place; open arrays of dates."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

import lczlib
from lczlib.analysis.heat.series import dates_apart
from lczlib.errors import InputError
from lczlib.export.geotiff import write_raster
from lczlib.figures.heat_dates import dates_figure
from lczlib.grid import on_grid
from lczlib.jobs.heat_arrays import each_date
from lczlib.jobs.heat_dates import season_title
from lczlib.maps import lcz_map

BOX = GeoBox.from_bbox((380_000, 5_800_000, 386_000, 5_806_000), "EPSG:32633", resolution=100)
LEVEL = {2: 3.0, 6: 1.0, 13: 0.8, 14: 0.0}
DAYS = [f"2021-{month:02d}-{day:02d}" for month in (6, 7, 8) for day in (2, 20)]


@pytest.fixture(scope="module")
def codes():
    """Squares of 500 m of four classes."""
    drawn = np.random.default_rng(2).permuted(np.resize(list(LEVEL), (12, 12)))
    return np.kron(drawn, np.ones((5, 5), int)).astype(np.uint8)


def scene(codes: np.ndarray, seed: int, common: float = 0.0) -> xr.DataArray:
    """Temperatures of a date."""
    level = np.zeros(18)
    level[list(LEVEL)] = list(LEVEL.values())
    noise = 0.3 * np.random.default_rng(seed).standard_normal(codes.shape)
    found = on_grid((20 + common + level[codes] + noise).astype(np.float32), BOX)
    return found.assign_attrs(units="degC")


def series(codes: np.ndarray, hidden: tuple[int, ...] = ()) -> list[xr.DataArray]:
    """Six dates; on the hidden ones clouds lie over all low plants."""
    dates = [scene(codes, i, common=i) for i in range(len(DAYS))]
    for i in hidden:
        dates[i].data[codes == 14] = np.nan
    return dates


def heat(codes, scenes, days=DAYS, **more):
    times = [f"{d}T10:00" for d in days]
    return lczlib.surface_heat(
        lcz_map(on_grid(codes, BOX)), scenes, time=times, measures=(), **more
    )


@pytest.mark.slow
def test_dates_against_a_stand_in_are_never_averaged_with_those_against_low_plants(codes, tmp_path):
    result = heat(codes, series(codes, hidden=(3, 4)), fallback=True)
    one = result.main
    usual, other = one.seasons
    assert (usual.dates, other.dates) == ((0, 1, 2, 5), (3, 4))
    assert usual.classes.loc[2, "difference"] == pytest.approx(3.0, abs=0.1)
    assert other.classes.loc[2, "difference"] == pytest.approx(2.2, abs=0.1)
    assert usual.classes.loc[2, "sd_of_dates"] < 0.1  # of dates of both kinds it would be 0.4
    assert other.classes["note"].to_dict()[13] == "reference"
    assert season_title(usual) == "June to August: 4 dates of 1 year, 4 spells of weather"
    assert season_title(other) == (
        "June to August, against LCZ C in place of LCZ D: 2 dates of 1 year, 2 spells of weather"
    )
    assert one.doubt == (
        "2 of 6 dates (2021-07-20, 2021-08-02) are compared with LCZ C in place of LCZ D, of which they show too "
        "little: never averaged with those against LCZ D, nor counted in how often a pixel is hot."
    )
    warm = one.persistence.to_numpy()[codes == 2]
    assert (warm[np.isfinite(warm)] == 1).all()
    assert (
        np.unique(one.persistence.to_numpy()[codes == 6]).size <= 5 + 1
    )  # quarters: of four dates
    result.write(tmp_path, figures=True)
    table = pd.read_csv(tmp_path / "seasons.csv")
    assert table.groupby("reference")["n_dates"].max().to_dict() == {
        "LCZ D": 4, "LCZ C in place of LCZ D": 2,
    }  # fmt: skip
    dates = pd.read_csv(tmp_path / "dates.csv")
    assert dates.groupby("reference")["day"].nunique().tolist() == [2, 4]
    document = json.loads((tmp_path / "heat_island.json").read_text())
    assert [s["reference"] for s in document["seasons"]] == ["LCZ D", "LCZ C in place of LCZ D"]
    assert document["dates_note"] == one.doubt
    assert {p.name for p in tmp_path.glob("dates_*.png")} == {
        "dates_JJA.png",
        "dates_JJA_LCZ_C.png",
    }
    assert dates_figure(other) is not None


@pytest.mark.slow
def test_dates_without_a_reference_are_named_and_in_no_row(codes):
    one = heat(codes, series(codes, hidden=(3, 4))).main
    (season,) = one.seasons
    assert season.dates == (0, 1, 2, 5)
    assert one.doubt == (
        "2 of 6 dates (2021-07-20, 2021-08-02) see too little of the zones or of the reference to be compared: they "
        "count in the median of all dates alone."
    )


@pytest.mark.slow
def test_a_date_wholly_under_clouds_is_left_out_by_name(codes, tmp_path, run_lcz):
    write_raster(tmp_path / "lcz.tif", lcz_map(on_grid(codes, BOX)), nodata=0)
    dates = xr.concat(series(codes)[:4], "band")
    times = [{"TIME": f"{day}T10:00:00Z"} for day in DAYS]
    dates[1] = np.nan
    dates[2].data[1:] = np.nan  # a strip is left, of all zones
    dates.attrs.clear()
    write_raster(tmp_path / "lst.tif", dates, unit="degC", band_tags=times[:4])
    told = ("uhi", tmp_path / "lcz.tif", "--lst", tmp_path / "lst.tif", "--measures", "utfvi")
    code, printed, err = run_lcz(*told, "--no-figures", "--out", tmp_path / "out")
    assert code == 0, err
    document = json.loads((tmp_path / "out/heat_island.json").read_text())
    assert [s["day"] for s in document["scenes"]] == [DAYS[0], DAYS[2], DAYS[3]]
    (left,) = document["left_out"]
    assert left["file"] == "lst.tif, band 2"
    assert "has no usable pixel" in left["why"]
    said = " ".join(printed.split())
    assert "1 date is left out for want of usable pixels: lst.tif, band 2." in said
    assert f"1 of 3 dates ({DAYS[2]}) sees too little of the zones or of the reference" in said
    rows = pd.DataFrame(document["seasons"][0]["classes"]).set_index("lcz")
    assert rows.loc[2, ["n_dates", "difference"]].tolist() == [2, pytest.approx(3.0, abs=0.1)]
    dates[:] = np.nan
    write_raster(tmp_path / "none.tif", dates, unit="degC", band_tags=times[:4])
    code, _, err = run_lcz(
        "uhi", tmp_path / "lcz.tif", "--lst", tmp_path / "none.tif", "--out", tmp_path / "no"
    )
    assert code == 1
    assert "has no usable pixel" in err
    assert not (tmp_path / "no/heat_island.json").exists()


def test_dates_that_share_no_pixel_with_others_are_told(codes):
    west, east, whole = (scene(codes, i, common) for i, common in enumerate((0.0, 9.0, 4.0)))
    west.data[:, 30:] = np.nan
    east.data[:, :30] = np.nan
    apart = xr.concat([west, west + 1, east], "time")
    assert dates_apart(apart).tolist() == [False, False, True]
    assert not dates_apart(xr.concat([west, east, whole], "time")).any()  # by way of the third
    empty = whole.where(whole > 1e9)
    assert not dates_apart(xr.concat([west, empty, whole], "time")).any()
    found = heat(codes, [west, west + 1, east], DAYS[:3]).main
    assert f"1 of 3 dates ({DAYS[2]}) sees no pixel that the others see" in found.doubt


@pytest.mark.slow
def test_an_open_array_of_dates_is_taken_lazily_with_its_times(codes):
    dated = [
        s.assign_coords(time=np.datetime64(f"{day}T10:00"))
        for s, day in zip(series(codes), DAYS, strict=True)
    ]
    whole = xr.concat(dated, "time").chunk(time=1)
    parts = each_date(whole)
    assert len(parts) == 6
    assert all(part.chunks is not None for part in parts)
    found = lczlib.surface_heat(lcz_map(on_grid(codes, BOX)), whole, measures=()).main
    assert [s["day"] for s in found.scenes] == DAYS
    same = lczlib.surface_heat(lcz_map(on_grid(codes, BOX)), dated, measures=()).main
    pd.testing.assert_frame_equal(found.seasons[0].classes, same.seasons[0].classes)
    (flat,) = each_date(whole.isel(time=[0]).rename(time="band"))
    assert flat.dims == ("y", "x")
    with pytest.raises(InputError, match=r"\(band: 6, y: 60, x: 60\) is no raster of temperatures"):
        each_date(whole.rename(time="band"))
