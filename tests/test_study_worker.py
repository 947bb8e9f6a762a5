"""Steps in processes of their own: the same results, and ended where they take too much or too long."""

import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import types
from multiprocessing.forkserver import _forkserver

import numpy as np
import psutil
import pytest
from results import write_result

from lczlib.catalog.gazetteer import _loaded
from lczlib.errors import Cancelled, InputError
from lczlib.jobs.scratch import Scratch
from lczlib.reading import readings
from lczlib.study import Study
from lczlib.study.state import message_of
from lczlib.study.worker import _start, needs_process, run_apart
from lczlib.temporary import remove_abandoned


def workers():
    """The processes that compute now: copies of the one that multiprocessing keeps for that."""
    kept = _forkserver._forkserver_pid
    return psutil.Process(kept).children(recursive=True) if kept else []


def none_is_left():
    return psutil.wait_procs(workers(), timeout=10)[1] == []


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path / "work", tmp_path / "store")


def own_maps(study, folder):
    """A study of two uploaded maps of one place that differ in some cells."""
    study.param.update(city="own", map_files=(f"{write_result(folder)}/s2_lcz.tif",))
    study.param.update(reference_files=study.map_files, first="own", second="reference")
    return study


@pytest.mark.slow
def test_a_process_gives_the_same_result_and_tells_the_same_readings(study, tmp_path):
    own_maps(study, tmp_path)
    study.compute("scene")
    for name in ("own_map", "reference", "comparison"):
        apart, here = study.ticket(name), study.ticket(name)
        assert needs_process(apart)
        found = run_apart(apart)
        with readings():
            expected = here.run()
        assert apart.read == here.read
        if name == "own_map":
            np.testing.assert_array_equal(found, expected)
            assert found.attrs.keys() == expected.attrs.keys()
        if name == "comparison":
            assert found.to_dict() == expected.to_dict()
        study.compute(name)


def test_what_only_opens_what_is_known_needs_no_process(study):
    assert not needs_process(study.ticket("scene"))


@pytest.mark.slow
def test_the_error_of_a_step_comes_back_as_it_was_raised(study, tmp_path):
    wrong = tmp_path / "wrong.tif"
    wrong.write_text("no raster")
    study.param.update(city="own", map_files=(str(wrong),))
    study.compute("scene")
    with pytest.raises(InputError, match="is a text file that cannot be read as a raster"):
        run_apart(study.ticket("own_map"))


@pytest.mark.slow
def test_a_step_that_takes_more_than_its_memory_is_ended_and_says_so(study, monkeypatch):
    study.compute("scene")
    ticket = study.ticket("maps")
    monkeypatch.setenv(
        "LCZLIB_MEMORY", "0.06"
    )  # a city's headers are within that, its mapping is not
    with pytest.raises(
        InputError, match=r"more than the 0\.1 GB of memory that a job may take"
    ) as error:
        run_apart(ticket)
    assert "choose a smaller area" in message_of(error.value)
    assert none_is_left()
    monkeypatch.delenv("LCZLIB_MEMORY")
    assert run_apart(study.ticket("reference")).raster is not None  # the next one is served


@pytest.mark.slow
def test_a_cancelled_step_ends_and_gives_way_while_it_runs(study):
    study.compute("scene")
    stop, priorities = threading.Event(), []

    def progress(*_):
        priorities.extend(p.nice() for p in workers())
        stop.set()

    with pytest.raises(Cancelled):
        run_apart(study.ticket("maps"), progress, stop.is_set)
    assert min(priorities) >= min(19, psutil.Process().nice() + 15)
    assert none_is_left()


@pytest.mark.slow
def test_a_process_that_the_system_kills_is_told_as_a_lack_of_memory(study):
    study.compute("scene")

    def kill(*_):
        for process in workers():
            process.kill()

    with pytest.raises(MemoryError) as error:
        run_apart(study.ticket("maps"), kill)
    assert "not enough memory" in message_of(error.value)


@pytest.mark.slow
def test_a_long_name_of_the_folder_for_temporary_files_leaves_room_for_sockets(tmp_path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    lines = (
        "from lczlib.study import Study; from lczlib.study.worker import run_apart",
        f"print(run_apart(Study({str(tmp_path / 'work')!r}).ticket('scene')).simulated)",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True,
        env={**os.environ, "TMPDIR": str(folder)},
    )  # fmt: skip
    assert done.stdout == "True\n", done.stderr
    assert list(folder.iterdir()) == []


def _send_layer(pipe, folder):
    made = Scratch(folder)
    (made.path / "layer.tif").write_text("x")
    pipe.send(made)
    os._exit(0)


def test_layers_of_another_process_stay_as_long_as_they_are_used_here(tmp_path):
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_send_layer, args=(theirs, tmp_path))
    process.start()
    came = ours.recv()
    process.join()
    remove_abandoned(tmp_path)
    assert (came.path / "layer.tif").is_file()
    folder = came.path
    del came
    gc.collect()
    assert not folder.parent.exists()


@pytest.mark.slow
def test_a_process_that_does_not_get_what_it_was_sent_is_followed_by_another(tmp_path, caplog):
    class Ticket:
        """Cannot be read the first time, or ever."""

        def __init__(self, tries):
            self.tries, self.read, self.step = tries, [], types.SimpleNamespace(by_hand=False)

        def __getstate__(self):
            return self.tries, self.read, self.step, str(tmp_path / "tried")

        def __setstate__(self, state):
            self.tries, self.read, self.step, tried = state
            with open(tried, "a+") as file:
                file.write("1")
                file.flush()
                if file.tell() <= self.tries:
                    raise pickle.UnpicklingError("invalid load key")

        def compute(self, *_):
            return "computed"

        def received(self, value):
            return value

    assert run_apart(Ticket(1)) == "computed"
    assert "invalid load key" in caplog.text
    (tmp_path / "tried").unlink()
    with pytest.raises(
        RuntimeError, match=r"of [\d,]+ bytes \(SHA-256 (\w+)\); sent were [\d,]+ bytes"
    ):
        run_apart(Ticket(2))


def tell_places(pipe):
    pipe.send(_loaded.cache_info().currsize)


def test_a_process_begins_with_the_list_of_places_read():
    ours, theirs = multiprocessing.Pipe()
    process = _start(tell_places, (theirs,))
    theirs.close()
    assert ours.recv() == 1
    process.join()
