"""Where items say that their files lie: nothing but web and S3 addresses reaches GDAL, whatever is sent."""

from __future__ import annotations

import re

import numpy as np
import pytest
from stac.july import BOX, DAYS, asked, check_same, fetched, left_out, names, write_july
from stac.server import serve

from lczlib.acquire import access, providers
from lczlib.acquire.access import Access, AssetFailed
from lczlib.acquire.hrefs import is_near, refusal, unsigned
from lczlib.acquire.scene import Scene
from lczlib.errors import LczError
from lczlib.jobs.get import run

pytestmark = pytest.mark.usefixtures("hurried")

VRT = """<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>
<SourceFilename>{of}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"""
STRANGE = [
    "/etc/passwd", "../../secret.tif", "B02.tif", "C:\\secret.tif", "file:///etc/passwd", "file:/etc/passwd",
    "/vsicurl/http://127.0.0.1:1/a.tif", "/vsicurl?url=http%3A%2F%2F127.0.0.1%3A1%2Fa.tif", "/vsis3/bucket/a.tif",
    "/vsizip//vsicurl/http://127.0.0.1:1/a.zip/a.tif", "/vsimem/a.tif", "/vsistdin/", VRT.format(of="/etc/passwd"),
    "vrt:///etc/passwd?bands=1", "vrt://http://127.0.0.1:1/a.tif", "GTIFF_DIR:1:/etc/passwd",
    "zip+http://127.0.0.1:1/a.zip!a.tif", "zip://a.zip!a.tif", "ftp://127.0.0.1:1/a.tif",
    "gopher://127.0.0.1:1/a.tif", "data:image/tiff;base64,AAAA", "gs://bucket/a.tif", "WMS:http://127.0.0.1:1/",
    "http:/127.0.0.1:1/a.tif", "http://", "http:///a.tif", "https://a b/c.tif", "http://a/b\n.tif", "\thttp://a/b.tif",
    "http://user:word@host/a.tif", "http://host\\@other/a.tif", "HTTP+zip://a/b", "s3://bucket", "s3://../a/b",
    "s3://bucket/a?b", "s3://-/x", "", None, 7, {"href": "http://a/b.tif"}, "http://[::1/a.tif", "http://a:b:c]/d",
]  # fmt: skip


@pytest.mark.parametrize("href", STRANGE, ids=lambda h: repr(h)[:40])
def test_what_is_no_web_or_s3_address_is_refused_in_a_clause_that_shows_it(href):
    told = refusal(href, "127.0.0.1:8000")
    assert told.startswith("lies at ")
    assert len(told) < 250
    assert not re.search(r"[\x00-\x1f]", told)


@pytest.mark.parametrize(
    "href",
    [
        "http://127.0.0.1:1/a.tif", "https://host.example/a.tif?sig=a%2Fb&se=2024:10", "https://host.example/a/b.jp2",
        "https://host.example:8443/x", "s3://eodata/Sentinel-2/MSI/L2A/a.SAFE/B02_10m.jp2", "http://[::1]:8/a.tif",
        "http://host.example/a.tif?/vsicurl/", "https://host.example/S2B_33UUU_20241024_0_L2A/B02.tif",
    ],
)  # fmt: skip
def test_addresses_as_services_give_them_pass(href):
    assert refusal(href, "127.0.0.1:8000") == ""


NEAR = [
    "127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "172.20.1.1", "169.254.169.254", "0.0.0.0", "[::1]",
    "2130706433", "0x7f.1", "[fe80::1]", "[fd00::1]", "[::ffff:10.0.0.1]",
]  # fmt: skip


@pytest.mark.parametrize("host", NEAR)
def test_a_service_elsewhere_does_not_lead_to_this_machine_or_its_network(host):
    href = f"http://{host}/a.tif"
    assert "on this machine or its network" in refusal(href, "93.184.216.34")
    assert refusal(href, "127.0.0.1:8000") == ""  # a service of one's own may
    assert refusal(href, "192.168.7.7") == ""


def test_hosts_that_are_elsewhere_or_not_known_here_are_not_near():
    assert not is_near("93.184.216.34")
    assert not is_near("2606:2800:220:1::1")
    assert not is_near("198.18.0.5")
    assert not is_near("nowhere.invalid")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stac")
    return folder, *write_july(folder)


@pytest.fixture
def service(files):
    running, stop = serve(files[0], files[1])
    yield running
    stop()


@pytest.fixture
def opened(monkeypatch):
    """What GDAL is given to open."""
    seen = []
    before = access.read_part

    def note(path, **more):
        seen.append(path)
        return before(path, **more)

    monkeypatch.setattr(access, "read_part", note)
    return seen


def test_a_file_that_an_item_has_elsewhere_costs_its_day_and_gdal_never_sees_it(
    service, files, tmp_path, opened
):
    own = files[0] / "pc" / names(DAYS)[1] / "B03.tif"
    assert own.is_file()
    service.items[1]["assets"]["B03"]["href"] = str(own)  # readable, and not to be read
    fetched(service, tmp_path)
    (why,) = left_out(tmp_path).values()
    assert why.startswith(f"B03 of {names(DAYS)[1]} lies at {str(own)[:20]!r}".rstrip("'"))
    assert "read from http, https and s3 addresses alone" in why
    assert opened
    assert all(path.startswith("http://127.0.0.1:") for path in opened)
    check_same(tmp_path, files[2])


