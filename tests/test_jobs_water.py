"""Surface water is one job: command line, library and dashboard say the same, to the last digit."""

from __future__ import annotations

import gc
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from synthetic_water import backscatter, lake
from typer.testing import CliRunner

from lczlib.cli import app
from lczlib.errors import Cancelled, InputError
from lczlib.export import sha256_of, write_json, write_raster
from lczlib.jobs.water import WaterRequest, run
from lczlib.mapping import water as network
from lczlib.study import Study
from lczlib.study.document import tables_of

BOX = GeoBox((70, 80), Affine(10, 0, 500_000, 0, -10, 3_500_000), "EPSG:32650")
DAYS = ("2020-01-05", "2020-01-20", "2020-03-02", "2021-01-09", "2021-03-11", "2021-04-01")
IN_UNITS = {
    "db": lambda db: db,
    "linear": lambda db: 10 ** (db / 10),
    "amplitude": lambda db: 10 ** (db / 20),
}


@pytest.fixture(autouse=True, scope="module")
def weights(shared: Path, weights_cache: Path):
    """The published networks, each loaded once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCZLIB_MIRROR", str(shared / "mirror"))
        patch.setenv("LCZLIB_CACHE", str(weights_cache))
        patch.setattr(network, "load_water_model", cache(network.load_water_model))
        yield


def scene_file(folder: Path, name: str, seed: int, *, radius: float = 20, units: str = "db",
               dn_scale: float = 1.0, names: tuple[str, ...] = ("VV", "VH")) -> Path:  # fmt: skip
    db = backscatter(lake(radius, BOX, seed), seed, BOX)
    if len(names) == 4:
        db = xr.concat([db, backscatter(lake(radius, BOX, seed), seed + 50, BOX)], "band")
    values = (IN_UNITS[units](db) * dn_scale).astype(np.float32)
    return write_raster(folder / f"{name}.tif", values, descriptions=names)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, object]:
    """What can be told of water: how many scenes, how they are stored and dated, how they are cut."""
    n = draw(st.sampled_from((1, 2, len(DAYS))))
    days = draw(st.permutations(DAYS[:n]))
    stated = draw(st.booleans()) and n > 1
    return {
        "days": days, "stated": stated,
        "seeds": [draw(st.integers(0, 99)) for _ in days], "radii": [draw(st.integers(8, 30)) for _ in days],
        "orbit": draw(st.sampled_from(("as", "des"))),
        "threshold": draw(st.floats(0.1, 0.9).map(lambda v: round(v, 3))),
        "edges": draw(st.sampled_from(("mirror", "zero"))),
        "units": draw(st.sampled_from((*IN_UNITS,))), "dn_scale": draw(st.sampled_from((1.0, 100.0))),
    }  # fmt: skip


@given(drawn=requests())
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_command_line_library_and_dashboard_say_the_same(tmp_path_factory, drawn):
    folder = tmp_path_factory.mktemp("water")
    stored = {name: drawn[name] for name in ("units", "dn_scale")}
    files = [
        scene_file(
            folder, f"s{i}" if drawn["stated"] else f"S1_{day}", seed, radius=radius, **stored
        )
        for i, (day, seed, radius) in enumerate(
            zip(drawn["days"], drawn["seeds"], drawn["radii"], strict=True)
        )
    ]
    told = {n: drawn[n] for n in ("orbit", "threshold", "edges", *stored)}
    dates = tuple(drawn["days"]) if drawn["stated"] else ()
    line = [w for n, v in told.items() for w in (f"--{n.replace('_', '-')}", str(v))]
    line += [w for day in dates for w in ("--date", day)]
    done = CliRunner().invoke(app, ["water", *map(str, files), *line, "--out", str(folder / "cli")])
    assert done.exit_code == 0, done.output
    result = run(WaterRequest(inputs=tuple(files), dates=dates, **told))
    result.write(folder / "library", figures=False)

    by_command, by_library = folder / "cli", folder / "library"
    names = {p.name for p in by_command.iterdir()} - {"manifest.json"}
    assert names == {p.name for p in by_library.iterdir()} - {"manifest.json"}
    read = [json.loads((p / "water.json").read_text())["read"] for p in (by_command, by_library)]
    assert read[0] == read[1] != []
    for name in names - {"water.json"}:
        assert sha256_of(by_command / name) == sha256_of(by_library / name), name
    document = said(by_command)
    assert document == said(by_library)

    study = Study(folder / "work", folder / "store")
    study.param.update(
        city="own", water_files=tuple(map(str, files)), water_dates=",".join(dates),
        **{f"water_{n}": v for n, v in told.items()},
    )  # fmt: skip
    for step in ("scene", "water", "water_summary"):
        study.compute(step)
    shown = json.loads(
        write_json(folder / "shown.json", study.water_summary.result.document()).read_text()
    )
    shown["scenes"].sort(key=lambda s: [f.name for f in files].index(s["input"]))  # shown by date
    assert shown == document
    table = tables_of(study)["water_area"]
    rows = document["series"]["months"] if "series" in document else document["scenes"]
    assert list(table["area_km2"]) == [r["area_km2"] for r in rows]
    assert [*zip(table["ci_low_km2"], table["ci_high_km2"], strict=True)] == [
        tuple(r["area_km2_ci"]) for r in rows
    ]
    # the area is that of the file's own cells
    for row in document["scenes"]:
        with rasterio.open(by_command / row["water"]) as src:
            assert (src.read(1) == 1).sum() * 1e-4 == pytest.approx(
                row["area_km2"], rel=1e-3, abs=1e-9
            )


def said(folder: Path) -> dict[str, object]:
    document = json.loads((folder / "water.json").read_text())
    document.pop("read")
    return document


def test_the_radar_scene_of_a_place_goes_the_same_way(tmp_path):
    path = scene_file(tmp_path, "S1_2020-05", 3)
    result = run(WaterRequest(inputs=path, orbit="des", edges="zero", threshold=0.3))
    study = Study(tmp_path / "work", tmp_path / "store")
    study.param.update(
        city="own", radar_files=(str(path),), water_orbit="des", water_edges="zero", water_threshold=0.3,
        water_units="linear", water_dn_scale=100.0,  # of own scenes: this one is in dB already
    )  # fmt: skip
    for step in ("scene", "water", "water_summary"):
        study.compute(step)
    assert study.read["water"] == ()  # the file was told when it was opened
    xr.testing.assert_equal(study.water_summary.area, result.scenes[0].area)
    np.testing.assert_array_equal(study.water.probability, result.probability)
    (source,) = study.water.request.inputs
    assert not isinstance(source, (str, Path))


def test_another_threshold_needs_no_network(tmp_path, monkeypatch):
    files = [scene_file(tmp_path, f"S1_{day}", i) for i, day in enumerate(DAYS[:3])]
    direct = run(WaterRequest(inputs=files, orbit="as", threshold=0.7))
    first = run(WaterRequest(inputs=files, orbit="as"))
    monkeypatch.setattr(network, "load_water_model", None)
    assert first.at(0.7).document() == direct.document() != first.document()
    assert first.at(0.5) is first


def test_a_result_is_looked_at_as_table_and_sentence(tmp_path):
    files = [scene_file(tmp_path, f"S1_{day}", i) for i, day in enumerate(DAYS)]
    result = run(WaterRequest(inputs=files, orbit="as"))
    assert list(result.to_dataframe().index) == result.series.months
    assert "95% intervals" in repr(result)
    assert "km² a year" in repr(result)
    assert "<table" in result._repr_html_()
    assert result.probability.chunks is not None  # read from its files when it is needed
    alone = run(WaterRequest(inputs=files[0], orbit="as"))
    assert list(alone.to_dataframe().index) == ["S1_2020-01-05.tif"]
    assert "S1_2020-01-05.tif" in alone.headline()


def test_layers_stay_as_long_as_they_are_used_and_leave_nothing(tmp_path):
    scratch = tmp_path / "scratch"
    result = run(WaterRequest(inputs=scene_file(tmp_path, "s", 1), orbit="as"), scratch=scratch)
    kept = result.probability.isel(y=slice(5))
    del result
    gc.collect()
    assert np.isfinite(kept.values).all()
    assert len(list(scratch.iterdir())) == 1
    del kept
    gc.collect()
    assert not list(scratch.iterdir())


def test_a_stopped_run_leaves_nothing(tmp_path):
    scratch, seen = tmp_path / "scratch", []
    request = WaterRequest(inputs=[scene_file(tmp_path, f"s{i}", i) for i in (1, 2)], orbit="as")
    with pytest.raises(Cancelled):
        run(
            request, scratch=scratch, progress=lambda *step: seen.append(step),
            cancelled=lambda: any(done for _, done, _ in seen),
        )  # fmt: skip
    assert seen[-1] == ("s1", 1, 2)
    assert not list(scratch.iterdir())


def test_a_rerun_of_a_manifest_gives_the_same_files(tmp_path):
    up = [
        scene_file(tmp_path, f"up_{d}", i, names=("VV_as", "VH_as")) for i, d in enumerate(DAYS[:2])
    ]
    down = [scene_file(tmp_path, f"down{i}", i, names=("VV_des", "VH_des")) for i in (7, 8)]
    line = [w for p in down for w in ("--des", str(p))]
    line += [w for d in DAYS[2:4] for w in ("--date", d)]
    first, again = tmp_path / "first", tmp_path / "again"
    done = CliRunner().invoke(app, [
        "water", *map(str, up), *line, "--orbit", "as_des", "--edges", "zero", "--threshold", "0.4",
        "--out", str(first),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(app, ["rerun", str(first), "--out", str(again)])
    assert done.exit_code == 0, done.output
    a, b = (json.loads((p / "manifest.json").read_text()) for p in (first, again))
    assert a["outputs"] == b["outputs"]
    assert a["parameters"] == b["parameters"]
    assert a["weights"] == b["weights"]
    assert len(a["inputs"]) == 4
    assert not list(first.glob("*.png"))
    assert said(first)["scenes"][0]["date"] == DAYS[2]


def test_stacked_passes_are_the_same_from_files_and_open(tmp_path):
    stacked = scene_file(tmp_path, "both", 4, names=("VV_as", "VH_as", "VV_des", "VH_des"))
    by_file = run(WaterRequest(inputs=stacked, orbit="as_des"))
    opened = by_file.scenes[0].backscatter.compute()
    by_scene = run(WaterRequest(inputs=(opened, opened), orbit="as_des"))
    assert [s.name for s in by_scene.scenes] == ["scene_1", "scene_2"]
    for scene in by_scene.scenes:
        np.testing.assert_array_equal(scene.probability, by_file.probability)
    by_scene.write(tmp_path / "out", figures=False)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["parameters"]["inputs"] == [None, None]
    with pytest.raises(InputError, match="no series"):
        _ = by_scene.probability


@pytest.mark.parametrize(
    ("told", "parameter"),
    [
        ({"orbit": "up"}, "orbit"), ({"threshold": 0.0}, "threshold"), ({"threshold": 1.0}, "threshold"),
        ({"edges": "wrap"}, "edges"), ({"dn_scale": 0.0}, "dn_scale"), ({"units": "watt"}, "units"),
        ({"dates": ("May",)}, "dates"), ({"dates": ("2020-01-01",) * 2}, "dates"),
        ({"descending": ("b.tif",)}, "descending"), ({"device": "gpu"}, "device"),
        ({"inputs": ("a/x.tif", "a/x.tif")}, "inputs"), ({"inputs": ("1/a/x.tif", "2/a/x.tif")}, "inputs"),
        ({"orbit": "as_des", "descending": (xr.DataArray(),)}, "descending"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_names_the_setting(told, parameter):
    with pytest.raises(InputError) as stop:
        WaterRequest(**({"inputs": "a.tif", "orbit": "as"} | told))
    assert stop.value.parameter == parameter


@pytest.mark.parametrize(
    ("units", "dn_scale", "names", "told", "parameter"),
    [
        ("linear", 1.0, ("VV", "VH"), {}, "units"),
        ("db", 1.0, ("VV", "VH"), {"units": "linear"}, "units"),
        ("amplitude", 1.0, ("VV", "VH"), {"units": "linear"}, "units"),
        ("db", 100.0, ("VV", "VH"), {}, "dn_scale"),
        ("db", 1.0, ("VV", "VH"), {"dn_scale": 1000.0}, "dn_scale"),
        ("db", 1.0, ("VV_des", "VH_des"), {}, "orbit"),
        ("db", 1.0, ("VV", "VH"), {"orbit": "as_des"}, "orbit"),
        ("db", 1.0, ("VV", "HH"), {}, "inputs"),
    ],
)  # fmt: skip
def test_a_scene_that_cannot_be_mapped_names_the_setting(
    tmp_path, units, dn_scale, names, told, parameter
):
    path = scene_file(tmp_path, "s", 5, units=units, dn_scale=dn_scale, names=names)
    with pytest.raises(InputError) as stop:
        run(WaterRequest(**({"inputs": path, "orbit": "as"} | told)))
    assert stop.value.parameter == parameter


def test_dates_that_are_stated_serve_nameless_files(tmp_path):
    files = tuple(str(scene_file(tmp_path, name, i)) for i, name in enumerate(("x", "y")))
    study = Study(tmp_path / "work", tmp_path / "store")
    study.param.update(city="own", water_files=files)
    study.compute("scene")
    with pytest.raises(InputError, match=r"x\.tif has no date"):
        study.compute("water")
    study.water_dates = "2020-02-01, 2020-01-01"
    study.compute("water")
    assert [s.name for s in study.water.scenes] == ["y", "x"]
    assert study.water.series.months == ["2020-01", "2020-02"]


def test_every_setting_of_water_says_what_it_means_and_stands_on_its_page():
    from app.pages import water as page
    from lczlib.study.water_inputs import WATER_INPUTS, WaterInputs

    shown = {*page.OF_FILES, "water_orbit", "water_edges"}
    assert shown | {n for n in WATER_INPUTS if n.endswith("_files")} == set(WATER_INPUTS)
    assert all(WaterInputs.param[n].doc for n in (*WATER_INPUTS, "water_threshold"))
