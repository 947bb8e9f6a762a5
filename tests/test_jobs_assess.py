"""Whoever asks, the accuracy is the same: command line, library and dashboard do one job."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from faces import CORNER, by_command, by_library, by_study, patches, plain, write_codes
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lczlib.analysis import Assessment, assess
from lczlib.analysis.ceiling import ceiling
from lczlib.errors import InputError, LczError
from lczlib.export import write_lcz_map, write_probabilities
from lczlib.jobs.assess import AssessRequest, run
from lczlib.maps import open_lcz_map, probabilities
from lczlib.references import open_reference

SCHEMES = st.sampled_from(["1-17", "101-107", "0-16"])
SHAPE = (24, 30)


@st.composite
def requests(draw: st.DrawFn, folder: Path) -> AssessRequest:
    """A request on a small map and its reference, drawn and written into a folder."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    classes = draw(st.lists(st.integers(1, 17), min_size=2, max_size=5, unique=True))
    truth = patches(rng, SHAPE, classes)
    wrong = rng.random(SHAPE) < draw(st.sampled_from([0.0, 0.2, 0.6]))
    mapped = np.where(wrong, rng.choice([0, *classes], SHAPE), truth).astype(np.uint8)
    scheme, other = draw(SCHEMES), draw(SCHEMES)
    values = {
        "lcz_map": write_codes(folder / "map.tif", mapped, scheme), "scheme": (f"map={scheme}",),
        "seed": draw(st.integers(0, 99)), "replicates": draw(st.sampled_from([100, 130])),
        "block": draw(st.none() | st.integers(1, 12)),
    }  # fmt: skip
    kind = draw(st.sampled_from(["polygons", "points", "raster", "shifted raster"]))
    values["stratified_sample"] = kind == "points" and draw(st.booleans())
    if kind.endswith("raster"):
        values["reference_scheme"] = other
        shift = 30.0 if kind.startswith("shifted") else 0.0
        values["reference"] = write_codes(folder / "truth.tif", truth, other, shift=shift)
        values["resample"] = draw(st.sampled_from(["nearest", "mode"]))
    else:
        values["reference"] = shapes(folder, truth, rng, points=kind == "points")
        values["reference_scheme"] = "1-17"
    if kind != "shifted raster" and draw(st.booleans()):
        values["probabilities"] = write_likely(folder / "map_proba.tif", values, rng)
    return AssessRequest(**values)