def test_an_asset_without_an_address_costs_its_day(service, files, tmp_path):
    del service.items[0]["assets"]["B04"]["href"]
    fetched(service, tmp_path)
    assert "B04 of" in left_out(tmp_path)["2024-07-01"]
    check_same(tmp_path, files[2])


def test_where_all_items_are_strange_it_is_one_sentence(service, tmp_path):
    for item in service.items:
        item["assets"]["SCL"]["href"] = "/vsicurl?url=http://127.0.0.1/a.tif"
    with pytest.raises(LczError) as caught:
        run(asked(service), tmp_path)
    assert names(DAYS)[0] in str(caught.value)
    assert "lies at '/vsicurl?url=http://127.0.0.1/a.tif'" in str(caught.value)
    assert not service.asked


@pytest.mark.parametrize("of", ["/vsicurl/{root}/files/secret.tif", "{folder}/secret.tif"])
def test_a_virtual_raster_in_place_of_a_file_is_not_opened(service, files, tmp_path, of):
    """It would have GDAL read what it names: here a file of this machine, or another address."""
    folder, _, dn = files
    file = folder / "pc" / names(DAYS)[0] / "B8A.tif"
    whole = file.read_bytes()
    (folder / "secret.tif").write_bytes(whole)
    vrt = (
        '<VRTDataset rasterXSize="320" rasterYSize="100"><SRS>EPSG:32633</SRS>'
        "<GeoTransform>384040, 20, 0, 5820320, 0, -20</GeoTransform>"
        '<VRTRasterBand dataType="UInt16" band="1"><SimpleSource>'
        f"<SourceFilename>{of.format(root=service.root, folder=folder)}</SourceFilename>"
        "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    try:
        file.write_text(vrt)
        fetched(service, tmp_path)
    finally:
        file.write_bytes(whole)
    assert left_out(tmp_path) == {
        "2024-07-01": f"B8A of {names(DAYS)[0]} is no GeoTIFF or JPEG 2000, or is cut off"
    }
    assert not service.reads("secret")
    check_same(tmp_path, dn)


def test_a_redirect_is_followed_on_the_web_and_never_to_a_file(service, files, tmp_path):
    folder, _, dn = files
    first, second = names(DAYS)[:2]

    def fault(handler, path, before):
        to = {
            f"pc/{first}/B05.tif": f"file://{folder}/pc/{first}/B06.tif",
            f"pc/{second}/B05.tif": f"{service.root}/files/pc/{second}/B05.tif?moved",
        }.get(path)
        if to is None or handler.request.query == "moved":
            return False
        handler.redirect(to)
        return True

    service.fault = fault
    fetched(service, tmp_path)
    assert left_out(tmp_path) == {
        "2024-07-01": f"B05 of {first} is redirected to what is no web address, or in a circle"
    }
    assert any(a.query == "moved" and a.status == 206 for a in service.asked)
    check_same(tmp_path, dn)


def test_a_service_elsewhere_does_not_have_this_machine_read(service):
    """Nothing is asked of it: neither by GDAL nor for the cause."""
    elsewhere = providers.Provider("x", "Elsewhere", "https://93.184.216.34/v1")
    with Access(elsewhere) as reader, pytest.raises(AssetFailed, match="on this machine or its"):
        reader.read(Scene(service.items[0]), "B02", BOX)
    assert not service.asked


def test_files_in_a_bucket_are_asked_for_with_the_keys_of_the_environment(service, monkeypatch):
    host = service.root.removeprefix("http://")
    row = providers.Provider(
        "keys", "Keys", service.api, s3_keys=("LCZ_TEST_KEY", "LCZ_TEST_SECRET"),
        s3={"AWS_S3_ENDPOINT": host, "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE", "AWS_REGION": "default"},
    )  # fmt: skip
    monkeypatch.setenv("LCZ_TEST_KEY", "the-key")
    monkeypatch.setenv("LCZ_TEST_SECRET", "the-secret")
    signed = []
    service.fault = lambda h, path, n: signed.append(h.request.headers.get("Authorization", ""))
    item = service.items[0]
    with Access(row) as reader:
        web = reader.read(Scene(item), "B02", BOX)
        assert not any(signed)
        signed.clear()
        for asset in item["assets"].values():
            asset["href"] = asset["href"].replace(f"{service.root}/", "s3://")
        np.testing.assert_array_equal(reader.read(Scene(item), "B02", BOX), web)
    assert signed
    assert all("Credential=the-key/" in s for s in signed)


def test_what_signs_an_address_is_not_shown():
    signed = "https://a.blob.core.windows.net/maps/lcz.tif?sv=2024&sig=secret#part"
    assert unsigned(signed) == "https://a.blob.core.windows.net/maps/lcz.tif"
    assert unsigned("maps/lcz?.tif") == "maps/lcz?.tif"
