"""``lcz get --what lst --thermal ecostress``: passes at all hours, whose files need an account."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from stac.lst import BOX, INSIDE, kelvin, write_ecostress
from stac.server import serve

from lczlib.acquire import faults, providers
from lczlib.errors import InputError
from lczlib.jobs.get import run
from lczlib.jobs.get_check import check
from lczlib.jobs.get_lst import find_lst
from lczlib.jobs.get_request import GetRequest
from lczlib.scenes.thermal import open_temperature


def asked(service, **more) -> GetRequest:
    given = {
        "place": INSIDE, "what": ("lst",), "provider": service.api, "thermal": ("ecostress",),
        "start": "2023-07-01", "end": "2023-07-31",
    }  # fmt: skip
    return GetRequest(**given | more)


def fetched(service, out, **more):
    result = run(asked(service, **more), out)
    result.write(out)
    return result


@pytest.fixture
def ecostress(tmp_path, monkeypatch):
    """NASA's catalog on loopback; a night of two tiles, and a day that was processed twice."""
    night, day = kelvin(mean=288), kelvin(mean=305, seed=1)
    cloud = np.zeros(BOX.shape)
    cloud[:20] = 1
    half = night.copy()
    half[:, 50:] = np.nan
    items = [
        write_ecostress(tmp_path / "s", "2023-07-10T01:14:42Z", half, cloud),
        write_ecostress(tmp_path / "s", "2023-07-10T01:14:42Z", night, cloud, tile="33UVU"),
        write_ecostress(tmp_path / "s", "2023-07-12T13:20:00Z", np.full(BOX.shape, 999.0), orbit=28560),
        write_ecostress(tmp_path / "s", "2023-07-12T13:20:00Z", day, orbit=28560, build="0712_02"),
    ]  # fmt: skip
    service, stop = serve(tmp_path / "s", items)
    monkeypatch.setattr(faults, "PAUSE", 0.01)
    monkeypatch.setenv("EARTHDATA_TOKEN", "t")
    own = replace(providers.ECOSTRESS, search=service.api, login="", domains=("127.0.0.1",))
    monkeypatch.setattr(providers, "ECOSTRESS", own)
    yield service, night, day
    stop()


def test_ecostress_has_a_band_a_pass_and_day_and_night_are_never_one_median(ecostress, tmp_path):
    service, night, day = ecostress
    out = tmp_path / "out"
    result = fetched(service, out)
    with rasterio.open(out / "lst_ecostress.tif") as src:
        values = src.read()
        col, row = (round(v) for v in ~BOX.affine * (src.transform.c, src.transform.f))
        here = slice(row, row + src.height), slice(col, col + src.width)
        assert [src.tags(i)["OVERPASS"] for i in (1, 2)] == ["night", "day"]
        assert [src.tags(i)["SOLAR_TIME"] for i in (1, 2)] == ["02:03", "14:08"]
        assert src.units == ("K", "K")
    want = night.astype(np.float32)
    want[:20] = np.nan
    np.testing.assert_array_equal(values[0], want[here])
    np.testing.assert_array_equal(values[1], day.astype(np.float32)[here])
    for name, mean in (("lst_ecostress_night_median", 288), ("lst_ecostress_median", 305)):
        with rasterio.open(out / f"{name}.tif") as src:
            assert np.nanmean(src.read(1)) == pytest.approx(mean, abs=2)
    assert any("at another hour each time" in t for t in result.cautions())
    assert open_temperature(out / "lst_ecostress_night_median.tif").overpass == "night"
    assert not list(out.glob(".get-lst*"))


def test_ecostress_without_an_account_is_refused_before_anything_is_asked(
    ecostress, tmp_path, monkeypatch
):
    service, *_ = ecostress
    monkeypatch.delenv("EARTHDATA_TOKEN")
    with pytest.raises(
        InputError, match=r"NASA LP DAAC .* free account: register at .* EARTHDATA_TOKEN"
    ):
        run(asked(service, thermal=("landsat", "ecostress")), tmp_path / "out")
    assert service.searches == 0
    assert len(find_lst(asked(service)).series[0].passes) == 2  # listed all the same


def test_a_check_says_whether_files_of_the_catalog_are_given(ecostress):
    service, *_ = ecostress
    found = {f.tried: f for f in check(asked(service)).findings}
    assert found["search ECO_L2T_LSTE_002"].said.startswith("2 dates, the last of 2023-07-12 (ISS)")
    assert found["read ECO_L2T_LSTE"].good
    service.fault = lambda h, path, n: h.refuse(401)
    found = {f.tried: f for f in check(asked(service)).findings}
    assert not found["read ECO_L2T_LSTE"].good
    assert "refused (HTTP 401)" in found["read ECO_L2T_LSTE"].said


def test_a_file_that_is_no_raster_leaves_its_pass_out(ecostress, tmp_path):
    service, *_ = ecostress
    (file,) = service.folder.rglob("*28560*0712_02_cloud.tif")
    file.write_bytes(b"<html>log in</html>")
    result = fetched(service, tmp_path / "out")
    assert [p.date.day for p in result.series[0].passes] == [10]
    said = "\n".join(result.cautions())
    assert "Left out, 1 item (2023-07-12 ISS): cloud of ECOv002_L2T_LSTE_28560" in said
    assert "is no whole GeoTIFF" in said
