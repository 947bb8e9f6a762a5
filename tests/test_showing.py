"""What of a study may be shown, and the words around it."""

from __future__ import annotations

import numpy as np
import pytest
from odc.geo.geobox import GeoBox

from lczlib.analysis import class_areas, where_all_map
from lczlib.errors import LczError
from lczlib.grid import on_grid
from lczlib.kinds import named_map
from lczlib.study import Study
from lczlib.study.scene_inputs import day_named
from lczlib.study.showing import as_shown, follows, shown
from lczlib.study.wording import in_page


@pytest.fixture
def study(tmp_path) -> Study:
    """A study with results that any step could have given."""
    made = Study(tmp_path)
    for name in ("scene", "reference", "own_map", "maps", "heat", "accuracy"):
        made._made[name] = (len(made._made) + 1, (), ())
        made._made[name] = (made._made[name][0], made.key(_step(name)), ())
        _set(made, name, f"the {name}")
    return made


def _step(name: str):
    from lczlib.study import STEPS

    return STEPS[name]


def _set(study: Study, name: str, value: object) -> None:
    import param

    with param.edit_constant(study):
        setattr(study, name, value)


def test_what_is_made_by_itself_is_not_shown_under_another_setting(study: Study) -> None:
    assert shown(study, "heat") == "the heat"
    assert follows(study, "heat")
    study.heat_statistic = "median"
    assert shown(study, "heat") is None
    assert shown(study, "accuracy") == "the accuracy"
    study.heat_statistic = ""
    assert shown(study, "heat") == "the heat"


def test_what_waits_to_be_asked_for_stays_and_is_marked(study: Study) -> None:
    study.fusion = "vote"
    assert shown(study, "maps") == "the maps"
    assert shown(study, "heat") == "the heat"
    assert not follows(study, "maps")
    assert not follows(study, "heat")
    assert {"maps", "heat", "accuracy"} <= set(as_shown(study).others)


def test_another_area_hides_all_that_follows_by_itself(study: Study) -> None:
    study.area = (3.0, 52.1, 3.1, 52.2)
    assert [shown(study, n) for n in ("scene", "reference", "heat", "accuracy")] == [None] * 4


def test_a_study_as_it_is_shown_stays_so(study: Study) -> None:
    kept = as_shown(study)
    study.heat_statistic = "median"
    assert kept.heat == "the heat"
    assert kept.heat_statistic == ""
    assert as_shown(study).heat is None
    assert as_shown(kept) is kept


@pytest.mark.parametrize(
    ("names", "day"),
    [
        (["berlin_s2_20241024.tif"], "2024-10-24"),
        (["/tmp/a/S2_2023-07-01_x.tif"], "2023-07-01"),
        (["a_20230701.tif", "b_20230702.tif"], ""),
        (["a_20231301.tif"], ""),
        (["tile_120230701.tif"], ""),
        (["mine.tif"], ""),
    ],
)
def test_the_day_in_a_name_is_offered_where_there_is_one(names: list[str], day: str) -> None:
    assert day_named(names) == day


def test_words_of_maps_and_units() -> None:
    assert named_map("own") == "Uploaded map"
    assert named_map("s1") == "Sentinel-1 map"
    assert in_page("20 degC or 0.1degF of temperature_degC") == "20 °C or 0.1°F of temperature_degC"


def test_areas_of_compared_maps_are_those_they_share() -> None:
    large = on_grid(
        np.full((20, 20), 6, np.uint8),
        GeoBox.from_bbox((0, 0, 2000, 2000), "EPSG:32633", shape=(20, 20)),
    )
    small = on_grid(
        np.full((10, 10), 2, np.uint8),
        GeoBox.from_bbox((500, 500, 1500, 1500), "EPSG:32633", shape=(10, 10)),
    )
    found = where_all_map({"large": large, "small": small})
    areas = {n: class_areas(lcz)["area_km2"].sum() for n, lcz in found.items()}
    assert areas["large"] == pytest.approx(areas["small"], rel=1e-6)
    assert areas["small"] == pytest.approx(class_areas(small)["area_km2"].sum())
    far = on_grid(
        np.full((10, 10), 2, np.uint8),
        GeoBox.from_bbox((9e5, 500, 9.01e5, 1500), "EPSG:32633", shape=(10, 10)),
    )
    with pytest.raises(LczError):
        where_all_map({"large": large, "far": far})
