"""Vector files of people who do this job: each gives the right classes, or one right sentence."""

import pytest

from lczlib.errors import GridError, InputError
from lczlib.polygons import open_polygons
from lczlib.reading import readings
from lczlib.references import open_reference


@pytest.fixture(scope="module")
def cases(shared):
    return shared / "cases"


def test_placemarks_of_the_fifth_step_are_read(cases):
    areas = open_polygons(cases / "kml-names-lcz1a/areas.kml")
    assert len(areas) == 185
    assert areas["lcz"].tolist()[:5] == [1] * 5
    assert sorted(areas["lcz"].unique()) == list(range(1, 18))


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("two_operators_names", [6, 11, 6, 11]),
        ("same_folder_numbers", [2, 6, 2, 6]),
        ("same_folder_letters", [11, 14, 11, 14]),
    ],
)
def test_folders_of_a_second_operator_keep_their_class(cases, name, classes):
    assert open_polygons(cases / f"kml-same-folder-names/{name}.kml")["lcz"].tolist() == classes


def test_two_classes_in_one_name_are_never_the_first(cases):
    with pytest.raises(InputError, match=r"'LCZ 8/10' names more than one .*\(8 and 10\)"):
        open_polygons(cases / "kml-two-classes/two_classes.kml")
    with readings() as heard:
        areas = open_polygons(cases / "kml-two-classes/a_and_b.kml")
    assert areas["lcz"].tolist() == [6]
    assert areas.attrs["several_classes"] == 1
    assert "'LCZ A & B'" in heard[0].cautions[0]


def test_points_judge_a_map_and_say_what_their_interval_is_of(cases, run_lcz, tmp_path, write_tif):
    import json

    import geopandas as gpd
    import numpy as np

    points = open_reference(cases / "ref-points/points.geojson")
    assert len(points) == 185
    local = points.to_crs("EPSG:32631")
    left, bottom, right, top = local.total_bounds
    left, top = left // 100 * 100 - 100, top // 100 * 100 + 200
    rows, cols = int((top - bottom) // 100) + 2, int((right - left) // 100) + 2
    codes = np.full((rows, cols), 14, np.uint8)
    row = ((top - local.geometry.y) // 100).astype(int)
    col = ((local.geometry.x - left) // 100).astype(int)
    codes[row, col] = points["lcz"]
    codes[row[:20], col[:20]] = 14
    path = write_tif(codes, "map.tif", crs="EPSG:32631", pixel=100.0, origin=(left, top), nodata=0)
    code, out, err = run_lcz("assess", path, "--reference", cases / "ref-points/points.geojson",
                             "--no-figures", "--out", tmp_path / "out")  # fmt: skip
    assert code == 0, err
    assert "185 points of 185" in out
    assert "blocks of points, 20 x 20 cells" in " ".join(out.split())
    result = json.loads((tmp_path / "out/assessment.json").read_text())
    n = len(gpd.GeoDataFrame({"row": row, "col": col}).drop_duplicates())
    assert result["n"] == n - result["left_out"]["contested_cells"]
    assert result["oa"] < 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "p_wrongcrs",
            "says that it is in degrees (EPSG:4326), but its coordinates look like metres",
        ),
        ("p_degenerate", "holds no polygon with an area"),
    ],
)
def test_hostile_polygons_are_refused_in_one_sentence(cases, demo, run_lcz, tmp_path, name, says):
    path = cases / f"hostile/{name}.geojson"
    with pytest.raises((InputError, GridError)) as error:
        open_polygons(path)
    assert says in str(error.value)
    folder, _ = demo
    scene = next((folder / "scene/Sentinel-2").glob("*/summer/*.tif"))
    for line in (
        ("assess", folder / "s2_lcz.tif", "--reference", path),
        ("train", scene, "--polygons", path, "--epochs", "1", "--out", tmp_path / "run"),
    ):
        code, _, err = run_lcz(*line)
        assert code == 1
        assert says in err
