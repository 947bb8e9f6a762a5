"""Temporary folders go with their owner, and those of killed owners with the next one."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from lczlib.temporary import TemporaryFolder, remove_abandoned

OWNER = """
import sys
from lczlib.temporary import TemporaryFolder
own = TemporaryFolder(sys.argv[1] if len(sys.argv) > 1 else None)
(own.path / "layer.tif").write_text("half of it")
print(own.path.parent, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def owner():
    """Starts a process that owns a folder; it and the folder's name."""
    started = []

    def start(*arguments):
        command = [sys.executable, "-c", OWNER, *map(str, arguments)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_folder_is_there_for_its_owner_and_goes_with_the_block(tmp_path):
    with TemporaryFolder(tmp_path) as folder:
        assert list(folder.iterdir()) == []
        (folder / "a.txt").write_text("a")
        assert remove_abandoned(tmp_path) == 0
        assert (folder / "a.txt").read_text() == "a"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_goes_with_the_last_reference(tmp_path):
    own = TemporaryFolder(tmp_path)
    del own
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_owner_left_is_removed_by_the_next_and_what_a_living_one_has_stays(
    owner, tmp_path
):
    killed, left = owner(tmp_path)
    _, living = owner(tmp_path)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert os.path.isdir(left)
    with TemporaryFolder(tmp_path):
        assert not os.path.exists(left)
        assert os.path.isfile(f"{living}/files/layer.tif")


def test_the_systems_folder_is_cleaned_too(owner, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    killed, left = owner()
    killed.kill()
    killed.wait()
    (tmp_path / "somebody-elses").mkdir()
    assert os.path.dirname(left) == str(tmp_path)
    assert remove_abandoned() == 1
    assert [p.name for p in tmp_path.iterdir()] == ["somebody-elses"]


def test_an_owner_killed_before_it_had_its_lock_leaves_nothing_either(tmp_path):
    (tmp_path / ".lczlib-young").mkdir()
    assert remove_abandoned(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_links_are_not_followed(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("chapter 1")
    (tmp_path / ".lczlib-link").symlink_to(tmp_path / "mine")
    assert remove_abandoned(tmp_path) == 0
    assert (tmp_path / "mine/thesis.txt").is_file()


@pytest.mark.skipif(
    os.name != "posix" or os.getuid() != 0, reason="needs root to make another's folder"
)
def test_other_users_folders_stay(tmp_path):
    (tmp_path / ".lczlib-theirs").mkdir()
    os.chown(tmp_path / ".lczlib-theirs", 12345, 12345)
    assert remove_abandoned(tmp_path) == 0
    assert (tmp_path / ".lczlib-theirs").is_dir()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_take_its_parents_folder_along(tmp_path):
    code = (
        "import os, sys\n"
        "from lczlib.temporary import TemporaryFolder\n"
        "own = TemporaryFolder(sys.argv[1])\n"
        "child = os.fork()\n"
        "if child == 0: sys.exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print(own.path.is_dir())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"
    assert list(tmp_path.iterdir()) == []


def test_folders_are_made_while_others_clean_up_at_the_same_place(tmp_path):
    """Whoever cleans up may find a folder between its making and its locking, and take it for an old one."""
    stop = threading.Event()

    def clean():
        while not stop.is_set():
            remove_abandoned(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        cleaning = [pool.submit(clean) for _ in range(4)]
        making = [pool.submit(_make_some, tmp_path) for _ in range(4)]
        wait(making)
        stop.set()
        modes = {mode for made in making for mode in made.result()}
        assert [c.result() for c in cleaning] == [None] * 4
    assert modes == {0o700}
    assert list(tmp_path.iterdir()) == []


def _make_some(place):
    modes = []
    for i in range(100):
        with TemporaryFolder(place) as folder:
            (folder / "a.txt").write_text(str(i))
            modes.append(folder.parent.stat().st_mode & 0o777)
            assert (folder / "a.txt").read_text() == str(i)
    return modes
