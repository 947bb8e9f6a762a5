"""Many dates: means of a season, trends and heat waves, on simulated dates of known effects."""

from __future__ import annotations

import dataclasses
import json
import sys

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from odc.geo.geobox import GeoBox

import lczlib
from lczlib.analysis.heat.dates import Season, When
from lczlib.analysis.heat.heat_waves import heat_wave_days, read_maxima
from lczlib.analysis.heat.intervals import KeptGrids
from lczlib.analysis.heat.patches import runs_in_patches
from lczlib.analysis.heat.reference import Reference
from lczlib.analysis.heat.series import date_levels, median_composite
from lczlib.classes import CLASSES
from lczlib.cli import console, main
from lczlib.errors import InputError
from lczlib.export.geotiff import write_raster
from lczlib.figures.heat import diurnal_cycle
from lczlib.figures.heat_dates import dates_figure
from lczlib.grid import on_grid
from lczlib.jobs.heat_dates import season_heads, season_notes, season_rows, season_title
from lczlib.maps import lcz_map

SIZE = 60
BOX = GeoBox.from_bbox((380_000, 5_800_000, 386_000, 5_806_000), "EPSG:32633", resolution=100)
TRUTH = {2: 3.0, 6: 1.0, 14: 0.0}


@pytest.fixture(scope="module")
def codes():
    """Squares of 500 m of three classes."""
    drawn = np.random.default_rng(2).permuted(np.resize([2, 6, 14], (12, 12)))
    return np.kron(drawn, np.ones((5, 5), int)).astype(np.uint8)


def scene(codes, rng, common=0.0, own=0.0, noise=0.3, shared=0.0):
    """Temperatures of a date: `common` to all classes, `own` of LCZ 2, a field that dates share."""
    level = np.zeros(18)
    level[list(TRUTH)] = list(TRUTH.values())
    level[2] += own
    celsius = 20 + common + level[codes] + shared + noise * rng.standard_normal(codes.shape)
    found = on_grid(celsius.astype(np.float32), BOX)
    found.attrs["units"] = "degC"
    return found


def heat(codes, scenes, days, **more):
    found = lczlib.surface_heat(
        lcz_map(on_grid(codes, BOX)), scenes, time=[f"{d}T10:00" for d in days], measures=(), **more
    )
    return found


def when_of(days, hot=None):
    hot = np.full(len(days), np.nan) if hot is None else np.array(hot, float)
    return When(np.array(days, "datetime64[D]"), hot)


def test_december_is_of_the_winter_of_the_year_after():
    when = when_of(["2020-12-01", "2021-02-28", "2021-03-01", "2021-08-31", "2021-11-30"])
    assert when.seasons.tolist() == ["DJF", "DJF", "MAM", "JJA", "SON"]
    assert when.years.tolist() == [2021, 2021, 2021, 2021, 2021]


def test_dates_of_a_week_are_one_spell_and_a_heat_wave_ends_it():
    days = ["2021-07-20", "2021-07-01", "2021-07-07", "2021-07-08"]
    assert when_of(days).spells.tolist() == [2, 0, 0, 1]
    assert when_of(days, [0, 0, 1, 1]).spells.tolist() == [2, 0, 1, 1]


@pytest.mark.slow
def test_seasons_stand_apart_and_are_the_means_of_their_dates(codes):
    rng = np.random.default_rng(0)
    days = ["2021-06-01", "2021-07-01", "2021-08-01", "2021-01-01", "2021-02-01", "2021-10-01"]
    own = [1.0, 2.0, 3.0, -4.0, -4.0, 0.0]
    scenes = [scene(codes, rng, 5 * rng.standard_normal(), more) for more in own]
    found = heat(codes, scenes, days).main
    assert [s.name for s in found.seasons] == ["DJF", "JJA"]
    winter, summer = (s.classes for s in found.seasons)
    assert summer.loc[2, "difference"] == pytest.approx(TRUTH[2] + 2, abs=0.1)
    assert winter.loc[2, "difference"] == pytest.approx(TRUTH[2] - 4, abs=0.1)
    dates = [d.classes.loc[2, "difference"] for d in found.dates]
    assert summer.loc[2, "difference"] == pytest.approx(np.mean(dates[:3]), abs=1e-9)
    assert summer.loc[2, "sd_of_dates"] == pytest.approx(np.std(dates[:3], ddof=1), rel=0.02)
    assert summer.loc[6, "sd_of_dates"] < 0.05
    assert summer.loc[2, "ci_low"] < TRUTH[2] + 2 < summer.loc[2, "ci_high"]
    assert winter.loc[2, "note"] == "no interval: fewer than 3 dates a week apart"
    assert np.isnan(winter.loc[2, "ci_low"])
    for told in ("2 of December to February", "3 of June to August", "1 of September to November"):
        assert told in found.doubt


