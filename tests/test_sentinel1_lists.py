"""Lists of tiles and products: read whole, and nothing in them is ever run."""

from __future__ import annotations

import datetime as dt
import io
import json
import pickle
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import shapely
import synthetic_bigearthnet as made

from lczlib.errors import InputError
from lczlib.limits import allowed
from lczlib.reading import readings
from lczlib.sentinel1.listed import read_products, read_published
from lczlib.sentinel1.pickles import read_dictionary
from lczlib.sentinel1.product import Product
from lczlib.sentinel1.select import select
from lczlib.sentinel1.tiles import Tile, read_tiles
from lczlib.sentinel1.track import footprint

HEAD = np.lib.format.magic(1, 0)


def npy(path: Path, content: bytes) -> Path:
    """A pickle as `numpy.save` wraps it."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|O", "fortran_order": False, "shape": ()}
    )
    path.write_bytes(header.getvalue() + content)
    return path


def plain(value: object) -> object:
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_a_dictionary_is_read_as_numpy_reads_it(tmp_path, protocol):
    content = {
        "text": "tile", "number": 3, "large": 2**40, "part": 0.25, "yes": True, "none": None, "bytes": b"32633",
        "list": [1, "two", [3.0]], "tuple": (1, 2), "time": dt.datetime(2017, 6, 13, 10, 10, 31, 26000),
        "array": np.array([0.0, 5794.5]), "whole": np.arange(3), "scalar": np.float64(1.5), "one": np.int64(4326),
        "inside": {"a": {"b": []}}, "objects": np.array(["x", {"y": 1}], dtype=object),
    }  # fmt: skip
    wrapped = pickle.dumps(np.array(content, dtype=object), protocol=protocol)
    assert read_dictionary(npy(tmp_path / "a.npy", wrapped), "list") == plain(content)


class Calls:
    """Whose pickle calls a function when it is read."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


def test_what_a_pickle_would_call_is_named_and_not_called(tmp_path):
    trace = tmp_path / "called"
    content = pickle.dumps({"tile_info": Calls(Path.touch, trace)})
    path = npy(tmp_path / "a.npy", content)
    with pytest.raises(
        InputError, match=r"names pathlib\S*\.\w+, which a pickle would call: it is"
    ):
        read_dictionary(path, "list of tiles")
    assert not trace.exists()
    np.load(path, allow_pickle=True)  # what the file does to those who trust it
    assert trace.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x80\x02}" + b"r" + struct.pack("<I", 2**32 - 1) + b".", None),
        (b"\x80\x02}U\x01a", "holds what no dictionary needs"),
        (b"\x80\x02}(X\x05\x00\x00\x00tile", "damaged or cut off"),
        (b"\x80\x02](K\x01e.", "holds no dictionary"),
        (b"\x80\x02}" + b"(" * 5 + b"s.", "damaged or cut off"),
        (b"\x80\x02})" + b"\x85" * 100_000 + b"K\x01s.", "has a key that is a tuple"),
        (pickle.dumps({"a": {1, 2}}, protocol=4), "holds what no dictionary needs"),
        (pickle.dumps({"a": complex(1, 2)}), "names builtins.complex"),
        (pickle.dumps({"a": np.zeros((2, 2))}), "holds an array of 2 axes"),
        (pickle.dumps({"a": np.datetime64("2020-01-01")}), "NumPy's type"),
        (pickle.dumps({"a": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}), "names datetime.timezone"),
        (b"\x80\x02}X\x01\x00\x00\x00aP1\n.", "damaged or cut off|holds what"),
    ],
)  # fmt: skip
def test_hostile_pickles_are_refused_in_words(tmp_path, content, says):
    path = npy(tmp_path / "a.npy", content)
    if says is None:
        assert read_dictionary(path, "list") == {}  # a number of a place costs no memory
        return
    with pytest.raises(InputError, match=says):
        read_dictionary(path, "list")


def test_bytes_that_are_unpacked_again_and_again_are_refused(tmp_path):
    text = b"X" + struct.pack("<I", 50_000) + b"x" * 50_000
    coded = b"c_codecs\nencode\nq\x01" + text + b"q\x02X\x06\x00\x00\x00latin1q\x03\x86q\x04R"
    content = b"\x80\x02}X\x01\x00\x00\x00a](" + coded + b"h\x01h\x04R" * 50_000 + b"es."
    path = npy(tmp_path / "a.npy", content)
    with pytest.raises(InputError, match="unpacks the same bytes again and again"):
        read_dictionary(path, "list")


