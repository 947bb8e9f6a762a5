"""A STAC API and a file server that answers ranges, on loopback, for tests: it can fail as real ones do."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tornado.httpserver
import tornado.netutil
import tornado.web


@dataclass
class Asked:
    """A request for a file: its path, the range that was asked for, the status of the answer."""

    path: str
    range: str
    query: str
    status: int

    @property
    def last(self) -> int:
        """The last byte that was asked for; 0 of a whole file."""
        return int(self.range.partition("-")[2] or 0)


@dataclass
class Service:
    """A running service.

    Attributes
    ----------
    root : str
        Its address.
    items : list of dict
        What it holds.
    asked : list of Asked
        Requests for files.
    fault : callable or None
        (handler, path, how often that path was asked for before) -> whether it has answered, wrongly.
    search_fault : callable or None
        Likewise of searches: (handler, how often searched before).
    tokens : list of str
        Those it has given out; files need one where `needs_token`.
    """

    folder: Path
    items: list[dict[str, Any]]
    root: str = ""
    asked: list[Asked] = field(default_factory=list)
    searches: int = 0
    fault: Callable[[Any, str, int], bool] | None = None
    search_fault: Callable[[Any, int], bool] | None = None
    tokens: list[str] = field(default_factory=list)
    page: int = 2

    @property
    def api(self) -> str:
        """Address of its STAC API."""
        return f"{self.root}/api"

    def reads(self, part: str) -> int:
        """How often files with this in their path were read."""
        return sum(part in a.path for a in self.asked)


class _Refusing(tornado.web.RequestHandler):
    def refuse(self, status: int, retry_after: str = "") -> bool:
        """Answer with an error."""
        self.clear()
        self.set_status(status)
        if retry_after:
            self.set_header("Retry-After", retry_after)
        self.finish()
        return True


class _Files(_Refusing, tornado.web.StaticFileHandler):
    def initialize(self, service: Service) -> None:
        self.service = service
        super().initialize(str(service.folder))

    async def get(self, path: str, include_body: bool = True) -> None:
        before = self.service.reads(path)
        self.note = Asked(path, self.request.headers.get("Range", ""), self.request.query, 0)
        self.service.asked.append(self.note)
        if self.service.fault and self.service.fault(self, path, before):
            return
        await super().get(path, include_body)

    def on_finish(self) -> None:
        if hasattr(self, "note"):
            self.note.status = self.get_status()

    def cut(self) -> None:
        """Promise a body, send a part of it, and hang up."""
        stream = self.detach()
        stream.write(
            b"HTTP/1.1 206 Partial Content\r\nContent-Length: 100000\r\n\r\nbroken"
        ).add_done_callback(lambda _: stream.close())


class _Api(_Refusing):
    def initialize(self, service: Service) -> None:
        self.service = service

    def get(self, path: str) -> None:
        parts = [p for p in path.split("/") if p]
        api, items = self.service.api, self.service.items
        names = sorted({i["collection"] for i in items})
        if not parts:
            self.answer(_landing(api))
        elif parts == ["collections"]:
            self.answer({"collections": [_collection(api, n) for n in names], "links": []})
        elif parts == ["search"]:
            self.search()
        elif parts[0] == "token":
            self.service.tokens.append(f"sig={len(self.service.tokens)}")
            self.answer({"token": self.service.tokens[-1]})
        elif len(parts) == 2 and parts[1] in names:
            self.answer(_collection(api, parts[1]))
        elif len(parts) == 4:
            self.answer(next(self.sent(i) for i in items if i["id"] == parts[3]))
        else:
            self.send_error(404)

    def search(self) -> None:
        self.service.searches += 1
        if self.service.search_fault and self.service.search_fault(self, self.service.searches - 1):
            return
        wanted = set(self.get_query_argument("collections").split(","))
        box = [float(v) for v in self.get_query_argument("bbox").split(",")]
        days = self.get_query_argument("datetime", "../..").split("/")
        found = [
            i for i in self.service.items
            if i["collection"] in wanted and _meet(box, i["bbox"])
            and (days[0] == ".." or days[0] <= i["properties"]["datetime"] <= days[1])
        ]  # fmt: skip
        first = int(self.get_query_argument("token", "0"))
        limit = min(int(self.get_query_argument("limit", "10")), self.service.page)
        links = []
        if first + limit < len(found):
            query = self.request.query.split("&token=")[0]
            href = f"{self.service.api}/search?{query}&token={first + limit}"
            links.append({"rel": "next", "href": href, "type": "application/geo+json"})
        features = [self.sent(i) for i in found[first : first + limit]]
        self.answer({"type": "FeatureCollection", "features": features, "links": links})

    def sent(self, item: dict[str, Any]) -> dict[str, Any]:
        """An item with its own address, and signed where the service signs by itself."""
        href = f"{self.service.api}/collections/{item['collection']}/items/{item['id']}"
        return {**item, "links": [{"rel": "self", "href": href}]}

    def answer(self, content: dict[str, Any]) -> None:
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps(content))


def _meet(a: Iterable[float], b: Iterable[float]) -> bool:
    (w, s, e, n), (w2, s2, e2, n2) = a, b
    return w < e2 and w2 < e and s < n2 and s2 < n


def _landing(api: str) -> dict[str, Any]:
    core = "https://api.stacspec.org/v1.0.0"
    links = [
        {"rel": "self", "href": api},
        {"rel": "root", "href": api},
        {"rel": "data", "href": f"{api}/collections"},
        {"rel": "search", "href": f"{api}/search", "type": "application/geo+json", "method": "GET"},
    ]
    return {
        "type": "Catalog", "stac_version": "1.0.0", "id": "loopback", "description": "for tests",
        "links": links, "conformsTo": [f"{core}/core", f"{core}/collections", f"{core}/item-search"],
    }  # fmt: skip


def _collection(api: str, name: str) -> dict[str, Any]:
    extent = {
        "spatial": {"bbox": [[-180, -90, 180, 90]]},
        "temporal": {"interval": [["2015-06-01T00:00:00Z", None]]},
    }
    return {
        "type": "Collection", "stac_version": "1.0.0", "id": name, "description": name, "license": "other",
        "extent": extent, "links": [{"rel": "self", "href": f"{api}/collections/{name}"}],
    }  # fmt: skip


def serve(folder: Path, items: list[dict[str, Any]]) -> tuple[Service, Callable[[], None]]:
    """Start a service on a free port; items' addresses that begin with ``{root}`` get its own."""
    service = Service(folder, [])
    ready = threading.Event()
    loop = asyncio.new_event_loop()

    def run() -> None:
        asyncio.set_event_loop(loop)
        sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
        service.root = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
        own = {"service": service}
        app = tornado.web.Application(
            [(r"/api/?(.*)", _Api, own), (r"/files/(.*)", _Files, own)], log_function=lambda _: None
        )
        tornado.httpserver.HTTPServer(app).add_sockets(sockets)
        ready.set()
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    service.items = json.loads(json.dumps(items).replace("{root}", service.root))

    def stop() -> None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

    return service, stop
