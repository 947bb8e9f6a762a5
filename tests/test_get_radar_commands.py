"""The commands that `lcz get` prints for what it has fetched: they can be pasted into a shell."""

from __future__ import annotations

import shlex
from pathlib import Path

import shapely

from lczlib.acquire.passes import Pass, SlcProduct
from lczlib.acquire.places import Place
from lczlib.cli.get import prepare_commands
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
    (text,) = prepare_commands(result, folder)
    words = shlex.split(text)
    assert words[:3] == ["lcz", "prepare-s1", str(here / "slc" / f"{NAME}.zip")]
    (box,) = (w.removeprefix("--roi=") for w in words if w.startswith("--roi="))
    assert tuple(map(float, box.split(","))) == BOX
    assert f"--dem={here / 'dem' / ELEVATION_FILE}" in words
    assert f"--out={folder / 'Sentinel-1' / place.folder_name}" in words


def test_each_pass_has_a_folder_of_its_own(tmp_path):
    place = Place("Brisbane", "", None, BOX, None, "box")
    here = tmp_path / radar_folder(place)
    passes = {}
    for season, day in (("one", "04"), ("two", "28")):
        product = SlcProduct(
            NAME.replace("20230904", f"202309{day}"), "", 0, "", "ascending", shapely.box(*BOX)
        )
        passes[season] = Pass((product,), 1.0)
        (here / "slc").mkdir(parents=True, exist_ok=True)
        (here / "slc" / f"{product.name}.zip").touch()
    for file in (here / "dem" / ELEVATION_FILE, here / "orbit/a.EOF"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    request = GetRequest(place="Brisbane", what=("s1-slc",))
    result = RadarResult(request=request, place=place, passes=passes, work=tmp_path)
    outs = [settings["out"] for _, settings in result.preparations(tmp_path)]
    own = Path("Sentinel-1") / place.folder_name
    assert outs == [tmp_path / own, tmp_path / "two" / own]
