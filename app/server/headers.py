"""Headers of every answer: what a page may load, who may frame it, how cookies travel."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import urlsplit

from tornado.web import RequestHandler

from ..outside import STREET_MAP

FRAMES = "LCZLIB_FRAMES"
"""Environment variable: other sites that may show the dashboard in a frame, by blanks."""

_clear = RequestHandler.clear
_set_cookie = RequestHandler.set_cookie


def policy(host: str, frames: str = "") -> str:
    """The Content-Security-Policy of a page.

    Bokeh writes a page's start into the page itself and makes functions of texts, so that both have
    to be allowed; nothing is loaded from, sent to or shown in another site.

    Parameters
    ----------
    host : str
        Host and port that the visitor asked; the page's socket leads there.
    frames : str
        Other sites that may show it in a frame.
    """
    # older browsers do not count a socket to the page's own host as its own
    sockets = f" ws://{host} wss://{host}" if re.fullmatch(r"[\w.:\[\]-]+", host) else ""
    tiles = "{0.scheme}://{0.netloc}".format(urlsplit(STREET_MAP))
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
            "style-src 'self' 'unsafe-inline'",
            f"img-src 'self' data: blob: {tiles}",
            "font-src 'self' data:",
            f"connect-src 'self' data: blob:{sockets}",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            f"frame-ancestors 'self' {frames}".strip(),
        )
    )


def send_headers() -> None:
    """Send the headers with every answer, errors and files included."""

    def clear(handler: RequestHandler) -> None:
        _clear(handler)
        frames = os.environ.get(FRAMES, "")
        handler.set_header("Content-Security-Policy", policy(handler.request.host, frames))
        handler.set_header("X-Content-Type-Options", "nosniff")
        handler.set_header("Referrer-Policy", "same-origin")  # an address holds what one looks at
        handler.clear_header("Server")
        if not frames:
            handler.set_header("X-Frame-Options", "SAMEORIGIN")

    RequestHandler.clear = clear


def set_cookies_safely() -> None:
    """Keep cookies from scripts, from other sites' requests, and behind https from plain ones."""

    def set_cookie(handler: RequestHandler, name: str, value: Any, *args: Any, **kw: Any) -> None:
        kw = {"httponly": True, "samesite": "Lax", **kw}
        kw.setdefault("secure", handler.request.protocol == "https")
        _set_cookie(handler, name, value, *args, **kw)

    RequestHandler.set_cookie = set_cookie
