"""Archives of a So2Sat city, read as they are: the same as of the folder."""

import json
import shutil
import zipfile

import numpy as np
import pytest
import rasterio
from archive_files import NAME, opened, pack, same

from lczlib import archives
from lczlib.errors import Cancelled, InputError
from lczlib.jobs.published_maps import map_file
from lczlib.map_request import MapRequest
from lczlib.mapping import map_city
from lczlib.reading import readings
from lczlib.scenes import open_scenes
from lczlib.scenes.simulation import simulate_city, write_so2sat


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """The demo city as a So2Sat folder."""
    return write_so2sat(simulate_city(2.4, 3), tmp_path_factory.mktemp("city") / "gul", NAME)


@pytest.mark.parametrize(
    ("file", "top"), [("data.zip", "data/"), ("x.tar", "./"), ("x.tar.gz", ""), ("x.tgz", "a/b/")]
)
def test_an_archive_is_read_as_its_folder(city, tmp_path, file, top):
    found = opened(pack(city, tmp_path / file, top))
    assert found.name == NAME
    assert found.sentinel1_time == opened(city).sentinel1_time
    same(found, opened(city))
    assert found.seasons["spring"].attrs["files"] == [str(tmp_path / file)]


@pytest.mark.slow
@pytest.mark.parametrize("file", ["lagos.zip", "lagos.tgz"])
def test_maps_of_an_archive_are_those_of_the_folder_byte_for_byte(city, tmp_path, run_lcz, file):
    packed = pack(city, tmp_path / file)
    for source, out in ((city, "of_folder"), (packed, "of_archive")):
        code, _, err = run_lcz("map", source, "--only-seasons", "summer", "--out", tmp_path / out)
        assert code == 0, err
    maps = sorted(f.name for f in (tmp_path / "of_folder").glob("*.tif"))
    assert "fused_lcz.tif" in maps
    for name in maps:
        assert (tmp_path / "of_folder" / name).read_bytes() == (
            tmp_path / "of_archive" / name
        ).read_bytes()
    manifest = json.loads((tmp_path / "of_archive/manifest.json").read_text())
    assert [i["path"] for i in manifest["inputs"]] == [f"../{file}"]
    code, _, err = run_lcz(
        "map", "--from-manifest", tmp_path / "of_archive", "--out", tmp_path / "again"
    )
    assert code == 0, err
    assert (tmp_path / "again/fused_lcz.tif").read_bytes() == (
        tmp_path / "of_folder/fused_lcz.tif"
    ).read_bytes()


def test_several_archives_and_a_folder_of_them_are_one_city(city, tmp_path):
    (tmp_path / "gul").mkdir()
    radar = pack(city / "Sentinel-1" / NAME, tmp_path / "gul" / f"{NAME}_S1.tar")
    optical = pack(city / "Sentinel-2" / NAME, tmp_path / "gul" / f"{NAME}_S2.zip")
    for found in (opened(radar, optical), opened(tmp_path / "gul")):
        assert found.name == NAME
        same(found, opened(city))
    assert opened(optical).sentinel1 is None


def test_seasons_and_channels_are_found_without_the_folders_of_the_programs(city, tmp_path):
    """Flat names; Sentinel-1 as a raster of eight channels, told by its bands alone."""
    source = opened(city)
    flat = tmp_path / "flat.zip"
    mosaics = sorted(
        (city / "Sentinel-1").rglob("mosaic.tif"), key=lambda p: "unfilt" not in str(p)
    )
    parts, names = [], []
    for path in mosaics:
        with rasterio.open(path) as src:
            profile, tags = src.profile, src.tags()
            parts.append(src.read())
            names += src.descriptions
    both = tmp_path / "radar.tif"
    with rasterio.open(both, "w", **{**profile, "count": 8}) as dst:
        dst.write(np.concatenate(parts))
        dst.descriptions = names
        dst.update_tags(**tags)
    with zipfile.ZipFile(flat, "w") as out:
        out.write(both, "images/testville_channels.tif")
        for season in ("spring", "summer", "autumn", "winter"):
            file = next((city / "Sentinel-2").rglob(f"*_{season}.tif"))
            out.write(
                file, f"Testville_{'Fall' if season == 'autumn' else season.upper()}_2017.tif"
            )
        out.writestr("readme.txt", "hello")
    with readings() as heard:
        found = opened(flat)
    same(found, source)
    told = next(str(r) for r in heard if r.what == "archive")
    assert (
        "Sentinel-2 of spring, summer, autumn, winter; Sentinel-1 of a month that is not named"
        in told
    )
    assert "left out 1 other" in told


def test_only_what_is_asked_for_is_unpacked(city, tmp_path, monkeypatch):
    packed, written = pack(city, tmp_path / "x.zip"), []
    true = archives._write
    monkeypatch.setattr(archives, "_write", lambda s, m, t: (written.append(m.name), true(s, m, t)))
    opened(packed, only_seasons=("summer",), city=NAME)
    assert all("summer" in n or "mosaic" in n for n in written)
    assert len(written) == 3
    opened(packed, only_seasons=("summer",), city=NAME)
    assert len(written) == 3  # they are there already


