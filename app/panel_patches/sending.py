"""What Panel writes to a busy connection, all of it."""

from __future__ import annotations

from typing import Any

from panel.io import document

_write_some = document._dispatch_msgs


async def _write_all(doc: Any) -> None:
    """Write a document's waiting messages, and those that come while these are on their way.

    Panel 1.9 lets a message lie that was queued while others were written: the task that wrote those
    takes away the mark by which the queued one's own task knows that there is something to do. The
    page then stands still until something else changes.
    """
    await _write_some(doc)
    if document._WRITE_MSGS.get(doc) and doc not in document._WRITE_BLOCK:
        document._WRITE_BLOCK[doc] = True
        document._dispatch_write_task(doc, _write_all, doc)


def send_everything() -> None:
    """Have Panel write so for all documents of this server."""
    document._dispatch_msgs = _write_all
