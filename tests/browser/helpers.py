"""What several browser tests do on a page."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

PATIENCE = 180
"""Seconds to wait for what must come: a machine with two busy cores needs long for anything."""

CITY = "00000_00000_Simulated"
"""What the demo city is called in its folders."""

SHOWN = {
    "city": "8.0 × 8.0 km", "map": "6,400 cells, made in", "compare": "Sentinel-1 against Sentinel-2",
    "accuracy": "Overall accuracy (OA)", "heat": "K against LCZ D", "water": "No water map yet",
    "share": "Surface heat island by zone",
}  # fmt: skip
"""What each page says once it has all that it needs of the mapped demo city."""

IMAGE_JS = """(name) => {
  const find = () => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
    if (m.type === 'Figure' && m.name === name) return m }
  const fig = find()
  if (!fig) return null
  return {x: [fig.x_range.start, fig.x_range.end], y: [fig.y_range.start, fig.y_range.end],
          title: fig.title && fig.title.text,
          sizes: fig.renderers.filter(r => r.data_source && r.data_source.data.image && r.data_source.data.image.length)
                              .map(r => [r.visible, Array.from(r.data_source.data.image[0].shape || [0])])}
}"""

AXE_JS = """() => axe.run(document, {resultTypes: ['violations']}).then(found => found.violations
  .filter(v => ['serious', 'critical'].includes(v.impact))
  .map(v => [v.id, v.nodes.slice(0, 4).map(
    n => n.target.flat().join(' ') + ': ' + (n.failureSummary || '').slice(0, 200))]))"""
"""Serious faults that axe-core finds; its script comes with the fixture `axe`."""

CELLS_JS = """(name) => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'Figure' && m.name === name) for (const r of m.renderers) {
    const image = r.visible && r.data_source && r.data_source.data.image
    if (image && image.length && image[0].dtype === 'uint8')
      return {cells: image[0].reduce((n, v) => n + (v > 0), 0), title: m.title && m.title.text} }
  return null }"""
"""How many cells the topmost visible map of classes of a figure shows, and its title."""

SETTLED_JS = """(name) => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'Figure' && m.name === name) {
    const r = m.renderers.find(r => r.visible && r.data_source && r.data_source.data.dw && r.data_source.data.dw.length)
    // the view has been fitted to what it shows
    return !!r && Math.abs(m.x_range.end - m.x_range.start) < 20 * r.data_source.data.dw[0]
        && m.x_range.start < r.data_source.data.x[0] + r.data_source.data.dw[0]
        && m.x_range.end > r.data_source.data.x[0]
        && !m.properties.inner_width.is_unset && m.inner_width > 50 }
  return false }"""


def go(page: Any, name: str) -> None:
    """Press a button, such as a page's in the navigation."""
    page.get_by_role("button", name=name, exact=True).first.click()


def wait_for(page: Any, script: str, argument: Any = None, seconds: float = PATIENCE) -> Any:
    """Wait until a script in the page gives something true."""
    return page.wait_for_function(script, arg=argument, timeout=1000 * seconds).json_value()


def settled(page: Any, name: str) -> None:
    """Wait until a figure shows its image, at its place, and is drawn."""
    wait_for(page, SETTLED_JS, name)
    drawn(page)


def still(page: Any, seconds: float = PATIENCE) -> None:
    """Wait until the page has looked the same for two seconds."""
    until, before = time.monotonic() + seconds, b""
    while time.monotonic() < until:
        now = page.screenshot()
        if now == before:
            return
        before = now
        page.wait_for_timeout(2000)
    raise AssertionError("the page does not come to rest")


def drawn(page: Any) -> None:
    """Wait for the browser to have drawn what it has."""
    page.evaluate("() => new Promise(d => requestAnimationFrame(() => requestAnimationFrame(d)))")


def figure_center(page: Any) -> tuple[float, float]:
    """The middle of the first figure on the page, from the top left."""
    page.locator(".bk-Figure:visible").first.wait_for()
    boxes = [f.bounding_box() for f in page.locator(".bk-Figure:visible").all()]
    # a page that is redrawn meanwhile takes figures away
    box = min(filter(None, boxes), key=lambda b: (round(b["y"] / 50), b["x"]))
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drop(page: Any, *files: Path) -> None:
    """Give files to the upload card of the City page."""
    zone = page.get_by_role("button", name="Go on without my uploads")
    if not zone.is_visible():
        page.get_by_role("button", name="Upload own files").click()
        zone.wait_for()
    page.set_input_files("input[type=file]", [str(f) for f in files])


def reviewed(page: Any, name: str) -> Any:
    """Wait for the review of a file; its entry."""
    kind = page.get_by_label(f"What {name} is", exact=True)
    kind.wait_for()
    return page.locator(".lcz-entry").filter(has=kind)


def upload(page: Any, kind: str, *files: Path) -> None:
    """Give files to the upload card, and use each as a file of some kind; those that are refused are not."""
    drop(page, *files)
    for file in files:
        choice = page.get_by_label(f"What {file.name} is", exact=True)
        refused = page.locator(".lcz-banner.failed, .filepond--file-status-main").get_by_text(
            re.compile(rf"{re.escape(file.name)}|too large")
        )
        choice.or_(refused).first.wait_for()
        if not choice.is_visible():
            continue
        label = next(o for o in choice.locator("option").all_inner_texts() if o.startswith(kind))
        choice.select_option(label)
        reviewed(page, file.name).get_by_role("button", name="Use it").click()
        choice.wait_for(state="hidden")


def answered(page: Any, text: str | re.Pattern[str]) -> Any:
    """Wait for what the upload card says."""
    found = page.locator(".lcz-banner").get_by_text(text).first
    found.wait_for()
    return found


def with_own_map(page: Any, city: Path) -> Any:
    """A page of own files, once the demo city's reference map is uploaded there as another map."""
    page.get_by_role("heading", name="Own files", exact=True).wait_for()
    upload(page, "Another LCZ map", city / "Reference" / CITY / "lcz.tif")
    answered(page, "Taken: lcz.tif")
    return page
