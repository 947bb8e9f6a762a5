import gc
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import dask.array as da
import numpy as np
import pytest
import rasterio
import rioxarray
import xarray as xr
from odc.geo.geobox import GeoBox

from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.export import staged, write_json, write_lcz_map, write_probabilities
from lczlib.export.files import alone_in, stored_array
from lczlib.export.report import Panel, Report
from lczlib.grid import on_grid
from lczlib.maps import (
    certainty,
    labels,
    lcz_map,
    open_lcz_map,
    open_probabilities,
    probabilities,
)

BOX = GeoBox.from_bbox((500000, 5000000, 560000, 5070000), crs="EPSG:32633", resolution=100)


@pytest.fixture
def proba() -> xr.DataArray:
    values = np.random.default_rng(1).dirichlet(np.ones(17), BOX.shape).transpose(2, 0, 1)
    values[:, :20, :30] = np.nan
    return probabilities(on_grid(values, BOX, ("lcz", "y", "x")))


def test_an_lcz_map_opens_elsewhere_with_colours_names_and_no_data(tmp_path, proba):
    path = write_lcz_map(tmp_path / "with space's.tif", labels(proba))
    with rasterio.open(path) as src:
        assert src.dtypes == ("uint8",)
        assert src.nodata == 0
        assert src.colormap(1)[17][:3] == CLASSES[16].rgb
        assert src.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert src.overviews(1)
        assert src.tags()["flag_meanings"].split()[13] == "LCZ_D_low_plants"
    sidecar = (tmp_path / "with space's.tif.aux.xml").read_text()
    assert "<Category>LCZ A dense trees</Category>" in sidecar
    np.testing.assert_array_equal(open_lcz_map(path), labels(proba))
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name, f"{path.name}.aux.xml"]


def test_gdal_reads_the_category_names(tmp_path, proba):
    # rasterio has no call for category names; a VRT made by GDAL copies them from the source.
    path = write_lcz_map(tmp_path / "lcz.tif", labels(proba))
    rasterio.shutil.copy(path, tmp_path / "copy.vrt", driver="VRT")
    assert "LCZ D low plants" in (tmp_path / "copy.vrt").read_text()


def test_overviews_hold_no_invented_class(tmp_path):
    codes = np.where(np.indices(BOX.shape).sum(0) % 2, 17, 1).astype(np.uint8)
    path = write_lcz_map(tmp_path / "lcz.tif", lcz_map(on_grid(codes, BOX)))
    with rasterio.open(path, overview_level=0) as src:
        assert set(np.unique(src.read(1))) <= {1, 17}


def test_probabilities_come_back_as_0_to_1(tmp_path, proba):
    path = write_probabilities(tmp_path / "p.tif", proba)
    with rasterio.open(path) as src:
        assert src.dtypes[0] == "uint16"
        assert src.nodata == 65535
        assert src.descriptions[13] == "LCZ D low plants"
    back = open_probabilities(path)
    np.testing.assert_allclose(back, proba, atol=5.1e-5)
    np.testing.assert_array_equal(back.isnull(), proba.isnull())
    masked = rioxarray.open_rasterio(path, mask_and_scale=True)  # any reader that applies the scale
    assert float(masked.max()) == pytest.approx(float(proba.max()), abs=1e-4)


def test_lazy_and_loaded_probabilities_write_the_same_file(tmp_path, proba):
    lazy = proba.copy(data=da.from_array(proba.values, chunks=(17, 100, 100)))
    paths = [write_probabilities(tmp_path / n, p) for n, p in (("a.tif", proba), ("b.tif", lazy))]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_labels_take_the_first_of_equals_and_0_where_no_data(proba):
    equal = xr.full_like(proba, 1 / 17).where(proba.notnull())
    found = labels(equal)
    assert set(np.unique(found)) == {0, 1}
    np.testing.assert_array_equal(found == 0, proba.isnull().all("lcz"))


