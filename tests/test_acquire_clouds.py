"""Clouds: real ones over a real place, at random places on twelve days, with a classification of their own.

The two images are of one place, with clouds and without (SEN12MS-CR, L1C). What is pasted is the cloud with
the haze around it; the classification is made of brightness alone, sees less of it, and is not ESA's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from stac.scenes import TWENTY, halved, write_scene
from stac.server import serve

from lczlib.acquire import composite
from lczlib.acquire.medians import leave_out_haze, reduced
from lczlib.acquire.quality import best_days
from lczlib.jobs.get import run
from lczlib.jobs.get_request import GetRequest
from lczlib.scenes.bands import ALL_BANDS, BANDS

DAYS = 12
_TEN = [ALL_BANDS.index(b) for b in BANDS]
_PASTED = {"its cloud alone": 800, "with its haze": 300, "with its faintest haze": 150}
"""DN that the cloudy image is brighter by in blue where it is pasted."""


def read(file: Path) -> tuple[np.ndarray, GeoBox]:
    with rasterio.open(file) as src:
        box = GeoBox(src.shape, src.transform, src.crs.to_string())
        return src.read(), box


@pytest.fixture(scope="module", params=_PASTED)
def sky(request, shared: Path, tmp_path_factory):
    """The service, the place without clouds, and where each day is truly clear."""
    folder = tmp_path_factory.mktemp("clouds")
    start = str(shared / "data" / "s1s2_pairs" / "ROIs1970_fall_139_p839_s2_")
    clear, box = read(Path(f"{start}cloudfree.tif"))
    cloudy, _ = read(Path(f"{start}cloudy.tif"))
    clear, cloudy = clear[_TEN], cloudy[_TEN]
    for image in (clear, cloudy):
        for i, band in enumerate(BANDS):
            if band in TWENTY:
                image[i] = halved(image[i]).repeat(2, 0).repeat(2, 1)
    pasted = cloudy[0] > clear[0] + _PASTED[request.param]
    draw = np.random.default_rng(7)
    items, truly = [], []
    for day in range(DAYS):
        shift = tuple(2 * draw.integers(0, 128, 2))
        over = np.roll(pasted, shift, (0, 1))
        image = np.where(over, np.roll(cloudy, shift, (1, 2)), clear).astype(np.uint16)
        scl = np.where(image[0] > 2200, 9, 5).astype(np.uint8)
        when = f"2019-10-{day + 1:02d}T02:46:00Z"
        items.append(
            write_scene(
                folder, "pc", f"day{day:02d}", when, image, scl, box, baseline="02.08", tile="50SQC"
            )
        )
        truly.append(~over)
    service, stop = serve(folder, items)
    yield request.param, service, clear, np.array(truly), box
    stop()


@pytest.fixture
def used(monkeypatch):
    """Of each tile its grid, its dates, and (y, x, day) which pixels of which day it was made of."""
    tiles = []
    make = composite.composite

    def noted(stack, *more):
        tiles[-1].append(stack[:, :, 0] > 0)
        return reduced(stack, *more)

    def tile(days, box, access, **more):
        tiles.append([box, [d.date for d in days]])
        return make(days, box, access, **more)

    def noted_best(stack, shares):
        tiles[-1].append(stack[:, :, 0] > 0)
        return best_days(stack, shares)

    monkeypatch.setattr(composite, "reduced", noted)
    monkeypatch.setattr(composite, "best_days", noted_best)
    monkeypatch.setattr(composite, "composite", tile)
    return tiles


def on_days(tiles: list, box: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    """Which days (day, y, x) of a grid's pixels were used; and which pixels were made at all."""
    out = np.zeros((DAYS, *box.shape), bool)
    made = np.zeros(box.shape, bool)
    for grid, dates, valid in tiles:
        rim = (valid.shape[0] - grid.shape[0]) // 2
        own = valid[rim : rim + grid.shape[0], rim : rim + grid.shape[1]]
        col, row = (round(v) for v in ~box.affine * (grid.affine.c, grid.affine.f))
        y, x = (np.arange(n) + at for n, at in zip(grid.shape, (row, col), strict=True))
        in_y, in_x = (y >= 0) & (y < box.shape[0]), (x >= 0) & (x < box.shape[1])
        for i, date in enumerate(dates):
            out[int(date[-2:]) - 1][np.ix_(y[in_y], x[in_x])] = own[in_y][:, in_x, i]
        made[np.ix_(y[in_y], x[in_x])] = True
    return out, made


