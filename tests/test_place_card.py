"""One place, as every page with a map tells of it: classes, probabilities, reference, warmth, coordinates."""

from __future__ import annotations

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from lczlib.grid import on_grid
from lczlib.study.material import References
from lczlib.study.point import at_place

CRS = "EPSG:32633"
BOX = GeoBox((10, 10), Affine(100, 0, 500_000, 0, -100, 5_800_000), CRS)
TO_DEGREES = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
ROW, COL = 3, 6


def place_of(row: int, col: int) -> tuple[float, float]:
    """Longitude and latitude of the middle of a cell."""
    x, y = BOX.affine * (col + 0.5, row + 0.5)
    return TO_DEGREES.transform(x, y)


def layer(value: float, dtype: str = "uint8"):
    """A raster of one value at the picked cell and another elsewhere."""
    values = np.full(BOX.shape, 6, dtype)
    values[ROW, COL] = value
    return on_grid(values, BOX)


def study(**parts):
    found = SimpleNamespace(
        scene=None, maps=None, reference=None, own_map=layer(2), published=None, heat=None
    )
    for name, value in parts.items():
        setattr(found, name, value)
    return found


def heat(difference: float):
    classes = pd.DataFrame(
        {"difference": [1.5], "ci_low": [1.0], "ci_high": [2.0], "n_pixels": [40]},
        pd.Index([2], name="lcz"),
    )
    reference = SimpleNamespace(classes=(14,), short="LCZ D")
    result = SimpleNamespace(
        reference=reference, reference_temperature=21.0, difference=layer(difference, "float32"),
        classes=classes,
    )  # fmt: skip
    one = SimpleNamespace(stack=SimpleNamespace(sizes={"time": 3}), lcz=layer(2))
    return SimpleNamespace(pixels=True, result=result, overpass=one, kind="surface", level="95%")


def test_a_cell_is_told_where_it_lies_in_each_map():
    proba = np.zeros((17, 10, 10), np.float32)
    proba[1, ROW, COL], proba[5, ROW, COL] = 0.75, 0.25
    array = on_grid(proba, BOX, ("lcz", "y", "x"))
    maps = SimpleNamespace(kinds={"s2": layer(2)}, probabilities={"s2": array})
    found = at_place(study(maps=maps), place_of(ROW, COL))
    assert found.classes == {"s2": 2, "own": 2}
    assert found.probabilities["s2"][1] == 0.75
    beside = at_place(study(maps=maps), place_of(ROW, COL + 1))
    assert beside.classes == {"s2": 6, "own": 6}
    outside = at_place(study(maps=maps), place_of(ROW, 30))
    assert outside.classes == {"s2": 0, "own": 0}
    assert outside.probabilities == {}


@pytest.mark.parametrize("crs", [CRS, "EPSG:4326"])
def test_the_reference_is_told_by_polygons_and_by_points_near(crs):
    x, y = BOX.affine * (COL + 0.5, ROW + 0.5)
    areas = [shapely.box(x - 200, y - 200, x + 60, y + 200), shapely.box(x + 70, y, x + 400, y + 9)]
    for shapes in (areas, [shapely.Point(x + 30, y), shapely.Point(x + 90, y)]):
        frame = gpd.GeoDataFrame({"lcz": [2, 9], "polygon": [1, 2]}, geometry=shapes, crs=CRS)
        given = study(reference=References(frame.to_crs(crs), None, "test"))
        assert at_place(given, place_of(ROW, COL)).reference == (2,)
        assert at_place(given, place_of(ROW, COL - 4)).reference == ()


def test_warmth_is_of_the_pixel_with_its_zone_beside():
    warm = at_place(study(heat=heat(2.25)), place_of(ROW, COL)).warmth
    assert warm.temperature == pytest.approx(23.25)
    assert (warm.difference, warm.against, warm.dates) == (2.25, "LCZ D", 3)
    assert (warm.zone, warm.zone_interval, warm.n) == (2, (1.0, 2.0), 40)
    assert at_place(study(heat=heat(np.nan)), place_of(ROW, COL)).warmth is None
    assert at_place(study(heat=heat(2.25)), place_of(ROW, 30)).warmth is None


def test_the_card_says_what_is_known_with_what_it_rests_on():
    pytest.importorskip("panel")
    from app.parts.placepanel import said_of_place

    frame = gpd.GeoDataFrame(
        {"lcz": [2], "polygon": [1]}, geometry=[shapely.box(5e5, 5.79e6, 5.1e5, 5.81e6)], crs=CRS
    )
    given = study(heat=heat(2.25), reference=References(frame, None, "test"))
    text = said_of_place(at_place(given, place_of(ROW, COL)))
    for said in ("LCZ 2", "Reference polygon", "23.2 °C", "+2.2 K against LCZ D", "95% interval",
                 "40 pixels", "median of 3 dates"):  # fmt: skip
        assert said in text, said
    longitude, latitude = place_of(ROW, COL)
    assert f"{latitude:.5f}° N, {longitude:.5f}° E" in text
    nothing = said_of_place(at_place(study(own_map=None), (-3.5, -16.0)))
    assert "none of this place yet" in nothing
    assert "16.00000° S, 3.50000° W" in nothing
