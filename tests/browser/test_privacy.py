"""Two visitors of one server: neither finds the other's files, results or session."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rasterio
from conftest import PATIENCE
from helpers import CITY, answered, go, upload
from rasterio.windows import Window

pytestmark = pytest.mark.browser

QUICK = ("--unused-session-lifetime", "3000", "--check-unused-sessions", "500")


@pytest.fixture
def image(city: Path, tmp_path: Path) -> Path:
    """A piece of a simulated image, as a file of one's own."""
    whole = next((city / "Sentinel-2" / CITY / "summer").glob("*.tif"))
    path = tmp_path / "back_garden.tif"
    with rasterio.open(whole) as src:
        window = Window(0, 0, 160, 160)
        profile = {**src.profile, "width": 160, "height": 160}
        with rasterio.open(path, "w", **profile) as dst:
            dst.write(src.read(window=window))
            dst.update_tags(**src.tags())
            dst.descriptions = src.descriptions
    return path


def log_in(page: Any, name: str) -> Any:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(f"{name}'s")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="City", exact=True).wait_for()
    return page


def offered(page: Any) -> list[str]:
    """What the Map page offers as existing results."""
    page.get_by_role("button", name="Load an existing result").click()
    choice = page.get_by_label("Result", exact=True)
    none = page.get_by_text("There are no earlier results here")
    choice.or_(none).first.wait_for()
    return choice.locator("option").all_inner_texts() if choice.count() else []


def test_neither_finds_what_the_other_has(
    start: Callable[..., Any],
    visit: Callable[..., Any],
    mapped: Any,
    image: Path,
    tmp_path: Path,
) -> None:
    users, cache = tmp_path / "users.json", Path(mapped.log.name).parent
    users.write_text(json.dumps({n: f"{n}'s" for n in ("alice", "bob")}))
    sessions = tmp_path / "tmp"
    sessions.mkdir()
    own = start(
        "--basic-auth", str(users), "--cookie-secret", "c" * 32, *QUICK,
        cache=cache, TMPDIR=str(sessions),
    ).wait("/login")  # fmt: skip
    alice = log_in(visit(own.url), "alice")
    alice.goto(f"{own.url}?page=city&city=own")
    alice.get_by_role("heading", name="Own files", exact=True).wait_for()
    upload(alice, "Sentinel-2", image)
    answered(alice, "Taken: back_garden.tif")
    go(alice, "Map")
    alice.get_by_role("button", name="Run", exact=True).click()
    alice.get_by_text(re.compile("cells, made in")).wait_for(timeout=3000 * PATIENCE)
    (hers,) = sessions.glob("lczlib-session-*")
    files = [p for p in hers.rglob("*") if p.is_file()]
    assert {"back_garden.tif", "s2_lcz.tif"} <= {p.name for p in files}
    public = list(cache.glob("results/*/manifest.json"))
    assert public
    assert not any("back_garden" in m.read_text() for m in public)
    assert any("back_garden" in name for name in offered(alice))  # she finds it again herself

    bob = log_in(visit(own.url), "bob")
    bob.goto(f"{own.url}?page=map")
    bob.get_by_text("Demo city (simulated)").first.wait_for()
    names = offered(bob)
    assert len(names) == 1 + len(public)  # none, and those of the demo city
    assert not any("back_garden" in name for name in names)

    token = re.search(r'"token":\s*"([^"]+)"', alice.content()).group(1)
    payload, _ = token.split(".")
    name = json.loads(base64.urlsafe_b64decode(payload + "=="))["session_id"]
    for query in (f"bokeh-session-id={name}", f"bokeh-token={token}", "bokeh-session-id=ours"):
        assert bob.request.get(f"{own.url}?{query}").status == 403
        assert bob.request.get(f"{own.url}/autoload.js?{query}").status == 403
    refused = bob.request.get(own.url, headers={"Bokeh-Session-Id": name})
    assert refused.status == 403
    for path in files:
        for root in (f"http://localhost:{own.port}", own.url, f"{own.url}/static"):
            assert bob.request.get(f"{root}{path}").status in (403, 404)

    for setting in ("result_folder", "scene_files", "s2_weights"):
        value = str(next(p for p in files if p.name == "s2_lcz.tif").parent)
        bob.goto(f"{own.url}?page=map&{setting}={value}")
        bob.get_by_text(f"Not understood in the address: {setting}").first.wait_for()

    alice.close()
    own.until(lambda: not hers.exists())
    assert not any("back_garden" in name for name in offered(bob))
    assert not list(cache.rglob("*back_garden*"))
    assert own.errors() == []
    own.stop()


def test_without_signed_sessions_nothing_is_taken(
    start: Callable[..., Any], visit: Callable[..., Any], server: Any
) -> None:
    own = start(cache=Path(server.log.name).parent, BOKEH_SIGN_SESSIONS="").wait()
    page = visit(f"{own.url}?page=city")
    page.get_by_text("8.0 × 8.0 km").wait_for()
    page.get_by_role("button", name="Upload own files").click()
    page.get_by_text("Uploads are off").wait_for()
    page.get_by_text("lcz app", exact=True).wait_for()
    assert page.locator("input[type=file]").count() == 0
    assert page.request.get(f"{own.url}?bokeh-session-id=ours").status == 403
    own.stop()
