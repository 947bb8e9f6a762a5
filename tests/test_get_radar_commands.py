"""The commands that `lcz get` prints for what it has fetched: they can be pasted into a shell."""

from __future__ import annotations

import shlex

import shapely

from lczlib.acquire.passes import Pass, SlcProduct
from lczlib.acquire.places import Place
from lczlib.jobs.get_radar import ELEVATION_FILE, RadarResult, radar_folder
from lczlib.jobs.get_request import GetRequest

BOX = (152.987654, -27.512345, 153.087654, -27.412345)
NAME = "S1A_IW_SLC__1SDV_20230904T171300_20230904T171330_050181_0609FF_AAAA"


def test_paths_with_spaces_and_the_whole_box_come_through(tmp_path):
    folder = tmp_path / "my cities" / "$HOME"
    place = Place("Brisbane", "", None, BOX, None, "box")
    here = folder / radar_folder(place)
    for file in (here / "slc" / f"{NAME}.zip", here / "dem" / ELEVATION_FILE, here / "orbit/a.EOF"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    product = SlcProduct(NAME, "", 0, "", "ascending", shapely.box(*BOX))
    result = RadarResult(
        request=GetRequest(place="Brisbane", what=("s1-slc",)), place=place,
        passes={"one": Pass((product,), 1.0)}, work=tmp_path,
    )  # fmt: skip
    (text,) = result.commands(folder)
    words = shlex.split(text)
    assert words[:3] == ["lcz", "prepare-s1", str(here / "slc" / f"{NAME}.zip")]
    (box,) = (w.removeprefix("--roi=") for w in words if w.startswith("--roi="))
    assert tuple(map(float, box.split(","))) == BOX
    assert words[words.index("--dem") + 1] == str(here / "dem" / ELEVATION_FILE)
