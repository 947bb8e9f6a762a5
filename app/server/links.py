"""Addresses that lead to the dashboard without naming it."""

from __future__ import annotations

from typing import Any

from panel.io.server import RootHandler

_get = RootHandler.get


def keep_queries() -> None:
    """Lead from the server's root to the dashboard with all that the address asks for.

    Panel leaves the query behind, and leads from a prefix without a slash at its end elsewhere.
    """

    async def get(handler: RootHandler, *args: Any, **kw: Any) -> None:
        plain = handler.redirect

        def redirect(url: str, *more: Any, **options: Any) -> None:
            if url.startswith("./"):  # to the application, not to the login
                last = handler.request.path.rsplit("/", 1)[-1]
                query = f"?{handler.request.query}" if handler.request.query else ""
                url = f"./{last}{url[1:]}{query}" if last else f"{url}{query}"
            plain(url, *more, **options)

        handler.redirect = redirect
        await _get(handler, *args, **kw)

    RootHandler.get = get
