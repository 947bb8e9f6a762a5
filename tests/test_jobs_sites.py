"""Sensor sites and class properties: command line and library do one job."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from faces import by_command, patches, write_codes
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lczlib.analysis.heat.morphology import PARAMETERS, central_values, morphology_table
from lczlib.errors import InputError, LczError
from lczlib.export import sha256_of
from lczlib.jobs import morphology, sites
from lczlib.jobs.morphology import MorphologyRequest
from lczlib.jobs.request import Request
from lczlib.jobs.sites import SitesRequest
from lczlib.maps import open_lcz_map
from lczlib.terms import command_line, python, worded

SCHEMES = st.sampled_from(["1-17", "101-107", "0-16"])
JOBS = {SitesRequest: sites.run, MorphologyRequest: morphology.run}


def drawn_map(draw: st.DrawFn, folder: Path) -> dict[str, object]:
    """A small map, written into a folder, and how it is read."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    classes = draw(st.lists(st.integers(1, 17), min_size=1, max_size=5, unique=True))
    scheme = draw(SCHEMES)
    codes = np.kron(patches(rng, (12, 15), classes), np.ones((2, 2), int))
    path = write_codes(folder / "map.tif", codes, scheme)
    return {"map_path": path, "scheme": (draw(st.sampled_from(["", "map="])) + scheme,)}


@st.composite
def requests(draw: st.DrawFn, folder: Path) -> Request:
    """A request of one of the two jobs."""
    given_map = drawn_map(draw, folder)
    if draw(st.booleans()):
        names = st.lists(st.sampled_from(sorted(PARAMETERS)), min_size=1, max_size=3)
        return MorphologyRequest(**given_map, parameter=tuple(draw(names)))
    return SitesRequest(
        **given_map, sensors=draw(st.integers(1, 9)), seed=draw(st.integers(0, 9)),
        border_distance=draw(st.sampled_from([0.0, 120.0, 250.0])),
        spacing=draw(st.sampled_from([0.0, 500.0, 900.0])), with_water=draw(st.booleans()),
    )  # fmt: skip


def written(folder: Path) -> dict[str, object]:
    """What a folder's files hold, but for the manifest and the time of writing."""
    found = {}
    for path in folder.iterdir():
        if path.suffix == ".gpkg":
            found[path.name] = gpd.read_file(path).to_json()
        elif path.name != "manifest.json":
            found[path.name] = sha256_of(path)
    return found


@pytest.mark.filterwarnings("ignore::lczlib.reading.InputWarning")
@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(data=st.data())
def test_command_and_library_write_the_same(data):
    with TemporaryDirectory() as name:
        folder = Path(name)
        request = data.draw(requests(folder))
        run = JOBS[type(request)]
        try:
            found = run(request)
        except LczError:  # such as a map without room
            assert by_command(request, folder / "out", figures=False) == 1
            return
        assert by_command(request, folder / "out", figures=False) == 0
        mine = found.write(folder / "mine")
        assert written(mine) == written(folder / "out")
        told = [json.loads((f / "manifest.json").read_text()) for f in (mine, folder / "out")]
        for key in ("command", "parameters", "inputs", "path_parameters", "read"):
            assert told[0][key] == told[1][key]
        assert set(told[0]["parameters"]) == set(request.settings())
        assert told[0]["parameters"]["map_path"] == "../map.tif"

        scheme = request.scheme[0].removeprefix("map=")
        opened = open_lcz_map(request.map_path, scheme=scheme)
        again = run(type(request)(**request.given() | {"map_path": opened, "scheme": ()}))
        pd.testing.assert_frame_equal(again.to_dataframe(), found.to_dataframe())


@pytest.fixture
def city(tmp_path):
    """A map of four classes; only LCZ 2 and D have places 250 m inside."""
    codes = np.full((60, 60), 14)
    codes[10:30, 10:30], codes[40:43, 40:43], codes[50:52, 5:7] = 2, 6, 17
    return write_codes(tmp_path / "city.tif", codes)