@pytest.mark.slow
def test_what_dates_share_does_not_average_out(codes):
    rng = np.random.default_rng(1)
    shared = np.kron(
        rng.standard_normal((12, 12)), np.ones((5, 5))
    )  # every square has its own level
    days = [f"20{y}-07-0{d}" for y in range(10, 16) for d in (1, 9)]
    scenes = [scene(codes, rng, shared=shared) for _ in days]
    rows = heat(codes, scenes, days).main.seasons[0].classes
    alone = np.std(shared) * np.sqrt(2 / 48)  # of 48 independent squares in each of two classes
    for number in (2, 6):
        half = (rows.loc[number, "ci_high"] - rows.loc[number, "ci_low"]) / 2
        assert half > 1.5 * alone  # twelve dates of the same squares tell no more than one
        assert abs(rows.loc[number, "difference"] - TRUTH[number]) < half
        assert rows.loc[number, "sd_of_dates"] < 0.1


@pytest.mark.slow
def test_a_pixel_that_clouds_hide_on_a_cold_date_is_no_warmer_for_that(codes):
    rng = np.random.default_rng(2)
    days = [f"2021-07-{d:02d}" for d in (1, 9, 17, 25)]
    common, scenes = (-12.0, -11.0, 0.0, 12.0), []
    for i, more in enumerate(common):
        one = scene(codes, rng, more)
        hidden = codes == 2 if i < 2 else codes == 0  # LCZ 2 is seen on the two warm dates
        one.data[hidden & (rng.random(codes.shape) < 0.9)] = np.nan
        scenes.append(one)
    result = heat(codes, scenes, days)
    assert result.method().count("brought to one level") == 1
    for row in (result.main.result.classes.loc[2], result.main.seasons[0].classes.loc[2]):
        assert row["difference"] == pytest.approx(TRUTH[2], abs=0.15)
        assert row["ci_low"] < TRUTH[2] < row["ci_high"]
        assert row["ci_high"] - row["ci_low"] < 0.6
    plain = np.nanmedian(result.main.stack, axis=0)
    apart = np.nanmedian(plain[codes == 2]) - np.nanmedian(plain[codes == 14])
    assert apart > 5  # as it would have been
    assert "one level" not in heat(codes, [scene(codes, rng) for _ in range(3)], days[:3]).method()


@pytest.mark.slow
def test_trends_and_heat_waves_are_found_where_they_are(codes, tmp_path):
    rng = np.random.default_rng(3)
    years, own, days = range(2008, 2020), [], []
    table = pd.DataFrame({"date": pd.date_range("2008-01-01", "2019-12-31"), "maximum": 24.0})
    for i, year in enumerate(years):
        for day, hot in ((5, False), (22, i % 2 == 0)):
            days.append(f"{year}-07-{day:02d}")
            own.append(0.15 * i + 1.0 * hot + 0.1 * rng.standard_normal())
            wave = table["date"].between(f"{year}-07-20", f"{year}-07-23") & hot
            table.loc[wave, "maximum"] = 35.0
    table.to_csv(tmp_path / "maxima.csv", index=False)
    scenes = [scene(codes, rng, rng.standard_normal(), more) for more in own]
    result = heat(codes, scenes, days, daily_maxima=tmp_path / "maxima.csv", heat_wave_threshold=30)
    row = result.main.seasons[0].classes
    assert row.loc[2, ["n_dates", "n_years", "n_heat_wave"]].tolist() == [24, 12, 6]
    assert row.loc[2, "trend_low"] < 1.5 < row.loc[2, "trend_high"] < 3.0
    assert row.loc[2, "trend_low"] > 0.5
    assert row.loc[2, "heat_wave_low"] < 1.0 < row.loc[2, "heat_wave_high"]
    assert row.loc[6, "trend_low"] < 0 < row.loc[6, "trend_high"]
    assert row.loc[6, "heat_wave_low"] < 0 < row.loc[6, "heat_wave_high"]
    said = result.document("day")["heat_waves"]
    assert (said["threshold"], said["days"]) == (30.0, 24)
    assert "WMO-No. 1310" in said["definition"]
    assert result.main.scenes[1]["heat_wave"] is True
    assert season_title(result.main.seasons[0]) == (
        "June to August: 24 dates of 12 years, 24 spells of weather"
    )


@pytest.mark.slow
def test_few_years_and_few_heat_waves_are_told(codes):
    rng = np.random.default_rng(4)
    days = ["2019-06-01", "2020-06-01", "2021-06-01", "2021-07-01"]
    season = heat(codes, [scene(codes, rng) for _ in days], days).main.seasons[0]
    assert season.classes[["trend", "heat_wave"]].isna().all(axis=None)
    assert season_notes(season) == ["No trend: that takes 5 years with a date, and there are 3."]
    assert [row[0] for row in season_rows(season)] == ["2", "6"]
    assert season_heads(season, "95%")[-1] == "spread of dates K"  # nothing is shown of the others
    assert {len(row) for row in season_rows(season)} == {5}


