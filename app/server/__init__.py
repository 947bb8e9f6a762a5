"""What the web server promises to visitors, however it was started; see SECURITY.md.

`protect` changes the handlers of Bokeh, Panel and Tornado, once a process and before the first
request: `app_hooks.py` calls it when the server loads the application.
"""

from __future__ import annotations

from .headers import send_headers, set_cookies_safely
from .links import keep_queries
from .login import slow_down_guesses, use_own_pages
from .messages import unpack_within_limits
from .packing import pack_files
from .sessions import refuse_named_sessions

_DONE: list[bool] = []


def protect() -> None:
    """Install all of it."""
    if not _DONE:
        _DONE.append(True)
        send_headers()
        set_cookies_safely()
        refuse_named_sessions()
        slow_down_guesses()
        use_own_pages()
        keep_queries()
        pack_files()
        unpack_within_limits()
