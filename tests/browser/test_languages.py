"""The pages in another language: chosen, kept, whole, and each visitor's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("babel")

from conftest import Server
from helpers import CITY, SHOWN, go, still, wait_for

from lczlib.texts import DOMAIN, file_of

pytestmark = [pytest.mark.slow, pytest.mark.browser]
PAGES = {
    "city": "Ciudad", "map": "Mapa", "compare": "Comparar", "accuracy": "Exactitud", "heat": "Isla de calor",
    "water": "Agua", "share": "Compartir",
}  # fmt: skip
SHOWN_THERE = {
    "city": "8.0 × 8.0 km", "map": "6,400 celdas, hechas en", "compare": "Sentinel-1 frente a Sentinel-2",
    "accuracy": "Exactitud global (OA)", "heat": "K respecto de LCZ D", "water": "Aún no hay mapa de agua",
    "share": "Isla de calor superficial por zona",
}  # fmt: skip
"""What each page says once it has all that it needs, as `helpers.SHOWN`."""
SIZES = {"wide": (1440, 900), "phone": (390, 844)}
TEXTS_JS = """() => {
  const found = []
  const walk = (root) => {
    for (const e of root.querySelectorAll('*')) {
      if (['STYLE', 'SCRIPT'].includes(e.tagName)) continue
      for (const n of ['title', 'aria-label', 'placeholder']) if (e.getAttribute(n)) found.push(e.getAttribute(n))
      for (const c of e.childNodes) if (c.nodeType === 3 && c.textContent.trim()) found.push(c.textContent.trim())
      if (e.shadowRoot) walk(e.shadowRoot)
    }
  }
  walk(document)
  return found
}"""
"""All texts of the page, what is folded and what a screen reader says included."""


@cache
def foreign() -> list[re.Pattern[str]]:
    """The English texts of three words or more whose translation is another, as they would be found on a page."""
    from babel.messages.pofile import read_po

    with file_of("es").open("rb") as file:
        messages = [m for m in read_po(file, locale="es", domain=DOMAIN) if m.id]
    found = []
    for message in messages:
        said = message.string if message.pluralizable else (message.string,)
        ids = message.id if message.pluralizable else (message.id,)
        for english in ids:
            plain = [unescape(p).strip() for p in re.split(r"<[^<>]*>|\{\w+\}", english)]
            longest = max(plain, key=len)
            words = len(re.findall(r"[A-Za-z]{2,}", longest))
            if words < 3 or any(longest in s for s in said):
                continue
            # a few words may stand in a sentence of the library, which is in English
            whole = (
                rf"(?<!\w){re.escape(longest)}(?!\w)" if words > 5 else rf"^{re.escape(longest)}$"
            )
            found.append(re.compile(whole))
    return found


def english_in(said: list[str]) -> list[str]:
    return sorted({m[0] for t in {*said} for p in foreign() if (m := p.search(t))})


def opened(browser: Any, server: Server, size: str, query: str, **more: Any) -> Any:
    wide, high = SIZES[size]
    phone = {"is_mobile": True, "has_touch": True} if size == "phone" else {}
    context = browser.new_context(viewport={"width": wide, "height": high}, **phone, **more)
    page = context.new_page()
    page.set_default_timeout(180_000)
    page.goto(f"{server.url}?{query}")
    return page


@pytest.mark.parametrize("name", PAGES)
def test_no_text_of_a_page_is_left_in_english(mapped: Server, browser: Any, name: str) -> None:
    page = opened(browser, mapped, "wide", f"page={name}&lang=es&made=maps")
    page.get_by_text(SHOWN_THERE[name]).first.wait_for()
    assert page.evaluate("document.documentElement.lang") == "es"
    for wide, high in SIZES.values():
        page.set_viewport_size({"width": wide, "height": high})
        still(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= wide
        said = page.evaluate(TEXTS_JS)
        assert len(said) > 50
        assert english_in(said) == []
    page.context.close()


def test_english_is_found_where_it_is(mapped: Server, browser: Any) -> None:
    """The check above finds texts of an English page."""
    page = opened(browser, mapped, "wide", "page=map&made=maps")
    page.get_by_text(SHOWN["map"]).first.wait_for()
    said = page.evaluate(TEXTS_JS)
    assert len(english_in(said)) > 20
    assert page.evaluate("document.documentElement.lang") == "en"
    page.context.close()


@pytest.mark.parametrize("size", SIZES)
def test_a_review_of_files_is_in_the_language_of_the_visitor(
    mapped: Server, browser: Any, size: str
) -> None:
    """What is found in a map, and in temperatures with the places of their stations, in a thread."""
    folder = next(Path(mapped.log.name).parent.glob("demo-*")) / "Reference" / CITY
    page = opened(browser, mapped, size, "page=city&lang=es")
    page.get_by_text(SHOWN_THERE["city"]).first.wait_for()
    if size == "phone":
        page.get_by_role("button", name="Ajustes", exact=True).click()
    page.get_by_role("button", name="Subir archivos propios").click()
    page.get_by_role("button", name="Seguir sin mis archivos subidos").wait_for()
    names = ("lcz.tif", "air_temperature.csv")
    page.set_input_files("input[type=file]", [str(folder / n) for n in names])
    for name in names:
        page.get_by_label(f"Qué es {name}", exact=True).wait_for()
    facts = page.locator(".lcz-facts")
    facts.get_by_text("Sistema de referencia").first.wait_for()
    facts.get_by_text("Zona horaria").first.wait_for()
    page.get_by_text("Es un mapa LCZ").or_(page.get_by_text("Se toma por un mapa LCZ")).wait_for()
    still(page)
    wide = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1]
    assert english_in(page.evaluate(TEXTS_JS)) == []
    page.get_by_role("button", name="Usar todos").click()
    page.get_by_text("Tomado: lcz.tif").first.wait_for()
    page.context.close()


@pytest.mark.parametrize(
    ("locale", "query", "wanted"),
    [("en-US", "", "en"), ("es-AR", "", "es"), ("es-AR", "?lang=en", "en"), ("en-US", "?lang=es", "es"),
     ("de-DE", "", "en"), ("en-US", "?lang=xx", "en")],
)  # fmt: skip
def test_the_address_goes_before_the_browser(
    visit: Callable[..., Any], server: Server, locale: str, query: str, wanted: str
) -> None:
    page = visit(f"{server.url}{query}", locale=locale)
    page.get_by_role("button", name={"en": "City", "es": "Ciudad"}[wanted], exact=True).wait_for()
    assert page.evaluate("document.documentElement.lang") == wanted
    if query.endswith("xx"):
        page.get_by_text("Not understood in the address: lang").first.wait_for()


def test_a_language_is_chosen_by_keyboard_and_kept_and_not_shared(
    visit: Callable[..., Any], server: Server
) -> None:
    page = visit(f"{server.url}?palette=colour-blind+safe")
    page.get_by_role("button", name="City", exact=True).wait_for()
    page.locator("#language summary").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Español", exact=True).wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Español", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Ciudad", exact=True).wait_for()
    assert "lang=es" in page.url
    assert "palette=colour-blind" in page.url
    go(page, "Compartir")
    wait_for(page, "() => location.search.includes('page=share')")
    assert "lang=es" in page.url
    link = page.get_by_label("Dirección de lo que está viendo")
    link.wait_for()
    assert "page=share" in link.input_value()
    assert "lang=" not in link.input_value()


def test_visitors_of_two_languages_keep_their_own(mapped: Server, browser: Any) -> None:
    """Whoever comes in between, and in whatever thread a text is made."""
    spanish = opened(browser, mapped, "wide", "page=map&lang=es&made=maps")
    english = opened(browser, mapped, "wide", "page=map&lang=en&made=maps")
    for name in ("map", "accuracy", "heat", "compare"):
        if name != "map":
            go(spanish, PAGES[name])
            go(english, {"heat": "Heat island"}.get(name, name.capitalize()))
        english.get_by_text(SHOWN[name]).first.wait_for()
        spanish.get_by_text(SHOWN_THERE[name]).first.wait_for()
    for page in (spanish, english):
        page.context.close()


def test_files_are_in_english_whoever_asks_for_them(
    mapped: Server, browser: Any, tmp_path: Path
) -> None:
    page = opened(browser, mapped, "wide", "page=share&lang=es&made=maps", accept_downloads=True)
    page.get_by_text(SHOWN_THERE["share"]).first.wait_for()
    with page.expect_download() as coming:
        page.get_by_role("button", name="Informe (HTML)").click()
    file = tmp_path / "report.html"
    coming.value.save_as(file)
    report = file.read_text()
    assert "Overall accuracy" in report
    assert "Exactitud" not in report
    assert "edificios" not in report
    page.context.close()
