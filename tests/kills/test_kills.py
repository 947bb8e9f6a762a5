"""A result is there whole or not at all, and nothing is left behind, whenever its process is killed."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from kill_jobs import JOBS, write_inputs
from killing import Killing, cases, contents, differences

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forks of a warm process"),
]


@pytest.fixture(scope="module")
def killing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kills")
    made = Killing(folder, write_inputs(folder / "inputs"), JOBS)
    yield made
    made.close()


@pytest.fixture
def place(killing, request):
    """A fresh folder with the inputs."""
    return killing.place(request.node.name.replace("[", "-").rstrip("]"))


@pytest.mark.parametrize(("name", "number"), cases(JOBS, 2 * len(JOBS)))
def test_the_run_after_a_kill_makes_the_same_and_leaves_nothing(killing, name, number):
    outcome = killing.case(name, number)
    assert outcome.wrong == [], f"{outcome.job}, killed {outcome.moment}"


def test_most_runs_are_killed_before_their_end(killing):
    went = killing.whole("assess")[1]
    place = killing.place("dies")
    assert killing.run(JOBS["assess"].words, place, at=went["operations"])["code"] == -9
    assert killing.run(JOBS["assess"].words, place, at=went["operations"] + 1)["code"] == 0


# Where jobs write.
WRITERS = dict.fromkeys(
    ("map", "water", "train", "uhi", "experiment", "assess", "fuse", "prepare-s1", "clip-s1"), "out"
)
WRITERS["conversion"] = "cache/converted"


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_told_in_a_sentence_and_leaves_room_for_another_try(killing, place, name):
    with mounted(place / WRITERS[name], "size=24k"):
        full = killing.run(JOBS[name].words, place)
        assert full["code"] == 1, full["printed"]
        assert "Traceback" not in full["printed"]
        assert re.search(r"disk (is )?full", full["printed"]), full["printed"]
    again = killing.run(JOBS[name].words, place)
    assert again["code"] == 0, again["printed"]
    assert differences(killing.whole(name)[0], contents(place)) == []


@pytest.mark.parametrize("name", WRITERS)
def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(killing, place, name):
    with mounted(place / WRITERS[name], "ro"):
        refused = killing.run(JOBS[name].words, place)
        assert refused["code"] == 1, refused["printed"]
        assert "Traceback" not in refused["printed"]
        assert (
            "cannot be written (Read-only file system): choose another folder" in refused["printed"]
        )


LOCKS = {
    "map": ".unfinished/lock", "water": ".water.lock", "train": ".train.lock", "uhi": ".write.lock",
    "experiment": "runs/lock", "assess": ".write.lock", "fuse": ".write.lock",
    "clip-s1": ".clip-s1.lock",
}  # fmt: skip


@pytest.mark.parametrize("name", LOCKS)
def test_of_two_runs_into_one_folder_the_second_is_refused_in_a_sentence(killing, place, name):
    lock = place / "out" / LOCKS[name]
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as the first run holds it
        second = killing.run(JOBS[name].words, place)
    assert second["code"] == 1, second["printed"]
    assert "Another run is writing into" in second["printed"]
    assert "Traceback" not in second["printed"]
    assert killing.run(JOBS[name].words, place)["code"] == 0
    assert differences(killing.whole(name)[0], contents(place)) == []


@pytest.mark.parametrize("name", WRITERS)
def test_results_from_the_future_are_written_over_and_interrupted_runs_taken_up(
    killing, place, name
):
    """As after a clock was set back."""
    job = JOBS[name]
    assert killing.run(job.words, place, after=0.7 * killing.whole(name)[1]["seconds"])["code"] in (
        0,
        -9,
    )
    future = time.time() + 400 * 86_400
    for path in place.rglob("*"):
        if not path.is_symlink() and "in" not in path.relative_to(place).parts[:1]:
            os.utime(path, (future, future))
    again = killing.run([*job.words, *filter(None, [job.resume])], place)
    assert again["code"] == 0, again["printed"]
    wrong = differences(killing.whole(name)[0], contents(place))
    assert [w for w in wrong if "/events 2 " not in w] == []


@contextmanager
def mounted(folder: Path, options: str):
    """A file system of its own at a folder."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_what_manifests_list_is_there(killing):
    """The comparison above looks at names and digests; this at whether they fit one another."""
    place = killing.place("listed")
    assert killing.run(JOBS["uhi"].words, place)["code"] == 0
    manifest = json.loads((place / "out/manifest.json").read_text())
    there = {p.name for p in (place / "out").iterdir()} - {"manifest.json"}
    assert set(manifest["outputs"]) == there
