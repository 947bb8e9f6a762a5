"""A look at files before they are used: what each is taken for, what was found, assumed and lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from looks import assumed, facts
from rasterio.transform import from_origin

from lczlib.reading import readings
from lczlib.study.looking import KINDS, Settings, kinds_for, look, read_as
from lczlib.study.looking.facts import in_digits
from lczlib.study.looking.kinds import RECOGNISED
from lczlib.terms import settings_in
from lczlib.texts import in_language

SHARED = Path(__file__).resolve().parents[2] / "shared"
RNG = np.random.default_rng(1)
SHAPE = (60, 70)


def tif(
    path: Path, values: np.ndarray, *, names: tuple[str, ...] = (), unit: str = "", cell: float = 100,
    scale: tuple[float, float] | None = None, **more: object,
) -> Path:  # fmt: skip
    """A GeoTIFF in UTM that says no more of itself than it is told to."""
    bands = values.reshape(-1, *values.shape[-2:])
    with rasterio.open(
        path, "w", driver="GTiff", width=bands.shape[2], height=bands.shape[1], count=len(bands),
        dtype=bands.dtype, crs="EPSG:32633", transform=from_origin(400_000, 5_800_000, cell, cell), **more,
    ) as dst:  # fmt: skip
        dst.write(bands)
        if names:
            dst.descriptions = names
        if unit:
            dst.units = (unit,) * len(bands)
        if scale:
            dst.scales, dst.offsets = (scale[0],) * len(bands), (scale[1],) * len(bands)
    return path


def classes(n: int = 17) -> np.ndarray:
    """Blocks of classes from 1 on, some of the cells."""
    rows, columns = np.indices(SHAPE)
    return (1 + (rows // 6 + columns // 7) % n).astype(np.uint8)


def smooth(middle: float, spread: float) -> np.ndarray:
    rows, columns = np.indices(SHAPE)
    field = np.sin(rows / 11) + np.cos(columns / 9) + RNG.normal(0, 0.3, SHAPE)
    return (middle + spread * field).astype(np.float32)


def test_a_class_raster_of_floats_with_no_data_is_a_map(tmp_path: Path) -> None:
    values = classes().astype(np.float32)
    values[:6] = -9999
    found = look(tif(tmp_path / "thing.tif", values, nodata=-9999))
    assert found.best.kind.name == "map"
    assert found.best.assumed  # nothing in the file says what its numbers are
    told = facts(found)
    assert told["Numbering"] == "1-17"
    assert "Numbering" in assumed(found)
    assert told["Classes"].startswith("17, in km²: ")
    assert told["Missing"] == "10.0 %"
    assert told["Grid"] == "70 × 60 cells of 100 m"
    assert told["Reference system"] == "EPSG:32633"
    assert found.seen.lost == ("420 cells (10.0 %) no data",)
    west, south, east, north = found.seen.box
    assert west < east < 15
    assert 52 < south < north < 53
    assert found.seen.shown.dtype == np.uint8


def test_a_look_is_in_the_language_of_who_asks(tmp_path: Path) -> None:
    file = tif(tmp_path / "thing.tif", classes())
    with in_language("es"):
        spanish = look(file)
    english = look(file)
    assert spanish.best.why == "sus valores son 17 números enteros, de 1 a 17"
    assert facts(spanish)["Malla"] == "70 × 60 celdas de 100 m"
    assert english.best.why == "its values are 17 whole numbers, from 1 to 17"
    assert facts(english)["Grid"] == "70 × 60 cells of 100 m"
    assert assumed(english) == {"Numbering"}
    assert assumed(spanish) == {"Numeración"}
    assert [g.kind.name for g in spanish.guesses] == [g.kind.name for g in english.guesses]


@pytest.mark.parametrize(
    ("area", "written"),
    [(3530.4, "3,530"), (12_345_678.0, "12,300,000"), (999.6, "1,000"), (566.1, "566"), (87.66, "87.7"),
     (6.571, "6.57"), (0.5, "0.5"), (0.00001234, "0.0000123"), (0.0, "0")],
)  # fmt: skip
def test_areas_are_never_powers_of_ten(area: float, written: str) -> None:
    assert in_digits(area) == written


def test_large_areas_of_classes_are_written_out(tmp_path: Path) -> None:
    listed = facts(look(tif(tmp_path / "a.tif", np.full(SHAPE, 6, np.uint8), cell=1000)))["Classes"]
    assert listed == "1, in km²: 6 4,200"


def test_the_areas_are_those_of_the_cells(tmp_path: Path) -> None:
    values = np.full(SHAPE, 6, np.uint8)
    values[:30, :35] = 17
    listed = facts(look(tif(tmp_path / "a.tif", values)))["Classes"]
    assert listed == "2, in km²: 6 31.5, G 10.5"


def test_the_lcz_generators_three_bands_are_a_map(tmp_path: Path) -> None:
    values = np.stack([classes(), classes(), np.full(SHAPE, 80, np.uint8)])
    names = ("lcz", "lczFilter", "classProbability")
    found = look(tif(tmp_path / "x.tif", values, names=names))
    assert (found.best.kind.name, found.best.assumed) == ("map", False)
    assert facts(found)["Band"] == "band 2 of 3, lczFilter"


def test_an_ambiguous_numbering_asks_and_is_read_as_it_is_said(tmp_path: Path) -> None:
    path = tif(tmp_path / "x.tif", classes(17) - 1)
    found = look(path)
    assert found.best.kind.name == "map"
    assert "ambiguous" in found.seen.refused
    assert settings_in(found.seen.refused) == ("scheme", "scheme", "legend")
    settings = Settings(map_scheme="0-16")
    seen = read_as(KINDS["map"], [path], settings=settings)
    assert not seen.refused
    assert {f.name: (f.value, f.assumed) for f in seen.facts}["Numbering"] == ("0-16", False)


def test_a_few_labelled_cells_are_a_reference(tmp_path: Path) -> None:
    values = np.where(RNG.random(SHAPE) < 0.05, classes(), 0).astype(np.uint8)
    found = look(tif(tmp_path / "thing.tif", values, nodata=0))
    assert [g.kind.name for g in found.guesses if g.why][:2] == ["reference", "map"]
    named = look(tif(tmp_path / "hong_kong_lcz_GT.tif", values, nodata=0))
    assert named.best.kind.name == "reference"


@pytest.mark.parametrize(
    ("values", "more", "unit"),
    [
        (smooth(300, 4), {"unit": "K"}, "K"),
        (smooth(24, 4), {"unit": "degC"}, "degC"),
        ((smooth(300, 4) * 50).astype(np.uint16), {"unit": "K", "scale": (0.02, 0)}, "K"),
    ],
)
def test_temperatures_are_told_by_their_unit(
    tmp_path: Path, values: np.ndarray, more: dict, unit: str
) -> None:
    found = look(tif(tmp_path / "thing.tif", values, **more))
    assert found.best.kind.name == "thermal"
    assert found.best.assumed  # of the surface or of the air is not said
    assert "air" in [g.kind.name for g in found.guesses if g.why]
    assert facts(found)["Unit"] == unit
    assert "Unit" not in assumed(found)
    assert ("Scale and offset" in facts(found)) == ("scale" in more)
    assert found.seen.shown.dtype == np.float32


@pytest.mark.parametrize("middle", [300, 24])
def test_temperatures_without_a_unit_are_taken_for_such_and_the_unit_is_asked(
    tmp_path: Path, middle: int
) -> None:
    path = tif(tmp_path / "thing.tif", smooth(middle, 4))
    found = look(path)
    assert found.best.kind.name == "thermal"
    assert "unit" in found.seen.refused
    said = read_as(
        KINDS["thermal"], [path], settings=Settings(heat_unit="K" if middle == 300 else "degC")
    )
    assert not said.refused
    low = float(said.shown.min())
    assert 5 < low < 30


def test_a_landsat_product_and_its_quality_are_known_by_name(tmp_path: Path) -> None:
    stem = "LC08_L2SP_193023_20210715_20210722_02_T1"
    stored = ((smooth(300, 4) - 149) / 0.00341802).astype(np.uint16)
    found = look(tif(tmp_path / f"{stem}_ST_B10.TIF", stored))
    assert (found.best.kind.name, found.best.assumed) == ("thermal", False)
    assert facts(found)["Unit"] == "K"
    assert facts(found)["Scale and offset"] == "× 0.00341802 +149"
    flags = look(tif(tmp_path / f"{stem}_QA_PIXEL.TIF", np.full(SHAPE, 21824, np.uint16)))
    assert (flags.best.kind.name, flags.best.assumed) == ("quality", False)


def test_air_temperature_is_told_by_its_name(tmp_path: Path) -> None:
    found = look(tif(tmp_path / "era5.tif", smooth(290, 2), names=("t2m",), unit="K"))
    assert (found.best.kind.name, found.best.assumed) == ("air", False)
    assert not found.seen.refused


def test_several_bands_of_temperature_ask_which(tmp_path: Path) -> None:
    values = np.stack([smooth(30, 3), smooth(20, 3)])
    path = tif(tmp_path / "lst.tif", values, names=("day", "night"), unit="degC")
    found = look(path)
    assert found.best.kind.name == "thermal"
    assert "2 bands (day, night)" in found.seen.refused
    night = read_as(KINDS["thermal"], [path], settings=Settings(heat_band="night"))
    assert float(night.shown.mean()) < 25


def scene_of(count: int, *, factor: float = 10_000) -> np.ndarray:
    rows, columns = np.indices((96, 96))
    base = 0.08 + 0.05 * np.sin(rows / 7) * np.cos(columns / 5) ** 2
    rise = np.linspace(1, 2.4, count)[:, None, None]
    noise = RNG.normal(0, 0.004, (count, 96, 96))
    return np.clip((base * rise + noise) * factor, 1, None)


def test_sentinel_2_is_told_by_its_bands(tmp_path: Path) -> None:
    bands = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
    values = scene_of(10).astype(np.uint16)
    found = look(tif(tmp_path / "S2_20240612.tif", values, names=bands, cell=10))
    assert (found.best.kind.name, found.best.assumed) == ("scene", False)
    told = {f.name: f for f in found.seen.facts}
    assert told["Level"].assumed
    assert (told["Date"].value, told["Date"].assumed) == ("2024-06-12", True)
    assert "not taken" in told["Date"].how  # a name may hold the day of its making
    unnamed = look(tif(tmp_path / "thing.tif", values, cell=10))
    assert (unnamed.best.kind.name, unnamed.best.assumed) == ("scene", True)
    said = Settings(s2_level="L2A", s2_date="2024-06-12")
    seen = read_as(KINDS["scene"], [tmp_path / "S2_20240612.tif"], settings=said)
    told = {f.name: f for f in seen.facts}
    assert (told["Level"].value, told["Date"].value) == ("L2A", "2024-06-12")
    assert not told["Level"].assumed


def test_a_scene_of_one_pixel_is_refused_where_it_is_looked_at(tmp_path: Path) -> None:
    bands = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
    values = scene_of(10).astype(np.uint16)[:, :1, :1]
    seen = read_as(KINDS["scene"], [tif(tmp_path / "one.tif", values, names=bands, cell=10)])
    assert "1 x 1 pixel: one pixel makes no map" in seen.refused


def test_one_lost_height_is_one_pixel(tmp_path: Path) -> None:
    heights = smooth(300, 20)
    heights[3, 4] = -9999
    seen = read_as(KINDS["elevation"], [tif(tmp_path / "dem.tif", heights, nodata=-9999)])
    assert seen.lost == ("1 pixel (< 0.1 %) is no data",)


def test_backscatter_is_of_water_first(tmp_path: Path) -> None:
    values = np.stack([RNG.normal(-9, 2, (300, 300)), RNG.normal(-16, 2, (300, 300))])
    path = tif(tmp_path / "S1_2021-07.tif", values.astype(np.float32), names=("VV", "VH"), cell=10)
    found = look(path)
    assert [g.kind.name for g in found.guesses if g.why][:2] == ["water", "radar"]
    assert not found.seen.refused
    assert facts(found)["Unit"] == "db"
    assert facts(found)["Date"].startswith("2021-07")


def test_heights_are_told_by_name_and_not_by_values(tmp_path: Path) -> None:
    heights = smooth(120, 30)
    assert look(tif(tmp_path / "city_dem.tif", heights)).best.kind.name == "elevation"
    nameless = look(tif(tmp_path / "thing.tif", heights))
    assert nameless.best is None or nameless.best.kind.name != "map"


def test_probabilities_are_recognised_and_not_taken(tmp_path: Path) -> None:
    values = RNG.random((17, *SHAPE)).astype(np.float32)
    values /= values.sum(0)
    found = look(tif(tmp_path / "proba.tif", values))
    assert found.best is None
    assert found.seen is None
    assert RECOGNISED["probabilities"] in found.unknown
    assert [g.kind.name for g in found.guesses] == [k.name for k in kinds_for("a.tif")]


def test_what_nothing_speaks_for_is_said_in_one_sentence(tmp_path: Path) -> None:
    noise = RNG.normal(0, 1, (5, *SHAPE)).astype(np.float32)
    found = look(tif(tmp_path / "noise.tif", noise))
    assert found.best is None
    assert found.unknown.startswith("Nothing in noise.tif says what it is: choose")
    assert found.unknown.count(".") == found.unknown.count(".tif") + 1


HOSTILE: dict[str, Callable[[Path], bytes]] = {
    "torn.tif": lambda _: b"II*\0" + bytes(60),
    "text.tif": lambda _: b"/vsicurl/http://localhost/x",
    "torn.parquet": lambda _: b"PAR1 nothing PAR1",
    "empty.csv": lambda _: b"\n\n",
    "bytes.csv": lambda _: bytes(range(256)),
    "deep.geojson": lambda _: b"[" * 100_000,
    "far.geojson": lambda _: json.dumps({
        "type": "Polygon", "coordinates": [[[1e300, 0], [1, 1e300], [1, 1], [1e300, 0]]]
    }).encode(),
    "nothing.kml": lambda _: b"<kml/>",
    "torn.gpkg": lambda _: b"SQLite format 3\0" + bytes(100),
    "run.exe": lambda _: b"MZ",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_no_file_makes_a_look_fail(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(HOSTILE[name](tmp_path))
    found = look(path)
    assert found.best is None or found.seen.refused or found.seen.facts
    assert found.unknown or found.best
    for kind in kinds_for(path):
        seen = read_as(kind, [path])
        assert seen.refused or not seen.lost


def test_a_raster_that_declares_too_much_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LCZLIB_MEMORY", "0.01")
    path = tmp_path / "huge.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=40_000, height=40_000, count=1, dtype="uint8", crs="EPSG:32633",
        transform=from_origin(4e5, 5.8e6, 10, 10), tiled=True, sparse_ok=True, compress="deflate",
    ):  # fmt: skip
        pass
    found = look(path)
    assert found.best is None
    assert "declares 40,000 x 40,000 pixels" in found.unknown


def test_a_look_is_told_to_nobody_else(tmp_path: Path) -> None:
    path = tif(tmp_path / "x.tif", classes())
    with readings() as heard:
        look(path)
    assert not heard


def test_every_kind_has_a_door_and_settings_of_the_study() -> None:
    from lczlib.study import Study
    from lczlib.study.looking.doors import DOORS

    assert set(DOORS) == set(KINDS)
    for kind in KINDS.values():
        assert kind.target in Study.param
        assert set(kind.settings) <= set(Settings.param) & set(Study.param)
        for name in kind.settings:  # one owner: what can be said here is what the study can be told
            assert type(Settings.param[name]) is type(Study.param[name])


SHARED_FILES = {
    "data/hong_kong/hong_kong_lcz_GT.tif": "reference",
    "data/hong_kong/lcz_training_polygons.shp": "reference",
    "data/lcz_maps/shanghai_lcz.tif": "map",
    "data/lcz_maps/sydney_lcz_generator_3band.tif": "map",
    "data/berlin/uco_air_temperature_2019-2020.parquet": "stations",
    "data/beijing_s1/THU_2020_sentinel_1_50pt.tif": "water",
    "data/s1s2_pairs/ROIs1970_fall_139_p839_s2_cloudfree.tif": "scene",
    "cases/map-wrf-31-41/lcz.tif": "map",
    "cases/map-255-undeclared/lcz.tif": "map",
    "cases/lst-base/LC08_L2SP_193023_20210715_20210722_02_T1_ST_B10.TIF": "thermal",
    "cases/lst-zero-fill-celsius/lst_degC.tif": "thermal",
    "cases/ref-points/points.geojson": "reference",
    "cases/kml-names-lcz1a/areas.kml": "reference",
    "cases/st-antimeridian/air.csv": "stations",
    "cases/st-antimeridian/classes.csv": "station_classes",
    "cases/st-dwd-int-time/air.csv": "stations",
    "cases/stations.gpkg": "stations",
    "cases/s2-base/s2_L1C.tif": "scene",
}


@pytest.mark.parametrize("name", SHARED_FILES)
def test_files_of_the_world_are_known(name: str) -> None:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"needs the reference file {name}")
    assert look(path).best.kind.name == SHARED_FILES[name]
