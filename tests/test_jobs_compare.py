"""Whoever asks, maps agree the same: command line, library and dashboard do one job."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import numpy as np
import pytest
import shapely
from faces import CORNER, by_command, by_library, by_study, patches, plain, write_codes
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lczlib.errors import InputError, LczError
from lczlib.jobs.compare import CompareRequest, run
from lczlib.maps import open_lcz_map
from lczlib.polygons import open_polygons

SCHEMES = st.sampled_from(["1-17", "101-107", "0-16"])
NAMES = ("own", "reference")
"""What the first two maps are called in a study, where they are uploaded as such."""


@st.composite
def requests(draw: st.DrawFn, folder: Path) -> CompareRequest:
    """A request on two small maps or three, drawn and written into a folder."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    classes = draw(st.lists(st.integers(1, 17), min_size=1, max_size=5, unique=True))
    resample = draw(st.sampled_from([None, "nearest", "mode"]))
    n = draw(st.integers(2, 3))
    sources, schemes = [], []
    for i in range(n):
        codes = patches(rng, (draw(st.integers(12, 20)), 18), [0, *classes])
        if i == 0 or resample is None:
            cell, shift = 100.0, 0.0
            codes = patches(rng, (15, 18), [0, *classes])
        else:
            cell = draw(st.sampled_from([30.0, 100.0, 150.0]))
            shift = draw(st.sampled_from([0.0, 40.0]))
        schemes.append(draw(SCHEMES))
        path = folder / f"map{i}.tif"
        sources.append(write_codes(path, codes, schemes[-1], cell=cell, shift=shift))
    names = (*NAMES, "third")[:n]
    return CompareRequest(
        map_a=sources[0], map_b=sources[1], more=sources[2:], resample=resample, names=names,
        scheme=[f"{name}={scheme}" for name, scheme in zip(names, schemes, strict=True)],
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore::lczlib.reading.InputWarning")
@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(data=st.data())
def test_every_face_finds_the_same_agreement(data):
    with TemporaryDirectory() as name:
        folder = Path(name)
        request = data.draw(requests(folder))
        found = by_library(run, request)
        first, second, *_ = (text.split("=")[1] for text in request.scheme)
        study = by_study(
            "comparison", folder, first="own", second="reference", map_files=(str(request.map_a),),
            map_scheme=first, reference_files=(str(request.map_b),), reference_scheme=second,
            compare_resample=request.resample or "",
        )  # fmt: skip
        if isinstance(found, LczError):  # no cell in common
            assert by_command(request, folder / "out") == 1
            if len(request.sources()) == 2:
                assert str(study) == str(found)
            return
        assert by_command(request, folder / "out") == 0
        told = json.loads((folder / "out/comparison.json").read_text())
        mine = found.write(folder / "mine", figures=False)
        written = json.loads((mine / "comparison.json").read_text())
        assert told == written
        own = plain(found.first.to_dict())
        assert own == {k: told[k] for k in own}
        assert plain(study.to_dict()) == own

        sources = [v for _, v in request.sources()]
        schemes = [text.split("=")[1] for text in request.scheme]
        a, b, *more = (open_lcz_map(v, scheme=s) for v, s in zip(sources, schemes, strict=True))
        opened = run(
            CompareRequest(
                map_a=a, map_b=b, more=more, names=request.names, resample=request.resample
            )
        )
        pairs = [plain(c.to_dict()) for c in opened.comparisons]
        assert pairs == [plain(c.to_dict()) for c in found.comparisons]


@pytest.mark.slow
def test_hong_kong_is_compared_alike_by_every_face(shared, tmp_path):
    request = CompareRequest(
        map_a=shared / "data/hong_kong/hong_kong_lcz_GT.tif",
        map_b=f"zip://{shared}/mirror/prd_lcz_2020.zip!tiff/prd_lcz_v0817c.tif",
        names=("reference", "own"), resample="nearest",
    )  # fmt: skip
    found = run(request)
    assert found.first.n == 8846
    assert found.first.agreement == pytest.approx(0.6743, abs=5e-5)
    own = plain(found.first.to_dict())
    assert by_command(request, tmp_path / "out") == 0
    told = json.loads((tmp_path / "out/comparison.json").read_text())
    assert own == {k: told[k] for k in own}
    study = by_study(
        "comparison", tmp_path, first="reference", second="own", map_files=(request.map_b,),
        reference_files=(str(request.map_a),),
    )  # fmt: skip
    assert plain(study.to_dict()) == own


@pytest.fixture
def maps(tmp_path):
    """Three maps of one grid."""
    rng = np.random.default_rng(0)
    classes = [2, 6, 11, 17]
    return [write_codes(tmp_path / f"{n}.tif", patches(rng, (15, 18), classes)) for n in "abc"]


def test_a_result_is_short_to_print_and_rich_in_a_notebook(maps):
    two = run(CompareRequest(map_a=maps[0], map_b=maps[1]))
    for shown in (two, two.first):
        assert len(repr(shown)) < 250
        assert f"a - b: agreement {two.first.agreement:.3f}" in repr(shown)
        page = shown._repr_html_()
        assert page.count("<table") == 2
        assert "compact mid-rise" in page
    assert list(two.to_dataframe().index) == list(range(1, 18))
    three = run(CompareRequest(map_a=maps[0], map_b=maps[1], more=maps[2]))
    assert list(three.to_dataframe()["second"]) == ["b", "c", "c"]
    assert three._repr_html_().count("<table") == 1


def test_what_is_written_is_the_commands(maps, tmp_path):
    request = CompareRequest(map_a=maps[0], map_b=maps[1], more=maps[2:])
    run(request).write(tmp_path / "mine")
    assert by_command(request, tmp_path / "theirs") == 0
    names = {p.name for p in (tmp_path / "theirs").iterdir()}
    assert names == {
        "changes.csv", "classes.csv", "comparison.json", "consensus.tif", "consensus.tif.aux.xml",
        "consensus_votes.tif", "cross_table.csv", "differences.tif", "manifest.json",
    }  # fmt: skip
    assert names < {p.name for p in (tmp_path / "mine").iterdir()}
    for ending in ("png", "svg"):
        assert (tmp_path / f"mine/agreement.{ending}").stat().st_size > 3000
    manifest = json.loads((tmp_path / "mine/manifest.json").read_text())
    assert manifest["parameters"]["more"] == ["../c.tif"]
    assert {Path(i["path"]).name for i in manifest["inputs"]} == {"a.tif", "b.tif", "c.tif"}


def test_what_cannot_be_asked_is_refused_before_anything_is_read():
    wrong = {"resample": "bilinear", "by": "pixels", "names": ("one",), "scheme": ("c=0-16",)}
    for name, value in wrong.items():
        with pytest.raises(InputError) as refused:
            CompareRequest(map_a="a.tif", map_b="b.tif", **{name: value})
        assert refused.value.parameter == name
    with pytest.raises(InputError, match="2 maps are called lcz"):
        CompareRequest(map_a="one/lcz.tif", map_b="two/lcz.tif", scheme="lcz=0-16")
    told = CompareRequest(map_a="one/lcz.tif", map_b="two/lcz.tif", scheme="two/lcz.tif=0-16")
    assert [o.scheme for o in told.reading().values()] == [None, "0-16"]


def test_polygons_that_are_open_are_a_map(tmp_path, maps):
    x, y = CORNER
    shapes = [shapely.box(x + 300 * i, y - 1500, x + 300 * i + 300, y) for i in range(6)]
    table = gpd.GeoDataFrame({"lcz": [2, 6, 11, 17, 2, 6]}, geometry=shapes, crs=32630)
    table.to_file(tmp_path / "drawn.gpkg")
    for by in ("cells", "area"):
        by_file, *others = (
            run(CompareRequest(map_a=maps[0], map_b=drawn, names=("a", "b"), by=by)).first
            for drawn in (tmp_path / "drawn.gpkg", table, open_polygons(tmp_path / "drawn.gpkg"))
        )
        for other in others:
            assert plain(other.to_dict()) == plain(by_file.to_dict())
