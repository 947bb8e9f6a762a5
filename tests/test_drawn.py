"""Polygons drawn by hand become a reference like any other, or are refused with the reason."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lczlib.errors import InputError
from lczlib.references import open_reference
from lczlib.study.drawn import DrawnPolygon, drawn_table, write_drawn

SQUARE = ((13.30, 52.50), (13.31, 52.50), (13.31, 52.51), (13.30, 52.51))


def test_drawn_polygons_are_read_back_as_a_reference(tmp_path):
    # as a drawing tool leaves them: the corner that followed the pointer is there twice
    drawn = [
        DrawnPolygon(6, "Westend", (*SQUARE, SQUARE[-1])),
        DrawnPolygon(14, "", (*((x + 0.02, y) for x, y in SQUARE), (13.32, 52.50))),
        DrawnPolygon(2, "being drawn", SQUARE[:2]),
    ]
    path = write_drawn(drawn, tmp_path / "drawn.gpkg")
    table = open_reference(path)
    assert table["lcz"].tolist() == [6, 14]
    areas = table.geometry.area
    assert areas.between(0.7e6, 0.8e6).all()  # 0.01 by 0.01 degrees at 52.5 N: 0.68 by 1.11 km
    west, south, east, north = table.to_crs(4326).total_bounds
    assert (west, south, east, north) == pytest.approx((13.30, 52.50, 13.33, 52.51), abs=1e-6)


def test_a_polygon_across_180_degrees_stays_one():
    ring = ((179.99, -16.80), (-179.99, -16.80), (-179.99, -16.79), (179.99, -16.79))
    table = drawn_table([DrawnPolygon(7, "", ring)])
    assert table.geometry.area[0] == pytest.approx(2130 * 1107, rel=0.02)


@pytest.mark.parametrize(
    ("corners", "said"),
    [
        ((), "No polygon is drawn yet"),
        (SQUARE[:2], "No polygon is drawn yet"),
        ((SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]), "crosses itself"),
        (((13.3, 52.5), (13.3001, 52.5), (13.3, 52.5001)), "less than a quarter of a 100 m cell"),
    ],
)
def test_what_is_no_area_is_refused(corners, said):
    with pytest.raises(InputError, match=said):
        drawn_table([DrawnPolygon(1, "", corners)])


def test_the_class_of_a_polygon_is_what_was_chosen_when_it_was_begun(tmp_path, monkeypatch):
    pytest.importorskip("panel")
    from app.maps.display import to_mercator
    from app.maps.mapview import MapView
    from app.pages import map_draw
    from app.pages.map_draw import DrawCard
    from app.parts.palette import STANDARD

    monkeypatch.setattr(map_draw, "drawn_findings", lambda *_: [])  # they want a whole session
    taken = {}
    study = SimpleNamespace(
        context=None,
        reference_files=(),
        adapt_files=(),
        param=SimpleNamespace(update=taken.update, watch=lambda *_: None),
    )
    session = SimpleNamespace(
        place=SimpleNamespace(paused=False), folder=tmp_path, study=study,
        background=lambda work, done: done(work()),
    )  # fmt: skip
    view = MapView(STANDARD, title="drawn on")
    card = DrawCard(session, view)
    x, y = (list(v) for v in to_mercator(*map(list, zip(*SQUARE, strict=True))))
    card.lcz.value, card.name.value = 6, "first"
    view.rings.data = {"xs": [x[:2]], "ys": [y[:2]]}  # its first two corners
    card.lcz.value, card.name.value = 17, "second"
    view.rings.data = {"xs": [x], "ys": [y]}
    assert [(p.lcz, p.name) for p in card.polygons()] == [(6, "first")]
    far = [v + 3000 for v in x]
    view.rings.data = {"xs": [x, far], "ys": [y, y]}
    card.use.clicks += 1
    assert "your 2 polygons" in card.told.object
    (path,) = taken["reference_files"]
    assert open_reference(path)["lcz"].tolist() == [6, 17]
    view.rings.data = {"xs": [far], "ys": [y]}  # the first was deleted
    assert [(p.lcz, p.name) for p in card.polygons()] == [(17, "second")]