def shapes(folder: Path, truth: np.ndarray, rng: np.random.Generator, *, points: bool) -> Path:
    """Some of the squares of a map as polygons, or the middles of some of its cells."""
    x, y = CORNER
    if points:
        rows, cols = (rng.integers(0, n, 40) for n in SHAPE)
        found = [
            shapely.Point(x + 100 * c + 50, y - 100 * r - 50)
            for r, c in zip(rows, cols, strict=True)
        ]
    else:
        rows, cols = (rng.integers(0, n // 3, 25) * 3 for n in SHAPE)
        found = [shapely.box(x + 100 * c, y - 100 * r - 300, x + 100 * c + 300, y - 100 * r)
                 for r, c in zip(rows, cols, strict=True)]  # fmt: skip
    table = gpd.GeoDataFrame({"lcz": truth[rows, cols].astype(int)}, geometry=found, crs=32630)
    table.to_file(folder / "truth.gpkg")
    return folder / "truth.gpkg"


def write_likely(path: Path, values: dict, rng: np.random.Generator) -> Path:
    """Probabilities on the map's grid."""
    lcz = open_lcz_map(values["lcz_map"], scheme=values["scheme"][0].removeprefix("map="))
    p = rng.dirichlet(np.full(17, 0.3), SHAPE).transpose(2, 0, 1)
    return write_probabilities(
        path, probabilities(lcz.expand_dims(lcz=17).astype(np.float32).copy(data=p))
    )


@pytest.mark.filterwarnings("ignore::lczlib.reading.InputWarning")
@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
@settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(data=st.data())
def test_every_face_finds_the_same_accuracy(data):
    with TemporaryDirectory() as name:
        folder = Path(name)
        request = data.draw(requests(folder))
        found = by_library(run, request)
        scheme = request.scheme[0].removeprefix("map=")
        study = by_study(
            "accuracy", folder, map_files=(str(request.lcz_map),), map_scheme=scheme,
            reference_files=(str(request.reference),), reference_scheme=request.reference_scheme,
            accuracy_resample=request.resample or "",
            **{f"accuracy_{n}": getattr(request, n)
               for n in ("block", "replicates", "seed", "stratified_sample")},
        )  # fmt: skip
        if isinstance(found, LczError):  # such as a reference of one class
            assert by_command(request, folder / "out") == 1
            assert str(study) == str(found)
            return
        assert by_command(request, folder / "out") == 0
        told = json.loads((folder / "out/assessment.json").read_text())
        mine = found.write(folder / "mine", figures=False)
        written = json.loads((mine / "assessment.json").read_text())
        assert told == written
        own = plain(found.assessment.to_dict())
        assert own == {k: told[k] for k in own}
        assert plain(study.assessments["own"].to_dict()) == own

        reference = open_reference(request.reference, scheme=request.reference_scheme)
        opened = run(
            AssessRequest(**request.given() | {
                "lcz_map": open_lcz_map(request.lcz_map, scheme=scheme), "reference": reference,
                "scheme": (), "reference_scheme": None,
            })
        )  # fmt: skip
        assert plain(opened.assessment.to_dict()) == own
        if request.probabilities is not None:
            assert plain(opened.calibration.to_dict()) == told["calibration"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::lczlib.reading.InputWarning")
def test_hong_kong_is_judged_alike_by_every_face(shared, tmp_path):
    request = AssessRequest(
        lcz_map=f"zip://{shared}/mirror/prd_lcz_2020.zip!tiff/prd_lcz_v0817c.tif",
        reference=shared / "data/hong_kong/lcz_training_polygons.shp", replicates=300, seed=7,
    )  # fmt: skip
    found = run(request)
    assert (found.assessment.n, found.assessment.method["n_units"]) == (9543, 173)
    assert "n = 9,543 in 173 polygons" in found.headline()
    own = plain(found.assessment.to_dict())
    assert by_command(request, tmp_path / "out") == 0
    told = json.loads((tmp_path / "out/assessment.json").read_text())
    assert own == {k: told[k] for k in own}
    study = by_study(
        "accuracy", tmp_path, map_files=(request.lcz_map,), reference_files=(str(request.reference),),
        accuracy_replicates=300, accuracy_seed=7,
    )  # fmt: skip
    assert plain(study.assessments["own"].to_dict()) == own


@pytest.fixture
def city(tmp_path):
    """A map, and polygons that judge it."""
    rng = np.random.default_rng(0)
    truth = patches(rng, SHAPE, [2, 6, 11, 17])
    path = write_codes(tmp_path / "city.tif", np.where(rng.random(SHAPE) < 0.2, 6, truth))
    return path, shapes(tmp_path, truth, rng, points=False)


def test_a_result_is_short_to_print_and_rich_in_a_notebook(city):
    result = run(AssessRequest(lcz_map=city[0], reference=city[1]))
    for shown in (result, result.assessment):
        assert len(repr(shown)) < 200
        assert f"{result.assessment.scores['oa']:.3f} (" in repr(shown)
        page = shown._repr_html_()
        assert page.count("<table") == 2
        assert "compact mid-rise" in page
    assert list(result.to_dataframe().index) == list(range(1, 18))


def test_what_is_written_is_the_commands(city, tmp_path):
    path, reference = city
    request = AssessRequest(lcz_map=path, reference=reference, replicates=100)
    found = run(request)
    found.write(tmp_path / "mine", figures=True)
    assert by_command(request, tmp_path / "theirs") == 0
    names = {p.name for p in (tmp_path / "theirs").iterdir()}
    assert names == {"assessment.json", "classes.csv", "confusion_matrix.csv", "manifest.json"}
    assert names < {p.name for p in (tmp_path / "mine").iterdir()}
    assert (tmp_path / "mine/class_accuracy.svg").stat().st_size > 5000
    manifests = [
        json.loads((tmp_path / n / "manifest.json").read_text()) for n in ("mine", "theirs")
    ]
    for m in manifests:
        assert m["command"] == "assess"
        assert {Path(i["path"]).name for i in m["inputs"]} == {"city.tif", "truth.gpkg"}
    assert manifests[0]["parameters"] | {"figures": False} == manifests[1]["parameters"]
    assert manifests[0]["read"] == manifests[1]["read"]


def test_what_cannot_be_asked_is_refused_before_anything_is_read(tmp_path):
    wrong = {
        "seed": -1, "block": 0, "replicates": 99, "resample": "bilinear", "reference_scheme": "wrf",
        "scheme": ("elsewhere=0-16",), "legend": ("areas=1",), "nodata": ("x",),
    }  # fmt: skip
    for name, value in wrong.items():
        with pytest.raises(InputError) as refused:
            AssessRequest(lcz_map="no.tif", reference="areas.gpkg", **{name: value})
        assert refused.value.parameter == name
    with pytest.raises(InputError, match="scheme is given twice"):
        AssessRequest(lcz_map="a.tif", reference="b.tif", scheme="b=0-16", reference_scheme="0-16")


def test_a_table_of_features_is_a_reference_and_something_else_is_none(city):
    path, reference = city
    table = gpd.read_file(reference).rename(columns={"lcz": "zone"})
    table["zone"] = "LCZ " + table["zone"].astype(str).replace({"11": "A", "17": "G"})
    by_file = run(AssessRequest(lcz_map=path, reference=reference))
    by_table = run(AssessRequest(lcz_map=path, reference=table, column="zone"))
    assert plain(by_table.assessment.to_dict()) == plain(by_file.assessment.to_dict())
    with pytest.raises(InputError, match="not ndarray"):
        run(AssessRequest(lcz_map=path, reference=np.zeros(3)))
    with pytest.raises(InputError, match="not Dataset"):
        run(AssessRequest(lcz_map=open_lcz_map(path).to_dataset(), reference=reference))


def test_a_numbering_is_not_said_of_an_open_map_in_vain(city):
    path, reference = city
    lcz = open_lcz_map(path)
    with pytest.raises(InputError, match="open already"):
        run(AssessRequest(lcz_map=lcz, reference=reference, scheme="0-16"))
    with rasterio.open(path) as src:
        assert src.nodata == 255


def test_the_analysis_names_who_opens_files(city):
    lcz = open_lcz_map(city[0])
    with pytest.raises(InputError, match=r"lczlib\.assess"):
        assess(lcz, str(city[1]))
    with pytest.raises(InputError, match=r"city\.tif is a file"):
        assess(city[0], lcz)
    assert isinstance(assess(lcz, open_reference(city[1])), Assessment)


def test_a_second_reference_says_how_good_the_map_can_be_seen_to_be(city, tmp_path, run_lcz):
    path, reference = city
    truth = open_lcz_map(path)
    rng = np.random.default_rng(0)
    changed = np.where(
        rng.random(truth.shape) < 0.2, rng.integers(1, 18, truth.shape), truth.values
    )
    second = tmp_path / "second.tif"
    write_lcz_map(second, truth.copy(data=np.where(truth > 0, changed, 0).astype(np.uint8)))
    request = AssessRequest(
        lcz_map=path, reference=reference, second_reference=str(second), replicates=100
    )
    result = run(request)
    expected = ceiling(truth, open_reference(reference), open_lcz_map(second), replicates=100)
    pd.testing.assert_frame_equal(result.ceiling.scores, expected.scores)
    code, said, _ = run_lcz(
        "assess", str(path), "--reference", str(reference), "--second-reference", str(second),
        "--replicates", "100", "--out", str(tmp_path / "out"), "--no-figures",
    )  # fmt: skip
    assert code == 0
    told = json.loads((tmp_path / "out/assessment.json").read_text())["second_reference"]
    assert told["scores"]["references"]["value"] == expected.scores.loc["references", "value"]
    assert f"The two references agree on {expected.scores.loc['references', 'value']:.3f}" in said
    with rasterio.open(tmp_path / "out/disagreement.tif") as src:
        assert (src.read(1) == expected.layer.values).all()
    assert len(pd.read_csv(tmp_path / "out/disagreements.csv")) == len(expected.disagreements)


def test_a_reference_that_is_the_first_again_is_said_to_be(city, tmp_path, run_lcz):
    path, reference = city
    code, said, _ = run_lcz(
        "assess", str(path), "--reference", str(reference), "--second-reference", str(reference),
        "--replicates", "100", "--out", str(tmp_path / "out"), "--no-figures",
    )  # fmt: skip
    assert code == 0
    assert "one may be made from the other" in " ".join(said.split())


def test_advice_on_a_reference_names_the_settings_that_are_its_own(tmp_path, run_lcz):
    codes = patches(np.random.default_rng(0), SHAPE, [2, 5, 17])
    mapped = write_codes(tmp_path / "map.tif", codes, "1-17")
    squares = gpd.GeoDataFrame(
        {"kind": [2, 40]},
        geometry=[shapely.box(CORNER[0], CORNER[1] - 1000, CORNER[0] + 1000, CORNER[1])] * 2,
        crs=32633,
    )
    squares.to_file(tmp_path / "odd.gpkg")
    words = ["assess", mapped, "--out", tmp_path / "out", "--reference", mapped]
    for line, column in (
        ([*words[:-1], tmp_path / "odd.gpkg"], "--column"),
        ([*words, "--second-reference", tmp_path / "odd.gpkg"], "--second-column"),
    ):
        code, _, err = run_lcz(*line)
        assert (code, f"name the column with {column}," in err) == (1, True), err
    zero = write_codes(tmp_path / "zero.tif", codes, "0-16")
    code, _, err = run_lcz(*words, "--second-reference", zero, "--second-scheme", "101-107")
    assert (code, "--second-scheme" in err, " --scheme" in err) == (1, True, False), err


@pytest.mark.parametrize("name", ["second_column", "second_layer", "second_scheme"])
def test_what_is_said_of_a_second_reference_that_is_not_there_is_refused(name):
    value = "1-17" if name == "second_scheme" else "lcz"
    with pytest.raises(InputError, match="There is no second reference") as refused:
        AssessRequest(lcz_map="map.tif", reference="areas.gpkg", **{name: value})
    assert refused.value.parameter == name
