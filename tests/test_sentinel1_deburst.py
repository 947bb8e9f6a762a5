"""Bursts and sub-swaths are laid side by side without changing a pixel, with seams midway."""

import shutil

import numpy as np
import pytest

from lczlib.errors import InputError
from lczlib.sentinel1.deburst import Deburst, Window
from lczlib.sentinel1.geocode import LIGHT
from lczlib.sentinel1.product import Product
from lczlib.sentinel1.simulated import (
    EDGE,
    INTERVAL,
    LINES,
    OVERLAP,
    RATE,
    TIME,
    Layout,
    View,
    write_safe,
)

LAYOUT = Layout(View(3.1, 52.1), bursts=3, samples=500)
STEP = LAYOUT.samples - LAYOUT.shared


def coded(swath, burst, polarisation, time, distance):
    """Real part: the place on the common grid; imaginary part: swath and burst."""
    line = np.rint((time - TIME) / INTERVAL)[:, None]
    sample = np.rint((2 * distance / LIGHT) * RATE)[None, :]
    place = (7 * line + 3 * sample) % 2000 + (500 if polarisation == "VH" else 1000)
    return place + 1j * (10 * int(swath[2]) + burst + 1)


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    return Product(write_safe(tmp_path_factory.mktemp("safe"), LAYOUT, coded))


@pytest.fixture(scope="module")
def image(product):
    return Deburst([product], ("VH", "VV"))


def test_every_pixel_keeps_its_place(image):
    for polarisation in ("VH", "VV"):
        values, valid = image.read(image.whole, polarisation)
        for axis, step in ((0, 7), (1, 3)):
            both = np.logical_and(*(np.delete(valid, i, axis) for i in (0, -1)))
            change = np.diff(values.real, axis=axis)[both]
            assert set(np.unique(change % 2000)) == {step}
        assert (values[~valid] == 0).all()


def test_seams_lie_midway_between_what_is_valid_on_both_sides(image):
    values, valid = image.read(image.whole, "VV")
    code = values.imag.astype(int)
    middle = STEP + LAYOUT.samples // 2  # of IW2
    column = code[:, middle]
    first = [int(np.flatnonzero(column == c)[0]) for c in (21, 22, 23)]
    start = round((LAYOUT.start(1, 0) - image.time) / INTERVAL)
    seams = [start + k * LAYOUT.step + (LINES - EDGE + EDGE - LAYOUT.step) // 2 for k in (1, 2)]
    assert LINES - LAYOUT.step == OVERLAP
    assert first == [start + EDGE, *seams]
    row = code[seams[0] + 20] // 10
    for k, (near, far) in enumerate(((1, 2), (2, 3)), start=1):
        last_valid, first_valid = (k - 1) * STEP + LAYOUT.samples - EDGE - 1, k * STEP + EDGE
        seam = int(np.flatnonzero(row == far)[0])
        assert abs(seam - 0.5 - (last_valid + first_valid) / 2) <= 0.5
        assert row[seam - 1] == near
    assert set(np.unique(row[valid[seams[0] + 20]])) == {1, 2, 3}


def test_windows_hold_what_the_whole_holds(image):
    whole, valid = image.read(image.whole, "VH")
    window = Window(150, 300, 420, 900)
    part, there = image.read(window, "VH")
    assert np.array_equal(part, whole[150:420, 300:900])
    assert np.array_equal(there, valid[150:420, 300:900])
    beyond, none = image.read(Window(-30, -20, 10, 15), "VH")
    assert np.array_equal(none[30:, 20:], valid[:10, :15])
    assert not none[:30].any()
    assert not beyond[:30].any()


def test_the_simulated_product_is_exact_over_its_seams(shared):
    (path,) = (shared / "data/sentinel1/simulated").glob("S1A*")
    image = Deburst([Product(path)], ("VH", "VV"))
    assert image.off_grid < 0.0012
    assert {p.left for p in image.pieces} == {0, 19942, 43812}
    near = [p for p in image.pieces if p.swath == "IW2"][3]
    for polarisation in ("VH", "VV"):
        values, _ = image.read(Window(near.end - 250, 19800, near.end + 300, 20900), polarisation)
        for axis, real, imaginary in ((0, 7, 5), (1, 3, -11)):
            both = np.logical_and(*(np.delete(values != 0, i, axis) for i in (0, -1)))
            change = np.diff(values, axis=axis)[both]
            assert set(np.unique(change.real % 2000)) == {real}
            assert set(np.unique(change.imag % 1500)) == {imaginary % 1500}
            assert both.sum() > 100_000


def test_slices_of_one_pass_are_one_image(product, tmp_path, image):
    """The second slice begins with a burst that the first one has too."""
    later = Layout(LAYOUT.view, bursts=3, samples=LAYOUT.samples)

    class Later(Layout):
        def start(self, swath, burst):
            return super().start(swath, burst + 2)

    path = write_safe(
        tmp_path, Later(later.view, later.bursts, later.samples), coded, name="LATER.SAFE"
    )
    both = Deburst([product, Product(path, epoch=product.any_swath.epoch)], ("VH", "VV"))
    assert [p.number for p in both.pieces if p.swath == "IW1"] == [0, 1, 2, 1, 2]
    values, valid = both.read(both.whole, "VV")
    inside = np.logical_and(valid[1:], valid[:-1])
    assert set(np.unique(np.diff(values.real, axis=0)[inside] % 2000)) == {7}
    assert both.lines - image.lines == 2 * LAYOUT.step


def test_bursts_off_one_grid_are_refused(product, tmp_path):
    copy = tmp_path / product.path.name
    shutil.copytree(product.path, copy)
    for file in (copy / "annotation").glob("s1a-iw2*.xml"):
        text = file.read_text()
        old = text.split("<slantRangeTime>")[1].split("<")[0]
        file.write_text(
            text.replace(
                f"<slantRangeTime>{old}<", f"<slantRangeTime>{float(old) + 0.4 / RATE!r}<", 1
            )
        )
    with pytest.raises(InputError, match=r"0\.40 of a line or sample off one grid"):
        Deburst([Product(copy)], ("VH", "VV"))


def test_a_missing_measurement_or_one_of_another_size_is_refused(product, tmp_path):
    copy = tmp_path / product.path.name
    shutil.copytree(product.path, copy)
    for file in (copy / "measurement").glob("s1a-iw2*"):
        file.unlink()
    for file in (copy / "measurement").glob("s1a-iw1-slc-vv*"):
        file.write_bytes(file.read_bytes()[:5000])
    image = Deburst([Product(copy)], ("VH", "VV"))
    with pytest.raises(InputError, match=r"lacks the measurement of IW2 VH"):
        image.read(Window(0, STEP + 100, 100, STEP + 200), "VH")
    with pytest.raises(InputError, match=r"cannot be read.*fetch the product again"):
        image.read(Window(0, 0, 100, 100), "VV")