@pytest.mark.slow
def test_dates_without_a_time_are_not_put_into_seasons(codes):
    rng = np.random.default_rng(5)
    scenes = [scene(codes, rng) for _ in range(3)]
    found = lczlib.surface_heat(lcz_map(on_grid(codes, BOX)), scenes, measures=())
    assert found.main.seasons == ()
    assert "seasons cannot be kept apart: state it (--time" in lczlib.terms.worded(found.main.doubt)
    assert found.document("time not stated")["seasons"] == []
    dated = [
        s.assign_coords(time=np.datetime64(f"2021-0{m}-01T10:00"))
        for m, s in zip((6, 7, 8), scenes, strict=True)
    ]
    by_itself = lczlib.surface_heat(lcz_map(on_grid(codes, BOX)), dated, measures=())
    assert by_itself.main.name == "day"
    assert by_itself.main.seasons[0].n_spells == 3


@pytest.mark.slow
def test_a_date_under_clouds_is_left_out_and_not_the_end(codes):
    rng = np.random.default_rng(6)
    scenes = [scene(codes, rng) for _ in range(3)]
    scenes[1].data[codes == 6] = np.nan  # of the reference that is asked for nothing is left
    days = ["2021-06-01", "2021-07-01", "2021-08-01"]
    result = heat(codes, scenes, days, reference="6")
    assert result.main.dates[1] is None
    assert result.main.seasons[0].dates == (0, 2)
    told = result.document("day")["dates"]
    assert [len(date["classes"]) for date in told] == [3, 0, 3]
    assert result.main.persistence is not None


@pytest.mark.slow
def test_the_command_writes_and_prints_seasons_by_day_and_by_night(
    codes, tmp_path, monkeypatch, capsys
):
    rng = np.random.default_rng(7)
    write_raster(tmp_path / "lcz.tif", lcz_map(on_grid(codes, BOX)), nodata=0)
    words = []
    for month in (6, 7, 8):
        for clock, own in (("10:00", 0.0), ("01:00", -2.0)):
            name = f"lst_{month}{clock[:2]}.tif"
            write_raster(tmp_path / name, scene(codes, rng, own=own), tags={"units": "degC"})
            words += ["--lst", name, "--time", f"2021-0{month}-15T{clock}"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(console.out, "width", 200)
    monkeypatch.setattr(
        sys, "argv", ["lcz", "uhi", "lcz.tif", *words, "--measures", "utfvi", "--out", "out"]
    )
    with pytest.raises(SystemExit) as stop:
        main()
    printed = capsys.readouterr().out
    assert not stop.value.code
    day = json.loads((tmp_path / "out/heat_island.json").read_text())
    night = json.loads((tmp_path / "out/heat_island_night.json").read_text())
    assert [s["day"] for s in night["scenes"]] == ["2021-06-14", "2021-07-14", "2021-08-14"]
    for document, suffix, truth in ((day, "", 3.0), (night, "_night", 1.0)):
        (season,) = document["seasons"]
        row = next(r for r in season["classes"] if r["lcz"] == 2)
        assert (season["season"], season["n_dates"], row["trend_ci"]) == ("JJA", 3, None)
        assert row["difference"] == pytest.approx(truth, abs=0.2)
        table = pd.read_csv(tmp_path / f"out/seasons{suffix}.csv").set_index("lcz")
        assert table.loc[2, ["ci_low", "ci_high"]].tolist() == pytest.approx(
            row["difference_ci"], rel=1e-5
        )
        dates = pd.read_csv(tmp_path / f"out/dates{suffix}.csv")
        assert len(dates) == 9
        with rasterio.open(tmp_path / f"out/dates_JJA{suffix}.png") as figure:
            assert figure.read().std() > 10
        low, high = row["difference_ci"]
        assert f"{low:+.2f} to {high:+.2f}" in printed
    assert printed.count("June to August: 3 dates of 1 year, 3 spells of weather") == 2


def test_days_of_heat_waves_are_runs_above_the_threshold():
    days = pd.date_range("2021-07-01", periods=12)
    maxima = pd.Series([31, 31, 31, 20, 31, 31, 20, 31, 31, 31, 31, 30.0], days).drop(days[9])
    found, threshold = heat_wave_days(maxima, 30.0, 3)
    assert threshold == 30.0
    assert found.astype(int).tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]  # a gap ends one
    assert heat_wave_days(maxima, 30.0, 2)[0].sum() == 7
    assert heat_wave_days(maxima, None, 1)[1] == maxima.quantile(0.95)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("date,tmax\n2021-07-01,30\n", "must have the columns date and maximum"),
        ("date,maximum\n01.07.2021,30\n", "'01.07.2021' is no date: write them as 2021-07-01"),
        ("date,maximum\n2021-07-01,30\n2021-07-01,31\n", "gives 2021-07-01 twice"),
        ("date,maximum\n2021-07-01,30\n", "has 1 daily maxima: heat waves need at least 30"),
        (
            "date,maximum\n" + "".join(f"2021-07-{d:02d},303.1\n" for d in range(1, 32)),
            "303.1 is no air temperature in degC",
        ),
    ],
)
def test_tables_of_maxima_that_cannot_be_used_are_refused(text, told, tmp_path):
    path = tmp_path / "maxima.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        read_maxima(path)