@pytest.mark.slow
@pytest.mark.parametrize("method", ["geomedian", "median", "best"])
def test_clouds_leave_no_trace_and_the_clear_days_are_kept(sky, method, used, tmp_path):
    name, service, clear, truly, box = sky
    west, south, east, north = box.geographic_extent.boundingbox.bbox
    request = GetRequest(
        place=f"{west:.4f},{south:.4f},{east:.4f},{north:.4f}", start="2019-10-01", end="2019-10-31",
        provider=service.api, composite=method, max_cloud=100,
    )  # fmt: skip
    run(request, tmp_path).write(tmp_path)
    values, grid = read(next(tmp_path.glob("Sentinel-2/*/*/[0-9]*_*.tif")))
    count, _ = read(next(tmp_path.glob("Sentinel-2/*/*/clear_count.tif")))
    col, row = (round(v) for v in ~grid.affine * (box.affine.c, box.affine.f))
    rows, cols = (
        slice(max(at, 0), min(at + n, end))
        for at, n, end in zip((row, col), box.shape, grid.shape, strict=True)
    )
    inner = (
        slice(rows.start - row, rows.stop - row), slice(cols.start - col, cols.stop - col)
    )  # fmt: skip
    days, made = on_days(used, box)
    days, made, truly = days[:, *inner], made[inner], truly[:, *inner]
    assert made.mean() > 0.9
    assert (days.sum(0) == count[0, rows, cols])[made].all()
    got, want = values[:, rows, cols].astype(int), clear[:, *inner].astype(int)
    there = made & (truly.sum(0) >= 3)
    error = np.percentile(np.abs(got - want)[:, there], (95, 99))
    kept = (days & truly)[:, made].sum() / truly[:, made].sum()
    # what a mask that hides all but a hundredth would be praised for is not enough
    print(  # noqa: T201
        f"{name}, {method}: error {error[0]:.0f} DN (95th percentile), {error[1]:.0f} DN (99th); {kept:.1%} of "
        f"the clear days kept, {(days & ~truly)[:, made].sum() / (~truly)[:, made].sum():.1%} of the cloudy ones"
    )
    assert kept >= 0.8
    assert error[0] < 100
    assert (got[:, there] > 0).all(0).mean() > 0.99


def test_haze_is_left_out_by_its_blue_and_only_where_enough_is_left():
    stack = np.full((1, 4, len(BANDS), 6), 500, np.uint16)
    stack[0, 0, :, 4:] = 900  # haze on two days of six
    stack[0, 1, 0, 5] = 650  # within what a surface changes by
    stack[0, 2, :, 3:] = 0  # three clear days, of which one is hazy
    stack[0, 2, :, 2] = 900
    stack[0, 3] = 0
    before = stack.copy()
    leave_out_haze(stack, 200)
    assert (stack[0, 0, :, 4:] == 0).all()
    assert (stack[0, 0, :, :4] == 500).all()
    assert (stack[0, 1:] == before[0, 1:]).all()


def test_the_best_day_is_the_one_without_cloud_or_shadow_around_and_nearly_clear_days_come_first():
    day = np.array([400, 600, 500, 900, 2000, 2300, 2500, 2600, 1800, 1000], np.uint16)
    stack = np.repeat(np.tile(day[None, None, :, None], (30, 30, 1, 1)), 4, axis=3)
    stack[..., 1] += 1
    stack[..., 2] += 2
    stack[..., 3] += 3
    stack[10:20, 10:20, :, 0] += 4000  # a cloud that the classification missed
    stack[10:20, 10:20, :, 1] //= 8  # a shadow
    found = reduced(stack, "best", [0.3, 0.3, 0.3, 0.3], 1)
    assert (found[15, 15] == stack[15, 15, :, 2]).all()
    assert (found[0, 0] == stack[0, 0, :, 0]).all()
    found = reduced(stack, "best", [0.3, 0.3, 0.3, 0.01], 1)
    assert (found == stack[..., 3]).all()
    stack[5, 5] = 0
    assert not reduced(stack, "best", [0.3] * 4, 1)[5, 5].any()
