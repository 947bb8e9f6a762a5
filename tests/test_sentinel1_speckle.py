"""The filters are those that the networks' data went through, and the published one is unbiased."""

import csv

import numpy as np
import pytest

from lczlib.sentinel1.speckle import HALO, filter_covariance, refined_lee_intensity


def covariance(n, vh=1.0, vv=1.0, rho=0.0, seed=1):
    """One-look covariance (4, n, n) of homogeneous, fully developed speckle."""
    parts = np.random.default_rng(seed).standard_normal((4, n, n)) * np.sqrt(0.5)
    first, second = parts[0] + 1j * parts[1], parts[2] + 1j * parts[3]
    a = np.sqrt(vh) * first
    b = np.sqrt(vv) * (rho * first + np.sqrt(1 - rho**2) * second)
    product = a * b.conj()
    return np.stack([np.abs(a) ** 2, product.real, product.imag, np.abs(b) ** 2])


def inner(image):
    return image[..., HALO + 1 : -HALO - 1, HALO + 1 : -HALO - 1]


def slowly(elements, nearer, s2=1.0):
    """The filter once more, written as the text has it, pixel by pixel with whole windows as masks."""
    y, x = np.mgrid[-3:4, -3:4]
    sides = {
        "e": x >= 0, "w": x <= 0, "n": y <= 0, "s": y >= 0, "ne": x >= y, "sw": x <= y, "nw": x + y <= 0,
        "se": x + y >= 0,
    }  # fmt: skip
    span = (elements[0] + elements[3]) / 2
    rows, columns = span.shape
    out = np.full(elements.shape, np.nan)
    for i, j in np.ndindex(rows, columns):
        if np.isnan(span[i, j]):
            continue
        top, left = max(i - 3, 0), max(j - 3, 0)
        block = np.s_[top : i + 4, left : j + 4]
        window = span[block]
        if window.shape == (7, 7) and np.isfinite(window).all():
            m = np.array(
                [[window[a : a + 3, b : b + 3].mean() for b in (0, 2, 4)] for a in (0, 2, 4)]
            )
            pairs = [
                (m[:, 2].sum() - m[:, 0].sum(), "e", "w", m[1, 2], m[1, 0]),
                (
                    m[0, 1] + m[0, 2] + m[1, 2] - m[1, 0] - m[2, 0] - m[2, 1],
                    "ne",
                    "sw",
                    m[0, 2],
                    m[2, 0],
                ),
                (m[0].sum() - m[2].sum(), "n", "s", m[0, 1], m[2, 1]),
                (
                    m[1, 0] + m[0, 0] + m[0, 1] - m[1, 2] - m[2, 2] - m[2, 1],
                    "nw",
                    "se",
                    m[0, 0],
                    m[2, 2],
                ),
            ]
            step, one, other, first, second = max(pairs, key=lambda p: abs(p[0]))
            if nearer:
                side = one if abs(first - m[1, 1]) < abs(second - m[1, 1]) else other
            else:
                side = other if step > 0 else one
            own = sides[side]
            assert own.sum() == 28
        else:
            own = np.isfinite(window)
        values = window[own]
        mean, variance = values.mean(), values.var(ddof=1)
        b = max((variance - mean**2 * s2) / (1 + s2), 0) / variance
        for k in range(4):
            local = elements[k][block][own].mean()
            out[k, i, j] = local + b * (elements[k, i, j] - local)
    return out


@pytest.mark.parametrize("how", ["refined-lee", "lee1999"])
def test_filters_equal_brute_force(how):
    image = covariance(26, 1, 3, 0.4)
    image[:, 8:, :] *= 6  # an edge
    image[:, :, 15:] *= np.linspace(1, 9, 11)
    image[:, 20, 20] = np.nan
    found = filter_covariance(image, how)
    expected = slowly(image, how == "lee1999")
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    there = np.isfinite(expected)
    assert np.abs(found[there] / expected[there] - 1).max() < 1e-9
    assert np.abs(found[there] - expected[there]).max() < 1e-12 * np.abs(expected[there]).max()


@pytest.mark.parametrize(
    ("how", "low", "high"), [("refined-lee", 0.885, 0.915), ("lee1999", 0.98, 1.02)]
)
def test_mean_and_looks_of_homogeneous_speckle(how, low, high):
    image = inner(filter_covariance(covariance(500), how))
    for power in (image[0], image[3]):
        assert low < power.mean() < high
        looks = power.mean() ** 2 / power.var()
        assert 20 < looks < 34
        if how == "refined-lee":
            assert looks > 25


def test_the_window_follows_the_stronger_channel():
    image = inner(filter_covariance(covariance(400, vh=1, vv=4), "refined-lee"))
    assert image[3].mean() / 4 == pytest.approx(0.87, abs=0.015)
    assert image[0].mean() == pytest.approx(0.96, abs=0.015)


@pytest.mark.parametrize("how", ["refined-lee", "lee1999"])
def test_the_filtered_covariance_stays_one(how):
    image = filter_covariance(covariance(120, 1, 5, 0.8).astype(np.float32), how).astype(float)
    cross = image[1] ** 2 + image[2] ** 2
    assert (cross <= image[0] * image[3] * (1 + 1e-5)).all()
    assert (image[[0, 3]] >= 0).all()


def test_edges_stay_sharp_and_none_changes_nothing():
    image = covariance(80)
    image[:, :, 40:] *= 100
    found = filter_covariance(image, "lee1999")
    assert found[0, 10:70, 36:39].mean() < 3
    assert found[0, 10:70, 41:44].mean() > 60
    assert filter_covariance(image, "none") is image


def test_a_part_is_filtered_as_in_the_whole():
    image = covariance(70).astype(np.float32)
    whole = filter_covariance(image, "refined-lee")
    part = filter_covariance(image[:, 20:60, 10:50].copy(), "refined-lee")
    assert np.array_equal(inner(part), inner(whole[:, 20:60, 10:50]))


def test_a_lone_pixel_keeps_its_value():
    image = np.full((4, 9, 9), np.nan)
    image[:, 4, 4] = 3.0, 0.5, 0.5, 2.0
    assert filter_covariance(image, "refined-lee")[:, 4, 4].tolist() == [3.0, 0.5, 0.5, 2.0]


def test_the_intensity_filter_meets_its_published_numbers(shared):
    with (shared / "goldens/refined_lee_7x7.csv").open() as file:
        rows = list(csv.DictReader(file))
    image, expected = np.zeros((7, 7)), np.zeros((7, 7))
    for row in rows:
        at = int(row["row"]), int(row["column"])
        image[at], expected[at] = float(row["input"]), float(row["output"])
    assert np.abs(refined_lee_intensity(image) - expected).max() < 1e-5


def test_the_intensity_filter_smooths_speckle_and_keeps_missing_pixels():
    power = covariance(300)[0]
    power[100, 100] = np.nan
    found = refined_lee_intensity(power)
    assert np.isnan(found[100, 100])
    assert np.isfinite(found).sum() == found.size - 1
    assert np.nanvar(inner(found)) < np.nanvar(power) / 3