def test_two_cities_ask_which_and_others_stay_packed(city, tmp_path, run_lcz):
    folder = tmp_path / "two"
    for name in ("00001_00001_Simulated-A", "00002_00002_Simulated-B"):
        shutil.copytree(city / "Sentinel-2" / NAME, folder / "Sentinel-2" / name)
    packed = pack(folder, tmp_path / "two.tar")
    code, _, err = run_lcz("map", packed, "--out", tmp_path / "out")
    assert code == 1
    assert (
        "holds 2 cities (00001_00001_Simulated-A, 00002_00002_Simulated-B): name one with --city"
        in err
    )
    assert opened(packed, city="Simulated-B").name == "00002_00002_Simulated-B"
    with pytest.raises(InputError, match="has no city 'Oslo'; it has 00001"):
        opened(packed, city="Oslo")


def test_what_is_missing_is_said_in_terms_of_the_archive(city, tmp_path):
    packed = pack(city, tmp_path / "s2.zip", only="Sentinel-2")
    with pytest.raises(
        InputError,
        match=r"s2\.zip holds no scene of the sensors asked for, but Sentinel-2 of spring",
    ):
        open_scenes([packed], sensors=("s1",))
    summer = pack(city, tmp_path / "summer.zip", only="summer")
    assert any(
        "Season winter is missing in" in n and "summer.zip" in n for n in opened(summer).notes
    )


def test_nothing_recognisable_is_one_sentence_that_lists_what_was_seen(tmp_path, run_lcz, city):
    path = tmp_path / "text.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("notes/readme.txt", "no raster")
        out.writestr("broken.tif", b"II*\0 no raster")
    code, _, err = run_lcz("map", path, "--out", tmp_path / "out")
    assert code == 1
    assert "holds 2 files (notes/readme.txt, broken.tif). Unpack it and give the rasters" in err
    own = tmp_path / "nest.zip"
    with zipfile.ZipFile(own, "w") as out:
        out.write(path, "inner/lagos.zip")
    code, _, err = run_lcz("map", own, "--out", tmp_path / "out")
    assert code == 1
    assert "unpack it, and give the archives in it (inner/lagos.zip)" in err
    code, _, err = run_lcz(
        "compare", city / f"Reference/{NAME}/lcz.tif", path, "--out", tmp_path / "out"
    )
    assert code == 1
    assert "tell of an LCZ map: it holds 2 files" in err


@pytest.fixture
def published(tmp_path, write_tif):
    """A city's maps as So2Sat's programs leave them, and an own map."""
    name = "00017_22007_Lagos"
    codes = np.full((12, 10), 3, np.uint16)
    codes[:, 5:] = 14
    kept = {"crs": "EPSG:32631", "pixel": 100.0}
    write_tif(codes, f"gul/data/MAP/{name}/LCZ_Fusion/201706/s1_s2_fusion.tif", **kept)
    write_tif(codes + 1, f"gul/data/Sentinel-1/{name}/LCZ_ResNet/201706/LCZLabel.tif", **kept)
    write_tif(codes + 2, f"gul/data/Sentinel-2/{name}/LCZ_ResNet20/{name}_lab.tiff", **kept)
    own = codes.astype(np.uint8)
    own[0] = 17
    return tmp_path / "gul", write_tif(own, "mine_lcz.tif", **kept)


@pytest.mark.parametrize("file", ["lagos.zip", "lagos.tar.gz"])
def test_an_own_map_against_the_published_one_in_one_command(published, tmp_path, run_lcz, file):
    folder, own = published
    packed = pack(folder, tmp_path / file)
    for source, out in ((folder, "f"), (packed, "a")):
        code, printed, err = run_lcz(
            "compare", own, source, "--out", tmp_path / out, "--no-figures"
        )
        assert code == 0, err
    assert "city 00017_22007_Lagos; LCZ map data/MAP/" in printed + err
    assert "left out 2 LCZ map" in printed + err
    one, other = (json.loads((tmp_path / o / "comparison.json").read_text()) for o in "fa")
    assert other["agreement"] == one["agreement"] == pytest.approx(110 / 120)
    for name in ("classes.csv", "changes.csv", "differences.tif"):
        assert (tmp_path / "f" / name).read_bytes() == (tmp_path / "a" / name).read_bytes()
    code, _, err = run_lcz("rerun", tmp_path / "a", "--out", tmp_path / "again")
    assert code == 0, err
    assert (
        json.loads((tmp_path / "again/comparison.json").read_text())["agreement"]
        == one["agreement"]
    )


def test_the_published_map_of_an_archive_is_taken_by_assess_and_uhi(
    published, tmp_path, run_lcz, write_tif
):
    folder, own = published
    packed = pack(folder, tmp_path / "lagos.tar")
    code, _, err = run_lcz(
        "assess", own, "--reference", packed, "--out", tmp_path / "a", "--no-figures"
    )
    assert code == 0, err
    heat = np.linspace(20, 30, 120, dtype=np.float32).reshape(12, 10)
    lst = write_tif(heat, "lst.tif", crs="EPSG:32631", pixel=100.0)
    code, _, err = run_lcz("uhi", packed, "--lst", lst, "--unit", "degC", "--replicates", "100",
                           "--no-figures", "--out", tmp_path / "u")  # fmt: skip
    assert code == 0, err


