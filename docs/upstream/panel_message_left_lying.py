"""Panel: a message that is queued just as those before it have been written is never written.

Prints what was written of two messages, with Panel as installed.
"""

from __future__ import annotations

import asyncio

import panel
from bokeh.document import Document
from panel.io import document


class Connection:
    """A connection whose socket takes its time."""

    _socket = object()


async def written_of_two() -> list[str]:
    """Queue a message as `panel.io.document.schedule_write_events` does, and another as the first is out."""
    doc, connection, loop = Document(), Connection(), asyncio.get_running_loop()
    on_the_way: list[asyncio.Future[None]] = []
    written: list[str] = []

    def write(_: Connection, msg: str) -> list[asyncio.Future[None]]:
        written.append(msg)
        on_the_way.append(loop.create_future())
        return on_the_way[-1:]

    def queue(message: str) -> None:
        document._WRITE_BLOCK[doc] = True
        document._WRITE_MSGS.setdefault(doc, {}).setdefault(connection, []).append(message)
        document._dispatch_write_task(doc, document._dispatch_msgs, doc)

    before = dict(document.extra_socket_handlers)
    document.extra_socket_handlers[object] = write
    try:
        queue("first")
        while not on_the_way:
            await asyncio.sleep(0)
        on_the_way[0].set_result(None)  # the first task goes on before the second's begins
        queue("second")
        for _ in range(20):
            await asyncio.sleep(0)
    finally:
        document.extra_socket_handlers.clear()
        document.extra_socket_handlers.update(before)
    return written


if __name__ == "__main__":
    said = f"written {asyncio.run(written_of_two())} of ['first', 'second']"
    print(f"Panel {panel.__version__}: {said}")  # noqa: T201
