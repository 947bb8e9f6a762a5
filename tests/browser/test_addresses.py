"""Addresses that nobody would write by hand: each opens a page, which says what it did not take."""

from __future__ import annotations

import json
import random
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from helpers import SHOWN, go

pytest.importorskip("panel")

from app.session.address import SETTINGS
from app.session.view import View

pytestmark = pytest.mark.browser

VALUES = (
    "[null,null,null,null]", '["a","b","c","d"]', "[1e308,1e308]", "[NaN,1]", "Infinity", "1e999",
    "-1", "999999999999", "null", '""', "", "[]", "{}", "x", "../../etc/passwd", "[[1]]", "true",
    '["s1","s1","zz"]', "\0", "💥" * 50, "[1,2]", "[0,0,0,0]", "[1,18]", "[true,false]", "fused",
    "reference", "own", "K", "[" * 2000,
)  # fmt: skip
PAGES = ("city", "map", "compare", "accuracy", "heat", "water", "share")
NAMES = (*SETTINGS, *(n for n in View.param if n != "name"), "theme", "made", "unheard-of")


def test_no_address_breaks_a_page(server: Any) -> None:
    drawn = random.Random(1)
    for names in zip(NAMES[::3], NAMES[1::3] + NAMES[:1], NAMES[2::3] + NAMES[:2], strict=False):
        query = {name: drawn.choice(VALUES) for name in names} | {"page": drawn.choice(PAGES)}
        address = f"{server.url}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert "Local Climate Zones" in answer.read().decode(), query
        assert server.errors() == [], query


@pytest.mark.parametrize("page", ["map", "compare", "accuracy", "heat"])
def test_what_an_address_says_wrongly_is_told(
    page: str, mapped: Any, visit: Callable[..., Any]
) -> None:
    """With a browser, so that all steps of the page run as well."""
    wrong = {
        "area": "[null,null,null,null]", "place": "[1e308,1e308]", "box": '["a","b","c","d"]',
        "cell": "[0,99]", "first": "nothing", "second": "nothing", "third": "nothing",
        "heat_map": "nothing", "judged": "nothing", "kind": "nothing", "season": "nothing",
        "hours": "nothing", "lcz": "true", "heat_replicates": "NaN",
    }  # fmt: skip
    query = urllib.parse.urlencode({"page": page, **wrong})
    shown = visit(f"{mapped.url}?{query}")
    told = shown.locator(".notyf__message", has_text="Not understood in the address: ").inner_text()
    assert {"area", "place", "box", "cell", "lcz"} <= set(told.partition(": ")[2].split(", "))
    if page == "map":
        shown.get_by_text(SHOWN[page]).first.wait_for()
    assert mapped.errors() == []


@pytest.mark.parametrize(("page", "then"), [("heat", "its zones"), ("accuracy", "it is judged")])
def test_a_city_without_imagery_says_what_is_missing(
    page: str, then: str, server: Any, visit: Callable[..., Any]
) -> None:
    shown = visit(f"{server.url}?city=place:2332459&page={page}")  # Lagos
    shown.get_by_text(f"then {then}").wait_for()
    shown.get_by_text("Working …", exact=True).first.wait_for(state="hidden")
    assert shown.get_by_text(f"then {then}").is_visible()
    go(shown, "City")
    shown.get_by_text("There is no imagery of Lagos, Nigeria here yet. Its box").wait_for()


def test_the_root_leads_to_what_is_asked_for(server: Any, visit: Callable[..., Any]) -> None:
    asked = json.dumps([3.02, 52.12, 3.05, 52.14])
    query = urllib.parse.urlencode({"page": "map", "area": asked})
    page = visit(f"http://localhost:{server.port}/?{query}")
    page.get_by_role("button", name="Run", exact=True).wait_for()
    found = urllib.parse.parse_qs(urllib.parse.urlsplit(page.url).query)
    assert found["page"] == ["map"]
    assert json.loads(found["area"][0]) == json.loads(asked)
