"""``lcz methods``: a paper's methods and references from what really ran."""

from __future__ import annotations

from pathlib import Path

from lczlib.cli import console
from lczlib.cli.requests import Out, command
from lczlib.jobs.methods import MethodsRequest, run


@command(MethodsRequest)
def methods(request: MethodsRequest, out: Out = Path("lcz-methods")) -> None:
    """Write the methods of results as text, with BibTeX, from their manifests: what really ran.

    Behind each number stands, in brackets, where it was read: file, place in it, and the file's SHA-256 in
    sources.csv. What changed since it was written is not told.

    Writes methods.md, references.bib, sources.csv and manifest.json.

    Example:
        lcz methods berlin berlin/assessment berlin/heat --out paper
    """
    with console.steps() as progress:
        result = run(request, progress=progress)
        progress("Writing", 0, 0)
        result.write(out)
    for text in result.paragraphs:
        console.out.print(text, soft_wrap=True, markup=False)
    console.out.print(f"Wrote {out / 'methods.md'}: {result.headline()}", soft_wrap=True)
