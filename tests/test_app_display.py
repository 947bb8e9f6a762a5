"""Rasters of any size are drawn where they lie, north up."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from PIL import Image
from pyproj import Transformer

pytest.importorskip("panel")

from app.maps.display import (
    MERCATOR,
    MOST_CELLS,
    Picture,
    bounds_in_mercator,
    levels_of,
    picture,
    projected,
    rgba_layer,
    rgba_picture,
    to_degrees,
    to_mercator,
)
from lczlib.grid import on_grid

CELL = 10.0
SIZES = {"small": (300, 400), "large": (1500, 1300)}
# rows and columns, as shares: in the north-west, off both diagonals
LOW, HIGH = np.array([0.10, 0.20]), np.array([0.22, 0.44])


def marked(size: tuple[int, int], dtype: str) -> xr.DataArray:
    """A raster in web mercator with one patch of ones."""
    box = GeoBox(size, Affine(CELL, 0, 300_000, 0, -CELL, 6_800_000), MERCATOR)
    values = np.zeros(size, dtype)
    (top, left), (bottom, right) = ((share * size).astype(int) for share in (LOW, HIGH))
    values[top:bottom, left:right] = 1
    return on_grid(values, box, ("y", "x"))


def centre_of_marks(shown: Picture) -> tuple[float, float]:
    """Web mercator x and y of the ones in what the browser gets: its first row is the lowest."""
    rows, cols = shown.values.shape
    row, col = (v.mean() + 0.5 for v in np.nonzero(shown.values))
    return shown.left + col / cols * shown.width, shown.bottom + row / rows * shown.height


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_raster_is_drawn_where_it_lies(size: str, dtype: str) -> None:
    data = marked(SIZES[size], dtype)
    assert (data.size > MOST_CELLS) == (size == "large")
    there = data.where(data > 0, drop=True)
    shown = picture(data)
    assert shown.values.size <= MOST_CELLS
    assert shown.values.dtype == dtype
    expected = float(there.x.mean()), float(there.y.mean())
    assert centre_of_marks(shown) == pytest.approx(expected, abs=CELL)


def test_a_part_of_a_large_raster_is_drawn_where_it_lies() -> None:
    data = marked(SIZES["large"], "uint8")
    there = data.where(data > 0, drop=True)
    x, y = float(there.x.mean()), float(there.y.mean())
    shown = picture(data, (x - 3500, y - 2000, x + 4000, y + 1500))
    assert centre_of_marks(shown) == pytest.approx((x, y), abs=CELL)


@pytest.mark.parametrize("size", SIZES)
def test_an_image_is_drawn_where_it_lies(size: str) -> None:
    data = marked(SIZES[size], "uint8")
    there = data.where(data > 0, drop=True)
    image = xr.concat([data * 255] * 3, "band").transpose("y", "x", "band")
    expected = float(there.x.mean()), float(there.y.mean())
    assert centre_of_marks(rgba_picture(image)) == pytest.approx(expected, abs=2 * CELL)


def test_a_city_across_180_degrees_is_shown_in_one_piece() -> None:
    x, y = Transformer.from_crs(4326, 32701, always_xy=True).transform(180.0, -16.8)  # Taveuni
    box = GeoBox.from_bbox((x - 5e3, y - 5e3, x + 5e3, y + 5e3), crs="EPSG:32701", resolution=100)
    lcz = on_grid(np.full(box.shape, 6, np.uint8), box)
    for shown in (picture(projected(lcz)), rgba_picture(on_grid(
        np.full((*box.shape, 3), 200, np.uint8), box, ("y", "x", "band")
    ))):  # fmt: skip
        left, bottom, right, top = shown.bounds
        assert right - left < 15_000
        assert (shown.values > 0).mean() > 0.85
        west, east = to_degrees(left, bottom)[0], to_degrees(right, top)[0]
        assert 179.9 < west <= 180
        assert -180 <= east < -179.9
        assert left < to_mercator(-179.99, -16.8, near=(left + right) / 2)[0] < right
        again = bounds_in_mercator((west, -16.85, east, -16.75), (left + right) / 2)
        assert again[0] == pytest.approx(left, abs=1)
        assert again[2] == pytest.approx(right, abs=1)


def test_a_map_is_drawn_by_geoviews_and_shows_classes_as_they_are() -> None:
    from app.maps.mapview import MapView
    from app.parts.palette import STANDARD

    view = MapView(STANDARD, title="test")
    lcz = marked(SIZES["small"], "uint8")
    view.show_classes(lcz)
    (image,) = view.classes.data["image"]
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, lcz.values[::-1])
    assert list(view.class_mapper.palette) == list(STANDARD)
    assert (view.class_mapper.low, view.class_mapper.high) == (0.5, 17.5)
    assert view.figure.x_range is view.x_range


def test_a_certainty_is_sent_as_the_percents_that_are_told() -> None:
    from app.maps.mapview import MapView
    from app.parts.palette import STANDARD

    view = MapView(STANDARD, title="test")
    lcz = marked(SIZES["small"], "uint8")
    sure = lcz.astype(np.float32).copy(data=np.full(lcz.shape, np.nan, np.float32))
    sure.values[0, :3] = 0.0, 0.504, 1.0
    view.show_classes(lcz, sure)
    (sent,) = view.classes.data["certainty"]
    assert sent[-1, :4].tolist() == [0, 50, 100, 255]


@pytest.mark.parametrize("size", SIZES)
def test_an_image_is_sent_packed_without_loss(size: str) -> None:
    from app.maps.mapview import MapView
    from app.parts.palette import STANDARD

    data = marked(SIZES[size], "uint8")
    rng = np.random.default_rng(0)
    colours = data.expand_dims(band=3).transpose("y", "x", "band").copy()
    colours.values[:] = rng.integers(1, 256, colours.shape)
    colours.values[0] = 0  # no data
    made = rgba_layer(colours)
    view = MapView(STANDARD, title="test")
    view.show_image(made)  # of a large one nothing: the view lies elsewhere
    left, bottom, right, top = data.odc.geobox.boundingbox
    view.x_range.update(start=left, end=right)
    view.y_range.update(start=bottom, end=top)
    view._redraw((left, bottom, right, top))
    (address,) = view._image.data["image"]
    assert address.startswith("data:image/webp;base64,")
    with Image.open(BytesIO(b64decode(address.split(",")[1]))) as file:
        sent = np.asarray(file.convert("RGBA"))
    shown = made if isinstance(made, Picture) else picture(made, view._windows["image"])
    pixels = np.ascontiguousarray(shown.values[::-1]).view(np.uint8).reshape(sent.shape)
    np.testing.assert_array_equal(sent[pixels[..., 3] > 0], pixels[pixels[..., 3] > 0])
    assert (sent[..., 3] == pixels[..., 3]).all()


def test_maps_beside_each_other_share_one_image() -> None:
    from app.maps.mapview import MapView
    from app.parts.palette import STANDARD

    first = MapView(STANDARD, title="first")
    second = MapView(STANDARD, title="second", beside=first)
    assert second.x_range is first.x_range
    sources = [m.figure.renderers[0].data_source for m in (first, second)]
    assert sources[0] is sources[1]


def test_a_large_map_is_sent_in_part_and_anew_only_when_the_view_leaves_it() -> None:
    from app.maps.mapview import MapView
    from app.parts.palette import STANDARD

    size = (4000, 3000)
    data = marked(size, "uint8")
    box = tuple(data.odc.geobox.boundingbox)
    view = MapView(STANDARD, title="test")
    view.x_range.update(start=box[0], end=box[2])
    view.y_range.update(start=box[1], end=box[3])
    view.show_classes(data)
    (coarse,) = view.classes.data["image"]
    assert coarse.size <= MOST_CELLS
    near = (304_000, 6_790_000, 308_000, 6_794_000)
    view._redraw(near)
    (fine,) = view.classes.data["image"]
    assert view.classes.data["dw"][0] / fine.shape[1] == CELL  # its own cells
    view._redraw(tuple(v + 300 for v in near))
    assert view.classes.data["image"][0] is fine
    view._redraw(tuple(v + 3000 for v in near))
    assert view.classes.data["image"][0] is not fine


def test_coarser_copies_hold_the_commonest_class() -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(1, 4, (1600, 1200)).astype(np.uint8)
    values[:400, :400][rng.random((400, 400)) < 0.8] = 9
    data = on_grid(values, GeoBox(values.shape, Affine(CELL, 0, 0, 0, -CELL, 0), MERCATOR))
    half = levels_of(data)[1]
    assert half.shape == (800, 600)
    blocks = values.reshape(800, 2, 600, 2).swapaxes(1, 2).reshape(800, 600, 4)
    counts = (blocks[..., None] == np.arange(10)).sum(2)
    assert (
        np.take_along_axis(counts, half[..., None].astype(int), 2)[..., 0] == counts.max(-1)
    ).all()
