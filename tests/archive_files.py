"""Archives of a small simulated city, and what is opened of them."""

import tarfile
import zipfile
from pathlib import Path

import numpy as np

from lczlib.scene_options import SceneOptions
from lczlib.scenes import open_scenes

NAME = "00000_00000_Simulated"


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
    """The scenes of inputs, as every command opens them."""
    return open_scenes([*map(str, inputs)], SceneOptions(**options))


def same(one, other) -> None:
    assert list(one.scenes) == list(other.scenes)
    for name, scene in one.scenes.items():
        for band in scene.data_vars:
            np.testing.assert_array_equal(scene[band].values, other.scenes[name][band].values)
