"""The page as people meet it: on a screen, on a phone, by keyboard, with a screen reader."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from helpers import AXE_JS, SHOWN, drawn, go, settled, wait_for

pytestmark = pytest.mark.browser

STATE = {"compare": "&place=[3.06,52.135]", "heat": "&heat_map=reference"}
FIGURE_JS = """(name) => { const find = (root) => { for (const e of root.querySelectorAll('*')) {
    if (e.matches('.bk-Figure') && e.offsetWidth > 100) return e
    const found = e.shadowRoot && find(e.shadowRoot); if (found) return found } }
  const box = find(document).getBoundingClientRect(); return [box.width, box.height, box.top] }"""


@pytest.mark.parametrize("theme", ["default", "dark"])
@pytest.mark.parametrize("name", list(SHOWN))
def test_no_page_keeps_anybody_out_and_none_is_wider_than_a_phone(
    mapped: Any, visit: Callable[..., Any], axe: str, name: str, theme: str
) -> None:
    page = visit(f"{mapped.url}?page={name}{STATE.get(name, '')}&theme={theme}")
    page.get_by_text(SHOWN[name]).first.wait_for()
    drawn(page)
    page.evaluate(axe)
    assert page.evaluate(AXE_JS) == []
    page.set_viewport_size({"width": 390, "height": 844})
    wait_for(page, "() => innerWidth === 390 && document.documentElement.scrollWidth <= 390")


def test_on_a_phone_the_map_is_square_and_settings_are_a_sheet_below(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=map")
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    settled(page, "map")
    width, height, top = page.evaluate(FIGURE_JS)
    assert 0.8 < width / height < 1.25
    assert top + height < 844
    fusion, menu = (
        page.get_by_label("Fusion of the two"),
        page.get_by_role("button", name="Settings"),
    )
    assert not fusion.is_visible()
    assert page.get_by_role("button", name="Run again").is_visible()
    menu.focus()
    page.keyboard.press("Enter")
    fusion.wait_for()
    assert menu.get_attribute("aria-expanded") == "true"
    assert page.get_by_role("button", name="Run again").is_visible()
    page.keyboard.press("Escape")
    fusion.wait_for(state="hidden")


def test_a_map_is_as_high_as_the_window(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=map")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    settled(page, "map")
    for height in (1000, 760):
        page.set_viewport_size({"width": 1440, "height": height})
        found = wait_for(
            page,
            f"(h) => {{ const f = ({FIGURE_JS})(); return f[1] > 0.8 * h && f[1] < h && f }}",
            height,
        )
        assert found[1] + found[2] <= height + 60  # what was read stands above it


def test_all_is_reached_by_keyboard_and_focus_is_seen(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=map")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    focused = """() => { let e = document.activeElement
      while (e && e.shadowRoot && e.shadowRoot.activeElement) e = e.shadowRoot.activeElement
      const s = getComputedStyle(e)
      const label = e.labels && e.labels[0] ? e.labels[0].textContent : ''
      return [(e.getAttribute('aria-label') || label || e.textContent || '').trim().slice(0, 40),
              s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2, e.tagName] }"""
    seen, unseen = [], []
    for _ in range(60):
        page.keyboard.press("Tab")
        name, outlined, tag = page.evaluate(focused)
        seen.append(name)
        if not outlined and tag not in ("BODY", "HTML"):
            unseen.append((name, tag))
    for wanted in (
        "City",
        "Share",
        "Dark theme",
        "Settings",
        "Run again",
        "Fusion of the two",
        "Layer",
    ):
        assert any(wanted in name for name in seen), (wanted, seen)
    assert unseen == []


def test_the_settings_make_room_for_the_map(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=map")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    settled(page, "map")
    before = page.evaluate(FIGURE_JS)[0]
    page.get_by_role("button", name="Settings").press("Enter")
    wait_for(page, f"(w) => ({FIGURE_JS})()[0] > w + 250", before)
    assert page.get_by_role("button", name="Settings").get_attribute("aria-expanded") == "false"


def test_the_theme_is_changed_by_a_button_and_the_state_stays(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=map&layer=certainty")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    go(page, "Dark theme")
    page.wait_for_url(re.compile("theme=dark"))
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    assert page.get_by_label("Layer").input_value() == "certainty"
    assert page.get_by_role("button", name="Dark theme").get_attribute("aria-pressed") == "true"


def test_a_first_visit_weighs_less_than_four_megabytes(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit("about:blank")
    wire, sizes = page.context.new_cdp_session(page), []
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda e: sizes.append(e["encodedDataLength"]))
    page.goto(f"{mapped.url}?page=city")
    page.get_by_text(SHOWN["city"]).wait_for()
    settled(page, "city map")
    total = sum(sizes) / 1e6
    assert 0.5 < total < 4
