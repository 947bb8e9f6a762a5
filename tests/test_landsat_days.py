"""A network trained on one day of Landsat reads another: numbers become reflectances by the sun's elevation."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from shapely.geometry import box

import lczlib
from lczlib.errors import InputError
from lczlib.mapping import MapRequest, map_city
from lczlib.models import describe
from lczlib.reading import readings
from lczlib.scene_options import SceneOptions
from lczlib.scenes import open_scenes
from lczlib.scenes.atmosphere import sun_elevation
from lczlib.scenes.landsat import LEVEL, NUMBERS, day_in_name, to_reflectance

OCTOBER, JANUARY = "LC81220442014288LGN00_B1-3.tif", "LC08_L1TP_122044_20140110_20170418_01_T1.tif"
BANDS = ("B2", "B3", "B4")
SIDE, PIXEL = 60, 100.0
LEFT, TOP = 797_600.0, 2_499_900.0
GROUND = {2: (0.16, 0.14, 0.15), 11: (0.133, 0.117, 0.125), 17: (0.10, 0.06, 0.03)}
"""Reflectance at the top of the atmosphere by class."""


def classes() -> np.ndarray:
    """Three strips."""
    return np.repeat([2, 11, 17], SIDE // 3)[:, None] * np.ones(SIDE, int)


def write(path: Path, day: str, *, seed: int = 0) -> Path:
    """Numbers of Level-1 that the ground has under the sun of a day; and a thermal band."""
    elevation = sun_elevation(dt.date.fromisoformat(day), 22.4)
    rng = np.random.default_rng(seed)
    bands = [
        np.vectorize({k: v[i] for k, v in GROUND.items()}.get)(classes()) for i in range(len(BANDS))
    ]
    bands = [b + rng.normal(0, 0.004, b.shape) for b in bands]
    numbers = [(b * math.sin(math.radians(elevation)) + 0.1) / 2e-5 for b in bands]
    with rasterio.open(
        path, "w", driver="GTiff", width=SIDE, height=SIDE, count=len(BANDS) + 1, dtype="float32",
        crs="EPSG:32649", transform=rasterio.transform.from_origin(LEFT, TOP, PIXEL, PIXEL), nodata=0,
    ) as out:  # fmt: skip
        out.write(np.stack([*numbers, np.full((SIDE, SIDE), 26_000.0)]).astype(np.float32))
        out.descriptions = (*BANDS, "B10")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A forest trained on October, its polygons in all three strips."""
    folder = tmp_path_factory.mktemp("october")
    image = write(folder / OCTOBER, "2014-10-15")
    shapes, labels = [], []
    for strip, lcz in enumerate((2, 11, 17)):
        for i in range(6):
            left, top = LEFT + (1 + 10 * i) * PIXEL, TOP - (20 * strip + 4) * PIXEL
            shapes.append(box(left, top - 12 * PIXEL, left + 6 * PIXEL, top))
            labels.append(lcz)
    gpd.GeoDataFrame({"lcz": labels}, geometry=shapes, crs="EPSG:32649").to_file(
        folder / "areas.gpkg"
    )
    lczlib.train(
        image, folder / "network", sensor="landsat", read=BANDS, polygons=folder / "areas.gpkg",
        architecture="random_forest", patch=1, spacing=PIXEL,
    )  # fmt: skip
    return folder


def mapped(weights: Path, image: Path, out: Path, **options: object) -> np.ndarray:
    request = MapRequest((str(image),), weights=(str(weights),), **options)
    return map_city(request, out).kinds["landsat"].to_numpy()


def test_a_network_of_one_day_maps_another(trained: Path, tmp_path: Path) -> None:
    weights = trained / "network/model.safetensors"
    assert describe(str(weights)).level == LEVEL
    image = write(tmp_path / JANUARY, "2014-01-10", seed=1)
    with readings() as told:
        found = mapped(weights, image, tmp_path / "map")
    assert (found == classes()).mean() > 0.99
    said = " ".join(map(str, told))
    assert "of 2014-01-10 made reflectance at the top of the atmosphere in B2, B3, B4;" in said
    assert f"sun at {sun_elevation(dt.date(2014, 1, 10), 22.4):.0f} degrees" in said


def test_an_image_of_an_unknown_day_is_refused_until_its_day_is_said(
    trained: Path, tmp_path: Path
) -> None:
    weights = trained / "network/model.safetensors"
    image = write(tmp_path / "winter.tif", "2014-01-10", seed=1)
    with pytest.raises(InputError, match="say the day of the image") as refused:
        mapped(weights, image, tmp_path / "map")
    assert refused.value.parameter == "date"
    found = mapped(weights, image, tmp_path / "map", date="2014-01-10")
    assert (found == classes()).mean() > 0.99


def test_what_was_trained_on_stored_values_goes_on_reading_them(
    trained: Path, tmp_path: Path
) -> None:
    image = trained / OCTOBER
    lczlib.train(
        image, tmp_path / "plain", sensor="landsat", read=BANDS, polygons=trained / "areas.gpkg",
        architecture="random_forest", patch=1, spacing=PIXEL, scale=1.0,
    )  # fmt: skip
    weights = tmp_path / "plain/model.safetensors"
    assert describe(str(weights)).level == ""
    assert (mapped(weights, image, tmp_path / "same") == classes()).mean() > 0.99
    # this is what the sun alone does to it
    other = write(tmp_path / JANUARY, "2014-01-10", seed=1)
    assert (mapped(weights, other, tmp_path / "other") == classes()).mean() < 0.7


