"""Places are where the processor's own annotation has them, and orbits cover the scene or are refused."""

from pathlib import Path

import numpy as np
import pytest
from pyproj import Transformer

from lczlib.errors import InputError
from lczlib.sentinel1.deburst import Deburst, line_time
from lczlib.sentinel1.geocode import LIGHT, to_space
from lczlib.sentinel1.kernels import zero_doppler
from lczlib.sentinel1.orbit import annotated, from_file
from lczlib.sentinel1.product import Product, read_annotation
from lczlib.sentinel1.simulated import INTERVAL, RATE, Layout, View, write_eof, write_safe

LINE, SAMPLE = 0.05, 0.03
VIEW = View(3.1, 52.1)


def seen(orbit, positions):
    """Times and ranges of places (3, n)."""
    found = [zero_doppler(orbit.coefficients, *p, 0.0, np.empty((3, 3))) for p in positions.T]
    u, distance = np.array(found).T
    return orbit.middle + orbit.scale * u, distance


def misses(swath, orbit):
    ties = swath.ties
    time, distance = seen(orbit, to_space(ties.longitude, ties.latitude, ties.height)[0])
    return (
        np.abs(time - ties.time).max() / swath.line_interval,
        np.abs(2 * distance / LIGHT - ties.slant_range_time).max() * swath.sample_rate,
    )


def products(shared: Path):
    folder = shared / "data/sentinel1"
    return [
        *folder.glob("*/*.SAFE"),
        *folder.glob("slc_ipf*/*.zip"),
        *folder.glob("ipf_old*/*8255.zip"),
    ]


def test_all_annotated_places_lie_where_the_annotation_says(shared):
    n = 0
    for path in products(shared):
        product = Product(path)
        orbit = annotated(list(product.swaths.values()))
        for swath in product.swaths.values():
            line, sample = misses(swath, orbit)
            assert line < LINE, (path.name, swath.name, line)
            assert sample < SAMPLE, (path.name, swath.name, sample)
            n += 1
    assert n > 20


def test_early_detected_products_keep_the_range_though_their_annotated_times_are_off(shared):
    """Their tie points' own times are up to 0.3 of a line off, with any orbit; ranges agree."""
    for path in (shared / "data/sentinel1/ipf_old_grd").glob("*2015*.zip"):
        product = Product(path)
        line, sample = misses(product.any_swath, annotated(list(product.swaths.values())))
        assert sample < SAMPLE
        assert line < 0.5


def test_an_image_s_lines_hold_the_delay_that_the_processor_leaves(shared):
    (path,) = (shared / "data/sentinel1/slc_annotations_S1A_20230904").glob("*.SAFE")
    product = Product(path)
    orbit, image = annotated(list(product.swaths.values())), Deburst([product], ("VH", "VV"))
    late_at, slope = image.azimuth_shift
    assert slope == pytest.approx(-0.5, abs=1e-3)
    for swath in product.swaths.values():
        ties = swath.ties
        time, distance = seen(orbit, to_space(ties.longitude, ties.latitude, ties.height)[0])
        time = time + late_at + slope * 2 * distance / LIGHT
        off = (time - line_time(swath, ties.line)) / swath.line_interval
        assert np.abs(off).max() < 0.01  # 0.13 without it


def astray(text, by):
    """The file with one vector in its middle off by some metres."""
    rows = text.split("<Y>")
    value, rest = rows[len(rows) // 2].split("<", 1)
    rows[len(rows) // 2] = f"{float(value) + by}<{rest}"
    return "<Y>".join(rows)


@pytest.fixture
def azores(shared):
    folder = shared / "data/sentinel1/slc_real_window_S1A_IW3_VV_20220918"
    (xml,) = folder.glob("*.xml")
    return folder, read_annotation(xml.read_bytes(), xml.name)


def test_orbit_file_and_annotation_agree(azores):
    folder, swath = azores
    ties = swath.ties
    places = to_space(ties.longitude, ties.latitude, ties.height)[0]
    file, own = from_file(folder, [swath]), annotated([swath])
    assert (file.source, own.source) == ("restituted", "annotation")
    (t1, r1), (t2, r2) = seen(file, places), seen(own, places)
    assert np.abs(t1 - t2).max() / swath.line_interval < 0.01
    assert np.abs(r1 - r2).max() * 2 / LIGHT * swath.sample_rate < 0.01


def test_places_in_space_are_those_of_the_projection_library():
    longitude, latitude = np.array([3.1, -170.0, 0.0]), np.array([52.1, -33.0, 89.9])
    height = np.array([0.0, 4000.0, -50.0])
    to = Transformer.from_crs(4979, 4978, always_xy=True)
    assert (
        np.abs(
            to_space(longitude, latitude, height)[0] - to.transform(longitude, latitude, height)
        ).max()
        < 1e-6
    )


@pytest.fixture
def small(tmp_path):
    layout = Layout(VIEW, bursts=2, samples=400)
    path = write_safe(
        tmp_path,
        layout,
        lambda s, b, p, time, distance: np.ones((len(time), len(distance)), complex),
    )
    return layout, list(Product(path).swaths.values())


def test_a_precise_orbit_counts_before_a_restituted_one_and_both_give_the_pass(small, tmp_path):
    layout, swaths = small
    restituted = write_eof(tmp_path, layout, kind="RESORB")
    assert from_file(tmp_path, swaths).source == "restituted"
    precise = write_eof(tmp_path, layout)
    assert from_file(tmp_path, swaths).file == precise
    orbit = from_file(restituted, swaths)
    position, velocity = VIEW.state(np.array([0.5]))
    assert np.abs(orbit.position(np.array([62000.5])) - position).max() < 1e-3
    assert np.abs(orbit.velocity(np.array([62000.5])) - velocity).max() < 1e-3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("Sentinel-1A", "Sentinel-1B"), "is of S1B"),
        (lambda text: text[: len(text) // 2], "is no orbit file"),
        (lambda text: text.replace("EARTH_FIXED", "GM2000"), "is no orbit file"),
        (lambda text: text.replace("UTC=2023-09-04", "UTC=2023-09-05"), "does not cover the scene"),
        (lambda text: text.replace("<X>", "<X>1"), "damaged.*km from the Earth's centre"),
        (lambda text: astray(text, 50.0), "up to [0-9.]+ m away from a smooth orbit"),
    ],
)
def test_an_orbit_file_of_another_time_or_satellite_or_damaged_is_refused(
    small, tmp_path, change, says
):
    layout, swaths = small
    path = write_eof(tmp_path, layout)
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=says):
        from_file(path, swaths)


def test_a_folder_without_the_orbit_is_refused_with_what_else_can_be_done(small, tmp_path):
    _, swaths = small
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match=r"holds no orbit file.*--orbit annotation"):
        from_file(tmp_path / "none", swaths)
    with pytest.raises(InputError, match=r"does not exist"):
        from_file(tmp_path / "nothing.EOF", swaths)


def test_the_synthetic_pass_is_found_by_newton_where_bisection_finds_it(small):
    _, swaths = small
    orbit = annotated(swaths)
    longitude, latitude = np.array([3.05, 3.15, 3.1]), np.array([52.09, 52.11, 52.12])
    height = np.array([0.0, 300.0, 1500.0])
    time, distance = seen(orbit, to_space(longitude, latitude, height)[0])
    expected, ranges = VIEW.seen(longitude, latitude, height)
    assert np.abs(time - expected).max() / INTERVAL < 1e-3
    assert np.abs(distance - ranges).max() * 2 / LIGHT * RATE < 1e-3