def test_sites_say_what_they_found_and_what_would_help(city):
    found = sites.run(SitesRequest(map_path=city, sensors=4))
    table = found.to_dataframe()
    assert len(table) == 4
    assert repr(found).startswith("<SitesResult: 4 of 4 sensors in 2 zones, the closest two ")
    assert "<table" in found._repr_html_()
    assert found.notes() != [] == found.cautions()
    assert worded(found.notes()[0], command_line).endswith("LCZ 6: lower --border-distance.")
    assert worded(found.notes()[0], python).endswith("LCZ 6: lower border_distance=.")
    one = sites.run(SitesRequest(map_path=city, sensors=1))
    assert one.headline() == "1 of 1 sensor in 1 zone."
    assert one.cautions()[0].startswith("1 sensor leaves LCZ 2 without one: LCZ D")
    far = sites.run(SitesRequest(map_path=city, sensors=9, spacing=5000))
    assert far.cautions()[-1].startswith(f"there is room for {len(far.sites)} of 9 sensors 250 m")


def test_properties_are_those_that_were_asked_for(city, tmp_path):
    found = morphology.run(MorphologyRequest(map_path=city, parameter=("height", "height")))
    assert repr(found) == "<MorphologyResult: 4 classes on 36.00 km².>"
    assert list(found.to_dataframe().index) == [2, 6, 14, 17]
    assert found.to_dataframe().loc[2, "height_max"] == 25
    assert found.to_dataframe().loc[2, "height_central"] == 17.5
    assert found.to_dataframe().loc[14, "height_source"].startswith("middle of the range")
    found.write(tmp_path / "out")
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {"morphology.csv", "height.tif", "manifest.json"}
    with rasterio.open(tmp_path / "out/height.tif") as layer:
        assert layer.descriptions == ("height min", "height max", "height middle", "height central")
    assert MorphologyRequest(map_path=city).parameters() == tuple(PARAMETERS)


def test_central_values_lie_within_the_published_ranges_and_have_a_source():
    central, ranges = central_values(), morphology_table()
    outside = {
        (number, name)
        for name in PARAMETERS
        for number in central.index
        if np.isfinite(central.loc[number, name])
        and not ranges.loc[number, f"{name}_min"]
        <= central.loc[number, name]
        <= ranges.loc[number, f"{name}_max"]
    }
    assert outside == {(7, "height")}  # as its docstring says
    for name in PARAMETERS:
        assert (central[name].isna() == (central[f"{name}_source"] == "")).all()
    # the ground of a built class is a whole
    ground = central.loc[1:10, [f"{n}_fraction" for n in ("building", "impervious", "pervious")]]
    np.testing.assert_allclose(ground.sum(axis=1), 100)
    assert central.loc[1, "aspect_ratio"] == 2.5  # no upper limit is published
    assert np.isnan(central.loc[17, "height"])


def test_a_job_is_stopped_and_tells_how_far_it_is(city):
    steps = []
    for request, run in (
        (SitesRequest(map_path=city, sensors=2), sites.run),
        (MorphologyRequest(map_path=city), morphology.run),
    ):
        run(request, progress=lambda *step: steps.append(step))
        with pytest.raises(LczError, match="Stopped by the user"):
            run(request, cancelled=lambda: True)
    assert [s[0] for s in steps] == [
        "Reading the map",
        "Looking for sites",
        "Reading the map",
        "Areas",
    ]


@pytest.mark.parametrize(
    ("kind", "values", "parameter"),
    [
        (SitesRequest, {"sensors": 0}, "sensors"),
        (SitesRequest, {"sensors": 3, "border_distance": -1.0}, "border_distance"),
        (SitesRequest, {"sensors": 3, "scheme": "elsewhere=0-16"}, "scheme"),
        (MorphologyRequest, {"parameter": ("height", "beauty")}, "parameter"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_the_map_is_read(kind, values, parameter):
    with pytest.raises(InputError) as refused:
        kind(map_path="none.tif", **values)
    assert refused.value.parameter == parameter
