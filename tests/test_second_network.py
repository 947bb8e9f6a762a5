"""A second network maps Sentinel-2 for comparison: by default where none is named, or the one that is."""

import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import rasterio
import xarray as xr

from lczlib.errors import InputError, WeightsError
from lczlib.mapping import MapRequest, map_city, request_of
from lczlib.mapping.sources import NETWORKS, default_weights
from lczlib.models import load_model, save_safetensors

FIRST, SECOND = NETWORKS


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The demo's network under another name, with its last layer's classes pushed a little."""
    model = load_model("demo_s2")
    last = [p for n, p in model.named_parameters() if n.endswith("bias")][-1]
    last.data[5] += 2.0
    path = tmp_path_factory.mktemp("other") / "other.safetensors"
    return save_safetensors(path, model, replace(model.weights, name="other"))


@pytest.fixture(scope="module")
def scenes(demo):
    """The simulated city's scenes, mapped by its own networks."""
    return partial(MapRequest, (str(demo[0] / "scene"),), weights=("demo_s1", "demo_s2"))


@pytest.fixture(scope="module")
def by_two(scenes, other, tmp_path_factory):
    asked = scenes(second=str(other))
    return map_city(asked, tmp_path_factory.mktemp("two") / "map")


def classes(path):
    with rasterio.open(path) as src:
        return src.read(1)


@pytest.mark.parametrize(
    ("attrs", "in_folder", "expected"),
    [
        ({"level": "L2A"}, False, FIRST),
        ({"level": "L2A"}, True, FIRST),
        ({"level": ""}, False, FIRST),
        ({"level": "L1C"}, False, FIRST),
        ({"level": "L1C"}, True, SECOND),  # as So2Sat's programs prepare it, and map it
        ({"level": "L2A", "simulated": True}, True, "demo_s2"),
    ],
)
def test_the_default_follows_from_what_the_scene_is(attrs, in_folder, expected):
    assert default_weights(xr.Dataset(attrs=attrs), in_folder=in_folder)["s2"] == expected


def test_the_second_map_stands_beside_and_changes_no_other(by_two, scenes, tmp_path):
    alone = map_city(scenes(), tmp_path / "alone")
    assert [*by_two.kinds] == [*alone.kinds, "second"]
    for path in alone.out.glob("*.tif"):
        np.testing.assert_array_equal(
            classes(path), classes(by_two.out / path.name), err_msg=path.name
        )
    more = {p.name for p in by_two.out.glob("*.tif")} - {p.name for p in alone.out.glob("*.tif")}
    assert more == {"second_lcz.tif", "second_proba.tif", "second_certainty.tif"}


def test_the_manifest_says_how_far_the_two_agree(by_two):
    facts = by_two.manifest["second"]
    first, second = (classes(by_two.out / f"{kind}_lcz.tif") for kind in ("s2", "second"))
    both = (first > 0) & (second > 0)
    assert 0.3 < (first == second)[both].mean() < 1
    assert facts["agreement"] == pytest.approx((first == second)[both].mean(), abs=1e-4)
    assert facts["cells"] == both.sum()
    of = both & (first == 2)
    assert facts["agreement_by_class"]["2"] == pytest.approx((second[of] == 2).mean(), abs=1e-4)
    assert facts["network"] == "other"
    assert not facts["by_default"]
    assert {w["name"] for w in by_two.manifest["weights"]} == {"demo_s1", "demo_s2"}
    (said,) = [w for w in by_two.warnings if "for comparison" in w]
    assert f"agree on {facts['agreement']:.0%} of {both.sum():,} cells" in said
    assert "No network" not in said


def test_a_rerun_has_the_same_two(by_two, other, tmp_path):
    again = map_city(request_of(by_two.manifest, by_two.out), tmp_path / "again")
    for kind in by_two.kinds:
        np.testing.assert_array_equal(again.kinds[kind], by_two.kinds[kind])
    changed = json.loads(json.dumps(by_two.manifest))
    changed["second"]["weights"]["sha256"] = "0" * 64
    with pytest.raises(InputError, match="SHA-256"):
        request_of(changed, by_two.out)


@pytest.mark.parametrize(
    ("second", "sensors", "error"),
    [
        ("demo_s2", ("demo_s2",), "demo_s2 maps Sentinel-2 already"),
        ("demo_s1", ("demo_s2",), "--second names a network of Sentinel-2"),
        ("demo_s2", ("demo_s1",), "no map of Sentinel-2 that demo_s2 could be compared with"),
    ],
)
def test_what_cannot_be_compared_is_refused(scenes, tmp_path, second, sensors, error):
    asked = scenes(weights=sensors, second=second)
    with pytest.raises((InputError, WeightsError), match=error):
        map_city(asked, tmp_path / "out")
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


def test_a_simulated_scene_has_one_network(scenes, tmp_path):
    made = map_city(scenes(weights=()), tmp_path / "out")
    assert "second" not in made.kinds
    assert "second" not in made.manifest


@pytest.fixture
def berlin(mirror):
    return MapRequest(
        (str(mirror / "berlin_s2_20241024.tif"),), level="L2A", date="2024-10-24", device="cpu"
    )


def test_where_none_is_named_two_published_ones_map_a_real_scene(berlin, tmp_path, run_lcz):
    made = map_city(berlin, tmp_path / "both")
    assert [*made.kinds] == ["s2", "second"]
    for kind, network in (("s2", FIRST), ("second", SECOND)):
        one = map_city(replace(berlin, weights=(network,)), tmp_path / network)
        assert [*one.kinds] == ["s2"]
        np.testing.assert_array_equal(made.kinds[kind], one.kinds["s2"])
    assert made.manifest["second"]["by_default"]
    # a rerun of it names both: the defaults of another version may be others
    again = request_of(made.manifest, made.out)
    assert (again.weights, again.second) == ((FIRST,), SECOND)
    code, _, err = run_lcz(
        "map",
        berlin.inputs[0],
        "--level",
        "L2A",
        "--date",
        "2024-10-24",
        "--second",
        "none",
        "--out",
        tmp_path / "one",
    )
    assert code == 0, err
    assert not (tmp_path / "one" / "second_lcz.tif").exists()
    code, _, err = run_lcz("methods", made.out, "--out", tmp_path / "methods")
    assert code == 0, err
    text = (tmp_path / "methods" / "methods.md").read_text()
    assert SECOND in text
    assert f"{made.manifest['second']['agreement']:.0%}" in text


def test_a_second_network_that_cannot_be_had_stops_no_map(berlin, shared, tmp_path, monkeypatch):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    shutil.copy(shared / f"mirror/{FIRST}.h5", mirror)
    (mirror / f"{SECOND}.h5").write_bytes(b"cut off")
    monkeypatch.setenv("LCZLIB_MIRROR", str(mirror))
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    made = map_city(berlin, tmp_path / "out")
    assert [*made.kinds] == ["s2"]
    assert any("no map of a second network" in w and SECOND in w for w in made.warnings)
    with pytest.raises(Exception, match=SECOND):
        map_city(replace(berlin, second=SECOND), tmp_path / "asked")