def test_a_map_is_found_by_its_codes_and_several_ask_which(published, tmp_path, write_tif, run_lcz):
    folder, own = published
    (tmp_path / "plain").mkdir()
    shutil.copy(own, tmp_path / "plain/vancouver.tif")
    write_tif(np.full((5, 5), 300.0, np.float32), "plain/height.tif")
    found, scheme = map_file(pack(tmp_path / "plain", tmp_path / "plain.zip"))
    assert (found, scheme) == (tmp_path / "plain.zip/vancouver.tif", "")
    second = folder / "data/MAP/00018_22008_Kano/LCZ_Fusion/201706"
    second.mkdir(parents=True)
    shutil.copy(next((folder / "data/MAP").rglob("s1_s2_fusion.tif")), second)
    packed = pack(folder, tmp_path / "two.zip")
    for there in (packed, folder):
        assert map_file(there) == (there, "")
        assert "Kano" in str(map_file(there, "00018_22008_Kano")[0])
    code, _, err = run_lcz("compare", own, packed, "--out", tmp_path / "out")
    assert code == 1
    assert "holds 2 cities (00017_22007_Lagos, 00018_22008_Kano): name one with --city" in err
    code, _, err = run_lcz(
        "compare", own, packed, "--city", "Kano", "--out", tmp_path / "out", "--no-figures"
    )
    assert code == 0, err


def test_polygons_in_a_zip_are_still_a_map_of_polygons(city, tmp_path):
    packed = tmp_path / "areas.zip"
    with zipfile.ZipFile(packed, "w") as out:
        out.write(city / f"Reference/{NAME}/polygons.gpkg", "areas.gpkg")
    assert map_file(packed) == (packed, "")


def test_the_published_city_of_the_reference_data(shared, tmp_path):
    """Scenes and maps of So2Sat's own programs, packed as its demo's data.zip."""
    golden = shared / "goldens/so2sat_city"
    scenes = pack(golden / "data", tmp_path / "data.zip", "data/")
    same(opened(scenes), opened(golden / "data"))
    found, scheme = map_file(pack(golden / "expected", tmp_path / "maps.tar.gz"))
    assert (found.name, scheme) == ("s1_s2_fusion.tif", "1-17")


def test_probabilities_of_the_programs_are_fused_from_folder_and_archive(shared, tmp_path, run_lcz):
    golden = shared / "goldens/so2sat_city/expected"
    for source, out in ((golden, "f"), (pack(golden, tmp_path / "maps.tgz"), "a")):
        code, printed, err = run_lcz("fuse", source, "--method", "so2sat", "--out", tmp_path / out)
        assert code == 0, err
        assert "5 files of class probabilities" in printed + err
    one, other = ((tmp_path / o / "fused_lcz.tif").read_bytes() for o in "fa")
    assert one == other
    with (
        rasterio.open(tmp_path / "a/fused_lcz.tif") as mine,
        rasterio.open(map_file(golden)[0]) as theirs,
    ):
        ours, published = mine.read(1), theirs.read(1)
    valid = ours > 0
    assert valid.mean() > 0.5
    np.testing.assert_array_equal(ours[valid], published[valid])


@pytest.mark.slow
def test_maps_of_the_reference_city_are_the_folders_byte_for_byte(shared, mirror, tmp_path):
    data = shared / "goldens/so2sat_city/data"
    for source, out in ((data, "folder"), (pack(data, tmp_path / "c.tgz"), "archive")):
        map_city(MapRequest((str(source),)), tmp_path / out)
    for file in (tmp_path / "folder").glob("*.tif"):
        assert file.read_bytes() == (tmp_path / "archive" / file.name).read_bytes()


def test_a_folder_of_own_results_is_not_fused_whole(tmp_path, write_tif, run_lcz):
    """It holds fused probabilities beside those that they were made of."""
    even = np.full((17, 4, 4), 1 / 17, np.float32)
    for name in ("s1", "s2", "fused"):
        write_tif(even, f"own/{name}_proba.tif", pixel=100.0)
    code, _, err = run_lcz(
        "fuse", tmp_path / "own", tmp_path / "own/s1_proba.tif", "--out", tmp_path / "out"
    )
    assert code == 1
    assert (
        "own is a folder: name the file in it (fused_proba.tif, s1_proba.tif, s2_proba.tif)" in err
    )


@pytest.mark.slow
def test_a_stopped_run_of_an_archive_is_taken_up(city, tmp_path):
    packed = pack(city, tmp_path / "x.tgz")
    request = MapRequest((str(packed),), only_seasons=("summer",))
    asked = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 1

    with pytest.raises(Cancelled):
        map_city(request, tmp_path / "out", cancelled=stop)
    assert not (tmp_path / "out/fused_lcz.tif").exists()
    map_city(request, tmp_path / "out", resume=True)
    map_city(request, tmp_path / "once")
    for name in ("fused_lcz.tif", "s1_proba.tif", "s2_proba.tif"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()
