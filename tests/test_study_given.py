"""What a step of a study is given: what it declares, as it was, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lczlib.study import STEPS, Study


@pytest.fixture
def study(tmp_path):
    made = Study(tmp_path / "work", tmp_path / "store")
    made.city = "own"  # without files there is nothing to open
    return made


@pytest.mark.parametrize("undeclared", ["fusion", "maps", "no_setting_at_all"])
def test_a_step_that_reads_what_it_has_not_declared_fails(study, monkeypatch, undeclared):
    step = replace(STEPS["own_map"], function=lambda given, *_: getattr(given, undeclared))
    monkeypatch.setitem(STEPS, "own_map", step)
    study.compute("scene")
    with pytest.raises(AttributeError) as refused:
        study.compute("own_map")
    assert str(refused.value) == (
        f"{undeclared!r} is not declared by the step 'own_map', which reads map_files, map_band, "
        "map_scheme, map_nodata, map_legend, map_column, map_layer, scene."
    )
    assert study.own_map is None
    assert "AttributeError" in study.messages["own_map"]


def test_a_step_is_given_the_inputs_as_they_were_when_it_was_started(study):
    study.map_band = "1"
    study.compute("scene")
    ticket = study.start("own_map")
    study.map_band = "2"
    assert ticket.given.map_band == "1"
    with pytest.raises(AttributeError, match="'map_band' cannot be set"):
        ticket.given.map_band = "2"


def test_an_output_that_is_not_there_yet_is_none(study, write_tif):
    study.map_files = (str(write_tif(np.array([[1, 6], [14, 17]], np.uint8), pixel=100)),)
    for name in ("scene", "own_map"):
        study.compute(name)
    given = study.ticket("heat").given
    assert given.own_map is study.own_map is not None
    assert given.maps is None
    assert given.reference is None
