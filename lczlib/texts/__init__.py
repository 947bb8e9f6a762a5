"""What people read on the pages, in their language: English in the code, others from catalogues.

The English text is the key: ``text("Search a city")``. The catalogues are gettext's, one a language, as
``locale/es/LC_MESSAGES/lczlib.po``; they are read as they are, so that nothing has to be compiled. Whoever
shows something says for whom: a block by `in_language`, a dashboard with many visitors by `ask`. Without
either it is English: reports, files and the command line are. Numbers are written alike in all languages,
with a decimal point and commas by thousands, as in the files beside them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

ENGLISH = "en"
DOMAIN = "lczlib"
_UNIT = re.compile(r"(</?[a-z][^<>]*>)|(?<=\d)(?: ?(%)| (K|°C))(?!\w)")
"""A tag, which stays as it is; or what a number is in, after it."""
FOLDER = Path(__file__).parent / "locale"

_said: ContextVar[str] = ContextVar("language", default="")
_asked: list[Callable[[], str]] = []


@cache
def languages() -> dict[str, str]:
    """The languages that there are, by code, each by what its speakers call it.

    Examples
    --------
    >>> languages()["es"]
    'Español'
    """
    from babel import Locale

    codes = sorted({ENGLISH, *(p.parts[-3] for p in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))})
    names = {code: Locale.parse(code).get_display_name() or code for code in codes}
    return {code: name[:1].upper() + name[1:] for code, name in names.items()}


def file_of(code: str) -> Path:
    """The catalogue of a language."""
    return FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def preferred(accepted: str) -> str:
    """The language for a reader, by the ``Accept-Language`` of the reader's browser.

    Parameters
    ----------
    accepted : str
        Such as ``es-AR,es;q=0.9,en;q=0.8``.

    Examples
    --------
    >>> preferred("fr;q=0.5, es-AR"), preferred("ja"), preferred("en-GB,es;q=0.7")
    ('es', 'en', 'en')
    """
    from babel import negotiate_locale

    weighed = []
    for part in accepted[:500].split(","):
        name, _, quality = part.strip().partition(";q=")
        try:
            weighed.append((-float(quality or 1), name.lower()))
        except ValueError:  # no number: as if it were not there
            continue
    wanted = [name for quality, name in sorted(weighed, key=lambda w: w[0]) if quality and name]
    return negotiate_locale(wanted, [*languages()], sep="-") or ENGLISH


def ask(who: Callable[[], str]) -> None:
    """Have a function say for whom texts are, where no block does: its answer is a code of `languages`."""
    _asked[:] = [who]


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """A block whose texts are in one language, whoever looks at the page."""
    token = _said.set(code)
    try:
        yield
    finally:
        _said.reset(token)


def language() -> str:
    """The language that texts are given in, here and now."""
    return _said.get() or (_asked[0]() if _asked else ENGLISH)


@cache
def _catalogue(code: str) -> GNUTranslations:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with file_of(code).open("rb") as file:
        found = read_po(file, locale=code, domain=DOMAIN)
    packed = BytesIO()
    write_mo(packed, found)
    packed.seek(0)
    return GNUTranslations(packed)


def text(english: str) -> str:
    """A text of the catalogue; what is not in it stays as it is."""
    code = language()
    return english if code == ENGLISH or not english else _catalogue(code).gettext(english)


def text_as(context: str, english: str) -> str:
    """A text that means several things in English, and here the one of its context.

    Examples
    --------
    >>> text_as("of a shape", "area")
    'area'
    """
    code = language()
    return english if code == ENGLISH else _catalogue(code).pgettext(context, english)


def texts(one: str, several: str, n: float, **named: object) -> str:
    """A text by a number, which it names as ``{n}``: written with commas by thousands; and by other named fields.

    Examples
    --------
    >>> texts("{n} day", "{n} days", 2500)
    '2,500 days'
    >>> texts("{n} day in {place}", "{n} days in {place}", 1, place="Berlin")
    '1 day in Berlin'
    """
    code, found = language(), one if n == 1 else several
    if code != ENGLISH:
        found = _catalogue(code).ngettext(one, several, int(n))
    return found.format(n=f"{n:,}", **named)


def unbroken(said: str) -> str:
    """A text or markup for a page, where a number stays on one line with its per cent, kelvins or degrees.

    Whatever is written into a page goes through this; files of numbers and the command line do not.

    Examples
    --------
    >>> unbroken("<b style='width:50%'>95% interval 0.6 to 2.9 K, of 9 %</b>").replace(chr(160), "_")
    "<b style='width:50%'>95_% interval 0.6 to 2.9_K, of 9_%</b>"
    """
    return _UNIT.sub(lambda m: m[1] or f"\N{NO-BREAK SPACE}{m[2] or m[3]}", said)


def N_(english: str) -> str:  # noqa: N802 - as gettext's users call it
    """Marks a text of a module for the catalogue; where it is shown, `text` gives it in the reader's language."""
    return english
