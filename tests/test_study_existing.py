"""An existing result brings its own place: name, frame and, where it is offered, imagery."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from results import write_result

from lczlib.errors import InputError
from lczlib.study import Places, Study
from lczlib.study.document import write_report
from lczlib.study.existing import existing_results
from lczlib.study.places import demo_path


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A study of a city that lies elsewhere than the results below."""
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LCZLIB_MIRROR", raising=False)
    made = Study(tmp_path / "work", tmp_path / "cache", Places([tmp_path / "results"]))
    made.city = "own"
    made.compute("scene")
    return made


def test_a_result_has_the_name_and_the_frame_of_its_own_city(study, tmp_path):
    study.result_folder = write_result(tmp_path / "results/b", inputs=["../berlin.tif"])
    assert study.conditions["scene"] == "stale"
    maps = study.compute("maps")
    place = study.scene.place
    assert (place.name, place.kind) == ("berlin", "existing result")
    assert (place.longitude, place.latitude) == pytest.approx((13.3, 52.5), abs=0.1)
    assert not study.scene.mappable
    report = write_report(study, tmp_path / "report.html").read_text()
    assert "Local Climate Zones of berlin" in report
    assert list(maps.kinds) == ["s2"]


@pytest.mark.parametrize("kind", ["both", "landsat"])
def test_a_result_of_any_network_is_a_finished_one(kind, study, tmp_path):
    folder = write_result(tmp_path / "results/b", kind, city="00017_22007_Lagos")
    study.result_folder = folder
    assert list(study.compute("maps").kinds) == [kind]
    assert study.scene.place.name == "Lagos"
    assert folder in existing_results(study.context).values()


def test_a_result_of_an_offered_place_brings_its_imagery(study, tmp_path):
    folder, city = demo_path()
    source = tmp_path / "cache/results/x"
    study.result_folder = write_result(source, inputs=[f"../../{folder.name}"], city=city)
    assert study.compute("scene").place.key == "demo"
    assert study.scene.seasons
    assert study.scene.simulated
    box = [3.03, 52.115, 3.06, 52.13]
    shutil.rmtree(source)
    study.result_folder = ""
    study.result_folder = write_result(source, inputs=[f"../../{folder.name}"], city=city, box=box)
    whole = study.scene.box.shape
    part = study.compute("scene").box.shape
    assert part[0] < whole[0]


def test_only_what_is_offered_is_opened(study, tmp_path, shared):
    """A manifest's inputs are paths of somebody's machine: they name a place, and open nothing."""
    scene = shared / "mirror/berlin_s2_20241024.tif"
    study.result_folder = write_result(tmp_path / "results/b", inputs=[str(scene)])
    assert study.compute("scene").seasons == {}


@pytest.mark.parametrize(
    "other", [{"city": "demo"}, {"scene_files": ("x.tif",)}, {"radar_files": ("x.tif",)}]
)
def test_another_place_puts_the_result_away(other, study, tmp_path):
    study.result_folder = write_result(tmp_path / "results/b")
    study.param.update(other)
    assert study.result_folder == ""


def test_a_folder_without_a_result_says_so(study, tmp_path):
    study.result_folder = str(tmp_path)
    with pytest.raises(InputError, match="holds no finished result"):
        study.compute("scene")
