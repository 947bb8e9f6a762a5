"""Fixtures that several test files share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from bench_town import bench_town, town_polygons  # noqa: F401 - fixtures
from export_maps import all_classes, all_classes_file  # noqa: F401 - fixtures
from hypothesis import settings

from lczlib.cli.terms import face
from lczlib.terms import speaking

# The same examples in every run, so that a change is judged and not the draw. Others are looked for
# with HYPOTHESIS_PROFILE=default.
settings.register_profile("same", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(autouse=True)
def on_the_command_line():
    """Messages name settings as the command line does, whichever part of the library they are of."""
    with speaking(face):
        yield


@pytest.fixture(autouse=True)
def an_own_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the list of own folders goes: never into that of whoever runs the tests."""
    path = tmp_path / "own-catalog"
    monkeypatch.setenv("LCZLIB_CATALOG", str(path))
    return path


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference data beside the project; tests that need it skip where it is absent."""
    path = Path(__file__).resolve().parents[2] / "shared"
    if not path.is_dir():
        pytest.skip("needs the reference data in ../shared")
    return path


@pytest.fixture(scope="session")
def weights_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache folder for the whole run: weights are converted once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def mirror(shared: Path, weights_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Downloads come from the local mirror, hash-checked, into the run's own cache."""
    monkeypatch.setenv("LCZLIB_MIRROR", str(shared / "mirror"))
    monkeypatch.setenv("LCZLIB_CACHE", str(weights_cache))
    return shared / "mirror"


@pytest.fixture
def write_tif(tmp_path: Path):
    """Write a small synthetic GeoTIFF; returns its path."""

    def write(
        values: np.ndarray,
        name: str = "scene.tif",
        *,
        crs: str | None = "EPSG:32633",
        pixel: float = 10.0,
        origin: tuple[float, float] = (384040.0, 5820320.0),
        descriptions: tuple[str, ...] = (),
        tags: dict[str, str] | None = None,
        **profile: object,
    ) -> Path:
        values = values if values.ndim == 3 else values[None]
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with rasterio.open(
            path, "w", driver="GTiff", count=len(values), height=values.shape[1],
            width=values.shape[2], dtype=values.dtype, crs=crs,
            transform=rasterio.transform.from_origin(*origin, pixel, pixel), **profile,
        ) as dst:  # fmt: skip
            dst.write(values)
            for i, text in enumerate(descriptions, 1):
                dst.set_band_description(i, text)
            dst.update_tags(**(tags or {}))
        return path

    return write


@pytest.fixture
def run_lcz(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command line in this process: exit status, standard output, standard error in one line."""
    from lczlib.cli import main

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lcz", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        # usage errors are drawn in a box
        return code, printed.out, " ".join(printed.err.translate(_NO_BOX).split())

    return run


_NO_BOX = str.maketrans(dict.fromkeys("╭╮╰╯─│", " "))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The result folder of `lcz demo` on a small simulated city, and what it printed.

    Made with no network and an empty cache.
    """
    out = tmp_path_factory.mktemp("demo with space")
    environment = {**os.environ, "COLUMNS": "80", "LCZLIB_CACHE": str(out / "nothing-here"),
                   "LCZLIB_MIRROR": "http://127.0.0.1:9"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "lczlib", "demo", "--out", str(out / "lcz"), "--size", "6"],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (out / "nothing-here").exists()
    return out / "lcz", done.stdout


@pytest.fixture
def hurried(monkeypatch) -> None:
    """Shorter pauses between tries to read a file of a service."""
    from lczlib.acquire import faults

    monkeypatch.setattr(faults, "PAUSE", 0.01)


@pytest.fixture
def stac_service(tmp_path):
    """Start a STAC service of items whose files lie in the folder ``s``."""
    from stac.server import serve

    stops = []

    def begin(items):
        running, stop = serve(tmp_path / "s", items)
        stops.append(stop)
        return running

    yield begin
    for stop in stops:
        stop()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of a module: its own, and no mirror."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("LCZLIB_CACHE", str(folder))
        patch.delenv("LCZLIB_MIRROR", raising=False)
        yield folder
