"""The report in a browser: as wide as the window, read in the dark and on paper, with no network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from report_city import simulated, studied

from lczlib.study.document import write_report

pytestmark = pytest.mark.browser

A4 = (595, 842)
"""Points."""
BEYOND_JS = """() => [...document.querySelectorAll('body *')]
  .filter(e => !e.closest('svg') && e.getBoundingClientRect().right > innerWidth + 0.5)
  .map(e => e.tagName + ' ' + e.textContent.slice(0, 40))"""
SMALLEST_JS = """() => Math.min(...[...document.querySelectorAll('main p, main td, main th, main figcaption, main dd')]
  .filter(e => e.checkVisibility()).map(e => parseFloat(getComputedStyle(e).fontSize)))"""
INK_JS = """() => { const rgb = c => c.match(/[\\d.]+/g).slice(0, 3).map(Number)
  const light = c => rgb(c).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0)
  const paper = light(getComputedStyle(document.body).backgroundColor)
  return [...document.querySelectorAll('main p, main td, main .panel text')].filter(e => e.checkVisibility())
    .map(e => { const style = getComputedStyle(e), own = light(e.closest('svg') ? style.fill : style.color)
      const contrast = (Math.max(own, paper) + 0.05) / (Math.min(own, paper) + 0.05)
      return [contrast, e.textContent, e.closest('svg') !== null] }) }"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a small city: a map, its accuracy, and both heat islands."""
    folder = tmp_path_factory.mktemp("report")
    study = studied(folder, simulated(folder / "in"))
    return write_report(study, folder / "report.html", author="A. Author")


def opened(browser: Any, report: Path, **options: Any) -> tuple[Any, list[str]]:
    """The page as a visitor without a network sees it, and what it asks for."""
    context = browser.new_context(**options)
    context.route("http*://**", lambda route: route.abort())
    page, asked = context.new_page(), []
    page.on("request", lambda r: asked.append(r.url))
    page.goto(report.as_uri())
    return page, asked


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_as_wide_as_the_window(
    browser: Any, report: Path, width: int, height: int, scheme: str
) -> None:
    page, asked = opened(
        browser, report, viewport={"width": width, "height": height}, color_scheme=scheme
    )
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(BEYOND_JS) == []
    assert page.evaluate(SMALLEST_JS) >= 12
    for details in page.locator("details").all():
        details.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert [a for a in asked if not a.startswith(("file:", "data:"))] == []
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_drawings_are_read_by_day_and_in_the_dark(
    browser: Any, report: Path, scheme: str
) -> None:
    page, _ = opened(browser, report, color_scheme=scheme)
    found = page.evaluate(INK_JS)
    assert len(found) > 200
    # per cents stand on the blue of their cells, in white where that is strong
    pale = [f for f in found if f[0] < 4.5 and not (f[2] and re.fullmatch(r"<?\d+", f[1].strip()))]
    assert pale == []
    page.context.close()


def test_it_prints_on_a4_without_cutting_anything(browser: Any, report: Path) -> None:
    page, _ = opened(browser, report, color_scheme="dark")
    printed = page.pdf(prefer_css_page_size=True)
    boxes = {tuple(round(float(v)) for v in b.split()[2:]) for b in
             re.findall(r"/MediaBox \[([\d. ]+)\]", printed.decode("latin-1"))}  # fmt: skip
    assert boxes == {A4}
    pages = len(re.findall(rb"/Type /Page\b", printed))
    assert 5 <= pages <= 8
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 658, "height": 900})  # 174 mm, between the margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 658
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(36, 41, 47)"
    page.context.close()