def test_certainty_is_one_for_sure_and_nought_for_uniform(proba):
    sure = xr.zeros_like(proba).where(proba.lcz != 3, 1.0)
    assert float(certainty(sure).min()) == pytest.approx(1, abs=1e-6)
    assert float(certainty(xr.full_like(proba, 1 / 17)).max()) == pytest.approx(0, abs=1e-6)
    assert certainty(proba).isnull().sum() == 20 * 30


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result.json"
    path.write_text("old")

    def write_half():
        with staged(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_has_null_for_nan_and_plain_numbers(tmp_path):
    path = write_json(tmp_path / "x.json", {"a": np.float32("nan"), "b": np.arange(2), "c": (1.5,)})
    assert json.loads(path.read_text()) == {"a": None, "b": [0, 1], "c": [1.5]}


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path):
    # A limit on file size stands for the full disk: writing fails at the same place.
    code = f"""
import resource, numpy as np
from odc.geo.geobox import GeoBox
from lczlib.errors import InputError
from lczlib.export import write_lcz_map
from lczlib.grid import on_grid
box = GeoBox.from_bbox((500000, 5000000, 700000, 5200000), crs="EPSG:32633", resolution=100)
codes = on_grid(np.random.default_rng(0).integers(1, 18, box.shape).astype(np.uint8), box)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_lcz_map({str(tmp_path / "lcz.tif")!r}, codes)
except InputError as err:
    print(err)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "lcz.tif" in done.stdout
    assert "disk" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another folder"):
        write_json(tmp_path / "file" / "x.json", {})


def test_a_folder_is_held_by_one_until_it_ends_or_dies(tmp_path):
    hold = (
        "import sys, time; from lczlib.export.files import alone_in\n"
        "with alone_in(sys.argv[1], 'work/lock'): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="Another run is writing"):
            alone_in(tmp_path, "work/lock").__enter__()
        other.kill()
    with alone_in(tmp_path, "work/lock"):
        pass
    with alone_in(tmp_path, "work/lock"), alone_in(tmp_path, "other/lock"):
        pass


def test_a_folder_is_held_also_where_there_is_no_fcntl(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)  # as on Windows
    with (
        alone_in(tmp_path),
        pytest.raises(InputError, match="Another run is writing"),
        alone_in(tmp_path),
    ):
        pass


def test_a_report_shows_what_it_is_given_as_text(tmp_path):
    report = Report("<i>A</i> & B", "'own' \"file\"", "<b>C</b>", simulated=True)
    report.section("1 < 2")
    report.text("<script>alert(1)</script>", "warning")
    report.facts([("<b>term</b>", "<i>said</i>")])
    report.table(("a<b", "c"), [("<b>x</b>", "<b>y</b>"), ("z", None)], "x & y")
    report.figure(
        [Panel("data:image/png;base64,AA==", 'a "quoted" <i>picture</i>')], "<b>caption</b>"
    )
    report.cited(["<b>cited</b>", 1])
    report.references(["<i>reference</i>"])
    report.code("<b>code</b>")
    with report.folded("<i>folded</i>"):
        report.text("<b>within</b>")
    text = report.write(tmp_path / "r.html").read_text().removeprefix("<!doctype html>")
    page = ElementTree.fromstring(re.sub("<(meta|img)([^>]*)>", r"<\1\2/>", text))
    main = page.find("body/main")
    labels = [e.text for e in main.iter("b") if e.text not in ("Table 1.", "Figure 1.")]
    assert labels + [e.tag for e in main.iter() if e.tag in ("i", "script")] == []
    assert page.findtext("head/title") == main.findtext(".//h1") == "<i>A</i> & B"
    assert main.findtext("h2") == "1 < 2"
    told = {p.get("class"): "".join(p.itertext()) for p in main.iter("p")}
    assert told["by"].startswith("<b>C</b> · 'own' \"file\" · ")
    assert "<script>alert(1)</script>" in [p.text for p in main.iter("p")]
    assert [(c.tag, c.text) for c in main.findall(".//tbody/tr/*")] == [
        ("th", "<b>x</b>"), ("td", "<b>y</b>"), ("th", "z"), ("td", "None"),
    ]  # fmt: skip
    assert main.find(".//img").get("alt") == 'a "quoted" <i>picture</i>'
    assert "".join(main.find(".//figcaption").itertext()) == "Figure 1. <b>caption</b>"
    assert main.findtext(".//pre") == "<b>code</b>"
    assert main.findtext(".//details/summary") == "<i>folded</i>"


@pytest.mark.slow
def test_arrays_are_read_in_threads(tmp_path):
    """A fault of Python 3.11: its parser loses count where threads parse at a time."""
    path = tmp_path / "tile.npz"
    np.savez(path, values=np.arange(6, dtype=np.uint8))

    class Loop:
        """Costs the collector time, in which another thread goes on."""

        def __init__(self):
            self.itself = self

        def __del__(self):
            sum(range(50))

    def read(_):
        for _ in range(1500):
            Loop()
            found = stored_array(path, "values")
        return found.sum()

    often, wait = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(5, 2, 2)
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(6) as pool:
            assert set(pool.map(read, range(6))) == {15}
    finally:
        gc.set_threshold(*often)
        sys.setswitchinterval(wait)
