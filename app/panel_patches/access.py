"""Names for a screen reader, where the widgets' own markup has none."""

from __future__ import annotations

from typing import Any

from bokeh.models import CustomJS

from lczlib.texts import text

_NAMES_JS = """
const seen = new WeakSet()
const call = (e, name) => { if (name && !e.hasAttribute('aria-label')) e.setAttribute('aria-label', name) }
const names = (root) => {
  for (const e of root.querySelectorAll('svg:not([aria-hidden], [role])')) e.setAttribute('aria-hidden', 'true')
  for (const e of root.querySelectorAll('.bk-spin-btn'))
    call(e, e.classList.contains('bk-spin-btn-up') ? more : less)
  for (const e of root.querySelectorAll('[role=slider]')) {
    const title = root.querySelector('.bk-slider-title')
    call(e, title && title.textContent.split(':')[0].trim())
  }
  for (const e of root.querySelectorAll('input[type=checkbox] + .bk-label'))
    call(e.previousElementSibling, e.textContent.trim())
  for (const e of root.querySelectorAll('*')) if (e.shadowRoot) watch(e.shadowRoot)
}
const watch = (root) => {  // widgets come as they are needed, each in a shadow of its own
  if (seen.has(root)) return
  seen.add(root)
  new MutationObserver(() => names(root)).observe(root, {childList: true, subtree: true})
  names(root)
}
watch(document)
"""


def name_widgets(doc: Any) -> None:
    """Give names to what has none, now and whenever something is added to the page."""
    doc.js_on_event(
        "document_ready",
        CustomJS(args={"more": text("more"), "less": text("less")}, code=_NAMES_JS),
    )
