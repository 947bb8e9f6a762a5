"""Visitors without a screen: they speak to the dashboard as a browser's page does, many at a time.

Each fetches the page, opens its socket, reads the document, says that it is ready, and may then
change a widget and wait for what the server sends back. Nothing is drawn: what they take is the
server's time, not the machine's.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import re
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import WebSocketClientConnection, websocket_connect

_LARGEST = 2**28
_READY = {"type": "event", "name": "document_ready", "values": {"type": "map", "entries": []}}


class Visitor:
    """One open page of the dashboard.

    Parameters
    ----------
    url : str
        With its query.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.document: Any = None  # as the server sent it
        self.events: list[dict[str, Any]] = []  # all changes that came since
        self._socket: WebSocketClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._replies: dict[str, asyncio.Future[Any]] = {}
        self._came = asyncio.Event()
        self._numbers = count(1)

    async def open(self) -> Visitor:
        """Open the page, as far as a browser does before it draws."""
        page = await AsyncHTTPClient().fetch(self.url, request_timeout=120)
        token = re.search(r'"token":\s*"([^"]+)"', page.body.decode()).group(1)
        at = urlsplit(self.url)
        self._socket = await websocket_connect(
            f"ws://{at.netloc}{at.path}/ws",
            subprotocols=["bokeh", token],
            max_message_size=_LARGEST,
        )
        self._socket.protocol.stream.set_nodelay(True)  # as browsers do
        await self._message()  # the server's greeting
        self._reader = asyncio.create_task(self._read())
        self.document = await self._ask("PULL-DOC-REQ")
        await self._patch({"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": _READY})
        return self

    async def set(self, label: str, value: Any) -> None:
        """Choose a value of the widget with this name, as a click does."""
        await self._patch(
            {"kind": "ModelChanged", "model": {"id": self._id(label)}, "attr": "value", "new": value}
        )  # fmt: skip

    async def press(self, label: str) -> None:
        """Click a button."""
        event = {"type": "map", "entries": [["model", {"id": self._id(label)}]]}
        data = {"type": "event", "name": "button_click", "values": event}
        await self._patch({"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": data})

    async def upload(self, kind: str, path: Path) -> None:
        """Give a file to the upload card, and use it as a file of some kind."""
        data = base64.b64encode(gzip.compress(path.read_bytes(), 1)).decode()
        entries = {
            "name": path.name, "chunk": 1, "total_chunks": 1, "type": "application/octet-stream",
            "data": {"type": "bytes", "data": data},
        }  # fmt: skip
        values = [["model", {"id": self._id("Files")}],
                  ["data", {"type": "map", "entries": [*map(list, entries.items())]}]]  # fmt: skip
        event = {
            "type": "event",
            "name": "upload_event",
            "values": {"type": "map", "entries": values},
        }
        since, label = len(self.events), f"What {path.name} is"
        await self._patch({"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event})
        await self.wait(says(label), since)
        options = self._attributes(label)["options"]
        await self.set(label, next(o for o in options if o.startswith(kind)))
        await self.press("Use it")

    async def wait(self, wanted: Callable[[dict[str, Any]], bool], since: int = 0,
                   seconds: float = 60) -> float:  # fmt: skip
        """Wait for a change that the server sends; how long it took."""
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                while True:
                    found = [e for e in self.events[since:] if wanted(e)]
                    if found:
                        return time.perf_counter() - begun
                    since = len(self.events)
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            msg = f"nothing came in {seconds:g} s that {wanted.__name__}"
            raise TimeoutError(msg) from None

    async def roundtrip(self) -> float:
        """Seconds until the server answers the smallest question."""
        begun = time.perf_counter()
        await self._ask("SERVER-INFO-REQ")
        return time.perf_counter() - begun

    async def close(self) -> None:
        """Close the tab."""
        if self._reader is not None:
            self._reader.cancel()
        if self._socket is not None:
            self._socket.close(1000, "closed")
            await asyncio.sleep(0.05)  # for the farewell to be sent

    def _id(self, label: str) -> str:
        """The identifier of a widget."""
        return self._widget(label)["id"]

    def _attributes(self, label: str) -> dict[str, Any]:
        """What the server said of a widget when it came."""
        return self._widget(label)["attributes"]

    def _widget(self, label: str) -> dict[str, Any]:
        """The last widget with a label, in the document and what came since."""
        found = [
            m
            for m in _models([self.document, self.events])
            if label in (m["attributes"].get("title"), m["attributes"].get("label"))
            and ("value" in m["attributes"] or "Button" in m["name"] or "FileDropper" in m["name"])
        ]
        if not found:
            msg = f"no widget {label!r} on the page"
            raise LookupError(msg)
        return found[-1]

    async def _ask(self, kind: str) -> Any:
        number = str(next(self._numbers))
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        await self._send(number, kind, {})
        async with asyncio.timeout(120):
            return await reply

    async def _patch(self, event: dict[str, Any]) -> None:
        await self._send(str(next(self._numbers)), "PATCH-DOC", {"events": [event]})

    async def _send(self, number: str, kind: str, content: Any) -> None:
        for part in ({"msgid": number, "msgtype": kind}, {}, content):
            await self._socket.write_message(json.dumps(part))

    async def _message(self) -> tuple[dict[str, Any], Any]:
        parts = [await self._socket.read_message() for _ in range(3)]
        if None in parts:
            msg = "the server closed the connection"
            raise ConnectionError(msg)
        header = json.loads(parts[0])
        for _ in range(2 * header.get("num_buffers", 0)):
            await self._socket.read_message()
        return header, json.loads(parts[2])

    async def _read(self) -> None:
        while True:
            header, content = await self._message()
            reply = self._replies.pop(header.get("reqid"), None)
            if reply is not None and not reply.done():
                reply.set_result(content)
            elif header["msgtype"] == "PATCH-DOC":
                self.events += content["events"]
                self._came.set()


def _models(tree: Any) -> Iterator[dict[str, Any]]:
    """All models that a message describes."""
    if isinstance(tree, list):
        for part in tree:
            yield from _models(part)
    elif isinstance(tree, dict):
        if tree.get("type") == "object" and "id" in tree and "attributes" in tree:
            yield tree
        for part in tree.values():
            yield from _models(part)


def has_image(event: dict[str, Any]) -> bool:
    """Whether a change brings an image."""
    said = json.dumps(event)
    return '"image"' in said and ("ndarray" in said or "data:image/" in said)


def says(text: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a change brings a text."""

    def said(event: dict[str, Any]) -> bool:
        return text in json.dumps(event, ensure_ascii=False)

    said.__name__ = f"says {text!r}"
    return said


def has_classes(event: dict[str, Any]) -> bool:
    """Whether a change brings a map of classes."""
    return has_image(event) and '"uint8"' in json.dumps(event)


def has_certainty(event: dict[str, Any]) -> bool:
    """Whether a change brings a map of shares; that of the classes may come once more before it."""
    return has_image(event) and not has_classes(event)
