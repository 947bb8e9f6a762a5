"""Runs of ``lcz get`` that end early are taken up, to the same bytes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest
import rasterio
from stac.july import COMMAND, asked, check_same, command, fetched, write_july
from stac.server import serve

from lczlib.acquire import composite
from lczlib.errors import Cancelled, InputError, ServiceError
from lczlib.jobs.get import run

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stac")
    return folder, *write_july(folder)


@pytest.fixture
def service(files):
    running, stop = serve(files[0], files[1])
    yield running
    stop()


def test_a_stopped_run_is_taken_up_to_the_same_bytes(service, tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    monkeypatch.setattr(composite, "_STACK_BYTES", 1)  # tiles of 64 pixels
    fetched(service, whole)
    seen = []

    def cancelled() -> bool:
        done = len(list(parts.glob(".lcz-get/*/*.npz")))
        seen.append(done)
        return done >= 4

    with pytest.raises(Cancelled):
        run(asked(service), parts, cancelled=cancelled)
    assert max(seen) == 4
    kept = {f: f.stat().st_mtime_ns for f in parts.glob(".lcz-get/*/*.npz")}
    result = run(asked(service), parts, resume=True)
    assert all(f.stat().st_mtime_ns == at for f, at in kept.items())
    result.write(parts)
    assert_same_bytes(whole, parts)
    assert not (parts / ".lcz-get").exists()


def assert_same_bytes(one: Path, other: Path) -> None:
    files = sorted(f.relative_to(one) for f in one.rglob("*") if f.is_file())
    assert files == sorted(f.relative_to(other) for f in other.rglob("*") if f.is_file())
    for file in files:
        if file.name != "manifest.json":
            assert (one / file).read_bytes() == (other / file).read_bytes(), file


def test_a_run_that_is_taken_up_keeps_its_scenes(service, tmp_path, files):
    """What the service has by then does not count."""
    halt = threading.Event()
    service.fault = lambda h, path, n: path.endswith("B07.tif") and h.refuse(503)
    with pytest.raises(ServiceError):
        fetched(service, tmp_path)
    halt.set()
    service.fault = None
    service.items = service.items[:1]
    searches = service.searches
    run(asked(service), tmp_path, resume=True).write(tmp_path)
    assert service.searches == searches
    with rasterio.open(next(tmp_path.glob("Sentinel-2/*/*/clear_count.tif"))) as src:
        assert src.read(1).max() == 3
    check_same(tmp_path, files[2])


def test_another_request_does_not_take_up_a_run(service, tmp_path):
    service.fault = lambda h, path, n: path.endswith("B07.tif") and h.refuse(503)
    with pytest.raises(ServiceError):
        fetched(service, tmp_path)
    with pytest.raises(InputError, match="was begun with --composite geomedian, not median"):
        run(asked(service, composite="median"), tmp_path, resume=True)


@pytest.mark.slow
def test_a_killed_run_is_taken_up_to_the_same_bytes(service, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    subprocess.run(command(service, whole), check=True, capture_output=True)
    service.asked.clear()
    running, go_on = threading.Event(), threading.Event()

    def fault(handler, path, before):
        if go_on.is_set() or not list(parts.glob(".lcz-get/*/00000.npz")):
            return False
        running.set()
        handler.detach()  # the connection stays open, without an answer
        return True

    service.fault = fault
    victim = subprocess.Popen(
        command(service, parts), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert running.wait(60)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    go_on.set()
    assert len(list(parts.glob(".lcz-get/*/*.npz"))) == 1
    assert not (parts / "item.json").exists()
    subprocess.run(command(service, parts, "--resume"), check=True, capture_output=True)
    assert_same_bytes(whole, parts)


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_the_run_is_taken_up(service, tmp_path, files):
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)); "
    ) + COMMAND
    words = command(service, tmp_path / "out")
    words[2] = limited
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 1
    assert "The disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    subprocess.run(command(service, tmp_path / "out", "--resume"), check=True, capture_output=True)
    check_same(tmp_path / "out", files[2])


_SMALL_DISK = """
out=$1; shift
mount -t tmpfs -o size=300k none "$out" || exit
"$@"; first=$?
mount -o remount,size=64m "$out"
"$@" --resume || exit 78
cp -r "$out" "$out.kept"
exit $first
"""


@pytest.mark.slow
def test_a_disk_that_really_is_full_loses_nothing(service, tmp_path, files):
    """A file system of 300 KB, in a name space of its own; then it has room."""
    out = tmp_path / "out"
    out.mkdir()
    alone = ["unshare", "--user", "--map-root-user", "--mount"]
    if (
        not shutil.which("unshare")
        or subprocess.run(
            [*alone, "mount", "-t", "tmpfs", "none", out], capture_output=True
        ).returncode
    ):
        pytest.skip("no file system of its own can be made here")
    words = [*alone, "sh", "-c", _SMALL_DISK, "sh", str(out), *command(service, out)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "The disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    check_same(Path(f"{out}.kept"), files[2])
