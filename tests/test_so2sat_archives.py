"""Archives of a So2Sat city, read as they are: the same as of the folder, and nothing written outside."""

import io
import json
import os
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio

from lczlib import archives
from lczlib.errors import InputError
from lczlib.jobs.published_maps import map_file
from lczlib.mapping import map_city
from lczlib.map_request import MapRequest
from lczlib.reading import readings
from lczlib.scene_options import SceneOptions
from lczlib.scenes import open_scenes
from lczlib.scenes.simulation import simulate_city, write_so2sat

NAME = "00000_00000_Simulated"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """The demo city as a So2Sat folder."""
    return write_so2sat(simulate_city(3, size=4), tmp_path_factory.mktemp("city") / "gul", NAME)


def pack(folder: Path, target: Path, top: str = "", only: str = "") -> Path:
    """The files of a folder as an archive of the kind that the name says, below a folder `top`."""
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() and only in str(f)]
    names = {f: f"{top}{f.relative_to(folder).as_posix()}" for f in files}
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
            for file, name in names.items():
                out.write(file, name)
    else:
        with tarfile.open(target, "w" if target.suffix == ".tar" else "w:gz") as out:
            for file, name in names.items():
                out.add(file, name)
    return target


def opened(*inputs, **options):
    return open_scenes([*map(str, inputs)], SceneOptions(**options))


def same(one, other) -> None:
    assert list(one.scenes) == list(other.scenes)
    for name, scene in one.scenes.items():
        for band in scene.data_vars:
            np.testing.assert_array_equal(scene[band].values, other.scenes[name][band].values)


@pytest.mark.parametrize(
    ("file", "top"), [("data.zip", "data/"), ("x.tar", "./"), ("x.tar.gz", ""), ("x.tgz", "a/b/")]
)
def test_an_archive_is_read_as_its_folder(city, tmp_path, file, top):
    found = opened(pack(city, tmp_path / file, top))
    assert found.name == NAME
    assert found.sentinel1_time == opened(city).sentinel1_time
    same(found, opened(city))
    assert found.seasons["spring"].attrs["files"] == [str(tmp_path / file)]
