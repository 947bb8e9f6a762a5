"""`lcz find-s1`: one pass of each relative orbit, nearest in time, with the slices that it takes."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
import shapely
import synthetic_bigearthnet as made
from pyproj import Transformer
from typer.testing import CliRunner

from lczlib.cli import app
from lczlib.jobs.find_s1 import FindS1Request, run
from lczlib.sentinel1.listed import ListedProduct, read_products, read_published
from lczlib.sentinel1.product import relative_orbit
from lczlib.sentinel1.select import select
from lczlib.sentinel1.tiles import Tile, read_tiles


def days(n: float) -> dt.datetime:
    return made.TIME + dt.timedelta(days=n)


def product(
    track: int, day: float, west: float, south: float, east: float, north: float, *, take: int, slice_: int = 0
) -> ListedProduct:  # fmt: skip
    """A product over a box in degrees, `slice_` of its pass."""
    start = days(day) + dt.timedelta(seconds=25 * slice_)
    name = made.product_name(track, start, take=take)
    return ListedProduct(name, shapely.box(west, south, east, north), True, track)


TILE = Tile(made.NAME, "33UUP", made.TIME, made.TILE, made.UUID)  # 12 to 13 east, 48 to 49 north


def test_of_each_relative_orbit_the_nearest_pass_is_taken():
    products = [
        product(95, -11, 11, 47, 14, 50, take=1),
        product(95, 1, 11, 47, 14, 50, take=2),
        product(95, 7, 11, 47, 14, 50, take=3),
        product(22, 4, 11, 47, 12.5, 50, take=4),
        product(22, -3, 11, 47, 12.5, 50, take=5),
        product(44, 30, 11, 47, 14, 50, take=6),  # too late
        product(51, 0, 20, 47, 24, 50, take=7),  # elsewhere
    ]
    found = select(TILE, products, days=12)
    assert [(p.track, round(p.days)) for p in found.passes] == [(95, 1), (22, -3)]
    assert found.covered == pytest.approx(1, abs=1e-9)
    assert found.passes[1].covered == pytest.approx(0.5, abs=0.01)


def test_a_nearer_pass_that_shows_less_is_passed_over():
    whole, nearer = product(95, 6, 11, 47, 14, 50, take=1), product(95, 0, 11, 48.5, 14, 50, take=2)
    (found,) = select(TILE, [whole, nearer], days=12).passes
    assert found.products == (whole,)
    (found,) = select(TILE, [nearer, product(95, 6, 11, 48.495, 14, 50, take=1)], days=12).passes
    assert found.products == (nearer,)  # by half a per cent it is not passed over


def test_a_pass_has_the_slices_that_it_takes_and_no_other():
    slices = [
        product(95, 0, 11, 46, 14, 48.01, take=1),  # adds nothing to the second
        product(95, 0, 11, 47.9, 14, 48.4, take=1, slice_=1),
        product(95, 0, 11, 48.4, 14, 50, take=1, slice_=2),
    ]
    (found,) = select(TILE, slices[::-1], days=12).passes
    assert found.products == tuple(slices[1:])
    assert found.covered == pytest.approx(1, abs=1e-3)


def test_orbits_that_nearer_ones_make_superfluous_can_be_left_out():
    products = [
        product(95, 1, 11, 47, 12.6, 50, take=1),
        product(22, -2, 12.5, 47, 14, 50, take=2),
        product(44, 5, 11, 47, 14, 50, take=3),
    ]
    assert [p.track for p in select(TILE, products, days=12).passes] == [95, 22, 44]
    assert [p.track for p in select(TILE, products, days=12, needed=True).passes] == [95, 22]


def test_a_tile_across_180_degrees_is_covered_from_both_sides():
    ground = shapely.MultiPolygon(
        [shapely.box(179.5, -17, 180, -16), shapely.box(-180, -17, -179.5, -16)]
    )
    tile = Tile("fiji", "01KAB", made.TIME, ground)
    west = product(95, 0, 178, -18, 180, -15, take=1)
    over = ListedProduct(
        made.product_name(22, days(1), take=2), shapely.box(179, -18, 181, -15), True, 22
    )
    assert select(tile, [west], days=12).covered == pytest.approx(0.5, abs=1e-3)
    assert select(tile, [over], days=12).covered == pytest.approx(1, abs=1e-6)


def by_another_way(tile: Tile, epsg: int, grounds: list[shapely.Geometry]) -> float:
    """Share of a tile that shapes cover: in its own UTM zone, by shapely alone."""
    to = Transformer.from_crs("EPSG:4326", f"EPSG:{epsg}", always_xy=True)

    def metres(shape: shapely.Geometry) -> shapely.Geometry:
        return shapely.transform(
            shape, lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1]))
        )

    whole = metres(tile.footprint)
    return whole.intersection(shapely.union_all([metres(g) for g in grounds])).area / whole.area


def test_all_tiles_of_bigearthnet(shared):
    folder = shared / "data/bigearthnet"
    listed = folder / "BigEarthNetSen2UUID2Sen1ProdName.npy"
    request = FindS1Request(
        tiles=folder / "BigEarthNetTileInfo_v2.npy", products=listed, compare=listed
    )
    result = run(request)
    assert len(result.selections) == 125
    partly = 0
    for one in result.selections:
        tracks = [relative_orbit(p.name[:3], int(p.name.split("_")[6])) for p in one.products]
        of_track = defaultdict(set)
        for track, p in zip(tracks, one.products, strict=True):
            of_track[track].add(p.of_pass)
        assert all(len(passes) == 1 for passes in of_track.values()), one.tile.name
        assert len(of_track) == len(one.passes)
        grounds = [p.ground for p in one.products]
        other = by_another_way(one.tile, one.tile.grid.epsg, grounds)
        assert one.covered == pytest.approx(other, abs=1e-3)
        partly += one.covered < 0.999
    assert 0 < partly < 20
    against = [s.against for s in result.selections]
    assert sum(bool(a.repeated_as_passes) for a in against) == 55
    assert sum(bool(a.repeated_as_passes or a.repeated_as_slices) for a in against) == 80
    assert sum(len(a.published) for a in against) == 666
    assert (
        "for 80 of 125 tiles: 55 with other passes, 25 only with slices" in result.comparison()[1]
    )


def test_no_nearer_pass_of_the_same_orbit_shows_as_much(shared):
    """The rule itself, for every tile, by trying all passes of the list."""
    folder = shared / "data/bigearthnet"
    products = read_products([folder / "BigEarthNetSen2UUID2Sen1ProdName.npy"], "GRDH")
    for tile in read_tiles([folder / "BigEarthNetTileInfo_v2.npy"])[::6]:
        passes = defaultdict(list)
        for p in products:
            if abs(p.start - tile.time) <= dt.timedelta(days=12):
                passes[p.track, p.of_pass].append(p)
        chosen = {p.track: p for p in select(tile, products, days=12).passes}
        for (track, _), slices in passes.items():
            covered = by_another_way(tile, tile.grid.epsg, [p.ground for p in slices])
            if track not in chosen:
                assert covered < 2e-3
                continue
            gap = min(abs(p.start - tile.time) for p in slices)
            nearer = gap + dt.timedelta(minutes=2) < abs(dt.timedelta(days=chosen[track].days))
            assert not (nearer and covered > chosen[track].covered + 2e-3)


def test_the_command_writes_tables_and_says_what_stays_uncovered(tmp_path):
    items = [
        made.product_item(made.product_name(95, days(1), take=1), shapely.box(11, 47, 12.7, 50)),
        made.product_item(made.product_name(95, days(-5), take=2), shapely.box(11, 47, 12.7, 50)),
        made.product_item(made.product_name(22, days(2), take=3), shapely.box(11, 48.6, 14, 50)),
    ]
    lists = made.write_items(tmp_path / "products.json", items)
    tile = made.write_tile_info(tmp_path / "tiles.npy")
    published = made.write_published(
        tmp_path / "published.npy", {made.UUID: [i["id"] for i in items[:2]]}
    )
    out = tmp_path / "found"
    command = [
        "find-s1",
        str(tile),
        "--products",
        str(lists),
        "--compare",
        str(published),
        "--out",
        str(out),
    ]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    said = " ".join(done.output.split())
    assert "It repeats a relative orbit for 1 of 1 tiles: 1 with other passes" in said
    # 0.3 x 0.6, and what lies between a parallel and the straight line of a product's edge
    assert "2 GRDH products for 1 tile, 0 of them covered whole; 18.3 % of their area stays" in said
    table = pd.read_csv(out / "products.csv")
    assert table["product"].tolist() == [items[0]["id"], items[2]["id"]]
    assert table["relative_orbit"].tolist() == [95, 22]
    row = pd.read_csv(out / "tiles.csv").iloc[0]
    assert row["uncovered_percent"] == pytest.approx(18.3, abs=0.1)
    assert (row["published"], row["same"]) == (2, 1)
    assert row["published_uncovered_percent"] == pytest.approx(30, abs=0.2)
    document = json.loads((out / "find_s1.json").read_text())
    assert document["products"] == sorted([items[0]["id"], items[2]["id"]])
    assert document["tiles"][0]["passes"][0]["relative_orbit"] == 95
    assert (out / "manifest.json").is_file()


def test_a_published_list_of_other_tiles_is_said_to_be_so(tmp_path):
    item = made.product_item(made.product_name(95, days(1), take=1), shapely.box(11, 47, 14, 50))
    published = made.write_published(tmp_path / "a.npy", {"another": [item["id"]]})
    lists = made.write_items(tmp_path / "a.json", [item])
    result = run(FindS1Request(tiles=made.write_safe(tmp_path), products=lists, compare=published))
    assert result.comparison() == []
    assert (
        "The published list has none of these tiles: it goes by the UUIDs" in result.cautions()[0]
    )


def test_a_result_is_made_again_from_its_manifest(tmp_path):
    item = made.product_item(made.product_name(95, days(1), take=1), shapely.box(11, 47, 14, 50))
    lists = made.write_items(tmp_path / "a.json", [item])
    tiles = made.write_tile_info(tmp_path / "tiles.npy")
    command = ["find-s1", str(tiles), "--products", str(lists), "--only", "33UUP", "--days", "5"]
    first, again = tmp_path / "first", tmp_path / "again"
    for words in ([*command, "--out", str(first)], ["rerun", str(first), "--out", str(again)]):
        assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    for name in ("products.csv", "tiles.csv"):
        assert (first / name).read_bytes() == (again / name).read_bytes()


def test_a_tile_that_nothing_shows_is_named(tmp_path):
    far = made.product_item(made.product_name(95, days(1), take=1), shapely.box(40, 10, 43, 12))
    result = run(
        FindS1Request(
            tiles=made.write_safe(tmp_path), products=made.write_items(tmp_path / "a.json", [far])
        )
    )
    assert result.selections[0].covered == 0
    assert result.cautions() == [
        f"No product shows {made.NAME} within 12 days: give a list with more products."
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tiles": "no.npy"}, "The list of tiles no.npy cannot be read"),
        ({"products": "no.json"}, "The list of products no.json cannot be read"),
        ({"kind": "SLC"}, "The lists hold no IW SLC product of VV and VH"),
        ({"only": ("32UQD",)}, "None of the 1 tiles is called '32UQD'"),
    ],
)
def test_what_cannot_be_found_is_said_in_a_sentence(tmp_path, monkeypatch, change, says):
    monkeypatch.chdir(tmp_path)
    item = made.product_item(made.product_name(95, days(1), take=1), made.TILE)
    given = {
        "tiles": made.write_safe(tmp_path),
        "products": made.write_items(tmp_path / "a.json", [item]),
    }
    given |= change
    command = ["find-s1", str(given.pop("tiles")), "--products", str(given.pop("products"))]
    command += [w for k, v in given.items() for w in (f"--{k}", v if isinstance(v, str) else v[0])]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert says in str(done.exception)


def test_published_names_are_those_of_the_file(tmp_path):
    file = made.write_published(tmp_path / "a.npy", {"u": ["S1A_x.SAFE"]})
    assert read_published(file) == {"u": ["S1A_x"]}
