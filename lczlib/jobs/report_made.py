"""The end of a report: methods of what really ran, references, data with their hashes, how to run it again."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pandas as pd

from lczlib.export.bibliography import bibliography, in_words
from lczlib.export.files import sha256_of
from lczlib.jobs import report_summary as words
from lczlib.jobs.methods_facts import MANIFEST_READ
from lczlib.terms import command_line, worded

if TYPE_CHECKING:
    from lczlib.jobs.methods import MethodsResult
    from lczlib.jobs.report import ReportRequest
    from lczlib.jobs.report_page import Page
    from lczlib.reading import Reading

_CITE = re.compile(r"\s*\[@([\w-]+)\]")
_SHORT = 12
_MOST_FILES = 40


def fill(
    page: Page, methods: MethodsResult | None, request: ReportRequest, read: Sequence[Reading] = ()
) -> None:
    """Write methods, references, data and how to run it again."""
    report, results = page.report, page.results
    if methods is not None:
        _methods(page, methods)
    _data(page)
    report.section("How to run it again")
    report.code("sh rerun.sh INPUTS")
    report.text(
        "rerun.sh beside this page makes every result once more from the same inputs, which it knows by their SHA-256 "
        "in the folder INPUTS, and the report of them; each result alone is made again with lcz rerun.", "small",
    )  # fmt: skip
    options = [command_line(n, shlex.quote(v)) for n, v in request.spoken()]
    options.append(command_line("out", "DIR"))
    names = [r.folder.name for r in results.recorded] + [p.name for p in results.files]
    with report.folded("Settings of each result, and software"):
        report.code(" ".join(["lcz report", *dict.fromkeys(names), *options]))
        for one in results.recorded:
            told = {
                n: v for n, v in (one.content.get("parameters") or {}).items() if v not in (None, "", [], {}, False)
            }  # fmt: skip
            report.table(
                ("Setting", "Value"), [(n, _plain(v)) for n, v in told.items()],
                f"lcz {one.command}, {one.folder.name}", words=(1,),
            )  # fmt: skip
        versions = {
            k: v for r in results.recorded for k, v in (r.content.get("packages") or {}).items()
        }
        made_by = {
            "lczlib": ", ".join(
                dict.fromkeys(str(r.content.get("lczlib")) for r in results.recorded)
            )
        }
        report.table(
            ("Software", "Version"), [*(made_by | versions).items()], "Versions that computed."
        )
    of_results = [r for one in results.recorded for r in words.readings_of(one.content)]
    of_maps = [r for r in read if r.what != MANIFEST_READ]
    heard = list(dict.fromkeys(map(str, [*of_results, *of_maps])))
    if heard:
        with report.folded("What was read of each file"):
            for text in heard:
                report.text(text, "small")


def _methods(page: Page, methods: MethodsResult) -> None:
    """One paragraph of all, with numbered references; their BibTeX folded."""
    report, keys = page.report, [*_keys(methods)]
    report.section("Methods")
    pieces: list[str | int] = []
    text = " ".join(methods.how)
    at = 0
    for found in _CITE.finditer(text):
        pieces += [worded(text[at : found.start()]) + " ", keys.index(found[1]) + 1]
        at = found.end()
    report.cited([*pieces, worded(text[at:])])
    entries = _keys(methods)
    report.references([in_words(entries[k]) for k in keys])
    with report.folded("BibTeX of these references"):
        report.code(bibliography(entries[k] for k in keys).strip())


def _keys(methods: MethodsResult) -> dict[str, str]:
    """The entries by their keys, in the order in which the text cites them."""
    entries = {re.match(r"@\w+\{([^,]+),", e)[1]: e for e in methods.entries}  # type: ignore[index]
    cited = [k for p in methods.how for k in _CITE.findall(p)]
    return {k: entries[k] for k in dict.fromkeys(cited) if k in entries}


def _data(page: Page) -> None:
    """Every input and what read it, with the beginning of its SHA-256; results that are inputs too."""
    used: dict[tuple[str, str], list[str]] = {}
    for one in page.results.recorded:
        for given in one.content.get("inputs") or ():
            key = PurePosixPath(given["path"]).name, given["sha256"]
            used.setdefault(key, []).append(one.folder.name)
        for weights in _weights(one.content):
            used.setdefault((f"{weights['name']} (weights)", weights["sha256"]), []).append(
                one.folder.name
            )
    for path in page.results.files:
        used.setdefault((path.name, sha256_of(path)), []).append("this report")
    page.tables["inputs"] = pd.DataFrame(
        [{"file": n, "sha256": h, "used_by": " ".join(dict.fromkeys(by))} for (n, h), by in used.items()],
        columns=["file", "sha256", "used_by"],
    )  # fmt: skip
    if not used:
        return
    page.report.section("Data")
    shown = [*used.items()][:_MOST_FILES]
    more = len(used) - len(shown)
    rows = [(name, ", ".join(dict.fromkeys(by)), digest[:_SHORT]) for (name, digest), by in shown]
    page.report.table(
        ("File", "Used by", f"SHA-256, first {_SHORT}"), rows,
        "Input files, networks' weights, and which results they went into"
        + (f"; {more} more stand in tables/inputs.csv" if more else "") + ".", words=(1, 2),
    )  # fmt: skip
    _terms(page, [digest for _, digest in used])


def _terms(page: Page, digests: Iterable[str]) -> None:
    """Licence and citation of networks, and of input files that the catalog knows."""
    from lczlib import catalog

    said = []
    for one in page.results.recorded:
        for w in _weights(one.content):
            if w.get("licence"):
                said.append(
                    f"Network {w['name']}: licence {w['licence']}. {w.get('citation', '')}".strip()
                )
    of_file = {e.sha256: e for e in catalog.entries().values() if e.collection != "weights"}
    for digest in digests:
        if known := of_file.get(digest):
            said.append(f"{known.title}: licence {known.licence}. {known.citation}".strip())
    for text in dict.fromkeys(said):
        page.report.text(text, "small")


def _weights(content: Any) -> list[dict[str, str]]:
    told = content.get("weights") or []
    told = [told] if isinstance(told, dict) else [*told]
    told.append((content.get("second") or {}).get("weights"))  # of the map that is only compared
    return [w for w in told if isinstance(w, dict) and {"name", "sha256"} <= w.keys()]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
