"""The day of an image: by its metadata, by its name; where they differ neither is taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from lczlib.reading import readings
from lczlib.scenes import open_sentinel2
from lczlib.scenes.bands import BANDS
from lczlib.scenes.image_days import find_day


@pytest.mark.parametrize(
    ("tags", "day"),
    [
        ({"date": "2017-06-01"}, "2017-06-01"),
        ({"date": "2017/6/1"}, "2017-06-01"),
        ({"date": "20170601"}, "2017-06-01"),
        ({"date_acquired": "2017:06:01 10:30:31"}, "2017-06-01"),
        ({"datetime": "2017-06-01T10:30:31.024Z"}, "2017-06-01"),
        ({"datatake_1_datatake_sensing_start": "2017-06-01T10:30:31.024Z"}, "2017-06-01"),
        ({"date": "2017-06-01", "datetime": "2017-06-02T00:10:00+00:00"}, "2017-06-01"),
        ({"tifftag_datetime": "2017:06:01 10:30:31"}, ""),  # when the file was made
        ({}, ""),
    ],
)
def test_days_as_programs_write_them(tags: dict[str, str], day: str) -> None:
    found = find_day("image.tif", tags)
    assert (found.day, found.cautions) == (day, ())


@pytest.mark.parametrize(
    ("tags", "named", "why"),
    [
        ({"date": "July 2017"}, "", "is no day"),
        ({"date": "01/06/2017"}, "", "is no day"),  # the first of June, or the sixth of January
        ({"date": "2017-02-30"}, "", "is no day"),
        ({"date": "2017-06-01/2017-08-31"}, "", "names several days"),
        ({"date": "2017-06-01", "date_acquired": "2018-06-01"}, "", "neither day is taken"),
        ({"date": "2017-06-01"}, "2017-01-06", "neither day is taken"),
    ],
)
def test_what_is_no_day_or_two_is_not_taken(tags: dict[str, str], named: str, why: str) -> None:
    found = find_day("image.tif", tags, named)
    assert found.day == ""
    assert why in found.cautions[0]


def test_a_name_tells_the_day_where_the_metadata_names_several() -> None:
    found = find_day("image.tif", {"date": "2017-06-01/2017-08-31"}, "2017-06-05")
    assert (found.day, found.by) == ("2017-06-05", "by its name")


def test_a_raster_of_sentinel2_says_what_told_its_day(tmp_path: Path) -> None:
    path = tmp_path / "scene.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=40, height=40, count=len(BANDS), dtype="uint16",
        crs="EPSG:32633", transform=rasterio.transform.from_origin(400_000, 5_800_000, 10, 10),
    ) as out:  # fmt: skip
        out.write(
            np.random.default_rng(0).integers(300, 3000, (len(BANDS), 40, 40), dtype="uint16")
        )
        out.descriptions = tuple(BANDS)
        out.update_tags(datetime="2021-07-15T10:05:59Z")
    with readings() as told:
        assert open_sentinel2(path).attrs["date"] == "2021-07-15"
    assert "date 2021-07-15, by its metadata (datetime)" in " ".join(map(str, told))
