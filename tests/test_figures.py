"""Figures: drawn to files without a browser, in both backends, showing the numbers they are given."""

import subprocess
import sys

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from PIL import Image

from lczlib import figures
from lczlib.analysis import assess, class_areas, compare, compare_all
from lczlib.analysis.calibration import calibration
from lczlib.analysis.confusion import confusion
from lczlib.errors import InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map, probabilities

BOX = GeoBox((60, 50), Affine(100, 0, 5e5, 0, -100, 5e6), "EPSG:32633")


@pytest.fixture(scope="module")
def results():
    """Synthetic maps of 60 x 50 cells and what the library says of them."""
    rng = np.random.default_rng(0)
    truth = np.kron(rng.choice([2, 6, 8, 11, 14, 17], (6, 5)), np.ones((10, 10), int))
    maps = [
        lcz_map(
            on_grid(
                np.where(rng.random(truth.shape) < q, truth, rng.integers(1, 18, truth.shape)), BOX
            )
        )
        for q in (0.8, 0.6)
    ]
    reference = lcz_map(on_grid(truth, BOX))
    p = rng.dirichlet(np.ones(17), truth.shape) + 2 * (
        maps[0].values[..., None] == np.arange(1, 18)
    )
    p = np.moveaxis(p / p.sum(-1, keepdims=True), -1, 0)
    proba = probabilities(on_grid(p, BOX, ("lcz", "y", "x")))
    return {
        "assessments": {
            n: assess(m, reference, replicates=100) for n, m in zip("ab", maps, strict=True)
        },
        "calibration": calibration(proba, reference, replicates=100),
        "comparison": compare(*maps, names=("S1", "S2")),
        "comparisons": compare_all({"S1": maps[0], "S2": maps[1], "reference": reference}),
        "areas": {n: class_areas(m)["area_km2"] for n, m in zip("ab", maps, strict=True)},
    }


def every_figure(results):
    counts = results["assessments"]["a"].counts
    return {
        "counts": figures.confusion_figure(counts, "counts"),
        "rows": figures.confusion_figure(counts, "rows"),
        "columns": figures.confusion_figure(counts, "columns"),
        "classes": figures.class_accuracy_figure(results["assessments"]),
        "reliability": figures.reliability_figure(results["calibration"]),
        "certainty": figures.certainty_figure(results["calibration"]),
        "areas": figures.areas_figure(results["areas"]),
        "cross": figures.cross_table_figure(results["comparison"]),
        "changes": figures.changes_figure(results["comparison"]),
        "agreement": figures.agreement_figure(results["comparisons"]),
    }


NAMES = [
    "counts",
    "rows",
    "columns",
    "classes",
    "reliability",
    "certainty",
    "areas",
    "cross",
    "changes",
    "agreement",
]


@pytest.mark.parametrize("name", NAMES)
def test_each_figure_becomes_a_png_and_an_svg(results, tmp_path, name):
    figure = every_figure(results)[name]
    png = figures.save_figure(figure, tmp_path / "new" / f"{name}.png")
    svg = figures.save_figure(figure, tmp_path / f"{name}.svg").read_text()
    pixels = np.asarray(Image.open(png).convert("L"))
    assert min(pixels.shape) > 300
    assert 0.01 < (pixels < 200).mean() < 0.9  # something is drawn
    assert svg.lstrip().startswith("<?xml")
    assert list(tmp_path.rglob(".*")) == []


@pytest.mark.parametrize("name", NAMES)
def test_each_figure_is_drawn_by_bokeh(results, name):
    import holoviews as hv

    hv.renderer("bokeh")
    plot = hv.renderer("bokeh").get_plot(every_figure(results)[name])
    assert plot.state is not None


