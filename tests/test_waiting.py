"""What a command spares its user: packages that it has no use for, and figures that are laid out twice."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy import special, stats

from lczlib import figures
from lczlib.analysis.confusion import confusion

COUNTS = confusion(np.repeat([2, 2, 6], [3, 1, 5]), np.repeat([2, 6, 6], [3, 1, 5]))


@pytest.fixture
def maps(write_tif):
    """Synthetic: a map of squares of 2, 6 and D, one that differs on a tenth of it, and a temperature in degC."""
    rng = np.random.default_rng(0)
    squares = rng.choice(np.array([2, 6, 14], np.uint8), (12, 12))
    codes = np.kron(squares, np.ones((10, 10), np.uint8))
    other = np.where(rng.random(codes.shape) < 0.1, np.uint8(6), codes)
    celsius = (24 - 0.3 * codes + 0.3 * rng.standard_normal(codes.shape)).astype(np.float32)
    return (
        write_tif(codes, "lcz.tif", pixel=100.0, nodata=0),
        write_tif(other, "other.tif", pixel=100.0, nodata=0),
        write_tif(celsius, "lst.tif", pixel=100.0, tags={"units": "degC"}),
    )


def imported(names: str, *words: object) -> set[str]:
    """Which of these packages a command has imported when it ends."""
    code = (
        "import sys; from lczlib.cli import main\n"
        "names, sys.argv = sys.argv[1].split(), ['lcz', *sys.argv[2:]]\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print('imported:', *(m for m in names if m in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, names, *map(str, words)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].removeprefix("imported:").split())


def test_a_comparison_imports_no_cluster_no_network_and_no_dashboard_backend(maps, tmp_path):
    first, second, _ = maps
    unused = "distributed torch sklearn holoviews.plotting.bokeh scipy.stats"
    words = ("compare", first, second, "--out", tmp_path / "out")
    assert imported(unused, *words) == set()
    assert (tmp_path / "out/areas.svg").is_file()


def test_an_assessment_imports_no_cluster_no_network_and_no_dashboard_backend(maps, tmp_path):
    first, second, _ = maps
    unused = "distributed torch sklearn holoviews.plotting.bokeh scipy.stats"
    words = ("assess", first, "--reference", second, "--replicates", 200, "--out", tmp_path / "out")
    assert imported(unused, *words) == set()
    assert (tmp_path / "out/confusion_matrix.png").is_file()


def test_a_heat_island_imports_no_cluster_no_network_and_no_dashboard_backend(maps, tmp_path):
    lcz, _, lst = maps
    unused = "distributed torch sklearn holoviews.plotting.bokeh"
    assert imported(unused, "uhi", lcz, "--lst", lst, "--out", tmp_path / "out") == set()
    assert (tmp_path / "out/ranked.png").is_file()


def test_the_cluster_is_found_where_the_user_has_named_it(maps, tmp_path, monkeypatch):
    first, second, _ = maps
    monkeypatch.setenv("DASK_SCHEDULER", "synchronous")
    words = ("compare", first, second, "--no-figures", "--out", tmp_path / "out")
    assert imported("distributed", *words) == {"distributed"}  # Dask looks, as it was told a name


def test_quantiles_without_the_statistics_package_are_its_own():
    at = np.r_[np.linspace(0.001, 0.999, 999), 0.95, 0.975]
    degrees = np.r_[np.arange(1, 500), 0.5, 1e6]
    np.testing.assert_array_equal(special.ndtri(at), stats.norm.ppf(at))
    np.testing.assert_array_equal(special.ndtr(-at), stats.norm.sf(at))
    np.testing.assert_array_equal(special.stdtrit(degrees, 0.975), stats.t.ppf(0.975, degrees))


def test_a_figure_in_two_formats_is_the_same_as_one_alone(tmp_path):
    figures.save_figures({"one": lambda: figures.confusion_figure(COUNTS)}, tmp_path)
    alone = figures.save_figure(figures.confusion_figure(COUNTS), tmp_path / "alone.png")
    pixels = [np.asarray(Image.open(p)) for p in (alone, tmp_path / "one.png")]
    np.testing.assert_array_equal(*pixels)
    assert "<svg" in (tmp_path / "one.svg").read_text()


def test_the_server_collects_as_usual_once_its_pages_are_loaded() -> None:
    code = (
        "import gc\n"
        "usual = gc.get_threshold()\n"
        "from app.panel_patches.memory import put_off, settle\n"
        "put_off()\n"
        "assert gc.get_threshold()[2] > usual[2]\n"
        "settle()\n"
        "assert gc.get_threshold() == usual\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
