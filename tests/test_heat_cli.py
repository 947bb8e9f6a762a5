"""``lcz uhi``, ``lcz sites`` and ``lcz morphology`` as a user runs them, and the figures they draw."""

from __future__ import annotations

import json
import subprocess
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from odc.geo.geobox import GeoBox

from lczlib.analysis.heat import surface_heat_island
from lczlib.cli import main
from lczlib.grid import on_grid
from lczlib.maps import lcz_map, open_lcz_map


@pytest.fixture
def lcz_command(monkeypatch, capsys):
    """Run the command line; returns exit status, standard output and standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lcz", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, " ".join(captured.err.split())

    return run


@pytest.fixture
def files(write_tif):
    """Synthetic: an LCZ map of squares of 2, 6, D and A, and its temperature in degC."""
    rng = np.random.default_rng(0)
    squares = rng.choice(np.array([2, 6, 14, 11], np.uint8), (12, 12))
    codes = np.kron(squares, np.ones((10, 10), np.uint8))
    level = np.zeros(18)
    level[[2, 6, 14, 11]] = 24, 22, 20, 17
    celsius = (level[codes] + 0.3 * rng.standard_normal(codes.shape)).astype(np.float32)
    lcz = write_tif(codes, "lcz.tif", pixel=100.0, nodata=0)
    return lcz, write_tif(celsius, "lst.tif", pixel=100.0, tags={"units": "degC"})


@pytest.fixture
def network(tmp_path):
    """Synthetic: a month of hourly air temperature at four stations in D and three in LCZ 2."""
    rng = np.random.default_rng(0)
    times = pd.date_range("2021-06-01", periods=24 * 30, freq="h")
    zones = {f"d{i}": "D" for i in range(4)} | {f"c{i}": "2" for i in range(3)}
    wave = 18 + 6 * np.sin((times.hour.to_numpy() - 9) / 12 * np.pi)
    rows = [
        pd.DataFrame({
            "time": times, "station": name, "airT": wave + (zone == "2") + rng.normal(0, 0.2, len(times)),
            "lat": 52.5, "lon": 13.3 + 0.01 * i,
        })
        for i, (name, zone) in enumerate(zones.items())
    ]  # fmt: skip
    pd.concat(rows).to_csv(tmp_path / "air.csv", index=False)
    pd.Series(zones, name="lcz").rename_axis("station").to_csv(tmp_path / "classes.csv")
    return tmp_path / "air.csv", tmp_path / "classes.csv"


def test_surface_result_keeps_its_contract(lcz_command, files, tmp_path):
    lcz, lst = files
    code, out, _ = lcz_command("uhi", lcz, "--lst", lst, "--out", tmp_path / "out")
    assert code == 0
    assert "Surface heat island" in out
    assert "0 implausible" in out
    result = json.loads((tmp_path / "out/heat_island.json").read_text())
    assert (result["kind"], result["reference"]) == ("surface", "LCZ D")
    rows = {row["lcz"]: row for row in result["classes"]}
    assert rows[2]["difference"] == pytest.approx(4.0, abs=0.1)
    assert rows[2]["difference_ci"][0] < rows[2]["difference"] < rows[2]["difference_ci"][1]
    assert {"n_pixels", "mean", "median", "n_patches", "area_km2"} <= rows[2].keys()
    assert result["options"]["interior"] == 1
    assert result["measures"]["urban_rural"]["difference_ci"]
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert {
        "classes.csv",
        "pairs.csv",
        "profile.csv",
        "difference.tif",
        "getis_ord.tif",
        "utfvi.tif",
    } <= names
    assert {"classes.png", "ranked.png", "difference.png"} <= names
    with rasterio.open(tmp_path / "out/difference.tif") as layer, rasterio.open(lst) as given:
        np.testing.assert_allclose(
            layer.read(1) + result["reference_temperature"], given.read(1), atol=1e-3
        )


def test_interior_and_statistic_are_options(lcz_command, files, tmp_path):
    lcz, lst = files
    code, _, _ = lcz_command(
        "uhi",
        lcz,
        "--lst",
        lst,
        "--interior",
        0,
        "--statistic",
        "mean",
        "--no-figures",
        "--out",
        tmp_path / "out",
    )
    assert code == 0
    result = json.loads((tmp_path / "out/heat_island.json").read_text())
    codes = open_lcz_map(lcz).data
    with rasterio.open(lst) as given:
        celsius = given.read(1).astype(float)
    rows = {row["lcz"]: row for row in result["classes"]}
    assert rows[6]["n_pixels"] == (codes == 6).sum()
    expected = celsius[codes == 6].mean() - celsius[codes == 14].mean()
    assert rows[6]["difference"] == pytest.approx(expected, abs=1e-3)
    assert not list((tmp_path / "out").glob("*.png"))


def test_dates_make_composites_day_and_night_apart(lcz_command, files, tmp_path):
    lcz, lst = files
    times = ("2023-07-01T10:00", "2023-07-09T10:00", "2023-07-17T10:00", "2023-07-17T22:00")
    arguments = [a for t in times for a in ("--lst", lst, "--time", t)]
    code, _, _ = lcz_command("uhi", lcz, *arguments, "--no-figures", "--out", tmp_path / "out")
    assert code == 0
    day = json.loads((tmp_path / "out/heat_island.json").read_text())
    night = json.loads((tmp_path / "out/heat_island_night.json").read_text())
    assert (day["overpass"], night["overpass"]) == ("day", "night")
    assert len(day["dates"]) == len(day["scenes"]) == 3
    with rasterio.open(tmp_path / "out/persistence.tif") as layer:
        share = layer.read(1)
    assert share[open_lcz_map(lcz).data == 2].mean() > 0.9


def test_hong_kong_from_level_1_numbers(lcz_command, shared, tmp_path):
    code, out, _ = lcz_command(
        "uhi", shared / "mirror/prd_lcz_2020.zip/tiff/prd_lcz_v0817c.tif",
        "--lst", shared / "data/hong_kong/LC81220442014288LGN00_B1-7_B10_B11_100m.tif",
        "--kind", "landsat-l1", "--band", "B10", "--radiance-mult", 3.342e-4, "--radiance-add", 0.1,
        "--k1", 774.8853, "--k2", 1321.0789, "--resample", "nearest", "--plausible", 0, 85,
        "--interior", 0, "--no-figures", "--out", tmp_path,
    )  # fmt: skip
    assert code == 0
    assert "569 implausible" in " ".join(out.split())
    result = json.loads((tmp_path / "heat_island.json").read_text())
    assert result["reference_temperature"] == pytest.approx(23.39, abs=0.02)
    assert result["quantity"] == "brightness temperature"
    rows = {row["lcz"]: row["difference"] for row in result["classes"]}
    assert rows[8] == pytest.approx(2.71, abs=0.02)


def test_canopy_result_keeps_its_contract(lcz_command, network, tmp_path):
    stations, classes = network
    code, out, _ = lcz_command(
        "uhi",
        "--stations",
        stations,
        "--station-classes",
        classes,
        "--time-zone",
        "UTC",
        "--out",
        tmp_path / "out",
    )
    assert code == 0
    assert "Canopy layer heat island" in out
    assert "mean (95%)" in out
    assert "95% interval" in out.partition("Largest hourly difference")[2]
    result = json.loads((tmp_path / "out/heat_island.json").read_text())
    assert (result["kind"], result["reference"]) == ("canopy", "LCZ D")
    row = next(r for r in result["classes"] if r["lcz"] == 2)
    assert row["n_stations"] == 3
    assert row["difference_ci"][0] < row["difference"] < row["difference_ci"][1]
    assert result["quality_control"]["levels"] == ["duplicates", "correlation"]
    assert len(pd.read_csv(tmp_path / "out/stations.csv")) == 7
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert {
        "diurnal.png",
        "ranked.png",
        "stations_all.png",
        "stations_nights.png",
        "hour_month_lcz_2.png",
    } <= names
    assert (tmp_path / "out/diurnal.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "give --lst"),
        (("--lst", "LST", "--stations", "LST"), "one of the three"),
        (("--lst", "LST", "--air", "LST"), "one of the three"),
        (("--air", "LST", "--kind", "modis"), "not to --air"),
        (("--lst", "LST", "--k1", "774"), "needs all four"),
        (("--lst", "LST", "--lst", "LST", "--time", "2023-07-01T10:00"), "1 acquisition times"),
    ],
)
def test_options_that_contradict_are_usage_errors(lcz_command, files, arguments, sentence):
    lcz, lst = files
    code, _, err = lcz_command("uhi", lcz, *({"LST": lst}.get(a, a) for a in arguments))
    assert code == 2
    assert "Usage" in err
    assert sentence in err
    assert "needs an LCZ map" in lcz_command("uhi", "--lst", lst)[2]


def test_the_two_heat_islands_are_not_mixed_in_one_folder(lcz_command, files, tmp_path):
    lcz, lst = files
    (tmp_path / "heat_island.json").write_text('{"kind": "canopy"}')
    code, _, err = lcz_command("uhi", lcz, "--lst", lst, "--no-figures", "--out", tmp_path)
    assert code == 1
    assert "holds a canopy heat island" in err
    assert [p.name for p in tmp_path.glob("*.json")] == ["heat_island.json"]


def test_class_codes_as_fractions_are_refused(lcz_command, files, write_tif, tmp_path):
    smeared = write_tif(np.full((120, 120), 6.5, np.float32), "smeared.tif", pixel=100.0)
    code, _, err = lcz_command("uhi", smeared, "--lst", files[1], "--out", tmp_path / "out")
    assert code == 1
    assert "resample it with nearest or mode" in err


def test_sites_and_morphology_are_written(lcz_command, files, tmp_path):
    code, out, _ = lcz_command(
        "sites", files[0], "--sensors", 12, "--border-distance", 150, "--out", tmp_path / "net"
    )
    assert code == 0
    sites = gpd.read_file(tmp_path / "net/sensor_sites.gpkg")
    assert len(sites) == 12
    told = json.loads((tmp_path / "net/sensor_sites.json").read_text())
    assert (told["n_wanted"], told["n_sensors"], told["spacing_m"]) == (12, 12, 500)
    assert told["closest_two_m"] >= 500
    assert f"The closest two are {told['closest_two_m']:,.0f} m apart (at least 500)" in out
    code, out, err = lcz_command(
        "sites", files[0], "--sensors", 60, "--spacing", 2000, "--border-distance", 150,
        "--out", tmp_path / "few",
    )  # fmt: skip
    told = json.loads((tmp_path / "few/sensor_sites.json").read_text())
    assert told["n_sensors"] < 60
    assert told["closest_two_m"] >= 2000
    assert f"there is room for {told['n_sensors']} of 60 sensors" in err
    assert set(sites["lcz"]) == {2, 6, 11, 14}
    code, out, _ = lcz_command(
        "morphology", files[0], "--parameter", "height", "--out", tmp_path / "form"
    )
    assert code == 0
    assert "LCZ  D" in out
    assert pd.read_csv(tmp_path / "form/morphology.csv")["area_km2"].sum() == pytest.approx(144.0)
    with rasterio.open(tmp_path / "form/height.tif") as layer:
        names = ("height min", "height max", "height middle", "height central")
        assert layer.descriptions == names


def test_figures_draw_with_both_backends():
    import holoviews as hv

    from lczlib.figures import heat

    box = GeoBox.from_bbox((0, 0, 8000, 8000), "EPSG:32633", resolution=100)
    squares = np.random.default_rng(0).choice(np.array([2, 6, 14], np.uint8), (16, 16))
    codes = np.kron(squares, np.ones((5, 5), np.uint8))
    lcz = lcz_map(on_grid(codes, box))
    result = surface_heat_island(on_grid((20 + codes * -0.2).astype(np.float32), box), lcz)
    figures = [
        heat.class_boxes(result.classes, result.reference_temperature),
        heat.ranked_bars(result.classes),
        heat.difference_map(result.difference),
    ]
    for backend in ("matplotlib", "bokeh"):
        for figure in figures:
            assert hv.renderer(backend).get_plot(figure).state is not None


def test_importing_the_analysis_draws_in_no_heavy_package():
    heavy = ("torch", "holoviews", "matplotlib", "panel")
    code = (
        "import sys, lczlib.analysis.heat.canopy, lczlib.cli; "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_without_low_plants_there_are_no_differences_until_asked_for(
    lcz_command, files, write_tif, tmp_path
):
    lcz, lst = files
    codes = open_lcz_map(lcz).data
    scrub = write_tif(np.where(codes == 14, 13, codes), "scrub.tif", pixel=100.0, nodata=0)
    code, out, _ = lcz_command("uhi", scrub, "--lst", lst, "--out", tmp_path / "out")
    assert code == 0
    assert "ask for LCZ C in its place with --fallback" in " ".join(out.split())
    result = json.loads((tmp_path / "out/heat_island.json").read_text())
    assert result["reference"] is result["reference_temperature"] is None
    assert result["reference_note"].startswith("No differences: LCZ D has only 0 pixels")
    assert all(row["difference"] is None for row in result["classes"])
    assert {row["lcz"] for row in result["classes"] if row["median"] > 10} == {2, 6, 11, 13}
    assert (tmp_path / "out/classes.png").exists()
    assert not (tmp_path / "out/difference.tif").exists()
    code, out, _ = lcz_command(
        "uhi", scrub, "--lst", lst, "--fallback", "--no-figures", "--out", tmp_path / "asked"
    )
    assert code == 0
    result = json.loads((tmp_path / "asked/heat_island.json").read_text())
    assert result["reference"].startswith("LCZ C in place of LCZ D, because")
    rows = {row["lcz"]: row["difference"] for row in result["classes"]}
    assert rows[2] == pytest.approx(4.0, abs=0.1)
    assert result["reference_minus_lcz_d"] is None


def test_the_bias_of_another_reference_against_low_plants_is_printed(lcz_command, files, tmp_path):
    lcz, lst = files
    code, out, _ = lcz_command(
        "uhi", lcz, "--lst", lst, "--reference", "A", "--no-figures", "--out", tmp_path / "out"
    )
    assert code == 0
    assert "LCZ A is -3.0" in out
    assert "against LCZ D" in " ".join(out.split())
    result = json.loads((tmp_path / "out/heat_island.json").read_text())
    assert result["reference_minus_lcz_d"] == pytest.approx(-3.0, abs=0.1)


def test_stations_without_low_plants_give_temperatures(lcz_command, network, tmp_path):
    stations, classes = network
    classes.write_text(classes.read_text().replace(",D", ",B"))
    arguments = ("--stations", stations, "--station-classes", classes, "--time-zone", "UTC")
    code, out, _ = lcz_command("uhi", *arguments, "--out", tmp_path / "out")
    assert code == 0
    assert "No differences: LCZ D has no station" in " ".join(out.split())
    result = json.loads((tmp_path / "out/heat_island.json").read_text())
    assert result["reference"] is None
    assert [row["difference"] for row in result["classes"]] == [None, None]
    assert all(10 < row["mean"] < 30 for row in result["classes"])
