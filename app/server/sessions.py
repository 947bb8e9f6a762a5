"""A session belongs to the visitor it was made for."""

from __future__ import annotations

from typing import Any

from bokeh.server.views.auth_request_handler import AuthRequestHandler
from bokeh.server.views.session_handler import SessionHandler
from bokeh.settings import settings
from bokeh.util.token import check_token_signature
from tornado.web import HTTPError

_ARGUMENTS, _HEADER = ("bokeh-session-id", "bokeh-token"), "Bokeh-Session-Id"


def refuse_named_sessions() -> None:
    """Answer no request that names a session, whose maker would look at the visitor's.

    A signature does not help: whoever opens the dashboard gets a session that is signed, and can
    give its name to others.
    """

    async def prepare(handler: SessionHandler) -> None:
        named = any(handler.get_argument(n, None) is not None for n in _ARGUMENTS)
        if named or _HEADER in handler.request.headers:
            reason = "An address cannot name a session: open it without bokeh-session-id."
            raise HTTPError(403, reason=reason)
        await AuthRequestHandler.prepare(handler)

    SessionHandler.prepare = prepare


def is_signed(doc: Any) -> bool:
    """Whether the server signed a document's session, so that nobody else can make up its name."""
    key = settings.secret_key_bytes()
    token = getattr(doc.session_context, "_token", None)  # the session itself is made later
    return bool(key and token and check_token_signature(token, secret_key=key, signed=True))
