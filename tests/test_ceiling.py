"""A map between two references: what is counted, and what the intervals hold."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import box as square

from lczlib.analysis.ceiling import QUANTITIES, ceiling
from lczlib.analysis.words import against_ceiling
from lczlib.errors import GridError, InputError
from lczlib.grid import on_grid

BOX = GeoBox((60, 80), Affine(100, 0, 500_000, 0, -100, 5_800_000), "EPSG:32633")


def layers(seed=0, shares=(0.8, 0.7), box=BOX):
    """A truth of squares, and three labellings that each follow it, or one another, in part."""
    rng = np.random.default_rng(seed)
    truth = np.kron(rng.integers(1, 18, (6, 8)), np.ones((10, 10), int))
    out = [truth]
    for share in shares:
        wrong = rng.integers(1, 18, truth.shape)
        out.append(np.where(rng.random(truth.shape) < share, truth, wrong))
    return [on_grid(v.astype(np.uint8), box) for v in out]


def by_hand(first, second, lcz):
    a, b, m = (v.values.ravel() for v in (first, second, lcz))
    ok = (a > 0) & (b > 0) & (m > 0)
    a, b, m = a[ok], b[ok], m[ok]
    apart = a != b
    mean = ((a == m).mean() + (b == m).mean()) / 2
    return {
        "references": (a == b).mean(), "map_first": (a == m).mean(), "map_second": (b == m).mean(),
        "map_mean": mean, "difference": mean - (a == b).mean(), "relative": mean / (a == b).mean(),
        "map_where_agreed": (a == m)[~apart].mean(), "with_first": (a == m)[apart].mean(),
        "with_second": (b == m)[apart].mean(), "with_neither": ((a != m) & (b != m))[apart].mean(),
        "all_differ": (apart & (a != m) & (b != m)).mean(),
    }  # fmt: skip


def test_every_quantity_is_the_share_it_says():
    first, second, lcz = layers()
    second[:3], lcz[:, -2:] = 0, 0
    found = ceiling(lcz, first, second, block=10)
    for name, value in by_hand(first, second, lcz).items():
        row = found.scores.loc[name]
        assert row["value"] == pytest.approx(value), name
        assert row["ci_low"] < row["value"] < row["ci_high"], name
    assert set(found.scores.index) == set(QUANTITIES)
    assert found.n == 57 * 78
    assert found.left_out == {"not_in_second": 3 * 80, "not_mapped": 57 * 2}
    shares = found.scores.loc[["with_first", "with_second", "with_neither"]]
    assert shares["value"].sum() == pytest.approx(1)
    assert (shares["n"] + found.scores.loc["map_where_agreed", "n"] == found.n).all()


def test_places_and_classes_of_disagreement_are_told():
    first, second, lcz = (on_grid(np.full(BOX.shape, 2, np.uint8), BOX) for _ in range(3))
    first[:, :40] = second[:, :40] = lcz[:, :40] = 6
    lcz[0, :5] = 3  # the references agree
    second[1, :4] = 5  # the map with the first
    first[2, :3] = 5  # the map with the second
    first[3, :2], lcz[3, :2] = 5, 14  # all three differ
    second[59] = 0
    found = ceiling(lcz, first, second, block=10)
    assert np.bincount(found.layer.values.ravel(), minlength=6).tolist() == [
        80, 59 * 80 - 14, 5, 4, 3, 2,
    ]  # fmt: skip
    assert found.disagreements.to_dict("records") == [
        {"first": "6", "second": "6", "map": "3", "cells": 5},
        {"first": "6", "second": "5", "map": "6", "cells": 4},
        {"first": "5", "second": "6", "map": "6", "cells": 3},
        {"first": "5", "second": "6", "map": "D", "cells": 2},
    ]
    assert str(found.layer.attrs["flag_meanings"]).split()[4] == "all_three_differ"


def polygons_of(codes):
    """Each square of ten by ten cells as a polygon."""
    shapes, lcz = [], []
    for row in range(0, 60, 10):
        for col in range(0, 80, 10):
            (west, north), (east, south) = (
                BOX.affine * (col, row),
                BOX.affine * (col + 10, row + 10),
            )
            shapes.append(square(west, south, east, north))
            lcz.append(int(codes[row, col]))
    frame = gpd.GeoDataFrame({"lcz": lcz, "polygon": range(len(lcz))}, geometry=shapes, crs=BOX.crs)
    return frame


def test_polygons_give_what_their_raster_gives_and_are_what_is_drawn():
    first, second, lcz = layers(4)
    drawn = ceiling(lcz, polygons_of(first.values), second)
    raster = ceiling(lcz, first, second, block=10)
    np.testing.assert_allclose(drawn.scores["value"], raster.scores["value"])
    assert (drawn.unit, drawn.n_units) == ("polygon", 48)
    assert (raster.unit, raster.n_units) == ("block", 48)
    other = ceiling(lcz, first, polygons_of(second.values), block=10)
    assert other.n == first.size


def test_intervals_hold_the_truth():
    """Squares are labelled wrong as a whole, so that cells are not independent; the expected share is known."""
    hits, n = 0, 120
    for seed in range(n):
        rng = np.random.default_rng(seed)
        truth = rng.integers(1, 18, (6, 8))
        wrong = (truth + rng.integers(1, 17, truth.shape) - 1) % 17 + 1
        second = np.where(rng.random(truth.shape) < 0.75, truth, wrong)
        lcz = np.where(rng.random(truth.shape) < 0.6, truth, wrong)
        grids = [
            on_grid(np.kron(v, np.ones((10, 10), int)).astype(np.uint8), BOX)
            for v in (truth, second, lcz)
        ]
        found = ceiling(grids[2], grids[0], grids[1], block=10, replicates=200, seed=seed)
        row = found.scores.loc["references"]
        hits += row["ci_low"] <= 0.75 <= row["ci_high"]
    assert hits / n > 0.9


def test_one_unit_has_no_interval():
    first, second, lcz = layers(2)
    found = ceiling(lcz, first, second, block=100)
    assert found.n_units == 1
    assert found.scores["ci_low"].isna().all()
    assert found.scores["value"].notna().all()


def test_references_that_do_not_meet_are_refused():
    first, second, lcz = layers(1)
    first[:, 40:], second[:, :40] = 0, 0
    with pytest.raises(InputError, match="No cell is labelled by both references and the map"):
        ceiling(lcz, first, second)
    other = GeoBox((60, 80), Affine(90, 0, 500_000, 0, -90, 5_800_000), "EPSG:32633")
    with pytest.raises(GridError):
        ceiling(lcz, *layers(1, (0.5,), other))


def test_a_reference_that_is_the_map_is_said_to_tell_nothing():
    first, second, lcz = layers(3)
    for name, found in (
        ("first", ceiling(lcz, lcz, second, block=10)), ("second", ceiling(lcz, first, lcz, block=10))
    ):  # fmt: skip
        assert f"The {name} reference and the map are alike in all of the" in against_ceiling(found)
    assert "nothing is learnt" not in against_ceiling(ceiling(lcz, first, second, block=10))


def test_both_equal_leaves_nothing_to_take_sides_in():
    first, _, lcz = layers(3)
    found = ceiling(lcz, first, first, block=10)
    assert found.scores.loc["references", "value"] == 1
    assert np.isnan(found.scores.loc["with_first", "value"])
    assert found.scores.loc["with_first", "n"] == 0
    assert found.scores.loc["relative", "value"] == found.scores.loc["map_first", "value"]
