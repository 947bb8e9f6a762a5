"""What a visitor's browser still sends when the visitor has gone."""

from __future__ import annotations

from typing import Any

from bokeh.server.protocol_handler import ProtocolHandler
from bokeh.server.views.ws import WSHandler

_handle, _close = ProtocolHandler.handle, WSHandler.on_close


async def _handle_open(handler: ProtocolHandler, message: Any, connection: Any) -> Any:
    """Handle a message of a connection that has its session still.

    Bokeh 3.9 fails an assertion for each of a busy tab's messages that it reads after the tab was
    closed, and logs it as an error with its traceback.
    """
    return None if connection._session is None else await _handle(handler, message, connection)


def _close_open(handler: WSHandler) -> None:
    """Close a connection that has its session still.

    Tornado tells of the end twice where a message could not be sent meanwhile; Bokeh fails an assertion the
    second time.
    """
    if handler.connection is None or handler.connection._session is not None:
        _close(handler)


def drop_late_messages() -> None:
    """Have Bokeh pass over what arrives after the end, for all sessions of this server."""
    ProtocolHandler.handle, WSHandler.on_close = _handle_open, _close_open