def test_a_list_larger_than_the_memory_allowed_is_refused_unread(tmp_path):
    path = npy(tmp_path / "a.npy", pickle.dumps({"a": "x" * 100_000}))
    with allowed(0.01), pytest.raises(InputError, match="more than the"):
        read_dictionary(path, "list")


@pytest.mark.parametrize("content", [b"", b"no file of NumPy", HEAD + b"\x05\x00{}"])
def test_files_that_are_no_npy_are_refused(tmp_path, content):
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged or cut off"):
        read_dictionary(path, "list")
    np.save(path, np.zeros(3))
    with pytest.raises(InputError, match="holds an array"):
        read_dictionary(path, "list")


@pytest.mark.parametrize("form", ["folder", "zip", "item", "collection", "npy"])
def test_a_tile_is_the_same_from_each_form(tmp_path, form):
    path = {
        "folder": lambda: made.write_safe(tmp_path),
        "zip": lambda: made.write_safe(tmp_path, zipped=True),
        "collection": lambda: made.write_items(tmp_path / "a.json", [made.tile_item()]),
        "npy": lambda: made.write_tile_info(tmp_path / "a.npy"),
    }.get(form)
    file = path() if path else tmp_path / "item.json"
    if path is None:
        file.write_text(json.dumps(made.tile_item()))
    (tile,) = read_tiles([file], ["33UUP"])
    assert tile.name == made.NAME
    assert (tile.mgrs, tile.time) == ("33UUP", made.TIME)
    assert tile.footprint.equals(made.TILE)
    assert (tile.grid.epsg, tile.grid.left, tile.grid.top) == (made.EPSG, made.LEFT, made.TOP)


def test_a_tile_that_is_not_there_is_named(tmp_path):
    file = made.write_items(tmp_path / "a.json", [made.tile_item()])
    with pytest.raises(InputError, match="None of the 1 tiles is called '32UQD': there are 33UUP"):
        read_tiles([file], ["32UQD"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"geometry": None}, "has no geometry"),
        ({"geometry": {"type": "Point", "coordinates": [1, 2]}}, "is no polygon in degrees"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 95], [1, 0], [0, 0]]]}}, "is no polygon"),
        ({"properties": {}}, "states no time"),
        ({"properties": None}, "holds no STAC items"),
    ],
)  # fmt: skip
def test_items_that_cannot_be_tiles_are_refused(tmp_path, change, says):
    file = made.write_items(tmp_path / "a.json", [made.tile_item() | change])
    with pytest.raises(InputError, match=says):
        read_tiles([file])


