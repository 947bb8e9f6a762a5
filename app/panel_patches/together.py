"""Many changes of a page at once: what belongs to the document is found out once, at the end.

Bokeh walks all models of a document (hundreds) whenever one is put in or taken out. A page is put together
of some thirty parts, each of which would set off such a walk: half of the time until a page is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bokeh.document import Document


@contextmanager
def together(doc: Document) -> Iterator[None]:
    """Find out which models belong to the document when the block ends, if any came or went.

    For what nobody sees yet: in a page that is open, Panel asks a new part for its document, to know where
    its stylesheets are, and would send the visitor to a public site for them. `Document.models.freeze` finds
    out in any case, and stays frozen for ever after an error.
    """
    models = doc.models
    if "recompute" in vars(models):  # within such a block: the outer one does it
        yield
        return
    changed = False

    def later() -> None:
        nonlocal changed
        changed = True

    models.recompute = later
    try:
        yield
    finally:
        del models.recompute
        if changed:
            models.invalidate()