def test_matplotlib_alone_is_enough_and_no_figure_is_imported_before_it_is_asked_for():
    code = (
        "import sys, numpy as np, lczlib.figures as f; from lczlib.analysis.confusion import confusion\n"
        "assert not {'holoviews', 'matplotlib', 'bokeh'} & set(sys.modules), 'imported too early'\n"
        "f.confusion_figure(confusion(np.array([1, 2]), np.array([1, 6])))\n"
        "import holoviews as hv\n"
        "assert hv.Store.loaded_backends() == ['matplotlib'], hv.Store.loaded_backends()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("loaded", ["bokeh", "matplotlib bokeh"])
def test_changes_are_saved_whatever_a_notebook_has_loaded(loaded, tmp_path):
    code = (
        "import sys, holoviews as hv, numpy as np; from lczlib.analysis import compare\n"
        "for name in sys.argv[1].split(): hv.extension(name)\n"
        "from lczlib.figures import changes_figure, save_figure\n"
        "from lczlib.grid import GeoBox, on_grid\n"
        "grid = GeoBox.from_bbox((0, 0, 400, 400), 'EPSG:32631', resolution=100)\n"
        "first, second = np.full((4, 4), 2, 'u1'), np.repeat([[2, 6, 9, 14]], 4, 0).astype('u1')\n"
        "maps = [on_grid(a, grid, ('y', 'x')) for a in (first, second)]\n"
        "save_figure(changes_figure(compare(*maps)), sys.argv[2])\n"
    )
    path = tmp_path / "changes.png"
    subprocess.run([sys.executable, "-c", code, loaded, str(path)], check=True)
    assert path.stat().st_size > 5000


def test_a_confusion_matrix_prints_per_cent_of_its_rows():
    counts = confusion(np.repeat([2, 2, 6], [3, 1, 5]), np.repeat([2, 6, 6], [3, 1, 5]))
    overlay = figures.confusion_figure(counts, "rows")
    mesh, *labels = overlay.values()
    np.testing.assert_array_equal(
        mesh.dimension_values("value", flat=False), [[75, 25], [np.nan, 100]]
    )
    printed = {
        (round(x), round(y), t)
        for part in labels
        for x, y, t in part.array(["column", "row", "printed"]).tolist()
    }
    assert printed == {(0, 0, "75"), (1, 0, "25"), (1, 1, "100")}


def test_intervals_are_those_of_the_assessment(results):
    import holoviews as hv

    layout = figures.class_accuracy_figure(results["assessments"])
    bars = next(iter(layout)).traverse(lambda e: e, [hv.ErrorBars])
    table = results["assessments"]["a"].classes
    seen = table["n_reference"] > 0
    np.testing.assert_allclose(
        bars[0].dimension_values("above"), (table["pa_ci_high"] - table["pa"])[seen].dropna()
    )


def test_maps_that_agree_have_no_changes_to_draw():
    same = lcz_map(on_grid(np.full(BOX.shape, 6), BOX))
    with pytest.raises(InputError, match="agree everywhere"):
        figures.changes_figure(compare(same, same))


def test_other_file_types_are_refused(results, tmp_path):
    with pytest.raises(InputError, match=r"\.png or \.svg"):
        figures.save_figure(every_figure(results)["areas"], tmp_path / "figure.pdf")


def test_a_map_to_explore_shows_the_classes_in_their_colours_and_names_them():
    import holoviews as hv
    from bokeh.models import HoverTool, LinearColorMapper

    from lczlib.classes import CLASSES

    codes = np.kron(np.array([[2, 6, 0], [11, 14, 17]]), np.ones((20, 20), int))
    box = GeoBox(codes.shape, Affine(100, 0, 5e5, 0, -100, 5e6), "EPSG:32633")
    lcz = lcz_map(on_grid(codes, box))
    for width in (700, 120):  # whole, and thinned
        plot = hv.renderer("bokeh").get_plot(figures.explore(lcz, width=width, height=width))
        source = plot.handles["source"]
        drawn = np.asarray(source.data["image"][0])
        assert set(np.unique(drawn)) == {0, 2, 6, 11, 14, 17}  # nothing between two classes
        top, bottom = drawn[-len(drawn) // 4], drawn[len(drawn) // 4]
        assert list(dict.fromkeys(top[top > 0])) == [2, 6]
        assert list(dict.fromkeys(bottom[bottom > 0])) == [11, 14, 17]
        mapper = plot.handles["color_mapper"]
        assert isinstance(mapper, LinearColorMapper)
        assert list(mapper.palette) == [c.color for c in CLASSES]
        assert (mapper.low, mapper.high) == (0.5, 17.5)
        hover = plot.state.select_one(HoverTool)
        assert "LCZ 6 open low-rise" in hover.formatters["@image"].code


def test_tiles_are_drawn_only_where_asked_for():
    import holoviews as hv
    from bokeh.models import TileRenderer

    lcz = lcz_map(on_grid(np.full(BOX.shape, 6), BOX))
    for asked in (False, True):
        plot = hv.renderer("bokeh").get_plot(figures.explore(lcz, tiles=asked))
        assert bool(list(plot.state.select({"type": TileRenderer}))) == asked
