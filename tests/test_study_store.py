"""The store of results: limited, the least used go first, what is in use stays; own files stay apart."""

from __future__ import annotations

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from results import write_result

from lczlib.export.files import alone_in
from lczlib.study import Places, Study
from lczlib.study.existing import existing_results
from lczlib.study.material import Material, open_maps
from lczlib.study.places import Place, demo_folder, demo_path
from lczlib.study.store import hold, limit, make_room, store_of, waited_for


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Four results, the first used last."""
    for age, name in enumerate("abcd"):
        folder = Path(write_result(tmp_path / "store" / name))
        os.utime(folder / "manifest.json", (1e9 - age, 1e9 - age))
    return tmp_path / "store"


def size(folder: Path) -> int:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def test_the_least_used_go_first(store):
    half = size(store / "a") + size(store / "b")
    assert {f.name for f in make_room(store, half)} == {"c", "d"}
    assert {f.name for f in store.iterdir()} == {"a", "b"}
    assert make_room(store, half) == []


def test_what_a_killed_process_was_removing_goes(store):
    (store / "a").rename(store / ".a-going")
    assert make_room(store, 10**9) == []
    assert {f.name for f in store.iterdir()} == {"b", "c", "d"}


def test_what_is_shown_or_written_stays(store):
    maps = hold(open_maps(store / "d"), store / "d", store)
    with alone_in(store / "c", ".unfinished/lock"):
        assert {f.name for f in make_room(store, 0)} == {"a", "b"}
    assert {f.name for f in store.iterdir()} == {"c", "d"}
    del maps
    assert {f.name for f in make_room(store, 0)} == {"c", "d"}


def test_use_is_noted_and_the_day_it_was_made_stays(store):
    made = (store / "d/manifest.json").stat().st_mtime
    hold(open_maps(store / "d"), store / "d", store)
    assert (store / "d/manifest.json").stat().st_mtime == made
    assert {f.name for f in make_room(store, size(store / "d"))} == {"a", "b", "c"}


def test_nothing_is_written_beside_results_of_others(store, tmp_path):
    hold(open_maps(store / "a"), store / "a", tmp_path / "elsewhere")
    assert not (store / "a/.used").exists()


def test_results_of_scenes_that_are_gone_go_however_much_room_there_is(store, tmp_path):
    scene = tmp_path / "scene.tif"
    scene.touch()
    write_result(store / "kept", inputs=[str(scene)])
    write_result(store / "gone", inputs=[str(tmp_path / "upload.tif")])
    assert [f.name for f in make_room(store, 10**9)] == ["gone"]


def test_the_limit_is_the_operators(monkeypatch):
    monkeypatch.setenv("LCZLIB_STORE_GB", "0.5")
    assert limit() == 500_000_000
    monkeypatch.setenv("LCZLIB_STORE_GB", "")
    assert limit() == 10_000_000_000


def test_results_of_own_files_are_of_this_study_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    study, other = (Study(tmp_path / n, tmp_path / "cache", Places()) for n in ("one", "two"))
    place = Place("own", "Own files", "your uploads")
    assert store_of(Material(place, private=True), study.context) == tmp_path / "one/results"
    assert store_of(Material(place), study.context) == study.context.store
    mine = write_result(tmp_path / "one/results/x", inputs=["../../uploads/1/garden.tif"])
    folder, city = demo_path()
    public = write_result(tmp_path / "cache/results/p", inputs=[str(folder)], city=city)
    # as earlier versions left them: of an upload, and of a public scene with an own radar scene
    write_result(tmp_path / "cache/results/old", inputs=[str(tmp_path / "two/upload.tif")])
    write_result(tmp_path / "cache/results/mixed", inputs=[str(folder)], sentinel1=["s1.tif"])
    assert set(existing_results(study.context).values()) == {mine, public}
    assert set(existing_results(other.context).values()) == {public}


def test_room_is_made_while_runs_write_and_remove(store):
    """The sizes of files are counted while runs remove theirs, whole folders among them."""
    stop = threading.Event()

    def write():
        while not stop.is_set():
            deep = store / "a" / ".unfinished" / "layers"
            deep.mkdir(parents=True, exist_ok=True)
            (deep / "one.tif").write_bytes(b"1" * 100)
            shutil.rmtree(deep.parent, ignore_errors=True)

    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(write)
        try:
            for _ in range(300):
                assert make_room(store, 10**9) == []
        finally:
            stop.set()
        assert writing.result() is None


def test_the_demo_city_that_another_process_simulates_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path))
    folder, city = demo_path()
    with ThreadPoolExecutor(1) as other, waited_for(folder, None):
        asked = other.submit(demo_folder)
        with pytest.raises(TimeoutError):
            asked.result(0.5)
        assert not folder.exists()
        folder.mkdir()
        (folder / "complete").touch()
    assert asked.result() == (folder, city)
    assert [p.name for p in folder.iterdir()] == ["complete"]  # nothing is simulated again
