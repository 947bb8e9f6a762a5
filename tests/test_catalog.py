import functools
import http.server
import re
import shutil
import threading

import pystac
import pystac.validation
import pytest
from stac_model.schema import MLModelProperties

from lczlib import catalog
from lczlib.catalog.entries import catalog_folder
from lczlib.errors import CatalogError
from lczlib.export import sha256_of

ITEMS = list(
    pystac.Catalog.from_file(str(catalog_folder() / "catalog.json")).get_items(recursive=True)
)


def core_only(item: pystac.STACObject) -> dict:
    """Without extensions, whose schemas would have to be fetched; pystac ships the core's."""
    return {**item.to_dict(include_self_link=False), "stac_extensions": []}


@pytest.mark.parametrize("item", ITEMS, ids=lambda i: i.id)
def test_every_item_is_valid_stac(item):
    pystac.validation.validate_dict(core_only(item))


def test_catalog_and_collections_are_valid_stac():
    root = pystac.Catalog.from_file(str(catalog_folder() / "catalog.json"))
    for one in [root, *root.get_children()]:
        pystac.validation.validate_dict(core_only(one))
    assert {c.id for c in root.get_children()} == {
        "weights", "scenes", "lcz_maps", "cities", "datasets", "geoids",
    }  # fmt: skip


@pytest.mark.parametrize(
    "item", [i for i in ITEMS if i.collection_id == "weights"], ids=lambda i: i.id
)
def test_every_weights_item_fits_the_mlm_extension(item):
    model = MLModelProperties.model_validate(item.properties)
    assert (
        len(item.assets["model"].extra_fields["bands"])
        == len(model.input[0].bands)
        == model.input[0].input.shape[1]
    )


@pytest.mark.parametrize("name", catalog.entries())
def test_every_entry_says_where_what_and_under_which_terms(name):
    entry = catalog.entry(name)
    assert entry.url.startswith("https://")
    assert len(entry.sha256) == 64
    assert entry.size > 1000
    assert entry.licence
    assert len(entry.citation) > 20


@pytest.mark.parametrize("link", catalog.links().values(), ids=catalog.links())
def test_what_is_only_linked_to_says_where_what_and_under_which_terms(link):
    assert all(a.startswith("https://") for a in link.addresses)
    assert len(link.description) > 50
    assert link.licence in ("CC-BY-4.0", "CDLA-Permissive-1.0", "other")
    assert re.search(r"\(20\d\d\): ", link.citation)
    # an identifier that could not be confirmed is left out, and the description says so
    assert (
        " doi 10." in link.citation
        or "DOI of the data set could not be checked" in link.description
    )
    assert 2016 < link.year < 2030
    with pytest.raises(CatalogError, match=f"only linked to.*{re.escape(link.addresses[0])}"):
        catalog.fetch(link.name)


def test_data_to_train_and_compare_with_is_linked_to():
    linked = {
        "bigearthnet",
        "lcz_global_2018",
        "lcznet_data",
        "lcznet_weights",
        "so2sat_gul",
        "so2sat_lcz42",
        "tibet_water_2020",
    }
    assert set(catalog.links()) == linked
    assert not linked & set(catalog.entries())
    assert len(ITEMS) == len(catalog.links()) + len(catalog.entries())


MIRRORED = [n for n, e in catalog.entries().items() if e.collection != "geoids"]
"""Geoids come from elsewhere in tests: see test_sentinel1_geocode.py."""


@pytest.mark.parametrize("name", MIRRORED)
def test_every_entry_can_be_fetched_from_a_mirror(mirror, name):
    path = catalog.fetch(name)
    assert sha256_of(path) == catalog.entry(name).sha256
    assert path.stat().st_size == catalog.entry(name).size


@pytest.fixture
def http_mirror(shared):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=shared / "mirror")
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_download_over_http_is_hash_checked_and_kept(http_mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("LCZLIB_MIRROR", http_mirror)
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path))
    path = catalog.fetch("so2sat_s1_resnet20", progress=True)
    assert path.parent == tmp_path
    monkeypatch.setenv("LCZLIB_MIRROR", "http://127.0.0.1:9")  # nothing there: the cache serves
    assert catalog.fetch("so2sat_s1_resnet20") == path


def test_no_network_says_the_address_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("LCZLIB_MIRROR", "http://127.0.0.1:9")
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path))
    with pytest.raises(CatalogError, match=r"127\.0\.0\.1:9.*by hand.*LCZLIB_MIRROR"):
        catalog.fetch("sen2lcz_net")
    assert list(tmp_path.iterdir()) == []


def test_a_mirror_with_another_file_is_refused(mirror, tmp_path, monkeypatch):
    fake = tmp_path / "mirror"
    fake.mkdir()
    shutil.copy(mirror / "so2sat_s1_resnet20.h5", fake / "so2sat_s2_resnet20.h5")
    monkeypatch.setenv("LCZLIB_MIRROR", str(fake))
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(CatalogError, match="SHA-256 differs"):
        catalog.fetch("so2sat_s2_resnet20")
    with pytest.raises(CatalogError, match=r"has no sen2lcz_net\.h5"):
        catalog.fetch("sen2lcz_net")


def test_a_damaged_cache_file_is_fetched_again(mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path))
    path = catalog.fetch("sen2lcz_net")
    path.write_bytes(path.read_bytes()[:-1])
    assert sha256_of(catalog.fetch("sen2lcz_net")) == catalog.entry("sen2lcz_net").sha256


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(CatalogError, match="sen2lcz_net"):
        catalog.entry("sen2lcz")
