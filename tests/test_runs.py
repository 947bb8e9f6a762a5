"""Long steps wait in a line, say so in words, and can be taken out of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

pytest.importorskip("panel")

from app.parts.messages import ended
from app.parts.progress import WAITING, RunsList, StepProgress, in_words
from app.parts.stepper import state_of
from app.session import jobs
from app.session.line import Job, Line
from lczlib.errors import InputError, Lacking
from lczlib.study import Study
from lczlib.study.state import STOPPED


def wait_until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_those_that_wait_hear_how_many_runs_are_ahead() -> None:
    line, go, done = Line(1, "test"), Event(), []

    def work(job: Job) -> None:
        go.wait(20)
        done.append(job)

    first, second, third = (Job(ticket=None) for _ in range(3))
    heards: list[list[int]] = [[], [], []]
    for job, heard in zip((first, second, third), heards, strict=True):
        job.moved = heard.append
        line.submit(work, job)
    wait_until(lambda: heards[2][-1:] == [2])
    assert heards[1][-1] == 1
    assert line.leave(second)
    assert heards[2][-1] == 1
    assert not line.leave(second)
    assert not line.leave(first)  # it has begun
    go.set()
    wait_until(lambda: len(done) == 2)
    assert done == [first, third]


def test_a_run_that_fails_lets_the_next_one_begin() -> None:
    line, done = Line(1, "test"), Event()

    def fail(_: Job) -> None:
        raise RuntimeError

    line.submit(fail, Job(ticket=None))
    line.submit(lambda _: done.set(), Job(ticket=None))
    assert done.wait(20)


@pytest.fixture
def blocked(monkeypatch: pytest.MonkeyPatch) -> Event:
    """A line whose one worker is busy with another visitor's run, until it may go on."""
    line, go = Line(1, "test"), Event()
    monkeypatch.setattr(jobs, "_HEAVY", line)
    begun = Event()
    line.submit(lambda _: (begun.set(), go.wait(30)), Job(ticket=None))
    assert begun.wait(20)
    yield go
    go.set()


@pytest.fixture
def study(tmp_path: Path) -> Study:
    study = Study(tmp_path, tmp_path / "cache")
    study.finish(study.start("scene"), "a scene, as if read")
    return study


def test_a_run_that_waits_says_so_and_is_cancelled_at_once(blocked: Event, study: Study) -> None:
    runner = jobs.Runner(study, lambda call: call())
    going, runs = StepProgress(study, runner, ("water",)), RunsList(study, runner)
    runs.turn("city")
    runner.run("water")
    assert study.condition("water") == "running"
    said = "waiting for 1 other run to end …"
    assert runner.progress["water"][0] == f"{WAITING}1"  # which each reader is told in a language
    assert (going.running, going.stop.visible) == ("water", True)
    assert said in going.told.object
    assert runs.content.visible
    (row,) = [r for r in runs.content if r.visible]
    assert row[0].object == f'<div role="status"><b>Water map</b> · {said}</div>'
    assert row[1].name == "Cancel: water map"
    runs.turn("water")  # that page shows it itself
    assert not runs.content.visible
    row[1].param.trigger("clicks")
    assert not blocked.is_set()  # the other visitor's goes on
    assert study.condition("water") == "none"
    assert study.messages["water"] == STOPPED
    assert (going.running, going.stop.visible, going.told.object) == (None, False, "")
    assert runner.progress == {}


def test_a_run_whose_settings_change_while_it_waits_is_dropped(
    blocked: Event, study: Study
) -> None:
    runner = jobs.Runner(study, lambda call: call())
    runner.run("water")
    study.water_edges = "zero" if study.water_edges == "mirror" else "mirror"
    assert not blocked.is_set()
    assert study.condition("water") != "running"
    assert runner.progress == {}
    runner.run("water")  # with the settings of now
    assert runner.progress["water"][0] == f"{WAITING}1"
    runner.close()


@pytest.mark.parametrize(
    ("step", "state", "words"),
    [
        ("maps", None, "starting …"),
        (
            "maps",
            ("s2_summer", 3200, 6400, 12.2),
            "Sentinel-2, summer: 3,200 of 6,400 cells · about 12 s left",
        ),
        ("maps", ("s1", 6400, 6400, 0.0), "Sentinel-1: 6,400 of 6,400 cells"),
        (
            "maps",
            ("both_winter", 10, 6400, 300.0),
            "Sentinel-1 and Sentinel-2, winter: 10 of 6,400 cells · about 5 min left",
        ),
        ("published", ("Reading the published map", 0, 0, None), "Reading the published map …"),
        ("days", ("Day", 3, 9, None), "Day: 3 of 9"),
    ],
)
def test_progress_is_told_in_words(step: str, state, words: str) -> None:
    assert in_words(step, state) == words


def test_what_needs_a_map_has_not_failed_while_the_first_is_made(study: Study) -> None:
    study.finish(study.start("own_map"), "a map, as if read")  # its zones are not those asked for
    study.fail(study.start("heat"), InputError("There is no map S1 + S2 fused."))
    assert "no map S1" in ended(study, "heat")
    assert state_of(study, "heat") == "failed"
    ticket = study.start("maps")
    assert "The LCZ map is being made" in ended(study, "heat")
    assert state_of(study, "heat") == ""
    study.fail(ticket, InputError("No network is here."))
    assert state_of(study, "heat") == "failed"


def test_what_nobody_has_given_yet_is_no_failure(study: Study) -> None:
    study.finish(study.start("own_map"), "a map, as if read")
    for error, kind in ((Lacking("There is no map."), "info"), (InputError("Cut."), "failed")):
        study.fail(study.start("heat"), error)
        assert f"lcz-banner {kind}" in ended(study, "heat")
        assert state_of(study, "heat") == ("failed" if kind == "failed" else "")


def test_two_maps_are_compared_and_not_one(study: Study) -> None:
    study.finish(study.start("own_map"), "a map, as if read")
    assert study.missing("comparison") == ["maps", "reference", "own_map", "published"]
    assert study.missing("heat") == []
    study.finish(study.start("published"), "another")
    assert study.missing("comparison") == []
