"""What the kinds of map are called, and their files; a result holds what it says."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lczlib.export import write_lcz_map
from lczlib.kinds import MADE, TITLES, Kind, by_title, lcz_file, of_season, proba_file
from lczlib.mapping import MapRequest
from lczlib.study import Study
from lczlib.study.material import open_maps


def test_a_kind_is_its_short_name_everywhere():
    assert Kind.FUSED == "fused" == f"{Kind.FUSED}" == json.loads(json.dumps(Kind.FUSED))
    assert (lcz_file(Kind.S1), proba_file("s2_wet")) == ("s1_lcz.tif", "s2_wet_proba.tif")
    assert of_season(Kind.S2, "dry") == "s2_dry"


def test_every_kind_has_a_title():
    assert TITLES["fused"] == TITLES.get("fused", "?") == "S1 + S2 fused"
    assert TITLES["landsat"] == TITLES.get("landsat") == "Landsat"
    assert TITLES["s2_2023-monsoon"] == "Sentinel-2, 2023-monsoon"
    assert len(set(TITLES.values())) == len(Kind)


def test_kinds_are_offered_in_one_order():
    given = ["landsat", "own", "fused", "s1"]
    assert [*by_title(given).values()] == ["s1", "fused", "own", "landsat"]


@pytest.mark.parametrize("listed", [True, False])
def test_a_result_of_each_kind_that_networks_make_is_a_finished_one(listed, write_tif, tmp_path):
    from lczlib.maps import open_lcz_map

    classes = np.tile(np.arange(1, 18, dtype=np.uint8), (17, 1))
    lcz = open_lcz_map(write_tif(classes, pixel=100))
    for kind in MADE:
        folder = tmp_path / kind
        write_lcz_map(folder / lcz_file(kind), lcz)
        manifest = {"command": "map", **({"kinds": [kind]} if listed else {})}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        assert [*open_maps(folder).kinds] == [kind]


def test_the_fusion_of_the_page_is_that_of_the_command():
    assert Study.param.fusion.default == MapRequest.fusion == "mean"
