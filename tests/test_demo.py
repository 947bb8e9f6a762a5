"""`lcz demo`: the whole flow with nothing downloaded."""

import json
import subprocess
import sys

from lczlib.maps import open_lcz_map


def read(folder, kind):
    return json.loads((folder / kind / "assessment.json").read_text())


def test_the_demo_writes_maps_of_all_three_kinds_and_their_accuracy(demo):
    folder, _ = demo
    for kind in ("s1", "s2", "fused"):
        assert open_lcz_map(folder / f"{kind}_lcz.tif", scheme="1-17").shape == (60, 60)
        found = read(folder, kind)
        assert found["simulated"]
        assert found["oa_ci"][0] < found["oa"] < found["oa_ci"][1]
        assert found["n"] > 3500
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["simulated"]
    assert manifest["read"]


def test_radar_alone_is_clearly_worse_and_nothing_is_too_easy(demo):
    oa = {kind: read(demo[0], kind)["oa"] for kind in ("s1", "s2", "fused")}
    assert 0.4 < oa["s1"] < oa["s2"] - 0.1
    assert oa["s2"] < 0.985
    assert oa["fused"] > oa["s2"] - 0.01


def test_the_table_fits_a_terminal_and_says_what_is_simulated_and_next(demo):
    folder, text = demo
    assert text.startswith("A simulated city of")  # of its own scenes there is nothing to say
    table = text.split("n: cells.")[0]
    table = table.rpartition("Networks: ")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "95 % interval" in table
    assert "Networks: s1 demo_s1; s2 demo_s2; fused of these." in " ".join(text.split())
    assert "simulated" in text
    assert str(folder) in text.replace("\n", "")
    assert "Next: lcz app" in text


def test_demo_weights_are_refused_on_a_real_scene(shared, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "lczlib", "map", str(shared / "mirror/berlin_s2_20241024.tif"),
         "--weights", "demo_s2", "--out", str(tmp_path)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "simulated cities only" in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3