@pytest.mark.parametrize(
    ("assets", "corner"),
    [
        ({"B02": {"proj:transform": [10, 0, 1, 0, -10, 2], "proj:shape": [10980, 10980]}}, (1, 2)),
        ({"B01": {"proj:transform": [60, 0, 1, 0, -60, 2], "proj:shape": [1830, 1830]}}, (1, 2)),
        ({"B02": {"proj:transform": [10, 0, 1, 0, -10, 2], "proj:shape": [348, 348]}}, None),
        ({"B02": {"proj:transform": ["10", 0, 1, 0, -10, 2]}, "B03": "x", "B04": {"proj:shape": "y"}}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_the_grid_of_an_item_is_of_the_whole_tile(tmp_path, assets, corner):
    file = made.write_items(tmp_path / "a.json", [made.tile_item() | {"assets": assets}])
    (tile,) = read_tiles([file])
    assert (tile.grid and (tile.grid.left, tile.grid.top)) == corner


def test_a_footprint_that_jumps_at_180_degrees_hangs_together(tmp_path):
    ring = [[179.5, -17], [-179.5, -17], [-179.5, -16], [179.5, -16], [179.5, -17]]
    item = made.tile_item() | {"geometry": {"type": "Polygon", "coordinates": [ring]}}
    (tile,) = read_tiles([made.write_items(tmp_path / "a.json", [item])])
    assert tile.footprint.area == pytest.approx(1)
    assert tile.footprint.bounds == pytest.approx((179.5, -17, 180.5, -16))


@pytest.mark.parametrize(
    "change",
    [
        ("20170613T101031", "20179913T101031"),  # no day
        ("S1A_IW", "S1A_EW"),
        ("1SDV", "1SSV"),
    ],
)
def test_names_that_are_none_are_left_out(tmp_path, change):
    good = made.product_name(95, made.TIME, take=1)
    for file in (
        made.write_items(tmp_path / "a.json", [made.product_item(n, made.TILE) for n in (good, good.replace(*change))]),
        made.write_published(tmp_path / "a.npy", {"u": [good, good.replace(*change)]}),
    ):  # fmt: skip
        with readings() as heard:
            assert [p.name for p in read_products([file], "GRDH")] == [good]
        assert "1 others left out" in str(heard[0])


@pytest.mark.parametrize("kind", ["tiles.npy", "products.npy", "tiles.json", "products.json"])
def test_damaged_lists_are_read_or_refused_in_words(tmp_path, kind):
    name = made.product_name(95, made.TIME, take=1)
    path = tmp_path / kind
    honest = {
        "tiles.npy": lambda: made.write_tile_info(path),
        "products.npy": lambda: made.write_published(path, {made.UUID: [name]}),
        "tiles.json": lambda: made.write_items(path, [made.tile_item()]),
        "products.json": lambda: made.write_items(path, [made.product_item(name, made.TILE)]),
    }[kind]().read_bytes()
    tile = Tile(made.NAME, "33UUP", made.TIME, made.TILE)
    draw, said = np.random.default_rng(1), []
    for _ in range(400):
        damaged = bytearray(honest)
        for at in draw.integers(0, len(honest), draw.integers(1, 4)):
            damaged[at : at + draw.integers(0, 3)] = draw.bytes(draw.integers(0, 4))
        path.write_bytes(damaged)
        try:
            if kind.startswith("tiles"):
                for one in read_tiles([path]):
                    select(one, [], days=3)
            else:
                select(tile, read_products([path], "GRDH"), days=30)
        except InputError as error:
            said.append(str(error))
    assert len(said) > 100
    assert all(kind in text or "hold no IW" in text for text in said)


def test_products_that_are_others_are_counted(tmp_path):
    time = made.TIME
    names = [made.product_name(95, time, take=1), made.product_name(95, time, take=1, kind="SLC")]
    items = [made.product_item(n, made.TILE) for n in (*names, "S2A_MSIL1C_x")]
    file = made.write_items(tmp_path / "a.json", items)
    with readings() as heard:
        assert [p.name for p in read_products([file], "GRDH")] == names[:1]
    assert "1 GRDH product of VV and VH; 2 others left out" in str(heard[0])
    assert [p.name for p in read_products([file], "SLC")] == names[1:]


def test_a_list_of_names_is_placed_by_the_orbit_and_says_so(tmp_path):
    name = made.product_name(95, made.TIME, take=1)
    file = made.write_published(tmp_path / "a.npy", {made.UUID: [name]})
    with readings() as heard:
        (product,) = read_products([file], "GRDH")
    assert not product.stated
    assert product.track == 95
    assert "1 places by name and nominal orbit" in str(heard[0])
    assert read_published(file) == {made.UUID: [name]}


def test_a_place_by_name_is_that_of_a_real_product():
    """Corners as annotated of S1B_IW_GRDH_1SDV_20211223T051122_20211223T051147_030148 (Rome)."""
    start, end = (dt.datetime(2021, 12, 23, 5, 11, s, tzinfo=dt.UTC) for s in (22, 47))
    ground = footprint("S1B", 30148, start, end)
    corners = [(15.322, 42.377), (12.183, 42.781), (11.868, 41.281), (14.911, 40.879)]
    moved = [shapely.Point(p).distance(ground) for p in corners]
    assert max(moved) < 0.1  # degrees, about 10 km
    assert ground.area == pytest.approx(shapely.MultiPoint(corners).convex_hull.area, rel=0.05)
    assert footprint("S1B", 30148, start.replace(year=2026), end.replace(year=2026)) is None
    assert footprint("S1D", 30148, start, end) is None


def test_places_by_name_are_those_of_all_annotated_products(shared):
    tried = 0
    for path in sorted((shared / "data/sentinel1").glob("*/S1?_IW_*_1S*")):
        if "simulated" in str(path):
            continue
        product = Product(path)
        told = re.findall(r"\d{8}T\d{6}", product.name)
        times = [dt.datetime.strptime(f"{t}Z", "%Y%m%dT%H%M%S%z") for t in told]
        one = product.any_swath
        ground = footprint(one.mission, one.absolute_orbit, *times)
        for swath in product.swaths.values():
            ties = shapely.points(swath.ties.longitude, swath.ties.latitude)
            assert shapely.distance(ground, ties).max() < 0.2, product.name
            tried += 1
    assert tried >= 15


def test_the_published_lists_are_read_as_numpy_reads_them(shared):
    for path in sorted((shared / "data/bigearthnet").glob("*.npy")):
        trusted = np.load(path, allow_pickle=True).item()
        found = read_dictionary(path, "list")
        assert found == plain(trusted)
