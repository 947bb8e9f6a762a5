"""The texts of the dashboard for those who translate it: ``python -m app.catalogue`` brings the catalogues up to date.

It finds what stands in `lczlib.texts.text` and its like, and what the pages take from the settings of the library:
their titles, meanings and choices. A new language is a new folder in ``lczlib/texts/locale`` with an empty catalogue.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import param
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

import lczlib
from lczlib.study import Study
from lczlib.texts import DOMAIN, ENGLISH, file_of, languages

_HERE = Path(__file__).resolve().parent
_NOT_SHOWN = (
    "name", "result_folder", "city", "area", "first", "second", "third", "fourth", "get_seasons", "get_year",
    "heat_kind", "drawn",
)  # fmt: skip
"""Settings of a study whose own labels stand on no page."""


def template() -> Catalog:
    """All texts, in English."""
    made = Catalog(domain=DOMAIN, project="lczlib", charset="utf-8", fuzzy=False)
    for file in (*_HERE.rglob("*.py"), *Path(lczlib.__file__).parent.rglob("*.py")):
        code = file.read_text("utf-8")
        if "lczlib.texts import" in code:
            for line, message, context in _marked(code):
                made.add(message, None, [(file.name, line)], context=context)
    for page in sorted(_HERE.rglob("*.html")):
        for line, message, _, _ in extract_from_file("jinja2", page, {"text": None}):
            made.add(message, None, [(page.name, line)])
    for place, message in _of_settings():
        made.add(message, None, [(place, 0)])
    return made


def _marked(code: str) -> Iterator[tuple[int, str | tuple[str, str], str | None]]:
    """Texts in a file of Python, also those within f-strings: line, text or its two numbers, and context."""
    for call in ast.walk(ast.parse(code)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        given = [a.value for a in call.args if isinstance(a, ast.Constant)]
        if call.func.id in ("text", "N_") and len(given) == 1:
            yield call.lineno, given[0], None
        elif call.func.id == "texts" and len(given) >= 2:
            yield call.lineno, (given[0], given[1]), None
        elif call.func.id == "text_as" and len(given) == 2:
            yield call.lineno, given[1], given[0]


def _of_settings() -> Iterator[tuple[str, str]]:
    """Labels and meanings of the settings that pages show."""
    for name, one in Study.param.objects().items():
        if one.constant or name in _NOT_SHOWN or name.endswith("_files"):
            continue
        has_title = one.label != param.parameterized.label_formatter(name)
        for message in (one.label if has_title else "", one.doc):
            if message:
                yield name, message


def update(code: str) -> Catalog:
    """The catalogue of a language with the texts that there are now; what has no translation is empty."""
    with file_of(code).open("rb") as file:
        found = read_po(file, locale=code, domain=DOMAIN)
    found.update(template(), no_fuzzy_matching=True)
    found.obsolete.clear()
    for message in found:
        message.flags.discard("python-format")  # "100 % of" is none
    return found


def write(code: str, found: Catalog) -> None:
    """Write a catalogue; its head stays as it is."""
    file = file_of(code)
    head = file.read_text("utf-8").partition("\n\n")[0]
    body = BytesIO()
    write_po(body, found, width=100, sort_output=True, no_location=True, omit_header=True)
    file.write_text(f"{head}\n\n{body.getvalue().decode().strip()}\n", "utf-8")


def main() -> None:
    """Write all catalogues anew; say what lacks."""
    for code in languages():
        if code == ENGLISH:
            continue
        found = update(code)
        write(code, found)
        lacking = [
            m.id for m in found if m.id and not any(m.string if m.pluralizable else [m.string])
        ]
        sys.stdout.write(f"{code}: {len(found)} texts, {len(lacking)} without a translation\n")


if __name__ == "__main__":
    main()
