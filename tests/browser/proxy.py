"""A reverse proxy as an operator sets one up: it forwards pages and sockets under a path prefix."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

import tornado.web
import tornado.websocket
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

_OWN = ("transfer-encoding", "connection", "content-length", "content-encoding", "host")
_LARGEST = 2**27


class _Page(tornado.web.RequestHandler):
    SUPPORTED_METHODS = ("GET", "POST", "HEAD")

    def initialize(self, proxy: Proxy) -> None:
        self._to = f"localhost:{proxy.behind}"

    async def prepare(self) -> None:
        headers = {k: v for k, v in self.request.headers.get_all() if k.lower() not in _OWN}
        headers |= {"X-Forwarded-For": self.request.remote_ip, "X-Scheme": "http",
                    "Host": self.request.host}  # fmt: skip
        answer = await AsyncHTTPClient().fetch(
            HTTPRequest(
                f"http://{self._to}{self.request.uri}", method=self.request.method, headers=headers,
                body=self.request.body or None, follow_redirects=False, request_timeout=120,
            ),
            raise_error=False,
        )  # fmt: skip
        self.set_status(answer.code)
        for k, v in answer.headers.get_all():
            if k.lower() not in _OWN:
                self.add_header(k, v)
        await self.finish(answer.body or b"")


class _Socket(tornado.websocket.WebSocketHandler):
    def initialize(self, proxy: Proxy) -> None:
        self._to = f"localhost:{proxy.behind}"
        self._protocols: list[str] = []

    def check_origin(self, origin: str) -> bool:
        return True  # the dashboard behind it decides

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        self._protocols = subprotocols
        return subprotocols[0] if subprotocols else None

    async def open(self, *_: str) -> None:
        headers = {
            k: v for k, v in self.request.headers.get_all() if k.lower() in ("cookie", "origin")
        }
        self._behind = await tornado.websocket.websocket_connect(
            HTTPRequest(f"ws://{self._to}{self.request.uri}", headers=headers | {"Host": self.request.host}),
            subprotocols=self._protocols, max_message_size=_LARGEST,
        )  # fmt: skip
        self._back = asyncio.create_task(self._pump())

    async def _pump(self) -> None:
        with contextlib.suppress(tornado.websocket.WebSocketClosedError):
            while (message := await self._behind.read_message()) is not None:
                await self.write_message(message, binary=isinstance(message, bytes))
        self.close()

    async def on_message(self, message: str | bytes) -> None:
        await self._behind.write_message(message, binary=isinstance(message, bytes))

    def on_close(self) -> None:
        if hasattr(self, "_behind"):
            self._behind.close()


class Proxy:
    """Runs in a thread; whatever begins with the prefix goes to the server behind, as it is.

    Parameters
    ----------
    prefix : str

    Attributes
    ----------
    port : int
        That visitors use.
    behind : int
        Port of the server behind, to be set once that is known.
    """

    def __init__(self, prefix: str) -> None:
        self.behind = 0
        self._prefix = prefix
        (self._socket,) = bind_sockets(0, "127.0.0.1")
        self.port = self._socket.getsockname()[1]
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready)))
        self._thread.start()
        ready.wait()

    async def _run(self, ready: threading.Event) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        options: dict[str, Any] = {"proxy": self}
        routes = [
            (rf"{self._prefix}/.*/ws", _Socket, options),
            (rf"{self._prefix}/.*", _Page, options),
        ]
        server = HTTPServer(
            tornado.web.Application(routes, websocket_max_message_size=_LARGEST),
            max_buffer_size=_LARGEST,
        )
        server.add_sockets([self._socket])
        ready.set()
        await self._ended.wait()
        server.stop()
        await server.close_all_connections()

    def stop(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