def test_training_on_an_unknown_day_warns(trained: Path, tmp_path: Path) -> None:
    image = write(tmp_path / "some_day.tif", "2014-10-15")
    with readings() as told:
        lczlib.train(
            image, tmp_path / "network", sensor="landsat", read=BANDS, polygons=trained / "areas.gpkg",
            architecture="random_forest", patch=1, spacing=PIXEL,
        )  # fmt: skip
    cautions = " ".join(c for one in told for c in one.cautions)
    assert "of an unknown day are taken as they are stored" in cautions
    assert describe(str(tmp_path / "network/model.safetensors")).level == ""


def test_only_bands_that_reflect_are_changed(tmp_path: Path) -> None:
    image = write(tmp_path / OCTOBER, "2014-10-15")
    (scene,) = open_scenes([image], sensors=("landsat",)).seasons.values()
    assert scene.attrs["numbers"] == NUMBERS
    found = to_reflectance(scene)
    for i, band in enumerate(BANDS):
        assert float(found[band].isel(y=10).mean()) == pytest.approx(GROUND[2][i], abs=0.002)
    assert (found["B10"] == scene["B10"]).all()
    assert scene.attrs["level"] == ""  # the one that was given is as it was


@pytest.mark.parametrize(
    ("name", "day"),
    [
        (OCTOBER, "2014-10-15"),
        (JANUARY, "2014-01-10"),
        ("subset_LC09_L1GT_193023_20230909_20230909_02_T2_B4.TIF", "2023-09-09"),
        ("LC80010022016366LGN01.tif", "2016-12-31"),
        ("LC80010022015366LGN01.tif", ""),  # 2015 had 365 days
        ("LC80010022015999LGN01.tif", ""),
        ("LC08_L1TP_122044_20141315_20170418_01_T1.tif", ""),
        ("LE71220442014288EDC00.tif", ""),  # ETM+ has other constants
        ("composite.tif", ""),
    ],
)
def test_the_day_is_read_from_the_name_of_the_product(name: str, day: str) -> None:
    assert day_in_name(name) == day


@pytest.mark.parametrize(
    ("name", "sensor", "options"),
    [
        ("LC08_L2SP_122044_20141015_20200910_02_T1_SR.tif", "landsat", {}),
        (OCTOBER, "planet", {}),
        (OCTOBER, "landsat", {"scale": 2e-5}),
        (OCTOBER, "landsat", {"level": "L2A"}),
    ],
)
def test_other_values_stay_as_they_are(
    tmp_path: Path, name: str, sensor: str, options: dict[str, object]
) -> None:
    image = write(tmp_path / name, "2014-10-15")
    (scene,) = open_scenes([image], SceneOptions(**options), sensors=(sensor,)).seasons.values()
    assert scene.attrs["numbers"] == ""


def test_numbers_without_a_name_are_of_level_1_where_something_is_too_dark_for_level_2(
    tmp_path: Path,
) -> None:
    def numbers(lift: float) -> str:
        image = write(tmp_path / "some_day.tif", "2014-01-10")
        with rasterio.open(image, "r+") as file:
            file.write(file.read() + np.float32(lift))
        (scene,) = open_scenes([image], sensors=("landsat",)).seasons.values()
        return scene.attrs["numbers"]

    assert numbers(0) == NUMBERS
    assert numbers(2_273) == ""


def test_the_day_in_the_metadata_serves_as_well(trained: Path, tmp_path: Path) -> None:
    weights = trained / "network/model.safetensors"
    image = write(tmp_path / "winter.tif", "2014-01-10", seed=1)
    with rasterio.open(image, "r+") as out:
        out.update_tags(DATE_ACQUIRED="2014-01-10")
    assert (mapped(weights, image, tmp_path / "map") == classes()).mean() > 0.99


def test_landsats_metadata_beside_the_image_tells_day_and_sun(tmp_path: Path) -> None:
    product = JANUARY.removesuffix("_T1.tif")
    image = write(tmp_path / f"{product}_T1_stack.tif", "2014-01-10")
    (tmp_path / f"{product}_T1_MTL.txt").write_text(
        "    DATE_ACQUIRED = 2014-01-10\n    SUN_ELEVATION = 38.25\n"
    )
    (scene,) = open_scenes([image], sensors=("landsat",)).seasons.values()
    with readings() as told:
        assert to_reflectance(scene).attrs["sun_elevation"] == 38.25
    assert "sun at 38 degrees, by its metadata" in " ".join(map(str, told))
    # another day was given: its sun is another one too
    options = SceneOptions(date="2014-07-10")
    with readings() as told:
        (scene,) = open_scenes([image], options, sensors=("landsat",)).seasons.values()
    assert to_reflectance(scene).attrs["sun_elevation"] > 60
    (caution,) = [c for one in told for c in one.cautions]
    assert caution.endswith("the day is 2014-07-10 as given; the file says 2014-01-10.")


def test_the_folder_of_a_product_tells_the_day(tmp_path: Path) -> None:
    (tmp_path / JANUARY.removesuffix(".tif")).mkdir()
    image = write(tmp_path / JANUARY.removesuffix(".tif") / "stack.tif", "2014-01-10")
    (scene,) = open_scenes([image], sensors=("landsat",)).seasons.values()
    assert scene.attrs["date"] == "2014-01-10"