def test_dates_with_gaps_are_brought_to_one_level():
    rng = np.random.default_rng(8)
    place, levels = rng.normal(0, 2, (50, 50)), np.array([-9.0, -1.0, 0.0, 4.0, 7.0])
    values = (place + levels[:, None, None] + 0.1 * rng.standard_normal((5, 50, 50))).astype("f4")
    whole = xr.DataArray(values, dims=("time", "y", "x"))
    assert not date_levels(whole).any()
    np.testing.assert_array_equal(median_composite(whole), np.median(values, axis=0))
    warm = xr.DataArray(rng.random((50, 50)) < 0.5, dims=("y", "x"))
    gaps = whole.where(
        ~warm | (xr.DataArray(np.arange(5), dims="time") > 1)
    )  # seen on the last three
    np.testing.assert_allclose(date_levels(gaps), levels, atol=0.05)
    np.testing.assert_allclose(median_composite(gaps), place, atol=0.4)
    cloudy = gaps.copy()
    cloudy[0] = np.nan
    np.testing.assert_allclose(np.diff(date_levels(cloudy)[1:]), np.diff(levels[1:]), atol=0.05)
    assert date_levels(cloudy)[0] == 0


def test_dates_that_see_the_same_pixels_share_their_covariances():
    codes = np.kron(np.resize([2, 14, 6], (4, 4)), np.ones((4, 4), int)).astype(np.uint8)
    keep, kept = np.ones(codes.shape, bool), KeptGrids()
    runs = runs_in_patches(codes, keep)
    first = kept.cuts_of(runs, 100.0, 5)
    again = kept.cuts_of(runs_in_patches(codes, keep), 100.0, 5)
    assert again is first
    assert again.covariances() is first.covariances()
    keep[:4] = False
    runs = runs_in_patches(codes, keep)
    other = kept.cuts_of(runs, 100.0, 5)
    assert other.parts[0].index.size == 12 * 16
    assert kept.cuts_of(runs, 90.0, 5).parts[0].side == 90.0 * 5
    assert kept.cuts_of(runs, 90.0, 6).parts[0].side == 90.0 * 6
    other_patches = dataclasses.replace(runs, patches=runs.patches + 1)
    assert kept.cuts_of(other_patches, 90.0, 6) is not kept.cuts_of(runs, 90.0, 6)


def many_classes():
    """A season of sixteen classes on eight dates, and a day of theirs."""
    numbers = [n for n in range(1, 18) if n != 14]
    days = pd.to_datetime([f"{year}-07-{day:02d}" for year in range(2015, 2019) for day in (1, 20)])
    by_date = pd.DataFrame(
        [(day, n, n / 10, i % 2) for n in numbers for i, day in enumerate(days)],
        columns=["day", "lcz", "difference", "heat_wave"],
    )
    table = pd.DataFrame({"difference": 1.0, "trend": np.nan, "note": ""}, index=numbers)
    hours = [(n, h, n / 10, n / 10 - 1, n / 10 + 1, 9) for n in numbers for h in range(24)]
    diurnal = pd.DataFrame(
        hours, columns=["lcz", "hour", "difference", "ci_low", "ci_high", "n_hours"]
    )
    years = (2015, 2016, 2017, 2018)
    low_plants = Reference((14,), "LCZ D")
    return Season("JJA", tuple(range(8)), low_plants, 8, years, table, by_date), diurnal


@pytest.mark.parametrize("of_day", [False, True])
def test_figures_of_many_classes_have_a_legend(of_day):
    season, diurnal = many_classes()
    figure = diurnal_cycle(diurnal) if of_day else dates_figure(season)
    drawn = hv.render(figure, backend="matplotlib").axes[0]
    named = [text.get_text() for text in drawn.get_legend().get_texts()]
    assert named == [CLASSES[n - 1].label for n in range(1, 18) if n != 14]
    colours = [line.get_color() for line in drawn.get_legend().get_lines()]
    assert colours == [CLASSES[n - 1].color for n in range(1, 18) if n != 14]
    assert drawn.get_ylabel() == "difference to the reference (K)"
    items = hv.render(figure, backend="bokeh").legend[0].items
    assert [item.label.value for item in items] == named
