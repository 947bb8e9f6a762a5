"""A paper's methods and its references, of what really ran: from the manifests of results."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from lczlib.errors import InputError
from lczlib.jobs.request import Request, Source, Steps, is_path
from lczlib.jobs.result import Result, job
from lczlib.reading import counted
from lczlib.settings import setting

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.jobs.methods_facts import Fact


@dataclass(frozen=True, kw_only=True)
class MethodsRequest(Request):
    """Results whose methods are to be told."""

    command: ClassVar = "methods"

    results: tuple[Source, ...] = setting(
        ..., "Folders of results, or their manifest.json, in the order in which they are told.", title="Results",
        file=True, argument=True, metavar="RESULT...",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.results or not all(is_path(r) for r in self.results):
            msg = "Methods are told of results that were written: give their folders."
            raise InputError(msg, parameter="results")


@dataclass(frozen=True, kw_only=True, repr=False)
class MethodsResult(Result):
    """Methods of results, as text.

    Attributes
    ----------
    request : MethodsRequest
    paragraphs : tuple of str
        With numbers in brackets behind each fact.
    how : tuple of str
        The sentences of these on how results were made, each once: what a methods section has of them.
    told : tuple of Fact
        What these numbers stand for.
    entries : tuple of str
        BibTeX of what the text cites.
    """

    draws = False

    request: MethodsRequest
    paragraphs: tuple[str, ...] = field(repr=False)
    how: tuple[str, ...] = field(repr=False)
    told: tuple[Fact, ...] = field(repr=False)
    entries: tuple[str, ...] = field(repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """The facts, a line each: ``number``, ``value``, ``file``, ``key``, ``sha256``."""
        import pandas as pd

        return pd.DataFrame([vars(f) for f in self.told])

    def headline(self) -> str:
        """How many facts of how many results, in a sentence."""
        return (
            f"{counted(len(self.told), 'fact')} of {counted(len(self.request.results), 'result')}, "
            f"{counted(len(self.entries), 'reference')}."
        )

    def text(self, folder: Path | None = None) -> str:
        """The methods as Markdown, with the sources of all facts, as seen from a folder."""
        sources = "\n".join(
            f"- [{f.number}] {f.value}: `{f.file}`, `{f.key}`" for f in self._seen_from(folder)
        )
        return "# Methods\n\n" + "\n\n".join(self.paragraphs) + f"\n\n## Sources\n\n{sources}\n"

    def _seen_from(self, folder: Path | None) -> list[Fact]:
        """The facts with their files as seen from a folder: whole paths tell of somebody's machine."""
        from lczlib.export.manifest import relative

        if folder is None:
            return [*self.told]
        return [replace(f, file=relative(f.file, folder)) for f in self.told]

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        import pandas as pd

        from lczlib.export.bibliography import bibliography
        from lczlib.export.files import staged, write_table

        for name, text in (
            ("methods.md", self.text(folder)),
            ("references.bib", bibliography(self.entries)),
        ):
            with staged(folder / name) as path:
                path.write_text(text, encoding="utf-8")
        facts = pd.DataFrame([vars(f) for f in self._seen_from(folder)])
        write_table(folder / "sources.csv", facts, index=False)


def without_numbers(text: str) -> str:
    """A text without the numbers of its facts, as a paper has it; citations stay."""
    return _NUMBER.sub("", text)


_NUMBER = re.compile(r" \[\d+\]")


@job
def run(request: MethodsRequest, step: Steps) -> MethodsResult:
    """Tell the methods of results.

    Raises
    ------
    InputError
        If one has no manifest, or a file of it is not the one that was written.
    """
    from lczlib.export.files import sha256_of
    from lczlib.jobs.methods_facts import Recorded, Teller
    from lczlib.jobs.methods_text import Finding, sentences

    teller = Teller()
    software = teller.cite("lczlib")
    paragraphs: list[str] = []
    how: list[str] = []
    versions: dict[str, Path] = {}
    for done, path in enumerate(request.results):
        step("Reading results", done, len(request.results))
        recorded = Recorded.of(path)
        if version := recorded.content.get("lczlib"):
            versions.setdefault(str(version), recorded.path)
        said = sentences(recorded, teller)
        paragraphs.append(" ".join(said))
        how += [s for s in said if not isinstance(s, Finding)]
    by = " and ".join(teller.fact(v, p, "lczlib", sha256_of(p)) for v, p in versions.items())
    last = f"All was computed with lczlib {by} {software}; each result holds its manifest."
    paragraphs.append(last)
    plain = {without_numbers(s): s for s in reversed([*how, last])}  # of several maps each once
    return MethodsResult(
        request=request, paragraphs=tuple(paragraphs), how=tuple(reversed(plain)), told=tuple(teller.facts),
        entries=tuple(teller.entries.values()),
    )  # fmt: skip
