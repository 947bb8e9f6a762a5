"""What was read is heard by whoever runs a job, once, and warned of where nobody listens."""

import json
import threading
import warnings

import numpy as np
import pytest

from lczlib.export import write_result
from lczlib.export.manifest import new_manifest
from lczlib.reading import InputWarning, Reading, counted, heard_so_far, readings, share, tell

ONE = Reading("LCZ map", "/data/lcz.tif", ("band 2 of 3", "3,400 cells"), ("Look.",), {"band": 2})


def test_a_reading_is_heard_once_by_all_who_listen():
    said = []
    with readings(said.append) as outer, readings() as inner:
        tell(ONE)
        tell(ONE)
    assert outer == inner == said == [ONE]
    assert str(ONE) == "LCZ map lcz.tif: band 2 of 3; 3,400 cells."
    assert not heard_so_far()


def test_a_file_read_twice_is_told_once_with_arrays_among_its_facts():
    with readings() as heard:
        for _ in range(2):
            tell(Reading("raster", "a.tif", facts={"scale": np.ones(2), "cells": {1: np.int64(3)}}))
    assert [dict(r.facts) for r in heard] == [{"scale": [1.0, 1.0], "cells": {"1": 3}}]


def test_cautions_are_warnings_where_nobody_listens():
    with pytest.warns(InputWarning, match=r"Look\."):
        tell(ONE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tell(Reading("LCZ map", "a.tif", ("read",)))


def test_another_thread_is_another_conversation():
    with readings() as heard:
        thread = threading.Thread(target=lambda: tell(Reading("LCZ map", "b.tif")))
        thread.start()
        thread.join()
    assert heard == []


def test_results_and_manifests_hold_what_was_read(tmp_path):
    with readings():
        tell(ONE)
        write_result(tmp_path / "r.json", {"oa": 1.0})
        manifest = new_manifest(tmp_path, "assess", parameters={}, inputs=[], outputs=[], seconds=0)
    read = json.loads((tmp_path / "r.json").read_text())["read"]
    assert read == manifest["read"]
    assert read[0]["file"] == "lcz.tif"
    assert read[0]["band"] == 2
    assert read[0]["cautions"] == ["Look."]


def test_numbers_are_said_with_their_nouns():
    assert counted(1, "row") == "1 row"
    assert counted(8551, "value") == "8,551 values"
    assert counted(2, "patch", "patches") == "2 patches"
    assert [share(a, 1000) for a in (0, 0.5, 500, 999.9, 1000)] == [
        "0.0 %", "< 0.1 %", "50.0 %", "> 99.9 %", "100.0 %",
    ]  # fmt: skip
